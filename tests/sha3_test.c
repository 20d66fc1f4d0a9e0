/* sha3_test.c - SHA3 and SHAKE against FIPS 202's examples; that errors stick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/sha3.h"
#include "tests/hex.h"

/* NIST's "Cryptographic Standards and Guidelines, Examples with Intermediate Values", and
 * the first bytes of the two endless ones. */
static const struct {
	enum sha3_id id;
	const char *in, *out;
} vectors[] = {
	{ SHA3_256, "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a" },
	{ SHA3_256, "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
	{ SHA3_512, "abc", "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
	  "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
	{ SHAKE128, "", "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26" },
	{ SHAKE256, "", "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f" },
};
enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

/* One context for all of them, the input cut at every place. */
static void
known_answers(void **state)
{
	uint8_t want[64], got[64];
	struct sha3 h;

	(void)state;
	sha3_init(&h);
	for (size_t i = 0; i < VECTORS; i++) {
		size_t n = unhex(vectors[i].out, want, sizeof(want)), len = strlen(vectors[i].in);

		for (size_t cut = 0; cut <= len; cut++) {
			memset(got, 0, sizeof(got));
			sha3_once(&h, vectors[i].id, vectors[i].in, cut, vectors[i].in + cut,
			    len - cut, got, n);
			assert_memory_equal(got, want, n);
		}
	}
	assert_int_equal(sha3_deinit(&h), 0);
}

static void
a_longer_output_begins_with_the_shorter(void **state)
{
	uint8_t less[504], more[840];
	struct sha3 h;

	(void)state;
	sha3_init(&h);
	sha3_once(&h, SHAKE128, "x", 1, NULL, 0, less, sizeof(less));
	sha3_once(&h, SHAKE128, "x", 1, NULL, 0, more, sizeof(more));
	assert_memory_equal(less, more, sizeof(less));
	assert_int_equal(sha3_deinit(&h), 0);
}

static void
errors_stick(void **state)
{
	uint8_t out[64] = { 0 };
	static const uint8_t zero[64];
	struct sha3 h;

	(void)state;
	for (size_t n = 0; n < 64; n++) {	/* another length than the hash's */
		if (n == 32)
			continue;
		sha3_init(&h);
		sha3_once(&h, SHA3_256, "abc", 3, NULL, 0, out, n);
		assert_true(h.bad);
		sha3_once(&h, SHA3_256, "abc", 3, NULL, 0, out, 32);
		assert_int_equal(sha3_deinit(&h), -1);
		assert_memory_equal(out, zero, sizeof(out));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(a_longer_output_begins_with_the_shorter),
		cmocka_unit_test(errors_stick),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
