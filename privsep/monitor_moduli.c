/*
 * monitor_moduli.c - the groups for Diffie-Hellman group exchange (RFC 4419).
 *
 * The administrator's file is read here, and a group is chosen here: a worker only
 * says what the peer asked for.  Without moduli there is no group.
 */
#include "privsep/monitor.h"

#include <unistd.h>

int
monitor_moduli_on_load(struct monitor *m, const struct ipc_MODULI *q)
{
	(void)close(q->file);		/* only to be read */
	tell_MODULI_LOADED(m, &(struct ipc_MODULI_LOADED){ .call = q->call });
	return 0;
}

int
monitor_moduli_on_ask(struct conn *c, const struct ipc_GROUP_ASK *q)
{
	(void)q;
	say_GROUP(c, &(struct ipc_GROUP){ .p = span_str("") });
	return 0;
}
