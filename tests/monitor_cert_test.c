/*
 * monitor_cert_test.c - logins with a certificate: what the application is told of a
 * good one, and that it is not even asked about a bad one.
 */
#include "tests/monitor_play.h"

#include <sys/mman.h>

#include "privsep/monitor_auth.h"
#include "tests/cert_make.h"

static const char alg[] = "ssh-ed25519-cert-v01@openssh.com";
static const char all[] = "publickey,password,keyboard-interactive";

static uint8_t session[32];
static struct play_child *worker;
static uint8_t made[CERT_MAKE_MAX];
static struct cert_list principals, critical, extensions;

static int
setup(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct play_start start;
	struct ipc_KEX_DONE done;
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_kex x;

	(void)play_setup(state);
	play.wall = 1500;
	plan.peer = span_str("192.0.2.7:1234");
	plan.sig_algs = span_str("ssh-ed25519-cert-v01@openssh.com,ssh-ed25519");
	plan.ca_algs = span_str("ssh-ed25519");
	plan.tries_max = 1000;
	play_new(&plan);
	play_attach(plan.conn);
	worker = play_started(plan.conn, &start);
	/* server-sig-algs names signatures only */
	assert_string_equal(start.sig_algs, "ssh-ed25519");
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(worker->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(worker, SIGNED, &sig);
	memcpy(session, sig.hash.p, 32);
	play_agree(worker);
	PLAY_EXPECT(KEX_DONE, &done);
	return 0;
}

/* A certificate for the play's user key. */
static struct cert_plan
good(void)
{
	struct cert_plan p = { .kind = CERT_USER, .after = 1000, .before = 2000, .serial = 77,
		.nonce = span_str("nonce"), .key_id = span_str("bob's"), .ca_seed = { 3 } };
	struct rd r = rd_of(span_of(play.user_blob, play.user_blob_len));

	(void)rd_blob(&r, 64);
	memcpy(p.subject, rd_blob(&r, 32).p, 32);
	(void)cert_list_add(cert_list_clear(&principals), "bob");
	p.principals = cert_list_add(&principals, "ops");
	(void)cert_list_clear(&critical);
	(void)cert_list_clear(&extensions);
	p.extensions = cert_list_option(&extensions, "permit-pty", NULL);
	return p;
}

static struct span
make(const struct cert_plan *p)
{
	return span_of(made, cert_make(p, made));
}

static struct span
signature(struct span key, const char *named, const uint8_t *seed)
{
	static uint8_t sig[256];
	static uint8_t data[CERT_MAKE_MAX];
	struct wr w = wr_of(data, sizeof(data));

	wr_blob(&w, span_of(session, 32), 64);
	wr_u8(&w, 50);
	wr_str(&w, "bob");
	wr_str(&w, "ssh-connection");
	wr_str(&w, "publickey");
	wr_u8(&w, 1);
	wr_str(&w, named);
	wr_blob(&w, key, SIZE_MAX);
	assert_false(w.bad);
	return span_of(sig, play_sign(seed, wr_span(&w), sig, sizeof(sig)));
}

static void
send_key(const char *named, struct span key, struct span sig)
{
	PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str(named),
	    .key = key, .is_signed = sig.n > 0, .signature = sig);
}

static void
answer(uint64_t question, enum ipc_verdict verdict)
{
	PLAY_TELL(LOGIN_ANSWER, .conn = 1, .question = question, .verdict = (uint8_t)verdict);
}

/* Nobody is asked, and the log has the reason. */
static void
expect_refused(const char *why)
{
	struct ipc_ATTEMPT attempt;
	struct ipc_VERDICT v;

	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_REFUSED);
	if (attempt.why.n < strlen(why) || memcmp(attempt.why.p, why, strlen(why)) != 0)
		fail_msg("wanted \"%s\", got \"%.*s\"", why, (int)attempt.why.n, attempt.why.p);
	play_wait(50);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 0);
	assert_true(span_is(v.methods, all));
	PLAY_QUIET();
}

static void
bad_one(const struct cert_plan *p, const char *why)
{
	struct span key = make(p);

	send_key(alg, key, span_of(NULL, 0));
	expect_refused(why);
	send_key(alg, key, signature(key, alg, play.user_seed));
	expect_refused(why);
}

static void
a_good_one_is_asked_about_with_its_facts(void **state)
{
	struct cert_plan p = good();
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_USER_LOGGED_IN in;
	struct ipc_ATTEMPT attempt;
	struct ipc_VERDICT v;
	uint8_t public[32], secret[64], ca[51];
	char print[FINGERPRINT_MAX];
	struct span key;

	(void)state;
	(void)cert_list_option(&critical, "force-command", "date");
	p.critical = cert_list_option(&critical, "source-address", "192.0.2.0/24");
	key = make(&p);
	send_key(alg, key, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	assert_true(span_eq(ask.key, key));
	assert_true(span_eq(ask.plain, span_of(play.user_blob, play.user_blob_len)));
	crypto_sign_seed_keypair(public, secret, p.ca_seed);
	assert_true(span_eq(ask.ca, span_of(ca, cert_make_ed25519_blob(public, ca))));
	assert_int_equal(ask.serial, 77);
	assert_true(span_is(ask.key_id, "bob's"));
	assert_true(span_eq(ask.principals, p.principals));
	assert_int_equal(ask.permits, IPC_PERMIT_PTY);
	assert_int_equal(ask.is_forced, 1);
	assert_true(span_is(ask.force_command, "date"));
	answer(ask.question, IPC_ACCEPTED);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
	PLAY_QUIET();
	send_key(alg, key, signature(key, alg, play.user_seed));
	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_ACCEPTED);
	assert_int_equal(attempt.why.n, 0);
	/* as ssh-keygen -l shows it, of a certificate too */
	assert_int_equal(fingerprint(play.user_blob, play.user_blob_len, print), 0);
	assert_true(span_is(attempt.fingerprint, print));
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	assert_true(span_is(in.alg, alg));
	assert_true(span_eq(in.key, key));
	close(in.worker);
}

/* The answer about the key says nothing of its certificate, nor the reverse. */
static void
a_key_and_its_certificate_are_two(void **state)
{
	struct span plain = span_of(play.user_blob, play.user_blob_len), key;
	struct cert_plan p = good();
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;

	(void)state;
	send_key("ssh-ed25519", plain, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	assert_int_equal(ask.ca.n, 0);
	answer(ask.question, IPC_ACCEPTED);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	key = make(&p);
	send_key(alg, key, signature(key, alg, play.user_seed));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	assert_true(ask.ca.n > 0);
	answer(ask.question, IPC_REFUSED);
	expect_refused("");
}

static void
bad_certificates_are_asked_about_by_nobody(void **state)
{
	struct cert_plan p = good();

	(void)state;
	p.before = 1500;
	bad_one(&p, "the certificate has expired (ID bob's serial 77)");
	p = good();
	p.after = 1501;
	bad_one(&p, "the certificate is not yet valid");
	p = good();
	p.kind = CERT_HOST;
	bad_one(&p, "the certificate is not a user certificate");
	p = good();
	p.critical = cert_list_option(&critical, "new@example.com", "x");
	bad_one(&p, "the certificate has an unknown critical option");
	p = good();
	p.critical = cert_list_option(&critical, "source-address", "192.0.2.8/31,2001:db8::/32");
	bad_one(&p, "the certificate may not be used from this address");
	p = good();
	p.critical = cert_list_option(&critical, "source-address", "");
	bad_one(&p, "the certificate's source-address is malformed");
	p = good();
	p.bad_signature = true;
	bad_one(&p, "the CA's signature of the certificate is not good");
	p = good();
	p.signature_alg = "rsa-sha2-512";
	bad_one(&p, "the certificate is signed with an algorithm that CAs may not use here");
	p = good();
	p.key_id = span_of("a\0b", 3);
	bad_one(&p, "the certificate's key id has a NUL");
}

/* An RSA key of so many bits, which nobody needs to have made. */
static struct span
rsa_blob(size_t bits)
{
	static uint8_t blob[4096], n[2048 + 1];
	struct wr w = wr_of(blob, sizeof(blob));

	memset(n, 0xff, sizeof(n));
	n[0] = 0;
	wr_str(&w, "ssh-rsa");
	wr_blob(&w, span_of("\1\0\1", 3), 3);
	wr_blob(&w, span_of(n, bits / 8 + 1), sizeof(n));
	assert_false(w.bad);
	return wr_span(&w);
}

static bool
is_held(void)
{
	return monitor_conn_find(play.m, 1)->auth->state == AUTH_HELD;
}

/* A stranger's CA may be as slow to check as RSA can be: that is done now and then, and
 * who shows it waits; nobody else does. */
static void
signatures_of_large_authorities_wait_their_turn(void **state)
{
	static const char why[] = "the CA's signature of the certificate is not good";
	struct cert_plan large = good(), p = good();
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_END_OF end;
	unsigned n = 0;

	(void)state;
	large.ca_key = rsa_blob(4096);
	for (int i = 0; i < 3 * MONITOR_CA_BURST; i++) {
		send_key(alg, make(&large), span_of(NULL, 0));
		expect_refused(why);
	}
	large.ca_key = rsa_blob(4104);
	for (send_key(alg, make(&large), span_of(NULL, 0)); !is_held();
	    send_key(alg, make(&large), span_of(NULL, 0))) {
		expect_refused(why);
		n++;
	}
	/* each took as long as a refusal does */
	assert_in_range(n, MONITOR_CA_BURST, 3 * MONITOR_CA_BURST);
	PLAY_QUIET();
	play_wait(1000 / MONITOR_CA_PER_SECOND);
	assert_false(is_held());
	expect_refused(why);
	/* one of a good size does not wait */
	send_key(alg, make(&p), span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_REFUSED);
	expect_refused("");
	/* out of time in the meantime; and a peer that leaves in it */
	for (int i = 0; i < 2; i++) {
		do {
			send_key(alg, make(&large), span_of(NULL, 0));
			if (!is_held())
				expect_refused(why);
		} while (!is_held());
		if (i == 0) {
			play.wall = 2000;
			play_wait(1000 / MONITOR_CA_PER_SECOND);
			expect_refused("the certificate has expired");
			play.wall = 1500;
		}
	}
	PLAY_TELL(CLOSE, .conn = 1, .now = 1);
	PLAY_ENDED(1, IPC_DONE_BY_US, &end);
	play_wait(10000);
	PLAY_QUIET();
}

/* In time when it was probed, out of time when it was proven. */
static void
time_goes_on(void **state)
{
	struct cert_plan p = good();
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;
	struct span key = make(&p);

	(void)state;
	send_key(alg, key, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
	play.wall = 2000;
	send_key(alg, key, signature(key, alg, play.user_seed));
	expect_refused("the certificate has expired");
}

static void
the_proof_is_the_plain_keys_over_the_certificate(void **state)
{
	struct cert_plan p = good();
	struct span key = make(&p), plain = span_of(play.user_blob, play.user_blob_len);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;

	(void)state;
	send_key(alg, key, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	/* by another key; by the CA's; over the plain key; under the plain name */
	send_key(alg, key, signature(key, alg, play.seed));
	expect_refused("");
	send_key(alg, key, signature(key, alg, p.ca_seed));
	expect_refused("");
	send_key(alg, key, signature(plain, alg, play.user_seed));
	expect_refused("");
	send_key(alg, key, signature(key, "ssh-ed25519", play.user_seed));
	expect_refused("");
}

static void
name_and_blob_must_agree(void **state)
{
	struct cert_plan p = good();
	struct span plain = span_of(play.user_blob, play.user_blob_len);

	(void)state;
	/* a certificate under the plain name; a plain key as a certificate */
	send_key("ssh-ed25519", make(&p), span_of(NULL, 0));
	expect_refused("");
	send_key(alg, plain, span_of(NULL, 0));
	expect_refused("not a certificate of a known type");
	/* of an algorithm that was not offered */
	send_key("rsa-sha2-512-cert-v01@openssh.com", make(&p), span_of(NULL, 0));
	expect_refused("");
	/* cut, and with something behind it */
	for (size_t n = 0; n < cert_make(&p, made); n += 11) {
		send_key(alg, span_of(made, n), span_of(NULL, 0));
		expect_refused("");
	}
	send_key(alg, span_of(made, cert_make(&p, made) + 1), span_of(NULL, 0));
	expect_refused("the certificate is malformed");
}

/* What holds for a user whom the application has just come to know: also for the key that
 * it was asked about, and for a verdict that it gave before. */
static void
terms_narrow_the_lists(void **state)
{
	struct span plain = span_of(play.user_blob, play.user_blob_len);
	struct cert_plan p = good();
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;
	struct span key = make(&p);

	(void)state;
	send_key(alg, key, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .ca_algs = span_str("rsa-sha2-512"));
	answer(ask.question, IPC_ACCEPTED);
	expect_refused("the certificate is signed with an algorithm that CAs may not use here");
	bad_one(&p, "the certificate is signed with an algorithm that CAs may not use here");
	/* the other list is as it was */
	send_key("ssh-ed25519", plain, span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_ACCEPTED);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .sig_algs = span_str("rsa-sha2-512,ssh-ed25519-cert-v01@openssh.com"));
	send_key("ssh-ed25519", plain, signature(plain, "ssh-ed25519", play.user_seed));
	expect_refused("");
	/* and wider again; what the CA may use is still what was said */
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .sig_algs = span_str("ssh-ed25519"));
	send_key("ssh-ed25519", plain, span_of(NULL, 0));
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 1);
}

static void
a_key_asked_about_is_judged_by_its_users_list(void **state)
{
	struct span plain = span_of(play.user_blob, play.user_blob_len);
	struct ipc_ASK_PUBLICKEY ask;

	(void)state;
	send_key("ssh-ed25519", plain, signature(plain, "ssh-ed25519", play.user_seed));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .sig_algs = span_str("rsa-sha2-512"));
	answer(ask.question, IPC_ACCEPTED);
	expect_refused("");
}

static void
load_revoked(const void *file, size_t n, bool good)
{
	struct ipc_REVOKED_LOADED loaded;
	int fd = memfd_create("revoked", MFD_CLOEXEC);

	assert_int_equal(write(fd, file, n), (ssize_t)n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	PLAY_TELL(REVOKED, .call = 9, .file = fd);
	close(fd);
	PLAY_EXPECT(REVOKED_LOADED, &loaded);
	assert_int_equal(loaded.call, 9);
	assert_int_equal(loaded.ok, good);
	assert_true((loaded.why.n == 0) == good);
}

/* A KRL that revokes serial 77 of any CA. */
static size_t
serial_krl(uint8_t out[128])
{
	uint8_t data[64], number[8];
	struct wr w = wr_of(out, 128), in = wr_of(data, sizeof(data)), s = wr_of(number, 8);

	wr_u64(&s, 77);
	wr_str(&in, "");
	wr_str(&in, "");
	wr_u8(&in, 0x20);
	wr_blob(&in, wr_span(&s), 8);
	wr_raw(&w, span_of("SSHKRL\n", 8));
	wr_u32(&w, 1);
	for (int i = 0; i < 3; i++)
		wr_u64(&w, 0);
	wr_str(&w, "");
	wr_str(&w, "");
	wr_u8(&w, 1);
	wr_blob(&w, wr_span(&in), sizeof(data));
	assert_false(w.bad);
	return w.n;
}

static void
revoked_keys_are_asked_about_by_nobody(void **state)
{
	struct span plain = span_of(play.user_blob, play.user_blob_len);
	struct cert_plan p = good();
	struct ipc_ASK_PUBLICKEY ask;
	uint8_t krl[128];
	char line[256] = "ssh-ed25519 ";

	(void)state;
	load_revoked(krl, serial_krl(krl), true);
	bad_one(&p, "the key is revoked");
	p.serial = 78;
	send_key(alg, make(&p), span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_REFUSED);
	expect_refused("");
	/* a bad file changes nothing */
	load_revoked("nonsense\n", 9, false);
	load_revoked(krl, serial_krl(krl) - 1, false);
	p.serial = 77;
	bad_one(&p, "the key is revoked");
	/* another one replaces it: the key itself, with and without a certificate */
	sodium_bin2base64(line + 12, 200, plain.p, plain.n, sodium_base64_VARIANT_ORIGINAL);
	load_revoked(line, strlen(line), true);
	p.serial = 79;
	bad_one(&p, "the key is revoked");
	send_key("ssh-ed25519", plain, span_of(NULL, 0));
	expect_refused("the key is revoked");
	load_revoked("", 0, true);
	send_key(alg, make(&p), span_of(NULL, 0));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
}

/* What came with a certificate may come without, or with another: it is the same key. */
static void
one_key_is_one_step(void **state)
{
	struct cert_plan p = good(), other = good();
	struct span plain = span_of(play.user_blob, play.user_blob_len), key = make(&p);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_VERDICT v;

	(void)state;
	send_key(alg, key, signature(key, alg, play.user_seed));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_PARTIAL);
	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_PARTIAL);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.partial, 1);
	send_key("ssh-ed25519", plain, signature(plain, "ssh-ed25519", play.user_seed));
	expect_refused("");
	send_key("ssh-ed25519", plain, span_of(NULL, 0));
	expect_refused("");
	other.serial++;
	key = make(&other);
	send_key(alg, key, signature(key, alg, play.user_seed));
	expect_refused("");
}

/* ...and the other way round. */
static void
one_key_is_one_step_without_a_certificate_first(void **state)
{
	struct cert_plan p = good();
	struct span plain = span_of(play.user_blob, play.user_blob_len), key = make(&p);
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_VERDICT v;

	(void)state;
	send_key("ssh-ed25519", plain, signature(plain, "ssh-ed25519", play.user_seed));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	answer(ask.question, IPC_PARTIAL);
	PLAY_EXPECT(ATTEMPT, &attempt);
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.partial, 1);
	send_key(alg, key, signature(key, alg, play.user_seed));
	expect_refused("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_key_is_one_step, setup, play_teardown),
		cmocka_unit_test_setup_teardown(one_key_is_one_step_without_a_certificate_first, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(a_good_one_is_asked_about_with_its_facts, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(a_key_and_its_certificate_are_two, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(bad_certificates_are_asked_about_by_nobody, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(signatures_of_large_authorities_wait_their_turn, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(time_goes_on, setup, play_teardown),
		cmocka_unit_test_setup_teardown(the_proof_is_the_plain_keys_over_the_certificate,
		    setup, play_teardown),
		cmocka_unit_test_setup_teardown(name_and_blob_must_agree, setup, play_teardown),
		cmocka_unit_test_setup_teardown(terms_narrow_the_lists, setup, play_teardown),
		cmocka_unit_test_setup_teardown(a_key_asked_about_is_judged_by_its_users_list, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(revoked_keys_are_asked_about_by_nobody, setup,
		    play_teardown),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
