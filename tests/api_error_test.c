/* api_error_test.c - codes and their sentences. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "privsep/api.h"

static void
every_code_has_a_sentence_of_its_own(void **state)
{
	(void)state;
	for (int a = POSTERN_ESIGN; a <= POSTERN_ETIMEOUT; a++) {
		assert_string_not_equal(postern_strerror(a), "unknown error");
		for (int b = a + 1; b <= POSTERN_ETIMEOUT; b++)
			assert_string_not_equal(postern_strerror(a), postern_strerror(b));
	}
	assert_string_equal(postern_strerror(0), "no error");
	assert_string_equal(postern_strerror(1), "no error");
	assert_string_equal(postern_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(postern_strerror(POSTERN_ESIGN - 1), "unknown error");
	assert_string_equal(postern_strerror(-4095), "unknown error");
	assert_string_equal(postern_strerror(INT32_MIN), "unknown error");
	assert_string_equal(postern_strerror(INT32_MAX), "no error");
}

static void
an_unknown_outcome_is_not_success(void **state)
{
	(void)state;
	assert_int_equal(api_error_of_outcome(0), POSTERN_EWORKER);
	assert_int_equal(api_error_of_outcome(15), POSTERN_EWORKER);
	assert_int_equal(api_error_of_outcome(UINT32_MAX), POSTERN_EWORKER);
}

static void
outcomes_become_codes(void **state)
{
	static const struct {
		uint32_t outcome;
		int code;
	} rows[] = {
		{ 1, 0 }, { 2, POSTERN_ECLOSED }, { 3, POSTERN_ECUT }, { 4, POSTERN_ETIMEOUT },
		{ 5, POSTERN_EPROTO }, { 6, POSTERN_ENOMATCH }, { 7, POSTERN_EHOSTKEY },
		{ 8, POSTERN_EAUTH }, { 9, POSTERN_EWORKER }, { 10, POSTERN_EWORKER },
		{ 11, POSTERN_ELIMIT }, { 12, -ENOMEM }, { 13, POSTERN_ECUT },
		{ 14, POSTERN_ESIGN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(api_error_of_outcome(rows[i].outcome), rows[i].code);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_sentence_of_its_own),
		cmocka_unit_test(an_unknown_outcome_is_not_success),
		cmocka_unit_test(outcomes_become_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
