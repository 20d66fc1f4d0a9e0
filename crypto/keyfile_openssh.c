/*
 * keyfile_openssh.c - OpenSSH's own format for private keys (PROTOCOL.key).
 *
 * Sizes, counts and bcrypt rounds are bounded before they are used.  The public half
 * stands in clear and again in the encrypted part; both must be the one that the
 * private half makes.  A wrong passphrase and an altered file are the same thing to
 * an AEAD, and count as the former.
 */
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/keyfile_cipher.h"
#include "crypto/keyfile_format.h"
#include "crypto/keyfile_type.h"

static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */

enum {
	CIPHER_NAME_MAX = 64,
	KDF_OPTIONS_MAX = 4 + BCRYPT_PBKDF_SALT_MAX + 4,
	PADDING_MAX = 16,
};

/* The file's outer fields, borrowed from the decoded bytes. */
struct envelope {
	const struct keyfile_cipher *cipher;
	const struct keyfile_type *type;
	bool encrypted;
	struct blob salt;
	uint32_t rounds;
	struct blob public;		/* the whole public key blob      */
	struct blob private;		/* encrypted, without the tag     */
};

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
	e->type = keyfile_type_find(type);
	return e->type != NULL ? KEYFILE_OK : KEYFILE_UNSUPPORTED;
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
decrypt(const struct envelope *e, struct blob passphrase, uint8_t *out)
{
	uint8_t key[BCRYPT_PBKDF_KEY_MAX];
	enum keyfile_result result = KEYFILE_OK;

	if (e->encrypted && passphrase.n == 0)
		return KEYFILE_NEEDS_PASSPHRASE;
	if (e->encrypted && bcrypt_pbkdf((const char *)passphrase.p, passphrase.n, e->salt.p,
	    e->salt.n, e->rounds, key, e->cipher->key_len + e->cipher->iv_len) != 0)
		result = KEYFILE_DAMAGED;
	else if (keyfile_decrypt(e->cipher, key, e->private.p, e->private.n, out) != 0)
		result = KEYFILE_WRONG_PASSPHRASE;
	crypto_wipe(key, sizeof(key));
	return result;
}

static enum keyfile_result
read_comment(struct blob *in, struct keyfile_key *out)
{
	struct blob comment = blob_string(in, KEYFILE_COMMENT_MAX);

	if (in->bad || (comment.n > 0 && memchr(comment.p, 0, comment.n) != NULL))
		return KEYFILE_DAMAGED;
	if (comment.n > 0)
		memcpy(out->comment, comment.p, comment.n);
	out->comment[comment.n] = '\0';
	return KEYFILE_OK;
}

static enum keyfile_result
read_private(const struct envelope *e, struct blob in, struct keyfile_key *out)
{
	struct blob check1, check2;
	enum keyfile_result r;

	check1 = blob_take(&in, 4);
	check2 = blob_take(&in, 4);
	if (in.bad || !crypto_equal(check1.p, check2.p, 4))
		return e->encrypted ? KEYFILE_WRONG_PASSPHRASE : KEYFILE_DAMAGED;
	if (!blob_is_name(blob_string(&in, NAME_MAX_LEN), e->type->name))
		return KEYFILE_DAMAGED;
	r = e->type->openssh(e->type, &in, out);
	if (r == KEYFILE_OK)
		r = read_comment(&in, out);
	if (r != KEYFILE_OK)
		return r;
	if (!blob_is(e->public, out->blob, out->blob_len) || in.n >= PADDING_MAX)
		return KEYFILE_DAMAGED;
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != i + 1)
			return KEYFILE_DAMAGED;
	return KEYFILE_OK;
}

enum keyfile_result
keyfile_openssh_read(const struct keyfile_source *from, struct keyfile_key *out)
{
	struct envelope e = { .rounds = 0 };
	enum keyfile_result result;
	size_t n;

	result = keyfile_base64(from->text, from->room, from->room_len, &n);
	if (result == KEYFILE_OK)
		result = read_envelope(blob_of(from->room, n), &e);
	if (result == KEYFILE_OK && e.type->is_token && e.encrypted && from->passphrase.n == 0) {
		/* what is locked is of no use to us */
		result = keyfile_sk_public(e.type, e.public, out);
		return result == KEYFILE_OK ? KEYFILE_TOKEN : result;
	}
	if (result == KEYFILE_OK)	/* it is shorter than the text it was in */
		result = decrypt(&e, from->passphrase, from->room2);
	if (result == KEYFILE_OK)
		result = read_private(&e, blob_of(from->room2, e.private.n), out);
	return result == KEYFILE_OK && e.type->is_token ? KEYFILE_TOKEN : result;
}
