/* client_token_test.c - tokens, variables and ~ of ssh_config(5), bad ones too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_token.h"

static struct client_conf conf;

static void set(const char *line)
{
	assert_int_equal(client_conf_option(&conf, line, "test"), 0);
}

static int setup(void **s)
{
	(void)s;
	client_conf_init(&conf);
	client_log_set_level(0);
	conf.original = client_conf_copy("alias");
	conf.home = "/home/bob";
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	client_conf_free(&conf);
	return 0;
}

static void gives(const char *text, unsigned how, const char *want)
{
	char *got = client_token_expand(&conf, text, TOKENS_ALL, how);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void refused(const char *text, const char *tokens, unsigned how)
{
	char *got = client_token_expand(&conf, text, tokens, how);

	if (got != NULL)
		print_error("%s gave %s\n", text, got);
	assert_null(got);
}

static void each_token_has_its_value(void **s)
{
	char host[256], shortly[256], want[1024];

	(void)s;
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	snprintf(shortly, sizeof(shortly), "%.*s", (int)strcspn(host, "."), host);
	set("User=robey");
	set("Port=2222");
	set("HostName=real.%h.example.org");
	gives("%r@%h:%p", 0, "robey@real.alias.example.org:2222");
	gives("%n %k", 0, "alias alias");
	set("HostKeyAlias=other");
	gives("%n %k", 0, "alias other");
	gives("%d/x%%y", 0, "/home/bob/x%y");
	snprintf(want, sizeof(want), "%u %s %s %s", (unsigned)getuid(), getpwuid(getuid())->pw_name,
	    host, shortly);
	gives("%i %u %l %L", 0, want);
	gives("[%j]", 0, "[]");
	set("ProxyJump=u@gate");
	gives("[%j]", 0, "[u@gate]");
	gives("", 0, "");
}

static void before_anything_is_set_there_are_defaults(void **s)
{
	char want[300];

	(void)s;
	snprintf(want, sizeof(want), "%s@alias:22", getpwuid(getuid())->pw_name);
	gives("%r@%h:%p", 0, want);
}

/* The name that known_hosts is asked for is the name that ProxyCommand has. */
static void a_host_is_expanded_once(void **s)
{
	(void)s;
	set("HostName=%h%%h%%eth0");
	gives("%h", 0, "alias%h%eth0");
	assert_int_equal(client_conf_finish(&conf), 0);
	assert_string_equal(conf.hostname, "alias%h%eth0");
	gives("%h", 0, conf.hostname);
}

/* ...and of an address with its zone, which has no tokens. */
static void a_zone_is_no_token(void **s)
{
	(void)s;
	free(conf.original);
	conf.original = client_conf_copy("fe80::1%eth0");
	gives("%h", 0, "fe80::1%eth0");
	assert_int_equal(client_conf_finish(&conf), 0);
	gives("%h", 0, "fe80::1%eth0");
}

/* SHA-1 of %l%h%p%r%j, in hex. */
static void the_hash_differs_with_each_part(void **s)
{
	char *first, *second;

	(void)s;
	first = client_token_expand(&conf, "%C", TOKENS_ALL, 0);
	assert_int_equal(strlen(first), 40);
	assert_int_equal(strspn(first, "0123456789abcdef"), 40);
	set("Port=23");
	second = client_token_expand(&conf, "%C", TOKENS_ALL, 0);
	assert_string_not_equal(first, second);
	free(first);
	set("ProxyJump=gate");
	first = client_token_expand(&conf, "%C", TOKENS_ALL, 0);
	assert_string_not_equal(first, second);
	free(first);
	free(second);
}

static void what_is_no_token_is_refused(void **s)
{
	(void)s;
	refused("%", TOKENS_ALL, 0);
	refused("a%", TOKENS_ALL, 0);
	refused("%z", TOKENS_ALL, 0);
	refused("% ", TOKENS_ALL, 0);
	refused("%f", TOKENS_ALL, 0);
	refused("%T", TOKENS_ALL, 0);
	refused("%u", TOKENS_HOSTNAME, 0);
	refused("%d", TOKENS_JUMP, 0);
	set("HostName=%u.x");
	refused("%h", TOKENS_ALL, 0);
	assert_null(client_token_hostname(&conf));
}

static void variables_are_there_or_an_error(void **s)
{
	(void)s;
	assert_int_equal(setenv("POSTERN_TEST", "v/%h", 1), 0);
	gives("a${POSTERN_TEST}b", TOKEN_VARIABLES, "av/%hb");	/* and no token in it counts */
	gives("a${POSTERN_TEST}b", 0, "a${POSTERN_TEST}b");
	gives("$POSTERN_TEST $", TOKEN_VARIABLES, "$POSTERN_TEST $");
	refused("${POSTERN_TEST_NOT}", TOKENS_ALL, TOKEN_VARIABLES);
	refused("${}", TOKENS_ALL, TOKEN_VARIABLES);
	refused("${POSTERN_TEST", TOKENS_ALL, TOKEN_VARIABLES);
	refused("${", TOKENS_ALL, TOKEN_VARIABLES);
}

static void homes(void **s)
{
	char text[300], want[4200];
	const struct passwd *pw = getpwuid(getuid());

	(void)s;
	gives("~", TOKEN_HOME, "/home/bob");
	gives("~/x~", TOKEN_HOME, "/home/bob/x~");
	gives("a~/x", TOKEN_HOME, "a~/x");
	gives("~/x", 0, "~/x");
	snprintf(text, sizeof(text), "~%s/x", pw->pw_name);
	snprintf(want, sizeof(want), "%s/x", pw->pw_dir);
	gives(text, TOKEN_HOME, want);
	refused("~no-such-user-here/x", TOKENS_ALL, TOKEN_HOME);
}

static void results_are_bounded(void **s)
{
	char text[2 * 8192 + 1];

	(void)s;
	memset(text, 'a', 8191);
	text[8191] = '\0';
	gives(text, 0, text);
	text[8191] = 'a';
	text[8192] = '\0';
	refused(text, TOKENS_ALL, 0);
	for (int i = 0; i < 8192; i++)
		memcpy(text + 2 * i, "%d", 2);
	text[2 * 8192] = '\0';
	refused(text, TOKENS_ALL, 0);
}

/* A shell may read what they make: Match exec "... %h %r" */
static void names_that_a_shell_would_read_are_refused(void **s)
{
	static const char *const hosts[] = { "web", "web.example.org", "10.0.0.1", "::1",
		"fe80::1%eth0", "a_b-c", "bob@[::1]:22,c" }, *const users[] = { "bob", "EXAMPLE\\bob",
		"bob smith", "pc$", "a-b", "a.b@example.org", "caf\xc3\xa9" },
	    *const bad[] = { "-oProxy", "a;id", "a`id`", "$(id)", "a&id", "a|id", "a>f", "a<f",
		"a'b", "a\"b", "{a,b}", "a\nid", "a\rb", "a\033[2J", "a\177" },
	    *const bad_hosts[] = { "a b", "$HOME", "a\\b", "a\tb" },
	    *const bad_users[] = { "a -oProxy", "a\\" };

	(void)s;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_true(client_token_host_fits(hosts[i]));
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		assert_true(client_token_user_fits(users[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(client_token_host_fits(bad[i]));
		assert_false(client_token_user_fits(bad[i]));
	}
	for (size_t i = 0; i < sizeof(bad_hosts) / sizeof(bad_hosts[0]); i++)
		assert_false(client_token_host_fits(bad_hosts[i]));
	for (size_t i = 0; i < sizeof(bad_users) / sizeof(bad_users[0]); i++)
		assert_false(client_token_user_fits(bad_users[i]));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_token_has_its_value), T(a_host_is_expanded_once), T(a_zone_is_no_token),
		T(before_anything_is_set_there_are_defaults),
		T(the_hash_differs_with_each_part), T(what_is_no_token_is_refused),
		T(variables_are_there_or_an_error), T(homes), T(results_are_bounded),
		T(names_that_a_shell_would_read_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
