/* sntrup761_code_test.c - polynomials as bytes, against the recursion of the specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "crypto/sntrup761_ring.h"

enum { ROUNDED = 1531 };

/* "Encode" of section 4.5, as it is written there; returns how many bytes. */
static size_t
slow_encode(uint8_t *out, const unsigned *r, const unsigned *m, size_t n)
{
	unsigned upper_r[NTRU_P], upper_m[NTRU_P], number, bound;
	size_t len = 0;

	if (n == 1) {
		number = r[0];
		for (bound = m[0]; bound > 1; bound = (bound + 255) / 256) {
			out[len++] = (uint8_t)(number % 256);
			number /= 256;
		}
		return len;
	}
	for (size_t i = 0; i < n; i += 2) {
		number = r[i];
		bound = m[i];
		if (i + 1 < n) {
			number = r[i] + r[i + 1] * m[i];
			bound = m[i] * m[i + 1];
			for (; bound >= 16384; bound = (bound + 255) / 256) {
				out[len++] = (uint8_t)(number % 256);
				number /= 256;
			}
		}
		upper_r[i / 2] = number;
		upper_m[i / 2] = bound;
	}
	return len + slow_encode(out + len, upper_r, upper_m, (n + 1) / 2);
}

struct numbers { unsigned n[NTRU_P]; };

static struct numbers
numbers_below(unsigned modulus, unsigned round)
{
	struct numbers out;
	uint32_t x;

	for (size_t i = 0; i < NTRU_P; i++) {
		crypto_random(&x, sizeof(x));
		out.n[i] = round == 0 ? 0 : round == 1 ? modulus - 1 :
		    round == 2 ? (i == NTRU_P - 1 ? modulus - 1 : 0) : x % modulus;
	}
	return out;
}

static void
numbers_are_encoded_as_specified(void **state)
{
	static const struct {
		unsigned modulus, step;
		size_t len;
		void (*put)(uint8_t *, const struct ntru_poly *);
		void (*get)(struct ntru_poly *, const uint8_t *);
	} codes[] = {
		{ NTRU_Q, 1, NTRU_Q_LEN, sntrup761_code_put_q, sntrup761_code_get_q },
		{ ROUNDED, 3, NTRU_ROUNDED_LEN, sntrup761_code_put_rounded,
		  sntrup761_code_get_rounded },
	};
	uint8_t got[NTRU_Q_LEN + 1], want[NTRU_Q_LEN + 1];
	struct ntru_poly poly, back;
	unsigned moduli[NTRU_P];
	struct numbers numbers;

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		for (size_t i = 0; i < NTRU_P; i++)
			moduli[i] = codes[c].modulus;
		for (unsigned round = 0; round < 200; round++) {
			numbers = numbers_below(codes[c].modulus, round);
			for (size_t i = 0; i < NTRU_P; i++)
				poly.c[i] = (int16_t)((int)(numbers.n[i] * codes[c].step) - NTRU_HALF);
			got[codes[c].len] = 0x5a;
			codes[c].put(got, &poly);
			assert_int_equal(got[codes[c].len], 0x5a);
			assert_int_equal(slow_encode(want, numbers.n, moduli, NTRU_P), codes[c].len);
			assert_memory_equal(got, want, codes[c].len);
			codes[c].get(&back, got);
			assert_memory_equal(back.c, poly.c, sizeof(poly.c));
		}
	}
}

/* Whatever comes over the wire is a polynomial with coefficients in range. */
static void
any_bytes_decode(void **state)
{
	uint8_t in[NTRU_Q_LEN];
	struct ntru_poly poly;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		if (round < 256)
			memset(in, round, sizeof(in));
		else
			crypto_random(in, sizeof(in));
		sntrup761_code_get_q(&poly, in);
		for (size_t i = 0; i < NTRU_P; i++)
			assert_in_range(poly.c[i] + NTRU_HALF, 0, NTRU_Q - 1);
		sntrup761_code_get_rounded(&poly, in);
		for (size_t i = 0; i < NTRU_P; i++) {
			assert_in_range(poly.c[i] + NTRU_HALF, 0, NTRU_Q - 1);
			assert_int_equal(poly.c[i] % 3, 0);
		}
	}
}

static void
small_ones_are_two_bits_each(void **state)
{
	uint8_t bytes[NTRU_SMALL_LEN + 1];
	struct ntru_poly poly, back;

	(void)state;
	for (size_t i = 0; i < NTRU_P; i++)
		poly.c[i] = (int16_t)((int)(i % 3) - 1);
	bytes[NTRU_SMALL_LEN] = 0x5a;
	sntrup761_code_put_small(bytes, &poly);
	assert_int_equal(bytes[0], 0x24);		/* -1 0 1 -1: 00 10 01 00 */
	assert_int_equal(bytes[NTRU_SMALL_LEN - 1], 1);	/* 760 = 1 modulo 3 */
	assert_int_equal(bytes[NTRU_SMALL_LEN], 0x5a);
	sntrup761_code_get_small(&back, bytes);
	assert_memory_equal(back.c, poly.c, sizeof(poly.c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_encoded_as_specified),
		cmocka_unit_test(any_bytes_decode),
		cmocka_unit_test(small_ones_are_two_bits_each),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
