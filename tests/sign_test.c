/* sign_test.c - ssh-ed25519 against RFC 8032, and everything that is not a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "crypto/crypto.h"
#include "tests/hex.h"

enum { BLOB = 4 + 11 + 4 + 32, SIG = 4 + 11 + 4 + 64 };

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct {
	const char *seed, *public, *message, *signature;
} vectors[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	  "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	  "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	  "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	  "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	  "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};
enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static const struct sign_alg *
ed25519(void)
{
	const struct sign_alg *alg = sign_find("ssh-ed25519", 11);

	assert_non_null(alg);
	return alg;
}

/* string name, string value */
static size_t
named(uint8_t *out, const char *name, const uint8_t *value, size_t n)
{
	size_t at = strlen(name);

	memset(out, 0, 4);
	out[3] = (uint8_t)at;
	memcpy(out + 4, name, at);
	at += 4;
	memset(out + at, 0, 4);
	out[at + 3] = (uint8_t)n;
	memcpy(out + at + 4, value, n);
	return at + 4 + n;
}

struct sample {
	uint8_t seed[32], public[32], message[8], raw[64];
	uint8_t blob[BLOB], sig[SIG];
	size_t message_len;
};

static void
sample(size_t i, struct sample *s)
{
	assert_int_equal(unhex(vectors[i].seed, s->seed, 32), 32);
	assert_int_equal(unhex(vectors[i].public, s->public, 32), 32);
	assert_int_equal(unhex(vectors[i].signature, s->raw, 64), 64);
	s->message_len = unhex(vectors[i].message, s->message, sizeof(s->message));
	assert_int_equal(named(s->blob, "ssh-ed25519", s->public, 32), BLOB);
	assert_int_equal(named(s->sig, "ssh-ed25519", s->raw, 64), SIG);
}

/* Copies to a block of exactly that size: a read beyond its end is seen. */
static int
verify(const uint8_t *blob, size_t blob_len, const struct sample *s, const uint8_t *sig,
    size_t sig_len)
{
	uint8_t *b = malloc(blob_len == 0 ? 1 : blob_len), *g = malloc(sig_len == 0 ? 1 : sig_len);
	int r;

	assert_non_null(b);
	assert_non_null(g);
	memcpy(b, blob, blob_len);
	memcpy(g, sig, sig_len);
	r = ed25519()->verify(b, blob_len, s->message, s->message_len, g, sig_len);
	free(b);
	free(g);
	return r;
}

static void
known_answers(void **state)
{
	struct sample s;
	struct sign_key *key;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		sample(i, &s);
		assert_int_equal(verify(s.blob, BLOB, &s, s.sig, SIG), 0);
		key = ed25519()->load(s.blob, BLOB, s.seed, 32);
		assert_non_null(key);
		assert_ptr_equal(sign_key_alg(key), ed25519());
		assert_int_equal(ed25519()->sign(key, s.message, s.message_len, sig, sizeof(sig), &n), 0);
		assert_int_equal(n, SIG);
		assert_memory_equal(sig, s.sig, SIG);
		sign_key_free(key);
	}
	sign_key_free(NULL);
}

static void
every_flipped_bit_is_refused(void **state)
{
	struct sample s, t;

	(void)state;
	sample(2, &s);
	for (size_t bit = 0; bit < 8 * SIG; bit++) {
		t = s;
		t.sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(t.blob, BLOB, &t, t.sig, SIG), -1);
	}
	for (size_t bit = 0; bit < 8 * BLOB; bit++) {
		t = s;
		t.blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(t.blob, BLOB, &t, t.sig, SIG), -1);
	}
	for (size_t bit = 0; bit < 8 * s.message_len; bit++) {
		t = s;
		t.message[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(t.blob, BLOB, &t, t.sig, SIG), -1);
	}
}

static void
truncations_and_surplus_are_refused(void **state)
{
	struct sample s;
	uint8_t longer[SIG + 1] = { 0 };

	(void)state;
	sample(1, &s);
	for (size_t n = 0; n < SIG; n++)
		assert_int_equal(verify(s.blob, BLOB, &s, s.sig, n), -1);
	for (size_t n = 0; n < BLOB; n++)
		assert_int_equal(verify(s.blob, n, &s, s.sig, SIG), -1);
	memcpy(longer, s.sig, SIG);
	assert_int_equal(verify(s.blob, BLOB, &s, longer, SIG + 1), -1);
	memcpy(longer, s.blob, BLOB);
	assert_int_equal(verify(longer, BLOB + 1, &s, s.sig, SIG), -1);
}

static void
wrong_lengths_inside_are_refused(void **state)
{
	struct sample s;
	uint8_t raw[80] = { 0 }, out[128];
	size_t n;

	(void)state;
	sample(1, &s);
	memcpy(raw, s.raw, 64);
	for (size_t len = 0; len < sizeof(raw); len++) {
		n = named(out, "ssh-ed25519", raw, len);
		assert_int_equal(verify(s.blob, BLOB, &s, out, n), len == 64 ? 0 : -1);
	}
	memcpy(raw, s.public, 32);
	memset(raw + 32, 0, sizeof(raw) - 32);
	for (size_t len = 0; len < sizeof(raw); len++) {
		n = named(out, "ssh-ed25519", raw, len);
		assert_int_equal(verify(out, n, &s, s.sig, SIG), len == 32 ? 0 : -1);
	}
	/* Lengths that point behind everything. */
	for (int field = 0; field < 2; field++) {
		static const uint8_t huge[][4] = {
			{ 0xff, 0xff, 0xff, 0xff }, { 0x80, 0, 0, 0 }, { 0x7f, 0xff, 0xff, 0xff },
			{ 0, 0, 0x10, 0x01 },
		};

		for (size_t i = 0; i < 4; i++) {
			memcpy(out, s.sig, SIG);
			memcpy(out + (field == 0 ? 0 : 15), huge[i], 4);
			assert_int_equal(verify(s.blob, BLOB, &s, out, SIG), -1);
			memcpy(out, s.blob, BLOB);
			memcpy(out + (field == 0 ? 0 : 15), huge[i], 4);
			assert_int_equal(verify(out, BLOB, &s, s.sig, SIG), -1);
		}
	}
}

static void
wrong_names_are_refused(void **state)
{
	static const char *const wrong[] = { "", "ssh-ed2551", "ssh-ed255199", "ssh-ed448",
	    "ssh-rsa", "rsa-sha2-256", "Ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com" };
	struct sample s;
	uint8_t out[160];
	size_t n;

	(void)state;
	sample(1, &s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		n = named(out, wrong[i], s.raw, 64);
		assert_int_equal(verify(s.blob, BLOB, &s, out, n), -1);
		n = named(out, wrong[i], s.public, 32);
		assert_int_equal(verify(out, n, &s, s.sig, SIG), -1);
		assert_null(ed25519()->load(out, n, s.seed, 32));
	}
}

/* S + L verifies in careless implementations: a second signature from the first
 * (RFC 8032 section 5.1.7: S must be below L). */
static void
second_encodings_are_refused(void **state)
{
	static const char order[] =
	    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
	struct sample s;
	uint8_t l[32];
	unsigned sum = 0;

	(void)state;
	sample(1, &s);
	assert_int_equal(unhex(order, l, 32), 32);
	for (size_t i = 0; i < 32; i++) {
		sum += (unsigned)s.sig[SIG - 32 + i] + l[i];
		s.sig[SIG - 32 + i] = (uint8_t)sum;
		sum >>= 8;
	}
	assert_int_equal(sum, 0);
	assert_int_equal(verify(s.blob, BLOB, &s, s.sig, SIG), -1);
}

/* With the neutral point as key and R, S = 0 "signs" everything. */
static void
small_order_keys_are_refused(void **state)
{
	struct sample s;
	uint8_t raw[64] = { 1 }, public[32] = { 1 };

	(void)state;
	sample(1, &s);
	assert_int_equal(named(s.blob, "ssh-ed25519", public, 32), BLOB);
	assert_int_equal(named(s.sig, "ssh-ed25519", raw, 64), SIG);
	assert_int_equal(verify(s.blob, BLOB, &s, s.sig, SIG), -1);
	/* The same point, not reduced. */
	memset(public, 0xff, sizeof(public));
	public[0] = 0xee;
	public[31] = 0x7f;
	assert_int_equal(named(s.blob, "ssh-ed25519", public, 32), BLOB);
	assert_int_equal(verify(s.blob, BLOB, &s, s.sig, SIG), -1);
}

static void
another_key_is_refused(void **state)
{
	struct sample s, other;

	(void)state;
	sample(1, &s);
	sample(2, &other);
	assert_int_equal(verify(other.blob, BLOB, &s, s.sig, SIG), -1);
	assert_int_equal(verify(s.blob, BLOB, &s, other.sig, SIG), -1);
}

static void
halves_must_belong_together(void **state)
{
	struct sample s, other;
	uint8_t longer[33] = { 0 };

	(void)state;
	sample(0, &s);
	sample(1, &other);
	assert_null(ed25519()->load(other.blob, BLOB, s.seed, 32));
	for (size_t bit = 0; bit < 8 * 32; bit++) {
		s.seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_null(ed25519()->load(s.blob, BLOB, s.seed, 32));
		s.seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memcpy(longer, s.seed, 32);
	for (size_t n = 0; n < 34; n++) {
		if (n == 32)
			continue;
		assert_null(ed25519()->load(s.blob, BLOB, longer, n));
	}
	for (size_t n = 0; n < BLOB; n++)
		assert_null(ed25519()->load(s.blob, n, s.seed, 32));
}

static void
sign_writes_within_its_room(void **state)
{
	struct sample s;
	struct sign_key *key;
	uint8_t sig[SIG + 1];
	size_t n;

	(void)state;
	sample(0, &s);
	key = ed25519()->load(s.blob, BLOB, s.seed, 32);
	assert_non_null(key);
	for (size_t cap = 0; cap < SIG; cap++) {
		n = 1234;
		memset(sig, 0x5a, sizeof(sig));
		assert_int_equal(ed25519()->sign(key, s.message, 0, sig, cap, &n), -1);
		assert_int_equal(n, 1234);
		for (size_t i = 0; i < sizeof(sig); i++)
			assert_int_equal(sig[i], 0x5a);
	}
	assert_int_equal(ed25519()->sign(key, s.message, 0, sig, SIG, &n), 0);
	assert_int_equal(sig[SIG], 0x5a);
	sign_key_free(key);
}

static void
table_is_that_of_names(void **state)
{
	static const char *const names[] = {
#define ALG(class_, name_, presets) NAME_##class_(name_)
#define NAME_KEX(name_)
#define NAME_CIPHER(name_)
#define NAME_MAC(name_)
#define NAME_COMPRESSION(name_)
#define NAME_CERTIFICATE(name_)
#define NAME_USER_CERTIFICATE(name_)
#define NAME_SIGNATURE(name_) name_,
#define NAME_USER_SIGNATURE(name_) name_,
#include "crypto/names.def"
	};
	size_t n = sizeof(names) / sizeof(names[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(sign_at(i));
		assert_string_equal(sign_at(i)->name, names[i]);
		assert_ptr_equal(sign_find(names[i], strlen(names[i])), sign_at(i));
		assert_null(sign_find(names[i], strlen(names[i]) - 1));
		assert_null(sign_find(names[i], strlen(names[i]) + 1));
	}
	assert_null(sign_at(n));
	assert_null(sign_at(SIZE_MAX));
	assert_null(sign_find("", 0));
	assert_null(sign_find("ssh-foo", 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(truncations_and_surplus_are_refused),
		cmocka_unit_test(wrong_lengths_inside_are_refused),
		cmocka_unit_test(wrong_names_are_refused),
		cmocka_unit_test(second_encodings_are_refused),
		cmocka_unit_test(small_order_keys_are_refused),
		cmocka_unit_test(another_key_is_refused),
		cmocka_unit_test(halves_must_belong_together),
		cmocka_unit_test(sign_writes_within_its_room),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(table_is_that_of_names),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
