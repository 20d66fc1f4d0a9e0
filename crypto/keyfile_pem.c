/*
 * keyfile_pem.c - OpenSSL's traditional PEM files: "RSA PRIVATE KEY" (RFC 8017 A.1.2),
 * "EC PRIVATE KEY" (RFC 5915), "DSA PRIVATE KEY".
 *
 * DER is read by OpenSSL; the encryption around it (RFC 1421 section 4.6) is undone
 * here, so that a wrong passphrase can be told from a damaged file.  Its key comes
 * from one round of MD5, which is the format's, and the reason not to use it.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "crypto/keyfile_cipher.h"
#include "crypto/keyfile_format.h"
#include "crypto/keyfile_type.h"

enum {
	DERIVED_MAX = 64,
	PEM_SALT = PKCS5_SALT_LEN,	/* the IV's first bytes */
	HEADERS_MAX = 8,
};

struct pem_cipher { const char *pem, *name; };
static const struct pem_cipher pem_ciphers[] = {
	{ "AES-128-CBC", "aes128-cbc" },
	{ "AES-192-CBC", "aes192-cbc" },
	{ "AES-256-CBC", "aes256-cbc" },
	{ "DES-EDE3-CBC", "3des-cbc" },
};

struct pem_type { const char *label; int id; };
static const struct pem_type pem_types[] = {
	{ "RSA PRIVATE KEY", EVP_PKEY_RSA },
	{ "EC PRIVATE KEY", EVP_PKEY_EC },
	{ "DSA PRIVATE KEY", EVP_PKEY_DSA },
};

struct pem {
	bool encrypted;
	const struct keyfile_cipher *cipher;
	uint8_t iv[CIPHER_IV_MAX];
};

static bool
take_word(struct blob *line, const char *word)
{
	size_t n = strlen(word);

	if (line->n < n || memcmp(line->p, word, n) != 0)
		return false;
	(void)blob_take(line, n);	/* there are that many */
	return true;
}

/* DEK-Info's value: a cipher and its IV. */
static enum keyfile_result
read_dek(struct blob line, struct pem *pem)
{
	size_t n;

	while (line.n > 0 && keyfile_is_space(line.p[line.n - 1]))
		line.n--;
	for (size_t i = 0; i < sizeof(pem_ciphers) / sizeof(pem_ciphers[0]); i++) {
		const char *name = pem_ciphers[i].name;
		struct blob iv = line;

		if (!take_word(&iv, pem_ciphers[i].pem) || !take_word(&iv, ","))
			continue;
		pem->cipher = keyfile_cipher_find((const uint8_t *)name, strlen(name));
		if (pem->cipher == NULL)
			return KEYFILE_UNSUPPORTED;
		if (iv.n != 2 * pem->cipher->iv_len ||
		    sodium_hex2bin(pem->iv, sizeof(pem->iv), (const char *)iv.p, iv.n, NULL, &n,
		    NULL) != 0 || n != pem->cipher->iv_len)
			return KEYFILE_DAMAGED;
		return KEYFILE_OK;
	}
	return KEYFILE_UNSUPPORTED;
}

/* Lines "Name: value" up to an empty one; none at all in a file in clear. */
static enum keyfile_result
read_headers(struct blob *text, struct pem *pem)
{
	struct blob rest = *text, line;
	enum keyfile_result r = KEYFILE_OK;

	(void)keyfile_line(&rest);	/* what is left of the armour's line */
	line = keyfile_line(&rest);
	if (line.n == 0 || memchr(line.p, ':', line.n) == NULL)
		return KEYFILE_OK;
	for (int i = 0; line.n > 0; i++) {
		if (i == HEADERS_MAX)
			return KEYFILE_DAMAGED;
		if (take_word(&line, "Proc-Type: 4,ENCRYPTED"))
			pem->encrypted = true;
		else if (take_word(&line, "DEK-Info: "))
			r = read_dek(line, pem);
		if (r != KEYFILE_OK)
			return r;
		line = keyfile_line(&rest);
	}
	*text = rest;
	return pem->encrypted == (pem->cipher != NULL) ? KEYFILE_OK : KEYFILE_DAMAGED;
}

/* EVP_BytesToKey with one round, as every reader of these files does it. */
static bool
derive(const struct pem *pem, struct blob passphrase, uint8_t *key)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, pem->cipher->openssl_name, NULL);
	EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	bool fine = cipher != NULL && md5 != NULL && EVP_BytesToKey(cipher, md5, pem->iv,
	    passphrase.p, (int)passphrase.n, 1, key, NULL) == (int)pem->cipher->key_len;

	EVP_MD_free(md5);
	EVP_CIPHER_free(cipher);
	return fine;
}

static enum keyfile_result
decrypt(const struct pem *pem, struct blob passphrase, struct blob in, uint8_t *out,
    struct blob *der)
{
	uint8_t key[DERIVED_MAX + CIPHER_IV_MAX];
	enum keyfile_result result = KEYFILE_WRONG_PASSPHRASE;
	size_t n = in.n;

	if (n == 0 || n % pem->cipher->block != 0)
		return KEYFILE_DAMAGED;
	if (passphrase.n == 0)
		return KEYFILE_NEEDS_PASSPHRASE;
	if (!derive(pem, passphrase, key)) {
		result = KEYFILE_UNSUPPORTED;	/* a provider without MD5 */
	} else {
		memcpy(key + pem->cipher->key_len, pem->iv, pem->cipher->iv_len);
		if (keyfile_decrypt(pem->cipher, key, in.p, n, out) == 0 &&
		    keyfile_cipher_unpad(pem->cipher, out, &n) == 0 &&
		    keyfile_pkey_is_sequence(blob_of(out, n)))
			result = KEYFILE_OK;
	}
	crypto_wipe(key, sizeof(key));
	*der = blob_of(out, n);
	return result;
}

static enum keyfile_result
read_der(const char *label, struct blob der, struct keyfile_key *out)
{
	const unsigned char *p = der.p;
	enum keyfile_result result = KEYFILE_DAMAGED;
	EVP_PKEY *pkey = NULL;

	if (!keyfile_pkey_is_sequence(der))
		return KEYFILE_DAMAGED;
	for (size_t i = 0; i < sizeof(pem_types) / sizeof(pem_types[0]); i++)
		if (strcmp(label, pem_types[i].label) == 0)
			pkey = d2i_PrivateKey(pem_types[i].id, NULL, &p, (long)der.n);
	if (pkey != NULL && (size_t)(p - der.p) == der.n)
		result = keyfile_pkey_make(pkey, out);
	EVP_PKEY_free(pkey);
	return result;
}

enum keyfile_result
keyfile_pem_read(const struct keyfile_source *from, struct keyfile_key *out)
{
	struct pem pem = { .encrypted = false };
	struct blob text = from->text, der;
	enum keyfile_result result;
	size_t n = 0;

	result = read_headers(&text, &pem);
	if (result == KEYFILE_OK)
		result = keyfile_base64(text, from->room, from->room_len, &n);
	der = blob_of(from->room, n);
	if (result == KEYFILE_OK && pem.encrypted)
		result = decrypt(&pem, from->passphrase, der, from->room2, &der);
	return result == KEYFILE_OK ? read_der(from->label, der, out) : result;
}
