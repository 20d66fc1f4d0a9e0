/*
 * sign_evp.c - signatures by OpenSSL's keys: making one for a moment, checking, signing.
 *
 * OpenSSL keeps the numbers of a key in ordinary heap memory, RSA's even when it has a
 * secure heap.  So a private key lives in our own guarded memory as its rows wrote it
 * there, is made OpenSSL's for each signature, and is freed, and with that wiped,
 * directly afterwards: what that costs is a new set of blinding factors and Montgomery
 * constants, measured 0.3 ms for RSA of 2048 bits (0.25 ms without), 1.0 ms for 4096
 * (4.1 ms without) and 0.02 ms for P-256.  Everything is fetched at the start, so that no
 * later signature looks for a provider.  Nothing here decides what a good key is.
 */
#include "crypto/sign_evp.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/hash.h"

/* Of OpenSSL's names: the key's and the signature's. */
static const struct {
	const char *key, *signature;
} fetched_names[] = { { "RSA", "RSA" }, { "EC", "ECDSA" }, { "DSA", "DSA" } };
enum { FETCHED = sizeof(fetched_names) / sizeof(fetched_names[0]) };

/* Set once by sign_evp_start; held, so that OpenSSL has them at hand.  NULL: the provider
 * has it not. */
static struct {
	EVP_KEYMGMT *key;
	EVP_SIGNATURE *signature;
} fetched[FETCHED];

int
sign_evp_start(void)
{
	if (hash_start() != 0)
		return -1;
	for (size_t i = 0; i < FETCHED; i++) {
		if (fetched[i].key == NULL)
			fetched[i].key = EVP_KEYMGMT_fetch(NULL, fetched_names[i].key, NULL);
		if (fetched[i].signature == NULL)
			fetched[i].signature = EVP_SIGNATURE_fetch(NULL,
			    fetched_names[i].signature, NULL);
	}
	return 0;
}

bool
sign_evp_has(const char *type, enum hash_id hash)
{
	for (size_t i = 0; i < FETCHED; i++)
		if (strcmp(fetched_names[i].key, type) == 0)
			return fetched[i].key != NULL && fetched[i].signature != NULL &&
			    hash_has(hash);
	return false;
}

void
sign_evp_native(uint8_t *out, const uint8_t *number, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = number[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? n - 1 - i : i];
}

EVP_PKEY *
sign_evp_key(const char *type, const OSSL_PARAM *params, bool is_private)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	/* it only reads them, whatever its prototype says */
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
	    (OSSL_PARAM *)(uintptr_t)params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int
sign_evp_verify(EVP_PKEY *key, enum hash_id hash, const uint8_t *data, size_t data_len,
    const uint8_t *sig, size_t sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = -1;

	/* 1 is the only good answer: 0 and -1 both refuse */
	if (ctx != NULL &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, hash_name(hash), NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestVerify(ctx, sig, sig_len, data, data_len) == 1)
		r = 0;
	EVP_MD_CTX_free(ctx);
	return r;
}

int
sign_evp_sign(EVP_PKEY *key, enum hash_id hash, const uint8_t *data, size_t data_len,
    uint8_t *sig, size_t *sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = -1;

	if (ctx != NULL &&
	    EVP_DigestSignInit_ex(ctx, NULL, hash_name(hash), NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestSign(ctx, sig, sig_len, data, data_len) == 1)
		r = 0;
	EVP_MD_CTX_free(ctx);
	return r;
}

/* ---- two numbers ---- */

size_t
sign_evp_pair(struct blob r, struct blob s, uint8_t der[SIGN_EVP_PAIR_MAX])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *rn = BN_bin2bn(r.p, (int)r.n, NULL), *sn = BN_bin2bn(s.p, (int)s.n, NULL);
	int n = 0;

	if (pair == NULL || rn == NULL || sn == NULL || ECDSA_SIG_set0(pair, rn, sn) != 1) {
		BN_free(rn);
		BN_free(sn);
	} else if (i2d_ECDSA_SIG(pair, NULL) <= SIGN_EVP_PAIR_MAX) {
		n = i2d_ECDSA_SIG(pair, &der);
	}
	ECDSA_SIG_free(pair);
	return n > 0 ? (size_t)n : 0;
}

int
sign_evp_unpair(const uint8_t *der, size_t der_len, size_t n, uint8_t *r, uint8_t *s)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	int ok = 0;

	if (pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), r, (int)n) == (int)n &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), s, (int)n) == (int)n)
		ok = 1;
	ECDSA_SIG_free(pair);
	return ok ? 0 : -1;
}
