/* api_hexdump_test.c - packets in the log: what must not be shown, then the format. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000, LINES = 4096 };

static char lines[LINES][128], channels[LINES][64];
static int n_lines, levels_seen;
static postern_context *ctx;
static postern_transport *t;
static int peer = -1;
static bool free_it;

static void
keep_line(void *user, const struct postern_log_line *line)
{
	(void)user;
	if (strstr(line->channel, ".worker") == NULL)
		return;
	if (n_lines < LINES) {
		(void)snprintf(lines[n_lines], sizeof(lines[0]), "%s", line->text);
		(void)snprintf(channels[n_lines], sizeof(channels[0]), "%s", line->channel);
		n_lines++;
	}
	levels_seen |= 1 << line->level;
	if (free_it)
		postern_transport_free(t);
}

static int
setup_with(void **state, int log_level, int most)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	int pair[2];

	n_lines = levels_seen = 0;
	free_it = false;
	if (fake_setup(state) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	cfg.log = keep_line;
	cfg.log_level = log_level;
	cfg.hexdump_max = most;
	peer = pair[1];
	if (postern_context_new(&ctx, &cfg, SOON) != 0)
		return -1;
	return postern_transport_new(&t, ctx, pair[0]);
}

static int
setup(void **state)
{
	return setup_with(state, POSTERN_DEBUG, POSTERN_HEXDUMP_WHOLE);
}

static int
setup_blanked(void **state)
{
	return setup_with(state, POSTERN_DEBUG, POSTERN_HEXDUMP_BLANKED);
}

static int
setup_off(void **state)
{
	return setup_with(state, POSTERN_DEBUG, POSTERN_HEXDUMP_OFF);
}

static int
setup_quiet(void **state)
{
	return setup_with(state, POSTERN_VERBOSE, POSTERN_HEXDUMP_WHOLE);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	ipc_close_fds(&peer, 1);
	return 0;
}

static void
show(bool is_out, uint32_t skipped, const void *packet, size_t len)
{
	struct ipc_DUMPED m = { .is_out = is_out, .skipped = skipped,
		.packet = span_of(packet, len) };

	api_hexdump_show(t, &m);
}

static void
a_mode_that_is_none_is_refused(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	postern_context *other = NULL;

	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, -1), -EINVAL);
	assert_int_equal(postern_transport_set_hexdump(t, 3), -EINVAL);
	assert_int_equal(postern_transport_set_hexdump(t, 257), -EINVAL);
	assert_int_equal(postern_transport_get_hexdump(t), POSTERN_HEXDUMP_OFF);
	cfg.hexdump_max = 3;
	assert_int_equal(postern_context_new(&other, &cfg, SOON), -EINVAL);
	cfg.hexdump_max = -1;
	assert_int_equal(postern_context_new(&other, &cfg, SOON), -EINVAL);
	assert_null(other);
}

static void
more_than_the_context_allows_is_refused(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), -EPERM);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	assert_int_equal(postern_transport_get_hexdump(t), POSTERN_HEXDUMP_BLANKED);
}

static void
by_default_the_context_allows_none(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), -EPERM);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_OFF), 0);
}

static void
nothing_is_shown_unless_asked_for(void **state)
{
	(void)state;
	show(true, 0, "\x02secret", 7);
	assert_int_equal(n_lines, 0);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_OFF), 0);
	show(true, 7, "\x02late", 5);
	assert_int_equal(n_lines, 0);
}

static void
nothing_is_shown_below_debug(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	show(true, 1, "\x02secret", 7);
	assert_int_equal(n_lines, 0);
}

static void
the_logs_function_may_free_the_transport(void **state)
{
	uint8_t packet[1000] = { 94 };

	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	free_it = true;
	ctx->depth++;	/* as within a turn: the memory stays */
	show(true, 0, packet, sizeof(packet));
	ctx->depth--;
	assert_int_equal(n_lines, 1);
}

static void
lines_are_as_paramiko_writes_them(void **state)
{
	static const char packet[] = "\x05\x00\x00\x00\x0cssh-userauth~\x7f\x80\xff\x1f";

	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	show(true, 0, packet, sizeof(packet) - 1);
	assert_int_equal(n_lines, 3);
	assert_string_equal(lines[0], "Write packet <service-request>, length 22");
	assert_string_equal(lines[1], "OUT: 05 00 00 00 0C 73 73 68 2D 75 73 65 72 61 75 74    "
	    ".....ssh-useraut");
	assert_string_equal(lines[2], "OUT: 68 7E 7F 80 FF 1F                                  "
	    "h~....");
	n_lines = 0;
	show(false, 0, packet, 16);
	assert_int_equal(n_lines, 2);
	assert_string_equal(lines[0], "Read packet <service-request>, length 16");
	assert_memory_equal(lines[1], "IN: 05 ", 7);
	assert_string_equal(channels[0], "postern.transport.worker");
	assert_int_equal(levels_seen, 1 << POSTERN_DEBUG);
}

static void
every_number_has_a_name(void **state)
{
	static const struct {
		uint8_t number;
		const char *name;
	} rows[] = { { 1, "disconnect" }, { 20, "kexinit" }, { 50, "userauth-request" },
		{ 90, "channel-open" }, { 91, "channel-open-confirmation" }, { 94, "channel-data" },
		{ 0, "$0" }, { 100, "channel-failure" }, { 255, "$ff" } };
	char want[128];

	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n_lines = 0;
		show(true, 0, &rows[i].number, 1);
		(void)snprintf(want, sizeof(want), "Write packet <%s>, length 1", rows[i].name);
		assert_string_equal(lines[0], want);
	}
	for (int i = 0; i < 256; i++) {
		uint8_t number = (uint8_t)i;

		n_lines = 0;
		show(true, 0, &number, 1);
		for (const char *s = strchr(lines[0], '<') + 1; *s != '>'; s++)
			assert_true((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ||
			    *s == '-' || *s == '$');
	}
}

static void
the_smallest_the_largest_and_those_left_out(void **state)
{
	static uint8_t packet[35000];

	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	show(false, 12, packet, 0);
	assert_int_equal(n_lines, 2);
	assert_string_equal(lines[0], "12 packets before this are not shown");
	assert_string_equal(lines[1], "Read packet <empty>, length 0");
	n_lines = 0;
	show(false, 0, packet, sizeof(packet));
	assert_int_equal(n_lines, 1 + (35000 + 15) / 16);
}

static void
it_is_asked_of_the_monitor_and_shown_when_it_comes(void **state)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	cfg.host = "host";
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	/* what was set before the start goes with it */
	assert_int_equal(fake_seen->hexdump, POSTERN_HEXDUMP_WHOLE);
	assert_int_equal(fake_seen->hexdumps, 0);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	for (int i = 0; i < 50 && n_lines < 3; i++)
		(void)!postern_next(ctx, &ev, 20);
	assert_int_equal(fake_seen->hexdump, POSTERN_HEXDUMP_BLANKED);
	assert_string_equal(lines[0], "3 packets before this are not shown");
	assert_string_equal(lines[1], "Write packet <ignore>, length 7");
	assert_int_equal(n_lines, 3);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_true(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED) < 0);
}

#define CASE(name, before) cmocka_unit_test_setup_teardown(name, before, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_mode_that_is_none_is_refused, setup),
		CASE(more_than_the_context_allows_is_refused, setup_blanked),
		CASE(by_default_the_context_allows_none, setup_off),
		CASE(nothing_is_shown_unless_asked_for, setup),
		CASE(nothing_is_shown_below_debug, setup_quiet),
		CASE(the_logs_function_may_free_the_transport, setup),
		CASE(lines_are_as_paramiko_writes_them, setup),
		CASE(every_number_has_a_name, setup),
		CASE(the_smallest_the_largest_and_those_left_out, setup),
		CASE(it_is_asked_of_the_monitor_and_shown_when_it_comes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
