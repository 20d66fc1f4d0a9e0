/* account_talk_test.c - rounds of prompts: packets, bad ones first, and a check that asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/session_link.h"

static struct account_prompts prompts;
static struct account_reply reply;

static void good(void)
{
	memset(&prompts, 0, sizeof(prompts));
	memset(&reply, 0, sizeof(reply));
	prompts.head.kind = ACCOUNT_PROMPTS;
	reply.head.kind = ACCOUNT_REPLY;
	prompts.n = reply.n = ACCOUNT_PROMPTS_MAX;
	(void)snprintf(prompts.text[0], sizeof(prompts.text[0]), "Password: ");
	(void)snprintf(reply.answer[0], sizeof(reply.answer[0]), "secret");
}

static void prompts_are_whole_or_refused(void **s)
{
	(void)s;
	good();
	assert_true(account_prompts_valid(&prompts, sizeof(prompts)));
	for (size_t n = 0; n < sizeof(prompts); n += 7)
		assert_false(account_prompts_valid(&prompts, n));
	assert_false(account_prompts_valid(&prompts, sizeof(prompts) + 1));
	prompts.n = ACCOUNT_PROMPTS_MAX + 1;
	assert_false(account_prompts_valid(&prompts, sizeof(prompts)));
	good();
	prompts.head.kind = ACCOUNT_ANSWER;
	assert_false(account_prompts_valid(&prompts, sizeof(prompts)));
	good();
	prompts.echo[ACCOUNT_PROMPTS_MAX - 1] = 2;
	assert_false(account_prompts_valid(&prompts, sizeof(prompts)));
	good();
	memset(prompts.text[3], 'x', sizeof(prompts.text[3]));
	assert_false(account_prompts_valid(&prompts, sizeof(prompts)));
	good();
	memset(prompts.instruction, 'x', sizeof(prompts.instruction));
	assert_false(account_prompts_valid(&prompts, sizeof(prompts)));
}

static void replies_are_whole_or_refused(void **s)
{
	(void)s;
	good();
	assert_true(account_reply_valid(&reply, sizeof(reply)));
	for (size_t n = 0; n < sizeof(reply); n += 7)
		assert_false(account_reply_valid(&reply, n));
	assert_false(account_reply_valid(&reply, sizeof(reply) + 1));
	reply.n = ACCOUNT_PROMPTS_MAX + 1;
	assert_false(account_reply_valid(&reply, sizeof(reply)));
	good();
	reply.head.kind = ACCOUNT_PROMPTS;
	assert_false(account_reply_valid(&reply, sizeof(reply)));
	good();
	memset(reply.answer[ACCOUNT_PROMPTS_MAX - 1], 'x', sizeof(reply.answer[0]));
	assert_false(account_reply_valid(&reply, sizeof(reply)));
}

static void a_check_asks_and_is_answered(void **s)
{
	struct account_prompts seen;
	struct account_reply got;
	int pair[2];

	(void)s;
	good();
	assert_int_equal(session_link_pair(pair), 0);
	/* the answer may be there before it waits */
	assert_int_equal(session_link_send(pair[1], &reply, sizeof(reply), NULL, 0), 0);
	assert_int_equal(account_talk_ask(&pair[0], &prompts, &got), 0);
	assert_string_equal(got.answer[0], "secret");
	assert_int_equal(session_link_recv(pair[1], &seen, sizeof(seen), NULL, NULL),
	    (ssize_t)sizeof(seen));
	assert_true(account_prompts_valid(&seen, sizeof(seen)));
	assert_string_equal(seen.text[0], "Password: ");
	/* nonsense, and the end of the other side */
	assert_int_equal(session_link_send(pair[1], &reply, sizeof(reply) - 1, NULL, 0), 0);
	assert_int_equal(account_talk_ask(&pair[0], &prompts, &got), -1);
	close(pair[1]);
	assert_int_equal(account_talk_ask(&pair[0], &prompts, &got), -1);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prompts_are_whole_or_refused),
		cmocka_unit_test(replies_are_whole_or_refused),
		cmocka_unit_test(a_check_asks_and_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
