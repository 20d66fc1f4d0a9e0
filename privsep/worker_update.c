/*
 * worker_update.c - a client's worker hears which host keys the server has, and has
 * those proven that the monitor wants to know more of (OpenSSH PROTOCOL 2.5).
 *
 * Both lists are the server's own words.  Here they are cut into strings and counted,
 * no more: which keys count, and whether a signature is one, is the monitor's to say.
 * A list that is none ends no connection; it only changes nothing.
 */
#include "privsep/worker_tell.h"

/* Nothing but strings, and not too many. */
static bool
is_list(struct span list, size_t each_max)
{
	struct rd r = rd_of(list);
	unsigned n = 0;

	while (r.n > 0 && !r.bad && n <= IPC_HOSTKEYS_MAX) {
		(void)rd_blob(&r, each_max);
		n++;
	}
	return rd_done(&r) && n > 0 && n <= IPC_HOSTKEYS_MAX;
}

/* Once: a server's keys do not change while it talks to us. */
void
worker_update_told(struct worker *w, struct span keys)
{
	if (w->keys_told)
		return;
	w->keys_told = true;
	if (!is_list(keys, KEY_BLOB_MAX)) {
		worker_note(w, IPC_VERBOSE, span_str("the server's list of host keys is none"));
		return;
	}
	worker_must(w, worker_tell_HOSTKEYS_TOLD(w, &(struct ipc_HOSTKEYS_TOLD){
	    .keys = keys }));
}

int
worker_update_ask(struct worker *w, const struct ipc_HOSTKEYS_ASK *m)
{
	if (w->role != SSH_CLIENT)
		return -1;
	/* a server that owes us so many replies gives none to this either */
	if (w->end == END_NOT && connection_can_call(w->cn))
		worker_check(w, connection_global(w->cn, WORKER_UPDATE_CALL,
		    span_str("hostkeys-prove-00@openssh.com"), m->keys));
	return 0;
}

void
worker_update_proved(struct worker *w, bool ok, struct span signatures)
{
	if (!ok || !is_list(signatures, SIGNATURE_MAX))
		signatures = span_of(NULL, 0);
	worker_must(w, worker_tell_HOSTKEYS_PROVED(w, &(struct ipc_HOSTKEYS_PROVED){
	    .signatures = signatures }));
}
