/*
 * monitor_agent_queue.c - who waits for an agent's signature, and whose turn it is.
 *
 * Three lines, each bounded: strangers who begin key exchanges must not take the places of
 * those who are logged in and due for new session keys, or their sessions would end.  The
 * urgent go first, but after so many of them comes one of the others, for who is logged in
 * may rekey without end.  Proofs come when nobody else waits: without one a client keeps
 * what it knows, and who is in could ask for them on all his connections to keep strangers
 * out.  Who has gone meanwhile keeps no place.
 */
#include "privsep/monitor_agent.h"

#include <stdlib.h>

static void
line_init(struct agent_line *l)
{
	*l = (struct agent_line){ .last = &l->first };
}

void
monitor_agent_queue_init(struct agent *a)
{
	line_init(&a->urgent);
	line_init(&a->others);
	line_init(&a->proofs);
}

bool
monitor_agent_queue_is_empty(const struct agent *a)
{
	return a->urgent.first == NULL && a->others.first == NULL && a->proofs.first == NULL;
}

static bool
waits(const struct agent *a, const struct agent_request *r)
{
	return monitor_signer_waits(a->m, r->conn, r->question).what != SIGNING_NOTHING;
}

static struct agent_request *
take(struct agent_line *l, struct agent_request **at)
{
	struct agent_request *r = *at;

	*at = r->next;
	if (r->next == NULL)
		l->last = at;
	l->n--;
	return r;
}

static void
sweep(struct agent *a, struct agent_line *l)
{
	struct agent_request **at = &l->first;

	while (*at != NULL) {
		if (waits(a, *at))
			at = &(*at)->next;
		else
			free(take(l, at));
	}
}

static struct agent_line *
line_for(struct agent *a, const struct signing *s)
{
	if (s->what == SIGNING_PROOF)
		return &a->proofs;
	return s->what == SIGNING_H && s->conn->phase == L_OPEN ? &a->urgent : &a->others;
}

bool
monitor_agent_queue_add(struct agent *a, const struct signing *s)
{
	struct agent_line *l = line_for(a, s);
	struct agent_request *r;

	if (l->n >= AGENT_REQUESTS_MAX)
		sweep(a, l);
	if (l->n >= AGENT_REQUESTS_MAX || (r = malloc(sizeof(*r))) == NULL)
		return false;
	*r = (struct agent_request){ .conn = s->conn->id, .question = s->question };
	*l->last = r;
	l->last = &r->next;
	l->n++;
	return true;
}

/* Those in front who wait no longer are dropped. */
static bool
has_one(struct agent *a, struct agent_line *l)
{
	while (l->first != NULL && !waits(a, l->first))
		free(take(l, &l->first));
	return l->first != NULL;
}

struct agent_request *
monitor_agent_queue_next(struct agent *a)
{
	bool others = has_one(a, &a->others);

	if (has_one(a, &a->urgent) && (!others || a->run < AGENT_RUN_MAX)) {
		a->run++;
		return take(&a->urgent, &a->urgent.first);
	}
	a->run = 0;
	if (others)
		return take(&a->others, &a->others.first);
	return has_one(a, &a->proofs) ? take(&a->proofs, &a->proofs.first) : NULL;
}

static void
line_free(struct agent_line *l)
{
	while (l->first != NULL)
		free(take(l, &l->first));
}

void
monitor_agent_queue_free(struct agent *a)
{
	line_free(&a->urgent);
	line_free(&a->others);
	line_free(&a->proofs);
}
