/*
 * api.h - what the files of the application side (privsep/api_*.c) share.
 *
 * This code runs in the host program: it may have threads, be root and be full of
 * secrets.  It trusts its caller and the monitor; of the monitor it checks every
 * message all the same, and a worker it trusts no more than the network.  It never
 * exits, aborts, prints, blocks without a deadline, or touches signals, locale and
 * environment.
 *
 * Callbacks run only inside api_loop_turn.  A handle that its owner frees in there
 * is marked, and its memory goes when no turn is under way and no blocking call waits
 * for it, so neither is left with a dangling pointer: after a callback, look at
 * is_freed.
 */
#ifndef PRIVSEP_API_H
#define PRIVSEP_API_H

#include <stdarg.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "include/postern.h"
#include "ipc/ipc.h"

enum {
	API_EVENTS = 64,		/* of one epoll_wait                               */
	API_DEPTH_MAX = 8,		/* blocking calls inside callbacks inside...       */
	API_BUCKETS = 1024,		/* of the table of transports                      */
	API_QUESTIONS_MAX = 128,	/* open at once, per transport                     */
	API_CHANNELS_SPARE = 1024,	/* handles over channel_max that are not freed yet */
	API_CALLS_MAX = 1024,		/* per transport; those of the context as well     */
	API_OUT_MAX = 2048,		/* messages that wait for a reader, per link       */
	API_OUT_BYTES = 1024 * 1024,
	API_TAKES_MAX = 8,		/* TAKE_* that a worker has not received, per link */
	API_MONITOR_BATCH = 16,		/* messages of the monitor per turn                */
	API_DRAIN_MAX = 4096,		/* messages a dead worker may have left            */
	API_ACCEPT_BATCH = 16,		/* connections per listener and turn               */
	API_PAUSE_MS = 100,		/* without descriptors: until the next accept      */
	API_STOP_MS = 2000,		/* the monitor has this long to end                */
	API_PROMPTS_MAX = 256,
	API_LIST_MAX = 2048,		/* as in NEW                                       */
	API_BANNER_MAX = 16384,
	API_PEER_MAX = 64,
	API_COMPRESSION_MAX = 256,	/* as in NEW                                       */
	API_LOG_NAME_MAX = 64,		/* of a log channel                                */
	API_LOOK_MS = 20,		/* at a struct postern_io without a descriptor     */
	API_LINE_MAX = 2048,		/* of the log                                      */
	API_HOST_MAX = 1024,		/* of a forward, as in FORWARD_ASK                 */
	API_FORWARDS_MAX = 128,		/* that listen for one transport                   */
	API_KIND_SHOWN = 80,		/* a channel's kind, quoted                        */
	API_PROGRAMS_MAX = 1024,	/* that serve subsystems, in a context             */
};
#define API_OURS (UINT64_C(1) << 63)	/* chan: opened by the application */

/* ---- time (api_loop.c) ---- */
struct api_deadline { int64_t at_ms; };	/* -1: none */
struct api_deadline api_deadline_in(int timeout_ms);
int api_deadline_left(struct api_deadline);	/* as epoll_wait wants it */

/* ---- links (api_link.c) ---- */
enum api_kind { API_MONITOR = 1, API_CHILD, API_TIMER, API_LISTENER, API_WORKER, API_IO,
	API_PROGRAM, API_DIAL, API_SFTP };

struct api_out {			/* a message that waits for its reader */
	TAILQ_ENTRY(api_out) next;
	size_t n, nfds;
	int fds[IPC_FDS_MAX];
	uint8_t bytes[];
};
struct api_link {
	postern_context *ctx;
	int fd;				/* -1: none */
	enum api_kind kind;
	uint64_t id;
	struct ipc_once once;
	TAILQ_HEAD(, api_out) out;
	size_t out_count, out_bytes;
	unsigned takes;			/* sent to a worker, not yet TAKEN */
};
void api_link_init(struct api_link *, postern_context *, enum api_kind, uint64_t id);
int api_link_open(struct api_link *, int fd);	/* takes fd */
void api_link_close(struct api_link *);
/* 0, now or later; -EMSGSIZE: a field is too long; -ENOBUFS: the reader does not
 * read; other -errno: the link is gone.  Descriptors stay the caller's. */
int api_link_send(struct api_link *, struct wr *, const int *fds, size_t nfds, unsigned flags);
void api_link_flush(struct api_link *);		/* the reader has room again */
bool api_link_taken(struct api_link *);		/* TAKEN; false: for nothing that was sent */
/* The worker knows this channel no more: descriptors that wait for it are of no use. */
void api_link_withdraw(struct api_link *, uint64_t chan);

#define MSG(link, NAME, id, phases, kex, flags) static inline int \
	api_send_##NAME(struct api_link *l, const struct ipc_##NAME *m) { \
	uint8_t buf[IPC_MAX_##NAME]; \
	int fds[IPC_FDS_MAX] = { -1, -1, -1 }; \
	struct wr w = wr_of(buf, sizeof(buf)); \
	ipc_put_##NAME(&w, fds, m); \
	return api_link_send(l, &w, fds, IPC_NFDS_##NAME, flags); }
#include "ipc/messages.def"

/* ---- events (api_loop.c) ---- */
enum api_pending {			/* in order of delivery */
	API_PENDING_DONE = 1, API_PENDING_LOGIN = 2,
	API_PENDING_CHANNEL = 4, API_PENDING_EXIT = 8, API_PENDING_CLOSED = 16,
	API_PENDING_END = 32,
};
/* The shelf of undelivered events is a list of the handles and calls concerned, so it
 * is bounded by their number and nothing on it can be lost for want of room. */
struct api_item {
	TAILQ_ENTRY(api_item) next;
	unsigned pending;
	postern_transport *transport;	/* one of the three */
	postern_channel *channel;
	struct api_call *call;
};
void api_shelf_put(postern_context *, struct api_item *, enum api_pending);
void api_shelf_drop(postern_context *, struct api_item *, unsigned pending);

/* ---- questions to the application (api_question.c) ---- */
enum api_question_kind { API_ASK_LOGIN = 1, API_ASK_HOST_KEY, API_ASK_OPEN,
	API_ASK_REQUEST, API_ASK_GLOBAL, API_ASK_PROMPTS, API_ASK_LISTEN };
struct api_question {
	LIST_ENTRY(api_question) next;
	enum api_question_kind kind;
	uint64_t id;			/* ours, as the application names it */
	uint64_t theirs;		/* 0: no answer is wanted            */
	uint64_t chan;
	bool starts;			/* shell, exec, subsystem            */
	bool is_interactive, is_password;	/* prompts, or the wish for a new one, may answer it */
	size_t n_prompts;		/* API_ASK_PROMPTS: so many answers  */
	uint32_t reason;		/* API_ASK_OPEN put off: of a refusal */
	int forward;			/* API_ASK_LISTEN: enum postern_forward_kind... */
	char *host;			/* ...and what it is to listen on    */
	uint32_t port;
};

/* ---- calls (api_call.c) ---- */
/* Who may complete it: a worker only API_CALL_WORKER, whatever number it names. */
enum api_call_kind { API_CALL_WORKER = 1, API_CALL_OPEN, API_CALL_START, API_CALL_LOGIN,
	API_CALL_CLOSE, API_CALL_KEY, API_CALL_AGENT, API_CALL_MODULI, API_CALL_REVOKED,
	API_CALL_CERT, API_CALL_HOST, API_CALL_CONTEXT, API_CALL_SERVE, API_CALL_SFTP };
/*
 * A call to monitor or worker.  It has a number that is never used again and completes
 * exactly once.  The pair of public calls that every one has is
 *	static int x_begin(..., struct api_call **);
 *	x() { x_begin, api_call_end }   x_async() { x_begin, api_call_detach }
 */
struct api_call {
	TAILQ_ENTRY(api_call) next;	/* of the transport, or of the context */
	struct api_item item;		/* async and complete: on the shelf */
	enum api_call_kind kind;
	uint64_t id;
	postern_context *ctx;
	postern_transport *t;		/* NULL: of the context */
	postern_channel *channel;	/* NULL: of the transport */
	bool is_async, is_done;
	/* what it came to */
	int result;
	uint64_t value;
	uint8_t *data;			/* the answer's payload, a copy */
	size_t data_len;
	postern_key *key;		/* the call's until it is taken, as the next */
	postern_transport *made;
	/* API_CALL_WORKER: runs before the call completes, with result and data set, and
	 * may change these and value.  It must not call the application. */
	void (*answered)(struct api_call *, bool ok, struct span payload);
	/* It is about to come to result: what it comes to.  Called once; it must not call the
	 * application. */
	int (*ending)(struct api_call *, int result);
	/* It has come to 0, and that was a step of it: called once, it begins the next, may set
	 * this again, and gives 0; or what it came to instead.  It must not call the
	 * application. */
	int (*then)(struct api_call *);
	/* An async one's event is told: what it brought is the application's from now on. */
	void (*taken)(struct api_call *);
	/* The caller's own, released with the call, however that ends. */
	void *own;
	void (*release)(struct api_call *);
};
TAILQ_HEAD(api_calls, api_call);

enum api_login_kind { API_LOGIN_NONE = 1, API_LOGIN_PASSWORD, API_LOGIN_PUBLICKEY,
	API_LOGIN_PROBE, API_LOGIN_INTERACTIVE };
struct api_login {			/* own of API_CALL_LOGIN, and of a connect's START */
	enum api_login_kind how;
	char *user, *password;
	char *text;			/* submethods; of a probe the algorithm */
	uint8_t *blob;
	size_t blob_len;
	uint64_t key;
	bool certified;			/* with its certificate; once more without */
	bool may_fall_back, is_fallback, gave_up;
	unsigned rounds, changes;
};

/* ---- handles ---- */
struct api_io;				/* a relay: api_io.c */
struct api_security {			/* lists of this transport, by enum postern_list */
	char *edits[POSTERN_COMPRESSION + 1];	/* by the application; NULL: none */
	char *names[POSTERN_COMPRESSION + 1];	/* in force; NULL: not started */
};
struct api_exception {
	int code, side, signal;
	bool is_claim;
	uint32_t disconnect, refusal;
	const char *preset;		/* that would have agreed, or NULL */
	char phase[33];
	char *text, *ours, *theirs;	/* NULL: "" */
};

enum api_channel_state { API_ASKED = 1, API_OPENING, API_OPEN, API_OVER };
enum api_take { API_TAKE_NONE = 0, API_TAKE_SOCKET, API_TAKE_SOCKETS, API_TAKE_PTY,
	API_TAKE_PIPES, API_TAKE_SENT };
struct postern_channel {
	TAILQ_ENTRY(postern_channel) next;
	TAILQ_ENTRY(postern_channel) waiting;	/* for postern_transport_accept */
	struct api_item item;
	postern_transport *t;
	uint64_t id;
	enum api_channel_state state;
	bool is_session, is_waiting, is_freed, is_started, is_abandoned;
	bool has_status, had_close, sent_exit, told_closed;
	bool is_read;			/* fd is, by us: not to be taken away */
	int fd, err_fd;			/* our ends, -1: none */
	enum api_take take;		/* what the worker is still to get... */
	int give[IPC_FDS_MAX];		/* ...its ends */
	char name[API_LOG_NAME_MAX + 1];	/* its serial, or what the application calls it */
	char kind[API_KIND_SHOWN];	/* as it may be shown */
	struct postern_forward *forward;/* what it carries; NULL: nothing that has fields */
	uint64_t opening;		/* the call that waits for the answer */
	uint64_t by;			/* client: the forward that let it in */
	char *x11_cookie;
	postern_sftp *sftp;		/* the handle that it is of, or NULL */
	struct postern_exit exit;
	void *user;
};

struct postern_transport {
	LIST_ENTRY(postern_transport) bucket;
	TAILQ_ENTRY(postern_transport) next;
	TAILQ_ENTRY(postern_transport) waiting;	/* for postern_server_accept */
	struct api_item item;
	postern_context *ctx;
	postern_server *server;		/* a reference, or NULL */
	struct postern_client_interface client;
	uint64_t id;
	unsigned phase;			/* L_*: what we take of monitor and worker */
	struct ipc_once once;
	int net, net_out;		/* -1 once attached; net_out -1: net is both */
	bool is_announced, is_server, is_listened, is_started, is_authenticated;
	bool is_closing, is_ending, is_over, is_freed, is_waiting, is_blamed;
	char peer[API_PEER_MAX], sock[API_PEER_MAX];
	struct api_io *io;		/* what net leads to, if the library relays */
	struct api_security security;
	char log_channel[API_LOG_NAME_MAX + 1];	/* "": the default */
	int hexdump;			/* enum postern_hexdump */
	unsigned restricted;		/* enum postern_permission bits */
	char *host;			/* client: as NEW said */
	/* login */
	bool is_trying;			/* a request is on its way; its answer will come */
	uint64_t login;			/* whose it is: a call, 0 if that was given up */
	char *methods;			/* that may continue */
	char *username;
	char *attempted;		/* client: the user of the last login tried */
	/* what was agreed */
	uint64_t exchanges;
	int strict;
	char *kex, *host_key_alg, *ciphers[2], *macs[2], *compressions[2], *peer_version;
	uint8_t *host_key;
	size_t host_key_len;
	int worker_pid;
	char *report;
	/* after login */
	struct api_link worker;
	TAILQ_HEAD(api_channel_list, postern_channel) channels;
	TAILQ_HEAD(, postern_channel) accepts;
	unsigned n_channels, channel_max;
	uint64_t last_chan;		/* the worker's serials must rise */
	LIST_HEAD(, api_question) questions;
	unsigned n_questions;
	struct api_calls calls;
	unsigned n_calls;
	TAILQ_HEAD(, api_forward) forwards;
	unsigned n_forwards;
	int end_code;			/* 0: we ended it ourselves */
	struct api_exception exception, told;
	void *user;
};

struct postern_key {
	TAILQ_ENTRY(postern_key) next;
	postern_context *ctx;
	uint64_t id;			/* the monitor's */
	char *alg, *comment;
	uint8_t *blob;
	size_t blob_len;
	bool is_certified;		/* the monitor has a certificate for it */
	/* key_new_signer: the application's own private half, else NULL */
	int (*sign)(void *user, const void *data, size_t len, void *out, size_t size);
	void *sign_user;
	/* of agent_keys_from: its AGENT, and how to connect to it again; else 0, NULL */
	uint64_t agent;
	int (*connect)(void *user);
	void *connect_user;
};
TAILQ_HEAD(api_keys, postern_key);

struct api_options {			/* checked and complete */
	char version[256];
	char kex[API_LIST_MAX + 1], host_keys[API_LIST_MAX + 1], signatures[API_LIST_MAX + 1],
	    ciphers[API_LIST_MAX + 1], macs[API_LIST_MAX + 1],
	    compression[API_COMPRESSION_MAX + 1], ca_signatures[API_LIST_MAX + 1];
	uint32_t rsa_min;
	uint32_t banner_ms, kex_ms, login_ms, rekey_ms, close_ms;
	uint64_t rekey_bytes;
	uint32_t rekey_packets, rekey_interval_ms, rekey_burst, rekey_per_second;
	uint32_t alive_interval_ms, alive_max, channel_max, window, window_sum;
	uint32_t rsa_bits;
};
struct api_listener {
	LIST_ENTRY(api_listener) next;
	uint64_t id;
	int fd;
	bool is_paused;
};
struct postern_server {
	TAILQ_ENTRY(postern_server) next;
	postern_context *ctx;
	unsigned refs;			/* the owner's, and one per transport */
	bool is_freed;
	struct postern_server_interface interface;
	struct api_options options;
	unsigned methods, tries_max;
	uint32_t fail_delay_ms;
	char *banner;
	LIST_HEAD(, api_subsystem) subsystems;
	LIST_HEAD(, api_listener) listeners;
	TAILQ_HEAD(, postern_transport) accepts;
};

/* What a blocking call looks at when it wakes. */
struct api_held { const postern_transport *transport; const postern_channel *channel; };

struct postern_context {
	pid_t pid;			/* who may use it */
	int fd;				/* the application's: set and wake together */
	int set;			/* epoll: links, listeners, timer */
	int wake;			/* eventfd: readable while the shelf is not empty */
	int timer;			/* paused listeners */
	int child;			/* the monitor's pidfd */
	bool is_mute;			/* being freed: nothing is sent or unregistered */
	bool is_sealed, is_paused;
	int dead;			/* 0, or why no monitor is there any more */
	unsigned phase;			/* P_*: what we take of the monitor */
	struct api_link monitor;
	uint64_t serial;		/* the last one used */
	unsigned depth;			/* of turns */
	unsigned waits;			/* of blocking calls */
	struct api_held held;		/* by the outermost of them: these stay */
	uint8_t *buffers[API_DEPTH_MAX];/* one message each */
	LIST_HEAD(, postern_transport) table[API_BUCKETS];
	TAILQ_HEAD(, postern_transport) transports, graves;
	TAILQ_HEAD(, postern_channel) channel_graves;
	TAILQ_HEAD(, postern_server) servers;
	TAILQ_HEAD(, api_item) shelf;
	struct api_keys host_keys, keys;
	bool has_moduli;
	LIST_HEAD(, api_io) ios;
	LIST_HEAD(, postern_sftp) sftps;
	LIST_HEAD(, api_program) programs;
	unsigned n_programs;
	TAILQ_HEAD(, api_dial) dials;
	unsigned n_resolving;
	struct api_calls calls;		/* of no transport */
	unsigned n_calls;
	struct api_call *shown;		/* its event is the last: the data is still borrowed */
	int key_problem;
	uint8_t *key_public;		/* of a token's key, or NULL */
	size_t key_public_len;
	unsigned layers;
	char *report, *helper_dir;
	int monitor_pid, zygote_pid;
	int log_level;
	int hexdump_max;
	bool keys_may_leave;
	void (*log)(void *user, const struct postern_log_line *);
	void (*discard)(void *user, int fd);
	void *user;
};

/* ---- api_context.c ---- */
/* First line of every public call: 0, or POSTERN_EFORKED. */
int api_context_enter(const postern_context *);
uint64_t api_context_serial(postern_context *);
void api_context_greeted(postern_context *);	/* by a monitor of our own build */
/* No host key comes after this. */
int api_context_seal(postern_context *);
/* The monitor is gone: ends every transport. */
void api_context_died(postern_context *, int code, const char *why);
/* In a forked child: every descriptor goes, the memory stays. */
void api_context_let_go(postern_context *);
/* What a send to the monitor came to, in the caller's terms. */
int api_context_sent(int result);
/* Copies a caller's extensible struct of any size; 0 or -EINVAL. */
int api_context_struct(void *to, size_t size, const void *from);
/* Answers a caller's extensible struct: as much as it knows. */
void api_context_fill(void *to, const void *from, size_t size);
char *api_context_copy(struct span);		/* with a NUL; NULL: no memory */

/* ---- api_path.c ---- */
const char *api_path_helpers(void);

/* ---- api_loop.c ---- */
int api_loop_open(postern_context *);
void api_loop_close(postern_context *);
int api_loop_add(postern_context *, int fd, enum api_kind, uint64_t id, uint32_t events);
void api_loop_change(postern_context *, int fd, enum api_kind, uint64_t id, uint32_t events);
void api_loop_del(postern_context *, int fd);
/* Handles what is ready, after at most wait_ms.  0; -EINTR; -errno. */
int api_loop_turn(postern_context *, int wait_ms);
/* The pump of all blocking calls: turns until is_ready.  0, POSTERN_ETIMEOUT,
 * POSTERN_EMONITOR.  Signals do not end it. */
int api_loop_wait(postern_context *, struct api_deadline, bool (*is_ready)(const void *),
    const void *, struct api_held);
/* Frees what was given up, if nobody can be looking at it.  Also between the turns of
 * a call that waits long: peers decide how much is given up meanwhile. */
void api_loop_bury(postern_context *);
/* The buffer of the current turn, and what it holds. */
uint8_t *api_loop_buffer(postern_context *, size_t *cap);

/* ---- api_monitor.c, api_worker.c ---- */
/* One message each; false: there was none. */
bool api_monitor_receive(postern_context *);
bool api_worker_receive(postern_transport *);
/* A decoded TEXT as a string, in place: the byte behind it is a length or a number
 * that has been decoded already, or the spare one at the end of the buffer. */
static inline const char *
api_text(struct span s)
{
	((uint8_t *)(uintptr_t)s.p)[s.n] = '\0';
	return (const char *)s.p;
}

/* ---- api_log.c ---- */
__attribute__((format(printf, 4, 5)))
void api_log(postern_context *, const postern_transport *, int level, const char *fmt, ...);
/* The same on a sub-channel: ".worker", for what a worker says; ".monitor"; ".chan.N". */
__attribute__((format(printf, 3, 4)))
void api_log_worker(const postern_transport *, int level, const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
void api_log_monitor(postern_context *, const postern_transport *, int level,
    const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
void api_log_chan(const postern_transport *, uint64_t chan, int level, const char *fmt, ...);
/* Untrusted text for a log line: printable ASCII, the rest as \xNN.  Always ends
 * with a NUL; cut text ends with "...". */
const char *api_log_quote(char *out, size_t cap, struct span);
/* Control characters that are neither newline nor tab, and what is no UTF-8, become
 * '?': for text that an application shows to a person.  In place. */
void api_log_tame(char *);
/* The same for what is shown as one line: a peer that ends it would forge the next. */
void api_log_tame_line(char *);

/* ---- api_error.c ---- */
int api_error_of_outcome(uint32_t outcome);
void api_error_clear(struct api_exception *);
/* Keeps why a call on t failed; returns code.  Never overwrites why it ended, also not with
 * what was said before and is read after that. */
int api_error_set(postern_transport *, int code, const char *phase, int side,
    bool is_claim, struct span text);
/* Keeps why t ends. */
int api_error_end(postern_transport *, int code, const char *phase, int side,
    bool is_claim, struct span text);
void api_error_show(const struct api_exception *, struct postern_exception *out);

/* ---- api_list.c ---- */
/* Takes the next name off a list; false at its end. */
bool api_list_next(struct rd *list, struct span *name);
/* postern_edit_list, but of base instead of the default. */
int api_list_edit(int list, const char *base, const char *edit, char *out, size_t size);

/* ---- api_preset.c ---- */
/* What a preset makes of a list (NULL: "modern"); it may leave nothing.  -EINVAL: there is
 * no such list; -ENOENT: there is no such preset. */
int api_preset_list(int list, const char *preset, char *out, size_t size);
/* Bits that a host key of RSA has at least, on either side. */
unsigned api_preset_rsa_min(const char *preset);
/* May a server show this host key: has the list a signature of it, and is it large enough? */
bool api_preset_offers(const postern_key *, struct span list, unsigned rsa_min);
/* Of a failed negotiation both lists: the name of the first preset with which it would not
 * have failed, or NULL. */
const char *api_preset_that_agrees(const postern_transport *, struct span ours,
    struct span theirs);

/* ---- api_options.c ---- */
/* The caller's options (NULL: defaults), checked.  problem gets the unknown name. */
int api_options_take(struct api_options *, const struct postern_options *, bool is_server,
    char *problem, size_t cap);
void api_options_fill(const struct api_options *, struct ipc_NEW *);
const char *api_options_list(const struct api_options *, int list);

/* ---- api_security.c ---- */
/* Edits what m says as it was set for this transport; -EINVAL: nothing is left. */
int api_security_apply(postern_transport *, struct ipc_NEW *m);
void api_security_free(struct api_security *);

/* ---- api_permit.c ---- */
/* May this login still do it?  permission: enum postern_permission. */
bool api_transport_permits(const postern_transport *, unsigned permission);
bool api_transport_permits_request(const postern_transport *, int kind);	/* enum postern_request */

/* ---- api_io.c: the relay of postern_transport_new_io ---- */
void api_io_begin(postern_transport *);		/* the start: from now on bytes move */
void api_io_ready(postern_context *, uint64_t id);
/* How long a turn may wait, and what it does then: not all objects can be polled. */
int api_io_wait(const postern_context *, int wait_ms);
void api_io_look(postern_context *);
/* What the worker said last goes out as far as it can; then, or later, the end. */
void api_io_finish(postern_transport *);
void api_io_discard(postern_transport *);
void api_io_bury(postern_context *);		/* memory of those that have ended */
void api_io_forked(postern_transport *);		/* descriptors only; calls nobody */

/* ---- api_key.c ---- */
void api_key_loaded(postern_context *, const struct ipc_KEY_LOADED *);
/* A handle that is in no list yet; NULL: no memory. */
postern_key *api_key_make(postern_context *, const struct ipc_KEY_LOADED *);
void api_key_discard(postern_key *);
void api_key_abandon(postern_key *);	/* the monitor forgets it too */

/* ---- api_name.c ---- */
/* Of a network descriptor; "": the end has none. */
void api_name_ends(int fd, char peer[API_PEER_MAX], char sock[API_PEER_MAX]);

/* ---- api_transport.c ---- */
postern_transport *api_transport_make(postern_context *, int fd);	/* NULL: fd is the caller's */
postern_transport *api_transport_find(postern_context *, uint64_t conn);
/* Gives its descriptors back, and its memory when that is safe; sends nothing. */
void api_transport_discard(postern_transport *);
void api_transport_bury(postern_transport *);
/* NEW is ready in m but for what every connection has. */
int api_transport_announce(postern_transport *, struct ipc_NEW *m);
int api_transport_attach(postern_transport *);
/* A monitor or worker broke messages.def about this connection: ended at once. */
void api_transport_blame(postern_transport *, int code, const char *why);
/* Waits for what a start call came to; who does not wait long enough ends it. */
int api_transport_await_start(postern_transport *, struct api_call *, struct api_deadline);
/* Why it is over, for a call that needed it. */
int api_transport_end_code(const postern_transport *);

/* ---- api_call.c ---- */
/* 0 while calls to the worker are possible. */
int api_call_usable(const postern_transport *);
/* What a send to the worker came to: -EMSGSIZE; else 0, because then the answer, or
 * the end and its cause, will come. */
int api_call_sent(postern_transport *, int result);
/* The same, and the worker keeps up with what it is told; else POSTERN_ELIMIT. */
int api_call_admit(const postern_transport *);
/* A call to the worker, if that is possible now.  ch NULL: about the transport. */
int api_call_begin(postern_transport *, postern_channel *ch, struct api_call **);
/* Any call; t NULL: about the context. */
int api_call_new(postern_context *, postern_transport *t, enum api_call_kind,
    struct api_call **);
/* A call that is about a file: send gives the monitor a descriptor of its own for it, and
 * returns what api_send_* does; how is what else it needs.  -EBADF: there is no file.  fd
 * stays the caller's to close, whatever comes. */
typedef int api_send_file(postern_context *, uint64_t call, int fd, const void *how);
int api_call_file(postern_context *, enum api_call_kind, int fd, api_send_file *, const void *how,
    struct api_call **, int *sent);
/* sent: what sending it came to, api_send_*'s result as it is.
 * Blocking: waits, frees the call, gives its result.  Async: DONE will come, 0; or the
 * call is freed and the reason given.  id may be NULL. */
int api_call_end(struct api_call *, int sent, struct api_deadline);
int api_call_detach(struct api_call *, int sent, uint64_t *id);
/* As api_call_end, for who wants value, data or key of the call: to be dropped then. */
int api_call_wait(struct api_call *, int sent, struct api_deadline);
void api_call_drop(struct api_call *);		/* gives it up: late answers find nobody */
/* The worker's DONE. */
void api_call_done(postern_transport *, uint64_t id, bool ok, struct span payload);
/* From anywhere else.  An async one may be shown, and gone, from then on. */
void api_call_complete(struct api_call *, int result);
/* The one of that number and kind that is not complete; NULL: nobody waits. */
struct api_call *api_call_find(struct api_calls *, enum api_call_kind, uint64_t id);
/* The first such of its kind. */
struct api_call *api_call_of(struct api_calls *, enum api_call_kind);
/* Completes all: of ch, or with NULL all there are, with the end's code. */
void api_call_complete_all(struct api_calls *, const postern_channel *ch, int result);
/* The same for a handle that is freed: those of its async calls vanish. */
void api_call_vanish(struct api_calls *, const postern_channel *ch, int result);
/* Its event is told: fills it in, and keeps what it shows until the next. */
void api_call_show(struct api_call *, struct postern_event *);
void api_call_shown(postern_context *);		/* the last is not borrowed any more */

/* ---- api_message.c ---- */
/* What a message holds, empty for NULL; -EINVAL: it is bad. */
int api_message_span(const postern_message *, struct span *);

/* ---- api_moduli.c, api_agent.c, api_signer.c, api_hexdump.c: the monitor's words ---- */
void api_cert_added(postern_context *, const struct ipc_CERT_ADDED *);
void api_revoked_loaded(postern_context *, const struct ipc_REVOKED_LOADED *);
void api_moduli_loaded(postern_context *, const struct ipc_MODULI_LOADED *);
void api_agent_key(postern_context *, const struct ipc_AGENT_KEY *);
void api_agent_done(postern_context *, const struct ipc_AGENT_DONE *);
void api_agent_gone(postern_context *, const struct ipc_AGENT_GONE *);
void api_signer_ask(postern_transport *, const struct ipc_SIGN_ASK *);
void api_hexdump_show(postern_transport *, const struct ipc_DUMPED *);

/* ---- api_carry.c: kinds of channels that carry something else ---- */
/* The kind of the open message; NULL, 0: it is none of these. */
const char *api_carry_name(int kind);
int api_carry_kind(const char *name);
bool api_carry_has_port(const struct postern_forward *);	/* one that there can be */
/* The caller's, checked; its strings stay the caller's. */
int api_carry_take(struct postern_forward *to, const struct postern_forward *from);
/* The open message's own part. */
void api_carry_extra(struct wr *, const struct postern_forward *);
int api_carry_keep(postern_channel *, const struct postern_forward *);
void api_carry_forget(postern_channel *);

/* ---- api_open.c: channels of ours ---- */
void api_open_confirmed(postern_transport *, uint64_t chan);
void api_open_failed(postern_transport *, const struct ipc_NOT_OPENED *);
void api_open_abandon(postern_channel *);	/* its answer is still to come */
/* An API_CALL_OPEN of a session; sent: as of api_call_end. */
int api_open_session_begin(postern_transport *, postern_channel **, struct api_call **, int *sent);
/* One that came to r, a failure, and that nobody was given or keeps. */
void api_open_give_up(postern_channel *, int r);

/* ---- api_request.c ---- */
/* A call that has opened its session goes on as one for this subsystem: 0, or why not. */
int api_request_subsystem(struct api_call *, const char *name);

/* ---- api_sftp.c ---- */
void api_sftp_ready(postern_context *, uint64_t id);
void api_sftp_eof(postern_sftp *);		/* the peer's, as the worker says */
/* The connection is over: those that were being opened never will be. */
void api_open_end_all(postern_transport *);

/* ---- api_forward.c: who listens for whom ---- */
/* Client: what the peer was asked to listen on for us, or a session that asked for X11
 * or the agent.  Server: what was granted to the peer. */
struct api_forward {
	TAILQ_ENTRY(api_forward) next;
	uint64_t id;
	int kind;			/* enum postern_forward_kind */
	char *host;
	uint32_t port;
	uint64_t chan;			/* X11, AGENT: the session */
	bool is_single, is_used;	/* X11: one connection and no more */
	postern_forward_handler *handler;	/* NULL: granted */
	void *user;
};
struct api_forward *api_forward_new(int kind, const char *host, uint32_t port);
void api_forward_free(struct api_forward *);
/* In force from now on; takes it.  POSTERN_ELIMIT: it was freed. */
int api_forward_add(postern_transport *, struct api_forward *);
struct api_forward *api_forward_find(postern_transport *, int kind, const char *host,
    uint32_t port);
void api_forward_remove(postern_transport *, struct api_forward *);
void api_forward_clear(postern_transport *);
/* Client: which of them lets this channel of the peer in?  NULL: none was asked for. */
struct api_forward *api_forward_match(postern_transport *, const struct postern_forward *);
/* A channel is over: those of its own go, and a single connection that was refused may
 * come again. */
void api_forward_channel_gone(postern_channel *);
/* chan's serial has been checked */
void api_forward_asked(postern_transport *, const struct ipc_FORWARD_ASK *);

/* ---- api_listen.c: server, tcpip-forward and its like ---- */
void api_listen_asked(postern_transport *, const struct ipc_LISTEN_ASK *);
/* Is an acceptance with this port one that says nothing? */
bool api_listen_needs_port(const struct api_question *, uint32_t port);
int api_listen_answer(postern_transport *, const struct api_question *, int answer,
    uint32_t port);

/* ---- api_x11.c ---- */
void api_x11_forget(postern_channel *);		/* the cookie */

/* ---- api_subsystem.c, api_program.c, api_program_fork.c ---- */
struct api_subsystem;
const struct api_subsystem *api_subsystem_find(const postern_server *, const char *name);
/* Answers the question by itself. */
void api_subsystem_serve(const struct api_subsystem *, postern_channel *, uint64_t question);
void api_subsystem_discard(postern_server *);
struct api_program;
struct api_program_what {
	char *const *argv, *const *envp;	/* a program, or... */
	int (*run)(void *user, const char *name);	/* ...a function, in a fork of the host */
	void *user;
	const char *name;		/* of the subsystem */
};
/* With the channel as its 0, 1 and 2. */
int api_program_start(postern_channel *, const struct api_program_what *);
/* The function's process; its pid, or -errno. */
pid_t api_program_fork(postern_context *, const int fds[3], const struct api_program_what *);
void api_program_ready(postern_context *, uint64_t id);
void api_program_hang_up(const postern_channel *);
void api_program_end_all(postern_context *);	/* killed; in a forked child only forgotten */

/* ---- api_dial.c: connects that are under way ---- */
void api_dial_ready(postern_context *, uint64_t id);
void api_dial_end(postern_context *, uint64_t asker);	/* the one for this call or question */
void api_dial_end_all(postern_context *);

/* ---- api_end.c ---- */
void api_end_from_monitor(postern_transport *, const struct ipc_END_OF *);
void api_end_without_monitor(postern_transport *, const char *why);

/* ---- api_asked.c: 0 or IPC_BROKEN ---- */
int api_asked_none(postern_transport *, const struct ipc_ASK_NONE *);
int api_asked_password(postern_transport *, const struct ipc_ASK_PASSWORD *);
int api_asked_change(postern_transport *, const struct ipc_ASK_CHANGE *);
int api_asked_publickey(postern_transport *, const struct ipc_ASK_PUBLICKEY *);
int api_asked_kbdint(postern_transport *, const struct ipc_ASK_KBDINT *);
int api_asked_responses(postern_transport *, const struct ipc_ASK_RESPONSES *);

/* ---- api_server.c, api_listener.c ---- */
int api_server_welcome(postern_server *, postern_transport *);	/* NEW, ATTACH */
void api_server_serving(postern_context *);	/* a zygote is up: they begin */
void api_server_release(postern_server *);	/* one reference less */
void api_server_discard(postern_server *);	/* with the context */
/* One step of a login, put to the interface. */
void api_server_ask_login(postern_transport *, uint64_t theirs, struct postern_login *);
void api_server_attempt(postern_transport *, const struct ipc_ATTEMPT *);
void api_listener_ready(postern_context *, uint64_t id);
void api_listener_resume(postern_context *);	/* those that were paused */

/* ---- api_client.c, api_auth.c ---- */
void api_client_ask_host_key(postern_transport *, const struct ipc_HOSTKEY_ASK *);
void api_client_banner(postern_transport *, const struct ipc_BANNER *);
/* api_update.c.  IPC_BROKEN: malformed. */
int api_update_changed(postern_transport *, const struct ipc_HOSTKEYS_CHANGED *);
/* A START is to go on with a login: by key, else by password, else none.  Copies. */
int api_auth_follow(struct api_call *start, const char *user, const char *password,
    const postern_key *);

/* ---- api_login.c ---- */
int api_login_hold(struct api_call *, const struct api_login *);	/* a copy of its own */
/* Makes its request; what sending it came to. */
int api_login_launch(postern_transport *, struct api_call *);
void api_login_wipe(struct api_call *);	/* its password is not needed any more */
/* Keys are in use: completes the start, or goes on with the login of a connect. */
void api_login_started(postern_transport *);
void api_login_result(postern_transport *, const struct ipc_LOGIN_RESULT *);
/* The end of every login, in both roles. */
void api_login_done(postern_transport *, const struct ipc_USER_LOGGED_IN *);

/* ---- api_prompts.c ---- */
void api_prompts_ask(postern_transport *, const struct ipc_INFO_ASK *);
/* postern_answer: only to give the login up. */
int api_prompts_refuse(postern_transport *, const struct api_question *);
void api_prompts_forget(postern_transport *);	/* that login is over */

/* ---- api_question.c ---- */
/* NULL: too many are open. */
struct api_question *api_question_new(postern_transport *, enum api_question_kind,
    uint64_t theirs, uint64_t chan);
/* What a callback returned.  Nothing happens if the question is gone. */
void api_question_settle_login(postern_transport *, uint64_t id, int answer,
    const struct postern_login *);
void api_question_settle(postern_transport *, uint64_t id, int answer,
    const char *methods, uint32_t reason);
void api_question_settle_port(postern_transport *, uint64_t id, int answer, uint32_t port);
void api_question_forget(postern_transport *, uint64_t chan);	/* 0: all */
struct api_question *api_question_find(postern_transport *, uint64_t id);
void api_question_drop(postern_transport *, struct api_question *);

/* ---- api_ask.c: what the peer wants, as the worker tells it ---- */
/* forward: for the kinds that have one, else NULL, and extra is what came. */
void api_ask_open(postern_transport *, uint64_t chan, const char *kind,
    const struct postern_forward *forward, struct span extra);
void api_ask_request(postern_transport *, uint64_t chan, uint64_t theirs,
    const struct postern_channel_request *);
void api_ask_tell(postern_transport *, uint64_t chan, const struct postern_channel_request *);
void api_ask_global(postern_transport *, uint64_t theirs, struct span kind, struct span payload);

/* ---- api_channel.c ---- */
/* forward: copied, or NULL.  NULL: no memory. */
postern_channel *api_channel_make(postern_transport *, uint64_t id, const char *kind,
    const struct postern_forward *forward);
postern_channel *api_channel_find(postern_transport *, uint64_t id);
void api_channel_discard(postern_channel *);	/* handle and descriptors; sends nothing */
void api_channel_bury(postern_channel *);
/* The peer's channel is open: queue it for accept, tell the event. */
void api_channel_granted(postern_channel *);
void api_channel_send_close(postern_transport *, uint64_t chan);
/* Over, in order or not: callback, event. */
void api_channel_closed(postern_channel *, bool in_order);

/* ---- api_descriptor.c ---- */
void api_descriptor_init(postern_channel *);
/* Closes what the application gave, or has it do that. */
void api_descriptor_discard(postern_context *, int *fds, size_t n);
/* Sends the worker its descriptors, made now if the application gave none. */
int api_descriptor_give(postern_channel *);
/* Ours are at their end: the worker reads what is left, then EOF. */
void api_descriptor_finish(postern_channel *);
void api_descriptor_close(postern_channel *);

#endif
