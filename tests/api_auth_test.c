/* api_auth_test.c - logging in: the way from a password to prompts, changes of
 * passwords, answers that come later, and both steps in one call. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };
static postern_context *ctx;
static int peer;

static struct {
	int prompts, answer, changes, cancel, free_it, again;
	postern_transport *other;	/* logged in meanwhile, in calls that wait */
	size_t n_prompts;
	uint64_t question, call;
	const char *new_password, *replies[3];
	char prompt[64];
} seen;

static int
answer_prompts(void *user, postern_transport *t, uint64_t question,
    const struct postern_prompts *p, char **answers)
{
	(void)user;
	(void)t;
	seen.prompts++;
	seen.question = question;
	seen.n_prompts = p->n;
	for (size_t i = 0; i < p->n && i < 3; i++)
		answers[i] = seen.replies[i] != NULL ? strdup(seen.replies[i]) : NULL;
	return seen.answer;
}

static int
change_password(void *user, postern_transport *t, const char *prompt, char **new_password)
{
	(void)user;
	seen.changes++;
	if (seen.changes == 1)
		(void)snprintf(seen.prompt, sizeof(seen.prompt), "%s", prompt);
	if (seen.new_password != NULL)
		*new_password = strdup(seen.changes > 1 ? "good" : seen.new_password);
	if (seen.other != NULL)
		assert_int_equal(postern_transport_auth_password(seen.other, "robey", "good", 0, SOON),
		    0);
	if (seen.again)
		assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_ESTATE);
	if (seen.cancel)
		postern_cancel(ctx, seen.call);
	if (seen.free_it)
		postern_transport_free(t);
	return seen.answer;
}

static struct postern_client_config
client_of(const char *host)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = host;
	cfg.interface.answer_prompts = answer_prompts;
	cfg.interface.change_password = change_password;
	return cfg;
}

static postern_transport *
new_transport(void)
{
	postern_transport *t = NULL;
	int pair[2];

	if (peer > 0)
		(void)close(peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	return t;
}

static postern_transport *
started(void)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t = new_transport();

	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	return t;
}

static int
setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	if (fake_setup(state) != 0)
		return -1;
	return postern_context_new(&ctx, NULL, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	(void)close(peer);
	peer = -1;
	return 0;
}

static struct postern_event
done(uint64_t call)
{
	struct postern_event ev = POSTERN_EVENT;

	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, call);
	return ev;
}

/* ---- a password where only prompts are taken ---- */

static void
no_prompt_is_answered_with_nothing(void **state)
{
	postern_transport *t = started();

	(void)state;
	assert_int_equal(postern_transport_auth_password(t, "p--", "elsewhere", 0, SOON), 0);
	assert_string_equal(fake_seen->info, "");
	assert_int_equal(fake_seen->infos, 1);
	assert_int_equal(seen.prompts, 0);
}

static void
one_hidden_prompt_is_answered_with_the_password(void **state)
{
	postern_transport *t = started();

	(void)state;
	assert_int_equal(postern_transport_auth_password(t, "p-h", "elsewhere", 0, SOON), 0);
	assert_string_equal(fake_seen->info, "elsewhere");
	assert_int_equal(seen.prompts, 0);
	assert_true(postern_transport_is_authenticated(t));
}

/* Whatever comes back in the end is the first refusal. */
static void
gives_up_on(const char *user)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = started();

	fake_seen->info[0] = '\0';
	assert_int_equal(postern_transport_auth_password(t, user, "elsewhere", 0, SOON),
	    POSTERN_EAUTH);
	assert_string_equal(fake_seen->info, "");	/* the password was not given */
	assert_string_equal(postern_transport_auth_methods(t), "publickey,keyboard-interactive");
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EAUTH);
	assert_int_equal(seen.prompts, 0);
	postern_transport_free(t);
}

static void
anything_else_is_given_up_and_the_refusal_stands(void **state)
{
	(void)state;
	gives_up_on("p-hh");
	gives_up_on("p-e");
	gives_up_on("p-eh");
	assert_int_equal(fake_seen->infos, 3);
}

static void
it_is_tried_only_where_passwords_are_not_taken_and_prompts_are(void **state)
{
	postern_transport *t = started();

	(void)state;
	assert_int_equal(postern_transport_auth_password(t, "p-h", "elsewhere", POSTERN_NO_FALLBACK,
	    SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password(t, "p-h", "both", 0, SOON), POSTERN_EAUTH);
	assert_string_equal(postern_transport_auth_methods(t), "keyboard-interactive,password");
	assert_int_equal(postern_transport_auth_password(t, "p-h", "nowhere", 0, SOON),
	    POSTERN_EAUTH);
	assert_int_equal(fake_seen->infos, 0);
}

static void
the_password_is_not_given_for_ever(void **state)
{
	postern_transport *t = started();

	(void)state;
	/* a server that asks again and again for the same hidden word */
	assert_int_equal(postern_transport_auth_password(t, "p-h", "forever", 0, SOON),
	    POSTERN_EAUTH);
	assert_in_range(fake_seen->infos, 2, 20);
	assert_string_equal(postern_transport_auth_methods(t), "publickey,keyboard-interactive");
}

static void
one_login_at_a_time(void **state)
{
	uint64_t call;
	postern_transport *t = started();
	struct postern_event ev;

	(void)state;
	assert_int_equal(postern_transport_auth_password_async(t, "p-h", "elsewhere", 0, &call), 0);
	/* one at a time */
	assert_int_equal(postern_transport_auth_none_async(t, "robey", NULL), POSTERN_ESTATE);
	ev = done(call);
	assert_int_equal(ev.result, 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
	assert_string_equal(postern_transport_get_attempted_username(t), "p-h");
}

/* ---- changes ---- */

static void
a_new_password_is_asked_for_until_one_will_do(void **state)
{
	postern_transport *t = started();

	(void)state;
	seen.answer = POSTERN_ACCEPT;
	seen.new_password = "weak";
	seen.again = 1;
	assert_int_equal(postern_transport_auth_password(t, "robey", "change",
	    POSTERN_NO_FALLBACK, SOON), 0);
	assert_int_equal(seen.changes, 2);
	assert_string_equal(seen.prompt, "too old?[2J");
	assert_string_equal(fake_seen->changes, "change>weak change>good ");
}

/* A call that waits inside the callback of another that waits. */
static void
another_logs_in_while_a_new_password_is_asked_for(void **state)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t;

	(void)state;
	seen.other = started();
	seen.answer = POSTERN_ACCEPT;
	seen.new_password = "good";
	t = new_transport();
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "change", NULL, SOON), 0);
	assert_int_equal(seen.changes, 1);
	assert_true(postern_transport_is_authenticated(t));
	assert_true(postern_transport_is_authenticated(seen.other));
}

static void
no_new_password_is_a_refusal(void **state)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t = started();

	(void)state;
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	seen.answer = POSTERN_REFUSE;
	seen.new_password = "good";
	assert_int_equal(postern_transport_auth_password(t, "robey", "change", 0, SOON),
	    POSTERN_EAUTH);
	/* the methods are still those of the last real answer */
	assert_string_equal(postern_transport_auth_methods(t), "password,publickey");
	seen.answer = POSTERN_ACCEPT;
	seen.new_password = NULL;
	assert_int_equal(postern_transport_auth_password(t, "robey", "change", 0, SOON),
	    POSTERN_EAUTH);
	assert_int_equal(seen.changes, 2);
	cfg.interface.change_password = NULL;
	t = new_transport();
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "change", 0, SOON),
	    POSTERN_EAUTH);
	assert_string_equal(fake_seen->changes, "");
}

static void
a_callback_may_give_the_login_up_or_free_all(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = started();

	(void)state;
	seen.answer = POSTERN_ACCEPT;
	seen.new_password = "good";
	seen.cancel = 1;
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "change", 0, &seen.call),
	    0);
	assert_int_equal(postern_next(ctx, &ev, 100), POSTERN_ETIMEOUT);
	assert_int_equal(seen.changes, 1);
	assert_int_equal(t->n_calls, 0);
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	seen.cancel = 0;
	seen.free_it = 1;
	seen.changes = 0;
	assert_int_equal(postern_transport_auth_password(t, "robey", "change", 0, SOON),
	    POSTERN_ECLOSED);
	assert_string_equal(fake_seen->changes, "");
}

static void
a_password_is_kept_only_while_an_answer_may_want_it(void **state)
{
	postern_transport *t = started();
	struct api_call *call;
	uint64_t id;

	(void)state;
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "never", 0, &id), 0);
	call = api_call_find(&t->calls, API_CALL_LOGIN, id);
	assert_non_null(call);
	assert_string_equal(((struct api_login *)call->own)->password, "never");
	postern_cancel(ctx, id);
	postern_transport_free(t);
	t = started();
	t->client.change_password = NULL;
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "never",
	    POSTERN_NO_FALLBACK, &id), 0);
	call = api_call_find(&t->calls, API_CALL_LOGIN, id);
	assert_null(((struct api_login *)call->own)->password);
	postern_transport_free(t);
	t = started();
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "bad", 0, &id), 0);
	call = api_call_find(&t->calls, API_CALL_LOGIN, id);
	while (!call->is_done)
		assert_int_equal(api_loop_turn(ctx, 20), 0);
	/* complete, and not told yet */
	assert_null(((struct api_login *)call->own)->password);
	assert_int_equal(done(id).result, POSTERN_EAUTH);
}

/* ---- answers that come later ---- */

static const char *const right[] = { "blue", "1234" };

static void
prompts_can_be_answered_later(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = started();
	uint64_t call;

	(void)state;
	seen.answer = POSTERN_LATER;
	assert_int_equal(postern_transport_auth_interactive_async(t, "robey", NULL, &call), 0);
	while (seen.prompts == 0)
		assert_int_equal(postern_next(ctx, &ev, 20), POSTERN_ETIMEOUT);
	assert_int_equal(seen.n_prompts, 2);
	/* of another question, in other words, too few: not taken, and it stays open */
	assert_int_equal(postern_answer_interactive(t, seen.question + 1, right, 2), POSTERN_ESTATE);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_ACCEPT, NULL), -EINVAL);
	assert_int_equal(postern_answer_interactive(t, seen.question, right, 1), -EINVAL);
	assert_int_equal(postern_answer_interactive(t, seen.question, right, 2), 0);
	/* twice: too late */
	assert_int_equal(postern_answer_interactive(t, seen.question, right, 2), POSTERN_ESTATE);
	assert_int_equal(done(call).result, 0);
	assert_true(postern_transport_is_authenticated(t));
	assert_int_equal(fake_seen->infos, 1);
}

static void
prompts_can_be_given_up_later(void **state)
{
	postern_transport *t = started();
	struct postern_event ev = POSTERN_EVENT;
	uint64_t call, first;

	(void)state;
	seen.answer = POSTERN_LATER;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(postern_transport_auth_interactive_async(t, "robey", NULL, &call), 0);
		while (seen.prompts == i)
			assert_int_equal(postern_next(ctx, &ev, 20), POSTERN_ETIMEOUT);
		first = seen.question;
		assert_int_equal(i == 0 ? postern_answer_interactive(t, first, NULL, 0) :
		    postern_answer(t, first, POSTERN_REFUSE, NULL), 0);
		assert_int_equal(postern_answer_interactive(t, first, right, 2), POSTERN_ESTATE);
		assert_int_equal(done(call).result, POSTERN_EAUTH);
	}
	assert_int_equal(fake_seen->infos, 2);
}

static void
prompts_of_one_connection_are_not_answered_on_another(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = started(), *other;
	uint64_t call, others;

	(void)state;
	seen.answer = POSTERN_LATER;
	assert_int_equal(postern_transport_auth_interactive_async(t, "robey", NULL, &call), 0);
	while (seen.prompts == 0)
		assert_int_equal(postern_next(ctx, &ev, 20), POSTERN_ETIMEOUT);
	others = seen.question;
	other = started();
	assert_int_equal(postern_answer_interactive(other, others, right, 2), POSTERN_ESTATE);
	/* nor after the connection is gone */
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_answer_interactive(t, others, right, 2), POSTERN_ESTATE);
	assert_int_equal(done(call).result, POSTERN_ECLOSED);
	assert_false(postern_transport_is_authenticated(other));
	assert_int_equal(fake_seen->infos, 0);
}

static void
prompts_for_a_login_given_up_are_nobodys(void **state)
{
	postern_transport *t = started();
	uint64_t call;

	(void)state;
	assert_int_equal(postern_transport_auth_interactive_async(t, "robey", NULL, &call), 0);
	postern_cancel(ctx, call);
	/* the next waits until the server has refused the first, which nobody answered */
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	assert_int_equal(seen.prompts, 0);
	assert_int_equal(fake_seen->infos, 1);
}

static void
a_login_that_waits_is_too_late_when_the_one_given_up_succeeds(void **state)
{
	postern_transport *t = started();
	postern_key *k = NULL;
	uint64_t call, next;
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_transport_auth_publickey_async(t, "robey", k, &call), 0);
	postern_cancel(ctx, call);
	assert_int_equal(postern_transport_auth_password_async(t, "eve", "bad", 0, &next), 0);
	assert_int_equal(done(next).result, POSTERN_ESTATE);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
	assert_string_equal(postern_transport_get_username(t), "robey");
}

/* ---- the rest of the twins, and connect ---- */

static void
logging_in_in_the_background(void **state)
{
	postern_transport *t = started();
	postern_key *k = NULL;
	uint64_t call;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_transport_auth_none_async(t, "robey", &call), 0);
	assert_int_equal(done(call).result, POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "partial", 0, &call), 0);
	assert_int_equal(done(call).result, 1);
	assert_int_equal(postern_transport_probe_publickey_async(t, "robey", "ssh-ed25519", "GOOD", 4,
	    &call), 0);
	assert_int_equal(done(call).result, 0);
	assert_int_equal(postern_transport_auth_publickey_async(t, "robey", k, &call), 0);
	assert_int_equal(done(call).result, 0);
	assert_int_equal(postern_transport_auth_none_async(t, "robey", &call), POSTERN_ESTATE);
}

static void
connect_is_start_and_login(void **state)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t = new_transport();
	struct postern_event ev = POSTERN_EVENT;
	postern_key *k = NULL;
	uint64_t call;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "bad", k, SOON), 0);
	assert_true(postern_transport_is_authenticated(t));
	t = new_transport();
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "good", NULL, SOON), 0);
	assert_true(postern_transport_is_authenticated(t));
	/* refused: the connection is up, another way may be tried */
	t = new_transport();
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "bad", NULL, SOON),
	    POSTERN_EAUTH);
	assert_true(postern_transport_is_active(t));
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	/* without anything to log in with */
	t = new_transport();
	assert_int_equal(postern_transport_connect(t, &cfg, NULL, NULL, NULL, SOON), 0);
	assert_false(postern_transport_is_authenticated(t));
	assert_true(postern_transport_is_active(t));
	assert_int_equal(postern_transport_connect(new_transport(), &cfg, NULL, "pw", NULL, SOON),
	    -EINVAL);
	while (postern_next(ctx, &ev, 0) == 1)
		;
	t = new_transport();
	assert_int_equal(postern_transport_connect_async(t, &cfg, "robey", "good", NULL, &call), 0);
	assert_int_equal(done(call).result, 0);
	assert_true(postern_transport_is_authenticated(t));
	cfg.host = "nomatch";
	assert_int_equal(postern_transport_connect(new_transport(), &cfg, "robey", "good", NULL, SOON),
	    POSTERN_ENOMATCH);
	/* too late for keys: over; too late for the login: only that */
	cfg.host = "hang";
	t = new_transport();
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "good", NULL, 50),
	    POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(t->end_code, POSTERN_ETIMEOUT);
	cfg.host = "host";
	t = new_transport();
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "never", NULL, 100),
	    POSTERN_ETIMEOUT);
	assert_true(postern_transport_is_active(t));
}

static void
an_expected_key_is_asked_for_by_its_type(void **state)
{
	struct postern_client_config cfg = client_of(NULL);
	static const char ed[] = "\0\0\0\x0bssh-ed25519....", odd[] = "\0\0\0\x03odd";
	char all[256];

	(void)state;
	cfg.host = "host";
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON), 0);
	(void)snprintf(all, sizeof(all), "%s", fake_seen->hostkey_algs);
	cfg.host_key = ed;
	cfg.host_key_len = sizeof(ed) - 1;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON), 0);
	assert_string_equal(fake_seen->hostkey_algs, "ssh-ed25519");
	cfg.host_key = odd;
	cfg.host_key_len = sizeof(odd) - 1;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON), 0);
	assert_string_equal(fake_seen->hostkey_algs, all);
}

/* A key that no algorithm is allowed for is not the server's refusal: what it takes
 * besides stays known, and a certificate's key may do without it. */
static void
what_our_monitor_refuses_the_server_has_not(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = started();
	postern_key *k;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "wrong", POSTERN_NO_FALLBACK,
	    SOON), POSTERN_EAUTH);
	assert_string_equal(postern_transport_auth_methods(t), "password,publickey");
	assert_int_equal(postern_transport_auth_publickey(t, "unusable", k, SOON), POSTERN_EAUTH);
	assert_string_equal(postern_transport_auth_methods(t), "password,publickey");
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.side, POSTERN_LOCAL);
	assert_string_equal(e.text, "no signature algorithm");
	assert_int_equal(postern_key_add_certificate(k, "good", 4, SOON), 0);
	assert_int_equal(postern_transport_auth_publickey(t, "certified", k, SOON), 0);
	postern_key_free(k);
	postern_transport_free(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_prompt_is_answered_with_nothing),
		TEST(one_hidden_prompt_is_answered_with_the_password),
		TEST(anything_else_is_given_up_and_the_refusal_stands),
		TEST(it_is_tried_only_where_passwords_are_not_taken_and_prompts_are),
		TEST(the_password_is_not_given_for_ever),
		TEST(one_login_at_a_time),
		TEST(what_our_monitor_refuses_the_server_has_not),
		TEST(a_new_password_is_asked_for_until_one_will_do),
		TEST(another_logs_in_while_a_new_password_is_asked_for),
		TEST(no_new_password_is_a_refusal),
		TEST(a_callback_may_give_the_login_up_or_free_all),
		TEST(a_password_is_kept_only_while_an_answer_may_want_it),
		TEST(prompts_can_be_answered_later),
		TEST(prompts_can_be_given_up_later),
		TEST(prompts_of_one_connection_are_not_answered_on_another),
		TEST(prompts_for_a_login_given_up_are_nobodys),
		TEST(a_login_that_waits_is_too_late_when_the_one_given_up_succeeds),
		TEST(logging_in_in_the_background),
		TEST(connect_is_start_and_login),
		TEST(an_expected_key_is_asked_for_by_its_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
