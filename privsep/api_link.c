/*
 * api_link.c - sending on a link without ever blocking the host program.
 *
 * What a reader does not take at once waits here, bounded in number and bytes; a
 * reader that lets it grow beyond that does not read at all, and loses its link.
 * So a hostile worker that stops reading costs memory of this bound and no time.
 * Descriptors that nobody has received count against a limit of the kernel per user,
 * which all connections share: of these a worker gets no more than API_TAKES_MAX, and
 * what comes after them waits, in order, until it says TAKEN.
 * Waiting messages may hold secrets: all are wiped when they have gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "privsep/api.h"

void
api_link_init(struct api_link *l, postern_context *ctx, enum api_kind kind, uint64_t id)
{
	*l = (struct api_link){ .ctx = ctx, .fd = -1, .kind = kind, .id = id };
	TAILQ_INIT(&l->out);
}

int
api_link_open(struct api_link *l, int fd)
{
	int r = api_loop_add(l->ctx, fd, l->kind, l->id, EPOLLIN);

	if (r < 0) {
		(void)close(fd);	/* nothing to be done about it */
		return r;
	}
	l->fd = fd;
	return 0;
}

static void
drop(struct api_link *l, struct api_out *o)
{
	TAILQ_REMOVE(&l->out, o, next);
	l->out_count--;
	l->out_bytes -= o->n;
	api_descriptor_discard(l->ctx, o->fds, o->nfds);
	sodium_memzero(o->bytes, o->n);
	free(o);
}

void
api_link_close(struct api_link *l)
{
	struct api_out *o;

	while ((o = TAILQ_FIRST(&l->out)) != NULL)
		drop(l, o);
	if (l->fd < 0)
		return;
	api_loop_del(l->ctx, l->fd);
	(void)close(l->fd);	/* nothing to be done about it */
	l->fd = -1;
}

/* May a message with this many descriptors go?  The monitor is trusted to receive. */
static bool
may_go(const struct api_link *l, size_t nfds)
{
	return nfds == 0 || l->kind != API_WORKER || l->takes < API_TAKES_MAX;
}

static int
send_now(struct api_link *l, struct span message, const int *fds, size_t nfds)
{
	int r = may_go(l, nfds) ? ipc_send(l->fd, message, fds, nfds) : -EAGAIN;

	if (r == 0 && nfds > 0 && l->kind == API_WORKER)
		l->takes++;
	return r;
}

/* Room on the link is of use only to a message that may go: else we would spin. */
static void
watch(struct api_link *l)
{
	const struct api_out *o = TAILQ_FIRST(&l->out);
	bool wants_room = o != NULL && may_go(l, o->nfds);

	api_loop_change(l->ctx, l->fd, l->kind, l->id,
	    wants_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Else a worker that opens and closes channels, and says TAKEN of none, could have all
 * descriptors of the host program wait here. */
void
api_link_withdraw(struct api_link *l, uint64_t chan)
{
	struct api_out *o, *next;

	for (o = TAILQ_FIRST(&l->out); o != NULL; o = next) {
		struct rd r = rd_of(span_of(o->bytes, o->n));

		next = TAILQ_NEXT(o, next);
		(void)rd_u8(&r);
		/* every message to a worker that brings descriptors begins with its channel */
		if (o->nfds > 0 && rd_u64(&r) == chan)
			drop(l, o);
	}
	if (l->fd >= 0)
		watch(l);
}

static int
keep(struct api_link *l, struct span message, const int *fds, size_t nfds)
{
	struct api_out *o;

	if (l->out_count >= API_OUT_MAX || l->out_bytes + message.n > API_OUT_BYTES)
		return -ENOBUFS;
	o = malloc(sizeof(*o) + message.n);
	if (o == NULL)
		return -ENOMEM;
	o->n = message.n;
	memcpy(o->bytes, message.p, message.n);
	/* copies: the caller closes its own as after any other send */
	for (o->nfds = 0; o->nfds < nfds; o->nfds++) {
		o->fds[o->nfds] = fcntl(fds[o->nfds], F_DUPFD_CLOEXEC, 0);
		if (o->fds[o->nfds] < 0) {
			int r = -errno;

			ipc_close_fds(o->fds, o->nfds);
			sodium_memzero(o->bytes, o->n);
			free(o);
			return r;
		}
	}
	TAILQ_INSERT_TAIL(&l->out, o, next);
	l->out_bytes += o->n;
	if (l->out_count++ == 0)
		watch(l);
	return 0;
}

/* ETOOMANYREFS: descriptors in flight that nobody has received yet. */
static bool
is_full(int r)
{
	return r == -EAGAIN || r == -ETOOMANYREFS;
}

int
api_link_send(struct api_link *l, struct wr *w, const int *fds, size_t nfds, unsigned flags)
{
	int r = -EAGAIN;

	if (w->bad)
		r = -EMSGSIZE;
	else if (l->fd < 0 || l->ctx->is_mute || api_context_enter(l->ctx) < 0)
		r = -EPIPE;
	else if (TAILQ_EMPTY(&l->out))
		r = send_now(l, wr_span(w), fds, nfds);
	if (is_full(r))
		r = keep(l, wr_span(w), fds, nfds);
	if (flags & SECRET)
		sodium_memzero(w->p, w->cap);
	return r;
}

void
api_link_flush(struct api_link *l)
{
	struct api_out *o;

	while ((o = TAILQ_FIRST(&l->out)) != NULL) {
		if (is_full(send_now(l, span_of(o->bytes, o->n), o->fds, o->nfds)))
			break;
		/* sent; or the link is gone, which reading it tells */
		drop(l, o);
	}
	watch(l);
}

bool
api_link_taken(struct api_link *l)
{
	if (l->takes == 0)
		return false;
	l->takes--;
	if (!TAILQ_EMPTY(&l->out))
		api_link_flush(l);
	return true;
}
