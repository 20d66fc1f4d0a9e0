/*
 * api_transport.c - the handle of a connection: made, announced to the monitor with
 * its network descriptor, and given up.
 *
 * From ATTACH on this process has no copy of the network descriptor: it cannot read
 * a byte of the peer's by mistake.  What it knows of a connection it was told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api.h"

enum { DISCONNECT_BY_APPLICATION = 11 };	/* RFC 4253 11.1 */

/* "[::1]:1234", "127.0.0.1:1234"; a v4 address in v6 clothes is shown as v4, so
 * that one client has one name in logs and limits. */
static void
name_peer(int fd, char out[API_PEER_MAX])
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage room;
	} a;
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (getpeername(fd, &a.sa, &len) != 0)
		return;
	if (a.sa.sa_family == AF_INET) {
		if (inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host)) != NULL)
			(void)snprintf(out, API_PEER_MAX, "%s:%u", host, ntohs(a.in.sin_port));
	} else if (a.sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr)) {
		if (inet_ntop(AF_INET, &a.in6.sin6_addr.s6_addr[12], host, sizeof(host)) != NULL)
			(void)snprintf(out, API_PEER_MAX, "%s:%u", host, ntohs(a.in6.sin6_port));
	} else if (a.sa.sa_family == AF_INET6) {
		if (inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host)) != NULL)
			(void)snprintf(out, API_PEER_MAX, "[%s]:%u", host, ntohs(a.in6.sin6_port));
	} else if (a.sa.sa_family == AF_UNIX) {
		(void)snprintf(out, API_PEER_MAX, "local");
	}
}

static int
prepare_network(int fd)
{
	int flags = fcntl(fd, F_GETFL), one = 1;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -errno;
	/* the worker's filter has no setsockopt; fails for what is not TCP */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

postern_transport *
api_transport_make(postern_context *ctx, int fd)
{
	postern_transport *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->ctx = ctx;
	t->id = api_context_serial(ctx);
	t->net = fd;
	t->phase = L_NEW;
	t->item.transport = t;
	t->channel_max = API_CHANNELS_SPARE;
	api_link_init(&t->worker, ctx, API_WORKER, t->id);
	TAILQ_INIT(&t->channels);
	TAILQ_INIT(&t->accepts);
	name_peer(fd, t->peer);
	LIST_INSERT_HEAD(&ctx->table[t->id % API_BUCKETS], t, bucket);
	TAILQ_INSERT_TAIL(&ctx->transports, t, next);
	return t;
}

postern_transport *
api_transport_find(postern_context *ctx, uint64_t conn)
{
	postern_transport *t;

	LIST_FOREACH(t, &ctx->table[conn % API_BUCKETS], bucket) {
		if (t->id == conn)
			return t;
	}
	return NULL;
}

void
api_transport_bury(postern_transport *t)
{
	char **strings[] = { &t->host, &t->methods, &t->username, &t->kex, &t->host_key_alg,
		&t->ciphers[0], &t->ciphers[1], &t->macs[0], &t->macs[1], &t->peer_version,
		&t->report };

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(*strings[i]);
	free(t->host_key);
	api_error_clear(&t->exception);
	api_error_clear(&t->told);
	if (t->server != NULL)
		api_server_release(t->server);
	free(t);
}

void
api_transport_discard(postern_transport *t)
{
	postern_context *ctx = t->ctx;
	postern_channel *ch;

	if (t->is_freed)
		return;
	t->is_freed = t->is_over = true;
	while ((ch = TAILQ_FIRST(&t->channels)) != NULL)
		api_channel_discard(ch);
	api_question_forget(t, 0);
	if (t->is_waiting)
		TAILQ_REMOVE(&t->server->accepts, t, waiting);
	api_shelf_drop(ctx, &t->item, ~0u);
	api_link_close(&t->worker);
	ipc_close_fds(&t->net, 1);
	LIST_REMOVE(t, bucket);
	TAILQ_REMOVE(&ctx->transports, t, next);
	TAILQ_INSERT_TAIL(&ctx->graves, t, next);
	api_loop_bury(ctx);
}

int
api_transport_announce(postern_transport *t, struct ipc_NEW *m)
{
	int r;

	if (t->is_announced || t->is_over)
		return POSTERN_ESTATE;
	/* who connects must leave room for what is said of those who are there */
	if (t->ctx->monitor.out_count >= API_OUT_MAX / 2 ||
	    t->ctx->monitor.out_bytes >= API_OUT_BYTES / 2)
		return POSTERN_ELIMIT;
	/* serials rise in the order of NEW, whatever order the handles were made in */
	LIST_REMOVE(t, bucket);
	t->id = t->worker.id = api_context_serial(t->ctx);
	LIST_INSERT_HEAD(&t->ctx->table[t->id % API_BUCKETS], t, bucket);
	m->conn = t->id;
	m->peer = span_str(t->peer);
	r = api_context_sent(api_send_NEW(&t->ctx->monitor, m));
	if (r < 0)
		return r;
	t->is_announced = true;
	t->is_server = m->role == IPC_SERVER;
	t->channel_max = m->channel_max;
	return 0;
}

int
api_transport_attach(postern_transport *t)
{
	struct ipc_ATTACH m = { .conn = t->id, .net = t->net };
	int r = api_context_sent(api_send_ATTACH(&t->ctx->monitor, &m));

	ipc_close_fds(&t->net, 1);
	return r;
}

static void
send_close(postern_transport *t, bool now)
{
	struct ipc_CLOSE m = { .conn = t->id, .disconnect = DISCONNECT_BY_APPLICATION,
		.text = span_str(""), .now = now };

	/* if nobody hears it, the monitor's death ends the connection too */
	(void)api_send_CLOSE(&t->ctx->monitor, &m);
}

static bool
is_started(const void *what)
{
	const postern_transport *t = what;

	return t->is_started || t->is_over;
}

int
api_transport_await_start(postern_transport *t, struct api_deadline d)
{
	int r = api_loop_wait(t->ctx, d, is_started, t, (struct api_held){ t, NULL });

	if (r == 0)
		return t->is_started ? 0 : api_transport_end_code(t);
	if (r == POSTERN_ETIMEOUT && !t->is_freed) {
		/* half a key exchange is of no use to anybody */
		(void)api_error_set(t, r, "kex", POSTERN_LOCAL, false,
		    span_str("no keys in the time that the caller gave"));
		t->is_blamed = true;
		t->end_code = r;
		send_close(t, true);
	}
	return r;
}

void
api_transport_blame(postern_transport *t, int code, const char *why)
{
	api_link_close(&t->worker);
	if (t->is_over || t->is_blamed)
		return;
	api_log(t->ctx, t, POSTERN_ERROR, "ended by us: %s", why);
	(void)api_error_set(t, code, "open", POSTERN_SYSTEM, false, span_str(why));
	t->is_blamed = true;
	t->end_code = code;
	if (!t->is_ending)
		send_close(t, true);
}

int
api_transport_end_code(const postern_transport *t)
{
	return t->end_code != 0 ? t->end_code : POSTERN_ECLOSED;
}

int
postern_transport_new(postern_transport **out, postern_context *ctx, int fd)
{
	postern_transport *t;
	int r = api_context_enter(ctx);

	if (r == 0)
		r = ctx->dead;
	if (r == 0)
		r = prepare_network(fd);
	if (r < 0)
		goto refuse;
	r = -ENOMEM;
	t = api_transport_make(ctx, fd);
	if (t == NULL)
		goto refuse;
	*out = t;
	return 0;
refuse:
	if (fd >= 0)
		(void)close(fd);	/* ours by contract */
	return r;
}

void
postern_transport_free(postern_transport *t)
{
	if (t == NULL || api_context_enter(t->ctx) < 0 || t->is_freed)
		return;
	if (t->is_announced && !t->is_over) {
		api_log(t->ctx, t, POSTERN_INFO, "closed: given up by the application");
		send_close(t, true);
	}
	api_transport_discard(t);
}

static bool
is_over(const void *what)
{
	const postern_transport *t = what;

	return t->is_over;
}

int
postern_transport_close(postern_transport *t, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->is_over)
		return 0;
	if (!t->is_announced) {
		ipc_close_fds(&t->net, 1);
		t->is_over = true;
		return 0;
	}
	if (!t->is_closing)
		send_close(t, false);
	t->is_closing = true;
	return api_loop_wait(t->ctx, d, is_over, t, (struct api_held){ t, NULL });
}
