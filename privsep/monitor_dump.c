/*
 * monitor_dump.c - packets in clear on their way from a worker to the debug log.
 *
 * A worker that dumps may be hostile: nothing it sends here may fill our memory or
 * keep others waiting, and none comes through unless the application asked for it.
 * The application's CONFIG caps how much may be shown.
 */
#include "privsep/monitor.h"

static uint8_t
capped(const struct monitor *m, uint8_t mode)
{
	return mode < m->config.hexdump_max ? mode : m->config.hexdump_max;
}

void
monitor_dump_start(struct conn *c)
{
	c->dump.mode = capped(c->m, c->plan.hexdump);
	c->dump.ever = c->dump.mode != IPC_HEXDUMP_OFF;
}

int
monitor_dump_on_set(struct monitor *m, const struct ipc_SET_HEXDUMP *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	uint8_t mode = capped(m, q->mode);

	if (q->mode > IPC_HEXDUMP_WHOLE)
		return IPC_BROKEN;
	if (c == NULL)
		return 0;
	if (c->phase == L_NEW) {	/* START will say it */
		c->plan.hexdump = mode;
		return 0;
	}
	if (mode == c->dump.mode)
		return 0;
	c->dump.mode = mode;
	c->dump.ever = c->dump.ever || mode != IPC_HEXDUMP_OFF;
	say_HEXDUMP(c, &(struct ipc_HEXDUMP){ .mode = mode });
	return 0;
}

/* After it was turned off those on their way are no lie. */
int
monitor_dump_on_dump(struct conn *c, const struct ipc_DUMP *q)
{
	struct dump *d = &c->dump;

	if (!d->ever || q->is_out > 1)
		return IPC_BROKEN;
	if (d->mode == IPC_HEXDUMP_OFF)
		return 0;
	if (c->m->queue.bytes >= MONITOR_DUMP_QUEUE_MAX) {
		d->skipped += d->skipped < UINT32_MAX;
		return 0;
	}
	tell_DUMPED(c->m, &(struct ipc_DUMPED){ .conn = c->id, .is_out = q->is_out,
	    .skipped = d->skipped, .packet = q->packet });
	d->skipped = 0;
	return 0;
}
