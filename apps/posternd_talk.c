/*
 * posternd_talk.c - keyboard-interactive with PAM: prompts from a check of the account
 * helper to the peer, and the answers back.
 *
 * Nothing is read or judged here.  A round belongs to one check and one question of
 * one connection; a peer that begins anew, or leaves, ends its check.
 */
#include <sodium.h>
#include <string.h>

#include "apps/posternd.h"
#include "apps/session_link.h"

static void drop_check(struct daemon *d, const struct account_head *of)
{
	struct account_head drop = { .kind = ACCOUNT_DROP, .slot = of->slot, .id = of->id };

	/* a link that is full is no reason to stop: the check's own limit ends it */
	(void)session_link_send(d->account, &drop, sizeof(drop), NULL, 0);
}

void posternd_talk_drop(struct conn *c)
{
	if (!c->is_prompted)
		return;
	drop_check(c->daemon, &(struct account_head){ .slot = c->slot, .id = c->ask });
	c->is_prompted = false;
	c->ask = 0;
}

void posternd_talk_leave(struct conn *c)
{
	posternd_talk_drop(c);
	if (c->ask == 0 || c->conf->use_pam)
		return;
	drop_check(c->daemon, &(struct account_head){ .slot = c->slot, .id = c->ask });
	c->ask = 0;
}

int posternd_talk_reply(struct conn *c, uint64_t question, const struct postern_login *l)
{
	static struct account_reply r;
	int sent = -1;

	if (!c->is_prompted || l->n_answers > ACCOUNT_PROMPTS_MAX) {
		posternd_talk_drop(c);
		return POSTERN_REFUSE;
	}
	r = (struct account_reply){ .head = { ACCOUNT_REPLY, c->slot, c->ask },
	    .n = (uint32_t)l->n_answers };
	for (size_t i = 0; i < l->n_answers; i++)
		if (!session_link_put(r.answer[i], sizeof(r.answer[i]), l->answers[i]))
			r.n = 0;	/* too long to be right: another number is refused */
	if (r.n == l->n_answers)
		sent = session_link_send(c->daemon->account, &r, sizeof(r), NULL, 0);
	sodium_memzero(&r, sizeof(r));
	if (sent < 0) {
		posternd_talk_drop(c);
		return POSTERN_REFUSE;
	}
	c->is_prompted = false;
	c->question = question;
	return POSTERN_LATER;
}

void posternd_talk_prompts(struct daemon *d, const struct account_prompts *p)
{
	struct conn *c = p->head.slot < d->n_slots ? d->conns[p->head.slot] : NULL;
	struct postern_prompt prompt[ACCOUNT_PROMPTS_MAX];
	struct postern_prompts round = POSTERN_PROMPTS;
	int r;

	if (c == NULL || c->ask != p->head.id || c->is_prompted) {
		drop_check(d, &p->head);
		return;
	}
	for (uint32_t i = 0; i < p->n; i++)
		prompt[i] = (struct postern_prompt){ p->text[i], p->echo[i] };
	round.instruction = p->instruction;
	round.n = p->n;
	round.prompts = prompt;
	c->is_prompted = true;
	r = postern_answer_prompts(c->transport, c->question, &round);
	if (r < 0) {
		if (r != POSTERN_ESTATE)
			posternd_log(POSTERN_ERROR, c, "prompts: %s", postern_strerror(r));
		posternd_talk_drop(c);
		/* or the peer would wait for them until it is thrown out */
		(void)!postern_answer_login(c->transport, c->question, POSTERN_REFUSE,
		    &(struct postern_login){ .size = sizeof(struct postern_login) });
	}
}
