/*
 * api_hostcert.c - host certificates: public, so the application brings the bytes; the
 * monitor reads them, and finds the host key that they are of.
 */
#include <errno.h>

#include "privsep/api.h"

void
api_hostcert_added(postern_context *ctx, const struct ipc_CERT_ADDED *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_CERT, m->call);
	char why[600];

	if (m->ok == 0)
		api_log(ctx, NULL, POSTERN_ERROR, "host certificate: %s",
		    api_log_quote(why, sizeof(why), m->why));
	if (call != NULL)
		api_call_complete(call, m->ok != 0 ? 0 : -EINVAL);
}

int
postern_context_add_server_certificate(postern_context *ctx, const void *blob, size_t len,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_HOST_CERT m = { .cert = span_of(blob, len) };
	struct api_call *call;
	int r = api_context_enter(ctx);

	if (r == 0 && ctx->is_sealed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = api_call_new(ctx, NULL, API_CALL_CERT, &call);
	if (r < 0)
		return r;
	m.call = call->id;
	r = api_call_wait(call, api_send_HOST_CERT(&ctx->monitor, &m), d);
	api_call_drop(call);
	return r;
}
