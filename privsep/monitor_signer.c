/*
 * monitor_signer.c - user keys whose private half is elsewhere: the application's
 * own (an HSM, a callback), or an agent's.
 *
 * Whoever holds it is handed the login request that the monitor assembled, and its
 * answer is checked before any worker sees it: a wrong signature, or none, is a
 * failed attempt and nothing more.  What comes too late meets no login that waits.
 */
#include "privsep/monitor_login.h"

#include "crypto/keyfile.h"

int
monitor_signer_on_key(struct monitor *m, const struct ipc_KEY_SIGNER *q)
{
	const struct sign_alg *alg = monitor_keys_alg(q->blob);
	const struct sign_alg *named = sign_find((const char *)q->alg.p, q->alg.n);
	struct ipc_KEY_LOADED loaded = { .call = q->call, .result = KEYFILE_UNSUPPORTED };
	const struct key *key = NULL;

	/* named by the key's type, or by a signature that such a key makes */
	if (alg != NULL && (span_is(q->alg, alg->key_type) ||
	    (named != NULL && strcmp(named->key_type, alg->key_type) == 0)))
		key = monitor_keys_add(m, &(struct key){ .use = IPC_USER_KEY, .alg = alg }, q->blob);
	if (key != NULL) {
		loaded.result = KEYFILE_OK;
		loaded.key = key->serial;
		loaded.alg = span_str(alg->key_type);
		loaded.blob = q->blob;
	}
	tell_KEY_LOADED(m, &loaded);
	return 0;
}

/* ---- a login that waits for its signature ---- */

struct conn *
monitor_signer_waits(struct monitor *m, uint64_t conn, uint64_t question)
{
	struct conn *c = monitor_conn_find(m, conn);

	if (c == NULL || c->login == NULL || c->login->state != LOGIN_SIGNING ||
	    c->login->question != question)
		return NULL;
	return c;
}

bool
monitor_signer_data(const struct conn *c, struct wr *w)
{
	const struct login *l = c->login;

	return monitor_sign_login_data(c, span_str(l->user), span_str(l->alg), l->key,
	    monitor_login_host_key(c), w) == 0;
}

void
monitor_signer_ask(struct conn *c, const struct key *key)
{
	struct login *l = c->login;
	uint8_t data[MONITOR_LOGIN_DATA_MAX];
	struct wr w = wr_of(data, sizeof(data));

	l->state = LOGIN_SIGNING;
	l->question = ++c->m->serial;
	if (!monitor_signer_data(c, &w)) {
		monitor_signer_done(c, span_of(NULL, 0), "the login request is too long");
		return;
	}
	if (key->agent != NULL) {
		monitor_agent_sign(key->agent, c);
		return;
	}
	tell_SIGN_ASK(c->m, &(struct ipc_SIGN_ASK){ .conn = c->id, .question = l->question,
	    .key = key->serial, .alg = span_str(monitor_cert_sign_alg(span_str(l->alg))->name),
	    .data = wr_span(&w) });
}

void
monitor_signer_done(struct conn *c, struct span signature, const char *why)
{
	struct login *l = c->login;
	struct shown_key key;
	uint8_t data[MONITOR_LOGIN_DATA_MAX];
	struct wr w = wr_of(data, sizeof(data));
	struct sign_facts facts;	/* the server's to judge */

	l->question = 0;
	if (signature.n > 0 && (monitor_cert_show(span_str(l->alg), l->key, &key) != NULL ||
	    !monitor_signer_data(c, &w) || sign_verify(key.alg, key.plain.p, key.plain.n, data,
	    w.n, signature.p, signature.n, &facts) != 0)) {
		signature.n = 0;
		why = "the signature is not the key's";
	}
	if (signature.n == 0) {
		monitor_login_result(c, IPC_LOGIN_FAILED, span_str(""), span_str(why));
		return;
	}
	l->state = LOGIN_SENT;
	say_LOGIN_PUBLICKEY(c, &(struct ipc_LOGIN_PUBLICKEY){ .user = span_str(l->user),
	    .alg = span_str(l->alg), .key = l->key, .signature = signature,
	    .host_key = monitor_login_host_key(c) });
}

int
monitor_signer_on_answer(struct monitor *m, const struct ipc_SIGN_ANSWER *q)
{
	struct conn *c = monitor_signer_waits(m, q->conn, q->question);

	if (c != NULL)
		monitor_signer_done(c, q->signature, "the key did not sign");
	return 0;
}
