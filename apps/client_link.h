/* client_link.h - a connection to one host, through others if need be. */
#ifndef APPS_CLIENT_LINK_H
#define APPS_CLIENT_LINK_H

#include <sys/types.h>

#include <postern.h>

#include "apps/client_conf.h"
#include "apps/client_login.h"
#include "apps/client_trust.h"

enum { LINK_FAILED = 255, LINK_HOPS_MAX = 8, LINK_START_MS = 120 * 1000,
	LINK_REQUEST_MS = 60 * 1000 };

struct client_link {
	struct client_conf conf;
	postern_context *context;
	const char *config_file;	/* -F, for the hops too                    */
	struct trust trust;
	struct login login;
	postern_transport *transport;
	struct client_link *via;	/* the last hop before it, NULL            */
	postern_channel *through;	/* of via: what carries this one           */
	unsigned depth;
	pid_t proxy;			/* ProxyCommand, 0: none                   */
};

/* Reads the files for host into conf, which may hold values already, and fills it in. */
int client_link_configure(struct client_link *, const char *host);
/* The same for the hops on the way.  0, or said on stderr. */
int client_link_prepare(struct client_link *);
/* AddKeysToAgent, for this host or a hop: may a key that is loaded leave the monitor? */
bool client_link_adds_keys(const struct client_link *);
/* Of one that is prepared and has its context: hops, connection, host key, login.  0, or
 * said on stderr. */
int client_link_open(struct client_link *);
/* Says goodbye, to the hops too, and frees all. */
void client_link_close(struct client_link *);
/* What ended or refused, with everything that is known about it.  LINK_FAILED. */
int client_link_complain(struct client_link *, const char *what, int code);

#endif
