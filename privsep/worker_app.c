/*
 * worker_app.c - what the application orders: channels, answers, requests, ends.
 *
 * Reachable only after login.  The application is trusted with its own channels, and
 * its orders may cross the peer's: an order for a channel that is over, or an answer
 * to a question that is gone, is late and dropped, and a call is answered "no".
 */
#include <unistd.h>

#include "privsep/worker_tell.h"

enum { IGNORE_MAX = 32 * 1024, OPEN_RESOURCE_SHORTAGE = 4 };

bool
worker_app_ready(const struct worker *w)
{
	return w->cn != NULL && w->end == END_NOT && !worker_clogged(w) &&
	    transport_can_send(w->tr) && transport_has_room(w->tr, CONNECTION_ROOM);
}

static void
done(struct worker *w, uint64_t call, bool ok)
{
	if (call != 0)
		worker_must(w, worker_tell_DONE(w, &(struct ipc_DONE){ .call = call, .ok = ok }));
}

/* ---- opening ---- */

static int
on_OPEN(struct worker *w, const struct ipc_OPEN *m)
{
	struct channel *ch;

	if (connection_find(w->cn, m->chan) != NULL)
		return -1;
	if (!connection_can_open(w->cn)) {
		worker_must(w, worker_tell_NOT_OPENED(w, &(struct ipc_NOT_OPENED){
		    .chan = m->chan, .reason = OPEN_RESOURCE_SHORTAGE,
		    .text = span_str("too many channels") }));
		return 0;
	}
	worker_check(w, connection_open(w->cn, m->chan, m->type, m->extra,
	    (struct channel_limits){ .window = m->window, .packet = m->packet }));
	ch = connection_find(w->cn, m->chan);
	if (ch != NULL)
		(void)worker_flow_new(w, ch);	/* without memory the connection ends */
	return 0;
}

static int
on_GRANT(struct worker *w, const struct ipc_GRANT *m)
{
	struct flow *f = worker_flow_find(w, m->chan);

	if (f != NULL && f->ch->state == CH_ASKED && !f->ch->close_out)
		worker_check(w, connection_grant(w->cn, f->ch));
	return 0;
}

static int
on_REFUSE(struct worker *w, const struct ipc_REFUSE *m)
{
	struct flow *f = worker_flow_find(w, m->chan);
	struct channel *ch;

	if (f == NULL || f->ch->state != CH_ASKED || f->ch->close_out)
		return 0;
	ch = f->ch;
	worker_flow_free(w, f);
	worker_check(w, connection_refuse(w->cn, ch, m->reason, m->text));
	return 0;
}

/* ---- descriptors ---- */

/* Takes the descriptors: into the flow, or closed.  They come once per channel. */
static int
take(struct worker *w, uint64_t chan, enum flow_kind kind, int in, int out, int err)
{
	struct flow *f = worker_flow_find(w, chan);

	/* the application sends only so many that were not received; also for a channel
	 * that is over, or it would wait for this one for ever */
	worker_must(w, worker_tell_TAKEN(w, &(struct ipc_TAKEN){ .chan = chan }));
	if (f != NULL && f->kind == FLOW_NONE) {
		worker_flow_take(w, f, kind, in, out, err);
		return 0;
	}
	(void)close(in);	/* nothing was written to them */
	if (out != in)
		(void)close(out);
	if (err >= 0)
		(void)close(err);
	return f == NULL ? 0 : -1;
}

static int
on_TAKE_SOCKET(struct worker *w, const struct ipc_TAKE_SOCKET *m)
{
	return take(w, m->chan, FLOW_SOCKET, m->data, m->data, -1);
}

static int
on_TAKE_SOCKETS(struct worker *w, const struct ipc_TAKE_SOCKETS *m)
{
	return take(w, m->chan, FLOW_SOCKETS, m->data, m->data, m->err);
}

static int
on_TAKE_PTY(struct worker *w, const struct ipc_TAKE_PTY *m)
{
	return take(w, m->chan, FLOW_PTY, m->master, m->master, -1);
}

static int
on_TAKE_PIPES(struct worker *w, const struct ipc_TAKE_PIPES *m)
{
	return take(w, m->chan, FLOW_PIPES, m->in, m->out, m->err);
}

/* ---- answers ---- */

static int
on_ANSWER_ASK(struct worker *w, const struct ipc_ANSWER_ASK *m)
{
	struct flow *f = w->flows;

	if (!connection_has_question(w->cn, m->question))
		return 0;
	worker_check(w, connection_answer(w->cn, m->question, m->ok != 0, span_of(NULL, 0)));
	for (size_t i = 0; i < w->flow_count; i++, f = f->next)
		if (f->start_question == m->question)
			f->start_question = 0;
	return 0;
}

static int
on_GLOBAL_ANSWER(struct worker *w, const struct ipc_GLOBAL_ANSWER *m)
{
	if (connection_has_question(w->cn, m->question))
		worker_check(w, connection_answer(w->cn, m->question, m->ok != 0, m->payload));
	return 0;
}

/* ---- requests to the peer ---- */

static int
request(struct worker *w, uint64_t chan, uint64_t call, const struct request *req)
{
	struct flow *f = worker_flow_find(w, chan);

	if (f == NULL || f->ch->state != CH_OPEN || f->ch->close_in || f->ch->close_out ||
	    (call != 0 && !connection_can_call(w->cn))) {
		done(w, call, false);
		return 0;
	}
	worker_check(w, connection_request(w->cn, f->ch, call, req));
	return 0;
}

static int
on_PTY_DO(struct worker *w, const struct ipc_PTY_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_PTY,
	    .name = m->term, .value = m->modes, .columns = m->columns, .rows = m->rows,
	    .width = m->width, .height = m->height });
}

static int
on_ENV_DO(struct worker *w, const struct ipc_ENV_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_ENV,
	    .name = m->name, .value = m->value });
}

static int
on_SHELL_DO(struct worker *w, const struct ipc_SHELL_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_SHELL });
}

static int
on_EXEC_DO(struct worker *w, const struct ipc_EXEC_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_EXEC,
	    .name = m->command });
}

static int
on_SUBSYSTEM_DO(struct worker *w, const struct ipc_SUBSYSTEM_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_SUBSYSTEM,
	    .name = m->name });
}

static int
on_WINDOW_DO(struct worker *w, const struct ipc_WINDOW_DO *m)
{
	return request(w, m->chan, 0, &(struct request){ .kind = RQ_WINDOW,
	    .columns = m->columns, .rows = m->rows, .width = m->width,
	    .height = m->height });
}

static int
on_SIGNAL_DO(struct worker *w, const struct ipc_SIGNAL_DO *m)
{
	return request(w, m->chan, 0, &(struct request){ .kind = RQ_SIGNAL, .name = m->name });
}

static int
on_BREAK_DO(struct worker *w, const struct ipc_BREAK_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_BREAK,
	    .number = m->length_ms });
}

static int
on_OTHER_DO(struct worker *w, const struct ipc_OTHER_DO *m)
{
	return request(w, m->chan, m->call, &(struct request){ .kind = RQ_OTHER,
	    .name = m->kind, .value = m->payload });
}

static int
on_GLOBAL_DO(struct worker *w, const struct ipc_GLOBAL_DO *m)
{
	if (m->call != 0 && !connection_can_call(w->cn))
		done(w, m->call, false);
	else
		worker_check(w, connection_global(w->cn, m->call, m->kind, m->payload));
	return 0;
}

/* ---- ends ---- */

static int
finish(struct worker *w, uint64_t chan, const struct request *how)
{
	struct flow *f = worker_flow_find(w, chan);

	if (f == NULL || f->closing)
		return 0;
	/* also after the peer's CLOSE: it wants to know how its program ended */
	if (f->ch->state == CH_OPEN && !f->ch->close_out)
		worker_check(w, connection_request(w->cn, f->ch, 0, how));
	worker_flow_close(w, f, true);
	return 0;
}

static int
on_EXIT_DO(struct worker *w, const struct ipc_EXIT_DO *m)
{
	return finish(w, m->chan, &(struct request){ .kind = RQ_EXIT_STATUS,
	    .number = m->status });
}

static int
on_EXIT_SIGNAL_DO(struct worker *w, const struct ipc_EXIT_SIGNAL_DO *m)
{
	return finish(w, m->chan, &(struct request){ .kind = RQ_EXIT_SIGNAL,
	    .name = m->name, .value = m->text, .core_dumped = m->core_dumped != 0 });
}

static int
on_CHANNEL_CLOSE(struct worker *w, const struct ipc_CHANNEL_CLOSE *m)
{
	struct flow *f = worker_flow_find(w, m->chan);

	if (f != NULL)
		worker_flow_close(w, f, false);
	return 0;
}

static int
on_REKEY(struct worker *w, const struct ipc_REKEY *m)
{
	worker_kex_rekey(w, m->call);
	return 0;
}

/* RFC 4253 11.2: bytes against traffic analysis. */
static int
on_IGNORE(struct worker *w, const struct ipc_IGNORE *m)
{
	size_t n = m->length < IGNORE_MAX ? m->length : IGNORE_MAX;
	struct wr o = transport_begin(w->tr, 5 + n);
	uint8_t *p;

	wr_u8(&o, SSH_MSG_IGNORE);
	wr_u32(&o, (uint32_t)n);
	p = wr_room(&o, n);
	if (p != NULL)
		crypto_random(p, n);
	worker_check(w, transport_end(w->tr, &o));
	return 0;
}

static int
on_KEEPALIVE(struct worker *w, const struct ipc_KEEPALIVE *m)
{
	connection_set_alive(w->cn, m->interval_ms, m->max, w->now);
	return 0;
}

static int
on_REKEY_LIMIT(struct worker *w, const struct ipc_REKEY_LIMIT *m)
{
	transport_set_rekey_limit(w->tr, m->bytes, m->interval_ms);
	return 0;
}

int
worker_app_message(struct worker *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_A2W
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}
