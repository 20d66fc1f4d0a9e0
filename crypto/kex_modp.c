/*
 * kex_modp.c - groups of Diffie-Hellman modulo a prime: those of RFC 3526, and judging
 * those that somebody else gives (RFC 4419, RFC 8270).
 *
 * A given group is any bytes an attacker likes.  It is looked at, not proven: whoever
 * gives a p that is no prime gives away nothing but his own secret.  What a key exchange
 * with a group of RFC 3526 uses comes from here on both sides and never from a peer.
 */
#include "crypto/kex.h"

#include <openssl/bn.h>
#include <string.h>

static size_t
bits_of(const uint8_t *p, size_t n)
{
	size_t bits = n * 8;

	for (uint8_t top = p[0]; (top & 0x80) == 0 && bits > 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static uint32_t
remainder_of(const uint8_t *p, size_t n, uint32_t divisor)
{
	uint64_t r = 0;

	for (size_t i = 0; i < n; i++)
		r = (r << 8 | p[i]) % divisor;
	return (uint32_t)r;
}

/* No proof of anything: it catches a p that was damaged or never meant. */
static bool
has_small_factor(const uint8_t *p, size_t n)
{
	static const uint8_t primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
		53, 59, 61, 67 };
	/* of those primes in their order, each below 2^32 */
	static const uint32_t products[] = { 111546435, 58642669, 600662303 };

	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
		uint32_t r = remainder_of(p, n, products[i]);

		for (size_t j = 0; j < sizeof(primes); j++)
			if (products[i] % primes[j] == 0 && r % primes[j] == 0)
				return true;
	}
	return false;
}

/* 1 < g < p-1, both without leading zeros, p odd. */
static bool
is_between(const uint8_t *g, size_t g_len, const uint8_t *p, size_t p_len)
{
	int order;

	if (g_len == 0 || g_len > p_len || g[0] == 0 || (g_len == 1 && g[0] == 1))
		return false;
	if (g_len < p_len)
		return true;
	/* p is odd: p-1 differs in the last byte only */
	order = memcmp(g, p, p_len - 1);
	return order < 0 || (order == 0 && g[p_len - 1] < p[p_len - 1] - 1);
}

size_t
kex_group_bits(const struct kex_group *group)
{
	return bits_of(group->p, group->p_len);
}

int
kex_group_set(struct kex_group *group, const uint8_t *p, size_t p_len, const uint8_t *g,
    size_t g_len)
{
	if (p_len > KEX_GROUP_MAX || p_len < KEX_GROUP_BITS_MIN / 8 || p[0] == 0 ||
	    bits_of(p, p_len) < KEX_GROUP_BITS_MIN || (p[p_len - 1] & 1) == 0 ||
	    has_small_factor(p, p_len) || !is_between(g, g_len, p, p_len))
		return -1;
	group->p_len = p_len;
	group->g_len = g_len;
	memcpy(group->p, p, p_len);
	memcpy(group->g, g, g_len);
	return 0;
}

int
kex_group_modp(struct kex_group *group, unsigned bits)
{
	static const struct {
		unsigned bits;
		BIGNUM *(*prime)(BIGNUM *);
	} rows[] = {
		{ 2048, BN_get_rfc3526_prime_2048 },	/* group 14 */
		{ 4096, BN_get_rfc3526_prime_4096 },	/* group 16 */
		{ 8192, BN_get_rfc3526_prime_8192 },	/* group 18 */
	};
	static const uint8_t two = 2;
	uint8_t p[KEX_GROUP_MAX];
	BIGNUM *n = NULL;
	int r = -1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].bits == bits)
			n = rows[i].prime(NULL);
	if (n != NULL && BN_bn2binpad(n, p, (int)bits / 8) == (int)bits / 8)
		r = kex_group_set(group, p, bits / 8, &two, 1);
	BN_free(n);
	return r;
}
