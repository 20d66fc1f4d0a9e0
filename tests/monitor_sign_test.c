/*
 * monitor_sign_test.c - what gets a host key's signature, and what ends the worker
 * that asks.
 */
#include "tests/monitor_play.h"

/* H is computed here a second time, and the signature checked with libsodium. */
static void
check_signature(struct span sig, const uint8_t h[32])
{
	struct rd r = rd_of(sig);
	struct span s;

	assert_true(span_is(rd_blob(&r, 64), "ssh-ed25519"));
	s = rd_blob(&r, 64);
	assert_true(rd_done(&r));
	assert_int_equal(s.n, 64);
	assert_int_equal(crypto_sign_verify_detached(s.p, h, 32,
	    play.host_blob + play.host_blob_len - 32), 0);
}

static void
test_signs_its_own_h(void **state)
{
	struct play_start start;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	struct ipc_KEX_DONE done;
	uint8_t h[32], h2[32], next[16384];
	struct play_child *w;
	size_t next_len;

	(void)state;
	w = play_connect(1, IPC_SERVER, &start);
	play_kex(&x);
	sign = play_sign_of(&x);
	play_h(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c,
	    span_of(start.kexinit, start.kexinit_len),
	    span_of(play.host_blob, play.host_blob_len), &x, h);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	assert_memory_equal(sig.hash.p, h, 32);
	check_signature(sig.signature, h);
	next_len = sig.kexinit.n;
	memcpy(next, sig.kexinit.p, next_len);
	assert_memory_not_equal(next + 1, start.kexinit + 1, 16);	/* the cookie */
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	assert_int_equal(done.count, 1);
	assert_memory_equal(done.session_id.p, h, 32);
	assert_true(span_is(done.kex, "curve25519-sha256"));
	assert_true(span_eq(done.host_key, span_of(play.host_blob, play.host_blob_len)));

	/* a rekey signs over the KEXINIT issued for it; the session id stays */
	play_kex(&x);
	sign = play_sign_of(&x);
	play_h(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c, span_of(next, next_len),
	    span_of(play.host_blob, play.host_blob_len), &x, h2);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	assert_memory_equal(sig.hash.p, h2, 32);
	check_signature(sig.signature, h2);
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	assert_int_equal(done.count, 2);
	assert_memory_equal(done.session_id.p, h, 32);
}

/* The mpint rules: a leading zero byte goes, a high bit gets one. */
static void
test_k_as_mpint(void **state)
{
	static const uint8_t first[] = { 0x00, 0x7f, 0x80, 0xff };
	struct play_start start;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	uint8_t h[32];

	(void)state;
	for (size_t i = 0; i < sizeof(first); i++) {
		struct play_child *w = play_connect(i + 1, IPC_SERVER, &start);

		play_kex(&x);
		x.k[0] = first[i];
		if (first[i] == 0)
			x.k[1] = 0x80;
		sign = play_sign_of(&x);
		play_h(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c,
		    span_of(start.kexinit, start.kexinit_len),
		    span_of(play.host_blob, play.host_blob_len), &x, h);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		assert_memory_equal(sig.hash.p, h, 32);
	}
}

/* Nothing is signed, the worker is killed, the outcome says that it lied. */
static void
refused(uint64_t conn, void (*spoil)(struct ipc_SIGN *))
{
	struct play_start start;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_END_OF end;
	struct play_child *w = play_connect(conn, IPC_SERVER, &start);
	int link = fcntl(w->link, F_DUPFD_CLOEXEC, 0);

	play_kex(&x);
	sign = play_sign_of(&x);
	spoil(&sign);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	assert_true(w->dead);
	assert_true(w->reaped);
	assert_false(play_take(link));
	close(link);
	PLAY_ENDED(conn, IPC_WORKER_LIED, &end);
	assert_true(play_contains(end.text, "SIGN"));
	assert_int_equal(end.is_claim, 0);
}

static void kex_name(struct ipc_SIGN *s) { s->kex = span_str("diffie-hellman-group1-sha1"); }
static void kex_not_offered(struct ipc_SIGN *s) { s->kex = span_str("curve25519-sha256@libssh.org"); }
static void kex_pseudo(struct ipc_SIGN *s) { s->kex = span_str("kex-strict-s-v00@openssh.com"); }
static void kex_list(struct ipc_SIGN *s) { s->kex = span_str("curve25519-sha256,"); }
static void kex_empty(struct ipc_SIGN *s) { s->kex = span_str(""); }
static void alg_foreign(struct ipc_SIGN *s) { s->hostkey_alg = span_str("ssh-rsa"); }
static void alg_empty(struct ipc_SIGN *s) { s->hostkey_alg = span_str(""); }
static void q_c_short(struct ipc_SIGN *s) { s->q_c.n = 31; }
static void q_c_empty(struct ipc_SIGN *s) { s->q_c.n = 0; }
static void q_s_empty(struct ipc_SIGN *s) { s->q_s.n = 0; }
static void k_short(struct ipc_SIGN *s) { s->k.n = 20; }
static void k_empty(struct ipc_SIGN *s) { s->k.n = 0; }
/* a raw digest in the guise of a transcript */
static void
raw_digest(struct ipc_SIGN *s)
{
	s->v_c = span_str("");
	s->q_c.n = s->q_s.n = s->i_c.n = 0;
}
static void
q_s_long(struct ipc_SIGN *s)
{
	static const uint8_t long_value[33];

	s->q_s = span_of(long_value, sizeof(long_value));
}

static void
test_refuses(void **state)
{
	static void (*const spoils[])(struct ipc_SIGN *) = { kex_name, kex_not_offered,
		kex_pseudo, kex_list, kex_empty, alg_foreign, alg_empty, q_c_short, q_c_empty,
		q_s_empty, q_s_long, k_short, k_empty, raw_digest };

	(void)state;
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++)
		refused(i + 1, spoils[i]);
}

/* Once per issued KEXINIT: before AGREED there is no second one. */
static void
test_second_sign(void **state)
{
	struct play_start start;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	struct ipc_END_OF end;
	struct play_child *w;

	(void)state;
	w = play_connect(1, IPC_SERVER, &start);
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	(void)monitor_turn(play.m, 0);
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	play_run();
	assert_true(w->dead);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

static void
test_before_start(void **state)
{
	struct play_child *w = play_last(PLAY_WORKER);
	struct play_kex x;
	struct ipc_SIGN sign;
	pid_t pid = w->pid;

	(void)state;
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	assert_true(w->dead);
	assert_true(w->reaped);
	/* a fresh layout is there, and serves */
	w = play_last(PLAY_WORKER);
	assert_int_not_equal(w->pid, pid);
	PLAY_QUIET();
}

static void
test_client_never_signs(void **state)
{
	struct play_start start;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_END_OF end;
	struct play_child *w;

	(void)state;
	w = play_connect(1, IPC_CLIENT, &start);
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	assert_true(w->dead);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

/* The quota delays: burst 3, then 2 per second; nobody is ended. */
static void
test_rekey_quota(void **state)
{
	uint8_t session[32];
	struct play_child *w;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	struct ipc_KEX_DONE done;
	uint64_t before;

	(void)state;
	w = play_server(1, session);
	play_kex(&x);
	sign = play_sign_of(&x);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_QUIET(w);
		before = play.now;
		play_wait(499);
		PLAY_WORKER_QUIET(w);
		play_wait(1);
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		assert_int_equal(play.now - before, 500);
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
	}
	assert_int_equal(done.count, 7);
	/* while an answer is held back, another question is a lie */
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	assert_true(w->dead);
	play_wait(1000);		/* the held answer goes nowhere */
}

static void
test_agreed_alone(void **state)
{
	struct play_start start;
	struct ipc_END_OF end;
	struct play_child *w;

	(void)state;
	w = play_connect(1, IPC_SERVER, &start);
	play_agree(w);
	assert_true(w->dead);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

/* The row says how K enters: as a string for the hybrids to come. */
static void
test_k_as_string(void **state)
{
	struct kex_alg row = { .name = "x", .hash = HASH_SHA256, .secret_is_string = true };
	struct exchange e = { .kex = &row, .v_c = span_str("a"), .v_s = span_str("b"),
		.i_c = span_str("c"), .i_s = span_str("d"), .k_s = span_str("e"),
		.q_c = span_str("f"), .q_s = span_str("g"), .k = span_of("\0\x80", 2) };
	static const char text[] = "\0\0\0\001a\0\0\0\001b\0\0\0\001c\0\0\0\001d\0\0\0\001e"
	    "\0\0\0\001f\0\0\0\001g\0\0\0\002\0\x80";
	uint8_t h[HASH_MAX], want[32];
	size_t n;

	(void)state;
	assert_int_equal(monitor_exchange_hash(&e, h, &n), 0);
	assert_int_equal(n, 32);
	crypto_hash_sha256(want, (const uint8_t *)text, sizeof(text) - 1);
	assert_memory_equal(h, want, 32);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_signs_its_own_h), T(test_k_as_mpint), T(test_k_as_string),
		T(test_refuses), T(test_second_sign), T(test_before_start),
		T(test_client_never_signs), T(test_rekey_quota), T(test_agreed_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
