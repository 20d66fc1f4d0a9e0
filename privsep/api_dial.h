/*
 * api_dial.h - connecting to a name or a path without waiting: resolved once, each
 * address put to whoever decides, and exactly that address connected to.
 */
#ifndef PRIVSEP_API_DIAL_H
#define PRIVSEP_API_DIAL_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "privsep/api.h"

enum {
	API_ADDRESSES_MAX = 16,		/* of one name that are tried                      */
	API_ERRNO_MAX = 4095,		/* numbers of errors end there                     */
	API_RESOLVERS_MAX = 32,		/* processes of a context; more names wait         */
	API_RESOLVERS_PEERS = 24,	/* of those, for all peers; the others are for the
					 * application's own names                         */
	API_RESOLVERS_EACH = 4,		/* of those, for one peer                          */
	API_RESOLVE_MS = 31 * 1000,	/* the resolver itself ends after 30 s; also the
					 * time to wait for one                            */
	API_ADDRESS_MS = 30 * 1000,	/* for one address                                 */
};

struct api_address {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} of;
};
struct api_addresses { size_t n; struct api_address list[API_ADDRESSES_MAX]; };

/* ---- api_resolve.c ---- */
struct api_resolver { int link, pidfd; };	/* -1: none */
/* What needs no resolver.  0, or -ENOENT: it is a name; -ENAMETOOLONG. */
int api_resolve_numeric(const char *host, unsigned port, struct api_addresses *);
int api_resolve_path(const char *path, struct api_addresses *);
int api_resolve_start(struct api_resolver *, const char *dir, const char *host);
/* 0; 1: not yet; -errno. */
int api_resolve_answer(struct api_resolver *, unsigned port, struct api_addresses *);
void api_resolve_end(struct api_resolver *, bool is_ours);

/* ---- api_dial.c ---- */
enum api_dial_state { API_DIAL_BEGINS = 1, API_DIAL_WAITS, API_DIAL_RESOLVES, API_DIAL_CONNECTS };
struct api_dial {
	TAILQ_ENTRY(api_dial) next;
	uint64_t id;
	uint64_t asker;			/* the call or question it is for; ends with it */
	uint64_t conn;			/* whose peer asked; 0: nobody's                */
	postern_context *ctx;
	enum api_dial_state state;
	char *host;			/* or a path */
	unsigned port;
	bool is_path;
	struct api_resolver resolver;
	struct api_addresses to;
	size_t tried;			/* of these */
	int fd, timer;			/* -1: none */
	struct api_deadline turn;	/* while it waits for a resolver */
	int error;			/* of the last that was tried */
	/* May this be connected to?  NULL: yes.  It may call the application, which may end
	 * the dial. */
	bool (*may)(struct api_dial *, const struct api_address *);
	/* The last call, when the dial is in no list any more: a connected descriptor, the
	 * callee's; or -errno.  -EACCES: may said no to the last. */
	void (*done)(struct api_dial *, int result);
	postern_may_connect *may_connect;	/* the application's */
	void *user;
};
/* Copies host.  What is in it goes on in later turns, never inside. */
int api_dial_start(postern_context *, const struct api_dial *, const char *host);
/* NULL: it is over. */
struct api_dial *api_dial_of(postern_context *, uint64_t asker);

#endif
