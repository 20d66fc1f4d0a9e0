/*
 * agent_login_play.h - logins by an agent's key: the test is the agent, the application and
 * the worker of the connection.
 */
#ifndef TESTS_AGENT_LOGIN_PLAY_H
#define TESTS_AGENT_LOGIN_PLAY_H

#include "tests/agent_play.h"

static struct play_child *worker;	/* of connection 1 */
static struct play_proof proof;
static uint8_t seed[32], blob[64];	/* the agent's key */
static size_t blob_len;
static bool bound;			/* the server takes logins bound to its key */

static inline struct span
own(void)
{
	return span_of(blob, blob_len);
}

static inline void
expect_key(struct span comment)
{
	struct ipc_AGENT_KEY k;

	PLAY_EXPECT(AGENT_KEY, &k);
	assert_int_equal(k.call, AGENT_CALL);
	assert_true(span_is(k.alg, "ssh-ed25519"));
	assert_true(span_eq(k.blob, own()));
	assert_true(span_eq(k.comment, comment));
	key = k.key;
}

/* ---- beginning ---- */

/* An agent with one key, and a connection at its login. */
static inline int
setup_with(uint8_t keys_may_leave)
{
	struct ipc_CONFIG cfg = play_config();
	struct span one;

	cfg.keys_may_leave = keys_may_leave;
	play_begin();
	play_seal(&cfg);
	play_make_key(seed, blob, &blob_len);
	one = own();
	connect_agent();
	expect_said(span_of("\013", 1));
	say(identities(&one, 1, span_str("mine")));
	expect_key(span_str("mine"));
	expect_done(1);
	worker = play_client(1, &proof);
	bound = false;
	return 0;
}

static inline int
setup(void **state)
{
	(void)state;
	return setup_with(0);
}

static inline int
again_setup(void **state)
{
	again = 1;
	return setup(state);
}

/* No agent yet. */
static inline int
bare_setup(void **state)
{
	(void)play_setup(state);
	play_make_key(seed, blob, &blob_len);
	return 0;
}

/* ---- a login ---- */

static inline void
try(uint64_t conn)
{
	PLAY_TELL(TRY_PUBLICKEY, .conn = conn, .user = span_str("bob"), .key = key);
}

/* OpenSSH's PROTOCOL.agent, byte by byte. */
static inline void
expect_bind(const struct play_proof *p)
{
	uint8_t body[1024];
	struct wr w = wr_of(body, sizeof(body));

	wr_u8(&w, 27);
	wr_str(&w, "session-bind@openssh.com");
	wr_blob(&w, span_of(play.host_blob, play.host_blob_len), 64);
	wr_blob(&w, span_of(p->session, 32), 32);
	wr_blob(&w, span_of(p->signature, p->len), 256);
	wr_u8(&w, 0);
	expect_said(wr_span(&w));
}

static inline struct span
login_data(const struct play_proof *p)
{
	static uint8_t data[512];
	size_t n = bound ? play_bound_data(p, "bob", own(), data, sizeof(data)) :
	    play_login_data(p, "bob", own(), data, sizeof(data));

	return span_of(data, n);
}

static inline void
expect_sign(const struct play_proof *p)
{
	expect_sign_over(own(), login_data(p), 0);
}

static inline struct span
sign_response(const uint8_t *by, const struct play_proof *p)
{
	return response_over(by, login_data(p));
}

/* The agent has been asked to sign for connection 1. */
static inline void
asked(void)
{
	try(1);
	expect_bind(&proof);
	say(span_of("\006", 1));
	expect_sign(&proof);
}

/* The worker is handed the signature of this answer. */
static inline void
expect_request(struct play_child *w, struct span response)
{
	struct ipc_LOGIN_PUBLICKEY q;
	struct rd r = rd_of(response);

	(void)rd_u8(&r);
	PLAY_WORKER_EXPECT(w, LOGIN_PUBLICKEY, &q);
	assert_true(span_is(q.user, "bob"));
	assert_true(span_is(q.alg, "ssh-ed25519"));
	assert_true(span_eq(q.key, own()));
	assert_true(span_eq(q.signature, rd_blob(&r, 256)));
	assert_true(span_eq(q.host_key, bound ?
	    span_of(play.host_blob, play.host_blob_len) : span_of(NULL, 0)));
}

/* The server refuses. */
static inline void
fails(struct play_child *w)
{
	PLAY_SAY(w, LOGIN_FAILURE, .methods = span_str("publickey"));
	play_failed("");
}

#endif
