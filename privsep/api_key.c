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
#include <unistd.h>

#include "privsep/api.h"

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
api_key_loaded(postern_context *ctx, const struct ipc_KEY_LOADED *m)
{
	struct api_key_call *call;

	LIST_FOREACH(call, &ctx->key_calls, next) {
		if (call->id == m->call)
			break;
	}
	if (call == NULL || call->is_done) {
		/* its caller did not wait so long: no handle will ever name it */
		if (m->result == POSTERN_KEY_FINE)
			forget(ctx, m->key);
		return;
	}
	call->is_done = true;
	call->result = m->result;
	if (m->result == POSTERN_KEY_FINE && (call->key = api_key_make(ctx, m)) == NULL)
		forget(ctx, m->key);
}

static bool
is_done(const void *what)
{
	const struct api_key_call *call = what;

	return call->is_done;
}

static int
load(postern_context *ctx, enum ipc_key_use use, int fd, const char *passphrase,
    struct api_deadline d, postern_key **out)
{
	struct api_key_call call = { .id = api_context_serial(ctx) };
	struct ipc_KEY_LOAD m = { .call = call.id, .use = (uint8_t)use, .file = fd,
		.passphrase = span_str(passphrase != NULL ? passphrase : "") };
	int r;

	ctx->key_problem = POSTERN_KEY_FINE;
	if (fd < 0)
		return -EBADF;	/* sending it would look like a dead monitor */
	r = api_context_sent(api_send_KEY_LOAD(&ctx->monitor, &m));
	if (r < 0)
		return r;
	LIST_INSERT_HEAD(&ctx->key_calls, &call, next);
	r = api_loop_wait(ctx, d, is_done, &call, (struct api_held){ NULL, NULL });
	LIST_REMOVE(&call, next);
	if (r < 0)
		return r;
	if (call.result != POSTERN_KEY_FINE) {
		ctx->key_problem = (int)call.result;
		return POSTERN_EKEY;
	}
	if (call.key == NULL)
		return -ENOMEM;
	*out = call.key;
	return 0;
}

int
postern_key_load(postern_key **out, postern_context *ctx, int fd, const char *passphrase,
    int timeout_ms)
{
	postern_key *k = NULL;
	int r = api_context_enter(ctx);

	if (r == 0)
		r = load(ctx, IPC_USER_KEY, fd, passphrase, api_deadline_in(timeout_ms), &k);
	if (fd >= 0)
		(void)close(fd);	/* ours by contract; the monitor has its own */
	if (r < 0)
		return r;
	TAILQ_INSERT_TAIL(&ctx->keys, k, next);
	*out = k;
	return 0;
}

int
postern_context_key_problem(const postern_context *ctx)
{
	return ctx->key_problem;
}

void
postern_key_free(postern_key *k)
{
	if (k == NULL || api_context_enter(k->ctx) < 0)
		return;
	forget(k->ctx, k->id);
	TAILQ_REMOVE(&k->ctx->keys, k, next);
	api_key_discard(k);
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

int
postern_context_add_server_key(postern_context *ctx, int fd, const char *passphrase,
    int timeout_ms)
{
	postern_key *k = NULL, *old;
	int r = api_context_enter(ctx);

	if (r == 0 && ctx->is_sealed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = load(ctx, IPC_HOST_KEY, fd, passphrase, api_deadline_in(timeout_ms), &k);
	if (fd >= 0)
		(void)close(fd);	/* ours by contract; the monitor has its own */
	if (r < 0)
		return r;
	TAILQ_FOREACH(old, &ctx->host_keys, next) {
		if (strcmp(old->alg, k->alg) == 0)
			break;
	}
	if (old != NULL) {
		/* the monitor has already put the new one in its place */
		TAILQ_REMOVE(&ctx->host_keys, old, next);
		api_key_discard(old);
	}
	TAILQ_INSERT_TAIL(&ctx->host_keys, k, next);
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
