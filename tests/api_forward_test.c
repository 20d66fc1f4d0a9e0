/* api_forward_test.c - a client's forwards: what the server may open and what not. */
#include "tests/api_play.h"

static struct seen {
	int handled, interface;
	uint64_t question;
	postern_channel *ch;
	void *user;
	char host[64], origin[64];
	uint32_t port;
} seen;
static int answer_is, interface_says;

static int
handler(void *user, postern_transport *of, uint64_t question, postern_channel *ch,
    const struct postern_forward *f)
{
	assert_ptr_equal(of, t);
	assert_ptr_equal(f, postern_channel_get_forward(ch));
	seen.handled++;
	seen.user = user;
	seen.question = question;
	seen.ch = ch;
	(void)snprintf(seen.host, sizeof(seen.host), "%s", f->host);
	(void)snprintf(seen.origin, sizeof(seen.origin), "%s", f->origin_host);
	seen.port = f->port;
	return answer_is;
}

static int
check_open(void *user, postern_transport *of, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)of, (void)question, (void)ch, (void)kind, (void)extra, (void)len;
	assert_null(f);
	*reason = 2;
	seen.interface++;
	return interface_says;
}

static int
setup(void **state)
{
	struct postern_client_interface i = POSTERN_CLIENT_INTERFACE;

	memset(&seen, 0, sizeof(seen));
	answer_is = POSTERN_ACCEPT;
	interface_says = POSTERN_ACCEPT;
	i.check_channel_open = check_open;
	if (fake_setup(state) != 0)
		return -1;
	play_client(&i);
	return 0;
}

static uint64_t chan;

/* The server opens one; its serial. */
static uint64_t
opens(uint8_t kind, const char *host, uint32_t port)
{
	SAY(FORWARD_ASK, .chan = ++chan, .kind = kind, .host = span_str(host), .port = port,
	    .origin = span_str("10.0.0.9"), .origin_port = 4711);
	settle();
	return chan;
}

static void
is_refused(uint64_t which, uint32_t reason)
{
	struct ipc_REFUSE m;

	HEAR(REFUSE, &m);
	assert_int_equal(m.chan, which);
	assert_int_equal(m.reason, reason);
	nothing_more();
}

/* Granted, and the worker has got a socket. */
static void
is_granted(uint64_t which)
{
	struct ipc_GRANT g;
	struct ipc_TAKE_SOCKET take;

	HEAR(GRANT, &g);
	assert_int_equal(g.chan, which);
	HEAR(TAKE_SOCKET, &take);
	assert_int_equal(take.chan, which);
	assert_int_equal(fcntl(take.data, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	(void)close(take.data);
	SAY(TAKEN, .chan = which);
	nothing_more();
}

static struct span
port_payload(uint32_t port)
{
	static uint8_t buf[4];
	struct wr out = wr_of(buf, sizeof(buf));

	wr_u32(&out, port);
	return wr_span(&out);
}

/* A forward that the server grants. */
static uint64_t
forward(const char *host, uint32_t port, uint32_t bound, postern_forward_handler *h, void *user)
{
	struct ipc_GLOBAL_DO m;
	struct postern_event ev;
	uint64_t id;

	assert_int_equal(postern_transport_request_port_forward_async(t, host, port, h, user,
	    &id), 0);
	HEAR(GLOBAL_DO, &m);
	assert_true(span_is(m.kind, "tcpip-forward"));
	assert_int_equal(m.call, id);
	done(m.call, 1, port == 0 ? port_payload(bound) : span_str(""));
	ev = event(POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, id);
	assert_int_equal(ev.result, 0);
	return ev.value;
}

static int
cancel(const char *host, uint32_t port, uint8_t ok)
{
	struct ipc_GLOBAL_DO m;

	assert_int_equal(postern_transport_cancel_port_forward_async(t, host, port, NULL), 0);
	HEAR(GLOBAL_DO, &m);
	assert_true(span_is(m.kind, "cancel-tcpip-forward"));
	done(m.call, ok, span_str(""));
	return event(POSTERN_EVENT_DONE).result;
}

/* ---- a worker that lies ---- */

static void
a_forward_that_nobody_asked_for_is_refused(void **state)
{
	(void)state;
	is_refused(opens(IPC_FORWARDED_TCPIP, "localhost", 8080), 1);
	is_refused(opens(IPC_FORWARDED_STREAMLOCAL, "/run/x", 0), 1);
	is_refused(opens(IPC_X11, "", 0), 1);
	is_refused(opens(IPC_AGENT, "", 0), 1);
	/* what only a client opens */
	is_refused(opens(IPC_DIRECT_TCPIP, "10.0.0.1", 22), 1);
	is_refused(opens(IPC_DIRECT_STREAMLOCAL, "/run/secret", 0), 1);
	/* nor by the other message, around the match */
	SAY(CHANNEL_ASK, .chan = ++chan, .type = span_str("forwarded-tcpip"),
	    .extra = span_str("x"));
	settle();
	is_refused(chan, 1);
	SAY(CHANNEL_ASK, .chan = ++chan, .type = span_str("agent-connect"),
	    .extra = span_str(""));
	settle();
	is_refused(chan, 1);
	assert_int_equal(seen.handled, 0);
	assert_int_equal(seen.interface, 0);
	assert_int_equal(t->n_channels, 0);
	assert_true(postern_transport_is_active(t));
}

static void
an_unknown_kind_ends_the_worker(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	(void)opens(7, "", 0);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EWORKER);
	assert_int_equal(t->worker.fd, -1);
}

static void
a_port_that_there_cannot_be_ends_the_worker(void **state)
{
	(void)state;
	(void)forward("", 80, 0, handler, NULL);
	(void)opens(IPC_FORWARDED_TCPIP, "", 65536 + 80);
	assert_int_equal(t->worker.fd, -1);
	assert_int_equal(seen.handled, 0);
}

static void
a_listen_request_to_a_client_ends_the_worker(void **state)
{
	(void)state;
	SAY(LISTEN_ASK, .question = 1, .kind = IPC_FORWARDED_TCPIP, .host = span_str(""),
	    .port = 80);
	settle();
	assert_int_equal(t->worker.fd, -1);
	assert_int_equal(t->n_forwards, 0);
}

static void
an_answer_that_nobody_waits_for_makes_no_forward(void **state)
{
	struct ipc_GLOBAL_DO m;
	uint64_t id;

	(void)state;
	assert_int_equal(postern_transport_request_port_forward_async(t, "", 80, handler, NULL,
	    &id), 0);
	HEAR(GLOBAL_DO, &m);
	/* given up: its late answer is thrown away */
	postern_cancel(ctx, id);
	done(m.call, 1, span_str(""));
	assert_int_equal(t->n_forwards, 0);
	is_refused(opens(IPC_FORWARDED_TCPIP, "", 80), 1);
	/* answered twice: once is what counts */
	(void)forward("", 81, 0, handler, NULL);
	done(m.call + 1, 1, span_str(""));
	assert_int_equal(t->n_forwards, 1);
}

static void
a_port_reply_that_says_nothing_is_the_peers_error(void **state)
{
	static const char long_reply[] = "\0\0\x1f\x90x";
	const struct span bad[] = { span_str(""), span_of("\0\0\x1f", 3),
		span_of(long_reply, 5), span_of("\0\0\0\0", 4), span_of("\0\1\0\0", 4) };
	struct ipc_GLOBAL_DO m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(postern_transport_request_port_forward_async(t, "", 0, handler,
		    NULL, NULL), 0);
		HEAR(GLOBAL_DO, &m);
		done(m.call, 1, bad[i]);
		assert_int_equal(event(POSTERN_EVENT_DONE).result, POSTERN_EPROTO);
	}
	assert_int_equal(t->n_forwards, 0);
}

/* ---- arguments ---- */

static void
arguments_are_checked(void **state)
{
	char longest[API_HOST_MAX + 2];
	struct ipc_GLOBAL_DO m;

	(void)state;
	memset(longest, 'h', sizeof(longest));
	longest[API_HOST_MAX + 1] = '\0';
	assert_int_equal(postern_transport_request_port_forward_async(t, longest, 1, NULL, NULL,
	    NULL), -EMSGSIZE);
	assert_int_equal(postern_transport_request_port_forward_async(t, "", 65536, NULL, NULL,
	    NULL), -EINVAL);
	assert_int_equal(postern_transport_request_port_forward_async(t, NULL, 1, NULL, NULL,
	    NULL), -EINVAL);
	assert_int_equal(postern_transport_cancel_streamlocal_forward_async(t, longest, NULL),
	    -EMSGSIZE);
	nothing_more();
	longest[API_HOST_MAX] = '\0';
	assert_int_equal(postern_transport_request_streamlocal_forward_async(t, longest, NULL,
	    NULL, NULL), 0);
	HEAR(GLOBAL_DO, &m);
	assert_int_equal(m.payload.n, 4 + API_HOST_MAX);
}

static void
forwards_are_bounded(void **state)
{
	int r = 0;

	(void)state;
	for (uint32_t i = 0; i < API_FORWARDS_MAX; i++)
		(void)forward("", 1000 + i, 0, handler, NULL);
	assert_int_equal(t->n_forwards, API_FORWARDS_MAX);
	r = postern_transport_request_port_forward_async(t, "", 80, handler, NULL, NULL);
	assert_int_equal(r, POSTERN_ELIMIT);
	assert_int_equal(cancel("", 1000, 1), 0);
	(void)forward("", 80, 0, handler, NULL);
}

/* ---- what is asked for works ---- */

static void
each_forward_has_its_own_handler(void **state)
{
	int one, two;

	(void)state;
	(void)forward("localhost", 8080, 0, handler, &one);
	(void)forward("localhost", 8081, 0, handler, &two);
	is_granted(opens(IPC_FORWARDED_TCPIP, "localhost", 8081));
	assert_ptr_equal(seen.user, &two);
	assert_string_equal(seen.host, "localhost");
	assert_string_equal(seen.origin, "10.0.0.9");
	assert_int_equal(seen.port, 8081);
	is_granted(opens(IPC_FORWARDED_TCPIP, "localhost", 8080));
	assert_ptr_equal(seen.user, &one);
	/* the end of one leaves the other */
	assert_int_equal(cancel("localhost", 8080, 1), 0);
	is_refused(opens(IPC_FORWARDED_TCPIP, "localhost", 8080), 1);
	is_granted(opens(IPC_FORWARDED_TCPIP, "localhost", 8081));
	assert_int_equal(seen.handled, 3);
	/* refused by the server: as before; nobody is asked about what was never there */
	assert_int_equal(cancel("localhost", 8081, 0), POSTERN_EREFUSED);
	is_granted(opens(IPC_FORWARDED_TCPIP, "localhost", 8081));
	assert_int_equal(cancel("localhost", 9, 0), POSTERN_EREFUSED);
}

static void
port_0_is_known_by_the_port_of_the_reply(void **state)
{
	uint32_t bound = 0;
	struct ipc_GLOBAL_DO m;

	(void)state;
	/* blocking: the answer lies there already, for the number that comes next */
	SAY(DONE, .call = ctx->serial + 1, .ok = 1, .payload = port_payload(40000));
	assert_int_equal(postern_transport_request_port_forward(t, "", 0, handler, NULL, &bound,
	    SOON), 0);
	assert_int_equal(bound, 40000);
	HEAR(GLOBAL_DO, &m);
	assert_int_equal(m.payload.n, 8);
	assert_int_equal(forward("", 0, 40001, handler, NULL), 40001);
	is_refused(opens(IPC_FORWARDED_TCPIP, "", 0), 1);
	is_granted(opens(IPC_FORWARDED_TCPIP, "", 40000));
	is_granted(opens(IPC_FORWARDED_TCPIP, "", 40001));
	SAY(DONE, .call = ctx->serial + 1, .ok = 1, .payload = span_str(""));
	assert_int_equal(postern_transport_cancel_port_forward(t, "", 40000, SOON), 0);
	HEAR(GLOBAL_DO, &m);
	is_refused(opens(IPC_FORWARDED_TCPIP, "", 40000), 1);
	/* refused, and too late: nothing stays */
	SAY(DONE, .call = ctx->serial + 1, .ok = 0, .payload = span_str(""));
	assert_int_equal(postern_transport_request_port_forward(t, "", 1, NULL, NULL, NULL,
	    SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_request_port_forward(t, "", 2, NULL, NULL, NULL, 0),
	    POSTERN_ETIMEOUT);
	assert_int_equal(t->n_forwards, 1);
}

static void
another_address_is_believed_only_if_the_port_is_unique(void **state)
{
	(void)state;
	(void)forward("localhost", 8080, 0, handler, NULL);
	is_granted(opens(IPC_FORWARDED_TCPIP, "127.0.0.1", 8080));
	is_refused(opens(IPC_FORWARDED_TCPIP, "127.0.0.1", 8081), 1);
	(void)forward("10.0.0.1", 8080, 0, handler, NULL);
	is_refused(opens(IPC_FORWARDED_TCPIP, "127.0.0.1", 8080), 1);
	is_granted(opens(IPC_FORWARDED_TCPIP, "10.0.0.1", 8080));
	/* a path is a path */
	is_refused(opens(IPC_FORWARDED_STREAMLOCAL, "localhost", 8080), 1);
}

static void
the_same_again_replaces_its_handler(void **state)
{
	int two;

	(void)state;
	(void)forward("", 80, 0, handler, NULL);
	(void)forward("", 80, 0, handler, &two);
	assert_int_equal(t->n_forwards, 1);
	is_granted(opens(IPC_FORWARDED_TCPIP, "", 80));
	assert_ptr_equal(seen.user, &two);
}

static void
without_a_handler_they_wait_for_accept(void **state)
{
	const struct postern_forward *f;
	postern_channel *ch = NULL;
	uint64_t which;

	(void)state;
	interface_says = POSTERN_REFUSE;	/* not asked */
	(void)forward("", 80, 0, NULL, NULL);
	which = opens(IPC_FORWARDED_TCPIP, "", 80);
	is_granted(which);
	assert_int_equal(postern_transport_accept(t, &ch, 0), 0);
	assert_int_equal(postern_channel_id(ch), which);
	f = postern_channel_get_forward(ch);
	assert_int_equal(f->kind, POSTERN_FORWARDED_TCPIP);
	assert_string_equal(f->origin_host, "10.0.0.9");
	assert_int_equal(f->origin_port, 4711);
	assert_int_equal(seen.interface, 0);
}

static void
a_handler_refuses_puts_off_and_gives_descriptors(void **state)
{
	struct ipc_GRANT g;
	struct ipc_TAKE_SOCKET take;
	int pair[2];
	uint64_t which;

	(void)state;
	(void)forward("", 80, 0, handler, NULL);
	answer_is = POSTERN_REFUSE;
	is_refused(opens(IPC_FORWARDED_TCPIP, "", 80), 1);
	answer_is = POSTERN_LATER;
	which = opens(IPC_FORWARDED_TCPIP, "", 80);
	nothing_more();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(postern_channel_take_socket(seen.ch, pair[0]), 0);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_ACCEPT, NULL), 0);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_ACCEPT, NULL), POSTERN_ESTATE);
	HEAR(GRANT, &g);
	assert_int_equal(g.chan, which);
	HEAR(TAKE_SOCKET, &take);
	/* it is the one that was given */
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(read(take.data, said.buf, 1), 1);
	(void)close(take.data);
	(void)close(pair[1]);
	nothing_more();
}

static void
paths_are_forwarded_too(void **state)
{
	struct ipc_GLOBAL_DO m;

	(void)state;
	SAY(DONE, .call = ctx->serial + 1, .ok = 1, .payload = span_str(""));
	assert_int_equal(postern_transport_request_streamlocal_forward(t, "/run/a", handler,
	    NULL, SOON), 0);
	HEAR(GLOBAL_DO, &m);
	assert_true(span_is(m.kind, "streamlocal-forward@openssh.com"));
	assert_true(span_eq(m.payload, span_of("\0\0\0\6/run/a", 10)));
	is_granted(opens(IPC_FORWARDED_STREAMLOCAL, "/run/a", 0));
	is_refused(opens(IPC_FORWARDED_STREAMLOCAL, "/run/b", 0), 1);
	SAY(DONE, .call = ctx->serial + 1, .ok = 1, .payload = span_str(""));
	assert_int_equal(postern_transport_cancel_streamlocal_forward(t, "/run/a", SOON), 0);
	HEAR(GLOBAL_DO, &m);
	assert_true(span_is(m.kind, "cancel-streamlocal-forward@openssh.com"));
	is_refused(opens(IPC_FORWARDED_STREAMLOCAL, "/run/a", 0), 1);
}

static void
other_kinds_are_the_interfaces(void **state)
{
	(void)state;
	SAY(CHANNEL_ASK, .chan = ++chan, .type = span_str("mine@example.com"),
	    .extra = span_str("x"));
	settle();
	is_granted(chan);
	interface_says = POSTERN_REFUSE;
	SAY(CHANNEL_ASK, .chan = ++chan, .type = span_str("mine@example.com"),
	    .extra = span_str("x"));
	settle();
	is_refused(chan, 2);
	assert_int_equal(seen.interface, 2);
}

/* ---- displays and agents ---- */

static void
a_display_is_lent_by_a_session_and_no_longer(void **state)
{
	postern_channel *ch = play_session();
	const char *cookie;
	struct ipc_OTHER_DO m;
	struct rd r;

	(void)state;
	assert_null(postern_channel_get_x11_cookie(ch));
	assert_int_equal(postern_channel_request_x11_async(ch, 0, NULL, NULL, 3, handler, NULL,
	    NULL), 0);
	HEAR(OTHER_DO, &m);
	assert_true(span_is(m.kind, "x11-req"));
	cookie = postern_channel_get_x11_cookie(ch);
	assert_int_equal(strlen(cookie), 32);
	assert_int_equal(strspn(cookie, "0123456789abcdef"), 32);
	r = rd_of(m.payload);
	assert_false(rd_bool(&r));
	assert_true(span_is(rd_blob(&r, 64), "MIT-MAGIC-COOKIE-1"));
	assert_true(span_is(rd_blob(&r, 64), cookie));
	assert_int_equal(rd_u32(&r), 3);
	assert_true(rd_done(&r));
	/* not before the server's yes, and not for another */
	is_refused(opens(IPC_X11, "", 0), 1);
	done(m.call, 1, span_str(""));
	is_granted(opens(IPC_X11, "", 0));
	is_granted(opens(IPC_X11, "", 0));
	is_refused(opens(IPC_AGENT, "", 0), 1);
	assert_int_equal(seen.handled, 2);
	/* RFC 4254 6.3.1: over with the session; what runs, runs on */
	SAY(CHANNEL_OVER, .chan = ch->id, .had_eof = 1);
	settle();
	is_refused(opens(IPC_X11, "", 0), 1);
	assert_int_equal(t->n_forwards, 0);
	assert_int_equal(seen.ch->state, API_OPEN);
}

static void
two_cookies_differ_and_a_given_one_is_used(void **state)
{
	postern_channel *a = play_session(), *b = play_session(), *c = play_session();
	char longest[1026];

	(void)state;
	memset(longest, 'c', sizeof(longest));
	longest[1025] = '\0';
	assert_int_equal(postern_channel_request_x11_async(a, 0, NULL, longest, 0, NULL, NULL,
	    NULL), -EMSGSIZE);
	longest[65] = '\0';
	assert_int_equal(postern_channel_request_x11_async(a, 0, longest, NULL, 0, NULL, NULL,
	    NULL), -EMSGSIZE);
	assert_int_equal(postern_channel_request_x11_async(a, 0, NULL, NULL, 0, NULL, NULL,
	    NULL), 0);
	assert_int_equal(postern_channel_request_x11_async(b, 0, NULL, NULL, 0, NULL, NULL,
	    NULL), 0);
	assert_int_equal(postern_channel_request_x11_async(c, 0, "P", "00ff", 0, NULL, NULL,
	    NULL), 0);
	assert_string_not_equal(postern_channel_get_x11_cookie(a),
	    postern_channel_get_x11_cookie(b));
	assert_string_equal(postern_channel_get_x11_cookie(c), "00ff");
}

static void
a_single_connection_is_one(void **state)
{
	postern_channel *ch = play_session();
	struct ipc_OTHER_DO m;

	(void)state;
	assert_int_equal(postern_channel_request_x11_async(ch, 1, NULL, NULL, 0, handler, NULL,
	    NULL), 0);
	HEAR(OTHER_DO, &m);
	assert_int_equal(m.payload.p[0], 1);
	done(m.call, 1, span_str(""));
	/* one that was refused was none */
	answer_is = POSTERN_REFUSE;
	is_refused(opens(IPC_X11, "", 0), 1);
	answer_is = POSTERN_ACCEPT;
	is_granted(opens(IPC_X11, "", 0));
	is_refused(opens(IPC_X11, "", 0), 1);
	assert_int_equal(seen.handled, 2);
}

static void
an_agent_is_lent_only_when_asked_for(void **state)
{
	postern_channel *ch = play_session();
	struct ipc_OTHER_DO m;

	(void)state;
	SAY(DONE, .call = ctx->serial + 1, .ok = 0, .payload = span_str(""));
	assert_int_equal(postern_channel_request_forward_agent(ch, handler, NULL, SOON),
	    POSTERN_EREFUSED);
	HEAR(OTHER_DO, &m);
	assert_true(span_is(m.kind, "auth-agent-req@openssh.com"));
	assert_int_equal(m.payload.n, 0);
	is_refused(opens(IPC_AGENT, "", 0), 1);
	SAY(DONE, .call = ctx->serial + 1, .ok = 1, .payload = span_str(""));
	assert_int_equal(postern_channel_request_forward_agent(ch, handler, NULL, SOON), 0);
	HEAR(OTHER_DO, &m);
	is_granted(opens(IPC_AGENT, "", 0));
	is_refused(opens(IPC_X11, "", 0), 1);
	/* given up with its session */
	postern_channel_free(ch);
	settle();
	(void)next_said(&(struct rd){ 0 });	/* CHANNEL_CLOSE */
	is_refused(opens(IPC_AGENT, "", 0), 1);
}

static void
the_yes_to_a_session_that_is_over_lends_nothing(void **state)
{
	postern_channel *ch = play_session();
	struct ipc_OTHER_DO m;

	(void)state;
	assert_int_equal(postern_channel_request_forward_agent_async(ch, handler, NULL, NULL), 0);
	HEAR(OTHER_DO, &m);
	SAY(CHANNEL_OVER, .chan = ch->id, .had_eof = 1);
	settle();
	done(m.call, 1, span_str(""));
	assert_int_equal(t->n_forwards, 0);
	is_refused(opens(IPC_AGENT, "", 0), 1);
	assert_int_equal(postern_channel_request_forward_agent(ch, handler, NULL, SOON),
	    POSTERN_ECLOSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
		T(a_forward_that_nobody_asked_for_is_refused),
		T(an_unknown_kind_ends_the_worker),
		T(a_port_that_there_cannot_be_ends_the_worker),
		T(a_listen_request_to_a_client_ends_the_worker),
		T(an_answer_that_nobody_waits_for_makes_no_forward),
		T(a_port_reply_that_says_nothing_is_the_peers_error),
		T(arguments_are_checked),
		T(forwards_are_bounded),
		T(each_forward_has_its_own_handler),
		T(port_0_is_known_by_the_port_of_the_reply),
		T(another_address_is_believed_only_if_the_port_is_unique),
		T(the_same_again_replaces_its_handler),
		T(without_a_handler_they_wait_for_accept),
		T(a_handler_refuses_puts_off_and_gives_descriptors),
		T(paths_are_forwarded_too),
		T(other_kinds_are_the_interfaces),
		T(a_display_is_lent_by_a_session_and_no_longer),
		T(two_cookies_differ_and_a_given_one_is_used),
		T(a_single_connection_is_one),
		T(an_agent_is_lent_only_when_asked_for),
		T(the_yes_to_a_session_that_is_over_lends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
