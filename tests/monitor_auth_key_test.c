/*
 * monitor_auth_key_test.c - a server's logins by a public key: which signatures prove it, what
 * they must be over, and keys as one step of several.
 */
#include "tests/auth_play.h"

/* ---- public keys ---- */

static void
test_publickey(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;

	(void)state;
	send_key("bob", user_key(), span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	assert_true(span_eq(ask.key, user_key()));
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
	PLAY_QUIET();				/* not a login, not an attempt */
	send_key("bob", user_key(), signature_for("bob"));
	expect_login("bob", "publickey", true);	/* asked once */
}

static void
test_publickey_without_probe(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;

	(void)state;
	send_key("bob", user_key(), signature_for("bob"));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "publickey", true);
}

/* A good key whose owner did not sign: nothing that stands in for the signature
 * logs in, and the application is not even asked. */
static void
test_bad_signatures(void **state)
{
	static uint8_t data[1024], sig[256];
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;
	struct ipc_END_OF end;
	uint8_t foreign[32];
	size_t n, good;
	unsigned failures = 0;

	(void)state;
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	plan.tries_max = 1000;
	connect_as(&plan);
	/* the key would do: it was probed, and accepted if proven */
	send_key("bob", user_key(), span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	randombytes_buf(foreign, sizeof(foreign));
	for (int i = 0; i < 9; i++) {
		struct span sid = i == 0 ? span_of(foreign, 32) : i == 1 ? span_of(session, 31) :
		    span_of(session, 32);

		n = login_data(sid, i == 2 ? 51 : 50, i == 3 ? "root" : "bob",
		    i == 4 ? "ssh-userauth" : "ssh-connection", i == 5 ? "password" : "publickey",
		    i != 6, i == 7 ? "rsa-sha2-512" : "ssh-ed25519",
		    i == 8 ? span_of(play.host_blob, play.host_blob_len) : user_key(), data);
		good = play_sign(play.user_seed, span_of(data, n), sig, sizeof(sig));
		send_key("bob", user_key(), span_of(sig, good));
		expect_refusal(++failures, all);
	}
	/* by another key; of the right data */
	n = login_data(span_of(session, 32), 50, "bob", "ssh-connection", "publickey", 1,
	    "ssh-ed25519", user_key(), data);
	good = play_sign(play.seed, span_of(data, n), sig, sizeof(sig));
	send_key("bob", user_key(), span_of(sig, good));
	expect_refusal(++failures, all);
	/* truncated, one byte more, a flipped bit, another name inside */
	good = play_sign(play.user_seed, span_of(data, n), sig, sizeof(sig));
	send_key("bob", user_key(), span_of(sig, good - 1));
	expect_refusal(++failures, all);
	send_key("bob", user_key(), span_of(sig, 1));
	expect_refusal(++failures, all);
	sig[good] = 0;
	send_key("bob", user_key(), span_of(sig, good + 1));
	expect_refusal(++failures, all);
	sig[good - 1] ^= 1;
	send_key("bob", user_key(), span_of(sig, good));
	expect_refusal(++failures, all);
	sig[good - 1] ^= 1;
	sig[4] ^= 1;
	send_key("bob", user_key(), span_of(sig, good));
	expect_refusal(++failures, all);
	/* signed, says the flag, but nothing is there */
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = user_key(), .is_signed = 1);
	expect_refusal(++failures, all);
	/* an unsigned request with a good signature beside it is a probe */
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = user_key(), .is_signed = 0, .signature = signature_for("bob"));
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
	PLAY_QUIET();
}

/* The key is asked about before its signature is looked at, whose cost is a stranger's to
 * choose; that the key would do does not help a signature that is not its. */
static void
test_wanted_but_not_proven(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;

	(void)state;
	send_key("bob", user_key(), signature_for("root"));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	PLAY_WORKER_QUIET(worker);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_refusal(1, all);
	send_key("bob", user_key(), signature_for("root"));
	expect_refusal(2, all);
	/* a partial success neither */
	send_key("bob", span_of(play.host_blob, play.host_blob_len), signature_for("bob"));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_PARTIAL, "password");
	expect_refusal(3, all);
	send_key("bob", user_key(), signature_for("bob"));
	expect_login("bob", "publickey", true);
}

/* OpenSSH PROTOCOL 3.1, put together by the test. */
static struct span
bound_signature(struct span host_key)
{
	static uint8_t sig[256];
	uint8_t data[1024];
	struct wr w = wr_of(data, sizeof(data));

	wr_blob(&w, span_of(session, 32), 32);
	wr_u8(&w, 50);
	wr_str(&w, "bob");
	wr_str(&w, "ssh-connection");
	wr_str(&w, "publickey-hostbound-v00@openssh.com");
	wr_u8(&w, 1);
	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, user_key(), 64);
	wr_blob(&w, host_key, 64);
	assert_false(w.bad);
	return span_of(sig, play_sign(play.user_seed, wr_span(&w), sig, sizeof(sig)));
}

static void
send_bound(struct span host_key, struct span sig)
{
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = user_key(), .is_signed = sig.n > 0, .signature = sig, .host_key = host_key);
}

/* The log says why, and the peer is told no more than of any refusal. */
static void
expect_not_for_us(unsigned failures)
{
	struct ipc_ATTEMPT attempt;

	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_REFUSED);
	assert_int_equal(attempt.failures, failures);
	assert_true(span_is(attempt.why, "the login is bound to another host key than ours"));
	expect_refused_later(all);
}

static void
test_host_bound(void **state)
{
	struct span host = span_of(play.host_blob, play.host_blob_len);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;
	unsigned failures = 0;

	(void)state;
	send_bound(host, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
	/* another host's, be it asked about or proven; ours with something behind it */
	send_bound(user_key(), span_of(NULL, 0));
	expect_not_for_us(++failures);
	send_bound(user_key(), bound_signature(user_key()));
	expect_not_for_us(++failures);
	send_bound(span_of(play.host_blob, play.host_blob_len - 1), bound_signature(host));
	expect_not_for_us(++failures);
	/* signed as the other method, either way round */
	send_bound(host, signature_for("bob"));
	expect_refusal(++failures, all);
	send_key("bob", user_key(), bound_signature(host));
	expect_refusal(++failures, all);
	send_bound(host, bound_signature(host));
	expect_login("bob", "publickey", true);
}

static void
test_key_and_algorithm(void **state)
{
	static const char *const algs[] = { "ssh-rsa", "rsa-sha2-512", "", "ssh-ed25519,",
		"none" };
	uint8_t rsa[64];
	struct wr w = wr_of(rsa, sizeof(rsa));
	unsigned failures = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str(algs[i]),
		    .key = user_key());
		if (++failures == 6)
			break;
		expect_refusal(failures, all);
	}
	/* the algorithm is offered, the key is of another type */
	wr_str(&w, "ssh-rsa");
	wr_blob(&w, span_of(session, 32), 32);
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = wr_span(&w));
	play_wait(50);
	assert_true(play.m->table[1]->end.on);	/* the sixth: enough */
}

/* Probing one key and signing with another: each is judged for itself. */
static void
test_last_key_asked_is_not_proven(void **state)
{
	struct span admin = span_of(play.host_blob, play.host_blob_len);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;

	(void)state;
	send_key("bob", admin, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	send_key("bob", user_key(), signature_for("bob"));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	assert_true(span_eq(ask.key, user_key()));
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	send_key("bob", admin, signature_for("bob"));	/* their key, our signature */
	expect_refusal(2, all);
}

/* Asked once per key: the answer is remembered, also a refusal. */
static void
test_asked_once(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;

	(void)state;
	send_key("bob", user_key(), span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	send_key("bob", user_key(), span_of(NULL, 0));
	expect_refusal(2, all);
	send_key("bob", user_key(), signature_for("bob"));
	expect_refusal(3, all);
}

/* ---- steps ---- */

static void
test_two_factors(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_ASK_PASSWORD pass;
	struct ipc_ATTEMPT attempt;
	struct ipc_VERDICT v;

	(void)state;
	send_key("bob", user_key(), signature_for("bob"));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_PARTIAL, "publickey,password");
	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_PARTIAL);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.partial, 1);
	assert_true(span_is(v.methods, "publickey,password"));
	/* the same key does not serve twice, nor what is not offered now */
	send_key("bob", user_key(), signature_for("bob"));
	expect_refusal(1, "publickey,password");
	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str(""));
	expect_refusal(2, "publickey,password");
	/* a refusal without a list does not bring back what was taken away */
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &pass);
	assert_true(span_is(pass.proven, "publickey"));
	answer(pass.question, IPC_REFUSED, "");
	expect_refusal(3, "publickey,password");
	send_password("bob", "y");
	PLAY_EXPECT(ASK_PASSWORD, &pass);
	answer(pass.question, IPC_ACCEPTED, "");
	PLAY_EXPECT(ATTEMPT, &attempt);
	{
		struct ipc_USER_LOGGED_IN in;

		PLAY_EXPECT(USER_LOGGED_IN, &in);
		assert_true(span_is(in.methods, "publickey,password"));
		close(in.worker);
	}
}

/* What was said about a key before a step is asked again after it. */
static void
test_step_asks_again(void **state)
{
	struct span second = span_of(play.host_blob, play.host_blob_len);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_VERDICT v;

	(void)state;
	send_key("bob", second, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	send_key("bob", user_key(), signature_for("bob"));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_PARTIAL, "publickey");
	PLAY_EXPECT(ATTEMPT, &attempt);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	send_key("bob", second, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	assert_true(span_is(ask.proven, "publickey"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_publickey), T(test_publickey_without_probe), T(test_bad_signatures),
		T(test_wanted_but_not_proven), T(test_host_bound), T(test_key_and_algorithm),
		T(test_last_key_asked_is_not_proven), T(test_asked_once), T(test_two_factors),
		T(test_step_asks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
