/*
 * transport_out.c - the tx buffer: sealed bytes [tx_start, tx_end) that wait for
 * the network, behind them room for the next packets.
 *
 * Packets are built where they are sealed and sent from, so that a byte of bulk
 * data is copied once, by the read that brings it.  Between our KEXINIT and our
 * NEWKEYS no message of an upper layer may leave (RFC 4253 7.1), and when tx is
 * full none can: such messages are held, in clear, in order, within a bound, and
 * everything behind them waits too.
 *
 * If packets are compressed, payloads are built beside tx and compressed into it: then
 * room is asked for by what they may become at worst.
 */
#include <stdlib.h>

#include "proto/transport_state.h"

/* ---- room ---- */

size_t
transport_tx_free(const struct transport *t)
{
	return t->cfg.tx_cap - (t->tx_end - t->tx_start);
}

/* Most bytes of the packet around a payload that is n long in clear. */
static size_t
packet_max(const struct transport *t, size_t n)
{
	return packet_size(&t->out,
	    t->deflate == NULL ? n : compression_out_bound(t->deflate, n));
}

size_t
transport_tx_reserve(const struct transport *t)
{
	return packet_max(t, t->kexinit_len) + TX_RESERVE;
}

/* Makes n contiguous bytes at tx_end, if there are n free at all. */
static bool
make_room(struct transport *t, size_t n)
{
	size_t pending = t->tx_end - t->tx_start;

	if (pending == 0)
		t->tx_start = t->tx_end = 0;
	if (n <= t->cfg.tx_cap - t->tx_end)
		return true;
	if (n > t->cfg.tx_cap - pending)
		return false;
	memmove(t->cfg.tx, t->cfg.tx + t->tx_start, pending);
	t->tx_start = 0;
	t->tx_end = pending;
	return true;
}

/* Where the next payload is written: so far into tx, or into the compressor's room. */
static size_t
payload_start(const struct transport *t)
{
	return t->deflate == NULL ? t->tx_end : 0;
}

static uint8_t *
payload_place(const struct transport *t, size_t at)
{
	if (t->deflate == NULL)
		return t->cfg.tx + at + PACKET_HEAD;
	return compression_out_room(t->deflate) + at;
}

/* Seals a payload that was written to its place. */
static enum proto_error
seal(struct transport *t, struct span clear)
{
	size_t tail = t->cfg.tx_cap - t->tx_end, n = clear.n, total;
	bool success;
	enum proto_error e;

	if (n == 0 || tail < PACKET_HEAD)
		return transport_fail(t, PROTO_E_LOCAL_BUG);
	success = t->cfg.role == SSH_SERVER && clear.p[0] == SSH_MSG_USERAUTH_SUCCESS;
	if (t->tap != NULL)
		t->tap(t->tap_user, true, clear);
	if (t->deflate != NULL && (e = compression_deflate(t->deflate, clear,
	    t->cfg.tx + t->tx_end + PACKET_HEAD, tail - PACKET_HEAD, &n)) != PROTO_OK)
		return transport_fail(t, e);
	if ((total = packet_size(&t->out, n)) > tail)
		return transport_fail(t, PROTO_E_LOCAL_BUG);
	if ((e = packet_seal(&t->out, t->cfg.tx + t->tx_end, n)) != PROTO_OK)
		return transport_fail(t, e);
	t->tx_end += total;
	t->packets_out++;
	if (success && (e = transport_compression_login(t)) != PROTO_OK)
		return transport_fail(t, e);
	return PROTO_OK;
}

/* ---- the transport's own messages ---- */

static const struct wr no_room = { NULL, 0, 0, true };

struct wr
transport_own_begin(struct transport *t, size_t max)
{
	t->slots_n = 0;			/* it takes their place */
	if (max > COMPRESSION_OUT_MAX || !make_room(t, packet_max(t, max)))
		return no_room;
	return wr_of(payload_place(t, payload_start(t)), max);
}

enum proto_error
transport_own_end(struct transport *t, const struct wr *w)
{
	/* the reserve has room for all that can ever be due at once */
	if (w->bad)
		return transport_fail(t, PROTO_E_LOCAL_BUG);
	return seal(t, wr_span(w));
}

/* ---- held messages: u32 length, payload, ... ---- */

enum { HELD_HEAD = 4 };

static bool
held_room(const struct transport *t, size_t max)
{
	return max <= TRANSPORT_HELD_MAX - HELD_HEAD &&
	    t->held_n <= TRANSPORT_HELD_MAX - HELD_HEAD - max;
}

static struct wr
held_begin(struct transport *t, size_t max)
{
	if (t->held == NULL && (t->held = malloc(TRANSPORT_HELD_MAX)) == NULL)
		return no_room;
	if (!held_room(t, 0))
		return no_room;
	/* max is the caller's upper bound: what it writes may well be less */
	if (max > TRANSPORT_HELD_MAX - HELD_HEAD - t->held_n)
		max = TRANSPORT_HELD_MAX - HELD_HEAD - t->held_n;
	return wr_of(t->held + t->held_n + HELD_HEAD, max);
}

static void
held_end(struct transport *t, size_t n)
{
	struct wr w = wr_of(t->held + t->held_n, HELD_HEAD);

	wr_u32(&w, (uint32_t)n);
	t->held_n += HELD_HEAD + n;
}

/* Forgets the first n bytes; they may have been a password. */
static void
held_drop(struct transport *t, size_t n)
{
	size_t left = t->held_n - n;

	if (n == 0)
		return;
	memmove(t->held, t->held + n, left);
	crypto_wipe(t->held + left, n);
	t->held_n = left;
	if (left == 0) {
		free(t->held);
		t->held = NULL;
	}
}

void
transport_flush(struct transport *t)
{
	struct rd r = rd_of(span_of(t->held, t->held_n));
	size_t done = 0;

	while (r.n > 0 && !t->out_stopped && !t->goodbye) {
		struct span s = rd_blob(&r, PACKET_PAYLOAD_MAX);
		struct wr w;

		if (packet_max(t, s.n) + transport_tx_reserve(t) > transport_tx_free(t))
			break;
		w = transport_own_begin(t, s.n);
		wr_raw(&w, s);
		if (transport_own_end(t, &w) != PROTO_OK)
			return;
		done += HELD_HEAD + s.n;
	}
	held_drop(t, done);
}

/* ---- messages of the upper layers ---- */

bool
transport_can_send(const struct transport *t)
{
	return !t->out_stopped && t->held_n == 0 && !t->goodbye && t->error == PROTO_OK;
}

bool
transport_has_room(const struct transport *t, size_t max)
{
	if (t->goodbye || t->error != PROTO_OK)
		return false;
	if (t->out_stopped)
		return held_room(t, max);
	return t->held_n == 0 &&
	    packet_max(t, max) + transport_tx_reserve(t) <= transport_tx_free(t);
}

struct wr
transport_begin(struct transport *t, size_t max)
{
	if (t->goodbye || t->error != PROTO_OK) {
		t->making = MAKE_DROPPED;
		return no_room;
	}
	if (max > COMPRESSION_OUT_MAX)
		max = COMPRESSION_OUT_MAX;
	if (transport_can_send(t) && transport_has_room(t, max)) {
		t->making = MAKE_PACKET;
		return transport_own_begin(t, max);
	}
	t->making = MAKE_HELD;
	return held_begin(t, max);
}

enum proto_error
transport_end(struct transport *t, const struct wr *w)
{
	int making = t->making;
	enum proto_error e;

	t->making = MAKE_NOTHING;
	switch (making) {
	case MAKE_DROPPED:	/* after a goodbye nothing is sent, and that is no error */
		return t->error;
	case MAKE_HELD:
		if (w->bad)
			return transport_fail(t, t->held == NULL ? PROTO_E_LOCAL_MEMORY :
			    PROTO_E_TOO_MANY_HELD);
		if (w->n == 0)
			return transport_fail(t, PROTO_E_LOCAL_BUG);
		held_end(t, w->n);
		return PROTO_OK;
	case MAKE_PACKET:
		if (w->bad)
			return transport_fail(t, PROTO_E_LOCAL_BUG);
		if ((e = seal(t, wr_span(w))) != PROTO_OK)
			return e;
		return transport_kex_if_worn(t);
	default:
		return transport_fail(t, PROTO_E_LOCAL_BUG);
	}
}

/* ---- bulk data ---- */

enum { DATA_HEAD = 1 + 4 + 4, EXTENDED_HEAD = 1 + 4 + 4 + 4 };

/* Contiguous bytes for data: behind what waits, or, if that would be moved to the
 * front first, behind it there.  It is moved only when it is no more than what has
 * left since, or bytes would be moved again and again while the network takes a
 * bit at a time. */
static size_t
data_bytes(const struct transport *t, bool *move)
{
	size_t keep = transport_tx_reserve(t) + TX_MESSAGES;
	size_t room = transport_tx_free(t), tail = t->cfg.tx_cap - t->tx_end;

	*move = tail < t->cfg.tx_cap / 2 && t->tx_end - t->tx_start <= t->tx_start;
	room = room > keep ? room - keep : 0;
	return !*move && room > tail ? tail : room;
}

bool
transport_has_data_room(const struct transport *t, size_t piece)
{
	bool move;

	if (!transport_can_send(t))
		return false;
	if (piece > SSH_DATA_MAX)
		piece = SSH_DATA_MAX;
	return packet_max(t, EXTENDED_HEAD + piece) <= data_bytes(t, &move);
}

size_t
transport_data_begin(struct transport *t, uint32_t channel, uint32_t ext,
    size_t piece, size_t total, struct iovec *iov, size_t max)
{
	size_t header = ext > 0 ? EXTENDED_HEAD : DATA_HEAD, room, at, n = 0;
	size_t beside = t->deflate != NULL ? COMPRESSION_OUT_MAX : SIZE_MAX;
	bool move;

	t->slots_n = 0;
	if (!transport_can_send(t) || piece == 0)
		return 0;
	/* a peer may take more at a time than RFC 4253 6.1 lets everybody count on */
	if (piece > SSH_DATA_MAX)
		piece = SSH_DATA_MAX;
	room = data_bytes(t, &move);
	if (move)
		(void)make_room(t, transport_tx_free(t));

	at = payload_start(t);
	while (n < max && n < SLOTS_MAX && total > 0) {
		size_t bytes = total < piece ? total : piece;
		size_t payload = header + bytes, size = packet_max(t, payload);

		if (size > room || payload > beside)
			break;
		t->slots[n] = (struct slot){ at, header, bytes };
		iov[n].iov_base = payload_place(t, at) + header;
		iov[n].iov_len = bytes;
		n++;
		at += t->deflate != NULL ? payload : size;
		beside -= payload;
		room -= size;
		total -= bytes;
	}
	t->slots_n = n;
	t->slot_channel = channel;
	t->slot_ext = ext;
	return n;
}

enum proto_error
transport_data_end(struct transport *t, size_t n)
{
	size_t slots = t->slots_n;
	enum proto_error e;

	t->slots_n = 0;
	for (size_t i = 0; i < slots && n > 0; i++) {
		const struct slot *s = &t->slots[i];
		size_t bytes = n < s->room ? n : s->room;
		struct wr w = wr_of(payload_place(t, s->at), s->header);

		/* all before were full, so that each lies where the last one ended */
		if (t->deflate == NULL && s->at != t->tx_end)
			return transport_fail(t, PROTO_E_LOCAL_BUG);
		wr_u8(&w, t->slot_ext > 0 ? SSH_MSG_CHANNEL_EXTENDED_DATA :
		    SSH_MSG_CHANNEL_DATA);
		wr_u32(&w, t->slot_channel);
		if (t->slot_ext > 0)
			wr_u32(&w, t->slot_ext);
		wr_u32(&w, (uint32_t)bytes);
		if ((e = seal(t, span_of(w.p, s->header + bytes))) != PROTO_OK)
			return e;
		n -= bytes;
	}
	if (n > 0)
		return transport_fail(t, PROTO_E_LOCAL_BUG);
	return transport_kex_if_worn(t);
}

/* ---- to the network ---- */

struct span
transport_pending(const struct transport *t)
{
	return span_of(t->cfg.tx + t->tx_start, t->tx_end - t->tx_start);
}

void
transport_sent(struct transport *t, size_t n)
{
	if (n > t->tx_end - t->tx_start)
		n = t->tx_end - t->tx_start;
	t->tx_start += n;
	t->bytes_out += n;
	if (t->tx_start == t->tx_end)
		t->tx_start = t->tx_end = 0;
	transport_flush(t);
}
