/*
 * worker_events.c - what the peer does after login, told to the application.
 *
 * Opens and requests become typed questions; the answer comes from outside this
 * process, and what nobody answers is refused there.  What does not fit its row is
 * refused here: it never reaches the application, and never makes this process look
 * like a liar.
 */
#include "proto/forward.h"
#include "privsep/worker_tell.h"

_Static_assert((int)FW_DIRECT_TCPIP == (int)IPC_DIRECT_TCPIP &&
    (int)FW_FORWARDED_TCPIP == (int)IPC_FORWARDED_TCPIP &&
    (int)FW_DIRECT_STREAMLOCAL == (int)IPC_DIRECT_STREAMLOCAL &&
    (int)FW_FORWARDED_STREAMLOCAL == (int)IPC_FORWARDED_STREAMLOCAL &&
    (int)FW_X11 == (int)IPC_X11 && (int)FW_AGENT == (int)IPC_AGENT, "one numbering");

enum { OPEN_PROHIBITED = 1 };

/* False: malformed, or it does not fit its row. */
static bool
ask_open(struct worker *w, const struct connection_event *ev)
{
	uint64_t chan = ev->channel->serial;
	enum forward_kind kind = forward_open_kind(ev->kind);
	struct forward_open o;

	if (kind == FW_OTHER)
		return worker_tell_CHANNEL_ASK(w, &(struct ipc_CHANNEL_ASK){ .chan = chan,
		    .type = ev->kind, .extra = ev->payload });
	if (!forward_parse_open(kind, ev->payload, &o))
		return false;
	return worker_tell_FORWARD_ASK(w, &(struct ipc_FORWARD_ASK){ .chan = chan,
	    .kind = (uint8_t)kind, .host = o.host, .port = o.port, .origin = o.origin,
	    .origin_port = o.origin_port });
}

static void
on_asked(struct worker *w, const struct connection_event *ev)
{
	const char *why = "malformed";
	struct flow *f;

	if (!forward_may_open(w->role, ev->kind)) {
		why = w->role == SSH_SERVER ? "a client does not open this type" :
		    "a server does not open this type";
	} else {
		if ((f = worker_flow_new(w, ev->channel)) == NULL || ask_open(w, ev))
			return;
		worker_flow_free(w, f);
	}
	worker_check(w, connection_refuse(w->cn, ev->channel, OPEN_PROHIBITED, span_str(why)));
}

static void
on_opened(struct worker *w, const struct connection_event *ev)
{
	if (!worker_tell_OPENED(w, &(struct ipc_OPENED){ .chan = ev->channel->serial,
	    .extra = ev->payload }))
		worker_fail(w, PROTO_E_MESSAGE_FORMAT);
}

static void
on_not_opened(struct worker *w, const struct connection_event *ev)
{
	struct ipc_NOT_OPENED m = { .chan = ev->channel->serial, .reason = ev->reason,
		.text = ev->text };
	struct flow *f = ev->channel->owner;

	if (!worker_tell_NOT_OPENED(w, &m)) {
		m.text = span_of(NULL, 0);
		worker_must(w, worker_tell_NOT_OPENED(w, &m));
	}
	if (f != NULL)
		worker_flow_free(w, f);
	connection_release(w->cn, ev->channel);
}

/* Requests that start a program: its output waits until the peer has its answer. */
static void
starts(struct flow *f, uint64_t question)
{
	if (f->kind == FLOW_NONE && !f->closing)
		f->start_question = question;
}

static bool
ask_other(struct worker *w, uint64_t chan, uint64_t q, const struct request *r)
{
	struct forward_x11 x;

	if (!forward_is_x11(r->name))
		return worker_tell_OTHER_ASK(w, &(struct ipc_OTHER_ASK){ .chan = chan,
		    .question = q, .kind = r->name, .payload = r->value });
	/* a server has no display to offer a client */
	if (w->role != SSH_SERVER || !forward_parse_x11(r->value, &x))
		return false;
	return worker_tell_X11_ASK(w, &(struct ipc_X11_ASK){ .chan = chan, .question = q,
	    .single = x.single, .protocol = x.protocol, .cookie = x.cookie,
	    .screen = x.screen });
}

/* False: malformed, not for this side, or it does not fit its row. */
static bool
ask(struct worker *w, struct flow *f, uint64_t q, const struct request *r)
{
	uint64_t chan = f->ch->serial;

	switch (r->kind) {
	case RQ_PTY:
		return worker_tell_PTY_ASK(w, &(struct ipc_PTY_ASK){ .chan = chan, .question = q,
		    .term = r->name, .columns = r->columns, .rows = r->rows,
		    .width = r->width, .height = r->height, .modes = r->value });
	case RQ_ENV:
		return worker_tell_ENV_ASK(w, &(struct ipc_ENV_ASK){ .chan = chan, .question = q,
		    .name = r->name, .value = r->value });
	case RQ_SHELL:
		starts(f, q);
		return worker_tell_SHELL_ASK(w, &(struct ipc_SHELL_ASK){ .chan = chan,
		    .question = q });
	case RQ_EXEC:
		starts(f, q);
		return worker_tell_EXEC_ASK(w, &(struct ipc_EXEC_ASK){ .chan = chan,
		    .question = q, .command = r->name });
	case RQ_SUBSYSTEM:
		starts(f, q);
		return worker_tell_SUBSYSTEM_ASK(w, &(struct ipc_SUBSYSTEM_ASK){ .chan = chan,
		    .question = q, .name = r->name });
	case RQ_BREAK:
		return worker_tell_BREAK_ASK(w, &(struct ipc_BREAK_ASK){ .chan = chan,
		    .question = q, .length_ms = r->number });
	case RQ_OTHER:
		return ask_other(w, chan, q, r);
	case RQ_WINDOW:
		return worker_tell_WINDOW_TOLD(w, &(struct ipc_WINDOW_TOLD){ .chan = chan,
		    .columns = r->columns, .rows = r->rows, .width = r->width,
		    .height = r->height });
	case RQ_SIGNAL:
		return worker_tell_SIGNAL_TOLD(w, &(struct ipc_SIGNAL_TOLD){ .chan = chan,
		    .name = r->name });
	case RQ_EXIT_STATUS:
		return worker_tell_STATUS_TOLD(w, &(struct ipc_STATUS_TOLD){ .chan = chan,
		    .status = r->number });
	case RQ_EXIT_SIGNAL:
		return worker_tell_EXIT_SIGNAL_TOLD(w, &(struct ipc_EXIT_SIGNAL_TOLD){
		    .chan = chan, .name = r->name, .core_dumped = r->core_dumped,
		    .text = r->value });
	}
	return false;
}

static void
on_request(struct worker *w, const struct connection_event *ev)
{
	struct flow *f = ev->channel->owner;

	if (f == NULL || (ev->question == 0 && worker_pump_is_eow(w, f, &ev->request)) ||
	    ask(w, f, ev->question, &ev->request))
		return;
	f->start_question = 0;
	if (ev->question != 0)
		worker_check(w, connection_answer(w->cn, ev->question, false, span_of(NULL, 0)));
}

/* RFC 4254 7.1: only a client asks a server to listen. */
static bool
ask_global(struct worker *w, const struct connection_event *ev)
{
	struct forward_listen l;

	if (span_is(ev->kind, "hostkeys-prove-00@openssh.com")) {
		if (w->role != SSH_SERVER || ev->question == 0)
			return false;
		worker_hostkeys_prove(w, ev->question, ev->payload);
		return true;
	}
	if (span_is(ev->kind, "hostkeys-00@openssh.com")) {
		if (w->role == SSH_CLIENT)
			worker_update_told(w, ev->payload);
		return true;
	}
	if (!forward_is_listen(ev->kind))
		return worker_tell_GLOBAL_ASK(w, &(struct ipc_GLOBAL_ASK){
		    .question = ev->question, .kind = ev->kind, .payload = ev->payload });
	if (w->role != SSH_SERVER || !forward_parse_listen(ev->kind, ev->payload, &l))
		return false;
	return worker_tell_LISTEN_ASK(w, &(struct ipc_LISTEN_ASK){ .question = ev->question,
	    .kind = (uint8_t)l.kind, .cancel = l.cancel, .host = l.host, .port = l.port });
}

static void
on_global(struct worker *w, const struct connection_event *ev)
{
	if (!ask_global(w, ev) && ev->question != 0)
		worker_check(w, connection_answer(w->cn, ev->question, false, span_of(NULL, 0)));
}

static void
on_call_done(struct worker *w, const struct connection_event *ev)
{
	struct ipc_DONE m = { .call = ev->call, .ok = ev->ok, .payload = ev->payload };

	if (ev->call == WORKER_UPDATE_CALL) {
		worker_update_proved(w, ev->ok, ev->payload);
		return;
	}
	if (worker_tell_DONE(w, &m))
		return;
	m.payload = span_of(NULL, 0);
	worker_must(w, worker_tell_DONE(w, &m));
}

/* CLOSE: its questions are gone, and whoever never got descriptors has little time
 * left to bring them. */
static void
on_close(struct worker *w, const struct connection_event *ev)
{
	struct flow *f = ev->channel->owner;

	if (f == NULL)
		return;
	f->start_question = 0;
	if (f->close_at == UINT64_MAX && w->close_ms > 0 &&
	    (f->kind == FLOW_NONE || w->role == SSH_SERVER))
		f->close_at = w->now + w->close_ms;
}

void
worker_events_packet(struct worker *w, struct span payload)
{
	struct connection_event ev = { 0 };
	enum proto_error e = connection_packet(w->cn, payload, w->now, &ev);

	if (e != PROTO_OK) {
		worker_fail(w, e);
		return;
	}
	/* bytes that came first go out first */
	if (ev.type == CE_CLOSE || ev.type == CE_NOT_OPENED)
		worker_pump_flush(w, false);
	switch (ev.type) {
	case CE_ASKED:
		on_asked(w, &ev);
		break;
	case CE_OPENED:
		on_opened(w, &ev);
		break;
	case CE_NOT_OPENED:
		on_not_opened(w, &ev);
		break;
	case CE_DATA:
		if (ev.channel->owner != NULL)
			worker_pump_data(w, ev.channel->owner, ev.ext, ev.data);
		break;
	case CE_REQUEST:
		on_request(w, &ev);
		break;
	case CE_CALL_DONE:
		on_call_done(w, &ev);
		break;
	case CE_GLOBAL:
		on_global(w, &ev);
		break;
	case CE_CLOSE:
		on_close(w, &ev);
		break;
	case CE_NONE:
	case CE_PEER_WINDOW:	/* the next turn's poll asks again */
	case CE_EOF:		/* settled once its bytes are delivered */
		break;
	}
}
