/*
 * keyload.c - main of postern-keyload: reads one private key file, and is gone.
 *
 * A key file has a grammar, a cipher and a slow derivation, and may be anybody's:
 * none of that belongs into the monitor, which gets one fixed form instead.  The
 * box is closed before the first byte of the file is read.  Passphrase and key are
 * wiped on every way out; nothing is ever printed.
 */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/keyfile.h"
#include "ipc/ipc.h"
#include "privsep/sandbox.h"
#include "privsep/spawn.h"

struct keyload {
	int link;
	uint8_t inbox[IPC_MAX_KEY_FILE];
	uint8_t file[KEYFILE_MAX];
	struct keyfile_key key;
};

static void
wipe(struct keyload *k)
{
	crypto_wipe(k->inbox, sizeof(k->inbox));
	crypto_wipe(k->file, sizeof(k->file));
	crypto_wipe(&k->key, sizeof(k->key));
}

/* The whole file from its start, wherever the giver's offset is.  False: it is no
 * regular file, too large, or cannot be read. */
static bool
read_file(struct keyload *k, int fd, size_t size, size_t *n)
{
	*n = 0;
	while (*n < size) {
		ssize_t got = pread(fd, k->file + *n, size - *n, (off_t)*n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		*n += (size_t)got;
	}
	return true;
}

static int
answer(struct keyload *k, enum keyfile_result result)
{
	struct ipc_KEY_FORM m = { .result = (uint32_t)result };

	if (result == KEYFILE_OK || result == KEYFILE_TOKEN) {
		m.alg = span_str(k->key.alg);
		m.blob = span_of(k->key.blob, k->key.blob_len);
		m.secret = span_of(k->key.secret, k->key.secret_len);
		m.comment = span_str(k->key.comment);
	}
	return ipc_send_KEY_FORM(k->link, &m);
}

static int
on_KEY_FILE(struct keyload *k, const struct ipc_KEY_FILE *m)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct sandbox sandbox;
	enum keyfile_result result = KEYFILE_NOT_A_KEY;
	struct stat st;
	size_t n;

	ipc_schema(schema);
	if (!span_eq(m->schema, span_of(schema, sizeof(schema))) || keyfile_init() != 0)
		return IPC_BROKEN;
	if (fstat(m->file, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > KEYFILE_MAX)
		return answer(k, result);
	if (sandbox_enter_keyload(&sandbox) != 0)
		return IPC_BROKEN;
	if (read_file(k, m->file, (size_t)st.st_size, &n))
		result = keyfile_read(k->file, n,
		    m->passphrase.n > 0 ? (const char *)m->passphrase.p : NULL,
		    m->passphrase.n, &k->key);
	return answer(k, result);
}

static int
dispatch(struct keyload *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_M2K
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

/* The one message.  0: answered. */
static int
serve(struct keyload *k)
{
	struct pollfd link = { .fd = k->link, .events = POLLIN };
	struct ipc_once once = { { 0 } };
	int fds[IPC_FDS_MAX];
	size_t nfds;
	ssize_t n;

	do {
		(void)ppoll(&link, 1, NULL, NULL);	/* the next call tells */
		n = ipc_recv(k->link, k->inbox, sizeof(k->inbox), fds, &nfds);
	} while (n == -EAGAIN);
	if (n <= 0)
		return IPC_BROKEN;
	if (ipc_admit(IPC_M2K, P_HELLO, K_NONE, &once, k->inbox, (size_t)n, nfds, NULL) == NULL) {
		ipc_close_fds(fds, nfds);
		return IPC_BROKEN;
	}
	return dispatch(k, k->inbox[0], rd_of(span_of(k->inbox + 1, (size_t)n - 1)), fds);
}

int
main(void)
{
	static struct keyload keyload = { .link = SPAWN_LINK_FD };
	int rc;

	rc = serve(&keyload);
	wipe(&keyload);
	/* not exit: nothing registered there may run in the box */
	_exit(rc == 0 ? 0 : 1);
}
