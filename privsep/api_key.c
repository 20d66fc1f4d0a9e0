/*
 * api_key.c - private keys: the application opens the file, the monitor has it
 * read, and what comes back is the public half and a number.
 *
 * No byte of a private key is ever in this process, unless the host program itself
 * has read the file.  A passphrase passes through one buffer, wiped when sent.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "privsep/api.h"

enum { FILE_MAX = 256 * 1024 };	/* what keyload reads at most */

void
api_key_discard(postern_key *k)
{
	free(k->alg);
	free(k->comment);
	free(k->blob);
	free(k);
}

postern_key *
api_key_make(postern_context *ctx, const struct ipc_KEY_LOADED *m)
{
	postern_key *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->ctx = ctx;
	k->id = m->key;
	k->alg = api_context_copy(m->alg);
	k->comment = api_context_copy(m->comment);
	k->blob = (uint8_t *)api_context_copy(m->blob);
	k->blob_len = m->blob.n;
	if (k->alg == NULL || k->comment == NULL || k->blob == NULL) {
		api_key_discard(k);
		return NULL;
	}
	/* whoever wrote the file or filled the agent wrote it */
	api_log_tame_line(k->comment);
	return k;
}

static void
forget(postern_context *ctx, uint64_t key)
{
	/* if nobody hears it, the monitor is gone and the key with it */
	(void)api_send_KEY_DROP(&ctx->monitor, &(struct ipc_KEY_DROP){ .key = key });
}

void
api_key_abandon(postern_key *k)
{
	forget(k->ctx, k->id);
	api_key_discard(k);
}

void
api_key_loaded(postern_context *ctx, const struct ipc_KEY_LOADED *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_KEY, m->call);
	int r = m->result == POSTERN_KEY_FINE ? 0 : POSTERN_EKEY;

	/* nobody waits any more, or there is no memory: no handle will ever name it */
	if (r == 0 && (call == NULL || (call->key = api_key_make(ctx, m)) == NULL)) {
		forget(ctx, m->key);
		r = -ENOMEM;
	}
	if (call == NULL)
		return;
	if (m->result == POSTERN_KEY_TOKEN) {
		call->data = (uint8_t *)api_context_copy(m->blob);
		call->data_len = call->data != NULL ? m->blob.n : 0;
	}
	call->value = m->result;
	api_call_complete(call, r);
}

struct loading { enum ipc_key_use use; const char *passphrase; };

static int
send_file(postern_context *ctx, uint64_t call, int fd, const void *how)
{
	const struct loading *l = how;
	struct ipc_KEY_LOAD m = { .call = call, .use = (uint8_t)l->use, .file = fd,
		.passphrase = span_str(l->passphrase != NULL ? l->passphrase : "") };

	return api_send_KEY_LOAD(&ctx->monitor, &m);
}

static int
begin(postern_context *ctx, enum ipc_key_use use, int fd, const char *passphrase,
    struct api_call **call, int *sent)
{
	ctx->key_problem = POSTERN_KEY_FINE;
	free(ctx->key_public);
	ctx->key_public = NULL;
	return api_call_file(ctx, API_CALL_KEY, fd, send_file, &(struct loading){ use, passphrase },
	    call, sent);
}

static int
await(struct api_call *call, int sent, struct api_deadline d, postern_key **out)
{
	int r = api_call_wait(call, sent, d);

	if (call->is_done) {
		call->ctx->key_problem = (int)call->value;
		call->ctx->key_public = call->data;
		call->ctx->key_public_len = call->data_len;
		call->data = NULL;
	}
	if (r == 0) {
		*out = call->key;
		call->key = NULL;
	}
	api_call_drop(call);
	return r;
}

static int
load(postern_context *ctx, enum ipc_key_use use, int fd, const char *passphrase,
    struct api_deadline d, postern_key **out)
{
	struct api_call *call;
	int sent, r = begin(ctx, use, fd, passphrase, &call, &sent);

	return r < 0 ? r : await(call, sent, d, out);
}

static void
close_file(int fd)
{
	if (fd >= 0)
		(void)close(fd);	/* ours by contract; the monitor has its own */
}

int
postern_key_load(postern_key **out, postern_context *ctx, int fd, const char *passphrase,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	int r = api_context_enter(ctx);

	if (r == 0)
		r = load(ctx, IPC_USER_KEY, fd, passphrase, d, out);
	close_file(fd);
	if (r == 0)
		TAILQ_INSERT_TAIL(&ctx->keys, *out, next);
	return r;
}

int
postern_key_load_async(postern_context *ctx, int fd, const char *passphrase, uint64_t *id)
{
	struct api_call *call;
	int sent, r = api_context_enter(ctx);

	if (r == 0)
		r = begin(ctx, IPC_USER_KEY, fd, passphrase, &call, &sent);
	close_file(fd);
	return r < 0 ? r : api_call_detach(call, sent, id);
}

/* ---- from memory: a file without a name, which is wiped when it has been read ---- */

static int
write_all(int fd, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, &data[done], len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* Over the bytes themselves: a file that is only cut leaves its pages to the kernel. */
static void
wipe_file(int fd, size_t len)
{
	static const uint8_t zeros[4096];

	for (size_t at = 0; at < len; at += sizeof(zeros)) {
		/* memory that exists: cannot fail */
		(void)!pwrite(fd, zeros, len - at < sizeof(zeros) ? len - at : sizeof(zeros),
		    (off_t)at);
	}
	(void)close(fd);	/* nothing to be done about it */
}

int
postern_key_load_memory(postern_key **out, postern_context *ctx, const void *file, size_t len,
    const char *passphrase, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	int fd, r = api_context_enter(ctx);

	if (r == 0 && len > FILE_MAX)
		r = -EMSGSIZE;
	if (r < 0)
		return r;
	fd = memfd_create("postern-key", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, file, len);
	if (r == 0)
		r = load(ctx, IPC_USER_KEY, fd, passphrase, d, out);
	wipe_file(fd, len);
	if (r == 0)
		TAILQ_INSERT_TAIL(&ctx->keys, *out, next);
	return r;
}

/* The file lives until the monitor has answered, or nobody waits any more. */
struct memory { int fd; size_t len; };

static void
release_memory(struct api_call *call)
{
	const struct memory *m = call->own;

	if (m != NULL)
		wipe_file(m->fd, m->len);
	free(call->own);
	call->own = NULL;
}

static int
begin_memory(postern_context *ctx, int fd, size_t len, const char *passphrase, uint64_t *id)
{
	struct memory *m = malloc(sizeof(*m));
	struct api_call *call;
	int sent, r = m != NULL ? begin(ctx, IPC_USER_KEY, fd, passphrase, &call, &sent) : -ENOMEM;

	if (r < 0) {
		free(m);
		wipe_file(fd, len);
		return r;
	}
	*m = (struct memory){ fd, len };
	call->own = m;
	call->taken = release_memory;
	call->release = release_memory;
	return api_call_detach(call, sent, id);
}

int
postern_key_load_memory_async(postern_context *ctx, const void *file, size_t len,
    const char *passphrase, uint64_t *id)
{
	int fd, r = api_context_enter(ctx);

	if (r == 0 && len > FILE_MAX)
		r = -EMSGSIZE;
	if (r < 0)
		return r;
	fd = memfd_create("postern-key", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, file, len);
	if (r == 0)
		return begin_memory(ctx, fd, len, passphrase, id);
	wipe_file(fd, len);
	return r;
}

int
postern_context_key_problem(const postern_context *ctx)
{
	return ctx->key_problem;
}

const void *
postern_context_key_public(const postern_context *ctx, size_t *len)
{
	*len = ctx->key_public != NULL ? ctx->key_public_len : 0;
	return ctx->key_public;
}

void
postern_key_free(postern_key *k)
{
	if (k == NULL || api_context_enter(k->ctx) < 0)
		return;
	TAILQ_REMOVE(&k->ctx->keys, k, next);
	api_key_abandon(k);
}

const char *
postern_key_algorithm(const postern_key *k)
{
	return k->alg;
}

const char *
postern_key_comment(const postern_key *k)
{
	return k->comment;
}

const void *
postern_key_blob(const postern_key *k, size_t *len)
{
	*len = k->blob_len;
	return k->blob;
}

/* The monitor has already put it in the place of one of its type. */
static void
put_host_key(postern_context *ctx, postern_key *k)
{
	postern_key *old;

	TAILQ_FOREACH(old, &ctx->host_keys, next) {
		if (strcmp(old->alg, k->alg) == 0)
			break;
	}
	if (old != NULL) {
		TAILQ_REMOVE(&ctx->host_keys, old, next);
		api_key_discard(old);
	}
	TAILQ_INSERT_TAIL(&ctx->host_keys, k, next);
}

int
postern_context_add_server_key(postern_context *ctx, int fd, const char *passphrase,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	postern_key *k = NULL;
	int r = api_context_enter(ctx);

	if (r == 0 && ctx->is_sealed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = load(ctx, IPC_HOST_KEY, fd, passphrase, d, &k);
	close_file(fd);
	if (r == 0)
		put_host_key(ctx, k);
	return r;
}

/* The monitor has taken it: also when nobody fetches the event. */
static void
release_host_key(struct api_call *call)
{
	if (call->key != NULL && call->is_done && call->result == 0)
		put_host_key(call->ctx, call->key);
	call->key = NULL;
}

int
postern_context_add_server_key_async(postern_context *ctx, int fd, const char *passphrase,
    uint64_t *id)
{
	struct api_call *call;
	int sent, r = api_context_enter(ctx);

	if (r == 0 && ctx->is_sealed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = begin(ctx, IPC_HOST_KEY, fd, passphrase, &call, &sent);
	close_file(fd);
	if (r < 0)
		return r;
	call->taken = release_host_key;
	call->release = release_host_key;
	return api_call_detach(call, sent, id);
}

int
postern_context_use_server_key(postern_context *ctx, postern_key *k)
{
	int r = api_context_enter(ctx);

	if (r == 0 && k->ctx != ctx)
		r = -EINVAL;
	if (r == 0 && ctx->is_sealed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = api_context_sent(api_send_HOST_KEY(&ctx->monitor,
		    &(struct ipc_HOST_KEY){ .key = k->id }));
	if (r < 0)
		return r;
	TAILQ_REMOVE(&ctx->keys, k, next);
	put_host_key(ctx, k);
	return 0;
}

const char *
postern_context_get_server_key(const postern_context *ctx, size_t i, const void **blob,
    size_t *len)
{
	const postern_key *k;

	TAILQ_FOREACH(k, &ctx->host_keys, next) {
		if (i-- > 0)
			continue;
		*blob = k->blob;
		*len = k->blob_len;
		return k->alg;
	}
	return NULL;
}
