/*
 * api_moduli.c - the groups of diffie-hellman-group-exchange (RFC 4419), for servers.
 *
 * The application opens the file; the monitor reads it and chooses from it.  Neither
 * this process nor a worker ever sees a line of it.
 */
#include <errno.h>
#include <unistd.h>

#include "privsep/api.h"

void
api_moduli_loaded(postern_context *ctx, const struct ipc_MODULI_LOADED *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_MODULI, m->call);

	ctx->has_moduli = m->count > 0;
	/* loaded all the same, when nobody waits any more */
	if (call == NULL)
		return;
	api_call_complete(call, m->count < INT32_MAX ? (int)m->count : INT32_MAX);
}

static int
send_file(postern_context *ctx, uint64_t call, int fd, const void *how)
{
	(void)how;
	return api_send_MODULI(&ctx->monitor, &(struct ipc_MODULI){ .call = call, .file = fd });
}

static int
begin(postern_context *ctx, int fd, struct api_call **call, int *sent)
{
	int r = api_context_enter(ctx);

	return r < 0 ? r : api_call_file(ctx, API_CALL_MODULI, fd, send_file, NULL, call, sent);
}

int
postern_context_load_server_moduli(postern_context *ctx, int fd, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin(ctx, fd, &call, &sent);

	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_context_load_server_moduli_async(postern_context *ctx, int fd, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin(ctx, fd, &call, &sent);

	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r < 0 ? r : api_call_detach(call, sent, id);
}
