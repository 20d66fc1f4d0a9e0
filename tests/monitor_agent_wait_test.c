/*
 * monitor_agent_wait_test.c - logins that wait for an agent: for their turn with it, or for
 * another connection to it when the last has ended.
 */
#include "tests/agent_login_play.h"

static void
test_in_turn(void **state)
{
	struct play_proof second, third;
	struct play_child *w2 = play_client(2, &second), *w3 = play_client(3, &third);
	struct ipc_END_OF end;

	(void)state;
	asked();
	try(2);
	try(3);
	expect_silence();				/* one thing at a time */
	PLAY_TELL(CLOSE, .conn = 2, .now = 1);		/* it waits no longer */
	PLAY_ENDED(2, IPC_DONE_BY_US, &end);
	assert_true(w2->dead);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
	expect_bind(&third);
	say(span_of("\006", 1));
	expect_sign(&third);
	PLAY_TELL(CLOSE, .conn = 3, .now = 1);		/* while it is being signed for */
	PLAY_ENDED(3, IPC_DONE_BY_US, &end);
	assert_true(w3->dead);
	fails(worker);
	try(1);
	expect_silence();
	say(sign_response(seed, &third));		/* for nobody */
	expect_sign(&proof);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
}

/* All who wait are told when it goes. */
static void
test_dies_on_many(void **state)
{
	struct play_proof other;

	(void)state;
	asked();
	for (uint64_t i = 2; i < 10; i++) {
		(void)play_client(i, &other);
		try(i);
	}
	agent_dies();
	for (uint64_t i = 1; i < 10; i++)
		play_failed("the agent is gone");
	PLAY_QUIET();
}

static void
test_too_many_wait(void **state)
{
	(void)state;
	asked();
	/* as many as there can be, without as many connections */
	play.m->agents->others.n = AGENT_REQUESTS_MAX + 1;
	{
		struct play_proof other;

		(void)play_client(2, &other);
		try(2);
	}
	play_failed("the agent has too much to do");
	play.m->agents->others.n = 0;
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
}

static void
test_given_up(void **state)
{
	(void)state;
	asked();
	try(1);
	play_failed("given up");
	expect_silence();				/* the first is still being signed */
	say(sign_response(seed, &proof));
	PLAY_WORKER_QUIET(worker);
	expect_sign(&proof);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
}

/* ---- it is connected to again ---- */

/* Another connection, and perhaps another program: it is shown the server once more. */
static void
test_bound_again(void **state)
{
	struct span response;

	(void)state;
	asked();
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
	fails(worker);
	agent_dies();
	PLAY_QUIET();					/* not before it is wanted */
	try(1);
	expect_agent_gone();
	back();
	expect_bind(&proof);
	say(span_of("\006", 1));
	expect_sign(&proof);
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
}

/* What the user gave up while nobody was there is not asked for when somebody is. */
static void
test_given_up_while_gone(void **state)
{
	(void)state;
	agent_dies();
	try(1);
	expect_agent_gone();
	try(1);
	play_failed("given up");
	PLAY_QUIET();
	back();
	expect_bind(&proof);				/* the second try's */
	say(span_of("\006", 1));
	expect_sign(&proof);
	say(sign_response(seed, &proof));
	expect_request(worker, sign_response(seed, &proof));
	expect_silence();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define G(f) cmocka_unit_test_setup_teardown(f, again_setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_in_turn), T(test_dies_on_many), T(test_too_many_wait),
		T(test_given_up), G(test_bound_again), G(test_given_up_while_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
