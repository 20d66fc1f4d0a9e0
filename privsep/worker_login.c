/*
 * worker_login.c - the client's side of a login: the monitor's requests out, the
 * server's answers back.
 *
 * Signatures and the choice of method are the monitor's.  The server's SUCCESS is
 * only reported: until LOGGED_IN opens the way to the application no further packet
 * is looked at.
 */
#include <stdlib.h>

#include "privsep/worker_tell.h"

/* Not ours to ask for: 0 and nothing, or the monitor's mistake. */
static bool
is_asked(const struct worker *w, int *rc)
{
	*rc = w->role == SSH_CLIENT ? 0 : -1;
	return *rc == 0 && w->end == END_NOT;
}

int
worker_login_none(struct worker *w, const struct ipc_LOGIN_NONE *m)
{
	int rc;

	if (is_asked(w, &rc))
		worker_check(w, auth_client_none(&w->auth.client, w->tr, m->user));
	return rc;
}

int
worker_login_password(struct worker *w, const struct ipc_LOGIN_PASSWORD *m)
{
	int rc;

	if (is_asked(w, &rc))
		worker_check(w, auth_client_password(&w->auth.client, w->tr, m->user,
		    m->password));
	return rc;
}

int
worker_login_publickey(struct worker *w, const struct ipc_LOGIN_PUBLICKEY *m)
{
	int rc;

	if (is_asked(w, &rc))
		worker_check(w, auth_client_hostbound(&w->auth.client, w->tr, m->user,
		    m->alg, m->key, m->host_key, m->signature));
	return rc;
}

int
worker_login_change(struct worker *w, const struct ipc_LOGIN_CHANGE *m)
{
	int rc;

	if (is_asked(w, &rc))
		worker_check(w, auth_client_change(&w->auth.client, w->tr, m->user,
		    m->password, m->new_password));
	return rc;
}

int
worker_login_kbdint(struct worker *w, const struct ipc_LOGIN_KBDINT *m)
{
	int rc;

	if (is_asked(w, &rc))
		worker_check(w, auth_client_kbdint(&w->auth.client, w->tr, m->user,
		    m->submethods));
	return rc;
}

int
worker_login_responses(struct worker *w, const struct ipc_LOGIN_RESPONSES *m)
{
	int rc;

	if (is_asked(w, &rc))
		worker_check(w, auth_client_responses(&w->auth.client, w->tr, m->answers));
	return rc;
}

/* ---- a request before the service is granted ---- */

/* The monitor may be quicker than the server's SERVICE_ACCEPT: one request waits. */
bool
worker_login_must_wait(const struct worker *w, uint8_t number)
{
	return ((number >= IPC_MSG_LOGIN_NONE && number <= IPC_MSG_LOGIN_RESPONSES) ||
	    number == IPC_MSG_LOGIN_CHANGE) &&
	    w->role == SSH_CLIENT && w->end == END_NOT &&
	    (w->auth.client.state == AC_START || w->auth.client.state == AC_SERVICE);
}

int
worker_login_hold(struct worker *w, uint8_t number, struct rd r)
{
	if (w->held != NULL)
		return -1;
	if ((w->held = malloc(1 + r.n)) == NULL) {
		worker_fail(w, PROTO_E_LOCAL_MEMORY);
		return 0;
	}
	w->held_len = 1 + r.n;
	w->held[0] = number;
	memcpy(&w->held[1], r.p, r.n);
	return 0;
}

static void
release_held(struct worker *w)
{
	struct rd r = rd_of(span_of(w->held, w->held_len));
	uint8_t number;

	if (w->held == NULL)
		return;
	number = rd_u8(&r);
	if (worker_monitor_message(w, number, r, NULL) != 0)
		worker_broken(w, "the monitor", "a field is missing or out of bounds");
	crypto_wipe(w->held, w->held_len);
	free(w->held);
	w->held = NULL;
	w->held_len = 0;
}

static bool
tell(struct worker *w, const struct auth_reply *a)
{
	switch (a->type) {
	case AP_SERVICE:
		release_held(w);
		return true;
	case AP_SUCCESS:
		w->wait = WAIT_GATE;
		return worker_tell_LOGIN_SUCCESS(w, &(struct ipc_LOGIN_SUCCESS){ 0 });
	case AP_FAILURE:
		return worker_tell_LOGIN_FAILURE(w, &(struct ipc_LOGIN_FAILURE){
		    .methods = a->methods, .partial = a->partial });
	case AP_PK_OK:
		return worker_tell_LOGIN_PK_OK(w, &(struct ipc_LOGIN_PK_OK){
		    .alg = a->alg, .key = a->key });
	case AP_CHANGEREQ:
		return worker_tell_LOGIN_CHANGEREQ(w, &(struct ipc_LOGIN_CHANGEREQ){
		    .prompt = a->text });
	case AP_INFO:
		return worker_tell_LOGIN_INFO(w, &(struct ipc_LOGIN_INFO){
		    .name = a->name, .instruction = a->instruction, .prompts = a->prompts });
	case AP_BANNER:
		return worker_tell_LOGIN_BANNER(w, &(struct ipc_LOGIN_BANNER){
		    .text = a->text });
	}
	return true;
}

void
worker_login_packet(struct worker *w, struct span payload)
{
	struct auth_reply a = { 0 };
	enum proto_error e = auth_client_packet(&w->auth.client, w->tr, payload, &a);

	if (e != PROTO_OK) {
		worker_fail(w, e);
		return;
	}
	if (!tell(w, &a))
		worker_fail(w, PROTO_E_AUTH_FORMAT);
}
