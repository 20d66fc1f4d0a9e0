/*
 * api_client.c - starting as a client: what the user trusts goes to the monitor,
 * which alone judges the server's host key.
 *
 * known_hosts files are opened by the application and read by the monitor.  No key
 * is accepted by omission: without a file every key is unknown, and unknown without
 * an interface that says ACCEPT is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "privsep/api.h"

enum { SSH_PORT = 22, FINGERPRINT_MAX = 64,
	TRUST_FILES_MAX = 16 };		/* the monitor takes no more of a connection */

static int
take_config(postern_transport *t, struct postern_client_config *cfg,
    const struct postern_client_config *given)
{
	int r = api_context_struct(cfg, sizeof(*cfg), given);

	if (r < 0)
		return r;
	if (cfg->interface.size != 0)
		r = api_context_struct(&t->client, sizeof(t->client), &given->interface);
	if (r < 0)
		return r;
	if (cfg->host == NULL && cfg->host_key == NULL)
		return api_error_set(t, -EINVAL, "start", POSTERN_LOCAL, false,
		    span_str("a host name or a host key is needed to know the server by"));
	if (cfg->port > UINT16_MAX || cfg->n_known_hosts > TRUST_FILES_MAX ||
	    cfg->n_revoked_keys > TRUST_FILES_MAX - cfg->n_known_hosts)
		return api_error_set(t, -EINVAL, "start", POSTERN_LOCAL, false,
		    span_str("no such port, or too many files of known or revoked hosts"));
	if (cfg->own_known_hosts > cfg->n_known_hosts)
		return api_error_set(t, -EINVAL, "start", POSTERN_LOCAL, false,
		    span_str("there are not so many known_hosts files"));
	for (size_t i = 0; i < cfg->n_known_hosts; i++) {
		/* sending it would look like a dead monitor */
		if (cfg->known_hosts[i] < 0)
			return api_error_set(t, -EBADF, "start", POSTERN_LOCAL, false,
			    span_str("a known_hosts file is not open"));
	}
	for (size_t i = 0; i < cfg->n_revoked_keys; i++) {
		if (cfg->revoked_keys[i] < 0)
			return api_error_set(t, -EBADF, "start", POSTERN_LOCAL, false,
			    span_str("a file of revoked host keys is not open"));
	}
	return 0;
}

/* Only signatures of the expected key's type: a server has several keys, and would
 * show another with a good conscience. */
static void
expect_type(const struct postern_client_config *cfg, struct ipc_NEW *m,
    char out[API_LIST_MAX + 1])
{
	struct rd r = rd_of(span_of(cfg->host_key, cfg->host_key_len));
	struct span type = rd_text(&r, API_LIST_MAX), left = m->hostkey_algs;
	struct wr w = wr_of(out, API_LIST_MAX);
	size_t n;

	for (; left.n > 0; left = span_of(left.p + n, left.n - n)) {
		for (n = 0; n < left.n && left.p[n] != ','; n++)
			;
		if (span_eq(span_of(left.p, n), type) || (span_is(type, "ssh-rsa") && n > 9 &&
		    memcmp(left.p, "rsa-sha2-", 9) == 0)) {
			if (w.n > 0)
				wr_u8(&w, ',');
			wr_raw(&w, span_of(left.p, n));
		}
		n += n < left.n;
	}
	/* of a type that we do not know, or none: then no key will do */
	if (w.n > 0)
		m->hostkey_algs = wr_span(&w);
}

static int
announce(postern_transport *t, const struct postern_client_config *cfg)
{
	struct api_options *o = malloc(sizeof(*o));
	struct ipc_NEW m = { .role = IPC_CLIENT, .methods = span_str(""),
		.host = span_str(cfg->host != NULL ? cfg->host : ""),
		.port = cfg->port != 0 ? cfg->port : SSH_PORT,
		.hash_names = cfg->hash_known_hosts != 0, .banner = span_str(""),
		.update = cfg->host_key == NULL && t->client.known_hosts_changed != NULL,
		.own_files = (uint32_t)cfg->own_known_hosts };
	char problem[300], types[API_LIST_MAX + 1];
	int r;

	if (o == NULL)
		return -ENOMEM;
	r = api_options_take(o, cfg->options, false, problem, sizeof(problem));
	if (r < 0) {
		(void)api_error_set(t, r, "start", POSTERN_LOCAL, false, span_str(problem));
	} else {
		api_options_fill(o, &m);
		if (cfg->host_key != NULL)
			expect_type(cfg, &m, types);
		r = api_transport_announce(t, &m);
	}
	free(o);
	return r;
}

static int
send_trust(postern_transport *t, const struct postern_client_config *cfg)
{
	struct api_link *l = &t->ctx->monitor;
	struct ipc_TRUST_KEY key = { .conn = t->id,
		.key = span_of(cfg->host_key, cfg->host_key_len) };
	int r = 0;

	for (size_t i = 0; r == 0 && i < cfg->n_revoked_keys; i++) {
		struct ipc_TRUST_REVOKED m = { .conn = t->id, .file = cfg->revoked_keys[i] };

		r = api_context_sent(api_send_TRUST_REVOKED(l, &m));
	}
	if (r < 0)
		return r;
	if (cfg->host_key != NULL)
		return api_context_sent(api_send_TRUST_KEY(l, &key));
	for (size_t i = 0; r == 0 && i < cfg->n_known_hosts; i++) {
		struct ipc_TRUST_FILE m = { .conn = t->id, .file = cfg->known_hosts[i] };

		r = api_context_sent(api_send_TRUST_FILE(l, &m));
	}
	return r;
}

struct wanted {				/* of a connect: NULL where not given */
	const char *user, *password;
	const postern_key *key;
};

static int
start(postern_transport *t, const struct postern_client_config *given,
    const struct wanted *login, struct api_call **call)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->is_announced || t->is_over)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = take_config(t, &cfg, given);
	if (r == 0)
		r = api_context_seal(t->ctx);
	if (r == 0)
		r = api_call_new(t->ctx, t, API_CALL_START, call);
	if (r < 0)
		return r;
	if (login != NULL)
		r = api_auth_follow(*call, login->user, login->password, login->key);
	if (r == 0)
		r = announce(t, &cfg);
	if (r == 0)
		r = send_trust(t, &cfg);
	if (r == 0)
		r = api_transport_attach(t);
	if (r < 0) {
		api_call_drop(*call);
		return r;
	}
	api_log(t->ctx, t, POSTERN_VERBOSE, "connected to %s",
	    t->peer[0] != '\0' ? t->peer : "an unnamed descriptor");
	return 0;
}

/* Taken by contract, also when the start fails. */
static void
close_files(const struct postern_client_config *given)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	if (api_context_struct(&cfg, sizeof(cfg), given) < 0)
		return;
	/* the monitor has its own */
	for (size_t i = 0; i < cfg.n_known_hosts; i++) {
		if (cfg.known_hosts[i] >= 0)
			(void)close(cfg.known_hosts[i]);
	}
	for (size_t i = 0; i < cfg.n_revoked_keys; i++) {
		if (cfg.revoked_keys[i] >= 0)
			(void)close(cfg.revoked_keys[i]);
	}
}

static int
begin(postern_transport *t, const struct postern_client_config *cfg,
    const struct wanted *login, struct api_call **call)
{
	int r = start(t, cfg, login, call);

	close_files(cfg);
	return r;
}

int
postern_transport_start_client(postern_transport *t, const struct postern_client_config *cfg,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int r = begin(t, cfg, NULL, &call);

	return r < 0 ? r : api_transport_await_start(t, call, d);
}

int
postern_transport_start_client_async(postern_transport *t,
    const struct postern_client_config *cfg, uint64_t *id)
{
	struct api_call *call;
	int r = begin(t, cfg, NULL, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

int
postern_transport_connect(postern_transport *t, const struct postern_client_config *cfg,
    const char *user, const char *password, const postern_key *key, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct wanted login = { user, password, key };
	struct api_call *call;
	int r = begin(t, cfg, &login, &call);

	return r < 0 ? r : api_transport_await_start(t, call, d);
}

int
postern_transport_connect_async(postern_transport *t, const struct postern_client_config *cfg,
    const char *user, const char *password, const postern_key *key, uint64_t *id)
{
	struct wanted login = { user, password, key };
	struct api_call *call;
	int r = begin(t, cfg, &login, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

static int
public_trust(uint8_t verdict)
{
	if (verdict == IPC_UNKNOWN)
		return POSTERN_TRUST_UNKNOWN;
	/* what we do not know is not told as the mildest case */
	return verdict == IPC_CHANGED ? POSTERN_TRUST_CHANGED : POSTERN_TRUST_REVOKED;
}

void
api_client_ask_host_key(postern_transport *t, const struct ipc_HOSTKEY_ASK *m)
{
	struct api_question *q = api_question_new(t, API_ASK_HOST_KEY, m->question, 0);
	char print[FINGERPRINT_MAX] = "", why[700];
	struct postern_host_key k = { .size = sizeof(k), .trust = public_trust(m->verdict),
		.host = api_text(m->host), .algorithm = api_text(m->alg),
		.key = m->key.p, .key_len = m->key.n, .fingerprint = print,
		.line = api_text(m->line), .clash_line = m->clash_line,
		.clash_file = m->clash_file,
		.certificate_problem = api_log_quote(why, sizeof(why), m->why) };
	int answer = POSTERN_REFUSE;
	uint64_t id;

	if (q == NULL) {
		struct ipc_HOSTKEY_ANSWER no = { .conn = t->id, .question = m->question };

		(void)api_send_HOSTKEY_ANSWER(&t->ctx->monitor, &no);	/* or it is dead */
		return;
	}
	id = q->id;
	/* the room suffices for every key */
	(void)!postern_fingerprint(m->key.p, m->key.n, print, sizeof(print));
	if (t->client.check_host_key != NULL)
		answer = t->client.check_host_key(t->client.user, t, id, &k);
	api_question_settle(t, id, answer, NULL, 0);
}

void
api_client_banner(postern_transport *t, const struct ipc_BANNER *m)
{
	const char *text = api_text(m->text);

	if (t->client.banner == NULL)
		return;
	/* it will be shown on a terminal, and anybody may have written it */
	api_log_tame((char *)(uintptr_t)text);
	t->client.banner(t->client.user, t, text);
}
