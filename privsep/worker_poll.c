/*
 * worker_poll.c - what a turn waits for: descriptors of which something is wanted
 * now, and the nearest deadline.
 *
 * A descriptor of which nothing is wanted is left out, hang-up and all: an undrained
 * channel or a closed window must not make the loop spin.  ppoll and not poll, which
 * the kernel restarts by a call that the filter does not allow.
 */
#include <stdlib.h>
#include <time.h>

#include "privsep/worker_state.h"

enum { POLL_LINKS = 4 };

uint64_t
worker_clock(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* cannot fail for this clock */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
worker_deadline(const struct worker *w)
{
	uint64_t at;

	if (w->end != END_NOT)
		return w->end_at;
	at = earlier(w->login_at, w->trim_at);
	if (w->run.flow != NULL)
		at = earlier(at, w->run.parked_until);
	if (w->tr != NULL)
		at = earlier(at, transport_deadline(w->tr));
	if (w->cn != NULL) {
		at = earlier(at, connection_deadline(w->cn));
		at = earlier(at, worker_flow_deadline(w));
		if (worker_pump_urgent(w))
			at = 0;
	}
	return at;
}

static int
place(struct worker *w, int fd, int events)
{
	if (fd < 0 || events == 0)
		return -1;
	w->polls[w->polls_n] = (struct pollfd){ .fd = fd, .events = (short)events };
	return (int)w->polls_n++;
}

static void
place_flow(struct worker *w, struct flow *f)
{
	int in = worker_pump_waits(w, f, 0) ? POLLOUT : 0;
	int out = worker_pump_wants(w, f, 0) ? POLLIN : 0;
	int err = worker_pump_waits(w, f, 1) ? POLLOUT : 0;

	f->poll_in = f->poll_out = f->poll_err = -1;
	if (f->kind == FLOW_NONE)
		return;
	if (worker_pump_wants(w, f, 1))
		err |= POLLIN;
	f->poll_err = place(w, f->err, err);
	if (f->in == f->out) {
		f->poll_in = f->poll_out = place(w, f->in, in | out);
	} else {
		f->poll_in = place(w, f->in, in);
		f->poll_out = place(w, f->out, out);
	}
}

static bool
make_places(struct worker *w)
{
	size_t need = POLL_LINKS + WORKER_FDS_PER_CHANNEL * w->flow_count;
	struct pollfd *grown;

	if (need <= w->polls_cap)
		return true;
	need *= 2;
	if ((grown = reallocarray(w->polls, need, sizeof(*grown))) == NULL)
		return false;
	w->polls = grown;
	w->polls_cap = need;
	return true;
}

static void
place_links(struct worker *w)
{
	int monitor = w->monitor.gone ? 0 : POLLIN;
	/* Its hang-up is seen even while its messages are not taken. */
	int app = w->app.gone || w->end != END_NOT ? 0 : worker_app_ready(w) ? POLLIN : POLLPRI;
	int net = worker_net_wants_read(w) ? POLLIN : 0;

	w->poll_monitor = place(w, w->monitor.fd,
	    monitor | (w->monitor.first != NULL ? POLLOUT : 0));
	w->poll_app = place(w, w->app.fd, app | (w->app.first != NULL ? POLLOUT : 0));
	w->poll_net_in = place(w, w->net_in, net);
	w->poll_net_out = place(w, w->net_out, w->net_blocked ? POLLOUT : 0);
}

void
worker_poll(struct worker *w, int timeout_ms)
{
	uint64_t at, now = worker_clock(), wait;
	struct timespec ts;
	struct flow *f = w->flows;

	w->polls_n = 0;
	if (!make_places(w)) {
		worker_fail(w, PROTO_E_LOCAL_MEMORY);
		return;
	}
	place_links(w);
	for (size_t i = 0; i < w->flow_count; i++, f = f->next)
		place_flow(w, f);
	at = worker_deadline(w);
	wait = at > now ? at - now : 0;
	if (timeout_ms >= 0)
		wait = earlier(wait, (uint64_t)timeout_ms);
	ts.tv_sec = (time_t)(wait / 1000);
	ts.tv_nsec = (long)(wait % 1000) * 1000000;
	if (ppoll(w->polls, w->polls_n, at == UINT64_MAX && timeout_ms < 0 ? NULL : &ts,
	    NULL) < 0)
		w->polls_n = 0;		/* a signal: nothing is known to be ready */
}

bool
worker_polled(const struct worker *w, int at, short events)
{
	return at >= 0 && (size_t)at < w->polls_n &&
	    (w->polls[at].revents & (events | POLLHUP | POLLERR | POLLNVAL)) != 0;
}
