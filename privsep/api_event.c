/*
 * api_event.c - postern_next: taking events off the shelf, oldest handle first.
 *
 * An event is a bit on its handle or call, so what is shown is always true of the
 * handle at that moment and a freed handle can have none.  A transport's end is shown
 * after all that its calls and channels still have to tell.
 */
#include <errno.h>

#include "privsep/api.h"

static const struct {
	enum api_pending bit;
	int type;
} types[] = {
	{ API_PENDING_DONE,    POSTERN_EVENT_DONE },
	{ API_PENDING_LOGIN,   POSTERN_EVENT_LOGIN },
	{ API_PENDING_CHANNEL, POSTERN_EVENT_CHANNEL },
	{ API_PENDING_EXIT,    POSTERN_EVENT_EXIT },
	{ API_PENDING_CLOSED,  POSTERN_EVENT_CHANNEL_CLOSED },
	{ API_PENDING_END,     POSTERN_EVENT_END },
};

static bool
has_more_to_tell(const postern_transport *t)
{
	const struct api_call *call;
	const postern_channel *ch;

	TAILQ_FOREACH(call, &t->calls, next) {
		if (call->item.pending != 0)
			return true;
	}
	TAILQ_FOREACH(ch, &t->channels, next) {
		if (ch->item.pending != 0)
			return true;
	}
	return false;
}

/* An event that is told counts as taken for the blocking call of the same kind. */
static void
no_longer_waiting(struct api_item *item, int type)
{
	postern_transport *t = item->transport;
	postern_channel *ch = item->channel;

	if (type == POSTERN_EVENT_LOGIN && t->is_waiting) {
		TAILQ_REMOVE(&t->server->accepts, t, waiting);
		t->is_waiting = false;
	}
	if (type == POSTERN_EVENT_CHANNEL && ch->is_waiting) {
		TAILQ_REMOVE(&ch->t->accepts, ch, waiting);
		ch->is_waiting = false;
	}
}

static void
show(postern_context *ctx, struct api_item *item, size_t i, struct postern_event *out)
{
	struct postern_event ev = POSTERN_EVENT;
	struct api_call *call = item->call;

	ev.type = types[i].type;
	ev.transport = item->channel != NULL ? item->channel->t : item->transport;
	ev.channel = item->channel;
	if (ev.type == POSTERN_EVENT_END)
		ev.result = item->transport->end_code;
	no_longer_waiting(item, ev.type);
	/* to the back: no handle with much to tell may hide the others */
	if ((item->pending & ~(unsigned)types[i].bit) != 0) {
		TAILQ_REMOVE(&ctx->shelf, item, next);
		TAILQ_INSERT_TAIL(&ctx->shelf, item, next);
	}
	api_shelf_drop(ctx, item, types[i].bit);
	if (call != NULL)
		api_call_show(call, &ev);
	if (ev.transport != NULL && ev.transport->server != NULL &&
	    !ev.transport->server->is_freed)
		ev.server = ev.transport->server;
	api_context_fill(out, &ev, sizeof(ev));
}

static bool
take(postern_context *ctx, struct postern_event *out)
{
	struct api_item *item, *next;

	for (item = TAILQ_FIRST(&ctx->shelf); item != NULL; item = next) {
		next = TAILQ_NEXT(item, next);
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			if ((item->pending & types[i].bit) == 0)
				continue;
			if (types[i].bit == API_PENDING_END &&
			    has_more_to_tell(item->transport))
				break;
			show(ctx, item, i, out);
			return true;
		}
	}
	return false;
}

int
postern_next(postern_context *ctx, struct postern_event *out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	int left, r = api_context_enter(ctx);

	if (r < 0)
		return r;
	if (out->size < sizeof(out->size))
		return -EINVAL;
	api_call_shown(ctx);
	for (;;) {
		if (take(ctx, out))
			return 1;
		if (ctx->dead < 0) {
			/* reaps the monitor if that is still to do */
			if (ctx->child >= 0)
				(void)api_loop_turn(ctx, 0);
			return ctx->dead;
		}
		left = api_deadline_left(d);
		r = api_loop_turn(ctx, left);
		if (r < 0)
			return r;
		if (take(ctx, out))
			return 1;
		if (left == 0 && ctx->dead == 0)
			return POSTERN_ETIMEOUT;
	}
}
