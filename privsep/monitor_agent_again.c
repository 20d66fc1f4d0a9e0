/*
 * monitor_agent_again.c - an agent whose connection has ended, and that is wanted again.
 *
 * The monitor opens no path: it asks the application for another connection, when a
 * signature is wanted and not before, and once a second at most, for strangers make it
 * want one.  What waits goes on waiting meanwhile, within its own deadline.  The other end
 * may be another program by now: it is believed as little as the first, a signature must
 * be the key's.
 */
#include "privsep/monitor_agent.h"

bool
monitor_agent_again(struct agent *a)
{
	uint64_t now = monitor_now(a->m);

	if (a->asked)
		return true;
	if (!a->again || now < a->ask_at)
		return false;
	a->asked = true;
	a->ask_at = now + AGENT_PAUSE_MS;
	monitor_timer_set(a->m, &a->deadline, now + AGENT_AGAIN_MS);
	tell_AGENT_GONE(a->m, &(struct ipc_AGENT_GONE){ .call = a->call });
	return true;
}

static void
answered(struct agent *a)
{
	a->asked = false;
	monitor_timer_clear(a->m, &a->deadline);
}

void
monitor_agent_again_late(struct agent *a)
{
	answered(a);
	/* before anybody is told, and wants the next one at once */
	a->ask_at = monitor_now(a->m) + AGENT_PAUSE_MS;
	monitor_agent_none(a);
}

/* NULL: it is not wanted any more, or not by now. */
static struct agent *
find(const struct monitor *m, uint64_t call)
{
	struct agent *a = m->agents;

	while (a != NULL && (a->call != call || !a->asked))
		a = a->next;
	return a;
}

int
monitor_agent_on_back(struct monitor *m, const struct ipc_AGENT_BACK *q)
{
	struct agent *a = find(m, q->call);

	if (a == NULL) {
		(void)monitor_agent_link_drop(q->socket);	/* told all the same */
		return 0;
	}
	answered(a);
	if (monitor_agent_link_open(a, q->socket) != 0) {
		monitor_remark(m, IPC_ERROR, "the agent's descriptor is not a stream socket");
		monitor_agent_again_late(a);
		return 0;
	}
	a->serial = ++m->serial;	/* it was shown no server yet */
	monitor_remark(m, IPC_INFO, "an agent is connected again");
	monitor_agent_next(a);
	return 0;
}

int
monitor_agent_on_away(struct monitor *m, const struct ipc_AGENT_AWAY *q)
{
	struct agent *a = find(m, q->call);

	if (a != NULL)
		monitor_agent_again_late(a);
	return 0;
}
