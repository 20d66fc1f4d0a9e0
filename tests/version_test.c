/* version_test.c - identification strings, the bad ones first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/version.h"

/* Takes one line from a heap copy of exact size, so that ASan sees any byte too far. */
static enum proto_error
take(struct version *v, enum ssh_role role, const char *s, size_t n, size_t *used, size_t *found)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct span f;
	enum proto_error e;

	assert_non_null(copy);
	memcpy(copy, s, n);
	e = version_take(v, role, span_of(copy, n), used, &f);
	*found = f.n;
	if (f.n > 0)
		assert_memory_equal(f.p, s, f.n);
	free(copy);
	return e;
}

static enum proto_error
whole(enum ssh_role role, const char *s)
{
	struct version v = { 0 };
	size_t used, found;

	return take(&v, role, s, strlen(s), &used, &found);
}

static void
server_refuses_what_is_not_ssh(void **state)
{
	(void)state;
	assert_int_equal(whole(SSH_SERVER, "GET / HTTP/1.0\r\n"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "G"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "\x16\x03\x01"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "\r\n"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "\n"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "hello\r\nSSH-2.0-x\r\n"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "ssh-2.0-x\r\n"), PROTO_E_BANNER_FORMAT);
	assert_int_equal(whole(SSH_SERVER, "SSH_"), PROTO_E_BANNER_FORMAT);
}

static void
wrong_versions_and_forms(void **state)
{
	static const enum ssh_role roles[] = { SSH_SERVER, SSH_CLIENT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(whole(roles[i], "SSH-1.5-old\r\n"), PROTO_E_BANNER_VERSION);
		assert_int_equal(whole(roles[i], "SSH-3.0-new\r\n"), PROTO_E_BANNER_VERSION);
		assert_int_equal(whole(roles[i], "SSH-2.1-x\r\n"), PROTO_E_BANNER_VERSION);
		assert_int_equal(whole(roles[i], "SSH-02.0-x\r\n"), PROTO_E_BANNER_VERSION);
		assert_int_equal(whole(roles[i], "SSH-1.999-x\r\n"), PROTO_E_BANNER_VERSION);
		assert_int_equal(whole(roles[i], "SSH-\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-2\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-2.\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-.0-x\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-2.0x\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-2.0-\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-1.99-\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-2.0-a\rb\r\n"), PROTO_E_BANNER_FORMAT);
		assert_int_equal(whole(roles[i], "SSH-2.0-a\r\r\n"), PROTO_E_BANNER_FORMAT);
	}
}

static void
nul_is_refused_everywhere(void **state)
{
	static const char in_version[] = "SSH-2.0-a\0b\r\n", in_line[] = "hi\0\r\nSSH-2.0-a\r\n";
	struct version v = { 0 };
	size_t used, found;

	(void)state;
	assert_int_equal(take(&v, SSH_SERVER, in_version, sizeof(in_version) - 1, &used, &found),
	    PROTO_E_BANNER_FORMAT);
	assert_int_equal(take(&v, SSH_CLIENT, in_version, sizeof(in_version) - 1, &used, &found),
	    PROTO_E_BANNER_FORMAT);
	assert_int_equal(take(&v, SSH_CLIENT, in_line, sizeof(in_line) - 1, &used, &found),
	    PROTO_E_BANNER_FORMAT);
	/* before its newline has come, too */
	assert_int_equal(take(&v, SSH_CLIENT, in_line, 3, &used, &found), PROTO_E_BANNER_FORMAT);
}

static void
lengths_at_the_bound_and_over(void **state)
{
	static const enum ssh_role roles[] = { SSH_SERVER, SSH_CLIENT };
	static const char *ends[] = { "\r\n", "\n" };
	char line[SSH_VERSION_MAX + 8];
	size_t used, found;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		enum ssh_role role = roles[i / 2];
		struct version v = { 0 };

		memset(line, 'x', sizeof(line));
		memcpy(line, "SSH-2.0-", 8);
		(void)snprintf(line + SSH_VERSION_MAX, sizeof(line) - SSH_VERSION_MAX, "%s", ends[i % 2]);
		assert_int_equal(take(&v, role, line, strlen(line), &used, &found), PROTO_OK);
		assert_int_equal(found, SSH_VERSION_MAX);
		assert_int_equal(used, strlen(line));

		line[SSH_VERSION_MAX] = 'x';
		(void)snprintf(line + SSH_VERSION_MAX + 1, sizeof(line) - SSH_VERSION_MAX - 1, "%s",
		    ends[i % 2]);
		assert_int_equal(take(&v, role, line, strlen(line), &used, &found),
		    PROTO_E_BANNER_LONG);
		/* no newline in sight */
		memset(line, 'x', sizeof(line));
		memcpy(line, "SSH-2.0-", 8);
		assert_int_equal(take(&v, role, line, SSH_VERSION_MAX + 1, &used, &found), PROTO_OK);
		assert_int_equal(used, 0);
		assert_int_equal(take(&v, role, line, SSH_VERSION_MAX + 2, &used, &found),
		    PROTO_E_BANNER_LONG);
	}
}

static void
client_skips_so_many_lines_and_no_more(void **state)
{
	struct version v = { 0 };
	size_t used, found;

	(void)state;
	for (unsigned i = 0; i < SSH_PREAMBLE_LINES_MAX; i++) {
		assert_int_equal(take(&v, SSH_CLIENT, "hello\r\nSSH", 10, &used, &found), PROTO_OK);
		assert_int_equal(used, 7);
		assert_int_equal(found, 0);
	}
	assert_int_equal(take(&v, SSH_CLIENT, "SSH-2.0-a\n", 10, &used, &found), PROTO_OK);
	assert_int_equal(found, 9);
	assert_int_equal(take(&v, SSH_CLIENT, "one more\n", 9, &used, &found),
	    PROTO_E_BANNER_LONG);
}

static void
client_line_lengths(void **state)
{
	static char line[SSH_PREAMBLE_LINE_MAX + 16];
	struct version v = { 0 };
	size_t used, found;

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_int_equal(take(&v, SSH_CLIENT, line, SSH_PREAMBLE_LINE_MAX, &used, &found), PROTO_OK);
	assert_int_equal(used, 0);
	assert_int_equal(take(&v, SSH_CLIENT, line, SSH_PREAMBLE_LINE_MAX + 1, &used, &found),
	    PROTO_E_BANNER_LONG);
	assert_int_equal(take(&v, SSH_CLIENT, line, sizeof(line), &used, &found),
	    PROTO_E_BANNER_LONG);
	line[SSH_PREAMBLE_LINE_MAX] = '\n';
	assert_int_equal(take(&v, SSH_CLIENT, line, sizeof(line), &used, &found), PROTO_OK);
	assert_int_equal(used, SSH_PREAMBLE_LINE_MAX + 1);
	line[SSH_PREAMBLE_LINE_MAX] = 'x';
	line[SSH_PREAMBLE_LINE_MAX + 1] = '\n';
	assert_int_equal(take(&v, SSH_CLIENT, line, sizeof(line), &used, &found),
	    PROTO_E_BANNER_LONG);
}

static void
every_truncation_waits(void **state)
{
	static const char s[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
	static const enum ssh_role roles[] = { SSH_SERVER, SSH_CLIENT };
	size_t used, found;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t n = 0; n < sizeof(s) - 1; n++) {
			struct version v = { 0 };

			assert_int_equal(take(&v, roles[i], s, n, &used, &found), PROTO_OK);
			assert_int_equal(used, 0);
			assert_int_equal(found, 0);
		}
	}
}

static void
good_ones_verbatim(void **state)
{
	static const struct { const char *line; size_t found; } good[] = {
		{ "SSH-2.0-x\r\n", 9 }, { "SSH-2.0-x\n", 9 }, { "SSH-1.99-y\r\n", 10 },
		{ "SSH-2.0-OpenSSH_9.2 a comment\r\n", 29 }, { "SSH-2.0--\n", 9 },
		{ "SSH-2.0-x\r\n\0\0\1\2", 9 },	/* the next packet is not ours to read */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct version v = { 0 };
		size_t used, found;

		assert_int_equal(take(&v, SSH_SERVER, good[i].line, strlen(good[i].line), &used,
		    &found), PROTO_OK);
		assert_int_equal(found, good[i].found);
		assert_int_equal(used, (size_t)(strchr(good[i].line, '\n') - good[i].line) + 1);
	}
}

static void
what_we_say_ourselves(void **state)
{
	char line[SSH_VERSION_MAX + 1];

	(void)state;
	assert_false(version_is_fit(span_str("")));
	assert_false(version_is_fit(span_str("SSH-1.99-x")));
	assert_false(version_is_fit(span_str("SSH-2.0-")));
	assert_false(version_is_fit(span_str("SSH-2.0-a\nb")));
	assert_false(version_is_fit(span_str("SSH-2.0-\xc3\xa4")));
	memset(line, 'x', sizeof(line));
	memcpy(line, "SSH-2.0-", 8);
	assert_false(version_is_fit(span_of(line, SSH_VERSION_MAX - 1)));
	assert_true(version_is_fit(span_of(line, SSH_VERSION_MAX - 2)));
	assert_true(version_is_fit(span_str("SSH-2.0-Postern_0.1")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_refuses_what_is_not_ssh),
		cmocka_unit_test(wrong_versions_and_forms),
		cmocka_unit_test(nul_is_refused_everywhere),
		cmocka_unit_test(lengths_at_the_bound_and_over),
		cmocka_unit_test(client_skips_so_many_lines_and_no_more),
		cmocka_unit_test(client_line_lengths),
		cmocka_unit_test(every_truncation_waits),
		cmocka_unit_test(good_ones_verbatim),
		cmocka_unit_test(what_we_say_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
