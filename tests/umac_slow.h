/*
 * umac_slow.h - UMAC by the letter of RFC 4418, as long as POLY-64 is enough: numbers of
 * 128 bits and real divisions, keys derived anew for each tag.
 */
#ifndef TESTS_UMAC_SLOW_H
#define TESTS_UMAC_SLOW_H

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 umac_wide;

static inline void
umac_slow_aes(const uint8_t *key, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in, 16), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static inline umac_wide
umac_slow_uint(const uint8_t *p, size_t n)
{
	umac_wide v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 256 + p[i];
	return v;
}

/* section 3.2.1 */
static inline void
umac_slow_kdf(const uint8_t *key, uint8_t index, uint8_t *out, size_t n)
{
	uint8_t in[16] = { 0 }, block[16];

	in[7] = index;
	for (size_t i = 0; i < n; i++) {
		if (i % 16 == 0) {
			in[15] = (uint8_t)(i / 16 + 1);
			umac_slow_aes(key, in, block);
		}
		out[i] = block[i % 16];
	}
}

/* sections 5.2 and 5.2.2: one block of the message, padded */
static inline uint64_t
umac_slow_nh(const uint8_t *key, const uint8_t *m, size_t n)
{
	uint8_t padded[1024] = { 0 };
	uint32_t k[8], w[8];
	uint64_t y = 0;
	size_t len = n == 0 ? 32 : (n + 31) / 32 * 32;

	if (n > 0)
		memcpy(padded, m, n);
	for (size_t at = 0; at < len; at += 32) {
		for (size_t i = 0; i < 8; i++) {
			const uint8_t *p = padded + at + 4 * i;

			k[i] = (uint32_t)umac_slow_uint(key + at + 4 * i, 4);
			w[i] = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
		}
		for (size_t i = 0; i < 4; i++)
			y += (uint64_t)(uint32_t)(w[i] + k[i]) * (uint32_t)(w[i + 4] + k[i + 4]);
	}
	return y + 8 * n;
}

/* section 5.3.2 */
static inline uint64_t
umac_slow_poly(uint64_t k, const uint64_t *m, size_t n)
{
	const umac_wide p = ((umac_wide)1 << 64) - 59;
	umac_wide y = 1;

	k &= UINT64_C(0x01ffffff01ffffff);
	for (size_t i = 0; i < n; i++) {
		if (m[i] >= UINT64_C(0xffffffff00000000)) {
			y = (k * y + p - 1) % p;
			y = (k * y + m[i] - 59) % p;
		} else {
			y = (k * y + m[i]) % p;
		}
	}
	return (uint64_t)y;
}

/* One 32-bit stream (section 5.1). */
static inline uint32_t
umac_slow_stream(const uint8_t *key, size_t stream, const uint8_t *m, size_t n)
{
	static uint64_t hashed[1 << 14];
	uint8_t keys[1072], b[16] = { 0 };
	uint64_t y;
	umac_wide sum = 0;
	size_t blocks = 0;

	umac_slow_kdf(key, 1, keys, 1024 + stream * 16);
	for (size_t at = 0; at == 0 || at < n; at += 1024)
		hashed[blocks++] = umac_slow_nh(keys + 16 * stream, m + at, n - at < 1024 ? n - at : 1024);
	umac_slow_kdf(key, 2, keys, 24 * (stream + 1));
	y = n <= 1024 ? hashed[0] :
	    umac_slow_poly((uint64_t)umac_slow_uint(keys + 24 * stream, 8), hashed, blocks);
	for (size_t i = 0; i < 8; i++)
		b[15 - i] = (uint8_t)(y >> 8 * i);
	umac_slow_kdf(key, 3, keys, 64 * (stream + 1));
	for (size_t i = 0; i < 8; i++)
		sum += umac_slow_uint(b + 2 * i, 2) *
		    (umac_slow_uint(keys + 64 * stream + 8 * i, 8) % ((1ULL << 36) - 5));
	umac_slow_kdf(key, 4, keys, 4 * (stream + 1));
	return (uint32_t)(sum % ((1ULL << 36) - 5)) ^ (uint32_t)umac_slow_uint(keys + 4 * stream, 4);
}

static inline void
umac_slow(const uint8_t *key, const uint8_t *nonce, const uint8_t *m, size_t n, uint8_t *tag,
    size_t tag_len)
{
	uint8_t pad_key[16], in[16] = { 0 }, pad[16];
	size_t from = tag_len == 8 ? 8 * (nonce[7] % 2) : 0;
	uint32_t hash = 0;

	umac_slow_kdf(key, 0, pad_key, 16);
	memcpy(in, nonce, 8);
	if (tag_len == 8)
		in[7] = (uint8_t)(in[7] - in[7] % 2);
	umac_slow_aes(pad_key, in, pad);
	for (size_t i = 0; i < tag_len; i++) {
		if (i % 4 == 0)
			hash = umac_slow_stream(key, i / 4, m, n);
		tag[i] = (uint8_t)(pad[from + i] ^ (hash >> (24 - 8 * (i % 4))));
	}
}

#endif
