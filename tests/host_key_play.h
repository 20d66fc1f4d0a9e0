/*
 * host_key_play.h - a server whose host key is elsewhere: the test is the agent that has it,
 * or the application, and the connections' workers.
 */
#ifndef TESTS_HOST_KEY_PLAY_H
#define TESTS_HOST_KEY_PLAY_H

#include "tests/monitor_play.h"

#include "privsep/monitor_agent.h"

static int agent;			/* our end */
static uint64_t key;
static uint8_t again;			/* it is connected to again when it is gone */

struct party {				/* a server's connection */
	struct play_child *w;
	uint64_t conn;
	uint8_t kexinit[16384], h[32];
	size_t kexinit_len;
};
static struct party first, second;

static inline struct span
own(void)
{
	return span_of(play.host_blob, play.host_blob_len);
}

/* ---- the agent's side ---- */

static inline void
say(struct span body)
{
	static uint8_t frame[1024];
	struct wr w = wr_of(frame, sizeof(frame));

	wr_blob(&w, body, sizeof(frame));
	assert_false(w.bad);
	assert_int_equal(send(agent, frame, w.n, MSG_DONTWAIT | MSG_NOSIGNAL), w.n);
	play_run();
}

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

/* RFC 9987 3.6; no session-bind before it. */
static inline void
expect_sign_over(struct span blob, struct span data, uint32_t flags)
{
	uint8_t body[1024];
	struct wr w = wr_of(body, sizeof(body));

	wr_u8(&w, 13);
	wr_blob(&w, blob, 512);
	wr_blob(&w, data, 512);
	wr_u32(&w, flags);
	expect_said(wr_span(&w));
}

static inline void
expect_sign(struct span blob, const struct party *p, uint32_t flags)
{
	expect_sign_over(blob, span_of(p->h, 32), flags);
}

static inline struct span
response_over(const uint8_t *seed, struct span data)
{
	static uint8_t body[512];
	uint8_t sig[256];
	size_t n = play_sign(seed, data, sig, sizeof(sig));
	struct wr w = wr_of(body, sizeof(body));

	wr_u8(&w, 14);
	wr_blob(&w, span_of(sig, n), sizeof(sig));
	return wr_span(&w);
}

static inline struct span
response(const uint8_t *seed, const struct party *p)
{
	return response_over(seed, span_of(p->h, 32));
}

static inline void
agent_dies(void)
{
	close(agent);
	agent = -1;
	play_run();
}

/* ---- beginning ---- */

static inline void
list(struct span blob)
{
	struct ipc_AGENT_KEY k;
	struct ipc_AGENT_DONE done;
	uint8_t body[1024];
	struct wr w = wr_of(body, sizeof(body));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	PLAY_TELL(AGENT, .call = 55, .again = again, .socket = pair[1]);
	close(pair[1]);
	expect_said(span_of("\013", 1));
	wr_u8(&w, 12);
	wr_u32(&w, 1);
	wr_blob(&w, blob, 512);
	wr_str(&w, "a host's");
	say(wr_span(&w));
	PLAY_EXPECT(AGENT_KEY, &k);
	key = k.key;
	PLAY_EXPECT(AGENT_DONE, &done);
	assert_int_equal(done.ok, 1);
}

static inline void
configure(void)
{
	struct ipc_CONFIG cfg = play_config();

	play_begin();
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
}

static inline void
seal(void)
{
	struct ipc_SERVING serving;

	PLAY_TELL(HOST_KEY, .key = key);
	assert_false(play.m->over);
	PLAY_TELL(SEALED, .empty_ = 0);
	PLAY_EXPECT(SERVING, &serving);
}

static inline int
agent_setup(void **state)
{
	(void)state;
	configure();
	list(own());
	seal();
	return 0;
}

static inline int
again_setup(void **state)
{
	again = 1;
	return agent_setup(state);
}

static inline int
signer_setup(void **state)
{
	struct ipc_KEY_LOADED loaded;

	(void)state;
	agent = -1;
	configure();
	PLAY_TELL(KEY_SIGNER, .call = 5, .alg = span_str("ssh-ed25519"), .blob = own());
	PLAY_EXPECT(KEY_LOADED, &loaded);
	key = loaded.key;
	seal();
	return 0;
}

static inline int
bare_setup(void **state)
{
	(void)state;
	agent = -1;
	configure();
	return 0;
}

static inline int
teardown(void **state)
{
	if (agent >= 0)
		close(agent);
	again = 0;
	return play_teardown(state);
}

/* ---- a connection ---- */

static inline void
begin(struct party *p, uint64_t conn)
{
	struct play_start start;

	p->conn = conn;
	p->w = play_connect(conn, IPC_SERVER, &start);
	p->kexinit_len = start.kexinit_len;
	memcpy(p->kexinit, start.kexinit, start.kexinit_len);
}

/* The worker asks; what is to be signed is computed here a second time. */
static inline void
ask(struct party *p)
{
	struct play_kex x;
	struct ipc_SIGN sign;

	play_kex(&x);
	sign = play_sign_of(&x);
	play_h(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c, span_of(p->kexinit, p->kexinit_len),
	    own(), &x, p->h);
	assert_int_equal(ipc_send_SIGN(p->w->link, &sign), 0);
	play_run();
}

static inline void
expect_signed(struct party *p)
{
	struct ipc_SIGNED s;
	struct ipc_KEX_DONE done;
	uint8_t want[256];
	size_t n = play_sign(play.seed, span_of(p->h, 32), want, sizeof(want));

	PLAY_WORKER_EXPECT(p->w, SIGNED, &s);
	assert_true(span_eq(s.signature, span_of(want, n)));
	assert_true(span_eq(s.hash, span_of(p->h, 32)));
	p->kexinit_len = s.kexinit.n;
	memcpy(p->kexinit, s.kexinit.p, s.kexinit.n);
	play_agree(p->w);
	PLAY_EXPECT(KEX_DONE, &done);
	assert_int_equal(done.conn, p->conn);
	assert_true(span_eq(done.host_key, own()));
}

/* It says goodbye and goes; the monitor and everybody else stay. */
static inline void
expect_end(struct party *p, const char *why)
{
	struct ipc_STOP stop;
	struct ipc_END_OF end;

	PLAY_WORKER_EXPECT(p->w, STOP, &stop);
	assert_int_equal(stop.disconnect, 3);
	assert_true(span_is(stop.text, why));
	play_die(p->w, 0, 0);
	play_run();
	PLAY_ENDED(p->conn, IPC_UNSIGNED, &end);
	assert_true(span_is(end.text, why));
	assert_int_equal(end.is_claim, 0);
	assert_false(play.m->over);
}

static inline void
log_in(struct party *p)
{
	struct ipc_ASK_PASSWORD q;
	struct ipc_USER_LOGGED_IN in;
	struct ipc_ATTEMPT attempt;
	struct ipc_LOGGED_IN told;

	PLAY_SAY(p->w, AUTH_PASSWORD, .user = span_str("bob"), .password = span_str("x"));
	PLAY_EXPECT(ASK_PASSWORD, &q);
	PLAY_TELL(LOGIN_ANSWER, .conn = p->conn, .question = q.question, .verdict = IPC_ACCEPTED);
	PLAY_EXPECT(ATTEMPT, &attempt);
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	PLAY_WORKER_EXPECT(p->w, LOGGED_IN, &told);
	close(told.app);
}

#endif
