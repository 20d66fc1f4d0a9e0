/* keyfile_cipher.h - the ciphers that private key files may be encrypted with. */
#ifndef CRYPTO_KEYFILE_CIPHER_H
#define CRYPTO_KEYFILE_CIPHER_H

#include "crypto/crypto.h"

enum keyfile_mode { KEYFILE_CLEAR = 1, KEYFILE_OPENSSL, KEYFILE_GCM, KEYFILE_CHACHAPOLY };

struct keyfile_cipher {
	const char *name;
	enum keyfile_mode mode;
	const char *openssl_name;
	size_t key_len, iv_len, block, tag_len;
};

/* Fetches every cipher of the table; harmless when repeated. */
void keyfile_cipher_start(void);
/* By OpenSSH's name; "none" has a row of its own.  NULL: not one of ours, or the provider
 * has it not. */
const struct keyfile_cipher *keyfile_cipher_find(const uint8_t *name, size_t n);

/* Decrypts n bytes, which the tag follows, into out.  key is the derived key with
 * the IV behind it.  -1: wrong key, or altered (only an AEAD can say so). */
CRYPTO_CHECKED int keyfile_decrypt(const struct keyfile_cipher *, const uint8_t *key,
    const uint8_t *in, size_t n, uint8_t *out);

/* PKCS#7 padding of whole blocks in clear: *n without it.  -1: it is none.  No oracle:
 * the one who asks has the file. */
CRYPTO_CHECKED int keyfile_cipher_unpad(const struct keyfile_cipher *, const uint8_t *p,
    size_t *n);

#endif
