/* client_flow.h - bytes from one descriptor to another, and both ways between two. */
#ifndef APPS_CLIENT_FLOW_H
#define APPS_CLIENT_FLOW_H

#include "apps/client_loop.h"

enum { FLOW_BUF = 128 * 1024 };

/* One direction: from -> buf -> to.  Closes neither. */
struct client_flow {
	int from, to;
	bool from_over;		/* read its end                     */
	bool to_gone;		/* the reader left: drop the rest   */
	bool to_is_shared;	/* `to` may block: small writes     */
	bool is_told;		/* over was called                  */
	size_t start, end;
	char *buf;
	struct client_watch *in, *out;
	/* Both may be NULL.  filter returns how many bytes are left of n, or n + 1; over is called
	 * once, when all there was is passed on or `to` has gone. */
	size_t (*filter)(void *user, char *p, size_t n);
	void (*over)(void *user, struct client_flow *);
	void *user;
};

/* from -1: over at once. */
void client_flow_start(struct client_flow *, struct client_loop *);
void client_flow_end(struct client_flow *);
bool client_flow_is_done(const struct client_flow *);

/* Both ways between two sockets, which it takes, until both have ended; head goes to b
 * first. */
void client_flow_between(struct client_loop *, int a, int b, const void *head, size_t len);

#endif
