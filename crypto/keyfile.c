/*
 * keyfile.c - private key files: which format it is, and its reader.
 *
 * The file is hostile until proven otherwise: it is parsed in a short-lived process
 * that holds nothing else, or offline by its owner, and what leaves is one fixed form.
 * Sizes are bounded first.  No key is returned whose halves do not belong together,
 * nothing is written by a read that fails, and secrets are wiped on every path.
 */
#include "crypto/keyfile.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/keyfile_cipher.h"
#include "crypto/keyfile_format.h"

struct format {
	const char *label;		/* of the armour; or what the file begins with */
	bool armour;
	keyfile_reader *read;
};
static const struct format formats[] = {
	{ "OPENSSH PRIVATE KEY",	   true,  keyfile_openssh_read },
	{ "RSA PRIVATE KEY",		   true,  keyfile_pem_read },
	{ "EC PRIVATE KEY",		   true,  keyfile_pem_read },
	{ "DSA PRIVATE KEY",		   true,  keyfile_pem_read },
	{ "PRIVATE KEY",		   true,  keyfile_pkcs8_read },
	{ "ENCRYPTED PRIVATE KEY",	   true,  keyfile_pkcs8_read_encrypted },
	{ "PuTTY-User-Key-File-",	   false, keyfile_ppk_read },
	/* known, and not read here: a better answer than "not a key" */
	{ "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", false, keyfile_other_read },
	{ "SSH PRIVATE KEY FILE FORMAT",   false, keyfile_other_read },
};

int
keyfile_init(void)
{
	uint8_t out[HASH_MAX];

	if (sodium_init() < 0 ||
	    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1)
		return -1;
	/* OpenSSL blinds what it computes on a curve: seeded now, it asks the system
	 * for nothing later */
	if (RAND_bytes(out, 1) != 1 || RAND_priv_bytes(out, 1) != 1)
		return -1;
	if (hash_start() != 0)
		return -1;
	keyfile_cipher_start();
	keyfile_pkey_start();
	return hash_once(HASH_SHA512, "", 0, out);
}

bool
keyfile_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct blob
keyfile_line(struct blob *text)
{
	const uint8_t *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
	struct blob line;

	if (end == NULL)
		return blob_take(text, text->n);
	line = blob_take(text, (size_t)(end - text->p));
	(void)blob_take(text, 1);	/* the end, just seen */
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

enum keyfile_result
keyfile_base64(struct blob text, uint8_t *out, size_t cap, size_t *n)
{
	return sodium_base642bin(out, cap, (const char *)text.p, text.n, "\r\n\t ", n,
	    NULL, sodium_base64_VARIANT_ORIGINAL) == 0 ? KEYFILE_OK : KEYFILE_DAMAGED;
}

static bool
skip(struct blob *b, const char *s)
{
	size_t n = strlen(s);

	if (b->n < n || memcmp(b->p, s, n) != 0)
		return false;
	(void)blob_take(b, n);		/* there are that many */
	return true;
}

static void
skip_space(struct blob *b)
{
	while (b->n > 0 && keyfile_is_space(b->p[0]))
		(void)blob_take(b, 1);	/* there is one */
}

/* What stands between the two lines of armour, of which the first was taken. */
static bool
take_armoured(struct blob *file, const char *label, struct blob *text)
{
	static const char dashes[] = "-----END ";
	struct blob rest = *file;
	const uint8_t *at;

	at = rest.n > 0 ? memmem(rest.p, rest.n, dashes, strlen(dashes)) : NULL;
	if (at == NULL)
		return false;
	*text = blob_take(&rest, (size_t)(at - rest.p));
	if (!skip(&rest, dashes) || !skip(&rest, label) || !skip(&rest, "-----"))
		return false;
	skip_space(&rest);
	*file = rest;
	return true;
}

static bool
begins(struct blob *file, const char *label)
{
	struct blob rest = *file;

	if (!skip(&rest, "-----BEGIN ") || !skip(&rest, label) || !skip(&rest, "-----"))
		return false;
	*file = rest;
	return true;
}

/* OpenSSL's "ecparam -genkey" writes the curve's name first, which the key has again. */
static void
skip_parameters(struct blob *file)
{
	static const char label[] = "EC PARAMETERS";
	struct blob rest = *file, text;

	if (begins(&rest, label) && take_armoured(&rest, label, &text))
		*file = rest;
}

static enum keyfile_result
read_format(struct blob file, struct keyfile_source *from, struct keyfile_key *out)
{
	skip_space(&file);
	skip_parameters(&file);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct format *f = &formats[i];
		struct blob rest = file;

		if (f->armour ? !begins(&rest, f->label) : !skip(&rest, f->label))
			continue;
		from->label = f->label;
		from->text = file;
		/* nothing but blanks may stand behind it: of two keys, which is meant? */
		if (f->armour && (!take_armoured(&rest, f->label, &from->text) || rest.n > 0))
			return KEYFILE_DAMAGED;
		return f->read(from, out);
	}
	return KEYFILE_NOT_A_KEY;
}

enum keyfile_result
keyfile_other_read(const struct keyfile_source *from, struct keyfile_key *out)
{
	(void)from;
	(void)out;
	return KEYFILE_UNSUPPORTED;
}

enum keyfile_result
keyfile_read(const uint8_t *file, size_t n, const char *passphrase, size_t passphrase_len,
    struct keyfile_key *out)
{
	struct keyfile_source from = { .room_len = n,
		.passphrase = blob_of(passphrase, passphrase == NULL ? 0 : passphrase_len) };
	enum keyfile_result result = KEYFILE_DAMAGED;	/* no memory: there is no better word */
	struct keyfile_key *key;

	if (n == 0 || n > KEYFILE_MAX)
		return KEYFILE_NOT_A_KEY;
	from.room = calloc(1, n);
	from.room2 = calloc(1, n);
	key = calloc(1, sizeof(*key));
	if (from.room != NULL && from.room2 != NULL && key != NULL)
		result = read_format(blob_of(file, n), &from, key);
	if (result == KEYFILE_OK || result == KEYFILE_TOKEN)
		*out = *key;
	if (from.room != NULL)
		crypto_wipe(from.room, n);
	if (from.room2 != NULL)
		crypto_wipe(from.room2, n);
	if (key != NULL)
		crypto_wipe(key, sizeof(*key));
	free(from.room);
	free(from.room2);
	free(key);
	return result;
}
