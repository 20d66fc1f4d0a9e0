/*
 * account_token.c - TOKENS of sshd_config(5) in the arguments of a command.
 *
 * What they stand for is partly a stranger's: the user's name that was asked for is one
 * of the system's by now, a key is written in base64.  An argument stays one argument,
 * because it was split from its line before; no shell reads it.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <postern.h>

#include "apps/account_command.h"

static int put_type(FILE *out, const struct account_tokens *t)
{
	size_t n = 0;

	for (size_t i = 0; i < 4 && t->blob_len >= 4; i++)
		n = n << 8 | t->blob[i];
	if (n == 0 || n > t->blob_len - 4)
		return -1;
	return fwrite(t->blob + 4, 1, n, out) == n && memchr(t->blob + 4, '\0', n) == NULL ? 0 : -1;
}

static int put_base64(FILE *out, const struct account_tokens *t)
{
	size_t size = sodium_base64_encoded_len(t->blob_len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(size);
	int r;

	if (text == NULL)
		return -1;
	sodium_bin2base64(text, size, t->blob, t->blob_len, sodium_base64_VARIANT_ORIGINAL);
	r = fputs(text, out);
	free(text);
	return r;
}

static int put_one(FILE *out, char token, const struct account_tokens *t)
{
	char fingerprint[128];

	switch (token) {
	case '%': return fputc('%', out);
	case 'C': return fprintf(out, "%s %u %s %u", t->address, t->port, t->local, t->local_port);
	case 'D': return 0;		/* a routing domain: Linux has none */
	case 'f': return postern_fingerprint(t->blob, t->blob_len, fingerprint,
		    sizeof(fingerprint)) < 0 ? -1 : fputs(fingerprint, out);
	case 'h': return fputs(t->user->home, out);
	case 'k': return put_base64(out, t);
	case 't': return put_type(out, t);
	case 'U': return fprintf(out, "%u", t->user->uid);
	case 'u': return fputs(t->user->name, out);
	}
	return -1;
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
