/*
 * session_link.c - packets with descriptors between posternd and its helpers.  A
 * truncated packet, or one with more descriptors than declared, is a broken
 * contract: what came is closed and the caller ends the other side.
 *
 * A session process is its user's, and closing what it sends may take as long as that
 * user likes: a socket may linger, a file system that the user runs is told of each
 * close and answers when it wants.  So nothing that came is closed here but by a child.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/session_link.h"

enum { CAME_MAX = 253 };	/* the kernel's SCM_MAX_FD: all of them are ours to close */

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

/* As fork, but the table of descriptors is one and the same.  The child may call the
 * system and nothing else. */
static pid_t split(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
}

void session_link_discard(const int *fds, size_t n)
{
	pid_t pid = n > 0 ? split() : 0;

	if (n == 0)
		return;
	if (pid == 0) {
		/* one that hangs is nobody's child, so nobody waits for it */
		pid = split();
		for (size_t i = 0; pid == 0 && i < n; i++)
			(void)syscall(SYS_close, fds[i]);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	/* no process to be had: then they stay open, but nobody is held up */
}

/* How many came, which may be more than there is room for in anybody's contract. */
static size_t take_fds(struct msghdr *m, int came[CAME_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
		    count > CAME_MAX - n)
			continue;
		memcpy(&came[n], CMSG_DATA(h), count * sizeof(int));
		n += count;
	}
	return n;
}

ssize_t session_link_recv(int sock, void *buf, size_t cap, int fds[SESSION_LINK_FDS], size_t *n)
{
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	union { char buf[CMSG_SPACE(sizeof(int) * CAME_MAX)]; struct cmsghdr align; } c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int came[CAME_MAX];
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
	/* without a control buffer the kernel drops descriptors and says CTRUNC; a packet of
	 * nothing but descriptors would look like the end */
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || count > SESSION_LINK_FDS ||
	    (len == 0 && count > 0)) {
		session_link_discard(came, count);
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
