/*
 * host_key_play.h - a server whose host key is elsewhere: the test is the agent that has it,
 * or the application, and the connections' workers.
 */
#ifndef TESTS_HOST_KEY_PLAY_H
#define TESTS_HOST_KEY_PLAY_H

#include "tests/agent_play.h"

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

/* The exchange hash itself; no session-bind before it. */
static inline void
expect_sign(struct span blob, const struct party *p, uint32_t flags)
{
	expect_sign_over(blob, span_of(p->h, 32), flags);
}

static inline struct span
response(const uint8_t *seed, const struct party *p)
{
	return response_over(seed, span_of(p->h, 32));
}

/* ---- beginning ---- */

static inline void
list(struct span blob)
{
	struct ipc_AGENT_KEY k;

	connect_agent();
	expect_said(span_of("\013", 1));
	say(identities(&blob, 1, span_str("a host's")));
	PLAY_EXPECT(AGENT_KEY, &k);
	key = k.key;
	expect_done(1);
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
	configure();
	return 0;
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

/* The agent's next: it is asked for this one, and signs. */
static inline void
turn_of(struct party *p)
{
	expect_sign(own(), p, 0);
	say(response(play.seed, p));
	expect_signed(p);
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

#endif
