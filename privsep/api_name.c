/*
 * api_name.c - the names of a descriptor's two ends, for logs, limits and people.
 *
 * They come from the kernel, never from the peer.  A v4 address in v6 clothes is shown
 * as v4, so that one client has one name.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "privsep/api.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage room;
};

/* "[::1]:1234", "127.0.0.1:1234", "local"; "": it has none. */
static void
name(const union address *a, char out[API_PEER_MAX])
{
	char host[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (a->sa.sa_family == AF_INET) {
		if (inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host)) != NULL)
			(void)snprintf(out, API_PEER_MAX, "%s:%u", host, ntohs(a->in.sin_port));
	} else if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
		if (inet_ntop(AF_INET, &a->in6.sin6_addr.s6_addr[12], host, sizeof(host)) != NULL)
			(void)snprintf(out, API_PEER_MAX, "%s:%u", host, ntohs(a->in6.sin6_port));
	} else if (a->sa.sa_family == AF_INET6) {
		if (inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host)) != NULL)
			(void)snprintf(out, API_PEER_MAX, "[%s]:%u", host, ntohs(a->in6.sin6_port));
	} else if (a->sa.sa_family == AF_UNIX) {
		(void)snprintf(out, API_PEER_MAX, "local");
	}
}

void
api_name_ends(int fd, char peer[API_PEER_MAX], char sock[API_PEER_MAX])
{
	union address a;
	socklen_t len = sizeof(a);

	peer[0] = sock[0] = '\0';
	if (getpeername(fd, &a.sa, &len) == 0)
		name(&a, peer);
	len = sizeof(a);
	if (getsockname(fd, &a.sa, &len) == 0)
		name(&a, sock);
}
