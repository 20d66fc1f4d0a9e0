/* client_net.h - a TCP connection to a host, and known_hosts files. */
#ifndef APPS_CLIENT_NET_H
#define APPS_CLIENT_NET_H

#include "apps/client_conf.h"

/* A connected socket, close-on-exec, TCP_NODELAY; -1: said on stderr. */
int client_net_connect(const struct client_conf *);

#endif
