/*
 * reply.c - requests that wait for their reply, in the order they were made.
 *
 * The peer decides how many requests there are, so the queue has a ceiling and so
 * have the bytes of answers that wait for an older one.  At most about a thousand
 * short entries, nearly always a few: a scan is cheaper than anything cleverer.  An
 * empty queue keeps no memory to speak of.
 */
#include <stdlib.h>

#include "proto/reply.h"

enum { REPLY_FIRST_CAP = 8 };

void
reply_queue_init(struct reply_queue *q, size_t max)
{
	*q = (struct reply_queue){ .max = max };
}

void
reply_queue_deinit(struct reply_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->at[i].payload);
	free(q->at);
	*q = (struct reply_queue){ .max = 0 };
}

bool
reply_is_full(const struct reply_queue *q)
{
	return q->n >= q->max;
}

struct reply *
reply_add(struct reply_queue *q, const struct channel *channel, uint64_t id)
{
	if (reply_is_full(q))
		return NULL;
	if (q->n == q->cap) {
		size_t cap = q->cap == 0 ? REPLY_FIRST_CAP : 2 * q->cap;
		struct reply *at = reallocarray(q->at, cap, sizeof(*at));

		if (at == NULL)
			return NULL;
		q->at = at;
		q->cap = cap;
	}
	q->at[q->n] = (struct reply){ .id = id, .channel = channel, .times = 1 };
	return &q->at[q->n++];
}

int
reply_find(const struct reply_queue *q, uint64_t id)
{
	if (id == 0)
		return REPLY_NONE;
	for (size_t i = 0; i < q->n; i++)
		if (q->at[i].id == id)
			return (int)i;
	return REPLY_NONE;
}

int
reply_oldest(const struct reply_queue *q, const struct channel *channel)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->at[i].channel == channel)
			return (int)i;
	return REPLY_NONE;
}

int
reply_latest(const struct reply_queue *q, const struct channel *channel)
{
	for (size_t i = q->n; i > 0; i--)
		if (q->at[i - 1].channel == channel)
			return (int)(i - 1);
	return REPLY_NONE;
}

bool
reply_note(struct reply_queue *q, int i, bool ok, struct span payload)
{
	struct reply *r = &q->at[i];

	if (payload.n > 0) {
		if (payload.n > REPLY_HELD_MAX - q->held)
			return false;
		r->payload = malloc(payload.n);
		if (r->payload == NULL)
			return false;
		memcpy(r->payload, payload.p, payload.n);
		r->payload_len = payload.n;
		q->held += payload.n;
	}
	r->known = true;
	r->ok = ok;
	return true;
}

static void
shrink(struct reply_queue *q)
{
	if (q->n > 0 || q->cap <= REPLY_FIRST_CAP)
		return;
	free(q->at);
	q->at = NULL;
	q->cap = 0;
}

void
reply_remove(struct reply_queue *q, int i)
{
	size_t at = (size_t)i;

	q->held -= q->at[at].payload_len;
	free(q->at[at].payload);
	memmove(&q->at[at], &q->at[at + 1], (q->n - at - 1) * sizeof(q->at[0]));
	q->n--;
	shrink(q);
}

void
reply_forget(struct reply_queue *q, const struct channel *channel)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (q->at[i].channel != channel) {
			q->at[kept++] = q->at[i];
			continue;
		}
		q->held -= q->at[i].payload_len;
		free(q->at[i].payload);
	}
	q->n = kept;
	shrink(q);
}
