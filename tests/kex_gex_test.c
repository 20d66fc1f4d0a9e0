/*
 * kex_gex_test.c - Diffie-Hellman in a given group: groups and public values to refuse,
 * then known answers, computed here by another way through OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/bn.h>

#include "crypto/crypto.h"

enum { LEN = 256, EXPONENT = 64 };

static const struct kex_alg *
gex(void)
{
	const char *name = "diffie-hellman-group-exchange-sha256";
	const struct kex_alg *kex = kex_find(name, strlen(name));

	assert_non_null(kex);
	assert_true(kex->takes_group);
	assert_int_equal(kex->hash, HASH_SHA256);
	return kex;
}

static struct kex_group
group14(void)
{
	struct kex_group group;

	assert_int_equal(kex_group_14(&group), 0);
	return group;
}

/* ---- groups ---- */

static void
group_14_is_that_of_rfc_3526(void **state)
{
	struct kex_group group = group14();
	static const uint8_t head[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xc9, 0x0f, 0xda, 0xa2 };	/* 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476) */

	(void)state;
	assert_int_equal(group.p_len, LEN);
	assert_int_equal(kex_group_bits(&group), 2048);
	assert_memory_equal(group.p, head, sizeof(head));
	assert_int_equal(group.g_len, 1);
	assert_int_equal(group.g[0], 2);
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

/* ---- public values ---- */

/* 0, 1, p-1, p, p+1, 2^2048-1: each would make the secret known to everybody. */
static void
values_out_of_range(void **state)
{
	struct kex_group group = group14();
	struct kex_state kex;
	uint8_t y[LEN], public[LEN], secret[LEN];
	static const uint8_t zero[LEN];

	(void)state;
	for (int i = 0; i < 6; i++) {
		memset(y, i == 5 ? 0xff : 0, LEN);
		if (i == 1)
			y[LEN - 1] = 1;
		if (i >= 2 && i <= 4)
			memcpy(y, group.p, LEN);
		/* p ends in ff: p-1 and p+1 are */
		assert_int_equal(group.p[LEN - 1], 0xff);
		if (i == 2)
			y[LEN - 1] = 0xfe;
		for (int at = LEN - 1; i == 4 && at >= 0 && ++y[at] == 0; at--)
			;
		memset(secret, 0xaa, LEN);
		assert_int_equal(gex()->answer(&group, y, public, secret), -1);
		assert_memory_equal(secret, zero, LEN);
		assert_int_equal(gex()->start(&kex, &group, public), 0);
		memset(secret, 0xaa, LEN);
		assert_int_equal(gex()->finish(&kex, &group, y, secret), -1);
		assert_memory_equal(secret, zero, LEN);
	}
	/* just inside: 2 and p-2 */
	memset(y, 0, LEN);
	y[LEN - 1] = 2;
	assert_int_equal(gex()->answer(&group, y, public, secret), 0);
	memcpy(y, group.p, LEN);
	y[LEN - 1] -= 2;
	assert_int_equal(gex()->answer(&group, y, public, secret), 0);
}

/* n = 65537^128 is no prime, and has elements of order 4, such as a dishonest server's
 * group might: half of all exponents make 1 or n-1 of them. */
static void
secrets_that_everybody_knows(void **state)
{
	static uint8_t bytes[LEN + 2], y[LEN + 2], public[LEN + 2], secret[LEN + 2];
	static const uint8_t g = 3;
	struct kex_group group;
	BIGNUM *n = BN_new(), *m = BN_new(), *power = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	int len, refused = 0;

	(void)state;
	assert_true(BN_set_word(n, 65537) == 1 && BN_set_word(power, 128) == 1);
	assert_int_equal(BN_exp(n, n, power, ctx), 1);
	len = BN_num_bytes(n);
	assert_in_range(len, LEN + 1, LEN + 2);
	assert_int_equal(BN_bn2binpad(n, bytes, len), len);
	assert_int_equal(kex_group_set(&group, bytes, (size_t)len, &g, 1), 0);
	/* 3 to a quarter of 65536 * 65537^127, the order of the whole */
	assert_true(BN_set_word(m, 65537) == 1 && BN_set_word(power, 127) == 1);
	assert_int_equal(BN_exp(m, m, power, ctx), 1);
	assert_int_equal(BN_mul_word(m, 65536 / 4), 1);
	assert_int_equal(BN_set_word(power, 3), 1);
	assert_int_equal(BN_mod_exp(power, power, m, n, ctx), 1);
	assert_int_equal(BN_bn2binpad(power, y, len), len);
	for (int i = 0; i < 40; i++)
		refused += gex()->answer(&group, y, public, secret) != 0;
	assert_in_range(refused, 5, 35);
	BN_free(n);
	BN_free(m);
	BN_free(power);
	BN_CTX_free(ctx);
}

/* ---- answers ---- */

/* base^x mod p by OpenSSL's ordinary exponentiation. */
static void
power(const struct kex_group *group, const uint8_t *base, size_t base_len, const uint8_t *x,
    uint8_t *out)
{
	BIGNUM *p = BN_bin2bn(group->p, (int)group->p_len, NULL);
	BIGNUM *b = BN_bin2bn(base, (int)base_len, NULL), *e = BN_bin2bn(x, EXPONENT, NULL);
	BN_CTX *ctx = BN_CTX_new();

	assert_int_equal(BN_mod_exp_simple(b, b, e, p, ctx), 1);
	assert_int_equal(BN_bn2binpad(b, out, (int)group->p_len), (int)group->p_len);
	BN_free(p);
	BN_free(b);
	BN_free(e);
	BN_CTX_free(ctx);
}

static void
known_answers(void **state)
{
	struct kex_group group = group14();
	struct kex_state kex;
	uint8_t x[EXPONENT], e[LEN], f[LEN], ours[LEN], theirs[LEN], want[LEN];

	(void)state;
	for (int i = 0; i < 3; i++) {
		memset(&kex, 0, sizeof(kex));
		assert_int_equal(gex()->start(&kex, &group, e), 0);
		memcpy(x, kex.bytes, EXPONENT);
		assert_true((x[0] & 0x80) != 0);
		power(&group, group.g, group.g_len, x, want);
		assert_memory_equal(e, want, LEN);
		assert_int_equal(gex()->answer(&group, e, f, theirs), 0);
		assert_int_equal(gex()->finish(&kex, &group, f, ours), 0);
		assert_memory_equal(ours, theirs, LEN);
		power(&group, f, LEN, x, want);
		assert_memory_equal(ours, want, LEN);
		/* the exponent serves once, and is gone */
		for (size_t j = 0; j < EXPONENT; j++)
			assert_int_equal(kex.bytes[j], 0);
		assert_int_equal(gex()->finish(&kex, &group, f, ours), -1);
	}
}

static void
never_twice_the_same(void **state)
{
	struct kex_group group = group14();
	struct kex_state kex;
	uint8_t e[LEN], f[LEN], secret[LEN], last_e[LEN] = { 0 }, last_f[LEN] = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(gex()->start(&kex, &group, e), 0);
		assert_int_equal(gex()->answer(&group, e, f, secret), 0);
		assert_memory_not_equal(e, last_e, LEN);
		assert_memory_not_equal(f, last_f, LEN);
		memcpy(last_e, e, LEN);
		memcpy(last_f, f, LEN);
	}
}

static void
largest_group(void **state)
{
	struct kex_group *group = malloc(sizeof(*group));
	struct kex_state kex;
	static uint8_t p[KEX_GROUP_MAX + 1], e[KEX_GROUP_MAX + 1], f[KEX_GROUP_MAX + 1],
	    ours[KEX_GROUP_MAX + 1], theirs[KEX_GROUP_MAX + 1];
	static const uint8_t g = 2;
	BIGNUM *n = BN_get_rfc3526_prime_8192(NULL);

	(void)state;
	assert_non_null(group);
	assert_int_equal(BN_bn2binpad(n, p, KEX_GROUP_MAX), KEX_GROUP_MAX);
	BN_free(n);
	assert_int_equal(kex_group_set(group, p, KEX_GROUP_MAX, &g, 1), 0);
	e[KEX_GROUP_MAX] = f[KEX_GROUP_MAX] = ours[KEX_GROUP_MAX] = theirs[KEX_GROUP_MAX] = 0x5a;
	assert_int_equal(gex()->start(&kex, group, e), 0);
	assert_int_equal(gex()->answer(group, e, f, theirs), 0);
	assert_int_equal(gex()->finish(&kex, group, f, ours), 0);
	assert_memory_equal(ours, theirs, KEX_GROUP_MAX);
	assert_int_equal(e[KEX_GROUP_MAX] & f[KEX_GROUP_MAX] & ours[KEX_GROUP_MAX] &
	    theirs[KEX_GROUP_MAX], 0x5a);
	free(group);
}

static void
no_group(void **state)
{
	static struct kex_group none;
	struct kex_state kex;
	uint8_t e[LEN] = { 0 }, f[LEN], secret[LEN];

	(void)state;
	assert_int_equal(gex()->start(&kex, &none, e), -1);
	assert_int_equal(gex()->answer(&none, e, f, secret), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group_14_is_that_of_rfc_3526),
		cmocka_unit_test(sizes_of_groups),
		cmocka_unit_test(primes_that_are_none),
		cmocka_unit_test(generators),
		cmocka_unit_test(values_out_of_range),
		cmocka_unit_test(secrets_that_everybody_knows),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(never_twice_the_same),
		cmocka_unit_test(largest_group),
		cmocka_unit_test(no_group),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
