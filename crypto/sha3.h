/* sha3.h - SHA3 and SHAKE (FIPS 202), for the key encapsulations of this folder. */
#ifndef CRYPTO_SHA3_H
#define CRYPTO_SHA3_H

#include <openssl/types.h>
#include <stdbool.h>

#include "crypto/crypto.h"

enum sha3_id { SHA3_256, SHA3_512, SHAKE128, SHAKE256 };

/* One context serves many hashes, one after the other.  Errors stick to it: ask once, at
 * the end, before anything that was made from an output leaves. */
struct sha3 {
	EVP_MD_CTX *ctx;
	bool bad;
};

/* Fetches all four; before the sandbox. */
CRYPTO_CHECKED int sha3_start(void);
void sha3_init(struct sha3 *);
/* The hash of a and b behind each other; out_len is what that hash gives, or any length
 * with the two SHAKEs. */
void sha3_once(struct sha3 *, enum sha3_id, const void *a, size_t a_len,
    const void *b, size_t b_len, uint8_t *out, size_t out_len);
/* Wipes and frees what it holds.  -1 if any step since sha3_init has failed. */
CRYPTO_CHECKED int sha3_deinit(struct sha3 *);

#endif
