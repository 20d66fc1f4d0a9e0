/*
 * monitor_sign.c - the host key's and the user keys' only uses.
 *
 * Three things are ever signed: an H computed here from our own V_S, I_S, K_S; a login
 * request assembled here over our own session id; and the proof of a host key over the
 * same (monitor_prove.c).  No caller hands in bytes to be signed that came whole from a
 * worker.  A signature is verified before it leaves: a computation fault in one could
 * give away the key.
 */
#include "privsep/monitor.h"

#include <stdlib.h>

enum { SSH_MSG_USERAUTH_REQUEST = 50 };

int
monitor_sign_checked(const struct key *key, const struct sign_alg *alg, struct span data,
    uint8_t *sig, size_t cap, size_t *len)
{
	if (alg->sign == NULL || alg->sign(key->secret, data.p, data.n, sig, cap, len) != 0)
		return -1;
	if (alg->verify(key->blob, key->blob_len, data.p, data.n, sig, *len) != 0) {
		crypto_wipe(sig, cap);
		return -1;
	}
	return 0;
}

/* The service is always ssh-connection: a request for another is not assembled. */
int
monitor_sign_login_data(const struct conn *c, struct span user, struct span alg,
    struct span key, struct span host_key, struct wr *w)
{
	if (c->session_id_len == 0)
		return -1;
	wr_blob(w, span_of(c->session_id, c->session_id_len), HASH_MAX);
	wr_u8(w, SSH_MSG_USERAUTH_REQUEST);
	wr_blob(w, user, 256);
	wr_str(w, "ssh-connection");
	wr_str(w, host_key.n > 0 ? "publickey-hostbound-v00@openssh.com" : "publickey");
	wr_u8(w, 1);
	wr_blob(w, alg, NAME_MAX_LEN);
	wr_blob(w, key, KEY_BLOB_MAX);
	if (host_key.n > 0)
		wr_blob(w, host_key, KEY_BLOB_MAX);
	return w->bad ? -1 : 0;
}

/* By whoever has the private half: then the answer comes when theirs has. */
static int
sign_hash(struct conn *c, const struct key *key, const struct sign_alg *alg)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t sig_len;

	if (key->secret == NULL) {
		monitor_signer_ask_host(c, key);
		return 0;
	}
	if (monitor_sign_checked(key, alg, span_of(c->hash, c->hash_len), sig, sizeof(sig),
	    &sig_len) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "the host key's signature failed");
		return 0;
	}
	return monitor_exchange_answer(c, span_of(sig, sig_len));
}

int
monitor_sign_on_sign(struct conn *c, const struct ipc_SIGN *q)
{
	const struct sign_alg *alg = monitor_exchange_alg(c, q->hostkey_alg);
	const struct key *key = alg == NULL ? NULL : monitor_keys_host(c->m, alg->key_type);
	struct exchange x = {
		.kex = monitor_exchange_kex(c, q->kex, c->gex, q->q_c, q->q_s, q->k),
		.gex = c->gex, .v_c = q->v_c, .v_s = c->plan.version, .i_c = q->i_c, .i_s = c->kexinit,
		.q_c = q->q_c, .q_s = q->q_s, .k = q->k };

	if (key == NULL || x.kex == NULL)
		return IPC_BROKEN;
	c->kex = K_BUSY;
	x.k_s = monitor_cert_shown(key, q->hostkey_alg);
	if (monitor_exchange_hash(&x, c->hash, &c->hash_len) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "the exchange hash failed");
		return 0;
	}
	free(c->gex);			/* for this key exchange only */
	c->gex = NULL;
	free((void *)(uintptr_t)c->host_key.p);
	c->host_key = monitor_span_copy(x.k_s);
	if (c->exchanges == 0)
		c->first_host_key = monitor_span_copy(x.k_s);
	if (c->host_key.p == NULL || c->first_host_key.p == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	monitor_names_copy(c->kex_used, sizeof(c->kex_used), q->kex);
	monitor_names_copy(c->alg_used, sizeof(c->alg_used), q->hostkey_alg);
	return sign_hash(c, key, alg);
}
