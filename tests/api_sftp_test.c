/* api_sftp_test.c - the first words of an sftp session, and servers that say others. */
#include <pthread.h>

#include "tests/api_play.h"

enum { LONGEST = 34000 };

static int
setup(void **state)
{
	if (fake_setup(state) != 0)
		return -1;
	play_client(NULL);
	return 0;
}

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
	if (!part->ends)
		fake_pause(200);	/* silent, but there */
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
	static const struct span bad[] = {
		{ (const uint8_t *)"\0\0\0\4\2\0\0\0\3", 9 },		/* too short for one */
		{ (const uint8_t *)"\0\0\x84\xd1\2\0\0\0\3", 9 },	/* 34001 */
		{ (const uint8_t *)"\xff\xff\xff\xff\2\0\0\0\3", 9 },
		{ (const uint8_t *)"\0\0\0\5\1\0\0\0\3", 9 },		/* INIT back */
		{ (const uint8_t *)"\0\0\0\5\2\0\0\0\2", 9 },
		{ (const uint8_t *)"\0\0\0\5\2\0\0\0\4", 9 },		/* more than was offered */
		{ (const uint8_t *)"Welcome! ", 9 },			/* a shell's greeting */
	};
	postern_sftp *s = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct part part = { .words = bad[i].p, .n = bad[i].n };

		assert_int_equal(client_of(&part, &s, SOON), POSTERN_EPROTO);
		assert_true(part.heard_init);
		assert_null(s);
		while (next_said(&(struct rd){ 0 }) != 0)	/* CHANNEL_CLOSE */
			;
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
		while (next_said(&(struct rd){ 0 }) != 0)
			;
	}
	for (size_t n = 8; n < 14; n += 4) {
		struct part part = { .words = head, .n = n };

		assert_int_equal(client_of(&part, &s, 60), POSTERN_ETIMEOUT);
		while (next_said(&(struct rd){ 0 }) != 0)
			;
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
	while (next_said(&(struct rd){ 0 }) != 0)
		;
	assert_int_equal(client_of(&bytes, &s, SOON), 0);
	postern_sftp_free(s);
	assert_int_equal(t->n_channels, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
		T(words_that_are_no_version),
		T(a_head_that_is_cut_is_not_waited_for),
		T(whoever_talks_of_other_things_does_not_stop_the_clock),
		T(a_server_without_it_refuses),
		T(the_version_is_told_and_extensions_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
