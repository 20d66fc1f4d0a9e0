/*
 * ipc.h - what the preprocessor makes of messages.def, and how it travels.
 *
 * Nothing about a message is written by hand: numbers, structs, encoders,
 * bounds-checked decoders, the table and its hash all come from the .def, and an
 * actor's dispatch (dispatch.h) does not compile without a handler for each row
 * addressed to it.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <sys/types.h>

#include "proto/wire.h"

enum ipc_link {
	IPC_A2M = 1, IPC_M2A, IPC_M2W, IPC_W2M, IPC_A2W, IPC_W2A,
	IPC_M2Z, IPC_Z2M, IPC_M2K, IPC_K2M, IPC_A2R, IPC_R2A,
};

/* Phases of a receiver.  P_: of a link about the context.  L_: of a connection. */
enum ipc_phase {
	P_HELLO = 1 << 0,	/* schema not yet compared                     */
	P_SETUP = 1 << 1,	/* keys may be loaded                          */
	P_SERVE = 1 << 2,	/* sealed                                      */
	L_NEW   = 1 << 3,	/* announced, no network descriptor yet        */
	L_SPARE = 1 << 4,	/* a worker without a connection               */
	L_KEX   = 1 << 5,	/* until the first key exchange is signed      */
	L_AUTH  = 1 << 6,	/* until a login is proven                     */
	L_OPEN  = 1 << 7,
	L_END   = 1 << 8,	/* over but for the reaping                    */
};
enum ipc_kex_phase {
	K_NONE  = 1 << 0,	/* no KEXINIT issued                           */
	K_READY = 1 << 1,	/* issued, not used                            */
	K_BUSY  = 1 << 2,	/* a SIGN or VERIFY is being answered          */
	K_ANY   = K_NONE | K_READY | K_BUSY,
};
enum ipc_flag { ONCE = 1, SECRET = 2, ANSWER = 4 };

/* Values inside messages: explicit, never reused. */
enum ipc_role { IPC_SERVER = 1, IPC_CLIENT = 2 };
enum ipc_side { IPC_LOCAL = 1, IPC_PEER = 2, IPC_SYSTEM = 3 };
enum ipc_key_use { IPC_HOST_KEY = 1, IPC_USER_KEY = 2 };
enum ipc_verdict { IPC_REFUSED = 1, IPC_ACCEPTED = 2, IPC_PARTIAL = 3 };
/* What a key must show beside its signature, if it is an authenticator's. */
enum ipc_login_flags {
	IPC_LOGIN_NO_TOUCH = 1,		/* not even that somebody touched it        */
	IPC_LOGIN_VERIFIED = 2,		/* that it knew who: PIN or fingerprint     */
};
enum ipc_login_result { IPC_LOGIN_FAILED = 1, IPC_LOGIN_PARTIAL = 2,
	IPC_LOGIN_CHANGEREQ = 3, IPC_LOGIN_PROBE_OK = 4 };
enum ipc_trust { IPC_UNKNOWN = 1, IPC_CHANGED = 2, IPC_REVOKED = 3 };
enum ipc_level { IPC_ERROR = 1, IPC_INFO = 2, IPC_VERBOSE = 3, IPC_DEBUG = 4 };
enum ipc_hexdump { IPC_HEXDUMP_OFF = 0, IPC_HEXDUMP_BLANKED = 1, IPC_HEXDUMP_WHOLE = 2 };
enum ipc_forward { IPC_DIRECT_TCPIP = 1, IPC_FORWARDED_TCPIP = 2, IPC_DIRECT_STREAMLOCAL = 3,
	IPC_FORWARDED_STREAMLOCAL = 4, IPC_X11 = 5, IPC_AGENT = 6 };
enum ipc_permit { IPC_PERMIT_X11 = 1, IPC_PERMIT_AGENT = 2, IPC_PERMIT_PORT = 4,
	IPC_PERMIT_PTY = 8, IPC_PERMIT_USER_RC = 16, IPC_NO_TOUCH = 32 };
enum { IPC_HOSTKEYS_MAX = 32,		/* of a server, that it tells               */
	IPC_GONE_MAX = 64 };		/* lines of known_hosts to be removed       */
enum ipc_outcome {
	IPC_DONE_BY_US = 1,	/* we closed it                                */
	IPC_PEER_CLOSED = 2,	/* the peer said SSH_MSG_DISCONNECT            */
	IPC_CUT = 3,		/* the network ended it: EOF or reset          */
	IPC_TIMED_OUT = 4,	/* a phase's deadline                          */
	IPC_PROTOCOL = 5,	/* the peer broke the protocol                 */
	IPC_NO_MATCH = 6,	/* no algorithm in common                      */
	IPC_BAD_HOST_KEY = 7,
	IPC_LOGIN_REFUSED = 8,	/* too many failures                           */
	IPC_WORKER_DIED = 9,
	IPC_WORKER_LIED = 10,	/* broke messages.def, and was ended           */
	IPC_LIMIT = 11,		/* MaxStartups, connections_max                */
	IPC_RESOURCE = 12,	/* no memory, descriptor or process            */
	IPC_SILENT = 13,	/* keepalives unanswered                       */
	IPC_UNSIGNED = 14,	/* who has the host key's private half did not sign */
};

enum { IPC_MAGIC = 0x504f5354, IPC_SCHEMA_LEN = 32, IPC_FDS_MAX = 3,
	IPC_MESSAGE_MAX = 65536 };

/* 1. numbers */
enum ipc_id {
#define MSG(link, NAME, id, phases, kex, flags) IPC_MSG_##NAME = id,
#include "ipc/messages.def"
};

/* 2. structs.  Spans borrow from the receive buffer until the next receive.
 * Descriptors in a decoded struct belong to the handler. */
#define MSG(link, NAME, id, phases, kex, flags) struct ipc_##NAME { uint8_t empty_;
#define U8(f_)        uint8_t f_;
#define U32(f_)       uint32_t f_;
#define U64(f_)       uint64_t f_;
#define BLOB(f_, max) struct span f_;
#define TEXT(f_, max) struct span f_;
#define FD(f_)        int f_;
#define END           };
#include "ipc/messages.def"

/* 3. largest encodings, and numbers of descriptors */
#define MSG(link, NAME, id, phases, kex, flags) enum { IPC_MAX_##NAME = 1
#define U8(f_)        + 1
#define U32(f_)       + 4
#define U64(f_)       + 8
#define BLOB(f_, max) + 4 + (max)
#define TEXT(f_, max) + 4 + (max)
#define END           };
#include "ipc/messages.def"
#define MSG(link, NAME, id, phases, kex, flags) enum { IPC_NFDS_##NAME = 0
#define FD(f_)        + 1
#define END           };
#include "ipc/messages.def"
#define MSG(link, NAME, id, phases, kex, flags) \
	_Static_assert((int)IPC_MAX_##NAME <= (int)IPC_MESSAGE_MAX, #NAME " is too long"); \
	_Static_assert((int)IPC_NFDS_##NAME <= (int)IPC_FDS_MAX, #NAME " has too many descriptors");
#include "ipc/messages.def"

/* 4. encoders: bytes into w, descriptors into fds (the caller's still). */
#define MSG(link, NAME, id, phases, kex, flags) static inline void \
	ipc_put_##NAME(struct wr *w, int *fds, const struct ipc_##NAME *m) \
	{ (void)fds; (void)m; wr_u8(w, id);
#define U8(f_)        wr_u8(w, m->f_);
#define U32(f_)       wr_u32(w, m->f_);
#define U64(f_)       wr_u64(w, m->f_);
#define BLOB(f_, max) wr_blob(w, m->f_, max);
#define TEXT(f_, max) wr_blob(w, m->f_, max);
#define FD(f_)        *fds++ = m->f_;
#define END           }
#include "ipc/messages.def"

/* 5. decoders, of what follows the number: every field, every bound, nothing
 * left over - or false.  On true the descriptors are the struct's and the slots
 * they were in are set to -1; on false they stay where they were. */
#define MSG(link, NAME, id, phases, kex, flags) static inline bool \
	ipc_get_##NAME(struct rd *r, int *fds, struct ipc_##NAME *m) { \
	size_t fd_i = 0; m->empty_ = 0; (void)fds;
#define U8(f_)        m->f_ = rd_u8(r);
#define U32(f_)       m->f_ = rd_u32(r);
#define U64(f_)       m->f_ = rd_u64(r);
#define BLOB(f_, max) m->f_ = rd_blob(r, max);
#define TEXT(f_, max) m->f_ = rd_text(r, max);
#define FD(f_)        m->f_ = fds[fd_i++];
#define END           if (!rd_done(r)) return false; \
	for (size_t i = 0; i < fd_i; i++) fds[i] = -1; \
	return true; }
#include "ipc/messages.def"

/* 6. the table as data: admission, docs/messages.md, the schema hash. */
struct ipc_row {
	const char *name;		/* NULL: no such message */
	uint16_t phases;
	uint8_t link, kex, flags, nfds;
	uint32_t max;
	const char *fields;
};
extern const struct ipc_row ipc_rows[256];
const char *ipc_link_name(enum ipc_link);	/* "worker -> monitor" */

/* The hash over all rows with their field text, in fixed order, and over whether
 * this is the sanitizer build (its filter is wider: the two must not be mixed). */
void ipc_schema(uint8_t out[IPC_SCHEMA_LEN]);

/* What a handler and a dispatch return when the sender broke the contract. */
#define IPC_BROKEN (-71)	/* -EPROTO */

/* What a receiver remembers about ONCE rows. */
struct ipc_once { uint8_t seen[32]; };

/* Every check that needs no field: known number, right link, right phases, not
 * too long, not repeated, exactly the declared descriptors.  NULL: the sender
 * broke the contract, end it.  why (if not NULL) gets a static sentence. */
const struct ipc_row *ipc_admit(enum ipc_link, unsigned phase, unsigned kex,
    struct ipc_once *, const uint8_t *message, size_t len, size_t nfds,
    const char **why);

/* ---- transport (sock.c): one packet of a SOCK_SEQPACKET pair = one message ---- */

/* A pair, close-on-exec, both ends O_NONBLOCK.  0 or -errno. */
int ipc_pair(int out[2]);

/* Sends whole or not at all, never blocks.  0; -EAGAIN: the peer does not read,
 * nothing was sent; other -errno: the link is gone.  Descriptors stay the
 * caller's, who closes its copies at once.  Without descriptors the system call
 * is sendto without an address: a worker's filter has no sendmsg. */
int ipc_send(int sock, struct span message, const int *fds, size_t nfds);

/* Receives one message of at most cap bytes.  Length (> 0); 0: the peer closed;
 * -EAGAIN; -EPROTO: truncated, too long, or more descriptors than fit (those
 * that came are closed).  fds must have IPC_FDS_MAX places; *nfds says how many
 * came, close-on-exec: none when there was no place for all in our table, so that a
 * row that declares some is not admitted. */
ssize_t ipc_recv(int sock, uint8_t *buf, size_t cap, int *fds, size_t *nfds);
/* From a process that may never send descriptors (worker, zygote, keyload): the
 * kernel drops whatever it attached. */
ssize_t ipc_recv_plain(int sock, uint8_t *buf, size_t cap);
void ipc_close_fds(int *fds, size_t nfds);

/* SEND one message: encodes into a buffer of its exact maximum on the stack and
 * sends it; wipes the buffer of a SECRET one.  ipc_send_NAME returns what
 * ipc_send does, or -EMSGSIZE when a field is longer than its row allows. */
int ipc_send_encoded(int sock, struct wr *w, const int *fds, size_t nfds, unsigned flags);

#define MSG(link, NAME, id, phases, kex, flags) static inline int \
	ipc_send_##NAME(int sock, const struct ipc_##NAME *m) { \
	uint8_t buf[IPC_MAX_##NAME]; \
	int fds[IPC_FDS_MAX] = { -1, -1, -1 }; \
	struct wr w = wr_of(buf, sizeof(buf)); \
	ipc_put_##NAME(&w, fds, m); \
	return ipc_send_encoded(sock, &w, fds, IPC_NFDS_##NAME, flags); }
#include "ipc/messages.def"

#endif
