/*
 * compression.c - zlib, with bounds.
 *
 * What is inflated is the peer's, who has logged in by then and is believed no more
 * for it: a packet of 35 KB may ask for 35 MB, or for nothing at all, time and again.
 * Whatever comes, one packet inflates to one payload in a buffer of fixed size, or the
 * connection is over.  When to begin is transport_compression.c's.
 */
#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

#include "proto/compression.h"

enum {
	/* beyond deflateBound(), which does not count the empty block that a flush
	 * ends with, nor the bits left over from the packet before */
	FLUSH_MAX = 64,
};

struct compression_out {
	z_stream z;
	uint8_t room[COMPRESSION_OUT_MAX];
};
struct compression_in {
	z_stream z;
	uint8_t clear[COMPRESSION_IN_MAX + 1];	/* the last byte is never reached */
};

/* ---- out ---- */

struct compression_out *
compression_out_new(void)
{
	struct compression_out *c = malloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	memset(&c->z, 0, sizeof(c->z));
	if (deflateInit(&c->z, COMPRESSION_LEVEL) != Z_OK) {
		free(c);
		return NULL;
	}
	return c;
}

void
compression_out_free(struct compression_out *c)
{
	if (c == NULL)
		return;
	(void)deflateEnd(&c->z);	/* an error would say that data was left in it */
	crypto_wipe(c, sizeof(*c));
	free(c);
}

enum proto_error
compression_out_restart(struct compression_out *c)
{
	return deflateReset(&c->z) == Z_OK ? PROTO_OK : PROTO_E_LOCAL_BUG;
}

uint8_t *
compression_out_room(struct compression_out *c)
{
	return c->room;
}

size_t
compression_out_bound(struct compression_out *c, size_t n)
{
	return deflateBound(&c->z, n) + FLUSH_MAX;
}

enum proto_error
compression_deflate(struct compression_out *c, struct span clear, uint8_t *to, size_t cap,
    size_t *n)
{
	if (clear.n > COMPRESSION_OUT_MAX)
		return PROTO_E_LOCAL_BUG;
	if (cap > PACKET_PAYLOAD_MAX)
		cap = PACKET_PAYLOAD_MAX;
	c->z.next_in = clear.p;
	c->z.avail_in = (uInt)clear.n;
	c->z.next_out = to;
	c->z.avail_out = (uInt)cap;
	/* With room left behind it nothing of the payload waits inside. */
	if (deflate(&c->z, Z_PARTIAL_FLUSH) != Z_OK || c->z.avail_in > 0 || c->z.avail_out == 0)
		return PROTO_E_LOCAL_BUG;
	*n = cap - c->z.avail_out;
	return PROTO_OK;
}

/* ---- in ---- */

struct compression_in *
compression_in_new(void)
{
	struct compression_in *c = malloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	memset(&c->z, 0, sizeof(c->z));
	if (inflateInit(&c->z) != Z_OK) {
		free(c);
		return NULL;
	}
	return c;
}

void
compression_in_free(struct compression_in *c)
{
	if (c == NULL)
		return;
	(void)inflateEnd(&c->z);	/* fails for a state that is none, and ours is one */
	crypto_wipe(c, sizeof(*c));
	free(c);
}

enum proto_error
compression_in_restart(struct compression_in *c)
{
	return inflateReset(&c->z) == Z_OK ? PROTO_OK : PROTO_E_LOCAL_BUG;
}

enum proto_error
compression_inflate(struct compression_in *c, struct span packed, struct span *clear)
{
	int r;

	c->z.next_in = packed.p;
	c->z.avail_in = (uInt)packed.n;		/* a packet's: it was bounded there */
	c->z.next_out = c->clear;
	c->z.avail_out = sizeof(c->clear);
	r = inflate(&c->z, Z_SYNC_FLUSH);
	if (r == Z_MEM_ERROR)
		return PROTO_E_LOCAL_MEMORY;
	if (c->z.avail_out == 0)
		return PROTO_E_INFLATED_LONG;
	/* All of it was taken and the stream goes on: an end, a preset dictionary or a
	 * wrong bit are errors alike. */
	if (r != Z_OK || c->z.avail_in > 0)
		return PROTO_E_INFLATE;
	if (c->z.avail_out == sizeof(c->clear))
		return PROTO_E_PACKET_EMPTY;
	*clear = span_of(c->clear, sizeof(c->clear) - c->z.avail_out);
	return PROTO_OK;
}
