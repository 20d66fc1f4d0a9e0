/* account_pam_stack.h - a stack of modules under way: what account_pam.c and
 * account_pam_session.c have in common. */
#ifndef APPS_ACCOUNT_PAM_STACK_H
#define APPS_ACCOUNT_PAM_STACK_H

#include <security/pam_appl.h>

#include "apps/account_pam.h"

struct account_pam_stack {
	pam_handle_t *handle;
	const struct account_pam *pam;
	const char *password;		/* NULL: there is none                      */
	unsigned rounds;
	int64_t since_ms;		/* when the modules had all they needed     */
	char said[ACCOUNT_INSTRUCTION_MAX + 1];	/* by modules, and not yet shown    */
	char wrong[32];			/* a password that nobody has               */
};

/* PAM_SUCCESS or its error; the handle may be there in either case. */
int account_pam_start(struct account_pam_stack *, const struct account_pam *);
void account_pam_explain(const struct account_pam_stack *, const char *what, int error,
    char why[ACCOUNT_NOTE_MAX]);
bool account_pam_is_same_user(const struct account_pam_stack *, char why[ACCOUNT_NOTE_MAX]);
int account_pam_converse(int n, const struct pam_message **, struct pam_response **, void *stack);

#endif
