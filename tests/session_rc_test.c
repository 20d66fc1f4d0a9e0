/*
 * session_rc_test.c - what a user's own files do before the program: ~/.ssh/environment
 * and ~/.ssh/rc, and who may not be overruled by them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session.h"

static char home[] = "/tmp/session_rc_test.XXXXXX";
static struct account_user user;
static struct account_session_ask from;
static struct session_env env;
static struct conf conf;
static struct session_program program;

static void put(const char *name, const char *text, size_t len)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/.ssh/%s", home, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void remove_file(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/.ssh/%s", home, name);
	assert_true(unlink(path) == 0 || errno == ENOENT);
}

/* The value that a program would find, or NULL. */
static const char *value_of(const char *name)
{
	size_t len = strlen(name);

	session_env_free(&env);
	session_program_env(&program, &env);
	for (size_t i = 0; i < env.n; i++)
		if (strncmp(env.v[i], name, len) == 0 && env.v[i][len] == '=')
			return env.v[i] + len + 1;
	return NULL;
}

static void is(const char *name, const char *want)
{
	const char *got = value_of(name);

	if ((got == NULL) != (want == NULL) || (want != NULL && strcmp(got, want) != 0))
		fail_msg("%s is %s, not %s", name, got != NULL ? got : "not set", want);
}

static char yes[] = "yes", no[] = "no", some[] = "LC_*,PATH";

static void keys_set_variables_but_not_what_others_rely_on(void **s)
{
	char *set[] = { (char[]){ "FIXED=admin" } };

	(void)s;
	(void)snprintf(from.environment, sizeof(from.environment), "A=1\nPATH=/opt\nSSH_CLIENT=x\n"
	    "SSH_ORIGINAL_COMMAND=x\nFIXED=user\nWITH=a=b c\nEMPTY=\n");
	conf.user_environment = yes;
	conf.set_env = (struct conf_words){ set, 1 };
	program.original = "wanted";
	is("A", "1");
	is("PATH", "/opt");
	is("WITH", "a=b c");
	is("EMPTY", "");
	is("SSH_CLIENT", "10.1.2.3 4711 22");
	is("SSH_ORIGINAL_COMMAND", "wanted");
	is("FIXED", "admin");
	from.environment[0] = '\0';
	conf.set_env = (struct conf_words){ 0 };
	conf.user_environment = NULL;
	program.original = NULL;
}

static void the_users_file_is_read_as_far_as_permitted(void **s)
{
	static const char text[] = "# comment\n\n  LC_ALL=C\nPATH=/opt\nOTHER=1\nno value\n=x\n"
	    "SSH_CONNECTION=x";

	(void)s;
	put("environment", text, sizeof(text) - 1);
	conf.user_environment = no;
	is("LC_ALL", NULL);
	conf.user_environment = NULL;
	is("LC_ALL", NULL);
	conf.user_environment = some;
	is("LC_ALL", "C");
	is("PATH", "/opt");
	is("OTHER", NULL);
	conf.user_environment = yes;
	is("OTHER", "1");
	is("SSH_CONNECTION", "10.1.2.3 4711 10.9.9.9 22");
	/* the file comes after the key, as in sshd */
	(void)snprintf(from.environment, sizeof(from.environment), "OTHER=2\n");
	is("OTHER", "1");
	from.environment[0] = '\0';
}

static void a_file_that_is_none_or_has_no_end_sets_nothing(void **s)
{
	static char big[64 * 1024 + 1];
	size_t n = 0;
	char *set[] = { (char[]){ "FIXED=admin" }, (char[]){ "TWO=2" } };
	char path[300];

	(void)s;
	conf.user_environment = yes;
	memset(big, '\n', sizeof(big));
	memcpy(big, "A=1\n", 4);
	put("environment", big, sizeof(big) - 1);
	is("A", "1");
	put("environment", big, sizeof(big));
	is("A", NULL);
	put("environment", "A=1\nB=2\0C=3\nD=4\n", 16);
	is("B", "2");
	remove_file("environment");
	is("A", NULL);
	snprintf(path, sizeof(path), "%s/.ssh/environment", home);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	is("A", NULL);
	alarm(0);
	assert_int_equal(unlink(path), 0);
	/* more than there is room for leaves the rest as it is */
	big[0] = '\0';
	for (int i = 0; i < 3000; i++)
		n += (size_t)snprintf(big + n, sizeof(big) - n, "V%d=1\n", i);
	put("environment", big, n);
	is("V0", "1");
	is("V2999", NULL);
	is("HOME", home);
	/* ...and what is set later has its room */
	conf.set_env = (struct conf_words){ set, 2 };
	program.original = "wanted";
	is("SSH_CONNECTION", "10.1.2.3 4711 10.9.9.9 22");
	is("SSH_ORIGINAL_COMMAND", "wanted");
	is("FIXED", "admin");
	is("TWO", "2");
	conf.set_env = (struct conf_words){ 0 };
	program.original = NULL;
	remove_file("environment");
	conf.user_environment = no;
}

/* pam_env may read a file of the user's, and then sets what that says. */
static void what_pam_sets_leaves_room_for_what_tells_of_the_login(void **s)
{
	static char text[300][16];
	static char *all[301];

	(void)s;
	for (int i = 0; i < 300; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "V%d=1", i);
		all[i] = text[i];
	}
	program.pam_environment = all;
	program.original = "wanted";
	is("V0", "1");
	is("V299", NULL);
	is("SSH_CONNECTION", "10.1.2.3 4711 10.9.9.9 22");
	is("SSH_ORIGINAL_COMMAND", "wanted");
	program.pam_environment = NULL;
	program.original = NULL;
}

/* Who is let in for files alone may write all of these files, and what they name. */
static void nobody_sets_variables_of_the_sftp_server_but_the_administrator(void **s)
{
	char *pam[] = { (char[]){ "LD_PRELOAD=/x" }, NULL };
	char *set[] = { (char[]){ "FIXED=admin" } };
	struct session_env accepted = { 0 };

	(void)s;
	conf.user_environment = yes;
	conf.set_env = (struct conf_words){ set, 1 };
	program.accepted = &accepted;
	assert_int_equal(session_env_put(&accepted, "LD_PRELOAD", "/x"), 0);
	is("LD_PRELOAD", "/x");
	program.sftp = SESSION_SFTP_RUN;
	program.pam_environment = pam;
	(void)snprintf(from.environment, sizeof(from.environment), "LD_PRELOAD=/x\n");
	put("environment", "LD_PRELOAD=/x\n", 14);
	is("LD_PRELOAD", NULL);
	program.sftp = SESSION_SFTP_ONLY;
	is("LD_PRELOAD", NULL);
	is("HOME", home);
	is("SSH_CONNECTION", "10.1.2.3 4711 10.9.9.9 22");
	is("FIXED", "admin");
	remove_file("environment");
	from.environment[0] = '\0';
	program.pam_environment = NULL;
	program.accepted = NULL;
	program.sftp = SESSION_SFTP_NOT;
	conf.set_env = (struct conf_words){ 0 };
	conf.user_environment = no;
	session_env_free(&accepted);
}

/* They come out of a process that was the user when it read them. */
static void what_keys_set_is_permitted_here_too(void **s)
{
	(void)s;
	(void)snprintf(from.environment, sizeof(from.environment), "LC_ALL=C\nLD_PRELOAD=/tmp/x.so\n");
	conf.user_environment = some;
	is("LC_ALL", "C");
	is("LD_PRELOAD", NULL);
	conf.user_environment = no;
	is("LC_ALL", NULL);
	conf.user_environment = NULL;
	is("LC_ALL", NULL);
	from.environment[0] = '\0';
}

/* All that the program and the rc file said. */
static const char *run(const char *command)
{
	static char text[4096];
	size_t n = 0;
	ssize_t r;
	int out[2], null = open("/dev/null", O_RDWR);
	pid_t pid;

	program.command = command;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = session_program_start(&program, null, out[1], out[1]);
	assert_true(pid > 0);
	close(out[1]);
	close(null);
	while ((r = read(out[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return text;
}

static void the_rc_file_runs_first_if_it_may(void **s)
{
	static const char rc[] = "echo rc in $PWD; cat; exit 3\n";
	static struct session_display display = { .number = 10, .localhost = true,
	    .protocol = "MIT-MAGIC-COOKIE-1", .cookie = "0123abcd" };
	char want[400];

	(void)s;
	if (access("/etc/ssh/sshrc", F_OK) == 0)
		skip();			/* it would run where the user's does not */
	put("rc", rc, sizeof(rc) - 1);
	program.user_rc = true;
	snprintf(want, sizeof(want), "rc in %s\ncommand\n", home);
	assert_string_equal(run("echo command"), want);
	program.display = &display;
	snprintf(want, sizeof(want), "rc in %s\nMIT-MAGIC-COOKIE-1 0123abcd\nlocalhost:10.0\n", home);
	assert_string_equal(run("echo $DISPLAY"), want);
	program.display = NULL;
	program.user_rc = false;
	assert_string_equal(run("echo command"), "command\n");
	program.user_rc = true;
	remove_file("rc");
	assert_string_equal(run("echo command"), "command\n");
}

static int setup(void **s)
{
	char path[300];

	(void)s;
	if (mkdtemp(home) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/.ssh", home);
	if (mkdir(path, 0700) != 0)
		return -1;
	user = (struct account_user){ .exists = true, .name = "bob", .shell = "/bin/sh",
	    .uid = getuid() };
	(void)snprintf(user.home, sizeof(user.home), "%s", home);
	(void)snprintf(from.address, sizeof(from.address), "10.1.2.3");
	(void)snprintf(from.local, sizeof(from.local), "10.9.9.9");
	from.port = 4711;
	from.local_port = 22;
	program = (struct session_program){ .conf = &conf, .user = &user, .from = &from };
	return 0;
}

static int teardown(void **s)
{
	char command[300];

	(void)s;
	session_env_free(&env);
	snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_set_variables_but_not_what_others_rely_on),
		cmocka_unit_test(the_users_file_is_read_as_far_as_permitted),
		cmocka_unit_test(a_file_that_is_none_or_has_no_end_sets_nothing),
		cmocka_unit_test(what_pam_sets_leaves_room_for_what_tells_of_the_login),
		cmocka_unit_test(nobody_sets_variables_of_the_sftp_server_but_the_administrator),
		cmocka_unit_test(what_keys_set_is_permitted_here_too),
		cmocka_unit_test(the_rc_file_runs_first_if_it_may),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
