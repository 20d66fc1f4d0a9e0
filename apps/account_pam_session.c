/*
 * account_pam_session.c - the calls of libpam that open and close a login's PAM session.
 * The process that makes them is session_keeper.c's: the session process is forked from
 * it, while both still have root's rights, and it closes the session when that has ended.
 */
#include <stdlib.h>
#include <string.h>

#include "apps/account_pam_stack.h"
#include "apps/session_link.h"

struct account_pam_session { struct account_pam_stack stack; struct account_pam pam; };

struct account_pam_session *account_pam_open(const struct account_pam *p, char ***environment,
    char said[ACCOUNT_INSTRUCTION_MAX + 1], char why[ACCOUNT_NOTE_MAX])
{
	struct account_pam_session *s = calloc(1, sizeof(*s));
	const char *what = "start";
	int r;

	*environment = NULL;
	said[0] = '\0';
	if (s == NULL) {
		(void)session_link_put(why, ACCOUNT_NOTE_MAX, "no memory for a PAM session");
		return NULL;
	}
	s->pam = *p;
	r = account_pam_start(&s->stack, &s->pam);
	if (r == PAM_SUCCESS) {
		what = "credentials";
		r = pam_setcred(s->stack.handle, PAM_ESTABLISH_CRED);
	}
	if (r == PAM_SUCCESS) {
		what = "session";
		r = pam_open_session(s->stack.handle, 0);
	}
	if (r != PAM_SUCCESS) {
		account_pam_explain(&s->stack, what, r, why);
		if (s->stack.handle != NULL)
			(void)pam_end(s->stack.handle, r);
		free(s);
		return NULL;
	}
	/* opened, but perhaps not for who logs in */
	if (!account_pam_is_same_user(&s->stack, why)) {
		account_pam_close(s);
		return NULL;
	}
	*environment = pam_getenvlist(s->stack.handle);
	memcpy(said, s->stack.said, sizeof(s->stack.said));
	return s;
}

void account_pam_close(struct account_pam_session *s)
{
	int r = pam_close_session(s->stack.handle, 0);

	/* each undoes what it can, whatever became of the other */
	(void)pam_setcred(s->stack.handle, PAM_DELETE_CRED);
	(void)pam_end(s->stack.handle, r);
	free(s);
}
