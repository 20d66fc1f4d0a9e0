/*
 * keygen_hosts.c - hosts in a known_hosts file: found (-F), removed (-R), hashed (-H),
 * as sshd(8) has the format under SSH_KNOWN_HOSTS FILE FORMAT.
 *
 * A line that is not understood is kept as it is, and never counts as a host's.  The
 * file is replaced as a whole, and what it was stays beside it under .old.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/conf_pattern.h"
#include "apps/keygen.h"

enum { SALT = 20, FILE_MAX = 64 << 20, HOST_MAX = 1024 };

struct line {
	char *names;			/* the field; within the copy */
	char *rest;			/* blanks and the key behind it */
	const char *marker;		/* as ssh-keygen names it */
	struct keygen_public public;
};

struct hosts {
	const struct keygen *k;
	const char *path;
	char name[HOST_MAX];		/* sought, in small letters */
	size_t found, number;
	FILE *out;			/* the new file; NULL for -F */
};

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* False: a comment, or nothing that is understood. */
static bool
split(char *copy, struct line *l)
{
	const char *key;

	l->marker = "";
	copy += strspn(copy, " \t");
	if (*copy == '\0' || *copy == '#')
		return false;
	if (*copy == '@') {
		size_t n = strcspn(copy, " \t");

		l->marker = strncmp(copy, "@cert-authority", n) == 0 ? "CA" :
		    strncmp(copy, "@revoked", n) == 0 ? "REVOKED" : NULL;
		if (l->marker == NULL)
			return false;
		copy += n;
		copy += strspn(copy, " \t");
	}
	l->names = copy;
	copy += strcspn(copy, " \t");
	if (*copy == '\0')
		return false;
	*copy = '\0';
	l->rest = copy + 1;
	key = l->rest;
	return keygen_public_take(&key, &l->public);
}

/* The HMAC of a name, keyed with the salt: |1|salt|hash. */
static bool
hash_name(const uint8_t salt[SALT], const char *name, char *out, size_t size)
{
	char a[64], b[64];
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(EVP_sha1(), salt, SALT, (const uint8_t *)name, strlen(name), mac, &n) == NULL)
		return false;
	(void)sodium_bin2base64(a, sizeof(a), salt, SALT, sodium_base64_VARIANT_ORIGINAL);
	(void)sodium_bin2base64(b, sizeof(b), mac, n, sodium_base64_VARIANT_ORIGINAL);
	return snprintf(out, size, "|1|%s|%s", a, b) < (int)size;
}

static bool
is_hashed(const char *names)
{
	return strncmp(names, "|1|", 3) == 0;
}

static bool
matches(const char *names, const char *name)
{
	char copy[KEYGEN_LINE_MAX], again[256];
	uint8_t salt[SALT];
	size_t n;

	if (is_hashed(names)) {
		size_t len = strcspn(names + 3, "|");

		return sodium_base642bin(salt, sizeof(salt), names + 3, len, NULL, &n, NULL,
		    sodium_base64_VARIANT_ORIGINAL) == 0 && n == SALT &&
		    hash_name(salt, name, again, sizeof(again)) && strcmp(again, names) == 0;
	}
	if (snprintf(copy, sizeof(copy), "%s", names) >= (int)sizeof(copy))
		return false;
	lower(copy);
	return conf_pattern_list(copy, name) == 1;
}

/* ---- the three jobs, a line each ---- */

static void
found(struct hosts *h, const char *line, const struct line *l)
{
	h->found++;
	if (h->out != NULL) {		/* -R: it is left out */
		(void)printf("# Host %s found: line %zu\n", h->k->host_name, h->number);
		return;
	}
	if (!h->k->quiet)
		(void)printf("# Host %s found: line %zu %s\n", h->k->host_name, h->number, l->marker);
	(void)printf("%s\n", line);
}

static void
hash_names(struct hosts *h, const char *line, struct line *l)
{
	char *rest = l->names, *one, text[256];
	uint8_t salt[SALT];

	if (is_hashed(l->names) || *l->marker != '\0') {
		(void)fprintf(h->out, "%s\n", line);
		return;
	}
	if (strpbrk(l->names, "*?!") != NULL) {
		(void)fprintf(stderr, "%s:%zu: a name with wildcards is not hashed: %s\n", h->path,
		    h->number, l->names);
		(void)fprintf(h->out, "%s\n", line);
		return;
	}
	lower(l->names);
	while ((one = strsep(&rest, ",")) != NULL) {
		randombytes_buf(salt, sizeof(salt));
		if (*one != '\0' && hash_name(salt, one, text, sizeof(text)))
			(void)fprintf(h->out, "%s %s\n", text, l->rest);
	}
}

static void
one_line(struct hosts *h, const char *line, char *copy)
{
	static struct line l;
	bool understood = split(copy, &l);

	if (h->k->job == 'H' && understood)
		hash_names(h, line, &l);
	/* -R takes the keys of a host, not the authorities that speak for it */
	else if (understood && h->k->job != 'H' && matches(l.names, h->name) &&
	    (h->k->job == 'F' || *l.marker == '\0'))
		found(h, line, &l);
	else if (h->out != NULL)
		(void)fprintf(h->out, "%s\n", line);
}

static enum keygen_status
each_line(struct hosts *h, char *text)
{
	for (char *line = text, *next; line != NULL; line = next) {
		char *copy;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		else if (*line == '\0')
			break;
		h->number++;
		copy = strdup(line);
		if (copy == NULL)
			return keygen_fail(KEYGEN_FAILED, "no memory");
		one_line(h, line, copy);
		free(copy);
	}
	return KEYGEN_FINE;
}

/* ---- the file ---- */

static enum keygen_status
replace(const struct hosts *h, const char *text, size_t n)
{
	char old[KEYGEN_PATH_MAX];
	enum keygen_status s;

	if (snprintf(old, sizeof(old), "%s.old", h->path) >= (int)sizeof(old))
		return keygen_fail(KEYGEN_FAILED, "the path is too long");
	(void)unlink(old);		/* of the last time, if it is there */
	if (link(h->path, old) != 0)
		return keygen_fail(KEYGEN_FAILED, "%s cannot be made", old);
	s = keygen_file_write(h->path, 0600, text, n, true);
	if (s != KEYGEN_FINE)
		return s;
	(void)printf("%s updated.\nOriginal contents retained as %s\n", h->path, old);
	if (h->k->job == 'H')
		(void)fprintf(stderr, "WARNING: %s contains unhashed entries\n"
		    "Delete this file to ensure privacy of hostnames\n", old);
	return KEYGEN_FINE;
}

static enum keygen_status
run(struct hosts *h, char *text)
{
	bool changes = h->k->job != 'F';
	char *made = NULL;
	size_t made_n = 0;
	enum keygen_status s;

	if (changes && (h->out = open_memstream(&made, &made_n)) == NULL)
		return keygen_fail(KEYGEN_FAILED, "no memory");
	s = each_line(h, text);
	if (h->out != NULL && fclose(h->out) != 0 && s == KEYGEN_FINE)
		s = keygen_fail(KEYGEN_FAILED, "no memory");
	if (s == KEYGEN_FINE && h->k->job == 'R' && h->found == 0)
		(void)fprintf(stderr, "Host %s not found in %s\n", h->k->host_name, h->path);
	else if (s == KEYGEN_FINE && changes)
		s = replace(h, made, made_n);
	else if (s == KEYGEN_FINE && h->found == 0)
		s = KEYGEN_FAILED;
	free(made);
	return s;
}

enum keygen_status
keygen_hosts(const struct keygen *k)
{
	const struct passwd *pw = getpwuid(getuid());
	char path[KEYGEN_PATH_MAX], *text;
	struct hosts h = { .k = k, .path = path };
	enum keygen_status s;
	size_t n;
	int len;

	len = k->file != NULL ? snprintf(path, sizeof(path), "%s", k->file) :
	    snprintf(path, sizeof(path), "%s/.ssh/known_hosts", pw != NULL ? pw->pw_dir : "");
	if (len < 0 || len >= (int)sizeof(path) || (k->host_name != NULL &&
	    snprintf(h.name, sizeof(h.name), "%s", k->host_name) >= (int)sizeof(h.name)))
		return keygen_fail(KEYGEN_FAILED, "the name is too long");
	lower(h.name);
	s = keygen_file_slurp(path, FILE_MAX, &text, &n);
	if (s != KEYGEN_FINE)
		return s;
	s = run(&h, text);
	free(text);
	return s;
}
