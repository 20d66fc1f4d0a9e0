/*
 * kex_dh_test.c - Diffie-Hellman modulo a prime: public values to refuse, in every group,
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

static const struct { const char *name; enum hash_id hash; unsigned bits; } rows[] = {
	{ "diffie-hellman-group-exchange-sha256", HASH_SHA256, 0 },
	{ "diffie-hellman-group14-sha256", HASH_SHA256, 2048 },
	{ "diffie-hellman-group16-sha512", HASH_SHA512, 4096 },
	{ "diffie-hellman-group18-sha512", HASH_SHA512, 8192 },
	{ "diffie-hellman-group14-sha1", HASH_SHA1, 2048 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct kex_alg *
row(size_t i)
{
	const struct kex_alg *kex = kex_find(rows[i].name, strlen(rows[i].name));

	assert_non_null(kex);
	return kex;
}

static const struct kex_alg *
gex(void)
{
	return row(0);
}

static struct kex_group
group14(void)
{
	struct kex_group group;

	assert_int_equal(kex_group_modp(&group, 2048), 0);
	return group;
}

/* ---- public values ---- */

/* 0, 1, p-1, p, p+1, 2^n-1: each would make the secret known to everybody. */
static void
only_in_range(const struct kex_alg *kex, const struct kex_group *group)
{
	static const uint8_t zero[KEX_GROUP_MAX];
	static uint8_t y[KEX_GROUP_MAX], public[KEX_GROUP_MAX], secret[KEX_GROUP_MAX];
	struct kex_state state;
	size_t len = group->p_len;

	for (int i = 0; i < 6; i++) {
		memset(y, i == 5 ? 0xff : 0, len);
		if (i == 1)
			y[len - 1] = 1;
		if (i >= 2 && i <= 4)
			memcpy(y, group->p, len);
		/* p ends in ff: p-1 and p+1 are */
		assert_int_equal(group->p[len - 1], 0xff);
		if (i == 2)
			y[len - 1] = 0xfe;
		for (size_t at = len; i == 4 && at > 0 && ++y[at - 1] == 0; at--)
			;
		memset(secret, 0xaa, len);
		assert_int_equal(kex->answer(group, y, public, secret), -1);
		assert_memory_equal(secret, zero, len);
		assert_int_equal(kex->start(&state, group, public), 0);
		memset(secret, 0xaa, len);
		assert_int_equal(kex->finish(&state, group, y, secret), -1);
		assert_memory_equal(secret, zero, len);
	}
	/* just inside: 2 and p-2 */
	memset(y, 0, len);
	y[len - 1] = 2;
	assert_int_equal(kex->answer(group, y, public, secret), 0);
	memcpy(y, group->p, len);
	y[len - 1] -= 2;
	assert_int_equal(kex->answer(group, y, public, secret), 0);
}

static void
values_out_of_range(void **state)
{
	struct kex_group group;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		assert_int_equal(kex_group_modp(&group, rows[i].bits != 0 ? rows[i].bits : 2048), 0);
		only_in_range(row(i), &group);
	}
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
one_known_answer(const struct kex_alg *kex, const struct kex_group *group)
{
	static uint8_t e[KEX_GROUP_MAX], f[KEX_GROUP_MAX], ours[KEX_GROUP_MAX],
	    theirs[KEX_GROUP_MAX], want[KEX_GROUP_MAX];
	struct kex_state state = { { 0 } };
	size_t len = group->p_len;
	uint8_t x[EXPONENT];

	assert_int_equal(kex->start(&state, group, e), 0);
	memcpy(x, state.bytes, EXPONENT);
	assert_true((x[0] & 0x80) != 0);
	power(group, group->g, group->g_len, x, want);
	assert_memory_equal(e, want, len);
	assert_int_equal(kex->answer(group, e, f, theirs), 0);
	assert_int_equal(kex->finish(&state, group, f, ours), 0);
	assert_memory_equal(ours, theirs, len);
	power(group, f, len, x, want);
	assert_memory_equal(ours, want, len);
	/* the exponent serves once, and is gone */
	for (size_t j = 0; j < EXPONENT; j++)
		assert_int_equal(state.bytes[j], 0);
	assert_int_equal(kex->finish(&state, group, f, ours), -1);
}

static void
known_answers(void **state)
{
	struct kex_group group;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		assert_int_equal(row(i)->hash, rows[i].hash);
		assert_int_equal(row(i)->asks_group, i == 0);
		assert_int_equal(row(i)->group_bits, rows[i].bits);
		assert_true(kex_in_group(row(i)));
		assert_false(row(i)->secret_is_string);
		assert_int_equal(kex_group_modp(&group, rows[i].bits != 0 ? rows[i].bits : 2048), 0);
		one_known_answer(row(i), &group);
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
