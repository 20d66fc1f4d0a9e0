/*
 * monitor_exchange.c - the exchange hash, and what is the same for a server that
 * signs it and a client that checks it.
 *
 * H is computed here and nowhere else is believed.  Our own identification string,
 * KEXINIT and host key are never taken from the worker; method and algorithm must
 * stand in the lists that were issued; hash and encoding come from our own row.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <stdlib.h>

static void
add_u32(struct hash *h, size_t n)
{
	uint8_t buf[4];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u32(&w, (uint32_t)n);
	hash_add(h, buf, sizeof(buf));
}

static void
add_string(struct hash *h, struct span s)
{
	add_u32(h, s.n);
	if (s.n > 0)
		hash_add(h, s.p, s.n);
}

/* Public values and group: a secret does not come this way. */
static void
add_mpint(struct hash *h, struct span s)
{
	uint8_t buf[4 + 1 + KEX_GROUP_MAX];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_mpint(&w, s);
	hash_add(h, w.p, w.n);
}

/* Who asked for a group, and what was given (RFC 4419 3); a fixed one is not named. */
static void
add_given_group(struct hash *h, const struct gex *gex)
{
	add_u32(h, gex->min);
	add_u32(h, gex->n);
	add_u32(h, gex->max);
	add_mpint(h, span_of(gex->group.p, gex->group.p_len));
	add_mpint(h, span_of(gex->group.g, gex->group.g_len));
}

int
monitor_exchange_hash(const struct exchange *x, uint8_t out[HASH_MAX], size_t *len)
{
	uint8_t k[4 + 1 + KEX_SECRET_MAX];
	struct wr w = wr_of(k, sizeof(k));
	struct hash *h;
	int r;

	if (x->kex->secret_is_string)
		wr_blob(&w, x->k, KEX_SECRET_MAX);
	else
		wr_mpint(&w, x->k);
	h = w.bad ? NULL : hash_new(x->kex->hash);
	if (h == NULL) {
		crypto_wipe(k, sizeof(k));
		return -1;
	}
	add_string(h, x->v_c);
	add_string(h, x->v_s);
	add_string(h, x->i_c);
	add_string(h, x->i_s);
	add_string(h, x->k_s);
	if (x->gex != NULL)
		add_given_group(h, x->gex);
	if (kex_in_group(x->kex)) {
		add_mpint(h, x->q_c);
		add_mpint(h, x->q_s);
	} else {
		add_string(h, x->q_c);
		add_string(h, x->q_s);
	}
	hash_add(h, k, w.n);
	crypto_wipe(k, sizeof(k));
	r = hash_end(h, out);
	*len = hash_size(x->kex->hash);
	return r;
}

const struct kex_alg *
monitor_exchange_kex(const struct conn *c, struct span name, const struct gex *gex,
    struct span q_c, struct span q_s, struct span k)
{
	const struct kex_alg *kex;
	size_t p_len;

	/* a second exchange may not begin before the first is in use */
	if (c->awaits_agreed || !monitor_names_has(c->plan.kex, name))
		return NULL;
	kex = kex_find((const char *)name.p, name.n);
	if (kex == NULL || kex->asks_group != (gex != NULL))
		return NULL;
	p_len = gex != NULL ? gex->group.p_len : kex->group_bits / 8;
	if (kex_in_group(kex))
		return p_len > 0 && q_c.n == p_len && q_s.n == p_len && k.n == p_len ? kex : NULL;
	if (q_c.n != kex->client_len || q_s.n != kex->server_len || k.n != kex->secret_len)
		return NULL;
	return kex;
}

const struct sign_alg *
monitor_exchange_alg(const struct conn *c, struct span name)
{
	if (!monitor_names_has(c->hostkey_algs, name))
		return NULL;
	return monitor_cert_sign_alg(name);
}

bool
monitor_exchange_key_is(struct span blob, const char *type)
{
	struct rd r = rd_of(blob);
	struct span s = rd_blob(&r, NAME_MAX_LEN);

	return !r.bad && span_is(s, type);
}

bool
monitor_exchange_key_is_small(const struct conn *c, struct span blob)
{
	return monitor_exchange_key_is(blob, "ssh-rsa") &&
	    sign_rsa_bits(blob.p, blob.n) < c->plan.hostkey_rsa_min;
}

/* ---- the answer ---- */

static void
answer(struct conn *c, struct span signature)
{
	struct span hash = span_of(c->hash, c->hash_len);

	c->kex = K_READY;
	if (c->plan.role == IPC_SERVER)
		say_SIGNED(c, &(struct ipc_SIGNED){ .signature = signature, .hash = hash,
		    .kexinit = c->kexinit });
	else
		say_VERIFIED(c, &(struct ipc_VERIFIED){ .hash = hash, .kexinit = c->kexinit });
}

/* The quota's delay is over. */
void
monitor_exchange_release(struct monitor *m, void *owner)
{
	struct conn *c = owner;
	struct span held = c->held_signature;

	(void)m;
	c->held_signature = span_of(NULL, 0);
	answer(c, held);
	free((void *)(uintptr_t)held.p);
}

int
monitor_exchange_answer(struct conn *c, struct span signature)
{
	bool first = c->exchanges == 0;
	const char *problem;
	uint64_t wait = 0;

	if (first) {
		memcpy(c->session_id, c->hash, c->hash_len);
		c->session_id_len = c->hash_len;
		monitor_conn_phase(c, L_AUTH);
	} else {
		wait = monitor_bucket_take(&c->quota, c->plan.rekey_burst,
		    c->plan.rekey_per_second, monitor_now(c->m));
	}
	c->exchanges++;
	c->awaits_agreed = true;
	if ((problem = monitor_kexinit_issue(c, false)) != NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "%s", problem);
		return 0;
	}
	if (wait == 0) {
		answer(c, signature);
		return 0;
	}
	c->kex = K_BUSY;
	c->held_signature = monitor_span_copy(signature);
	if (c->held_signature.p == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	monitor_timer_set(c->m, &c->quota_timer, monitor_now(c->m) + wait);
	return 0;
}

int
monitor_exchange_on_agreed(struct conn *c, const struct ipc_AGREED *q)
{
	if (!c->awaits_agreed || c->kex != K_READY)
		return IPC_BROKEN;
	c->awaits_agreed = false;
	tell_KEX_DONE(c->m, &(struct ipc_KEX_DONE){ .conn = c->id, .count = c->exchanges,
	    .session_id = span_of(c->session_id, c->session_id_len), .host_key = c->host_key,
	    .kex = span_str(c->kex_used), .hostkey_alg = span_str(c->alg_used),
	    .peer_version = q->peer_version, .cipher_c2s = q->cipher_c2s,
	    .cipher_s2c = q->cipher_s2c, .mac_c2s = q->mac_c2s, .mac_s2c = q->mac_s2c,
	    .compression_c2s = q->compression_c2s, .compression_s2c = q->compression_s2c,
	    .strict = q->strict });
	if (c->plan.role == IPC_CLIENT && c->login != NULL)
		monitor_login_go(c);
	return 0;
}
