/* api_call_test.c - calls under way: many at once, answered out of order, twice, late
 * or by a liar; cancelled, closed and freed under them, also from callbacks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000, HUNDRED = 100 };
static postern_context *ctx;
static postern_transport *t;
static int peer;

static struct {
	int closed, close_result, close_in_callback, free_in_callback;
} seen;

static int
check_host_key(void *user, postern_transport *transport, uint64_t question,
    const struct postern_host_key *k)
{
	(void)user;
	(void)question;
	(void)k;
	if (seen.close_in_callback)
		seen.close_result = postern_transport_close(transport, SOON);
	if (seen.free_in_callback)
		postern_transport_free(transport);
	return POSTERN_ACCEPT;
}

static void
channel_closed(void *user, postern_channel *ch)
{
	(void)user;
	seen.closed++;
	if (seen.close_in_callback)
		seen.close_result = postern_transport_close(t, SOON);
	if (seen.free_in_callback)
		postern_transport_free(postern_channel_get_transport(ch));
}

static void
transport_closed(void *user, postern_transport *transport, const struct postern_exception *e)
{
	(void)user;
	(void)transport;
	(void)e;
	seen.closed++;
}

static postern_transport *
new_transport(void)
{
	postern_transport *made = NULL;
	int pair[2];

	if (peer > 0)
		(void)close(peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	assert_int_equal(postern_transport_new(&made, ctx, pair[0]), 0);
	return made;
}

static struct postern_client_config
client_of(const char *host)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = host;
	cfg.interface.check_host_key = check_host_key;
	cfg.interface.channel_closed = channel_closed;
	cfg.interface.transport_closed = transport_closed;
	return cfg;
}

static int
setup_started(void **state)
{
	struct postern_client_config cfg = client_of("host");

	memset(&seen, 0, sizeof(seen));
	if (fake_setup(state) != 0 || postern_context_new(&ctx, NULL, SOON) != 0)
		return -1;
	t = new_transport();
	return postern_transport_start_client(t, &cfg, SOON);
}

static int
setup(void **state)
{
	struct postern_event ev = POSTERN_EVENT;

	if (setup_started(state) != 0)
		return -1;
	if (postern_transport_auth_password(t, "robey", "good", 0, SOON) != 0)
		return -1;
	/* LOGIN */
	return postern_next(ctx, &ev, SOON) == 1 ? 0 : -1;
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

/* The next event, which must be the DONE of that call. */
static struct postern_event
done(uint64_t call)
{
	struct postern_event ev = POSTERN_EVENT;

	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, call);
	return ev;
}

static postern_message *
number(uint32_t n)
{
	postern_message *m = postern_message_new();

	assert_non_null(m);
	postern_message_add_int(m, n);
	return m;
}

static uint64_t
hold(uint32_t n)
{
	postern_message *m = number(n);
	uint64_t call = 0;

	assert_int_equal(postern_transport_global_request_async(t, "hold", m, &call), 0);
	postern_message_free(m);
	return call;
}

static void
nothing_more(void)
{
	struct postern_event ev = POSTERN_EVENT;

	assert_int_equal(postern_next(ctx, &ev, 50), POSTERN_ETIMEOUT);
}

/* ---- many at once ---- */

static void
a_hundred_outstanding_get_each_their_own(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	uint64_t calls[HUNDRED];
	bool told[HUNDRED] = { false };

	(void)state;
	for (uint32_t i = 0; i < HUNDRED; i++)
		calls[i] = hold(i);
	assert_int_equal(postern_transport_global_notice(t, "release", NULL), 0);
	/* last asked, first answered, and each answered twice with different words */
	for (int n = 0; n < HUNDRED; n++) {
		postern_message *m;
		uint32_t i;

		assert_int_equal(postern_next(ctx, &ev, SOON), 1);
		assert_int_equal(ev.type, POSTERN_EVENT_DONE);
		assert_ptr_equal(ev.transport, t);
		for (i = 0; i < HUNDRED && calls[i] != ev.call; i++)
			;
		assert_in_range(i, 0, HUNDRED - 1);
		assert_false(told[i]);
		told[i] = true;
		if (i % 2 != 0) {
			assert_int_equal(ev.result, POSTERN_EREFUSED);
			assert_int_equal(ev.data_len, 0);
			continue;
		}
		assert_int_equal(ev.result, 0);
		m = postern_message_of(ev.data, ev.data_len);
		assert_int_equal(postern_message_get_int(m), i);
		assert_true(postern_message_at_end(m));
		postern_message_free(m);
	}
	nothing_more();
	assert_int_equal(t->n_calls, 0);
}

static void
no_more_than_the_limit_are_outstanding(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	int answered = 0;

	(void)state;
	for (uint32_t i = 0; i < API_CALLS_MAX; i++) {
		(void)hold(i);
		/* the fake must have read before the link is full */
		if (i % 64 == 0)
			nothing_more();
	}
	assert_int_equal(postern_transport_global_request_async(t, "hold", NULL, NULL),
	    POSTERN_ELIMIT);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), POSTERN_ELIMIT);
	assert_int_equal(postern_transport_global_notice(t, "release", NULL), 0);
	while (postern_next(ctx, &ev, 200) == 1)
		answered += ev.type == POSTERN_EVENT_DONE;
	assert_int_equal(answered, API_CALLS_MAX);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
}

static void
who_asks_faster_than_is_read_is_told_so(void **state)
{
	static const uint8_t zeros[8192];
	postern_message *m = postern_message_of(zeros, sizeof(zeros));
	int r = 0, n = 0;

	(void)state;
	assert_int_equal(kill(fake_pid, SIGSTOP), 0);
	for (; r == 0 && n < API_CALLS_MAX; n++)
		r = postern_transport_global_request_async(t, "yes", m, NULL);
	assert_int_equal(kill(fake_pid, SIGCONT), 0);
	assert_int_equal(r, POSTERN_ELIMIT);
	/* and the connection lives */
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(t->end_code, 0);
	postern_message_free(m);
}

static void
a_reply_is_a_message(void **state)
{
	postern_message *m = number(77), *reply = NULL, *bad = number(1);
	uint64_t call;
	struct postern_event ev;

	(void)state;
	assert_int_equal(postern_transport_global_request(t, "echo", m, &reply, SOON), 0);
	assert_int_equal(postern_message_get_int(reply), 77);
	assert_true(postern_message_at_end(reply));
	postern_message_free(reply);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, &reply, SOON), 0);
	assert_true(postern_message_at_end(reply));	/* empty */
	postern_message_free(reply);
	reply = NULL;
	assert_int_equal(postern_transport_global_request(t, "no", NULL, &reply, SOON),
	    POSTERN_EREFUSED);
	assert_null(reply);
	/* what an event shows stays until the next */
	assert_int_equal(postern_transport_global_request_async(t, "echo", m, &call), 0);
	ev = done(call);
	postern_transport_free(t);
	assert_int_equal(ev.data_len, 4);
	assert_memory_equal(ev.data, "\0\0\0\x4d", 4);
	/* a bad message is never sent */
	(void)postern_message_get_int64(bad);
	t = new_transport();
	assert_int_equal(postern_transport_global_request(t, "echo", bad, NULL, SOON), -EINVAL);
	postern_message_free(bad);
	postern_message_free(m);
}

/* ---- late, twice, and lies ---- */

static void
a_worker_that_answers_what_it_was_not_asked_is_not_heard(void **state)
{
	postern_channel *ch = NULL;
	uint64_t open, hold_call, call;

	(void)state;
	assert_int_equal(postern_transport_open_channel_async(t, &ch, "never", NULL, NULL, 0, NULL,
	    &open), 0);
	hold_call = hold(1);
	assert_int_equal(postern_transport_global_request_async(t, "lies", NULL, &call), 0);
	/* all of it has been heard before the first is told */
	for (int i = 0; i < 60; i++)
		assert_int_equal(api_loop_turn(ctx, 5), 0);
	/* it can give its own answers wrongly, and says yes to "hold"... */
	assert_int_equal(done(hold_call).result, 0);
	/* ...what counts of two answers is the first... */
	assert_int_equal(done(call).result, POSTERN_EREFUSED);
	/* ...and no channel is open because of a number */
	assert_int_equal(ch->state, API_OPENING);
	nothing_more();
}

static void
a_call_that_was_given_up_leaves_nothing_behind(void **state)
{
	uint64_t call = hold(2);

	(void)state;
	assert_int_equal(postern_transport_global_request(t, "never", NULL, NULL, 50),
	    POSTERN_ETIMEOUT);
	assert_int_equal(t->n_calls, 1);
	postern_cancel(ctx, call);
	postern_cancel(ctx, call);
	postern_cancel(ctx, 0);
	assert_int_equal(t->n_calls, 0);
	assert_int_equal(postern_transport_global_notice(t, "release", NULL), 0);
	nothing_more();
	/* also when the answer is there, but not told */
	assert_int_equal(postern_transport_global_request_async(t, "yes", NULL, &call), 0);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	assert_int_equal(t->n_calls, 1);
	postern_cancel(ctx, call);
	nothing_more();
}

/* ---- the end of what a call waits for ---- */

static void
the_end_completes_all_before_it_is_told(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_channel *ch = NULL;
	uint64_t calls[3];

	(void)state;
	calls[0] = hold(1);
	assert_int_equal(postern_transport_open_channel_async(t, &ch, "never", NULL, NULL, 0, NULL,
	    &calls[1]), 0);
	assert_int_equal(postern_transport_renegotiate_keys_async(t, &calls[2]), 0);
	assert_int_equal(postern_transport_global_request(t, "end", NULL, NULL, SOON), POSTERN_ECUT);
	assert_int_equal(done(calls[2]).result, 0);	/* came before */
	assert_int_equal(done(calls[0]).result, POSTERN_ECUT);
	ev = done(calls[1]);
	assert_int_equal(ev.result, POSTERN_ECUT);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(ev.result, POSTERN_ECUT);
	nothing_more();
	postern_channel_free(ch);
	assert_int_equal(t->n_channels, 0);
}

static void
a_freed_transport_takes_its_calls_with_it(void **state)
{
	(void)state;
	(void)hold(1);
	/* one complete, and not told */
	assert_int_equal(postern_transport_global_request_async(t, "yes", NULL, NULL), 0);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	postern_transport_free(t);
	nothing_more();
}

static void
a_dead_monitor_completes_all(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	uint64_t call = hold(1), key;

	(void)state;
	assert_int_equal(kill(fake_pid, SIGSTOP), 0);
	assert_int_equal(postern_key_load_async(ctx, fake_file("key"), NULL, &key), 0);
	assert_int_equal(kill(fake_pid, SIGKILL), 0);
	ev = done(key);
	assert_int_equal(ev.result, POSTERN_EMONITOR);
	assert_null(ev.transport);
	assert_int_equal(done(call).result, POSTERN_EMONITOR);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(postern_next(ctx, &ev, SOON), POSTERN_EMONITOR);
	assert_int_equal(postern_key_load_async(ctx, fake_file("key"), NULL, NULL), POSTERN_EMONITOR);
}

/* ---- from inside callbacks ---- */

static void
closing_from_a_callback_ends_the_call_that_waits(void **state)
{
	struct postern_client_config cfg = client_of("unknown");
	postern_channel *ch = NULL;

	(void)state;
	/* of a start: the host key question closes it */
	seen.close_in_callback = 1;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_ECLOSED);
	assert_int_equal(seen.close_result, 0);
	assert_int_equal(seen.closed, 1);
	/* of a request on another channel */
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "true", SOON), 0);
	seen.close_result = 1;
	assert_int_equal(postern_transport_global_request(t, "never", NULL, NULL, SOON),
	    POSTERN_ECLOSED);
	assert_int_equal(seen.close_result, 0);
}

static void
freeing_from_a_callback_ends_the_call_that_waits(void **state)
{
	struct postern_client_config cfg = client_of("unknown");
	postern_channel *ch = NULL;
	uint64_t call;

	(void)state;
	seen.free_in_callback = 1;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_ECLOSED);
	assert_int_equal(postern_transport_connect(new_transport(), &cfg, "robey", "good", NULL,
	    SOON), POSTERN_ECLOSED);
	/* an async one has nobody left to tell */
	assert_int_equal(postern_transport_start_client_async(new_transport(), &cfg, &call), 0);
	nothing_more();
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "true", SOON), 0);
	assert_int_equal(postern_transport_global_request(t, "never", NULL, NULL, SOON),
	    POSTERN_ECLOSED);
	nothing_more();
}

/* ---- the twins ---- */

static void
opening_in_the_background(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	postern_channel *ch = NULL, *no = NULL;
	uint64_t call;
	char out[4] = "";

	(void)state;
	assert_int_equal(postern_transport_open_session_async(t, &ch, &call), 0);
	assert_non_null(ch);
	/* not yet */
	assert_int_equal(postern_channel_exec_command_async(ch, "true", NULL), POSTERN_ESTATE);
	ev = done(call);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(postern_channel_get_pty_async(ch, "xterm", 80, 24, 0, 0, NULL, 0, &call), 0);
	assert_int_equal(done(call).result, 0);
	assert_int_equal(postern_channel_get_pty_async(ch, "xterm", 81, 24, 0, 0, NULL, 0, &call), 0);
	assert_int_equal(done(call).result, POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_string_equal(e.text, "the peer refused a request");
	assert_int_equal(postern_channel_send_break_async(ch, 1, &call), 0);
	assert_int_equal(done(call).result, 0);
	assert_int_equal(postern_channel_invoke_subsystem_async(ch, "nothing", &call), 0);
	assert_int_equal(done(call).result, POSTERN_EREFUSED);
	assert_int_equal(postern_channel_exec_command_async(ch, "true", &call), 0);
	ev = done(call);
	assert_int_equal(ev.result, 0);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(postern_channel_invoke_shell_async(ch, &call), POSTERN_ESTATE);
	assert_int_equal(read(postern_channel_fd(ch), out, 3), 3);
	assert_string_equal(out, "out");
	assert_int_equal(postern_transport_open_channel_async(t, &no, "refused", NULL, NULL, 0, NULL,
	    &call), 0);
	do
		assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	while (ev.type != POSTERN_EVENT_DONE);
	assert_int_equal(ev.result, POSTERN_EREFUSED);
	assert_ptr_equal(ev.channel, no);
	postern_channel_free(no);
	postern_channel_free(ch);
	assert_int_equal(t->n_channels, 0);
}

static void
a_channel_freed_while_it_opens_is_closed_when_it_does(void **state)
{
	postern_channel *ch = NULL;

	(void)state;
	assert_int_equal(postern_transport_open_channel_async(t, &ch, "late", NULL, NULL, 0, NULL,
	    NULL), 0);
	assert_true(postern_channel_fd(ch) >= 0);
	postern_channel_free(ch);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	assert_int_equal(fake_seen->channel_closes, 1);
	assert_int_equal(t->n_channels, 0);
	nothing_more();
}

static void
closing_in_the_background(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	uint64_t calls[3];

	(void)state;
	assert_int_equal(postern_transport_close_async(t, &calls[0]), 0);
	assert_int_equal(postern_transport_close_async(t, &calls[1]), 0);
	assert_int_equal(done(calls[0]).result, 0);
	assert_int_equal(done(calls[1]).result, 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(fake_seen->closes, 1);
	/* over already: complete at once, and still an event */
	assert_int_equal(postern_transport_close_async(t, &calls[2]), 0);
	assert_int_equal(done(calls[2]).result, 0);
	nothing_more();
}

/* An answer of the fake monitor's comes after it has seen all that was sent before. */
static void
all_is_counted(void)
{
	postern_key *k = NULL;

	assert_int_equal(postern_key_load_memory(&k, ctx, "locked", 6, NULL, SOON), POSTERN_EKEY);
}

static void
keys_in_the_background_and_from_memory(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_key *k = NULL;
	uint64_t call;
	int before = fake_open_fds(), drops;

	(void)state;
	assert_int_equal(postern_key_load_async(ctx, fake_file("key"), NULL, &call), 0);
	ev = done(call);
	assert_int_equal(ev.result, 0);
	assert_string_equal(postern_key_algorithm(ev.key), "ssh-ed25519");
	postern_key_free(ev.key);
	assert_int_equal(postern_key_load_async(ctx, fake_file("locked"), NULL, &call), 0);
	ev = done(call);
	assert_int_equal(ev.result, POSTERN_EKEY);
	assert_null(ev.key);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_NEEDS_PASSPHRASE);
	assert_int_equal(postern_key_load_async(ctx, -1, NULL, &call), -EBADF);
	assert_int_equal(postern_key_load_memory(&k, ctx, "key", 3, NULL, SOON), 0);
	assert_string_equal(postern_key_comment(k), "a key");
	postern_key_free(k);
	assert_int_equal(postern_key_load_memory(&k, ctx, "locked", 6, NULL, SOON), POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_NEEDS_PASSPHRASE);
	assert_int_equal(postern_key_load_memory(&k, ctx, "locked", 6, "open", SOON), 0);
	postern_key_free(k);
	assert_int_equal(postern_key_load_memory(&k, ctx, "", 256 * 1024 + 1, NULL, SOON), -EMSGSIZE);
	all_is_counted();
	/* cancelled, whether it is loaded already or not: the monitor keeps no key of it */
	drops = fake_seen->drops;
	assert_int_equal(postern_key_load_async(ctx, fake_file("slow"), NULL, &call), 0);
	postern_cancel(ctx, call);
	nothing_more();
	assert_int_equal(postern_key_load_async(ctx, fake_file("key"), NULL, &call), 0);
	assert_int_equal(postern_key_load_memory(&k, ctx, "key", 3, NULL, SOON), 0);
	postern_cancel(ctx, call);
	postern_key_free(k);
	nothing_more();
	all_is_counted();
	assert_int_equal(fake_seen->drops, drops + 3);
	assert_int_equal(fake_open_fds(), before);
}

static void
a_server_starts_in_the_background(void **state)
{
	postern_transport *s;
	postern_server *server = NULL;
	uint64_t call;

	(void)state;
	postern_context_free(ctx);
	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_server_new(&server, ctx, NULL, NULL, SOON), 0);
	s = new_transport();
	assert_int_equal(postern_transport_start_server_async(s, server, &call), 0);
	assert_int_equal(postern_transport_start_server_async(s, server, NULL), POSTERN_ESTATE);
	assert_ptr_equal(done(call).transport, s);
	assert_true(postern_transport_is_active(s));
	assert_int_equal(s->n_calls, 0);
	nothing_more();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hundred_outstanding_get_each_their_own),
		TEST(no_more_than_the_limit_are_outstanding),
		TEST(who_asks_faster_than_is_read_is_told_so),
		TEST(a_reply_is_a_message),
		TEST(a_worker_that_answers_what_it_was_not_asked_is_not_heard),
		TEST(a_call_that_was_given_up_leaves_nothing_behind),
		TEST(the_end_completes_all_before_it_is_told),
		TEST(a_freed_transport_takes_its_calls_with_it),
		TEST(a_dead_monitor_completes_all),
		TEST(closing_from_a_callback_ends_the_call_that_waits),
		TEST(freeing_from_a_callback_ends_the_call_that_waits),
		TEST(opening_in_the_background),
		TEST(a_channel_freed_while_it_opens_is_closed_when_it_does),
		TEST(closing_in_the_background),
		TEST(keys_in_the_background_and_from_memory),
		TEST(a_server_starts_in_the_background),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
