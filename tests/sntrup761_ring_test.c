/* sntrup761_ring_test.c - the polynomials against slow arithmetic with real divisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "crypto/sntrup761_ring.h"

static int
centred(long x, int m)
{
	int r = (int)(x % m);

	if (r > m / 2)
		r -= m;
	if (r < -(m / 2))
		r += m;
	return r;
}

/* Coefficients of at most max, by kind: random, all extreme, one alone. */
static struct ntru_poly
poly_of(int max, unsigned kind)
{
	struct ntru_poly p = { 0 };
	uint32_t n;

	for (size_t i = 0; i < NTRU_P; i++) {
		crypto_random(&n, sizeof(n));
		p.c[i] = (int16_t)(kind == 0 ? (int)(n % (unsigned)(2 * max + 1)) - max :
		    kind == 1 ? max : kind == 2 ? (i % 2 != 0 ? max : -max) :
		    i == kind * 97 % NTRU_P ? -max : 0);
	}
	return p;
}

static void
slow_product(const struct ntru_poly *a, const struct ntru_poly *b, int m, int16_t *out)
{
	static long sums[2 * NTRU_P];

	memset(sums, 0, sizeof(sums));
	for (size_t i = 0; i < NTRU_P; i++)
		for (size_t j = 0; j < NTRU_P; j++)
			sums[i + j] += a->c[i] * b->c[j];
	for (size_t i = 2 * NTRU_P - 2; i >= NTRU_P; i--) {
		sums[i - NTRU_P + 1] += sums[i];	/* x^p = x + 1 */
		sums[i - NTRU_P] += sums[i];
	}
	for (size_t i = 0; i < NTRU_P; i++)
		out[i] = (int16_t)centred(sums[i], m);
}

static void
reductions_are_exact(void **state)
{
	(void)state;
	for (int32_t x = -(1 << 24); x <= 1 << 24; x += x > -6000000 && x < 6000000 ? 1 : 1009)
		if (sntrup761_ring_mod_q(x) != centred(x, NTRU_Q))
			fail_msg("%d modulo q", x);
	for (int x = -NTRU_HALF; x <= NTRU_HALF; x++)
		assert_int_equal(sntrup761_ring_mod3((int16_t)x), centred(x, 3));
	assert_int_equal(sntrup761_ring_nonzero(0), 0);
	for (int bit = 0; bit < 32; bit++)
		assert_int_equal(sntrup761_ring_nonzero((int)(UINT32_C(1) << bit)), -1);
	assert_int_equal(sntrup761_ring_nonzero(-1), -1);
}

static void
products_are_those_of_school(void **state)
{
	struct ntru_poly a, b, product;
	int16_t want[NTRU_P];

	(void)state;
	for (unsigned kind = 0; kind < 12; kind++) {
		for (unsigned other = 0; other < 4; other++) {
			a = poly_of(NTRU_HALF, kind);
			b = poly_of(1, other);
			sntrup761_ring_times_q(&product, &a, &b);
			slow_product(&a, &b, NTRU_Q, want);
			assert_memory_equal(product.c, want, sizeof(want));
			a = poly_of(1, kind);
			sntrup761_ring_times_3(&product, &a, &b);
			slow_product(&a, &b, 3, want);
			assert_memory_equal(product.c, want, sizeof(want));
		}
	}
}

static void
three_times_the_inverse_is_an_inverse(void **state)
{
	struct ntru_poly a, inverse, one;

	(void)state;
	for (unsigned kind = 0; kind < 40; kind++) {
		a = poly_of(1, kind % 8);
		sntrup761_ring_inverse_q3(&inverse, &a);
		sntrup761_ring_times_q(&one, &inverse, &a);
		for (size_t i = 0; i < NTRU_P; i++) {
			assert_in_range(inverse.c[i] + NTRU_HALF, 0, NTRU_Q - 1);
			assert_int_equal(centred(3 * one.c[i], NTRU_Q), i == 0);
		}
	}
}

/* Whether there is one, by Euclid: the greatest common divisor with x^p - x - 1. */
static bool
coprime_mod_3(const struct ntru_poly *p)
{
	static int a[NTRU_P + 1], b[NTRU_P + 1];
	int *f = a, *g = b, *t, by;
	int f_deg = NTRU_P, g_deg = NTRU_P - 1, degree;

	memset(a, 0, sizeof(a));
	a[NTRU_P] = 1;
	a[1] = a[0] = 2;
	b[NTRU_P] = 0;
	for (size_t i = 0; i < NTRU_P; i++)
		b[i] = (p->c[i] + 3) % 3;
	for (;;) {
		while (g_deg >= 0 && g[g_deg] == 0)
			g_deg--;
		if (g_deg < 0)
			return f_deg == 0;
		while (f_deg >= g_deg) {
			by = f[f_deg] * g[g_deg];	/* 1/n is n */
			for (int i = 0; i <= g_deg; i++)
				f[f_deg - g_deg + i] = (f[f_deg - g_deg + i] + 9 - by * g[i]) % 3;
			while (f_deg >= 0 && f[f_deg] == 0)
				f_deg--;
			if (f_deg < 0)
				return g_deg == 0;
		}
		t = f;
		f = g;
		g = t;
		degree = f_deg;
		f_deg = g_deg;
		g_deg = degree;
	}
}

/* The smallest factor of x^761 - x - 1 modulo 3: of degree 19, so that chance never
 * shows a polynomial without an inverse. */
static const uint8_t factor[] = { 1, 1, 0, 1, 1, 1, 2, 1, 2, 1, 0, 1, 2, 2, 2, 2, 1, 0, 2, 2 };

static struct ntru_poly
multiple_of_factor(void)
{
	struct ntru_poly some = poly_of(1, 0), out;
	int sums[NTRU_P] = { 0 };

	for (size_t i = 0; i + sizeof(factor) <= NTRU_P; i++)
		for (size_t j = 0; j < sizeof(factor); j++)
			sums[i + j] += some.c[i] * factor[j];
	for (size_t i = 0; i < NTRU_P; i++)
		out.c[i] = (int16_t)centred(sums[i], 3);
	return out;
}

static void
inverses_modulo_3_exist_or_are_refused(void **state)
{
	struct ntru_poly a, inverse, one;

	(void)state;
	for (unsigned kind = 0; kind < 200; kind++) {
		a = poly_of(1, kind < 20 ? kind : 0);
		assert_true(coprime_mod_3(&a));
		assert_int_equal(sntrup761_ring_inverse_3(&inverse, &a), 0);
		sntrup761_ring_times_3(&one, &inverse, &a);
		for (size_t i = 0; i < NTRU_P; i++)
			assert_int_equal(one.c[i], i == 0);
		a = multiple_of_factor();
		assert_false(coprime_mod_3(&a));
		assert_int_equal(sntrup761_ring_inverse_3(&inverse, &a), -1);
	}
	memset(&a, 0, sizeof(a));
	assert_false(coprime_mod_3(&a));
	assert_int_equal(sntrup761_ring_inverse_3(&inverse, &a), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reductions_are_exact),
		cmocka_unit_test(products_are_those_of_school),
		cmocka_unit_test(three_times_the_inverse_is_an_inverse),
		cmocka_unit_test(inverses_modulo_3_exist_or_are_refused),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
