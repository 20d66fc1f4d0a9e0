/* sntrup761_test.c - the KEM against the answers of its authors, and against forgers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <stdio.h>

#include "crypto/sntrup761.h"
#include "crypto/sntrup761_ring.h"
#include "tests/hex.h"
#include "tests/sntrup761_vector.h"

enum { SEED = 48, COUNTS = 100 };

struct pair {
	uint8_t public[SNTRUP761_PUBLIC], secret[SNTRUP761_SECRET];
	uint8_t cipher[SNTRUP761_CIPHER], ours[SNTRUP761_SHARED], theirs[SNTRUP761_SHARED];
};

/* ---- the generator of NIST's KAT programs: CTR_DRBG with AES-256 (SP 800-90A) ---- */

static struct {
	uint8_t key[32], v[16];
} drbg;

static void
drbg_block(uint8_t out[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	for (int i = 15; i >= 0 && ++drbg.v[i] == 0; i--)
		;
	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_ecb(), NULL, drbg.key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, drbg.v, 16), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void
drbg_update(const uint8_t *data)
{
	uint8_t next[SEED];

	for (size_t i = 0; i < SEED; i += 16)
		drbg_block(next + i);
	for (size_t i = 0; data != NULL && i < SEED; i++)
		next[i] ^= data[i];
	memcpy(drbg.key, next, 32);
	memcpy(drbg.v, next + 32, 16);
}

static void
drbg_seed(const uint8_t *seed)
{
	memset(&drbg, 0, sizeof(drbg));
	drbg_update(seed);
}

static void
drbg_bytes(void *p, size_t n)
{
	uint8_t block[16], *out = p;

	for (size_t i = 0; i < n; i += sizeof(block)) {
		drbg_block(block);
		memcpy(out + i, block, n - i < sizeof(block) ? n - i : sizeof(block));
	}
	drbg_update(NULL);
}

/* The submission's program asks for each number by itself; liboqs for all at once. */
static void
drbg_numbers(void *p, size_t n)
{
	size_t part = n == 4 * NTRU_P ? 4 : n;

	for (size_t i = 0; i < n; i += part)
		drbg_bytes((uint8_t *)p + i, part);
}

/* ---- known answers ---- */

static void
seeds_of_the_kat_file(uint8_t seeds[COUNTS][SEED])
{
	uint8_t entropy[SEED];

	for (size_t i = 0; i < SEED; i++)
		entropy[i] = (uint8_t)i;
	drbg_seed(entropy);
	for (size_t i = 0; i < COUNTS; i++)
		drbg_bytes(seeds[i], SEED);
}

/* A line of a KAT file. */
static void
add_line(struct hash *h, const char *what, const uint8_t *p, size_t n)
{
	char hex[3];

	hash_add(h, what, strlen(what));
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(hex, sizeof(hex), "%02X", p[i]);
		hash_add(h, hex, 2);
	}
	hash_add(h, "\n", 1);
}

/* SHA-256 of a KAT file with so many counts, each of them made anew from its seed. */
static void
kat_file(sntrup761_random *random, size_t counts, const char *want_hex)
{
	static uint8_t seeds[COUNTS][SEED];
	static struct pair p;
	struct hash *h = hash_new(HASH_SHA256);
	uint8_t digest[HASH_MAX], want[HASH_MAX];
	char line[32];

	assert_non_null(h);
	seeds_of_the_kat_file(seeds);
	for (size_t i = 0; i < counts; i++) {
		drbg_seed(seeds[i]);
		assert_int_equal(sntrup761_keygen_from(random, p.public, p.secret), 0);
		assert_int_equal(sntrup761_encaps_from(random, p.public, p.cipher, p.theirs), 0);
		assert_int_equal(sntrup761_decaps(p.secret, p.cipher, p.ours), 0);
		assert_memory_equal(p.ours, p.theirs, sizeof(p.ours));
		(void)snprintf(line, sizeof(line), "%scount = %zu\n", i > 0 ? "\n" : "", i);
		hash_add(h, line, strlen(line));
		add_line(h, "seed = ", seeds[i], SEED);
		add_line(h, "pk = ", p.public, sizeof(p.public));
		add_line(h, "sk = ", p.secret, sizeof(p.secret));
		add_line(h, "ct = ", p.cipher, sizeof(p.cipher));
		add_line(h, "ss = ", p.theirs, sizeof(p.theirs));
	}
	assert_int_equal(hash_end(h, digest), 0);
	assert_int_equal(unhex(want_hex, want, sizeof(want)), 32);
	assert_memory_equal(digest, want, 32);
}

/* tests/KATs/kem/kats.json of liboqs: all 100 counts. */
static void
all_answers_of_liboqs(void **state)
{
	(void)state;
	kat_file(drbg_bytes, COUNTS, "36e1e53d4e6e295e8fb804449958ad9a3719aa350e91933c65791b9117382d57");
}

/* crypto_kem/sntrup761/META.yml of PQClean: count 0 of the submission's own file. */
static void
first_answer_of_the_submission(void **state)
{
	(void)state;
	kat_file(drbg_numbers, 1, "2eba10673b9077530ba9c063d22f2534e415a6da42985c333c6baee133cc0ff1");
}

static void
vector_of_the_draft(void **state)
{
	static struct pair p;
	static uint8_t seeds[COUNTS][SEED];
	uint8_t secret[SNTRUP761_SECRET], cipher[SNTRUP761_CIPHER], shared[SNTRUP761_SHARED];

	(void)state;
	assert_int_equal(unhex(vector_secret, secret, sizeof(secret)), sizeof(secret));
	assert_int_equal(unhex(vector_cipher, cipher, sizeof(cipher)), sizeof(cipher));
	assert_int_equal(unhex(vector_shared, shared, sizeof(shared)), sizeof(shared));
	assert_int_equal(sntrup761_decaps(secret, cipher, p.ours), 0);
	assert_memory_equal(p.ours, shared, sizeof(shared));
	seeds_of_the_kat_file(seeds);
	drbg_seed(seeds[0]);
	assert_int_equal(sntrup761_keygen_from(drbg_numbers, p.public, p.secret), 0);
	assert_memory_equal(p.secret, secret, sizeof(secret));
	assert_int_equal(sntrup761_encaps_from(drbg_numbers, p.public, p.cipher, p.theirs), 0);
	assert_memory_equal(p.cipher, cipher, sizeof(cipher));
	assert_memory_equal(p.theirs, shared, sizeof(shared));
}

/* ---- its own randomness ---- */

static void
both_sides_agree_and_differ_each_time(void **state)
{
	static struct pair p, last;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(sntrup761_keygen(p.public, p.secret), 0);
		assert_int_equal(sntrup761_encaps(p.public, p.cipher, p.theirs), 0);
		assert_int_equal(sntrup761_decaps(p.secret, p.cipher, p.ours), 0);
		assert_memory_equal(p.ours, p.theirs, sizeof(p.ours));
		assert_memory_not_equal(p.public, last.public, sizeof(p.public));
		assert_memory_not_equal(p.ours, last.ours, sizeof(p.ours));
		last = p;
		/* the same key once more: another secret */
		assert_int_equal(sntrup761_encaps(p.public, p.cipher, p.theirs), 0);
		assert_memory_not_equal(p.theirs, last.theirs, sizeof(p.theirs));
	}
}

/* A key is what the specification calls one: h = g/(3f), f short, g small with the
 * inverse that is in the key. */
static void
a_key_has_its_properties(void **state)
{
	static struct pair p;
	static struct ntru_poly f, inverse, h, g, one;
	unsigned weight;

	(void)state;
	for (int round = 0; round < 10; round++) {
		assert_int_equal(sntrup761_keygen(p.public, p.secret), 0);
		sntrup761_code_get_small(&f, p.secret);
		sntrup761_code_get_small(&inverse, p.secret + NTRU_SMALL_LEN);
		sntrup761_code_get_q(&h, p.public);
		weight = 0;
		for (size_t i = 0; i < NTRU_P; i++)
			weight += f.c[i] != 0;
		assert_int_equal(weight, NTRU_W);
		sntrup761_ring_times_q(&g, &h, &f);
		for (size_t i = 0; i < NTRU_P; i++) {
			g.c[i] = sntrup761_ring_mod_q(3 * g.c[i]);
			assert_in_range(g.c[i] + 1, 0, 2);
		}
		sntrup761_ring_times_3(&one, &g, &inverse);
		for (size_t i = 0; i < NTRU_P; i++)
			assert_int_equal(one.c[i], i == 0);
		assert_memory_equal(p.secret + 2 * NTRU_SMALL_LEN, p.public, sizeof(p.public));
	}
}

/* Every number in the middle of its range: g is 0 and never has an inverse. */
static void
broken_randomness(void *p, size_t n)
{
	uint8_t *out = p;

	for (size_t i = 0; i < n; i++)
		out[i] = i % 4 == 3 ? 0x20 : 0;
}

static void
broken_randomness_ends_key_generation(void **state)
{
	static struct pair p;
	static const uint8_t zero[SNTRUP761_SECRET];

	(void)state;
	memset(p.secret, 1, sizeof(p.secret));
	assert_int_equal(sntrup761_keygen_from(broken_randomness, p.public, p.secret), -1);
	assert_memory_equal(p.secret, zero, sizeof(zero));
}

/* ---- forged input ---- */

/* What a refusal must give: a hash over the random part of the key and the cipher text. */
static void
refusal(const uint8_t *secret, const uint8_t *cipher, uint8_t out[SNTRUP761_SHARED])
{
	uint8_t first[1 + NTRU_SMALL_LEN], second[1 + 32 + SNTRUP761_CIPHER], digest[HASH_MAX];

	first[0] = 3;
	memcpy(first + 1, secret + 2 * NTRU_SMALL_LEN + SNTRUP761_PUBLIC, NTRU_SMALL_LEN);
	assert_int_equal(hash_once(HASH_SHA512, first, sizeof(first), digest), 0);
	second[0] = 0;
	memcpy(second + 1, digest, 32);
	memcpy(second + 33, cipher, SNTRUP761_CIPHER);
	assert_int_equal(hash_once(HASH_SHA512, second, sizeof(second), digest), 0);
	memcpy(out, digest, SNTRUP761_SHARED);
}

static void
a_forged_cipher_text_is_refused_silently(void **state)
{
	static struct pair p;
	uint8_t want[SNTRUP761_SHARED];

	(void)state;
	assert_int_equal(sntrup761_keygen(p.public, p.secret), 0);
	assert_int_equal(sntrup761_encaps(p.public, p.cipher, p.theirs), 0);
	for (size_t i = 0; i < sizeof(p.cipher); i++) {
		p.cipher[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(sntrup761_decaps(p.secret, p.cipher, p.ours), 0);
		refusal(p.secret, p.cipher, want);
		assert_memory_equal(p.ours, want, sizeof(want));
		assert_memory_not_equal(p.ours, p.theirs, sizeof(want));
		p.cipher[i] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(sntrup761_decaps(p.secret, p.cipher, p.ours), 0);
	assert_memory_equal(p.ours, p.theirs, sizeof(want));
	for (int fill = 0; fill < 256; fill++) {
		memset(p.cipher, fill, sizeof(p.cipher));
		assert_int_equal(sntrup761_decaps(p.secret, p.cipher, p.ours), 0);
		refusal(p.secret, p.cipher, want);
		assert_memory_equal(p.ours, want, sizeof(want));
	}
}

/* Any bytes are a public key; whoever sends them does not get our secret for another. */
static void
any_bytes_are_a_public_key(void **state)
{
	static struct pair p;

	(void)state;
	assert_int_equal(sntrup761_keygen(p.public, p.secret), 0);
	for (int fill = 0; fill < 256; fill++) {
		memset(p.public, fill, sizeof(p.public));
		assert_int_equal(sntrup761_encaps(p.public, p.cipher, p.theirs), 0);
		assert_int_equal(sntrup761_decaps(p.secret, p.cipher, p.ours), 0);
		assert_memory_not_equal(p.ours, p.theirs, sizeof(p.ours));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_answers_of_liboqs),
		cmocka_unit_test(first_answer_of_the_submission),
		cmocka_unit_test(vector_of_the_draft),
		cmocka_unit_test(both_sides_agree_and_differ_each_time),
		cmocka_unit_test(a_key_has_its_properties),
		cmocka_unit_test(broken_randomness_ends_key_generation),
		cmocka_unit_test(a_forged_cipher_text_is_refused_silently),
		cmocka_unit_test(any_bytes_are_a_public_key),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
