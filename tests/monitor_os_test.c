/*
 * monitor_os_test.c - the system calls behind the monitor: whose child is it, is it
 * dead, and who was never named.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "privsep/monitor.h"

static const struct monitor_os *const os = &monitor_os_real;

static pid_t
child(int status)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (status >= 0)
			_exit(status);
		for (;;)
			(void)pause();
	}
	return pid;
}

static void
reaped(int pidfd, int signal, int status)
{
	int s = -1, st = -1;

	for (int i = 0; i < 500 && os->reap(pidfd, &s, &st) == 0; i++)
		(void)usleep(10000);
	assert_int_equal(s, signal);
	assert_int_equal(st, status);
	close(pidfd);
}

static void
test_adopt(void **state)
{
	int fd, s, st;

	(void)state;
	assert_int_equal(os->adopt(0), -ECHILD);
	assert_int_equal(os->adopt(-1), -ECHILD);
	assert_int_equal(os->adopt(1), -ECHILD);
	assert_int_equal(os->adopt(getpid()), -ECHILD);
	assert_int_equal(os->adopt(getppid()), -ECHILD);
	fd = os->adopt(child(-1));
	assert_true(fd >= 0);
	assert_int_equal(os->reap(fd, &s, &st), 0);
	os->kill(fd);
	os->kill(fd);
	reaped(fd, SIGKILL, 0);
	fd = os->adopt(child(7));
	assert_true(fd >= 0);
	reaped(fd, 0, 7);
	fd = os->adopt(child(-1));
	assert_int_equal(os->end(fd), SIGKILL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);	/* nobody is left */
	assert_int_equal(errno, ECHILD);
}

/* Another's child, though it is alive. */
static void
test_grandchild(void **state)
{
	int p[2];
	pid_t pid, grandchild = 0;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		grandchild = fork();
		if (grandchild == 0)
			for (;;)
				(void)pause();
		if (write(p[1], &grandchild, sizeof(grandchild)) != sizeof(grandchild))
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(p[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	assert_int_equal(os->adopt(grandchild), -ECHILD);
	assert_int_equal(kill(grandchild, SIGKILL), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(p[0]);
	close(p[1]);
}

static pid_t known;

static bool
is_known(void *arg, pid_t pid)
{
	(void)arg;
	return pid == known;
}

static void
test_strays(void **state)
{
	bool found = false;
	int fd;

	(void)state;
	assert_false(os->reap_stray(is_known, NULL));	/* no child at all */
	known = child(-1);
	assert_false(os->reap_stray(is_known, NULL));
	(void)child(0);
	for (int i = 0; i < 500 && !found; i++) {
		found = os->reap_stray(is_known, NULL);
		(void)usleep(10000);
	}
	assert_true(found);
	assert_false(os->reap_stray(is_known, NULL));
	/* a known one is left to its pidfd, dead or alive */
	fd = os->adopt(known);
	assert_true(fd >= 0);
	os->kill(fd);
	(void)usleep(50000);
	assert_false(os->reap_stray(is_known, NULL));
	reaped(fd, SIGKILL, 0);
}

static void
test_clock(void **state)
{
	uint64_t a = os->now_ms(), b;

	(void)state;
	(void)usleep(20000);
	b = os->now_ms();
	assert_true(b >= a + 19 && b < a + 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adopt), cmocka_unit_test(test_grandchild),
		cmocka_unit_test(test_strays), cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
