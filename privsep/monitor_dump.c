/*
 * monitor_dump.c - packets in clear on their way from a worker to the debug log.
 *
 * A worker that dumps may be hostile.  None of its dumps comes through unless the
 * application asked for it, none is ever queued here, and none takes room in the
 * application's link that another connection's word may need: what has no room is
 * counted and forgotten.
 *
 * A wish beyond CONFIG's hexdump_max is cut to it and not an offence: to end every
 * connection because of one wish for the log would help nobody.
 */
#include "privsep/monitor.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

static uint8_t
capped(const struct monitor *m, uint8_t mode)
{
	return mode < m->config.hexdump_max ? mode : m->config.hexdump_max;
}

static void
set(struct conn *c, uint8_t mode)
{
	struct dump *d = &c->dump;

	d->mode = mode;
	d->ever = d->ever || mode != IPC_HEXDUMP_OFF;
	if (mode == IPC_HEXDUMP_OFF)
		d->skipped = 0;
}

void
monitor_dump_start(struct conn *c)
{
	set(c, capped(c->m, c->plan.hexdump));
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
	set(c, mode);
	say_HEXDUMP(c, &(struct ipc_HEXDUMP){ .mode = mode });
	return 0;
}

static bool
application_keeps_up(const struct monitor *m)
{
	int unread;

	return m->queue.first == NULL && ioctl(m->app.fd, SIOCOUTQ, &unread) == 0 &&
	    unread <= MONITOR_DUMP_UNREAD_MAX;
}

/* After it was turned off, those on their way are no lie. */
int
monitor_dump_on_dump(struct conn *c, const struct ipc_DUMP *q)
{
	struct dump *d = &c->dump;

	if (!d->ever || q->is_out > 1)
		return IPC_BROKEN;
	if (d->mode == IPC_HEXDUMP_OFF)
		return 0;
	if (!application_keeps_up(c->m)) {
		d->skipped += d->skipped < UINT32_MAX;
		return 0;
	}
	tell_DUMPED(c->m, &(struct ipc_DUMPED){ .conn = c->id, .is_out = q->is_out,
	    .skipped = d->skipped, .packet = q->packet });
	d->skipped = 0;
	return 0;
}
