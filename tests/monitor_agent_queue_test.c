/*
 * monitor_agent_queue_test.c - whose turn it is with an agent that has the host key, by
 * what it is asked for; how long it may be asked; and the bounds of the lines.
 */
#include "tests/host_key_play.h"

static struct party many[20];

static struct agent *
it(void)
{
	return play.m->agents;
}

/* Logged in, so that its next key exchange is urgent. */
static void
live(struct party *p, uint64_t conn)
{
	begin(p, conn);
	ask(p);
	turn_of(p);
	play_log_in(p->w, conn);
}

static void
test_rekeys_go_first(void **state)
{
	(void)state;
	live(&many[0], 1);
	live(&many[1], 2);
	for (uint64_t i = 2; i < 6; i++) {
		begin(&many[i], i + 1);
		ask(&many[i]);
	}
	ask(&many[0]);
	ask(&many[1]);
	turn_of(&many[2]);		/* it was being asked already */
	turn_of(&many[0]);
	turn_of(&many[1]);
	for (size_t i = 3; i < 6; i++)
		turn_of(&many[i]);
	expect_silence();
}

/* Who has keys but is not logged in is a stranger still. */
static void
test_not_before_the_login(void **state)
{
	(void)state;
	begin(&many[0], 1);
	ask(&many[0]);
	turn_of(&many[0]);
	for (uint64_t i = 1; i < 4; i++) {
		begin(&many[i], i + 1);
		ask(&many[i]);
	}
	ask(&many[0]);
	for (size_t i = 1; i < 4; i++)
		turn_of(&many[i]);
	turn_of(&many[0]);
}

/* Those who are in may rekey without end: a stranger's turn comes all the same. */
static void
test_nobody_waits_for_ever(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < AGENT_RUN_MAX + 3; i++)
		live(&many[i], i + 1);
	begin(&first, 100);
	begin(&second, 101);
	ask(&many[0]);			/* under way */
	ask(&first);
	ask(&second);
	for (size_t i = 1; i < AGENT_RUN_MAX + 3; i++)
		ask(&many[i]);
	/* the one under way was of the run */
	for (size_t i = 0; i < AGENT_RUN_MAX; i++)
		turn_of(&many[i]);
	turn_of(&first);
	for (size_t i = AGENT_RUN_MAX; i < AGENT_RUN_MAX + 3; i++)
		turn_of(&many[i]);
	turn_of(&second);
	expect_silence();
}

/* Who is logged in has all his connections ask for proofs: a stranger's turn comes before
 * them, and theirs when nobody else waits. */
static void
test_proofs_come_last(void **state)
{
	static uint8_t body[AGENT_BODY_MAX];
	const char *word = "hostkeys-prove";

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		live(&many[i], i + 1);
	begin(&first, 100);
	begin(&second, 101);
	ask(&second);			/* under way */
	for (size_t i = 0; i < 3; i++)
		PLAY_SAY(many[i].w, PROVE, .key = own());
	ask(&first);
	ask(&many[3]);
	turn_of(&second);
	turn_of(&many[3]);
	turn_of(&first);
	for (size_t i = 0; i < 3; i++) {
		struct ipc_PROOF proof;
		ssize_t n = recv(agent, body, sizeof(body), MSG_DONTWAIT);

		assert_true(n > 0);
		assert_non_null(memmem(body, (size_t)n, word, strlen(word)));
		PLAY_WORKER_QUIET(many[i].w);
		say(span_of("\005", 1));
		PLAY_WORKER_EXPECT(many[i].w, PROOF, &proof);
	}
	expect_silence();
	assert_true(monitor_agent_queue_is_empty(it()));
}

/* One that never answers is given up with whoever asked, and who waits behind that one is
 * served by its next connection. */
static void
test_hung(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	expect_sign(own(), &first, 0);
	play_wait(MONITOR_SIGN_MS - 1);
	begin(&second, 2);
	ask(&second);
	expect_silence();
	play_wait(1);
	expect_agent_gone();
	expect_end(&first, "no signature of the host key: it did not come in time");
	expect_only_closed();
	close(agent);
	back();
	turn_of(&second);
	expect_silence();
}

static void
test_who_went_is_passed_over(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	for (uint64_t i = 0; i < 5; i++) {
		begin(&many[i], i + 1);
		ask(&many[i]);
	}
	for (uint64_t i = 2; i <= 4; i++) {
		PLAY_TELL(CLOSE, .conn = i, .now = 1);
		PLAY_ENDED(i, IPC_DONE_BY_US, &end);
	}
	turn_of(&many[0]);
	turn_of(&many[4]);
	expect_silence();
	assert_true(monitor_agent_queue_is_empty(it()));
}

/* ---- bounds, without as many connections ---- */

static struct signing
signing_of(const struct party *p)
{
	struct conn *c = monitor_conn_find(play.m, p->conn);

	return monitor_signer_waits(play.m, c->id, c->sign_question);
}

static void
test_full(void **state)
{
	struct signing stranger, urgent, gone, proof;

	(void)state;
	live(&first, 1);
	begin(&second, 2);
	begin(&many[0], 3);
	ask(&many[0]);			/* under way */
	ask(&second);
	ask(&first);
	stranger = signing_of(&second);
	urgent = signing_of(&first);
	gone = stranger;
	gone.question = 123456789;
	for (int i = 1; i < AGENT_REQUESTS_MAX; i++)
		assert_true(monitor_agent_queue_add(it(), &stranger));
	assert_false(monitor_agent_queue_add(it(), &stranger));
	assert_false(monitor_agent_queue_add(it(), &gone));
	/* strangers take none of the others' places */
	for (int i = 1; i < AGENT_REQUESTS_MAX; i++)
		assert_true(monitor_agent_queue_add(it(), &urgent));
	assert_false(monitor_agent_queue_add(it(), &urgent));
	assert_int_equal(it()->urgent.n, AGENT_REQUESTS_MAX);
	assert_int_equal(it()->others.n, AGENT_REQUESTS_MAX);
	/* nor do proofs */
	PLAY_SAY(first.w, PROVE, .key = own());
	proof = monitor_signer_waits(play.m, 1, monitor_conn_find(play.m, 1)->proof.question);
	assert_int_equal(proof.what, SIGNING_PROOF);
	for (int i = 1; i < AGENT_REQUESTS_MAX; i++)
		assert_true(monitor_agent_queue_add(it(), &proof));
	assert_false(monitor_agent_queue_add(it(), &proof));
	assert_int_equal(it()->proofs.n, AGENT_REQUESTS_MAX);
	/* whoever is told that there is too much to do is told so, and goes */
	begin(&many[1], 4);
	ask(&many[1]);
	expect_end(&many[1], "no signature of the host key: the agent has too much to do");
}

/* Their places are there for others as soon as one is wanted. */
static void
test_who_went_keeps_no_place(void **state)
{
	struct signing stranger, gone;

	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);			/* under way */
	ask(&second);
	stranger = gone = signing_of(&second);
	gone.question = 123456789;
	for (int i = 1; i < AGENT_REQUESTS_MAX - 1; i++)
		assert_true(monitor_agent_queue_add(it(), &gone));
	assert_true(monitor_agent_queue_add(it(), &stranger));
	assert_int_equal(it()->others.n, AGENT_REQUESTS_MAX);
	assert_true(monitor_agent_queue_add(it(), &stranger));
	assert_int_equal(it()->others.n, 3);
	turn_of(&first);
	turn_of(&second);
	expect_silence();		/* its other places are of no use to it */
	assert_true(monitor_agent_queue_is_empty(it()));
	/* the line is whole: it can be filled again */
	begin(&many[0], 3);
	begin(&many[1], 4);
	ask(&many[0]);
	ask(&many[1]);
	turn_of(&many[0]);
	turn_of(&many[1]);
}

/* The last in the line goes first of all: what is added next is not lost. */
static void
test_end_of_the_line(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		begin(&many[i], i + 1);
		ask(&many[i]);
	}
	PLAY_TELL(CLOSE, .conn = 3, .now = 1);
	PLAY_ENDED(3, IPC_DONE_BY_US, &end);
	it()->others.n = AGENT_REQUESTS_MAX;	/* so that it is swept */
	begin(&many[3], 4);
	ask(&many[3]);
	it()->others.n = 2;
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			turn_of(&many[i]);
	expect_silence();
}

int
main(void)
{
#define A(f) cmocka_unit_test_setup_teardown(f, agent_setup, teardown)
#define G(f) cmocka_unit_test_setup_teardown(f, again_setup, teardown)
	const struct CMUnitTest tests[] = {
		A(test_rekeys_go_first), A(test_not_before_the_login), A(test_nobody_waits_for_ever),
		A(test_proofs_come_last), G(test_hung), A(test_who_went_is_passed_over), A(test_full),
		A(test_who_went_keeps_no_place), A(test_end_of_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
