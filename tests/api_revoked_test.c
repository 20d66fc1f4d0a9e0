/* api_revoked_test.c - loading revoked keys: no file, no time, a bad one, a good one. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

static postern_context *ctx;

static int
setup(void **state)
{
	if (fake_setup(state) != 0)
		return -1;
	return postern_context_new(&ctx, NULL, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	return 0;
}

static void
what_is_no_file_loads_nothing(void **state)
{
	int file = fake_file("12345");

	(void)state;
	assert_int_equal(postern_context_load_revoked_keys(ctx, -1, SOON), -EBADF);
	ctx->pid++;
	assert_int_equal(postern_context_load_revoked_keys(ctx, file, SOON), POSTERN_EFORKED);
	ctx->pid--;
	assert_int_equal(fcntl(file, F_GETFD), -1);	/* taken all the same */
	assert_int_equal(ctx->n_calls, 0);
}

static void
an_answer_to_nobody_is_dropped(void **state)
{
	struct ipc_REVOKED_LOADED m = { .call = 4711, .ok = 1 };

	(void)state;
	api_revoked_loaded(ctx, &m);
	(void)kill(fake_pid, SIGSTOP);
	assert_int_equal(postern_context_load_revoked_keys(ctx, fake_file("1234"), 0),
	    POSTERN_ETIMEOUT);
	(void)kill(fake_pid, SIGCONT);
	/* the late answer is not the next one's */
	assert_int_equal(postern_context_load_revoked_keys(ctx, fake_file("1"), SOON), 0);
}

static void
the_verdict_is_told(void **state)
{
	int file = fake_file("good");

	(void)state;
	assert_int_equal(postern_context_load_revoked_keys(ctx, fake_file("bad"), SOON), -EINVAL);
	assert_int_equal(postern_context_load_revoked_keys(ctx, file, SOON), 0);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(ctx->n_calls, 0);
}

static void
a_dead_monitor_is_told(void **state)
{
	(void)state;
	(void)kill(fake_pid, SIGKILL);
	assert_int_equal(postern_context_load_revoked_keys(ctx, fake_file("1"), SOON),
	    POSTERN_EMONITOR);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_no_file_loads_nothing),
		CASE(an_answer_to_nobody_is_dropped),
		CASE(the_verdict_is_told),
		CASE(a_dead_monitor_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
