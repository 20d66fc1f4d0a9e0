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
	AGENT_KEYS_MAX = 256,		/* in one answer                             */
	AGENT_REQUESTS_MAX = 256,	/* waiting                                   */
	AGENT_LIST_MS = 10000,
	AGENT_SIGN_MS = 120000,		/* somebody may be asked, or touch something */
};

enum agent_doing { AGENT_IDLE = 0, AGENT_LISTING, AGENT_BINDING, AGENT_SIGNING, AGENT_ADDING };

struct agent_request {			/* of what waits for it, if it still does    */
	struct agent_request *next;
	uint64_t conn, question;
};
struct agent {
	struct dead dead;
	struct agent *next;
	struct monitor *m;
	uint64_t serial, call;		/* call: of its AGENT                        */
	struct watch link;		/* fd -1: it is gone                         */
	struct timer deadline;
	enum agent_doing doing;
	bool forgotten;			/* of no use any more; freed with the turn   */
	unsigned keys;			/* that name it                              */
	struct agent_request *first, **last;
	unsigned waiting;
	uint8_t out[4 + AGENT_BODY_MAX];
	size_t out_n, out_at;
	uint8_t *secret;		/* goes out instead; NULL, or crypto_secret memory */
	uint8_t head[4];		/* a reply's length...                       */
	size_t head_n;
	uint8_t *in;			/* ...and its body                           */
	size_t in_n, in_len;
};

/* ---- monitor_agent_link.c ---- */
/* Takes the socket, also when it fails. */
CRYPTO_CHECKED int monitor_agent_link_open(struct agent *, int fd);
/* One message; its reply must come within ms. */
void monitor_agent_link_send(struct agent *, struct span body, uint32_t ms);
/* The same of a whole message, its length in front, in crypto_secret memory: takes it. */
void monitor_agent_link_send_secret(struct agent *, uint8_t *message, size_t n, uint32_t ms);
void monitor_agent_link_close(struct agent *);

/* ---- monitor_agent.c, for the link and for monitor_agent_add.c ---- */
/* Takes the socket.  NULL: it is no agent's, or there is no room; that was told. */
struct agent *monitor_agent_new(struct monitor *, uint64_t call, int socket);
void monitor_agent_heard(struct agent *, struct span reply);
void monitor_agent_lost(struct agent *, const char *why);

#endif
