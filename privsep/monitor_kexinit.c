/*
 * monitor_kexinit.c - our KEXINIT (RFC 4253 7.1), made here for every key exchange.
 *
 * The cookie is fresh and the monitor's own, and it goes into H: no hash of one
 * exchange can be that of another, so a signature serves nowhere else.
 */
#include "privsep/monitor.h"

#include <stdlib.h>

enum { SSH_MSG_KEXINIT = 20, COOKIE = 16, KEXINIT_MAX = 16384,
	KEX_LIST_MAX = 2048 + 64, TYPES_MAX = 512 };

/* Both announce extensions (RFC 8308 2.1) and strict kex (OpenSSH PROTOCOL 1.10),
 * in the first KEXINIT only; an OpenSSH server names no ext-info-s. */
static const char client_marks[] = "ext-info-c,kex-strict-c-v00@openssh.com";
static const char server_marks[] = "kex-strict-s-v00@openssh.com";

/* What the crypto provider does not have is in no table, and is not offered; neither is
 * group exchange by a server without moduli, which has no groups to give (RFC 4419 3). */
static bool
may_offer(const struct conn *c, enum alg_class class, struct span name)
{
	const char *s = (const char *)name.p;
	const struct kex_alg *kex;

	if (name.n == 0)
		return false;
	if (class == ALG_CIPHER)
		return cipher_find(s, name.n) != NULL;
	if (class == ALG_MAC)
		return mac_find(s, name.n) != NULL;
	kex = kex_find(s, name.n);
	return kex != NULL && (!kex->asks_group || c->plan.role == IPC_CLIENT ||
	    c->m->moduli != NULL);
}

/* False: nothing is left. */
static bool
keep_offered(const struct conn *c, enum alg_class class, struct span names,
    char list[KEX_LIST_MAX])
{
	struct span name;

	list[0] = 0;
	while (monitor_names_next(&names, &name))
		if (may_offer(c, class, name) && !monitor_names_add(list, KEX_LIST_MAX, name))
			return false;
	return list[0] != 0;
}

static bool
lists_gex(struct span names)
{
	struct span name;
	const struct kex_alg *kex;

	while (monitor_names_next(&names, &name)) {
		kex = kex_find((const char *)name.p, name.n);
		if (kex != NULL && kex->asks_group)
			return true;
	}
	return false;
}

/* NULL, or what there is none of. */
static const char *
put_lists(struct wr *w, struct conn *c, bool first)
{
	char kex[KEX_LIST_MAX], ciphers[KEX_LIST_MAX], macs[KEX_LIST_MAX];
	struct span compression = c->plan.compression;

	/* a list may not be empty (RFC 4253 7.1): then there is none */
	if (compression.n == 0)
		compression = span_str("none");
	if (!keep_offered(c, ALG_KEX, c->plan.kex, kex))
		return "no key exchange method to offer";
	if (!keep_offered(c, ALG_CIPHER, c->plan.ciphers, ciphers))
		return "no cipher to offer";
	if (!keep_offered(c, ALG_MAC, c->plan.macs, macs))
		return "no MAC to offer";
	c->offers_gex = lists_gex(span_str(kex));
	if (first && !monitor_names_add(kex, sizeof(kex),
	    span_str(c->plan.role == IPC_CLIENT ? client_marks : server_marks)))
		return "too many key exchange methods to offer";
	wr_str(w, kex);
	wr_blob(w, c->hostkey_algs, KEXINIT_MAX);
	wr_str(w, ciphers);
	wr_str(w, ciphers);
	wr_str(w, macs);
	wr_str(w, macs);
	wr_blob(w, compression, KEXINIT_MAX);
	wr_blob(w, compression, KEXINIT_MAX);
	wr_str(w, "");			/* languages */
	wr_str(w, "");
	return NULL;
}

const char *
monitor_kexinit_issue(struct conn *c, bool first)
{
	uint8_t buf[KEXINIT_MAX], cookie[COOKIE];
	struct wr w = wr_of(buf, sizeof(buf));
	struct span kexinit;
	const char *problem;

	crypto_random(cookie, sizeof(cookie));
	wr_u8(&w, SSH_MSG_KEXINIT);
	wr_raw(&w, span_of(cookie, sizeof(cookie)));
	if ((problem = put_lists(&w, c, first)) != NULL)
		return problem;
	wr_u8(&w, 0);			/* no guessed packet follows */
	wr_u32(&w, 0);
	if (w.bad)
		return "the algorithms to offer do not fit";
	kexinit = monitor_span_copy(wr_span(&w));
	if (kexinit.p == NULL)
		return "out of memory";
	free((void *)(uintptr_t)c->kexinit.p);
	c->kexinit = kexinit;
	return NULL;
}

/* The types of the keys that a client knows this server by. */
static void
known_types(const struct conn *c, char *types, size_t cap)
{
	char name[KNOWN_HOSTS_NAME_MAX + 1];
	bool has_name = monitor_known_hosts_name(c->plan.host, c->plan.port, name) == 0;

	for (const struct trust *t = c->trust; t != NULL; t = t->next) {
		struct rd r = rd_of(span_of(t->bytes, t->n));

		if (t->is_key)		/* what has no room is only not preferred */
			(void)monitor_names_add(types, cap, rd_blob(&r, NAME_MAX_LEN));
		else if (has_name)
			monitor_known_hosts_types(span_of(t->bytes, t->n), name, types, cap);
	}
}

/* Certificates, if there are any, and algorithms of keys that the server is known by come
 * first: it may have others, and one that nobody has seen would be a question that needs
 * none.  False: no room. */
static bool
known_first(const struct conn *c, struct span list, char *out, size_t cap)
{
	char types[TYPES_MAX + 1] = "";
	bool fits = true;

	known_types(c, types, sizeof(types));
	for (int pass = 0; pass < 2; pass++) {
		struct span rest = list, name;

		while (monitor_names_next(&rest, &name)) {
			const struct sign_alg *alg = monitor_cert_sign_alg(name);
			bool known = alg != NULL &&
			    (cert_alg_find((const char *)name.p, name.n) != NULL ||
			    monitor_names_has(span_str(types), span_str(alg->key_type)));

			if (alg != NULL && known == (pass == 0))
				fits = monitor_names_add(out, cap, name) && fits;
		}
	}
	return fits;
}

/* What has no room, a long certificate, is not offered; others are no worse for that. */
static bool
put_pair(struct conn *c, struct wr *pairs, struct span name, struct span shown)
{
	if (shown.n + name.n + 8 > pairs->cap - pairs->n) {
		monitor_remark(c->m, IPC_INFO, "connection %llu: no room to offer %.*s",
		    (unsigned long long)c->id, (int)name.n, (const char *)name.p);
		return false;
	}
	wr_blob(pairs, name, NAME_MAX_LEN);
	wr_blob(pairs, shown, KEY_BLOB_MAX);
	return true;
}

int
monitor_kexinit_hostkeys(struct conn *c, struct wr *pairs)
{
	struct span list = c->plan.hostkey_algs, name;
	char have[MONITOR_NAMES_MAX + 1] = "", wanted[MONITOR_NAMES_MAX + 1] = "";

	if (c->plan.role == IPC_CLIENT) {
		/* certificates only where somebody could vouch for one */
		if (monitor_verify_has_authority(c))
			monitor_names_copy(wanted, sizeof(wanted), list);
		else
			monitor_cert_names(list, wanted, sizeof(wanted));
		if (!known_first(c, span_str(wanted), have, sizeof(have)))
			return -1;
		c->hostkey_algs = monitor_span_copy(span_str(have));
		return c->hostkey_algs.p != NULL && have[0] != 0 ? 0 : -1;
	}
	while (monitor_names_next(&list, &name)) {
		const struct sign_alg *alg = monitor_cert_sign_alg(name);
		const struct key *key = alg == NULL ? NULL :
		    monitor_keys_host(c->m, alg->key_type);
		struct span shown = key == NULL ? span_of(NULL, 0) :
		    monitor_cert_shown(key, name);

		if (shown.n == 0 ||
		    monitor_exchange_key_is_small(c, span_of(key->blob, key->blob_len)) ||
		    !put_pair(c, pairs, name, shown))
			continue;
		if (!monitor_names_add(have, sizeof(have), name))
			return -1;	/* as long as the list it comes from */
	}
	if (have[0] == 0 || pairs->bad)
		return -1;
	c->hostkey_algs = monitor_span_copy(span_str(have));
	return c->hostkey_algs.p != NULL ? 0 : -1;
}
