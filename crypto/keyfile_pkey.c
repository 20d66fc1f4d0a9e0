/*
 * keyfile_pkey.c - what OpenSSL's decoder has read out of DER, into the fixed form.
 *
 * The decoder is believed as to syntax only: numbers go through the same checks as
 * those of every other format, and which curves and sizes are ours is decided there.
 */
#include <openssl/asn1.h>
#include <openssl/asn1t.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include "crypto/keyfile_format.h"
#include "crypto/keyfile_type.h"

enum {
	NUMBERS_MAX = 6,
	ED25519_HALF = 32,
	CURVE_NAME_MAX = 64,
	POINT_MAX = 512,		/* of any curve that OpenSSL has */
};

struct numbers {
	uint8_t bytes[NUMBERS_MAX][KEYFILE_NUMBER_MAX];
	size_t used;
	enum keyfile_result result;
};

/* The parameter of that name; errors stick to n. */
static struct blob
number(struct numbers *n, const EVP_PKEY *key, const char *name)
{
	struct blob out = { NULL, 0, true };
	BIGNUM *bn = NULL;
	int len;

	if (n->result != KEYFILE_OK)
		return out;
	if (EVP_PKEY_get_bn_param(key, name, &bn) != 1) {
		n->result = KEYFILE_DAMAGED;
		return out;
	}
	len = BN_num_bytes(bn);
	if (len > KEYFILE_NUMBER_MAX) {
		n->result = KEYFILE_UNSUPPORTED;
	} else {
		(void)BN_bn2bin(bn, n->bytes[n->used]);	/* len bytes */
		out = blob_of(n->bytes[n->used++], (size_t)len);
	}
	BN_clear_free(bn);
	return out;
}

static enum keyfile_result
make_rsa(const EVP_PKEY *pkey, struct numbers *n, struct keyfile_key *out)
{
	struct keyfile_rsa_numbers k;
	BIGNUM *third = NULL;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1) {
		BN_clear_free(third);
		return KEYFILE_UNSUPPORTED;	/* SSH's formats have no place for it */
	}
	k.n = number(n, pkey, OSSL_PKEY_PARAM_RSA_N);
	k.e = number(n, pkey, OSSL_PKEY_PARAM_RSA_E);
	k.d = number(n, pkey, OSSL_PKEY_PARAM_RSA_D);
	k.iqmp = number(n, pkey, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
	k.p = number(n, pkey, OSSL_PKEY_PARAM_RSA_FACTOR1);
	k.q = number(n, pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
	return n->result == KEYFILE_OK ? keyfile_rsa_make(&k, out) : n->result;
}

static enum keyfile_result
make_dsa(const EVP_PKEY *pkey, struct numbers *n, struct keyfile_key *out)
{
	struct keyfile_dsa_numbers k;

	k.p = number(n, pkey, OSSL_PKEY_PARAM_FFC_P);
	k.q = number(n, pkey, OSSL_PKEY_PARAM_FFC_Q);
	k.g = number(n, pkey, OSSL_PKEY_PARAM_FFC_G);
	k.y = number(n, pkey, OSSL_PKEY_PARAM_PUB_KEY);
	k.x = number(n, pkey, OSSL_PKEY_PARAM_PRIV_KEY);
	return n->result == KEYFILE_OK ? keyfile_dsa_make(&k, out) : n->result;
}

static enum keyfile_result
make_ecdsa(const EVP_PKEY *pkey, struct numbers *n, struct keyfile_key *out)
{
	char curve[CURVE_NAME_MAX];
	uint8_t point[POINT_MAX];
	struct blob scalar;
	size_t len, point_len = 0;

	if (EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), &len) != 1)
		return KEYFILE_UNSUPPORTED;	/* a curve by its numbers */
	scalar = number(n, pkey, OSSL_PKEY_PARAM_PRIV_KEY);
	if (n->result != KEYFILE_OK)
		return n->result;
	/* compressed or not, as the file has it; OpenSSL has compared it with nothing */
	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
	    &point_len) != 1 || point_len == 0)
		return KEYFILE_DAMAGED;
	return keyfile_ecdsa_make(curve, scalar, blob_of(point, point_len), out);
}

static enum keyfile_result
make_ed25519(const EVP_PKEY *pkey, struct numbers *n, struct keyfile_key *out)
{
	size_t seed_len = ED25519_HALF, public_len = ED25519_HALF;

	if (EVP_PKEY_get_raw_private_key(pkey, n->bytes[0], &seed_len) != 1 ||
	    EVP_PKEY_get_raw_public_key(pkey, n->bytes[1], &public_len) != 1)
		return KEYFILE_DAMAGED;
	return keyfile_ed25519_make(blob_of(n->bytes[0], seed_len),
	    blob_of(n->bytes[1], public_len), out);
}

void
keyfile_pkey_start(void)
{
	/* the example of RFC 8410 section 10.3; its bytes mean nothing here */
	static const uint8_t example[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03,
	    0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a,
	    0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4,
	    0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42 };
	const unsigned char *p = example;
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, sizeof(example));

	/* or a provider has no such key, and looked for it too */
	if (pkey != NULL)
		(void)keyfile_pkey_has_public(pkey, blob_of(NULL, 0));
	EVP_PKEY_free(pkey);
}

enum keyfile_result
keyfile_pkey_make(EVP_PKEY *pkey, struct keyfile_key *out)
{
	struct numbers n = { .used = 0, .result = KEYFILE_OK };
	enum keyfile_result result;

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		result = make_rsa(pkey, &n, out);
		break;
	case EVP_PKEY_DSA:
		result = make_dsa(pkey, &n, out);
		break;
	case EVP_PKEY_EC:
		result = make_ecdsa(pkey, &n, out);
		break;
	case EVP_PKEY_ED25519:
		result = make_ed25519(pkey, &n, out);
		break;
	default:
		result = KEYFILE_UNSUPPORTED;
		break;
	}
	crypto_wipe(&n, sizeof(n));
	return result;
}

bool
keyfile_pkey_has_public(EVP_PKEY *pkey, struct blob bits)
{
	const unsigned char *own;
	X509_PUBKEY *public = NULL;
	bool same = false;
	int n;

	/* a point may be written in two ways (SEC 1, section 2.3.3) */
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC && bits.n > 0 &&
	    EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
	    bits.p[0] == POINT_CONVERSION_UNCOMPRESSED ? "uncompressed" : "compressed") != 1)
		return false;
	if (X509_PUBKEY_set(&public, pkey) == 1 &&
	    X509_PUBKEY_get0_param(NULL, &own, &n, NULL, public) == 1)
		same = blob_is(bits, own, (size_t)n);
	X509_PUBKEY_free(public);
	return same;
}

bool
keyfile_pkey_is_sequence(struct blob der)
{
	const unsigned char *p = der.p;
	long len;
	int tag, class, r = ASN1_get_object(&p, &len, &tag, &class, (long)der.n);

	/* 0x80: an error; 1: of indefinite length, which DER does not have */
	return (r & 0x80) == 0 && (r & 1) == 0 && class == V_ASN1_UNIVERSAL &&
	    tag == V_ASN1_SEQUENCE && (size_t)(p - der.p) + (size_t)len == der.n;
}
