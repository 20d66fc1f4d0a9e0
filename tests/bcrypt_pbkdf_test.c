/*
 * bcrypt_pbkdf_test.c - the derivation against published vectors, and Blowfish's
 * constants against pi.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/bn.h>

#include "crypto/bcrypt_pbkdf.h"
#include "crypto/blowfish_pi.h"
#include "tests/hex.h"

#define BYTES(s) (s), sizeof(s) - 1

/* As found in the bcrypt_pbkdf tests of other SSH implementations. */
static const struct {
	uint32_t rounds;
	const char *pass;
	size_t pass_len;
	const char *salt;
	size_t salt_len;
	const char *out;
} vectors[] = {
	{ 12, BYTES("password"), BYTES("salt"),
	  "1ae42c05d487bc02f64921a4ebe4ea93bcacfe135fda99974c06b7b01fae149a" },
	{ 3, BYTES("passwordy\0PASSWORD\0"), BYTES("salty\0SALT\0"),
	  "7f310bd3e78c3280c59ce4595211a2928e8d4ec744c1ed2efc9f764e3388e0ad" },
};

static void
known_answers(void **state)
{
	uint8_t want[128], got[128];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		n = unhex(vectors[i].out, want, sizeof(want));
		assert_int_equal(bcrypt_pbkdf(vectors[i].pass, vectors[i].pass_len,
		    (const uint8_t *)vectors[i].salt, vectors[i].salt_len,
		    vectors[i].rounds, got, n), 0);
		assert_memory_equal(got, want, n);
	}
}

/* Every length is its own function; none writes beyond itself. */
static void
writes_only_its_length(void **state)
{
	static const uint8_t salt[16] = { 1 };
	uint8_t key[BCRYPT_PBKDF_KEY_MAX + 1];
	static const size_t lens[] = { 1, 2, 31, 32, 33, 48, 63, 64, 65, 80, 97, 127, 128 };

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t zeros = 0;

		memset(key, 0, sizeof(key));
		key[lens[i]] = 0x5a;
		assert_int_equal(bcrypt_pbkdf("x", 1, salt, sizeof(salt), 1, key, lens[i]), 0);
		assert_int_equal(key[lens[i]], 0x5a);
		for (size_t j = 0; j < lens[i]; j++)
			zeros += key[j] == 0;
		assert_true(zeros <= lens[i] / 8);	/* no byte was left out */
	}
}

static void
every_input_counts(void **state)
{
	uint8_t salt[16] = { 1 }, first[48], other[48];

	(void)state;
	assert_int_equal(bcrypt_pbkdf("pass", 4, salt, 16, 2, first, 48), 0);
	assert_int_equal(bcrypt_pbkdf("pasS", 4, salt, 16, 2, other, 48), 0);
	assert_memory_not_equal(first, other, 48);
	assert_int_equal(bcrypt_pbkdf("pass", 3, salt, 16, 2, other, 48), 0);
	assert_memory_not_equal(first, other, 48);
	assert_int_equal(bcrypt_pbkdf("pass", 4, salt, 15, 2, other, 48), 0);
	assert_memory_not_equal(first, other, 48);
	assert_int_equal(bcrypt_pbkdf("pass", 4, salt, 16, 3, other, 48), 0);
	assert_memory_not_equal(first, other, 48);
	salt[15] = 1;
	assert_int_equal(bcrypt_pbkdf("pass", 4, salt, 16, 2, other, 48), 0);
	assert_memory_not_equal(first, other, 48);
}

static void
silly_inputs_are_refused(void **state)
{
	static const uint8_t salt[BCRYPT_PBKDF_SALT_MAX + 1];
	uint8_t key[BCRYPT_PBKDF_KEY_MAX + 1];

	(void)state;
	assert_int_equal(bcrypt_pbkdf("", 0, salt, 16, 1, key, 32), -1);
	assert_int_equal(bcrypt_pbkdf("x", 1, salt, 0, 1, key, 32), -1);
	assert_int_equal(bcrypt_pbkdf("x", 1, salt, BCRYPT_PBKDF_SALT_MAX + 1, 1, key, 32), -1);
	assert_int_equal(bcrypt_pbkdf("x", 1, salt, 16, 0, key, 32), -1);
	assert_int_equal(bcrypt_pbkdf("x", 1, salt, 16, 1, key, 0), -1);
	assert_int_equal(bcrypt_pbkdf("x", 1, salt, 16, 1, key, BCRYPT_PBKDF_KEY_MAX + 1), -1);
	assert_int_equal(bcrypt_pbkdf("x", 1, salt, BCRYPT_PBKDF_SALT_MAX, 1, key, 32), 0);
}

/* sum += scale * atan(1 / x), by its series */
static void
add_atan(BIGNUM *sum, const BIGNUM *scale, BN_ULONG x)
{
	BIGNUM *power = BN_dup(scale), *term = BN_new();

	assert_non_null(power);
	assert_non_null(term);
	(void)BN_div_word(power, x);
	for (BN_ULONG n = 1; !BN_is_zero(power); n += 2) {
		assert_non_null(BN_copy(term, power));
		(void)BN_div_word(term, n);
		assert_int_equal(n % 4 == 1 ? BN_add(sum, sum, term) : BN_sub(sum, sum, term), 1);
		(void)BN_div_word(power, x * x);
	}
	BN_free(power);
	BN_free(term);
}

static void
constants_are_the_digits_of_pi(void **state)
{
	enum { WORDS = BLOWFISH_P + 4 * BLOWFISH_S, GUARD = 64 };
	static uint8_t bytes[4 * WORDS];
	BIGNUM *pi = BN_new(), *scale = BN_new();

	(void)state;
	/* pi = 16 atan(1/5) - 4 atan(1/239) (Machin), less 3 */
	assert_int_equal(BN_set_bit(scale, 32 * WORDS + GUARD + 4), 1);
	BN_zero(pi);
	add_atan(pi, scale, 5);
	assert_int_equal(BN_rshift(scale, scale, 2), 1);
	BN_set_negative(scale, 1);
	add_atan(pi, scale, 239);
	assert_int_equal(BN_mask_bits(pi, 32 * WORDS + GUARD), 1);
	assert_int_equal(BN_rshift(pi, pi, GUARD), 1);
	assert_int_equal(BN_bn2binpad(pi, bytes, sizeof(bytes)), sizeof(bytes));
	for (size_t i = 0; i < WORDS; i++)
		assert_int_equal(blowfish_pi[i], (uint32_t)bytes[4 * i] << 24 |
		    (uint32_t)bytes[4 * i + 1] << 16 | (uint32_t)bytes[4 * i + 2] << 8 |
		    bytes[4 * i + 3]);
	BN_free(pi);
	BN_free(scale);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silly_inputs_are_refused),
		cmocka_unit_test(writes_only_its_length),
		cmocka_unit_test(every_input_counts),
		cmocka_unit_test(known_answers),
		cmocka_unit_test(constants_are_the_digits_of_pi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
