/*
 * api_program_fork.c - a function of the host program's in a process of its own: the one
 * place where the host is forked, because the application has asked for that.
 *
 * The child is a copy of the host, secrets and all, that talks to a peer: it keeps no
 * descriptor but its channel's, no handle that works, and nothing of the host's that
 * stands in a stream's buffer.  If the host has threads they are not there, and what they
 * had locked stays locked; the C library's own memory and streams are in order.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "privsep/api.h"

enum { FIRST_FREE_FD = 3, STATUS_MAX = 255, NOT_STARTED = 255 };

/* As a program of ours finds them after its exec. */
static void
reset_signals(void)
{
	struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &by_default, NULL);	/* fails for those that cannot be had */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
run(postern_context *ctx, const int fds[3], const struct api_program_what *w)
{
	int status;

	(void)setsid();		/* it leads no group yet */
	/* before: in a host that had closed its own 0 to 2 these numbers may be the context's.
	 * The program's ends are above */
	api_context_let_go(ctx);
	for (int i = 0; i < FIRST_FREE_FD; i++) {
		if (dup2(fds[i], i) < 0)
			_exit(NOT_STARTED);
	}
	if (close_range(FIRST_FREE_FD, ~0U, 0) != 0)
		_exit(NOT_STARTED);
	/* what the host had not written yet would go to the peer */
	__fpurge(stdin);
	__fpurge(stdout);
	__fpurge(stderr);
	reset_signals();
	status = w->run(w->user, w->name);
	(void)fflush(stdout);	/* its reader may be gone */
	(void)fflush(stderr);
	/* not exit: what is registered there is the host's to end with */
	_exit(status >= 0 && status <= STATUS_MAX ? status : STATUS_MAX);
}

pid_t
api_program_fork(postern_context *ctx, const int fds[3], const struct api_program_what *w)
{
	sigset_t all, before;
	pid_t pid;
	int r;

	/* no handler of the host's may run in the child */
	(void)sigfillset(&all);
	r = pthread_sigmask(SIG_BLOCK, &all, &before);
	if (r != 0)
		return -r;
	pid = fork();
	if (pid == 0)
		run(ctx, fds, w);
	r = -errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);	/* as it was */
	return pid < 0 ? r : pid;
}
