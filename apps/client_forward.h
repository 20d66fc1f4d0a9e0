/* client_forward.h - connections through the server: -L, -R, -D. */
#ifndef APPS_CLIENT_FORWARD_H
#define APPS_CLIENT_FORWARD_H

#include "apps/client_conf.h"
#include "apps/client_loop.h"
#include "apps/client_spec.h"

enum { FORWARD_LISTENERS_MAX = 128, FORWARD_NEGOTIATING_MAX = 128,
	FORWARD_CHANNELS_MAX = 512,	/* open at once; more are closed at once   */
	FORWARD_WINDOW_SUM = 64 * 1024 * 1024, FORWARD_WAIT_MS = 60 * 1000 };

struct client_forward {
	struct client_loop *loop;
	postern_transport *transport;
	const struct client_conf *conf;
	unsigned n_listeners, n_negotiating;
};

/* The specifications alone; -1: said on stderr. */
int client_forward_check(const struct client_conf *);
bool client_forward_is_wanted(const struct client_conf *);
/* Starts all that the configuration wants.  -1: one failed, and ExitOnForwardFailure. */
int client_forward_start(struct client_forward *);

/* A channel to `to` for a connected socket, which it takes. */
void client_forward_open(struct client_forward *, int fd, const struct client_end *to);

/* client_listen.c: false, said on stderr. */
bool client_listen_start(struct client_forward *, const struct client_spec *);
/* client_remote.c: asks the server; false, said on stderr. */
bool client_remote_start(struct client_forward *, const struct client_spec *);
/* client_dynamic.c: speaks SOCKS on a socket, which it takes, and goes where it says:
 * through the server, or from here if it came through the server. */
void client_dynamic_start(struct client_forward *, int fd, bool from_server);

#endif
