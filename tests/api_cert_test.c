/* api_cert_test.c - certificates of our keys: a good one, a bad one, one too late. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

static int
add(const char *cert, int timeout_ms)
{
	return postern_context_add_server_certificate(ctx, cert, strlen(cert), timeout_ms);
}

static void
the_verdict_is_told(void **state)
{
	char large[9000];

	(void)state;
	assert_int_equal(add("good", SOON), 0);
	assert_int_equal(add("bad", SOON), -EINVAL);
	memset(large, 'x', sizeof(large));
	assert_true(postern_context_add_server_certificate(ctx, large, sizeof(large), SOON) < 0);
	assert_int_equal(add("good", SOON), 0);
	assert_int_equal(ctx->n_calls, 0);
}

static void
a_key_has_one_too(void **state)
{
	postern_key *key;

	(void)state;
	assert_int_equal(postern_key_load(&key, ctx, fake_file("user"), NULL, SOON), 0);
	assert_false(key->is_certified);
	assert_int_equal(postern_key_add_certificate(key, "bad", 3, SOON), -EINVAL);
	assert_false(key->is_certified);
	assert_int_equal(postern_key_add_certificate(key, "good", 4, SOON), 0);
	assert_true(key->is_certified);
	postern_key_free(key);
}

static postern_key *doomed;

static void
free_the_key(void *user, const struct postern_log_line *line)
{
	(void)user;
	(void)line;
	postern_key_free(doomed);
	doomed = NULL;
}

/* A line of the log comes within the wait, and so may whatever the program does then.
 * The sanitizers see what is read or written of the key afterwards. */
static void
a_key_may_be_freed_meanwhile(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	postern_context *other;

	(void)state;
	cfg.log = free_the_key;
	assert_int_equal(postern_context_new(&other, &cfg, SOON), 0);
	assert_int_equal(postern_key_load(&doomed, other, fake_file("user"), NULL, SOON), 0);
	assert_int_equal(postern_key_add_certificate(doomed, "bad", 3, SOON), -EINVAL);
	assert_null(doomed);
	assert_true(TAILQ_EMPTY(&other->keys));
	postern_context_free(other);
}

static void
not_once_a_server_has_started(void **state)
{
	(void)state;
	ctx->is_sealed = true;
	assert_int_equal(add("good", SOON), POSTERN_ESTATE);
	ctx->pid++;
	assert_int_equal(add("good", SOON), POSTERN_EFORKED);
	ctx->pid--;
}

static void
an_answer_to_nobody_is_dropped(void **state)
{
	struct ipc_CERT_ADDED m = { .call = 4711, .ok = 1 };

	(void)state;
	api_cert_added(ctx, &m);
	(void)kill(fake_pid, SIGSTOP);
	assert_int_equal(add("bad", 0), POSTERN_ETIMEOUT);
	(void)kill(fake_pid, SIGCONT);
	/* the late answer is not the next one's */
	assert_int_equal(add("good", SOON), 0);
}

static void
a_dead_monitor_is_told(void **state)
{
	(void)state;
	(void)kill(fake_pid, SIGKILL);
	assert_int_equal(add("good", SOON), POSTERN_EMONITOR);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_verdict_is_told),
		CASE(a_key_has_one_too),
		CASE(a_key_may_be_freed_meanwhile),
		CASE(not_once_a_server_has_started),
		CASE(an_answer_to_nobody_is_dropped),
		CASE(a_dead_monitor_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
