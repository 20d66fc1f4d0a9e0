/* client_x11.h - the user's display for the server's programs. */
#ifndef APPS_CLIENT_X11_H
#define APPS_CLIENT_X11_H

#include "apps/client_conf.h"
#include "apps/client_loop.h"
#include "apps/client_spec.h"

/* DISPLAY: where it is, and its screen.  false: no display that we know how to reach. */
bool client_x11_display(const char *text, struct client_end *where, uint32_t *screen);
/* Asks for a session.  What does not work is told of and lived with. */
void client_x11_forward(struct client_loop *, const struct client_conf *, postern_channel *);

#endif
