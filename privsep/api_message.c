/*
 * api_message.c - typed payloads of requests, for the application (RFC 4251 5).
 *
 * What is read here came from a peer, of whom nothing is believed: every length is
 * compared with what is there.  The first add that does not fit, and the first get
 * beyond the end, make a message bad for good, so that one check at the end suffices
 * and a bad message can never be sent.  It may hold secrets: wiped when freed.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { MESSAGE_MAX = 8192 };	/* as in GLOBAL_DO and OTHER_DO */

struct postern_message {
	size_t n, at;			/* bytes in all, bytes got */
	bool bad;
	uint8_t bytes[MESSAGE_MAX];
};

postern_message *
postern_message_new(void)
{
	return calloc(1, sizeof(postern_message));
}

postern_message *
postern_message_of(const void *data, size_t len)
{
	postern_message *m = postern_message_new();

	if (m != NULL)
		postern_message_add_bytes(m, data, len);
	return m;
}

void
postern_message_free(postern_message *m)
{
	if (m == NULL)
		return;
	sodium_memzero(m, sizeof(*m));
	free(m);
}

int
api_message_span(const postern_message *m, struct span *out)
{
	*out = m != NULL ? span_of(m->bytes, m->n) : span_str("");
	return m != NULL && m->bad ? -EINVAL : 0;
}

/* ---- adding: a cursor over what is free, which an add that fails leaves as it was ---- */

static struct wr
adding(postern_message *m)
{
	struct wr w = wr_of(m->bytes, sizeof(m->bytes));

	w.n = m->n;
	w.bad = m->bad;
	return w;
}

static void
added(postern_message *m, const struct wr *w)
{
	m->bad = w->bad;
	if (!w->bad)
		m->n = w->n;
}

void
postern_message_add_byte(postern_message *m, uint8_t v)
{
	struct wr w = adding(m);

	wr_u8(&w, v);
	added(m, &w);
}

void
postern_message_add_boolean(postern_message *m, int v)
{
	postern_message_add_byte(m, v != 0);
}

void
postern_message_add_int(postern_message *m, uint32_t v)
{
	struct wr w = adding(m);

	wr_u32(&w, v);
	added(m, &w);
}

void
postern_message_add_int64(postern_message *m, uint64_t v)
{
	struct wr w = adding(m);

	wr_u64(&w, v);
	added(m, &w);
}

void
postern_message_add_string(postern_message *m, const void *data, size_t len)
{
	struct wr w = adding(m);

	wr_blob(&w, span_of(data, len), MESSAGE_MAX);
	added(m, &w);
}

void
postern_message_add_text(postern_message *m, const char *s)
{
	postern_message_add_string(m, s, strlen(s));
}

void
postern_message_add_mpint(postern_message *m, const void *data, size_t len)
{
	struct wr w = adding(m);

	/* its length is written as 32 bits before the bytes are found not to fit */
	if (len > MESSAGE_MAX)
		w.bad = true;
	else
		wr_mpint(&w, span_of(data, len));
	added(m, &w);
}

void
postern_message_add_bytes(postern_message *m, const void *data, size_t len)
{
	struct wr w = adding(m);

	wr_raw(&w, span_of(data, len));
	added(m, &w);
}

/* ---- getting ---- */

static struct rd
getting(const postern_message *m)
{
	struct rd r = rd_of(span_of(m->bytes, m->n));

	(void)rd_take(&r, m->at);
	r.bad = m->bad;
	return r;
}

static void
got(postern_message *m, const struct rd *r)
{
	m->bad = r->bad;
	if (!r->bad)
		m->at = m->n - r->n;
}

uint8_t
postern_message_get_byte(postern_message *m)
{
	struct rd r = getting(m);
	uint8_t v = rd_u8(&r);

	got(m, &r);
	return v;
}

int
postern_message_get_boolean(postern_message *m)
{
	/* any byte but 0 is true (RFC 4251 5) */
	return postern_message_get_byte(m) != 0;
}

uint32_t
postern_message_get_int(postern_message *m)
{
	struct rd r = getting(m);
	uint32_t v = rd_u32(&r);

	got(m, &r);
	return v;
}

uint64_t
postern_message_get_int64(postern_message *m)
{
	struct rd r = getting(m);
	uint64_t v = rd_u64(&r);

	got(m, &r);
	return v;
}

const void *
postern_message_get_string(postern_message *m, size_t *len)
{
	struct rd r = getting(m);
	struct span s = rd_blob(&r, MESSAGE_MAX);

	got(m, &r);
	if (m->bad)
		s.n = 0;
	if (len != NULL)
		*len = s.n;
	return s.n > 0 ? (const void *)s.p : "";
}

void
postern_message_rewind(postern_message *m)
{
	m->at = 0;
}

const void *
postern_message_asbytes(const postern_message *m, size_t *len)
{
	*len = m->bad ? 0 : m->n;
	return m->bytes;
}

int
postern_message_is_bad(const postern_message *m)
{
	return m->bad;
}

int
postern_message_at_end(const postern_message *m)
{
	return !m->bad && m->at == m->n;
}
