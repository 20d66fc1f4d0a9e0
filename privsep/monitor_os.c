/*
 * monitor_os.c - what the monitor asks of the system, for real.  Processes are
 * named by pidfd only: no number that could by now be somebody else's is ever
 * signalled.
 */
#include "privsep/monitor.h"

#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "privsep/spawn.h"

/* pidfd_open alone does not say whose child it is; waitid does. */
static int
adopt(pid_t pid)
{
	siginfo_t si;
	int fd;

	if (pid <= 1)
		return -ECHILD;
	fd = pidfd_open(pid, 0);	/* close-on-exec by definition */
	if (fd < 0)
		return -errno;
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG | WNOWAIT) != 0) {
		(void)close(fd);	/* nothing was written to it */
		return -ECHILD;
	}
	return fd;
}

static void
kill_child(int pidfd)
{
	/* fails only if it has ended, which is what is wanted */
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

/* A child that no pidfd of ours stands for: cloned by a zygote that died before it
 * could name it.  True if one was reaped; known children are left to their pidfd. */
static bool
reap_stray(bool (*is_ours)(void *, pid_t), void *arg)
{
	siginfo_t si = { 0 };

	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) != 0 || si.si_pid == 0)
		return false;
	if (is_ours(arg, si.si_pid))
		return false;
	return waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG) == 0;
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		_exit(70);		/* cannot happen; no deadline would hold */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t
wall_s(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || ts.tv_sec < 0)
		_exit(70);		/* cannot happen; no certificate could be judged */
	return (uint64_t)ts.tv_sec;
}

const struct monitor_os monitor_os_real = {
	.spawn = spawn_helper,
	.adopt = adopt,
	.kill = kill_child,
	.reap = spawn_reap,
	.end = spawn_end,
	.reap_stray = reap_stray,
	.now_ms = now_ms,
	.wall_s = wall_s,
};
