/*
 * worker_kex.c - key exchanges, for which this process has no key.
 *
 * The worker does the Diffie-Hellman and hands the ingredients of the exchange hash
 * to the monitor, which adds its own, computes H, and signs (server) or checks the
 * server's signature (client).  The answer brings H and our next KEXINIT.  Until it
 * comes the transport looks at no further packet.
 */
#include "privsep/worker_tell.h"

void
worker_kex_sign(struct worker *w, const struct transport_event *ev)
{
	struct ipc_SIGN m = { .kex = ev->kex, .hostkey_alg = ev->hostkey_alg,
		.v_c = ev->peer_version, .i_c = ev->peer_kexinit,
		.q_c = ev->q_c, .q_s = ev->q_s, .k = ev->secret };

	w->kex = K_BUSY;
	if (!worker_tell_SIGN(w, &m))
		worker_fail(w, PROTO_E_MESSAGE_FORMAT);
}

/* The answer changes nothing but which group the peer is given. */
void
worker_kex_ask_group(struct worker *w, const struct transport_event *ev)
{
	w->group_asked = true;
	worker_must(w, worker_tell_GROUP_ASK(w, &(struct ipc_GROUP_ASK){ .min = ev->gex_min,
	    .n = ev->gex_n, .max = ev->gex_max }));
}

void
worker_kex_verify(struct worker *w, const struct transport_event *ev)
{
	struct ipc_VERIFY m = { .kex = ev->kex, .hostkey_alg = ev->hostkey_alg,
		.v_s = ev->peer_version, .i_s = ev->peer_kexinit, .k_s = ev->k_s,
		.q_c = ev->q_c, .q_s = ev->q_s, .k = ev->secret, .signature = ev->signature,
		.gex_min = ev->gex_min, .gex_n = ev->gex_n, .gex_max = ev->gex_max,
		.gex_p = ev->gex_p, .gex_g = ev->gex_g };

	w->kex = K_BUSY;
	if (!worker_tell_VERIFY(w, &m))
		worker_fail(w, PROTO_E_MESSAGE_FORMAT);
}

static void
answered(struct worker *w, enum proto_error e)
{
	w->kex = K_READY;
	w->starved = false;
	if (w->phase == L_KEX)
		w->phase = L_AUTH;
	worker_check(w, e);
}

int
worker_kex_signed(struct worker *w, const struct ipc_SIGNED *m)
{
	if (w->role != SSH_SERVER)
		return -1;
	if (w->end == END_NOT)
		answered(w, transport_signed(w->tr, m->signature, m->hash, m->kexinit, w->now));
	return 0;
}

int
worker_kex_verified(struct worker *w, const struct ipc_VERIFIED *m)
{
	if (w->role != SSH_CLIENT)
		return -1;
	if (w->end == END_NOT)
		answered(w, transport_verified(w->tr, m->hash, m->kexinit, w->now));
	return 0;
}

int
worker_kex_group(struct worker *w, const struct ipc_GROUP *m)
{
	if (!w->group_asked)
		return -1;
	w->group_asked = false;
	w->starved = false;
	if (w->end == END_NOT)
		worker_check(w, transport_group(w->tr, m->p, m->g, w->now));
	return 0;
}

static struct span
name_of(const char *s)
{
	return s == NULL ? span_of(NULL, 0) : span_str(s);
}

static void
tell_agreed(struct worker *w, const struct transport_agreed *a)
{
	struct ipc_AGREED m = { .peer_version = name_of(a->peer_version), .kex = name_of(a->kex),
		.hostkey_alg = name_of(a->hostkey_alg),
		.cipher_c2s = name_of(a->cipher_c2s), .cipher_s2c = name_of(a->cipher_s2c),
		.mac_c2s = name_of(a->mac_c2s), .mac_s2c = name_of(a->mac_s2c),
		.compression_c2s = name_of(a->compression_c2s),
		.compression_s2c = name_of(a->compression_s2c),
		.strict = a->strict };

	worker_must(w, worker_tell_AGREED(w, &m));
}

/* New keys are in use both ways. */
void
worker_kex_keys(struct worker *w)
{
	struct transport_agreed a = { 0 };

	transport_agreed(w->tr, &a);
	tell_agreed(w, &a);
	if (!w->keyed) {
		w->keyed = true;
		w->login_at = w->login_ms > 0 ? w->now + w->login_ms : UINT64_MAX;
		if (w->role == SSH_CLIENT)
			worker_check(w, auth_client_start(&w->auth.client, w->tr));
		return;
	}
	if (w->phase != L_OPEN)
		return;
	worker_must(w, worker_tell_REKEYED(w, &(struct ipc_REKEYED){ .count = a.exchanges,
	    .bytes_in = a.bytes_in, .bytes_out = a.bytes_out }));
	for (size_t i = 0; i < w->rekey_count; i++)
		worker_must(w, worker_tell_DONE(w,
		    &(struct ipc_DONE){ .call = w->rekey_calls[i], .ok = 1 }));
	w->rekey_count = 0;
}

void
worker_kex_rekey(struct worker *w, uint64_t call)
{
	if (w->rekey_count == WORKER_REKEYS_MAX) {
		worker_must(w, worker_tell_DONE(w, &(struct ipc_DONE){ .call = call }));
		return;
	}
	w->rekey_calls[w->rekey_count++] = call;
	worker_check(w, transport_rekey(w->tr, w->now));
}
