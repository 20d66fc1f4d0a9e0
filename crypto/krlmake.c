/*
 * krlmake.c - what a KRL is to revoke: collected, sorted, joined.
 *
 * It comes from lines of the administrator's and from KRLs that somebody else wrote, so
 * counts and lengths are bounded.  Nothing that was asked for may be lost on the way:
 * whatever cannot be kept is an error, for a KRL that misses an entry lets somebody in.
 */
#include "crypto/krlmake.h"

#include <stdlib.h>

#include "crypto/krl_format.h"

enum { ROOM_AT_FIRST = 64 };

static const char *
add(struct krlmake *k, struct krlmake_entry e, struct blob bytes)
{
	struct krlmake_entry *more;
	size_t room = k->room == 0 ? ROOM_AT_FIRST : 2 * k->room;

	if (k->n == KRLMAKE_ENTRIES_MAX)
		return "too many entries";
	if (k->n == k->room) {
		more = reallocarray(k->entries, room, sizeof(*more));
		if (more == NULL)
			return "no memory";
		k->entries = more;
		k->room = room;
	}
	if (e.kind != KRL_SERIALS) {
		e.bytes = malloc(bytes.n + 1);		/* a key id may be empty */
		if (e.bytes == NULL)
			return "no memory";
		e.n = bytes.n;
		if (bytes.n > 0)
			memcpy(e.bytes, bytes.p, bytes.n);
	}
	k->entries[k->n++] = e;
	return NULL;
}

static const char *
find_ca(struct krlmake *k, struct blob ca, uint32_t *index)
{
	size_t i = 0;

	while (i < k->n_cas && !blob_is(ca, k->cas[i].blob, k->cas[i].n))
		i++;
	*index = (uint32_t)i;
	if (i < k->n_cas)
		return NULL;
	if (i == KRLMAKE_CAS_MAX)
		return "too many CAs";
	k->cas[i].blob = malloc(ca.n + 1);
	if (k->cas[i].blob == NULL)
		return "no memory";
	if (ca.n > 0)
		memcpy(k->cas[i].blob, ca.p, ca.n);
	k->cas[i].n = ca.n;
	k->n_cas++;
	return NULL;
}

const char *
krlmake_serials(struct krlmake *k, struct blob ca, uint64_t low, uint64_t high)
{
	struct krlmake_entry e = { .kind = KRL_SERIALS, .low = low, .high = high };
	const char *why = low == 0 ? "serial number 0 names no certificate" :
	    low > high ? "the range ends before it begins" : find_ca(k, ca, &e.ca);

	return why != NULL ? why : add(k, e, blob_of(NULL, 0));
}

const char *
krlmake_key_id(struct krlmake *k, struct blob ca, struct blob id)
{
	struct krlmake_entry e = { .kind = KRL_KEY_ID };
	const char *why = id.n > KRLMAKE_KEY_ID_MAX ? "the key id is too long" :
	    find_ca(k, ca, &e.ca);

	return why != NULL ? why : add(k, e, id);
}

const char *
krlmake_key(struct krlmake *k, enum krl_kind kind, const uint8_t *blob, size_t n)
{
	struct krlmake_entry e = { .kind = kind };
	uint8_t plain[KEY_BLOB_MAX], digest[KRL_SHA256_LEN];
	const char *why;
	struct cert cert;
	int r;

	if (cert_is(blob, n)) {
		if (cert_parse(blob, n, &cert, &why) != 0)
			return why;
		if (cert_plain(&cert, plain, sizeof(plain), &n) != 0)
			return "the key is too long";
		blob = plain;
	}
	if (kind == KRL_KEY)
		return n > KEY_BLOB_MAX ? "the key is too long" : add(k, e, blob_of(blob, n));
	r = hash_once(kind == KRL_SHA1 ? HASH_SHA1 : HASH_SHA256, blob, n, digest);
	return r != 0 ? "no such digest" :
	    add(k, e, blob_of(digest, kind == KRL_SHA1 ? KRL_SHA1_LEN : KRL_SHA256_LEN));
}

const char *
krlmake_sha256(struct krlmake *k, const uint8_t digest[32])
{
	struct krlmake_entry e = { .kind = KRL_SHA256 };

	return add(k, e, blob_of(digest, KRL_SHA256_LEN));
}

const char *
krlmake_cert(struct krlmake *k, const struct cert *c)
{
	return c->serial != 0 ? krlmake_serials(k, c->ca_key, c->serial, c->serial) :
	    krlmake_key_id(k, c->ca_key, c->key_id);
}

/* ---- from a KRL ---- */

struct loading { struct krlmake *k; const char *why; };

static const char *
load_bitmap(struct krlmake *k, const struct krl_item *item)
{
	uint64_t bits = 8 * (uint64_t)item->data.n, from = 0;
	const char *why = NULL;
	bool in = false;

	for (uint64_t i = 0; i <= bits && why == NULL; i++) {
		bool set = i < bits && (item->data.p[item->data.n - 1 - i / 8] >> i % 8 & 1) != 0;

		if (set && !in && item->low + i != 0)	/* 0 names no certificate */
			from = i;
		if (!set && in)
			why = krlmake_serials(k, item->ca, item->low + from, item->low + i - 1);
		in = set && item->low + i != 0;
	}
	return why;
}

static void
load(void *to, const struct krl_item *item)
{
	struct loading *l = to;
	struct krlmake_entry e = { .kind = item->kind };

	if (l->why != NULL)
		return;
	switch (item->kind) {
	case KRL_SERIALS: l->why = krlmake_serials(l->k, item->ca, item->low, item->high); break;
	case KRL_BITMAP:  l->why = load_bitmap(l->k, item); break;
	case KRL_KEY_ID:  l->why = krlmake_key_id(l->k, item->ca, item->data); break;
	case KRL_KEY:
	case KRL_SHA1:
	case KRL_SHA256:  l->why = add(l->k, e, item->data); break;
	}
}

const char *
krlmake_load(struct krlmake *k, const uint8_t *file, size_t n)
{
	struct loading l = { .k = k };
	struct krl_about about;
	const char *why = krl_each(file, n, &about, load, &l);

	if (why != NULL || l.why != NULL)
		return why != NULL ? why : l.why;
	if (about.comment.n >= sizeof(k->comment))
		return "the comment is too long";
	k->version = about.version;
	k->date = about.date;
	k->flags = about.flags;
	if (about.comment.n > 0)
		memcpy(k->comment, about.comment.p, about.comment.n);
	k->comment[about.comment.n] = '\0';
	return NULL;
}

/* ---- in order ---- */

static int
by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static bool
is_of_ca(const struct krlmake_entry *e)
{
	return e->kind == KRL_SERIALS || e->kind == KRL_KEY_ID;
}

static int
by_order(const void *a, const void *b)
{
	const struct krlmake_entry *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int r = (int)is_of_ca(y) - (int)is_of_ca(x);

	if (r == 0)
		r = by_number(x->ca, y->ca);
	if (r == 0)
		r = by_number(x->kind, y->kind);
	if (r == 0)
		r = by_number(x->low, y->low);
	if (r == 0 && n > 0)
		r = memcmp(x->bytes, y->bytes, n);
	return r != 0 ? r : by_number(x->n, y->n);
}

/* Is e in front's serials, or right behind them, or the same? */
static bool
joins(const struct krlmake_entry *front, const struct krlmake_entry *e)
{
	if (front->kind != e->kind || front->ca != e->ca)
		return false;
	if (e->kind == KRL_SERIALS)
		return front->high == UINT64_MAX || e->low <= front->high + 1;
	return front->n == e->n && (e->n == 0 || memcmp(front->bytes, e->bytes, e->n) == 0);
}

void
krlmake_settle(struct krlmake *k)
{
	size_t kept = 0;

	if (k->n > 0)
		qsort(k->entries, k->n, sizeof(k->entries[0]), by_order);
	for (size_t i = 0; i < k->n; i++) {
		struct krlmake_entry *e = &k->entries[i];
		struct krlmake_entry *front = kept > 0 ? &k->entries[kept - 1] : NULL;

		if (front == NULL || !joins(front, e)) {
			k->entries[kept++] = *e;
			continue;
		}
		if (e->high > front->high)
			front->high = e->high;
		free(e->bytes);
	}
	k->n = kept;
}

void
krlmake_free(struct krlmake *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->entries[i].bytes);
	for (size_t i = 0; i < k->n_cas; i++)
		free(k->cas[i].blob);
	free(k->entries);
	*k = (struct krlmake){ .n = 0 };
}
