/* posternd_start.h - from a configuration to a daemon, and back. */
#ifndef APPS_POSTERND_START_H
#define APPS_POSTERND_START_H

#include "apps/posternd.h"

/* Helper, library, keys, policy: everything but sockets.  0 or -1, told. */
int posternd_start(struct daemon *);
/* The library alone, with its monitor: enough to try the host keys. */
int posternd_start_context(struct daemon *);
/* -T: the exit status. */
int posternd_dump(const struct conf *, const struct posternd_options *);
/* Gives everything back; also what was only begun. */
void posternd_start_undo(struct daemon *);

#endif
