/*
 * connection_test.c - the form of messages, and opens from either side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <cmocka.h>

#include "tests/connection_fixture.h"

/* ---- form ---- */

static void
test_truncations(void **state)
{
	struct fixture *f = *state;

	(void)session(f, 1);
	for (unsigned form = 80; form <= 100; form++) {
		struct wr w = well_formed(form);
		size_t whole = w.n;
		/* these end in bytes without a length of their own */
		size_t from = form == 80 ? 1 + 4 + 13 + 1 : form == 81 ? 1 : whole;

		if (form > 82 && form < 90)
			continue;
		for (size_t n = 1; n < from; n++) {
			w.n = n;
			assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
			assert_int_equal(ev.type, CE_NONE);
		}
		w.n = whole;
		wr_u8(&w, 0);
		if (form == 80 || form == 81 || form == 90 || form == 91)
			continue;
		assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
		assert_int_equal(ev.type, CE_NONE);
	}
	EXPECT_NOTHING(f);
	assert_int_equal(connection_count(f->c), 1);
}

static void
test_wrong_number(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < 256; n++) {
		struct wr w = message((uint8_t)n);

		if (n >= 80 && n <= 100 && (n <= 82 || n >= 90))
			continue;
		assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_ORDER);
	}
	assert_int_equal(feed(f, &(struct wr){ buf, 0, 0, false }), PROTO_E_MESSAGE_ORDER);
}

/* Every message that names a channel, for numbers that are none. */
static void
test_unknown_channel(void **state)
{
	static const uint32_t numbers[] = { 0, 1, 3, 4, 9, 10, 1024, 0x7fffffff, UINT32_MAX };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		for (unsigned form = 91; form <= 100; form++) {
			struct wr w = well_formed(form);
			struct wr number = wr_of(buf + 1, 4);

			wr_u32(&number, numbers[i]);
			assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_UNKNOWN);
		}
	EXPECT_NOTHING(f);
}

/* The same for a channel that we have not granted, and one we have but asked for. */
static void
test_half_open_channel(void **state)
{
	struct fixture *f = *state;
	struct wr w = open_message(span_str("session"), 7, 1, 32768);

	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.channel->local, 0);
	for (unsigned form = 91; form <= 100; form++) {
		w = well_formed(form);
		assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_UNKNOWN);
	}
	assert_int_equal(connection_refuse(f->c, connection_find(f->c, 1000), 1, fill(0)),
	    PROTO_OK);
	assert_int_equal(connection_open(f->c, 1, span_str("session"), fill(0), any_size), PROTO_OK);
	for (unsigned form = 93; form <= 100; form++) {
		w = well_formed(form);
		assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_UNKNOWN);
	}
}

/* ---- the peer opens ---- */

static void
test_grant(void **state)
{
	struct fixture *f = *state;
	struct wr w = open_message(span_str("direct-tcpip"), 0x01020304, 5, UINT32_MAX);
	struct channel *ch;

	wr_str(&w, "extra");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_ASKED);
	assert_true(span_is(ev.kind, "direct-tcpip"));
	assert_int_equal(ev.payload.n, 9);
	ch = ev.channel;
	assert_int_equal(ch->serial, 1000);
	assert_false(ch->is_session);
	assert_int_equal(ch->peer_packet, SSH_DATA_MAX);
	assert_int_equal(connection_may_send(f->c, ch), 0);
	assert_ptr_equal(connection_find(f->c, 1000), ch);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_grant(f->c, ch), PROTO_OK);
	EXPECT(f, "\133\1\2\3\4\0\0\0\0\0\1\0\0\0\0\200\0");
	assert_int_equal(connection_may_send(f->c, ch), 5);
	assert_int_equal(connection_grant(f->c, ch), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_refuse(f->c, ch, 1, fill(0)), PROTO_E_LOCAL_BUG);
	ch = session(f, 1);
	assert_int_equal(ch->serial, 1002);
	assert_true(ch->is_session);
}

static void
test_refuse(void **state)
{
	struct fixture *f = *state;
	struct wr w = open_message(span_str("x11"), 9, 5, 32768);

	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(connection_refuse(f->c, ev.channel, 3, span_str("no")), PROTO_OK);
	EXPECT(f, "\134\0\0\0\11\0\0\0\3\0\0\0\2no\0\0\0\0");
	assert_int_equal(connection_count(f->c), 0);
	/* an application that closes instead of refusing */
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(connection_close(f->c, ev.channel), PROTO_OK);
	assert_int_equal(fake_next(f->t).p[0], SSH_MSG_CHANNEL_OPEN_FAILURE);
	assert_int_equal(connection_close(f->c, ev.channel), PROTO_OK);
	assert_int_equal(connection_grant(f->c, ev.channel), PROTO_E_LOCAL_BUG);
	EXPECT_NOTHING(f);
	assert_true(connection_is_over(ev.channel));
	connection_release(f->c, ev.channel);
	assert_int_equal(connection_count(f->c), 0);
	/* a long reason is cut, not an end */
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(connection_refuse(f->c, ev.channel, 3, fill(5000)), PROTO_OK);
	assert_int_equal(fake_next(f->t).n, 1 + 4 + 4 + 4 + 1024 + 4);
}

static void
refused_inside(struct fixture *f, const struct wr *w, uint8_t reason)
{
	size_t before = connection_count(f->c);
	struct span s;

	assert_int_equal(feed(f, w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	s = fake_next(f->t);
	assert_true(s.n > 9);
	assert_int_equal(s.p[0], SSH_MSG_CHANNEL_OPEN_FAILURE);
	assert_int_equal(s.p[4], 7);
	assert_int_equal(s.p[8], reason);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_count(f->c), before);
}

static void
test_refused_inside(void **state)
{
	static const uint32_t tiny[] = { 0, 1, CHANNEL_PACKET_MIN - 1 };
	struct fixture *f = *state;
	struct wr w;

	for (size_t i = 0; i < 3; i++) {
		w = open_message(span_str("session"), 7, UINT32_MAX, tiny[i]);
		refused_inside(f, &w, 1);
	}
	w = open_message(span_str("x"), 7, 0, 32768);
	wr_raw(&w, fill(CHANNEL_EXTRA_MAX + 1));
	refused_inside(f, &w, 4);
	w = open_message(fill(NAME_MAX_LEN + 1), 7, 0, 32768);
	assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
	/* the bounds themselves */
	w = open_message(fill(NAME_MAX_LEN), 7, 0, CHANNEL_PACKET_MIN);
	wr_raw(&w, fill(CHANNEL_EXTRA_MAX));
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_ASKED);
	assert_int_equal(ev.channel->peer_packet, CHANNEL_PACKET_MIN);
	while (connection_can_open(f->c))
		(void)session(f, 1);
	assert_int_equal(connection_count(f->c), config.channel_max);
	w = open_message(span_str("session"), 7, 0, 32768);
	refused_inside(f, &w, 4);
	assert_int_equal(connection_open(f->c, 5, span_str("session"), fill(0), any_size),
	    PROTO_E_LOCAL_BUG);
}

static void
test_no_more_sessions(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 1);
	struct wr w = global_message("no-more-sessions@openssh.com", false);

	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT_NOTHING(f);
	w = open_message(span_str("session"), 7, 0, 32768);
	refused_inside(f, &w, 1);
	/* what is open stays, and so do other types */
	w = data_message(ch->local, 1);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_DATA);
	w = open_message(span_str("direct-tcpip"), 7, 0, 32768);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_ASKED);
	w = global_message("no-more-sessions@openssh.com", true);
	assert_int_equal(feed(f, &w), PROTO_OK);
	EXPECT(f, "\121");
}

/* As many as one likes, one after the other, of each sort: the same memory. */
static void
test_endless_opens(void **state)
{
	struct fixture *f = *state;
	size_t before = 0;

	for (uint32_t i = 0; i < 100000; i++) {
		struct wr w = open_message(span_str("session"), i, 0, i % 3 == 0 ? 0 : 32768);

		f->t->packets_in++;
		assert_int_equal(connection_packet(f->c, wr_span(&w), now, &ev), PROTO_OK);
		if (i % 3 == 1)
			assert_int_equal(connection_refuse(f->c, ev.channel, 1,
			    span_str("no")), PROTO_OK);
		if (i % 3 == 2) {
			assert_int_equal(connection_grant(f->c, ev.channel), PROTO_OK);
			assert_int_equal(connection_close(f->c, ev.channel), PROTO_OK);
			w = on_channel(SSH_MSG_CHANNEL_CLOSE, ev.channel->local);
			assert_int_equal(connection_packet(f->c, wr_span(&w), now, &ev),
			    PROTO_OK);
			assert_int_equal(ev.type, CE_CLOSE);
			assert_true(connection_is_over(ev.channel));
			connection_release(f->c, ev.channel);
		}
		assert_int_equal(connection_count(f->c), 0);
		fake_skip(f->t);
		if (i == 3 * FAKE_KEPT)
			before = mallinfo2().uordblks;
	}
	/* the recording transport keeps the last messages, of two sizes */
	assert_true(mallinfo2().uordblks < before + 64 * 1024);
	assert_int_equal(f->c->channels.cap, 4);
}

/* ---- we open ---- */

static void
test_open(void **state)
{
	struct fixture *f = *state;
	struct channel *ch;
	struct wr w;

	assert_int_equal(connection_open(f->c, 77, span_str("session"), span_str("ex"), any_size),
	    PROTO_OK);
	EXPECT(f, "\132\0\0\0\7session\0\0\0\0\0\1\0\0\0\0\200\0ex");
	assert_int_equal(connection_open(f->c, 77, span_str("session"), fill(0), any_size),
	    PROTO_E_LOCAL_BUG);
	ch = connection_find(f->c, 77);
	assert_non_null(ch);
	assert_int_equal(connection_may_send(f->c, ch), 0);
	assert_int_equal(connection_eof(f->c, ch), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_grant(f->c, ch), PROTO_E_LOCAL_BUG);
	w = on_channel(SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);
	wr_u32(&w, 0xa0b0c0d0);
	wr_u32(&w, 100);
	wr_u32(&w, 32767);
	wr_str(&w, "more");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_OPENED);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(ev.payload.n, 8);
	assert_int_equal(ch->peer_packet, 32767);
	assert_true(ch->is_session);
	assert_int_equal(connection_may_send(f->c, ch), 100);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_STATE);
	w = well_formed(92);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_STATE);
	assert_int_equal(connection_eof(f->c, ch), PROTO_OK);
	EXPECT(f, "\140\240\260\300\320");
}

/* Announced, and held against the peer. */
static void
test_open_with_limits(void **state)
{
	struct fixture *f = *state;
	struct wr w;

	assert_int_equal(connection_open(f->c, 77, span_str("x"), fill(0),
	    (struct channel_limits){ 40000, 5000 }), PROTO_OK);
	EXPECT(f, "\132\0\0\0\1x\0\0\0\0\0\0\234\100\0\0\23\210");
	w = well_formed(91);
	assert_int_equal(feed(f, &w), PROTO_OK);
	w = data_message(0, 5000);
	assert_int_equal(feed(f, &w), PROTO_OK);
	w = data_message(0, 5001);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_PACKET);
	for (int i = 1; i < 8; i++) {
		w = data_message(0, 5000);
		assert_int_equal(feed(f, &w), PROTO_OK);
	}
	w = data_message(0, 1);
	assert_int_equal(feed(f, &w), PROTO_E_WINDOW_OVERRUN);
}

static void
test_open_failure(void **state)
{
	struct fixture *f = *state;
	struct wr w;

	assert_int_equal(connection_open(f->c, 77, span_str("session"), fill(0), any_size), PROTO_OK);
	w = on_channel(SSH_MSG_CHANNEL_OPEN_FAILURE, 0);
	wr_u32(&w, 4);
	wr_blob(&w, fill(5000), SIZE_MAX);
	wr_str(&w, "en");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NOT_OPENED);
	assert_int_equal(ev.reason, 4);
	assert_int_equal(ev.text.n, 1024);
	assert_int_equal(ev.channel->serial, 77);
	assert_true(connection_is_over(ev.channel));
	connection_release(f->c, ev.channel);
	assert_int_equal(connection_count(f->c), 0);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_UNKNOWN);
}

static void
test_open_confirmation_bounds(void **state)
{
	static const uint32_t tiny[] = { 0, 1, CHANNEL_PACKET_MIN - 1 };
	struct fixture *f = *state;

	assert_int_equal(connection_open(f->c, 77, span_str("x"), fill(0), any_size), PROTO_OK);
	for (size_t i = 0; i < 4; i++) {
		struct wr w = on_channel(SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);

		wr_u32(&w, 1);
		wr_u32(&w, 1);
		wr_u32(&w, i < 3 ? tiny[i] : 32768);
		if (i == 3)
			wr_raw(&w, fill(CHANNEL_EXTRA_MAX + 1));
		assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
	}
	assert_int_not_equal(connection_open(f->c, 78, fill(NAME_MAX_LEN + 1), fill(0), any_size),
	    PROTO_OK);
	assert_int_not_equal(connection_open(f->c, 79, fill(1), fill(CHANNEL_EXTRA_MAX + 1), any_size),
	    PROTO_OK);
	assert_int_equal(connection_open(f->c, 80, fill(NAME_MAX_LEN),
	    fill(CHANNEL_EXTRA_MAX), any_size), PROTO_OK);
	{
		struct wr w = on_channel(SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);

		wr_u32(&w, 1);
		wr_u32(&w, 1);
		wr_u32(&w, CHANNEL_PACKET_MIN);
		wr_raw(&w, fill(CHANNEL_EXTRA_MAX));
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.channel->peer_packet, CHANNEL_PACKET_MIN);
	}
}

/* Given up before the peer has said its word: closed as soon as it has. */
static void
test_open_given_up(void **state)
{
	struct fixture *f = *state;
	struct channel *ch;
	struct wr w;

	assert_int_equal(connection_open(f->c, 77, span_str("x"), fill(0), any_size), PROTO_OK);
	fake_skip(f->t);
	ch = connection_find(f->c, 77);
	assert_int_equal(connection_close(f->c, ch), PROTO_OK);
	EXPECT_NOTHING(f);
	connection_release(f->c, ch);		/* too early: nothing happens */
	assert_ptr_equal(connection_find(f->c, 77), ch);
	w = well_formed(91);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	EXPECT(f, "\141\0\0\0\7");
	w = data_message(0, 10);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_OK);
	assert_int_equal(ev.type, CE_CLOSE);
	connection_release(f->c, ch);
	assert_int_equal(connection_count(f->c), 0);

	assert_int_equal(connection_open(f->c, 78, span_str("x"), fill(0), any_size), PROTO_OK);
	fake_skip(f->t);
	assert_int_equal(connection_close(f->c, connection_find(f->c, 78)), PROTO_OK);
	w = well_formed(92);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NOT_OPENED);
	EXPECT_NOTHING(f);
	connection_release(f->c, ev.channel);
	assert_int_equal(connection_count(f->c), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_truncations), T(test_wrong_number), T(test_unknown_channel),
		T(test_half_open_channel), T(test_grant), T(test_refuse),
		T(test_refused_inside), T(test_no_more_sessions), T(test_endless_opens),
		T(test_open), T(test_open_with_limits), T(test_open_failure), T(test_open_confirmation_bounds),
		T(test_open_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
