/*
 * cipher_test.c - packet protection: every cipher with every MAC, against other
 * implementations, official examples, and whoever changes a bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "tests/hex.h"
#include "tests/umac_slow.h"

enum { TEXT_MAX = 33000 };

static uint8_t key_bytes[CIPHER_KEY_MAX], iv_bytes[CIPHER_IV_MAX], mac_bytes[MAC_KEY_MAX];
static const struct protect_keys keys = { key_bytes, iv_bytes, mac_bytes };

struct suite {
	const struct cipher_alg *cipher;
	const struct mac_alg *mac;
};

static const struct cipher_alg *
cipher(const char *name)
{
	const struct cipher_alg *c = cipher_find(name, strlen(name));

	assert_non_null(c);
	return c;
}

static const struct mac_alg *
mac(const char *name)
{
	const struct mac_alg *m = mac_find(name, strlen(name));

	assert_non_null(m);
	return m;
}

/* Every pair that negotiation can come to; false behind the last. */
static bool
suite_at(size_t i, struct suite *s)
{
	const char *name;
	size_t macs;

	for (size_t c = 0; (name = alg_name(ALG_CIPHER, c)) != NULL; c++) {
		s->cipher = cipher(name);
		for (macs = 0; (name = alg_name(ALG_MAC, macs)) != NULL; macs++) {
			s->mac = mac(name);
			if (i-- == 0)
				return true;
			if (s->cipher->tag_len != 0)
				break;		/* an AEAD takes none */
		}
	}
	return false;
}

static struct protect *
make(const struct suite *s, bool encrypt)
{
	struct protect *p = protect_new(s->cipher, s->mac, &keys, encrypt);

	assert_non_null(p);
	return p;
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A packet of total bytes that says so; returns total. */
static size_t
fill(uint8_t *packet, size_t total)
{
	put_u32(packet, (uint32_t)total - 4);
	for (size_t i = 4; i < total; i++)
		packet[i] = (uint8_t)(i * 31 + total);
	return total;
}

/* Length and text as a receiver does it: 0, or -1 refused. */
static int
receive(struct protect *in, uint32_t seq, uint8_t *packet, size_t total)
{
	uint32_t length;

	if (protect_length(in, seq, packet, &length) != 0)
		return -1;
	return protect_open(in, seq, packet, total);
}

static void
round_trips_of_every_size(void **state)
{
	static uint8_t packet[TEXT_MAX + 256], clear[TEXT_MAX + 256];
	struct protect *out, *in;
	struct suite s;
	uint32_t seq, length;
	size_t total, step, n = 0;

	(void)state;
	for (; suite_at(n, &s); n++) {
		out = make(&s, true);
		in = make(&s, false);
		assert_int_equal(protect_tag(out),
		    s.cipher->tag_len != 0 ? s.cipher->tag_len : s.mac->tag_len);
		assert_int_equal(protect_block(out), s.cipher->block);
		seq = UINT32_MAX - 20;		/* the number wraps, the stream does not */
		step = protect_block(out);
		for (size_t len = step; len <= TEXT_MAX - 16; len += step) {
			total = protect_aad(out) + len;
			(void)fill(packet, total);
			memcpy(clear, packet, total);
			memset(packet + total + protect_tag(out), 0x5a, 16);
			assert_int_equal(protect_seal(out, seq, packet, total), 0);
			assert_memory_not_equal(packet + 4, clear + 4, len > 16 ? len - 4 : 4);
			assert_int_equal(protect_length(in, seq, packet, &length), 0);
			assert_int_equal(length, total - 4);
			assert_int_equal(protect_open(in, seq, packet, total), 0);
			assert_memory_equal(packet, clear, total);
			for (size_t i = 0; i < 16; i++)
				assert_int_equal(packet[total + protect_tag(out) + i], 0x5a);
			seq++;
			if (len >= 512)
				step = 5008;
		}
		protect_free(out);
		protect_free(in);
	}
	assert_int_equal(n, 3 + 6 * 10);
}

static void
head_and_aad_are_what_the_mode_says(void **state)
{
	struct suite s;
	struct protect *p;
	bool clear_length;

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		p = make(&s, false);
		clear_length = s.cipher->tag_len != 0 || s.mac->etm;
		assert_int_equal(protect_aad(p), clear_length ? 4 : 0);
		assert_int_equal(protect_head(p), clear_length ? 4 : 16);
		protect_free(p);
	}
	protect_free(NULL);
}

/* Only the plain MAC's first block may be touched, and only the length field of an
 * AEAD that hides it may be unreadable. */
static void
length_reads_and_leaves_the_rest_alone(void **state)
{
	uint8_t packet[4 + 64 + CIPHER_TAG_MAX], sealed[sizeof(packet)], clear[sizeof(packet)];
	struct protect *out, *in;
	struct suite s;
	uint32_t length;
	size_t total, head;

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		out = make(&s, true);
		in = make(&s, false);
		total = fill(packet, protect_aad(out) + 64);
		memcpy(clear, packet, total);
		assert_int_equal(protect_seal(out, 3, packet, total), 0);
		memcpy(sealed, packet, total + protect_tag(out));
		assert_int_equal(protect_length(in, 3, packet, &length), 0);
		assert_int_equal(length, total - 4);
		head = protect_head(in);
		if (head == 16)
			assert_memory_equal(packet, clear, head);
		else
			assert_memory_equal(packet, sealed, head);
		assert_memory_equal(packet + head, sealed + head, total + protect_tag(in) - head);
		assert_int_equal(protect_open(in, 3, packet, total), 0);
		assert_memory_equal(packet, clear, total);
		protect_free(out);
		protect_free(in);
	}
}

static void
every_flipped_bit_is_refused(void **state)
{
	uint8_t packet[4 + 96 + CIPHER_TAG_MAX], sealed[sizeof(packet)];
	struct protect *out, *in;
	struct suite s;
	size_t total, all;

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		out = make(&s, true);
		total = fill(packet, protect_aad(out) + 96);
		all = total + protect_tag(out);
		assert_int_equal(protect_seal(out, 9, packet, total), 0);
		memcpy(sealed, packet, all);
		for (size_t bit = 0; bit < 8 * all; bit++) {
			in = make(&s, false);
			memcpy(packet, sealed, all);
			packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(receive(in, 9, packet, total), -1);
			/* Dead: not even the genuine packet now. */
			memcpy(packet, sealed, all);
			assert_int_equal(receive(in, 9, packet, total), -1);
			protect_free(in);
		}
		in = make(&s, false);
		memcpy(packet, sealed, all);
		assert_int_equal(receive(in, 9, packet, total), 0);
		protect_free(in);
		protect_free(out);
	}
}

/* -etm and the ChaCha AEAD decrypt nothing before the tag is right; the others
 * have wiped what they decrypted. */
static void
refused_text_is_never_shown(void **state)
{
	uint8_t packet[4 + 96 + CIPHER_TAG_MAX], clear[sizeof(packet)];
	struct protect *out, *in;
	struct suite s;
	size_t total;

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		out = make(&s, true);
		in = make(&s, false);
		total = fill(packet, protect_aad(out) + 96);
		memcpy(clear, packet, total);
		assert_int_equal(protect_seal(out, 1, packet, total), 0);
		packet[total] ^= 1;
		assert_int_equal(receive(in, 1, packet, total), -1);
		for (size_t i = 16; i + 8 <= total; i++)
			assert_memory_not_equal(packet + i, clear + i, 8);
		protect_free(out);
		protect_free(in);
	}
}

static void
order_and_number_matter(void **state)
{
	uint8_t first[68 + CIPHER_TAG_MAX], second[68 + CIPHER_TAG_MAX], copy[sizeof(first)];
	struct protect *out, *in;
	struct suite s;
	size_t total;
	bool gcm;

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		gcm = s.cipher->tag_len != 0 && s.cipher->iv_len != 0;
		out = make(&s, true);
		total = fill(first, protect_aad(out) + 64);
		(void)fill(second, total);
		assert_int_equal(protect_seal(out, 0, first, total), 0);
		assert_int_equal(protect_seal(out, 1, second, total), 0);
		assert_memory_not_equal(first + 4, second + 4, total - 4);

		in = make(&s, false);			/* replayed */
		memcpy(copy, first, sizeof(copy));
		assert_int_equal(receive(in, 0, copy, total), 0);
		memcpy(copy, first, sizeof(copy));
		assert_int_equal(receive(in, 1, copy, total), -1);
		protect_free(in);

		in = make(&s, false);			/* left out */
		memcpy(copy, second, sizeof(copy));
		assert_int_equal(receive(in, 0, copy, total), -1);
		protect_free(in);

		in = make(&s, false);			/* numbered wrongly */
		memcpy(copy, first, sizeof(copy));
		assert_int_equal(receive(in, 1, copy, total), gcm ? 0 : -1);
		protect_free(in);
		protect_free(out);
	}
}

static void
wrong_keys_are_refused(void **state)
{
	uint8_t packet[68 + CIPHER_TAG_MAX], copy[sizeof(packet)];
	uint8_t *const parts[] = { key_bytes, iv_bytes, mac_bytes };
	struct protect *out, *in;
	struct suite s;
	size_t total;
	size_t lens[3];

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		lens[0] = s.cipher->key_len;
		lens[1] = s.cipher->iv_len;
		lens[2] = s.cipher->tag_len != 0 ? 0 : s.mac->key_len;
		out = make(&s, true);
		total = fill(packet, protect_aad(out) + 64);
		assert_int_equal(protect_seal(out, 5, packet, total), 0);
		for (size_t part = 0; part < 3; part++) {
			for (size_t i = 0; i < lens[part]; i++) {
				/* -etm: the MAC knows nothing of key and IV. */
				if (s.cipher->tag_len == 0 && s.mac->etm && part < 2)
					continue;
				parts[part][i] ^= 0x10;
				in = make(&s, false);
				memcpy(copy, packet, sizeof(copy));
				/* The other half of ChaCha's key is the length's. */
				if (s.cipher->key_len == 64 && i >= 32) {
					uint32_t length;

					assert_int_equal(protect_length(in, 5, copy, &length), 0);
					assert_int_not_equal(length, total - 4);
				} else {
					assert_int_equal(receive(in, 5, copy, total), -1);
				}
				protect_free(in);
				parts[part][i] ^= 0x10;
			}
		}
		protect_free(out);
	}
}

static void
misuse_is_refused(void **state)
{
	uint8_t packet[4 + 256 + CIPHER_TAG_MAX] = { 0 }, sealed[sizeof(packet)];
	struct protect_keys none;
	struct protect *p;
	struct suite s;
	uint32_t length;

	(void)state;
	for (size_t n = 0; suite_at(n, &s); n++) {
		const size_t aad = s.cipher->tag_len != 0 || s.mac->etm ? 4 : 0;
		const size_t block = s.cipher->block;
		const size_t bad[] = { 0, 1, 3, 4, aad, aad + 1, aad + block - 1,
		    aad + block + 1, aad + 3 * block - 1, (1 << 24) + aad + block,
		    SIZE_MAX, SIZE_MAX - 3 };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			p = make(&s, true);
			assert_int_equal(protect_seal(p, 0, packet, bad[i]), -1);
			protect_free(p);
			p = make(&s, false);
			assert_int_equal(protect_length(p, 0, packet, &length), 0);
			assert_int_equal(protect_open(p, 0, packet, bad[i]), -1);
			protect_free(p);
		}
		p = make(&s, true);		/* the wrong direction */
		assert_int_equal(protect_length(p, 0, packet, &length), -1);
		protect_free(p);
		p = make(&s, false);
		assert_int_equal(protect_seal(p, 0, packet, aad + block), -1);
		protect_free(p);
		p = make(&s, false);		/* twice, or not at all */
		assert_int_equal(protect_length(p, 0, packet, &length), 0);
		assert_int_equal(protect_length(p, 0, packet, &length), -1);
		protect_free(p);
		p = make(&s, true);
		memset(sealed, 0, sizeof(sealed));
		assert_int_equal(protect_seal(p, 0, sealed, aad + block), 0);
		assert_int_equal(protect_seal(p, 1, packet, aad + block + 1), -1);
		assert_int_equal(protect_seal(p, 1, packet, aad + block), -1);	/* dead */
		protect_free(p);
		p = make(&s, false);
		assert_int_equal(protect_open(p, 0, sealed, aad + block), -1);
		protect_free(p);

		none = keys;
		none.key = NULL;
		assert_null(protect_new(s.cipher, s.mac, &none, true));
		none = keys;
		none.iv = NULL;
		p = protect_new(s.cipher, s.mac, &none, true);
		assert_int_equal(p == NULL, s.cipher->iv_len != 0);
		protect_free(p);
		none = keys;
		none.mac = NULL;
		p = protect_new(s.cipher, s.mac, &none, true);
		assert_int_equal(p == NULL, s.cipher->tag_len == 0);
		protect_free(p);
		p = protect_new(s.cipher, NULL, &keys, true);
		assert_int_equal(p == NULL, s.cipher->tag_len == 0);
		protect_free(p);
	}
}

/* ---- known answers ---- */

/* draft-ietf-sshm-chacha20-poly1305-02 appendix A; then the example in the tests of
 * aws-lc-rs. */
static const struct {
	uint32_t seq;
	const char *key, *clear, *sealed;
} chacha_vectors[] = {
	{ 7,
	  "8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5"
	  "e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740",
	  "00000048"
	  "065e000000000000 00384c6f72656d20 697073756d20646f 6c6f722073697420"
	  "616d65742c20636f 6e73656374657475 7220616469706973 6963696e6720656c"
	  "69744e43e804dc6c",
	  "2c3ecce4"
	  "a5bc05895bf07a7b a956b6c68829ac7c 83b780b7000ecde7 45afc705bbc378ce"
	  "03a280236b87b53b ed5839662302b164 b6286a48cd1e0971 38e3cb909b8b2b82"
	  "9dd18d2a35ff82d9 95349e855bf02c29 8ef775f2d1a7e8b8" },
	{ 94,
	  "247a041f6780baf0de3741aa4436024b6a5169b0eab8a090a291f5900bf566a5"
	  "4ac2c64c0f38cab14a143111bc39d1873013f52f2e92062e375c1a5378ad9b32",
	  "000000100f000000000000000000000000000000",
	  "c87186a24d89e672f37df98a95d0a0653e9f0fe4075bc727e855c8d487bb3060c42267cd" },
};

static void
chachapoly_known_answers(void **state)
{
	uint8_t key[64], clear[128], sealed[128], packet[128];
	const struct protect_keys k = { key, NULL, NULL };
	const struct cipher_alg *alg = cipher("chacha20-poly1305@openssh.com");
	struct protect *out, *in;
	size_t total, all;

	(void)state;
	for (size_t i = 0; i < sizeof(chacha_vectors) / sizeof(chacha_vectors[0]); i++) {
		assert_int_equal(unhex(chacha_vectors[i].key, key, sizeof(key)), 64);
		total = unhex(chacha_vectors[i].clear, clear, sizeof(clear));
		all = unhex(chacha_vectors[i].sealed, sealed, sizeof(sealed));
		assert_int_equal(all, total + 16);
		out = protect_new(alg, NULL, &k, true);
		in = protect_new(alg, NULL, &k, false);
		assert_non_null(out);
		assert_non_null(in);
		memcpy(packet, clear, total);
		assert_int_equal(protect_seal(out, chacha_vectors[i].seq, packet, total), 0);
		assert_memory_equal(packet, sealed, all);
		assert_int_equal(receive(in, chacha_vectors[i].seq, packet, total), 0);
		assert_memory_equal(packet, clear, total);
		protect_free(out);
		protect_free(in);
	}
}

/* NIST SP 800-38A, F.5 and F.2: four blocks. */
static const struct {
	const char *name, *iv, *key, *sealed;
} mode_vectors[] = {
	{ "aes128-ctr", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "2b7e151628aed2a6abf7158809cf4f3c",
	  "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
	  "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee" },
	{ "aes192-ctr", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
	  "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
	  "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050" },
	{ "aes256-ctr", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	  "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
	  "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6" },
	{ "aes128-cbc", "000102030405060708090a0b0c0d0e0f",
	  "2b7e151628aed2a6abf7158809cf4f3c",
	  "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
	  "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7" },
	{ "aes192-cbc", "000102030405060708090a0b0c0d0e0f",
	  "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
	  "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
	  "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd" },
	{ "aes256-cbc", "000102030405060708090a0b0c0d0e0f",
	  "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	  "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
	  "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b" },
};

static void
mode_known_answers(void **state)
{
	uint8_t key[32], iv[16], clear[64], sealed[64], packet[64 + 32];
	const struct protect_keys k = { key, iv, mac_bytes };
	struct protect *p;

	(void)state;
	(void)unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
	    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
	    clear, sizeof(clear));
	for (size_t i = 0; i < sizeof(mode_vectors) / sizeof(mode_vectors[0]); i++) {
		(void)unhex(mode_vectors[i].iv, iv, sizeof(iv));
		(void)unhex(mode_vectors[i].key, key, sizeof(key));
		assert_int_equal(unhex(mode_vectors[i].sealed, sealed, sizeof(sealed)), 64);
		p = protect_new(cipher(mode_vectors[i].name), mac("hmac-sha2-256"), &k, true);
		assert_non_null(p);
		memcpy(packet, clear, sizeof(clear));
		assert_int_equal(protect_seal(p, 0, packet, sizeof(clear)), 0);
		assert_memory_equal(packet, sealed, sizeof(sealed));
		protect_free(p);
	}
}

/* ---- other ways to the same bytes ---- */

/* libsodium's HMAC, over number and bytes (SHA-1 it does not have); UMAC by its letter,
 * with the number as nonce. */
static void
other_mac(const struct mac_alg *m, uint32_t seq, const uint8_t *bytes, size_t n, uint8_t *out)
{
	uint8_t number[8] = { 0 };

	put_u32(number + 4, seq);
	if (m->hash == 0) {
		umac_slow(mac_bytes, number, bytes, n, out, m->tag_len);
	} else if (m->hash == HASH_SHA1) {
		uint8_t all[256];

		assert_true(n + 4 <= sizeof(all));
		memcpy(all, number + 4, 4);
		memcpy(all + 4, bytes, n);
		assert_non_null(HMAC(EVP_sha1(), mac_bytes, 20, all, n + 4, out, NULL));
	} else if (m->hash == HASH_SHA256) {
		crypto_auth_hmacsha256_state st;

		assert_int_equal(crypto_auth_hmacsha256_init(&st, mac_bytes, 32), 0);
		(void)crypto_auth_hmacsha256_update(&st, number + 4, 4);
		(void)crypto_auth_hmacsha256_update(&st, bytes, n);
		(void)crypto_auth_hmacsha256_final(&st, out);
	} else {
		crypto_auth_hmacsha512_state st;

		assert_int_equal(crypto_auth_hmacsha512_init(&st, mac_bytes, 64), 0);
		(void)crypto_auth_hmacsha512_update(&st, number + 4, 4);
		(void)crypto_auth_hmacsha512_update(&st, bytes, n);
		(void)crypto_auth_hmacsha512_final(&st, out);
	}
}

/* Counter mode made of single blocks, from byte at of the stream. */
static void
other_ctr(size_t key_len, size_t at, uint8_t *bytes, size_t n)
{
	const EVP_CIPHER *ecb = key_len == 16 ? EVP_aes_128_ecb() :
	    key_len == 24 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t counter[16], stream[16];
	size_t block;
	int len, i;

	assert_int_equal(EVP_EncryptInit_ex(ctx, ecb, NULL, key_bytes, NULL), 1);
	for (size_t j = 0; j < n; j++) {
		memcpy(counter, iv_bytes, 16);
		for (block = (at + j) / 16; block > 0; block--)
			for (i = 15; i >= 0 && ++counter[i] == 0; i--)
				;
		assert_int_equal(EVP_EncryptUpdate(ctx, stream, &len, counter, 16), 1);
		bytes[j] ^= stream[(at + j) % 16];
	}
	EVP_CIPHER_CTX_free(ctx);
}

/* Chained from single blocks, behind the block of ciphertext last. */
static void
other_cbc(size_t key_len, uint8_t last[16], uint8_t *bytes, size_t n)
{
	const EVP_CIPHER *ecb = key_len == 16 ? EVP_aes_128_ecb() :
	    key_len == 24 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	assert_int_equal(EVP_EncryptInit_ex(ctx, ecb, NULL, key_bytes, NULL), 1);
	for (size_t at = 0; at < n; at += 16) {
		for (size_t i = 0; i < 16; i++)
			last[i] ^= bytes[at + i];
		assert_int_equal(EVP_EncryptUpdate(ctx, last, &len, last, 16), 1);
		memcpy(bytes + at, last, 16);
	}
	EVP_CIPHER_CTX_free(ctx);
}

static void
other_mode(const struct suite *s, size_t at, uint8_t last[16], uint8_t *bytes, size_t n)
{
	if (strstr(s->cipher->name, "-cbc") != NULL)
		other_cbc(s->cipher->key_len, last, bytes, n);
	else
		other_ctr(s->cipher->key_len, at, bytes, n);
}

static void
modes_and_macs_agree_with_others(void **state)
{
	enum { TEXT = 80 };
	uint8_t packet[4 + TEXT + CIPHER_TAG_MAX], want[sizeof(packet)];
	struct protect *out;
	struct suite s;
	size_t total, at;
	uint8_t last[16];

	(void)state;
	/* The counter carries over every byte. */
	memset(iv_bytes + 1, 0xff, sizeof(iv_bytes) - 1);
	for (size_t n = 0; suite_at(n, &s); n++) {
		if (s.cipher->tag_len != 0)
			continue;
		out = make(&s, true);
		memcpy(last, iv_bytes, sizeof(last));
		at = 0;
		for (uint32_t seq = 0x01020304; seq < 0x01020304 + 5; seq++) {
			total = fill(packet, protect_aad(out) + TEXT);
			memcpy(want, packet, total);
			if (s.mac->etm) {
				other_mode(&s, at, last, want + 4, TEXT);
				other_mac(s.mac, seq, want, total, want + total);
			} else {
				other_mac(s.mac, seq, want, total, want + total);
				other_mode(&s, at, last, want, TEXT);
			}
			at += TEXT;
			assert_int_equal(protect_seal(out, seq, packet, total), 0);
			assert_memory_equal(packet, want, total + s.mac->tag_len);
		}
		protect_free(out);
	}
	crypto_random(iv_bytes, sizeof(iv_bytes));
}

/* A fresh context per packet, nothing in place; libsodium where it can. */
static void
other_gcm(size_t key_len, const uint8_t iv[12], const uint8_t *packet, size_t total, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t again[256];
	unsigned long long n;
	int len;

	memcpy(out, packet, 4);
	assert_int_equal(EVP_EncryptInit_ex(ctx, key_len == 16 ? EVP_aes_128_gcm() :
	    EVP_aes_256_gcm(), NULL, key_bytes, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &len, packet, 4), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out + 4, &len, packet + 4, (int)total - 4), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, out + total, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, out + total), 1);
	EVP_CIPHER_CTX_free(ctx);
	if (key_len == 32 && crypto_aead_aes256gcm_is_available()) {
		(void)crypto_aead_aes256gcm_encrypt(again, &n, packet + 4, total - 4,
		    packet, 4, NULL, iv, key_bytes);
		assert_int_equal(n, total - 4 + 16);
		assert_memory_equal(again, out + 4, n);
	}
}

static void
gcm_agrees_with_others(void **state)
{
	enum { TEXT = 80 };
	static const char *const names[] = { "aes128-gcm@openssh.com", "aes256-gcm@openssh.com" };
	uint8_t packet[4 + TEXT + 16], want[sizeof(packet)], iv[12];
	struct protect *out;

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		/* RFC 5647 7.1: the counter is the last 8 bytes, and wraps there. */
		memset(iv_bytes + 4, 0xff, 7);
		iv_bytes[11] = 0xfe;
		memcpy(iv, iv_bytes, sizeof(iv));
		out = protect_new(cipher(names[a]), NULL, &keys, true);
		assert_non_null(out);
		for (uint32_t seq = 0; seq < 5; seq++) {
			(void)fill(packet, 4 + TEXT);
			other_gcm(cipher(names[a])->key_len, iv, packet, 4 + TEXT, want);
			assert_int_equal(protect_seal(out, seq, packet, 4 + TEXT), 0);
			assert_memory_equal(packet, want, sizeof(packet));
			for (int i = 11; i >= 4 && ++iv[i] == 0; i--)
				;
			assert_memory_equal(iv, iv_bytes, 4);
		}
		protect_free(out);
	}
	crypto_random(iv_bytes, sizeof(iv_bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(refused_text_is_never_shown),
		cmocka_unit_test(order_and_number_matter),
		cmocka_unit_test(wrong_keys_are_refused),
		cmocka_unit_test(misuse_is_refused),
		cmocka_unit_test(round_trips_of_every_size),
		cmocka_unit_test(head_and_aad_are_what_the_mode_says),
		cmocka_unit_test(length_reads_and_leaves_the_rest_alone),
		cmocka_unit_test(chachapoly_known_answers),
		cmocka_unit_test(mode_known_answers),
		cmocka_unit_test(modes_and_macs_agree_with_others),
		cmocka_unit_test(gcm_agrees_with_others),
	};

	if (crypto_init() != 0)
		return 1;
	crypto_random(key_bytes, sizeof(key_bytes));
	crypto_random(iv_bytes, sizeof(iv_bytes));
	crypto_random(mac_bytes, sizeof(mac_bytes));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
