/* posternd_methods_test.c - AuthenticationMethods: what a passed step makes of a login. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "apps/posternd.h"

enum { PK = POSTERN_PUBLICKEY, PW = POSTERN_PASSWORD, KI = POSTERN_INTERACTIVE };

static char *lists[3];
static struct conf conf;

static struct conf *with(const char *a, const char *b)
{
	conf = (struct conf){ .pubkey = true, .password = true, .interactive = true };
	lists[0] = (char *)a;
	lists[1] = (char *)b;
	conf.methods = (struct conf_words){ lists, b != NULL ? 2 : 1 };
	return &conf;
}

static void any_single_method_is_enough_by_default(void **s)
{
	struct conf *c = with("any", NULL);

	(void)s;
	assert_int_equal(posternd_methods_next(c, ""), PK | PW | KI);
	assert_int_equal(posternd_methods_pass(c, "", PK), POSTERN_ACCEPT);
	assert_int_equal(posternd_methods_pass(c, "", KI), POSTERN_ACCEPT);
	c->password = false;
	assert_int_equal(posternd_methods_next(c, ""), PK | KI);
	assert_int_equal(posternd_methods_pass(c, "", PW), POSTERN_REFUSE);
	assert_int_equal(posternd_methods_pass(c, "", POSTERN_NONE), POSTERN_REFUSE);
}

static void lists_are_walked_in_order(void **s)
{
	struct conf *c = with("publickey,password", "publickey,keyboard-interactive");

	(void)s;
	assert_int_equal(posternd_methods_next(c, ""), PK);
	assert_int_equal(posternd_methods_pass(c, "", PW), POSTERN_REFUSE);
	assert_int_equal(posternd_methods_pass(c, "", PK), POSTERN_PARTIAL);
	assert_int_equal(posternd_methods_next(c, "publickey"), PW | KI);
	assert_int_equal(posternd_methods_pass(c, "publickey", PW), POSTERN_ACCEPT);
	assert_int_equal(posternd_methods_pass(c, "publickey", KI), POSTERN_ACCEPT);
	assert_int_equal(posternd_methods_pass(c, "publickey", PK), POSTERN_REFUSE);
	/* proven steps that are no beginning of a list lead nowhere */
	assert_int_equal(posternd_methods_next(c, "password"), 0);
	assert_int_equal(posternd_methods_next(c, "public"), 0);
	assert_int_equal(posternd_methods_next(c, "publickey,password"), 0);
	assert_int_equal(posternd_methods_pass(c, "password", PK), POSTERN_REFUSE);
}

static void a_list_may_ask_for_two_keys(void **s)
{
	struct conf *c = with("publickey,publickey", NULL);

	(void)s;
	assert_int_equal(posternd_methods_pass(c, "", PK), POSTERN_PARTIAL);
	assert_int_equal(posternd_methods_pass(c, "publickey", PK), POSTERN_ACCEPT);
	assert_int_equal(posternd_methods_pass(c, "publickey,publickey", PK), POSTERN_REFUSE);
}

static void a_device_is_no_part_of_a_steps_name(void **s)
{
	struct conf *c = with("publickey,keyboard-interactive:pam,password", NULL);

	(void)s;
	assert_int_equal(posternd_methods_pass(c, "publickey", KI), POSTERN_PARTIAL);
	assert_int_equal(posternd_methods_next(c, "publickey,keyboard-interactive"), PW);
	assert_int_equal(posternd_methods_pass(c, "publickey,keyboard-interactive", PW), POSTERN_ACCEPT);
	assert_int_equal(posternd_methods_next(c, "publickey,keyboard"), 0);
	assert_int_equal(posternd_methods_next(c, "publickey,keyboard-interactive,password"), 0);
	c->interactive = false;
	assert_int_equal(posternd_methods_next(c, ""), 0);
}

/* Who says "none" is asked about where Match decides, and only there. */
static void what_is_offered_to_anybody(void **s)
{
	struct conf *c = with("publickey,password", NULL);

	(void)s;
	assert_int_equal(posternd_methods_offered(c), PK);
	c->password = c->interactive = false;
	c->methods.n = 0;
	assert_int_equal(posternd_methods_offered(c), PK);
}

static void the_shorter_list_ends_a_login(void **s)
{
	struct conf *c = with("password,publickey", "password");

	(void)s;
	assert_int_equal(posternd_methods_pass(c, "", PW), POSTERN_ACCEPT);
}

static void a_list_with_a_method_switched_off_does_not_count(void **s)
{
	struct conf *c = with("publickey,password", "publickey,keyboard-interactive");

	(void)s;
	c->password = false;
	assert_int_equal(posternd_methods_next(c, "publickey"), KI);
	c->interactive = false;
	assert_int_equal(posternd_methods_next(c, ""), 0);
	assert_int_equal(posternd_methods_pass(c, "", PK), POSTERN_REFUSE);
}

static void names_are_the_protocols(void **s)
{
	char out[128];

	(void)s;
	posternd_methods_names(PK | PW | KI, out);
	assert_string_equal(out, "publickey,password,keyboard-interactive");
	posternd_methods_names(KI, out);
	assert_string_equal(out, "keyboard-interactive");
	posternd_methods_names(0, out);
	assert_string_equal(out, "");
}

static void untrusted_text_cannot_forge_a_line(void **s)
{
	char longest[5000];

	(void)s;
	assert_string_equal(posternd_log_quote("bob"), "bob");
	assert_string_equal(posternd_log_quote("so it \"says\""), "so it \\042says\\042");
	/* a name with blanks would be several words of the line */
	assert_string_equal(posternd_log_name("bob"), "bob");
	assert_string_equal(posternd_log_name("root from 192.0.2.1"),
	    "root\\040from\\040192.0.2.1");
	assert_string_equal(posternd_log_quote("a\nb\x1b[2J\\\xff"), "a\\012b\\033[2J\\134\\377");
	memset(longest, '\n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_true(strlen(posternd_log_quote(longest)) < 1024);
	assert_non_null(strstr(posternd_log_quote(longest), "..."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_single_method_is_enough_by_default),
		cmocka_unit_test(lists_are_walked_in_order),
		cmocka_unit_test(a_list_may_ask_for_two_keys),
		cmocka_unit_test(a_device_is_no_part_of_a_steps_name),
		cmocka_unit_test(what_is_offered_to_anybody),
		cmocka_unit_test(the_shorter_list_ends_a_login),
		cmocka_unit_test(a_list_with_a_method_switched_off_does_not_count),
		cmocka_unit_test(names_are_the_protocols),
		cmocka_unit_test(untrusted_text_cannot_forge_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
