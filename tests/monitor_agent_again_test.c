/*
 * monitor_agent_again_test.c - an agent with the host key whose connection has ended: when
 * another one is asked for, what waits meanwhile, and what comes of every answer.
 */
#include "tests/host_key_play.h"

static const char gone[] = "no signature of the host key: the agent is gone";

static void
expect_asked(void)
{
	expect_agent_gone();
	PLAY_QUIET();
}

static void
test_when_it_is_wanted(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	turn_of(&first);
	agent_dies();
	play_wait(60000);
	PLAY_QUIET();			/* not before */
	ask(&first);
	expect_asked();
	PLAY_WORKER_QUIET(first.w);
	back();
	turn_of(&first);
	begin(&second, 2);
	ask(&second);
	turn_of(&second);
	/* and a second time */
	play_wait(AGENT_PAUSE_MS);
	agent_dies();
	ask(&second);
	expect_asked();
	back();
	turn_of(&second);
}

static void
test_only_who_said_so(void **state)
{
	(void)state;
	agent_dies();
	begin(&first, 1);
	ask(&first);
	expect_end(&first, gone);
	play_wait(60000);
	begin(&first, 2);
	ask(&first);
	expect_end(&first, gone);
	PLAY_QUIET();
}

static void
test_one_question_for_all(void **state)
{
	(void)state;
	agent_dies();
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	expect_asked();
	ask(&second);
	PLAY_QUIET();
	back();
	turn_of(&first);
	turn_of(&second);
}

static void
test_away(void **state)
{
	(void)state;
	agent_dies();
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	ask(&second);
	expect_asked();
	PLAY_TELL(AGENT_AWAY, .call = AGENT_CALL);
	expect_end(&first, gone);
	expect_end(&second, gone);
	/* strangers make it want one: it asks once a second at most */
	begin(&first, 3);
	ask(&first);
	expect_end(&first, gone);
	PLAY_QUIET();
	play_wait(AGENT_PAUSE_MS - 1);
	begin(&first, 4);
	ask(&first);
	expect_end(&first, gone);
	PLAY_QUIET();
	play_wait(1);
	begin(&first, 5);
	ask(&first);
	expect_asked();
	back();
	turn_of(&first);
}

static void
test_no_answer(void **state)
{
	(void)state;
	agent_dies();
	begin(&first, 1);
	ask(&first);
	expect_asked();
	play_wait(AGENT_AGAIN_MS - 1);
	PLAY_WORKER_QUIET(first.w);
	play_wait(1);
	expect_end(&first, gone);
	back();				/* too late */
	expect_only_closed();
	PLAY_TELL(AGENT_AWAY, .call = AGENT_CALL);
	PLAY_TELL(AGENT_AWAY, .call = AGENT_CALL + 1);
	assert_false(play.m->over);
	close(agent);
	agent = -1;
	play_wait(AGENT_PAUSE_MS);
	begin(&first, 2);
	ask(&first);
	expect_asked();
}

static void
test_no_socket(void **state)
{
	(void)state;
	agent_dies();
	begin(&first, 1);
	ask(&first);
	expect_asked();
	back_with(open("/dev/null", O_RDWR | O_CLOEXEC));
	expect_end(&first, gone);
	play_wait(AGENT_PAUSE_MS);
	begin(&first, 2);
	ask(&first);
	expect_asked();
}

static void
test_nobody_asked(void **state)
{
	int old = agent;

	(void)state;
	back();
	expect_only_closed();
	close(agent);
	agent = old;
	begin(&first, 1);
	ask(&first);
	turn_of(&first);
}

/* What it was asked last fails, and no more than that. */
static void
test_dies_of_a_question(void **state)
{
	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	ask(&second);
	expect_sign(own(), &first, 0);
	agent_dies();
	PLAY_WORKER_QUIET(second.w);
	assert_int_equal(play.m->agents->others.n, 1);
	expect_agent_gone();
	expect_end(&first, gone);
	back();
	turn_of(&second);
}

/* One that dies of everything is not connected to without end. */
static void
test_dies_again_at_once(void **state)
{
	static struct party third;

	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	begin(&third, 3);
	ask(&first);
	ask(&second);
	ask(&third);
	agent_dies();
	expect_agent_gone();
	expect_end(&first, gone);
	back();
	expect_sign(own(), &second, 0);
	agent_dies();
	expect_end(&second, gone);
	expect_end(&third, gone);
	PLAY_QUIET();
}

/* It dies between the application's answer and ours to it. */
static void
test_is_gone_when_it_comes(void **state)
{
	int theirs;

	(void)state;
	agent_dies();
	begin(&first, 1);
	ask(&first);
	expect_asked();
	theirs = agent_socket();
	agent_dies();
	back_with(theirs);
	expect_end(&first, gone);
	PLAY_QUIET();
}

static void
test_who_waits_may_go(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	agent_dies();
	begin(&first, 1);
	ask(&first);
	expect_asked();
	PLAY_TELL(CLOSE, .conn = 1, .now = 1);
	PLAY_ENDED(1, IPC_DONE_BY_US, &end);
	back();
	expect_silence();
	begin(&second, 2);
	ask(&second);
	turn_of(&second);
}

static void
test_wrong_key_after_it(void **state)
{
	(void)state;
	agent_dies();
	begin(&first, 1);
	ask(&first);
	expect_asked();
	back();
	expect_sign(own(), &first, 0);
	say(response(play.user_seed, &first));
	expect_end(&first, "no signature of the host key: the signature is not the key's");
}

static void
test_flag(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	PLAY_TELL(AGENT, .call = AGENT_CALL + 1, .again = 2, .socket = pair[1]);
	close(pair[0]);
	close(pair[1]);
	assert_true(play.m->over);
}

int
main(void)
{
#define A(f) cmocka_unit_test_setup_teardown(f, agent_setup, teardown)
#define G(f) cmocka_unit_test_setup_teardown(f, again_setup, teardown)
	const struct CMUnitTest tests[] = {
		G(test_when_it_is_wanted), A(test_only_who_said_so), G(test_one_question_for_all),
		G(test_away), G(test_no_answer), G(test_no_socket), G(test_nobody_asked),
		G(test_dies_of_a_question), G(test_dies_again_at_once), G(test_is_gone_when_it_comes),
		G(test_who_waits_may_go), G(test_wrong_key_after_it), G(test_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
