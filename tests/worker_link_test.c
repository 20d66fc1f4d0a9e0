/*
 * worker_link_test.c - a worker whose monitor goes away, however early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "privsep/worker_tell.h"

static struct worker w;

/* A layout is retired while its zygote clones: the link is closed before READY can be
 * said.  A wait without end here would leave a process that nobody knows of. */
static void
the_monitor_is_gone_before_ready(void **state)
{
	struct ipc_READY ready = { .report = span_str("") };
	int sv[2];

	(void)state;
	assert_int_equal(ipc_pair(sv), 0);
	(void)close(sv[0]);
	worker_init(&w, sv[1]);
	assert_true(worker_tell_READY(&w, &ready));
	(void)alarm(5);
	assert_false(worker_turn(&w, -1));
	(void)alarm(0);
}

static void
the_monitor_is_gone_after_ready(void **state)
{
	struct ipc_READY ready = { .report = span_str("") };
	int sv[2];

	(void)state;
	assert_int_equal(ipc_pair(sv), 0);
	worker_init(&w, sv[1]);
	assert_true(worker_tell_READY(&w, &ready));
	(void)close(sv[0]);
	(void)alarm(5);
	assert_false(worker_turn(&w, -1));
	(void)alarm(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monitor_is_gone_before_ready),
		cmocka_unit_test(the_monitor_is_gone_after_ready),
	};

	return cmocka_run_group_tests_name("worker_link", tests, NULL, NULL);
}
