/* client_trust.h - known_hosts files, and the first-contact question. */
#ifndef APPS_CLIENT_TRUST_H
#define APPS_CLIENT_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include <postern.h>

#include "apps/client_conf.h"

enum { TRUST_FILES_MAX = 8 };

struct trust {
	const struct client_conf *conf;
	char *path[TRUST_FILES_MAX];	/* of the files that could be opened       */
	int fd[TRUST_FILES_MAX];
	struct stat seen[TRUST_FILES_MAX];	/* ...and what they were then      */
	size_t n;
	size_t n_own;			/* so many, the first, are the user's own  */
	char *write_path;		/* where a new line goes...                */
	size_t writes;			/* ...and which of them that is, if any    */
	int revoked[TRUST_FILES_MAX];	/* RevokedHostKeys                         */
	size_t n_revoked;
	bool unasked;			/* a new key was accepted by configuration */
	bool forced;			/* a changed key was accepted by configuration:
					 * no password may be typed into it        */
};

/* Opens what there is; the descriptors are for postern_client_config.  -1: a file of
 * revoked keys is missing, said on stderr: then there are no descriptors, and no host is to
 * be trusted. */
int client_trust_open(struct trust *, const struct client_conf *);
void client_trust_free(struct trust *);
/* postern_client_interface.check_host_key; user is a struct trust. */
int client_trust_check(void *user, postern_transport *, uint64_t question,
    const struct postern_host_key *);

#endif
