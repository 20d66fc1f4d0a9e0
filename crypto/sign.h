/* sign.h - the rows of the signature table, each made in its own file, and what
 * they share. */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/blob.h"
#include "crypto/crypto.h"

/* Lives in crypto_secret memory as a whole. */
struct sign_key {
	const struct sign_alg *alg;		/* the first row of its type */
	size_t n;
	_Alignas(16) uint8_t secret[];		/* n bytes: what the rows keep there */
};
/* Room for n bytes of secret; NULL: there is no such memory. */
struct sign_key *sign_key_new(const struct sign_alg *, size_t n);

/* What is behind the name in a key blob or a signature blob: all that is left over.
 * Bad when the name is another. */
struct blob sign_named(const uint8_t *p, size_t n, const char *name);

extern const struct sign_alg sign_ed25519;
extern const struct sign_alg sign_rsa_sha2_512, sign_rsa_sha2_256;
extern const struct sign_alg sign_ecdsa_nistp256, sign_ecdsa_nistp384, sign_ecdsa_nistp521;

#endif
