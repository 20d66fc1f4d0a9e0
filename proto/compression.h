/*
 * compression.h - payloads under zlib@openssh.com: RFC 4253 6.2's zlib, started only
 * after login.  One context per direction; it lasts from packet to packet until the
 * next key exchange.
 *
 * A context takes some 300 KiB (out) or 80 KiB (in): none exists unless it is used.
 */
#ifndef PROTO_COMPRESSION_H
#define PROTO_COMPRESSION_H

#include "proto/packet.h"

enum {
	COMPRESSION_LEVEL = 6,
	/* What comes in may inflate to the longest payload that could have come as it
	 * is, and to nothing more. */
	COMPRESSION_IN_MAX = SSH_PACKET_LENGTH_MAX - 1 - SSH_PADDING_MIN,
	/* Bytes that cannot be compressed grow by less than this... */
	COMPRESSION_GROWTH_MAX = 128,
	/* ...so that whatever is no longer than this fits into a packet. */
	COMPRESSION_OUT_MAX = PACKET_PAYLOAD_MAX - COMPRESSION_GROWTH_MAX,
};

/* ---- out ---- */
struct compression_out;
CRYPTO_CHECKED struct compression_out *compression_out_new(void);	/* NULL: no memory */
void compression_out_free(struct compression_out *);	/* accepts NULL */
/* A key exchange is over: the context begins anew. */
CRYPTO_CHECKED enum proto_error compression_out_restart(struct compression_out *);
/* COMPRESSION_OUT_MAX bytes to write payloads to; wiped at the end. */
uint8_t *compression_out_room(struct compression_out *);
/* Most bytes that n can become. */
size_t compression_out_bound(struct compression_out *, size_t n);
/* Compresses a payload into cap bytes, of which *n are used then.  cap was more than
 * compression_out_bound() says. */
CRYPTO_CHECKED enum proto_error compression_deflate(struct compression_out *, struct span clear,
    uint8_t *to, size_t cap, size_t *n);

/* ---- in ---- */
struct compression_in;
CRYPTO_CHECKED struct compression_in *compression_in_new(void);	/* NULL: no memory */
void compression_in_free(struct compression_in *);	/* accepts NULL */
CRYPTO_CHECKED enum proto_error compression_in_restart(struct compression_in *);
/* *clear is not empty, and lives until the next call.  After an error the context
 * must not be used again. */
CRYPTO_CHECKED enum proto_error compression_inflate(struct compression_in *, struct span packed,
    struct span *clear);

#endif
