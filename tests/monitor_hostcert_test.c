/*
 * monitor_hostcert_test.c - certificates of hosts: a client that knows their CA and one
 * that does not, and a server that has one.
 */
#include "tests/monitor_play.h"

#include <sys/mman.h>

#include "tests/cert_make.h"

enum { TEXT_MAX = 1024 };

static const char alg[] = "ssh-ed25519-cert-v01@openssh.com";
static const char both[] = "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519";

static uint8_t made[CERT_MAKE_MAX];
static struct cert_list principals, critical;
static struct span revoked;	/* RevokedHostKeys; p of NULL: no file */

/* A certificate for the play's host key. */
static struct cert_plan
good(void)
{
	struct cert_plan p = { .kind = CERT_HOST, .after = 1000, .before = 2000, .serial = 5,
		.nonce = span_str("nonce"), .key_id = span_str("a host"), .ca_seed = { 3 } };
	struct rd r = rd_of(span_of(play.host_blob, play.host_blob_len));

	(void)rd_blob(&r, 64);
	memcpy(p.subject, rd_blob(&r, 32).p, 32);
	p.principals = cert_list_add(cert_list_clear(&principals), "host.example");
	(void)cert_list_clear(&critical);
	return p;
}

static struct span
make(const struct cert_plan *p)
{
	return span_of(made, cert_make(p, made));
}

static int
setup(void **state)
{
	int r = play_setup(state);

	revoked = span_of(NULL, 0);
	play.wall = 1500;
	return r;
}

/* ---- a client ---- */

/* A line of known_hosts with a blob; text has room for TEXT_MAX. */
static void
add_line(char *text, const char *before, struct span blob)
{
	char base64[256];
	size_t n = strlen(text);

	sodium_bin2base64(base64, sizeof(base64), blob.p, blob.n,
	    sodium_base64_VARIANT_ORIGINAL);
	assert_true(snprintf(text + n, TEXT_MAX - n, "%s ssh-ed25519 %s\n", before, base64) <
	    (int)(TEXT_MAX - n));
}

static struct span
ca_blob(const struct cert_plan *p)
{
	static uint8_t ca[51];
	uint8_t public[32], secret[64];

	crypto_sign_seed_keypair(public, secret, p->ca_seed);
	return span_of(ca, cert_make_ed25519_blob(public, ca));
}

/* A connection whose server shows k_s, as what it says it is. */
static const char *ca_algs = "ssh-ed25519";

static int
file_of(struct span text)
{
	int fd = memfd_create("a file", MFD_CLOEXEC);

	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
	return fd;
}

static struct play_child *
connected(uint64_t conn, const char *known, const char *said, struct span k_s)
{
	struct ipc_NEW plan = play_plan(conn, IPC_CLIENT);
	struct play_proof proof;
	struct play_start start;
	struct play_child *w;
	int fd = file_of(span_str(known));

	plan.hostkey_algs = span_str(both);
	plan.ca_algs = span_str(ca_algs);
	play_new(&plan);
	PLAY_TELL(TRUST_FILE, .conn = conn, .file = fd);
	close(fd);
	if (revoked.p != NULL) {
		fd = file_of(revoked);
		PLAY_TELL(TRUST_REVOKED, .conn = conn, .file = fd);
		close(fd);
	}
	play_attach(conn);
	w = play_started(conn, &start);
	/* a certificate is asked for only where somebody could vouch for it */
	assert_int_equal(memmem(start.kexinit, start.kexinit_len, alg, strlen(alg)) != NULL,
	    strstr(known, "@cert-authority") != NULL);
	play_verify(w, &start, said, k_s, &proof);
	return w;
}

static void
expect_accepted(struct play_child *w, struct span k_s)
{
	struct ipc_VERIFIED v;
	struct ipc_KEX_DONE done;

	PLAY_WORKER_EXPECT(w, VERIFIED, &v);
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	assert_true(span_eq(done.host_key, k_s));
}

/* The key is judged as if it had come alone, and the application hears why. */
static void
expect_asked(struct play_child *w, enum ipc_trust trust, const char *why)
{
	struct ipc_HOSTKEY_ASK ask;

	PLAY_EXPECT(HOSTKEY_ASK, &ask);
	assert_int_equal(ask.verdict, trust);
	assert_true(span_eq(ask.key, span_of(play.host_blob, play.host_blob_len)));
	assert_true(play_contains(ask.line, "host.example ssh-ed25519 "));
	if (why[0] != 0)
		assert_true(play_contains(ask.why, why));
	else
		assert_int_equal(ask.why.n, 0);
	PLAY_WORKER_QUIET(w);
	PLAY_QUIET();
}

static void
an_authority_vouches(void **state)
{
	struct cert_plan p = good();
	char known[TEXT_MAX] = "";
	struct span k_s = make(&p);

	(void)state;
	add_line(known, "@cert-authority *.example,!x.example", ca_blob(&p));
	expect_accepted(connected(1, known, alg, k_s), k_s);
	/* beside another key of the host's, which it would have changed from */
	add_line(known, "host.example", span_of(play.user_blob, play.user_blob_len));
	expect_accepted(connected(2, known, alg, k_s), k_s);
	/* a pattern among the principals */
	p.principals = cert_list_add(cert_list_clear(&principals), "h?st.*");
	k_s = make(&p);
	expect_accepted(connected(3, known, alg, k_s), k_s);
}

static void
bad_certificates_leave_the_key_alone(void **state)
{
	static const char *const why[8] = { "expired", "not yet valid", "not a host certificate",
		"for another host", "for another host", "critical option", "signature", "its CA is not one" };
	char known[TEXT_MAX] = "", trusted[TEXT_MAX] = "";
	struct cert_plan p = good();
	struct span k_s;

	(void)state;
	add_line(known, "@cert-authority *", ca_blob(&p));
	for (int i = 0; i < 8; i++) {
		p = good();
		if (i == 0)
			p.before = 1500;
		if (i == 1)
			p.after = 1501;
		if (i == 2)
			p.kind = CERT_USER;
		if (i == 3)
			p.principals = cert_list_add(cert_list_clear(&principals), "other.example");
		if (i == 4)
			p.principals = span_of(NULL, 0);
		if (i == 5)
			p.critical = cert_list_option(&critical, "force-command", "x");
		if (i == 6)
			p.bad_signature = true;
		if (i == 7)
			p.ca_seed[0] = 4;
		k_s = make(&p);
		expect_asked(connected((uint64_t)i + 1, known, alg, k_s), IPC_UNKNOWN, why[i]);
	}
	/* where the key itself is known that is enough, whatever its certificate is */
	(void)snprintf(trusted, sizeof(trusted), "%s", known);
	add_line(trusted, "host.example", span_of(play.host_blob, play.host_blob_len));
	expect_accepted(connected(20, trusted, alg, k_s), k_s);
}

/* CASignatureAlgorithms: what the CA signed with is not in the list. */
static void
authorities_sign_with_what_is_listed(void **state)
{
	struct cert_plan p = good();
	char known[TEXT_MAX] = "";
	struct span k_s = make(&p);

	(void)state;
	add_line(known, "@cert-authority *", ca_blob(&p));
	ca_algs = "rsa-sha2-512,ssh-ed2551";
	expect_asked(connected(1, known, alg, k_s), IPC_UNKNOWN, "with an algorithm that CAs may not use");
	ca_algs = "rsa-sha2-512,ssh-ed25519";
	expect_accepted(connected(2, known, alg, k_s), k_s);
	ca_algs = "ssh-ed25519";
}

static void
who_is_revoked_vouches_for_nobody(void **state)
{
	struct cert_plan p = good();
	char known[TEXT_MAX] = "", key[TEXT_MAX];
	struct span k_s = make(&p);

	(void)state;
	add_line(known, "@cert-authority *", ca_blob(&p));
	(void)snprintf(key, sizeof(key), "%s", known);
	add_line(known, "@revoked *", ca_blob(&p));
	expect_asked(connected(1, known, alg, k_s), IPC_UNKNOWN, "its CA is revoked");
	/* the key itself: not even a good certificate saves it */
	add_line(key, "@revoked *", span_of(play.host_blob, play.host_blob_len));
	expect_asked(connected(2, key, alg, k_s), IPC_REVOKED, "");
}

static void
expect_revoked(struct play_child *w)
{
	struct ipc_STOP stop;

	PLAY_QUIET();		/* nobody is asked */
	PLAY_WORKER_EXPECT(w, STOP, &stop);
	assert_true(span_is(stop.text, "the host key is revoked"));
}

/* RevokedHostKeys: whatever known_hosts and the application would say. */
static void
a_file_of_revoked_keys_outranks_all(void **state)
{
	struct span plain = span_of(play.host_blob, play.host_blob_len);
	struct cert_plan p = good();
	char known[TEXT_MAX] = "", file[TEXT_MAX] = "";
	struct span k_s = make(&p);

	(void)state;
	add_line(known, "@cert-authority *", ca_blob(&p));
	add_line(known, "host.example", plain);
	/* another's key, and no key at all */
	add_line(file, "", span_of(play.user_blob, play.user_blob_len));
	revoked = span_str(file);
	expect_accepted(connected(1, known, alg, k_s), k_s);
	revoked = span_str("# none\n");
	expect_accepted(connected(2, known, "ssh-ed25519", plain), plain);
	/* the key itself, as it is and with a certificate */
	file[0] = 0;
	add_line(file, "", plain);
	revoked = span_str(file);
	expect_revoked(connected(3, known, "ssh-ed25519", plain));
	expect_revoked(connected(4, known, alg, k_s));
	/* the CA's key: the host's own is good without that certificate */
	file[0] = 0;
	add_line(file, "", ca_blob(&p));
	revoked = span_str(file);
	expect_revoked(connected(5, known, alg, k_s));
	expect_accepted(connected(6, known, "ssh-ed25519", plain), plain);
}

static void
a_file_of_revoked_keys_that_is_not_read_ends_it(void **state)
{
	static const struct { const char *text, *why; } bad[] = {
		{ "nonsense\n", "the file of revoked host keys: line 1: " },
		{ "SSHKRL\n", "the file of revoked host keys: " },
	};
	int none = file_of(span_str("")), pipes[2];
	struct ipc_END_OF end;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (uint64_t i = 0; i < 3; i++) {
		struct ipc_NEW plan = play_plan(i + 1, IPC_CLIENT);
		int fd = i < 2 ? file_of(span_str(bad[i].text)) : pipes[0];

		play_new(&plan);
		PLAY_TELL(TRUST_REVOKED, .conn = i + 1, .file = fd);
		close(fd);
		/* what comes behind it is too late and no offence */
		PLAY_TELL(TRUST_FILE, .conn = i + 1, .file = none);
		PLAY_ENDED(i + 1, IPC_BAD_HOST_KEY, &end);
		assert_true(play_contains(end.text, i < 2 ? bad[i].why : "not a file"));
		assert_int_equal(end.side, IPC_LOCAL);
	}
	close(pipes[1]);
	close(none);
}

static void
an_authority_is_no_host_key(void **state)
{
	struct cert_plan p = good();
	char known[TEXT_MAX] = "";
	struct span k_s = make(&p);

	(void)state;
	/* a CA's key in a plain line is a host's key of that name, and vouches for nothing */
	add_line(known, "@cert-authority other.example", ca_blob(&p));
	add_line(known, "host.example", ca_blob(&p));
	add_line(known, "# @cert-authority host.example", ca_blob(&p));
	{
		struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
		struct play_start start;
		int fd = memfd_create("known_hosts", MFD_CLOEXEC);

		assert_int_equal(write(fd, known, strlen(known)), (ssize_t)strlen(known));
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		plan.hostkey_algs = span_str(both);
		play_new(&plan);
		PLAY_TELL(TRUST_FILE, .conn = 1, .file = fd);
		close(fd);
		play_attach(1);
		(void)play_started(1, &start);
		assert_null(memmem(start.kexinit, start.kexinit_len, alg, strlen(alg)));
	}
	/* and @cert-authority for a plain key is none */
	known[0] = 0;
	add_line(known, "@cert-authority *", span_of(play.host_blob, play.host_blob_len));
	(void)k_s;
	expect_asked(connected(2, known, "ssh-ed25519",
	    span_of(play.host_blob, play.host_blob_len)), IPC_UNKNOWN, "");
}

static void
name_and_blob_must_agree(void **state)
{
	struct cert_plan p = good();
	char known[TEXT_MAX] = "";
	struct ipc_STOP stop;
	struct play_child *w;

	(void)state;
	add_line(known, "@cert-authority *", ca_blob(&p));
	w = connected(1, known, "ssh-ed25519", make(&p));
	PLAY_WORKER_EXPECT(w, STOP, &stop);
	assert_true(span_is(stop.text, "the server's signature is not its host key's"));
	w = connected(2, known, alg, span_of(play.host_blob, play.host_blob_len));
	PLAY_WORKER_EXPECT(w, STOP, &stop);
}

/* ---- a server ---- */

static void
add_cert(struct span cert, bool good_one)
{
	struct ipc_CERT_ADDED added;

	PLAY_TELL(HOST_CERT, .call = 8, .cert = cert);
	PLAY_EXPECT(CERT_ADDED, &added);
	assert_int_equal(added.call, 8);
	assert_int_equal(added.ok, good_one);
	assert_true((added.why.n == 0) == good_one);
}

/* Everything but the certificate as play_seal has it. */
static int
setup_server(void **state)
{
	struct ipc_CONFIG cfg = play_config();

	(void)state;
	play_begin();
	play.wall = 5000;		/* out of its time, which is for clients to judge */
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	(void)play_load(IPC_HOST_KEY, play.seed, span_of(play.host_blob, play.host_blob_len));
	return 0;
}

static void
seal(void)
{
	struct ipc_SERVING serving;

	PLAY_TELL(SEALED, .empty_ = 0);
	PLAY_EXPECT(SERVING, &serving);
}

static void
a_certificate_is_shown_besides_its_key(void **state)
{
	static const char *const names[] = { "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519" };
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct cert_plan p = good();
	struct play_start start;
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_child *w;
	struct play_kex x;
	struct span cert;
	uint8_t h[32], again[256];
	size_t n;

	(void)state;
	cert = make(&p);
	add_cert(cert, true);
	seal();
	for (uint64_t i = 0; i < 2; i++) {
		struct span k_s = i == 0 ? cert : span_of(play.host_blob, play.host_blob_len);

		plan.conn = i + 1;
		plan.hostkey_algs = span_str(both);
		play_new(&plan);
		play_attach(plan.conn);
		w = play_started(plan.conn, &start);
		assert_non_null(memmem(start.kexinit, start.kexinit_len, both, strlen(both)));
		play_kex(&x);
		sign = play_sign_of(&x);
		sign.hostkey_alg = span_str(names[i]);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		/* H is over what is shown, and the signature is the key's */
		play_h(sign.v_c, plan.version, sign.i_c, span_of(start.kexinit, start.kexinit_len),
		    k_s, &x, h);
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		assert_memory_equal(sig.hash.p, h, 32);
		n = play_sign(play.seed, span_of(h, 32), again, sizeof(again));
		assert_true(span_eq(sig.signature, span_of(again, n)));
	}
}

static void
what_is_no_certificate_of_a_host_key_is_not_added(void **state)
{
	struct cert_plan p = good();
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct play_start start;

	(void)state;
	add_cert(span_of(play.host_blob, play.host_blob_len), false);
	add_cert(span_of("", 0), false);
	p.kind = CERT_USER;
	add_cert(make(&p), false);
	p.kind = CERT_HOST;
	p.subject[0] ^= 1;
	add_cert(make(&p), false);
	seal();
	plan.hostkey_algs = span_str(both);
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	assert_null(memmem(start.kexinit, start.kexinit_len, alg, strlen(alg)));
	/* and after SEALED none at all */
	p = good();
	PLAY_TELL(HOST_CERT, .call = 8, .cert = make(&p));
	assert_true(play.m->over);
}

/* Two that fill a message, and a host key that has no room behind them, are no reason to
 * serve nobody: what fits is offered. */
static void
long_certificates_leave_room_for_others(void **state)
{
	static struct cert_list many;
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct cert_plan p = good();
	struct play_start start;
	char name[40];

	(void)state;
	(void)cert_list_clear(&many);
	for (int i = 0; i < 250; i++) {
		(void)snprintf(name, sizeof(name), "host%03d.department.example", i);
		p.principals = cert_list_add(&many, name);
	}
	add_cert(make(&p), true);
	seal();
	/* twice stands for two types of keys */
	plan.hostkey_algs = span_str("ssh-ed25519-cert-v01@openssh.com,"
	    "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519-cert-v01@openssh.com,ssh-ed25519");
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	assert_non_null(memmem(start.kexinit, start.kexinit_len,
	    "\0\0\0\x4dssh-ed25519-cert-v01@openssh.com,ssh-ed25519-cert-v01@openssh.com,"
	    "ssh-ed25519", 4 + 0x4d));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
#define S(f) cmocka_unit_test_setup_teardown(f, setup_server, play_teardown)
	const struct CMUnitTest tests[] = {
		T(an_authority_vouches), T(bad_certificates_leave_the_key_alone),
		T(authorities_sign_with_what_is_listed),
		T(who_is_revoked_vouches_for_nobody), T(a_file_of_revoked_keys_outranks_all),
		T(a_file_of_revoked_keys_that_is_not_read_ends_it), T(an_authority_is_no_host_key),
		T(name_and_blob_must_agree), S(a_certificate_is_shown_besides_its_key),
		S(what_is_no_certificate_of_a_host_key_is_not_added),
		S(long_certificates_leave_room_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
