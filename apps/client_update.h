/* client_update.h - UpdateHostKeys: what a server says of its other host keys. */
#ifndef APPS_CLIENT_UPDATE_H
#define APPS_CLIENT_UPDATE_H

#include "apps/client_trust.h"

/* Is the server to be asked at all? */
bool client_update_is_wanted(const struct trust *);
/* Changes the user's known_hosts files, or asks whether to. */
void client_update_apply(struct trust *, const struct postern_known_hosts_change *);

#endif
