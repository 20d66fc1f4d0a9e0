/*
 * session_program.c - starts a shell or a command as the user who asked for it.
 *
 * The child keeps three descriptors, a new session, an environment of its own and
 * default signals.  What the peer sent as command goes to the user's shell, which is
 * its place; nothing here is read by a shell of ours.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/program_signals.h"
#include "apps/session.h"

enum { EXIT_NOLOGIN = 254 };

static const struct { const char *name; int number; } signals[] = {
	{ "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },   { "HUP", SIGHUP },
	{ "ILL", SIGILL },   { "INT", SIGINT },   { "KILL", SIGKILL }, { "PIPE", SIGPIPE },
	{ "QUIT", SIGQUIT }, { "SEGV", SIGSEGV }, { "TERM", SIGTERM }, { "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 },
};

int session_signal_number(const char *name)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcmp(signals[i].name, name) == 0)
			return signals[i].number;
	return 0;
}

void session_signal_name(int number, char out[32])
{
	const char *abbrev = sigabbrev_np(number);

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i].number == number) {
			(void)snprintf(out, 32, "%s", signals[i].name);
			return;
		}
	/* names outside the RFC's list need a domain */
	(void)snprintf(out, 32, "%s@postern", abbrev != NULL ? abbrev : "RT");
}

static int place_fds(int in, int out, int err)
{
	int fds[3] = { in, out, err };

	/* first out of the way of 0 to 2, then into place */
	for (int i = 0; i < 3; i++)
		if (fds[i] < 3 && (fds[i] = dup(fds[i] < 0 ? in : fds[i])) < 0)
			return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			return -1;
	closefrom(3);
	return 0;
}

/* Without the user's shell, as conf_sftp.c says. */
static _Noreturn void become_sftp(const struct session_program *p, char *const env[])
{
	const char *path = conf_sftp_path();
	char *words[CONF_WORDS_MAX + 1] = { NULL };
	size_t n = 0;

	if (p->sftp == SESSION_SFTP_ONLY)
		fprintf(stderr, "This service allows sftp connections only.\n");
	else if (path == NULL || conf_line_split(p->command, words, CONF_WORDS_MAX, &n) != 0)
		fprintf(stderr, "There is no sftp-server, or its options are damaged.\n");
	else if (execve(path, words, env) != 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(1);
}

static _Noreturn void become(const struct session_program *p)
{
	const char *base = strrchr(p->user->shell, '/');
	char login[ACCOUNT_PATH_MAX + 1];
	struct session_env env;
	bool at_home;

	base = base != NULL ? base + 1 : p->user->shell;
	session_program_env(p, &env);
	if (session_greet_nologin(p->user))
		_exit(EXIT_NOLOGIN);
	if (!(at_home = chdir(p->user->home) == 0)) {
		fprintf(stderr, "Could not chdir to home directory %s: %s\n", p->user->home,
		    strerror(errno));
		if (chdir("/") != 0)
			_exit(1);
	}
	if (!session_rc_run(p, at_home, env.v) && p->display != NULL)
		session_x11_authorize(p->conf->xauth, p->user, p->display);
	session_greet_motd(p);
	if (p->sftp != SESSION_SFTP_NOT)
		become_sftp(p, env.v);
	if (p->command == NULL) {
		(void)snprintf(login, sizeof(login), "-%s", base);
		execve(p->user->shell, (char *[]){ login, NULL }, env.v);
	} else {
		(void)snprintf(login, sizeof(login), "%s", base);
		execve(p->user->shell, (char *[]){ login, (char[]){ "-c" },
		    (char *)p->command, NULL }, env.v);
	}
	fprintf(stderr, "%s: %s\n", p->user->shell, strerror(errno));
	_exit(1);
}

pid_t session_program_start(const struct session_program *p, int in, int out, int err)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	program_signals_reset();
	if (setsid() < 0 || place_fds(in, out, err) < 0)
		_exit(1);
	if (p->tty != NULL && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0)
		fprintf(stderr, "%s: %s\n", p->tty, strerror(errno));
	become(p);
}
