/*
 * worker_net.c - the network: bytes in, packets looked at, bytes out.
 *
 * Everything read here is hostile.  A packet is looked at only when all that it may
 * cause can be carried: room for replies, both links free, no verdict outstanding,
 * not too many questions.  Else it stays in the buffer, the buffer fills, and the
 * kernel slows the peer down.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/worker_tell.h"

static bool
may_handle(const struct worker *w)
{
	/* Our output is stopped until the peer's KEXINIT, which is behind what it sent
	 * before: the transport bounds what those packets may cause. */
	return w->tr != NULL && w->end == END_NOT && w->wait == WAIT_NOTHING &&
	    !worker_clogged(w) &&
	    (transport_in_kex(w->tr) || transport_has_room(w->tr, CONNECTION_ROOM)) &&
	    (w->cn == NULL || !connection_is_full(w->cn));
}

bool
worker_net_wants_read(struct worker *w)
{
	size_t room = 0;

	if (w->net_in < 0 || w->tr == NULL || w->net_eof || w->end != END_NOT ||
	    w->run.flow != NULL)
		return false;
	(void)transport_rx_room(w->tr, &room);
	return room > 0;
}

static const char *
cut_reason(int error)
{
	switch (error) {
	case ECONNRESET:
		return "the network connection was reset";
	case ETIMEDOUT:
		return "the network connection timed out";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "the peer became unreachable";
	default:
		return "the network connection failed";
	}
}

void
worker_net_read(struct worker *w)
{
	size_t most = w->phase == L_OPEN ? WORKER_READ_MAX : WORKER_READ_EARLY;
	size_t room = 0;
	uint8_t *p = transport_rx_room(w->tr, &room);
	ssize_t n;

	if (room == 0)
		return;
	n = read(w->net_in, p, room < most ? room : most);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	w->starved = false;
	if (n > 0) {
		transport_rx_add(w->tr, (size_t)n);
		w->last_traffic = w->now;
		return;
	}
	w->net_eof = true;
	if (n < 0)
		w->cut_text = cut_reason(errno);
	else if (w->cut_text == NULL)
		w->cut_text = "the peer closed the network connection without a goodbye";
}

static void
handle_packet(struct worker *w, const struct transport_event *ev)
{
	if (ev->number >= SSH_MSG_GLOBAL_REQUEST) {
		if (w->cn != NULL)
			worker_events_packet(w, ev->payload);
		else
			worker_fail(w, PROTO_E_MESSAGE_ORDER);
	} else if (w->role == SSH_SERVER) {
		worker_auth_packet(w, ev->payload);
	} else {
		worker_login_packet(w, ev->payload);
	}
}

static void
handle(struct worker *w, const struct transport_event *ev)
{
	switch (ev->type) {
	case TE_NONE:
		break;
	case TE_PACKET:
		handle_packet(w, ev);
		break;
	case TE_GROUP:
		worker_kex_ask_group(w, ev);
		break;
	case TE_SIGN:
		worker_kex_sign(w, ev);
		break;
	case TE_VERIFY:
		worker_kex_verify(w, ev);
		break;
	case TE_KEYS:
		worker_kex_keys(w);
		break;
	case TE_SIG_ALGS:
		if (!worker_tell_LOGIN_SIG_ALGS(w,
		    &(struct ipc_LOGIN_SIG_ALGS){ .algs = ev->payload,
		    .hostbound = ev->hostbound }))
			worker_note(w, IPC_VERBOSE, span_str("server-sig-algs is too long"));
		break;
	case TE_DISCONNECT:
		worker_peer_left(w, ev->disconnect, ev->payload);
		break;
	case TE_DEBUG:
		worker_note(w, IPC_DEBUG, ev->payload);
		break;
	case TE_ERROR:
		w->ours = ev->ours;
		w->theirs = ev->theirs;
		worker_fail(w, ev->error);
		break;
	}
}

/* The next packet would overwrite what the run points to, if that was inflated. */
static bool
run_is_safe(struct worker *w)
{
	if (!transport_payload_is_brief(w->tr))
		return true;
	worker_pump_flush(w, true);
	return w->run.flow == NULL;
}

void
worker_packets(struct worker *w)
{
	struct transport_event ev = { 0 };

	if (!worker_pump_unpark(w))
		return;
	while (!w->starved && may_handle(w) && run_is_safe(w)) {
		transport_next(w->tr, w->now, &ev);
		w->starved = ev.type == TE_NONE;
		handle(w, &ev);
	}
	worker_pump_flush(w, true);
	/* The end of the network comes after all that came before it.  While the
	 * monitor is asked nothing more will be looked at: the peer does not wait for
	 * the answer any more, so neither do we. */
	if (w->net_eof && w->end == END_NOT && (w->starved || w->wait != WAIT_NOTHING))
		worker_cut(w, w->cut_text);
}

/* A pipe is written as it is: it was made O_NONBLOCK, and SIGPIPE is ignored. */
static ssize_t
put_out(struct worker *w, struct span s)
{
	ssize_t n;

	if (w->net_is_pipe)
		return write(w->net_out, s.p, s.n);
	n = sendto(w->net_out, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	if (n >= 0 || errno != ENOTSOCK)
		return n;
	w->net_is_pipe = true;
	return write(w->net_out, s.p, s.n);
}

void
worker_net_write(struct worker *w)
{
	struct span s;
	ssize_t n;

	if (w->tr == NULL || w->net_out < 0)
		return;
	s = transport_pending(w->tr);
	w->net_blocked = false;
	if (s.n == 0)
		return;
	if (w->net_dead) {
		transport_sent(w->tr, s.n);
		return;
	}
	n = put_out(w, s);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		w->net_blocked = true;
		return;
	}
	if (n < 0) {
		/* Nobody listens, but the peer's last words may still be unread: they
		 * say whether it left or was cut off. */
		w->net_dead = true;
		w->cut_text = cut_reason(errno);
		transport_sent(w->tr, s.n);
		return;
	}
	transport_sent(w->tr, (size_t)n);
	w->starved = false;	/* a packet may have waited for room */
	w->last_traffic = w->now;
	w->net_blocked = (size_t)n < s.n;
}

void
worker_net_close(struct worker *w)
{
	if (w->net_in >= 0)
		(void)close(w->net_in);		/* all that could be delivered was */
	if (w->net_out >= 0 && w->net_out != w->net_in)
		(void)close(w->net_out);
	w->net_in = w->net_out = -1;
}
