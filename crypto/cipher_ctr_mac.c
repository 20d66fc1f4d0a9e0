/*
 * cipher_ctr_mac.c - aes128/192/256-ctr (RFC 4344) with hmac-sha2-256/512 (RFC
 * 6668), plain and in OpenSSH's -etm form.
 *
 * Plain: the MAC is over the clear packet, so the first block must be decrypted
 * before its length can be believed; an attacker can make us wait for bytes, and
 * the caller's bound on the length is what limits that.  -etm: the length is in
 * clear, the MAC over the encrypted packet is checked before anything is
 * decrypted.  The key stream runs on from packet to packet; each key stream byte
 * is used once.
 */
#include "crypto/cipher.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/hash.h"

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
static EVP_MAC *hmac;

static int
ctr_mac_start(void)
{
	for (size_t i = 0; i < CTR_NAMES; i++) {
		if (ctr_fetched[i] == NULL)
			ctr_fetched[i] = EVP_CIPHER_fetch(NULL, ctr_names[i].name, NULL);
		if (ctr_fetched[i] == NULL)
			return -1;
	}
	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	return hmac != NULL ? hash_start() : -1;
}

static int
ctr_mac_init(struct protect *p, const struct protect_keys *keys)
{
	/* OpenSSL takes names as writable; it does not write. */
	char *digest = (char *)(uintptr_t)hash_name(p->mac->hash);
	OSSL_PARAM params[2];
	size_t i;

	if (digest == NULL || ctr_mac_start() != 0)
		return -1;
	for (i = 0; i < CTR_NAMES && ctr_names[i].key_len != p->cipher->key_len; i++)
		;
	p->body = EVP_CIPHER_CTX_new();
	p->mac_ctx = EVP_MAC_CTX_new(hmac);
	if (i == CTR_NAMES || p->body == NULL || p->mac_ctx == NULL)
		return -1;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (EVP_MAC_init(p->mac_ctx, keys->mac, p->mac->key_len, params) != 1)
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
compute_mac(struct protect *p, uint32_t seq, const uint8_t *packet, size_t total, uint8_t *out)
{
	uint8_t number[4];
	size_t n;

	packet_put_u32(number, seq);
	/* Without a key: back to the state just behind the key that it has. */
	if (EVP_MAC_init(p->mac_ctx, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(p->mac_ctx, number, sizeof(number)) != 1 ||
	    EVP_MAC_update(p->mac_ctx, packet, total) != 1 ||
	    EVP_MAC_final(p->mac_ctx, out, &n, p->tag) != 1 || n != p->tag)
		return -1;
	return 0;
}

static int
check_mac(struct protect *p, uint32_t seq, const uint8_t *packet, size_t total)
{
	uint8_t mac[CIPHER_TAG_MAX];
	int r = -1;

	if (compute_mac(p, seq, packet, total, mac) == 0 &&
	    crypto_equal(mac, packet + total, p->tag))
		r = 0;
	/* The right MAC of a forged packet is what its sender wants to know. */
	crypto_wipe(mac, sizeof(mac));
	return r;
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
		if (check_mac(p, seq, packet, total) != 0)
			return -1;
		return crypt_bytes(p, packet + PACKET_LENGTH, total - PACKET_LENGTH);
	}
	if (crypt_bytes(p, packet + AES_BLOCK, total - AES_BLOCK) != 0 ||
	    check_mac(p, seq, packet, total) != 0) {
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
		return compute_mac(p, seq, packet, total, packet + total);
	}
	if (compute_mac(p, seq, packet, total, packet + total) != 0)
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
