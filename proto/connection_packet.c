/*
 * connection_packet.c - the peer's half of RFC 4254: one CONNECTION packet in, at
 * most one event out.
 *
 * Everything here is hostile.  Each message is parsed to its last byte before any of
 * it counts; a number names a channel only if it is open; what the peer may make us
 * remember is bounded (channels, questions, windows).  After our CLOSE the peer has
 * not yet heard of it: until its own comes its messages are checked, counted and
 * dropped.
 */
#include "proto/connection_state.h"
#include "proto/request.h"

enum { REASON_TEXT_MAX = 1024, EXTENDED_STDERR = 1 };

/* ---- opening ---- */

static enum proto_error
admit(const struct connection *c, struct span type, uint32_t peer_packet,
    struct span extra, uint32_t *reason, const char **why)
{
	*reason = OPEN_PROHIBITED;
	*why = "further sessions were disabled";
	if (c->no_more_sessions && span_is(type, "session"))
		return PROTO_E_CHANNEL_STATE;
	/* packets of a byte or none would have us spin */
	*why = "maximum packet size too small";
	if (peer_packet < CHANNEL_PACKET_MIN)
		return PROTO_E_CHANNEL_STATE;
	*reason = OPEN_RESOURCE_SHORTAGE;
	*why = "channel request too long";
	if (extra.n > CHANNEL_EXTRA_MAX)
		return PROTO_E_CHANNEL_STATE;
	*why = "too many channels";
	if (!connection_can_open(c))
		return PROTO_E_CHANNEL_STATE;
	return PROTO_OK;
}

static enum proto_error
on_open(struct connection *c, struct rd *r, struct connection_event *ev)
{
	struct span type = rd_text(r, NAME_MAX_LEN);
	uint32_t remote = rd_u32(r);
	uint32_t peer_window = rd_u32(r);
	uint32_t peer_packet = rd_u32(r);
	struct span extra = rd_rest(r);
	uint32_t reason;
	const char *why;
	struct channel *ch;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	if (admit(c, type, peer_packet, extra, &reason, &why) != PROTO_OK)
		return connection_send_refusal(c, remote, reason, span_str(why));
	if (connection_is_full(c))
		return PROTO_E_TOO_MANY_HELD;
	ch = channel_add(&c->channels, c->next_serial);
	if (ch == NULL)
		return connection_send_refusal(c, remote, OPEN_RESOURCE_SHORTAGE,
		    span_str("out of memory"));
	c->next_serial += 2;
	c->asked++;
	ch->state = CH_ASKED;
	ch->remote = remote;
	ch->peer_window = peer_window;
	ch->peer_packet = peer_packet < SSH_DATA_MAX ? peer_packet : SSH_DATA_MAX;
	ch->is_session = span_is(type, "session");
	ev->type = CE_ASKED;
	ev->channel = ch;
	ev->kind = type;
	ev->payload = extra;
	return PROTO_OK;
}

static enum proto_error
on_confirmation(struct connection *c, struct rd *r, struct connection_event *ev)
{
	struct channel *ch = channel_at(&c->channels, rd_u32(r));
	uint32_t remote = rd_u32(r);
	uint32_t peer_window = rd_u32(r);
	uint32_t peer_packet = rd_u32(r);
	struct span extra = rd_rest(r);

	if (!rd_done(r) || extra.n > CHANNEL_EXTRA_MAX || peer_packet < CHANNEL_PACKET_MIN)
		return PROTO_E_MESSAGE_FORMAT;
	if (ch == NULL || ch->state == CH_ASKED)
		return PROTO_E_CHANNEL_UNKNOWN;
	if (ch->state != CH_OPENING)
		return PROTO_E_CHANNEL_STATE;
	ch->state = CH_OPEN;
	ch->remote = remote;
	ch->peer_window = peer_window;
	ch->peer_packet = peer_packet < SSH_DATA_MAX ? peer_packet : SSH_DATA_MAX;
	if (ch->close_out)		/* given up while it was being opened */
		return connection_send_close(c, ch);
	ev->type = CE_OPENED;
	ev->channel = ch;
	ev->payload = extra;
	return PROTO_OK;
}

static enum proto_error
on_failure(struct connection *c, struct rd *r, struct connection_event *ev)
{
	struct channel *ch = channel_at(&c->channels, rd_u32(r));
	uint32_t reason = rd_u32(r);
	struct span text = rd_text(r, SSH_PACKET_LENGTH_MAX);

	(void)rd_text(r, NAME_MAX_LEN);		/* the text's language: not shown */
	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	if (ch == NULL || ch->state == CH_ASKED)
		return PROTO_E_CHANNEL_UNKNOWN;
	if (ch->state != CH_OPENING)
		return PROTO_E_CHANNEL_STATE;
	ch->close_in = ch->close_out = true;
	ev->type = CE_NOT_OPENED;
	ev->channel = ch;
	ev->reason = reason;
	ev->text = text;
	if (ev->text.n > REASON_TEXT_MAX)
		ev->text.n = REASON_TEXT_MAX;
	return PROTO_OK;
}

/* ---- data ---- */

static enum proto_error
on_window(struct connection *c, struct rd *r, struct connection_event *ev)
{
	uint32_t local = rd_u32(r);
	uint32_t n = rd_u32(r);
	struct channel *ch;
	enum proto_error e;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	e = channel_of_peer(&c->channels, local, &ch);
	if (e == PROTO_OK)
		e = channel_adjust_in(ch, n);
	if (e != PROTO_OK || n == 0 || ch->close_out)
		return e;
	ev->type = CE_PEER_WINDOW;
	ev->channel = ch;
	return PROTO_OK;
}

static enum proto_error
on_data(struct connection *c, struct rd *r, bool is_extended, uint64_t now_ms,
    struct connection_event *ev)
{
	uint32_t local = rd_u32(r);
	uint32_t ext = is_extended ? rd_u32(r) : 0;
	struct span data = rd_blob(r, SSH_PACKET_LENGTH_MAX);
	struct channel *ch;
	enum proto_error e;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	e = channel_of_peer(&c->channels, local, &ch);
	if (e == PROTO_OK)
		e = channel_data_in(ch, data.n, now_ms);
	if (e != PROTO_OK || data.n == 0)
		return e;
	/* Nobody is there to take these (RFC 4254 5.2 knows stderr alone). */
	if (ch->close_out || (is_extended && ext != EXTENDED_STDERR))
		return connection_taken(c, ch, (uint32_t)data.n);
	ev->type = CE_DATA;
	ev->channel = ch;
	ev->ext = ext;
	ev->data = data;
	return PROTO_OK;
}

static enum proto_error
on_eof(struct connection *c, struct rd *r, struct connection_event *ev)
{
	uint32_t local = rd_u32(r);
	struct channel *ch;
	enum proto_error e;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	e = channel_of_peer(&c->channels, local, &ch);
	if (e == PROTO_OK)
		e = channel_eof_in(ch);
	if (e != PROTO_OK || ch->close_out)
		return e;
	ev->type = CE_EOF;
	ev->channel = ch;
	return PROTO_OK;
}

static enum proto_error
on_close(struct connection *c, struct rd *r, struct connection_event *ev)
{
	struct channel *ch = channel_at(&c->channels, rd_u32(r));
	enum proto_error e;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	if (ch == NULL || ch->state != CH_OPEN)
		return PROTO_E_CHANNEL_UNKNOWN;
	e = channel_close_in(ch);
	if (e != PROTO_OK)
		return e;
	reply_forget(&c->questions, ch);	/* it waits for no answer any more */
	ev->type = CE_CLOSE;
	ev->channel = ch;
	return PROTO_OK;
}

/* ---- requests ---- */

/* A request that is answered here, in its turn. */
static enum proto_error
settle(struct connection *c, const struct channel *ch, bool ok)
{
	struct reply *q;

	if (connection_is_full(c))
		return PROTO_E_TOO_MANY_HELD;
	q = reply_add(&c->questions, ch, 0);
	if (q == NULL)
		return PROTO_E_LOCAL_MEMORY;
	q->known = true;
	q->ok = ok;
	return connection_flush(c, ch);
}

/* A request that somebody else will answer. */
static enum proto_error
ask(struct connection *c, const struct channel *ch, uint64_t *question)
{
	if (connection_is_full(c))
		return PROTO_E_TOO_MANY_HELD;
	if (reply_add(&c->questions, ch, c->last_question + 1) == NULL)
		return PROTO_E_LOCAL_MEMORY;
	*question = ++c->last_question;
	return PROTO_OK;
}

static enum proto_error
on_request(struct connection *c, struct rd *r, struct connection_event *ev)
{
	uint32_t local = rd_u32(r);
	struct span type = rd_text(r, NAME_MAX_LEN);
	bool want_reply = rd_bool(r);
	struct request req;
	struct channel *ch;
	enum proto_error e;
	bool fits;

	if (r->bad)
		return PROTO_E_MESSAGE_FORMAT;
	e = request_parse(r, type, &req, &fits);
	if (e == PROTO_OK)
		e = channel_of_peer(&c->channels, local, &ch);
	if (e != PROTO_OK || ch->close_out)
		return e;
	/* OpenSSH's server asks on a channel too; any reply is a sign of life */
	if (!fits || span_is(type, KEEPALIVE))
		return want_reply ? settle(c, ch, false) : PROTO_OK;
	if (want_reply && request_is_told(req.kind))
		e = settle(c, ch, true);
	else if (want_reply)
		e = ask(c, ch, &ev->question);
	if (e != PROTO_OK)
		return e;
	ev->type = CE_REQUEST;
	ev->channel = ch;
	ev->request = req;
	return PROTO_OK;
}

static enum proto_error
on_global(struct connection *c, struct rd *r, struct connection_event *ev)
{
	struct span kind = rd_text(r, NAME_MAX_LEN);
	bool want_reply = rd_bool(r);
	struct span payload = rd_rest(r);
	enum proto_error e = PROTO_OK;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	if (span_is(kind, "no-more-sessions@openssh.com")) {
		c->no_more_sessions = true;
		return want_reply ? settle(c, NULL, true) : PROTO_OK;
	}
	/* the second wants no reply (OpenSSH PROTOCOL 2.5): else it is not that */
	if (span_is(kind, KEEPALIVE) || payload.n > CHANNEL_EXTRA_MAX ||
	    (want_reply && span_is(kind, "hostkeys-00@openssh.com")))
		return want_reply ? settle(c, NULL, false) : PROTO_OK;
	if (want_reply)
		e = ask(c, NULL, &ev->question);
	if (e != PROTO_OK)
		return e;
	ev->type = CE_GLOBAL;
	ev->kind = kind;
	ev->payload = payload;
	return PROTO_OK;
}

/* The reply to our oldest request on ch. */
static enum proto_error
on_reply(struct connection *c, struct channel *ch, bool ok, struct span payload,
    struct connection_event *ev)
{
	int i = reply_oldest(&c->calls, ch);

	if (i == REPLY_NONE)
		return PROTO_E_UNREAD_REPLIES;
	if (c->calls.at[i].id == 0) {		/* a keepalive */
		if (--c->calls.at[i].times == 0)
			reply_remove(&c->calls, i);
		return PROTO_OK;
	}
	ev->type = CE_CALL_DONE;
	ev->channel = ch;
	ev->call = c->calls.at[i].id;
	ev->ok = ok;
	ev->payload = payload;
	reply_remove(&c->calls, i);
	return PROTO_OK;
}

static enum proto_error
on_global_reply(struct connection *c, struct rd *r, bool ok, struct connection_event *ev)
{
	struct span payload = ok ? rd_rest(r) : span_of(r->p, 0);

	if (!rd_done(r) || payload.n > CHANNEL_EXTRA_MAX)
		return PROTO_E_MESSAGE_FORMAT;
	return on_reply(c, NULL, ok, payload, ev);
}

static enum proto_error
on_channel_reply(struct connection *c, struct rd *r, bool ok, struct connection_event *ev)
{
	uint32_t local = rd_u32(r);
	struct channel *ch;
	enum proto_error e;

	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	e = channel_of_peer(&c->channels, local, &ch);
	if (e != PROTO_OK)
		return e;
	return on_reply(c, ch, ok, span_of(r->p, 0), ev);
}

enum proto_error
connection_packet(struct connection *c, struct span payload, uint64_t now_ms,
    struct connection_event *ev)
{
	struct rd r = rd_of(payload);
	uint8_t number = rd_u8(&r);

	*ev = (struct connection_event){ .type = CE_NONE };
	connection_heard(c, now_ms);
	c->packets_in++;
	switch (number) {
	case SSH_MSG_CHANNEL_DATA:
		return on_data(c, &r, false, now_ms, ev);
	case SSH_MSG_CHANNEL_EXTENDED_DATA:
		return on_data(c, &r, true, now_ms, ev);
	case SSH_MSG_CHANNEL_WINDOW_ADJUST:
		return on_window(c, &r, ev);
	case SSH_MSG_CHANNEL_EOF:
		return on_eof(c, &r, ev);
	case SSH_MSG_CHANNEL_CLOSE:
		return on_close(c, &r, ev);
	case SSH_MSG_CHANNEL_REQUEST:
		return on_request(c, &r, ev);
	case SSH_MSG_CHANNEL_SUCCESS:
		return on_channel_reply(c, &r, true, ev);
	case SSH_MSG_CHANNEL_FAILURE:
		return on_channel_reply(c, &r, false, ev);
	case SSH_MSG_CHANNEL_OPEN:
		return on_open(c, &r, ev);
	case SSH_MSG_CHANNEL_OPEN_CONFIRMATION:
		return on_confirmation(c, &r, ev);
	case SSH_MSG_CHANNEL_OPEN_FAILURE:
		return on_failure(c, &r, ev);
	case SSH_MSG_GLOBAL_REQUEST:
		return on_global(c, &r, ev);
	case SSH_MSG_REQUEST_SUCCESS:
		return on_global_reply(c, &r, true, ev);
	case SSH_MSG_REQUEST_FAILURE:
		return on_global_reply(c, &r, false, ev);
	default:
		return PROTO_E_MESSAGE_ORDER;
	}
}
