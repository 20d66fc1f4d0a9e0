/*
 * connection_alive_test.c - keepalive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/connection_fixture.h"

/* ---- keepalive ---- */

static struct fixture *
with_keepalive(void **state, uint32_t interval, uint32_t max)
{
	struct connection_config alive = config;

	(void)tear_down(state);
	alive.alive_interval_ms = interval;
	alive.alive_max = max;
	*state = fixture_new(&alive);
	return *state;
}

static const char keepalive_bytes[] = "\120\0\0\0\25" KEEPALIVE "\1";

static void
test_no_keepalive(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(connection_deadline(f->c), UINT64_MAX);
	assert_int_equal(connection_tick(f->c, UINT64_MAX - 1), PROTO_OK);
	EXPECT_NOTHING(f);
}

static void
test_silent_peer(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 3);
	uint64_t start = now;

	assert_int_equal(connection_deadline(f->c), start + 1000);
	assert_int_equal(connection_tick(f->c, start + 999), PROTO_OK);
	EXPECT_NOTHING(f);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(connection_tick(f->c, start + 1000 * i), PROTO_OK);
		expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
		assert_int_equal(connection_deadline(f->c), start + 1000 * (i + 1));
		assert_int_equal(connection_tick(f->c, start + 1000 * i), PROTO_OK);
		EXPECT_NOTHING(f);
	}
	assert_int_equal(connection_tick(f->c, start + 3999), PROTO_OK);
	assert_int_equal(connection_tick(f->c, start + 4000), PROTO_E_PEER_SILENT);
}

/* Any packet is a sign of life, of whatever layer. */
static void
test_living_peer(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 2);
	struct wr w;

	for (int i = 0; i < 20; i++) {
		now += 1000;
		assert_int_equal(connection_tick(f->c, now), PROTO_OK);
		expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
		now += 900;
		w = message(SSH_MSG_REQUEST_FAILURE);
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
		assert_int_equal(connection_deadline(f->c), now + 1000);
	}
	assert_int_equal(feed(f, &w), PROTO_E_UNREAD_REPLIES);
	for (int i = 0; i < 20; i++) {
		f->t->packets_in++;		/* IGNORE, say */
		now += 1000;
		assert_int_equal(connection_tick(f->c, now), PROTO_OK);
		assert_int_equal(connection_deadline(f->c), now + 1000);
		EXPECT_NOTHING(f);
	}
	/* the last sign of life is an old one */
	for (int i = 0; i < 2; i++)
		assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	assert_int_equal(fake_waiting(f->t), 2);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_E_PEER_SILENT);
}

/* The packets of the login say nothing about the time after it. */
static void
test_silent_from_the_start(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 1);
	struct connection_config alive = config;

	alive.alive_interval_ms = 1000;
	alive.alive_max = 1;
	connection_free(f->c);
	f->t->packets_in = 12;
	f->c = connection_new(f->t, &alive, now);
	assert_non_null(f->c);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_E_PEER_SILENT);
}

/* A peer that lives but never answers keepalives fills no queue of ours; and one
 * that answers them late answers each of them. */
static void
test_unanswered_keepalives(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 0);
	struct wr w;

	for (int i = 0; i < 1000; i++) {
		now += 1000;
		assert_int_equal(connection_tick(f->c, now), PROTO_OK);
		expect_sent(f, keepalive_bytes, sizeof(keepalive_bytes) - 1);
	}
	assert_int_equal(f->c->calls.n, 1);
	assert_int_equal(connection_global(f->c, 5, span_str("x"), fill(0)), PROTO_OK);
	now += 1000;
	assert_int_equal(connection_tick(f->c, now), PROTO_OK);
	fake_skip(f->t);
	for (int i = 0; i < 1000; i++) {
		w = message(i % 2 ? SSH_MSG_REQUEST_FAILURE : SSH_MSG_REQUEST_SUCCESS);
		assert_int_equal(feed(f, &w), PROTO_OK);
		assert_int_equal(ev.type, CE_NONE);
	}
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.call, 5);
	assert_int_equal(feed(f, &w), PROTO_OK);
	assert_int_equal(ev.type, CE_NONE);
	assert_int_equal(feed(f, &w), PROTO_E_UNREAD_REPLIES);
}

/* Nothing is sent where nothing can be, but silence still counts; unless it is we
 * who do not read. */
static void
test_keepalive_held(void **state)
{
	struct fixture *f = with_keepalive(state, 1000, 2);

	f->t->blocked = true;
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	f->t->blocked = false;
	f->t->no_room = true;
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	EXPECT_NOTHING(f);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_E_PEER_SILENT);

	f = with_keepalive(state, 1000, 2);
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		struct wr w = global_message("x", true);

		assert_int_equal(feed(f, &w), PROTO_OK);
	}
	for (int i = 0; i < 10; i++)
		assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	EXPECT_NOTHING(f);
}

/* At run time: from now on, whatever was missed before. */
static void
test_set_alive(void **state)
{
	struct fixture *f = *state;

	connection_set_alive(f->c, 1000, 2, now);
	assert_int_equal(connection_deadline(f->c), now + 1000);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	assert_int_equal(connection_tick(f->c, now += 1000), PROTO_OK);
	assert_int_equal(fake_waiting(f->t), 2);
	connection_set_alive(f->c, 500, 1, now);
	assert_int_equal(connection_deadline(f->c), now + 500);
	assert_int_equal(connection_tick(f->c, now += 500), PROTO_OK);
	assert_int_equal(connection_tick(f->c, now += 500), PROTO_E_PEER_SILENT);
	connection_set_alive(f->c, 0, 1, now);
	assert_int_equal(connection_deadline(f->c), UINT64_MAX);
	fake_skip(f->t);
	assert_int_equal(connection_tick(f->c, now + 1000000), PROTO_OK);
	EXPECT_NOTHING(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_no_keepalive), T(test_silent_peer), T(test_living_peer),
		T(test_silent_from_the_start), T(test_unanswered_keepalives),
		T(test_keepalive_held), T(test_set_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
