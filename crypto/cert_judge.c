/*
 * cert_judge.c - what a certificate is good for: type, time, principals, and whether
 * the CA it names has signed it.
 *
 * Whether that CA is one to be trusted is not known here.
 */
#include "crypto/cert.h"
#include "crypto/wildcard.h"

/* Valid from the first second to before the last (PROTOCOL.certkeys). */
const char *
cert_judge(const struct cert *c, enum cert_type type, uint64_t now)
{
	if (c->type != (uint32_t)type)
		return type == CERT_USER ? "the certificate is not a user certificate" :
		    "the certificate is not a host certificate";
	if (now < c->valid_after)
		return "the certificate is not yet valid";
	if (now >= c->valid_before)
		return "the certificate has expired";
	if (c->unknown.n > 0)
		return "the certificate has an unknown critical option";
	return NULL;
}

bool
cert_has_principal(const struct cert *c, const char *name, size_t n)
{
	struct blob list = c->principals, one;

	if (n == 0)
		return false;
	while (cert_principal_next(&list, &one)) {
		if (one.n == 0 || memchr(one.p, ',', one.n) != NULL)
			continue;
		if (c->type == CERT_HOST ? wildcard_match(one.p, one.n, name, n) : blob_is(one, name, n))
			return true;
	}
	return false;
}

/* Is name one of a comma-separated list? */
static bool
listed(struct blob name, const char *list, size_t n)
{
	struct blob rest = blob_of(list, n);

	while (rest.n > 0) {
		const uint8_t *comma = memchr(rest.p, ',', rest.n);
		size_t len = comma != NULL ? (size_t)(comma - rest.p) : rest.n;
		struct blob one = blob_take(&rest, len);

		if (one.n > 0 && blob_is(name, one.p, one.n))
			return true;
		if (comma != NULL)
			(void)blob_take(&rest, 1);	/* it is there */
	}
	return false;
}

const char *
cert_verify(const struct cert *c, const char *algorithms, size_t n)
{
	struct blob signature = c->signature, key = c->ca_key, name, type;
	const struct sign_alg *alg;

	name = blob_string(&signature, NAME_MAX_LEN);
	type = blob_string(&key, NAME_MAX_LEN);
	if (signature.bad || key.bad)
		return "the CA's signature of the certificate is malformed";
	if (!listed(name, algorithms, n))
		return "the certificate is signed with an algorithm that CAs may not use here";
	alg = sign_find((const char *)name.p, name.n);
	if (alg == NULL)
		return "the certificate is signed with an unknown algorithm";
	if (!blob_is_name(type, alg->key_type) ||
	    alg->verify(c->ca_key.p, c->ca_key.n, c->signed_part.p, c->signed_part.n,
	    c->signature.p, c->signature.n) != 0)
		return "the CA's signature of the certificate is not good";
	return NULL;
}
