/*
 * monitor_auth.c - a server's login: who may ask what, how often, and what is said.
 *
 * The peer's requests come as fields from a worker that is not believed; the policy
 * is the application's; counts, delays, the list of what may continue and the proof
 * itself are the monitor's.  No refusal is told before fail_delay_ms have passed, so
 * the time it takes says nothing about why.
 */
#include "privsep/monitor_auth.h"

#include <stdlib.h>

enum { PROTOCOL_ERROR = 2, NO_MORE_AUTH_METHODS = 14 };	/* RFC 4253 11.1 */

static void delay_over(struct monitor *, void *);

static const char *
method_name(const struct auth *a)
{
	switch (a->method) {
	case BY_NONE:      return "none";
	case BY_PASSWORD:  return "password";
	case BY_PUBLICKEY: return "publickey";
	case BY_KBDINT:    return "keyboard-interactive";
	default:           return a->name;
	}
}

static struct auth *
auth_new(struct conn *c)
{
	struct auth *a = calloc(1, sizeof(*a));

	if (a == NULL || monitor_timer_init(c->m, &a->delay, delay_over, c) != 0) {
		free(a);
		return NULL;
	}
	monitor_names_copy(a->allowed, sizeof(a->allowed), c->plan.methods);
	c->auth = a;
	return a;
}

void
monitor_auth_free(struct conn *c)
{
	struct auth *a = c->auth;

	if (a == NULL)
		return;
	c->auth = NULL;
	monitor_timer_deinit(c->m, &a->delay);
	monitor_auth_key_clear(a);
	free((void *)(uintptr_t)a->key.p);
	free((void *)(uintptr_t)a->signature.p);
	crypto_wipe(a, sizeof(*a));
	free(a);
}

struct auth *
monitor_auth_begin(struct conn *c, struct span user, enum auth_method method, struct span name,
    int *result)
{
	struct auth *a = c->auth != NULL ? c->auth : auth_new(c);

	*result = 0;
	if (a == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return NULL;
	}
	/* a peer that is waited for may start anew (RFC 4252 5.1), no other */
	if (a->state != AUTH_IDLE && a->state != AUTH_PROMPTED) {
		*result = IPC_BROKEN;
		return NULL;
	}
	if (++a->requests > MONITOR_AUTH_REQUESTS_MAX) {
		monitor_end_politely(c, IPC_LOGIN_REFUSED, IPC_PEER, NO_MORE_AUTH_METHODS,
		    "too many login requests");
		return NULL;
	}
	if (a->has_user && !span_is(user, a->user)) {
		monitor_end_politely(c, IPC_PROTOCOL, IPC_PEER, PROTOCOL_ERROR,
		    "change of user name during the login");
		return NULL;
	}
	if (!a->has_user)
		monitor_names_copy(a->user, sizeof(a->user), user);
	a->has_user = true;
	a->state = AUTH_IDLE;
	a->method = method;
	a->since = monitor_now(c->m);
	a->question = 0;
	a->prompts = 0;
	a->may_change = a->wants_change;
	a->wants_change = false;
	monitor_names_copy(a->name, sizeof(a->name), name);
	a->is_signed = a->must_touch = a->must_verify = false;
	a->alg[0] = a->fingerprint[0] = a->why[0] = 0;
	free((void *)(uintptr_t)a->key.p);
	free((void *)(uintptr_t)a->signature.p);
	a->key = a->signature = span_of(NULL, 0);
	return a;
}

bool
monitor_auth_allowed(const struct auth *a)
{
	return monitor_names_has(span_str(a->allowed), span_str(method_name(a)));
}

uint64_t
monitor_auth_ask(struct conn *c)
{
	c->auth->state = AUTH_ASKED;
	c->auth->question = ++c->m->serial;
	return c->auth->question;
}

/* ---- what is said ---- */

static void
log_attempt(struct conn *c, enum ipc_verdict verdict)
{
	const struct auth *a = c->auth;

	tell_ATTEMPT(c->m, &(struct ipc_ATTEMPT){ .conn = c->id, .user = span_str(a->user),
	    .method = span_str(method_name(a)), .alg = span_str(a->alg),
	    .fingerprint = span_str(a->fingerprint), .verdict = (uint8_t)verdict,
	    .failures = a->failures,
	    .why = span_str(verdict == IPC_REFUSED ? a->why : "") });
}

static void
say_verdict(struct conn *c, bool partial)
{
	c->auth->state = AUTH_IDLE;
	say_VERDICT(c, &(struct ipc_VERDICT){ .partial = partial,
	    .methods = span_str(c->auth->allowed) });
}

static void
tell_refusal(struct conn *c)
{
	unsigned max = c->plan.tries_max != 0 ? c->plan.tries_max : 1;

	if (c->auth->failures >= max)
		monitor_end_politely(c, IPC_LOGIN_REFUSED, IPC_PEER, NO_MORE_AUTH_METHODS,
		    "too many authentication failures");
	else
		say_verdict(c, false);
}

static void
delay_over(struct monitor *m, void *owner)
{
	struct conn *c = owner;

	(void)m;
	if (c->auth->state == AUTH_HELD)
		monitor_auth_key_resume(c);
	else
		tell_refusal(c);
}

void
monitor_auth_refuse(struct conn *c)
{
	struct auth *a = c->auth;
	uint64_t when = a->since + c->plan.fail_delay_ms;

	/* the first "none" only asks for the list (as sshd has it) */
	if (a->method != BY_NONE || a->requests > 1)
		a->failures++;
	a->state = AUTH_REFUSING;
	log_attempt(c, IPC_REFUSED);
	if (when > monitor_now(c->m))
		monitor_timer_set(c->m, &a->delay, when);
	else
		tell_refusal(c);
}

static bool
add_proven(struct conn *c)
{
	struct auth *a = c->auth;

	if (monitor_names_add(a->proven, sizeof(a->proven), span_str(method_name(a))))
		return true;
	monitor_end_politely(c, IPC_LOGIN_REFUSED, IPC_PEER, NO_MORE_AUTH_METHODS,
	    "too many login steps");
	return false;
}

static void
pass_step(struct conn *c, struct span methods)
{
	struct auth *a = c->auth;

	if (!add_proven(c))
		return;
	log_attempt(c, IPC_PARTIAL);
	monitor_names_copy(a->allowed, sizeof(a->allowed),
	    methods.n > 0 ? methods : c->plan.methods);
	monitor_auth_key_step(a);
	say_verdict(c, true);
}

static void
accept_login(struct conn *c)
{
	struct auth *a = c->auth;

	if (!add_proven(c))
		return;
	log_attempt(c, IPC_ACCEPTED);
	monitor_gate_open(c, a->user, a->proven, a->alg, a->key);
	monitor_auth_free(c);
}

/* A refusal without a list leaves what may continue as it is: it never widens. */
void
monitor_auth_apply(struct conn *c, enum ipc_verdict verdict, struct span methods)
{
	struct auth *a = c->auth;

	if (verdict == IPC_ACCEPTED) {
		accept_login(c);
	} else if (verdict == IPC_PARTIAL) {
		pass_step(c, methods);
	} else {
		if (methods.n > 0)
			monitor_names_copy(a->allowed, sizeof(a->allowed), methods);
		monitor_auth_refuse(c);
	}
}

/* ---- requests ---- */

int
monitor_auth_on_none(struct conn *c, const struct ipc_AUTH_NONE *q)
{
	int r;
	struct auth *a = monitor_auth_begin(c, q->user, BY_NONE, span_str(""), &r);

	if (a == NULL)
		return r;
	if (c->plan.ask_none != 0)
		tell_ASK_NONE(c->m, &(struct ipc_ASK_NONE){ .conn = c->id,
		    .question = monitor_auth_ask(c), .user = q->user });
	else if (a->requests == 1)	/* it only asks for the list: no failure, no delay */
		say_verdict(c, false);
	else
		monitor_auth_refuse(c);
	return 0;
}

int
monitor_auth_on_password(struct conn *c, const struct ipc_AUTH_PASSWORD *q)
{
	int r;
	struct auth *a = monitor_auth_begin(c, q->user, BY_PASSWORD, span_str(""), &r);

	if (a == NULL)
		return r;
	if (!monitor_auth_allowed(a)) {
		monitor_auth_refuse(c);
		return 0;
	}
	tell_ASK_PASSWORD(c->m, &(struct ipc_ASK_PASSWORD){ .conn = c->id,
	    .question = monitor_auth_ask(c), .user = q->user, .proven = span_str(a->proven),
	    .password = q->password });
	return 0;
}

/* What was not asked for is refused, as by a server that has no such thing: an application
 * that looks at the old password alone must not be taken to have changed it. */
int
monitor_auth_on_change(struct conn *c, const struct ipc_AUTH_CHANGE *q)
{
	int r;
	struct auth *a = monitor_auth_begin(c, q->user, BY_PASSWORD, span_str(""), &r);

	if (a == NULL)
		return r;
	if (!monitor_auth_allowed(a) || !a->may_change) {
		monitor_auth_refuse(c);
		return 0;
	}
	tell_ASK_CHANGE(c->m, &(struct ipc_ASK_CHANGE){ .conn = c->id,
	    .question = monitor_auth_ask(c), .user = q->user, .proven = span_str(a->proven),
	    .password = q->password, .new_password = q->new_password });
	return 0;
}

int
monitor_auth_on_kbdint(struct conn *c, const struct ipc_AUTH_KBDINT *q)
{
	int r;
	struct auth *a = monitor_auth_begin(c, q->user, BY_KBDINT, span_str(""), &r);

	if (a == NULL)
		return r;
	if (!monitor_auth_allowed(a)) {
		monitor_auth_refuse(c);
		return 0;
	}
	tell_ASK_KBDINT(c->m, &(struct ipc_ASK_KBDINT){ .conn = c->id,
	    .question = monitor_auth_ask(c), .user = q->user, .proven = span_str(a->proven),
	    .submethods = q->submethods });
	return 0;
}

int
monitor_auth_on_responses(struct conn *c, const struct ipc_AUTH_RESPONSES *q)
{
	struct auth *a = c->auth;
	uint32_t count;

	if (a == NULL || a->state != AUTH_PROMPTED ||
	    !monitor_names_counted(q->answers, false, &count))
		return IPC_BROKEN;
	a->since = monitor_now(c->m);
	if (++a->requests > MONITOR_AUTH_REQUESTS_MAX) {
		monitor_end_politely(c, IPC_LOGIN_REFUSED, IPC_PEER, NO_MORE_AUTH_METHODS,
		    "too many login requests");
		return 0;
	}
	/* the peer's mistake, not the worker's (RFC 4256 3.4) */
	if (count != a->prompts) {
		monitor_auth_refuse(c);
		return 0;
	}
	tell_ASK_RESPONSES(c->m, &(struct ipc_ASK_RESPONSES){ .conn = c->id,
	    .question = monitor_auth_ask(c), .user = span_str(a->user),
	    .proven = span_str(a->proven), .answers = q->answers });
	return 0;
}

int
monitor_auth_on_other(struct conn *c, const struct ipc_AUTH_OTHER *q)
{
	int r;

	if (monitor_auth_begin(c, q->user, BY_OTHER, q->method, &r) != NULL)
		monitor_auth_refuse(c);
	return r;
}

/* ---- the application's answers ---- */

/* The question that this answers, if it is still open. */
static struct conn *
asked(struct monitor *m, uint64_t id, uint64_t question)
{
	struct conn *c = monitor_conn_find(m, id);

	if (c == NULL || c->auth == NULL || c->auth->state != AUTH_ASKED ||
	    c->auth->question != question)
		return NULL;
	return c;
}

int
monitor_auth_on_answer(struct monitor *m, const struct ipc_LOGIN_ANSWER *q)
{
	struct conn *c = asked(m, q->conn, q->question);

	if (q->verdict < IPC_REFUSED || q->verdict > IPC_PARTIAL ||
	    (q->flags & ~(unsigned)(IPC_LOGIN_NO_TOUCH | IPC_LOGIN_VERIFIED)) != 0)
		return IPC_BROKEN;
	if (c == NULL)
		return 0;
	c->auth->question = 0;
	if (c->auth->method == BY_PUBLICKEY)
		monitor_auth_key_judged(c, (enum ipc_verdict)q->verdict, q->methods, q->flags);
	else
		monitor_auth_apply(c, (enum ipc_verdict)q->verdict, q->methods);
	return 0;
}

int
monitor_auth_on_prompts(struct monitor *m, const struct ipc_PROMPT_ANSWER *q)
{
	struct conn *c = asked(m, q->conn, q->question);
	uint32_t count;

	if (!monitor_names_counted(q->prompts, true, &count))
		return IPC_BROKEN;
	if (c == NULL)
		return 0;
	if (c->auth->method != BY_KBDINT)
		return IPC_BROKEN;
	c->auth->question = 0;
	c->auth->prompts = count;
	c->auth->state = AUTH_PROMPTED;
	say_PROMPTS(c, &(struct ipc_PROMPTS){ .name = q->name, .instruction = q->instruction,
	    .prompts = q->prompts });
	return 0;
}

int
monitor_auth_on_change_wanted(struct monitor *m, const struct ipc_CHANGE_ANSWER *q)
{
	struct conn *c = asked(m, q->conn, q->question);

	if (c == NULL)
		return 0;
	if (c->auth->method != BY_PASSWORD)
		return IPC_BROKEN;
	c->auth->question = 0;
	c->auth->state = AUTH_IDLE;
	c->auth->wants_change = true;
	say_CHANGE_WANTED(c, &(struct ipc_CHANGE_WANTED){ .prompt = q->prompt });
	return 0;
}

/* The lists of NEW give way.  False: no memory, and the connection is over. */
static bool
set_lists(struct conn *c, struct span sig_algs, struct span ca_algs)
{
	struct span sigs = sig_algs.n > 0 ? sig_algs : c->plan.sig_algs;
	struct span cas = ca_algs.n > 0 ? ca_algs : c->plan.ca_algs;
	uint8_t *both = malloc(sigs.n + cas.n + 1);
	struct wr w;

	if (both == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return false;
	}
	w = wr_of(both, sigs.n + cas.n);
	wr_raw(&w, sigs);
	wr_raw(&w, cas);
	c->plan.sig_algs = span_of(both, sigs.n);
	c->plan.ca_algs = span_of(both + sigs.n, cas.n);
	free(c->terms_text);
	c->terms_text = both;
	return true;
}

/* In force from the next refusal on; a login that is over has no use for them.  A key that
 * is being asked about is looked at once more when its answer comes. */
int
monitor_auth_on_terms(struct monitor *m, const struct ipc_LOGIN_TERMS *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);

	if (c == NULL || c->auth == NULL)
		return 0;
	if ((q->sig_algs.n > 0 || q->ca_algs.n > 0) && !set_lists(c, q->sig_algs, q->ca_algs))
		return 0;
	if (q->tries_max != 0)
		c->plan.tries_max = q->tries_max;
	/* while a question is open the worker waits for its answer: the banner goes before it */
	if (q->banner.n > 0 && c->auth->state == AUTH_ASKED)
		say_SHOW_BANNER(c, &(struct ipc_SHOW_BANNER){ .text = q->banner });
	return 0;
}
