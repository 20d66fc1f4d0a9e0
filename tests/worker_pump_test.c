/*
 * worker_pump_test.c - the data plane: every byte, in order, and nobody is held up by
 * somebody else's undrained channel.
 */
#include "tests/worker_lab.h"

enum { PIECE = 32768 };

static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };
/* Inflated payloads live only until the next packet: nothing of them may be kept. */
static const struct lab_options zlib = { .role = SSH_SERVER, .close_ms = 300, .compressed = true };

/* A stream that is the same wherever it is cut: byte i of stream s. */
static uint8_t
byte_at(size_t s, size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16) + s * 101);
}

static void
fill(uint8_t *p, size_t n, size_t s, size_t from)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(s, from + i);
}

static void
check(const uint8_t *p, size_t n, size_t s, size_t from)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(s, from + i))
			fail_msg("stream %zu differs at %zu", s, from + i);
}

/* The application's end of a channel: writes one stream and reads another. */
struct end {
	int fd;
	size_t sent, got, want_send, want_get;
	size_t stream;
};

static void
end_turn(struct end *e)
{
	static uint8_t buf[100 * 1000];
	size_t n = e->want_send - e->sent;
	ssize_t k;

	if (n > sizeof(buf))
		n = sizeof(buf);
	fill(buf, n, e->stream, e->sent);
	if (n > 0 && (k = write(e->fd, buf, n)) > 0)
		e->sent += (size_t)k;
	if ((k = read(e->fd, buf, sizeof(buf))) > 0) {
		check(buf, (size_t)k, e->stream + 1, e->got);
		e->got += (size_t)k;
	}
}

static size_t
peer_feed(struct lab *l, struct lab_channel *c, size_t stream, size_t from, size_t to)
{
	uint8_t buf[PIECE];
	size_t n = to - from < sizeof(buf) ? to - from : sizeof(buf);

	fill(buf, n, stream, from);
	return n == 0 ? 0 : lab_peer_send(l, c->ch, 0, buf, n);
}

static void
bulk_both_ways_at_once(const struct lab_options *o)
{
	struct lab *l = lab_open(o);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct end e = { .fd = lab_take_socket(l, chan), .want_send = 12 * 1024 * 1024,
		.want_get = 12 * 1024 * 1024 };
	size_t fed = 0;
	int small = 20000;

	/* the descriptor takes a little at a time */
	assert_int_equal(setsockopt(e.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < LAB_TURNS && (c->n < e.want_send || e.got < e.want_get); i++) {
		fed += peer_feed(l, c, 1, fed, e.want_get);
		end_turn(&e);
		lab_turn(l, 0);
	}
	assert_int_equal(e.got, e.want_get);
	assert_int_equal(c->n, e.want_send);
	check(c->data, c->n, 0, 0);
	(void)close(e.fd);
	lab_free(l);
}

static void
test_bulk_both_ways_at_once(void **state)
{
	(void)state;
	bulk_both_ways_at_once(&server);
	bulk_both_ways_at_once(&zlib);
}

static void
bulk_through_rekeys(bool compressed)
{
	struct lab *l = lab_open(&(struct lab_options){ .role = SSH_SERVER, .close_ms = 300,
	    .rekey_packets = 20, .compressed = compressed });
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct end e = { .fd = lab_take_socket(l, chan), .want_send = 6 * 1024 * 1024,
		.want_get = 6 * 1024 * 1024 };
	size_t fed = 0;

	for (int i = 0; i < LAB_TURNS && (c->n < e.want_send || e.got < e.want_get); i++) {
		fed += peer_feed(l, c, 1, fed, e.want_get);
		end_turn(&e);
		lab_turn(l, 0);
	}
	assert_int_equal(e.got, e.want_get);
	assert_int_equal(c->n, e.want_send);
	check(c->data, c->n, 0, 0);
	assert_true(l->said[IPC_MSG_SIGN] > 8);
	assert_int_equal(l->said[IPC_MSG_SIGN], l->said[IPC_MSG_AGREED]);
	assert_int_equal(l->said[IPC_MSG_REKEYED] + 1, l->said[IPC_MSG_AGREED]);
	(void)close(e.fd);
	lab_free(l);
}

static void
test_bulk_through_rekeys(void **state)
{
	(void)state;
	bulk_through_rekeys(false);
	bulk_through_rekeys(true);
}

/* Channel 0 is never read.  Its backlog stops at its window; channel 1 goes on. */
static void
an_undrained_channel_stops_nobody_else(const struct lab_options *o)
{
	struct lab *l = lab_open(o);
	struct lab_channel *stuck, *free_;
	uint64_t a = lab_session(l, &stuck), b = lab_session(l, &free_);
	int stuck_fd = lab_take_socket(l, a);
	struct end e = { .fd = lab_take_socket(l, b), .want_send = 4 * 1024 * 1024,
		.want_get = 4 * 1024 * 1024, .stream = 2 };
	size_t fed = 0, stuck_fed = 0, drained = 0;
	static uint8_t buf[65536];
	ssize_t n;

	for (int i = 0; i < LAB_TURNS && (free_->n < e.want_send || e.got < e.want_get); i++) {
		stuck_fed += peer_feed(l, stuck, 7, stuck_fed, SIZE_MAX);
		fed += peer_feed(l, free_, 3, fed, e.want_get);
		end_turn(&e);
		lab_turn(l, 0);
	}
	assert_int_equal(e.got, e.want_get);
	assert_int_equal(free_->n, e.want_send);
	assert_int_equal(connection_may_send(l->pc, stuck->ch), 0);
	assert_true(stuck_fed < 1024 * 1024);
	/* and nothing of it is lost */
	for (int i = 0; i < LAB_TURNS && drained < stuck_fed; i++) {
		if ((n = read(stuck_fd, buf, sizeof(buf))) > 0) {
			check(buf, (size_t)n, 7, drained);
			drained += (size_t)n;
		}
		lab_turn(l, 0);
	}
	assert_int_equal(drained, stuck_fed);
	assert_true(connection_may_send(l->pc, stuck->ch) > 0);
	(void)close(stuck_fd);
	(void)close(e.fd);
	lab_free(l);
}

static void
test_an_undrained_channel_stops_nobody_else(void **state)
{
	(void)state;
	an_undrained_channel_stops_nobody_else(&server);
	an_undrained_channel_stops_nobody_else(&zlib);
}

/* The peer gives no window on channel 0: only that one's output stops. */
static void
a_closed_window_stops_nobody_else(const struct lab_options *o)
{
	struct lab *l = lab_open(o);
	struct lab_channel *stuck, *free_;
	uint64_t a = lab_session(l, &stuck), b = lab_session(l, &free_);
	struct end s = { .fd = lab_take_socket(l, a), .want_send = 8 * 1024 * 1024 };
	struct end e = { .fd = lab_take_socket(l, b), .want_send = 4 * 1024 * 1024, .stream = 2 };
	size_t window;

	stuck->keep = true;
	window = stuck->ch->window;
	for (int i = 0; i < LAB_TURNS && free_->n < e.want_send; i++) {
		end_turn(&s);
		end_turn(&e);
		lab_turn(l, 0);
	}
	assert_int_equal(free_->n, e.want_send);
	check(free_->data, free_->n, 2, 0);
	assert_int_equal(stuck->n, window);
	stuck->keep = false;
	assert_int_equal(connection_taken(l->pc, stuck->ch, (uint32_t)stuck->n), PROTO_OK);
	for (int i = 0; i < LAB_TURNS && stuck->n < s.want_send; i++) {
		end_turn(&s);
		lab_turn(l, 0);
	}
	assert_int_equal(stuck->n, s.want_send);
	check(stuck->data, stuck->n, 0, 0);
	(void)close(s.fd);
	(void)close(e.fd);
	lab_free(l);
}

static void
test_a_closed_window_stops_nobody_else(void **state)
{
	(void)state;
	a_closed_window_stops_nobody_else(&server);
	a_closed_window_stops_nobody_else(&zlib);
}

/* The network takes nothing: the worker waits, and reads no more of its channels. */
static void
test_a_network_that_takes_nothing(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	struct end e = { .fd = lab_take_socket(l, chan), .want_send = 8 * 1024 * 1024 };
	size_t pending, before;

	(void)state;
	/* until the peer's window is larger than what the network holds */
	for (int i = 0; i < LAB_TURNS && c->ch->window_max < 1024 * 1024; i++) {
		end_turn(&e);
		lab_turn(l, 0);
	}
	assert_true(c->ch->window_max >= 1024 * 1024);
	before = e.sent;
	l->peer_frozen = true;
	for (int i = 0; i < 300; i++) {
		end_turn(&e);
		lab_turn(l, 0);
	}
	pending = transport_pending(l->w->tr).n;
	assert_true(pending > 0);
	assert_true(pending < WORKER_TX_CAP / 2 + WORKER_TX_CAP / 4);
	assert_true(e.sent - before < 1024 * 1024);
	/* and does not spin: nothing is wanted but that the network takes more */
	worker_poll(l->w, 0);
	assert_int_equal(l->w->polls_n, 4);	/* two links, the network's two directions */
	assert_int_equal(l->w->flows->poll_out, -1);
	l->peer_frozen = false;
	for (int i = 0; i < LAB_TURNS && c->n < e.want_send; i++) {
		end_turn(&e);
		lab_turn(l, 0);
	}
	assert_int_equal(c->n, e.want_send);
	check(c->data, c->n, 0, 0);
	(void)close(e.fd);
	lab_free(l);
}

static void
test_sixty_four_channels(void **state)
{
	enum { MANY = 64, EACH = 300 * 1000 };
	struct lab *l = lab_open(&server);
	struct lab_channel *c[MANY];
	struct end e[MANY];
	size_t fed[MANY] = { 0 }, done = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		uint64_t chan = lab_session(l, &c[i]);

		e[i] = (struct end){ .fd = lab_take_socket(l, chan), .want_send = EACH + i,
			.want_get = EACH + 2 * i, .stream = 2 * i };
		lab_rest(l);
	}
	for (int turn = 0; turn < LAB_TURNS && done < MANY; turn++) {
		done = 0;
		for (size_t i = 0; i < MANY; i++) {
			fed[i] += peer_feed(l, c[i], 2 * i + 1, fed[i], e[i].want_get);
			end_turn(&e[i]);
			done += e[i].got == e[i].want_get && c[i]->n == e[i].want_send;
		}
		lab_turn(l, 0);
	}
	assert_int_equal(done, MANY);
	for (size_t i = 0; i < MANY; i++) {
		check(c[i]->data, c[i]->n, 2 * i, 0);
		(void)close(e[i].fd);
	}
	lab_free(l);
}

/* A byte goes through at once: no timer, no waiting for more. */
static void
test_a_keystroke_is_one_turn_each_way(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);
	uint8_t byte = 'k';

	(void)state;
	lab_rest(l);
	assert_int_equal(lab_peer_send(l, c->ch, 0, &byte, 1), 1);
	lab_peer_turn(l);
	assert_true(worker_turn(l->w, 0));
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(write(fd, &byte, 1), 1);
	assert_true(worker_turn(l->w, 0));
	lab_peer_turn(l);
	assert_int_equal(c->n, 1);
	(void)close(fd);
	lab_free(l);
}

/* At rest the buffers' pages are given back, and nothing wakes the worker. */
static void
test_an_idle_worker_sleeps(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	lab_rest(l);
	assert_true(worker_deadline(l->w) != UINT64_MAX);
	l->w->last_traffic -= WORKER_IDLE_MS;
	l->w->trim_at = l->w->now;
	assert_true(worker_turn(l->w, 0));
	assert_int_equal(l->w->rx[100], 0);
	assert_true(worker_deadline(l->w) == UINT64_MAX);
	/* and it wakes up as well as before */
	assert_int_equal(lab_peer_send(l, c->ch, 0, (const uint8_t *)"k", 1), 1);
	lab_rest(l);
	assert_int_equal(read(fd, &(char){ 0 }, 1), 1);
	(void)close(fd);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_both_ways_at_once),
		cmocka_unit_test(test_bulk_through_rekeys),
		cmocka_unit_test(test_an_undrained_channel_stops_nobody_else),
		cmocka_unit_test(test_a_closed_window_stops_nobody_else),
		cmocka_unit_test(test_a_network_that_takes_nothing),
		cmocka_unit_test(test_sixty_four_channels),
		cmocka_unit_test(test_a_keystroke_is_one_turn_each_way),
		cmocka_unit_test(test_an_idle_worker_sleeps),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
