/*
 * sntrup761.h - Streamlined NTRU Prime 761, a key encapsulation mechanism that no
 * quantum computer is known to break.
 */
#ifndef CRYPTO_SNTRUP761_H
#define CRYPTO_SNTRUP761_H

#include "crypto/kem.h"

enum {
	SNTRUP761_PUBLIC = 1158,
	SNTRUP761_SECRET = 1763,
	SNTRUP761_CIPHER = 1039,
	SNTRUP761_SHARED = 32,
};

/* 0, or -1 (no memory for a hash), with nothing secret left in the outputs. */
CRYPTO_CHECKED int sntrup761_keygen(uint8_t *public, uint8_t *secret);
CRYPTO_CHECKED int sntrup761_encaps(const uint8_t *public, uint8_t *cipher, uint8_t *shared);
/* A cipher text that was not made by sntrup761_encaps for this key gives a shared secret
 * that nobody else can know, and no sign of that. */
CRYPTO_CHECKED int sntrup761_decaps(const uint8_t *secret, const uint8_t *cipher, uint8_t *shared);

/* The same with randomness from elsewhere, for known answers. */
typedef void sntrup761_random(void *p, size_t n);
CRYPTO_CHECKED int sntrup761_keygen_from(sntrup761_random *, uint8_t *public, uint8_t *secret);
CRYPTO_CHECKED int sntrup761_encaps_from(sntrup761_random *, const uint8_t *public,
    uint8_t *cipher, uint8_t *shared);

/* As a row of kem.h. */
extern const struct kem kem_sntrup761;

#endif
