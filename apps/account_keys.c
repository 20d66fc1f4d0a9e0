/*
 * account_keys.c - the lines of authorized_keys.
 *
 * A line is taken whole or not at all.  The text is the user's, or the output of the
 * administrator's command: it may hold anything and many thousand lines, so a line
 * that does not have the key costs a look at its beginning.  Why a line that has it
 * grants nothing is for the log.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/account.h"
#include "apps/account_options.h"

enum { TYPE_MAX = 64, BASE64_MAX = (ACCOUNT_KEY_MAX + 2) / 3 * 4 };

/* The key as a line writes it. */
struct written {
	char type[TYPE_MAX + 1], base64[BASE64_MAX + 1];
	size_t type_len, base64_len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The type stands in front of a key's blob [RFC 4253 6.6].  What a line could not
 * hold as one word is no type. */
static bool write_key(const uint8_t *blob, size_t len, struct written *out)
{
	size_t n;

	if (len < 4 || len > ACCOUNT_KEY_MAX)
		return false;
	n = (size_t)blob[0] << 24 | (size_t)blob[1] << 16 | (size_t)blob[2] << 8 | blob[3];
	if (n == 0 || n > len - 4 || n > TYPE_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (blob[4 + i] <= ' ' || blob[4 + i] > '~' || strchr(",\"#", blob[4 + i]) != NULL)
			return false;
	memcpy(out->type, blob + 4, n);
	out->type[n] = '\0';
	out->type_len = n;
	sodium_bin2base64(out->base64, sizeof(out->base64), blob, len,
	    sodium_base64_VARIANT_ORIGINAL);
	out->base64_len = strlen(out->base64);
	return true;
}

/* "type base64" at p, and is it this key?  A blob has one writing in base64. */
static bool is_key(const char *p, const struct written *key)
{
	if (strncmp(p, key->type, key->type_len) != 0 || !is_blank(p[key->type_len]))
		return false;
	p += key->type_len;
	p += strspn(p, " \t");
	return strncmp(p, key->base64, key->base64_len) == 0 &&
	    (p[key->base64_len] == '\0' || is_blank(p[key->base64_len]));
}

/* One line without its newline, with its options in o.  False with why "": it does not
 * have the key. */
static bool line_grants(const char *p, const struct written *key, const struct account_wanted *w,
    struct account_options *o, char why[ACCOUNT_NOTE_MAX])
{
	const char *end;
	bool bare;

	why[0] = '\0';
	p += strspn(p, " \t");
	if (*p == '\0' || *p == '#')
		return false;
	bare = is_key(p, key);
	end = bare ? p : account_options_end(p);
	if (end == NULL) {
		/* where its options end nobody can say: is the key in there? */
		if (strstr(p, key->base64) != NULL)
			(void)snprintf(why, ACCOUNT_NOTE_MAX, "a quote is not closed, or the key "
			    "stands behind no blank");
		return false;
	}
	if (bare)
		*o = (struct account_options){ 0 };
	else if (!is_key(end + strspn(end, " \t"), key) ||
	    !account_options_read(o, p, end, w->user_environment, why))
		return false;
	/* as sshd: neither stands for the other, so that a key that was listed as one
	 * thing is never used as the other */
	if (o->is_authority != w->is_certificate) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, o->is_authority ?
		    "the key is listed as cert-authority, not to log in with" :
		    "the certificate's authority is listed without cert-authority");
		return false;
	}
	return account_options_allow(o, w, why);
}

static bool search(char *text, size_t len, const struct written *key,
    const struct account_wanted *w, struct account_options *o, char why[ACCOUNT_NOTE_MAX])
{
	size_t at = 0;

	for (size_t number = 1; at < len; number++) {
		char wrong[ACCOUNT_NOTE_MAX] = "";
		char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - line) : len - at;

		at += n + 1;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		line[n] = '\0';		/* text has a NUL behind its last byte */
		if (n > ACCOUNT_FILE_LINE_MAX)
			(void)snprintf(wrong, sizeof(wrong), "longer than %d bytes",
			    ACCOUNT_FILE_LINE_MAX);
		else if (strlen(line) != n)
			(void)snprintf(wrong, sizeof(wrong), "a NUL byte");
		else if (line_grants(line, key, w, o, wrong))
			return true;
		if (wrong[0] != '\0')
			(void)snprintf(why, ACCOUNT_NOTE_MAX, "line %zu: %.400s", number, wrong);
	}
	return false;
}

bool account_keys_search(char *text, size_t len, const struct account_wanted *w,
    struct account_grant *grant, char why[ACCOUNT_NOTE_MAX])
{
	struct written *key = malloc(sizeof(*key));
	struct account_options *o = malloc(sizeof(*o));
	bool found = key != NULL && o != NULL && write_key(w->blob, w->len, key) &&
	    search(text, len, key, w, o, why);

	*grant = found ? o->grant : (struct account_grant){ 0 };
	free(key);
	free(o);
	return found;
}

bool account_keys_listed(char *text, size_t len, const uint8_t *blob, size_t blob_len)
{
	struct written *key = malloc(sizeof(*key));
	bool found = key != NULL && write_key(blob, blob_len, key);

	if (!found)
		len = 0;
	found = false;
	for (size_t at = 0; at < len && !found;) {
		char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - line) : len - at;

		at += n + 1;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		line[n] = '\0';		/* text has a NUL behind its last byte */
		found = strlen(line) == n && is_key(line + strspn(line, " \t"), key);
	}
	free(key);
	return found;
}
