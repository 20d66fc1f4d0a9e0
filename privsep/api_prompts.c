/*
 * api_prompts.c - the prompts of a server (RFC 4256), and who answers them.
 *
 * They are a stranger's words: made harmless to show, and counted.  They reach the
 * application only for a login that it wants to be asked about; in the place of a
 * password the rules of postern.h decide, and nobody is asked.  Answers are wiped
 * here as soon as they are sent.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { ANSWERS_MAX = 16384,	/* as in INFO_ANSWER */
	FALLBACK_ROUNDS_MAX = 8 };	/* a server that goes on asking for the password */

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
 * contract; empty ones where there are none. */
static void
write_answers(struct wr *w, const char *const *answers, size_t n)
{
	wr_u32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wr_str(w, answers != NULL && answers[i] != NULL ? answers[i] : "");
}

/* NULL gives up: empty answers, which the server must refuse. */
static int
send_answers(postern_transport *t, uint64_t theirs, const char *const *answers, size_t n)
{
	uint8_t buf[ANSWERS_MAX];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ipc_INFO_ANSWER m = { .conn = t->id, .question = theirs };
	int r = -EMSGSIZE;

	write_answers(&w, answers, n);
	if (!w.bad) {
		m.answers = wr_span(&w);
		r = api_context_sent(api_send_INFO_ANSWER(&t->ctx->monitor, &m));
	}
	sodium_memzero(buf, sizeof(buf));
	return r;
}

/* For callers that cannot be told: what does not fit is given up. */
static void
answer_or_give_up(postern_transport *t, uint64_t theirs, const char *const *answers, size_t n)
{
	if (send_answers(t, theirs, answers, n) == -EMSGSIZE)
		(void)send_answers(t, theirs, NULL, n);		/* fits, or it is dead */
}

/* paramiko's rules: nothing for no prompt, the password for a hidden one, and for
 * anything else an end. */
static void
answer_for_password(postern_transport *t, struct api_login *l, uint64_t theirs,
    const struct postern_prompt *list, size_t n)
{
	const char *const password[] = { l->password };

	if (n > 1 || (n == 1 && list[0].echo) || l->rounds++ >= FALLBACK_ROUNDS_MAX)
		l->gave_up = true;
	answer_or_give_up(t, theirs, n == 1 && !l->gave_up ? password : NULL, n);
}

static void
ask(postern_transport *t, const struct ipc_INFO_ASK *m, const struct postern_prompt *list,
    size_t n)
{
	struct api_question *q = api_question_new(t, API_ASK_PROMPTS, m->question, 0);
	struct postern_prompts p = { .size = sizeof(p), .name = tamed(m->name),
		.instruction = tamed(m->instruction), .n = n, .prompts = list };
	char *answers[API_PROMPTS_MAX] = { NULL };
	uint64_t id;
	int r;

	if (q == NULL) {
		answer_or_give_up(t, m->question, NULL, n);
		return;
	}
	q->n_prompts = n;
	id = q->id;
	r = t->client.answer_prompts(t->client.user, t, id, &p, answers);
	q = api_question_find(t, id);
	if (q != NULL && !t->is_over && r != POSTERN_LATER) {
		answer_or_give_up(t, q->theirs,
		    r == POSTERN_ACCEPT ? (const char *const *)answers : NULL, n);
		api_question_drop(t, q);
	}
	for (size_t i = 0; i < API_PROMPTS_MAX; i++) {
		if (answers[i] == NULL)
			continue;
		sodium_memzero(answers[i], strlen(answers[i]));
		free(answers[i]);
	}
}

void
api_prompts_ask(postern_transport *t, const struct ipc_INFO_ASK *m)
{
	struct postern_prompt list[API_PROMPTS_MAX];
	struct api_call *call = api_call_find(&t->calls, API_CALL_LOGIN, t->login);
	struct api_login *l = call != NULL ? call->own : NULL;
	int n = read_prompts(m->prompts, list);

	if (n < 0)
		api_transport_blame(t, POSTERN_EMONITOR, "prompts are malformed");
	else if (l != NULL && l->is_fallback)
		answer_for_password(t, l, m->question, list, (size_t)n);
	else if (l == NULL || n > API_PROMPTS_MAX || t->client.answer_prompts == NULL)
		answer_or_give_up(t, m->question, NULL, (size_t)n);
	else
		ask(t, m, list, (size_t)n);
}

int
api_prompts_refuse(postern_transport *t, const struct api_question *q)
{
	return send_answers(t, q->theirs, NULL, q->n_prompts);
}

void
api_prompts_forget(postern_transport *t)
{
	struct api_question *q, *next;

	for (q = LIST_FIRST(&t->questions); q != NULL; q = next) {
		next = LIST_NEXT(q, next);
		if (q->kind == API_ASK_PROMPTS)
			api_question_drop(t, q);
	}
}

int
postern_answer_interactive(postern_transport *t, uint64_t question,
    const char *const *answers, size_t n)
{
	struct api_question *q;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	q = api_question_find(t, question);
	if (t->is_over || q == NULL || q->kind != API_ASK_PROMPTS)
		return POSTERN_ESTATE;
	if (answers != NULL && n != q->n_prompts)
		return -EINVAL;
	r = send_answers(t, q->theirs, answers, q->n_prompts);
	if (r == 0)
		api_question_drop(t, q);
	return r;
}
