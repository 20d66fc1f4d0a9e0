/* client_hosts.h - known_hosts files as this program changes them. */
#ifndef APPS_CLIENT_HOSTS_H
#define APPS_CLIENT_HOSTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include <postern.h>

/* Is it still the file that was looked at: the same one, not written to since? */
bool client_hosts_is(const struct stat *now, const struct stat *then);
/* Adds a line; makes file and folder if there are none.  -1: said on stderr. */
int client_hosts_append(const char *path, const char *line);
/* The change's part that is about this one, the which-th of the files: its obsolete lines
 * go, and the new ones come if add.  All of it or nothing, and only if the file is as it
 * was seen.  -1: said on stderr. */
int client_hosts_rewrite(const char *path, const struct stat *seen,
    const struct postern_known_hosts_change *, unsigned which, bool add);

#endif
