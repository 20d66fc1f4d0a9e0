/* api_listen_test.c - a server that is asked to listen, and for forwards: what reaches
 * the application, and what it says. */
#include "tests/api_play.h"

static struct seen {
	int opens, listens, cancels, requests;
	uint64_t question;
	postern_channel *ch;
	char kind[64], host[64], name[64], cookie[64];
	int forward, request, flag;
	uint32_t port, screen;
} seen;
static int answer_is;
static uint32_t port_is;

static int
check_open(void *user, postern_transport *of, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)extra, (void)reason;
	assert_ptr_equal(of, t);
	seen.opens++;
	seen.question = question;
	seen.ch = ch;
	(void)snprintf(seen.kind, sizeof(seen.kind), "%s", kind);
	if (f != NULL) {
		assert_int_equal(len, 0);
		assert_ptr_equal(f, postern_channel_get_forward(ch));
		(void)snprintf(seen.host, sizeof(seen.host), "%s", f->host);
		seen.forward = f->kind;
		seen.port = f->port;
	}
	return answer_is;
}

static int
check_listen(void *user, postern_transport *of, uint64_t question,
    const struct postern_forward *f, uint32_t *port)
{
	(void)user;
	assert_ptr_equal(of, t);
	assert_int_equal(*port, f->port);
	seen.listens++;
	seen.question = question;
	seen.forward = f->kind;
	(void)snprintf(seen.host, sizeof(seen.host), "%s", f->host);
	seen.port = f->port;
	if (port_is != 0)
		*port = port_is;
	return answer_is;
}

static void
cancel_listen(void *user, postern_transport *of, const struct postern_forward *f)
{
	(void)user;
	assert_ptr_equal(of, t);
	seen.cancels++;
	seen.port = f->port;
	(void)snprintf(seen.host, sizeof(seen.host), "%s", f->host);
}

static int
check_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user;
	seen.requests++;
	seen.ch = ch;
	seen.question = question;
	seen.request = rq->kind;
	seen.flag = rq->flag;
	seen.screen = rq->screen;
	(void)snprintf(seen.name, sizeof(seen.name), "%s", rq->name);
	(void)snprintf(seen.cookie, sizeof(seen.cookie), "%s",
	    rq->cookie != NULL ? rq->cookie : "");
	return answer_is;
}

static int
check_global(void *user, postern_transport *of, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)of, (void)kind, (void)data, (void)len;
	seen.question = question;
	return answer_is;
}

static int
begin(void **state, bool is_full)
{
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	memset(&seen, 0, sizeof(seen));
	answer_is = POSTERN_ACCEPT;
	port_is = 0;
	i.check_channel_open = check_open;
	if (is_full) {
		i.check_port_forward_request = check_listen;
		i.cancel_port_forward_request = cancel_listen;
		i.check_channel_request = check_request;
		i.check_global_request = check_global;
	}
	if (fake_setup(state) != 0)
		return -1;
	play_server(&i);
	return 0;
}

static int
setup(void **state)
{
	return begin(state, true);
}

static int
setup_without_functions(void **state)
{
	return begin(state, false);
}

static void
ask_listen(uint64_t question, uint8_t kind, uint8_t cancel, const char *host, uint32_t port)
{
	SAY(LISTEN_ASK, .question = question, .kind = kind, .cancel = cancel,
	    .host = span_str(host), .port = port);
	settle();
}

static void
ask_tcp(uint64_t question, const char *host, uint32_t port)
{
	ask_listen(question, IPC_FORWARDED_TCPIP, 0, host, port);
}

static void
end_tcp(uint64_t question, const char *host, uint32_t port)
{
	ask_listen(question, IPC_FORWARDED_TCPIP, 1, host, port);
}

static void
is_answered(uint64_t question, uint8_t ok, struct span payload)
{
	struct ipc_GLOBAL_ANSWER m;

	HEAR(GLOBAL_ANSWER, &m);
	assert_int_equal(m.question, question);
	assert_int_equal(m.ok, ok);
	assert_true(span_eq(m.payload, payload));
	nothing_more();
}

static void
request_is_answered(uint64_t question, uint8_t ok)
{
	struct ipc_ANSWER_ASK m;

	HEAR(ANSWER_ASK, &m);
	assert_int_equal(m.question, question);
	assert_int_equal(m.ok, ok);
	nothing_more();
}

/* A session of the peer's. */
static uint64_t
session(void)
{
	static uint64_t chan = 1000;
	struct ipc_GRANT g;

	SAY(CHANNEL_ASK, .chan = ++chan, .type = span_str("session"), .extra = span_str(""));
	settle();
	HEAR(GRANT, &g);
	return chan;
}

static void
opens(uint64_t chan, uint8_t kind, const char *host, uint32_t port)
{
	SAY(FORWARD_ASK, .chan = chan, .kind = kind, .host = span_str(host), .port = port,
	    .origin = span_str("1.2.3.4"), .origin_port = 5);
	settle();
}

static void
open_is_refused(uint64_t chan)
{
	struct ipc_REFUSE m;

	HEAR(REFUSE, &m);
	assert_int_equal(m.chan, chan);
	nothing_more();
}

/* ---- a worker that lies ---- */

static void
kinds_that_there_cannot_be_end_the_worker(void **state)
{
	static const struct { uint8_t kind; uint32_t port; } lies[] = {
		{ 0, 1 }, { IPC_DIRECT_TCPIP, 1 }, { IPC_X11, 1 }, { IPC_AGENT, 1 }, { 7, 1 },
		{ 255, 1 }, { IPC_FORWARDED_TCPIP, 65536 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ask_listen(1, lies[i].kind, 0, "", lies[i].port);
		assert_int_equal(t->worker.fd, -1);
		assert_int_equal(seen.listens, 0);
		(void)play_teardown(state);
		assert_int_equal(setup(state), 0);
	}
	opens(1, 7, "", 1);
	assert_int_equal(t->worker.fd, -1);
	assert_int_equal(seen.opens, 0);
}

static void
a_flood_of_listens_is_bounded(void **state)
{
	struct ipc_GLOBAL_ANSWER m;
	unsigned yes = 0;

	(void)state;
	for (uint32_t i = 1; i <= API_FORWARDS_MAX + 20; i++) {
		ask_tcp(i, "", i);
		HEAR(GLOBAL_ANSWER, &m);
		yes += m.ok;
	}
	assert_int_equal(yes, API_FORWARDS_MAX);
	assert_int_equal(seen.listens, API_FORWARDS_MAX);
	/* one that ends makes room */
	end_tcp(1, "", 1);
	is_answered(1, 1, span_str(""));
	ask_tcp(2, "", 5000);
	is_answered(2, 1, span_str(""));
}

static void
a_flood_of_put_off_listens_is_bounded(void **state)
{
	struct rd r = { 0 };
	struct ipc_GLOBAL_ANSWER m;
	unsigned no = 0;

	(void)state;
	answer_is = POSTERN_LATER;
	for (uint32_t i = 1; i <= API_QUESTIONS_MAX + 20; i++)
		ask_tcp(i, "", i);
	while (next_said(&r) == IPC_MSG_GLOBAL_ANSWER) {
		assert_true(ipc_get_GLOBAL_ANSWER(&r, said.fds, &m));
		assert_false(m.ok);
		no++;
	}
	assert_in_range(no, 20, 20 + API_QUESTIONS_MAX - API_FORWARDS_MAX);
	assert_int_equal(t->n_forwards, 0);
}

static void
a_question_twice_is_two_questions(void **state)
{
	uint64_t first;

	(void)state;
	answer_is = POSTERN_LATER;
	ask_tcp(9, "", 80);
	first = seen.question;
	/* the same number, another port: each has an answer of its own */
	ask_tcp(9, "", 81);
	assert_int_not_equal(first, seen.question);
	assert_int_equal(postern_answer_port(t, first, POSTERN_REFUSE, 0), 0);
	is_answered(9, 0, span_str(""));
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 81), 0);
	is_answered(9, 1, span_str(""));
	/* the same port while it is asked about, and once it is granted */
	ask_tcp(10, "", 82);
	ask_tcp(11, "", 82);
	is_answered(11, 0, span_str(""));
	ask_tcp(12, "", 81);
	is_answered(12, 0, span_str(""));
	assert_int_equal(seen.listens, 3);
}

static void
what_only_a_server_opens_is_refused(void **state)
{
	(void)state;
	opens(1, IPC_FORWARDED_TCPIP, "", 1);
	open_is_refused(1);
	opens(2, IPC_FORWARDED_STREAMLOCAL, "/x", 0);
	open_is_refused(2);
	opens(3, IPC_X11, "", 0);
	open_is_refused(3);
	opens(4, IPC_AGENT, "", 0);
	open_is_refused(4);
	/* without its fields the application would take it for another kind */
	SAY(CHANNEL_ASK, .chan = 5, .type = span_str("direct-tcpip"), .extra = span_str("x"));
	settle();
	open_is_refused(5);
	assert_int_equal(seen.opens, 0);
}

static void
a_forward_is_no_session(void **state)
{
	struct ipc_GRANT g;
	struct ipc_TAKE_SOCKET take;

	(void)state;
	opens(1, IPC_DIRECT_TCPIP, "db", 5432);
	HEAR(GRANT, &g);
	HEAR(TAKE_SOCKET, &take);
	(void)close(take.data);
	SAY(EXEC_ASK, .chan = 1, .question = 5, .command = span_str("id"));
	settle();
	request_is_answered(5, 0);
	SAY(PTY_ASK, .chan = 1, .question = 6, .term = span_str("vt100"), .modes = span_str(""));
	settle();
	request_is_answered(6, 0);
	SAY(X11_ASK, .chan = 1, .question = 7, .protocol = span_str(""), .cookie = span_str(""));
	settle();
	request_is_answered(7, 0);
	assert_int_equal(seen.requests, 0);
}

/* ---- the default is no ---- */

static void
without_functions_the_answer_is_no(void **state)
{
	uint64_t chan = session();

	(void)state;
	ask_tcp(1, "", 80);
	is_answered(1, 0, span_str(""));
	end_tcp(2, "", 80);
	is_answered(2, 0, span_str(""));
	SAY(X11_ASK, .chan = chan, .question = 3, .protocol = span_str("P"),
	    .cookie = span_str("00"));
	settle();
	request_is_answered(3, 0);
	SAY(OTHER_ASK, .chan = chan, .question = 4,
	    .kind = span_str("auth-agent-req@openssh.com"), .payload = span_str(""));
	settle();
	request_is_answered(4, 0);
}

static void
restrictions_are_kept(void **state)
{
	uint64_t chan = session();

	(void)state;
	assert_int_equal(postern_transport_restrict(t, POSTERN_PERMIT_DIRECT |
	    POSTERN_PERMIT_LISTEN | POSTERN_PERMIT_X11 | POSTERN_PERMIT_AGENT |
	    POSTERN_PERMIT_SESSIONS | POSTERN_PERMIT_PROGRAMS | POSTERN_PERMIT_PTY), 0);
	opens(2000, IPC_DIRECT_TCPIP, "db", 5432);
	open_is_refused(2000);
	opens(2001, IPC_DIRECT_STREAMLOCAL, "/x", 0);
	open_is_refused(2001);
	SAY(CHANNEL_ASK, .chan = 2002, .type = span_str("session"), .extra = span_str(""));
	settle();
	open_is_refused(2002);
	ask_tcp(1, "", 80);
	is_answered(1, 0, span_str(""));
	SAY(X11_ASK, .chan = chan, .question = 2, .protocol = span_str(""),
	    .cookie = span_str(""));
	settle();
	request_is_answered(2, 0);
	SAY(OTHER_ASK, .chan = chan, .question = 3, .kind = span_str("agent-req"),
	    .payload = span_str(""));
	settle();
	request_is_answered(3, 0);
	SAY(EXEC_ASK, .chan = chan, .question = 4, .command = span_str("id"));
	settle();
	request_is_answered(4, 0);
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.listens + seen.requests, 0);
}

/* ---- listening ---- */

static void
the_port_is_told_only_to_who_asked_for_any(void **state)
{
	(void)state;
	ask_tcp(1, "localhost", 8080);
	is_answered(1, 1, span_str(""));
	assert_string_equal(seen.host, "localhost");
	port_is = 40000;
	ask_tcp(2, "localhost", 0);
	is_answered(2, 1, span_of("\0\0\x9c\x40", 4));
	/* it is known by that port from now on; the truth about the end */
	end_tcp(3, "localhost", 0);
	is_answered(3, 0, span_str(""));
	end_tcp(4, "localhost", 40000);
	is_answered(4, 1, span_str(""));
	assert_int_equal(seen.cancels, 1);
	assert_int_equal(seen.port, 40000);
	end_tcp(5, "localhost", 40000);
	is_answered(5, 0, span_str(""));
	end_tcp(6, "127.0.0.1", 8080);
	is_answered(6, 0, span_str(""));
	end_tcp(0, "localhost", 8080);	/* no reply is wanted */
	nothing_more();
	assert_int_equal(seen.cancels, 2);
	assert_int_equal(t->n_forwards, 0);
}

static void
an_answer_without_a_port_is_none(void **state)
{
	(void)state;
	ask_tcp(1, "", 0);		/* ACCEPT, but of port 0 */
	is_answered(1, 0, span_str(""));
	port_is = 65536;
	ask_tcp(2, "", 0);
	is_answered(2, 0, span_str(""));
	assert_int_equal(t->n_forwards, 0);
	answer_is = POSTERN_LATER;
	ask_tcp(3, "", 0);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_ACCEPT, NULL), -EINVAL);
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 0), -EINVAL);
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 65536), -EINVAL);
	nothing_more();
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 7000), 0);
	is_answered(3, 1, span_of("\0\0\x1b\x58", 4));
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 7000),
	    POSTERN_ESTATE);
	/* a port is not an answer to anything else */
	SAY(GLOBAL_ASK, .question = 4, .kind = span_str("x"), .payload = span_str(""));
	settle();
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 1),
	    POSTERN_ESTATE);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_REFUSE, NULL), 0);
	is_answered(4, 0, span_str(""));
}

static void
paths_are_listened_on_too(void **state)
{
	(void)state;
	answer_is = POSTERN_LATER;
	ask_listen(1, IPC_FORWARDED_STREAMLOCAL, 0, "/run/a", 77);
	assert_int_equal(seen.forward, POSTERN_FORWARDED_STREAMLOCAL);
	assert_int_equal(seen.port, 0);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_ACCEPT, NULL), 0);
	is_answered(1, 1, span_str(""));
	end_tcp(2, "/run/a", 0);		/* a port of that name is another */
	is_answered(2, 0, span_str(""));
	ask_listen(3, IPC_FORWARDED_STREAMLOCAL, 1, "/run/a", 0);
	is_answered(3, 1, span_str(""));
	assert_string_equal(seen.host, "/run/a");
}

static void
an_end_of_what_is_still_asked_about_is_told_no(void **state)
{
	(void)state;
	answer_is = POSTERN_LATER;
	ask_tcp(1, "", 80);
	end_tcp(2, "", 80);
	is_answered(2, 0, span_str(""));
	assert_int_equal(seen.cancels, 0);
	assert_int_equal(postern_answer_port(t, seen.question, POSTERN_ACCEPT, 80), 0);
	is_answered(1, 1, span_str(""));
}

/* ---- opens and requests ---- */

static void
direct_opens_come_with_their_fields(void **state)
{
	struct ipc_GRANT g;
	struct ipc_TAKE_SOCKET take;
	int pair[2];

	(void)state;
	answer_is = POSTERN_LATER;
	opens(1, IPC_DIRECT_TCPIP, "db", 5432);
	assert_string_equal(seen.kind, "direct-tcpip");
	assert_string_equal(seen.host, "db");
	assert_int_equal(seen.port, 5432);
	assert_int_equal(seen.forward, POSTERN_DIRECT_TCPIP);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(postern_channel_take_socket(seen.ch, pair[0]), 0);
	assert_int_equal(postern_answer(t, seen.question, POSTERN_ACCEPT, NULL), 0);
	HEAR(GRANT, &g);
	HEAR(TAKE_SOCKET, &take);
	(void)close(take.data);
	(void)close(pair[1]);
	answer_is = POSTERN_REFUSE;
	opens(2, IPC_DIRECT_STREAMLOCAL, "/run/db", 0);
	assert_string_equal(seen.kind, "direct-streamlocal@openssh.com");
	open_is_refused(2);
}

static void
displays_and_agents_are_asked_for(void **state)
{
	uint64_t chan = session();

	(void)state;
	SAY(X11_ASK, .chan = chan, .question = 3, .single = 2, .protocol = span_str("P"),
	    .cookie = span_str("00ff"), .screen = 4);
	settle();
	request_is_answered(3, 1);
	assert_int_equal(seen.request, POSTERN_REQ_X11);
	assert_string_equal(seen.name, "P");
	assert_string_equal(seen.cookie, "00ff");
	assert_int_equal(seen.screen, 4);
	assert_int_equal(seen.flag, 1);
	for (int i = 0; i < 2; i++) {
		SAY(OTHER_ASK, .chan = chan, .question = 4,
		    .kind = span_str(i == 0 ? "auth-agent-req@openssh.com" : "agent-req"),
		    .payload = span_str(""));
		settle();
		request_is_answered(4, 1);
		assert_int_equal(seen.request, POSTERN_REQ_AGENT);
	}
	SAY(OTHER_ASK, .chan = chan, .question = 5, .kind = span_str("xon-xoff"),
	    .payload = span_of("\1", 1));
	settle();
	request_is_answered(5, 1);
	assert_int_equal(seen.request, POSTERN_REQ_XON_XOFF);
	assert_int_equal(seen.flag, 1);
	/* another form of it is for the application to know */
	SAY(OTHER_ASK, .chan = chan, .question = 6, .kind = span_str("xon-xoff"),
	    .payload = span_of("\1\1", 2));
	settle();
	request_is_answered(6, 1);
	assert_int_equal(seen.request, POSTERN_REQ_OTHER);
	/* of a channel that is not there */
	SAY(X11_ASK, .chan = 1, .question = 7, .protocol = span_str(""), .cookie = span_str(""));
	settle();
	request_is_answered(7, 0);
}

static void
global_requests_are_answered_with_words(void **state)
{
	postern_message *m = postern_message_new();

	(void)state;
	answer_is = POSTERN_LATER;
	postern_message_add_int(m, 7);
	SAY(GLOBAL_ASK, .question = 1, .kind = span_str("x"), .payload = span_str(""));
	settle();
	assert_int_equal(postern_answer_payload(t, seen.question, POSTERN_ACCEPT, m), 0);
	is_answered(1, 1, span_of("\0\0\0\7", 4));
	assert_int_equal(postern_answer_payload(t, seen.question, POSTERN_ACCEPT, m),
	    POSTERN_ESTATE);
	/* a refusal has none [RFC 4254 4] */
	SAY(GLOBAL_ASK, .question = 2, .kind = span_str("x"), .payload = span_str(""));
	settle();
	assert_int_equal(postern_answer_payload(t, seen.question, POSTERN_REFUSE, m), 0);
	is_answered(2, 0, span_str(""));
	for (int i = 0; i < 2000; i++)
		postern_message_add_int64(m, 7);
	SAY(GLOBAL_ASK, .question = 3, .kind = span_str("x"), .payload = span_str(""));
	settle();
	assert_int_equal(postern_answer_payload(t, seen.question, POSTERN_ACCEPT, m), -EINVAL);
	postern_message_free(m);
	assert_int_equal(postern_answer_payload(t, seen.question, POSTERN_ACCEPT, NULL), 0);
	is_answered(3, 1, span_str(""));
}

static void
a_server_asks_for_no_forwards(void **state)
{
	struct ipc_GRANT g;
	postern_channel *ch;

	(void)state;
	assert_int_equal(postern_transport_request_port_forward(t, "", 80, NULL, NULL, NULL, 0),
	    POSTERN_ESTATE);
	assert_int_equal(postern_transport_cancel_port_forward(t, "", 80, 0), POSTERN_ESTATE);
	SAY(CHANNEL_ASK, .chan = 1, .type = span_str("session"), .extra = span_str(""));
	settle();
	HEAR(GRANT, &g);
	assert_int_equal(postern_transport_accept(t, &ch, 0), 0);
	assert_int_equal(postern_channel_request_forward_agent(ch, NULL, NULL, 0),
	    POSTERN_ESTATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
		T(kinds_that_there_cannot_be_end_the_worker),
		T(a_flood_of_listens_is_bounded),
		T(a_flood_of_put_off_listens_is_bounded),
		T(a_question_twice_is_two_questions),
		T(what_only_a_server_opens_is_refused),
		T(a_forward_is_no_session),
		cmocka_unit_test_setup_teardown(without_functions_the_answer_is_no,
		    setup_without_functions, play_teardown),
		T(restrictions_are_kept),
		T(the_port_is_told_only_to_who_asked_for_any),
		T(an_answer_without_a_port_is_none),
		T(paths_are_listened_on_too),
		T(an_end_of_what_is_still_asked_about_is_told_no),
		T(direct_opens_come_with_their_fields),
		T(displays_and_agents_are_asked_for),
		T(global_requests_are_answered_with_words),
		T(a_server_asks_for_no_forwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
