/* client_match.h - does a Match line of ssh_config(5) hold? */
#ifndef APPS_CLIENT_MATCH_H
#define APPS_CLIENT_MATCH_H

#include "apps/client_conf.h"

/* Patterns of ssh_config(5), with commas or blanks between them and ! in front. */
bool client_match_patterns(const char *patterns, const char *name);
/* The words behind Match; changes line.  may_run: what stands before it holds, so exec
 * may be asked.  1, 0, or -1: said on stderr. */
int client_match_line(struct client_conf *, char *line, bool may_run, const char *where);

#endif
