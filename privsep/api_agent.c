/*
 * api_agent.c - the keys of an SSH agent, which the monitor talks to.
 *
 * The socket goes to the monitor and stays there: no worker and nobody in this process
 * can ask the agent for anything.  What comes back are public halves with a number
 * each.  Their comments were written by whoever filled the agent.  A key that is added
 * goes the same way: from the monitor, which has it, to the agent.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/api.h"

enum { AGENT_KEYS_MAX = 1024, AGENT_COMMENT_MAX = 1024 };

struct found {				/* a call's, until they are taken */
	postern_key *keys[AGENT_KEYS_MAX];
	size_t n;
	int (*connect)(void *user);	/* NULL: an end of the connection is for good */
	void *user;
};

static void
release(struct api_call *call)
{
	struct found *f = call->own;

	for (size_t i = 0; i < f->n; i++)
		api_key_abandon(f->keys[i]);
	free(f);
}

void
api_agent_key(postern_context *ctx, const struct ipc_AGENT_KEY *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_AGENT, m->call);
	struct ipc_KEY_LOADED loaded = { .key = m->key, .alg = m->alg, .blob = m->blob,
		.comment = m->comment };
	struct found *f = call != NULL ? call->own : NULL;
	postern_key *k = NULL;

	for (size_t i = 0; f != NULL && i < f->n; i++) {
		if (f->keys[i]->id != m->key)
			continue;
		f->keys[i]->is_certified = true;	/* this is its certificate */
		return;
	}
	if (f != NULL && f->n < AGENT_KEYS_MAX)
		k = api_key_make(ctx, &loaded);
	if (k == NULL) {
		/* no handle will ever name it; or the monitor is gone and the key with it */
		(void)api_send_KEY_DROP(&ctx->monitor, &(struct ipc_KEY_DROP){ .key = m->key });
		return;
	}
	k->agent = m->call;
	k->connect = f->connect;
	k->connect_user = f->user;
	f->keys[f->n++] = k;
}

/* The handles as the event's data: an array that is borrowed, of keys that are not. */
static int
show(struct api_call *call)
{
	const struct found *f = call->own;

	call->data = calloc(f->n + 1, sizeof(postern_key *));
	if (call->data == NULL)
		return -ENOMEM;
	memcpy(call->data, f->keys, f->n * sizeof(postern_key *));
	call->data_len = f->n * sizeof(postern_key *);
	call->value = f->n;
	return 0;
}

static void
taken(struct api_call *call)
{
	struct found *f = call->own;

	if (call->result != 0)
		return;
	for (size_t i = 0; i < f->n; i++)
		TAILQ_INSERT_TAIL(&call->ctx->keys, f->keys[i], next);
	f->n = 0;
}

void
api_agent_done(postern_context *ctx, const struct ipc_AGENT_DONE *m)
{
	struct api_call *call = api_call_find(&ctx->calls, API_CALL_AGENT, m->call);

	if (call == NULL)
		return;
	api_call_complete(call, m->ok == 0 ? POSTERN_EPROTO : call->taken != NULL ? show(call) : 0);
}

static int
check_socket(int fd)
{
	int type, on = 1;
	socklen_t len = sizeof(type);

	/* sending what is no descriptor would look like a dead monitor */
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return -errno;
	/* the monitor looks for descriptors before it reads, and would read past those that
	 * come out of band unseen; a kernel without this has no such data in local sockets */
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	return type == SOCK_STREAM ? 0 : -ENOTSOCK;
}

static int
new_call(postern_context *ctx, int fd, struct api_call **call)
{
	int r = check_socket(fd);

	return r != 0 ? r : api_call_new(ctx, NULL, API_CALL_AGENT, call);
}

static int
begin(postern_context *ctx, int fd, const struct found *like, struct api_call **out, int *sent)
{
	struct ipc_AGENT m = { .again = like->connect != NULL, .socket = fd };
	struct api_call *call;
	struct found *f;
	int r = new_call(ctx, fd, &call);

	if (r < 0)
		return r;
	call->own = f = calloc(1, sizeof(*f));
	if (f == NULL) {
		api_call_drop(call);
		return -ENOMEM;
	}
	call->release = release;
	f->connect = like->connect;
	f->user = like->user;
	m.call = call->id;
	*sent = api_send_AGENT(&ctx->monitor, &m);
	*out = call;
	return 0;
}

/* The keys become the caller's. */
static int
take(postern_context *ctx, struct found *f, postern_key ***keys, size_t *n)
{
	postern_key **list = calloc(f->n + 1, sizeof(postern_key *));

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		list[i] = f->keys[i];
		TAILQ_INSERT_TAIL(&ctx->keys, list[i], next);
	}
	*keys = list;
	*n = f->n;
	f->n = 0;
	return 0;
}

static int
ask(postern_context *ctx, int fd, const struct found *like, postern_key ***keys, size_t *n,
    struct api_deadline d)
{
	struct api_call *call;
	int sent, r = begin(ctx, fd, like, &call, &sent);

	if (r < 0)
		return r;
	r = api_call_wait(call, sent, d);
	if (r == 0)
		r = take(ctx, call->own, keys, n);
	api_call_drop(call);
	return r;
}

int
postern_agent_keys(postern_context *ctx, int fd, postern_key ***keys, size_t *n,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	static const struct found once;
	int r = api_context_enter(ctx);

	if (r == 0)
		r = ask(ctx, fd, &once, keys, n, d);
	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r;
}

static int
ask_async(postern_context *ctx, int fd, const struct found *like, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin(ctx, fd, like, &call, &sent);

	if (r < 0)
		return r;
	call->taken = taken;
	return api_call_detach(call, sent, id);
}

int
postern_agent_keys_async(postern_context *ctx, int fd, uint64_t *id)
{
	static const struct found once;
	int r = api_context_enter(ctx);

	if (r == 0)
		r = ask_async(ctx, fd, &once, id);
	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r;
}

/* ---- an agent that is connected to again ---- */

int
postern_agent_keys_from(postern_context *ctx, int (*connect)(void *user), void *user,
    postern_key ***keys, size_t *n, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct found like = { .connect = connect, .user = user };
	int fd, r = api_context_enter(ctx);

	if (r == 0 && connect == NULL)
		r = -EINVAL;
	if (r < 0)
		return r;
	fd = connect(user);
	r = fd < 0 ? fd : ask(ctx, fd, &like, keys, n, d);
	ipc_close_fds(&fd, 1);	/* the monitor has its own */
	return r;
}

int
postern_agent_keys_from_async(postern_context *ctx, int (*connect)(void *user), void *user,
    uint64_t *id)
{
	struct found like = { .connect = connect, .user = user };
	int fd, r = api_context_enter(ctx);

	if (r == 0 && connect == NULL)
		r = -EINVAL;
	if (r < 0)
		return r;
	fd = connect(user);
	r = fd < 0 ? fd : ask_async(ctx, fd, &like, id);
	ipc_close_fds(&fd, 1);	/* the monitor has its own */
	return r;
}

static const postern_key *
key_of(const struct api_keys *keys, uint64_t agent)
{
	const postern_key *k;

	TAILQ_FOREACH(k, keys, next) {
		if (k->agent == agent && k->connect != NULL)
			return k;
	}
	return NULL;
}

/* Any of its keys says how. */
void
api_agent_gone(postern_context *ctx, const struct ipc_AGENT_GONE *m)
{
	struct ipc_AGENT_BACK back = { .call = m->call, .socket = -1 };
	const postern_key *k = key_of(&ctx->host_keys, m->call);

	if (k == NULL)
		k = key_of(&ctx->keys, m->call);
	if (k != NULL)
		back.socket = k->connect(k->connect_user);
	/* the context's end, or a fork, may have been in there; what cannot be sent is no
	 * answer, and the monitor waits for none for long */
	if (back.socket >= 0 && check_socket(back.socket) == 0)
		(void)api_send_AGENT_BACK(&ctx->monitor, &back);
	else
		(void)api_send_AGENT_AWAY(&ctx->monitor, &(struct ipc_AGENT_AWAY){ .call = m->call });
	ipc_close_fds(&back.socket, 1);	/* the monitor has its own */
}

static int
begin_add(postern_context *ctx, struct ipc_AGENT_ADD *m, const postern_key *key,
    const char *comment, struct api_call **call, int *sent)
{
	int r = api_context_enter(ctx);

	if (r == 0 && (key == NULL || key->ctx != ctx))
		r = -EINVAL;
	if (r == 0 && !ctx->keys_may_leave)
		r = -EPERM;		/* the monitor would refuse it too */
	if (r < 0)
		return r;
	m->key = key->id;
	m->comment = span_str(comment != NULL ? comment : postern_key_comment(key));
	r = m->comment.n > AGENT_COMMENT_MAX ? -EMSGSIZE : new_call(ctx, m->socket, call);
	if (r < 0)
		return r;
	m->call = (*call)->id;
	*sent = api_send_AGENT_ADD(&ctx->monitor, m);
	return 0;
}

int
postern_agent_add_key(postern_context *ctx, int fd, const postern_key *key, const char *comment,
    uint32_t lifetime_s, int confirm, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_AGENT_ADD m = { .lifetime = lifetime_s, .confirm = confirm != 0, .socket = fd };
	struct api_call *call;
	int sent, r = begin_add(ctx, &m, key, comment, &call, &sent);

	if (r == 0)
		r = api_call_end(call, sent, d);
	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r;
}

int
postern_agent_add_key_async(postern_context *ctx, int fd, const postern_key *key,
    const char *comment, uint32_t lifetime_s, int confirm, uint64_t *id)
{
	struct ipc_AGENT_ADD m = { .lifetime = lifetime_s, .confirm = confirm != 0, .socket = fd };
	struct api_call *call;
	int sent, r = begin_add(ctx, &m, key, comment, &call, &sent);

	if (r == 0)
		r = api_call_detach(call, sent, id);
	ipc_close_fds(&fd, 1);	/* ours by contract; the monitor has its own */
	return r;
}
