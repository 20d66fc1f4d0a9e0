/*
 * session_agent.c - the socket through which the user's programs reach the peer's
 * agent: one per login, in a folder of its own that nobody else can enter.  Whoever
 * is this user, or root, can use the agent while the login lasts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/session_link.h"
#include "apps/session_state.h"

enum { AGENT_MASK = 0177 };

const char *session_agent_path(const struct session *s)
{
	const struct session_listener *l = s->listeners;

	while (l != NULL && l->kind != POSTERN_AGENT)
		l = l->next;
	return l != NULL ? l->path : NULL;
}

static int open_socket(struct session_listener *l)
{
	char folder[] = "/tmp/ssh-XXXXXXXXXX", path[sizeof(folder) + 32];
	int r;

	if (mkdtemp(folder) == NULL)	/* 0700, and new */
		return -errno;
	(void)snprintf(path, sizeof(path), "%s/agent.%ld", folder, (long)getpid());
	r = session_listen_unix(l, path, AGENT_MASK, false);
	if (r < 0)
		(void)rmdir(folder);
	l->has_folder = r == 0;
	return r;
}

void session_agent_order(struct session *s, struct session_channel *c)
{
	struct session_listener *l;
	int r = 0;

	if (session_agent_path(s) == NULL) {
		l = session_listen_new(s, POSTERN_AGENT, 0);
		r = l != NULL ? open_socket(l) : -EMFILE;
		if (l != NULL && r < 0)
			session_listen_free(s, l);
	}
	c->has_agent = r == 0;
	session_reply(s, r == 0, r == 0 ? "" : strerror(-r), NULL, 0);
}
