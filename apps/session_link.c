/*
 * session_link.c - packets with descriptors between posternd and its helpers.  A
 * truncated packet, or one with more descriptors than declared, is a broken
 * contract: what came is closed and the caller ends the other side.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/session_link.h"

int session_link_pair(int out[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out) == 0 ?
	    0 : -errno;
}

int session_link_send(int sock, const void *packet, size_t len, const int *fds, size_t n)
{
	struct iovec iov = { .iov_base = (void *)packet, .iov_len = len };
	union { char buf[CMSG_SPACE(sizeof(int) * SESSION_LINK_FDS)]; struct cmsghdr align; } c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > SESSION_LINK_FDS)
		return -EINVAL;
	if (n > 0) {
		struct cmsghdr *h;

		memset(&c, 0, sizeof(c));
		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * n);
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static size_t take_fds(struct msghdr *m, int fds[SESSION_LINK_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		size_t count;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (n < SESSION_LINK_FDS)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

ssize_t session_link_recv(int sock, void *buf, size_t cap, int fds[SESSION_LINK_FDS], size_t *n)
{
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	union { char buf[CMSG_SPACE(sizeof(int) * SESSION_LINK_FDS)]; struct cmsghdr align; } c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int came[SESSION_LINK_FDS];
	ssize_t len;
	size_t count;

	if (fds != NULL) {
		m.msg_control = c.buf;
		m.msg_controllen = sizeof(c.buf);
	}
	while ((len = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0)
		if (errno != EINTR)
			return -errno;
	count = fds != NULL ? take_fds(&m, came) : 0;
	/* without a control buffer the kernel drops descriptors and says CTRUNC */
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		for (size_t i = 0; i < count; i++)
			close(came[i]);
		return -EPROTO;
	}
	if (fds != NULL) {
		memcpy(fds, came, sizeof(int) * count);
		*n = count;
	}
	return len;
}

bool session_link_text(const char *field, size_t size)
{
	return memchr(field, '\0', size) != NULL;
}

bool session_link_put(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(field, text, len + 1);
	return true;
}
