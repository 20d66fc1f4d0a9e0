/*
 * api_channel.c - the handle of a channel: opened by us or granted to the peer,
 * and how it ends.
 *
 * A channel whose opening was given up stays known here until the worker has
 * answered, so that a late success is closed and not forgotten open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "privsep/api.h"

postern_channel *
api_channel_make(postern_transport *t, uint64_t id, bool is_session)
{
	postern_channel *ch = calloc(1, sizeof(*ch));

	if (ch == NULL)
		return NULL;
	ch->t = t;
	ch->id = id;
	ch->is_session = is_session;
	ch->state = API_ASKED;
	ch->item.channel = ch;
	api_descriptor_init(ch);
	TAILQ_INSERT_TAIL(&t->channels, ch, next);
	t->n_channels++;
	return ch;
}

postern_channel *
api_channel_find(postern_transport *t, uint64_t id)
{
	postern_channel *ch;

	/* the newest are asked about most */
	TAILQ_FOREACH_REVERSE(ch, &t->channels, api_channel_list, next) {
		if (ch->id == id)
			return ch;
	}
	return NULL;
}

static void
stop_waiting(postern_channel *ch)
{
	if (ch->is_waiting)
		TAILQ_REMOVE(&ch->t->accepts, ch, waiting);
	ch->is_waiting = false;
}

void
api_channel_bury(postern_channel *ch)
{
	free(ch);
}

void
api_channel_discard(postern_channel *ch)
{
	postern_transport *t = ch->t;

	if (ch->is_freed)
		return;
	ch->is_freed = true;
	ch->state = API_OVER;
	stop_waiting(ch);
	api_question_forget(t, ch->id);
	api_call_vanish(&t->calls, ch, t->is_over ? api_transport_end_code(t) : POSTERN_ECLOSED);
	api_shelf_drop(t->ctx, &ch->item, ~0u);
	api_descriptor_close(ch);
	TAILQ_REMOVE(&t->channels, ch, next);
	t->n_channels--;
	TAILQ_INSERT_TAIL(&t->ctx->channel_graves, ch, next);
	api_loop_bury(t->ctx);
}

void
api_channel_granted(postern_channel *ch)
{
	postern_transport *t = ch->t;

	TAILQ_INSERT_TAIL(&t->accepts, ch, waiting);
	ch->is_waiting = true;
	api_shelf_put(t->ctx, &ch->item, API_PENDING_CHANNEL);
}

static void
send_close(postern_transport *t, uint64_t chan)
{
	struct ipc_CHANNEL_CLOSE m = { .chan = chan };

	(void)api_call_sent(t, api_send_CHANNEL_CLOSE(&t->worker, &m));	/* fits */
}

static void
complete_open(postern_channel *ch, int result)
{
	struct api_call *call;

	TAILQ_FOREACH(call, &ch->t->calls, next) {
		if (call->kind == API_CALL_OPEN && call->channel == ch)
			api_call_complete(call, result);
	}
}

void
api_channel_opened(postern_transport *t, uint64_t chan)
{
	postern_channel *ch = api_channel_find(t, chan);
	int r;

	if (ch == NULL || ch->state != API_OPENING)
		return;
	if (ch->is_abandoned) {
		api_channel_discard(ch);
		send_close(t, chan);
		return;
	}
	ch->state = API_OPEN;
	r = ch->is_session ? 0 : api_descriptor_give(ch);
	if (r < 0)
		send_close(t, chan);
	complete_open(ch, r);
}

void
api_channel_not_opened(postern_transport *t, const struct ipc_NOT_OPENED *m)
{
	postern_channel *ch = api_channel_find(t, m->chan);
	char text[600], quoted[400];
	int n;

	if (ch == NULL || ch->state != API_OPENING)
		return;
	if (ch->is_abandoned) {
		api_channel_discard(ch);
		return;
	}
	ch->state = API_OVER;
	n = snprintf(text, sizeof(text), "reason %u: %s", m->reason,
	    api_log_quote(quoted, sizeof(quoted), m->text));
	(void)api_error_set(t, POSTERN_EREFUSED, "open", POSTERN_PEER, true,
	    span_of(text, n > 0 ? (size_t)n : 0));
	t->exception.refusal = m->reason;
	complete_open(ch, POSTERN_EREFUSED);
}

void
api_channel_end_opening(postern_transport *t)
{
	postern_channel *ch, *next;

	for (ch = TAILQ_FIRST(&t->channels); ch != NULL; ch = next) {
		next = TAILQ_NEXT(ch, next);
		if (ch->state != API_OPENING)
			continue;
		ch->state = API_OVER;
		if (ch->is_abandoned)
			api_channel_discard(ch);
	}
}

/* Whichever interface the role has. */
static void
tell_closed(postern_channel *ch)
{
	postern_transport *t = ch->t;

	if (t->server != NULL && t->server->interface.channel_closed != NULL)
		t->server->interface.channel_closed(t->server->interface.user, ch);
	else if (t->server == NULL && t->client.channel_closed != NULL)
		t->client.channel_closed(t->client.user, ch);
}

void
api_channel_closed(postern_channel *ch, bool in_order)
{
	postern_transport *t = ch->t;

	ch->state = API_OVER;
	ch->had_close = in_order;
	api_question_forget(t, ch->id);
	api_log(t->ctx, t, POSTERN_VERBOSE, "channel %llu: %s",
	    (unsigned long long)(ch->id & ~API_OURS), in_order ? "closed" : "cut");
	api_call_complete_all(&t->calls, ch, POSTERN_ECLOSED);
	api_shelf_put(t->ctx, &ch->item, API_PENDING_CLOSED);
	tell_closed(ch);
}

/* ---- opening ---- */

int
api_channel_begin_open(postern_transport *t, postern_channel **out, struct span kind,
    struct span extra, const struct postern_open_options *given, struct api_call **call,
    int *sent)
{
	struct postern_open_options o = POSTERN_OPEN_OPTIONS;
	struct ipc_OPEN m = { .type = kind, .extra = extra };
	postern_channel *ch;
	int r = given != NULL ? api_context_struct(&o, sizeof(o), given) : 0;

	if (r == 0)
		r = api_call_begin(t, NULL, call);
	if (r < 0)
		return r;
	(*call)->kind = API_CALL_OPEN;
	m.chan = API_OURS | api_context_serial(t->ctx);
	m.window = o.window;
	m.packet = o.packet;
	ch = t->n_channels < t->channel_max + API_CHANNELS_SPARE ?
	    api_channel_make(t, m.chan, span_is(kind, "session")) : NULL;
	if (ch == NULL) {
		api_call_drop(*call);
		return t->n_channels < t->channel_max + API_CHANNELS_SPARE ? -ENOMEM :
		    POSTERN_ELIMIT;
	}
	ch->state = API_OPENING;
	(*call)->channel = ch;
	*sent = api_send_OPEN(&t->worker, &m);
	*out = ch;
	return 0;
}

int
api_channel_await_open(postern_channel **out, struct api_call *call, int sent,
    struct api_deadline d)
{
	postern_channel *ch = *out;
	int r = api_call_wait(call, sent, d);
	bool is_gone = call->channel == NULL;

	api_call_drop(call);
	if (r == 0)
		return 0;
	*out = NULL;
	if (is_gone)
		return r;
	/* not on its way: no answer will come */
	if (sent == -EMSGSIZE || sent == -ENOMEM)
		ch->state = API_OVER;
	postern_channel_free(ch);
	return r;
}

/* The async end of it. */
static int
detach_open(postern_channel **out, struct api_call *call, int sent, uint64_t *id)
{
	postern_channel *ch = *out;
	int r = api_call_detach(call, sent, id);

	if (r == 0)
		return 0;
	*out = NULL;
	api_channel_discard(ch);
	return r;
}

int
postern_transport_open_session(postern_transport *t, postern_channel **out, int timeout_ms)
{
	return postern_transport_open_channel(t, out, "session", NULL, NULL, 0, NULL, timeout_ms);
}

int
postern_transport_open_session_async(postern_transport *t, postern_channel **out, uint64_t *id)
{
	return postern_transport_open_channel_async(t, out, "session", NULL, NULL, 0, NULL, id);
}

int
postern_transport_open_channel(postern_transport *t, postern_channel **out, const char *kind,
    const struct postern_forward *forward, const void *extra, size_t len,
    const struct postern_open_options *options, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = forward != NULL ? -EINVAL : api_channel_begin_open(t, out, span_str(kind),
	    span_of(extra, len), options, &call, &sent);

	return r < 0 ? r : api_channel_await_open(out, call, sent, d);
}

int
postern_transport_open_channel_async(postern_transport *t, postern_channel **out,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    const struct postern_open_options *options, uint64_t *id)
{
	struct api_call *call;
	int sent, r = forward != NULL ? -EINVAL : api_channel_begin_open(t, out, span_str(kind),
	    span_of(extra, len), options, &call, &sent);

	return r < 0 ? r : detach_open(out, call, sent, id);
}

static bool
has_channel(const void *what)
{
	const postern_transport *t = what;

	return !TAILQ_EMPTY(&t->accepts) || t->is_over;
}

int
postern_transport_accept(postern_transport *t, postern_channel **out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	postern_channel *ch;
	int r = api_context_enter(t->ctx);

	if (r == 0)
		r = api_loop_wait(t->ctx, d, has_channel, t, (struct api_held){ t, NULL });
	if (r < 0)
		return r;
	ch = TAILQ_FIRST(&t->accepts);
	if (ch == NULL)
		return api_transport_end_code(t);
	stop_waiting(ch);
	api_shelf_drop(t->ctx, &ch->item, API_PENDING_CHANNEL);
	*out = ch;
	return 0;
}

void
postern_channel_free(postern_channel *ch)
{
	postern_transport *t;

	if (ch == NULL || api_context_enter(ch->t->ctx) < 0 || ch->is_freed)
		return;
	t = ch->t;
	if (ch->state == API_OPENING && !t->is_over) {
		/* the answer is still to come: a late success must be closed */
		ch->is_abandoned = true;
		api_call_vanish(&t->calls, ch, POSTERN_ECLOSED);
		api_descriptor_close(ch);
		return;
	}
	/* after an exit status the worker ends it by itself, when all has been sent */
	if (ch->state == API_OPEN && !ch->sent_exit)
		send_close(t, ch->id);
	if (ch->state == API_ASKED) {
		struct ipc_REFUSE m = { .chan = ch->id, .reason = 1, .text = span_str("") };

		(void)api_call_sent(t, api_send_REFUSE(&t->worker, &m));	/* fits */
	}
	api_channel_discard(ch);
}

int
postern_channel_close(postern_channel *ch)
{
	int r = api_context_enter(ch->t->ctx);

	if (r < 0)
		return r;
	if (ch->state == API_OPEN)
		send_close(ch->t, ch->id);
	return 0;
}

uint64_t
postern_channel_id(const postern_channel *ch)
{
	return ch->id & ~API_OURS;
}

postern_transport *
postern_channel_get_transport(const postern_channel *ch)
{
	return ch->t;
}

void *
postern_channel_user(const postern_channel *ch)
{
	return ch->user;
}

void
postern_channel_set_user(postern_channel *ch, void *user)
{
	ch->user = user;
}
