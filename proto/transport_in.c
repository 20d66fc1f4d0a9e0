/*
 * transport_in.c - the rx buffer: unread bytes [rx_start, rx_end) as they came,
 * opened packet by packet in place, and the transport layer's own messages.
 *
 * Everything here is the peer's.  A packet is looked at only when its tag is right
 * and when there is room for what it may make us say, so that a peer that asks and
 * never reads costs its own connection and no memory.  ssh_message_check() stands
 * before every handler.
 */
#include "proto/transport_state.h"

uint8_t *
transport_rx_room(struct transport *t, size_t *room)
{
	size_t n = t->rx_end - t->rx_start, tail = t->cfg.rx_cap - t->rx_end;
	size_t half = t->cfg.rx_cap / 2;

	/* passwords were among what was handed out, and nobody needs them now */
	if (t->rx_secret)
		crypto_wipe(t->cfg.rx, t->rx_start);
	t->rx_secret = false;
	if (n == 0)
		t->rx_start = t->rx_end = 0;
	/* Reads stay large; what is moved is less than what was read since it came,
	 * unless a packet would not fit otherwise. */
	else if (tail < PACKET_TOTAL_MAX || (tail < half && n <= t->rx_start)) {
		memmove(t->cfg.rx, t->cfg.rx + t->rx_start, n);
		t->rx_start = 0;
		t->rx_end = n;
	}
	*room = t->cfg.rx_cap - t->rx_end;
	if (t->rx_stalled || t->error != PROTO_OK || t->goodbye)
		*room = 0;
	return t->cfg.rx + t->rx_end;
}

void
transport_rx_add(struct transport *t, size_t n)
{
	size_t room = t->cfg.rx_cap - t->rx_end;

	t->rx_end += n < room ? n : room;
	t->bytes_in += n;
}

bool
transport_rx_empty(const struct transport *t)
{
	return t->rx_start == t->rx_end;
}

/* ---- the transport layer's messages ---- */

static enum proto_error
on_disconnect(struct transport *t, struct span payload, struct transport_event *ev)
{
	struct rd r = rd_of(payload);

	(void)rd_u8(&r);
	ev->type = TE_DISCONNECT;
	ev->disconnect = rd_u32(&r);
	/* It is over whatever the rest looks like, and some leave out the language:
	 * a text that does not parse is an empty one. */
	ev->payload = rd_text(&r, PACKET_PAYLOAD_MAX);
	t->goodbye = true;
	return PROTO_OK;
}

static enum proto_error
on_debug(struct span payload, struct transport_event *ev)
{
	struct rd r = rd_of(payload);

	(void)rd_u8(&r);
	(void)rd_bool(&r);		/* always_display: not for the peer to say */
	ev->payload = rd_text(&r, PACKET_PAYLOAD_MAX);
	(void)rd_text(&r, PACKET_PAYLOAD_MAX);
	if (!rd_done(&r))
		return PROTO_E_MESSAGE_FORMAT;
	ev->type = TE_DEBUG;
	return PROTO_OK;
}

static enum proto_error
on_unimplemented(struct span payload)
{
	struct rd r = rd_of(payload);

	(void)rd_u8(&r);
	(void)rd_u32(&r);		/* nothing we send needs an answer to this */
	return rd_done(&r) ? PROTO_OK : PROTO_E_MESSAGE_FORMAT;
}

/* RFC 8308 2.3 and 2.5: unknown extensions are passed over. */
static enum proto_error
on_ext_info(struct transport *t, struct span payload, struct transport_event *ev)
{
	struct rd r = rd_of(payload);
	uint32_t n;

	(void)rd_u8(&r);
	n = rd_u32(&r);
	if (++t->ext_infos > EXT_INFO_MAX)
		return PROTO_E_MESSAGE_ORDER;
	/* each takes 8 bytes or more: a count of 2^32-1 makes no turn at all */
	if (n > r.n / 8)
		return PROTO_E_MESSAGE_FORMAT;
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		struct span name = rd_blob(&r, PACKET_PAYLOAD_MAX);
		struct span value = rd_blob(&r, PACKET_PAYLOAD_MAX);

		if (span_is(name, "ping@openssh.com")) {
			t->peer_pings = span_is(value, "0");
		} else if (span_is(name, "server-sig-algs") && t->cfg.role == SSH_CLIENT) {
			if (value.n > 0 && memchr(value.p, 0, value.n) != NULL)
				return PROTO_E_MESSAGE_FORMAT;
			ev->type = TE_SIG_ALGS;
			ev->payload = value;
		} else if (span_is(name, "publickey-hostbound@openssh.com") &&
		    t->cfg.role == SSH_CLIENT) {
			ev->type = TE_SIG_ALGS;
			ev->hostbound = span_is(value, "0");
		}
	}
	return rd_done(&r) ? PROTO_OK : PROTO_E_MESSAGE_FORMAT;
}

static enum proto_error
send_unimplemented(struct transport *t, uint32_t seq)
{
	struct wr w = transport_begin(t, 1 + 4);

	wr_u8(&w, SSH_MSG_UNIMPLEMENTED);
	wr_u32(&w, seq);
	return transport_end(t, &w);
}

/* OpenSSH PROTOCOL 1.9: PONG carries what PING brought. */
static enum proto_error
on_ping(struct transport *t, struct span payload)
{
	struct rd r = rd_of(payload);
	struct span data;
	struct wr w;

	(void)rd_u8(&r);
	data = rd_blob(&r, PACKET_PAYLOAD_MAX);
	if (!rd_done(&r))
		return PROTO_E_MESSAGE_FORMAT;
	w = transport_begin(t, 1 + 4 + data.n);
	wr_u8(&w, SSH_MSG_PONG);
	wr_blob(&w, data, PACKET_PAYLOAD_MAX);
	return transport_end(t, &w);
}

static enum proto_error
own_message(struct transport *t, struct span payload, struct transport_event *ev)
{
	switch (payload.p[0]) {
	case SSH_MSG_DISCONNECT:
		return on_disconnect(t, payload, ev);
	case SSH_MSG_IGNORE:	/* not even parsed: some send no string in it */
	case SSH_MSG_PONG:	/* we send no PING: unasked for, and worth nothing */
		return PROTO_OK;
	case SSH_MSG_UNIMPLEMENTED:
		return on_unimplemented(payload);
	case SSH_MSG_DEBUG:
		return on_debug(payload, ev);
	case SSH_MSG_EXT_INFO:
		return on_ext_info(t, payload, ev);
	case SSH_MSG_PING:
		return on_ping(t, payload);
	default:
		return transport_kex_packet(t, payload, ev);
	}
}

/* ---- one after the other ---- */

enum { KEX_METHOD_FIRST = 30, KEX_METHOD_LAST = 49 };	/* RFC 4250 4.1.2 */

static enum proto_error
dispatch(struct transport *t, struct span payload, uint32_t seq, struct transport_event *ev)
{
	uint8_t number = payload.p[0];
	enum ssh_layer layer = TRANSPORT;

	/* RFC 4253 7: the one packet that was sent on a wrong guess.  Only a packet
	 * of a key exchange method can have been it. */
	if (t->skip_guess && number >= KEX_METHOD_FIRST && number <= KEX_METHOD_LAST) {
		t->skip_guess = false;
		return PROTO_OK;
	}
	switch (ssh_message_check(t->cfg.role, t->phase, t->kx, t->strict, number, &layer)) {
	case SSH_HANDLE:
		break;
	case SSH_UNIMPLEMENTED:
		return send_unimplemented(t, seq);
	default:
		return t->strict && t->phase == PH_KEX ? PROTO_E_STRICT_KEX :
		    PROTO_E_MESSAGE_ORDER;
	}
	if (layer == TRANSPORT)
		return own_message(t, payload, ev);
	if (layer == AUTH)
		t->rx_secret = true;
	/* RFC 4252 5.1: requests may follow one another unanswered; those behind the
	 * one that succeeded reach nobody. */
	if (layer == AUTH && t->phase == PH_OPEN)
		return PROTO_OK;
	ev->type = TE_PACKET;
	ev->number = number;
	ev->payload = payload;
	return number == SSH_MSG_USERAUTH_SUCCESS ? transport_compression_login(t) : PROTO_OK;
}

static enum proto_error
take_payload(struct transport *t, struct span payload, uint32_t seq, struct transport_event *ev)
{
	enum proto_error e;

	if (t->inflate != NULL &&
	    (e = compression_inflate(t->inflate, payload, &payload)) != PROTO_OK)
		return e;
	if (t->tap != NULL)
		t->tap(t->tap_user, false, payload);
	return dispatch(t, payload, seq, ev);
}

/* False: no whole line yet. */
static bool
next_line(struct transport *t)
{
	struct span found, bytes = span_of(t->cfg.rx + t->rx_start, t->rx_end - t->rx_start);
	size_t used;
	enum proto_error e = version_take(&t->version_in, t->cfg.role, bytes, &used, &found);

	if (e != PROTO_OK) {
		(void)transport_fail(t, e);
		return false;
	}
	t->rx_start += used;
	if (found.n > 0) {
		memcpy(t->peer_version, found.p, found.n);	/* at most SSH_VERSION_MAX */
		t->peer_version[found.n] = '\0';
		transport_set_deadline(t, t->cfg.kex_ms);
	}
	return used > 0;
}

/* False: no whole packet yet. */
static bool
next_packet(struct transport *t, struct transport_event *ev)
{
	uint32_t seq = t->in.seq;
	struct span payload;
	size_t used;
	enum proto_error e = packet_open(&t->in, t->cfg.rx + t->rx_start,
	    t->rx_end - t->rx_start, &payload, &used);

	if (e == PROTO_OK && used == 0)
		return false;
	t->rx_start += used;
	if (e == PROTO_OK) {
		t->packets_in++;
		e = take_payload(t, payload, seq, ev);
	}
	if (e == PROTO_OK)
		e = transport_kex_if_worn(t);
	if (e != PROTO_OK)
		(void)transport_fail(t, e);
	return e == PROTO_OK;
}

/* May the next packet not be looked at now? */
static bool
must_wait(const struct transport *t)
{
	if (t->waiting != TE_NONE)
		return true;
	/* While our output is stopped replies are held, within their own bound; and
	 * the peer's KEXINIT, which ends that, is behind those packets. */
	if (t->out_stopped)
		return false;
	return t->held_n > 0 || transport_tx_free(t) < transport_tx_reserve(t) + TX_REPLY;
}

static void
say_error(const struct transport *t, struct transport_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->type = TE_ERROR;
	ev->error = t->error;
	ev->ours = t->ours;
	ev->theirs = t->theirs;
}

void
transport_next(struct transport *t, uint64_t now_ms, struct transport_event *ev)
{
	bool more = true;

	memset(ev, 0, sizeof(*ev));
	t->now_ms = now_ms;
	t->rx_stalled = false;
	/* every turn takes bytes out of rx, or is the last one */
	while (more && ev->type == TE_NONE && t->error == PROTO_OK && !t->goodbye &&
	    t->rx_start < t->rx_end) {
		if (must_wait(t)) {
			t->rx_stalled = true;
			return;
		}
		more = t->peer_version[0] != '\0' ? next_packet(t, ev) : next_line(t);
	}
	if (t->error != PROTO_OK)
		say_error(t, ev);
}
