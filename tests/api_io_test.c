/* api_io_test.c - the relay: objects that misbehave first, then what it carries. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000, A_WHILE = 200, MUCH = 1024 * 1024, SLOW_MAX = 40 };
/* What is in flight at most: two buffers and what the kernel keeps of a pair. */
enum { BOUND = 1024 * 1024 };

enum way { WELL, TOO_MUCH, FAIL, NOTHING, BYTE_BY_BYTE, LATER, FREE_IT, NEST };
struct object {
	int fd;				/* of a pair; the test has the other end */
	enum way recv_way, send_way;
	int recvs, sends, closes, timeouts, timeout, depth, deepest;
	size_t received, sent;
	const char *name;
	int name_result, free_at_close;
};
static struct object o;
static postern_context *ctx;
static postern_transport *t;
static int far = -1, worker = -1;

static void
act(enum way way)
{
	struct postern_event ev = POSTERN_EVENT;

	if (way == FREE_IT) {
		postern_transport_free(t);
		t = NULL;
	}
	if (way == NEST)
		assert_int_equal(postern_next(ctx, &ev, 30), POSTERN_ETIMEOUT);
}

/* Gives what the way says instead of the length, or the length. */
static long
answer(enum way way, long n, size_t asked)
{
	switch (way) {
	case TOO_MUCH:
		return (long)asked + 1;
	case FAIL:
		return -ECONNRESET;
	case NOTHING:
		return 0;
	case LATER:
		return -EAGAIN;
	case WELL:
	case BYTE_BY_BYTE:
	case FREE_IT:
	case NEST:
		break;
	}
	return n;
}

static long
do_recv(void *user, void *data, size_t len)
{
	struct object *x = user;
	ssize_t n;

	x->recvs++;
	x->deepest = ++x->depth > x->deepest ? x->depth : x->deepest;
	act(x->recv_way);
	x->depth--;
	if (answer(x->recv_way, 1, len) != 1)
		return answer(x->recv_way, 1, len);
	n = recv(x->fd, data, x->recv_way == BYTE_BY_BYTE ? 1 : len, MSG_DONTWAIT);
	if (n > 0)
		x->received += (size_t)n;
	return n < 0 ? -errno : n;
}

static long
do_send(void *user, const void *data, size_t len)
{
	struct object *x = user;
	ssize_t n;

	x->sends++;
	act(x->send_way);
	if (answer(x->send_way, 1, len) != 1)
		return answer(x->send_way, 1, len);
	n = send(x->fd, data, x->send_way == BYTE_BY_BYTE ? 1 : len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		x->sent += (size_t)n;
	return n < 0 ? -errno : n;
}

static void
do_close(void *user)
{
	struct object *x = user;

	x->closes++;
	ipc_close_fds(&x->fd, 1);
	if (x->free_at_close)
		act(FREE_IT);
}

static int
do_set_timeout(void *user, int timeout_ms)
{
	struct object *x = user;

	x->timeouts++;
	x->timeout = timeout_ms;
	return x->recv_way == FAIL && x->send_way == FAIL ? -EPERM : 0;
}

static int
do_peername(void *user, char *out, size_t size)
{
	struct object *x = user;

	if (x->name == NULL)
		memset(out, 'x', size);		/* and no NUL */
	else
		(void)snprintf(out, size, "%s", x->name);
	return x->name_result;
}

static struct postern_io
io_of(void)
{
	struct postern_io io = POSTERN_IO;

	io.user = &o;
	io.send = do_send;
	io.recv = do_recv;
	io.close = do_close;
	io.set_timeout = do_set_timeout;
	io.peername = do_peername;
	return io;
}

static int
setup(void **state)
{
	int pair[2];

	t = NULL;
	worker = -1;
	if (fake_setup(state) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	o = (struct object){ .fd = pair[0], .name = "there", .timeout = -7 };
	far = pair[1];
	return postern_context_new(&ctx, NULL, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	ipc_close_fds(&o.fd, 1);
	ipc_close_fds(&far, 1);
	ipc_close_fds(&worker, 1);
	return 0;
}

static void
make(bool has_fd)
{
	struct postern_io io = io_of();

	io.fd = has_fd ? o.fd : -1;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), 0);
}

/* As a start does, but the worker's end of the pair is the test's. */
static void
begin(bool has_fd)
{
	make(has_fd);
	worker = t->net;
	t->net = -1;
	api_io_begin(t);
}

static void
turn(int ms)
{
	struct postern_event ev = POSTERN_EVENT;

	assert_int_equal(postern_next(ctx, &ev, ms), POSTERN_ETIMEOUT);
}

/* ---- tables that are none ---- */

static void
bad_tables_are_refused_and_left_alone(void **state)
{
	struct postern_io io = io_of();
	int before = fake_open_fds();

	(void)state;
	io.send = NULL;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), -EINVAL);
	io = io_of();
	io.recv = NULL;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), -EINVAL);
	io = io_of();
	io.size = sizeof(io.size) - 1;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), -EINVAL);
	io.size = sizeof(io.size);
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), -EINVAL);
	io = io_of();
	io.fd = 199;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), -EBADF);
	assert_int_equal(o.timeouts, 0);
	o.recv_way = o.send_way = FAIL;		/* set_timeout says no */
	io = io_of();
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), -EPERM);
	ctx->pid++;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), POSTERN_EFORKED);
	ctx->pid--;
	assert_null(t);
	assert_int_equal(o.closes, 0);
	assert_int_equal(fake_open_fds(), before);
}

static void
nothing_moves_before_the_start(void **state)
{
	int value = 1;

	(void)state;
	make(true);
	assert_int_equal(write(far, "early", 5), 5);
	turn(60);
	assert_int_equal(o.recvs + o.sends, 0);
	assert_int_equal(o.timeouts, 1);
	assert_int_equal(o.timeout, 0);
	/* what the worker gets is a socket of ours */
	assert_true(t->net >= 0 && t->net != o.fd);
	assert_true((fcntl(t->net, F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(recv(t->net, &value, 1, MSG_DONTWAIT), -1);
	postern_transport_free(t);
	assert_int_equal(o.closes, 1);
}

static void
names_are_one_harmless_line(void **state)
{
	(void)state;
	o.name = "here\x1b[2J\nthere";
	make(false);
	assert_string_equal(postern_transport_getpeername(t), "here?[2J there");
	assert_string_equal(postern_transport_getsockname(t), "");
	postern_transport_free(t);
	o.name = NULL;
	make(false);
	assert_int_equal(strlen(postern_transport_getpeername(t)), API_PEER_MAX - 1);
	postern_transport_free(t);
	o.name = "unsaid";
	o.name_result = -ENOTCONN;
	make(false);
	assert_string_equal(postern_transport_getpeername(t), "");
}

/* ---- objects that misbehave ---- */

static void
ends_once_and_tells_the_worker(enum way recv_way, enum way send_way)
{
	char buf[64];

	begin(true);
	o.recv_way = recv_way;
	o.send_way = send_way;
	assert_int_equal(write(far, "bytes", 5), 5);
	assert_int_equal(write(worker, "bytes", 5), 5);
	turn(60);
	assert_int_equal(o.closes, 1);
	assert_null(t->io);
	/* what had come may be there; then the end, or a reset */
	while (recv(worker, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(recv(worker, buf, sizeof(buf), MSG_DONTWAIT), 0);
	turn(30);
	postern_transport_free(t);
	assert_int_equal(o.closes, 1);
}

static void
one_that_received_more_than_asked_is_given_up(void **state)
{
	(void)state;
	ends_once_and_tells_the_worker(TOO_MUCH, WELL);
}

static void
one_that_sent_more_than_asked_is_given_up(void **state)
{
	(void)state;
	ends_once_and_tells_the_worker(WELL, TOO_MUCH);
}

static void
one_that_cannot_receive_is_given_up(void **state)
{
	(void)state;
	ends_once_and_tells_the_worker(FAIL, WELL);
}

static void
one_that_cannot_send_is_given_up(void **state)
{
	(void)state;
	ends_once_and_tells_the_worker(WELL, FAIL);
}

static void
one_that_is_closed_for_sending_is_given_up(void **state)
{
	(void)state;
	ends_once_and_tells_the_worker(WELL, NOTHING);
}

static void
one_whose_descriptor_lies_is_not_asked_for_ever(void **state)
{
	int always = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	struct postern_io io = io_of();

	(void)state;
	io.fd = always;
	o.recv_way = LATER;
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), 0);
	(void)close(always);		/* the application's copy is its own affair */
	api_io_begin(t);
	turn(A_WHILE);
	assert_in_range(o.recvs, 2, SLOW_MAX);
}

static void
a_transport_freed_within_recv_is_gone(void **state)
{
	(void)state;
	begin(true);
	o.recv_way = FREE_IT;
	assert_int_equal(write(far, "bytes", 5), 5);
	turn(60);
	assert_int_equal(o.closes, 1);
	assert_int_equal(o.recvs, 1);
}

static void
a_transport_freed_within_send_is_gone(void **state)
{
	(void)state;
	begin(true);
	o.send_way = FREE_IT;
	assert_int_equal(write(worker, "bytes", 5), 5);
	turn(60);
	assert_int_equal(o.closes, 1);
	assert_int_equal(o.sends, 1);
}

static void
a_transport_freed_within_close_is_gone(void **state)
{
	(void)state;
	begin(true);
	o.free_at_close = 1;
	ipc_close_fds(&worker, 1);
	turn(60);
	assert_int_equal(o.closes, 1);
	assert_null(t);
}

static void
calls_within_recv_do_not_enter_it_again(void **state)
{
	(void)state;
	begin(true);
	o.recv_way = NEST;
	assert_int_equal(write(far, "bytes", 5), 5);
	assert_int_equal(write(worker, "bytes", 5), 5);
	turn(60);
	assert_int_equal(o.deepest, 1);
	o.recv_way = WELL;
	turn(60);
	assert_int_equal(o.received, 5);
	assert_int_equal(o.sent, 5);
}

/* ---- the ends ---- */

static void
the_last_words_of_the_worker_go_out(void **state)
{
	char buf[16];

	(void)state;
	begin(true);
	assert_int_equal(write(worker, "goodbye", 7), 7);
	ipc_close_fds(&worker, 1);
	turn(60);
	assert_int_equal(o.closes, 1);
	assert_int_equal(recv(far, buf, sizeof(buf), 0), 7);
	assert_memory_equal(buf, "goodbye", 7);
	assert_int_equal(recv(far, buf, sizeof(buf), 0), 0);
}

static void
the_end_of_the_object_reaches_the_worker_and_its_answer_goes_out(void **state)
{
	char buf[16];

	(void)state;
	begin(true);
	assert_int_equal(write(far, "last", 4), 4);
	assert_int_equal(shutdown(far, SHUT_WR), 0);
	turn(60);
	assert_int_equal(recv(worker, buf, sizeof(buf), MSG_DONTWAIT), 4);
	assert_int_equal(recv(worker, buf, sizeof(buf), MSG_DONTWAIT), 0);
	assert_int_equal(o.closes, 0);
	assert_int_equal(write(worker, "answer", 6), 6);
	turn(60);
	assert_int_equal(recv(far, buf, sizeof(buf), MSG_DONTWAIT), 6);
	ipc_close_fds(&worker, 1);
	turn(60);
	assert_int_equal(o.closes, 1);
}

static void
a_worker_that_died_with_bytes_unread_ends_it_too(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(write(far, "bytes", 5), 5);
	turn(60);
	ipc_close_fds(&worker, 1);
	assert_int_equal(write(far, "more", 4), 4);
	turn(60);
	assert_int_equal(o.closes, 1);
}

static void
freeing_the_context_closes_once(void **state)
{
	(void)state;
	begin(true);
	postern_context_free(ctx);
	assert_int_equal(o.closes, 1);
	ctx = NULL;
}

static void
a_forked_child_does_not_close_the_parents_object(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	begin(true);
	pid = fork();
	if (pid == 0) {
		postern_transport_atfork(t);
		postern_context_atfork(ctx);
		_exit(o.closes);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(write(far, "bytes", 5), 5);
	turn(60);
	assert_int_equal(o.received, 5);
	assert_int_equal(o.closes, 0);
}

static void
closing_and_stopping_before_the_start_close_it(void **state)
{
	(void)state;
	make(true);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(o.closes, 1);
	postern_transport_free(t);
	make(false);
	postern_transport_stop(t);
	postern_transport_stop(t);
	assert_int_equal(o.closes, 2);
	postern_transport_free(t);
	assert_int_equal(o.closes, 2);
}

/* ---- what it carries ---- */

/* Both ways at once: every byte, in order. */
static void
carry(void)
{
	size_t to = 0, from = 0, back = 0, there = 0;
	uint8_t buf[4096];

	for (int i = 0; i < 20000 && (there < MUCH || back < MUCH); i++) {
		ssize_t n;

		for (size_t j = 0; j < sizeof(buf); j++)
			buf[j] = (uint8_t)((to + j) % 251);
		n = to < MUCH ? send(far, buf, MUCH - to < sizeof(buf) ? MUCH - to : sizeof(buf),
		    MSG_DONTWAIT) : -1;
		to += n > 0 ? (size_t)n : 0;
		for (size_t j = 0; j < sizeof(buf); j++)
			buf[j] = (uint8_t)((from + j) % 241);
		n = from < MUCH ? send(worker, buf, MUCH - from < sizeof(buf) ? MUCH - from :
		    sizeof(buf), MSG_DONTWAIT) : -1;
		from += n > 0 ? (size_t)n : 0;
		turn(0);
		n = recv(worker, buf, sizeof(buf), MSG_DONTWAIT);
		for (ssize_t j = 0; j < n; j++)
			assert_int_equal(buf[j], (there + (size_t)j) % 251);
		there += n > 0 ? (size_t)n : 0;
		n = recv(far, buf, sizeof(buf), MSG_DONTWAIT);
		for (ssize_t j = 0; j < n; j++)
			assert_int_equal(buf[j], (back + (size_t)j) % 241);
		back += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(there, MUCH);
	assert_int_equal(back, MUCH);
}

static void
every_byte_arrives_both_ways(void **state)
{
	(void)state;
	begin(true);
	carry();
}

static void
pieces_of_one_byte_arrive_too(void **state)
{
	char buf[64];

	(void)state;
	begin(true);
	o.recv_way = o.send_way = BYTE_BY_BYTE;
	assert_int_equal(write(far, "abcdefghijklmnop", 16), 16);
	assert_int_equal(write(worker, "ABCDEFGHIJKLMNOP", 16), 16);
	turn(60);
	assert_int_equal(recv(worker, buf, sizeof(buf), MSG_DONTWAIT), 16);
	assert_memory_equal(buf, "abcdefghijklmnop", 16);
	assert_int_equal(recv(far, buf, sizeof(buf), MSG_DONTWAIT), 16);
	assert_memory_equal(buf, "ABCDEFGHIJKLMNOP", 16);
}

static void
without_a_descriptor_it_looks_now_and_then_and_only_in_calls(void **state)
{
	char buf[16];

	(void)state;
	begin(false);
	assert_int_equal(write(far, "bytes", 5), 5);
	fake_pause(A_WHILE);
	assert_int_equal(o.recvs, 0);
	turn(A_WHILE);
	assert_int_equal(recv(worker, buf, sizeof(buf), MSG_DONTWAIT), 5);
	assert_in_range(o.recvs, 3, SLOW_MAX);
	/* and what the worker says goes out without delay */
	assert_int_equal(write(worker, "answer", 6), 6);
	turn(0);
	assert_int_equal(recv(far, buf, sizeof(buf), MSG_DONTWAIT), 6);
}

static void
a_file_for_a_descriptor_is_as_none(void **state)
{
	struct postern_io io = io_of();
	char buf[16];

	(void)state;
	io.fd = fake_file("not pollable");
	assert_int_equal(postern_transport_new_io(&t, ctx, &io), 0);
	(void)close(io.fd);
	worker = t->net;
	t->net = -1;
	api_io_begin(t);
	assert_int_equal(write(far, "bytes", 5), 5);
	turn(60);
	assert_int_equal(recv(worker, buf, sizeof(buf), MSG_DONTWAIT), 5);
}

/* Writes as much as is taken; how much that was. */
static size_t
fill(int fd)
{
	static const uint8_t zeros[8192];
	size_t sum = 0;
	ssize_t n = 0;

	for (int i = 0; i < 4000; i++) {
		n = send(fd, zeros, sizeof(zeros), MSG_DONTWAIT);
		sum += n > 0 ? (size_t)n : 0;
		turn(0);
	}
	return sum;
}

static size_t
drain(int fd)
{
	uint8_t buf[8192];
	size_t sum = 0;

	for (int i = 0; i < 4000; i++) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		sum += n > 0 ? (size_t)n : 0;
		turn(0);
	}
	return sum;
}

static void
a_worker_that_does_not_read_stops_the_object(void **state)
{
	size_t sum;
	int calls;

	(void)state;
	begin(true);
	sum = fill(far);
	assert_in_range(sum, 1, 2 * BOUND);
	assert_in_range(o.received, 1, BOUND);
	/* and nobody spins meanwhile */
	calls = o.recvs;
	turn(A_WHILE);
	assert_in_range(o.recvs - calls, 0, 2);
	assert_int_equal(drain(worker), sum);
}

static void
an_object_that_does_not_take_stops_the_worker(void **state)
{
	size_t sum;
	int calls;

	(void)state;
	begin(true);
	sum = fill(worker);
	assert_in_range(sum, 1, 2 * BOUND);
	calls = o.sends;
	turn(A_WHILE);
	assert_in_range(o.sends - calls, 0, 2);
	assert_int_equal(drain(far), sum);
}

/* ---- with a start ---- */

static void
the_start_begins_and_the_end_ends(void **state)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	(void)state;
	make(true);
	cfg.host = "host";
	assert_int_equal(write(far, "bytes", 5), 5);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_string_equal(fake_seen->peer, "there");
	for (int i = 0; i < 10 && o.received < 5; i++) {
		struct postern_event ev = POSTERN_EVENT;

		(void)!postern_next(ctx, &ev, 20);
	}
	assert_int_equal(o.received, 5);
	assert_int_equal(o.closes, 0);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(o.closes, 1);
}

/* As much as the pair holds was on its way when the worker ended. */
static void
all_that_was_said_goes_out_with_the_end(void **state)
{
	static const uint8_t zeros[4096];
	size_t said = 0;
	ssize_t n;

	(void)state;
	begin(true);
	while ((n = send(worker, zeros, sizeof(zeros), MSG_DONTWAIT)) > 0)
		said += (size_t)n;
	ipc_close_fds(&worker, 1);
	assert_in_range(said, 65536, BOUND);
	n = fcntl(far, F_SETFL, O_NONBLOCK);
	assert_int_equal(n, 0);
	ctx->depth++;		/* as within a turn: nothing is buried */
	api_io_finish(t);
	ctx->depth--;
	/* the far side's own buffer is as large: it took all but what it had no room for */
	assert_in_range(o.sent, said / 2, said);
	assert_int_equal(drain(far), said);
	assert_int_equal(o.closes, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bad_tables_are_refused_and_left_alone),
		CASE(nothing_moves_before_the_start),
		CASE(names_are_one_harmless_line),
		CASE(one_that_received_more_than_asked_is_given_up),
		CASE(one_that_sent_more_than_asked_is_given_up),
		CASE(one_that_cannot_receive_is_given_up),
		CASE(one_that_cannot_send_is_given_up),
		CASE(one_that_is_closed_for_sending_is_given_up),
		CASE(one_whose_descriptor_lies_is_not_asked_for_ever),
		CASE(a_transport_freed_within_recv_is_gone),
		CASE(a_transport_freed_within_send_is_gone),
		CASE(a_transport_freed_within_close_is_gone),
		CASE(calls_within_recv_do_not_enter_it_again),
		CASE(the_last_words_of_the_worker_go_out),
		CASE(the_end_of_the_object_reaches_the_worker_and_its_answer_goes_out),
		CASE(a_worker_that_died_with_bytes_unread_ends_it_too),
		CASE(freeing_the_context_closes_once),
		CASE(a_forked_child_does_not_close_the_parents_object),
		CASE(closing_and_stopping_before_the_start_close_it),
		CASE(every_byte_arrives_both_ways),
		CASE(pieces_of_one_byte_arrive_too),
		CASE(without_a_descriptor_it_looks_now_and_then_and_only_in_calls),
		CASE(a_file_for_a_descriptor_is_as_none),
		CASE(a_worker_that_does_not_read_stops_the_object),
		CASE(an_object_that_does_not_take_stops_the_worker),
		CASE(all_that_was_said_goes_out_with_the_end),
		CASE(the_start_begins_and_the_end_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
