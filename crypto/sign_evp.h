/* sign_evp.h - what the rows that OpenSSL computes share. */
#ifndef CRYPTO_SIGN_EVP_H
#define CRYPTO_SIGN_EVP_H

#include <openssl/evp.h>

#include "crypto/sign.h"

/* Fetches what the rows need; harmless when repeated. */
CRYPTO_CHECKED int sign_evp_start(void);
/* Has the provider keys of that type, and that hash? */
bool sign_evp_has(const char *type, enum hash_id);

/* Numbers for OpenSSL's parameters: from big end first to this machine's order. */
void sign_evp_native(uint8_t *out, const uint8_t *number, size_t n);

/* A key of OpenSSL's from its parameters, for one use and to be freed (which wipes a
 * private one); NULL: it is not a key of this type. */
EVP_PKEY *sign_evp_key(const char *type, const OSSL_PARAM *, bool is_private);
/* 0 if sig is that key's over data. */
CRYPTO_CHECKED int sign_evp_verify(EVP_PKEY *, enum hash_id, const uint8_t *data,
    size_t data_len, const uint8_t *sig, size_t sig_len);
/* *sig_len: the room, then how much of it is used. */
CRYPTO_CHECKED int sign_evp_sign(EVP_PKEY *, enum hash_id, const uint8_t *data,
    size_t data_len, uint8_t *sig, size_t *sig_len);

/* ECDSA and DSA: the two numbers of a signature (big end first, no leading zeros) as
 * OpenSSL wants them.  The length of what was written, or 0. */
enum { SIGN_EVP_PAIR_MAX = 160 };
size_t sign_evp_pair(struct blob r, struct blob s, uint8_t der[SIGN_EVP_PAIR_MAX]);
/* The reverse, each number padded to n bytes. */
CRYPTO_CHECKED int sign_evp_unpair(const uint8_t *der, size_t der_len, size_t n, uint8_t *r,
    uint8_t *s);

#endif
