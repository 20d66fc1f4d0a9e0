/* session_greet.c - what a login reads before its shell: /etc/nologin, /etc/motd.
 * Files of the administrator, shown as they are, in the program's own process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session.h"

static void show(int file, int to)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(file, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			ssize_t w = write(to, buf + at, (size_t)(n - at));

			if (w < 0 && errno != EINTR)
				return;
			at += w > 0 ? w : 0;
		}
}

bool session_greet_nologin(const struct account_user *u)
{
	int file;

	if (u->uid == 0)
		return false;
	file = open("/etc/nologin", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file < 0)
		return errno != ENOENT;	/* there, but not for us to read: still no login */
	show(file, STDERR_FILENO);
	close(file);
	return true;
}

void session_greet_motd(const struct session_program *p)
{
	char quiet[ACCOUNT_PATH_MAX + 16];
	int file;

	if (p->tty == NULL || p->command != NULL)
		return;
	(void)snprintf(quiet, sizeof(quiet), "%s/.hushlogin", p->user->home);
	if (access(quiet, F_OK) == 0)
		return;
	if (p->greeting != NULL && p->greeting[0] != '\0')
		(void)!write(STDOUT_FILENO, p->greeting, strlen(p->greeting));	/* nobody reads: so be it */
	if (!p->conf->print_motd)
		return;
	file = open("/etc/motd", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file >= 0) {
		show(file, STDOUT_FILENO);
		close(file);
	}
}
