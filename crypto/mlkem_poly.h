/*
 * mlkem_poly.h - the ring of ML-KEM (FIPS 203 section 4): polynomials of 256 coefficients
 * modulo 3329, and their transforms.
 *
 * A "small" polynomial has every coefficient within -3329..3329; what comes out of a
 * function here is small unless it says something else.
 */
#ifndef CRYPTO_MLKEM_POLY_H
#define CRYPTO_MLKEM_POLY_H

#include <stddef.h>
#include <stdint.h>

enum {
	MLKEM_N = 256,
	MLKEM_Q = 3329,
	MLKEM_K_MAX = 4,		/* polynomials in a vector */
	MLKEM_CODED_LEN = 12 * MLKEM_N / 8,	/* ByteEncode12 */
	MLKEM_NOISE_LEN = 128,		/* for one polynomial, eta being 2 */
};

struct mlkem_poly {
	int16_t c[MLKEM_N];
};

/* ---- transforms ---- */
/* The number-theoretic transform and its inverse (algorithms 9 and 10).  The inverse
 * multiplies by 2^16, which takes back what a product divides by. */
void mlkem_poly_ntt(struct mlkem_poly *);
void mlkem_poly_ntt_inverse(struct mlkem_poly *);
/* The sum of a[i] times b[i], k of each, all transformed, divided by 2^16. */
void mlkem_poly_dot(struct mlkem_poly *out, const struct mlkem_poly *a,
    const struct mlkem_poly *b, size_t k);
/* Takes a division by 2^16 back. */
void mlkem_poly_scale(struct mlkem_poly *);
void mlkem_poly_add(struct mlkem_poly *, const struct mlkem_poly *);
/* out = a - b */
void mlkem_poly_sub(struct mlkem_poly *out, const struct mlkem_poly *a,
    const struct mlkem_poly *b);

/* ---- bytes ---- */
/* ByteEncode12 and ByteDecode12 (algorithms 5 and 6).  The second is no check: it takes
 * coefficients of 3329 to 4095 as they are, and only mlkem_poly_is_reduced tells. */
void mlkem_poly_encode(const struct mlkem_poly *, uint8_t out[MLKEM_CODED_LEN]);
void mlkem_poly_decode(struct mlkem_poly *, const uint8_t in[MLKEM_CODED_LEN]);
/* Not for secrets. */
int mlkem_poly_is_reduced(const struct mlkem_poly *);
/* Compress to d bits each and encode, and back (section 4.2.1): 32*d bytes. */
void mlkem_poly_compress(const struct mlkem_poly *, unsigned d, uint8_t *out);
void mlkem_poly_decompress(struct mlkem_poly *, unsigned d, const uint8_t *in);

/* ---- sampling ---- */
/* SamplePolyCBD with eta 2 (algorithm 8). */
void mlkem_poly_noise(struct mlkem_poly *, const uint8_t random[MLKEM_NOISE_LEN]);
/* SampleNTT (algorithm 7) from n bytes of its stream; -1 if they do not suffice.  The
 * stream is public. */
int mlkem_poly_uniform(struct mlkem_poly *, const uint8_t *stream, size_t n);

#endif
