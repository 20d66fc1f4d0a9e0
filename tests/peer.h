/*
 * peer.h - an SSH peer on a socket that stops where it is told to.
 *
 * Runs in a child process over the proto/ code in the other role, plays its own
 * monitor (it has a key of its own, and trusts everybody), and holds a connection at
 * one step for as long as the test wants.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/auth.h"
#include "tests/transport_pair.h"

/* Where a peer stops, in the order of a connection. */
enum peer_stop {
	STOP_SILENT = 1,	/* connected, says nothing                       */
	STOP_VERSION,		/* identification string, nothing after          */
	STOP_HALF_PACKET,	/* half of its KEXINIT                           */
	STOP_KEXINIT,		/* KEXINIT, does not go on with the exchange     */
	STOP_EXCHANGE,		/* its half of the exchange is missing           */
	STOP_KEYED,		/* keys in use; no service is asked for or given */
	STOP_SERVICE,		/* no login is asked for                         */
	STOP_LOGIN,		/* client: half a login; server: no answer       */
	STOP_OPEN,		/* logged in, answers nothing                    */
	STOP_NEVER,
};

struct peer {
	struct side s;
	int fd;
	enum peer_stop stop;
	struct auth_client ac;
	struct auth_server as;
	unsigned char pk[32], sk[64];
	uint8_t k_s[64];
	struct wr k_s_w;
	bool stopped, reads_on;
};

static inline uint64_t
peer_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline void
peer_die(const char *what)
{
	(void)!write(2, what, strlen(what));
	_exit(9);
}

static inline void
peer_halt(struct peer *p)
{
	uint8_t junk[65536];

	/* A peer that has stopped may still read: nothing we send must free us. */
	while (p->reads_on && read(p->fd, junk, sizeof(junk)) > 0)
		;
	for (;;)
		(void)pause();
}

static inline void
peer_flush(struct peer *p)
{
	struct span out = transport_pending(p->s.t);

	while (out.n > 0) {
		size_t n = out.n;

		if (p->stop == STOP_VERSION || p->stop == STOP_HALF_PACKET)
			n = p->s.c.version.n + 2 + (p->stop == STOP_HALF_PACKET ? 30 : 0);
		if (write(p->fd, out.p, n) != (ssize_t)n)
			peer_halt(p);
		if (n < out.n || p->stop == STOP_KEXINIT)
			peer_halt(p);
		transport_sent(p->s.t, n);
		out = transport_pending(p->s.t);
	}
}

/* Our own monitor's answer: whatever the server's key is, and our own signature. */
static inline void
peer_answer(struct peer *p, const struct transport_event *ev)
{
	struct side *s = &p->s;
	bool server = s->c.role == SSH_SERVER;
	uint8_t raw[64], blob[128], buf[200000];
	const struct kex_alg *alg = kex_find((const char *)ev->kex.p, ev->kex.n);
	struct span ours = span_of(s->kexinit, s->kexinit_len);
	struct wr w = wr_of(buf, sizeof(buf)), b = wr_of(blob, sizeof(blob));
	enum proto_error e;

	if (alg == NULL)
		peer_die("no such kex\n");
	wr_blob(&w, server ? ev->peer_version : s->c.version, SIZE_MAX);
	wr_blob(&w, server ? s->c.version : ev->peer_version, SIZE_MAX);
	wr_blob(&w, server ? ev->peer_kexinit : ours, SIZE_MAX);
	wr_blob(&w, server ? ours : ev->peer_kexinit, SIZE_MAX);
	wr_blob(&w, server ? wr_span(&p->k_s_w) : ev->k_s, SIZE_MAX);
	wr_blob(&w, ev->q_c, SIZE_MAX);
	wr_blob(&w, ev->q_s, SIZE_MAX);
	wr_mpint(&w, ev->secret);
	if (w.bad || hash_once(alg->hash, buf, w.n, s->hash) != 0)
		peer_die("hash\n");
	s->hash_len = hash_size(alg->hash);
	side_make_kexinit(s);
	if (server) {
		(void)crypto_sign_detached(raw, NULL, s->hash, s->hash_len, p->sk);
		wr_str(&b, "ssh-ed25519");
		wr_blob(&b, span_of(raw, 64), 64);
		e = transport_signed(s->t, wr_span(&b), span_of(s->hash, s->hash_len),
		    span_of(s->kexinit, s->kexinit_len), peer_now());
	} else {
		e = transport_verified(s->t, span_of(s->hash, s->hash_len),
		    span_of(s->kexinit, s->kexinit_len), peer_now());
	}
	if (e != PROTO_OK)
		peer_die("answer\n");
}

static inline void
peer_client_packet(struct peer *p, struct span payload)
{
	struct auth_reply reply;

	if (transport_phase(p->s.t) == PH_OPEN)
		return;		/* STOP_OPEN: hears, answers nothing */
	if (auth_client_packet(&p->ac, p->s.t, payload, &reply) != PROTO_OK)
		peer_die("auth reply\n");
	if (reply.type == AP_SERVICE) {
		if (p->stop == STOP_SERVICE)
			p->stopped = true;
		else if (p->stop == STOP_LOGIN)
			(void)!auth_client_none(&p->ac, p->s.t, span_str("somebody"));
		else
			(void)!auth_client_password(&p->ac, p->s.t, span_str("somebody"), span_str("pw"));
	} else if (p->stop == STOP_LOGIN) {
		p->stopped = true;
	}
}

static inline void
peer_server_packet(struct peer *p, struct span payload)
{
	struct auth_request q;

	if (p->stop == STOP_KEYED) {
		p->stopped = true;
		return;
	}
	if (transport_phase(p->s.t) == PH_OPEN)
		return;
	if (auth_server_packet(&p->as, p->s.t, payload, &q) != PROTO_OK)
		peer_die("auth request\n");
	if (q.type == AR_SERVICE)
		p->stopped = p->stop == STOP_SERVICE;
	else if (p->stop == STOP_LOGIN)
		p->stopped = true;
	else
		(void)!auth_server_success(&p->as, p->s.t);
}

static inline void
peer_event(struct peer *p, const struct transport_event *ev)
{
	switch (ev->type) {
	case TE_SIGN:
	case TE_VERIFY:
		if (p->stop == STOP_EXCHANGE)
			p->stopped = true;
		else
			peer_answer(p, ev);
		break;
	case TE_KEYS:
		if (p->s.keys++ == 0) {
			if (p->s.c.role == SSH_CLIENT && p->stop == STOP_KEYED)
				p->stopped = true;
			else if (p->s.c.role == SSH_CLIENT)
				(void)!auth_client_start(&p->ac, p->s.t);
		}
		break;
	case TE_PACKET:
		if (p->s.c.role == SSH_CLIENT)
			peer_client_packet(p, ev->payload);
		else
			peer_server_packet(p, ev->payload);
		break;
	case TE_DISCONNECT:
	case TE_ERROR:
		_exit(0);
	default:
		break;
	}
}

static inline void
peer_run(struct peer *p)
{
	struct transport_event ev;
	uint8_t *to;
	size_t room;
	ssize_t n;

	if (p->stop == STOP_SILENT)
		peer_halt(p);
	for (;;) {
		do {
			transport_next(p->s.t, peer_now(), &ev);
			peer_event(p, &ev);
		} while (ev.type != TE_NONE && !p->stopped);
		peer_flush(p);
		if (p->stopped)
			peer_halt(p);
		to = transport_rx_room(p->s.t, &room);
		n = read(p->fd, to, room);
		if (n <= 0)
			_exit(0);
		/* A peer that answers nothing does not answer a rekey either. */
		if (p->stop == STOP_OPEN && transport_phase(p->s.t) == PH_OPEN)
			continue;
		transport_rx_add(p->s.t, (size_t)n);
	}
}

/* All but side_start(), before which a test may change what is offered. */
static inline void
peer_init(struct peer *p, enum ssh_role role, enum peer_stop stop, int fd)
{
	static uint8_t keys[128];
	struct wr w = wr_of(keys, sizeof(keys));

	if (crypto_init() != 0)
		peer_die("start\n");
	p->fd = fd;
	p->stop = stop;
	p->reads_on = true;
	(void)crypto_sign_keypair(p->pk, p->sk);
	p->k_s_w = wr_of(p->k_s, sizeof(p->k_s));
	wr_str(&p->k_s_w, "ssh-ed25519");
	wr_blob(&p->k_s_w, span_of(p->pk, 32), 32);
	side_init(&p->s, role);
	p->s.c.banner_ms = p->s.c.kex_ms = p->s.c.rekey_ms = 0;
	if (role == SSH_SERVER) {
		wr_str(&w, "ssh-ed25519");
		wr_blob(&w, wr_span(&p->k_s_w), 64);
		p->s.c.hostkeys = wr_span(&w);
	}
}

/* A child that is the peer on the other end; returns our end.  It ends with us. */
static inline int
peer_start(enum ssh_role role, enum peer_stop stop, pid_t *pid)
{
	struct peer *p;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid > 0) {
		(void)close(sv[1]);
		return sv[0];
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close(sv[0]);
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		peer_die("start\n");
	peer_init(p, role, stop, sv[1]);
	side_start(&p->s, peer_now());
	peer_run(p);
	_exit(0);
}

static inline void
peer_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
