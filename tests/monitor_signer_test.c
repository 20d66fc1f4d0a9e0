/*
 * monitor_signer_test.c - user keys whose private half is the application's own: what
 * it is asked, and that nothing but the right signature reaches a worker.
 */
#include "tests/monitor_play.h"

static struct play_child *worker;
static struct play_proof proof;
static uint8_t seed[32], blob[64];
static size_t blob_len;
static uint64_t key;

static struct span
own(void)
{
	return span_of(blob, blob_len);
}

static void
load(const char *alg, struct span b, struct ipc_KEY_LOADED *loaded)
{
	PLAY_TELL(KEY_SIGNER, .call = 5, .alg = span_str(alg), .blob = b);
	PLAY_EXPECT(KEY_LOADED, loaded);
	assert_int_equal(loaded->call, 5);
}

static int
setup(void **state)
{
	struct ipc_KEY_LOADED loaded;

	(void)play_setup(state);
	play_make_key(seed, blob, &blob_len);
	load("ssh-ed25519", own(), &loaded);
	assert_int_equal(loaded.result, KEYFILE_OK);
	assert_true(span_is(loaded.alg, "ssh-ed25519"));
	assert_true(span_eq(loaded.blob, own()));
	key = loaded.key;
	assert_true(key != 0 && key != play.user_key);
	worker = play_client(1, &proof);
	return 0;
}

static uint64_t
asked(const char *user)
{
	struct ipc_SIGN_ASK ask;
	uint8_t data[1024];
	size_t n = play_login_data(&proof, user, own(), data, sizeof(data));

	PLAY_EXPECT(SIGN_ASK, &ask);
	assert_int_equal(ask.conn, 1);
	assert_int_equal(ask.key, key);
	assert_true(span_is(ask.alg, "ssh-ed25519"));
	assert_true(span_eq(ask.data, span_of(data, n)));
	PLAY_WORKER_QUIET(worker);
	return ask.question;
}

static uint64_t
try_and_be_asked(const char *user)
{
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str(user), .key = key);
	return asked(user);
}

static size_t
sign(const uint8_t *by, const char *user, uint8_t sig[256])
{
	uint8_t data[1024];
	size_t n = play_login_data(&proof, user, own(), data, sizeof(data));

	return play_sign(by, span_of(data, n), sig, 256);
}

static void
answer(uint64_t question, struct span sig)
{
	PLAY_TELL(SIGN_ANSWER, .conn = 1, .question = question, .signature = sig);
}

static void
expect_request(const char *user, struct span sig)
{
	struct ipc_LOGIN_PUBLICKEY q;

	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
	assert_true(span_is(q.user, user));
	assert_true(span_is(q.alg, "ssh-ed25519"));
	assert_true(span_eq(q.key, own()));
	assert_true(span_eq(q.signature, sig));
}

static void
test_login(void **state)
{
	struct ipc_USER_LOGGED_IN in;
	uint64_t question = try_and_be_asked("bob");
	uint8_t sig[256];
	size_t n = sign(seed, "bob", sig);

	(void)state;
	answer(question, span_of(sig, n));
	expect_request("bob", span_of(sig, n));
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	assert_true(span_is(in.methods, "publickey"));
	assert_true(span_eq(in.key, own()));
	answer(question, span_of(sig, n));	/* the login is over */
	PLAY_QUIET();
	assert_false(play.m->over);
}

/* Each is a failed attempt; the worker hears nothing of it. */
static void
test_signatures_that_do_not_count(void **state)
{
	uint8_t sig[256];
	size_t n;

	(void)state;
	n = sign(seed, "bob", sig);
	for (size_t cut = 0; cut <= n + 1; cut++) {
		if (cut == n)
			continue;
		sig[n] = 0;
		answer(try_and_be_asked("bob"), span_of(sig, cut));
		play_failed(cut == 0 ? "the key did not sign" : "the signature is not the key's");
	}
	for (size_t i = 0; i < n; i++) {
		sig[i] ^= 1;
		answer(try_and_be_asked("bob"), span_of(sig, n));
		play_failed("the signature is not the key's");
		sig[i] ^= 1;
	}
	n = sign(seed, "alice", sig);			/* another user's login */
	answer(try_and_be_asked("bob"), span_of(sig, n));
	play_failed("the signature is not the key's");
	n = sign(play.user_seed, "bob", sig);		/* another key */
	answer(try_and_be_asked("bob"), span_of(sig, n));
	play_failed("the signature is not the key's");
	PLAY_WORKER_QUIET(worker);
	n = sign(seed, "bob", sig);
	answer(try_and_be_asked("bob"), span_of(sig, n));
	expect_request("bob", span_of(sig, n));
}

static void
test_late_and_twice(void **state)
{
	uint64_t question = try_and_be_asked("bob");
	struct ipc_END_OF end;
	uint8_t sig[256];
	size_t n = sign(seed, "bob", sig);

	(void)state;
	answer(question + 1, span_of(sig, n));
	answer(0, span_of(sig, n));
	PLAY_WORKER_QUIET(worker);
	answer(question, span_of(sig, n));
	expect_request("bob", span_of(sig, n));
	answer(question, span_of(sig, n));
	PLAY_WORKER_QUIET(worker);
	PLAY_SAY(worker, LOGIN_FAILURE, .methods = span_str("publickey"));
	play_failed("");
	question = try_and_be_asked("bob");
	PLAY_TELL(CLOSE, .conn = 1, .now = 1);
	PLAY_ENDED(1, IPC_DONE_BY_US, &end);
	answer(question, span_of(sig, n));		/* the connection is over */
	assert_false(play.m->over);
	PLAY_QUIET();
}

/* Another request: nobody waits for this signature any more. */
static void
test_given_up(void **state)
{
	uint64_t first = try_and_be_asked("bob"), second;
	uint8_t sig[256];
	size_t n = sign(seed, "bob", sig);

	(void)state;
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("eve"), .key = key);
	play_failed("given up");
	second = asked("eve");
	answer(first, span_of(sig, n));
	PLAY_WORKER_QUIET(worker);
	n = sign(seed, "eve", sig);
	answer(second, span_of(sig, n));
	expect_request("eve", span_of(sig, n));
}

/* The worker has no request yet: it cannot say that one succeeded. */
static void
test_worker_anticipates(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	(void)try_and_be_asked("bob");
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
	PLAY_QUIET();
}

/* Nobody answers: the login's own deadline ends it. */
static void
test_no_answer(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	(void)try_and_be_asked("bob");
	play_wait(120000 + MONITOR_SLACK_MS);
	PLAY_ENDED(1, IPC_TIMED_OUT, &end);
}

static void
test_dropped(void **state)
{
	(void)state;
	PLAY_TELL(KEY_DROP, .key = key);
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = key);
	play_failed("no such key");
	PLAY_WORKER_QUIET(worker);
}

static void
test_keys_refused(void **state)
{
	struct ipc_KEY_LOADED loaded;

	(void)state;
	load("ssh-rsa", own(), &loaded);		/* not what the blob is */
	assert_int_equal(loaded.result, KEYFILE_UNSUPPORTED);
	load("ssh-ed25519", span_of("\0\0\0\7ssh-dss", 11), &loaded);
	assert_int_equal(loaded.result, KEYFILE_UNSUPPORTED);
	for (size_t cut = 0; cut < 15; cut++) {		/* not even a type */
		load("ssh-ed25519", span_of(blob, cut), &loaded);
		assert_int_equal(loaded.result, KEYFILE_UNSUPPORTED);
		assert_int_equal(loaded.key, 0);
	}
	for (unsigned i = play.m->user_keys; i < MONITOR_USER_KEYS_MAX; i++) {
		load("ssh-ed25519", own(), &loaded);
		assert_int_equal(loaded.result, KEYFILE_OK);
	}
	load("ssh-ed25519", own(), &loaded);
	assert_int_equal(loaded.result, KEYFILE_UNSUPPORTED);
	assert_false(play.m->over);
}

/* A type that we know is not yet a key: it verifies nothing. */
static void
test_half_a_key(void **state)
{
	struct ipc_KEY_LOADED loaded;
	struct ipc_SIGN_ASK ask;
	uint8_t sig[256];
	size_t n = sign(seed, "bob", sig);

	(void)state;
	load("ssh-ed25519", span_of(blob, blob_len - 1), &loaded);
	assert_int_equal(loaded.result, KEYFILE_OK);
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = loaded.key);
	PLAY_EXPECT(SIGN_ASK, &ask);
	answer(ask.question, span_of(sig, n));
	play_failed("the signature is not the key's");
	PLAY_WORKER_QUIET(worker);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_login), T(test_signatures_that_do_not_count), T(test_late_and_twice),
		T(test_given_up), T(test_worker_anticipates), T(test_no_answer),
		T(test_dropped), T(test_keys_refused), T(test_half_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
