/*
 * krl_list.c - a list of revoked public keys, a line "type base64 [comment]" each.
 *
 * It is the administrator's, and read to its end or not at all, for a list that is read
 * in part lets somebody in.  What is kept is the SHA-256 of each key, sorted: a question
 * comes with every key that a stranger shows, and must not cost reading 16 MiB of base64.
 * A certificate in the list stands for its key.
 */
#include <sodium.h>
#include <stdlib.h>

#include "crypto/krl.h"

enum { DIGEST = 32, ROOM_AT_FIRST = 64 };

struct krl_list {
	size_t n, room;
	uint8_t (*digests)[DIGEST];	/* sorted once it is read                   */
};

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST);
}

static const char *
add(struct krl_list *l, struct blob key)
{
	uint8_t (*more)[DIGEST];
	size_t room = l->room == 0 ? ROOM_AT_FIRST : 2 * l->room;

	if (l->n == KRL_LIST_KEYS_MAX)
		return "too many keys";
	if (l->n == l->room) {
		more = realloc(l->digests, room * sizeof(*more));
		if (more == NULL)
			return "out of memory";
		l->digests = more;
		l->room = room;
	}
	return hash_once(HASH_SHA256, key.p, key.n, l->digests[l->n++]) == 0 ? NULL :
	    "out of memory";
}

static struct blob
field(struct blob *line)
{
	struct blob f;
	size_t n = 0;

	while (line->n > 0 && (line->p[0] == ' ' || line->p[0] == '\t'))
		(void)blob_take(line, 1);	/* it is there */
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	f = blob_take(line, n);
	return f;
}

static const char *
read_line(struct krl_list *l, struct blob line)
{
	static const char no_list[] = "neither a KRL nor a list of public keys";
	struct blob type = field(&line), text = field(&line), inside, own;
	uint8_t blob[KEY_BLOB_MAX], plain[KEY_BLOB_MAX];
	const char *why;
	struct cert cert;
	size_t n;

	if (type.n == 0 || type.p[0] == '#')
		return NULL;
	if (sodium_base642bin(blob, sizeof(blob), (const char *)text.p, text.n, NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0)
		return no_list;
	inside = blob_of(blob, n);
	own = blob_string(&inside, NAME_MAX_LEN);
	if (inside.bad || inside.n == 0 || !blob_is(type, own.p, own.n))
		return no_list;
	inside = blob_of(blob, n);
	if (cert_is(blob, n)) {
		if (cert_parse(blob, n, &cert, &why) != 0 ||
		    cert_plain(&cert, plain, sizeof(plain), &n) != 0)
			return no_list;
		inside = blob_of(plain, n);
	}
	return add(l, inside);
}

static const char *
read_lines(struct krl_list *l, struct blob in, uint32_t *number)
{
	const char *why = NULL;

	while (in.n > 0 && why == NULL) {
		const uint8_t *end = memchr(in.p, '\n', in.n);
		size_t n = end != NULL ? (size_t)(end - in.p) : in.n;
		struct blob line = blob_take(&in, n);

		if (end != NULL)
			(void)blob_take(&in, 1);	/* the newline */
		++*number;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > KRL_LINE_MAX || (line.n > 0 && memchr(line.p, 0, line.n) != NULL))
			why = "neither a KRL nor a list of public keys";
		else
			why = read_line(l, line);
	}
	return why;
}

struct krl_list *
krl_list_read(const uint8_t *file, size_t n, const char **why, uint32_t *line)
{
	struct krl_list *l = calloc(1, sizeof(*l));

	*line = 0;
	if (l == NULL)
		*why = "out of memory";
	else
		*why = n > KRL_FILE_MAX ? "too large" : read_lines(l, blob_of(file, n), line);
	if (*why != NULL) {
		krl_list_free(l);
		return NULL;
	}
	*line = 0;
	if (l->n > 0)
		qsort(l->digests, l->n, DIGEST, by_bytes);
	return l;
}

void
krl_list_free(struct krl_list *l)
{
	if (l == NULL)
		return;
	free(l->digests);
	free(l);
}

static bool
has(const struct krl_list *l, const uint8_t *blob, size_t n)
{
	uint8_t digest[DIGEST];

	if (l->n == 0)
		return false;
	/* without memory it is: what cannot be asked lets nobody in */
	return hash_once(HASH_SHA256, blob, n, digest) != 0 ||
	    bsearch(digest, l->digests, l->n, DIGEST, by_bytes) != NULL;
}

bool
krl_list_revokes(const struct krl_list *l, const uint8_t *plain, size_t plain_len,
    const struct cert *cert)
{
	return has(l, plain, plain_len) ||
	    (cert != NULL && has(l, cert->ca_key.p, cert->ca_key.n));
}
