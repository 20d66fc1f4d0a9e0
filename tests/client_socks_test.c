/*
 * client_socks_test.c - SOCKS requests: every truncation, wrong versions, commands and
 * lengths, and that nothing behind the request is looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/client_socks.h"

#define TEXT(s) (const uint8_t *)(s), sizeof(s) - 1

/* From a block of exactly n bytes, so that a sanitizer sees a byte too far. */
static enum client_socks_state
parse(struct client_socks *s, const uint8_t *p, size_t n, size_t *used)
{
	uint8_t *copy = malloc(n + (n == 0));
	enum client_socks_state r;

	assert_non_null(copy);
	memcpy(copy, p, n);
	r = client_socks_parse(s, copy, n, used);
	free(copy);
	return r;
}

static void
is_bad(const uint8_t *p, size_t n, bool greeted, int code)
{
	struct client_socks s = { .version = greeted ? 5 : 0, .greeted = greeted };
	size_t used;

	assert_int_equal(parse(&s, p, n, &used), SOCKS_BAD);
	if (code >= 0) {
		assert_true(s.reply_len >= 2);
		assert_int_equal(s.reply[1], code);
	} else {
		assert_int_equal(s.reply_len, 0);
	}
}

/* Every truncation is "more", the whole is understood, and what follows stays. */
static void
is_asked(const uint8_t *p, size_t n, bool greeted, const char *host, uint32_t port)
{
	uint8_t longer[SOCKS_TEXT_MAX + 8];
	struct client_socks s = { .version = greeted ? 5 : 0, .greeted = greeted };
	size_t used = 99;

	for (size_t i = 0; i < n; i++) {
		if (parse(&s, p, i, &used) != SOCKS_MORE)
			fail_msg("%zu of %zu bytes were enough", i, n);
		assert_int_equal(used, 0);
	}
	assert_int_equal(parse(&s, p, n, &used), SOCKS_ASKED);
	assert_int_equal(used, n);
	assert_string_equal(s.host, host);
	assert_int_equal(s.port, port);
	memcpy(longer, p, n);
	memcpy(longer + n, "behind", 6);
	assert_int_equal(parse(&s, longer, n + 6, &used), SOCKS_ASKED);
	assert_int_equal(used, n);
}

static void
wrong_versions(void **state)
{
	struct client_socks s = { .version = 5, .greeted = true };
	uint8_t p[2] = { 0, 1 };

	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		p[0] = (uint8_t)v;
		if (v != 4 && v != 5)
			is_bad(p, 1, false, -1);
	}
	/* none changes its mind on the way */
	p[0] = 4;
	assert_int_equal(client_socks_parse(&s, p, 2, &(size_t){ 0 }), SOCKS_BAD);
}

static void
wrong_requests(void **state)
{
	(void)state;
	is_bad(TEXT("\4\2\0\x50\x7f\0\0\1\0"), false, 91);		/* BIND */
	is_bad(TEXT("\4\1\0\0\x7f\0\0\1\0"), false, 91);		/* port 0 */
	is_bad(TEXT("\4\1\0\x50\0\0\0\1u\0\0"), false, 91);		/* 4a without a name */
	is_bad(TEXT("\5\0"), false, 0xff);				/* no method */
	is_bad(TEXT("\5\2\1\2"), false, 0xff);				/* not ours */
	is_bad(TEXT("\5\2\0\1\x7f\0\0\1\0\x50"), true, 7);		/* BIND */
	is_bad(TEXT("\5\3\0\1\x7f\0\0\1\0\x50"), true, 7);		/* UDP */
	is_bad(TEXT("\5\1\0\2\x7f\0\0\1\0\x50"), true, 8);		/* no such address type */
	is_bad(TEXT("\5\1\0\3\0\0\x50"), true, 8);			/* an empty name */
	is_bad(TEXT("\5\1\0\3\4a\0bc\0\x50"), true, 8);		/* a NUL in it */
	is_bad(TEXT("\5\1\0\1\x7f\0\0\1\0\0"), true, 8);		/* port 0 */
}

static void
too_long_names(void **state)
{
	uint8_t p[SOCKS_TEXT_MAX + 8] = { 4, 1, 0, 80, 0, 0, 0, 1 };
	struct client_socks s = { 0 };
	size_t used;

	(void)state;
	memset(p + 8, 'u', SOCKS_NAME_MAX + 1);
	assert_int_equal(parse(&s, p, 8 + SOCKS_NAME_MAX, &used), SOCKS_MORE);
	is_bad(p, 8 + SOCKS_NAME_MAX + 1, false, 91);
	p[8 + SOCKS_NAME_MAX] = '\0';
	memset(p + 9 + SOCKS_NAME_MAX, 'h', SOCKS_NAME_MAX + 1);
	is_bad(p, 9 + 2 * SOCKS_NAME_MAX + 1, false, 91);
	/* the longest of all is as long as the constant says */
	p[9 + 2 * SOCKS_NAME_MAX] = '\0';
	s = (struct client_socks){ 0 };
	assert_int_equal(parse(&s, p, SOCKS_TEXT_MAX, &used), SOCKS_ASKED);
	assert_int_equal(used, SOCKS_TEXT_MAX);
	assert_int_equal(strlen(s.host), SOCKS_NAME_MAX);
}

static void
version_4(void **state)
{
	struct client_socks s = { .version = 4 };

	(void)state;
	is_asked(TEXT("\4\1\0\x50\xc0\0\2\7me\0"), false, "192.0.2.7", 80);
	is_asked(TEXT("\4\1\x1f\x90\xc0\0\2\7\0"), false, "192.0.2.7", 8080);
	is_asked(TEXT("\4\1\xff\xff\0\0\0\1me\0host.example\0"), false, "host.example", 65535);
	/* 0.0.0.0 is an address and no mark of 4a */
	is_asked(TEXT("\4\1\0\x50\0\0\0\0\0"), false, "0.0.0.0", 80);
	client_socks_answer(&s, true);
	assert_int_equal(s.reply_len, 8);
	assert_memory_equal(s.reply, "\0\x5a\0\0\0\0\0\0", 8);
	client_socks_answer(&s, false);
	assert_int_equal(s.reply[1], 91);
}

static void
version_5(void **state)
{
	struct client_socks s = { 0 };
	uint8_t name[7 + SOCKS_NAME_MAX] = { 5, 1, 0, 3, SOCKS_NAME_MAX };
	char host[SOCKS_NAME_MAX + 1] = "";
	size_t used;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(parse(&s, (const uint8_t *)"\5\2\1\0", i, &used), SOCKS_MORE);
	assert_int_equal(parse(&s, TEXT("\5\2\1\0more"), &used), SOCKS_GREETED);
	assert_int_equal(used, 4);
	assert_int_equal(s.reply_len, 2);
	assert_memory_equal(s.reply, "\5\0", 2);
	is_asked(TEXT("\5\1\0\1\xc0\0\2\7\0\x50"), true, "192.0.2.7", 80);
	is_asked(TEXT("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb"), true, "2001:db8::1", 443);
	is_asked(TEXT("\5\1\0\3\1h\0\x16"), true, "h", 22);
	memset(name + 5, 'n', SOCKS_NAME_MAX);
	name[6 + SOCKS_NAME_MAX] = 22;
	memset(host, 'n', SOCKS_NAME_MAX);
	is_asked(name, sizeof(name), true, host, 22);
	client_socks_answer(&s, true);
	assert_int_equal(s.reply_len, 10);
	assert_memory_equal(s.reply, "\5\0\0\1\0\0\0\0\0\0", 10);
	client_socks_answer(&s, false);
	assert_int_equal(s.reply[1], 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_versions),
		cmocka_unit_test(wrong_requests),
		cmocka_unit_test(too_long_names),
		cmocka_unit_test(version_4),
		cmocka_unit_test(version_5),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
