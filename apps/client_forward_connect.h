/* client_forward_connect.h - connecting to where a forward leads, without waiting. */
#ifndef APPS_CLIENT_FORWARD_CONNECT_H
#define APPS_CLIENT_FORWARD_CONNECT_H

#include "apps/client_loop.h"
#include "apps/client_spec.h"

struct client_forward_connect;

/* done is called once, later, with a connected non-blocking socket, which is its own, or
 * -errno; not at all after client_forward_connect_end. */
struct client_forward_connect *client_forward_connect_start(struct client_loop *,
    const struct client_end *, void (*done)(void *user, int fd), void *user);
void client_forward_connect_end(struct client_forward_connect *);	/* NULL is fine */

/* The same at once, for a path: the socket or -errno. */
int client_forward_connect_path(const char *path);

#endif
