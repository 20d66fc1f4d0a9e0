/* program_signals_test.c - no signal is ignored or blocked behind an exec, by either way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/client_xauth.h"
#include "apps/program_signals.h"

/* Succeeds if neither line has a bit, but 32 and 33: these are glibc's own, and its posix_spawn
 * has them ignored until the new program's glibc takes them. */
#define CHECK "test $(grep -c '^Sig[IB][gl][nk]:.0*\\(18\\)*0*$' /proc/self/status) = 2"
static char *const check[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ CHECK }, NULL };
static sigset_t before;

static int setup(void **s)
{
	sigset_t all;

	(void)s;
	sigfillset(&all);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR)
		return -1;
	return sigprocmask(SIG_SETMASK, &all, &before);
}

static int teardown(void **s)
{
	(void)s;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	return sigprocmask(SIG_SETMASK, &before, NULL);
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The two that signal(3) does not touch, as the child of a posix_spawn has them. */
static void ignore_all(void)
{
	static const unsigned long ignored[8] = { 1 };

	for (int i = 1; i < NSIG; i++)
		(void)syscall(SYS_rt_sigaction, i, ignored, NULL, (NSIG - 1) / 8);
}

static int forked(bool reset)
{
	pid_t pid = fork();

	if (pid == 0) {
		ignore_all();
		if (reset)
			program_signals_reset();
		(void)execl("/bin/sh", "sh", "-c",
		    "test $(grep -c '^Sig[IB][gl][nk]:.0*$' /proc/self/status) = 2", NULL);
		_exit(99);
	}
	return status_of(pid);
}

static void a_forked_child_is_reset(void **s)
{
	(void)s;
	assert_int_not_equal(forked(false), 0);		/* the check can fail */
	assert_int_equal(forked(true), 0);
}

static void a_spawned_one_too(void **s)
{
	posix_spawnattr_t attr;
	pid_t pid = -1;

	(void)s;
	assert_int_equal(posix_spawnattr_init(&attr), 0);
	assert_int_equal(program_signals_plan(&attr), 0);
	assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, &attr, check, environ), 0);
	assert_int_equal(posix_spawnattr_destroy(&attr), 0);
	assert_int_equal(status_of(pid), 0);
}

/* An xauth that says its cookie only if its signals are as they should be. */
static void the_clients_xauth(void **s)
{
	char path[] = "/tmp/program_signals_test.XXXXXX";
	static const char script[] = "#!/bin/sh\n"
	    CHECK " || exit 1\n"
	    "echo 'x:0  MIT-MAGIC-COOKIE-1  00112233445566778899aabbccddeeff'\n";
	uint8_t cookie[16];
	int fd = mkstemp(path);

	(void)s;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	assert_int_equal(fchmod(fd, 0700), 0);
	assert_int_equal(close(fd), 0);
	assert_true(client_xauth_cookie(path, ":0", false, 0, cookie));
	assert_int_equal(cookie[15], 0xff);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_forked_child_is_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(a_spawned_one_too, setup, teardown),
		cmocka_unit_test_setup_teardown(the_clients_xauth, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
