/*
 * account_keys_test.c - the lines of authorized_keys: whose key, with which options, and
 * why not; bad ones first, long ones, and very many.
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
#include <time.h>

#include "apps/account.h"
#include "apps/account_options.h"

enum { NOW = 1700000000, BLOB = 51 };

static uint8_t blob[BLOB], other[BLOB];
static char key64[128], other64[128];
static struct account_grant grant;
static char why[ACCOUNT_NOTE_MAX];
static struct account_wanted wanted;

static void make_blob(uint8_t out[BLOB], char b64[128], uint8_t fill)
{
	static const uint8_t head[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1',
		'9', 0, 0, 0, 32 };

	memset(out, fill, BLOB);
	memcpy(out, head, sizeof(head));
	sodium_bin2base64(b64, 128, out, BLOB, sodium_base64_VARIANT_ORIGINAL);
}

static bool search_bytes(const char *text, size_t len, const char *address)
{
	char *copy = malloc(len + 1);
	bool found;

	memcpy(copy, text, len);
	copy[len] = '\0';
	why[0] = '\0';
	memset(&grant, 0x5a, sizeof(grant));
	wanted.address = address;
	found = account_keys_search(copy, len, &wanted, &grant, why);
	free(copy);
	return found;
}

/* %K is the key, %O another one. */
static bool search(const char *format, const char *address)
{
	char text[8192] = "";
	size_t n = 0;

	for (const char *p = format; *p != '\0'; p++)
		if (p[0] == '%' && (p[1] == 'K' || p[1] == 'O'))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "ssh-ed25519 %s",
			    *++p == 'K' ? key64 : other64);
		else
			text[n++] = *p;
	return search_bytes(text, n, address);
}

static void a_line_has_the_key_or_not(void **s)
{
	(void)s;
	assert_false(search("", "1.2.3.4"));
	assert_false(search("\n\n# %K\n", "1.2.3.4"));
	assert_false(search("%O\n", "1.2.3.4"));
	assert_true(search("%K\n", "1.2.3.4"));
	assert_int_equal(grant.no_pty + grant.has_command, 0);
	assert_int_equal(grant.no_port_forwarding + grant.no_agent_forwarding +
	    grant.no_x11_forwarding, 0);
	assert_string_equal(grant.permit_open, "");
	assert_string_equal(grant.permit_listen, "");
	assert_true(search("%K", "1.2.3.4"));
	assert_true(search("  \t%K a comment with spaces\r\n", "1.2.3.4"));
	assert_true(search("%O x\n#\n%K\n", "1.2.3.4"));
	assert_true(search("ssh-rsa AAAA\ngarbage\n\"\n%K\n", "1.2.3.4"));
	assert_false(search("ssh-rsa %K\n", "1.2.3.4"));
	assert_false(search("%KA\n", "1.2.3.4"));	/* one character more */
	assert_false(search("xssh-ed25519 AAAA\n", "1.2.3.4"));
}

static void every_truncation_of_a_line_grants_nothing(void **s)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "restrict,command=\"a \\\" b\" ssh-ed25519 %s", key64);

	(void)s;
	for (int i = 0; i < n; i++)
		assert_false(search_bytes(text, (size_t)i, "1.2.3.4"));
	assert_true(search_bytes(text, (size_t)n, "1.2.3.4"));
}

static void options_restrict(void **s)
{
	(void)s;
	assert_true(search("restrict %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_pty, 1);
	assert_int_equal(grant.no_port_forwarding + grant.no_agent_forwarding +
	    grant.no_x11_forwarding, 3);
	assert_true(search("restrict,pty %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_pty, 0);
	assert_int_equal(grant.no_port_forwarding + grant.no_agent_forwarding +
	    grant.no_x11_forwarding, 3);
	assert_true(search("restrict,port-forwarding,x11-forwarding %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_port_forwarding + grant.no_x11_forwarding, 0);
	assert_int_equal(grant.no_agent_forwarding + grant.no_pty, 2);
	assert_true(search("no-port-forwarding %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_port_forwarding, 1);
	assert_int_equal(grant.no_agent_forwarding + grant.no_x11_forwarding + grant.no_pty, 0);
	assert_true(search("permitopen=\"a:80\",permitopen=\"[::1]:*\",permitlisten=\"8080\","
	    "permitlisten=\"localhost:*\" %K\n", "1.2.3.4"));
	assert_string_equal(grant.permit_open, "a:80 [::1]:*");
	assert_string_equal(grant.permit_listen, "8080 localhost:*");
	assert_true(search("no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding,"
	    "no-user-rc %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_pty, 1);
	assert_true(search("command=\"echo \\\"hi\\\", there\" %K\n", "1.2.3.4"));
	assert_int_equal(grant.has_command, 1);
	assert_string_equal(grant.command, "echo \"hi\", there");
	assert_true(search("Command=\"x\",NO-PTY\t%K\n", "1.2.3.4"));
	assert_true(search("command=\"\" %K\n", "1.2.3.4"));
	assert_int_equal(grant.has_command, 1);
}

/* Nothing is left of a line that is refused. */
static void assert_no_grant(void)
{
	static const struct account_grant none;

	assert_memory_equal(&grant, &none, sizeof(none));
}

static void a_bad_line_grants_nothing_and_says_why(void **s)
{
	static const struct { const char *line, *why; } t[] = {
		{ "no-such-option %K", "option no-such-option: there is no such option" },
		{ "restrict,unknown %K", "option unknown: there is no such option" },
		{ "a-name-longer-than-any-option-has-a-right-to %K", "there is no such option" },
		{ "no-restrict %K", "there is no such option" },
		{ "no-no-pty %K", "there is no such option" },
		{ "no-cert-authority %K", "there is no such option" },
		{ "no-command=\"a\" %K", "there is no such option" },
		{ "no-pty=\"1\" %K", "option no-pty: it takes no value" },
		{ "restrict=\"\" %K", "it takes no value" },
		{ "cert-authority=\"yes\" %K", "it takes no value" },
		{ "port-forwarding=\"yes\" %K", "it takes no value" },
		{ "command %K", "option command: it takes a value in quotes" },
		{ "from %K", "it takes a value" }, { "permitopen %K", "it takes a value" },
		{ "environment %K", "it takes a value" }, { "tunnel %K", "it takes a value" },
		{ "principals %K", "it takes a value" }, { "expiry-time %K", "it takes a value" },
		{ "command=a %K", "option command: its value has no quotes" },
		{ "command= %K", "its value has no quotes" },
		{ "command=\"a\"x %K", "something follows it without a comma" },
		{ "command=\"a\"\"b\" %K", "something follows it" },
		{ "pty\"a\" %K", "something follows it" },
		{ ",no-pty %K", "an option has no name" }, { "no-pty, %K", "has no name" },
		{ "no-pty,,pty %K", "has no name" }, { "=\"a\" %K", "has no name" },
		{ "\"a b\" %K", "has no name" },
		{ "command=\"a %K", "a quote is not closed" },
		{ "command=\"a\\\" %K", "a quote is not closed" },
		{ "restrict,command=\"x\\\\\" y %K", "a quote is not closed" },
		{ "command=\"a\",command=\"b\" %K", "option command: it stands twice" },
		{ "from=\"*\",from=\"*\" %K", "option from: it stands twice" },
		{ "principals=\"a\",principals=\"a\" %K", "option principals: it stands twice" },
		{ "principals=\"\" %K", "the list is empty" },
		{ "permitopen=\"\" %K", "option permitopen: not one word" },
		{ "permitopen=\"a\" %K", "option permitopen: host:port" },
		{ "permitopen=\"80\" %K", "host:port" }, { "permitopen=\"a:0\" %K", "host:port" },
		{ "permitopen=\"a:1 b:2\" %K", "not one word" },
		{ "permitlisten=\"a\" %K", "option permitlisten: port" },
		{ "permitlisten=\"70000\" %K", "port, host:port" },
		{ "environment=\"A\" %K", "option environment: no NAME=value" },
		{ "environment=\"=1\" %K", "no NAME=value" }, { "environment=\"\" %K", "no NAME=value" },
		{ "environment=\"A B=1\" %K", "no NAME=value" },
		{ "environment=\"A-B=1\" %K", "no NAME=value" },
		{ "tunnel=\"x\" %K", "option tunnel: no number of a device" },
		{ "tunnel=\"\" %K", "no number" }, { "tunnel=\"-1\" %K", "no number" },
		{ "tunnel=\"2147483646\" %K", "no number" },
		{ "expiry-time=\"2099\" %K", "option expiry-time: no time" },
		{ "expiry-time=\"20991301\" %K", "no time" }, { "expiry-time=\"20990132\" %K", "no time" },
		{ "expiry-time=\"209901012460\" %K", "no time" },
		{ "expiry-time=\"20990101ZZ\" %K", "no time" }, { "expiry-time=\"\" %K", "no time" },
		{ "expiry-time=\"-0990101\" %K", "no time" }, { "expiry-time=\"19690101\" %K", "no time" },
		{ "expiry-time=\"20200101Z\" %K", "the key has expired" },
		{ "from=\"1.2.3.4/24\" %K", "option from: no list of patterns" },
		{ "from=\"\" %K", "option from: no list" }, { "from=\"a,,b\" %K", "option from: no list" },
		{ "from=\"1.2.3.4/33\" %K", "option from: no list" },
		{ "from=\"10.0.0.1\" %K", "may not be used from this address" },
		{ "from=\"*.example.org\" %K", "may not be used from this address" },
		{ "from=\"!1.2.3.4,*\" %K", "may not be used from this address" },
		{ "cert-authority %K", "listed as cert-authority" },
		{ "cert-authority,principals=\"bob\" %K", "listed as cert-authority" },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char two[300];

		if (search(t[i].line, "1.2.3.4") || strstr(why, t[i].why) == NULL ||
		    strncmp(why, "line 1: ", 8) != 0)
			fail_msg("%s: \"%s\"", t[i].line, why);
		assert_no_grant();
		/* the next line may still grant */
		snprintf(two, sizeof(two), "%s\nrestrict %%K\n", t[i].line);
		assert_true(search(two, "1.2.3.4"));
		assert_int_equal(grant.no_pty, 1);
		assert_int_equal(grant.has_command, 0);
	}
	/* options of other keys do not matter */
	assert_false(search("no-such-option %O\ncommand=\"x %O\n", "1.2.3.4"));
	assert_string_equal(why, "");
	assert_false(search("no-pty%K\n", "1.2.3.4"));
	assert_false(search("\n#\n\nfrom=\"10.0.0.1\" %K\n", "1.2.3.4"));
	assert_non_null(strstr(why, "line 4: "));
}

static void every_option_of_sshd_is_taken(void **s)
{
	static const char *const names[] = { "agent-forwarding", "no-agent-forwarding",
		"port-forwarding", "no-port-forwarding", "pty", "no-pty", "user-rc", "no-user-rc",
		"X11-forwarding", "no-X11-forwarding", "no-touch-required", "touch-required",
		"verify-required", "no-verify-required", "restrict", "command=\"a\"",
		"environment=\"A=b\"", "expiry-time=\"20990101\"", "from=\"*\"", "permitlisten=\"1\"",
		"permitopen=\"a:1\"", "principals=\"a\"", "tunnel=\"0\"", "tunnel=\"any\"",
		"tunnel=\"2147483645\"" };
	char line[200];

	(void)s;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line), "%s %%K\n", names[i]);
		if (!search(line, "1.2.3.4"))
			fail_msg("%s: \"%s\"", line, why);
		assert_true(account_grant_valid(&grant));
		/* names in any case; twice, but for those that may stand once */
		for (char *p = line; *p != '=' && *p != ' '; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		assert_true(search(line, "1.2.3.4"));
		snprintf(line, sizeof(line), "%s,%s %%K\n", names[i], names[i]);
		assert_int_equal(search(line, "1.2.3.4"), strstr(names[i], "command") == NULL &&
		    strstr(names[i], "from") == NULL && strstr(names[i], "principals") == NULL);
	}
}

static void authenticators_are_asked_for_more_or_less(void **s)
{
	(void)s;
	assert_true(search("restrict %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_touch_required + grant.verify_required, 0);
	assert_true(search("no-touch-required,verify-required %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_touch_required + grant.verify_required, 2);
	assert_true(search("verify-required,no-verify-required,no-touch-required,touch-required "
	    "%K\n", "1.2.3.4"));
	assert_int_equal(grant.no_touch_required + grant.verify_required, 0);
	assert_true(search("user-rc,no-user-rc %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_user_rc, 1);
	assert_true(search("restrict,user-rc %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_user_rc, 0);
}

static void environment_is_set_as_far_as_permitted(void **s)
{
	static const char line[] = "environment=\"A=1\",environment=\"LC_X=a b,\\\"c\\\"=\","
	    "environment=\"A=2\",environment=\"_b9=\" %K\n";
	static const struct { const char *permitted, *set; } t[] = {
		{ NULL, "" }, { "no", "" }, { "NO", "" }, { "LANG", "" }, { "*,!*", "" },
		{ "yes", "A=1\nLC_X=a b,\"c\"=\n_b9=\n" }, { "Yes", "A=1\nLC_X=a b,\"c\"=\n_b9=\n" },
		{ "LANG,LC_*", "LC_X=a b,\"c\"=\n" }, { "!A,*", "LC_X=a b,\"c\"=\n_b9=\n" },
	};
	static char text[2 * ACCOUNT_ENVIRONMENT_MAX];
	size_t n;

	(void)s;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		wanted.user_environment = t[i].permitted;
		assert_true(search(line, "1.2.3.4"));
		assert_string_equal(grant.environment, t[i].set);
	}
	/* all that fits, and one more */
	wanted.user_environment = "yes";
	for (int more = 0; more < 2; more++) {
		n = (size_t)snprintf(text, sizeof(text), "environment=\"A=");
		memset(text + n, 'x', sizeof(text) - n);
		n += ACCOUNT_ENVIRONMENT_MAX - 3 + (size_t)more;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\" ssh-ed25519 %s", key64);
		assert_int_equal(search_bytes(text, n, "1.2.3.4"), !more);
		assert_int_equal(strlen(grant.environment), more ? 0 : ACCOUNT_ENVIRONMENT_MAX);
	}
	assert_non_null(strstr(why, "too many"));
	wanted.user_environment = NULL;
}

static void certificates_need_an_authority_and_a_name(void **s)
{
	static const struct { const char *line, *names; bool good; const char *why; } t[] = {
		{ "cert-authority %K", "bob\0", true, "" },
		{ "CERT-AUTHORITY %K", "alice\0bob\0", true, "" },
		{ "cert-authority %K", "alice\0", false, "the user is no principal" },
		{ "cert-authority %K", "", false, "the user is no principal" },
		{ "cert-authority %K", "bo\0bobb\0", false, "the user is no principal" },
		{ "%K", "bob\0", false, "listed without cert-authority" },
		{ "principals=\"bob\" %K", "bob\0", false, "listed without cert-authority" },
		{ "cert-authority,principals=\"admin\" %K", "admin\0", true, "" },
		{ "cert-authority,principals=\"ops,admin\" %K", "x\0admin\0", true, "" },
		{ "cert-authority,principals=\"ops,admin\" %K", "bob\0", false, "no principal" },
		{ "cert-authority,principals=\"ops,adm*\" %K", "admin\0", false, "no principal" },
		{ "cert-authority,principals=\"ops,admin\" %K", "ops,admin\0", false, "no principal" },
		{ "cert-authority,principals=\"ops\" %K", "", false, "no principal" },
		{ "cert-authority,principals=\",\" %K", "", false, "no principal" },
		{ "cert-authority,from=\"10.0.0.1\" %K", "bob\0", false, "address" },
		{ "cert-authority,expiry-time=\"20200101\" %K", "bob\0", false, "expired" },
		{ "cert-authority %O", "bob\0", false, "" },
	};

	(void)s;
	wanted.is_certificate = true;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		wanted.principals = t[i].names;
		if (search(t[i].line, "1.2.3.4") != t[i].good || strstr(why, t[i].why) == NULL)
			fail_msg("%s: \"%s\"", t[i].line, why);
	}
	/* a name with a comma is one name */
	wanted.user = "ops,admin";
	wanted.principals = "admin\0";
	assert_false(search("cert-authority %K", "1.2.3.4"));
	wanted.user = "bob";
	wanted.principals = "";
	wanted.is_certificate = false;
}

static void two_keys_leave_what_both_permit(void **s)
{
	static struct account_grant a, b;

	(void)s;
	a = (struct account_grant){ .no_pty = 1, .no_touch_required = 1, .permit_open = "a:1",
	    .environment = "A=1\n" };
	b = (struct account_grant){ .no_user_rc = 1, .no_agent_forwarding = 1, .verify_required = 1,
	    .permit_open = "b:1", .permit_listen = "80", .environment = "B=2\n", .has_command = 1,
	    .command = "id" };
	assert_true(account_grant_narrow(&a, &b));
	assert_int_equal(a.no_pty + a.no_user_rc + a.no_agent_forwarding + a.verify_required, 4);
	assert_int_equal(a.no_touch_required + a.no_port_forwarding + a.no_x11_forwarding, 0);
	assert_string_equal(a.permit_open, "none");
	assert_string_equal(a.permit_listen, "80");
	assert_string_equal(a.environment, "A=1\nB=2\n");
	assert_string_equal(a.command, "id");
	assert_true(account_grant_valid(&a));
	assert_true(account_grant_narrow(&a, &(struct account_grant){ 0 }));
	assert_string_equal(a.command, "id");
	(void)snprintf(b.command, sizeof(b.command), "ls");
	assert_false(account_grant_narrow(&a, &b));
	/* as much environment as fits, and one byte more */
	memset(&b, 0, sizeof(b));
	memset(b.environment, 'x', ACCOUNT_ENVIRONMENT_MAX - 8);
	assert_true(account_grant_narrow(&a, &b));
	assert_false(account_grant_narrow(&a, &(struct account_grant){ .environment = "x" }));
}

static void what_comes_from_the_user_is_checked(void **s)
{
	static const char *const bad[] = { "A=1", "A=1\nB=2", "=1\n", "A\n", "\n", "A\n=1\n", "A=1\n\n" };
	static struct account_grant g;
	uint8_t *const bytes[] = { &g.no_pty, &g.no_user_rc, &g.no_port_forwarding,
		&g.no_agent_forwarding, &g.no_x11_forwarding, &g.no_touch_required, &g.verify_required,
		&g.has_command };

	(void)s;
	assert_true(account_grant_valid(&g));
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		*bytes[i] = 2;
		assert_false(account_grant_valid(&g));
		*bytes[i] = 1;
		assert_true(account_grant_valid(&g));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(g.environment, sizeof(g.environment), "%s", bad[i]);
		if (account_grant_valid(&g))
			fail_msg("%zu", i);
	}
	(void)snprintf(g.environment, sizeof(g.environment), "A=1\nB==\n");
	assert_true(account_grant_valid(&g));
	memset(g.environment, 'x', sizeof(g.environment));
	assert_false(account_grant_valid(&g));
	g.environment[0] = '\0';
	memset(g.permit_open, 'x', sizeof(g.permit_open));
	assert_false(account_grant_valid(&g));
	g.permit_open[0] = '\0';
	memset(g.permit_listen, 'x', sizeof(g.permit_listen));
	assert_false(account_grant_valid(&g));
}

static void a_key_may_be_bound_to_addresses_and_time(void **s)
{
	static const struct { const char *line, *address; bool good; } t[] = {
		{ "from=\"1.2.3.0/24,!1.2.3.9\" %K", "1.2.3.4", true },
		{ "from=\"1.2.3.0/24,!1.2.3.9\" %K", "1.2.3.9", false },
		{ "from=\"1.2.3.0/24\" %K", "1.2.4.4", false },
		{ "from=\"2001:db8::/32,1.2.3.?\" %K", "2001:db8::5", true },
		{ "from=\"2001:db8::/32,1.2.3.?\" %K", "2001:db9::5", false },
		{ "from=\"10.0.0.1\" %K\nfrom=\"10.0.0.2\" %K", "1.2.3.4", false },
		{ "from=\"10.0.0.1\" %K\nfrom=\"1.2.*\" %K", "1.2.3.4", true },
		{ "from=\"*\" %K", "UNKNOWN", true }, { "from=\"0.0.0.0/0\" %K", "UNKNOWN", false },
		{ "expiry-time=\"20990101Z\" %K", "", true },
		{ "expiry-time=\"20200101Z\" %K", "", false },
		/* NOW is 2023-11-14 22:13:20 UTC, and this test's zone is five hours behind */
		{ "expiry-time=\"20231114221319Z\" %K", "", false },
		{ "expiry-time=\"20231114221320Z\" %K", "", true },
		{ "expiry-time=\"202311142213Z\" %K", "", false },
		{ "expiry-time=\"202311142214z\" %K", "", true },
		{ "expiry-time=\"20231114171319\" %K", "", false },
		{ "expiry-time=\"20231114171320\" %K", "", true },
		{ "expiry-time=\"20990101Z\",expiry-time=\"20200101Z\" %K", "", false },
		{ "expiry-time=\"20200101Z\",expiry-time=\"20990101Z\" %K", "", false },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (search(t[i].line, t[i].address) != t[i].good)
			fail_msg("%s: \"%s\"", t[i].line, why);
}

static void lines_too_long_or_with_nul_are_refused_whole(void **s)
{
	static char text[2 * ACCOUNT_FILE_LINE_MAX];
	size_t n;

	(void)s;
	/* exactly the limit: comment behind the key */
	n = (size_t)snprintf(text, sizeof(text), "ssh-ed25519 %s ", key64);
	memset(text + n, 'x', sizeof(text) - n);
	assert_true(search_bytes(text, ACCOUNT_FILE_LINE_MAX, "1.2.3.4"));
	assert_false(search_bytes(text, ACCOUNT_FILE_LINE_MAX + 1, "1.2.3.4"));
	assert_non_null(strstr(why, "longer"));
	/* the end of a long line is not a line */
	memset(text, 'x', sizeof(text));
	n = (size_t)snprintf(text + ACCOUNT_FILE_LINE_MAX + 10,
	    sizeof(text) - ACCOUNT_FILE_LINE_MAX - 10, " ssh-ed25519 %s", key64);
	assert_false(search_bytes(text, ACCOUNT_FILE_LINE_MAX + 10 + n, "1.2.3.4"));
	/* a NUL hides nothing */
	n = (size_t)snprintf(text, sizeof(text), "ssh-ed25519 %s", key64);
	text[n] = '\0';
	assert_false(search_bytes(text, n + 1, "1.2.3.4"));
	text[n] = '\n';
	assert_true(search_bytes(text, n + 1, "1.2.3.4"));
	/* a command of the longest kind, and one more */
	n = (size_t)snprintf(text, sizeof(text), "command=\"");
	memset(text + n, 'c', ACCOUNT_COMMAND_MAX + 1);
	(void)snprintf(text + n + ACCOUNT_COMMAND_MAX, sizeof(text) - n - ACCOUNT_COMMAND_MAX,
	    "\" ssh-ed25519 %s", key64);
	assert_true(search_bytes(text, strlen(text), "1.2.3.4"));
	assert_int_equal(strlen(grant.command), ACCOUNT_COMMAND_MAX);
	memset(text + n, 'c', ACCOUNT_COMMAND_MAX + 1);
	(void)snprintf(text + n + ACCOUNT_COMMAND_MAX + 1, sizeof(text) - n - ACCOUNT_COMMAND_MAX - 1,
	    "\" ssh-ed25519 %s", key64);
	assert_false(search_bytes(text, strlen(text), "1.2.3.4"));
}

static void hostile_blobs_match_nothing(void **s)
{
	static const uint8_t bad[][8] = { { 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 5, 'a' },
		{ 0xff, 0xff, 0xff, 0xff, 'a' }, { 0, 0, 0, 1, 0 } };
	static const size_t lens[] = { 1, 4, 5, 5, 5 };

	(void)s;
	for (size_t i = 0; i < 5; i++) {
		char text[] = " AA==\nssh-ed25519 AAAA\n\n a b\n";

		wanted.blob = bad[i];
		wanted.len = lens[i];
		assert_false(account_keys_search(text, sizeof(text) - 1, &wanted, &grant, why));
	}
	wanted.blob = blob;
	wanted.len = BLOB;
}

/* A blob whose type is no word: its line could be read as options and another key. */
static void a_type_is_one_word(void **s)
{
	static const char *const types[] = { "restrict ssh-x", "a,b", "a\"b", "#a", "a\tb", "a\nb" };
	uint8_t bad[64];
	char text[200], b64[128];

	(void)s;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i]);

		memset(bad, 7, sizeof(bad));
		memcpy(bad, (uint8_t[]){ 0, 0, 0, (uint8_t)n }, 4);
		memcpy(bad + 4, types[i], n);
		wanted.blob = bad;
		wanted.len = sizeof(bad);
		sodium_bin2base64(b64, sizeof(b64), bad, sizeof(bad), sodium_base64_VARIANT_ORIGINAL);
		snprintf(text, sizeof(text), "%s %s\n", types[i], b64);
		assert_false(search_bytes(text, strlen(text), "1.2.3.4"));
	}
	wanted.blob = blob;
	wanted.len = BLOB;
}

static void keys_of_every_type_are_compared_whole(void **s)
{
	static const char *const types[] = { "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256",
		"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed25519" };
	static uint8_t key[ACCOUNT_KEY_MAX];
	static char text[16 * 1024], b64[12 * 1024];
	static const size_t sizes[] = { 50, 51, 52, 2071, ACCOUNT_KEY_MAX };

	(void)s;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			size_t n = strlen(types[i]), at;

			randombytes_buf(key, sizeof(key));
			memcpy(key, (uint8_t[]){ 0, 0, 0, (uint8_t)n }, 4);
			memcpy(key + 4, types[i], n);
			wanted.blob = key;
			wanted.len = sizes[k];
			sodium_bin2base64(b64, sizeof(b64), key, sizes[k], sodium_base64_VARIANT_ORIGINAL);
			at = (size_t)snprintf(text, sizeof(text), "%s %s", types[i], b64);
			assert_true(search_bytes(text, at, "1.2.3.4"));
			/* a type that is the beginning of another, or the other way round */
			(void)snprintf(text, sizeof(text), "%s-cert-v01@openssh.com %s", types[i], b64);
			assert_false(search_bytes(text, strlen(text), "1.2.3.4"));
			(void)snprintf(text, sizeof(text), "%.*s %s", (int)n - 1, types[i], b64);
			assert_false(search_bytes(text, strlen(text), "1.2.3.4"));
			/* every byte of it counts */
			(void)snprintf(text, sizeof(text), "%s %s", types[i], b64);
			key[sizes[k] - 1] ^= 1;
			assert_false(search_bytes(text, at, "1.2.3.4"));
			key[sizes[k] - 1] ^= 1;
			text[at - 1] = '\0';
			assert_false(search_bytes(text, at - 1, "1.2.3.4"));
		}
	wanted.len = ACCOUNT_KEY_MAX + 1;
	assert_false(search_bytes("", 0, "1.2.3.4"));
	wanted.blob = blob;
	wanted.len = BLOB;
}

static void the_first_line_that_grants_counts(void **s)
{
	(void)s;
	assert_true(search("from=\"10.0.0.1\",pty %K\r\nno-pty %K\r\n%K\r\n", "1.2.3.4"));
	assert_int_equal(grant.no_pty, 1);
	assert_non_null(strstr(why, "line 1: the key may not"));
	assert_true(search("%K\nno-pty %K\n", "1.2.3.4"));
	assert_int_equal(grant.no_pty, 0);
	/* a comment is not looked into, nor what stands behind another key */
	assert_false(search("#%K\n # %K\n%O %K\n", "1.2.3.4"));
}

/* 20,000 lines of other keys, every second one with options that have to be passed over. */
static void many_lines_are_searched_in_little_time(void **s)
{
	enum { LINES = 20000, LINE = 400 };
	const size_t cap = (size_t)LINES * LINE;
	char *text = malloc(cap);
	struct timespec a, b;
	size_t n = 0;
	long ms;

	(void)s;
	assert_non_null(text);
	for (int i = 0; i < LINES; i++)
		n += (size_t)snprintf(text + n, cap - n, "%sssh-ed25519 %s user%d@host\n", i % 2 ?
		    "restrict,command=\"/usr/bin/run --with \\\"quotes\\\", and commas\",from=\"10.0.0.0/8\" " :
		    "", other64, i);
	n += (size_t)snprintf(text + n, cap - n, "no-pty ssh-ed25519 %s\n", key64);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_true(search_bytes(text, n, "1.2.3.4"));
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(grant.no_pty, 1);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	print_message("# %d lines, %zu bytes: %ld ms\n", LINES, n, ms);
	/* two milliseconds are usual; a cost by the square would be minutes */
	assert_true(ms < 2000);
	free(text);
}

static int setup(void **s)
{
	(void)s;
	/* a zone that the times without Z are read in */
	if (sodium_init() < 0 || setenv("TZ", "XXX5", 1) != 0)
		return -1;
	tzset();
	make_blob(blob, key64, 0x11);
	make_blob(other, other64, 0x22);
	wanted = (struct account_wanted){ .blob = blob, .len = BLOB, .user = "bob", .principals = "",
	    .now = NOW };
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_the_key_or_not),
		cmocka_unit_test(every_truncation_of_a_line_grants_nothing),
		cmocka_unit_test(options_restrict),
		cmocka_unit_test(a_bad_line_grants_nothing_and_says_why),
		cmocka_unit_test(every_option_of_sshd_is_taken),
		cmocka_unit_test(authenticators_are_asked_for_more_or_less),
		cmocka_unit_test(environment_is_set_as_far_as_permitted),
		cmocka_unit_test(certificates_need_an_authority_and_a_name),
		cmocka_unit_test(two_keys_leave_what_both_permit),
		cmocka_unit_test(what_comes_from_the_user_is_checked),
		cmocka_unit_test(a_key_may_be_bound_to_addresses_and_time),
		cmocka_unit_test(lines_too_long_or_with_nul_are_refused_whole),
		cmocka_unit_test(hostile_blobs_match_nothing),
		cmocka_unit_test(a_type_is_one_word),
		cmocka_unit_test(keys_of_every_type_are_compared_whole),
		cmocka_unit_test(the_first_line_that_grants_counts),
		cmocka_unit_test(many_lines_are_searched_in_little_time),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

