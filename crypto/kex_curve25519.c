/*
 * kex_curve25519.c - curve25519-sha256 (RFC 8731, RFC 7748), by libsodium.
 *
 * The peer's public value is any 32 bytes an attacker likes.  A point of small
 * order would make the secret known to everybody: RFC 8731 section 3 demands
 * that the all-zero result ends the exchange.  The secret is handed out as the
 * 32 bytes of the curve; that they count as a big-endian number in the exchange
 * hash is the caller's business.  An ephemeral key must never serve twice.
 */
#include "crypto/kex.h"

#include <sodium.h>
#include <string.h>

enum { X25519_LEN = crypto_scalarmult_curve25519_BYTES };

static int
shared_secret(const uint8_t *ephemeral, const uint8_t *peer, uint8_t *secret)
{
	if (crypto_scalarmult_curve25519(secret, ephemeral, peer) != 0 ||
	    sodium_is_zero(secret, X25519_LEN) == 1) {
		crypto_wipe(secret, X25519_LEN);
		return -1;
	}
	return 0;
}

static int
curve25519_start(struct kex_state *state, const struct kex_group *none, uint8_t *client_public)
{
	(void)none;
	crypto_random(state->bytes, X25519_LEN);
	return crypto_scalarmult_curve25519_base(client_public, state->bytes) == 0 ? 0 : -1;
}

static int
curve25519_answer(const struct kex_group *none, const uint8_t *client_public,
    uint8_t *server_public, uint8_t *secret)
{
	uint8_t ephemeral[X25519_LEN];
	int r = -1;

	(void)none;
	crypto_random(ephemeral, sizeof(ephemeral));
	if (crypto_scalarmult_curve25519_base(server_public, ephemeral) == 0)
		r = shared_secret(ephemeral, client_public, secret);
	crypto_wipe(ephemeral, sizeof(ephemeral));
	return r;
}

static int
curve25519_finish(struct kex_state *state, const struct kex_group *none,
    const uint8_t *server_public, uint8_t *secret)
{
	int r;

	(void)none;
	/* A state never started, or used up, is all zero: no key. */
	if (sodium_is_zero(state->bytes, X25519_LEN) == 1)
		return -1;
	r = shared_secret(state->bytes, server_public, secret);
	crypto_wipe(state->bytes, X25519_LEN);
	return r;
}

#define CURVE25519(name_) {						\
	.name = name_, .hash = HASH_SHA256,				\
	.client_len = X25519_LEN, .server_len = X25519_LEN,		\
	.secret_len = X25519_LEN, .start = curve25519_start,		\
	.answer = curve25519_answer, .finish = curve25519_finish }

const struct kex_alg kex_curve25519 = CURVE25519("curve25519-sha256");
/* The name it had before the RFC; the same bytes. */
const struct kex_alg kex_curve25519_libssh = CURVE25519("curve25519-sha256@libssh.org");
