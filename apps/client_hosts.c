/*
 * client_hosts.c - known_hosts files as this program changes them: a line is appended, or
 * the whole file is written anew beside the old one and takes its place.
 *
 * What is to be removed was counted in the file as the monitor read it.  So a file that
 * is not that one any more is left alone, and a line goes only if it still has the key.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "apps/client_hosts.h"
#include "apps/client_log.h"

enum { BLOB_MAX = 8192, KEY_TEXT_MAX = BLOB_MAX / 3 * 4 + 8 };

bool
client_hosts_is(const struct stat *now, const struct stat *then)
{
	return now->st_dev == then->st_dev && now->st_ino == then->st_ino &&
	    now->st_size == then->st_size && now->st_mtim.tv_sec == then->st_mtim.tv_sec &&
	    now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

/* The folder of a new known_hosts file, private from birth. */
static void
make_folder(const char *path)
{
	char *copy = strdup(path), *slash;

	if (copy == NULL)
		err(255, "strdup");
	if ((slash = strrchr(copy, '/')) != NULL && slash != copy) {
		*slash = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST)
			client_log_error("%s: %s", copy, strerror(errno));
	}
	free(copy);
}

/* One write of whole lines with O_APPEND: two clients at once do not mix. */
int
client_hosts_append(const char *path, const char *line)
{
	char text[16384];
	struct stat st;
	int fd, n, r = -1;
	char last = '\n';

	make_folder(path);
	if ((fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
		goto out;
	if (fstat(fd, &st) == 0 && st.st_size > 0 &&
	    pread(fd, &last, 1, st.st_size - 1) != 1)
		goto out;
	n = snprintf(text, sizeof(text), "%s%s\n", last == '\n' ? "" : "\n", line);
	if (n > 0 && (size_t)n < sizeof(text) && write(fd, text, (size_t)n) == n)
		r = 0;
out:
	if (r != 0)
		client_log_error("cannot add the host to %s: %s", path, strerror(errno));
	if (fd >= 0 && close(fd) != 0 && r == 0)
		r = -1;
	return r;
}

/* ---- a file anew ---- */

struct rewrite {
	const struct postern_known_hosts_change *change;
	unsigned which;			/* of the files that the change speaks of    */
	const struct stat *seen;
	bool add;
};

/* The key that is to go from this line, or NULL. */
static const struct postern_host_key *
gone_from(const struct rewrite *r, unsigned line)
{
	for (size_t i = 0; i < r->change->n_gone; i++)
		if (r->change->gone[i].clash_file == r->which && r->change->gone[i].clash_line == line)
			return &r->change->gone[i];
	return NULL;
}

static bool
has_key(const char *line, size_t n, const struct postern_host_key *k)
{
	char text[KEY_TEXT_MAX];

	if (k->key_len > BLOB_MAX)
		return false;
	(void)sodium_bin2base64(text, sizeof(text), k->key, k->key_len,
	    sodium_base64_VARIANT_ORIGINAL);
	return memmem(line, n, text, strlen(text)) != NULL;
}

/* How many lines were to go and did; -1: one is not what it was taken for, or an error. */
static int
copy_lines(const struct rewrite *r, FILE *in, FILE *out, bool *ends_open)
{
	unsigned number = 1;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int gone = 0;

	for (; gone >= 0 && (n = getline(&line, &cap, in)) > 0; number++) {
		const struct postern_host_key *k = gone_from(r, number);

		if (k != NULL) {
			gone = has_key(line, (size_t)n, k) ? gone + 1 : -1;
			continue;
		}
		if (fwrite(line, 1, (size_t)n, out) != (size_t)n)
			gone = -1;
		*ends_open = line[n - 1] != '\n';
	}
	free(line);
	return ferror(in) ? -1 : gone;
}

static bool
put_file(const struct rewrite *r, FILE *in, FILE *out)
{
	const struct postern_known_hosts_change *c = r->change;
	bool ends_open = false;
	int due = 0;

	for (size_t i = 0; i < c->n_gone; i++)
		due += c->gone[i].clash_file == r->which;
	if (copy_lines(r, in, out, &ends_open) != due)
		return false;
	for (size_t i = 0; r->add && i < c->n_added; i++)
		if (fprintf(out, "%s%s\n", i == 0 && ends_open ? "\n" : "", c->added[i].line) < 0)
			return false;
	return true;
}

/* With the old one's mode and owner, and on the disk. */
static bool
settle(const struct rewrite *r, FILE *out)
{
	struct stat now;
	int fd = fileno(out);

	if (fflush(out) != 0 || fstat(fd, &now) != 0)
		return false;
	/* who may write it must not change hands with it */
	if ((now.st_uid != r->seen->st_uid || now.st_gid != r->seen->st_gid) &&
	    fchown(fd, r->seen->st_uid, r->seen->st_gid) != 0)
		return false;
	return fchmod(fd, r->seen->st_mode & 07777) == 0 && fsync(fd) == 0;
}

/* NULL, or why not. */
static const char *
write_temp(const struct rewrite *r, FILE *in, int fd)
{
	FILE *out = fdopen(fd, "w");
	const char *why = NULL;

	if (out == NULL) {
		(void)close(fd);	/* empty, and it goes */
		return strerror(errno);
	}
	if (!put_file(r, in, out))
		why = "a line of it is not what it was, or cannot be copied";
	else if (!settle(r, out))
		why = strerror(errno);
	if (fclose(out) != 0 && why == NULL)
		why = strerror(errno);
	return why;
}

/* real: beside the file itself, not beside a link to it. */
static const char *
replace(const struct rewrite *r, const char *real, FILE *in)
{
	static const char changed[] = "it has changed since it was read";
	char temp[PATH_MAX + 16];
	const char *why;
	struct stat now;
	int fd;

	if (fstat(fileno(in), &now) != 0 || !S_ISREG(now.st_mode) || !client_hosts_is(&now, r->seen))
		return changed;
	(void)snprintf(temp, sizeof(temp), "%s.XXXXXX", real);
	if ((fd = mkostemp(temp, O_CLOEXEC)) < 0)
		return strerror(errno);
	why = write_temp(r, in, fd);
	/* somebody may have learnt a key meanwhile */
	if (why == NULL && (stat(real, &now) != 0 || !client_hosts_is(&now, r->seen)))
		why = changed;
	if (why == NULL && rename(temp, real) != 0)
		why = strerror(errno);
	if (why != NULL)
		(void)unlink(temp);	/* nothing in it is lost */
	return why;
}

int
client_hosts_rewrite(const char *path, const struct stat *seen,
    const struct postern_known_hosts_change *c, unsigned which, bool add)
{
	struct rewrite r = { c, which, seen, add };
	char real[PATH_MAX];
	const char *why;
	FILE *in = NULL;

	if (realpath(path, real) == NULL || (in = fopen(real, "re")) == NULL)
		why = strerror(errno);
	else
		why = replace(&r, real, in);
	if (in != NULL)
		(void)fclose(in);	/* only read */
	if (why != NULL)
		client_log_error("%s is left as it is: %s", path, why);
	return why == NULL ? 0 : -1;
}
