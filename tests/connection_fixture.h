/*
 * connection_fixture.h - a connection over a recording transport, and the messages of
 * a peer that has nothing to lose.  For the tests of proto/connection*.c.
 */
#ifndef TESTS_CONNECTION_FIXTURE_H
#define TESTS_CONNECTION_FIXTURE_H

#include "proto/connection_state.h"
#include "proto/request.h"
#include "tests/fake_transport.h"

static const struct channel_limits any_size;

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

static inline struct fixture *
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

static inline int
set_up(void **state)
{
	*state = fixture_new(&config);
	return 0;
}

static inline int
tear_down(void **state)
{
	struct fixture *f = *state;

	connection_free(f->c);
	fake_free(f->t);
	free(f);
	return 0;
}

static inline struct span
fill(size_t n)
{
	return span_of(filler, n);
}

static inline struct wr
message(uint8_t number)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, number);
	return w;
}

/* What w says is fed from a buffer of that size; spans in ev then show w. */
static inline enum proto_error
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

static inline void
expect_sent(struct fixture *f, const char *bytes, size_t n)
{
	struct span s = fake_next(f->t);

	assert_int_equal(s.n, n);
	assert_memory_equal(s.p, bytes, n);
}
#define EXPECT(f, bytes) expect_sent(f, bytes, sizeof(bytes) - 1)
#define EXPECT_NOTHING(f) assert_int_equal(fake_waiting((f)->t), 0)

static inline struct wr
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
static inline struct channel *
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

static inline struct wr
on_channel(uint8_t number, uint32_t local)
{
	struct wr w = message(number);

	wr_u32(&w, local);
	return w;
}

static inline struct wr
data_message(uint32_t local, size_t n)
{
	struct wr w = on_channel(SSH_MSG_CHANNEL_DATA, local);

	wr_blob(&w, fill(n), SIZE_MAX);
	return w;
}

static inline struct wr
request_message(uint32_t local, const char *type, bool want_reply)
{
	struct wr w = on_channel(SSH_MSG_CHANNEL_REQUEST, local);

	wr_str(&w, type);
	wr_u8(&w, want_reply);
	return w;
}

static inline struct wr
global_message(const char *kind, bool want_reply)
{
	struct wr w = message(SSH_MSG_GLOBAL_REQUEST);

	wr_str(&w, kind);
	wr_u8(&w, want_reply);
	return w;
}

static inline enum proto_error
simple(struct fixture *f, uint8_t number, uint32_t local)
{
	struct wr w = on_channel(number, local);

	return feed(f, &w);
}

/* One well-formed message of each number, for channel 0. */
static inline struct wr
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

#define T(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)

#endif
