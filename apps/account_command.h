/* account_command.h - a program of the administrator's that is asked about a login, such
 * as AuthorizedKeysCommand. */
#ifndef APPS_ACCOUNT_COMMAND_H
#define APPS_ACCOUNT_COMMAND_H

#include "apps/account.h"

enum {
	ACCOUNT_COMMAND_MS = 15000,	/* less than ACCOUNT_DEADLINE_MS             */
	ACCOUNT_COMMAND_OUTPUT_MAX = 4 * 1024 * 1024,
};

/* What the tokens of its arguments stand for. */
struct account_tokens {
	const struct account_user *user;
	const uint8_t *blob;
	size_t blob_len;
	const char *address, *local;
	uint32_t port, local_port;
	const struct account_certificate *certificate;	/* NULL: it is a key         */
};
/* free() it; NULL: an unknown token, or no memory. */
char *account_token_expand(const char *text, const struct account_tokens *);

struct account_command_plan {
	const struct conf *conf;
	const char *keyword;		/* for the log                               */
	const char *line;		/* path and arguments, as configured         */
	const char *user;		/* whom it is run as                         */
	struct account_tokens tokens;	/* without arguments it gets the user's name */
	int deadline_ms;
};
struct account_command { const char *keyword; pid_t pid; int control, output; };	/* pid 0: none */

/* A process that keeps the caller's rights and waits, so that the caller can give its own
 * up and still have the program started.  The plan must outlive this call only.  0 or -1. */
int account_command_prepare(const struct account_command_plan *, struct account_command *);
/* Starts the program and waits for its end: all that it wrote, with a NUL behind, or NULL
 * with why: it may not be run, failed, wrote too much or took too long.  free() it. */
char *account_command_run(struct account_command *, size_t *len, char why[ACCOUNT_NOTE_MAX]);
/* Gives it back, run or not. */
void account_command_end(struct account_command *);

#endif
