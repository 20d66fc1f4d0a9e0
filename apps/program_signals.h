/* program_signals.h - signals as a program that we start expects them. */
#ifndef APPS_PROGRAM_SIGNALS_H
#define APPS_PROGRAM_SIGNALS_H

#include <spawn.h>

/* In a forked child, before its exec. */
void program_signals_reset(void);
/* The same for posix_spawn: nonzero is its error. */
int program_signals_plan(posix_spawnattr_t *);

#endif
