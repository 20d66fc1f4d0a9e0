/*
 * program_signals.c - signals as a program that we start expects them: none ignored, none
 * blocked.
 *
 * Both outlive an exec.  A filter that ignores SIGPIPE runs on when its reader has gone,
 * and one that has SIGTERM blocked cannot be ended: neither is what its author tested.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apps/program_signals.h"

void
program_signals_reset(void)
{
	/* the kernel's struct sigaction: SIG_DFL, no flags, nothing masked.  Not signal(3),
	 * which does not touch the two that are glibc's own: a program started by posix_spawn,
	 * as make(1) does, has them ignored */
	static const unsigned long by_default[8];
	sigset_t none;

	for (int i = 1; i < NSIG; i++)		/* KILL and STOP say no, and need none */
		(void)syscall(SYS_rt_sigaction, i, by_default, NULL, (NSIG - 1) / 8);
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
