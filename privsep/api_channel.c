/*
 * api_channel.c - the handle of a channel, whoever opened it, and how it ends.
 *
 * Its kind and what it carries may be the peer's words: they are kept as they came for
 * the application to judge, and made harmless where they are shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "privsep/api.h"

postern_channel *
api_channel_make(postern_transport *t, uint64_t id, const char *kind,
    const struct postern_forward *forward)
{
	postern_channel *ch = calloc(1, sizeof(*ch));

	if (ch == NULL)
		return NULL;
	ch->t = t;
	ch->id = id;
	ch->is_session = strcmp(kind, "session") == 0;
	ch->state = API_ASKED;
	ch->item.channel = ch;
	api_descriptor_init(ch);
	(void)snprintf(ch->name, sizeof(ch->name), "%llu",
	    (unsigned long long)(id & ~API_OURS));
	/* the peer's words, and they are shown to people */
	(void)api_log_quote(ch->kind, sizeof(ch->kind), span_str(kind));
	if (forward != NULL && api_carry_keep(ch, forward) < 0) {
		free(ch);
		return NULL;
	}
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
	api_carry_forget(ch);
	api_x11_forget(ch);
	free(ch->sftp);
	free(ch);
}

void
api_channel_discard(postern_channel *ch)
{
	postern_transport *t = ch->t;

	if (ch->is_freed)
		return;
	ch->is_freed = true;
	api_forward_channel_gone(ch);
	api_program_hang_up(ch);
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

void
api_channel_send_close(postern_transport *t, uint64_t chan)
{
	struct ipc_CHANNEL_CLOSE m = { .chan = chan };

	(void)api_call_sent(t, api_send_CHANNEL_CLOSE(&t->worker, &m));	/* fits */
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

	api_forward_channel_gone(ch);
	api_program_hang_up(ch);
	ch->state = API_OVER;
	ch->had_close = in_order;
	api_question_forget(t, ch->id);
	api_call_complete_all(&t->calls, ch, in_order ? POSTERN_ECLOSED :
	    api_transport_end_code(t));
	api_log_chan(t, ch->id, POSTERN_VERBOSE, "channel %s: %s", ch->name,
	    in_order ? "closed" : "cut");
	api_shelf_put(t->ctx, &ch->item, API_PENDING_CLOSED);
	tell_closed(ch);
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
		api_open_abandon(ch);
		return;
	}
	/* after an exit status the worker ends it by itself, when all has been sent */
	if (ch->state == API_OPEN && !ch->sent_exit)
		api_channel_send_close(t, ch->id);
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
		api_channel_send_close(ch->t, ch->id);
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

int
postern_channel_exit_status_ready(const postern_channel *ch)
{
	return ch->has_status || ch->state == API_OVER || ch->t->is_over;
}

const struct postern_forward *
postern_channel_get_forward(const postern_channel *ch)
{
	return ch->forward;
}

int
postern_channel_set_name(postern_channel *ch, const char *name)
{
	int r = api_context_enter(ch->t->ctx);

	if (r < 0)
		return r;
	if (strlen(name) >= sizeof(ch->name))
		return -EMSGSIZE;
	memcpy(ch->name, name, strlen(name) + 1);
	api_log_tame_line(ch->name);
	return 0;
}

const char *
postern_channel_get_name(const postern_channel *ch)
{
	return ch->name;
}

static const char *
state_of(const postern_channel *ch)
{
	if (ch->state == API_OPEN)
		return "open";
	return ch->state == API_OVER || ch->t->is_over ? "closed" : "opening";
}

int
postern_channel_describe(const postern_channel *ch, char *out, size_t size)
{
	const struct postern_forward *f = ch->forward;
	char host[200], origin[200];
	int n, r = api_context_enter(ch->t->ctx);

	if (r < 0)
		return r;
	n = snprintf(out, size, "<channel %s (%s) %s", ch->name, state_of(ch), ch->kind);
	if (f != NULL && n >= 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, " to %s:%u from %s:%u",
		    api_log_quote(host, sizeof(host), span_str(f->host)), f->port,
		    api_log_quote(origin, sizeof(origin), span_str(f->origin_host)),
		    f->origin_port);
	if (n >= 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, " of %s>", ch->t->peer);
	return n >= 0 && (size_t)n < size ? 0 : -ERANGE;
}
