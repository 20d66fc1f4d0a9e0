/*
 * monitor_gate.c - the data gate: the only place that joins a worker to the
 * application, and it stands behind a proven login.
 *
 * The application's end goes first: before it there is nothing that the application
 * could read, whatever a worker claims.
 */
#include "privsep/monitor.h"

#include <unistd.h>

void
monitor_gate_open(struct conn *c, const char *user, const char *methods, const char *alg,
    struct span key)
{
	struct monitor *m = c->m;
	int pair[2];

	if (ipc_pair(pair) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "no descriptors for a login");
		return;
	}
	tell_USER_LOGGED_IN(m, &(struct ipc_USER_LOGGED_IN){ .conn = c->id,
	    .user = span_str(user), .methods = span_str(methods), .alg = span_str(alg),
	    .key = key, .worker = pair[0] });
	(void)close(pair[0]);		/* it travels */
	m->startups -= c->counted;
	c->counted = false;
	monitor_conn_phase(c, L_OPEN);
	say_LOGGED_IN(c, &(struct ipc_LOGGED_IN){ .app = pair[1] });
	(void)close(pair[1]);
}
