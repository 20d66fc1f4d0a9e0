/*
 * session.h - the session process: one per login, the user from its first moment.
 *
 * It is forked by the account helper, becomes the user before it makes anything,
 * and then opens terminals, starts programs, connects and listens as posternd tells
 * it.  It holds one link, its terminals and sockets, and nothing of posternd's.  What
 * it says is the word of a process of the user's: it can harm that user's login and
 * no other.
 */
#ifndef APPS_SESSION_H
#define APPS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include <postern.h>

#include "apps/account.h"

struct conf;

enum {
	SESSION_TERM_MAX = 256, SESSION_MODES_MAX = 1024, SESSION_NAME_MAX = 256,
	SESSION_VALUE_MAX = 8192, SESSION_COMMAND_MAX = 32768, SESSION_TTY_MAX = 64,
	SESSION_ENV_MAX = 128,		/* variables of a channel from the peer  */
	SESSION_CHANNELS_MAX = 10000,
	SESSION_HOST_MAX = 1024,	/* a host's name or a path                   */
	SESSION_PROTOCOL_MAX = 64, SESSION_COOKIE_MAX = 1024,
	SESSION_LISTENERS_MAX = 128,	/* of a login, X11 and agent among them      */
	SESSION_CONNECTS_MAX = 512,	/* connects under way and waiting            */
	SESSION_ACCEPTED_MAX = 32,	/* connections told and not yet taken        */
};

enum session_kind { SESSION_PTY = 1, SESSION_ENV = 2, SESSION_START = 3, SESSION_WINDOW = 4,
	SESSION_SIGNAL = 5, SESSION_BREAK = 6, SESSION_CLOSE = 7, SESSION_CONNECT = 8,
	SESSION_LISTEN = 9, SESSION_UNLISTEN = 10, SESSION_TAKEN = 11, SESSION_X11 = 12,
	SESSION_AGENT = 13,
	SESSION_REPLY = 16, SESSION_EXIT = 17, SESSION_LINE = 18, SESSION_NOTE = 19,
	SESSION_CONNECTED = 20, SESSION_LISTENING = 21, SESSION_ACCEPTED = 22 };

struct session_head { uint32_t kind, unused; uint64_t chan, question; };

/* posternd -> session.  Variable parts come last and travel as far as they go. */
struct session_pty {
	struct session_head head;
	uint32_t columns, rows, width, height;
	char term[SESSION_TERM_MAX + 1];
	uint32_t modes_len;
	uint8_t modes[SESSION_MODES_MAX];
};
struct session_env_set {
	struct session_head head;
	char name[SESSION_NAME_MAX + 1], value[SESSION_VALUE_MAX + 1];
};
/* internal-sftp: not asked for; to be run; or the only thing to be had, and another asked for */
enum session_sftp { SESSION_SFTP_NOT, SESSION_SFTP_RUN, SESSION_SFTP_ONLY };
struct session_start {			/* the answer brings 1 or 3 descriptors      */
	struct session_head head;
	uint8_t is_shell;		/* the login shell; else command             */
	uint8_t has_original;		/* a forced command: what the peer wanted    */
	uint8_t user_rc;		/* ~/.ssh/rc may be run                      */
	uint8_t sftp;			/* enum session_sftp                         */
	uint32_t command_len, original_len;	/* without NUL; one after the other  */
	char text[2 * (SESSION_COMMAND_MAX + 1)];	/* command NUL original NUL  */
};
struct session_window { struct session_head head; uint32_t columns, rows, width, height; };
struct session_signal { struct session_head head; char name[64]; };
struct session_connect {		/* CONNECTED answers, with 1 descriptor      */
	struct session_head head;
	uint32_t port;			/* 0: host is a path                         */
	char host[SESSION_HOST_MAX + 1];
};
/* LISTENING answers; then ACCEPTED for each connection, at most SESSION_ACCEPTED_MAX
 * of which have had no TAKEN.  head.chan is the listener's number, posternd's choice;
 * an X11 display has that of its channel, the agent's socket has 0. */
struct session_listen {
	struct session_head head;
	uint8_t kind;			/* POSTERN_FORWARDED_TCPIP, _STREAMLOCAL     */
	uint8_t bind;			/* TCPIP: enum conf_bind                     */
	uint32_t port;			/* 0: any                                    */
	char host[SESSION_HOST_MAX + 1];	/* BIND_ADDRESS, or the path         */
};
struct session_x11 {
	struct session_head head;
	uint8_t single;
	uint32_t screen;
	char protocol[SESSION_PROTOCOL_MAX + 1], cookie[SESSION_COOKIE_MAX + 1];
};
union session_order {
	struct session_head head;	/* BREAK, CLOSE, UNLISTEN, TAKEN and AGENT   */
	struct session_pty pty;
	struct session_env_set env;
	struct session_start start;
	struct session_window window;
	struct session_signal signal;
	struct session_connect connect;
	struct session_listen listen;
	struct session_x11 x11;
};

/* session -> posternd */
struct session_reply { struct session_head head; uint8_t ok; char note[ACCOUNT_NOTE_MAX]; };
struct session_exit { struct session_head head; uint32_t status; uint8_t core; char signal[32]; };
struct session_line { struct session_head head; uint8_t is_login; int32_t pid;
	char line[ACCOUNT_LINE_MAX]; };
struct session_note { struct session_head head; char text[ACCOUNT_NOTE_MAX]; };
struct session_connected {		/* text: the address it came to, or why not  */
	struct session_head head; uint8_t ok; char text[ACCOUNT_NOTE_MAX]; };
struct session_listening { struct session_head head; uint8_t ok; uint32_t port;
	char text[ACCOUNT_NOTE_MAX]; };
struct session_accepted {		/* with 1 descriptor                         */
	struct session_head head;
	uint8_t kind;			/* FORWARDED_TCPIP, _STREAMLOCAL, X11, AGENT */
	uint32_t port;			/* who connected; a path's is not known      */
	char host[ACCOUNT_ADDRESS_MAX];
};
union session_report {
	struct session_head head;
	struct session_reply reply;
	struct session_exit exit;
	struct session_line line;
	struct session_note note;
	struct session_connected connected;
	struct session_listening listening;
	struct session_accepted accepted;
};

/* Bytes of an order or report that travel; 0: no such kind. */
size_t session_order_size(const union session_order *);
size_t session_report_size(uint32_t kind);
bool session_order_valid(const union session_order *, size_t len);
bool session_report_valid(const union session_report *, size_t len, size_t nfds);

/* The whole process, from the fork on; link is its descriptor 3. */
_Noreturn void session_run(const struct conf *, const struct account_session_ask *, int link);

/* ---- environment (session_env.c) ------------------------------------------------- */

struct session_env { char *v[2 * SESSION_ENV_MAX + 1]; size_t n; };	/* ends with NULL */
/* A name that is there is replaced.  0, or -1: no room. */
int session_env_put(struct session_env *, const char *name, const char *value);
void session_env_free(struct session_env *);

/* ---- a terminal (session_pty.c, session_modes.c) ----------------------------------- */

struct session_tty { int master, slave; char path[SESSION_TTY_MAX]; };
/* Made as the process's user, so the user owns it.  0 or -errno. */
int session_pty_open(const struct session_pty *, struct session_tty *);
void session_pty_resize(int master, uint32_t columns, uint32_t rows, uint32_t width,
    uint32_t height);
/* RFC 4254 section 8 into t.  0; -1: malformed, t is as it was. */
int session_modes_apply(const uint8_t *modes, size_t len, struct termios *t);

/* ---- an X11 display of a channel (session_x11.c) -------------------------------------- */

struct session_display {
	uint32_t number, screen;
	bool localhost;
	char protocol[SESSION_PROTOCOL_MAX + 1], cookie[SESSION_COOKIE_MAX + 1];
};
/* What DISPLAY says. */
void session_x11_name(const struct session_display *, char *out, size_t size);
/* Have xauth note the cookie, and wait for it; or take it away, and do not wait. */
void session_x11_authorize(const char *xauth, const struct account_user *,
    const struct session_display *);
void session_x11_forget(const char *xauth, const struct account_user *,
    const struct session_display *);

/* ---- a program (session_program.c, session_rc.c, session_greet.c) --------------------------------- */

struct session_program {
	const struct conf *conf;
	const struct account_user *user;
	const struct account_session_ask *from;
	const struct session_env *accepted;
	const char *tty, *term;		/* NULL: no terminal                         */
	const char *command;		/* NULL: the login shell                     */
	const char *original;		/* NULL: not forced                          */
	const struct session_display *display;	/* NULL: no X11                      */
	const char *agent;		/* the agent's socket, or NULL               */
	const char *auth_info;		/* the file of ExposeAuthInfo, or NULL       */
	char *const *pam_environment;	/* NULL: none                                */
	const char *greeting;		/* what PAM's modules want shown, or ""      */
	bool user_rc;			/* ~/.ssh/rc may be run                      */
	enum session_sftp sftp;		/* command is internal-sftp, with its words  */
};
/* Starts it on in, out, err (all the slave of a terminal, if there is one).  Its
 * pid, which is also its process group, or -errno. */
pid_t session_program_start(const struct session_program *, int in, int out, int err);
/* All that the program finds in its environment. */
void session_program_env(const struct session_program *, struct session_env *);
/* In the child, in the user's home: runs ~/.ssh/rc, or else /etc/ssh/sshrc, and waits for
 * it.  False: there is neither, and the cookie is not noted. */
bool session_rc_run(const struct session_program *, bool at_home, char *const env[]);
/* In the child: /etc/nologin was shown and the login is over (true), or not. */
bool session_greet_nologin(const struct account_user *);
void session_greet_motd(const struct session_program *);

/* Signal names as RFC 4254 6.10 has them, without SIG.  0: none such. */
int session_signal_number(const char *name);
void session_signal_name(int number, char out[32]);

#endif
