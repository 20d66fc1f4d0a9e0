/*
 * mac_hmac.c - HMAC with a hash of the SHA family (RFC 4253 section 6.4, RFC 6668), by
 * OpenSSL.
 *
 * The MAC is over the sequence number and the packet.  Its context is made once per key;
 * it must never be asked for another key.
 */
#include "crypto/cipher.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/hash.h"

/* Set once by hmac_has, read only afterwards. */
static EVP_MAC *hmac;

static bool
hmac_has(const struct mac_alg *alg)
{
	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	return hmac != NULL && hash_has(alg->hash);
}

static int
hmac_init(struct protect *p, const uint8_t *key)
{
	/* OpenSSL takes names as writable; it does not write. */
	char *digest = (char *)(uintptr_t)hash_name(p->mac->hash);
	OSSL_PARAM params[2];

	if (digest == NULL || !hmac_has(p->mac))
		return -1;
	p->mac_ctx = EVP_MAC_CTX_new(hmac);
	if (p->mac_ctx == NULL)
		return -1;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	return EVP_MAC_init(p->mac_ctx, key, p->mac->key_len, params) == 1 ? 0 : -1;
}

static int
hmac_compute(struct protect *p, uint32_t seq, const uint8_t *packet, size_t total, uint8_t *out)
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

const struct mac_ops mac_hmac = {
	.has = hmac_has,
	.init = hmac_init,
	.compute = hmac_compute,
};
