/*
 * api_forward.c - who listens for whom, and the channels that come of it.
 *
 * In a client a server opens channels only because it was asked to listen, or to
 * forward a display or an agent: what nobody asked for is refused, whatever the
 * worker says.  The list is bounded, and only answers that the application gave or
 * asked for put something on it.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

struct api_forward *
api_forward_new(int kind, const char *host, uint32_t port)
{
	struct api_forward *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->kind = kind;
	f->port = port;
	f->host = api_context_copy(span_str(host));
	if (f->host == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void
api_forward_free(struct api_forward *f)
{
	if (f == NULL)
		return;
	free(f->host);
	free(f);
}

int
api_forward_add(postern_transport *t, struct api_forward *f)
{
	struct api_forward *old;

	/* the same once more: whoever asked last serves it */
	old = f->chan == 0 ? api_forward_find(t, f->kind, f->host, f->port) : NULL;
	if (old != NULL)
		api_forward_remove(t, old);
	if (t->n_forwards >= API_FORWARDS_MAX) {
		api_forward_free(f);
		return POSTERN_ELIMIT;
	}
	f->id = api_context_serial(t->ctx);
	TAILQ_INSERT_TAIL(&t->forwards, f, next);
	t->n_forwards++;
	return 0;
}

struct api_forward *
api_forward_find(postern_transport *t, int kind, const char *host, uint32_t port)
{
	struct api_forward *f;

	TAILQ_FOREACH(f, &t->forwards, next) {
		if (f->kind == kind && f->chan == 0 && f->port == port &&
		    strcmp(f->host, host) == 0)
			return f;
	}
	return NULL;
}

void
api_forward_remove(postern_transport *t, struct api_forward *f)
{
	TAILQ_REMOVE(&t->forwards, f, next);
	t->n_forwards--;
	api_forward_free(f);
}

void
api_forward_clear(postern_transport *t)
{
	struct api_forward *f;

	while ((f = TAILQ_FIRST(&t->forwards)) != NULL)
		api_forward_remove(t, f);
}

/* ---- client: what lets a channel of the server in ---- */

/* Some servers report the address they bound instead of the one they were asked for.
 * The port alone is believed only if it can mean one forward. */
static struct api_forward *
find_port(postern_transport *t, uint32_t port)
{
	struct api_forward *f, *found = NULL;

	TAILQ_FOREACH(f, &t->forwards, next) {
		if (f->kind != POSTERN_FORWARDED_TCPIP || f->port != port)
			continue;
		if (found != NULL)
			return NULL;
		found = f;
	}
	return found;
}

/* Nothing in the open message names the session: the last that asked serves it, as the
 * last cookie is the one that programs find. */
static struct api_forward *
find_session(postern_transport *t, int kind)
{
	struct api_forward *f, *found = NULL;

	TAILQ_FOREACH(f, &t->forwards, next) {
		if (f->kind == kind && !(f->is_single && f->is_used))
			found = f;
	}
	return found;
}

struct api_forward *
api_forward_match(postern_transport *t, const struct postern_forward *asked)
{
	struct api_forward *f;

	switch (asked->kind) {
	case POSTERN_FORWARDED_TCPIP:
		f = api_forward_find(t, asked->kind, asked->host, asked->port);
		return f != NULL ? f : find_port(t, asked->port);
	case POSTERN_FORWARDED_STREAMLOCAL:
		return api_forward_find(t, asked->kind, asked->host, 0);
	case POSTERN_X11:
	case POSTERN_AGENT:
		return find_session(t, asked->kind);
	}
	return NULL;
}

void
api_forward_channel_gone(postern_channel *ch)
{
	postern_transport *t = ch->t;
	struct api_forward *f, *next;

	for (f = TAILQ_FIRST(&t->forwards); f != NULL; f = next) {
		next = TAILQ_NEXT(f, next);
		/* RFC 4254 6.3.1: no more connections after the session's end */
		if (f->chan != 0 && f->chan == ch->id)
			api_forward_remove(t, f);
		else if (ch->by == f->id && ch->state == API_ASKED)
			f->is_used = false;	/* it was refused */
	}
}

void
api_forward_asked(postern_transport *t, const struct ipc_FORWARD_ASK *m)
{
	struct postern_forward f = { .size = sizeof(f), .kind = m->kind,
		.host = api_text(m->host), .port = m->port,
		.origin_host = api_text(m->origin), .origin_port = m->origin_port };
	const char *kind = api_carry_name(f.kind);

	/* the worker has parsed it: these are lies */
	if (kind == NULL || !api_carry_has_port(&f)) {
		api_transport_blame(t, POSTERN_EWORKER, "a forward that there cannot be");
		return;
	}
	api_ask_open(t, m->chan, kind, &f, span_str(""));
}
