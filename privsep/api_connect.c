/*
 * api_connect.c - a transport from a name: resolved here, connected here, and handed
 * over as a descriptor like any other.
 *
 * The worker can neither resolve nor connect.  What the resolver gave is what is
 * connected to: a name that is looked up twice can mean two machines.  Nothing is
 * read from or written to the peer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api.h"

enum { SSH_PORT = 22, HOST_MAX = 1024, PORT_MOST = 65535 };

struct place {
	char host[HOST_MAX + 1];
	unsigned port;
};

/* Is it an address that only IPv6 has, perhaps with a zone ("fe80::1%eth0")? */
static bool
is_v6(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	size_t n = 0;

	while (n < s.n && s.p[n] != '%')
		n++;
	if (n >= sizeof(text) || n + 1 == s.n)	/* a zone without a name */
		return false;
	memcpy(text, s.p, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

/* Digits and nothing else: strtoul would take blanks and signs. */
static bool
read_port(struct span s, unsigned *port)
{
	unsigned v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
		if (v > PORT_MOST)
			return false;
	}
	*port = v;
	return v > 0;
}

static struct span
up_to(struct rd *r, char end)
{
	size_t n = 0;

	while (n < r->n && r->p[n] != (uint8_t)end)
		n++;
	return rd_take(r, n);
}

/* "[v6]:port", "[v6]" */
static bool
read_bracketed(struct rd r, struct span *host, unsigned *port)
{
	(void)rd_u8(&r);
	*host = up_to(&r, ']');
	if (rd_u8(&r) != ']' || !is_v6(*host))
		return false;
	if (rd_done(&r))
		return true;
	return rd_u8(&r) == ':' && read_port(rd_rest(&r), port);
}

/* "name", "name:port" */
static bool
read_named(struct rd r, struct span *host, unsigned *port)
{
	*host = up_to(&r, ':');
	/* half of a bracketed address is no name */
	if (host->n == 0 || memchr(host->p, ']', host->n) != NULL)
		return false;
	return rd_done(&r) || (rd_u8(&r) == ':' && read_port(rd_rest(&r), port));
}

/* One colon ends a name; several are an address of IPv6 and hold no port: what is
 * behind the last could be either. */
static int
read_place(const char *text, struct place *out)
{
	struct span all = span_str(text), host = all;
	unsigned port = SSH_PORT;
	bool is_good = true;

	if (text[0] == '[')
		is_good = read_bracketed(rd_of(all), &host, &port);
	else if (!is_v6(all))
		is_good = read_named(rd_of(all), &host, &port);
	if (!is_good || host.n > HOST_MAX)
		return -EINVAL;
	memcpy(out->host, host.p, host.n);
	out->host[host.n] = '\0';
	out->port = port;
	return 0;
}

static int
error_of_resolver(int code)
{
	switch (code) {
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno != 0 ? -errno : -EIO;
	case EAI_FAIL:
		return -EIO;
	default:
		return -ENOENT;
	}
}

/* The outcome of a connect that is under way. */
static int
finish_connect(int fd, struct api_deadline d)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0, r;
	socklen_t n = sizeof(error);

	do
		r = poll(&p, 1, api_deadline_left(d));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return POSTERN_ETIMEOUT;
	if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		return -errno;
	return -error;
}

/* A connected descriptor, or an error. */
static int
connect_to(const struct addrinfo *ai, struct api_deadline d)
{
	int r = 0, fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    ai->ai_protocol);

	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0)
		/* after a signal it goes on as well */
		r = errno == EINPROGRESS || errno == EINTR ? finish_connect(fd, d) : -errno;
	if (r == 0)
		return fd;
	(void)close(fd);	/* nothing was written to it */
	return r;
}

static int
connect_any(const struct place *where, struct api_deadline d)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV }, *list = NULL;
	char port[8];
	int r;

	(void)snprintf(port, sizeof(port), "%u", where->port);	/* at most 65535 */
	errno = 0;
	r = getaddrinfo(where->host, port, &hints, &list);
	if (r != 0)
		return error_of_resolver(r);
	r = -ENOENT;
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		r = connect_to(ai, d);
		if (r >= 0 || r == POSTERN_ETIMEOUT)
			break;
	}
	freeaddrinfo(list);
	return r;
}

static int
make(postern_transport **out, postern_context *ctx, const struct place *where,
    struct api_deadline d)
{
	int fd, r = api_context_enter(ctx);

	if (r == 0)
		r = ctx->dead;
	if (r < 0)
		return r;
	fd = connect_any(where, d);
	return fd < 0 ? fd : postern_transport_new(out, ctx, fd);
}

int
postern_transport_new_host(postern_transport **out, postern_context *ctx,
    const char *host_port, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct place where;
	int r = read_place(host_port, &where);

	return r < 0 ? r : make(out, ctx, &where, d);
}

int
postern_transport_new_address(postern_transport **out, postern_context *ctx, const char *host,
    unsigned port, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct place where = { .port = port != 0 ? port : SSH_PORT };
	size_t n = strlen(host);

	if (n == 0 || n > HOST_MAX || port > PORT_MOST)
		return -EINVAL;
	memcpy(where.host, host, n + 1);
	return make(out, ctx, &where, d);
}
