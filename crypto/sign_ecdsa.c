/*
 * sign_ecdsa.c - ecdsa-sha2-nistp256, -nistp384 and -nistp521 (RFC 5656 section 3), by
 * OpenSSL.
 *
 * Blobs and signatures come from the network.  The curve stands in the key's blob
 * twice, and both must be the row's; the point must be uncompressed, of the curve's
 * length and on the curve, or the answer to a key could be about another.  r and s
 * have one encoding each; that both are between 0 and the order is OpenSSL's to check.
 * A private scalar must be in range and fit the public point: anything else, once
 * signed with, gives something away.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/sign_evp.h"

enum { EC_LEN_MAX = 66, EC_POINT_MAX = 1 + 2 * EC_LEN_MAX, EC_UNCOMPRESSED = 4 };

struct curve {
	const char *name, *group;	/* RFC 5656's, OpenSSL's */
	size_t len;			/* bytes of a coordinate and of the order */
	enum hash_id hash;
};
static const struct curve nistp256 = { "nistp256", "P-256", 32, HASH_SHA256 };
static const struct curve nistp384 = { "nistp384", "P-384", 48, HASH_SHA384 };
static const struct curve nistp521 = { "nistp521", "P-521", 66, HASH_SHA512 };

static EVP_PKEY *
make_key(const struct curve *c, struct blob point, const uint8_t *scalar)
{
	OSSL_PARAM params[4], *p = params;

	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	    (char *)(uintptr_t)c->group, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    (uint8_t *)(uintptr_t)point.p, point.n);
	if (scalar != NULL)
		*p++ = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY,
		    (uint8_t *)(uintptr_t)scalar, c->len);
	*p = OSSL_PARAM_construct_end();
	/* refuses a point that is not on the curve */
	return sign_evp_key("EC", params, scalar != NULL);
}

/* The point of a key blob; bad when it is not this curve's. */
static struct blob
read_point(const struct curve *c, struct blob *in)
{
	struct blob curve = blob_string(in, NAME_MAX_LEN);
	struct blob point = blob_string(in, EC_POINT_MAX);

	if (!blob_is_name(curve, c->name) || point.n != 1 + 2 * c->len ||
	    point.p[0] != EC_UNCOMPRESSED)
		in->bad = point.bad = true;
	return point;
}

static int
verify_pair(const struct curve *c, struct blob point, const uint8_t *data, size_t data_len,
    struct blob value)
{
	struct blob r = blob_mpint(&value, c->len), s = blob_mpint(&value, c->len);
	uint8_t der[SIGN_EVP_PAIR_MAX];
	size_t n = blob_done(&value) ? sign_evp_pair(r, s, der) : 0;
	EVP_PKEY *key = n > 0 ? make_key(c, point, NULL) : NULL;
	int result;

	if (key == NULL)
		return -1;
	result = sign_evp_verify(key, c->hash, data, data_len, der, n);
	EVP_PKEY_free(key);
	return result;
}

static int
ecdsa_verify(const struct sign_alg *row, const struct curve *c, const uint8_t *blob,
    size_t blob_len, const uint8_t *data, size_t data_len, const uint8_t *sig, size_t sig_len)
{
	struct blob key = sign_named(blob, blob_len, row->key_type);
	struct blob point = read_point(c, &key);
	struct blob in = sign_named(sig, sig_len, row->name);
	struct blob value = blob_string(&in, SIGNATURE_MAX);

	if (!blob_done(&key) || !blob_done(&in))
		return -1;
	return verify_pair(c, point, data, data_len, value);
}

struct blob
sign_ecdsa_point(struct blob *in)
{
	return read_point(&nistp256, in);
}

int
sign_ecdsa_check(struct blob point, const uint8_t *data, size_t data_len, struct blob pair)
{
	return verify_pair(&nistp256, point, data, data_len, pair);
}

/* ---- private keys: the scalar in this machine's order, then the point ---- */

static int
ecdsa_sign(const struct sign_alg *row, const struct curve *c, const struct sign_key *key,
    const uint8_t *data, size_t data_len, uint8_t *sig, size_t cap, size_t *sig_len)
{
	uint8_t der[SIGN_EVP_PAIR_MAX], r[EC_LEN_MAX], s[EC_LEN_MAX];
	uint8_t pair[2 * (4 + 1 + EC_LEN_MAX)];
	struct blob_out value = blob_out_of(pair, sizeof(pair)), out = blob_out_of(sig, cap);
	size_t n = sizeof(der);
	EVP_PKEY *pkey;
	int result;

	/* the longest it can get, whatever this signature's numbers are */
	if (key->alg != row || cap < 4 + strlen(row->name) + 4 + 2 * (4 + 1 + c->len))
		return -1;
	pkey = make_key(c, blob_of(&key->secret[c->len], 1 + 2 * c->len), key->secret);
	if (pkey == NULL)
		return -1;
	result = sign_evp_sign(pkey, c->hash, data, data_len, der, &n);
	EVP_PKEY_free(pkey);
	if (result != 0 || sign_evp_unpair(der, n, c->len, r, s) != 0)
		return -1;
	blob_put_mpint(&value, r, c->len);
	blob_put_mpint(&value, s, c->len);
	blob_put_string(&out, row->name, strlen(row->name));
	blob_put_string(&out, pair, value.n);
	*sig_len = out.n;
	return value.bad || out.bad ? -1 : 0;
}

static bool
in_range(const struct curve *c, const struct sign_key *key)
{
	EVP_PKEY *pkey = make_key(c, blob_of(&key->secret[c->len], 1 + 2 * c->len), key->secret);
	BIGNUM *scalar = BN_secure_new(), *order = NULL;
	bool ok;

	ok = pkey != NULL && scalar != NULL &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_ORDER, &order) == 1 &&
	    BN_native2bn(key->secret, (int)c->len, scalar) != NULL &&
	    !BN_is_zero(scalar) && BN_cmp(scalar, order) < 0;
	BN_clear_free(scalar);
	BN_free(order);
	EVP_PKEY_free(pkey);
	return ok;
}

static struct sign_key *
ecdsa_load(const struct sign_alg *row, const struct curve *c, const uint8_t *blob,
    size_t blob_len, const uint8_t *secret, size_t secret_len)
{
	struct blob in = sign_named(blob, blob_len, row->key_type);
	struct blob point = read_point(c, &in);
	struct sign_key *key;

	if (!blob_done(&in) || secret_len != c->len)
		return NULL;
	key = sign_key_new(row, c->len + point.n);
	if (key == NULL)
		return NULL;
	sign_evp_native(key->secret, secret, c->len);
	memcpy(&key->secret[c->len], point.p, point.n);
	if (!in_range(c, key) || !sign_key_works(key, blob, blob_len)) {
		sign_key_free(key);
		return NULL;
	}
	return key;
}

static void
ecdsa_put(const struct curve *c, const struct sign_key *key, const uint8_t *blob,
    size_t blob_len, struct blob_out *out)
{
	uint8_t scalar[EC_LEN_MAX];

	sign_evp_native(scalar, key->secret, c->len);	/* and back */
	blob_put(out, blob, blob_len);
	blob_put_mpint(out, scalar, c->len);
	crypto_wipe(scalar, sizeof(scalar));
}

/* ---- rows ---- */

#define ECDSA_ROW(curve) \
static bool \
curve##_has(void) \
{ \
	return sign_evp_has("EC", curve.hash); \
} \
static int \
curve##_verify(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len, \
    const uint8_t *sig, size_t sig_len) \
{ \
	return ecdsa_verify(&sign_ecdsa_##curve, &curve, blob, blob_len, data, data_len, sig, \
	    sig_len); \
} \
static int \
curve##_sign(const struct sign_key *key, const uint8_t *data, size_t data_len, uint8_t *sig, \
    size_t cap, size_t *sig_len) \
{ \
	return ecdsa_sign(&sign_ecdsa_##curve, &curve, key, data, data_len, sig, cap, sig_len); \
} \
static struct sign_key * \
curve##_load(const uint8_t *blob, size_t blob_len, const uint8_t *secret, size_t secret_len) \
{ \
	return ecdsa_load(&sign_ecdsa_##curve, &curve, blob, blob_len, secret, secret_len); \
} \
static void \
curve##_put(const struct sign_key *key, const uint8_t *blob, size_t blob_len, \
    struct blob_out *out) \
{ \
	ecdsa_put(&curve, key, blob, blob_len, out); \
} \
const struct sign_alg sign_ecdsa_##curve = { \
	.name = "ecdsa-sha2-" #curve, \
	.key_type = "ecdsa-sha2-" #curve, \
	.has = curve##_has, \
	.verify = curve##_verify, \
	.sign = curve##_sign, \
	.load = curve##_load, \
	.put = curve##_put, \
};
ECDSA_ROW(nistp256)
ECDSA_ROW(nistp384)
ECDSA_ROW(nistp521)
