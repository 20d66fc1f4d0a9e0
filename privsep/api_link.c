/*
 * api_link.c - sending on a link without ever blocking the host program.
 *
 * What a reader does not take at once waits here, bounded in number and bytes; a
 * reader that lets it grow beyond that does not read at all, and loses its link.
 * So a hostile worker that stops reading costs memory of this bound and no time.
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
	ipc_close_fds(o->fds, o->nfds);
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
	if (TAILQ_EMPTY(&l->out))
		api_loop_change(l->ctx, l->fd, l->kind, l->id, EPOLLIN | EPOLLOUT);
	TAILQ_INSERT_TAIL(&l->out, o, next);
	l->out_count++;
	l->out_bytes += o->n;
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
	else if (l->fd < 0 || l->ctx->is_mute)
		r = -EPIPE;
	else if (TAILQ_EMPTY(&l->out))
		r = ipc_send(l->fd, wr_span(w), fds, nfds);
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
		if (is_full(ipc_send(l->fd, span_of(o->bytes, o->n), o->fds, o->nfds)))
			return;
		/* sent; or the link is gone, which reading it tells */
		drop(l, o);
	}
	api_loop_change(l->ctx, l->fd, l->kind, l->id, EPOLLIN);
}
