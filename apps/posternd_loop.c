/*
 * posternd_loop.c - one epoll loop over the library, the account helper, signals,
 * listening sockets and the links of sessions.  Nothing in it waits for anybody.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { EVENTS_PER_TURN = 64, CALLS_PER_TURN = 256, PAUSE_MS = 500 };

static uint64_t pack(enum posternd_source source, uint32_t slot, uint32_t generation)
{
	return (uint64_t)source << 60 | (uint64_t)(slot & 0x0fffffff) << 32 | generation;
}

int posternd_loop_add(struct daemon *d, int fd, enum posternd_source source, uint32_t slot,
    uint32_t generation)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = pack(source, slot, generation) };

	return epoll_ctl(d->poll, EPOLL_CTL_ADD, fd, &e);
}

/* Without room for another descriptor a waiting connection would wake us for ever. */
static void listeners(struct daemon *d, bool on)
{
	for (size_t i = 0; i < d->n_listeners; i++) {
		if (!on)
			(void)epoll_ctl(d->poll, EPOLL_CTL_DEL, d->listeners[i], NULL);
		else if (posternd_loop_add(d, d->listeners[i], SOURCE_LISTENER,
		    (uint32_t)d->listeners[i], 0) < 0)
			posternd_log(POSTERN_ERROR, NULL, "epoll: %s", strerror(errno));
	}
}

static void take_signal(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			posternd_log(POSTERN_INFO, NULL, "Received SIGHUP; restarting.");
			posternd_reload(d);
		} else {
			posternd_log(POSTERN_INFO, NULL, "Received signal %u; terminating.",
			    info.ssi_signo);
			d->stop = true;
		}
	}
}

static void library(struct daemon *d)
{
	for (int i = 0; i < CALLS_PER_TURN && !d->stop; i++) {
		struct postern_event e = POSTERN_EVENT;
		int r = postern_next(d->context, &e, 0);

		if (r == POSTERN_ETIMEOUT)
			return;
		if (r < 0) {
			posternd_log(POSTERN_ERROR, NULL, "fatal: %s", postern_strerror(r));
			d->stop = true;
			d->status = 255;
		} else if (e.type == POSTERN_EVENT_DONE) {
			posternd_forwarded_done(&e);
		}
	}
}

static void account(struct daemon *d)
{
	if (posternd_login_answers(d) == 0)
		return;
	/* without it nobody can log in, and it cannot be made again from a process that
	 * has seen strangers' data */
	posternd_log(POSTERN_ERROR, NULL, "fatal: the account helper died");
	d->stop = true;
	d->status = 255;
}

static void dispatch(struct daemon *d, uint64_t data)
{
	uint32_t slot = (uint32_t)(data >> 32) & 0x0fffffff;
	struct conn *c;

	switch ((enum posternd_source)(data >> 60)) {
	case SOURCE_CONTEXT:
		library(d);
		break;
	case SOURCE_SIGNALS:
		take_signal(d);
		break;
	case SOURCE_ACCOUNT:
		account(d);
		break;
	case SOURCE_LISTENER:
		/* an event of this turn may have closed it */
		for (size_t i = 0; i < d->n_listeners; i++)
			if (d->listeners[i] == (int)slot) {
				posternd_listen_accept(d, (int)slot);
				break;
			}
		break;
	case SOURCE_SESSION:
		if ((c = posternd_conn_find(d, slot, (uint32_t)data)) != NULL)
			posternd_session_reports(c);
		break;
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A pause has its own end: a connection that is never quiet must not prolong it. */
static int pause_left(struct daemon *d, int64_t until)
{
	int64_t left = until - now_ms();

	if (!d->paused)
		return -1;
	return left > 0 ? (int)left : 0;
}

void posternd_loop(struct daemon *d)
{
	bool was_paused = false;
	int64_t until = 0;

	while (!d->stop && !(d->draining && d->n_conns == 0)) {
		struct epoll_event events[EVENTS_PER_TURN];
		int n;

		if (d->paused && !was_paused)
			until = now_ms() + PAUSE_MS;
		d->paused = d->paused && pause_left(d, until) > 0;
		if (d->paused != was_paused)
			listeners(d, !d->paused);
		was_paused = d->paused;
		n = epoll_wait(d->poll, events, EVENTS_PER_TURN, pause_left(d, until));
		if (n < 0 && errno != EINTR) {
			posternd_log(POSTERN_ERROR, NULL, "fatal: epoll: %s", strerror(errno));
			d->status = 255;
			return;
		}
		for (int i = 0; i < n && !d->stop; i++)
			dispatch(d, events[i].data.u64);
	}
}
