/*
 * monitor_zygote.c - layouts: the zygotes that workers are cloned from.
 *
 * All workers of a zygote share its memory layout, so what an attacker learns by
 * crashing one would serve against the next.  A layout is given up after so many
 * connections, so long after its first worker got one, or at once after a worker's
 * abnormal end.  A zygote is exec'd and trusted with nothing but cloning: the pid
 * that it reports must be a child of ours.
 *
 * A successor is started early, so that a change of layouts costs no connection its
 * time; a zygote that was never used has no age, so an idle server never wakes.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "privsep/spawn.h"

enum { RETRY_MS = 100, RETRY_DOUBLINGS = 6, FAILURES_MAX = 1000, STRAY_MS = 1000,
	STRAY_TRIES = 10 };

/* ---- what a zygote says ---- */

static int
on_ZYGOTE_READY(struct zygote *z, const struct ipc_ZYGOTE_READY *q)
{
	struct monitor *m = z->m;
	uint8_t schema[IPC_SCHEMA_LEN];

	ipc_schema(schema);
	if (!span_eq(q->schema, span_of(schema, sizeof(schema))))
		return IPC_BROKEN;
	z->state = ZYGOTE_READY;
	z->layers = q->layers;
	if (m->current == NULL) {
		m->current = z;
		m->next = NULL;
		monitor_worker_refill(m);
	} else if (m->current->aged) {
		monitor_zygote_renew(m, "its time is over");
	}
	return 0;
}

static int
on_FORKED(struct zygote *z, const struct ipc_FORKED *q)
{
	if (q->pid > INT_MAX || !monitor_worker_forked(z->m, q->serial, (pid_t)q->pid))
		return IPC_BROKEN;
	return 0;
}

static int
on_ZYGOTE_FAILED(struct zygote *z, const struct ipc_ZYGOTE_FAILED *q)
{
	char text[MONITOR_TEXT_MAX];

	monitor_names_copy(text, sizeof(text), q->text);
	z->lacks_layer = true;
	monitor_zygote_failed(z->m, z, text);
	return 0;
}

static int
dispatch(struct zygote *actor, struct rd r, uint8_t number)
{
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
#define IPC_LINK_Z2M
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

static void
link_ready(struct monitor *m, void *owner, uint32_t events)
{
	struct zygote *z = owner;
	const char *why = NULL;
	ssize_t n;

	(void)events;
	n = ipc_recv_plain(z->link.fd, m->rx, sizeof(m->rx));
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		monitor_zygote_failed(m, z, "it died");
		return;
	}
	if (ipc_admit(IPC_Z2M, z->state == ZYGOTE_STARTING ? P_HELLO : P_SERVE, K_ANY, &z->once,
	    m->rx, (size_t)n, 0, &why) == NULL ||
	    dispatch(z, (struct rd){ m->rx + 1, (size_t)n - 1, false }, m->rx[0]) != 0)
		monitor_zygote_failed(m, z, why != NULL ? why : "it broke messages.def");
}

static void
child_ready(struct monitor *m, void *owner, uint32_t events)
{
	struct zygote *z = owner;
	int signal, status;

	(void)events;
	if (m->os->reap(z->child.fd, &signal, &status) != 1)
		return;
	if (z->state != ZYGOTE_DYING)
		monitor_zygote_failed(m, z, "it died");
	monitor_unwatch(&z->child);
	monitor_zygote_free(m, z);
}

/* ---- starting ---- */

static int
say_setup(struct monitor *m, int link)
{
	uint8_t schema[IPC_SCHEMA_LEN];

	ipc_schema(schema);
	return ipc_send_ZYGOTE_SETUP(link, &(struct ipc_ZYGOTE_SETUP){
	    .schema = span_of(schema, sizeof(schema)), .uid = m->config.worker_uid,
	    .gid = m->config.worker_gid, .layers_required = m->config.layers_required });
}

int
monitor_zygote_start(struct monitor *m)
{
	struct zygote *z = calloc(1, sizeof(*z));
	int pair[2], pidfd, r;

	if (z == NULL)
		return -ENOMEM;
	z->m = m;
	z->state = ZYGOTE_STARTING;
	z->link.fd = z->child.fd = -1;
	r = ipc_pair(pair);
	if (r != 0)
		goto err0;
	r = m->os->spawn(m->dir, "postern-worker", pair[1], &z->pid, &pidfd);
	(void)close(pair[1]);		/* the zygote has its own copy */
	if (r != 0)
		goto err1;
	z->list = m->zygotes;
	m->zygotes = z;
	m->next = z;
	/* from here on its owner cleans up */
	r = monitor_watch(&z->child, m->ep, pidfd, EPOLLIN, child_ready, z);
	if (r != 0) {
		(void)m->os->end(pidfd);	/* what killed it does not matter */
		(void)close(pair[0]);
		monitor_zygote_free(m, z);
		return r;
	}
	r = monitor_watch(&z->link, m->ep, pair[0], EPOLLIN, link_ready, z);
	if (r != 0)
		(void)close(pair[0]);
	else
		r = say_setup(m, pair[0]);
	if (r != 0)
		monitor_zygote_failed(m, z, "it cannot be spoken to");
	return 0;
err1:
	(void)close(pair[0]);
err0:
	free(z);
	return r;
}

static void
start_or_retry(struct monitor *m)
{
	unsigned n = m->zygote_failures;

	if (m->over || m->next != NULL)
		return;
	if (n > 1) {			/* the first time, at once */
		uint64_t wait = (uint64_t)RETRY_MS << (n < RETRY_DOUBLINGS ? n : RETRY_DOUBLINGS);

		monitor_timer_set(m, &m->zygote_timer, monitor_now(m) + wait);
	} else if (monitor_zygote_start(m) != 0) {
		m->zygote_failures++;
		monitor_remark(m, IPC_ERROR, "no zygote can be started");
		start_or_retry(m);
	}
}

/* ---- ending ---- */

static void
end_zygote(struct monitor *m, struct zygote *z)
{
	if (m->current == z)
		m->current = NULL;
	if (m->next == z)
		m->next = NULL;
	z->state = ZYGOTE_DYING;
	monitor_unwatch(&z->link);
	if (z->child.fd >= 0)
		m->os->kill(z->child.fd);
	monitor_worker_retire(m, z);
}

void
monitor_zygote_renew(struct monitor *m, const char *why)
{
	struct zygote *old = m->current;

	if (m->over || old == NULL)
		return;
	monitor_remark(m, IPC_DEBUG, "new layout: %s", why);
	monitor_timer_clear(m, &m->zygote_timer);
	end_zygote(m, old);
	if (m->next != NULL && m->next->state == ZYGOTE_READY) {
		m->current = m->next;
		m->next = NULL;
		monitor_worker_refill(m);
	} else {
		start_or_retry(m);
	}
}

/* A worker of it has got a connection. */
void
monitor_zygote_used(struct monitor *m, struct zygote *z)
{
	const struct ipc_CONFIG *cfg = &m->config;

	if (z == NULL || z != m->current)
		return;
	m->zygote_failures = 0;		/* it works */
	if (z->given++ == 0 && cfg->layout_ms != 0)
		monitor_timer_set(m, &m->zygote_timer, monitor_now(m) + cfg->layout_ms);
	if (cfg->layout_connections == 0)
		return;
	if (z->given >= cfg->layout_connections)
		monitor_zygote_renew(m, "it has served its number of connections");
	else if (z->given >= cfg->layout_connections - cfg->layout_connections / 4)
		start_or_retry(m);
}

/* It died, lied, or never came up. */
void
monitor_zygote_failed(struct monitor *m, struct zygote *z, const char *why)
{
	struct ipc_NOT_SERVING not_serving = { .text = span_str(why) };

	if (z->state == ZYGOTE_DYING || m->over)
		return;
	monitor_remark(m, IPC_ERROR, "zygote %d: %s", (int)z->pid, why);
	if (m->zygote_failures < FAILURES_MAX)
		m->zygote_failures++;
	not_serving.is_sandbox = z->lacks_layer;
	end_zygote(m, z);
	if (!m->serving) {
		/* nothing is queued before SERVING, and nothing comes after this */
		(void)ipc_send_NOT_SERVING(m->app.fd, &not_serving);
		monitor_stop(m, why);
		return;
	}
	if (m->current == NULL && m->next != NULL && m->next->state == ZYGOTE_READY) {
		m->current = m->next;
		m->next = NULL;
		monitor_worker_refill(m);
	} else if (m->current == NULL || m->current->aged) {
		start_or_retry(m);
	}
}

/* The age of the current layout, or the next attempt to start one. */
void
monitor_zygote_timer(struct monitor *m, void *owner)
{
	(void)owner;
	if (m->current != NULL)
		m->current->aged = true;
	if (m->next != NULL && m->next->state == ZYGOTE_READY) {
		monitor_zygote_renew(m, "its time is over");
	} else if (m->next == NULL && monitor_zygote_start(m) != 0) {
		m->zygote_failures++;
		start_or_retry(m);
	}
}

int
monitor_zygote_fork(struct zygote *z, uint64_t serial, int link)
{
	return ipc_send_FORK(z->link.fd, &(struct ipc_FORK){ .serial = serial, .link = link });
}

void
monitor_zygote_free(struct monitor *m, struct zygote *z)
{
	struct zygote **at = &m->zygotes;

	while (*at != NULL && *at != z)
		at = &(*at)->list;
	if (*at == z)
		*at = z->list;
	end_zygote(m, z);
	if (z->child.fd >= 0) {
		int copy = z->child.fd;

		(void)epoll_ctl(z->child.ep, EPOLL_CTL_DEL, copy, NULL);
		z->child.fd = -1;
		(void)m->os->end(copy);	/* it was killed by us */
	}
	monitor_bury(m, &z->dead);
}

/* ---- children whose zygote died before it could name them ---- */

bool
monitor_zygote_knows(void *arg, pid_t pid)
{
	struct monitor *m = arg;

	for (struct zygote *z = m->zygotes; z != NULL; z = z->list)
		if (z->pid == pid)
			return true;
	for (struct worker *w = m->workers; w != NULL; w = w->next)
		if (w->pid == pid)
			return true;
	return false;
}

/* They end with their link, which is closed by now.  Known children are reaped by
 * their pidfd; while one of them is first in line, the next second will do. */
void
monitor_zygote_strays(struct monitor *m, void *owner)
{
	(void)owner;
	while (m->strays > 0 && m->os->reap_stray(monitor_zygote_knows, m))
		m->strays--;
	/* the zygote may have died before it cloned: not looked for forever */
	if (++m->stray_tries >= STRAY_TRIES)
		m->strays = 0;
	if (m->strays > 0)
		monitor_timer_set(m, &m->stray_timer, monitor_now(m) + STRAY_MS);
}
