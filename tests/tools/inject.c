/*
 * inject.c - makes a live process perform one system call that it did not choose.
 *
 *	inject PID NUMBER [ARG ...]
 *
 * Attaches with ptrace (root), points the process at the system call instruction it
 * was waiting in, and lets it go on.  Prints "killed SIGNAL" or "returned VALUE".
 * Memory is not touched: an argument @N is the address N below the stack pointer.
 * x86-64 only; elsewhere it says so and exits 77.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>

#if !defined(__x86_64__)
int
main(void)
{
	(void)fprintf(stderr, "inject knows x86-64 only\n");
	return 77;
}
#else
static void __attribute__((noreturn))
die(const char *what)
{
	(void)fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(2);
}

static unsigned long long
argument(const char *s, const struct user_regs_struct *regs)
{
	if (*s == '@')
		return regs->rsp - strtoull(s + 1, NULL, 0);
	return strtoull(s, NULL, 0);
}

int
main(int argc, char **argv)
{
	struct user_regs_struct saved, regs;
	unsigned long long *slot[6];
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	pid = (pid_t)strtol(argv[1], NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		die("attach");
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		die("interrupt");
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		die("wait");
	if (ptrace(PTRACE_GETREGS, pid, NULL, &saved) != 0)
		die("read registers");
	regs = saved;
	slot[0] = &regs.rdi;
	slot[1] = &regs.rsi;
	slot[2] = &regs.rdx;
	slot[3] = &regs.r10;
	slot[4] = &regs.r8;
	slot[5] = &regs.r9;
	for (int i = 0; i < 6; i++)
		*slot[i] = i + 3 < argc ? argument(argv[i + 3], &saved) : 0;
	regs.rax = strtoull(argv[2], NULL, 0);
	regs.orig_rax = (unsigned long long)-1;	/* no restart of the call it was in */
	regs.rip -= 2;				/* the two bytes of `syscall` */
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0)
		die("write registers");
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
		die("step");
	if (waitpid(pid, &status, __WALL) != pid)
		die("wait for the end");
	if (WIFSIGNALED(status)) {
		(void)printf("killed %d\n", WTERMSIG(status));
		return 0;
	}
	if (WIFSTOPPED(status) && ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0) {
		(void)printf("returned %lld\n", (long long)regs.rax);
		/* as if nothing had happened */
		(void)ptrace(PTRACE_SETREGS, pid, NULL, &saved);
	} else {
		(void)printf("exited\n");
	}
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return 0;
}
#endif
