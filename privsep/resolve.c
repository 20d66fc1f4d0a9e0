/*
 * resolve.c - main of postern-resolve: looks up one name, and is gone.
 *
 * The system's resolver waits for the network, reads what strangers answer, and loads
 * whatever nsswitch.conf names: none of that belongs into a program that serves others
 * meanwhile, nor next to its secrets.  It is started by exec with one link and nothing
 * else of its starter's, and as root becomes nobody before it asks anybody.  It is told
 * a name and says addresses; it connects nothing.
 */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "privsep/spawn.h"

enum {
	NOBODY = 65534,			/* not a worker's id: those must not be signalled */
	RESOLVE_SECONDS = 30,
	ADDRESSES_MAX = 32,		/* of the list of ADDRESSES                       */
	LIST_MAX = 1024
};

struct resolve { int link; uint8_t inbox[IPC_MAX_RESOLVE]; };

static int
confine(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0))
		return -errno;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno;
}

static uint32_t
error_of_resolver(int code)
{
	switch (code) {
	case EAI_AGAIN:
		return EAGAIN;
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_SYSTEM:
		return errno != 0 ? (uint32_t)errno : EIO;
	case EAI_FAIL:
		return EIO;
	default:
		return ENOENT;
	}
}

static bool
put_address(struct wr *w, const struct addrinfo *ai)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (ai->ai_family == AF_INET && ai->ai_addrlen == sizeof(in)) {
		memcpy(&in, ai->ai_addr, sizeof(in));
		wr_u8(w, 4);
		wr_raw(w, span_of(&in.sin_addr, sizeof(in.sin_addr)));
		return true;
	}
	if (ai->ai_family == AF_INET6 && ai->ai_addrlen == sizeof(in6)) {
		memcpy(&in6, ai->ai_addr, sizeof(in6));
		wr_u8(w, 6);
		wr_raw(w, span_of(&in6.sin6_addr, sizeof(in6.sin6_addr)));
		wr_u32(w, in6.sin6_scope_id);
		return true;
	}
	return false;
}

static int
on_RESOLVE(struct resolve *r, const struct ipc_RESOLVE *m)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM },
	    *list = NULL;
	uint8_t schema[IPC_SCHEMA_LEN], out[LIST_MAX];
	char host[IPC_MAX_RESOLVE];
	struct wr w = wr_of(out, sizeof(out));
	int n = 0, code;

	ipc_schema(schema);
	if (!span_eq(m->schema, span_of(schema, sizeof(schema))) || confine() != 0)
		return IPC_BROKEN;
	memcpy(host, m->host.p, m->host.n);
	host[m->host.n] = '\0';
	(void)alarm(RESOLVE_SECONDS);
	errno = 0;
	code = getaddrinfo(host, NULL, &hints, &list);
	if (code != 0)
		return ipc_send_ADDRESSES(r->link, &(struct ipc_ADDRESSES){
		    .error = error_of_resolver(code), .list = span_str("") });
	for (const struct addrinfo *ai = list; ai != NULL && n < ADDRESSES_MAX; ai = ai->ai_next)
		n += put_address(&w, ai);
	/* the process ends, and the list with it */
	return ipc_send_ADDRESSES(r->link, &(struct ipc_ADDRESSES){
	    .error = n > 0 ? 0 : ENOENT, .list = wr_span(&w) });
}

static int
dispatch(struct resolve *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_A2R
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

/* The one message.  0: answered. */
static int
serve(struct resolve *r)
{
	struct pollfd link = { .fd = r->link, .events = POLLIN };
	struct ipc_once once = { { 0 } };
	int fds[IPC_FDS_MAX];
	ssize_t n;

	do {
		(void)poll(&link, 1, -1);	/* the next call tells */
		n = ipc_recv_plain(r->link, r->inbox, sizeof(r->inbox));
	} while (n == -EAGAIN);
	if (n <= 0 || ipc_admit(IPC_A2R, P_HELLO, K_NONE, &once, r->inbox, (size_t)n, 0, NULL) == NULL)
		return IPC_BROKEN;
	return dispatch(r, r->inbox[0], rd_of(span_of(r->inbox + 1, (size_t)n - 1)), fds);
}

int
main(void)
{
	static struct resolve resolve = { .link = SPAWN_LINK_FD };

	return serve(&resolve) == 0 ? 0 : 1;
}
