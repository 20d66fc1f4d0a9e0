/*
 * bcrypt_pbkdf.c - bcrypt as a key derivation function, for private key files.
 *
 * PBKDF2's loop over a pseudo-random function made of bcrypt: Blowfish with the
 * cost-6 expensive key schedule, keyed with SHA-512 of password and salt, which
 * encrypts a fixed 32-byte text 64 times.  Output bytes of the blocks are
 * interleaved, so that each block costs the attacker whole, too.  After the
 * published description of bcrypt (Provos and Mazieres, 1999), Blowfish
 * (Schneier, 1993) and OpenSSH's PROTOCOL.key.  It works on secrets in its own
 * heap block and wipes it; table look-ups depend on the password, as bcrypt's
 * must: it runs in a process of its own that nobody else's code shares.
 */
#include "crypto/bcrypt_pbkdf.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/blowfish_pi.h"

enum {
	SHA512_WORDS = 16,
	BLOCK_WORDS = 8,			/* 32 bytes from each bcrypt */
	BLOCK_LEN = 4 * BLOCK_WORDS,
	COST = 64,				/* 2^6 */
	FEISTEL_ROUNDS = BLOWFISH_P - 2,
};

struct blowfish {
	uint32_t p[BLOWFISH_P];
	uint32_t s[4][BLOWFISH_S];
};
_Static_assert(sizeof(struct blowfish) == sizeof(blowfish_pi), "pi fills the state");

struct work {
	struct blowfish state;
	uint32_t pass[SHA512_WORDS], salt[SHA512_WORDS];
	uint8_t block[BLOCK_LEN], sum[BLOCK_LEN];
};

/* One block of 64 bits as two words. */
static inline void
encipher(const struct blowfish *b, uint32_t *left, uint32_t *right)
{
	uint32_t l = *left, r = *right, t;

	for (int i = 0; i < FEISTEL_ROUNDS; i++) {
		l ^= b->p[i];
		r ^= ((b->s[0][l >> 24] + b->s[1][l >> 16 & 0xff]) ^
		    b->s[2][l >> 8 & 0xff]) + b->s[3][l & 0xff];
		t = l;
		l = r;
		r = t;
	}
	/* The last exchange is undone. */
	*left = r ^ b->p[FEISTEL_ROUNDS + 1];
	*right = l ^ b->p[FEISTEL_ROUNDS];
}

/* Replaces the state by what it enciphers, in a chain.  Key and salt repeat for
 * ever; salt NULL counts as zero. */
static void
expand(struct blowfish *b, const uint32_t key[SHA512_WORDS], const uint32_t *salt)
{
	uint32_t l = 0, r = 0;
	uint32_t *out = b->p;
	size_t at = 0, left = BLOWFISH_P;

	for (size_t i = 0; i < BLOWFISH_P; i++)
		b->p[i] ^= key[i % SHA512_WORDS];
	for (int part = 0; part <= 4; part++) {
		for (size_t i = 0; i < left; i += 2) {
			if (salt != NULL) {
				l ^= salt[at];
				r ^= salt[at + 1];
				at = (at + 2) % SHA512_WORDS;
			}
			encipher(b, &l, &r);
			out[i] = l;
			out[i + 1] = r;
		}
		if (part < 4)
			out = b->s[part];
		left = BLOWFISH_S;
	}
}

static int
sha512_words(const uint8_t *in, size_t n, uint32_t words[SHA512_WORDS])
{
	uint8_t out[HASH_MAX];
	int r = hash_once(HASH_SHA512, in, n, out);

	for (size_t i = 0; i < SHA512_WORDS; i++)
		words[i] = (uint32_t)out[4 * i] << 24 | (uint32_t)out[4 * i + 1] << 16 |
		    (uint32_t)out[4 * i + 2] << 8 | out[4 * i + 3];
	crypto_wipe(out, sizeof(out));
	return r;
}

/* work->pass and work->salt to work->block. */
static void
bcrypt_block(struct work *w)
{
	/* "OxychromaticBlowfishSwatDynamite" */
	static const uint32_t text[BLOCK_WORDS] = {
		0x4f787963, 0x68726f6d, 0x61746963, 0x426c6f77,
		0x66697368, 0x53776174, 0x44796e61, 0x6d697465,
	};
	uint32_t words[BLOCK_WORDS];

	memcpy(&w->state, blowfish_pi, sizeof(w->state));
	expand(&w->state, w->pass, w->salt);
	for (int i = 0; i < COST; i++) {
		expand(&w->state, w->salt, NULL);
		expand(&w->state, w->pass, NULL);
	}
	memcpy(words, text, sizeof(words));
	for (int turn = 0; turn < COST; turn++)
		for (int i = 0; i < BLOCK_WORDS; i += 2)
			encipher(&w->state, &words[i], &words[i + 1]);
	for (int i = 0; i < BLOCK_WORDS; i++) {
		/* Little endian here, unlike everywhere else. */
		w->block[4 * i] = (uint8_t)words[i];
		w->block[4 * i + 1] = (uint8_t)(words[i] >> 8);
		w->block[4 * i + 2] = (uint8_t)(words[i] >> 16);
		w->block[4 * i + 3] = (uint8_t)(words[i] >> 24);
	}
	crypto_wipe(words, sizeof(words));
}

/* Block number count, summed over all rounds, to work->sum. */
static int
derive_block(struct work *w, const uint8_t *salt, size_t salt_len, uint32_t count,
    uint32_t rounds)
{
	uint8_t numbered[BCRYPT_PBKDF_SALT_MAX + 4];

	memcpy(numbered, salt, salt_len);
	numbered[salt_len] = (uint8_t)(count >> 24);
	numbered[salt_len + 1] = (uint8_t)(count >> 16);
	numbered[salt_len + 2] = (uint8_t)(count >> 8);
	numbered[salt_len + 3] = (uint8_t)count;
	if (sha512_words(numbered, salt_len + 4, w->salt) != 0)
		return -1;
	bcrypt_block(w);
	memcpy(w->sum, w->block, sizeof(w->sum));
	for (uint32_t round = 1; round < rounds; round++) {
		if (sha512_words(w->block, sizeof(w->block), w->salt) != 0)
			return -1;
		bcrypt_block(w);
		for (size_t i = 0; i < sizeof(w->sum); i++)
			w->sum[i] ^= w->block[i];
	}
	return 0;
}

int
bcrypt_pbkdf(const void *pass, size_t pass_len, const uint8_t *salt, size_t salt_len,
    uint32_t rounds, uint8_t *key, size_t key_len)
{
	struct work *w;
	size_t blocks;
	int r = -1;

	if (pass_len == 0 || salt_len == 0 || salt_len > BCRYPT_PBKDF_SALT_MAX ||
	    rounds == 0 || key_len == 0 || key_len > BCRYPT_PBKDF_KEY_MAX)
		return -1;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return -1;
	if (sha512_words(pass, pass_len, w->pass) != 0)
		goto end;
	blocks = (key_len + BLOCK_LEN - 1) / BLOCK_LEN;
	for (size_t block = 0; block < blocks; block++) {
		if (derive_block(w, salt, salt_len, (uint32_t)block + 1, rounds) != 0)
			goto end;
		/* Byte i of this block is byte i * blocks + block of the key; when
		 * they do not come out even, the last blocks give fewer. */
		for (size_t i = 0; i * blocks + block < key_len && i < BLOCK_LEN; i++)
			key[i * blocks + block] = w->sum[i];
	}
	r = 0;
end:
	if (r != 0)
		crypto_wipe(key, key_len);
	crypto_wipe(w, sizeof(*w));
	free(w);
	return r;
}
