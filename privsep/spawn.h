/*
 * spawn.h - starting a helper program: the only way a process of ours is made by
 * exec.  Used by the application side (for the monitor) and by the monitor (for
 * zygotes and keyload).
 */
#ifndef PRIVSEP_SPAWN_H
#define PRIVSEP_SPAWN_H

#include <spawn.h>
#include <sys/types.h>

enum { SPAWN_LINK_FD = 3 };	/* where a helper finds its link */

/*
 * posix_spawn of dir/name: signals to default and unblocked, a session of its own,
 * cwd /, an empty environment, descriptors 0-2 on /dev/null, link at SPAWN_LINK_FD
 * and every other descriptor closed.  The helper holds nothing that the host
 * program had open, and works in hosts that have threads.  link stays the
 * caller's, who closes it.  0 or -errno.  pidfd is close-on-exec, the caller's.
 */
int spawn_helper(const char *dir, const char *name, int link, pid_t *pid, int *pidfd);

/* The common part: path is started with signals to default and unblocked, in a session
 * of its own, with the descriptors that plan says.  Its pid, or -errno. */
pid_t spawn_planned(const posix_spawn_file_actions_t *plan, const char *path,
    char *const *argv, char *const *envp);

/* Ends a child of ours by its pidfd (SIGKILL) and reaps it; never by number.
 * Closes pidfd.  Returns the signal that killed it, or 0. */
int spawn_end(int pidfd);
/* Reaps without killing, if it has ended: 1 and *signal (0: exited), *status; 0
 * if it lives. */
int spawn_reap(int pidfd, int *signal, int *status);

#endif
