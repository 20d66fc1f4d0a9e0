/*
 * worker_end_test.c - every end says BYE once: outcome, phase, side, code, text, and
 * the two lists when nothing matched.  The peer hears what it should.
 */
#include "tests/worker_lab.h"

static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };

/* A lab whose peer says nothing by itself: the network end is the test's. */
static struct lab *
silent(const struct lab_options *o)
{
	struct lab *l = lab_new(o);

	l->peer_frozen = true;
	return l;
}

static void
expect_bye(struct lab *l, enum ipc_outcome outcome, const char *phase, enum ipc_side side)
{
	struct ipc_BYE bye;

	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, outcome);
	assert_int_equal(bye.phase.n, strlen(phase));
	assert_memory_equal(bye.phase.p, phase, strlen(phase));
	assert_int_equal(bye.side, side);
	assert_true(bye.text.n > 0);
}

static void
hang_up(struct lab *l)
{
	(void)close(l->net);
	l->net = -1;
}

/* ---- cut, phase by phase ---- */

static void
test_cut_before_the_banner(void **state)
{
	struct lab *l = silent(&server);

	(void)state;
	hang_up(l);
	expect_bye(l, IPC_CUT, "banner", IPC_SYSTEM);
	lab_free(l);
}

static void
test_cut_in_the_key_exchange(void **state)
{
	struct lab *l = silent(&server);

	(void)state;
	assert_int_equal(write(l->net, "SSH-2.0-x\r\n", 11), 11);
	lab_rest(l);
	hang_up(l);
	expect_bye(l, IPC_CUT, "kex", IPC_SYSTEM);
	lab_free(l);
}

static void
test_cut_while_the_monitor_signs(void **state)
{
	struct lab *l = lab_new(&server);

	(void)state;
	l->no_sign = true;
	LAB_UNTIL(l, l->said[IPC_MSG_SIGN] == 1);
	hang_up(l);
	expect_bye(l, IPC_CUT, "kex", IPC_SYSTEM);
	lab_free(l);
}

static void
test_cut_before_and_after_login(void **state)
{
	struct lab *l = lab_new(&server);

	(void)state;
	LAB_UNTIL(l, l->replies[AP_SERVICE] == 1);
	hang_up(l);
	expect_bye(l, IPC_CUT, "auth", IPC_SYSTEM);
	lab_free(l);

	l = lab_open(&server);
	hang_up(l);
	expect_bye(l, IPC_CUT, "open", IPC_SYSTEM);
	lab_free(l);
}

/* ---- goodbye ---- */

static void
test_the_peer_says_goodbye(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_BYE bye;

	(void)state;
	transport_say_goodbye(l->peer, 11, "enough");
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_PEER_CLOSED);
	assert_int_equal(bye.side, IPC_PEER);
	assert_int_equal(bye.disconnect, 11);
	assert_true(span_is(bye.text, "enough"));
	lab_free(l);
}

/* It hangs up right behind its goodbye: that is still a goodbye. */
static void
test_goodbye_and_gone(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);

	(void)state;
	lab_rest(l);
	/* something of ours is on its way to nobody */
	transport_say_goodbye(l->peer, 11, "enough");
	lab_peer_turn(l);
	hang_up(l);
	assert_int_equal(write(fd, "x", 1), 1);
	expect_bye(l, IPC_PEER_CLOSED, "open", IPC_PEER);
	(void)close(fd);
	lab_free(l);
}

/* A channel's CLOSE in one breath with the goodbye: that channel was not cut. */
static void
test_close_and_goodbye(void **state)
{
	struct lab *l = lab_open(&server);
	struct lab_channel *c, *open;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);
	struct ipc_CHANNEL_OVER over;
	char buf[8];

	(void)state;
	(void)lab_session(l, &open);
	lab_rest(l);
	assert_int_equal(lab_peer_send(l, c->ch, 0, (const uint8_t *)"last", 4), 4);
	assert_int_equal(connection_close(l->pc, c->ch), PROTO_OK);
	transport_say_goodbye(l->peer, 11, "enough");
	lab_peer_turn(l);
	hang_up(l);
	expect_bye(l, IPC_PEER_CLOSED, "open", IPC_PEER);
	LAB_UNTIL(l, l->said[IPC_MSG_CHANNEL_OVER] > 0);
	assert_int_equal(l->said[IPC_MSG_CHANNEL_OVER], 1);	/* not of the other */
	LAB_WORDS(l, CHANNEL_OVER, &over);
	assert_int_equal(over.chan, chan);
	assert_int_equal(read(fd, buf, sizeof(buf)), 4);
	(void)close(fd);
	lab_free(l);
}

static void
test_stop(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_STOP(l->link, &(struct ipc_STOP){ .disconnect = 14,
	    .text = span_str("too many failures") }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_DONE_BY_US);
	assert_int_equal(bye.disconnect, 14);
	lab_peer_turn(l);
	assert_int_equal(l->peer_disconnect, 14);
	lab_free(l);
}

static void
test_stop_of_a_spare(void **state)
{
	struct worker *w = calloc(1, sizeof(*w));
	static uint8_t buf[IPC_MESSAGE_MAX];
	int link[2];

	(void)state;
	assert_non_null(w);
	assert_int_equal(ipc_pair(link), 0);
	worker_init(w, link[0]);
	assert_int_equal(ipc_send_STOP(link[1], &(struct ipc_STOP){ .disconnect = 11 }), 0);
	for (int i = 0; i < 10 && worker_turn(w, 0); i++)
		;
	assert_int_equal(w->end, END_DONE);
	assert_true(ipc_recv_plain(link[1], buf, sizeof(buf)) > 0);
	assert_int_equal(buf[0], IPC_MSG_BYE);
	worker_deinit(w);
	free(w);
	(void)close(link[1]);
}

static void
test_the_application_goes(void **state)
{
	struct lab *l = lab_open(&server);

	(void)state;
	(void)close(l->app);
	l->app = -1;
	expect_bye(l, IPC_DONE_BY_US, "open", IPC_LOCAL);
	lab_peer_turn(l);
	assert_int_equal(l->peer_disconnect, SSH_DISCONNECT_BY_APPLICATION);
	lab_free(l);
}

/* Nobody is left to say BYE to; the peer still hears a word. */
static void
test_the_monitor_goes(void **state)
{
	struct lab *l = lab_open(&server);

	(void)state;
	(void)close(l->link);
	l->link = -1;
	LAB_UNTIL(l, !l->alive);
	lab_peer_turn(l);
	assert_int_equal(l->peer_disconnect, SSH_DISCONNECT_BY_APPLICATION);
	lab_free(l);
}

/* ---- faults ---- */

static void
test_not_ssh(void **state)
{
	struct lab *l = silent(&server);
	char buf[512];
	ssize_t n;

	(void)state;
	assert_int_equal(write(l->net, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	expect_bye(l, IPC_PROTOCOL, "banner", IPC_PEER);
	n = read(l->net, buf, sizeof(buf));
	assert_true(n > 8 && memcmp(buf, "SSH-2.0-", 8) == 0);
	lab_free(l);
}

static void
test_garbage_after_the_banner(void **state)
{
	struct lab *l = silent(&server);
	char junk[64];

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(write(l->net, "SSH-2.0-x\r\n", 11), 11);
	assert_int_equal(write(l->net, junk, sizeof(junk)), sizeof(junk));
	expect_bye(l, IPC_PROTOCOL, "kex", IPC_PEER);
	lab_free(l);
}

static void
test_nothing_in_common(void **state)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_SERVER, .close_ms = 300,
	    .no_match = true });
	struct ipc_BYE bye;

	(void)state;
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_NO_MATCH);
	assert_true(span_is(bye.phase, "kex"));
	assert_true(span_is(bye.ours, alg_name(ALG_CIPHER, 0)));
	assert_true(span_is(bye.theirs, LAB_OTHER_CIPHER));
	assert_int_equal(bye.disconnect, SSH_DISCONNECT_KEY_EXCHANGE_FAILED);
	lab_free(l);
}

static void
test_a_packet_that_breaks_the_rules(void **state)
{
	struct lab *l = lab_open(&server);
	struct wr w = transport_begin(l->peer, 64);
	struct ipc_BYE bye;

	(void)state;
	wr_u8(&w, SSH_MSG_CHANNEL_DATA);
	wr_u32(&w, 99);
	wr_str(&w, "x");
	assert_int_equal(transport_end(l->peer, &w), PROTO_OK);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_PROTOCOL);
	assert_true(span_is(bye.phase, "open"));
	assert_true(span_is(bye.text, proto_error_text(PROTO_E_CHANNEL_UNKNOWN)));
	lab_peer_turn(l);
	assert_int_equal(l->peer_disconnect, 2);
	lab_free(l);
}

/* ---- deadlines, each with its own name ---- */

static void
test_no_banner_in_time(void **state)
{
	struct lab *l = silent(&(struct lab_options){ .role = SSH_SERVER, .banner_ms = 30,
	    .close_ms = 300 });

	(void)state;
	expect_bye(l, IPC_TIMED_OUT, "banner", IPC_PEER);
	lab_free(l);
}

static void
test_no_key_exchange_in_time(void **state)
{
	struct lab *l = silent(&(struct lab_options){ .role = SSH_SERVER, .banner_ms = 5000,
	    .kex_ms = 30, .close_ms = 300 });

	(void)state;
	assert_int_equal(write(l->net, "SSH-2.0-x\r\n", 11), 11);
	expect_bye(l, IPC_TIMED_OUT, "kex", IPC_PEER);
	lab_free(l);
}

static void
test_no_rekey_in_time(void **state)
{
	struct lab *l = lab_open(&(struct lab_options){ .role = SSH_SERVER, .rekey_ms = 30,
	    .close_ms = 300 });

	(void)state;
	l->peer_frozen = true;
	assert_int_equal(ipc_send_REKEY(l->app, &(struct ipc_REKEY){ .call = 1 }), 0);
	expect_bye(l, IPC_TIMED_OUT, "rekey", IPC_PEER);
	lab_free(l);
}

static void
test_a_silent_peer(void **state)
{
	struct lab *l = lab_open(&(struct lab_options){ .role = SSH_SERVER, .alive_ms = 20,
	    .alive_max = 2, .close_ms = 300 });

	(void)state;
	/* it answers: all is well */
	for (int i = 0; i < 20; i++)
		lab_turn(l, 10);
	assert_true(l->alive);
	l->peer_frozen = true;
	expect_bye(l, IPC_SILENT, "open", IPC_PEER);
	lab_free(l);
}

static void
test_the_last_bytes_are_not_taken(void **state)
{
	static uint8_t chunk[65536];
	struct lab *l = lab_open(&server);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c), begun;
	int fd = lab_take_socket(l, chan);

	(void)state;
	for (int i = 0; i < 400 && c->ch->window_max < 1024 * 1024; i++) {
		(void)!write(fd, chunk, sizeof(chunk));
		lab_turn(l, 0);
	}
	l->peer_frozen = true;
	for (int i = 0; i < 200; i++) {
		(void)!write(fd, chunk, sizeof(chunk));
		lab_turn(l, 0);
	}
	assert_true(transport_pending(l->w->tr).n > 0);
	begun = worker_clock();
	assert_int_equal(ipc_send_STOP(l->link, &(struct ipc_STOP){ .disconnect = 11 }), 0);
	expect_bye(l, IPC_TIMED_OUT, "close", IPC_PEER);
	assert_true(worker_clock() - begun >= 290);
	(void)close(fd);
	lab_free(l);
}

/* ---- remarks ---- */

static void
test_remarks_are_few_and_short(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_NOTE note;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct wr w = transport_begin(l->peer, 1024);

		wr_u8(&w, SSH_MSG_DEBUG);
		wr_u8(&w, 1);
		wr_u32(&w, 600);
		for (int j = 0; j < 600; j++)
			wr_u8(&w, 'x');
		wr_str(&w, "");
		assert_int_equal(transport_end(l->peer, &w), PROTO_OK);
	}
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_NOTE], WORKER_NOTES_MAX);
	LAB_WORDS(l, NOTE, &note);
	assert_int_equal(note.text.n, 256);
	assert_true(l->alive);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_before_the_banner),
		cmocka_unit_test(test_cut_in_the_key_exchange),
		cmocka_unit_test(test_cut_while_the_monitor_signs),
		cmocka_unit_test(test_cut_before_and_after_login),
		cmocka_unit_test(test_the_peer_says_goodbye),
		cmocka_unit_test(test_goodbye_and_gone),
		cmocka_unit_test(test_close_and_goodbye),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_of_a_spare),
		cmocka_unit_test(test_the_application_goes),
		cmocka_unit_test(test_the_monitor_goes),
		cmocka_unit_test(test_not_ssh),
		cmocka_unit_test(test_garbage_after_the_banner),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_a_packet_that_breaks_the_rules),
		cmocka_unit_test(test_no_banner_in_time),
		cmocka_unit_test(test_no_key_exchange_in_time),
		cmocka_unit_test(test_no_rekey_in_time),
		cmocka_unit_test(test_a_silent_peer),
		cmocka_unit_test(test_the_last_bytes_are_not_taken),
		cmocka_unit_test(test_remarks_are_few_and_short),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
