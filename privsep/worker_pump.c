/*
 * worker_pump.c - the data plane: one copy in, one copy out, few system calls.
 *
 * Out: one readv from a channel's descriptor straight into the payload areas of up
 * to WORKER_BATCH packets, sealed in place, one write to the network.  In: payloads
 * of consecutive data packets, decrypted in place, go out in one writev.  Only what a
 * descriptor does not take is copied, and window is given back for what has left, so
 * an undrained channel stops its own window and nobody else's.
 *
 * The bytes are the peer's or the program's; nothing here looks at them.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "privsep/worker_state.h"

/* Where a stream of the peer's goes. */
struct target {
	int fd;			/* -1: nowhere yet */
	struct backlog *wait;	/* NULL: nobody wants it */
	bool *dead;
};

static struct target
target_of(const struct worker *w, struct flow *f, uint32_t ext)
{
	bool has_err = f->kind == FLOW_NONE || f->kind == FLOW_SOCKETS;

	/* extended data towards a program: RFC 4254 5.2 defines none */
	if (ext > 1 || (ext == 1 && w->role == SSH_SERVER))
		return (struct target){ -1, NULL, NULL };
	if (ext == 1 && has_err)
		return (struct target){ f->err, &f->err_wait, &f->err_dead };
	return (struct target){ f->in, &f->in_wait, &f->in_dead };
}

static void
taken(struct worker *w, struct flow *f, size_t n)
{
	if (n > 0 && w->end == END_NOT && !f->ch->close_in && !f->ch->close_out)
		worker_check(w, connection_taken(w->cn, f->ch, (uint32_t)n));
}

static const char eow[] = "eow@openssh.com";

/* OpenSSH PROTOCOL 2.1; of other servers some end the connection over it. */
static bool
peer_knows_eow(const struct worker *w)
{
	struct transport_agreed a;

	transport_agreed(w->tr, &a);
	return strncmp(a.peer_version, "SSH-2.0-OpenSSH", 15) == 0 ||
	    strncmp(a.peer_version, "SSH-2.0-Postern", 15) == 0;
}

/* The reader left.  The peer's program should know, or it writes for ever. */
static void
reader_left(struct worker *w, struct flow *f, const struct target *t)
{
	*t->dead = true;
	if (w->role == SSH_CLIENT && t->dead == &f->in_dead && f->ch->is_session &&
	    f->ch->state == CH_OPEN && w->end == END_NOT && peer_knows_eow(w))
		worker_check(w, connection_request(w->cn, f->ch, 0, &(struct request){
		    .kind = RQ_OTHER, .name = span_str(eow) }));
}

/* The peer's reader left: its program here finds a broken pipe. */
bool
worker_pump_is_eow(struct worker *w, struct flow *f, const struct request *r)
{
	if (r->kind != RQ_OTHER || !span_is(r->name, eow))
		return false;
	if (w->role == SSH_SERVER && f->kind == FLOW_PIPES && f->out >= 0) {
		(void)close(f->out);	/* a pipe: what is in it is wanted by nobody */
		f->out = -1;
		f->out_ended = true;
	} else if (w->role == SSH_SERVER && (f->kind == FLOW_SOCKET || f->kind == FLOW_SOCKETS)) {
		(void)shutdown(f->out, SHUT_RD);	/* the other end may be gone too */
		f->out_ended = true;
	}
	return true;
}

static bool
is_temporary(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* ---- the run ---- */

static void
drop_run(struct worker *w)
{
	w->run.flow = NULL;
	w->run.first = w->run.count = 0;
	w->run.parked_until = 0;
}

/* n of its bytes have left. */
static void
advance(struct run *run, size_t n)
{
	while (run->first < run->count && n >= run->iov[run->first].iov_len)
		n -= run->iov[run->first++].iov_len;
	if (n > 0) {
		struct iovec *v = &run->iov[run->first];
		uint8_t *p = v->iov_base;

		*v = (struct iovec){ &p[n], v->iov_len - n };
	}
}

static void
write_run(struct worker *w, const struct target *t)
{
	struct run *run = &w->run;
	ssize_t n;

	if (t->wait == NULL || *t->dead || t->fd < 0 || t->wait->n > 0)
		return;
	n = writev(t->fd, &run->iov[run->first], (int)(run->count - run->first));
	if (n < 0 && !is_temporary(errno))
		reader_left(w, run->flow, t);
	if (n > 0) {
		advance(run, (size_t)n);
		taken(w, run->flow, (size_t)n);
	}
}

/* What is left of the run waits in its channel's backlog, or is wanted by nobody. */
static void
put_back(struct worker *w, const struct target *t)
{
	struct run *run = &w->run;
	size_t max = (size_t)run->flow->ch->window_max + WINDOW_MIN;

	for (size_t i = run->first; i < run->count; i++) {
		if (t->wait == NULL || *t->dead)
			taken(w, run->flow, run->iov[i].iov_len);
		else if (!worker_backlog_add(t->wait, max, run->iov[i].iov_base,
		    run->iov[i].iov_len))
			worker_fail(w, PROTO_E_LOCAL_MEMORY);
	}
	drop_run(w);
}

/* A reader at work will take more in a moment: that saves a copy, and the next read
 * of the network finds more.  One who is not costs the other channels this moment
 * once, for then he has a backlog, and goes through it until it is empty. */
static bool
may_wait(const struct worker *w, const struct target *t)
{
	return t->wait != NULL && !*t->dead && t->fd >= 0 && w->end == END_NOT &&
	    (t->wait->n == 0 || w->flow_count == 1);
}

static void
park(struct worker *w)
{
	w->run.parked_until = w->now + (w->flow_count == 1 ? WORKER_PARK_ALONE_MS : WORKER_PARK_MS);
}

void
worker_pump_flush(struct worker *w, bool may_park)
{
	struct run *run = &w->run;
	struct target t;

	if (run->flow == NULL)
		return;
	t = target_of(w, run->flow, run->ext);
	if (run->parked_until == 0)
		write_run(w, &t);
	if (run->first == run->count) {
		drop_run(w);
	} else if (!may_park || !may_wait(w, &t)) {
		put_back(w, &t);
	} else if (run->parked_until == 0) {
		park(w);
	}
}

bool
worker_pump_unpark(struct worker *w)
{
	struct run *run = &w->run;
	struct target t;
	int place;

	if (run->flow == NULL)
		return true;
	t = target_of(w, run->flow, run->ext);
	place = t.fd == run->flow->err && t.fd >= 0 ? run->flow->poll_err : run->flow->poll_in;
	if (worker_polled(w, place, POLLOUT))
		write_run(w, &t);
	worker_pump_flush(w, w->now < run->parked_until);
	return run->flow == NULL;
}

bool
worker_pump_waits(const struct worker *w, const struct flow *f, uint32_t ext)
{
	bool parked = w->run.flow == f;
	bool to_err = f->kind == FLOW_SOCKETS && w->run.ext == 1;

	if (ext == 0)
		return !f->in_dead && (f->in_wait.n > 0 || (parked && !to_err));
	return !f->err_dead && (f->err_wait.n > 0 || (parked && to_err));
}

void
worker_pump_data(struct worker *w, struct flow *f, uint32_t ext, struct span data)
{
	struct run *run = &w->run;

	if (data.n == 0)
		return;
	if (run->flow != f || run->ext != ext || run->count == WORKER_IOV)
		worker_pump_flush(w, false);
	run->flow = f;
	run->ext = ext;
	run->iov[run->count++] = (struct iovec){ (void *)(uintptr_t)data.p, data.n };
}

/* ---- backlogs ---- */

static void
write_backlog(struct worker *w, struct flow *f, const struct target *t)
{
	struct backlog *b = t->wait;
	size_t all = b->n;
	ssize_t n = write(t->fd, &b->p[b->start], b->n);

	if (n < 0 && is_temporary(errno))
		return;
	if (n < 0) {
		reader_left(w, f, t);
		worker_backlog_free(b);
		taken(w, f, all);
		return;
	}
	worker_backlog_took(b, (size_t)n);
	taken(w, f, (size_t)n);
	if (w->run.flow == f && w->flow_count == 1)
		park(w);	/* what is parked behind it will have its turn */
	/* whoever still reads after the peer has left is given the time to */
	if (w->close_ms > 0 && w->end == END_LINGER && w->deliver)
		w->end_at = w->now + w->close_ms;
	if (w->close_ms > 0 && !f->closing && f->close_at != UINT64_MAX)
		f->close_at = w->now + w->close_ms;
}

void
worker_pump_in(struct worker *w)
{
	struct flow *f = w->flows;

	for (size_t i = 0; i < w->flow_count; i++, f = f->next) {
		struct target in = target_of(w, f, 0), err = { f->err, &f->err_wait, &f->err_dead };

		if (f->in_wait.n > 0 && worker_polled(w, f->poll_in, POLLOUT))
			write_backlog(w, f, &in);
		if (f->err_wait.n > 0 && worker_polled(w, f->poll_err, POLLOUT))
			write_backlog(w, f, &err);
	}
}

/* ---- out ---- */

/* Reads without being told that there is something: to find out that it is empty. */
static bool
until_empty(const struct flow *f)
{
	return f->closing && (!f->to_the_end || f->kind != FLOW_PIPES);
}

bool
worker_pump_wants(const struct worker *w, const struct flow *f, uint32_t ext)
{
	bool has_err = f->kind == FLOW_PIPES || (f->kind == FLOW_SOCKETS && w->role == SSH_SERVER);

	if (ext == 0 ? f->out < 0 || f->out_ended : f->err < 0 || f->err_ended || !has_err)
		return false;
	return f->start_question == 0 && f->ch->state == CH_OPEN && w->end == END_NOT &&
	    !w->net_dead && !f->ch->close_in && transport_can_send(w->tr) &&
	    transport_pending(w->tr).n < WORKER_TX_LOW &&
	    transport_has_data_room(w->tr, f->ch->peer_packet) &&
	    connection_may_send(w->cn, f->ch) > 0;
}

/* One read of a descriptor into packets.  True: it filled them, there may be more. */
static bool
batch(struct worker *w, struct flow *f, uint32_t ext)
{
	struct iovec iov[WORKER_BATCH];
	bool *ended = ext == 0 ? &f->out_ended : &f->err_ended;
	size_t count, room = 0;
	ssize_t n;

	count = transport_data_begin(w->tr, f->ch->remote, ext, f->ch->peer_packet,
	    connection_may_send(w->cn, f->ch), iov, WORKER_BATCH);
	if (count == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		room += iov[i].iov_len;
	n = readv(ext == 0 ? f->out : f->err, iov, (int)count);
	if (n == 0 || (n < 0 && !is_temporary(errno)))
		*ended = true;		/* read 0, and a pty's EIO */
	else if (n < 0 && errno == EAGAIN && until_empty(f))
		*ended = true;
	worker_check(w, transport_data_end(w->tr, n > 0 ? (size_t)n : 0));
	if (n <= 0)
		return false;
	connection_sent(w->cn, f->ch, (uint32_t)n);
	return (size_t)n == room;
}

/* One round over all channels.  True: another may move more. */
static bool
one_round(struct worker *w, bool first)
{
	struct flow *f = w->flows;
	bool more = false;

	for (size_t i = 0; i < w->flow_count; i++, f = f->next) {
		for (uint32_t ext = 0; ext <= 1; ext++) {
			bool *ready = ext == 0 ? &f->out_ready : &f->err_ready;

			if (first)
				*ready = worker_polled(w, ext == 0 ? f->poll_out : f->poll_err,
				    POLLIN);
			if (!(*ready || until_empty(f)) || !worker_pump_wants(w, f, ext))
				continue;
			*ready = batch(w, f, ext);
			more = more || *ready;
			if (transport_pending(w->tr).n >= WORKER_TX_LOW)
				worker_net_write(w);
		}
	}
	return more;
}

void
worker_pump_out(struct worker *w)
{
	if (w->flows == NULL)
		return;
	for (int i = 0; i < WORKER_ROUNDS; i++)
		if (!one_round(w, i == 0) || w->net_blocked)
			break;
	w->flows = w->flows->next;	/* who is asked first changes */
}

/* Something to read at once, without a poll to say so. */
bool
worker_pump_urgent(const struct worker *w)
{
	const struct flow *f = w->flows;

	for (size_t i = 0; i < w->flow_count; i++, f = f->next)
		if (until_empty(f) && (worker_pump_wants(w, f, 0) || worker_pump_wants(w, f, 1)))
			return true;
	return false;
}
