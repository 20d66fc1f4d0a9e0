/*
 * api_listen.c - a client asks this server to listen for it [RFC 4254 7.1].
 *
 * Nothing listens here: the application is asked, binds, and says the port.  What it
 * granted is kept, so that an end is asked of it only for what there is, and the
 * client is told the truth about it.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { PORT_MAX = 65535 };

static void
reply(postern_transport *t, uint64_t theirs, bool ok, struct span payload)
{
	struct ipc_GLOBAL_ANSWER m = { .question = theirs, .ok = ok, .payload = payload };

	if (theirs != 0)
		(void)api_call_sent(t, api_send_GLOBAL_ANSWER(&t->worker, &m));	/* fits */
}

static void
log_listen(postern_transport *t, const char *what, const struct postern_forward *f)
{
	char host[200];

	api_log(t->ctx, t, POSTERN_VERBOSE, "%s %s %s:%u", what,
	    f->kind == POSTERN_FORWARDED_TCPIP ? "port" : "path",
	    api_log_quote(host, sizeof(host), span_str(f->host)), f->port);
}

/* Granted, or asked about at this moment: a second of it could not be bound. */
static bool
is_known(postern_transport *t, const struct postern_forward *f)
{
	const struct api_question *q;

	/* any port is a new one each time */
	if (f->kind == POSTERN_FORWARDED_TCPIP && f->port == 0)
		return false;
	LIST_FOREACH(q, &t->questions, next) {
		if (q->kind == API_ASK_LISTEN && q->forward == f->kind && q->port == f->port &&
		    strcmp(q->host, f->host) == 0)
			return true;
	}
	return api_forward_find(t, f->kind, f->host, f->port) != NULL;
}

static void
cancel(postern_transport *t, uint64_t theirs, const struct postern_forward *f)
{
	const struct postern_server_interface *i = &t->server->interface;
	struct api_forward *granted = api_forward_find(t, f->kind, f->host, f->port);

	log_listen(t, granted != NULL ? "peer ends listening on" :
	    "peer would end listening, which nobody does, on", f);
	if (granted != NULL)
		api_forward_remove(t, granted);
	reply(t, theirs, granted != NULL, span_str(""));
	if (granted != NULL && i->cancel_port_forward_request != NULL)
		i->cancel_port_forward_request(i->user, t, f);
}

static struct api_question *
question(postern_transport *t, uint64_t theirs, const struct postern_forward *f)
{
	struct api_question *q;
	unsigned pending = 0;
	char *host;

	LIST_FOREACH(q, &t->questions, next)
		pending += q->kind == API_ASK_LISTEN;
	if (t->n_forwards + pending >= API_FORWARDS_MAX)
		return NULL;
	host = api_context_copy(span_str(f->host));
	q = host != NULL ? api_question_new(t, API_ASK_LISTEN, theirs, 0) : NULL;
	if (q == NULL) {
		free(host);
		return NULL;
	}
	q->forward = f->kind;
	q->port = f->port;
	q->host = host;
	return q;
}

static void
ask(postern_transport *t, uint64_t theirs, const struct postern_forward *f)
{
	const struct postern_server_interface *i = &t->server->interface;
	struct api_question *q = NULL;
	uint32_t port = f->port;
	uint64_t id;
	int answer;

	log_listen(t, "peer asks to listen on", f);
	if (i->check_port_forward_request != NULL && !is_known(t, f) &&
	    api_transport_permits(t, POSTERN_PERMIT_LISTEN))
		q = question(t, theirs, f);
	if (q == NULL) {
		reply(t, theirs, false, span_str(""));
		return;
	}
	id = q->id;
	answer = i->check_port_forward_request(i->user, t, id, f, &port);
	api_question_settle_port(t, id, answer, port);
}

void
api_listen_asked(postern_transport *t, const struct ipc_LISTEN_ASK *m)
{
	struct postern_forward f = { .size = sizeof(f), .kind = m->kind,
		.host = api_text(m->host), .port = m->port, .origin_host = "" };

	if (t->is_ending)
		return;
	/* the worker has parsed it, and knows its role: these are lies */
	if (t->server == NULL || (m->kind != IPC_FORWARDED_TCPIP &&
	    m->kind != IPC_FORWARDED_STREAMLOCAL) || !api_carry_has_port(&f)) {
		api_transport_blame(t, POSTERN_EWORKER, "a request to listen that there cannot be");
		return;
	}
	if (m->kind == IPC_FORWARDED_STREAMLOCAL)
		f.port = 0;
	if (m->cancel != 0)
		cancel(t, m->question, &f);
	else
		ask(t, m->question, &f);
}

/* The port that is in force; 0: the answer names none. */
static uint32_t
port_of(const struct api_question *q, uint32_t answered)
{
	if (q->port != 0 || q->forward != POSTERN_FORWARDED_TCPIP)
		return q->port;
	return answered <= PORT_MAX ? answered : 0;
}

bool
api_listen_needs_port(const struct api_question *q, uint32_t port)
{
	return q->forward == POSTERN_FORWARDED_TCPIP && port_of(q, port) == 0;
}

int
api_listen_answer(postern_transport *t, const struct api_question *q, int answer,
    uint32_t answered)
{
	bool is_any = q->forward == POSTERN_FORWARDED_TCPIP && q->port == 0;
	uint32_t port = port_of(q, answered);
	struct api_forward *f;
	uint8_t buf[4];
	struct wr w = wr_of(buf, sizeof(buf));
	int r;

	/* an answer is no for who says yes and does not know to what */
	if (answer != POSTERN_ACCEPT || api_listen_needs_port(q, answered)) {
		reply(t, q->theirs, false, span_str(""));
		return answer == POSTERN_ACCEPT ? -EINVAL : 0;
	}
	f = api_forward_new(q->forward, q->host, port);
	r = f != NULL ? api_forward_add(t, f) : -ENOMEM;
	/* RFC 4254 7.1: the port is told only to who asked for any */
	if (r == 0 && is_any)
		wr_u32(&w, port);
	reply(t, q->theirs, r == 0, wr_span(&w));
	return r;
}
