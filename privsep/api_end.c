/*
 * api_end.c - how a connection ends, told once and in order.
 *
 * The monitor's word is the last one, but the worker's link is read to its end
 * before it is believed: an exit status that had arrived must not be lost, and
 * output that was cut must not pass for whole.  Order: calls, channels,
 * transport_closed, then the events.
 */
#include <stdio.h>
#include <stdlib.h>

#include "privsep/api.h"

static void
drain(postern_transport *t)
{
	t->is_ending = true;	/* no question can be answered any more */
	for (int i = 0; i < API_DRAIN_MAX && api_worker_receive(t); i++)
		;
	api_link_close(&t->worker);
}

static void
close_channels(postern_transport *t)
{
	postern_channel *ch;

	api_open_end_all(t);
	/* from the start each time: a callback may free any of them */
	do {
		TAILQ_FOREACH(ch, &t->channels, next) {
			if (ch->state == API_OPEN || ch->state == API_ASKED)
				break;
		}
		if (ch != NULL)
			api_channel_closed(ch, false);
	} while (ch != NULL);
}

static void
tell(postern_transport *t)
{
	struct postern_exception e;

	api_error_show(&t->exception, &e);
	if (t->server != NULL && t->server->interface.transport_closed != NULL)
		t->server->interface.transport_closed(t->server->interface.user, t, &e);
	else if (t->client.transport_closed != NULL)
		t->client.transport_closed(t->client.user, t, &e);
}

static const char *
shown(const char *s)
{
	return s != NULL ? s : "";
}

static void
log_end(postern_transport *t)
{
	const struct api_exception *e = &t->exception;
	char quoted[600];

	(void)api_log_quote(quoted, sizeof(quoted), span_str(shown(e->text)));
	api_log(t->ctx, t, POSTERN_INFO, "closed in phase %s: %s%s%s%s%s%s%s%s", e->phase,
	    t->end_code == 0 ? "by us" : postern_strerror(t->end_code),
	    quoted[0] != '\0' ? e->is_claim ? "; worker says: \"" : "; " : "", quoted,
	    quoted[0] != '\0' && e->is_claim ? "\"" : "",
	    e->preset != NULL ? "; the preset " : "", shown(e->preset),
	    e->preset != NULL ? " would have agreed" : "",
	    e->signal != 0 ? " (killed by a signal)" : "");
}

/* For the exception, which has one text: behind what the worker said, and not of it. */
static void
add_preset(struct api_exception *e)
{
	char text[1200];
	int n;

	if (e->preset == NULL || e->text == NULL)
		return;
	n = snprintf(text, sizeof(text), "%s; the preset %s would have agreed", e->text, e->preset);
	if (n < 0 || (size_t)n >= sizeof(text))
		return;
	free(e->text);
	/* without memory the code alone must do */
	e->text = api_context_copy(span_of(text, (size_t)n));
}

static void
finish(postern_transport *t)
{
	bool is_own = t->is_listened && !t->is_authenticated;

	t->phase = L_END;
	t->is_over = true;
	api_question_forget(t, 0);
	log_end(t);
	add_preset(&t->exception);
	api_call_complete_all(&t->calls, NULL, api_transport_end_code(t));
	api_io_finish(t);
	close_channels(t);
	if (t->is_freed)
		return;
	if (!is_own)
		api_shelf_put(t->ctx, &t->item, API_PENDING_END);
	tell(t);
	/* nobody was ever given this handle to keep */
	if (is_own)
		api_transport_discard(t);
}

static void
note(postern_transport *t, const struct ipc_END_OF *m)
{
	struct api_exception *e = &t->exception;

	api_error_clear(e);
	e->code = t->end_code;
	e->side = m->side;
	e->signal = (int)m->signal;
	e->is_claim = m->is_claim != 0;
	e->disconnect = m->disconnect;
	(void)api_log_quote(e->phase, sizeof(e->phase), m->phase);
	/* without memory the code alone must do */
	e->text = api_context_copy(m->text.n > 0 ? m->text : span_str(postern_strerror(e->code)));
	e->ours = api_context_copy(m->ours);
	e->theirs = api_context_copy(m->theirs);
	if (e->code == POSTERN_ENOMATCH)
		e->preset = api_preset_that_agrees(t, m->ours, m->theirs);
	/* all three may be the worker's words */
	if (e->text != NULL)
		api_log_tame_line(e->text);
	if (e->ours != NULL)
		api_log_tame_line(e->ours);
	if (e->theirs != NULL)
		api_log_tame_line(e->theirs);
}

void
api_end_from_monitor(postern_transport *t, const struct ipc_END_OF *m)
{
	/* when we had it ended, the monitor knows only that */
	if (!t->is_blamed) {
		t->end_code = api_error_of_outcome(m->outcome);
		note(t, m);
	}
	/* from here on m is gone: draining uses its buffer */
	drain(t);
	finish(t);
}

void
api_end_without_monitor(postern_transport *t, const char *why)
{
	if (!t->is_blamed) {
		t->end_code = POSTERN_EMONITOR;
		(void)api_error_end(t, POSTERN_EMONITOR, "open", POSTERN_SYSTEM, false,
		    span_str(why));
	}
	drain(t);
	finish(t);
}
