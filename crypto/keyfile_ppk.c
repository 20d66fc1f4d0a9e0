/*
 * keyfile_ppk.c - PuTTY's private key files, versions 2 and 3 (PuTTY manual, appendix C).
 *
 * A MAC over everything is checked before any field of the private part is looked at.
 * In a file without passphrase its key is known to all, so it proves nothing there but
 * that the file is whole.  Argon2's memory and passes are the file's wish, and bounded.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/blob.h"
#include "crypto/hash.h"
#include "crypto/keyfile_cipher.h"
#include "crypto/keyfile_format.h"
#include "crypto/keyfile_type.h"

static const char cipher_name[] = "aes256-cbc";

enum {
	KEY_LEN = 32, IV_LEN = 16, BLOCK = 16,
	MAC_LEN_2 = 20, MAC_LEN_3 = 32,
	ARGON2_SALT = crypto_pwhash_SALTBYTES,
	LINES_MAX = KEYFILE_MAX / 64,
	NUMBER_DIGITS = 9,
};

struct ppk {
	unsigned version;
	bool encrypted;
	struct blob type, encryption, comment;
	struct blob public, private;	/* decoded; private without encryption in the end */
	int argon2;			/* libsodium's number */
	uint32_t memory, passes;	/* KiB */
	uint8_t salt[ARGON2_SALT];
	uint8_t mac[MAC_LEN_3];
	/* derived; key and IV in one piece */
	uint8_t key[KEY_LEN + IV_LEN], mac_key[MAC_LEN_3];
	size_t mac_key_len;
};

/* The value of the next line, which must be that header's; errors stick to in. */
static struct blob
header(struct blob *in, const char *name)
{
	struct blob line = keyfile_line(in);

	if (!blob_is_name(blob_take(&line, strlen(name)), name) ||
	    !blob_is_name(blob_take(&line, 2), ": "))
		in->bad = true;
	return line;
}

static uint32_t
number(struct blob *in, const char *name, uint32_t max)
{
	struct blob v = header(in, name);
	uint32_t n = 0;

	if (v.n == 0 || v.n > NUMBER_DIGITS)
		in->bad = true;
	for (size_t i = 0; !in->bad && i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			in->bad = true;
		else
			n = 10 * n + (uint32_t)(v.p[i] - '0');
	}
	if (n > max)
		in->bad = true;
	return in->bad ? 0 : n;
}

/* Hexadecimal of exactly len bytes. */
static void
hex(struct blob *in, const char *name, uint8_t *out, size_t len)
{
	struct blob v = header(in, name);
	size_t n = 0;

	if (in->bad || v.n != 2 * len || sodium_hex2bin(out, len, (const char *)v.p, v.n, NULL,
	    &n, NULL) != 0 || n != len)
		in->bad = true;
}

/* That many lines of base64 behind the header. */
static struct blob
lines(struct blob *in, const char *name, uint8_t *room, size_t cap)
{
	uint32_t count = number(in, name, LINES_MAX);
	struct blob from = *in;
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		(void)keyfile_line(in);	/* only to get behind it */
	from.n -= in->n;
	if (in->bad || keyfile_base64(from, room, cap, &n) != KEYFILE_OK)
		in->bad = true;
	return blob_of(room, in->bad ? 0 : n);
}

static enum keyfile_result
read_kdf(struct blob *in, struct ppk *k)
{
	struct blob name = header(in, "Key-Derivation");
	struct blob salt;
	uint32_t lanes;
	size_t n = 0;

	k->memory = number(in, "Argon2-Memory", UINT32_MAX);
	k->passes = number(in, "Argon2-Passes", UINT32_MAX);
	lanes = number(in, "Argon2-Parallelism", UINT32_MAX);
	salt = header(in, "Argon2-Salt");
	if (in->bad || k->memory == 0 || k->passes == 0)
		return KEYFILE_DAMAGED;
	if (blob_is_name(name, "Argon2id"))
		k->argon2 = crypto_pwhash_ALG_ARGON2ID13;
	else if (blob_is_name(name, "Argon2i"))
		k->argon2 = crypto_pwhash_ALG_ARGON2I13;
	else
		return KEYFILE_UNSUPPORTED;
	/* libsodium has one lane and one length of salt, which are PuTTY's defaults */
	if (lanes != 1 || salt.n != 2 * ARGON2_SALT || k->memory > KEYFILE_ARGON2_KIB_MAX ||
	    k->passes > KEYFILE_ARGON2_PASSES_MAX ||
	    (uint64_t)k->memory * k->passes > KEYFILE_ARGON2_WORK_MAX)
		return KEYFILE_UNSUPPORTED;
	return sodium_hex2bin(k->salt, sizeof(k->salt), (const char *)salt.p, salt.n, NULL, &n,
	    NULL) == 0 && n == sizeof(k->salt) ? KEYFILE_OK : KEYFILE_DAMAGED;
}

static enum keyfile_result
read_version(struct blob *in, struct ppk *k)
{
	struct blob line = keyfile_line(in), v3 = line, v2 = line;

	k->type = header(&v3, "PuTTY-User-Key-File-3");
	k->version = 3;
	if (!v3.bad)
		return KEYFILE_OK;
	k->type = header(&v2, "PuTTY-User-Key-File-2");
	k->version = 2;
	if (!v2.bad)
		return KEYFILE_OK;
	return memmem(line.p, line.n, ": ", 2) != NULL ? KEYFILE_UNSUPPORTED : KEYFILE_DAMAGED;
}

static enum keyfile_result
read_fields(struct blob in, const struct keyfile_source *from, struct ppk *k)
{
	size_t mac_len = k->version == 2 ? MAC_LEN_2 : MAC_LEN_3;
	enum keyfile_result r = KEYFILE_OK;

	k->encryption = header(&in, "Encryption");
	k->comment = header(&in, "Comment");
	k->public = lines(&in, "Public-Lines", from->room, from->room_len);
	if (in.bad || k->comment.n > KEYFILE_COMMENT_MAX || k->public.n > KEY_BLOB_MAX ||
	    (k->comment.n > 0 && memchr(k->comment.p, 0, k->comment.n) != NULL))
		return KEYFILE_DAMAGED;
	k->encrypted = blob_is_name(k->encryption, cipher_name);
	if (!k->encrypted && !blob_is_name(k->encryption, "none"))
		return KEYFILE_UNSUPPORTED;
	if (k->encrypted && k->version == 3)
		r = read_kdf(&in, k);
	k->private = lines(&in, "Private-Lines", &from->room[k->public.n],
	    from->room_len - k->public.n);
	hex(&in, "Private-MAC", k->mac, mac_len);
	while (!in.bad && in.n > 0 && keyfile_is_space(in.p[0]))
		(void)blob_take(&in, 1);	/* of a bad one nothing is taken */
	if (!blob_done(&in) || k->private.n == 0 || (k->encrypted && k->private.n % BLOCK != 0))
		return KEYFILE_DAMAGED;
	return r;
}

/* SHA-1 of a prefix and the passphrase: version 2's derivation. */
static bool
sha1(const void *prefix, size_t n, struct blob passphrase, uint8_t *out)
{
	struct hash *h = hash_new(HASH_SHA1);

	if (h == NULL)
		return false;
	hash_add(h, prefix, n);
	hash_add(h, passphrase.p, passphrase.n);
	return hash_end(h, out) == 0;
}

static enum keyfile_result
derive_2(struct ppk *k, struct blob passphrase)
{
	static const char mac_prefix[] = "putty-private-key-file-mac-key";
	static const uint8_t numbers[2][4] = { { 0, 0, 0, 0 }, { 0, 0, 0, 1 } };
	uint8_t key[2 * MAC_LEN_2];
	bool fine;

	k->mac_key_len = MAC_LEN_2;
	fine = sha1(mac_prefix, strlen(mac_prefix), passphrase, k->mac_key) &&
	    sha1(numbers[0], 4, passphrase, key) &&
	    sha1(numbers[1], 4, passphrase, key + MAC_LEN_2);
	if (fine)
		memcpy(k->key, key, KEY_LEN);	/* the IV stays zero */
	crypto_wipe(key, sizeof(key));
	return fine ? KEYFILE_OK : KEYFILE_UNSUPPORTED;
}

static enum keyfile_result
derive_3(struct ppk *k, struct blob passphrase)
{
	uint8_t out[KEY_LEN + IV_LEN + MAC_LEN_3];
	int r;

	if (!k->encrypted)
		return KEYFILE_OK;	/* the MAC's key is empty */
	r = crypto_pwhash(out, sizeof(out), (const char *)passphrase.p, passphrase.n, k->salt,
	    k->passes, (size_t)k->memory * 1024, k->argon2);
	if (r == 0) {
		memcpy(k->key, out, sizeof(k->key));
		memcpy(k->mac_key, out + sizeof(k->key), MAC_LEN_3);
		k->mac_key_len = MAC_LEN_3;
	}
	crypto_wipe(out, sizeof(out));
	return r == 0 ? KEYFILE_OK : KEYFILE_UNSUPPORTED;	/* too little for Argon2 */
}

/* The MAC is over the private part in clear. */
static enum keyfile_result
check_mac(const struct ppk *k)
{
	const struct blob fields[] = { k->type, k->encryption, k->comment, k->public, k->private };
	const EVP_MD *md = k->version == 2 ? EVP_sha1() : EVP_sha256();
	enum keyfile_result result = KEYFILE_DAMAGED;
	unsigned len = 0;
	uint8_t mac[EVP_MAX_MD_SIZE], *text;
	struct blob_out out;
	size_t cap = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		cap += 4 + fields[i].n;
	text = malloc(cap);
	if (text == NULL)
		return KEYFILE_DAMAGED;
	out = blob_out_of(text, cap);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		blob_put_string(&out, fields[i].p, fields[i].n);
	if (!out.bad && HMAC(md, k->mac_key, (int)k->mac_key_len, text, cap, mac, &len) != NULL &&
	    crypto_equal(mac, k->mac, len))
		result = KEYFILE_OK;
	else if (k->encrypted)
		result = KEYFILE_WRONG_PASSPHRASE;
	crypto_wipe(text, cap);
	free(text);
	return result;
}

static enum keyfile_result
open_private(struct ppk *k, const struct keyfile_source *from)
{
	const struct keyfile_cipher *cipher =
	    keyfile_cipher_find((const uint8_t *)cipher_name, strlen(cipher_name));
	struct blob passphrase = from->passphrase;
	enum keyfile_result r;

	if (k->encrypted && cipher == NULL)
		return KEYFILE_UNSUPPORTED;
	if (k->encrypted && passphrase.n == 0)
		return KEYFILE_NEEDS_PASSPHRASE;
	if (!k->encrypted)
		passphrase.n = 0;	/* one too many does no harm */
	r = k->version == 2 ? derive_2(k, passphrase) : derive_3(k, passphrase);
	if (r != KEYFILE_OK)
		return r;
	if (k->encrypted) {
		if (keyfile_decrypt(cipher, k->key, k->private.p, k->private.n, from->room2) != 0)
			return KEYFILE_WRONG_PASSPHRASE;
		k->private.p = from->room2;
	}
	return check_mac(k);
}

static enum keyfile_result
read_key(const struct ppk *k, struct keyfile_key *out)
{
	struct blob public = k->public, private = k->private, name;
	const struct keyfile_type *type = keyfile_type_find(k->type);
	enum keyfile_result r;

	if (type == NULL)
		return KEYFILE_UNSUPPORTED;
	name = blob_string(&public, NAME_MAX_LEN);
	if (!blob_is_name(name, type->name))
		return KEYFILE_DAMAGED;
	r = type->putty(type, public, &private, out);
	if (r != KEYFILE_OK)
		return r;
	/* behind the fields: what fills the cipher's last block */
	if (!blob_is(k->public, out->blob, out->blob_len) || private.n >= (k->encrypted ? BLOCK : 1))
		return KEYFILE_DAMAGED;
	if (k->comment.n > 0)
		memcpy(out->comment, k->comment.p, k->comment.n);
	out->comment[k->comment.n] = '\0';
	return KEYFILE_OK;
}

enum keyfile_result
keyfile_ppk_read(const struct keyfile_source *from, struct keyfile_key *out)
{
	struct ppk k = { .version = 0 };
	struct blob in = from->text;
	enum keyfile_result r;

	r = read_version(&in, &k);
	if (r == KEYFILE_OK && keyfile_type_find(k.type) == NULL)
		r = KEYFILE_UNSUPPORTED;
	if (r == KEYFILE_OK)
		r = read_fields(in, from, &k);
	if (r == KEYFILE_OK)
		r = open_private(&k, from);
	if (r == KEYFILE_OK)
		r = read_key(&k, out);
	crypto_wipe(&k, sizeof(k));
	return r;
}
