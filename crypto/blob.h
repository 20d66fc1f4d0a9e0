/*
 * blob.h - a read cursor over the strings of key blobs, signatures and key files.
 *
 * This folder takes nothing from the others, so it has its own; the rules are
 * those of every cursor here: errors stick, lengths are compared, never
 * pointers, and "done" means that nothing is left over.
 */
#ifndef CRYPTO_BLOB_H
#define CRYPTO_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct blob {			/* borrowed bytes, read from the front */
	const uint8_t *p;
	size_t n;
	bool bad;
};

static inline struct blob
blob_of(const void *p, size_t n)
{
	return (struct blob){ p, n, false };
}

/* The next n bytes; empty and bad when there are fewer. */
static inline struct blob
blob_take(struct blob *b, size_t n)
{
	struct blob out = { b->p, 0, false };

	if (b->bad || n > b->n) {
		b->bad = out.bad = true;
		return out;
	}
	out.n = n;
	if (n > 0)
		b->p += n;
	b->n -= n;
	return out;
}

static inline uint32_t
blob_u32(struct blob *b)
{
	struct blob s = blob_take(b, 4);

	if (s.n != 4)
		return 0;
	return (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 |
	    (uint32_t)s.p[2] << 8 | s.p[3];
}

/* A string of at most max bytes (RFC 4251 section 5). */
static inline struct blob
blob_string(struct blob *b, size_t max)
{
	uint32_t n = blob_u32(b);

	if (n > max)
		b->bad = true;
	return blob_take(b, n);
}

static inline bool
blob_done(const struct blob *b)
{
	return !b->bad && b->n == 0;
}

/* For names and public values, not for secrets. */
static inline bool
blob_is(struct blob b, const void *p, size_t n)
{
	return !b.bad && b.n == n && (n == 0 || memcmp(b.p, p, n) == 0);
}

static inline bool
blob_is_name(struct blob b, const char *name)
{
	return blob_is(b, name, strlen(name));
}

#endif
