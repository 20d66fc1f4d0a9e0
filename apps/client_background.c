/*
 * client_background.c - -f: the client goes on when the command that was typed has ended.
 *
 * A context belongs to the process that made it, so everything is done by a child from
 * the start; its parent waits, with the terminal, until the login is over, and ends as
 * its child says or did.  Nothing of the server's reaches the parent.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/client_background.h"

enum { FAILED = 255 };

static int parent = -1;			/* the child's: to be written to, once */

static void __attribute__((noreturn))
wait_for(pid_t child, int from)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(from, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	/* it ended before: that is how we end */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(FAILED);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : FAILED);
}

void
client_background_begin(void)
{
	int p[2];
	pid_t child;

	if (pipe2(p, O_CLOEXEC) != 0 || (child = fork()) < 0)
		err(FAILED, "going to the background");
	if (child > 0) {
		(void)close(p[1]);	/* or its end would not be seen */
		wait_for(child, p[0]);
	}
	(void)close(p[0]);		/* the parent's */
	parent = p[1];
}

void
client_background_detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* the terminal's keys and its end are no longer ours */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || setsid() < 0 ||
	    write(parent, "", 1) != 1)
		err(FAILED, "going to the background");
	(void)close(null);		/* nothing was written to it */
	(void)close(parent);		/* it has heard */
}
