/*
 * pubkey.c - public key blobs: their type and size, and the way to and from OpenSSL's
 * formats.
 *
 * For tools that run offline, on files that may be anybody's: fields are bounded, and a
 * blob that has anything left over is no key.  It holds no secret.
 */
#include "crypto/pubkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <strings.h>

#include "crypto/cert.h"
#include "crypto/sign_evp.h"

enum { NUMBER_MAX = 2048, POINT_MAX = 133, FIELD_MAX = 1024, CURVE_MAX = 64 };

struct type {
	const char *type, *name, *cert_name;
	unsigned bits;			/* 0: those of the number with that index */
	unsigned bits_of, fields;	/* strings behind the type's name */
};
static const struct type types[] = {
	{ "ssh-ed25519", "ED25519", "ED25519-CERT", 256, 0, 1 },
	{ "ecdsa-sha2-nistp256", "ECDSA", "ECDSA-CERT", 256, 0, 2 },
	{ "ecdsa-sha2-nistp384", "ECDSA", "ECDSA-CERT", 384, 0, 2 },
	{ "ecdsa-sha2-nistp521", "ECDSA", "ECDSA-CERT", 521, 0, 2 },
	{ "ssh-rsa", "RSA", "RSA-CERT", 0, 1, 2 },
	{ "ssh-dss", "DSA", "DSA-CERT", 0, 0, 4 },
	{ "sk-ssh-ed25519@openssh.com", "ED25519-SK", "ED25519-SK-CERT", 256, 0, 2 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK", "ECDSA-SK-CERT", 256, 0, 3 },
};

static const struct type *
find(struct blob name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (blob_is_name(name, types[i].type))
			return &types[i];
	return NULL;
}

static unsigned
bits_of(struct blob number)
{
	unsigned bits = 8 * (unsigned)number.n;

	for (uint8_t top = number.n > 0 ? number.p[0] : 0xff; (top & 0x80) == 0 && bits > 0;
	    top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static int
describe_fields(const struct type *t, struct blob in, struct pubkey_about *about)
{
	about->type = t->type;
	about->bits = t->bits;
	for (unsigned i = 0; i < t->fields; i++) {
		if (t->bits != 0) {
			(void)blob_string(&in, FIELD_MAX);	/* errors stick */
			continue;
		}
		struct blob number = blob_mpint(&in, NUMBER_MAX);

		if (i == t->bits_of)
			about->bits = bits_of(number);
	}
	return blob_done(&in) ? 0 : -1;
}

int
pubkey_describe(const uint8_t *blob, size_t n, struct pubkey_about *about)
{
	struct blob in = blob_of(blob, n);
	const struct type *t = find(blob_string(&in, NAME_MAX_LEN));
	const char *why;
	struct cert cert;

	*about = (struct pubkey_about){ .is_cert = cert_is(blob, n) };
	if (about->is_cert) {
		if (cert_parse(blob, n, &cert, &why) != 0)
			return -1;
		t = find(blob_of(cert.alg->key_type, strlen(cert.alg->key_type)));
		in = cert.key;
	}
	if (t == NULL || in.bad)
		return -1;
	about->name = about->is_cert ? t->cert_name : t->name;
	return describe_fields(t, in, about);
}

int
pubkey_digest(const char *hash, const uint8_t *blob, size_t n, uint8_t out[PUBKEY_DIGEST_MAX],
    size_t *len)
{
	static const char *const hashes[][2] = { { "sha256", "SHA2-256" }, { "md5", "MD5" },
		{ "sha1", "SHA1" }, { "sha384", "SHA2-384" }, { "sha512", "SHA2-512" } };
	uint8_t plain[KEY_BLOB_MAX];
	struct cert cert;
	const char *why;
	size_t i = 0;

	if (cert_is(blob, n)) {
		if (cert_parse(blob, n, &cert, &why) != 0 ||
		    cert_plain(&cert, plain, sizeof(plain), &n) != 0)
			return -1;
		blob = plain;
	}
	while (i < sizeof(hashes) / sizeof(hashes[0]) && strcasecmp(hashes[i][0], hash) != 0)
		i++;
	return i < sizeof(hashes) / sizeof(hashes[0]) &&
	    EVP_Q_digest(NULL, hashes[i][1], NULL, blob, n, out, len) == 1 ? 0 : -1;
}

/* ---- to OpenSSL ---- */

struct params {
	OSSL_PARAM_BLD *build;
	BIGNUM *numbers[4];
	size_t used;
	bool bad;
};

static void
push(struct params *p, const char *name, struct blob number)
{
	BIGNUM *bn = number.bad ? NULL : BN_bin2bn(number.p, (int)number.n, NULL);

	if (bn == NULL || OSSL_PARAM_BLD_push_BN(p->build, name, bn) != 1)
		p->bad = true;
	p->numbers[p->used++] = bn;
}

static EVP_PKEY *
from_params(struct params *p, const char *algorithm)
{
	OSSL_PARAM *params = p->bad ? NULL : OSSL_PARAM_BLD_to_param(p->build);
	EVP_PKEY *pkey = params != NULL ? sign_evp_key(algorithm, params, false) : NULL;

	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
to_ec(struct params *p, struct blob *in)
{
	static const char *const groups[][2] = { { "nistp256", "P-256" }, { "nistp384", "P-384" },
		{ "nistp521", "P-521" } };
	struct blob curve = blob_string(in, CURVE_MAX), point = blob_string(in, POINT_MAX);

	if (in->bad)
		return NULL;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (blob_is_name(curve, groups[i][0]) &&
		    OSSL_PARAM_BLD_push_utf8_string(p->build, OSSL_PKEY_PARAM_GROUP_NAME,
		    groups[i][1], 0) == 1 &&
		    OSSL_PARAM_BLD_push_octet_string(p->build, OSSL_PKEY_PARAM_PUB_KEY, point.p,
		    point.n) == 1)
			return from_params(p, "EC");
	return NULL;
}

static EVP_PKEY *
to_openssl(struct params *p, struct blob in)
{
	static const char *const dsa[] = { OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q,
		OSSL_PKEY_PARAM_FFC_G, OSSL_PKEY_PARAM_PUB_KEY };
	const struct type *t = find(blob_string(&in, NAME_MAX_LEN));
	struct blob point;

	if (t == NULL)
		return NULL;
	if (strcmp(t->name, "RSA") == 0) {
		push(p, OSSL_PKEY_PARAM_RSA_E, blob_mpint(&in, NUMBER_MAX));
		push(p, OSSL_PKEY_PARAM_RSA_N, blob_mpint(&in, NUMBER_MAX));
		return from_params(p, "RSA");
	}
	if (strcmp(t->name, "DSA") == 0) {
		for (size_t i = 0; i < sizeof(dsa) / sizeof(dsa[0]); i++)
			push(p, dsa[i], blob_mpint(&in, NUMBER_MAX));
		return from_params(p, "DSA");
	}
	if (strcmp(t->name, "ECDSA") == 0)
		return to_ec(p, &in);
	if (strcmp(t->name, "ED25519") != 0)
		return NULL;		/* of a token: nobody else's format */
	point = blob_string(&in, FIELD_MAX);
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point.p, point.n);
}

EVP_PKEY *
pubkey_to_openssl(const uint8_t *blob, size_t n)
{
	struct params p = { .build = OSSL_PARAM_BLD_new() };
	EVP_PKEY *pkey = p.build == NULL ? NULL : to_openssl(&p, blob_of(blob, n));

	for (size_t i = 0; i < p.used; i++)
		BN_free(p.numbers[i]);
	OSSL_PARAM_BLD_free(p.build);
	return pkey;
}

/* ---- from OpenSSL ---- */

static void
put_number(struct blob_out *out, EVP_PKEY *pkey, const char *name)
{
	uint8_t bytes[NUMBER_MAX];
	BIGNUM *bn = NULL;
	int n;

	if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1) {
		out->bad = true;
		return;
	}
	n = BN_bn2binpad(bn, bytes, sizeof(bytes));
	if (n < 0)
		out->bad = true;
	else
		blob_put_mpint(out, bytes, (size_t)n);
	BN_free(bn);
}

static void
put_name(struct blob_out *out, const char *name)
{
	blob_put_string(out, name, strlen(name));
}

static void
put_ec(struct blob_out *out, EVP_PKEY *pkey)
{
	static const char *const groups[][3] = {
		{ "prime256v1", "ecdsa-sha2-nistp256", "nistp256" },
		{ "secp384r1", "ecdsa-sha2-nistp384", "nistp384" },
		{ "secp521r1", "ecdsa-sha2-nistp521", "nistp521" },
	};
	char group[CURVE_MAX];
	uint8_t point[POINT_MAX];
	size_t n, i = 0;

	out->bad = true;
	if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
	    OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1 ||
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
	    EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
	    &n) != 1)
		return;
	while (i < sizeof(groups) / sizeof(groups[0]) && strcmp(groups[i][0], group) != 0)
		i++;
	if (i == sizeof(groups) / sizeof(groups[0]))
		return;
	out->bad = false;
	put_name(out, groups[i][1]);
	put_name(out, groups[i][2]);
	blob_put_string(out, point, n);
}

int
pubkey_from_openssl(EVP_PKEY *pkey, uint8_t *out, size_t cap, size_t *n)
{
	struct blob_out o = blob_out_of(out, cap);
	uint8_t point[32];
	size_t len = sizeof(point);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		put_name(&o, "ssh-rsa");
		put_number(&o, pkey, OSSL_PKEY_PARAM_RSA_E);
		put_number(&o, pkey, OSSL_PKEY_PARAM_RSA_N);
		break;
	case EVP_PKEY_DSA:
		put_name(&o, "ssh-dss");
		put_number(&o, pkey, OSSL_PKEY_PARAM_FFC_P);
		put_number(&o, pkey, OSSL_PKEY_PARAM_FFC_Q);
		put_number(&o, pkey, OSSL_PKEY_PARAM_FFC_G);
		put_number(&o, pkey, OSSL_PKEY_PARAM_PUB_KEY);
		break;
	case EVP_PKEY_EC:
		put_ec(&o, pkey);
		break;
	case EVP_PKEY_ED25519:
		if (EVP_PKEY_get_raw_public_key(pkey, point, &len) != 1)
			return -1;
		put_name(&o, "ssh-ed25519");
		blob_put_string(&o, point, len);
		break;
	default:
		return -1;
	}
	*n = o.n;
	return o.bad ? -1 : 0;
}
