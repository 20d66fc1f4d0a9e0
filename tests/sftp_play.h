/*
 * sftp_play.h - an sftp opening that does not wait, step by step: the test says what the
 * worker and the server say.
 */
#ifndef TESTS_SFTP_PLAY_H
#define TESTS_SFTP_PLAY_H

#include <poll.h>
#include <sys/epoll.h>

#include "tests/api_play.h"

/* How far it has come. */
enum stage { OPENING, ASKED, AWAITED, PARTLY, STAGES };

struct opening {
	postern_sftp *s;
	uint64_t call, chan;
	int data;			/* the worker's end; -1: it has none yet */
};

/* Of an answer with two bytes of extensions. */
#define ANSWER "\0\0\0\7\2\0\0\0\3ab"
enum { ANSWER_LEN = 11, PART = 5 };

static inline int
sftp_setup(void **state)
{
	if (fake_setup(state) != 0)
		return -1;
	fake_how.keeps_quiet = 1;	/* it takes orders from the network's end */
	play_client(NULL);
	return 0;
}

static inline int
sftp_teardown(void **state)
{
	fake_how.keeps_quiet = 0;
	return play_teardown(state);
}

static inline struct opening
sftp_begin(void)
{
	struct opening o = { .data = -1 };
	struct ipc_OPEN m;

	assert_int_equal(postern_transport_open_sftp_client_async(t, &o.s, &o.call), 0);
	assert_int_equal(postern_sftp_get_version(o.s), 0);
	assert_non_null(postern_sftp_get_channel(o.s));
	HEAR(OPEN, &m);
	assert_true(span_is(m.type, "session"));
	o.chan = m.chan;
	return o;
}

static inline void
sftp_opened(struct opening *o)
{
	struct ipc_TAKE_SOCKET take;
	struct ipc_SUBSYSTEM_DO sub;

	SAY(OPENED, .chan = o->chan, .extra = span_str(""));
	HEAR(TAKE_SOCKET, &take);
	o->data = take.data;
	HEAR(SUBSYSTEM_DO, &sub);
	assert_true(span_is(sub.name, "sftp"));
	assert_int_equal(sub.chan, o->chan);
	assert_int_equal(sub.call, o->call);
	SAY(TAKEN, .chan = o->chan);
}

static inline void
sftp_granted(const struct opening *o)
{
	uint8_t init[10];

	done(o->call, 1, span_str(""));
	assert_int_equal(recv(o->data, init, sizeof(init), MSG_DONTWAIT), 9);
	assert_memory_equal(init, "\0\0\0\5\1\0\0\0\3", 9);
}

static inline void
sftp_says(const struct opening *o, const void *words, size_t n)
{
	assert_int_equal(write(o->data, words, n), n);
	settle();
}

static inline struct opening
sftp_at(enum stage stage)
{
	struct opening o = sftp_begin();

	if (stage >= ASKED)
		sftp_opened(&o);
	if (stage >= AWAITED)
		sftp_granted(&o);
	if (stage >= PARTLY)
		sftp_says(&o, ANSWER, PART);
	return o;
}

/* No call is done, and nothing is left that would wake who polls. */
static inline void
quiet(void)
{
	struct pollfd p = { .fd = postern_context_fd(ctx), .events = POLLIN };
	struct postern_event ev = POSTERN_EVENT;

	settle();
	while (postern_next(ctx, &ev, 0) == 1)
		assert_int_not_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(poll(&p, 1, 0), 0);
}

static inline bool
is_watched(int fd)
{
	struct epoll_event ev = { .events = 0 };

	if (epoll_ctl(ctx->set, EPOLL_CTL_ADD, fd, &ev) != 0) {
		assert_int_equal(errno, EEXIST);
		return true;
	}
	assert_int_equal(epoll_ctl(ctx->set, EPOLL_CTL_DEL, fd, NULL), 0);
	return false;
}

/* It is done, and with that; its descriptor is the application's. */
static inline void
sftp_done(const struct opening *o, int result)
{
	struct postern_event ev = event(POSTERN_EVENT_DONE);
	postern_channel *ch = postern_sftp_get_channel(o->s);

	assert_int_equal(ev.call, o->call);
	assert_int_equal(ev.result, result);
	assert_ptr_equal(ev.channel, ch);
	assert_ptr_equal(ev.transport, t);
	assert_int_equal(ev.data_len, 0);
	assert_int_equal(postern_sftp_get_version(o->s), result == 0 ? 3 : 0);
	if (ch->fd >= 0)
		assert_false(is_watched(ch->fd));
	assert_true(LIST_EMPTY(&ctx->sftps));
}

/* All messages to the worker; was its CLOSE among them? */
static inline bool
was_closed(void)
{
	struct rd r = { 0 };
	bool closed = false;
	uint8_t n;

	while ((n = next_said(&r)) != 0)
		closed |= n == IPC_MSG_CHANNEL_CLOSE;
	return closed;
}

/* The handle goes; with it everything. */
static inline void
sftp_over(struct opening *o)
{
	postern_sftp_free(o->s);
	ipc_close_fds(&o->data, 1);
	(void)was_closed();
	assert_int_equal(t->n_channels, 0);
	assert_int_equal(t->n_calls, 0);
}

#endif
