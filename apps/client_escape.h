/* client_escape.h - ~. and its kin, typed at the beginning of a line. */
#ifndef APPS_CLIENT_ESCAPE_H
#define APPS_CLIENT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct client_escape {
	int letter;			/* ~, or what EscapeChar says                */
	bool at_line_start;		/* true at first                             */
	bool saw_letter;		/* there, and what follows is to come yet    */
	bool quit;			/* ~. was typed                              */
};

/* Takes what is meant for us out of n bytes, in place; returns how many are left, which may
 * be one more: there is room for n + 1. */
size_t client_escape_filter(struct client_escape *, char *p, size_t n);

#endif
