/*
 * cert.c - the certificate blob (PROTOCOL.certkeys): bytes in, borrowed fields out.
 *
 * Certificates come from the network, before anybody has proven anything, so the
 * parser takes only what is well formed to the last byte: every count and length
 * bounded, no NUL in what is text, options in order and once each, a plain key as CA.
 * That last is what keeps chains, and with them recursion, out.
 */
#include "crypto/cert.h"

#include "crypto/cert_options.h"

#define V01 "-cert-v01@openssh.com"
static const struct cert_alg algs[] = {
	{ "ssh-ed25519" V01, "ssh-ed25519" V01, "ssh-ed25519", "ssh-ed25519", 1 },
	{ "ecdsa-sha2-nistp256" V01, "ecdsa-sha2-nistp256" V01, "ecdsa-sha2-nistp256",
	  "ecdsa-sha2-nistp256", 2 },
	{ "ecdsa-sha2-nistp384" V01, "ecdsa-sha2-nistp384" V01, "ecdsa-sha2-nistp384",
	  "ecdsa-sha2-nistp384", 2 },
	{ "ecdsa-sha2-nistp521" V01, "ecdsa-sha2-nistp521" V01, "ecdsa-sha2-nistp521",
	  "ecdsa-sha2-nistp521", 2 },
	{ "sk-ssh-ed25519" V01, "sk-ssh-ed25519" V01, "sk-ssh-ed25519@openssh.com",
	  "sk-ssh-ed25519@openssh.com", 2 },
	{ "sk-ecdsa-sha2-nistp256" V01, "sk-ecdsa-sha2-nistp256" V01,
	  "sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3 },
	{ "rsa-sha2-512" V01, "ssh-rsa" V01, "ssh-rsa", "rsa-sha2-512", 2 },
	{ "rsa-sha2-256" V01, "ssh-rsa" V01, "ssh-rsa", "rsa-sha2-256", 2 },
	{ "ssh-rsa" V01, "ssh-rsa" V01, "ssh-rsa", "ssh-rsa", 2 },
	{ "ssh-dss" V01, "ssh-dss" V01, "ssh-dss", "ssh-dss", 4 },
};
enum { ALGS = sizeof(algs) / sizeof(algs[0]) };

const struct cert_alg *
cert_alg_at(size_t i)
{
	return i < ALGS ? &algs[i] : NULL;
}

const struct cert_alg *
cert_alg_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ALGS; i++)
		if (strlen(algs[i].name) == n && memcmp(algs[i].name, name, n) == 0)
			return &algs[i];
	return NULL;
}

static const struct cert_alg *
alg_of_blob(struct blob type)
{
	for (size_t i = 0; i < ALGS; i++)
		if (blob_is_name(type, algs[i].cert_type))
			return &algs[i];
	return NULL;
}

static bool
is_plain_type(struct blob type)
{
	for (size_t i = 0; i < ALGS; i++)
		if (blob_is_name(type, algs[i].key_type))
			return true;
	return false;
}

static uint64_t
take_u64(struct blob *in)
{
	uint64_t high = blob_u32(in);

	return high << 32 | blob_u32(in);
}

static bool
has_nul(struct blob b)
{
	return b.n > 0 && memchr(b.p, 0, b.n) != NULL;
}

/* ---- parts ---- */

/* The key's own fields as they stand, so that the plain blob is a copy. */
static struct blob
take_key(struct blob *in, unsigned fields)
{
	struct blob key = *in;

	for (unsigned i = 0; i < fields; i++)
		(void)blob_string(in, KEY_BLOB_MAX);	/* errors stick to in */
	key.n -= in->n;
	return key;
}

bool
cert_principal_next(struct blob *principals, struct blob *one)
{
	if (principals->n == 0 || principals->bad)
		return false;
	*one = blob_string(principals, CERT_PRINCIPAL_LEN_MAX);
	return !principals->bad;
}

static const char *
check_principals(struct blob list)
{
	unsigned count = 0;
	struct blob one;

	while (cert_principal_next(&list, &one)) {
		if (has_nul(one))
			return "a principal of the certificate has a NUL";
		if (++count > CERT_PRINCIPALS_MAX)
			return "the certificate has too many principals";
	}
	return blob_done(&list) ? NULL : "the certificate's principals are malformed";
}

/* A plain key, of a type that there are certificates for: not a certificate. */
static const char *
check_ca(struct blob ca)
{
	struct blob type = blob_string(&ca, NAME_MAX_LEN);

	if (ca.bad)
		return "the certificate's CA key is malformed";
	if (alg_of_blob(type) != NULL)
		return "the certificate's CA key is itself a certificate";
	if (!is_plain_type(type))
		return "the certificate's CA key is of an unknown type";
	return NULL;
}

/* ---- whole ---- */

bool
cert_is(const uint8_t *blob, size_t n)
{
	struct blob in = blob_of(blob, n);

	return alg_of_blob(blob_string(&in, NAME_MAX_LEN)) != NULL;
}

/* The fields in the order of the blob; false: it is not one to its last byte. */
static bool
take_fields(struct blob in, struct cert *c)
{
	struct blob whole = in;

	c->alg = alg_of_blob(blob_string(&in, NAME_MAX_LEN));
	if (c->alg == NULL)
		return false;
	c->nonce = blob_string(&in, CERT_NONCE_MAX);
	c->key = take_key(&in, c->alg->fields);
	c->serial = take_u64(&in);
	c->type = blob_u32(&in);
	c->key_id = blob_string(&in, CERT_KEY_ID_MAX);
	c->principals = blob_string(&in, KEY_BLOB_MAX);
	c->valid_after = take_u64(&in);
	c->valid_before = take_u64(&in);
	c->critical = blob_string(&in, KEY_BLOB_MAX);
	c->extensions = blob_string(&in, KEY_BLOB_MAX);
	(void)blob_string(&in, KEY_BLOB_MAX);	/* reserved: to be ignored */
	c->ca_key = blob_string(&in, KEY_BLOB_MAX);
	c->signed_part = blob_take(&whole, whole.n - in.n);
	c->signature = blob_string(&in, SIGNATURE_MAX);
	return blob_done(&in);
}

int
cert_parse(const uint8_t *blob, size_t n, struct cert *c, const char **why)
{
	*c = (struct cert){ .alg = NULL };
	*why = NULL;
	if (n > KEY_BLOB_MAX)
		*why = "the certificate is too long";
	else if (!take_fields(blob_of(blob, n), c))
		*why = c->alg == NULL ? "not a certificate of a known type" :
		    "the certificate is malformed";
	else if (has_nul(c->key_id))
		*why = "the certificate's key id has a NUL";
	if (*why == NULL)
		*why = check_principals(c->principals);
	if (*why == NULL)
		*why = cert_options_parse(c);
	if (*why == NULL)
		*why = check_ca(c->ca_key);
	return *why == NULL ? 0 : -1;
}

int
cert_plain(const struct cert *c, uint8_t *out, size_t cap, size_t *len)
{
	size_t n = strlen(c->alg->key_type);

	if (cap < 4 + n || cap - 4 - n < c->key.n)
		return -1;
	memset(out, 0, 3);
	out[3] = (uint8_t)n;		/* no name here is longer than 64 */
	memcpy(out + 4, c->alg->key_type, n);
	if (c->key.n > 0)
		memcpy(out + 4 + n, c->key.p, c->key.n);
	*len = 4 + n + c->key.n;
	return 0;
}
