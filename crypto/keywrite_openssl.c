/*
 * keywrite_openssl.c - a private key into PKCS#8, and into the traditional PEM that
 * older programs want.
 *
 * OpenSSL writes the DER and the armour.  PKCS#8 is encrypted with AES-256 and enough
 * iterations of PBKDF2; traditional PEM with a single round of MD5, because it has
 * nothing else, and with AES-128, because PuTTY reads nothing better there.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sodium.h>

#include "crypto/keyfile_type.h"
#include "crypto/keywrite.h"
#include "crypto/sign_evp.h"

enum { PBES2_SALT = 16, NUMBERS_MAX = 8 };

struct params {
	OSSL_PARAM_BLD *build;
	BIGNUM *numbers[NUMBERS_MAX];	/* the builder borrows them */
	size_t used;
	bool bad;
};

/* Gives it back, for what is computed from it; NULL if it failed. */
static BIGNUM *
push_bn(struct params *p, const char *name, BIGNUM *bn)
{
	if (bn == NULL || p->used == NUMBERS_MAX) {
		BN_clear_free(bn);
		p->bad = true;
		return NULL;
	}
	p->numbers[p->used++] = bn;
	if (OSSL_PARAM_BLD_push_BN(p->build, name, bn) != 1)
		p->bad = true;
	return bn;
}

static BIGNUM *
push(struct params *p, const char *name, struct blob *in)
{
	struct blob number = blob_mpint(in, KEYFILE_NUMBER_MAX);

	return push_bn(p, name, number.bad ? NULL : BN_bin2bn(number.p, (int)number.n, NULL));
}

static EVP_PKEY *
from_params(struct params *p, const char *algorithm)
{
	OSSL_PARAM *params = p->bad ? NULL : OSSL_PARAM_BLD_to_param(p->build);
	EVP_PKEY *pkey = params != NULL ? sign_evp_key(algorithm, params, true) : NULL;

	OSSL_PARAM_free(params);
	return pkey;
}

/* d modulo prime - 1, which PKCS#1 has and SSH has not. */
static void
push_exponent(struct params *p, const char *name, const BIGNUM *d, const BIGNUM *prime)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *less = BN_new(), *out = BN_new();

	if (d == NULL || prime == NULL || ctx == NULL || less == NULL || out == NULL ||
	    BN_sub(less, prime, BN_value_one()) != 1 || BN_mod(out, d, less, ctx) != 1)
		p->bad = true;
	(void)push_bn(p, name, out);
	BN_clear_free(less);
	BN_CTX_free(ctx);
}

static EVP_PKEY *
rsa(struct params *p, struct blob public, struct blob secret)
{
	const BIGNUM *d, *first, *second;

	(void)push(p, OSSL_PKEY_PARAM_RSA_E, &public);
	(void)push(p, OSSL_PKEY_PARAM_RSA_N, &public);
	d = push(p, OSSL_PKEY_PARAM_RSA_D, &secret);
	(void)push(p, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &secret);
	first = push(p, OSSL_PKEY_PARAM_RSA_FACTOR1, &secret);
	second = push(p, OSSL_PKEY_PARAM_RSA_FACTOR2, &secret);
	push_exponent(p, OSSL_PKEY_PARAM_RSA_EXPONENT1, d, first);
	push_exponent(p, OSSL_PKEY_PARAM_RSA_EXPONENT2, d, second);
	return from_params(p, "RSA");
}

static EVP_PKEY *
dsa(struct params *p, struct blob public, struct blob secret)
{
	(void)push(p, OSSL_PKEY_PARAM_FFC_P, &public);
	(void)push(p, OSSL_PKEY_PARAM_FFC_Q, &public);
	(void)push(p, OSSL_PKEY_PARAM_FFC_G, &public);
	(void)push(p, OSSL_PKEY_PARAM_PUB_KEY, &public);
	(void)push(p, OSSL_PKEY_PARAM_PRIV_KEY, &secret);
	return from_params(p, "DSA");
}

static EVP_PKEY *
ecdsa(struct params *p, struct blob public, struct blob secret)
{
	struct blob curve = blob_string(&public, NAME_MAX_LEN);
	struct blob point = blob_string(&public, KEYFILE_NUMBER_MAX);
	const char *group = blob_is_name(curve, "nistp256") ? "P-256" :
	    blob_is_name(curve, "nistp384") ? "P-384" : "P-521";

	(void)push_bn(p, OSSL_PKEY_PARAM_PRIV_KEY, BN_bin2bn(secret.p, (int)secret.n, NULL));
	if (OSSL_PARAM_BLD_push_utf8_string(p->build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(p->build, OSSL_PKEY_PARAM_PUB_KEY, point.p,
	    point.n) != 1)
		p->bad = true;
	return from_params(p, "EC");
}

static EVP_PKEY *
to_openssl(const struct keyfile_key *key)
{
	struct params p = { .build = OSSL_PARAM_BLD_new() };
	struct blob public = blob_of(key->blob, key->blob_len), type;
	struct blob secret = blob_of(key->secret, key->secret_len);
	EVP_PKEY *pkey = NULL;

	if (p.build == NULL)
		return NULL;
	type = blob_string(&public, NAME_MAX_LEN);
	if (blob_is_name(type, "ssh-ed25519"))
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret.p, secret.n);
	else if (blob_is_name(type, "ssh-rsa"))
		pkey = rsa(&p, public, secret);
	else if (blob_is_name(type, "ssh-dss"))
		pkey = dsa(&p, public, secret);
	else
		pkey = ecdsa(&p, public, secret);
	OSSL_PARAM_BLD_free(p.build);
	for (size_t i = 0; i < p.used; i++)
		BN_clear_free(p.numbers[i]);
	return pkey;
}

static bool
write_pkcs8(BIO *to, const EVP_PKEY *pkey, const char *passphrase)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	uint8_t salt[PBES2_SALT];
	X509_SIG *sealed = NULL;
	bool fine;

	if (info == NULL)
		return false;
	if (passphrase == NULL) {
		fine = PEM_write_bio_PKCS8_PRIV_KEY_INFO(to, info) == 1;
	} else {
		randombytes_buf(salt, sizeof(salt));
		/* -1: PBES2 with HMAC-SHA-256 */
		sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase, (int)strlen(passphrase),
		    salt, sizeof(salt), KEYWRITE_PBKDF2, info);
		fine = sealed != NULL && PEM_write_bio_PKCS8(to, sealed) == 1;
	}
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(info);
	return fine;
}

static bool
write_traditional(BIO *to, EVP_PKEY *pkey, const char *passphrase)
{
	return PEM_write_bio_PrivateKey_traditional(to, pkey,
	    passphrase == NULL ? NULL : EVP_aes_128_cbc(), (const unsigned char *)passphrase,
	    passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL) == 1;
}

enum keywrite_result
keywrite_openssl(const struct keyfile_key *key, const struct keywrite *how, char *out, size_t *n)
{
	const char *passphrase = how->passphrase != NULL && how->passphrase[0] != '\0' ?
	    how->passphrase : NULL;
	enum keywrite_result r = KEYWRITE_FAILED;
	EVP_PKEY *pkey = NULL;
	BIO *to = NULL;
	char *text;
	long len;

	if (how->format == KEYWRITE_PEM && strcmp(key->alg, "ssh-ed25519") == 0)
		return KEYWRITE_UNSUPPORTED;
	pkey = to_openssl(key);
	to = BIO_new(BIO_s_secmem());	/* wiped when it is freed */
	if (pkey == NULL || to == NULL || !(how->format == KEYWRITE_PEM ?
	    write_traditional(to, pkey, passphrase) : write_pkcs8(to, pkey, passphrase)))
		goto end;
	len = BIO_get_mem_data(to, &text);
	if (len <= 0 || len > KEYWRITE_MAX)
		goto end;
	memcpy(out, text, (size_t)len);
	*n = (size_t)len;
	r = KEYWRITE_OK;
end:
	BIO_free(to);
	EVP_PKEY_free(pkey);
	return r;
}
