/*
 * monitor_auth_test.c - a server's login: who gets in, who does not, that refusals are alike,
 * and how often and how fast one may ask.
 */
#include "tests/auth_play.h"

/* ---- none and password ---- */

static void
test_none_lists(void **state)
{
	struct ipc_VERDICT v;

	(void)state;
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	PLAY_QUIET();
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);	/* at once, and no failure */
	assert_true(span_is(v.methods, all));
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	expect_refusal(1, all);				/* the second is one */
}

static void
test_none_asked(void **state)
{
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	struct ipc_ASK_NONE ask;
	struct ipc_END_OF end;

	(void)state;
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	plan.ask_none = 1;
	connect_as(&plan);
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	PLAY_EXPECT(ASK_NONE, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "none", false);
}

static void
test_password(void **state)
{
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	assert_true(span_is(ask.user, "bob"));
	assert_true(span_is(ask.password, "wrong"));
	assert_int_equal(ask.proven.n, 0);
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	send_password("bob", "right");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_ACCEPTED, "");
	expect_login("bob", "password", false);
}

/* A slow application is not made slower: the delay counts from the request. */
static void
test_delay_from_request(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_VERDICT v;

	(void)state;
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	play_wait(60);
	answer(ask.question, IPC_REFUSED, "");
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	assert_int_equal(v.pk_ok, 0);
}

/* ---- refusals are alike ---- */

/* Ways to be refused, as a peer who tries names, passwords and keys meets them. */
enum refused { WRONG_PASSWORD, WRONG_KEY, WRONG_KEY_SIGNED, BAD_SIGNATURE, FOREIGN_ALGORITHM,
	WRONG_ANSWERS, WRONG_COUNT, NO_SUCH_METHOD, SECOND_NONE, REFUSED_WAYS };

static void
try(enum refused way, const char *user)
{
	struct ipc_ASK_KBDINT ask;
	struct ipc_PROMPTS prompts;

	switch (way) {
	case WRONG_PASSWORD:
		send_password(user, "wrong");
		break;
	case WRONG_KEY:
		send_key(user, span_of(play.host_blob, play.host_blob_len), span_of(NULL, 0));
		break;
	case WRONG_KEY_SIGNED:
		send_key(user, user_key(), signature_for(user));
		break;
	case BAD_SIGNATURE:
		send_key(user, user_key(), signature_for("somebody-else"));
		break;
	case FOREIGN_ALGORITHM:
		PLAY_SAY(worker, AUTH_PUBLICKEY, .user = span_str(user), .alg = span_str("ssh-foreign"),
		    .key = user_key());
		break;
	case NO_SUCH_METHOD:
		PLAY_SAY(worker, AUTH_OTHER, .user = span_str(user), .method = span_str("hostbased"));
		break;
	case SECOND_NONE:
		PLAY_SAY(worker, AUTH_NONE, .user = span_str(user));
		break;
	default:
		PLAY_SAY(worker, AUTH_KBDINT, .user = span_str(user));
		PLAY_EXPECT(ASK_KBDINT, &ask);
		PLAY_TELL(PROMPT_ANSWER, .conn = play.m->last_conn, .question = ask.question,
		    .name = span_str("n"), .instruction = span_str("i"), .prompts = span_of(two_prompts,
		    sizeof(two_prompts)));
		PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
		PLAY_SAY(worker, AUTH_RESPONSES, .answers = way == WRONG_COUNT ?
		    span_of(one_answer, sizeof(one_answer)) : span_of(two_answers, sizeof(two_answers)));
	}
}

/* The question that the application was asked, if it was; attempts are passed over. */
static uint64_t
question_of_application(void)
{
	struct ipc_ASK_PASSWORD password;
	struct ipc_ASK_PUBLICKEY key;
	struct ipc_ASK_RESPONSES answers;

	switch (play_next()) {
	case IPC_MSG_ASK_PASSWORD:
		PLAY_DECODE(ASK_PASSWORD, &password);
		return password.question;
	case IPC_MSG_ASK_PUBLICKEY:
		PLAY_DECODE(ASK_PUBLICKEY, &key);
		return key.question;
	case IPC_MSG_ASK_RESPONSES:
		PLAY_DECODE(ASK_RESPONSES, &answers);
		return answers.question;
	}
	return 0;
}

/* What the worker hears, and after how many milliseconds, whatever the way, the name and
 * the time that the application took: nothing in either can be told from the other. */
static void
test_refusals_are_alike(void **state)
{
	static const char *const users[] = { "bob", "no-such-user-anywhere" };
	static uint8_t first[IPC_MESSAGE_MAX];
	size_t first_len = 0;

	(void)state;
	for (uint64_t i = 0; i < 2; i++) {
		struct ipc_NEW plan = play_plan(2 + i, IPC_SERVER);
		struct ipc_VERDICT v;

		plan.tries_max = 1000;
		connect_as(&plan);
		PLAY_SAY(worker, AUTH_NONE, .user = span_str(users[i]));
		PLAY_WORKER_EXPECT(worker, VERDICT, &v);
		for (int n = 0; n < 3 * REFUSED_WAYS; n++) {
			static const int slow[] = { 0, 13, 49 };
			uint64_t question;
			int ms = 0;

			try((enum refused)(n % REFUSED_WAYS), users[i]);
			if ((question = question_of_application()) != 0) {
				ms = slow[n / REFUSED_WAYS];
				play_wait((uint64_t)ms);
				answer(question, IPC_REFUSED, "");
			}
			while (ms < 1000 && !play_take(worker->link)) {
				play_wait(1);
				ms++;
			}
			if (ms != 50)
				fail_msg("way %d of %s: after %d ms", n % REFUSED_WAYS, users[i], ms);
			if (first_len == 0)
				memcpy(first, play.rx, first_len = play.rx_len);
			assert_int_equal(play.rx_len, first_len);
			assert_memory_equal(play.rx, first, first_len);
			while (play_next() != 0)
				continue;
		}
	}
}

/* ---- limits ---- */

static void
test_tries_max(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_STOP stop;
	struct ipc_END_OF end;

	(void)state;
	for (unsigned i = 1; i < 6; i++) {
		send_password("bob", "wrong");
		PLAY_EXPECT(ASK_PASSWORD, &ask);
		answer(ask.question, IPC_REFUSED, "");
		expect_refusal(i, all);
	}
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	PLAY_EXPECT(ATTEMPT, &attempt);
	play_wait(50);
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	assert_true(span_is(stop.text, "too many authentication failures"));
	/* whatever it says now, nobody listens */
	PLAY_SAY(worker, AUTH_PASSWORD, .user = span_str("bob"), .password = span_str("right"));
	PLAY_QUIET();
	PLAY_SAY(worker, BYE, .outcome = IPC_DONE_BY_US, .side = IPC_LOCAL,
	    .phase = span_str("auth"), .text = span_str("told to"));
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_LOGIN_REFUSED, &end);
	assert_int_equal(end.is_claim, 0);
}

/* The application may set another limit, and a banner, once it knows the user. */
static void
test_terms(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ATTEMPT attempt;
	struct ipc_SHOW_BANNER show;
	struct ipc_STOP stop;

	(void)state;
	/* nobody has asked for a login: nothing to set, and no worker that waits */
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .tries_max = 1, .banner = span_str("early"));
	PLAY_WORKER_QUIET(worker);
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .tries_max = 2, .banner = span_str("hello"));
	PLAY_WORKER_EXPECT(worker, SHOW_BANNER, &show);
	assert_true(span_is(show.text, "hello"));
	answer(ask.question, IPC_REFUSED, "");
	/* the answer is on its way: no banner behind it */
	PLAY_TELL(LOGIN_TERMS, .conn = 1, .tries_max = 0, .banner = span_str("late"));
	expect_refusal(1, all);
	PLAY_WORKER_QUIET(worker);
	send_password("bob", "wrong");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question, IPC_REFUSED, "");
	PLAY_EXPECT(ATTEMPT, &attempt);
	play_wait(50);
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	assert_true(span_is(stop.text, "too many authentication failures"));
}

/* Probes and other things that are no failures are counted too. */
static void
test_requests_max(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_VERDICT v;
	struct ipc_STOP stop;

	(void)state;
	for (int i = 0; i < MONITOR_AUTH_REQUESTS_MAX; i++) {
		send_key("bob", user_key(), span_of(NULL, 0));
		if (i == 0) {
			PLAY_EXPECT(ASK_PUBLICKEY, &ask);
			answer(ask.question, IPC_ACCEPTED, "");
		}
		PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	}
	send_key("bob", user_key(), span_of(NULL, 0));
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
}

static void
test_user_change(void **state)
{
	struct ipc_VERDICT v;
	struct ipc_STOP stop;
	struct ipc_END_OF end;

	(void)state;
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("bob"));
	PLAY_WORKER_EXPECT(worker, VERDICT, &v);
	send_password("bobby", "right");
	PLAY_QUIET();
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_PROTOCOL, &end);
	assert_int_equal(end.side, IPC_PEER);
}

static void
test_method_not_offered(void **state)
{
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	struct ipc_END_OF end;

	(void)state;
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	plan.methods = span_str("publickey");
	connect_as(&plan);
	send_password("bob", "right");
	expect_refusal(1, "publickey");
	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("bob"), .submethods = span_str(""));
	expect_refusal(2, "publickey");
	PLAY_SAY(worker, AUTH_OTHER, .user = span_str("bob"), .method = span_str("hostbased"));
	expect_refusal(3, "publickey");
}

/* ---- answers ---- */

static void
test_late_answers(void **state)
{
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	answer(ask.question - 1, IPC_ACCEPTED, "");
	answer(ask.question + 1, IPC_ACCEPTED, "");
	answer(0, IPC_ACCEPTED, "");
	PLAY_QUIET();
	answer(ask.question, IPC_REFUSED, "");
	expect_refusal(1, all);
	answer(ask.question, IPC_ACCEPTED, "");		/* the second answer */
	PLAY_QUIET();
	assert_false(play.m->over);
	/* while no question is open, a wrong verdict is still a broken contract */
	answer(ask.question, 9, "");
	assert_true(play.m->over);
}

static void
test_answer_after_end(void **state)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_END_OF end;

	(void)state;
	send_password("bob", "x");
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	answer(ask.question, IPC_ACCEPTED, "");
	PLAY_QUIET();
	assert_false(play.m->over);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_none_lists), T(test_none_asked), T(test_password),
		T(test_delay_from_request), T(test_refusals_are_alike), T(test_tries_max),
		T(test_terms), T(test_requests_max), T(test_user_change),
		T(test_method_not_offered), T(test_late_answers), T(test_answer_after_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
