/*
 * connection_state.h - what connection.c, connection_packet.c and connection_alive.c
 * share: the state of one connection's RFC 4254 half, and the few messages that more
 * than one of them sends.
 */
#ifndef PROTO_CONNECTION_STATE_H
#define PROTO_CONNECTION_STATE_H

#include "proto/channel.h"
#include "proto/reply.h"

struct connection {
	struct transport *transport;
	struct channel_table channels;
	struct reply_queue questions;	/* of the peer                              */
	struct reply_queue calls;	/* ours                                     */
	uint32_t asked;			/* channels in CH_ASKED                     */
	uint64_t next_serial, last_question;
	bool no_more_sessions;
	/* keepalive */
	uint32_t alive_interval_ms, alive_max, missed;
	uint64_t alive_at;
	uint64_t packets_in;		/* of the transport's, how many we know of  */
};

/* RFC 4254 5.1 */
enum {
	OPEN_PROHIBITED = 1, OPEN_CONNECT_FAILED = 2, OPEN_UNKNOWN_TYPE = 3,
	OPEN_RESOURCE_SHORTAGE = 4,
};
/* Most that a message of ours needs beside its strings. */
enum { CONNECTION_OVERHEAD = 64 };

#define KEEPALIVE "keepalive@openssh.com"

CRYPTO_CHECKED enum proto_error connection_send_refusal(struct connection *,
    uint32_t remote, uint32_t reason, struct span text);
CRYPTO_CHECKED enum proto_error connection_send_close(struct connection *,
    struct channel *);
CRYPTO_CHECKED enum proto_error connection_send_global(struct connection *,
    bool want_reply, struct span kind, struct span payload);
/* Sends the answers to the peer's requests (channel NULL: global ones) whose turn
 * has come. */
CRYPTO_CHECKED enum proto_error connection_flush(struct connection *,
    const struct channel *);
/* The peer lives. */
void connection_heard(struct connection *, uint64_t now_ms);

#endif
