/*
 * monitor_login.c - what the worker says that the server said to a login request.
 *
 * All of it is the worker's word.  It can make a login fail, but not succeed before
 * the monitor has sent a request, and a success joins it to nothing but the
 * application that asked for this very connection.
 */
#include "privsep/monitor_login.h"

#include <stdlib.h>

enum { PROTOCOL_ERROR = 2 };	/* RFC 4253 11.1 */

struct login *
monitor_login_of(struct conn *c)
{
	if (c->login == NULL) {
		c->login = calloc(1, sizeof(*c->login));
		if (c->login == NULL)
			monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
	}
	return c->login;
}

void
monitor_login_free(struct conn *c)
{
	struct login *l = c->login;

	if (l == NULL)
		return;
	c->login = NULL;
	crypto_secret_free((void *)(uintptr_t)l->kept.p);
	free((void *)(uintptr_t)l->key.p);
	free((void *)(uintptr_t)l->proof.p);
	free(l);
}

/* Without memory an agent is not shown it, and that is all. */
void
monitor_login_proof(struct conn *c, struct span signature)
{
	struct login *l = monitor_login_of(c);

	if (l != NULL && l->proof.p == NULL)
		l->proof = monitor_span_copy(signature);
}

struct span
monitor_login_host_key(const struct conn *c)
{
	return c->login->hostbound ? c->host_key : span_of(NULL, 0);
}

static const char *
method_name(const struct login *l)
{
	switch (l->kind) {
	case TRYING_NONE:     return "none";
	case TRYING_PASSWORD:
	case TRYING_CHANGE:   return "password";
	case TRYING_KBDINT:   return "keyboard-interactive";
	default:              return "publickey";
	}
}

void
monitor_login_result(struct conn *c, enum ipc_login_result result, struct span methods,
    struct span text)
{
	c->login->state = LOGIN_IDLE;
	tell_LOGIN_RESULT(c->m, &(struct ipc_LOGIN_RESULT){ .conn = c->id,
	    .result = (uint8_t)result, .methods = methods, .text = text });
	monitor_login_go(c);
}

/* A request of ours is with the server; nothing is an answer otherwise. */
static struct login *
outstanding(struct conn *c)
{
	return c->login != NULL && c->login->state == LOGIN_SENT ? c->login : NULL;
}

static void
peer_broke(struct conn *c, const char *text)
{
	monitor_end_politely(c, IPC_PROTOCOL, IPC_PEER, PROTOCOL_ERROR, text);
}

int
monitor_login_on_success(struct conn *c, const struct ipc_LOGIN_SUCCESS *q)
{
	struct login *l = outstanding(c);

	(void)q;
	if (l == NULL)
		return IPC_BROKEN;
	if (l->kind == TRYING_PROBE) {	/* nothing was proven */
		peer_broke(c, "the server let in a mere question about a key");
		return 0;
	}
	if (!monitor_names_add(l->proven, sizeof(l->proven),
	    span_str(method_name(l)))) {
		peer_broke(c, "too many login steps");
		return 0;
	}
	monitor_gate_open(c, l->user, l->proven, l->alg, l->key);
	monitor_login_free(c);
	return 0;
}

int
monitor_login_on_failure(struct conn *c, const struct ipc_LOGIN_FAILURE *q)
{
	struct login *l = outstanding(c);
	bool partial = q->partial != 0;

	if (l == NULL || q->partial > 1)
		return IPC_BROKEN;
	partial = partial && l->kind != TRYING_PROBE;
	if (partial && !monitor_names_add(l->proven, sizeof(l->proven),
	    span_str(method_name(l)))) {
		peer_broke(c, "too many login steps");
		return 0;
	}
	monitor_login_result(c, partial ? IPC_LOGIN_PARTIAL : IPC_LOGIN_FAILED, q->methods,
	    span_str(""));
	return 0;
}

int
monitor_login_on_pk_ok(struct conn *c, const struct ipc_LOGIN_PK_OK *q)
{
	struct login *l = outstanding(c);

	if (l == NULL || l->kind != TRYING_PROBE)
		return IPC_BROKEN;
	if (!span_is(q->alg, l->alg) || !span_eq(q->key, l->key)) {
		peer_broke(c, "the server accepted a key that it was not asked about");
		return 0;
	}
	monitor_login_result(c, IPC_LOGIN_PROBE_OK, span_str(""), span_str(""));
	return 0;
}

int
monitor_login_on_info(struct conn *c, const struct ipc_LOGIN_INFO *q)
{
	struct login *l = outstanding(c);
	uint32_t count;

	if (l == NULL || l->kind != TRYING_KBDINT ||
	    !monitor_names_counted(q->prompts, true, &count))
		return IPC_BROKEN;
	l->state = LOGIN_ASKED;
	l->prompts = count;
	l->question = ++c->m->serial;
	tell_INFO_ASK(c->m, &(struct ipc_INFO_ASK){ .conn = c->id, .question = l->question,
	    .name = q->name, .instruction = q->instruction, .prompts = q->prompts });
	return 0;
}

int
monitor_login_on_changereq(struct conn *c, const struct ipc_LOGIN_CHANGEREQ *q)
{
	struct login *l = outstanding(c);

	if (l == NULL || (l->kind != TRYING_PASSWORD && l->kind != TRYING_CHANGE))
		return IPC_BROKEN;
	monitor_login_result(c, IPC_LOGIN_CHANGEREQ, span_str(""), q->prompt);
	return 0;
}

int
monitor_login_on_banner(struct conn *c, const struct ipc_LOGIN_BANNER *q)
{
	struct login *l = monitor_login_of(c);

	if (l == NULL)
		return 0;
	if (++l->banners > MONITOR_BANNERS_MAX)
		return IPC_BROKEN;
	tell_BANNER(c->m, &(struct ipc_BANNER){ .conn = c->id, .text = q->text });
	return 0;
}

/* May come again with a later key exchange; of use only until the login. */
int
monitor_login_on_sig_algs(struct conn *c, const struct ipc_LOGIN_SIG_ALGS *q)
{
	struct login *l;

	if (q->hostbound > 1)
		return IPC_BROKEN;
	if (c->phase == L_OPEN)
		return 0;
	l = monitor_login_of(c);
	if (l == NULL)
		return 0;
	l->hostbound = q->hostbound != 0;
	monitor_names_copy(l->sig_algs, sizeof(l->sig_algs), q->algs);
	return 0;
}
