/* kex_curve25519_test.c - X25519 against RFC 7748, and the points to refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/hex.h"

enum { LEN = 32 };

static const struct kex_alg *
curve(void)
{
	const struct kex_alg *kex = kex_find("curve25519-sha256", 17);

	assert_non_null(kex);
	return kex;
}

/* RFC 7748 section 5.2, and Bob's side of section 6.1. */
static const struct {
	const char *secret, *point, *out;
} vectors[] = {
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
	  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
	  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
	{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
	  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
	  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
	{ "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
};

/* Points of order 1, 2, 4 and 8, and their other encodings: every result is zero. */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void
known_answers(void **state)
{
	struct kex_state kex;
	uint8_t point[LEN], want[LEN], got[LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		memset(&kex, 0, sizeof(kex));
		(void)unhex(vectors[i].secret, kex.bytes, LEN);
		(void)unhex(vectors[i].point, point, LEN);
		(void)unhex(vectors[i].out, want, LEN);
		assert_int_equal(curve()->finish(&kex, NULL, point, got), 0);
		assert_memory_equal(got, want, LEN);
	}
}

static void
both_sides_agree_and_differ_each_time(void **state)
{
	struct kex_state kex;
	uint8_t client[LEN + 1], server[LEN + 1], ours[LEN + 1], theirs[LEN + 1], last[LEN] = { 0 };

	(void)state;
	client[LEN] = server[LEN] = ours[LEN] = theirs[LEN] = 0x5a;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(curve()->start(&kex, NULL, client), 0);
		assert_int_equal(curve()->answer(NULL, client, server, theirs), 0);
		assert_int_equal(curve()->finish(&kex, NULL, server, ours), 0);
		assert_memory_equal(ours, theirs, LEN);
		assert_memory_not_equal(ours, last, LEN);
		memcpy(last, ours, LEN);
	}
	assert_int_equal(client[LEN] & server[LEN] & ours[LEN] & theirs[LEN], 0x5a);
}

static void
small_order_points_are_refused(void **state)
{
	struct kex_state kex;
	uint8_t point[LEN], public[LEN], secret[LEN];
	static const uint8_t zero[LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
		for (int high_bit = 0; high_bit < 2; high_bit++) {
			(void)unhex(small_order[i], point, LEN);
			/* RFC 7748 section 5: the bit is ignored, so it must not help. */
			point[LEN - 1] = (uint8_t)(point[LEN - 1] | high_bit << 7);
			assert_int_equal(curve()->answer(NULL, point, public, secret), -1);
			assert_memory_equal(secret, zero, LEN);
			assert_int_equal(curve()->start(&kex, NULL, public), 0);
			assert_int_equal(curve()->finish(&kex, NULL, point, secret), -1);
			assert_memory_equal(secret, zero, LEN);
		}
	}
}

static void
a_state_serves_once(void **state)
{
	struct kex_state kex;
	uint8_t client[LEN], server[LEN], secret[LEN];

	(void)state;
	memset(&kex, 0, sizeof(kex));
	assert_int_equal(curve()->start(&kex, NULL, client), 0);
	assert_int_equal(curve()->answer(NULL, client, server, secret), 0);
	assert_int_equal(curve()->finish(&kex, NULL, server, secret), 0);
	assert_int_equal(curve()->finish(&kex, NULL, server, secret), -1);
}

static void
both_names_are_one_exchange(void **state)
{
	const struct kex_alg *old = kex_find("curve25519-sha256@libssh.org", 28);

	(void)state;
	assert_non_null(old);
	assert_ptr_equal(old->finish, curve()->finish);
	assert_int_equal(old->hash, HASH_SHA256);
	assert_int_equal(curve()->hash, HASH_SHA256);
	assert_int_equal(curve()->client_len, LEN);
	assert_int_equal(curve()->server_len, LEN);
	assert_int_equal(curve()->secret_len, LEN);
	assert_false(curve()->secret_is_string);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(both_sides_agree_and_differ_each_time),
		cmocka_unit_test(small_order_points_are_refused),
		cmocka_unit_test(a_state_serves_once),
		cmocka_unit_test(both_names_are_one_exchange),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
