/*
 * monitor.h - the privileged half: one struct monitor per context, and what its
 * files offer each other.
 *
 * The monitor holds the keys and the decisions.  It believes nothing that a worker
 * says, opens no path, waits for nobody and parses no SSH packet.  Each monitor_*.c
 * is one noun; handlers take a message that ipc_admit() has let through and return
 * 0, or IPC_BROKEN when the sender broke the contract.
 */
#ifndef PRIVSEP_MONITOR_H
#define PRIVSEP_MONITOR_H

#include <errno.h>
#include <limits.h>
#include <sys/types.h>

#include "crypto/cert.h"
#include "crypto/crypto.h"
#include "crypto/krl.h"
#include "ipc/ipc.h"

#ifndef IPC_BROKEN
#define IPC_BROKEN (-71)	/* as in dispatch.h */
#endif

struct monitor;
struct conn;
struct worker;
struct zygote;

enum {
	MONITOR_BUCKETS = 4096,		/* of the connection table                */
	MONITOR_SLACK_MS = 2000,	/* backstops come so long after the worker's own deadlines */
	MONITOR_WAIT_MS = 10000,	/* a connection waits so long for a worker */
	MONITOR_CLOSE_MS = 5000,	/* goodbye without a configured deadline  */
	MONITOR_KEYLOAD_MS = 120000,	/* the slowest passphrase we put up with  */
	MONITOR_KEYLOADS_MAX = 64,	/* keyload processes at once              */
	MONITOR_USER_KEYS_MAX = 1024,
	MONITOR_FORKS_MAX = 8,		/* descriptors in flight to a zygote      */
	MONITOR_QUEUE_MAX = 32 * 1024 * 1024, /* bytes the application leaves unread */
	MONITOR_DRAIN_MAX = 256,	/* messages read from a dead worker       */
	MONITOR_TRUST_MAX = 16,		/* known_hosts files or keys of a connection */
	MONITOR_AUTH_REQUESTS_MAX = 64,	/* login requests of a connection         */
	MONITOR_NOTE_BURST = 8,		/* remarks of a worker, then one a second */
	MONITOR_BANNERS_MAX = 64,
	MONITOR_DUMP_UNREAD_MAX = 64 * 1024, /* of the application: more, and no dump comes */
	MONITOR_AGENTS_MAX = 16,
	MONITOR_SIGN_MS = 30000,	/* a host key's signature from elsewhere     */
	MONITOR_TEXT_MAX = 1024,
	MONITOR_WHY_MAX = 511,		/* a reason for the log                   */
	MONITOR_NAMES_MAX = 2048,	/* a list of algorithms                   */
};

/* ---- what the monitor asks of the system; a test plays it (monitor_os.c) ---- */
struct monitor_os {
	int (*spawn)(const char *dir, const char *name, int link, pid_t *, int *pidfd);
	int (*adopt)(pid_t);		/* pidfd of a child of ours, or -errno       */
	void (*kill)(int pidfd);	/* SIGKILL, does not wait                    */
	int (*reap)(int pidfd, int *signal, int *status);	/* 1 if it has ended */
	int (*end)(int pidfd);		/* kills, waits, reaps, closes: at exit only */
	bool (*reap_stray)(bool (*is_ours)(void *, pid_t), void *);
	uint64_t (*now_ms)(void);
	uint64_t (*wall_s)(void);	/* since 1970, for certificates              */
};
extern const struct monitor_os monitor_os_real;

/* ---- deadlines (monitor_timer.c): one heap, one clock ---- */
struct timer {
	uint64_t at;
	size_t slot;			/* place in the heap plus one; 0: not set    */
	bool known;			/* has a reserved place                      */
	void (*fire)(struct monitor *, void *owner);
	void *owner;
};
struct timers { struct timer **heap; size_t n, cap, known; };
CRYPTO_CHECKED int monitor_timer_init(struct monitor *, struct timer *,
    void (*fire)(struct monitor *, void *), void *owner);
void monitor_timer_deinit(struct monitor *, struct timer *);
void monitor_timer_set(struct monitor *, struct timer *, uint64_t at);
void monitor_timer_clear(struct monitor *, struct timer *);
int monitor_timer_wait(const struct monitor *, uint64_t now);	/* for epoll_wait */
void monitor_timer_run(struct monitor *, uint64_t now);

/* ---- descriptors watched (monitor_loop.c) ---- */
struct watch {
	int fd;				/* -1: none                                  */
	int ep;
	void (*ready)(struct monitor *, void *owner, uint32_t events);
	void *owner;
};
CRYPTO_CHECKED int monitor_watch(struct watch *, int ep, int fd, uint32_t events,
    void (*ready)(struct monitor *, void *, uint32_t), void *owner);
/* EPOLL_CTL_DEL first: a child of posix_spawn may hold the descriptor for a moment
 * longer, and a stale entry would report events of a freed owner. */
int monitor_release(struct watch *);		/* its fd, the caller's from now on, or -1 */
void monitor_unwatch(struct watch *);		/* ...and closes; accepts fd -1 */

/* Objects are freed at the end of a turn, so that a later event of the same turn
 * never meets freed memory.  First member of each. */
struct dead { struct dead *next; };
void monitor_bury(struct monitor *, struct dead *);

/* ---- keys (monitor_keys.c) ---- */
struct key {
	struct key *next;
	uint64_t serial;
	enum ipc_key_use use;
	const struct sign_alg *alg;	/* the first row of its type                 */
	struct sign_key *secret;	/* NULL: its private half is elsewhere...    */
	struct agent *agent;		/* ...there, or else with the application    */
	struct span cert;		/* its certificate, or empty                 */
	size_t blob_len;
	uint8_t blob[];
};
struct keyload;
struct agent;

/* ---- the application's link (monitor_queue.c) ---- */
struct letter;				/* a message the application has not taken */
struct queue { struct letter *first, **last; size_t bytes; };

/* ---- the monitor ---- */
struct bucket { uint64_t next_us; };	/* when the next would be on schedule */
struct monitor {
	const struct monitor_os *os;
	char dir[PATH_MAX];		/* where our own executable is: the helpers' */
	int ep, worker_ep;		/* the second is watched by the first        */
	bool workers_paused, over;
	struct watch app, host, worker_set;
	unsigned phase;			/* P_* of the application's link             */
	struct ipc_once once;
	struct ipc_CONFIG config;
	bool configured, sealed, serving;
	uint64_t serial, last_conn;
	struct queue queue;
	struct timers timers;
	struct zygote *zygotes, *current, *next;
	unsigned zygote_failures;
	struct timer zygote_timer;	/* age of the current layout, or retry       */
	struct timer stray_timer;	/* children whose zygote died before naming them */
	unsigned strays, stray_tries;
	struct worker *workers;
	unsigned spares, forking;	/* ready and unbound; asked for              */
	struct conn *table[MONITOR_BUCKETS];
	struct conn *waiting, **waiting_last;	/* attached, no worker yet           */
	unsigned n_waiting, connections, startups;
	struct key *keys;
	unsigned user_keys;
	struct modulus *moduli;		/* NULL: no group exchange                   */
	struct revoked *revoked;	/* NULL: nothing is                          */
	struct bucket ca_quota;		/* signatures of large CAs, for strangers    */
	struct keyload *keyloads;
	unsigned n_keyloads;
	struct agent *agents;
	unsigned n_agents;
	struct dead *dead;
	struct span current_message;	/* being dispatched, of the application      */
	uint8_t rx[IPC_MESSAGE_MAX];
};

/* The link is the monitor's from then on.  NULL: no memory or descriptor. */
struct monitor *monitor_new(const struct monitor_os *, const char *dir, int link, int host_pidfd);
void monitor_free(struct monitor *);	/* ends and reaps every child */
/* One turn: at most max_ms of waiting.  False: it is over. */
bool monitor_turn(struct monitor *, int max_ms);
/* The application broke its contract, or is gone: the monitor ends. */
void monitor_stop(struct monitor *, const char *why);
void monitor_remark(struct monitor *, enum ipc_level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t monitor_now(const struct monitor *);

void monitor_app_send(struct monitor *, struct wr *, const int *fds, size_t nfds, unsigned flags);
void monitor_app_flush(struct monitor *);
void monitor_queue_free(struct queue *);
void monitor_app_ready(struct monitor *, void *, uint32_t events);
/* Dispatches once more a request that had to wait. */
int monitor_app_replay(struct monitor *, struct span message);
void monitor_app_serving(struct monitor *);	/* says SERVING if all is there */

/* ---- zygotes and workers (monitor_zygote.c, monitor_worker.c) ---- */
enum zygote_state { ZYGOTE_STARTING = 1, ZYGOTE_READY, ZYGOTE_DYING };
struct zygote {
	struct dead dead;
	struct zygote *list;
	struct monitor *m;
	enum zygote_state state;
	struct watch link, child;
	pid_t pid;
	struct ipc_once once;
	unsigned given;			/* its workers that got a connection         */
	bool aged;			/* a successor takes over when it is ready   */
	bool lacks_layer;		/* it said itself why it cannot serve        */
	uint32_t layers;
};
enum worker_count { COUNT_NONE = 0, COUNT_FORKING, COUNT_SPARE };
struct worker {
	struct dead dead;
	struct worker *prev, *next;
	struct monitor *m;
	struct zygote *zygote;		/* NULL: its layout is retired               */
	uint64_t serial;
	pid_t pid;			/* 0: the zygote has not said yet            */
	struct watch link, child;
	enum worker_count count;	/* which of the monitor's counters has it    */
	bool ready;
	bool killed;			/* by us                                     */
	bool lost;			/* its link is closed                        */
	bool gone;			/* reaped: sends are pointless               */
	uint32_t layers;
	char *report;
	struct ipc_once once;
	struct conn *conn;		/* NULL: spare                               */
};
CRYPTO_CHECKED int monitor_zygote_start(struct monitor *);
/* Ends the layout now: its spares die, its live workers go on. */
void monitor_zygote_renew(struct monitor *, const char *why);
void monitor_zygote_used(struct monitor *, struct zygote *);
void monitor_zygote_failed(struct monitor *, struct zygote *, const char *why);
void monitor_zygote_timer(struct monitor *, void *);
void monitor_zygote_strays(struct monitor *, void *);
bool monitor_zygote_knows(void *, pid_t);	/* is it one of our children? */
CRYPTO_CHECKED int monitor_zygote_fork(struct zygote *, uint64_t serial, int link);
void monitor_zygote_free(struct monitor *, struct zygote *);
void monitor_worker_refill(struct monitor *);
struct worker *monitor_worker_spare(struct monitor *);
void monitor_worker_bind(struct worker *, struct conn *);
/* The zygote's answer; false: it is not a child of ours. */
bool monitor_worker_forked(struct monitor *, uint64_t serial, pid_t);
void monitor_worker_retire(struct monitor *, struct zygote *);
void monitor_worker_kill(struct worker *);
void monitor_worker_free(struct worker *);
/* What a send to the worker came to. */
void monitor_worker_said(struct conn *, int result);
int monitor_worker_fd(const struct conn *);

/* ---- a connection (monitor_conn.c) ---- */
struct trust {				/* client: a known_hosts file or a key */
	struct trust *next;
	bool is_key;
	size_t n;
	uint8_t bytes[];
};
struct auth;
struct login;
struct bye;

struct ending {				/* the monitor's own cause, once there is one */
	bool on, has_cause, killed;
	uint32_t outcome, disconnect;
	uint8_t side;
	char phase[33], text[MONITOR_TEXT_MAX + 1];
};
struct dump {
	uint8_t mode;			/* enum ipc_hexdump                          */
	bool ever;			/* it was on: dumps may be under way         */
	uint32_t skipped;		/* since the last one that was told          */
};
struct proof {				/* server: of a host key, while it is elsewhere */
	uint64_t question;		/* 0: none is under way                      */
	const struct sign_alg *alg;
	struct span key;
	struct timer deadline;
};
struct source {				/* where a server's peer comes from          */
	uint8_t version, bytes[16];	/* 4, 6; 0: nowhere that has an address      */
};
struct conn {
	struct dead dead;
	struct conn *next, *wait_next;
	struct monitor *m;
	uint64_t id;
	struct ipc_NEW plan;		/* spans point into plan_text, or terms_text */
	uint8_t *plan_text, *terms_text;	/* terms: of LOGIN_TERMS, once it had lists */
	unsigned phase, kex;		/* L_*, K_*                                  */
	struct ipc_once once;
	struct worker *worker;
	int in, out;			/* the network, until a worker has it        */
	bool attached, counted;		/* counted among the startups                */
	struct source source;
	struct timer deadline, quota_timer, sign_timer;
	struct bucket quota, notes;
	/* key exchange */
	struct span kexinit;		/* issued and not used                       */
	struct span hostkey_algs;	/* ...and its list of host key algorithms    */
	bool offers_gex;		/* ...and whether group exchange is in it    */
	struct gex *gex;		/* server: asked for in this key exchange    */
	uint8_t session_id[HASH_MAX], hash[HASH_MAX];
	size_t session_id_len, hash_len;
	bool awaits_agreed;
	uint64_t exchanges;
	char kex_used[NAME_MAX_LEN + 1], alg_used[NAME_MAX_LEN + 1];
	struct span host_key;		/* server: signed with; client: verified     */
	struct span first_host_key;	/* server: ...in the first key exchange      */
	uint32_t proven;		/* server: host keys that PROVE was asked for, a bit each */
	struct proof proof;
	struct span host_plain;		/* client: the key itself, if that came with a certificate */
	uint64_t sign_question;		/* server: H waits for this signature; 0: none */
	struct span held_signature;	/* waits for the rekey quota                 */
	struct trust *trust;		/* in the order given                        */
	struct revoked *revoked;	/* client: host keys                         */
	unsigned n_trust;		/* of both                                   */
	bool may_update;		/* client: known_hosts, by what this server tells */
	struct update *update;		/* ...whose new keys it has been asked to prove */
	uint64_t hostkey_question;	/* 0: none                                   */
	enum ipc_trust hostkey_trust;	/* what the application was asked about; 0: nothing */
	struct auth *auth;		/* server, until logged in                   */
	struct login *login;		/* client, until logged in                   */
	struct dump dump;
	struct ending end;
	struct bye *bye;
};
struct conn *monitor_conn_find(struct monitor *, uint64_t id);
void monitor_conn_free(struct conn *);
void monitor_conn_start(struct monitor *);	/* gives waiting connections their workers */
void monitor_conn_phase(struct conn *, unsigned phase);
void monitor_conn_distrust(struct conn *);	/* what was trusted is not needed any more */
unsigned monitor_conn_admits(const struct conn *);	/* L_*, as the application sees it */
struct span monitor_span_copy(struct span);	/* p NULL: no memory; free((void *)p) */
int monitor_conn_new(struct monitor *, const struct ipc_NEW *);
int monitor_conn_trust_file(struct monitor *, const struct ipc_TRUST_FILE *);
int monitor_conn_trust_key(struct monitor *, const struct ipc_TRUST_KEY *);
int monitor_conn_attach(struct monitor *, const struct ipc_ATTACH *);

/* ---- limits (monitor_limits.c, monitor_source.c) ---- */
bool monitor_limits_drop(const struct ipc_CONFIG *, unsigned startups, uint32_t random);
const char *monitor_limits_refuse(const struct monitor *, const struct conn *); /* why, or NULL */
/* The address of "address:port" or "[address]:port"; anything else is no address. */
enum { SOURCE_ADDRESS_MAX = 64 };
void monitor_source_address(struct span peer, char out[SOURCE_ADDRESS_MAX]);
struct source monitor_source_of(const struct ipc_CONFIG *, struct span peer);
/* How many from there have not logged in. */
unsigned monitor_source_startups(const struct monitor *, const struct source *);
/* Takes one; when it may be used, in milliseconds from now. */
uint64_t monitor_bucket_take(struct bucket *, uint32_t burst, uint32_t per_second, uint64_t now);
bool monitor_bucket_try(struct bucket *, uint32_t burst, uint32_t per_second, uint64_t now);

/* ---- ends (monitor_end.c) ---- */
/* The monitor's own cause: the first one stands.  The worker is killed. */
void monitor_end(struct conn *, enum ipc_outcome, enum ipc_side, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same, but the worker first says SSH_MSG_DISCONNECT, within close_ms. */
void monitor_end_politely(struct conn *, enum ipc_outcome, enum ipc_side,
    uint32_t disconnect, const char *text);
void monitor_end_lied(struct conn *, const char *what, const char *why);
void monitor_end_finish(struct conn *, int signal, int status);
void monitor_end_bye_free(struct bye *);
int monitor_end_on_bye(struct conn *, const struct ipc_BYE *);
int monitor_end_on_close(struct monitor *, const struct ipc_CLOSE *);

/* ---- names (monitor_names.c): comma-separated lists ---- */
bool monitor_names_next(struct span *list, struct span *name);
bool monitor_names_has(struct span list, struct span name);
/* Appends to a C string of cap bytes; false: no room. */
bool monitor_names_add(char *list, size_t cap, struct span name);
/* A blob of u32 count, then count strings (each with a bool behind it, if so). */
bool monitor_names_counted(struct span blob, bool with_bool, uint32_t *count);
void monitor_names_copy(char *out, size_t cap, struct span);	/* cut to fit */

/* ---- key exchange (monitor_kexinit.c, monitor_exchange.c, _sign.c, _prove.c, _verify.c) ---- */
/* NULL, or why there is none. */
CRYPTO_CHECKED const char *monitor_kexinit_issue(struct conn *, bool first);
/* Server: the list of host key algorithms that we have keys for, and for START the
 * pairs (string alg, string blob). */
CRYPTO_CHECKED int monitor_kexinit_hostkeys(struct conn *, struct wr *pairs);

struct gex {				/* a group exchange's: who asked for what, and got */
	uint32_t min, n, max;
	struct kex_group group;		/* p_len 0: there is none for them           */
};
struct exchange {			/* what goes into H (RFC 4253 8, RFC 4419 3, RFC 8731 3) */
	const struct kex_alg *kex;
	const struct gex *gex;		/* NULL: the method asks for no group        */
	struct span v_c, v_s, i_c, i_s, k_s, q_c, q_s, k;
};
CRYPTO_CHECKED int monitor_exchange_hash(const struct exchange *, uint8_t out[HASH_MAX], size_t *len);
/* The row, if the method was offered, asks for a group or not as there is one or not, and
 * all lengths are its own; else NULL. */
const struct kex_alg *monitor_exchange_kex(const struct conn *, struct span name,
    const struct gex *, struct span q_c, struct span q_s, struct span k);
const struct sign_alg *monitor_exchange_alg(const struct conn *, struct span name);
bool monitor_exchange_key_is(struct span blob, const char *type);	/* its first string */
/* Is it RSA, and of fewer bits than this connection wants? */
bool monitor_exchange_key_is_small(const struct conn *, struct span blob);
/* H, kex_used and alg_used are settled: issues the next KEXINIT, answers now or when
 * the quota allows. */
int monitor_exchange_answer(struct conn *, struct span signature);
void monitor_exchange_release(struct monitor *, void *conn);
int monitor_exchange_on_agreed(struct conn *, const struct ipc_AGREED *);
int monitor_sign_on_sign(struct conn *, const struct ipc_SIGN *);
/* A signature that was checked before anybody sees it (a fault in a signature can
 * give away the key). */
CRYPTO_CHECKED int monitor_sign_checked(const struct key *, const struct sign_alg *,
    struct span data, uint8_t *sig, size_t cap, size_t *len);
/* The data of a publickey login (RFC 4252 7), over our session id; with a host key, of
 * one that is bound to it (OpenSSH PROTOCOL 3.1). */
CRYPTO_CHECKED int monitor_sign_login_data(const struct conn *, struct span user, struct span alg,
    struct span key, struct span host_key, struct wr *);
enum { MONITOR_LOGIN_DATA_MAX = 4 + HASH_MAX + 1 + 4 + 256 + 4 + 14 + 4 + 35 + 1 + 4 +
	NAME_MAX_LEN + 4 + KEY_BLOB_MAX + 4 + KEY_BLOB_MAX };
/* What proves a host key (OpenSSH PROTOCOL 2.5), over our session id. */
CRYPTO_CHECKED int monitor_prove_data(const struct conn *, struct span key, struct wr *);
enum { MONITOR_PROVE_DATA_MAX = 4 + 29 + 4 + HASH_MAX + 4 + KEY_BLOB_MAX };
int monitor_prove_on_prove(struct conn *, const struct ipc_PROVE *);
/* The proof under way is this signature, which is the key's; empty: there is none. */
void monitor_prove_done(struct conn *, struct span signature);
void monitor_prove_late(struct monitor *, void *conn);
void monitor_prove_stop(struct conn *);		/* nobody waits for it any more */
/* Client: does a known_hosts file name an authority for certificates of this host? */
bool monitor_verify_has_authority(const struct conn *);
int monitor_verify_on_verify(struct conn *, const struct ipc_VERIFY *);
int monitor_verify_on_answer(struct monitor *, const struct ipc_HOSTKEY_ANSWER *);

/* ---- files (monitor_file.c) ---- */
/* The text of an opened file, to be freed; -errno, -EFBIG.  Not an ordinary file:
 * -EINVAL, except /dev/null, which is empty. */
CRYPTO_CHECKED int monitor_file_read(int fd, size_t max, struct span *text);

/* ---- groups for group exchange (monitor_moduli.c) ---- */
enum { MODULI_FILE_MAX = 8 * 1024 * 1024, MODULI_MAX = 4096 };
struct modulus;				/* one group of the administrator's file     */
/* Those of a text that are fit to use, and how many. */
struct modulus *monitor_moduli_parse(struct span text, uint32_t *count);
void monitor_moduli_free(struct modulus *);
/* RFC 4419 3: of the smallest size not below n, else of the largest, within the bounds;
 * by chance among several.  False: there is none. */
bool monitor_moduli_choose(const struct modulus *, uint32_t min, uint32_t n, uint32_t max,
    struct kex_group *);
int monitor_moduli_on_load(struct monitor *, const struct ipc_MODULI *);
int monitor_moduli_on_ask(struct conn *, const struct ipc_GROUP_ASK *);

/* ---- revoked keys (monitor_revoked.c) ---- */
struct revoked;				/* what the files say, one behind the other  */
int monitor_revoked_on_load(struct monitor *, const struct ipc_REVOKED *);
/* A client's, for one connection; one that cannot be read ends it. */
int monitor_revoked_on_trust(struct monitor *, const struct ipc_TRUST_REVOKED *);
/* Is this key, or its certificate (NULL: none), in one of the files, if there are any? */
bool monitor_revoked_has(const struct revoked *, struct span plain, const struct cert *);
void monitor_revoked_free(struct revoked **);

/* ---- dumps of packets (monitor_dump.c) ---- */
void monitor_dump_start(struct conn *);
int monitor_dump_on_set(struct monitor *, const struct ipc_SET_HEXDUMP *);
int monitor_dump_on_dump(struct conn *, const struct ipc_DUMP *);

/* ---- known_hosts (monitor_known_hosts.c) ---- */
enum { KNOWN_HOSTS_MAX = 8 * 1024 * 1024, KNOWN_HOSTS_NAME_MAX = 300,
	KNOWN_HOSTS_LINE_MAX = 13000 };
struct known_hosts_verdict {
	enum ipc_trust trust;		/* 0: trusted                                */
	uint32_t line;			/* CHANGED, REVOKED: from 1; UNKNOWN: of a key of
					 * another type, 0: none                     */
};
/* One file's opinion on a key.  name as monitor_known_hosts_name writes it. */
struct known_hosts_verdict monitor_known_hosts_check(struct span text, const char *name,
    struct span key);
/* A line that has a key, seen for the host of this name. */
struct known_hosts_entry {
	uint32_t line;			/* from 1; 0 before the first                */
	bool is_host;			/* it is of this host                        */
	bool is_revoked;
	bool is_simple;			/* no marker, and one name or one hash       */
	size_t key_len;
	uint8_t key[KEY_BLOB_MAX];
};
/* The next such line of text; false at the end. */
bool monitor_known_hosts_next(struct span *text, const char *name, struct known_hosts_entry *);
/* Does a line @cert-authority for this name have this key?  key empty: any. */
bool monitor_known_hosts_authority(struct span text, const char *name, struct span key);
/* Adds to a list the types of the keys that it has for this host. */
void monitor_known_hosts_types(struct span text, const char *name, char *types, size_t cap);
/* Lower case, [host]:port when the port is not 22. */
CRYPTO_CHECKED int monitor_known_hosts_name(struct span host, uint32_t port,
    char out[KNOWN_HOSTS_NAME_MAX + 1]);
CRYPTO_CHECKED int monitor_known_hosts_line(const char *name, struct span key, bool hashed,
    char out[KNOWN_HOSTS_LINE_MAX + 1]);
/* As monitor_file_read. */
CRYPTO_CHECKED int monitor_known_hosts_read(int fd, struct trust **);

/* ---- keeping known_hosts up to date (monitor_update.c) ---- */
int monitor_update_on_told(struct conn *, const struct ipc_HOSTKEYS_TOLD *);
int monitor_update_on_proved(struct conn *, const struct ipc_HOSTKEYS_PROVED *);
void monitor_update_free(struct conn *);

/* ---- the server's login (monitor_auth.c, monitor_auth_key.c, monitor_auth_ask.c) ---- */
int monitor_auth_on_none(struct conn *, const struct ipc_AUTH_NONE *);
int monitor_auth_on_password(struct conn *, const struct ipc_AUTH_PASSWORD *);
int monitor_auth_on_change(struct conn *, const struct ipc_AUTH_CHANGE *);
int monitor_auth_on_publickey(struct conn *, const struct ipc_AUTH_PUBLICKEY *);
int monitor_auth_on_kbdint(struct conn *, const struct ipc_AUTH_KBDINT *);
int monitor_auth_on_responses(struct conn *, const struct ipc_AUTH_RESPONSES *);
int monitor_auth_on_other(struct conn *, const struct ipc_AUTH_OTHER *);
int monitor_auth_on_answer(struct monitor *, const struct ipc_LOGIN_ANSWER *);
int monitor_auth_on_terms(struct monitor *, const struct ipc_LOGIN_TERMS *);
int monitor_auth_on_prompts(struct monitor *, const struct ipc_PROMPT_ANSWER *);
int monitor_auth_on_change_wanted(struct monitor *, const struct ipc_CHANGE_ANSWER *);
void monitor_auth_free(struct conn *);

/* ---- the client's login (monitor_login.c, monitor_try.c) ---- */
int monitor_try_none(struct monitor *, const struct ipc_TRY_NONE *);
int monitor_try_password(struct monitor *, const struct ipc_TRY_PASSWORD *);
int monitor_try_publickey(struct monitor *, const struct ipc_TRY_PUBLICKEY *);
int monitor_try_kbdint(struct monitor *, const struct ipc_TRY_KBDINT *);
int monitor_try_change(struct monitor *, const struct ipc_TRY_CHANGE *);
int monitor_try_probe(struct monitor *, const struct ipc_TRY_PROBE *);
int monitor_try_info(struct monitor *, const struct ipc_INFO_ANSWER *);
int monitor_login_on_success(struct conn *, const struct ipc_LOGIN_SUCCESS *);
int monitor_login_on_failure(struct conn *, const struct ipc_LOGIN_FAILURE *);
int monitor_login_on_pk_ok(struct conn *, const struct ipc_LOGIN_PK_OK *);
int monitor_login_on_info(struct conn *, const struct ipc_LOGIN_INFO *);
int monitor_login_on_changereq(struct conn *, const struct ipc_LOGIN_CHANGEREQ *);
int monitor_login_on_banner(struct conn *, const struct ipc_LOGIN_BANNER *);
int monitor_login_on_sig_algs(struct conn *, const struct ipc_LOGIN_SIG_ALGS *);
void monitor_login_go(struct conn *);		/* keys are in use: what was kept is sent */
/* The server's signature over the session id: its proof to an agent. */
void monitor_login_proof(struct conn *, struct span signature);
void monitor_login_free(struct conn *);

/* ---- certificates (monitor_cert.c) ---- */
/* A key as a peer shows it, plain or with a certificate. */
struct shown_key {
	const struct sign_alg *alg;	/* whose signatures prove it                 */
	struct span plain;		/* the blob that checks them                 */
	bool is_cert;
	struct cert cert;		/* borrows from the blob that was shown      */
	uint8_t bytes[KEY_BLOB_MAX];	/* a certificate's plain blob                */
};
/* Reads a blob that is to be of the negotiated algorithm.  NULL, or why not. */
const char *monitor_cert_show(struct span alg, struct span blob, struct shown_key *);
/* May this user certificate count for the peer of this connection, now, if its CA signed
 * it?  Else why not. */
bool monitor_cert_user(const struct conn *, const struct cert *, char why[MONITOR_WHY_MAX + 1]);
bool monitor_cert_signed(const struct conn *, const struct cert *, char why[MONITOR_WHY_MAX + 1]);
/* How many milliseconds until its CA's signature may be checked, for a server; 0: now. */
enum { MONITOR_CA_CHEAP_BITS = 4096, MONITOR_CA_BURST = 8, MONITOR_CA_PER_SECOND = 10 };
uint64_t monitor_cert_wait(struct monitor *, const struct cert *);
/* May this host certificate count for the host of this client's connection, now?  Else why
 * not.  Whether its CA is one to trust is known_hosts' to say. */
bool monitor_cert_host(const struct conn *, const struct cert *, char why[MONITOR_WHY_MAX + 1]);
int monitor_cert_on_host(struct monitor *, const struct ipc_HOST_CERT *);
int monitor_cert_on_key(struct monitor *, const struct ipc_KEY_CERT *);
/* A user certificate that this agent lists: now of that key of its; NULL: it is of none. */
const struct key *monitor_cert_from_agent(struct monitor *, const struct agent *, struct span blob);
/* What a host key is shown as under the name of this algorithm: itself or its certificate.
 * Empty: it has none. */
struct span monitor_cert_shown(const struct key *, struct span alg);
/* The row of the signature that goes with a name, of a certificate's or its own; or NULL. */
const struct sign_alg *monitor_cert_sign_alg(struct span name);
/* Appends those names of a list that are of signatures, not of certificates, and that the
 * provider has. */
void monitor_cert_names(struct span list, char *out, size_t cap);

/* The data gate (monitor_gate.c): the only place that joins a worker to the
 * application. */
void monitor_gate_open(struct conn *, const char *user, const char *methods,
    const char *alg, struct span key);

/* ---- keys (monitor_keys.c) ---- */
int monitor_keys_on_load(struct monitor *, const struct ipc_KEY_LOAD *);
int monitor_keys_on_drop(struct monitor *, const struct ipc_KEY_DROP *);
int monitor_keys_on_host_key(struct monitor *, const struct ipc_HOST_KEY *);
const struct key *monitor_keys_host(const struct monitor *, const char *type);
struct key *monitor_keys_of_host(struct monitor *, struct span blob);
struct key *monitor_keys_of_user(struct monitor *, uint64_t serial);
const struct key *monitor_keys_user(const struct monitor *, uint64_t serial);
/* A key like this one, with this blob.  Takes its secret; NULL: no memory, or too many
 * (the secret is freed). */
struct key *monitor_keys_add(struct monitor *, const struct key *like, struct span blob);
/* NULL: of a type we do not know, or an RSA key that is too small or otherwise unfit. */
const struct sign_alg *monitor_keys_alg(struct span blob);
/* False: an RSA key of fewer bits.  What is too small for any use verifies nothing. */
bool monitor_keys_large(struct span blob, uint32_t rsa_bits);
bool monitor_keys_loading_host(const struct monitor *);
void monitor_keys_free(struct monitor *);

/* ---- agents and the application's own keys (monitor_agent.c, monitor_signer.c) ---- */
int monitor_agent_on_agent(struct monitor *, const struct ipc_AGENT *);
int monitor_agent_on_add(struct monitor *, const struct ipc_AGENT_ADD *);
int monitor_agent_on_back(struct monitor *, const struct ipc_AGENT_BACK *);
int monitor_agent_on_away(struct monitor *, const struct ipc_AGENT_AWAY *);
void monitor_agent_hold(struct agent *);		/* a key names it... */
void monitor_agent_drop(struct agent *);		/* ...and does no longer */
void monitor_agent_free(struct monitor *);		/* all of them */
int monitor_signer_on_key(struct monitor *, const struct ipc_KEY_SIGNER *);
int monitor_signer_on_answer(struct monitor *, const struct ipc_SIGN_ANSWER *);
/* A signature that a connection waits for: of its login, or in a server of its H, or of
 * the proof of a host key. */
enum signing_what { SIGNING_NOTHING = 0, SIGNING_LOGIN, SIGNING_H, SIGNING_PROOF };
struct signing {
	enum signing_what what;
	struct conn *conn;
	uint64_t question;
	struct span key;		/* the connection's, as alg                  */
	const char *alg;
};
/* These are to be signed by this key, whose private half is elsewhere. */
void monitor_signer_ask_login(struct conn *, const struct key *);
void monitor_signer_ask_host(struct conn *, const struct key *);
void monitor_signer_ask_proof(struct conn *, const struct key *);
/* Nothing: nobody waits for just this signature. */
struct signing monitor_signer_waits(struct monitor *, uint64_t conn, uint64_t question);
bool monitor_signer_data(const struct signing *, struct wr *);	/* what it is over */
/* Empty: there is none, and why says so. */
void monitor_signer_done(const struct signing *, struct span signature, const char *why);
void monitor_signer_give_up(struct conn *);	/* the login's, if one is under way */
void monitor_signer_late(struct monitor *, void *conn);
void monitor_agent_sign(struct agent *, const struct signing *);

/* ---- sending ----
 * tell_NAME(m, &message) to the application, now or from the queue;
 * say_NAME(c, &message) to the connection's worker, now or never. */
#define SENDS_M2A(NAME, flags) static inline void \
	tell_##NAME(struct monitor *m, const struct ipc_##NAME *q) { \
	uint8_t buf[IPC_MAX_##NAME]; \
	int fds[IPC_FDS_MAX] = { -1, -1, -1 }; \
	struct wr w = wr_of(buf, sizeof(buf)); \
	ipc_put_##NAME(&w, fds, q); \
	monitor_app_send(m, &w, fds, IPC_NFDS_##NAME, flags); }
#define SENDS_M2W(NAME, flags) static inline void \
	say_##NAME(struct conn *c, const struct ipc_##NAME *q) { \
	int fd = monitor_worker_fd(c); \
	monitor_worker_said(c, fd < 0 ? -EPIPE : ipc_send_##NAME(fd, q)); }
#define SENDS_A2M(NAME, flags)
#define SENDS_W2M(NAME, flags)
#define SENDS_A2W(NAME, flags)
#define SENDS_W2A(NAME, flags)
#define SENDS_M2Z(NAME, flags)
#define SENDS_Z2M(NAME, flags)
#define SENDS_M2K(NAME, flags)
#define SENDS_K2M(NAME, flags)
#define SENDS_A2R(NAME, flags)
#define SENDS_R2A(NAME, flags)
#define MSG(link, NAME, id, phases, kex, flags) SENDS_##link(NAME, flags)
#include "ipc/messages.def"

#endif
