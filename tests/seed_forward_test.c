/*
 * seed_forward_test.c - the rows of docs/from-paramiko.md about forwarding: who asks
 * for what, who is asked, and what is refused.
 */
#include <netinet/in.h>

#include "tests/seed.h"

struct handled {
	int calls, answer;
	char origin[64], host[64];
	uint32_t origin_port, port;
};

static int
on_forward(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const struct postern_forward *f)
{
	struct handled *h = user;

	(void)t, (void)question, (void)ch;
	h->calls++;
	(void)snprintf(h->origin, sizeof(h->origin), "%s", f->origin_host);
	(void)snprintf(h->host, sizeof(h->host), "%s", f->host);
	h->origin_port = f->origin_port;
	h->port = f->port;
	return h->answer;
}

/* The server reports a connection on that port. */
static int
arrives(uint32_t port, postern_channel **theirs)
{
	return postern_transport_open_forwarded_tcpip_channel(house.theirs, theirs, "192.0.2.7", 777,
	    "localhost", port, SOON);
}

static void
seed_33_request_port_forward(void **state)
{
	struct handled h = { .answer = POSTERN_ACCEPT };
	postern_transport *t = seed_logged_in();
	postern_channel *theirs;
	uint32_t port = 0;

	(void)state;
	/* nothing was asked for yet: nothing may come */
	assert_int_equal(arrives(8080, &theirs), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 8080, on_forward,
	    &h, &port, SOON), 0);
	assert_int_equal(port, 8080);
	assert_int_equal(house.forward.kind, POSTERN_FORWARDED_TCPIP);
	assert_string_equal(house.host, "localhost");
	assert_int_equal(arrives(8080, &theirs), 0);
	assert_int_equal(h.calls, 1);
	assert_string_equal(h.origin, "192.0.2.7");
	assert_int_equal(h.origin_port, 777);
	assert_int_equal(arrives(8081, &theirs), POSTERN_EREFUSED);
	/* any port: the server's choice */
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 0, on_forward,
	    &h, &port, SOON), 0);
	assert_true(port >= 4242);
	assert_int_equal(arrives(port, &theirs), 0);
	house.listen_answer = POSTERN_REFUSE;
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 81, on_forward,
	    &h, &port, SOON), POSTERN_EREFUSED);
	assert_int_equal(arrives(81, &theirs), POSTERN_EREFUSED);
}

static void
seed_33_two_handlers(void **state)
{
	struct handled one = { .answer = POSTERN_ACCEPT }, two = { .answer = POSTERN_REFUSE };
	postern_transport *t = seed_logged_in();
	postern_channel *theirs;

	(void)state;
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 1001, on_forward,
	    &one, NULL, SOON), 0);
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 1002, on_forward,
	    &two, NULL, SOON), 0);
	assert_int_equal(arrives(1001, &theirs), 0);
	assert_int_equal(arrives(1002, &theirs), POSTERN_EREFUSED);
	assert_int_equal(one.calls, 1);
	assert_int_equal(two.calls, 1);
	assert_int_equal(two.port, 1002);
	/* the refusal was that channel's and nobody else's */
	assert_int_equal(arrives(1001, &theirs), 0);
	assert_true(postern_transport_is_active(t));
}

static void
seed_33_no_handler(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *theirs, *ours;
	char text[32];

	(void)state;
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 1001, NULL, NULL,
	    NULL, SOON), 0);
	assert_int_equal(arrives(1001, &theirs), 0);
	assert_int_equal(postern_transport_accept(t, &ours, SOON), 0);
	assert_string_equal(postern_channel_get_forward(ours)->origin_host, "192.0.2.7");
	assert_int_equal(write(postern_channel_fd(theirs), "through", 7), 7);
	assert_int_equal(shutdown(postern_channel_fd(theirs), SHUT_WR), 0);
	assert_string_equal(seed_read(postern_channel_fd(ours), text, sizeof(text)), "through");
	/* and for a path */
	assert_int_equal(postern_transport_request_streamlocal_forward(t, "/run/x", NULL, NULL,
	    SOON), 0);
	assert_int_equal(house.forward.kind, POSTERN_FORWARDED_STREAMLOCAL);
	assert_int_equal(postern_transport_open_forward(house.theirs, &theirs,
	    &(struct postern_forward){ .size = sizeof(struct postern_forward),
	    .kind = POSTERN_FORWARDED_STREAMLOCAL, .host = "/run/x", .origin_host = "" }, SOON), 0);
	assert_int_equal(postern_transport_accept(t, &ours, SOON), 0);
	assert_string_equal(postern_channel_get_forward(ours)->host, "/run/x");
	assert_int_equal(postern_transport_cancel_streamlocal_forward(t, "/run/x", SOON), 0);
	assert_int_equal(postern_transport_cancel_streamlocal_forward(t, "/run/x", SOON),
	    POSTERN_EREFUSED);
}

static void
seed_10_cancel_port_forward(void **state)
{
	struct handled h = { .answer = POSTERN_ACCEPT };
	postern_transport *t = seed_logged_in();
	postern_channel *theirs;

	(void)state;
	assert_int_equal(postern_transport_cancel_port_forward(t, "localhost", 1001, SOON),
	    POSTERN_EREFUSED);
	assert_int_equal(house.cancelled, 0);
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 1001, on_forward,
	    &h, NULL, SOON), 0);
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 1002, on_forward,
	    &h, NULL, SOON), 0);
	assert_int_equal(postern_transport_cancel_port_forward(t, "localhost", 1001, SOON), 0);
	assert_int_equal(house.cancelled, 1);
	assert_int_equal(house.cancelled_port, 1001);
	assert_int_equal(arrives(1001, &theirs), POSTERN_EREFUSED);
	assert_int_equal(arrives(1002, &theirs), 0);
	assert_int_equal(h.calls, 1);
}

static void
seed_27_direct_tcpip(void **state)
{
	struct postern_forward f = POSTERN_FORWARD;
	postern_transport *t = seed_logged_in();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch;
	char text[32];

	(void)state;
	f.kind = POSTERN_DIRECT_TCPIP;
	f.host = "elsewhere";
	f.port = 80;
	f.origin_host = "127.0.0.1";
	f.origin_port = 5555;
	assert_int_equal(postern_transport_open_forward(t, &ch, &f, SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.refusal, 3);
	f.host = "pair";
	assert_int_equal(postern_transport_open_forward(t, &ch, &f, SOON), 0);
	assert_int_equal(house.forward.port, 80);
	assert_int_equal(house.forward.origin_port, 5555);
	assert_string_equal(house.origin, "127.0.0.1");
	assert_string_equal(seed_read(postern_channel_fd(ch), text, sizeof(text)), "connected");
	/* what a server alone may open */
	f.kind = POSTERN_X11;
	assert_true(postern_transport_open_forward(t, &ch, &f, SOON) < 0);
	/* no longer, whatever the policy says */
	f.kind = POSTERN_DIRECT_TCPIP;
	assert_int_equal(postern_transport_restrict(house.theirs, POSTERN_PERMIT_DIRECT), 0);
	assert_int_equal(postern_transport_open_forward(t, &ch, &f, SOON), POSTERN_EREFUSED);
}

/* Only on the loopback of IPv4, however it is called. */
static int
may_connect(void *user, postern_channel *ch, const struct postern_forward *asked,
    const struct sockaddr *to, size_t len)
{
	struct sockaddr_in in;

	(void)user, (void)ch;
	assert_int_equal(asked->kind, POSTERN_DIRECT_TCPIP);
	if (to->sa_family != AF_INET || len != sizeof(in))
		return POSTERN_REFUSE;
	memcpy(&in, to, sizeof(in));
	return in.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
	    ntohs(in.sin_port) == asked->port ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

/* Through the resolver of this machine. */
static void
seed_27_resolved_address(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct postern_forward f = POSTERN_FORWARD;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = seed_logged_in();
	socklen_t len = sizeof(in);
	postern_channel *ch;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	char text[32];

	(void)state;
	assert_int_equal(bind(s, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(s, 4), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&in, &len), 0);
	house.may_connect = may_connect;
	f.kind = POSTERN_DIRECT_TCPIP;
	f.host = "localhost";
	f.port = ntohs(in.sin_port);
	assert_int_equal(postern_transport_open_forward(t, &ch, &f, SOON), 0);
	peer = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(write(peer, "resolved", 8), 8);
	assert_int_equal(close(peer), 0);
	assert_string_equal(seed_read(postern_channel_fd(ch), text, sizeof(text)), "resolved");
	/* what may not be connected to is prohibited; what is not there has failed */
	f.host = "127.0.0.2";
	assert_int_equal(postern_transport_open_forward(t, &ch, &f, SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.refusal, 1);
	f.host = "no.such.name.invalid";
	assert_int_equal(postern_transport_open_forward(t, &ch, &f, SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.refusal, 2);
	assert_int_equal(close(s), 0);
}

static void
seed_28_open_forwarded_tcpip_channel(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *theirs, *ours;
	const struct postern_forward *f;

	(void)state;
	assert_int_equal(postern_transport_request_port_forward(t, "localhost", 1001, NULL, NULL,
	    NULL, SOON), 0);
	assert_int_equal(postern_transport_open_forwarded_tcpip_channel(house.theirs, &theirs,
	    "2001:db8::1", 65535, "localhost", 1001, SOON), 0);
	assert_int_equal(postern_transport_accept(t, &ours, SOON), 0);
	f = postern_channel_get_forward(ours);
	assert_int_equal(f->kind, POSTERN_FORWARDED_TCPIP);
	assert_string_equal(f->origin_host, "2001:db8::1");
	assert_int_equal(f->origin_port, 65535);
	assert_int_equal(f->port, 1001);
	/* a client has none to open */
	assert_true(postern_transport_open_forwarded_tcpip_channel(t, &theirs, "x", 1, "y", 2,
	    SOON) < 0);
}

static void
seed_31_open_x11_channel(void **state)
{
	struct handled h = { .answer = POSTERN_ACCEPT };
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t), *theirs, *ours;

	(void)state;
	/* not asked for */
	assert_int_equal(postern_transport_open_x11_channel(house.theirs, &theirs, "127.0.0.1", 6010,
	    SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_channel_request_x11(ch, 0, NULL, NULL, 1, on_forward, &h, SOON), 0);
	assert_int_equal(house.last.kind, POSTERN_REQ_X11);
	assert_int_equal(house.last.screen, 1);
	assert_int_equal(strlen(house.cookie), 32);
	assert_string_equal(house.cookie, postern_channel_get_x11_cookie(ch));
	assert_int_equal(postern_transport_open_x11_channel(house.theirs, &theirs, "127.0.0.1", 6010,
	    SOON), 0);
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.origin_port, 6010);
	/* without a handler: the accept queue; one connection only */
	t = seed_logged_in();
	ch = seed_session(t);
	assert_int_equal(postern_channel_request_x11(ch, 1, NULL, NULL, 0, NULL, NULL, SOON), 0);
	assert_int_equal(postern_transport_open_x11_channel(house.theirs, &theirs, "127.0.0.1", 6010,
	    SOON), 0);
	assert_int_equal(postern_transport_accept(t, &ours, SOON), 0);
	assert_int_equal(postern_transport_open_x11_channel(house.theirs, &theirs, "127.0.0.1", 6010,
	    SOON), POSTERN_EREFUSED);
}

static void
seed_c_agent(void **state)
{
	struct handled h = { .answer = POSTERN_ACCEPT };
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t), *theirs;

	(void)state;
	assert_int_equal(postern_transport_open_forward_agent_channel(house.theirs, &theirs, SOON),
	    POSTERN_EREFUSED);
	assert_int_equal(postern_channel_request_forward_agent(ch, on_forward, &h, SOON), 0);
	assert_int_equal(house.last.kind, POSTERN_REQ_AGENT);
	assert_int_equal(postern_transport_open_forward_agent_channel(house.theirs, &theirs, SOON), 0);
	assert_int_equal(h.calls, 1);
	assert_int_equal(postern_transport_restrict(house.theirs, POSTERN_PERMIT_AGENT), 0);
	assert_int_equal(postern_channel_request_forward_agent(seed_session(t), on_forward, &h,
	    SOON), POSTERN_EREFUSED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(seed_33_request_port_forward), T(seed_33_two_handlers), T(seed_33_no_handler),
		T(seed_10_cancel_port_forward), T(seed_27_direct_tcpip), T(seed_27_resolved_address),
		T(seed_28_open_forwarded_tcpip_channel), T(seed_31_open_x11_channel), T(seed_c_agent),
	};

	return cmocka_run_group_tests_name("seed_forward", tests, NULL, NULL);
}
