/* pubkey.h - public key blobs: what they are, and to and from OpenSSL.  Offline use. */
#ifndef CRYPTO_PUBKEY_H
#define CRYPTO_PUBKEY_H

#include <openssl/evp.h>

#include "crypto/blob.h"
#include "crypto/crypto.h"

struct pubkey_about {
	const char *name;		/* as ssh-keygen prints it: "RSA", "ED25519-CERT" */
	const char *type;		/* of the plain key */
	unsigned bits;
	bool is_cert;
};
/* -1: no key, or not one whose type is known here. */
CRYPTO_CHECKED int pubkey_describe(const uint8_t *blob, size_t n, struct pubkey_about *);

enum { PUBKEY_DIGEST_MAX = 64 };
/* The hash, by name (md5, sha256, ...), of the key; of a certificate, that of its plain
 * key.  -1: no such hash, or no key. */
CRYPTO_CHECKED int pubkey_digest(const char *hash, const uint8_t *blob, size_t n,
    uint8_t out[PUBKEY_DIGEST_MAX], size_t *len);

/* The public half alone.  NULL: a type that OpenSSL's formats do not have. */
EVP_PKEY *pubkey_to_openssl(const uint8_t *blob, size_t n);
/* -1: a type that SSH does not have, or too large. */
CRYPTO_CHECKED int pubkey_from_openssl(EVP_PKEY *, uint8_t *out, size_t cap, size_t *n);

#endif
