/*
 * kex_dh.c - Diffie-Hellman modulo a prime, by OpenSSL's numbers: in a group of RFC 3526
 * (RFC 4253 8, RFC 8268), or in one that the server gives (RFC 4419).
 *
 * Public values, and a given group, are any bytes an attacker likes.  A public value
 * outside 1 < y < p-1, or a secret of 0, 1 or p-1, would make the secret known to
 * everybody and ends the exchange.  The private exponent goes through the one
 * exponentiation of OpenSSL whose time and memory accesses do not depend on it.
 * An exponent must never serve twice.
 */
#include "crypto/kex.h"

#include <openssl/bn.h>
#include <string.h>

/* Twice the strength of the longest key that any cipher here takes (RFC 4419 6.2), and
 * above what RFC 3526 8 has for group 18's own strength: 512 bits whatever the size of
 * p, so that 8192 bits cost what p's size costs and not the square of it. */
enum { EXPONENT_LEN = 64 };

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

/* 1 < y < p-1 (RFC 4253 8 has 1 <= y <= p-1; those two ends give the secret away). */
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
dh_start(struct kex_state *state, const struct kex_group *group, uint8_t *client_public)
{
	make_exponent(state->bytes);
	return power(group, group->g, group->g_len, state->bytes, client_public);
}

static int
dh_answer(const struct kex_group *group, const uint8_t *client_public, uint8_t *server_public,
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
dh_finish(struct kex_state *state, const struct kex_group *group, const uint8_t *server_public,
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

/* ---- rows ---- */

#define DH .start = dh_start, .answer = dh_answer, .finish = dh_finish

const struct kex_alg kex_gex_sha256 = {
	.name = "diffie-hellman-group-exchange-sha256", .hash = HASH_SHA256,
	.asks_group = true, DH,
};
const struct kex_alg kex_group14_sha256 = {
	.name = "diffie-hellman-group14-sha256", .hash = HASH_SHA256, .group_bits = 2048, DH,
};
const struct kex_alg kex_group16_sha512 = {
	.name = "diffie-hellman-group16-sha512", .hash = HASH_SHA512, .group_bits = 4096, DH,
};
const struct kex_alg kex_group18_sha512 = {
	.name = "diffie-hellman-group18-sha512", .hash = HASH_SHA512, .group_bits = 8192, DH,
};
const struct kex_alg kex_group14_sha1 = {
	.name = "diffie-hellman-group14-sha1", .hash = HASH_SHA1, .group_bits = 2048, DH,
};
