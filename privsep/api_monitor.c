/*
 * api_monitor.c - what the monitor says: admission, and one handler per message.
 *
 * The monitor is ours, and its word is final: who logged in, whether a host key is
 * known, why a connection ended.  Its messages are checked like anybody's, because
 * parts of them began with a peer; one that is wrong about a connection ends that
 * connection, one that is wrong about the context ends the context.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "privsep/api.h"

enum { ABOUT_CONNECTION = L_NEW | L_SPARE | L_KEX | L_AUTH | L_OPEN | L_END };

struct hearing {
	postern_context *ctx;
	postern_transport *t;		/* NULL for messages about the context */
};

static int
on_MONITOR_HELLO(struct hearing *h, const struct ipc_MONITOR_HELLO *m)
{
	uint8_t schema[IPC_SCHEMA_LEN];

	ipc_schema(schema);
	if (m->magic != IPC_MAGIC || !span_eq(m->schema, span_of(schema, sizeof(schema)))) {
		api_context_died(h->ctx, POSTERN_EMONITOR,
		    "library and postern-monitor are of different builds");
		return 0;
	}
	api_context_greeted(h->ctx);
	return 0;
}

static int
on_SERVING(struct hearing *h, const struct ipc_SERVING *m)
{
	postern_context *ctx = h->ctx;

	ctx->layers = m->layers;
	ctx->report = api_context_copy(m->report);
	ctx->monitor_pid = (int)m->monitor_pid;
	ctx->zygote_pid = (int)m->zygote_pid;
	ctx->phase = P_SERVE;
	api_log(ctx, NULL, POSTERN_VERBOSE, "workers are confined by: %s",
	    ctx->report != NULL ? ctx->report : "");
	api_server_serving(ctx);
	return 0;
}

static int
on_NOT_SERVING(struct hearing *h, const struct ipc_NOT_SERVING *m)
{
	char text[1100];

	api_context_died(h->ctx, m->is_sandbox ? POSTERN_ESANDBOX : POSTERN_EMONITOR,
	    api_log_quote(text, sizeof(text), m->text));
	return 0;
}

static int
on_KEY_LOADED(struct hearing *h, const struct ipc_KEY_LOADED *m)
{
	api_key_loaded(h->ctx, m);
	return 0;
}

static int
on_MODULI_LOADED(struct hearing *h, const struct ipc_MODULI_LOADED *m)
{
	api_moduli_loaded(h->ctx, m);
	return 0;
}

static int
on_REVOKED_LOADED(struct hearing *h, const struct ipc_REVOKED_LOADED *m)
{
	api_revoked_loaded(h->ctx, m);
	return 0;
}

static int
on_CERT_ADDED(struct hearing *h, const struct ipc_CERT_ADDED *m)
{
	api_cert_added(h->ctx, m);
	return 0;
}

static int
on_AGENT_KEY(struct hearing *h, const struct ipc_AGENT_KEY *m)
{
	api_agent_key(h->ctx, m);
	return 0;
}

static int
on_AGENT_DONE(struct hearing *h, const struct ipc_AGENT_DONE *m)
{
	api_agent_done(h->ctx, m);
	return 0;
}

static int
on_AGENT_GONE(struct hearing *h, const struct ipc_AGENT_GONE *m)
{
	api_agent_gone(h->ctx, m);
	return 0;
}

static int
on_REMARK(struct hearing *h, const struct ipc_REMARK *m)
{
	char text[API_LINE_MAX];

	api_log_monitor(h->ctx, NULL, m->level, "%s",
	    api_log_quote(text, sizeof(text), m->text));
	return 0;
}

/* ---- connections ---- */

static int
on_STARTED(struct hearing *h, const struct ipc_STARTED *m)
{
	postern_transport *t = h->t;

	t->phase = L_KEX;
	t->worker_pid = (int)m->worker_pid;
	t->report = api_context_copy(m->report);
	if (t->report != NULL)
		api_log_tame(t->report);
	api_log(h->ctx, t, POSTERN_DEBUG, "worker %u", m->worker_pid);
	return 0;
}

static void
replace(char **old, struct span s)
{
	char *copy = api_context_copy(s);

	if (copy == NULL)
		return;		/* the old word stays */
	api_log_tame_line(copy);
	free(*old);
	*old = copy;
}

static void
log_agreement(postern_transport *t, const struct ipc_KEX_DONE *m)
{
	char kex[80], alg[80], version[300], out[80], in[80];

	api_log(t->ctx, t, POSTERN_VERBOSE, "keys in use (exchange %llu): %s, host key %s; "
	    "claimed: ciphers %s and %s, peer \"%s\"%s", (unsigned long long)m->count,
	    api_log_quote(kex, sizeof(kex), m->kex),
	    api_log_quote(alg, sizeof(alg), m->hostkey_alg),
	    api_log_quote(out, sizeof(out), m->cipher_c2s),
	    api_log_quote(in, sizeof(in), m->cipher_s2c),
	    api_log_quote(version, sizeof(version), m->peer_version),
	    m->strict ? ", strict" : "");
}

static int
on_KEX_DONE(struct hearing *h, const struct ipc_KEX_DONE *m)
{
	postern_transport *t = h->t;

	t->exchanges = m->count;
	t->strict = m->strict;
	replace(&t->kex, m->kex);
	replace(&t->host_key_alg, m->hostkey_alg);
	replace(&t->ciphers[0], m->cipher_c2s);
	replace(&t->ciphers[1], m->cipher_s2c);
	replace(&t->macs[0], m->mac_c2s);
	replace(&t->macs[1], m->mac_s2c);
	replace(&t->compressions[0], m->compression_c2s);
	replace(&t->compressions[1], m->compression_s2c);
	replace(&t->peer_version, m->peer_version);
	log_agreement(t, m);
	if (t->is_started)
		return 0;
	t->host_key = (uint8_t *)api_context_copy(m->host_key);
	t->host_key_len = t->host_key != NULL ? m->host_key.n : 0;
	t->phase = L_AUTH;
	t->is_started = true;
	api_login_started(t);
	return 0;
}

static int
on_HOSTKEY_ASK(struct hearing *h, const struct ipc_HOSTKEY_ASK *m)
{
	if (h->t->is_server)
		return IPC_BROKEN;
	api_client_ask_host_key(h->t, m);
	return 0;
}

static int
on_HOSTKEYS_CHANGED(struct hearing *h, const struct ipc_HOSTKEYS_CHANGED *m)
{
	return h->t->is_server ? IPC_BROKEN : api_update_changed(h->t, m);
}

static int
on_ASK_NONE(struct hearing *h, const struct ipc_ASK_NONE *m)
{
	return h->t->is_server ? api_asked_none(h->t, m) : IPC_BROKEN;
}

static int
on_ASK_PASSWORD(struct hearing *h, const struct ipc_ASK_PASSWORD *m)
{
	return h->t->is_server ? api_asked_password(h->t, m) : IPC_BROKEN;
}

static int
on_ASK_CHANGE(struct hearing *h, const struct ipc_ASK_CHANGE *m)
{
	return h->t->is_server ? api_asked_change(h->t, m) : IPC_BROKEN;
}

static int
on_ASK_PUBLICKEY(struct hearing *h, const struct ipc_ASK_PUBLICKEY *m)
{
	return h->t->is_server ? api_asked_publickey(h->t, m) : IPC_BROKEN;
}

static int
on_ASK_KBDINT(struct hearing *h, const struct ipc_ASK_KBDINT *m)
{
	return h->t->is_server ? api_asked_kbdint(h->t, m) : IPC_BROKEN;
}

static int
on_ASK_RESPONSES(struct hearing *h, const struct ipc_ASK_RESPONSES *m)
{
	return h->t->is_server ? api_asked_responses(h->t, m) : IPC_BROKEN;
}

static int
on_ATTEMPT(struct hearing *h, const struct ipc_ATTEMPT *m)
{
	api_server_attempt(h->t, m);
	return 0;
}

static int
on_USER_LOGGED_IN(struct hearing *h, const struct ipc_USER_LOGGED_IN *m)
{
	postern_transport *t = h->t;
	int r = api_link_open(&t->worker, m->worker);

	t->phase = L_OPEN;
	t->username = api_context_copy(m->user);
	if (r < 0 || t->username == NULL) {
		api_transport_blame(t, r < 0 ? r : -ENOMEM, "no memory for a login");
		return 0;
	}
	t->is_authenticated = true;
	api_login_done(t, m);
	return 0;
}

static int
on_LOGIN_RESULT(struct hearing *h, const struct ipc_LOGIN_RESULT *m)
{
	if (h->t->is_server)
		return IPC_BROKEN;
	api_login_result(h->t, m);
	return 0;
}

static int
on_INFO_ASK(struct hearing *h, const struct ipc_INFO_ASK *m)
{
	if (h->t->is_server)
		return IPC_BROKEN;
	api_prompts_ask(h->t, m);
	return 0;
}

static int
on_BANNER(struct hearing *h, const struct ipc_BANNER *m)
{
	if (h->t->is_server)
		return IPC_BROKEN;
	api_client_banner(h->t, m);
	return 0;
}

static int
on_DUMPED(struct hearing *h, const struct ipc_DUMPED *m)
{
	api_hexdump_show(h->t, m);
	return 0;
}

static int
on_SIGN_ASK(struct hearing *h, const struct ipc_SIGN_ASK *m)
{
	api_signer_ask(h->t, m);
	return 0;
}

static int
on_CLAIM(struct hearing *h, const struct ipc_CLAIM *m)
{
	char text[600];

	api_log_worker(h->t, m->level, "worker says: \"%s\"",
	    api_log_quote(text, sizeof(text), m->text));
	return 0;
}

static int
on_END_OF(struct hearing *h, const struct ipc_END_OF *m)
{
	api_end_from_monitor(h->t, m);
	return 0;
}

static int
dispatch(struct hearing *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_M2A
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

/* ---- admission ---- */

/* False: the message is about a connection that the application has given up. */
static bool
find_subject(struct hearing *h, const uint8_t *buf, size_t len)
{
	const struct ipc_row *row = &ipc_rows[buf[0]];
	struct rd r = rd_of(span_of(buf, len));

	h->t = NULL;
	if (row->name == NULL || (row->phases & ABOUT_CONNECTION) == 0)
		return true;
	(void)rd_u8(&r);
	h->t = api_transport_find(h->ctx, rd_u64(&r));
	return h->t != NULL;
}

static void
hear(postern_context *ctx, uint8_t *buf, size_t len, int *fds, size_t nfds)
{
	struct hearing h = { .ctx = ctx };
	const char *why = "a field is malformed";
	const struct ipc_row *row;
	struct rd r = rd_of(span_of(buf, len));
	int result = IPC_BROKEN;

	if (!find_subject(&h, buf, len)) {
		ipc_close_fds(fds, nfds);
		return;
	}
	row = ipc_admit(IPC_M2A, h.t != NULL ? h.t->phase : ctx->phase, K_ANY,
	    h.t != NULL ? &h.t->once : &ctx->monitor.once, buf, len, nfds, &why);
	if (row != NULL)
		result = dispatch(&h, rd_u8(&r), r, fds);
	if (result >= 0)
		return;
	ipc_close_fds(fds, nfds);
	api_log_monitor(ctx, h.t, POSTERN_ERROR, "message %s of the monitor: %s",
	    ipc_rows[buf[0]].name != NULL ? ipc_rows[buf[0]].name : "?", why);
	/* our own table of descriptors is full: nobody's fault, and that login's end */
	if (h.t != NULL && nfds < ipc_rows[buf[0]].nfds)
		api_transport_blame(h.t, -EMFILE, "no descriptor left for it");
	else if (h.t != NULL)
		api_transport_blame(h.t, POSTERN_EMONITOR, why);
	else
		api_context_died(ctx, POSTERN_EMONITOR, "the monitor broke its contract");
}

bool
api_monitor_receive(postern_context *ctx)
{
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
	size_t cap, nfds;
	uint8_t *buf = api_loop_buffer(ctx, &cap);
	bool is_secret;
	ssize_t n;

	if (ctx->monitor.fd < 0 || api_context_enter(ctx) < 0)
		return false;
	n = ipc_recv(ctx->monitor.fd, buf, cap, fds, &nfds);
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		api_context_died(ctx, POSTERN_EMONITOR, "the monitor closed its link");
		return false;
	}
	is_secret = (ipc_rows[buf[0]].flags & SECRET) != 0;
	hear(ctx, buf, (size_t)n, fds, nfds);
	if (is_secret)
		sodium_memzero(buf, (size_t)n);
	return true;
}
