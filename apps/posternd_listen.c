/*
 * posternd_listen.c - sockets.  posternd accepts connections itself, because a
 * login's environment names both ends, and hands each to the library at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { BACKLOG = 128 };

static int bind_one(struct daemon *d, const struct addrinfo *ai)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
	int on = 1, keep = d->conf.tcp_keepalive, fd;

	(void)getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		/* a kernel without IPv6 still serves IPv4 */
		posternd_log(POSTERN_VERBOSE, NULL, "socket for %s: %s", host, strerror(errno));
		return -EAFNOSUPPORT;
	}
	/* accepted sockets inherit these; the first makes restarts possible, the last two
	 * are wishes: without them connections work */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (ai->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0))
		posternd_log(POSTERN_ERROR, NULL, "setsockopt: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keep, sizeof(keep));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		int saved = errno;

		posternd_log(POSTERN_ERROR, NULL, "Bind to port %s on %s failed: %s.", port, host,
		    strerror(saved));
		close(fd);
		return -saved;
	}
	if (posternd_loop_add(d, fd, SOURCE_LISTENER, (uint32_t)fd, 0) < 0) {
		close(fd);
		return -ENOMEM;
	}
	d->listeners[d->n_listeners++] = fd;
	posternd_log(POSTERN_INFO, NULL, "Server listening on %s port %s.", host, port);
	return 0;
}

static int open_host(struct daemon *d, const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list;
	int r = getaddrinfo(host, port, &hints, &list);

	if (r != 0) {
		posternd_log(POSTERN_ERROR, NULL, "ListenAddress %s: %s", host != NULL ? host : "*",
		    gai_strerror(r));
		return -1;
	}
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		if (d->n_listeners == POSTERND_LISTEN_MAX) {
			posternd_log(POSTERN_ERROR, NULL, "more than %d listening sockets",
			    POSTERND_LISTEN_MAX);
			break;
		}
		(void)bind_one(d, ai);	/* told; the count says whether any is open */
	}
	freeaddrinfo(list);
	return 0;
}

int posternd_listen_open(struct daemon *d)
{
	const struct conf *c = &d->conf;

	for (size_t p = 0; c->listen.n == 0 && p < c->ports.n; p++)
		if (open_host(d, NULL, c->ports.v[p]) < 0)
			return -1;
	for (size_t i = 0; i < c->listen.n; i++) {
		struct conf_listen l;

		if (conf_listen_split(c->listen.v[i], &l) < 0)
			return -1;
		if (l.port[0] != '\0') {
			if (open_host(d, l.host, l.port) < 0)
				return -1;
			continue;
		}
		for (size_t p = 0; p < c->ports.n; p++)
			if (open_host(d, l.host, c->ports.v[p]) < 0)
				return -1;
	}
	if (d->n_listeners == 0) {
		posternd_log(POSTERN_ERROR, NULL, "Cannot bind any address.");
		return -1;
	}
	return 0;
}

void posternd_listen_close(struct daemon *d)
{
	while (d->n_listeners > 0)
		close(d->listeners[--d->n_listeners]);
}

void posternd_listen_accept(struct daemon *d, int listener)
{
	for (int i = 0; i < POSTERND_ACCEPTS_PER_TURN; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			(void)posternd_conn_open(d, fd, fd);	/* told */
			if (d->options->debug > 0) {
				posternd_listen_close(d);	/* -d serves one connection */
				d->draining = true;
				return;
			}
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			posternd_log(POSTERN_ERROR, NULL, "accept: %s", strerror(errno));
			d->paused = true;	/* the loop waits before it tries again */
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

struct conn *posternd_conn_open(struct daemon *d, int in, int out)
{
	struct conn *c;
	char address[ACCOUNT_ADDRESS_MAX], local[ACCOUNT_ADDRESS_MAX];
	uint32_t port, local_port;
	int r;

	posternd_address(in, getpeername, address, &port);
	posternd_address(in, getsockname, local, &local_port);
	if ((c = posternd_conn_new(d, in, out)) == NULL) {
		posternd_log(POSTERN_ERROR, NULL, "drop connection from %s port %u: no room",
		    address, port);
		return NULL;
	}
	memcpy(c->address, address, sizeof(address));
	memcpy(c->local, local, sizeof(local));
	c->port = port;
	c->local_port = local_port;
	r = postern_transport_start_server_async(c->transport, d->server, NULL);
	c->id = postern_transport_id(c->transport);	/* final only now */
	posternd_log(POSTERN_VERBOSE, c, "Connection from %s port %u on %s port %u", address, port,
	    local, local_port);
	if (r < 0) {
		posternd_log(POSTERN_INFO, c, "drop connection from %s port %u: %s", address, port,
		    postern_strerror(r));
		posternd_conn_free(c);
		return NULL;
	}
	return c;
}
