/*
 * posternd_hostagent.c - HostKeyAgent: host keys of which a HostKey line names the public
 * half, while an agent has the private one.
 *
 * The agent's socket goes to the monitor and nothing is asked of it from here; what is
 * read of files and of the agent's list is public.  An agent that went is connected to again
 * when the monitor wants a signature of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { FILE_SIZE = 16 * 1024, BLOB_SIZE = 8192 };

static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	/* one that takes no connection is not waited for */
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	r = -errno;
	(void)close(fd);	/* never connected */
	return r;
}

/* At the start, and whenever it is wanted and gone: told when that begins. */
static int connect_agent(void *user)
{
	struct daemon *d = user;
	const char *path = d->conf.host_key_agent;
	int fd;

	if (strcmp(path, "SSH_AUTH_SOCK") == 0)
		path = getenv(path);
	fd = path != NULL ? connect_to(path) : -ENOENT;
	if (fd < 0 && !d->is_agent_away)
		posternd_log(POSTERN_ERROR, NULL, "Could not connect to agent \"%s\": %s",
		    d->conf.host_key_agent, strerror(-fd));
	d->is_agent_away = fd < 0;
	return fd;
}

void posternd_hostagent_open(struct daemon *d, struct hostagent *a)
{
	int r;

	*a = (struct hostagent){ NULL, 0 };
	if (d->conf.host_key_agent == NULL)
		return;
	r = postern_agent_keys_from(d->context, connect_agent, d, &a->keys, &a->n,
	    POSTERND_START_MS);
	if (r == 0)
		return;
	if (!d->is_agent_away)
		posternd_log(POSTERN_ERROR, NULL, "agent \"%s\": %s", d->conf.host_key_agent,
		    postern_strerror(r));
	*a = (struct hostagent){ NULL, 0 };
}

/* The length, 0: not to be read as a text of that size. */
static size_t read_text(const char *path, char text[FILE_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, FILE_SIZE - 1);
	(void)close(fd);	/* only read */
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (size_t)n;
}

/* "type base64 comment" (sshd(8), AUTHORIZED_KEYS FILE FORMAT, without options), the
 * first line.  0: it is no public key file. */
static size_t read_public(const char *path, uint8_t blob[BLOB_SIZE])
{
	char text[FILE_SIZE], *line = NULL, *word = NULL, *type, *b64;
	const char *end;
	size_t n = 0;

	if (read_text(path, text) == 0 || strtok_r(text, "\r\n", &line) == NULL)
		return 0;
	type = strtok_r(text, " \t", &word);
	b64 = type != NULL ? strtok_r(NULL, " \t", &word) : NULL;
	if (b64 == NULL || sodium_base642bin(blob, BLOB_SIZE, b64, strlen(b64), NULL, &n, &end,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || *end != '\0')
		return 0;
	/* a line of prose may be base64 too: the blob says its type itself */
	if (n < 4 + strlen(type) || memcmp(blob + 4, type, strlen(type)) != 0)
		return 0;
	return n;
}

bool posternd_hostagent_has(struct daemon *d, struct hostagent *a, const char *path, int *result)
{
	uint8_t blob[BLOB_SIZE];
	size_t n = d->conf.host_key_agent != NULL ? read_public(path, blob) : 0;

	if (n == 0)
		return false;
	*result = -ENOENT;
	for (size_t i = 0; i < a->n && *result == -ENOENT; i++) {
		size_t len;
		const void *b = a->keys[i] != NULL ? postern_key_blob(a->keys[i], &len) : NULL;

		if (b == NULL || len != n || memcmp(b, blob, n) != 0)
			continue;
		*result = postern_context_use_server_key(d->context, a->keys[i]);
		if (*result == 0)
			a->keys[i] = NULL;	/* the context's now */
	}
	if (*result < 0)
		posternd_log(POSTERN_ERROR, NULL, "Unable to load host key \"%s\": %s", path,
		    *result == -ENOENT ? "the agent does not have it" : postern_strerror(*result));
	return true;
}

void posternd_hostagent_close(struct hostagent *a)
{
	for (size_t i = 0; i < a->n; i++)
		postern_key_free(a->keys[i]);
	free(a->keys);
}
