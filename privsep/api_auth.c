/*
 * api_auth.c - logging in as a client, one request at a time.
 *
 * A request whose caller stopped waiting is still the one outstanding: its answer
 * is waited for and thrown away before the next is sent, or the wrong request would
 * get it.  Passwords and answers are wiped here as soon as they are sent.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { ANSWERS_MAX = 16384 };	/* as in INFO_ANSWER */

static bool
is_answered(const void *what)
{
	const postern_transport *t = what;

	return t->try != API_TRY_SENT || t->is_authenticated || t->is_over;
}

/* May a request be made now? */
static int
begin(postern_transport *t, struct api_deadline d)
{
	int r = api_context_enter(t->ctx);

	if (r == 0 && !t->is_over && (t->is_server || !t->is_started))
		r = POSTERN_ESTATE;
	if (r == 0)
		r = api_loop_wait(t->ctx, d, is_answered, t, (struct api_held){ t, NULL });
	if (r < 0)
		return r;
	if (t->is_over)
		return api_transport_end_code(t);
	return t->is_authenticated ? POSTERN_ESTATE : 0;
}

static int
outcome(postern_transport *t)
{
	switch ((enum ipc_login_result)t->result) {
	case IPC_LOGIN_PROBE_OK:
		return 0;
	case IPC_LOGIN_PARTIAL:
		return 1;
	case IPC_LOGIN_CHANGEREQ:
	case IPC_LOGIN_FAILED:
		break;
	}
	return POSTERN_EAUTH;
}

static int
end(postern_transport *t, int sent, struct api_deadline d)
{
	int r = api_context_sent(sent);

	if (r < 0)
		return r;
	t->try = API_TRY_SENT;
	r = api_loop_wait(t->ctx, d, is_answered, t, (struct api_held){ t, NULL });
	if (r < 0)
		return r;
	if (t->is_authenticated)
		return 0;
	if (t->is_over)
		return api_transport_end_code(t);
	t->try = API_TRY_NONE;
	return outcome(t);
}

void
api_auth_result(postern_transport *t, const struct ipc_LOGIN_RESULT *m)
{
	char *copy = api_context_copy(m->methods);

	t->try = API_TRY_DONE;
	t->result = m->result;
	if (copy != NULL) {
		api_log_tame_line(copy);
		free(t->methods);
		t->methods = copy;
	}
	if (m->result == IPC_LOGIN_CHANGEREQ)
		(void)api_error_set(t, POSTERN_EAUTH, "auth", POSTERN_PEER, true, m->text);
	else if (m->result == IPC_LOGIN_FAILED)
		(void)api_error_set(t, POSTERN_EAUTH, "auth", POSTERN_PEER, false,
		    span_str("the server refused this login"));
}

int
postern_transport_auth_none(postern_transport *t, const char *user, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_TRY_NONE m = { .conn = t->id, .user = span_str(user) };
	int r = begin(t, d);

	return r < 0 ? r : end(t, api_send_TRY_NONE(&t->ctx->monitor, &m), d);
}

int
postern_transport_auth_password(postern_transport *t, const char *user, const char *password,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_TRY_PASSWORD m = { .conn = t->id, .user = span_str(user),
		.password = span_str(password) };
	int r = begin(t, d);

	return r < 0 ? r : end(t, api_send_TRY_PASSWORD(&t->ctx->monitor, &m), d);
}

int
postern_transport_auth_publickey(postern_transport *t, const char *user,
    const postern_key *key, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_TRY_PUBLICKEY m = { .conn = t->id, .user = span_str(user), .key = key->id };
	int r = begin(t, d);

	if (r == 0 && key->ctx != t->ctx)
		r = -EINVAL;
	return r < 0 ? r : end(t, api_send_TRY_PUBLICKEY(&t->ctx->monitor, &m), d);
}

int
postern_transport_probe_publickey(postern_transport *t, const char *user,
    const char *algorithm, const void *blob, size_t len, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_TRY_PROBE m = { .conn = t->id, .user = span_str(user),
		.alg = span_str(algorithm), .key = span_of(blob, len) };
	int r = begin(t, d);

	return r < 0 ? r : end(t, api_send_TRY_PROBE(&t->ctx->monitor, &m), d);
}

int
postern_transport_auth_interactive(postern_transport *t, const char *user,
    const char *submethods, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_TRY_KBDINT m = { .conn = t->id, .user = span_str(user),
		.submethods = span_str(submethods != NULL ? submethods : "") };
	int r = begin(t, d);

	return r < 0 ? r : end(t, api_send_TRY_KBDINT(&t->ctx->monitor, &m), d);
}

/* ---- the server's prompts ---- */

static char *
tamed(struct span s)
{
	char *text = (char *)(uintptr_t)api_text(s);

	api_log_tame(text);
	return text;
}

/* Reads the prompts of INFO_ASK.  Their number, which may be more than out has room
 * for: then none is read.  -1: malformed. */
static int
read_prompts(struct span blob, struct postern_prompt *out)
{
	struct rd r = rd_of(blob);
	struct span texts[API_PROMPTS_MAX];
	uint32_t count = rd_u32(&r);

	if (count > blob.n)
		return -1;
	if (count > API_PROMPTS_MAX)
		return (int)count;
	for (uint32_t i = 0; i < count; i++) {
		texts[i] = rd_text(&r, r.n);
		out[i].echo = rd_bool(&r);
	}
	if (!rd_done(&r))
		return -1;
	/* only now: each NUL overwrites the echo flag behind it */
	for (uint32_t i = 0; i < count; i++)
		out[i].text = tamed(texts[i]);
	return (int)count;
}

/* As many answers as there were prompts, or the monitor would take it for a broken
 * contract; empty ones where the application gave none. */
static void
write_answers(struct wr *w, char **answers, size_t n)
{
	wr_u32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wr_str(w, answers != NULL && answers[i] != NULL ? answers[i] : "");
}

static void
send_answers(postern_transport *t, uint64_t question, char **answers, size_t n)
{
	uint8_t buf[ANSWERS_MAX];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ipc_INFO_ANSWER m = { .conn = t->id, .question = question };

	write_answers(&w, answers, n);
	if (w.bad) {
		/* more than fits: empty ones, which the server must refuse */
		sodium_memzero(buf, sizeof(buf));
		w = wr_of(buf, sizeof(buf));
		write_answers(&w, NULL, n);
	}
	m.answers = wr_span(&w);
	(void)api_send_INFO_ANSWER(&t->ctx->monitor, &m);	/* or it is dead */
	sodium_memzero(buf, sizeof(buf));
}

void
api_auth_prompts(postern_transport *t, const struct ipc_INFO_ASK *m)
{
	struct postern_prompt list[API_PROMPTS_MAX];
	char *answers[API_PROMPTS_MAX] = { NULL };
	struct postern_prompts p = { .size = sizeof(p), .prompts = list };
	uint64_t question = m->question;
	int n = read_prompts(m->prompts, list);
	bool is_answered_well;

	if (n < 0) {
		api_transport_blame(t, POSTERN_EMONITOR, "prompts are malformed");
		return;
	}
	p.n = (size_t)n;
	p.name = tamed(m->name);
	p.instruction = tamed(m->instruction);
	is_answered_well = p.n <= API_PROMPTS_MAX && t->client.answer_prompts != NULL &&
	    t->client.answer_prompts(t->client.user, t, &p, answers) == POSTERN_ACCEPT;
	if (!t->is_over)
		send_answers(t, question, is_answered_well ? answers : NULL, p.n);
	for (size_t i = 0; i < API_PROMPTS_MAX; i++) {
		if (answers[i] == NULL)
			continue;
		sodium_memzero(answers[i], strlen(answers[i]));
		free(answers[i]);
	}
}

/* ---- the end of every login, in both roles ---- */

void
api_auth_logged_in(postern_transport *t, const struct ipc_USER_LOGGED_IN *m)
{
	const struct postern_server_interface *i = t->server != NULL ? &t->server->interface : NULL;
	char user[300], how[300];

	t->try = API_TRY_DONE;
	api_error_clear(&t->exception);		/* refused steps on the way are no story any more */
	api_log(t->ctx, t, POSTERN_INFO, "logged in: \"%s\" by %s",
	    api_log_quote(user, sizeof(user), m->user),
	    api_log_quote(how, sizeof(how), m->methods));
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
