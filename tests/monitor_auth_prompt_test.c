/*
 * monitor_auth_prompt_test.c - a server's logins in which a client is asked for more:
 * keyboard-interactive (RFC 4256), and a new password in the place of an expired one.
 */
#include "tests/auth_play.h"

/* ---- keyboard-interactive ---- */

static void
prompted(void)
{
	struct ipc_ASK_KBDINT ask;
	struct ipc_PROMPTS prompts;

	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str("pam"));
	PLAY_EXPECT(ASK_KBDINT, &ask);
	assert_true(span_is(ask.submethods, "pam"));
	PLAY_TELL(PROMPT_ANSWER, .conn = 1, .question = ask.question, .name = span_str("n"),
	    .instruction = span_str("i"), .prompts = span_of(two_prompts, sizeof(two_prompts)));
	PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
	assert_true(span_eq(prompts.prompts, span_of(two_prompts, sizeof(two_prompts))));
}

static void
test_kbdint(void **state)
{
	struct ipc_ASK_RESPONSES ask;
	struct ipc_PROMPTS prompts;

	(void)state;
	prompted();
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of(two_answers, sizeof(two_answers)));
	PLAY_EXPECT(ASK_RESPONSES, &ask);
	assert_true(span_is(ask.user, "bob"));
	assert_true(span_eq(ask.answers, span_of(two_answers, sizeof(two_answers))));
	/* a second round without prompts, then in */
	PLAY_TELL(PROMPT_ANSWER, .conn = 1, .question = ask.question,
	    .prompts = span_of("\0\0\0\0", 4));
	PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of("\0\0\0\0", 4));
	PLAY_EXPECT(ASK_RESPONSES, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "keyboard-interactive", false);
}

static void
test_kbdint_wrong_count(void **state)
{
	(void)state;
	prompted();
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of(one_answer, sizeof(one_answer)));
	expect_refusal(1, all);
}

static void
test_kbdint_started_anew(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_END_OF end;

	(void)state;
	prompted();
	send_password("bob", "p");		/* RFC 4252 5.1 */
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	/* the prompts are gone */
	PLAY_SAY(worker, AUTH_RESPONSES, .answers = span_of(two_answers, sizeof(two_answers)));
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

/* ---- a new password (RFC 4252 8) ---- */

static void
send_change(const char *user)
{
	PLAY_SAY(worker, AUTH_CHANGE, .user = span_str(user), .password = span_str("old"),
	    .new_password = span_str("new"));
}

/* The worker asks its peer for a new one. */
static void
expect_wanted(uint64_t question)
{
	struct ipc_CHANGE_WANTED wanted;

	PLAY_TELL(CHANGE_ANSWER, .conn = play.m->last_conn, .question = question,
	    .prompt = span_str("expired"));
	PLAY_WORKER_EXPECT(worker, CHANGE_WANTED, &wanted);
	assert_true(span_is(wanted.prompt, "expired"));
	PLAY_QUIET();
}

static void
test_change_that_was_asked_for(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ASK_CHANGE change;

	(void)state;
	send_password("bob", "old");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	expect_wanted(ask.question);
	send_change("bob");
	PLAY_EXPECT(ASK_CHANGE, &change);
	assert_true(span_is(change.user, "bob"));
	assert_true(span_is(change.password, "old"));
	assert_true(span_is(change.new_password, "new"));
	/* it does not please */
	expect_wanted(change.question);
	send_change("bob");
	PLAY_EXPECT(ASK_CHANGE, &change);
	answer(change.question, IPC_ACCEPTED, "");
	expect_login("bob", "password", false);
}

/* Nobody is asked: who looks at the old password alone would think that it was changed. */
static void
test_change_that_was_not_asked_for(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ASK_CHANGE change;

	(void)state;
	send_change("bob");
	expect_refusal(1, all);
	send_password("bob", "old");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	expect_wanted(ask.question);
	/* something else came between */
	send_password("bob", "other");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(2, all);
	send_change("bob");
	expect_refusal(3, all);
	/* a refusal of the change ends it too */
	send_password("bob", "old");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	expect_wanted(ask.question);
	send_change("bob");
	PLAY_EXPECT(ASK_CHANGE, &change);
	answer(change.question, IPC_REFUSED, "");
	expect_refusal(4, all);
	send_change("bob");
	expect_refusal(5, all);
}

static void
test_change_wanted_late_or_of_something_else(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ASK_KBDINT kbdint;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(CHANGE_ANSWER, .conn = 1, .question = ask.question + 1, .prompt = span_str("x"));
	PLAY_QUIET();
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	PLAY_TELL(CHANGE_ANSWER, .conn = 1, .question = ask.question, .prompt = span_str("x"));
	PLAY_QUIET();
	PLAY_WORKER_QUIET(worker);
	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str(""));
	PLAY_EXPECT(ASK_KBDINT, &kbdint);
	PLAY_TELL(CHANGE_ANSWER, .conn = 1, .question = kbdint.question, .prompt = span_str("x"));
	assert_true(play.m->over);
}

/* Prompts are no answer to a question about a password. */
static void
test_prompts_for_password(void **state)
{
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(PROMPT_ANSWER, .conn = 1, .question = ask.question,
	    .prompts = span_of(two_prompts, sizeof(two_prompts)));
	assert_true(play.m->over);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_kbdint), T(test_kbdint_wrong_count), T(test_kbdint_started_anew),
		T(test_prompts_for_password), T(test_change_that_was_asked_for),
		T(test_change_that_was_not_asked_for),
		T(test_change_wanted_late_or_of_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
