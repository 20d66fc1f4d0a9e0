/*
 * client_net.c - resolves a name and connects, every address in turn.
 *
 * Runs with the user's rights in the trusted program; the sandboxed worker only
 * ever sees the connected socket.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_net.h"

static int
family_of(const char *s)
{
	if (strcasecmp(s, "inet") == 0)
		return AF_INET;
	if (strcasecmp(s, "inet6") == 0)
		return AF_INET6;
	return AF_UNSPEC;
}

/* BindInterface: the first address that it has in this family. */
static int
bind_to_interface(int fd, const char *name, int family)
{
	struct ifaddrs *all, *i;
	int r = -EADDRNOTAVAIL;

	if (getifaddrs(&all) != 0)
		return -errno;
	for (i = all; r == -EADDRNOTAVAIL && i != NULL; i = i->ifa_next) {
		socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == family &&
		    strcmp(i->ifa_name, name) == 0)
			r = bind(fd, i->ifa_addr, len) == 0 ? 0 : -errno;
	}
	freeifaddrs(all);
	return r;
}

/* BindAddress: a name or an address of ours. */
static int
bind_to_address(int fd, const char *address, int family)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE }, *ai;
	int r;

	if (getaddrinfo(address, NULL, &hints, &ai) != 0)
		return -EADDRNOTAVAIL;
	r = bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 ? 0 : -errno;
	freeaddrinfo(ai);
	return r;
}

static int
bind_from(const struct client_conf *c, int fd, int family)
{
	int r = 0;

	if (c->bind_address != NULL) {
		if ((r = bind_to_address(fd, c->bind_address, family)) != 0)
			client_log_error("bind to %s: %s", c->bind_address, strerror(-r));
	} else if (c->bind_interface != NULL) {
		if ((r = bind_to_interface(fd, c->bind_interface, family)) != 0)
			client_log_error("bind to interface %s: %s", c->bind_interface, strerror(-r));
	}
	return r;
}

/* connect(2) within timeout_ms (0: the system's own); 0 or -errno. */
static int
connect_within(int fd, const struct sockaddr *sa, socklen_t len, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0, r;
	socklen_t n = sizeof(error);

	if (connect(fd, sa, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	do
		r = poll(&p, 1, timeout_ms > 0 ? timeout_ms : -1);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		return -errno;
	return -error;
}

static int
try_address(const struct client_conf *c, const struct addrinfo *ai)
{
	int one = 1, r, fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if ((r = bind_from(c, fd, ai->ai_family)) != 0 ||
	    (r = connect_within(fd, ai->ai_addr, ai->ai_addrlen, c->connect_timeout * 1000)) != 0) {
		(void)close(fd);	/* never connected */
		return r;
	}
	/* Failing either only costs speed or a late notice. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->tcp_keepalive)
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	return fd;
}

int
client_net_connect(const struct client_conf *c)
{
	struct addrinfo hints = { .ai_family = family_of(c->family), .ai_socktype = SOCK_STREAM },
	    *list, *ai;
	char port[16], address[NI_MAXHOST];
	int fd = -1, r;

	(void)snprintf(port, sizeof(port), "%d", c->port);
	if ((r = getaddrinfo(c->hostname, port, &hints, &list)) != 0) {
		client_log_error("could not resolve hostname %s: %s", c->hostname,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -1;
	}
	for (int attempt = 0; fd < 0 && attempt < (c->attempts > 0 ? c->attempts : 1); attempt++) {
		if (attempt > 0)
			(void)sleep(1);
		for (ai = list; fd < 0 && ai != NULL; ai = ai->ai_next) {
			if (getnameinfo(ai->ai_addr, ai->ai_addrlen, address, sizeof(address), NULL, 0,
			    NI_NUMERICHOST) != 0)
				(void)snprintf(address, sizeof(address), "?");
			client_log_verbose("connecting to %s [%s] port %s", c->hostname, address, port);
			if ((fd = try_address(c, ai)) < 0)
				client_log_error("connect to host %s [%s] port %s: %s", c->hostname, address,
				    port, strerror(-fd));
		}
	}
	freeaddrinfo(list);
	return fd < 0 ? -1 : fd;
}
