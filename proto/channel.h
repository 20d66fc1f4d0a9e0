/*
 * channel.h - the table of channels, their windows, and when EOF and CLOSE may come.
 *
 * No message is read or written here: numbers in, numbers out.
 */
#ifndef PROTO_CHANNEL_H
#define PROTO_CHANNEL_H

#include "proto/connection.h"

enum { CHANNEL_ROUND_MS = 4000 };	/* a window filled within this may grow */

struct channel_slot {
	struct channel *channel;	/* NULL: free                               */
	uint32_t next_free;
};
struct channel_table {
	struct channel_slot *at;	/* by local number; grows with use          */
	uint32_t cap, max, used, first_free;
	uint32_t initial;		/* a new channel's window; always to be had */
	uint32_t window;		/* none grows beyond, unless it has its own limit */
	uint64_t elastic;		/* what all may still grow together         */
};

void channel_table_init(struct channel_table *, uint32_t max, uint32_t window,
    uint32_t window_sum);
void channel_table_deinit(struct channel_table *);

/* NULL: as many as there may be, or no memory. */
struct channel *channel_add(struct channel_table *, uint64_t serial);
/* Of a new one, before the peer has heard of it: other limits than the table's.  A
 * higher ceiling takes nothing from the others, whose sum stays what it is. */
void channel_limit(struct channel *, struct channel_limits);
/* Frees it; its number may be given to another. */
void channel_drop(struct channel_table *, struct channel *);
/* By number on the wire, O(1); by serial; all of them (NULL first, NULL ends). */
struct channel *channel_at(const struct channel_table *, uint32_t local);
struct channel *channel_find(const struct channel_table *, uint64_t serial);
struct channel *channel_next(const struct channel_table *, const struct channel *);
/* Of which the peer may speak: open, and not closed by it. */
CRYPTO_CHECKED enum proto_error channel_of_peer(const struct channel_table *,
    uint32_t local, struct channel **);

/* What the peer sent: data of n bytes, window for n more, EOF, CLOSE. */
CRYPTO_CHECKED enum proto_error channel_data_in(struct channel *, size_t n, uint64_t now_ms);
CRYPTO_CHECKED enum proto_error channel_adjust_in(struct channel *, uint32_t n);
CRYPTO_CHECKED enum proto_error channel_eof_in(struct channel *);
CRYPTO_CHECKED enum proto_error channel_close_in(struct channel *);

/* n bytes are delivered.  *give: tell the peer that it may send so many more; 0:
 * nothing yet. */
CRYPTO_CHECKED enum proto_error channel_taken(struct channel_table *, struct channel *,
    uint32_t n, uint32_t *give);
uint32_t channel_may_send(const struct channel *);
void channel_sent(struct channel *, uint32_t n);

#endif
