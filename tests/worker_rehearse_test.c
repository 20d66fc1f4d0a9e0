/*
 * worker_rehearse_test.c - the rehearsal itself: it ends, it succeeds, it leaves no
 * descriptor behind but those that its process ends with.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "privsep/worker.h"

static void
test_rehearsal_succeeds(void **state)
{
	(void)state;
	assert_int_equal(worker_rehearse_prepare(), 0);
	assert_int_equal(worker_rehearse(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rehearsal_succeeds),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
