/*
 * keyfile_dsa.c - DSA keys from a file's numbers into their fixed form, one mpint: x.
 *
 * ssh-dss has room for numbers of 160 bits only (RFC 4253 section 6.6), so a larger q,
 * as newer standards have it, is not supported, nor a p that signatures are not made
 * with.  The group is judged before anything
 * is raised to a power in it: g must be of order q, and y the power of x.
 */
#include <openssl/bn.h>

#include "crypto/blob.h"
#include "crypto/keyfile_type.h"
#include "crypto/sign.h"

static const char dsa_name[] = "ssh-dss";

struct dsa {
	BIGNUM *p, *q, *g, *y, *x, *t;
	BN_CTX *ctx;
};

static void
unload(struct dsa *k)
{
	BN_free(k->p);
	BN_free(k->q);
	BN_free(k->g);
	BN_free(k->y);
	BN_clear_free(k->x);
	BN_free(k->t);
	BN_CTX_free(k->ctx);
}

/* p, q and g: q divides p - 1, and g is of order q. */
static bool
is_group(struct dsa *k)
{
	return BN_is_odd(k->p) && !BN_is_one(k->g) && BN_cmp(k->g, k->p) < 0 &&
	    BN_mod(k->t, k->p, k->q, k->ctx) == 1 && BN_is_one(k->t) &&
	    BN_mod_exp(k->t, k->g, k->q, k->p, k->ctx) == 1 && BN_is_one(k->t);
}

static bool
belong_together(struct dsa *k)
{
	BN_set_flags(k->x, BN_FLG_CONSTTIME);
	return !BN_is_zero(k->x) && BN_cmp(k->x, k->q) < 0 && BN_mod_exp(k->t, k->g, k->x, k->p, k->ctx) == 1 &&
	    BN_cmp(k->t, k->y) == 0;
}

enum keyfile_result
keyfile_dsa_make(const struct keyfile_dsa_numbers *in, struct keyfile_key *out)
{
	struct blob_out blob = blob_out_of(out->blob, sizeof(out->blob));
	struct blob_out secret = blob_out_of(out->secret, sizeof(out->secret));
	struct dsa k = { .t = BN_new(), .ctx = BN_CTX_new() };
	enum keyfile_result result = KEYFILE_DAMAGED;

	if (k.t == NULL || k.ctx == NULL || !keyfile_type_number(&k.p, in->p) ||
	    !keyfile_type_number(&k.q, in->q) || !keyfile_type_number(&k.g, in->g) ||
	    !keyfile_type_number(&k.y, in->y) || !keyfile_type_number(&k.x, in->x))
		goto end;
	if (BN_num_bits(k.q) != SIGN_DSA_Q_BITS || BN_num_bits(k.p) != SIGN_DSA_P_BITS) {
		result = KEYFILE_UNSUPPORTED;
		goto end;
	}
	if (!is_group(&k) || !belong_together(&k))
		goto end;
	memcpy(out->alg, dsa_name, sizeof(dsa_name));
	blob_put_string(&blob, dsa_name, strlen(dsa_name));
	blob_put_mpint(&blob, in->p.p, in->p.n);
	blob_put_mpint(&blob, in->q.p, in->q.n);
	blob_put_mpint(&blob, in->g.p, in->g.n);
	blob_put_mpint(&blob, in->y.p, in->y.n);
	blob_put_mpint(&secret, in->x.p, in->x.n);
	out->blob_len = blob.n;
	out->secret_len = secret.n;
	if (!blob.bad && !secret.bad)
		result = KEYFILE_OK;
end:
	unload(&k);
	return result;
}

static void
read_public(struct blob *in, struct keyfile_dsa_numbers *k)
{
	k->p = blob_mpint(in, KEYFILE_MAX);
	k->q = blob_mpint(in, KEYFILE_MAX);
	k->g = blob_mpint(in, KEYFILE_MAX);
	k->y = blob_mpint(in, KEYFILE_MAX);
}

static enum keyfile_result
dsa_openssh(const struct keyfile_type *type, struct blob *in, struct keyfile_key *out)
{
	struct keyfile_dsa_numbers k;

	(void)type;
	read_public(in, &k);
	k.x = blob_mpint(in, KEYFILE_MAX);
	return in->bad ? KEYFILE_DAMAGED : keyfile_dsa_make(&k, out);
}

static enum keyfile_result
dsa_putty(const struct keyfile_type *type, struct blob public, struct blob *private,
    struct keyfile_key *out)
{
	struct keyfile_dsa_numbers k;

	(void)type;
	read_public(&public, &k);
	k.x = blob_mpint(private, KEYFILE_MAX);
	if (!blob_done(&public) || private->bad)
		return KEYFILE_DAMAGED;
	return keyfile_dsa_make(&k, out);
}

const struct keyfile_type keyfile_dsa = {
	.name = dsa_name, .openssh = dsa_openssh, .putty = dsa_putty,
};
