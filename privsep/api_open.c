/*
 * api_open.c - channels that we open, of all kinds.
 *
 * The handle is there before the peer has answered, so that descriptors can be chosen
 * meanwhile.  A channel whose opening was given up stays known until the worker has
 * answered, so that a late success is closed and not forgotten open.
 */
#include <errno.h>
#include <stdio.h>

#include "privsep/api.h"

enum { KIND_MAX = 64, EXTRA_MAX = 8192 };	/* as in OPEN */

struct opening {
	const char *kind;
	struct span extra;		/* what the open message says about it...   */
	const struct postern_forward *forward;	/* ...or what it is made from, NULL */
	struct postern_open_options options;
	uint8_t buf[EXTRA_MAX];
};

static int
fill(struct opening *o, const char *kind, const struct postern_open_options *options)
{
	*o = (struct opening){ .kind = kind, .extra = span_str(""),
		.options = POSTERN_OPEN_OPTIONS };
	if (kind == NULL)
		return -EINVAL;
	return options == NULL ? 0 :
	    api_context_struct(&o->options, sizeof(o->options), options);
}

/* given may be NULL: then it is a kind without such fields, or extra has them already. */
static int
fill_forward(struct opening *o, struct postern_forward *room,
    const struct postern_forward *given, struct span extra)
{
	struct wr w = wr_of(o->buf, sizeof(o->buf));
	int r;

	o->extra = extra;
	if (given == NULL)
		return 0;
	r = api_carry_take(room, given);
	if (r == 0 && (room->kind != api_carry_kind(o->kind) || extra.n > 0))
		r = -EINVAL;
	if (r < 0)
		return r;
	api_carry_extra(&w, room);
	if (w.bad)
		return -EMSGSIZE;
	o->forward = room;
	o->extra = wr_span(&w);
	return 0;
}

/* The handle and its call; sent: what sending came to. */
static int
begin(postern_transport *t, const struct opening *o, postern_channel **out,
    struct api_call **call, int *sent)
{
	struct ipc_OPEN m = { .type = span_str(o->kind), .extra = o->extra,
		.window = o->options.window, .packet = o->options.packet };
	postern_channel *ch;
	int r = api_call_usable(t);

	if (r == 0 && (m.type.n > KIND_MAX || m.extra.n > EXTRA_MAX))
		r = -EMSGSIZE;
	if (r == 0 && t->n_channels >= t->channel_max + API_CHANNELS_SPARE)
		r = POSTERN_ELIMIT;
	if (r == 0)
		r = api_call_begin(t, NULL, call);
	if (r < 0)
		return r;
	m.chan = API_OURS | api_context_serial(t->ctx);
	ch = api_channel_make(t, m.chan, o->kind, o->forward);
	if (ch == NULL) {
		api_call_drop(*call);
		return -ENOMEM;
	}
	(*call)->kind = API_CALL_OPEN;
	(*call)->channel = ch;
	ch->state = API_OPENING;
	ch->opening = (*call)->id;
	*sent = api_send_OPEN(&t->worker, &m);
	*out = ch;
	return 0;
}

/* As api_call_sent has it: neither of these reached the worker. */
static bool
was_sent(int r)
{
	return r != -EMSGSIZE && r != -ENOMEM;
}

int
api_open_session_begin(postern_transport *t, postern_channel **out, struct api_call **call,
    int *sent)
{
	struct opening o;
	int r = fill(&o, "session", NULL);

	return r < 0 ? r : begin(t, &o, out, call, sent);
}

void
api_open_give_up(postern_channel *ch, int r)
{
	if (ch->state == API_OPENING && !ch->t->is_over && was_sent(r)) {
		api_open_abandon(ch);
		return;
	}
	/* what was to follow the opening has failed */
	if (ch->state == API_OPEN && !ch->t->is_over)
		api_channel_send_close(ch->t, ch->id);
	api_channel_discard(ch);
}

static int
wait(postern_transport *t, const struct opening *o, postern_channel **out,
    struct api_deadline d)
{
	struct api_call *call;
	postern_channel *ch;
	int sent, r = begin(t, o, &ch, &call, &sent);

	if (r < 0)
		return r;
	r = api_call_end(call, sent, d);
	if (r == 0)
		*out = ch;
	else
		api_open_give_up(ch, r);
	return r;
}

static int
detach(postern_transport *t, const struct opening *o, postern_channel **out, uint64_t *id)
{
	struct api_call *call;
	postern_channel *ch;
	int sent, r = begin(t, o, &ch, &call, &sent);

	if (r < 0)
		return r;
	r = api_call_detach(call, sent, id);
	if (r < 0) {
		api_channel_discard(ch);
		return r;
	}
	*out = ch;
	return 0;
}

/* ---- what the worker says about it ---- */

void
api_open_abandon(postern_channel *ch)
{
	ch->is_abandoned = true;
	ch->opening = 0;
	api_call_vanish(&ch->t->calls, ch, POSTERN_ESTATE);
	api_shelf_drop(ch->t->ctx, &ch->item, ~0u);
	api_descriptor_close(ch);
}

static void
complete(postern_transport *t, const postern_channel *ch, int result)
{
	struct api_call *call = api_call_find(&t->calls, API_CALL_OPEN, ch->opening);

	if (call != NULL)
		api_call_complete(call, result);
}

void
api_open_confirmed(postern_transport *t, uint64_t chan)
{
	postern_channel *ch = api_channel_find(t, chan);
	int r = 0;

	if (ch == NULL || ch->state != API_OPENING)
		return;
	if (ch->is_abandoned) {
		api_channel_discard(ch);
		api_channel_send_close(t, chan);
		return;
	}
	ch->state = API_OPEN;
	/* a session gets its descriptors with its program, others at once */
	if (!ch->is_session)
		r = api_descriptor_give(ch);
	if (r < 0) {
		api_channel_send_close(t, chan);
		ch->state = API_OVER;
	}
	complete(t, ch, r);
}

/* RFC 4254 5.1; the number itself is in the exception. */
static const char *
refusal_name(uint32_t reason)
{
	static const char *const names[] = { [1] = "administratively prohibited",
		[2] = "connect failed", [3] = "unknown channel type", [4] = "resource shortage" };

	return reason >= 1 && reason < sizeof(names) / sizeof(names[0]) ? names[reason] :
	    "for a reason of its own";
}

void
api_open_failed(postern_transport *t, const struct ipc_NOT_OPENED *m)
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
	api_descriptor_close(ch);
	n = snprintf(text, sizeof(text), "the peer refused a channel, %s%s%s",
	    refusal_name(m->reason), m->text.n > 0 ? ": " : "",
	    api_log_quote(quoted, sizeof(quoted), m->text));
	(void)api_error_set(t, POSTERN_EREFUSED, "open", POSTERN_PEER, true,
	    span_of(text, n > 0 ? (size_t)n : 0));
	if (!t->is_ending)
		t->exception.refusal = m->reason;
	complete(t, ch, POSTERN_EREFUSED);
}

void
api_open_end_all(postern_transport *t)
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

/* ---- the calls ---- */

int
postern_transport_open_session(postern_transport *t, postern_channel **out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct opening o;
	int r = fill(&o, "session", NULL);

	return r < 0 ? r : wait(t, &o, out, d);
}

int
postern_transport_open_session_async(postern_transport *t, postern_channel **out, uint64_t *id)
{
	struct opening o;
	int r = fill(&o, "session", NULL);

	return r < 0 ? r : detach(t, &o, out, id);
}

int
postern_transport_open_channel(postern_transport *t, postern_channel **out, const char *kind,
    const struct postern_forward *forward, const void *extra, size_t len,
    const struct postern_open_options *options, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct postern_forward room;
	struct opening o;
	int r = fill(&o, kind, options);

	if (r == 0)
		r = fill_forward(&o, &room, forward, span_of(extra, len));
	return r < 0 ? r : wait(t, &o, out, d);
}

int
postern_transport_open_channel_async(postern_transport *t, postern_channel **out,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    const struct postern_open_options *options, uint64_t *id)
{
	struct postern_forward room;
	struct opening o;
	int r = fill(&o, kind, options);

	if (r == 0)
		r = fill_forward(&o, &room, forward, span_of(extra, len));
	return r < 0 ? r : detach(t, &o, out, id);
}

int
postern_transport_open_forward(postern_transport *t, postern_channel **out,
    const struct postern_forward *forward, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct postern_forward room;
	struct opening o;
	int r = fill(&o, api_carry_name(forward->kind), NULL);

	if (r == 0)
		r = fill_forward(&o, &room, forward, span_str(""));
	return r < 0 ? r : wait(t, &o, out, d);
}

int
postern_transport_open_forward_async(postern_transport *t, postern_channel **out,
    const struct postern_forward *forward, uint64_t *id)
{
	struct postern_forward room;
	struct opening o;
	int r = fill(&o, api_carry_name(forward->kind), NULL);

	if (r == 0)
		r = fill_forward(&o, &room, forward, span_str(""));
	return r < 0 ? r : detach(t, &o, out, id);
}

/* ---- kinds of RFC 4254 and RFC 9987, by their words ---- */

static struct postern_forward
x11(const char *origin_host, uint32_t origin_port)
{
	struct postern_forward f = POSTERN_FORWARD;

	f.kind = POSTERN_X11;
	f.origin_host = origin_host;
	f.origin_port = origin_port;
	return f;
}

int
postern_transport_open_x11_channel(postern_transport *t, postern_channel **out,
    const char *origin_host, uint32_t origin_port, int timeout_ms)
{
	struct postern_forward f = x11(origin_host, origin_port);

	return postern_transport_open_forward(t, out, &f, timeout_ms);
}

int
postern_transport_open_x11_channel_async(postern_transport *t, postern_channel **out,
    const char *origin_host, uint32_t origin_port, uint64_t *id)
{
	struct postern_forward f = x11(origin_host, origin_port);

	return postern_transport_open_forward_async(t, out, &f, id);
}

static struct postern_forward
forwarded(const char *origin_host, uint32_t origin_port, const char *listen_host,
    uint32_t listen_port)
{
	struct postern_forward f = POSTERN_FORWARD;

	f.kind = POSTERN_FORWARDED_TCPIP;
	f.host = listen_host;
	f.port = listen_port;
	f.origin_host = origin_host;
	f.origin_port = origin_port;
	return f;
}

int
postern_transport_open_forwarded_tcpip_channel(postern_transport *t, postern_channel **out,
    const char *origin_host, uint32_t origin_port, const char *listen_host,
    uint32_t listen_port, int timeout_ms)
{
	struct postern_forward f = forwarded(origin_host, origin_port, listen_host, listen_port);

	return postern_transport_open_forward(t, out, &f, timeout_ms);
}

int
postern_transport_open_forwarded_tcpip_channel_async(postern_transport *t, postern_channel **out,
    const char *origin_host, uint32_t origin_port, const char *listen_host,
    uint32_t listen_port, uint64_t *id)
{
	struct postern_forward f = forwarded(origin_host, origin_port, listen_host, listen_port);

	return postern_transport_open_forward_async(t, out, &f, id);
}

int
postern_transport_open_forward_agent_channel(postern_transport *t, postern_channel **out,
    int timeout_ms)
{
	struct postern_forward f = POSTERN_FORWARD;

	f.kind = POSTERN_AGENT;
	return postern_transport_open_forward(t, out, &f, timeout_ms);
}

int
postern_transport_open_forward_agent_channel_async(postern_transport *t, postern_channel **out,
    uint64_t *id)
{
	struct postern_forward f = POSTERN_FORWARD;

	f.kind = POSTERN_AGENT;
	return postern_transport_open_forward_async(t, out, &f, id);
}
