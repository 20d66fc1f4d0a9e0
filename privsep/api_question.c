/*
 * api_question.c - questions that the application answers, now or later.
 *
 * A question has a number of ours and, behind it, the number by which monitor or
 * worker know it, so an answer can reach only what was asked and only once.  What
 * nobody answers stays refused: there is no path here on which silence means yes.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { PROMPTS_MAX = 16384, PAYLOAD_MAX = 8192 };	/* as in PROMPT_ANSWER, GLOBAL_ANSWER */

struct api_question *
api_question_new(postern_transport *t, enum api_question_kind kind, uint64_t theirs,
    uint64_t chan)
{
	struct api_question *q;

	if (t->n_questions >= API_QUESTIONS_MAX)
		return NULL;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return NULL;
	q->kind = kind;
	q->id = api_context_serial(t->ctx);
	q->theirs = theirs;
	q->chan = chan;
	LIST_INSERT_HEAD(&t->questions, q, next);
	t->n_questions++;
	return q;
}

void
api_question_drop(postern_transport *t, struct api_question *q)
{
	LIST_REMOVE(q, next);
	t->n_questions--;
	if (q->kind == API_ASK_OPEN)
		api_dial_end(t->ctx, q->id);	/* what is connected now is for nobody */
	free(q->host);
	free(q);
}

struct api_question *
api_question_find(postern_transport *t, uint64_t id)
{
	struct api_question *q;

	LIST_FOREACH(q, &t->questions, next) {
		if (q->id == id)
			return q;
	}
	return NULL;
}

void
api_question_forget(postern_transport *t, uint64_t chan)
{
	struct api_question *q, *next;

	for (q = LIST_FIRST(&t->questions); q != NULL; q = next) {
		next = LIST_NEXT(q, next);
		if (chan == 0 || q->chan == chan)
			api_question_drop(t, q);
	}
}

static int
answer_login(postern_transport *t, const struct api_question *q, int answer,
    const char *methods, uint8_t flags)
{
	struct ipc_LOGIN_ANSWER m = { .conn = t->id, .question = q->theirs,
		.verdict = IPC_REFUSED, .methods = span_str(methods != NULL ? methods : ""),
		.flags = flags };

	if (answer == POSTERN_ACCEPT)
		m.verdict = IPC_ACCEPTED;
	if (answer == POSTERN_PARTIAL)
		m.verdict = IPC_PARTIAL;
	return api_context_sent(api_send_LOGIN_ANSWER(&t->ctx->monitor, &m));
}

static int
answer_host_key(postern_transport *t, const struct api_question *q, int answer)
{
	struct ipc_HOSTKEY_ANSWER m = { .conn = t->id, .question = q->theirs,
		.accept = answer == POSTERN_ACCEPT };

	return api_context_sent(api_send_HOSTKEY_ANSWER(&t->ctx->monitor, &m));
}

static int
answer_open(postern_transport *t, const struct api_question *q, int answer, uint32_t reason)
{
	postern_channel *ch = api_channel_find(t, q->chan);
	int r;

	if (ch == NULL)
		return POSTERN_ESTATE;
	if (answer != POSTERN_ACCEPT) {
		struct ipc_REFUSE m = { .chan = q->chan, .reason = reason != 0 ? reason : 1,
			.text = span_str("") };

		api_channel_discard(ch);
		return api_call_sent(t, api_send_REFUSE(&t->worker, &m));
	}
	r = api_call_sent(t, api_send_GRANT(&t->worker, &(struct ipc_GRANT){ .chan = q->chan }));
	if (r < 0)
		return r;
	ch->state = API_OPEN;
	/* a session gets its descriptors with its program, others at once */
	if (!ch->is_session)
		r = api_descriptor_give(ch);
	api_channel_granted(ch);
	return r;
}

static int
answer_request(postern_transport *t, const struct api_question *q, int answer)
{
	postern_channel *ch = api_channel_find(t, q->chan);
	struct ipc_ANSWER_ASK m = { .question = q->theirs, .ok = answer == POSTERN_ACCEPT };
	int r = 0;

	if (ch != NULL && q->starts && m.ok) {
		/* no descriptors, no program */
		r = api_descriptor_give(ch);
		m.ok = r == 0;
	}
	if (ch != NULL && q->starts && !m.ok)
		ch->is_started = false;
	if (q->theirs != 0)
		(void)api_call_sent(t, api_send_ANSWER_ASK(&t->worker, &m));
	return r;
}

static int
answer_global(postern_transport *t, const struct api_question *q, int answer,
    struct span payload)
{
	struct ipc_GLOBAL_ANSWER m = { .question = q->theirs, .ok = answer == POSTERN_ACCEPT,
		.payload = answer == POSTERN_ACCEPT ? payload : span_str("") };

	if (q->theirs == 0)
		return 0;
	return api_call_sent(t, api_send_GLOBAL_ANSWER(&t->worker, &m));
}

/* What an answer may say; each kind of question takes its own part. */
struct answer {
	int code;			/* enum postern_answer_code */
	const char *methods;
	uint8_t login_flags;		/* enum ipc_login_flags */
	uint32_t reason, port;
	struct span payload;
};

static int
answer_question(postern_transport *t, struct api_question *q, const struct answer *a)
{
	struct api_question copy = *q;
	int r = POSTERN_ESTATE;

	/* first: what follows may give up the channel with all its questions */
	q->host = NULL;			/* the copy's */
	api_question_drop(t, q);
	switch (copy.kind) {
	case API_ASK_LOGIN:
		r = answer_login(t, &copy, a->code, a->methods, a->login_flags);
		break;
	case API_ASK_HOST_KEY:
		r = answer_host_key(t, &copy, a->code);
		break;
	case API_ASK_OPEN:
		r = answer_open(t, &copy, a->code, a->reason);
		break;
	case API_ASK_REQUEST:
		r = answer_request(t, &copy, a->code);
		break;
	case API_ASK_GLOBAL:
		r = answer_global(t, &copy, a->code, a->payload);
		break;
	case API_ASK_LISTEN:
		r = api_listen_answer(t, &copy, a->code, a->port);
		break;
	case API_ASK_PROMPTS:
		r = api_prompts_refuse(t, &copy);
		break;
	}
	free(copy.host);
	return r;
}

static void
settle(postern_transport *t, uint64_t id, const struct answer *a)
{
	struct api_question *q = api_question_find(t, id);
	int r;

	if (t->is_over || q == NULL)
		return;
	if (a->code == POSTERN_LATER) {
		q->reason = a->reason;
		return;
	}
	r = answer_question(t, q, a);
	if (r < 0)
		api_log(t->ctx, t, POSTERN_ERROR, "an answer could not be given: %s",
		    postern_strerror(r));
}

void
api_question_settle(postern_transport *t, uint64_t id, int answer, const char *methods,
    uint32_t reason)
{
	settle(t, id, &(struct answer){ .code = answer, .methods = methods,
	    .reason = reason, .payload = span_str("") });
}

static struct answer
login_answer(int code, const struct postern_login *l)
{
	return (struct answer){ .code = code, .methods = l->methods,
		.login_flags = (uint8_t)((l->no_touch_required != 0 ? IPC_LOGIN_NO_TOUCH : 0) |
		    (l->verify_required != 0 ? IPC_LOGIN_VERIFIED : 0)),
		.payload = span_str("") };
}

void
api_question_settle_login(postern_transport *t, uint64_t id, int code,
    const struct postern_login *l)
{
	struct answer a = login_answer(code, l);

	settle(t, id, &a);
}

void
api_question_settle_port(postern_transport *t, uint64_t id, int answer, uint32_t port)
{
	settle(t, id, &(struct answer){ .code = answer, .port = port,
	    .payload = span_str("") });
}

/* kind 0: any that a plain answer will do for. */
static int
answer(postern_transport *t, uint64_t question, enum api_question_kind kind,
    const struct answer *a)
{
	struct api_question *q;
	struct answer said;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (a->code != POSTERN_REFUSE && a->code != POSTERN_ACCEPT && a->code != POSTERN_PARTIAL)
		return -EINVAL;
	q = api_question_find(t, question);
	if (t->is_over || q == NULL || (kind != 0 && q->kind != kind))
		return POSTERN_ESTATE;
	/* words are answered with words; only to give up is possible here too */
	if (q->kind == API_ASK_PROMPTS && a->code != POSTERN_REFUSE)
		return -EINVAL;
	if (q->kind == API_ASK_LISTEN && a->code == POSTERN_ACCEPT &&
	    api_listen_needs_port(q, a->port))
		return -EINVAL;
	said = *a;
	said.reason = q->reason;
	return answer_question(t, q, &said);
}

int
postern_answer(postern_transport *t, uint64_t question, int code, const char *methods)
{
	return answer(t, question, 0, &(struct answer){ .code = code, .methods = methods,
	    .payload = span_str("") });
}

int
postern_answer_login(postern_transport *t, uint64_t question, int code,
    const struct postern_login *given)
{
	struct postern_login l = { .size = sizeof(l) };
	struct answer a;
	int r = api_context_struct(&l, sizeof(l), given);

	if (r < 0)
		return r;
	a = login_answer(code, &l);
	return answer(t, question, API_ASK_LOGIN, &a);
}

int
postern_answer_port(postern_transport *t, uint64_t question, int code, uint32_t port)
{
	return answer(t, question, API_ASK_LISTEN, &(struct answer){ .code = code,
	    .port = port, .payload = span_str("") });
}

int
postern_answer_payload(postern_transport *t, uint64_t question, int code,
    const postern_message *message)
{
	struct answer a = { .code = code };
	int r = api_message_span(message, &a.payload);

	if (r == 0 && a.payload.n > PAYLOAD_MAX)
		r = -EMSGSIZE;
	return r < 0 ? r : answer(t, question, API_ASK_GLOBAL, &a);
}

int
postern_answer_prompts(postern_transport *t, uint64_t question,
    const struct postern_prompts *given)
{
	struct postern_prompts p = POSTERN_PROMPTS;
	struct ipc_PROMPT_ANSWER m = { .conn = t->id };
	uint8_t buf[PROMPTS_MAX];
	struct wr w = wr_of(buf, sizeof(buf));
	struct api_question *q;
	int r = api_context_enter(t->ctx);

	if (r == 0)
		r = api_context_struct(&p, sizeof(p), given);
	if (r < 0)
		return r;
	q = api_question_find(t, question);
	if (t->is_over || q == NULL || q->kind != API_ASK_LOGIN || !q->is_interactive)
		return POSTERN_ESTATE;
	if (p.n > API_PROMPTS_MAX)
		return -EMSGSIZE;
	wr_u32(&w, (uint32_t)p.n);
	for (size_t i = 0; i < p.n; i++) {
		wr_str(&w, p.prompts[i].text);
		wr_u8(&w, p.prompts[i].echo != 0);
	}
	if (w.bad)
		return -EMSGSIZE;
	m.question = q->theirs;
	m.name = span_str(p.name != NULL ? p.name : "");
	m.instruction = span_str(p.instruction != NULL ? p.instruction : "");
	m.prompts = wr_span(&w);
	r = api_context_sent(api_send_PROMPT_ANSWER(&t->ctx->monitor, &m));
	if (r == 0)
		api_question_drop(t, q);
	return r;
}

int
postern_answer_change_password(postern_transport *t, uint64_t question, const char *prompt)
{
	struct ipc_CHANGE_ANSWER m = { .conn = t->id,
		.prompt = span_str(prompt != NULL ? prompt : "") };
	struct api_question *q;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	q = api_question_find(t, question);
	if (t->is_over || q == NULL || q->kind != API_ASK_LOGIN || !q->is_password)
		return POSTERN_ESTATE;
	m.question = q->theirs;
	r = api_context_sent(api_send_CHANGE_ANSWER(&t->ctx->monitor, &m));
	if (r == 0)
		api_question_drop(t, q);
	return r;
}
