/*
 * client_flow.c - bytes from one descriptor to another, and both ways between two.
 *
 * One buffer per direction: it is read into only when it is empty, so a reader who
 * does not read stops one flow and no other.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/client_flow.h"

static bool
is_empty(const struct client_flow *f)
{
	return f->start == f->end;
}

bool
client_flow_is_done(const struct client_flow *f)
{
	return f->from < 0 || f->to_gone || (f->from_over && is_empty(f));
}

static void
update(struct client_flow *f)
{
	if (f->in != NULL) {
		client_watch_events(f->in, is_empty(f) && !f->from_over && !f->to_gone ? POLLIN : 0);
		client_watch_events(f->out, !is_empty(f) && !f->to_gone ? POLLOUT : 0);
	}
	if (client_flow_is_done(f) && !f->is_told) {
		f->is_told = true;
		if (f->over != NULL)
			f->over(f->user, f);
	}
}

static void
drain(struct client_flow *f)
{
	size_t want = f->end - f->start;
	ssize_t n;

	/* A pipe that poll calls writable takes PIPE_BUF without blocking. */
	if (f->to_is_shared && want > PIPE_BUF)
		want = PIPE_BUF;
	n = write(f->to, f->buf + f->start, want);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			f->to_gone = true;
		return;
	}
	f->start += (size_t)n;
}

static void
can_read(void *user, short revents)
{
	struct client_flow *f = user;
	/* a filter may leave one more than it was given */
	ssize_t n = read(f->from, f->buf, FLOW_BUF - 1);

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		f->from_over = true;
	} else {
		f->start = 0;
		f->end = (size_t)n;
		if (f->filter != NULL)
			f->end = f->filter(f->user, f->buf, f->end);
		/* straight on, if that cannot block: one wake-up less per keystroke */
		if (!is_empty(f) && !f->to_is_shared)
			drain(f);
	}
	update(f);
}

static void
can_write(void *user, short revents)
{
	struct client_flow *f = user;

	(void)revents;
	if (!is_empty(f))
		drain(f);
	update(f);
}

void
client_flow_start(struct client_flow *f, struct client_loop *l)
{
	if (f->from >= 0) {
		if (f->buf == NULL && (f->buf = malloc(FLOW_BUF)) == NULL)
			err(255, "malloc");
		f->in = client_loop_watch(l, f->from, 0, can_read, f);
		f->out = client_loop_watch(l, f->to, 0, can_write, f);
	}
	update(f);
}

void
client_flow_end(struct client_flow *f)
{
	client_watch_end(f->in);
	client_watch_end(f->out);
	f->in = f->out = NULL;
	free(f->buf);
	f->buf = NULL;
}

/* ---- both ways ---- */

struct between {
	struct client_part part;
	struct client_flow flow[2];
};

static void
end_between(struct client_part *part)
{
	struct between *b = (struct between *)part;

	client_loop_leave(part);
	client_flow_end(&b->flow[0]);
	client_flow_end(&b->flow[1]);
	(void)close(b->flow[0].from);	/* nothing is left in them */
	(void)close(b->flow[0].to);
	free(b);
}

static void
one_is_over(void *user, struct client_flow *f)
{
	struct between *b = user;

	/* either fails only when the other side has gone, which its flow sees */
	(void)shutdown(f->to, SHUT_WR);
	if (f->to_gone)
		(void)shutdown(f->from, SHUT_RD);
	if (b->flow[0].is_told && b->flow[1].is_told)
		b->part.end(&b->part);
}

void
client_flow_between(struct client_loop *l, int x, int y, const void *head, size_t len)
{
	struct between *b = calloc(1, sizeof(*b));

	if (b == NULL || (b->flow[0].buf = malloc(FLOW_BUF)) == NULL || len > FLOW_BUF)
		err(255, "malloc");
	client_loop_join(l, &b->part, end_between);
	for (int i = 0; i < 2; i++) {
		b->flow[i].from = i == 0 ? x : y;
		b->flow[i].to = i == 0 ? y : x;
		b->flow[i].over = one_is_over;
		b->flow[i].user = b;
	}
	if (len > 0)
		memcpy(b->flow[0].buf, head, len);
	b->flow[0].end = len;
	client_flow_start(&b->flow[0], l);
	client_flow_start(&b->flow[1], l);
}
