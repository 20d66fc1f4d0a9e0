/*
 * worker_auth.c - the server's side of a login: fields up, verdicts down.
 *
 * This process judges nothing.  One request of the peer becomes one message to the
 * monitor, no further packet is looked at until its verdict, and what a login is
 * worth arrives only as LOGGED_IN with the way to the application in it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "privsep/worker_tell.h"

/* The first request brings out the banner (RFC 4252 5.4), before its answer. */
static void
send_banner(struct worker *w)
{
	if (w->banner_len == 0 || w->auth.server.banner_sent)
		return;
	worker_check(w, auth_server_banner(&w->auth.server, w->tr,
	    span_of(w->banner, w->banner_len)));
	free(w->banner);
	w->banner = NULL;
	w->banner_len = 0;
}

static bool
ask(struct worker *w, const struct auth_request *a)
{
	switch (a->type) {
	case AR_NONE:
		return worker_tell_AUTH_NONE(w, &(struct ipc_AUTH_NONE){ .user = a->user });
	case AR_PASSWORD:
		if (a->is_change)
			return worker_tell_AUTH_CHANGE(w, &(struct ipc_AUTH_CHANGE){ .user = a->user,
			    .password = a->password, .new_password = a->new_password });
		return worker_tell_AUTH_PASSWORD(w, &(struct ipc_AUTH_PASSWORD){
		    .user = a->user, .password = a->password });
	case AR_PUBLICKEY:
		return worker_tell_AUTH_PUBLICKEY(w, &(struct ipc_AUTH_PUBLICKEY){
		    .user = a->user, .alg = a->alg, .key = a->key,
		    .is_signed = a->is_signed, .signature = a->signature,
		    .host_key = a->host_key });
	case AR_KBDINT:
		return worker_tell_AUTH_KBDINT(w, &(struct ipc_AUTH_KBDINT){
		    .user = a->user, .submethods = a->submethods });
	case AR_RESPONSES:
		return worker_tell_AUTH_RESPONSES(w, &(struct ipc_AUTH_RESPONSES){
		    .answers = a->answers });
	case AR_OTHER:
		return worker_tell_AUTH_OTHER(w, &(struct ipc_AUTH_OTHER){
		    .user = a->user, .method = a->method });
	case AR_SERVICE:
		break;
	}
	return true;
}

void
worker_auth_packet(struct worker *w, struct span payload)
{
	struct auth_request a = { 0 };
	enum proto_error e = auth_server_packet(&w->auth.server, w->tr, payload, &a);

	if (e != PROTO_OK) {
		worker_fail(w, e);
		return;
	}
	if (a.type == AR_SERVICE)
		return;
	send_banner(w);
	w->wait = WAIT_VERDICT;
	if (!ask(w, &a))
		worker_fail(w, PROTO_E_AUTH_FORMAT);
	/* the password in the packet buffer is not needed any more */
	if (a.type == AR_PASSWORD || a.type == AR_RESPONSES)
		crypto_wipe((void *)(uintptr_t)payload.p, payload.n);
}

/* An answer without a question: the monitor would be confused about who is asked. */
static bool
is_awaited(const struct worker *w)
{
	return w->role == SSH_SERVER && w->wait == WAIT_VERDICT;
}

int
worker_auth_show_banner(struct worker *w, struct span text)
{
	if (w->end != END_NOT)
		return 0;
	if (!is_awaited(w))
		return -1;
	worker_check(w, auth_server_banner(&w->auth.server, w->tr, text));
	return 0;
}

int
worker_auth_verdict(struct worker *w, const struct ipc_VERDICT *m)
{
	struct auth_server *as = &w->auth.server;

	if (w->end != END_NOT)
		return 0;
	if (!is_awaited(w))
		return -1;
	w->wait = WAIT_NOTHING;
	w->starved = false;
	if (m->pk_ok != 0)
		worker_check(w, auth_server_pk_ok(as, w->tr));
	else
		worker_check(w, auth_server_failure(as, w->tr, m->methods, m->partial != 0));
	return 0;
}

int
worker_auth_prompts(struct worker *w, const struct ipc_PROMPTS *m)
{
	if (w->end != END_NOT)
		return 0;
	if (!is_awaited(w))
		return -1;
	w->wait = WAIT_NOTHING;
	w->starved = false;
	worker_check(w, auth_server_prompts(&w->auth.server, w->tr, m->name, m->instruction,
	    m->prompts));
	return 0;
}

int
worker_auth_change_wanted(struct worker *w, struct span prompt)
{
	if (w->end != END_NOT)
		return 0;
	if (!is_awaited(w))
		return -1;
	w->wait = WAIT_NOTHING;
	w->starved = false;
	worker_check(w, auth_server_changereq(&w->auth.server, w->tr, prompt));
	return 0;
}

/* LOGGED_IN: the only way to the application.  Takes app. */
int
worker_auth_open(struct worker *w, int app)
{
	struct connection_config cfg = { .channel_max = w->channel_max, .window = w->window,
		.window_sum = w->window_sum, .alive_interval_ms = w->alive_interval_ms,
		.alive_max = w->alive_max, .first_serial = 2 };

	if (w->wait != (w->role == SSH_SERVER ? WAIT_VERDICT : WAIT_GATE) || w->end != END_NOT) {
		(void)close(app);	/* nothing was said on it */
		return w->end == END_NOT ? -1 : 0;
	}
	w->app.fd = app;
	w->wait = WAIT_NOTHING;
	w->starved = false;
	w->phase = L_OPEN;
	w->login_at = UINT64_MAX;
	if (w->role == SSH_SERVER)
		worker_check(w, auth_server_success(&w->auth.server, w->tr));
	transport_set_phase(w->tr, PH_OPEN);
	w->cn = connection_new(w->tr, &cfg, w->now);
	if (w->cn == NULL)
		worker_fail(w, PROTO_E_LOCAL_MEMORY);
	else if (w->role == SSH_SERVER)
		worker_hostkeys_announce(w);
	return 0;
}
