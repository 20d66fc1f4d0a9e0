/*
 * worker_events_test.c - forwarding as the peer asks for it: typed questions to the
 * application, what is malformed or not for this side refused in the worker.
 */
#include "tests/worker_lab.h"

static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };
static const struct lab_options client = { .role = SSH_CLIENT, .close_ms = 300 };

enum { FORMS = 7 };

static uint8_t buf[8192];

static struct span
tcpip(const char *host, uint32_t port, const char *origin, uint32_t origin_port)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_str(&w, host);
	wr_u32(&w, port);
	wr_str(&w, origin);
	wr_u32(&w, origin_port);
	return wr_span(&w);
}

static struct span
path_of(const char *path, bool direct)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_str(&w, path);
	wr_str(&w, "");
	if (direct)
		wr_u32(&w, 0);
	return wr_span(&w);
}

static struct span
origin_of(const char *origin, uint32_t port)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_str(&w, origin);
	wr_u32(&w, port);
	return wr_span(&w);
}

/* A well-formed extra part of each type. */
static const struct form {
	const char *type;
	enum ipc_forward kind;
	enum ssh_role receiver;
} forms[FORMS] = {
	{ "direct-tcpip",                      IPC_DIRECT_TCPIP,          SSH_SERVER },
	{ "direct-streamlocal@openssh.com",    IPC_DIRECT_STREAMLOCAL,    SSH_SERVER },
	{ "forwarded-tcpip",                   IPC_FORWARDED_TCPIP,       SSH_CLIENT },
	{ "forwarded-streamlocal@openssh.com", IPC_FORWARDED_STREAMLOCAL, SSH_CLIENT },
	{ "x11",                               IPC_X11,                   SSH_CLIENT },
	{ "auth-agent@openssh.com",            IPC_AGENT,                 SSH_CLIENT },
	{ "agent-connect",                     IPC_AGENT,                 SSH_CLIENT },
};

static struct span
extra_of(enum ipc_forward kind)
{
	switch (kind) {
	case IPC_DIRECT_TCPIP:
	case IPC_FORWARDED_TCPIP:
		return tcpip("host", 80, "from", 1234);
	case IPC_DIRECT_STREAMLOCAL:
		return path_of("/run/s", true);
	case IPC_FORWARDED_STREAMLOCAL:
		return path_of("/run/s", false);
	case IPC_X11:
		return origin_of("from", 1234);
	case IPC_AGENT:
		break;
	}
	return span_of(buf, 0);
}

static void
peer_opens(struct lab *l, uint64_t serial, const char *type, struct span extra)
{
	assert_int_equal(connection_open(l->pc, serial, span_str(type), extra, any_size), PROTO_OK);
}

static void
expect_refused(struct lab *l, unsigned n)
{
	LAB_UNTIL(l, l->events[CE_NOT_OPENED] == n);
	assert_null(l->w->flows);
	assert_int_equal(l->said[IPC_MSG_FORWARD_ASK] + l->said[IPC_MSG_CHANNEL_ASK], 0);
	assert_true(l->alive);
}

static void
test_opens_become_typed_questions(void **state)
{
	struct lab *l;
	struct ipc_FORWARD_ASK ask;

	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		const struct form *f = &forms[i];
		bool has_host = f->kind != IPC_X11 && f->kind != IPC_AGENT;
		bool is_tcp = f->kind == IPC_DIRECT_TCPIP || f->kind == IPC_FORWARDED_TCPIP;
		bool has_origin = is_tcp || f->kind == IPC_X11;

		l = lab_open(f->receiver == SSH_SERVER ? &server : &client);
		peer_opens(l, 5, f->type, extra_of(f->kind));
		LAB_UNTIL(l, l->said[IPC_MSG_FORWARD_ASK] == 1);
		LAB_WORDS(l, FORWARD_ASK, &ask);
		assert_int_equal(ask.kind, f->kind);
		assert_true(span_is(ask.host, !has_host ? "" : is_tcp ? "host" : "/run/s"));
		assert_int_equal(ask.port, is_tcp ? 80 : 0);
		assert_true(span_is(ask.origin, has_origin ? "from" : ""));
		assert_int_equal(ask.origin_port, has_origin ? 1234 : 0);
		/* and from here on it is a channel as any other */
		assert_int_equal(ipc_send_GRANT(l->app, &(struct ipc_GRANT){ .chan = ask.chan }), 0);
		LAB_UNTIL(l, l->events[CE_OPENED] == 1);
		assert_int_equal(l->said[IPC_MSG_CHANNEL_ASK], 0);
		lab_free(l);
	}
}

static void
test_opens_of_the_wrong_side_are_refused(void **state)
{
	struct lab *l = lab_open(&server), *c = lab_open(&client);
	unsigned at_server = 0, at_client = 0;

	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		const struct form *f = &forms[i];

		if (f->receiver == SSH_CLIENT) {
			peer_opens(l, 10 + i, f->type, extra_of(f->kind));
			expect_refused(l, ++at_server);
		} else {
			peer_opens(c, 10 + i, f->type, extra_of(f->kind));
			expect_refused(c, ++at_client);
		}
	}
	/* RFC 4254 6.1 */
	peer_opens(c, 50, "session", span_of(NULL, 0));
	expect_refused(c, ++at_client);
	assert_int_equal(at_server, 5);
	assert_int_equal(at_client, 3);
	lab_free(l);
	lab_free(c);
}

static void
test_malformed_opens_are_refused(void **state)
{
	static const uint8_t nul[] = "\0\0\0\3a\0b\0\0\0\26\0\0\0\1x\0\0\0\1";
	struct lab *l = lab_open(&server), *c = lab_open(&client);
	unsigned at_server = 0, at_client = 0;

	(void)state;
	peer_opens(l, 5, "direct-tcpip", tcpip("h", 65536, "o", 1));
	expect_refused(l, ++at_server);
	peer_opens(l, 6, "direct-tcpip", tcpip("h", 1, "o", 65536));
	expect_refused(l, ++at_server);
	peer_opens(l, 7, "direct-tcpip", span_of(nul, sizeof(nul) - 1));
	expect_refused(l, ++at_server);
	peer_opens(l, 8, "direct-streamlocal@openssh.com", path_of("", true));
	expect_refused(l, ++at_server);
	for (size_t i = 0; i < FORMS; i++) {
		const struct form *f = &forms[i];
		bool at = f->receiver == SSH_SERVER;
		struct span s = extra_of(f->kind);

		buf[s.n] = 0;
		peer_opens(at ? l : c, 20 + i, f->type, span_of(buf, s.n + 1));
		expect_refused(at ? l : c, at ? ++at_server : ++at_client);
		if (s.n == 0)
			continue;
		peer_opens(at ? l : c, 40 + i, f->type, span_of(buf, s.n - 1));
		expect_refused(at ? l : c, at ? ++at_server : ++at_client);
	}
	lab_free(l);
	lab_free(c);
}

/* ---- listening ---- */

static void
test_listening_becomes_a_typed_question(void **state)
{
	static const struct { const char *kind; enum ipc_forward leads; bool cancel; } cases[] = {
		{ "tcpip-forward", IPC_FORWARDED_TCPIP, false },
		{ "cancel-tcpip-forward", IPC_FORWARDED_TCPIP, true },
		{ "streamlocal-forward@openssh.com", IPC_FORWARDED_STREAMLOCAL, false },
		{ "cancel-streamlocal-forward@openssh.com", IPC_FORWARDED_STREAMLOCAL, true },
	};
	struct lab *l = lab_open(&server);
	struct ipc_LISTEN_ASK ask;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		bool is_tcp = cases[i / 2].leads == IPC_FORWARDED_TCPIP, wants = i % 2 != 0;
		struct wr w = wr_of(buf, sizeof(buf));

		wr_str(&w, "where");
		if (is_tcp)
			wr_u32(&w, 8080);
		assert_int_equal(connection_global(l->pc, wants ? 100 + i : 0,
		    span_str(cases[i / 2].kind), wr_span(&w)), PROTO_OK);
		LAB_UNTIL(l, l->said[IPC_MSG_LISTEN_ASK] == i + 1);
		LAB_WORDS(l, LISTEN_ASK, &ask);
		assert_int_equal(ask.kind, cases[i / 2].leads);
		assert_int_equal(ask.cancel, cases[i / 2].cancel);
		assert_true(span_is(ask.host, "where"));
		assert_int_equal(ask.port, is_tcp ? 8080 : 0);
		assert_int_equal(ask.question != 0, wants);
		if (!wants)
			continue;
		assert_int_equal(ipc_send_GLOBAL_ANSWER(l->app, &(struct ipc_GLOBAL_ANSWER){
		    .question = ask.question, .ok = 1, .payload = span_of("\0\0\37\220", 4) }), 0);
		LAB_UNTIL(l, l->events[CE_CALL_DONE] == (i + 1) / 2);
	}
	assert_int_equal(l->said[IPC_MSG_GLOBAL_ASK], 0);
	lab_free(l);
}

static void
test_bad_listening_is_refused(void **state)
{
	struct lab *l = lab_open(&server), *c = lab_open(&client);
	unsigned n = 0;

	(void)state;
#define NO(lab, kind, payload) do { \
	assert_int_equal(connection_global((lab)->pc, 500 + ++n, span_str(kind), payload), PROTO_OK); \
	LAB_UNTIL(lab, (lab)->events[CE_CALL_DONE] > 0); \
	(lab)->events[CE_CALL_DONE] = 0; \
	assert_int_equal((lab)->said[IPC_MSG_LISTEN_ASK] + (lab)->said[IPC_MSG_GLOBAL_ASK], 0); \
} while (0)
	NO(l, "tcpip-forward", origin_of("", 65536));
	NO(l, "tcpip-forward", span_of("\0\0\0\1\0\0\0\0\0", 9));
	NO(l, "tcpip-forward", span_of("\0\0\0\1x\0\0\0\0\0", 10));
	NO(l, "cancel-tcpip-forward", span_of("", 0));
	NO(l, "streamlocal-forward@openssh.com", span_of("\0\0\0\0", 4));
	NO(l, "cancel-streamlocal-forward@openssh.com", span_of("\0\0\0\2x", 5));
	/* a server asks nobody to listen */
	NO(c, "tcpip-forward", origin_of("", 0));
	NO(c, "streamlocal-forward@openssh.com", span_of("\0\0\0\1x", 5));
#undef NO
	/* without a reply wanted, nothing is said at all */
	assert_int_equal(connection_global(l->pc, 0, span_str("tcpip-forward"), span_of("", 0)),
	    PROTO_OK);
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_LISTEN_ASK], 0);
	assert_true(l->alive && c->alive);
	lab_free(l);
	lab_free(c);
}

/* ---- X11 ---- */

static struct span
x11(const char *cookie, uint32_t screen)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, 1);
	wr_str(&w, "MIT-MAGIC-COOKIE-1");
	wr_str(&w, cookie);
	wr_u32(&w, screen);
	return wr_span(&w);
}

static void
peer_asks_x11(struct lab *l, struct channel *ch, uint64_t call, struct span payload)
{
	assert_int_equal(connection_request(l->pc, ch, call, &(struct request){
	    .kind = RQ_OTHER, .name = span_str("x11-req"), .value = payload }), PROTO_OK);
}

static void
test_x11_becomes_a_typed_question(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct ipc_X11_ASK ask;

	(void)state;
	peer_asks_x11(l, c->ch, 9, x11("0123", 4));
	LAB_UNTIL(l, l->said[IPC_MSG_X11_ASK] == 1);
	LAB_WORDS(l, X11_ASK, &ask);
	assert_true(ask.chan == chan && ask.question != 0 && ask.single == 1 && ask.screen == 4);
	assert_true(span_is(ask.protocol, "MIT-MAGIC-COOKIE-1") && span_is(ask.cookie, "0123"));
	assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
	    .question = ask.question, .ok = 1 }), 0);
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);

	/* one byte less, one more: a no, and nobody was asked */
	for (uint64_t i = 0; i < 2; i++) {
		struct span s = x11("0123", 4);

		buf[s.n] = 0;
		peer_asks_x11(l, c->ch, 20 + i, span_of(buf, i == 0 ? s.n - 1 : s.n + 1));
		LAB_UNTIL(l, l->events[CE_CALL_DONE] == 2 + i);
	}
	assert_int_equal(l->said[IPC_MSG_X11_ASK], 1);
	assert_int_equal(l->said[IPC_MSG_OTHER_ASK], 0);
	assert_true(l->alive);
	lab_free(l);
}

static void
test_a_server_asks_no_client_for_x11(void **state)
{
	struct lab *l = lab_open(&client);

	(void)state;
	assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){
	    .chan = (uint64_t)1 << 63, .type = span_str("session") }), 0);
	LAB_UNTIL(l, l->n_ch == 1);
	assert_int_equal(connection_grant(l->pc, l->ch[0].ch), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_OPENED] == 1);
	peer_asks_x11(l, l->ch[0].ch, 9, x11("0123", 4));
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);
	assert_int_equal(l->said[IPC_MSG_X11_ASK] + l->said[IPC_MSG_OTHER_ASK], 0);
	assert_true(l->alive);
	lab_free(l);
}

/* ---- windows ---- */

/* More than its window: the connection is over, not the channel alone. */
static void
test_overrun_of_our_window_ends_the_connection(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct channel *ch = c->ch;
	struct ipc_BYE bye;
	int fd = lab_take_socket(l, chan);

	(void)state;
	lab_rest(l);
	/* the peer forgets its window; nobody reads the socket */
	for (int i = 0; i < LAB_TURNS && l->alive && l->peer_disconnect == 0; i++) {
		static uint8_t much[SSH_DATA_MAX];

		ch->peer_window = SSH_DATA_MAX;
		(void)lab_peer_send(l, ch, 0, much, sizeof(much));
		lab_turn(l, 0);
	}
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_PROTOCOL);
	assert_true(span_is(bye.text, "more data than the window allows"));
	assert_int_equal(l->peer_disconnect, SSH_DISCONNECT_PROTOCOL_ERROR);
	(void)close(fd);
	lab_free(l);
}

/* Extended data that nobody knows costs no window for ever. */
static void
test_unknown_extended_data_gives_window_back(void **state)
{
	static uint8_t much[SSH_DATA_MAX];
	static const uint32_t types[] = { 1, 2, UINT32_MAX };
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);
	uint64_t sent = 0;
	char back[8];

	(void)state;
	for (int i = 0; sent < 64 * (uint64_t)WINDOW_MIN && i < LAB_TURNS; i++) {
		if (connection_may_send(l->pc, c->ch) > 0)
			sent += lab_peer_send(l, c->ch, types[i % 3], much, sizeof(much));
		lab_turn(l, 0);
	}
	assert_true(sent >= 64 * (uint64_t)WINDOW_MIN);
	/* and of it nothing came out */
	assert_int_equal(read(fd, back, sizeof(back)), -1);
	assert_true(l->alive);
	(void)close(fd);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_become_typed_questions),
		cmocka_unit_test(test_opens_of_the_wrong_side_are_refused),
		cmocka_unit_test(test_malformed_opens_are_refused),
		cmocka_unit_test(test_listening_becomes_a_typed_question),
		cmocka_unit_test(test_bad_listening_is_refused),
		cmocka_unit_test(test_x11_becomes_a_typed_question),
		cmocka_unit_test(test_a_server_asks_no_client_for_x11),
		cmocka_unit_test(test_overrun_of_our_window_ends_the_connection),
		cmocka_unit_test(test_unknown_extended_data_gives_window_back),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
