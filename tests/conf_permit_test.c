/*
 * conf_permit_test.c - PermitOpen, PermitListen and GatewayPorts, row by row, with
 * what must not be permitted first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "apps/conf.h"
#include "apps/conf_permit.h"

struct row { const char *word, *host; uint32_t port; bool permits; };

static const struct row opens[] = {
	{ "none", "host", 80, false },
	{ "", "host", 80, false },
	{ "host", "host", 80, false },
	{ "80", "host", 80, false },
	{ "host:", "host", 80, false },
	{ "host:0", "host", 0, false },
	{ "host:65616", "host", 80, false },
	{ "host:80x", "host", 80, false },
	{ "host: 80", "host", 80, false },
	{ ":80", "", 80, false },
	{ "::1:80", "::1", 80, false },
	{ "[::1]", "::1", 80, false },
	{ "[::1", "::1", 80, false },
	{ "[]:80", "", 80, false },
	{ "host:80", "host", 81, false },
	{ "host:80", "hos", 80, false },
	{ "host:80", "hostx", 80, false },
	{ "host:80", "", 80, false },
	{ "host:80", "*", 80, false },
	{ "host:80", "HOST", 80, false },	/* as sshd: names are taken as they are */
	{ "h*:80", "host", 80, false },		/* no patterns in PermitOpen */
	{ "host:8*", "host", 80, false },
	{ "127.0.0.1:80", "127.1", 80, false },
	{ "127.0.0.1:80", "localhost", 80, false },
	{ "any", "host", 80, true },
	{ "any", "", 0, true },
	{ "host:80", "host", 80, true },
	{ "host:*", "host", 65535, true },
	{ "*:80", "anything", 80, true },
	{ "*:*", "anything", 1, true },
	{ "[::1]:80", "::1", 80, true },
	{ "[host]:80", "host", 80, true },
	{ "127.0.0.1:80", "127.0.0.1", 80, true },
};

static const struct row listens[] = {
	{ "none", "", 80, false },
	{ "", "", 80, false },
	{ "0", "", 0, false },
	{ "65536", "", 80, false },
	{ "80", "localhost", 81, false },
	{ "80", "localhost", 0, false },
	{ "localhost:80", "localhost", 0, false },
	{ "localhost:80", "127.0.0.1", 80, false },
	{ "localhost:80", "", 80, false },
	{ "*.example:80", "example", 80, false },
	{ "?:80", "", 80, false },
	{ "host", "host", 80, false },
	{ "any", "", 0, true },
	{ "*", "host", 0, true },
	{ "80", "localhost", 80, true },
	{ "80", "", 80, true },
	{ "80", "0.0.0.0", 80, true },
	{ "localhost:80", "localhost", 80, true },
	{ "localhost:80", "LOCALHOST", 80, true },
	{ "LocalHost:80", "localhost", 80, true },
	{ "localhost:*", "localhost", 0, true },
	{ "10.*:*", "10.1.2.3", 4711, true },
	{ "*:80", "", 80, true },
	{ "[::1]:80", "::1", 80, true },
	{ "[fe80*]:80", "fe80::1", 80, true },
};

static void permitopen_compares_and_never_guesses(void **s)
{
	(void)s;
	for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		const struct row *r = &opens[i];

		if (conf_permit_open(r->word, r->host, r->port) != r->permits)
			fail_msg("PermitOpen %s: %s %u", r->word, r->host, r->port);
	}
}

static void an_address_is_one_in_any_form(void **s)
{
	static const struct { const char *list, *address; bool permits; } rows[] = {
		{ "any", "127.0.0.1", true }, { "any", "::1", true },
		{ "10.0.0.0/8", "10.1.2.3", true }, { "10.0.0.0/8", "11.1.2.3", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true }, { "10.0.0.0/8", "::1", false },
		{ "!127.0.0.0/8,*", "127.0.0.1", false }, { "!127.0.0.0/8,*", "10.1.2.3", true },
		{ "!127.0.0.0/8,*", "::ffff:127.0.0.1", false },
		{ "!127.0.0.0/8,*", "0.0.0.0", false }, { "!127.0.0.0/8,*", "::ffff:0.0.0.0", false },
		{ "!::1,*", "::", false }, { "!::1,*", "::1", false }, { "!::1,*", "fe80::1", true },
		{ NULL, "10.1.2.3", false }, { NULL, "::1", false },
		{ "!10.0.0.0/8", "11.1.2.3", false },	/* nothing says yes */
	};

	(void)s;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		struct sockaddr_in in = { .sin_family = AF_INET };
		bool is_v6 = inet_pton(AF_INET6, rows[i].address, &in6.sin6_addr) == 1;

		assert_true(is_v6 || inet_pton(AF_INET, rows[i].address, &in.sin_addr) == 1);
		if (conf_permit_address(rows[i].list, is_v6 ? (struct sockaddr *)&in6 :
		    (struct sockaddr *)&in) != rows[i].permits)
			fail_msg("PermitOpenAddress %s: %s", rows[i].list != NULL ? rows[i].list : "none",
			    rows[i].address);
	}
	/* a path is nobody's address */
	assert_true(conf_permit_address("10.0.0.0/8", &(struct sockaddr){ .sa_family = AF_UNIX }));
	assert_null(conf_check_permit_address("any"));
	assert_null(conf_check_permit_address("!127.0.0.0/8,*"));
	assert_non_null(conf_check_permit_address("10.0.0.0/33"));
	assert_non_null(conf_check_permit_address(""));
}

static void permitlisten_matches_patterns(void **s)
{
	(void)s;
	for (size_t i = 0; i < sizeof(listens) / sizeof(listens[0]); i++) {
		const struct row *r = &listens[i];

		if (conf_permit_listen(r->word, r->host, r->port) != r->permits)
			fail_msg("PermitListen %s: %s %u", r->word, r->host, r->port);
	}
}

static void paths_are_permitted_by_everything_only(void **s)
{
	(void)s;
	assert_false(conf_permit_path("none"));
	assert_false(conf_permit_path("*:80"));
	assert_false(conf_permit_path("/run/x:*"));
	assert_false(conf_permit_path(""));
	assert_true(conf_permit_path("any"));
	assert_true(conf_permit_path("*:*"));
}

static void hosts_of_any_length_are_survived(void **s)
{
	static char longer[2 * CONF_PERMIT_WORD_MAX], word[3 * CONF_PERMIT_WORD_MAX];

	(void)s;
	for (size_t n = CONF_PERMIT_WORD_MAX - 2; n < CONF_PERMIT_WORD_MAX + 2; n++) {
		memset(longer, 'a', n);
		longer[n] = '\0';
		memcpy(word, longer, n);
		(void)snprintf(word + n, sizeof(word) - n, ":80");
		/* one that does not fit is not cut to one that does */
		assert_int_equal(conf_permit_open(word, longer, 80), n < CONF_PERMIT_WORD_MAX);
		assert_int_equal(conf_permit_listen(word, longer, 80), n < CONF_PERMIT_WORD_MAX);
		longer[n - 1] = '\0';
		assert_false(conf_permit_open(word, longer, 80));
	}
}

static void every_truncation_of_a_word_permits_nothing_new(void **s)
{
	static const char whole[] = "[2001:db8::1]:8080";

	(void)s;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char part[sizeof(whole)];

		memcpy(part, whole, n);
		part[n] = '\0';
		assert_false(conf_permit_open(part, "2001:db8::1", 8080));
	}
	assert_true(conf_permit_open(whole, "2001:db8::1", 8080));
	for (size_t n = 0; n < sizeof("any") - 1; n++)
		assert_non_null(conf_check_permit_open((const char *[]){ "", "a", "an" }[n]));
}

static void gatewayports_says_where_to_bind(void **s)
{
	static const struct { const char *address; enum conf_bind no, yes, client; } rows[] = {
		{ "",            CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ANY },
		{ "*",           CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ANY },
		{ "localhost",   CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_LOOPBACK },
		{ "127.0.0.1",   CONF_BIND_ADDRESS,  CONF_BIND_ANY, CONF_BIND_ADDRESS },
		{ "::1",         CONF_BIND_ADDRESS,  CONF_BIND_ANY, CONF_BIND_ADDRESS },
		{ "127.0.0.2",   CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ADDRESS },
		{ "0.0.0.0",     CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ADDRESS },
		{ "::",          CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ADDRESS },
		{ "192.0.2.1",   CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ADDRESS },
		{ "example.org", CONF_BIND_LOOPBACK, CONF_BIND_ANY, CONF_BIND_ADDRESS },
	};

	(void)s;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(conf_permit_bind(CONF_GATEWAY_NO, rows[i].address), rows[i].no);
		assert_int_equal(conf_permit_bind(CONF_GATEWAY_YES, rows[i].address), rows[i].yes);
		assert_int_equal(conf_permit_bind(CONF_GATEWAY_CLIENT, rows[i].address),
		    rows[i].client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permitopen_compares_and_never_guesses),
		cmocka_unit_test(an_address_is_one_in_any_form),
		cmocka_unit_test(permitlisten_matches_patterns),
		cmocka_unit_test(paths_are_permitted_by_everything_only),
		cmocka_unit_test(hosts_of_any_length_are_survived),
		cmocka_unit_test(every_truncation_of_a_word_permits_nothing_new),
		cmocka_unit_test(gatewayports_says_where_to_bind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
