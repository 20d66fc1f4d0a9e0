/*
 * program_signals.c - signals as a program that we start expects them: none ignored, none
 * blocked.
 *
 * Both outlive an exec.  A filter that ignores SIGPIPE runs on when its reader has gone,
 * and one that has SIGTERM blocked cannot be ended: neither is what its author tested.
 */
#include <signal.h>

#include "apps/program_signals.h"

void
program_signals_reset(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);	/* KILL and STOP say no, and need none */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);	/* cannot fail with these */
}

int
program_signals_plan(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attr, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return r;
}
