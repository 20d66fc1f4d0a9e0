/* api_sftp_test.c - the first words of an sftp session, and servers that say others. */
#include <pthread.h>

#include "tests/sftp_play.h"

enum { LONGEST = 34000 };

static const struct span bad[] = {
	{ (const uint8_t *)"\0\0\0\4\2\0\0\0\3", 9 },	/* too short for one */
	{ (const uint8_t *)"\0\0\x84\xd1\2\0\0\0\3", 9 },	/* 34001 */
	{ (const uint8_t *)"\xff\xff\xff\xff\2\0\0\0\3", 9 },
	{ (const uint8_t *)"\0\0\0\5\1\0\0\0\3", 9 },	/* INIT back */
	{ (const uint8_t *)"\0\0\0\5\2\0\0\0\2", 9 },
	{ (const uint8_t *)"\0\0\0\5\2\0\0\0\4", 9 },	/* more than was offered */
	{ (const uint8_t *)"Welcome! ", 9 },		/* a shell's greeting */
};
enum { BAD = sizeof(bad) / sizeof(bad[0]) };

/* ---- the call that waits ---- */

/*
 * The worker of one opening, in a thread: it answers OPEN and SUBSYSTEM_DO, checks what
 * the client says first, and has words put in the server's mouth.
 */
struct part {
	const uint8_t *words;
	size_t n, pieces;		/* written so many bytes at a time */
	bool refuses, ends, chatters;
	bool heard_init;
};

static ssize_t
hear(uint8_t *buf, int *fds, struct rd *r)
{
	struct pollfd p = { .fd = w, .events = POLLIN };
	size_t nfds;
	ssize_t n;

	(void)poll(&p, 1, SOON);
	n = ipc_recv(w, buf, IPC_MESSAGE_MAX, fds, &nfds);
	*r = rd_of(span_of(buf, n > 0 ? (size_t)n : 0));
	return n > 0 ? rd_u8(r) : 0;
}

static void
speak(const struct part *part, int data)
{
	for (size_t i = 0; i < part->n; i += part->pieces) {
		size_t n = part->n - i < part->pieces ? part->n - i : part->pieces;

		if (postern_send_all(data, part->words + i, n, NULL, SOON) < 0)
			return;	/* the client has heard enough */
	}
}

static void *
play(void *arg)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	struct part *part = arg;
	struct ipc_TAKE_SOCKET take = { .data = -1 };
	struct ipc_SUBSYSTEM_DO sub;
	struct ipc_OPEN open;
	int fds[IPC_FDS_MAX];
	uint8_t init[9];
	struct rd r;

	if (hear(buf, fds, &r) != IPC_MSG_OPEN || !ipc_get_OPEN(&r, fds, &open))
		return NULL;
	(void)ipc_send_OPENED(w, &(struct ipc_OPENED){ .chan = open.chan,
	    .extra = span_str("") });
	if (hear(buf, fds, &r) != IPC_MSG_TAKE_SOCKET || !ipc_get_TAKE_SOCKET(&r, fds, &take))
		return NULL;
	(void)ipc_send_TAKEN(w, &(struct ipc_TAKEN){ .chan = open.chan });
	if (hear(buf, fds, &r) != IPC_MSG_SUBSYSTEM_DO || !ipc_get_SUBSYSTEM_DO(&r, fds, &sub))
		return NULL;
	(void)ipc_send_DONE(w, &(struct ipc_DONE){ .call = sub.call,
	    .ok = span_is(sub.name, "sftp") && !part->refuses, .payload = span_str("") });
	if (!part->refuses)
		part->heard_init = postern_recv_exactly(take.data, init, 9, NULL, SOON) == 0 &&
		    memcmp(init, "\0\0\0\5\1\0\0\0\3", 9) == 0;
	speak(part, take.data);
	/* two seconds of other business, without a pause */
	for (struct api_deadline d = api_deadline_in(2000);
	    part->chatters && api_deadline_left(d) > 0;)
		(void)ipc_send_GLOBAL_ASK(w, &(struct ipc_GLOBAL_ASK){
		    .kind = span_str("chat@test"), .payload = span_str("") });
	if (part->ends) {
		(void)shutdown(take.data, SHUT_WR);
		(void)ipc_send_PEER_EOF(w, &(struct ipc_PEER_EOF){ .chan = open.chan });
	}
	fake_pause(200);		/* silent, but there */
	(void)close(take.data);
	return part;
}

static int
client_of(struct part *part, postern_sftp **s, int timeout_ms)
{
	pthread_t thread;
	void *result;
	int r;

	if (part->pieces == 0)
		part->pieces = LONGEST;
	assert_int_equal(pthread_create(&thread, NULL, play, part), 0);
	r = postern_transport_open_sftp_client(t, s, timeout_ms);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, part);
	return r;
}

static void
words_that_are_no_version(void **state)
{
	postern_sftp *s = NULL;

	(void)state;
	for (size_t i = 0; i < BAD; i++) {
		struct part part = { .words = bad[i].p, .n = bad[i].n };

		assert_int_equal(client_of(&part, &s, SOON), POSTERN_EPROTO);
		assert_true(part.heard_init);
		assert_null(s);
		assert_true(was_closed());
	}
	assert_int_equal(t->n_channels, 0);
}

static void
a_head_that_is_cut_is_not_waited_for(void **state)
{
	static const uint8_t head[] = "\0\0\0\x0a\2\0\0\0\3ext";
	postern_sftp *s = NULL;

	(void)state;
	for (size_t n = 0; n < 12; n += 4) {
		struct part part = { .words = head, .n = n, .ends = true };

		assert_int_equal(client_of(&part, &s, SOON), POSTERN_ECLOSED);
		(void)was_closed();
	}
	for (size_t n = 8; n < 14; n += 4) {
		struct part part = { .words = head, .n = n };

		assert_int_equal(client_of(&part, &s, 60), POSTERN_ETIMEOUT);
		(void)was_closed();
	}
	assert_null(s);
	assert_int_equal(t->n_channels, 0);
}

static int
take_a_while(void *user, postern_transport *transport, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user;
	(void)transport;
	(void)question;
	(void)kind;
	(void)data;
	(void)len;
	fake_pause(1);
	return POSTERN_REFUSE;
}

static void
whoever_talks_of_other_things_does_not_stop_the_clock(void **state)
{
	struct part part = { .chatters = true };
	struct api_deadline late = api_deadline_in(1500);
	postern_sftp *s = NULL;
	pthread_t thread;

	(void)state;
	t->client.check_global_request = take_a_while;
	assert_int_equal(pthread_create(&thread, NULL, play, &part), 0);
	assert_int_equal(postern_transport_open_sftp_client(t, &s, 100), POSTERN_ETIMEOUT);
	assert_true(api_deadline_left(late) > 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
a_server_without_it_refuses(void **state)
{
	struct part part = { .refuses = true };
	postern_sftp *s = NULL;

	(void)state;
	assert_int_equal(client_of(&part, &s, SOON), POSTERN_EREFUSED);
	assert_null(s);
	assert_int_equal(t->n_channels, 0);
	postern_sftp_free(NULL);
}

static void
the_version_is_told_and_extensions_are_dropped(void **state)
{
	static uint8_t words[4 + LONGEST + 1] = "\0\0\x84\xd0\2\0\0\0\3";
	struct part whole = { .words = words, .n = 4 + LONGEST + 1 },
	    bytes = { .words = (const uint8_t *)"\0\0\0\7\2\0\0\0\3ab", .n = 11, .pieces = 1 };
	postern_sftp *s = NULL;
	char next;

	(void)state;
	words[4 + LONGEST] = '!';
	assert_int_equal(client_of(&whole, &s, SOON), 0);
	assert_int_equal(postern_sftp_get_version(s), 3);
	/* not a byte more than that packet was read */
	assert_int_equal(postern_recv_exactly(postern_channel_fd(postern_sftp_get_channel(s)),
	    &next, 1, NULL, SOON), 0);
	assert_int_equal(next, '!');
	postern_sftp_free(s);
	(void)was_closed();
	assert_int_equal(client_of(&bytes, &s, SOON), 0);
	postern_sftp_free(s);
	assert_int_equal(t->n_channels, 0);
}

/* ---- its twin: whoever waited here would wait for ever ---- */

/* Three pieces: from 0, from i and from j on. */
static void
however_it_is_cut(void **state)
{
	static const char words[] = ANSWER "!";

	(void)state;
	for (size_t i = 0; i < ANSWER_LEN; i++) {
		for (size_t j = i + 1; j <= ANSWER_LEN; j++) {
			struct opening o = sftp_at(AWAITED);
			int fd = postern_channel_fd(postern_sftp_get_channel(o.s));
			char rest[4];

			if (i > 0)
				sftp_says(&o, words, i);
			quiet();
			assert_true(is_watched(fd));
			sftp_says(&o, &words[i], j - i);
			if (j < ANSWER_LEN)
				quiet();
			sftp_says(&o, &words[j], ANSWER_LEN + 1 - j);
			sftp_done(&o, 0);
			assert_int_equal(recv(fd, rest, sizeof(rest), MSG_DONTWAIT), 1);
			assert_int_equal(rest[0], '!');
			quiet();
			sftp_over(&o);
		}
	}
}

static void
byte_by_byte(void **state)
{
	struct opening o = sftp_at(AWAITED);

	(void)state;
	for (size_t i = 0; i < ANSWER_LEN; i++) {
		quiet();
		sftp_says(&o, &ANSWER[i], 1);
	}
	sftp_done(&o, 0);
	/* the descriptor is the application's: what comes now wakes nobody here */
	sftp_says(&o, "more", 4);
	quiet();
	/* and its end is none of the call's */
	assert_int_equal(shutdown(o.data, SHUT_WR), 0);
	SAY(PEER_EOF, .chan = o.chan);
	SAY(CHANNEL_OVER, .chan = o.chan);
	quiet();
	assert_int_equal(recv(postern_channel_fd(postern_sftp_get_channel(o.s)), said.buf, 9,
	    MSG_DONTWAIT), 4);
	sftp_over(&o);
}

static void
the_twin_takes_no_other_words(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	for (size_t i = 0; i < BAD; i++) {
		for (size_t cut = 1; cut <= bad[i].n; cut++) {
			struct opening o = sftp_at(AWAITED);

			sftp_says(&o, bad[i].p, cut);
			if (cut < bad[i].n) {
				quiet();
				sftp_says(&o, &bad[i].p[cut], bad[i].n - cut);
			}
			sftp_done(&o, POSTERN_EPROTO);
			assert_int_equal(postern_transport_get_exception(t, &e), 0);
			assert_string_equal(e.text, "the server does not speak version 3 of sftp");
			assert_int_equal(e.side, POSTERN_PEER);
			sftp_says(&o, "and more", 8);
			quiet();
			sftp_over(&o);
		}
	}
}

static void
refusals(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct opening o = sftp_at(OPENING);

	(void)state;
	SAY(NOT_OPENED, .chan = o.chan, .reason = 4, .text = span_str("full"));
	settle();
	sftp_done(&o, POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.refusal, 4);
	postern_sftp_free(o.s);
	nothing_more();			/* there is no channel to close */
	o = sftp_at(ASKED);
	done(o.call, 0, span_str(""));
	sftp_done(&o, POSTERN_EREFUSED);
	postern_sftp_free(o.s);
	assert_true(was_closed());
	ipc_close_fds(&o.data, 1);
	assert_int_equal(t->n_channels, 0);
	/* a worker that does not read is told no more */
	o = sftp_at(OPENING);
	t->worker.out_count += API_OUT_MAX / 2;
	SAY(OPENED, .chan = o.chan, .extra = span_str(""));
	settle();
	t->worker.out_count -= API_OUT_MAX / 2;
	sftp_done(&o, POSTERN_ELIMIT);
	nothing_more();
	sftp_over(&o);
	/* no connection to open it on, or none any more */
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_open_sftp_client_async(t, &o.s, NULL), POSTERN_ECLOSED);
}

static void
two_at_once(void **state)
{
	struct opening a = sftp_begin(), b = sftp_begin();

	(void)state;
	sftp_opened(&b);
	sftp_opened(&a);
	sftp_granted(&a);
	sftp_says(&a, ANSWER, PART);
	sftp_granted(&b);
	sftp_says(&b, bad[0].p, bad[0].n - 1);
	quiet();
	/* ready in one turn; the first to go must not take the other along */
	assert_int_equal(write(a.data, &ANSWER[PART], ANSWER_LEN - PART), ANSWER_LEN - PART);
	assert_int_equal(write(b.data, &bad[0].p[bad[0].n - 1], 1), 1);
	settle();
	for (int i = 0; i < 2; i++) {
		struct postern_event ev = event(POSTERN_EVENT_DONE);

		assert_true(ev.call == a.call || ev.call == b.call);
		assert_int_equal(ev.result, ev.call == a.call ? 0 : POSTERN_EPROTO);
	}
	quiet();
	assert_int_equal(postern_sftp_get_version(a.s), 3);
	assert_int_equal(postern_sftp_get_version(b.s), 0);
	postern_sftp_free(b.s);
	ipc_close_fds(&b.data, 1);
	assert_true(was_closed());
	assert_int_equal(postern_channel_fd(postern_sftp_get_channel(a.s)),
	    postern_sftp_get_channel(a.s)->fd);
	sftp_over(&a);
}

static void
a_liar_completes_nothing(void **state)
{
	struct opening o = sftp_at(OPENING);

	(void)state;
	done(o.call, 1, span_str(""));
	nothing_more();
	sftp_opened(&o);
	SAY(OPENED, .chan = o.chan, .extra = span_str(""));
	SAY(NOT_OPENED, .chan = o.chan, .reason = 1, .text = span_str(""));
	quiet();
	nothing_more();
	sftp_granted(&o);
	/* yes and no once more, and they bring something */
	done(o.call, 1, span_str("payload"));
	done(o.call, 0, span_str("payload"));
	quiet();
	assert_int_equal(recv(o.data, said.buf, 1, MSG_DONTWAIT), -1);
	sftp_says(&o, ANSWER, ANSWER_LEN);
	sftp_done(&o, 0);
	sftp_over(&o);
}

static void
its_descriptor_is_ours_until_then(void **state)
{
	struct opening o = sftp_at(AWAITED);
	postern_channel *ch = postern_sftp_get_channel(o.s);
	int fd = postern_channel_fd(ch), pair[2];

	(void)state;
	assert_int_equal(postern_channel_take_fd(ch), POSTERN_ESTATE);
	assert_int_equal(postern_channel_fd(ch), fd);
	sftp_says(&o, ANSWER, ANSWER_LEN);
	sftp_done(&o, 0);
	assert_int_equal(postern_channel_take_fd(ch), fd);
	(void)close(fd);
	sftp_over(&o);
	/* another's in its place, or it was taken before: nobody here could read the answer */
	o = sftp_begin();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(postern_channel_take_socket(postern_sftp_get_channel(o.s), pair[0]), 0);
	sftp_opened(&o);
	done(o.call, 1, span_str(""));
	sftp_done(&o, POSTERN_ESTATE);
	assert_int_equal(recv(pair[1], said.buf, 1, MSG_DONTWAIT), -1);
	(void)close(pair[1]);
	sftp_over(&o);
	o = sftp_at(ASKED);
	fd = postern_channel_take_fd(postern_sftp_get_channel(o.s));
	assert_true(fd >= 0);
	done(o.call, 1, span_str(""));
	sftp_done(&o, POSTERN_ESTATE);
	(void)close(fd);
	sftp_over(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, sftp_setup, sftp_teardown)
		T(words_that_are_no_version),
		T(a_head_that_is_cut_is_not_waited_for),
		T(whoever_talks_of_other_things_does_not_stop_the_clock),
		T(a_server_without_it_refuses),
		T(the_version_is_told_and_extensions_are_dropped),
		T(however_it_is_cut),
		T(byte_by_byte),
		T(the_twin_takes_no_other_words),
		T(refusals),
		T(two_at_once),
		T(a_liar_completes_nothing),
		T(its_descriptor_is_ours_until_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
