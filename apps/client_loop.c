/*
 * client_loop.c - the client's one loop: descriptors, times, and the library's events.
 *
 * Level-triggered poll(2), since standard input may be a file, which epoll(7) refuses.
 * A watch that is ended while its turn runs stays in the list until the turn is over,
 * so nothing is called that has gone.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/client_loop.h"

struct client_watch {
	TAILQ_ENTRY(client_watch) next;
	struct client_loop *loop;
	int fd;
	short events;
	bool ended;
	int64_t deadline;		/* -1: none */
	client_watch_ready *ready;
	void *user;
};

struct client_call {
	TAILQ_ENTRY(client_call) next;
	uint64_t call;
	void (*done)(void *user, int result);
	void *user;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	/* cannot fail for this clock */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
client_loop_init(struct client_loop *l, postern_context *context)
{
	memset(l, 0, sizeof(*l));
	l->context = context;
	TAILQ_INIT(&l->watches);
	TAILQ_INIT(&l->calls);
	TAILQ_INIT(&l->parts);
}

static void
sweep(struct client_loop *l)
{
	struct client_watch *w, *next;

	for (w = TAILQ_FIRST(&l->watches); w != NULL; w = next) {
		next = TAILQ_NEXT(w, next);
		if (!w->ended)
			continue;
		TAILQ_REMOVE(&l->watches, w, next);
		l->n_watches--;
		free(w);
	}
}

void
client_loop_free(struct client_loop *l)
{
	struct client_part *part;
	struct client_call *c;

	while ((part = TAILQ_FIRST(&l->parts)) != NULL)
		part->end(part);
	while ((c = TAILQ_FIRST(&l->calls)) != NULL) {
		TAILQ_REMOVE(&l->calls, c, next);
		free(c);
	}
	sweep(l);
	free(l->polled);
}

void
client_loop_join(struct client_loop *l, struct client_part *part,
    void (*end)(struct client_part *))
{
	part->loop = l;
	part->end = end;
	TAILQ_INSERT_TAIL(&l->parts, part, next);
}

void
client_loop_leave(struct client_part *part)
{
	TAILQ_REMOVE(&part->loop->parts, part, next);
}

struct client_watch *
client_loop_watch(struct client_loop *l, int fd, short events, client_watch_ready *ready,
    void *user)
{
	struct client_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		err(255, "calloc");
	w->loop = l;
	w->fd = fd;
	w->events = events;
	w->deadline = -1;
	w->ready = ready;
	w->user = user;
	/* in front: what is new in a turn is not in that turn's list */
	TAILQ_INSERT_HEAD(&l->watches, w, next);
	l->n_watches++;
	return w;
}

void
client_watch_events(struct client_watch *w, short events)
{
	w->events = events;
}

void
client_watch_deadline(struct client_watch *w, int ms)
{
	w->deadline = ms < 0 ? -1 : now_ms() + ms;
}

void
client_watch_end(struct client_watch *w)
{
	if (w != NULL)
		w->ended = true;
}

void
client_loop_call(struct client_loop *l, uint64_t call, void (*done)(void *user, int result),
    void *user)
{
	struct client_call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		err(255, "calloc");
	c->call = call;
	c->done = done;
	c->user = user;
	TAILQ_INSERT_TAIL(&l->calls, c, next);
}

static void
complete(struct client_loop *l, uint64_t call, int result)
{
	struct client_call *c;

	TAILQ_FOREACH(c, &l->calls, next)
		if (c->call == call)
			break;
	if (c == NULL)
		return;
	TAILQ_REMOVE(&l->calls, c, next);
	c->done(c->user, result);
	free(c);
}

void
client_loop_events(struct client_loop *l)
{
	struct postern_event ev = POSTERN_EVENT;
	struct client_owner *owner;
	int r;

	while ((r = postern_next(l->context, &ev, 0)) == 1) {
		if (ev.type == POSTERN_EVENT_DONE) {
			complete(l, ev.call, ev.result);
		} else if (ev.type == POSTERN_EVENT_CHANNEL_CLOSED) {
			owner = postern_channel_user(ev.channel);
			if (owner != NULL)
				owner->closed(owner, ev.channel);
		} else if (ev.type == POSTERN_EVENT_END && ev.transport == l->transport) {
			l->is_over = true;
			l->result = ev.result;
		}
	}
	if (r != POSTERN_ETIMEOUT && r != -EINTR) {
		l->is_over = true;
		l->result = r;
	}
}

/* Fills the array for poll and says how long it may wait. */
static int
prepare(struct client_loop *l, size_t *n)
{
	int64_t now = now_ms(), wait = -1;
	struct client_watch *w;

	if (l->room < l->n_watches + 1) {
		l->room = 2 * (l->n_watches + 1);
		if ((l->polled = reallocarray(l->polled, l->room, sizeof(*l->polled))) == NULL)
			err(255, "reallocarray");
	}
	*n = 0;
	TAILQ_FOREACH(w, &l->watches, next) {
		l->polled[(*n)++] = (struct pollfd){ .fd = w->events != 0 ? w->fd : -1,
		    .events = w->events };
		if (w->deadline >= 0 && (wait < 0 || w->deadline - now < wait))
			wait = w->deadline > now ? w->deadline - now : 0;
	}
	l->polled[*n] = (struct pollfd){ .fd = postern_context_fd(l->context), .events = POLLIN };
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

void
client_loop_turn(struct client_loop *l)
{
	struct client_watch *w, *first;
	int64_t now;
	size_t n, i = 0;
	int wait;

	sweep(l);
	wait = prepare(l, &n);
	if (poll(l->polled, n + 1, wait) < 0) {
		if (errno != EINTR)
			err(255, "poll");
		return;
	}
	first = TAILQ_FIRST(&l->watches);
	if (l->polled[n].revents != 0)
		client_loop_events(l);
	now = now_ms();
	for (w = first; w != NULL; w = TAILQ_NEXT(w, next)) {
		short revents = l->polled[i++].revents;

		/* an earlier one may have changed its mind for it */
		if (w->ended)
			continue;
		if (revents != 0 && w->events != 0) {
			w->ready(w->user, revents);
		} else if (w->deadline >= 0 && w->deadline <= now) {
			w->deadline = -1;
			w->ready(w->user, 0);
		}
	}
}
