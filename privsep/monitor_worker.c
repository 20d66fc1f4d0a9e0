/*
 * monitor_worker.c - what a worker may say, and the workers that wait in advance.
 *
 * A worker is assumed to be the attacker's.  Its link is read without descriptors
 * (the kernel drops what it attached), one message a turn; each message is admitted
 * by the table against this side's state, and whatever breaks the table ends it.
 */
#include "privsep/monitor.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- messages ---- */

static int
on_ready(struct conn *c, const struct ipc_READY *q)
{
	struct worker *w = c->worker;

	if ((q->layers & w->m->config.layers_required) != w->m->config.layers_required)
		return IPC_BROKEN;
	w->report = malloc(q->report.n + 1);
	if (w->report == NULL)
		return IPC_BROKEN;
	monitor_names_copy(w->report, q->report.n + 1, q->report);
	w->layers = q->layers;
	w->ready = true;
	return 0;
}

/* Quoted as the worker's; more than the bucket holds is dropped. */
static int
on_note(struct conn *c, const struct ipc_NOTE *q)
{
	if (q->level < IPC_ERROR || q->level > IPC_DEBUG)
		return IPC_BROKEN;
	if (q->level <= c->m->config.log_level &&
	    monitor_bucket_try(&c->notes, MONITOR_NOTE_BURST, 1, monitor_now(c->m)))
		tell_CLAIM(c->m, &(struct ipc_CLAIM){ .conn = c->id, .level = q->level,
		    .text = q->text });
	return 0;
}

/* A message without a role belongs to both. */
static const struct { uint8_t number, role; } roles[] = {
	{ IPC_MSG_SIGN,            IPC_SERVER },
	{ IPC_MSG_GROUP_ASK,       IPC_SERVER },
	{ IPC_MSG_PROVE,           IPC_SERVER },
	{ IPC_MSG_AUTH_NONE,       IPC_SERVER },
	{ IPC_MSG_AUTH_PASSWORD,   IPC_SERVER },
	{ IPC_MSG_AUTH_CHANGE,     IPC_SERVER },
	{ IPC_MSG_AUTH_PUBLICKEY,  IPC_SERVER },
	{ IPC_MSG_AUTH_KBDINT,     IPC_SERVER },
	{ IPC_MSG_AUTH_RESPONSES,  IPC_SERVER },
	{ IPC_MSG_AUTH_OTHER,      IPC_SERVER },
	{ IPC_MSG_VERIFY,          IPC_CLIENT },
	{ IPC_MSG_LOGIN_SUCCESS,   IPC_CLIENT },
	{ IPC_MSG_LOGIN_FAILURE,   IPC_CLIENT },
	{ IPC_MSG_LOGIN_PK_OK,     IPC_CLIENT },
	{ IPC_MSG_LOGIN_INFO,      IPC_CLIENT },
	{ IPC_MSG_LOGIN_CHANGEREQ, IPC_CLIENT },
	{ IPC_MSG_LOGIN_BANNER,    IPC_CLIENT },
	{ IPC_MSG_LOGIN_SIG_ALGS,  IPC_CLIENT },
	{ IPC_MSG_HOSTKEYS_TOLD,   IPC_CLIENT },
	{ IPC_MSG_HOSTKEYS_PROVED, IPC_CLIENT },
};

static bool
wrong_role(const struct conn *c, uint8_t number)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].number == number)
			return roles[i].role != c->plan.role;
	return false;
}

/* Nobody logs in before the first keys are in use.  A worker that says so all the
 * same must be found out here: the application, not told of any keys yet, would take
 * the monitor for the liar. */
static bool
too_early(const struct conn *c, uint8_t number)
{
	return c->exchanges == 1 && c->awaits_agreed &&
	    (ipc_rows[number].phases & (L_KEX | L_AUTH | L_OPEN)) == L_AUTH;
}

#define on_READY           on_ready
#define on_SIGN            monitor_sign_on_sign
#define on_VERIFY          monitor_verify_on_verify
#define on_AGREED          monitor_exchange_on_agreed
#define on_AUTH_NONE       monitor_auth_on_none
#define on_AUTH_PASSWORD   monitor_auth_on_password
#define on_AUTH_CHANGE     monitor_auth_on_change
#define on_AUTH_PUBLICKEY  monitor_auth_on_publickey
#define on_AUTH_KBDINT     monitor_auth_on_kbdint
#define on_AUTH_RESPONSES  monitor_auth_on_responses
#define on_AUTH_OTHER      monitor_auth_on_other
#define on_LOGIN_SUCCESS   monitor_login_on_success
#define on_LOGIN_FAILURE   monitor_login_on_failure
#define on_LOGIN_PK_OK     monitor_login_on_pk_ok
#define on_LOGIN_INFO      monitor_login_on_info
#define on_LOGIN_CHANGEREQ monitor_login_on_changereq
#define on_LOGIN_BANNER    monitor_login_on_banner
#define on_LOGIN_SIG_ALGS  monitor_login_on_sig_algs
#define on_GROUP_ASK       monitor_moduli_on_ask
#define on_PROVE           monitor_prove_on_prove
#define on_HOSTKEYS_TOLD   monitor_update_on_told
#define on_HOSTKEYS_PROVED monitor_update_on_proved
#define on_DUMP            monitor_dump_on_dump
#define on_NOTE            on_note
#define on_BYE             monitor_end_on_bye

static int
dispatch(struct conn *actor, struct rd r, uint8_t number)
{
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
#define IPC_LINK_W2M
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

static void
set_count(struct worker *w, enum worker_count count)
{
	struct monitor *m = w->m;

	m->forking -= w->count == COUNT_FORKING;
	m->spares -= w->count == COUNT_SPARE;
	m->forking += count == COUNT_FORKING;
	m->spares += count == COUNT_SPARE;
	w->count = count;
}

/* Both its own word and the zygote's are needed. */
static void
maybe_spare(struct worker *w)
{
	if (!w->ready || w->pid == 0 || w->killed || w->lost || w->count != COUNT_FORKING)
		return;
	set_count(w, COUNT_SPARE);
	monitor_app_serving(w->m);
	monitor_conn_start(w->m);
}

/* A spare has no connection; this one admits L_SPARE only, where nothing but READY
 * and BYE can come. */
static void
take_from_spare(struct worker *w, size_t n)
{
	struct conn nobody = { .m = w->m, .worker = w, .phase = L_SPARE, .kex = K_NONE };
	struct monitor *m = w->m;
	const char *why = "malformed message";

	if (m->rx[0] == IPC_MSG_BYE ||
	    ipc_admit(IPC_W2M, L_SPARE, K_NONE, &w->once, m->rx, n, 0, &why) == NULL ||
	    dispatch(&nobody, (struct rd){ m->rx + 1, n - 1, false }, m->rx[0]) != 0) {
		bool current = w->zygote != NULL && w->zygote == m->current;

		monitor_remark(m, IPC_ERROR, "a waiting worker misbehaved: %s",
		    m->rx[0] == IPC_MSG_BYE ? "it gave up" : why);
		monitor_worker_kill(w);
		if (current)
			monitor_zygote_failed(m, w->zygote, "its worker misbehaved");
		return;
	}
	maybe_spare(w);
}

static void
take_from_bound(struct worker *w, size_t n)
{
	struct monitor *m = w->m;
	struct conn *c = w->conn;
	const char *name = ipc_rows[m->rx[0]].name, *why = "malformed message";

	/* what was under way when the end was decided is nobody's business now */
	if (c->end.on && (c->end.killed || m->rx[0] != IPC_MSG_BYE))
		return;
	if (ipc_admit(IPC_W2M, c->phase, c->kex, &w->once, m->rx, n, 0, &why) == NULL)
		monitor_end_lied(c, name, why);
	else if (wrong_role(c, m->rx[0]))
		monitor_end_lied(c, name, "message of the other role");
	else if (too_early(c, m->rx[0]))
		monitor_end_lied(c, name, "before the first keys are in use");
	else if (dispatch(c, (struct rd){ m->rx + 1, n - 1, false }, m->rx[0]) != 0)
		monitor_end_lied(c, name, "not possible now, or malformed");
}

/* One message.  False: there is none. */
static bool
take(struct worker *w)
{
	struct monitor *m = w->m;
	ssize_t n = ipc_recv_plain(w->link.fd, m->rx, sizeof(m->rx));

	if (n == -EAGAIN)
		return false;
	if (n == -EPROTO) {
		if (w->conn != NULL)
			monitor_end_lied(w->conn, NULL, "message too long");
		else
			monitor_worker_kill(w);
		return false;
	}
	if (n <= 0) {	/* closed: it is ending, and its death comes by the pidfd */
		w->lost = true;
		set_count(w, COUNT_NONE);
		monitor_unwatch(&w->link);
		/* one that has said goodbye has its deadline; another gets none */
		if (w->child.fd >= 0 && (w->conn == NULL || w->conn->bye == NULL))
			m->os->kill(w->child.fd);
		return false;
	}
	if (w->conn != NULL)
		take_from_bound(w, (size_t)n);
	else
		take_from_spare(w, (size_t)n);
	if ((ipc_rows[m->rx[0]].flags & SECRET) != 0)
		crypto_wipe(m->rx, (size_t)n);
	return true;
}

static void
link_ready(struct monitor *m, void *owner, uint32_t events)
{
	(void)m;
	(void)events;
	(void)take(owner);		/* the rest is told again next turn */
}

/* Its death.  What it said before is read to the end first. */
static void
child_ready(struct monitor *m, void *owner, uint32_t events)
{
	struct worker *w = owner;
	int signal, status;

	(void)events;
	if (m->os->reap(w->child.fd, &signal, &status) != 1)
		return;
	monitor_unwatch(&w->child);
	w->gone = true;
	for (int i = 0; i < MONITOR_DRAIN_MAX && w->conn != NULL && w->link.fd >= 0; i++)
		if (!take(w))
			break;
	if (w->conn != NULL)
		monitor_end_finish(w->conn, signal, status);
	else if (!w->killed && w->zygote != NULL)
		monitor_zygote_failed(m, w->zygote, "a waiting worker died");
	monitor_worker_free(w);
	monitor_worker_refill(m);
}

/* ---- spares ---- */

static int
fork_one(struct monitor *m)
{
	struct worker *w = calloc(1, sizeof(*w));
	int pair[2], r;

	if (w == NULL)
		return -ENOMEM;
	w->m = m;
	w->zygote = m->current;
	w->serial = ++m->serial;
	w->link.fd = w->child.fd = -1;
	r = ipc_pair(pair);
	if (r != 0)
		goto err0;
	r = monitor_zygote_fork(m->current, w->serial, pair[1]);
	(void)close(pair[1]);		/* it travels, or nobody wants it */
	if (r == 0)
		r = monitor_watch(&w->link, m->worker_ep, pair[0], EPOLLIN, link_ready, w);
	if (r != 0)
		goto err1;
	w->next = m->workers;
	if (w->next != NULL)
		w->next->prev = w;
	m->workers = w;
	set_count(w, COUNT_FORKING);
	return 0;
err1:
	(void)close(pair[0]);
err0:
	free(w);
	return r;
}

/* As many as are wanted: the configured spares, one for each who waits, and one for
 * the first SERVING. */
void
monitor_worker_refill(struct monitor *m)
{
	while (m->current != NULL && !m->over && m->forking < MONITOR_FORKS_MAX) {
		unsigned want = m->config.spares + m->n_waiting;

		if (!m->serving && want == 0)
			want = 1;
		if (m->spares + m->forking >= want)
			return;
		if (fork_one(m) != 0) {
			monitor_zygote_failed(m, m->current, "no worker can be made");
			return;
		}
	}
}

struct worker *
monitor_worker_spare(struct monitor *m)
{
	for (struct worker *w = m->workers; w != NULL && m->spares > 0; w = w->next)
		if (w->count == COUNT_SPARE && w->zygote != NULL && w->zygote == m->current)
			return w;
	return NULL;
}

bool
monitor_worker_forked(struct monitor *m, uint64_t serial, pid_t pid)
{
	struct worker *w = m->workers;
	int pidfd;

	while (w != NULL && (w->serial != serial || w->pid != 0))
		w = w->next;
	/* a zygote that names another child of ours could have it killed */
	if (w == NULL || monitor_zygote_knows(m, pid))
		return false;
	pidfd = m->os->adopt(pid);
	if (pidfd < 0)
		return false;
	if (monitor_watch(&w->child, m->worker_ep, pidfd, EPOLLIN, child_ready, w) != 0) {
		(void)m->os->end(pidfd);	/* it has done nothing yet */
		return false;
	}
	w->pid = pid;
	if (w->killed || w->lost)
		m->os->kill(w->child.fd);
	maybe_spare(w);
	return true;
}

void
monitor_worker_kill(struct worker *w)
{
	if (w->killed)
		return;
	set_count(w, COUNT_NONE);
	w->killed = true;
	if (w->child.fd >= 0)
		w->m->os->kill(w->child.fd);
}

void
monitor_worker_bind(struct worker *w, struct conn *c)
{
	set_count(w, COUNT_NONE);
	w->conn = c;
	c->worker = w;
}

/* The layout is retired: its spares end.  Those that it had not named yet end with
 * their link, and are looked for by the stray timer. */
void
monitor_worker_retire(struct monitor *m, struct zygote *z)
{
	struct worker *next;

	for (struct worker *w = m->workers; w != NULL; w = next) {
		next = w->next;
		if (w->zygote != z)
			continue;
		w->zygote = NULL;
		if (w->conn != NULL)
			continue;
		monitor_worker_kill(w);
		monitor_unwatch(&w->link);
		if (w->pid == 0) {
			m->strays++;
			m->stray_tries = 0;
			if (!m->over)
				monitor_timer_set(m, &m->stray_timer, monitor_now(m) + 1);
			monitor_worker_free(w);
		}
	}
}

void
monitor_worker_free(struct worker *w)
{
	struct monitor *m = w->m;

	set_count(w, COUNT_NONE);
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		m->workers = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	monitor_unwatch(&w->link);
	if (w->child.fd >= 0) {		/* at exit only: it is killed already */
		(void)epoll_ctl(w->child.ep, EPOLL_CTL_DEL, w->child.fd, NULL);
		(void)m->os->end(w->child.fd);
		w->child.fd = -1;
	}
	if (w->conn != NULL)
		w->conn->worker = NULL;
	free(w->report);
	w->report = NULL;
	monitor_bury(m, &w->dead);
}

int
monitor_worker_fd(const struct conn *c)
{
	return c->worker == NULL || c->worker->gone ? -1 : c->worker->link.fd;
}

/* A link that is gone means a worker that is: its pidfd will tell.  One that does
 * not read is not waited for. */
void
monitor_worker_said(struct conn *c, int result)
{
	if (result == 0 || result == -EPIPE || result == -ECONNRESET || c->end.killed)
		return;
	if (result == -EAGAIN)
		monitor_end(c, IPC_WORKER_LIED, IPC_LOCAL, "worker does not read its link");
	else
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "message to the worker: error %d", -result);
}
