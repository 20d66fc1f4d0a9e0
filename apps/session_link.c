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
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* As fork(2), without what fork(3) runs in the child: that may call the system and nothing
 * else. */
static pid_t split(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
}

/* A file system is told of each close, not of the last alone, and may be the user's own. */
static bool any_is_of_a_file_system(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct statx x;

		/* it is not asked now either: what kind it is, the kernel knows */
		if (statx(fds[i], "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &x) != 0 ||
		    !(S_ISSOCK(x.stx_mode) || S_ISFIFO(x.stx_mode) || S_ISCHR(x.stx_mode)))
			return true;
	}
	return false;
}

/* By a child that has our table, so that no copy is made, and none is closed as the first
 * child ends.  While it hangs it keeps all that we have: we close our ports ourselves. */
static void close_in_our_table(const int *fds, size_t n)
{
	pid_t pid = split(CLONE_FILES);

	if (pid == 0) {
		pid = split(CLONE_FILES);	/* nobody's child, so nobody waits for it */
		for (size_t i = 0; pid == 0 && i < n; i++)
			(void)syscall(SYS_close, fds[i]);
		_exit(0);
	}
	reap(pid);
}

/* All descriptors but these go, in a sorted copy. */
static bool keep_only(const int *fds, size_t n, int gate)
{
	int kept[CAME_MAX + 1];
	unsigned next = 0;

	for (size_t i = 0; i <= n; i++) {
		int fd = i < n ? fds[i] : gate;
		size_t at = i;

		for (; at > 0 && kept[at - 1] > fd; at--)
			kept[at] = kept[at - 1];
		kept[at] = fd;
	}
	for (size_t i = 0; i <= n; i++) {
		if ((unsigned)kept[i] > next && close_range(next, (unsigned)kept[i] - 1, 0) != 0)
			return false;
		next = (unsigned)kept[i] + 1;
	}
	return close_range(next, ~0U, 0) == 0;
}

/* Says when it has copies, of these and of nothing else, waits until they are the last, and
 * ends.  No connection lingers for a process that ends; a terminal may keep it for ever, but
 * with it no port and no link of posternd's. */
static _Noreturn void close_last(const int *fds, size_t n, int gate)
{
	char byte = 0;

	if (keep_only(fds, n, gate) && write(gate, &byte, 1) == 1)
		while (read(gate, &byte, 1) < 0 && errno == EINTR)
			continue;
	_exit(0);
}

/* True: somebody else has copies. */
static bool has_taken(int gate)
{
	ssize_t n;
	char byte;

	while ((n = read(gate, &byte, 1)) < 0 && errno == EINTR)
		continue;
	return n == 1;
}

void session_link_discard(const int *fds, size_t n)
{
	int gate[2];
	pid_t pid;

	if (n > 0 && any_is_of_a_file_system(fds, n)) {
		close_in_our_table(fds, n);
		return;
	}
	if (n == 0 || n > CAME_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) != 0)
		return;		/* no room: then they stay open, but nobody is held up */
	if ((pid = split(0)) == 0) {
		/* one that hangs is nobody's child, so nobody waits for it */
		if (split(0) == 0)
			close_last(fds, n, gate[1]);
		_exit(0);
	}
	(void)close(gate[1]);	/* ours: else no end would be read */
	reap(pid);
	if (pid > 0 && has_taken(gate[0]))
		for (size_t i = 0; i < n; i++)
			(void)close(fds[i]);	/* not the last, so it waits for nobody */
	(void)close(gate[0]);	/* tells that we have */
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

void session_link_bytes_only(int sock)
{
#ifndef SO_PASSRIGHTS
	enum { SO_PASSRIGHTS = 83 };	/* Linux: newer than many a header */
#endif
	int no = 0;

	(void)setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
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
