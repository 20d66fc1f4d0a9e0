/* client_session.h - the session: what runs on the server, and what it gets of ours. */
#ifndef APPS_CLIENT_SESSION_H
#define APPS_CLIENT_SESSION_H

#include "apps/client_link.h"
#include "apps/client_loop.h"
#include "apps/client_spec.h"

struct client_session {
	struct client_link *link;
	struct client_loop *loop;
	const char *command;		/* NULL: a shell                           */
	int tty;			/* -1: -T, 1: -t, 2: -tt, 0: as configured */
	bool subsystem, no_stdin;
};

int client_session_run(struct client_session *);	/* the exit status */
/* -W: our stdio is a connection of the server's. */
int client_session_stdio(struct client_session *, const struct client_end *to);
/* -N: forwards only, until the connection ends or a signal comes. */
int client_session_none(struct client_session *);

#endif
