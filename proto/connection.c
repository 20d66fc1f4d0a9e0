/*
 * connection.c - what the owner may do with an RFC 4254 connection: open, answer,
 * ask, account for data, close.
 *
 * The owner's orders come from the application and are bounded by its messages; the
 * peer's half is in connection_packet.c.  Nothing is sent on a channel after CLOSE,
 * whatever is ordered, and a reply never leaves before that to an older request.
 */
#include <stdlib.h>

#include "proto/connection_state.h"
#include "proto/request.h"

enum { TEXT_MAX = 1024 };

struct connection *
connection_new(struct transport *transport, const struct connection_config *config,
    uint64_t now_ms)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct transport_agreed agreed;

	if (c == NULL)
		return NULL;
	c->transport = transport;
	transport_agreed(transport, &agreed);
	c->packets_in = agreed.packets_in;
	channel_table_init(&c->channels, config->channel_max, config->window,
	    config->window_sum);
	reply_queue_init(&c->questions, QUESTIONS_MAX);
	reply_queue_init(&c->calls, CALLS_MAX);
	c->next_serial = config->first_serial;
	c->alive_interval_ms = config->alive_interval_ms;
	c->alive_max = config->alive_max;
	connection_heard(c, now_ms);
	return c;
}

void
connection_free(struct connection *c)
{
	if (c == NULL)
		return;
	channel_table_deinit(&c->channels);
	reply_queue_deinit(&c->questions);
	reply_queue_deinit(&c->calls);
	free(c);
}

struct channel *
connection_find(struct connection *c, uint64_t serial)
{
	return channel_find(&c->channels, serial);
}

struct channel *
connection_each(struct connection *c, struct channel *last)
{
	return channel_next(&c->channels, last);
}

size_t
connection_count(const struct connection *c)
{
	return c->channels.used;
}

/* ---- messages ---- */

enum proto_error
connection_send_refusal(struct connection *c, uint32_t remote, uint32_t reason,
    struct span text)
{
	struct wr w;

	if (text.n > TEXT_MAX)
		text.n = TEXT_MAX;
	w = transport_begin(c->transport, text.n + CONNECTION_OVERHEAD);
	wr_u8(&w, SSH_MSG_CHANNEL_OPEN_FAILURE);
	wr_u32(&w, remote);
	wr_u32(&w, reason);
	wr_blob(&w, text, TEXT_MAX);
	wr_str(&w, "");
	return transport_end(c->transport, &w);
}

/* The messages that are a number and a channel. */
static enum proto_error
send_short(struct connection *c, uint8_t number, uint32_t remote)
{
	struct wr w = transport_begin(c->transport, CONNECTION_OVERHEAD);

	wr_u8(&w, number);
	wr_u32(&w, remote);
	return transport_end(c->transport, &w);
}

enum proto_error
connection_send_close(struct connection *c, struct channel *ch)
{
	/* behind CLOSE nothing may be sent: what was asked stays unanswered */
	reply_forget(&c->questions, ch);
	ch->close_out = true;
	return send_short(c, SSH_MSG_CHANNEL_CLOSE, ch->remote);
}

/* n 0 sends nothing. */
static enum proto_error
send_window(struct connection *c, const struct channel *ch, uint32_t n)
{
	struct wr w;

	if (n == 0)
		return PROTO_OK;
	w = transport_begin(c->transport, CONNECTION_OVERHEAD);
	wr_u8(&w, SSH_MSG_CHANNEL_WINDOW_ADJUST);
	wr_u32(&w, ch->remote);
	wr_u32(&w, n);
	return transport_end(c->transport, &w);
}

/* ---- opening ---- */

bool
connection_can_open(const struct connection *c)
{
	return c->channels.used < c->channels.max;
}

enum proto_error
connection_open(struct connection *c, uint64_t serial, struct span type,
    struct span extra, struct channel_limits limits)
{
	struct channel *ch;
	struct wr w;

	if (!connection_can_open(c) || channel_find(&c->channels, serial) != NULL)
		return PROTO_E_LOCAL_BUG;
	ch = channel_add(&c->channels, serial);
	if (ch == NULL)
		return PROTO_E_LOCAL_MEMORY;
	ch->state = CH_OPENING;
	ch->is_session = span_is(type, "session");
	channel_limit(ch, limits);
	w = transport_begin(c->transport, type.n + extra.n + CONNECTION_OVERHEAD);
	wr_u8(&w, SSH_MSG_CHANNEL_OPEN);
	wr_blob(&w, type, NAME_MAX_LEN);
	wr_u32(&w, ch->local);
	wr_u32(&w, ch->window);
	wr_u32(&w, ch->packet);
	if (extra.n > CHANNEL_EXTRA_MAX)
		w.bad = true;
	wr_raw(&w, extra);
	return transport_end(c->transport, &w);
}

enum proto_error
connection_grant(struct connection *c, struct channel *ch)
{
	struct wr w;

	if (ch->state != CH_ASKED || ch->close_out)
		return PROTO_E_LOCAL_BUG;
	ch->state = CH_OPEN;
	c->asked--;
	w = transport_begin(c->transport, CONNECTION_OVERHEAD);
	wr_u8(&w, SSH_MSG_CHANNEL_OPEN_CONFIRMATION);
	wr_u32(&w, ch->remote);
	wr_u32(&w, ch->local);
	wr_u32(&w, ch->window);
	wr_u32(&w, ch->packet);
	return transport_end(c->transport, &w);
}

/* The number of a channel that was never open may be used again at once: the peer
 * has not heard of it. */
static enum proto_error
refuse_asked(struct connection *c, struct channel *ch, uint32_t reason, struct span text)
{
	if (ch->state != CH_ASKED || ch->close_out)
		return PROTO_E_LOCAL_BUG;
	ch->close_in = ch->close_out = true;
	c->asked--;
	return connection_send_refusal(c, ch->remote, reason, text);
}

enum proto_error
connection_refuse(struct connection *c, struct channel *ch, uint32_t reason,
    struct span text)
{
	enum proto_error e = refuse_asked(c, ch, reason, text);

	if (e == PROTO_OK)
		connection_release(c, ch);
	return e;
}

/* ---- requests ---- */

static enum proto_error
send_reply(struct connection *c, const struct reply *r)
{
	struct wr w;

	if (r->channel != NULL)
		return send_short(c, r->ok ? SSH_MSG_CHANNEL_SUCCESS :
		    SSH_MSG_CHANNEL_FAILURE, r->channel->remote);
	w = transport_begin(c->transport, r->payload_len + CONNECTION_OVERHEAD);
	wr_u8(&w, r->ok ? SSH_MSG_REQUEST_SUCCESS : SSH_MSG_REQUEST_FAILURE);
	if (r->ok)
		wr_raw(&w, span_of(r->payload, r->payload_len));
	return transport_end(c->transport, &w);
}

enum proto_error
connection_flush(struct connection *c, const struct channel *ch)
{
	int i;

	while ((i = reply_oldest(&c->questions, ch)) != REPLY_NONE) {
		enum proto_error e;

		if (!c->questions.at[i].known)
			return PROTO_OK;
		e = send_reply(c, &c->questions.at[i]);
		if (e != PROTO_OK)
			return e;
		reply_remove(&c->questions, i);
	}
	return PROTO_OK;
}

bool
connection_has_question(const struct connection *c, uint64_t question)
{
	int i = reply_find(&c->questions, question);

	return i != REPLY_NONE && !c->questions.at[i].known;
}

enum proto_error
connection_answer(struct connection *c, uint64_t question, bool ok, struct span payload)
{
	const struct channel *ch;
	int i = reply_find(&c->questions, question);

	if (i == REPLY_NONE || c->questions.at[i].known)
		return PROTO_OK;
	ch = c->questions.at[i].channel;
	/* only REQUEST_SUCCESS carries anything (RFC 4254 4) */
	if (!ok || ch != NULL)
		payload.n = 0;
	if (payload.n > CHANNEL_EXTRA_MAX)
		return PROTO_E_LOCAL_BUG;
	if (!reply_note(&c->questions, i, ok, payload))
		return PROTO_E_LOCAL_MEMORY;
	return connection_flush(c, ch);
}

bool
connection_can_call(const struct connection *c)
{
	return !reply_is_full(&c->calls);
}

static enum proto_error
add_call(struct connection *c, const struct channel *ch, uint64_t call)
{
	if (call == 0)
		return PROTO_OK;
	if (!connection_can_call(c) || reply_find(&c->calls, call) != REPLY_NONE)
		return PROTO_E_LOCAL_BUG;
	return reply_add(&c->calls, ch, call) != NULL ? PROTO_OK : PROTO_E_LOCAL_MEMORY;
}

enum proto_error
connection_request(struct connection *c, struct channel *ch, uint64_t call,
    const struct request *req)
{
	enum proto_error e;
	struct wr w;

	/* exit-status may still follow the peer's CLOSE, a question may not */
	if (ch->close_out || (ch->close_in && call != 0))
		return PROTO_OK;
	if (ch->state != CH_OPEN)
		return PROTO_E_LOCAL_BUG;
	e = add_call(c, ch, call);
	if (e != PROTO_OK)
		return e;
	w = transport_begin(c->transport, request_room(req));
	wr_u8(&w, SSH_MSG_CHANNEL_REQUEST);
	wr_u32(&w, ch->remote);
	request_write(&w, call != 0, req);
	return transport_end(c->transport, &w);
}

enum proto_error
connection_send_global(struct connection *c, bool want_reply, struct span kind,
    struct span payload)
{
	struct wr w = transport_begin(c->transport,
	    kind.n + payload.n + CONNECTION_OVERHEAD);

	wr_u8(&w, SSH_MSG_GLOBAL_REQUEST);
	wr_blob(&w, kind, NAME_MAX_LEN);
	wr_u8(&w, want_reply ? 1 : 0);
	if (payload.n > CHANNEL_EXTRA_MAX)
		w.bad = true;
	wr_raw(&w, payload);
	return transport_end(c->transport, &w);
}

enum proto_error
connection_global(struct connection *c, uint64_t call, struct span kind,
    struct span payload)
{
	enum proto_error e = add_call(c, NULL, call);

	if (e != PROTO_OK)
		return e;
	return connection_send_global(c, call != 0, kind, payload);
}

bool
connection_is_full(const struct connection *c)
{
	return c->questions.n + c->asked >= QUESTIONS_MAX;
}

/* ---- data ---- */

enum proto_error
connection_taken(struct connection *c, struct channel *ch, uint32_t n)
{
	uint32_t give;
	enum proto_error e = channel_taken(&c->channels, ch, n, &give);

	if (e != PROTO_OK)
		return e;
	return send_window(c, ch, give);
}

uint32_t
connection_may_send(const struct connection *c, const struct channel *ch)
{
	(void)c;
	return channel_may_send(ch);
}

void
connection_sent(struct connection *c, struct channel *ch, uint32_t n)
{
	(void)c;
	channel_sent(ch, n);
}

enum proto_error
connection_eof(struct connection *c, struct channel *ch)
{
	if (ch->eof_out || ch->close_out || ch->close_in)
		return PROTO_OK;
	if (ch->state != CH_OPEN)
		return PROTO_E_LOCAL_BUG;
	ch->eof_out = true;
	return send_short(c, SSH_MSG_CHANNEL_EOF, ch->remote);
}

enum proto_error
connection_close(struct connection *c, struct channel *ch)
{
	if (ch->close_out)
		return PROTO_OK;
	switch (ch->state) {
	case CH_ASKED:
		return refuse_asked(c, ch, OPEN_PROHIBITED, span_str("closed"));
	case CH_OPENING:
		/* the peer's number for it is not known yet */
		ch->close_out = true;
		return PROTO_OK;
	case CH_OPEN:
		return connection_send_close(c, ch);
	case CH_FREE:
		break;
	}
	return PROTO_E_LOCAL_BUG;
}

bool
connection_is_over(const struct channel *ch)
{
	return ch->close_in && ch->close_out;
}

void
connection_release(struct connection *c, struct channel *ch)
{
	if (!connection_is_over(ch))
		return;
	reply_forget(&c->questions, ch);
	reply_forget(&c->calls, ch);
	channel_drop(&c->channels, ch);
}
