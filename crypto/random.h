/* random.h - for crypto_init alone: makes the generator's page. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "crypto/crypto.h"

CRYPTO_CHECKED int random_start(void);

#endif
