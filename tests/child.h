/*
 * child.h - running a part of a test in a process of its own, as root or not.
 *
 * Sandboxes cannot be taken off, and cmocka's assertions jump: so what enters one
 * runs in a child that says what failed and ends with 1.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHILD_UID = 64321, CHILD_WORKER_UID = 64322 };

#define CHECK(what) do { \
	if (!(what)) { \
		fprintf(stderr, "%s:%d: %s (uid %u, errno %s)\n", __FILE__, __LINE__, #what, \
		    getuid(), strerrorname_np(errno)); \
		_exit(1); \
	} } while (0)

/* Waits for one; its status. */
static inline int
child_wait(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Runs f in a child: as we are, or (root only) as a normal user. */
static inline void
child_run(void (*f)(void), int as_user)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* a hanging child must not hang the tests */
		(void)alarm(60);
		if (as_user) {
			CHECK(setgroups(0, NULL) == 0);
			CHECK(setresgid(CHILD_UID, CHILD_UID, CHILD_UID) == 0);
			CHECK(setresuid(CHILD_UID, CHILD_UID, CHILD_UID) == 0);
			/* like a process that was never anything else */
			CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
		}
		f();
		_exit(0);
	}
	assert_int_equal(child_wait(pid), 0);
}

/* As we are, and then, if that is root, as a normal user. */
static inline void
child_run_both(void (*f)(void))
{
	child_run(f, 0);
	if (geteuid() == 0)
		child_run(f, 1);
}

/* Can a stranger reach it?  A checkout may lie below a private home. */
static inline bool
child_can_reach(const char *path)
{
	char part[4096];
	struct stat st;

	for (size_t i = 1; i <= strlen(path); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		(void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (stat(part, &st) != 0 || (st.st_mode & S_IXOTH) == 0)
			return false;
	}
	return true;
}

static inline void
child_command(const char *const argv[])
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	CHECK(child_wait(pid) == 0);
}

/* The folder of this test's executable, plus rest: for root, whose cases run as
 * somebody else too, a copy that anybody can reach.  Free it with child_path_free. */
static inline void
child_path(char *out, size_t cap, const char *rest)
{
	char exe[4096], from[4200], copy[] = "/tmp/postern-test-XXXXXX";
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	CHECK(n > 0);
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	CHECK(snprintf(out, cap, "%s/%s", exe, rest) < (int)cap);
	if (geteuid() != 0 || child_can_reach(out))
		return;
	CHECK(mkdtemp(copy) != NULL && chmod(copy, 0755) == 0);
	CHECK(snprintf(from, sizeof(from), "%s/.", out) < (int)sizeof(from));
	child_command((const char *const[]){ "cp", "-r", from, copy, NULL });
	CHECK(snprintf(out, cap, "%s", copy) < (int)cap);
}

static inline void
child_path_free(const char *path)
{
	if (strncmp(path, "/tmp/postern-test-", strlen("/tmp/postern-test-")) == 0)
		child_command((const char *const[]){ "rm", "-rf", path, NULL });
}

#endif
