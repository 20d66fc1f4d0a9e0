/*
 * api_cert.c - certificates of our own keys: public, so the application brings the bytes;
 * the monitor reads them, and sees whether they are of the key.
 */
#include <errno.h>

#include "privsep/api.h"

void
api_cert_added(postern_context *ctx, const struct ipc_CERT_ADDED *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_CERT, m->call);
	char why[600];

	if (m->ok == 0)
		api_log(ctx, NULL, POSTERN_ERROR, "certificate: %s",
		    api_log_quote(why, sizeof(why), m->why));
	if (call != NULL)
		api_call_complete(call, m->ok != 0 ? 0 : -EINVAL);
}

static int
begin(postern_context *ctx, struct api_call **call)
{
	int r = api_context_enter(ctx);

	return r < 0 ? r : api_call_new(ctx, NULL, API_CALL_CERT, call);
}

static int
finish(struct api_call *call, int sent, struct api_deadline d)
{
	int r = api_call_wait(call, sent, d);

	api_call_drop(call);
	return r;
}

int
postern_context_add_server_certificate(postern_context *ctx, const void *blob, size_t len,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_HOST_CERT m = { .cert = span_of(blob, len) };
	struct api_call *call;
	int r = begin(ctx, &call);

	if (r == 0 && ctx->is_sealed) {
		api_call_drop(call);
		r = POSTERN_ESTATE;
	}
	if (r < 0)
		return r;
	m.call = call->id;
	return finish(call, api_send_HOST_CERT(&ctx->monitor, &m), d);
}

int
postern_key_add_certificate(postern_key *key, const void *blob, size_t len, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_KEY_CERT m = { .key = key->id, .cert = span_of(blob, len) };
	struct api_call *call;
	int r = begin(key->ctx, &call);

	if (r < 0)
		return r;
	m.call = call->id;
	r = finish(call, api_send_KEY_CERT(&key->ctx->monitor, &m), d);
	key->is_certified = key->is_certified || r == 0;
	return r;
}
