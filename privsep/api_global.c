/*
 * api_global.c - what is asked of the peer about the whole connection: new keys,
 * global requests, noise, and whether it is still there.
 *
 * RFC 4254 4 answers global requests in order and names none of them; which answer is
 * whose the worker knows, and it can mix up only its own peer's.
 */
#include <errno.h>
#include <sodium.h>

#include "privsep/api.h"

enum { IGNORE_MAX = 32768, IGNORE_LEAST = 10, IGNORE_SPAN = 32, ALIVE_MAX = 3 };

static int
begin_rekey(postern_transport *t, struct api_call **call, int *sent)
{
	int r = api_call_begin(t, NULL, call);

	if (r == 0)
		*sent = api_send_REKEY(&t->worker, &(struct ipc_REKEY){ .call = (*call)->id });
	return r;
}

int
postern_transport_renegotiate_keys(postern_transport *t, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_rekey(t, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_transport_renegotiate_keys_async(postern_transport *t, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_rekey(t, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_transport_send_ignore(postern_transport *t, unsigned bytes)
{
	struct ipc_IGNORE m = { .length = bytes };
	int r = api_call_usable(t);

	if (r < 0)
		return r;
	if (bytes > IGNORE_MAX)
		return -EMSGSIZE;
	if (bytes == 0)
		m.length = IGNORE_LEAST + randombytes_uniform(IGNORE_SPAN);
	return api_call_sent(t, api_send_IGNORE(&t->worker, &m));
}

int
postern_transport_set_keepalive(postern_transport *t, int interval_ms, unsigned max)
{
	struct ipc_KEEPALIVE m = { .interval_ms = (uint32_t)interval_ms,
		.max = max != 0 ? max : ALIVE_MAX };
	int r = api_call_usable(t);

	if (r < 0)
		return r;
	if (interval_ms < 0)
		return -EINVAL;
	return api_call_sent(t, api_send_KEEPALIVE(&t->worker, &m));
}

int
postern_transport_set_rekey_limit(postern_transport *t, uint64_t bytes, int interval_ms)
{
	struct ipc_REKEY_LIMIT m = { .bytes = bytes, .interval_ms = (uint32_t)interval_ms };
	int r = api_call_usable(t);

	if (r < 0)
		return r;
	if (interval_ms < 0)
		return -EINVAL;
	return api_call_sent(t, api_send_REKEY_LIMIT(&t->worker, &m));
}

/* ---- global requests ---- */

static int
begin_request(postern_transport *t, const char *kind, const postern_message *data,
    struct api_call **call, int *sent)
{
	struct ipc_GLOBAL_DO m = { .kind = span_str(kind) };
	int r = api_message_span(data, &m.payload);

	if (r == 0)
		r = api_call_begin(t, NULL, call);
	if (r < 0)
		return r;
	m.call = (*call)->id;
	*sent = api_send_GLOBAL_DO(&t->worker, &m);
	return 0;
}

int
postern_transport_global_request(postern_transport *t, const char *kind,
    const postern_message *data, postern_message **reply, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_request(t, kind, data, &call, &sent);

	if (r < 0)
		return r;
	r = api_call_wait(call, sent, d);
	if (r == 0 && reply != NULL) {
		*reply = postern_message_of(call->data, call->data_len);
		r = *reply != NULL ? 0 : -ENOMEM;
	}
	api_call_drop(call);
	return r;
}

int
postern_transport_global_request_async(postern_transport *t, const char *kind,
    const postern_message *data, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_request(t, kind, data, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_transport_global_notice(postern_transport *t, const char *kind,
    const postern_message *data)
{
	struct ipc_GLOBAL_DO m = { .kind = span_str(kind) };
	int r = api_message_span(data, &m.payload);

	if (r == 0)
		r = api_call_usable(t);
	return r < 0 ? r : api_call_sent(t, api_send_GLOBAL_DO(&t->worker, &m));
}
