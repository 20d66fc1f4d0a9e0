/*
 * account_token.c - TOKENS of sshd_config(5) in the arguments of a command.
 *
 * What they stand for is partly a stranger's: the user's name that was asked for is one
 * of the system's by now, a key is written in base64.  An argument stays one argument,
 * because it was split from its line before; no shell reads it.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <postern.h>

#include "apps/account_command.h"

static int put_type(FILE *out, const uint8_t *blob, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < 4 && len >= 4; i++)
		n = n << 8 | blob[i];
	if (n == 0 || len < 4 || n > len - 4)
		return -1;
	return fwrite(blob + 4, 1, n, out) == n && memchr(blob + 4, '\0', n) == NULL ? 0 : -1;
}

static int put_base64(FILE *out, const uint8_t *blob, size_t len)
{
	size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(size);
	int r;

	if (text == NULL)
		return -1;
	sodium_bin2base64(text, size, blob, len, sodium_base64_VARIANT_ORIGINAL);
	r = fputs(text, out);
	free(text);
	return r;
}

static int put_fingerprint(FILE *out, const uint8_t *blob, size_t len)
{
	char text[128];

	return postern_fingerprint(blob, len, text, sizeof(text)) < 0 ? -1 : fputs(text, out);
}

/* Those that only a certificate has. */
static int put_of_certificate(FILE *out, char token, const struct account_certificate *c)
{
	if (c == NULL)
		return -1;
	switch (token) {
	case 'F': return put_fingerprint(out, c->ca, c->ca_len);
	case 'i': return fputs(c->key_id, out);
	case 'K': return put_base64(out, c->ca, c->ca_len);
	case 's': return fprintf(out, "%" PRIu64, c->serial);
	case 'T': return put_type(out, c->ca, c->ca_len);
	}
	return -1;
}

static int put_one(FILE *out, char token, const struct account_tokens *t)
{
	switch (token) {
	case '%': return fputc('%', out);
	case 'C': return fprintf(out, "%s %u %s %u", t->address, t->port, t->local, t->local_port);
	case 'D': return 0;		/* a routing domain: Linux has none */
	case 'f': return put_fingerprint(out, t->blob, t->blob_len);
	case 'h': return fputs(t->user->home, out);
	case 'k': return put_base64(out, t->blob, t->blob_len);
	case 't': return put_type(out, t->blob, t->blob_len);
	case 'U': return fprintf(out, "%u", t->user->uid);
	case 'u': return fputs(t->user->name, out);
	}
	return put_of_certificate(out, token, t->certificate);
}

char *account_token_expand(const char *text, const struct account_tokens *t)
{
	char *all = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&all, &len);
	bool good = out != NULL;

	for (const char *p = text; good && *p != '\0'; p++)
		good = (*p == '%' ? put_one(out, *++p, t) : fputc((unsigned char)*p, out)) >= 0;
	if (out != NULL && fclose(out) != 0)
		good = false;
	if (!good) {
		free(all);
		return NULL;
	}
	return all;
}
