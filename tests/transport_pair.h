/*
 * transport_pair.h - two transports that talk to each other in memory, a test in
 * the part of both their monitors, and a raw peer for what no transport would send.
 *
 * The monitors compute H from the ingredients (RFC 4253 8, RFC 5656 4), each from
 * its own point of view.  The "signature" is H itself, so that a client's monitor
 * that accepts it has shown that both sides came to the same H.
 */
#ifndef TESTS_TRANSPORT_PAIR_H
#define TESTS_TRANSPORT_PAIR_H

#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/transport_state.h"

enum { SIDE_RX = 512 * 1024, SIDE_TX = 512 * 1024, SIDE_LOG = 65536 };

static const char *const pair_lists[KL_COUNT] = {
	"curve25519-sha256,curve25519-sha256@libssh.org", "ssh-ed25519",
	"chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-ctr",
	"chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-ctr",
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
	"none", "none", "", "",
};

struct side {
	struct transport *t;
	struct transport_config c;
	const char *lists[KL_COUNT];
	const char *pseudo;		/* added to the kex list */
	bool follows;			/* in KEXINITs made from now on */
	uint8_t kexinit[40000];		/* the one in use */
	size_t kexinit_len;
	uint8_t hash[HASH_MAX], session_id[HASH_MAX];
	size_t hash_len, session_id_len;
	bool hold_answer, hold_group;	/* leave the question unanswered */
	struct transport_event question;
	/* what came out of transport_next */
	unsigned packets, keys, sig_algs, hostbound, disconnects, debugs, questions, groups;
	uint64_t data;			/* bytes of CHANNEL_DATA */
	enum proto_error error;
	struct transport_event last;
	uint8_t numbers[SIDE_LOG];	/* of the packets, in order */
	uint8_t text[4096];		/* of the last event that had one */
	size_t text_len;
};

struct pair {
	struct side c, s;
	uint64_t now;
	size_t chunk;			/* bytes carried at a time; 0: all */
};

static inline void
side_make_kexinit(struct side *s)
{
	struct wr w = wr_of(s->kexinit, sizeof(s->kexinit));

	wr_u8(&w, SSH_MSG_KEXINIT);
	crypto_random(wr_room(&w, 16), 16);
	for (int i = 0; i < KL_COUNT; i++) {
		size_t n = strlen(s->lists[i]), extra = 0;

		if (i == KL_KEX && s->pseudo != NULL && s->pseudo[0] != '\0')
			extra = 1 + strlen(s->pseudo);
		wr_u32(&w, (uint32_t)(n + extra));
		wr_raw(&w, span_str(s->lists[i]));
		if (extra > 0) {
			wr_u8(&w, ',');
			wr_raw(&w, span_str(s->pseudo));
		}
	}
	wr_u8(&w, s->follows);
	wr_u32(&w, 0);
	assert_false(w.bad);
	s->kexinit_len = w.n;
}

/* H as the monitor of this side makes it: ours from here, theirs from the event. */
static inline size_t
side_hash(const struct side *s, const struct transport_event *q, uint8_t *out)
{
	bool server = s->c.role == SSH_SERVER;
	const struct kex_alg *alg = kex_find((const char *)q->kex.p, q->kex.n);
	struct span ours = span_of(s->kexinit, s->kexinit_len);
	static uint8_t buf[200000];
	struct wr w = wr_of(buf, sizeof(buf));

	assert_non_null(alg);
	wr_blob(&w, server ? q->peer_version : s->c.version, SIZE_MAX);
	wr_blob(&w, server ? s->c.version : q->peer_version, SIZE_MAX);
	wr_blob(&w, server ? q->peer_kexinit : ours, SIZE_MAX);
	wr_blob(&w, server ? ours : q->peer_kexinit, SIZE_MAX);
	wr_blob(&w, server ? span_str("the host key") : q->k_s, SIZE_MAX);
	if (alg->asks_group) {		/* RFC 4419 3 */
		wr_u32(&w, q->gex_min);
		wr_u32(&w, q->gex_n);
		wr_u32(&w, q->gex_max);
		wr_mpint(&w, q->gex_p);
		wr_mpint(&w, q->gex_g);
	}
	if (kex_in_group(alg)) {	/* RFC 4253 8 */
		wr_mpint(&w, q->q_c);
		wr_mpint(&w, q->q_s);
	} else {
		wr_blob(&w, q->q_c, SIZE_MAX);
		wr_blob(&w, q->q_s, SIZE_MAX);
	}
	if (alg->secret_is_string)
		wr_blob(&w, q->secret, SIZE_MAX);
	else
		wr_mpint(&w, q->secret);
	assert_false(w.bad);
	assert_int_equal(hash_once(alg->hash, buf, w.n, out), 0);
	return hash_size(alg->hash);
}

/* The monitor answers. */
static inline enum proto_error
side_answer(struct side *s, uint64_t now)
{
	struct transport_event *q = &s->question;
	enum proto_error e;

	assert_true(q->type == TE_SIGN || q->type == TE_VERIFY);
	s->hash_len = side_hash(s, q, s->hash);
	if (s->session_id_len == 0) {
		memcpy(s->session_id, s->hash, s->hash_len);
		s->session_id_len = s->hash_len;
	}
	if (q->type == TE_VERIFY) {
		assert_true(span_is(q->k_s, "the host key"));
		assert_true(span_eq(q->signature, span_of(s->hash, s->hash_len)));
	} else {
		assert_true(span_is(q->k_s, "the host key"));
	}
	side_make_kexinit(s);
	if (q->type == TE_SIGN)
		e = transport_signed(s->t, span_of(s->hash, s->hash_len),
		    span_of(s->hash, s->hash_len), span_of(s->kexinit, s->kexinit_len), now);
	else
		e = transport_verified(s->t, span_of(s->hash, s->hash_len),
		    span_of(s->kexinit, s->kexinit_len), now);
	q->type = TE_NONE;
	return e;
}

/* ...for a group: always the same one. */
static inline enum proto_error
side_group(struct side *s, uint64_t now)
{
	struct kex_group group;

	assert_int_equal(s->question.type, TE_GROUP);
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	s->question.type = TE_NONE;
	return transport_group(s->t, span_of(group.p, group.p_len),
	    span_of(group.g, group.g_len), now);
}

static inline void
side_keep_text(struct side *s, struct span text)
{
	s->text_len = text.n < sizeof(s->text) ? text.n : sizeof(s->text);
	if (s->text_len > 0)
		memcpy(s->text, text.p, s->text_len);
}

static inline void
side_event(struct side *s, const struct transport_event *ev, uint64_t now)
{
	s->last = *ev;
	switch (ev->type) {
	case TE_PACKET:
		assert_true(ev->payload.n > 0 && ev->payload.p[0] == ev->number);
		s->numbers[s->packets++ % SIDE_LOG] = ev->number;
		if (ev->number == SSH_MSG_CHANNEL_DATA)
			s->data += ev->payload.n - 9;
		side_keep_text(s, ev->payload);
		break;
	case TE_GROUP:
		s->groups++;
		s->question = *ev;
		if (!s->hold_group)
			assert_int_equal(side_group(s, now), PROTO_OK);
		break;
	case TE_SIGN:
	case TE_VERIFY:
		s->questions++;
		s->question = *ev;
		if (!s->hold_answer)
			assert_int_equal(side_answer(s, now), PROTO_OK);
		break;
	case TE_KEYS:
		s->keys++;
		break;
	case TE_SIG_ALGS:
		s->sig_algs++;
		s->hostbound += ev->hostbound;
		side_keep_text(s, ev->payload);
		break;
	case TE_DEBUG:
		s->debugs++;
		side_keep_text(s, ev->payload);
		break;
	case TE_DISCONNECT:
		s->disconnects++;
		side_keep_text(s, ev->payload);
		break;
	case TE_ERROR:
		s->error = ev->error;
		break;
	default:
		break;
	}
}

/* All that transport_next has to say now. */
static inline void
side_run(struct side *s, uint64_t now)
{
	struct transport_event ev;

	for (int i = 0; i < 100000; i++) {
		transport_next(s->t, now, &ev);
		if (ev.type == TE_NONE)
			return;
		side_event(s, &ev, now);
		if (ev.type == TE_ERROR || ev.type == TE_DISCONNECT)
			return;
	}
	fail_msg("transport_next does not come to an end");
}

static inline size_t
side_feed(struct side *s, const uint8_t *p, size_t n, uint64_t now)
{
	size_t room, done = 0;

	while (done < n) {
		uint8_t *to = transport_rx_room(s->t, &room);
		size_t k = n - done < room ? n - done : room;

		if (k == 0)
			break;
		memcpy(to, p + done, k);
		transport_rx_add(s->t, k);
		done += k;
		side_run(s, now);
	}
	return done;
}

/* Carries what one has to say to the other.  How many bytes went. */
static inline size_t
carry(struct pair *p, struct side *from, struct side *to)
{
	struct span out = transport_pending(from->t);
	size_t n = p->chunk > 0 && out.n > p->chunk ? p->chunk : out.n;

	n = side_feed(to, out.p, n, p->now);
	transport_sent(from->t, n);
	return n;
}

/* Back and forth until nobody has anything to say. */
static inline void
pair_run(struct pair *p)
{
	for (int i = 0; i < 1000000; i++) {
		side_run(&p->c, p->now);
		side_run(&p->s, p->now);
		if (carry(p, &p->c, &p->s) + carry(p, &p->s, &p->c) == 0)
			return;
	}
	fail_msg("the pair does not come to rest");
}

static inline void
side_init(struct side *s, enum ssh_role role)
{
	static uint8_t hostkeys[256];
	struct wr w = wr_of(hostkeys, sizeof(hostkeys));

	memset(s, 0, sizeof(*s));
	memcpy(s->lists, pair_lists, sizeof(s->lists));
	s->pseudo = role == SSH_SERVER ? "ext-info-s,kex-strict-s-v00@openssh.com" :
	    "ext-info-c,kex-strict-c-v00@openssh.com";
	wr_str(&w, "ssh-other");
	wr_str(&w, "another key");
	wr_str(&w, "ssh-ed25519");
	wr_str(&w, "the host key");
	s->c = (struct transport_config){
		.role = role,
		.version = span_str(role == SSH_SERVER ? "SSH-2.0-Server_1 x" : "SSH-2.0-Client_1"),
		.banner_ms = 1000, .kex_ms = 2000, .rekey_ms = 3000,
		.rx_cap = SIDE_RX, .tx_cap = SIDE_TX,
	};
	if (role == SSH_SERVER) {
		s->c.hostkeys = wr_span(&w);
		s->c.sig_algs = span_str("ssh-ed25519,rsa-sha2-512");
	}
}

/* After side_init, and whatever the test changed in s->c or s->lists. */
static inline void
side_start(struct side *s, uint64_t now)
{
	side_make_kexinit(s);
	s->c.kexinit = span_of(s->kexinit, s->kexinit_len);
	s->c.rx = malloc(s->c.rx_cap);
	s->c.tx = malloc(s->c.tx_cap);
	assert_true(s->c.rx != NULL && s->c.tx != NULL);
	s->t = transport_new(&s->c, now);
	assert_non_null(s->t);
}

static inline void
side_free(struct side *s)
{
	transport_free(s->t);
	free(s->c.rx);
	free(s->c.tx);
	s->t = NULL;
}

static inline struct pair *
pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->now = 5000;
	side_init(&p->c, SSH_CLIENT);
	side_init(&p->s, SSH_SERVER);
	return p;
}

static inline void
pair_start(struct pair *p)
{
	side_start(&p->c, p->now);
	side_start(&p->s, p->now);
}

static inline void
pair_phase(struct pair *p, enum ssh_phase phase)
{
	transport_set_phase(p->c.t, phase);
	transport_set_phase(p->s.t, phase);
}

/* A pair that has exchanged keys and logged in. */
static inline struct pair *
pair_open(void)
{
	struct pair *p = pair_new();

	pair_start(p);
	pair_run(p);
	assert_int_equal(p->c.keys, 1);
	assert_int_equal(p->s.keys, 1);
	pair_phase(p, PH_OPEN);
	return p;
}

static inline void
pair_free(struct pair *p)
{
	side_free(&p->c);
	side_free(&p->s);
	free(p);
}

/* What no transport would say at this point, but under its keys. */
static inline void
side_inject(struct side *s, const void *payload, size_t n)
{
	struct wr w = transport_own_begin(s->t, n);

	wr_raw(&w, span_of(payload, n));
	assert_int_equal(transport_own_end(s->t, &w), PROTO_OK);
}

/* An ordinary message of an upper layer. */
static inline enum proto_error
side_send(struct side *s, uint8_t number, const void *body, size_t n)
{
	struct wr w = transport_begin(s->t, 1 + n);

	wr_u8(&w, number);
	wr_raw(&w, span_of(body, n));
	return transport_end(s->t, &w);
}

/* n bytes of channel data, as far as they go out now. */
static inline size_t
side_send_data(struct side *s, size_t piece, size_t total, size_t max)
{
	struct iovec iov[64];
	size_t places = transport_data_begin(s->t, 7, 0, piece, total, iov, max), n = 0;

	for (size_t i = 0; i < places; i++) {
		memset(iov[i].iov_base, (int)i + 1, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	assert_int_equal(transport_data_end(s->t, n), PROTO_OK);
	return n;
}

/* ---- a peer that writes what it likes, in clear ---- */

struct raw {
	struct packet_flow out;
	uint8_t bytes[200000];
	size_t n;
};

static inline void
raw_bytes(struct raw *r, const void *p, size_t n)
{
	assert_true(n <= sizeof(r->bytes) - r->n);
	memcpy(r->bytes + r->n, p, n);
	r->n += n;
}

static inline void
raw_packet(struct raw *r, const void *payload, size_t n)
{
	size_t size = packet_size(&r->out, n);

	assert_true(size <= sizeof(r->bytes) - r->n);
	memcpy(r->bytes + r->n + PACKET_HEAD, payload, n);
	assert_int_equal(packet_seal(&r->out, r->bytes + r->n, n), PROTO_OK);
	r->n += size;
}

/* ---- messages and servers of several tests ---- */

static const uint8_t ignore[] = { 2, 0, 0, 0, 0 }, debug[] = { 4, 0, 0, 0, 0, 1, 'd', 0, 0, 0, 0 },
    unimplemented[] = { 3, 0, 0, 0, 0 };

static inline enum proto_error
feed_raw(struct side *s, struct raw *r)
{
	(void)side_feed(s, r->bytes, r->n, 5000);
	return s->error;
}

static inline struct side *
server_new(void)
{
	struct side *s = malloc(sizeof(*s));

	assert_non_null(s);
	side_init(s, SSH_SERVER);
	return s;
}

static inline void
server_free(struct side *s)
{
	side_free(s);
	free(s);
}

static inline struct raw *
raw_new(const char *version)
{
	struct raw *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	raw_bytes(r, version, strlen(version));
	return r;
}

#endif
