/*
 * worker_app_test.c - orders of the application and questions to it; what comes late,
 * twice or for nothing; and a link that nobody reads.
 */
#include "tests/worker_lab.h"

static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };
static const struct lab_options client = { .role = SSH_CLIENT, .close_ms = 300 };
static const uint64_t ours = (uint64_t)1 << 63;

static struct lab_channel *
client_session(struct lab *l, uint64_t chan)
{
	size_t n = l->n_ch;
	unsigned opened = l->said[IPC_MSG_OPENED];

	assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){ .chan = chan,
	    .type = span_str("session") }), 0);
	LAB_UNTIL(l, l->n_ch == n + 1);
	assert_int_equal(connection_grant(l->pc, l->ch[n].ch), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_OPENED] == opened + 1);
	return &l->ch[n];
}

static void
expect_done(struct lab *l, uint64_t call, bool ok)
{
	unsigned before = l->said[IPC_MSG_DONE];
	struct ipc_DONE done;

	if (before == 0 || l->words[IPC_MSG_DONE] == NULL)
		LAB_UNTIL(l, l->said[IPC_MSG_DONE] > 0);
	LAB_WORDS(l, DONE, &done);
	for (int i = 0; done.call != call && i < 1000; i++) {
		lab_turn(l, 0);
		LAB_WORDS(l, DONE, &done);
	}
	assert_int_equal(done.call, call);
	assert_int_equal(done.ok, ok);
}

/* ---- the peer asks ---- */

static void
test_the_peers_requests_become_questions(void **state)
{
	static const uint8_t modes[] = { 0 };
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct ipc_PTY_ASK pty;
	struct ipc_ENV_ASK env;
	struct ipc_WINDOW_TOLD window;
	struct ipc_SIGNAL_TOLD signal_;
	struct ipc_OTHER_ASK other;

	(void)state;
	assert_int_equal(connection_request(l->pc, c->ch, 1, &(struct request){ .kind = RQ_PTY,
	    .name = span_str("xterm"), .columns = 80, .rows = 24,
	    .value = span_of(modes, 1) }), PROTO_OK);
	assert_int_equal(connection_request(l->pc, c->ch, 0, &(struct request){ .kind = RQ_ENV,
	    .name = span_str("LANG"), .value = span_str("C") }), PROTO_OK);
	assert_int_equal(connection_request(l->pc, c->ch, 0, &(struct request){
	    .kind = RQ_WINDOW, .columns = 81, .rows = 25 }), PROTO_OK);
	assert_int_equal(connection_request(l->pc, c->ch, 0, &(struct request){
	    .kind = RQ_SIGNAL, .name = span_str("INT") }), PROTO_OK);
	assert_int_equal(connection_request(l->pc, c->ch, 2, &(struct request){
	    .kind = RQ_OTHER, .name = span_str("x@y"), .value = span_str("abc") }), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_OTHER_ASK] == 1);
	LAB_WORDS(l, PTY_ASK, &pty);
	assert_int_equal(pty.chan, chan);
	assert_true(span_is(pty.term, "xterm") && pty.columns == 80 && pty.rows == 24);
	LAB_WORDS(l, ENV_ASK, &env);
	assert_true(env.question == 0 && span_is(env.value, "C"));
	LAB_WORDS(l, WINDOW_TOLD, &window);
	assert_int_equal(window.columns, 81);
	LAB_WORDS(l, SIGNAL_TOLD, &signal_);
	assert_true(span_is(signal_.name, "INT"));
	LAB_WORDS(l, OTHER_ASK, &other);
	assert_true(span_is(other.kind, "x@y") && span_is(other.payload, "abc"));

	/* answered in the other order, replied to in the right one */
	assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
	    .question = other.question, .ok = 0 }), 0);
	lab_rest(l);
	assert_int_equal(l->events[CE_CALL_DONE], 0);
	assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
	    .question = pty.question, .ok = 1 }), 0);
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 2);
	/* late and unknown answers are dropped */
	assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
	    .question = pty.question, .ok = 0 }), 0);
	assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
	    .question = 4711, .ok = 0 }), 0);
	lab_rest(l);
	assert_true(l->alive);
	assert_int_equal(l->events[CE_CALL_DONE], 2);
	lab_free(l);
}

static void
test_open_granted_and_refused(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_CHANNEL_ASK ask;

	(void)state;
	assert_int_equal(connection_open(l->pc, 5, span_str("tun@openssh.com"), span_str("where"), any_size),
	    PROTO_OK);
	LAB_UNTIL(l, l->n_chans == 1);
	LAB_WORDS(l, CHANNEL_ASK, &ask);
	assert_true(span_is(ask.type, "tun@openssh.com") && span_is(ask.extra, "where"));
	assert_true((ask.chan & ours) == 0);
	assert_int_equal(ipc_send_REFUSE(l->app, &(struct ipc_REFUSE){ .chan = ask.chan,
	    .reason = 1, .text = span_str("no") }), 0);
	LAB_UNTIL(l, l->events[CE_NOT_OPENED] == 1);
	assert_null(l->w->flows);
	/* refused again, granted after all: it is gone */
	assert_int_equal(ipc_send_GRANT(l->app, &(struct ipc_GRANT){ .chan = ask.chan }), 0);
	lab_rest(l);
	assert_true(l->alive);
	assert_int_equal(l->events[CE_OPENED], 0);
	lab_free(l);
}

static void
test_global_requests_both_ways(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_GLOBAL_ASK ask;

	(void)state;
	assert_int_equal(connection_global(l->pc, 8, span_str("g@h"), span_str("p")),
	    PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_GLOBAL_ASK] == 1);
	LAB_WORDS(l, GLOBAL_ASK, &ask);
	assert_true(span_is(ask.kind, "g@h") && span_is(ask.payload, "p"));
	assert_int_equal(ipc_send_GLOBAL_ANSWER(l->app, &(struct ipc_GLOBAL_ANSWER){
	    .question = ask.question, .ok = 1, .payload = span_str("port") }), 0);
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);

	assert_int_equal(ipc_send_GLOBAL_DO(l->app, &(struct ipc_GLOBAL_DO){ .call = 77,
	    .kind = span_str("a@b"), .payload = span_str("q") }), 0);
	LAB_UNTIL(l, l->events[CE_GLOBAL] == 1);
	assert_int_equal(connection_answer(l->pc, l->peer_question, true, span_str("r")), PROTO_OK);
	expect_done(l, 77, true);
	lab_free(l);
}

/* ---- the application asks ---- */

static void
test_each_order_reaches_the_peer(void **state)
{
	struct lab *l = lab_open(&client);
	struct lab_channel *c = client_session(l, ours | 1);
	unsigned n = 0;

	(void)state;
#define ORDER(NAME, ...) do { \
	assert_int_equal(ipc_send_##NAME(l->app, &(struct ipc_##NAME){ .chan = ours | 1, \
	    __VA_ARGS__ }), 0); \
	n++; \
	LAB_UNTIL(l, l->events[CE_REQUEST] == n); \
} while (0)
	ORDER(PTY_DO, .call = 1, .term = span_str("vt100"), .columns = 80, .rows = 24);
	assert_int_equal(connection_answer(l->pc, l->peer_question, true, span_of(NULL, 0)), PROTO_OK);
	expect_done(l, 1, true);
	ORDER(ENV_DO, .name = span_str("A"), .value = span_str("B"));
	ORDER(SHELL_DO, .call = 2);
	assert_int_equal(connection_answer(l->pc, l->peer_question, false, span_of(NULL, 0)), PROTO_OK);
	expect_done(l, 2, false);
	ORDER(EXEC_DO, .call = 3, .command = span_str("true"));
	ORDER(SUBSYSTEM_DO, .call = 4, .name = span_str("sftp"));
	ORDER(WINDOW_DO, .columns = 1, .rows = 2);
	ORDER(SIGNAL_DO, .name = span_str("HUP"));
	ORDER(BREAK_DO, .call = 5, .length_ms = 500);
	ORDER(OTHER_DO, .call = 6, .kind = span_str("x@y"), .payload = span_str("z"));
#undef ORDER
	/* the channel ends before the answers: a call to it then is a no */
	assert_int_equal(connection_close(l->pc, c->ch), PROTO_OK);
	LAB_UNTIL(l, c->closed);
	assert_int_equal(ipc_send_SHELL_DO(l->app, &(struct ipc_SHELL_DO){ .chan = ours | 1,
	    .call = 9 }), 0);
	expect_done(l, 9, false);
	lab_free(l);
}

static void
test_open_that_the_peer_refuses(void **state)
{
	struct lab *l = lab_open(&client);
	struct ipc_NOT_OPENED no;

	(void)state;
	assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){ .chan = ours | 1,
	    .type = span_str("x") }), 0);
	LAB_UNTIL(l, l->n_ch == 1);
	assert_int_equal(connection_refuse(l->pc, l->ch[0].ch, 3, span_str("what?")), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_NOT_OPENED] == 1);
	LAB_WORDS(l, NOT_OPENED, &no);
	assert_true(no.chan == (ours | 1) && no.reason == 3 && span_is(no.text, "what?"));
	assert_null(l->w->flows);
	lab_free(l);
}

static void
test_too_many_channels(void **state)
{
	struct lab *l = lab_open(&(struct lab_options){ .role = SSH_CLIENT, .close_ms = 300,
	    .channel_max = 2 });
	struct ipc_NOT_OPENED no;

	(void)state;
	(void)client_session(l, ours | 1);
	(void)client_session(l, ours | 2);
	assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){ .chan = ours | 3,
	    .type = span_str("session") }), 0);
	LAB_UNTIL(l, l->said[IPC_MSG_NOT_OPENED] == 1);
	LAB_WORDS(l, NOT_OPENED, &no);
	assert_true(no.chan == (ours | 3) && no.reason == 4);
	assert_true(l->alive);
	lab_free(l);
}

static void
test_a_serial_twice_ends_the_worker(void **state)
{
	struct lab *l = lab_open(&client);
	struct ipc_BYE bye;

	(void)state;
	(void)client_session(l, ours | 1);
	assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){ .chan = ours | 1,
	    .type = span_str("session") }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	assert_int_equal(l->peer_disconnect, SSH_DISCONNECT_BY_APPLICATION);
	lab_free(l);
}

static void
test_descriptors_for_nothing_are_closed(void **state)
{
	struct lab *l = lab_open(&server);
	int fd = lab_take_socket(l, 4242);
	char byte;

	(void)state;
	lab_rest(l);
	assert_true(l->alive);
	assert_int_equal(read(fd, &byte, 1), 0);
	(void)close(fd);
	lab_free(l);
}

/* Also what was dropped has been received, or the application would wait for it. */
static void
test_each_taking_is_acknowledged(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct ipc_TAKEN taken;
	int fds[2];

	(void)state;
#define TAKE(NAME, n, chan_, ...) do { \
	assert_int_equal(ipc_send_##NAME(l->app, &(struct ipc_##NAME){ .chan = (chan_), \
	    __VA_ARGS__ }), 0); \
	LAB_UNTIL(l, l->said[IPC_MSG_TAKEN] == (n)); \
	LAB_WORDS(l, TAKEN, &taken); \
	assert_int_equal(taken.chan, chan_); \
} while (0)
	lab_pair(fds);
	TAKE(TAKE_SOCKET, 1, chan, .data = fds[0]);
	TAKE(TAKE_SOCKETS, 2, 4242, .data = fds[0], .err = fds[0]);
	TAKE(TAKE_PTY, 3, 4243, .master = fds[0]);
	TAKE(TAKE_PIPES, 4, 4244, .in = fds[0], .out = fds[0], .err = fds[0]);
#undef TAKE
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_TAKEN], 4);
	assert_true(l->alive);
	(void)close(fds[0]);
	(void)close(fds[1]);
	lab_free(l);
}

static void
test_descriptors_twice_end_the_worker(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int a = lab_take_socket(l, chan), b = lab_take_socket(l, chan);
	struct ipc_BYE bye;
	char byte;

	(void)state;
	lab_bye(l, &bye);
	assert_int_equal(read(b, &byte, 1), 0);
	(void)close(a);
	(void)close(b);
	lab_free(l);
}

static void
test_a_message_of_another_link_ends_the_worker(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_VERDICT(l->app, &(struct ipc_VERDICT){ .pk_ok = 1 }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	assert_non_null(memmem(bye.text.p, bye.text.n, "the application", 15));
	lab_free(l);
}

static void
test_rekey_and_ignore(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_REKEYED rekeyed;

	(void)state;
	assert_int_equal(ipc_send_IGNORE(l->app, &(struct ipc_IGNORE){ .length = 20 }), 0);
	assert_int_equal(ipc_send_REKEY(l->app, &(struct ipc_REKEY){ .call = 31 }), 0);
	expect_done(l, 31, true);
	assert_int_equal(l->said[IPC_MSG_REKEYED], 1);
	LAB_WORDS(l, REKEYED, &rekeyed);
	assert_int_equal(rekeyed.count, 2);
	assert_int_equal(l->said[IPC_MSG_SIGN], 2);
	lab_free(l);
}

/* Nobody reads the application's link: the peer's packets wait, and no more than one
 * packet's worth of messages is ever kept for it. */
static void
test_a_link_that_nobody_reads(void **state)
{
	static char command[20000];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	size_t asked = 0;

	(void)state;
	(void)lab_session(l, &c);
	memset(command, 'x', sizeof(command));
	l->app_frozen = true;
	for (int i = 0; i < 200; i++) {
		if (asked < 60 && transport_has_room(l->peer, 40000)) {
			assert_int_equal(connection_request(l->pc, c->ch, 0, &(struct request){
			    .kind = RQ_EXEC, .name = span_of(command, sizeof(command)) }), PROTO_OK);
			asked++;
		}
		lab_turn(l, 0);
		assert_true(l->w->app.count <= 2);
	}
	assert_true(l->w->app.count > 0);
	assert_true(l->alive);
	l->app_frozen = false;
	LAB_UNTIL(l, l->said[IPC_MSG_EXEC_ASK] == asked);
	assert_int_equal(asked, 60);
	assert_int_equal(l->w->app.count, 0);
	lab_free(l);
}

static void
test_sixty_four_questions_and_no_more(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;

	(void)state;
	(void)lab_session(l, &c);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(connection_request(l->pc, c->ch, 100 + i, &(struct request){
		    .kind = RQ_BREAK }), PROTO_OK);
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_BREAK_ASK], QUESTIONS_MAX);
	for (uint64_t q = 1; q <= 100; q++) {
		assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
		    .question = q, .ok = 1 }), 0);
		lab_turn(l, 0);
	}
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 100);
	lab_free(l);
}

/* What OPEN says of window and packet reaches the peer, within bounds. */
static void
test_open_with_sizes(void **state)
{
	static const struct { uint32_t window, packet, window_said, packet_said; } cases[] = {
		{ 0, 0, WINDOW_MIN, SSH_DATA_MAX },
		{ 1, 1, CHANNEL_WINDOW_LEAST, CHANNEL_PACKET_LEAST },
		{ 40000, 5000, 40000, 5000 },
		{ UINT32_MAX, UINT32_MAX, WINDOW_MIN, SSH_DATA_MAX },
	};
	struct lab *l = lab_open(&client);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){ .chan = ours | i,
		    .type = span_str("session"), .window = cases[i].window,
		    .packet = cases[i].packet }), 0);
		LAB_UNTIL(l, l->n_ch == i + 1);
		assert_int_equal(l->ch[i].ch->peer_window, cases[i].window_said);
		assert_int_equal(l->ch[i].ch->peer_packet, cases[i].packet_said);
	}
	lab_free(l);
}

/* A hundred at once and more, answered yes and no: each call has its own answer. */
static void
test_many_calls_at_once(void **state)
{
	struct lab *l = lab_open(&client);
	uint64_t asked = 0, answered = 0;
	unsigned said = 0;

	(void)state;
	while (answered < CALLS_MAX + 76) {
		for (int i = 0; i < 50 && asked < CALLS_MAX + 76; i++)
			asked += ipc_send_GLOBAL_DO(l->app, &(struct ipc_GLOBAL_DO){
			    .call = asked + 1, .kind = span_str("a@b") }) == 0;
		lab_turn(l, 0);
		/* the peer's questions are numbered as ours are made */
		for (; connection_has_question(l->pc, answered + 1); answered++) {
			uint8_t n[4];
			struct wr w = wr_of(n, sizeof(n));

			wr_u32(&w, (uint32_t)answered + 1);
			assert_int_equal(connection_answer(l->pc, answered + 1,
			    answered % 3 != 0, wr_span(&w)), PROTO_OK);
			if (said == l->said[IPC_MSG_DONE])
				lab_turn(l, 0);
		}
		for (; said < l->said[IPC_MSG_DONE]; said = l->said[IPC_MSG_DONE]) {
			struct ipc_DONE done;

			LAB_WORDS(l, DONE, &done);
			assert_int_equal(done.call, l->said[IPC_MSG_DONE]);
			assert_int_equal(done.ok, (done.call - 1) % 3 != 0);
			assert_int_equal(done.payload.n, done.ok ? 4 : 0);
			if (done.ok)
				assert_int_equal(done.payload.p[3], done.call & 0xff);
		}
	}
	LAB_UNTIL(l, l->said[IPC_MSG_DONE] == CALLS_MAX + 76);
	lab_free(l);
}

/* One call too many is a no, at once, and the others stay. */
static void
test_a_thousand_calls_and_no_more(void **state)
{
	struct lab *l = lab_open(&client);
	struct ipc_DONE done;

	(void)state;
	l->peer_frozen = true;
	for (uint64_t i = 1; i <= CALLS_MAX + 1; i++) {
		while (ipc_send_GLOBAL_DO(l->app, &(struct ipc_GLOBAL_DO){ .call = i,
		    .kind = span_str("a@b") }) != 0)
			lab_turn(l, 0);
	}
	LAB_UNTIL(l, l->said[IPC_MSG_DONE] == 1);
	LAB_WORDS(l, DONE, &done);
	assert_true(done.call == CALLS_MAX + 1 && done.ok == 0);
	assert_true(l->alive);
	lab_free(l);
}

/* Keepalives begin, and end, when the application says so. */
static void
test_keepalive_at_run_time(void **state)
{
	struct lab *l = lab_open(&server);
	unsigned before;
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(connection_deadline(l->w->cn), UINT64_MAX);
	assert_int_equal(ipc_send_KEEPALIVE(l->app, &(struct ipc_KEEPALIVE){
	    .interval_ms = 20, .max = 2 }), 0);
	/* the peer answers each inside its connection layer: it lives */
	for (int i = 0; i < 100; i++)
		lab_turn(l, 1);
	assert_true(l->alive);
	assert_int_not_equal(connection_deadline(l->w->cn), UINT64_MAX);
	assert_int_equal(ipc_send_KEEPALIVE(l->app, &(struct ipc_KEEPALIVE){ .max = 2 }), 0);
	LAB_UNTIL(l, connection_deadline(l->w->cn) == UINT64_MAX);
	l->peer_frozen = true;
	before = l->said[IPC_MSG_BYE];
	for (int i = 0; i < 100; i++)
		lab_turn(l, 1);
	assert_true(l->alive && l->said[IPC_MSG_BYE] == before);
	assert_int_equal(ipc_send_KEEPALIVE(l->app, &(struct ipc_KEEPALIVE){
	    .interval_ms = 5, .max = 1 }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_SILENT);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_peers_requests_become_questions),
		cmocka_unit_test(test_open_granted_and_refused),
		cmocka_unit_test(test_global_requests_both_ways),
		cmocka_unit_test(test_each_order_reaches_the_peer),
		cmocka_unit_test(test_open_that_the_peer_refuses),
		cmocka_unit_test(test_too_many_channels),
		cmocka_unit_test(test_a_serial_twice_ends_the_worker),
		cmocka_unit_test(test_descriptors_for_nothing_are_closed),
		cmocka_unit_test(test_each_taking_is_acknowledged),
		cmocka_unit_test(test_descriptors_twice_end_the_worker),
		cmocka_unit_test(test_a_message_of_another_link_ends_the_worker),
		cmocka_unit_test(test_rekey_and_ignore),
		cmocka_unit_test(test_a_link_that_nobody_reads),
		cmocka_unit_test(test_sixty_four_questions_and_no_more),
		cmocka_unit_test(test_open_with_sizes),
		cmocka_unit_test(test_many_calls_at_once),
		cmocka_unit_test(test_a_thousand_calls_and_no_more),
		cmocka_unit_test(test_keepalive_at_run_time),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
