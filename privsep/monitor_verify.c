/*
 * monitor_verify.c - a client's question: is this the server we mean?
 *
 * The signature is checked over the H computed here; the key must be a trusted one,
 * or the application must accept it knowing what is odd about it.  A revoked key is
 * never accepted.  No password and no signature leaves before.
 *
 * A certificate counts if it is this host's, now, and by a CA that known_hosts names for
 * it; one that does not is no offence, and its key is judged as if it had come alone.
 */
#include "privsep/monitor.h"

#include <stdio.h>

enum { HOST_KEY_NOT_VERIFIABLE = 9, KEY_EXCHANGE_FAILED = 3 };	/* RFC 4253 11.1 */

static void
bad_host_key(struct conn *c, const char *text)
{
	monitor_end_politely(c, IPC_BAD_HOST_KEY, IPC_PEER, HOST_KEY_NOT_VERIFIABLE, text);
}

static int
accepted(struct conn *c)
{
	if (!c->may_update)		/* not needed again: rekeys compare keys */
		monitor_conn_distrust(c);
	return monitor_exchange_answer(c, span_of(NULL, 0));
}

/* What is trusted, shown and written down, with or without a certificate. */
static struct span
plain_key(const struct conn *c)
{
	return c->host_plain.p != NULL ? c->host_plain : c->host_key;
}

/* All files and keys have their say: revoked anywhere outranks trusted anywhere,
 * which outranks changed, which outranks unknown.  own: it is trusted by a file that may
 * be written to. */
static struct known_hosts_verdict
judge(const struct conn *c, const char *name, uint32_t *file, bool *own)
{
	struct known_hosts_verdict best = { IPC_UNKNOWN, 0 };
	struct span key = plain_key(c);
	bool trusted = false;
	uint32_t n_file = 0;

	for (const struct trust *t = c->trust; t != NULL; t = t->next) {
		struct known_hosts_verdict v;

		if (t->is_key) {
			trusted = trusted || span_eq(key, span_of(t->bytes, t->n));
			continue;
		}
		v = monitor_known_hosts_check(span_of(t->bytes, t->n), name, key);
		trusted = trusted || v.trust == 0;
		*own = *own || (v.trust == 0 && n_file < c->plan.own_files);
		if (v.trust == IPC_REVOKED ? best.trust != IPC_REVOKED :
		    best.trust == IPC_UNKNOWN && (v.trust == IPC_CHANGED ||
		    (v.trust == IPC_UNKNOWN && v.line != 0 && best.line == 0))) {
			best = v;
			*file = n_file;
		}
		n_file++;
	}
	if (trusted && best.trust != IPC_REVOKED)
		best = (struct known_hosts_verdict){ 0, 0 };
	return best;
}

static bool
has_files(const struct conn *c)
{
	for (const struct trust *t = c->trust; t != NULL; t = t->next)
		if (!t->is_key)
			return true;
	return false;
}

static void
ask(struct conn *c, const char *name, struct known_hosts_verdict v, uint32_t file,
    const char *why)
{
	struct monitor *m = c->m;
	char line[KNOWN_HOSTS_LINE_MAX + 1];

	if (monitor_known_hosts_line(name, plain_key(c), c->plan.hash_names != 0, line) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "no known_hosts line can be made");
		return;
	}
	c->hostkey_question = ++m->serial;
	c->hostkey_trust = v.trust;
	c->kex = K_BUSY;
	/* somebody may have to think about it */
	if (c->plan.login_ms != 0)
		monitor_timer_set(m, &c->deadline,
		    monitor_now(m) + c->plan.login_ms + MONITOR_SLACK_MS);
	else
		monitor_timer_clear(m, &c->deadline);
	tell_HOSTKEY_ASK(m, &(struct ipc_HOSTKEY_ASK){ .conn = c->id,
	    .question = c->hostkey_question, .verdict = (uint8_t)v.trust,
	    .host = span_str(name), .alg = span_str(c->alg_used), .key = plain_key(c),
	    .line = span_str(line), .clash_line = v.line, .clash_file = file,
	    .why = span_str(why) });
}

/* The application is told both; the peer need not know whom we took it for. */
static void
not_expected(struct conn *c)
{
	char got[FINGERPRINT_MAX] = "?", wanted[FINGERPRINT_MAX] = "?";

	/* what cannot be hashed is shown as a question mark */
	(void)!fingerprint(plain_key(c).p, plain_key(c).n, got);
	(void)!fingerprint(c->trust->bytes, c->trust->n, wanted);
	bad_host_key(c, "the host key is not the expected one");
	(void)snprintf(c->end.text, sizeof(c->end.text),
	    "the host key is not the expected one: %s instead of %s", got, wanted);
}

/* Known or not: what a smaller one signs, others may be able to sign as well. */
static void
too_small(struct conn *c, struct span key)
{
	bad_host_key(c, "the host key is too small");
	(void)snprintf(c->end.text, sizeof(c->end.text),
	    "the host key is RSA of %u bits, and at least %u are wanted",
	    sign_rsa_bits(key.p, key.n), c->plan.hostkey_rsa_min);
}

/* Nobody is asked: no answer could let it in. */
static void
revoked(struct conn *c)
{
	char got[FINGERPRINT_MAX] = "?";

	/* what cannot be hashed is shown as a question mark */
	(void)!fingerprint(plain_key(c).p, plain_key(c).n, got);
	bad_host_key(c, "the host key is revoked");
	(void)snprintf(c->end.text, sizeof(c->end.text),
	    "the host key %s, its certificate or its CA is in a file of revoked host keys", got);
}

bool
monitor_verify_has_authority(const struct conn *c)
{
	char name[KNOWN_HOSTS_NAME_MAX + 1];

	if (monitor_known_hosts_name(c->plan.host, c->plan.port, name) != 0)
		return false;
	for (const struct trust *t = c->trust; t != NULL; t = t->next)
		if (!t->is_key && monitor_known_hosts_authority(span_of(t->bytes, t->n), name,
		    span_of(NULL, 0)))
			return true;
	return false;
}

/* Some file names this CA for the host, and none has revoked it. */
static const char *
judge_authority(const struct conn *c, const char *name, struct span ca)
{
	const char *why = "its CA is not one of known_hosts for this host";

	for (const struct trust *t = c->trust; t != NULL; t = t->next) {
		struct span text = span_of(t->bytes, t->n);

		if (t->is_key)
			continue;
		if (monitor_known_hosts_check(text, name, ca).trust == IPC_REVOKED)
			return "its CA is revoked";
		if (monitor_known_hosts_authority(text, name, ca))
			why = NULL;
	}
	return why;
}

/* Is the host's certificate enough?  Else its key is judged like any. */
static bool
certified(const struct conn *c, const char *name, const struct cert *cert,
    char why[MONITOR_WHY_MAX + 1])
{
	const char *bad = NULL;

	if (monitor_cert_host(c, cert, why))
		bad = judge_authority(c, name, span_of(cert->ca_key.p, cert->ca_key.n));
	if (bad != NULL)
		monitor_names_copy(why, MONITOR_WHY_MAX + 1, span_str(bad));
	if (why[0] == 0)
		return true;
	monitor_remark(c->m, IPC_VERBOSE, "the host certificate of %s does not count: %s", name,
	    why);
	return false;
}

static int
first_key(struct conn *c, struct span key, const struct shown_key *shown)
{
	char name[KNOWN_HOSTS_NAME_MAX + 1], why[MONITOR_WHY_MAX + 1] = "";
	struct known_hosts_verdict v;
	uint32_t file = 0;
	bool own = false;

	c->host_key = monitor_span_copy(key);
	if (shown->is_cert)
		c->host_plain = monitor_span_copy(shown->plain);
	if (c->host_key.p == NULL || (shown->is_cert && c->host_plain.p == NULL)) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	if (monitor_revoked_has(c->revoked, plain_key(c), shown->is_cert ? &shown->cert : NULL)) {
		revoked(c);
		return 0;
	}
	if (monitor_known_hosts_name(c->plan.host, c->plan.port, name) != 0) {
		/* who trusts one key needs no name */
		if (c->trust == NULL || has_files(c)) {
			bad_host_key(c, "this host name cannot stand in known_hosts");
			return 0;
		}
		name[0] = 0;
	}
	v = judge(c, name, &file, &own);
	/* whom a certificate, an administrator's file or one expected key vouches for has no
	 * line here that could be brought up to date */
	c->may_update = c->plan.update != 0 && !shown->is_cert && name[0] != 0 &&
	    (v.trust == 0 ? own : v.trust == IPC_UNKNOWN);
	if (v.trust == 0 || (v.trust != IPC_REVOKED && shown->is_cert && has_files(c) &&
	    certified(c, name, &shown->cert, why)))
		return accepted(c);
	/* exactly one key was wanted: nothing to be asked about another */
	if (c->trust != NULL && !has_files(c)) {
		not_expected(c);
		return 0;
	}
	ask(c, name, v, file, why);
	return 0;
}

/* What the server was asked for and gave, if it was.  The worker has looked at the
 * group with the same eyes: one that is not fit is a lie.  -1: it is. */
static int
take_group(const struct ipc_VERIFY *q, struct gex *gex, const struct gex **out)
{
	*gex = (struct gex){ .min = q->gex_min, .n = q->gex_n, .max = q->gex_max };
	*out = NULL;
	if (q->gex_p.n == 0)
		return q->gex_g.n == 0 && (q->gex_min | q->gex_n | q->gex_max) == 0 ? 0 : -1;
	*out = gex;
	return kex_group_set(&gex->group, q->gex_p.p, q->gex_p.n, q->gex_g.p, q->gex_g.n);
}

int
monitor_verify_on_verify(struct conn *c, const struct ipc_VERIFY *q)
{
	const struct sign_alg *alg = monitor_exchange_alg(c, q->hostkey_alg);
	const struct gex *group;
	struct shown_key shown;
	struct gex gex;
	int r = take_group(q, &gex, &group);
	struct exchange x = {
		.kex = monitor_exchange_kex(c, q->kex, group, q->q_c, q->q_s, q->k),
		.gex = group, .v_c = c->plan.version, .v_s = q->v_s, .i_c = c->kexinit, .i_s = q->i_s,
		.k_s = q->k_s, .q_c = q->q_c, .q_s = q->q_s, .k = q->k };

	if (r != 0 || alg == NULL || x.kex == NULL)
		return IPC_BROKEN;
	c->kex = K_BUSY;
	if (monitor_exchange_hash(&x, c->hash, &c->hash_len) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	/* the blob and the signature are the server's, hostile or broken: not the
	 * worker's lie */
	if (monitor_cert_show(q->hostkey_alg, q->k_s, &shown) != NULL ||
	    alg->verify(shown.plain.p, shown.plain.n, c->hash, c->hash_len, q->signature.p,
	    q->signature.n) != 0) {
		monitor_end_politely(c, IPC_BAD_HOST_KEY, IPC_PEER, KEY_EXCHANGE_FAILED,
		    "the server's signature is not its host key's");
		return 0;
	}
	monitor_names_copy(c->kex_used, sizeof(c->kex_used), q->kex);
	monitor_names_copy(c->alg_used, sizeof(c->alg_used), q->hostkey_alg);
	if (monitor_exchange_key_is_small(c, shown.plain)) {
		too_small(c, shown.plain);
		return 0;
	}
	if (c->exchanges == 0) {
		monitor_login_proof(c, q->signature);
		return c->end.on ? 0 : first_key(c, q->k_s, &shown);
	}
	if (!span_eq(c->host_key, q->k_s)) {
		bad_host_key(c, "the host key changed during the connection");
		return 0;
	}
	return monitor_exchange_answer(c, span_of(NULL, 0));
}

int
monitor_verify_on_answer(struct monitor *m, const struct ipc_HOSTKEY_ANSWER *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);

	if (c == NULL || c->hostkey_question == 0 || q->question != c->hostkey_question)
		return 0;		/* late */
	c->hostkey_question = 0;
	if (q->accept == 0 || c->hostkey_trust == IPC_REVOKED) {
		bad_host_key(c, c->hostkey_trust == IPC_REVOKED ? "the host key is revoked" :
		    c->hostkey_trust == IPC_CHANGED ? "the host key has changed" :
		    "the host key is not known");
		return 0;
	}
	return accepted(c);
}
