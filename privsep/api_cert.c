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
	postern_key *k;
	char why[600];

	if (m->ok == 0)
		api_log(ctx, NULL, POSTERN_ERROR, "certificate: %s",
		    api_log_quote(why, sizeof(why), m->why));
	if (call == NULL)
		return;
	TAILQ_FOREACH(k, &ctx->keys, next) {
		if (m->ok != 0 && call->value != 0 && k->id == call->value)
			k->is_certified = true;
	}
	call->value = 0;
	api_call_complete(call, m->ok != 0 ? 0 : -EINVAL);
}

static int
begin_host(postern_context *ctx, const void *blob, size_t len, struct api_call **call, int *sent)
{
	struct ipc_HOST_CERT m = { .cert = span_of(blob, len) };
	int r = api_context_enter(ctx);

	if (r == 0 && ctx->is_sealed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = api_call_new(ctx, NULL, API_CALL_CERT, call);
	if (r < 0)
		return r;
	m.call = (*call)->id;
	*sent = api_send_HOST_CERT(&ctx->monitor, &m);
	return 0;
}

int
postern_context_add_server_certificate(postern_context *ctx, const void *blob, size_t len,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_host(ctx, blob, len, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_context_add_server_certificate_async(postern_context *ctx, const void *blob, size_t len,
    uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_host(ctx, blob, len, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

static int
begin_user(const postern_key *key, const void *blob, size_t len, struct api_call **call, int *sent)
{
	struct ipc_KEY_CERT m = { .key = key->id, .cert = span_of(blob, len) };
	int r = api_context_enter(key->ctx);

	if (r == 0)
		r = api_call_new(key->ctx, NULL, API_CALL_CERT, call);
	if (r < 0)
		return r;
	/* its number, not the handle: that may be freed before the answer */
	(*call)->value = key->id;
	m.call = (*call)->id;
	*sent = api_send_KEY_CERT(&key->ctx->monitor, &m);
	return 0;
}

int
postern_key_has_certificate(const postern_key *key)
{
	return key->is_certified;
}

int
postern_key_add_certificate(postern_key *key, const void *blob, size_t len, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_user(key, blob, len, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_key_add_certificate_async(postern_key *key, const void *blob, size_t len, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_user(key, blob, len, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}
