/* client_connect.h - connecting to where a forward leads, without waiting. */
#ifndef APPS_CLIENT_CONNECT_H
#define APPS_CLIENT_CONNECT_H

#include "apps/client_loop.h"
#include "apps/client_spec.h"

struct client_connect;

/* done is called once, later, with a connected non-blocking socket, which is its own, or
 * -errno; not at all after client_connect_end. */
struct client_connect *client_connect_start(struct client_loop *, const struct client_end *,
    void (*done)(void *user, int fd), void *user);
void client_connect_end(struct client_connect *);	/* NULL is fine */

/* The same at once, for a path: the socket or -errno. */
int client_connect_path(const char *path);

#endif
