/*
 * monitor_try.c - a client's login requests, made from the application's wishes.
 *
 * One is under way at a time; one more is kept until it is over, or until keys are
 * in use.  Before the host key's verdict nothing is sent: a worker gets no password
 * and no signature for a server that nobody has accepted.
 */
#include "privsep/monitor_login.h"

#include <stdlib.h>

/* The first key exchange is over, host key and all. */
static bool
keys_in_use(const struct conn *c)
{
	return c->phase == L_AUTH && (c->exchanges > 1 ||
	    (c->exchanges == 1 && !c->awaits_agreed));
}

/* The prompts are not going to be answered: the server gets none, refuses, and the
 * next request can follow. */
static void
abandon_prompts(struct conn *c)
{
	static const uint8_t none[4] = { 0, 0, 0, 0 };

	c->login->question = 0;
	c->login->state = LOGIN_SENT;
	say_LOGIN_RESPONSES(c, &(struct ipc_LOGIN_RESPONSES){
	    .answers = span_of(none, sizeof(none)) });
}

static int
keep(struct conn *c)
{
	struct span message = c->m->current_message;
	uint8_t *p;

	if (c->login->kept.p != NULL)
		return IPC_BROKEN;
	p = crypto_secret_alloc(message.n);
	if (p == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	memcpy(p, message.p, message.n);
	c->login->kept = span_of(p, message.n);
	if (c->login->state == LOGIN_ASKED)
		abandon_prompts(c);
	else if (c->login->state == LOGIN_SIGNING)
		monitor_signer_give_up(c);
	return 0;
}

/* NULL: not now; *result is the handler's. */
static struct conn *
begin(struct monitor *m, uint64_t id, enum login_kind kind, struct span user, int *result)
{
	struct conn *c = monitor_conn_find(m, id);
	struct login *l;

	*result = 0;
	if (c == NULL)
		return NULL;
	if (c->plan.role != IPC_CLIENT) {
		*result = IPC_BROKEN;
		return NULL;
	}
	l = monitor_login_of(c);
	if (l == NULL)
		return NULL;
	if (!keys_in_use(c) || l->state != LOGIN_IDLE) {
		*result = keep(c);
		return NULL;
	}
	l->state = LOGIN_SENT;
	l->kind = kind;
	monitor_names_copy(l->user, sizeof(l->user), user);
	l->alg[0] = 0;
	free((void *)(uintptr_t)l->key.p);
	l->key = span_of(NULL, 0);
	return c;
}

int
monitor_try_none(struct monitor *m, const struct ipc_TRY_NONE *q)
{
	int r;
	struct conn *c = begin(m, q->conn, TRYING_NONE, q->user, &r);

	if (c != NULL)
		say_LOGIN_NONE(c, &(struct ipc_LOGIN_NONE){ .user = q->user });
	return r;
}

int
monitor_try_password(struct monitor *m, const struct ipc_TRY_PASSWORD *q)
{
	int r;
	struct conn *c = begin(m, q->conn, TRYING_PASSWORD, q->user, &r);

	if (c != NULL)
		say_LOGIN_PASSWORD(c, &(struct ipc_LOGIN_PASSWORD){ .user = q->user,
		    .password = q->password });
	return r;
}

int
monitor_try_change(struct monitor *m, const struct ipc_TRY_CHANGE *q)
{
	int r;
	struct conn *c = begin(m, q->conn, TRYING_CHANGE, q->user, &r);

	if (c != NULL)
		say_LOGIN_CHANGE(c, &(struct ipc_LOGIN_CHANGE){ .user = q->user,
		    .password = q->password, .new_password = q->new_password });
	return r;
}

int
monitor_try_kbdint(struct monitor *m, const struct ipc_TRY_KBDINT *q)
{
	int r;
	struct conn *c = begin(m, q->conn, TRYING_KBDINT, q->user, &r);

	if (c != NULL)
		say_LOGIN_KBDINT(c, &(struct ipc_LOGIN_KBDINT){ .user = q->user,
		    .submethods = q->submethods });
	return r;
}

static bool
set_key(struct conn *c, struct span alg, struct span key)
{
	struct login *l = c->login;

	monitor_names_copy(l->alg, sizeof(l->alg), alg);
	l->key = monitor_span_copy(key);
	if (l->key.p != NULL)
		return true;
	monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
	return false;
}

/* Our first algorithm for this type of key that the server says it takes; if it says
 * nothing, or nothing that fits (RFC 8308 3.1), our first.  For RSA that is not the
 * ssh-rsa that RFC 8332 3.3 would fall back to, unless it is all we are told to use:
 * servers that know no SHA-2 and would need it are to be named, not guessed. */
static const struct sign_alg *
choose(const struct conn *c, const struct sign_alg *type, bool certified, struct span *as)
{
	struct span list = c->plan.sig_algs, name;
	const struct sign_alg *first = NULL, *alg;

	while (monitor_names_next(&list, &name)) {
		bool is_cert = cert_alg_find((const char *)name.p, name.n) != NULL;

		alg = monitor_cert_sign_alg(name);
		if (alg == NULL || alg->is_browsers || is_cert != certified ||
		    strcmp(alg->key_type, type->key_type) != 0)
			continue;
		/* signatures are what the server names, for certificates too */
		if (first == NULL) {
			*as = name;
			first = alg;
		}
		if (monitor_names_has(span_str(c->login->sig_algs), span_str(alg->name))) {
			*as = name;
			return alg;
		}
	}
	return first;
}

/* Named by the key's type: asked with the algorithm that a login would use. */
int
monitor_try_probe(struct monitor *m, const struct ipc_TRY_PROBE *q)
{
	int r;
	struct conn *c = begin(m, q->conn, TRYING_PROBE, q->user, &r);
	const struct sign_alg *type = monitor_keys_alg(q->key), *alg = NULL;
	struct span name = q->alg;

	if (c == NULL)
		return r;
	if (type != NULL && span_is(q->alg, type->key_type)) {
		alg = choose(c, type, false, &name);
		if (alg == NULL) {
			monitor_login_result(c, IPC_LOGIN_FAILED, span_str(""),
			    span_str("no signature algorithm is allowed for this key"));
			return 0;
		}
	}
	if (set_key(c, name, q->key))
		say_LOGIN_PUBLICKEY(c, &(struct ipc_LOGIN_PUBLICKEY){ .user = q->user,
		    .alg = name, .key = q->key, .host_key = monitor_login_host_key(c) });
	return 0;
}

static void
sign_here(struct conn *c, const struct key *key, const struct sign_alg *alg)
{
	struct login *l = c->login;
	uint8_t data[MONITOR_LOGIN_DATA_MAX], sig[SIGNATURE_MAX];
	struct wr w = wr_of(data, sizeof(data));
	size_t sig_len;

	if (!monitor_signer_data(&(struct signing){ .what = SIGNING_LOGIN, .conn = c }, &w) ||
	    monitor_sign_checked(key, alg, wr_span(&w), sig, sizeof(sig), &sig_len) != 0) {
		monitor_login_result(c, IPC_LOGIN_FAILED, span_str(""),
		    span_str("the key could not sign"));
		return;
	}
	say_LOGIN_PUBLICKEY(c, &(struct ipc_LOGIN_PUBLICKEY){ .user = span_str(l->user),
	    .alg = span_str(l->alg), .key = l->key, .signature = span_of(sig, sig_len),
	    .host_key = monitor_login_host_key(c) });
}

int
monitor_try_publickey(struct monitor *m, const struct ipc_TRY_PUBLICKEY *q)
{
	int r;
	struct conn *c = begin(m, q->conn, TRYING_PUBLICKEY, q->user, &r);
	bool certified = q->certified != 0;
	const struct key *key;
	const struct sign_alg *alg;
	const char *why = "no signature algorithm is allowed for this key";
	struct span as = { NULL, 0 };

	if (c == NULL)
		return r;
	key = monitor_keys_user(m, q->key);
	if (key != NULL && certified && key->cert.n == 0)
		key = NULL;
	alg = key == NULL ? NULL : choose(c, key->alg, certified, &as);
	if (key == NULL) {
		why = "no such key";
	} else if (!monitor_keys_large(span_of(key->blob, key->blob_len), c->plan.rsa_bits)) {
		why = "the key is a smaller RSA key than is allowed";
		alg = NULL;
	}
	if (alg == NULL) {
		monitor_login_result(c, IPC_LOGIN_FAILED, span_str(""), span_str(why));
		return 0;
	}
	if (!set_key(c, as, certified ? key->cert : span_of(key->blob, key->blob_len)))
		return 0;
	if (key->secret == NULL)
		monitor_signer_ask_login(c, key);
	else
		sign_here(c, key, alg);
	return 0;
}

int
monitor_try_info(struct monitor *m, const struct ipc_INFO_ANSWER *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	struct login *l = c == NULL ? NULL : c->login;
	uint32_t count;

	if (!monitor_names_counted(q->answers, false, &count))
		return IPC_BROKEN;
	if (l == NULL || l->state != LOGIN_ASKED || l->question != q->question)
		return 0;		/* late */
	if (count != l->prompts)
		return IPC_BROKEN;
	l->question = 0;
	l->state = LOGIN_SENT;
	say_LOGIN_RESPONSES(c, &(struct ipc_LOGIN_RESPONSES){ .answers = q->answers });
	return 0;
}

void
monitor_login_go(struct conn *c)
{
	struct login *l = c->login;
	struct span kept;

	if (l == NULL || l->kept.p == NULL || l->state != LOGIN_IDLE || !keys_in_use(c))
		return;
	kept = l->kept;
	l->kept = span_of(NULL, 0);
	/* it was admitted when it came, and nothing else can be wrong with it */
	(void)monitor_app_replay(c->m, kept);
	crypto_secret_free((void *)(uintptr_t)kept.p);
}
