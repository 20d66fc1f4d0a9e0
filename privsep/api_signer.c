/*
 * api_signer.c - keys whose private half is the application's own.
 *
 * The monitor assembled what is signed, and checks what comes back before any worker
 * sees it.  A client asks its user keys only, for logins of its own making; a server its
 * host keys only, for key exchanges and for proofs that it has them.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { SIGNATURE_MAX = 4096 };		/* as in SIGN_ANSWER */

static postern_key *
find(const struct api_keys *keys, uint64_t id)
{
	postern_key *k;

	TAILQ_FOREACH(k, keys, next) {
		if (k->id == id && k->sign != NULL)
			return k;
	}
	return NULL;
}

void
api_signer_ask(postern_transport *t, const struct ipc_SIGN_ASK *m)
{
	postern_key *k = find(t->is_server ? &t->ctx->host_keys : &t->ctx->keys, m->key);
	struct ipc_SIGN_ANSWER answer = { .conn = t->id, .question = m->question };
	uint8_t signature[SIGNATURE_MAX];
	int n = -1;

	if (k != NULL)
		n = k->sign(k->sign_user, m->data.p, m->data.n, signature, sizeof(signature));
	/* it may have said more than there was room for: that is no signature */
	if (n > 0 && (size_t)n <= sizeof(signature))
		answer.signature = span_of(signature, (size_t)n);
	/* the key or the transport may be gone by now: then the answer is late, or the
	 * monitor is dead */
	(void)api_send_SIGN_ANSWER(&t->ctx->monitor, &answer);
}

struct signer {
	int (*sign)(void *user, const void *data, size_t len, void *out, size_t size);
	void *user;
};

static void
release(struct api_call *call)
{
	free(call->own);
}

/* The key has come: whose private half it is. */
static void
taken(struct api_call *call)
{
	const struct signer *s = call->own;

	if (call->key == NULL)
		return;
	call->key->sign = s->sign;
	call->key->sign_user = s->user;
}

static int
begin(postern_context *ctx, const char *algorithm, struct span blob, const struct signer *how,
    struct api_call **out, int *sent)
{
	struct ipc_KEY_SIGNER m = { .alg = span_str(algorithm), .blob = blob };
	struct api_call *call;
	int r = api_context_enter(ctx);

	if (r == 0 && how->sign == NULL)
		r = -EINVAL;
	if (r == 0)
		r = api_call_new(ctx, NULL, API_CALL_KEY, &call);
	if (r < 0)
		return r;
	call->own = malloc(sizeof(*how));
	if (call->own == NULL) {
		api_call_drop(call);
		return -ENOMEM;
	}
	memcpy(call->own, how, sizeof(*how));
	call->release = release;
	call->taken = taken;
	m.call = call->id;
	*sent = api_send_KEY_SIGNER(&ctx->monitor, &m);
	*out = call;
	return 0;
}

int
postern_key_new_signer(postern_key **out, postern_context *ctx, const char *algorithm,
    const void *blob, size_t len,
    int (*sign)(void *user, const void *data, size_t len, void *out, size_t size),
    void *user, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin(ctx, algorithm, span_of(blob, len), &(struct signer){ sign, user }, &call,
	    &sent);

	if (r < 0)
		return r;
	r = api_call_wait(call, sent, d);
	if (r == 0 && call->key == NULL)
		r = -ENOMEM;
	if (r == 0) {
		taken(call);
		*out = call->key;
		call->key = NULL;
		TAILQ_INSERT_TAIL(&ctx->keys, *out, next);
	}
	api_call_drop(call);
	return r;
}

int
postern_key_new_signer_async(postern_context *ctx, const char *algorithm, const void *blob,
    size_t len, int (*sign)(void *user, const void *data, size_t len, void *out, size_t size),
    void *user, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin(ctx, algorithm, span_of(blob, len), &(struct signer){ sign, user }, &call,
	    &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}
