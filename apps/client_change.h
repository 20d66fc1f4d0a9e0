/* client_change.h - postern_client_interface.change_password. */
#ifndef APPS_CLIENT_CHANGE_H
#define APPS_CLIENT_CHANGE_H

#include <postern.h>

#include "apps/client_conf.h"

int client_change_password(const struct client_conf *, const char *prompt, char **new_password);

#endif
