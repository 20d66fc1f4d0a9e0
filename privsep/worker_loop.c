/*
 * worker_loop.c - a worker's life as turns of one loop.
 *
 * A turn: wait; take the links' messages; read the network once; look at the packets
 * that may be looked at; move data; apply the channels' ends; let time pass; write
 * the network once.  Nothing in it blocks.
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "privsep/worker_state.h"

void
worker_init(struct worker *w, int monitor_link)
{
	w->monitor.fd = monitor_link;
	w->app.fd = -1;
	w->net_in = w->net_out = -1;
	w->phase = L_SPARE;
	w->kex = K_NONE;
	w->now = worker_clock();
	w->login_at = w->trim_at = w->end_at = UINT64_MAX;
	w->poll_monitor = w->poll_app = w->poll_net_in = w->poll_net_out = -1;
}

void
worker_deinit(struct worker *w)
{
	while (w->flows != NULL)
		worker_flow_free(w, w->flows);
	connection_free(w->cn);
	transport_free(w->tr);
	if (w->rx != NULL)
		(void)munmap(w->rx, WORKER_RX_CAP);	/* our own mapping */
	if (w->tx != NULL)
		(void)munmap(w->tx, WORKER_TX_CAP);
	if (w->held != NULL)
		crypto_wipe(w->held, w->held_len);
	free(w->held);
	free(w->banner);
	worker_hostkeys_free(w);
	free(w->polls);
	worker_link_close(&w->monitor);
	worker_link_close(&w->app);
	worker_net_close(w);
	crypto_wipe(w, sizeof(*w));
}

/* What a key exchange needs of the stack, three times over; below are the pages that
 * the kernel keeps free for it to grow into. */
enum { STACK_RELEASED = 192 * 1024, PAGE = 4096 };

/* Key exchange has been there, and wiped its secrets; the pages would stay. */
static void
release_stack(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), end = here - here % PAGE - PAGE;

	(void)madvise((void *)(end - STACK_RELEASED), STACK_RELEASED, MADV_DONTNEED);
}

/* A connection at rest holds no page of the two buffers. */
static void
trim(struct worker *w)
{
	struct flow *f = w->flows;

	if (w->now < w->trim_at) {
		if (w->trim_at == UINT64_MAX && w->last_traffic == w->now)
			w->trim_at = w->now + WORKER_IDLE_MS;
		return;
	}
	if (!transport_idle(w->tr) || w->now - w->last_traffic < WORKER_IDLE_MS) {
		w->trim_at = w->now + WORKER_IDLE_MS;
		return;
	}
	w->trim_at = UINT64_MAX;
	/* advice: if it is not taken, memory stays, and that is all */
	(void)madvise(w->rx, WORKER_RX_CAP, MADV_DONTNEED);
	(void)madvise(w->tx, WORKER_TX_CAP, MADV_DONTNEED);
	for (size_t i = 0; i < w->flow_count; i++, f = f->next) {
		if (f->in_wait.n == 0)
			worker_backlog_free(&f->in_wait);
		if (f->err_wait.n == 0)
			worker_backlog_free(&f->err_wait);
	}
	/* what key exchange and login have freed */
	(void)malloc_trim(0);
	release_stack();
}

static void
tick(struct worker *w)
{
	if (w->end != END_NOT)
		return;
	if (w->now >= transport_deadline(w->tr))
		worker_check(w, transport_tick(w->tr, w->now));
	if (w->now >= w->login_at)
		worker_fail(w, PROTO_E_LOGIN_TIMEOUT);
	if (w->cn != NULL && w->now >= connection_deadline(w->cn))
		worker_check(w, connection_tick(w->cn, w->now));
	trim(w);
}

static void
serve_links(struct worker *w)
{
	if (worker_polled(w, w->poll_monitor, POLLOUT))
		worker_link_flush(&w->monitor);
	if (worker_polled(w, w->poll_app, POLLOUT))
		worker_link_flush(&w->app);
	if (worker_polled(w, w->poll_monitor, POLLIN))
		worker_receive(w, IPC_M2W);
	if (worker_polled(w, w->poll_app, POLLIN)) {
		worker_receive(w, IPC_A2W);
		if ((w->polls[w->poll_app].revents & POLLHUP) != 0 && !worker_app_ready(w))
			w->app.gone = true;
	}
	if (w->app.gone && w->phase == L_OPEN)
		worker_stop(w, 0, span_str("the application is gone"));
}

static void
serve_peer(struct worker *w)
{
	if (worker_polled(w, w->poll_net_in, POLLIN) && worker_net_wants_read(w))
		worker_net_read(w);
	worker_packets(w);
	if (w->cn != NULL) {
		worker_pump_in(w);
		if (w->end == END_NOT) {
			worker_pump_out(w);
			worker_flow_settle(w);
		}
	}
	tick(w);
	worker_net_write(w);
}

bool
worker_turn(struct worker *w, int timeout_ms)
{
	/* no link, nothing to wait for: not even READY could be said */
	worker_poll(w, w->monitor.gone ? 0 : timeout_ms);
	w->now = worker_clock();
	serve_links(w);
	if (w->tr != NULL && w->end < END_BYE)
		serve_peer(w);
	if (w->monitor.gone) {
		/* nobody is left to answer to: a word to the peer, and out */
		worker_stop(w, 0, span_str("our monitor is gone"));
		worker_net_write(w);
		w->end = END_DONE;
	}
	if (w->end != END_NOT)
		worker_end_step(w);
	return w->end != END_DONE;
}
