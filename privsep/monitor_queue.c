/*
 * monitor_queue.c - messages to the application, which may be slow.
 *
 * Nothing here blocks.  What the application does not take at once waits in a
 * bounded queue, and while one message waits no worker is read: a flood of a
 * worker's words stops at the worker.  An application that reads nothing at all
 * while the queue grows past its bound has lost its monitor.
 */
#include "privsep/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct letter {
	struct letter *next;
	unsigned flags;
	size_t nfds, n;
	int fds[IPC_FDS_MAX];
	uint8_t bytes[];
};

static void
letter_free(struct letter *l)
{
	ipc_close_fds(l->fds, l->nfds);
	if ((l->flags & SECRET) != 0)
		crypto_wipe(l->bytes, l->n);
	free(l);
}

/* While letters wait: the application's link is watched for room, the workers'
 * set is not watched at all. */
static void
watch_for_room(struct monitor *m, bool waiting)
{
	struct epoll_event app = { .events = EPOLLIN, .data.ptr = &m->app };
	struct epoll_event workers = { .events = EPOLLIN, .data.ptr = &m->worker_set };

	if (waiting == m->workers_paused)
		return;
	if (waiting) {
		app.events |= EPOLLOUT;
		workers.events = 0;
	}
	if (epoll_ctl(m->ep, EPOLL_CTL_MOD, m->app.fd, &app) != 0 ||
	    epoll_ctl(m->ep, EPOLL_CTL_MOD, m->worker_set.fd, &workers) != 0) {
		monitor_stop(m, "epoll_ctl failed");
		return;
	}
	m->workers_paused = waiting;
}

static struct letter *
letter_new(struct span bytes, const int *fds, size_t nfds, unsigned flags)
{
	struct letter *l = malloc(sizeof(*l) + bytes.n);

	if (l == NULL)
		return NULL;
	l->next = NULL;
	l->flags = flags;
	l->n = bytes.n;
	memcpy(l->bytes, bytes.p, bytes.n);
	for (l->nfds = 0; l->nfds < nfds; l->nfds++) {
		l->fds[l->nfds] = fcntl(fds[l->nfds], F_DUPFD_CLOEXEC, 0);
		if (l->fds[l->nfds] < 0) {
			letter_free(l);
			return NULL;
		}
	}
	return l;
}

/* ETOOMANYREFS: descriptors in flight of the whole user, that nobody has received yet. */
static bool
is_full(int r)
{
	return r == -EAGAIN || r == -ETOOMANYREFS;
}

void
monitor_app_send(struct monitor *m, struct wr *w, const int *fds, size_t nfds, unsigned flags)
{
	struct queue *q = &m->queue;
	struct letter *l;
	int r = -EAGAIN;

	if (m->over || m->app.fd < 0) {
		crypto_wipe(w->p, w->n);
		return;
	}
	if (w->bad) {
		monitor_stop(m, "a message of ours is too long");
		return;
	}
	if (q->first == NULL)
		r = ipc_send(m->app.fd, wr_span(w), fds, nfds);
	if (is_full(r)) {
		l = letter_new(wr_span(w), fds, nfds, flags);
		if (l == NULL || q->bytes > MONITOR_QUEUE_MAX) {
			if (l != NULL)
				letter_free(l);
			monitor_stop(m, "the application does not read");
		} else {
			*q->last = l;
			q->last = &l->next;
			q->bytes += sizeof(*l) + l->n;
			watch_for_room(m, true);
		}
	} else if (r != 0) {
		monitor_stop(m, "the application's link is gone");
	}
	if ((flags & SECRET) != 0)
		crypto_wipe(w->p, w->n);
}

void
monitor_app_flush(struct monitor *m)
{
	struct queue *q = &m->queue;

	while (q->first != NULL) {
		struct letter *l = q->first;
		int r = ipc_send(m->app.fd, span_of(l->bytes, l->n), l->fds, l->nfds);

		if (is_full(r))
			return;
		if (r != 0) {
			monitor_stop(m, "the application's link is gone");
			return;
		}
		q->first = l->next;
		if (q->first == NULL)
			q->last = &q->first;
		q->bytes -= sizeof(*l) + l->n;
		letter_free(l);
	}
	watch_for_room(m, false);
}

void
monitor_queue_free(struct queue *q)
{
	while (q->first != NULL) {
		struct letter *l = q->first;

		q->first = l->next;
		letter_free(l);
	}
	q->last = &q->first;
}
