/*
 * api_listener.c - listening sockets: accepting without spinning and without
 * getting ahead of the monitor.
 *
 * Anybody can connect.  When descriptors run out, or the monitor is behind, all
 * listeners rest for a moment: the kernel's queue holds the callers meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "privsep/api.h"

static void
close_listener(postern_context *ctx, struct api_listener *l)
{
	LIST_REMOVE(l, next);
	api_loop_del(ctx, l->fd);
	(void)close(l->fd);	/* nothing to be done about it */
	free(l);
}

int
postern_server_listen(postern_server *s, int fd)
{
	struct api_listener *l;
	int flags, r = api_context_enter(s->ctx);

	if (r == 0)
		r = s->ctx->dead;
	if (r < 0)
		goto err0;
	r = -EBADF;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		goto err0;
	r = -ENOMEM;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		goto err0;
	l->fd = fd;
	l->id = api_context_serial(s->ctx);
	r = api_loop_add(s->ctx, fd, API_LISTENER, l->id, s->ctx->is_paused ? 0 : EPOLLIN);
	if (r < 0)
		goto err1;
	LIST_INSERT_HEAD(&s->listeners, l, next);
	return 0;
err1:
	free(l);
err0:
	if (fd >= 0)
		(void)close(fd);	/* ours by contract */
	return r;
}

void
postern_server_stop(postern_server *s)
{
	struct api_listener *l;

	if (api_context_enter(s->ctx) < 0 && !s->ctx->is_mute)
		return;
	while ((l = LIST_FIRST(&s->listeners)) != NULL)
		close_listener(s->ctx, l);
}

static void
set_events(postern_context *ctx, uint32_t events)
{
	struct api_listener *l;
	postern_server *s;

	TAILQ_FOREACH(s, &ctx->servers, next) {
		LIST_FOREACH(l, &s->listeners, next)
			api_loop_change(ctx, l->fd, API_LISTENER, l->id, events);
	}
}

static void
pause_all(postern_context *ctx)
{
	struct itimerspec in = { .it_value = { .tv_nsec = API_PAUSE_MS * 1000000L } };

	/* without the timer they would never wake: then rather spin */
	if (ctx->is_paused || timerfd_settime(ctx->timer, 0, &in, NULL) != 0)
		return;
	ctx->is_paused = true;
	set_events(ctx, 0);
}

void
api_listener_resume(postern_context *ctx)
{
	ctx->is_paused = false;
	set_events(ctx, EPOLLIN);
}

static struct api_listener *
find(postern_context *ctx, uint64_t id, postern_server **server)
{
	struct api_listener *l;

	TAILQ_FOREACH(*server, &ctx->servers, next) {
		LIST_FOREACH(l, &(*server)->listeners, next) {
			if (l->id == id)
				return l;
		}
	}
	return NULL;
}

static void
welcome(postern_server *s, int fd)
{
	postern_transport *t = api_transport_make(s->ctx, fd);
	int one = 1, r;

	if (t == NULL) {
		(void)close(fd);	/* nothing to be done about it */
		return;
	}
	/* the worker's filter has no setsockopt; fails for what is not TCP */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	t->is_listened = true;
	r = api_server_welcome(s, t);
	if (r < 0) {
		api_log(s->ctx, t, POSTERN_ERROR, "connection not served: %s",
		    postern_strerror(r));
		api_transport_discard(t);
	}
}

/* What accept(2) failed with: true if there may be more to accept. */
static bool
after_failure(postern_context *ctx, struct api_listener *l, int error)
{
	switch (error) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		api_log(ctx, NULL, POSTERN_ERROR, "accept: %s; resting", postern_strerror(-error));
		pause_all(ctx);
		return false;
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
		api_log(ctx, NULL, POSTERN_ERROR, "accept: %s; listener closed",
		    postern_strerror(-error));
		close_listener(ctx, l);
		return false;
	default:
		/* that caller's own trouble: accept(2) passes network errors on */
		return true;
	}
}

void
api_listener_ready(postern_context *ctx, uint64_t id)
{
	postern_server *s;
	struct api_listener *l = find(ctx, id, &s);

	for (int i = 0; l != NULL && i < API_ACCEPT_BATCH; i++) {
		int fd;

		if (!TAILQ_EMPTY(&ctx->monitor.out)) {
			pause_all(ctx);
			return;
		}
		fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			welcome(s, fd);
		else if (!after_failure(ctx, l, errno))
			return;
	}
}
