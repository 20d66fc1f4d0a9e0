/*
 * worker_link.c - a worker's two links: to its monitor and, after login, to the
 * application.
 *
 * Both are trusted, and both are checked all the same: each message passes
 * ipc_admit with this worker's own phase before a field of it is read.  A link that
 * is full never blocks: the message waits, and while one waits no packet is looked
 * at and no request taken, so the queue is as short as what one packet can cause.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "privsep/worker_state.h"

static struct link *
link_of(struct worker *w, enum ipc_link link)
{
	switch (link) {
	case IPC_W2M:
	case IPC_M2W:
		return &w->monitor;
	case IPC_W2A:
	case IPC_A2W:
		return &w->app;
	default:
		return NULL;
	}
}

static bool
enqueue(struct link *l, struct span message)
{
	struct waiting *q;

	if (l->count >= WORKER_QUEUE_MAX)
		return false;
	if ((q = malloc(sizeof(*q) + message.n)) == NULL)
		return false;
	q->next = NULL;
	q->n = message.n;
	memcpy(q->bytes, message.p, message.n);
	if (l->last != NULL)
		l->last->next = q;
	else
		l->first = q;
	l->last = q;
	l->count++;
	return true;
}

static void
dequeue(struct link *l)
{
	struct waiting *q = l->first;

	l->first = q->next;
	if (l->first == NULL)
		l->last = NULL;
	l->count--;
	/* it may have been a password; one rule for all is one fewer to forget */
	crypto_wipe(q->bytes, q->n);
	free(q);
}

bool
worker_send(struct worker *w, enum ipc_link to, struct wr *o, unsigned flags, bool fits)
{
	struct link *l = link_of(w, to);
	struct span message = wr_span(o);
	int r = 0;

	if (l == NULL || o->bad || !fits) {
		if (flags & SECRET)
			crypto_wipe(o->p, o->cap);
		return false;
	}
	if (l->fd >= 0 && !l->gone) {
		if (l->first != NULL || (r = ipc_send(l->fd, message, NULL, 0)) == -EAGAIN) {
			if (!enqueue(l, message))
				worker_fail(w, PROTO_E_LOCAL_MEMORY);
		} else if (r < 0) {
			l->gone = true;
		}
	}
	if (flags & SECRET)
		crypto_wipe(o->p, o->n);
	return true;
}

void
worker_link_flush(struct link *l)
{
	while (l->first != NULL) {
		int r = l->gone ? 0 : ipc_send(l->fd,
		    span_of(l->first->bytes, l->first->n), NULL, 0);

		if (r == -EAGAIN)
			return;
		if (r < 0)
			l->gone = true;
		dequeue(l);
	}
}

void
worker_link_close(struct link *l)
{
	l->gone = true;
	worker_link_flush(l);
	if (l->fd >= 0)
		(void)close(l->fd);	/* a socket pair: nothing can be lost here */
	l->fd = -1;
}

static int
dispatch(struct worker *w, enum ipc_link link, size_t n, int *fds)
{
	struct rd r = rd_of(span_of(w->inbox, n));
	uint8_t number = rd_u8(&r);
	int rc;

	if (link == IPC_M2W)
		rc = worker_monitor_message(w, number, r, fds);
	else
		rc = worker_app_message(w, number, r, fds);
	if (ipc_rows[number].flags & SECRET)
		crypto_wipe(w->inbox, n);
	return rc;
}

/* One message.  False: nothing (more) to take. */
static bool
receive_one(struct worker *w, enum ipc_link link, struct link *l)
{
	const char *who = link == IPC_M2W ? "the monitor" : "the application";
	const char *why = "a field is missing or out of bounds";
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
	size_t nfds = 0;
	ssize_t n = ipc_recv(l->fd, w->inbox, sizeof(w->inbox), fds, &nfds);

	if (n == -EAGAIN)
		return false;
	if (n == -EPROTO) {
		worker_broken(w, who, "a message or its descriptors were too many");
		return false;
	}
	if (n <= 0) {
		l->gone = true;
		return false;
	}
	if (ipc_admit(link, w->phase, w->kex, &l->once, w->inbox, (size_t)n, nfds, &why) == NULL ||
	    dispatch(w, link, (size_t)n, fds) != 0) {
		ipc_close_fds(fds, nfds);
		worker_broken(w, who, why);
		return false;
	}
	ipc_close_fds(fds, nfds);	/* those that the handler took are -1 here */
	return true;
}

void
worker_receive(struct worker *w, enum ipc_link link)
{
	struct link *l = link_of(w, link);

	for (int i = 0; i < WORKER_MESSAGES_PER_TURN; i++) {
		if (l->fd < 0 || l->gone)
			return;
		if (link == IPC_A2W && !worker_app_ready(w))
			return;
		if (!receive_one(w, link, l))
			return;
	}
}
