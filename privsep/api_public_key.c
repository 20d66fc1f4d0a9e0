/*
 * api_public_key.c - public keys and certificates as people write them: lines of files,
 * fingerprints.
 *
 * A line may be a stranger's, and nothing of it is believed but that it is well written:
 * whether the blob is a key at all, the monitor finds out.  No private half is ever here.
 */
#include <errno.h>
#include <md5.h>
#include <sodium.h>
#include <stdio.h>

#include "privsep/api.h"

enum { TYPE_MAX = 64, BLOB_MAX = 8192 };	/* as keys are taken by the monitor */

static struct span
word(const char **line)
{
	const char *from = *line + strspn(*line, " \t");
	size_t n = strcspn(from, " \t\r\n");

	*line = from + n;
	return span_of(from, n);
}

int
postern_public_key_parse(const char *line, void *blob, size_t size, size_t *len)
{
	struct span type = word(&line), text = word(&line);
	const char *end;
	struct rd r;

	*len = 0;
	if (type.n == 0 || text.n == 0)
		return -EINVAL;
	errno = 0;		/* padding that is cut off leaves it as it was */
	if (sodium_base642bin(blob, size, (const char *)text.p, text.n, NULL, len, &end,
	    sodium_base64_VARIANT_ORIGINAL) != 0) {
		*len = 0;
		return errno == ERANGE ? -ERANGE : -EINVAL;
	}
	r = rd_of(span_of(blob, *len));
	if (end != (const char *)text.p + text.n || !span_eq(rd_text(&r, TYPE_MAX), type)) {
		*len = 0;
		return -EINVAL;
	}
	return 0;
}

int
postern_public_key_format(const void *blob, size_t len, char *line, size_t size)
{
	struct rd r = rd_of(span_of(blob, len));
	struct span type = rd_text(&r, TYPE_MAX);
	size_t text_n;

	if (len > BLOB_MAX || r.bad || type.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < type.n; i++) {	/* one line and two words, whatever the blob says */
		if (type.p[i] <= ' ' || type.p[i] > '~')
			return -EINVAL;
	}
	text_n = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	if (size < type.n + 1 + text_n)
		return -ERANGE;
	memcpy(line, type.p, type.n);
	line[type.n] = ' ';
	(void)sodium_bin2base64(&line[type.n + 1], text_n, blob, len, sodium_base64_VARIANT_ORIGINAL);
	return 0;
}

int
postern_fingerprint(const void *blob, size_t len, char *out, size_t size)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];
	int n;

	(void)crypto_hash_sha256(hash, blob, len);	/* cannot fail */
	(void)sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	n = snprintf(out, size, "SHA256:%s", text);
	return n < 0 || (size_t)n >= size ? -ERANGE : 0;
}

static int
fingerprint_md5(const void *blob, size_t len, char *out, size_t size)
{
	static const char prefix[] = "MD5";
	uint8_t hash[MD5_DIGEST_LENGTH];
	size_t n = sizeof(prefix) - 1;
	MD5_CTX md5;

	if (size < sizeof(prefix) + 3 * sizeof(hash))
		return -ERANGE;
	MD5Init(&md5);
	MD5Update(&md5, blob, len);
	MD5Final(hash, &md5);
	memcpy(out, prefix, sizeof(prefix));
	for (size_t i = 0; i < sizeof(hash); i++, n += 3)
		(void)snprintf(out + n, size - n, ":%02x", hash[i]);
	return 0;
}

int
postern_fingerprint_as(enum postern_fingerprint_kind kind, const void *blob, size_t len,
    char *out, size_t size)
{
	switch (kind) {
	case POSTERN_FINGERPRINT_SHA256:
		return postern_fingerprint(blob, len, out, size);
	case POSTERN_FINGERPRINT_MD5:
		return fingerprint_md5(blob, len, out, size);
	}
	return -EINVAL;
}
