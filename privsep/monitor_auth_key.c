/*
 * monitor_auth_key.c - logins by public key (RFC 4252 7).
 *
 * A signature counts only over data assembled here, by the key that is asked about,
 * with an algorithm of the list that was announced and of that key's type.  The
 * application is asked once per key and step, and no key passes two steps, whatever
 * certificate it comes with; a probe and a proof use the same answer, and nothing but a
 * signature of this very request, verified when that answer is there, logs in: "the last
 * key asked about" means nothing.  A request that names a host key names ours.  An authenticator's signature
 * also says whether somebody was there, and must say so unless the application does not
 * mind.
 */
#include "privsep/monitor_auth.h"

#include <stdlib.h>

void
monitor_auth_key_clear(struct auth *a)
{
	while (a->keys != NULL) {
		struct seen_key *k = a->keys;

		a->keys = k->next;
		free(k);
	}
}

static struct seen_key *
find_key(struct auth *a, const uint8_t digest[AUTH_DIGEST])
{
	struct seen_key *k = a->keys;

	while (k != NULL && memcmp(k->digest, digest, AUTH_DIGEST) != 0)
		k = k->next;
	return k;
}

/* With another certificate, or with none, it is still the same key. */
static bool
is_used(const struct auth *a)
{
	const struct seen_key *k = a->keys;

	while (k != NULL && !(k->used && memcmp(k->plain, a->plain, AUTH_DIGEST) == 0))
		k = k->next;
	return k != NULL;
}

/* At most one for each counted request. */
static struct seen_key *
remember(struct auth *a)
{
	struct seen_key *k = find_key(a, a->digest);

	if (k != NULL)
		return k;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return NULL;
	memcpy(k->digest, a->digest, AUTH_DIGEST);
	memcpy(k->plain, a->plain, AUTH_DIGEST);
	k->next = a->keys;
	a->keys = k;
	return k;
}

void
monitor_auth_key_step(struct auth *a)
{
	for (struct seen_key *k = a->keys; k != NULL; k = k->next)
		k->verdict = 0;
}

/* An authenticator's key is used by whoever can reach it, a program on a computer that
 * was broken into for one, unless somebody must touch it. */
static const char *
lacks(const struct sign_facts *facts, unsigned flags)
{
	if (!facts->is_sk)
		return NULL;
	if ((flags & IPC_LOGIN_NO_TOUCH) == 0 && (facts->flags & SIGN_PRESENT) == 0)
		return "nobody touched the authenticator";
	if ((flags & IPC_LOGIN_VERIFIED) != 0 && (facts->flags & SIGN_VERIFIED) == 0)
		return "the authenticator did not verify its user";
	return NULL;
}

/* What the application said is applied to the request under way. */
static void
apply(struct conn *c, enum ipc_verdict verdict, struct span methods, unsigned flags)
{
	struct auth *a = c->auth;
	const char *lacking;
	struct seen_key *k;

	/* the application cannot let go of what the CA wants */
	if (a->must_touch)
		flags &= ~(unsigned)IPC_LOGIN_NO_TOUCH;
	if (a->must_verify)
		flags |= IPC_LOGIN_VERIFIED;
	lacking = a->is_signed ? lacks(&a->facts, flags) : NULL;

	if (verdict != IPC_REFUSED && lacking != NULL) {
		monitor_remark(c->m, IPC_INFO, "connection %llu: key %s is refused: %s",
		    (unsigned long long)c->id, a->fingerprint, lacking);
		monitor_auth_refuse(c);
		return;
	}
	if (verdict == IPC_REFUSED || a->is_signed) {
		k = verdict == IPC_REFUSED ? NULL : remember(a);
		if (k != NULL)
			k->used = true;
		else if (verdict != IPC_REFUSED)	/* no memory: it could serve twice */
			verdict = IPC_REFUSED;
		monitor_auth_apply(c, verdict, methods);
		return;
	}
	a->state = AUTH_IDLE;
	say_VERDICT(c, &(struct ipc_VERDICT){ .pk_ok = 1, .methods = span_str(a->allowed) });
}

static bool
signature_good(struct conn *c)
{
	struct auth *a = c->auth;
	struct span alg = span_str(a->alg), none = { NULL, 0 };
	uint8_t data[MONITOR_LOGIN_DATA_MAX];
	struct wr w = wr_of(data, sizeof(data));
	struct shown_key key;

	return monitor_cert_show(alg, a->key, &key) == NULL &&
	    monitor_sign_login_data(c, span_str(a->user), alg, a->key,
	    a->is_bound ? c->first_host_key : none, &w) == 0 &&
	    sign_verify(key.alg, key.plain.p, key.plain.n, w.p, w.n, a->signature.p,
	    a->signature.n, &a->facts) == 0;
}

/* The signature is looked at last: how long that takes is for whoever made the key to
 * choose, up to 10 ms of everybody's time, and for a key that nobody wants it is not
 * spent. */
static void
settle(struct conn *c, enum ipc_verdict verdict, struct span methods, unsigned flags)
{
	struct auth *a = c->auth;

	a->is_signed = a->signature.n > 0 && verdict != IPC_REFUSED && signature_good(c);
	if (a->signature.n > 0 && verdict != IPC_REFUSED && !a->is_signed)
		monitor_auth_refuse(c);
	else
		apply(c, verdict, methods, flags);
}

static bool listed(struct conn *, struct span alg);

/* The application has told with its answer, or before it, what this user's keys may be. */
static bool
still_listed(struct conn *c)
{
	struct span alg = span_str(c->auth->alg);
	struct shown_key key;

	return c->terms_text == NULL || (listed(c, alg) &&
	    monitor_cert_show(alg, c->auth->key, &key) == NULL &&
	    (!key.is_cert || (monitor_cert_user(c, &key.cert, c->auth->why) &&
	    monitor_cert_signed(c, &key.cert, c->auth->why))));
}

void
monitor_auth_key_judged(struct conn *c, enum ipc_verdict verdict, struct span methods,
    unsigned flags)
{
	struct seen_key *k = remember(c->auth);

	if (k != NULL) {		/* without memory it is asked about again */
		k->verdict = verdict;
		k->flags = flags;
		monitor_names_copy(k->methods, sizeof(k->methods), methods);
	}
	if (verdict != IPC_REFUSED && !still_listed(c)) {
		monitor_auth_refuse(c);
		return;
	}
	settle(c, verdict, methods, flags);
}

/* OpenSSH PROTOCOL 3.1: a request that names its server is good for no other, whoever
 * passes it on. */
static bool
for_us(struct conn *c, struct span host_key)
{
	struct auth *a = c->auth;

	if (host_key.n == 0 || span_eq(host_key, c->first_host_key))
		return true;
	monitor_names_copy(a->why, sizeof(a->why),
	    span_str("the login is bound to another host key than ours"));
	return false;
}

/* The peer learns that it is refused and no more; who runs the server may look why. */
static bool
listed(struct conn *c, struct span alg)
{
	if (monitor_names_has(c->plan.sig_algs, alg))
		return true;
	monitor_remark(c->m, IPC_VERBOSE, "connection %llu: key %s is refused: its algorithm is "
	    "not in the list of signatures", (unsigned long long)c->id, c->auth->fingerprint);
	return false;
}

/* Everything that needs neither policy nor much time: method, algorithm, type, and what a
 * certificate says. */
static bool
sound(struct conn *c, const struct ipc_AUTH_PUBLICKEY *q, struct shown_key *key)
{
	struct auth *a = c->auth;
	const char *why;

	if (!monitor_auth_allowed(a) || !listed(c, q->alg) ||
	    (q->is_signed != 0 && q->signature.n == 0) || !for_us(c, q->host_key))
		return false;
	why = monitor_cert_show(q->alg, q->key, key);
	/* as everybody's tools show it: of the key, not of what a CA says of it */
	if (why == NULL && key->is_cert)
		(void)!fingerprint(key->plain.p, key->plain.n, a->fingerprint);
	if (why != NULL && key->is_cert)
		monitor_names_copy(a->why, sizeof(a->why), span_str(why));
	return why == NULL && (!key->is_cert || monitor_cert_user(c, &key->cert, a->why));
}

/* ...and the rest but whether its CA is trusted. */
static bool
good(struct conn *c, const struct shown_key *key)
{
	struct auth *a = c->auth;

	if (key->is_cert && !monitor_cert_signed(c, &key->cert, a->why))
		return false;
	if (monitor_revoked_has(c->m->revoked, key->plain, key->is_cert ? &key->cert : NULL)) {
		monitor_names_copy(a->why, sizeof(a->why), span_str("the key is revoked"));
		return false;
	}
	if (hash_once(HASH_SHA256, key->plain.p, key->plain.n, a->plain) != 0)
		return false;
	a->must_touch = key->is_cert && (key->cert.permits & CERT_NO_TOUCH) == 0;
	a->must_verify = key->is_cert && key->cert.verify_required;
	if (!monitor_keys_large(key->plain, c->plan.rsa_bits)) {
		monitor_remark(c->m, IPC_VERBOSE, "connection %llu: key %s is refused: an RSA key "
		    "of fewer than %u bits", (unsigned long long)c->id, a->fingerprint,
		    c->plan.rsa_bits);
		return false;
	}
	return true;
}

static void
ask(struct conn *c, const struct ipc_AUTH_PUBLICKEY *q, const struct shown_key *key)
{
	const struct cert *cert = &key->cert;
	struct ipc_ASK_PUBLICKEY m = { .conn = c->id, .question = monitor_auth_ask(c),
		.user = q->user, .proven = span_str(c->auth->proven), .alg = q->alg,
		.key = q->key };

	if (key->is_cert) {
		m.ca = span_of(cert->ca_key.p, cert->ca_key.n);
		m.plain = key->plain;
		m.serial = cert->serial;
		m.key_id = span_of(cert->key_id.p, cert->key_id.n);
		m.principals = span_of(cert->principals.p, cert->principals.n);
		m.permits = cert->permits;
		m.is_forced = cert->has_force_command;
		m.force_command = span_of(cert->force_command.p, cert->force_command.n);
	}
	tell_ASK_PUBLICKEY(c->m, &m);
}

static void
judge(struct conn *c, const struct ipc_AUTH_PUBLICKEY *q, const struct shown_key *key)
{
	struct auth *a = c->auth;
	const struct seen_key *seen = find_key(a, a->digest);

	if (!good(c, key) || is_used(a))
		monitor_auth_refuse(c);
	else if (seen != NULL && seen->verdict != 0)
		settle(c, seen->verdict, span_str(seen->methods), seen->flags);
	else
		ask(c, q, key);
}

/* The peer waits with it, and nobody else. */
static void
hold(struct conn *c, uint64_t ms)
{
	c->auth->state = AUTH_HELD;
	monitor_timer_set(c->m, &c->auth->delay, monitor_now(c->m) + ms);
}

void
monitor_auth_key_resume(struct conn *c)
{
	struct auth *a = c->auth;
	struct span none = { NULL, 0 };
	struct ipc_AUTH_PUBLICKEY q = { .user = span_str(a->user), .alg = span_str(a->alg),
		.key = a->key, .is_signed = a->signature.n > 0, .signature = a->signature,
		.host_key = a->is_bound ? c->first_host_key : none };
	struct shown_key key;

	a->state = AUTH_IDLE;
	/* again, for time has passed; what it says has not changed */
	if (sound(c, &q, &key))
		judge(c, &q, &key);
	else
		monitor_auth_refuse(c);
}

int
monitor_auth_on_publickey(struct conn *c, const struct ipc_AUTH_PUBLICKEY *q)
{
	struct shown_key key;
	struct auth *a;
	uint64_t ms;
	int r;

	if (q->is_signed > 1)
		return IPC_BROKEN;
	a = monitor_auth_begin(c, q->user, BY_PUBLICKEY, span_str(""), &r);
	if (a == NULL)
		return r;
	monitor_names_copy(a->alg, sizeof(a->alg), q->alg);
	a->key = monitor_span_copy(q->key);
	a->signature = monitor_span_copy(q->is_signed != 0 ? q->signature : span_of(NULL, 0));
	a->is_bound = q->host_key.n > 0;
	if (a->key.p == NULL || a->signature.p == NULL || hash_once(HASH_SHA256, q->key.p, q->key.n, a->digest) != 0 ||
	    fingerprint(q->key.p, q->key.n, a->fingerprint) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	if (!sound(c, q, &key))
		monitor_auth_refuse(c);
	else if (key.is_cert && (ms = monitor_cert_wait(c->m, &key.cert)) > 0)
		hold(c, ms);
	else
		judge(c, q, &key);
	return 0;
}
