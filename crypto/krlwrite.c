/*
 * krlwrite.c - a KRL's bytes, as PROTOCOL.krl has them and ssh-keygen writes them.
 *
 * Serial numbers stand in lists, ranges and bitmaps, whichever is shortest by
 * ssh-keygen's reckoning, so that both write the same bytes.  But a bitmap ends where
 * readers would refuse it: ssh-keygen's own may grow longer than OpenSSH reads.
 * What was written is read as if it came from somebody else, before it is given out.
 */
#include <stdlib.h>

#include "crypto/krl_format.h"
#include "crypto/krlmake.h"

enum {
	BITS_MAX = 8 * (KRL_BITMAP_MAX - 1),	/* of a bitmap; the byte more is an mpint's sign */
	ENOUGH = 1 << 30,		/* bits: beyond, one form is far shorter than another */
	/* what is written, in bits, as it is reckoned */
	COST_NUMBER = 64,
	COST_HEAD = 8,
};

static void
put_u64(struct blob_out *o, uint64_t v)
{
	blob_put_u32(o, (uint32_t)(v >> 32));
	blob_put_u32(o, (uint32_t)v);
}

/* ---- sections: a byte, and a string whose length is known at its end ---- */

static size_t
begin(struct blob_out *o, uint8_t kind)
{
	blob_put(o, &kind, 1);
	blob_put_u32(o, 0);
	return o->n;
}

static void
end(struct blob_out *o, size_t from)
{
	struct blob_out length;

	if (o->bad)
		return;
	length = blob_out_of(&o->p[from - 4], 4);
	blob_put_u32(&length, (uint32_t)(o->n - from));
}

/* ---- serial numbers ---- */

struct serials {
	uint8_t kind;			/* enum krl_cert_section; 0: none is open */
	size_t from;
	uint64_t start, last;		/* the bitmap's first; the last one written */
	uint8_t bits[BITS_MAX / 8];	/* big end first */
};

static uint64_t
at_most(uint64_t v, uint64_t max)
{
	return v < max ? v : max;
}

static uint64_t
bytes_of(uint64_t bits)
{
	return (bits + 7) / 8;
}

/* The form for a run that is so long, so far behind the last one and in front of the
 * next (0: there is none), and whether it is to be in a section of its own. */
static uint8_t
choose(uint8_t open, uint64_t run, uint64_t before, uint64_t behind, bool *fresh)
{
	const uint64_t head = COST_HEAD + COST_NUMBER;
	uint64_t list, range, bitmap, another, then = behind > 0 ? head : 0, best;
	uint8_t kind = CERT_BITMAP;

	run = at_most(run, ENOUGH);
	before = at_most(before, ENOUGH);
	list = bytes_of((open == CERT_SERIALS ? 0 : COST_HEAD) + COST_NUMBER * run + then);
	range = bytes_of(COST_HEAD + 2 * COST_NUMBER + then);
	another = bytes_of(head + run + at_most(behind, head));
	bitmap = bytes_of((open == CERT_BITMAP ? 0 : head) + before + run + at_most(behind, head));
	best = bitmap;
	if (range < best) {
		kind = CERT_RANGE;
		best = range;
	}
	if (list < best) {
		kind = CERT_SERIALS;
		best = list;
	}
	*fresh = another < best;
	return *fresh ? CERT_BITMAP : kind;
}

static void
close_serials(struct blob_out *o, struct serials *s)
{
	if (s->kind == 0)
		return;
	if (s->kind == CERT_BITMAP)
		blob_put_mpint(o, s->bits, sizeof(s->bits));
	end(o, s->from);
	s->kind = 0;
}

static void
open_serials(struct blob_out *o, struct serials *s, uint8_t kind, uint64_t low)
{
	s->kind = kind;
	s->from = begin(o, kind);
	s->start = low;
	memset(s->bits, 0, sizeof(s->bits));
	if (kind == CERT_BITMAP)
		put_u64(o, low);
}

static void
put_run(struct blob_out *o, struct serials *s, uint64_t low, uint64_t run)
{
	if (s->kind == CERT_RANGE) {
		put_u64(o, low);
		put_u64(o, low + (run - 1));
		return;
	}
	/* short, or it were a range */
	for (uint64_t i = 0; i < run && !o->bad; i++) {
		uint64_t bit = low - s->start + i;

		if (s->kind == CERT_SERIALS)
			put_u64(o, low + i);
		else if (bit < BITS_MAX)
			s->bits[sizeof(s->bits) - 1 - bit / 8] |= (uint8_t)(1 << bit % 8);
		else
			o->bad = true;
	}
}

static void
put_serials(struct blob_out *o, const struct krlmake_entry *e, size_t n)
{
	struct serials s = { .kind = 0 };

	for (size_t i = 0; i < n; i++) {
		uint64_t run = e[i].high - e[i].low + 1;
		uint64_t behind = i + 1 < n ? e[i + 1].low - e[i].high : 0;
		bool fresh;
		uint8_t kind;

		kind = choose(s.kind, run, s.kind == 0 ? 0 : e[i].low - s.last, behind, &fresh);
		if (kind == CERT_BITMAP && s.kind == CERT_BITMAP && e[i].high - s.start >= BITS_MAX)
			fresh = true;
		if (fresh || kind != s.kind || kind == CERT_RANGE) {
			close_serials(o, &s);
			open_serials(o, &s, kind, e[i].low);
		}
		put_run(o, &s, e[i].low, run);
		s.last = e[i].high;
	}
	close_serials(o, &s);
}

/* ---- the file ---- */

static const uint8_t sections[] = { [KRL_KEY_ID] = CERT_KEY_IDS, [KRL_KEY] = SECTION_KEYS,
	[KRL_SHA1] = SECTION_SHA1, [KRL_SHA256] = SECTION_SHA256 };

static size_t
like_the_first(const struct krlmake_entry *e, size_t n)
{
	size_t i = 0;

	while (i < n && e[i].kind == e[0].kind && e[i].ca == e[0].ca)
		i++;
	return i;
}

static void
put_strings(struct blob_out *o, const struct krlmake_entry *e, size_t n)
{
	size_t from = begin(o, sections[e->kind]);

	for (size_t i = 0; i < n; i++)
		blob_put_string(o, e[i].bytes, e[i].n);
	end(o, from);
}

static void
put_entries(struct blob_out *o, const struct krlmake *k)
{
	for (size_t i = 0, n; i < k->n; i += n) {
		const struct krlmake_entry *e = &k->entries[i];
		size_t from;

		n = like_the_first(e, k->n - i);
		if (e->kind != KRL_SERIALS && e->kind != KRL_KEY_ID) {
			put_strings(o, e, n);
			continue;
		}
		from = begin(o, SECTION_CERTIFICATES);
		blob_put_string(o, k->cas[e->ca].blob, k->cas[e->ca].n);
		blob_put_string(o, "", 0);		/* reserved */
		if (e->kind == KRL_SERIALS) {
			put_serials(o, e, n);
			i += n;
			e = &k->entries[i];
			n = i < k->n && e->kind == KRL_KEY_ID && e->ca == k->entries[i - 1].ca ?
			    like_the_first(e, k->n - i) : 0;
		}
		if (n > 0)
			put_strings(o, e, n);
		end(o, from);
	}
}

const char *
krlwrite(const struct krlmake *k, uint8_t **file, size_t *n)
{
	uint8_t *room = malloc(KRL_FILE_MAX);
	struct blob_out o = blob_out_of(room, KRL_FILE_MAX);
	const char *why = NULL;

	if (room == NULL)
		return "no memory";
	blob_put(&o, KRL_MAGIC, sizeof(KRL_MAGIC));
	blob_put_u32(&o, KRL_FORMAT_VERSION);
	put_u64(&o, k->version);
	put_u64(&o, k->date);
	put_u64(&o, k->flags);
	blob_put_string(&o, "", 0);		/* reserved */
	blob_put_string(&o, k->comment, strlen(k->comment));
	put_entries(&o, k);
	if (o.bad)
		why = "the KRL is too long";
	else if (krl_check(room, o.n, &why) == 0)
		why = NULL;
	if (why != NULL)
		free(room);
	else
		*file = room;
	*n = o.n;
	return why;
}
