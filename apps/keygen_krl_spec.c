/*
 * keygen_krl_spec.c - the lines that say what a KRL is to revoke, as ssh-keygen(1) has
 * them under KEY REVOCATION LISTS; a public key file is one of them.
 *
 * Whatever is not understood to its last character is an error, and no KRL is made: a
 * line that was read wrong, or not at all, would leave a key that lets somebody in.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#include "apps/keygen_krl.h"
#include "crypto/krl_format.h"

static const char needs_ca[] = "certificates are revoked by serial number or key id with a CA only: -s";

struct spec {
	struct krlmake *krl;
	const struct blob *ca;		/* NULL: none was named */
};
/* NULL, or what is wrong. */
typedef const char *adder(const struct spec *, char *value);

static bool
take_serial(const char **text, uint64_t *out)
{
	char *end;

	errno = 0;
	if (**text < '0' || **text > '9')
		return false;
	*out = strtoull(*text, &end, 0);	/* 0x and 0 count, as they do for ssh-keygen */
	*text = end;
	return errno == 0;
}

static const char *
add_serial(const struct spec *s, char *value)
{
	const char *at = value;
	uint64_t low, high;

	if (s->ca == NULL)
		return needs_ca;
	if (!take_serial(&at, &low))
		return "no serial number";
	high = low;
	if (*at == '-') {
		at++;
		if (!take_serial(&at, &high))
			return "no serial number";
		if (high <= low)
			return "the range ends before it begins";
	}
	return *at != '\0' ? "no serial number" : krlmake_serials(s->krl, *s->ca, low, high);
}

static const char *
add_id(const struct spec *s, char *value)
{
	if (s->ca == NULL)
		return needs_ca;
	return *value == '\0' ? "no key id" :
	    krlmake_key_id(s->krl, *s->ca, blob_of(value, strlen(value)));
}

static const char *
take_key(const struct spec *s, const char *value, enum krl_kind kind, bool by_certificate)
{
	static struct keygen_public public;
	const char *why;
	struct cert cert;

	if (!keygen_public_take(&value, &public))
		return "no public key";
	if (!by_certificate || !cert_is(public.blob, public.blob_len))
		return krlmake_key(s->krl, kind, public.blob, public.blob_len);
	return cert_parse(public.blob, public.blob_len, &cert, &why) != 0 ? why :
	    krlmake_cert(s->krl, &cert);
}

static const char *
add_key(const struct spec *s, char *value)
{
	return take_key(s, value, KRL_KEY, false);
}

static const char *
add_sha1(const struct spec *s, char *value)
{
	return take_key(s, value, KRL_SHA1, false);
}

static const char *
add_sha256(const struct spec *s, char *value)
{
	return take_key(s, value, KRL_SHA256, false);
}

/* "SHA256:" and base64 without padding, as fingerprints are shown. */
static const char *
add_hash(const struct spec *s, char *value)
{
	static const char name[] = "SHA256:";
	uint8_t digest[KRL_SHA256_LEN];
	size_t n;

	if (strncasecmp(value, name, sizeof(name) - 1) != 0)
		return "only SHA256: hashes can be revoked";
	value += sizeof(name) - 1;
	n = strlen(value);
	if (n > 0 && value[n - 1] == '=')	/* the padding: of 32 bytes, one */
		n--;
	if (sodium_base642bin(digest, sizeof(digest), value, n, NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 || n != sizeof(digest))
		return "no SHA-256 hash";
	return krlmake_sha256(s->krl, digest);
}

static const struct { const char *word; adder *add; } words[] = {
	{ "serial:", add_serial },
	{ "id:", add_id },
	{ "key:", add_key },
	{ "sha1:", add_sha1 },
	{ "sha256:", add_sha256 },
	{ "hash:", add_hash },
};

/* Cuts off a comment and the blanks around. */
static char *
trim(char *line)
{
	size_t n;

	line += strspn(line, " \t");
	line[strcspn(line, "#\r\n")] = '\0';
	n = strlen(line);
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		line[--n] = '\0';
	return line;
}

static const char *
add_line(const struct spec *s, char *line)
{
	line = trim(line);
	if (*line == '\0')
		return NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if (strncasecmp(line, words[i].word, n) == 0)
			return words[i].add(s, line + n + strspn(line + n, " \t"));
	}
	/* a key as it is; of a certificate, that alone */
	return take_key(s, line, KRL_KEY, true);
}

enum keygen_status
keygen_krl_spec(struct krlmake *krl, const struct blob *ca, const char *name, char *text, size_t n)
{
	const struct spec s = { krl, ca };
	const char *why = memchr(text, '\0', n) != NULL ? "not a text file" : NULL;
	size_t number = 0;

	for (char *line = text, *next; line != NULL && why == NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		number++;
		why = strlen(line) > KRL_LINE_MAX ? "the line is too long" : add_line(&s, line);
	}
	return why == NULL ? KEYGEN_FINE : keygen_fail(KEYGEN_FAILED, "%s:%zu: %s", name, number, why);
}
