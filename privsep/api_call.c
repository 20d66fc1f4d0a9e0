/*
 * api_call.c - calls to monitor and worker, and how they end: exactly once.
 *
 * A call is in its transport's list, or the context's, from its beginning until its
 * caller or an event has taken what it came to; its number is never used again, so
 * an answer that comes after its time finds nobody.  A worker may be hijacked and
 * numbers can be guessed: it completes calls to workers only, and only its own
 * connection's.  Nothing here calls the application.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "privsep/api.h"

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
	if (result == -EMSGSIZE || result == -ENOMEM)
		return result;
	/* it has stopped reading: nobody waits for that */
	if (result == -ENOBUFS)
		api_transport_blame(t, POSTERN_EWORKER, "our worker does not read");
	return 0;
}

/* ---- where calls are ---- */

static void
enlist(struct api_call *call)
{
	postern_transport *t = call->t;

	TAILQ_INSERT_TAIL(t != NULL ? &t->calls : &call->ctx->calls, call, next);
	*(t != NULL ? &t->n_calls : &call->ctx->n_calls) += 1;
}

static void
unlist(struct api_call *call)
{
	postern_transport *t = call->t;

	TAILQ_REMOVE(t != NULL ? &t->calls : &call->ctx->calls, call, next);
	*(t != NULL ? &t->n_calls : &call->ctx->n_calls) -= 1;
}

int
api_call_new(postern_context *ctx, postern_transport *t, enum api_call_kind kind,
    struct api_call **out)
{
	struct api_call *call;

	/* whatever else is under way: closing must be possible */
	if ((t != NULL ? t->n_calls : ctx->n_calls) >= API_CALLS_MAX && kind != API_CALL_CLOSE)
		return POSTERN_ELIMIT;
	call = calloc(1, sizeof(*call));
	if (call == NULL)
		return -ENOMEM;
	call->kind = kind;
	call->id = api_context_serial(ctx);
	call->ctx = ctx;
	call->t = t;
	call->item.call = call;
	enlist(call);
	*out = call;
	return 0;
}

int
api_call_admit(const postern_transport *t)
{
	int r = api_call_usable(t);

	/* who asks faster than the worker reads is told so; the link's own bound is for
	 * a worker that does not read at all, and costs it the connection */
	if (r == 0 && (t->worker.out_count >= API_OUT_MAX / 2 ||
	    t->worker.out_bytes >= API_OUT_BYTES / 2))
		r = POSTERN_ELIMIT;
	return r;
}

int
api_call_begin(postern_transport *t, postern_channel *ch, struct api_call **out)
{
	int r = api_call_admit(t);

	if (r == 0)
		r = api_call_new(t->ctx, t, API_CALL_WORKER, out);
	if (r == 0)
		(*out)->channel = ch;
	return r;
}

struct api_call *
api_call_find(struct api_calls *calls, enum api_call_kind kind, uint64_t id)
{
	struct api_call *call;

	TAILQ_FOREACH(call, calls, next) {
		if (call->id == id)
			return call->kind == kind && !call->is_done ? call : NULL;
	}
	return NULL;
}

struct api_call *
api_call_of(struct api_calls *calls, enum api_call_kind kind)
{
	struct api_call *call;

	TAILQ_FOREACH(call, calls, next) {
		if (call->kind == kind && !call->is_done)
			return call;
	}
	return NULL;
}

static void
destroy(struct api_call *call)
{
	if (call->release != NULL)
		call->release(call);
	/* a key that nobody was given a handle to */
	if (call->key != NULL)
		api_key_abandon(call->key);
	postern_transport_free(call->made);
	free(call->data);
	free(call);
}

void
api_call_drop(struct api_call *call)
{
	unlist(call);
	api_shelf_drop(call->ctx, &call->item, ~0u);
	destroy(call);
}

/* ---- completing ---- */

/* True: it was a step, and the next is under way. */
static bool
goes_on(struct api_call *call, int *result)
{
	int (*then)(struct api_call *) = call->then;

	if (*result != 0 || then == NULL)
		return false;
	call->then = NULL;
	*result = then(call);
	return *result == 0;
}

void
api_call_complete(struct api_call *call, int result)
{
	if (call->is_done)
		return;
	if (call->ending != NULL)
		result = call->ending(call, result);
	if (goes_on(call, &result))
		return;
	call->is_done = true;
	/* the end is what a call to close has waited for */
	call->result = call->kind == API_CALL_CLOSE ? 0 : result;
	if (call->kind == API_CALL_LOGIN || call->kind == API_CALL_START)
		api_login_wipe(call);
	if (call->is_async)
		api_shelf_put(call->ctx, &call->item, API_PENDING_DONE);
}

static int
keep(struct api_call *call, struct span payload)
{
	uint8_t *copy = (uint8_t *)api_context_copy(payload);

	if (copy == NULL)
		return -ENOMEM;
	free(call->data);
	call->data = copy;
	call->data_len = payload.n;
	return 0;
}

void
api_call_done(postern_transport *t, uint64_t id, bool ok, struct span payload)
{
	struct api_call *call = api_call_find(&t->calls, API_CALL_WORKER, id);

	if (call == NULL)
		return;
	if (ok)
		call->result = keep(call, payload);
	else
		call->result = api_error_set(t, POSTERN_EREFUSED, "open", POSTERN_PEER, false,
		    span_str("the peer refused a request"));
	if (call->answered != NULL)
		call->answered(call, ok, payload);
	api_call_complete(call, call->result);
}

void
api_call_complete_all(struct api_calls *calls, const postern_channel *ch, int result)
{
	struct api_call *call;

	TAILQ_FOREACH(call, calls, next) {
		if (ch == NULL || call->channel == ch)
			api_call_complete(call, result);
	}
}

void
api_call_vanish(struct api_calls *calls, const postern_channel *ch, int result)
{
	struct api_call *call, *next;

	for (call = TAILQ_FIRST(calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, next);
		if (ch != NULL && call->channel != ch)
			continue;
		if (call->is_async) {
			api_call_drop(call);
			continue;
		}
		/* its caller is still in there, and will look at nothing but this */
		api_call_complete(call, result);
		call->channel = NULL;
		if (ch == NULL && call->t != NULL) {
			unlist(call);
			call->t = NULL;
			enlist(call);
		}
	}
}

/* ---- waiting, or not ---- */

static int
sent_by(struct api_call *call, int sent)
{
	if (call->kind == API_CALL_WORKER || call->kind == API_CALL_OPEN)
		return api_call_sent(call->t, sent);
	return api_context_sent(sent);
}

static bool
is_done(const void *what)
{
	const struct api_call *call = what;

	return call->is_done;
}

int
api_call_wait(struct api_call *call, int sent, struct api_deadline d)
{
	int r = sent_by(call, sent);

	if (r == 0)
		r = api_loop_wait(call->ctx, d, is_done, call,
		    (struct api_held){ call->t, call->channel });
	return r < 0 ? r : call->result;
}

int
api_call_file(postern_context *ctx, enum api_call_kind kind, int fd, api_send_file *send,
    const void *how, struct api_call **call, int *sent)
{
	int r = ctx->dead;

	if (r == 0 && fd < 0)
		r = -EBADF;	/* sending it would look like a dead monitor */
	if (r == 0)
		r = api_call_new(ctx, NULL, kind, call);
	if (r == 0)
		*sent = send(ctx, (*call)->id, fd, how);
	return r;
}

int
api_call_end(struct api_call *call, int sent, struct api_deadline d)
{
	int r = api_call_wait(call, sent, d);

	api_call_drop(call);
	return r;
}

int
api_call_detach(struct api_call *call, int sent, uint64_t *id)
{
	int r = sent_by(call, sent);

	if (r < 0) {
		api_call_drop(call);
		return r;
	}
	if (id != NULL)
		*id = call->id;
	call->is_async = true;
	if (call->is_done)
		api_shelf_put(call->ctx, &call->item, API_PENDING_DONE);
	return 0;
}

/* ---- events ---- */

void
api_call_show(struct api_call *call, struct postern_event *ev)
{
	postern_context *ctx = call->ctx;

	api_call_shown(ctx);
	ev->transport = call->t;
	ev->channel = call->channel;
	ev->call = call->id;
	ev->result = call->result;
	ev->value = call->value;
	ev->data = call->data;
	ev->data_len = call->data_len;
	if (call->taken != NULL)
		call->taken(call);
	if (call->kind == API_CALL_KEY)
		ctx->key_problem = (int)call->value;
	if (call->key != NULL) {
		ev->key = call->key;
		TAILQ_INSERT_TAIL(&ctx->keys, call->key, next);
		call->key = NULL;
	}
	if (call->made != NULL)
		ev->transport = call->made;
	call->made = NULL;
	unlist(call);
	ctx->shown = call;	/* its data is borrowed until the next */
}

void
api_call_shown(postern_context *ctx)
{
	if (ctx->shown != NULL)
		destroy(ctx->shown);
	ctx->shown = NULL;
}

static struct api_call *
find_async(struct api_calls *calls, uint64_t id)
{
	struct api_call *call;

	TAILQ_FOREACH(call, calls, next) {
		if (call->id == id && call->is_async)
			return call;
	}
	return NULL;
}

void
postern_cancel(postern_context *ctx, uint64_t id)
{
	struct api_call *call;
	postern_transport *t;

	if (api_context_enter(ctx) < 0)
		return;
	call = find_async(&ctx->calls, id);
	TAILQ_FOREACH(t, &ctx->transports, next) {
		if (call != NULL)
			break;
		call = find_async(&t->calls, id);
	}
	if (call != NULL)
		api_call_drop(call);
}
