/*
 * client_spec_test.c - forwards and jump hosts as ssh(1) writes them: the bad ones
 * first, then every form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/client_spec.h"

static const char *why;

static bool
parses(int kind, const char *text)
{
	struct client_spec s;

	return client_spec_parse(&s, kind, text, &why);
}

/* What was understood, in one line: "listen host|port or path > connect". */
static const char *
said(int kind, const char *text)
{
	static char out[1024];
	char a[300], b[300];
	struct client_spec s;

	if (!client_spec_parse(&s, kind, text, &why))
		return "bad";
	(void)snprintf(out, sizeof(out), "%s%s > %s", s.listen.has_host || s.listen.is_path ? "" : "default",
	    client_spec_name(&s.listen, a, sizeof(a)),
	    s.is_socks ? "socks" : client_spec_name(&s.connect, b, sizeof(b)));
	return out;
}

static void
bad_ones_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "::", ":::", "::::", "80", "80:", "80:host", "80:host:", "80::80", ":80", "80:host:0",
		"80:host:65536", "65536:host:80", "-1:host:80", "+1:host:80", " 80:host:80", "80 :host:80",
		"0x50:host:80", "80:host:80:", "80:host:80:90", "a:80:host:80:b", "host:host:host",
		"a:b:c:80", "a:80:c:d", "[::1:80:host:80", "::1]:80:host:80", "[::1]80:host:80",
		"[]:80:host:80", "[80]:host:80", "80:host:[80]", "80:[]:80", "/a", "/a:/b:/c", "/a:80", "/a:b:c",
		"80:/a:80", "a:/b:c:80", "0:host:80", "99999999999999999999:host:80", "/a:",
	};
	struct client_spec untouched = { .kind = 77 }, s = untouched;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (client_spec_parse(&s, SPEC_LOCAL, bad[i], &why))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_memory_equal(&s, &untouched, sizeof(s));
	/* no destination: for dynamic and remote ones only, and there no third field */
	assert_false(parses(SPEC_LOCAL, "80"));
	assert_false(parses(SPEC_DYNAMIC, "80:host:80"));
	assert_false(parses(SPEC_DYNAMIC, "/path"));
	assert_false(parses(SPEC_DYNAMIC, "0"));
	assert_false(parses(SPEC_DYNAMIC, "a:b"));
	assert_false(parses(SPEC_REMOTE, ""));
	assert_false(parses(SPEC_REMOTE, "80:host:0"));
}

static void
names_have_a_limit(void **state)
{
	char text[SPEC_TEXT_MAX + 64];

	(void)state;
	for (int over = 0; over < 2; over++) {
		memset(text, 'h', sizeof(text));
		memcpy(text, "80:", 3);
		memcpy(text + 3 + SPEC_HOST_MAX + over, ":80", 4);
		assert_int_equal(parses(SPEC_LOCAL, text), !over);
		memset(text, 'p', sizeof(text));
		memcpy(text, "80:/", 4);
		text[3 + SPEC_PATH_MAX + over] = '\0';
		assert_int_equal(parses(SPEC_LOCAL, text), !over);
	}
	memset(text, '8', sizeof(text));
	text[SPEC_TEXT_MAX + 1] = '\0';
	assert_false(parses(SPEC_REMOTE, text));
}

static void
all_forms(void **state)
{
	static const struct { int kind; const char *text, *meaning; } good[] = {
		{ SPEC_LOCAL, "80:host:81", "default:80 > host:81" },
		{ SPEC_LOCAL, "a:80:host:81", "a:80 > host:81" },
		{ SPEC_LOCAL, ":80:host:81", ":80 > host:81" },
		{ SPEC_LOCAL, "*:80:host:81", "*:80 > host:81" },
		{ SPEC_LOCAL, "[::1]:80:[2001:db8::1]:81", "[::1]:80 > [2001:db8::1]:81" },
		{ SPEC_LOCAL, "80:[::1]:65535", "default:80 > [::1]:65535" },
		{ SPEC_LOCAL, "80:/run/x", "default:80 > /run/x" },
		{ SPEC_LOCAL, "a:80:/run/x", "a:80 > /run/x" },
		{ SPEC_LOCAL, "/run/x:host:81", "/run/x > host:81" },
		{ SPEC_LOCAL, "/run/x:/run/y", "/run/x > /run/y" },
		{ SPEC_LOCAL, "/run/x\\:y:/run/\\\\z", "/run/x:y > /run/\\z" },
		{ SPEC_REMOTE, "0:host:81", "default:0 > host:81" },
		{ SPEC_REMOTE, "80", "default:80 > socks" },
		{ SPEC_REMOTE, "0", "default:0 > socks" },
		{ SPEC_REMOTE, "a:80", "a:80 > socks" },
		{ SPEC_REMOTE, "/run/x", "/run/x > socks" },
		{ SPEC_REMOTE, "/run/x:host:81", "/run/x > host:81" },
		{ SPEC_DYNAMIC, "1080", "default:1080 > socks" },
		{ SPEC_DYNAMIC, "[::1]:1080", "[::1]:1080 > socks" },
		{ SPEC_DYNAMIC, ":1080", ":1080 > socks" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_string_equal(said(good[i].kind, good[i].text), good[i].meaning);
}

static void
host_and_port(void **state)
{
	static const char *const bad[] = { "", "host", "host:", ":80", "host:0", "host:80:1", "[::1]",
		"::1:80", "[::1]80", "/path:80", "host:65536" };
	struct client_end e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (client_spec_host_port(&e, bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(client_spec_host_port(&e, "[2001:db8::1]:22"));
	assert_string_equal(e.host, "2001:db8::1");
	assert_int_equal(e.port, 22);
}

static void
hops(void **state)
{
	static const char *const bad[] = { "", "@host", "user@", "user@:22", "host:", "host:0", "host:x",
		"host:65536", "-oProxyCommand=x", "u@-x", "/host", "ssh://", "[::1", "host:22:23",
		"ssh:///", "ssh://@host", "ssh://u@", "ssh://host:", "ssh://host:x/", "ssh://host/path",
		"ssh://host:22/path", "ssh://host//", "ssh://[::1", "ssh://[::1]22", "ssh://-x",
		"ssh://u:secret@host", "ssh://u;x=y@host", "ssh://u%@host", "ssh://u%4@host",
		"ssh://u%+1@host", "ssh://u%00@host", "host/path" };
	struct client_hop h;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (client_spec_hop(&h, bad[i], strlen(bad[i])))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(client_spec_hop(&h, "host", 4));
	assert_string_equal(h.host, "host");
	assert_string_equal(h.user, "");
	assert_int_equal(h.port, 0);
	assert_true(client_spec_hop(&h, "ssh://a@b@[::1]:2222", 20));
	assert_string_equal(h.user, "a@b");
	assert_string_equal(h.host, "::1");
	assert_int_equal(h.port, 2222);
	assert_true(client_spec_hop(&h, "SSH://host/", 11));
	assert_string_equal(h.host, "host");
	assert_string_equal(h.user, "");
	assert_true(client_spec_hop(&h, "ssh://a%40b%25@[fe80::1%eth0]:7/", 32));
	assert_string_equal(h.user, "a@b%");
	assert_string_equal(h.host, "fe80::1%eth0");
	assert_int_equal(h.port, 7);
	assert_true(client_spec_hop(&h, "a%40b@host", 10));	/* no URI */
	assert_string_equal(h.user, "a%40b");
	/* the length counts, not what is behind it */
	assert_true(client_spec_hop(&h, "host,other", 4));
	assert_string_equal(h.host, "host");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(names_have_a_limit),
		cmocka_unit_test(all_forms),
		cmocka_unit_test(host_and_port),
		cmocka_unit_test(hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
