/*
 * monitor_update_test.c - what a server's list of its host keys does to known_hosts, and
 * above all what it does not: the test plays the worker, as hostile as it can be.
 */
#include "tests/monitor_play.h"

#include <sys/mman.h>

#include "tests/sign_lab.h"

enum { KEYS = 6 };
static struct { uint8_t seed[32], blob[64]; size_t n; } other[KEYS];
static struct lab rsa;
static struct play_child *w;
static uint8_t session[32];
static struct ipc_NEW plan;

static int
setup(void **state)
{
	int r = play_setup(state);

	for (size_t i = 0; i < KEYS; i++)
		play_make_key(other[i].seed, other[i].blob, &other[i].n);
	lab_first("rsa-sha2-512", &rsa);
	plan = play_plan(1, IPC_CLIENT);
	plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
	plan.hostkey_rsa_min = 2048;
	plan.update = 1;
	plan.own_files = 1;
	return r;
}

static struct span
host(void)
{
	return span_of(play.host_blob, play.host_blob_len);
}

static struct span
key(size_t i)
{
	return span_of(other[i].blob, other[i].n);
}

static struct span
rsa_key(void)
{
	return span_of(rsa.blob.p, rsa.blob.n);
}

/* ---- files ---- */

static char known[8192];

static char *
line(const char *before, struct span blob)
{
	char base64[2048];
	struct rd r = rd_of(blob);
	struct span type = rd_blob(&r, 64);
	size_t n = strlen(known);

	sodium_bin2base64(base64, sizeof(base64), blob.p, blob.n,
	    sodium_base64_VARIANT_ORIGINAL);
	assert_true(snprintf(known + n, sizeof(known) - n, "%s %.*s %s\n", before, (int)type.n,
	    (const char *)type.p, base64) < (int)(sizeof(known) - n));
	return known;
}

static struct span revoked;		/* of the next connection; empty: none */

static void
trust_revoked(void)
{
	int fd = memfd_create("revoked", MFD_CLOEXEC);
	char base64[256];

	sodium_bin2base64(base64, sizeof(base64), revoked.p, revoked.n,
	    sodium_base64_VARIANT_ORIGINAL);
	assert_true(dprintf(fd, "ssh-ed25519 %s\n", base64) > 0);
	PLAY_TELL(TRUST_REVOKED, .conn = plan.conn, .file = fd);
	close(fd);
}

static void
trust(const char *text)
{
	int fd = memfd_create("known_hosts", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	PLAY_TELL(TRUST_FILE, .conn = plan.conn, .file = fd);
	close(fd);
}

/* ---- a connection ---- */

static void
verify(const struct play_start *start)
{
	struct span i_s = span_str("\024x");
	struct play_kex x;
	uint8_t sig[256];
	size_t n;

	play_kex(&x);
	play_h(plan.version, span_str("SSH-2.0-S"), span_of(start->kexinit, start->kexinit_len),
	    i_s, host(), &x, session);
	n = play_sign(play.seed, span_of(session, 32), sig, sizeof(sig));
	PLAY_SAY(w, VERIFY, .kex = span_str("curve25519-sha256"),
	    .hostkey_alg = span_str("ssh-ed25519"), .v_s = span_str("SSH-2.0-S"), .i_s = i_s,
	    .k_s = host(), .q_c = span_of(x.q_c, 32), .q_s = span_of(x.q_s, 32),
	    .k = span_of(x.k, 32), .signature = span_of(sig, n));
}

/* own and global: what the files say; NULL: there is no such file.  Until keys are in use. */
static void
keyed(const char *own, const char *global, bool asked)
{
	struct ipc_HOSTKEY_ASK ask;
	struct ipc_VERIFIED v;
	struct ipc_KEX_DONE done;
	struct play_start start;

	play_new(&plan);
	if (own != NULL)
		trust(own);
	if (global != NULL)
		trust(global);
	if (revoked.n > 0)
		trust_revoked();
	play_attach(plan.conn);
	w = play_started(plan.conn, &start);
	verify(&start);
	if (asked) {
		PLAY_EXPECT(HOSTKEY_ASK, &ask);
		PLAY_TELL(HOSTKEY_ANSWER, .conn = plan.conn, .question = ask.question, .accept = 1);
	}
	PLAY_WORKER_EXPECT(w, VERIFIED, &v);
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
}

static void
login(void)
{
	struct ipc_LOGIN_NONE none;
	struct ipc_USER_LOGGED_IN in;
	struct ipc_LOGGED_IN gate;

	PLAY_TELL(TRY_NONE, .conn = plan.conn, .user = span_str("u"));
	PLAY_WORKER_EXPECT(w, LOGIN_NONE, &none);
	PLAY_SAY(w, LOGIN_SUCCESS, .empty_ = 0);
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	PLAY_WORKER_EXPECT(w, LOGGED_IN, &gate);
	close(gate.app);
}

static void
opened(const char *own)
{
	keyed(own, NULL, false);
	login();
}

static uint8_t list_buf[8192];

static struct span
list(const struct span *s, size_t n)
{
	struct wr o = wr_of(list_buf, sizeof(list_buf));

	for (size_t i = 0; i < n; i++)
		wr_blob(&o, s[i], KEY_BLOB_MAX);
	assert_false(o.bad);
	return wr_span(&o);
}
#define LIST(...) list((struct span[]){ __VA_ARGS__ }, \
    sizeof((struct span[]){ __VA_ARGS__ }) / sizeof(struct span))
#define TELL(...) PLAY_SAY(w, HOSTKEYS_TOLD, .keys = LIST(__VA_ARGS__))

static uint8_t wanted[2048];
static size_t wanted_n;

static void
expect_proof_asked(size_t n, const struct span *keys)
{
	struct ipc_HOSTKEYS_ASK ask;
	struct wr o = wr_of(wanted, sizeof(wanted));

	for (size_t i = 0; i < n; i++)
		wr_blob(&o, keys[i], KEY_BLOB_MAX);
	PLAY_WORKER_EXPECT(w, HOSTKEYS_ASK, &ask);
	wanted_n = o.n;
	assert_true(span_eq(ask.keys, span_of(wanted, wanted_n)));
	PLAY_QUIET();
}
#define EXPECT_ASKED(...) expect_proof_asked(sizeof((struct span[]){ __VA_ARGS__ }) / \
    sizeof(struct span), (struct span[]){ __VA_ARGS__ })

/* Nothing comes of it, and nobody's connection ends. */
static void
expect_nothing(void)
{
	PLAY_WORKER_QUIET(w);
	PLAY_QUIET();
	assert_false(w->dead);
}

static void
expect_lie(const char *what)
{
	struct ipc_END_OF end;

	PLAY_ENDED(plan.conn, IPC_WORKER_LIED, &end);
	assert_true(play_contains(end.text, what));
}

/* OpenSSH PROTOCOL 2.5, put together without the monitor's code. */
static size_t
to_be_signed(const char *word, const uint8_t *id, struct span blob, uint8_t *out, size_t cap)
{
	struct wr o = wr_of(out, cap);

	wr_str(&o, word);
	wr_blob(&o, span_of(id, 32), 32);
	wr_blob(&o, blob, KEY_BLOB_MAX);
	assert_false(o.bad);
	return o.n;
}

static uint8_t proof_buf[4][2048];

static struct span
proof_by(size_t place, const uint8_t *seed, const char *word, const uint8_t *id, struct span blob)
{
	uint8_t data[2048];
	size_t n = to_be_signed(word, id, blob, data, sizeof(data));

	return span_of(proof_buf[place], play_sign(seed, span_of(data, n), proof_buf[place],
	    sizeof(proof_buf[place])));
}

static struct span
proof(size_t i)
{
	return proof_by(i, other[i].seed, "hostkeys-prove-00@openssh.com", session, key(i));
}

static struct span
rsa_proof(const char *name)
{
	const struct sign_alg *alg = lab_alg(name);
	struct sign_key *k = rsa.alg->load(rsa.blob.p, rsa.blob.n, rsa.secret.p, rsa.secret.n);
	uint8_t data[2048];
	size_t n = to_be_signed("hostkeys-prove-00@openssh.com", session, rsa_key(), data,
	    sizeof(data)), len;

	assert_non_null(k);
	assert_int_equal(alg->sign(k, data, n, proof_buf[3], sizeof(proof_buf[3]), &len), 0);
	sign_key_free(k);
	return span_of(proof_buf[3], len);
}

#define PROVE(...) PLAY_SAY(w, HOSTKEYS_PROVED, .signatures = LIST(__VA_ARGS__))

static struct ipc_HOSTKEYS_CHANGED changed;
static struct rd added, gone;

static void
expect_changed(void)
{
	PLAY_EXPECT(HOSTKEYS_CHANGED, &changed);
	assert_int_equal(changed.conn, plan.conn);
	added = rd_of(changed.added);
	gone = rd_of(changed.gone);
}

static void
expect_added(struct span blob, const char *name)
{
	char text[2048];
	struct span got;

	known[0] = 0;
	(void)line(name, blob);
	assert_true(span_eq(rd_blob(&added, KEY_BLOB_MAX), blob));
	got = rd_blob(&added, 2048);
	memcpy(text, got.p, got.n);
	text[got.n] = '\n';
	text[got.n + 1] = 0;
	assert_string_equal(text, known);
}

static void
expect_gone(uint32_t file, uint32_t number, struct span blob)
{
	assert_int_equal(rd_u32(&gone), file);
	assert_int_equal(rd_u32(&gone), number);
	assert_true(span_eq(rd_blob(&gone, KEY_BLOB_MAX), blob));
}

static void
expect_no_more(void)
{
	assert_true(rd_done(&added));
	assert_true(rd_done(&gone));
	PLAY_WORKER_QUIET(w);
	assert_false(w->dead);
}

/* ---- what is learnt and what is forgotten ---- */

static void
test_new_keys_are_learnt(void **state)
{
	(void)state;
	opened(line("host.example", host()));
	TELL(key(0), host(), rsa_key());
	EXPECT_ASKED(key(0), rsa_key());
	PROVE(proof(0), rsa_proof("rsa-sha2-256"));
	expect_changed();
	assert_true(span_is(changed.host, "host.example"));
	expect_added(key(0), "host.example");
	expect_added(rsa_key(), "host.example");
	expect_no_more();
}

static void
test_old_keys_are_forgotten(void **state)
{
	(void)state;
	(void)line("# a comment", key(5));
	(void)line("host.example", key(0));
	(void)line("elsewhere", key(2));
	(void)line("host.example", host());
	opened(line("host.example", key(1)));
	TELL(host());
	expect_changed();
	expect_gone(0, 2, key(0));
	expect_gone(0, 5, key(1));
	expect_no_more();
}

/* The new one is there as long as the old one; then the old one goes. */
static void
test_both_at_once(void **state)
{
	(void)state;
	plan.port = 2222;
	(void)line("[host.example]:2222", host());
	(void)line("host.example", key(3));	/* another port: another host */
	opened(line("[host.example]:2222", key(0)));
	TELL(host(), key(1));
	EXPECT_ASKED(key(1));
	PROVE(proof(1));
	expect_changed();
	expect_added(key(1), "[host.example]:2222");
	expect_gone(0, 3, key(0));
	expect_no_more();
}

static void
test_hashed(void **state)
{
	char name[KNOWN_HOSTS_LINE_MAX + 1], *blank;

	(void)state;
	plan.hash_names = 1;
	assert_int_equal(monitor_known_hosts_line("host.example", key(0), true, name), 0);
	(void)line("host.example", host());
	strcat(strcat(known, name), "\n");
	opened(known);
	TELL(host(), key(1));
	EXPECT_ASKED(key(1));
	PROVE(proof(1));
	expect_changed();
	assert_true(span_eq(rd_blob(&added, KEY_BLOB_MAX), key(1)));
	monitor_names_copy(name, sizeof(name), rd_blob(&added, 2048));
	blank = strchr(name, ' ');
	assert_true(strncmp(name, "|1|", 3) == 0 && blank != NULL);
	assert_int_equal(monitor_known_hosts_check(span_str(name), "host.example", key(1)).trust, 0);
	expect_gone(0, 2, key(0));
	expect_no_more();
}

static void
test_nothing_to_do(void **state)
{
	(void)state;
	(void)line("host.example", key(0));
	opened(line("host.example", host()));
	TELL(host(), key(0));
	expect_nothing();
}

/* In the second file of the user's own, and in one that is not. */
static void
test_which_file(void **state)
{
	static char global[1024];

	(void)state;
	(void)line("host.example", key(0));
	strcpy(global, line("host.example", key(1)));
	known[0] = 0;
	(void)line("x", key(5));
	(void)line("host.example", host());
	plan.own_files = 2;
	keyed(known, global, false);
	login();
	TELL(host(), key(1));
	expect_changed();
	expect_gone(1, 1, key(0));
	expect_no_more();
}

/* What an administrator says of this host is not to be changed, and need not be learnt. */
static void
test_other_files_stay(void **state)
{
	static char global[1024];

	(void)state;
	(void)line("host.example", key(0));
	(void)line("elsewhere", key(2));
	strcpy(global, line("host.example", key(1)));
	known[0] = 0;
	keyed(line("host.example", host()), global, false);
	login();
	TELL(host(), key(1), key(2));
	EXPECT_ASKED(key(2));
	PROVE(proof(2));
	expect_changed();
	expect_added(key(2), "host.example");
	expect_no_more();
}

/* A key that was accepted a moment ago is no news. */
static void
test_first_contact(void **state)
{
	(void)state;
	keyed(NULL, NULL, true);
	login();
	TELL(host(), key(0));
	EXPECT_ASKED(key(0));
	PROVE(proof(0));
	expect_changed();
	expect_added(key(0), "host.example");
	expect_no_more();
}

/* The genuine server is known by its RSA key.  Who stands in its place shows a key of
 * another type, is taken for unknown and let in, and lists no other. */
static void
test_first_contact_by_another_type(void **state)
{
	(void)state;
	keyed(line("host.example", rsa_key()), NULL, true);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

/* Who lists them all makes none obsolete. */
static void
test_first_contact_with_all_types(void **state)
{
	(void)state;
	keyed(line("host.example", rsa_key()), NULL, true);
	login();
	TELL(host(), rsa_key(), key(0));
	EXPECT_ASKED(key(0));
	PROVE(proof(0));
	expect_changed();
	expect_added(key(0), "host.example");
	expect_no_more();
}

/* An administrator's line is not the user's, and stays anyway. */
static void
test_first_contact_beside_other_files(void **state)
{
	(void)state;
	keyed("", line("host.example", rsa_key()), true);
	login();
	TELL(host(), key(0));
	EXPECT_ASKED(key(0));
}

/* ---- who may not tell us anything ---- */

static void
test_not_asked_for(void **state)
{
	(void)state;
	plan.update = 0;
	opened(line("host.example", host()));
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_trusted_by_another_file(void **state)
{
	(void)state;
	(void)line("host.example", host());
	keyed("", known, false);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_trusted_as_the_one_expected_key(void **state)
{
	struct play_start start;
	struct ipc_VERIFIED v;
	struct ipc_KEX_DONE done;

	(void)state;
	play_new(&plan);
	PLAY_TELL(TRUST_KEY, .conn = 1, .key = host());
	play_attach(1);
	w = play_started(1, &start);
	verify(&start);
	PLAY_WORKER_EXPECT(w, VERIFIED, &v);
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_accepted_though_changed(void **state)
{
	(void)state;
	keyed(line("host.example", key(0)), NULL, true);
	login();
	TELL(host());
	expect_nothing();
}

static void
test_a_plan_that_says_neither(void **state)
{
	(void)state;
	plan.update = 2;
	play_new(&plan);
	assert_true(play.m->over);
}

/* ---- lists that change nothing ---- */

static void
changes_nothing(const char *own, struct span keys)
{
	static char copy[8192];

	strcpy(copy, own);
	known[0] = 0;
	keyed(copy, NULL, false);
	login();
	PLAY_SAY(w, HOSTKEYS_TOLD, .keys = keys);
	expect_nothing();
	plan.conn++;
}

/* What would be removed is all that we know the host by. */
static void
test_a_list_without_the_key_in_use(void **state)
{
	(void)state;
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(key(0)));
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(key(1), key(2)));
}

static void
test_a_key_twice(void **state)
{
	(void)state;
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(host(), host()));
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(host(), key(1), key(1)));
}

static void
test_lines_that_are_not_ours_to_touch(void **state)
{
	static const char *const names[] = { "host.example,other", "*.example", "host.exampl?",
		"host.example,!x", "@revoked host.example", "@cert-authority host.example",
		"@cert-authority *", "@something host.example" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)line("host.example", host());
		changes_nothing(line(names[i], key(0)), LIST(host(), key(1)));
	}
	/* of other hosts they are */
	(void)line("host.example", host());
	(void)line("@revoked other", key(3));
	opened(line("other,another", key(2)));
	TELL(host(), key(0));
	EXPECT_ASKED(key(0));
}

static void
test_keys_that_serve_another_name(void **state)
{
	char hashed[KNOWN_HOSTS_LINE_MAX + 1];

	(void)state;
	/* the one in use */
	(void)line("host.example", host());
	changes_nothing(line("alias", host()), LIST(host(), key(1)));
	/* a new one */
	(void)line("host.example", host());
	changes_nothing(line("alias", key(1)), LIST(host(), key(1)));
	/* an old one, before and behind */
	(void)line("alias", key(0));
	(void)line("host.example", host());
	changes_nothing(line("host.example", key(0)), LIST(host()));
	(void)line("host.example", key(0));
	(void)line("host.example", host());
	changes_nothing(line("alias", key(0)), LIST(host(), key(1)));
	/* whose name nobody can read */
	assert_int_equal(monitor_known_hosts_line("alias", host(), true, hashed), 0);
	changes_nothing(strcat(line("host.example", host()), hashed), LIST(host(), key(1)));
}

static void
test_keys_of_no_use(void **state)
{
	static const char *const blobs[] = { "", "x", "\0\0\0\7ssh-new\0\0\0\1k" };
	uint8_t cert[128];
	struct wr o = wr_of(cert, sizeof(cert));

	(void)state;
	wr_str(&o, "ssh-ed25519-cert-v01@openssh.com");
	wr_blob(&o, key(0), 64);
	changes_nothing(line("host.example", host()), LIST(host(), wr_span(&o)));
	changes_nothing(line("host.example", host()), LIST(host(), span_str(blobs[0])));
	changes_nothing(line("host.example", host()), LIST(host(), span_str(blobs[1])));
	changes_nothing(line("host.example", host()), LIST(host(), span_of(blobs[2], 16)));
	/* not in HostKeyAlgorithms, and too small */
	plan.hostkey_algs = span_str("ssh-ed25519");
	changes_nothing(line("host.example", host()), LIST(host(), rsa_key()));
	plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512");
	plan.hostkey_rsa_min = sign_rsa_bits(rsa.blob.p, rsa.blob.n) + 1;
	changes_nothing(line("host.example", host()), LIST(host(), rsa_key()));
	/* SHA-1 alone makes none of them usable */
	plan.hostkey_rsa_min = 2048;
	plan.hostkey_algs = span_str("ssh-ed25519,ssh-rsa");
	changes_nothing(line("host.example", host()), LIST(host(), rsa_key()));
}

/* No signature is one of a key that is not whole. */
static void
test_a_key_cut_short(void **state)
{
	(void)state;
	for (size_t n = 15; n < other[0].n; n++) {
		struct span cut = span_of(other[0].blob, n);

		opened(line("host.example", host()));
		TELL(host(), cut);
		EXPECT_ASKED(cut);
		PROVE(proof_by(0, other[0].seed, "hostkeys-prove-00@openssh.com", session, cut));
		expect_nothing();
		known[0] = 0;
		plan.conn++;
	}
}

/* By whomever it was revoked. */
static void
test_a_revoked_key_is_not_learnt(void **state)
{
	static char global[1024];

	(void)state;
	strcpy(global, line("@revoked *", key(0)));
	known[0] = 0;
	keyed(line("host.example", host()), global, false);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_a_key_of_a_revoked_file_is_not_learnt(void **state)
{
	(void)state;
	revoked = key(0);
	opened(line("host.example", host()));
	TELL(host(), key(0), key(1));
	EXPECT_ASKED(key(1));
}

/* A line whose key we could not use: another program may. */
static void
test_lines_of_unknown_types_stay(void **state)
{
	static const char unknown[] = "\0\0\0\7ssh-new\0\0\0\1k";

	(void)state;
	(void)line("host.example", span_of(unknown, 16));
	changes_nothing(line("host.example", host()), LIST(host()));
}

static void
test_too_many_old_lines(void **state)
{
	static char text[32768];
	uint8_t seed[32], blob[64];
	size_t n;

	(void)state;
	text[0] = 0;
	for (int i = 0; i <= IPC_GONE_MAX; i++) {
		play_make_key(seed, blob, &n);
		known[0] = 0;
		strcat(text, line("host.example", span_of(blob, n)));
		known[0] = 0;
		if (i < IPC_GONE_MAX - 1)
			continue;
		keyed(strcat(text, line("host.example", host())), NULL, false);
		known[0] = 0;
		login();
		TELL(host());
		if (i == IPC_GONE_MAX) {
			expect_nothing();
			return;
		}
		expect_changed();
		assert_true(rd_done(&added) && gone.n == IPC_GONE_MAX * (4 + 4 + 4 + n));
		plan.conn++;
		/* the host's own line stays where it is, in use */
	}
}

/* ---- proofs ---- */

static void
asked_for_two(void)
{
	(void)line("host.example", key(5));
	opened(line("host.example", host()));
	TELL(key(0), host(), key(1));
	EXPECT_ASKED(key(0), key(1));
}

static void
proves_nothing(struct span signatures)
{
	PLAY_SAY(w, HOSTKEYS_PROVED, .signatures = signatures);
	expect_nothing();
	known[0] = 0;
	plan.conn++;
}

static void
test_proofs_that_are_none(void **state)
{
	static const char prove[] = "hostkeys-prove-00@openssh.com";
	uint8_t old[32];

	(void)state;
	asked_for_two();
	memcpy(old, session, 32);
	proves_nothing(span_of(NULL, 0));			/* refused */
	asked_for_two();
	proves_nothing(LIST(proof(0)));				/* fewer */
	asked_for_two();
	proves_nothing(LIST(proof(0), proof(1), proof(2)));	/* more */
	asked_for_two();
	proves_nothing(LIST(proof(1), proof(0)));		/* the wrong order */
	asked_for_two();
	proves_nothing(LIST(proof(0), proof(0)));
	asked_for_two();					/* of another connection */
	proves_nothing(LIST(proof(0), proof_by(1, other[1].seed, prove, old, key(1))));
	asked_for_two();					/* another's signature */
	proves_nothing(LIST(proof(0), proof_by(1, other[2].seed, prove, session, key(1))));
	asked_for_two();					/* by the old key, for the new */
	proves_nothing(LIST(proof(0), proof_by(1, play.seed, prove, session, key(1))));
	asked_for_two();					/* of another key */
	proves_nothing(LIST(proof(0), proof_by(1, other[1].seed, prove, session, key(2))));
	asked_for_two();					/* meant for something else */
	proves_nothing(LIST(proof(0), proof_by(1, other[1].seed, "hostkeys-00@openssh.com", session,
	    key(1))));
	asked_for_two();
	proves_nothing(LIST(proof(0), span_of(proof(1).p, proof(1).n - 1)));
	asked_for_two();
	proves_nothing(LIST(proof(0), span_str("")));
	asked_for_two();
	PROVE(proof(0), proof(1));
	expect_changed();
}

static void
asked_for_rsa(void)
{
	opened(line("host.example", host()));
	TELL(host(), rsa_key());
	EXPECT_ASKED(rsa_key());
}

/* Neither SHA-1, though its name may stand in the list, nor what is not in it. */
static void
test_which_signatures_of_rsa(void **state)
{
	(void)state;
	plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512,ssh-rsa");
	asked_for_rsa();
	proves_nothing(LIST(rsa_proof("ssh-rsa")));
	asked_for_rsa();
	proves_nothing(LIST(rsa_proof("rsa-sha2-256")));
	asked_for_rsa();
	PROVE(rsa_proof("rsa-sha2-512"));
	expect_changed();
}

/* ---- a worker that lies ---- */

static void
test_before_the_login(void **state)
{
	(void)state;
	keyed(line("host.example", host()), NULL, false);
	TELL(host(), key(0));
	expect_lie("HOSTKEYS_TOLD");
}

static void
test_proofs_before_the_login(void **state)
{
	(void)state;
	keyed(line("host.example", host()), NULL, false);
	PROVE(proof(0));
	expect_lie("HOSTKEYS_PROVED");
}

static void
test_told_twice(void **state)
{
	(void)state;
	opened(line("host.example", host()));
	TELL(host());
	expect_nothing();
	TELL(host(), key(0));
	expect_lie("HOSTKEYS_TOLD");
}

static void
test_proofs_that_nobody_asked_for(void **state)
{
	(void)state;
	opened(line("host.example", host()));
	PROVE(proof(0));
	expect_lie("HOSTKEYS_PROVED");
}

static void
test_proofs_twice(void **state)
{
	(void)state;
	asked_for_two();
	PROVE(span_str("no"));
	PLAY_QUIET();
	PROVE(proof(0), proof(1));
	expect_lie("HOSTKEYS_PROVED");
}

static void
test_no_list_at_all(void **state)
{
	static uint8_t many[5 * (IPC_HOSTKEYS_MAX + 1)];
	struct span bad[4] = { span_of("", 0), span_of("\0\0\0\2k", 5), span_of("\0\0\0", 3),
		span_of(many, sizeof(many)) };

	(void)state;
	for (size_t i = 0; i <= IPC_HOSTKEYS_MAX; i++)
		memcpy(many + 5 * i, "\0\0\0\1k", 5);
	for (size_t i = 0; i < 4; i++) {
		opened(line("host.example", host()));
		PLAY_SAY(w, HOSTKEYS_TOLD, .keys = bad[i]);
		expect_lie("HOSTKEYS_TOLD");
		known[0] = 0;
		plan.conn++;
	}
}

static void
test_a_server_is_told_nothing(void **state)
{
	(void)state;
	w = play_server(1, session);
	TELL(key(0));
	expect_lie("HOSTKEYS_TOLD");
}

static int
teardown(void **state)
{
	known[0] = 0;
	revoked.n = 0;
	return play_teardown(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_keys_are_learnt), T(test_old_keys_are_forgotten), T(test_both_at_once),
		T(test_hashed), T(test_nothing_to_do), T(test_which_file), T(test_other_files_stay),
		T(test_first_contact), T(test_first_contact_by_another_type),
		T(test_first_contact_with_all_types), T(test_first_contact_beside_other_files),
		T(test_not_asked_for), T(test_trusted_by_another_file),
		T(test_trusted_as_the_one_expected_key), T(test_accepted_though_changed),
		T(test_a_plan_that_says_neither), T(test_a_list_without_the_key_in_use),
		T(test_a_key_twice), T(test_lines_that_are_not_ours_to_touch),
		T(test_keys_that_serve_another_name), T(test_keys_of_no_use),
		T(test_a_key_cut_short), T(test_a_revoked_key_is_not_learnt), T(test_a_key_of_a_revoked_file_is_not_learnt),
		T(test_lines_of_unknown_types_stay),
		T(test_too_many_old_lines), T(test_proofs_that_are_none),
		T(test_which_signatures_of_rsa), T(test_before_the_login),
		T(test_proofs_before_the_login), T(test_told_twice),
		T(test_proofs_that_nobody_asked_for), T(test_proofs_twice), T(test_no_list_at_all),
		T(test_a_server_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
