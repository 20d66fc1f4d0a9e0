/*
 * mac_umac.c - UMAC as a packet's MAC: umac-64@openssh.com, umac-128@openssh.com and their
 * -etm forms.
 *
 * The nonce is the sequence number in 8 bytes; the number itself is not hashed.  A nonce
 * that returned under a key would give the key away: sequence numbers do not, because
 * keys change before 2^31 packets.
 */
#include "crypto/cipher.h"
#include "crypto/umac.h"

_Static_assert((int)PROTECT_TOTAL_MAX <= (int)UMAC_MESSAGE_MAX, "any packet has a tag");

static int
mac_umac_init(struct protect *p, const uint8_t *key)
{
	if (p->mac->key_len != UMAC_KEY)
		return -1;
	p->umac = umac_new(key, p->mac->tag_len);
	return p->umac != NULL ? 0 : -1;
}

static int
mac_umac_compute(struct protect *p, uint32_t seq, const uint8_t *packet, size_t total, uint8_t *out)
{
	uint8_t nonce[UMAC_NONCE] = { 0 };

	packet_put_u32(nonce + UMAC_NONCE - 4, seq);
	return umac_tag(p->umac, nonce, packet, total, out);
}

static bool
mac_umac_has(const struct mac_alg *either)
{
	(void)either;
	return umac_start() == 0;
}

const struct mac_ops mac_umac = {
	.has = mac_umac_has,
	.init = mac_umac_init,
	.compute = mac_umac_compute,
};
