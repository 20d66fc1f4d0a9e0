/*
 * monitor_kexinit.c - our KEXINIT (RFC 4253 7.1), made here for every key exchange.
 *
 * The cookie is fresh and the monitor's own, and it goes into H: no hash of one
 * exchange can be that of another, so a signature serves nowhere else.
 */
#include "privsep/monitor.h"

#include <stdlib.h>

enum { SSH_MSG_KEXINIT = 20, COOKIE = 16, KEXINIT_MAX = 16384,
	KEX_LIST_MAX = 2048 + 64 };

/* Both announce extensions (RFC 8308 2.1) and strict kex (OpenSSH PROTOCOL 1.10),
 * in the first KEXINIT only; an OpenSSH server names no ext-info-s. */
static const char client_marks[] = "ext-info-c,kex-strict-c-v00@openssh.com";
static const char server_marks[] = "kex-strict-s-v00@openssh.com";

/* A server without moduli has no groups to give (RFC 4419 3).  False: nothing is left. */
static bool
kex_list(struct wr *w, struct conn *c, bool first)
{
	bool client = c->plan.role == IPC_CLIENT, offered = false;
	struct span rest = c->plan.kex, name;
	char list[KEX_LIST_MAX] = "";

	c->offers_gex = false;
	while (monitor_names_next(&rest, &name)) {
		const struct kex_alg *kex = kex_find((const char *)name.p, name.n);
		bool gex = kex != NULL && kex->asks_group;

		if (name.n == 0 || (gex && !client && c->m->moduli == NULL))
			continue;
		if (!monitor_names_add(list, sizeof(list), name))
			return false;
		c->offers_gex = c->offers_gex || gex;
		offered = true;
	}
	if (first && !monitor_names_add(list, sizeof(list),
	    span_str(client ? client_marks : server_marks)))
		return false;
	wr_str(w, list);
	return offered;
}

int
monitor_kexinit_issue(struct conn *c, bool first)
{
	uint8_t buf[KEXINIT_MAX], cookie[COOKIE];
	struct wr w = wr_of(buf, sizeof(buf));
	struct span kexinit, compression = c->plan.compression;

	/* a list may not be empty (RFC 4253 7.1): then there is none */
	if (compression.n == 0)
		compression = span_str("none");
	crypto_random(cookie, sizeof(cookie));
	wr_u8(&w, SSH_MSG_KEXINIT);
	wr_raw(&w, span_of(cookie, sizeof(cookie)));
	if (!kex_list(&w, c, first))
		return -1;
	wr_blob(&w, c->hostkey_algs, KEXINIT_MAX);
	wr_blob(&w, c->plan.ciphers, KEXINIT_MAX);
	wr_blob(&w, c->plan.ciphers, KEXINIT_MAX);
	wr_blob(&w, c->plan.macs, KEXINIT_MAX);
	wr_blob(&w, c->plan.macs, KEXINIT_MAX);
	wr_blob(&w, compression, KEXINIT_MAX);
	wr_blob(&w, compression, KEXINIT_MAX);
	wr_str(&w, "");			/* languages */
	wr_str(&w, "");
	wr_u8(&w, 0);			/* no guessed packet follows */
	wr_u32(&w, 0);
	if (w.bad)
		return -1;
	kexinit = monitor_span_copy(wr_span(&w));
	if (kexinit.p == NULL)
		return -1;
	free((void *)(uintptr_t)c->kexinit.p);
	c->kexinit = kexinit;
	return 0;
}

int
monitor_kexinit_hostkeys(struct conn *c, struct wr *pairs)
{
	struct span list = c->plan.hostkey_algs, name;
	char have[2049] = "";

	if (c->plan.role == IPC_CLIENT) {
		c->hostkey_algs = monitor_span_copy(list);
		return c->hostkey_algs.p != NULL && list.n > 0 ? 0 : -1;
	}
	while (monitor_names_next(&list, &name)) {
		const struct sign_alg *alg = sign_find((const char *)name.p, name.n);
		const struct key *key = alg == NULL ? NULL :
		    monitor_keys_host(c->m, alg->key_type);

		if (key == NULL || !monitor_names_add(have, sizeof(have), name))
			continue;
		wr_blob(pairs, name, NAME_MAX_LEN);
		wr_blob(pairs, span_of(key->blob, key->blob_len), KEY_BLOB_MAX);
	}
	if (have[0] == 0 || pairs->bad)
		return -1;
	c->hostkey_algs = monitor_span_copy(span_str(have));
	return c->hostkey_algs.p != NULL ? 0 : -1;
}
