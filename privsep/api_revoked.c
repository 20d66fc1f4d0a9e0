/*
 * api_revoked.c - keys and certificates that may not log in any more, for servers.
 *
 * The application opens the file; the monitor reads it and judges by it.
 */
#include <errno.h>

#include "privsep/api.h"

void
api_revoked_loaded(postern_context *ctx, const struct ipc_REVOKED_LOADED *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_REVOKED, m->call);
	char why[600];

	if (m->ok == 0)
		api_log(ctx, NULL, POSTERN_ERROR, "the file of revoked keys: %s",
		    api_log_quote(why, sizeof(why), m->why));
	/* in force all the same, when nobody waits any more */
	if (call != NULL)
		api_call_complete(call, m->ok != 0 ? 0 : -EINVAL);
}

static int
send_file(postern_context *ctx, uint64_t call, int fd, const void *how)
{
	(void)how;
	return api_send_REVOKED(&ctx->monitor, &(struct ipc_REVOKED){ .call = call, .file = fd });
}

static int
begin(postern_context *ctx, int fd, struct api_call **call, int *sent)
{
	int r = api_context_enter(ctx);

	return r < 0 ? r : api_call_file(ctx, API_CALL_REVOKED, fd, send_file, NULL, call, sent);
}

int
postern_context_load_revoked_keys(postern_context *ctx, int fd, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin(ctx, fd, &call, &sent);

	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_context_load_revoked_keys_async(postern_context *ctx, int fd, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin(ctx, fd, &call, &sent);

	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r < 0 ? r : api_call_detach(call, sent, id);
}
