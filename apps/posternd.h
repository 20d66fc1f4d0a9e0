/*
 * posternd.h - the daemon's parts.  One process, one loop, no key, no SSH parser:
 * it decides who may do what, and passes descriptors on.
 */
#ifndef APPS_POSTERND_H
#define APPS_POSTERND_H

#include <postern.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "apps/account.h"
#include "apps/conf.h"
#include "apps/session.h"

#define POSTERND_OPTIONS "C:Ddef:h:io:p:Tt"

enum { POSTERND_LISTEN_MAX = 64, POSTERND_ACCEPTS_PER_TURN = 16, POSTERND_GRANTS_MAX = 32,
	POSTERND_BANNER_MAX = 16000, POSTERND_REFUSALS_TOLD = 64, POSTERND_START_MS = 30000,
	POSTERND_FORWARDS_MAX = 256,	/* forwarded connections of a login at once  */
	POSTERND_SPEC_MAX = 4096,	/* of all -C */
	POSTERND_CERT_SHOWN = 768,	/* a certificate, in a line of the log       */
	POSTERND_REPORTS_PER_TURN = 64 };	/* of a session process */

/* What the command line says. */
struct posternd_options {
	bool foreground;		/* -D */
	bool to_stderr;			/* -e */
	unsigned debug;			/* -d */
	bool test, dump;		/* -t -T */
	char spec[POSTERND_SPEC_MAX + 1];	/* -C, joined by commas; "": none */
	bool inetd;			/* -i */
	const char *file;		/* -f */
	char **argv;			/* to start again with: itself, this file... */
	char exe[4096];
	int cwd;			/* ...from this folder                       */
};

/* A channel of the peer's; hangs on its connection. */
struct channel {
	struct channel *next;
	postern_channel *handle;
	uint64_t id;
	int forward;			/* enum postern_forward_kind; 0: a session   */
	uint64_t question;		/* of its opening, while the session connects */
	bool accepted;			/* the session's, and the peer has not answered */
	bool has_display;
	bool started, sent;		/* a program runs; the session knows of it   */
	char line[ACCOUNT_LINE_MAX];	/* recorded in utmp, or ""                   */
	int32_t pid;
};

/* What a key that this connection showed would permit. */
struct grant {
	struct grant *next;
	bool proven;			/* a step of the login                       */
	char user[ACCOUNT_USER_MAX + 1];
	char fingerprint[128];		/* of what was shown, certificate and all    */
	char plain[128];		/* of the key alone                          */
	char certificate[POSTERND_CERT_SHOWN];	/* as the log has it; "": a plain key */
	char *text;			/* as a .pub file has it; NULL: nobody wants it */
	struct account_grant what;
};

/* Where the session process listens for the peer. */
struct listening {
	struct listening *next;
	uint64_t id, question;		/* question: while it is not bound; else 0   */
	int kind;			/* POSTERN_FORWARDED_TCPIP, _STREAMLOCAL     */
	uint32_t port;			/* bound, or asked for                       */
	char host[SESSION_HOST_MAX + 1];	/* as the peer wrote it; or the path */
};

struct daemon;
struct conn {
	struct daemon *daemon;
	uint32_t slot, generation;
	postern_transport *transport;
	uint64_t id;			/* as in the log */
	char address[ACCOUNT_ADDRESS_MAX], local[ACCOUNT_ADDRESS_MAX];
	uint32_t port, local_port;
	char user[ACCOUNT_USER_MAX + 1];	/* "" before the login               */
	bool no_such_user;		/* of the last attempt                       */
	uint64_t ask, question;		/* to the account helper; 0: none open       */
	bool is_prompted;		/* it is the peer's turn in a conversation   */
	int method;
	char proven[128];		/* when it was asked                         */
	char asked_user[ACCOUNT_USER_MAX + 1], asked_key[128], asked_plain[128],
	    asked_cert[POSTERND_CERT_SHOWN];
	char *asked_text;		/* its owner; as in a grant                  */
	char *auth_info;		/* the steps so far, NULL: nobody wants them */
	struct grant *grants;
	bool is_grant_lost;		/* a step by a key that is not among them    */
	struct account_grant grant;	/* of the login                              */
	const struct conf *conf;	/* the daemon's, or view once Match is judged */
	struct conf view;
	bool is_judged;
	int session;			/* link, or -1                               */
	struct channel *channels;
	unsigned n_channels, n_forwards;	/* sessions; all others              */
	struct listening *listening;
	unsigned n_listening, n_accepted;
	uint64_t listens;		/* their numbers so far                      */
	bool has_agent;			/* its programs may reach the peer's agent   */
	unsigned refusals;		/* told at their own level so far          */
};

struct daemon {
	const struct posternd_options *options;
	struct conf conf;
	postern_context *context;
	postern_server *server;
	int poll, signals, account;
	pid_t account_pid;
	int listeners[POSTERND_LISTEN_MAX];
	size_t n_listeners;
	struct banner *banners;
	struct conn **conns;
	size_t n_slots, n_conns;
	uint32_t generation;
	uint64_t asks;
	bool stop, draining, paused;
	bool is_agent_away;		/* HostKeyAgent's, at the last try           */
	unsigned served;
	int status;
};

/* ---- log (posternd_log.c) --------------------------------------------------------- */

/* level: enum postern_level.  Untrusted text must have gone through _quote. */
void posternd_log_open(int level, int facility, bool to_stderr);
void posternd_log_starting(bool);	/* errors go to stderr too */
void posternd_log(int level, const struct conn *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Everything but plain printable ASCII, and quotes, as \ooo, in a buffer of its own:
 * up to eight results are good at a time. */
const char *posternd_log_quote(const char *text);
/* The same for a name: blanks too, or "root from 192.0.2.1 port 22" would put another
 * address before the peer's own, and who blocks addresses by the log would believe it. */
const char *posternd_log_name(const char *text);
/* The level for a refusal after login, which its peer can bring about as often as it
 * likes: the first few are told, the rest is for debugging. */
int posternd_log_refusal(struct conn *, int level);
/* For postern_context_config.log. */
void posternd_log_library(void *user, const struct postern_log_line *);

/* ---- start ------------------------------------------------------------------------- */

const char *posternd_path_conf(void);		/* the default file */
/* Sockets of every ListenAddress and Port; 0 or -1, told. */
int posternd_listen_open(struct daemon *);
void posternd_listen_close(struct daemon *);
/* Accepts what waits, a bounded number; the peers' names are numbers. */
void posternd_listen_accept(struct daemon *, int listener);
/* One connection, read from in and written to out, which may be the same: takes them.
 * NULL: told, closed. */
struct conn *posternd_conn_open(struct daemon *, int in, int out);

/* The address and port of an end, which get (getpeername, getsockname) tells. */
void posternd_address(int fd, int (*get)(int, struct sockaddr *, socklen_t *),
    char out[ACCOUNT_ADDRESS_MAX], uint32_t *port);

/* The connection of -i; what was on 0 and 1 is gone from there.  Or -errno. */
int posternd_inetd_open(bool keep_stderr, int *in, int *out);

/* Host keys, made if there is none; in test mode nothing is made.  0 or -1, told. */
int posternd_hostkey_load(struct daemon *);

/* ---- posternd_hostagent.c ---- */
struct hostagent {			/* what HostKeyAgent has, until it is a host key */
	postern_key **keys;
	size_t n;
};
/* Empty without HostKeyAgent, or if it cannot be asked, which is told. */
void posternd_hostagent_open(struct daemon *, struct hostagent *);
/* False: path is no public key's, or no agent is configured.  result: 0, or negative and
 * told. */
bool posternd_hostagent_has(struct daemon *, struct hostagent *, const char *path, int *result);
void posternd_hostagent_close(struct hostagent *);

/* ---- connections (posternd_conn.c) ---------------------------------------------------- */

struct conn *posternd_conn_new(struct daemon *, int in, int out);
void posternd_conn_free(struct conn *);
struct conn *posternd_conn_find(struct daemon *, uint32_t slot, uint32_t generation);
/* Ends it now and says why. */
void posternd_conn_end(struct conn *, const char *why);

/* ---- login (posternd_login.c, posternd_methods.c) ----------------------------------------- */

void posternd_login_interface(struct daemon *, struct postern_server_interface *);
/* The helper has something to say.  -1: it is gone. */
int posternd_login_answers(struct daemon *);
/* enum postern_method bits that may come after the comma separated proven ones. */
unsigned posternd_methods_next(const struct conf *, const char *proven);
/* What passing method (one bit) after proven makes: enum postern_answer_code. */
int posternd_methods_pass(const struct conf *, const char *proven, int method);
/* Their names, comma separated. */
void posternd_methods_names(unsigned methods, char out[128]);

/* Bits that any user may be offered, and POSTERN_NONE if that depends on who it is. */
unsigned posternd_methods_offered(const struct conf *);

/* Every Banner that the configuration names (posternd_banner.c). */
void posternd_banner_load(struct daemon *);
void posternd_banner_free(struct daemon *);
/* Its text, or NULL. */
const char *posternd_banner(const struct daemon *, const char *path);

/* A question to the helper, whose kind is filled in: POSTERN_LATER or _REFUSE. */
int posternd_login_ask(struct conn *, void *packet, size_t size, uint32_t kind, uint64_t question,
    const struct postern_login *);

/* Conversations of PAM (posternd_talk.c): answers of the peer's, a code; prompts of the
 * helper's; and the end of one whose peer is gone or begins anew. */
int posternd_talk_reply(struct conn *, uint64_t question, const struct postern_login *);
void posternd_talk_prompts(struct daemon *, const struct account_prompts *);
void posternd_talk_drop(struct conn *);
/* The peer is gone: no check goes on for it, or who comes and goes fills the helper up.
 * But modules of PAM are let finish: some count who failed. */
void posternd_talk_leave(struct conn *);
/* ---- ExposeAuthInfo (posternd_authinfo.c) -------------------------------------------------- */

/* May anybody want to know?  Then what is kept is kept from the first step on. */
bool posternd_authinfo_wanted(const struct conf *);
/* "type base64" of a key or certificate, malloc'd; NULL: no memory. */
char *posternd_authinfo_key(const void *blob, size_t len);
/* A step is passed; key: NULL if it was none. */
void posternd_authinfo_add(struct conn *, const char *method, const char *key);

/* ---- certificates (posternd_certificate.c) ------------------------------------------------- */

const char *posternd_certificate_type(const uint8_t *blob, size_t len);	/* as sshd logs it */
/* What sshd says of a certificate: its key's fingerprint, not its own; whose it is. */
void posternd_certificate_show(const struct postern_certificate *, char *out, size_t size);
/* Every HostCertificate, after the host keys.  One that cannot be used is told and passed
 * over, as in sshd; in test mode -1. */
int posternd_certificate_load(struct daemon *);
/* For the account helper.  False: it is larger than any that could be meant. */
bool posternd_certificate_put(struct account_certificate *, const struct postern_certificate *);

/* ---- sessions (posternd_session.c, posternd_reports.c) -------------------------------------- */

void posternd_session_interface(struct postern_server_interface *);
/* After the login: 0 or -1. */
int posternd_session_start(struct conn *);
/* The connection is over: utmp, link, channels. */
void posternd_session_stop(struct conn *);
/* For postern_context_config.discard: of what a session process has sent. */
void posternd_session_discard(void *user, int fd);
/* The session process has something to say. */
void posternd_session_reports(struct conn *);
/* Sends an order; false: told, and the session can do no more than that. */
bool posternd_session_order(struct conn *, const union session_order *);
/* One that must not be lost: if it is, the session process is ended. */
void posternd_session_tell(struct conn *, const union session_order *);
/* Hangs a new channel on the connection; kind as in struct channel.  NULL: no memory. */
struct channel *posternd_session_add(struct conn *, postern_channel *, int kind);
/* Ours alone goes; or the library's handle with it. */
void posternd_session_drop(struct conn *, struct channel *);
void posternd_session_forget(struct conn *, struct channel *);
struct channel *posternd_session_find(struct conn *, uint64_t id);
void posternd_session_record(struct conn *, const char *line, int32_t pid, bool is_login);

/* ---- forwarding (posternd_forward.c, posternd_forwarded.c) ------------------------------------ */

void posternd_forward_interface(struct postern_server_interface *);
bool posternd_forward_x11(struct conn *);
bool posternd_forward_agent(struct conn *);
/* The peer opens a channel of one of these kinds: an answer code. */
int posternd_forward_open(struct conn *, uint64_t question, postern_channel *,
    const struct postern_forward *, uint32_t *reason);
/* Is anything forwarded at all?  Then a connection needs more channels. */
bool posternd_forward_enabled(const struct conf *);
void posternd_forward_stop(struct conn *);
/* Reports of the session process.  -1: it broke the contract. */
void posternd_forwarded_connected(struct conn *, const struct session_connected *, int *fd);
void posternd_forwarded_listening(struct conn *, const struct session_listening *);
int posternd_forwarded_accepted(struct conn *, const struct session_accepted *, int *fd);
/* The peer has answered the opening of an accepted connection's channel. */
void posternd_forwarded_done(const struct postern_event *);
/* The channel is over, or open: the session may send the next connection. */
void posternd_forwarded_taken(struct conn *, struct channel *);

/* ---- loop (posternd_loop.c) --------------------------------------------------------------- */

enum posternd_source { SOURCE_CONTEXT = 1, SOURCE_SIGNALS, SOURCE_ACCOUNT, SOURCE_LISTENER,
	SOURCE_SESSION };
int posternd_loop_add(struct daemon *, int fd, enum posternd_source, uint32_t slot,
    uint32_t generation);
/* Until it is told to stop, or the last connection of a draining daemon ends. */
void posternd_loop(struct daemon *);
/* SIGHUP: the configuration is read and, if it is good, a new posternd takes over the
 * ports while this one serves the connections it has. */
void posternd_reload(struct daemon *);

/* Reads the configuration anew into *c: number of errors, told to out. */
unsigned posternd_configure(const struct posternd_options *, struct conf *c, FILE *out);

#endif
