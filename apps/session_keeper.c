/*
 * session_keeper.c - the process that keeps a login's PAM session open around its session
 * process; the calls of libpam are account_pam_session.c's.
 *
 * Opened with root's rights in the process that the account helper forked for this
 * login; that process stays, holds nothing but the modules' state, and closes the
 * session when its child, which has become the user, has ended.  Modules that hang end
 * this one login and no other.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <bsd/unistd.h>
#include <unistd.h>

#include "apps/account_pam.h"
#include "apps/conf.h"
#include "apps/session_link.h"
#include "apps/session_state.h"

enum { MODULES_SECONDS = 60 };

/* The whole of the other process. */
static _Noreturn void hold(struct session *s, struct account_pam_session *h, pid_t pid)
{
	/* the end of the link is the end of the session process, and who is told to go
	 * still has a session to close */
	close(s->link);
	(void)signal(SIGTERM, SIG_IGN);
	setproctitle("pam session %s", s->from->user);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	(void)alarm(MODULES_SECONDS);
	account_pam_close(h);
	_exit(0);
}

bool session_keeper_begin(struct session *s, char why[ACCOUNT_NOTE_MAX])
{
	const struct account_pam p = { .service = s->conf->pam_service, .user = s->from->user,
	    .address = s->from->address, .exists = true };
	struct account_pam_session *h;
	pid_t pid;

	(void)alarm(MODULES_SECONDS);
	h = account_pam_open(&p, &s->pam_environment, s->greeting, why);
	(void)alarm(0);
	if (h == NULL)
		return false;
	if ((pid = fork()) == 0)
		return true;
	if (pid > 0)
		hold(s, h, pid);
	(void)snprintf(why, ACCOUNT_NOTE_MAX, "no process for the session: %s", strerror(errno));
	account_pam_close(h);
	return false;
}
