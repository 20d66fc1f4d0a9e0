/*
 * monitor_agent_test.c - logins by an agent's keys, with agents of every kind: good,
 * slow, malformed, dying, talkative.  The test is the agent.
 */
#include "tests/monitor_play.h"

#include "privsep/monitor_agent.h"
#include "tests/cert_make.h"

enum { SIGNATURE = 83 };		/* an ssh-ed25519 signature blob */

static int agent;			/* our end */
static struct play_child *worker;
static struct play_proof proof;
static uint8_t seed[32], blob[64];
static size_t blob_len;
static uint64_t key;
static uint8_t again;			/* it is connected to again when it is gone */
static uint8_t frame[AGENT_REPLY_MAX + 64];

static struct span
own(void)
{
	return span_of(blob, blob_len);
}

/* ---- the agent's side ---- */

static void
say_raw(const void *p, size_t n)
{
	struct rd rest = rd_of(span_of(p, n));

	while (rest.n > 0) {
		ssize_t done = send(agent, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done > 0)
			(void)rd_take(&rest, (size_t)done);
		play_run();
	}
	play_run();
}

static void
say(struct span body)
{
	struct wr w = wr_of(frame, sizeof(frame));

	wr_blob(&w, body, AGENT_REPLY_MAX + 1);
	assert_false(w.bad);
	say_raw(frame, w.n);
}

/* Exactly this is what the monitor has said. */
static void
expect_said(struct span body)
{
	static uint8_t got[4 + AGENT_BODY_MAX + 1];
	ssize_t n = recv(agent, got, sizeof(got), MSG_DONTWAIT);
	struct rd r = rd_of(span_of(got, n > 0 ? (size_t)n : 0));

	assert_true(span_eq(rd_blob(&r, AGENT_BODY_MAX), body));
	assert_true(rd_done(&r));
}

static void
expect_silence(void)
{
	uint8_t c;

	assert_int_equal(recv(agent, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
expect_closed(void)
{
	static uint8_t rest[65536];
	ssize_t n;

	while ((n = recv(agent, rest, sizeof(rest), MSG_DONTWAIT)) > 0)
		;
	/* what it had not read of ours makes it a reset */
	assert_true(n == 0 || errno == ECONNRESET);
}

/* A new one is handed over; the descriptor blocks, which must not matter. */
static void
hand_over(int fd)
{
	PLAY_TELL(AGENT, .call = 55, .again = again, .socket = fd);
	close(fd);
}

static void
connect_agent(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	hand_over(pair[1]);
}

static void
expect_done(uint8_t ok)
{
	struct ipc_AGENT_DONE done;

	PLAY_EXPECT(AGENT_DONE, &done);
	assert_int_equal(done.call, 55);
	assert_int_equal(done.ok, ok);
	assert_false(play.m->over);
}

static void
expect_key(struct span comment)
{
	struct ipc_AGENT_KEY k;

	PLAY_EXPECT(AGENT_KEY, &k);
	assert_int_equal(k.call, 55);
	assert_true(span_is(k.alg, "ssh-ed25519"));
	assert_true(span_eq(k.blob, own()));
	assert_true(span_eq(k.comment, comment));
	key = k.key;
}

/* An answer of these blobs, all with this comment. */
static struct span
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

/* An agent with one key, and a connection at its login. */
static int
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
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return setup_with(0);
}

static int
giving_setup(void **state)
{
	(void)state;
	return setup_with(1);
}

static int
no_config_setup(void **state)
{
	(void)state;
	play_begin();
	agent = -1;
	return 0;
}

static int
again_setup(void **state)
{
	again = 1;
	return setup(state);
}

static int
bare_setup(void **state)
{
	(void)play_setup(state);
	play_make_key(seed, blob, &blob_len);
	agent = -1;
	return 0;
}

static int
teardown(void **state)
{
	if (agent >= 0)
		close(agent);
	again = 0;
	return play_teardown(state);
}

/* ---- a login ---- */

static void
try(uint64_t conn)
{
	PLAY_TELL(TRY_PUBLICKEY, .conn = conn, .user = span_str("bob"), .key = key);
}

/* OpenSSH's PROTOCOL.agent, byte by byte. */
static void
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

static bool bound;			/* the server takes logins bound to its key */

static size_t
login_data(const struct play_proof *p, uint8_t *out, size_t cap)
{
	return bound ? play_bound_data(p, "bob", own(), out, cap) :
	    play_login_data(p, "bob", own(), out, cap);
}

static void
expect_sign(const struct play_proof *p)
{
	uint8_t body[1024], data[1024];
	struct wr w = wr_of(body, sizeof(body));
	size_t n = login_data(p, data, sizeof(data));

	wr_u8(&w, 13);
	wr_blob(&w, own(), 64);
	wr_blob(&w, span_of(data, n), 1024);
	wr_u32(&w, 0);
	expect_said(wr_span(&w));
}

static struct span
sign_response(const uint8_t *by, const struct play_proof *p)
{
	static uint8_t body[512];
	uint8_t data[1024], sig[256];
	size_t n = login_data(p, data, sizeof(data));
	struct wr w = wr_of(body, sizeof(body));

	n = play_sign(by, span_of(data, n), sig, sizeof(sig));
	assert_int_equal(n, SIGNATURE);
	wr_u8(&w, 14);
	wr_blob(&w, span_of(sig, n), sizeof(sig));
	return wr_span(&w);
}

static void
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

static void
expect_failed(const char *why)
{
	struct ipc_LOGIN_RESULT r;

	PLAY_EXPECT(LOGIN_RESULT, &r);
	assert_int_equal(r.result, IPC_LOGIN_FAILED);
	assert_true(span_is(r.text, why));
	assert_false(play.m->over);
}

/* The agent has been asked to sign for connection 1. */
static void
asked(void)
{
	try(1);
	expect_bind(&proof);
	say(span_of("\006", 1));
	expect_sign(&proof);
}

static void
fails(struct play_child *w)
{
	PLAY_SAY(w, LOGIN_FAILURE, .methods = span_str("publickey"));
	expect_failed("");
}

static void
test_login(void **state)
{
	struct ipc_USER_LOGGED_IN in;
	struct span response;

	(void)state;
	asked();
	PLAY_WORKER_QUIET(worker);
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
	fails(worker);
	try(1);				/* it was bound once */
	expect_sign(&proof);
	say(response);
	expect_request(worker, response);
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	assert_true(span_is(in.methods, "publickey"));
	assert_true(span_eq(in.key, own()));
	expect_silence();
}

/* OpenSSH PROTOCOL 3.1: what the agent signs names the server that it was bound to. */
static void
test_host_bound_login(void **state)
{
	struct span response;

	(void)state;
	PLAY_SAY(worker, LOGIN_SIG_ALGS, .algs = span_str("ssh-ed25519"), .hostbound = 1);
	bound = true;
	asked();
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
	fails(worker);
	/* over the data of the other method it is no signature */
	try(1);
	expect_sign(&proof);
	bound = false;
	say(sign_response(seed, &proof));
	expect_failed("the signature is not the key's");
}

/* ---- a key is added (RFC 9987 3.2) ---- */

static void
add(uint64_t which, uint32_t lifetime, uint8_t confirm)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(agent);
	agent = pair[0];
	PLAY_TELL(AGENT_ADD, .call = 78, .key = which, .comment = span_str("mine"),
	    .lifetime = lifetime, .confirm = confirm, .socket = pair[1]);
	close(pair[1]);
}

static void
expect_added(uint8_t ok)
{
	struct ipc_AGENT_DONE done;

	PLAY_EXPECT(AGENT_DONE, &done);
	assert_int_equal(done.call, 78);
	assert_int_equal(done.ok, ok);
}

/* Byte by byte; constraints only where there are some. */
static void
test_add(void **state)
{
	uint8_t pk[32], sk[64], body[512];
	static const struct { uint32_t lifetime; uint8_t confirm; } cases[] = {
		{ 0, 0 }, { 3600, 0 }, { 0, 1 }, { UINT32_MAX, 1 } };

	(void)state;
	crypto_sign_seed_keypair(pk, sk, play.user_seed);
	for (size_t i = 0; i < 4; i++) {
		struct wr w = wr_of(body, sizeof(body));

		add(play.user_key, cases[i].lifetime, cases[i].confirm);
		wr_u8(&w, i == 0 ? 17 : 25);
		wr_str(&w, "ssh-ed25519");
		wr_blob(&w, span_of(pk, 32), 32);
		wr_blob(&w, span_of(sk, 64), 64);
		wr_str(&w, "mine");
		if (cases[i].lifetime != 0) {
			wr_u8(&w, 1);
			wr_u32(&w, cases[i].lifetime);
		}
		if (cases[i].confirm != 0)
			wr_u8(&w, 2);
		expect_said(wr_span(&w));
		PLAY_QUIET();
		say(span_of(i == 3 ? "\005" : "\006", 1));
		expect_added(i != 3);
		/* and that was all the socket was for */
		assert_int_equal(recv(agent, body, 1, MSG_DONTWAIT), 0);
	}
	assert_int_equal(play.m->n_agents, 1);
}

/* An agent's own key, a host key, none at all: no word is said on the socket. */
static void
test_add_what_is_not_ours(void **state)
{
	const uint64_t cases[] = { key, play.user_key - 1, 0, 12345 };
	uint8_t c;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		add(cases[i], 0, 0);
		expect_added(0);
		assert_int_equal(recv(agent, &c, 1, MSG_DONTWAIT), 0);
	}
}

/* A program that is taken over after CONFIG asks for what it has loaded: its socket hears
 * nothing, however it asks, and to say CONFIG again ends the context. */
static void
test_keys_do_not_leave(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	uint8_t c;

	(void)state;
	for (uint8_t confirm = 0; confirm < 2; confirm++) {
		add(play.user_key, confirm, confirm);
		expect_added(0);
		assert_int_equal(recv(agent, &c, 1, MSG_DONTWAIT), 0);
	}
	assert_false(play.m->over);
	cfg.keys_may_leave = 1;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	assert_true(play.m->over);
	assert_int_equal(play.m->config.keys_may_leave, 0);
}

/* Before there was a CONFIG nothing leaves either; and one that says neither yes nor no
 * is none. */
static void
test_no_config_lets_nothing_leave(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	uint8_t c;

	(void)state;
	play.user_key = play_load(IPC_USER_KEY, play.user_seed,
	    span_of(play.user_blob, play.user_blob_len));
	add(play.user_key, 0, 0);
	expect_added(0);
	assert_int_equal(recv(agent, &c, 1, MSG_DONTWAIT), 0);
	cfg.keys_may_leave = 2;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	assert_true(play.m->over);
}

/* Gone, silent, or with another answer: told once, and its socket is closed. */
static void
test_add_to_no_agent(void **state)
{
	(void)state;
	add(play.user_key, 0, 0);
	close(agent);
	agent = -1;
	play_run();
	expect_added(0);
	add(play.user_key, 0, 0);
	play_wait(120 * 1000);
	expect_added(0);
	add(play.user_key, 0, 0);
	say(span_of("\014\0\0\0\0", 5));
	expect_added(0);
	PLAY_QUIET();
	assert_false(play.m->over);
}

/* An agent that does not know session-bind says so, in one of these ways. */
static void
test_bind_answers(void **state)
{
	static const char *const answers[] = { "\005", "\006", "\034", "\035", "\035\0\0\0\1x" };
	static const size_t lengths[] = { 1, 1, 1, 1, 6 };
	struct play_proof other;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct play_child *w = play_client(i + 2, &other);

		try(i + 2);
		expect_bind(&other);
		say(span_of(answers[i], lengths[i]));
		expect_sign(&other);
		say(sign_response(seed, &other));
		expect_request(w, sign_response(seed, &other));
	}
	try(1);
	expect_bind(&proof);
	say(span_of("\016", 1));
	expect_failed("the agent is gone");
	expect_closed();
}

static void
test_byte_by_byte(void **state)
{
	struct span response = sign_response(seed, &proof);
	struct wr w = wr_of(frame, sizeof(frame));

	(void)state;
	asked();
	wr_blob(&w, response, 256);
	for (size_t i = 0; i < w.n; i++) {
		PLAY_WORKER_QUIET(worker);
		say_raw(&frame[i], 1);
	}
	expect_request(worker, response);
}

/* ---- signatures that do not count: a failed attempt, and the agent lives ---- */

static void
test_no_signature(void **state)
{
	struct span response;
	uint8_t flipped[512];

	(void)state;
	asked();
	say(span_of("\005", 1));
	expect_failed("the agent did not sign");
	try(1);
	expect_sign(&proof);
	say(span_of("\016\0\0\0\0", 5));
	expect_failed("the agent did not sign");
	try(1);
	expect_sign(&proof);
	say(sign_response(play.user_seed, &proof));	/* another key */
	expect_failed("the signature is not the key's");
	response = sign_response(seed, &proof);
	memcpy(flipped, response.p, response.n);
	for (size_t i = 5; i < response.n; i++) {
		try(1);
		expect_sign(&proof);
		flipped[i] ^= 1;
		say(span_of(flipped, response.n));
		flipped[i] ^= 1;
		expect_failed("the signature is not the key's");
	}
	PLAY_WORKER_QUIET(worker);
	try(1);
	expect_sign(&proof);
	say(response);
	expect_request(worker, response);
}

/* Signed for another connection: it is no use here. */
static void
test_another_session(void **state)
{
	struct play_proof other;

	(void)state;
	(void)play_client(2, &other);
	asked();
	say(sign_response(seed, &other));
	expect_failed("the signature is not the key's");
	PLAY_WORKER_QUIET(worker);
}

/* ---- answers that are no agent's ---- */

static void
test_malformed_signatures(void **state)
{
	struct span whole;

	for (size_t cut = 1; cut <= 1 + 4 + SIGNATURE + 1; cut++) {
		if (cut == 1 + 4 + SIGNATURE)
			continue;
		if (cut > 1)
			(void)setup(state);
		asked();
		whole = sign_response(seed, &proof);
		say(span_of(whole.p, cut));
		expect_failed("the agent is gone");
		expect_closed();
		PLAY_WORKER_QUIET(worker);
		try(1);				/* and it stays so */
		expect_failed("the agent is gone");
		if (cut <= 1 + 4 + SIGNATURE)
			(void)teardown(state);
	}
}

static void
test_wrong_types(void **state)
{
	uint8_t body[512];

	for (unsigned type = 0; type < 256; type++) {
		struct span response;

		if (type == 14)
			continue;
		if (type > 0)
			(void)setup(state);
		asked();
		response = sign_response(seed, &proof);
		memcpy(body, response.p, response.n);
		body[0] = (uint8_t)type;
		say(span_of(body, response.n));
		expect_failed("the agent is gone");
		expect_closed();
		if (type < 255)
			(void)teardown(state);
	}
}

static void
test_long_signature(void **state)
{
	static uint8_t body[1 + 4 + SIGNATURE_MAX + 1] = { 14, 0, 0, SIGNATURE_MAX >> 8, 0 };

	asked();
	say(span_of(body, sizeof(body) - 1));		/* the longest that there is */
	expect_failed("the signature is not the key's");
	try(1);
	expect_sign(&proof);
	body[4] = 1;
	say(span_of(body, sizeof(body)));
	expect_failed("the agent is gone");
	expect_closed();
	(void)state;
}

static void
test_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, AGENT_REPLY_MAX + 1, 0x7fffffff, 0xffffffff };
	uint8_t head[4];

	for (size_t i = 0; i < 4; i++) {
		struct wr w = wr_of(head, sizeof(head));

		if (i > 0)
			(void)setup(state);
		asked();
		wr_u32(&w, lengths[i]);
		say_raw(head, sizeof(head));
		expect_failed("the agent is gone");
		expect_closed();
		if (i < 3)
			(void)teardown(state);
	}
}

/* Nobody asked: it might pass for the answer to the next question. */
static void
test_unasked(void **state)
{
	(void)state;
	say(sign_response(seed, &proof));
	expect_closed();
	PLAY_QUIET();
	try(1);
	expect_failed("the agent is gone");
	PLAY_WORKER_QUIET(worker);
}

/* ---- slow, and dying ---- */

static void
test_too_slow(void **state)
{
	(void)state;
	asked();
	play_wait(AGENT_SIGN_MS - 1);
	PLAY_QUIET();
	play_wait(1);
	expect_failed("the agent is gone");
	expect_closed();
	assert_false(worker->dead);
}

static void
test_dies(void **state)
{
	(void)state;
	asked();
	say_raw("\0\0\0\120\016", 5);			/* in the middle of a word */
	close(agent);
	agent = -1;
	play_run();
	expect_failed("the agent is gone");
	PLAY_WORKER_QUIET(worker);
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("x"));
	assert_true(play_take(worker->link));		/* the connection goes on */
	assert_int_equal(play.rx[0], IPC_MSG_LOGIN_PASSWORD);
}

static void
test_dies_unnoticed(void **state)
{
	(void)state;
	close(agent);
	agent = -1;
	try(1);
	expect_failed("the agent is gone");
	PLAY_TELL(KEY_DROP, .key = key);
	assert_null(play.m->agents);
}

/* Another connection, and perhaps another program: it is shown the server once more. */
static void
test_bound_again(void **state)
{
	struct ipc_AGENT_GONE q;
	struct span response;
	int pair[2];

	(void)state;
	asked();
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
	fails(worker);
	close(agent);
	play_run();
	PLAY_QUIET();					/* not before it is wanted */
	try(1);
	PLAY_EXPECT(AGENT_GONE, &q);
	assert_int_equal(q.call, 55);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	PLAY_TELL(AGENT_BACK, .call = 55, .socket = pair[1]);
	close(pair[1]);
	expect_bind(&proof);
	say(span_of("\006", 1));
	expect_sign(&proof);
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
}

/* What the user gave up while nobody was there is not asked for when somebody is. */
static void
test_given_up_while_gone(void **state)
{
	struct ipc_AGENT_GONE q;
	int pair[2];

	(void)state;
	close(agent);
	play_run();
	try(1);
	PLAY_EXPECT(AGENT_GONE, &q);
	try(1);
	expect_failed("given up");
	PLAY_QUIET();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	PLAY_TELL(AGENT_BACK, .call = 55, .socket = pair[1]);
	close(pair[1]);
	expect_bind(&proof);				/* the second try's */
	say(span_of("\006", 1));
	expect_sign(&proof);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
	expect_silence();
}

/* ---- several that wait ---- */

static void
test_in_turn(void **state)
{
	struct play_proof second, third;
	struct play_child *w2 = play_client(2, &second), *w3 = play_client(3, &third);
	struct ipc_END_OF end;

	(void)state;
	asked();
	try(2);
	try(3);
	expect_silence();				/* one thing at a time */
	PLAY_TELL(CLOSE, .conn = 2, .now = 1);		/* it waits no longer */
	PLAY_ENDED(2, IPC_DONE_BY_US, &end);
	assert_true(w2->dead);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
	expect_bind(&third);
	say(span_of("\006", 1));
	expect_sign(&third);
	PLAY_TELL(CLOSE, .conn = 3, .now = 1);		/* while it is being signed for */
	PLAY_ENDED(3, IPC_DONE_BY_US, &end);
	assert_true(w3->dead);
	fails(worker);
	try(1);
	expect_silence();
	say(sign_response(seed, &third));		/* for nobody */
	expect_sign(&proof);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
}

/* All who wait are told when it goes. */
static void
test_dies_on_many(void **state)
{
	struct play_proof other;

	(void)state;
	asked();
	for (uint64_t i = 2; i < 10; i++) {
		(void)play_client(i, &other);
		try(i);
	}
	close(agent);
	agent = -1;
	play_run();
	for (uint64_t i = 1; i < 10; i++)
		expect_failed("the agent is gone");
	PLAY_QUIET();
}

static void
test_too_many_wait(void **state)
{
	(void)state;
	asked();
	/* as many as there can be, without as many connections */
	play.m->agents->others.n = AGENT_REQUESTS_MAX + 1;
	{
		struct play_proof other;

		(void)play_client(2, &other);
		try(2);
	}
	expect_failed("the agent has too much to do");
	play.m->agents->others.n = 0;
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
}

static void
test_given_up(void **state)
{
	(void)state;
	asked();
	try(1);
	expect_failed("given up");
	expect_silence();				/* the first is still being signed */
	say(sign_response(seed, &proof));
	PLAY_WORKER_QUIET(worker);
	expect_sign(&proof);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
}

/* ---- dropping its keys ---- */

static void
test_last_key_dropped(void **state)
{
	(void)state;
	PLAY_TELL(KEY_DROP, .key = key);
	expect_closed();
	assert_null(play.m->agents);
	try(1);
	expect_failed("no such key");
}

static void
test_dropped_while_it_signs(void **state)
{
	struct play_proof other;
	struct play_child *w;

	(void)state;
	w = play_client(2, &other);
	asked();
	try(2);
	PLAY_TELL(KEY_DROP, .key = key);
	say(sign_response(seed, &proof));		/* what was asked before is done */
	expect_request(worker, sign_response(seed, &proof));
	expect_bind(&other);
	say(span_of("\005", 1));
	expect_sign(&other);
	say(sign_response(seed, &other));
	expect_request(w, sign_response(seed, &other));
	expect_closed();
	assert_null(play.m->agents);
}

/* The last key is dropped, and the agent goes just when its next turn comes. */
static void
test_dropped_and_dead(void **state)
{
	struct play_proof other;
	struct span response;
	struct wr w = wr_of(frame, sizeof(frame));

	(void)state;
	(void)play_client(2, &other);
	asked();
	try(2);
	PLAY_TELL(KEY_DROP, .key = key);
	response = sign_response(seed, &proof);
	wr_blob(&w, response, 256);
	assert_int_equal(send(agent, frame, w.n, 0), w.n);
	close(agent);
	agent = -1;
	play_run();
	expect_request(worker, response);
	expect_failed("the agent is gone");
	assert_null(play.m->agents);
}

/* ---- lists ---- */

static void
test_list(void **state)
{
	uint8_t rsa[] = "\0\0\0\7ssh-rsa....", long_comment[2000];
	static uint8_t huge[KEY_BLOB_MAX + 1] = "\0\0\0\013ssh-ed25519";
	struct span blobs[] = { own(), span_of(rsa, sizeof(rsa) - 1), span_of("", 0),
		span_of("\0\0\0\011", 4), span_of(huge, sizeof(huge)), own() };

	(void)state;
	connect_agent();
	expect_said(span_of("\013", 1));
	say(identities(blobs, 6, span_of("a\0b\033[2J\177c", 9)));
	expect_key(span_str("a?b?[2J?c"));
	expect_key(span_str("a?b?[2J?c"));
	expect_done(1);
	close(agent);
	memset(long_comment, 'x', sizeof(long_comment));
	connect_agent();
	say(identities(blobs, 1, span_of(long_comment, sizeof(long_comment))));
	expect_key(span_of(long_comment, 1024));
	expect_done(1);
}

/* Not one that we can use: nobody needs it. */
static void
test_empty_list(void **state)
{
	struct span rsa = span_of("\0\0\0\7ssh-rsa", 11);

	(void)state;
	connect_agent();
	say(identities(NULL, 0, span_of("", 0)));
	expect_done(1);
	expect_closed();
	close(agent);
	connect_agent();
	say(identities(&rsa, 1, span_of("", 0)));
	expect_done(1);
	expect_closed();
	assert_null(play.m->agents);
}

/* None of its keys counts, not even those before the mistake. */
static void
list_is_refused(struct span body)
{
	unsigned keys = play.m->user_keys;

	connect_agent();
	say(body);
	expect_done(0);
	expect_closed();
	close(agent);
	agent = -1;
	assert_null(play.m->agents);
	assert_int_equal(play.m->user_keys, keys);
}

static void
test_malformed_lists(void **state)
{
	struct span blobs[] = { own(), own() };
	uint8_t body[512];
	struct span good = identities(blobs, 2, span_str("c"));
	size_t n = good.n;

	(void)state;
	memcpy(body, good.p, n);
	body[n] = 0;
	for (size_t cut = 1; cut <= n + 1; cut++)
		if (cut != n)
			list_is_refused(span_of(body, cut));
	for (unsigned type = 0; type < 256; type++) {
		body[0] = (uint8_t)type;
		if (type != 12)
			list_is_refused(span_of(body, n));
	}
	body[0] = 12;
	body[4] = 3;				/* one more than there are */
	list_is_refused(span_of(body, n));
	body[4] = 1;				/* one fewer */
	list_is_refused(span_of(body, n));
	memset(&body[1], 0xff, 4);
	list_is_refused(span_of(body, n));
	list_is_refused(span_of("\005", 1));
	list_is_refused(span_of("\005\0", 2));
}

static void
test_longest_list(void **state)
{
	static uint8_t comment[AGENT_REPLY_MAX];
	struct span one = own();
	size_t room = AGENT_REPLY_MAX - (1 + 4 + 4 + blob_len + 4);

	(void)state;
	memset(comment, 'x', sizeof(comment));
	connect_agent();
	say(identities(&one, 1, span_of(comment, room)));
	expect_key(span_of(comment, 1024));
	expect_done(1);
	close(agent);
	connect_agent();
	say_raw("\0\4\0\1", 4);			/* one byte more */
	expect_done(0);
	expect_closed();
}

/* As many as there is room for, the others are passed over. */
static void
test_most_keys(void **state)
{
	enum { KEYS = MONITOR_USER_KEYS_MAX + 6 };
	static struct span blobs[KEYS];
	unsigned room = MONITOR_USER_KEYS_MAX - play.m->user_keys;

	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		blobs[i] = own();
	connect_agent();
	say(identities(blobs, KEYS, span_str("c")));
	for (size_t i = 0; i < room; i++) {
		expect_key(span_str("c"));
		play_run();
	}
	expect_done(1);
	assert_int_equal(play.m->agents->keys, room);
}

/* ---- certificates ---- */

static void
expect_certificate(struct span cert)
{
	struct ipc_AGENT_KEY k;

	PLAY_EXPECT(AGENT_KEY, &k);
	assert_int_equal(k.key, key);
	assert_true(span_is(k.alg, "ssh-ed25519"));
	assert_true(span_eq(k.blob, cert));
}

/* It is of the agent's own key, before or behind it in the list; what is of none, or no
 * user's, is passed over. */
static void
test_certificates(void **state)
{
	static uint8_t good[CERT_MAKE_MAX], second[CERT_MAKE_MAX], host[CERT_MAKE_MAX],
	    other[CERT_MAKE_MAX];
	struct cert_plan plan = { .kind = CERT_USER, .before = UINT64_MAX };
	struct span blobs[6];

	(void)state;
	memcpy(plan.subject, blob + blob_len - 32, 32);
	blobs[0] = span_of(good, cert_make(&plan, good));
	plan.serial = 2;
	blobs[4] = span_of(second, cert_make(&plan, second));
	plan.kind = CERT_HOST;
	blobs[1] = span_of(host, cert_make(&plan, host));
	plan.kind = CERT_USER;
	plan.subject[0] ^= 1;
	blobs[2] = span_of(other, cert_make(&plan, other));
	blobs[3] = own();
	blobs[5] = span_of(good, blobs[0].n - 1);
	connect_agent();
	say(identities(blobs, 6, span_str("c")));
	expect_key(span_str("c"));
	expect_certificate(blobs[0]);	/* the first of two */
	expect_done(1);
	assert_true(span_eq(monitor_keys_user(play.m, key)->cert, blobs[0]));
	close(agent);
	/* without the key itself it is of no use */
	connect_agent();
	say(identities(blobs, 3, span_str("c")));
	expect_done(1);
	expect_closed();
}

/* The bound on all user keys holds for an agent's too. */
static void
test_no_room_for_keys(void **state)
{
	struct span blobs[] = { own(), own() };
	unsigned had = play.m->user_keys;

	(void)state;
	play.m->user_keys = MONITOR_USER_KEYS_MAX - 1;
	connect_agent();
	say(identities(blobs, 2, span_str("c")));
	expect_key(span_str("c"));
	expect_done(1);
	play.m->user_keys = had + 1;
}

static void
test_slow_list(void **state)
{
	(void)state;
	connect_agent();
	say_raw("\0\0\0", 3);
	play_wait(AGENT_LIST_MS - 1);
	PLAY_QUIET();
	play_wait(1);
	expect_done(0);
	expect_closed();
	close(agent);
	agent = -1;
	assert_null(play.m->agents);
}

static void
test_dies_before_list(void **state)
{
	(void)state;
	connect_agent();
	close(agent);
	play_run();
	expect_done(0);
	{
		int pair[2];			/* gone before it was handed over */

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		close(pair[0]);
		agent = -1;
		hand_over(pair[1]);
	}
	expect_done(0);
	assert_null(play.m->agents);
}

/* ---- descriptors ---- */

static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_not_a_socket(void **state)
{
	int fds[2], before = open_descriptors();

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	hand_over(fds[1]);
	expect_done(0);
	hand_over(open("/dev/null", O_RDWR | O_CLOEXEC));
	expect_done(0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[0]);
	hand_over(fds[1]);
	expect_done(0);
	assert_int_equal(open_descriptors(), before);
	assert_null(play.m->agents);
}

static void
test_too_many_agents(void **state)
{
	int ends[MONITOR_AGENTS_MAX], before = open_descriptors();

	(void)state;
	for (int i = 0; i < MONITOR_AGENTS_MAX; i++) {
		connect_agent();
		ends[i] = agent;
	}
	PLAY_QUIET();
	connect_agent();
	expect_done(0);
	expect_closed();
	close(agent);
	agent = -1;
	for (int i = 0; i < MONITOR_AGENTS_MAX; i++)
		close(ends[i]);
	play_run();
	for (int i = 0; i < MONITOR_AGENTS_MAX; i++)
		expect_done(0);
	assert_int_equal(open_descriptors(), before);
}

/* It does not read: nobody waits for it but its own question. */
static void
test_does_not_read(void **state)
{
	static uint8_t junk[4096];
	size_t filled = 0, drained = 0;
	int pair[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	while ((n = send(pair[1], junk, sizeof(junk), MSG_DONTWAIT)) > 0)
		filled += (size_t)n;
	hand_over(pair[1]);
	PLAY_QUIET();
	while (drained < filled) {
		n = recv(agent, junk, filled - drained < sizeof(junk) ? filled - drained :
		    sizeof(junk), MSG_DONTWAIT);
		if (n > 0)
			drained += (size_t)n;
		play_run();
	}
	expect_said(span_of("\013", 1));
	say(identities(NULL, 0, span_of("", 0)));
	expect_done(1);
}

/* It answers what it cannot have read yet. */
static void
test_answers_too_early(void **state)
{
	static uint8_t junk[4096];
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	agent = pair[0];
	while (send(pair[1], junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	hand_over(pair[1]);
	say(identities(NULL, 0, span_of("", 0)));
	expect_done(0);
	expect_closed();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define GIVING(f) cmocka_unit_test_setup_teardown(f, giving_setup, teardown)
#define NO_CONFIG(f) cmocka_unit_test_setup_teardown(f, no_config_setup, teardown)
#define G(f) cmocka_unit_test_setup_teardown(f, again_setup, teardown)
#define B(f) cmocka_unit_test_setup_teardown(f, bare_setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_login), T(test_host_bound_login),
		GIVING(test_add), GIVING(test_add_what_is_not_ours), GIVING(test_add_to_no_agent),
		T(test_keys_do_not_leave), NO_CONFIG(test_no_config_lets_nothing_leave),
		T(test_bind_answers), T(test_byte_by_byte), T(test_no_signature),
		T(test_another_session), T(test_malformed_signatures), T(test_wrong_types),
		T(test_long_signature), T(test_lengths), T(test_unasked), T(test_too_slow),
		T(test_dies), T(test_dies_unnoticed), G(test_bound_again), G(test_given_up_while_gone), T(test_in_turn), T(test_dies_on_many),
		T(test_too_many_wait), T(test_given_up), T(test_last_key_dropped),
		T(test_dropped_while_it_signs), T(test_dropped_and_dead), B(test_list),
		B(test_empty_list), B(test_malformed_lists), B(test_longest_list),
		B(test_most_keys), B(test_certificates), B(test_no_room_for_keys), B(test_slow_list),
		B(test_dies_before_list), B(test_not_a_socket), B(test_too_many_agents),
		B(test_does_not_read), B(test_answers_too_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
