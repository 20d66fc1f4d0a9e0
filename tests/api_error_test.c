/* api_error_test.c - codes, sentences, and untrusted text in log lines. */
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
	for (int a = POSTERN_ESANDBOX; a <= POSTERN_ETIMEOUT; a++) {
		assert_string_not_equal(postern_strerror(a), "unknown error");
		for (int b = a + 1; b <= POSTERN_ETIMEOUT; b++)
			assert_string_not_equal(postern_strerror(a), postern_strerror(b));
	}
	assert_string_equal(postern_strerror(0), "no error");
	assert_string_equal(postern_strerror(1), "no error");
	assert_string_equal(postern_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(postern_strerror(POSTERN_ESANDBOX - 1), "unknown error");
	assert_string_equal(postern_strerror(-4095), "unknown error");
	assert_string_equal(postern_strerror(INT32_MIN), "unknown error");
	assert_string_equal(postern_strerror(INT32_MAX), "no error");
}

static void
an_unknown_outcome_is_not_success(void **state)
{
	(void)state;
	assert_int_equal(api_error_of_outcome(0), POSTERN_EWORKER);
	assert_int_equal(api_error_of_outcome(14), POSTERN_EWORKER);
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
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(api_error_of_outcome(rows[i].outcome), rows[i].code);
}

static void
quoting_lets_nothing_through(void **state)
{
	uint8_t every[256];
	char out[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(every); i++)
		every[i] = (uint8_t)i;
	(void)api_log_quote(out, sizeof(out), span_of(every, sizeof(every)));
	for (size_t i = 0; out[i] != '\0'; i++)
		assert_true(out[i] >= 0x20 && out[i] < 0x7f);
	assert_non_null(strstr(out, "\\x00\\x01"));
	assert_non_null(strstr(out, "\\x7f\\x80"));
	/* a backslash too, or "\x0a" in a name could not be told from a newline */
	assert_non_null(strstr(out, "[\\x5c]"));
	assert_string_equal(api_log_quote(out, sizeof(out), span_str("robey")), "robey");
	/* nor can a name leave the quotes that stand around it */
	assert_string_equal(api_log_quote(out, sizeof(out), span_str("x\" by")), "x\\x22 by");
}

static void
quoting_is_bounded_at_every_size(void **state)
{
	char out[64];

	(void)state;
	for (size_t cap = 0; cap < sizeof(out); cap++) {
		memset(out, 'x', sizeof(out));
		(void)api_log_quote(out, cap, span_str("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20"));
		for (size_t i = cap; i < sizeof(out); i++)
			assert_int_equal(out[i], 'x');
		if (cap > 0)
			assert_true(memchr(out, '\0', cap) != NULL);
	}
	assert_string_equal(api_log_quote(out, 8, span_str("abcdefghij")), "abcd...");
	assert_string_equal(api_log_quote(out, 12, span_str("abc")), "abc");
}

static void
taming_leaves_no_control_character(void **state)
{
	static const char *const odd[] = { "\x9b" "2J", "\xc3\x9b" "2J" + 1, "\xc3", "\xe2\x9b",
		"\xe2\x9b" "2J", "\xff", "\xc0\x9b", "\xc1\x9b", "\xe0\x80\x9b", "\xed\xa0\x9b",
		"\xf0\x80\x80\x9b", "\xf4\x90\x80\x9b", "\xf5\x80\x80\x9b", "\xc2\x9b" };
	char text[32] = "a\x1b[2Jb\r\n\tc\x7f\xc2\x9b" "d\xc3\xa9";

	(void)state;
	api_log_tame(text);
	assert_string_equal(text, "a?[2Jb?\n\tc???d\xc3\xa9");
	(void)snprintf(text, sizeof(text), "%s", "a\x1b" "b\r\nclosed: \tc\n");
	api_log_tame_line(text);
	assert_string_equal(text, "a?b? closed:  c ");
	/* outside of a character a byte of the upper half is a control too */
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", odd[i]);
		api_log_tame(text);
		for (size_t j = 0; text[j] != '\0'; j++)
			assert_true((uint8_t)text[j] < 0x80 && text[j] >= 0x20);
	}
	(void)snprintf(text, sizeof(text), "%s", "\xe2\x82\xac\xf0\x9f\x98\x80");
	api_log_tame(text);
	assert_string_equal(text, "\xe2\x82\xac\xf0\x9f\x98\x80");
}

static int logged, log_level;
static char logged_line[API_LINE_MAX];
static void
keep_line(void *user, int level, uint64_t conn, const char *peer, const char *line)
{
	assert_ptr_equal(user, &logged);
	assert_int_equal(conn, 0);
	assert_string_equal(peer, "");
	logged++;
	log_level = level;
	(void)snprintf(logged_line, sizeof(logged_line), "%s", line);
}

static void
the_log_keeps_to_its_level_and_length(void **state)
{
	postern_context *ctx = calloc(1, sizeof(*ctx));
	char *longest = malloc(2 * API_LINE_MAX);

	(void)state;
	assert_non_null(ctx);
	assert_non_null(longest);
	api_log(ctx, NULL, POSTERN_ERROR, "nobody listens");
	ctx->log = keep_line;
	ctx->user = &logged;
	ctx->log_level = POSTERN_INFO;
	api_log(ctx, NULL, POSTERN_VERBOSE, "too much");
	assert_int_equal(logged, 0);
	api_log(ctx, NULL, POSTERN_INFO, "%d %s", 7, "facts");
	assert_int_equal(logged, 1);
	assert_int_equal(log_level, POSTERN_INFO);
	assert_string_equal(logged_line, "7 facts");
	memset(longest, 'a', 2 * API_LINE_MAX);
	longest[2 * API_LINE_MAX - 1] = '\0';
	api_log(ctx, NULL, POSTERN_ERROR, "%s", longest);
	assert_int_equal(strlen(logged_line), API_LINE_MAX - 1);
	free(longest);
	free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_sentence_of_its_own),
		cmocka_unit_test(an_unknown_outcome_is_not_success),
		cmocka_unit_test(outcomes_become_codes),
		cmocka_unit_test(quoting_lets_nothing_through),
		cmocka_unit_test(quoting_is_bounded_at_every_size),
		cmocka_unit_test(taming_leaves_no_control_character),
		cmocka_unit_test(the_log_keeps_to_its_level_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
