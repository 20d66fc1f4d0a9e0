/*
 * monitor_prove.c - a host key's proof for a client that keeps known_hosts up to date
 * (OpenSSH PROTOCOL 2.5).
 *
 * What is signed begins with a word that no other signed thing begins with, and holds
 * our own session id: it serves nobody on another connection.  A worker names the key
 * and nothing else, gets each proof once, and only of a key that its connection offers.
 */
#include "privsep/monitor.h"

#include <stdlib.h>

int
monitor_prove_data(const struct conn *c, struct span key, struct wr *w)
{
	if (c->session_id_len == 0)
		return -1;
	wr_str(w, "hostkeys-prove-00@openssh.com");
	wr_blob(w, span_of(c->session_id, c->session_id_len), HASH_MAX);
	wr_blob(w, key, KEY_BLOB_MAX);
	return w->bad ? -1 : 0;
}

/* Of the key's rows: the one this connection's key exchanges used last, as OpenSSH's
 * client wants it of an RSA key, else the first that was offered. */
static const struct sign_alg *
choose(const struct conn *c, const struct key *key)
{
	const struct sign_alg *alg = monitor_cert_sign_alg(span_str(c->alg_used));
	struct span list = c->hostkey_algs, name;

	if (alg != NULL && strcmp(alg->key_type, key->alg->key_type) == 0)
		return alg;
	while (monitor_names_next(&list, &name)) {
		alg = sign_find((const char *)name.p, name.n);
		if (alg != NULL && strcmp(alg->key_type, key->alg->key_type) == 0)
			return alg;
	}
	return NULL;
}

/* Our host key with this blob, and the bit that stands for its type. */
static const struct key *
find(const struct conn *c, struct span blob, uint32_t *bit)
{
	const struct sign_alg *alg;

	for (size_t i = 0; i < 32 && (alg = sign_at(i)) != NULL; i++) {
		const struct key *key = monitor_keys_host(c->m, alg->key_type);

		if (key == NULL || !span_eq(span_of(key->blob, key->blob_len), blob))
			continue;
		*bit = UINT32_C(1) << i;
		return key;
	}
	return NULL;
}

/* ---- by whoever has the private half ---- */

static void
ask(struct conn *c, const struct key *key, const struct sign_alg *alg, struct span blob)
{
	c->proof.alg = alg;
	c->proof.key = monitor_span_copy(blob);
	if (c->proof.key.p == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return;
	}
	monitor_signer_ask_proof(c, key);
}

void
monitor_prove_stop(struct conn *c)
{
	c->proof.question = 0;
	monitor_timer_clear(c->m, &c->proof.deadline);
	free((void *)(uintptr_t)c->proof.key.p);
	c->proof.key = span_of(NULL, 0);
}

/* Without a signature it is the request that fails, and nothing else: the client keeps
 * what it knows. */
void
monitor_prove_done(struct conn *c, struct span signature)
{
	monitor_prove_stop(c);
	say_PROOF(c, &(struct ipc_PROOF){ .signature = signature });
}

void
monitor_prove_late(struct monitor *m, void *owner)
{
	(void)m;
	monitor_prove_done(owner, span_of(NULL, 0));
}

int
monitor_prove_on_prove(struct conn *c, const struct ipc_PROVE *q)
{
	uint8_t data[MONITOR_PROVE_DATA_MAX], sig[SIGNATURE_MAX];
	struct wr w = wr_of(data, sizeof(data));
	const struct sign_alg *alg;
	const struct key *key;
	size_t sig_len;
	uint32_t bit;

	key = find(c, q->key, &bit);
	alg = key == NULL ? NULL : choose(c, key);
	/* one after the other, each once */
	if (alg == NULL || (c->proven & bit) != 0 || c->proof.question != 0)
		return IPC_BROKEN;
	c->proven |= bit;
	if (key->secret == NULL) {
		ask(c, key, alg, q->key);
		return 0;
	}
	if (monitor_prove_data(c, q->key, &w) != 0 ||
	    monitor_sign_checked(key, alg, wr_span(&w), sig, sizeof(sig), &sig_len) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "the host key's signature failed");
		return 0;
	}
	say_PROOF(c, &(struct ipc_PROOF){ .signature = span_of(sig, sig_len) });
	return 0;
}
