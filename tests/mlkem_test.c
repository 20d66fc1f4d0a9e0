/*
 * mlkem_test.c - ML-KEM against NIST's answers, and what must be refused.
 *
 * Everything runs over ours, and over OpenSSL's too where that has one; then over a key
 * of the one and a ciphertext of the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "crypto/mlkem.h"
#include "crypto/mlkem_poly.h"
#include "tests/hex.h"

enum { Q = MLKEM_Q };

static struct {
	const struct kem *ours;
	const struct mlkem_size *size;
	const struct kem *kem;		/* the one that is looked at */
} rows[] = {
	{ &kem_mlkem768, &mlkem_768, NULL },
	{ &kem_mlkem1024, &mlkem_1024, NULL },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int
look_at_ours(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS; r++)
		rows[r].kem = rows[r].ours;
	return 0;
}

static int
look_at_openssl(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS; r++)
		rows[r].kem = mlkem_by_provider(rows[r].ours);
	return 0;
}

static int
keygen_from(size_t r, const uint8_t *d, const uint8_t *z, uint8_t *public, uint8_t *secret)
{
	return rows[r].kem == rows[r].ours ? mlkem_keygen_from(rows[r].size, d, z, public, secret) :
	    mlkem_provider_keygen_from(rows[r].ours, d, z, public, secret);
}

static int
encaps_from(size_t r, const uint8_t *public, const uint8_t *m, uint8_t *cipher, uint8_t *shared)
{
	return rows[r].kem == rows[r].ours ? mlkem_encaps_from(rows[r].size, public, m, cipher, shared) :
	    mlkem_provider_encaps_from(rows[r].ours, public, m, cipher, shared);
}

/* ---- the official vectors ---- */

struct keygen { unsigned size; const char *d, *z, *public, *secret; };
struct encaps { unsigned size; const char *public, *m, *cipher, *shared; };
struct decaps { unsigned size; int rejected; const char *secret, *cipher, *shared; };
struct check { unsigned size; int good; const char *key; };

#define MLKEM_KEYGEN(size_, number_, d_, z_, public_, secret_)
#define MLKEM_ENCAPS(size_, number_, public_, m_, cipher_, shared_)
#define MLKEM_DECAPS(size_, number_, rejected_, secret_, cipher_, shared_)
#define MLKEM_CHECK_PUBLIC(size_, number_, good_, public_)
#define MLKEM_CHECK_SECRET(size_, number_, good_, secret_)

#undef MLKEM_KEYGEN
#define MLKEM_KEYGEN(size_, number_, d_, z_, public_, secret_) { size_, d_, z_, public_, secret_ },
static const struct keygen keygens[] = {
#include "tests/mlkem_vectors.h"
};
#undef MLKEM_KEYGEN
#define MLKEM_KEYGEN(size_, number_, d_, z_, public_, secret_)

#undef MLKEM_ENCAPS
#define MLKEM_ENCAPS(size_, number_, public_, m_, cipher_, shared_) \
	{ size_, public_, m_, cipher_, shared_ },
static const struct encaps encapses[] = {
#include "tests/mlkem_vectors.h"
};
#undef MLKEM_ENCAPS
#define MLKEM_ENCAPS(size_, number_, public_, m_, cipher_, shared_)

#undef MLKEM_DECAPS
#define MLKEM_DECAPS(size_, number_, rejected_, secret_, cipher_, shared_) \
	{ size_, rejected_, secret_, cipher_, shared_ },
static const struct decaps decapses[] = {
#include "tests/mlkem_vectors.h"
};
#undef MLKEM_DECAPS
#define MLKEM_DECAPS(size_, number_, rejected_, secret_, cipher_, shared_)

#undef MLKEM_CHECK_PUBLIC
#define MLKEM_CHECK_PUBLIC(size_, number_, good_, public_) { size_, good_, public_ },
static const struct check public_checks[] = {
#include "tests/mlkem_vectors.h"
};
#undef MLKEM_CHECK_PUBLIC
#define MLKEM_CHECK_PUBLIC(size_, number_, good_, public_)

#undef MLKEM_CHECK_SECRET
#define MLKEM_CHECK_SECRET(size_, number_, good_, secret_) { size_, good_, secret_ },
static const struct check secret_checks[] = {
#include "tests/mlkem_vectors.h"
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Keys of one pair, with a byte behind each value that nobody may touch. */
struct buffers {
	uint8_t public[KEM_PUBLIC_MAX + 1], secret[KEM_SECRET_MAX + 1];
	uint8_t cipher[KEM_CIPHER_MAX + 1], shared[KEM_SHARED + 1], again[KEM_SHARED + 1];
};

static size_t
row_of(unsigned size)
{
	return size == 768 ? 0 : 1;
}

static void
equals_hex(const uint8_t *got, size_t n, const char *hex)
{
	uint8_t want[KEM_SECRET_MAX];

	assert_int_equal(unhex(hex, want, sizeof(want)), n);
	assert_memory_equal(got, want, n);
}

static void
keygen_gives_the_official_keys(void **state)
{
	struct buffers b;
	uint8_t d[MLKEM_SEED], z[MLKEM_SEED];

	(void)state;
	assert_true(COUNT(keygens) >= 10);
	for (size_t i = 0; i < COUNT(keygens); i++) {
		size_t row = row_of(keygens[i].size);

		assert_int_equal(unhex(keygens[i].d, d, sizeof(d)), sizeof(d));
		assert_int_equal(unhex(keygens[i].z, z, sizeof(z)), sizeof(z));
		assert_int_equal(keygen_from(row, d, z, b.public, b.secret), 0);
		equals_hex(b.public, rows[row].kem->public_len, keygens[i].public);
		equals_hex(b.secret, rows[row].kem->secret_len, keygens[i].secret);
	}
}

static void
encaps_gives_the_official_ciphertexts(void **state)
{
	struct buffers b;
	uint8_t m[MLKEM_SEED];

	(void)state;
	assert_true(COUNT(encapses) >= 10);
	for (size_t i = 0; i < COUNT(encapses); i++) {
		size_t row = row_of(encapses[i].size);

		assert_int_equal(unhex(encapses[i].public, b.public, sizeof(b.public)),
		    rows[row].kem->public_len);
		assert_int_equal(unhex(encapses[i].m, m, sizeof(m)), sizeof(m));
		assert_int_equal(encaps_from(row, b.public, m, b.cipher,
		    b.shared), 0);
		equals_hex(b.cipher, rows[row].kem->cipher_len, encapses[i].cipher);
		equals_hex(b.shared, KEM_SHARED, encapses[i].shared);
	}
}

static void
decaps_gives_the_official_secrets_also_of_the_rejected(void **state)
{
	struct buffers b;
	size_t rejected = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(decapses); i++) {
		const struct kem *kem = rows[row_of(decapses[i].size)].kem;

		assert_int_equal(unhex(decapses[i].secret, b.secret, sizeof(b.secret)),
		    kem->secret_len);
		assert_int_equal(unhex(decapses[i].cipher, b.cipher, sizeof(b.cipher)),
		    kem->cipher_len);
		assert_int_equal(kem->decaps(b.secret, b.cipher, b.shared), 0);
		equals_hex(b.shared, KEM_SHARED, decapses[i].shared);
		rejected += decapses[i].rejected != 0;
	}
	assert_true(rejected >= 6 && COUNT(decapses) - rejected >= 6);
}

static void
official_public_keys_are_judged(void **state)
{
	struct buffers b;
	uint8_t key[2 * KEM_PUBLIC_MAX];
	size_t good = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(public_checks); i++) {
		const struct kem *kem = rows[row_of(public_checks[i].size)].kem;
		size_t n = unhex(public_checks[i].key, key, sizeof(key));

		assert_int_equal(n == kem->public_len && kem->encaps(key, b.cipher, b.shared) == 0,
		    public_checks[i].good);
		good += public_checks[i].good != 0;
	}
	assert_true(good >= 6 && COUNT(public_checks) - good >= 6);
}

static void
official_secret_keys_are_judged(void **state)
{
	static const uint8_t cipher[KEM_CIPHER_MAX];
	struct buffers b;
	size_t good = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(secret_checks); i++) {
		const struct kem *kem = rows[row_of(secret_checks[i].size)].kem;
		size_t n = unhex(secret_checks[i].key, b.secret, sizeof(b.secret));

		assert_int_equal(n == kem->secret_len &&
		    kem->decaps(b.secret, cipher, b.shared) == 0, secret_checks[i].good);
		good += secret_checks[i].good != 0;
	}
	assert_true(good >= 6 && COUNT(secret_checks) - good >= 6);
}

/* ---- many random ones, hashed ---- */

/* One SHAKE128 over public key, ciphertext, secret and the secret of a random ciphertext,
 * for pairs whose randomness is one SHAKE128 of nothing: the way of C2SP's accumulated
 * vectors for FIPS 203.  The value for 768 stands in Go's crypto/mlkem/mlkem_test.go, that
 * for 1024 was made with that package (Go 1.26). */
static const struct {
	size_t row, rounds;
	const char *hash;
} accumulated[] = {
	{ 0, 10000, "8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc" },
	{ 1, 1000, "070478698bfcade6270900c5b7249235ac3873ef2ab94913e059b3913ee809cb" },
};

static void
accumulate(size_t row, size_t rounds, uint8_t out[32])
{
	const struct kem *kem = rows[row].kem;
	const size_t round = 3 * MLKEM_SEED + kem->cipher_len;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *random = test_malloc(rounds * round);
	struct buffers b;

	assert_int_equal(EVP_DigestInit_ex(ctx, EVP_shake128(), NULL), 1);
	assert_int_equal(EVP_DigestFinalXOF(ctx, random, rounds * round), 1);
	assert_int_equal(EVP_DigestInit_ex(ctx, EVP_shake128(), NULL), 1);
	for (size_t i = 0; i < rounds; i++) {
		const uint8_t *d = random + i * round, *z = d + MLKEM_SEED, *m = z + MLKEM_SEED;

		assert_int_equal(keygen_from(row, d, z, b.public, b.secret), 0);
		assert_int_equal(encaps_from(row, b.public, m, b.cipher,
		    b.shared), 0);
		assert_int_equal(kem->decaps(b.secret, b.cipher, b.again), 0);
		assert_memory_equal(b.shared, b.again, KEM_SHARED);
		assert_int_equal(kem->decaps(b.secret, m + MLKEM_SEED, b.again), 0);
		assert_int_equal(EVP_DigestUpdate(ctx, b.public, kem->public_len), 1);
		assert_int_equal(EVP_DigestUpdate(ctx, b.cipher, kem->cipher_len), 1);
		assert_int_equal(EVP_DigestUpdate(ctx, b.shared, KEM_SHARED), 1);
		assert_int_equal(EVP_DigestUpdate(ctx, b.again, KEM_SHARED), 1);
	}
	assert_int_equal(EVP_DigestFinalXOF(ctx, out, 32), 1);
	EVP_MD_CTX_free(ctx);
	test_free(random);
}

static void
thousands_of_pairs_give_the_known_hash(void **state)
{
	uint8_t got[32];

	(void)state;
	for (size_t i = 0; i < COUNT(accumulated); i++) {
		accumulate(accumulated[i].row, accumulated[i].rounds, got);
		equals_hex(got, sizeof(got), accumulated[i].hash);
	}
}

/* ---- what must be refused ---- */

/* Writes 12 bits at that coefficient. */
static void
put_coefficient(uint8_t *coded, size_t i, unsigned value)
{
	uint8_t *p = coded + i / 2 * 3;

	if (i % 2 == 0) {
		p[0] = (uint8_t)value;
		p[1] = (uint8_t)((p[1] & 0xf0) | value >> 8);
	} else {
		p[1] = (uint8_t)((p[1] & 0x0f) | (value & 0x0f) << 4);
		p[2] = (uint8_t)(value >> 4);
	}
}

static void
every_coefficient_of_3329_or_more_is_refused(void **state)
{
	static const uint8_t zero[KEM_SHARED];
	struct buffers b, bad;

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		const struct kem *kem = rows[r].kem;
		size_t coefficients = (kem->public_len - MLKEM_SEED) * 2 / 3;

		assert_int_equal(kem->keygen(b.public, b.secret), 0);
		for (size_t i = 0; i < coefficients; i++) {
			memcpy(&bad, &b, sizeof(b));
			put_coefficient(bad.public, i, Q);
			assert_int_equal(kem->encaps(bad.public, bad.cipher, bad.shared), -1);
			assert_memory_equal(bad.shared, zero, KEM_SHARED);
		}
		for (unsigned value = Q - 1; value < 4096; value++) {
			memcpy(&bad, &b, sizeof(b));
			put_coefficient(bad.public, value % coefficients, value);
			assert_int_equal(kem->encaps(bad.public, bad.cipher, bad.shared),
			    value < Q ? 0 : -1);
		}
	}
}

/* The public half, its hash; the private vector and z are not covered by a check. */
static void
a_damaged_secret_key_is_refused(void **state)
{
	struct buffers b;

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		const struct kem *kem = rows[r].kem;
		size_t from = kem->public_len - MLKEM_SEED, to = kem->secret_len - MLKEM_SEED;

		assert_int_equal(kem->keygen(b.public, b.secret), 0);
		assert_int_equal(kem->encaps(b.public, b.cipher, b.shared), 0);
		for (size_t i = from; i < to; i++) {
			b.secret[i] ^= 1;
			assert_int_equal(kem->decaps(b.secret, b.cipher, b.again), -1);
			b.secret[i] ^= 1;
		}
		assert_int_equal(kem->decaps(b.secret, b.cipher, b.again), 0);
		assert_memory_equal(b.shared, b.again, KEM_SHARED);
	}
}

/* Implicit rejection: no error, a secret that is always the same for that ciphertext, and
 * neither the right one nor another ciphertext's. */
static void
each_damaged_ciphertext_gives_a_secret_of_its_own(void **state)
{
	uint8_t last[KEM_SHARED] = { 0 };
	struct buffers b;

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		const struct kem *kem = rows[r].kem;

		assert_int_equal(kem->keygen(b.public, b.secret), 0);
		assert_int_equal(kem->encaps(b.public, b.cipher, b.shared), 0);
		for (size_t bit = 0; bit < 8 * kem->cipher_len; bit += 7) {
			b.cipher[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(kem->decaps(b.secret, b.cipher, b.again), 0);
			assert_memory_not_equal(b.again, b.shared, KEM_SHARED);
			assert_memory_not_equal(b.again, last, KEM_SHARED);
			memcpy(last, b.again, KEM_SHARED);
			assert_int_equal(kem->decaps(b.secret, b.cipher, b.again), 0);
			assert_memory_equal(b.again, last, KEM_SHARED);
			b.cipher[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
rows_say_their_lengths_and_keep_to_them(void **state)
{
	struct buffers b;

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		const struct kem *kem = rows[r].kem;

		assert_true(kem->public_len <= KEM_PUBLIC_MAX && kem->secret_len <= KEM_SECRET_MAX &&
		    kem->cipher_len <= KEM_CIPHER_MAX);
		b.public[kem->public_len] = b.secret[kem->secret_len] = 0x5a;
		b.cipher[kem->cipher_len] = b.shared[KEM_SHARED] = b.again[KEM_SHARED] = 0x5a;
		assert_int_equal(kem->keygen(b.public, b.secret), 0);
		assert_int_equal(kem->encaps(b.public, b.cipher, b.shared), 0);
		assert_int_equal(kem->decaps(b.secret, b.cipher, b.again), 0);
		assert_memory_equal(b.shared, b.again, KEM_SHARED);
		assert_int_equal(b.public[kem->public_len] & b.secret[kem->secret_len] &
		    b.cipher[kem->cipher_len] & b.shared[KEM_SHARED] & b.again[KEM_SHARED], 0x5a);
	}
}

static void
two_keys_and_two_ciphertexts_differ(void **state)
{
	struct buffers a, b;

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		const struct kem *kem = rows[r].kem;

		assert_int_equal(kem->keygen(a.public, a.secret), 0);
		assert_int_equal(kem->keygen(b.public, b.secret), 0);
		assert_memory_not_equal(a.public, b.public, kem->public_len);
		/* z, at the end */
		assert_memory_not_equal(a.secret + kem->secret_len - MLKEM_SEED,
		    b.secret + kem->secret_len - MLKEM_SEED, MLKEM_SEED);
		assert_int_equal(kem->encaps(a.public, a.cipher, a.shared), 0);
		assert_int_equal(kem->encaps(a.public, b.cipher, b.shared), 0);
		assert_memory_not_equal(a.cipher, b.cipher, kem->cipher_len);
		assert_memory_not_equal(a.shared, b.shared, KEM_SHARED);
	}
}

/* ---- OpenSSL's and ours ---- */

/* Of the headers it was built with: a newer library than those is not asked. */
static void
openssl_is_asked_from_3_5_on(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS; r++)
		assert_int_equal(mlkem_by_provider(rows[r].ours) != NULL,
		    OPENSSL_VERSION_NUMBER >= 0x30500000L);
	assert_null(mlkem_by_provider(NULL));
}

/* A pair of one, a ciphertext of the other, opened by both; and a damaged one. */
static void
crosswise(const struct kem *one, const struct kem *other)
{
	struct buffers b;
	uint8_t rejected[KEM_SHARED];

	assert_int_equal(one->keygen(b.public, b.secret), 0);
	assert_int_equal(other->encaps(b.public, b.cipher, b.shared), 0);
	assert_int_equal(one->decaps(b.secret, b.cipher, b.again), 0);
	assert_memory_equal(b.shared, b.again, KEM_SHARED);
	assert_int_equal(other->decaps(b.secret, b.cipher, b.again), 0);
	assert_memory_equal(b.shared, b.again, KEM_SHARED);
	b.cipher[one->cipher_len / 2] ^= 0x10;
	assert_int_equal(one->decaps(b.secret, b.cipher, rejected), 0);
	assert_int_equal(other->decaps(b.secret, b.cipher, b.again), 0);
	assert_memory_equal(rejected, b.again, KEM_SHARED);
	assert_memory_not_equal(rejected, b.shared, KEM_SHARED);
}

static void
openssl_and_ours_agree_crosswise(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS; r++)
		for (unsigned n = 0; n < 100; n++) {
			crosswise(rows[r].ours, mlkem_by_provider(rows[r].ours));
			crosswise(mlkem_by_provider(rows[r].ours), rows[r].ours);
		}
}

#define OURS(f) cmocka_unit_test_setup(f, look_at_ours)
#define OPENSSL(f) { "openssl_" #f, f, look_at_openssl, NULL, NULL }
#define EACH(of) \
	of(keygen_gives_the_official_keys), of(encaps_gives_the_official_ciphertexts), \
	of(decaps_gives_the_official_secrets_also_of_the_rejected), of(official_public_keys_are_judged), \
	of(official_secret_keys_are_judged), of(thousands_of_pairs_give_the_known_hash), \
	of(every_coefficient_of_3329_or_more_is_refused), of(a_damaged_secret_key_is_refused), \
	of(each_damaged_ciphertext_gives_a_secret_of_its_own), of(rows_say_their_lengths_and_keep_to_them), \
	of(two_keys_and_two_ciphertexts_differ)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(OURS),
		cmocka_unit_test(openssl_is_asked_from_3_5_on),
	};
	const struct CMUnitTest both[] = {
		EACH(OURS), EACH(OPENSSL),
		cmocka_unit_test(openssl_is_asked_from_3_5_on),
		cmocka_unit_test(openssl_and_ours_agree_crosswise),
	};

	if (crypto_init() != 0)
		return 1;
	return mlkem_by_provider(&kem_mlkem768) != NULL ? cmocka_run_group_tests(both, NULL, NULL) :
	    cmocka_run_group_tests(tests, NULL, NULL);
}
