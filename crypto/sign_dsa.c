/*
 * sign_dsa.c - ssh-dss (RFC 4253 section 6.6): DSA of 1024 and 160 bits with SHA-1, by
 * OpenSSL.  Of yesterday: in no list but where it is named.
 *
 * Blobs and signatures come from the network.  The domain is not trusted either: its
 * sizes are fixed before any arithmetic, and generator and public value must be of the
 * group that p and q make, or a key could verify everything.  A signature is two
 * numbers of exactly 20 bytes; that they are between 0 and q is OpenSSL's to check.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/sign_evp.h"

static const char dsa_name[] = "ssh-dss";

enum {
	DSA_P = SIGN_DSA_P_BITS / 8,
	DSA_Q = SIGN_DSA_Q_BITS / 8,
	DSA_SIGNATURE = 2 * DSA_Q,
};

enum number { P, Q, G, Y, X, NUMBERS };
static const char *const number_names[NUMBERS] = {
	OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G,
	OSSL_PKEY_PARAM_PUB_KEY, OSSL_PKEY_PARAM_PRIV_KEY,
};
static const size_t number_len[NUMBERS] = { DSA_P, DSA_Q, DSA_P, DSA_P, DSA_Q };

/* All in this machine's order, padded. */
struct dsa_numbers {
	uint8_t p[DSA_P], q[DSA_Q], g[DSA_P], y[DSA_P], x[DSA_Q];
};

static uint8_t *
number_of(struct dsa_numbers *k, enum number which)
{
	uint8_t *const at[NUMBERS] = { k->p, k->q, k->g, k->y, k->x };

	return at[which];
}

static void
keep_number(struct dsa_numbers *k, enum number which, struct blob number)
{
	uint8_t padded[DSA_P] = { 0 };
	size_t len = number_len[which];

	memcpy(&padded[len - number.n], number.p, number.n);
	sign_evp_native(number_of(k, which), padded, len);
	crypto_wipe(padded, sizeof(padded));
}

/* ---- keys ---- */

/* y and g generate the subgroup of q elements: v^q = 1, 1 < v < p. */
static bool
in_subgroup(const BIGNUM *v, const BIGNUM *p, const BIGNUM *q, BN_CTX *ctx)
{
	BIGNUM *r = BN_CTX_get(ctx);

	return r != NULL && BN_cmp(v, BN_value_one()) > 0 && BN_cmp(v, p) < 0 &&
	    BN_mod_exp(r, v, q, p, ctx) == 1 && BN_is_one(r);
}

static bool
is_group(const struct blob number[NUMBERS])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n[NUMBERS] = { NULL };
	bool ok = ctx != NULL;

	for (size_t i = P; i <= Y; i++) {
		n[i] = BN_bin2bn(number[i].p, (int)number[i].n, NULL);
		ok = ok && n[i] != NULL;
	}
	if (ok) {
		BN_CTX_start(ctx);
		ok = BN_is_odd(n[P]) && BN_is_odd(n[Q]) && in_subgroup(n[G], n[P], n[Q], ctx) &&
		    in_subgroup(n[Y], n[P], n[Q], ctx);
		BN_CTX_end(ctx);
	}
	for (size_t i = P; i <= Y; i++)
		BN_free(n[i]);
	BN_CTX_free(ctx);
	return ok;
}

/* Exactly that many bits. */
static bool
is_full(struct blob number, size_t len)
{
	return number.n == len && (number.p[0] & 0x80) != 0;
}

static int
read_public(const uint8_t *blob, size_t blob_len, struct dsa_numbers *k)
{
	struct blob in = sign_named(blob, blob_len, dsa_name), number[NUMBERS];

	for (size_t i = P; i <= Y; i++)
		number[i] = blob_mpint(&in, number_len[i]);
	if (!blob_done(&in) || !is_full(number[P], DSA_P) || !is_full(number[Q], DSA_Q) ||
	    !is_group(number))
		return -1;
	for (size_t i = P; i <= Y; i++)
		keep_number(k, (enum number)i, number[i]);
	return 0;
}

static EVP_PKEY *
make_key(const struct dsa_numbers *k, bool is_private)
{
	OSSL_PARAM params[NUMBERS + 1];
	size_t n = is_private ? NUMBERS : X;

	/* OpenSSL only reads them */
	for (size_t i = 0; i < n; i++)
		params[i] = OSSL_PARAM_construct_BN(number_names[i],
		    number_of((struct dsa_numbers *)(uintptr_t)k, (enum number)i), number_len[i]);
	params[n] = OSSL_PARAM_construct_end();
	return sign_evp_key("DSA", params, is_private);
}

/* ---- the row ---- */

/* A number of a signature, without its leading zeros. */
static struct blob
take_number(struct blob *value)
{
	struct blob s = blob_take(value, DSA_Q);

	while (s.n > 0 && s.p[0] == 0)
		(void)blob_take(&s, 1);
	return s;
}

static int
dsa_verify(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len,
    const uint8_t *sig, size_t sig_len)
{
	struct blob in = sign_named(sig, sig_len, dsa_name);
	struct blob value = blob_string(&in, DSA_SIGNATURE), r, s;
	uint8_t der[SIGN_EVP_PAIR_MAX];
	struct dsa_numbers k;
	EVP_PKEY *key;
	size_t n;
	int result;

	if (!blob_done(&in) || value.n != DSA_SIGNATURE || read_public(blob, blob_len, &k) != 0)
		return -1;
	r = take_number(&value);
	s = take_number(&value);
	n = sign_evp_pair(r, s, der);
	key = n > 0 ? make_key(&k, false) : NULL;
	if (key == NULL)
		return -1;
	result = sign_evp_verify(key, HASH_SHA1, data, data_len, der, n);
	EVP_PKEY_free(key);
	return result;
}

static int
dsa_sign(const struct sign_key *key, const uint8_t *data, size_t data_len, uint8_t *sig,
    size_t cap, size_t *sig_len)
{
	struct blob_out out = blob_out_of(sig, cap);
	uint8_t der[SIGN_EVP_PAIR_MAX], value[DSA_SIGNATURE];
	size_t n = sizeof(der);
	EVP_PKEY *pkey;
	int r;

	if (key->alg != &sign_dsa || cap < 4 + sizeof(dsa_name) - 1 + 4 + DSA_SIGNATURE)
		return -1;
	pkey = make_key((const void *)key->secret, true);
	if (pkey == NULL)
		return -1;
	r = sign_evp_sign(pkey, HASH_SHA1, data, data_len, der, &n);
	EVP_PKEY_free(pkey);
	if (r != 0 || sign_evp_unpair(der, n, DSA_Q, value, &value[DSA_Q]) != 0)
		return -1;
	blob_put_string(&out, dsa_name, sizeof(dsa_name) - 1);
	blob_put_string(&out, value, sizeof(value));
	*sig_len = out.n;
	return out.bad ? -1 : 0;
}

static struct sign_key *
dsa_load(const uint8_t *blob, size_t blob_len, const uint8_t *secret, size_t secret_len)
{
	struct blob in = blob_of(secret, secret_len);
	struct blob x = blob_mpint(&in, DSA_Q);
	struct sign_key *key;
	struct dsa_numbers *k;

	if (!blob_done(&in) || x.n == 0)
		return NULL;
	key = sign_key_new(&sign_dsa, sizeof(*k));
	if (key == NULL)
		return NULL;
	k = (void *)key->secret;
	if (read_public(blob, blob_len, k) == 0) {
		keep_number(k, X, x);
		if (sign_key_works(key, blob, blob_len))
			return key;
	}
	sign_key_free(key);
	return NULL;
}

static bool
dsa_has(void)
{
	return sign_evp_has("DSA", HASH_SHA1);
}

static void
dsa_put(const struct sign_key *key, const uint8_t *blob, size_t blob_len, struct blob_out *out)
{
	const struct dsa_numbers *k = (const void *)key->secret;
	uint8_t x[DSA_Q];

	sign_evp_native(x, k->x, sizeof(x));	/* and back */
	blob_put(out, blob, blob_len);
	blob_put_mpint(out, x, sizeof(x));
	crypto_wipe(x, sizeof(x));
}

const struct sign_alg sign_dsa = {
	.name = dsa_name,
	.key_type = dsa_name,
	.has = dsa_has,
	.verify = dsa_verify,
	.sign = dsa_sign,
	.load = dsa_load,
	.put = dsa_put,
};
