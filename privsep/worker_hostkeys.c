/*
 * worker_hostkeys.c - a server tells its client all its host keys after the login, and
 * has those proven that the client asks for (OpenSSH PROTOCOL 2.5).
 *
 * The signatures are the monitor's, which proves each key once.  What the peer asks
 * beyond that, or of a key that is not ours, is refused here, all of it or nothing: a
 * client must not take a part for the whole.
 */
#include <stdlib.h>

#include "privsep/worker_tell.h"

enum { KEYS_MAX = 32 };			/* one bit each */

struct prove {
	uint64_t question;
	struct rd rest;			/* of keys: those not yet asked for         */
	struct wr signatures;		/* in reply                                 */
	uint8_t keys[CHANNEL_EXTRA_MAX], reply[CHANNEL_EXTRA_MAX];
};

/* A certificate is not announced: it is believed for its authority's sake. */
static bool
is_plain(struct span alg)
{
	static const char cert[] = "-cert-v01@openssh.com";
	struct rd r = rd_of(alg);

	if (alg.n < sizeof(cert) - 1)
		return true;
	(void)rd_take(&r, alg.n - (sizeof(cert) - 1));
	return !span_is(rd_rest(&r), cert);
}

/* The next of our keys that is no certificate. */
static bool
next_key(struct rd *pairs, struct span *key)
{
	while (!pairs->bad && pairs->n > 0) {
		struct span alg = rd_blob(pairs, NAME_MAX_LEN);

		*key = rd_blob(pairs, KEY_BLOB_MAX);
		if (!pairs->bad && is_plain(alg))
			return true;
	}
	return false;
}

/* The first of our keys that is this one: an RSA key stands there for each of its
 * algorithms.  KEYS_MAX: there is none. */
static unsigned
place_of(const struct worker *w, struct span key)
{
	struct rd r = rd_of(transport_hostkeys(w->tr));
	struct span one;
	unsigned i = 0;

	while (i < KEYS_MAX && next_key(&r, &one)) {
		if (span_eq(one, key))
			return i;
		i++;
	}
	return KEYS_MAX;
}

void
worker_hostkeys_announce(struct worker *w)
{
	uint8_t buf[CHANNEL_EXTRA_MAX];
	struct wr all = wr_of(buf, sizeof(buf));
	struct rd r = rd_of(transport_hostkeys(w->tr));
	struct span key;

	for (unsigned i = 0; next_key(&r, &key); i++)
		if (place_of(w, key) == i)
			wr_blob(&all, key, KEY_BLOB_MAX);
	if (all.bad || all.n == 0)	/* none, or more than a client would take */
		return;
	worker_check(w, connection_global(w->cn, 0, span_str("hostkeys-00@openssh.com"),
	    wr_span(&all)));
}

/* Nothing but keys of ours, each once, and not asked for before. */
static bool
may_prove(const struct worker *w, struct span keys, uint32_t *bits)
{
	struct rd r = rd_of(keys);

	*bits = 0;
	while (r.n > 0) {
		unsigned i = place_of(w, rd_blob(&r, KEY_BLOB_MAX));

		if (r.bad || i >= KEYS_MAX || ((w->proven | *bits) >> i & 1) != 0)
			return false;
		*bits |= UINT32_C(1) << i;
	}
	return rd_done(&r) && *bits != 0;
}

static void
ask_next(struct worker *w)
{
	struct span key = rd_blob(&w->prove->rest, KEY_BLOB_MAX);

	worker_must(w, worker_tell_PROVE(w, &(struct ipc_PROVE){ .key = key }));
}

void
worker_hostkeys_prove(struct worker *w, uint64_t question, struct span keys)
{
	struct prove *p;
	uint32_t bits;

	/* its length is connection_packet's to bound */
	if (w->prove != NULL || keys.n > CHANNEL_EXTRA_MAX || !may_prove(w, keys, &bits)) {
		worker_check(w, connection_answer(w->cn, question, false, span_of(NULL, 0)));
		return;
	}
	w->prove = p = malloc(sizeof(*p));
	if (p == NULL) {
		worker_fail(w, PROTO_E_LOCAL_MEMORY);
		return;
	}
	w->proven |= bits;
	p->question = question;
	memcpy(p->keys, keys.p, keys.n);
	p->rest = rd_of(span_of(p->keys, keys.n));
	p->signatures = wr_of(p->reply, sizeof(p->reply));
	ask_next(w);
}

int
worker_hostkeys_proof(struct worker *w, const struct ipc_PROOF *m)
{
	struct prove *p = w->prove;

	if (w->end != END_NOT)
		return 0;
	if (p == NULL)
		return -1;
	if (m->signature.n == 0)	/* not to be had: then none of them is */
		p->signatures.bad = true;
	wr_blob(&p->signatures, m->signature, SIGNATURE_MAX);
	if (!p->signatures.bad && p->rest.n > 0) {
		ask_next(w);
		return 0;
	}
	worker_check(w, connection_answer(w->cn, p->question, !p->signatures.bad,
	    wr_span(&p->signatures)));
	worker_hostkeys_free(w);
	return 0;
}

void
worker_hostkeys_free(struct worker *w)
{
	free(w->prove);
	w->prove = NULL;
}
