/* client_escape_test.c - ~ at the beginning of a line, however it is cut into reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "apps/client_escape.h"

enum { ROOM = 64 };

static struct client_escape e;
static char passed[ROOM];

/* n bytes in reads of size each, every one in memory of no more than it may use. */
static void type(const char *text, size_t n, size_t size)
{
	size_t have = 0;

	e = (struct client_escape){ .letter = '~', .at_line_start = true };
	for (size_t at = 0; at < n && !e.quit; at += size) {
		size_t len = n - at < size ? n - at : size;
		char *p = malloc(len + 1);

		memcpy(p, text + at, len);
		len = client_escape_filter(&e, p, len);
		assert_true(len < sizeof(passed) - have);
		memcpy(passed + have, p, len);
		have += len;
		free(p);
	}
	passed[have] = '\0';
}

static void what_is_no_escape_goes_on_as_it_was_typed(void **state)
{
	static const struct { const char *typed, *passes; int quits; } cases[] = {
		{ "ls ~/x\r", "ls ~/x\r", 0 },
		{ "~/bin/prog arg\r", "~/bin/prog arg\r", 0 },
		{ "a\r~bcdef\n~ghi", "a\r~bcdef\n~ghi", 0 },
		{ "~~x", "~x", 0 },
		{ "~~~x", "~~x", 0 },
		{ "~\033[Aabc", "~\033[Aabc", 0 },
		{ "~\r~.", "~\r", 1 },
		{ "a\n~.b", "a\n", 1 },
		{ "a~.b\n", "a~.b\n", 0 },
		{ "~", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t size = 1; size <= strlen(cases[i].typed); size++) {
			type(cases[i].typed, strlen(cases[i].typed), size);
			if (strcmp(passed, cases[i].passes) != 0)
				fail_msg("\"%s\" by %zu gave \"%s\"", cases[i].typed, size, passed);
			assert_int_equal(e.quit, cases[i].quits);
		}
}

static void another_letter_and_no_bytes(void **state)
{
	char p[8] = "";

	(void)state;
	e = (struct client_escape){ .letter = '^', .at_line_start = true };
	memcpy(p, "^", 1);
	assert_int_equal(client_escape_filter(&e, p, 1), 0);
	assert_int_equal(client_escape_filter(&e, p, 0), 0);
	memcpy(p, "~.", 2);
	assert_int_equal(client_escape_filter(&e, p, 2), 3);
	assert_memory_equal(p, "^~.", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_escape_goes_on_as_it_was_typed),
		cmocka_unit_test(another_letter_and_no_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
