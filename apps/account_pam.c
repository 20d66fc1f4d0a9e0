/*
 * account_pam.c - authentication and account management by pam(3).
 *
 * The modules are the administrator's and run with root's rights in a process that
 * serves one attempt; what they ask is shown to a stranger, and what the stranger
 * answers is theirs to judge.  An attempt for a name that nobody has, or that may not
 * log in, runs the same modules with a password that cannot be right.
 */
#include <errno.h>
#include <security/pam_appl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/account_pam.h"
#include "apps/account_pam_stack.h"
#include "apps/session_link.h"

const bool account_pam_built = true;

enum { REFUSAL_MS = 300 };	/* two hashes of yescrypt take 40 ms; the machine may be busy */

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail for this clock */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what modules say ---- */

static void add_text(struct account_pam_stack *s, const char *text)
{
	size_t at = strlen(s->said);

	/* what is too long for the line to the peer is cut, never an error */
	(void)snprintf(s->said + at, sizeof(s->said) - at, "%s%s", at > 0 ? "\n" : "", text);
}

static int answer(struct pam_response *r, const char *text)
{
	r->resp = strdup(text);
	r->resp_retcode = 0;
	return r->resp != NULL ? 0 : -1;
}

/* Sends what was said and asks what is asked, as one round.  0 or -1. */
static int ask_round(struct account_pam_stack *s, const struct pam_message **m, int n,
    struct pam_response *out)
{
	struct account_prompts p = { .n = 0 };
	struct account_reply reply = { .n = 0 };
	int at[ACCOUNT_PROMPTS_MAX], r = 0;

	for (int i = 0; i < n; i++) {
		if (m[i]->msg_style != PAM_PROMPT_ECHO_ON && m[i]->msg_style != PAM_PROMPT_ECHO_OFF)
			continue;
		if (p.n == ACCOUNT_PROMPTS_MAX)
			return -1;
		p.echo[p.n] = m[i]->msg_style == PAM_PROMPT_ECHO_ON;
		(void)snprintf(p.text[p.n], sizeof(p.text[0]), "%s", m[i]->msg);
		at[p.n++] = i;
	}
	(void)session_link_put(p.instruction, sizeof(p.instruction), s->said);
	s->said[0] = '\0';
	if (s->pam->ask == NULL || ++s->rounds > ACCOUNT_ROUNDS_MAX ||
	    s->pam->ask(s->pam->ask_user, &p, &reply) < 0 || reply.n != p.n)
		r = -1;
	s->since_ms = now_ms();		/* what took so long was a person */
	for (uint32_t i = 0; r == 0 && i < p.n; i++)
		r = answer(&out[at[i]], s->pam->exists ? reply.answer[i] : s->wrong);
	sodium_memzero(&reply, sizeof(reply));
	return r;
}

/* With a password in hand only what is typed without echo is answered. */
static int answer_alone(const struct account_pam_stack *s, const struct pam_message **m, int n,
    struct pam_response *out)
{
	for (int i = 0; i < n; i++) {
		if (m[i]->msg_style == PAM_PROMPT_ECHO_ON || (m[i]->msg_style == PAM_PROMPT_ECHO_OFF &&
		    (s->password == NULL || answer(&out[i], s->password) < 0)))
			return -1;
	}
	return 0;
}

static bool asks(const struct pam_message **m, int n)
{
	for (int i = 0; i < n; i++)
		if (m[i]->msg_style == PAM_PROMPT_ECHO_ON || m[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			return true;
	return false;
}

int account_pam_converse(int n, const struct pam_message **m, struct pam_response **out, void *data)
{
	struct account_pam_stack *s = data;
	struct pam_response *r;
	int failed = 0;

	if (n <= 0 || n > PAM_MAX_NUM_MSG || (r = calloc((size_t)n, sizeof(*r))) == NULL)
		return PAM_CONV_ERR;
	for (int i = 0; i < n; i++)
		if (m[i]->msg_style == PAM_TEXT_INFO || m[i]->msg_style == PAM_ERROR_MSG)
			add_text(s, m[i]->msg);
	if (asks(m, n))
		failed = s->pam->ask != NULL ? ask_round(s, m, n, r) : answer_alone(s, m, n, r);
	if (failed == 0) {
		*out = r;
		return PAM_SUCCESS;
	}
	for (int i = 0; i < n; i++) {
		if (r[i].resp != NULL)
			sodium_memzero(r[i].resp, strlen(r[i].resp));
		free(r[i].resp);
	}
	free(r);
	return PAM_CONV_ERR;
}

/* ---- the stack ---- */

int account_pam_start(struct account_pam_stack *s, const struct account_pam *p)
{
	const struct pam_conv conv = { account_pam_converse, s };
	int r;

	*s = (struct account_pam_stack){ .pam = p };
	/* of a control character no password is made */
	memset(s->wrong, '\b', sizeof(s->wrong) - 1);
	if ((r = pam_start(p->service, p->user, &conv, &s->handle)) != PAM_SUCCESS)
		return r;
	if ((r = pam_set_item(s->handle, PAM_RHOST, p->address)) == PAM_SUCCESS)
		r = pam_set_item(s->handle, PAM_TTY, "ssh");	/* as sshd: some modules want one */
	return r;
}

void account_pam_explain(const struct account_pam_stack *s, const char *what, int r,
    char why[ACCOUNT_NOTE_MAX])
{
	snprintf(why, ACCOUNT_NOTE_MAX, "PAM %s: %s", what, pam_strerror(s->handle, r));
}

static int authenticate(struct account_pam_stack *s, char why[ACCOUNT_NOTE_MAX])
{
	int r;

	s->since_ms = now_ms();
	r = pam_authenticate(s->handle, s->pam->empty_ok ? 0 : PAM_DISALLOW_NULL_AUTHTOK);
	if (r != PAM_SUCCESS)
		account_pam_explain(s, "authentication", r, why);
	return r;
}

/* pam_unix works out hashes, one or two, for whoever has one, and is back at once for a
 * name that nobody has: so that the time tells no names, no refusal comes before any
 * module that asks this machine alone is done. */
static bool refuse_late(const struct account_pam_stack *s, bool good)
{
	int64_t left = s->since_ms + REFUSAL_MS - now_ms();
	struct timespec t = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };

	while (!good && left > 0 && nanosleep(&t, &t) != 0 && errno == EINTR)
		continue;
	return good;
}

/* Modules may change who it is; then it would be another account's session. */
bool account_pam_is_same_user(const struct account_pam_stack *s, char why[ACCOUNT_NOTE_MAX])
{
	const void *user = NULL;

	if (pam_get_item(s->handle, PAM_USER, &user) == PAM_SUCCESS && user != NULL &&
	    strcmp(user, s->pam->user) == 0)
		return true;
	snprintf(why, ACCOUNT_NOTE_MAX, "PAM changed the user's name");
	return false;
}

static bool account_good(struct account_pam_stack *s, char why[ACCOUNT_NOTE_MAX])
{
	int r;

	/* the account of whoever the modules say now would be judged, and then another's */
	if (!account_pam_is_same_user(s, why))
		return false;
	r = pam_acct_mgmt(s->handle, s->pam->empty_ok ? 0 : PAM_DISALLOW_NULL_AUTHTOK);

	if (r == PAM_NEW_AUTHTOK_REQD && s->pam->ask != NULL)
		r = pam_chauthtok(s->handle, PAM_CHANGE_EXPIRED_AUTHTOK);
	if (r != PAM_SUCCESS)
		account_pam_explain(s, "account", r, why);
	return r == PAM_SUCCESS && account_pam_is_same_user(s, why);
}

/* What is left unsaid goes in a round that asks nothing [RFC 4256 3.2]. */
static void say_rest(struct account_pam_stack *s)
{
	if (s->said[0] != '\0' && s->pam->ask != NULL)
		(void)ask_round(s, NULL, 0, NULL);	/* whether it was read changes nothing */
}

static bool finish(struct account_pam_stack *s, int r, bool good)
{
	say_rest(s);
	if (s->handle != NULL)
		(void)pam_end(s->handle, r);
	sodium_memzero(s->wrong, sizeof(s->wrong));
	return good && s->pam->exists;
}

bool account_pam_password(const struct account_pam *p, const char *password,
    char why[ACCOUNT_NOTE_MAX])
{
	struct account_pam_stack s;
	struct account_pam alone = *p;
	int r;

	alone.ask = NULL;
	r = account_pam_start(&s, &alone);
	s.password = p->exists ? password : s.wrong;
	if (r == PAM_SUCCESS)
		r = authenticate(&s, why);
	else
		account_pam_explain(&s, "start", r, why);
	return refuse_late(&s, finish(&s, r, r == PAM_SUCCESS && account_good(&s, why)));
}

bool account_pam_talk(const struct account_pam *p, char why[ACCOUNT_NOTE_MAX])
{
	struct account_pam_stack s;
	int r = account_pam_start(&s, p);

	if (r == PAM_SUCCESS)
		r = authenticate(&s, why);
	else
		account_pam_explain(&s, "start", r, why);
	return refuse_late(&s, finish(&s, r, r == PAM_SUCCESS && account_good(&s, why)));
}

bool account_pam_account(const struct account_pam *p, char why[ACCOUNT_NOTE_MAX])
{
	struct account_pam_stack s;
	struct account_pam alone = *p;
	int r;

	alone.ask = NULL;
	r = account_pam_start(&s, &alone);
	if (r != PAM_SUCCESS)
		account_pam_explain(&s, "start", r, why);
	return finish(&s, r, r == PAM_SUCCESS && account_good(&s, why));
}
