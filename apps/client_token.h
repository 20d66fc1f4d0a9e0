/* client_token.h - %h and its kin, ${NAME} and ~ in the keywords of ssh_config(5). */
#ifndef APPS_CLIENT_TOKEN_H
#define APPS_CLIENT_TOKEN_H

#include "apps/client_conf.h"

/* What ssh_config(5) lets most keywords have, and what HostName and ProxyJump. */
#define TOKENS_ALL "%CdhijkLlnpru"
#define TOKENS_HOSTNAME "%h"
#define TOKENS_JUMP "%hnpr"

enum { TOKEN_HOME = 1, TOKEN_VARIABLES = 2 };

/* malloc'd, or NULL: said on stderr.  tokens: those that are allowed. */
char *client_token_expand(const struct client_conf *, const char *s, const char *tokens,
    unsigned how);
/* HostName with its tokens, or the name on the command line; NULL: said on stderr. */
char *client_token_hostname(const struct client_conf *);
/* May a name from the command line, or of a hop, go into tokens?  A shell may read what they
 * make: Match exec runs one here, and who takes names from a link or a list of repositories
 * passes on a stranger's.  As ssh has it: a user's name may have blanks and $ in it. */
bool client_token_host_fits(const char *host);
bool client_token_user_fits(const char *user);
/* Who runs this, or NULL. */
const char *client_token_local_user(void);

#endif
