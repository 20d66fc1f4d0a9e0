/* rehearsal.h - the self-test of filter and worker, before any network byte. */
#ifndef PRIVSEP_REHEARSAL_H
#define PRIVSEP_REHEARSAL_H

#include <stddef.h>

struct sandbox;

/* Runs worker_rehearse() in a throw-away clone of this zygote, under the worker's
 * limits and the trapping form of its filter.  0, or -1 and what went wrong: a
 * missing system call by its name. */
int rehearsal_run(const struct sandbox *, char *problem, size_t cap);

#endif
