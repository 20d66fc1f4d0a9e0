/*
 * mlkem.h - ML-KEM (FIPS 203), sizes 768 and 1024.
 *
 * The rows for a hybrid key exchange, and below them the same operations with their
 * random input given, which is what the official test vectors need and nobody else.
 */
#ifndef CRYPTO_MLKEM_H
#define CRYPTO_MLKEM_H

#include "crypto/kem.h"

extern const struct kem kem_mlkem768;
extern const struct kem kem_mlkem1024;

/* FIPS 203 section 8, table 3. */
enum {
	MLKEM768_PUBLIC = 1184, MLKEM768_SECRET = 2400, MLKEM768_CIPHER = 1088,
	MLKEM1024_PUBLIC = 1568, MLKEM1024_SECRET = 3168, MLKEM1024_CIPHER = 1568,
	MLKEM_SEED = 32,
};
struct mlkem_size;
extern const struct mlkem_size mlkem_768, mlkem_1024;

/* Algorithms 16 to 18, with the checks of section 7. */
CRYPTO_CHECKED int mlkem_keygen_from(const struct mlkem_size *, const uint8_t d[MLKEM_SEED],
    const uint8_t z[MLKEM_SEED], uint8_t *public, uint8_t *secret);
CRYPTO_CHECKED int mlkem_encaps_from(const struct mlkem_size *, const uint8_t *public,
    const uint8_t m[MLKEM_SEED], uint8_t *cipher, uint8_t shared[KEM_SHARED]);
CRYPTO_CHECKED int mlkem_decaps(const struct mlkem_size *, const uint8_t *secret,
    const uint8_t *cipher, uint8_t shared[KEM_SHARED]);

/* OpenSSL's row that does what ours does, if it has one: built with 3.5 or newer, and its
 * provider does what it is asked.  Asked once per process, by crypto_init.  Else NULL. */
const struct kem *mlkem_by_provider(const struct kem *ours);
/* Its steps with their random input given; -1 where it has none. */
CRYPTO_CHECKED int mlkem_provider_keygen_from(const struct kem *ours, const uint8_t d[MLKEM_SEED],
    const uint8_t z[MLKEM_SEED], uint8_t *public, uint8_t *secret);
CRYPTO_CHECKED int mlkem_provider_encaps_from(const struct kem *ours, const uint8_t *public,
    const uint8_t m[MLKEM_SEED], uint8_t *cipher, uint8_t shared[KEM_SHARED]);

#endif
