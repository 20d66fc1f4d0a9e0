/*
 * api_dial.c - a connect under way: to a name that is resolved once, address by address.
 *
 * What was decided about is what is connected to: between the question and connect(2)
 * stands one sockaddr, and no name is looked up twice.  Nothing here waits: a resolver is
 * a process, a connect is a descriptor in the loop, and both have a time limit.  Peers
 * say how many names there are to resolve, so the processes are few, few for each, and
 * some are out of the reach of them all; who waits for one does not wait without end.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "privsep/api_dial.h"

/* ---- which there are ---- */

struct api_dial *
api_dial_of(postern_context *ctx, uint64_t asker)
{
	struct api_dial *d;

	TAILQ_FOREACH(d, &ctx->dials, next) {
		if (d->asker == asker)
			return d;
	}
	return NULL;
}

static struct api_dial *
find(postern_context *ctx, uint64_t id)
{
	struct api_dial *d;

	TAILQ_FOREACH(d, &ctx->dials, next) {
		if (d->id == id)
			return d;
	}
	return NULL;
}

static void
drop_fd(postern_context *ctx, int *fd)
{
	if (*fd < 0)
		return;
	api_loop_del(ctx, *fd);
	ipc_close_fds(fd, 1);
}

static void
end_resolver(struct api_dial *d)
{
	if (d->resolver.link < 0)
		return;
	api_loop_del(d->ctx, d->resolver.link);
	api_resolve_end(&d->resolver, api_context_enter(d->ctx) == 0);
	d->ctx->n_resolving--;
}

/* Out of the list, and nothing but memory left of it. */
static void
take_out(struct api_dial *d)
{
	TAILQ_REMOVE(&d->ctx->dials, d, next);
	end_resolver(d);
	drop_fd(d->ctx, &d->fd);
	drop_fd(d->ctx, &d->timer);
}

static void
destroy(struct api_dial *d)
{
	free(d->host);
	free(d);
}

static void
arm(struct api_dial *d, int ms)
{
	struct itimerspec t = { .it_value = { ms / 1000, ms % 1000 * 1000000L + (ms == 0) } };

	(void)timerfd_settime(d->timer, 0, &t, NULL);	/* a valid timer and time */
}

/* ---- its steps ---- */

static void
finish(struct api_dial *d, int result)
{
	take_out(d);
	d->done(d, result);
	destroy(d);
}

/* A socket that is connected, or is about to be: 0 or -EINPROGRESS. */
static int
connect_to(struct api_dial *d, const struct api_address *a)
{
	int one = 1, r;

	d->fd = socket(a->of.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return -errno;
	/* a delay, no error, where it cannot be had */
	(void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(d->fd, &a->of.sa, a->len) == 0)
		return 0;
	r = errno == EINPROGRESS || errno == EINTR ? -EINPROGRESS : -errno;
	if (r == -EINPROGRESS && api_loop_add(d->ctx, d->fd, API_DIAL, d->id, EPOLLOUT) == 0) {
		arm(d, API_ADDRESS_MS);
		return r;
	}
	ipc_close_fds(&d->fd, 1);
	return r == -EINPROGRESS ? -ENOMEM : r;
}

static void
connected(struct api_dial *d)
{
	int fd = d->fd;

	api_loop_del(d->ctx, fd);
	d->fd = -1;
	finish(d, fd);
}

/* The next address that may be connected to; at the end of them, why not. */
static void
try_next(struct api_dial *d)
{
	postern_context *ctx = d->ctx;
	uint64_t id = d->id;

	d->state = API_DIAL_CONNECTS;
	while (d->tried < d->to.n) {
		/* a copy: the application may end the dial that it is asked for */
		struct api_address a = d->to.list[d->tried++];
		bool may = d->may == NULL || d->may(d, &a);

		if (api_context_enter(ctx) < 0 || (d = find(ctx, id)) == NULL)
			return;
		d->error = may ? connect_to(d, &a) : -EACCES;
		if (d->error == -EINPROGRESS)
			return;
		if (d->error == 0) {
			connected(d);
			return;
		}
	}
	finish(d, d->error);
}

static bool
has_room(const struct api_dial *of)
{
	const struct api_dial *d;
	unsigned own = 0, all = 0;

	if (of->ctx->n_resolving >= API_RESOLVERS_MAX)
		return false;
	if (of->conn == 0)
		return true;
	TAILQ_FOREACH(d, &of->ctx->dials, next) {
		if (d->conn == 0 || d->state != API_DIAL_RESOLVES)
			continue;
		all++;
		own += d->conn == of->conn;
	}
	return own < API_RESOLVERS_EACH && all < API_RESOLVERS_PEERS;
}

/* False: it is over. */
static bool
resolve(struct api_dial *d)
{
	int r = api_resolve_start(&d->resolver, d->ctx->helper_dir, d->host);

	if (r == 0) {
		d->ctx->n_resolving++;
		d->state = API_DIAL_RESOLVES;
		r = api_loop_add(d->ctx, d->resolver.link, API_DIAL, d->id, EPOLLIN);
	}
	if (r == 0) {
		arm(d, API_RESOLVE_MS);
		return true;
	}
	api_log(d->ctx, NULL, POSTERN_ERROR, "no process to resolve a name with: %s",
	    postern_strerror(r));
	finish(d, r);
	return false;
}

/* Those that waited for a process, oldest first. */
static void
resolve_waiting(postern_context *ctx)
{
	struct api_dial *d, *next;

	for (d = TAILQ_FIRST(&ctx->dials); d != NULL; d = next) {
		next = TAILQ_NEXT(d, next);
		if (d->state == API_DIAL_WAITS && has_room(d) && !resolve(d))
			next = TAILQ_FIRST(&ctx->dials);	/* its end may have been others' */
	}
}

/* Its timer rings at its deadline, and when another one's end may have made room. */
static void
wait_for_turn(struct api_dial *d)
{
	int left = api_deadline_left(d->turn);

	if (left == 0) {
		finish(d, -EHOSTUNREACH);
		return;
	}
	arm(d, left);
	resolve_waiting(d->ctx);
}

static void
begin(struct api_dial *d)
{
	int r = d->is_path ? api_resolve_path(d->host, &d->to) :
	    api_resolve_numeric(d->host, d->port, &d->to);

	if (r == 0) {
		try_next(d);
		return;
	}
	if (d->is_path) {
		finish(d, r);
		return;
	}
	d->state = API_DIAL_WAITS;
	d->turn = api_deadline_in(API_RESOLVE_MS);
	wait_for_turn(d);
}

static void
resolved(struct api_dial *d, bool is_late)
{
	postern_context *ctx = d->ctx;
	int r = api_resolve_answer(&d->resolver, d->port, &d->to);

	if (r == 1 && !is_late)
		return;
	end_resolver(d);
	if (r == 0)
		try_next(d);
	else
		finish(d, r == 1 ? -EHOSTUNREACH : r);
	if (api_context_enter(ctx) == 0)
		resolve_waiting(ctx);
}

/* 0; 1: not yet; -errno. */
static int
outcome(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t n = sizeof(error);

	if (poll(&p, 1, 0) <= 0)
		return 1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		return -errno;
	return -error;
}

static void
progress(struct api_dial *d, bool is_late)
{
	int r = outcome(d->fd);

	if (r == 1 && !is_late)
		return;
	if (r == 0) {
		connected(d);
		return;
	}
	d->error = r == 1 ? -ETIMEDOUT : r;
	drop_fd(d->ctx, &d->fd);
	try_next(d);
}

void
api_dial_ready(postern_context *ctx, uint64_t id)
{
	struct api_dial *d = find(ctx, id);
	uint64_t times;
	bool rang;

	if (d == NULL)
		return;
	rang = read(d->timer, &times, sizeof(times)) == (ssize_t)sizeof(times);
	switch (d->state) {
	case API_DIAL_BEGINS:
		if (rang)
			begin(d);
		break;
	case API_DIAL_WAITS:
		wait_for_turn(d);
		break;
	case API_DIAL_RESOLVES:
		resolved(d, rang);
		break;
	case API_DIAL_CONNECTS:
		progress(d, rang);
		break;
	}
}

/* ---- its beginning, and other ends ---- */

int
api_dial_start(postern_context *ctx, const struct api_dial *what, const char *host)
{
	struct api_dial *d = malloc(sizeof(*d));
	int r = -ENOMEM;

	if (d == NULL)
		return r;
	*d = *what;
	d->ctx = ctx;
	d->id = api_context_serial(ctx);
	d->state = API_DIAL_BEGINS;
	d->resolver = (struct api_resolver){ -1, -1 };
	d->fd = -1;
	d->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	d->host = api_context_copy(span_str(host));
	if (d->timer < 0)
		r = -errno;
	else if (d->host != NULL)
		r = api_loop_add(ctx, d->timer, API_DIAL, d->id, EPOLLIN);
	if (r < 0) {
		ipc_close_fds(&d->timer, 1);
		destroy(d);
		return r;
	}
	TAILQ_INSERT_TAIL(&ctx->dials, d, next);
	arm(d, 0);
	return 0;
}

void
api_dial_end(postern_context *ctx, uint64_t asker)
{
	struct api_dial *d = api_dial_of(ctx, asker);

	if (d == NULL)
		return;
	take_out(d);
	destroy(d);
	/* in a turn of its own: whoever ends this one may be going through a list that the
	 * end of another would change */
	TAILQ_FOREACH(d, &ctx->dials, next) {
		if (d->state == API_DIAL_WAITS) {
			arm(d, 0);
			return;
		}
	}
}

void
api_dial_end_all(postern_context *ctx)
{
	struct api_dial *d;

	while ((d = TAILQ_FIRST(&ctx->dials)) != NULL) {
		take_out(d);
		destroy(d);
	}
}
