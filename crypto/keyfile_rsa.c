/*
 * keyfile_rsa.c - RSA keys from a file's numbers into their fixed form, four mpints:
 * d, iqmp, p, q.
 *
 * A signature made by the Chinese remainder theorem with one wrong half gives the
 * factors away to whoever sees it (Boneh, DeMillo, Lipton 1997).  So nothing is
 * believed: p q = n, d is the inverse of e for both primes, iqmp that of q.  Sizes are
 * bounded before anything is computed with them.
 */
#include <openssl/bn.h>

#include "crypto/blob.h"
#include "crypto/keyfile_type.h"

static const char rsa_name[] = "ssh-rsa";

enum { RSA_E_BITS_MAX = 64 };

struct rsa {
	BIGNUM *n, *e, *d, *iqmp, *p, *q, *t, *u;
	BN_CTX *ctx;
};

static void
unload(struct rsa *k)
{
	BN_free(k->n);
	BN_free(k->e);
	BN_clear_free(k->d);
	BN_clear_free(k->iqmp);
	BN_clear_free(k->p);
	BN_clear_free(k->q);
	BN_clear_free(k->t);
	BN_clear_free(k->u);
	BN_CTX_free(k->ctx);		/* wipes what it lent */
}

/* d e = 1 modulo prime - 1. */
static bool
inverse_for(struct rsa *k, const BIGNUM *prime)
{
	return BN_is_odd(prime) && !BN_is_one(prime) &&
	    BN_sub(k->u, prime, BN_value_one()) == 1 &&
	    BN_mod_mul(k->t, k->d, k->e, k->u, k->ctx) == 1 && BN_is_one(k->t);
}

static bool
consistent(struct rsa *k)
{
	k->t = BN_new();
	k->u = BN_new();
	k->ctx = BN_CTX_secure_new();
	if (k->t == NULL || k->u == NULL || k->ctx == NULL)
		return false;
	return BN_is_odd(k->e) && !BN_is_one(k->e) && BN_num_bits(k->e) <= RSA_E_BITS_MAX &&
	    BN_mul(k->t, k->p, k->q, k->ctx) == 1 && BN_cmp(k->t, k->n) == 0 &&
	    BN_cmp(k->d, k->n) < 0 && inverse_for(k, k->p) && inverse_for(k, k->q) &&
	    BN_cmp(k->iqmp, k->p) < 0 &&
	    BN_mod_mul(k->t, k->iqmp, k->q, k->p, k->ctx) == 1 && BN_is_one(k->t);
}

static enum keyfile_result
write_form(const struct keyfile_rsa_numbers *in, struct keyfile_key *out)
{
	struct blob_out blob = blob_out_of(out->blob, sizeof(out->blob));
	struct blob_out secret = blob_out_of(out->secret, sizeof(out->secret));

	memcpy(out->alg, rsa_name, sizeof(rsa_name));
	blob_put_string(&blob, rsa_name, strlen(rsa_name));
	blob_put_mpint(&blob, in->e.p, in->e.n);
	blob_put_mpint(&blob, in->n.p, in->n.n);
	blob_put_mpint(&secret, in->d.p, in->d.n);
	blob_put_mpint(&secret, in->iqmp.p, in->iqmp.n);
	blob_put_mpint(&secret, in->p.p, in->p.n);
	blob_put_mpint(&secret, in->q.p, in->q.n);
	out->blob_len = blob.n;
	out->secret_len = secret.n;
	return blob.bad || secret.bad ? KEYFILE_DAMAGED : KEYFILE_OK;
}

enum keyfile_result
keyfile_rsa_make(const struct keyfile_rsa_numbers *in, struct keyfile_key *out)
{
	enum keyfile_result result = KEYFILE_DAMAGED;
	struct rsa k = { .n = NULL };

	if (in->n.n > KEYFILE_NUMBER_MAX)
		return KEYFILE_UNSUPPORTED;
	if (!keyfile_type_number(&k.n, in->n) || !keyfile_type_number(&k.e, in->e) ||
	    !keyfile_type_number(&k.d, in->d) || !keyfile_type_number(&k.iqmp, in->iqmp) ||
	    !keyfile_type_number(&k.p, in->p) || !keyfile_type_number(&k.q, in->q))
		goto end;
	if (!consistent(&k))
		goto end;
	result = BN_num_bits(k.n) >= KEYFILE_RSA_BITS_MIN ? write_form(in, out) : KEYFILE_TOO_SHORT;
end:
	unload(&k);
	return result;
}

static enum keyfile_result
rsa_openssh(const struct keyfile_type *type, struct blob *in, struct keyfile_key *out)
{
	struct keyfile_rsa_numbers k;

	(void)type;
	k.n = blob_mpint(in, KEYFILE_MAX);
	k.e = blob_mpint(in, KEYFILE_MAX);
	k.d = blob_mpint(in, KEYFILE_MAX);
	k.iqmp = blob_mpint(in, KEYFILE_MAX);
	k.p = blob_mpint(in, KEYFILE_MAX);
	k.q = blob_mpint(in, KEYFILE_MAX);
	return in->bad ? KEYFILE_DAMAGED : keyfile_rsa_make(&k, out);
}

static enum keyfile_result
rsa_putty(const struct keyfile_type *type, struct blob public, struct blob *private,
    struct keyfile_key *out)
{
	struct keyfile_rsa_numbers k;

	(void)type;
	k.e = blob_mpint(&public, KEYFILE_MAX);
	k.n = blob_mpint(&public, KEYFILE_MAX);
	k.d = blob_mpint(private, KEYFILE_MAX);
	k.p = blob_mpint(private, KEYFILE_MAX);
	k.q = blob_mpint(private, KEYFILE_MAX);
	k.iqmp = blob_mpint(private, KEYFILE_MAX);
	if (!blob_done(&public) || private->bad)
		return KEYFILE_DAMAGED;
	return keyfile_rsa_make(&k, out);
}

const struct keyfile_type keyfile_rsa = {
	.name = rsa_name, .openssh = rsa_openssh, .putty = rsa_putty,
};
