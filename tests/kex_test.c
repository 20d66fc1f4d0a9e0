/*
 * kex_test.c - the key exchange messages and the key streams.  The streams are
 * checked against SHA-256 over bytes put together here by hand, after the words of
 * RFC 4253 7.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/kex.h"

static const struct kex_alg *
curve(void)
{
	const char *name = "curve25519-sha256";
	const struct kex_alg *a = kex_find(name, strlen(name));

	assert_non_null(a);
	return a;
}

static struct kex *
kex_of(const struct kex_alg *alg)
{
	struct kex *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	k->alg = alg;
	return k;
}

static enum proto_error
take(enum proto_error (*f)(struct kex *, struct span), struct kex *k, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum proto_error e;

	assert_non_null(copy);
	memcpy(copy, p, n);
	e = f(k, span_of(copy, n));
	free(copy);
	return e;
}

static size_t
init_message(uint8_t *p, size_t cap, const void *q, size_t n)
{
	struct wr w = wr_of(p, cap);

	wr_u8(&w, 30);
	wr_blob(&w, span_of(q, n), SIZE_MAX);
	assert_false(w.bad);
	return w.n;
}

static void
bad_inits(void **state)
{
	static const uint8_t zero[KEX_PUBLIC_MAX + 1];
	static uint8_t p[8192];
	/* a point of order 8, from RFC 7748's security considerations' class of inputs */
	static const uint8_t low[32] = { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16,
		0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
		0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 };
	struct kex *k = kex_of(curve());
	uint8_t nines[70];
	size_t n;

	(void)state;
	memset(nines, 9, sizeof(nines));
	for (size_t len = 0; len < 70; len++) {
		if (len == 32)
			continue;
		/* bytes that would do, were there 32 of them */
		n = init_message(p, sizeof(p), nines, len);
		assert_int_equal(take(kex_take_init, k, p, n), PROTO_E_KEX_PUBLIC);
	}
	n = init_message(p, sizeof(p), zero, KEX_PUBLIC_MAX + 1);
	assert_int_equal(take(kex_take_init, k, p, n), PROTO_E_MESSAGE_FORMAT);
	n = init_message(p, sizeof(p), zero, 32);
	assert_int_equal(take(kex_take_init, k, p, n), PROTO_E_KEX_PUBLIC);
	n = init_message(p, sizeof(p), low, 32);
	assert_int_equal(take(kex_take_init, k, p, n), PROTO_E_KEX_PUBLIC);

	n = init_message(p, sizeof(p), nines, 32);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(take(kex_take_init, k, p, i), PROTO_E_MESSAGE_FORMAT);
	p[n] = 0;
	assert_int_equal(take(kex_take_init, k, p, n + 1), PROTO_E_MESSAGE_FORMAT);
	assert_int_equal(take(kex_take_init, k, p, n), PROTO_OK);
	free(k);
}

/* Every row of fixed lengths: a good public value less its last byte, with a byte more, and
 * none at all, on both sides. */
static void
other_lengths_are_refused_by_every_row(void **state)
{
	static uint8_t init[8192], p[8192], q[KEX_PUBLIC_MAX + 1];
	const char *name;
	size_t rows = 0;

	(void)state;
	for (size_t i = 0; (name = alg_name(ALG_KEX, i)) != NULL; i++) {
		const struct kex_alg *alg = kex_find(name, strlen(name));
		struct kex *c = kex_of(alg), *s = kex_of(alg);
		struct wr w = wr_of(init, sizeof(init));

		if (kex_in_group(alg)) {
			free(c);
			free(s);
			continue;
		}
		assert_int_equal(kex_put_init(c, &w), PROTO_OK);
		memcpy(q, kex_q_c(c).p, alg->client_len);
		for (size_t len = alg->client_len - 1; len < alg->client_len + 2; len += 2)
			assert_int_equal(take(kex_take_init, s, p, init_message(p, sizeof(p), q, len)),
			    PROTO_E_KEX_PUBLIC);
		assert_int_equal(take(kex_take_init, s, p, init_message(p, sizeof(p), q, 0)),
		    PROTO_E_KEX_PUBLIC);
		assert_int_equal(take(kex_take_init, s, init, w.n), PROTO_OK);

		memcpy(q, kex_q_s(s).p, alg->server_len);
		for (unsigned bad = 0; bad < 4; bad++) {
			const size_t lengths[] = { alg->server_len - 1, alg->server_len + 1, 0,
				alg->server_len };

			w = wr_of(p, sizeof(p));
			wr_u8(&w, 31);
			wr_str(&w, "hostkey");
			wr_blob(&w, span_of(q, lengths[bad]), SIZE_MAX);
			wr_str(&w, "sig");
			assert_int_equal(take(kex_take_reply, c, p, w.n),
			    bad < 3 ? PROTO_E_KEX_PUBLIC : PROTO_OK);
		}
		assert_true(span_eq(kex_secret(c), kex_secret(s)));
		free(c);
		free(s);
		rows++;
	}
	assert_true(rows >= 2);
}

static void
bad_replies(void **state)
{
	static uint8_t init[8192], reply[KEX_REPLY_MAX + 16], bad[KEX_REPLY_MAX + 16];
	static const uint8_t big[KEY_BLOB_MAX + 1] = { 1 };
	struct kex *c = kex_of(curve()), *s = kex_of(curve());
	struct wr w = wr_of(init, sizeof(init));
	size_t n;

	(void)state;
	assert_int_equal(kex_put_init(c, &w), PROTO_OK);
	assert_int_equal(take(kex_take_init, s, init, w.n), PROTO_OK);
	w = wr_of(reply, sizeof(reply));
	assert_int_equal(kex_put_reply(s, &w, span_str("hostkey"), span_str("sig")), PROTO_OK);
	n = w.n;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(take(kex_take_reply, c, reply, i), PROTO_E_MESSAGE_FORMAT);
	reply[n] = 0;
	assert_int_equal(take(kex_take_reply, c, reply, n + 1), PROTO_E_MESSAGE_FORMAT);

	for (size_t len = 0; len < 70; len++) {
		w = wr_of(bad, sizeof(bad));
		wr_u8(&w, 31);
		wr_str(&w, "hostkey");
		wr_blob(&w, span_of(big, len), SIZE_MAX);
		wr_str(&w, "sig");
		if (len != 32)
			assert_int_equal(take(kex_take_reply, c, bad, w.n), PROTO_E_KEX_PUBLIC);
	}
	for (int which = 0; which < 4; which++) {	/* empty or too long key, signature */
		w = wr_of(bad, sizeof(bad));
		wr_u8(&w, 31);
		wr_blob(&w, span_of(big, which == 0 ? 0 : which == 1 ? sizeof(big) : 9), SIZE_MAX);
		wr_blob(&w, kex_q_s(s), SIZE_MAX);
		wr_blob(&w, span_of(big, which == 2 ? 0 : which == 3 ? SIGNATURE_MAX + 1 : 9),
		    SIZE_MAX);
		assert_false(w.bad);
		assert_int_equal(take(kex_take_reply, c, bad, w.n), PROTO_E_MESSAGE_FORMAT);
	}
	assert_int_equal(take(kex_take_reply, c, reply, n), PROTO_OK);
	assert_true(span_eq(kex_secret(c), kex_secret(s)));
	assert_true(span_eq(kex_q_c(c), kex_q_c(s)));
	assert_true(span_eq(kex_q_s(c), kex_q_s(s)));
	assert_true(span_is(span_of(c->k_s, c->k_s_len), "hostkey"));
	assert_true(span_is(span_of(c->signature, c->signature_len), "sig"));
	free(c);
	free(s);
}

static void
a_reply_of_ours_without_key_or_signature(void **state)
{
	static uint8_t p[KEX_REPLY_MAX];
	struct kex *s = kex_of(curve());
	struct wr w = wr_of(p, sizeof(p));

	(void)state;
	assert_int_equal(kex_put_reply(s, &w, span_str(""), span_str("s")), PROTO_E_LOCAL_BUG);
	assert_int_equal(kex_put_reply(s, &w, span_str("k"), span_str("")), PROTO_E_LOCAL_BUG);
	w = wr_of(p, 20);
	assert_int_equal(kex_put_reply(s, &w, span_str("k"), span_str("s")), PROTO_E_LOCAL_BUG);
	free(s);
}

/* K = 0x80 01: as an mpint it gets a zero in front; as a string it does not. */
static void
streams_by_hand(void **state)
{
	static const uint8_t hash[3] = { 'H', 'H', 'H' }, sid[2] = { 'I', 'D' };
	static const uint8_t k_mpint[] = { 0, 0, 0, 3, 0, 0x80, 1 }, k_string[] = { 0, 0, 0, 2, 0x80, 1 };
	static const enum hash_id ids[] = { HASH_SHA256, HASH_SHA512 };

	(void)state;
	for (int round = 0; round < 4; round++) {
		bool string = round % 2 == 1;
		struct kex_alg alg = { .name = "test", .hash = ids[round / 2],
			.secret_is_string = string, .secret_len = 2 };
		struct kex *k = kex_of(&alg);
		size_t size = hash_size(alg.hash);
		uint8_t in[256], want[128], got[64];

		k->secret[0] = 0x80;
		k->secret[1] = 1;
		for (char letter = 'A'; letter <= 'F'; letter++) {
			struct wr w = wr_of(in, sizeof(in));

			wr_raw(&w, string ? span_of(k_string, 6) : span_of(k_mpint, 7));
			wr_raw(&w, span_of(hash, 3));
			wr_u8(&w, (uint8_t)letter);
			wr_raw(&w, span_of(sid, 2));
			assert_int_equal(hash_once(alg.hash, in, w.n, want), 0);
			w = wr_of(in, sizeof(in));
			wr_raw(&w, string ? span_of(k_string, 6) : span_of(k_mpint, 7));
			wr_raw(&w, span_of(hash, 3));
			wr_raw(&w, span_of(want, size));
			assert_int_equal(hash_once(alg.hash, in, w.n, want + size), 0);
			for (size_t n = 0; n <= 64; n++) {
				memset(got, 0xaa, sizeof(got));
				assert_int_equal(kex_derive(k, span_of(hash, 3), span_of(sid, 2),
				    letter, got, n), PROTO_OK);
				assert_memory_equal(got, want, n);
				if (n < 64)
					assert_int_equal(got[n], 0xaa);
			}
		}
		assert_int_equal(kex_derive(k, span_of(hash, 3), span_of(sid, 2), 'A', got, 65),
		    PROTO_E_LOCAL_BUG);
		free(k);
	}
}

/* K with leading zeros is shorter as an mpint, K = 0 is empty. */
static void
mpint_corners(void **state)
{
	static const struct { uint8_t k[2], enc[8]; size_t n; } rows[] = {
		{ { 0, 0x7f }, { 0, 0, 0, 1, 0x7f }, 5 },
		{ { 0, 0x80 }, { 0, 0, 0, 2, 0, 0x80 }, 6 },
		{ { 0, 0 }, { 0, 0, 0, 0 }, 4 },
	};
	struct kex_alg alg = { .name = "test", .hash = HASH_SHA256, .secret_len = 2 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct kex *k = kex_of(&alg);
		uint8_t in[64], want[32], got[32];
		struct wr w = wr_of(in, sizeof(in));

		memcpy(k->secret, rows[i].k, 2);
		wr_raw(&w, span_of(rows[i].enc, rows[i].n));
		wr_raw(&w, span_str("hashCsid"));
		assert_int_equal(hash_once(HASH_SHA256, in, w.n, want), 0);
		assert_int_equal(kex_derive(k, span_str("hash"), span_str("sid"), 'C', got, 32),
		    PROTO_OK);
		assert_memory_equal(got, want, 32);
		free(k);
	}
}

/* What one side seals in its direction, the other opens, and only in that one. */
static void
directions(void **state)
{
	static const char *const ciphers[] = { "chacha20-poly1305@openssh.com",
		"aes256-gcm@openssh.com", "aes256-ctr" };
	struct kex *k = kex_of(curve());

	(void)state;
	memset(k->secret, 0x91, 32);
	for (size_t i = 0; i < 3; i++) {
		struct kexinit_flow f = {
			.cipher = cipher_find(ciphers[i], strlen(ciphers[i])) };
		struct span h = span_str("01234567890123456789012345678901");
		struct protect *seal, *open, *other;
		uint8_t p[256], q[256];

		if (f.cipher->tag_len == 0)
			f.mac = mac_find("hmac-sha2-512", 13);
		seal = kex_protect(k, h, h, C2S, &f, true);
		open = kex_protect(k, h, h, C2S, &f, false);
		other = kex_protect(k, h, h, S2C, &f, false);
		assert_true(seal != NULL && open != NULL && other != NULL);
		memset(p, 0, sizeof(p));
		p[3] = protect_aad(seal) == 4 ? 32 : 28;
		p[4] = 10;
		assert_int_equal(protect_seal(seal, 0, p, 4u + p[3]), 0);
		memcpy(q, p, sizeof(q));
		for (int which = 0; which < 2; which++) {
			struct protect *o = which == 0 ? other : open;
			uint8_t *bytes = which == 0 ? q : p;
			uint32_t length = 0, want = i == 2 ? 28 : 32;
			int r = protect_length(o, 0, bytes, &length);

			if (which == 0 && (r != 0 || length != want))
				continue;
			assert_int_equal(length, want);
			assert_int_equal(protect_open(o, 0, bytes, 4 + length) == 0, which == 1);
		}
		protect_free(seal);
		protect_free(open);
		protect_free(other);
	}
	free(k);
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
		cmocka_unit_test(bad_inits),
		cmocka_unit_test(other_lengths_are_refused_by_every_row),
		cmocka_unit_test(bad_replies),
		cmocka_unit_test(a_reply_of_ours_without_key_or_signature),
		cmocka_unit_test(streams_by_hand),
		cmocka_unit_test(mpint_corners),
		cmocka_unit_test(directions),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
