/*
 * mlkem_openssl.c - ML-KEM by OpenSSL, which has it from 3.5 on: the rows that take the
 * place of ours (mlkem.c) where the library is new enough and its provider has them.
 *
 * Values and keys are those of FIPS 203 either way, so a pair of the one serves the other.
 * What is random is drawn here and given: a provider's own generator may ask the kernel
 * for what a worker's filter does not allow.  A provider that refuses to be given it
 * counts as one without ML-KEM.  It trusts OpenSSL for both checks of section 7 and for
 * constant time, and must never leave a secret of a step that failed.
 */
#include "crypto/mlkem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <string.h>

#if OPENSSL_VERSION_PREREQ(3, 5)

struct sizes {
	const struct kem *ours;
	const char *name;
};
static const struct sizes sizes_768 = { &kem_mlkem768, "ML-KEM-768" };
static const struct sizes sizes_1024 = { &kem_mlkem1024, "ML-KEM-1024" };

enum { SEEDS = 2 * MLKEM_SEED };	/* d and z, as one value */

/* ---- the steps, with their random input given ---- */

static EVP_PKEY *
pair_from(const struct sizes *sizes, uint8_t seeds[SEEDS])
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED, seeds, SEEDS),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, sizes->name, NULL);
	EVP_PKEY *pair = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_params(ctx, params) != 1 || EVP_PKEY_generate(ctx, &pair) != 1)
		pair = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pair;
}

static bool
give(const EVP_PKEY *pair, const char *what, uint8_t *out, size_t len)
{
	size_t got = 0;

	return EVP_PKEY_get_octet_string_param(pair, what, out, len, &got) == 1 && got == len;
}

static int
keygen_from(const struct sizes *sizes, const uint8_t d[MLKEM_SEED], const uint8_t z[MLKEM_SEED],
    uint8_t *public, uint8_t *secret)
{
	uint8_t seeds[SEEDS];
	EVP_PKEY *pair;
	int r = -1;

	memcpy(seeds, d, MLKEM_SEED);
	memcpy(seeds + MLKEM_SEED, z, MLKEM_SEED);
	pair = pair_from(sizes, seeds);
	if (pair != NULL &&
	    give(pair, OSSL_PKEY_PARAM_PUB_KEY, public, sizes->ours->public_len) &&
	    give(pair, OSSL_PKEY_PARAM_PRIV_KEY, secret, sizes->ours->secret_len))
		r = 0;
	EVP_PKEY_free(pair);
	crypto_wipe(seeds, sizeof(seeds));
	if (r != 0)
		crypto_wipe(secret, sizes->ours->secret_len);
	return r;
}

static int
encaps_from(const struct sizes *sizes, const uint8_t *public, const uint8_t m[MLKEM_SEED],
    uint8_t *cipher, uint8_t shared[KEM_SHARED])
{
	uint8_t seed[MLKEM_SEED];
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME, seed, sizeof(seed)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, sizes->name, NULL, public,
	    sizes->ours->public_len);
	EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	size_t cipher_len = sizes->ours->cipher_len, shared_len = KEM_SHARED;
	int r = -1;

	memcpy(seed, m, sizeof(seed));
	if (ctx != NULL && EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
	    EVP_PKEY_encapsulate(ctx, cipher, &cipher_len, shared, &shared_len) == 1 &&
	    cipher_len == sizes->ours->cipher_len && shared_len == KEM_SHARED)
		r = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	crypto_wipe(seed, sizeof(seed));
	if (r != 0)
		crypto_wipe(shared, KEM_SHARED);
	return r;
}

static int
decaps(const struct sizes *sizes, const uint8_t *secret, const uint8_t *cipher,
    uint8_t shared[KEM_SHARED])
{
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key_ex(NULL, sizes->name, NULL, secret,
	    sizes->ours->secret_len);
	EVP_PKEY_CTX *ctx = pair == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);
	size_t shared_len = KEM_SHARED;
	int r = -1;

	if (ctx != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
	    EVP_PKEY_decapsulate(ctx, shared, &shared_len, cipher, sizes->ours->cipher_len) == 1 &&
	    shared_len == KEM_SHARED)
		r = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pair);
	if (r != 0)
		crypto_wipe(shared, KEM_SHARED);
	return r;
}

/* ---- the rows ---- */

static int
fresh_keygen(const struct sizes *sizes, uint8_t *public, uint8_t *secret)
{
	uint8_t d[MLKEM_SEED], z[MLKEM_SEED];
	int r;

	crypto_random(d, sizeof(d));
	crypto_random(z, sizeof(z));
	r = keygen_from(sizes, d, z, public, secret);
	crypto_wipe(d, sizeof(d));
	crypto_wipe(z, sizeof(z));
	return r;
}

static int
fresh_encaps(const struct sizes *sizes, const uint8_t *public, uint8_t *cipher, uint8_t *shared)
{
	uint8_t m[MLKEM_SEED];
	int r;

	crypto_random(m, sizeof(m));
	r = encaps_from(sizes, public, m, cipher, shared);
	crypto_wipe(m, sizeof(m));
	return r;
}

#define OPENSSL_KEM(size_)								\
static int										\
keygen_##size_(uint8_t *public, uint8_t *secret)					\
{											\
	return fresh_keygen(&sizes_##size_, public, secret);				\
}											\
static int										\
encaps_##size_(const uint8_t *public, uint8_t *cipher, uint8_t *shared)			\
{											\
	return fresh_encaps(&sizes_##size_, public, cipher, shared);			\
}											\
static int										\
decaps_##size_(const uint8_t *secret, const uint8_t *cipher, uint8_t *shared)		\
{											\
	return decaps(&sizes_##size_, secret, cipher, shared);				\
}											\
static const struct kem kem_##size_ = {							\
	.name = "OpenSSL's ML-KEM-" #size_, .public_len = MLKEM##size_##_PUBLIC,	\
	.secret_len = MLKEM##size_##_SECRET, .cipher_len = MLKEM##size_##_CIPHER,	\
	.keygen = keygen_##size_, .encaps = encaps_##size_, .decaps = decaps_##size_,	\
};

OPENSSL_KEM(768)
OPENSSL_KEM(1024)

/* ---- which of them the provider has ---- */

static struct row {
	const struct sizes *sizes;
	const struct kem *kem;
	bool is_asked, has;
} rows[] = {
	{ &sizes_768, &kem_768, false, false },
	{ &sizes_1024, &kem_1024, false, false },
};

/* Asked by name, and then every step once: not whether its values are right, which
 * crypto_init looks at, but whether it does what it is asked at all. */
static bool
ask(const struct sizes *sizes)
{
	static const uint8_t seed[MLKEM_SEED] = { 1 };
	EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, sizes->name, NULL);
	EVP_KEM *steps = EVP_KEM_fetch(NULL, sizes->name, NULL);
	uint8_t public[KEM_PUBLIC_MAX], secret[KEM_SECRET_MAX], cipher[KEM_CIPHER_MAX];
	uint8_t shared[KEM_SHARED];
	bool has = keys != NULL && steps != NULL &&
	    keygen_from(sizes, seed, seed, public, secret) == 0 &&
	    encaps_from(sizes, public, seed, cipher, shared) == 0 &&
	    decaps(sizes, secret, cipher, shared) == 0;

	EVP_KEYMGMT_free(keys);
	EVP_KEM_free(steps);
	return has;
}

/* NULL if the provider has it not. */
static const struct row *
row_for(const struct kem *ours)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].sizes->ours != ours)
			continue;
		if (!rows[i].is_asked)
			rows[i].has = ask(rows[i].sizes);
		rows[i].is_asked = true;
		return rows[i].has ? &rows[i] : NULL;
	}
	return NULL;
}

const struct kem *
mlkem_by_provider(const struct kem *ours)
{
	const struct row *row = row_for(ours);

	return row == NULL ? NULL : row->kem;
}

int
mlkem_provider_keygen_from(const struct kem *ours, const uint8_t d[MLKEM_SEED],
    const uint8_t z[MLKEM_SEED], uint8_t *public, uint8_t *secret)
{
	const struct row *row = row_for(ours);

	return row == NULL ? -1 : keygen_from(row->sizes, d, z, public, secret);
}

int
mlkem_provider_encaps_from(const struct kem *ours, const uint8_t *public,
    const uint8_t m[MLKEM_SEED], uint8_t *cipher, uint8_t shared[KEM_SHARED])
{
	const struct row *row = row_for(ours);

	return row == NULL ? -1 : encaps_from(row->sizes, public, m, cipher, shared);
}

#else

const struct kem *
mlkem_by_provider(const struct kem *ours)
{
	(void)ours;
	return NULL;
}

int
mlkem_provider_keygen_from(const struct kem *ours, const uint8_t d[MLKEM_SEED],
    const uint8_t z[MLKEM_SEED], uint8_t *public, uint8_t *secret)
{
	(void)ours, (void)d, (void)z, (void)public, (void)secret;
	return -1;
}

int
mlkem_provider_encaps_from(const struct kem *ours, const uint8_t *public,
    const uint8_t m[MLKEM_SEED], uint8_t *cipher, uint8_t shared[KEM_SHARED])
{
	(void)ours, (void)public, (void)m, (void)cipher, (void)shared;
	return -1;
}

#endif
