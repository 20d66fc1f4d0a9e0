/*
 * kex_modp_test.c - groups to refuse, and those of RFC 3526 against their definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/bn.h>

#include "crypto/crypto.h"

enum { LEN = 256 };

static struct kex_group
group14(void)
{
	struct kex_group group;

	assert_int_equal(kex_group_modp(&group, 2048), 0);
	return group;
}

/* pi * 2^bits, rounded down, by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239). */
static BIGNUM *
arctan_of_inverse(BN_ULONG x, int bits)
{
	BIGNUM *sum = BN_new(), *power = BN_new(), *term = BN_new();

	BN_zero(power);
	BN_zero(sum);
	assert_int_equal(BN_set_bit(power, bits), 1);
	assert_true(BN_div_word(power, x) != (BN_ULONG)-1);
	for (BN_ULONG k = 1; !BN_is_zero(power); k += 2) {
		assert_non_null(BN_copy(term, power));
		assert_true(BN_div_word(term, k) != (BN_ULONG)-1);
		assert_int_equal(k % 4 == 1 ? BN_add(sum, sum, term) : BN_sub(sum, sum, term), 1);
		assert_true(BN_div_word(power, x * x) != (BN_ULONG)-1);
	}
	BN_free(power);
	BN_free(term);
	return sum;
}

static BIGNUM *
pi_times_2_to(int bits)
{
	enum { GUARD = 64 };		/* for what each division cuts off */
	BIGNUM *pi = arctan_of_inverse(5, bits + GUARD);
	BIGNUM *less = arctan_of_inverse(239, bits + GUARD);

	assert_int_equal(BN_mul_word(pi, 16), 1);
	assert_int_equal(BN_mul_word(less, 4), 1);
	assert_int_equal(BN_sub(pi, pi, less), 1);
	assert_int_equal(BN_rshift(pi, pi, GUARD), 1);
	BN_free(less);
	return pi;
}

/* RFC 3526 3, 5 and 7: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + offset). */
static void
primes_of_rfc_3526(void **state)
{
	static const struct { int bits; BN_ULONG offset; } rows[] = {
		{ 2048, 124476 }, { 4096, 240904 }, { 8192, 4743158 } };
	static const unsigned none[] = { 0, 1, 1024, 1536, 2047, 3072, 6144, 8193, 16384 };
	struct kex_group group;
	uint8_t want[KEX_GROUP_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int n = rows[i].bits;
		BIGNUM *p = pi_times_2_to(n - 130), *power = BN_new();

		assert_int_equal(BN_add_word(p, rows[i].offset), 1);
		assert_int_equal(BN_lshift(p, p, 64), 1);
		BN_zero(power);
		assert_int_equal(BN_set_bit(power, n), 1);
		assert_int_equal(BN_add(p, p, power), 1);
		assert_int_equal(BN_rshift(power, power, 64), 1);
		assert_int_equal(BN_sub(p, p, power), 1);
		assert_int_equal(BN_sub_word(p, 1), 1);
		assert_int_equal(BN_bn2binpad(p, want, n / 8), n / 8);

		assert_int_equal(kex_group_modp(&group, (unsigned)n), 0);
		assert_int_equal(group.p_len, n / 8);
		assert_int_equal(kex_group_bits(&group), n);
		assert_memory_equal(group.p, want, (size_t)n / 8);
		assert_int_equal(group.g_len, 1);
		assert_int_equal(group.g[0], 2);
		BN_free(p);
		BN_free(power);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(kex_group_modp(&group, none[i]), -1);
}

/* A p of the size that is asked for, odd and without a factor below 70. */
static void
some_p(uint8_t *p, size_t bits)
{
	size_t n = (bits + 7) / 8;
	BIGNUM *number;

	memset(p, 0x77, n);
	p[0] = (uint8_t)(1u << (bits - 1) % 8);
	p[n - 1] = 1;
	number = BN_bin2bn(p, (int)n, NULL);
	assert_non_null(number);
	for (BN_ULONG i = 3; i < 70; i += 2) {
		if (BN_mod_word(number, i) == 0) {
			assert_int_equal(BN_add_word(number, 2), 1);
			i = 1;
		}
	}
	assert_int_equal(BN_bn2binpad(number, p, (int)n), (int)n);
	assert_int_equal(BN_num_bits(number), (int)bits);
	BN_free(number);
}

static void
sizes_of_groups(void **state)
{
	static const size_t good[] = { 2048, 2049, 2055, 2056, 3072, 4096, 8191, 8192 };
	static const size_t bad[] = { 1024, 1536, 2040, 2047, 8193, 8200 };
	static uint8_t p[2 * KEX_GROUP_MAX];
	static const uint8_t g = 2;
	struct kex_group group;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		some_p(p, bad[i]);
		assert_int_equal(kex_group_set(&group, p, (bad[i] + 7) / 8, &g, 1), -1);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		some_p(p, good[i]);
		assert_int_equal(kex_group_set(&group, p, (good[i] + 7) / 8, &g, 1), 0);
		assert_int_equal(kex_group_bits(&group), good[i]);
		/* the same number with a zero in front */
		memmove(p + 1, p, (good[i] + 7) / 8);
		p[0] = 0;
		assert_int_equal(kex_group_set(&group, p, 1 + (good[i] + 7) / 8, &g, 1), -1);
	}
	assert_int_equal(kex_group_set(&group, p, 0, &g, 1), -1);
}

static void
primes_that_are_none(void **state)
{
	static const uint8_t factors[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
		53, 59, 61, 67 };
	struct kex_group group = group14(), out;
	uint8_t p[LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(factors); i++) {
		BIGNUM *n = BN_bin2bn(group.p, LEN, NULL);
		BN_ULONG rest = BN_mod_word(n, factors[i]);

		/* the next lower multiple of the factor, odd unless that is 2 */
		assert_int_equal(BN_sub_word(n, rest), 1);
		if (factors[i] != 2 && !BN_is_odd(n))
			assert_int_equal(BN_sub_word(n, factors[i]), 1);
		assert_int_equal(BN_bn2binpad(n, p, LEN), LEN);
		assert_int_equal(kex_group_set(&out, p, LEN, group.g, group.g_len), -1);
		BN_free(n);
	}
	assert_int_equal(kex_group_set(&out, group.p, LEN, group.g, group.g_len), 0);
}

static void
generators(void **state)
{
	struct kex_group group = group14(), out;
	uint8_t g[LEN + 1];

	(void)state;
	memcpy(g, group.p, LEN);
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, 0), -1);
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, LEN), -1);	/* p */
	g[LEN - 1]--;
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, LEN), -1);	/* p-1 */
	g[LEN - 1]--;
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, LEN), 0);		/* p-2 */
	g[0]--;
	g[LEN - 1] = 0xff;
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, LEN), 0);
	memset(g, 0xff, sizeof(g));
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, LEN), -1);	/* above p */
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, LEN + 1), -1);
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, 1), 0);
	g[0] = 0;
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, 1), -1);
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, 2), -1);	/* a leading zero */
	g[0] = 1;
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, 1), -1);
	g[0] = 2;
	assert_int_equal(kex_group_set(&out, group.p, LEN, g, 1), 0);
	assert_int_equal(out.g_len, 1);
	assert_int_equal(out.g[0], 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primes_of_rfc_3526),
		cmocka_unit_test(sizes_of_groups),
		cmocka_unit_test(primes_that_are_none),
		cmocka_unit_test(generators),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
