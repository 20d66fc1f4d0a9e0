/*
 * monitor_group_test.c - group exchange between a worker and the monitor: lies that end
 * the worker; H against one computed here; and who offers it at all.
 */
#include <openssl/bn.h>

#include "tests/monitor_play.h"

#define GEX "diffie-hellman-group-exchange-sha256"
enum { LEN = 256 };

/* ---- moduli ---- */

static uint32_t
load(int fd)
{
	struct ipc_MODULI_LOADED loaded;

	PLAY_TELL(MODULI, .call = 4711, .file = fd);
	PLAY_EXPECT(MODULI_LOADED, &loaded);
	assert_int_equal(loaded.call, 4711);
	return loaded.count;
}

static int
file_of(const char *text)
{
	char path[] = "/tmp/moduli_XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static uint32_t
load_text(const char *text)
{
	int fd = file_of(text);
	uint32_t count = load(fd);

	close(fd);
	return count;
}

/* Group 14 and group 15 of RFC 3526 as a file. */
static const char *
two_moduli(void)
{
	static char text[4096];
	BIGNUM *a = BN_get_rfc3526_prime_2048(NULL), *b = BN_get_rfc3526_prime_3072(NULL);
	char *hex_a = BN_bn2hex(a), *hex_b = BN_bn2hex(b);

	(void)snprintf(text, sizeof(text), "# two\n20200101000000 2 6 100 2047 2 %s\n"
	    "20200101000000 2 6 100 3071 2 %s\n", hex_a, hex_b);
	OPENSSL_free(hex_a);
	OPENSSL_free(hex_b);
	BN_free(a);
	BN_free(b);
	return text;
}

static const char *
last_modulus(void)
{
	return strstr(strchr(two_moduli(), '\n') + 1, "\n20") + 1;
}

static bool
offers(struct span kexinit, const char *name)
{
	struct rd r = rd_of(kexinit);

	(void)rd_take(&r, 17);
	return monitor_names_has(rd_blob(&r, 16384), span_str(name));
}

static struct play_child *
connect_gex(uint64_t conn, enum ipc_role role, const char *kex, struct play_start *start)
{
	struct ipc_NEW plan = play_plan(conn, role);

	plan.kex = span_str(kex);
	play_new(&plan);
	play_attach(conn);
	return play_started(conn, start);
}

/* ---- a worker's half ---- */

struct values { struct kex_group group; uint8_t e[LEN], f[LEN], k[LEN]; };

static const struct kex_alg *
gex(void)
{
	const struct kex_alg *kex = kex_find(GEX, strlen(GEX));

	assert_non_null(kex);
	return kex;
}

static void
values_in(struct values *v, struct span p, struct span g)
{
	struct kex_state state;

	assert_int_equal(p.n, LEN);
	assert_int_equal(kex_group_set(&v->group, p.p, p.n, g.p, g.n), 0);
	assert_int_equal(gex()->start(&state, &v->group, v->e), 0);
	assert_int_equal(gex()->answer(&v->group, v->e, v->f, v->k), 0);
}

static struct ipc_SIGN
sign_of(const struct values *v)
{
	return (struct ipc_SIGN){ .kex = span_str(GEX), .hostkey_alg = span_str("ssh-ed25519"),
		.v_c = span_str("SSH-2.0-Theirs"), .i_c = span_str("\024their kexinit"),
		.q_c = span_of(v->e, LEN), .q_s = span_of(v->f, LEN), .k = span_of(v->k, LEN) };
}

/* A GROUP_ASK for 2048 bits, and what came of it. */
static void
ask(struct play_child *w, struct values *v)
{
	struct ipc_GROUP q;

	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 2048, .max = 8192);
	PLAY_WORKER_EXPECT(w, GROUP, &q);
	values_in(v, q.p, q.g);
}

/* RFC 4419 3, without the monitor's code. */
static void
h_of(struct span v_c, struct span v_s, struct span i_c, struct span i_s, struct span k_s,
    const uint32_t bits[3], const struct values *v, uint8_t h[32])
{
	static uint8_t buf[65536];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_blob(&w, v_c, 255);
	wr_blob(&w, v_s, 255);
	wr_blob(&w, i_c, 35000);
	wr_blob(&w, i_s, 35000);
	wr_blob(&w, k_s, 8192);
	for (int i = 0; i < 3; i++)
		wr_u32(&w, bits[i]);
	/* group 14 begins with ff: a zero comes before it */
	wr_u32(&w, LEN + 1);
	wr_u8(&w, 0);
	wr_raw(&w, span_of(v->group.p, LEN));
	wr_raw(&w, span_of("\0\0\0\1\2", 5));
	wr_mpint(&w, span_of(v->e, LEN));
	wr_mpint(&w, span_of(v->f, LEN));
	wr_mpint(&w, span_of(v->k, LEN));
	assert_false(w.bad);
	crypto_hash_sha256(h, buf, w.n);
}

static void
expect_lied(struct play_child *w, uint64_t conn)
{
	struct ipc_END_OF end;

	assert_true(w->dead);
	PLAY_ENDED(conn, IPC_WORKER_LIED, &end);
}

/* ---- lies ---- */

static void
test_lies_about_asking(void **state)
{
	static const uint32_t bad[][3] = { { 2048, 2047, 8192 }, { 2048, 8193, 8192 },
		{ 8192, 4096, 2048 } };
	struct play_start start;
	struct play_child *w;
	struct values v;
	uint64_t conn = 0;

	(void)state;
	/* no moduli: it was not offered */
	w = connect_gex(++conn, IPC_SERVER, "curve25519-sha256," GEX, &start);
	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 2048, .max = 8192);
	expect_lied(w, conn);
	assert_int_equal(load_text(two_moduli()), 2);
	/* not in the list of this server */
	w = connect_gex(++conn, IPC_SERVER, "curve25519-sha256", &start);
	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 2048, .max = 8192);
	expect_lied(w, conn);
	/* a client has no groups to give */
	w = connect_gex(++conn, IPC_CLIENT, GEX, &start);
	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 2048, .max = 8192);
	expect_lied(w, conn);
	for (size_t i = 0; i < 3; i++) {
		w = connect_gex(++conn, IPC_SERVER, GEX, &start);
		PLAY_SAY(w, GROUP_ASK, .min = bad[i][0], .n = bad[i][1], .max = bad[i][2]);
		expect_lied(w, conn);
	}
	/* twice: it could choose the group then */
	w = connect_gex(++conn, IPC_SERVER, GEX, &start);
	ask(w, &v);
	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 2048, .max = 8192);
	expect_lied(w, conn);
}

typedef void spoil(struct ipc_SIGN *, struct values *);
static void
q_c_short(struct ipc_SIGN *q, struct values *v)
{
	(void)v;
	q->q_c.n--;
}

static void
q_s_empty(struct ipc_SIGN *q, struct values *v)
{
	(void)v;
	q->q_s.n = 0;
}

static void
k_short(struct ipc_SIGN *q, struct values *v)
{
	(void)v;
	q->k.n = 32;
}

/* After a group was asked for, no other key exchange. */
static void
other_kex(struct ipc_SIGN *q, struct values *v)
{
	(void)v;
	q->kex = span_str("curve25519-sha256");
}

static void
other_kex_with_its_lengths(struct ipc_SIGN *q, struct values *v)
{
	static struct play_kex x;

	(void)v;
	play_kex(&x);
	*q = play_sign_of(&x);
}

static void
lied_sign(uint64_t conn, bool asks, spoil *f)
{
	struct play_start start;
	struct play_child *w = connect_gex(conn, IPC_SERVER, "curve25519-sha256," GEX, &start);
	struct kex_group group;
	struct values v;
	struct ipc_SIGN sign;

	assert_int_equal(kex_group_modp(&group, 2048), 0);
	if (asks)
		ask(w, &v);
	else
		values_in(&v, span_of(group.p, LEN), span_of(group.g, 1));
	sign = sign_of(&v);
	if (f != NULL)
		f(&sign, &v);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	expect_lied(w, conn);
}

static void
test_lies_about_signing(void **state)
{
	static spoil *const spoils[] = { q_c_short, q_s_empty, k_short, other_kex,
		other_kex_with_its_lengths };
	struct play_start start;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	struct ipc_GROUP q;
	struct play_child *w;
	struct kex_group group;
	struct values v;
	uint64_t conn = 0;

	(void)state;
	assert_int_equal(load_text(two_moduli()), 2);
	lied_sign(++conn, false, NULL);		/* without GROUP_ASK */
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++)
		lied_sign(++conn, true, spoils[i]);

	/* the group of the last key exchange is none for the next */
	w = connect_gex(++conn, IPC_SERVER, GEX, &start);
	ask(w, &v);
	sign = sign_of(&v);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	/* ...which may not begin before the first is in use */
	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 2048, .max = 8192);
	expect_lied(w, conn);

	/* there was none of that size: nothing to sign */
	w = connect_gex(++conn, IPC_SERVER, "curve25519-sha256," GEX, &start);
	PLAY_SAY(w, GROUP_ASK, .min = 1024, .n = 1024, .max = 1024);
	PLAY_WORKER_EXPECT(w, GROUP, &q);
	assert_int_equal(q.p.n, 0);
	assert_int_equal(q.g.n, 0);
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	values_in(&v, span_of(group.p, LEN), span_of(group.g, 1));
	sign = sign_of(&v);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	expect_lied(w, conn);
}

/* ---- H ---- */

static void
check_signature(struct span sig, const uint8_t h[32])
{
	struct rd r = rd_of(sig);
	struct span s;

	assert_true(span_is(rd_blob(&r, 64), "ssh-ed25519"));
	s = rd_blob(&r, 64);
	assert_true(rd_done(&r) && s.n == 64);
	assert_int_equal(crypto_sign_verify_detached(s.p, h, 32,
	    play.host_blob + play.host_blob_len - 32), 0);
}

static void
test_signs_over_its_own_group(void **state)
{
	static const uint32_t bits[3] = { 1024, 2048, 8192 };
	struct play_start start;
	struct ipc_KEX_DONE done;
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_child *w;
	struct values v;
	uint8_t h[32], kexinit[16384];
	size_t n;

	(void)state;
	assert_int_equal(load_text(two_moduli()), 2);
	w = connect_gex(1, IPC_SERVER, GEX, &start);
	assert_true(offers(span_of(start.kexinit, start.kexinit_len), GEX));
	memcpy(kexinit, start.kexinit, n = start.kexinit_len);
	for (unsigned i = 1; i <= 3; i++) {	/* and its rekeys */
		ask(w, &v);
		sign = sign_of(&v);
		h_of(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c, span_of(kexinit, n),
		    span_of(play.host_blob, play.host_blob_len), bits, &v, h);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		assert_memory_equal(sig.hash.p, h, 32);
		check_signature(sig.signature, h);
		memcpy(kexinit, sig.kexinit.p, n = sig.kexinit.n);
		assert_true(offers(span_of(kexinit, n), GEX));
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
		assert_int_equal(done.count, i);
		assert_true(span_is(done.kex, GEX));
	}
}

static void
verify(struct play_child *w, const struct play_start *start, const struct values *v,
    void (*change)(struct ipc_VERIFY *))
{
	static const uint32_t bits[3] = { 2048, 3072, 8192 };
	struct span host = span_of(play.host_blob, play.host_blob_len), i_s = span_str("\024x");
	uint8_t h[32], sig[128];
	size_t sig_len;
	struct ipc_VERIFY q;

	h_of(span_str("SSH-2.0-Ours"), span_str("SSH-2.0-Theirs"),
	    span_of(start->kexinit, start->kexinit_len), i_s, host, bits, v, h);
	sig_len = play_sign(play.seed, span_of(h, 32), sig, sizeof(sig));
	q = (struct ipc_VERIFY){ .kex = span_str(GEX), .hostkey_alg = span_str("ssh-ed25519"),
		.v_s = span_str("SSH-2.0-Theirs"), .i_s = i_s, .k_s = host,
		.q_c = span_of(v->e, LEN), .q_s = span_of(v->f, LEN), .k = span_of(v->k, LEN),
		.signature = span_of(sig, sig_len), .gex_min = 2048, .gex_n = 3072,
		.gex_max = 8192, .gex_p = span_of(v->group.p, LEN), .gex_g = span_of("\2", 1) };
	if (change != NULL)
		change(&q);
	assert_int_equal(ipc_send_VERIFY(w->link, &q), 0);
	play_run();
}

static void
without_the_group(struct ipc_VERIFY *q)
{
	q->gex_p.n = q->gex_g.n = 0;
	q->gex_min = q->gex_n = q->gex_max = 0;
}

static void
without_p(struct ipc_VERIFY *q)
{
	q->gex_p.n = 0;
}

static void
group_for_another(struct ipc_VERIFY *q)
{
	q->kex = span_str("curve25519-sha256");
	q->q_c.n = q->q_s.n = q->k.n = 32;
}

static void
small_p(struct ipc_VERIFY *q)	/* 2040 bits, and values as long */
{
	q->gex_p = span_of(q->gex_p.p + 1, LEN - 1);
	q->q_c.n = q->q_s.n = q->k.n = LEN - 1;
}

static void
tiny_p(struct ipc_VERIFY *q)	/* 256 bits */
{
	q->gex_p = span_of(q->gex_p.p, 32);
	q->q_c.n = q->q_s.n = q->k.n = 32;
}

static void
g_of_1(struct ipc_VERIFY *q)
{
	q->gex_g = span_of("\1", 1);
}

static void
other_bounds(struct ipc_VERIFY *q)
{
	q->gex_n = 2048;
}

static void
test_client(void **state)
{
	static void (*const lies[])(struct ipc_VERIFY *) = { without_the_group, without_p,
		group_for_another, small_p, tiny_p, g_of_1 };
	struct play_start start;
	struct ipc_HOSTKEY_ASK asked;
	struct ipc_STOP stop;
	struct play_child *w;
	struct kex_group group;
	struct values v;
	uint64_t conn = 0;

	(void)state;
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	values_in(&v, span_of(group.p, LEN), span_of(group.g, 1));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		w = connect_gex(++conn, IPC_CLIENT, "curve25519-sha256," GEX, &start);
		verify(w, &start, &v, lies[i]);
		expect_lied(w, conn);
	}
	/* what was asked for counts in H: the signature is not over this */
	w = connect_gex(++conn, IPC_CLIENT, GEX, &start);
	verify(w, &start, &v, other_bounds);
	PLAY_WORKER_EXPECT(w, STOP, &stop);
	assert_int_equal(stop.disconnect, 3);
	/* needs no moduli of its own */
	w = connect_gex(++conn, IPC_CLIENT, GEX, &start);
	assert_true(offers(span_of(start.kexinit, start.kexinit_len), GEX));
	verify(w, &start, &v, NULL);
	PLAY_EXPECT(HOSTKEY_ASK, &asked);
	assert_int_equal(asked.conn, conn);
}

/* ---- who offers it ---- */

static void
test_offered_once_there_are_moduli(void **state)
{
	struct play_start start;
	struct ipc_STARTED started;
	struct ipc_END_OF end;
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	int fd, null = open("/dev/null", O_RDONLY | O_CLOEXEC), pair[2];

	(void)state;
	(void)connect_gex(1, IPC_SERVER, GEX ",curve25519-sha256", &start);
	assert_false(offers(span_of(start.kexinit, start.kexinit_len), GEX));
	assert_true(offers(span_of(start.kexinit, start.kexinit_len), "curve25519-sha256"));
	/* nothing else to offer: no connection */
	plan.kex = span_str(GEX);
	play_new(&plan);
	play_attach(2);
	PLAY_EXPECT(STARTED, &started);
	PLAY_ENDED(2, IPC_RESOURCE, &end);

	/* files without one that would do */
	assert_int_equal(load(null), 0);
	assert_int_equal(load_text("rubbish\n-1 2 6 100 2047 2 -F\n"), 0);
	fd = file_of("");
	assert_int_equal(ftruncate(fd, MODULI_FILE_MAX + 1), 0);
	assert_int_equal(load(fd), 0);
	close(fd);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(load(pair[0]), 0);
	close(pair[0]);
	close(pair[1]);
	(void)connect_gex(3, IPC_SERVER, GEX ",curve25519-sha256", &start);
	assert_false(offers(span_of(start.kexinit, start.kexinit_len), GEX));

	assert_int_equal(load_text(two_moduli()), 2);
	(void)connect_gex(4, IPC_SERVER, GEX ",curve25519-sha256", &start);
	assert_true(offers(span_of(start.kexinit, start.kexinit_len), GEX));
	(void)connect_gex(5, IPC_SERVER, "curve25519-sha256", &start);
	assert_false(offers(span_of(start.kexinit, start.kexinit_len), GEX));
	/* a bad file later takes nothing away */
	assert_int_equal(load(null), 0);
	(void)connect_gex(6, IPC_SERVER, GEX, &start);
	assert_true(offers(span_of(start.kexinit, start.kexinit_len), GEX));
	close(null);
}

/* A reload while a worker has its group changes nothing for it. */
static void
test_reload_meanwhile(void **state)
{
	static const uint32_t bits[3] = { 1024, 2048, 8192 };
	struct play_start start;
	struct play_child *w;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	struct values v;
	uint8_t h[32];

	(void)state;
	assert_int_equal(load_text(two_moduli()), 2);
	w = connect_gex(1, IPC_SERVER, GEX, &start);
	ask(w, &v);
	assert_int_equal(load_text(last_modulus()), 1);
	sign = sign_of(&v);
	h_of(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c,
	    span_of(start.kexinit, start.kexinit_len),
	    span_of(play.host_blob, play.host_blob_len), bits, &v, h);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	assert_memory_equal(sig.hash.p, h, 32);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_lies_about_asking), T(test_lies_about_signing),
		T(test_signs_over_its_own_group), T(test_client),
		T(test_offered_once_there_are_moduli), T(test_reload_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
