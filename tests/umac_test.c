/* umac_test.c - UMAC against RFC 4418, against its letter, and against forgers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "crypto/umac.h"
#include "tests/hex.h"
#include "tests/umac_slow.h"

static const uint8_t rfc_key[UMAC_KEY + 1] = "abcdefghijklmnop";

/* A message of n bytes in memory of its own, of which the sanitizer knows the end. */
static uint8_t *
message_of(const char *part, size_t n)
{
	uint8_t *m = malloc(n + 1);

	assert_non_null(m);
	for (size_t i = 0; i < n; i++)
		m[i] = (uint8_t)part[i % strlen(part)];
	m = realloc(m, n > 0 ? n : 1);
	assert_non_null(m);
	return m;
}

static void
tag_of(const uint8_t *key, const uint8_t *nonce, const uint8_t *m, size_t n, uint8_t *tag, size_t len)
{
	struct umac *u = umac_new(key, len);

	assert_non_null(u);
	assert_int_equal(umac_tag(u, nonce, m, n, tag), 0);
	umac_free(u);
}

/* RFC 4418, appendix, key "abcdefghijklmnop", nonce "bcdefghi": its 64-bit tags, and its
 * 96-bit ones, which the 128-bit ones begin with; the rest of those, and the lengths that
 * are not the RFC's, from the tests of GNU nettle (testsuite/umac-test.c). */
static const struct {
	const char *part, *nonce;
	size_t n;
	const char *tag64, *tag128;
} vectors[] = {
	{ "a", "bcdefghi", 0, "6E155FAD26900BE1", "32fedb100c79ad58f07ff7643cc60465" },
	{ "a", "bcdefghi", 3, "44B5CB542F220104", "185e4fe905cba7bd85e4c2dc3d117d8d" },
	{ "a", "bcdefghi", 1 << 10, "26BF2F5D60118BD9", "7a54abe04af82d60fb298c3cbd195bcb" },
	{ "a", "bcdefghi", 1 << 15, "27F8EF643B0D118D", "7b136bd911e4b734286ef2be501f2c3c" },
	{ "a", "bcdefghi", 1 << 20, "A4477E87E9F55853", "f8acfa3ac31cfeea047f7b115b03bef5" },
	{ "abc", "bcdefghi", 3, "D4D7B9F6BD4FBFCF", "883c3d4b97a61976ffcf232308cba5a5" },
	{ "abc", "bcdefghi", 1500, "D4CF26DDEFD5C01A", "8824a260c53c66a36c9260a62cb83aa1" },
	{ "def", "bcdefghi", 1022, "2cee9784556387b3", "700513397f8a210a98938d3e7ac3bd88" },
};

static void
known_answers(void **state)
{
	uint8_t want[UMAC_TAG_MAX], got[UMAC_TAG_MAX], *m;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		m = message_of(vectors[i].part, vectors[i].n);
		assert_int_equal(unhex(vectors[i].tag64, want, 8), 8);
		tag_of(rfc_key, (const uint8_t *)vectors[i].nonce, m, vectors[i].n, got, 8);
		assert_memory_equal(got, want, 8);
		assert_int_equal(unhex(vectors[i].tag128, want, 16), 16);
		tag_of(rfc_key, (const uint8_t *)vectors[i].nonce, m, vectors[i].n, got, 16);
		assert_memory_equal(got, want, 16);
		free(m);
	}
}

/* The longest message that there is, and one byte more, which would need POLY-128. */
static void
longest_message(void **state)
{
	static const uint8_t nonce[UMAC_NONCE + 1] = "bcdefgh";
	uint8_t got[UMAC_TAG_MAX], want[UMAC_TAG_MAX], *m = message_of("def", UMAC_MESSAGE_MAX + 1);
	struct umac *u = umac_new(rfc_key, 16);

	(void)state;
	assert_non_null(u);
	assert_int_equal(umac_tag(u, nonce, m, UMAC_MESSAGE_MAX, got), 0);
	umac_slow(rfc_key, nonce, m, UMAC_MESSAGE_MAX, want, 16);
	assert_memory_equal(got, want, 16);
	/* nettle, with the same nonce and a length of 16777216 */
	assert_int_equal(unhex("42d8562a224a9e9a75c2f85d39462d07", want, 16), 16);
	assert_memory_equal(got, want, 16);
	assert_int_equal(umac_tag(u, nonce, m, UMAC_MESSAGE_MAX + 1, got), -1);
	assert_int_equal(umac_tag(u, nonce, m, SIZE_MAX, got), -1);
	umac_free(u);
	umac_free(NULL);
	free(m);
}

static void
every_length_agrees_with_the_letter(void **state)
{
	uint8_t key[UMAC_KEY], nonce[UMAC_NONCE], got[UMAC_TAG_MAX + 1], want[UMAC_TAG_MAX], *m;
	struct umac *u;

	(void)state;
	for (size_t len = 8; len <= 16; len += 8) {
		crypto_random(key, sizeof(key));
		u = umac_new(key, len);
		assert_non_null(u);
		for (size_t n = 0; n <= 1100; n += n < 100 || n > 960 ? 1 : 7) {
			m = message_of("?", n);
			crypto_random(m, n);
			crypto_random(nonce, sizeof(nonce));
			got[len] = 0x5a;
			assert_int_equal(umac_tag(u, nonce, m, n, got), 0);
			assert_int_equal(got[len], 0x5a);
			umac_slow(key, nonce, m, n, want, len);
			assert_memory_equal(got, want, len);
			free(m);
		}
		umac_free(u);
	}
}

/* A polynomial's rare case, a hash of 2^64 - 2^32 or more, which random messages never
 * show: with the key subtracted, a block's only numbers are two pairs whose products, and
 * the block's 8192 bits, sum up to what is wanted. */
static void
rare_hashes_agree_with_the_letter(void **state)
{
	static const uint8_t nonce[UMAC_NONCE];
	static const struct {
		uint32_t c, d;		/* beside 0xffffffff times itself: 2^64 - 2^33 + 1 */
		uint64_t hash;
	} blocks[] = {
		{ 4294959102, 1, UINT64_C(0xfffffffeffffffff) },	/* still ordinary */
		{ 4294959103, 1, UINT64_C(0xffffffff00000000) },
		{ 4294963199, 2, UINT64_C(0xffffffffffffffff) },
		{ 0, 0, UINT64_C(0xfffffffe00002001) },
		{ 4294959104, 1, UINT64_C(0xffffffff00000001) },
	};
	enum { BLOCKS = sizeof(blocks) / sizeof(blocks[0]) };
	uint8_t keys[1072], want[UMAC_TAG_MAX], got[UMAC_TAG_MAX], m[BLOCKS * 1024];

	(void)state;
	umac_slow_kdf(rfc_key, 1, keys, 1072);
	for (size_t block = 0; block < BLOCKS; block++) {
		uint8_t *p = m + 1024 * block;

		for (size_t i = 0; i < 256; i++) {
			uint32_t word = 0 - (uint32_t)umac_slow_uint(keys + 4 * i, 4);

			word += i == 0 || i == 4 ? UINT32_MAX : i == 1 ? blocks[block].c :
			    i == 5 ? blocks[block].d : 0;
			for (size_t j = 0; j < 4; j++)
				p[4 * i + j] = (uint8_t)(word >> 8 * j);
		}
		assert_true(umac_slow_nh(keys, p, 1024) == blocks[block].hash);
	}
	for (size_t len = 8; len <= 16; len += 8) {
		umac_slow(rfc_key, nonce, m, sizeof(m), want, len);
		tag_of(rfc_key, nonce, m, sizeof(m), got, len);
		assert_memory_equal(got, want, len);
	}
}

static void
every_bit_counts(void **state)
{
	uint8_t key[UMAC_KEY], nonce[UMAC_NONCE] = { 0 }, m[1200], tag[UMAC_TAG_MAX], other[UMAC_TAG_MAX];

	(void)state;
	crypto_random(key, sizeof(key));
	crypto_random(m, sizeof(m));
	for (size_t len = 8; len <= 16; len += 8) {
		tag_of(key, nonce, m, sizeof(m), tag, len);
		for (size_t bit = 0; bit < 8 * sizeof(m); bit += 3) {
			m[bit / 8] ^= (uint8_t)(1 << bit % 8);
			tag_of(key, nonce, m, sizeof(m), other, len);
			assert_memory_not_equal(tag, other, len);
			m[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
			key[bit / 8] ^= (uint8_t)(1 << bit % 8);
			tag_of(key, nonce, m, sizeof(m), other, len);
			assert_memory_not_equal(tag, other, len);
			key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * sizeof(nonce); bit++) {
			nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
			tag_of(key, nonce, m, sizeof(m), other, len);
			assert_memory_not_equal(tag, other, len);
			nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		/* a zero more, within what is padded with zeros */
		memset(m + 1190, 0, 10);
		tag_of(key, nonce, m, 1199, tag, len);
		tag_of(key, nonce, m, 1200, other, len);
		assert_memory_not_equal(tag, other, len);
	}
}

static void
only_the_two_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len < 40; len++) {
		struct umac *u = umac_new(rfc_key, len);

		assert_int_equal(u != NULL, len == 8 || len == 16);
		umac_free(u);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(longest_message),
		cmocka_unit_test(every_length_agrees_with_the_letter),
		cmocka_unit_test(rare_hashes_agree_with_the_letter),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(only_the_two_lengths),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
