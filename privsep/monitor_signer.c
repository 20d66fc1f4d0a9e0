/*
 * monitor_signer.c - user keys whose private half is the application's own.
 */
#include "privsep/monitor.h"

#include "crypto/keyfile.h"

int
monitor_signer_on_key(struct monitor *m, const struct ipc_KEY_SIGNER *q)
{
	tell_KEY_LOADED(m, &(struct ipc_KEY_LOADED){ .call = q->call,
	    .result = KEYFILE_UNSUPPORTED });
	return 0;
}

int
monitor_signer_on_answer(struct monitor *m, const struct ipc_SIGN_ANSWER *q)
{
	(void)m;
	(void)q;
	return 0;
}
