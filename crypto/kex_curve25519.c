/*
 * kex_curve25519.c - curve25519-sha256 (RFC 8731, RFC 7748), by libsodium.
 *
 * The peer's public value is any 32 bytes an attacker likes.  A point of small
 * order would make the secret known to everybody: RFC 8731 section 3 demands
 * that the all-zero result ends the exchange.  The secret is handed out as the
 * 32 bytes of the curve; that they count as a big-endian number in the exchange
 * hash is the caller's business.  An ephemeral key must never serve twice.
 */
#include <sodium.h>

#include "crypto/kex.h"
#include "crypto/kex_curve.h"

_Static_assert(X25519_PUBLIC == crypto_scalarmult_curve25519_BYTES &&
    X25519_SECRET == crypto_scalarmult_curve25519_BYTES, "one length for all");

static int
x25519_keygen(uint8_t *public, uint8_t *private)
{
	crypto_random(private, X25519_SECRET);
	return crypto_scalarmult_curve25519_base(public, private) == 0 ? 0 : -1;
}

static int
x25519_derive(const uint8_t *private, const uint8_t *peer, uint8_t *secret)
{
	if (sodium_is_zero(private, X25519_SECRET) == 1 ||
	    crypto_scalarmult_curve25519(secret, private, peer) != 0 ||
	    sodium_is_zero(secret, X25519_SECRET) == 1) {
		crypto_wipe(secret, X25519_SECRET);
		return -1;
	}
	return 0;
}

const struct kex_curve kex_x25519 = {
	.public_len = X25519_PUBLIC, .private_len = X25519_SECRET, .secret_len = X25519_SECRET,
	.keygen = x25519_keygen, .derive = x25519_derive,
};

KEX_CURVE_STEPS(curve25519, kex_x25519)

#define CURVE25519(name_) {						\
	.name = name_, .hash = HASH_SHA256,				\
	.client_len = X25519_PUBLIC, .server_len = X25519_PUBLIC,	\
	.secret_len = X25519_SECRET, .start = curve25519_start,		\
	.answer = curve25519_answer, .finish = curve25519_finish }

const struct kex_alg kex_curve25519 = CURVE25519("curve25519-sha256");
/* The name it had before the RFC; the same bytes. */
const struct kex_alg kex_curve25519_libssh = CURVE25519("curve25519-sha256@libssh.org");
