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
/* Does what the key signs verify with this blob?  The halves of one key file need not
 * belong together. */
bool sign_key_works(const struct sign_key *, const uint8_t *blob, size_t blob_len);

/* ECDSA over nistp256 inside other keys (sign_ecdsa.c): curve name and point, the
 * latter bad if it is none; then a check of r and s. */
struct blob sign_ecdsa_point(struct blob *in);
CRYPTO_CHECKED int sign_ecdsa_check(struct blob point, const uint8_t *data, size_t data_len,
    struct blob pair);

extern const struct sign_alg sign_ed25519;
extern const struct sign_alg sign_sk_ed25519, sign_sk_ecdsa, sign_sk_webauthn;
extern const struct sign_alg sign_rsa_sha2_512, sign_rsa_sha2_256, sign_rsa_sha1;
extern const struct sign_alg sign_ecdsa_nistp256, sign_ecdsa_nistp384, sign_ecdsa_nistp521;
extern const struct sign_alg sign_dsa;
enum { SIGN_DSA_P_BITS = 1024, SIGN_DSA_Q_BITS = 160 };	/* of ssh-dss there are no others */

#endif
