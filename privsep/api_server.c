/*
 * api_server.c - a server: its policy, and the transports that follow it.
 *
 * The policy is asked only by the monitor's questions, one step of a login at a
 * time, and says only whether that step may pass.  Who has logged in comes as a
 * separate word of the monitor after the proof, so a key that was merely asked
 * about can never be taken for one that was proven.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { TRIES_MAX = 6, FAIL_DELAY_MS = 50, METHODS_MAX = 256 };

static const struct {
	unsigned bit;
	const char *name;
} methods[] = {
	{ POSTERN_PUBLICKEY,   "publickey" },
	{ POSTERN_PASSWORD,    "password" },
	{ POSTERN_INTERACTIVE, "keyboard-interactive" },
};

static int
take_interface(struct postern_server_interface *to, const struct postern_server_interface *from)
{
	return api_context_struct(to, sizeof(*to), from);
}

/* Told once, where it can be mended: a peer that wants just this key learns no reason. */
static void
tell_withheld(const postern_server *s)
{
	const postern_key *k;
	char print[80];

	TAILQ_FOREACH(k, &s->ctx->host_keys, next) {
		if (api_preset_offers(k, span_str(s->options.host_keys), s->options.rsa_min))
			continue;
		if (postern_fingerprint(k->blob, k->blob_len, print, sizeof(print)) < 0)
			print[0] = '\0';	/* the room suffices for every key */
		api_log(s->ctx, NULL, POSTERN_INFO, "the host key %s %s is not offered: no algorithm of "
		    "the preset or list is its own, or it is RSA of fewer than %u bits", k->alg, print,
		    s->options.rsa_min);
	}
}

static int
fill(postern_server *s, const struct postern_server_config *given,
    const struct postern_server_interface *interface)
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	char problem[300];
	int r = 0;

	if (given != NULL)
		r = api_context_struct(&cfg, sizeof(cfg), given);
	if (r == 0 && interface != NULL)
		r = take_interface(&s->interface, interface);
	if (r < 0)
		return r;
	s->methods = cfg.methods != 0 ? cfg.methods : POSTERN_PUBLICKEY;
	s->tries_max = cfg.tries_max != 0 ? cfg.tries_max : TRIES_MAX;
	s->fail_delay_ms = cfg.fail_delay_ms == 0 ? FAIL_DELAY_MS :
	    cfg.fail_delay_ms < 0 ? 0 : (uint32_t)cfg.fail_delay_ms;
	s->banner = api_context_copy(span_str(cfg.banner != NULL ? cfg.banner : ""));
	if (s->banner == NULL)
		return -ENOMEM;
	if (strlen(s->banner) > API_BANNER_MAX)
		return -EMSGSIZE;
	r = api_options_take(&s->options, cfg.options, true, problem, sizeof(problem));
	if (r < 0)
		api_log(s->ctx, NULL, POSTERN_ERROR, "server: %s", problem);
	return r;
}

void
api_server_release(postern_server *s)
{
	if (--s->refs > 0)
		return;
	api_subsystem_discard(s);
	free(s->banner);
	free(s);
}

void
api_server_discard(postern_server *s)
{
	postern_server_stop(s);
	s->is_freed = true;
	TAILQ_REMOVE(&s->ctx->servers, s, next);
	api_server_release(s);
}

static int
begin(postern_server **out, postern_context *ctx, const struct postern_server_config *cfg,
    const struct postern_server_interface *interface, struct api_call **call)
{
	postern_server *s;
	int r = api_context_enter(ctx);

	if (r < 0)
		return r;
	if (TAILQ_EMPTY(&ctx->host_keys))
		return POSTERN_ESTATE;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->ctx = ctx;
	s->refs = 1;
	LIST_INIT(&s->subsystems);
	LIST_INIT(&s->listeners);
	TAILQ_INIT(&s->accepts);
	r = fill(s, cfg, interface);
	if (r == 0)
		r = api_context_seal(ctx);
	if (r == 0)
		r = api_call_new(ctx, NULL, API_CALL_SERVE, call);
	if (r < 0) {
		api_server_release(s);
		return r;
	}
	tell_withheld(s);
	TAILQ_INSERT_TAIL(&ctx->servers, s, next);
	if (ctx->phase == P_SERVE)
		api_call_complete(*call, 0);
	*out = s;
	return 0;
}

void
api_server_serving(postern_context *ctx)
{
	struct api_call *call;

	while ((call = api_call_of(&ctx->calls, API_CALL_SERVE)) != NULL)
		api_call_complete(call, 0);
}

int
postern_server_new(postern_server **out, postern_context *ctx,
    const struct postern_server_config *cfg, const struct postern_server_interface *interface,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	postern_server *s;
	int r = begin(&s, ctx, cfg, interface, &call);

	if (r < 0)
		return r;
	r = api_call_end(call, 0, d);
	if (r < 0)
		api_server_discard(s);
	else
		*out = s;
	return r;
}

int
postern_server_new_async(postern_server **out, postern_context *ctx,
    const struct postern_server_config *cfg, const struct postern_server_interface *interface,
    uint64_t *id)
{
	struct api_call *call;
	int r = begin(out, ctx, cfg, interface, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

void
postern_server_free(postern_server *s)
{
	postern_transport *t;

	if (s == NULL || api_context_enter(s->ctx) < 0 || s->is_freed)
		return;
	/* its transports live on, but nobody can accept them any more */
	while ((t = TAILQ_FIRST(&s->accepts)) != NULL) {
		TAILQ_REMOVE(&s->accepts, t, waiting);
		t->is_waiting = false;
	}
	api_server_discard(s);
}

/* ---- transports ---- */

static void
method_names(unsigned bits, char out[METHODS_MAX])
{
	struct wr w = wr_of(out, METHODS_MAX);

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if ((bits & methods[i].bit) == 0)
			continue;
		if (w.n > 0)
			wr_u8(&w, ',');
		wr_raw(&w, span_str(methods[i].name));
	}
	wr_u8(&w, 0);	/* the three names fit */
}

int
api_server_welcome(postern_server *s, postern_transport *t)
{
	char names[METHODS_MAX];
	struct ipc_NEW m = { .role = IPC_SERVER, .host = span_str(""),
		.methods = span_str(""), .ask_none = (s->methods & POSTERN_NONE) != 0,
		.banner = span_str(s->banner), .tries_max = s->tries_max,
		.fail_delay_ms = s->fail_delay_ms };
	int r;

	if (t->server != NULL || t->is_announced || t->is_over)
		return POSTERN_ESTATE;
	method_names(s->methods, names);
	m.methods = span_str(names);
	api_options_fill(&s->options, &m);
	r = api_transport_announce(t, &m);
	if (r < 0)
		return r;
	t->server = s;
	s->refs++;
	api_log(t->ctx, t, POSTERN_INFO, "connection from %s",
	    t->peer[0] != '\0' ? t->peer : "an unnamed descriptor");
	return api_transport_attach(t);
}

int
postern_transport_set_login_terms(postern_transport *t, unsigned tries_max, const char *banner)
{
	struct ipc_LOGIN_TERMS m = { .conn = t->id, .tries_max = tries_max,
		.banner = span_str(banner != NULL ? banner : "") };
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->server == NULL || t->is_over || t->is_authenticated)
		return POSTERN_ESTATE;
	if (m.banner.n > API_BANNER_MAX)
		return -EMSGSIZE;
	return api_context_sent(api_send_LOGIN_TERMS(&t->ctx->monitor, &m));
}

int
postern_transport_set_login_signatures(postern_transport *t, const char *signatures,
    const char *ca_signatures)
{
	struct ipc_LOGIN_TERMS m = { .conn = t->id, .banner = span_str("") };
	char sigs[API_LIST_MAX + 1] = "", cas[API_LIST_MAX + 1] = "";
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->server == NULL || t->is_over || t->is_authenticated)
		return POSTERN_ESTATE;
	if (signatures != NULL)
		r = postern_edit_list(POSTERN_SIGNATURES, signatures, sigs, sizeof(sigs));
	if (r == 0 && ca_signatures != NULL)
		r = postern_edit_list(POSTERN_CA_SIGNATURES, ca_signatures, cas, sizeof(cas));
	if (r < 0)
		return r;
	m.sig_algs = span_str(sigs);
	m.ca_algs = span_str(cas);
	return api_context_sent(api_send_LOGIN_TERMS(&t->ctx->monitor, &m));
}

static int
begin_start(postern_transport *t, postern_server *s, struct api_call **call)
{
	int r = api_context_enter(t->ctx);

	if (r == 0 && s->is_freed)
		r = POSTERN_ESTATE;
	if (r == 0)
		r = api_call_new(t->ctx, t, API_CALL_START, call);
	if (r < 0)
		return r;
	r = api_server_welcome(s, t);
	if (r < 0)
		api_call_drop(*call);
	return r;
}

int
postern_transport_start_server(postern_transport *t, postern_server *s, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int r = begin_start(t, s, &call);

	return r < 0 ? r : api_transport_await_start(t, call, d);
}

int
postern_transport_start_server_async(postern_transport *t, postern_server *s, uint64_t *id)
{
	struct api_call *call;
	int r = begin_start(t, s, &call);

	return r < 0 ? r : api_call_detach(call, 0, id);
}

static bool
has_login(const void *what)
{
	const postern_server *s = what;

	return !TAILQ_EMPTY(&s->accepts) || s->is_freed;
}

int
postern_server_accept(postern_server *s, postern_transport **out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	postern_transport *t = NULL;
	int left, r = api_context_enter(s->ctx);

	if (r < 0)
		return r;
	/* a callback may free it, and no transport of its own need hold it */
	s->refs++;
	while (r == 0 && !has_login(s)) {
		left = api_deadline_left(d);
		r = s->ctx->dead;
		if (r == 0)
			r = api_loop_turn(s->ctx, left);
		if (r == 0 && left == 0 && !has_login(s))
			r = POSTERN_ETIMEOUT;
	}
	if (r == 0) {
		t = TAILQ_FIRST(&s->accepts);
		r = t != NULL ? 0 : POSTERN_ESTATE;
	}
	if (t != NULL) {
		TAILQ_REMOVE(&s->accepts, t, waiting);
		t->is_waiting = false;
		api_shelf_drop(s->ctx, &t->item, API_PENDING_LOGIN);
		*out = t;
	}
	api_server_release(s);
	return r;
}

/* ---- the login, as the monitor leads it ---- */

void
api_server_ask_login(postern_transport *t, uint64_t theirs, struct postern_login *login)
{
	const struct postern_server_interface *i = &t->server->interface;
	struct api_question *q = api_question_new(t, API_ASK_LOGIN, theirs, 0);
	int answer = POSTERN_REFUSE;
	uint64_t id;

	if (q == NULL) {
		struct ipc_LOGIN_ANSWER no = { .conn = t->id, .question = theirs,
			.verdict = IPC_REFUSED, .methods = span_str("") };

		(void)api_send_LOGIN_ANSWER(&t->ctx->monitor, &no);	/* or it is dead */
		return;
	}
	id = q->id;
	q->is_interactive = login->method == POSTERN_INTERACTIVE;
	q->is_password = login->method == POSTERN_PASSWORD;
	if (i->check_auth != NULL)
		answer = i->check_auth(i->user, t, id, login);
	api_question_settle_login(t, id, answer, login);
}

static int
public_verdict(uint8_t verdict)
{
	if (verdict == IPC_ACCEPTED)
		return POSTERN_ACCEPT;
	return verdict == IPC_PARTIAL ? POSTERN_PARTIAL : POSTERN_REFUSE;
}

void
api_server_attempt(postern_transport *t, const struct ipc_ATTEMPT *m)
{
	const struct postern_server_interface *i = &t->server->interface;
	int verdict = public_verdict(m->verdict);
	char user[300], method[80], print[80], alg[80];

	(void)api_log_quote(user, sizeof(user), m->user);
	(void)api_log_quote(method, sizeof(method), m->method);
	(void)api_log_quote(alg, sizeof(alg), m->alg);
	(void)api_log_quote(print, sizeof(print), m->fingerprint);
	api_log(t->ctx, t, POSTERN_INFO, "%s %s for \"%s\"%s%s%s%s, failures %u",
	    verdict == POSTERN_REFUSE ? "refused" : verdict == POSTERN_PARTIAL ? "passed a step:" :
	    "accepted", method, user, alg[0] != '\0' ? ", " : "", alg,
	    print[0] != '\0' ? " " : "", print, m->failures);
	/* what the monitor finds wrong with a certificate nobody else is told; as its own remarks,
	 * which no program words anew */
	if (m->why.n > 0) {
		char why[700];

		api_log(t->ctx, NULL, POSTERN_INFO, "connection %llu: key refused for \"%s\": %s",
		    (unsigned long long)t->id, user, api_log_quote(why, sizeof(why), m->why));
	}
	if (i->auth_attempt != NULL)
		i->auth_attempt(i->user, t, api_text(m->user), api_text(m->method),
		    api_text(m->fingerprint), verdict, m->failures);
}
