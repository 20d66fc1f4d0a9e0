/* postern_net.h - a TCP connection to a host, and known_hosts files. */
#ifndef APPS_POSTERN_NET_H
#define APPS_POSTERN_NET_H

#include "apps/postern_conf.h"

/* A connected socket, close-on-exec, TCP_NODELAY; -1: said on stderr. */
int net_connect(const struct postern_conf *);

#endif
