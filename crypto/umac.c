/*
 * umac.c - UMAC-64 and UMAC-128 (RFC 4418).
 *
 * A message is hashed with a secret function, which anybody could find out who saw its
 * results; so each result is hidden under AES of a nonce.  The caller vouches for nonces
 * that never return.  Longer messages than UMAC_MESSAGE_MAX would need a second kind of
 * polynomial (section 5.3.3) and are refused; no packet comes near.  Results are secret,
 * so nothing branches on them.  Nothing is allocated for a tag.
 */
#include "crypto/umac.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 1024,			/* of the message, hashed by itself */
	BLOCK_WORDS = BLOCK / 4,
	PIECE = 32,			/* what the last block is padded to */
	STREAMS_MAX = 4,		/* one for 4 bytes of tag */
	SHIFT = 4,			/* words that a stream's key begins after the last one's */
	KEY_WORDS = BLOCK_WORDS + SHIFT * (STREAMS_MAX - 1),
	HALVES = 4,			/* 16-bit parts of a number of 64 */
	AES_BLOCK = 16,
};
_Static_assert(UMAC_MESSAGE_MAX / BLOCK * 8 <= 1 << 17, "what POLY-64 may hash alone");

struct umac {
	EVP_CIPHER_CTX *pad;
	size_t tag_len, streams;
	uint32_t nh[KEY_WORDS];
	uint64_t poly[STREAMS_MAX];
	uint64_t inner[STREAMS_MAX][HALVES];
	uint32_t outer[STREAMS_MAX];
};

/* Set once by umac_start, read only afterwards. */
static EVP_CIPHER *aes;

int
umac_start(void)
{
	if (aes == NULL)
		aes = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	return aes != NULL ? 0 : -1;
}

static EVP_CIPHER_CTX *
aes_new(const uint8_t *key)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL && EVP_EncryptInit_ex2(ctx, aes, key, NULL, NULL) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static uint64_t
read_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void
write_be(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

/* ---- arithmetic without a branch ---- */

static uint64_t
mask_if(unsigned bit)
{
	return 0 - (uint64_t)bit;
}

#define P36	((UINT64_C(1) << 36) - 5)
#define P64	(0 - UINT64_C(59))

static uint64_t
mod_p36(uint64_t x)
{
	x = (x & ((UINT64_C(1) << 36) - 1)) + 5 * (x >> 36);
	return x - (P36 & mask_if(x >= P36));
}

/* Modulo p64, as some number of 64 bits; a + b is less than 2^65 - 59. */
static uint64_t
add_p64(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum + (59 & mask_if(sum < a));
}

/* Both halves of key have 25 bits (section 5.3.2), so that sums of products fit. */
static uint64_t
times_p64(uint64_t key, uint64_t y)
{
	uint64_t key_high = key >> 32, key_low = key & UINT32_MAX;
	uint64_t y_high = y >> 32, y_low = y & UINT32_MAX;
	uint64_t middle = key_high * y_low + key_low * y_high;

	return add_p64(middle << 32,
	    key_low * y_low + 59 * (key_high * y_high + (middle >> 32)));
}

/* y is what the polynomial has come to, and comes to with m. */
static uint64_t
poly_step(uint64_t key, uint64_t y, uint64_t m)
{
	/* What no 64 bits modulo p64 can say takes two steps, the first with a marker. */
	uint64_t big = mask_if(m >= (UINT64_C(0xffffffff) << 32));
	uint64_t once = add_p64(times_p64(key, y), (m & ~big) | ((P64 - 1) & big));
	uint64_t twice = add_p64(times_p64(key, once), m - 59);

	return (once & ~big) | (twice & big);
}

/* ---- keys ---- */

/* KDF of section 3.2.1: n bytes, whole blocks, of the stream with that index. */
static int
derive(EVP_CIPHER_CTX *ctx, uint8_t index, uint8_t *out, size_t n)
{
	int len;

	for (size_t at = 0; at < n; at += AES_BLOCK) {
		write_be(out + at, index, 8);
		write_be(out + at + 8, at / AES_BLOCK + 1, 8);
	}
	return EVP_EncryptUpdate(ctx, out, &len, out, (int)n) == 1 ? 0 : -1;
}

static int
derive_keys(struct umac *u, const uint8_t *key)
{
	uint8_t bytes[KEY_WORDS * 4];
	EVP_CIPHER_CTX *ctx = aes_new(key);
	int r = -1;

	if (ctx == NULL)
		return -1;
	if (derive(ctx, 1, bytes, KEY_WORDS * 4) != 0)
		goto end;
	for (size_t i = 0; i < KEY_WORDS; i++)
		u->nh[i] = (uint32_t)read_be(bytes + 4 * i, 4);
	if (derive(ctx, 2, bytes, STREAMS_MAX * 24) != 0)
		goto end;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		u->poly[i] = read_be(bytes + 24 * i, 8) & UINT64_C(0x01ffffff01ffffff);
	if (derive(ctx, 3, bytes, STREAMS_MAX * 64) != 0)
		goto end;
	/* The first half of the 16 bytes that section 5.4 hashes is 0 below 2^24. */
	for (size_t i = 0; i < STREAMS_MAX; i++)
		for (size_t j = 0; j < HALVES; j++)
			u->inner[i][j] = mod_p36(read_be(bytes + 64 * i + 32 + 8 * j, 8));
	if (derive(ctx, 4, bytes, STREAMS_MAX * 4) != 0)
		goto end;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		u->outer[i] = (uint32_t)read_be(bytes + 4 * i, 4);
	if (derive(ctx, 0, bytes, UMAC_KEY) == 0 && (u->pad = aes_new(bytes)) != NULL)
		r = 0;
end:
	EVP_CIPHER_CTX_free(ctx);	/* OpenSSL wipes its key schedule */
	crypto_wipe(bytes, sizeof(bytes));
	return r;
}

struct umac *
umac_new(const uint8_t key[UMAC_KEY], size_t tag_len)
{
	struct umac *u;

	if ((tag_len != 8 && tag_len != 16) || umac_start() != 0)
		return NULL;
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return NULL;
	u->tag_len = tag_len;
	u->streams = tag_len / 4;
	if (derive_keys(u, key) != 0) {
		umac_free(u);
		return NULL;
	}
	return u;
}

void
umac_free(struct umac *u)
{
	if (u == NULL)
		return;
	EVP_CIPHER_CTX_free(u->pad);
	crypto_wipe(u, sizeof(*u));
	free(u);
}

/* ---- tags ---- */

/* A block as numbers, little end first (section 5.2.2 swaps them), padded with zeros;
 * returns how many. */
static size_t
load(uint32_t words[BLOCK_WORDS], const uint8_t *p, size_t n)
{
	size_t count = n == 0 ? PIECE / 4 : (n + PIECE - 1) / PIECE * (PIECE / 4);

	memset(words + count - PIECE / 4, 0, PIECE);
	if (n > 0)
		memcpy(words, p, n);
	for (size_t i = 0; i < count; i++)
		words[i] = le32toh(words[i]);
	return count;
}

/* NH of section 5.2.2. */
static uint64_t
nh(const uint32_t *restrict key, const uint32_t *restrict words, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i += 8)
		for (size_t j = i; j < i + 4; j++)
			sum += (uint64_t)(words[j] + key[j]) * (words[j + 4] + key[j + 4]);
	return sum;
}

/* Layer 3 of a stream: 64 bits to 32. */
static uint32_t
finish(const struct umac *u, size_t stream, uint64_t y)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < HALVES; i++)
		sum += u->inner[stream][i] * (y >> (48 - 16 * i) & 0xffff);
	return (uint32_t)mod_p36(sum) ^ u->outer[stream];
}

/* AES of the nonce.  Two tags of 8 bytes share a block, by the last bit of the nonce. */
static int
pad(struct umac *u, const uint8_t nonce[UMAC_NONCE], uint8_t *out)
{
	uint8_t block[AES_BLOCK] = { 0 };
	size_t from = 0;
	int len;

	memcpy(block, nonce, UMAC_NONCE);
	if (u->tag_len < AES_BLOCK) {
		from = u->tag_len * (block[UMAC_NONCE - 1] & 1);
		block[UMAC_NONCE - 1] &= 0xfe;
	}
	if (EVP_EncryptUpdate(u->pad, block, &len, block, AES_BLOCK) != 1)
		return -1;
	memcpy(out, block + from, u->tag_len);
	crypto_wipe(block, sizeof(block));
	return 0;
}

int
umac_tag(struct umac *u, const uint8_t nonce[UMAC_NONCE], const uint8_t *message, size_t n,
    uint8_t *tag)
{
	uint64_t y[STREAMS_MAX] = { 1, 1, 1, 1 }, hash;
	uint32_t words[BLOCK_WORDS];
	uint8_t hidden[UMAC_TAG_MAX];
	size_t at = 0, len, count;

	if (n > UMAC_MESSAGE_MAX || pad(u, nonce, hidden) != 0)
		return -1;
	do {
		len = n - at < BLOCK ? n - at : BLOCK;
		count = load(words, message + at, len);
		for (size_t i = 0; i < u->streams; i++) {
			hash = nh(u->nh + SHIFT * i, words, count) + 8 * len;
			/* A single block needs no polynomial (section 5.1). */
			y[i] = n <= BLOCK ? hash : poly_step(u->poly[i], y[i], hash);
		}
		at += len;
	} while (at < n);
	for (size_t i = 0; n > BLOCK && i < u->streams; i++)
		y[i] -= P64 & mask_if(y[i] >= P64);
	for (size_t i = 0; i < u->streams; i++)
		write_be(tag + 4 * i, finish(u, i, y[i]), 4);
	for (size_t i = 0; i < u->tag_len; i++)
		tag[i] ^= hidden[i];
	crypto_wipe(y, sizeof(y));
	crypto_wipe(words, sizeof(words));
	crypto_wipe(hidden, sizeof(hidden));
	return 0;
}
