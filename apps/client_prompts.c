/*
 * client_prompts.c - keyboard-interactive (RFC 4256): a server's questions, put to the
 * person on the terminal.
 *
 * All text is the server's, and whoever it is wants an answer: control characters are
 * made visible, and each question says whose it is, as it may be worded like ours.  Not by
 * VIS_SAFE: a return or a backspace would write over that.
 */
#include <bsd/readpassphrase.h>
#include <bsd/vis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/client_prompts.h"

enum { ANSWER_MAX = 1024, TEXT_MAX = 1536 };

static void
show(const char *text)
{
	size_t n = strlen(text);
	char *clean;

	if (n == 0 || (clean = malloc(n * 4 + 1)) == NULL)
		return;
	(void)strvis(clean, text, VIS_NOSLASH);	/* keeps newline and tab */
	(void)fprintf(stderr, "%s\n", clean);
	free(clean);
}

int
client_prompts_answer(const struct client_conf *c, const struct postern_prompts *p, char **answers,
    bool *gave_up)
{
	char clean[4 * TEXT_MAX + 1], answer[ANSWER_MAX], text[TEXT_MAX];

	show(p->name);
	show(p->instruction);
	for (size_t i = 0; i < p->n; i++) {
		(void)snprintf(text, sizeof(text), "(%.255s@%.255s) %.1000s", c->user, c->hostname,
		    p->prompts[i].text);
		(void)strvis(clean, text, VIS_NOSLASH);
		if (c->batch > 0 || readpassphrase(clean, answer, sizeof(answer), RPP_REQUIRE_TTY |
		    (p->prompts[i].echo ? RPP_ECHO_ON : RPP_ECHO_OFF)) == NULL) {
			*gave_up = true;
			return POSTERN_REFUSE;
		}
		answers[i] = strdup(answer);
		sodium_memzero(answer, sizeof(answer));
		if (answers[i] == NULL)
			return POSTERN_REFUSE;
	}
	return POSTERN_ACCEPT;
}
