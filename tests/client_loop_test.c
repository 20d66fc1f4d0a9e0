/*
 * client_loop_test.c - the client's loop with what lives in it: watches that end each
 * other, deadlines, bytes both ways with both half-closes, and connects that fail.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/client_forward_connect.h"
#include "apps/client_flow.h"

enum { TURNS_MAX = 10000 };

static struct { postern_context *context; struct client_loop loop; } house;

static int
set_up(void **state)
{
	(void)state;
	if (postern_context_new(&house.context, NULL, 20000) != 0)
		return -1;
	client_loop_init(&house.loop, house.context);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	client_loop_free(&house.loop);
	postern_context_free(house.context);
	return 0;
}

struct seen { int calls; short revents; struct client_watch *ends; int fd; };

static void
look(void *user, short revents)
{
	struct seen *s = user;

	s->calls++;
	s->revents = revents;
	client_watch_end(s->ends);
	s->ends = NULL;
}

static void
a_watch_ends_another_of_the_same_turn(void **state)
{
	struct seen one = { 0 }, two = { 0 };
	struct client_watch *a, *b;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	a = client_loop_watch(&house.loop, p[0], POLLIN, look, &one);
	b = client_loop_watch(&house.loop, p[0], POLLIN, look, &two);
	one.ends = b;
	two.ends = a;
	client_loop_turn(&house.loop);
	client_loop_turn(&house.loop);
	/* whoever was first went on alone */
	assert_int_equal(one.calls + two.calls, 2);
	assert_true(one.calls == 0 || two.calls == 0);
	client_watch_end(one.calls > 0 ? a : b);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
a_deadline_comes_once_and_without_a_descriptor(void **state)
{
	struct seen s = { .revents = 77 }, quiet = { 0 };
	struct client_watch *w = client_loop_watch(&house.loop, -1, 0, look, &s), *q;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	q = client_loop_watch(&house.loop, p[0], 0, look, &quiet);
	client_watch_deadline(w, 1);
	for (int i = 0; i < TURNS_MAX && s.calls == 0; i++)
		client_loop_turn(&house.loop);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.revents, 0);
	client_watch_events(q, POLLIN);
	client_loop_turn(&house.loop);
	assert_int_equal(s.calls, 1);
	assert_int_equal(quiet.calls, 1);
	client_watch_end(w);
	client_watch_end(q);
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
pair(int *a, int *b)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
	*a = s[0];
	*b = s[1];
}

/* Turns until something can be read there; how much. */
static ssize_t
await(int fd, char *out, size_t size)
{
	ssize_t n = -1;

	for (int i = 0; i < TURNS_MAX; i++) {
		struct client_watch *w;
		struct seen s = { 0 };

		if ((n = read(fd, out, size)) >= 0 || errno != EAGAIN)
			break;
		/* or the turn might wait for ever */
		w = client_loop_watch(&house.loop, -1, 0, look, &s);
		client_watch_deadline(w, 10);
		client_loop_turn(&house.loop);
		client_watch_end(w);
	}
	return n;
}

static void
between_two_sockets(void **state)
{
	char text[64];
	int near, a, b, far;

	(void)state;
	pair(&near, &a);
	pair(&b, &far);
	client_flow_between(&house.loop, a, b, "head+", 5);
	assert_int_equal(write(near, "there", 5), 5);
	assert_int_equal(await(far, text, 5), 5);
	assert_memory_equal(text, "head+", 5);
	assert_int_equal(await(far, text, sizeof(text)), 5);
	assert_memory_equal(text, "there", 5);
	/* one direction ends, the other goes on */
	assert_int_equal(shutdown(near, SHUT_WR), 0);
	assert_int_equal(await(far, text, sizeof(text)), 0);
	assert_int_equal(write(far, "back", 4), 4);
	assert_int_equal(await(near, text, sizeof(text)), 4);
	assert_false(TAILQ_EMPTY(&house.loop.parts));
	assert_int_equal(close(far), 0);
	assert_int_equal(await(near, text, sizeof(text)), 0);
	assert_true(TAILQ_EMPTY(&house.loop.parts));
	(void)close(near);
}

static int result;

static void
connected(void *user, int fd)
{
	(*(int *)user)++;
	result = fd;
}

static int
connect_to(const char *host, uint32_t port, bool is_path)
{
	struct client_end to = { .is_path = is_path, .port = port };
	int calls = 0;

	(void)snprintf(to.host, sizeof(to.host), "%s", host);
	assert_non_null(client_forward_connect_start(&house.loop, &to, connected, &calls));
	/* never from inside the call */
	assert_int_equal(calls, 0);
	for (int i = 0; i < TURNS_MAX && calls == 0; i++)
		client_loop_turn(&house.loop);
	assert_int_equal(calls, 1);
	assert_true(TAILQ_EMPTY(&house.loop.parts));
	return result;
}

static void
connects_and_failures(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int l = socket(AF_INET, SOCK_STREAM, 0), fd;
	uint32_t port;

	(void)state;
	assert_int_equal(connect_to("/nonexistent/socket", 0, true), -ENOENT);
	assert_int_equal(bind(l, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sa, &len), 0);
	port = ntohs(sa.sin_port);
	assert_int_equal(connect_to("127.0.0.1", port, false), -ECONNREFUSED);
	assert_int_equal(listen(l, 4), 0);
	fd = connect_to("127.0.0.1", port, false);
	assert_true(fd >= 0);
	(void)close(fd);
	/* the child resolves; the first address may be another family's */
	fd = connect_to("localhost", port, false);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(connect_to("name..invalid", port, false), -EHOSTUNREACH);
	(void)close(l);
}

static void
a_connect_that_is_ended_calls_nobody(void **state)
{
	struct client_end to = { .port = 1, .host = "localhost" };
	struct client_forward_connect *c;
	int calls = 0;

	(void)state;
	c = client_forward_connect_start(&house.loop, &to, connected, &calls);
	client_forward_connect_end(c);
	/* and one is left to the loop's end */
	(void)client_forward_connect_start(&house.loop, &to, connected, &calls);
	assert_int_equal(calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_watch_ends_another_of_the_same_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_deadline_comes_once_and_without_a_descriptor, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(between_two_sockets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connects_and_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_connect_that_is_ended_calls_nobody, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
