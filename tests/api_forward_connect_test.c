/* api_forward_connect_test.c - a peer's destination is decided about by what it resolves
 * to, and exactly that is connected to. */
#include "tests/api_play.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "privsep/api_dial.h"

enum { ASKED_MAX = 32 };

static struct seen {
	int opens, result;		/* what postern_channel_connect said */
	uint64_t question;
	postern_channel *ch;
	size_t n;			/* addresses that were decided about */
	char asked[ASKED_MAX][INET6_ADDRSTRLEN + 32];
	char name[1100], origin[64];
	uint32_t port;
} seen;
static const char *allowed;		/* the one address, as text; "": none, NULL: all */
static bool frees, closes, is_put_off;
static int listener = -1, port;
static uint64_t chan;

static int
may_connect(void *user, postern_channel *ch, const struct postern_forward *asked,
    const struct sockaddr *to, size_t len)
{
	char *text = seen.asked[seen.n++];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;

	assert_ptr_equal(user, &seen);
	assert_ptr_equal(ch, seen.ch);
	assert_true(seen.n <= ASKED_MAX);
	(void)snprintf(seen.name, sizeof(seen.name), "%s", asked->host);
	(void)snprintf(seen.origin, sizeof(seen.origin), "%s", asked->origin_host);
	seen.port = asked->port;
	if (to->sa_family == AF_INET) {
		assert_int_equal(len, sizeof(in));
		memcpy(&in, to, sizeof(in));
		assert_int_equal(ntohs(in.sin_port), asked->port);
		(void)inet_ntop(AF_INET, &in.sin_addr, text, INET6_ADDRSTRLEN);
	} else if (to->sa_family == AF_INET6) {
		assert_int_equal(len, sizeof(in6));
		memcpy(&in6, to, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, text, INET6_ADDRSTRLEN);
	} else {
		assert_int_equal(asked->kind, POSTERN_DIRECT_STREAMLOCAL);
		memcpy(&un, to, sizeof(un));
		(void)snprintf(text, sizeof(seen.asked[0]), "%.60s", un.sun_path);
	}
	if (frees)
		postern_transport_free(t);
	if (closes)
		postern_channel_free(ch);
	return allowed == NULL || strcmp(allowed, text) == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int
check_open(void *user, postern_transport *of, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)of, (void)kind, (void)extra, (void)len, (void)reason;
	seen.opens++;
	seen.question = question;
	seen.ch = ch;
	if (is_put_off)
		return POSTERN_LATER;
	seen.result = postern_channel_connect(ch, question, f, may_connect, &seen);
	return seen.result;
}

static int
setup(void **state)
{
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	memset(&seen, 0, sizeof(seen));
	allowed = NULL;
	frees = closes = is_put_off = false;
	i.check_channel_open = check_open;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fake_setup(state) != 0 || bind(listener, (struct sockaddr *)&in, len) != 0 ||
	    listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&in, &len) != 0)
		return -1;
	port = ntohs(in.sin_port);
	play_server(&i);
	return 0;
}

static int
teardown(void **state)
{
	ipc_close_fds(&listener, 1);
	return play_teardown(state);
}

static void
asks(uint8_t kind, const char *host, uint32_t to_port)
{
	seen.n = 0;
	seen.result = 0;
	SAY(FORWARD_ASK, .chan = ++chan, .kind = kind, .host = span_str(host), .port = to_port,
	    .origin = span_str("10.0.0.9"), .origin_port = 4711);
}

/* Until the worker is told something; its number. */
static uint8_t
told(struct rd *r)
{
	uint8_t number = next_said(r);

	for (int i = 0; i < 500 && number == 0; i++) {
		assert_int_equal(api_loop_turn(ctx, 10), 0);
		number = next_said(r);
	}
	return number;
}

static void
is_refused(uint32_t reason)
{
	struct ipc_REFUSE m;
	struct rd r = { 0 };

	assert_int_equal(told(&r), IPC_MSG_REFUSE);
	assert_true(ipc_get_REFUSE(&r, NULL, &m));
	assert_int_equal(m.chan, chan);
	assert_int_equal(m.reason, reason);
	nothing_more();
}

/* Granted; the worker's descriptor leads to where our listener accepts. */
static void
is_connected(void)
{
	struct ipc_GRANT g;
	struct ipc_TAKE_SOCKET take;
	struct rd r = { 0 };
	char byte = 0;
	int fd;

	assert_int_equal(told(&r), IPC_MSG_GRANT);
	assert_true(ipc_get_GRANT(&r, NULL, &g));
	assert_int_equal(g.chan, chan);
	HEAR(TAKE_SOCKET, &take);
	SAY(TAKEN, .chan = chan);
	nothing_more();
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(take.data, "x", 1), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	(void)close(take.data);
	(void)close(fd);
}

static void
nobody_connected(void)
{
	assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
the_name_and_what_it_resolved_to_are_shown(void **state)
{
	(void)state;
	asks(IPC_DIRECT_TCPIP, "localhost", (uint32_t)port);
	is_connected();
	assert_int_equal(seen.result, POSTERN_LATER);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.asked[0], "127.0.0.1");
	assert_string_equal(seen.name, "localhost");
	assert_string_equal(seen.origin, "10.0.0.9");
	assert_int_equal(seen.port, port);
	assert_int_equal(fake_seen->resolvers, 1);
	/* a number is no name: nobody is asked */
	asks(IPC_DIRECT_TCPIP, "127.0.0.1", (uint32_t)port);
	is_connected();
	assert_int_equal(fake_seen->resolvers, 1);
}

static void
each_address_is_decided_about(void **state)
{
	(void)state;
	/* the one that may be connected to is the one that is */
	allowed = "127.0.0.1";
	asks(IPC_DIRECT_TCPIP, "two.test", (uint32_t)port);
	is_connected();
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.asked[0], "127.0.0.2");
	assert_string_equal(seen.asked[1], "127.0.0.1");
	/* the other: nobody is there, though somebody is at the first */
	allowed = "127.0.0.2";
	asks(IPC_DIRECT_TCPIP, "two.test", (uint32_t)port);
	is_refused(1);
	assert_int_equal(seen.n, 2);
	nobody_connected();
}

static void
a_name_that_resolves_to_what_is_forbidden_reaches_nobody(void **state)
{
	static const char *const names[] = { "localhost", "two.test", "mapped.test", "any.test",
		"127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "0", "::", "many.test" };

	(void)state;
	allowed = "192.0.2.1";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		asks(IPC_DIRECT_TCPIP, names[i], (uint32_t)port);
		is_refused(1);
		assert_true(seen.n >= 1 && seen.n <= 16);
		/* by no other name than that of the loopback */
		for (size_t k = 0; k < seen.n; k++)
			if (strncmp(seen.asked[k], "127.0.0.", 8) != 0)
				assert_string_equal(seen.asked[k], "::1");
		nobody_connected();
	}
}

static void
who_is_not_there_is_refused_as_that(void **state)
{
	(void)state;
	ipc_close_fds(&listener, 1);
	asks(IPC_DIRECT_TCPIP, "localhost", (uint32_t)port);
	is_refused(2);
	asks(IPC_DIRECT_TCPIP, "nobody.test", (uint32_t)port);
	is_refused(2);
	assert_int_equal(seen.n, 0);
	asks(IPC_DIRECT_TCPIP, "dies.test", (uint32_t)port);
	is_refused(2);
	assert_int_equal(seen.n, 0);
}

static void
a_path_is_decided_about_too(void **state)
{
	char path[] = "/tmp/postern-reach-XXXXXX", name[64], dir[64];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char longest[200];

	(void)state;
	assert_non_null(mkdtemp(path));
	(void)snprintf(dir, sizeof(dir), "%s", path);
	(void)snprintf(name, sizeof(name), "%s/s", path);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", name);
	ipc_close_fds(&listener, 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, 4), 0);
	asks(IPC_DIRECT_STREAMLOCAL, name, 0);
	is_connected();
	assert_string_equal(seen.asked[0], name);
	allowed = "";
	asks(IPC_DIRECT_STREAMLOCAL, name, 0);
	is_refused(1);
	nobody_connected();
	allowed = NULL;
	/* too long, and not from the root */
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[108] = '\0';
	asks(IPC_DIRECT_STREAMLOCAL, longest, 0);
	is_refused(2);
	asks(IPC_DIRECT_STREAMLOCAL, "s", 0);
	is_refused(1);
	assert_int_equal(seen.result, -EINVAL);
	/* a host is never taken for a path */
	asks(IPC_DIRECT_TCPIP, name, 22);
	is_refused(2);
	assert_int_equal(seen.n, 0);
	(void)unlink(name);
	(void)rmdir(dir);
}

static void
what_is_no_question_or_no_place_is_not_begun(void **state)
{
	struct postern_forward f = POSTERN_FORWARD;
	static char longest[2000];
	uint64_t q;

	(void)state;
	is_put_off = true;
	asks(IPC_DIRECT_TCPIP, "localhost", (uint32_t)port);
	settle();
	q = seen.question;
	f.kind = POSTERN_DIRECT_TCPIP;
	f.host = "localhost";
	f.port = (uint32_t)port;
	assert_int_equal(postern_channel_connect(seen.ch, q + 1, &f, may_connect, &seen),
	    POSTERN_ESTATE);
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, NULL, &seen), -EINVAL);
	f.port = 0;
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), -EINVAL);
	f.port = 65536;
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), -EINVAL);
	f.port = (uint32_t)port;
	f.host = "";
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), -EINVAL);
	memset(longest, 'a', 1025);
	f.host = longest;
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), -EINVAL);
	f.host = "localhost";
	f.kind = POSTERN_FORWARDED_TCPIP;
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), -EINVAL);
	f.kind = POSTERN_DIRECT_TCPIP;
	f.size = 1;
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), -EINVAL);
	f.size = sizeof(f);
	assert_true(TAILQ_EMPTY(&ctx->dials));
	/* once; and also long after the callback */
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen), POSTERN_LATER);
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen),
	    POSTERN_ESTATE);
	is_connected();
	assert_int_equal(seen.n, 1);
	assert_int_equal(postern_channel_connect(seen.ch, q, &f, may_connect, &seen),
	    POSTERN_ESTATE);
}

static void
an_answer_of_the_applications_own_ends_it(void **state)
{
	int before = fake_open_fds();

	(void)state;
	asks(IPC_DIRECT_TCPIP, "slow.test", (uint32_t)port);
	settle();
	assert_int_equal(postern_answer(t, seen.question, POSTERN_REFUSE, NULL), 0);
	is_refused(1);
	assert_int_equal(fake_open_fds(), before);
	assert_true(TAILQ_EMPTY(&ctx->dials));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
}

static void
a_channel_that_goes_ends_it(void **state)
{
	int before = fake_open_fds();

	(void)state;
	asks(IPC_DIRECT_TCPIP, "slow.test", (uint32_t)port);
	settle();
	postern_channel_free(seen.ch);
	assert_true(TAILQ_EMPTY(&ctx->dials));
	assert_int_equal(fake_open_fds(), before);
	/* in the middle of its own question */
	closes = true;
	asks(IPC_DIRECT_TCPIP, "two.test", (uint32_t)port);
	for (int i = 0; i < 200 && seen.n == 0; i++)
		assert_int_equal(api_loop_turn(ctx, 10), 0);
	settle();
	assert_int_equal(seen.n, 1);
	assert_true(TAILQ_EMPTY(&ctx->dials));
	nobody_connected();
}

static void
a_transport_that_is_freed_in_the_callback_ends_all(void **state)
{
	(void)state;
	frees = true;
	asks(IPC_DIRECT_TCPIP, "slow.test", (uint32_t)port);
	asks(IPC_DIRECT_TCPIP, "two.test", (uint32_t)port);
	for (int i = 0; i < 200 && seen.n == 0; i++)
		assert_int_equal(api_loop_turn(ctx, 10), 0);
	settle();
	assert_int_equal(seen.n, 1);
	assert_true(TAILQ_EMPTY(&ctx->dials));
	assert_int_equal(ctx->n_resolving, 0);
	nobody_connected();
	t = NULL;
}

static void
one_peer_has_few_resolvers(void **state)
{
	uint64_t first;

	(void)state;
	asks(IPC_DIRECT_TCPIP, "slow.test", (uint32_t)port);
	settle();
	first = seen.question;
	for (int i = 0; i < 7; i++)
		asks(IPC_DIRECT_TCPIP, "slow.test", (uint32_t)port);
	settle();
	assert_int_equal(seen.opens, 8);
	assert_int_equal(fake_seen->resolvers, 4);
	/* numbers go past them */
	asks(IPC_DIRECT_TCPIP, "127.0.0.1", (uint32_t)port);
	is_connected();
	/* and the host's own names too */
	assert_int_equal(postern_transport_new_host_async(ctx, "slow.test", NULL), 0);
	settle();
	assert_int_equal(fake_seen->resolvers, 5);
	/* with one of them given up the next begins */
	assert_int_equal(postern_answer(t, first, POSTERN_REFUSE, NULL), 0);
	settle();
	assert_int_equal(fake_seen->resolvers, 6);
}

static int over;

static void
counts(struct api_dial *d, int result)
{
	(void)d;
	over++;
	assert_int_equal(result, -EHOSTUNREACH);
}

/* Many peers together leave some to the application. */
static void
all_peers_leave_some_resolvers(void **state)
{
	struct api_dial d = { .port = 22, .done = counts };

	(void)state;
	over = 0;
	for (uint64_t i = 0; i < 28; i++) {
		d.asker = 1000 + i;
		d.conn = 100 + i / 4;
		assert_int_equal(api_dial_start(ctx, &d, "slow.test"), 0);
	}
	settle();
	assert_int_equal(fake_seen->resolvers, 24);
	assert_int_equal(ctx->n_resolving, 24);
	d.conn = 0;
	for (uint64_t i = 0; i < 9; i++) {
		d.asker = 2000 + i;
		assert_int_equal(api_dial_start(ctx, &d, "slow.test"), 0);
	}
	settle();
	assert_int_equal(fake_seen->resolvers, 32);
	/* with one of the application's own given up, it is its ninth that begins */
	api_dial_end(ctx, 2000);
	settle();
	assert_int_equal(fake_seen->resolvers, 33);
	assert_int_equal(api_dial_of(ctx, 2008)->state, API_DIAL_RESOLVES);
	assert_int_equal(api_dial_of(ctx, 1024)->state, API_DIAL_WAITS);
	assert_int_equal(over, 0);
}

static int
rings_in(const struct api_dial *d)
{
	struct itimerspec left;

	assert_int_equal(timerfd_gettime(d->timer, &left), 0);
	return (int)(left.it_value.tv_sec * 1000 + left.it_value.tv_nsec / 1000000);
}

static void
nobody_waits_for_a_resolver_without_end(void **state)
{
	const struct itimerspec now = { .it_value = { 0, 1 } };
	struct api_dial d = { .conn = 100, .port = 22, .done = counts }, *last;

	(void)state;
	over = 0;
	for (d.asker = 1000; d.asker < 1006; d.asker++)
		assert_int_equal(api_dial_start(ctx, &d, "slow.test"), 0);
	settle();
	last = api_dial_of(ctx, 1005);
	assert_int_equal(last->state, API_DIAL_WAITS);
	assert_in_range(rings_in(last), API_RESOLVE_MS - 5000, API_RESOLVE_MS);
	/* a chance that goes to another leaves its time as it was */
	assert_int_equal(timerfd_settime(last->timer, 0, &now, NULL), 0);
	settle();
	assert_int_equal(last->state, API_DIAL_WAITS);
	assert_in_range(rings_in(last), API_RESOLVE_MS - 10000, API_RESOLVE_MS);
	last->turn = api_deadline_in(0);
	assert_int_equal(timerfd_settime(last->timer, 0, &now, NULL), 0);
	settle();
	assert_int_equal(over, 1);
	assert_null(api_dial_of(ctx, 1005));
	/* its turn came: the time is the resolver's now */
	last = api_dial_of(ctx, 1004);
	api_dial_end(ctx, 1000);
	settle();
	assert_int_equal(last->state, API_DIAL_RESOLVES);
	assert_in_range(rings_in(last), API_RESOLVE_MS - 5000, API_RESOLVE_MS);
	assert_int_equal(over, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_name_and_what_it_resolved_to_are_shown),
		TEST(each_address_is_decided_about),
		TEST(a_name_that_resolves_to_what_is_forbidden_reaches_nobody),
		TEST(who_is_not_there_is_refused_as_that),
		TEST(a_path_is_decided_about_too),
		TEST(what_is_no_question_or_no_place_is_not_begun),
		TEST(an_answer_of_the_applications_own_ends_it),
		TEST(a_channel_that_goes_ends_it),
		TEST(a_transport_that_is_freed_in_the_callback_ends_all),
		TEST(one_peer_has_few_resolvers),
		TEST(all_peers_leave_some_resolvers),
		TEST(nobody_waits_for_a_resolver_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
