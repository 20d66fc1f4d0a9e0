/* client_withheld.h - user keys that our own side does not show to a server. */
#ifndef APPS_CLIENT_WITHHELD_H
#define APPS_CLIENT_WITHHELD_H

#include <postern.h>

#include "apps/client_conf.h"

struct client_withheld {
	unsigned shown, withheld;
	char type[128], why[512];	/* of the first that was withheld */
};

/* A key of this type was refused: by the server, or by us. */
void client_withheld_note(struct client_withheld *, postern_transport *, const char *type);
/* At the end, if the server was shown none at all: why, and the preset that would show it. */
void client_withheld_tell(const struct client_withheld *, const struct client_conf *);

#endif
