/*
 * api_context.c - a context: the monitor it starts, and all that hangs on it.
 *
 * The monitor is started with nothing of the host program but its link.  Both sides compare the hash of the message
 * table first: a half-upgraded installation must say so instead of misreading
 * messages.  After fork(2) the child's copies of our sockets are still the
 * parent's conversation, so nothing is sent, received or unregistered there.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "privsep/api.h"
#include "privsep/spawn.h"

enum {
	STARTUPS_BEGIN = 10, STARTUPS_RATE = 30, STARTUPS_FULL = 100,
	CONNECTIONS_MAX = 10000, SPARES = 2, IPV4_BITS = 32, IPV6_BITS = 128,
	LAYOUT_CONNECTIONS = 64, LAYOUT_MS = 60000,
	WORKER_ID = 64222,		/* as root: an id that no account should have */
};

int
api_context_enter(const postern_context *ctx)
{
	return getpid() == ctx->pid ? 0 : POSTERN_EFORKED;
}

uint64_t
api_context_serial(postern_context *ctx)
{
	return ++ctx->serial;
}

int
api_context_struct(void *to, size_t size, const void *from)
{
	size_t n;

	memcpy(&n, from, sizeof(n));
	if (n < sizeof(n))
		return -EINVAL;
	/* a newer caller may ask for what we do not know only by leaving it zero */
	for (size_t i = size; i < n; i++) {
		if (((const uint8_t *)from)[i] != 0)
			return -EINVAL;
	}
	memset(to, 0, size);
	memcpy(to, from, n < size ? n : size);
	return 0;
}

void
api_context_fill(void *to, const void *from, size_t size)
{
	size_t n;

	memcpy(&n, to, sizeof(n));
	if (n < sizeof(n))
		return;
	memset(to, 0, n);
	memcpy(to, from, n < size ? n : size);
	memcpy(to, &n, sizeof(n));
}

char *
api_context_copy(struct span s)
{
	char *copy = malloc(s.n + 1);

	if (copy == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

int
api_context_sent(int result)
{
	/* too long is the caller's; anything else means that nobody listens */
	return result == 0 || result == -EMSGSIZE ? result : POSTERN_EMONITOR;
}

void
api_context_died(postern_context *ctx, int code, const char *why)
{
	postern_transport *t, *next;
	postern_server *s;
	uint64_t one = 1;

	if (ctx->dead < 0)
		return;
	ctx->dead = code;
	/* readable from here on: whoever polls learns of it however late they ask */
	(void)!write(ctx->wake, &one, sizeof(one));
	api_log(ctx, NULL, POSTERN_ERROR, "%s", why);
	api_link_close(&ctx->monitor);
	api_call_complete_all(&ctx->calls, NULL, code);
	/* who connects now should find nobody, not a connection that ends at once */
	TAILQ_FOREACH(s, &ctx->servers, next)
		postern_server_stop(s);
	/* callbacks free transports, but memory stays until the turn ends, and new
	 * ones cannot be announced any more */
	for (t = TAILQ_FIRST(&ctx->transports); t != NULL; t = next) {
		next = TAILQ_NEXT(t, next);
		if (t->is_announced && !t->is_over) {
			api_end_without_monitor(t, why);
			next = TAILQ_FIRST(&ctx->transports);
		}
	}
}

int
api_context_seal(postern_context *ctx)
{
	int r;

	if (ctx->dead < 0)
		return ctx->dead;
	if (ctx->is_sealed)
		return 0;
	r = api_context_sent(api_send_SEALED(&ctx->monitor, &(struct ipc_SEALED){ 0 }));
	if (r == 0)
		ctx->is_sealed = true;
	return r;
}

static uint32_t
or_default(unsigned value, unsigned by_default)
{
	return value != 0 ? value : by_default;
}

static int
send_config(postern_context *ctx, const struct postern_context_config *cfg)
{
	struct ipc_CONFIG m = {
		.startups_begin = or_default(cfg->startups_begin, STARTUPS_BEGIN),
		.startups_rate = or_default(cfg->startups_rate, STARTUPS_RATE),
		.startups_full = or_default(cfg->startups_full, STARTUPS_FULL),
		.connections_max = or_default(cfg->connections_max, CONNECTIONS_MAX),
		.spares = or_default(cfg->spares, SPARES),
		.layout_connections = LAYOUT_CONNECTIONS, .layout_ms = LAYOUT_MS,
		.worker_uid = or_default(cfg->worker_uid, WORKER_ID),
		.worker_gid = or_default(cfg->worker_gid, WORKER_ID),
		.layers_required = cfg->layers_required,
		.log_level = (uint8_t)ctx->log_level,
		.hexdump_max = (uint8_t)ctx->hexdump_max,
		.keys_may_leave = ctx->keys_may_leave,
		.startups_source = cfg->startups_source,
		.source_bits_ipv4 = (uint8_t)or_default(cfg->source_bits_ipv4, IPV4_BITS),
		.source_bits_ipv6 = (uint8_t)or_default(cfg->source_bits_ipv6, IPV6_BITS),
	};

	return api_context_sent(api_send_CONFIG(&ctx->monitor, &m));
}

static int
start_monitor(postern_context *ctx, const char *dir)
{
	struct ipc_APP_HELLO hello = { .magic = IPC_MAGIC };
	uint8_t schema[IPC_SCHEMA_LEN];
	int r, pair[2];
	pid_t pid;

	r = ipc_pair(pair);
	if (r < 0)
		return r;
	r = spawn_helper(dir, "postern-monitor", pair[1], &pid, &ctx->child);
	(void)close(pair[1]);		/* its end: the monitor's own copy must be the last */
	if (r < 0) {
		ctx->child = -1;
		(void)close(pair[0]);
		api_log(ctx, NULL, POSTERN_ERROR, "cannot start %s/postern-monitor: %s", dir,
		    postern_strerror(r));
		return r;
	}
	ctx->monitor_pid = pid;
	r = api_link_open(&ctx->monitor, pair[0]);
	if (r == 0)
		r = api_loop_add(ctx, ctx->child, API_CHILD, 0, EPOLLIN);
	if (r < 0)
		return r;
	ipc_schema(schema);
	hello.schema = span_of(schema, sizeof(schema));
	return api_context_sent(api_send_APP_HELLO(&ctx->monitor, &hello));
}

static void
stop_monitor(postern_context *ctx)
{
	struct pollfd p = { .fd = ctx->child, .events = POLLIN };
	struct api_deadline d = api_deadline_in(API_STOP_MS);
	int signal, status;

	if (ctx->child < 0)
		return;
	/* its link is closed: it ends its workers, then itself */
	while (poll(&p, 1, api_deadline_left(d)) < 0 && errno == EINTR)
		;
	if (spawn_reap(ctx->child, &signal, &status) != 0) {
		(void)close(ctx->child);
	} else {
		(void)spawn_end(ctx->child);	/* it does not listen: killed and reaped */
	}
	ctx->child = -1;
}

static void
init(postern_context *ctx, const struct postern_context_config *cfg)
{
	ctx->pid = getpid();
	ctx->fd = ctx->set = ctx->wake = ctx->timer = ctx->child = -1;
	ctx->phase = P_HELLO;
	ctx->log = cfg->log;
	ctx->discard = cfg->discard;
	ctx->user = cfg->user;
	ctx->hexdump_max = cfg->hexdump_max;
	ctx->keys_may_leave = cfg->keys_may_leave != 0;
	ctx->log_level = cfg->log_level != 0 ? cfg->log_level : POSTERN_INFO;
	api_link_init(&ctx->monitor, ctx, API_MONITOR, 0);
	TAILQ_INIT(&ctx->transports);
	TAILQ_INIT(&ctx->graves);
	TAILQ_INIT(&ctx->channel_graves);
	TAILQ_INIT(&ctx->servers);
	TAILQ_INIT(&ctx->shelf);
	TAILQ_INIT(&ctx->host_keys);
	TAILQ_INIT(&ctx->keys);
	TAILQ_INIT(&ctx->calls);
	TAILQ_INIT(&ctx->dials);
}

static void
tear_down(postern_context *ctx)
{
	postern_transport *t;
	postern_server *s;
	postern_key *k;
	struct api_call *call;

	ctx->is_mute = true;
	api_call_shown(ctx);
	while ((call = TAILQ_FIRST(&ctx->calls)) != NULL)
		api_call_drop(call);
	api_dial_end_all(ctx);
	api_program_end_all(ctx);
	while ((t = TAILQ_FIRST(&ctx->transports)) != NULL)
		api_transport_discard(t);
	while ((s = TAILQ_FIRST(&ctx->servers)) != NULL)
		api_server_discard(s);
	while ((k = TAILQ_FIRST(&ctx->host_keys)) != NULL) {
		TAILQ_REMOVE(&ctx->host_keys, k, next);
		api_key_discard(k);
	}
	while ((k = TAILQ_FIRST(&ctx->keys)) != NULL) {
		TAILQ_REMOVE(&ctx->keys, k, next);
		api_key_discard(k);
	}
	api_loop_bury(ctx);
	api_link_close(&ctx->monitor);
	api_loop_close(ctx);
}

/* What is sent behind APP_HELLO is read by a monitor that has compared the hash in it, so
 * nothing need wait for its answer. */
static int
begin(postern_context **out, const struct postern_context_config *given, struct api_call **call)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	postern_context *ctx;
	int r = 0;

	if (given != NULL)
		r = api_context_struct(&cfg, sizeof(cfg), given);
	if (r < 0)
		return r;
	if (cfg.hexdump_max < POSTERN_HEXDUMP_OFF || cfg.hexdump_max > POSTERN_HEXDUMP_WHOLE ||
	    cfg.source_bits_ipv4 > IPV4_BITS || cfg.source_bits_ipv6 > IPV6_BITS)
		return -EINVAL;
	if (sodium_init() < 0)
		return -ENOSYS;
	ctx = calloc(1, sizeof(*ctx));
	if (ctx == NULL)
		return -ENOMEM;
	init(ctx, &cfg);
	ctx->helper_dir = api_context_copy(span_str(cfg.helper_dir != NULL ? cfg.helper_dir :
	    api_path_helpers()));
	r = ctx->helper_dir != NULL ? api_loop_open(ctx) : -ENOMEM;
	if (r == 0)
		r = start_monitor(ctx, ctx->helper_dir);
	if (r == 0)
		r = send_config(ctx, &cfg);
	if (r == 0)
		r = api_call_new(ctx, NULL, API_CALL_CONTEXT, call);
	if (r < 0)
		postern_context_free(ctx);
	else
		*out = ctx;
	return r;
}

void
api_context_greeted(postern_context *ctx)
{
	struct api_call *call = api_call_of(&ctx->calls, API_CALL_CONTEXT);

	ctx->phase = P_SETUP;
	if (call != NULL)
		api_call_complete(call, 0);
}

int
postern_context_new(postern_context **out, const struct postern_context_config *given,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	postern_context *ctx;
	int r = begin(&ctx, given, &call);

	if (r < 0)
		return r;
	r = api_call_end(call, 0, d);
	if (r < 0)
		postern_context_free(ctx);
	else
		*out = ctx;
	return r;
}

int
postern_context_new_async(postern_context **out, const struct postern_context_config *given,
    uint64_t *id)
{
	struct api_call *call;
	int r = begin(out, given, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

void
postern_context_free(postern_context *ctx)
{
	if (ctx == NULL)
		return;
	if (api_context_enter(ctx) < 0) {
		postern_context_atfork(ctx);
		return;
	}
	tear_down(ctx);
	stop_monitor(ctx);
	free(ctx->report);
	free(ctx->helper_dir);
	free(ctx->key_public);
	free(ctx);
}

/* In a callback of a forked child: it may return into the library, which then finds all
 * memory where it was. */
void
api_context_let_go(postern_context *ctx)
{
	int *fds[] = { &ctx->fd, &ctx->set, &ctx->wake, &ctx->timer, &ctx->child };
	postern_transport *t;
	postern_server *s;

	ctx->is_mute = true;
	TAILQ_FOREACH(t, &ctx->transports, next)
		postern_transport_atfork(t);
	TAILQ_FOREACH(s, &ctx->servers, next)
		postern_server_stop(s);
	api_dial_end_all(ctx);
	api_program_end_all(ctx);
	api_link_close(&ctx->monitor);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		ipc_close_fds(fds[i], 1);
}

void
postern_context_atfork(postern_context *ctx)
{
	if (ctx == NULL || api_context_enter(ctx) == 0)
		return;
	if (ctx->depth > 0) {
		api_context_let_go(ctx);
		return;
	}
	tear_down(ctx);
	/* the monitor is the parent's child, not ours: no wait */
	ipc_close_fds(&ctx->child, 1);
	free(ctx->report);
	free(ctx->helper_dir);
	free(ctx->key_public);
	free(ctx);
}

int
postern_context_fd(const postern_context *ctx)
{
	int r = api_context_enter(ctx);

	return r < 0 ? r : ctx->fd;
}

int
postern_context_describe(postern_context *ctx, unsigned *layers, char *line, size_t size)
{
	int n, r = api_context_enter(ctx);

	if (r < 0)
		return r;
	if (ctx->phase != P_SERVE)
		return POSTERN_ESTATE;
	n = snprintf(line, size, "%s", ctx->report != NULL ? ctx->report : "");
	if (n < 0 || (size_t)n >= size)
		return -ERANGE;
	*layers = ctx->layers;
	return 0;
}

int
postern_context_monitor_pid(const postern_context *ctx)
{
	int r = api_context_enter(ctx);

	return r < 0 ? r : ctx->monitor_pid;
}

int
postern_context_zygote_pid(const postern_context *ctx)
{
	int r = api_context_enter(ctx);

	if (r < 0)
		return r;
	return ctx->phase == P_SERVE ? ctx->zygote_pid : POSTERN_ESTATE;
}
