/*
 * api_worker.c - what a worker says after login: admission, and one handler per
 * message.
 *
 * The worker parses a stranger's packets and may be the stranger by now: it is
 * treated like the network.  It cannot say who logged in or why the connection
 * ended; what it can do is ask, tell of its channels, and answer calls that are
 * open.  Breaking the table ends it at once.  No descriptor is ever taken from it.
 */
#include <errno.h>

#include "privsep/api.h"

/* A channel of the peer's: its serial must be new. */
static bool
is_new(postern_transport *t, uint64_t chan)
{
	if ((chan & API_OURS) != 0 || chan <= t->last_chan)
		return false;
	t->last_chan = chan;
	return true;
}

static int
on_CHANNEL_ASK(postern_transport *t, const struct ipc_CHANNEL_ASK *m)
{
	if (!is_new(t, m->chan))
		return IPC_BROKEN;
	api_ask_open(t, m->chan, api_text(m->type), NULL, m->extra);
	return 0;
}

static int
on_FORWARD_ASK(postern_transport *t, const struct ipc_FORWARD_ASK *m)
{
	if (!is_new(t, m->chan))
		return IPC_BROKEN;
	api_forward_asked(t, m);
	return 0;
}

static int
on_LISTEN_ASK(postern_transport *t, const struct ipc_LISTEN_ASK *m)
{
	api_listen_asked(t, m);
	return 0;
}

static int
on_X11_ASK(postern_transport *t, const struct ipc_X11_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_X11,
		.name = api_text(m->protocol), .cookie = api_text(m->cookie),
		.screen = m->screen, .flag = m->single != 0 };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_PTY_ASK(postern_transport *t, const struct ipc_PTY_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_PTY,
		.name = api_text(m->term), .columns = m->columns, .rows = m->rows,
		.width = m->width, .height = m->height,
		.data = m->modes.p, .data_len = m->modes.n };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_ENV_ASK(postern_transport *t, const struct ipc_ENV_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_ENV,
		.name = api_text(m->name), .value = api_text(m->value) };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_SHELL_ASK(postern_transport *t, const struct ipc_SHELL_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_SHELL, .name = "shell" };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_EXEC_ASK(postern_transport *t, const struct ipc_EXEC_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_EXEC,
		.name = api_text(m->command) };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_SUBSYSTEM_ASK(postern_transport *t, const struct ipc_SUBSYSTEM_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_SUBSYSTEM,
		.name = api_text(m->name) };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_BREAK_ASK(postern_transport *t, const struct ipc_BREAK_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_BREAK, .name = "break",
		.break_ms = m->length_ms };

	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_OTHER_ASK(postern_transport *t, const struct ipc_OTHER_ASK *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_OTHER,
		.name = api_text(m->kind), .data = m->payload.p, .data_len = m->payload.n };

	/* OpenSSH PROTOCOL.agent and RFC 9987: two names of one request, without fields */
	if (strcmp(rq.name, "auth-agent-req@openssh.com") == 0 ||
	    strcmp(rq.name, "agent-req") == 0)
		rq.kind = POSTERN_REQ_AGENT;
	/* RFC 4254 6.8: a boolean, and nothing that would need a parser */
	if (strcmp(rq.name, "xon-xoff") == 0 && m->payload.n == 1) {
		rq.kind = POSTERN_REQ_XON_XOFF;
		rq.flag = m->payload.p[0] != 0;
	}
	api_ask_request(t, m->chan, m->question, &rq);
	return 0;
}

static int
on_WINDOW_TOLD(postern_transport *t, const struct ipc_WINDOW_TOLD *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_WINDOW_CHANGE,
		.name = "window-change", .columns = m->columns, .rows = m->rows,
		.width = m->width, .height = m->height };

	api_ask_tell(t, m->chan, &rq);
	return 0;
}

static int
on_SIGNAL_TOLD(postern_transport *t, const struct ipc_SIGNAL_TOLD *m)
{
	struct postern_channel_request rq = { .kind = POSTERN_REQ_SIGNAL,
		.name = api_text(m->name) };

	api_ask_tell(t, m->chan, &rq);
	return 0;
}

/* The first word on how a program ended counts, later ones change nothing. */
static postern_channel *
awaiting_status(postern_transport *t, uint64_t chan)
{
	postern_channel *ch = api_channel_find(t, chan);

	return ch != NULL && ch->state == API_OPEN && !ch->has_status ? ch : NULL;
}

static int
on_STATUS_TOLD(postern_transport *t, const struct ipc_STATUS_TOLD *m)
{
	postern_channel *ch = awaiting_status(t, m->chan);

	if (ch == NULL)
		return 0;
	ch->has_status = true;
	ch->exit.status = (int)(m->status & INT32_MAX);	/* -1 means a signal */
	api_shelf_put(t->ctx, &ch->item, API_PENDING_EXIT);
	return 0;
}

static int
on_EXIT_SIGNAL_TOLD(postern_transport *t, const struct ipc_EXIT_SIGNAL_TOLD *m)
{
	postern_channel *ch = awaiting_status(t, m->chan);

	if (ch == NULL)
		return 0;
	ch->has_status = true;
	ch->exit.status = -1;
	ch->exit.core_dumped = m->core_dumped != 0;
	(void)api_log_quote(ch->exit.signal, sizeof(ch->exit.signal), m->name);
	(void)api_log_quote(ch->exit.text, sizeof(ch->exit.text), m->text);
	api_shelf_put(t->ctx, &ch->item, API_PENDING_EXIT);
	return 0;
}

static int
on_OPENED(postern_transport *t, const struct ipc_OPENED *m)
{
	api_open_confirmed(t, m->chan);
	return 0;
}

static int
on_NOT_OPENED(postern_transport *t, const struct ipc_NOT_OPENED *m)
{
	api_open_failed(t, m);
	return 0;
}

static int
on_DONE(postern_transport *t, const struct ipc_DONE *m)
{
	api_call_done(t, m->call, m->ok != 0, m->payload);
	return 0;
}

static int
on_PEER_EOF(postern_transport *t, const struct ipc_PEER_EOF *m)
{
	postern_channel *ch = api_channel_find(t, m->chan);

	if (ch != NULL && ch->sftp != NULL)
		api_sftp_eof(ch->sftp);
	/* the worker has told the descriptor; this is for those who keep books */
	if (ch != NULL && ch->state == API_OPEN && t->server != NULL &&
	    t->server->interface.channel_eof != NULL)
		t->server->interface.channel_eof(t->server->interface.user, ch);
	return 0;
}

static int
on_CHANNEL_OVER(postern_transport *t, const struct ipc_CHANNEL_OVER *m)
{
	postern_channel *ch = api_channel_find(t, m->chan);

	/* CLOSE alone is an end in order too: it is authenticated and comes after all
	 * data, so had_eof says nothing about completeness */
	api_link_withdraw(&t->worker, m->chan);
	if (ch != NULL && (ch->state == API_OPEN || ch->state == API_ASKED))
		api_channel_closed(ch, true);
	return 0;
}

static int
on_GLOBAL_ASK(postern_transport *t, const struct ipc_GLOBAL_ASK *m)
{
	api_ask_global(t, m->question, m->kind, m->payload);
	return 0;
}

static int
on_REKEYED(postern_transport *t, const struct ipc_REKEYED *m)
{
	/* KEX_DONE has the monitor's count: this one is only for the log */
	api_log(t->ctx, t, POSTERN_DEBUG, "claimed: %llu bytes in, %llu out at rekey %llu",
	    (unsigned long long)m->bytes_in, (unsigned long long)m->bytes_out,
	    (unsigned long long)m->count);
	return 0;
}

static int
on_TAKEN(postern_transport *t, const struct ipc_TAKEN *m)
{
	(void)m;	/* counted per link: which channel it was changes nothing */
	return api_link_taken(&t->worker) ? 0 : IPC_BROKEN;
}

static int
dispatch(postern_transport *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_W2A
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

static void
hear(postern_transport *t, uint8_t *buf, size_t len)
{
	const char *why = "a field is malformed";
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
	struct rd r = rd_of(span_of(buf, len));

	if (ipc_admit(IPC_W2A, t->phase, K_ANY, &t->worker.once, buf, len, 0, &why) != NULL &&
	    dispatch(t, rd_u8(&r), r, fds) >= 0)
		return;
	if (!t->is_freed)
		api_transport_blame(t, POSTERN_EWORKER, why);
}

bool
api_worker_receive(postern_transport *t)
{
	size_t cap;
	uint8_t *buf = api_loop_buffer(t->ctx, &cap);
	ssize_t n;

	if (t->worker.fd < 0 || api_context_enter(t->ctx) < 0)
		return false;
	n = ipc_recv_plain(t->worker.fd, buf, cap);
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		/* gone, or saying more than any message: why is the monitor's to tell */
		api_link_close(&t->worker);
		if (n == -EPROTO)
			api_transport_blame(t, POSTERN_EWORKER, "a message without end");
		return false;
	}
	hear(t, buf, (size_t)n);
	return true;
}
