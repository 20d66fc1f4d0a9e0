/* hash.h - for the files of this folder that hand a hash to OpenSSL themselves. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "crypto/crypto.h"

/* Asks the provider for every hash of the table and tries those that there are: -1, if one
 * computes wrongly.  Harmless when repeated. */
CRYPTO_CHECKED int hash_start(void);
bool hash_has(enum hash_id);		/* does the provider have it? */
/* OpenSSL's name of it, or NULL. */
const char *hash_name(enum hash_id);

#endif
