/*
 * conf_sftp.c - internal-sftp: sshd has an SFTP server within itself; here it is the
 * system's sftp-server, a program of its own that is started without the user's shell.
 *
 * That shell would read files that the user can write by this very service, and who is
 * let in for files alone would run programs.  For the same reason ~/.ssh/rc is not run
 * (posternd_session.c), and neither peer nor user sets its variables (session_env.c).
 */
#include <string.h>
#include <unistd.h>

#include "apps/conf.h"

bool conf_sftp_is(const char *command)
{
	static const char name[] = "internal-sftp";

	return strncmp(command, name, sizeof(name) - 1) == 0 &&
	    strchr(" \t", command[sizeof(name) - 1]) != NULL;	/* or its NUL */
}

const char *conf_sftp_path(void)
{
	/* Debian, Fedora, SUSE and Arch, what is built by hand */
	static const char *const paths[] = { "/usr/lib/openssh/sftp-server",
	    "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server",
	    "/usr/libexec/sftp-server" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

bool conf_sftp_asked(const struct conf *c)
{
	bool asked = c->force_command != NULL && conf_sftp_is(c->force_command);

	for (size_t i = 1; i < c->subsystems.n; i += 2)
		asked = asked || conf_sftp_is(c->subsystems.v[i]);
	return asked;
}
