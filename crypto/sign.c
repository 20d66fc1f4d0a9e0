/*
 * sign.c - the table of signature algorithms, in the order of names.def.
 *
 * Linked into whoever holds keys, never into a worker.
 */
#include "crypto/sign.h"

#include <string.h>

#include "crypto/sign_evp.h"

static const struct sign_alg *const sign_rows[] = {
	&sign_ed25519,
	&sign_sk_ed25519,
	&sign_ecdsa_nistp256,
	&sign_ecdsa_nistp384,
	&sign_ecdsa_nistp521,
	&sign_sk_ecdsa,
	&sign_sk_webauthn,
	&sign_rsa_sha2_512,
	&sign_rsa_sha2_256,
	&sign_rsa_sha1,
	&sign_dsa,
};
enum { SIGN_ROWS = sizeof(sign_rows) / sizeof(sign_rows[0]) };

/* Set by sign_start, read only afterwards. */
static bool is_missing[SIGN_ROWS];

int
sign_start(void)
{
	if (sign_evp_start() != 0)
		return -1;
	for (size_t i = 0; i < SIGN_ROWS; i++)
		is_missing[i] = sign_rows[i]->has != NULL && !sign_rows[i]->has();
	return 0;
}

const struct sign_alg *
sign_find(const char *name, size_t n)
{
	for (size_t i = 0; i < SIGN_ROWS; i++)
		if (!is_missing[i] && strlen(sign_rows[i]->name) == n &&
		    memcmp(sign_rows[i]->name, name, n) == 0)
			return sign_rows[i];
	return NULL;
}

/* The i-th of those that are missing, or of those that are not. */
static const struct sign_alg *
nth(size_t i, bool missing)
{
	for (size_t row = 0; row < SIGN_ROWS; row++)
		if (is_missing[row] == missing && i-- == 0)
			return sign_rows[row];
	return NULL;
}

const struct sign_alg *
sign_at(size_t i)
{
	return nth(i, false);
}

const char *
sign_missing(size_t i)
{
	const struct sign_alg *row = nth(i, true);

	return row == NULL ? NULL : row->name;
}

struct blob
sign_named(const uint8_t *p, size_t n, const char *name)
{
	struct blob in = blob_of(p, n);

	if (!blob_is_name(blob_string(&in, NAME_MAX_LEN), name))
		in.bad = true;
	return in;
}

int
sign_verify(const struct sign_alg *alg, const uint8_t *blob, size_t blob_len,
    const uint8_t *data, size_t data_len, const uint8_t *sig, size_t sig_len,
    struct sign_facts *facts)
{
	*facts = (struct sign_facts){ 0 };
	if (alg->facts != NULL)
		return alg->facts(blob, blob_len, data, data_len, sig, sig_len, facts);
	return alg->verify(blob, blob_len, data, data_len, sig, sig_len);
}

bool
sign_key_works(const struct sign_key *key, const uint8_t *blob, size_t blob_len)
{
	static const uint8_t trial[] = "trial";
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	return key->alg->sign(key, trial, sizeof(trial), sig, sizeof(sig), &n) == 0 &&
	    key->alg->verify(blob, blob_len, trial, sizeof(trial), sig, n) == 0;
}

struct sign_key *
sign_key_new(const struct sign_alg *alg, size_t n)
{
	struct sign_key *key = crypto_secret_alloc(sizeof(*key) + n);

	if (key == NULL)
		return NULL;
	key->alg = alg;
	key->n = n;
	return key;
}

const struct sign_alg *
sign_key_alg(const struct sign_key *key)
{
	return key->alg;
}

void
sign_key_free(struct sign_key *key)
{
	crypto_secret_free(key);
}
