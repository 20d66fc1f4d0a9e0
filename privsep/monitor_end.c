/*
 * monitor_end.c - how connections end, and what is said about it.
 *
 * A connection is over when its worker is reaped and its link was read to the end;
 * END_OF is the last word.  The monitor's own cause outranks how the worker died,
 * and both outrank what the worker said: a claim never covers up a fact.
 */
#include "privsep/monitor.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct bye {			/* the worker's claim; spans point behind it */
	struct ipc_BYE said;
	uint8_t text[];
};

static const char *
phase_name(const struct conn *c)
{
	switch (c->phase) {
	case L_NEW:	return "start";
	case L_KEX:	return "kex";
	case L_AUTH:	return "auth";
	default:	return c->kex == K_BUSY ? "rekey" : "open";
	}
}

static void
set_cause(struct conn *c, enum ipc_outcome outcome, enum ipc_side side, uint32_t disconnect,
    const char *text)
{
	struct ending *e = &c->end;

	if (e->has_cause)
		return;
	e->has_cause = true;
	e->outcome = outcome;
	e->side = (uint8_t)side;
	e->disconnect = disconnect;
	(void)snprintf(e->phase, sizeof(e->phase), "%s", phase_name(c));
	(void)snprintf(e->text, sizeof(e->text), "%s", text);	/* cut to fit */
}

/* Nothing that was under way goes on. */
static void
stop_all(struct conn *c)
{
	c->end.on = true;
	c->sign_question = 0;
	monitor_timer_clear(c->m, &c->sign_timer);
	monitor_prove_stop(c);
	monitor_timer_clear(c->m, &c->quota_timer);
	monitor_timer_clear(c->m, &c->deadline);
	monitor_auth_free(c);
	monitor_login_free(c);
}

static void
kill_or_finish(struct conn *c)
{
	if (c->worker == NULL) {
		monitor_end_finish(c, 0, 0);
		return;
	}
	if (c->worker->gone)		/* it is being read to the end just now */
		return;
	c->end.killed = true;
	monitor_worker_kill(c->worker);
}

void
monitor_end(struct conn *c, enum ipc_outcome outcome, enum ipc_side side, const char *fmt, ...)
{
	char text[MONITOR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);	/* cut to fit */
	va_end(ap);
	set_cause(c, outcome, side, 0, text);
	stop_all(c);
	kill_or_finish(c);
}

void
monitor_end_politely(struct conn *c, enum ipc_outcome outcome, enum ipc_side side,
    uint32_t disconnect, const char *text)
{
	uint32_t ms = c->plan.close_ms != 0 ? c->plan.close_ms : MONITOR_CLOSE_MS;
	bool told = c->end.on;

	set_cause(c, outcome, side, disconnect, text);
	stop_all(c);
	if (c->worker == NULL || c->phase == L_NEW) {
		kill_or_finish(c);
		return;
	}
	monitor_timer_set(c->m, &c->deadline, monitor_now(c->m) + ms + MONITOR_SLACK_MS);
	if (!told)
		say_STOP(c, &(struct ipc_STOP){ .disconnect = disconnect,
		    .text = span_str(text) });
}

void
monitor_end_lied(struct conn *c, const char *what, const char *why)
{
	monitor_remark(c->m, IPC_ERROR, "connection %llu: worker %d broke messages.def: %s: %s",
	    (unsigned long long)c->id, (int)c->worker->pid, what != NULL ? what : "message", why);
	monitor_end(c, IPC_WORKER_LIED, IPC_LOCAL, "worker broke messages.def: %s: %s",
	    what != NULL ? what : "message", why);
}

/* ---- the worker's claim ---- */

/* Which outcomes a worker can know of. */
static bool
may_claim(uint32_t outcome)
{
	switch (outcome) {
	case IPC_DONE_BY_US: case IPC_PEER_CLOSED: case IPC_CUT: case IPC_TIMED_OUT:
	case IPC_PROTOCOL: case IPC_NO_MATCH: case IPC_RESOURCE: case IPC_SILENT:
		return true;
	default:
		return false;
	}
}

int
monitor_end_on_bye(struct conn *c, const struct ipc_BYE *q)
{
	uint32_t ms = c->plan.close_ms != 0 ? c->plan.close_ms : MONITOR_CLOSE_MS;
	struct span *all[4];
	struct bye *b;
	struct wr w;
	size_t total = q->phase.n + q->text.n + q->ours.n + q->theirs.n;

	if (!may_claim(q->outcome) || q->side < IPC_LOCAL || q->side > IPC_SYSTEM)
		return IPC_BROKEN;
	if (c->bye != NULL)
		return IPC_BROKEN;
	b = malloc(sizeof(*b) + total);
	if (b != NULL) {
		b->said = *q;
		w = wr_of(b->text, total);
		all[0] = &b->said.phase;
		all[1] = &b->said.text;
		all[2] = &b->said.ours;
		all[3] = &b->said.theirs;
		for (size_t i = 0; i < 4; i++) {
			size_t at = w.n;

			wr_raw(&w, *all[i]);
			all[i]->p = b->text + at;
		}
		c->bye = b;
	}
	stop_all(c);
	monitor_timer_set(c->m, &c->deadline, monitor_now(c->m) + ms + MONITOR_SLACK_MS);
	return 0;
}

void
monitor_end_bye_free(struct bye *b)
{
	free(b);
}

/* ---- the application's wish ---- */

int
monitor_end_on_close(struct monitor *m, const struct ipc_CLOSE *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	char text[257];

	if (c == NULL)
		return 0;
	monitor_names_copy(text, sizeof(text), q->text);
	if (q->now != 0)
		monitor_end(c, IPC_DONE_BY_US, IPC_LOCAL, "%s", text);
	else if (!c->end.on)
		monitor_end_politely(c, IPC_DONE_BY_US, IPC_LOCAL, q->disconnect, text);
	return 0;
}

/* ---- the last word ---- */

/* A signal's name: strsignal() speaks the user's language and may allocate. */
static void
died_text(int sig, int status, char *out, size_t cap)
{
	const char *name = sig != 0 ? sigabbrev_np(sig) : NULL;

	if (name != NULL)
		(void)snprintf(out, cap, "worker died (SIG%s)", name);
	else if (sig != 0)
		(void)snprintf(out, cap, "worker died (signal %d)", sig);
	else
		(void)snprintf(out, cap, "worker ended without a word (status %d)", status);
}

static void
tell_end(struct conn *c, const struct ipc_END_OF *end)
{
	tell_END_OF(c->m, end);
	monitor_conn_free(c);
}

void
monitor_end_finish(struct conn *c, int signal, int status)
{
	struct monitor *m = c->m;
	struct ending *e = &c->end;
	struct worker *w = c->worker;
	bool died = signal != 0 && !e->killed && (w == NULL || !w->killed);
	struct ipc_END_OF end = { .conn = c->id, .outcome = e->outcome, .side = e->side,
		.phase = span_str(e->phase), .disconnect = e->disconnect,
		.text = span_str(e->text), .signal = died ? (uint32_t)signal : 0 };
	bool renew = (e->has_cause && e->outcome == IPC_WORKER_LIED) || died;
	char text[MONITOR_TEXT_MAX];

	if (!e->has_cause && c->bye != NULL && !died) {
		const struct ipc_BYE *b = &c->bye->said;

		end.outcome = b->outcome;
		end.side = b->side;
		end.phase = b->phase;
		end.disconnect = b->disconnect;
		end.text = b->text;
		end.ours = b->ours;
		end.theirs = b->theirs;
		end.is_claim = 1;
	} else if (!e->has_cause) {
		died_text(signal, status, text, sizeof(text));
		end.outcome = IPC_WORKER_DIED;
		end.side = IPC_LOCAL;
		end.phase = span_str(phase_name(c));
		end.text = span_str(text);
		renew = true;
	}
	renew = renew && w != NULL && w->zygote != NULL && w->zygote == m->current;
	tell_end(c, &end);
	if (renew)
		monitor_zygote_renew(m, "a worker ended abnormally");
}
