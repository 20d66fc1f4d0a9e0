/*
 * postern.h - an SSH transport, client or server, on separated processes.
 *
 * An SSH connection here is a sandboxed worker process that parses packets; the
 * keys and the decisions are in a monitor process; you hold handles to both.
 * A channel's bytes are an ordinary descriptor.
 *
 *   RETURNS    0, or a count, or a positive number where a call says so.  On
 *              failure a negative code: -errno of a system call, or one of
 *              POSTERN_E* below; postern_strerror() names it, and
 *              postern_transport_get_exception() tells the whole story.
 *   TIME       Whatever can wait takes `int timeout_ms`, like poll(2): 0 does not
 *              wait, POSTERN_FOREVER waits without limit.  When time is up the
 *              result is POSTERN_ETIMEOUT; a wait (_next, _accept, _wait_exit) has
 *              lost nothing; a request (_auth_*, _open_*, _exec_command) is
 *              abandoned and its late answer thrown away.
 *   OWNERSHIP  _new and _open give you a handle, _free takes it back and accepts
 *              NULL.  Strings and bytes you pass in are copied; what events and
 *              callbacks show is borrowed until they return.  A descriptor passed
 *              to a call that says "takes" is the library's from then on, also
 *              when the call fails.
 *   SECRETS    Passwords and answers are wiped on our side once they are sent.
 *   THREADS    A context with all that hangs on it belongs to one thread at a
 *              time.  Channel descriptors may be used anywhere.
 *   PROCESS    The library starts helper programs and never forks your process.
 *              No threads, signal handlers, SIGCHLD, SIGPIPE, atexit, stdio,
 *              locale or environment; every descriptor is close-on-exec.  The
 *              monitor is a child of yours: waitpid(-1) may reap it, unharmed.  After
 *              fork(2), calls in the child return POSTERN_EFORKED; there
 *              postern_context_atfork() gives the memory and descriptors back.
 *   DEFAULTS   What you do not answer is refused.  No host key is accepted by
 *              omission.  Structs begin with `size`; zero means the default.
 *
 * Names follow paramiko's Transport and the RFCs; numbers in brackets below are
 * RFC sections.
 */
#ifndef POSTERN_H
#define POSTERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define POSTERN_API __attribute__((visibility("default")))
#define POSTERN_CHECKED __attribute__((visibility("default"), warn_unused_result))
#else
#define POSTERN_API
#define POSTERN_CHECKED
#endif

#define POSTERN_FOREVER (-1)

typedef struct postern_context   postern_context;	/* a monitor, and all it serves  */
typedef struct postern_key       postern_key;		/* a private key, held by it     */
typedef struct postern_server    postern_server;	/* a server's policy and sockets */
typedef struct postern_transport postern_transport;	/* a connection                  */
typedef struct postern_channel   postern_channel;	/* a channel of it               */

/* ---- errors -------------------------------------------------------------------- */

enum postern_error {
	POSTERN_ETIMEOUT  = -10001,	/* see TIME; or a phase's own deadline           */
	POSTERN_ECLOSED   = -10002,	/* it ended in good order: a side said goodbye   */
	POSTERN_ECUT      = -10003,	/* the network ended it: reset, EOF, silence; of */
					/* a channel: its connection ended before it     */
	POSTERN_EPROTO    = -10004,	/* the peer broke the protocol                   */
	POSTERN_ENOMATCH  = -10005,	/* no algorithm in common                        */
	POSTERN_EHOSTKEY  = -10006,	/* host key unknown, changed or revoked          */
	POSTERN_EAUTH     = -10007,	/* login refused                                 */
	POSTERN_EREFUSED  = -10008,	/* the peer refused a channel or a request       */
	POSTERN_EWORKER   = -10009,	/* our worker died                               */
	POSTERN_EMONITOR  = -10010,	/* our monitor died or is of another build       */
	POSTERN_ESTATE    = -10011,	/* not possible at this point                    */
	POSTERN_ELIMIT    = -10012,	/* a configured limit                            */
	POSTERN_EFORKED   = -10013,	/* used in a forked child                        */
	POSTERN_EKEY      = -10014,	/* a key file: see postern_key_problem           */
	POSTERN_ESANDBOX  = -10015	/* a required sandbox layer is not to be had     */
};
POSTERN_API const char *postern_strerror(int code);	/* static, never NULL */

enum postern_side { POSTERN_LOCAL = 1, POSTERN_PEER = 2, POSTERN_SYSTEM = 3 };

/* Why a transport ended, or the last call on it failed (paramiko's
 * get_exception).  Strings are borrowed until the next call on the transport. */
struct postern_exception {
	size_t size;
	int code;			/* enum postern_error or -errno; 0: nothing      */
	const char *phase;		/* banner, kex, auth, open, rekey, close, start  */
	int side;			/* enum postern_side: who caused it              */
	const char *text;		/* one sentence                                  */
	int is_claim;			/* 1: text is the worker's word, not checked     */
	uint32_t disconnect;		/* RFC 4253 11.1 code, 0 if none                 */
	const char *ours, *theirs;	/* POSTERN_ENOMATCH: the two lists, else ""      */
	int signal;			/* POSTERN_EWORKER: what killed it, 0 unknown    */
};
#define POSTERN_EXCEPTION { sizeof(struct postern_exception), 0, "", 0, "", 0, 0, "", "", 0 }

/* ---- context --------------------------------------------------------------------- */

enum postern_level { POSTERN_ERROR = 1, POSTERN_INFO = 2, POSTERN_VERBOSE = 3,
	POSTERN_DEBUG = 4 };
/* Sandbox layers, as bits. */
enum postern_layer {
	POSTERN_SECCOMP = 1, POSTERN_NO_NEW_PRIVS = 2, POSTERN_NO_CAPS = 4,
	POSTERN_RLIMITS = 8, POSTERN_NOT_DUMPABLE = 16, POSTERN_UID = 32,
	POSTERN_EMPTY_ROOT = 64, POSTERN_USERNS = 128, POSTERN_NETNS = 256,
	POSTERN_MOUNTNS = 512, POSTERN_IPCNS = 1024, POSTERN_LANDLOCK = 2048,
	POSTERN_MDWE = 4096
};

struct postern_context_config {
	size_t size;
	const char *helper_dir;		/* NULL: as built.  Never from the environment   */
	unsigned startups_begin, startups_rate, startups_full;	/* 10, 30, 100           */
	unsigned connections_max;	/* 10000                                         */
	unsigned spares;		/* workers waiting in advance; 2                 */
	uint32_t worker_uid, worker_gid;/* as root: who workers are; a built-in number   */
	unsigned layers_required;	/* fail without these, besides the usual ones    */
	int log_level;			/* enum postern_level; POSTERN_INFO              */
	/* One line per fact, without newline.  conn is 0 if it concerns none.  Called
	 * on your thread, inside calls of this library. */
	void (*log)(void *user, int level, uint64_t conn, const char *peer,
	    const char *line);
	void *user;
};
#define POSTERN_CONTEXT_CONFIG { sizeof(struct postern_context_config), 0, 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0, 0 }

/* Starts the monitor.  cfg may be NULL. */
POSTERN_CHECKED int postern_context_new(postern_context **ctx,
    const struct postern_context_config *cfg, int timeout_ms);
/* Ends and frees all that hangs on it: servers, transports, channels, keys.  Not
 * inside a callback. */
POSTERN_API void postern_context_free(postern_context *);
POSTERN_API void postern_context_atfork(postern_context *);	/* in a forked child         */
/* Readable when postern_next has something to do.  Poll it, never read it. */
POSTERN_API int postern_context_fd(const postern_context *);
/* What protects a worker: bits, and a line for people.  POSTERN_ESTATE before the
 * first server or start call.  -ERANGE: line is too short; 512 suffices. */
POSTERN_CHECKED int postern_context_describe(postern_context *, unsigned *layers,
    char *line, size_t size);
POSTERN_API int postern_context_monitor_pid(const postern_context *);
POSTERN_API int postern_context_zygote_pid(const postern_context *);

/* ---- keys -------------------------------------------------------------------------- */

enum postern_key_problem_code { POSTERN_KEY_FINE = 0, POSTERN_KEY_NEEDS_PASSPHRASE = 1,
	POSTERN_KEY_WRONG_PASSPHRASE = 2, POSTERN_KEY_UNSUPPORTED = 3,
	POSTERN_KEY_DAMAGED = 4, POSTERN_KEY_NOT_A_KEY = 5 };

/* Loads a private key file (OpenSSH format) into the monitor.  Takes fd.
 * passphrase may be NULL.  POSTERN_EKEY: postern_context_key_problem() says what. */
POSTERN_CHECKED int postern_key_load(postern_key **, postern_context *, int fd,
    const char *passphrase, int timeout_ms);
POSTERN_API int postern_context_key_problem(const postern_context *);
POSTERN_API void postern_key_free(postern_key *);	/* the monitor forgets it */
POSTERN_API const char *postern_key_algorithm(const postern_key *);
POSTERN_API const char *postern_key_comment(const postern_key *);
POSTERN_API const void *postern_key_blob(const postern_key *, size_t *len);
/* "SHA256:..." of any public key blob.  Writes at most size bytes with the NUL;
 * -ERANGE: too few, 64 suffices. */
POSTERN_CHECKED int postern_fingerprint(const void *blob, size_t len, char *out, size_t size);

/* A host key of the context (paramiko's add_server_key): one per type, a second
 * replaces the first.  Not after the first server has started. */
POSTERN_CHECKED int postern_context_add_server_key(postern_context *, int fd,
    const char *passphrase, int timeout_ms);
/* Public halves of those, i from 0; NULL at the end. */
POSTERN_API const char *postern_context_get_server_key(const postern_context *, size_t i,
    const void **blob, size_t *len);

/* ---- algorithms and limits, common to both roles ------------------------------------ */

/* Lists in order of preference, comma separated; NULL is the default; a list that
 * begins with + - or ^ edits it, as in sshd_config(5).  An unknown name fails the
 * call with -EINVAL and is named by the exception's text, or for a server in the log. */
struct postern_options {
	size_t size;
	const char *version;		/* software version; default "Postern_x.y"        */
	const char *kex, *host_keys, *signatures, *ciphers, *macs;
	int banner_ms, kex_ms, login_ms, rekey_ms, close_ms; /* 15 s, 30 s, 120 s, 60 s, 5 s;
					 * -1: none                                       */
	uint64_t rekey_bytes;		/* 0: what the cipher allows                     */
	uint32_t rekey_packets;
	int rekey_interval_ms;		/* 0: none                                       */
	unsigned rekey_burst, rekey_per_second;	/* RekeyQuota: 32, 2                     */
	int alive_interval_ms;		/* 0: no keepalive                               */
	unsigned alive_max;		/* 3                                             */
	unsigned channel_max;		/* 10 on a server, 64 on a client                */
	uint32_t window, window_sum;	/* 2 MiB, 16 MiB                                 */
};
#define POSTERN_OPTIONS { sizeof(struct postern_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

enum postern_list { POSTERN_KEX = 1, POSTERN_HOST_KEYS, POSTERN_SIGNATURES,
	POSTERN_CIPHERS, POSTERN_MACS };
/* The supported names of a list, in the default order.  Static. */
POSTERN_API const char *postern_supported(int list);
/* Checks and edits a list as above; -EINVAL: out holds the unknown name; -ERANGE: the
 * result does not fit. */
POSTERN_CHECKED int postern_edit_list(int list, const char *edit, char *out, size_t size);

/* ---- server -------------------------------------------------------------------------- */

/* What a question may be answered with. */
enum postern_answer_code {
	POSTERN_REFUSE = 0,
	POSTERN_ACCEPT = 1,
	POSTERN_PARTIAL = 2,		/* login: this step is passed, more is needed    */
	POSTERN_LATER = 3		/* call postern_answer() with the question       */
};

enum postern_method { POSTERN_NONE = 1, POSTERN_PASSWORD = 2, POSTERN_PUBLICKEY = 4,
	POSTERN_INTERACTIVE = 8 };

struct postern_login {			/* a login step, as the monitor asks it          */
	size_t size;
	const char *user;
	int method;			/* enum postern_method                           */
	const char *proven;		/* methods passed so far, comma separated        */
	const char *password;		/* POSTERN_PASSWORD                              */
	const char *algorithm;		/* POSTERN_PUBLICKEY                             */
	const void *key;		/* its blob: asked once per key and connection;  */
	size_t key_len;			/* ACCEPT means "good if proven", not "logged in" */
	const char *submethods;		/* POSTERN_INTERACTIVE                           */
	size_t n_answers;		/* of a round of prompts; 0 with answers NULL:   */
	const char *const *answers;	/* the first question                            */
	/* To be set by the callback: */
	const char *methods;		/* REFUSE, PARTIAL: what may continue; NULL: all offered */
};
struct postern_prompt { const char *text; int echo; };
struct postern_prompts {
	size_t size;
	const char *name, *instruction;
	size_t n;
	const struct postern_prompt *prompts;
};
#define POSTERN_PROMPTS { sizeof(struct postern_prompts), 0, 0, 0, 0 }

enum postern_request { POSTERN_REQ_PTY = 1, POSTERN_REQ_ENV, POSTERN_REQ_SHELL,
	POSTERN_REQ_EXEC, POSTERN_REQ_SUBSYSTEM, POSTERN_REQ_WINDOW_CHANGE,
	POSTERN_REQ_SIGNAL, POSTERN_REQ_BREAK, POSTERN_REQ_OTHER };
struct postern_channel_request {	/* [RFC 4254 6] fields of its kind, others 0     */
	size_t size;
	int kind;			/* enum postern_request                          */
	const char *name;		/* term, variable, command, subsystem, signal, or kind */
	const char *value;		/* variable                                      */
	uint32_t columns, rows, width, height, break_ms;
	const void *data;		/* PTY: terminal modes [8]; OTHER: payload       */
	size_t data_len;
};

/* The policy (paramiko's ServerInterface).  NULL refuses.  Called inside
 * postern_next and blocking calls, on your thread. */
struct postern_server_interface {
	size_t size;
	void *user;
	/* Ends the whole login with ACCEPT, or a step of it with PARTIAL. */
	int (*check_auth)(void *user, postern_transport *, uint64_t question,
	    struct postern_login *);
	/* After the proof: who it is.  The only place that knows a login.  algorithm and
	 * key are of its last public key, else "" and NULL. */
	void (*verified_login)(void *user, postern_transport *, const char *name,
	    const char *methods, const char *algorithm, const void *key, size_t key_len);
	/* For the log: an attempt that was judged.  verdict: postern_answer_code. */
	void (*auth_attempt)(void *user, postern_transport *, const char *name,
	    const char *method, const char *fingerprint, int verdict, unsigned failures);
	/* The peer opens a channel [RFC 4254 5.1].  On REFUSE *reason may be set. */
	int (*check_channel_open)(void *user, postern_transport *, uint64_t question,
	    postern_channel *, const char *kind, const void *extra, size_t len,
	    uint32_t *reason);
	/* A request for a channel.  For shell, exec and subsystem: give it descriptors
	 * (postern_channel_take_*, or else it gets postern_channel_fd()) and ACCEPT.
	 * Window changes and signals are only told: question 0, the result is ignored. */
	int (*check_channel_request)(void *user, postern_channel *, uint64_t question,
	    const struct postern_channel_request *);
	int (*check_global_request)(void *user, postern_transport *, uint64_t question,
	    const char *kind, const void *data, size_t len);
	void (*channel_eof)(void *user, postern_channel *);
	void (*channel_closed)(void *user, postern_channel *);	/* free it here or later */
	/* The last callback about a transport; free it here or later.  Only a
	 * connection of a listening socket that ends before its login frees itself when
	 * this returns: it has no event, and accept never showed it. */
	void (*transport_closed)(void *user, postern_transport *,
	    const struct postern_exception *);
};
#define POSTERN_SERVER_INTERFACE { sizeof(struct postern_server_interface), 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0 }

struct postern_server_config {
	size_t size;
	unsigned methods;		/* offered: enum postern_method bits; PUBLICKEY  */
	const char *banner;		/* shown before login, or NULL                   */
	unsigned tries_max;		/* failures until the end; 6                     */
	int fail_delay_ms;		/* no refusal comes sooner; 50, -1 for none      */
	const struct postern_options *options;
};
#define POSTERN_SERVER_CONFIG { sizeof(struct postern_server_config), 0, 0, 0, 0, 0 }

/* POSTERN_ESTATE: no host key has been added.  Both structs are copied;
 * interface->user is yours. */
POSTERN_CHECKED int postern_server_new(postern_server **, postern_context *,
    const struct postern_server_config *, const struct postern_server_interface *,
    int timeout_ms);
POSTERN_API void postern_server_free(postern_server *);	/* its transports live on */
/* Accepts connections from a listening stream socket while postern_next runs.
 * Takes fd. */
POSTERN_CHECKED int postern_server_listen(postern_server *, int fd);
/* Stops accepting and closes the listening sockets. */
POSTERN_API void postern_server_stop(postern_server *);
/* Next transport that has logged in; answers questions meanwhile. */
POSTERN_CHECKED int postern_server_accept(postern_server *, postern_transport **,
    int timeout_ms);
/* Answers a question that was put off.  POSTERN_ESTATE: too late, it is gone.
 * methods as in struct postern_login; NULL where it does not apply. */
POSTERN_CHECKED int postern_answer(postern_transport *, uint64_t question, int answer,
    const char *methods);
/* Keyboard-interactive: another round of prompts instead of an answer; call it in
 * check_auth (which then returns POSTERN_LATER) or afterwards. */
POSTERN_CHECKED int postern_answer_prompts(postern_transport *, uint64_t question,
    const struct postern_prompts *);

/* ---- client --------------------------------------------------------------------------- */

enum postern_trust { POSTERN_TRUST_UNKNOWN = 1, POSTERN_TRUST_CHANGED = 2,
	POSTERN_TRUST_REVOKED = 3 };
struct postern_host_key {		/* what is asked about a host key                */
	size_t size;
	int trust;			/* enum postern_trust                            */
	const char *host;		/* as known_hosts writes it                      */
	const char *algorithm;
	const void *key;
	size_t key_len;
	const char *fingerprint;
	const char *line;		/* to append to known_hosts on acceptance        */
	unsigned clash_line, clash_file;/* where the other key stands; file counted from 0 */
};
struct postern_client_interface {
	size_t size;
	void *user;
	/* Not among the trusted keys.  NULL, or anything but ACCEPT: refused. */
	int (*check_host_key)(void *user, postern_transport *, uint64_t question,
	    const struct postern_host_key *);
	void (*banner)(void *user, postern_transport *, const char *text);
	/* Keyboard-interactive: fill answers (each malloc'd: freed and wiped by us) and
	 * return POSTERN_ACCEPT; anything else gives the login up. */
	int (*answer_prompts)(void *user, postern_transport *, const struct postern_prompts *,
	    char **answers);
	/* A channel opened, or request made, by the server. */
	int (*check_channel_open)(void *user, postern_transport *, uint64_t question,
	    postern_channel *, const char *kind, const void *extra, size_t len,
	    uint32_t *reason);
	void (*channel_closed)(void *user, postern_channel *);
	void (*transport_closed)(void *user, postern_transport *,
	    const struct postern_exception *);
};
#define POSTERN_CLIENT_INTERFACE { sizeof(struct postern_client_interface), 0, 0, 0, 0, 0, 0, 0 }

struct postern_client_config {
	size_t size;
	const char *host;		/* for known_hosts, without port or brackets;    */
					/* required unless host_key                      */
	unsigned port;			/* 22                                            */
	const int *known_hosts;		/* opened files; taken.  None: every key is unknown */
	size_t n_known_hosts;
	int hash_known_hosts;		/* write the line of a new host hashed           */
	const void *host_key;		/* exactly this key blob, instead of files       */
	size_t host_key_len;
	const struct postern_options *options;
	struct postern_client_interface interface;
};
#define POSTERN_CLIENT_CONFIG { sizeof(struct postern_client_config), 0, 0, 0, 0, 0, 0, 0, 0, \
	POSTERN_CLIENT_INTERFACE }

/* ---- transport -------------------------------------------------------------------------- */

/* A transport over a connected stream descriptor.  Takes fd.  Nothing is read or
 * written before a start call. */
POSTERN_CHECKED int postern_transport_new(postern_transport **, postern_context *, int fd);
/* Ends it now and frees its channels too; no callback and no event follows. */
POSTERN_API void postern_transport_free(postern_transport *);

/* Negotiates a session; returns when keys are in use, and in a client when the
 * host key is verified.  The async twin completes as POSTERN_EVENT_STARTED. */
POSTERN_CHECKED int postern_transport_start_client(postern_transport *,
    const struct postern_client_config *, int timeout_ms);
POSTERN_CHECKED int postern_transport_start_client_async(postern_transport *,
    const struct postern_client_config *);
POSTERN_CHECKED int postern_transport_start_server(postern_transport *, postern_server *,
    int timeout_ms);
POSTERN_CHECKED int postern_transport_start_server_async(postern_transport *, postern_server *);

/* Login.  0: logged in.  1: this step is passed, more is needed.  POSTERN_EAUTH:
 * refused.  In the last two cases postern_transport_auth_methods() lists what may
 * continue. */
POSTERN_CHECKED int postern_transport_auth_none(postern_transport *, const char *user,
    int timeout_ms);
POSTERN_CHECKED int postern_transport_auth_password(postern_transport *, const char *user,
    const char *password, int timeout_ms);
POSTERN_CHECKED int postern_transport_auth_publickey(postern_transport *, const char *user,
    const postern_key *, int timeout_ms);
/* Would the server take this public key?  0 yes, POSTERN_EAUTH no. */
POSTERN_CHECKED int postern_transport_probe_publickey(postern_transport *, const char *user,
    const char *algorithm, const void *blob, size_t len, int timeout_ms);
/* Prompts go to the interface's answer_prompts. */
POSTERN_CHECKED int postern_transport_auth_interactive(postern_transport *, const char *user,
    const char *submethods, int timeout_ms);
/* Comma separated; "" before the first answer. */
POSTERN_API const char *postern_transport_auth_methods(const postern_transport *);

POSTERN_API int postern_transport_is_active(const postern_transport *);
POSTERN_API int postern_transport_is_authenticated(const postern_transport *);
/* NULL until the login is proven, in both roles. */
POSTERN_API const char *postern_transport_get_username(const postern_transport *);
POSTERN_API const char *postern_transport_getpeername(const postern_transport *);
POSTERN_API uint64_t postern_transport_id(const postern_transport *);	/* as in the log; from its start on */
POSTERN_API int postern_transport_worker_pid(const postern_transport *);
/* The worker's own report on its sandbox: a claim. */
POSTERN_API const char *postern_transport_worker_report(const postern_transport *);
POSTERN_API void *postern_transport_user(const postern_transport *);	/* yours */
POSTERN_API void postern_transport_set_user(postern_transport *, void *);

struct postern_agreement {
	size_t size;
	const char *kex, *host_key;	/* the monitor's own knowledge                   */
	const char *cipher_c2s, *cipher_s2c, *mac_c2s, *mac_s2c;	/* claims        */
	const char *peer_version;	/* a claim                                       */
	int strict_kex;
	uint64_t exchanges;		/* key exchanges that the monitor has signed or checked */
};
#define POSTERN_AGREEMENT { sizeof(struct postern_agreement), 0, 0, 0, 0, 0, 0, 0, 0, 0 }
POSTERN_CHECKED int postern_transport_get_agreement(const postern_transport *,
    struct postern_agreement *);
/* The server's public key blob, verified; NULL before. */
POSTERN_API const void *postern_transport_get_remote_server_key(const postern_transport *,
    size_t *len);

/* New keys now; returns when they are in use both ways. */
POSTERN_CHECKED int postern_transport_renegotiate_keys(postern_transport *, int timeout_ms);
/* SSH_MSG_IGNORE with bytes random bytes, 0: 10 to 41. */
POSTERN_CHECKED int postern_transport_send_ignore(postern_transport *, unsigned bytes);
/* A global request [RFC 4254 4].  0, or POSTERN_EREFUSED. */
POSTERN_CHECKED int postern_transport_global_request(postern_transport *, const char *kind,
    const void *data, size_t len, int timeout_ms);
/* Says SSH_MSG_DISCONNECT and waits for the end; idempotent. */
POSTERN_CHECKED int postern_transport_close(postern_transport *, int timeout_ms);
/* Fetches and clears. */
POSTERN_CHECKED int postern_transport_get_exception(postern_transport *,
    struct postern_exception *);

/* ---- channels ----------------------------------------------------------------------------- */
/*
 * A channel's data is a descriptor.  postern_channel_fd() is an AF_UNIX stream
 * socket: read, write, poll, splice, dup2, posix_spawn work; read 0 is the peer's
 * EOF; shutdown(fd, SHUT_WR) is ours.  While any copy of it is open in any process
 * of yours the worker sees no end: close your copy after giving it to a child, or
 * use postern_channel_take_fd().  Read 0 alone does not say that the output is
 * whole: ask postern_channel_recv_exit_status() or the transport's exception.
 */
POSTERN_CHECKED int postern_transport_open_session(postern_transport *, postern_channel **,
    int timeout_ms);
POSTERN_CHECKED int postern_transport_open_channel(postern_transport *, postern_channel **,
    const char *kind, const void *extra, size_t len, int timeout_ms);
/* Next channel that the peer opened and the interface granted. */
POSTERN_CHECKED int postern_transport_accept(postern_transport *, postern_channel **,
    int timeout_ms);
POSTERN_API void postern_channel_free(postern_channel *);	/* closes it */

POSTERN_API int postern_channel_fd(postern_channel *);		/* borrowed; -errno       */
POSTERN_API int postern_channel_stderr_fd(postern_channel *);	/* client: separate stderr, must be
								 * asked for before shell or exec;
								 * without it stderr is merged */
POSTERN_CHECKED int postern_channel_take_fd(postern_channel *);	/* yours; -errno          */

/* Server: descriptors of your own making for the data, instead of
 * postern_channel_fd(): a pty master, or three pipe ends (the worker writes in,
 * reads out and err), or a stream socket.  Made for this purpose only; they are
 * set O_NONBLOCK; takes them. */
POSTERN_CHECKED int postern_channel_take_pty(postern_channel *, int master);
POSTERN_CHECKED int postern_channel_take_pipes(postern_channel *, int in, int out, int err);
POSTERN_CHECKED int postern_channel_take_socket(postern_channel *, int socket);

/* Client requests [RFC 4254 6].  POSTERN_EREFUSED: the server said no. */
POSTERN_CHECKED int postern_channel_get_pty(postern_channel *, const char *term,
    uint32_t columns, uint32_t rows, uint32_t width, uint32_t height,
    const void *modes, size_t modes_len, int timeout_ms);
POSTERN_CHECKED int postern_channel_set_environment_variable(postern_channel *,
    const char *name, const char *value);	/* no reply is asked for */
POSTERN_CHECKED int postern_channel_invoke_shell(postern_channel *, int timeout_ms);
POSTERN_CHECKED int postern_channel_exec_command(postern_channel *, const char *command,
    int timeout_ms);
POSTERN_CHECKED int postern_channel_invoke_subsystem(postern_channel *, const char *name,
    int timeout_ms);
POSTERN_CHECKED int postern_channel_resize_pty(postern_channel *, uint32_t columns,
    uint32_t rows, uint32_t width, uint32_t height);
POSTERN_CHECKED int postern_channel_send_signal(postern_channel *, const char *name);
POSTERN_CHECKED int postern_channel_send_break(postern_channel *, uint32_t ms, int timeout_ms);

/* How the remote program ended.  Waits for status and for the channel's end, so 0
 * also means that the output was whole.  The channel does not end before its data
 * is read: read first.  POSTERN_ECUT and the like: it was not whole.
 * POSTERN_ECLOSED: the channel ended in order, but without a status. */
struct postern_exit {
	size_t size;
	int status;			/* exit status, -1 if it died from a signal      */
	char signal[32];		/* without SIG: "TERM", "" if none               */
	int core_dumped;
	char text[256];
};
#define POSTERN_EXIT { sizeof(struct postern_exit), 0, "", 0, "" }
POSTERN_CHECKED int postern_channel_recv_exit_status(postern_channel *,
    struct postern_exit *, int timeout_ms);
/* Server: how it ended.  The worker sends the rest of the data, EOF and CLOSE. */
POSTERN_CHECKED int postern_channel_send_exit_status(postern_channel *, uint32_t status);
POSTERN_CHECKED int postern_channel_send_exit_signal(postern_channel *, const char *name,
    int core_dumped, const char *text);
POSTERN_CHECKED int postern_channel_close(postern_channel *);	/* SSH CLOSE, now */
POSTERN_API uint64_t postern_channel_id(const postern_channel *);
POSTERN_API postern_transport *postern_channel_get_transport(const postern_channel *);
POSTERN_API void *postern_channel_user(const postern_channel *);	/* yours */
POSTERN_API void postern_channel_set_user(postern_channel *, void *);

/* ---- events --------------------------------------------------------------------------------- */

enum postern_event_type {
	POSTERN_EVENT_STARTED = 1,	/* an async start is done: result                */
	POSTERN_EVENT_LOGIN,		/* transport is authenticated, in either role    */
	POSTERN_EVENT_CHANNEL,		/* the peer opened channel, and it was granted   */
	POSTERN_EVENT_EXIT,		/* channel: exit status or signal is there       */
	POSTERN_EVENT_CHANNEL_CLOSED,
	POSTERN_EVENT_END		/* transport is over: result; get_exception      */
};
struct postern_event {
	size_t size;
	int type;			/* enum postern_event_type                       */
	postern_server *server;
	postern_transport *transport;
	postern_channel *channel;
	int result;
};
#define POSTERN_EVENT { sizeof(struct postern_event), 0, 0, 0, 0, 0 }

/* Does what there is to do (accepts, asks the interfaces) and returns 1 with the
 * next event, or POSTERN_ETIMEOUT, or -EINTR after a signal of yours (as does
 * postern_server_accept; requests wait on).  Ignored events lose nothing but
 * themselves.  POSTERN_EMONITOR: nothing will come any more. */
POSTERN_CHECKED int postern_next(postern_context *, struct postern_event *, int timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
