/* keygen_validity_test.c - intervals of validity: what is understood, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "apps/keygen_cert.h"

enum { NOW = 1700000000 };		/* 2023-11-14T22:13:20Z */
#define FOREVER UINT64_MAX
#define FROM_NOW 1699999920		/* a minute that is over */

static void
good_intervals(void **state)
{
	static const struct { const char *text; uint64_t after, before; } cases[] = {
		{ "always:forever", 0, FOREVER },
		{ "forever", FROM_NOW, FOREVER },
		{ "+1d", FROM_NOW, NOW + 86400 },
		{ "+90", FROM_NOW, NOW + 90 },
		{ "+1w2d3h4m5s", FROM_NOW, NOW + 788645 },
		{ "+1W", FROM_NOW, NOW + 604800 },
		{ "-1h:+1h", NOW - 3600, NOW + 3600 },
		{ "20240101:20300101", 1704067200, 1893456000 },
		{ "20240101Z:20300101Z", 1704067200, 1893456000 },
		{ "20240101UTC:forever", 1704067200, FOREVER },
		{ "202401011230:20240101123001", 1704112200, 1704112201 },
		{ "20240229:+52w", 1709164800, NOW + 31449600 },
		{ "0x10:0xffffffffffffffff", 16, FOREVER },
	};
	uint64_t after, before;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!keygen_validity_parse(cases[i].text, NOW, &after, &before))
			fail_msg("%s is not understood", cases[i].text);
		if (after != cases[i].after)
			fail_msg("%s: after %llu", cases[i].text, (unsigned long long)after);
		if (before != cases[i].before)
			fail_msg("%s: before %llu", cases[i].text, (unsigned long long)before);
	}
}

static void
bad_intervals(void **state)
{
	static const char *const cases[] = { "", ":", "always", "always:", ":forever",
	    "forever:always", "2024", "20240101:", "20240101:20230101", "20240101:20240101", "20241301",
	    "20240230", "20230229", "202401012460", "20240101x", "20240101ZZ", "20240101UT", "+", "+x",
	    "+1x", "+-1", "+ 1", "+1 d", "-1h", "+99999999999999999999d", "-9999999w:+1d", "0x", "0xg",
	    "0x1ffffffffffffffff", "10:20", "+1d:+2d:+3d",
	    "00000000000000000000000000000000000000000000000000000000000000000000:forever" };
	uint64_t after, before;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (keygen_validity_parse(cases[i], NOW, &after, &before))
			fail_msg("%s: %llu to %llu", cases[i], (unsigned long long)after,
			    (unsigned long long)before);
}

static void
intervals_are_shown(void **state)
{
	char text[KEYGEN_VALIDITY_MAX];

	(void)state;
	keygen_validity_format(0, FOREVER, text);
	assert_string_equal(text, "forever");
	keygen_validity_format(0, NOW, text);
	assert_string_equal(text, "before 2023-11-14T22:13:20");
	keygen_validity_format(NOW, FOREVER, text);
	assert_string_equal(text, "after 2023-11-14T22:13:20");
	keygen_validity_format(16, NOW, text);
	assert_string_equal(text, "from 1970-01-01T00:00:16 to 2023-11-14T22:13:20");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_intervals),
		cmocka_unit_test(bad_intervals),
		cmocka_unit_test(intervals_are_shown),
	};

	if (setenv("TZ", "UTC", 1) != 0)
		return 1;
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
