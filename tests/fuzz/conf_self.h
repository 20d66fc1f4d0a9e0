/*
 * conf_self.h - a configuration file that is the input: it has a name in /proc, and Include
 * finds nothing but it, under the name "self".
 */
#ifndef FUZZ_CONF_SELF_H
#define FUZZ_CONF_SELF_H

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/must.h"

enum { FUZZ_MAX = 8192 };

static char path[64];

/* The descriptor is to be closed when the file has been read. */
static inline int
conf_self(const uint8_t *data, size_t size)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd;
}

/* In libc's place: no file is looked for. */
int
glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *g)
{
	static char *self[] = { path, NULL };

	(void)flags;
	(void)failed;
	if (strstr(pattern, "self") == NULL)
		return GLOB_NOMATCH;
	g->gl_pathc = 1;
	g->gl_pathv = self;
	return 0;
}

void
globfree(glob_t *g)
{
	g->gl_pathc = 0;
}

#endif
