/*
 * monitor_auth.h - a server's login under way: shared by the files that judge it.
 */
#ifndef PRIVSEP_MONITOR_AUTH_H
#define PRIVSEP_MONITOR_AUTH_H

#include "privsep/monitor.h"

enum { AUTH_USER_MAX = 256, AUTH_METHODS_MAX = 256, AUTH_DIGEST = 32 };

enum auth_state {
	AUTH_IDLE = 0,		/* a request may come                          */
	AUTH_ASKED,		/* the application is asked                    */
	AUTH_PROMPTED,		/* the peer is asked; it may also start anew   */
	AUTH_REFUSING,		/* refused, but it is too soon to say so       */
	AUTH_HELD,		/* a certificate waits until its CA's signature may be checked */
};
enum auth_method { BY_NONE = 1, BY_PASSWORD, BY_PUBLICKEY, BY_KBDINT, BY_OTHER };

/* What the application thinks of a key, if it is proven. */
struct seen_key {
	struct seen_key *next;
	uint8_t digest[AUTH_DIGEST];
	uint8_t plain[AUTH_DIGEST];	/* of the key without its certificate        */
	bool used;			/* it has passed a step: not for another one */
	enum ipc_verdict verdict;	/* 0 for one that is only used               */
	unsigned flags;			/* enum ipc_login_flags                      */
	char methods[AUTH_METHODS_MAX + 1];
};

struct auth {
	enum auth_state state;
	uint64_t question;
	bool has_user;
	char user[AUTH_USER_MAX + 1];
	char allowed[AUTH_METHODS_MAX + 1], proven[AUTH_METHODS_MAX + 1];
	unsigned requests, failures;
	bool wants_change;		/* the answer to the last password: a new one */
	struct timer delay;
	/* the request under way */
	enum auth_method method;
	uint64_t since;
	uint32_t prompts;
	bool may_change;		/* it comes behind such an answer           */
	char name[NAME_MAX_LEN + 1];	/* of the method, for the log               */
	/* ...if it is by publickey */
	bool is_signed;			/* and the signature is good                */
	struct sign_facts facts;	/* what it says beside                      */
	char alg[NAME_MAX_LEN + 1], fingerprint[FINGERPRINT_MAX];
	bool must_touch, must_verify;	/* its certificate says so, of an authenticator */
	char why[MONITOR_WHY_MAX + 1];	/* it is refused, if that is for the log     */
	uint8_t digest[AUTH_DIGEST], plain[AUTH_DIGEST];
	struct span key;
	struct span signature;		/* empty: "would this key do?"               */
	bool is_bound;			/* it names our host key                     */
	struct seen_key *keys;
};

/* Begins a request: counts it, fixes the user.  NULL: it goes no further; *result
 * is the handler's. */
struct auth *monitor_auth_begin(struct conn *, struct span user, enum auth_method,
    struct span name, int *result);
bool monitor_auth_allowed(const struct auth *);	/* is the method offered now? */
/* The application is asked; the question's serial. */
uint64_t monitor_auth_ask(struct conn *);
/* How it goes.  After either the auth may be gone. */
void monitor_auth_refuse(struct conn *);
void monitor_auth_apply(struct conn *, enum ipc_verdict, struct span methods);

/* monitor_auth_key.c */
void monitor_auth_key_clear(struct auth *);
/* The application's answer about the key of the request under way: kept, applied. */
void monitor_auth_key_judged(struct conn *, enum ipc_verdict, struct span methods,
    unsigned flags);
/* The request that was held goes on. */
void monitor_auth_key_resume(struct conn *);
/* A step has been passed: answers given before it count no longer. */
void monitor_auth_key_step(struct auth *);

#endif
