/* account_options.h - the options of a line of authorized_keys, or of a file of
 * principals: read whole, then judged. */
#ifndef APPS_ACCOUNT_OPTIONS_H
#define APPS_ACCOUNT_OPTIONS_H

#include "apps/account.h"

enum { ACCOUNT_OPTION_MAX = ACCOUNT_COMMAND_MAX };	/* bytes of a value */

struct account_options {
	struct account_grant grant;	/* what the login is left with               */
	bool is_authority;		/* cert-authority                            */
	bool expires, has_from, has_principals;
	int64_t expiry;			/* seconds since 1970; good until then       */
	char from[ACCOUNT_OPTION_MAX + 1], principals[ACCOUNT_OPTION_MAX + 1];
	const char *user_environment;	/* PermitUserEnvironment: what may be set    */
};

/* Where the options that begin at text end: the first blank outside quotes.  NULL: a
 * quote is not closed, or nothing follows. */
const char *account_options_end(const char *text);
/* Reads the options from text to end.  False: why; the line grants nothing. */
bool account_options_read(struct account_options *, const char *text, const char *end,
    const char *user_environment, char why[ACCOUNT_NOTE_MAX]);
/* expiry-time and from; principals for a certificate's key.  False: why. */
bool account_options_allow(const struct account_options *, const struct account_wanted *,
    char why[ACCOUNT_NOTE_MAX]);

#endif
