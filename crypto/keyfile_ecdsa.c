/*
 * keyfile_ecdsa.c - keys on the NIST curves from a file's fields into their fixed form
 * (RFC 5656 section 3.1).
 *
 * The point is computed from the scalar, never taken from the file, and must be the
 * one that stands there: a signature under another point than the scalar's own would
 * tell something of the scalar.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/blob.h"
#include "crypto/keyfile_type.h"

struct curve {
	const char *name, *openssl_name;
	int nid;
	size_t size;			/* bytes of a scalar or a coordinate */
};
static const struct curve curves[] = {
	{ "nistp256", "prime256v1", NID_X9_62_prime256v1, 32 },
	{ "nistp384", "secp384r1", NID_secp384r1, 48 },
	{ "nistp521", "secp521r1", NID_secp521r1, 66 },
};
enum {
	CURVES = sizeof(curves) / sizeof(curves[0]),
	ECDSA_SCALAR_MAX = 66,
	ECDSA_POINT_MAX = 1 + 2 * ECDSA_SCALAR_MAX,
	ECDSA_CURVE_NAME_MAX = 8,
};
_Static_assert((int)ECDSA_SCALAR_MAX <= (int)KEYFILE_SECRET_MAX, "a scalar fits");

static size_t
find_curve(const char *name)
{
	size_t i = 0;

	while (i < CURVES && strcmp(curves[i].name, name) != 0 &&
	    strcmp(curves[i].openssl_name, name) != 0)
		i++;
	return i;
}

/* The point of the scalar, uncompressed.  0: no scalar of this curve, or no memory. */
static size_t
derive(const struct curve *c, struct blob scalar, uint8_t *point, uint8_t *fixed)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(c->nid);
	EC_POINT *q = group == NULL ? NULL : EC_POINT_new(group);
	BIGNUM *d = BN_bin2bn(scalar.p, (int)scalar.n, NULL);
	size_t n = 0;

	if (q == NULL || d == NULL)
		goto end;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0 ||
	    EC_POINT_mul(group, q, d, NULL, NULL, NULL) != 1 ||
	    BN_bn2binpad(d, fixed, (int)c->size) != (int)c->size)
		goto end;
	n = EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point, ECDSA_POINT_MAX, NULL);
end:
	BN_clear_free(d);
	EC_POINT_free(q);
	EC_GROUP_free(group);
	return n;
}

/* derived is uncompressed; point as a file has it, which may be compressed in DER: then
 * it is x, and y's lowest bit in the first byte (SEC 1, section 2.3.3). */
static bool
is_point(struct blob point, const uint8_t *derived, size_t n)
{
	size_t coordinate = (n - 1) / 2;

	if (point.n == n)
		return memcmp(point.p, derived, n) == 0;
	return point.n == 1 + coordinate && memcmp(point.p + 1, derived + 1, coordinate) == 0 &&
	    point.p[0] == (POINT_CONVERSION_COMPRESSED | (derived[n - 1] & 1));
}

enum keyfile_result
keyfile_ecdsa_make(const char *curve, struct blob scalar, struct blob point,
    struct keyfile_key *out)
{
	struct blob_out blob = blob_out_of(out->blob, sizeof(out->blob));
	size_t i = find_curve(curve), n;
	uint8_t derived[ECDSA_POINT_MAX];

	if (i == CURVES)
		return KEYFILE_UNSUPPORTED;
	if (scalar.bad || point.bad || scalar.n > ECDSA_SCALAR_MAX)
		return KEYFILE_DAMAGED;
	n = derive(&curves[i], scalar, derived, out->secret);
	if (n == 0 || (point.n != 0 && !is_point(point, derived, n)))
		return KEYFILE_DAMAGED;
	out->secret_len = curves[i].size;
	memcpy(out->alg, keyfile_ecdsa[i].name, strlen(keyfile_ecdsa[i].name) + 1);
	blob_put_string(&blob, keyfile_ecdsa[i].name, strlen(keyfile_ecdsa[i].name));
	blob_put_string(&blob, curves[i].name, strlen(curves[i].name));
	blob_put_string(&blob, derived, n);
	out->blob_len = blob.n;
	return blob.bad ? KEYFILE_DAMAGED : KEYFILE_OK;
}

/* The public half's two fields and the scalar; a type and its curve must be one. */
static enum keyfile_result
ecdsa_fields(const struct keyfile_type *type, struct blob *public, struct blob *private,
    struct keyfile_key *out)
{
	const struct curve *c = &curves[type - keyfile_ecdsa];
	struct blob name, point, scalar;

	name = blob_string(public, ECDSA_CURVE_NAME_MAX);
	point = blob_string(public, ECDSA_POINT_MAX);
	scalar = blob_mpint(private, ECDSA_SCALAR_MAX);
	if (public->bad || private->bad || point.n == 0 || !blob_is_name(name, c->name))
		return KEYFILE_DAMAGED;
	return keyfile_ecdsa_make(c->name, scalar, point, out);
}

static enum keyfile_result
ecdsa_openssh(const struct keyfile_type *type, struct blob *in, struct keyfile_key *out)
{
	return ecdsa_fields(type, in, in, out);
}

static enum keyfile_result
ecdsa_putty(const struct keyfile_type *type, struct blob public, struct blob *private,
    struct keyfile_key *out)
{
	enum keyfile_result result = ecdsa_fields(type, &public, private, out);

	return result == KEYFILE_OK && !blob_done(&public) ? KEYFILE_DAMAGED : result;
}

const struct keyfile_type keyfile_ecdsa[CURVES] = {
	{ "ecdsa-sha2-nistp256", ecdsa_openssh, ecdsa_putty, false },
	{ "ecdsa-sha2-nistp384", ecdsa_openssh, ecdsa_putty, false },
	{ "ecdsa-sha2-nistp521", ecdsa_openssh, ecdsa_putty, false },
};
