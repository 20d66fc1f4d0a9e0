/*
 * worker_dump.c - packets in clear to the monitor, while it wants them: HEXDUMP.
 *
 * In mode BLANKED a password does not leave this process.  A dump is worth less than
 * anything else that is said: when the link has no room it is dropped, never queued,
 * so a slow log holds no connection up.  It runs inside the transport and must not
 * end anything there.
 */
#include <errno.h>

#include "proto/blank.h"
#include "privsep/worker_tell.h"

enum { DUMP_MAX = 35000 };
_Static_assert((int)BLANK_OUT_MAX <= (int)DUMP_MAX, "a packet fits the row");

void
worker_dump(struct worker *w, bool is_out, struct span payload)
{
	uint8_t blanked[BLANK_OUT_MAX];
	struct link *l = &w->monitor;
	struct ipc_DUMP m = { .is_out = is_out, .packet = payload };
	int r;

	if (w->hexdump == IPC_HEXDUMP_OFF || l->fd < 0 || l->gone || l->first != NULL)
		return;
	if (w->hexdump != IPC_HEXDUMP_WHOLE)
		m.packet = blank_payload(payload, blanked, sizeof(blanked));
	r = ipc_send_DUMP(l->fd, &m);
	if (r < 0 && r != -EAGAIN)
		l->gone = true;
}

static void
tap(void *user, bool is_out, struct span payload)
{
	worker_dump(user, is_out, payload);
}

void
worker_dump_set(struct worker *w, uint8_t mode)
{
	w->hexdump = mode;
	if (w->tr != NULL)
		transport_set_tap(w->tr, mode == IPC_HEXDUMP_OFF ? NULL : tap, w);
}
