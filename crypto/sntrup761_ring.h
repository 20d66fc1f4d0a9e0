/*
 * sntrup761_ring.h - the polynomials of sntrup761, as its own files see them.
 *
 * R/q is (Z/4591)[x]/(x^761 - x - 1), R/3 the same modulo 3.  Coefficients stand in
 * ascending order and are centred: -2295..2295, or -1..1 ("small").
 */
#ifndef CRYPTO_SNTRUP761_RING_H
#define CRYPTO_SNTRUP761_RING_H

#include "crypto/crypto.h"

enum {
	NTRU_P = 761,
	NTRU_Q = 4591,
	NTRU_HALF = (NTRU_Q - 1) / 2,
	NTRU_W = 286,			/* coefficients of a short polynomial that are not 0 */
};
struct ntru_poly { int16_t c[NTRU_P]; };

/* ---- arithmetic (sntrup761_ring.c) ---- */
/* All bits set if x is not 0, else 0: a decision about a secret without a branch. */
int sntrup761_ring_nonzero(int x);
/* Modulo q, centred, of |x| < 2^24: more than any sum here. */
int16_t sntrup761_ring_mod_q(int32_t x);
/* Modulo 3, centred, of a centred number modulo q. */
int16_t sntrup761_ring_mod3(int16_t x);
/* The product in R/q of any polynomial and a small one; in R/3 of two small ones. */
void sntrup761_ring_times_q(struct ntru_poly *out, const struct ntru_poly *any,
    const struct ntru_poly *small);
void sntrup761_ring_times_3(struct ntru_poly *out, const struct ntru_poly *,
    const struct ntru_poly *);
/* 1/(3 small) in R/q, where every small polynomial but 0 has one. */
void sntrup761_ring_inverse_q3(struct ntru_poly *out, const struct ntru_poly *small);
/* 1/small in R/3.  -1: it has none. */
CRYPTO_CHECKED int sntrup761_ring_inverse_3(struct ntru_poly *out, const struct ntru_poly *small);

/* ---- as bytes (sntrup761_code.c) ---- */
enum { NTRU_SMALL_LEN = 191, NTRU_Q_LEN = 1158, NTRU_ROUNDED_LEN = 1007 };
void sntrup761_code_put_small(uint8_t out[NTRU_SMALL_LEN], const struct ntru_poly *);
void sntrup761_code_get_small(struct ntru_poly *, const uint8_t in[NTRU_SMALL_LEN]);
void sntrup761_code_put_q(uint8_t out[NTRU_Q_LEN], const struct ntru_poly *);
void sntrup761_code_get_q(struct ntru_poly *, const uint8_t in[NTRU_Q_LEN]);
/* All coefficients multiples of 3. */
void sntrup761_code_put_rounded(uint8_t out[NTRU_ROUNDED_LEN], const struct ntru_poly *);
void sntrup761_code_get_rounded(struct ntru_poly *, const uint8_t in[NTRU_ROUNDED_LEN]);

#endif
