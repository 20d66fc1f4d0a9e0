/*
 * reply.h - requests that wait for their reply, in the order they were made.
 *
 * RFC 4254 4 and 5.4: replies carry no number, so a reply belongs to the oldest
 * request of its channel, or to the oldest global one, that has none yet.  One
 * queue holds the peer's requests (questions), another ours (calls).
 */
#ifndef PROTO_REPLY_H
#define PROTO_REPLY_H

#include "crypto/crypto.h"
#include "proto/wire.h"

enum {
	REPLY_HELD_MAX = 32 * 1024,	/* bytes of answers whose turn has not come */
	REPLY_NONE = -1,
};

struct channel;
struct reply {
	uint64_t id;			/* 0: a matter of the connection layer itself */
	const struct channel *channel;	/* NULL: global                             */
	uint32_t times;			/* so many in a row: only for id 0          */
	bool known, ok;			/* questions: the answer                    */
	uint8_t *payload;		/* ...and what goes with it, or NULL        */
	size_t payload_len;
};
struct reply_queue {
	struct reply *at;		/* oldest first                             */
	size_t n, cap, max;
	size_t held;			/* bytes of payload                         */
};

void reply_queue_init(struct reply_queue *, size_t max);
void reply_queue_deinit(struct reply_queue *);
bool reply_is_full(const struct reply_queue *);
/* The new last one, borrowed until the next change; NULL: full, or no memory. */
struct reply *reply_add(struct reply_queue *, const struct channel *, uint64_t id);
/* Index of the one called id (never of an id 0), of a channel's oldest, of its
 * latest; or REPLY_NONE. */
int reply_find(const struct reply_queue *, uint64_t id);
int reply_oldest(const struct reply_queue *, const struct channel *);
int reply_latest(const struct reply_queue *, const struct channel *);
/* Notes the answer to number i; copies payload.  False: no memory. */
CRYPTO_CHECKED bool reply_note(struct reply_queue *, int i, bool ok, struct span payload);
void reply_remove(struct reply_queue *, int i);
void reply_forget(struct reply_queue *, const struct channel *);	/* all of its */

#endif
