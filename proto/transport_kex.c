/*
 * transport_kex.c - key exchange and re-exchange (RFC 4253 7 and 9; RFC 8308 for
 * ext-info; OpenSSH PROTOCOL 1.10 for strict key exchange).
 *
 *   KX_IDLE -> our KEXINIT -> KX_SENT -> the peer's -> KX_RUNNING
 *           -> the monitor's answer, our NEWKEYS -> KX_NEWKEYS -> the peer's -> KX_IDLE
 *
 * In KX_RUNNING come the messages of the method; a group exchange has two more, and the
 * monitor is asked twice.
 *
 * Either side may begin, or both at once.  What the peer sends decides nothing but
 * which of our own algorithms are used.  H, the signature and our next KEXINIT come
 * from the monitor; this file could not make them.  The shared secret is gone as
 * soon as both directions' keys are made of it.
 */
#include <stdlib.h>

#include "proto/transport_state.h"

void
transport_exchange_free(struct transport *t)
{
	if (t->x == NULL)
		return;
	crypto_wipe(t->x, sizeof(*t->x) + t->x->peer_kexinit_len);
	free(t->x);
	t->x = NULL;
}

/* ---- beginning ---- */

enum proto_error
transport_kex_start(struct transport *t)
{
	struct wr w = transport_own_begin(t, t->kexinit_len);
	enum proto_error e;

	wr_raw(&w, span_of(t->kexinit, t->kexinit_len));
	if ((e = transport_own_end(t, &w)) != PROTO_OK)
		return e;
	t->kx = KX_SENT;
	t->out_stopped = true;
	transport_set_deadline(t, t->cfg.rekey_ms);
	return PROTO_OK;
}

static bool
is_worn(const struct transport *t, const struct packet_flow *f, uint64_t blocks_max)
{
	uint64_t packets_max = t->cfg.rekey_packets > 0 ? t->cfg.rekey_packets :
	    (uint64_t)1 << 31;

	return f->packets >= packets_max || f->blocks >= blocks_max;
}

/* Not before login: some clients cannot rekey there, and what may be sent there is
 * too little to wear keys out. */
enum proto_error
transport_kex_if_worn(struct transport *t)
{
	if (t->phase != PH_OPEN || t->kx != KX_IDLE || t->goodbye || t->error != PROTO_OK)
		return t->error;
	if (!is_worn(t, &t->in, t->in_blocks_max) && !is_worn(t, &t->out, t->out_blocks_max))
		return PROTO_OK;
	return transport_rekey(t, t->now_ms);
}

/* ---- the peer's KEXINIT ---- */

static enum proto_error
find_hostkey(struct transport *t)
{
	struct rd r = rd_of(t->cfg.hostkeys);

	while (r.n > 0) {
		struct span alg = rd_blob(&r, NAME_MAX_LEN);
		struct span blob = rd_blob(&r, KEY_BLOB_MAX);

		if (!r.bad && span_is(alg, t->x->choice.hostkey)) {
			t->x->k_s = blob;
			return PROTO_OK;
		}
		if (r.bad)
			break;
	}
	return PROTO_E_LOCAL_BUG;	/* our KEXINIT offers what we have no key for */
}

static enum proto_error
negotiate(struct transport *t, const struct kexinit *ours, const struct kexinit *theirs)
{
	bool server = t->cfg.role == SSH_SERVER;
	enum kexinit_list failed = KL_KEX;
	enum proto_error e = kexinit_negotiate(server ? theirs : ours, server ? ours : theirs,
	    &t->x->choice, &failed);

	if (e != PROTO_OK) {
		t->ours = ours->list[failed];
		t->theirs = theirs->list[failed];
		return e;
	}
	e = kex_begin(&t->x->kex, t->x->choice.kex, t->cfg.role);
	return e == PROTO_OK && server ? find_hostkey(t) : e;
}

/* The client's next message of the method. */
static enum proto_error
send_step(struct transport *t, size_t max, enum proto_error (*put)(struct kex *, struct wr *))
{
	struct wr w = transport_own_begin(t, max);
	enum proto_error e = put(&t->x->kex, &w);

	return e != PROTO_OK ? e : transport_own_end(t, &w);
}

static enum proto_error
send_first(struct transport *t)
{
	if (t->cfg.role == SSH_SERVER)
		return PROTO_OK;	/* the client begins */
	return t->x->kex.alg->asks_group ? send_step(t, KEX_REQUEST_MAX, kex_put_request) :
	    send_step(t, KEX_INIT_MAX, kex_put_init);
}

static enum proto_error
on_kexinit(struct transport *t, struct span payload)
{
	struct kexinit ours, theirs;
	enum proto_error e;

	/* the packet layer has bounded it; kept verbatim for the exchange hash */
	if ((t->x = calloc(1, sizeof(*t->x) + payload.n)) == NULL)
		return PROTO_E_LOCAL_MEMORY;
	memcpy(t->x->peer_kexinit, payload.p, payload.n);
	t->x->peer_kexinit_len = payload.n;
	if (!kexinit_parse(span_of(t->x->peer_kexinit, payload.n), &theirs))
		return PROTO_E_MESSAGE_FORMAT;
	if (!kexinit_parse(span_of(t->kexinit, t->kexinit_len), &ours))
		return PROTO_E_LOCAL_BUG;

	if (t->kx == KX_IDLE && (e = transport_kex_start(t)) != PROTO_OK)
		return e;
	if ((e = negotiate(t, &ours, &theirs)) != PROTO_OK)
		return e;
	/* The pseudo names count in the first exchange only.  A packet before the
	 * first KEXINIT may have been put there by an attacker to shift the sequence
	 * numbers (CVE-2023-48795): whether that matters is known only now. */
	if (t->exchanges == 0 && t->x->choice.strict) {
		t->strict = true;
		if (t->packets_in != 1)
			return PROTO_E_STRICT_KEX;
	}
	t->skip_guess = theirs.follows && !t->x->choice.guess_right;
	t->kx = KX_RUNNING;
	return send_first(t);
}

/* ---- the public values, and the question to the monitor ---- */

static void
show_group(const struct kex *k, struct transport_event *ev)
{
	if (!k->alg->asks_group)
		return;
	ev->gex_min = k->min;
	ev->gex_n = k->n;
	ev->gex_max = k->max;
	ev->gex_p = span_of(k->group.p, k->group.p_len);
	ev->gex_g = span_of(k->group.g, k->group.g_len);
}

static void
ask(struct transport *t, struct transport_event *ev)
{
	struct exchange *x = t->x;

	ev->type = t->cfg.role == SSH_SERVER ? TE_SIGN : TE_VERIFY;
	ev->kex = span_str(x->kex.alg->name);
	ev->hostkey_alg = span_str(x->choice.hostkey);
	ev->peer_version = span_str(t->peer_version);
	ev->peer_kexinit = span_of(x->peer_kexinit, x->peer_kexinit_len);
	ev->q_c = kex_q_c(&x->kex);
	ev->q_s = kex_q_s(&x->kex);
	ev->secret = kex_secret(&x->kex);
	ev->k_s = x->k_s;
	if (t->cfg.role == SSH_CLIENT) {
		ev->k_s = span_of(x->kex.k_s, x->kex.k_s_len);
		ev->signature = span_of(x->kex.signature, x->kex.signature_len);
	}
	show_group(&x->kex, ev);
	t->waiting = ev->type;
	/* The peer is not the one we wait for: a person may be asked about the host
	 * key, or the rekey quota may hold the answer back. */
	transport_set_deadline(t, 0);
}

/* ---- new keys ---- */

static uint64_t
blocks_max(const struct transport *t, const struct kexinit_flow *flow, const struct packet_flow *f)
{
	uint64_t most = flow->cipher->max_blocks, wanted = t->cfg.rekey_bytes / f->block;

	if (t->cfg.rekey_bytes == 0)
		return most;
	if (wanted == 0)
		wanted = 1;
	return wanted < most ? wanted : most;
}

/* During an exchange the next keys are given theirs when they come into use. */
void
transport_set_rekey_limit(struct transport *t, uint64_t bytes, uint32_t interval_ms)
{
	bool server = t->cfg.role == SSH_SERVER;

	t->cfg.rekey_bytes = bytes;
	t->cfg.rekey_interval_ms = interval_ms;
	if (t->kx != KX_IDLE || t->exchanges == 0)
		return;
	t->in_blocks_max = blocks_max(t, server ? &t->agreed_c2s : &t->agreed_s2c, &t->in);
	t->out_blocks_max = blocks_max(t, server ? &t->agreed_s2c : &t->agreed_c2s, &t->out);
}

/* Makes both directions' keys of the secret, which is wiped then whatever came of
 * it. */
static enum proto_error
make_keys(struct transport *t, struct span hash, struct protect **out)
{
	bool server = t->cfg.role == SSH_SERVER;
	const struct kexinit_choice *c = &t->x->choice;
	struct span sid = span_of(t->session_id, t->session_id_len);

	*out = kex_protect(&t->x->kex, hash, sid, server ? S2C : C2S,
	    server ? &c->s2c : &c->c2s, true);
	t->next_in = kex_protect(&t->x->kex, hash, sid, server ? C2S : S2C,
	    server ? &c->c2s : &c->s2c, false);
	t->next_in_algs = server ? c->c2s : c->s2c;
	t->kex_name = c->kex->name;
	t->agreed_c2s = c->c2s;
	t->agreed_s2c = c->s2c;
	memcpy(t->hostkey_alg, c->hostkey, sizeof(t->hostkey_alg));
	if (*out == NULL || t->next_in == NULL) {
		protect_free(*out);
		return PROTO_E_LOCAL_CRYPTO;
	}
	return PROTO_OK;
}

static enum proto_error
send_newkeys(struct transport *t, struct span hash)
{
	const struct kexinit_flow *flow = t->cfg.role == SSH_SERVER ? &t->agreed_s2c :
	    &t->agreed_c2s;
	struct protect *keys;
	struct wr w = transport_own_begin(t, 1);
	enum proto_error e;

	wr_u8(&w, SSH_MSG_NEWKEYS);
	if ((e = transport_own_end(t, &w)) != PROTO_OK)
		return e;
	if ((e = make_keys(t, hash, &keys)) != PROTO_OK)
		return e;
	packet_rekey(&t->out, keys, t->strict);
	if ((e = transport_compression_out(t)) != PROTO_OK)
		return e;
	t->out_blocks_max = blocks_max(t, flow, &t->out);
	t->out_stopped = false;
	t->kx = KX_NEWKEYS;
	return PROTO_OK;
}

/* RFC 8308 2.4: the first message under the first keys, or none. */
static enum proto_error
send_ext_info(struct transport *t)
{
	struct span algs = t->cfg.sig_algs;
	struct wr w = transport_own_begin(t, SIG_ALGS_MAX + 128);

	wr_u8(&w, SSH_MSG_EXT_INFO);
	wr_u32(&w, algs.n > 0 ? 3 : 2);
	if (algs.n > 0) {
		wr_str(&w, "server-sig-algs");
		wr_blob(&w, algs, SIG_ALGS_MAX);
	}
	wr_str(&w, "ping@openssh.com");
	wr_str(&w, "0");
	wr_str(&w, "publickey-hostbound@openssh.com");
	wr_str(&w, "0");
	return transport_own_end(t, &w);
}

static enum proto_error
send_reply(struct transport *t, struct span signature)
{
	struct exchange *x = t->x;
	struct wr w;
	enum proto_error e;

	if (signature.n > SIGNATURE_MAX)
		return PROTO_E_LOCAL_BUG;
	/* an mpint may begin with a zero */
	w = transport_own_begin(t, 1 + 4 + x->k_s.n + 4 + 1 + kex_q_s(&x->kex).n + 4 +
	    signature.n);
	e = kex_put_reply(&x->kex, &w, x->k_s, signature);
	return e != PROTO_OK ? e : transport_own_end(t, &w);
}

/* The monitor's answer: its H, and our KEXINIT for the next time. */
static enum proto_error
answered(struct transport *t, enum ssh_role role, struct span signature, struct span hash,
    struct span next_kexinit)
{
	bool first = t->session_id_len == 0, ext_info;
	uint8_t *next;
	enum proto_error e;

	if (t->waiting != (role == SSH_SERVER ? TE_SIGN : TE_VERIFY) ||
	    hash.n != hash_size(t->x->kex.alg->hash) || hash.n > HASH_MAX ||
	    !transport_kexinit_is_fit(next_kexinit))
		return PROTO_E_LOCAL_BUG;
	t->waiting = TE_NONE;
	transport_set_deadline(t, t->exchanges == 0 ? t->cfg.kex_ms : t->cfg.rekey_ms);
	if (first) {
		memcpy(t->session_id, hash.p, hash.n);
		t->session_id_len = hash.n;
	}
	if (role == SSH_SERVER && (e = send_reply(t, signature)) != PROTO_OK)
		return e;
	ext_info = first && role == SSH_SERVER && t->x->choice.client_ext_info;
	if ((e = send_newkeys(t, hash)) != PROTO_OK)
		return e;
	transport_exchange_free(t);
	if (ext_info && (e = send_ext_info(t)) != PROTO_OK)
		return e;

	if ((next = malloc(next_kexinit.n)) == NULL)
		return PROTO_E_LOCAL_MEMORY;
	memcpy(next, next_kexinit.p, next_kexinit.n);
	free(t->kexinit);
	t->kexinit = next;
	t->kexinit_len = next_kexinit.n;
	transport_flush(t);
	return t->error;
}

enum proto_error
transport_signed(struct transport *t, struct span signature, struct span hash,
    struct span next_kexinit, uint64_t now_ms)
{
	enum proto_error e;

	t->now_ms = now_ms;
	if (t->error != PROTO_OK || t->goodbye)
		return t->error;
	e = answered(t, SSH_SERVER, signature, hash, next_kexinit);
	return e != PROTO_OK ? transport_fail(t, e) : PROTO_OK;
}

enum proto_error
transport_verified(struct transport *t, struct span hash, struct span next_kexinit,
    uint64_t now_ms)
{
	enum proto_error e;

	t->now_ms = now_ms;
	if (t->error != PROTO_OK || t->goodbye)
		return t->error;
	e = answered(t, SSH_CLIENT, span_of(NULL, 0), hash, next_kexinit);
	return e != PROTO_OK ? transport_fail(t, e) : PROTO_OK;
}

static enum proto_error
on_newkeys(struct transport *t, struct span payload, struct transport_event *ev)
{
	enum proto_error e;

	if (payload.n != 1)
		return PROTO_E_MESSAGE_FORMAT;
	packet_rekey(&t->in, t->next_in, t->strict);
	t->next_in = NULL;
	if ((e = transport_compression_in(t)) != PROTO_OK)
		return e;
	t->in_blocks_max = blocks_max(t, &t->next_in_algs, &t->in);
	t->kx = KX_IDLE;
	t->exchanges++;
	t->keys_ms = t->now_ms;
	transport_set_deadline(t, 0);
	if (t->phase == PH_KEX)
		t->phase = PH_SERVICE;
	ev->type = TE_KEYS;
	return PROTO_OK;
}

/* One of the method's own numbers, which mean something else in each. */
static enum proto_error
on_step(struct transport *t, struct span payload, struct transport_event *ev)
{
	struct kex *k = &t->x->kex;
	enum proto_error e;

	if (payload.p[0] != k->expects)
		return t->strict && t->phase == PH_KEX ? PROTO_E_STRICT_KEX :
		    PROTO_E_MESSAGE_ORDER;
	if (payload.p[0] == SSH_MSG_KEX_DH_GEX_REQUEST)
		return transport_group_ask(t, payload, ev);
	if (payload.p[0] == SSH_MSG_KEX_DH_GEX_GROUP && k->alg->asks_group) {
		e = kex_take_group(k, payload);
		return e != PROTO_OK ? e : send_step(t, KEX_INIT_MAX, kex_put_init);
	}
	e = t->cfg.role == SSH_SERVER ? kex_take_init(k, payload) : kex_take_reply(k, payload);
	if (e == PROTO_OK)
		ask(t, ev);
	return e;
}

enum proto_error
transport_kex_packet(struct transport *t, struct span payload, struct transport_event *ev)
{
	switch (payload.p[0]) {
	case SSH_MSG_KEXINIT:
		return on_kexinit(t, payload);
	case SSH_MSG_NEWKEYS:
		return on_newkeys(t, payload, ev);
	case SSH_MSG_KEX_ECDH_INIT:
	case SSH_MSG_KEX_31:
	case SSH_MSG_KEX_DH_GEX_INIT:
	case SSH_MSG_KEX_DH_GEX_REPLY:
	case SSH_MSG_KEX_DH_GEX_REQUEST:
		return on_step(t, payload, ev);
	default:
		return PROTO_E_LOCAL_BUG;	/* the table and this switch differ */
	}
}
