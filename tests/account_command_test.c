/*
 * account_command_test.c - programs that are asked about keys: who they are run as, with
 * what, and those that fail, hang, write without end or are not root's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/account_command.h"
#include "apps/conf.h"

enum { BLOB = 51, QUICK_MS = 10000, STRANGER = 54321 };

static const uint8_t blob[BLOB] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1',
	'9', 0, 0, 0, 32, 1, 2, 3 };
static struct conf conf;
static struct account_user user = { .exists = true, .name = "bob", .home = "/home/bob", .uid = 1234 };
static char why[ACCOUNT_NOTE_MAX];

static const char *myself(void)
{
	return getpwuid(geteuid())->pw_name;
}

static struct account_command_plan plan_of(const char *line, int ms)
{
	return (struct account_command_plan){ .conf = &conf, .keyword = "TheCommand", .line = line,
	    .user = myself(), .deadline_ms = ms, .tokens = { &user, blob, BLOB, "10.1.2.3",
	    "10.9.9.9", 4711, 22, NULL } };
}

static char *run_plan(const struct account_command_plan *p)
{
	struct account_command c;
	size_t len = 0;
	char *text;

	why[0] = '\0';
	assert_int_equal(account_command_prepare(p, &c), 0);
	text = account_command_run(&c, &len, why);
	account_command_end(&c);
	assert_int_equal(c.pid, 0);
	if (text != NULL)
		assert_int_equal(text[len], '\0');
	return text;
}

static char *run(const char *line)
{
	struct account_command_plan p = plan_of(line, QUICK_MS);

	return run_plan(&p);
}

static void writes(const char *line, const char *want)
{
	char *text = run(line);

	if (text == NULL || strcmp(text, want) != 0)
		fail_msg("%s: %s (%s)", line, text != NULL ? text : "nothing", why);
	free(text);
}

static void fails(const char *line, const char *because)
{
	char *text = run(line);

	if (text != NULL || strstr(why, because) == NULL || strncmp(why, "TheCommand: ", 12) != 0)
		fail_msg("%s: %s (%s)", line, text != NULL ? text : "nothing", why);
}

static long ms_since(const struct timespec *a)
{
	struct timespec b;

	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a->tv_sec) * 1000 + (b.tv_nsec - a->tv_nsec) / 1000000;
}

static void arguments_are_split_once_and_never_by_a_shell(void **s)
{
	(void)s;
	writes("/bin/echo", "bob\n");
	writes("/bin/echo a", "a\n");
	writes("/bin/echo \"a  b\" '$HOME;id' c", "a  b $HOME;id c\n");
	writes("/bin/echo %u:%U:%h:%%:%t", "bob:1234:/home/bob:%:ssh-ed25519\n");
	writes("/bin/echo %k", "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
	writes("/bin/sh -c 'echo $#-$1-$2-' x %C %D", "2-10.1.2.3 4711 10.9.9.9 22--\n");
	writes("/bin/sh -c 'echo ${1%%:*}' x %f", "SHA256\n");
	/* what a name holds stays in its argument */
	(void)snprintf(user.name, sizeof(user.name), "a b;id 'c");
	writes("/bin/sh -c 'echo $#-$1' x %u", "1-a b;id 'c\n");
	(void)snprintf(user.name, sizeof(user.name), "bob");
	fails("/bin/echo %F%i%K%s%T", "a token");	/* there is no certificate */
	fails("/bin/echo %x", "a token");
	fails("/bin/echo %", "a token");
	fails("/bin/echo \"a", "a quote");
	fails("", "a quote");
}

static void a_certificate_has_tokens_of_its_own(void **s)
{
	static struct account_certificate cert = { .serial = UINT64_MAX, .key_id = "an id; id",
	    .ca_len = BLOB };
	struct account_command_plan p = plan_of("/bin/sh -c 'echo $#:$1:$2:$3:$4:${5%%:*}' x %i %s %T %K %F",
	    QUICK_MS);
	char *text;

	(void)s;
	memcpy(cert.ca, blob, BLOB);
	cert.ca[BLOB - 1] = 1;
	p.tokens.certificate = &cert;
	text = run_plan(&p);
	assert_non_null(text);
	assert_string_equal(text, "5:an id; id:18446744073709551615:ssh-ed25519:"
	    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB:SHA256\n");
	free(text);
}

static void it_has_no_signal_ignored_or_blocked(void **s)
{
	sigset_t some, before;

	(void)s;
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigaddset(&some, SIGUSR1);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	assert_int_equal(sigprocmask(SIG_BLOCK, &some, &before), 0);
	writes("/bin/grep -c ^Sig[IB][gl][nk]:.0*$ /proc/self/status", "2\n");
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	(void)signal(SIGPIPE, SIG_DFL);
}

static void it_has_an_environment_and_three_descriptors(void **s)
{
	struct passwd *pw = getpwuid(geteuid());
	char want[600];

	(void)s;
	assert_int_equal(setenv("POSTERND_SECRET", "1", 1), 0);
	snprintf(want, sizeof(want), "HOME=%s\nLOGNAME=%s\nPATH=/usr/bin:/bin:/usr/sbin:/sbin\nUSER=%s\n",
	    pw->pw_dir, pw->pw_name, pw->pw_name);
	writes("/bin/sh -c '/usr/bin/env -u PWD -u _ -u SHLVL -u OLDPWD | sort'", want);
	writes("/bin/sh -c 'pwd; cat; umask; ls /proc/self/fd | wc -l'", "/\n0022\n4\n");
	writes("/bin/sh -c 'test $(ps -o sid= -p $$) = $$ && echo a session of its own'",
	    "a session of its own\n");
	fails("/bin/sh -c 'kill -s PIPE $$; kill -s HUP $$'", "ended by signal 13");
}

static void it_is_not_run_as_whoever_asks(void **s)
{
	struct account_command_plan p = plan_of("/usr/bin/id -un", QUICK_MS);
	char *text;

	(void)s;
	p.user = "no-such-user-here";
	assert_null(run_plan(&p));
	assert_non_null(strstr(why, "no user no-such-user-here"));
	if (geteuid() != 0)
		skip();			/* only root can become somebody else */
	p.user = "nobody";
	text = run_plan(&p);
	assert_non_null(text);
	assert_string_equal(text, "nobody\n");
	free(text);
	p.line = "/bin/sh -c 'id -u; id -g; cat /etc/shadow >/dev/null 2>&1 || echo shut'";
	text = run_plan(&p);
	assert_non_null(text);
	assert_string_equal(text, "65534\n65534\nshut\n");
	free(text);
}

static void its_failure_is_told_with_what_it_said(void **s)
{
	(void)s;
	fails("/bin/sh -c 'echo keys; exit 3'", "exit status 3");
	fails("/bin/sh -c 'echo broken pipe >&2; exit 1'", "exit status 1; it said: broken pipe");
	fails("/bin/sh -c 'kill -9 $$'", "ended by signal 9");
	fails("/bin/sh -c 'yes complaint | head -c 1000000 >&2; exit 4'", "exit status 4; it said: complaint");
	assert_true(strlen(why) < 300);
	/* standard error alone is no failure, and no key */
	writes("/bin/sh -c 'echo warning >&2; echo keys'", "keys\n");
	writes("/bin/true", "");
}

static void it_may_write_so_much_and_no_more(void **s)
{
	char line[100], *text;

	(void)s;
	snprintf(line, sizeof(line), "/usr/bin/head -c %d /dev/zero", ACCOUNT_COMMAND_OUTPUT_MAX - 1);
	text = run(line);
	assert_non_null(text);
	free(text);
	snprintf(line, sizeof(line), "/usr/bin/head -c %d /dev/zero", ACCOUNT_COMMAND_OUTPUT_MAX + 1);
	fails(line, "wrote too much");
	fails("/usr/bin/yes", "wrote too much");
}

/* Is anybody left who waits so many seconds?  The number is this process's own; who was
 * killed gets a while to be gone. */
static bool is_asleep(long seconds)
{
	char command[100];

	snprintf(command, sizeof(command), "pgrep -f '^sleep %ld$' >/dev/null", seconds);
	for (int i = 0; i < 100; i++) {
		if (system(command) != 0)
			return false;
		usleep(50 * 1000);
	}
	return true;
}

static void it_is_ended_with_all_that_it_started(void **s)
{
	long mark = 100000 + getpid() % 100000;
	struct account_command_plan p;
	struct timespec a;
	char line[200];

	(void)s;
	snprintf(line, sizeof(line), "/bin/sh -c 'sleep %ld & sleep %ld; echo keys'", mark, mark);
	p = plan_of(line, 300);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_null(run_plan(&p));
	assert_in_range(ms_since(&a), 290, 3000);
	assert_non_null(strstr(why, "took longer than 300 ms"));
	assert_false(is_asleep(mark));
	/* who does not end by a word, and who holds the output open */
	snprintf(line, sizeof(line), "/bin/sh -c 'trap : TERM HUP INT; while :; do sleep %ld; done'", mark);
	p = plan_of(line, 300);
	assert_null(run_plan(&p));
	assert_false(is_asleep(mark));
	snprintf(line, sizeof(line), "/bin/sh -c 'sleep %ld & echo keys'", mark);
	writes(line, "keys\n");
	assert_false(is_asleep(mark));
	/* who leaves its group is not found again, but is not waited for either */
	snprintf(line, sizeof(line), "/bin/sh -c 'setsid sleep 3 & sleep 0.2; echo keys'");
	clock_gettime(CLOCK_MONOTONIC, &a);
	writes(line, "keys\n");
	assert_true(ms_since(&a) < 2500);
}

/* The child that asks can be killed at any time, by the helper's own deadline. */
static void it_ends_with_whoever_asked(void **s)
{
	long mark = 200000 + getpid() % 100000;
	struct account_command_plan p;
	char line[100];
	pid_t pid;

	(void)s;
	snprintf(line, sizeof(line), "/bin/sleep %ld", mark);
	p = plan_of(line, QUICK_MS);
	if ((pid = fork()) == 0) {
		(void)run_plan(&p);
		_exit(0);
	}
	usleep(300 * 1000);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "pgrep -f '^/bin/sleep %ld$' >/dev/null", mark);
		if (system(line) != 0)
			return;
		usleep(50 * 1000);
	}
	fail_msg("it lives on");
}

static void what_is_not_used_is_not_run(void **s)
{
	struct account_command_plan p = plan_of("/bin/sh -c 'echo x >/tmp/account_command_ran'", QUICK_MS);
	struct account_command c;

	(void)s;
	assert_int_equal(account_command_prepare(&p, &c), 0);
	account_command_end(&c);
	assert_int_equal(access("/tmp/account_command_ran", F_OK), -1);
	account_command_end(&c);	/* twice is harmless */
}

static void only_roots_own_programs_are_run(void **s)
{
	char dir[] = "/run/account_command_test.XXXXXX", path[100], link[100];
	int fd;

	(void)s;
	fails("/nonexistent/keys", "No such file");
	fails("relative", "not an absolute path");
	fails("/bin", "not a regular file");
	fails("/etc/passwd", "exit status 127; it said: /etc/passwd: Permission denied");
	if (geteuid() != 0)
		skip();			/* somebody else's files take root to make */
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/keys", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(write(fd, "#!/bin/sh\necho keys\n", 20) == 20);
	close(fd);
	assert_int_equal(symlink(path, link), 0);
	writes(path, "keys\n");
	writes(link, "keys\n");
	for (int i = 0; i < 6; i++) {
		static const struct { bool folder; uid_t owner; mode_t mode; } bad[] = {
			{ false, STRANGER, 0755 }, { false, 0, 0775 }, { false, 0, 0757 },
			{ true, STRANGER, 0755 }, { true, 0, 0775 }, { true, 0, 01777 } };
		const char *what = bad[i].folder ? dir : path;

		assert_int_equal(chown(what, bad[i].owner, 0) | chmod(what, bad[i].mode), 0);
		fails(path, "bad ownership or modes");
		fails(link, "bad ownership or modes");
		assert_int_equal(chown(what, 0, 0) | chmod(what, 0755), 0);
	}
	writes(path, "keys\n");
	assert_int_equal(unlink(path) | unlink(link) | rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_split_once_and_never_by_a_shell),
		cmocka_unit_test(a_certificate_has_tokens_of_its_own),
		cmocka_unit_test(it_has_no_signal_ignored_or_blocked),
		cmocka_unit_test(it_has_an_environment_and_three_descriptors),
		cmocka_unit_test(it_is_not_run_as_whoever_asks),
		cmocka_unit_test(its_failure_is_told_with_what_it_said),
		cmocka_unit_test(it_may_write_so_much_and_no_more),
		cmocka_unit_test(it_is_ended_with_all_that_it_started),
		cmocka_unit_test(it_ends_with_whoever_asked),
		cmocka_unit_test(what_is_not_used_is_not_run),
		cmocka_unit_test(only_roots_own_programs_are_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
