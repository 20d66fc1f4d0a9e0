/*
 * monitor_agent.c - SSH agents whose keys log in.
 */
#include "privsep/monitor.h"

#include <unistd.h>

int
monitor_agent_on_agent(struct monitor *m, const struct ipc_AGENT *q)
{
	(void)close(q->socket);		/* nothing was said */
	tell_AGENT_DONE(m, &(struct ipc_AGENT_DONE){ .call = q->call });
	return 0;
}
