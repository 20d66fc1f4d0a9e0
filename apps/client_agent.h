/* client_agent.h - the user's SSH agent: its keys for logging in, and lending it. */
#ifndef APPS_CLIENT_AGENT_H
#define APPS_CLIENT_AGENT_H

#include <postern.h>

#include "apps/client_conf.h"

/* The agent's keys, as postern_agent_keys gives them; 0 keys if there is no agent. */
void client_agent_keys(postern_context *, const struct client_conf *, postern_key ***keys,
    size_t *n);
/* AddKeysToAgent: asks the user if it says so, and has the monitor send the key when it is
 * loaded, as ssh does, whatever comes of the login. */
void client_agent_add(postern_context *, const struct client_conf *, const postern_key *,
    const char *path);
/* ForwardAgent: asks for a session.  A server that refuses is told of and lived with. */
void client_agent_forward(const struct client_conf *, postern_channel *);

#endif
