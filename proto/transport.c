/*
 * transport.c - one connection's transport: its life, its clock, its accounts.
 *
 * It trusts its owner and the bytes the owner brings from the monitor; it trusts
 * nothing in rx.  It opens nothing, asks no clock, and makes no KEXINIT and no
 * signature: those come from outside.  The first error sticks: after it nothing is
 * parsed and nothing but a DISCONNECT is sent.
 */
#include <stdlib.h>

#include "proto/transport_state.h"

enum proto_error
transport_fail(struct transport *t, enum proto_error e)
{
	if (t->error == PROTO_OK)
		t->error = e;
	return t->error;
}

static bool
copy(uint8_t **to, struct span from, size_t max)
{
	if (from.n > max)
		return false;
	if ((*to = malloc(from.n > 0 ? from.n : 1)) == NULL)
		return false;
	if (from.n > 0)
		memcpy(*to, from.p, from.n);
	return true;
}

/* A KEXINIT that guesses would oblige us to send the guess after it. */
bool
transport_kexinit_is_fit(struct span ours)
{
	struct kexinit k;

	return ours.n <= COMPRESSION_OUT_MAX && kexinit_parse(ours, &k) && !k.follows;
}

static bool
copy_config(struct transport *t, const struct transport_config *c)
{
	if (!version_is_fit(c->version) || !transport_kexinit_is_fit(c->kexinit) ||
	    c->rx_cap < TRANSPORT_RX_MIN || c->tx_cap < TRANSPORT_TX_MIN)
		return false;
	t->cfg = *c;
	if (!copy(&t->kexinit, c->kexinit, SSH_KEXINIT_MAX) ||
	    !copy(&t->hostkeys, c->hostkeys, SSH_KEXINIT_MAX) ||
	    !copy(&t->sig_algs, c->sig_algs, SIG_ALGS_MAX))
		return false;
	t->kexinit_len = c->kexinit.n;
	memcpy(t->version, c->version.p, c->version.n);
	t->cfg.version = span_of(t->version, c->version.n);
	t->cfg.kexinit = span_of(t->kexinit, c->kexinit.n);
	t->cfg.hostkeys = span_of(t->hostkeys, c->hostkeys.n);
	t->cfg.sig_algs = span_of(t->sig_algs, c->sig_algs.n);
	return true;
}

void
transport_set_deadline(struct transport *t, uint32_t ms)
{
	t->deadline_ms = ms > 0 ? t->now_ms + ms : 0;
}

struct transport *
transport_new(const struct transport_config *config, uint64_t now_ms)
{
	struct transport *t = calloc(1, sizeof(*t));
	struct wr w;

	if (t == NULL)
		return NULL;
	t->now_ms = now_ms;
	t->phase = PH_KEX;
	if (!copy_config(t, config))
		goto err0;
	packet_rekey(&t->in, NULL, true);
	packet_rekey(&t->out, NULL, true);

	w = wr_of(t->cfg.tx, t->cfg.tx_cap);
	wr_raw(&w, t->cfg.version);
	wr_raw(&w, span_str("\r\n"));
	t->tx_end = w.n;
	/* Both sides may send KEXINIT without waiting for the other's version
	 * (RFC 4253 7.1), which saves a round trip. */
	if (transport_kex_start(t) != PROTO_OK)
		goto err0;
	transport_set_deadline(t, t->cfg.banner_ms);
	return t;
err0:
	transport_free(t);
	return NULL;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	if (t->cfg.rx != NULL)
		crypto_wipe(t->cfg.rx, t->rx_end);
	transport_exchange_free(t);
	protect_free(t->next_in);
	packet_free(&t->in);
	packet_free(&t->out);
	compression_in_free(t->inflate);
	compression_out_free(t->deflate);
	if (t->held != NULL)
		crypto_wipe(t->held, TRANSPORT_HELD_MAX);
	free(t->held);
	free(t->kexinit);
	free(t->hostkeys);
	free(t->sig_algs);
	crypto_wipe(t, sizeof(*t));
	free(t);
}

void
transport_say_goodbye(struct transport *t, uint32_t code, const char *text)
{
	struct span s = span_str(text);
	enum proto_error e;
	struct wr w;

	if (t->goodbye)
		return;
	if (s.n > GOODBYE_MAX)
		s.n = GOODBYE_MAX;
	w = transport_own_begin(t, 1 + 4 + 4 + s.n + 4);
	wr_u8(&w, SSH_MSG_DISCONNECT);
	wr_u32(&w, code);
	wr_blob(&w, s, GOODBYE_MAX);
	wr_str(&w, "");
	e = w.bad ? PROTO_OK : transport_own_end(t, &w);
	(void)e;	/* it is a courtesy: if it cannot be made there is none */
	t->goodbye = true;
}

void
transport_set_tap(struct transport *t, void (*tap)(void *, bool, struct span), void *user)
{
	t->tap = tap;
	t->tap_user = user;
}

void
transport_set_phase(struct transport *t, enum ssh_phase phase)
{
	t->phase = phase;
}

enum ssh_phase
transport_phase(const struct transport *t)
{
	return t->phase;
}

bool
transport_in_kex(const struct transport *t)
{
	return t->kx != KX_IDLE;
}

enum proto_error
transport_rekey(struct transport *t, uint64_t now_ms)
{
	t->now_ms = now_ms;
	if (t->error != PROTO_OK)
		return t->error;
	if (t->goodbye || t->kx != KX_IDLE || t->exchanges == 0)
		return PROTO_OK;
	/* so full that our KEXINIT does not fit: the peer does not read now */
	if (transport_tx_free(t) < transport_tx_reserve(t))
		return PROTO_OK;
	return transport_kex_start(t);
}

/* When the keys grow too old, or UINT64_MAX. */
static uint64_t
rekey_at(const struct transport *t)
{
	if (t->cfg.rekey_interval_ms == 0 || t->kx != KX_IDLE || t->phase != PH_OPEN)
		return UINT64_MAX;
	return t->keys_ms + t->cfg.rekey_interval_ms;
}

enum proto_error
transport_tick(struct transport *t, uint64_t now_ms)
{
	t->now_ms = now_ms;
	if (t->error != PROTO_OK || t->goodbye)
		return t->error;
	if (t->deadline_ms != 0 && now_ms >= t->deadline_ms) {
		if (t->peer_version[0] == '\0')
			return transport_fail(t, PROTO_E_BANNER_TIMEOUT);
		return transport_fail(t, t->exchanges == 0 ? PROTO_E_KEX_TIMEOUT :
		    PROTO_E_REKEY_TIMEOUT);
	}
	if (now_ms < rekey_at(t))
		return PROTO_OK;
	/* should there be no room just now, the next interval will do */
	t->keys_ms = now_ms;
	return transport_rekey(t, now_ms);
}

uint64_t
transport_deadline(const struct transport *t)
{
	uint64_t rekey = rekey_at(t);

	if (t->error != PROTO_OK || t->goodbye)
		return UINT64_MAX;
	return t->deadline_ms != 0 && t->deadline_ms < rekey ? t->deadline_ms : rekey;
}

static const char *
mac_name(const struct kexinit_flow *f)
{
	if (f->cipher == NULL)
		return "";
	return f->mac != NULL ? f->mac->name : "<implicit>";
}

static const char *
compression_name(const struct kexinit_flow *f)
{
	return f->compression != NULL ? f->compression : "";
}

void
transport_agreed(const struct transport *t, struct transport_agreed *a)
{
	*a = (struct transport_agreed){
		.kex = t->kex_name != NULL ? t->kex_name : "",
		.hostkey_alg = t->hostkey_alg,
		.cipher_c2s = t->agreed_c2s.cipher != NULL ? t->agreed_c2s.cipher->name : "",
		.cipher_s2c = t->agreed_s2c.cipher != NULL ? t->agreed_s2c.cipher->name : "",
		.mac_c2s = mac_name(&t->agreed_c2s),
		.mac_s2c = mac_name(&t->agreed_s2c),
		.compression_c2s = compression_name(&t->agreed_c2s),
		.compression_s2c = compression_name(&t->agreed_s2c),
		.peer_version = t->peer_version,
		.strict = t->strict,
		.peer_pings = t->peer_pings,
		.exchanges = t->exchanges,
		.bytes_in = t->bytes_in,
		.bytes_out = t->bytes_out,
		.packets_in = t->packets_in,
		.packets_out = t->packets_out,
	};
}

struct span
transport_hostkeys(const struct transport *t)
{
	return t->cfg.hostkeys;
}

bool
transport_idle(const struct transport *t)
{
	return t->rx_start == t->rx_end && t->tx_start == t->tx_end && t->held_n == 0 &&
	    t->kx == KX_IDLE;
}
