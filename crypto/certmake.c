/*
 * certmake.c - a certificate put together and signed, as PROTOCOL.certkeys has it.
 *
 * What was made is parsed and verified as if it came from somebody else, before it is
 * given out: a CA never signs what its servers would refuse.  The CA's private half is
 * in guarded memory for the time of one signature.
 */
#include "crypto/certmake.h"

#include <sodium.h>
#include <stdlib.h>

#include "crypto/sign.h"

enum { NONCE = 32, LIST_MAX = KEY_BLOB_MAX };

static void
put_text(struct blob_out *o, const char *text)
{
	blob_put_string(o, text, strlen(text));
}

static void
put_u64(struct blob_out *o, uint64_t v)
{
	blob_put_u32(o, (uint32_t)(v >> 32));
	blob_put_u32(o, (uint32_t)v);
}

/* A list is a string of strings: put by put, then as a whole. */
static void
put_principals(struct blob_out *o, const struct certmake *c)
{
	uint8_t room[LIST_MAX];
	struct blob_out list = blob_out_of(room, sizeof(room));

	for (size_t i = 0; i < c->n_principals; i++)
		put_text(&list, c->principals[i]);
	o->bad = o->bad || list.bad;
	blob_put_string(o, room, list.n);
}

static int
by_name(const void *a, const void *b)
{
	const struct certmake_option *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
put_options(struct blob_out *o, const struct certmake *c, bool critical)
{
	struct certmake_option sorted[CERT_OPTIONS_MAX];
	uint8_t room[LIST_MAX];
	struct blob_out list = blob_out_of(room, sizeof(room));
	size_t n = 0;

	for (size_t i = 0; i < c->n_options; i++) {
		size_t at = 0;

		if (c->options[i].critical != critical)
			continue;
		while (at < n && strcmp(sorted[at].name, c->options[i].name) != 0)
			at++;
		sorted[at] = c->options[i];
		n += at == n;
	}
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		const char *value = sorted[i].value;

		put_text(&list, sorted[i].name);
		if (value == NULL) {
			blob_put_u32(&list, 0);
			continue;
		}
		blob_put_u32(&list, 4 + (uint32_t)strlen(value));
		put_text(&list, value);
	}
	o->bad = o->bad || list.bad;
	blob_put_string(o, room, list.n);
}

/* All in front of the signature. */
static bool
put_fields(struct blob_out *o, const struct certmake *c, const struct cert_alg *alg,
    struct blob fields, const struct keyfile_key *ca)
{
	uint8_t nonce[NONCE];

	randombytes_buf(nonce, sizeof(nonce));
	put_text(o, alg->cert_type);
	blob_put_string(o, nonce, sizeof(nonce));
	blob_put(o, fields.p, fields.n);
	put_u64(o, c->serial);
	blob_put_u32(o, c->type);
	put_text(o, c->key_id);
	put_principals(o, c);
	put_u64(o, c->valid_after);
	put_u64(o, c->valid_before);
	put_options(o, c, true);
	put_options(o, c, false);
	blob_put_string(o, "", 0);		/* reserved */
	blob_put_string(o, ca->blob, ca->blob_len);
	return !o->bad;
}

static const struct cert_alg *
alg_of(struct blob type)
{
	for (size_t i = 0; cert_alg_at(i) != NULL; i++)
		if (blob_is_name(type, cert_alg_at(i)->key_type))
			return cert_alg_at(i);
	return NULL;
}

/* The first row of the CA's type, which is the strongest; or the one that was named. */
static const struct sign_alg *
signer_of(const struct certmake *c, const struct keyfile_key *ca)
{
	for (size_t i = 0; sign_at(i) != NULL; i++)
		if (strcmp(sign_at(i)->key_type, ca->alg) == 0 && sign_at(i)->sign != NULL &&
		    (c->sign_alg == NULL || strcmp(c->sign_alg, sign_at(i)->name) == 0))
			return sign_at(i);
	return NULL;
}

static const char *
sign(struct blob_out *o, const struct sign_alg *alg, const struct keyfile_key *ca)
{
	struct sign_key *key = alg->load(ca->blob, ca->blob_len, ca->secret, ca->secret_len);
	uint8_t signature[SIGNATURE_MAX];
	size_t n = 0;
	int r = -1;

	if (key != NULL)
		r = alg->sign(key, o->p, o->n, signature, sizeof(signature), &n);
	sign_key_free(key);
	if (r != 0)
		return "the CA's key cannot sign";
	blob_put_string(o, signature, n);
	return o->bad ? "the certificate is too long" : NULL;
}

const char *
certmake(const struct certmake *c, const uint8_t *key, size_t key_len,
    const struct keyfile_key *ca, uint8_t *out, size_t *n)
{
	const struct sign_alg *signer = signer_of(c, ca);
	struct blob_out o = blob_out_of(out, CERTMAKE_MAX);
	struct blob fields = blob_of(key, key_len);
	const struct cert_alg *alg = alg_of(blob_string(&fields, NAME_MAX_LEN));
	const char *why = NULL;
	struct cert made;

	if (alg == NULL)
		return "there are no certificates for this type of key";
	if (signer == NULL)
		return "the CA's key has no such signature";
	if (c->n_principals > CERT_PRINCIPALS_MAX || c->n_options > CERT_OPTIONS_MAX ||
	    !put_fields(&o, c, alg, fields, ca))
		return "the certificate is too long";
	why = sign(&o, signer, ca);
	if (why == NULL && cert_parse(out, o.n, &made, &why) == 0)
		why = cert_verify(&made, signer->name, strlen(signer->name));
	*n = o.n;
	return why;
}
