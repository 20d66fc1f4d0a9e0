/* keymake.h - new private keys, for postern-keygen. */
#ifndef CRYPTO_KEYMAKE_H
#define CRYPTO_KEYMAKE_H

#include "crypto/keyfile.h"

struct keymake_type {
	const char *name;		/* for -t */
	unsigned bits_default, bits_min, bits_max;
};
/* NULL: none of that name. */
const struct keymake_type *keymake_find(const char *name);
/* 0; -1: no key of that size, or the library failed.  The comment stays empty. */
CRYPTO_CHECKED int keymake(const struct keymake_type *, unsigned bits, struct keyfile_key *out);

#endif
