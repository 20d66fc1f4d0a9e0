/*
 * worker_backlog_test.c - what a descriptor did not take: in order, and never more
 * than it may hold.
 */
#include "tests/worker_lab.h"

static void
test_bytes_come_out_in_order(void **state)
{
	struct backlog b = { 0 };
	uint8_t in[1000];
	size_t put = 0, got = 0;

	(void)state;
	/* pieces of all sizes in, other sizes out, until the start has wandered far */
	for (size_t i = 1; i < 900; i++) {
		for (size_t j = 0; j < i; j++)
			in[j] = (uint8_t)((put + j) * 13);
		assert_true(worker_backlog_add(&b, 1024 * 1024, in, i));
		put += i;
		for (size_t j = 0; j < b.n / 3 * 2; j++)
			assert_int_equal(b.p[b.start + j], (uint8_t)((got + j) * 13));
		got += b.n / 3 * 2;
		worker_backlog_took(&b, b.n / 3 * 2);
		assert_int_equal(b.n, put - got);
	}
	assert_true(b.cap <= 64 * 1024);
	worker_backlog_took(&b, b.n);
	assert_int_equal(b.start, 0);
	worker_backlog_free(&b);
	assert_null(b.p);
}

static void
test_no_more_than_the_window(void **state)
{
	static const uint8_t bytes[100];
	struct backlog b = { 0 };

	(void)state;
	assert_true(worker_backlog_add(&b, 100, bytes, 60));
	assert_false(worker_backlog_add(&b, 100, bytes, 41));
	assert_false(worker_backlog_add(&b, 100, bytes, SIZE_MAX));
	assert_int_equal(b.n, 60);
	assert_true(worker_backlog_add(&b, 100, bytes, 40));
	assert_true(worker_backlog_add(&b, 100, bytes, 0));
	assert_false(worker_backlog_add(&b, 100, bytes, 1));
	worker_backlog_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_come_out_in_order),
		cmocka_unit_test(test_no_more_than_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
