/*
 * api_signer.c - user keys whose private half is the application's own.
 */
#include "privsep/api.h"

void
api_signer_ask(postern_transport *t, const struct ipc_SIGN_ASK *m)
{
	struct ipc_SIGN_ANSWER no = { .conn = t->id, .question = m->question };

	(void)api_send_SIGN_ANSWER(&t->ctx->monitor, &no);	/* or it is dead */
}
