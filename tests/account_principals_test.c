/*
 * account_principals_test.c - whom a certificate may log in as: files of principals,
 * files of CAs, and what a certificate leaves of a login.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/account_command.h"
#include "apps/conf.h"

enum { NOW = 1700000000, BLOB = 51 };

static struct account_wanted wanted;
static struct account_grant grant;
static char why[ACCOUNT_NOTE_MAX];
static struct account_certificate cert;

static bool search_bytes(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	bool found;

	memcpy(copy, text, len);
	copy[len] = '\0';
	why[0] = '\0';
	memset(&grant, 0x5a, sizeof(grant));
	found = account_principals_search(copy, len, &wanted, &grant, why);
	free(copy);
	return found;
}

static bool search(const char *text)
{
	return search_bytes(text, strlen(text));
}

static int setup(void **s)
{
	(void)s;
	wanted = (struct account_wanted){ .is_certificate = true, .user = "bob",
		.address = "1.2.3.4", .principals = "alice\0ops\0", .now = NOW };
	memset(&cert, 0, sizeof(cert));
	cert.ca_len = BLOB;
	return 0;
}

static void a_line_names_a_principal_or_nobody(void **s)
{
	static const char *const none[] = { "", "\n\n", "bob\n", "alic\n", "alicee\n", "Alice\n", "*\n",
		"al*ce\n", "# alice\n", "#alice\n", "alice,ops\n", "alice ops2\n", "!alice\n",
		"\"alice\"\n" };
	static const char *const good[] = { "alice\n", "alice", "bob\nops\n", "  alice\t\n",
		"alice # the boss\n", "alice\r\n", "x\n\n#\nalice\n" };

	(void)s;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (search(none[i]))
			fail_msg("%s", none[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!search(good[i]))
			fail_msg("%s: %s", good[i], why);
	assert_int_equal(grant.no_pty + grant.has_command, 0);
	assert_false(search_bytes("ali\0ce\n", 7));
	assert_false(search_bytes("alice\0\n", 7));
	wanted.principals = "";
	assert_false(search("alice\n\n \n"));
	/* whoever made one name of two gets neither */
	wanted.principals = "alice,ops\0";
	assert_false(search("alice,ops\nalice\nops\n"));
}

static void options_stand_before_the_name(void **s)
{
	static const struct { const char *line, *why; } bad[] = {
		{ "nonsense alice", "line 1: option nonsense" }, { "command=\"a alice", "line 1: " },
		{ "from=\"10.0.0.1\" alice", "address" }, { "expiry-time=\"20200101\" alice", "expired" },
		{ "cert-authority alice", "means nothing here" },
		{ "principals=\"ops\" alice", "means nothing here" }, { "a,,b alice", "line 1: " },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (search(bad[i].line) || strstr(why, bad[i].why) == NULL)
			fail_msg("%s: \"%s\"", bad[i].line, why);
	assert_true(search("restrict,command=\"echo a b\"   alice\n"));
	assert_int_equal(grant.no_pty, 1);
	assert_string_equal(grant.command, "echo a b");
	assert_true(search("no-such-option alice\nno-pty ops\n"));
	assert_int_equal(grant.no_pty, 1);
	assert_int_equal(grant.has_command, 0);
}

static void long_lines_are_passed_over(void **s)
{
	static char text[ACCOUNT_FILE_LINE_MAX + 64];

	(void)s;
	memset(text, ' ', sizeof(text));
	memcpy(text + ACCOUNT_FILE_LINE_MAX - 5, "alice\n", 6);
	assert_true(search_bytes(text, ACCOUNT_FILE_LINE_MAX + 1));
	memcpy(text + ACCOUNT_FILE_LINE_MAX - 5, " alice\n", 7);
	assert_false(search_bytes(text, ACCOUNT_FILE_LINE_MAX + 2));
}

static void a_certificate_takes_what_it_does_not_permit(void **s)
{
	(void)s;
	grant = (struct account_grant){ .no_touch_required = 1 };
	assert_true(account_certificate_narrow(&cert, &grant, why));
	assert_int_equal(grant.no_pty + grant.no_user_rc + grant.no_port_forwarding +
	    grant.no_agent_forwarding + grant.no_x11_forwarding + grant.has_command +
	    grant.no_touch_required + grant.verify_required, 0);
	cert.no_pty = cert.no_user_rc = cert.no_port = cert.no_agent = cert.no_x11 = 1;
	cert.has_command = 1;
	(void)snprintf(cert.command, sizeof(cert.command), "date");
	assert_true(account_certificate_narrow(&cert, &grant, why));
	assert_int_equal(grant.no_pty + grant.no_user_rc + grant.no_port_forwarding +
	    grant.no_agent_forwarding + grant.no_x11_forwarding + grant.has_command, 6);
	assert_string_equal(grant.command, "date");
	assert_true(account_grant_valid(&grant));
	/* what it permits gives nothing back that the line took */
	memset(&cert, 0, sizeof(cert));
	assert_true(account_certificate_narrow(&cert, &grant, why));
	assert_int_equal(grant.no_pty, 1);
	assert_string_equal(grant.command, "date");
	cert.has_command = 1;
	assert_false(account_certificate_narrow(&cert, &grant, why));
	assert_string_equal(why, "the certificate's command is not that of its line");
	/* an authenticator is left untouched only if both say so */
	grant = (struct account_grant){ .no_touch_required = 1 };
	cert = (struct account_certificate){ .no_touch_required = 1 };
	assert_true(account_certificate_narrow(&cert, &grant, why));
	assert_int_equal(grant.no_touch_required, 1);
}

static void what_travels_is_whole(void **s)
{
	uint8_t *const bytes[] = { &cert.no_x11, &cert.no_agent, &cert.no_port, &cert.no_pty,
		&cert.no_user_rc, &cert.no_touch_required, &cert.has_command };

	(void)s;
	assert_true(account_certificate_valid(&cert));
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		*bytes[i] = 2;
		assert_false(account_certificate_valid(&cert));
		*bytes[i] = 1;
		assert_true(account_certificate_valid(&cert));
	}
	cert.ca_len = 0;
	assert_false(account_certificate_valid(&cert));
	cert.ca_len = ACCOUNT_KEY_MAX + 1;
	assert_false(account_certificate_valid(&cert));
	cert.ca_len = ACCOUNT_KEY_MAX;
	memset(cert.names, 'a', sizeof(cert.names));
	assert_false(account_certificate_valid(&cert));
	cert.names[ACCOUNT_KEY_MAX - 1] = '\0';		/* no empty one behind it */
	assert_false(account_certificate_valid(&cert));
	cert.names[ACCOUNT_KEY_MAX - 2] = '\0';
	assert_true(account_certificate_valid(&cert));
	memset(cert.key_id, 'a', sizeof(cert.key_id));
	assert_false(account_certificate_valid(&cert));
	cert.key_id[0] = '\0';
	memset(cert.command, 'a', sizeof(cert.command));
	assert_false(account_certificate_valid(&cert));
}

static void a_ca_stands_alone_on_its_line(void **s)
{
	static const struct { const char *before, *behind; bool good; } lines[] = {
		{ "# ", "\n", false }, { "ssh-rsa ", "\n", false }, { "cert-authority ", "\n", false },
		{ "restrict ", "\n", false }, { "", "A\n", false }, { "x", "\n", false },
		{ "@cert-authority * ", "\n", false }, { "", "\n", true }, { "", "", true },
		{ "# CAs\n\n  ", " ca@example\r\n", true },
	};
	char path[] = "/tmp/account_principals.XXXXXX", key[200] = "ssh-ed25519 ", line[512];
	static const uint8_t head[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1',
		'9', 0, 0, 0, 32 };
	int fd = mkstemp(path);

	(void)s;
	assert_true(fd >= 0);
	memset(cert.ca, 9, BLOB);
	memcpy(cert.ca, head, sizeof(head));
	sodium_bin2base64(key + strlen(key), 128, cert.ca, BLOB, sodium_base64_VARIANT_ORIGINAL);
	assert_false(account_certificate_trusted(&cert, path, why));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int n = snprintf(line, sizeof(line), "%s%s%s", lines[i].before, key, lines[i].behind);

		assert_int_equal(pwrite(fd, line, (size_t)n, 0), n);
		assert_int_equal(ftruncate(fd, n), 0);
		why[0] = '\0';
		if (account_certificate_trusted(&cert, path, why) != lines[i].good)
			fail_msg("%s%s", line, why);
	}
	assert_int_equal(unlink(path), 0);
	assert_false(account_certificate_trusted(&cert, path, why));
	close(fd);
}

/* Without a file the user's own name counts; with one only what it says. */
static void the_file_stands_in_for_the_name(void **s)
{
	char path[] = "/tmp/account_principals.XXXXXX";
	static struct account_user u;
	struct account_command none = { .pid = 0 };
	struct conf c;
	int fd = mkstemp(path);

	(void)s;
	assert_true(fd >= 0);
	conf_new(&c);
	u.uid = geteuid();
	(void)snprintf(u.name, sizeof(u.name), "bob");
	(void)snprintf(u.home, sizeof(u.home), "/");
	assert_false(account_principals_fit(&c, &u, &wanted, &none, &grant, why));
	assert_non_null(strstr(why, "no principal"));
	wanted.principals = "ops\0bob\0";
	assert_true(account_principals_fit(&c, &u, &wanted, &none, &grant, why));
	c.principals_file = path;
	assert_int_equal(write(fd, "no-pty ops\n", 11), 11);
	assert_true(account_principals_fit(&c, &u, &wanted, &none, &grant, why));
	assert_int_equal(grant.no_pty, 1);
	wanted.principals = "bob\0";
	assert_false(account_principals_fit(&c, &u, &wanted, &none, &grant, why));
	assert_non_null(strstr(why, "no line names a principal"));
	c.strict_modes = true;
	assert_int_equal(fchmod(fd, 0666), 0);
	wanted.principals = "ops\0";
	assert_false(account_principals_fit(&c, &u, &wanted, &none, &grant, why));
	assert_int_equal(unlink(path), 0);
	assert_false(account_principals_fit(&c, &u, &wanted, &none, &grant, why));
	c.principals_file = NULL;
	conf_free(&c);
	close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(a_line_names_a_principal_or_nobody), T(options_stand_before_the_name),
		T(long_lines_are_passed_over), T(a_certificate_takes_what_it_does_not_permit),
		T(what_travels_is_whole), T(a_ca_stands_alone_on_its_line),
		T(the_file_stands_in_for_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
