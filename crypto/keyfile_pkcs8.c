/*
 * keyfile_pkcs8.c - PKCS#8 private keys, in clear (RFC 5208, RFC 8410; with the public
 * half behind it, RFC 5958) and encrypted (RFC 8018, PBES2 with PBKDF2).
 *
 * ASN.1 is read by OpenSSL, whose own template has no place for that public half: it is
 * taken off and compared.  The derivation of the key is not left to it: its count of
 * iterations is the file's, and is bounded before it is spent; and the outcome of the
 * decryption tells a wrong passphrase from a damaged file.
 */
#include <openssl/asn1t.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/keyfile_cipher.h"
#include "crypto/keyfile_format.h"

enum {
	PBES2_KEY_MAX = 64,
	PBES2_SALT_MAX = 1024,
	/* a DSA key without its y, which OpenSSL computes from what the file says: of 1024
	 * bits it takes 300 bytes and 23 */
	DSA_GROUP_MAX = 1024,
	DSA_SECRET_MAX = 64,
};

/* OneAsymmetricKey (RFC 5958 section 2). */
typedef struct {
	ASN1_INTEGER *version;
	X509_ALGOR *type;
	ASN1_OCTET_STRING *secret;
	STACK_OF(X509_ATTRIBUTE) *attributes;
	ASN1_BIT_STRING *public;
} ONE_KEY;
ASN1_SEQUENCE(ONE_KEY) = {
	ASN1_SIMPLE(ONE_KEY, version, ASN1_INTEGER),
	ASN1_SIMPLE(ONE_KEY, type, X509_ALGOR),
	ASN1_SIMPLE(ONE_KEY, secret, ASN1_OCTET_STRING),
	ASN1_IMP_SET_OF_OPT(ONE_KEY, attributes, X509_ATTRIBUTE, 0),
	ASN1_IMP_OPT(ONE_KEY, public, ASN1_BIT_STRING, 1),
} static_ASN1_SEQUENCE_END(ONE_KEY)
enum { VERSION_1 = 0, VERSION_2 = 1 };

struct pbes2_cipher { int nid; const char *name; };
static const struct pbes2_cipher pbes2_ciphers[] = {
	{ NID_aes_128_cbc, "aes128-cbc" },
	{ NID_aes_192_cbc, "aes192-cbc" },
	{ NID_aes_256_cbc, "aes256-cbc" },
	{ NID_des_ede3_cbc, "3des-cbc" },
};

struct pbes2_prf { int nid; const char *hash; };
static const struct pbes2_prf pbes2_prfs[] = {
	{ NID_hmacWithSHA1, "SHA1" },
	{ NID_hmacWithSHA256, "SHA2-256" },
	{ NID_hmacWithSHA384, "SHA2-384" },
	{ NID_hmacWithSHA512, "SHA2-512" },
};

/* What an encrypted file says of its encryption; borrowed from the parsed parts. */
struct pbes2 {
	const struct keyfile_cipher *cipher;
	const char *hash;
	struct blob salt, iv;
	int iterations;
};

static int
nid_of(const X509_ALGOR *alg, const ASN1_TYPE **parameter)
{
	const ASN1_OBJECT *object;
	const void *value;
	int type;

	X509_ALGOR_get0(&object, &type, &value, alg);
	*parameter = alg->parameter;
	return OBJ_obj2nid(object);
}

static struct blob
octets(const ASN1_TYPE *t)
{
	if (t == NULL || t->type != V_ASN1_OCTET_STRING)
		return (struct blob){ NULL, 0, true };
	return blob_of(ASN1_STRING_get0_data(t->value.octet_string),
	    (size_t)ASN1_STRING_length(t->value.octet_string));
}

static enum keyfile_result
read_cipher(const X509_ALGOR *alg, struct pbes2 *e)
{
	const ASN1_TYPE *iv;
	int nid = nid_of(alg, &iv);

	for (size_t i = 0; i < sizeof(pbes2_ciphers) / sizeof(pbes2_ciphers[0]); i++) {
		const char *name = pbes2_ciphers[i].name;

		if (pbes2_ciphers[i].nid == nid)
			e->cipher = keyfile_cipher_find((const uint8_t *)name, strlen(name));
	}
	if (e->cipher == NULL)
		return KEYFILE_UNSUPPORTED;
	e->iv = octets(iv);
	return !e->iv.bad && e->iv.n == e->cipher->iv_len ? KEYFILE_OK : KEYFILE_DAMAGED;
}

static enum keyfile_result
read_kdf(const PBKDF2PARAM *kdf, struct pbes2 *e)
{
	const ASN1_TYPE *none;
	int64_t iterations, length;
	int nid = kdf->prf == NULL ? NID_hmacWithSHA1 : nid_of(kdf->prf, &none);

	e->salt = octets(kdf->salt);
	if (ASN1_INTEGER_get_int64(&iterations, kdf->iter) != 1 || iterations <= 0 ||
	    e->salt.bad)
		return KEYFILE_DAMAGED;
	if (kdf->keylength != NULL && (ASN1_INTEGER_get_int64(&length, kdf->keylength) != 1 ||
	    length != (int64_t)e->cipher->key_len))
		return KEYFILE_DAMAGED;
	for (size_t i = 0; i < sizeof(pbes2_prfs) / sizeof(pbes2_prfs[0]); i++)
		if (pbes2_prfs[i].nid == nid)
			e->hash = pbes2_prfs[i].hash;
	if (e->hash == NULL || iterations > KEYFILE_PBKDF2_MAX || e->salt.n > PBES2_SALT_MAX)
		return KEYFILE_UNSUPPORTED;
	e->iterations = (int)iterations;
	return KEYFILE_OK;
}

static bool
derive(const struct pbes2 *e, struct blob passphrase, uint8_t *key)
{
	EVP_MD *md = EVP_MD_fetch(NULL, e->hash, NULL);
	bool fine = md != NULL && PKCS5_PBKDF2_HMAC((const char *)passphrase.p, (int)passphrase.n,
	    e->salt.p, (int)e->salt.n, e->iterations, md, (int)e->cipher->key_len, key) == 1;

	EVP_MD_free(md);
	return fine;
}

static enum keyfile_result
decrypt(const struct pbes2 *e, struct blob passphrase, struct blob in, uint8_t *out, size_t *n)
{
	uint8_t key[PBES2_KEY_MAX + CIPHER_IV_MAX];
	enum keyfile_result result = KEYFILE_WRONG_PASSPHRASE;

	*n = in.n;
	if (in.n == 0 || in.n % e->cipher->block != 0)
		return KEYFILE_DAMAGED;
	if (passphrase.n == 0)
		return KEYFILE_NEEDS_PASSPHRASE;
	if (!derive(e, passphrase, key)) {
		result = KEYFILE_UNSUPPORTED;	/* a provider that has not that hash */
	} else {
		memcpy(key + e->cipher->key_len, e->iv.p, e->iv.n);
		if (keyfile_decrypt(e->cipher, key, in.p, in.n, out) == 0 &&
		    keyfile_cipher_unpad(e->cipher, out, n) == 0 &&
		    keyfile_pkey_is_sequence(blob_of(out, *n)))
			result = KEYFILE_OK;
	}
	crypto_wipe(key, sizeof(key));
	return result;
}

/* The scheme must be PBES2 with PBKDF2: older ones are broken, scrypt is rare. */
static enum keyfile_result
open_scheme(const X509_ALGOR *alg, struct blob passphrase, struct blob in, uint8_t *out,
    size_t *n)
{
	struct pbes2 e = { .cipher = NULL };
	const ASN1_TYPE *parameter;
	enum keyfile_result result = KEYFILE_UNSUPPORTED;
	PBE2PARAM *scheme = NULL;
	PBKDF2PARAM *kdf = NULL;

	if (nid_of(alg, &parameter) != NID_pbes2)
		return KEYFILE_UNSUPPORTED;
	scheme = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
	if (scheme == NULL)
		return KEYFILE_DAMAGED;
	if (nid_of(scheme->keyfunc, &parameter) != NID_id_pbkdf2)
		goto end;
	kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
	result = kdf == NULL ? KEYFILE_DAMAGED : read_cipher(scheme->encryption, &e);
	if (result == KEYFILE_OK)
		result = read_kdf(kdf, &e);
	if (result == KEYFILE_OK)
		result = decrypt(&e, passphrase, in, out, n);
end:
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(scheme);
	return result;
}

/* Is it of a type that is ours, and small enough for OpenSSL to compute with? */
static bool
is_ours(const PKCS8_PRIV_KEY_INFO *info)
{
	const unsigned char *secret;
	const X509_ALGOR *alg;
	const ASN1_TYPE *group;
	int nid, secret_len;

	if (PKCS8_pkey_get0(NULL, &secret, &secret_len, &alg, info) != 1)
		return false;
	nid = nid_of(alg, &group);
	if (nid == NID_dsa)
		return secret_len <= DSA_SECRET_MAX && group != NULL &&
		    group->type == V_ASN1_SEQUENCE &&
		    ASN1_STRING_length(group->value.sequence) <= DSA_GROUP_MAX;
	return nid == NID_rsaEncryption || nid == NID_X9_62_id_ecPublicKey || nid == NID_ED25519;
}

static enum keyfile_result
read_version_1(struct blob der, const ASN1_BIT_STRING *public, struct keyfile_key *out)
{
	const unsigned char *p = der.p;
	enum keyfile_result result = KEYFILE_DAMAGED;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *pkey = NULL;

	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
	if (info == NULL || (size_t)(p - der.p) != der.n)
		goto end;
	if (!is_ours(info)) {
		result = KEYFILE_UNSUPPORTED;
		goto end;
	}
	pkey = EVP_PKCS82PKEY(info);
	if (pkey != NULL && (public == NULL || keyfile_pkey_has_public(pkey,
	    blob_of(ASN1_STRING_get0_data(public), (size_t)ASN1_STRING_length(public)))))
		result = keyfile_pkey_make(pkey, out);
end:
	EVP_PKEY_free(pkey);
	PKCS8_PRIV_KEY_INFO_free(info);	/* wipes what it holds */
	return result;
}

/* What is left without the public half is of version 1. */
static enum keyfile_result
split(ONE_KEY *k, struct keyfile_key *out)
{
	ASN1_BIT_STRING *public = k->public;
	enum keyfile_result result = KEYFILE_DAMAGED;
	unsigned char *der = NULL;
	int64_t version;
	int n;

	k->public = NULL;
	if (ASN1_INTEGER_get_int64(&version, k->version) != 1)
		goto end;
	if (version != VERSION_1 && version != VERSION_2) {
		result = KEYFILE_UNSUPPORTED;
		goto end;
	}
	if ((public != NULL && version != VERSION_2) || ASN1_INTEGER_set(k->version, VERSION_1) != 1)
		goto end;
	n = ASN1_item_i2d((const ASN1_VALUE *)k, &der, ASN1_ITEM_rptr(ONE_KEY));
	if (n <= 0)
		goto end;
	result = read_version_1(blob_of(der, (size_t)n), public, out);
	OPENSSL_clear_free(der, (size_t)n);
end:
	ASN1_BIT_STRING_free(public);
	return result;
}

static enum keyfile_result
read_info(struct blob der, struct keyfile_key *out)
{
	const unsigned char *p = der.p;
	enum keyfile_result result = KEYFILE_DAMAGED;
	ONE_KEY *k = (ONE_KEY *)ASN1_item_d2i(NULL, &p, (long)der.n, ASN1_ITEM_rptr(ONE_KEY));

	if (k == NULL)
		return KEYFILE_DAMAGED;
	if ((size_t)(p - der.p) == der.n)
		result = split(k, out);
	/* the private half is in what lies there, and freeing does not wipe it */
	crypto_wipe((void *)(uintptr_t)ASN1_STRING_get0_data(k->secret),
	    (size_t)ASN1_STRING_length(k->secret));
	ASN1_item_free((ASN1_VALUE *)k, ASN1_ITEM_rptr(ONE_KEY));
	return result;
}

enum keyfile_result
keyfile_pkcs8_read(const struct keyfile_source *from, struct keyfile_key *out)
{
	enum keyfile_result result;
	size_t n;

	result = keyfile_base64(from->text, from->room, from->room_len, &n);
	return result == KEYFILE_OK ? read_info(blob_of(from->room, n), out) : result;
}

enum keyfile_result
keyfile_pkcs8_read_encrypted(const struct keyfile_source *from, struct keyfile_key *out)
{
	const ASN1_OCTET_STRING *sealed;
	const X509_ALGOR *alg;
	const unsigned char *p = from->room;
	enum keyfile_result result;
	X509_SIG *outer;
	size_t n;

	result = keyfile_base64(from->text, from->room, from->room_len, &n);
	if (result != KEYFILE_OK)
		return result;
	outer = d2i_X509_SIG(NULL, &p, (long)n);
	result = KEYFILE_DAMAGED;
	if (outer == NULL || (size_t)(p - from->room) != n)
		goto end;
	X509_SIG_get0(outer, &alg, &sealed);
	result = open_scheme(alg, from->passphrase, blob_of(ASN1_STRING_get0_data(sealed),
	    (size_t)ASN1_STRING_length(sealed)), from->room2, &n);
	if (result == KEYFILE_OK)
		result = read_info(blob_of(from->room2, n), out);
end:
	X509_SIG_free(outer);
	return result;
}
