/*
 * api_io.c - a transport over an object of the application: bytes carried between its
 * functions and a socket pair whose other end is the worker's network.
 *
 * The functions are the application's and may do anything: call this library, give the
 * transport up, claim to have moved more than they were asked to.  What they return is
 * checked, they are never called again within themselves, and close is called once.
 * The bytes are a stranger's; they are not looked at.  Each way has one buffer: full,
 * its source is not read, so a slow side is felt by the other and not by our memory.
 * Nothing moves before the start, or outside the library's own calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api_io.h"

enum { ROUNDS = 8, LIES_MAX = 8, LAST_PUMPS = 32 };

static size_t
room_of(struct flow *f)
{
	if (f->from > 0 && f->n > 0)
		memmove(f->bytes, &f->bytes[f->from], f->n);
	f->from = 0;
	return sizeof(f->bytes) - f->n;
}

static void
taken(struct flow *f, size_t n)
{
	f->from += n;
	f->n -= n;
	if (f->n == 0)
		f->from = 0;
}

static void
watch(struct api_io *io, int fd, uint32_t *now, uint32_t wanted)
{
	if (fd < 0 || *now == wanted)
		return;
	/* a descriptor that is watched for nothing still tells of its hang-up, for ever */
	if (wanted == 0)
		api_loop_del(io->ctx, fd);
	else if (*now != 0)
		api_loop_change(io->ctx, fd, API_IO, io->id, wanted);
	else if (api_loop_add(io->ctx, fd, API_IO, io->id, wanted) < 0)
		return;		/* no memory: tried again when something moves */
	*now = wanted;
}

static bool
wants_object(const struct api_io *io)
{
	return (!io->in.is_ended && io->in.n < FLOW_MAX) || io->out.n > 0;
}

static void
watch_all(struct api_io *io)
{
	uint32_t sock = 0, fd = 0;

	if (!io->is_begun || io->is_over)
		return;
	if (!io->out.is_ended && io->out.n < FLOW_MAX)
		sock |= EPOLLIN;
	if (io->in.n > 0)
		sock |= EPOLLOUT;
	if (!io->is_resting && !io->in.is_ended && io->in.n < FLOW_MAX)
		fd |= EPOLLIN;
	if (!io->is_resting && io->out.n > 0)
		fd |= EPOLLOUT;
	watch(io, io->sock, &io->sock_events, sock);
	watch(io, io->fd, &io->fd_events, fd);
}

static void
end(struct api_io *io)
{
	bool was_busy = io->is_busy;

	if (io->is_over)
		return;
	io->is_over = io->is_busy = true;
	watch(io, io->sock, &io->sock_events, 0);
	watch(io, io->fd, &io->fd_events, 0);
	ipc_close_fds(&io->sock, 1);
	ipc_close_fds(&io->fd, 1);
	if (io->t != NULL)
		io->t->io = NULL;
	io->t = NULL;
	/* in a forked child the object still is the parent's conversation */
	if (io->object.close != NULL && api_context_enter(io->ctx) == 0)
		io->object.close(io->object.user);
	io->is_busy = was_busy;
}

/* Not now: as after a system call. */
static bool
is_later(long n)
{
	return n == -EAGAIN || n == -EINTR;
}

static void
give_up(struct api_io *io, long n, size_t asked)
{
	if (n > 0)
		api_log(io->ctx, io->t, POSTERN_ERROR, "a function of the transport's object "
		    "moved %ld bytes, asked for %zu", n, asked);
	end(io);
}

/* From the object into the buffer.  What it says it moved is not believed beyond what
 * it was asked for: then nobody knows what stands in the buffer. */
static bool
receive_object(struct api_io *io)
{
	size_t room = room_of(&io->in);
	long n;

	if (io->in.is_ended || room == 0)
		return false;
	n = io->object.recv(io->object.user, &io->in.bytes[io->in.n], room);
	if (io->is_over || is_later(n))
		return false;
	if (n < 0 || (unsigned long)n > room) {
		give_up(io, n, room);
		return false;
	}
	io->in.is_ended = n == 0;
	io->in.n += (size_t)n;
	return true;
}

static bool
send_object(struct api_io *io)
{
	long n;

	if (io->out.n == 0)
		return false;
	n = io->object.send(io->object.user, &io->out.bytes[io->out.from], io->out.n);
	if (io->is_over || is_later(n))
		return false;
	if (n <= 0 || (unsigned long)n > io->out.n) {
		give_up(io, n, io->out.n);
		return false;
	}
	taken(&io->out, (size_t)n);
	return true;
}

static bool
receive_worker(struct api_io *io)
{
	size_t room = room_of(&io->out);
	ssize_t n;

	if (io->out.is_ended || room == 0)
		return false;
	n = recv(io->sock, &io->out.bytes[io->out.n], room, MSG_DONTWAIT);
	if (n < 0 && is_later(-errno))
		return false;
	/* an error comes after all data has: it is the end as well */
	if (n <= 0)
		io->out.is_ended = true;
	else
		io->out.n += (size_t)n;
	return true;
}

static bool
send_worker(struct api_io *io)
{
	ssize_t n;

	if (io->in.n == 0)
		return false;
	n = send(io->sock, &io->in.bytes[io->in.from], io->in.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && is_later(-errno))
		return false;
	if (n < 0) {
		/* it does not read any more; what it has said is still to go out */
		io->in.is_ended = true;
		n = (ssize_t)io->in.n;
	}
	taken(&io->in, (size_t)n);
	if (io->in.is_ended && io->in.n == 0)
		(void)shutdown(io->sock, SHUT_WR);	/* it may be gone already */
	return true;
}

/* One round; false: nothing moved. */
static bool
move(struct api_io *io)
{
	bool had_end = io->in.is_ended, moved;

	moved = receive_object(io);
	if (!io->is_over && io->in.is_ended && !had_end && io->in.n == 0)
		(void)shutdown(io->sock, SHUT_WR);	/* it may be gone already */
	if (!io->is_over)
		moved |= send_worker(io);
	if (!io->is_over)
		moved |= receive_worker(io);
	if (!io->is_over)
		moved |= send_object(io);
	if (!io->is_over && io->out.is_ended && io->out.n == 0) {
		end(io);
		return false;
	}
	return moved;
}

/* False: there was nothing to do. */
static bool
pump(struct api_io *io)
{
	bool has_moved = false, moves = true;

	if (!io->is_begun || io->is_busy || io->is_over || api_context_enter(io->ctx) < 0)
		return true;
	io->is_busy = true;
	for (int i = 0; i < ROUNDS && moves; i++) {
		moves = move(io);
		has_moved |= moves;
	}
	io->is_busy = false;
	io->look = api_deadline_in(moves ? 0 : API_LOOK_MS);
	return has_moved || io->is_over;
}

void
api_io_ready(postern_context *ctx, uint64_t id)
{
	struct api_io *io;

	LIST_FOREACH(io, &ctx->ios, next) {
		if (io->id == id)
			break;
	}
	if (io == NULL)
		return;
	if (io->is_busy) {
		/* within one of its functions: watched again when that returns */
		watch(io, io->sock, &io->sock_events, 0);
		watch(io, io->fd, &io->fd_events, 0);
		return;
	}
	/* ready, and nothing moved.  Once is no lie: both descriptors may have been ready,
	 * and the first one's turn moved it all.  Again and again would keep us busy. */
	io->lies = pump(io) ? 0 : io->lies + 1;
	if (io->lies >= LIES_MAX)
		io->is_resting = true;
	watch_all(io);
}

/* Must it be looked at, because nothing tells when it is ready? */
static bool
is_looked_at(const struct api_io *io)
{
	return io->is_begun && !io->is_over && !io->is_busy &&
	    (io->fd < 0 || io->is_resting) && wants_object(io);
}

int
api_io_wait(const postern_context *ctx, int wait_ms)
{
	const struct api_io *io;

	LIST_FOREACH(io, &ctx->ios, next) {
		int left = is_looked_at(io) ? api_deadline_left(io->look) : -1;

		if (left >= 0 && (wait_ms < 0 || left < wait_ms))
			wait_ms = left;
	}
	return wait_ms;
}

void
api_io_look(postern_context *ctx)
{
	struct api_io *io;

	LIST_FOREACH(io, &ctx->ios, next) {
		if (!is_looked_at(io) || api_deadline_left(io->look) > 0)
			continue;
		io->is_resting = false;
		io->lies = LIES_MAX - 1;
		(void)pump(io);		/* it rests again when it has lied again */
		watch_all(io);
	}
}

void
api_io_begin(postern_transport *t)
{
	if (t->io == NULL)
		return;
	t->io->is_begun = true;
	t->io->look = api_deadline_in(0);
	watch_all(t->io);
}

void
api_io_finish(postern_transport *t)
{
	struct api_io *io = t->io;

	/* what does not go now goes in later turns */
	for (int i = 0; i < LAST_PUMPS && io != NULL && t->io == io; i++) {
		if (!pump(io))
			break;
	}
	if (io != NULL)
		watch_all(io);
}

void
api_io_discard(postern_transport *t)
{
	if (t->io != NULL)
		end(t->io);
}

void
api_io_bury(postern_context *ctx)
{
	struct api_io *io, *next;

	for (io = LIST_FIRST(&ctx->ios); io != NULL; io = next) {
		next = LIST_NEXT(io, next);
		if (!io->is_over || io->is_busy)
			continue;
		LIST_REMOVE(io, next);
		free(io);
	}
}

void
api_io_forked(postern_transport *t)
{
	if (t->io == NULL)
		return;
	ipc_close_fds(&t->io->sock, 1);
	ipc_close_fds(&t->io->fd, 1);
}
