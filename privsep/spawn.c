/*
 * spawn.c - starting a helper program, and ending it.
 *
 * posix_spawn and never fork: the host program may have threads, hundreds of
 * megabytes and keys in memory, none of which a helper may inherit.  Whatever the
 * host has open, blocked, ignored or put into its environment stops here.
 * A child is ended by its pidfd, never by a number that may be another's by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/spawn.h"

/* In the sanitizer build a helper keeps stderr: its reports go there. */
#ifdef POSTERN_SAN
enum { NULL_FDS = 2 };
#else
enum { NULL_FDS = 3 };
#endif

/* 0 or a positive errno, as the posix_spawn family has it. */
static int
plan_descriptors(posix_spawn_file_actions_t *plan, int link)
{
	int rc;

	/* The link first: it may be one of 0-2 in a host that closed those.  When
	 * it is 3 already, glibc clears its close-on-exec flag. */
	rc = posix_spawn_file_actions_adddup2(plan, link, SPAWN_LINK_FD);
	for (int fd = 0; fd < NULL_FDS && rc == 0; fd++)
		rc = posix_spawn_file_actions_addopen(plan, fd, "/dev/null", O_RDWR, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(plan, SPAWN_LINK_FD + 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_addchdir_np(plan, "/");
	return rc;
}

int
spawn_helper(const char *dir, const char *name, int link, pid_t *pid, int *pidfd)
{
	posix_spawn_file_actions_t plan;
	char path[PATH_MAX];
	char *argv[] = { path, NULL }, *envp[] = { NULL };
	pid_t child;
	int fd, rc, n;

	n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	/* relative to what, when the child's directory is another? */
	if (dir[0] != '/' || n < 0 || (size_t)n >= sizeof(path) || link < 0)
		return -EINVAL;
	if ((rc = posix_spawn_file_actions_init(&plan)) != 0)
		return -rc;
	if ((rc = plan_descriptors(&plan, link)) != 0)
		goto out;
	if ((child = spawn_planned(&plan, path, argv, envp)) < 0) {
		rc = -child;
		goto out;
	}
	/* Ours and not yet waited for, so the number cannot have been reused,
	 * unless the host reaps children that are not its own: asked next. */
	fd = pidfd_open(child, 0);
	if (fd < 0) {
		rc = errno;
		/* Out of descriptors: the child is there and nobody's but ours, so
		 * its number is still good.  ESRCH: another has reaped it. */
		if (rc != ESRCH) {
			(void)kill(child, SIGKILL);
			(void)waitpid(child, NULL, 0);
		}
		goto out;
	}
	if (waitid(P_PIDFD, (id_t)fd, NULL, WEXITED | WNOHANG | WNOWAIT) != 0) {
		rc = errno;
		(void)close(fd);
		goto out;
	}
	*pid = child;
	*pidfd = fd;
out:
	(void)posix_spawn_file_actions_destroy(&plan);
	return -rc;
}

static int
wait_for(int pidfd, int options, siginfo_t *info)
{
	int rc;

	info->si_pid = 0;
	do {
		rc = waitid(P_PIDFD, (id_t)pidfd, info, WEXITED | options);
	} while (rc != 0 && errno == EINTR);
	return rc;
}

static int
death_signal(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? 0 : info->si_status;
}

int
spawn_end(int pidfd)
{
	siginfo_t info;
	int signal = 0;

	/* fails only for one that is gone, which the wait tells */
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (wait_for(pidfd, 0, &info) == 0)
		signal = death_signal(&info);
	(void)close(pidfd);
	return signal;
}

int
spawn_reap(int pidfd, int *signal, int *status)
{
	siginfo_t info;

	if (wait_for(pidfd, WNOHANG, &info) != 0) {
		/* somebody else reaped it: over, but nobody knows how */
		*signal = 0;
		*status = -1;
		return 1;
	}
	if (info.si_pid == 0)
		return 0;
	*signal = death_signal(&info);
	*status = info.si_code == CLD_EXITED ? info.si_status : 0;
	return 1;
}
