/*
 * rehearsal.c - the self-test: does a worker live within its filter, here and now?
 *
 * Another libc, another library version or another kernel may make a call that the
 * list lacks.  It is better learned at the start, with the call's name, than as a
 * dead connection.  A throw-away clone rehearses under a filter that traps where
 * the real one kills; its signal handler is the only one in any worker, and it is
 * gone with the clone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/rehearsal.h"
#include "privsep/sandbox.h"
#include "privsep/worker.h"

enum {
	RESULT_FD = 3,			/* fixed, so that the handler needs no variable */
	DEADLINE_MS = 30000,
};

struct result {
	int number;			/* of the trapped call, or -1 */
	char text[256];
};

static void
on_sigsys(int sig, siginfo_t *info, void *context)
{
	struct result r = { .number = info->si_syscall };

	(void)sig;
	(void)context;
	/* if it cannot be written the exit status still tells of a failure */
	(void)!write(RESULT_FD, &r, sizeof(r));
	_exit(1);
}

static _Noreturn void
give_up(const char *text)
{
	struct result r = { .number = -1 };

	(void)snprintf(r.text, sizeof(r.text), "%s", text);
	(void)!write(RESULT_FD, &r, sizeof(r));
	_exit(1);
}

static _Noreturn void
rehearse(int result_fd, struct sandbox sb)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	/* the zygote's link is at that place: a rehearsal must not hold it */
	if (dup3(result_fd, RESULT_FD, O_CLOEXEC) < 0 ||
	    close_range(RESULT_FD + 1, ~0U, 0) != 0)
		_exit(1);
	if (sigaction(SIGSYS, &action, NULL) != 0 || worker_rehearse_prepare() != 0)
		give_up("cannot prepare the rehearsal");
	if (sandbox_enter_trapping(&sb, WORKER_FDS_MAX) != 0)
		give_up(sb.problem);
	if (worker_rehearse() != 0)
		give_up("the rehearsal failed");
	_exit(0);
}

/* Waits for the end of the clone, or ends it. */
static void
judge(int fd, pid_t child, char *problem, size_t cap)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct result r;
	char name[64];
	int status = 0, ready;
	ssize_t n = 0;

	ready = poll(&poll_fd, 1, DEADLINE_MS);
	if (ready == 1)
		n = read(fd, &r, sizeof(r));
	else
		(void)kill(child, SIGKILL);	/* our own, not waited for */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (ready != 1)
		(void)snprintf(problem, cap, "self-test: the rehearsal did not end");
	else if (n == (ssize_t)sizeof(r) && r.number >= 0)
		(void)snprintf(problem, cap, "self-test: a worker needs %s, which its filter "
		    "does not allow, or not so", sandbox_syscall_name(r.number, name, sizeof(name)));
	else if (n == (ssize_t)sizeof(r))
		(void)snprintf(problem, cap, "self-test: %.*s", (int)sizeof(r.text), r.text);
	else if (WIFSIGNALED(status))
		(void)snprintf(problem, cap, "self-test: ended by signal %d", WTERMSIG(status));
	else if (status != 0)
		(void)snprintf(problem, cap, "self-test: ended with status %d", WEXITSTATUS(status));
	else
		problem[0] = '\0';
}

int
rehearsal_run(const struct sandbox *sb, char *problem, size_t cap)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0) {
		(void)snprintf(problem, cap, "self-test: pipe: %s", strerrorname_np(errno));
		return -1;
	}
	child = fork();
	if (child == 0)
		rehearse(fds[1], *sb);
	(void)close(fds[1]);
	if (child < 0)
		(void)snprintf(problem, cap, "self-test: fork: %s", strerrorname_np(errno));
	else
		judge(fds[0], child, problem, cap);
	(void)close(fds[0]);
	return problem[0] == '\0' ? 0 : -1;
}
