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
 *   ASYNC      A call that waits for somebody else has a twin NAME_async: the same
 *              arguments without timeout_ms, and a last one `uint64_t *call` (NULL: not
 *              wanted).  It returns 0 once the request is on its way, and
 *              completes as POSTERN_EVENT_DONE with the call's number and, in result,
 *              what the blocking call would have returned.  Nothing may be freed by it
 *              and no time limit runs but the connection's own; postern_cancel() gives
 *              it up.  Exempt: the waits (_accept, _recv_exit_status), whose events are
 *              CHANNEL, LOGIN, EXIT.
 *   OWNERSHIP  _new and _open give you a handle, _free takes it back and accepts
 *              NULL.  Strings and bytes you pass in are copied; what events and
 *              callbacks show is borrowed until they return.  A descriptor passed
 *              to a call that says "takes" is the library's from then on, also
 *              when the call fails.
 *   SECRETS    Passwords and answers are wiped on our side once they are sent.
 *   THREADS    A context with all that hangs on it belongs to one thread at a
 *              time.  Channel descriptors may be used anywhere.
 *   PROCESS    The library starts helper programs and never forks your process, unless
 *              you ask for it (_set_subsystem_process).
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
typedef struct postern_message   postern_message;	/* a typed payload               */
typedef struct postern_sftp      postern_sftp;		/* an sftp subsystem, begun      */

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
	POSTERN_ESANDBOX  = -10015,	/* a required sandbox layer is not to be had     */
	POSTERN_ESIGN     = -10016	/* an agent or signer with a host key of ours    */
					/* did not sign the key exchange                 */
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
	uint32_t refusal;		/* POSTERN_EREFUSED of an open: RFC 4254 5.1     */
};
#define POSTERN_EXCEPTION { sizeof(struct postern_exception), 0, "", 0, "", 0, 0, "", "", 0, 0 }

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

/* What set_hexdump may be asked for. */
enum postern_hexdump { POSTERN_HEXDUMP_OFF = 0,
	POSTERN_HEXDUMP_BLANKED = 1,	/* passwords and answers are blanked             */
	POSTERN_HEXDUMP_WHOLE = 2 };
struct postern_log_line {
	size_t size;
	int level;			/* enum postern_level                            */
	uint64_t conn;			/* 0: it concerns none                           */
	const char *channel;		/* the transport's log channel, "" if none: its  */
					/* name, or that and ".chan.N", ".worker",       */
					/* ".monitor"; the monitor's own remarks:        */
					/* "postern.monitor"                             */
	const char *peer;		/* "" if none                                    */
	const char *text;		/* one fact, without newline                     */
};
struct postern_context_config {
	size_t size;
	const char *helper_dir;		/* NULL: as built.  Never from the environment   */
	unsigned startups_begin, startups_rate, startups_full;	/* 10, 30, 100; MaxStartups: */
					/* servers' connections that have not logged in */
	unsigned connections_max;	/* 10000                                         */
	unsigned spares;		/* workers waiting in advance; 2                 */
	uint32_t worker_uid, worker_gid;/* as root: who workers are; a built-in number   */
	unsigned layers_required;	/* fail without these, besides the usual ones    */
	int log_level;			/* enum postern_level; POSTERN_INFO              */
	/* Called on your thread, inside calls of this library. */
	void (*log)(void *user, const struct postern_log_line *);
	void *user;
	int hexdump_max;		/* enum postern_hexdump: the monitor refuses more */
	int keys_may_leave;		/* 1: postern_agent_add_key may be used; else the */
					/* monitor gives no private key to anybody       */
	unsigned startups_source;	/* PerSourceMaxStartups: as startups_full, but   */
					/* from one source; 0: no limit                  */
	unsigned source_bits_ipv4, source_bits_ipv6;	/* 32, 128: the first bits of a  */
					/* peer's address that make its source          */
	/* Closes fd, without waiting: a descriptor for a channel's data, once it is passed on
	 * or not wanted.  NULL: close(2), which at a local socket waits as long as the program
	 * at its other end likes, for that may have sent descriptors that linger.  Called as
	 * log is; it must not call the library. */
	void (*discard)(void *user, int fd);
};
#define POSTERN_CONTEXT_CONFIG { sizeof(struct postern_context_config), 0, 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Starts the monitor.  cfg may be NULL. */
POSTERN_CHECKED int postern_context_new(postern_context **ctx,
    const struct postern_context_config *cfg, int timeout_ms);
/* The handle is there at once, for every call and for postern_context_fd; the event comes
 * when the monitor has answered.  POSTERN_EMONITOR there: it did not, or is of another
 * build; the handle is to be freed as ever. */
POSTERN_CHECKED int postern_context_new_async(postern_context **ctx,
    const struct postern_context_config *cfg, uint64_t *call);
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
	POSTERN_KEY_DAMAGED = 4, POSTERN_KEY_NOT_A_KEY = 5,
	POSTERN_KEY_TOO_SHORT = 6,	/* RSA below 2048 bits */
	POSTERN_KEY_TOKEN = 7 };	/* its private half is in a security token: an agent may have it */

/* Loads a private key file (OpenSSH's format, PEM, PKCS#8, PuTTY's) into the monitor.
 * Takes fd.  passphrase may be NULL.  POSTERN_EKEY: postern_context_key_problem() says what. */
POSTERN_CHECKED int postern_key_load(postern_key **, postern_context *, int fd,
    const char *passphrase, int timeout_ms);
/* The event has the key. */
POSTERN_CHECKED int postern_key_load_async(postern_context *, int fd,
    const char *passphrase, uint64_t *call);
/* The same from memory; the bytes are wiped on our side, yours are yours. */
POSTERN_CHECKED int postern_key_load_memory(postern_key **, postern_context *,
    const void *file, size_t len, const char *passphrase, int timeout_ms);
POSTERN_CHECKED int postern_key_load_memory_async(postern_context *, const void *file,
    size_t len, const char *passphrase, uint64_t *call);
POSTERN_API int postern_context_key_problem(const postern_context *);
/* After POSTERN_KEY_TOKEN: the public half, to find the key among an agent's by; good until
 * the next key is loaded.  Else NULL.  (An event of _async has it as its data.) */
POSTERN_API const void *postern_context_key_public(const postern_context *, size_t *len);
/* The user keys of an SSH agent on a connected socket, which stays with the monitor:
 * *keys is an array of *n handles to be freed one by one, then the array with free(3).
 * Takes fd.  POSTERN_EPROTO: it does not answer as an agent does. */
POSTERN_CHECKED int postern_agent_keys(postern_context *, int fd, postern_key ***keys,
    size_t *n, int timeout_ms);
/* The event has value handles, yours, in an array (data) that is borrowed as ever. */
POSTERN_CHECKED int postern_agent_keys_async(postern_context *, int fd, uint64_t *call);
/* The same over a connection that connect makes: a connected stream socket, which becomes the
 * library's, or a negative error, which is returned.  It is called again, from postern_next and
 * calls that wait, when a signature is wanted and the connection has ended, at most once a
 * second; negative then: no signature.  It must neither wait nor call the library.  It stays
 * known as long as one of the keys, and as the context if one is a host key of it. */
POSTERN_CHECKED int postern_agent_keys_from(postern_context *, int (*connect)(void *user),
    void *user, postern_key ***keys, size_t *n, int timeout_ms);
POSTERN_CHECKED int postern_agent_keys_from_async(postern_context *,
    int (*connect)(void *user), void *user, uint64_t *call);
/* Gives a loaded key to the SSH agent on a connected socket, with this comment (NULL: its
 * own): the monitor sends it, it does not come here.  lifetime_s: the agent forgets it
 * then, 0: never; confirm: the agent asks its user before each use.  Takes fd.
 * -EPERM: the context was not made with keys_may_leave.
 * POSTERN_EPROTO: the agent did not take it, or the key is not one that was loaded. */
POSTERN_CHECKED int postern_agent_add_key(postern_context *, int fd, const postern_key *,
    const char *comment, uint32_t lifetime_s, int confirm, int timeout_ms);
POSTERN_CHECKED int postern_agent_add_key_async(postern_context *, int fd, const postern_key *,
    const char *comment, uint32_t lifetime_s, int confirm, uint64_t *call);
/* A user key whose private half is yours (an HSM).  sign is asked with what is to be
 * signed, and gives the whole signature [RFC 4253 6.6: string algorithm, string
 * signature]; its length, or negative: no.  The monitor checks the signature. */
POSTERN_CHECKED int postern_key_new_signer(postern_key **, postern_context *,
    const char *algorithm, const void *blob, size_t len,
    int (*sign)(void *user, const void *data, size_t len, void *out, size_t size),
    void *user, int timeout_ms);
POSTERN_CHECKED int postern_key_new_signer_async(postern_context *, const char *algorithm,
    const void *blob, size_t len,
    int (*sign)(void *user, const void *data, size_t len, void *out, size_t size),
    void *user, uint64_t *call);	/* the event has the key */
/* A user certificate [OpenSSH PROTOCOL.certkeys] of this key: what a -cert.pub file has in
 * base64.  A login by the key shows it first, and the key alone if that is refused.
 * -EINVAL: it is none, or of another key; the log says which. */
POSTERN_CHECKED int postern_key_add_certificate(postern_key *, const void *blob, size_t len,
    int timeout_ms);
POSTERN_CHECKED int postern_key_add_certificate_async(postern_key *, const void *blob,
    size_t len, uint64_t *call);
/* Has it one?  An agent's may have come with it. */
POSTERN_API int postern_key_has_certificate(const postern_key *);
POSTERN_API void postern_key_free(postern_key *);	/* the monitor forgets it */
POSTERN_API const char *postern_key_algorithm(const postern_key *);
POSTERN_API const char *postern_key_comment(const postern_key *);
POSTERN_API const void *postern_key_blob(const postern_key *, size_t *len);
/* The blob of a public key or a certificate from the line that a .pub file has: "type
 * base64", and a comment that is passed over [OpenSSH sshd(8), AUTHORIZED_KEYS, without
 * the options].  *len: its length.  -EINVAL: no such line, or the blob is of another type;
 * -ERANGE: more than size bytes, 8192 suffices for all that a login may use. */
POSTERN_CHECKED int postern_public_key_parse(const char *line, void *blob, size_t size,
    size_t *len);
/* The reverse: "type base64", without a comment or an end of line.  -EINVAL: it does not
 * begin as a key does; -ERANGE: too few bytes, 11 KiB suffice. */
POSTERN_CHECKED int postern_public_key_format(const void *blob, size_t len, char *line,
    size_t size);
/* "SHA256:..." of any public key blob.  Writes at most size bytes with the NUL;
 * -ERANGE: too few, 64 suffices. */
POSTERN_CHECKED int postern_fingerprint(const void *blob, size_t len, char *out, size_t size);
/* The same, or "MD5:xx:xx:..." as older programs show it (paramiko's get_fingerprint):
 * to compare with what is written down somewhere, not to decide on.  -EINVAL: there
 * is no such kind. */
enum postern_fingerprint_kind { POSTERN_FINGERPRINT_SHA256 = 1, POSTERN_FINGERPRINT_MD5 = 2 };
POSTERN_CHECKED int postern_fingerprint_as(enum postern_fingerprint_kind, const void *blob,
    size_t len, char *out, size_t size);

/* A host key of the context (paramiko's add_server_key): one per type, a second
 * replaces the first.  Not after the first server has started. */
POSTERN_CHECKED int postern_context_add_server_key(postern_context *, int fd,
    const char *passphrase, int timeout_ms);
/* It is one from the event on. */
POSTERN_CHECKED int postern_context_add_server_key_async(postern_context *, int fd,
    const char *passphrase, uint64_t *call);
/* The same with a key that is known already: an agent's, a signer's, or one from memory.
 * The handle becomes the context's and is not to be freed; a failure leaves it yours.
 * Who holds the private half is asked at each key exchange; what does not answer, in
 * 30 s at most, ends that connection.  It is asked once more for each client that wants
 * the key proven for its known_hosts; what does not answer leaves that unproven.  An agent's
 * connection that has ended stays so, unless its keys are of postern_agent_keys_from. */
POSTERN_CHECKED int postern_context_use_server_key(postern_context *, postern_key *);
/* Public halves of those, i from 0; NULL at the end. */
POSTERN_API const char *postern_context_get_server_key(const postern_context *, size_t i,
    const void **blob, size_t *len);

/* A host certificate [OpenSSH PROTOCOL.certkeys] of one of those keys: what a -cert.pub
 * file has in base64.  It is offered besides the key itself; a second for the same key
 * replaces it.  -EINVAL: it is none, or of no such key; the log says which.  Not after the
 * first server has started. */
POSTERN_CHECKED int postern_context_add_server_certificate(postern_context *,
    const void *blob, size_t len, int timeout_ms);
POSTERN_CHECKED int postern_context_add_server_certificate_async(postern_context *,
    const void *blob, size_t len, uint64_t *call);

/* Keys that may not log in any more, also those with a certificate by its serial number,
 * key id or CA: a KRL [OpenSSH PROTOCOL.krl] or a list of public keys; replaces what was
 * loaded.  Takes fd.  -EINVAL: it cannot be read to its end, the log says why, and what
 * was loaded before stays. */
POSTERN_CHECKED int postern_context_load_revoked_keys(postern_context *, int fd,
    int timeout_ms);
POSTERN_CHECKED int postern_context_load_revoked_keys_async(postern_context *, int fd,
    uint64_t *call);
/* paramiko's load_server_moduli: the moduli(5) file of group exchange [RFC 4419].
 * Takes fd.  How many moduli of 2048 bits and more it has, 0: none, and group exchange
 * stays off.  Servers whose list has it, as that of "compat", offer it from then on. */
POSTERN_CHECKED int postern_context_load_server_moduli(postern_context *, int fd,
    int timeout_ms);
POSTERN_CHECKED int postern_context_load_server_moduli_async(postern_context *, int fd,
    uint64_t *call);

/* ---- algorithms and limits, common to both roles ------------------------------------ */

/* Lists in order of preference, comma separated; NULL is the preset's; a list that
 * begins with + - or ^ edits that, as in sshd_config(5).  An unknown name fails the
 * call with -EINVAL and is named by the exception's text, or for a server in the log.
 *   "modern"   post-quantum hybrids and curve25519, AEAD ciphers or AES-CTR with an
 *              encrypt-then-MAC, no ECDSA, host keys of RSA from 3072 bits
 *   "compat"   and what older peers have instead: NIST curves, Diffie-Hellman groups 14,
 *              16, 18 and those of a moduli file, ECDSA, MACs over the plain text, host
 *              keys of RSA from 2048 bits
 *   "pq-only"  as "modern", but of key exchanges the post-quantum hybrids alone
 * each as far as postern_supported() has it.
 * Some names are in no preset and count only where a list spells them out.  An exception
 * POSTERN_ENOMATCH names the preset with which that peer would have been agreed with. */
struct postern_options {
	size_t size;
	const char *version;		/* software version; default "Postern_x.y"; after a  */
					/* blank a comment, RFC 4253 4.2                 */
	const char *kex, *host_keys, *signatures, *ciphers, *macs;
	const char *compression;	/* default "none"                                */
	const char *preset;		/* default "modern"; unknown: -EINVAL            */
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
	unsigned rsa_bits;		/* smaller RSA keys, of hosts and users, of both */
					/* sides, are refused; never less than 2048, nor */
					/* for hosts than the preset says                */
	const char *ca_signatures;	/* of certificate authorities (CASignatureAlgorithms) */
};
#define POSTERN_OPTIONS { sizeof(struct postern_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

enum postern_list { POSTERN_KEX = 1, POSTERN_HOST_KEYS, POSTERN_SIGNATURES,
	POSTERN_CIPHERS, POSTERN_MACS, POSTERN_COMPRESSION, POSTERN_CA_SIGNATURES };
/* The supported names of a list, in the default order.  Static. */
POSTERN_API const char *postern_supported(int list);
/* Checks and edits a list as above, of the default preset; -EINVAL: out holds the unknown
 * name, or "" where nothing is left; -ERANGE: the result does not fit. */
POSTERN_CHECKED int postern_edit_list(int list, const char *edit, char *out, size_t size);
/* The same of any preset (NULL: the default); -ENOENT: there is none of that name. */
POSTERN_CHECKED int postern_edit_preset(int list, const char *preset, const char *edit,
    char *out, size_t size);

/* ---- forwarding, common to both roles ------------------------------------------------ */

enum postern_forward_kind { POSTERN_DIRECT_TCPIP = 1, POSTERN_FORWARDED_TCPIP = 2,
	POSTERN_DIRECT_STREAMLOCAL = 3, POSTERN_FORWARDED_STREAMLOCAL = 4, POSTERN_X11 = 5,
	POSTERN_AGENT = 6 };
/* What a channel other than a session carries [RFC 4254 6.3.2, 7.2; OpenSSH PROTOCOL
 * 2.4; RFC 9987], or what the peer asks us to listen on.  Host names are as the peer
 * sent them: nothing here was resolved. */
struct postern_forward {
	size_t size;
	int kind;			/* enum postern_forward_kind                     */
	const char *host;		/* destination; FORWARDED_*: where it listened; a */
	uint32_t port;			/* streamlocal's path                            */
	const char *origin_host;	/* who connected, "" unknown                     */
	uint32_t origin_port;
};
#define POSTERN_FORWARD { sizeof(struct postern_forward), 0, "", 0, "", 0 }

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

/* Extensions of a user certificate, as bits: what is absent the login may not do. */
enum postern_cert_permit { POSTERN_CERT_X11 = 1, POSTERN_CERT_AGENT = 2,
	POSTERN_CERT_PORT = 4, POSTERN_CERT_PTY = 8, POSTERN_CERT_USER_RC = 16,
	POSTERN_CERT_NO_TOUCH = 32 };
/* A user certificate [OpenSSH PROTOCOL.certkeys].  The monitor has checked its form, its
 * time, its source-address and its CA's signature, and that it has no critical option
 * that is unknown here.  To be decided by you, or it lets in whoever makes himself a CA:
 * is this CA one that you trust for this user, and is one of the principals right?
 * force_command and permits are yours to apply too. */
struct postern_certificate {
	size_t size;
	const void *ca;			/* its CA's public key blob                      */
	size_t ca_len;
	const void *plain;		/* the key itself, as a plain blob               */
	size_t plain_len;
	uint64_t serial;
	const char *key_id;		/* the CA's words                                */
	size_t n_principals;		/* 0: it is good for nobody                      */
	const char *const *principals;
	unsigned permits;		/* enum postern_cert_permit                      */
	const char *force_command;	/* instead of any other, or NULL                 */
};

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
	/* POSTERN_PUBLICKEY, of a key in an authenticator [OpenSSH PROTOCOL.u2f]: that
	 * somebody touched it is required unless no_touch_required, that it knew who (PIN or
	 * fingerprint) if verify_required.  No other key shows either, nor needs to. */
	int no_touch_required, verify_required;
	/* POSTERN_PUBLICKEY: what key is, if it is a certificate; else NULL */
	const struct postern_certificate *certificate;
	/* POSTERN_PASSWORD, behind postern_answer_change_password: the one that is to be from
	 * now on, else NULL.  ACCEPT and PARTIAL mean that it was changed. */
	const char *new_password;
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
	POSTERN_REQ_SIGNAL, POSTERN_REQ_BREAK, POSTERN_REQ_OTHER, POSTERN_REQ_X11,
	POSTERN_REQ_AGENT, POSTERN_REQ_XON_XOFF };
struct postern_channel_request {	/* [RFC 4254 6] fields of its kind, others 0     */
	size_t size;
	int kind;			/* enum postern_request                          */
	const char *name;		/* term, variable, command, subsystem, signal, or kind */
	const char *value;		/* variable                                      */
	uint32_t columns, rows, width, height, break_ms;
	const void *data;		/* PTY: terminal modes [8]; OTHER: payload       */
	size_t data_len;
	const char *cookie;		/* X11; name is the protocol                     */
	uint32_t screen;
	int flag;			/* X11: single connection; XON_XOFF: client can do */
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
	/* The peer opens a channel [RFC 4254 5.1].  On REFUSE *reason may be set; with
	 * LATER it is that of a later refusal.  A refusal, also a later one, frees the
	 * handle.  forward: for the kinds that have one, else NULL, and extra is what
	 * came.  To serve direct-tcpip: postern_channel_connect; or connect yourself,
	 * postern_channel_take_socket, ACCEPT (at once, or LATER and postern_answer). */
	int (*check_channel_open)(void *user, postern_transport *, uint64_t question,
	    postern_channel *, const char *kind, const struct postern_forward *forward,
	    const void *extra, size_t len, uint32_t *reason);
	/* A request for a channel.  For shell, exec and subsystem: give it descriptors
	 * (postern_channel_take_*, or else it gets postern_channel_fd()) and ACCEPT.
	 * Window changes and signals are only told: question 0, the result is ignored. */
	int (*check_channel_request)(void *user, postern_channel *, uint64_t question,
	    const struct postern_channel_request *);
	int (*check_global_request)(void *user, postern_transport *, uint64_t question,
	    const char *kind, const void *data, size_t len);
	/* The peer asks us to listen for it [RFC 4254 7.1].  On ACCEPT *port (0 came in
	 * if it may be any) is what was bound; with LATER, postern_answer_port().  Then
	 * open postern_transport_open_forwarded_tcpip_channel for each connection. */
	int (*check_port_forward_request)(void *user, postern_transport *, uint64_t question,
	    const struct postern_forward *, uint32_t *port);
	/* Of one that was granted; others are refused before.  Stop listening. */
	void (*cancel_port_forward_request)(void *user, postern_transport *,
	    const struct postern_forward *);
	void (*channel_eof)(void *user, postern_channel *);
	void (*channel_closed)(void *user, postern_channel *);	/* free it here or later */
	/* The last callback about a transport; free it here or later.  Only a
	 * connection of a listening socket that ends before its login frees itself when
	 * this returns: it has no event, and accept never showed it. */
	void (*transport_closed)(void *user, postern_transport *,
	    const struct postern_exception *);
};
#define POSTERN_SERVER_INTERFACE { sizeof(struct postern_server_interface), 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0, 0, 0 }

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
/* The handle is there at once; connections that it accepts wait until the event has come.
 * A host key must have been added before. */
POSTERN_CHECKED int postern_server_new_async(postern_server **, postern_context *,
    const struct postern_server_config *, const struct postern_server_interface *,
    uint64_t *call);
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
/* postern_answer() for check_auth, with all that may be set there: methods,
 * no_touch_required, verify_required. */
POSTERN_CHECKED int postern_answer_login(postern_transport *, uint64_t question, int answer,
    const struct postern_login *);
/* What holds for a login once check_auth has told its user, from the next answer on: call
 * it in check_auth or before postern_answer().  tries_max 0 and banner NULL: as the
 * server's.  One banner is shown in all, so leave banner out of the server's configuration
 * to choose it here.  POSTERN_ESTATE: not a server's, or over; -EMSGSIZE: a banner of more
 * than 16384 bytes. */
POSTERN_CHECKED int postern_transport_set_login_terms(postern_transport *, unsigned tries_max,
    const char *banner);
/* The same for the lists of postern_options by which this login's keys are judged, as
 * postern_edit_list() has them; NULL: as they are.  -EINVAL: an unknown name, or nothing is left. */
POSTERN_CHECKED int postern_transport_set_login_signatures(postern_transport *,
    const char *signatures, const char *ca_signatures);
/* postern_answer() for check_port_forward_request: ACCEPT with the port bound. */
POSTERN_CHECKED int postern_answer_port(postern_transport *, uint64_t question, int answer,
    uint32_t port);
/* For check_global_request: an answer with a payload [RFC 4254 4]; call it in the
 * callback (which then returns POSTERN_LATER) or afterwards. */
POSTERN_CHECKED int postern_answer_payload(postern_transport *, uint64_t question,
    int answer, const postern_message *);
/* Serves a subsystem without asking check_channel_request (paramiko's
 * set_subsystem_handler): NULL takes it back.  In a process of its own, with the channel
 * as its 0, 1 and 2 and no other descriptor, whose end is told to the peer:
 *   _program   starts argv; argv[0] is a path;
 *   _process   calls handler in a fork of your process; what it returns (0 to 255) is the
 *              exit status.  There stdin, stdout and stderr are empty, signals are at
 *              their defaults, calls on handles return POSTERN_EFORKED, and no atexit
 *              function runs.  It is a copy of your memory next to a peer: a program is
 *              not.  In a host with threads it may take no lock that one of them may
 *              have held at that moment; the C library's own are in order.
 * And in yours: _handler calls handler with the channel when it was granted. */
POSTERN_CHECKED int postern_server_set_subsystem_handler(postern_server *, const char *name,
    void (*handler)(void *user, const char *name, postern_transport *, postern_channel *),
    void *user);
POSTERN_CHECKED int postern_server_set_subsystem_program(postern_server *, const char *name,
    const char *const *argv, const char *const *envp);
POSTERN_CHECKED int postern_server_set_subsystem_process(postern_server *, const char *name,
    int (*handler)(void *user, const char *name), void *user);
/* Keyboard-interactive: another round of prompts instead of an answer; call it in
 * check_auth (which then returns POSTERN_LATER) or afterwards. */
POSTERN_CHECKED int postern_answer_prompts(postern_transport *, uint64_t question,
    const struct postern_prompts *);

/* A password: not before there is a new one [RFC 4252 8]; call it in check_auth (which
 * then returns POSTERN_LATER) or afterwards.  prompt is shown to the user.  The client's next
 * request may have new_password: change it and accept, refuse, or call this again. */
POSTERN_CHECKED int postern_answer_change_password(postern_transport *, uint64_t question,
    const char *prompt);

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
	const char *line;		/* to append to known_hosts on acceptance,       */
					/* without newline                               */
	unsigned clash_line, clash_file;/* where the other key stands: lines are counted */
					/* from 1 (0: there is none), files from 0;      */
					/* UNKNOWN: a key of another type                */
	const char *certificate_problem;/* why a certificate it came with does not count, */
					/* or ""                                         */
};
/* What known_hosts should say from now on of a host that it knows, by what the server told
 * after the login [OpenSSH PROTOCOL 2.5; ssh_config(5) UpdateHostKeys].  The key that it
 * has shown is among those it told; it has proven each new one.  But no old key signs for
 * the new: that the list is the server's is as sure as the worker it came through, and
 * where that was taken before it had verified the server, a stranger's key stays in the
 * file.  Better ask somebody. */
struct postern_known_hosts_change {
	size_t size;
	const char *host;		/* as known_hosts writes it                      */
	size_t n_added;
	const struct postern_host_key *added;	/* line: to append to the first file,    */
					/* without newline                               */
	size_t n_gone;
	const struct postern_host_key *gone;	/* to remove: line clash_line of file    */
					/* clash_file, if it still has that key          */
};
struct postern_client_interface {
	size_t size;
	void *user;
	/* Not among the trusted keys.  NULL, or anything but ACCEPT: refused. */
	int (*check_host_key)(void *user, postern_transport *, uint64_t question,
	    const struct postern_host_key *);
	void (*banner)(void *user, postern_transport *, const char *text);
	/* Keyboard-interactive: fill answers (each malloc'd: freed and wiped by us) and
	 * return POSTERN_ACCEPT; or POSTERN_LATER and postern_answer_interactive();
	 * anything else gives the login up. */
	int (*answer_prompts)(void *user, postern_transport *, uint64_t question,
	    const struct postern_prompts *, char **answers);
	/* The server wants a new password [RFC 4252 8]: *new_password malloc'd, as above,
	 * and ACCEPT; else the login is refused. */
	int (*change_password)(void *user, postern_transport *, const char *prompt,
	    char **new_password);
	/* A channel opened by the server that no handler of a forward was set for. */
	int (*check_channel_open)(void *user, postern_transport *, uint64_t question,
	    postern_channel *, const char *kind, const struct postern_forward *forward,
	    const void *extra, size_t len, uint32_t *reason);
	/* A request of the server's for a channel of ours: OTHER and XON_XOFF. */
	int (*check_channel_request)(void *user, postern_channel *, uint64_t question,
	    const struct postern_channel_request *);
	int (*check_global_request)(void *user, postern_transport *, uint64_t question,
	    const char *kind, const void *data, size_t len);
	void (*channel_closed)(void *user, postern_channel *);
	void (*transport_closed)(void *user, postern_transport *,
	    const struct postern_exception *);
	/* Once for a connection at most, and only if the host is known by a plain line of
	 * own_known_hosts, or was new and accepted.  NULL: nothing is asked of the server.
	 * It comes within a call of this library, a round trip after the login if there are
	 * new keys to prove: a client that closes at once never hears of it.  To wait, stay in
	 * postern_next for as long as it may take; most servers tell nothing, so give it a
	 * time limit, of seconds. */
	void (*known_hosts_changed)(void *user, postern_transport *,
	    const struct postern_known_hosts_change *);
};
#define POSTERN_CLIENT_INTERFACE { sizeof(struct postern_client_interface), 0, 0, 0, 0, 0, 0, \
	0, 0, 0, 0, 0 }

struct postern_client_config {
	size_t size;
	const char *host;		/* for known_hosts, without port or brackets;    */
					/* required unless host_key                      */
	unsigned port;			/* 22                                            */
	const int *known_hosts;		/* opened files; taken.  None: every key is unknown */
	size_t n_known_hosts;
	int hash_known_hosts;		/* write the line of a new host hashed           */
	const void *host_key;		/* exactly this key blob, instead of files: what */
					/* a .pub file has in base64                     */
	size_t host_key_len;
	const struct postern_options *options;
	struct postern_client_interface interface;
	const int *revoked_keys;	/* opened files; taken.  Each a KRL or a list of */
	size_t n_revoked_keys;		/* public keys: hosts' keys, or their CAs', that */
					/* are refused whatever else says.  One that     */
					/* cannot be read to its end: all are            */
	size_t own_known_hosts;		/* so many of known_hosts, the first, are the    */
					/* user's own and may be changed; 0              */
};
#define POSTERN_CLIENT_CONFIG { sizeof(struct postern_client_config), 0, 0, 0, 0, 0, 0, 0, 0, \
	POSTERN_CLIENT_INTERFACE, 0, 0, 0 }

/* ---- transport -------------------------------------------------------------------------- */

/* A transport over a connected stream descriptor.  Takes fd.  Nothing is read or
 * written before a start call. */
POSTERN_CHECKED int postern_transport_new(postern_transport **, postern_context *, int fd);
/* The same over two descriptors, read and written (inetd, a ProxyCommand's pipes). */
POSTERN_CHECKED int postern_transport_new_pair(postern_transport **, postern_context *,
    int in, int out);
/* Resolves and connects: "host", "host:port", "[v6]:port", "v6"; port 22 by default.  A
 * helper process asks the resolver: the library's own calls go on meanwhile, 30 s for the
 * name and 30 s for each of its first 16 addresses.  A context has 32 of these processes, of
 * which peers use 24 at most; a name waits 31 s for one.  -errno of the last address tried;
 * -ENOENT: no such name; -EHOSTUNREACH also: it was not resolved in time; -EINVAL: none of
 * these forms. */
POSTERN_CHECKED int postern_transport_new_host(postern_transport **, postern_context *,
    const char *host_port, int timeout_ms);
POSTERN_CHECKED int postern_transport_new_address(postern_transport **, postern_context *,
    const char *host, unsigned port, int timeout_ms);
/* The event has the transport. */
POSTERN_CHECKED int postern_transport_new_host_async(postern_context *, const char *host_port,
    uint64_t *call);
POSTERN_CHECKED int postern_transport_new_address_async(postern_context *, const char *host,
    unsigned port, uint64_t *call);
/* A socket-like object.  Each function as its system call, -errno on failure; send and
 * recv return bytes moved, 0: closed, -EAGAIN: not now.  The library relays between it
 * and the worker, inside its own calls only: without a pollable descriptor `fd` it looks
 * every 20 ms while you are in postern_next or a blocking call, and not at all else. */
struct postern_io {
	size_t size;
	void *user;
	int fd;				/* readable and writable as the object is, or -1 */
	long (*send)(void *user, const void *data, size_t len);
	long (*recv)(void *user, void *data, size_t len);
	void (*close)(void *user);	/* called once, not if _new_io failed nor in a   */
					/* forked child; may be NULL                     */
	int (*set_timeout)(void *user, int timeout_ms);	/* called once with 0; may be NULL */
	int (*peername)(void *user, char *out, size_t size);	/* may be NULL           */
};
#define POSTERN_IO { sizeof(struct postern_io), 0, -1, 0, 0, 0, 0, 0 }
POSTERN_CHECKED int postern_transport_new_io(postern_transport **, postern_context *,
    const struct postern_io *);
/* Before the start only, else POSTERN_ESTATE.  They win over the options of the config
 * given to the start. */
POSTERN_CHECKED int postern_transport_use_compression(postern_transport *, int on);
/* paramiko's SecurityOptions: list as in postern_edit_list; -EINVAL names what is
 * unknown in get_exception.  An edit with + - or ^ is one of what the options of the start
 * say, preset and list, and -EINVAL there if that leaves nothing.  _get writes the list in
 * force, before a client's start that of the default preset; once keys are in use what was
 * negotiated is in postern_transport_get_agreement. */
POSTERN_CHECKED int postern_transport_set_security_option(postern_transport *, int list,
    const char *edit);
POSTERN_CHECKED int postern_transport_get_security_option(const postern_transport *, int list,
    char *out, size_t size);
/* Ends it now and frees its channels too; no callback and no event follows. */
POSTERN_API void postern_transport_free(postern_transport *);

/* Negotiates a session; returns when keys are in use, and in a client when the
 * host key is verified. */
POSTERN_CHECKED int postern_transport_start_client(postern_transport *,
    const struct postern_client_config *, int timeout_ms);
POSTERN_CHECKED int postern_transport_start_client_async(postern_transport *,
    const struct postern_client_config *, uint64_t *call);
POSTERN_CHECKED int postern_transport_start_server(postern_transport *, postern_server *,
    int timeout_ms);
POSTERN_CHECKED int postern_transport_start_server_async(postern_transport *, postern_server *,
    uint64_t *call);
/* start_client and a login in one call: with key if there is one, else with password
 * if there is one, else none is made (user may be NULL).  Results as of these. */
POSTERN_CHECKED int postern_transport_connect(postern_transport *,
    const struct postern_client_config *, const char *user, const char *password,
    const postern_key *, int timeout_ms);
POSTERN_CHECKED int postern_transport_connect_async(postern_transport *,
    const struct postern_client_config *, const char *user, const char *password,
    const postern_key *, uint64_t *call);
/* Gives up an async call: its DONE will not come.  Late answers are thrown away. */
POSTERN_API void postern_cancel(postern_context *, uint64_t call);

/* Login.  0: logged in.  1: this step is passed, more is needed.  POSTERN_EAUTH:
 * refused.  In the last two cases postern_transport_auth_methods() lists what may
 * continue. */
POSTERN_CHECKED int postern_transport_auth_none(postern_transport *, const char *user,
    int timeout_ms);
/* Without NO_FALLBACK a server that takes no passwords (its list lacks "password") but
 * offers "keyboard-interactive" is asked that way: no prompt is answered with nothing,
 * one hidden prompt with the password; for anything else the first refusal stands. */
enum postern_password_flag { POSTERN_NO_FALLBACK = 1 };
POSTERN_CHECKED int postern_transport_auth_password(postern_transport *, const char *user,
    const char *password, int flags, int timeout_ms);
POSTERN_CHECKED int postern_transport_auth_publickey(postern_transport *, const char *user,
    const postern_key *, int timeout_ms);
POSTERN_CHECKED int postern_transport_auth_none_async(postern_transport *, const char *user,
    uint64_t *call);
POSTERN_CHECKED int postern_transport_auth_password_async(postern_transport *,
    const char *user, const char *password, int flags, uint64_t *call);
POSTERN_CHECKED int postern_transport_auth_publickey_async(postern_transport *,
    const char *user, const postern_key *, uint64_t *call);
/* Would the server take this public key?  0 yes, POSTERN_EAUTH no.  algorithm: of the
 * signature, or the key's type, and then the one with which such a key logs in. */
POSTERN_CHECKED int postern_transport_probe_publickey(postern_transport *, const char *user,
    const char *algorithm, const void *blob, size_t len, int timeout_ms);
/* Prompts go to the interface's answer_prompts. */
POSTERN_CHECKED int postern_transport_auth_interactive(postern_transport *, const char *user,
    const char *submethods, int timeout_ms);
POSTERN_CHECKED int postern_transport_probe_publickey_async(postern_transport *,
    const char *user, const char *algorithm, const void *blob, size_t len, uint64_t *call);
POSTERN_CHECKED int postern_transport_auth_interactive_async(postern_transport *,
    const char *user, const char *submethods, uint64_t *call);
/* The answers to prompts that were put off; copied, yours are yours.  NULL: gives up. */
POSTERN_CHECKED int postern_answer_interactive(postern_transport *, uint64_t question,
    const char *const *answers, size_t n);
/* Comma separated; "" before the first answer. */
POSTERN_API const char *postern_transport_auth_methods(const postern_transport *);

POSTERN_API int postern_transport_is_active(const postern_transport *);
POSTERN_API int postern_transport_is_authenticated(const postern_transport *);
/* NULL until the login is proven, in both roles. */
POSTERN_API const char *postern_transport_get_username(const postern_transport *);
POSTERN_API const char *postern_transport_getpeername(const postern_transport *);
POSTERN_API const char *postern_transport_getsockname(const postern_transport *);
/* Client: the user of the last login tried, NULL before the first. */
POSTERN_API const char *postern_transport_get_attempted_username(const postern_transport *);
POSTERN_API postern_server *postern_transport_get_server(const postern_transport *);
/* One line: state, role, cipher, open channels, peer; as paramiko's repr.  Never more
 * than size with the NUL; -ERANGE: cut. */
POSTERN_CHECKED int postern_transport_describe(const postern_transport *, char *out,
    size_t size);
/* The name its log lines carry; default "postern.transport"; 64 bytes at most. */
POSTERN_CHECKED int postern_transport_set_log_channel(postern_transport *, const char *name);
POSTERN_API const char *postern_transport_get_log_channel(const postern_transport *);
/* Packets in clear to the log, at POSTERN_DEBUG: enum postern_hexdump.  -EPERM: more
 * than hexdump_max.  What a worker shows is a claim. */
POSTERN_CHECKED int postern_transport_set_hexdump(postern_transport *, int mode);
POSTERN_API int postern_transport_get_hexdump(const postern_transport *);
/* keepalive@openssh.com after interval_ms without a packet of the peer; max unanswered
 * ones end the connection (0: 3).  0 ms: off.  After login. */
POSTERN_CHECKED int postern_transport_set_keepalive(postern_transport *, int interval_ms,
    unsigned max);
/* Another rekey_bytes and rekey_interval_ms than those of postern_options, where 0 means the
 * same.  After login. */
POSTERN_CHECKED int postern_transport_set_rekey_limit(postern_transport *, uint64_t bytes,
    int interval_ms);
/* What this login may no longer do, however the interface answers.  It only grows. */
enum postern_permission { POSTERN_PERMIT_PTY = 1, POSTERN_PERMIT_PROGRAMS = 2,
	POSTERN_PERMIT_DIRECT = 4, POSTERN_PERMIT_LISTEN = 8, POSTERN_PERMIT_X11 = 16,
	POSTERN_PERMIT_AGENT = 32, POSTERN_PERMIT_SESSIONS = 64 };
POSTERN_CHECKED int postern_transport_restrict(postern_transport *, unsigned permissions);
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
	const char *compression_c2s, *compression_s2c;			/* claims        */
	const char *peer_version;	/* a claim                                       */
	int strict_kex;
	uint64_t exchanges;		/* key exchanges that the monitor has signed or checked */
};
#define POSTERN_AGREEMENT { sizeof(struct postern_agreement), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
POSTERN_CHECKED int postern_transport_get_agreement(const postern_transport *,
    struct postern_agreement *);
/* The server's public key blob, verified; NULL before. */
POSTERN_API const void *postern_transport_get_remote_server_key(const postern_transport *,
    size_t *len);

/* Server: the public key blob in use and its algorithm (get_server_key); NULL before
 * keys are in use, and in a client. */
POSTERN_API const void *postern_transport_get_server_key(const postern_transport *,
    const char **algorithm, size_t *len);
/* New keys now; returns when they are in use both ways. */
POSTERN_CHECKED int postern_transport_renegotiate_keys(postern_transport *, int timeout_ms);
POSTERN_CHECKED int postern_transport_renegotiate_keys_async(postern_transport *,
    uint64_t *call);
/* SSH_MSG_IGNORE with bytes random bytes, 0: 10 to 41. */
POSTERN_CHECKED int postern_transport_send_ignore(postern_transport *, unsigned bytes);
/* A global request [RFC 4254 4]; data may be NULL.  0, or POSTERN_EREFUSED.  reply, if
 * not NULL, gets a message to be freed: what came with the success, empty if nothing
 * did.  Up to 1024 may be outstanding; each gets its own reply. */
POSTERN_CHECKED int postern_transport_global_request(postern_transport *, const char *kind,
    const postern_message *data, postern_message **reply, int timeout_ms);
/* Completes with the reply in the event's data. */
POSTERN_CHECKED int postern_transport_global_request_async(postern_transport *,
    const char *kind, const postern_message *data, uint64_t *call);
/* wait=False: no reply is asked for. */
POSTERN_CHECKED int postern_transport_global_notice(postern_transport *, const char *kind,
    const postern_message *data);

/* The peer, a server, listens for us and opens a channel per connection.  handler
 * decides about each, as check_channel_open does (take_socket, ACCEPT, LATER...); NULL:
 * they are granted and wait for postern_transport_accept.  port 0: any, *bound tells. */
typedef int postern_forward_handler(void *user, postern_transport *, uint64_t question,
    postern_channel *, const struct postern_forward *);
POSTERN_CHECKED int postern_transport_request_port_forward(postern_transport *,
    const char *address, uint32_t port, postern_forward_handler *, void *user,
    uint32_t *bound, int timeout_ms);
/* The event's value is the port bound. */
POSTERN_CHECKED int postern_transport_request_port_forward_async(postern_transport *,
    const char *address, uint32_t port, postern_forward_handler *, void *user,
    uint64_t *call);
POSTERN_CHECKED int postern_transport_cancel_port_forward(postern_transport *,
    const char *address, uint32_t port, int timeout_ms);
POSTERN_CHECKED int postern_transport_cancel_port_forward_async(postern_transport *,
    const char *address, uint32_t port, uint64_t *call);
/* The same for a path [OpenSSH PROTOCOL 2.4]. */
POSTERN_CHECKED int postern_transport_request_streamlocal_forward(postern_transport *,
    const char *path, postern_forward_handler *, void *user, int timeout_ms);
POSTERN_CHECKED int postern_transport_request_streamlocal_forward_async(postern_transport *,
    const char *path, postern_forward_handler *, void *user, uint64_t *call);
POSTERN_CHECKED int postern_transport_cancel_streamlocal_forward(postern_transport *,
    const char *path, int timeout_ms);
POSTERN_CHECKED int postern_transport_cancel_streamlocal_forward_async(postern_transport *,
    const char *path, uint64_t *call);
/* Says SSH_MSG_DISCONNECT and waits for the end; idempotent. */
POSTERN_CHECKED int postern_transport_close(postern_transport *, int timeout_ms);
POSTERN_CHECKED int postern_transport_close_async(postern_transport *, uint64_t *call);
/* Ends it at once, without a goodbye; the handle stays (paramiko's stop_thread). */
POSTERN_API void postern_transport_stop(postern_transport *);
/* In a forked child: gives this transport's descriptors back; the parent's session
 * lives.  postern_context_atfork() does it for all. */
POSTERN_API void postern_transport_atfork(postern_transport *);
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
 * While you are in read(2) no callback runs: who serves forwards polls both this and
 * postern_context_fd().
 */
POSTERN_CHECKED int postern_transport_open_session(postern_transport *, postern_channel **,
    int timeout_ms);
POSTERN_CHECKED int postern_transport_open_session_async(postern_transport *,
    postern_channel **, uint64_t *call);
/* Any kind.  forward: for the kinds that have one (kind says which of direct-tcpip...
 * it must match), its fields; else extra is what is sent.  options may be NULL. */
struct postern_open_options {
	size_t size;
	uint32_t window, packet;	/* bytes; 0: as in postern_options, 32 KiB       */
};
#define POSTERN_OPEN_OPTIONS { sizeof(struct postern_open_options), 0, 0 }
POSTERN_CHECKED int postern_transport_open_channel(postern_transport *, postern_channel **,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    const struct postern_open_options *, int timeout_ms);
/* The async twins give the handle at once, so that postern_channel_take_socket can be
 * called on it; it can be used for data and requests after its DONE.  After a failure
 * it is to be freed as ever. */
POSTERN_CHECKED int postern_transport_open_channel_async(postern_transport *,
    postern_channel **, const char *kind, const struct postern_forward *forward,
    const void *extra, size_t len, const struct postern_open_options *, uint64_t *call);
/* open_channel for the kinds of RFC 4254 7.2 and 6.3.2, OpenSSH PROTOCOL 2.4 and
 * RFC 9987; forward's kind is what is opened.  For paramiko's open_x11_channel,
 * open_forwarded_tcpip_channel, open_forward_agent_channel and direct-tcpip. */
POSTERN_CHECKED int postern_transport_open_forward(postern_transport *, postern_channel **,
    const struct postern_forward *, int timeout_ms);
POSTERN_CHECKED int postern_transport_open_forward_async(postern_transport *,
    postern_channel **, const struct postern_forward *, uint64_t *call);
POSTERN_CHECKED int postern_transport_open_x11_channel(postern_transport *,
    postern_channel **, const char *origin_host, uint32_t origin_port, int timeout_ms);
POSTERN_CHECKED int postern_transport_open_x11_channel_async(postern_transport *,
    postern_channel **, const char *origin_host, uint32_t origin_port, uint64_t *call);
POSTERN_CHECKED int postern_transport_open_forwarded_tcpip_channel(postern_transport *,
    postern_channel **, const char *origin_host, uint32_t origin_port,
    const char *listen_host, uint32_t listen_port, int timeout_ms);
POSTERN_CHECKED int postern_transport_open_forwarded_tcpip_channel_async(postern_transport *,
    postern_channel **, const char *origin_host, uint32_t origin_port,
    const char *listen_host, uint32_t listen_port, uint64_t *call);
POSTERN_CHECKED int postern_transport_open_forward_agent_channel(postern_transport *,
    postern_channel **, int timeout_ms);
POSTERN_CHECKED int postern_transport_open_forward_agent_channel_async(postern_transport *,
    postern_channel **, uint64_t *call);
/* A session whose sftp subsystem has told its version [draft-ietf-secsh-filexfer-02 4]; no
 * file operation yet.  POSTERN_EREFUSED: no session, or no such subsystem; POSTERN_EPROTO:
 * it does not answer with version 3; POSTERN_ECLOSED: it ended before its answer did.  What
 * comes behind the answer stays in the channel's descriptor.  Of the async twin the handle
 * is there at once; its channel's descriptor is yours, and its version told (before: 0),
 * after its DONE, whose event has the channel. */
POSTERN_CHECKED int postern_transport_open_sftp_client(postern_transport *, postern_sftp **,
    int timeout_ms);
POSTERN_CHECKED int postern_transport_open_sftp_client_async(postern_transport *,
    postern_sftp **, uint64_t *call);
POSTERN_API postern_channel *postern_sftp_get_channel(const postern_sftp *);
POSTERN_API unsigned postern_sftp_get_version(const postern_sftp *);
/* Closes and frees its channel too; postern_transport_free frees both. */
POSTERN_API void postern_sftp_free(postern_sftp *);
/* Next channel that the peer opened and the interface granted. */
POSTERN_CHECKED int postern_transport_accept(postern_transport *, postern_channel **,
    int timeout_ms);
POSTERN_API void postern_channel_free(postern_channel *);	/* closes it */

POSTERN_API int postern_channel_fd(postern_channel *);		/* borrowed; -errno       */
/* A second such socket for stderr, in both roles; to be asked for before the program
 * starts (in a server: before ACCEPT).  A client that does not has stderr merged. */
POSTERN_API int postern_channel_stderr_fd(postern_channel *);
POSTERN_CHECKED int postern_channel_take_fd(postern_channel *);	/* yours; -errno          */

/* Server: descriptors of your own making for the data, instead of
 * postern_channel_fd(): a pty master, or three pipe ends (the worker writes in,
 * reads out and err), or a stream socket.  Made for this purpose only; they are
 * set O_NONBLOCK; takes them. */
POSTERN_CHECKED int postern_channel_take_pty(postern_channel *, int master);
POSTERN_CHECKED int postern_channel_take_pipes(postern_channel *, int in, int out, int err);
POSTERN_CHECKED int postern_channel_take_socket(postern_channel *, int socket);

/* May a channel be connected to this address?  asked is what the peer, or you, named; to is
 * what it resolved to, one address at a time, in the form in which the kernel takes it (an
 * IPv4 address is never AF_INET6, "any" is the loopback), and exactly it is connected to:
 * no name is looked up again.  Anything but POSTERN_ACCEPT: not there, and the next address
 * is asked about.  For a streamlocal's path to is AF_UNIX. */
struct sockaddr;
typedef int postern_may_connect(void *user, postern_channel *,
    const struct postern_forward *asked, const struct sockaddr *to, size_t to_len);
/* Connects a channel that the peer opens to a host (DIRECT_TCPIP) or an absolute path
 * (DIRECT_STREAMLOCAL) and answers the question with that.  To be called in
 * check_channel_open or a forward's handler, whose result it gives, or after their LATER:
 *	return postern_channel_connect(ch, question, forward, may_connect, user);
 * Nothing waits: a helper process resolves, at most 4 at once for one connection and 32
 * for a context, with the time limits of postern_transport_new_host.  POSTERN_LATER: it
 * is under way; the channel's end ends it.  -EINVAL: no such destination, or no
 * may_connect; POSTERN_ESTATE: no open question of this channel, or it has its
 * descriptors. */
POSTERN_CHECKED int postern_channel_connect(postern_channel *, uint64_t question,
    const struct postern_forward *to, postern_may_connect *, void *user);

/* Client requests [RFC 4254 6].  POSTERN_EREFUSED: the server said no. */
POSTERN_CHECKED int postern_channel_get_pty(postern_channel *, const char *term,
    uint32_t columns, uint32_t rows, uint32_t width, uint32_t height,
    const void *modes, size_t modes_len, int timeout_ms);
POSTERN_CHECKED int postern_channel_get_pty_async(postern_channel *, const char *term,
    uint32_t columns, uint32_t rows, uint32_t width, uint32_t height,
    const void *modes, size_t modes_len, uint64_t *call);
POSTERN_CHECKED int postern_channel_set_environment_variable(postern_channel *,
    const char *name, const char *value);	/* no reply is asked for */
POSTERN_CHECKED int postern_channel_invoke_shell(postern_channel *, int timeout_ms);
POSTERN_CHECKED int postern_channel_exec_command(postern_channel *, const char *command,
    int timeout_ms);
POSTERN_CHECKED int postern_channel_invoke_subsystem(postern_channel *, const char *name,
    int timeout_ms);
POSTERN_CHECKED int postern_channel_invoke_shell_async(postern_channel *, uint64_t *call);
POSTERN_CHECKED int postern_channel_exec_command_async(postern_channel *,
    const char *command, uint64_t *call);
POSTERN_CHECKED int postern_channel_invoke_subsystem_async(postern_channel *,
    const char *name, uint64_t *call);
/* Any other request; call NULL in the _async twin still asks for a reply, _notice asks
 * for none. */
POSTERN_CHECKED int postern_channel_request(postern_channel *, const char *kind,
    const postern_message *payload, int timeout_ms);
POSTERN_CHECKED int postern_channel_request_async(postern_channel *, const char *kind,
    const postern_message *payload, uint64_t *call);
POSTERN_CHECKED int postern_channel_notice(postern_channel *, const char *kind,
    const postern_message *payload);
/* X11 [RFC 4254 6.3.1]: cookie NULL makes a random one, which get_x11_cookie tells; it
 * is not your display's: whoever serves the channels must put that in its place.
 * handler as of request_port_forward. */
POSTERN_CHECKED int postern_channel_request_x11(postern_channel *, int single_connection,
    const char *protocol, const char *cookie, uint32_t screen, postern_forward_handler *,
    void *user, int timeout_ms);
POSTERN_CHECKED int postern_channel_request_x11_async(postern_channel *,
    int single_connection, const char *protocol, const char *cookie, uint32_t screen,
    postern_forward_handler *, void *user, uint64_t *call);
POSTERN_API const char *postern_channel_get_x11_cookie(const postern_channel *);
/* Lets the server's programs use your agent, over channels that handler serves. */
POSTERN_CHECKED int postern_channel_request_forward_agent(postern_channel *,
    postern_forward_handler *, void *user, int timeout_ms);
POSTERN_CHECKED int postern_channel_request_forward_agent_async(postern_channel *,
    postern_forward_handler *, void *user, uint64_t *call);
/* Server: may the client's terminal do ^S and ^Q itself [RFC 4254 6.8]? */
POSTERN_CHECKED int postern_channel_send_xon_xoff(postern_channel *, int client_can_do);
/* "We read no more of your output" [OpenSSH PROTOCOL 2.1]. */
POSTERN_CHECKED int postern_channel_send_eow(postern_channel *);
POSTERN_CHECKED int postern_channel_resize_pty(postern_channel *, uint32_t columns,
    uint32_t rows, uint32_t width, uint32_t height);
POSTERN_CHECKED int postern_channel_send_signal(postern_channel *, const char *name);
POSTERN_CHECKED int postern_channel_send_break(postern_channel *, uint32_t ms, int timeout_ms);
POSTERN_CHECKED int postern_channel_send_break_async(postern_channel *, uint32_t ms,
    uint64_t *call);

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
POSTERN_API int postern_channel_close(postern_channel *);	/* SSH CLOSE, now */
/* Is there an exit status or signal already, or will none come any more? */
POSTERN_API int postern_channel_exit_status_ready(const postern_channel *);
POSTERN_API uint64_t postern_channel_id(const postern_channel *);
/* What it carries; NULL for a session.  origin is paramiko's origin_addr. */
POSTERN_API const struct postern_forward *postern_channel_get_forward(const postern_channel *);
POSTERN_CHECKED int postern_channel_set_name(postern_channel *, const char *name);
POSTERN_API const char *postern_channel_get_name(const postern_channel *);
POSTERN_CHECKED int postern_channel_describe(const postern_channel *, char *out, size_t size);
POSTERN_API postern_transport *postern_channel_get_transport(const postern_channel *);
POSTERN_API void *postern_channel_user(const postern_channel *);	/* yours */
POSTERN_API void postern_channel_set_user(postern_channel *, void *);

/* On any descriptor in blocking or non-blocking mode; no handle is involved, so they may
 * be used on any thread.  They raise no SIGPIPE.  POSTERN_ETIMEOUT: *done bytes were
 * moved before.  POSTERN_ECLOSED: the end came first. */
POSTERN_CHECKED int postern_send_all(int fd, const void *data, size_t len, size_t *done,
    int timeout_ms);
POSTERN_CHECKED int postern_recv_exactly(int fd, void *data, size_t len, size_t *done,
    int timeout_ms);
/* A line, without its newline or CR LF, NUL behind it; its length.  Reads no byte
 * beyond it.  -ERANGE: size bytes of it are in out, without a NUL, and no newline (a CR
 * takes room too); POSTERN_ECLOSED: the end, *done bytes of an unfinished line are in
 * out. */
POSTERN_CHECKED int postern_read_line(int fd, char *out, size_t size, size_t *done,
    int timeout_ms);

/* ---- messages: typed payloads [RFC 4251 5] ----------------------------------------------- */

/* Adding and getting never fail at once: the first that does not fit (8 KiB in all) or
 * runs over the end makes the message bad, and nothing is added or got any more. */
POSTERN_API postern_message *postern_message_new(void);	/* NULL: no memory */
POSTERN_API postern_message *postern_message_of(const void *data, size_t len);
POSTERN_API void postern_message_free(postern_message *);
POSTERN_API void postern_message_add_byte(postern_message *, uint8_t);
POSTERN_API void postern_message_add_boolean(postern_message *, int);
POSTERN_API void postern_message_add_int(postern_message *, uint32_t);
POSTERN_API void postern_message_add_int64(postern_message *, uint64_t);
POSTERN_API void postern_message_add_string(postern_message *, const void *, size_t len);
POSTERN_API void postern_message_add_text(postern_message *, const char *);
/* A positive number, big endian. */
POSTERN_API void postern_message_add_mpint(postern_message *, const void *, size_t len);
POSTERN_API void postern_message_add_bytes(postern_message *, const void *, size_t len);
POSTERN_API uint8_t postern_message_get_byte(postern_message *);
POSTERN_API int postern_message_get_boolean(postern_message *);
POSTERN_API uint32_t postern_message_get_int(postern_message *);
POSTERN_API uint64_t postern_message_get_int64(postern_message *);
/* Borrowed from the message; "" when bad.  len may be NULL. */
POSTERN_API const void *postern_message_get_string(postern_message *, size_t *len);
POSTERN_API void postern_message_rewind(postern_message *);
POSTERN_API const void *postern_message_asbytes(const postern_message *, size_t *len);
POSTERN_API int postern_message_is_bad(const postern_message *);
POSTERN_API int postern_message_at_end(const postern_message *);	/* all got, and not bad */

/* ---- events --------------------------------------------------------------------------------- */

enum postern_event_type {
	POSTERN_EVENT_DONE = 1,		/* an async call: call, result, and what it brought */
	POSTERN_EVENT_LOGIN,		/* transport is authenticated, in either role;   */
					/* also after a blocking call that did it        */
	POSTERN_EVENT_CHANNEL,		/* the peer opened channel, and it was granted   */
	POSTERN_EVENT_EXIT,		/* channel: exit status or signal is there       */
	POSTERN_EVENT_CHANNEL_CLOSED,	/* recv_exit_status waits for nothing any more   */
	POSTERN_EVENT_END		/* transport is over: result; get_exception      */
};
struct postern_event {
	size_t size;
	int type;			/* enum postern_event_type                       */
	postern_server *server;
	postern_transport *transport;	/* DONE of transport_new_host: the new one       */
	postern_channel *channel;
	int result;
	uint64_t call;			/* DONE                                          */
	uint64_t value;			/* DONE of a port forward: the port              */
	const void *data;		/* DONE of a global request: the reply's payload, */
	size_t data_len;		/* until the next postern_next                   */
	postern_key *key;		/* DONE of key_load                              */
};
#define POSTERN_EVENT { sizeof(struct postern_event), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Does what there is to do (accepts, asks the interfaces) and returns 1 with the
 * next event, or POSTERN_ETIMEOUT, or -EINTR after a signal of yours (as does
 * postern_server_accept; requests wait on).  Ignored events lose nothing but
 * themselves.  POSTERN_EMONITOR: nothing will come any more. */
POSTERN_CHECKED int postern_next(postern_context *, struct postern_event *, int timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
