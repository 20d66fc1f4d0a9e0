/*
 * sntrup761.c - key encapsulation with sntrup761 (NTRU Prime, round 3, section 4; the one
 * that draft-josefsson-ntruprime-ssh means).
 *
 * The peer's public key and cipher text are any bytes an attacker likes; both always
 * decode to something.  Decapsulation encapsulates again and compares: whoever sends what
 * no encapsulation would give gets a secret out of a hash with a random part of the key,
 * and learns nothing from how long that took or whether it happened.  No branch, no
 * index and no division depends on a secret.  Secrets are wiped on every path.
 */
#include "crypto/sntrup761.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/sntrup761_ring.h"

enum {
	CONFIRM = 32,			/* behind the rounded polynomial, of a cipher text */
	KEYGEN_TRIES = 64,		/* one is enough, but for about 1 in 3^19 */
	/* A secret key: f, 1/g, the public key, what a refusal is made from, and a hash of
	 * the public key. */
	AT_INVERSE = NTRU_SMALL_LEN,
	AT_PUBLIC = 2 * NTRU_SMALL_LEN,
	AT_REFUSAL = AT_PUBLIC + SNTRUP761_PUBLIC,
	AT_CACHE = AT_REFUSAL + NTRU_SMALL_LEN,
};
_Static_assert((int)AT_CACHE + 32 == (int)SNTRUP761_SECRET, "the parts of a secret key");
_Static_assert((int)SNTRUP761_SHARED == (int)KEM_SHARED, "the contract of kem.h");
_Static_assert((int)NTRU_Q_LEN == (int)SNTRUP761_PUBLIC, "a public key is one polynomial");
_Static_assert((int)NTRU_ROUNDED_LEN + CONFIRM == (int)SNTRUP761_CIPHER, "the parts of a cipher text");

/* What each hash begins with, so that no two uses can be confused. */
enum hash_use {
	USE_REFUSAL = 0,
	USE_SESSION = 1,
	USE_CONFIRM = 2,
	USE_INPUT = 3,
	USE_PUBLIC = 4,
};
enum { NTRU_HASH = 32 };		/* of SHA-512's 64 bytes */

static int
hash_parts(int use, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
    uint8_t out[NTRU_HASH])
{
	const uint8_t prefix = (uint8_t)use;
	struct hash *h = hash_new(HASH_SHA512);
	uint8_t digest[HASH_MAX];

	if (h == NULL)
		return -1;
	hash_add(h, &prefix, sizeof(prefix));
	hash_add(h, a, a_len);
	hash_add(h, b, b_len);
	if (hash_end(h, digest) != 0)
		return -1;
	memcpy(out, digest, NTRU_HASH);
	crypto_wipe(digest, sizeof(digest));
	return 0;
}

/* ---- random polynomials ---- */

static void
draw(sntrup761_random *random, uint32_t numbers[NTRU_P])
{
	uint8_t bytes[4 * NTRU_P];

	random(bytes, sizeof(bytes));
	for (size_t i = 0; i < NTRU_P; i++)
		numbers[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 |
		    (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
	crypto_wipe(bytes, sizeof(bytes));
}

/* Each coefficient -1, 0 or 1. */
static void
random_small(sntrup761_random *random, struct ntru_poly *poly)
{
	uint32_t numbers[NTRU_P];

	draw(random, numbers);
	for (size_t i = 0; i < NTRU_P; i++)
		poly->c[i] = (int16_t)(((numbers[i] & 0x3fffffff) * 3 >> 30) - 1);
	crypto_wipe(numbers, sizeof(numbers));
}

/* The smaller to the lower place, with no branch. */
static inline void
order(uint32_t *low, uint32_t *high)
{
	uint32_t less = (uint32_t)(((uint64_t)*high - *low) >> 32);	/* all bits or none */
	uint32_t both = less & (*low ^ *high);

	*low ^= both;
	*high ^= both;
}

/* Batcher's merge exchange (Knuth volume 3, 5.2.2 M): which places are compared depends on
 * nothing but how many there are. */
static void
sort(uint32_t *x, size_t n)
{
	size_t top = 1;

	while (top < (n + 1) / 2)
		top *= 2;
	for (size_t p = top; p > 0; p /= 2) {
		size_t d = p, r = 0;

		for (size_t q = top; q >= p; q /= 2) {
			for (size_t from = r; from + d < n; from += 2 * p)
				for (size_t i = from; i < from + p && i + d < n; i++)
					order(&x[i], &x[i + d]);
			d = q - p;
			r = p;
		}
	}
}

/* NTRU_W coefficients 1 or -1, and where they stand is random: a sort of random numbers
 * by their upper 30 bits carries what the lower two say to random places. */
static void
random_short(sntrup761_random *random, struct ntru_poly *poly)
{
	uint32_t numbers[NTRU_P];

	draw(random, numbers);
	for (size_t i = 0; i < NTRU_W; i++)
		numbers[i] &= ~UINT32_C(1);
	for (size_t i = NTRU_W; i < NTRU_P; i++)
		numbers[i] = (numbers[i] & ~UINT32_C(3)) | 1;
	sort(numbers, NTRU_P);
	for (size_t i = 0; i < NTRU_P; i++)
		poly->c[i] = (int16_t)((numbers[i] & 3) - 1);
	crypto_wipe(numbers, sizeof(numbers));
}

/* ---- the steps ---- */

/* f, g and 1/g; -1 only if the source of randomness is broken. */
static int
draw_key(sntrup761_random *random, struct ntru_poly *f, struct ntru_poly *g,
    struct ntru_poly *g_inverse)
{
	for (unsigned tries = 0; tries < KEYGEN_TRIES; tries++) {
		int r;

		random_small(random, g);
		r = sntrup761_ring_inverse_3(g_inverse, g);
		/* tells of polynomials that were thrown away, and nothing of the key */
		ct_public(&r, sizeof(r));
		if (r == 0) {
			random_short(random, f);
			return 0;
		}
	}
	return -1;
}

int
sntrup761_keygen_from(sntrup761_random *random, uint8_t *public, uint8_t *secret)
{
	struct ntru_poly f, g, g_inverse, f_inverse, h;
	int r = -1;

	if (draw_key(random, &f, &g, &g_inverse) == 0) {
		sntrup761_ring_inverse_q3(&f_inverse, &f);
		sntrup761_ring_times_q(&h, &f_inverse, &g);
		sntrup761_code_put_q(public, &h);
		sntrup761_code_put_small(secret, &f);
		sntrup761_code_put_small(secret + AT_INVERSE, &g_inverse);
		memcpy(secret + AT_PUBLIC, public, SNTRUP761_PUBLIC);
		random(secret + AT_REFUSAL, NTRU_SMALL_LEN);
		r = hash_parts(USE_PUBLIC, public, SNTRUP761_PUBLIC, NULL, 0, secret + AT_CACHE);
	}
	crypto_wipe(&f, sizeof(f));
	crypto_wipe(&g, sizeof(g));
	crypto_wipe(&g_inverse, sizeof(g_inverse));
	crypto_wipe(&f_inverse, sizeof(f_inverse));
	if (r != 0)
		crypto_wipe(secret, SNTRUP761_SECRET);
	return r;
}

/* The cipher text of r, and r as bytes.  cache is the hash of the public key. */
static int
hide(const struct ntru_poly *r, const uint8_t *public, const uint8_t *cache, uint8_t *cipher,
    uint8_t r_bytes[NTRU_SMALL_LEN])
{
	struct ntru_poly h, c;
	uint8_t hash[NTRU_HASH];
	int ret = -1;

	sntrup761_code_put_small(r_bytes, r);
	sntrup761_code_get_q(&h, public);
	sntrup761_ring_times_q(&c, &h, r);
	for (size_t i = 0; i < NTRU_P; i++)
		c.c[i] = (int16_t)(c.c[i] - sntrup761_ring_mod3(c.c[i]));
	sntrup761_code_put_rounded(cipher, &c);
	if (hash_parts(USE_INPUT, r_bytes, NTRU_SMALL_LEN, NULL, 0, hash) == 0)
		ret = hash_parts(USE_CONFIRM, hash, sizeof(hash), cache, NTRU_HASH,
		    cipher + NTRU_ROUNDED_LEN);
	crypto_wipe(&c, sizeof(c));
	crypto_wipe(hash, sizeof(hash));
	return ret;
}

static int
session_key(int use, const uint8_t r_bytes[NTRU_SMALL_LEN], const uint8_t *cipher, uint8_t *shared)
{
	uint8_t hash[NTRU_HASH];
	int ret = -1;

	if (hash_parts(USE_INPUT, r_bytes, NTRU_SMALL_LEN, NULL, 0, hash) == 0)
		ret = hash_parts(use, hash, sizeof(hash), cipher, SNTRUP761_CIPHER, shared);
	crypto_wipe(hash, sizeof(hash));
	return ret;
}

int
sntrup761_encaps_from(sntrup761_random *random, const uint8_t *public, uint8_t *cipher,
    uint8_t *shared)
{
	struct ntru_poly r;
	uint8_t r_bytes[NTRU_SMALL_LEN], cache[NTRU_HASH];
	int ret = -1;

	random_short(random, &r);
	if (hash_parts(USE_PUBLIC, public, SNTRUP761_PUBLIC, NULL, 0, cache) == 0 &&
	    hide(&r, public, cache, cipher, r_bytes) == 0)
		ret = session_key(USE_SESSION, r_bytes, cipher, shared);
	crypto_wipe(&r, sizeof(r));
	crypto_wipe(r_bytes, sizeof(r_bytes));
	if (ret != 0)
		crypto_wipe(shared, SNTRUP761_SHARED);
	return ret;
}

/* What was hidden; a fixed short polynomial if that has the wrong weight. */
static void
reveal(const uint8_t *secret, const uint8_t *cipher, struct ntru_poly *r)
{
	struct ntru_poly f, g_inverse, c, e;
	int weight = 0, wrong;

	sntrup761_code_get_small(&f, secret);
	sntrup761_code_get_small(&g_inverse, secret + AT_INVERSE);
	sntrup761_code_get_rounded(&c, cipher);
	sntrup761_ring_times_q(&e, &c, &f);
	for (size_t i = 0; i < NTRU_P; i++)
		e.c[i] = sntrup761_ring_mod3(sntrup761_ring_mod_q(3 * e.c[i]));
	sntrup761_ring_times_3(r, &e, &g_inverse);
	for (size_t i = 0; i < NTRU_P; i++)
		weight += r->c[i] & 1;
	wrong = sntrup761_ring_nonzero(weight - NTRU_W);
	for (size_t i = 0; i < NTRU_P; i++)
		r->c[i] = (int16_t)((r->c[i] & ~wrong) | ((i < NTRU_W) & wrong));
	crypto_wipe(&f, sizeof(f));
	crypto_wipe(&g_inverse, sizeof(g_inverse));
	crypto_wipe(&e, sizeof(e));
}

/* All bits set if they differ, else 0. */
static int
differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= (unsigned)(a[i] ^ b[i]);
	return sntrup761_ring_nonzero((int)bits);
}

int
sntrup761_decaps(const uint8_t *secret, const uint8_t *cipher, uint8_t *shared)
{
	struct ntru_poly r;
	uint8_t r_bytes[NTRU_SMALL_LEN], again[SNTRUP761_CIPHER];
	int forged, ret = -1;

	reveal(secret, cipher, &r);
	if (hide(&r, secret + AT_PUBLIC, secret + AT_CACHE, again, r_bytes) == 0) {
		forged = differ(again, cipher, SNTRUP761_CIPHER);
		for (size_t i = 0; i < NTRU_SMALL_LEN; i++)
			r_bytes[i] = (uint8_t)(r_bytes[i] ^
			    (forged & (r_bytes[i] ^ secret[AT_REFUSAL + i])));
		ret = session_key(USE_SESSION + forged, r_bytes, cipher, shared);
	}
	crypto_wipe(&r, sizeof(r));
	crypto_wipe(r_bytes, sizeof(r_bytes));
	crypto_wipe(again, sizeof(again));
	if (ret != 0)
		crypto_wipe(shared, SNTRUP761_SHARED);
	return ret;
}

int
sntrup761_keygen(uint8_t *public, uint8_t *secret)
{
	return sntrup761_keygen_from(crypto_random, public, secret);
}

int
sntrup761_encaps(const uint8_t *public, uint8_t *cipher, uint8_t *shared)
{
	return sntrup761_encaps_from(crypto_random, public, cipher, shared);
}

const struct kem kem_sntrup761 = {
	.name = "sntrup761",
	.public_len = SNTRUP761_PUBLIC,
	.secret_len = SNTRUP761_SECRET,
	.cipher_len = SNTRUP761_CIPHER,
	.keygen = sntrup761_keygen,
	.encaps = sntrup761_encaps,
	.decaps = sntrup761_decaps,
};
