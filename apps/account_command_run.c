/*
 * account_command_run.c - runs a program of the administrator's: as the user who is
 * configured for it, never as a login's, and with an end.
 *
 * It keeps posternd's rights, because it must become that user and must be able to end
 * what the program started.  It parses nothing.  The path must be one that nobody but
 * root can change, as sshd demands; no shell is involved.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <bsd/unistd.h>
#include <unistd.h>

#include "apps/account_command_run.h"
#include "apps/conf.h"
#include "apps/session_link.h"
#include "apps/program_signals.h"

enum { CONTROL = 3, OUTPUT = 4, SAID_MAX = 200,
	READS_PER_TURN = 32 };		/* who writes without end keeps nobody from the clock */

struct running {
	const struct account_command_plan *plan;
	char *argv[CONF_WORDS_MAX + 2];
	char path[PATH_MAX];
	struct account_user user;
	pid_t pid;
	int pidfd, err;
	char said[SAID_MAX + 1];	/* the beginning of its standard error       */
	size_t n_said;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void report(const struct account_command_plan *p, bool ok, const char *note)
{
	struct account_command_report r = { .ok = ok };

	(void)snprintf(r.note, sizeof(r.note), "%s: %.450s", p->keyword, note);
	(void)session_link_send(CONTROL, &r, sizeof(r), NULL, 0);	/* or nobody waits any more */
	_exit(0);
}

/* The words of the line, with what their tokens stand for. */
static bool make_argv(struct running *r)
{
	char *words[CONF_WORDS_MAX];
	size_t n = 0;

	if (conf_line_split(r->plan->line, words, CONF_WORDS_MAX, &n) < 0 || n == 0)
		return false;
	r->argv[0] = words[0];
	for (size_t i = 1; i < n; i++)
		if ((r->argv[i] = account_token_expand(words[i], &r->plan->tokens)) == NULL)
			return false;
	if (n == 1)
		r->argv[n++] = strdup(r->plan->tokens.user->name);
	r->argv[n] = NULL;
	return r->argv[n - 1] != NULL;
}

/* Where the path leads, if root alone decides where it does: what is looked at is what
 * is run, whatever links led there. */
static bool is_safe(struct running *r, char why[ACCOUNT_NOTE_MAX])
{
	int fd;

	if (r->argv[0][0] != '/' || realpath(r->argv[0], r->path) == NULL) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%.300s: %s", r->argv[0],
		    r->argv[0][0] != '/' ? "not an absolute path" : strerror(errno));
		return false;
	}
	fd = account_file_open(r->path, "", 0, true, why);
	if (fd < 0 && why[0] == '\0')
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%.300s is gone", r->path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static _Noreturn void become(struct running *r, int err)
{
	char home[ACCOUNT_PATH_MAX + 8], user[ACCOUNT_USER_MAX + 8], logname[ACCOUNT_USER_MAX + 16];
	char path[] = "PATH=/usr/bin:/bin:/usr/sbin:/sbin";
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	program_signals_reset();
	(void)snprintf(home, sizeof(home), "HOME=%s", r->user.home);
	(void)snprintf(user, sizeof(user), "USER=%s", r->user.name);
	(void)snprintf(logname, sizeof(logname), "LOGNAME=%s", r->user.name);
	if (setsid() < 0 || null < 0 || dup2(null, 0) < 0 || dup2(OUTPUT, 1) < 0 ||
	    dup2(err, 2) < 0 || chdir("/") != 0)
		_exit(127);
	closefrom(3);
	(void)umask(022);
	if (account_user_become(&r->user) < 0)
		dprintf(2, "cannot become %s", r->user.name);
	else
		execve(r->path, r->argv, (char *[]){ path, home, user, logname, NULL });
	dprintf(2, "%s: %s", r->path, strerror(errno));
	_exit(127);
}

static bool start(struct running *r, char why[ACCOUNT_NOTE_MAX])
{
	int err[2];

	account_user_find(r->plan->conf, r->plan->user, &r->user);
	if (!r->user.exists || r->user.is_virtual) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "there is no user %.100s to run it as",
		    r->plan->user);
		return false;
	}
	if (!make_argv(r)) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "a quote, a token or memory is missing");
		return false;
	}
	if (!is_safe(r, why))
		return false;
	if (pipe2(err, O_CLOEXEC) != 0 || (r->pid = fork()) < 0) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%s", strerror(errno));
		return false;
	}
	if (r->pid == 0)
		become(r, err[1]);
	close(err[1]);
	close(OUTPUT);			/* its end is the program's alone */
	r->err = err[0];
	r->pidfd = pidfd_open(r->pid, 0);
	if (fcntl(r->err, F_SETFL, O_NONBLOCK) == 0 && r->pidfd >= 0)
		return true;
	(void)snprintf(why, ACCOUNT_NOTE_MAX, "%s", strerror(errno));
	return false;
}

/* The first bytes are kept, the rest is only taken away. */
static void hear(struct running *r)
{
	char buf[4096];
	ssize_t n = 1;

	for (int i = 0; i < READS_PER_TURN && (n = read(r->err, buf, sizeof(buf))) > 0; i++) {
		size_t more = SAID_MAX - r->n_said;

		if (more > (size_t)n)
			more = (size_t)n;
		memcpy(r->said + r->n_said, buf, more);
		r->n_said += more;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		close(r->err);
		r->err = -1;
	}
}

/* Until the program has ended (true), or has to be (false). */
static bool wait_for_end(struct running *r, bool *is_wanted)
{
	int64_t until = now_ms() + r->plan->deadline_ms;

	for (;;) {
		struct pollfd p[] = { { .fd = r->pidfd, .events = POLLIN },
			{ .fd = CONTROL, .events = POLLIN }, { .fd = r->err, .events = POLLIN } };
		int64_t left = until - now_ms();

		if (left <= 0)
			return false;
		if (poll(p, 3, (int)left) < 0)
			continue;	/* no signal is handled here: the deadline ends it */
		if (p[2].revents != 0)
			hear(r);
		if (p[1].revents != 0) {
			*is_wanted = false;
			return false;
		}
		if (p[0].revents != 0)
			return true;
	}
}

/* Its group is ended before it is reaped: until then the number is its own. */
static void finish(struct running *r, bool in_time)
{
	char note[ACCOUNT_NOTE_MAX] = "";
	int status = -1;

	(void)killpg(r->pid, SIGKILL);
	(void)kill(r->pid, SIGKILL);	/* it may have had no time to make its group */
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (r->err >= 0)
		hear(r);
	if (!in_time)
		(void)snprintf(note, sizeof(note), "took longer than %d ms", r->plan->deadline_ms);
	else if (WIFSIGNALED(status))
		(void)snprintf(note, sizeof(note), "ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		(void)snprintf(note, sizeof(note), "exit status %d", WEXITSTATUS(status));
	if (note[0] != '\0' && r->n_said > 0) {
		size_t at = strlen(note);

		(void)snprintf(note + at, sizeof(note) - at, "; it said: %s", r->said);
	}
	report(r->plan, note[0] == '\0', note);
}

_Noreturn void account_command_supervise(const struct account_command_plan *p, int control,
    int output)
{
	static struct running r;
	char why[ACCOUNT_NOTE_MAX] = "", word;
	struct pollfd wait = { .events = POLLIN };
	bool is_wanted = true, in_time;

	/* the socket for the login's answer is not ours to keep open */
	if ((control = fcntl(control, F_DUPFD_CLOEXEC, 64)) < 0 ||
	    (output = fcntl(output, F_DUPFD_CLOEXEC, 64)) < 0 ||
	    dup3(control, CONTROL, O_CLOEXEC) < 0 || dup3(output, OUTPUT, O_CLOEXEC) < 0)
		_exit(1);
	closefrom(OUTPUT + 1);
	wait.fd = CONTROL;
	r.plan = p;
	while (poll(&wait, 1, -1) < 0 && errno == EINTR)
		continue;
	if (session_link_recv(CONTROL, &word, sizeof(word), NULL, NULL) != (ssize_t)sizeof(word))
		_exit(0);
	if (!start(&r, why)) {
		if (r.pid > 0)
			(void)kill(r.pid, SIGKILL);	/* not reaped, so it is ours */
		report(p, false, why);
	}
	in_time = wait_for_end(&r, &is_wanted);
	if (!is_wanted) {
		(void)killpg(r.pid, SIGKILL);
		(void)kill(r.pid, SIGKILL);
		_exit(0);
	}
	finish(&r, in_time);
	_exit(0);
}
