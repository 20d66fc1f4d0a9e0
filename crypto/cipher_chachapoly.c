/*
 * cipher_chachapoly.c - chacha20-poly1305@openssh.com (OpenSSH's
 * PROTOCOL.chacha20poly1305).
 *
 * 64 key bytes: the first half encrypts the packet and makes the Poly1305 key
 * (block 0; the text starts at block 1), the second half encrypts the length
 * alone.  The nonce is the sequence number, so a number used twice under one key
 * gives both texts and the tag key away: the caller rekeys long before.  The
 * decrypted length is unauthenticated until the tag over it has been checked, and
 * the tag is checked before anything else is decrypted.
 *
 * OpenSSL's ChaCha20 and Poly1305, streamed, are twice as fast as libsodium's.
 */
#include "crypto/cipher.h"

#include <string.h>

enum {
	CHACHA_KEY = 32,
	CHACHA_BLOCK = 64,
	CHACHA_IV = 16,			/* counter, little endian 64 bit; nonce 64 bit */
	POLY_TAG = 16,
};

/* Set once by chachapoly_has, read only afterwards. */
static EVP_CIPHER *chacha20;
static EVP_MAC *poly1305;

static bool
chachapoly_has(const struct cipher_alg *only_one)
{
	(void)only_one;
	if (chacha20 == NULL)
		chacha20 = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
	if (poly1305 == NULL)
		poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	return chacha20 != NULL && poly1305 != NULL;
}

static int
chachapoly_init(struct protect *p, const struct protect_keys *keys)
{
	if (!chachapoly_has(p->cipher))
		return -1;
	p->body = EVP_CIPHER_CTX_new();
	p->length = EVP_CIPHER_CTX_new();
	p->mac_ctx = EVP_MAC_CTX_new(poly1305);
	if (p->body == NULL || p->length == NULL || p->mac_ctx == NULL)
		return -1;
	if (EVP_EncryptInit_ex2(p->body, chacha20, keys->key, NULL, NULL) != 1 ||
	    EVP_EncryptInit_ex2(p->length, chacha20, keys->key + CHACHA_KEY, NULL, NULL) != 1)
		return -1;
	return 0;
}

/* Start of the key stream of packet seq: block 0. */
static int
set_nonce(struct protect *p, EVP_CIPHER_CTX *ctx, uint32_t seq)
{
	packet_put_u32(p->iv + CHACHA_IV - 4, seq);
	return EVP_EncryptInit_ex2(ctx, NULL, NULL, p->iv, NULL) == 1 ? 0 : -1;
}

/* Leaves body at block 1 and the MAC ready. */
static int
start_packet(struct protect *p, uint32_t seq)
{
	static const uint8_t zero[CHACHA_BLOCK];
	uint8_t block[CHACHA_BLOCK];
	int n, r = -1;

	if (set_nonce(p, p->body, seq) == 0 &&
	    EVP_EncryptUpdate(p->body, block, &n, zero, sizeof(zero)) == 1 &&
	    EVP_MAC_init(p->mac_ctx, block, CHACHA_KEY, NULL) == 1)
		r = 0;
	crypto_wipe(block, sizeof(block));
	return r;
}

static int
compute_tag(struct protect *p, const uint8_t *packet, size_t total, uint8_t *tag)
{
	size_t n;

	if (EVP_MAC_update(p->mac_ctx, packet, total) != 1 ||
	    EVP_MAC_final(p->mac_ctx, tag, &n, POLY_TAG) != 1 || n != POLY_TAG)
		return -1;
	return 0;
}

static int
crypt_length(struct protect *p, uint32_t seq, const uint8_t *in, uint8_t *out)
{
	int n;

	if (set_nonce(p, p->length, seq) != 0 ||
	    EVP_EncryptUpdate(p->length, out, &n, in, PACKET_LENGTH) != 1)
		return -1;
	return 0;
}

static int
chachapoly_read_length(struct protect *p, uint32_t seq, uint8_t *packet,
    uint32_t *packet_length)
{
	uint8_t clear[PACKET_LENGTH];

	/* Not in place: the tag is over the encrypted length. */
	if (crypt_length(p, seq, packet, clear) != 0)
		return -1;
	*packet_length = packet_u32(clear);
	return 0;
}

static int
chachapoly_open(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	uint8_t tag[POLY_TAG];
	bool same;
	int n;

	if (start_packet(p, seq) != 0 || compute_tag(p, packet, total, tag) != 0)
		return -1;
	same = crypto_equal(tag, packet + total, POLY_TAG);
	crypto_wipe(tag, sizeof(tag));
	if (!same)
		return -1;
	if (EVP_EncryptUpdate(p->body, packet + PACKET_LENGTH, &n, packet + PACKET_LENGTH,
	    (int)(total - PACKET_LENGTH)) != 1)
		return -1;
	/* The tag covered the encrypted length of exactly this many bytes. */
	packet_put_u32(packet, (uint32_t)(total - PACKET_LENGTH));
	return 0;
}

static int
chachapoly_seal(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	int n;

	if (start_packet(p, seq) != 0 ||
	    crypt_length(p, seq, packet, packet) != 0 ||
	    EVP_EncryptUpdate(p->body, packet + PACKET_LENGTH, &n, packet + PACKET_LENGTH,
	    (int)(total - PACKET_LENGTH)) != 1)
		return -1;
	return compute_tag(p, packet, total, packet + total);
}

const struct cipher_ops cipher_chachapoly = {
	.has = chachapoly_has,
	.init = chachapoly_init,
	.read_length = chachapoly_read_length,
	.open = chachapoly_open,
	.seal = chachapoly_seal,
};
