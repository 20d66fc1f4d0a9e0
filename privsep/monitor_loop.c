/*
 * monitor_loop.c - the monitor's life: made, turned, freed.
 *
 * One turn takes from each worker at most one message, rekeys of logged-in
 * connections before everybody else's logins.  When the application goes, by its
 * link or by its death, everything goes: no process of ours outlives it.
 */
#include "privsep/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, WORKER_EVENTS_MAX = 256, STRAY_WAITS = 50, STRAY_WAIT_MS = 10 };

int
monitor_watch(struct watch *w, int ep, int fd, uint32_t events,
    void (*ready)(struct monitor *, void *, uint32_t), void *owner)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	*w = (struct watch){ .fd = fd, .ep = ep, .ready = ready, .owner = owner };
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0) {
		w->fd = -1;
		return -errno;
	}
	return 0;
}

int
monitor_release(struct watch *w)
{
	int fd = w->fd;

	if (fd >= 0)
		(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, fd, NULL);	/* it is in there */
	w->fd = -1;
	return fd;
}

void
monitor_unwatch(struct watch *w)
{
	int fd = monitor_release(w);

	if (fd >= 0)
		(void)close(fd);	/* nothing buffered is lost */
}

void
monitor_bury(struct monitor *m, struct dead *d)
{
	d->next = m->dead;
	m->dead = d;
}

static void
free_dead(struct monitor *m)
{
	while (m->dead != NULL) {
		struct dead *d = m->dead;

		m->dead = d->next;
		free(d);
	}
}

uint64_t
monitor_now(const struct monitor *m)
{
	return m->os->now_ms();
}

void
monitor_remark(struct monitor *m, enum ipc_level level, const char *fmt, ...)
{
	char text[MONITOR_TEXT_MAX];
	va_list ap;

	if (m->phase == P_HELLO || (m->configured && level > m->config.log_level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);	/* cut to fit */
	va_end(ap);
	tell_REMARK(m, &(struct ipc_REMARK){ .level = (uint8_t)level,
	    .text = span_str(text) });
}

void
monitor_stop(struct monitor *m, const char *why)
{
	struct ipc_REMARK remark = { .level = IPC_ERROR };
	char text[MONITOR_TEXT_MAX];

	if (m->over)
		return;
	m->over = true;
	(void)snprintf(text, sizeof(text), "the monitor ends: %s", why);
	remark.text = span_str(text);
	if (m->app.fd >= 0)	/* the last word; nobody may be there to hear it */
		(void)ipc_send_REMARK(m->app.fd, &remark);
}

static void
host_died(struct monitor *m, void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	m->over = true;
}

/* The set of all workers: rekeys first, so that a storm of new connections does
 * not stall those that are logged in. */
static void
workers_ready(struct monitor *m, void *owner, uint32_t events)
{
	struct epoll_event ev[WORKER_EVENTS_MAX];
	int n;

	(void)owner;
	(void)events;
	n = epoll_wait(m->worker_ep, ev, WORKER_EVENTS_MAX, 0);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < n && !m->over; i++) {
			struct watch *w = ev[i].data.ptr;
			struct worker *worker = w->owner;
			bool first = worker->conn != NULL && worker->conn->phase == L_OPEN;

			if (w->fd < 0 || ev[i].events == 0 || (pass == 0 && !first))
				continue;
			/* what a message leads to may pause the workers: the
			 * rest of this round is reported again later */
			if (m->workers_paused)
				return;
			w->ready(m, w->owner, ev[i].events);
			ev[i].events = 0;
		}
}

static int
watch_links(struct monitor *m, int link, int host_pidfd)
{
	if (monitor_watch(&m->worker_set, m->ep, m->worker_ep, EPOLLIN, workers_ready, m) != 0)
		return -1;
	if (host_pidfd >= 0 &&
	    monitor_watch(&m->host, m->ep, host_pidfd, EPOLLIN, host_died, m) != 0)
		return -1;
	return monitor_watch(&m->app, m->ep, link, EPOLLIN, monitor_app_ready, m);
}

struct monitor *
monitor_new(const struct monitor_os *os, const char *dir, int link, int host_pidfd)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->os = os;
	m->phase = P_HELLO;
	m->app.fd = m->host.fd = m->worker_set.fd = -1;
	m->queue.last = &m->queue.first;
	m->waiting_last = &m->waiting;
	monitor_names_copy(m->dir, sizeof(m->dir), span_str(dir));
	m->ep = epoll_create1(EPOLL_CLOEXEC);
	m->worker_ep = epoll_create1(EPOLL_CLOEXEC);
	if (m->ep < 0 || m->worker_ep < 0 ||
	    monitor_timer_init(m, &m->zygote_timer, monitor_zygote_timer, m) != 0 ||
	    monitor_timer_init(m, &m->stray_timer, monitor_zygote_strays, m) != 0 ||
	    watch_links(m, link, host_pidfd) != 0) {
		monitor_free(m);
		return NULL;
	}
	return m;
}

/* At exit only: kills everyone first and waits for them afterwards. */
static void
end_children(struct monitor *m)
{
	struct timespec pause = { 0, STRAY_WAIT_MS * 1000000 };
	bool nameless = false;

	for (struct zygote *z = m->zygotes; z != NULL; z = z->list)
		if (z->child.fd >= 0)
			m->os->kill(z->child.fd);
	for (struct worker *w = m->workers; w != NULL; w = w->next)
		if (w->child.fd >= 0)
			m->os->kill(w->child.fd);
	while (m->zygotes != NULL)
		monitor_zygote_free(m, m->zygotes);
	while (m->workers != NULL) {
		nameless = nameless || m->workers->pid == 0;
		monitor_worker_free(m->workers);
	}
	monitor_keys_free(m);
	monitor_moduli_free(m->moduli);
	monitor_revoked_free(&m->revoked);
	/* a worker that its zygote had not named yet ends with its link */
	for (int i = 0; i < STRAY_WAITS && (nameless || m->strays > 0); i++)
		if (!m->os->reap_stray(monitor_zygote_knows, m))
			(void)nanosleep(&pause, NULL);	/* bounded either way */
}

void
monitor_free(struct monitor *m)
{
	if (m == NULL)
		return;
	m->over = true;
	for (size_t i = 0; i < MONITOR_BUCKETS; i++)
		while (m->table[i] != NULL)
			monitor_conn_free(m->table[i]);
	end_children(m);
	monitor_unwatch(&m->host);
	monitor_unwatch(&m->app);
	monitor_unwatch(&m->worker_set);	/* closes worker_ep */
	if (m->ep >= 0)
		(void)close(m->ep);	/* holds nothing */
	monitor_queue_free(&m->queue);
	free_dead(m);
	free(m->timers.heap);
	crypto_wipe(m, sizeof(*m));
	free(m);
}

bool
monitor_turn(struct monitor *m, int max_ms)
{
	struct epoll_event ev[EVENTS_MAX];
	int wait = monitor_timer_wait(m, monitor_now(m)), n;

	if (m->over)
		return false;
	if (max_ms >= 0 && (wait < 0 || wait > max_ms))
		wait = max_ms;
	n = epoll_wait(m->ep, ev, EVENTS_MAX, wait);
	if (n < 0 && errno != EINTR)
		monitor_stop(m, "epoll_wait failed");
	for (int i = 0; i < n && !m->over; i++) {
		struct watch *w = ev[i].data.ptr;

		if (w->fd >= 0)
			w->ready(m, w->owner, ev[i].events);
	}
	monitor_timer_run(m, monitor_now(m));
	free_dead(m);
	return !m->over;
}
