/*
 * api_descriptor.c - the descriptors of a channel's data: made here, one end for the
 * application, the other for the worker.
 *
 * What the worker gets was made for it and is O_NONBLOCK: it could hang on another,
 * and could change the flags of one that others share.  Our copy of its end is
 * closed the moment it is sent, or the worker's peer would never see the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api.h"

void
api_descriptor_init(postern_channel *ch)
{
	ch->fd = ch->err_fd = -1;
	for (size_t i = 0; i < IPC_FDS_MAX; i++)
		ch->give[i] = -1;
}

/* In a forked child all are copies, and none is the last. */
void
api_descriptor_discard(postern_context *ctx, int *fds, size_t n)
{
	if (ctx->discard == NULL || api_context_enter(ctx) < 0) {
		ipc_close_fds(fds, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			ctx->discard(ctx->user, fds[i]);
		fds[i] = -1;
	}
}

void
api_descriptor_close(postern_channel *ch)
{
	ipc_close_fds(&ch->fd, 1);
	ipc_close_fds(&ch->err_fd, 1);
	api_descriptor_discard(ch->t->ctx, ch->give, IPC_FDS_MAX);
}

static int
set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -errno;
	return 0;
}

/* Only the worker's end is O_NONBLOCK: the application's behaves as it expects. */
static int
make_pair(int *ours, int *theirs)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	r = set_nonblocking(pair[1]);
	if (r < 0) {
		ipc_close_fds(pair, 2);
		return r;
	}
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

static int
make_socket(postern_channel *ch)
{
	int r;

	if (ch->take != API_TAKE_NONE)
		return 0;
	r = make_pair(&ch->fd, &ch->give[0]);
	if (r == 0)
		ch->take = API_TAKE_SOCKET;
	return r;
}

static int
send_take(postern_channel *ch)
{
	struct api_link *l = &ch->t->worker;
	const int *fd = ch->give;

	switch (ch->take) {
	case API_TAKE_SOCKET:
		return api_send_TAKE_SOCKET(l, &(struct ipc_TAKE_SOCKET){
		    .chan = ch->id, .data = fd[0] });
	case API_TAKE_SOCKETS:
		return api_send_TAKE_SOCKETS(l, &(struct ipc_TAKE_SOCKETS){
		    .chan = ch->id, .data = fd[0], .err = fd[1] });
	case API_TAKE_PTY:
		return api_send_TAKE_PTY(l, &(struct ipc_TAKE_PTY){
		    .chan = ch->id, .master = fd[0] });
	case API_TAKE_PIPES:
		return api_send_TAKE_PIPES(l, &(struct ipc_TAKE_PIPES){
		    .chan = ch->id, .in = fd[0], .out = fd[1], .err = fd[2] });
	case API_TAKE_NONE:
	case API_TAKE_SENT:
		break;
	}
	return 0;
}

int
api_descriptor_give(postern_channel *ch)
{
	int r = make_socket(ch);

	if (r < 0 || ch->take == API_TAKE_SENT)
		return r;
	r = send_take(ch);
	/* no descriptor or memory here: it may work at another time */
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r;
	(void)api_call_sent(ch->t, r);
	/* a worker that ends this moment leaves us the last copy */
	api_descriptor_discard(ch->t->ctx, ch->give, IPC_FDS_MAX);
	ch->take = API_TAKE_SENT;
	return 0;
}

void
api_descriptor_finish(postern_channel *ch)
{
	/* shutdown, not close: it also reaches copies in children that live on; fails
	 * only for a socket that has ended already */
	if (ch->fd >= 0)
		(void)shutdown(ch->fd, SHUT_WR);
	if (ch->err_fd >= 0)
		(void)shutdown(ch->err_fd, SHUT_WR);
}

/* May descriptors still be chosen? */
static int
enter(const postern_channel *ch)
{
	int r = api_context_enter(ch->t->ctx);

	if (r < 0)
		return r;
	return ch->state == API_OVER ? POSTERN_ESTATE : 0;
}

int
postern_channel_fd(postern_channel *ch)
{
	int r = api_context_enter(ch->t->ctx);

	if (r < 0)
		return r;
	/* also after the end: what has come is still to be read */
	if (ch->fd >= 0)
		return ch->fd;
	r = enter(ch);
	if (r == 0 && ch->take != API_TAKE_NONE)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = make_socket(ch);
	return r < 0 ? r : ch->fd;
}

int
postern_channel_stderr_fd(postern_channel *ch)
{
	int r = api_context_enter(ch->t->ctx);

	if (r < 0)
		return r;
	if (ch->err_fd >= 0)
		return ch->err_fd;
	r = enter(ch);
	if (r == 0)
		r = make_socket(ch);
	if (r == 0 && ch->take != API_TAKE_SOCKET)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = make_pair(&ch->err_fd, &ch->give[1]);
	if (r < 0)
		return r;
	ch->take = API_TAKE_SOCKETS;
	return ch->err_fd;
}

int
postern_channel_take_fd(postern_channel *ch)
{
	int fd = postern_channel_fd(ch);

	if (fd >= 0 && ch->is_read)
		return POSTERN_ESTATE;
	if (fd >= 0)
		ch->fd = -1;
	return fd;
}

static int
take(postern_channel *ch, enum api_take kind, int a, int b, int c)
{
	int fds[IPC_FDS_MAX] = { a, b, c };
	int r = enter(ch);

	if (r == 0 && ch->take != API_TAKE_NONE)
		r = POSTERN_ESTATE;
	for (size_t i = 0; r == 0 && i < (kind == API_TAKE_PIPES ? 3 : 1); i++)
		r = set_nonblocking(fds[i]);
	if (r < 0) {
		api_descriptor_discard(ch->t->ctx, fds, IPC_FDS_MAX);	/* ours by contract */
		return r;
	}
	memcpy(ch->give, fds, sizeof(fds));
	ch->take = kind;
	return 0;
}

int
postern_channel_take_pty(postern_channel *ch, int master)
{
	return take(ch, API_TAKE_PTY, master, -1, -1);
}

int
postern_channel_take_pipes(postern_channel *ch, int in, int out, int err)
{
	return take(ch, API_TAKE_PIPES, in, out, err);
}

int
postern_channel_take_socket(postern_channel *ch, int socket)
{
	return take(ch, API_TAKE_SOCKET, socket, -1, -1);
}
