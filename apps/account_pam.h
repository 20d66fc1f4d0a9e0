/*
 * account_pam.h - UsePAM: passwords, conversations, accounts and sessions by pam(3).
 *
 * account_pam.c and account_pam_session.c where libpam was there to build with, else
 * account_nopam.c: the Makefile chooses.  All of it runs in a process of one login
 * attempt, or of one login, with root's rights; a module that hangs, crashes or fills
 * memory does so there.
 */
#ifndef APPS_ACCOUNT_PAM_H
#define APPS_ACCOUNT_PAM_H

#include <stdbool.h>

#include "apps/account.h"

extern const bool account_pam_built;

/* Shows a round of prompts to whoever logs in, and waits.  0, or -1: they are gone. */
typedef int account_ask(void *user, const struct account_prompts *, struct account_reply *);

struct account_pam {
	const char *service;		/* PAMServiceName                             */
	const char *user, *address;	/* as they say; the peer's                    */
	bool exists;			/* false: the same path, and no way in        */
	bool empty_ok;			/* PermitEmptyPasswords                       */
	account_ask *ask;		/* NULL: nobody can be asked                  */
	void *ask_user;
};

/* The password for whatever is asked without echo, then the account.  why: for the log. */
bool account_pam_password(const struct account_pam *, const char *password,
    char why[ACCOUNT_NOTE_MAX]);
/* A conversation, then the account; a password that has expired is renewed in it. */
bool account_pam_talk(const struct account_pam *, char why[ACCOUNT_NOTE_MAX]);
/* The account alone, for who has shown a key. */
bool account_pam_account(const struct account_pam *, char why[ACCOUNT_NOTE_MAX]);

/* A session: credentials and pam_open_session, before the process becomes the user.
 * environment: "NAME=value" lines ended by NULL, for free() each and all.  said: what the
 * modules want shown.  NULL: refused, why. */
struct account_pam_session;
struct account_pam_session *account_pam_open(const struct account_pam *, char ***environment,
    char said[ACCOUNT_INSTRUCTION_MAX + 1], char why[ACCOUNT_NOTE_MAX]);
void account_pam_close(struct account_pam_session *);

#endif
