/*
 * monitor_fixed_group_test.c - exchanges in a fixed group (RFC 4253 8, RFC 8268) as the
 * monitor judges them: a worker that lies about group or lengths, then H, put together
 * here without the monitor's code.
 */
#include "tests/monitor_play.h"

#define GEX "diffie-hellman-group-exchange-sha256"

static const struct { const char *name; size_t len; } rows[] = {
	{ "diffie-hellman-group14-sha256", 256 },
	{ "diffie-hellman-group14-sha1", 256 },
	{ "diffie-hellman-group16-sha512", 512 },
	{ "diffie-hellman-group18-sha512", 1024 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct values {
	const struct kex_alg *kex;
	size_t len;
	uint8_t e[KEX_GROUP_MAX + 1], f[KEX_GROUP_MAX + 1], k[KEX_GROUP_MAX + 1];
};

static void
values_of(struct values *v, size_t row)
{
	struct kex_group group;
	struct kex_state state;

	*v = (struct values){ .len = rows[row].len,
		.kex = kex_find(rows[row].name, strlen(rows[row].name)) };
	assert_non_null(v->kex);
	assert_int_equal(kex_group_modp(&group, v->kex->group_bits), 0);
	assert_int_equal(v->kex->start(&state, &group, v->e), 0);
	assert_int_equal(v->kex->answer(&group, v->e, v->f, v->k), 0);
}

static struct play_child *
connect_with(uint64_t conn, enum ipc_role role, const char *kex, struct play_start *start)
{
	struct ipc_NEW plan = play_plan(conn, role);

	plan.kex = span_str(kex);
	play_new(&plan);
	play_attach(conn);
	return play_started(conn, start);
}

static void
expect_lied(struct play_child *w, uint64_t conn)
{
	struct ipc_END_OF end;

	assert_true(w->dead);
	PLAY_ENDED(conn, IPC_WORKER_LIED, &end);
}

/* RFC 4253 8: the group is not named, e and f are mpints. */
static size_t
h_of(struct span v_c, struct span v_s, struct span i_c, struct span i_s,
    const struct values *v, uint8_t h[HASH_MAX])
{
	static uint8_t buf[65536];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_blob(&w, v_c, 255);
	wr_blob(&w, v_s, 255);
	wr_blob(&w, i_c, 35000);
	wr_blob(&w, i_s, 35000);
	wr_blob(&w, span_of(play.host_blob, play.host_blob_len), 8192);
	wr_mpint(&w, span_of(v->e, v->len));
	wr_mpint(&w, span_of(v->f, v->len));
	wr_mpint(&w, span_of(v->k, v->len));
	assert_false(w.bad);
	assert_int_equal(hash_once(v->kex->hash, buf, w.n, h), 0);
	return hash_size(v->kex->hash);
}

static struct ipc_SIGN
sign_of(const struct values *v)
{
	return (struct ipc_SIGN){ .kex = span_str(v->kex->name),
		.hostkey_alg = span_str("ssh-ed25519"), .v_c = span_str("SSH-2.0-Theirs"),
		.i_c = span_str("\024their kexinit"), .q_c = span_of(v->e, v->len),
		.q_s = span_of(v->f, v->len), .k = span_of(v->k, v->len) };
}

/* ---- lies ---- */

static void
lengths_that_are_not_the_groups(void **state)
{
	struct play_start start;
	struct play_child *w;
	uint64_t conn = 0;
	struct values v;

	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		values_of(&v, row);
		for (int i = 0; i < 7; i++) {
			struct ipc_SIGN sign = sign_of(&v);
			struct span *which = i % 3 == 0 ? &sign.q_c : i % 3 == 1 ? &sign.q_s :
			    &sign.k;

			which->n = i == 6 ? 0 : i < 3 ? v.len - 1 : v.len + 1;
			w = connect_with(++conn, IPC_SERVER, rows[row].name, &start);
			assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
			play_run();
			expect_lied(w, conn);
		}
	}
}

/* A method that was not offered, one whose group is another, and one that has to ask. */
static void
methods_that_are_others(void **state)
{
	static const char *const others[] = { "diffie-hellman-group16-sha512",
		"diffie-hellman-group14-sha256", GEX, "curve25519-sha256" };
	struct play_start start;
	struct play_child *w;
	uint64_t conn = 0;
	struct values v;

	(void)state;
	values_of(&v, 0);
	for (size_t i = 0; i < 4; i++) {
		struct ipc_SIGN sign = sign_of(&v);

		sign.kex = span_str(others[i]);
		w = connect_with(++conn, IPC_SERVER, i == 1 ? "curve25519-sha256" :
		    "diffie-hellman-group14-sha256,diffie-hellman-group16-sha512," GEX
		    ",curve25519-sha256", &start);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		expect_lied(w, conn);
	}
	/* nobody asks for a group when none can be asked for */
	w = connect_with(++conn, IPC_SERVER, rows[0].name, &start);
	PLAY_SAY(w, GROUP_ASK, .min = 2048, .n = 2048, .max = 2048);
	expect_lied(w, conn);
}

/* ---- H ---- */

static void
signs_as_a_server(void **state)
{
	struct ipc_SIGNED sig;
	struct ipc_KEX_DONE done;
	uint8_t h[HASH_MAX];

	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		struct play_start start;
		struct play_child *w = connect_with(row + 1, IPC_SERVER, rows[row].name, &start);
		struct ipc_SIGN sign;
		struct values v;
		size_t n;

		values_of(&v, row);
		sign = sign_of(&v);
		n = h_of(sign.v_c, span_str("SSH-2.0-Ours"), sign.i_c,
		    span_of(start.kexinit, start.kexinit_len), &v, h);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		assert_true(span_eq(sig.hash, span_of(h, n)));
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
		assert_true(span_is(done.kex, rows[row].name));
	}
}

static struct ipc_VERIFY
verify_of(const struct values *v, struct span i_s, struct span sig)
{
	return (struct ipc_VERIFY){ .kex = span_str(v->kex->name),
		.hostkey_alg = span_str("ssh-ed25519"), .v_s = span_str("SSH-2.0-Theirs"),
		.i_s = i_s, .k_s = span_of(play.host_blob, play.host_blob_len),
		.q_c = span_of(v->e, v->len), .q_s = span_of(v->f, v->len),
		.k = span_of(v->k, v->len), .signature = sig };
}

/* spoil: 1 a group of the worker's own, 2 bounds without one. */
static struct play_child *
verify(uint64_t conn, size_t row, int spoil)
{
	struct span i_s = span_str("\024x");
	struct play_start start;
	struct play_child *w = connect_with(conn, IPC_CLIENT, rows[row].name, &start);
	uint8_t h[HASH_MAX], sig[128];
	struct kex_group group;
	struct ipc_VERIFY q;
	struct values v;
	size_t n;

	values_of(&v, row);
	n = h_of(span_str("SSH-2.0-Ours"), span_str("SSH-2.0-Theirs"),
	    span_of(start.kexinit, start.kexinit_len), i_s, &v, h);
	n = play_sign(play.seed, span_of(h, n), sig, sizeof(sig));
	q = verify_of(&v, i_s, span_of(sig, n));
	assert_int_equal(kex_group_modp(&group, v.kex->group_bits), 0);
	if (spoil == 1) {
		q.gex_p = span_of(group.p, group.p_len);
		q.gex_g = span_of(group.g, group.g_len);
	}
	if (spoil == 2)
		q.gex_n = 2048;
	assert_int_equal(ipc_send_VERIFY(w->link, &q), 0);
	play_run();
	return w;
}

static void
verifies_as_a_client(void **state)
{
	struct ipc_HOSTKEY_ASK asked;
	uint64_t conn = 0;

	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		for (int spoil = 1; spoil <= 2; spoil++) {
			struct play_child *w = verify(++conn, row, spoil);

			expect_lied(w, conn);
		}
		(void)verify(++conn, row, 0);
		PLAY_EXPECT(HOSTKEY_ASK, &asked);
		assert_int_equal(asked.conn, conn);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(lengths_that_are_not_the_groups), T(methods_that_are_others),
		T(signs_as_a_server), T(verifies_as_a_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
