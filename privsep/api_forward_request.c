/*
 * api_forward_request.c - asking a server to listen for us, and to stop.
 *
 * Each forward has its own handler.  It is in force from the server's yes to the
 * server's yes to its end, and never by the worker's word alone: only a call of ours
 * that was still waited for puts it there.
 */
#include <errno.h>

#include "privsep/api.h"

enum { PORT_MAX = 65535, PAYLOAD_MAX = 4 + API_HOST_MAX + 4 };

static void
release(struct api_call *call)
{
	api_forward_free(call->own);
}

/*
 * RFC 4254 7.1: who asked for port 0 gets the port in the reply.  These four bytes are
 * the peer's and are read here, not in the worker, because which reply is whose is not
 * the worker's to say; a number of fixed length leaves nothing to parse.
 */
static bool
read_port(struct span payload, uint32_t *port)
{
	struct rd r = rd_of(payload);

	*port = rd_u32(&r);
	return rd_done(&r) && *port > 0 && *port <= PORT_MAX;
}

static void
granted(struct api_call *call, bool ok, struct span payload)
{
	struct api_forward *f = call->own;

	if (!ok || call->result < 0)
		return;
	if (f->kind == POSTERN_FORWARDED_TCPIP && f->port == 0 &&
	    !read_port(payload, &f->port)) {
		call->result = api_error_set(call->t, POSTERN_EPROTO, "open", POSTERN_PEER,
		    false, span_str("the server does not say which port it listens on"));
		return;
	}
	call->value = f->port;
	call->own = NULL;
	call->result = api_forward_add(call->t, f);
}

static void
cancelled(struct api_call *call, bool ok, struct span payload)
{
	const struct api_forward *of = call->own;
	struct api_forward *f;

	(void)payload;
	if (!ok || call->result < 0)
		return;
	f = api_forward_find(call->t, of->kind, of->host, of->port);
	if (f != NULL)
		api_forward_remove(call->t, f);
}

static const char *
request_name(int kind, bool cancel)
{
	if (kind == POSTERN_FORWARDED_TCPIP)
		return cancel ? "cancel-tcpip-forward" : "tcpip-forward";
	return cancel ? "cancel-streamlocal-forward@openssh.com" :
	    "streamlocal-forward@openssh.com";
}

static int
check(postern_transport *t, const char *host, uint32_t port, bool cancel)
{
	int r = api_call_usable(t);

	if (r < 0)
		return r;
	if (t->is_server)
		return POSTERN_ESTATE;
	if (host == NULL || port > PORT_MAX)
		return -EINVAL;
	if (strlen(host) > API_HOST_MAX)
		return -EMSGSIZE;
	return !cancel && t->n_forwards >= API_FORWARDS_MAX ? POSTERN_ELIMIT : 0;
}

/* f: what is asked for, or what is to end.  Takes it. */
static int
begin(postern_transport *t, struct api_forward *f, bool cancel, struct api_call **out,
    int *sent)
{
	struct ipc_GLOBAL_DO m = { .kind = span_str(request_name(f->kind, cancel)) };
	uint8_t buf[PAYLOAD_MAX];
	struct wr w = wr_of(buf, sizeof(buf));
	int r = api_call_begin(t, NULL, out);

	if (r < 0) {
		api_forward_free(f);
		return r;
	}
	wr_str(&w, f->host);
	if (f->kind == POSTERN_FORWARDED_TCPIP)
		wr_u32(&w, f->port);
	m.call = (*out)->id;
	m.payload = wr_span(&w);
	(*out)->own = f;
	(*out)->release = release;
	(*out)->answered = cancel ? cancelled : granted;
	*sent = w.bad ? -EMSGSIZE : api_send_GLOBAL_DO(&t->worker, &m);
	return 0;
}

static int
begin_request(postern_transport *t, int kind, const char *host, uint32_t port,
    postern_forward_handler *handler, void *user, struct api_call **call, int *sent)
{
	struct api_forward *f;
	int r = check(t, host, port, false);

	if (r < 0)
		return r;
	f = api_forward_new(kind, host, port);
	if (f == NULL)
		return -ENOMEM;
	f->handler = handler;
	f->user = user;
	return begin(t, f, false, call, sent);
}

static int
begin_cancel(postern_transport *t, int kind, const char *host, uint32_t port,
    struct api_call **call, int *sent)
{
	struct api_forward *f;
	int r = check(t, host, port, true);

	if (r < 0)
		return r;
	f = api_forward_new(kind, host, port);
	return f == NULL ? -ENOMEM : begin(t, f, true, call, sent);
}

/* ---- the calls ---- */

int
postern_transport_request_port_forward(postern_transport *t, const char *address,
    uint32_t port, postern_forward_handler *handler, void *user, uint32_t *bound,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_request(t, POSTERN_FORWARDED_TCPIP, address, port, handler, user,
	    &call, &sent);

	if (r < 0)
		return r;
	r = api_call_wait(call, sent, d);
	if (r == 0 && bound != NULL)
		*bound = (uint32_t)call->value;
	api_call_drop(call);
	return r;
}

int
postern_transport_request_port_forward_async(postern_transport *t, const char *address,
    uint32_t port, postern_forward_handler *handler, void *user, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_request(t, POSTERN_FORWARDED_TCPIP, address, port, handler, user,
	    &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_transport_cancel_port_forward(postern_transport *t, const char *address,
    uint32_t port, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_cancel(t, POSTERN_FORWARDED_TCPIP, address, port, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_transport_cancel_port_forward_async(postern_transport *t, const char *address,
    uint32_t port, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_cancel(t, POSTERN_FORWARDED_TCPIP, address, port, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_transport_request_streamlocal_forward(postern_transport *t, const char *path,
    postern_forward_handler *handler, void *user, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_request(t, POSTERN_FORWARDED_STREAMLOCAL, path, 0, handler, user,
	    &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_transport_request_streamlocal_forward_async(postern_transport *t, const char *path,
    postern_forward_handler *handler, void *user, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_request(t, POSTERN_FORWARDED_STREAMLOCAL, path, 0, handler, user,
	    &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_transport_cancel_streamlocal_forward(postern_transport *t, const char *path,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_cancel(t, POSTERN_FORWARDED_STREAMLOCAL, path, 0, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_transport_cancel_streamlocal_forward_async(postern_transport *t, const char *path,
    uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_cancel(t, POSTERN_FORWARDED_STREAMLOCAL, path, 0, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}
