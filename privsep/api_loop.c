/*
 * api_loop.c - the one loop: postern_next and every blocking call run it.
 *
 * Level-triggered epoll; an event carries a kind and a serial, never a pointer, so
 * a source that went away meanwhile is simply not found.  Per turn a worker is
 * heard once: no connection can keep the others waiting.  The descriptor that the
 * application polls is a second epoll over this one and an eventfd, which is
 * readable while undelivered events are on the shelf; blocking calls wait on the
 * first only, so a full shelf does not make them spin.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "privsep/api.h"
#include "privsep/spawn.h"

enum { KIND_SHIFT = 56 };

static int64_t
now_ms(void)
{
	struct timespec ts;

	/* cannot fail for this clock */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct api_deadline
api_deadline_in(int timeout_ms)
{
	return (struct api_deadline){ timeout_ms < 0 ? -1 : now_ms() + timeout_ms };
}

int
api_deadline_left(struct api_deadline d)
{
	int64_t left;

	if (d.at_ms < 0)
		return -1;
	left = d.at_ms - now_ms();
	if (left <= 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

static uint64_t
tag_of(enum api_kind kind, uint64_t id)
{
	return (uint64_t)kind << KIND_SHIFT | id;
}

/* In a forked child, and one may have been made in any callback, set and eventfd are
 * still the parent's: hands off. */
static bool
is_ours(const postern_context *ctx)
{
	return !ctx->is_mute && api_context_enter(ctx) == 0;
}

int
api_loop_add(postern_context *ctx, int fd, enum api_kind kind, uint64_t id, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = tag_of(kind, id) };

	if (!is_ours(ctx))
		return POSTERN_EFORKED;
	return epoll_ctl(ctx->set, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

void
api_loop_change(postern_context *ctx, int fd, enum api_kind kind, uint64_t id, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = tag_of(kind, id) };

	/* fails only for a descriptor that is not in the set */
	if (is_ours(ctx))
		(void)epoll_ctl(ctx->set, EPOLL_CTL_MOD, fd, &ev);
}

void
api_loop_del(postern_context *ctx, int fd)
{
	/* Always before close: a child being spawned may hold a copy for a moment,
	 * and the kernel would go on to report it. */
	if (is_ours(ctx))
		(void)epoll_ctl(ctx->set, EPOLL_CTL_DEL, fd, NULL);
}

int
api_loop_open(postern_context *ctx)
{
	struct epoll_event ev = { .events = EPOLLIN };

	ctx->fd = epoll_create1(EPOLL_CLOEXEC);
	ctx->set = epoll_create1(EPOLL_CLOEXEC);
	ctx->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* made now: when it is needed there may be no descriptor left */
	ctx->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ctx->fd < 0 || ctx->set < 0 || ctx->wake < 0 || ctx->timer < 0 ||
	    epoll_ctl(ctx->fd, EPOLL_CTL_ADD, ctx->set, &ev) != 0 ||
	    epoll_ctl(ctx->fd, EPOLL_CTL_ADD, ctx->wake, &ev) != 0)
		return -errno;
	return api_loop_add(ctx, ctx->timer, API_TIMER, 0, EPOLLIN);
}

void
api_loop_close(postern_context *ctx)
{
	int *fds[] = { &ctx->fd, &ctx->set, &ctx->wake, &ctx->timer };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		ipc_close_fds(fds[i], 1);
	for (size_t i = 0; i < API_DEPTH_MAX; i++)
		free(ctx->buffers[i]);
}

uint8_t *
api_loop_buffer(postern_context *ctx, size_t *cap)
{
	*cap = IPC_MESSAGE_MAX;
	return ctx->buffers[ctx->depth - 1];
}

static void
monitor_gone(postern_context *ctx)
{
	int signal = 0, status = 0;

	if (ctx->child < 0 || spawn_reap(ctx->child, &signal, &status) == 0)
		return;
	api_loop_del(ctx, ctx->child);
	ipc_close_fds(&ctx->child, 1);
	/* what it said last is still on the link, and says why */
	for (int i = 0; i < API_DRAIN_MAX && api_monitor_receive(ctx); i++)
		;
	if (signal != 0)
		api_log(ctx, NULL, POSTERN_ERROR, "the monitor was killed by signal %d", signal);
	else
		api_log(ctx, NULL, POSTERN_ERROR, "the monitor exited with status %d", status);
	api_context_died(ctx, POSTERN_EMONITOR, "our monitor process died");
}

static void
timer_rang(postern_context *ctx)
{
	uint64_t times;

	if (read(ctx->timer, &times, sizeof(times)) == (ssize_t)sizeof(times))
		api_listener_resume(ctx);
}

static void
worker_ready(postern_context *ctx, uint64_t id, uint32_t events)
{
	postern_transport *t = api_transport_find(ctx, id);

	if (t == NULL || t->worker.fd < 0)
		return;
	if ((events & EPOLLOUT) != 0)
		api_link_flush(&t->worker);
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		(void)api_worker_receive(t);	/* one per turn, or none */
}

static void
ready(postern_context *ctx, uint64_t tag, uint32_t events)
{
	uint64_t id = tag & ((UINT64_C(1) << KIND_SHIFT) - 1);

	switch ((enum api_kind)(tag >> KIND_SHIFT)) {
	case API_MONITOR:
		if (ctx->monitor.fd >= 0 && (events & EPOLLOUT) != 0)
			api_link_flush(&ctx->monitor);
		for (int i = 0; i < API_MONITOR_BATCH && api_monitor_receive(ctx); i++)
			;
		break;
	case API_CHILD:
		monitor_gone(ctx);
		break;
	case API_TIMER:
		timer_rang(ctx);
		break;
	case API_LISTENER:
		api_listener_ready(ctx, id);
		break;
	case API_WORKER:
		worker_ready(ctx, id, events);
		break;
	case API_PROGRAM:
		api_program_ready(ctx, id);
		break;
	case API_DIAL:
		api_dial_ready(ctx, id);
		break;
	case API_IO:
		api_io_ready(ctx, id);
		break;
	case API_SFTP:
		api_sftp_ready(ctx, id);
		break;
	}
}

void
api_loop_bury(postern_context *ctx)
{
	postern_channel *ch, *next_channel;
	postern_transport *t, *next;

	/* outside of turns at most one blocking call is under way */
	if (ctx->depth > 0)
		return;
	for (ch = TAILQ_FIRST(&ctx->channel_graves); ch != NULL; ch = next_channel) {
		next_channel = TAILQ_NEXT(ch, next);
		if (ch == ctx->held.channel)
			continue;
		TAILQ_REMOVE(&ctx->channel_graves, ch, next);
		api_channel_bury(ch);
	}
	api_io_bury(ctx);
	for (t = TAILQ_FIRST(&ctx->graves); t != NULL; t = next) {
		next = TAILQ_NEXT(t, next);
		if (t == ctx->held.transport)
			continue;
		TAILQ_REMOVE(&ctx->graves, t, next);
		api_transport_bury(t);
	}
}

int
api_loop_turn(postern_context *ctx, int wait_ms)
{
	struct epoll_event ev[API_EVENTS];
	int n;

	if (ctx->depth >= API_DEPTH_MAX)
		return POSTERN_ESTATE;
	api_loop_bury(ctx);
	if (ctx->buffers[ctx->depth] == NULL) {
		/* one byte more: a text that ends a message gets its NUL there */
		ctx->buffers[ctx->depth] = malloc(IPC_MESSAGE_MAX + 1);
		if (ctx->buffers[ctx->depth] == NULL)
			return -ENOMEM;
	}
	n = epoll_wait(ctx->set, ev, API_EVENTS, api_io_wait(ctx, wait_ms));
	if (n < 0)
		return -errno;
	ctx->depth++;
	for (int i = 0; i < n && api_context_enter(ctx) == 0; i++)
		ready(ctx, ev[i].data.u64, ev[i].events);
	if (api_context_enter(ctx) == 0)
		api_io_look(ctx);
	ctx->depth--;
	/* a callback that returned in a child of its own: the rest is the parent's */
	return api_context_enter(ctx);
}

int
api_loop_wait(postern_context *ctx, struct api_deadline d,
    bool (*is_ready)(const void *), const void *what, struct api_held held)
{
	int r = 0;

	if (ctx->waits++ == 0)
		ctx->held = held;
	while (r == 0 && !is_ready(what)) {
		int left = api_deadline_left(d);

		r = ctx->dead;
		if (r == 0)
			r = api_loop_turn(ctx, left);
		if (r == -EINTR)
			r = 0;
		if (r == 0 && left == 0 && !is_ready(what))
			r = POSTERN_ETIMEOUT;
	}
	if (--ctx->waits == 0)
		ctx->held = (struct api_held){ NULL, NULL };
	return r;
}

void
api_shelf_put(postern_context *ctx, struct api_item *item, enum api_pending what)
{
	uint64_t one = 1;

	if (item->pending == 0) {
		if (TAILQ_EMPTY(&ctx->shelf) && is_ours(ctx))
			/* a counter of 1: cannot be full */
			(void)!write(ctx->wake, &one, sizeof(one));
		TAILQ_INSERT_TAIL(&ctx->shelf, item, next);
	}
	item->pending |= (unsigned)what;
}

void
api_shelf_drop(postern_context *ctx, struct api_item *item, unsigned pending)
{
	uint64_t count;

	if ((item->pending & pending) == 0)
		return;
	item->pending &= ~pending;
	if (item->pending != 0)
		return;
	TAILQ_REMOVE(&ctx->shelf, item, next);
	if (TAILQ_EMPTY(&ctx->shelf) && is_ours(ctx) && ctx->dead == 0)
		/* not blocking, and it was written when the shelf was filled */
		(void)!read(ctx->wake, &count, sizeof(count));
}
