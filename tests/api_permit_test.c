/* api_permit_test.c - what is taken away stays away. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "privsep/api.h"

static const unsigned all[] = { POSTERN_PERMIT_PTY, POSTERN_PERMIT_PROGRAMS,
	POSTERN_PERMIT_DIRECT, POSTERN_PERMIT_LISTEN, POSTERN_PERMIT_X11, POSTERN_PERMIT_AGENT,
	POSTERN_PERMIT_SESSIONS };
enum { N = sizeof(all) / sizeof(all[0]) };

static postern_context ctx;
static postern_transport transport, *t = &transport;

static int
setup(void **state)
{
	(void)state;
	ctx = (postern_context){ .pid = getpid() };
	transport = (postern_transport){ .ctx = &ctx };
	return 0;
}

static void
a_bit_that_is_not_known_is_refused_with_all_others(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_restrict(t, 128), -EINVAL);
	assert_int_equal(postern_transport_restrict(t, 128 | POSTERN_PERMIT_PTY), -EINVAL);
	assert_int_equal(postern_transport_restrict(t, ~0u), -EINVAL);
	ctx.pid++;
	assert_int_equal(postern_transport_restrict(t, POSTERN_PERMIT_PTY), POSTERN_EFORKED);
	ctx.pid--;
	for (size_t i = 0; i < N; i++)
		assert_true(api_transport_permits(t, all[i]));
}

static void
nothing_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(postern_transport_restrict(t, all[i]), 0);
		assert_int_equal(postern_transport_restrict(t, 0), 0);
		for (size_t j = 0; j < N; j++)
			assert_int_equal(api_transport_permits(t, all[j]), j > i);
	}
}

static void
each_request_has_its_permission(void **state)
{
	static const struct {
		int kind;
		unsigned by;	/* 0: none is needed */
	} rows[] = {
		{ POSTERN_REQ_PTY,           POSTERN_PERMIT_PTY },
		{ POSTERN_REQ_ENV,           0 },
		{ POSTERN_REQ_SHELL,         POSTERN_PERMIT_PROGRAMS },
		{ POSTERN_REQ_EXEC,          POSTERN_PERMIT_PROGRAMS },
		{ POSTERN_REQ_SUBSYSTEM,     POSTERN_PERMIT_PROGRAMS },
		{ POSTERN_REQ_WINDOW_CHANGE, 0 },
		{ POSTERN_REQ_SIGNAL,        0 },
		{ POSTERN_REQ_BREAK,         0 },
		{ POSTERN_REQ_OTHER,         0 },
		{ POSTERN_REQ_X11,           POSTERN_PERMIT_X11 },
		{ POSTERN_REQ_AGENT,         POSTERN_PERMIT_AGENT },
		{ POSTERN_REQ_XON_XOFF,      0 },
	};

	(void)state;
	for (size_t i = 0; i < N; i++) {
		transport.restricted = 0;
		assert_int_equal(postern_transport_restrict(t, all[i]), 0);
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			assert_int_equal(api_transport_permits_request(t, rows[j].kind),
			    rows[j].by != all[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_bit_that_is_not_known_is_refused_with_all_others, setup),
		cmocka_unit_test_setup(nothing_comes_back, setup),
		cmocka_unit_test_setup(each_request_has_its_permission, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
