/*
 * monitor_known_hosts.c - the known_hosts format (sshd(8), SSH_KNOWN_HOSTS FILE
 * FORMAT): bytes in, an opinion out.
 *
 * The file is the user's own, but may be damaged or written by others' tools: a line
 * that is not understood says nothing, and never counts as a plain key.  A revoked
 * key is found wherever it stands.  A certificate authority's key vouches for
 * certificates and is never taken for a host's own.
 */
#include "privsep/monitor.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/wildcard.h"

enum { SALT = 20, SHA1 = 20, BASE64_MAX = 4 * ((KEY_BLOB_MAX + 2) / 3) + 1, SSH_PORT = 22 };

/* ---- fields ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next field of a line, without the blanks before it; empty at the end. */
static struct span
field(struct span *line)
{
	struct span f;

	while (line->n > 0 && is_blank(line->p[0])) {
		line->p++;
		line->n--;
	}
	f = span_of(line->p, 0);
	while (f.n < line->n && !is_blank(line->p[f.n]))
		f.n++;
	line->p += f.n;
	line->n -= f.n;
	return f;
}

static bool
unbase64(struct span text, uint8_t *out, size_t cap, size_t *n)
{
	return sodium_base642bin(out, cap, (const char *)text.p, text.n, NULL, n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == 0;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* ---- names ---- */

static bool
name_hash(const uint8_t salt[SALT], const char *name, uint8_t out[SHA1])
{
	unsigned n = 0;

	return HMAC(EVP_sha1(), salt, SALT, (const unsigned char *)name, strlen(name), out,
	    &n) != NULL && n == SHA1;
}

/* |1|salt|hash */
static bool
hashed_matches(struct span f, const char *name)
{
	uint8_t salt[SALT], want[SHA1], have[SHA1];
	const uint8_t *bar;
	size_t n, salt_n, want_n;

	f = span_of(f.p + 3, f.n - 3);
	bar = memchr(f.p, '|', f.n);
	if (bar == NULL)
		return false;
	n = (size_t)(bar - f.p);
	return unbase64(span_of(f.p, n), salt, sizeof(salt), &salt_n) && salt_n == SALT &&
	    unbase64(span_of(bar + 1, f.n - n - 1), want, sizeof(want), &want_n) &&
	    want_n == SHA1 && name_hash(salt, name, have) && memcmp(want, have, SHA1) == 0;
}

/* A negated pattern that matches outranks all others of its line. */
static bool
names_match(struct span f, const char *name)
{
	struct span one;
	bool match = false;

	if (f.n >= 3 && memcmp(f.p, "|1|", 3) == 0)
		return hashed_matches(f, name);
	while (monitor_names_next(&f, &one)) {
		if (one.n > 0 && one.p[0] == '!') {
			if (wildcard_match_lower(one.p + 1, one.n - 1, name, strlen(name)))
				return false;
		} else if (wildcard_match_lower(one.p, one.n, name, strlen(name))) {
			match = true;
		}
	}
	return match;
}

/* ---- lines ---- */

enum marker { PLAIN = 0, REVOKED, AUTHORITY, OTHER };
struct line {
	enum marker marker;
	struct span names, type;
	uint8_t key[KEY_BLOB_MAX];
	size_t key_len;
};

/* Every SSH key blob is strings to its end: a truncated one is no key at all. */
static bool
is_key(const struct line *l)
{
	struct rd r = rd_of(span_of(l->key, l->key_len));
	struct span type = rd_blob(&r, NAME_MAX_LEN);

	if (r.bad || type.n == 0 || !span_eq(type, l->type) || r.n == 0)
		return false;
	while (r.n > 0 && !r.bad)
		(void)rd_blob(&r, l->key_len);
	return rd_done(&r);
}

static bool
parse(struct span text, struct line *l)
{
	struct span f, key;

	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	if (text.n > 0 && memchr(text.p, 0, text.n) != NULL)
		return false;
	f = field(&text);
	if (f.n == 0 || f.p[0] == '#')
		return false;
	l->marker = PLAIN;
	if (f.p[0] == '@') {
		l->marker = span_is(f, "@revoked") ? REVOKED :
		    span_is(f, "@cert-authority") ? AUTHORITY : OTHER;
		f = field(&text);
	}
	l->names = f;
	l->type = field(&text);
	key = field(&text);
	return key.n <= BASE64_MAX && unbase64(key, l->key, sizeof(l->key), &l->key_len) &&
	    is_key(l);
}

static struct span
key_type(struct span key)
{
	struct rd r = rd_of(key);

	return rd_blob(&r, NAME_MAX_LEN);
}

/* The next line of text, without its newline; false at the end. */
static bool
next_line(struct span *text, struct span *line)
{
	const uint8_t *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
	size_t n = end == NULL ? text->n : (size_t)(end - text->p);

	if (text->n == 0)
		return false;
	*line = span_of(text->p, n);
	*text = span_of(text->p + n, text->n - n);
	if (text->n > 0)		/* the newline */
		*text = span_of(text->p + 1, text->n - 1);
	return true;
}

bool
monitor_known_hosts_authority(struct span text, const char *name, struct span key)
{
	struct span line;
	struct line l;

	while (next_line(&text, &line))
		if (parse(line, &l) && l.marker == AUTHORITY && names_match(l.names, name) &&
		    (key.n == 0 || span_eq(span_of(l.key, l.key_len), key)))
			return true;
	return false;
}

/* ssh writes one name or one hash; what else stands there was put there by somebody. */
static bool
is_one_name(struct span names)
{
	for (size_t i = 0; i < names.n; i++)
		if (memchr("*?!,", names.p[i], 4) != NULL)
			return false;
	return true;
}

bool
monitor_known_hosts_next(struct span *text, const char *name, struct known_hosts_entry *e)
{
	struct span line;
	struct line l;

	while (next_line(text, &line)) {
		e->line++;
		if (!parse(line, &l))
			continue;
		e->is_host = names_match(l.names, name);
		e->is_revoked = l.marker == REVOKED;
		e->is_simple = l.marker == PLAIN && is_one_name(l.names);
		e->key_len = l.key_len;
		memcpy(e->key, l.key, l.key_len);
		return true;
	}
	return false;
}

void
monitor_known_hosts_types(struct span text, const char *name, char *types, size_t cap)
{
	struct span line;
	struct line l;

	while (next_line(&text, &line))
		if (parse(line, &l) && l.marker == PLAIN && names_match(l.names, name) &&
		    !monitor_names_has(span_str(types), l.type))
			(void)monitor_names_add(types, cap, l.type);	/* what has no room
							 * is only not preferred */
}

struct known_hosts_verdict
monitor_known_hosts_check(struct span text, const char *name, struct span key)
{
	struct known_hosts_verdict best = { IPC_UNKNOWN, 0 };
	bool trusted = false;
	uint32_t number = 0;
	struct span line;

	while (next_line(&text, &line)) {
		struct line l;
		bool same;

		number++;
		if (!parse(line, &l) || (l.marker != PLAIN && l.marker != REVOKED) ||
		    !names_match(l.names, name))
			continue;
		same = span_eq(span_of(l.key, l.key_len), key);
		if (l.marker == REVOKED && same)
			return (struct known_hosts_verdict){ IPC_REVOKED, number };
		if (l.marker == REVOKED)
			continue;
		if (same)
			trusted = true;
		else if (best.trust == IPC_UNKNOWN && span_eq(l.type, key_type(key)))
			best = (struct known_hosts_verdict){ IPC_CHANGED, number };
		else if (best.line == 0)
			best.line = number;
	}
	if (trusted)
		return (struct known_hosts_verdict){ 0, 0 };
	return best;
}

/* ---- writing ---- */

int
monitor_known_hosts_name(struct span host, uint32_t port, char out[KNOWN_HOSTS_NAME_MAX + 1])
{
	char name[257];
	int n;

	if (host.n == 0 || host.n >= sizeof(name))
		return -1;
	for (size_t i = 0; i < host.n; i++) {
		/* what the file would read as something else */
		if (host.p[i] <= ' ' || host.p[i] == 0x7f ||
		    memchr(",*?!|#@[]", host.p[i], 9) != NULL)
			return -1;
		name[i] = (char)lower(host.p[i]);
	}
	name[host.n] = 0;
	if (port == 0 || port == SSH_PORT)
		n = snprintf(out, KNOWN_HOSTS_NAME_MAX + 1, "%s", name);
	else
		n = snprintf(out, KNOWN_HOSTS_NAME_MAX + 1, "[%s]:%u", name, port);
	return n > 0 && n <= KNOWN_HOSTS_NAME_MAX ? 0 : -1;
}

static bool
hashed_name(const char *name, char out[KNOWN_HOSTS_NAME_MAX + 1])
{
	uint8_t salt[SALT], hash[SHA1];
	char salt64[32], hash64[32];

	crypto_random(salt, sizeof(salt));
	if (!name_hash(salt, name, hash))
		return false;
	(void)sodium_bin2base64(salt64, sizeof(salt64), salt, sizeof(salt),
	    sodium_base64_VARIANT_ORIGINAL);
	(void)sodium_bin2base64(hash64, sizeof(hash64), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(out, KNOWN_HOSTS_NAME_MAX + 1, "|1|%s|%s", salt64, hash64);
	return true;
}

int
monitor_known_hosts_line(const char *name, struct span key, bool hashed,
    char out[KNOWN_HOSTS_LINE_MAX + 1])
{
	char hash[KNOWN_HOSTS_NAME_MAX + 1], key64[BASE64_MAX];
	struct span type = key_type(key);
	int n;

	if (key.n > KEY_BLOB_MAX || type.n == 0 || (hashed && !hashed_name(name, hash)))
		return -1;
	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] <= ' ' || type.p[i] >= 0x7f)
			return -1;
	(void)sodium_bin2base64(key64, sizeof(key64), key.p, key.n,
	    sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(out, KNOWN_HOSTS_LINE_MAX + 1, "%s %.*s %s", hashed ? hash : name,
	    (int)type.n, (const char *)type.p, key64);
	return n > 0 && n <= KNOWN_HOSTS_LINE_MAX ? 0 : -1;
}

/* ---- reading ---- */

int
monitor_known_hosts_read(int fd, struct trust **out)
{
	struct span text;
	struct trust *t;
	int r = monitor_file_read(fd, KNOWN_HOSTS_MAX, &text);

	if (r != 0)
		return r;
	t = malloc(sizeof(*t) + text.n);
	if (t != NULL) {
		*t = (struct trust){ .n = text.n };
		memcpy(t->bytes, text.p, text.n);
		*out = t;
	}
	free((void *)(uintptr_t)text.p);
	return t != NULL ? 0 : -ENOMEM;
}
