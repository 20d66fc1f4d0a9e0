/*
 * monitor_timer.c - deadlines: one binary heap over one monotonic clock.
 *
 * A place is reserved when a timer is made, so that setting one never fails: a
 * deadline that could not be set would be a connection that never ends.
 */
#include "privsep/monitor.h"

#include <stdlib.h>

int
monitor_timer_init(struct monitor *m, struct timer *t,
    void (*fire)(struct monitor *, void *), void *owner)
{
	struct timers *h = &m->timers;

	*t = (struct timer){ .fire = fire, .owner = owner };
	if (h->known == h->cap) {
		size_t cap = h->cap == 0 ? 64 : h->cap * 2;
		struct timer **heap = reallocarray(h->heap, cap, sizeof(*heap));

		if (heap == NULL)
			return -1;
		h->heap = heap;
		h->cap = cap;
	}
	h->known++;
	t->known = true;
	return 0;
}

void
monitor_timer_deinit(struct monitor *m, struct timer *t)
{
	if (!t->known)
		return;
	monitor_timer_clear(m, t);
	m->timers.known--;
	t->known = false;
}

static void
put(struct timers *h, size_t i, struct timer *t)
{
	h->heap[i] = t;
	t->slot = i + 1;
}

static void
sift(struct timers *h, size_t i)
{
	struct timer *t = h->heap[i];

	while (i > 0 && h->heap[(i - 1) / 2]->at > t->at) {
		put(h, i, h->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < h->n && h->heap[child + 1]->at < h->heap[child]->at)
			child++;
		if (child >= h->n || h->heap[child]->at >= t->at)
			break;
		put(h, i, h->heap[child]);
		i = child;
	}
	put(h, i, t);
}

void
monitor_timer_set(struct monitor *m, struct timer *t, uint64_t at)
{
	struct timers *h = &m->timers;

	t->at = at;
	if (t->slot == 0)
		put(h, h->n++, t);
	sift(h, t->slot - 1);
}

void
monitor_timer_clear(struct monitor *m, struct timer *t)
{
	struct timers *h = &m->timers;
	size_t i;

	if (t->slot == 0)
		return;
	i = t->slot - 1;
	t->slot = 0;
	h->n--;
	if (i == h->n)
		return;
	put(h, i, h->heap[h->n]);
	sift(h, i);
}

int
monitor_timer_wait(const struct monitor *m, uint64_t now)
{
	const struct timers *h = &m->timers;
	uint64_t left;

	if (h->n == 0)
		return -1;
	if (h->heap[0]->at <= now)
		return 0;
	left = h->heap[0]->at - now;
	return left > INT_MAX ? INT_MAX : (int)left;
}

void
monitor_timer_run(struct monitor *m, uint64_t now)
{
	while (m->timers.n > 0 && m->timers.heap[0]->at <= now && !m->over) {
		struct timer *t = m->timers.heap[0];

		monitor_timer_clear(m, t);
		t->fire(m, t->owner);
	}
}
