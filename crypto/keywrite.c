/*
 * keywrite.c - a private key into OpenSSH's own format (PROTOCOL.key); the others are
 * in keywrite_openssl.c.
 *
 * The key comes in the fixed form and has been checked.  All that held a part of it is
 * wiped on every path, but for the caller's text.
 */
#include "crypto/keywrite.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/bcrypt_pbkdf.h"
#include "crypto/keyfile_cipher.h"
#include "crypto/keyfile_type.h"

static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */
static const char default_cipher[] = "aes256-ctr";

enum {
	SALT = 16,
	ARMOUR_LINE = 70,
	PART_MAX = 16 * 1024,		/* private section, encrypted or not; and all of it */
	TAG_MAX = 16,
	SECRET_FIELD_MAX = KEYFILE_NUMBER_MAX,
};

/* ---- the private section ---- */

static void
put_ed25519(struct blob_out *o, struct blob public, struct blob secret)
{
	struct blob point = blob_string(&public, SECRET_FIELD_MAX);

	blob_put_string(o, point.p, point.n);
	blob_put_u32(o, (uint32_t)(secret.n + point.n));
	blob_put(o, secret.p, secret.n);
	blob_put(o, point.p, point.n);
}

/* The public fields as they are, and behind them the scalar, or x, as a number. */
static void
put_public_and_number(struct blob_out *o, struct blob public, struct blob secret)
{
	blob_put(o, public.p, public.n);
	blob_put_mpint(o, secret.p, secret.n);
}

static void
put_rsa(struct blob_out *o, struct blob public, struct blob secret)
{
	struct blob e = blob_mpint(&public, KEYFILE_NUMBER_MAX);
	struct blob n = blob_mpint(&public, KEYFILE_NUMBER_MAX);

	blob_put_mpint(o, n.p, n.n);
	blob_put_mpint(o, e.p, e.n);
	blob_put(o, secret.p, secret.n);	/* d, iqmp, p, q: in the format's order */
}

static void
put_key(struct blob_out *o, const struct keyfile_key *key)
{
	struct blob public = blob_of(key->blob, key->blob_len), type, number;
	struct blob secret = blob_of(key->secret, key->secret_len);

	type = blob_string(&public, NAME_MAX_LEN);
	blob_put_string(o, type.p, type.n);
	if (blob_is_name(type, "ssh-ed25519")) {
		put_ed25519(o, public, secret);
	} else if (blob_is_name(type, "ssh-rsa")) {
		put_rsa(o, public, secret);
	} else if (blob_is_name(type, "ssh-dss")) {
		number = blob_mpint(&secret, KEYFILE_NUMBER_MAX);
		put_public_and_number(o, public, number);
	} else {
		put_public_and_number(o, public, secret);
	}
}

static void
put_private(struct blob_out *o, const struct keyfile_key *key, size_t block)
{
	uint8_t check[4];

	randombytes_buf(check, sizeof(check));
	blob_put(o, check, sizeof(check));
	blob_put(o, check, sizeof(check));
	put_key(o, key);
	blob_put_string(o, key->comment, strlen(key->comment));
	for (uint8_t i = 1; o->n % block != 0 && !o->bad; i++)
		blob_put(o, &i, 1);
}

/* ---- encryption ---- */

/* key with the IV behind it; the tag goes behind the n bytes.  In place. */
static int
encrypt_openssl(const struct keyfile_cipher *c, const uint8_t *key, uint8_t *p, size_t n)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, c->openssl_name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done, last, r = -1;

	if (cipher == NULL || ctx == NULL ||
	    EVP_EncryptInit_ex2(ctx, cipher, key, key + c->key_len, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_EncryptUpdate(ctx, p, &done, p, (int)n) != 1 ||
	    EVP_EncryptFinal_ex(ctx, p + done, &last) != 1 || (size_t)done + (size_t)last != n)
		goto end;
	if (c->mode == KEYFILE_GCM && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
	    (int)c->tag_len, p + n) != 1)
		goto end;
	r = 0;
end:
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return r;
}

/* As packet number 0 without a length: the second half of the key is not used. */
static int
encrypt_chachapoly(const uint8_t *key, uint8_t *p, size_t n)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t poly_key[crypto_onetimeauth_poly1305_KEYBYTES];
	int r = -1;

	if (crypto_stream_chacha20(poly_key, sizeof(poly_key), nonce, key) == 0 &&
	    crypto_stream_chacha20_xor_ic(p, p, n, nonce, 1, key) == 0 &&
	    crypto_onetimeauth_poly1305(p + n, p, n, poly_key) == 0)
		r = 0;
	crypto_wipe(poly_key, sizeof(poly_key));
	return r;
}

static int
encrypt(const struct keyfile_cipher *c, const struct keywrite *how, const uint8_t *salt,
    uint8_t *p, size_t n)
{
	uint8_t key[BCRYPT_PBKDF_KEY_MAX];
	uint32_t rounds = how->rounds != 0 ? how->rounds : KEYWRITE_ROUNDS;
	int r = -1;

	if (rounds > KEYFILE_ROUNDS_MAX)	/* we would not read it again */
		return -1;
	if (bcrypt_pbkdf(how->passphrase, strlen(how->passphrase), salt, SALT, rounds, key,
	    c->key_len + c->iv_len) == 0)
		r = c->mode == KEYFILE_CHACHAPOLY ? encrypt_chachapoly(key, p, n) :
		    encrypt_openssl(c, key, p, n);
	crypto_wipe(key, sizeof(key));
	return r;
}

/* ---- the whole ---- */

static void
put_name(struct blob_out *o, const char *name)
{
	blob_put_string(o, name, strlen(name));
}

static void
put_kdf(struct blob_out *o, const struct keyfile_cipher *c, const struct keywrite *how,
    const uint8_t *salt)
{
	put_name(o, c->name);
	if (c->mode == KEYFILE_CLEAR) {
		put_name(o, "none");
		blob_put_u32(o, 0);
		return;
	}
	put_name(o, "bcrypt");
	blob_put_u32(o, 4 + SALT + 4);
	blob_put_string(o, salt, SALT);
	blob_put_u32(o, how->rounds != 0 ? how->rounds : KEYWRITE_ROUNDS);
}

/* All of the file that is inside the armour. */
static enum keywrite_result
put_all(struct blob_out *o, const struct keyfile_key *key, const struct keyfile_cipher *c,
    const struct keywrite *how, uint8_t *room)
{
	struct blob_out private = blob_out_of(room, PART_MAX - TAG_MAX);
	uint8_t salt[SALT];

	randombytes_buf(salt, sizeof(salt));
	put_private(&private, key, c->block);
	if (private.bad || (c->mode != KEYFILE_CLEAR &&
	    encrypt(c, how, salt, private.p, private.n) != 0))
		return KEYWRITE_FAILED;
	blob_put(o, magic, sizeof(magic));
	put_kdf(o, c, how, salt);
	blob_put_u32(o, 1);
	blob_put_string(o, key->blob, key->blob_len);
	blob_put_string(o, private.p, private.n);
	blob_put(o, &private.p[private.n], c->tag_len);
	return o->bad ? KEYWRITE_FAILED : KEYWRITE_OK;
}

/* As ssh-keygen breaks the lines. */
static enum keywrite_result
armour(const struct blob_out *o, char *b64, char *out, size_t *n)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	static const char end[] = "-----END OPENSSH PRIVATE KEY-----\n";
	struct blob_out text = blob_out_of(out, KEYWRITE_MAX);
	struct blob rest, line;

	(void)sodium_bin2base64(b64, KEYWRITE_MAX, o->p, o->n, sodium_base64_VARIANT_ORIGINAL);
	rest = blob_of(b64, strlen(b64));
	blob_put(&text, begin, sizeof(begin) - 1);
	while (rest.n > 0) {
		line = blob_take(&rest, rest.n < ARMOUR_LINE ? rest.n : ARMOUR_LINE);
		blob_put(&text, line.p, line.n);
		blob_put(&text, "\n", 1);
	}
	blob_put(&text, end, sizeof(end));	/* with its NUL, which does not count */
	*n = text.n - 1;
	return text.bad ? KEYWRITE_FAILED : KEYWRITE_OK;
}

enum keywrite_result
keywrite_openssh(const struct keyfile_key *key, const struct keywrite *how, char *out, size_t *n)
{
	struct rooms { uint8_t all[PART_MAX + KEY_BLOB_MAX], private[PART_MAX]; char b64[KEYWRITE_MAX]; };
	bool encrypted = how->passphrase != NULL && how->passphrase[0] != '\0';
	const char *name = !encrypted ? "none" : how->cipher != NULL ? how->cipher : default_cipher;
	const struct keyfile_cipher *c = keyfile_cipher_find((const uint8_t *)name, strlen(name));
	enum keywrite_result r;
	struct rooms *rooms;
	struct blob_out all;

	if (c == NULL || (encrypted && c->mode == KEYFILE_CLEAR))
		return KEYWRITE_NO_CIPHER;
	rooms = calloc(1, sizeof(*rooms));
	if (rooms == NULL)
		return KEYWRITE_FAILED;
	all = blob_out_of(rooms->all, sizeof(rooms->all));
	r = put_all(&all, key, c, how, rooms->private);
	if (r == KEYWRITE_OK)
		r = armour(&all, rooms->b64, out, n);
	crypto_wipe(rooms, sizeof(*rooms));
	free(rooms);
	return r;
}

enum keywrite_result
keywrite(const struct keyfile_key *key, const struct keywrite *how, char *out, size_t *n)
{
	return how->format == KEYWRITE_OPENSSH ? keywrite_openssh(key, how, out, n) :
	    keywrite_openssl(key, how, out, n);
}
