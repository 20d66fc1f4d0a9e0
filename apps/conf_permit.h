/* conf_permit.h - PermitOpen, PermitListen, GatewayPorts and PermitUserEnvironment: the
 * words of the configuration, and of permitopen and permitlisten in authorized_keys. */
#ifndef APPS_CONF_PERMIT_H
#define APPS_CONF_PERMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum {
	CONF_PERMIT_WORD_MAX = 1024 + 16
};

/* Does one word permit this?  "any" does, "none" and what is malformed do not.
 * PermitOpen: host:port, the host as it was asked for, or *; the port or *. */
bool conf_permit_open(const char *word, const char *host, uint32_t port);
/* A path stands in no PermitOpen: only *:* has it in it. */
bool conf_permit_path(const char *word);
/* PermitOpenAddress: a list of address patterns, or any; NULL: none.  The address is that which is
 * connected to, in whatever form; one of no IP family is permitted. */
bool conf_permit_address(const char *list, const struct sockaddr *);
/* PermitListen: [host:]port; the host is a pattern. */
bool conf_permit_listen(const char *word, const char *host, uint32_t port);

/* What a request's bind address comes to under GatewayPorts (enum conf_gateway). */
enum conf_bind { CONF_BIND_LOOPBACK = 1, CONF_BIND_ANY = 2, CONF_BIND_ADDRESS = 3 };
enum conf_bind conf_permit_bind(int gateway, const char *address);

/* May a user set this variable?  permitted: "yes", "no" or a list of patterns; NULL: no. */
bool conf_permit_environment(const char *permitted, const char *name);

#endif
