/* client_file_test.c - Host, Match and Include of ssh_config(5): which lines count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_match.h"
#include "apps/client_token.h"

static char dir[] = "/tmp/client_file_test.XXXXXX";
static struct client_conf conf;
static char *next_asked;

static const char *in(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int read_text(const char *text)
{
	client_conf_free(&conf);
	client_log_set_level(0);
	conf.original = client_conf_copy("web.example.org");
	conf.home = dir;
	conf.asked = next_asked != NULL ? client_conf_copy(next_asked) : NULL;
	put("config", text);
	return client_conf_file(&conf, in("config"), conf.original, true);
}

static int port(const char *text)
{
	assert_int_equal(read_text(text), 0);
	return conf.port;
}

/* Does this Match line hold? */
static bool holds(const char *criteria)
{
	char text[1024];

	snprintf(text, sizeof(text), "Match %s\n Port 7\n", criteria);
	return port(text) == 7;
}

static void hosts_are_patterns(void **s)
{
	(void)s;
	assert_int_equal(port("Host web.*\n Port 1\n"), 1);
	assert_int_equal(port("Host a b *.org\n Port 1\n"), 1);
	assert_int_equal(port("Host a b\n Port 1\n"), -1);
	assert_int_equal(port("Host * !web.*\n Port 1\n"), -1);
	assert_int_equal(port("Host none\n Port 1\nHost *\n Port 2\n Port 3\n"), 2);
}

static void criteria_hold_or_not(void **s)
{
	const char *me = getpwuid(getuid())->pw_name;
	char text[300];

	(void)s;
	assert_true(holds("all"));
	assert_true(holds("host web.*") && holds("HOST \"a,web.*\""));
	assert_false(holds("host !web.*") || holds("host *,!web.*") || holds("host web"));
	assert_true(holds("!host x") && holds("!host x originalhost web.*"));
	assert_false(holds("!host web.*") || holds("!host x originalhost x"));
	snprintf(text, sizeof(text), "user %s localuser %s", me, me);
	assert_true(holds(text));
	assert_false(holds("user somebody-else") || holds("localuser somebody-else"));
	assert_true(holds("localnetwork 127.0.0.0/8") && holds("localnetwork 127.0.0.1"));
	/* 240/4 is nobody's [RFC 1112 4] */
	assert_false(holds("localnetwork 240.0.0.0/4") || holds("localnetwork !127.0.0.0/8") ||
	    holds("localnetwork 127.0.0.0/8,!127.0.0.1"));
	assert_true(holds("!localnetwork 240.0.0.0/4"));
}

static void asked(const char *command)
{
	free(next_asked);
	next_asked = command != NULL ? strdup(command) : NULL;
}

static void tags_commands_and_kinds_of_session(void **s)
{
	(void)s;
	assert_int_equal(port("Tag work\nTag home\nMatch tagged wo*,x\n Port 5\n"), 5);
	assert_int_equal(port("Tag work\nMatch tagged home,!work\n Port 5\n"), -1);
	assert_int_equal(port("Tag work\nMatch tagged=work\n Port 5\n"), 5);
	assert_int_equal(port("Tag work\nMatch tagged \"\"\n Port 5\n"), -1);
	assert_int_equal(port("Match tagged work\n Port 5\n"), -1);
	/* no tag is a tag of its own, which no pattern finds */
	assert_true(holds("tagged \"\"") && holds("!tagged *") && holds("tagged= host=web.*"));
	assert_true(holds("command \"\"") && !holds("command *") && holds("sessiontype shell"));
	asked("git-upload-pack x");
	assert_true(holds("command git-*,sftp") && holds("sessiontype exec"));
	assert_false(holds("command \"\"") || holds("command git") || holds("sessiontype shell,none"));
	asked("sftp");
	assert_int_equal(port("SessionType subsystem\nMatch sessiontype subsystem command sftp\n Port 5\n"), 5);
	asked(NULL);
	assert_int_equal(port("SessionType none\nMatch sessiontype none\n Port 5\n"), 5);
	assert_int_equal(port("Match sessiontype none\n Port 5\nHost *\n SessionType none\n"), -1);
	assert_true(holds("version Postern_*") && holds("version=*,!OpenSSH_*"));
	assert_false(holds("version OpenSSH_*") || holds("version Postern"));
}

static void hosts_of_match_are_the_ones_connected_to(void **s)
{
	(void)s;
	assert_int_equal(port("HostName real-%h\nMatch host real-web.*\n Port 5\n"), 5);
	assert_int_equal(port("HostName real-%h\nMatch originalhost real-*\n Port 5\n"), -1);
	assert_int_equal(port("User bob\nMatch user bob\n Port 5\n"), 5);
}

static void programs_are_run_when_they_matter(void **s)
{
	(void)s;
	assert_true(holds("exec true") && holds("exec \"test %n = web.example.org\"") &&
	    holds("!exec false") && holds("exec \"test %p = 22 && test %% = %%\""));
	assert_false(holds("exec false") || holds("exec /no/such/program") || holds("exec \"exit 3\""));
	/* one that no longer matters is not run */
	assert_int_equal(setenv("POSTERN_TEST_DIR", dir, 1), 0);
	assert_false(holds("host x exec \"touch $POSTERN_TEST_DIR/ran\""));
	assert_int_equal(access(in("ran"), F_OK), -1);
	assert_true(holds("host web.* exec \"touch $POSTERN_TEST_DIR/ran\""));
	assert_int_equal(access(in("ran"), F_OK), 0);
	assert_int_equal(unlink(in("ran")), 0);
}

/* postern ignores SIGPIPE; what it runs must not. */
static void programs_have_no_signal_ignored_or_blocked(void **s)
{
	sigset_t some, before;

	(void)s;
	sigfillset(&some);
	sigdelset(&some, SIGINT);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	assert_int_equal(sigprocmask(SIG_SETMASK, &some, &before), 0);
	assert_true(holds("exec \"test $(grep -c '^Sig[IB][gl][nk]:.0*$' /proc/self/status) = 2\""));
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGUSR1, SIG_DFL);
}

static void the_last_pass_is_asked_for_and_seen(void **s)
{
	static const char text[] = "Match final host real\n Port 5\nMatch canonical\n User last\n"
	    "Host *\n HostName real\n IdentityFile a\n";

	(void)s;
	assert_int_equal(port("Match canonical\n Port 1\n"), -1);
	assert_false(conf.wants_final);
	assert_int_equal(port(text), -1);
	assert_true(conf.wants_final);
	conf.is_final = true;
	assert_int_equal(client_conf_file(&conf, in("config"), "real", true), 0);
	assert_int_equal(conf.port, 5);
	assert_string_equal(conf.user, "last");
	assert_int_equal(conf.identities.n, 1);		/* the same line is one line */
	assert_int_equal(port("Match final all\n Port 1\n"), -1);
	assert_true(conf.wants_final);
}

static void bad_lines_are_refused(void **s)
{
	static const char *const bad[] = { "Match\n", "Match nothing x\n", "Match host\n",
		"Match host \"\"\n", "Match all host x\n", "Match host x all\n", "Match exec\n",
		"Match canonical host x all\n", "Match host \"x\n", "Include\n", "Include ${POSTERN_NOT_SET}\n",
		"Include ~no-such-user-here/x\n", "Match canonicals\n", "Match tagged\n", "Match command\n",
		"Match version \"\"\n", "Match sessiontype=\n", "Match host=\n", "Match =x\n", "Match tag work\n",
		"Match all=x\n", "Match localnetwork x\n",
		"Match localnetwork 127.0.0.0/33\n", "Match localnetwork 127.0.0.0/x\n", "Match localnetwork 127.0.0.0/\n",
		"Match localnetwork 127.0.0.0/8,\n", "Match exec %z\n", "HostName %z\nMatch host x\n" };

	(void)s;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_text(bad[i]) == 0)
			fail_msg("taken: %s", bad[i]);
}

static void files_include_files(void **s)
{
	(void)s;
	assert_int_equal(mkdir(in(".ssh"), 0700), 0);
	put(".ssh/one", "Port 11\nHost nobody\n User nobody\n");
	put(".ssh/two", "Match host web.*\n User two\n");
	/* relative to ~/.ssh; what it says of hosts ends with it */
	assert_int_equal(port("Include one\nUser me\n"), 11);
	assert_string_equal(conf.user, "me");
	assert_int_equal(port("Include ~/.ssh/o*e none-such tw?\n"), 11);
	assert_string_equal(conf.user, "two");
	assert_int_equal(setenv("POSTERN_TEST_DIR", dir, 1), 0);
	assert_int_equal(port("Include \"${POSTERN_TEST_DIR}/.ssh/one\"\n"), 11);
	/* where nothing counts, nothing of it does */
	assert_int_equal(port("Host x\n Include one two\nHost *\n Port 3\n"), 3);
	assert_null(conf.user);
	put(".ssh/loop", "Include loop\n");
	assert_int_not_equal(read_text("Include loop\n"), 0);
	/* two each, 16 deep, would be 65536 */
	put(".ssh/twice", "Include twice\nInclude twice\n");
	assert_int_not_equal(read_text("Include twice\n"), 0);
	put(".ssh/bad", "\nFrobnicate\n");
	assert_int_not_equal(read_text("Include bad\n"), 0);
}

static void files_are_counted(void **s)
{
	char text[8192] = "";

	(void)s;
	put(".ssh/empty", "\n");
	for (size_t i = 0; i < 255; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "Include empty\n");
	assert_int_equal(read_text(text), 0);		/* and the file itself: 256 */
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "Include empty\n");
	assert_int_not_equal(read_text(text), 0);
}

/* Match exec runs what the usual file says; -F is the caller's own choice. */
static void a_file_that_others_may_write_is_refused(void **s)
{
	const mode_t bad[] = { 0620, 0602, 0666 };
	char line[400];

	(void)s;
	put("inner", "Port 5\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text("Port 4\n"), 0);
		assert_int_equal(chmod(in("config"), bad[i]), 0);
		assert_int_not_equal(client_conf_file(&conf, in("config"), conf.original, false), 0);
		assert_int_equal(client_conf_file(&conf, in("config"), conf.original, true), 0);
		assert_int_equal(chmod(in("config"), 0644), 0);
		assert_int_equal(client_conf_file(&conf, in("config"), conf.original, false), 0);
		/* nor by way of a file that is the user's alone */
		snprintf(line, sizeof(line), "Include %s\n", in("inner"));
		put("config", line);
		assert_int_equal(chmod(in("inner"), bad[i]), 0);
		assert_int_not_equal(client_conf_file(&conf, in("config"), conf.original, false), 0);
		assert_int_equal(chmod(in("inner"), 0600), 0);
		assert_int_equal(client_conf_file(&conf, in("config"), conf.original, false), 0);
	}
	if (geteuid() == 0) {
		assert_int_equal(chown(in("config"), 54321, 0), 0);
		assert_int_not_equal(client_conf_file(&conf, in("config"), conf.original, false), 0);
	}
	assert_int_equal(unlink(in("config")), 0);
}

static int setup(void **s)
{
	(void)s;
	client_conf_init(&conf);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int teardown(void **s)
{
	char command[300];

	(void)s;
	client_conf_free(&conf);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_patterns),
		cmocka_unit_test(criteria_hold_or_not),
		cmocka_unit_test(tags_commands_and_kinds_of_session),
		cmocka_unit_test(hosts_of_match_are_the_ones_connected_to),
		cmocka_unit_test(programs_are_run_when_they_matter),
		cmocka_unit_test(programs_have_no_signal_ignored_or_blocked),
		cmocka_unit_test(the_last_pass_is_asked_for_and_seen),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(files_include_files),
		cmocka_unit_test(files_are_counted),
		cmocka_unit_test(a_file_that_others_may_write_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
