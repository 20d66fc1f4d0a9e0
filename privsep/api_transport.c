/*
 * api_transport.c - the handle of a connection: made, announced to the monitor with
 * its network descriptor, and given up.
 *
 * From ATTACH on this process has no copy of the network descriptor: it cannot read
 * a byte of the peer's by mistake.  What it knows of a connection it was told.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api.h"

enum { DISCONNECT_BY_APPLICATION = 11 };	/* RFC 4253 11.1 */

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
	t->net_out = -1;
	t->phase = L_NEW;
	t->item.transport = t;
	t->channel_max = API_CHANNELS_SPARE;
	api_link_init(&t->worker, ctx, API_WORKER, t->id);
	TAILQ_INIT(&t->channels);
	TAILQ_INIT(&t->accepts);
	TAILQ_INIT(&t->forwards);
	api_name_ends(fd, t->peer, t->sock);
	TAILQ_INIT(&t->calls);
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
		&t->report, &t->attempted, &t->compressions[0], &t->compressions[1] };

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(*strings[i]);
	free(t->host_key);
	api_security_free(&t->security);
	api_error_clear(&t->exception);
	api_error_clear(&t->told);
	if (t->server != NULL)
		api_server_release(t->server);
	free(t);
}

static void
close_network(postern_transport *t)
{
	ipc_close_fds(&t->net, 1);
	ipc_close_fds(&t->net_out, 1);
}

void
api_transport_discard(postern_transport *t)
{
	postern_context *ctx = t->ctx;
	postern_channel *ch;

	if (t->is_freed)
		return;
	t->is_freed = t->is_over = true;
	api_call_vanish(&t->calls, NULL, api_transport_end_code(t));
	while ((ch = TAILQ_FIRST(&t->channels)) != NULL)
		api_channel_discard(ch);
	api_question_forget(t, 0);
	api_forward_clear(t);
	if (t->is_waiting)
		TAILQ_REMOVE(&t->server->accepts, t, waiting);
	api_shelf_drop(ctx, &t->item, ~0u);
	api_link_close(&t->worker);
	close_network(t);
	api_io_discard(t);
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
	r = api_security_apply(t, m);
	if (r < 0)
		return r;
	/* serials rise in the order of NEW, whatever order the handles were made in */
	LIST_REMOVE(t, bucket);
	t->id = t->worker.id = api_context_serial(t->ctx);
	LIST_INSERT_HEAD(&t->ctx->table[t->id % API_BUCKETS], t, bucket);
	m->conn = t->id;
	m->peer = span_str(t->peer);
	m->hexdump = (uint8_t)t->hexdump;
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
	struct ipc_ATTACH m = { .conn = t->id, .in = t->net,
		.out = t->net_out >= 0 ? t->net_out : t->net };
	int r = api_context_sent(api_send_ATTACH(&t->ctx->monitor, &m));

	close_network(t);
	if (r == 0)
		api_io_begin(t);
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

int
api_transport_await_start(postern_transport *t, struct api_call *call, struct api_deadline d)
{
	int r = api_call_wait(call, 0, d);
	/* without t it was freed meanwhile */
	bool is_late = r == POSTERN_ETIMEOUT && !call->is_done && call->t != NULL;

	api_call_drop(call);
	if (is_late && !t->is_started && !t->is_over) {
		/* half a key exchange is of no use to anybody */
		(void)api_error_end(t, r, "kex", POSTERN_LOCAL, false,
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
	(void)api_error_end(t, code, "open", POSTERN_SYSTEM, false, span_str(why));
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

/* Takes both; out_fd -1: in is both. */
static int
take_network(postern_transport **out, postern_context *ctx, int in_fd, int out_fd)
{
	postern_transport *t;
	int fds[2] = { in_fd, out_fd }, r = api_context_enter(ctx);

	if (r == 0)
		r = ctx->dead;
	if (r == 0)
		r = prepare_network(in_fd);
	if (r == 0 && out_fd >= 0)
		r = prepare_network(out_fd);
	if (r < 0)
		goto refuse;
	r = -ENOMEM;
	t = api_transport_make(ctx, in_fd);
	if (t == NULL)
		goto refuse;
	t->net_out = out_fd;
	*out = t;
	return 0;
refuse:
	ipc_close_fds(fds, 2);	/* ours by contract */
	return r;
}

int
postern_transport_new(postern_transport **out, postern_context *ctx, int fd)
{
	return take_network(out, ctx, fd, -1);
}

int
postern_transport_new_pair(postern_transport **out, postern_context *ctx, int in, int out_fd)
{
	if (out_fd < 0) {
		ipc_close_fds(&in, 1);	/* ours by contract */
		return -EBADF;
	}
	return take_network(out, ctx, in, in == out_fd ? -1 : out_fd);
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

static int
begin_close(postern_transport *t, struct api_call **call)
{
	int r = api_context_enter(t->ctx);

	if (r == 0)
		r = api_call_new(t->ctx, t, API_CALL_CLOSE, call);
	if (r < 0)
		return r;
	if (!t->is_announced) {
		close_network(t);
		api_io_discard(t);
		t->is_over = true;
	}
	if (t->is_over)
		api_call_complete(*call, 0);
	else if (!t->is_closing)
		send_close(t, false);
	t->is_closing = true;
	return 0;
}

int
postern_transport_close(postern_transport *t, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int r = begin_close(t, &call);

	return r < 0 ? r : api_call_end(call, 0, d);
}

int
postern_transport_close_async(postern_transport *t, uint64_t *id)
{
	struct api_call *call;
	int r = begin_close(t, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

void
postern_transport_stop(postern_transport *t)
{
	if (api_context_enter(t->ctx) < 0 || t->is_over)
		return;
	if (!t->is_announced) {
		close_network(t);
		api_io_discard(t);
		t->is_over = true;
		return;
	}
	api_log(t->ctx, t, POSTERN_INFO, "stopped by the application");
	t->is_closing = true;
	/* at once: nothing that the worker has still to say is heard */
	api_link_close(&t->worker);
	send_close(t, true);
}

void
postern_transport_atfork(postern_transport *t)
{
	postern_channel *ch;

	if (t == NULL || api_context_enter(t->ctx) == 0)
		return;
	/* descriptors only: the handles go with the context's */
	t->ctx->is_mute = true;
	TAILQ_FOREACH(ch, &t->channels, next)
		api_descriptor_close(ch);
	api_link_close(&t->worker);
	close_network(t);
	api_io_forked(t);
}
