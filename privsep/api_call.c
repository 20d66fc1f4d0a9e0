/*
 * api_call.c - calls to the worker after login, and how they end.
 *
 * A call lives on its caller's stack and in the transport's list while it waits; its
 * serial is never used again, so an answer that comes after its time finds nobody.
 */
#include <errno.h>
#include <sodium.h>

#include "privsep/api.h"

enum { IGNORE_MAX = 32768, IGNORE_LEAST = 10, IGNORE_SPAN = 32 };

int
api_call_usable(const postern_transport *t)
{
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->is_over)
		return api_transport_end_code(t);
	return t->is_authenticated ? 0 : POSTERN_ESTATE;
}

int
api_call_sent(postern_transport *t, int result)
{
	if (result == -EMSGSIZE)
		return result;
	/* it has stopped reading: nobody waits for that */
	if (result == -ENOBUFS)
		api_transport_blame(t, POSTERN_EWORKER, "our worker does not read");
	return 0;
}

void
api_call_begin(postern_transport *t, const postern_channel *ch, struct api_call *call)
{
	*call = (struct api_call){ .id = api_context_serial(t->ctx), .t = t, .channel = ch };
	LIST_INSERT_HEAD(&t->calls, call, next);
}

void
api_call_done(postern_transport *t, uint64_t id, bool ok)
{
	struct api_call *call;

	LIST_FOREACH(call, &t->calls, next) {
		if (call->id == id) {
			call->is_done = true;
			call->ok = ok;
			return;
		}
	}
}

static bool
is_settled(const void *what)
{
	const struct api_call *call = what;

	return call->is_done || call->t->is_over ||
	    (call->channel != NULL && call->channel->state == API_OVER);
}

int
api_call_end(postern_transport *t, struct api_call *call, int sent, struct api_deadline d)
{
	int r = api_call_sent(t, sent);

	if (r == 0)
		r = api_loop_wait(t->ctx, d, is_settled, call, (struct api_held){ t, call->channel });
	LIST_REMOVE(call, next);
	if (r < 0)
		return r;
	if (call->is_done)
		return call->ok ? 0 : api_error_set(t, POSTERN_EREFUSED, "open", POSTERN_PEER, false,
		    span_str(""));
	return t->is_over ? api_transport_end_code(t) : POSTERN_ECLOSED;
}

int
postern_transport_renegotiate_keys(postern_transport *t, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call call;
	struct ipc_REKEY m = { 0 };
	int r = api_call_usable(t);

	if (r < 0)
		return r;
	api_call_begin(t, NULL, &call);
	m.call = call.id;
	return api_call_end(t, &call, api_send_REKEY(&t->worker, &m), d);
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
postern_transport_global_request(postern_transport *t, const char *kind, const void *data,
    size_t len, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_GLOBAL_DO m = { .kind = span_str(kind), .payload = span_of(data, len) };
	struct api_call call;
	int r = api_call_usable(t);

	if (r < 0)
		return r;
	api_call_begin(t, NULL, &call);
	m.call = call.id;
	return api_call_end(t, &call, api_send_GLOBAL_DO(&t->worker, &m), d);
}
