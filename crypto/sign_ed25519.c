/*
 * sign_ed25519.c - ssh-ed25519 (RFC 8709, RFC 8032), by libsodium.
 *
 * Key blobs and signatures come from the network.  The name inside the signature
 * must be this row's, or a signature of another algorithm could pass as one
 * that policy allows; lengths are exact and nothing may be left over, or one
 * signature would have many encodings.  libsodium refuses scalars out of range and
 * points of small order.  Nothing is ever signed with a public half that is not
 * the secret's own: two signatures with two halves give the key away.
 */
#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

static const char ed25519_name[] = "ssh-ed25519";

enum {
	ED25519_NAME = sizeof(ed25519_name) - 1,
	ED25519_PUBLIC = crypto_sign_PUBLICKEYBYTES,
	ED25519_SEED = crypto_sign_SEEDBYTES,
	ED25519_SECRET = crypto_sign_SECRETKEYBYTES,
	ED25519_SIGNATURE = crypto_sign_BYTES,
	ED25519_SIGNATURE_BLOB = 4 + ED25519_NAME + 4 + ED25519_SIGNATURE,
};

/* The one string behind the name, if it has exactly len bytes; else NULL. */
static const uint8_t *
named_string(const uint8_t *p, size_t n, size_t len)
{
	struct blob in = sign_named(p, n, ed25519_name);
	struct blob value = blob_string(&in, SIGNATURE_MAX);

	return blob_done(&in) && value.n == len ? value.p : NULL;
}

static int
ed25519_verify(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len,
    const uint8_t *sig, size_t sig_len)
{
	const uint8_t *public = named_string(blob, blob_len, ED25519_PUBLIC);
	const uint8_t *value = named_string(sig, sig_len, ED25519_SIGNATURE);

	if (public == NULL || value == NULL)
		return -1;
	return crypto_sign_verify_detached(value, data, data_len, public) == 0 ? 0 : -1;
}

static int
ed25519_sign(const struct sign_key *key, const uint8_t *data, size_t data_len,
    uint8_t *sig, size_t cap, size_t *sig_len)
{
	struct blob_out out = blob_out_of(sig, cap);
	uint8_t value[ED25519_SIGNATURE];

	if (key->alg != &sign_ed25519 || cap < ED25519_SIGNATURE_BLOB ||
	    crypto_sign_detached(value, NULL, data, data_len, key->secret) != 0)
		return -1;
	blob_put_string(&out, ed25519_name, ED25519_NAME);
	blob_put_string(&out, value, sizeof(value));
	*sig_len = out.n;
	return out.bad ? -1 : 0;
}

static struct sign_key *
ed25519_load(const uint8_t *blob, size_t blob_len, const uint8_t *secret, size_t secret_len)
{
	const uint8_t *claimed = named_string(blob, blob_len, ED25519_PUBLIC);
	uint8_t public[ED25519_PUBLIC];
	struct sign_key *key;

	if (claimed == NULL || secret_len != ED25519_SEED)
		return NULL;
	key = sign_key_new(&sign_ed25519, ED25519_SECRET);
	if (key == NULL)
		return NULL;
	/* Derived, never taken from the file. */
	if (crypto_sign_seed_keypair(public, key->secret, secret) != 0 ||
	    !crypto_equal(public, claimed, sizeof(public))) {
		sign_key_free(key);
		return NULL;
	}
	return key;
}

/* Seed and public value: what libsodium keeps, too. */
static void
ed25519_put(const struct sign_key *key, const uint8_t *blob, size_t blob_len,
    struct blob_out *out)
{
	blob_put(out, blob, blob_len);
	blob_put_string(out, key->secret, ED25519_SECRET);
}

const struct sign_alg sign_ed25519 = {
	.name = ed25519_name,
	.key_type = ed25519_name,
	.verify = ed25519_verify,
	.sign = ed25519_sign,
	.load = ed25519_load,
	.put = ed25519_put,
};
