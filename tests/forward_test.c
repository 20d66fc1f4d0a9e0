/*
 * forward_test.c - forwarding's parts of messages: every truncation, a byte too many,
 * NUL in a text, each bound and one more; and who may open what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/forward.h"

enum { TOO_MUCH = 4096 };

static uint8_t buf[4 * TOO_MUCH];
static char filler[TOO_MUCH];

static struct wr
writer(void)
{
	return wr_of(buf, sizeof(buf));
}

/* From a buffer of exactly that size: a read behind its end is seen. */
static bool
open_of(enum forward_kind kind, struct span s, struct forward_open *o)
{
	uint8_t *p = malloc(s.n > 0 ? s.n : 1);
	bool ok;

	assert_non_null(p);
	memcpy(p, s.p, s.n);
	ok = forward_parse_open(kind, span_of(p, s.n), o);
	if (ok) {	/* compared by the caller, who wrote them to buf */
		if (o->host.n > 0)
			o->host.p = &s.p[o->host.p - p];
		if (o->origin.n > 0)
			o->origin.p = &s.p[o->origin.p - p];
	}
	free(p);
	return ok;
}

static struct wr
open_form(enum forward_kind kind, struct span host, uint32_t port, struct span origin,
    uint32_t origin_port)
{
	struct wr w = writer();

	switch (kind) {
	case FW_DIRECT_TCPIP:
	case FW_FORWARDED_TCPIP:
		wr_blob(&w, host, SIZE_MAX);
		wr_u32(&w, port);
		wr_blob(&w, origin, SIZE_MAX);
		wr_u32(&w, origin_port);
		break;
	case FW_DIRECT_STREAMLOCAL:
		wr_blob(&w, host, SIZE_MAX);
		wr_blob(&w, origin, SIZE_MAX);
		wr_u32(&w, origin_port);
		break;
	case FW_FORWARDED_STREAMLOCAL:
		wr_blob(&w, host, SIZE_MAX);
		wr_blob(&w, origin, SIZE_MAX);
		break;
	case FW_X11:
		wr_blob(&w, origin, SIZE_MAX);
		wr_u32(&w, origin_port);
		break;
	default:
		break;
	}
	return w;
}

static const enum forward_kind kinds[] = { FW_DIRECT_TCPIP, FW_FORWARDED_TCPIP,
	FW_DIRECT_STREAMLOCAL, FW_FORWARDED_STREAMLOCAL, FW_X11, FW_AGENT };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void
test_open_every_length(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct wr w = open_form(kinds[k], span_str("host"), 1, span_str("from"), 2);
		struct forward_open o = { .port = 77 };

		for (size_t n = 0; n < w.n; n++)
			assert_false(open_of(kinds[k], span_of(w.p, n), &o));
		assert_int_equal(o.port, 77);
		assert_true(open_of(kinds[k], wr_span(&w), &o));
		wr_u8(&w, 0);
		assert_false(open_of(kinds[k], wr_span(&w), &o));
	}
}

static void
test_open_fields(void **state)
{
	struct forward_open o;
	struct wr w;

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		enum forward_kind kind = kinds[k];
		bool has_host = kind != FW_X11 && kind != FW_AGENT;
		bool has_port = kind == FW_DIRECT_TCPIP || kind == FW_FORWARDED_TCPIP;
		bool has_origin = has_port || kind == FW_X11;

		w = open_form(kind, span_str("host"), 65535, span_str("::1"), 65535);
		assert_true(open_of(kind, wr_span(&w), &o));
		assert_true(span_is(o.host, has_host ? "host" : ""));
		assert_int_equal(o.port, has_port ? 65535 : 0);
		assert_true(span_is(o.origin, has_origin ? "::1" : ""));
		assert_int_equal(o.origin_port, has_origin ? 65535 : 0);
	}
	/* the bytes of RFC 4254 7.2 */
	assert_true(forward_parse_open(FW_DIRECT_TCPIP,
	    span_of("\0\0\0\2ab\0\0\0\26\0\0\0\1c\0\0\1\0", 19), &o));
	assert_true(span_is(o.host, "ab") && o.port == 22 && span_is(o.origin, "c") &&
	    o.origin_port == 256);
	assert_false(forward_parse_open(FW_OTHER, span_of("", 0), &o));
}

static void
test_open_bounds(void **state)
{
	static const uint32_t ports[] = { 65536, 0x10016, 0x80000016, UINT32_MAX };
	struct span most = span_of(filler, FORWARD_HOST_MAX), more = span_of(filler, FORWARD_HOST_MAX + 1);
	struct span nul = span_of("a\0b", 3), empty = span_of("", 0), x = span_str("x");
	struct forward_open o;
	struct wr w;

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		enum forward_kind kind = kinds[k];
		bool has_port = kind == FW_DIRECT_TCPIP || kind == FW_FORWARDED_TCPIP;
		bool has_path = kind == FW_DIRECT_STREAMLOCAL || kind == FW_FORWARDED_STREAMLOCAL;
		bool has_origin = has_port || kind == FW_X11;

		if (kind == FW_AGENT)
			continue;
		w = open_form(kind, most, 0, most, 0);
		assert_true(open_of(kind, wr_span(&w), &o));
		if (has_port || has_path) {
			w = open_form(kind, more, 0, x, 0);
			assert_false(open_of(kind, wr_span(&w), &o));
			w = open_form(kind, nul, 0, x, 0);
			assert_false(open_of(kind, wr_span(&w), &o));
			w = open_form(kind, empty, 0, x, 0);
			assert_int_equal(open_of(kind, wr_span(&w), &o), !has_path);
		}
		w = open_form(kind, x, 0, more, 0);
		assert_false(open_of(kind, wr_span(&w), &o));
		/* reserved fields may hold what they like */
		w = open_form(kind, x, 0, nul, 0);
		assert_int_equal(open_of(kind, wr_span(&w), &o), has_path);
		for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
			w = open_form(kind, x, ports[i], x, 0);
			assert_int_equal(open_of(kind, wr_span(&w), &o), !has_port);
			w = open_form(kind, x, 0, x, ports[i]);
			assert_int_equal(open_of(kind, wr_span(&w), &o), !has_origin);
		}
	}
	/* a string that says it is longer than all there is */
	assert_false(forward_parse_open(FW_X11, span_of("\377\377\377\377x\0\0\0\1", 9), &o));
	assert_false(forward_parse_open(FW_AGENT, span_of("\0", 1), &o));
}

static void
test_open_kinds_and_sides(void **state)
{
	static const struct { const char *type; enum forward_kind kind; bool at_server, at_client; }
	cases[] = {
		{ "session",                            FW_OTHER,                 true,  false },
		{ "direct-tcpip",                       FW_DIRECT_TCPIP,          true,  false },
		{ "direct-streamlocal@openssh.com",     FW_DIRECT_STREAMLOCAL,    true,  false },
		{ "forwarded-tcpip",                    FW_FORWARDED_TCPIP,       false, true  },
		{ "forwarded-streamlocal@openssh.com",  FW_FORWARDED_STREAMLOCAL, false, true  },
		{ "x11",                                FW_X11,                   false, true  },
		{ "auth-agent@openssh.com",             FW_AGENT,                 false, true  },
		{ "agent-connect",                      FW_AGENT,                 false, true  },
		{ "tun@openssh.com",                    FW_OTHER,                 true,  true  },
		{ "Direct-tcpip",                       FW_OTHER,                 true,  true  },
		{ "direct-tcpi",                        FW_OTHER,                 true,  true  },
		{ "direct-tcpip ",                      FW_OTHER,                 true,  true  },
		{ "",                                   FW_OTHER,                 true,  true  },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span type = span_str(cases[i].type);

		assert_int_equal(forward_open_kind(type), cases[i].kind);
		assert_int_equal(forward_may_open(SSH_SERVER, type), cases[i].at_server);
		assert_int_equal(forward_may_open(SSH_CLIENT, type), cases[i].at_client);
	}
}

static void
test_listen(void **state)
{
	static const struct { const char *request; enum forward_kind kind; bool cancel; } cases[] = {
		{ "tcpip-forward",                          FW_FORWARDED_TCPIP,       false },
		{ "cancel-tcpip-forward",                   FW_FORWARDED_TCPIP,       true  },
		{ "streamlocal-forward@openssh.com",        FW_FORWARDED_STREAMLOCAL, false },
		{ "cancel-streamlocal-forward@openssh.com", FW_FORWARDED_STREAMLOCAL, true  },
	};
	static const uint32_t ports[] = { 65536, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span request = span_str(cases[i].request);
		bool is_tcp = cases[i].kind == FW_FORWARDED_TCPIP;
		struct forward_listen l = { .port = 77 };
		struct wr w = writer();

		assert_true(forward_is_listen(request));
		wr_str(&w, "/run/x");
		if (is_tcp)
			wr_u32(&w, 65535);
		for (size_t n = 0; n < w.n; n++)
			assert_false(forward_parse_listen(request, span_of(w.p, n), &l));
		assert_int_equal(l.port, 77);
		assert_true(forward_parse_listen(request, wr_span(&w), &l));
		assert_int_equal(l.kind, cases[i].kind);
		assert_int_equal(l.cancel, cases[i].cancel);
		assert_true(span_is(l.host, "/run/x"));
		assert_int_equal(l.port, is_tcp ? 65535 : 0);
		wr_u8(&w, 0);
		assert_false(forward_parse_listen(request, wr_span(&w), &l));
		for (size_t n = FORWARD_HOST_MAX; n <= FORWARD_HOST_MAX + 1; n++) {
			w = writer();
			wr_blob(&w, span_of(filler, n), SIZE_MAX);
			if (is_tcp)
				wr_u32(&w, 0);
			assert_int_equal(forward_parse_listen(request, wr_span(&w), &l),
			    n == FORWARD_HOST_MAX);
		}
		w = writer();
		wr_blob(&w, span_of("\0abstract", 9), SIZE_MAX);
		if (is_tcp)
			wr_u32(&w, 0);
		assert_false(forward_parse_listen(request, wr_span(&w), &l));
		/* every address, but no path is none */
		w = writer();
		wr_str(&w, "");
		if (is_tcp)
			wr_u32(&w, 0);
		assert_int_equal(forward_parse_listen(request, wr_span(&w), &l), is_tcp);
		for (size_t p = 0; is_tcp && p < 2; p++) {
			w = writer();
			wr_str(&w, "localhost");
			wr_u32(&w, ports[p]);
			assert_false(forward_parse_listen(request, wr_span(&w), &l));
		}
	}
}

static void
test_not_a_listen_request(void **state)
{
	static const char *const others[] = { "", "tcpip-forwar", "tcpip-forward2",
		"streamlocal-forward", "hostkeys-00@openssh.com" };
	struct forward_listen l;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(forward_is_listen(span_str(others[i])));
		assert_false(forward_parse_listen(span_str(others[i]), span_of("\0\0\0\1x", 5), &l));
	}
}

static struct wr
x11_form(struct span protocol, struct span cookie)
{
	struct wr w = writer();

	wr_u8(&w, 1);
	wr_blob(&w, protocol, SIZE_MAX);
	wr_blob(&w, cookie, SIZE_MAX);
	wr_u32(&w, 7);
	return w;
}

static void
test_x11(void **state)
{
	struct span protocol = span_str("MIT-MAGIC-COOKIE-1"), cookie = span_str("00ff");
	struct forward_x11 x = { .screen = 99 };
	struct wr w = x11_form(protocol, cookie);

	(void)state;
	assert_true(forward_is_x11(span_str("x11-req")));
	assert_false(forward_is_x11(span_str("x11")));
	for (size_t n = 0; n < w.n; n++)
		assert_false(forward_parse_x11(span_of(w.p, n), &x));
	assert_int_equal(x.screen, 99);
	assert_true(forward_parse_x11(wr_span(&w), &x));
	assert_true(x.single && span_eq(x.protocol, protocol) && span_eq(x.cookie, cookie) &&
	    x.screen == 7);
	wr_u8(&w, 0);
	assert_false(forward_parse_x11(wr_span(&w), &x));
	for (size_t over = 0; over <= 1; over++) {
		w = x11_form(span_of(filler, FORWARD_X11_PROTOCOL_MAX + over), cookie);
		assert_int_equal(forward_parse_x11(wr_span(&w), &x), over == 0);
		w = x11_form(protocol, span_of(filler, FORWARD_X11_COOKIE_MAX + over));
		assert_int_equal(forward_parse_x11(wr_span(&w), &x), over == 0);
	}
	w = x11_form(span_of("a\0", 2), cookie);
	assert_false(forward_parse_x11(wr_span(&w), &x));
	w = x11_form(protocol, span_of("\0", 1));
	assert_false(forward_parse_x11(wr_span(&w), &x));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_every_length), cmocka_unit_test(test_open_fields),
		cmocka_unit_test(test_open_bounds), cmocka_unit_test(test_open_kinds_and_sides),
		cmocka_unit_test(test_listen), cmocka_unit_test(test_not_a_listen_request),
		cmocka_unit_test(test_x11),
	};

	memset(filler, 'x', sizeof(filler));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
