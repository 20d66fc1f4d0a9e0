/*
 * client_identity.c - the files of IdentityFile and CertificateFile, by their public halves.
 *
 * Only public files are read here.  A private one is the library's to read, in a process of
 * its own; what comes back of a token's key is public.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "apps/client_identity.h"

enum { KEY_LINE_MAX = 16384, READ_WAIT_MS = 30 * 1000 };

bool
client_identity_line(const char *file, struct client_public *out)
{
	char line[KEY_LINE_MAX];
	const char *type;
	FILE *f;

	out->n = 0;
	if ((f = fopen(file, "re")) == NULL)
		return false;
	if (fgets(line, sizeof(line), f) == NULL ||
	    postern_public_key_parse(line, out->blob, sizeof(out->blob), &out->n) != 0)
		out->n = 0;
	(void)fclose(f);	/* opened for reading */
	if (out->n == 0)
		return false;
	type = line + strspn(line, " \t");
	(void)snprintf(out->alg, sizeof(out->alg), "%.*s", (int)strcspn(type, " \t"), type);
	out->is_token = strncmp(out->alg, "sk-", 3) == 0;
	return true;
}

bool
client_identity_public(const char *path, struct client_public *out)
{
	char file[PATH_MAX];

	out->n = 0;
	return (size_t)snprintf(file, sizeof(file), "%s.pub", path) < sizeof(file) &&
	    client_identity_line(file, out);
}

bool
client_identity_token(postern_context *context, const char *path, struct client_public *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	postern_key *key;
	const void *blob;
	size_t n;

	out->n = 0;
	if (fd < 0)
		return false;
	if (postern_key_load(&key, context, fd, NULL, READ_WAIT_MS) == 0) {
		postern_key_free(key);	/* an ordinary one, loaded when its turn comes */
		return false;
	}
	blob = postern_context_key_public(context, &n);
	if (blob == NULL || n > sizeof(out->blob))
		return false;
	memcpy(out->blob, blob, n);
	out->n = n;
	out->alg[0] = '\0';
	out->is_token = true;
	return true;
}
