/*
 * worker_lab.h - one worker in this process, without its sandbox, and around it a
 * monitor, an application and a peer, all played by the test.
 *
 * The peer is a second transport in the opposite role with a connection layer of its
 * own.  Everything is non-blocking and goes in turns, so a test says exactly who has
 * done what.  What the worker says is counted and its last words per number kept.
 */
#ifndef TESTS_WORKER_LAB_H
#define TESTS_WORKER_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/kexinit.h"
#include "privsep/worker_rehearse.h"
#include "privsep/worker_state.h"

enum { LAB_BUFFER = 1024 * 1024, LAB_CHANNELS = 128, LAB_TURNS = 20000,
	LAB_ORDER_MAX = 4096 };
#define LAB_OTHER_CIPHER "rot13"	/* of a peer that has no other */

static const struct channel_limits any_size;

struct lab_channel {		/* the peer's view of one */
	struct channel *ch;
	uint8_t *data;		/* what came: stdout and stderr, as they came */
	size_t n, cap, n_err;
	bool eof, closed, keep;	/* keep: window is not given back */
	char order[LAB_ORDER_MAX];	/* d data, e stderr, E eof, C close, x exit-status, X exit-signal */
	size_t orders;
	uint32_t status;
};
struct lab {
	struct worker *w;
	bool alive;
	enum ssh_role role;		/* the worker's */
	int link, net, app, app_worker;	/* ours; app_worker: not yet handed over */
	uint8_t kexinit[2048], other[2048];
	struct span kex, other_kex;
	size_t row;			/* of both, in the tables */
	struct transport *peer;
	struct connection *pc;
	struct auth_server as;
	struct auth_client ac;
	uint8_t *rx, *tx;
	bool peer_frozen;		/* the peer neither reads nor writes */
	bool app_frozen;		/* nobody reads the application's link */
	bool no_sign, no_group, no_login;	/* the monitor does not answer */
	struct transport_event last;
	uint32_t peer_disconnect;	/* what the peer was told */
	enum proto_error peer_error;
	unsigned peer_keys, peer_ignored;
	struct auth_request asked;	/* worker is client: what it asked for */
	unsigned asks;
	struct auth_reply reply;
	unsigned replies[16];
	unsigned events[32];		/* connection events of the peer */
	uint64_t peer_question;
	bool call_ok;			/* the answer to the peer's last call */
	uint8_t call_payload[CHANNEL_EXTRA_MAX];
	size_t call_n;
	char global_kind[NAME_MAX_LEN + 1];	/* the worker's last global request */
	uint8_t global_payload[CHANNEL_EXTRA_MAX];
	size_t global_n;
	struct lab_channel ch[LAB_CHANNELS];
	size_t n_ch;
	unsigned said[256];		/* messages of the worker by number */
	uint8_t *words[256];
	size_t words_n[256];
	uint64_t chans[LAB_CHANNELS];	/* serials of CHANNEL_ASK, in order */
	size_t n_chans;
};

struct lab_options {
	enum ssh_role role;
	uint32_t banner_ms, kex_ms, login_ms, rekey_ms, close_ms, alive_ms, alive_max;
	uint32_t channel_max, window, window_sum, rekey_packets;
	const char *banner, *peer_version;
	uint8_t hexdump;
	int net_in, net_out;		/* the network; 0: a socket pair of the lab's */
	bool no_match, compressed, group_exchange;
};

/* ---- making ---- */

static inline void
lab_start_worker(struct lab *l, const struct lab_options *o, int in, int out)
{
	static const uint8_t keys[] = "\0\0\0\013ssh-ed25519\0\0\0\001k";
	struct ipc_START m = { .role = o->role == SSH_SERVER ? IPC_SERVER : IPC_CLIENT,
		.version = span_str("SSH-2.0-worker"), .kexinit = l->kex,
		.hostkeys = span_of(keys, sizeof(keys) - 1), .sig_algs = span_str("ssh-ed25519"),
		.banner = span_str(o->banner == NULL ? "" : o->banner),
		.banner_ms = o->banner_ms, .kex_ms = o->kex_ms, .login_ms = o->login_ms,
		.rekey_ms = o->rekey_ms, .close_ms = o->close_ms,
		.rekey_packets = o->rekey_packets,
		.alive_interval_ms = o->alive_ms, .alive_max = o->alive_max,
		.channel_max = o->channel_max ? o->channel_max : 100,
		.window = o->window ? o->window : 2 * 1024 * 1024,
		.window_sum = o->window_sum ? o->window_sum : 64 * 1024 * 1024,
		.hexdump = o->hexdump, .in = in, .out = out };

	assert_int_equal(ipc_send_START(l->link, &m), 0);
	(void)close(in);
	if (out != in)
		(void)close(out);
}

/* Which one of its kind that name is. */
static inline size_t
lab_row(enum alg_class class, const char *name)
{
	size_t i = 0;

	while (strcmp(alg_name(class, i), name) != 0)
		i++;
	return i;
}

/* The same KEXINIT, but for the ciphers. */
static inline struct span
lab_other_cipher(struct span kexinit, uint8_t *buf, size_t cap)
{
	struct rd r = rd_of(kexinit);
	struct wr w = wr_of(buf, cap);

	wr_raw(&w, rd_take(&r, 17));
	for (int list = 0; list < KL_COUNT; list++) {
		struct span names = rd_blob(&r, cap);

		wr_blob(&w, list == KL_CIPHER_C2S || list == KL_CIPHER_S2C ?
		    span_str(LAB_OTHER_CIPHER) : names, cap);
	}
	wr_raw(&w, rd_take(&r, 5));
	assert_true(rd_done(&r) && !w.bad);
	return wr_span(&w);
}

static inline struct lab *
lab_new(const struct lab_options *o)
{
	struct lab *l = calloc(1, sizeof(*l));
	int link[2], net[2], app[2];

	assert_non_null(l);
	l->role = o->role;
	l->w = calloc(1, sizeof(*l->w));
	l->rx = malloc(LAB_BUFFER);
	l->tx = malloc(LAB_BUFFER);
	assert_int_equal(ipc_pair(link), 0);
	assert_int_equal(ipc_pair(app), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, net), 0);
	l->link = link[1];
	l->app = app[1];
	l->app_worker = app[0];
	l->net = net[1];
	l->row = o->compressed ? lab_row(ALG_COMPRESSION, "zlib@openssh.com") : o->group_exchange ?
	    lab_row(ALG_KEX, "diffie-hellman-group-exchange-sha256") : 0;
	l->kex = worker_rehearse_kexinit(l->kexinit, sizeof(l->kexinit), l->row);
	l->other_kex = o->no_match ?
	    lab_other_cipher(l->kex, l->other, sizeof(l->other)) :
	    worker_rehearse_kexinit(l->other, sizeof(l->other), l->row);
	worker_init(l->w, link[0]);
	l->alive = true;
	if (o->net_in > 0) {
		(void)close(net[0]);
		lab_start_worker(l, o, o->net_in, o->net_out);
	} else {
		lab_start_worker(l, o, net[0], net[0]);
	}
	{
		static const uint8_t keys[] = "\0\0\0\013ssh-ed25519\0\0\0\001k";
		struct transport_config cfg = {
			.role = o->role == SSH_SERVER ? SSH_CLIENT : SSH_SERVER,
			.version = span_str(o->peer_version == NULL ? "SSH-2.0-peer" :
			    o->peer_version), .kexinit = l->other_kex,
			.hostkeys = span_of(keys, sizeof(keys) - 1),
			.sig_algs = span_str("ssh-ed25519"), .rx = l->rx, .tx = l->tx,
			.rx_cap = LAB_BUFFER, .tx_cap = LAB_BUFFER };

		l->peer = transport_new(&cfg, worker_clock());
	}
	assert_non_null(l->peer);
	return l;
}

static inline void
lab_free(struct lab *l)
{
	connection_free(l->pc);
	transport_free(l->peer);
	worker_deinit(l->w);
	free(l->w);
	for (size_t i = 0; i < 256; i++)
		free(l->words[i]);
	for (size_t i = 0; i < l->n_ch; i++)
		free(l->ch[i].data);
	if (l->link >= 0)
		(void)close(l->link);
	if (l->net >= 0)
		(void)close(l->net);
	if (l->app >= 0)
		(void)close(l->app);
	if (l->app_worker >= 0)
		(void)close(l->app_worker);
	free(l->rx);
	free(l->tx);
	free(l);
}

/* ---- what the worker says ---- */

static inline void
lab_note(struct lab *l, const uint8_t *p, size_t n)
{
	l->said[p[0]]++;
	free(l->words[p[0]]);
	l->words[p[0]] = malloc(n);
	memcpy(l->words[p[0]], p, n);
	l->words_n[p[0]] = n;
}

/* The last message NAME, decoded.  Fails the test if there was none. */
#define LAB_WORDS(l, NAME, out) do { \
	struct rd r_ = rd_of(span_of((l)->words[IPC_MSG_##NAME], (l)->words_n[IPC_MSG_##NAME])); \
	assert_true((l)->said[IPC_MSG_##NAME] > 0); \
	(void)rd_u8(&r_); \
	assert_true(ipc_get_##NAME(&r_, NULL, out)); \
} while (0)

static inline void
lab_let_in(struct lab *l)
{
	struct ipc_LOGGED_IN m = { .app = l->app_worker };

	assert_int_equal(ipc_send_LOGGED_IN(l->link, &m), 0);
	(void)close(l->app_worker);
	l->app_worker = -1;
}

static inline void
lab_group(struct lab *l)
{
	struct kex_group group;

	assert_int_equal(kex_group_modp(&group, 2048), 0);
	assert_int_equal(ipc_send_GROUP(l->link, &(struct ipc_GROUP){
	    .p = span_of(group.p, group.p_len), .g = span_of(group.g, group.g_len) }), 0);
}

static inline void
lab_monitor_turn(struct lab *l)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	struct span h = worker_rehearse_hash(l->row);
	ssize_t n;

	while (l->link >= 0 && (n = ipc_recv_plain(l->link, buf, sizeof(buf))) > 0) {
		lab_note(l, buf, (size_t)n);
		if (buf[0] == IPC_MSG_SIGN && !l->no_sign)
			assert_int_equal(ipc_send_SIGNED(l->link, &(struct ipc_SIGNED){
			    .signature = span_str("s"), .hash = h, .kexinit = l->kex }), 0);
		if (buf[0] == IPC_MSG_GROUP_ASK && !l->no_group)
			lab_group(l);
		if (buf[0] == IPC_MSG_VERIFY && !l->no_sign)
			assert_int_equal(ipc_send_VERIFIED(l->link, &(struct ipc_VERIFIED){
			    .hash = h, .kexinit = l->kex }), 0);
		if ((buf[0] == IPC_MSG_AUTH_NONE || buf[0] == IPC_MSG_LOGIN_SUCCESS) && !l->no_login)
			lab_let_in(l);
	}
}

static inline void
lab_app_turn(struct lab *l)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	ssize_t n;

	while (l->app >= 0 && !l->app_frozen &&
	    (n = ipc_recv_plain(l->app, buf, sizeof(buf))) > 0) {
		struct rd r = rd_of(span_of(buf, (size_t)n));

		lab_note(l, buf, (size_t)n);
		(void)rd_u8(&r);
		if (buf[0] == IPC_MSG_CHANNEL_ASK)
			l->chans[l->n_chans++] = rd_u64(&r);
	}
}

/* ---- the peer ---- */

static inline struct lab_channel *
lab_channel_of(struct lab *l, struct channel *ch)
{
	for (size_t i = 0; i < l->n_ch; i++)
		if (l->ch[i].ch == ch)
			return &l->ch[i];
	return NULL;
}

static inline struct lab_channel *
lab_channel_add(struct lab *l, struct channel *ch)
{
	l->ch[l->n_ch].ch = ch;
	return &l->ch[l->n_ch++];
}

static inline void
lab_order(struct lab_channel *c, char what)
{
	if (c->orders > 0 && c->order[c->orders - 1] == what && (what == 'd' || what == 'e'))
		return;
	assert_true(c->orders + 1 < LAB_ORDER_MAX);
	c->order[c->orders++] = what;
}

static inline void
lab_data(struct lab *l, struct lab_channel *c, const struct connection_event *ev)
{
	if (c->n + ev->data.n > c->cap) {
		c->cap = (c->n + ev->data.n) * 2;
		c->data = realloc(c->data, c->cap);
		assert_non_null(c->data);
	}
	memcpy(&c->data[c->n], ev->data.p, ev->data.n);
	c->n += ev->data.n;
	if (ev->ext != 0)
		c->n_err += ev->data.n;
	lab_order(c, ev->ext != 0 ? 'e' : 'd');
	if (!c->keep)
		assert_int_equal(connection_taken(l->pc, ev->channel, (uint32_t)ev->data.n), PROTO_OK);
}

/* The peer's own connection layer drops what follows its CLOSE; clients do not. */
static inline void
lab_after_close(struct lab *l, struct span payload)
{
	struct rd r = rd_of(payload);
	uint8_t number = rd_u8(&r);
	uint32_t local = rd_u32(&r);
	struct span type = rd_blob(&r, NAME_MAX_LEN);

	(void)rd_bool(&r);
	for (size_t i = 0; number == SSH_MSG_CHANNEL_REQUEST && i < l->n_ch; i++) {
		if (l->ch[i].closed || l->ch[i].ch->local != local || !l->ch[i].ch->close_out ||
		    !span_is(type, "exit-status"))
			continue;
		l->ch[i].status = rd_u32(&r);
		lab_order(&l->ch[i], 'x');
	}
}

static inline void
lab_connection_packet(struct lab *l, struct span payload)
{
	struct connection_event ev;
	struct lab_channel *c;

	lab_after_close(l, payload);
	l->peer_error = connection_packet(l->pc, payload, worker_clock(), &ev);
	assert_int_equal(l->peer_error, PROTO_OK);
	l->events[ev.type]++;
	c = ev.channel == NULL ? NULL : lab_channel_of(l, ev.channel);
	switch (ev.type) {
	case CE_ASKED:
		(void)lab_channel_add(l, ev.channel);
		break;
	case CE_DATA:
		lab_data(l, c, &ev);
		break;
	case CE_EOF:
		c->eof = true;
		lab_order(c, 'E');
		break;
	case CE_CLOSE:
		c->closed = true;
		lab_order(c, 'C');
		break;
	case CE_REQUEST:
		l->peer_question = ev.question;
		if (ev.request.kind == RQ_EXIT_STATUS) {
			c->status = ev.request.number;
			lab_order(c, 'x');
		}
		if (ev.request.kind == RQ_EXIT_SIGNAL)
			lab_order(c, 'X');
		break;
	case CE_GLOBAL:
		/* a server's worker tells its keys in any case */
		if (span_is(ev.kind, "hostkeys-00@openssh.com")) {
			l->events[CE_GLOBAL]--;
			break;
		}
		l->peer_question = ev.question;
		memcpy(l->global_kind, ev.kind.p, ev.kind.n);
		l->global_kind[ev.kind.n] = 0;
		l->global_n = ev.payload.n;
		if (ev.payload.n > 0)
			memcpy(l->global_payload, ev.payload.p, ev.payload.n);
		break;
	case CE_CALL_DONE:
		l->call_ok = ev.ok;
		l->call_n = ev.payload.n;
		if (ev.payload.n > 0)
			memcpy(l->call_payload, ev.payload.p, ev.payload.n);
		break;
	case CE_NOT_OPENED:
		connection_release(l->pc, ev.channel);
		break;
	default:
		break;
	}
}

static inline void
lab_peer_open(struct lab *l)
{
	struct connection_config cfg = { .channel_max = 200, .window = 2 * 1024 * 1024,
		.window_sum = 256 * 1024 * 1024, .first_serial = 1000 };

	l->pc = connection_new(l->peer, &cfg, worker_clock());
	assert_non_null(l->pc);
}

static inline void
lab_peer_auth(struct lab *l, struct span payload)
{
	if (l->role == SSH_SERVER) {
		assert_int_equal(auth_client_packet(&l->ac, l->peer, payload, &l->reply), PROTO_OK);
		l->replies[l->reply.type]++;
		if (l->reply.type == AP_SUCCESS)
			lab_peer_open(l);
		return;
	}
	assert_int_equal(auth_server_packet(&l->as, l->peer, payload, &l->asked), PROTO_OK);
	if (l->asked.type != AR_SERVICE)
		l->asks++;
}

static inline void
lab_peer_event(struct lab *l, const struct transport_event *ev)
{
	struct span h = worker_rehearse_hash(l->row);

	switch (ev->type) {
	case TE_GROUP:
		assert_int_equal(worker_rehearse_group(l->peer), PROTO_OK);
		break;
	case TE_SIGN:
		assert_int_equal(transport_signed(l->peer, span_str("s"), h, l->other_kex,
		    worker_clock()), PROTO_OK);
		break;
	case TE_VERIFY:
		assert_int_equal(transport_verified(l->peer, h, l->other_kex, worker_clock()),
		    PROTO_OK);
		break;
	case TE_KEYS:
		if (l->peer_keys++ == 0 && l->role == SSH_SERVER)
			assert_int_equal(auth_client_start(&l->ac, l->peer), PROTO_OK);
		break;
	case TE_PACKET:
		if (ev->number >= SSH_MSG_GLOBAL_REQUEST)
			lab_connection_packet(l, ev->payload);
		else
			lab_peer_auth(l, ev->payload);
		break;
	case TE_DISCONNECT:
		l->peer_disconnect = ev->disconnect;
		break;
	case TE_ERROR:
		l->peer_error = ev->error;
		break;
	default:
		break;
	}
}

static inline void
lab_peer_events(struct lab *l)
{
	struct transport_event ev;

	do {
		transport_next(l->peer, worker_clock(), &ev);
		lab_peer_event(l, &ev);
	} while (ev.type != TE_NONE && ev.type != TE_ERROR);
}

static inline void
lab_peer_turn(struct lab *l)
{
	struct span s;
	size_t room;
	ssize_t n = 0;
	uint8_t *p;

	if (l->peer_frozen || l->net < 0)
		return;
	p = transport_rx_room(l->peer, &room);
	if (room > 0 && (n = read(l->net, p, room)) > 0)
		transport_rx_add(l->peer, (size_t)n);
	lab_peer_events(l);
	s = transport_pending(l->peer);
	if (s.n > 0 && (n = write(l->net, s.p, s.n)) > 0)
		transport_sent(l->peer, (size_t)n);
}

/* ---- time ---- */

static inline void
lab_turn(struct lab *l, int timeout_ms)
{
	if (l->alive)
		l->alive = worker_turn(l->w, timeout_ms);
	lab_monitor_turn(l);
	lab_app_turn(l);
	lab_peer_turn(l);
}

/* Turns until the condition holds; the test fails when it never does. */
#define LAB_UNTIL(l, condition) do { \
	int turns_ = 0; \
	while (!(condition) && turns_++ < LAB_TURNS) \
		lab_turn(l, turns_ < 1000 ? 0 : 1); \
	assert_true(condition); \
} while (0)
/* Turns until nothing more can be expected to happen. */
static inline void
lab_rest(struct lab *l)
{
	for (int i = 0; i < 50; i++)
		lab_turn(l, 0);
}

/* A worker that is logged in, in either role. */
static inline struct lab *
lab_open(const struct lab_options *o)
{
	struct lab *l = lab_new(o);

	if (o->role == SSH_SERVER) {
		LAB_UNTIL(l, l->replies[AP_SERVICE] == 1);
		assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("user")), PROTO_OK);
		LAB_UNTIL(l, l->pc != NULL);
	} else {
		LAB_UNTIL(l, l->w->phase == L_AUTH);
		assert_int_equal(ipc_send_LOGIN_NONE(l->link, &(struct ipc_LOGIN_NONE){
		    .user = span_str("user") }), 0);
		LAB_UNTIL(l, l->asks == 1);
		assert_int_equal(auth_server_success(&l->as, l->peer), PROTO_OK);
		lab_peer_open(l);
		LAB_UNTIL(l, l->w->phase == L_OPEN);
	}
	return l;
}

/* A session channel that the peer opened and the application granted.  Returns the
 * application's serial. */
static inline uint64_t
lab_session(struct lab *l, struct lab_channel **ret)
{
	uint64_t serial = 500 + l->n_ch;
	size_t before = l->n_chans;

	assert_int_equal(connection_open(l->pc, serial, span_str("session"), span_of(NULL, 0), any_size),
	    PROTO_OK);
	*ret = lab_channel_add(l, connection_find(l->pc, serial));
	LAB_UNTIL(l, l->n_chans == before + 1);
	assert_int_equal(ipc_send_GRANT(l->app, &(struct ipc_GRANT){ .chan = l->chans[before] }), 0);
	LAB_UNTIL(l, (*ret)->ch->state == CH_OPEN);
	return l->chans[before];
}

/* Bytes of the peer into a channel: as many as window and room allow. */
static inline size_t
lab_peer_send(struct lab *l, struct channel *ch, uint32_t ext, const uint8_t *p, size_t n)
{
	struct iovec iov[8];
	size_t done = 0, places, budget = connection_may_send(l->pc, ch);

	places = transport_data_begin(l->peer, ch->remote, ext, ch->peer_packet,
	    n < budget ? n : budget, iov, 8);
	for (size_t i = 0; i < places; i++) {
		memcpy(iov[i].iov_base, &p[done], iov[i].iov_len);
		done += iov[i].iov_len;
	}
	assert_int_equal(transport_data_end(l->peer, done), PROTO_OK);
	connection_sent(l->pc, ch, (uint32_t)done);
	return done;
}

static inline void
lab_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

/* TAKE_SOCKET; returns the application's end. */
static inline int
lab_take_socket(struct lab *l, uint64_t chan)
{
	int fds[2];

	lab_pair(fds);
	assert_int_equal(ipc_send_TAKE_SOCKET(l->app, &(struct ipc_TAKE_SOCKET){
	    .chan = chan, .data = fds[0] }), 0);
	(void)close(fds[0]);
	return fds[1];
}

/* The last BYE, which ends every worker. */
static inline void
lab_bye(struct lab *l, struct ipc_BYE *bye)
{
	LAB_UNTIL(l, !l->alive);
	lab_monitor_turn(l);
	assert_int_equal(l->said[IPC_MSG_BYE], 1);
	LAB_WORDS(l, BYE, bye);
}

static inline int
lab_setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	return crypto_init();
}

#endif
