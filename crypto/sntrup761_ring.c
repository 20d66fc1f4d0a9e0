/*
 * sntrup761_ring.c - arithmetic in R/q and R/3.
 *
 * Everything here may be secret: no branch, no index and no division depends on a
 * coefficient; loops run as often as the parameters say.  Inverses are those of Bernstein
 * and Yang ("Fast constant-time gcd computation and modular inversion", 2019): a fixed
 * number of divsteps.  The loops are written for a compiler that vectorises (16-bit
 * lanes in R/q, one bit a coefficient in R/3).  Scratch memory is wiped.
 */
#include "crypto/sntrup761_ring.h"

#include <string.h>

enum {
	DIVSTEPS = 2 * NTRU_P - 1,
	LANES = 768,			/* NTRU_P rounded up to whole vectors */
	Q_INVERSE = 15631,		/* of q modulo 2^16 */
};
_Static_assert((NTRU_Q * Q_INVERSE & 0xffff) == 1, "an inverse");

int
sntrup761_ring_nonzero(int x)
{
	uint32_t u = (uint32_t)x;

	return -(int)((u | (0 - u)) >> 31);
}

static int
positive(int x)
{
	return -(int)((0 - (uint32_t)x) >> 31);
}

/* The nearest multiple by a multiplication, which is exact far beyond 2^24. */
int16_t
sntrup761_ring_mod_q(int32_t x)
{
	const int64_t reciprocal = ((INT64_C(1) << 40) + NTRU_HALF) / NTRU_Q;
	int32_t n = (int32_t)((x * reciprocal + (INT64_C(1) << 39)) >> 40);

	return (int16_t)(x - n * NTRU_Q);
}

int16_t
sntrup761_ring_mod3(int16_t x)
{
	return (int16_t)(x - 3 * ((10923 * x + 16384) >> 15));
}

/* ---- products ---- */

/*
 * out[k] = sum of a[i] times the coefficient k of x^i b.  Modulo x^p - x - 1 that
 * coefficient depends on k - i alone (but for k = 0): so with it in an array, backwards,
 * each coefficient of the product is one scalar product of fixed length, which is what
 * vector units are best at; 761 of them beat cleverer schemes that have to carry.
 */
static void
multiply(int32_t out[NTRU_P], const struct ntru_poly *a, const struct ntru_poly *b)
{
	int16_t x[LANES] = { 0 }, y[NTRU_P + LANES] = { 0 };
	int32_t sum;

	memcpy(x, a->c, sizeof(a->c));
	for (size_t i = 0; i < NTRU_P; i++)
		y[NTRU_P - 1 - i] = b->c[i];
	y[NTRU_P - 1] = (int16_t)(b->c[0] + b->c[NTRU_P - 1]);
	for (size_t i = 1; i < NTRU_P; i++)
		y[NTRU_P - 1 + i] = (int16_t)(b->c[NTRU_P - i] + b->c[NTRU_P - 1 - i]);
	for (size_t k = 1; k < NTRU_P; k++) {
		const int16_t *row = y + (NTRU_P - 1 - k);

		sum = 0;
		for (size_t i = 0; i < LANES; i++)
			sum += x[i] * row[i];
		out[k] = sum;
	}
	sum = a->c[0] * b->c[0];
	for (size_t i = 1; i < NTRU_P; i++)
		sum += a->c[i] * b->c[NTRU_P - i];
	out[0] = sum;
	crypto_wipe(x, sizeof(x));
	crypto_wipe(y, sizeof(y));
}

void
sntrup761_ring_times_q(struct ntru_poly *out, const struct ntru_poly *any,
    const struct ntru_poly *small)
{
	int32_t product[NTRU_P];

	multiply(product, small, any);
	for (size_t i = 0; i < NTRU_P; i++)
		out->c[i] = sntrup761_ring_mod_q(product[i]);
	crypto_wipe(product, sizeof(product));
}

void
sntrup761_ring_times_3(struct ntru_poly *out, const struct ntru_poly *a, const struct ntru_poly *b)
{
	int32_t product[NTRU_P];

	multiply(product, a, b);
	for (size_t i = 0; i < NTRU_P; i++)
		out->c[i] = sntrup761_ring_mod3((int16_t)product[i]);
	crypto_wipe(product, sizeof(product));
}

/* ---- inverses in R/q ---- */

/*
 * f and g begin as the modulus and the polynomial, both with their coefficients
 * reversed; v and r say how f and g came from the polynomial, and are kept upside down,
 * so that "times x" moves to a lower index as "divided by x" does.  A step multiplies a
 * row by a constant it does not care about (Montgomery's 2^-16, a sign): the end divides
 * by what f has become.  Rows then stay within +-4940 by themselves.
 */
struct rows_q {
	int16_t f[LANES + 8], g[LANES + 8], v[LANES + 8], r[LANES + 8];
};

/* A constant, and itself divided by q modulo 2^16. */
struct factor { int16_t n, low; };

static struct factor
factor_of(int16_t n)
{
	return (struct factor){ n, (int16_t)(n * Q_INVERSE) };
}

/* a * b / 2^16 modulo q, for |a| < 2^15 and b centred: less than q/2 + |a|/28. */
static inline int16_t
montgomery(int16_t a, struct factor b)
{
	int16_t low = (int16_t)(a * b.low);

	return (int16_t)(((a * b.n) >> 16) - ((low * NTRU_Q) >> 16));
}

static inline int16_t
choose(int16_t mask, int16_t if_set, int16_t if_clear)
{
	return (int16_t)(if_clear ^ (mask & (if_set ^ if_clear)));
}

/* (f, g) becomes (f or g, (f(0) g - g(0) f) / x), the lowest n coefficients of them. */
static void
step_fg(int16_t *restrict f, int16_t *restrict g, size_t n, struct factor f0, struct factor g0,
    int16_t swap)
{
	for (size_t i = 0; i < n; i++) {
		int16_t next = (int16_t)(montgomery(g[i + 1], f0) - montgomery(f[i + 1], g0));

		f[i] = choose(swap, g[i], f[i]);
		g[i] = next;
	}
}

/* (v, r) becomes (x v or r, f(0) r - g(0) x v), from index first upwards. */
static void
step_vr(int16_t *restrict v, int16_t *restrict r, size_t first, struct factor f0, struct factor g0,
    int16_t swap)
{
	for (size_t i = first; i <= NTRU_P; i++) {
		int16_t next = (int16_t)(montgomery(r[i], f0) - montgomery(v[i + 1], g0));

		v[i] = choose(swap, r[i], v[i + 1]);
		r[i] = next;
	}
}

/* By Fermat: the exponent is no secret. */
static int16_t
reciprocal_q(int16_t x)
{
	int16_t power = 1;

	for (unsigned bit = 1 << 12; bit != 0; bit >>= 1) {
		power = sntrup761_ring_mod_q(power * power);
		if (((NTRU_Q - 2) & bit) != 0)
			power = sntrup761_ring_mod_q(power * x);
	}
	return power;
}

void
sntrup761_ring_inverse_q3(struct ntru_poly *out, const struct ntru_poly *small)
{
	struct rows_q rows = { 0 };
	struct factor f0, g0;
	size_t left, first;
	int16_t scale;
	int delta = 1, swap;

	rows.f[0] = 1;
	rows.f[NTRU_P - 1] = rows.f[NTRU_P] = -1;
	for (size_t i = 0; i < NTRU_P; i++)
		rows.g[i] = small->c[NTRU_P - 1 - i];
	rows.r[NTRU_P] = reciprocal_q(3);
	for (size_t step = 0; step < DIVSTEPS; step++) {
		f0 = factor_of(sntrup761_ring_mod_q(rows.f[0]));
		g0 = factor_of(sntrup761_ring_mod_q(rows.g[0]));
		swap = positive(delta) & sntrup761_ring_nonzero(g0.n);
		delta = (delta ^ (swap & (delta ^ -delta))) + 1;
		/* What comes after needs one coefficient less with each step; v and r
		 * have grown by one. */
		left = DIVSTEPS - 1 - step;
		step_fg(rows.f, rows.g, left <= NTRU_P ? left : NTRU_P + 1, f0, g0, (int16_t)swap);
		if (left == 0)
			rows.f[0] = choose((int16_t)swap, rows.g[0], rows.f[0]);
		first = step < NTRU_P ? NTRU_P - step : 0;
		step_vr(rows.v, rows.r, first, f0, g0, (int16_t)swap);
	}
	scale = reciprocal_q(sntrup761_ring_mod_q(rows.f[0]));
	for (size_t i = 0; i < NTRU_P; i++)
		out->c[i] = sntrup761_ring_mod_q(scale * sntrup761_ring_mod_q(rows.v[i + 1]));
	crypto_wipe(&rows, sizeof(rows));
}

/* ---- inverses in R/3 ---- */

/* One bit for each coefficient that is 1, one for each that is -1. */
enum { WORDS = LANES / 64 };
struct trits { uint64_t plus[WORDS], minus[WORDS]; };
struct rows_3 { struct trits f, g, v, r; };

static void
set_trit(struct trits *t, size_t i, int value)
{
	t->plus[i / 64] |= (uint64_t)(value & ~(value >> 1) & 1) << i % 64;
	t->minus[i / 64] |= (uint64_t)((value >> 1) & 1) << i % 64;
}

static int
trit(const struct trits *t, size_t i)
{
	return (int)(t->plus[i / 64] >> i % 64 & 1) - (int)(t->minus[i / 64] >> i % 64 & 1);
}

static void
shift_down(uint64_t words[WORDS])
{
	for (size_t i = 0; i + 1 < WORDS; i++)
		words[i] = words[i] >> 1 | words[i + 1] << 63;
	words[WORDS - 1] >>= 1;
}

/* to += by * from, with by as two masks. */
static void
add_multiple(struct trits *restrict to, const struct trits *restrict from, uint64_t same,
    uint64_t negated)
{
	for (size_t i = 0; i < WORDS; i++) {
		uint64_t p = (from->plus[i] & same) | (from->minus[i] & negated);
		uint64_t m = (from->minus[i] & same) | (from->plus[i] & negated);
		uint64_t one = (to->plus[i] | m) ^ (to->minus[i] | p);
		uint64_t plus = (to->minus[i] | m) ^ one;

		to->minus[i] = (to->plus[i] | p) ^ one;
		to->plus[i] = plus;
	}
}

static void
choose_trits(struct trits *to, const struct trits *if_set, uint64_t mask)
{
	for (size_t i = 0; i < WORDS; i++) {
		to->plus[i] ^= mask & (to->plus[i] ^ if_set->plus[i]);
		to->minus[i] ^= mask & (to->minus[i] ^ if_set->minus[i]);
	}
}

/* As in R/q; f(0) is 1 or -1, so that g - g(0)/f(0) f does it, and its sign after an
 * exchange is one more constant not to care about. */
static void
step_3(struct rows_3 *rows, uint64_t swap, uint64_t same, uint64_t negated)
{
	struct trits old;

	old = rows->g;
	add_multiple(&rows->g, &rows->f, same, negated);
	choose_trits(&rows->f, &old, swap);
	shift_down(rows->g.plus);
	shift_down(rows->g.minus);
	shift_down(rows->v.plus);
	shift_down(rows->v.minus);
	old = rows->r;
	add_multiple(&rows->r, &rows->v, same, negated);
	choose_trits(&rows->v, &old, swap);
}

int
sntrup761_ring_inverse_3(struct ntru_poly *out, const struct ntru_poly *small)
{
	struct rows_3 rows = { 0 };
	int delta = 1, swap, by;

	set_trit(&rows.f, 0, 1);
	set_trit(&rows.f, NTRU_P - 1, -1);
	set_trit(&rows.f, NTRU_P, -1);
	for (size_t i = 0; i < NTRU_P; i++)
		set_trit(&rows.g, i, small->c[NTRU_P - 1 - i]);
	set_trit(&rows.r, NTRU_P, 1);
	for (size_t step = 0; step < DIVSTEPS; step++) {
		by = -trit(&rows.g, 0) * trit(&rows.f, 0);
		swap = positive(delta) & sntrup761_ring_nonzero(by);
		delta = (delta ^ (swap & (delta ^ -delta))) + 1;
		step_3(&rows, (uint64_t)(int64_t)swap, (uint64_t)(int64_t)positive(by),
		    (uint64_t)(int64_t)positive(-by));
	}
	by = trit(&rows.f, 0);
	for (size_t i = 0; i < NTRU_P; i++)
		out->c[i] = (int16_t)(by * trit(&rows.v, i + 1));
	crypto_wipe(&rows, sizeof(rows));
	/* Whether there was an inverse is no secret: another polynomial is drawn. */
	return delta == 0 ? 0 : -1;
}
