/* hash_test.c - the hashes against FIPS 180 examples, and their pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/hex.h"

/* FIPS 180-4 examples (NIST's "Examples with Intermediate Values"). */
static const struct {
	enum hash_id id;
	const char *in, *out;
} vectors[] = {
	{ HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ HASH_SHA256, "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ HASH_SHA256, "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ HASH_SHA384, "abc",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7" },
	{ HASH_SHA512, "abc",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void
known_answers(void **state)
{
	uint8_t want[HASH_MAX], got[HASH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		assert_int_equal(unhex(vectors[i].out, want, sizeof(want)),
		    hash_size(vectors[i].id));
		assert_int_equal(hash_once(vectors[i].id, vectors[i].in,
		    strlen(vectors[i].in), got), 0);
		assert_memory_equal(got, want, hash_size(vectors[i].id));
	}
}

static void
pieces_make_the_whole(void **state)
{
	uint8_t data[300], whole[HASH_MAX], parts[HASH_MAX];
	struct hash *h;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (int id = HASH_SHA1; id <= HASH_SHA512; id++) {
		assert_int_equal(hash_once((enum hash_id)id, data, sizeof(data), whole), 0);
		for (size_t cut = 0; cut <= sizeof(data); cut++) {
			h = hash_new((enum hash_id)id);
			assert_non_null(h);
			hash_add(h, data, cut);
			hash_add(h, NULL, 0);
			hash_add(h, data + cut, sizeof(data) - cut);
			assert_int_equal(hash_end(h, parts), 0);
			assert_memory_equal(parts, whole, hash_size((enum hash_id)id));
		}
	}
}

static void
unknown_hashes_are_refused(void **state)
{
	uint8_t out[HASH_MAX];

	(void)state;
	for (int id = -1; id < 10; id++) {
		if (id >= HASH_SHA1 && id <= HASH_SHA512)
			continue;
		assert_null(hash_new((enum hash_id)id));
		assert_int_equal(hash_size((enum hash_id)id), 0);
		assert_int_equal(hash_once((enum hash_id)id, "", 0, out), -1);
	}
}

static void
writes_only_its_size(void **state)
{
	uint8_t out[HASH_MAX + 1];

	(void)state;
	for (int id = HASH_SHA1; id <= HASH_SHA512; id++) {
		memset(out, 0x5a, sizeof(out));
		assert_int_equal(hash_once((enum hash_id)id, "x", 1, out), 0);
		for (size_t i = hash_size((enum hash_id)id); i < sizeof(out); i++)
			assert_int_equal(out[i], 0x5a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(pieces_make_the_whole),
		cmocka_unit_test(unknown_hashes_are_refused),
		cmocka_unit_test(writes_only_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
