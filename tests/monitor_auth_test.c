/*
 * monitor_auth_test.c - a server's login: who gets in, who does not, and how often
 * and how fast one may ask.
 */
#include "tests/monitor_play.h"

static uint8_t session[32];
static struct play_child *worker;

static int
setup(void **state)
{
	(void)play_setup(state);
	worker = play_server(1, session);
	return 0;
}

/* A connection of its own plan. */
static void
connect_as(const struct ipc_NEW *plan)
{
	struct play_start start;
	struct ipc_KEX_DONE done;
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_kex x;

	play_new(plan);
	play_attach(plan->conn);
	worker = play_started(plan->conn, &start);
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(worker->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(worker, SIGNED, &sig);
	memcpy(session, sig.hash.p, 32);
	play_agree(worker);
	PLAY_EXPECT(KEX_DONE, &done);
}

/* ---- pieces ---- */

static size_t
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

static struct span
user_key(void)
{
	return span_of(play.user_blob, play.user_blob_len);
}

/* A correct signature of the play's user key for this user and session. */
static struct span
signature_for(const char *user)
{
	static uint8_t sig[256];
	uint8_t data[1024];
	size_t n = login_data(span_of(session, 32), 50, user, "ssh-connection", "publickey", 1,
	    "ssh-ed25519", user_key(), data);

	return span_of(sig, play_sign(play.user_seed, span_of(data, n), sig, sizeof(sig)));
}

static void
send_key(const char *user, struct span key, struct span sig)
{
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str(user), .alg = span_str("ssh-ed25519"),
	    .key = key, .is_signed = sig.n > 0, .signature = sig);
}

static void
send_password(const char *user, const char *password)
{
	PLAY_SAY(worker, AUTH_PASSWORD, .user = span_str(user), .password = span_str(password));
}

static void
answer(uint64_t question, enum ipc_verdict verdict, const char *methods)
{
	PLAY_TELL(LOGIN_ANSWER, .conn = play.m->last_conn, .question = question,
	    .verdict = (uint8_t)verdict, .methods = span_str(methods));
}

static void
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
static void
expect_refusal(unsigned failures, const char *methods)
{
	struct ipc_ATTEMPT attempt;

	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_REFUSED);
	assert_int_equal(attempt.failures, failures);
	expect_refused_later(methods);
}

static const char all[] = "publickey,password,keyboard-interactive";

static void
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

/* ---- none and password ---- */

static void
test_none_lists(void **state)
{
	struct ipc_VERDICT v;

	(void)state;
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	PLAY_QUIET();
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);	/* at once, and no failure */
	assert_true(span_is(v.methods, all));
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	expect_refusal(1, all);				/* the second is one */
}

static void
test_none_asked(void **state)
{
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	struct ipc_ASK_NONE ask;
	struct ipc_END_OF end;

	(void)state;
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	plan.ask_none = 1;
	connect_as(&plan);
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	PLAY_EXPECT(ASK_NONE, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "none", false);
}

static void
test_password(void **state)
{
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	assert_true(span_is(ask.user, "bob"));
	assert_true(span_is(ask.password, "wrong"));
	assert_int_equal(ask.proven.n, 0);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	send_password("bob", "right");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "password", false);
}

/* A slow application is not made slower: the delay counts from the request. */
static void
test_delay_from_request(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_VERDICT v;

	(void)state;
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	play_wait(60);
	answer(ask.question, IPC_REFUSED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 0);
}

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

/* ---- keyboard-interactive ---- */

static const uint8_t two_prompts[] = { 0, 0, 0, 2, 0, 0, 0, 1, 'a', 1, 0, 0, 0, 1, 'b', 0 };
static const uint8_t two_answers[] = { 0, 0, 0, 2, 0, 0, 0, 1, 'x', 0, 0, 0, 0 };
static const uint8_t one_answer[] = { 0, 0, 0, 1, 0, 0, 0, 1, 'x' };

static void
prompted(void)
{
	struct ipc_ASK_KBDINT ask;
	struct ipc_PROMPTS prompts;

	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str("pam"));
	PLAY_EXPECT(ASK_KBDINT, &ask);
	assert_true(span_is(ask.submethods, "pam"));
	PLAY_TELL(PROMPT_ANSWER, .conn = 1, .question = ask.question, .name = span_str("n"),
	    .instruction = span_str("i"), .prompts = span_of(two_prompts, sizeof(two_prompts)));
	PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
	assert_true(span_eq(prompts.prompts, span_of(two_prompts, sizeof(two_prompts))));
}

static void
test_kbdint(void **state)
{
	struct ipc_ASK_RESPONSES ask;
	struct ipc_PROMPTS prompts;

	(void)state;
	prompted();
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of(two_answers, sizeof(two_answers)));
	PLAY_EXPECT(ASK_RESPONSES, &ask);
	assert_true(span_is(ask.user, "bob"));
	assert_true(span_eq(ask.answers, span_of(two_answers, sizeof(two_answers))));
	/* a second round without prompts, then in */
	PLAY_TELL(PROMPT_ANSWER, .conn = 1, .question = ask.question,
	    .prompts = span_of("\0\0\0\0", 4));
	PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of("\0\0\0\0", 4));
	PLAY_EXPECT(ASK_RESPONSES, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "keyboard-interactive", false);
}

static void
test_kbdint_wrong_count(void **state)
{
	(void)state;
	prompted();
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of(one_answer, sizeof(one_answer)));
	expect_refusal(1, all);
}

static void
test_kbdint_started_anew(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_END_OF end;

	(void)state;
	prompted();
	send_password("bob", "p");		/* RFC 4252 5.1 */
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	/* the prompts are gone */
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of(two_answers, sizeof(two_answers)));
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

/* ---- refusals are alike ---- */

/* Ways to be refused, as a peer who tries names, passwords and keys meets them. */
enum refused { WRONG_PASSWORD, WRONG_KEY, WRONG_KEY_SIGNED, BAD_SIGNATURE, FOREIGN_ALGORITHM,
	WRONG_ANSWERS, WRONG_COUNT, NO_SUCH_METHOD, SECOND_NONE, REFUSED_WAYS };

static void
try(enum refused way, const char *user)
{
	struct ipc_ASK_KBDINT ask;
	struct ipc_PROMPTS prompts;

	switch (way) {
	case WRONG_PASSWORD:
		send_password(user, "wrong");
		break;
	case WRONG_KEY:
		send_key(user, span_of(play.host_blob, play.host_blob_len), span_of(NULL, 0));
		break;
	case WRONG_KEY_SIGNED:
		send_key(user, user_key(), signature_for(user));
		break;
	case BAD_SIGNATURE:
		send_key(user, user_key(), signature_for("somebody-else"));
		break;
	case FOREIGN_ALGORITHM:
		PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str(user), .alg = span_str("ssh-foreign"),
		    .key = user_key());
		break;
	case NO_SUCH_METHOD:
		PLAY_SAY(worker, AUTH_OTHER, .user = span_str(user), .method = span_str("hostbased"));
		break;
	case SECOND_NONE:
		PLAY_SAY(worker, AUTH_NONE, .user = span_str(user));
		break;
	default:
		PLAY_SAY(worker, AUTH_KBDINT, .user = span_str(user));
		PLAY_EXPECT(ASK_KBDINT, &ask);
		PLAY_TELL(PROMPT_ANSWER, .conn = play.m->last_conn, .question = ask.question,
		    .name = span_str("n"), .instruction = span_str("i"), .prompts = span_of(two_prompts,
		    sizeof(two_prompts)));
		PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
		PLAY_SAY(worker, AUTH_RESPONSES, .answers = way == WRONG_COUNT ?
		    span_of(one_answer, sizeof(one_answer)) : span_of(two_answers, sizeof(two_answers)));
	}
}

/* The question that the application was asked, if it was; attempts are passed over. */
static uint64_t
question_of_application(void)
{
	struct ipc_ASK_PASSWORD password;
	struct ipc_ASK_PUBLICKEY key;
	struct ipc_ASK_RESPONSES answers;

	switch (play_next()) {
	case IPC_MSG_ASK_PASSWORD:
		PLAY_DECODE(ASK_PASSWORD, &password);
		return password.question;
	case IPC_MSG_ASK_PUBLICKEY:
		PLAY_DECODE(ASK_PUBLICKEY, &key);
		return key.question;
	case IPC_MSG_ASK_RESPONSES:
		PLAY_DECODE(ASK_RESPONSES, &answers);
		return answers.question;
	}
	return 0;
}

/* What the worker hears, and after how many milliseconds, whatever the way, the name and
 * the time that the application took: nothing in either can be told from the other. */
static void
test_refusals_are_alike(void **state)
{
	static const char *const users[] = { "bob", "no-such-user-anywhere" };
	static uint8_t first[IPC_MESSAGE_MAX];
	size_t first_len = 0;

	(void)state;
	for (uint64_t i = 0; i < 2; i++) {
		struct ipc_NEW plan = play_plan(2 + i, IPC_SERVER);
		struct ipc_VERDICT v;

		plan.tries_max = 1000;
		connect_as(&plan);
		PLAY_SAY(worker, AUTH_NONE, .user = span_str(users[i]));
		PLAY_WORKER_EXPECT(worker, VERDICT, &v);
		for (int n = 0; n < 3 * REFUSED_WAYS; n++) {
			static const int slow[] = { 0, 13, 49 };
			uint64_t question;
			int ms = 0;

			try((enum refused)(n % REFUSED_WAYS), users[i]);
			if ((question = question_of_application()) != 0) {
				ms = slow[n / REFUSED_WAYS];
				play_wait((uint64_t)ms);
				answer(question, IPC_REFUSED, "");
			}
			while (ms < 1000 && !play_take(worker->link)) {
				play_wait(1);
				ms++;
			}
			if (ms != 50)
				fail_msg("way %d of %s: after %d ms", n % REFUSED_WAYS, users[i], ms);
			if (first_len == 0)
				memcpy(first, play.rx, first_len = play.rx_len);
			assert_int_equal(play.rx_len, first_len);
			assert_memory_equal(play.rx, first, first_len);
			while (play_next() != 0)
				continue;
		}
	}
}

/* ---- limits ---- */

static void
test_tries_max(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_STOP stop;
	struct ipc_END_OF end;

	(void)state;
	for (unsigned i = 1; i < 6; i++) {
		send_password("bob", "wrong");
		PLAY_EXPECT(ASK_PASSWORD, &ask);
		answer(ask.question, IPC_REFUSED, "");
		expect_refusal(i, all);
	}
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	PLAY_EXPECT(ATTEMPT, &attempt);
	play_wait(50);
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	assert_true(span_is(stop.text, "too many authentication failures"));
	/* whatever it says now, nobody listens */
	PLAY_SAY(worker, AUTH_PASSWORD, .user = span_str("bob"), .password = span_str("right"));
	PLAY_QUIET();
	PLAY_SAY(worker, BYE, .outcome = IPC_DONE_BY_US, .side = IPC_LOCAL,
	    .phase = span_str("auth"), .text = span_str("told to"));
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_LOGIN_REFUSED, &end);
	assert_int_equal(end.is_claim, 0);
}

/* The application may set another limit, and a banner, once it knows the user. */
static void
test_terms(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_SHOW_BANNER show;
	struct ipc_STOP stop;

	(void)state;
	/* nobody has asked for a login: nothing to set, and no worker that waits */
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .tries_max = 1, .banner = span_str("early"));
	PLAY_WORKER_QUIET(worker);
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .tries_max = 2, .banner = span_str("hello"));
	PLAY_WORKER_EXPECT(worker, SHOW_BANNER, &show);
	assert_true(span_is(show.text, "hello"));
	answer(ask.question, IPC_REFUSED, "");
	/* the answer is on its way: no banner behind it */
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .tries_max = 0, .banner = span_str("late"));
	expect_refusal(1, all);
	PLAY_WORKER_QUIET(worker);
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	PLAY_EXPECT(ATTEMPT, &attempt);
	play_wait(50);
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	assert_true(span_is(stop.text, "too many authentication failures"));
}

/* Probes and other things that are no failures are counted too. */
static void
test_requests_max(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;
	struct ipc_STOP stop;

	(void)state;
	for (int i = 0; i < MONITOR_AUTH_REQUESTS_MAX; i++) {
		send_key("bob", user_key(), span_of(NULL, 0));
		if (i == 0) {
			PLAY_EXPECT(ASK_PUBLICKEY, &ask);
			answer(ask.question, IPC_ACCEPTED, "");
		}
		PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	}
	send_key("bob", user_key(), span_of(NULL, 0));
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
}

static void
test_user_change(void **state)
{
	struct ipc_VERDICT v;
	struct ipc_STOP stop;
	struct ipc_END_OF end;

	(void)state;
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	send_password("bobby", "right");
	PLAY_QUIET();
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_PROTOCOL, &end);
	assert_int_equal(end.side, IPC_PEER);
}

static void
test_method_not_offered(void **state)
{
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	struct ipc_END_OF end;

	(void)state;
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	plan.methods = span_str("publickey");
	connect_as(&plan);
	send_password("bob", "right");
	expect_refusal(1, "publickey");
	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str(""));
	expect_refusal(2, "publickey");
	PLAY_SAY(worker, AUTH_OTHER, .user = span_str("bob"), .method = span_str("hostbased"));
	expect_refusal(3, "publickey");
}

/* ---- answers ---- */

static void
test_late_answers(void **state)
{
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question - 1, IPC_ACCEPTED, "");
	answer(ask.question + 1, IPC_ACCEPTED, "");
	answer(0, IPC_ACCEPTED, "");
	PLAY_QUIET();
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	answer(ask.question, IPC_ACCEPTED, "");		/* the second answer */
	PLAY_QUIET();
	assert_false(play.m->over);
	/* while no question is open, a wrong verdict is still a broken contract */
	answer(ask.question, 9, "");
	assert_true(play.m->over);
}

static void
test_answer_after_end(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_END_OF end;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_QUIET();
	assert_false(play.m->over);
}

/* ---- a new password (RFC 4252 8) ---- */

static void
send_change(const char *user)
{
	PLAY_SAY(worker, AUTH_CHANGE, .user = span_str(user), .password = span_str("old"),
	    .new_password = span_str("new"));
}

/* The worker asks its peer for a new one. */
static void
expect_wanted(uint64_t question)
{
	struct ipc_CHANGE_WANTED wanted;

	PLAY_TELL(CHANGE_ANSWER, .conn = play.m->last_conn, .question = question,
	    .prompt = span_str("expired"));
	PLAY_WORKER_EXPECT(worker, CHANGE_WANTED, &wanted);
	assert_true(span_is(wanted.prompt, "expired"));
	PLAY_QUIET();
}

static void
test_change_that_was_asked_for(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ASK_CHANGE change;

	(void)state;
	send_password("bob", "old");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	expect_wanted(ask.question);
	send_change("bob");
	PLAY_EXPECT(ASK_CHANGE, &change);
	assert_true(span_is(change.user, "bob"));
	assert_true(span_is(change.password, "old"));
	assert_true(span_is(change.new_password, "new"));
	/* it does not please */
	expect_wanted(change.question);
	send_change("bob");
	PLAY_EXPECT(ASK_CHANGE, &change);
	answer(change.question, IPC_ACCEPTED, "");
	expect_login("bob", "password", false);
}

/* Nobody is asked: who looks at the old password alone would think that it was changed. */
static void
test_change_that_was_not_asked_for(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ASK_CHANGE change;

	(void)state;
	send_change("bob");
	expect_refusal(1, all);
	send_password("bob", "old");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	expect_wanted(ask.question);
	/* something else came between */
	send_password("bob", "other");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(2, all);
	send_change("bob");
	expect_refusal(3, all);
	/* a refusal of the change ends it too */
	send_password("bob", "old");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	expect_wanted(ask.question);
	send_change("bob");
	PLAY_EXPECT(ASK_CHANGE, &change);
	answer(change.question, IPC_REFUSED, "");
	expect_refusal(4, all);
	send_change("bob");
	expect_refusal(5, all);
}

static void
test_change_wanted_late_or_of_something_else(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ASK_KBDINT kbdint;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(CHANGE_ANSWER, .conn = 1, .question = ask.question + 1, .prompt = span_str("x"));
	PLAY_QUIET();
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	PLAY_TELL(CHANGE_ANSWER, .conn = 1, .question = ask.question, .prompt = span_str("x"));
	PLAY_QUIET();
	PLAY_WORKER_QUIET(worker);
	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str(""));
	PLAY_EXPECT(ASK_KBDINT, &kbdint);
	PLAY_TELL(CHANGE_ANSWER, .conn = 1, .question = kbdint.question, .prompt = span_str("x"));
	assert_true(play.m->over);
}

/* Prompts are no answer to a question about a password. */
static void
test_prompts_for_password(void **state)
{
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(PROMPT_ANSWER, .conn = 1, .question = ask.question,
	    .prompts = span_of(two_prompts, sizeof(two_prompts)));
	assert_true(play.m->over);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_none_lists), T(test_none_asked), T(test_password),
		T(test_delay_from_request), T(test_publickey), T(test_publickey_without_probe),
		T(test_bad_signatures), T(test_wanted_but_not_proven), T(test_host_bound), T(test_key_and_algorithm),
		T(test_last_key_asked_is_not_proven), T(test_asked_once), T(test_two_factors),
		T(test_step_asks_again), T(test_kbdint), T(test_kbdint_wrong_count),
		T(test_kbdint_started_anew), T(test_refusals_are_alike), T(test_tries_max),
		T(test_terms), T(test_requests_max),
		T(test_user_change), T(test_method_not_offered), T(test_late_answers),
		T(test_answer_after_end), T(test_prompts_for_password),
		T(test_change_that_was_asked_for), T(test_change_that_was_not_asked_for),
		T(test_change_wanted_late_or_of_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
