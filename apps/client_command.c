/*
 * client_command.c - runs the programs that the configuration names, ProxyCommand,
 * LocalCommand and those of Match exec, by the user's shell and with the user's rights.
 *
 * The text is the user's own; what tokens put into it has been looked at before
 * (client_token.c), as a host name may come from a web page.  A program gets none of our
 * descriptors but the three, nor the signals that we pass over.
 */
#include <bsd/unistd.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/client_command.h"
#include "apps/client_log.h"
#include "apps/client_token.h"
#include "apps/program_signals.h"

enum { FIRST_FREE_FD = STDERR_FILENO + 1 };

void
client_command_become(const char *prefix, const char *command)
{
	const char *shell = getenv("SHELL");
	char *line;

	if (shell == NULL || shell[0] == '\0')
		shell = "/bin/sh";
	closefrom(FIRST_FREE_FD);
	program_signals_reset();
	if (asprintf(&line, "%s%s", prefix, command) >= 0)
		(void)execl(shell, shell, "-c", line, (char *)NULL);
	client_log_error("%s: %s", shell, strerror(errno));
	_exit(127);
}

int
client_command_proxy(const struct client_conf *c, pid_t *pid)
{
	char *command = client_token_expand(c, c->proxy_command, TOKENS_JUMP, 0);
	int pair[2], r = -1;

	if (command == NULL)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		client_log_error("ProxyCommand: %s", strerror(errno));
		free(command);
		return -1;
	}
	client_log_verbose("connecting through: %s", command);
	*pid = fork();
	if (*pid == 0) {
		/* it may ask the person, so it stays in our process group */
		if (dup2(pair[1], STDIN_FILENO) < 0 || dup2(pair[1], STDOUT_FILENO) < 0)
			_exit(1);
		client_command_become("exec ", command);
	}
	(void)close(pair[1]);	/* the child's */
	if (*pid < 0) {
		client_log_error("ProxyCommand: %s", strerror(errno));
		(void)close(pair[0]);	/* nobody is behind it */
	} else {
		r = pair[0];
	}
	free(command);
	return r;
}

void
client_command_local(const struct client_conf *c)
{
	char *command = client_token_expand(c, c->local_command, TOKENS_ALL, 0);
	int status = 0;
	pid_t pid;

	if (command == NULL)
		return;
	client_log_verbose("running here: %s", command);
	if ((pid = fork()) == 0)
		client_command_become("", command);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (pid < 0)
		client_log_error("LocalCommand: %s", strerror(errno));
	else
		client_log_verbose("LocalCommand: status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	free(command);
}
