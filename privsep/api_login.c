/*
 * api_login.c - a login as a client while it is under way: what it holds, and what
 * the server's answers make of it.
 *
 * A request whose caller gave up is still the one outstanding: its answer is waited
 * for and thrown away before the next is sent, or the wrong request would get it.
 * A password is kept only while an answer may want it again (a change, or prompts in
 * its place), and wiped when the login is over, whatever ended it.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { CHANGES_MAX = 8 };	/* a server that is content with no new password */

/* ---- what a login holds ---- */

static void
wipe(char **secret)
{
	if (*secret == NULL)
		return;
	sodium_memzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
api_login_wipe(struct api_call *call)
{
	struct api_login *l = call->own;

	if (l != NULL)
		wipe(&l->password);
}

static void
release(struct api_call *call)
{
	struct api_login *l = call->own;

	api_login_wipe(call);
	free(l->user);
	free(l->text);
	free(l->blob);
	free(l);
}

static char *
copy_of(const char *s)
{
	return s != NULL ? api_context_copy(span_str(s)) : NULL;
}

/* Gives the call a copy of its own. */
int
api_login_hold(struct api_call *call, const struct api_login *given)
{
	struct api_login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	*l = *given;
	l->user = copy_of(given->user);
	l->password = copy_of(given->password);
	l->text = copy_of(given->text);
	l->blob = (uint8_t *)api_context_copy(span_of(given->blob, given->blob_len));
	call->own = l;
	call->release = release;
	return l->user == NULL || l->blob == NULL ||
	    (given->password != NULL && l->password == NULL) ||
	    (given->text != NULL && l->text == NULL) ? -ENOMEM : 0;
}

/* ---- requests ---- */

static int
send_try(postern_transport *t, const struct api_login *l)
{
	struct api_link *monitor = &t->ctx->monitor;
	struct span user = span_str(l->user);
	struct span text = span_str(l->text != NULL ? l->text : "");

	switch (l->how) {
	case API_LOGIN_NONE:
		return api_send_TRY_NONE(monitor, &(struct ipc_TRY_NONE){ .conn = t->id,
		    .user = user });
	case API_LOGIN_PASSWORD:
		return api_send_TRY_PASSWORD(monitor, &(struct ipc_TRY_PASSWORD){
		    .conn = t->id, .user = user, .password = span_str(l->password) });
	case API_LOGIN_PUBLICKEY:
		return api_send_TRY_PUBLICKEY(monitor, &(struct ipc_TRY_PUBLICKEY){
		    .conn = t->id, .user = user, .key = l->key,
		    .certified = l->certified });
	case API_LOGIN_PROBE:
		return api_send_TRY_PROBE(monitor, &(struct ipc_TRY_PROBE){ .conn = t->id,
		    .user = user, .alg = text, .key = span_of(l->blob, l->blob_len) });
	case API_LOGIN_INTERACTIVE:
		return api_send_TRY_KBDINT(monitor, &(struct ipc_TRY_KBDINT){
		    .conn = t->id, .user = user, .submethods = text });
	}
	return -EINVAL;
}

static int
sent(postern_transport *t, struct api_call *call, int result)
{
	if (result == 0) {
		t->is_trying = true;
		t->login = call->id;
	}
	return result;
}

int
api_login_launch(postern_transport *t, struct api_call *call)
{
	struct api_login *l = call->own;
	char *user = copy_of(l->user);
	int r = send_try(t, l);

	if (user != NULL) {
		free(t->attempted);
		t->attempted = user;
	}
	/* no answer can want it again */
	if (!l->may_fall_back && t->client.change_password == NULL)
		api_login_wipe(call);
	return sent(t, call, r);
}

/* The request that waited for the answer to one given up; and a connect's. */
static void
launch_later(postern_transport *t, struct api_call *call)
{
	int r = api_context_sent(api_login_launch(t, call));

	if (r < 0)
		api_call_complete(call, r);
}

void
api_login_started(postern_transport *t)
{
	struct api_call *call = api_call_of(&t->calls, API_CALL_START);

	if (call == NULL)
		return;
	if (call->own == NULL) {
		api_call_complete(call, 0);
		return;
	}
	call->kind = API_CALL_LOGIN;
	launch_later(t, call);
}

/* ---- answers ---- */

static void
take_methods(postern_transport *t, struct span methods)
{
	char *copy = api_context_copy(methods);

	if (copy == NULL)
		return;		/* the old ones stay */
	api_log_tame_line(copy);
	free(t->methods);
	t->methods = copy;
}

static bool
offers(struct span methods, const char *name)
{
	size_t n = strlen(name), from = 0;

	for (size_t i = 0; i <= methods.n; i++) {
		if (i < methods.n && methods.p[i] != ',')
			continue;
		if (i - from == n && memcmp(&methods.p[from], name, n) == 0)
			return true;
		from = i + 1;
	}
	return false;
}

static void
failed(postern_transport *t, struct api_call *call, const struct ipc_LOGIN_RESULT *m)
{
	struct api_login *l = call->own;
	/* the monitor's own reason: the server was not asked, and what it offers stands */
	bool ours = m->text.n > 0;

	/* whatever became of the prompts: the first refusal stands */
	if (l->is_fallback) {
		api_call_complete(call, POSTERN_EAUTH);
		return;
	}
	if (!ours)
		take_methods(t, m->methods);
	(void)api_error_set(t, POSTERN_EAUTH, "auth", ours ? POSTERN_LOCAL : POSTERN_PEER, false,
	    ours ? m->text : span_str("the server refused this login"));
	/* whom the certificate does not let in the key alone may */
	if (l->certified && (ours || offers(m->methods, "publickey"))) {
		l->certified = false;
		launch_later(t, call);
		return;
	}
	/* A server that takes passwords and did not take this one is not asked twice. */
	if (!l->may_fall_back || l->password == NULL || offers(m->methods, "password") ||
	    !offers(m->methods, "keyboard-interactive")) {
		api_call_complete(call, POSTERN_EAUTH);
		return;
	}
	l->is_fallback = true;
	l->how = API_LOGIN_INTERACTIVE;
	launch_later(t, call);
}

/* The new password is the callback's; it may give up the call or the transport. */
static void
change(postern_transport *t, struct api_call *call, const struct ipc_LOGIN_RESULT *m)
{
	const struct postern_client_interface *i = &t->client;
	struct api_login *l = call->own;
	char *prompt = (char *)(uintptr_t)api_text(m->text), *password = NULL;
	uint64_t id = call->id;
	int answer = POSTERN_REFUSE, r = POSTERN_EAUTH;

	(void)api_error_set(t, POSTERN_EAUTH, "auth", POSTERN_PEER, true, m->text);
	api_log_tame(prompt);
	if (i->change_password != NULL && l->password != NULL && l->changes++ < CHANGES_MAX)
		answer = i->change_password(i->user, t, prompt, &password);
	call = t->is_freed ? NULL : api_call_find(&t->calls, API_CALL_LOGIN, id);
	if (call != NULL && answer == POSTERN_ACCEPT && password != NULL) {
		struct ipc_TRY_CHANGE q = { .conn = t->id, .user = span_str(l->user),
			.password = span_str(l->password), .new_password = span_str(password) };

		r = api_context_sent(sent(t, call, api_send_TRY_CHANGE(&t->ctx->monitor, &q)));
	}
	if (call != NULL && r < 0)
		api_call_complete(call, r);
	wipe(&password);
}

void
api_login_result(postern_transport *t, const struct ipc_LOGIN_RESULT *m)
{
	struct api_call *call = api_call_find(&t->calls, API_CALL_LOGIN, t->login);

	t->is_trying = false;
	t->login = 0;
	api_prompts_forget(t);
	if (call == NULL) {
		/* its caller did not wait so long; somebody else may */
		call = api_call_of(&t->calls, API_CALL_LOGIN);
		if (call != NULL)
			launch_later(t, call);
		return;
	}
	switch ((enum ipc_login_result)m->result) {
	case IPC_LOGIN_PROBE_OK:
		api_call_complete(call, 0);
		return;
	case IPC_LOGIN_PARTIAL:
		take_methods(t, m->methods);
		api_call_complete(call, 1);
		return;
	case IPC_LOGIN_CHANGEREQ:
		change(t, call, m);
		return;
	case IPC_LOGIN_FAILED:
		break;
	}
	failed(t, call, m);
}

/* ---- the end of every login, in both roles ---- */

static void
complete(postern_transport *t)
{
	struct api_call *call = api_call_of(&t->calls, API_CALL_LOGIN);

	/* one that waited for an answer nobody wanted comes too late */
	if (call != NULL)
		api_call_complete(call, call->id == t->login ? 0 : POSTERN_ESTATE);
	t->is_trying = false;
	t->login = 0;
	api_prompts_forget(t);
}

void
api_login_done(postern_transport *t, const struct ipc_USER_LOGGED_IN *m)
{
	const struct postern_server_interface *i = t->server != NULL ? &t->server->interface : NULL;
	char user[300], how[300];

	api_error_clear(&t->exception);		/* refused steps on the way are no story any more */
	api_log(t->ctx, t, POSTERN_INFO, "logged in: \"%s\" by %s",
	    api_log_quote(user, sizeof(user), m->user),
	    api_log_quote(how, sizeof(how), m->methods));
	complete(t);
	api_shelf_put(t->ctx, &t->item, API_PENDING_LOGIN);
	if (i == NULL)
		return;
	if (!t->server->is_freed) {
		TAILQ_INSERT_TAIL(&t->server->accepts, t, waiting);
		t->is_waiting = true;
	}
	if (i->verified_login != NULL)
		i->verified_login(i->user, t, api_text(m->user), api_text(m->methods),
		    api_text(m->alg), m->key.n > 0 ? m->key.p : NULL, m->key.n);
}
