/*
 * api_connect.c - a transport from a name: connected by a dial of ours, and handed over
 * as a descriptor like any other.
 *
 * The worker can neither resolve nor connect.  What the resolver gave is what is
 * connected to: a name that is looked up twice can mean two machines.  Nothing is
 * read from or written to the peer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api_dial.h"

enum { SSH_PORT = 22, HOST_MAX = 1024, PORT_MOST = 65535 };

struct place {
	char host[HOST_MAX + 1];
	unsigned port;
};

/* Is it an address that only IPv6 has, perhaps with a zone ("fe80::1%eth0")? */
static bool
is_v6(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	size_t n = 0;

	while (n < s.n && s.p[n] != '%')
		n++;
	if (n >= sizeof(text) || n + 1 == s.n)	/* a zone without a name */
		return false;
	memcpy(text, s.p, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

/* Digits and nothing else: strtoul would take blanks and signs. */
static bool
read_port(struct span s, unsigned *port)
{
	unsigned v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
		if (v > PORT_MOST)
			return false;
	}
	*port = v;
	return v > 0;
}

static struct span
up_to(struct rd *r, char end)
{
	size_t n = 0;

	while (n < r->n && r->p[n] != (uint8_t)end)
		n++;
	return rd_take(r, n);
}

/* "[v6]:port", "[v6]" */
static bool
read_bracketed(struct rd r, struct span *host, unsigned *port)
{
	(void)rd_u8(&r);
	*host = up_to(&r, ']');
	if (rd_u8(&r) != ']' || !is_v6(*host))
		return false;
	if (rd_done(&r))
		return true;
	return rd_u8(&r) == ':' && read_port(rd_rest(&r), port);
}

/* "name", "name:port" */
static bool
read_named(struct rd r, struct span *host, unsigned *port)
{
	*host = up_to(&r, ':');
	/* half of a bracketed address is no name */
	if (host->n == 0 || memchr(host->p, ']', host->n) != NULL)
		return false;
	return rd_done(&r) || (rd_u8(&r) == ':' && read_port(rd_rest(&r), port));
}

/* One colon ends a name; several are an address of IPv6 and hold no port: what is
 * behind the last could be either. */
static int
read_place(const char *text, struct place *out)
{
	struct span all = span_str(text), host = all;
	unsigned port = SSH_PORT;
	bool is_good = true;

	if (text[0] == '[')
		is_good = read_bracketed(rd_of(all), &host, &port);
	else if (!is_v6(all))
		is_good = read_named(rd_of(all), &host, &port);
	if (!is_good || host.n > HOST_MAX)
		return -EINVAL;
	memcpy(out->host, host.p, host.n);
	out->host[host.n] = '\0';
	out->port = port;
	return 0;
}

static void
connected(struct api_dial *d, int result)
{
	struct api_call *call = api_call_find(&d->ctx->calls, API_CALL_HOST, d->asker);

	if (call == NULL) {
		ipc_close_fds(&result, 1);	/* completed otherwise: the monitor died */
		return;
	}
	if (result >= 0)
		result = postern_transport_new(&call->made, d->ctx, result);
	api_call_complete(call, result);
}

static void
release(struct api_call *call)
{
	api_dial_end(call->ctx, call->id);
}

static int
begin(postern_context *ctx, const struct place *where, struct api_call **call)
{
	struct api_dial dial = { .port = where->port, .done = connected };
	int r = api_context_enter(ctx);

	if (r == 0)
		r = ctx->dead;
	if (r == 0)
		r = api_call_new(ctx, NULL, API_CALL_HOST, call);
	if (r < 0)
		return r;
	dial.asker = (*call)->id;
	r = api_dial_start(ctx, &dial, where->host);
	if (r < 0)
		api_call_drop(*call);
	else
		(*call)->release = release;
	return r;
}

static int
make(postern_transport **out, postern_context *ctx, const struct place *where,
    struct api_deadline d)
{
	struct api_call *call;
	int r = begin(ctx, where, &call);

	if (r < 0)
		return r;
	r = api_call_wait(call, 0, d);
	if (r == 0) {
		*out = call->made;
		call->made = NULL;
	}
	api_call_drop(call);
	return r;
}

static int
make_async(postern_context *ctx, const struct place *where, uint64_t *id)
{
	struct api_call *call;
	int r = begin(ctx, where, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

int
postern_transport_new_host(postern_transport **out, postern_context *ctx,
    const char *host_port, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct place where;
	int r = read_place(host_port, &where);

	return r < 0 ? r : make(out, ctx, &where, d);
}

int
postern_transport_new_host_async(postern_context *ctx, const char *host_port, uint64_t *id)
{
	struct place where;
	int r = read_place(host_port, &where);

	return r < 0 ? r : make_async(ctx, &where, id);
}

static int
take_place(const char *host, unsigned port, struct place *out)
{
	size_t n = strlen(host);

	if (n == 0 || n > HOST_MAX || port > PORT_MOST)
		return -EINVAL;
	memcpy(out->host, host, n + 1);
	out->port = port != 0 ? port : SSH_PORT;
	return 0;
}

int
postern_transport_new_address(postern_transport **out, postern_context *ctx, const char *host,
    unsigned port, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct place where;
	int r = take_place(host, port, &where);

	return r < 0 ? r : make(out, ctx, &where, d);
}

int
postern_transport_new_address_async(postern_context *ctx, const char *host, unsigned port,
    uint64_t *id)
{
	struct place where;
	int r = take_place(host, port, &where);

	return r < 0 ? r : make_async(ctx, &where, id);
}
