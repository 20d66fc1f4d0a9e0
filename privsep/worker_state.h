/*
 * worker_state.h - all that a worker remembers, and what its files ask of each other.
 *
 * A worker is one struct and one loop.  Nothing in it outlives the connection, and
 * nothing of it is worth stealing but this connection's own keys and bytes.  Every
 * function here runs inside the sandbox: no call but those of the filter's list.
 */
#ifndef PRIVSEP_WORKER_STATE_H
#define PRIVSEP_WORKER_STATE_H

#include <poll.h>

#include "ipc/ipc.h"
#include "proto/auth.h"
#include "proto/connection.h"
#include "privsep/worker.h"

enum {
	/* Reservations of untouched pages: an idle connection has given them back. */
	WORKER_RX_CAP = 512 * 1024,
	WORKER_TX_CAP = 512 * 1024,
	WORKER_READ_EARLY = 64 * 1024,	/* most that is read at once before login   */
	WORKER_READ_MAX = 256 * 1024,	/* ...and after it: what fits the L2 cache  */
	WORKER_BATCH = 8,		/* packets per read of a channel            */
	WORKER_ROUNDS = 4,		/* batches per turn while one goes on filling */
	WORKER_IOV = 64,		/* payloads per write to a channel          */
	WORKER_TX_LOW = 32 * 1024,	/* data is added to no more than this, so that
					 * replies find room behind it              */
	WORKER_BACKLOG_FIRST = 32 * 1024,
	WORKER_PARK_MS = 2,		/* so long a busy descriptor may hold up the
					 * network before its bytes are copied away */
	WORKER_PARK_ALONE_MS = 20,	/* ...if it is the only channel             */
	WORKER_MESSAGES_PER_TURN = 16,
	WORKER_QUEUE_MAX = 4 * CHANNELS_MAX,	/* messages waiting for one link    */
	WORKER_REKEYS_MAX = 16,		/* calls that wait for new keys             */
	WORKER_NOTES_MAX = 16,		/* remarks about one peer                   */
	WORKER_IDLE_MS = 2000,		/* then the buffers' pages go back          */
	WORKER_FDS_PER_CHANNEL = 3,
	WORKER_CHANNELS_MAX = (WORKER_FDS_MAX - 32) / WORKER_FDS_PER_CHANNEL,
	WORKER_DRAIN_MAX = 1024 * 1024,
};

/* ---- links (worker_link.c) ---- */

/* A message that the other side had no room for.  Normally there is none: whoever
 * has one waiting is asked nothing more and reads no packet. */
struct waiting {
	struct waiting *next;
	size_t n;
	uint8_t bytes[];
};
struct link {
	int fd;				/* -1: not there (yet, or any more) */
	struct ipc_once once;
	struct waiting *first, *last;
	size_t count;
	bool gone;			/* the other side hung up           */
};

/* ---- channels' descriptors (worker_flow.c, worker_pump.c) ---- */

/* Bytes of the peer that a descriptor did not take yet; at most its window. */
struct backlog {
	uint8_t *p;
	size_t cap, start, n;
};
enum flow_kind { FLOW_NONE = 0, FLOW_SOCKET, FLOW_SOCKETS, FLOW_PTY, FLOW_PIPES };
struct flow {			/* the worker's half of a channel */
	struct flow *next, *prev;
	struct channel *ch;
	enum flow_kind kind;
	int in, out, err;		/* in == out but for pipes; -1: closed      */
	struct backlog in_wait, err_wait;
	bool in_dead, err_dead;		/* nobody reads there: bytes are dropped    */
	bool out_ended, err_ended;	/* read to the end                          */
	bool end_passed;		/* the peer's EOF went on to the descriptor */
	bool closing;			/* drain, EOF, CLOSE                        */
	bool to_the_end;		/* ...pipes to their EOF, not until empty   */
	uint64_t close_at;		/* ...and no longer than this               */
	uint64_t start_question;	/* no output before this is answered        */
	bool out_ready, err_ready;	/* there is something to read               */
	int poll_in, poll_out, poll_err;	/* places in this turn's poll, or -1 */
};

/* Consecutive payloads for one descriptor, to go out in one writev; a single one if
 * the peer compresses.  They are still in the transport's buffers: while a run is
 * parked, the network is not read. */
struct run {
	struct flow *flow;		/* NULL: there is none */
	uint32_t ext;
	struct iovec iov[WORKER_IOV];
	size_t first, count;		/* those before first have left */
	uint64_t parked_until;		/* 0: not written yet  */
};

/* ---- the worker ---- */

/* What else than the network the next packet waits for. */
enum worker_wait { WAIT_NOTHING = 0, WAIT_VERDICT, WAIT_GATE };
enum worker_end_step { END_NOT = 0, END_LINGER, END_BYE, END_DONE };

struct worker {
	struct link monitor, app;
	int net_in, net_out;		/* often the same socket twice              */
	unsigned phase, kex;		/* enum ipc_phase, ipc_kex_phase: as receiver */
	enum ssh_role role;
	struct transport *tr;
	struct connection *cn;
	union {
		struct auth_server server;
		struct auth_client client;
	} auth;
	enum worker_wait wait;
	uint64_t now;
	uint8_t *rx, *tx;

	/* from START */
	uint32_t login_ms, close_ms;
	uint32_t alive_interval_ms, alive_max, channel_max, window, window_sum;
	uint8_t *banner;
	size_t banner_len;
	uint8_t hexdump;		/* enum ipc_hexdump                         */

	uint8_t *held;			/* a LOGIN_* before the service was granted */
	size_t held_len;
	uint64_t login_at;		/* deadline, UINT64_MAX none                */
	uint64_t trim_at, last_traffic;
	uint64_t rekey_calls[WORKER_REKEYS_MAX];
	size_t rekey_count;
	unsigned notes;
	struct prove *prove;		/* server: proofs under way, or NULL        */
	uint32_t proven;		/* ...host keys that were asked for, a bit each */
	bool keys_told;			/* client: HOSTKEYS_TOLD has been said      */
	bool group_asked;		/* GROUP_ASK is open                        */
	bool keyed;			/* the first key exchange is over           */

	bool net_eof, net_dead, net_blocked;
	bool net_is_pipe;		/* out: sendto does not work there          */
	bool starved;			/* transport_next had nothing more          */
	const char *cut_text;

	struct flow *flows;		/* circular, NULL: none                     */
	size_t flow_count;
	struct run run;
	struct pollfd *polls;
	size_t polls_cap, polls_n;
	int poll_monitor, poll_app, poll_net_in, poll_net_out;

	/* the end (worker_end.c) */
	enum worker_end_step end;
	bool deliver;			/* what came before the end still goes out  */
	uint64_t end_at;
	uint32_t outcome, disconnect;
	uint8_t side;
	const char *end_phase;
	char end_text[512];
	struct span ours, theirs;

	uint8_t inbox[IPC_MESSAGE_MAX], outbox[IPC_MESSAGE_MAX];
};

/* worker_loop.c: the life, and one turn of the loop.  Everything is in the struct,
 * so tests drive many in one process. */
void worker_init(struct worker *, int monitor_link);
/* Waits for at most timeout_ms, -1: for what comes first.  False: it is over. */
bool worker_turn(struct worker *, int timeout_ms);
void worker_deinit(struct worker *);		/* wipes, frees, closes */

/* worker_poll.c */
uint64_t worker_clock(void);
void worker_poll(struct worker *, int timeout_ms);
bool worker_polled(const struct worker *, int place, short events);
uint64_t worker_deadline(const struct worker *);

/* worker_link.c: sending is in worker_tell.h */
bool worker_send(struct worker *, enum ipc_link, struct wr *, unsigned flags, bool fits);
void worker_link_flush(struct link *);
void worker_link_close(struct link *);
static inline bool
worker_clogged(const struct worker *w)
{
	return w->monitor.first != NULL || w->app.first != NULL;
}
/* Takes at most WORKER_MESSAGES_PER_TURN messages of a link. */
void worker_receive(struct worker *, enum ipc_link);

/* worker_monitor.c, worker_app.c: one admitted message.  0, or IPC_BROKEN. */
int worker_monitor_message(struct worker *, uint8_t number, struct rd r, int *fds);
int worker_app_message(struct worker *, uint8_t number, struct rd r, int *fds);
/* May the application's next message be handled: is there room for what it asks? */
bool worker_app_ready(const struct worker *);

/* worker_net.c: the network's two descriptors */
void worker_net_read(struct worker *);
void worker_net_write(struct worker *);
bool worker_net_wants_read(struct worker *);
void worker_packets(struct worker *);		/* all that may be handled now */
void worker_net_close(struct worker *);

/* worker_kex.c */
void worker_kex_sign(struct worker *, const struct transport_event *);
void worker_kex_verify(struct worker *, const struct transport_event *);
void worker_kex_ask_group(struct worker *, const struct transport_event *);
void worker_kex_keys(struct worker *);
int worker_kex_signed(struct worker *, const struct ipc_SIGNED *);
int worker_kex_verified(struct worker *, const struct ipc_VERIFIED *);
int worker_kex_group(struct worker *, const struct ipc_GROUP *);
void worker_kex_rekey(struct worker *, uint64_t call);

/* worker_auth.c: server; worker_login.c: client */
void worker_auth_packet(struct worker *, struct span payload);
int worker_auth_verdict(struct worker *, const struct ipc_VERDICT *);
int worker_auth_show_banner(struct worker *, struct span text);
int worker_auth_prompts(struct worker *, const struct ipc_PROMPTS *);
int worker_auth_change_wanted(struct worker *, struct span prompt);
int worker_auth_open(struct worker *, int app);	/* LOGGED_IN, both roles */
void worker_login_packet(struct worker *, struct span payload);
int worker_login_none(struct worker *, const struct ipc_LOGIN_NONE *);
int worker_login_password(struct worker *, const struct ipc_LOGIN_PASSWORD *);
int worker_login_publickey(struct worker *, const struct ipc_LOGIN_PUBLICKEY *);
int worker_login_change(struct worker *, const struct ipc_LOGIN_CHANGE *);
int worker_login_kbdint(struct worker *, const struct ipc_LOGIN_KBDINT *);
int worker_login_responses(struct worker *, const struct ipc_LOGIN_RESPONSES *);
bool worker_login_must_wait(const struct worker *, uint8_t number);
int worker_login_hold(struct worker *, uint8_t number, struct rd r);

/* worker_hostkeys.c: the server tells its host keys, and has them proven */
void worker_hostkeys_announce(struct worker *);
void worker_hostkeys_prove(struct worker *, uint64_t question, struct span keys);
int worker_hostkeys_proof(struct worker *, const struct ipc_PROOF *);
void worker_hostkeys_free(struct worker *);

/* worker_update.c: the client hears of the server's host keys, and has them proven */
#define WORKER_UPDATE_CALL UINT64_MAX	/* the application counts up from 1          */
void worker_update_told(struct worker *, struct span keys);
int worker_update_ask(struct worker *, const struct ipc_HOSTKEYS_ASK *);
void worker_update_proved(struct worker *, bool ok, struct span signatures);

/* worker_dump.c: packets in clear to the monitor, as enum ipc_hexdump says */
void worker_dump_set(struct worker *, uint8_t mode);
void worker_dump(struct worker *, bool is_out, struct span payload);

/* worker_events.c: one CONNECTION packet, told to the application */
void worker_events_packet(struct worker *, struct span payload);

/* worker_flow.c: life of a channel's half */
struct flow *worker_flow_new(struct worker *, struct channel *);
struct flow *worker_flow_find(struct worker *, uint64_t serial);
void worker_flow_free(struct worker *, struct flow *);	/* closes; not told to anybody */
void worker_flow_take(struct worker *, struct flow *, enum flow_kind, int in, int out, int err);
void worker_flow_close(struct worker *, struct flow *, bool to_the_end);
void worker_flow_settle(struct worker *);		/* all ends whose time has come */
bool worker_flow_undelivered(const struct worker *);
void worker_flow_tell_over(struct worker *);		/* whose CLOSE came before the end */
uint64_t worker_flow_deadline(const struct worker *);

/* worker_backlog.c */
bool worker_backlog_add(struct backlog *, size_t max, const uint8_t *p, size_t n);
void worker_backlog_took(struct backlog *, size_t n);
void worker_backlog_free(struct backlog *);

/* worker_pump.c: the data plane */
void worker_pump_data(struct worker *, struct flow *, uint32_t ext, struct span);
/* Writes the run.  What the descriptor does not take is parked for a moment if
 * may_park, else copied to the backlog. */
void worker_pump_flush(struct worker *, bool may_park);
/* False: a run is parked; no packet is looked at, nothing is read. */
bool worker_pump_unpark(struct worker *);
/* Is something waiting for the descriptor in (ext 0) or err (ext 1)? */
bool worker_pump_waits(const struct worker *, const struct flow *, uint32_t ext);
void worker_pump_in(struct worker *);			/* what waited for descriptors */
void worker_pump_out(struct worker *);		/* descriptors to packets */
bool worker_pump_wants(const struct worker *, const struct flow *, uint32_t ext);
bool worker_pump_urgent(const struct worker *);
/* A request that is none of the application's: the peer reads no more output. */
bool worker_pump_is_eow(struct worker *, struct flow *, const struct request *);

/* worker_end.c: every end, exactly once; the first cause stands */
void worker_fail(struct worker *, enum proto_error);
void worker_check(struct worker *, enum proto_error);	/* worker_fail unless PROTO_OK */
void worker_cut(struct worker *, const char *text);
void worker_peer_left(struct worker *, uint32_t code, struct span text);
void worker_stop(struct worker *, uint32_t code, struct span text);
void worker_broken(struct worker *, const char *who, const char *why);
void worker_end_step(struct worker *);
void worker_note(struct worker *, enum ipc_level, struct span text);

#endif
