/* client_relay.h - between the program's own stdio and a channel. */
#ifndef APPS_CLIENT_RELAY_H
#define APPS_CLIENT_RELAY_H

#include "apps/client_loop.h"

struct relay_options {
	bool no_stdin;		/* -n: send EOF at once          */
	bool has_pty;
	int escape;		/* character, -1: none           */
};
/* Moves data until the channel is over and all of it is written; channel NULL (-N):
 * until the transport is over.  0, or what ended the transport.  RELAY_QUIT: the person
 * typed ~. or a signal came. */
enum { RELAY_QUIT = 1 };
int client_relay_run(struct client_loop *, postern_channel *, int err_fd,
    const struct relay_options *);

#endif
