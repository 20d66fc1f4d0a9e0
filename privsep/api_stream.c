/*
 * api_stream.c - whole buffers and lines on a descriptor, with a time limit.
 *
 * These touch no handle: they know a descriptor and a clock, and trust nothing that
 * comes from it.  The descriptor may be shared with other threads and processes, so
 * its flags are never changed: a socket is asked not to wait call by call, anything
 * else is polled first and then given no more than it takes without waiting.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "privsep/api.h"

static bool
is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* What a failed system call means to the caller. */
static int
code_of(int error)
{
	if (error == EPIPE)
		return POSTERN_ECLOSED;
	return error == ECONNRESET ? POSTERN_ECUT : -error;
}

static int
wait_for(int fd, short events, struct api_deadline d)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	if (fd < 0)
		return -EBADF;	/* poll passes over it */
	do {
		n = poll(&p, 1, api_deadline_left(d));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((p.revents & POLLNVAL) != 0)
		return -EBADF;
	return n == 0 ? POSTERN_ETIMEOUT : 0;
}

/*
 * A write to a pipe that nobody reads raises SIGPIPE, which is the host's, and there
 * is no flag against it as for a socket.  So it is blocked in this thread for the one
 * call, and taken back if the call has raised it: the signal of a write goes to the
 * thread that wrote.
 */
static ssize_t
write_without_signal(int fd, struct span s)
{
	const struct timespec now = { 0, 0 };
	sigset_t ours, pending, before;
	ssize_t n;
	int error;

	/* none of these fails for a valid signal */
	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGPIPE);
	(void)sigemptyset(&pending);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &ours, &before);
	n = write(fd, s.p, s.n);
	error = errno;
	if (n < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
		while (sigtimedwait(&ours, NULL, &now) < 0 && errno == EINTR)
			;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return n;
}

/* One piece: bytes moved, or a code. */
static ssize_t
send_some(int fd, bool socket, struct span s, struct api_deadline d)
{
	for (;;) {
		ssize_t n;
		int r;

		/* a pipe that can be written has room for so much at once */
		if (!socket && s.n > PIPE_BUF)
			s.n = PIPE_BUF;
		r = socket ? 0 : wait_for(fd, POLLOUT, d);
		if (r < 0)
			return r;
		n = socket ? send(fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL) :
		    write_without_signal(fd, s);
		if (n >= 0)
			return n;
		if (errno != EAGAIN && errno != EINTR)
			return code_of(errno);
		if (errno == EAGAIN && (r = wait_for(fd, POLLOUT, d)) < 0)
			return r;
	}
}

/* The same for reading; 0 is the end.  flags only matter to a socket. */
static ssize_t
recv_some(int fd, bool socket, void *to, size_t n, int flags, struct api_deadline d)
{
	for (;;) {
		ssize_t got;
		int r = socket ? 0 : wait_for(fd, POLLIN, d);

		if (r < 0)
			return r;
		got = socket ? recv(fd, to, n, MSG_DONTWAIT | flags) : read(fd, to, n);
		if (got >= 0)
			return got;
		if (errno != EAGAIN && errno != EINTR)
			return code_of(errno);
		if (errno == EAGAIN && (r = wait_for(fd, POLLIN, d)) < 0)
			return r;
	}
}

static int
finish(size_t *done, size_t n, int r)
{
	if (done != NULL)
		*done = n;
	return r;
}

int
postern_send_all(int fd, const void *data, size_t len, size_t *done, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct rd r = rd_of(span_of(data, len));
	bool socket = is_socket(fd);

	while (r.n > 0) {
		ssize_t n = send_some(fd, socket, span_of(r.p, r.n), d);

		if (n < 0)
			return finish(done, len - r.n, (int)n);
		(void)rd_take(&r, (size_t)n);	/* not more than there is */
	}
	return finish(done, len, 0);
}

int
postern_recv_exactly(int fd, void *data, size_t len, size_t *done, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct wr w = wr_of(data, len);
	bool socket = is_socket(fd);

	while (w.n < len) {
		ssize_t n = recv_some(fd, socket, w.p + w.n, len - w.n, 0, d);

		if (n <= 0)
			return finish(done, w.n, n < 0 ? (int)n : POSTERN_ECLOSED);
		(void)wr_room(&w, (size_t)n);	/* not more than was asked for */
	}
	return finish(done, len, 0);
}

/*
 * Some bytes of the line, none beyond its newline: a socket shows what is there before
 * it is taken.  Anything else is read byte by byte, because what has been read there
 * cannot be given back.
 */
static ssize_t
recv_of_line(int fd, bool socket, uint8_t *to, size_t room, struct api_deadline d)
{
	const uint8_t *newline;
	ssize_t n;

	if (!socket)
		return recv_some(fd, socket, to, 1, 0, d);
	n = recv_some(fd, socket, to, room, MSG_PEEK, d);
	if (n <= 0)
		return n;
	newline = memchr(to, '\n', (size_t)n);
	if (newline != NULL)
		n = newline - to + 1;
	return recv_some(fd, socket, to, (size_t)n, 0, d);
}

int
postern_read_line(int fd, char *out, size_t size, size_t *done, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	bool socket = is_socket(fd);
	struct wr w = wr_of(out, size > INT_MAX ? INT_MAX : size);
	ssize_t n;

	if (size == 0)
		return finish(done, 0, -EINVAL);
	/* the newline goes where the NUL will be; without one there is no room for it */
	while (w.n < w.cap) {
		n = recv_of_line(fd, socket, w.p + w.n, w.cap - w.n, d);
		if (n <= 0) {
			out[w.n] = '\0';
			return finish(done, w.n, n < 0 ? (int)n : POSTERN_ECLOSED);
		}
		(void)wr_room(&w, (size_t)n);	/* not more than was asked for */
		if (out[w.n - 1] != '\n')
			continue;
		w.n--;
		if (w.n > 0 && out[w.n - 1] == '\r')
			w.n--;
		out[w.n] = '\0';
		return finish(done, w.n, (int)w.n);
	}
	return finish(done, w.n, -ERANGE);
}
