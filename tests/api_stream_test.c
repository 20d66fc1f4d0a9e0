/* api_stream_test.c - whole buffers and lines on sockets and pipes, with time limits. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "privsep/api.h"

enum { SOON = 5000, SHORT = 30, MUCH = 1 << 20 };

/* Sockets and pipes: the reader's end first. */
static int ends[2];

static int
with_sockets(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int
with_pipes(void **state)
{
	(void)state;
	return pipe(ends);
}

static int
teardown(void **state)
{
	(void)state;
	ipc_close_fds(ends, 2);
	return 0;
}

static void
put(const char *s)
{
	assert_int_equal(write(ends[1], s, strlen(s)), strlen(s));
}

/* What is left to read, without waiting. */
static const char *
rest(void)
{
	static char buf[256];
	ssize_t n;

	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	n = read(ends[0], buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
descriptors_that_are_none(void **state)
{
	char buf[4];
	size_t done = 9;

	(void)state;
	assert_int_equal(postern_send_all(-1, "x", 1, &done, SOON), -EBADF);
	assert_int_equal(done, 0);
	assert_int_equal(postern_recv_exactly(-1, buf, 1, &done, SOON), -EBADF);
	assert_int_equal(postern_read_line(-1, buf, sizeof(buf), &done, SOON), -EBADF);
	assert_int_equal(postern_read_line(ends[0], buf, 0, &done, SOON), -EINVAL);
	assert_int_equal(done, 0);
}

static void
exactly_so_many(void **state)
{
	char buf[8];
	size_t done;

	(void)state;
	put("abcdef");
	assert_int_equal(postern_recv_exactly(ends[0], buf, 4, &done, SOON), 0);
	assert_int_equal(done, 4);
	assert_memory_equal(buf, "abcd", 4);
	assert_int_equal(postern_recv_exactly(ends[0], buf, 0, &done, 0), 0);
	/* time is up: what came is told, and is not lost */
	assert_int_equal(postern_recv_exactly(ends[0], buf, 3, &done, SHORT), POSTERN_ETIMEOUT);
	assert_int_equal(done, 2);
	assert_memory_equal(buf, "ef", 2);
	assert_int_equal(postern_recv_exactly(ends[0], buf, 1, &done, 0), POSTERN_ETIMEOUT);
	put("g");
	ipc_close_fds(&ends[1], 1);
	assert_int_equal(postern_recv_exactly(ends[0], buf, 2, &done, SOON), POSTERN_ECLOSED);
	assert_int_equal(done, 1);
	assert_int_equal(postern_recv_exactly(ends[0], buf, 2, NULL, SOON), POSTERN_ECLOSED);
}

static void
lines(void **state)
{
	char out[8];
	size_t done;

	(void)state;
	put("one\ntwo\r\n\n\r\nfive\rx\nunfinished");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON), 3);
	assert_string_equal(out, "one");
	assert_int_equal(done, 3);
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), NULL, 0), 3);
	assert_string_equal(out, "two");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), NULL, 0), 0);
	assert_string_equal(out, "");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), NULL, 0), 0);
	assert_string_equal(out, "");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), NULL, 0), 6);
	assert_memory_equal(out, "five\rx", 7);
	/* no byte beyond was read */
	assert_string_equal(rest(), "unfinished");
}

static void
lines_that_do_not_fit(void **state)
{
	char out[5] = "....";
	size_t done;

	(void)state;
	put("abcd\nabcde\nabc\r\nabcd\r\n");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON), 4);
	assert_string_equal(out, "abcd");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON), -ERANGE);
	assert_int_equal(done, 5);
	assert_memory_equal(out, "abcde", 5);
	/* and the rest of that line is still there */
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON), 0);
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON), 3);
	assert_string_equal(out, "abc");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON), -ERANGE);
	assert_memory_equal(out, "abcd\r", 5);
	/* one place: for the newline, then for the NUL */
	assert_int_equal(postern_read_line(ends[0], out, 1, &done, SOON), 0);
	assert_string_equal(out, "");
}

static void
an_unfinished_line_is_told(void **state)
{
	char out[16];
	size_t done;

	(void)state;
	put("half");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SHORT),
	    POSTERN_ETIMEOUT);
	assert_int_equal(done, 4);
	assert_string_equal(out, "half");
	put("line");
	ipc_close_fds(&ends[1], 1);
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, SOON),
	    POSTERN_ECLOSED);
	assert_int_equal(done, 4);
	assert_string_equal(out, "line");
	assert_int_equal(postern_read_line(ends[0], out, sizeof(out), &done, 0),
	    POSTERN_ECLOSED);
	assert_int_equal(done, 0);
}

static void
a_writer_without_a_reader_is_not_killed(void **state)
{
	sigset_t before, after, pending;
	struct sigaction action;
	size_t done;

	(void)state;
	assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_DFL);	/* or it would prove nothing */
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
	ipc_close_fds(&ends[0], 1);
	assert_int_equal(postern_send_all(ends[1], "x", 1, &done, SOON), POSTERN_ECLOSED);
	assert_int_equal(done, 0);
	/* neither a signal nor a mask is left behind */
	assert_int_equal(sigpending(&pending), 0);
	assert_int_equal(sigismember(&pending, SIGPIPE), 0);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
	assert_int_equal(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
}

static void
a_signal_of_the_hosts_stays(void **state)
{
	const struct timespec now = { 0, 0 };
	sigset_t set, pending;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	assert_int_equal(raise(SIGPIPE), 0);
	ipc_close_fds(&ends[0], 1);
	assert_int_equal(postern_send_all(ends[1], "x", 1, NULL, SOON), POSTERN_ECLOSED);
	assert_int_equal(sigpending(&pending), 0);
	assert_int_equal(sigismember(&pending, SIGPIPE), 1);
	assert_int_equal(sigtimedwait(&set, NULL, &now), SIGPIPE);
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
}

static void
a_full_one_is_not_waited_for_without_end(void **state)
{
	uint8_t *data = calloc(1, MUCH);
	size_t done = 0;
	int flags = fcntl(ends[1], F_GETFL);

	(void)state;
	assert_non_null(data);
	assert_int_equal(postern_send_all(ends[1], data, MUCH, &done, SHORT), POSTERN_ETIMEOUT);
	assert_in_range(done, 4096, MUCH - 1);
	assert_int_equal(postern_send_all(ends[1], data, 1, &done, 0), POSTERN_ETIMEOUT);
	assert_int_equal(done, 0);
	/* flags are shared with others: not touched */
	assert_int_equal(fcntl(ends[1], F_GETFL), flags);
	free(data);
}

static void *
write_much(void *arg)
{
	uint8_t *data = arg;
	size_t done = 0;
	int r = postern_send_all(ends[1], data, MUCH, &done, SOON);

	return r == 0 && done == MUCH ? data : NULL;
}

static void
much_goes_through_in_order(void **state)
{
	uint8_t *in = malloc(MUCH), *out = malloc(MUCH);
	pthread_t thread;
	void *result;
	size_t done;

	(void)state;
	assert_non_null(in);
	assert_non_null(out);
	for (size_t i = 0; i < MUCH; i++)
		in[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);	/* either mode will do */
	assert_int_equal(pthread_create(&thread, NULL, write_much, in), 0);
	assert_int_equal(postern_recv_exactly(ends[0], out, MUCH, &done, SOON), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, in);
	assert_int_equal(done, MUCH);
	assert_memory_equal(in, out, MUCH);
	free(in);
	free(out);
}

static void
on_alarm(int number)
{
	(void)number;
}

static void
signals_of_the_host_do_not_shorten_it(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm }, before;
	char buf[1];

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(ualarm(5000, 5000), 0);
	assert_int_equal(postern_recv_exactly(ends[0], buf, 1, NULL, 60), POSTERN_ETIMEOUT);
	(void)ualarm(0, 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void
a_reset_is_no_good_end(void **state)
{
	char buf[4];

	(void)state;
	/* the other side went away with our bytes unread */
	assert_int_equal(write(ends[0], "x", 1), 1);
	ipc_close_fds(&ends[1], 1);
	assert_int_equal(postern_recv_exactly(ends[0], buf, 1, NULL, SOON), POSTERN_ECUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define S(f) cmocka_unit_test_setup_teardown(f, with_sockets, teardown)
#define B(f) S(f), cmocka_unit_test_setup_teardown(f, with_pipes, teardown)
		B(descriptors_that_are_none),
		B(exactly_so_many),
		B(lines),
		B(lines_that_do_not_fit),
		B(an_unfinished_line_is_told),
		B(a_writer_without_a_reader_is_not_killed),
		B(a_signal_of_the_hosts_stays),
		B(a_full_one_is_not_waited_for_without_end),
		B(much_goes_through_in_order),
		B(signals_of_the_host_do_not_shorten_it),
		S(a_reset_is_no_good_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
