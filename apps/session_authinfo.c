/*
 * session_authinfo.c - ExposeAuthInfo: a file of the user's that says by which steps the
 * login came about, for as long as it lasts.
 *
 * Made with the user's rights under a name that nobody could have taken before, and
 * readable by nobody else.  The user may change or remove it: what reads it believes a
 * process of the user's, as with sshd.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session_state.h"

bool session_authinfo_begin(struct session *s)
{
	static const char name[] = "/tmp/sshauth.XXXXXXXXXXXXXXX";
	const char *text = s->from->auth_info;
	size_t len = strlen(text);
	bool good;
	int fd;

	_Static_assert(sizeof(name) <= sizeof(s->auth_info), "it fits");
	if (!s->conf->expose_auth_info || len == 0)
		return true;
	memcpy(s->auth_info, name, sizeof(name));
	if ((fd = mkstemp(s->auth_info)) < 0) {
		s->auth_info[0] = '\0';
		return false;
	}
	good = write(fd, text, len) == (ssize_t)len;
	if (close(fd) != 0 || !good) {
		session_authinfo_leave(s);
		return false;
	}
	return true;
}

void session_authinfo_leave(struct session *s)
{
	if (s->auth_info[0] != '\0')
		(void)unlink(s->auth_info);	/* the user may have removed it */
	s->auth_info[0] = '\0';
}
