/* api_message_test.c - typed payloads: bounds on both sides, and what a bad one is for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "privsep/api.h"

static const uint8_t all_types[] = {
	7, 1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9,
	0, 0, 0, 3, 'a', 0, 'b', 0, 0, 0, 2, 'h', 'i',
	0, 0, 0, 2, 0, 0x80, 0xff, 0xfe,
};

static postern_message *
one_of_each(void)
{
	postern_message *m = postern_message_new();

	assert_non_null(m);
	postern_message_add_byte(m, 7);
	postern_message_add_boolean(m, 42);
	postern_message_add_int(m, 0x102);
	postern_message_add_int64(m, 9);
	postern_message_add_string(m, "a\0b", 3);
	postern_message_add_text(m, "hi");
	postern_message_add_mpint(m, "\0\0\x80", 3);
	postern_message_add_bytes(m, "\xff\xfe", 2);
	return m;
}

static bool
next_is(postern_message *m, const void *want, size_t n)
{
	size_t len;
	const void *got = postern_message_get_string(m, &len);

	return len == n && memcmp(got, want, n) == 0;
}

/* Gets all of it; true if it was all there and nothing more. */
static bool
is_one_of_each(postern_message *m)
{
	bool same = postern_message_get_byte(m) == 7;

	same = postern_message_get_boolean(m) == 1 && same;
	same = postern_message_get_int(m) == 0x102 && same;
	same = postern_message_get_int64(m) == 9 && same;
	same = next_is(m, "a\0b", 3) && same;
	same = next_is(m, "hi", 2) && same;
	same = next_is(m, "\0\x80", 2) && same;
	same = postern_message_get_byte(m) == 0xff && same;
	same = postern_message_get_byte(m) == 0xfe && same;
	return same && postern_message_at_end(m);
}

static void
what_is_added_is_on_the_wire(void **state)
{
	postern_message *m = one_of_each();
	size_t len;
	const void *bytes = postern_message_asbytes(m, &len);

	(void)state;
	assert_int_equal(len, sizeof(all_types));
	assert_memory_equal(bytes, all_types, len);
	assert_false(postern_message_at_end(m));
	assert_true(is_one_of_each(m));
	postern_message_rewind(m);
	assert_true(is_one_of_each(m));
	/* one more than there is: bad for good, also after a rewind */
	assert_int_equal(postern_message_get_byte(m), 0);
	assert_true(postern_message_is_bad(m));
	assert_false(postern_message_at_end(m));
	postern_message_rewind(m);
	assert_int_equal(postern_message_get_byte(m), 0);
	postern_message_add_byte(m, 1);
	(void)postern_message_asbytes(m, &len);
	assert_int_equal(len, 0);
	postern_message_free(m);
	postern_message_free(NULL);
}

static void
every_truncation_is_bad_and_reads_nothing_behind_it(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(all_types); n++) {
		/* of its exact size: a byte too far is the sanitizer's */
		uint8_t *part = malloc(n + 1);
		postern_message *m;

		assert_non_null(part);
		memcpy(part, all_types, n);
		m = postern_message_of(part, n);
		free(part);
		assert_false(postern_message_is_bad(m));
		assert_false(is_one_of_each(m));
		assert_true(postern_message_is_bad(m));
		postern_message_free(m);
	}
}

static void
a_length_beyond_the_end_is_bad(void **state)
{
	static const uint8_t lengths[][8] = { { 0xff, 0xff, 0xff, 0xff, 'x' }, { 0, 0, 0, 5, 'x' },
		{ 0, 0, 0x20, 1, 'x' }, { 0x80, 0, 0, 0, 'x' } };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		postern_message *m = postern_message_of(lengths[i], sizeof(lengths[i]));
		size_t len = 1;
		const char *s = postern_message_get_string(m, &len);

		assert_int_equal(len, 0);
		assert_string_equal(s, "");
		assert_true(postern_message_is_bad(m));
		/* what stands there is not read as something else instead */
		assert_int_equal(postern_message_get_int64(m), 0);
		postern_message_free(m);
	}
}

static void
an_empty_string_is_not_bad(void **state)
{
	postern_message *m = postern_message_of("\0\0\0\0", 4);
	size_t len = 1;

	(void)state;
	assert_string_equal(postern_message_get_string(m, &len), "");
	assert_int_equal(len, 0);
	assert_true(postern_message_at_end(m));
	postern_message_free(m);
	m = postern_message_of(NULL, 0);
	assert_true(postern_message_at_end(m));
	postern_message_free(m);
}

static void
eight_kibibytes_and_no_more(void **state)
{
	static const uint8_t zeros[8193];
	struct span s;
	postern_message *m;
	size_t len;

	(void)state;
	m = postern_message_of(zeros, 8192);
	assert_int_equal(api_message_span(m, &s), 0);
	assert_int_equal(s.n, 8192);
	postern_message_add_byte(m, 1);
	assert_int_equal(api_message_span(m, &s), -EINVAL);
	postern_message_free(m);
	m = postern_message_of(zeros, 8193);
	assert_true(postern_message_is_bad(m));
	postern_message_free(m);
	m = postern_message_new();
	postern_message_add_string(m, zeros, 8189);
	assert_true(postern_message_is_bad(m));
	postern_message_free(m);
	m = postern_message_new();
	postern_message_add_string(m, zeros, 8188);
	assert_false(postern_message_is_bad(m));
	(void)postern_message_asbytes(m, &len);
	assert_int_equal(len, 8192);
	postern_message_free(m);
	/* what would fit after one that did not is not added */
	m = postern_message_new();
	postern_message_add_mpint(m, zeros, 8193);
	postern_message_add_byte(m, 1);
	assert_true(postern_message_is_bad(m));
	(void)postern_message_asbytes(m, &len);
	assert_int_equal(len, 0);
	postern_message_free(m);
	assert_int_equal(api_message_span(NULL, &s), 0);
	assert_int_equal(s.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_on_the_wire),
		cmocka_unit_test(every_truncation_is_bad_and_reads_nothing_behind_it),
		cmocka_unit_test(a_length_beyond_the_end_is_bad),
		cmocka_unit_test(an_empty_string_is_not_bad),
		cmocka_unit_test(eight_kibibytes_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
