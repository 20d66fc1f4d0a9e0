/*
 * transport_kex_test.c - ext-info, strict key exchange, and guesses, against
 * peers that break the rules.
 */
#include "tests/transport_pair.h"

/* ---- ext-info ---- */

static void
ext_info_only_to_who_asks(void **state)
{
	(void)state;
	for (int ask = 0; ask < 2; ask++) {
		struct pair *p = pair_new();
		struct transport_agreed a;

		p->c.pseudo = ask ? "ext-info-c" : "";
		pair_start(p);
		pair_run(p);
		transport_agreed(p->c.t, &a);
		assert_int_equal(p->c.sig_algs, ask);
		assert_int_equal(p->c.hostbound, ask);
		assert_int_equal(a.peer_pings, ask);
		assert_false(a.strict);
		if (ask) {
			assert_int_equal(p->c.text_len, 24);
			assert_memory_equal(p->c.text, "ssh-ed25519,rsa-sha2-512", 24);
		}
		/* not again after a rekey */
		pair_phase(p, PH_OPEN);
		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		pair_run(p);
		assert_int_equal(p->s.keys, 2);
		assert_int_equal(p->c.sig_algs, ask);
		assert_int_equal(p->c.error, PROTO_OK);
		pair_free(p);
	}
}

static void
malformed_ext_info(void **state)
{
	static const struct { const char *bytes; size_t n; enum proto_error e; } rows[] = {
		{ "\7\xff\xff\xff\xff", 5, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1", 5, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0", 13, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0\1", 14, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\2\0\0\0\1x\0\0\0\1y", 15, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0\1y.", 16, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\xfserver-sig-algs\0\0\0\2a\0", 30, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0", 3, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0\1y", 15, PROTO_OK },
		{ "\7\0\0\0\0", 5, PROTO_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = pair_new();

		pair_start(p);
		pair_run(p);
		side_inject(&p->s, rows[i].bytes, rows[i].n);
		pair_run(p);
		assert_int_equal(p->c.error, rows[i].e);
		if (rows[i].e == PROTO_OK) {	/* that was the second; a third is too many */
			side_inject(&p->s, rows[i].bytes, rows[i].n);
			pair_run(p);
			assert_int_equal(p->c.error, PROTO_E_MESSAGE_ORDER);
		}
		pair_free(p);
	}
}

/* ---- strict key exchange ---- */

static size_t
client_kexinit(struct side *maker, const char *pseudo, bool follows, const char *kex, uint8_t **p)
{
	side_init(maker, SSH_CLIENT);
	maker->pseudo = pseudo;
	maker->follows = follows;
	if (kex != NULL)
		maker->lists[KL_KEX] = kex;
	side_make_kexinit(maker);
	*p = maker->kexinit;
	return maker->kexinit_len;
}

#define STRICT_C "kex-strict-c-v00@openssh.com"
/* IGNORE, DEBUG, UNIMPLEMENTED before or after KEXINIT: harmless without strict kex,
 * the end with it. */
static void
messages_around_the_first_kexinit(void **state)
{
	static const struct { const uint8_t *p; size_t n; } m[] = {
		{ ignore, sizeof(ignore) }, { debug, sizeof(debug) },
		{ unimplemented, sizeof(unimplemented) },
	};
	struct side *maker = server_new();

	(void)state;
	for (int i = 0; i < 12; i++) {
		struct side *s = server_new();
		struct raw *r = raw_new("SSH-2.0-x\r\n");
		bool strict = i / 6 == 1, before = i / 3 % 2 == 1;
		uint8_t *k;
		size_t n = client_kexinit(maker, strict ? STRICT_C : "", false, NULL, &k);

		side_start(s, 5000);
		if (before)
			raw_packet(r, m[i % 3].p, m[i % 3].n);
		raw_packet(r, k, n);
		if (!before)
			raw_packet(r, m[i % 3].p, m[i % 3].n);
		assert_int_equal(feed_raw(s, r), strict ? PROTO_E_STRICT_KEX : PROTO_OK);
		assert_int_equal(s->debugs, i % 3 == 1 && (!strict || before) ? 1 : 0);
		server_free(s);
		free(r);
	}
	free(maker);
}

/* The pseudo names in a rekey change nothing (PROTOCOL 1.10). */
static void
strict_is_settled_once(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct pair *p = pair_new();
		struct transport_agreed a;

		p->c.pseudo = first ? STRICT_C : "";
		pair_start(p);
		p->c.pseudo = first ? "" : STRICT_C;	/* in its later KEXINITs */
		pair_run(p);
		pair_phase(p, PH_OPEN);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->s.keys, i + 2);
			assert_int_equal(p->c.error, PROTO_OK);
			transport_agreed(p->s.t, &a);
			assert_int_equal(a.strict, first);
			/* strict: every NEWKEYS began at 0 again */
			assert_int_equal(p->s.t->in.seq == p->s.t->in.packets, first);
			assert_int_equal(p->c.t->out.seq == p->c.t->out.packets, first);
		}
		pair_free(p);
	}
}

static void
sequence_numbers_start_again(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	pair_start(p);
	pair_run(p);
	/* the server's EXT_INFO is the only packet under the new keys */
	assert_int_equal(p->s.t->out.seq, 1);
	assert_int_equal(p->c.t->in.seq, 1);
	assert_int_equal(p->c.t->out.seq, 0);
	assert_int_equal(p->s.t->in.seq, 0);
	pair_free(p);
}

/* Bytes of a KEXINIT flood without strict kex end where the numbers would repeat. */
static void
clear_packets_cannot_wrap(void **state)
{
	struct side *s = server_new();
	struct raw *r = raw_new("SSH-2.0-x\r\n");

	(void)state;
	side_start(s, 5000);
	assert_int_equal(feed_raw(s, r), PROTO_OK);
	r->n = 0;
	raw_packet(r, ignore, sizeof(ignore));
	raw_packet(r, ignore, sizeof(ignore));
	s->t->in.packets = UINT32_MAX;
	assert_int_equal(feed_raw(s, r), PROTO_E_SEQUENCE);
	server_free(s);
	free(r);
}

/* ---- guesses ---- */

static void
guess_in_the_first_exchange(void **state)
{
	struct side *maker = server_new();
	struct kex *kx = calloc(1, sizeof(*kx));
	uint8_t init[64], wrong[64] = { 30, 1, 2, 3 };
	struct wr w = wr_of(init, sizeof(init));

	(void)state;
	assert_non_null(kx);
	kx->alg = kex_find("curve25519-sha256", 17);
	assert_int_equal(kex_put_init(kx, &w), PROTO_OK);
	for (int i = 0; i < 6; i++) {
		struct side *s = server_new();
		struct raw *r = raw_new("SSH-2.0-x\r\n");
		bool right = i == 0;
		uint8_t *k;
		size_t n = client_kexinit(maker, STRICT_C, true,
		    right ? NULL : "other@kex,curve25519-sha256", &k);

		side_start(s, 5000);
		raw_packet(r, k, n);
		if (i == 0 || i == 1)		/* right: used; wrong: one is passed over */
			raw_packet(r, i == 0 ? init : wrong, i == 0 ? w.n : sizeof(wrong));
		if (i == 2) {			/* ...and only one */
			raw_packet(r, wrong, sizeof(wrong));
			raw_packet(r, wrong, sizeof(wrong));
		}
		if (i == 3) {			/* whatever its number, if a method's */
			wrong[0] = 49;
			raw_packet(r, wrong, sizeof(wrong));
		}
		if (i == 4)			/* IGNORE cannot have been the guess */
			raw_packet(r, ignore, sizeof(ignore));
		if (i == 5) {			/* the guess is skipped, then it goes on */
			wrong[0] = 31;
			raw_packet(r, wrong, sizeof(wrong));
			raw_packet(r, init, w.n);
		}
		wrong[0] = 30;
		(void)feed_raw(s, r);
		switch (i) {
		case 0:
		case 5:
			assert_int_equal(s->error, PROTO_OK);
			assert_int_equal(s->questions, 1);
			break;
		case 2:
			assert_int_equal(s->error, PROTO_E_MESSAGE_FORMAT);
			break;
		case 4:
			assert_int_equal(s->error, PROTO_E_STRICT_KEX);
			break;
		default:
			assert_int_equal(s->error, PROTO_OK);
			assert_int_equal(s->questions, 0);
		}
		server_free(s);
		free(r);
	}
	free(maker);
	free(kx);
}

/* In a rekey, by a client whose KEXINIT we replace on its way. */
static void
guess_in_a_rekey(void **state)
{
	(void)state;
	for (int right = 0; right < 2; right++) {
		struct pair *p = pair_open();
		uint8_t wrong[40] = { 30 };

		if (!right)
			p->c.lists[KL_KEX] = "other@kex,curve25519-sha256";
		p->c.follows = true;
		side_make_kexinit(&p->c);
		/* what a guessing client says: KEXINIT, guess, and, if that was wrong,
		 * the right one */
		free(p->c.t->kexinit);
		p->c.t->kexinit = malloc(p->c.kexinit_len);
		assert_non_null(p->c.t->kexinit);
		memcpy(p->c.t->kexinit, p->c.kexinit, p->c.kexinit_len);
		p->c.t->kexinit_len = p->c.kexinit_len;
		p->c.follows = false;
		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		if (!right)
			side_inject(&p->c, wrong, sizeof(wrong));
		pair_run(p);
		assert_int_equal(p->s.error, PROTO_OK);
		assert_int_equal(p->c.error, PROTO_OK);
		assert_int_equal(p->s.keys, 2);
		assert_int_equal(p->c.keys, 2);
		pair_free(p);
	}
}

static int
setup(void **state)
{
	(void)state;
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ext_info_only_to_who_asks),
		cmocka_unit_test(malformed_ext_info),
		cmocka_unit_test(messages_around_the_first_kexinit),
		cmocka_unit_test(strict_is_settled_once),
		cmocka_unit_test(sequence_numbers_start_again),
		cmocka_unit_test(clear_packets_cannot_wrap),
		cmocka_unit_test(guess_in_the_first_exchange),
		cmocka_unit_test(guess_in_a_rekey),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
