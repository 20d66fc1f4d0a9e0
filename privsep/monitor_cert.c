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

enum { KEY_ID_SHOWN = 128, ADDRESS_MAX = 64 };

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

/* "address:port", "[address]:port"; anything else is no address. */
static void
peer_address(struct span peer, char out[ADDRESS_MAX])
{
	struct span s = peer;

	while (s.n > 0 && s.p[s.n - 1] != ':')
		s.n--;
	if (s.n > 0)
		s.n--;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = span_of(s.p + 1, s.n - 2);
	monitor_names_copy(out, ADDRESS_MAX, s);
}

_Static_assert((int)CERT_PERMIT_X11 == (int)IPC_PERMIT_X11 &&
    (int)CERT_PERMIT_AGENT == (int)IPC_PERMIT_AGENT &&
    (int)CERT_PERMIT_PORT == (int)IPC_PERMIT_PORT &&
    (int)CERT_PERMIT_PTY == (int)IPC_PERMIT_PTY &&
    (int)CERT_PERMIT_USER_RC == (int)IPC_PERMIT_USER_RC &&
    (int)CERT_NO_TOUCH == (int)IPC_NO_TOUCH, "the bits are the same");

bool
monitor_cert_user(const struct conn *c, const struct cert *cert, char why[MONITOR_WHY_MAX + 1])
{
	char address[ADDRESS_MAX];
	const char *bad = cert_judge(cert, CERT_USER, c->m->os->wall_s());
	int shown = cert->key_id.n < KEY_ID_SHOWN ? (int)cert->key_id.n : KEY_ID_SHOWN;

	peer_address(c->plan.peer, address);
	if (bad == NULL)
		bad = cert_source(cert, address);
	if (bad == NULL)
		bad = cert_verify(cert, (const char *)c->plan.ca_algs.p, c->plan.ca_algs.n);
	if (bad != NULL)
		(void)snprintf(why, MONITOR_WHY_MAX + 1, "%s (ID %.*s serial %llu)", bad, shown,
		    (const char *)cert->key_id.p, (unsigned long long)cert->serial);
	return bad == NULL;
}

void
monitor_cert_names(struct span list, char *out, size_t cap)
{
	struct span name;

	while (monitor_names_next(&list, &name))
		if (cert_alg_find((const char *)name.p, name.n) == NULL)
			(void)monitor_names_add(out, cap, name);	/* no longer than list */
}
