/*
 * sign.c - the table of signature algorithms, in the order of names.def.
 *
 * Linked into whoever holds keys, never into a worker.
 */
#include "crypto/sign.h"

#include <string.h>

static const struct sign_alg *const sign_rows[] = {
	&sign_ed25519,
};
enum { SIGN_ROWS = sizeof(sign_rows) / sizeof(sign_rows[0]) };

const struct sign_alg *
sign_find(const char *name, size_t n)
{
	for (size_t i = 0; i < SIGN_ROWS; i++)
		if (strlen(sign_rows[i]->name) == n &&
		    memcmp(sign_rows[i]->name, name, n) == 0)
			return sign_rows[i];
	return NULL;
}

const struct sign_alg *
sign_at(size_t i)
{
	return i < SIGN_ROWS ? sign_rows[i] : NULL;
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
