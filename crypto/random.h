/* random.h - for crypto_init alone. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "crypto/crypto.h"

/* Makes the generator's page. */
CRYPTO_CHECKED int random_start(void);
/* From now on OpenSSL has its randomness from it. */
CRYPTO_CHECKED int random_openssl_start(void);

#endif
