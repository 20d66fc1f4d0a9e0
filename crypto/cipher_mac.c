/*
 * cipher_mac.c - AES in a mode that authenticates nothing, with a MAC beside it (mac_*.c),
 * plain or in OpenSSH's -etm form: aes128/192/256-ctr (RFC 4344), -cbc (RFC 4253).
 *
 * Plain: the MAC is over the clear packet, so the first block must be decrypted
 * before its length can be believed; an attacker can make us wait for bytes, and
 * the caller's bound on the length is what limits that.  In CBC he can choose which
 * block that is: see protect_reads_on.  -etm: the length is in clear, the MAC over the
 * encrypted packet is checked before anything is decrypted.  Key stream and chain run
 * on from packet to packet; each key stream byte is used once.
 */
#include "crypto/cipher.h"

enum { AES_BLOCK = 16 };

struct mode {
	uint8_t key_len;
	const char *name;
	EVP_CIPHER *fetched;		/* once each, by has; read only afterwards */
};
static struct mode ctr[] = {
	{ 16, "AES-128-CTR", NULL }, { 24, "AES-192-CTR", NULL }, { 32, "AES-256-CTR", NULL },
};
static struct mode cbc[] = {
	{ 16, "AES-128-CBC", NULL }, { 24, "AES-192-CBC", NULL }, { 32, "AES-256-CBC", NULL },
};
enum { KEY_LENGTHS = 3 };

/* NULL: the provider does not have it. */
static const EVP_CIPHER *
fetched(struct mode modes[KEY_LENGTHS], size_t key_len)
{
	for (size_t i = 0; i < KEY_LENGTHS; i++) {
		if (modes[i].key_len != key_len)
			continue;
		if (modes[i].fetched == NULL)
			modes[i].fetched = EVP_CIPHER_fetch(NULL, modes[i].name, NULL);
		return modes[i].fetched;
	}
	return NULL;
}

static bool
ctr_has(const struct cipher_alg *alg)
{
	return fetched(ctr, alg->key_len) != NULL;
}

static bool
cbc_has(const struct cipher_alg *alg)
{
	return fetched(cbc, alg->key_len) != NULL;
}

static int
init(struct protect *p, const struct protect_keys *keys, struct mode modes[KEY_LENGTHS],
    bool encrypt)
{
	const EVP_CIPHER *cipher = fetched(modes, p->cipher->key_len);

	if (cipher == NULL || p->mac->ops->init(p, keys->mac) != 0)
		return -1;
	p->body = EVP_CIPHER_CTX_new();
	if (p->body == NULL)
		return -1;
	return EVP_CipherInit_ex2(p->body, cipher, keys->key, keys->iv, encrypt, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(p->body, 0) == 1 ? 0 : -1;
}

/* Counter mode: decryption is encryption. */
static int
ctr_init(struct protect *p, const struct protect_keys *keys)
{
	return init(p, keys, ctr, true);
}

static int
cbc_init(struct protect *p, const struct protect_keys *keys)
{
	return init(p, keys, cbc, p->encrypt);
}

static int
crypt_bytes(struct protect *p, uint8_t *bytes, size_t len)
{
	int n;

	return EVP_CipherUpdate(p->body, bytes, &n, bytes, (int)len) == 1 && (size_t)n == len ? 0 : -1;
}

static int
read_length(struct protect *p, uint32_t seq, uint8_t *packet, uint32_t *packet_length)
{
	(void)seq;
	if (!p->mac->etm && crypt_bytes(p, packet, AES_BLOCK) != 0)
		return -1;
	*packet_length = packet_u32(packet);
	return 0;
}

static int
open_packet(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
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
seal_packet(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
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

const struct cipher_ops cipher_mac_ctr = {
	.has = ctr_has,
	.init = ctr_init,
	.read_length = read_length,
	.open = open_packet,
	.seal = seal_packet,
};

const struct cipher_ops cipher_mac_cbc = {
	.chained = true,
	.has = cbc_has,
	.init = cbc_init,
	.read_length = read_length,
	.open = open_packet,
	.seal = seal_packet,
};
