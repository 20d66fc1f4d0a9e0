/* conf_pattern_test.c - names and addresses against patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/conf_pattern.h"

static void stars_and_question_marks(void **s)
{
	(void)s;
	assert_true(conf_pattern_match("", ""));
	assert_false(conf_pattern_match("", "a"));
	assert_true(conf_pattern_match("*", ""));
	assert_true(conf_pattern_match("a*c", "abbc"));
	assert_true(conf_pattern_match("a*b*c", "aXbYbZc"));
	assert_false(conf_pattern_match("a*b*c", "aXbYbZ"));
	assert_true(conf_pattern_match("?", "a"));
	assert_false(conf_pattern_match("?", ""));
	assert_false(conf_pattern_match("?", "ab"));
	assert_true(conf_pattern_match("LC_*", "LC_ALL"));
	assert_false(conf_pattern_match("LC_*", "lc_all"));
	assert_false(conf_pattern_match("a", "A"));
}

static void matching_is_not_exponential(void **s)
{
	char pattern[200] = "", text[4001];

	(void)s;
	for (int i = 0; i < 60; i++)
		(void)snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "*a");
	(void)snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "b");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(conf_pattern_match(pattern, text));
}

static void a_negated_entry_outweighs_all(void **s)
{
	char longest[3000];

	(void)s;
	assert_int_equal(conf_pattern_list("a,b,c", "b"), 1);
	assert_int_equal(conf_pattern_list("a,b,c", "d"), 0);
	assert_int_equal(conf_pattern_list("*,!b", "b"), -1);
	assert_int_equal(conf_pattern_list("!b,*", "b"), -1);
	assert_int_equal(conf_pattern_list("!b,*", "a"), 1);
	assert_int_equal(conf_pattern_list("!b", "a"), 0);
	assert_int_equal(conf_pattern_list("", "a"), 0);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(conf_pattern_list(longest, "a"), -1);
}

static void addresses_are_matched_by_bits(void **s)
{
	static const struct { const char *list, *address; int result; } t[] = {
		{ "10.0.0.0/8", "10.255.1.2", 1 }, { "10.0.0.0/8", "11.0.0.1", 0 },
		{ "0.0.0.0/0", "1.2.3.4", 1 }, { "0.0.0.0/0", "::1", 0 },
		{ "192.168.1.7/32", "192.168.1.7", 1 }, { "192.168.1.7/32", "192.168.1.6", 0 },
		{ "192.168.1.6/31", "192.168.1.7", 1 }, { "2001:db8::/32", "2001:db8:1::5", 1 },
		{ "2001:db8::/33", "2001:db8:8000::", 0 }, { "::/0", "fe80::1", 1 },
		{ "192.168.*", "192.168.9.9", 1 }, { "192.168.?.1", "192.168.10.1", 0 },
		{ "10.0.0.0/8,!10.1.0.0/16", "10.1.2.3", -1 },
		{ "10.0.0.0/8,!10.1.0.0/16", "10.2.2.3", 1 },
		{ "10.0.0.1/8", "10.0.0.1", -1 }, { "10.0.0.0/33", "10.0.0.0", -1 },
		{ "*,10.0.0.0/", "10.0.0.0", -1 }, { "*,x/8", "10.0.0.0", -1 }, { "", "1.2.3.4", -1 },
		{ "fe80::/10", "fe80::1%eth0", 1 }, { "*,!fe80::/10", "fe80::1%eth0", -1 },
		{ "fe80::1%eth0/128", "fe80::1%eth0", -1 }, { "10.0.0.0/8", "10.0.0.1%eth0", 0 },
		{ "*,!fe80::1", "fe80::1%eth0", -1 }, { "fe80::1", "fe80::2%eth0", 0 },
		{ "2001:DB8::1", "2001:db8::1", 1 }, { "*,!2001:db8:0::1", "2001:db8::1", -1 },
		{ "10.0.0.1", "10.0.0.1", 1 }, { "10.0.0.1", "10.0.0.11", 0 },
		{ "fe80::*", "fe80::1%eth0", 1 }, { "::/0", "%eth0", 0 },
		{ "*,,*", "1.2.3.4", -1 }, { "10.0.0.0/8", "UNKNOWN", 0 }, { "*", "UNKNOWN", 1 },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (conf_pattern_address_list(t[i].list, t[i].address) != t[i].result)
			fail_msg("%s against %s", t[i].list, t[i].address);
}

static void users_come_with_addresses(void **s)
{
	(void)s;
	assert_int_equal(conf_pattern_user("bob", "bob", "1.2.3.4"), 1);
	assert_int_equal(conf_pattern_user("b*", "bob", "1.2.3.4"), 1);
	assert_int_equal(conf_pattern_user("bob", "eve", "1.2.3.4"), 0);
	assert_int_equal(conf_pattern_user("!bob", "bob", "1.2.3.4"), -1);
	assert_int_equal(conf_pattern_user("!bob", "eve", "1.2.3.4"), 0);
	assert_int_equal(conf_pattern_user("bob@1.2.3.0/24", "bob", "1.2.3.4"), 1);
	assert_int_equal(conf_pattern_user("bob@1.2.3.0/24", "bob", "1.2.4.4"), 0);
	assert_int_equal(conf_pattern_user("!bob@1.2.3.0/24", "bob", "1.2.3.4"), -1);
	assert_int_equal(conf_pattern_user("!bob@1.2.3.0/24", "bob", "1.2.4.4"), 0);
	assert_int_equal(conf_pattern_user("bob@1.2.3.1/24", "bob", "1.2.3.4"), 0);
	assert_int_equal(conf_pattern_user("*@*", "bob", "::1"), 1);
	assert_int_equal(conf_pattern_user("a@b@1.2.*", "a@b", "1.2.3.4"), 1);
	assert_int_equal(conf_pattern_user("bob@", "bob", "1.2.3.4"), 0);
}

static void neighbours_share_their_first_bits(void **s)
{
	static const struct { const char *a, *b; unsigned ipv4, ipv6; bool near; } t[] = {
		{ "10.1.2.3", "10.1.2.3", 32, 128, true }, { "10.1.2.3", "10.1.2.2", 32, 128, false },
		{ "10.1.2.3", "10.1.2.2", 31, 128, true }, { "10.1.2.3", "10.1.3.3", 24, 128, false },
		{ "10.1.2.3", "10.1.3.3", 23, 1, true }, { "::1", "::1", 1, 128, true },
		{ "2001:db8::1", "2001:db8::ffff", 32, 64, true },
		{ "2001:db8::1", "2001:db8:0:1::1", 32, 64, false },
		{ "2001:db8::1", "2001:db8:0:1::1", 32, 63, true },
		{ "10.1.2.3", "a01:203::", 1, 1, false }, { "UNKNOWN", "UNKNOWN", 32, 128, false },
		{ "fe80::1%eth0", "fe80::1%eth0", 32, 128, true },
		{ "fe80::1%eth0", "fe80::2%eth1", 32, 64, true },
		{ "fe80::1%eth0", "fe80::2%eth0", 32, 128, false },
		{ "", "10.1.2.3", 1, 1, false }, { "10.1.2.3", "10.1.2.3/24", 1, 1, false },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (conf_pattern_near(t[i].a, t[i].b, t[i].ipv4, t[i].ipv6) != t[i].near)
			fail_msg("%s and %s", t[i].a, t[i].b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_share_their_first_bits),
		cmocka_unit_test(stars_and_question_marks),
		cmocka_unit_test(matching_is_not_exponential),
		cmocka_unit_test(a_negated_entry_outweighs_all),
		cmocka_unit_test(addresses_are_matched_by_bits),
		cmocka_unit_test(users_come_with_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
