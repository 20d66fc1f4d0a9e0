/*
 * api_resolve.c - names into addresses, by a process that does nothing else.
 *
 * getaddrinfo(3) can take half a minute and runs the code of others, so it never runs in
 * the host program: postern-resolve is asked, one for each name.  What it says is as
 * foreign as what a peer says: bounded, checked, and turned into addresses of two
 * families with the port that was asked for, written as what the kernel makes of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include "privsep/api_dial.h"
#include "privsep/spawn.h"

static void
put_v4(struct api_address *a, struct in_addr to, unsigned port)
{
	a->of.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = to,
		.sin_port = htons((uint16_t)port) };
	/* connect(2) takes "nowhere" for this machine, and so would a policy have to */
	if (to.s_addr == htonl(INADDR_ANY))
		a->of.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a->len = sizeof(a->of.in);
}

/* An IPv4 address in IPv6's clothes is one of IPv4 to the kernel: a policy that looks at
 * families must not be talked past with it. */
static void
put_v6(struct api_address *a, struct in6_addr to, uint32_t zone, unsigned port)
{
	struct in_addr v4;

	if (IN6_IS_ADDR_V4MAPPED(&to)) {
		memcpy(&v4, &to.s6_addr[sizeof(to) - sizeof(v4)], sizeof(v4));
		put_v4(a, v4, port);
		return;
	}
	a->of.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = to,
		.sin6_scope_id = zone, .sin6_port = htons((uint16_t)port) };
	if (IN6_IS_ADDR_UNSPECIFIED(&to))
		a->of.in6.sin6_addr = in6addr_loopback;
	a->len = sizeof(a->of.in6);
}

int
api_resolve_path(const char *path, struct api_addresses *out)
{
	struct sockaddr_un *un = &out->list[0].of.un;

	if (strlen(path) >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(un->sun_path, path, strlen(path));
	out->list[0].len = sizeof(*un);
	out->n = 1;
	return 0;
}

int
api_resolve_numeric(const char *host, unsigned port, struct api_addresses *out)
{
	/* with these flags no file is read and nobody is asked */
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST }, *list = NULL;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	out->n = 0;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return -ENOENT;
	if (list->ai_family == AF_INET && list->ai_addrlen == sizeof(in)) {
		memcpy(&in, list->ai_addr, sizeof(in));
		put_v4(&out->list[out->n++], in.sin_addr, port);
	} else if (list->ai_family == AF_INET6 && list->ai_addrlen == sizeof(in6)) {
		memcpy(&in6, list->ai_addr, sizeof(in6));
		put_v6(&out->list[out->n++], in6.sin6_addr, in6.sin6_scope_id, port);
	}
	freeaddrinfo(list);
	return out->n > 0 ? 0 : -ENOENT;
}

int
api_resolve_start(struct api_resolver *r, const char *dir, const char *host)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct ipc_RESOLVE m = { .schema = span_of(schema, sizeof(schema)),
		.host = span_str(host) };
	int pair[2], e = ipc_pair(pair);
	pid_t pid;

	if (e < 0)
		return e;
	e = spawn_helper(dir, "postern-resolve", pair[1], &pid, &r->pidfd);
	(void)close(pair[1]);		/* its own copy must be the last */
	if (e < 0) {
		(void)close(pair[0]);	/* nobody is there */
		r->pidfd = -1;
		return e;
	}
	r->link = pair[0];
	ipc_schema(schema);
	e = ipc_send_RESOLVE(r->link, &m);
	if (e < 0)
		api_resolve_end(r, true);
	return e;
}

static bool
take_list(struct span list, unsigned port, struct api_addresses *out)
{
	struct rd r = rd_of(list);

	while (r.n > 0 && !r.bad && out->n < API_ADDRESSES_MAX) {
		struct api_address *a = &out->list[out->n++];
		struct in_addr v4 = { 0 };
		struct in6_addr v6 = IN6ADDR_ANY_INIT;
		uint8_t family = rd_u8(&r);
		struct span s = rd_take(&r, family == 4 ? sizeof(v4) : sizeof(v6));

		if (r.bad || (family != 4 && family != 6))
			return false;
		if (family == 4) {
			memcpy(&v4, s.p, sizeof(v4));
			put_v4(a, v4, port);
		} else {
			memcpy(&v6, s.p, sizeof(v6));
			put_v6(a, v6, rd_u32(&r), port);
		}
	}
	/* those behind the last that is tried are not looked at */
	return !r.bad && out->n > 0;
}

int
api_resolve_answer(struct api_resolver *r, unsigned port, struct api_addresses *out)
{
	uint8_t buf[IPC_MAX_ADDRESSES];
	struct ipc_once once = { { 0 } };
	struct ipc_ADDRESSES m;
	struct rd rd;
	ssize_t n = ipc_recv_plain(r->link, buf, sizeof(buf));

	out->n = 0;
	if (n == -EAGAIN)
		return 1;
	/* it died, of its time limit or of what it was fed */
	if (n <= 0 || ipc_admit(IPC_R2A, P_SERVE, K_NONE, &once, buf, (size_t)n, 0, NULL) == NULL)
		return -EHOSTUNREACH;
	rd = rd_of(span_of(buf + 1, (size_t)n - 1));
	if (!ipc_get_ADDRESSES(&rd, NULL, &m))
		return -EHOSTUNREACH;
	if (m.error != 0)
		return m.error <= API_ERRNO_MAX ? -(int)m.error : -EHOSTUNREACH;
	return take_list(m.list, port, out) ? 0 : -EHOSTUNREACH;
}

void
api_resolve_end(struct api_resolver *r, bool is_ours)
{
	ipc_close_fds(&r->link, 1);
	if (r->pidfd < 0)
		return;
	if (is_ours)
		(void)spawn_end(r->pidfd);	/* it has ended or does now; how says nothing */
	else
		(void)close(r->pidfd);		/* the parent's child, after a fork */
	r->pidfd = -1;
}
