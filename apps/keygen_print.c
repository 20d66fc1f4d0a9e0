/*
 * keygen_print.c - fingerprints, and the picture of one: byte for byte what ssh-keygen
 * prints, so that people may compare the two.
 */
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "apps/keygen.h"
#include "crypto/pubkey.h"

enum {
	FIELD_X = 17, FIELD_Y = 9,
	STEPS_PER_BYTE = 4,
	FILE_MAX = 64 << 20,		/* of known_hosts, with every host of a large site */
};
static const char default_hash[] = "sha256";

/* ---- the picture: a bishop that walks as the hash says ("The drunken bishop", 2009) ---- */

static int
clamp(int v, int end)
{
	return v < 0 ? 0 : v >= end ? end - 1 : v;
}

static void
border(const char *title)
{
	int left = (FIELD_X - (int)strlen(title)) / 2;

	(void)printf("+%.*s%s%.*s+\n", left, "-----------------", title,
	    FIELD_X - left - (int)strlen(title), "-----------------");
}

static void
walk(const uint8_t *digest, size_t n, char field[FIELD_Y][FIELD_X])
{
	/* by how often a square was visited; then the first and the last */
	static const char marks[] = " .o+=*BOX@%&#/^SE";
	unsigned visits[FIELD_Y][FIELD_X] = { { 0 } }, most = sizeof(marks) - 1 - 2;
	int x = FIELD_X / 2, y = FIELD_Y / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned byte = digest[i];

		for (int step = 0; step < STEPS_PER_BYTE; step++, byte >>= 2) {
			x = clamp(x + ((byte & 1) != 0 ? 1 : -1), FIELD_X);
			y = clamp(y + ((byte & 2) != 0 ? 1 : -1), FIELD_Y);
			if (visits[y][x] < most - 1)
				visits[y][x]++;
		}
	}
	for (int row = 0; row < FIELD_Y; row++)
		for (int column = 0; column < FIELD_X; column++)
			field[row][column] = marks[visits[row][column]];
	field[FIELD_Y / 2][FIELD_X / 2] = 'S';
	field[y][x] = 'E';
}

void
keygen_print_randomart(const char *hash, const uint8_t *blob, size_t n)
{
	char field[FIELD_Y][FIELD_X], title[64], upper[16];
	uint8_t digest[PUBKEY_DIGEST_MAX];
	struct pubkey_about about;
	size_t len, i = 0;

	if (pubkey_describe(blob, n, &about) != 0 || pubkey_digest(hash, blob, n, digest, &len) != 0)
		return;
	walk(digest, len, field);
	if (snprintf(title, sizeof(title), "[%s %u]", about.name, about.bits) >= FIELD_X)
		(void)snprintf(title, sizeof(title), "[%s]", about.name);
	border(title);
	for (int row = 0; row < FIELD_Y; row++)
		(void)printf("|%.*s|\n", FIELD_X, field[row]);
	for (; hash[i] != '\0' && i < sizeof(upper) - 1; i++)
		upper[i] = (char)(hash[i] >= 'a' && hash[i] <= 'z' ? hash[i] - 'a' + 'A' : hash[i]);
	upper[i] = '\0';
	(void)snprintf(title, sizeof(title), "[%s]", upper);
	border(title);
}

/* ---- the line ---- */

enum keygen_status
keygen_print_hash(const char *hash, const uint8_t *blob, size_t n, char out[KEYGEN_FINGERPRINT_MAX])
{
	uint8_t digest[PUBKEY_DIGEST_MAX];
	size_t len, at = 0;

	if (pubkey_digest(hash, blob, n, digest, &len) != 0)
		return keygen_fail(KEYGEN_UNSUPPORTED, "no fingerprint by \"%s\"", hash);
	for (; hash[at] != '\0'; at++)
		out[at] = (char)(hash[at] >= 'a' && hash[at] <= 'z' ? hash[at] - 'a' + 'A' : hash[at]);
	if (strcasecmp(hash, "md5") != 0) {
		out[at++] = ':';
		(void)sodium_bin2base64(&out[at], KEYGEN_FINGERPRINT_MAX - at, digest, len,
		    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
		return KEYGEN_FINE;
	}
	for (size_t i = 0; i < len; i++)
		at += (size_t)snprintf(&out[at], KEYGEN_FINGERPRINT_MAX - at, ":%02x", digest[i]);
	return KEYGEN_FINE;
}

enum keygen_status
keygen_print_one(const struct keygen *k, const uint8_t *blob, size_t n, const char *comment)
{
	const char *hash = k->hash != NULL ? k->hash : default_hash;
	char text[KEYGEN_FINGERPRINT_MAX], tame[KEYGEN_LINE_MAX];
	struct pubkey_about about;
	enum keygen_status s;

	if (pubkey_describe(blob, n, &about) != 0)
		return keygen_fail(KEYGEN_DAMAGED, "not a public key");
	s = keygen_print_hash(hash, blob, n, text);
	if (s != KEYGEN_FINE)
		return s;
	keygen_public_tame(comment[0] != '\0' ? comment : "no comment", tame, sizeof(tame));
	(void)printf("%u %s %s (%s)\n", about.bits, text, tame, about.name);
	if (k->verbose)
		keygen_print_randomart(hash, blob, n);
	return KEYGEN_FINE;
}

/* Its .pub file says the comment, and spares the passphrase. */
static enum keygen_status
print_private(const struct keygen *k, const char *path)
{
	static char name[KEYGEN_PATH_MAX], line[KEYGEN_LINE_MAX];
	static struct keygen_public public;
	struct keyfile_key key;
	enum keygen_status s;

	if (snprintf(name, sizeof(name), "%s.pub", path) < (int)sizeof(name) &&
	    keygen_public_file(name, line, &public))
		return keygen_print_one(k, public.blob, public.blob_len, public.comment);
	s = keygen_file_half(k, path, &key);
	if (s == KEYGEN_FINE)
		s = keygen_print_one(k, key.blob, key.blob_len, key.comment);
	crypto_wipe(&key, sizeof(key));
	return s;
}

static enum keygen_status
print_lines(const struct keygen *k, const char *path, char *text)
{
	static struct keygen_public public;
	enum keygen_status s = KEYGEN_FINE;
	size_t found = 0;

	for (char *line = text, *next; line != NULL && s == KEYGEN_FINE; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (!keygen_public_line(line, &public))
			continue;
		s = keygen_print_one(k, public.blob, public.blob_len, public.comment);
		found++;
	}
	return found > 0 ? s : keygen_fail(KEYGEN_DAMAGED, "%s: not a public key file", path);
}

enum keygen_status
keygen_print_fingerprint(const struct keygen *k)
{
	char path[KEYGEN_PATH_MAX], *text;
	enum keygen_status s;
	size_t n;

	s = keygen_file_name(k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = keygen_file_slurp(path, FILE_MAX, &text, &n);
	if (s != KEYGEN_FINE)
		return s;
	if (strstr(text, "PRIVATE KEY") != NULL || strncmp(text, "PuTTY-User-Key-File-", 20) == 0)
		s = print_private(k, path);
	else
		s = print_lines(k, path, text);
	crypto_wipe(text, n);
	free(text);
	return s;
}
