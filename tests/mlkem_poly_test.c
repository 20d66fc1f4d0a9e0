/* mlkem_poly_test.c - the ring of ML-KEM against the definitions of FIPS 203, written down
 * slowly: with divisions, and the transform as a sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "crypto/mlkem_poly.h"

enum { N = MLKEM_N, Q = MLKEM_Q };

/* Within 0..3328. */
static int
mod(int64_t a)
{
	return (int)((a % Q + Q) % Q);
}

static void
fill(struct mlkem_poly *p, uint32_t seed)
{
	for (size_t i = 0; i < N; i++) {
		seed = seed * 1664525 + 1013904223;
		p->c[i] = (int16_t)((seed >> 8) % Q);
	}
}

/* Section 4.3: the product of two polynomials modulo X^256 + 1. */
static void
product(int out[N], const struct mlkem_poly *a, const struct mlkem_poly *b)
{
	for (size_t i = 0; i < N; i++)
		out[i] = 0;
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++)
			out[(i + j) % N] = mod(out[(i + j) % N] +
			    (i + j < N ? 1 : -1) * (int64_t)a->c[i] * b->c[j]);
}

static void
equals_mod(const struct mlkem_poly *p, const int want[N])
{
	for (size_t i = 0; i < N; i++)
		assert_int_equal(mod(p->c[i]), want[i]);
}

static void
products_are_those_of_the_ring(void **state)
{
	struct mlkem_poly a[MLKEM_K_MAX], b[MLKEM_K_MAX], out;
	int want[N] = { 0 }, one[N];

	(void)state;
	for (size_t k = 1; k <= MLKEM_K_MAX; k++) {
		memset(want, 0, sizeof(want));
		for (size_t i = 0; i < k; i++) {
			fill(&a[i], (uint32_t)(10 * k + i));
			fill(&b[i], (uint32_t)(99 * k + i));
			product(one, &a[i], &b[i]);
			for (size_t c = 0; c < N; c++)
				want[c] = mod(want[c] + one[c]);
			mlkem_poly_ntt(&a[i]);
			mlkem_poly_ntt(&b[i]);
		}
		mlkem_poly_dot(&out, a, b, k);
		mlkem_poly_ntt_inverse(&out);
		equals_mod(&out, want);
	}
}

/* The largest magnitudes that each function is promised to take. */
static void
extremes_do_not_overflow(void **state)
{
	static const int16_t ends[] = { -Q, -Q + 1, 0, Q - 1, Q };
	struct mlkem_poly a[MLKEM_K_MAX], b[MLKEM_K_MAX], out;
	int want[N], one[N];

	(void)state;
	for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
		memset(want, 0, sizeof(want));
		for (size_t i = 0; i < MLKEM_K_MAX; i++) {
			for (size_t c = 0; c < N; c++) {
				a[i].c[c] = ends[e];
				b[i].c[c] = ends[(e + c) % 5];
			}
			product(one, &a[i], &b[i]);
			for (size_t c = 0; c < N; c++)
				want[c] = mod(want[c] + one[c]);
			mlkem_poly_ntt(&a[i]);
			mlkem_poly_ntt(&b[i]);
			/* as decoded by an attacker's leave: up to 12 bits */
			for (size_t c = 0; c < N; c++)
				a[i].c[c] = (int16_t)(a[i].c[c] + (a[i].c[c] < 767 ? Q : 0));
		}
		mlkem_poly_dot(&out, a, b, MLKEM_K_MAX);
		mlkem_poly_ntt_inverse(&out);
		equals_mod(&out, want);
	}
}

static void
the_transform_is_the_sum_of_the_standard(void **state)
{
	struct mlkem_poly p, t;

	(void)state;
	fill(&p, 7);
	t = p;
	mlkem_poly_ntt(&t);
	/* the pair at 2i is p modulo X^2 - 17^(2 BitRev7(i) + 1) (section 4.3) */
	for (unsigned i = 0; i < N / 2; i++) {
		unsigned reversed = 0;
		int64_t zeta = 1, power = 1;
		int even = 0, odd = 0;

		for (unsigned bit = 0; bit < 7; bit++)
			reversed |= (i >> bit & 1) << (6 - bit);
		for (unsigned e = 0; e < 2 * reversed + 1; e++)
			zeta = mod(zeta * 17);
		for (size_t c = 0; c < N; c += 2) {
			even = mod(even + power * p.c[c]);
			odd = mod(odd + power * p.c[c + 1]);
			power = mod(power * zeta);
		}
		assert_int_equal(mod(t.c[2 * i]), even);
		assert_int_equal(mod(t.c[2 * i + 1]), odd);
	}
}

static void
scale_add_and_sub(void **state)
{
	struct mlkem_poly a, b, out;

	(void)state;
	fill(&a, 1);
	fill(&b, 2);
	mlkem_poly_sub(&out, &a, &b);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(mod(out.c[i]), mod(a.c[i] - b.c[i]));
	out = a;
	mlkem_poly_add(&out, &b);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(mod(out.c[i]), mod(a.c[i] + b.c[i]));
	out = a;
	mlkem_poly_scale(&out);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(mod(out.c[i]), mod((int64_t)a.c[i] * 65536));
}

/* Section 4.2.1: rounded, ties upwards, and every number from one end to the other. */
static void
compression_rounds_as_the_standard_says(void **state)
{
	static const unsigned widths[] = { 1, 4, 5, 10, 11 };
	struct mlkem_poly p, back;
	uint8_t bytes[11 * 32 + 1];

	(void)state;
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		unsigned d = widths[w];

		for (int first = -Q; first <= Q; first += N) {
			for (int i = 0; i < N; i++)
				p.c[i] = (int16_t)(first + i <= Q ? first + i : Q);
			bytes[d * 32] = 0x5a;
			mlkem_poly_compress(&p, d, bytes);
			assert_int_equal(bytes[d * 32], 0x5a);
			mlkem_poly_decompress(&back, d, bytes);
			for (int i = 0; i < N; i++) {
				int x = mod(p.c[i]);
				int y = ((2 * x << d) + Q) / (2 * Q) % (1 << d);

				assert_int_equal(back.c[i], ((2 * y * Q) + (1 << d)) / (2 << d));
			}
		}
	}
}

static void
twelve_bits_there_and_back(void **state)
{
	struct mlkem_poly p, back;
	uint8_t bytes[MLKEM_CODED_LEN + 1];

	(void)state;
	bytes[MLKEM_CODED_LEN] = 0x5a;
	for (int first = -Q; first <= Q; first += N) {
		for (int i = 0; i < N; i++)
			p.c[i] = (int16_t)(first + i <= Q ? first + i : Q);
		mlkem_poly_encode(&p, bytes);
		mlkem_poly_decode(&back, bytes);
		for (int i = 0; i < N; i++)
			assert_int_equal(back.c[i], mod(p.c[i]));
		assert_true(mlkem_poly_is_reduced(&back));
	}
	assert_int_equal(bytes[MLKEM_CODED_LEN], 0x5a);
	for (size_t i = 0; i < N; i++) {
		int16_t was = back.c[i];

		back.c[i] = Q;
		assert_false(mlkem_poly_is_reduced(&back));
		back.c[i] = was;
	}
	memset(bytes, 0xff, MLKEM_CODED_LEN);
	mlkem_poly_decode(&back, bytes);
	assert_int_equal(back.c[0], 4095);
	assert_int_equal(back.c[N - 1], 4095);
	assert_false(mlkem_poly_is_reduced(&back));
}

static void
noise_counts_bits(void **state)
{
	struct mlkem_poly p;
	uint8_t random[MLKEM_NOISE_LEN];

	(void)state;
	for (unsigned base = 0; base < 256; base += MLKEM_NOISE_LEN) {
		for (unsigned i = 0; i < MLKEM_NOISE_LEN; i++)
			random[i] = (uint8_t)(base + i);
		mlkem_poly_noise(&p, random);
		for (unsigned i = 0; i < N; i++) {
			unsigned four = random[i / 2] >> i % 2 * 4 & 0xf;

			assert_int_equal(p.c[i], (int)((four & 1) + (four >> 1 & 1)) -
			    (int)((four >> 2 & 1) + (four >> 3 & 1)));
		}
	}
}

/* Numbers of 3329 and more are passed over; the stream may end with the last one. */
static void
uniform_takes_what_is_in_range(void **state)
{
	struct mlkem_poly p;
	uint8_t stream[3 * N];

	(void)state;
	for (size_t i = 0; i < N; i++) {	/* each three bytes: 3329, then i */
		stream[3 * i] = (uint8_t)(Q & 0xff);
		stream[3 * i + 1] = (uint8_t)(Q >> 8 | (i & 0xf) << 4);
		stream[3 * i + 2] = (uint8_t)(i >> 4);
	}
	assert_int_equal(mlkem_poly_uniform(&p, stream, sizeof(stream)), 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(p.c[i], i);
	for (size_t n = 0; n < sizeof(stream); n++)
		assert_int_equal(mlkem_poly_uniform(&p, stream, n), -1);

	memset(stream, 0, sizeof(stream));	/* every number is one */
	assert_int_equal(mlkem_poly_uniform(&p, stream, 3 * N / 2), 0);
	assert_int_equal(mlkem_poly_uniform(&p, stream, 3 * N / 2 - 1), -1);
	memset(stream, 0xff, sizeof(stream));
	assert_int_equal(mlkem_poly_uniform(&p, stream, sizeof(stream)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_are_those_of_the_ring),
		cmocka_unit_test(extremes_do_not_overflow),
		cmocka_unit_test(the_transform_is_the_sum_of_the_standard),
		cmocka_unit_test(scale_add_and_sub),
		cmocka_unit_test(compression_rounds_as_the_standard_says),
		cmocka_unit_test(twelve_bits_there_and_back),
		cmocka_unit_test(noise_counts_bits),
		cmocka_unit_test(uniform_takes_what_is_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
