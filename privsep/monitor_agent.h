/*
 * monitor_agent.h - a connected agent: shared by the file that knows what is said to
 * it and the file that carries it.
 */
#ifndef PRIVSEP_MONITOR_AGENT_H
#define PRIVSEP_MONITOR_AGENT_H

#include "privsep/monitor_login.h"

enum {
	AGENT_REPLY_MAX = 256 * 1024,
	AGENT_BODY_MAX = 1 + 4 + KEY_BLOB_MAX + 4 + MONITOR_LOGIN_DATA_MAX + 4,
	AGENT_REQUESTS_MAX = 256,	/* waiting, in each line                     */
	AGENT_RUN_MAX = 8,		/* so many urgent ones, then one of the others */
	AGENT_LIST_MS = 10000,
	AGENT_SIGN_MS = 120000,		/* for a login: somebody may be asked, or touch
					 * something; for a server MONITOR_SIGN_MS   */
	AGENT_AGAIN_MS = 5000,		/* the application's time to connect to it   */
	AGENT_PAUSE_MS = 1000,		/* between two questions for a connection    */
};

enum agent_doing { AGENT_IDLE = 0, AGENT_LISTING, AGENT_BINDING, AGENT_SIGNING, AGENT_ADDING };

struct agent_request {			/* of what waits for it, if it still does    */
	struct agent_request *next;
	uint64_t conn, question;
};
struct agent_line { struct agent_request *first, **last; unsigned n; };
struct agent {
	struct dead dead;
	struct agent *next;
	struct monitor *m;
	uint64_t serial, call;		/* of its connection; of its AGENT           */
	struct watch link;		/* fd -1: it is gone                         */
	struct timer deadline;
	enum agent_doing doing;
	bool forgotten;			/* of no use any more; freed with the turn   */
	unsigned keys;			/* that name it                              */
	struct agent_request *current;	/* under way; its doing says how             */
	struct agent_line urgent, others, proofs;
	unsigned run;			/* urgent ones since one of the others       */
	bool again;			/* the application connects it anew...       */
	bool asked;			/* ...and is asked to                        */
	uint64_t ask_at;		/* not before                                */
	uint8_t out[4 + AGENT_BODY_MAX];
	size_t out_n, out_at;
	uint8_t *secret;		/* goes out instead; NULL, or crypto_secret memory */
	uint8_t head[4];		/* a reply's length...                       */
	size_t head_n;
	uint8_t *in;			/* ...and its body                           */
	size_t in_n, in_len;
};

/* ---- monitor_agent_queue.c ---- */
void monitor_agent_queue_init(struct agent *);
bool monitor_agent_queue_is_empty(const struct agent *);
/* False: there is no room, or no memory. */
CRYPTO_CHECKED bool monitor_agent_queue_add(struct agent *, const struct signing *);
/* Takes out the one whose turn it is, to be freed; NULL: nobody waits. */
struct agent_request *monitor_agent_queue_next(struct agent *);
void monitor_agent_queue_free(struct agent *);

/* ---- monitor_agent_again.c ---- */
/* Its connection is gone: may what wants it wait for another one?  Asks for it, if so. */
bool monitor_agent_again(struct agent *);
void monitor_agent_again_late(struct agent *);

/* ---- monitor_agent_link.c ---- */
/* Takes the socket, also when it fails. */
CRYPTO_CHECKED int monitor_agent_link_open(struct agent *, int fd);
/* One message; its reply must come within ms. */
void monitor_agent_link_send(struct agent *, struct span body, uint32_t ms);
/* The same of a whole message, its length in front, in crypto_secret memory: takes it. */
void monitor_agent_link_send_secret(struct agent *, uint8_t *message, size_t n, uint32_t ms);
void monitor_agent_link_close(struct agent *);
/* Closes an agent's socket that is in no link, if that keeps nobody waiting; false: it stays. */
bool monitor_agent_link_drop(int fd);

/* ---- monitor_agent.c, for the link and for monitor_agent_add.c ---- */
/* Takes the socket.  NULL: it is no agent's, or there is no room; that was told. */
struct agent *monitor_agent_new(struct monitor *, uint64_t call, int socket);
void monitor_agent_heard(struct agent *, struct span reply);
void monitor_agent_lost(struct agent *, const char *why);
void monitor_agent_late(struct monitor *, void *agent);
void monitor_agent_next(struct agent *);	/* asks it what is next, if it is idle */
void monitor_agent_none(struct agent *);	/* there is none: all who wait are told */

#endif
