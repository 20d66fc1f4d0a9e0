/*
 * account_file.c - opens a file that a user controls, as that user, and without
 * believing its name: every folder is opened and looked at in turn, and what was
 * looked at is what is read.  A FIFO, a device or a huge file costs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/account.h"

int account_file_name(const char *pattern, const struct account_user *u, char *out, size_t size)
{
	size_t n = 0;

	if (pattern[0] != '/' && strncmp(pattern, "%h", 2) != 0) {
		int r = snprintf(out, size, "%s/", u->home);

		if (r < 0 || (size_t)r >= size)
			return -1;
		n = (size_t)r;
	}
	for (const char *p = pattern; *p != '\0'; p++) {
		const char *add = (char[2]){ *p, '\0' };
		char uid[16];
		size_t len;

		if (*p == '%') {
			switch (*++p) {
			case 'h': add = u->home; break;
			case 'u': add = u->name; break;
			case '%': add = "%"; break;
			case 'U':
				(void)snprintf(uid, sizeof(uid), "%u", u->uid);
				add = uid;
				break;
			default: return -1;
			}
		}
		len = strlen(add);
		if (len >= size - n)
			return -1;
		memcpy(out + n, add, len);
		n += len;
	}
	out[n] = '\0';
	return 0;
}

static bool is_safe(int fd, uid_t uid, const char *what, char why[ACCOUNT_NOTE_MAX])
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == uid) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	snprintf(why, ACCOUNT_NOTE_MAX, "Authentication refused: bad ownership or modes for %.400s",
	    what);
	return false;
}

/* Is folder (of len bytes) home itself, or below it? */
static bool from_home_down(const char *path, size_t len, const char *home)
{
	size_t h = strlen(home);

	return h > 1 && len >= h && memcmp(path, home, h) == 0 &&
	    (len == h || path[h] == '/');
}

/* Walks the folders of a canonical path with descriptors; each that counts is
 * checked.  For a file below home those from home down, else all from / down. */
static int walk(const char *path, const char *home, uid_t uid, bool strict, bool below_home,
    char why[ACCOUNT_NOTE_MAX])
{
	int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), next;
	const char *p = path + 1, *slash;

	if (dir >= 0 && strict && !below_home && !is_safe(dir, uid, "/", why)) {
		close(dir);
		return -1;
	}
	for (; dir >= 0 && (slash = strchr(p, '/')) != NULL; p = slash + 1) {
		char name[NAME_MAX + 1], whole[PATH_MAX];
		size_t upto = (size_t)(slash - path);

		if ((size_t)(slash - p) > NAME_MAX || upto >= sizeof(whole)) {
			close(dir);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, p, (size_t)(slash - p));
		name[slash - p] = '\0';
		memcpy(whole, path, upto);
		whole[upto] = '\0';
		next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
		if (dir >= 0 && strict && (!below_home || from_home_down(path, upto, home)) &&
		    !is_safe(dir, uid, whole, why)) {
			close(dir);
			return -1;
		}
	}
	return dir;
}

int account_file_open(const char *path, const char *home, uid_t uid, bool strict,
    char why[ACCOUNT_NOTE_MAX])
{
	char real[PATH_MAX], real_home[PATH_MAX] = "";
	const char *base;
	struct stat st;
	int dir, fd;

	why[0] = '\0';
	if (realpath(path, real) == NULL) {
		if (errno != ENOENT && errno != ENOTDIR)
			snprintf(why, ACCOUNT_NOTE_MAX, "Could not open %.400s: %s", path,
			    strerror(errno));
		return -1;
	}
	if (realpath(home, real_home) == NULL)
		real_home[0] = '\0';
	dir = walk(real, real_home, uid, strict, from_home_down(real, strlen(real), real_home), why);
	if (dir < 0)
		return -1;
	base = strrchr(real, '/') + 1;
	/* O_NONBLOCK: a FIFO must not keep us; O_NOCTTY: nor a terminal own us */
	fd = openat(dir, base, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		snprintf(why, ACCOUNT_NOTE_MAX, "Could not open %.400s: %s", real, strerror(errno));
	close(dir);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		snprintf(why, ACCOUNT_NOTE_MAX, "%.400s is not a regular file", real);
		close(fd);
		return -1;
	}
	if (fd >= 0 && strict && !is_safe(fd, uid, real, why)) {
		close(fd);
		return -1;
	}
	return fd;
}

char *account_file_read(int fd, size_t *len, char why[ACCOUNT_NOTE_MAX])
{
	size_t cap = 8192, n = 0;
	char *text = malloc(cap + 1), *more;
	ssize_t r;

	while (text != NULL && (r = read(fd, text + n, cap - n)) != 0) {
		if (r < 0) {
			if (errno == EINTR)
				continue;
			snprintf(why, ACCOUNT_NOTE_MAX, "a key file could not be read: %s",
			    strerror(errno));
			break;
		}
		n += (size_t)r;
		if (n < cap)
			continue;
		if (cap >= ACCOUNT_FILE_MAX) {
			snprintf(why, ACCOUNT_NOTE_MAX, "a key file is longer than %d bytes",
			    ACCOUNT_FILE_MAX);
			r = -1;
			break;
		}
		cap *= 2;
		if ((more = realloc(text, cap + 1)) == NULL)
			break;
		text = more;
	}
	if (text == NULL || r != 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*len = n;
	return text;
}
