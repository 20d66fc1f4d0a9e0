/*
 * monitor_prove_test.c - proofs of host keys (hostkeys-prove-00@openssh.com): what is
 * signed, and which questions for one end the worker.
 */
#include "tests/monitor_play.h"

static struct span
host(void)
{
	return span_of(play.host_blob, play.host_blob_len);
}

/* Logged in by password, and through the gate. */
static struct play_child *
logged_in(uint64_t conn, uint8_t session[32])
{
	struct play_child *w = play_server(conn, session);

	play_log_in(w, conn);
	return w;
}

static void
expect_lie(struct play_child *w, uint64_t conn, int link)
{
	struct ipc_END_OF end;

	assert_true(w->dead && w->reaped);
	assert_false(play_take(link));
	close(link);
	PLAY_ENDED(conn, IPC_WORKER_LIED, &end);
	assert_true(play_contains(end.text, "PROVE"));
}

/* OpenSSH PROTOCOL 2.5: the word, the session id, the key. */
static void
test_what_is_signed(void **state)
{
	uint8_t session[32], data[256];
	struct wr want = wr_of(data, sizeof(data));
	struct play_child *w = logged_in(1, session);
	struct ipc_PROOF proof;
	struct rd r;
	struct span sig;

	(void)state;
	PLAY_SAY(w, PROVE, .key = host());
	PLAY_WORKER_EXPECT(w, PROOF, &proof);
	wr_str(&want, "hostkeys-prove-00@openssh.com");
	wr_blob(&want, span_of(session, 32), 32);
	wr_blob(&want, host(), 64);
	r = rd_of(proof.signature);
	assert_true(span_is(rd_blob(&r, 64), "ssh-ed25519"));
	sig = rd_blob(&r, 64);
	assert_true(rd_done(&r) && sig.n == 64);
	assert_int_equal(crypto_sign_verify_detached(sig.p, want.p, want.n,
	    play.host_blob + play.host_blob_len - 32), 0);
	PLAY_QUIET();
	assert_false(w->dead);
}

static void
test_each_key_once(void **state)
{
	uint8_t session[32];
	struct play_child *w = logged_in(1, session), *other;
	struct ipc_PROOF proof;
	int link = fcntl(w->link, F_DUPFD_CLOEXEC, 0);

	(void)state;
	PLAY_SAY(w, PROVE, .key = host());
	PLAY_WORKER_EXPECT(w, PROOF, &proof);
	PLAY_SAY(w, PROVE, .key = host());
	expect_lie(w, 1, link);
	/* once for each connection, not once for all */
	other = logged_in(2, session);
	PLAY_SAY(other, PROVE, .key = host());
	PLAY_WORKER_EXPECT(other, PROOF, &proof);
}

/* The user's key is the monitor's too, and no host key. */
static void
test_no_other_key(void **state)
{
	uint8_t session[32], spoilt[64];
	struct span cases[5] = { span_of(play.user_blob, play.user_blob_len), span_str(""),
		span_of(play.host_blob, play.host_blob_len - 1), span_of(spoilt, 0),
		span_str("hostkeys-prove-00@openssh.com") };

	(void)state;
	memcpy(spoilt, play.host_blob, play.host_blob_len);
	spoilt[play.host_blob_len - 1] ^= 1;
	cases[3].n = play.host_blob_len;
	for (uint64_t i = 0; i < 5; i++) {
		struct play_child *w = logged_in(i + 1, session);
		int link = fcntl(w->link, F_DUPFD_CLOEXEC, 0);

		PLAY_SAY(w, PROVE, .key = cases[i]);
		expect_lie(w, i + 1, link);
	}
}

/* A key that is ours, but of a type that this connection does not offer. */
static void
test_no_key_that_is_not_offered(void **state)
{
	const struct sign_alg *alg = sign_find("ecdsa-sha2-nistp256", 19);
	struct key *k;
	uint8_t session[32];
	struct play_child *w;
	int link;

	(void)state;
	k = monitor_keys_add(play.m, &(struct key){ .use = IPC_HOST_KEY, .alg = alg },
	    span_str("another"));
	assert_non_null(k);
	w = logged_in(1, session);
	link = fcntl(w->link, F_DUPFD_CLOEXEC, 0);
	PLAY_SAY(w, PROVE, .key = span_str("another"));
	expect_lie(w, 1, link);
}

static void
test_not_before_the_login(void **state)
{
	uint8_t session[32];
	struct play_child *w = play_server(1, session);
	int link = fcntl(w->link, F_DUPFD_CLOEXEC, 0);

	(void)state;
	PLAY_SAY(w, PROVE, .key = host());
	expect_lie(w, 1, link);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_signed, play_setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_each_key_once, play_setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_no_other_key, play_setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_no_key_that_is_not_offered, play_setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(test_not_before_the_login, play_setup, play_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
