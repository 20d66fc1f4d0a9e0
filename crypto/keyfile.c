/*
 * keyfile.c - private key files in OpenSSH's format (PROTOCOL.key).
 *
 * The file is hostile until proven otherwise: it is parsed in a short-lived
 * process that holds nothing else, and what leaves is one fixed form.  Sizes,
 * counts and bcrypt rounds are bounded before they are used.  No key is
 * returned whose halves do not belong together, and secrets are wiped on every
 * path.  Errors are told apart for the user's sake; a wrong passphrase and an
 * altered file are the same thing to an AEAD, and count as the former.
 */
#include "crypto/keyfile.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/bcrypt_pbkdf.h"
#include "crypto/blob.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/keyfile_cipher.h"

static const char begin_mark[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char end_mark[] = "-----END OPENSSH PRIVATE KEY-----";
static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */
static const char ed25519[] = "ssh-ed25519";

/* Known, and not read here: a better answer than "not a key". */
static const char *const other_formats[] = {
	"-----BEGIN RSA PRIVATE KEY-----",
	"-----BEGIN DSA PRIVATE KEY-----",
	"-----BEGIN EC PRIVATE KEY-----",
	"-----BEGIN PRIVATE KEY-----",
	"-----BEGIN ENCRYPTED PRIVATE KEY-----",
	"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
	"SSH PRIVATE KEY FILE FORMAT",
	"PuTTY-User-Key-File-",
};

enum {
	CIPHER_NAME_MAX = 64,
	KDF_OPTIONS_MAX = 4 + BCRYPT_PBKDF_SALT_MAX + 4,
	PADDING_MAX = 16,
	SEED = crypto_sign_SEEDBYTES,
	PUBLIC = crypto_sign_PUBLICKEYBYTES,
};
_Static_assert((int)SEED <= (int)KEYFILE_SECRET_MAX, "a seed fits");

/* The file's outer fields, borrowed from the decoded bytes. */
struct envelope {
	const struct keyfile_cipher *cipher;
	bool encrypted;
	struct blob salt;
	uint32_t rounds;
	struct blob public;		/* the whole public key blob      */
	struct blob public_value;	/* its 32 bytes                   */
	struct blob private;		/* encrypted, without the tag     */
};

int
keyfile_init(void)
{
	uint8_t out[HASH_MAX];

	if (sodium_init() < 0 ||
	    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1)
		return -1;
	if (hash_start() != 0 || keyfile_cipher_start() != 0)
		return -1;
	return hash_once(HASH_SHA512, "", 0, out);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
starts_with(struct blob b, const char *s)
{
	return b.n >= strlen(s) && memcmp(b.p, s, strlen(s)) == 0;
}

/* Armour and base64: out has room for n bytes. */
static enum keyfile_result
unarmour(struct blob file, uint8_t *out, size_t *out_len)
{
	const uint8_t *end;
	struct blob text;

	while (file.n > 0 && is_space(file.p[0]))
		(void)blob_take(&file, 1);	/* there is one */
	for (size_t i = 0; i < sizeof(other_formats) / sizeof(other_formats[0]); i++)
		if (starts_with(file, other_formats[i]))
			return KEYFILE_UNSUPPORTED;
	if (!starts_with(file, begin_mark))
		return KEYFILE_NOT_A_KEY;
	(void)blob_take(&file, sizeof(begin_mark) - 1);	/* just seen */
	end = memmem(file.p, file.n, end_mark, sizeof(end_mark) - 1);
	if (end == NULL)
		return KEYFILE_DAMAGED;
	text = blob_take(&file, (size_t)(end - file.p));
	(void)blob_take(&file, sizeof(end_mark) - 1);	/* just seen */
	for (size_t i = 0; i < file.n; i++)
		if (!is_space(file.p[i]))
			return KEYFILE_DAMAGED;
	if (sodium_base642bin(out, text.n, (const char *)text.p, text.n, "\r\n\t ", out_len,
	    NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return KEYFILE_DAMAGED;
	return KEYFILE_OK;
}

static enum keyfile_result
read_kdf(struct blob kdf, struct blob options, struct envelope *e)
{
	/* "none" and "none", or neither: anything else is neither safe nor made. */
	if (!e->encrypted)
		return blob_is_name(kdf, "none") && options.n == 0 ?
		    KEYFILE_OK : KEYFILE_DAMAGED;
	if (blob_is_name(kdf, "none"))
		return KEYFILE_DAMAGED;
	if (!blob_is_name(kdf, "bcrypt"))
		return KEYFILE_UNSUPPORTED;
	e->salt = blob_string(&options, BCRYPT_PBKDF_SALT_MAX);
	e->rounds = blob_u32(&options);
	if (!blob_done(&options) || e->salt.n == 0 || e->rounds == 0)
		return KEYFILE_DAMAGED;
	return e->rounds <= KEYFILE_ROUNDS_MAX ? KEYFILE_OK : KEYFILE_UNSUPPORTED;
}

static enum keyfile_result
read_public(struct envelope *e)
{
	struct blob in = e->public, type;

	type = blob_string(&in, NAME_MAX_LEN);
	if (in.bad || type.n == 0)
		return KEYFILE_DAMAGED;
	if (!blob_is_name(type, ed25519))
		return KEYFILE_UNSUPPORTED;
	e->public_value = blob_string(&in, PUBLIC);
	return blob_done(&in) && e->public_value.n == PUBLIC ? KEYFILE_OK : KEYFILE_DAMAGED;
}

static enum keyfile_result
read_envelope(struct blob in, struct envelope *e)
{
	struct blob cipher, kdf, options;
	enum keyfile_result r;
	uint32_t keys;

	if (!blob_is(blob_take(&in, sizeof(magic)), magic, sizeof(magic)))
		return KEYFILE_DAMAGED;
	cipher = blob_string(&in, CIPHER_NAME_MAX);
	kdf = blob_string(&in, CIPHER_NAME_MAX);
	options = blob_string(&in, KDF_OPTIONS_MAX);
	keys = blob_u32(&in);
	if (in.bad || keys == 0)
		return KEYFILE_DAMAGED;
	if (keys > 1)
		return KEYFILE_UNSUPPORTED;
	e->public = blob_string(&in, KEY_BLOB_MAX);
	e->private = blob_string(&in, KEYFILE_MAX);
	if (in.bad)
		return KEYFILE_DAMAGED;
	e->cipher = keyfile_cipher_find(cipher.p, cipher.n);
	if (e->cipher == NULL)
		return KEYFILE_UNSUPPORTED;
	e->encrypted = e->cipher->mode != KEYFILE_CLEAR;
	(void)blob_take(&in, e->cipher->tag_len);	/* errors stick to in */
	if (!blob_done(&in) || e->private.n < e->cipher->block ||
	    e->private.n % e->cipher->block != 0)
		return KEYFILE_DAMAGED;
	r = read_kdf(kdf, options, e);
	return r == KEYFILE_OK ? read_public(e) : r;
}

static enum keyfile_result
decrypt(const struct envelope *e, const char *passphrase, size_t passphrase_len, uint8_t *out)
{
	uint8_t key[BCRYPT_PBKDF_KEY_MAX];
	enum keyfile_result result = KEYFILE_OK;

	if (e->encrypted && (passphrase == NULL || passphrase_len == 0))
		return KEYFILE_NEEDS_PASSPHRASE;
	if (e->encrypted && bcrypt_pbkdf(passphrase, passphrase_len, e->salt.p, e->salt.n,
	    e->rounds, key, e->cipher->key_len + e->cipher->iv_len) != 0)
		result = KEYFILE_DAMAGED;
	else if (keyfile_decrypt(e->cipher, key, e->private.p, e->private.n, out) != 0)
		result = KEYFILE_WRONG_PASSPHRASE;
	crypto_wipe(key, sizeof(key));
	return result;
}

/* The public half three times, in clear, encrypted and derived: all must agree,
 * or somebody has mixed two keys, and signing would give the secret away. */
static bool
halves_agree(const struct envelope *e, struct blob public, struct blob secret)
{
	uint8_t derived[PUBLIC], full[crypto_sign_SECRETKEYBYTES];
	bool same;

	if (public.n != PUBLIC || secret.n != sizeof(full) ||
	    crypto_sign_seed_keypair(derived, full, secret.p) != 0)
		return false;
	same = crypto_equal(derived, e->public_value.p, PUBLIC) &&
	    crypto_equal(derived, public.p, PUBLIC) &&
	    crypto_equal(full, secret.p, sizeof(full));
	crypto_wipe(full, sizeof(full));
	return same;
}

static enum keyfile_result
read_private(const struct envelope *e, struct blob in, struct keyfile_key *out)
{
	struct blob check1, check2, type, public, secret, comment;

	check1 = blob_take(&in, 4);
	check2 = blob_take(&in, 4);
	if (in.bad || !crypto_equal(check1.p, check2.p, 4))
		return e->encrypted ? KEYFILE_WRONG_PASSPHRASE : KEYFILE_DAMAGED;
	type = blob_string(&in, NAME_MAX_LEN);
	public = blob_string(&in, PUBLIC);
	secret = blob_string(&in, crypto_sign_SECRETKEYBYTES);
	comment = blob_string(&in, KEYFILE_COMMENT_MAX);
	if (in.bad || !blob_is_name(type, ed25519) || !halves_agree(e, public, secret))
		return KEYFILE_DAMAGED;
	if (comment.n > 0 && memchr(comment.p, 0, comment.n) != NULL)
		return KEYFILE_DAMAGED;
	if (in.n >= PADDING_MAX)
		return KEYFILE_DAMAGED;
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != i + 1)
			return KEYFILE_DAMAGED;
	memcpy(out->alg, ed25519, sizeof(ed25519));
	memcpy(out->blob, e->public.p, e->public.n);
	out->blob_len = e->public.n;
	memcpy(out->secret, secret.p, SEED);
	out->secret_len = SEED;
	if (comment.n > 0)
		memcpy(out->comment, comment.p, comment.n);
	out->comment[comment.n] = '\0';
	return KEYFILE_OK;
}

enum keyfile_result
keyfile_read(const uint8_t *file, size_t n, const char *passphrase, size_t passphrase_len,
    struct keyfile_key *out)
{
	struct envelope e = { .rounds = 0 };
	enum keyfile_result result;
	uint8_t *bytes, *clear;
	size_t len = 0;

	if (n == 0 || n > KEYFILE_MAX)
		return KEYFILE_NOT_A_KEY;
	bytes = calloc(1, n);
	clear = calloc(1, n);
	result = KEYFILE_DAMAGED;	/* no memory: there is no better word */
	if (bytes == NULL || clear == NULL)
		goto end;
	result = unarmour(blob_of(file, n), bytes, &len);
	if (result == KEYFILE_OK)
		result = read_envelope(blob_of(bytes, len), &e);
	if (result == KEYFILE_OK)
		result = decrypt(&e, passphrase, passphrase_len, clear);
	if (result == KEYFILE_OK)
		result = read_private(&e, blob_of(clear, e.private.n), out);
end:
	if (bytes != NULL)
		crypto_wipe(bytes, n);
	if (clear != NULL)
		crypto_wipe(clear, n);
	free(bytes);
	free(clear);
	return result;
}
