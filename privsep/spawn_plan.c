/*
 * spawn_plan.c - what all programs that are started here have in common: signals as if
 * nobody had touched them, and a session of their own.
 *
 * posix_spawn and never fork: the host may have threads.  Which descriptors a program
 * gets is its starter's plan; it must name all of them.
 */
#include <signal.h>

#include "privsep/spawn.h"

static int
plan_process(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	rc = posix_spawnattr_setsigdefault(attr, &all);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF |
		    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
	return rc;
}

pid_t
spawn_planned(const posix_spawn_file_actions_t *plan, const char *path, char *const *argv,
    char *const *envp)
{
	posix_spawnattr_t attr;
	pid_t child = -1;
	int rc = posix_spawnattr_init(&attr);

	if (rc != 0)
		return -rc;
	rc = plan_process(&attr);
	if (rc == 0)
		rc = posix_spawn(&child, path, plan, &attr, argv, envp);
	(void)posix_spawnattr_destroy(&attr);
	return rc == 0 ? child : -rc;
}
