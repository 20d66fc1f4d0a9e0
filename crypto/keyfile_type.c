/*
 * keyfile_type.c - the table of the types of private keys that files may have.
 */
#include "crypto/keyfile_type.h"

static const struct keyfile_type *const types[] = {
	&keyfile_ed25519, &keyfile_ecdsa[0], &keyfile_ecdsa[1], &keyfile_ecdsa[2],
	&keyfile_rsa, &keyfile_dsa, &keyfile_sk_ed25519, &keyfile_sk_ecdsa,
};

const struct keyfile_type *
keyfile_type_find(struct blob name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (blob_is_name(name, types[i]->name))
			return types[i];
	return NULL;
}

bool
keyfile_type_number(BIGNUM **out, struct blob number)
{
	if (number.bad || number.n == 0 || number.n > KEYFILE_NUMBER_MAX)
		return false;
	*out = BN_bin2bn(number.p, (int)number.n, NULL);
	return *out != NULL;
}
