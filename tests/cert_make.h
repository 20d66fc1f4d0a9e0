/*
 * cert_make.h - certificates made to order for tests, by an Ed25519 CA of a known
 * seed: what ssh-keygen would never write, too.
 */
#ifndef TESTS_CERT_MAKE_H
#define TESTS_CERT_MAKE_H

#include <sodium.h>

#include "crypto/crypto.h"
#include "proto/wire.h"

enum { CERT_MAKE_MAX = 20000 };

/* Zero means: nothing there; of a NULL type, ssh-ed25519's. */
struct cert_plan {
	const char *type;
	struct span key;		/* its fields; empty: an Ed25519 key of subject[]   */
	uint8_t subject[32];		/* its public half                                  */
	struct span nonce, key_id, principals, critical, extensions, reserved;
	uint64_t serial, after, before;
	uint32_t kind;
	uint8_t ca_seed[32];
	struct span ca_key;		/* instead of the CA's own blob                     */
	const char *signature_alg;	/* NULL: ssh-ed25519                                */
	bool bad_signature;
};

/* A buffer for the lists inside. */
struct cert_list { uint8_t bytes[CERT_MAKE_MAX]; struct wr w; };

static inline struct cert_list *
cert_list_clear(struct cert_list *l)
{
	l->w = wr_of(l->bytes, sizeof(l->bytes));
	return l;
}

static inline struct span
cert_list_add(struct cert_list *l, const char *string)
{
	wr_str(&l->w, string);
	return wr_span(&l->w);
}

/* An option: value NULL is no data at all, else it is one string. */
static inline struct span
cert_list_option(struct cert_list *l, const char *name, const char *value)
{
	wr_str(&l->w, name);
	if (value == NULL) {
		wr_u32(&l->w, 0);
	} else {
		wr_u32(&l->w, (uint32_t)strlen(value) + 4);
		wr_str(&l->w, value);
	}
	return wr_span(&l->w);
}

static inline size_t
cert_make_ed25519_blob(const uint8_t public[32], uint8_t out[51])
{
	struct wr w = wr_of(out, 51);

	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, span_of(public, 32), 32);
	assert_false(w.bad);
	return w.n;
}

static inline size_t
cert_make(const struct cert_plan *p, uint8_t out[CERT_MAKE_MAX])
{
	uint8_t public[32], secret[64], raw[64], ca[51];
	struct wr w = wr_of(out, CERT_MAKE_MAX), s;
	uint8_t sig[128];

	assert_int_equal(crypto_sign_seed_keypair(public, secret, p->ca_seed), 0);
	(void)cert_make_ed25519_blob(public, ca);
	wr_str(&w, p->type != NULL ? p->type : "ssh-ed25519-cert-v01@openssh.com");
	wr_blob(&w, p->nonce, SIZE_MAX);
	if (p->key.n > 0)
		wr_raw(&w, p->key);
	else
		wr_blob(&w, span_of(p->subject, 32), 32);
	wr_u64(&w, p->serial);
	wr_u32(&w, p->kind);
	wr_blob(&w, p->key_id, SIZE_MAX);
	wr_blob(&w, p->principals, SIZE_MAX);
	wr_u64(&w, p->after);
	wr_u64(&w, p->before);
	wr_blob(&w, p->critical, SIZE_MAX);
	wr_blob(&w, p->extensions, SIZE_MAX);
	wr_blob(&w, p->reserved, SIZE_MAX);
	wr_blob(&w, p->ca_key.n > 0 ? p->ca_key : span_of(ca, sizeof(ca)), SIZE_MAX);
	assert_int_equal(crypto_sign_detached(raw, NULL, w.p, w.n, secret), 0);
	raw[0] ^= p->bad_signature;
	s = wr_of(sig, sizeof(sig));
	wr_str(&s, p->signature_alg != NULL ? p->signature_alg : "ssh-ed25519");
	wr_blob(&s, span_of(raw, sizeof(raw)), sizeof(raw));
	wr_blob(&w, wr_span(&s), SIZE_MAX);
	assert_false(w.bad);
	return w.n;
}

#endif
