/* api_log_test.c - untrusted text in log lines, names of channels, what a line tells. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "privsep/api.h"

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
	static const char *const odd[] = { "\x9b" "2J", "\xc3", "\xe2\x9b",
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

static struct {
	int n, level;
	uint64_t conn;
	char channel[128], peer[128], text[API_LINE_MAX + 1];
} got;

static void
keep_line(void *user, const struct postern_log_line *line)
{
	assert_ptr_equal(user, &got);
	assert_int_equal(line->size, sizeof(*line));
	got.n++;
	got.level = line->level;
	got.conn = line->conn;
	(void)snprintf(got.channel, sizeof(got.channel), "%s", line->channel);
	(void)snprintf(got.peer, sizeof(got.peer), "%s", line->peer);
	(void)snprintf(got.text, sizeof(got.text), "%s", line->text);
}

static postern_context ctx;
static postern_transport transport, *t = &transport;

static int
setup(void **state)
{
	(void)state;
	memset(&got, 0, sizeof(got));
	ctx = (postern_context){ .pid = getpid(), .log = keep_line, .user = &got,
		.log_level = POSTERN_INFO };
	transport = (postern_transport){ .ctx = &ctx, .id = 42, .peer = "192.0.2.1:7" };
	return 0;
}

static void
bad_names_of_channels_change_nothing(void **state)
{
	char longest[API_LOG_NAME_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(postern_transport_set_log_channel(t, longest), -EMSGSIZE);
	assert_int_equal(postern_transport_set_log_channel(t, ""), -EINVAL);
	assert_int_equal(postern_transport_set_log_channel(t, "two words"), -EINVAL);
	assert_int_equal(postern_transport_set_log_channel(t, "line\nforged"), -EINVAL);
	assert_int_equal(postern_transport_set_log_channel(t, "esc\x1b[2J"), -EINVAL);
	assert_int_equal(postern_transport_set_log_channel(t, "del\x7f"), -EINVAL);
	assert_int_equal(postern_transport_set_log_channel(t, "\xc3\xa9"), -EINVAL);
	assert_string_equal(postern_transport_get_log_channel(t), "postern.transport");
	longest[API_LOG_NAME_MAX] = '\0';
	assert_int_equal(postern_transport_set_log_channel(t, longest), 0);
	assert_string_equal(postern_transport_get_log_channel(t), longest);
	/* with the longest that can hang on it */
	api_log_chan(t, UINT64_MAX, POSTERN_INFO, "x");
	assert_int_equal(strlen(got.channel), API_LOG_NAME_MAX + strlen(".chan.9223372036854775807"));
}

static void
a_channel_of_a_forked_child_is_not_ours(void **state)
{
	(void)state;
	ctx.pid++;
	assert_int_equal(postern_transport_set_log_channel(t, "name"), POSTERN_EFORKED);
}

static void
the_log_keeps_to_its_level_and_length(void **state)
{
	char *longest = malloc(2 * API_LINE_MAX);

	(void)state;
	assert_non_null(longest);
	api_log(&ctx, NULL, POSTERN_VERBOSE, "too much");
	api_log_worker(t, POSTERN_DEBUG, "too much");
	api_log_monitor(&ctx, t, POSTERN_VERBOSE, "too much");
	api_log_chan(t, 1, POSTERN_VERBOSE, "too much");
	assert_int_equal(got.n, 0);
	api_log(&ctx, NULL, POSTERN_INFO, "%d %s", 7, "facts");
	assert_int_equal(got.n, 1);
	assert_int_equal(got.level, POSTERN_INFO);
	assert_string_equal(got.text, "7 facts");
	memset(longest, 'a', 2 * API_LINE_MAX);
	longest[2 * API_LINE_MAX - 1] = '\0';
	api_log(&ctx, NULL, POSTERN_ERROR, "%s", longest);
	assert_int_equal(strlen(got.text), API_LINE_MAX - 1);
	free(longest);
	ctx.log = NULL;
	api_log(&ctx, NULL, POSTERN_ERROR, "nobody listens");
	assert_int_equal(got.n, 2);
}

static void
a_line_says_where_it_belongs(void **state)
{
	(void)state;
	api_log(&ctx, NULL, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "");
	assert_string_equal(got.peer, "");
	assert_int_equal(got.conn, 0);
	api_log(&ctx, t, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "postern.transport");
	assert_string_equal(got.peer, "192.0.2.1:7");
	assert_int_equal(got.conn, 42);
	api_log_monitor(&ctx, NULL, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "postern.monitor");
	assert_int_equal(postern_transport_set_log_channel(t, "mine"), 0);
	api_log(&ctx, t, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "mine");
	api_log_worker(t, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "mine.worker");
	api_log_monitor(&ctx, t, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "mine.monitor");
	/* the number is the one that postern_channel_id gives */
	api_log_chan(t, 7, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "mine.chan.7");
	api_log_chan(t, API_OURS | 8, POSTERN_INFO, "x");
	assert_string_equal(got.channel, "mine.chan.8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting_lets_nothing_through),
		cmocka_unit_test(quoting_is_bounded_at_every_size),
		cmocka_unit_test(taming_leaves_no_control_character),
		cmocka_unit_test_setup(bad_names_of_channels_change_nothing, setup),
		cmocka_unit_test_setup(a_channel_of_a_forked_child_is_not_ours, setup),
		cmocka_unit_test_setup(the_log_keeps_to_its_level_and_length, setup),
		cmocka_unit_test_setup(a_line_says_where_it_belongs, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
