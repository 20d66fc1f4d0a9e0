/*
 * cipher_aesgcm.c - aes128-gcm@openssh.com and aes256-gcm@openssh.com (RFC 5647,
 * with OpenSSH's names: chosen as a cipher, the MAC list is ignored).
 *
 * The length goes in clear and is the additional data.  The IV is 4 fixed bytes
 * and a counter of 8 that goes up by one per packet, failed ones too: no IV
 * ever meets the key twice.  OpenSSL decrypts while it checks and compares the
 * tag itself, in constant time; what it wrote before a wrong tag showed up is
 * wiped, so that unauthenticated text never leaves this file.
 */
#include "crypto/cipher.h"

enum {
	GCM_FIXED = 4,
	GCM_IV = 12,
	GCM_TAG = 16,
};

/* Set once each by aesgcm_has, read only afterwards. */
static EVP_CIPHER *aes128_gcm, *aes256_gcm;

static EVP_CIPHER *
fetched(const struct cipher_alg *alg)
{
	bool small = alg->key_len == 16;
	EVP_CIPHER **at = small ? &aes128_gcm : &aes256_gcm;

	if (*at == NULL)
		*at = EVP_CIPHER_fetch(NULL, small ? "AES-128-GCM" : "AES-256-GCM", NULL);
	return *at;
}

static bool
aesgcm_has(const struct cipher_alg *alg)
{
	return fetched(alg) != NULL;
}

static int
aesgcm_init(struct protect *p, const struct protect_keys *keys)
{
	const EVP_CIPHER *cipher = fetched(p->cipher);

	if (cipher == NULL)
		return -1;
	p->body = EVP_CIPHER_CTX_new();
	if (p->body == NULL ||
	    EVP_CipherInit_ex2(p->body, cipher, keys->key, NULL, p->encrypt, NULL) != 1)
		return -1;
	for (size_t i = 0; i < GCM_IV; i++)
		p->iv[i] = keys->iv[i];
	return 0;
}

static int
start_packet(struct protect *p, const uint8_t *packet)
{
	int n, r;

	r = EVP_CipherInit_ex2(p->body, NULL, NULL, p->iv, -1, NULL);
	for (size_t i = GCM_IV; i > GCM_FIXED; i--)
		if (++p->iv[i - 1] != 0)
			break;
	if (r != 1 || EVP_CipherUpdate(p->body, NULL, &n, packet, PACKET_LENGTH) != 1)
		return -1;
	return 0;
}

static int
aesgcm_read_length(struct protect *p, uint32_t seq, uint8_t *packet, uint32_t *packet_length)
{
	(void)p;
	(void)seq;			/* the IV has a counter of its own */
	*packet_length = packet_u32(packet);
	return 0;
}

static int
aesgcm_open(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	uint8_t *text = packet + PACKET_LENGTH;
	size_t len = total - PACKET_LENGTH;
	int n;

	(void)seq;
	if (start_packet(p, packet) != 0 ||
	    EVP_CIPHER_CTX_ctrl(p->body, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, packet + total) != 1 ||
	    EVP_DecryptUpdate(p->body, text, &n, text, (int)len) != 1 ||
	    EVP_DecryptFinal_ex(p->body, text + len, &n) != 1) {
		crypto_wipe(text, len);
		return -1;
	}
	return 0;
}

static int
aesgcm_seal(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	uint8_t *text = packet + PACKET_LENGTH;
	size_t len = total - PACKET_LENGTH;
	int n;

	(void)seq;
	if (start_packet(p, packet) != 0 ||
	    EVP_EncryptUpdate(p->body, text, &n, text, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(p->body, text + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(p->body, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, packet + total) != 1)
		return -1;
	return 0;
}

const struct cipher_ops cipher_aesgcm = {
	.has = aesgcm_has,
	.init = aesgcm_init,
	.read_length = aesgcm_read_length,
	.open = aesgcm_open,
	.seal = aesgcm_seal,
};
