/*
 * sock.c - how messages travel: one packet of a SOCK_SEQPACKET pair is one message.
 *
 * The kernel keeps message boundaries and order, so nobody ever holds half a
 * message of a hostile peer.  Nothing here blocks, raises SIGPIPE or leaves a
 * descriptor that came uninvited: descriptors are taken only by ipc_recv, made
 * close-on-exec on arrival, and closed at once when anything is odd about them.
 * The flags used here are the ones that the worker's filter allows; another flag
 * is another rule there.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/ipc.h"

/* Room for the declared descriptors; alignment may let the kernel put one more in
 * it, which is counted below rather than hoped away. */
union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
};

int
ipc_pair(int out[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
		return -errno;
	out[0] = fds[0];
	out[1] = fds[1];
	return 0;
}

static ssize_t
send_with_fds(int sock, struct span message, const int *fds, size_t nfds)
{
	union control control = { .buf = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)message.p, .iov_len = message.n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = CMSG_SPACE(nfds * sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int
ipc_send(int sock, struct span message, const int *fds, size_t nfds)
{
	ssize_t n;

	/* an empty packet would read as the end of the link */
	if (message.n == 0 || message.n > IPC_MESSAGE_MAX || nfds > IPC_FDS_MAX)
		return -EINVAL;
	do {
		if (nfds > 0)
			n = send_with_fds(sock, message, fds, nfds);
		else
			n = sendto(sock, message.p, message.n, MSG_DONTWAIT | MSG_NOSIGNAL,
			    NULL, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == message.n ? 0 : -EPROTO;
}

int
ipc_send_encoded(int sock, struct wr *w, const int *fds, size_t nfds, unsigned flags)
{
	struct span message = wr_span(w);
	int rc = -EMSGSIZE;

	if (!w->bad)
		rc = ipc_send(sock, message, fds, nfds);
	/* all of it: a cursor that went bad may have written a secret before */
	if (flags & SECRET)
		explicit_bzero(w->p, w->cap);
	return rc;
}

void
ipc_close_fds(int *fds, size_t nfds)
{
	for (size_t i = 0; i < nfds; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);	/* nothing to be done about it */
		fds[i] = -1;
	}
}

/* Collects what came with a message into fds.  False: more than fit, or control
 * data that nobody asked for; then everything that came is closed.  What our own
 * table of descriptors had no place for was the kernel's to drop: then none has come,
 * and the message is one that lacks them.  Anybody may be able to fill that table,
 * so it must not look like the end of a link that all connections share. */
static bool
take_fds(struct msghdr *msg, int *fds, size_t *nfds)
{
	bool odd = false;
	size_t got = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			odd = true;
			continue;
		}
		for (size_t at = 0; bytes - at >= sizeof(int); at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (got < IPC_FDS_MAX) {
				fds[got++] = fd;
			} else {
				(void)close(fd);
				odd = true;
			}
		}
	}
	if (odd || (msg->msg_flags & MSG_CTRUNC) != 0) {
		ipc_close_fds(fds, got);
		return !odd;
	}
	*nfds = got;
	return true;
}

/* The other end may have closed with a message of ours unread, as one does that is
 * ending: the kernel then says so once, before it hands out what that end had sent
 * last, and those words say why it ended. */
static bool
is_passing(bool *was_reset)
{
	if (errno == ECONNRESET && !*was_reset) {
		*was_reset = true;
		return true;
	}
	return errno == EINTR;
}

ssize_t
ipc_recv(int sock, uint8_t *buf, size_t cap, int *fds, size_t *nfds)
{
	union control control;
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	bool was_reset = false;
	ssize_t n;

	*nfds = 0;
	do {
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && is_passing(&was_reset));
	if (n < 0)
		return -errno;
	if (!take_fds(&msg, fds, nfds))
		return -EPROTO;
	if ((msg.msg_flags & MSG_TRUNC) != 0 || (n == 0 && *nfds > 0)) {
		ipc_close_fds(fds, *nfds);
		*nfds = 0;
		return -EPROTO;
	}
	return n;
}

ssize_t
ipc_recv_plain(int sock, uint8_t *buf, size_t cap)
{
	bool was_reset = false;
	ssize_t n;

	/* MSG_TRUNC: the result is the packet's own length, not what was copied */
	do {
		n = recv(sock, buf, cap, MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && is_passing(&was_reset));
	if (n < 0)
		return -errno;
	return (size_t)n > cap ? -EPROTO : n;
}
