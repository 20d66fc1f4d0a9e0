/*
 * monitor_login.h - a client's login under way: shared by the file that makes
 * requests and the file that takes in what the worker says came of them.
 */
#ifndef PRIVSEP_MONITOR_LOGIN_H
#define PRIVSEP_MONITOR_LOGIN_H

#include "privsep/monitor.h"

enum { LOGIN_USER_MAX = 256, LOGIN_METHODS_MAX = 256, LOGIN_ALGS_MAX = 4096 };

enum login_state {
	LOGIN_IDLE = 0,
	LOGIN_SENT,		/* the worker has a request of ours            */
	LOGIN_ASKED,		/* the application has the server's prompts    */
	LOGIN_SIGNING,		/* the application or an agent makes its signature */
};
enum login_kind { TRYING_NONE = 1, TRYING_PASSWORD, TRYING_PUBLICKEY, TRYING_PROBE,
	TRYING_KBDINT, TRYING_CHANGE };

struct login {
	enum login_state state;
	enum login_kind kind;
	char user[LOGIN_USER_MAX + 1];
	char proven[LOGIN_METHODS_MAX + 1];
	char alg[NAME_MAX_LEN + 1];
	struct span key;		/* of the request, or of the probe   */
	uint64_t question;
	uint32_t prompts;
	unsigned banners;
	struct span kept;		/* a request that has to wait; in secret memory */
	struct span proof;		/* the server's signature over the session id */
	uint64_t bound;			/* the agent that was shown it       */
	char sig_algs[LOGIN_ALGS_MAX + 1];	/* of the server, a claim    */
	bool hostbound;			/* ...that it takes such requests    */
};

/* The connection's, made when first needed.  NULL: out of memory, it is ending. */
struct login *monitor_login_of(struct conn *);
/* That which a login by key names as its server's: the one that was verified, or none. */
struct span monitor_login_host_key(const struct conn *);
/* The request is over: the application is told, and what was kept goes out. */
void monitor_login_result(struct conn *, enum ipc_login_result, struct span methods,
    struct span text);

#endif
