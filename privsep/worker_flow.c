/*
 * worker_flow.c - the life of a channel's descriptors, and all its ends.
 *
 * The application gives the descriptors; the worker gives back only their end.  The
 * rules, each applied once and in this order:
 *   peer's EOF or CLOSE   all its bytes first, then: a socket is shut for writing, a
 *                         pipe is closed, a pty is left alone
 *   read 0 or EIO         SSH EOF; of pipes when both are at their end
 *   EXIT (trusted side)   pipes to their end, others until empty; EOF; CLOSE
 *   CLOSE (trusted side)  until empty, but no longer than close_ms; EOF; CLOSE
 *   CLOSE (peer)          its bytes first, then our CLOSE; of a program that has ended
 *                         its output EXIT is on its way, and CLOSE waits for it
 * Our CLOSE never follows from a hang-up alone.  After both CLOSEs, and with all
 * delivered, the channel is over and its descriptors are closed.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/worker_tell.h"

struct flow *
worker_flow_new(struct worker *w, struct channel *ch)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		worker_fail(w, PROTO_E_LOCAL_MEMORY);
		return NULL;
	}
	f->ch = ch;
	f->in = f->out = f->err = -1;
	f->poll_in = f->poll_out = f->poll_err = -1;
	f->close_at = UINT64_MAX;
	if (w->flows == NULL) {
		f->next = f->prev = f;
		w->flows = f;
	} else {
		f->next = w->flows;
		f->prev = w->flows->prev;
		f->prev->next = f;
		f->next->prev = f;
	}
	w->flow_count++;
	ch->owner = f;
	return f;
}

struct flow *
worker_flow_find(struct worker *w, uint64_t serial)
{
	struct channel *ch = w->cn == NULL ? NULL : connection_find(w->cn, serial);

	return ch == NULL ? NULL : ch->owner;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);	/* sockets, pipes, ptys: nothing is lost here */
	*fd = -1;
}

static void
close_all(struct flow *f)
{
	if (f->in == f->out)
		f->in = -1;
	close_fd(&f->in);
	close_fd(&f->out);
	close_fd(&f->err);
}

void
worker_flow_free(struct worker *w, struct flow *f)
{
	if (w->run.flow == f)
		w->run = (struct run){ 0 };
	close_all(f);
	worker_backlog_free(&f->in_wait);
	worker_backlog_free(&f->err_wait);
	if (w->flows == f)
		w->flows = f->next == f ? NULL : f->next;
	f->prev->next = f->next;
	f->next->prev = f->prev;
	w->flow_count--;
	free(f);
}

void
worker_flow_take(struct worker *w, struct flow *f, enum flow_kind kind, int in, int out, int err)
{
	f->kind = kind;
	f->in = in;
	f->out = out;
	f->err = err;
	if (f->close_at != UINT64_MAX && !f->closing && w->role == SSH_CLIENT)
		f->close_at = UINT64_MAX;	/* a reader was found: it may take its time */
	/* Only now is it known that the peer's second stream has no descriptor. */
	if (kind != FLOW_SOCKETS && f->err_wait.n > 0) {
		if (!worker_backlog_add(&f->in_wait, f->ch->window_max + (size_t)WINDOW_MIN,
		    &f->err_wait.p[f->err_wait.start], f->err_wait.n))
			worker_fail(w, PROTO_E_LOCAL_MEMORY);
		worker_backlog_free(&f->err_wait);
	}
}

void
worker_flow_close(struct worker *w, struct flow *f, bool to_the_end)
{
	f->closing = true;
	f->to_the_end = to_the_end;
	/* the application may tell the end before it has answered the request: CLOSE
	 * waits for that answer, for behind CLOSE it could not be sent */
	if (to_the_end)
		return;
	f->start_question = 0;
	if (w->close_ms > 0)
		f->close_at = w->now + w->close_ms;
	/* it wants nothing more of the peer */
	f->in_dead = f->err_dead = true;
	worker_backlog_free(&f->in_wait);
	worker_backlog_free(&f->err_wait);
}

static bool
is_delivered(const struct worker *w, const struct flow *f)
{
	return f->in_wait.n == 0 && f->err_wait.n == 0 && w->run.flow != f;
}

bool
worker_flow_undelivered(const struct worker *w)
{
	const struct flow *f = w->flows;

	for (size_t i = 0; i < w->flow_count; i++, f = f->next)
		if (f->kind != FLOW_NONE && !is_delivered(w, f))
			return true;
	return false;
}

/* The peer will send no more, and all that it sent was delivered. */
static void
pass_end(struct worker *w, struct flow *f)
{
	if (f->end_passed || f->kind == FLOW_NONE || !is_delivered(w, f) ||
	    !(f->ch->eof_in || f->ch->close_in))
		return;
	f->end_passed = true;
	/* the other end may be gone already: then there is nobody to tell */
	if (f->kind == FLOW_SOCKET || f->kind == FLOW_SOCKETS)
		(void)shutdown(f->in, SHUT_WR);
	if (f->kind == FLOW_SOCKETS)
		(void)shutdown(f->err, SHUT_WR);
	if (f->kind == FLOW_PIPES)
		close_fd(&f->in);
	if (f->ch->eof_in)
		worker_must(w, worker_tell_PEER_EOF(w,
		    &(struct ipc_PEER_EOF){ .chan = f->ch->serial }));
}

static bool
reads_err(const struct worker *w, const struct flow *f)
{
	return f->kind == FLOW_PIPES || (f->kind == FLOW_SOCKETS && w->role == SSH_SERVER);
}

static bool
out_is_over(const struct worker *w, const struct flow *f)
{
	if (f->kind == FLOW_NONE)
		return f->closing;
	return f->out_ended && (f->err_ended || !reads_err(w, f));
}

/* A client that has our EOF may send CLOSE before its program is reaped. */
static bool
awaits_exit(const struct worker *w, const struct flow *f)
{
	return w->role == SSH_SERVER && f->ch->is_session && f->kind != FLOW_NONE &&
	    !f->closing && out_is_over(w, f);
}

/* Without a program a channel is its bytes: where both directions have ended, or ours
 * has and nobody takes the peer's, it is over.  Some clients wait for us to say so. */
static bool
is_spent(const struct flow *f)
{
	const struct channel *ch = f->ch;

	return !ch->is_session && ch->state == CH_OPEN && ch->eof_out &&
	    (f->in_dead || (ch->eof_in && f->end_passed));
}

static void
settle_one(struct worker *w, struct flow *f)
{
	struct channel *ch = f->ch;
	bool late = w->now >= f->close_at;

	pass_end(w, f);
	if (out_is_over(w, f) && ch->state == CH_OPEN && !ch->eof_out && !ch->close_out &&
	    !ch->close_in)
		worker_check(w, connection_eof(w->cn, ch));
	if (!ch->close_out && (is_spent(f) || (f->closing && (late || out_is_over(w, f))) ||
	    (ch->close_in && (late || (is_delivered(w, f) && !awaits_exit(w, f))))))
		worker_check(w, connection_close(w->cn, ch));
	if (late)
		f->close_at = UINT64_MAX;
	if (!connection_is_over(ch) || (!f->closing && !late && !is_delivered(w, f)))
		return;
	worker_must(w, worker_tell_CHANNEL_OVER(w, &(struct ipc_CHANNEL_OVER){
	    .chan = ch->serial, .had_eof = ch->eof_in }));
	worker_flow_free(w, f);
	connection_release(w->cn, ch);
}

void
worker_flow_settle(struct worker *w)
{
	struct flow *f = w->flows, *next;
	size_t n = w->flow_count;

	for (size_t i = 0; i < n; i++, f = next) {
		next = f->next;
		if (w->end != END_NOT || !transport_has_room(w->tr, CONNECTION_ROOM))
			return;
		settle_one(w, f);
	}
}

/* The connection is over, and nobody settles any more.  Where the peer's CLOSE had
 * come and all before it was delivered nothing is missing, and its user may know. */
void
worker_flow_tell_over(struct worker *w)
{
	const struct flow *f = w->flows;

	for (size_t i = 0; i < w->flow_count; i++, f = f->next)
		if (f->ch->close_in && is_delivered(w, f))
			worker_must(w, worker_tell_CHANNEL_OVER(w, &(struct ipc_CHANNEL_OVER){
			    .chan = f->ch->serial, .had_eof = f->ch->eof_in }));
}

/* When settling has something to do without being woken. */
uint64_t
worker_flow_deadline(const struct worker *w)
{
	const struct flow *f = w->flows;
	uint64_t at = UINT64_MAX;

	if (w->flow_count == 0 || !transport_has_room(w->tr, CONNECTION_ROOM))
		return at;
	for (size_t i = 0; i < w->flow_count; i++, f = f->next)
		if (f->close_at < at)
			at = f->close_at;
	return at;
}
