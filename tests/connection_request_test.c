/*
 * connection_request_test.c - requests of either side, and the order of replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/connection_fixture.h"

/* ---- requests of the peer ---- */

static void
test_request(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 9);
	struct wr w = request_message(0, "exec", true);

	wr_str(&w, "true");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_REQUEST);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(ev.request.kind, RQ_EXEC);
	assert_true(span_is(ev.request.name, "true"));
	assert_int_not_equal(ev.question, 0);
	assert_true(connection_has_question(f->c, ev.question));
	assert_false(connection_has_question(f->c, 0));
	assert_false(connection_has_question(f->c, ev.question + 1));
	assert_int_equal(connection_answer(f->c, ev.question + 1, true, fill(0)), PROTO_OK);
	assert_int_equal(connection_answer(f->c, 0, true, fill(0)), PROTO_OK);
	EXPECT_NOTHING(f);
	/* only global replies carry a payload */
	assert_int_equal(connection_answer(f->c, ev.question, true, fill(10)), PROTO_OK);
	EXPECT(f, "\143\0\0\0\11");
	assert_false(connection_has_question(f->c, ev.question));
	assert_int_equal(connection_answer(f->c, ev.question, true, fill(0)), PROTO_OK);
	EXPECT_NOTHING(f);
	w = request_message(0, "shell", false);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_REQUEST);
	assert_int_equal(ev.question, 0);
}

/* What is answered without asking: news, what is too long, keepalives. */
static void
test_request_inside(void **state)
{
	struct fixture *f = *state;
	struct wr w;

	(void)session(f, 9);
	w = request_message(0, "window-change", true);
	for (int i = 0; i < 4; i++)
		wr_u32(&w, 1);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_REQUEST);
	assert_int_equal(ev.question, 0);
	EXPECT(f, "\143\0\0\0\11");
	w = request_message(0, "env", true);
	wr_str(&w, "A");
	wr_blob(&w, fill(REQUEST_ENV_VALUE_MAX + 1), SIZE_MAX);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT(f, "\144\0\0\0\11");
	w = request_message(0, "env", false);
	wr_str(&w, "A");
	wr_blob(&w, fill(REQUEST_ENV_VALUE_MAX + 1), SIZE_MAX);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT_NOTHING(f);
	w = request_message(0, KEEPALIVE, true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT(f, "\144\0\0\0\11");
	w = request_message(0, "x@example.org", true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_REQUEST);
	assert_int_equal(ev.request.kind, RQ_OTHER);
	assert_true(span_is(ev.request.name, "x@example.org"));
	/* an answer made inside still waits for its turn */
	w = request_message(0, KEEPALIVE, true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_answer(f->c, 1, true, fill(0)), PROTO_OK);
	EXPECT(f, "\143\0\0\0\11");
	EXPECT(f, "\144\0\0\0\11");
}

static void
test_too_many_questions(void **state)
{
	struct fixture *f = *state;
	struct wr w;

	(void)session(f, 9);
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		assert_false(connection_is_full(f->c));
		w = i % 2 ? request_message(0, "shell", true) : global_message("x", true);
		assert_int_equal(feed(f, &w), PROTO_OK);
	}
	assert_true(connection_is_full(f->c));
	w = request_message(0, "shell", true);
	assert_int_equal(feed(f, &w), PROTO_E_TOO_MANY_HELD);
	w = request_message(0, KEEPALIVE, true);
	assert_int_equal(feed(f, &w), PROTO_E_TOO_MANY_HELD);
	w = global_message("x", true);
	assert_int_equal(feed(f, &w), PROTO_E_TOO_MANY_HELD);
	w = open_message(span_str("session"), 3, 0, 32768);
	assert_int_equal(feed(f, &w), PROTO_E_TOO_MANY_HELD);
	assert_int_equal(connection_answer(f->c, 64, true, fill(0)), PROTO_OK);
	/* answered, but not its turn: still held */
	assert_true(connection_is_full(f->c));
	assert_int_equal(connection_answer(f->c, 1, true, fill(0)), PROTO_OK);
	assert_false(connection_is_full(f->c));
}

/* Opens that wait for the application are held like requests. */
static void
test_too_many_asked(void **state)
{
	struct connection_config many = config;
	struct fixture *f;
	struct wr w = open_message(span_str("session"), 3, 0, 32768);

	(void)tear_down(state);
	many.channel_max = 100;
	*state = f = fixture_new(&many);
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		assert_false(connection_is_full(f->c));
		assert_int_equal(feed(f, &w), PROTO_OK);
	}
	assert_true(connection_is_full(f->c));
	assert_int_equal(feed(f, &w), PROTO_E_TOO_MANY_HELD);
	assert_int_equal(connection_refuse(f->c, connection_find(f->c, 1000), 1, fill(0)),
	    PROTO_OK);
	assert_int_equal(connection_grant(f->c, connection_find(f->c, 1002)), PROTO_OK);
	assert_int_equal(connection_close(f->c, connection_find(f->c, 1004)), PROTO_OK);
	assert_int_equal(f->c->asked, QUESTIONS_MAX - 3);
}

/* The answers come in random order, the replies in the order of the requests, each
 * with its own word, on every channel and for global requests. */
static void
test_reply_order(void **state)
{
	enum { N = 60, LANES = 4 };
	struct fixture *f = *state;
	uint32_t r = 12345;

	for (uint32_t i = 0; i < LANES - 1; i++)
		assert_int_equal(session(f, i)->local, i);
	for (int round = 0; round < 200; round++) {
		uint64_t question[N], left[N];
		int lane[N], sent[LANES] = { 0 };
		size_t n_left = N;

		for (int i = 0; i < N; i++) {
			struct wr w;

			r = r * 1664525 + 1013904223;
			lane[i] = (int)(r >> 16) % LANES;
			w = lane[i] == 3 ? global_message("x", true) :
			    request_message((uint32_t)lane[i], "shell", true);
			assert_int_equal(feed(f, &w), PROTO_OK);
			question[i] = left[i] = ev.question;
		}
		EXPECT_NOTHING(f);
		while (n_left > 0) {
			size_t k;
			uint8_t word[8] = { 0 };

			r = r * 1664525 + 1013904223;
			k = (r >> 8) % n_left;
			memcpy(word, &left[k], 8);
			/* yes or no, and what: all from the question's serial */
			assert_int_equal(connection_answer(f->c, left[k], left[k] % 3 != 0,
			    span_of(word, 8)), PROTO_OK);
			left[k] = left[--n_left];
			while (fake_waiting(f->t) > 0) {
				struct rd m = rd_of(fake_next(f->t));
				uint8_t number = rd_u8(&m);
				int from = number <= 82 ? 3 : (int)rd_u32(&m);
				bool ok = number == 81 || number == 99;
				int i = sent[from];

				while (lane[i] != from)
					i++;
				sent[from] = i + 1;
				assert_int_equal(ok, question[i] % 3 != 0);
				if (number == 81)
					assert_true(span_eq(rd_rest(&m),
					    span_of(&question[i], 8)));
				assert_true(rd_done(&m));
			}
		}
		assert_int_equal(f->c->questions.n, 0);
		assert_int_equal(f->c->questions.held, 0);
	}
}

/* What nobody waits for any more is gone, and its late answer is dropped. */
static void
test_questions_end_with_channel(void **state)
{
	for (int by_us = 0; by_us < 2; by_us++) {
		struct fixture *f = *state;
		struct channel *one = session(f, 1), *two = session(f, 2);
		struct wr w = request_message(one->local, "shell", true);
		uint64_t q1, q2;

		assert_int_equal(feed(f, &w), PROTO_OK);
		q1 = ev.question;
		w = request_message(two->local, "shell", true);
		assert_int_equal(feed(f, &w), PROTO_OK);
		q2 = ev.question;
		if (by_us)
			assert_int_equal(connection_close(f->c, one), PROTO_OK);
		else
			assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, one->local),
			    PROTO_OK);
		fake_skip(f->t);
		assert_false(connection_has_question(f->c, q1));
		assert_true(connection_has_question(f->c, q2));
		assert_int_equal(connection_answer(f->c, q1, true, fill(0)), PROTO_OK);
		EXPECT_NOTHING(f);
		assert_int_equal(connection_answer(f->c, q2, true, fill(0)), PROTO_OK);
		EXPECT(f, "\143\0\0\0\2");
	}
}

/* ---- our requests ---- */

static void
test_calls(void **state)
{
	struct fixture *f = *state;
	struct channel *one = session(f, 1), *two = session(f, 2);
	struct request shell = { .kind = RQ_SHELL };
	struct wr w;

	assert_int_equal(simple(f, SSH_MSG_CHANNEL_SUCCESS, 0), PROTO_E_UNREAD_REPLIES);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_FAILURE, 0), PROTO_E_UNREAD_REPLIES);
	w = message(SSH_MSG_REQUEST_FAILURE);
	assert_int_equal(feed(f, &w), PROTO_E_UNREAD_REPLIES);
	assert_int_equal(connection_request(f->c, one, 0, &shell), PROTO_OK);
	EXPECT(f, "\142\0\0\0\1\0\0\0\5shell\0");
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_SUCCESS, 0), PROTO_E_UNREAD_REPLIES);
	assert_int_equal(connection_request(f->c, one, 11, &shell), PROTO_OK);
	EXPECT(f, "\142\0\0\0\1\0\0\0\5shell\1");
	assert_int_equal(connection_request(f->c, one, 11, &shell), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_request(f->c, two, 12, &shell), PROTO_OK);
	assert_int_equal(connection_request(f->c, one, 13, &shell), PROTO_OK);
	assert_int_equal(connection_global(f->c, 14, span_str("tcpip-forward"),
	    span_str("x")), PROTO_OK);
	fake_skip(f->t);
	w = message(SSH_MSG_REQUEST_SUCCESS);
	wr_u32(&w, 4711);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_CALL_DONE);
	assert_int_equal(ev.call, 14);
	assert_null(ev.channel);
	assert_true(ev.ok);
	assert_int_equal(ev.payload.n, 4);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_FAILURE, 0), PROTO_OK);
	assert_int_equal(ev.call, 11);
	assert_false(ev.ok);
	assert_ptr_equal(ev.channel, one);
	/* an answer that crosses our CLOSE still is one */
	assert_int_equal(connection_close(f->c, one), PROTO_OK);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_SUCCESS, 0), PROTO_OK);
	assert_int_equal(ev.call, 13);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_SUCCESS, 0), PROTO_E_UNREAD_REPLIES);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_SUCCESS, 1), PROTO_OK);
	assert_int_equal(ev.call, 12);
	assert_true(ev.ok);
	assert_int_equal(connection_global(f->c, 15, span_str("x"), fill(0)), PROTO_OK);
	w = message(SSH_MSG_REQUEST_SUCCESS);
	wr_raw(&w, fill(CHANNEL_EXTRA_MAX));
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.payload.n, CHANNEL_EXTRA_MAX);
	w = message(SSH_MSG_REQUEST_SUCCESS);
	wr_raw(&w, fill(CHANNEL_EXTRA_MAX + 1));
	assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
}

static void
test_too_many_calls(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 1);
	struct request shell = { .kind = RQ_SHELL };

	for (uint64_t i = 1; i <= CALLS_MAX; i++) {
		assert_true(connection_can_call(f->c));
		assert_int_equal(connection_request(f->c, ch, i, &shell), PROTO_OK);
		fake_skip(f->t);
	}
	assert_false(connection_can_call(f->c));
	assert_int_equal(connection_request(f->c, ch, CALLS_MAX + 1, &shell), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_request(f->c, ch, 0, &shell), PROTO_OK);
	/* a channel takes its calls with it */
	assert_int_equal(connection_close(f->c, ch), PROTO_OK);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_OK);
	connection_release(f->c, ch);
	assert_int_equal(f->c->calls.n, 0);
	assert_int_equal(connection_request(f->c, session(f, 1), CALLS_MAX + 2,
	    &(struct request){ .kind = RQ_EXEC, .name = fill(REQUEST_COMMAND_MAX) }),
	    PROTO_OK);
}

static void
test_our_globals(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(connection_global(f->c, 0, span_str("x"), span_str("pay")), PROTO_OK);
	EXPECT(f, "\120\0\0\0\1x\0pay");
	assert_int_equal(f->c->calls.n, 0);
	assert_int_equal(connection_global(f->c, 3, span_str("x"), span_str("pay")), PROTO_OK);
	EXPECT(f, "\120\0\0\0\1x\1pay");
	assert_int_equal(connection_global(f->c, 3, span_str("x"), fill(0)),
	    PROTO_E_LOCAL_BUG);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_global(f->c, 4, fill(NAME_MAX_LEN),
	    fill(CHANNEL_EXTRA_MAX)), PROTO_OK);
	assert_int_equal(fake_next(f->t).n, 1 + 4 + NAME_MAX_LEN + 1 + CHANNEL_EXTRA_MAX);
	assert_int_not_equal(connection_global(f->c, 0, fill(NAME_MAX_LEN + 1), fill(0)),
	    PROTO_OK);
	assert_int_not_equal(connection_global(f->c, 0, span_str("x"),
	    fill(CHANNEL_EXTRA_MAX + 1)), PROTO_OK);
}

/* ---- global requests of the peer ---- */

static void
test_global(void **state)
{
	struct fixture *f = *state;
	struct wr w = global_message("tcpip-forward", true);

	wr_str(&w, "payload");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_GLOBAL);
	assert_true(span_is(ev.kind, "tcpip-forward"));
	assert_int_equal(ev.payload.n, 11);
	/* keepalive must wait for its turn, then fail, as every client expects */
	w = global_message(KEEPALIVE, true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_answer(f->c, 1, true, span_of("\0\0\1\2", 4)), PROTO_OK);
	EXPECT(f, "\121\0\0\1\2");
	EXPECT(f, "\122");
	w = global_message("x", true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(connection_answer(f->c, ev.question, false, fill(10)), PROTO_OK);
	EXPECT(f, "\122");
	EXPECT_NOTHING(f);
	/* the longest answer, and one longer */
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(connection_answer(f->c, ev.question, true,
	    fill(CHANNEL_EXTRA_MAX + 1)), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_answer(f->c, ev.question, true,
	    fill(CHANNEL_EXTRA_MAX)), PROTO_OK);
	assert_int_equal(fake_next(f->t).n, 1 + CHANNEL_EXTRA_MAX);
}

static void
test_global_inside(void **state)
{
	static const char *const silent[] = { KEEPALIVE, "no-more-sessions@openssh.com" };
	static const char *const told[] = { "whatever@example.org", "cancel-tcpip-forward", "",
	    "hostkeys-00@openssh.com" };
	struct fixture *f = *state;
	struct wr w;

	for (size_t i = 0; i < 2; i++) {
		w = global_message(silent[i], false);
		wr_raw(&w, fill(1000));
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
		EXPECT_NOTHING(f);
	}
	w = global_message("hostkeys-00@openssh.com", true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT(f, "\122");
	w = global_message("x", true);
	wr_raw(&w, fill(CHANNEL_EXTRA_MAX + 1));
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT(f, "\122");
	w = global_message("x", true);
	wr_raw(&w, fill(CHANNEL_EXTRA_MAX));
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_GLOBAL);
	/* news is told, and there is nothing to answer */
	for (size_t i = 0; i < 4; i++) {
		w = global_message(told[i], false);
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_GLOBAL);
		assert_int_equal(ev.question, 0);
		EXPECT_NOTHING(f);
	}
	w = message(SSH_MSG_GLOBAL_REQUEST);
	wr_blob(&w, fill(NAME_MAX_LEN + 1), SIZE_MAX);
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_request), T(test_request_inside), T(test_too_many_questions),
		T(test_too_many_asked), T(test_reply_order),
		T(test_questions_end_with_channel), T(test_calls), T(test_too_many_calls),
		T(test_our_globals), T(test_global), T(test_global_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
