/*
 * umac.h - UMAC (RFC 4418) with AES-128: tags of 8 or 16 bytes, nonces of 8.
 */
#ifndef CRYPTO_UMAC_H
#define CRYPTO_UMAC_H

#include "crypto/crypto.h"

enum {
	UMAC_KEY = 16,
	UMAC_NONCE = 8,
	UMAC_TAG_MAX = 16,
	UMAC_MESSAGE_MAX = 1 << 24,
};

/* Fetches AES; from crypto_init, harmless when repeated. */
CRYPTO_CHECKED int umac_start(void);
struct umac;
struct umac *umac_new(const uint8_t key[UMAC_KEY], size_t tag_len);	/* or NULL */
void umac_free(struct umac *);				/* wipes; accepts NULL */
/* No nonce may ever serve twice under a key: two tags with one nonce give the key away. */
CRYPTO_CHECKED int umac_tag(struct umac *, const uint8_t nonce[UMAC_NONCE], const uint8_t *message,
    size_t n, uint8_t *tag);

#endif
