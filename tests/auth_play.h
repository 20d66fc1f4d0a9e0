/*
 * auth_play.h - logins to a server: the test is the worker that says what a client wants, and
 * the application that decides.
 */
#ifndef TESTS_AUTH_PLAY_H
#define TESTS_AUTH_PLAY_H

#include "tests/monitor_play.h"

static uint8_t session[32];
static struct play_child *worker;

static inline int
setup(void **state)
{
	(void)play_setup(state);
	worker = play_server(1, session);
	return 0;
}

/* A connection of its own plan. */
static inline void
connect_as(const struct ipc_NEW *plan)
{
	worker = play_served(plan, session);
}

/* ---- pieces ---- */

static inline size_t
login_data(struct span sid, uint8_t number, const char *user, const char *service,
    const char *method, uint8_t flag, const char *alg, struct span key, uint8_t *out)
{
	struct wr w = wr_of(out, 1024);

	wr_blob(&w, sid, 64);
	wr_u8(&w, number);
	wr_str(&w, user);
	wr_str(&w, service);
	wr_str(&w, method);
	wr_u8(&w, flag);
	wr_str(&w, alg);
	wr_blob(&w, key, 512);
	assert_false(w.bad);
	return w.n;
}

static inline struct span
user_key(void)
{
	return span_of(play.user_blob, play.user_blob_len);
}

/* A correct signature of the play's user key for this user and session. */
static inline struct span
signature_for(const char *user)
{
	static uint8_t sig[256];
	uint8_t data[1024];
	size_t n = login_data(span_of(session, 32), 50, user, "ssh-connection", "publickey", 1,
	    "ssh-ed25519", user_key(), data);

	return span_of(sig, play_sign(play.user_seed, span_of(data, n), sig, sizeof(sig)));
}

static inline void
send_key(const char *user, struct span key, struct span sig)
{
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str(user), .alg = span_str("ssh-ed25519"),
	    .key = key, .is_signed = sig.n > 0, .signature = sig);
}

static inline void
send_password(const char *user, const char *password)
{
	PLAY_SAY(worker, AUTH_PASSWORD, .user = span_str(user), .password = span_str(password));
}

static inline void
answer(uint64_t question, enum ipc_verdict verdict, const char *methods)
{
	PLAY_TELL(LOGIN_ANSWER, .conn = play.m->last_conn, .question = question,
	    .verdict = (uint8_t)verdict, .methods = span_str(methods));
}

static inline void
expect_refused_later(const char *methods)
{
	struct ipc_VERDICT v;

	PLAY_WORKER_QUIET(worker);
	play_wait(49);
	PLAY_WORKER_QUIET(worker);
	play_wait(1);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 0);
	assert_int_equal(v.partial, 0);
	assert_true(span_is(v.methods, methods));
	PLAY_QUIET();
}

/* The worker hears a refusal, not before the delay; the application a fact. */
static inline void
expect_refusal(unsigned failures, const char *methods)
{
	struct ipc_ATTEMPT attempt;

	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_REFUSED);
	assert_int_equal(attempt.failures, failures);
	expect_refused_later(methods);
}

static const char all[] = "publickey,password,keyboard-interactive";

static inline void
expect_login(const char *user, const char *methods, bool with_key)
{
	struct ipc_USER_LOGGED_IN in;
	struct ipc_LOGGED_IN gate;
	struct ipc_ATTEMPT attempt;
	char buf[8];
	int app_end;

	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_ACCEPTED);
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	assert_true(span_is(in.user, user));
	assert_true(span_is(in.methods, methods));
	assert_true(span_is(in.alg, with_key ? "ssh-ed25519" : ""));
	assert_true(span_eq(in.key, with_key ? user_key() : span_of(NULL, 0)));
	app_end = in.worker;
	PLAY_WORKER_EXPECT(worker, LOGGED_IN, &gate);
	/* the two ends are one pair, and nobody else holds them */
	assert_int_equal(send(gate.app, "hello", 5, 0), 5);
	assert_int_equal(recv(app_end, buf, sizeof(buf), 0), 5);
	close(gate.app);
	assert_int_equal(recv(app_end, buf, sizeof(buf), 0), 0);
	close(app_end);
	assert_int_equal(play.m->startups, 0);
	PLAY_QUIET();
}

/* Prompts "a", with echo, and "b"; answers "x" and none, and one too few (RFC 4256 3.2, 3.4). */
static const uint8_t two_prompts[] = { 0, 0, 0, 2, 0, 0, 0, 1, 'a', 1, 0, 0, 0, 1, 'b', 0 };
static const uint8_t two_answers[] = { 0, 0, 0, 2, 0, 0, 0, 1, 'x', 0, 0, 0, 0 };
static const uint8_t one_answer[] = { 0, 0, 0, 1, 0, 0, 0, 1, 'x' };

#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)

#endif
