/*
 * cipher_ctr_mac.c - aes128/192/256-ctr (RFC 4344) with a MAC beside it (mac_*.c), plain
 * and in OpenSSH's -etm form.
 *
 * Plain: the MAC is over the clear packet, so the first block must be decrypted
 * before its length can be believed; an attacker can make us wait for bytes, and
 * the caller's bound on the length is what limits that.  -etm: the length is in
 * clear, the MAC over the encrypted packet is checked before anything is
 * decrypted.  The key stream runs on from packet to packet; each key stream byte
 * is used once.
 */
#include "crypto/cipher.h"

enum { AES_BLOCK = 16 };

static const struct {
	uint8_t key_len;
	const char *name;
} ctr_names[] = {
	{ 16, "AES-128-CTR" },
	{ 24, "AES-192-CTR" },
	{ 32, "AES-256-CTR" },
};
enum { CTR_NAMES = sizeof(ctr_names) / sizeof(ctr_names[0]) };

/* Set once by ctr_mac_start, read only afterwards. */
static EVP_CIPHER *ctr_fetched[CTR_NAMES];

static int
ctr_mac_start(void)
{
	for (size_t i = 0; i < CTR_NAMES; i++) {
		if (ctr_fetched[i] == NULL)
			ctr_fetched[i] = EVP_CIPHER_fetch(NULL, ctr_names[i].name, NULL);
		if (ctr_fetched[i] == NULL)
			return -1;
	}
	return 0;
}

static int
ctr_mac_init(struct protect *p, const struct protect_keys *keys)
{
	size_t i;

	if (ctr_mac_start() != 0 || p->mac->ops->init(p, keys->mac) != 0)
		return -1;
	for (i = 0; i < CTR_NAMES && ctr_names[i].key_len != p->cipher->key_len; i++)
		;
	p->body = EVP_CIPHER_CTX_new();
	if (i == CTR_NAMES || p->body == NULL)
		return -1;
	return EVP_EncryptInit_ex2(p->body, ctr_fetched[i], keys->key, keys->iv, NULL) == 1 ?
	    0 : -1;
}

/* Counter mode: decryption is encryption. */
static int
crypt_bytes(struct protect *p, uint8_t *bytes, size_t len)
{
	int n;

	return EVP_EncryptUpdate(p->body, bytes, &n, bytes, (int)len) == 1 ? 0 : -1;
}

static int
ctr_mac_read_length(struct protect *p, uint32_t seq, uint8_t *packet, uint32_t *packet_length)
{
	(void)seq;
	if (!p->mac->etm && crypt_bytes(p, packet, AES_BLOCK) != 0)
		return -1;
	*packet_length = packet_u32(packet);
	return 0;
}

static int
ctr_mac_open(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	if (p->mac->etm) {
		if (mac_check(p, seq, packet, total) != 0)
			return -1;
		return crypt_bytes(p, packet + PACKET_LENGTH, total - PACKET_LENGTH);
	}
	if (crypt_bytes(p, packet + AES_BLOCK, total - AES_BLOCK) != 0 ||
	    mac_check(p, seq, packet, total) != 0) {
		crypto_wipe(packet, total);
		return -1;
	}
	return 0;
}

static int
ctr_mac_seal(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	if (p->mac->etm) {
		if (crypt_bytes(p, packet + PACKET_LENGTH, total - PACKET_LENGTH) != 0)
			return -1;
		return p->mac->ops->compute(p, seq, packet, total, packet + total);
	}
	if (p->mac->ops->compute(p, seq, packet, total, packet + total) != 0)
		return -1;
	return crypt_bytes(p, packet, total);
}

const struct cipher_ops cipher_ctr_mac = {
	.start = ctr_mac_start,
	.init = ctr_mac_init,
	.read_length = ctr_mac_read_length,
	.open = ctr_mac_open,
	.seal = ctr_mac_seal,
};
