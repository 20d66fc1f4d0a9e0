/* sign_lab.h - for the tests of signature algorithms: samples decoded, and checks that
 * see a read beyond the end. */
#ifndef TESTS_SIGN_LAB_H
#define TESTS_SIGN_LAB_H

#include <stdlib.h>

#include "crypto/blob.h"
#include "crypto/crypto.h"
#include "tests/hex.h"
#include "tests/sign_samples.h"

struct bytes { size_t n; uint8_t p[KEY_BLOB_MAX + 1]; };

struct lab {				/* one sample */
	const struct sign_alg *alg;
	struct bytes blob, secret, data, sig;
};

static inline const struct sign_alg *
lab_alg(const char *name)
{
	const struct sign_alg *alg = sign_find(name, strlen(name));

	assert_non_null(alg);
	return alg;
}

static inline void
lab_pair(size_t i, struct lab *l)
{
	const struct sign_pair *p = &sign_pairs[i];

	l->alg = lab_alg(p->alg);
	l->blob.n = unhex(p->blob, l->blob.p, sizeof(l->blob.p));
	l->secret.n = unhex(p->secret, l->secret.p, sizeof(l->secret.p));
	l->data.n = strlen(p->message);
	memcpy(l->data.p, p->message, l->data.n);
	l->sig.n = unhex(p->signature, l->sig.p, sizeof(l->sig.p));
}

/* The first whose algorithm has this prefix. */
static inline void
lab_first(const char *alg, struct lab *l)
{
	size_t i = 0;

	while (strncmp(sign_pairs[i].alg, alg, strlen(alg)) != 0)
		assert_true(++i < SIGN_PAIRS);
	lab_pair(i, l);
}

static inline void
lab_openssh(const struct sign_sample *s, struct lab *l)
{
	l->alg = lab_alg(s->alg);
	l->blob.n = unhex(s->blob, l->blob.p, sizeof(l->blob.p));
	l->data.n = unhex(s->data, l->data.p, sizeof(l->data.p));
	l->sig.n = unhex(s->signature, l->sig.p, sizeof(l->sig.p));
}

/* A block of exactly that size. */
static inline uint8_t *
lab_exact(const void *p, size_t n)
{
	uint8_t *q = malloc(n == 0 ? 1 : n);

	assert_non_null(q);
	memcpy(q, p, n);
	return q;
}

static inline int
lab_check(const struct sign_alg *alg, const struct bytes *blob, const struct bytes *data,
    const struct bytes *sig)
{
	uint8_t *b = lab_exact(blob->p, blob->n), *s = lab_exact(sig->p, sig->n);
	uint8_t *d = lab_exact(data->p, data->n);
	int r = alg->verify(b, blob->n, d, data->n, s, sig->n);

	free(b);
	free(s);
	free(d);
	return r;
}

static inline int
lab_verify(const struct lab *l)
{
	return lab_check(l->alg, &l->blob, &l->data, &l->sig);
}

static inline struct sign_key *
lab_load(const struct lab *l)
{
	uint8_t *b = lab_exact(l->blob.p, l->blob.n), *s = lab_exact(l->secret.p, l->secret.n);
	struct sign_key *key = l->alg->load(b, l->blob.n, s, l->secret.n);

	free(b);
	free(s);
	return key;
}

/* string name, string value; the value of another blob of that form */
static inline void
lab_named(struct bytes *out, const char *name, const void *value, size_t n)
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));

	blob_put_string(&w, name, strlen(name));
	blob_put_string(&w, value, n);
	assert_false(w.bad);
	out->n = w.n;
}

static inline struct blob
lab_value(const struct bytes *in)
{
	struct blob b = blob_of(in->p, in->n);

	(void)blob_string(&b, NAME_MAX_LEN);
	return blob_string(&b, KEY_BLOB_MAX);
}

/* No part of either is a signature or a key, and neither is more than the whole. */
static inline void
lab_truncate(const struct lab *good)
{
	struct lab l = *good;

	assert_int_equal(lab_verify(&l), 0);
	for (l.sig.n = 0; l.sig.n < good->sig.n; l.sig.n++)
		assert_int_equal(lab_verify(&l), -1);
	l.sig.p[l.sig.n++] = 0;
	assert_int_equal(lab_verify(&l), -1);
	l.sig.n--;
	for (l.blob.n = 0; l.blob.n < good->blob.n; l.blob.n++)
		assert_int_equal(lab_verify(&l), -1);
	l.blob.p[l.blob.n++] = 0;
	assert_int_equal(lab_verify(&l), -1);
}

/* Nor is any with one bit changed: every eighth of the lengths and numbers, one bit of
 * each byte. */
static inline void
lab_flip(const struct lab *good)
{
	struct lab l = *good;

	for (size_t i = 0; i < l.sig.n; i++) {
		l.sig.p[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(lab_verify(&l), -1);
		l.sig.p[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < l.blob.n; i++) {
		l.blob.p[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(lab_verify(&l), -1);
		l.blob.p[i] ^= (uint8_t)(1 << i % 8);
	}
	l.data.p[0] ^= 1;
	assert_int_equal(lab_verify(&l), -1);
}

/* The names of the table, and some that are in none. */
static inline void
lab_misname(const struct lab *good)
{
	static const char *const strange[] = { "", "ssh-rsa1", "rsa-sha2-51", "rsa-sha2-5122",
		"RSA-SHA2-512", "ssh-rsa-cert-v01@openssh.com" };
	struct lab l = *good;
	struct blob value = lab_value(&good->sig);
	const char *name;

	for (size_t i = 0; i < 6 || sign_at(i - 6) != NULL; i++) {
		name = i < 6 ? strange[i] : sign_at(i - 6)->name;
		if (strcmp(name, good->alg->name) == 0)
			continue;
		lab_named(&l.sig, name, value.p, value.n);
		assert_int_equal(lab_verify(&l), -1);
	}
}

/* Signs within its room, what it makes verifies, and only by this key. */
static inline void
lab_sign(const struct sign_alg *alg, const struct lab *l)
{
	struct sign_key *key = lab_load(l);
	struct bytes sig, data = { 3, "abc" };
	size_t n = 1234;

	assert_non_null(key);
	for (size_t cap = 0; cap < 48; cap++)
		assert_int_equal(alg->sign(key, data.p, data.n, sig.p, cap, &n), -1);
	assert_int_equal(n, 1234);
	assert_int_equal(alg->sign(key, data.p, data.n, sig.p, SIGNATURE_MAX, &sig.n), 0);
	assert_int_equal(lab_check(alg, &l->blob, &data, &sig), 0);
	data.p[0] = 'b';
	assert_int_equal(lab_check(alg, &l->blob, &data, &sig), -1);
	sign_key_free(key);
}

#endif
