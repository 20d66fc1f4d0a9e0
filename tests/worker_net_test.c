/*
 * worker_net_test.c - the network as two descriptors: a pair of pipes, two sockets;
 * each direction by itself, and every way they end.
 */
#include "tests/worker_lab.h"

#include <poll.h>

/* Our ends of the worker's network; what the peer says and hears goes over them. */
struct wires {
	int to_worker, from_worker;
};

static struct lab *
lab_wired(enum ssh_role role, const int in[2], const int out[2], struct wires *ours)
{
	struct lab_options o = { .role = role, .close_ms = 300, .net_in = in[0],
		.net_out = out[1] };
	struct lab *l = lab_new(&o);

	ours->to_worker = in[1];
	ours->from_worker = out[0];
	return l;
}

static void
make_pipes(int in[2], int out[2])
{
	assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
}

/* What the wires carry into and out of the peer. */
static void
carry(struct lab *l, struct wires *o)
{
	struct span s;
	size_t room;
	ssize_t n;
	uint8_t *p;

	p = transport_rx_room(l->peer, &room);
	if (o->from_worker >= 0 && room > 0 && (n = read(o->from_worker, p, room)) > 0)
		transport_rx_add(l->peer, (size_t)n);
	lab_peer_events(l);
	s = transport_pending(l->peer);
	if (o->to_worker >= 0 && s.n > 0 && (n = write(o->to_worker, s.p, s.n)) > 0)
		transport_sent(l->peer, (size_t)n);
}

static void
turn(struct lab *l, struct wires *o)
{
	if (l->alive)
		l->alive = worker_turn(l->w, 0);
	lab_monitor_turn(l);
	lab_app_turn(l);
	carry(l, o);
}

#define UNTIL(l, o, condition) do { \
	for (int i_ = 0; !(condition) && i_ < LAB_TURNS; i_++) \
		turn(l, o); \
	assert_true(condition); \
} while (0)

static void
hang_up(int *fd)
{
	assert_int_equal(close(*fd), 0);
	*fd = -1;
}

static void
log_in(struct lab *l, struct wires *o)
{
	UNTIL(l, o, l->replies[AP_SERVICE] == 1);
	assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("user")), PROTO_OK);
	UNTIL(l, o, l->pc != NULL && l->w->phase == L_OPEN);
}

/* A session whose data comes back: bytes both ways, more than a pipe holds. */
static void
echo(struct lab *l, struct wires *o, size_t total)
{
	static uint8_t much[SSH_DATA_MAX];
	size_t sent = 0, held = 0;
	static uint8_t bytes[65536];
	struct lab_channel *c;
	int fd;

	assert_int_equal(connection_open(l->pc, 500, span_str("session"), span_of(NULL, 0),
	    any_size), PROTO_OK);
	c = lab_channel_add(l, connection_find(l->pc, 500));
	UNTIL(l, o, l->n_chans == 1);
	assert_int_equal(ipc_send_GRANT(l->app, &(struct ipc_GRANT){ .chan = l->chans[0] }), 0);
	fd = lab_take_socket(l, l->chans[0]);
	UNTIL(l, o, c->ch->state == CH_OPEN);
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (uint8_t)(i * 7);
	for (int i = 0; c->n < total && i < LAB_TURNS; i++) {
		ssize_t n;

		if (sent < total && connection_may_send(l->pc, c->ch) > 0)
			sent += lab_peer_send(l, c->ch, 0, &much[sent % sizeof(much)],
			    total - sent < sizeof(much) - sent % sizeof(much) ? total - sent :
			    sizeof(much) - sent % sizeof(much));
		turn(l, o);
		if (held == 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
			held = (size_t)n;
		if (held > 0 && (n = write(fd, bytes, held)) > 0) {
			memmove(bytes, &bytes[n], held - (size_t)n);
			held -= (size_t)n;
		}
	}
	assert_int_equal(c->n, total);
	for (size_t i = 0; i < total; i++)
		assert_int_equal(c->data[i], much[i % sizeof(much)]);
	(void)close(fd);
}

static void
test_pipes_carry_a_session(void **state)
{
	struct wires o;
	int in[2], out[2];
	struct lab *l;
	struct ipc_BYE bye;
	char byte;

	(void)state;
	make_pipes(in, out);
	l = lab_wired(SSH_SERVER, in, out, &o);
	log_in(l, &o);
	echo(l, &o, 3 * 1024 * 1024);
	assert_true(l->w->net_is_pipe);
	/* our end: the peer is told, then its pipe ends, and nobody reads ours */
	assert_int_equal(ipc_send_STOP(l->link, &(struct ipc_STOP){ .disconnect = 11,
	    .text = span_str("enough") }), 0);
	UNTIL(l, &o, !l->alive);
	lab_monitor_turn(l);
	LAB_WORDS(l, BYE, &bye);
	assert_int_equal(bye.outcome, IPC_DONE_BY_US);
	carry(l, &o);
	assert_int_equal(l->peer_disconnect, 11);
	assert_int_equal(read(o.from_worker, &byte, 1), 0);
	assert_int_equal(write(o.to_worker, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	hang_up(&o.to_worker);
	hang_up(&o.from_worker);
	lab_free(l);
}

static void
expect_cut(struct lab *l, struct wires *o)
{
	struct ipc_BYE bye;

	UNTIL(l, o, !l->alive);
	lab_monitor_turn(l);
	LAB_WORDS(l, BYE, &bye);
	assert_int_equal(bye.outcome, IPC_CUT);
	assert_int_equal(bye.side, IPC_SYSTEM);
}

/* The writer is gone: the end of the network, whatever the other pipe does. */
static void
test_the_end_of_what_we_read(void **state)
{
	struct wires o;
	int in[2], out[2];
	struct lab *l;

	(void)state;
	make_pipes(in, out);
	l = lab_wired(SSH_SERVER, in, out, &o);
	log_in(l, &o);
	hang_up(&o.to_worker);
	expect_cut(l, &o);
	hang_up(&o.from_worker);
	lab_free(l);
}

/* The reader is gone: no signal ends us; what the peer had still said is heard. */
static void
test_the_end_of_what_we_write(void **state)
{
	struct wires o;
	int in[2], out[2];
	struct lab *l;

	(void)state;
	make_pipes(in, out);
	l = lab_wired(SSH_SERVER, in, out, &o);
	log_in(l, &o);
	assert_int_equal(connection_open(l->pc, 500, span_str("session"), span_of(NULL, 0),
	    any_size), PROTO_OK);
	(void)lab_channel_add(l, connection_find(l->pc, 500));
	carry(l, &o);
	hang_up(&o.from_worker);
	UNTIL(l, &o, l->n_chans == 1);
	assert_int_equal(ipc_send_GRANT(l->app, &(struct ipc_GRANT){ .chan = l->chans[0] }), 0);
	UNTIL(l, &o, l->w->net_dead);
	assert_true(l->alive);
	hang_up(&o.to_worker);
	expect_cut(l, &o);
	lab_free(l);
}

/* A pipe that is full is waited for by its own poll, and reading goes on. */
static void
test_a_full_pipe_blocks_one_direction(void **state)
{
	static uint8_t stuffing[65536];
	struct wires o;
	int in[2], out[2], same;
	struct lab *l;
	ssize_t n, stuffed = 0;

	(void)state;
	make_pipes(in, out);
	same = dup(out[1]);
	l = lab_wired(SSH_SERVER, in, out, &o);
	log_in(l, &o);
	while ((n = write(same, stuffing, sizeof(stuffing))) > 0)
		stuffed += n;
	(void)close(same);
	assert_int_equal(ipc_send_IGNORE(l->app, &(struct ipc_IGNORE){ .length = 30000 }), 0);
	for (int i = 0; i < 10; i++)
		l->alive = worker_turn(l->w, 0);
	assert_true(l->w->net_blocked);
	assert_true(l->w->poll_net_in >= 0 && l->w->poll_net_out >= 0);
	assert_int_equal(l->w->polls[l->w->poll_net_in].fd, l->w->net_in);
	assert_int_equal(l->w->polls[l->w->poll_net_in].events, POLLIN);
	assert_int_equal(l->w->polls[l->w->poll_net_out].fd, l->w->net_out);
	assert_int_equal(l->w->polls[l->w->poll_net_out].events, POLLOUT);
	/* it is not woken for nothing */
	assert_int_equal(l->w->polls[l->w->poll_net_out].revents, 0);
	while (stuffed > 0) {
		n = read(o.from_worker, stuffing, (size_t)stuffed < sizeof(stuffing) ?
		    (size_t)stuffed : sizeof(stuffing));
		assert_true(n > 0);
		stuffed -= n;
	}
	UNTIL(l, &o, !l->w->net_blocked && transport_pending(l->w->tr).n == 0);
	assert_true(l->alive);
	hang_up(&o.to_worker);
	expect_cut(l, &o);
	hang_up(&o.from_worker);
	lab_free(l);
}

/* Two sockets, one for each direction, as a relay may hand them over. */
static void
test_two_sockets(void **state)
{
	struct wires o;
	int in[2], out[2];
	struct lab *l;
	struct ipc_BYE bye;
	char byte;

	(void)state;
	lab_pair(in);
	lab_pair(out);
	{
		int out_rw[2] = { out[1], out[0] };

		l = lab_wired(SSH_SERVER, in, out_rw, &o);
	}
	log_in(l, &o);
	echo(l, &o, 1024 * 1024);
	assert_false(l->w->net_is_pipe);
	assert_int_equal(ipc_send_STOP(l->link, &(struct ipc_STOP){ .disconnect = 11 }), 0);
	UNTIL(l, &o, !l->alive);
	lab_monitor_turn(l);
	LAB_WORDS(l, BYE, &bye);
	carry(l, &o);
	assert_int_equal(l->peer_disconnect, 11);
	assert_int_equal(read(o.from_worker, &byte, 1), 0);
	hang_up(&o.to_worker);
	hang_up(&o.from_worker);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipes_carry_a_session),
		cmocka_unit_test(test_the_end_of_what_we_read),
		cmocka_unit_test(test_the_end_of_what_we_write),
		cmocka_unit_test(test_a_full_pipe_blocks_one_direction),
		cmocka_unit_test(test_two_sockets),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
