/* session_state.h - the one struct of a session process, for the files that are its
 * parts: session.c (loop), session_channel.c, session_forward.c, session_listen.c,
 * session_x11.c, session_agent.c. */
#ifndef APPS_SESSION_STATE_H
#define APPS_SESSION_STATE_H

#include <poll.h>
#include <sys/stat.h>

#include "apps/session.h"

enum { SESSION_SOCKETS_MAX = 8 };	/* of a listener: its addresses */

struct session_channel {
	struct session_channel *next;
	uint64_t id;
	struct session_tty tty;		/* slave is closed once a program has it     */
	bool has_tty, started, forced, has_agent, has_display;
	pid_t pid;			/* 0: none, or it has ended                  */
	char term[SESSION_TERM_MAX + 1];
	struct session_env env;
	struct session_display display;
};

struct session_listener {
	struct session_listener *next;
	uint64_t id;
	uint8_t kind;			/* enum postern_forward_kind                 */
	bool single;			/* one connection, then no more              */
	int sockets[SESSION_SOCKETS_MAX];
	size_t n;
	char path[SESSION_HOST_MAX + 1];	/* what to remove, or ""             */
	dev_t dev;			/* and whose it must still be                */
	ino_t ino;
	bool has_folder;		/* the agent's: remove that too              */
};

struct session_job;			/* a connect (session_forward.c) */

struct session {
	const struct conf *conf;
	const struct account_session_ask *from;
	struct account_user user;
	char **pam_environment;		/* NULL: none                                */
	char auth_info[32];		/* the file of ExposeAuthInfo, or ""         */
	char greeting[ACCOUNT_INSTRUCTION_MAX + 1];	/* what PAM's modules said   */
	int link, signals;
	size_t n;
	struct session_channel *channels;
	struct session_listener *listeners;
	size_t n_listeners;
	unsigned accepted;		/* told and not yet taken                    */
	struct session_job *jobs;	/* in the order they came                    */
	size_t n_jobs, running;
	union session_order order;
};

/* posternd reads its links: one that is full means that it is stuck, and ends us. */
void session_report(struct session *, union session_report *, const int *fds, size_t n);
/* To the order at hand. */
void session_reply(struct session *, bool ok, const char *note, const int *fds, size_t n);

/* Opens the PAM session (session_keeper.c) and returns in the process that is to become the
 * user; another one closes it.  False: why. */
bool session_keeper_begin(struct session *, char why[ACCOUNT_NOTE_MAX]);

/* ExposeAuthInfo, as the user (session_authinfo.c): the file for the login's programs, and
 * its end.  False: it cannot be made. */
bool session_authinfo_begin(struct session *);
void session_authinfo_leave(struct session *);

/* ---- channels (session_channel.c) -------------------------------------------------- */

/* The order is about a channel: one of the kinds PTY to CLOSE, X11 and AGENT. */
void session_channel_order(struct session *);
/* A child ended; false: it was no channel's. */
bool session_channel_reaped(struct session *, pid_t, int status);
void session_channel_leave(struct session *);

/* ---- connects (session_forward.c) --------------------------------------------------- */

void session_forward_order(struct session *);
/* The channel is gone: what was asked for it is given up. */
void session_forward_drop(struct session *, uint64_t chan);
void session_forward_reaped(struct session *, pid_t);
/* Fills p with what to poll, at most size; how many. */
size_t session_forward_poll(const struct session *, struct pollfd *p, size_t size);
void session_forward_ready(struct session *, int fd);
void session_forward_leave(struct session *);

/* ---- listeners (session_listen.c) ---------------------------------------------------- */

void session_listen_order(struct session *);
void session_listen_stop(struct session *, uint8_t kind, uint64_t id);
/* A new one without sockets, or NULL: too many, or there is one already. */
struct session_listener *session_listen_new(struct session *, uint8_t kind, uint64_t id);
void session_listen_free(struct session *, struct session_listener *);
/* Binds the host's addresses, on one port: *port, 0 for any.  host NULL: loopback, or
 * any address.  all: every address or none.  0, or -errno with nothing left open. */
int session_listen_tcp(struct session_listener *, const char *host, bool any, bool all,
    uint32_t *port);
int session_listen_unix(struct session_listener *, const char *path, mode_t mask,
    bool unlink_first);
size_t session_listen_poll(const struct session *, struct pollfd *p, size_t size);
void session_listen_ready(struct session *, int fd);
void session_listen_leave(struct session *);

/* ---- what a channel asks for before its program (session_x11.c, session_agent.c) ------ */

void session_x11_order(struct session *, struct session_channel *);
void session_agent_order(struct session *, struct session_channel *);
/* The path of the agent's socket, or NULL. */
const char *session_agent_path(const struct session *);

#endif
