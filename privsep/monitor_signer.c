/*
 * monitor_signer.c - keys whose private half is elsewhere: the application's own (an
 * HSM, a callback), or an agent's.
 *
 * Whoever holds it is handed what the monitor made, a login request, an H or a proof, and
 * its answer is checked before any worker sees it.  A wrong signature, or none, is a failed
 * login attempt, a proof that is not given, or the end of the one connection whose key
 * exchange it was for, and nothing more.  What comes too late meets nobody that waits.
 */
#include "privsep/monitor_login.h"

#include <stdio.h>

#include "crypto/keyfile.h"

enum { SSH_DISCONNECT_KEY_EXCHANGE_FAILED = 3 };

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

/* ---- a connection that waits for its signature ---- */

static struct signing
of_login(struct conn *c)
{
	struct login *l = c->login;

	if (c->plan.role != IPC_CLIENT || l == NULL || l->state != LOGIN_SIGNING)
		return (struct signing){ .what = SIGNING_NOTHING };
	return (struct signing){ SIGNING_LOGIN, c, l->question, l->key, l->alg };
}

static struct signing
of_h(struct conn *c)
{
	return (struct signing){ SIGNING_H, c, c->sign_question, c->host_key, c->alg_used };
}

static struct signing
of_proof(struct conn *c)
{
	return (struct signing){ SIGNING_PROOF, c, c->proof.question, c->proof.key,
	    c->proof.alg->name };
}

struct signing
monitor_signer_waits(struct monitor *m, uint64_t conn, uint64_t question)
{
	struct conn *c = monitor_conn_find(m, conn);
	struct signing none = { .what = SIGNING_NOTHING }, login;

	if (c == NULL || question == 0)
		return none;
	if (c->sign_question == question)
		return of_h(c);
	if (c->proof.question == question)
		return of_proof(c);
	login = of_login(c);
	return login.question == question ? login : none;
}

bool
monitor_signer_data(const struct signing *s, struct wr *w)
{
	const struct conn *c = s->conn;
	const struct login *l = c->login;

	if (s->what == SIGNING_LOGIN)
		return monitor_sign_login_data(c, span_str(l->user), span_str(l->alg), l->key,
		    monitor_login_host_key(c), w) == 0;
	if (s->what == SIGNING_PROOF)
		return monitor_prove_data(c, s->key, w) == 0;
	wr_raw(w, span_of(c->hash, c->hash_len));
	return !w->bad;
}

static void
ask(struct signing s, const struct key *key)
{
	struct conn *c = s.conn;
	uint8_t data[MONITOR_LOGIN_DATA_MAX];
	struct wr w = wr_of(data, sizeof(data));

	if (!monitor_signer_data(&s, &w)) {
		monitor_signer_done(&s, span_of(NULL, 0), "the login request is too long");
		return;
	}
	if (key->agent != NULL) {
		monitor_agent_sign(key->agent, &s);
		return;
	}
	tell_SIGN_ASK(c->m, &(struct ipc_SIGN_ASK){ .conn = c->id, .question = s.question,
	    .key = key->serial, .alg = span_str(monitor_cert_sign_alg(span_str(s.alg))->name),
	    .data = wr_span(&w) });
}

void
monitor_signer_ask_login(struct conn *c, const struct key *key)
{
	c->login->state = LOGIN_SIGNING;
	c->login->question = ++c->m->serial;
	ask(of_login(c), key);
}

void
monitor_signer_ask_host(struct conn *c, const struct key *key)
{
	c->sign_question = ++c->m->serial;
	monitor_timer_set(c->m, &c->sign_timer, monitor_now(c->m) + MONITOR_SIGN_MS);
	ask(of_h(c), key);
}

void
monitor_signer_ask_proof(struct conn *c, const struct key *key)
{
	c->proof.question = ++c->m->serial;
	monitor_timer_set(c->m, &c->proof.deadline, monitor_now(c->m) + MONITOR_SIGN_MS);
	ask(of_proof(c), key);
}

/* ---- what came of it ---- */

/* A certificate's key is what signs. */
static bool
is_the_keys(const struct signing *s, struct span signature)
{
	struct shown_key key;
	uint8_t data[MONITOR_LOGIN_DATA_MAX];
	struct wr w = wr_of(data, sizeof(data));
	struct sign_facts facts;	/* the peer's to judge */

	return monitor_cert_show(span_str(s->alg), s->key, &key) == NULL &&
	    monitor_signer_data(s, &w) && sign_verify(key.alg, key.plain.p, key.plain.n,
	    data, w.n, signature.p, signature.n, &facts) == 0;
}

static void
login_done(struct conn *c, struct span signature, const char *why)
{
	struct login *l = c->login;

	l->question = 0;
	if (signature.n == 0) {
		monitor_login_result(c, IPC_LOGIN_FAILED, span_str(""), span_str(why));
		return;
	}
	l->state = LOGIN_SENT;
	say_LOGIN_PUBLICKEY(c, &(struct ipc_LOGIN_PUBLICKEY){ .user = span_str(l->user),
	    .alg = span_str(l->alg), .key = l->key, .signature = signature,
	    .host_key = monitor_login_host_key(c) });
}

/* The peer is told: it may come again when the key can be used. */
static void
host_done(struct conn *c, struct span signature, const char *why)
{
	char text[128];

	c->sign_question = 0;
	monitor_timer_clear(c->m, &c->sign_timer);
	if (signature.n > 0) {
		(void)monitor_exchange_answer(c, signature);	/* what fails ends it there */
		return;
	}
	(void)snprintf(text, sizeof(text), "no signature of the host key: %s", why);
	monitor_end_politely(c, IPC_UNSIGNED, IPC_LOCAL, SSH_DISCONNECT_KEY_EXCHANGE_FAILED, text);
}

void
monitor_signer_done(const struct signing *s, struct span signature, const char *why)
{
	if (signature.n > 0 && !is_the_keys(s, signature)) {
		signature.n = 0;
		why = "the signature is not the key's";
	}
	if (s->what == SIGNING_LOGIN)
		login_done(s->conn, signature, why);
	else if (s->what == SIGNING_H)
		host_done(s->conn, signature, why);
	else
		monitor_prove_done(s->conn, signature);
}

void
monitor_signer_give_up(struct conn *c)
{
	struct signing s = of_login(c);

	if (s.what != SIGNING_NOTHING)
		monitor_signer_done(&s, span_of(NULL, 0), "given up");
}

void
monitor_signer_late(struct monitor *m, void *owner)
{
	(void)m;
	host_done(owner, span_of(NULL, 0), "it did not come in time");
}

int
monitor_signer_on_answer(struct monitor *m, const struct ipc_SIGN_ANSWER *q)
{
	struct signing s = monitor_signer_waits(m, q->conn, q->question);

	if (s.what != SIGNING_NOTHING)
		monitor_signer_done(&s, q->signature, "the key did not sign");
	return 0;
}
