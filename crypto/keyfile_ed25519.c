/*
 * keyfile_ed25519.c - Ed25519 keys from a file's fields into their fixed form.
 *
 * The public half may stand in a file several times: all copies are compared with
 * the derived one, or somebody has mixed two keys, and signing would give the secret
 * away.
 */
#include <sodium.h>

#include "crypto/blob.h"
#include "crypto/keyfile_type.h"

static const char ed25519_name[] = "ssh-ed25519";

enum {
	ED25519_SEED = crypto_sign_SEEDBYTES,
	ED25519_PUBLIC = crypto_sign_PUBLICKEYBYTES,
	ED25519_SECRET = crypto_sign_SECRETKEYBYTES,
};
_Static_assert((int)ED25519_SEED <= (int)KEYFILE_SECRET_MAX, "a seed fits");

enum keyfile_result
keyfile_ed25519_make(struct blob seed, struct blob public, struct keyfile_key *out)
{
	struct blob_out blob = blob_out_of(out->blob, sizeof(out->blob));
	uint8_t derived[ED25519_PUBLIC], full[ED25519_SECRET];
	bool same;

	if (seed.bad || public.bad || seed.n != ED25519_SEED ||
	    (public.n != 0 && public.n != ED25519_PUBLIC) ||
	    crypto_sign_seed_keypair(derived, full, seed.p) != 0)
		return KEYFILE_DAMAGED;
	same = public.n == 0 || crypto_equal(derived, public.p, ED25519_PUBLIC);
	crypto_wipe(full, sizeof(full));
	if (!same)
		return KEYFILE_DAMAGED;
	memcpy(out->alg, ed25519_name, sizeof(ed25519_name));
	blob_put_string(&blob, ed25519_name, strlen(ed25519_name));
	blob_put_string(&blob, derived, sizeof(derived));
	out->blob_len = blob.n;
	memcpy(out->secret, seed.p, ED25519_SEED);
	out->secret_len = ED25519_SEED;
	return blob.bad ? KEYFILE_DAMAGED : KEYFILE_OK;
}

static enum keyfile_result
ed25519_openssh(const struct keyfile_type *type, struct blob *in, struct keyfile_key *out)
{
	struct blob public, secret, seed, again;

	(void)type;
	public = blob_string(in, ED25519_PUBLIC);
	secret = blob_string(in, ED25519_SECRET);
	seed = blob_take(&secret, ED25519_SEED);
	again = blob_take(&secret, ED25519_PUBLIC);
	/* the secret's own half must be the other's, which is compared with the derived */
	if (in->bad || !blob_done(&secret) || !blob_is(public, again.p, again.n))
		return KEYFILE_DAMAGED;
	return keyfile_ed25519_make(seed, public, out);
}

/* PuTTY writes the seed as a number, little end first, without its last zeros. */
static enum keyfile_result
ed25519_putty(const struct keyfile_type *type, struct blob public, struct blob *private,
    struct keyfile_key *out)
{
	uint8_t seed[ED25519_SEED] = { 0 };
	enum keyfile_result result;
	struct blob point, number;

	(void)type;
	point = blob_string(&public, ED25519_PUBLIC);
	number = blob_string(private, ED25519_SEED);
	if (!blob_done(&public) || private->bad || point.n == 0)
		return KEYFILE_DAMAGED;
	if (number.n > 0)
		memcpy(seed, number.p, number.n);
	result = keyfile_ed25519_make(blob_of(seed, sizeof(seed)), point, out);
	crypto_wipe(seed, sizeof(seed));
	return result;
}

const struct keyfile_type keyfile_ed25519 = {
	.name = ed25519_name, .openssh = ed25519_openssh, .putty = ed25519_putty,
};
