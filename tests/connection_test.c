/*
 * connection_test.c - RFC 4254 as a whole: a hostile peer first, then opens, data,
 * ends, requests and the order of replies, keepalive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <cmocka.h>

#include "proto/connection_state.h"
#include "proto/request.h"
#include "tests/fake_transport.h"

struct fixture {
	struct transport *t;
	struct connection *c;
};

static uint8_t buf[128 * 1024];
static uint8_t filler[64 * 1024];
static uint64_t now;
static struct connection_event ev;

static const struct connection_config config = { .channel_max = 10, .window = 2 << 20,
    .window_sum = 16 << 20, .first_serial = 1000 };

static struct fixture *
fixture_new(const struct connection_config *cfg)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memset(filler, 'x', sizeof(filler));
	now = 1000000;
	f->t = fake_new();
	f->c = connection_new(f->t, cfg, now);
	assert_non_null(f->c);
	return f;
}

static int
set_up(void **state)
{
	*state = fixture_new(&config);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	connection_free(f->c);
	fake_free(f->t);
	free(f);
	return 0;
}

static struct span
fill(size_t n)
{
	return span_of(filler, n);
}

static struct wr
message(uint8_t number)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, number);
	return w;
}

/* What w says is fed from a buffer of that size; spans in ev then show w. */
static enum proto_error
feed(struct fixture *f, const struct wr *w)
{
	uint8_t *p = malloc(w->n > 0 ? w->n : 1);
	struct span *all[] = { &ev.kind, &ev.payload, &ev.data, &ev.text, &ev.request.name,
	    &ev.request.value };
	enum proto_error e;

	assert_non_null(p);
	assert_false(w->bad);
	memcpy(p, w->p, w->n);
	f->t->packets_in++;
	e = connection_packet(f->c, span_of(p, w->n), now, &ev);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->n > 0)
			all[i]->p = w->p + (all[i]->p - p);
	free(p);
	return e;
}

static void
expect_sent(struct fixture *f, const char *bytes, size_t n)
{
	struct span s = fake_next(f->t);

	assert_int_equal(s.n, n);
	assert_memory_equal(s.p, bytes, n);
}
#define EXPECT(f, bytes) expect_sent(f, bytes, sizeof(bytes) - 1)
#define EXPECT_NOTHING(f) assert_int_equal(fake_waiting((f)->t), 0)

static struct wr
open_message(struct span type, uint32_t number, uint32_t window, uint32_t packet)
{
	struct wr w = message(SSH_MSG_CHANNEL_OPEN);

	wr_blob(&w, type, SIZE_MAX);
	wr_u32(&w, number);
	wr_u32(&w, window);
	wr_u32(&w, packet);
	return w;
}

/* A session that the peer opened as its number, granted. */
static struct channel *
session(struct fixture *f, uint32_t number)
{
	struct wr w = open_message(span_str("session"), number, 1 << 20, 32768);
	struct channel *ch;

	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_ASKED);
	ch = ev.channel;
	assert_int_equal(connection_grant(f->c, ch), PROTO_OK);
	fake_skip(f->t);
	return ch;
}

static struct wr
on_channel(uint8_t number, uint32_t local)
{
	struct wr w = message(number);

	wr_u32(&w, local);
	return w;
}

static struct wr
data_message(uint32_t local, size_t n)
{
	struct wr w = on_channel(SSH_MSG_CHANNEL_DATA, local);

	wr_blob(&w, fill(n), SIZE_MAX);
	return w;
}

static struct wr
request_message(uint32_t local, const char *type, bool want_reply)
{
	struct wr w = on_channel(SSH_MSG_CHANNEL_REQUEST, local);

	wr_str(&w, type);
	wr_u8(&w, want_reply);
	return w;
}

static struct wr
global_message(const char *kind, bool want_reply)
{
	struct wr w = message(SSH_MSG_GLOBAL_REQUEST);

	wr_str(&w, kind);
	wr_u8(&w, want_reply);
	return w;
}

static enum proto_error
simple(struct fixture *f, uint8_t number, uint32_t local)
{
	struct wr w = on_channel(number, local);

	return feed(f, &w);
}

/* ---- form ---- */

/* One well-formed message of each number, for channel 0. */
static struct wr
well_formed(unsigned form)
{
	struct wr w = on_channel((uint8_t)form, 0);

	switch (form) {
	case 80:
		w = global_message("tcpip-forward", true);
		wr_str(&w, "localhost");
		wr_u32(&w, 0);
		return w;
	case 81:
	case 82:
		return message((uint8_t)form);
	case 90:
		return open_message(span_str("session"), 7, 1, 32768);
	case 91:
		wr_u32(&w, 7);
		wr_u32(&w, 1);
		wr_u32(&w, 32768);
		return w;
	case 92:
		wr_u32(&w, 1);
		wr_str(&w, "no");
		wr_str(&w, "en");
		return w;
	case 93:
		wr_u32(&w, 1);
		return w;
	case 94:
		wr_str(&w, "data");
		return w;
	case 95:
		wr_u32(&w, 1);
		wr_str(&w, "data");
		return w;
	case 98:
		wr_str(&w, "exec");
		wr_u8(&w, 1);
		wr_str(&w, "true");
		return w;
	default:
		return w;
	}
}

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
	assert_int_equal(connection_open(f->c, 1, span_str("session"), fill(0)), PROTO_OK);
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
	assert_int_equal(session(f, 1)->serial, 1002);
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
	assert_int_equal(connection_open(f->c, 5, span_str("session"), fill(0)),
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

	assert_int_equal(connection_open(f->c, 77, span_str("session"), span_str("ex")),
	    PROTO_OK);
	EXPECT(f, "\132\0\0\0\7session\0\0\0\0\0\1\0\0\0\0\200\0ex");
	assert_int_equal(connection_open(f->c, 77, span_str("session"), fill(0)),
	    PROTO_E_LOCAL_BUG);
	ch = connection_find(f->c, 77);
	assert_non_null(ch);
	assert_int_equal(connection_may_send(f->c, ch), 0);
	assert_int_equal(connection_eof(f->c, ch), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_grant(f->c, ch), PROTO_E_LOCAL_BUG);
	w = on_channel(SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);
	wr_u32(&w, 0xa0b0c0d0);
	wr_u32(&w, 100);
	wr_u32(&w, 32768);
	wr_str(&w, "more");
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_OPENED);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(ev.payload.n, 8);
	assert_int_equal(connection_may_send(f->c, ch), 100);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_STATE);
	w = well_formed(92);
	assert_int_equal(feed(f, &w), PROTO_E_CHANNEL_STATE);
	assert_int_equal(connection_eof(f->c, ch), PROTO_OK);
	EXPECT(f, "\140\240\260\300\320");
}

static void
test_open_failure(void **state)
{
	struct fixture *f = *state;
	struct wr w;

	assert_int_equal(connection_open(f->c, 77, span_str("session"), fill(0)), PROTO_OK);
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

	assert_int_equal(connection_open(f->c, 77, span_str("x"), fill(0)), PROTO_OK);
	for (size_t i = 0; i < 4; i++) {
		struct wr w = on_channel(SSH_MSG_CHANNEL_OPEN_CONFIRMATION, 0);

		wr_u32(&w, 1);
		wr_u32(&w, 1);
		wr_u32(&w, i < 3 ? tiny[i] : 32768);
		if (i == 3)
			wr_raw(&w, fill(CHANNEL_EXTRA_MAX + 1));
		assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
	}
	assert_int_not_equal(connection_open(f->c, 78, fill(NAME_MAX_LEN + 1), fill(0)),
	    PROTO_OK);
	assert_int_not_equal(connection_open(f->c, 79, fill(1), fill(CHANNEL_EXTRA_MAX + 1)),
	    PROTO_OK);
	assert_int_equal(connection_open(f->c, 80, fill(NAME_MAX_LEN),
	    fill(CHANNEL_EXTRA_MAX)), PROTO_OK);
}

/* Given up before the peer has said its word: closed as soon as it has. */
static void
test_open_given_up(void **state)
{
	struct fixture *f = *state;
	struct channel *ch;
	struct wr w;

	assert_int_equal(connection_open(f->c, 77, span_str("x"), fill(0)), PROTO_OK);
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

	assert_int_equal(connection_open(f->c, 78, span_str("x"), fill(0)), PROTO_OK);
	fake_skip(f->t);
	assert_int_equal(connection_close(f->c, connection_find(f->c, 78)), PROTO_OK);
	w = well_formed(92);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NOT_OPENED);
	EXPECT_NOTHING(f);
	connection_release(f->c, ev.channel);
	assert_int_equal(connection_count(f->c), 0);
}

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
	assert_int_equal(connection_request(f->c, ch, 999, &shell), PROTO_E_LOCAL_BUG);
	assert_int_equal(connection_request(f->c, ch, 0, &shell), PROTO_OK);
	/* a channel takes its calls with it */
	assert_int_equal(connection_close(f->c, ch), PROTO_OK);
	assert_int_equal(simple(f, SSH_MSG_CHANNEL_CLOSE, 0), PROTO_OK);
	connection_release(f->c, ch);
	assert_int_equal(f->c->calls.n, 0);
	assert_int_equal(connection_request(f->c, session(f, 1), 1000,
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
	static const char *const silent[] = { KEEPALIVE, "hostkeys-00@openssh.com",
	    "whatever@example.org", "" };
	struct fixture *f = *state;
	struct wr w;

	for (size_t i = 0; i < 4; i++) {
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
	w = global_message("cancel-tcpip-forward", false);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_GLOBAL);
	assert_int_equal(ev.question, 0);
	w = message(SSH_MSG_GLOBAL_REQUEST);
	wr_blob(&w, fill(NAME_MAX_LEN + 1), SIZE_MAX);
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w), PROTO_E_MESSAGE_FORMAT);
}

/* ---- keepalive ---- */

static struct fixture *
with_keepalive(void **state, uint32_t interval, uint32_t max)
{
	struct connection_config alive = config;

	(void)tear_down(state);
	alive.alive_interval_ms = interval;
	alive.alive_max = max;
	*state = fixture_new(&alive);
	return *state;
}

static const char keepalive_bytes[] = "\120\0\0\0\25" KEEPALIVE "\1";

static void
test_no_keepalive(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(connection_deadline(f->c), UINT64_MAX);
	assert_int_equal(connection_tick(f->c, UINT64_MAX - 1), PROTO_OK);
	EXPECT_NOTHING(f);
}

static void
test_silent_peer(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 3);
	uint64_t start = now;

	assert_int_equal(connection_deadline(f->c), start + 1000);
	assert_int_equal(connection_tick(f->c, start + 999), PROTO_OK);
	EXPECT_NOTHING(f);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(connection_tick(f->c, start + 1000 * i), PROTO_OK);
		expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
		assert_int_equal(connection_deadline(f->c), start + 1000 * (i + 1));
		assert_int_equal(connection_tick(f->c, start + 1000 * i), PROTO_OK);
		EXPECT_NOTHING(f);
	}
	assert_int_equal(connection_tick(f->c, start + 3999), PROTO_OK);
	assert_int_equal(connection_tick(f->c, start + 4000), PROTO_E_PEER_SILENT);
}

/* Any packet is a sign of life, of whatever layer. */
static void
test_living_peer(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 2);
	struct wr w;

	for (int i = 0; i < 20; i++) {
		now += 1000;
		assert_int_equal(connection_tick(f->c, now), PROTO_OK);
		expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
		now += 900;
		w = message(SSH_MSG_REQUEST_FAILURE);
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
		assert_int_equal(connection_deadline(f->c), now + 1000);
	}
	assert_int_equal(feed(f, &w), PROTO_E_UNREAD_REPLIES);
	for (int i = 0; i < 20; i++) {
		f->t->packets_in++;		/* IGNORE, say */
		now += 1000;
		assert_int_equal(connection_tick(f->c, now), PROTO_OK);
		assert_int_equal(connection_deadline(f->c), now + 1000);
		EXPECT_NOTHING(f);
	}
	/* the last sign of life is an old one */
	for (int i = 0; i < 2; i++)
		assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	assert_int_equal(fake_waiting(f->t), 2);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_E_PEER_SILENT);
}

/* The packets of the login say nothing about the time after it. */
static void
test_silent_from_the_start(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 1);
	struct connection_config alive = config;

	alive.alive_interval_ms = 1000;
	alive.alive_max = 1;
	connection_free(f->c);
	f->t->packets_in = 12;
	f->c = connection_new(f->t, &alive, now);
	assert_non_null(f->c);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_E_PEER_SILENT);
}

/* A peer that lives but never answers keepalives fills no queue of ours; and one
 * that answers them late answers each of them. */
static void
test_unanswered_keepalives(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 0);
	struct wr w;

	for (int i = 0; i < 1000; i++) {
		now += 1000;
		assert_int_equal(connection_tick(f->c, now), PROTO_OK);
		expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
	}
	assert_int_equal(f->c->calls.n, 1);
	assert_int_equal(connection_global(f->c, 5, span_str("x"), fill(0)), PROTO_OK);
	now += 1000;
	assert_int_equal(connection_tick(f->c, now), PROTO_OK);
	fake_skip(f->t);
	for (int i = 0; i < 1000; i++) {
		w = message(i % 2 ? SSH_MSG_REQUEST_FAILURE : SSH_MSG_REQUEST_SUCCESS);
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
	}
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.call, 5);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	assert_int_equal(feed(f, &w), PROTO_E_UNREAD_REPLIES);
}

/* Nothing is sent where nothing can be, but silence still counts; unless it is we
 * who do not read. */
static void
test_keepalive_held(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 2);

	f->t->blocked = true;
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	f->t->blocked = false;
	f->t->no_room = true;
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_E_PEER_SILENT);

	f = with_keepalive(state, 1000, 2);
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		struct wr w = global_message("x", true);

		assert_int_equal(feed(f, &w), PROTO_OK);
	}
	for (int i = 0; i < 10; i++)
		assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	EXPECT_NOTHING(f);
}

#define T(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_truncations), T(test_wrong_number), T(test_unknown_channel),
		T(test_half_open_channel), T(test_grant), T(test_refuse),
		T(test_refused_inside), T(test_no_more_sessions), T(test_endless_opens),
		T(test_open), T(test_open_failure), T(test_open_confirmation_bounds),
		T(test_open_given_up), T(test_data), T(test_extended_data),
		T(test_window_adjust), T(test_eof), T(test_close_by_peer),
		T(test_close_by_us), T(test_numbers), T(test_request),
		T(test_request_inside), T(test_too_many_questions), T(test_too_many_asked),
		T(test_reply_order), T(test_questions_end_with_channel), T(test_calls),
		T(test_too_many_calls), T(test_our_globals), T(test_global), T(test_global_inside),
		T(test_no_keepalive), T(test_silent_peer), T(test_silent_from_the_start), T(test_living_peer),
		T(test_unanswered_keepalives), T(test_keepalive_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
