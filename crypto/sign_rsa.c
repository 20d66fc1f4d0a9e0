/*
 * sign_rsa.c - RSA: rsa-sha2-512 and rsa-sha2-256 (RFC 8332) by keys of type ssh-rsa
 * (RFC 4253 section 6.6), by OpenSSL; and ssh-rsa, which is SHA-1 and of yesterday: in no
 * list but where it is named.
 *
 * Blobs and signatures come from the network.  Size and exponent are judged before any
 * arithmetic: the time of a check grows with both, and a peer chooses them.  The hash is
 * that of the row, which is the algorithm that was agreed on, and the name inside the
 * signature must be the same.  A signature has exactly the modulus' length: RFC 8332
 * section 3 allows shorter ones with their zeros cut off, but no peer of today makes
 * them.  A private key is never taken on the word of its file: both halves must work
 * together.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/sign_evp.h"

static const char rsa_type[] = "ssh-rsa";

enum {
	RSA_BITS_MIN = SIGN_RSA_BITS_MIN,
	RSA_BITS_MAX = 16384,
	RSA_MAX = RSA_BITS_MAX / 8,
	RSA_EXPONENT_MAX = 8,		/* bytes; everybody uses 17 bits or fewer */
};

/* In the order in which a key keeps them and OpenSSL is told. */
enum number { N, E, D, P, Q, DP, DQ, QINV, NUMBERS };
static const char *const number_names[NUMBERS] = {
	OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
	OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
	OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
	OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* ---- public keys ---- */

struct rsa_public {
	struct blob n, e;
};

static size_t
bits_of(struct blob number)
{
	size_t bits = number.n * 8;

	for (unsigned top = number.n > 0 ? number.p[0] : 0x80; (top & 0x80) == 0; top <<= 1)
		bits--;
	return bits;
}

static bool
is_odd(struct blob number)
{
	return number.n > 0 && (number.p[number.n - 1] & 1) != 0;
}

static int
read_public(const uint8_t *blob, size_t blob_len, struct rsa_public *key)
{
	struct blob in = sign_named(blob, blob_len, rsa_type);
	size_t bits;

	key->e = blob_mpint(&in, RSA_EXPONENT_MAX);
	key->n = blob_mpint(&in, RSA_MAX);
	if (!blob_done(&in))
		return -1;
	bits = bits_of(key->n);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || !is_odd(key->n) || !is_odd(key->e) ||
	    (key->e.n == 1 && key->e.p[0] < 3))
		return -1;
	return 0;
}

unsigned
sign_rsa_bits(const uint8_t *blob, size_t blob_len)
{
	struct rsa_public key;

	return read_public(blob, blob_len, &key) == 0 ? (unsigned)bits_of(key.n) : 0;
}

static EVP_PKEY *
public_key(const struct rsa_public *key)
{
	uint8_t n[RSA_MAX], e[RSA_EXPONENT_MAX];
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(number_names[N], n, key->n.n),
		OSSL_PARAM_construct_BN(number_names[E], e, key->e.n),
		OSSL_PARAM_construct_end(),
	};

	sign_evp_native(n, key->n.p, key->n.n);
	sign_evp_native(e, key->e.p, key->e.n);
	return sign_evp_key("RSA", params, false);
}

static int
rsa_verify(const struct sign_alg *row, enum hash_id hash, const uint8_t *blob, size_t blob_len,
    const uint8_t *data, size_t data_len, const uint8_t *sig, size_t sig_len)
{
	struct blob in = sign_named(sig, sig_len, row->name);
	struct blob value = blob_string(&in, RSA_MAX);
	struct rsa_public public;
	EVP_PKEY *key;
	int r;

	if (!blob_done(&in) || read_public(blob, blob_len, &public) != 0 ||
	    value.n != public.n.n)
		return -1;
	key = public_key(&public);
	if (key == NULL)
		return -1;
	r = sign_evp_verify(key, hash, data, data_len, value.p, value.n);
	EVP_PKEY_free(key);
	return r;
}

/* ---- private keys: all numbers in this machine's order, one behind the other ---- */

struct rsa_secret {
	size_t len[NUMBERS];
	uint8_t bytes[];
};

static EVP_PKEY *
private_key(const struct sign_key *key)
{
	const struct rsa_secret *s = (const void *)key->secret;
	OSSL_PARAM params[NUMBERS + 1];
	size_t at = 0;

	for (size_t i = 0; i < NUMBERS; i++) {
		params[i] = OSSL_PARAM_construct_BN(number_names[i],
		    (uint8_t *)(uintptr_t)&s->bytes[at], s->len[i]);
		at += s->len[i];
	}
	params[NUMBERS] = OSSL_PARAM_construct_end();
	return sign_evp_key("RSA", params, true);
}

static int
rsa_sign(const struct sign_alg *row, enum hash_id hash, const struct sign_key *key,
    const uint8_t *data, size_t data_len, uint8_t *sig, size_t cap, size_t *sig_len)
{
	struct blob_out out = blob_out_of(sig, cap);
	uint8_t value[RSA_MAX];
	size_t n = sizeof(value);
	EVP_PKEY *pkey;
	int r;

	if (key->alg->key_type != rsa_type)
		return -1;
	n = ((const struct rsa_secret *)(const void *)key->secret)->len[N];
	if (cap < 4 + strlen(row->name) + 4 + n || (pkey = private_key(key)) == NULL)
		return -1;
	r = sign_evp_sign(pkey, hash, data, data_len, value, &n);
	EVP_PKEY_free(pkey);
	if (r != 0)
		return -1;
	blob_put_string(&out, row->name, strlen(row->name));
	blob_put_string(&out, value, n);
	*sig_len = out.n;
	return out.bad ? -1 : 0;
}

/* ---- loading ---- */

/* The numbers of a key under test.  BN_CTX's own are wiped when it is freed. */
struct numbers {
	BIGNUM *at[NUMBERS];
	BIGNUM *less, *product;
};

static bool
read_secret(const uint8_t *secret, size_t secret_len, struct numbers *k)
{
	static const enum number order[] = { D, QINV, P, Q };	/* as keyfile.h says */
	struct blob in = blob_of(secret, secret_len), s;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		s = blob_mpint(&in, RSA_MAX);
		if (s.n == 0 || in.bad || BN_bin2bn(s.p, (int)s.n, k->at[order[i]]) == NULL)
			return false;
		BN_set_flags(k->at[order[i]], BN_FLG_CONSTTIME);
	}
	return blob_done(&in);
}

/* out = d mod (factor - 1), which speeds a signature up. */
static bool
reduced(struct numbers *k, enum number out, enum number factor, BN_CTX *ctx)
{
	BN_set_flags(k->less, BN_FLG_CONSTTIME);
	return BN_sub(k->less, k->at[factor], BN_value_one()) == 1 && !BN_is_zero(k->less) &&
	    BN_mod(k->at[out], k->at[D], k->less, ctx) == 1;
}

static bool
complete(const struct rsa_public *public, const uint8_t *secret, size_t secret_len,
    struct numbers *k, BN_CTX *ctx)
{
	return BN_bin2bn(public->n.p, (int)public->n.n, k->at[N]) != NULL &&
	    BN_bin2bn(public->e.p, (int)public->e.n, k->at[E]) != NULL &&
	    read_secret(secret, secret_len, k) &&
	    BN_mul(k->product, k->at[P], k->at[Q], ctx) == 1 &&
	    BN_cmp(k->product, k->at[N]) == 0 && BN_cmp(k->at[D], k->at[N]) < 0 &&
	    reduced(k, DP, P, ctx) && reduced(k, DQ, Q, ctx) &&
	    BN_mod_mul(k->product, k->at[QINV], k->at[Q], k->at[P], ctx) == 1 &&
	    BN_is_one(k->product);
}

static struct sign_key *
keep(const struct numbers *k)
{
	struct sign_key *key;
	struct rsa_secret *s;
	size_t n = sizeof(*s), at = 0;

	for (size_t i = 0; i < NUMBERS; i++)
		n += (size_t)BN_num_bytes(k->at[i]);
	key = sign_key_new(&sign_rsa_sha2_512, n);
	if (key == NULL)
		return NULL;
	s = (void *)key->secret;
	for (size_t i = 0; i < NUMBERS; i++) {
		s->len[i] = (size_t)BN_num_bytes(k->at[i]);
		if (BN_bn2nativepad(k->at[i], &s->bytes[at], (int)s->len[i]) < 0) {
			sign_key_free(key);
			return NULL;
		}
		at += s->len[i];
	}
	return key;
}

static struct sign_key *
rsa_load(const uint8_t *blob, size_t blob_len, const uint8_t *secret, size_t secret_len)
{
	struct rsa_public public;
	struct sign_key *key = NULL;
	struct numbers k;
	BN_CTX *ctx;

	if (read_public(blob, blob_len, &public) != 0 || (ctx = BN_CTX_secure_new()) == NULL)
		return NULL;
	BN_CTX_start(ctx);
	for (size_t i = 0; i < NUMBERS; i++)
		k.at[i] = BN_CTX_get(ctx);
	k.less = BN_CTX_get(ctx);
	k.product = BN_CTX_get(ctx);	/* the last is NULL if any is */
	if (k.product != NULL && complete(&public, secret, secret_len, &k, ctx))
		key = keep(&k);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	if (key != NULL && !sign_key_works(key, blob, blob_len)) {
		sign_key_free(key);
		key = NULL;
	}
	return key;
}

/* n before e, the other way round than in the blob. */
static void
rsa_put(const struct sign_key *key, const uint8_t *blob, size_t blob_len, struct blob_out *out)
{
	static const enum number order[] = { N, E, D, QINV, P, Q };
	const struct rsa_secret *s = (const void *)key->secret;
	uint8_t number[RSA_MAX];

	(void)blob;
	(void)blob_len;
	blob_put_string(out, rsa_type, sizeof(rsa_type) - 1);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t at = 0;

		for (size_t j = 0; j < order[i]; j++)
			at += s->len[j];
		sign_evp_native(number, &s->bytes[at], s->len[order[i]]);	/* and back */
		blob_put_mpint(out, number, s->len[order[i]]);
	}
	crypto_wipe(number, sizeof(number));
}

/* ---- rows ---- */

#define RSA_ROW(id, name_, hash) \
static bool \
id##_has(void) \
{ \
	return sign_evp_has("RSA", hash); \
} \
static int \
id##_verify(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len, \
    const uint8_t *sig, size_t sig_len) \
{ \
	return rsa_verify(&sign_##id, hash, blob, blob_len, data, data_len, sig, sig_len); \
} \
static int \
id##_sign(const struct sign_key *key, const uint8_t *data, size_t data_len, uint8_t *sig, \
    size_t cap, size_t *sig_len) \
{ \
	return rsa_sign(&sign_##id, hash, key, data, data_len, sig, cap, sig_len); \
} \
const struct sign_alg sign_##id = { \
	.name = name_, \
	.key_type = rsa_type, \
	.has = id##_has, \
	.verify = id##_verify, \
	.sign = id##_sign, \
	.load = rsa_load, \
	.put = rsa_put, \
};
RSA_ROW(rsa_sha2_512, "rsa-sha2-512", HASH_SHA512)
RSA_ROW(rsa_sha2_256, "rsa-sha2-256", HASH_SHA256)
RSA_ROW(rsa_sha1, rsa_type, HASH_SHA1)
