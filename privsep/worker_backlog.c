/*
 * worker_backlog.c - bytes of the peer that a channel's descriptor did not take yet.
 *
 * The only buffer between two descriptors that a peer can fill, so it is bounded by
 * the channel's window, which the peer was granted and the transport enforces.
 */
#include <stdlib.h>

#include "privsep/worker_state.h"

bool
worker_backlog_add(struct backlog *b, size_t max, const uint8_t *p, size_t n)
{
	size_t cap = b->cap == 0 ? WORKER_BACKLOG_FIRST : b->cap;
	uint8_t *grown;

	if (n == 0)
		return true;
	if (n > max || b->n > max - n)
		return false;
	if (b->start > 0 && n > b->cap - b->start - b->n) {
		memmove(b->p, &b->p[b->start], b->n);
		b->start = 0;
	}
	while (cap - b->start - b->n < n)
		cap *= 2;
	if (cap > b->cap) {
		if ((grown = realloc(b->p, cap)) == NULL)
			return false;
		b->p = grown;
		b->cap = cap;
	}
	memcpy(&b->p[b->start + b->n], p, n);
	b->n += n;
	return true;
}

void
worker_backlog_took(struct backlog *b, size_t n)
{
	b->start += n;
	b->n -= n;
	if (b->n == 0)
		b->start = 0;
}

void
worker_backlog_free(struct backlog *b)
{
	free(b->p);
	*b = (struct backlog){ 0 };
}
