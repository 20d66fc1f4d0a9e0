/*
 * mlkem.c - ML-KEM (FIPS 203), sizes 768 and 1024: the module-lattice encryption of its
 * section 5 and the key encapsulation of sections 6 and 7 around it.
 *
 * Public keys and ciphertexts are any bytes an attacker likes, of the right length.  Who
 * could see by time or memory accesses whether a ciphertext was rejected, or anything
 * else of what came out of it, could read the secret key after some thousand tries: only
 * the matrix and the two checks of section 7 look at values, and those are public.  A
 * rejected ciphertext gives a secret of its own, never an error.
 */
#include "crypto/mlkem.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/mlkem_poly.h"
#include "crypto/sha3.h"

/* Section 8, table 2; eta is 2 for both. */
struct mlkem_size {
	uint8_t k, d_u, d_v;
};
const struct mlkem_size mlkem_768 = { 3, 10, 4 };
const struct mlkem_size mlkem_1024 = { 4, 11, 5 };

enum {
	POLY_LEN = MLKEM_CODED_LEN,
	BITS_LEN = MLKEM_N / 8,		/* a polynomial of one bit each; of d bits, d times */
	HASH_LEN = 32,
	MESSAGE_LEN = 32,
};

/* What G gives (section 4.1): two values of 32 bytes. */
struct pair {
	uint8_t first[32], second[32];
};
_Static_assert(sizeof(struct pair) == 64, "is written as a whole");

/* One vector of the secret key's coding, and what follows it (algorithm 16). */
struct parts {
	const uint8_t *vector, *public, *hash, *z;
};

static size_t
vector_len(const struct mlkem_size *size)
{
	return (size_t)size->k * POLY_LEN;
}

static size_t
public_len(const struct mlkem_size *size)
{
	return vector_len(size) + MLKEM_SEED;
}

static size_t
cipher_len(const struct mlkem_size *size)
{
	return ((size_t)size->k * size->d_u + size->d_v) * BITS_LEN;
}

static struct parts
secret_parts(const struct mlkem_size *size, const uint8_t *secret)
{
	size_t public = vector_len(size), hash = public + public_len(size);

	return (struct parts){ secret, secret + public, secret + hash, secret + hash + HASH_LEN };
}

/* ---- the encryption of section 5 ---- */

/* Memory of one operation, wiped as a whole. */
struct work {
	struct sha3 sha3;
	struct mlkem_poly row[MLKEM_K_MAX];	/* of the matrix, or of the public key */
	struct mlkem_poly vector[MLKEM_K_MAX];	/* s, y or u, transformed */
	struct mlkem_poly sum, noise;
	uint8_t random[MLKEM_NOISE_LEN];
};

/* The element of the matrix at row i, column j: algorithm 7 over SHAKE128.  Almost always
 * three blocks are enough; the chance that the second length is not either is below
 * 2^-260, and appendix B of the standard allows to stop there. */
static void
matrix_element(struct work *w, const uint8_t seed[MLKEM_SEED], uint8_t i, uint8_t j,
    struct mlkem_poly *out)
{
	static const size_t lengths[] = { 504, 840 };
	const uint8_t place[2] = { j, i };
	uint8_t stream[840];

	for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		sha3_once(&w->sha3, SHAKE128, seed, MLKEM_SEED, place, sizeof(place), stream,
		    lengths[n]);
		if (w->sha3.bad || mlkem_poly_uniform(out, stream, lengths[n]) == 0)
			return;
	}
	w->sha3.bad = true;
}

/* The next polynomial of noise from that seed (PRF of section 4.1). */
static void
noise(struct work *w, const uint8_t seed[32], uint8_t *counter, struct mlkem_poly *out)
{
	sha3_once(&w->sha3, SHAKE256, seed, 32, counter, 1, w->random, sizeof(w->random));
	*counter = (uint8_t)(*counter + 1);
	mlkem_poly_noise(out, w->random);
}

/* Algorithm 13 but for its coding of the public key into the secret one. */
static void
encryption_keygen(struct work *w, const struct mlkem_size *size, const uint8_t d[MLKEM_SEED],
    uint8_t *public, uint8_t *vector)
{
	struct pair seeds = { { 0 }, { 0 } };	/* rho, sigma */
	uint8_t counter = 0;

	sha3_once(&w->sha3, SHA3_512, d, MLKEM_SEED, &size->k, 1, (uint8_t *)&seeds,
	    sizeof(seeds));
	ct_public(seeds.first, sizeof(seeds.first));
	for (uint8_t i = 0; i < size->k; i++) {
		noise(w, seeds.second, &counter, &w->vector[i]);
		mlkem_poly_ntt(&w->vector[i]);
		mlkem_poly_encode(&w->vector[i], vector + (size_t)i * POLY_LEN);
	}
	for (uint8_t i = 0; i < size->k; i++) {
		for (uint8_t j = 0; j < size->k; j++)
			matrix_element(w, seeds.first, i, j, &w->row[j]);
		mlkem_poly_dot(&w->sum, w->row, w->vector, size->k);
		mlkem_poly_scale(&w->sum);
		noise(w, seeds.second, &counter, &w->noise);
		mlkem_poly_ntt(&w->noise);
		mlkem_poly_add(&w->sum, &w->noise);
		mlkem_poly_encode(&w->sum, public + (size_t)i * POLY_LEN);
	}
	memcpy(public + vector_len(size), seeds.first, MLKEM_SEED);
	crypto_wipe(&seeds, sizeof(seeds));
}

/* Algorithm 14. */
static void
encrypt(struct work *w, const struct mlkem_size *size, const uint8_t *public,
    const uint8_t message[MESSAGE_LEN], const uint8_t seed[32], uint8_t *cipher)
{
	const uint8_t *rho = public + vector_len(size);
	const size_t u_len = (size_t)size->d_u * BITS_LEN;
	uint8_t counter = 0;

	for (uint8_t i = 0; i < size->k; i++) {
		noise(w, seed, &counter, &w->vector[i]);
		mlkem_poly_ntt(&w->vector[i]);
	}
	for (uint8_t i = 0; i < size->k; i++) {
		for (uint8_t j = 0; j < size->k; j++)
			matrix_element(w, rho, j, i, &w->row[j]);
		mlkem_poly_dot(&w->sum, w->row, w->vector, size->k);
		mlkem_poly_ntt_inverse(&w->sum);
		noise(w, seed, &counter, &w->noise);
		mlkem_poly_add(&w->sum, &w->noise);
		mlkem_poly_compress(&w->sum, size->d_u, cipher + i * u_len);
	}
	for (size_t i = 0; i < size->k; i++)
		mlkem_poly_decode(&w->row[i], public + i * POLY_LEN);
	mlkem_poly_dot(&w->sum, w->row, w->vector, size->k);
	mlkem_poly_ntt_inverse(&w->sum);
	noise(w, seed, &counter, &w->noise);
	mlkem_poly_add(&w->sum, &w->noise);
	mlkem_poly_decompress(&w->noise, 1, message);
	mlkem_poly_add(&w->sum, &w->noise);
	mlkem_poly_compress(&w->sum, size->d_v, cipher + size->k * u_len);
}

/* Algorithm 15. */
static void
decrypt(struct work *w, const struct mlkem_size *size, const uint8_t *vector,
    const uint8_t *cipher, uint8_t message[MESSAGE_LEN])
{
	const size_t u_len = (size_t)size->d_u * BITS_LEN;

	for (size_t i = 0; i < size->k; i++) {
		mlkem_poly_decompress(&w->vector[i], size->d_u, cipher + i * u_len);
		mlkem_poly_ntt(&w->vector[i]);
		mlkem_poly_decode(&w->row[i], vector + i * POLY_LEN);
	}
	mlkem_poly_dot(&w->sum, w->row, w->vector, size->k);
	mlkem_poly_ntt_inverse(&w->sum);
	mlkem_poly_decompress(&w->noise, size->d_v, cipher + size->k * u_len);
	mlkem_poly_sub(&w->sum, &w->noise, &w->sum);
	mlkem_poly_compress(&w->sum, 1, message);
}

static int
work_end(struct work *w)
{
	int r = sha3_deinit(&w->sha3);

	crypto_wipe(w, sizeof(*w));
	return r;
}

/* ---- the encapsulation of sections 6 and 7 ---- */

int
mlkem_keygen_from(const struct mlkem_size *size, const uint8_t d[MLKEM_SEED],
    const uint8_t z[MLKEM_SEED], uint8_t *public, uint8_t *secret)
{
	size_t at = vector_len(size), len = public_len(size);
	struct work w;
	int r;

	sha3_init(&w.sha3);
	encryption_keygen(&w, size, d, public, secret);
	memcpy(secret + at, public, len);
	sha3_once(&w.sha3, SHA3_256, public, len, NULL, 0, secret + at + len, HASH_LEN);
	memcpy(secret + at + len + HASH_LEN, z, MLKEM_SEED);
	r = work_end(&w);
	if (r != 0)
		crypto_wipe(secret, at + len + HASH_LEN + MLKEM_SEED);
	return r;
}

/* Section 7.2, the modulus check: every coefficient below 3329. */
static bool
is_public_key(struct work *w, const struct mlkem_size *size, const uint8_t *public)
{
	for (size_t i = 0; i < size->k; i++) {
		mlkem_poly_decode(&w->sum, public + i * POLY_LEN);
		if (!mlkem_poly_is_reduced(&w->sum))
			return false;
	}
	return true;
}

int
mlkem_encaps_from(const struct mlkem_size *size, const uint8_t *public,
    const uint8_t m[MLKEM_SEED], uint8_t *cipher, uint8_t shared[KEM_SHARED])
{
	struct pair keys = { { 0 }, { 0 } };	/* K, r */
	uint8_t hash[HASH_LEN];
	struct work w;
	int r;

	sha3_init(&w.sha3);
	if (!is_public_key(&w, size, public))
		w.sha3.bad = true;
	sha3_once(&w.sha3, SHA3_256, public, public_len(size), NULL, 0, hash, sizeof(hash));
	sha3_once(&w.sha3, SHA3_512, m, MLKEM_SEED, hash, sizeof(hash), (uint8_t *)&keys,
	    sizeof(keys));
	if (!w.sha3.bad)
		encrypt(&w, size, public, m, keys.second, cipher);
	memcpy(shared, keys.first, KEM_SHARED);
	crypto_wipe(&keys, sizeof(keys));
	r = work_end(&w);
	if (r != 0)
		crypto_wipe(shared, KEM_SHARED);
	return r;
}

/* Section 7.3, the hash check: the public half within the secret is whole. */
static bool
is_secret_key(struct work *w, const struct mlkem_size *size, const struct parts *parts)
{
	uint8_t hash[HASH_LEN];

	sha3_once(&w->sha3, SHA3_256, parts->public, public_len(size), NULL, 0, hash,
	    sizeof(hash));
	return !w->sha3.bad && crypto_equal(hash, parts->hash, sizeof(hash));
}

/* All ones if the two differ, else zero; no branch can be made of it. */
static uint32_t
differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= (uint32_t)(a[i] ^ b[i]);
	return ct_differ(bits, 0);
}

/* Algorithm 18: decrypts, encrypts again, and takes another secret if that gives another
 * ciphertext; both ways do the same work. */
int
mlkem_decaps(const struct mlkem_size *size, const uint8_t *secret, const uint8_t *cipher,
    uint8_t shared[KEM_SHARED])
{
	const struct parts parts = secret_parts(size, secret);
	struct pair keys = { { 0 }, { 0 } };	/* K', r' */
	uint8_t message[MESSAGE_LEN], rejected[KEM_SHARED] = { 0 }, again[KEM_CIPHER_MAX];
	struct work w;
	uint32_t mask;
	int r;

	sha3_init(&w.sha3);
	if (!is_secret_key(&w, size, &parts))
		w.sha3.bad = true;
	decrypt(&w, size, parts.vector, cipher, message);
	sha3_once(&w.sha3, SHA3_512, message, sizeof(message), parts.hash, HASH_LEN,
	    (uint8_t *)&keys, sizeof(keys));
	sha3_once(&w.sha3, SHAKE256, parts.z, MLKEM_SEED, cipher, cipher_len(size), rejected,
	    sizeof(rejected));
	if (!w.sha3.bad)
		encrypt(&w, size, parts.public, message, keys.second, again);
	r = work_end(&w);
	if (r == 0) {
		mask = differ(cipher, again, cipher_len(size));
		for (size_t i = 0; i < KEM_SHARED; i++)
			shared[i] = (uint8_t)(keys.first[i] ^
			    ((keys.first[i] ^ rejected[i]) & mask));
	}
	crypto_wipe(&keys, sizeof(keys));
	crypto_wipe(message, sizeof(message));
	crypto_wipe(rejected, sizeof(rejected));
	crypto_wipe(again, sizeof(again));
	return r;
}

/* ---- the rows ---- */

static int
fresh_keygen(const struct mlkem_size *size, uint8_t *public, uint8_t *secret)
{
	uint8_t d[MLKEM_SEED], z[MLKEM_SEED];
	int r;

	crypto_random(d, sizeof(d));
	crypto_random(z, sizeof(z));
	r = mlkem_keygen_from(size, d, z, public, secret);
	crypto_wipe(d, sizeof(d));
	crypto_wipe(z, sizeof(z));
	return r;
}

static int
fresh_encaps(const struct mlkem_size *size, const uint8_t *public, uint8_t *cipher,
    uint8_t *shared)
{
	uint8_t m[MLKEM_SEED];
	int r;

	crypto_random(m, sizeof(m));
	r = mlkem_encaps_from(size, public, m, cipher, shared);
	crypto_wipe(m, sizeof(m));
	return r;
}

static int
keygen_768(uint8_t *public, uint8_t *secret)
{
	return fresh_keygen(&mlkem_768, public, secret);
}

static int
encaps_768(const uint8_t *public, uint8_t *cipher, uint8_t *shared)
{
	return fresh_encaps(&mlkem_768, public, cipher, shared);
}

static int
decaps_768(const uint8_t *secret, const uint8_t *cipher, uint8_t *shared)
{
	return mlkem_decaps(&mlkem_768, secret, cipher, shared);
}

static int
keygen_1024(uint8_t *public, uint8_t *secret)
{
	return fresh_keygen(&mlkem_1024, public, secret);
}

static int
encaps_1024(const uint8_t *public, uint8_t *cipher, uint8_t *shared)
{
	return fresh_encaps(&mlkem_1024, public, cipher, shared);
}

static int
decaps_1024(const uint8_t *secret, const uint8_t *cipher, uint8_t *shared)
{
	return mlkem_decaps(&mlkem_1024, secret, cipher, shared);
}

const struct kem kem_mlkem768 = {
	.name = "ML-KEM-768", .public_len = MLKEM768_PUBLIC, .secret_len = MLKEM768_SECRET,
	.cipher_len = MLKEM768_CIPHER, .keygen = keygen_768, .encaps = encaps_768,
	.decaps = decaps_768,
};
const struct kem kem_mlkem1024 = {
	.name = "ML-KEM-1024", .public_len = MLKEM1024_PUBLIC, .secret_len = MLKEM1024_SECRET,
	.cipher_len = MLKEM1024_CIPHER, .keygen = keygen_1024, .encaps = encaps_1024,
	.decaps = decaps_1024,
};
