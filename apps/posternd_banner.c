/*
 * posternd_banner.c - the texts shown before a login.  Read once: what a peer is shown
 * does not change under a running server, and no file is opened while it serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/conf_match.h"
#include "apps/posternd.h"

struct banner { struct banner *next; const char *path; char text[POSTERND_BANNER_MAX + 1]; };

static void read_file(struct banner *b)
{
	size_t n = 0;
	ssize_t r = 1;
	int fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	while (fd >= 0 && n < POSTERND_BANNER_MAX &&
	    (r = read(fd, b->text + n, POSTERND_BANNER_MAX - n)) > 0)
		n += (size_t)r;
	if (fd < 0 || r < 0 || memchr(b->text, '\0', n) != NULL)
		posternd_log(POSTERN_ERROR, NULL, "Banner %s: %s", b->path,
		    fd < 0 || r < 0 ? strerror(errno) : "a NUL byte");
	if (fd >= 0)
		close(fd);
	b->text[n] = '\0';
}

static void load(struct daemon *d, const char *path)
{
	struct banner *b;

	if (strcasecmp(path, "none") == 0 || posternd_banner(d, path) != NULL)
		return;
	if ((b = calloc(1, sizeof(*b))) == NULL) {
		posternd_log(POSTERN_ERROR, NULL, "Banner %s: %s", path, strerror(ENOMEM));
		return;
	}
	b->path = path;			/* the configuration's, which outlives it */
	b->next = d->banners;
	d->banners = b;
	read_file(b);
}

void posternd_banner_load(struct daemon *d)
{
	const char *path;

	if (d->conf.banner != NULL)
		load(d, d->conf.banner);
	for (size_t i = 0; (path = conf_match_value(&d->conf, CONF_Banner, i)) != NULL; i++)
		load(d, path);
}

const char *posternd_banner(const struct daemon *d, const char *path)
{
	for (const struct banner *b = d->banners; path != NULL && b != NULL; b = b->next)
		if (strcmp(b->path, path) == 0)
			return b->text;
	return NULL;
}

void posternd_banner_free(struct daemon *d)
{
	struct banner *b;

	while ((b = d->banners) != NULL) {
		d->banners = b->next;
		free(b);
	}
}
