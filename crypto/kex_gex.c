/*
 * kex_gex.c - diffie-hellman-group-exchange-sha256 (RFC 4419, RFC 8270), by OpenSSL's
 * numbers: Diffie-Hellman in a group that the server gives.
 *
 * Group and public values are any bytes an attacker likes.  A public value outside
 * 1 < y < p-1, or a secret of 0, 1 or p-1, would make the secret known to everybody
 * and ends the exchange.  The private exponent goes through the one exponentiation of
 * OpenSSL whose time and memory accesses do not depend on it.  That p is prime is the
 * server's word: whoever gives a p that is not gives away nothing but his own secret.
 * An exponent must never serve twice.
 */
#include "crypto/kex.h"

#include <openssl/bn.h>
#include <string.h>

/* Twice the strength of SHA-256, which is all that can come out (RFC 4419 6.2): 512
 * bits whatever the size of p, so that 8192 bits cost what p's size costs and not the
 * square of it. */
enum { EXPONENT_LEN = 64 };

/* ---- groups ---- */

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
kex_group_14(struct kex_group *group)
{
	uint8_t p[KEX_GROUP_BITS_MIN / 8];
	static const uint8_t two = 2;
	BIGNUM *n = BN_get_rfc3526_prime_2048(NULL);
	int r = -1;

	if (n != NULL && BN_bn2binpad(n, p, sizeof(p)) == sizeof(p))
		r = kex_group_set(group, p, sizeof(p), &two, 1);
	BN_free(n);
	return r;
}

/* ---- numbers ---- */

/* What one exponentiation needs; wiped with OpenSSL's own pool. */
struct numbers {
	BN_CTX *ctx;
	BIGNUM *p, *top, *base, *x, *out;	/* top is p-1 */
};

static void
numbers_free(struct numbers *n)
{
	BN_free(n->p);
	BN_free(n->top);
	BN_free(n->base);
	BN_clear_free(n->x);
	BN_clear_free(n->out);
	BN_CTX_free(n->ctx);
}

static int
numbers_new(struct numbers *n, const struct kex_group *group)
{
	*n = (struct numbers){ .ctx = BN_CTX_new(), .top = BN_new(), .base = BN_new(),
		.x = BN_new(), .out = BN_new(),
		.p = BN_bin2bn(group->p, (int)group->p_len, NULL) };
	if (n->ctx == NULL || n->p == NULL || n->top == NULL || n->base == NULL ||
	    n->x == NULL || n->out == NULL || BN_copy(n->top, n->p) == NULL ||
	    BN_sub_word(n->top, 1) != 1) {
		numbers_free(n);
		return -1;
	}
	BN_set_flags(n->x, BN_FLG_CONSTTIME);
	return 0;
}

/* 1 < y < p-1 (RFC 4419 3 has 1 <= y <= p-1; those two ends give the secret away). */
static bool
is_in_range(const struct numbers *n, const BIGNUM *y)
{
	return BN_cmp(y, BN_value_one()) > 0 && BN_cmp(y, n->top) < 0;
}

/* base to the exponent, as long as p.  Both ends of it are checked: the base, which is
 * the peer's or the group's, and what comes out. */
static int
power(const struct kex_group *group, const uint8_t *base, size_t base_len,
    const uint8_t exponent[EXPONENT_LEN], uint8_t *out)
{
	struct numbers n;
	int r = -1;

	if (group == NULL || group->p_len == 0 || numbers_new(&n, group) != 0)
		return -1;
	if (BN_bin2bn(base, (int)base_len, n.base) != NULL &&
	    BN_bin2bn(exponent, EXPONENT_LEN, n.x) != NULL && is_in_range(&n, n.base) &&
	    BN_mod_exp_mont_consttime(n.out, n.base, n.x, n.p, n.ctx, NULL) == 1 &&
	    is_in_range(&n, n.out) &&
	    BN_bn2binpad(n.out, out, (int)group->p_len) == (int)group->p_len)
		r = 0;
	numbers_free(&n);
	if (r != 0)
		crypto_wipe(out, group->p_len);
	return r;
}

/* ---- the exchange ---- */

/* The highest bit is set: every exponent has the same length. */
static void
make_exponent(uint8_t x[EXPONENT_LEN])
{
	crypto_random(x, EXPONENT_LEN);
	x[0] |= 0x80;
}

static int
gex_start(struct kex_state *state, const struct kex_group *group, uint8_t *client_public)
{
	make_exponent(state->bytes);
	return power(group, group->g, group->g_len, state->bytes, client_public);
}

static int
gex_answer(const struct kex_group *group, const uint8_t *client_public, uint8_t *server_public,
    uint8_t *secret)
{
	uint8_t x[EXPONENT_LEN];
	int r;

	make_exponent(x);
	r = power(group, client_public, group->p_len, x, secret);
	if (r == 0)
		r = power(group, group->g, group->g_len, x, server_public);
	if (r != 0)
		crypto_wipe(secret, group->p_len);
	crypto_wipe(x, sizeof(x));
	return r;
}

static int
gex_finish(struct kex_state *state, const struct kex_group *group, const uint8_t *server_public,
    uint8_t *secret)
{
	int r;

	/* A state never started, or used up, is all zero: no exponent. */
	if ((state->bytes[0] & 0x80) == 0)
		return -1;
	r = power(group, server_public, group->p_len, state->bytes, secret);
	crypto_wipe(state->bytes, EXPONENT_LEN);
	return r;
}

const struct kex_alg kex_gex_sha256 = {
	.name = "diffie-hellman-group-exchange-sha256", .hash = HASH_SHA256,
	.takes_group = true, .start = gex_start, .answer = gex_answer, .finish = gex_finish,
};
