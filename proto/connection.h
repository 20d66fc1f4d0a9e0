/*
 * connection.h - RFC 4254: channels, windows, requests, and the order of replies.
 *
 * Pure: data is handed out as spans in the transport's buffer and taken in by the
 * transport's bulk calls; the owner moves it.  A channel is known here by its
 * number on the wire and by a 64-bit serial for those outside, which is never
 * used twice.
 *
 * Replies leave in the order of the requests (RFC 4254 4 and 5.4), whatever order
 * the answers come in: connection_answer() notes an answer and sends all whose
 * turn it is.
 */
#ifndef PROTO_CONNECTION_H
#define PROTO_CONNECTION_H

#include "proto/transport.h"

enum {
	CHANNELS_MAX = 1024,		/* ceiling for the configured number        */
	QUESTIONS_MAX = 64,		/* peer's requests waiting, per connection  */
	CALLS_MAX = 1024,		/* our requests waiting, per connection     */
	WINDOW_MIN = 64 * 1024,		/* a channel begins with this               */
	/* what a channel of ours may be asked to take: the ceiling of its window, and
	 * its largest packet (at most SSH_DATA_MAX) */
	CHANNEL_WINDOW_LEAST = 32 * 1024, CHANNEL_WINDOW_MOST = 1 << 30,
	CHANNEL_PACKET_LEAST = 4096,
	CHANNEL_EXTRA_MAX = 8192,
	CHANNEL_PACKET_MIN = 256,	/* a peer that takes less is refused        */
	/* Room that the transport must have (transport_has_room) before each call here
	 * that may send: connection_packet, _answer, _request and the like. */
	CONNECTION_ROOM = 48 * 1024,
};

enum channel_state { CH_FREE = 0, CH_ASKED, CH_OPENING, CH_OPEN };
struct channel {
	enum channel_state state;
	uint64_t serial;
	uint32_t local, remote;		/* channel numbers                          */
	uint32_t window;		/* what the peer may still send             */
	uint32_t window_max;		/* ...when we owe it nothing; grows with use... */
	uint32_t window_first, window_ceiling;	/* ...from here to there            */
	uint32_t packet;		/* the most in one packet of the peer       */
	uint32_t owed;			/* taken by the owner, not yet given back   */
	uint32_t peer_window;
	uint32_t peer_packet;		/* at most SSH_DATA_MAX, whatever the peer said */
	bool eof_in, eof_out, close_in, close_out;
	bool is_session;
	void *owner;			/* the worker's half                        */
	uint64_t round_ms, round_bytes;	/* for the growth of window_max             */
	bool eager;
};

struct connection;
struct connection_config {
	uint32_t channel_max, window, window_sum;
	uint32_t alive_interval_ms, alive_max;
	uint64_t first_serial;		/* ours count up from here by 2             */
};
struct connection *connection_new(struct transport *, const struct connection_config *,
    uint64_t now_ms);
void connection_free(struct connection *);

enum connection_event_type {
	CE_NONE = 0,		/* handled inside                               */
	CE_ASKED,		/* peer opens: connection_grant or _refuse      */
	CE_OPENED,
	CE_NOT_OPENED,		/* reason, text; connection_release it          */
	CE_DATA,		/* data, ext: write it out, then connection_taken */
	CE_PEER_WINDOW,		/* more may be sent                             */
	CE_EOF,
	CE_CLOSE,		/* its questions are gone; connection_close, then
				 * connection_release.  Calls without a reply end with
				 * the channel: no CE_CALL_DONE comes for them  */
	CE_REQUEST,		/* request: answer question unless it is 0      */
	CE_CALL_DONE,		/* call, ok, payload                            */
	CE_GLOBAL,		/* kind, payload; question                      */
};
enum request_kind { RQ_PTY = 1, RQ_ENV, RQ_SHELL, RQ_EXEC, RQ_SUBSYSTEM, RQ_WINDOW,
	RQ_SIGNAL, RQ_BREAK, RQ_EXIT_STATUS, RQ_EXIT_SIGNAL, RQ_OTHER };
struct request {		/* of one kind; unused fields are zero */
	enum request_kind kind;
	struct span name;	/* term, env name, command, subsystem, signal, or the request's name */
	struct span value;	/* env value, tty modes, exit-signal text, or payload */
	uint32_t columns, rows, width, height;
	uint32_t number;	/* exit status, break length            */
	bool core_dumped;
};
struct connection_event {
	enum connection_event_type type;
	struct channel *channel;
	uint64_t question, call;
	bool ok;
	uint32_t reason, ext;
	struct span kind, payload, data, text;
	struct request request;
};
/* One CONNECTION packet.  Spans borrow from it. */
CRYPTO_CHECKED enum proto_error connection_packet(struct connection *, struct span payload,
    uint64_t now_ms, struct connection_event *);

struct channel *connection_find(struct connection *, uint64_t serial);	/* or NULL */
/* Iterates: pass NULL first; NULL ends. */
struct channel *connection_each(struct connection *, struct channel *);
size_t connection_count(const struct connection *);

/* ---- opening ---- */
bool connection_can_open(const struct connection *);	/* ask before connection_open */
struct channel_limits {
	uint32_t window, packet;	/* brought into bounds; 0: as all others    */
};
CRYPTO_CHECKED enum proto_error connection_open(struct connection *, uint64_t serial,
    struct span type, struct span extra, struct channel_limits);
CRYPTO_CHECKED enum proto_error connection_grant(struct connection *, struct channel *);
CRYPTO_CHECKED enum proto_error connection_refuse(struct connection *, struct channel *,
    uint32_t reason, struct span text);		/* frees the channel */

/* ---- requests ---- */
/* False: the answer comes too late (no such question): drop it. */
bool connection_has_question(const struct connection *, uint64_t question);
CRYPTO_CHECKED enum proto_error connection_answer(struct connection *, uint64_t question,
    bool ok, struct span payload);
/* Ask before making a request with a call: a peer that answers none must not make
 * us remember more than CALLS_MAX. */
bool connection_can_call(const struct connection *);
/* call 0: no reply wanted.  Dropped if CLOSE went, or came and a reply is wanted. */
CRYPTO_CHECKED enum proto_error connection_request(struct connection *, struct channel *,
    uint64_t call, const struct request *);
CRYPTO_CHECKED enum proto_error connection_global(struct connection *, uint64_t call,
    struct span kind, struct span payload);
/* No more questions may be taken in until some are answered: stop reading. */
bool connection_is_full(const struct connection *);

/* ---- data ---- */
/* n bytes have left for their destination: owes them to the peer, and sends a
 * WINDOW_ADJUST when enough has come together (few, large). */
CRYPTO_CHECKED enum proto_error connection_taken(struct connection *, struct channel *,
    uint32_t n);
/* How much may be sent on it now; 0 after EOF or CLOSE went out. */
uint32_t connection_may_send(const struct connection *, const struct channel *);
void connection_sent(struct connection *, struct channel *, uint32_t n);
CRYPTO_CHECKED enum proto_error connection_eof(struct connection *, struct channel *);
/* Sends CLOSE once; while we still wait for the peer's word on our open, as soon as
 * it comes; an open of the peer that waits for ours is refused.  The channel is
 * freed by connection_release when both went (before, that does nothing). */
CRYPTO_CHECKED enum proto_error connection_close(struct connection *, struct channel *);
bool connection_is_over(const struct channel *);
void connection_release(struct connection *, struct channel *);

/* ---- time: keepalive@openssh.com ---- */
/* From now on; interval 0: none. */
void connection_set_alive(struct connection *, uint32_t interval_ms, uint32_t max,
    uint64_t now_ms);
CRYPTO_CHECKED enum proto_error connection_tick(struct connection *, uint64_t now_ms);
uint64_t connection_deadline(const struct connection *);

#endif
