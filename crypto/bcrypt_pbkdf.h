/* bcrypt_pbkdf.h - the password function of encrypted OpenSSH key files. */
#ifndef CRYPTO_BCRYPT_PBKDF_H
#define CRYPTO_BCRYPT_PBKDF_H

#include "crypto/crypto.h"

enum {
	BCRYPT_PBKDF_SALT_MAX = 64,
	BCRYPT_PBKDF_KEY_MAX = 128,
};

/* -1: something empty or too long, or no memory.  Time grows with rounds and
 * with each 32 bytes of key: the caller bounds rounds. */
CRYPTO_CHECKED int bcrypt_pbkdf(const void *pass, size_t pass_len,
    const uint8_t *salt, size_t salt_len, uint32_t rounds, uint8_t *key, size_t key_len);

#endif
