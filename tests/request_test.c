/*
 * request_test.c - channel requests: hostile bytes first, then each kind there and
 * back, against bytes written by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/request.h"

static uint8_t filler[64 * 1024];
static uint8_t buf[64 * 1024];

struct golden {
	const char *type;
	struct request req;		/* to write                              */
	const char *body;		/* what follows want_reply               */
	size_t n;
};
#define S(s_) { (const uint8_t *)(s_), sizeof(s_) - 1 }
#define B(s_) s_, sizeof(s_) - 1
static const struct golden goldens[] = {
	{ "pty-req", { .kind = RQ_PTY, .name = S("xterm"), .columns = 80, .rows = 24,
	    .width = 640, .height = 480, .value = S("\201\0\0\226\0") },
	    B("\0\0\0\5xterm\0\0\0\120\0\0\0\30\0\0\2\200\0\0\1\340"
	    "\0\0\0\5\201\0\0\226\0") },
	{ "env", { .kind = RQ_ENV, .name = S("LANG"), .value = S("C") },
	    B("\0\0\0\4LANG\0\0\0\1C") },
	{ "shell", { .kind = RQ_SHELL }, "", 0 },
	{ "exec", { .kind = RQ_EXEC, .name = S("true") }, B("\0\0\0\4true") },
	{ "subsystem", { .kind = RQ_SUBSYSTEM, .name = S("sftp") }, B("\0\0\0\4sftp") },
	{ "window-change", { .kind = RQ_WINDOW, .columns = 1, .rows = 2, .width = 3,
	    .height = 4 }, B("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4") },
	{ "signal", { .kind = RQ_SIGNAL, .name = S("TERM") }, B("\0\0\0\4TERM") },
	{ "break", { .kind = RQ_BREAK, .number = 500 }, B("\0\0\1\364") },
	{ "exit-status", { .kind = RQ_EXIT_STATUS, .number = 255 }, B("\0\0\0\377") },
	{ "exit-signal", { .kind = RQ_EXIT_SIGNAL, .name = S("SEGV"), .core_dumped = true,
	    .value = S("boo") }, B("\0\0\0\4SEGV\1\0\0\0\3boo\0\0\0\0") },
	{ "x@example.org", { .kind = RQ_OTHER, .name = S("x@example.org"),
	    .value = S("what\0ever") }, B("what\0ever") },
};
enum { GOLDENS = sizeof(goldens) / sizeof(goldens[0]) };

static struct span
fill(size_t n)
{
	return span_of(filler, n);
}

/* From a buffer of exactly that size. */
static enum proto_error
parse(const char *type, struct span body, struct request *req, bool *fits)
{
	uint8_t *p = malloc(body.n > 0 ? body.n : 1);
	struct rd r;
	enum proto_error e;

	assert_non_null(p);
	memcpy(p, body.p, body.n);
	r = rd_of(span_of(p, body.n));
	e = request_parse(&r, span_str(type), req, fits);
	free(p);
	return e;
}

static void
test_truncations(void **state)
{
	struct request req;
	bool fits;

	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		const struct golden *g = &goldens[i];

		if (g->req.kind == RQ_OTHER)
			continue;
		for (size_t n = 0; n < g->n; n++)
			assert_int_equal(parse(g->type, span_of(g->body, n), &req, &fits),
			    PROTO_E_MESSAGE_FORMAT);
		memcpy(buf, g->body, g->n);
		buf[g->n] = 0;
		assert_int_equal(parse(g->type, span_of(buf, g->n + 1), &req, &fits),
		    PROTO_E_MESSAGE_FORMAT);
		assert_int_equal(parse(g->type, span_of(buf, g->n), &req, &fits), PROTO_OK);
		assert_true(fits);
	}
}

/* Every string's length as a lie, in every place where a length stands. */
static void
test_lengths(void **state)
{
	static const uint32_t lies[] = { 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
	    35001 };
	struct request req;
	bool fits;

	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		const struct golden *g = &goldens[i];

		for (size_t at = 0; at + 4 <= g->n; at++)
			for (size_t k = 0; k < sizeof(lies) / sizeof(lies[0]); k++) {
				struct wr w = wr_of(buf, sizeof(buf));

				wr_raw(&w, span_of(g->body, at));
				wr_u32(&w, lies[k]);
				wr_raw(&w, span_of(g->body + at + 4, g->n - at - 4));
				if (parse(g->type, wr_span(&w), &req, &fits) == PROTO_OK)
					assert_true(req.name.n <= g->n + 32 &&
					    req.value.n <= g->n);
			}
	}
	assert_int_equal(parse("exec", span_of("\xff\xff\xff\xff", 4), &req, &fits),
	    PROTO_E_MESSAGE_FORMAT);
}

static void
test_nul(void **state)
{
	static const struct { const char *type, *body; size_t n; } cases[] = {
		{ "env", B("\0\0\0\3A\0B\0\0\0\1C") }, { "env", B("\0\0\0\1A\0\0\0\2C\0") },
		{ "exec", B("\0\0\0\3a\0b") }, { "subsystem", B("\0\0\0\1\0") },
		{ "signal", B("\0\0\0\1\0") }, { "exit-signal", B("\0\0\0\1\0\0\0\0\0\0\0\0\0\0") },
		{ "pty-req", B("\0\0\0\2x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	};
	struct request req;
	bool fits;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse(cases[i].type, span_of(cases[i].body, cases[i].n),
		    &req, &fits), PROTO_E_MESSAGE_FORMAT);
}

static void
test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		const struct golden *g = &goldens[i];
		struct request req;
		struct wr w = wr_of(buf, request_room(&g->req));
		struct rd r = rd_of(span_of(g->body, g->n));
		struct span type;
		bool fits;

		assert_int_equal(request_parse(&r, span_str(g->type), &req, &fits), PROTO_OK);
		assert_true(fits);
		assert_int_equal(req.kind, g->req.kind);
		assert_true(span_eq(req.name, g->req.name));
		assert_true(span_eq(req.value, g->req.value));
		assert_int_equal(req.columns, g->req.columns);
		assert_int_equal(req.rows, g->req.rows);
		assert_int_equal(req.width, g->req.width);
		assert_int_equal(req.height, g->req.height);
		assert_int_equal(req.number, g->req.number);
		assert_int_equal(req.core_dumped, g->req.core_dumped);

		request_write(&w, (i & 1) != 0, &g->req);
		assert_false(w.bad);
		r = rd_of(wr_span(&w));
		type = rd_text(&r, NAME_MAX_LEN);
		assert_true(span_is(type, g->type));
		assert_int_equal(rd_u8(&r), i & 1);
		assert_true(span_eq(rd_rest(&r), span_of(g->body, g->n)));
	}
}

/* Each maximum, and one more: well-formed, but not taken; and never written. */
static void
bound(enum request_kind kind, const char *type, size_t name, size_t value, bool fits_in)
{
	struct request req = { .kind = kind, .name = fill(name), .value = fill(value) };
	struct request got;
	struct wr w = wr_of(buf, request_room(&req));
	bool fits;

	if (kind == RQ_PTY)
		memset(filler, 0xa0, sizeof(filler));	/* parsing stops there */
	request_write(&w, true, &req);
	assert_int_equal(w.bad, !fits_in);
	w = wr_of(buf, sizeof(buf));
	if (kind != RQ_OTHER)
		wr_blob(&w, fill(name), SIZE_MAX);
	if (kind == RQ_PTY)
		for (int i = 0; i < 4; i++)
			wr_u32(&w, 7);
	if (kind == RQ_ENV || kind == RQ_PTY)
		wr_blob(&w, fill(value), SIZE_MAX);
	if (kind == RQ_OTHER)
		wr_raw(&w, fill(value));
	assert_false(w.bad);
	assert_int_equal(parse(type, wr_span(&w), &got, &fits), PROTO_OK);
	assert_int_equal(got.kind, kind);
	assert_int_equal(fits, fits_in);
	memset(filler, 'x', sizeof(filler));
}

static void
test_bounds(void **state)
{
	(void)state;
	bound(RQ_PTY, "pty-req", REQUEST_TERM_MAX, REQUEST_MODES_MAX, true);
	bound(RQ_PTY, "pty-req", REQUEST_TERM_MAX + 1, 0, false);
	bound(RQ_PTY, "pty-req", 1, REQUEST_MODES_MAX + 1, false);
	bound(RQ_ENV, "env", REQUEST_ENV_NAME_MAX, REQUEST_ENV_VALUE_MAX, true);
	bound(RQ_ENV, "env", REQUEST_ENV_NAME_MAX + 1, 1, false);
	bound(RQ_ENV, "env", 1, REQUEST_ENV_VALUE_MAX + 1, false);
	bound(RQ_EXEC, "exec", REQUEST_COMMAND_MAX, 0, true);
	bound(RQ_EXEC, "exec", REQUEST_COMMAND_MAX + 1, 0, false);
	bound(RQ_SUBSYSTEM, "subsystem", REQUEST_SUBSYSTEM_MAX, 0, true);
	bound(RQ_SUBSYSTEM, "subsystem", REQUEST_SUBSYSTEM_MAX + 1, 0, false);
	bound(RQ_SIGNAL, "signal", REQUEST_SIGNAL_MAX, 0, true);
	bound(RQ_SIGNAL, "signal", REQUEST_SIGNAL_MAX + 1, 0, false);
	bound(RQ_OTHER, "x", 1, REQUEST_OTHER_MAX, true);
	bound(RQ_OTHER, "x", 1, REQUEST_OTHER_MAX + 1, false);
}

static void
test_write_bounds(void **state)
{
	struct request other = { .kind = RQ_OTHER, .name = fill(NAME_MAX_LEN + 1) };
	struct request none = { .kind = (enum request_kind)77 };
	struct wr w = wr_of(buf, sizeof(buf));

	(void)state;
	request_write(&w, false, &other);
	assert_true(w.bad);
	other.name.n--;
	w = wr_of(buf, sizeof(buf));
	request_write(&w, false, &other);
	assert_false(w.bad);
	w = wr_of(buf, sizeof(buf));
	request_write(&w, false, &none);
	assert_true(w.bad);
}

/* How a program died is told although its text is long. */
static void
test_exit_signal_text(void **state)
{
	struct wr w = wr_of(buf, sizeof(buf));
	struct request req;
	bool fits;

	(void)state;
	wr_str(&w, "SEGV");
	wr_u8(&w, 0);
	wr_blob(&w, fill(REQUEST_TEXT_MAX + 1), SIZE_MAX);
	wr_str(&w, "en");
	assert_int_equal(parse("exit-signal", wr_span(&w), &req, &fits), PROTO_OK);
	assert_true(fits);
	assert_int_equal(req.value.n, REQUEST_TEXT_MAX);
	w = wr_of(buf, sizeof(buf));
	wr_blob(&w, fill(REQUEST_SIGNAL_MAX + 1), SIZE_MAX);
	wr_u8(&w, 0);
	wr_str(&w, "");
	wr_str(&w, "");
	assert_int_equal(parse("exit-signal", wr_span(&w), &req, &fits), PROTO_OK);
	assert_false(fits);
}

static void
test_modes(void **state)
{
	static const struct { const char *p; size_t n; bool ok; } cases[] = {
		{ "", 0, true }, { B("\0"), true }, { B("\0\0"), false },
		{ B("\1\0\0\0\3\0"), true }, { B("\1\0\0\0\3"), true },
		{ B("\1\0\0\0"), false }, { B("\1"), false },
		{ B("\1\0\0\0\3\237\0\0\0\1\0"), true },
		{ B("\1\0\0\0\3\237\0\0\0"), false },
		{ B("\1\0\0\0\3\240"), true }, { B("\240\1\2\3"), true },
		{ B("\377"), true }, { B("\1\0\0\0\3\0\1"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(request_modes_ok(span_of(cases[i].p, cases[i].n)),
		    cases[i].ok);
	/* and within the request */
	{
		struct wr w = wr_of(buf, sizeof(buf));
		struct request req;
		bool fits;

		wr_str(&w, "xterm");
		for (int i = 0; i < 4; i++)
			wr_u32(&w, 1);
		wr_blob(&w, span_of("\1\0\0", 3), SIZE_MAX);
		assert_int_equal(parse("pty-req", wr_span(&w), &req, &fits),
		    PROTO_E_MESSAGE_FORMAT);
	}
}

static void
test_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDENS; i++) {
		enum request_kind k = goldens[i].req.kind;

		assert_int_equal(request_is_told(k), k == RQ_WINDOW || k == RQ_SIGNAL ||
		    k == RQ_EXIT_STATUS || k == RQ_EXIT_SIGNAL);
	}
}

static int
set_up(void **state)
{
	(void)state;
	memset(filler, 'x', sizeof(filler));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncations), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_nul), cmocka_unit_test(test_golden),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_write_bounds),
		cmocka_unit_test(test_exit_signal_text), cmocka_unit_test(test_modes),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
