/*
 * hostile_peer.h - an SSH peer that behaves until a given moment, and then does not.
 *
 * Runs in a child process over the proto/ code in the other role (peer.h), under
 * real keys.  What it does is data (struct attack): the payloads of its packets in a
 * small language, or a packet that no honest sender could seal.  Where the RFCs let
 * a connection live on, it goes on honestly and finds out whether it is answered.
 *
 * The language: packets between ";", each of
 *	5         one byte                #5     a uint32
 *	'text'    a string, ~ is NUL      $5     a string of 5 bytes
 *	*5        5 zero bytes, bare      N      one byte: the number of a sweep
 *	K         the peer's own KEXINIT  C         a uint32: their channel
 */
#ifndef TESTS_HOSTILE_PEER_H
#define TESTS_HOSTILE_PEER_H

#include <errno.h>
#include <fcntl.h>

#include "tests/peer.h"

/* When, in the order of a connection.  S, C: only a peer that is server, client. */
enum moment {
	AT_LINES = 1,		/* between identification string and KEXINIT    */
	AT_CLEAR,		/* after KEXINIT, before keys                   */
	AT_KEYED,		/* the first message under keys                 */
	AT_SERVICE,		/* login can begin                              */
	AT_PROMPTED,		/* C: two prompts are to be answered            */
	AT_TRIED,		/* S: a login is to be answered                 */
	AT_OPEN,		/* logged in                                    */
	AT_ASKED,		/* S: an open is to be answered                 */
	AT_CHANNEL,		/* a channel is open, number 0 on the other side */
	AT_EXEC,		/* S: a command is to be answered               */
	AT_REKEY,		/* right behind our KEXINIT                     */
	AT_REPLY,		/* ...before our NEWKEYS                        */
	AT_THEIR_REKEY,		/* their KEXINIT is here, and is not answered   */
};
enum deed {
	SAY = 0,		/* attack.say, attack.times                     */
	EXCHANGE,		/* key exchanges, attack.times                  */
	/* S: in the first exchange (AT_CLEAR) or in a later one (AT_REKEY) */
	OTHER_KEY, OTHER_SIGNER,
	/* one packet, shot.number says where or what */
	FLIP_TAG, FLIP_BODY, FLIP_LENGTH, REPLAY, SKIP, CUT_SHORT, LENGTH, PADDING,
};
enum { NO_PAYLOAD = 256 };	/* PADDING: all of the packet */

struct attack {
	const char *name;
	enum moment at;
	const char *say;
	/* what the other side makes of it; code 0: it goes on */
	int code;
	uint32_t disconnect;
	const char *text;
	/* and what is not as usual */
	const char *phase;	/* NULL: the moment's                             */
	enum deed deed;
	unsigned times;		/* 0: once                                        */
	unsigned from, to;	/* sweep: a connection for each number...         */
	bool together;		/* ...or one for all                              */
	size_t cut_from, cut_to;/* sweep: a connection for each so short a payload */
	bool every_mode;	/* sweep: a connection for each cipher and MAC    */
	bool loose;		/* the peer does not offer strict key exchange    */
	bool deaf;		/* reads nothing while it speaks                  */
	bool weigh;		/* the other side's memory is looked at           */
	bool instead;		/* S: this is the answer, no honest one follows   */
	bool refused;		/* S: ...and it is no: our side tries again       */
	unsigned rounds;	/* S: of a dialogue, before its end               */
	unsigned replies;	/* REQUEST_FAILUREs that each time brings         */
	uint8_t hears;		/* a number, so many of which must have come      */
	unsigned hears_n;
	unsigned packets;	/* at least so many must have come after it       */
	unsigned least_ms;	/* it must take so long                           */
	unsigned server;	/* which server or client of the test is attacked */
	unsigned try;		/* how our client tries to log in                 */
	unsigned judged;	/* logins put to our application besides our own  */
};
/* One connection's worth. */
struct shot {
	const struct attack *a;
	enum ssh_role role;	/* of the peer */
	unsigned number, times;
	size_t cut;		/* SIZE_MAX: whole */
	const char *cipher, *mac;
};

/* How the peer's process ends. */
enum { HEARD_DISCONNECT = 32, HEARD_EOF = 100, NOT_REACHED, MISCOUNTED, STILL_ANSWERED,
	PEER_FAILED };

/* What it says to the test meanwhile; to be weighed it waits for a byte back. */
enum { WEIGH_YOURSELVES = 'w', ALL_ANSWERED = 'a' };

struct hostile {
	struct peer p;
	struct shot x;
	int ctl;
	bool fired, deaf, frozen, probed, parted, weighed, owes_exec;
	unsigned left, rounds;
	uint64_t stuck_at, packets_before;
	uint32_t channel;	/* S: theirs, the latest */
	unsigned heard[256];
	uint8_t payload[40000];
};

/* ---- the language ---- */

static inline uint32_t
hostile_u32(const char **s)
{
	char *end;
	unsigned long v = strtoul(*s, &end, 10);

	if (end == *s || v > UINT32_MAX)
		peer_die("not a number\n");
	*s = end;
	return (uint32_t)v;
}

static inline void
hostile_text(const char **s, struct wr *w)
{
	const char *end = strchr(*s, '\'');
	uint8_t *p;

	if (end == NULL)
		peer_die("a text without end\n");
	wr_u32(w, (uint32_t)(end - *s));
	for (; *s < end; (*s)++)
		if ((p = wr_room(w, 1)) != NULL)
			*p = (uint8_t)(**s == '~' ? 0 : **s);
	(*s)++;
}

static inline void
hostile_fill(struct wr *w, size_t n, int c)
{
	uint8_t *p = wr_room(w, n);

	if (p != NULL)
		memset(p, c, n);
}

/* The next packet's payload; *s moves behind it. */
static inline struct span
hostile_payload(struct hostile *h, const char **s)
{
	struct wr w = wr_of(h->payload, sizeof(h->payload));
	uint32_t n;

	for (; **s != '\0' && **s != ';';) {
		char c = **s;

		if (strchr(" '#$*NKC", c) != NULL)
			(*s)++;
		if (c == '\'') {
			hostile_text(s, &w);
		} else if (c == '#') {
			wr_u32(&w, hostile_u32(s));
		} else if (c == '$') {
			n = hostile_u32(s);
			wr_u32(&w, n);
			hostile_fill(&w, n, 'x');
		} else if (c == '*') {
			hostile_fill(&w, hostile_u32(s), 0);
		} else if (c == 'N') {
			wr_u8(&w, (uint8_t)h->x.number);
		} else if (c == 'C') {
			wr_u32(&w, h->channel);
		} else if (c == 'K') {
			wr_raw(&w, span_of(h->p.s.kexinit, h->p.s.kexinit_len));
		} else if (c != ' ') {
			wr_u8(&w, (uint8_t)hostile_u32(s));
		}
	}
	if (**s == ';')
		(*s)++;
	if (w.bad || w.n == 0)
		peer_die("not a payload\n");
	return wr_span(&w);
}

/* ---- packets ---- */

/* As an honest peer would, after a key exchange if one is under way. */
static inline void
hostile_say(struct hostile *h, const char *script)
{
	if (h->x.a->deed == CUT_SHORT && h->fired)
		return;
	while (*script != '\0') {
		struct span s = hostile_payload(h, &script);
		struct wr w = transport_begin(h->p.s.t, s.n);

		wr_raw(&w, s);
		if (transport_end(h->p.s.t, &w) != PROTO_OK)
			peer_die("cannot say\n");
	}
}

/* Whatever is going on. */
static inline void
hostile_inject(struct hostile *h, const char *script)
{
	while (*script != '\0') {
		struct span s = hostile_payload(h, &script);
		struct wr w;

		if (s.n > h->x.cut)
			s.n = h->x.cut;
		w = transport_own_begin(h->p.s.t, s.n);
		wr_raw(&w, s);
		if (transport_own_end(h->p.s.t, &w) != PROTO_OK)
			peer_die("cannot inject\n");
	}
}

#define HONEST_LENGTH UINT64_MAX

/* An IGNORE that fills three blocks of 16, sealed with any length and padding
 * written into it.  Behind the bytes that wait; its place. */
static inline uint8_t *
hostile_seal(struct hostile *h, uint64_t length, uint8_t padding)
{
	struct transport *t = h->p.s.t;
	size_t total = t->out.aad + 48u;
	uint8_t *p = t->cfg.tx + t->tx_end;
	struct wr w = wr_of(p, total);

	wr_u32(&w, (uint32_t)(length != HONEST_LENGTH ? length : total - 4));
	wr_u8(&w, padding);
	wr_u8(&w, SSH_MSG_IGNORE);
	hostile_fill(&w, w.cap - w.n, 0);
	if (protect_seal(t->out.keys, t->out.seq++, p, total) != 0)
		peer_die("cannot seal\n");
	t->tx_end += total + t->out.tag;
	return p;
}

static inline void
hostile_packet(struct hostile *h)
{
	struct transport *t = h->p.s.t;
	size_t total = t->out.aad + 48u, size = total + t->out.tag;
	unsigned n = h->x.number;
	uint8_t *p;

	switch (h->x.a->deed) {
	case LENGTH:
		(void)hostile_seal(h, n, 4);
		return;
	case PADDING:
		(void)hostile_seal(h, HONEST_LENGTH, (uint8_t)(n == NO_PAYLOAD ? total - 5 : n));
		return;
	default:
		break;
	}
	p = hostile_seal(h, HONEST_LENGTH, 4);
	switch (h->x.a->deed) {
	case FLIP_TAG:
		p[total + n] ^= 1;
		break;
	case FLIP_BODY:
		p[4 + n] ^= 1;
		break;
	case FLIP_LENGTH:
		p[0] ^= 0x80;
		break;
	case REPLAY:
		memcpy(p + size, p, size);
		t->tx_end += size;
		break;
	case SKIP:
		t->tx_end -= size;
		(void)hostile_seal(h, HONEST_LENGTH, 4);
		break;
	case CUT_SHORT:
		t->tx_end--;
		break;
	default:
		peer_die("not a packet\n");
	}
}

/* ---- the attack ---- */

/* As much of it as there is room for. */
static inline void
hostile_more(struct hostile *h)
{
	struct transport *t = h->p.s.t;

	if (h->x.a->deed == EXCHANGE) {
		if (h->left > 0 && !transport_in_kex(t)) {
			h->left--;
			if (transport_rekey(t, peer_now()) != PROTO_OK)
				peer_die("cannot rekey\n");
		}
		return;
	}
	while (h->left > 0 && transport_tx_free(t) > SIDE_TX / 2) {
		h->left--;
		hostile_inject(h, h->x.a->say);
		if (h->x.a->together && h->x.number < h->x.a->to) {
			h->x.number++;
			h->left++;
		}
	}
}

static inline void
hostile_reach(struct hostile *h, enum moment at)
{
	struct transport_agreed agreed;

	/* other keys have their place in the exchange: hostile_key() */
	if (h->fired || h->x.a->at != at || h->x.a->deed == OTHER_KEY ||
	    h->x.a->deed == OTHER_SIGNER)
		return;
	h->fired = true;
	h->deaf = h->x.a->deaf;
	transport_agreed(h->p.s.t, &agreed);
	h->packets_before = agreed.packets_in;
	if (h->x.a->deed >= FLIP_TAG) {
		hostile_packet(h);
		return;
	}
	h->left = h->x.times;
	hostile_more(h);
}

static inline bool
hostile_answers(const struct hostile *h, enum moment at, bool was_fired)
{
	return !(h->x.a->instead && h->x.a->at == at && !was_fired);
}

/* The host key that signs, or that is shown, is not the one from before. */
static inline void
hostile_key(struct hostile *h)
{
	struct transport *t = h->p.s.t;
	unsigned char pk[32];

	(void)crypto_sign_keypair(pk, h->p.sk);
	h->fired = true;
	if (h->x.a->deed != OTHER_KEY)
		return;
	/* it is the last thing in both places */
	memcpy(h->p.k_s + h->p.k_s_w.n - 32, pk, 32);
	memcpy(t->hostkeys + t->cfg.hostkeys.n - 32, pk, 32);
}

static inline bool
hostile_key_now(const struct hostile *h)
{
	return (h->x.a->deed == OTHER_KEY || h->x.a->deed == OTHER_SIGNER) && !h->fired &&
	    (h->x.a->at == AT_CLEAR) == (h->p.s.t->exchanges == 0);
}

/* ---- the honest course of things ---- */

static inline void
hostile_opened(struct hostile *h)
{
	enum moment at = h->x.a->at;

	transport_set_phase(h->p.s.t, PH_OPEN);
	hostile_reach(h, AT_OPEN);
	if (at == AT_REKEY || at == AT_REPLY)
		if (transport_rekey(h->p.s.t, peer_now()) != PROTO_OK)
			peer_die("cannot rekey\n");
	hostile_reach(h, AT_REKEY);
	h->frozen = at == AT_THEIR_REKEY;
}

static inline void
hostile_client_hears(struct hostile *h, uint8_t number)
{
	static const char login[] = "50 'u' 'ssh-connection' 'password' 0 'pw'";

	switch (number) {
	case SSH_MSG_SERVICE_ACCEPT:
		if (h->heard[number] > 1)
			break;
		transport_set_phase(h->p.s.t, PH_AUTH);
		hostile_reach(h, AT_SERVICE);
		hostile_say(h, h->x.a->at == AT_PROMPTED ?
		    "50 'u' 'ssh-connection' 'keyboard-interactive' '' ''" : login);
		break;
	case SSH_MSG_USERAUTH_60:
		if (h->x.a->at != AT_PROMPTED)
			break;
		hostile_reach(h, AT_PROMPTED);
		hostile_say(h, login);
		break;
	case SSH_MSG_USERAUTH_SUCCESS:
		hostile_opened(h);
		if (h->x.a->at == AT_CHANNEL)
			hostile_say(h, "90 'session' #5 #65536 #32768");
		break;
	case SSH_MSG_CHANNEL_OPEN_CONFIRMATION:
		hostile_reach(h, AT_CHANNEL);
		break;
	default:
		break;
	}
}

/* A command ends when nothing of the attack can come behind its end, nor any answer
 * that its channel's CLOSE would cut off. */
static inline void
hostile_server_exec(struct hostile *h)
{
	const struct attack *a = h->x.a;

	if (!h->owes_exec || h->left > 0 || (a->hears != 0 && h->heard[a->hears] < a->hears_n))
		return;
	h->owes_exec = false;
	hostile_say(h, "99 C; 98 C 'exit-status' 0 #7; 96 C; 97 C");
}

static inline void
hostile_server_request(struct hostile *h, struct rd *r)
{
	bool was_fired = h->fired;
	struct span type;

	(void)rd_u32(r);
	type = rd_text(r, NAME_MAX_LEN);
	if (!span_is(type, "exec"))
		return;
	hostile_reach(h, AT_EXEC);
	h->owes_exec = hostile_answers(h, AT_EXEC, was_fired);
}

static inline void
hostile_server_hears(struct hostile *h, uint8_t number, struct rd *r)
{
	bool was_fired = h->fired;

	switch (number) {
	case SSH_MSG_SERVICE_REQUEST:
		hostile_say(h, "6 'ssh-userauth'");
		transport_set_phase(h->p.s.t, PH_AUTH);
		hostile_reach(h, AT_SERVICE);
		break;
	case SSH_MSG_USERAUTH_REQUEST:
		hostile_reach(h, AT_TRIED);
		if (!hostile_answers(h, AT_TRIED, was_fired))
			break;
		hostile_say(h, "52");
		hostile_opened(h);
		break;
	case SSH_MSG_USERAUTH_INFO_RESPONSE:
		hostile_say(h, h->rounds++ < h->x.a->rounds ? h->x.a->say : "51 'password' 0");
		break;
	case SSH_MSG_CHANNEL_OPEN:
		(void)rd_text(r, NAME_MAX_LEN);
		h->channel = rd_u32(r);
		hostile_reach(h, AT_ASKED);
		if (!hostile_answers(h, AT_ASKED, was_fired))
			break;
		hostile_say(h, "91 C #7 #65536 #32768");
		hostile_reach(h, AT_CHANNEL);
		break;
	case SSH_MSG_CHANNEL_REQUEST:
		hostile_server_request(h, r);
		break;
	default:
		break;
	}
}

/* ---- the end ---- */

static inline bool
hostile_all_heard(const struct hostile *h)
{
	const struct attack *a = h->x.a;
	struct transport_agreed agreed;

	transport_agreed(h->p.s.t, &agreed);
	return h->heard[SSH_MSG_REQUEST_FAILURE] == 1 + a->replies * h->x.times &&
	    agreed.packets_in - h->packets_before >= a->packets &&
	    (a->hears == 0 || h->heard[a->hears] >= a->hears_n);
}

static inline void
hostile_leave(const struct hostile *h, int heard)
{
	if (!h->fired)
		_exit(NOT_REACHED);
	if (h->x.a->code != 0)
		_exit(heard);
	/* it was to go on, and one of us ended it honestly */
	if (!h->probed || !hostile_all_heard(h))
		_exit(MISCOUNTED);
	if (h->x.role == SSH_CLIENT ? h->parted :
	    heard == HEARD_DISCONNECT + SSH_DISCONNECT_BY_APPLICATION)
		_exit(0);
	_exit(heard);
}

static inline void
hostile_tell(struct hostile *h, char what)
{
	if (write(h->ctl, &what, 1) != 1)
		peer_die("nobody listens\n");
}

static inline void
hostile_be_weighed(struct hostile *h)
{
	char done;

	if (!h->x.a->weigh || h->weighed)
		return;
	h->weighed = true;
	hostile_tell(h, WEIGH_YOURSELVES);
	if (read(h->ctl, &done, 1) != 1)
		peer_die("not weighed\n");
}

/* Behind the attack: is anybody still there? */
static inline void
hostile_probe(struct hostile *h)
{
	if (!h->fired || h->left > 0 || h->frozen ||
	    transport_phase(h->p.s.t) != PH_OPEN)
		return;
	if (!h->probed) {
		h->probed = true;
		hostile_say(h, "80 'keepalive@openssh.com' 1");
		return;
	}
	if (h->parted || !hostile_all_heard(h))
		return;
	if (h->x.a->code != 0)
		_exit(STILL_ANSWERED);
	hostile_be_weighed(h);
	h->parted = true;
	hostile_tell(h, ALL_ANSWERED);
	if (h->x.role == SSH_CLIENT)
		hostile_say(h, "1 #11 'done' ''");
}

/* ---- the loop ---- */

static inline void
hostile_event(struct hostile *h, const struct transport_event *ev)
{
	struct rd r = rd_of(ev->payload);

	switch (ev->type) {
	case TE_SIGN:
	case TE_VERIFY:
		if (hostile_key_now(h))
			hostile_key(h);
		if (h->p.s.t->exchanges > 0)
			hostile_reach(h, AT_REPLY);
		peer_answer(&h->p, ev);
		break;
	case TE_KEYS:
		if (h->p.s.keys++ > 0)
			break;
		hostile_reach(h, AT_KEYED);
		if (h->x.role == SSH_CLIENT)
			hostile_say(h, "5 'ssh-userauth'");
		break;
	case TE_PACKET:
		h->heard[rd_u8(&r)]++;
		if (h->x.role == SSH_CLIENT)
			hostile_client_hears(h, ev->number);
		else
			hostile_server_hears(h, ev->number, &r);
		break;
	case TE_DISCONNECT:
		hostile_leave(h, HEARD_DISCONNECT + (int)ev->disconnect);
		break;
	case TE_ERROR:
		(void)dprintf(2, "%s: the peer itself: %s\n", h->x.a->name,
		    proto_error_text(ev->error));
		_exit(PEER_FAILED);
	default:
		break;
	}
}

static inline void
hostile_write(struct hostile *h)
{
	struct span out = transport_pending(h->p.s.t);
	ssize_t n = out.n > 0 ? write(h->p.fd, out.p, out.n) : 0;

	if (n > 0) {
		transport_sent(h->p.s.t, (size_t)n);
		h->stuck_at = 0;
	} else if (n < 0 && errno != EAGAIN) {
		/* they are gone: what they said last is still to be read */
		transport_sent(h->p.s.t, out.n);
		h->left = 0;
		h->deaf = h->frozen = false;
	} else if (n < 0 && h->stuck_at == 0) {
		h->stuck_at = peer_now();
	}
	if (h->x.a->deed == CUT_SHORT && h->fired && transport_pending(h->p.s.t).n == 0)
		(void)shutdown(h->p.fd, SHUT_WR);	/* again and again: once counts */
}

static inline void
hostile_read(struct hostile *h)
{
	size_t room;
	uint8_t *to = transport_rx_room(h->p.s.t, &room);
	ssize_t n = room > 0 ? read(h->p.fd, to, room) : -1;

	if (n > 0)
		transport_rx_add(h->p.s.t, (size_t)n);
	else if (n == 0 || (room > 0 && errno != EAGAIN && errno != EINTR))
		hostile_leave(h, HEARD_EOF);
}

/* Deafness ends when all was said, or when nobody takes any more of it. */
static inline void
hostile_hear_again(struct hostile *h)
{
	bool unsent = h->left > 0 || transport_pending(h->p.s.t).n > 0;

	if (!h->deaf || (unsent && (h->stuck_at == 0 || peer_now() - h->stuck_at < 100)))
		return;
	hostile_be_weighed(h);
	h->deaf = false;
}

static inline void
hostile_run(struct hostile *h)
{
	struct transport_event ev;

	for (;;) {
		struct pollfd pfd = { .fd = h->p.fd };

		do {
			memset(&ev, 0, sizeof(ev));
			if (!h->frozen && !h->deaf)
				transport_next(h->p.s.t, peer_now(), &ev);
			hostile_event(h, &ev);
		} while (ev.type != TE_NONE);
		hostile_more(h);
		hostile_server_exec(h);
		hostile_probe(h);
		hostile_write(h);
		hostile_hear_again(h);
		if (transport_pending(h->p.s.t).n > 0 || h->left > 0)
			pfd.events |= POLLOUT;
		if (!h->deaf)
			pfd.events |= POLLIN;
		if (h->x.a->deed == EXCHANGE && transport_in_kex(h->p.s.t))
			pfd.events = POLLIN;
		if (poll(&pfd, 1, 50) < 0)
			peer_die("poll\n");
		if ((pfd.revents & (POLLIN | POLLHUP)) == 0 || h->deaf)
			continue;
		/* after login nothing comes unasked but a KEXINIT */
		if (h->frozen)
			hostile_reach(h, AT_THEIR_REKEY);
		if (h->frozen && h->left == 0)
			h->frozen = false;
		if (!h->frozen && !h->deaf)
			hostile_read(h);
	}
}

/* What goes between our identification string and our KEXINIT, in clear. */
static inline void
hostile_lines(struct hostile *h)
{
	struct transport *t = h->p.s.t;
	size_t line = h->p.s.c.version.n + 2;
	struct span all = transport_pending(t);
	struct raw *r = raw_new("");
	const char *script = h->x.a->say;

	raw_bytes(r, all.p, line);
	while (*script != '\0') {
		struct span s = hostile_payload(h, &script);

		raw_packet(r, s.p, s.n);
	}
	raw_bytes(r, all.p + line, all.n - line);
	t->out.seq += r->out.seq;
	memcpy(t->cfg.tx, r->bytes, r->n);
	t->tx_start = 0;
	t->tx_end = r->n;
	h->fired = true;
	free(r);
}

static inline void
hostile_child(const struct shot *x, int fd, int ctl)
{
	struct hostile *h = calloc(1, sizeof(*h));

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(60);
	if (h == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		peer_die("start\n");
	h->x = *x;
	h->ctl = ctl;
	peer_init(&h->p, x->role, STOP_NEVER, fd);
	if (x->cipher != NULL)
		h->p.s.lists[KL_CIPHER_C2S] = h->p.s.lists[KL_CIPHER_S2C] = x->cipher;
	if (x->mac != NULL)
		h->p.s.lists[KL_MAC_C2S] = h->p.s.lists[KL_MAC_S2C] = x->mac;
	if (x->a->loose)
		h->p.s.pseudo = "";
	side_start(&h->p.s, peer_now());
	if (x->a->at == AT_LINES)
		hostile_lines(h);
	hostile_reach(h, AT_CLEAR);
	hostile_run(h);
}

/* A child that is the peer on the other end; returns our end. */
static inline int
hostile_start(const struct shot *x, pid_t *pid, int *ctl)
{
	int sv[2], cv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, cv), 0);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		/* none of the test's descriptors must live on here */
		if (dup2(sv[1], 3) != 3 || dup2(cv[1], 4) != 4)
			peer_die("dup2\n");
		closefrom(5);
		hostile_child(x, 3, 4);
		_exit(PEER_FAILED);
	}
	(void)close(sv[1]);
	(void)close(cv[1]);
	*ctl = cv[0];
	return sv[0];
}

/* How it ended. */
static inline int
hostile_end(pid_t pid, int ctl)
{
	int status = -1;

	(void)close(ctl);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif
