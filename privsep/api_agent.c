/*
 * api_agent.c - what the monitor answers about agents and moduli.
 */
#include "privsep/api.h"

void
api_moduli_loaded(postern_context *ctx, const struct ipc_MODULI_LOADED *m)
{
	(void)ctx;	/* nobody has asked */
	(void)m;
}

void
api_agent_key(postern_context *ctx, const struct ipc_AGENT_KEY *m)
{
	/* nobody has asked: no handle will ever name it */
	(void)api_send_KEY_DROP(&ctx->monitor, &(struct ipc_KEY_DROP){ .key = m->key });
}

void
api_agent_done(postern_context *ctx, const struct ipc_AGENT_DONE *m)
{
	(void)ctx;	/* nobody has asked */
	(void)m;
}
