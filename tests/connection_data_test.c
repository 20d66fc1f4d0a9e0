/*
 * connection_data_test.c - data, windows, EOF and CLOSE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/connection_fixture.h"

/* ---- data and windows ---- */

static void
test_data(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 0x11223344);
	struct wr w = data_message(0, 0);

	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	w = data_message(0, SSH_DATA_MAX);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_DATA);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(ev.data.n, SSH_DATA_MAX);
	assert_int_equal(ev.ext, 0);
	w = data_message(0, SSH_DATA_MAX + 1);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_PACKET);
	w = data_message(0, SSH_DATA_MAX);
	assert_int_equal(feed(f, &w), PROTO_OK);
	w = data_message(0, 1);
	assert_int_equal(feed(f, &w), PROTO_E_WINDOW_OVERRUN);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_taken(f->c, ch, 100), PROTO_OK);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_taken(f->c, ch, SSH_DATA_MAX - 100), PROTO_OK);
	EXPECT(f, "\135\21\42\63\104\0\0\200\0");
	assert_int_equal(connection_taken(f->c, ch, SSH_DATA_MAX + 1), PROTO_E_LOCAL_BUG);
	w = data_message(0, SSH_DATA_MAX);
	assert_int_equal(feed(f, &w), PROTO_OK);
	w = data_message(0, 1);
	assert_int_equal(feed(f, &w), PROTO_E_WINDOW_OVERRUN);
}

/* Of the extended types only stderr is known; others are dropped, and the window
 * they took comes back. */
static void
test_extended_data(void **state)
{
	static const uint32_t types[] = { 0, 2, 0x80000000, 0xfffffffe, 0xffffffff };
	struct fixture *f = *state;
	uint64_t given = WINDOW_MIN;
	struct wr w;

	(void)session(f, 1);
	for (int i = 0; i < 1000; i++) {
		w = on_channel(SSH_MSG_CHANNEL_EXTENDED_DATA, 0);
		wr_u32(&w, types[i % 5]);
		wr_blob(&w, fill(SSH_DATA_MAX), SIZE_MAX);
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
		while (fake_waiting(f->t) > 0) {
			struct rd r = rd_of(fake_next(f->t));

			assert_int_equal(rd_u8(&r), SSH_MSG_CHANNEL_WINDOW_ADJUST);
			assert_int_equal(rd_u32(&r), 1);
			given += rd_u32(&r);
		}
	}
	assert_true(given > 1000ull * SSH_DATA_MAX);
	w = on_channel(SSH_MSG_CHANNEL_EXTENDED_DATA, 0);
	wr_u32(&w, 1);
	wr_str(&w, "err");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_DATA);
	assert_int_equal(ev.ext, 1);
	assert_true(span_is(ev.data, "err"));
	w = on_channel(SSH_MSG_CHANNEL_EXTENDED_DATA, 0);
	wr_u32(&w, 2);
	wr_blob(&w, fill(SSH_DATA_MAX + 1), SIZE_MAX);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_PACKET);
}

static void
test_window_adjust(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 1);
	struct wr w = on_channel(SSH_MSG_CHANNEL_WINDOW_ADJUST, 0);

	wr_u32(&w, 0);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	connection_sent(f->c, ch, 1 << 20);
	assert_int_equal(connection_may_send(f->c, ch), 0);
	w = on_channel(SSH_MSG_CHANNEL_WINDOW_ADJUST, 0);
	wr_u32(&w, UINT32_MAX);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_PEER_WINDOW);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(connection_may_send(f->c, ch), UINT32_MAX);
	w = on_channel(SSH_MSG_CHANNEL_WINDOW_ADJUST, 0);
	wr_u32(&w, 1);
	assert_int_equal(feed(f, &w), PROTO_E_WINDOW_OVERFLOW);
}

/* ---- ends ---- */

static void
test_eof(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 9);
	struct wr w;

	assert_int_equal(simple(f, SSH_MSG_CHANNEL_EOF, 0), PROTO_OK);
	assert_int_equal(ev.type, CE_EOF);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_EOF, 0), PROTO_E_CHANNEL_STATE);
	w = data_message(0, 1);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_STATE);
	w = well_formed(95);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_STATE);
	/* requests and window may still come, and our side is not closed by theirs */
	w = request_message(0, "exit-status", false);
	wr_u32(&w, 3);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_REQUEST);
	assert_int_equal(ev.request.number, 3);
	assert_true(connection_may_send(f->c, ch) > 0);
	assert_int_equal(connection_eof(f->c, ch), PROTO_OK);
	EXPECT(f, "\140\0\0\0\11");
	assert_int_equal(connection_eof(f->c, ch), PROTO_OK);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_may_send(f->c, ch), 0);
}

static void
test_close_by_peer(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 9);

	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_OK);
	assert_int_equal(ev.type, CE_CLOSE);
	assert_false(connection_is_over(ch));
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_E_CHANNEL_STATE);
	for (unsigned form = 93; form <= 100; form++) {
		struct wr w = well_formed(form);

		if (form != 97)
			assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_UNKNOWN);
	}
	connection_release(f->c, ch);		/* not over: nothing happens */
	assert_int_equal(connection_count(f->c), 1);
	/* nothing but CLOSE leaves now */
	assert_int_equal(connection_eof(f->c, ch), PROTO_OK);
	assert_int_equal(connection_request(f->c, ch, 5,
	    &(struct request){ .kind = RQ_SHELL }), PROTO_OK);
	assert_int_equal(connection_may_send(f->c, ch), 0);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_close(f->c, ch), PROTO_OK);
	EXPECT(f, "\141\0\0\0\11");
	assert_true(connection_is_over(ch));
	connection_release(f->c, ch);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_E_CHANNEL_UNKNOWN);
	assert_int_equal(session(f, 10)->serial, 1002);
}

/* After our CLOSE the peer may not yet know: its messages are checked, counted,
 * dropped, until its own CLOSE. */
static void
test_close_by_us(void **state)
{
	struct fixture *f = *state;
	struct channel *ch = session(f, 9);

	assert_int_equal(connection_close(f->c, ch), PROTO_OK);
	EXPECT(f, "\141\0\0\0\11");
	assert_int_equal(connection_close(f->c, ch), PROTO_OK);
	assert_int_equal(connection_eof(f->c, ch), PROTO_OK);
	for (unsigned form = 93; form <= 98; form++) {
		struct wr w = well_formed(form);

		if (form == 96 || form == 97)
			continue;
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
		wr_u8(&w, 0);
		assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
	}
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_SUCCESS, 0), PROTO_E_UNREAD_REPLIES);
	/* eight bytes came; the rest of the window, and not one byte more */
	for (size_t left = WINDOW_MIN - 8; left > 0;) {
		size_t n = left < 1000 ? left : 1000;
		struct wr w = data_message(0, n);

		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
		left -= n;
	}
	{
		struct wr w = data_message(0, 1);

		assert_int_equal(feed(f, &w), PROTO_E_WINDOW_OVERRUN);
	}
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_EOF, 0), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_EOF, 0), PROTO_E_CHANNEL_STATE);
	EXPECT_NOTHING(f);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_OK);
	assert_int_equal(ev.type, CE_CLOSE);
	assert_true(connection_is_over(ch));
	connection_release(f->c, ch);
	EXPECT_NOTHING(f);
}

/* A number is free only when CLOSE went both ways; a serial never comes again. */
static void
test_numbers(void **state)
{
	struct fixture *f = *state;
	uint64_t serial = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		struct channel *ch = session(f, i);

		assert_int_equal(ch->local, 0);
		assert_true(ch->serial > serial);
		serial = ch->serial;
		assert_int_equal(connection_close(f->c, ch), PROTO_OK);
		ch = session(f, i);
		assert_int_equal(ch->local, 1);
		assert_int_equal(connection_close(f->c, ch), PROTO_OK);
		assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 1), PROTO_OK);
		connection_release(f->c, ev.channel);
		assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_OK);
		connection_release(f->c, ev.channel);
		fake_skip(f->t);
	}
	assert_int_equal(connection_count(f->c), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_data), T(test_extended_data), T(test_window_adjust), T(test_eof),
		T(test_close_by_peer), T(test_close_by_us), T(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
