/*
 * kex_curve.h - Diffie-Hellman on one elliptic curve: the whole of a classical key
 * exchange, or the half of a hybrid one (kex_hybrid.c).
 */
#ifndef CRYPTO_KEX_CURVE_H
#define CRYPTO_KEX_CURVE_H

#include "crypto/crypto.h"

enum {
	X25519_PUBLIC = 32, X25519_SECRET = 32,
	NISTP256_PUBLIC = 65, NISTP256_SECRET = 32,
	NISTP384_PUBLIC = 97, NISTP384_SECRET = 48,
	NISTP521_PUBLIC = 133, NISTP521_SECRET = 66,
	KEX_CURVE_PRIVATE_MAX = 66,
	KEX_CURVE_SECRET_MAX = 66,
};

struct kex_curve {
	size_t public_len, private_len, secret_len;
	/* A fresh pair, for one exchange. */
	int (*keygen)(uint8_t *public, uint8_t *private);
	/* The secret that this private and the peer's public value have in common: the
	 * curve's coordinate in its fixed length.  -1, and secret wiped, if peer is not a
	 * point that may be used, or if private is all zero (none, or used up). */
	int (*derive)(const uint8_t *private, const uint8_t *peer, uint8_t *secret);
};

extern const struct kex_curve kex_x25519, kex_nistp256, kex_nistp384, kex_nistp521;

/* The curves that OpenSSL must be asked for; before the sandbox. */
CRYPTO_CHECKED int kex_ecdh_start(void);

/* The steps of a row that is a curve and nothing else. */
int kex_curve_start(const struct kex_curve *, struct kex_state *, uint8_t *client_public);
int kex_curve_answer(const struct kex_curve *, const uint8_t *client_public,
    uint8_t *server_public, uint8_t *secret);
int kex_curve_finish(const struct kex_curve *, struct kex_state *, const uint8_t *server_public,
    uint8_t *secret);

/* The same as functions prefix_start, _answer, _finish for struct kex_alg. */
#define KEX_CURVE_STEPS(prefix, curve)							\
static int										\
prefix##_start(struct kex_state *state, const struct kex_group *none,			\
    uint8_t *client_public)								\
{											\
	(void)none;									\
	return kex_curve_start(&(curve), state, client_public);				\
}											\
static int										\
prefix##_answer(const struct kex_group *none, const uint8_t *client_public,		\
    uint8_t *server_public, uint8_t *secret)						\
{											\
	(void)none;									\
	return kex_curve_answer(&(curve), client_public, server_public, secret);	\
}											\
static int										\
prefix##_finish(struct kex_state *state, const struct kex_group *none,			\
    const uint8_t *server_public, uint8_t *secret)					\
{											\
	(void)none;									\
	return kex_curve_finish(&(curve), state, server_public, secret);		\
}

#endif
