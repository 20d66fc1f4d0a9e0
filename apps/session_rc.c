/*
 * session_rc.c - ~/.ssh/rc and /etc/ssh/sshrc, as sshd(8) SSHRC has them: run before the
 * user's shell or command, by the user, with the display's cookie to read.
 *
 * It is the child that becomes the program, so whatever ends the program's group ends
 * these too, and what they do is the user's own doing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/session.h"

static const char system_rc[] = "/etc/ssh/sshrc";

static _Noreturn void become(char *const argv[], char *const env[], int in)
{
	if (dup2(in, STDIN_FILENO) < 0)
		_exit(1);
	closefrom(3);
	execve(argv[0], argv, env);
	_exit(127);
}

/* The line with the cookie fits a pipe, so writing it waits for nobody; without a
 * display there is only the end to read. */
static void run(char *const argv[], char *const env[], const struct session_display *d)
{
	char line[SESSION_PROTOCOL_MAX + SESSION_COOKIE_MAX + 3];
	int in[2], len, status;
	pid_t pid = -1;

	if (pipe2(in, O_CLOEXEC) != 0)
		return;
	len = d == NULL ? 0 : snprintf(line, sizeof(line), "%s %s\n", d->protocol, d->cookie);
	if (len == 0 || write(in[1], line, (size_t)len) == len)
		pid = fork();
	explicit_bzero(line, sizeof(line));
	if (pid == 0)
		become(argv, env, in[0]);
	close(in[0]);
	close(in[1]);
	/* how it went is its own affair, as with sshd */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
}

bool session_rc_run(const struct session_program *p, bool at_home, char *const env[])
{
	char shell[ACCOUNT_PATH_MAX], flag[] = "-c", user_rc[] = "/bin/sh .ssh/rc";
	char sh[] = "/bin/sh", path[sizeof(system_rc)];
	struct stat st;

	if (p->user_rc && at_home && stat(".ssh/rc", &st) == 0) {
		memcpy(shell, p->user->shell, sizeof(shell));
		run((char *[]){ shell, flag, user_rc, NULL }, env, p->display);
		return true;
	}
	if (stat(system_rc, &st) != 0)
		return false;
	memcpy(path, system_rc, sizeof(path));
	run((char *[]){ sh, path, NULL }, env, p->display);
	return true;
}
