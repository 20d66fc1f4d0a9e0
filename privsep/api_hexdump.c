/*
 * api_hexdump.c - packets in clear, for the debug log.
 */
#include "privsep/api.h"

void
api_hexdump_show(postern_transport *t, const struct ipc_DUMPED *m)
{
	api_log(t->ctx, t, POSTERN_DEBUG, "worker claims a packet %s of %zu bytes",
	    m->is_out ? "out" : "in", m->packet.n);
}
