/*
 * keymake.c - new private keys: Ed25519, ECDSA, RSA.
 *
 * Primes and scalars are OpenSSL's, from its own generator.  What it made goes through
 * the checks of a key that was read from a file, into the same form.
 */
#include "crypto/keymake.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/keyfile_format.h"
#include "crypto/keyfile_type.h"

static const struct keymake_type types[] = {
	{ "ed25519", 256, 256, 256 },
	{ "ecdsa", 256, 256, 521 },
	{ "rsa", 3072, KEYFILE_RSA_BITS_MIN, KEYFILE_RSA_BITS_MAX },
};

const struct keymake_type *
keymake_find(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

int
keymake(const struct keymake_type *type, unsigned bits, struct keyfile_key *out)
{
	EVP_PKEY *pkey = NULL;
	int r = -1;

	if (strcmp(type->name, "ed25519") == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (strcmp(type->name, "rsa") == 0)
		pkey = EVP_RSA_gen(bits);
	else if (bits == 256 || bits == 384 || bits == 521)
		pkey = EVP_EC_gen(bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521");
	if (pkey != NULL && keyfile_pkey_make(pkey, out) == KEYFILE_OK) {
		out->comment[0] = '\0';
		r = 0;
	}
	EVP_PKEY_free(pkey);
	return r;
}
