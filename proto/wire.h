/*
 * wire.h - cursors over the data types of RFC 4251 section 5.
 *
 * All bytes that come from outside a process, from the network or from another
 * actor, are read and written through these two cursors and nothing else.  An
 * error sticks to the cursor: read all fields, then ask rd_done() once.  A
 * cursor compares lengths, never pointers, so no length an attacker writes can
 * overflow a comparison.  ipc/ uses them too: one codec, reviewed once.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes.  Whoever hands one out says until when it may be read. */
struct span {
	const uint8_t *p;
	size_t n;
};

struct rd {			/* read cursor */
	const uint8_t *p;
	size_t n;		/* bytes left */
	bool bad;
};

struct wr {			/* write cursor */
	uint8_t *p;
	size_t cap, n;		/* n bytes of cap are written */
	bool bad;
};

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

static inline struct span
span_str(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* Not constant-time: for names, never for secrets. */
static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

static inline struct rd
rd_of(struct span s)
{
	return (struct rd){ s.p, s.n, false };
}

static inline struct wr
wr_of(void *p, size_t cap)
{
	return (struct wr){ p, cap, 0, false };
}

static inline struct span
wr_span(const struct wr *w)
{
	return (struct span){ w->p, w->bad ? 0 : w->n };
}

static inline struct span
rd_take(struct rd *r, size_t n)
{
	struct span s = { r->p, 0 };

	if (r->bad || n > r->n) {
		r->bad = true;
		return s;
	}
	s.n = n;
	if (n > 0)
		r->p += n;
	r->n -= n;
	return s;
}

static inline uint8_t
rd_u8(struct rd *r)
{
	struct span s = rd_take(r, 1);

	return s.n == 1 ? s.p[0] : 0;
}

/* RFC 4251: any non-zero byte is true. */
static inline bool
rd_bool(struct rd *r)
{
	return rd_u8(r) != 0;
}

static inline uint32_t
rd_u32(struct rd *r)
{
	struct span s = rd_take(r, 4);

	if (s.n != 4)
		return 0;
	return (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 |
	    (uint32_t)s.p[2] << 8 | s.p[3];
}

static inline uint64_t
rd_u64(struct rd *r)
{
	uint64_t high = rd_u32(r), low = rd_u32(r);

	return r->bad ? 0 : high << 32 | low;
}

/* A string of at most max bytes; what is longer is malformed. */
static inline struct span
rd_blob(struct rd *r, size_t max)
{
	uint32_t n = rd_u32(r);

	if (n > max)
		r->bad = true;
	return rd_take(r, n);
}

/* A string without NUL: one that ends early in C could mean two things. */
static inline struct span
rd_text(struct rd *r, size_t max)
{
	struct span s = rd_blob(r, max);

	if (s.n > 0 && memchr(s.p, 0, s.n) != NULL) {
		r->bad = true;
		s.n = 0;
	}
	return s;
}

/* A non-negative mpint of at most max bytes, without the zero in front of a high bit;
 * 0 is empty.  A negative one, or one with a zero too many, is malformed (RFC 4251
 * section 5). */
static inline struct span
rd_mpint(struct rd *r, size_t max)
{
	struct span s = rd_blob(r, max + 1);
	bool zero = s.n > 0 && s.p[0] == 0;

	if (zero) {
		s.p++;
		s.n--;
	}
	if (zero != (s.n > 0 && (s.p[0] & 0x80) != 0) || s.n > max) {
		r->bad = true;
		s.n = 0;
	}
	return s;
}

/* Whatever is left. */
static inline struct span
rd_rest(struct rd *r)
{
	return rd_take(r, r->n);
}

/* True if every field was there and nothing is left over. */
static inline bool
rd_done(const struct rd *r)
{
	return !r->bad && r->n == 0;
}

/* Room for n bytes, or NULL with the error stuck to the cursor. */
static inline uint8_t *
wr_room(struct wr *w, size_t n)
{
	if (w->bad || n > w->cap - w->n) {
		w->bad = true;
		return NULL;
	}
	w->n += n;
	return w->p + (w->n - n);
}

static inline void
wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *p = wr_room(w, 1);

	if (p != NULL)
		p[0] = v;
}

static inline void
wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_room(w, 4);

	if (p == NULL)
		return;
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void
wr_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)(v >> 32));
	wr_u32(w, (uint32_t)v);
}

static inline void
wr_raw(struct wr *w, struct span s)
{
	uint8_t *p = wr_room(w, s.n);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
}

/* A string of at most max bytes. */
static inline void
wr_blob(struct wr *w, struct span s, size_t max)
{
	if (s.n > max || s.n > UINT32_MAX) {
		w->bad = true;
		return;
	}
	wr_u32(w, (uint32_t)s.n);
	wr_raw(w, s);
}

static inline void
wr_str(struct wr *w, const char *s)
{
	wr_blob(w, span_str(s), SIZE_MAX);
}

/* A non-negative mpint from big-endian bytes (RFC 4251 section 5). */
static inline void
wr_mpint(struct wr *w, struct span s)
{
	while (s.n > 0 && s.p[0] == 0) {
		s.p++;
		s.n--;
	}
	if (s.n > 0 && (s.p[0] & 0x80) != 0) {
		wr_u32(w, (uint32_t)s.n + 1);
		wr_u8(w, 0);
	} else {
		wr_u32(w, (uint32_t)s.n);
	}
	wr_raw(w, s);
}

#endif
