/*
 * mlkem_poly.c - the ring of ML-KEM (FIPS 203 section 4).
 *
 * Coefficients are secrets more often than not.  No branch, no index and no division here
 * depends on one, with the exceptions that mlkem_poly.h names (compilers divide by a
 * constant with a division when they optimise for size: KyberSlash).  Numbers are kept
 * modulo 3329 in 16 bits by Montgomery's and Barrett's methods; the loops are written so
 * that a compiler makes vectors of them.
 */
#include "crypto/mlkem_poly.h"

#include <string.h>

#include "crypto/ct.h"

enum {
	Q = MLKEM_Q,
	Q_INVERSE = -3327,		/* of 3329 modulo 2^16 */
	R_SQUARED = 1353,		/* 2^32 modulo 3329 */
	R_SQUARED_BY_128 = 1441,	/* 2^32 / 128 modulo 3329 */
	BARRETT = 20159,		/* 2^26 / 3329, rounded */
};

/* 17 to the power of the bits of i in reverse order, times 2^16. */
static const int16_t zetas[128] = {
	-1044,  -758,  -359, -1517,  1493,  1422,   287,   202,
	 -171,   622,  1577,   182,   962, -1202, -1474,  1468,
	  573, -1325,   264,   383,  -829,  1458, -1602,  -130,
	 -681,  1017,   732,   608, -1542,   411,  -205, -1571,
	 1223,   652,  -552,  1015, -1293,  1491,  -282, -1544,
	  516,    -8,  -320,  -666, -1618, -1162,   126,  1469,
	 -853,   -90,  -271,   830,   107, -1421,  -247,  -951,
	 -398,   961, -1508,  -725,   448, -1065,   677, -1275,
	-1103,   430,   555,   843, -1251,   871,  1550,   105,
	  422,   587,   177,  -235,  -291,  -460,  1574,  1653,
	 -246,   778,  1159,  -147,  -777,  1483,  -602,  1119,
	-1590,   644,  -872,   349,   418,   329,  -156,   -75,
	  817,  1097,   603,   610,  1322, -1285, -1465,   384,
	-1215,  -136,  1218, -1335,  -874,   220, -1187, -1659,
	-1185, -1530, -1278,   794, -1510,  -854,  -870,   478,
	 -108,  -308,   996,   991,   958, -1460,  1522,  1628,
};

/* ---- numbers ---- */

/* The upper and the lower half of a product, one vector instruction each. */
static inline int16_t
high(int16_t a, int16_t b)
{
	return (int16_t)(((int32_t)a * b) >> 16);
}

static inline int16_t
low(int16_t a, int16_t b)
{
	return (int16_t)((uint32_t)(uint16_t)a * (uint16_t)b);
}

/* a * b / 2^16, small, if |a * b| < 3329 * 2^15 (Montgomery). */
static inline int16_t
mul(int16_t a, int16_t b)
{
	return (int16_t)(high(a, b) - high(low(low(a, b), Q_INVERSE), Q));
}

/* The same for a product, or a sum of products, within these bounds. */
static inline int16_t
mul_end(int32_t product)
{
	int16_t m = low((int16_t)product, Q_INVERSE);

	return (int16_t)((product - (int32_t)m * Q) >> 16);
}

/* Within -1664..1664 (Barrett). */
static inline int16_t
reduce(int16_t a)
{
	int16_t times = (int16_t)((high(a, BARRETT) + (1 << 9)) >> 10);

	return (int16_t)(a - times * Q);
}

/* Within 0..3328. */
static inline uint16_t
reduce_positive(int16_t a)
{
	int16_t r = reduce(a);

	return (uint16_t)(r + ((r >> 15) & Q));
}

static void
reduce_all(struct mlkem_poly *p)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = reduce(p->c[i]);
}

/* ---- transforms ---- */

/* Each of the seven layers adds less than 3329 to a coefficient's magnitude: beginning with
 * a small one, eight times 3329 still fit in 16 bits. */
void
mlkem_poly_ntt(struct mlkem_poly *p)
{
	size_t zeta = 1;

	for (size_t len = MLKEM_N / 2; len >= 2; len /= 2) {
		for (size_t start = 0; start < MLKEM_N; start += 2 * len) {
			int16_t z = zetas[zeta++], *a = p->c + start, *b = a + len;

			for (size_t i = 0; i < len; i++) {
				int16_t t = mul(z, b[i]);

				b[i] = (int16_t)(a[i] - t);
				a[i] = (int16_t)(a[i] + t);
			}
		}
	}
	reduce_all(p);
}

/* A difference is at most 2 * 3329 here: the product's bound holds. */
void
mlkem_poly_ntt_inverse(struct mlkem_poly *p)
{
	size_t zeta = 127;

	for (size_t len = 2; len <= MLKEM_N / 2; len *= 2) {
		for (size_t start = 0; start < MLKEM_N; start += 2 * len) {
			int16_t z = zetas[zeta--], *a = p->c + start, *b = a + len;

			for (size_t i = 0; i < len; i++) {
				int16_t sum = (int16_t)(a[i] + b[i]);

				b[i] = mul(z, (int16_t)(b[i] - a[i]));
				a[i] = reduce(sum);
			}
		}
	}
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = mul(p->c[i], R_SQUARED_BY_128);
}

/* Algorithms 11 and 12, summed before they are reduced: with one factor's coefficients
 * within 0..4095 and the other's within -1664..1664, four times two products stay below
 * 3329 * 2^15.  Two neighbouring pairs have zetas that differ in their sign. */
void
mlkem_poly_dot(struct mlkem_poly *out, const struct mlkem_poly *a, const struct mlkem_poly *b,
    size_t k)
{
	for (size_t pair = 0; pair < MLKEM_N / 2; pair++) {
		size_t at = 2 * pair;
		int32_t even = 0, odd = 0, square = 0;
		int16_t z = zetas[64 + pair / 2];

		for (size_t i = 0; i < k; i++) {
			const int16_t *x = a[i].c + at, *y = b[i].c + at;

			even += (int32_t)x[0] * y[0];
			odd += (int32_t)x[0] * y[1] + (int32_t)x[1] * y[0];
			square += (int32_t)x[1] * y[1];
		}
		z = (int16_t)(pair % 2 == 0 ? z : -z);
		out->c[at] = mul_end(even + (int32_t)mul_end(square) * z);
		out->c[at + 1] = mul_end(odd);
	}
	reduce_all(out);
}

void
mlkem_poly_scale(struct mlkem_poly *p)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = mul(p->c[i], R_SQUARED);
}

void
mlkem_poly_add(struct mlkem_poly *p, const struct mlkem_poly *other)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = reduce((int16_t)(p->c[i] + other->c[i]));
}

void
mlkem_poly_sub(struct mlkem_poly *out, const struct mlkem_poly *a, const struct mlkem_poly *b)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		out->c[i] = reduce((int16_t)(a->c[i] - b->c[i]));
}

/* ---- bytes ---- */

void
mlkem_poly_encode(const struct mlkem_poly *p, uint8_t out[MLKEM_CODED_LEN])
{
	for (size_t i = 0; i < MLKEM_N / 2; i++) {
		uint16_t a = reduce_positive(p->c[2 * i]), b = reduce_positive(p->c[2 * i + 1]);

		out[3 * i] = (uint8_t)a;
		out[3 * i + 1] = (uint8_t)(a >> 8 | b << 4);
		out[3 * i + 2] = (uint8_t)(b >> 4);
	}
}

void
mlkem_poly_decode(struct mlkem_poly *p, const uint8_t in[MLKEM_CODED_LEN])
{
	for (size_t i = 0; i < MLKEM_N / 2; i++) {
		p->c[2 * i] = (int16_t)(in[3 * i] | (in[3 * i + 1] & 0x0f) << 8);
		p->c[2 * i + 1] = (int16_t)(in[3 * i + 1] >> 4 | in[3 * i + 2] << 4);
	}
}

int
mlkem_poly_is_reduced(const struct mlkem_poly *p)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		if (p->c[i] >= Q)
			return 0;
	return 1;
}

/* Rounds 2^d / 3329 * x by a multiplication: 2^36 / 3329, rounded up, is exact enough for
 * every x below 3329 and d up to 11. */
static inline uint32_t
compress(uint16_t x, unsigned d)
{
	uint64_t n = ((uint64_t)x << d) + Q / 2;

	return (uint32_t)(n * UINT64_C(20642679) >> 36) & ((1U << d) - 1);
}

void
mlkem_poly_compress(const struct mlkem_poly *p, unsigned d, uint8_t *out)
{
	uint32_t waiting = 0;		/* bits, the first ones lowest */
	unsigned bits = 0;
	size_t at = 0;

	for (size_t i = 0; i < MLKEM_N; i++) {
		waiting |= compress(reduce_positive(p->c[i]), d) << bits;
		for (bits += d; bits >= 8; bits -= 8) {
			out[at++] = (uint8_t)waiting;
			waiting >>= 8;
		}
	}
}

/* Of a message's bit (d is 1) the compiler must not find out that it is one: it would
 * branch on it. */
void
mlkem_poly_decompress(struct mlkem_poly *p, unsigned d, const uint8_t *in)
{
	uint32_t waiting = 0;
	unsigned bits = 0;
	size_t at = 0;

	for (size_t i = 0; i < MLKEM_N; i++) {
		for (; bits < d; bits += 8)
			waiting |= (uint32_t)in[at++] << bits;
		uint32_t y = ct_hide(waiting & ((1U << d) - 1));

		p->c[i] = (int16_t)((y * Q + (1U << (d - 1))) >> d);
		waiting >>= d;
		bits -= d;
	}
}

/* ---- sampling ---- */

/* Four bits for a coefficient: the sum of two less the sum of the other two. */
void
mlkem_poly_noise(struct mlkem_poly *p, const uint8_t random[MLKEM_NOISE_LEN])
{
	for (size_t i = 0; i < MLKEM_NOISE_LEN; i++) {
		unsigned sums = (random[i] & 0x55U) + (random[i] >> 1 & 0x55U);

		p->c[2 * i] = (int16_t)((int)(sums & 3) - (int)(sums >> 2 & 3));
		p->c[2 * i + 1] = (int16_t)((int)(sums >> 4 & 3) - (int)(sums >> 6 & 3));
	}
}

int
mlkem_poly_uniform(struct mlkem_poly *p, const uint8_t *stream, size_t n)
{
	size_t have = 0;

	for (size_t i = 0; i + 3 <= n && have < MLKEM_N; i += 3) {
		const uint16_t tries[2] = {
			(uint16_t)(stream[i] | (stream[i + 1] & 0x0f) << 8),
			(uint16_t)(stream[i + 1] >> 4 | stream[i + 2] << 4),
		};

		for (size_t t = 0; t < 2; t++)
			if (tries[t] < Q && have < MLKEM_N)
				p->c[have++] = (int16_t)tries[t];
	}
	return have == MLKEM_N ? 0 : -1;
}
