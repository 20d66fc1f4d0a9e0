/*
 * krl.c - is this key or certificate revoked by a KRL?
 *
 * The file is the administrator's, but it travels, so it is read as if an attacker had
 * written it: one walk over borrowed bytes, every length bounded, the same for the check
 * at load time and for each question.  Whatever is not understood (a section of another
 * kind, a critical extension) makes the whole file unfit: a list
 * of revocations that is read in part lets somebody in.  Signed KRLs were never made by
 * anybody, and OpenSSH has dropped them; they are refused too.
 */
#include "crypto/krl.h"

#include "crypto/hash.h"
#include "crypto/krl_format.h"

enum { NAMES_MAX = 1024 };
static const uint8_t magic[8] = KRL_MAGIC;

/* A walk over a KRL, and who is told of what. */
struct tour {
	krl_visit *visit;
	void *to;
	struct blob ca;			/* of the section it is in */
};

/* A key that is asked about, with its digests: SHA-1 if the file has one, for there are
 * crypto providers without it. */
struct subject {
	struct blob key;
	bool has_sha1;
	uint8_t sha1[KRL_SHA1_LEN], sha256[KRL_SHA256_LEN];
};
struct question {
	struct subject keys[2];		/* the key; and its CA's                     */
	size_t n;			/* 0: the file is only looked at             */
	const struct cert *cert;	/* NULL: none                                */
	bool needs_sha1, revoked;
};

static uint64_t
take_u64(struct blob *in)
{
	uint64_t high = blob_u32(in);

	return high << 32 | blob_u32(in);
}

static uint8_t
take_u8(struct blob *in)
{
	struct blob b = blob_take(in, 1);

	return b.n == 1 ? b.p[0] : 0;
}

static void
tell(const struct tour *t, enum krl_kind kind, uint64_t low, uint64_t high, struct blob data)
{
	struct krl_item item = { kind, t->ca, low, high, data };

	t->visit(t->to, &item);
}

/* ---- certificates of one CA, or of any ---- */

/* Serial 0 is what a CA writes that numbers nothing: it names no certificate. */
static bool
walk_run(const struct tour *t, uint64_t low, uint64_t high)
{
	if (low == 0 || low > high)
		return false;
	tell(t, KRL_SERIALS, low, high, blob_of(NULL, 0));
	return true;
}

/* The mpint's bit i stands for serial offset + i. */
static bool
walk_bitmap(const struct tour *t, struct blob in)
{
	uint64_t offset = take_u64(&in);
	struct blob map = blob_string(&in, KRL_BITMAP_MAX);

	if (!blob_done(&in) || (map.n > 0 && (map.p[0] & 0x80) != 0))
		return false;
	while (map.n > 0 && map.p[0] == 0)
		(void)blob_take(&map, 1);
	for (unsigned i = 0; map.n > 0 && i < 8; i++)	/* no serial is beyond the last */
		if ((map.p[0] >> i & 1) != 0 && offset > UINT64_MAX - (8 * (map.n - 1) + i))
			return false;
	tell(t, KRL_BITMAP, offset, 0, map);
	return true;
}

static bool
walk_key_ids(const struct tour *t, struct blob in)
{
	while (in.n > 0 && !in.bad) {
		struct blob id = blob_string(&in, KRL_FILE_MAX);

		if (!in.bad)
			tell(t, KRL_KEY_ID, 0, 0, id);
	}
	return blob_done(&in);
}

/* One that is critical means something, and nobody here knows what. */
static bool
walk_extension(struct blob in)
{
	bool critical;

	(void)blob_string(&in, NAMES_MAX);
	critical = take_u8(&in) != 0;
	(void)blob_string(&in, KRL_FILE_MAX);
	return blob_done(&in) && !critical;
}

static bool
walk_serials(const struct tour *t, struct blob in)
{
	while (in.n > 0 && !in.bad) {
		uint64_t serial = take_u64(&in);

		if (!in.bad && !walk_run(t, serial, serial))
			return false;
	}
	return blob_done(&in);
}

static bool
walk_range(const struct tour *t, struct blob in)
{
	uint64_t low = take_u64(&in), high = take_u64(&in);

	return blob_done(&in) && walk_run(t, low, high);
}

static bool
walk_certificates(struct tour *t, struct blob in)
{
	struct blob data;
	bool good = true;

	t->ca = blob_string(&in, KEY_BLOB_MAX);
	(void)blob_string(&in, KRL_FILE_MAX);		/* reserved */
	while (good && in.n > 0 && !in.bad) {
		uint8_t kind = take_u8(&in);

		data = blob_string(&in, KRL_FILE_MAX);
		if (in.bad)
			return false;
		switch (kind) {
		case CERT_SERIALS:   good = walk_serials(t, data); break;
		case CERT_RANGE:     good = walk_range(t, data); break;
		case CERT_BITMAP:    good = walk_bitmap(t, data); break;
		case CERT_KEY_IDS:   good = walk_key_ids(t, data); break;
		case CERT_EXTENSION: good = walk_extension(data); break;
		default:             good = false; break;
		}
	}
	return good && blob_done(&in);
}

/* ---- keys, and their digests ---- */

static bool
walk_keys(const struct tour *t, enum krl_kind kind, struct blob in)
{
	size_t digest = kind == KRL_SHA1 ? KRL_SHA1_LEN : kind == KRL_SHA256 ? KRL_SHA256_LEN : 0;

	while (in.n > 0 && !in.bad) {
		struct blob one = blob_string(&in, KEY_BLOB_MAX);

		if (in.bad || (digest != 0 ? one.n != digest : one.n == 0))
			return false;
		tell(t, kind, 0, 0, one);
	}
	return blob_done(&in);
}

bool
krl_is(const uint8_t *file, size_t n)
{
	return n >= sizeof(magic) && memcmp(file, magic, sizeof(magic)) == 0;
}

const char *
krl_each(const uint8_t *file, size_t n, struct krl_about *about, krl_visit *visit, void *to)
{
	struct tour t = { .visit = visit, .to = to };
	struct blob in = blob_of(file, n);
	bool good = true;

	if (n > KRL_FILE_MAX)
		return "too large";
	if (!krl_is(file, n))
		return "not a KRL";
	(void)blob_take(&in, sizeof(magic));	/* it is there */
	if (blob_u32(&in) != KRL_FORMAT_VERSION)
		return "a KRL of an unknown version";
	about->version = take_u64(&in);
	about->date = take_u64(&in);
	about->flags = take_u64(&in);
	(void)blob_string(&in, KRL_FILE_MAX);	/* reserved */
	about->comment = blob_string(&in, KRL_FILE_MAX);
	while (good && in.n > 0 && !in.bad) {
		uint8_t kind = take_u8(&in);
		struct blob data = blob_string(&in, KRL_FILE_MAX);

		if (in.bad)
			break;
		switch (kind) {
		case SECTION_CERTIFICATES: good = walk_certificates(&t, data); break;
		case SECTION_KEYS:         good = walk_keys(&t, KRL_KEY, data); break;
		case SECTION_SHA1:         good = walk_keys(&t, KRL_SHA1, data); break;
		case SECTION_SHA256:       good = walk_keys(&t, KRL_SHA256, data); break;
		case SECTION_EXTENSION:    good = walk_extension(data); break;
		default:                   return "a KRL with a section of an unknown kind";
		}
	}
	return good && blob_done(&in) ? NULL : "a malformed KRL";
}

/* ---- questions ---- */

static bool
ask_about(struct question *q, const uint8_t *blob, size_t n)
{
	struct subject *s = &q->keys[q->n++];

	s->key = blob_of(blob, n);
	return hash_once(HASH_SHA256, blob, n, s->sha256) == 0;
}

static bool
has_bit(struct blob map, uint64_t i)
{
	return i / 8 < map.n && (map.p[map.n - 1 - i / 8] >> i % 8 & 1) != 0;
}

static bool
is_cert(const struct cert *c, const struct krl_item *i)
{
	if (c == NULL || (i->ca.n > 0 && !blob_is(i->ca, c->ca_key.p, c->ca_key.n)))
		return false;
	if (i->kind == KRL_KEY_ID)
		return blob_is(i->data, c->key_id.p, c->key_id.n);
	if (c->serial == 0 || c->serial < i->low)
		return false;
	return i->kind == KRL_BITMAP ? has_bit(i->data, c->serial - i->low) : c->serial <= i->high;
}

/* Without memory for the digest it is. */
static bool
is_sha1(struct subject *s, struct blob digest)
{
	if (!s->has_sha1 && hash_once(HASH_SHA1, s->key.p, s->key.n, s->sha1) != 0)
		return true;
	s->has_sha1 = true;
	return blob_is(digest, s->sha1, sizeof(s->sha1));
}

static bool
is_key(struct subject *s, const struct krl_item *i)
{
	if (i->kind == KRL_KEY)
		return blob_is(i->data, s->key.p, s->key.n);
	return i->kind == KRL_SHA1 ? is_sha1(s, i->data) :
	    blob_is(i->data, s->sha256, sizeof(s->sha256));
}

static void
answer(void *question, const struct krl_item *item)
{
	struct question *q = question;

	if (item->kind == KRL_SERIALS || item->kind == KRL_BITMAP || item->kind == KRL_KEY_ID) {
		q->revoked = q->revoked || is_cert(q->cert, item);
		return;
	}
	q->needs_sha1 = q->needs_sha1 || item->kind == KRL_SHA1;
	for (size_t i = 0; i < q->n; i++)
		q->revoked = q->revoked || is_key(&q->keys[i], item);
}

int
krl_check(const uint8_t *file, size_t n, const char **why)
{
	struct question none = { .n = 0 };
	struct krl_about about;

	*why = krl_each(file, n, &about, answer, &none);
	/* it could be asked nothing, and would revoke everybody */
	if (*why == NULL && none.needs_sha1 && !hash_has(HASH_SHA1))
		*why = "a KRL with SHA-1 digests, which the crypto provider does not have";
	return *why == NULL ? 0 : -1;
}

bool
krl_revokes(const uint8_t *file, size_t n, const uint8_t *plain, size_t plain_len,
    const struct cert *cert)
{
	struct question q = { .cert = cert };
	struct krl_about about;

	if (!ask_about(&q, plain, plain_len) ||
	    (cert != NULL && !ask_about(&q, cert->ca_key.p, cert->ca_key.n)))
		return true;		/* no memory */
	return krl_each(file, n, &about, answer, &q) != NULL || q.revoked;
}
