/*
 * keygen_convert.c - public keys to and from the formats of others: RFC 4716, PKCS#8's
 * SubjectPublicKeyInfo, PKCS#1.
 *
 * What is imported may be anybody's: a key is printed only if its blob is whole.
 */
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "apps/keygen.h"
#include "crypto/pubkey.h"

static const char rfc4716_begin[] = "---- BEGIN SSH2 PUBLIC KEY ----";
static const char rfc4716_end[] = "---- END SSH2 PUBLIC KEY ----";

enum {
	RFC4716_LINE = 70,
	RFC4716_COMMENT = 61,		/* with all around it, 72 (RFC 4716 section 3.3) */
};

static bool
is_format(const struct keygen *k, const char *name)
{
	return strcasecmp(k->format != NULL ? k->format : "RFC4716", name) == 0;
}

/* ---- export ---- */

static enum keygen_status
print_rfc4716(const struct keygen_public *p)
{
	const struct passwd *pw = getpwuid(getuid());
	char host[256] = "localhost", comment[512], b64[2 * KEY_BLOB_MAX];
	struct pubkey_about about;

	if (pubkey_describe(p->blob, p->blob_len, &about) != 0)
		return keygen_fail(KEYGEN_DAMAGED, "not a public key");
	(void)gethostname(host, sizeof(host) - 1);	/* else the default */
	(void)snprintf(comment, sizeof(comment), "%u-bit %s, converted by %s@%s from OpenSSH",
	    about.bits, about.name, pw != NULL ? pw->pw_name : "unknown", host);
	comment[RFC4716_COMMENT - 1] = '\0';	/* what is too long is cut */
	(void)sodium_bin2base64(b64, sizeof(b64), p->blob, p->blob_len,
	    sodium_base64_VARIANT_ORIGINAL);
	(void)printf("%s\nComment: \"%s\"\n", rfc4716_begin, comment);
	for (size_t i = 0; i < strlen(b64); i += RFC4716_LINE)
		(void)printf("%.*s\n", RFC4716_LINE, &b64[i]);
	(void)printf("%s\n", rfc4716_end);
	return KEYGEN_FINE;
}

static enum keygen_status
print_openssl(const struct keygen *k, const struct keygen_public *p)
{
	EVP_PKEY *pkey = pubkey_to_openssl(p->blob, p->blob_len);
	/* PKCS#1 is for RSA alone; others have one form */
	const char *structure = is_format(k, "PEM") && pkey != NULL &&
	    EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA ? "type-specific" : "SubjectPublicKeyInfo";
	enum keygen_status s = KEYGEN_UNSUPPORTED;
	OSSL_ENCODER_CTX *ctx = NULL;
	unsigned char *text = NULL;
	size_t n = 0;

	if (pkey != NULL)
		ctx = OSSL_ENCODER_CTX_new_for_pkey(pkey, EVP_PKEY_PUBLIC_KEY, "PEM", structure, NULL);
	if (ctx != NULL && OSSL_ENCODER_to_data(ctx, &text, &n) == 1) {
		(void)fwrite(text, 1, n, stdout);
		s = KEYGEN_FINE;
	}
	OPENSSL_free(text);
	OSSL_ENCODER_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return s == KEYGEN_FINE ? s : keygen_fail(s, "this type of key has no %s format", k->format);
}

/* Of a public file, or of a private one. */
static enum keygen_status
read_either(const struct keygen *k, const char *path, struct keygen_public *out)
{
	static char line[KEYGEN_LINE_MAX];
	struct keyfile_key key;
	enum keygen_status s;

	if (keygen_public_file(path, line, out))
		return KEYGEN_FINE;
	s = keygen_file_half(k, path, &key);
	if (s == KEYGEN_FINE) {
		memcpy(out->blob, key.blob, key.blob_len);
		out->blob_len = key.blob_len;
	}
	crypto_wipe(&key, sizeof(key));
	return s;
}

enum keygen_status
keygen_export(const struct keygen *k)
{
	static struct keygen_public public;
	char path[KEYGEN_PATH_MAX];
	enum keygen_status s;

	s = keygen_file_name(k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = read_either(k, path, &public);
	if (s != KEYGEN_FINE)
		return s;
	if (is_format(k, "RFC4716"))
		return print_rfc4716(&public);
	if (is_format(k, "PKCS8") || is_format(k, "PEM"))
		return print_openssl(k, &public);
	return keygen_fail(KEYGEN_FAILED, "no format \"%s\"; there are RFC4716, PKCS8 and PEM", k->format);
}

/* ---- import ---- */

/* Over the headers, which have a colon, and whose value goes on in the next line behind
 * a backslash (RFC 4716 section 3.3). */
static char *
skip_headers(char *text)
{
	bool goes_on = true;		/* the first line is the armour */

	while (text != NULL) {
		char *end = strchr(text, '\n');
		size_t len = end != NULL ? (size_t)(end - text) : strlen(text);

		if (!goes_on && memchr(text, ':', len) == NULL)
			return text;
		if (len > 0 && text[len - 1] == '\r')
			len--;
		goes_on = len > 0 && text[len - 1] == '\\';
		text = end != NULL ? end + 1 : NULL;
	}
	return NULL;
}

static enum keygen_status
read_rfc4716(char *text, struct keygen_public *out)
{
	char *begin = strstr(text, rfc4716_begin), *end = strstr(text, rfc4716_end);
	struct pubkey_about about;

	if (begin == NULL || end == NULL || end < begin)
		return strstr(text, "SSH2 ENCRYPTED PRIVATE KEY") != NULL ?
		    keygen_fail(KEYGEN_UNSUPPORTED, "private keys of ssh.com are not supported") :
		    keygen_fail(KEYGEN_DAMAGED, "not an RFC 4716 public key file");
	*end = '\0';
	begin = skip_headers(begin);
	if (begin == NULL || sodium_base642bin(out->blob, sizeof(out->blob), begin, strlen(begin),
	    "\r\n\t ", &out->blob_len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    pubkey_describe(out->blob, out->blob_len, &about) != 0)
		return keygen_fail(KEYGEN_DAMAGED, "the key in the file is damaged");
	return KEYGEN_FINE;
}

static enum keygen_status
read_openssl(const char *text, size_t n, struct keygen_public *out)
{
	const unsigned char *p = (const unsigned char *)text;
	enum keygen_status s = KEYGEN_FINE;
	EVP_PKEY *pkey = NULL;
	OSSL_DECODER_CTX *ctx;

	ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, NULL, EVP_PKEY_PUBLIC_KEY, NULL, NULL);
	if (ctx == NULL || OSSL_DECODER_from_data(ctx, &p, &n) != 1)
		s = keygen_fail(KEYGEN_DAMAGED, "not a public key in this format");
	else if (pubkey_from_openssl(pkey, out->blob, sizeof(out->blob), &out->blob_len) != 0)
		s = keygen_fail(KEYGEN_UNSUPPORTED, "a type of key that SSH does not have");
	OSSL_DECODER_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return s;
}

enum keygen_status
keygen_import(const struct keygen *k)
{
	static struct keygen_public public;
	char path[KEYGEN_PATH_MAX], *text;
	enum keygen_status s;
	size_t n;

	s = keygen_file_name(k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = keygen_file_slurp(path, KEYFILE_MAX, &text, &n);
	if (s != KEYGEN_FINE)
		return s;
	if (is_format(k, "RFC4716"))
		s = read_rfc4716(text, &public);
	else if (is_format(k, "PKCS8") || is_format(k, "PEM"))
		s = read_openssl(text, n, &public);
	else
		s = keygen_fail(KEYGEN_FAILED, "no format \"%s\"; there are RFC4716, PKCS8 and PEM",
		    k->format);
	if (s == KEYGEN_FINE)
		keygen_public_print(stdout, public.blob, public.blob_len, "");
	crypto_wipe(text, n);		/* somebody may have taken a private file for a public */
	free(text);
	return s;
}
