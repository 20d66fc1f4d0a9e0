/*
 * keyfile_cipher.c - decrypting the private part of a key file.
 *
 * The bytes come from a file that may be anybody's; the caller has checked that
 * they are whole blocks with a tag behind.  Without an AEAD nothing here can
 * notice a wrong key: the caller looks at the result.  What a failed decryption
 * wrote is wiped.
 */
#include "crypto/keyfile_cipher.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "crypto/keyfile.h"

static const struct keyfile_cipher rows[] = {
	/* name				   mode		       OpenSSL	     key iv block tag */
	{ "none",			   KEYFILE_CLEAR,      NULL,	       0,  0,  8,  0 },
	{ "aes256-ctr",			   KEYFILE_OPENSSL,    "AES-256-CTR", 32, 16, 16,  0 },
	{ "aes192-ctr",			   KEYFILE_OPENSSL,    "AES-192-CTR", 24, 16, 16,  0 },
	{ "aes128-ctr",			   KEYFILE_OPENSSL,    "AES-128-CTR", 16, 16, 16,  0 },
	{ "aes256-cbc",			   KEYFILE_OPENSSL,    "AES-256-CBC", 32, 16, 16,  0 },
	{ "aes192-cbc",			   KEYFILE_OPENSSL,    "AES-192-CBC", 24, 16, 16,  0 },
	{ "aes128-cbc",			   KEYFILE_OPENSSL,    "AES-128-CBC", 16, 16, 16,  0 },
	{ "3des-cbc",			   KEYFILE_OPENSSL,    "DES-EDE3-CBC", 24, 8,  8,  0 },
	{ "aes256-gcm@openssh.com",	   KEYFILE_GCM,	       "AES-256-GCM", 32, 12, 16, 16 },
	{ "aes128-gcm@openssh.com",	   KEYFILE_GCM,	       "AES-128-GCM", 16, 12, 16, 16 },
	{ "chacha20-poly1305@openssh.com", KEYFILE_CHACHAPOLY, NULL,	      64,  0,  8, 16 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Set once by keyfile_cipher_start, read only afterwards; NULL: the provider has it not. */
static EVP_CIPHER *fetched[ROWS];

void
keyfile_cipher_start(void)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].openssl_name != NULL && fetched[i] == NULL)
			fetched[i] = EVP_CIPHER_fetch(NULL, rows[i].openssl_name, NULL);
}

const struct keyfile_cipher *
keyfile_cipher_find(const uint8_t *name, size_t n)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return rows[i].openssl_name == NULL || fetched[i] != NULL ? &rows[i] : NULL;
	return NULL;
}

static int
decrypt_openssl(const struct keyfile_cipher *c, const uint8_t *key, const uint8_t *in,
    size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[16];
	int done, last, r = -1;

	if (ctx == NULL || c->tag_len > sizeof(tag) ||
	    EVP_DecryptInit_ex2(ctx, fetched[c - rows], key, key + c->key_len, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)
		goto end;
	if (c->mode == KEYFILE_GCM) {
		memcpy(tag, in + n, c->tag_len);
		if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)c->tag_len, tag) != 1)
			goto end;
	}
	if (EVP_DecryptUpdate(ctx, out, &done, in, (int)n) == 1 &&
	    EVP_DecryptFinal_ex(ctx, out + done, &last) == 1 &&
	    (size_t)done + (size_t)last == n)
		r = 0;
end:
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

/* As packet number 0 without a length: the second half of the key is not used. */
static int
decrypt_chachapoly(const uint8_t *key, const uint8_t *in, size_t n, uint8_t *out)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t poly_key[crypto_onetimeauth_poly1305_KEYBYTES];
	int r = -1;

	if (crypto_stream_chacha20(poly_key, sizeof(poly_key), nonce, key) == 0 &&
	    crypto_onetimeauth_poly1305_verify(in + n, in, n, poly_key) == 0 &&
	    crypto_stream_chacha20_xor_ic(out, in, n, nonce, 1, key) == 0)
		r = 0;
	crypto_wipe(poly_key, sizeof(poly_key));
	return r;
}

int
keyfile_decrypt(const struct keyfile_cipher *c, const uint8_t *key, const uint8_t *in,
    size_t n, uint8_t *out)
{
	int r = -1;

	if (n > KEYFILE_MAX)
		return -1;
	switch (c->mode) {
	case KEYFILE_CLEAR:
		memcpy(out, in, n);
		return 0;
	case KEYFILE_OPENSSL:
	case KEYFILE_GCM:
		r = decrypt_openssl(c, key, in, n, out);
		break;
	case KEYFILE_CHACHAPOLY:
		r = decrypt_chachapoly(key, in, n, out);
		break;
	}
	if (r != 0)
		crypto_wipe(out, n);
	return r;
}

int
keyfile_cipher_unpad(const struct keyfile_cipher *c, const uint8_t *p, size_t *n)
{
	size_t padding;

	if (*n < c->block || *n % c->block != 0)
		return -1;
	padding = p[*n - 1];
	if (padding == 0 || padding > c->block)
		return -1;
	for (size_t i = 0; i < padding; i++)
		if (p[*n - 1 - i] != padding)
			return -1;
	*n -= padding;
	return 0;
}
