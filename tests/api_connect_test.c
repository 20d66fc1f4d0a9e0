/* api_connect_test.c - transports from names: what is no place, what is not there, what is. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000, BRIEFLY = 150 };

static postern_context *ctx;
static int listener = -1, port;

static int
listen_on(int family, int backlog)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
	socklen_t len = family == AF_INET ? sizeof(in) : sizeof(in6);

	listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, sa, len) != 0 || listen(listener, backlog) != 0 ||
	    getsockname(listener, sa, &len) != 0)
		return -1;
	port = ntohs(family == AF_INET ? in.sin_port : in6.sin6_port);
	return 0;
}

static int
setup(void **state)
{
	if (fake_setup(state) != 0 || listen_on(AF_INET, 8) != 0)
		return -1;
	return postern_context_new(&ctx, NULL, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	ipc_close_fds(&listener, 1);
	return 0;
}

static void
what_is_no_place_is_refused_before_anything_else(void **state)
{
	static const char *const bad[] = { "", ":", ":22", "host:", "host:0", "host:65536",
		"host:99999999999999999999", "host:+22", "host:-22", "host: 22", "host:22 ",
		"host:2x", "host:0x16", "host:ssh", "[", "]", "[]", "[]:22", "[::1", "::1]",
		"[::1]22", "[::1]:", "[::1]:0", "[::1]:65536", "[::1]:22:33", "[::1]x",
		"[127.0.0.1]:22", "[host]:22", "[::1%]:22", "::1%", "a:b:c", "1:2:3",
		"host:22:33", "::1:zz", "1:2:3:4:5:6:7:8:9", ":::22" };
	postern_transport *t = NULL;
	int before = fake_open_fds();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (postern_transport_new_host(&t, ctx, bad[i], SOON) != -EINVAL)
			fail_msg("\"%s\" was taken for a place", bad[i]);
		assert_null(t);
	}
	assert_int_equal(postern_transport_new_address(&t, ctx, "", 22, SOON), -EINVAL);
	assert_int_equal(postern_transport_new_address(&t, ctx, "127.0.0.1", 65536, SOON), -EINVAL);
	assert_int_equal(fake_open_fds(), before);
}

static void
a_name_without_end_is_refused(void **state)
{
	char name[2048];
	postern_transport *t = NULL;

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(postern_transport_new_host(&t, ctx, name, SOON), -EINVAL);
	assert_int_equal(postern_transport_new_address(&t, ctx, name, 22, SOON), -EINVAL);
	/* no label is so long: the resolver says so without asking anybody */
	name[100] = '\0';
	assert_true(postern_transport_new_address(&t, ctx, name, 22, SOON) < 0);
	assert_null(t);
}

static void
nobody_there_is_told_as_what_it_is(void **state)
{
	postern_transport *t = NULL;
	int before;

	(void)state;
	(void)close(listener);
	listener = -1;
	before = fake_open_fds();
	assert_int_equal(postern_transport_new_address(&t, ctx, "127.0.0.1", (unsigned)port, SOON),
	    -ECONNREFUSED);
	assert_null(t);
	assert_int_equal(fake_open_fds(), before);
}

static void
a_connect_that_takes_too_long_is_given_up(void **state)
{
	postern_transport *t = NULL;
	struct timespec a, b;
	int waiting[8], n = 0, before;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)state;
	(void)close(listener);
	assert_int_equal(listen_on(AF_INET, 0), 0);
	in.sin_port = htons((uint16_t)port);
	/* nobody accepts: once the queue is full the kernel answers no more */
	for (; n < 8; n++) {
		waiting[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(waiting[n], (struct sockaddr *)&in, sizeof(in));
	}
	before = fake_open_fds();
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(postern_transport_new_address(&t, ctx, "127.0.0.1", (unsigned)port,
	    BRIEFLY), POSTERN_ETIMEOUT);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_in_range((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000,
	    BRIEFLY - 1, 20 * BRIEFLY);
	assert_null(t);
	assert_int_equal(fake_open_fds(), before);
	while (n-- > 0)
		(void)close(waiting[n]);
}

static void
a_forked_child_connects_nowhere(void **state)
{
	postern_transport *t = NULL;

	(void)state;
	ctx->pid++;
	assert_int_equal(postern_transport_new_address(&t, ctx, "127.0.0.1", (unsigned)port, SOON),
	    POSTERN_EFORKED);
	ctx->pid--;
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(listener, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Accepts what has just been connected; nothing may have been written to it. */
static void
check_connected(postern_transport *t, const char *peer)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char byte, want[API_PEER_MAX];
	int fd = accept4(listener, (struct sockaddr *)&a, &len, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_string_equal(postern_transport_getpeername(t), peer);
	if (a.ss_family == AF_INET)
		(void)snprintf(want, sizeof(want), "127.0.0.1:%u",
		    ntohs(((struct sockaddr_in *)&a)->sin_port));
	else
		(void)snprintf(want, sizeof(want), "[::1]:%u",
		    ntohs(((struct sockaddr_in6 *)&a)->sin6_port));
	assert_string_equal(postern_transport_getsockname(t), want);
	postern_transport_free(t);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
}

static void
a_place_is_connected_to(void **state)
{
	char text[64], peer[64];
	postern_transport *t = NULL;

	(void)state;
	(void)snprintf(peer, sizeof(peer), "127.0.0.1:%d", port);
	assert_int_equal(postern_transport_new_host(&t, ctx, peer, SOON), 0);
	check_connected(t, peer);
	(void)snprintf(text, sizeof(text), "localhost:%d", port);
	/* where that is ::1 as well, the second address is the one that answers */
	assert_int_equal(postern_transport_new_host(&t, ctx, text, SOON), 0);
	check_connected(t, peer);
	assert_int_equal(postern_transport_new_address(&t, ctx, "127.0.0.1", (unsigned)port,
	    POSTERN_FOREVER), 0);
	check_connected(t, peer);
}

static void
an_address_of_six_has_many_colons(void **state)
{
	static const char *const without_port[] = { "::1", "[::1]", "0:0:0:0:0:0:0:1" };
	char peer[64];
	postern_transport *t = NULL;

	(void)state;
	/* port 22: somebody may be there or not, but all of them are places */
	for (size_t i = 0; i < sizeof(without_port) / sizeof(without_port[0]); i++) {
		int r = postern_transport_new_host(&t, ctx, without_port[i], SOON);

		assert_true(r == 0 || r == -ECONNREFUSED || r == -EADDRNOTAVAIL ||
		    r == -EAFNOSUPPORT);
		if (r == 0)
			postern_transport_free(t);
	}
	(void)close(listener);
	if (listen_on(AF_INET6, 8) != 0)
		return;		/* a machine without it */
	(void)snprintf(peer, sizeof(peer), "[::1]:%d", port);
	assert_int_equal(postern_transport_new_host(&t, ctx, peer, SOON), 0);
	check_connected(t, peer);
	assert_int_equal(postern_transport_new_address(&t, ctx, "::1", (unsigned)port, SOON), 0);
	check_connected(t, peer);
}

/* ---- without waiting ---- */

static struct postern_event
done_of(uint64_t id, int within_ms)
{
	struct postern_event ev = POSTERN_EVENT;

	assert_int_equal(postern_next(ctx, &ev, within_ms), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, id);
	return ev;
}

static void
an_async_call_brings_the_transport(void **state)
{
	char text[64], peer[64];
	struct postern_event ev;
	uint64_t id;

	(void)state;
	(void)snprintf(peer, sizeof(peer), "127.0.0.1:%d", port);
	/* the second of its two addresses */
	(void)snprintf(text, sizeof(text), "two.test:%d", port);
	assert_int_equal(postern_transport_new_host_async(ctx, text, &id), 0);
	ev = done_of(id, SOON);
	assert_int_equal(ev.result, 0);
	check_connected(ev.transport, peer);
	assert_int_equal(postern_transport_new_address_async(ctx, "127.0.0.1", (unsigned)port,
	    &id), 0);
	ev = done_of(id, SOON);
	assert_int_equal(ev.result, 0);
	check_connected(ev.transport, peer);
	assert_int_equal(fake_seen->resolvers, 1);
	assert_int_equal(postern_transport_new_host_async(ctx, "host:", &id), -EINVAL);
	assert_int_equal(postern_transport_new_address_async(ctx, "", 22, &id), -EINVAL);
}

/* What a name came to; the descriptors are as before. */
static int
result_of(const char *host)
{
	struct postern_event ev;
	int before = fake_open_fds();
	uint64_t id;

	assert_int_equal(postern_transport_new_address_async(ctx, host, (unsigned)port, &id), 0);
	ev = done_of(id, SOON);
	if (ev.transport != NULL)
		postern_transport_free(ev.transport);
	assert_int_equal(fake_open_fds(), before);
	return ev.result;
}

static void
what_a_resolver_says_is_checked(void **state)
{
	(void)state;
	assert_int_equal(result_of("nobody.test"), -ENOENT);
	assert_int_equal(result_of("again.test"), -EAGAIN);
	assert_int_equal(result_of("strange.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("dies.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("babbles.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("empty.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("family.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("cut4.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("cut6.test"), -EHOSTUNREACH);
	assert_int_equal(result_of("bare.test"), -EHOSTUNREACH);
	/* one address more than are tried */
	assert_int_equal(result_of("many.test"), 0);
	assert_int_equal(result_of("any.test"), 0);
	assert_int_equal(result_of("mapped.test"), 0);
	fake_how.missing = 1;
	assert_int_equal(result_of("localhost"), -ENOENT);
	fake_how.missing = 0;
}

static void
a_slow_resolver_holds_nobody_up(void **state)
{
	postern_transport *t = NULL;
	struct postern_event ev = POSTERN_EVENT;
	struct timespec a, b;
	uint64_t ids[40], id;
	int before = fake_open_fds();

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(postern_transport_new_host_async(ctx, "slow.test", &ids[i]), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(b.tv_sec - a.tv_sec < 2, 1);
	/* what needs no resolver goes on, also when all processes are taken */
	assert_int_equal(postern_transport_new_address_async(ctx, "127.0.0.1", (unsigned)port,
	    &id), 0);
	ev = done_of(id, SOON);
	assert_int_equal(ev.result, 0);
	postern_transport_free(ev.transport);
	assert_int_equal(fake_seen->resolvers, 32);
	/* a time that is up ends the blocking call, and what it had begun */
	assert_int_equal(postern_transport_new_host(&t, ctx, "slow.test", BRIEFLY),
	    POSTERN_ETIMEOUT);
	assert_null(t);
	/* who waits comes next */
	postern_cancel(ctx, ids[0]);
	assert_int_equal(postern_next(ctx, &ev, BRIEFLY), POSTERN_ETIMEOUT);
	assert_int_equal(fake_seen->resolvers, 33);
	for (size_t i = 0; i < 40; i++)
		postern_cancel(ctx, ids[i]);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
	/* given up: no child of theirs is left, but the monitor */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
	assert_int_equal(kill(fake_pid, 0), 0);
}

static void
a_transport_that_nobody_fetched_is_closed(void **state)
{
	char byte;
	uint64_t id;
	int fd;

	(void)state;
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(postern_transport_new_address_async(ctx, "127.0.0.1", (unsigned)port,
	    &id), 0);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	for (int i = 0; i < 100 && fd < 0; i++) {
		assert_int_equal(api_loop_turn(ctx, 10), 0);
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	}
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(api_loop_turn(ctx, 10), 0);
	postern_cancel(ctx, id);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
}

static void
without_a_monitor_it_ends(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	uint64_t id;

	(void)state;
	assert_int_equal(postern_transport_new_host_async(ctx, "slow.test", &id), 0);
	assert_int_equal(kill(fake_pid, SIGKILL), 0);
	ev = done_of(id, SOON);
	assert_int_equal(ev.result, POSTERN_EMONITOR);
	assert_null(ev.transport);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_no_place_is_refused_before_anything_else,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_without_end_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there_is_told_as_what_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connect_that_takes_too_long_is_given_up, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_forked_child_connects_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(a_place_is_connected_to, setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_of_six_has_many_colons, setup, teardown),
		cmocka_unit_test_setup_teardown(an_async_call_brings_the_transport, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_resolver_says_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_resolver_holds_nobody_up, setup, teardown),
		cmocka_unit_test_setup_teardown(a_transport_that_nobody_fetched_is_closed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(without_a_monitor_it_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
