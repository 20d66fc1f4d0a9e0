/*
 * kex_ecdh.c - ecdh-sha2-nistp256, -nistp384 and -nistp521 (RFC 5656 section 4), by
 * OpenSSL's curves.
 *
 * The peer's public value is any bytes an attacker likes, of the right length.  A point
 * that is not on the curve would give away the private key modulo small numbers: only the
 * uncompressed form is taken, and OpenSSL checks the equation.  The point at infinity has
 * no such form, and the cofactor is 1, so there are no points of small order.  Private
 * numbers go through the multiplications of OpenSSL whose time and memory accesses do not
 * depend on them.  An ephemeral key must never serve twice.
 */
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>

#include "crypto/kex.h"
#include "crypto/kex_curve.h"

enum { UNCOMPRESSED = 4 };		/* SEC 1 section 2.3.3 */

enum nist { P256, P384, P521, NIST_CURVES };
static const struct {
	int nid;
	size_t public_len, secret_len;	/* a private number is as long as a coordinate */
	uint8_t top;			/* what a private number has of its first byte */
} nist_rows[NIST_CURVES] = {
	[P256] = { NID_X9_62_prime256v1, NISTP256_PUBLIC, NISTP256_SECRET, 0xff },
	[P384] = { NID_secp384r1,	 NISTP384_PUBLIC, NISTP384_SECRET, 0xff },
	[P521] = { NID_secp521r1,	 NISTP521_PUBLIC, NISTP521_SECRET, 0x01 },
};

/* Set once by kex_ecdh_start, read only afterwards. */
static EC_GROUP *nist_groups[NIST_CURVES];

int
kex_ecdh_start(void)
{
	for (size_t i = 0; i < NIST_CURVES; i++) {
		if (nist_groups[i] != NULL)
			continue;
		nist_groups[i] = EC_GROUP_new_by_curve_name(nist_rows[i].nid);
		if (nist_groups[i] == NULL)
			return -1;
	}
	return 0;
}

static bool
nist_has(void)
{
	return kex_ecdh_start() == 0;
}

/* What one multiplication needs; wiped with OpenSSL's own pool. */
struct numbers {
	BN_CTX *ctx;
	BIGNUM *private, *x;
	EC_POINT *in, *out;
};

static void
numbers_free(struct numbers *n)
{
	BN_clear_free(n->private);
	BN_clear_free(n->x);
	EC_POINT_free(n->in);
	EC_POINT_clear_free(n->out);
	BN_CTX_free(n->ctx);
}

static int
numbers_new(struct numbers *n, enum nist curve)
{
	const EC_GROUP *group = nist_groups[curve];

	*n = (struct numbers){ .ctx = NULL };
	if (group == NULL)
		return -1;
	*n = (struct numbers){ .ctx = BN_CTX_new(), .private = BN_new(), .x = BN_new(),
		.in = EC_POINT_new(group), .out = EC_POINT_new(group) };
	if (n->ctx == NULL || n->private == NULL || n->x == NULL || n->in == NULL ||
	    n->out == NULL) {
		numbers_free(n);
		return -1;
	}
	return 0;
}

/* A number from 1 to the order less one, each as likely as the other.  What the comparison
 * may tell of a number that was taken is that it was not one of the few above. */
static int
make_private(struct numbers *n, enum nist curve, uint8_t *private)
{
	const BIGNUM *order = EC_GROUP_get0_order(nist_groups[curve]);
	size_t len = nist_rows[curve].secret_len;

	do {
		crypto_random(private, len);
		private[0] &= nist_rows[curve].top;
		if (BN_bin2bn(private, (int)len, n->private) == NULL)
			return -1;
	} while (BN_is_zero(n->private) || BN_cmp(n->private, order) >= 0);
	return 0;
}

static int
nist_keygen(enum nist curve, uint8_t *public, uint8_t *private)
{
	struct numbers n;
	int r = -1;

	if (numbers_new(&n, curve) != 0)
		return -1;
	if (make_private(&n, curve, private) == 0 &&
	    EC_POINT_mul(nist_groups[curve], n.out, n.private, NULL, NULL, n.ctx) == 1 &&
	    EC_POINT_point2oct(nist_groups[curve], n.out, POINT_CONVERSION_UNCOMPRESSED, public,
	    nist_rows[curve].public_len, n.ctx) == nist_rows[curve].public_len)
		r = 0;
	numbers_free(&n);
	if (r != 0)
		crypto_wipe(private, nist_rows[curve].secret_len);
	return r;
}

static int
nist_derive(enum nist curve, const uint8_t *private, const uint8_t *peer, uint8_t *secret)
{
	const EC_GROUP *group = nist_groups[curve];
	size_t len = nist_rows[curve].secret_len;
	struct numbers n;
	int r = -1;

	if (peer[0] != UNCOMPRESSED || sodium_is_zero(private, len) == 1 ||
	    numbers_new(&n, curve) != 0) {
		crypto_wipe(secret, len);
		return -1;
	}
	if (EC_POINT_oct2point(group, n.in, peer, nist_rows[curve].public_len, n.ctx) == 1 &&
	    EC_POINT_is_on_curve(group, n.in, n.ctx) == 1 &&
	    BN_bin2bn(private, (int)len, n.private) != NULL &&
	    EC_POINT_mul(group, n.out, NULL, n.in, n.private, n.ctx) == 1 &&
	    EC_POINT_is_at_infinity(group, n.out) == 0 &&
	    EC_POINT_get_affine_coordinates(group, n.out, n.x, NULL, n.ctx) == 1 &&
	    BN_bn2binpad(n.x, secret, (int)len) == (int)len)
		r = 0;
	numbers_free(&n);
	if (r != 0)
		crypto_wipe(secret, len);
	return r;
}

/* ---- curves and rows ---- */

#define NIST(name_, curve_)								\
static int										\
name_##_keygen(uint8_t *public, uint8_t *private)					\
{											\
	return nist_keygen(curve_, public, private);					\
}											\
static int										\
name_##_derive(const uint8_t *private, const uint8_t *peer, uint8_t *secret)		\
{											\
	return nist_derive(curve_, private, peer, secret);				\
}

#define NIST_CURVE(name_, size_) {							\
	.public_len = size_##_PUBLIC, .private_len = size_##_SECRET,			\
	.secret_len = size_##_SECRET, .keygen = name_##_keygen, .derive = name_##_derive }

#define NIST_ROW(name_, size_, hash_, like_) {						\
	.name = "ecdh-sha2-" #name_, .hash = hash_, .has = nist_has, .like = like_,	\
	.client_len = size_##_PUBLIC, .server_len = size_##_PUBLIC,			\
	.secret_len = size_##_SECRET, .start = name_##_start, .answer = name_##_answer,	\
	.finish = name_##_finish }

NIST(nistp256, P256)
NIST(nistp384, P384)
NIST(nistp521, P521)

const struct kex_curve kex_nistp256 = NIST_CURVE(nistp256, NISTP256);
const struct kex_curve kex_nistp384 = NIST_CURVE(nistp384, NISTP384);
const struct kex_curve kex_nistp521 = NIST_CURVE(nistp521, NISTP521);

KEX_CURVE_STEPS(nistp256, kex_nistp256)
KEX_CURVE_STEPS(nistp384, kex_nistp384)
KEX_CURVE_STEPS(nistp521, kex_nistp521)

/* RFC 5656 section 6.2.1 says which hash; an exchange on P-384 takes 3 ms. */
const struct kex_alg kex_ecdh_nistp256 = NIST_ROW(nistp256, NISTP256, HASH_SHA256, NULL);
const struct kex_alg kex_ecdh_nistp384 = NIST_ROW(nistp384, NISTP384, HASH_SHA384,
    &kex_ecdh_nistp256);
const struct kex_alg kex_ecdh_nistp521 = NIST_ROW(nistp521, NISTP521, HASH_SHA512,
    &kex_ecdh_nistp256);
