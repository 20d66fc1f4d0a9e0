/*
 * cipher_protect.c - the protect_* calls: packet protection for one direction.
 *
 * Lengths come from the network through the caller; here they are compared with
 * what the cipher can take before any operation sees them.  Once anything has
 * failed the direction is dead: an attacker has one guess per connection, and no
 * caller's mistake turns a refused packet into an accepted one.
 */
#include "crypto/cipher.h"

#include <stdlib.h>

#include "crypto/umac.h"

struct protect *
protect_new(const struct cipher_alg *cipher, const struct mac_alg *mac,
    const struct protect_keys *keys, bool encrypt)
{
	struct protect *p;
	bool aead = cipher->tag_len != 0;

	/* A cipher without its MAC would be a stream anybody can edit. */
	if (!aead && (mac == NULL || keys->mac == NULL))
		return NULL;
	if (keys->key == NULL || (cipher->iv_len > 0 && keys->iv == NULL))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->cipher = cipher;
	p->mac = aead ? NULL : mac;
	p->encrypt = encrypt;
	p->tag = aead ? cipher->tag_len : mac->tag_len;
	p->aad = aead || mac->etm ? PACKET_LENGTH : 0;
	p->head = p->aad != 0 ? PACKET_LENGTH : cipher->block;
	if (cipher->ops->init(p, keys) != 0) {
		protect_free(p);
		return NULL;
	}
	return p;
}

void
protect_free(struct protect *p)
{
	if (p == NULL)
		return;
	/* OpenSSL wipes the key schedules it frees. */
	EVP_CIPHER_CTX_free(p->body);
	EVP_CIPHER_CTX_free(p->length);
	EVP_MAC_CTX_free(p->mac_ctx);
	umac_free(p->umac);
	crypto_wipe(p, sizeof(*p));
	free(p);
}

size_t
protect_aad(const struct protect *p)
{
	return p->aad;
}

size_t
protect_tag(const struct protect *p)
{
	return p->tag;
}

size_t
protect_head(const struct protect *p)
{
	return p->head;
}

size_t
protect_block(const struct protect *p)
{
	return p->cipher->block;
}

bool
protect_reads_on(const struct protect *p)
{
	return p->cipher->ops->chained && p->aad == 0;
}

void
protect_spend(struct protect *p, const uint8_t *bytes, size_t n)
{
	uint8_t mac[CIPHER_TAG_MAX];

	if (p->mac != NULL && n <= PROTECT_TOTAL_MAX)
		(void)p->mac->ops->compute(p, 0, bytes, n, mac);	/* nobody asks what it is */
	crypto_wipe(mac, sizeof(mac));
}

int
mac_check(struct protect *p, uint32_t seq, const uint8_t *packet, size_t total)
{
	uint8_t mac[CIPHER_TAG_MAX];
	int r = -1;

	if (p->mac->ops->compute(p, seq, packet, total, mac) == 0 &&
	    crypto_equal(mac, packet + total, p->tag))
		r = 0;
	/* The right MAC of a forged packet is what its sender wants to know. */
	crypto_wipe(mac, sizeof(mac));
	return r;
}

static bool
fits(const struct protect *p, size_t total)
{
	return total >= (size_t)p->aad + p->cipher->block &&
	    total <= PROTECT_TOTAL_MAX && (total - p->aad) % p->cipher->block == 0;
}

int
protect_length(struct protect *p, uint32_t seq, uint8_t *packet, uint32_t *packet_length)
{
	if (p->dead || p->encrypt || p->length_known ||
	    p->cipher->ops->read_length(p, seq, packet, packet_length) != 0) {
		p->dead = true;
		return -1;
	}
	p->length_known = true;
	return 0;
}

int
protect_open(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	if (p->dead || p->encrypt || !p->length_known || !fits(p, total) ||
	    p->cipher->ops->open(p, seq, packet, total) != 0) {
		p->dead = true;
		return -1;
	}
	p->length_known = false;
	return 0;
}

int
protect_seal(struct protect *p, uint32_t seq, uint8_t *packet, size_t total)
{
	if (p->dead || !p->encrypt || !fits(p, total) ||
	    p->cipher->ops->seal(p, seq, packet, total) != 0) {
		p->dead = true;
		return -1;
	}
	return 0;
}
