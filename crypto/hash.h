/* hash.h - for the files of this folder that hand a hash to OpenSSL themselves. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "crypto/crypto.h"

/* Fetches every hash of the table; harmless when repeated. */
CRYPTO_CHECKED int hash_start(void);
/* OpenSSL's name of it, or NULL. */
const char *hash_name(enum hash_id);

#endif
