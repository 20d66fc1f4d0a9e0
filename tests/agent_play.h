/*
 * agent_play.h - an SSH agent that the test plays (RFC 9987): its end of the socket, what it
 * says and what it must have been told, in bytes put together without the monitor's code.
 */
#ifndef TESTS_AGENT_PLAY_H
#define TESTS_AGENT_PLAY_H

#include "tests/monitor_play.h"

#include "privsep/monitor_agent.h"

enum { AGENT_CALL = 55 };

static int agent = -1;			/* our end; -1: there is none */
static uint64_t key;			/* what the monitor calls the key in question */
static uint8_t again;			/* it is connected to again when it is gone */

/* ---- what it says ---- */

static inline void
say_raw(const void *p, size_t n)
{
	struct rd rest = rd_of(span_of(p, n));

	while (rest.n > 0) {
		ssize_t done = send(agent, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done > 0)
			(void)rd_take(&rest, (size_t)done);
		else
			assert_int_equal(errno, EAGAIN);
		play_run();
	}
	play_run();
}

static inline void
say(struct span body)
{
	static uint8_t frame[AGENT_REPLY_MAX + 64];
	struct wr w = wr_of(frame, sizeof(frame));

	wr_blob(&w, body, AGENT_REPLY_MAX + 1);
	assert_false(w.bad);
	say_raw(frame, w.n);
}

/* An answer of these blobs, all with this comment. */
static inline struct span
identities(const struct span *blobs, uint32_t n, struct span comment)
{
	static uint8_t body[AGENT_REPLY_MAX];
	struct wr w = wr_of(body, sizeof(body));

	wr_u8(&w, 12);
	wr_u32(&w, n);
	for (uint32_t i = 0; i < n; i++) {
		wr_blob(&w, blobs[i], AGENT_REPLY_MAX);
		wr_blob(&w, comment, AGENT_REPLY_MAX);
	}
	assert_false(w.bad);
	return wr_span(&w);
}

/* Data signed by the key of this seed. */
static inline struct span
response_over(const uint8_t *seed, struct span data)
{
	static uint8_t body[512];
	uint8_t sig[256];
	size_t n = play_sign(seed, data, sig, sizeof(sig));
	struct wr w = wr_of(body, sizeof(body));

	wr_u8(&w, 14);
	wr_blob(&w, span_of(sig, n), sizeof(sig));
	assert_false(w.bad);
	return wr_span(&w);
}

static inline void
agent_dies(void)
{
	close(agent);
	agent = -1;
	play_run();
}

/* ---- what it is told ---- */

/* Exactly this is what the monitor has said. */
static inline void
expect_said(struct span body)
{
	static uint8_t got[4 + AGENT_BODY_MAX + 1];
	ssize_t n = recv(agent, got, sizeof(got), MSG_DONTWAIT);
	struct rd r = rd_of(span_of(got, n > 0 ? (size_t)n : 0));

	assert_true(span_eq(rd_blob(&r, AGENT_BODY_MAX), body));
	assert_true(rd_done(&r));
}

static inline void
expect_silence(void)
{
	uint8_t c;

	assert_int_equal(recv(agent, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Whatever it was told before. */
static inline void
expect_closed(void)
{
	static uint8_t rest[65536];
	ssize_t n;

	while ((n = recv(agent, rest, sizeof(rest), MSG_DONTWAIT)) > 0)
		;
	/* what the monitor had not read of ours makes it a reset */
	assert_true(n == 0 || errno == ECONNRESET);
}

/* ...and not a word. */
static inline void
expect_only_closed(void)
{
	uint8_t c;

	assert_int_equal(recv(agent, &c, 1, MSG_DONTWAIT), 0);
}

static inline void
expect_sign_over(struct span blob, struct span data, uint32_t flags)
{
	uint8_t body[1024];
	struct wr w = wr_of(body, sizeof(body));

	wr_u8(&w, 13);
	wr_blob(&w, blob, 512);
	wr_blob(&w, data, 512);
	wr_u32(&w, flags);
	assert_false(w.bad);
	expect_said(wr_span(&w));
}

/* ---- how it comes to the monitor ---- */

/* A new connection: one end is ours from here on, the other is to be handed over. */
static inline int
agent_socket(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int)), 0);
	return pair[1];
}

/* The descriptor blocks, which must not matter. */
static inline void
hand_over(int fd)
{
	PLAY_TELL(AGENT, .call = AGENT_CALL, .again = again, .socket = fd);
	close(fd);
}

static inline void
connect_agent(void)
{
	hand_over(agent_socket());
}

static inline void
expect_done(uint8_t ok)
{
	struct ipc_AGENT_DONE done;

	PLAY_EXPECT(AGENT_DONE, &done);
	assert_int_equal(done.call, AGENT_CALL);
	assert_int_equal(done.ok, ok);
	assert_false(play.m->over);
}

/* The application is asked for another connection... */
static inline void
expect_agent_gone(void)
{
	struct ipc_AGENT_GONE q;

	PLAY_EXPECT(AGENT_GONE, &q);
	assert_int_equal(q.call, AGENT_CALL);
}

/* ...and has one. */
static inline void
back_with(int fd)
{
	PLAY_TELL(AGENT_BACK, .call = AGENT_CALL, .socket = fd);
	close(fd);
}

static inline void
back(void)
{
	back_with(agent_socket());
	assert_false(play.m->over);
}

/* ---- the end ---- */

static inline int
teardown(void **state)
{
	if (agent >= 0)
		close(agent);
	agent = -1;
	again = 0;
	return play_teardown(state);
}

#endif
