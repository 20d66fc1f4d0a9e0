/*
 * keygen_public.c - public keys as lines of text: of .pub files, authorized_keys and
 * known_hosts.
 *
 * The lines may be anybody's.  A key is taken only if its blob is whole and of the type
 * that stands in front of it.
 */
#include <sodium.h>
#include <stdlib.h>

#include "apps/keygen.h"
#include "crypto/pubkey.h"

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

bool
keygen_public_take(const char **text, struct keygen_public *out)
{
	const char *type = skip_blanks(*text), *b64, *end;
	size_t type_len = strcspn(type, " \t\r\n"), len;
	struct pubkey_about about;
	struct blob in;

	b64 = skip_blanks(type + type_len);
	len = strcspn(b64, " \t\r\n");
	if (type_len == 0 || len == 0 || sodium_base642bin(out->blob, sizeof(out->blob), b64, len,
	    NULL, &out->blob_len, &end, sodium_base64_VARIANT_ORIGINAL) != 0 || end != b64 + len)
		return false;
	in = blob_of(out->blob, out->blob_len);
	if (!blob_is(blob_string(&in, NAME_MAX_LEN), type, type_len) ||
	    pubkey_describe(out->blob, out->blob_len, &about) != 0)
		return false;
	*text = out->comment = skip_blanks(b64 + len);
	return true;
}

/* Over options or names, which may have quotes with blanks inside. */
static const char *
skip_field(const char *s)
{
	bool quoted = false;

	for (; *s != '\0' && (quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '\\' && s[1] == '"')
			s++;
		else if (*s == '"')
			quoted = !quoted;
	}
	return skip_blanks(s);
}

bool
keygen_public_line(char *line, struct keygen_public *out)
{
	const char *at;

	line[strcspn(line, "\r\n")] = '\0';
	at = skip_blanks(line);
	if (*at == '\0' || *at == '#')
		return false;
	if (keygen_public_take(&at, out))
		return true;
	if (*at == '@')				/* a marker of known_hosts */
		at = skip_field(at);
	at = skip_field(at);
	return keygen_public_take(&at, out);
}

bool
keygen_public_file(const char *path, char line[KEYGEN_LINE_MAX], struct keygen_public *out)
{
	FILE *f = fopen(path, "re");
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, KEYGEN_LINE_MAX, f) != NULL)
		found = keygen_public_line(line, out);
	(void)fclose(f);			/* only read */
	return found;
}

void
keygen_public_tame(const char *comment, char *out, size_t size)
{
	size_t n = 0;

	for (; comment[n] != '\0' && n + 1 < size; n++) {
		unsigned char c = (unsigned char)comment[n];
		unsigned char before = n > 0 ? (unsigned char)comment[n - 1] : 0;

		/* C0, and C1 as UTF-8 has it */
		out[n] = c < 0x20 || c == 0x7f || (before == 0xc2 && c >= 0x80 && c < 0xa0) ? '?' :
		    comment[n];
	}
	out[n] = '\0';
}

void
keygen_public_print(FILE *f, const uint8_t *blob, size_t n, const char *comment)
{
	char *b64 = malloc(sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL));
	char tame[KEYGEN_LINE_MAX];
	struct blob in = blob_of(blob, n), type = blob_string(&in, NAME_MAX_LEN);

	if (b64 == NULL)
		return;
	(void)sodium_bin2base64(b64, sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL),
	    blob, n, sodium_base64_VARIANT_ORIGINAL);
	keygen_public_tame(comment, tame, sizeof(tame));
	(void)fprintf(f, "%.*s %s%s%s\n", (int)type.n, (const char *)type.p, b64,
	    comment[0] != '\0' ? " " : "", tame);
	free(b64);
}
