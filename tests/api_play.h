/*
 * api_play.h - the worker's link of a logged-in transport in the hand of the test.
 *
 * The puppet of fake_monitor.h does the login; then its worker is left alone and the
 * test itself says what a worker says, and reads message by message what it is told.
 */
#ifndef TESTS_API_PLAY_H
#define TESTS_API_PLAY_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000, PLAY_TURNS = 40 };
static postern_context *ctx;
static postern_server *server;
static postern_transport *t;
static int w = -1, peer = -1;		/* the worker's end; the network's */

/* What the application sent last. */
static struct {
	uint8_t buf[IPC_MESSAGE_MAX];
	int fds[IPC_FDS_MAX];
	size_t nfds;
} said;

/* All that has been said is heard; descriptors in flight are acknowledged. */
static inline void
settle(void)
{
	for (int i = 0; i < PLAY_TURNS; i++)
		assert_int_equal(api_loop_turn(ctx, 0), 0);
}

/* The number of the next message, 0: none. */
static inline uint8_t
next_said(struct rd *r)
{
	ssize_t n;

	settle();
	n = ipc_recv(w, said.buf, sizeof(said.buf), said.fds, &said.nfds);
	if (n <= 0)
		return 0;
	*r = rd_of(span_of(said.buf, (size_t)n));
	return rd_u8(r);
}

/* The next message must be this one: decoded into m. */
#define HEAR(NAME, m) do { \
	struct rd hear_r_ = { 0 }; \
	assert_int_equal(next_said(&hear_r_), IPC_MSG_##NAME); \
	assert_true(ipc_get_##NAME(&hear_r_, said.fds, m)); \
} while (0)

static inline void
nothing_more(void)
{
	struct rd r = { 0 };

	assert_int_equal(next_said(&r), 0);
}

#define SAY(NAME, ...) \
	assert_int_equal(ipc_send_##NAME(w, &(struct ipc_##NAME){ __VA_ARGS__ }), 0)

/* The answer to what was just asked. */
static inline void
done(uint64_t call, uint8_t ok, struct span payload)
{
	SAY(DONE, .call = call, .ok = ok, .payload = payload);
	settle();
}

static inline void
take_over(void)
{
	int pair[2];

	api_link_close(&t->worker);
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(api_link_open(&t->worker, pair[0]), 0);
	w = pair[1];
}

static inline void
play_client(const struct postern_client_interface *interface)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	int pair[2];

	cfg.host = "host";
	if (interface != NULL)
		cfg.interface = *interface;
	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	take_over();
}

static inline void
play_server(const struct postern_server_interface *interface)
{
	struct postern_event ev = POSTERN_EVENT;
	int pair[2];

	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("host"), NULL, SOON), 0);
	assert_int_equal(postern_server_new(&server, ctx, NULL, interface, SOON), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_start_server(t, server, SOON), 0);
	assert_int_equal(write(peer, "success robey\n", 14), 14);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
	take_over();
}

static inline int
play_teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	ipc_close_fds(&w, 1);
	ipc_close_fds(&peer, 1);
	return 0;
}

/* The next event of that type; others are skipped. */
static inline struct postern_event
event(int type)
{
	struct postern_event ev = POSTERN_EVENT;

	do {
		assert_int_equal(postern_next(ctx, &ev, 0), 1);
	} while (ev.type != type);
	return ev;
}

/* A session of ours, open. */
static inline postern_channel *
play_session(void)
{
	postern_channel *ch = NULL;
	struct ipc_OPEN m;

	assert_int_equal(postern_transport_open_session_async(t, &ch, NULL), 0);
	HEAR(OPEN, &m);
	SAY(OPENED, .chan = m.chan, .extra = span_str(""));
	assert_int_equal(event(POSTERN_EVENT_DONE).result, 0);
	return ch;
}

#endif
