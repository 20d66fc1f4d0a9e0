/*
 * api_io_new.c - a transport over an object of the application: checked and made.
 *
 * The object stays the caller's until all of it has been made: when this fails, none
 * of its functions but set_timeout and peername has been called.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "privsep/api_io.h"

/* Its name for the log: the application's word, in one harmless line. */
static void
name_peer(const struct postern_io *object, char out[API_PEER_MAX])
{
	out[0] = '\0';
	if (object->peername == NULL)
		return;
	if (object->peername(object->user, out, API_PEER_MAX) < 0)
		out[0] = '\0';
	out[API_PEER_MAX - 1] = '\0';
	api_log_tame_line(out);
}

/* Is it one that epoll takes?  A file is not: then it is looked at like none. */
static int
copy_descriptor(struct api_io *io)
{
	if (io->object.fd < 0)
		return 0;
	/* the application may close its own in close() or before */
	io->fd = fcntl(io->object.fd, F_DUPFD_CLOEXEC, 0);
	if (io->fd < 0)
		return -errno;
	if (api_loop_add(io->ctx, io->fd, API_IO, io->id, 0) == 0)
		api_loop_del(io->ctx, io->fd);
	else
		ipc_close_fds(&io->fd, 1);
	return 0;
}

static int
make(struct api_io **out, postern_context *ctx, const struct postern_io *object, int *worker)
{
	struct api_io *io = calloc(1, sizeof(*io));
	int pair[2] = { -1, -1 }, r;

	if (io == NULL)
		return -ENOMEM;
	io->ctx = ctx;
	io->object = *object;
	io->id = api_context_serial(ctx);
	io->fd = -1;
	r = copy_descriptor(io);
	if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		r = -errno;
	if (r == 0 && object->set_timeout != NULL)
		r = object->set_timeout(object->user, 0);
	if (r < 0) {
		ipc_close_fds(pair, 2);
		ipc_close_fds(&io->fd, 1);
		free(io);
		return r;
	}
	io->sock = pair[0];
	*worker = pair[1];
	*out = io;
	return 0;
}

int
postern_transport_new_io(postern_transport **out, postern_context *ctx,
    const struct postern_io *given)
{
	struct postern_io object = POSTERN_IO;
	char name[API_PEER_MAX];
	struct api_io *io;
	int worker, r = api_context_enter(ctx);

	if (r == 0)
		r = ctx->dead;
	if (r == 0)
		r = api_context_struct(&object, sizeof(object), given);
	if (r == 0 && (object.send == NULL || object.recv == NULL))
		r = -EINVAL;
	if (r == 0)
		r = make(&io, ctx, &object, &worker);
	if (r < 0)
		return r;
	name_peer(&object, name);
	r = postern_transport_new(out, ctx, worker);
	if (r < 0) {
		ipc_close_fds(&io->sock, 1);
		ipc_close_fds(&io->fd, 1);
		free(io);
		return r;
	}
	io->t = *out;
	(*out)->io = io;
	LIST_INSERT_HEAD(&ctx->ios, io, next);
	memcpy((*out)->peer, name, sizeof(name));
	(*out)->sock[0] = '\0';
	return 0;
}
