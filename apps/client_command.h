/* client_command.h - programs that ssh_config(5) names: ProxyCommand, LocalCommand, Match exec. */
#ifndef APPS_CLIENT_COMMAND_H
#define APPS_CLIENT_COMMAND_H

#include <sys/types.h>

#include "apps/client_conf.h"

/* In a child that has its descriptors 0 to 2: becomes the user's shell for prefix and
 * command, with no other descriptor and no signal ignored or blocked. */
void client_command_become(const char *prefix, const char *command) __attribute__((noreturn));
/* Starts ProxyCommand: a socket, close-on-exec, to its standard input and output; -1: said
 * on stderr. */
int client_command_proxy(const struct client_conf *, pid_t *pid);
/* Runs LocalCommand to its end, with our terminal; what it says of itself is its own. */
void client_command_local(const struct client_conf *);

#endif
