/*
 * reply_test.c - the queue of requests that wait for their reply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/connection.h"
#include "proto/reply.h"

static struct channel one, two;

static void
test_bound(void **state)
{
	struct reply_queue q;

	(void)state;
	reply_queue_init(&q, 64);
	for (uint64_t i = 1; i <= 64; i++) {
		assert_false(reply_is_full(&q));
		assert_non_null(reply_add(&q, &one, i));
	}
	assert_true(reply_is_full(&q));
	assert_null(reply_add(&q, &one, 65));
	assert_int_equal(q.n, 64);
	reply_remove(&q, 63);
	assert_non_null(reply_add(&q, &one, 65));
	reply_queue_deinit(&q);
}

static void
test_order(void **state)
{
	struct reply_queue q;

	(void)state;
	reply_queue_init(&q, 64);
	assert_int_equal(reply_oldest(&q, NULL), REPLY_NONE);
	assert_int_equal(reply_latest(&q, NULL), REPLY_NONE);
	assert_non_null(reply_add(&q, &one, 1));
	assert_non_null(reply_add(&q, NULL, 2));
	assert_non_null(reply_add(&q, &two, 3));
	assert_non_null(reply_add(&q, &one, 4));
	assert_non_null(reply_add(&q, NULL, 0));
	assert_int_equal(reply_oldest(&q, &one), 0);
	assert_int_equal(reply_latest(&q, &one), 3);
	assert_int_equal(reply_oldest(&q, NULL), 1);
	assert_int_equal(reply_latest(&q, NULL), 4);
	assert_int_equal(reply_find(&q, 3), 2);
	assert_int_equal(reply_find(&q, 5), REPLY_NONE);
	/* what is called 0 can be found by nobody */
	assert_int_equal(reply_find(&q, 0), REPLY_NONE);
	reply_remove(&q, 0);
	assert_int_equal(reply_oldest(&q, &one), 2);
	reply_forget(&q, NULL);
	assert_int_equal(q.n, 2);
	assert_int_equal(q.at[0].id, 3);
	assert_int_equal(q.at[1].id, 4);
	reply_queue_deinit(&q);
}

static void
test_held_bytes(void **state)
{
	static const uint8_t bytes[REPLY_HELD_MAX + 1];
	struct reply_queue q;

	(void)state;
	reply_queue_init(&q, 64);
	for (uint64_t i = 1; i <= 4; i++)
		assert_non_null(reply_add(&q, i == 3 ? &one : NULL, i));
	assert_false(reply_note(&q, 0, true, span_of(bytes, REPLY_HELD_MAX + 1)));
	assert_false(q.at[0].known);
	assert_true(reply_note(&q, 0, true, span_of(bytes, REPLY_HELD_MAX - 1)));
	assert_false(reply_note(&q, 1, true, span_of(bytes, 2)));
	assert_true(reply_note(&q, 1, true, span_of(bytes, 1)));
	assert_true(reply_note(&q, 2, false, span_of(bytes, 0)));
	assert_false(reply_note(&q, 3, true, span_of(bytes, 1)));
	reply_remove(&q, 0);
	assert_int_equal(q.held, 1);
	assert_true(reply_note(&q, 2, true, span_of(bytes, 7)));
	assert_int_equal(q.held, 8);
	/* what is kept keeps its bytes */
	reply_forget(&q, &one);
	assert_int_equal(q.held, 8);
	assert_int_equal(q.n, 2);
	assert_int_equal(q.at[1].payload_len, 7);
	assert_memory_equal(q.at[1].payload, bytes, 7);
	reply_forget(&q, NULL);
	assert_int_equal(q.held, 0);
	assert_int_equal(q.n, 0);
	reply_queue_deinit(&q);
}

/* A queue that was long once keeps nothing of it, emptied in either way. */
static void
test_an_empty_queue_is_small(void **state)
{
	struct reply_queue q;

	(void)state;
	reply_queue_init(&q, 1024);
	for (int way = 0; way < 2; way++) {
		for (uint64_t i = 1; i <= 1024; i++)
			assert_non_null(reply_add(&q, &one, i));
		assert_null(reply_add(&q, &one, 1025));
		assert_true(q.cap >= 1024);
		for (uint64_t i = 1; way == 0 && i <= 1024; i++) {
			assert_int_equal(reply_oldest(&q, &one), 0);
			assert_int_equal(q.at[0].id, i);
			reply_remove(&q, 0);
		}
		if (way == 1)
			reply_forget(&q, &one);
		assert_int_equal(q.n, 0);
		assert_true(q.cap <= 8);
	}
	reply_queue_deinit(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound), cmocka_unit_test(test_order),
		cmocka_unit_test(test_held_bytes), cmocka_unit_test(test_an_empty_queue_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
