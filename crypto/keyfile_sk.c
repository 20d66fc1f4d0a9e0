/*
 * keyfile_sk.c - keys of security tokens (OpenSSH's PROTOCOL.u2f): the public half of a file
 * that has no private one, only a handle by which the token knows it.
 *
 * Nothing here can sign, and nothing here talks to a token.  The public half stands in clear
 * also in a file under a passphrase, where nothing vouches for it: it is good for finding
 * the key in an agent, which will or will not sign with it, and for no more.
 */
#include "crypto/blob.h"
#include "crypto/keyfile_type.h"

static const char sk_curve[] = "nistp256";

enum {
	SK_ED25519 = 32,
	SK_POINT = 1 + 2 * 32,		/* of P-256, uncompressed */
	SK_POINT_FORM = 4,
	SK_APPLICATION_MAX = 1024,	/* as sign_sk.c takes it */
	SK_HANDLE_MAX = 8192,
};

/* The fields behind the name, which both halves begin with. */
static bool
take_public(const struct keyfile_type *type, struct blob *in, struct keyfile_key *out)
{
	struct blob_out blob = blob_out_of(out->blob, sizeof(out->blob));
	bool is_ecdsa = type == &keyfile_sk_ecdsa;
	struct blob point, application;

	blob_put_string(&blob, type->name, strlen(type->name));
	if (is_ecdsa) {
		if (!blob_is_name(blob_string(in, NAME_MAX_LEN), sk_curve))
			return false;
		blob_put_string(&blob, sk_curve, strlen(sk_curve));
	}
	point = blob_string(in, SK_POINT);
	application = blob_string(in, SK_APPLICATION_MAX);
	if (in->bad || point.n != (is_ecdsa ? SK_POINT : SK_ED25519) ||
	    (is_ecdsa && point.p[0] != SK_POINT_FORM))
		return false;
	blob_put_string(&blob, point.p, point.n);
	blob_put_string(&blob, application.p, application.n);
	memcpy(out->alg, type->name, strlen(type->name) + 1);
	out->blob_len = blob.n;
	out->secret_len = 0;
	return !blob.bad;
}

enum keyfile_result
keyfile_sk_public(const struct keyfile_type *type, struct blob public, struct keyfile_key *out)
{
	(void)blob_string(&public, NAME_MAX_LEN);	/* by which the type was found */
	return take_public(type, &public, out) && blob_done(&public) ? KEYFILE_OK : KEYFILE_DAMAGED;
}

static enum keyfile_result
sk_openssh(const struct keyfile_type *type, struct blob *in, struct keyfile_key *out)
{
	if (!take_public(type, in, out))
		return KEYFILE_DAMAGED;
	(void)blob_take(in, 1);				/* whether it wants a touch */
	(void)blob_string(in, SK_HANDLE_MAX);
	(void)blob_string(in, SK_HANDLE_MAX);		/* reserved */
	return in->bad ? KEYFILE_DAMAGED : KEYFILE_OK;
}

/* PuTTY writes no such files. */
static enum keyfile_result
sk_putty(const struct keyfile_type *type, struct blob public, struct blob *private,
    struct keyfile_key *out)
{
	(void)type;
	(void)public;
	(void)private;
	(void)out;
	return KEYFILE_UNSUPPORTED;
}

const struct keyfile_type keyfile_sk_ed25519 = { .name = "sk-ssh-ed25519@openssh.com",
	.openssh = sk_openssh, .putty = sk_putty, .is_token = true };
const struct keyfile_type keyfile_sk_ecdsa = { .name = "sk-ecdsa-sha2-nistp256@openssh.com",
	.openssh = sk_openssh, .putty = sk_putty, .is_token = true };
