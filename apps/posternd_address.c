/*
 * posternd_address.c - where a connection comes from and where it has arrived, as the
 * configuration and the log know addresses.
 *
 * Rules about a peer are rules about this text, so one peer must have one: IPv4 is written
 * as IPv4 by whatever socket it came.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "apps/posternd.h"

/* inetd and systemd may listen with one socket for both families; sshd does the same. */
static socklen_t without_mapping(struct sockaddr_storage *ss, socklen_t len)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6;

	memcpy(&in6, ss, sizeof(in6));
	if (ss->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return len;
	memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	in.sin_port = in6.sin6_port;
	memcpy(ss, &in, sizeof(in));
	return sizeof(in);
}

void posternd_address(int fd, int (*get)(int, struct sockaddr *, socklen_t *),
    char out[ACCOUNT_ADDRESS_MAX], uint32_t *port)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char host[NI_MAXHOST], service[NI_MAXSERV];

	/* what sshd says of a socket that is no TCP socket */
	(void)snprintf(out, ACCOUNT_ADDRESS_MAX, "UNKNOWN");
	*port = 65535;
	if (get(fd, (struct sockaddr *)&ss, &len) != 0 ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
		return;
	len = without_mapping(&ss, len);
	if (getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), service, sizeof(service),
	    NI_NUMERICHOST | NI_NUMERICSERV) != 0 || strlen(host) >= ACCOUNT_ADDRESS_MAX)
		return;
	memcpy(out, host, strlen(host) + 1);
	*port = (uint32_t)strtoul(service, NULL, 10);
}
