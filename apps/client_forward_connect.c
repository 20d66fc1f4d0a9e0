/*
 * client_forward_connect.c - connecting to where a forward leads, without waiting.
 *
 * A name is resolved in a short-lived child, as getaddrinfo(3) may take half a minute
 * and threads are not to be had here.  The child keeps one pipe of all our descriptors,
 * has a time limit of the kernel's, and what it writes is read as a bounded list of
 * addresses.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/client_forward_connect.h"

enum { ADDRESSES_MAX = 16, RESOLVE_SECONDS = 30, CONNECT_WAIT_MS = 30 * 1000 };

struct address { socklen_t len; struct sockaddr_storage sa; };
/* What the child writes: all of it fits into one atomic write to a pipe. */
struct answer { size_t n; struct address list[ADDRESSES_MAX]; };
_Static_assert(sizeof(struct answer) <= 4096, "PIPE_BUF");

struct client_forward_connect {
	struct client_part part;
	struct client_watch *watch;
	int fd;				/* the pipe of the child, or the socket    */
	pid_t child;
	struct answer answer;
	size_t next;			/* of the list                             */
	int error;
	void (*done)(void *user, int fd);
	void *user;
};

static void
end(struct client_part *part)
{
	struct client_forward_connect *c = (struct client_forward_connect *)part;

	client_loop_leave(part);
	client_watch_end(c->watch);
	if (c->fd >= 0)
		(void)close(c->fd);	/* nothing was written to it */
	if (c->child > 0) {
		/* it has no state of its own, and its death is certain */
		(void)kill(c->child, SIGKILL);
		(void)waitpid(c->child, NULL, 0);
	}
	free(c);
}

void
client_forward_connect_end(struct client_forward_connect *c)
{
	if (c != NULL)
		end(&c->part);
}

static void
finish(struct client_forward_connect *c, int fd)
{
	void (*done)(void *, int) = c->done;
	void *user = c->user;

	c->fd = -1;
	end(&c->part);
	done(user, fd);
}

int
client_forward_connect_path(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, r;

	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	r = -errno;
	(void)close(fd);	/* never connected */
	return r;
}

static void try_next(struct client_forward_connect *);

static void
connected(void *user, short revents)
{
	struct client_forward_connect *c = user;
	int one = 1, error = 0;
	socklen_t n = sizeof(error);

	if (revents == 0)
		error = ETIMEDOUT;
	else if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error == 0) {
		/* costs speed only */
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		finish(c, c->fd);
		return;
	}
	c->error = -error;
	try_next(c);
}

/* Begins with the next address; the end of the list is the end. */
static void
try_next(struct client_forward_connect *c)
{
	const struct address *a;

	client_watch_end(c->watch);
	c->watch = NULL;
	while (c->next < c->answer.n) {
		a = &c->answer.list[c->next++];
		if (c->fd >= 0)
			(void)close(c->fd);	/* not connected */
		c->fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (c->fd < 0 || (connect(c->fd, (const struct sockaddr *)&a->sa, a->len) != 0 &&
		    errno != EINPROGRESS)) {
			c->error = -errno;
			continue;
		}
		c->watch = client_loop_watch(c->part.loop, c->fd, POLLOUT, connected, c);
		client_watch_deadline(c->watch, CONNECT_WAIT_MS);
		return;
	}
	if (c->fd >= 0)
		(void)close(c->fd);	/* not connected */
	finish(c, c->error);
}

/* ---- names ---- */

static int
look_up(const char *host, uint32_t port, int flags, struct answer *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV },
	    *list, *ai;
	char service[16];

	out->n = 0;
	(void)snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return -1;
	for (ai = list; ai != NULL && out->n < ADDRESSES_MAX; ai = ai->ai_next) {
		struct address *a = &out->list[out->n];

		if ((ai->ai_family != AF_INET && ai->ai_family != AF_INET6) ||
		    ai->ai_addrlen > sizeof(a->sa))
			continue;
		memcpy(&a->sa, ai->ai_addr, ai->ai_addrlen);
		a->len = ai->ai_addrlen;
		out->n++;
	}
	freeaddrinfo(list);
	return 0;
}

static void __attribute__((noreturn))
be_resolver(int out, const struct client_end *to)
{
	struct answer a = { .n = 0 };

	/* a copy of a channel's descriptor here would keep it open */
	if (dup2(out, STDIN_FILENO) < 0 || close_range(STDOUT_FILENO, ~0U, 0) != 0)
		_exit(1);
	(void)alarm(RESOLVE_SECONDS);
	(void)look_up(to->host, to->port, AI_ADDRCONFIG, &a);	/* none: said by a.n */
	_exit(write(STDIN_FILENO, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

static void
resolved(void *user, short revents)
{
	struct client_forward_connect *c = user;
	ssize_t n = read(c->fd, &c->answer, sizeof(c->answer));

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(c->answer) || c->answer.n > ADDRESSES_MAX)
		c->answer.n = 0;
	(void)close(c->fd);	/* read from only */
	c->fd = -1;
	/* it has written or died; either way it ends now */
	(void)kill(c->child, SIGKILL);
	(void)waitpid(c->child, NULL, 0);
	c->child = 0;
	c->error = -EHOSTUNREACH;
	try_next(c);
}

static int
start_resolver(struct client_forward_connect *c, const struct client_end *to)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) != 0)
		return -errno;
	c->child = fork();
	if (c->child == 0)
		be_resolver(p[1], to);
	(void)close(p[1]);	/* the child's */
	c->fd = p[0];
	if (c->child < 0)
		return -errno;
	c->watch = client_loop_watch(c->part.loop, p[0], POLLIN, resolved, c);
	return 0;
}

/* What needs no child is still answered from the loop, never inside the caller. */
static void
begin(void *user, short revents)
{
	struct client_forward_connect *c = user;

	(void)revents;
	if (c->fd >= 0)
		finish(c, c->fd);
	else
		try_next(c);
}

struct client_forward_connect *
client_forward_connect_start(struct client_loop *l, const struct client_end *to,
    void (*done)(void *user, int fd), void *user)
{
	struct client_forward_connect *c = calloc(1, sizeof(*c));

	if (c == NULL)
		err(255, "calloc");
	client_loop_join(l, &c->part, end);
	c->fd = -1;
	c->done = done;
	c->user = user;
	if (to->is_path) {
		if ((c->fd = client_forward_connect_path(to->host)) < 0) {
			c->error = c->fd;
			c->fd = -1;
		}
	} else if (look_up(to->host, to->port, AI_NUMERICHOST, &c->answer) != 0 &&
	    (c->error = start_resolver(c, to)) == 0) {
		return c;
	}
	c->watch = client_loop_watch(l, -1, 0, begin, c);
	client_watch_deadline(c->watch, 0);
	return c;
}
