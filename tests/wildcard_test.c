/*
 * wildcard_test.c - patterns that match, that do not, and that want to take for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/wildcard.h"

static bool
m(const char *pattern, const char *text)
{
	return wildcard_match(pattern, strlen(pattern), text, strlen(text));
}

static void
test_matches(void **state)
{
	static const char *const yes[][2] = {
		{ "", "" }, { "*", "" }, { "*", "anything" }, { "**", "" }, { "?", "a" },
		{ "a*", "a" }, { "*a", "a" }, { "*.example", "host.example" },
		{ "a?c*", "abcdef" }, { "*ab*ab", "abxabab" }, { "h*t", "hot-pot" },
	};
	static const char *const no[][2] = {
		{ "", "a" }, { "?", "" }, { "a", "" }, { "a", "b" }, { "a", "aa" }, { "??", "a" },
		{ "*.example", "example" }, { "*a", "ab" }, { "a*b", "acbc" }, { "A", "a" },
		{ "h.t", "hot" }, { "\\*", "*" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(m(yes[i][0], yes[i][1]));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(m(no[i][0], no[i][1]));
}

/* Lengths count, not a NUL: what follows it has to match too. */
static void
test_nul_is_a_byte(void **state)
{
	(void)state;
	assert_false(wildcard_match("a", 1, "a\0b", 3));
	assert_true(wildcard_match("a?b", 3, "a\0b", 3));
	assert_false(wildcard_match("a\0c", 3, "a\0b", 3));
	assert_true(wildcard_match(NULL, 0, NULL, 0));
}

static void
test_lower(void **state)
{
	(void)state;
	assert_true(wildcard_match_lower("*.EXAMPLE", 9, "host.example", 12));
	assert_false(wildcard_match_lower("*.example", 9, "host.EXAMPLE", 12));
	assert_true(wildcard_match_lower("[@Z", 3, "[@z", 3));
	assert_false(wildcard_match_lower("{", 1, "[", 1));
}

/* Twenty stars that all nearly match: a matcher that tries every way never returns. */
static void
test_time(void **state)
{
	char pattern[64], *text = malloc(100000);
	struct timespec a, b;
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 100000);
	for (int i = 0; i < 20; i++) {
		pattern[n++] = 'a';
		pattern[n++] = '*';
	}
	pattern[n++] = 'b';
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_false(wildcard_match(pattern, n, text, 100000));
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(b.tv_sec - a.tv_sec < 2);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_nul_is_a_byte),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
