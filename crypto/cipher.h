/*
 * cipher.h - one direction's packet protection, as its own files see it.
 *
 * cipher_protect.c checks lengths and order of calls, so that a row's
 * operations get only packets that can be; algs.c has the rows.
 */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include <openssl/evp.h>

#include "crypto/crypto.h"

enum {
	PACKET_LENGTH = 4,		/* bytes of the packet_length field    */
	PROTECT_TOTAL_MAX = 1 << 24,	/* far above any packet, far below int */
};

/* All contexts are made once per key; per packet only the IV changes. */
struct protect {
	const struct cipher_alg *cipher;
	const struct mac_alg *mac;	/* NULL for an AEAD                    */
	bool encrypt;
	bool length_known;		/* protect_length ran for this packet  */
	bool dead;			/* something failed: nothing works now */
	uint8_t aad, head, tag;
	EVP_CIPHER_CTX *body;
	EVP_CIPHER_CTX *length;		/* chacha: the length has its own key  */
	EVP_MAC_CTX *mac_ctx;
	struct umac *umac;
	uint8_t iv[CIPHER_IV_MAX];
};

/* Functions return 0 or -1. */
struct cipher_ops {
	bool chained;			/* any block of ciphertext may be put before any other */
	/* Fetches what the row needs: does the provider have it? */
	bool (*has)(const struct cipher_alg *);
	int (*init)(struct protect *, const struct protect_keys *);
	int (*read_length)(struct protect *, uint32_t seq, uint8_t *packet,
	    uint32_t *packet_length);
	int (*open)(struct protect *, uint32_t seq, uint8_t *packet, size_t total);
	int (*seal)(struct protect *, uint32_t seq, uint8_t *packet, size_t total);
};
extern const struct cipher_ops cipher_chachapoly;
extern const struct cipher_ops cipher_aesgcm;
extern const struct cipher_ops cipher_mac_ctr;
extern const struct cipher_ops cipher_mac_cbc;

/* What a row of the MAC table is made of.  compute writes the row's tag_len bytes; the
 * sequence number goes in as the construction wants it. */
struct mac_ops {
	bool (*has)(const struct mac_alg *);	/* as above */
	int (*init)(struct protect *, const uint8_t *key);
	int (*compute)(struct protect *, uint32_t seq, const uint8_t *packet, size_t total,
	    uint8_t *out);
};
extern const struct mac_ops mac_hmac;
extern const struct mac_ops mac_umac;
/* 0 if the row's MAC of packet stands behind it; in constant time (cipher_protect.c). */
CRYPTO_CHECKED int mac_check(struct protect *, uint32_t seq, const uint8_t *packet, size_t total);

static inline uint32_t
packet_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void
packet_put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

#endif
