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

/* ---- opens ---- */

static void
refuse_open(postern_transport *t, uint64_t chan, uint32_t reason)
{
	struct ipc_REFUSE m = { .chan = chan, .reason = reason, .text = span_str("") };

	(void)api_call_sent(t, api_send_REFUSE(&t->worker, &m));	/* fits */
}

static void
log_open(postern_transport *t, uint64_t chan, const char *kind, const struct postern_forward *f)
{
	char quoted[80], host[200];

	(void)api_log_quote(quoted, sizeof(quoted), span_str(kind));
	if (f != NULL)
		api_log_chan(t, chan, POSTERN_VERBOSE,
		    "channel %llu: peer asks to open \"%s\" to %s:%u", (unsigned long long)chan,
		    quoted, api_log_quote(host, sizeof(host), span_str(f->host)), f->port);
	else
		api_log_chan(t, chan, POSTERN_VERBOSE, "channel %llu: peer asks to open \"%s\"",
		    (unsigned long long)chan, quoted);
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

/*
 * May such a channel be opened at all?  RFC 4254 7.2 and 6.3.2: FORWARDED_*, X11 and
 * agent only by a server that was asked for it, which is the only thing that makes them
 * of any use to us; the other forwards only by a client.
 */
static bool
may_open(postern_transport *t, const char *kind, const struct postern_forward *f)
{
	/* the worker did not parse what it always parses */
	if (f == NULL && api_carry_kind(kind) != 0)
		return false;
	if (f == NULL)
		return strcmp(kind, "session") != 0 ||
		    api_transport_permits(t, POSTERN_PERMIT_SESSIONS);
	if (t->server == NULL)
		return api_forward_match(t, f) != NULL;
	return (f->kind == POSTERN_DIRECT_TCPIP || f->kind == POSTERN_DIRECT_STREAMLOCAL) &&
	    api_transport_permits(t, POSTERN_PERMIT_DIRECT);
}

/* Whoever asked for it; without a handler it goes to postern_transport_accept. */
static int
ask_handler(postern_transport *t, uint64_t question, postern_channel *ch)
{
	struct api_forward *f = api_forward_match(t, ch->forward);

	f->is_used = true;
	ch->by = f->id;
	if (f->handler == NULL)
		return POSTERN_ACCEPT;
	return f->handler(f->user, t, question, ch, ch->forward);
}

/* Calls whichever interface the role has. */
static int
ask_interface(postern_transport *t, uint64_t question, postern_channel *ch, const char *kind,
    struct span extra, uint32_t *reason)
{
	const struct postern_server_interface *s = t->server != NULL ? &t->server->interface : NULL;
	const struct postern_client_interface *c = &t->client;

	if (s != NULL && s->check_channel_open != NULL)
		return s->check_channel_open(s->user, t, question, ch, kind, ch->forward, extra.p,
		    extra.n, reason);
	if (s == NULL && c->check_channel_open != NULL)
		return c->check_channel_open(c->user, t, question, ch, kind, ch->forward, extra.p,
		    extra.n, reason);
	return POSTERN_REFUSE;
}

void
api_ask_open(postern_transport *t, uint64_t chan, const char *kind,
    const struct postern_forward *f, struct span extra)
{
	uint32_t reason = OPEN_PROHIBITED;
	struct api_question *q;
	postern_channel *ch;
	uint64_t id;
	int answer;

	if (t->is_ending)
		return;
	log_open(t, chan, kind, f);
	if (!may_open(t, kind, f)) {
		refuse_open(t, chan, OPEN_PROHIBITED);
		return;
	}
	if (!has_room(t) ||
	    (q = api_question_new(t, API_ASK_OPEN, 0, chan)) == NULL) {
		refuse_open(t, chan, OPEN_SHORTAGE);
		return;
	}
	id = q->id;
	ch = api_channel_make(t, chan, kind, f);
	if (ch == NULL) {
		api_question_forget(t, chan);
		refuse_open(t, chan, OPEN_SHORTAGE);
		return;
	}
	if (f != NULL && t->server == NULL)
		answer = ask_handler(t, id, ch);
	else
		answer = ask_interface(t, id, ch, kind, extra, &reason);
	api_question_settle(t, id, answer, NULL, reason);
}

/* ---- requests for channels ---- */

static bool
starts_program(int kind)
{
	return kind == POSTERN_REQ_SHELL || kind == POSTERN_REQ_EXEC ||
	    kind == POSTERN_REQ_SUBSYSTEM;
}

static void
log_request(postern_channel *ch, const struct postern_channel_request *rq)
{
	const char *who = ch->t->username != NULL ? "user" : "peer";
	char quoted[QUOTE_MAX];

	if (rq->kind == POSTERN_REQ_SHELL)
		api_log_chan(ch->t, ch->id, POSTERN_INFO, "channel %s: %s asks for a shell",
		    ch->name, who);
	else if (starts_program(rq->kind))
		api_log_chan(ch->t, ch->id, POSTERN_INFO, "channel %s: %s asks for %s \"%s\"",
		    ch->name, who, rq->kind == POSTERN_REQ_EXEC ? "command" : "subsystem",
		    api_log_quote(quoted, sizeof(quoted), span_str(rq->name)));
}

/*
 * RFC 4254 6 and 6.5: most requests are about sessions, and only a server is asked
 * them; a channel that carries something else has its descriptors already and its own
 * permission, which must not become one for programs.  One program per channel.
 */
static bool
may_request(const postern_channel *ch, int kind)
{
	if (ch == NULL || ch->state != API_OPEN)
		return false;
	if (kind == POSTERN_REQ_OTHER || kind == POSTERN_REQ_XON_XOFF)
		return true;
	if (ch->t->server == NULL || !ch->is_session ||
	    !api_transport_permits_request(ch->t, kind))
		return false;
	return !(starts_program(kind) && ch->is_started);
}

static int
check_request(postern_channel *ch, uint64_t question, const struct postern_channel_request *rq)
{
	postern_transport *t = ch->t;
	const struct postern_server_interface *s = t->server != NULL ? &t->server->interface : NULL;
	const struct postern_client_interface *c = &t->client;

	if (s != NULL && s->check_channel_request != NULL)
		return s->check_channel_request(s->user, ch, question, rq);
	if (s == NULL && c->check_channel_request != NULL)
		return c->check_channel_request(c->user, ch, question, rq);
	return POSTERN_REFUSE;
}

void
api_ask_request(postern_transport *t, uint64_t chan, uint64_t theirs,
    const struct postern_channel_request *given)
{
	struct postern_channel_request rq = *given;
	postern_channel *ch = api_channel_find(t, chan);
	const struct api_subsystem *subsystem = NULL;
	struct api_question *q = NULL;
	uint64_t id;

	if (t->is_ending)
		return;
	rq.size = sizeof(rq);
	if (may_request(ch, rq.kind))
		q = api_question_new(t, API_ASK_REQUEST, theirs, chan);
	if (q == NULL) {
		struct ipc_ANSWER_ASK no = { .question = theirs, .ok = 0 };

		if (theirs != 0)
			(void)api_call_sent(t, api_send_ANSWER_ASK(&t->worker, &no));
		return;
	}
	log_request(ch, &rq);
	id = q->id;
	q->starts = starts_program(rq.kind);
	if (q->starts)
		ch->is_started = true;
	if (rq.kind == POSTERN_REQ_SUBSYSTEM)
		subsystem = api_subsystem_find(t->server, rq.name);
	if (subsystem != NULL)
		api_subsystem_serve(subsystem, ch, id);
	else
		api_question_settle(t, id, check_request(ch, id, &rq), NULL, 0);
}

void
api_ask_tell(postern_transport *t, uint64_t chan, const struct postern_channel_request *given)
{
	struct postern_channel_request rq = *given;
	postern_channel *ch = api_channel_find(t, chan);

	if (t->is_ending || t->server == NULL || ch == NULL || ch->state != API_OPEN ||
	    !ch->is_session)
		return;
	rq.size = sizeof(rq);
	/* nobody waits for an answer, so there is none */
	(void)check_request(ch, 0, &rq);
}

/* ---- global requests ---- */

static int
check_global(postern_transport *t, uint64_t question, const char *kind, struct span payload)
{
	const struct postern_server_interface *s = t->server != NULL ? &t->server->interface : NULL;
	const struct postern_client_interface *c = &t->client;

	if (s != NULL && s->check_global_request != NULL)
		return s->check_global_request(s->user, t, question, kind, payload.p, payload.n);
	if (s == NULL && c->check_global_request != NULL)
		return c->check_global_request(c->user, t, question, kind, payload.p, payload.n);
	return POSTERN_REFUSE;
}

void
api_ask_global(postern_transport *t, uint64_t theirs, struct span kind, struct span payload)
{
	struct api_question *q;
	uint64_t id;

	if (t->is_ending)
		return;
	q = api_question_new(t, API_ASK_GLOBAL, theirs, 0);
	if (q == NULL) {
		struct ipc_GLOBAL_ANSWER no = { .question = theirs, .payload = span_str("") };

		if (theirs != 0)
			(void)api_call_sent(t, api_send_GLOBAL_ANSWER(&t->worker, &no));
		return;
	}
	id = q->id;
	api_question_settle(t, id, check_global(t, id, api_text(kind), payload), NULL, 0);
}
