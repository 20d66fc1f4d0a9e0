/* api_channel_test.c - channels of a client: opening, descriptors, requests, the end
 * of a program, and a worker that lies. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000, MANY_TAKES = API_TAKES_MAX + 4 };
static postern_context *ctx;
static postern_transport *t;
static int peer, closed;

static void
channel_closed(void *user, postern_channel *ch)
{
	assert_null(user);
	assert_non_null(ch);
	closed++;
}

static int
begin(void **state, int keeps_quiet)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	int pair[2];

	closed = 0;
	cfg.host = "host";
	cfg.interface.channel_closed = channel_closed;
	if (fake_setup(state) != 0)
		return -1;
	fake_how.keeps_quiet = keeps_quiet;
	if (postern_context_new(&ctx, NULL, SOON) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	peer = pair[1];
	if (postern_transport_new(&t, ctx, pair[0]) != 0 ||
	    postern_transport_start_client(t, &cfg, SOON) != 0)
		return -1;
	return postern_transport_auth_password(t, "robey", "good", 0, SOON);
}

static int
setup(void **state)
{
	return begin(state, 0);
}

static int
setup_quiet(void **state)
{
	return begin(state, 1);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	(void)close(peer);
	return 0;
}

static postern_channel *
session(void)
{
	postern_channel *ch = NULL;

	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	return ch;
}

/* Reads to the end: what came. */
static const char *
output(int fd)
{
	static char buf[256];
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(buf) - 1 && (r = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
	return buf;
}

static void
opening_can_be_refused_or_too_late(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch = NULL;
	char kind[66];

	(void)state;
	memset(kind, 'k', sizeof(kind));
	kind[65] = '\0';
	assert_int_equal(postern_transport_open_channel(t, &ch, kind, NULL, NULL, 0, NULL, SOON), -EMSGSIZE);
	assert_int_equal(postern_transport_open_channel(t, &ch, "refused", NULL, NULL, 0, NULL, SOON),
	    POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_string_equal(e.text, "the peer refused a channel, resource shortage: full\\x0a");
	assert_int_equal(e.is_claim, 1);
	/* given up; when it opens after all, it is closed and not leaked */
	assert_int_equal(postern_transport_open_channel(t, &ch, "late", NULL, NULL, 0, NULL, 50),
	    POSTERN_ETIMEOUT);
	assert_null(ch);
	postern_channel_free(session());
	for (int i = 0; i < 50 && fake_seen->channel_closes < 2; i++)
		fake_pause(20);
	assert_int_equal(fake_seen->channel_closes, 2);
	assert_int_equal(t->n_channels, 0);
}

static void
exec_gives_output_status_and_end(void **state)
{
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = session();
	int err = postern_channel_stderr_fd(ch);

	(void)state;
	assert_true(err >= 0);
	assert_int_equal(postern_channel_stderr_fd(ch), err);
	assert_int_equal(fcntl(err, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(postern_channel_fd(ch), F_GETFD), FD_CLOEXEC);
	/* ours blocks, as an ordinary socket does */
	assert_int_equal(fcntl(postern_channel_fd(ch), F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(postern_channel_exec_command(ch, "ls", SOON), 0);
	assert_string_equal(output(postern_channel_fd(ch)), "out");
	assert_string_equal(output(err), "err");
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_int_equal(ex.status, 7);
	assert_string_equal(ex.signal, "");
	assert_int_equal(closed, 1);
	/* asked again, the same answer */
	ex.status = 0;
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, 0), 0);
	assert_int_equal(ex.status, 7);
	assert_int_equal(postern_channel_exec_command(ch, "ls", SOON), POSTERN_ECLOSED);
	postern_channel_free(ch);
	postern_channel_free(NULL);
}

static void
a_signal_is_told(void **state)
{
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = session();

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "signal", SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_int_equal(ex.status, -1);
	assert_string_equal(ex.signal, "TERM");
	assert_int_equal(ex.core_dumped, 1);
	assert_string_equal(ex.text, "gone\\x1b");
}

static void
a_cut_network_is_never_a_whole_output(void **state)
{
	struct postern_exit ex = POSTERN_EXIT;
	struct postern_event ev = POSTERN_EVENT;
	postern_channel *ch = session();

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "cut", SOON), 0);
	/* bytes, EOF and even a status have come: still cut */
	assert_string_equal(output(postern_channel_fd(ch)), "out");
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), POSTERN_ECUT);
	assert_int_equal(closed, 1);
	/* the order of events: login, exit, channel, end */
	assert_int_equal(postern_next(ctx, &ev, 0), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
	assert_int_equal(postern_next(ctx, &ev, 0), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_CHANNEL_CLOSED);
	assert_ptr_equal(ev.channel, ch);
	assert_ptr_equal(ev.transport, t);
	assert_int_equal(postern_next(ctx, &ev, 0), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(ev.result, POSTERN_ECUT);
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), POSTERN_ECUT);
}

static void
closed_without_a_status(void **state)
{
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = session();

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "nostatus", SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), POSTERN_ECLOSED);
	/* a connection that we end ourselves leaves no whole output either */
	ch = session();
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, 20), POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), POSTERN_ECUT);
}

static void
a_dead_worker_is_named(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = session();

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "worker", SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), POSTERN_EWORKER);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EWORKER);
	assert_int_equal(e.signal, SIGSYS);
}

static void
a_worker_that_lies_is_ended(void **state)
{
	static const char *const lies[] = { "lie", "reuse" };
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ch = session();
		assert_int_equal(postern_channel_exec_command(ch, lies[i], SOON), 0);
		assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), POSTERN_EWORKER);
		assert_int_equal(postern_transport_get_exception(t, &e), 0);
		assert_int_equal(e.code, POSTERN_EWORKER);
		assert_int_equal(fake_seen->closes_now, 1);
		if (i == 0) {
			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
	}
}

static void
unknown_serials_are_dropped(void **state)
{
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = session();

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "nosuch", SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_true(postern_transport_is_active(t));
}

static void
requests(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch = session();
	char *longest = malloc(32770);

	(void)state;
	assert_non_null(longest);
	memset(longest, 'c', 32769);
	longest[32769] = '\0';
	assert_int_equal(postern_channel_exec_command(ch, longest, SOON), -EMSGSIZE);
	free(longest);
	assert_int_equal(postern_channel_get_pty(ch, "xterm", 80, 24, 0, 0, NULL, 0, SOON), 0);
	assert_int_equal(postern_channel_get_pty(ch, "xterm", 81, 24, 0, 0, NULL, 0, SOON),
	    POSTERN_EREFUSED);
	assert_int_equal(postern_channel_set_environment_variable(ch, "LANG", "C"), 0);
	assert_int_equal(postern_channel_exec_command(ch, "fail", SOON), POSTERN_EREFUSED);
	/* refused: another may be tried on the same channel */
	assert_int_equal(postern_channel_invoke_subsystem(ch, "nothing", SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_channel_exec_command(ch, "never", 50), POSTERN_ETIMEOUT);
	assert_int_equal(postern_channel_invoke_subsystem(ch, "sftp", SOON), 0);
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), POSTERN_ESTATE);
	assert_int_equal(postern_channel_send_break(ch, 100, SOON), 0);
	assert_int_equal(postern_channel_resize_pty(ch, 100, 30, 0, 0), 0);
	assert_int_equal(postern_channel_send_signal(ch, "INT"), 0);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	assert_int_equal(postern_transport_global_request(t, "no", NULL, NULL, SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EREFUSED);
	assert_int_equal(postern_transport_send_ignore(t, 32769), -EMSGSIZE);
	assert_int_equal(postern_transport_send_ignore(t, 0), 0);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	assert_in_range(fake_seen->ignore, 10, 41);
	assert_string_equal(fake_seen->environment, "C");
	assert_int_equal(postern_channel_close(ch), 0);
}

static void
descriptors_are_chosen_before_the_program(void **state)
{
	postern_channel *ch = session();
	int fd, pair[2];

	(void)state;
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), 0);
	assert_true(postern_channel_fd(ch) >= 0);
	assert_int_equal(postern_channel_stderr_fd(ch), POSTERN_ESTATE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(postern_channel_take_socket(ch, pair[0]), POSTERN_ESTATE);
	assert_int_equal(fcntl(pair[0], F_GETFD), -1);	/* taken all the same */
	(void)close(pair[1]);
	/* taken: ours now, and only once */
	fd = postern_channel_take_fd(ch);
	assert_true(fd >= 0);
	assert_int_equal(postern_channel_take_fd(ch), POSTERN_ESTATE);
	assert_int_equal(postern_channel_fd(ch), POSTERN_ESTATE);
	postern_channel_free(ch);
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	(void)close(fd);
}

static void
channels_other_than_sessions_get_theirs_at_once(void **state)
{
	postern_channel *ch = NULL;

	(void)state;
	assert_int_equal(postern_transport_open_channel(t, &ch, "direct-tcpip", NULL, "x", 1, NULL, SOON), 0);
	assert_int_equal(ch->take, API_TAKE_SENT);
	assert_true(postern_channel_fd(ch) >= 0);
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), 0);
}

static void
hundreds_in_a_row_leave_nothing(void **state)
{
	struct postern_exit ex = POSTERN_EXIT;
	struct postern_event ev = POSTERN_EVENT;
	int before = fake_open_fds();

	(void)state;
	for (int i = 0; i < 300; i++) {
		postern_channel *ch = session();

		assert_int_equal(postern_channel_exec_command(ch, "ls", SOON), 0);
		assert_string_equal(output(postern_channel_fd(ch)), "out");
		assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
		postern_channel_free(ch);
	}
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(t->n_channels, 0);
	/* a freed handle has no events: only the login is told */
	assert_int_equal(postern_next(ctx, &ev, 0), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
}

static void
a_worker_that_does_not_read_is_ended_not_waited_for(void **state)
{
	int r = 0;

	(void)state;
	assert_int_equal(kill(fake_pid, SIGSTOP), 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = postern_transport_send_ignore(t, 100);
	/* its queue is bounded: it has been given up, in far less than a wait */
	for (int i = 0; i < 10 && !t->is_blamed; i++)
		(void)!postern_transport_send_ignore(t, 100);
	assert_true(t->is_blamed);
	assert_true(t->worker.out_count == 0);
	assert_int_equal(kill(fake_pid, SIGCONT), 0);
}

static void
a_reader_that_pauses_loses_nothing(void **state)
{
	(void)state;
	assert_int_equal(kill(fake_pid, SIGSTOP), 0);
	/* more than the socket holds, less than the queue */
	for (int i = 0; i < 500; i++)
		assert_int_equal(postern_transport_send_ignore(t, (unsigned)i + 1), 0);
	assert_true(t->worker.out_count > 0);
	assert_int_equal(kill(fake_pid, SIGCONT), 0);
	assert_int_equal(postern_transport_global_request(t, "yes", NULL, NULL, SOON), 0);
	assert_int_equal(fake_seen->ignore, 500);
	assert_int_equal(t->worker.out_count, 0);
}

/* Turns until the condition holds, at most a few seconds. */
#define UNTIL(condition) do { \
	for (int i_ = 0; i_ < 200 && !(condition); i_++) \
		assert_int_equal(api_loop_turn(ctx, 20), 0); \
	assert_true(condition); \
} while (0)

/* A while in which nothing is to be done: a loop with work would be ready. */
static void
assert_idle(void)
{
	struct pollfd p = { .fd = ctx->set, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 50), 0);
}

static void
order_taken(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(write(peer, "taken 1\n", 8), 8);
}

static void
descriptors_in_flight_are_counted(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch[MANY_TAKES];

	(void)state;
	for (size_t i = 0; i < MANY_TAKES; i++)
		ch[i] = session();
	for (size_t i = 0; i < MANY_TAKES; i++)
		assert_int_equal(api_descriptor_give(ch[i]), 0);
	assert_int_equal(postern_transport_send_ignore(t, 9), 0);
	UNTIL(fake_seen->takes == API_TAKES_MAX);
	assert_idle();
	assert_int_equal(fake_seen->takes, API_TAKES_MAX);
	assert_int_equal(fake_seen->ignore, 0);		/* what comes later waits too */
	assert_int_equal(t->worker.out_count, 5);
	/* one is received: one more goes */
	order_taken(1);
	UNTIL(fake_seen->takes == API_TAKES_MAX + 1);
	assert_idle();
	assert_int_equal(fake_seen->takes, API_TAKES_MAX + 1);
	order_taken(3);
	UNTIL(fake_seen->ignore == 9);
	assert_int_equal(fake_seen->takes_before_ignore, MANY_TAKES);
	assert_int_equal(t->worker.out_count, 0);
	assert_idle();
	order_taken(API_TAKES_MAX);
	UNTIL(t->worker.takes == 0);
	assert_false(t->is_blamed);
	/* for nothing: a worker that lies about it is ended */
	order_taken(1);
	UNTIL(t->is_blamed && t->is_over);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EWORKER);
	assert_int_equal(fake_seen->closes_now, 1);
}

/* Or one that opens and closes channels could have us hold any number of them. */
static void
descriptors_do_not_wait_for_a_channel_that_is_over(void **state)
{
	postern_channel *ch[MANY_TAKES];
	char line[40];
	int before;

	(void)state;
	for (size_t i = 0; i < MANY_TAKES; i++)
		ch[i] = session();
	for (size_t i = 0; i < MANY_TAKES; i++)
		assert_int_equal(api_descriptor_give(ch[i]), 0);
	assert_int_equal(postern_transport_send_ignore(t, 9), 0);
	UNTIL(fake_seen->takes == API_TAKES_MAX);
	assert_int_equal(t->worker.out_count, 5);
	before = fake_open_fds();
	/* the first that waits, one between, and the last */
	for (size_t i = API_TAKES_MAX; i < MANY_TAKES; i++) {
		if (i == API_TAKES_MAX + 1)
			continue;
		(void)snprintf(line, sizeof(line), "over %llu\n", (unsigned long long)ch[i]->id);
		assert_int_equal(write(peer, line, strlen(line)), (ssize_t)strlen(line));
		UNTIL(ch[i]->state == API_OVER);
	}
	assert_int_equal(fake_open_fds(), before - 3);
	assert_int_equal(t->worker.out_count, 2);
	assert_idle();
	/* the one between goes, and what comes behind it */
	order_taken(1);
	UNTIL(fake_seen->ignore == 9);
	assert_int_equal(fake_seen->takes_before_ignore, API_TAKES_MAX + 1);
	assert_int_equal(t->worker.out_count, 0);
	assert_false(t->is_blamed);
}

static void
a_worker_that_never_says_taken_is_ended(void **state)
{
	postern_channel *ch[MANY_TAKES];
	int before, r = 0;

	(void)state;
	for (size_t i = 0; i < MANY_TAKES; i++)
		ch[i] = session();
	before = fake_open_fds();
	for (size_t i = 0; i < MANY_TAKES; i++)
		assert_int_equal(api_descriptor_give(ch[i]), 0);
	/* our ends of all, and the worker's of those that wait */
	assert_int_equal(fake_open_fds(), before + MANY_TAKES + 4);
	UNTIL(fake_seen->takes == API_TAKES_MAX);	/* it reads, and says nothing */
	for (int i = 0; i < API_OUT_MAX + 10 && r == 0 && !t->is_blamed; i++)
		r = postern_transport_send_ignore(t, 100);
	assert_true(t->is_blamed);
	assert_int_equal(t->worker.out_count, 0);
	UNTIL(t->is_over);
	assert_int_equal(fake_seen->takes, API_TAKES_MAX);
	for (size_t i = 0; i < MANY_TAKES; i++)
		postern_channel_free(ch[i]);
	/* less: the worker's link has gone too */
	assert_int_equal(fake_open_fds(), before - 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opening_can_be_refused_or_too_late),
		TEST(exec_gives_output_status_and_end),
		TEST(a_signal_is_told),
		TEST(a_cut_network_is_never_a_whole_output),
		TEST(closed_without_a_status),
		TEST(a_dead_worker_is_named),
		TEST(a_worker_that_lies_is_ended),
		TEST(unknown_serials_are_dropped),
		TEST(requests),
		TEST(descriptors_are_chosen_before_the_program),
		TEST(channels_other_than_sessions_get_theirs_at_once),
		TEST(hundreds_in_a_row_leave_nothing),
		TEST(a_worker_that_does_not_read_is_ended_not_waited_for),
		TEST(a_reader_that_pauses_loses_nothing),
		cmocka_unit_test_setup_teardown(descriptors_in_flight_are_counted,
		    setup_quiet, teardown),
		cmocka_unit_test_setup_teardown(descriptors_do_not_wait_for_a_channel_that_is_over,
		    setup_quiet, teardown),
		cmocka_unit_test_setup_teardown(a_worker_that_never_says_taken_is_ended,
		    setup_quiet, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
