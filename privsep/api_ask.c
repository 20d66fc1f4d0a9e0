/*
 * api_ask.c - what the peer wants after login, put to the application.
 *
 * Everything asked here was parsed by the worker from a stranger's packet.  The
 * answer is no unless a function of the interface says yes: no handler, no memory,
 * too many open questions, a channel that is not there all mean refuse.
 */
#include <string.h>

#include "privsep/api.h"

enum { OPEN_PROHIBITED = 1, OPEN_SHORTAGE = 4 };	/* RFC 4254 5.1 */

/* How far a log line quotes a command. */
enum { QUOTE_MAX = 400 };

static void
refuse_open(postern_transport *t, uint64_t chan, uint32_t reason)
{
	struct ipc_REFUSE m = { .chan = chan, .reason = reason, .text = span_str("") };

	(void)api_call_sent(t, api_send_REFUSE(&t->worker, &m));	/* fits */
}

static void
log_open(postern_transport *t, uint64_t chan, struct span type)
{
	char quoted[80];

	api_log(t->ctx, t, POSTERN_VERBOSE, "channel %llu: peer asks to open \"%s\"",
	    (unsigned long long)chan, api_log_quote(quoted, sizeof(quoted), type));
}

/* The worker keeps this limit too, but may have stopped to.  Handles that the
 * application has not freed yet are counted apart: they hold no descriptor. */
static bool
has_room(const postern_transport *t)
{
	const postern_channel *ch;
	unsigned live = 0;

	TAILQ_FOREACH(ch, &t->channels, next)
		live += ch->state != API_OVER;
	return live < t->channel_max && t->n_channels < t->channel_max + API_CHANNELS_SPARE;
}

/* Calls whichever interface the role has. */
static int
check_open(postern_transport *t, uint64_t question, postern_channel *ch, const char *kind,
    struct span extra, uint32_t *reason)
{
	const struct postern_server_interface *s = t->server != NULL ? &t->server->interface : NULL;
	const struct postern_client_interface *c = &t->client;

	if (s != NULL && s->check_channel_open != NULL)
		return s->check_channel_open(s->user, t, question, ch, kind, NULL, extra.p,
		    extra.n, reason);
	if (s == NULL && c->check_channel_open != NULL)
		return c->check_channel_open(c->user, t, question, ch, kind, NULL, extra.p,
		    extra.n, reason);
	return POSTERN_REFUSE;
}

void
api_ask_open(postern_transport *t, uint64_t chan, struct span type, struct span extra)
{
	uint32_t reason = OPEN_PROHIBITED;
	struct api_question *q;
	postern_channel *ch;
	uint64_t id;
	int answer;

	if (t->is_ending)
		return;
	log_open(t, chan, type);
	if (!has_room(t) ||
	    (q = api_question_new(t, API_ASK_OPEN, 0, chan)) == NULL) {
		refuse_open(t, chan, OPEN_SHORTAGE);
		return;
	}
	id = q->id;
	ch = api_channel_make(t, chan, span_is(type, "session"));
	if (ch == NULL) {
		api_question_forget(t, chan);
		refuse_open(t, chan, OPEN_SHORTAGE);
		return;
	}
	answer = check_open(t, id, ch, api_text(type), extra, &reason);
	api_question_settle(t, id, answer, NULL, reason);
}

static bool
starts_program(int kind)
{
	return kind == POSTERN_REQ_SHELL || kind == POSTERN_REQ_EXEC ||
	    kind == POSTERN_REQ_SUBSYSTEM;
}

static void
log_request(postern_channel *ch, const struct postern_channel_request *rq)
{
	char quoted[QUOTE_MAX];

	if (!starts_program(rq->kind))
		return;
	api_log(ch->t->ctx, ch->t, POSTERN_INFO, "channel %llu: %s asks for %s%s%s%s",
	    (unsigned long long)ch->id,
	    ch->t->username != NULL ? "user" : "peer",
	    rq->kind == POSTERN_REQ_SHELL ? "a shell" :
	    rq->kind == POSTERN_REQ_EXEC ? "command \"" : "subsystem \"",
	    rq->kind == POSTERN_REQ_SHELL ? "" :
	    api_log_quote(quoted, sizeof(quoted), span_str(rq->name)),
	    rq->kind == POSTERN_REQ_SHELL ? "" : "\"", "");
}

static const struct postern_server_interface *
interface_of(const postern_transport *t)
{
	return t->server != NULL && t->server->interface.check_channel_request != NULL ?
	    &t->server->interface : NULL;
}

void
api_ask_request(postern_transport *t, uint64_t chan, uint64_t theirs,
    const struct postern_channel_request *given)
{
	const struct postern_server_interface *s = interface_of(t);
	struct postern_channel_request rq = *given;
	postern_channel *ch = api_channel_find(t, chan);
	bool starts = starts_program(rq.kind);
	struct api_question *q = NULL;
	uint64_t id;

	if (t->is_ending)
		return;
	rq.size = sizeof(rq);
	/* RFC 4254 6.5: one program per channel */
	if (s != NULL && ch != NULL && ch->state == API_OPEN && !(starts && ch->is_started))
		q = api_question_new(t, API_ASK_REQUEST, theirs, chan);
	if (q == NULL) {
		struct ipc_ANSWER_ASK no = { .question = theirs, .ok = 0 };

		if (theirs != 0)
			(void)api_call_sent(t, api_send_ANSWER_ASK(&t->worker, &no));
		return;
	}
	log_request(ch, &rq);
	id = q->id;
	q->starts = starts;
	if (starts)
		ch->is_started = true;
	api_question_settle(t, id, s->check_channel_request(s->user, ch, id, &rq), NULL, 0);
}

void
api_ask_tell(postern_transport *t, uint64_t chan, const struct postern_channel_request *given)
{
	const struct postern_server_interface *s = interface_of(t);
	struct postern_channel_request rq = *given;
	postern_channel *ch = api_channel_find(t, chan);

	if (t->is_ending || s == NULL || ch == NULL || ch->state != API_OPEN)
		return;
	rq.size = sizeof(rq);
	/* nobody waits for an answer, so there is none */
	(void)s->check_channel_request(s->user, ch, 0, &rq);
}

void
api_ask_global(postern_transport *t, uint64_t theirs, struct span kind, struct span payload)
{
	const struct postern_server_interface *s = t->server != NULL ? &t->server->interface : NULL;
	struct api_question *q = NULL;
	uint64_t id;

	if (t->is_ending)
		return;
	if (s != NULL && s->check_global_request != NULL)
		q = api_question_new(t, API_ASK_GLOBAL, theirs, 0);
	if (q == NULL) {
		struct ipc_GLOBAL_ANSWER no = { .question = theirs, .payload = span_str("") };

		if (theirs != 0)
			(void)api_call_sent(t, api_send_GLOBAL_ANSWER(&t->worker, &no));
		return;
	}
	id = q->id;
	api_question_settle(t, id, s->check_global_request(s->user, t, id, api_text(kind),
	    payload.p, payload.n), NULL, 0);
}
