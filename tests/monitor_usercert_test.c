/*
 * monitor_usercert_test.c - a client's own certificates: attached to a key, shown in its
 * place, proven by it.
 */
#include "tests/monitor_play.h"

#include "tests/cert_make.h"

static const char alg[] = "ssh-ed25519-cert-v01@openssh.com";

static struct play_proof proof;
static struct play_child *worker;
static uint8_t made[CERT_MAKE_MAX];

static int
setup(void **state)
{
	(void)play_setup(state);
	worker = play_client(1, &proof);
	monitor_conn_find(play.m, 1)->plan.sig_algs =
	    span_str("ssh-ed25519-cert-v01@openssh.com,ssh-ed25519");
	return 0;
}

/* A certificate for the play's user key, which is nobody's to judge here. */
static struct cert_plan
plan(void)
{
	struct cert_plan p = { .kind = CERT_USER, .after = 1, .before = 2,
		.key_id = span_str("expired") };
	struct rd r = rd_of(span_of(play.user_blob, play.user_blob_len));

	(void)rd_blob(&r, 64);
	memcpy(p.subject, rd_blob(&r, 32).p, 32);
	return p;
}

static struct span
make(const struct cert_plan *p)
{
	return span_of(made, cert_make(p, made));
}

static bool
add(uint64_t key, struct span cert)
{
	struct ipc_CERT_ADDED added;

	PLAY_TELL(KEY_CERT, .call = 8, .key = key, .cert = cert);
	PLAY_EXPECT(CERT_ADDED, &added);
	assert_int_equal(added.call, 8);
	assert_int_equal(added.why.n == 0, added.ok);
	return added.ok != 0;
}

static void
the_certificate_is_shown_and_the_key_signs(void **state)
{
	struct cert_plan p = plan();
	struct ipc_LOGIN_PUBLICKEY login;
	static uint8_t data[CERT_MAKE_MAX];
	struct wr w = wr_of(data, sizeof(data));
	uint8_t sig[256];
	struct span cert = make(&p);

	(void)state;
	assert_true(add(play.user_key, cert));
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key,
	    .certified = 1);
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &login);
	assert_true(span_is(login.alg, alg));
	assert_true(span_eq(login.key, cert));
	wr_blob(&w, span_of(proof.session, 32), 64);
	wr_u8(&w, 50);
	wr_str(&w, "bob");
	wr_str(&w, "ssh-connection");
	wr_str(&w, "publickey");
	wr_u8(&w, 1);
	wr_str(&w, alg);
	wr_blob(&w, cert, SIZE_MAX);
	assert_true(span_eq(login.signature, span_of(sig, play_sign(play.user_seed, wr_span(&w),
	    sig, sizeof(sig)))));
}

static void
without_it_the_key_is_shown(void **state)
{
	struct cert_plan p = plan();
	struct ipc_LOGIN_PUBLICKEY login;
	struct ipc_LOGIN_RESULT result;

	(void)state;
	/* there is none yet */
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key,
	    .certified = 1);
	PLAY_EXPECT(LOGIN_RESULT, &result);
	assert_int_equal(result.result, IPC_LOGIN_FAILED);
	PLAY_WORKER_QUIET(worker);
	assert_true(add(play.user_key, make(&p)));
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key);
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &login);
	assert_true(span_is(login.alg, "ssh-ed25519"));
	assert_true(span_eq(login.key, span_of(play.user_blob, play.user_blob_len)));
}

static void
an_algorithm_that_is_not_listed_is_not_used(void **state)
{
	struct cert_plan p = plan();
	struct ipc_LOGIN_RESULT result;

	(void)state;
	monitor_conn_find(play.m, 1)->plan.sig_algs = span_str("ssh-ed25519");
	assert_true(add(play.user_key, make(&p)));
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key,
	    .certified = 1);
	PLAY_EXPECT(LOGIN_RESULT, &result);
	assert_true(play_contains(result.text, "no signature algorithm is allowed"));
	PLAY_WORKER_QUIET(worker);
}

static void
what_is_not_of_the_key_is_not_added(void **state)
{
	struct cert_plan p = plan();

	(void)state;
	assert_false(add(play.user_key, span_of(play.user_blob, play.user_blob_len)));
	assert_false(add(play.user_key + 100, make(&p)));
	p.subject[0] ^= 1;
	assert_false(add(play.user_key, make(&p)));
	p = plan();
	p.kind = CERT_HOST;
	assert_false(add(play.user_key, make(&p)));
	p = plan();
	assert_false(add(play.user_key, span_of(made, make(&p).n - 1)));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(the_certificate_is_shown_and_the_key_signs), T(without_it_the_key_is_shown),
		T(an_algorithm_that_is_not_listed_is_not_used),
		T(what_is_not_of_the_key_is_not_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
