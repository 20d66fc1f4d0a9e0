/* sign.h - the rows of the signature table, each made in its own file, and what
 * they share. */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/crypto.h"

enum { SIGN_SECRET_MAX = 64 };

/* Lives in crypto_secret memory as a whole. */
struct sign_key {
	const struct sign_alg *alg;
	uint8_t secret[SIGN_SECRET_MAX];	/* what the row keeps there */
};

extern const struct sign_alg sign_ed25519;

#endif
