/*
 * monitor_agent_link.c - one agent's socket: a message out, a reply in, a deadline.
 *
 * Every message is a u32 length and as many bytes (RFC 9987 3).  Nothing here blocks,
 * whatever the descriptor's own flags say, for others hold it too; no length is
 * believed beyond AGENT_REPLY_MAX; and a reply that nobody asked for ends the link,
 * for it could pass for the answer to the next question.
 *
 * An agent may send descriptors, which are closed by who reads past them or closes the
 * socket they wait in, and that takes as long as the agent likes: a connection can linger.
 * So what brings some is not read, and their socket not closed before we end.
 */
#include "privsep/monitor_agent.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* It may have had a private key in it. */
static void
forget_secret(struct agent *a)
{
	crypto_secret_free(a->secret);
	a->secret = NULL;
}

/* True: all of it is out, or waits for room; false: the link is lost. */
static bool
flush(struct agent *a)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &a->link };

	while (a->out_at < a->out_n) {
		const uint8_t *p = a->secret != NULL ? a->secret : a->out;
		ssize_t n = send(a->link.fd, &p[a->out_at], a->out_n - a->out_at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			monitor_agent_lost(a, "it is gone");
			return false;
		}
		if (n < 0) {
			ev.events |= EPOLLOUT;
			break;
		}
		a->out_at += (size_t)n;
	}
	if (a->out_at == a->out_n)
		forget_secret(a);
	if (epoll_ctl(a->link.ep, EPOLL_CTL_MOD, a->link.fd, &ev) != 0) {
		monitor_agent_lost(a, "it cannot be watched");
		return false;
	}
	return true;
}

/* Reads bytes that no descriptors come with: how many; 0: the end; -1 and errno, EPROTO:
 * there are some next.  The library has seen to it that data out of band is in line. */
static ssize_t
take(int fd, uint8_t *p, size_t want)
{
	struct iovec iov = { .iov_base = p, .iov_len = want };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT);

	/* for want of room they are left where they are, and that is told */
	if (n >= 0 && (m.msg_flags & MSG_CTRUNC) != 0) {
		errno = EPROTO;
		return -1;
	}
	/* no more than was looked at: what has come meanwhile may be others */
	return n <= 0 ? n : recv(fd, p, (size_t)n, MSG_DONTWAIT);
}

bool
monitor_agent_link_drop(int fd)
{
	uint8_t rest[1024];
	ssize_t n;

	(void)shutdown(fd, SHUT_RDWR);	/* nothing more comes; fails for what has ended */
	while ((n = take(fd, rest, sizeof(rest))) > 0 || (n < 0 && errno == EINTR))
		continue;
	if (n < 0 && errno == EPROTO)
		return false;
	(void)close(fd);		/* nothing was said, or all of it */
	return true;
}

/* Adds what has come to p, which holds *have of want.  False: not all is there yet,
 * or the link is lost. */
static bool
fill(struct agent *a, uint8_t *p, size_t *have, size_t want)
{
	ssize_t n = take(a->link.fd, &p[*have], want - *have);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		monitor_agent_lost(a, n < 0 && errno == EPROTO ? "it sends descriptors" : "it is gone");
		return false;
	}
	*have += (size_t)n;
	return *have == want;
}

/* The length is there: room for the body. */
static bool
begin_body(struct agent *a)
{
	struct rd r = rd_of(span_of(a->head, sizeof(a->head)));

	a->in_len = rd_u32(&r);
	a->in_n = 0;
	if (a->doing == AGENT_IDLE || a->in_len == 0 || a->in_len > AGENT_REPLY_MAX) {
		monitor_agent_lost(a, a->doing == AGENT_IDLE ?
		    "it answers what nobody asked" : "its answer has no length we take");
		return false;
	}
	a->in = malloc(a->in_len);
	if (a->in == NULL)
		monitor_agent_lost(a, "out of memory");
	return a->in != NULL;
}

static void
ready(struct monitor *m, void *owner, uint32_t events)
{
	struct agent *a = owner;
	uint8_t *body;

	if ((events & EPOLLOUT) != 0 && !flush(a))
		return;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	if (a->in == NULL &&
	    (!fill(a, a->head, &a->head_n, sizeof(a->head)) || !begin_body(a)))
		return;
	if (!fill(a, a->in, &a->in_n, a->in_len))
		return;
	body = a->in;
	a->in = NULL;
	a->head_n = 0;
	monitor_timer_clear(m, &a->deadline);
	/* it may have answered before it was asked to the end: what it says now is
	 * not about what we said */
	if (a->out_at < a->out_n)
		monitor_agent_lost(a, "it answers before it is asked");
	else
		monitor_agent_heard(a, span_of(body, a->in_len));
	free(body);
}

int
monitor_agent_link_open(struct agent *a, int fd)
{
	int type = 0, r = 0;
	socklen_t n = sizeof(type);

	/* a file or a terminal could be written to, and never answers */
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM)
		r = -ENOTSOCK;
	if (r == 0)
		r = monitor_watch(&a->link, a->m->ep, fd, EPOLLIN, ready, a);
	if (r != 0)
		(void)monitor_agent_link_drop(fd);	/* told all the same */
	return r;
}

void
monitor_agent_link_send(struct agent *a, struct span body, uint32_t ms)
{
	struct wr w = wr_of(a->out, sizeof(a->out));

	wr_blob(&w, body, AGENT_BODY_MAX);
	a->out_n = w.n;
	a->out_at = 0;
	monitor_timer_set(a->m, &a->deadline, monitor_now(a->m) + ms);
	(void)flush(a);			/* what went wrong is told there */
}

void
monitor_agent_link_send_secret(struct agent *a, uint8_t *message, size_t n, uint32_t ms)
{
	a->secret = message;
	a->out_n = n;
	a->out_at = 0;
	monitor_timer_set(a->m, &a->deadline, monitor_now(a->m) + ms);
	(void)flush(a);			/* what went wrong is told there */
}

void
monitor_agent_link_close(struct agent *a)
{
	int fd = monitor_release(&a->link);

	forget_secret(a);
	/* each more of them would be one more that stays */
	if (fd >= 0 && !monitor_agent_link_drop(fd))
		a->again = false;
	monitor_timer_clear(a->m, &a->deadline);
	free(a->in);
	a->in = NULL;
	a->head_n = 0;
}
