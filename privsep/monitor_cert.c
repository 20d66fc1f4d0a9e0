/*
 * monitor_cert.c - keys that come with a certificate: read, and judged as far as that
 * needs no policy.
 *
 * The blob is a stranger's.  What counts of it is what the CA signed, so nothing is
 * believed before that signature is good; whether the CA is one to trust for this user
 * or host is asked elsewhere, of the application or of known_hosts.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_ID_SHOWN = 128 };

const char *
monitor_cert_show(struct span alg, struct span blob, struct shown_key *out)
{
	const struct cert_alg *as = cert_alg_find((const char *)alg.p, alg.n);
	const char *name, *why;
	size_t n;

	out->is_cert = as != NULL;
	if (as == NULL) {
		out->plain = blob;
		out->alg = sign_find((const char *)alg.p, alg.n);
	} else {
		if (cert_parse(blob.p, blob.n, &out->cert, &why) != 0)
			return why;
		name = out->cert.alg->cert_type;
		if (strcmp(name, as->cert_type) != 0 ||
		    cert_plain(&out->cert, out->bytes, sizeof(out->bytes), &n) != 0)
			return "the certificate is not of the algorithm's type";
		out->plain = span_of(out->bytes, n);
		out->alg = sign_find(as->sign_alg, strlen(as->sign_alg));
	}
	if (out->alg == NULL)
		return "the algorithm is not known";
	if (!monitor_exchange_key_is(out->plain, out->alg->key_type))
		return "the key is not of the algorithm's type";
	return NULL;
}

_Static_assert((int)CERT_PERMIT_X11 == (int)IPC_PERMIT_X11 &&
    (int)CERT_PERMIT_AGENT == (int)IPC_PERMIT_AGENT &&
    (int)CERT_PERMIT_PORT == (int)IPC_PERMIT_PORT &&
    (int)CERT_PERMIT_PTY == (int)IPC_PERMIT_PTY &&
    (int)CERT_PERMIT_USER_RC == (int)IPC_PERMIT_USER_RC &&
    (int)CERT_NO_TOUCH == (int)IPC_NO_TOUCH, "the bits are the same");

/* With whose certificate it is, as its CA says. */
static void
say_why(const struct cert *cert, const char *bad, char why[MONITOR_WHY_MAX + 1])
{
	int shown = cert->key_id.n < KEY_ID_SHOWN ? (int)cert->key_id.n : KEY_ID_SHOWN;

	(void)snprintf(why, MONITOR_WHY_MAX + 1, "%s (ID %.*s serial %llu)", bad, shown,
	    (const char *)cert->key_id.p, (unsigned long long)cert->serial);
}

bool
monitor_cert_user(const struct conn *c, const struct cert *cert, char why[MONITOR_WHY_MAX + 1])
{
	char address[SOURCE_ADDRESS_MAX];
	const char *bad = cert_judge(cert, CERT_USER, c->m->os->wall_s());

	monitor_source_address(c->plan.peer, address);
	if (bad == NULL)
		bad = cert_source(cert, address);
	if (bad != NULL)
		say_why(cert, bad, why);
	return bad == NULL;
}

bool
monitor_cert_signed(const struct conn *c, const struct cert *cert, char why[MONITOR_WHY_MAX + 1])
{
	const char *bad = cert_verify(cert, (const char *)c->plan.ca_algs.p, c->plan.ca_algs.n);

	if (bad != NULL)
		say_why(cert, bad, why);
	return bad == NULL;
}

/* Which CA it is a stranger chooses, and whether anybody trusts it is asked behind its
 * signature: who decides is not to be shown, nor to run a program with, what nobody has
 * signed.  RSA of 16384 bits takes 9 ms of everybody's time, of 4096 less than 1. */
uint64_t
monitor_cert_wait(struct monitor *m, const struct cert *cert)
{
	if (sign_rsa_bits(cert->ca_key.p, cert->ca_key.n) <= MONITOR_CA_CHEAP_BITS)
		return 0;
	return monitor_bucket_take(&m->ca_quota, MONITOR_CA_BURST, MONITOR_CA_PER_SECOND,
	    monitor_now(m));
}

/* The name as known_hosts has it, but without a port: a host's certificate is for all of
 * them. */
bool
monitor_cert_host(const struct conn *c, const struct cert *cert, char why[MONITOR_WHY_MAX + 1])
{
	char name[KNOWN_HOSTS_NAME_MAX + 1];
	const char *bad = cert_judge(cert, CERT_HOST, c->m->os->wall_s());

	if (bad == NULL && (monitor_known_hosts_name(c->plan.host, 0, name) != 0 ||
	    !cert_has_principal(cert, name, strlen(name))))
		bad = "the certificate is for another host";
	if (bad == NULL)
		bad = cert_verify(cert, (const char *)c->plan.ca_algs.p, c->plan.ca_algs.n);
	if (bad != NULL)
		say_why(cert, bad, why);
	return bad == NULL;
}

/* ---- host keys of our own ---- */

struct span
monitor_cert_shown(const struct key *key, struct span alg)
{
	const struct cert_alg *as = cert_alg_find((const char *)alg.p, alg.n);

	return as == NULL ? span_of(key->blob, key->blob_len) : key->cert;
}

const struct sign_alg *
monitor_cert_sign_alg(struct span name)
{
	const struct cert_alg *as = cert_alg_find((const char *)name.p, name.n);

	return as == NULL ? sign_find((const char *)name.p, name.n) :
	    sign_find(as->sign_alg, strlen(as->sign_alg));
}

/* Is it of this type and this key's?  Out of its time it is shown all the same, as OpenSSH
 * does: the other side judges it.  NULL, or why it is not taken. */
static const char *
attach(struct key *key, struct span blob, const struct cert *cert, enum cert_type type)
{
	uint8_t plain[KEY_BLOB_MAX];
	struct span copy;
	size_t n;

	if (cert->type != (uint32_t)type)
		return type == CERT_HOST ? "the certificate is not a host certificate" :
		    "the certificate is not a user certificate";
	if (key == NULL || cert_plain(cert, plain, sizeof(plain), &n) != 0 ||
	    !span_eq(span_of(key->blob, key->blob_len), span_of(plain, n)))
		return type == CERT_HOST ? "the certificate is of no host key that is loaded" :
		    "the certificate is of another key";
	copy = monitor_span_copy(blob);
	if (copy.p == NULL)
		return "out of memory";
	free((void *)(uintptr_t)key->cert.p);
	key->cert = copy;
	return NULL;
}

static void
tell_added(struct monitor *m, uint64_t call, const char *why)
{
	tell_CERT_ADDED(m, &(struct ipc_CERT_ADDED){ .call = call, .ok = why == NULL,
	    .why = span_str(why != NULL ? why : "") });
}

int
monitor_cert_on_host(struct monitor *m, const struct ipc_HOST_CERT *q)
{
	uint8_t plain[KEY_BLOB_MAX];
	struct key *key = NULL;
	struct cert cert;
	const char *why;
	size_t n;

	if (m->sealed)
		return IPC_BROKEN;
	if (cert_parse(q->cert.p, q->cert.n, &cert, &why) == 0) {
		if (cert_plain(&cert, plain, sizeof(plain), &n) == 0)
			key = monitor_keys_of_host(m, span_of(plain, n));
		why = attach(key, q->cert, &cert, CERT_HOST);
	}
	tell_added(m, q->call, why);
	return 0;
}

int
monitor_cert_on_key(struct monitor *m, const struct ipc_KEY_CERT *q)
{
	struct cert cert;
	const char *why;

	if (cert_parse(q->cert.p, q->cert.n, &cert, &why) == 0)
		why = attach(monitor_keys_of_user(m, q->key), q->cert, &cert, CERT_USER);
	tell_added(m, q->call, why);
	return 0;
}

const struct key *
monitor_cert_from_agent(struct monitor *m, const struct agent *a, struct span blob)
{
	uint8_t plain[KEY_BLOB_MAX];
	struct key *key = m->keys;
	struct cert cert;
	const char *why;
	size_t n;

	if (cert_parse(blob.p, blob.n, &cert, &why) != 0 ||
	    cert_plain(&cert, plain, sizeof(plain), &n) != 0)
		return NULL;
	/* of several the first: the agent's order is the user's */
	while (key != NULL && (key->agent != a || key->cert.n > 0 ||
	    !span_eq(span_of(key->blob, key->blob_len), span_of(plain, n))))
		key = key->next;
	return key != NULL && attach(key, blob, &cert, CERT_USER) == NULL ? key : NULL;
}

void
monitor_cert_names(struct span list, char *out, size_t cap)
{
	struct span name;

	while (monitor_names_next(&list, &name))
		if (sign_find((const char *)name.p, name.n) != NULL)
			(void)monitor_names_add(out, cap, name);	/* no longer than list */
}
