/*
 * worker_flow_test.c - the ends of a channel's descriptors: each rule once, in order,
 * and nothing after.
 */
#include "tests/worker_lab.h"

#include <pty.h>
#include <termios.h>

static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };
static const struct lab_options client = { .role = SSH_CLIENT, .close_ms = 300 };

static void
say(struct lab *l, struct lab_channel *c, const char *text)
{
	assert_int_equal(lab_peer_send(l, c->ch, 0, (const uint8_t *)text, strlen(text)),
	    strlen(text));
}

/* Reads from fd what comes, until n bytes are there. */
static void
expect(struct lab *l, int fd, const char *text)
{
	char buf[256];
	size_t n = 0;

	for (int i = 0; i < LAB_TURNS && n < strlen(text); i++) {
		ssize_t k = read(fd, &buf[n], sizeof(buf) - n);

		if (k > 0)
			n += (size_t)k;
		lab_turn(l, i < 1000 ? 0 : 1);
	}
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, n);
}

static void
expect_end(struct lab *l, int fd)
{
	char byte;
	ssize_t n = -1;

	for (int i = 0; i < LAB_TURNS && n < 0; i++) {
		n = read(fd, &byte, 1);
		lab_turn(l, i < 1000 ? 0 : 1);
	}
	assert_int_equal(n, 0);
}

static void
expect_no_end(struct lab *l, int fd)
{
	char byte;

	lab_rest(l);
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
exit_with(struct lab *l, uint64_t chan, uint32_t status)
{
	assert_int_equal(ipc_send_EXIT_DO(l->app, &(struct ipc_EXIT_DO){ .chan = chan,
	    .status = status }), 0);
}

static void
peer_close(struct lab *l, struct lab_channel *c)
{
	assert_int_equal(connection_close(l->pc, c->ch), PROTO_OK);
}

static void
expect_over(struct lab *l, uint64_t chan, bool had_eof)
{
	struct ipc_CHANNEL_OVER over;

	LAB_UNTIL(l, l->said[IPC_MSG_CHANNEL_OVER] == 1);
	LAB_WORDS(l, CHANNEL_OVER, &over);
	assert_int_equal(over.chan, chan);
	assert_int_equal(over.had_eof, had_eof);
	assert_null(l->w->flows);
	assert_int_equal(connection_count(l->w->cn), 0);
}

/* ---- sockets ---- */

static void
test_socket_both_ways_and_both_ends(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	say(l, c, "hello");
	expect(l, fd, "hello");
	assert_int_equal(write(fd, "world", 5), 5);
	LAB_UNTIL(l, c->n == 5);
	assert_memory_equal(c->data, "world", 5);

	/* the peer's EOF is one direction only */
	assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
	expect_end(l, fd);
	LAB_UNTIL(l, l->said[IPC_MSG_PEER_EOF] == 1);
	assert_int_equal(write(fd, "!", 1), 1);
	LAB_UNTIL(l, c->n == 6);

	/* ours is EOF, and no CLOSE follows from it */
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	LAB_UNTIL(l, c->eof);
	(void)close(fd);
	lab_rest(l);
	assert_false(c->closed);
	assert_string_equal(c->order, "dE");

	exit_with(l, chan, 3);
	LAB_UNTIL(l, c->closed);
	assert_string_equal(c->order, "dExC");
	assert_int_equal(c->status, 3);
	peer_close(l, c);
	expect_over(l, chan, true);
	lab_free(l);
}

/* A channel of another kind than a session, granted. */
static uint64_t
open_other(struct lab *l, struct lab_channel **c)
{
	size_t before = l->n_chans;

	assert_int_equal(connection_open(l->pc, 900, span_str("other@test"), span_of(NULL, 0),
	    any_size), PROTO_OK);
	*c = lab_channel_add(l, connection_find(l->pc, 900));
	LAB_UNTIL(l, l->n_chans == before + 1);
	assert_int_equal(ipc_send_GRANT(l->app, &(struct ipc_GRANT){ .chan = l->chans[before] }), 0);
	LAB_UNTIL(l, (*c)->ch->state == CH_OPEN);
	return l->chans[before];
}

static void
test_a_channel_of_bytes_is_over_with_both_ends(void **state)
{
	for (int ours_first = 0; ours_first <= 1; ours_first++) {
		struct lab *l = lab_open(&server);
		struct lab_channel *c;
		uint64_t chan = open_other(l, &c);
		int fd = lab_take_socket(l, chan);

		(void)state;
		say(l, c, "ask");
		if (ours_first) {
			assert_int_equal(shutdown(fd, SHUT_WR), 0);
			LAB_UNTIL(l, c->eof);
		}
		assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
		lab_rest(l);
		/* not before what came is read, and not while we may still answer */
		assert_int_equal(c->closed, ours_first);
		expect(l, fd, "ask");
		expect_end(l, fd);
		if (!ours_first) {
			assert_int_equal(write(fd, "answer", 6), 6);
			LAB_UNTIL(l, c->n == 6);
			assert_int_equal(shutdown(fd, SHUT_WR), 0);
		}
		LAB_UNTIL(l, c->closed);
		assert_string_equal(c->order, ours_first ? "EC" : "dEC");
		peer_close(l, c);
		expect_over(l, chan, true);
		(void)close(fd);
		lab_free(l);
	}
}

/* Who read is gone, and so is who wrote: the peer need not go on sending. */
static void
test_a_channel_of_bytes_is_over_when_nobody_is_there(void **state)
{
	static uint8_t chunk[32768];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = open_other(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	lab_rest(l);
	(void)close(fd);
	LAB_UNTIL(l, c->eof);
	assert_false(c->closed);
	(void)lab_peer_send(l, c->ch, 0, chunk, sizeof(chunk));
	LAB_UNTIL(l, c->closed);
	peer_close(l, c);
	expect_over(l, chan, false);
	lab_free(l);
}

static void
test_bytes_that_come_before_the_descriptor(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd;

	(void)state;
	say(l, c, "early");
	assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
	lab_rest(l);
	fd = lab_take_socket(l, chan);
	expect(l, fd, "early");
	expect_end(l, fd);
	(void)close(fd);
	lab_free(l);
}

static void
test_no_output_before_the_answer(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct ipc_EXEC_ASK ask;
	int fd;

	(void)state;
	assert_int_equal(connection_request(l->pc, c->ch, 11, &(struct request){
	    .kind = RQ_EXEC, .name = span_str("ls") }), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_EXEC_ASK] == 1);
	LAB_WORDS(l, EXEC_ASK, &ask);
	assert_true(span_is(ask.command, "ls"));
	fd = lab_take_socket(l, chan);
	assert_int_equal(write(fd, "out", 3), 3);
	lab_rest(l);
	assert_int_equal(c->n, 0);
	assert_int_equal(ipc_send_ANSWER_ASK(l->app, &(struct ipc_ANSWER_ASK){
	    .question = ask.question, .ok = 1 }), 0);
	LAB_UNTIL(l, c->n == 3);
	assert_int_equal(l->events[CE_CALL_DONE], 1);
	(void)close(fd);
	lab_free(l);
}

/* A program that has closed its end takes nothing more; the window goes back all the
 * same, so the peer is not held up for ever. */
static void
test_nobody_reads_any_more(void **state)
{
	static uint8_t chunk[32768];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);
	size_t sent = 0;

	(void)state;
	lab_rest(l);
	(void)close(fd);
	for (int i = 0; i < LAB_TURNS && sent < 1024 * 1024; i++) {
		sent += lab_peer_send(l, c->ch, 0, chunk, sizeof(chunk));
		lab_turn(l, 0);
	}
	assert_true(sent >= 1024 * 1024);
	assert_false(c->closed);
	lab_free(l);
}

/* ---- pipes ---- */

struct pipes { int in, out, err; };	/* the program's ends */

static struct pipes
take_pipes(struct lab *l, uint64_t chan)
{
	int in[2], out[2], err[2];

	assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(ipc_send_TAKE_PIPES(l->app, &(struct ipc_TAKE_PIPES){ .chan = chan,
	    .in = in[1], .out = out[0], .err = err[0] }), 0);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(err[0]);
	return (struct pipes){ in[0], out[1], err[1] };
}

static void
test_pipes_end_when_both_have(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct pipes p = take_pipes(l, chan);

	(void)state;
	assert_int_equal(write(p.out, "o", 1), 1);
	LAB_UNTIL(l, c->n == 1);
	assert_int_equal(write(p.err, "ee", 2), 2);
	LAB_UNTIL(l, c->n_err == 2);
	(void)close(p.out);
	lab_rest(l);
	assert_false(c->eof);
	(void)close(p.err);
	LAB_UNTIL(l, c->eof);
	lab_rest(l);
	assert_false(c->closed);
	say(l, c, "still");
	expect(l, p.in, "still");
	assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
	expect_end(l, p.in);
	(void)close(p.in);
	lab_free(l);
}

static void
test_exit_then_the_rest_then_eof_and_close(void **state)
{
	static uint8_t chunk[65536];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct pipes p = take_pipes(l, chan);

	(void)state;
	lab_rest(l);
	assert_int_equal(write(p.out, chunk, sizeof(chunk)), sizeof(chunk));
	exit_with(l, chan, 7);
	lab_rest(l);
	/* somebody still holds the pipes: no end yet */
	assert_false(c->eof);
	assert_int_equal(c->n, sizeof(chunk));
	assert_int_equal(write(p.out, "late", 4), 4);
	(void)close(p.out);
	(void)close(p.err);
	LAB_UNTIL(l, c->closed);
	assert_int_equal(c->n, sizeof(chunk) + 4);
	assert_string_equal(c->order, "xdEC");
	peer_close(l, c);
	expect_over(l, chan, false);
	(void)close(p.in);
	lab_free(l);
}

/* The peer's reader left: the program finds a broken pipe, as it would at home. */
static void
test_end_of_write_breaks_the_pipe(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct pipes p = take_pipes(l, chan);

	(void)state;
	assert_int_equal(write(p.out, "x", 1), 1);
	LAB_UNTIL(l, c->n == 1);
	assert_int_equal(connection_request(l->pc, c->ch, 0, &(struct request){
	    .kind = RQ_OTHER, .name = span_str("eow@openssh.com") }), PROTO_OK);
	lab_rest(l);
	assert_int_equal(write(p.out, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(l->said[IPC_MSG_OTHER_ASK], 0);
	assert_int_equal(write(p.err, "e", 1), 1);
	LAB_UNTIL(l, c->n_err == 1);
	(void)close(p.in);
	(void)close(p.out);
	(void)close(p.err);
	lab_free(l);
}

static void
test_exit_signal(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);

	(void)state;
	assert_int_equal(ipc_send_EXIT_SIGNAL_DO(l->app, &(struct ipc_EXIT_SIGNAL_DO){
	    .chan = chan, .name = span_str("TERM"), .text = span_str("done") }), 0);
	LAB_UNTIL(l, c->closed);
	assert_string_equal(c->order, "XEC");
	/* once is enough, whatever else is ordered */
	exit_with(l, chan, 1);
	lab_rest(l);
	assert_string_equal(c->order, "XEC");
	lab_free(l);
}

/* ---- ptys ---- */

static int
take_pty(struct lab *l, uint64_t chan)
{
	struct termios raw;
	int master, slave;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ipc_send_TAKE_PTY(l->app, &(struct ipc_TAKE_PTY){ .chan = chan,
	    .master = master }), 0);
	(void)close(master);
	return slave;
}

static void
test_pty_hang_up_is_eof_and_no_more(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int slave = take_pty(l, chan);

	(void)state;
	say(l, c, "in");
	expect(l, slave, "in");
	assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
	expect_no_end(l, slave);
	assert_int_equal(write(slave, "out", 3), 3);
	LAB_UNTIL(l, c->n == 3);
	(void)close(slave);
	LAB_UNTIL(l, c->eof);
	lab_rest(l);
	assert_false(c->closed);
	exit_with(l, chan, 0);
	LAB_UNTIL(l, c->closed);
	assert_string_equal(c->order, "dExC");
	lab_free(l);
}

/* A background process keeps the pty open: its shell's exit ends the channel. */
static void
test_pty_is_read_until_it_is_empty(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int slave = take_pty(l, chan);

	(void)state;
	lab_rest(l);
	assert_int_equal(write(slave, "last words", 10), 10);
	exit_with(l, chan, 0);
	LAB_UNTIL(l, c->closed);
	assert_int_equal(c->n, 10);
	assert_string_equal(c->order, "xdEC");
	(void)close(slave);
	lab_free(l);
}

/* ---- CLOSE by either side ---- */

static void
test_close_by_the_application_sends_what_is_there(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	assert_int_equal(write(fd, "bye", 3), 3);
	assert_int_equal(ipc_send_CHANNEL_CLOSE(l->app, &(struct ipc_CHANNEL_CLOSE){
	    .chan = chan }), 0);
	LAB_UNTIL(l, c->closed);
	assert_string_equal(c->order, "dEC");
	peer_close(l, c);
	expect_over(l, chan, false);
	expect_end(l, fd);
	(void)close(fd);
	lab_free(l);
}

static void
test_close_does_not_wait_for_a_window_for_ever(void **state)
{
	static uint8_t chunk[65536];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c), begun;
	int fd = lab_take_socket(l, chan);

	(void)state;
	c->keep = true;
	while (write(fd, chunk, sizeof(chunk)) > 0)
		lab_rest(l);
	assert_int_equal(ipc_send_CHANNEL_CLOSE(l->app, &(struct ipc_CHANNEL_CLOSE){
	    .chan = chan }), 0);
	begun = worker_clock();
	lab_rest(l);
	assert_false(c->closed);
	LAB_UNTIL(l, c->closed);
	assert_true(worker_clock() - begun >= 250);
	(void)close(fd);
	lab_free(l);
}

static void
test_close_of_a_channel_that_was_only_asked_for(void **state)
{
	struct lab *l = lab_open(&server);

	(void)state;
	assert_int_equal(connection_open(l->pc, 9, span_str("x"), span_of(NULL, 0), any_size), PROTO_OK);
	LAB_UNTIL(l, l->n_chans == 1);
	assert_int_equal(ipc_send_CHANNEL_CLOSE(l->app, &(struct ipc_CHANNEL_CLOSE){
	    .chan = l->chans[0] }), 0);
	LAB_UNTIL(l, l->events[CE_NOT_OPENED] == 1);
	expect_over(l, l->chans[0], false);
	lab_free(l);
}

/* The client has our EOF and is quicker with its CLOSE than the program is reaped. */
static void
test_close_between_eof_and_exit(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct pipes p = take_pipes(l, chan);

	(void)state;
	(void)close(p.out);
	(void)close(p.err);
	LAB_UNTIL(l, c->eof);
	peer_close(l, c);
	lab_rest(l);
	assert_false(c->closed);
	exit_with(l, chan, 9);
	LAB_UNTIL(l, c->closed);
	assert_string_equal(c->order, "ExC");
	assert_int_equal(c->status, 9);
	expect_over(l, chan, false);
	(void)close(p.in);
	lab_free(l);
}

/* It is not waited for for ever, and not at all for a program that still runs. */
static void
test_close_without_an_exit(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c), begun;
	struct pipes p = take_pipes(l, chan);

	(void)state;
	(void)close(p.out);
	(void)close(p.err);
	LAB_UNTIL(l, c->eof);
	peer_close(l, c);
	begun = worker_clock();
	LAB_UNTIL(l, c->closed);
	assert_true(worker_clock() - begun >= 250);
	expect_over(l, chan, false);
	(void)close(p.in);

	chan = lab_session(l, &c);
	p = take_pipes(l, chan);
	lab_rest(l);
	peer_close(l, c);
	begun = worker_clock();
	LAB_UNTIL(l, c->closed);
	assert_true(worker_clock() - begun < 250);
	expect_end(l, p.in);
	(void)close(p.in);
	(void)close(p.out);
	(void)close(p.err);
	lab_free(l);
}

/* On a server: a program that does not read must not keep the channel for ever. */
static void
test_peers_close_waits_for_a_reader_but_not_for_ever(void **state)
{
	static uint8_t chunk[32768];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)lab_peer_send(l, c->ch, 0, chunk, sizeof(chunk));
		lab_turn(l, 0);
	}
	LAB_UNTIL(l, l->w->flows->in_wait.n > 0);	/* it was parked first */
	peer_close(l, c);
	lab_rest(l);
	assert_false(c->closed);
	LAB_UNTIL(l, c->closed);
	expect_over(l, chan, false);
	(void)close(fd);
	lab_free(l);
}

/* ---- client ---- */

static uint64_t
client_session(struct lab *l, struct lab_channel **ret)
{
	uint64_t chan = (uint64_t)1 << 63 | (1 + l->n_ch);
	unsigned opened = l->said[IPC_MSG_OPENED];

	assert_int_equal(ipc_send_OPEN(l->app, &(struct ipc_OPEN){ .chan = chan,
	    .type = span_str("session") }), 0);
	LAB_UNTIL(l, l->events[CE_ASKED] == opened + 1);
	*ret = &l->ch[l->n_ch - 1];
	assert_int_equal(connection_grant(l->pc, (*ret)->ch), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_OPENED] == opened + 1);
	return chan;
}

/* All that the server sent before its CLOSE reaches a reader who takes his time. */
static void
test_client_delivers_all_and_then_the_end(void **state)
{
	static uint8_t chunk[32768], got[65536];
	struct lab *l = lab_open(&client);
	struct lab_channel *c;
	uint64_t chan = client_session(l, &c), until;
	int fd = lab_take_socket(l, chan);
	size_t sent = 0, read_n = 0;
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (uint8_t)i;
	for (int i = 0; i < 100; i++) {
		sent += lab_peer_send(l, c->ch, 0, chunk, sizeof(chunk));
		lab_turn(l, 0);
	}
	LAB_UNTIL(l, l->w->flows->in_wait.n > 0);	/* it was parked first */
	assert_int_equal(connection_request(l->pc, c->ch, 0, &(struct request){
	    .kind = RQ_EXIT_STATUS, .number = 5 }), PROTO_OK);
	assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
	peer_close(l, c);
	until = worker_clock() + 2 * client.close_ms;
	while (worker_clock() < until)
		lab_turn(l, 5);
	assert_int_equal(l->said[IPC_MSG_STATUS_TOLD], 1);
	assert_int_equal(l->said[IPC_MSG_CHANNEL_OVER], 0);
	do {
		n = read(fd, got, sizeof(got));
		read_n += n > 0 ? (size_t)n : 0;
		lab_turn(l, 0);
	} while (n > 0 || (n < 0 && errno == EAGAIN));
	assert_int_equal(n, 0);
	assert_int_equal(read_n, sent);
	expect_over(l, chan, true);
	(void)close(fd);
	lab_free(l);
}

/* A client whose reader left says so, once, to a server that knows the word. */
static void
test_client_says_end_of_write(void **state)
{
	struct lab *l = lab_open(&(struct lab_options){ .role = SSH_CLIENT, .close_ms = 300,
	    .peer_version = "SSH-2.0-OpenSSH_9.2" });
	struct lab_channel *c;
	uint64_t chan = client_session(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	lab_rest(l);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	for (int i = 0; i < 3; i++) {
		say(l, c, "x");
		lab_rest(l);
	}
	assert_int_equal(l->events[CE_REQUEST], 1);
	(void)close(fd);
	lab_free(l);
}

static void
test_client_merges_stderr_unless_it_has_a_place(void **state)
{
	struct lab *l = lab_open(&client);
	struct lab_channel *c;
	uint64_t chan = client_session(l, &c);
	int fd = lab_take_socket(l, chan), data[2], err[2];

	(void)state;
	assert_int_equal(lab_peer_send(l, c->ch, 1, (const uint8_t *)"E", 1), 1);
	expect(l, fd, "E");
	(void)close(fd);

	chan = client_session(l, &c);
	lab_pair(data);
	lab_pair(err);
	assert_int_equal(ipc_send_TAKE_SOCKETS(l->app, &(struct ipc_TAKE_SOCKETS){
	    .chan = chan, .data = data[0], .err = err[0] }), 0);
	(void)close(data[0]);
	(void)close(err[0]);
	assert_int_equal(lab_peer_send(l, c->ch, 1, (const uint8_t *)"E", 1), 1);
	say(l, c, "O");
	expect(l, data[1], "O");
	expect(l, err[1], "E");
	assert_int_equal(connection_eof(l->pc, c->ch), PROTO_OK);
	expect_end(l, data[1]);
	expect_end(l, err[1]);
	(void)close(data[1]);
	(void)close(err[1]);
	lab_free(l);
}

static void
test_a_cut_is_not_an_end(void **state)
{
	struct lab *l = lab_open(&client);
	struct lab_channel *c;
	uint64_t chan = client_session(l, &c);
	int fd = lab_take_socket(l, chan);
	struct ipc_BYE bye;

	(void)state;
	say(l, c, "half of i");
	lab_turn(l, 0);
	lab_rest(l);
	(void)close(l->net);
	l->net = -1;
	expect(l, fd, "half of i");
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_CUT);
	assert_int_equal(bye.side, IPC_SYSTEM);
	assert_int_equal(l->said[IPC_MSG_CHANNEL_OVER], 0);
	assert_int_equal(l->said[IPC_MSG_PEER_EOF], 0);
	(void)close(fd);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_socket_both_ways_and_both_ends),
		cmocka_unit_test(test_a_channel_of_bytes_is_over_with_both_ends),
		cmocka_unit_test(test_a_channel_of_bytes_is_over_when_nobody_is_there),
		cmocka_unit_test(test_bytes_that_come_before_the_descriptor),
		cmocka_unit_test(test_no_output_before_the_answer),
		cmocka_unit_test(test_nobody_reads_any_more),
		cmocka_unit_test(test_pipes_end_when_both_have),
		cmocka_unit_test(test_exit_then_the_rest_then_eof_and_close),
		cmocka_unit_test(test_end_of_write_breaks_the_pipe),
		cmocka_unit_test(test_exit_signal),
		cmocka_unit_test(test_pty_hang_up_is_eof_and_no_more),
		cmocka_unit_test(test_pty_is_read_until_it_is_empty),
		cmocka_unit_test(test_close_by_the_application_sends_what_is_there),
		cmocka_unit_test(test_close_does_not_wait_for_a_window_for_ever),
		cmocka_unit_test(test_close_of_a_channel_that_was_only_asked_for),
		cmocka_unit_test(test_close_between_eof_and_exit),
		cmocka_unit_test(test_close_without_an_exit),
		cmocka_unit_test(test_peers_close_waits_for_a_reader_but_not_for_ever),
		cmocka_unit_test(test_client_delivers_all_and_then_the_end),
		cmocka_unit_test(test_client_says_end_of_write),
		cmocka_unit_test(test_client_merges_stderr_unless_it_has_a_place),
		cmocka_unit_test(test_a_cut_is_not_an_end),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
