/*
 * blob.h - cursors over the strings and numbers of key blobs, signatures and key files,
 * one to read and one to write.
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

/* A number that is not negative and has one encoding only (RFC 4251 section 5: no
 * needless leading zeros), of at most max bytes, which come big end first and without
 * leading zero; 0 is empty. */
static inline struct blob
blob_mpint(struct blob *b, size_t max)
{
	struct blob s = blob_string(b, max + 1);

	if (s.n == 0)
		return s;
	if ((s.p[0] & 0x80) != 0 || (s.p[0] == 0 && (s.n == 1 || (s.p[1] & 0x80) == 0)))
		b->bad = true;
	else if (s.p[0] == 0)
		(void)blob_take(&s, 1);
	if (s.n > max)
		b->bad = true;
	s.bad = b->bad;
	return s;
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

struct blob_out {		/* written from the front; too little room sticks */
	uint8_t *p;
	size_t cap, n;
	bool bad;
};

static inline struct blob_out
blob_out_of(void *p, size_t cap)
{
	return (struct blob_out){ p, cap, 0, false };
}

static inline void
blob_put(struct blob_out *w, const void *p, size_t n)
{
	if (w->bad || n > w->cap - w->n) {
		w->bad = true;
		return;
	}
	if (n > 0)
		memcpy(&w->p[w->n], p, n);
	w->n += n;
}

static inline void
blob_put_u32(struct blob_out *w, uint32_t v)
{
	const uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		(uint8_t)v };

	blob_put(w, b, sizeof(b));
}

static inline void
blob_put_string(struct blob_out *w, const void *p, size_t n)
{
	if (n > UINT32_MAX)
		w->bad = true;
	blob_put_u32(w, (uint32_t)n);
	blob_put(w, p, n);
}

/* From bytes big end first, leading zeros or not. */
static inline void
blob_put_mpint(struct blob_out *w, const uint8_t *p, size_t n)
{
	struct blob s = blob_of(p, n);
	bool pad;

	while (s.n > 0 && s.p[0] == 0)
		(void)blob_take(&s, 1);
	pad = s.n > 0 && (s.p[0] & 0x80) != 0;
	if (s.n >= UINT32_MAX)
		w->bad = true;
	blob_put_u32(w, (uint32_t)s.n + pad);
	if (pad)
		blob_put(w, "", 1);
	blob_put(w, s.p, s.n);
}

#endif
