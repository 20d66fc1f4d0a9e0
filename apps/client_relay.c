/*
 * client_relay.c - between the program's own stdio and a channel.
 *
 * The worker never gets our stdin or stdout: others may share them, so they are
 * neither handed down nor made non-blocking.  Output is written through a fresh
 * open of the same object where the kernel allows one, so that a reader who does
 * not read blocks one flow and no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_relay.h"
#include "apps/client_tty.h"

enum { FLOW_BUF = 128 * 1024 };

struct flow {			/* one direction: from -> buf -> to */
	int from, to;
	bool from_over;		/* read its end                     */
	bool to_gone;		/* the reader left: drop the rest   */
	bool to_is_shared;	/* `to` may block: small writes     */
	bool shut;		/* end passed on                    */
	size_t start, end;
	char *buf;
};

enum { IN = 0, OUT, ERR, FLOWS };

struct relay {
	postern_context *context;
	postern_transport *transport;
	postern_channel *channel;
	const struct relay_options *options;
	struct flow flow[FLOWS];
	int signals;
	int chan;
	bool channel_over, quit;
	int result;
	bool at_line_start, saw_escape;
};

/* A description of our own of the same pipe or terminal, so that O_NONBLOCK is not
 * seen by others; the original where there is none to be had (sockets). */
static int
own_output(int fd, bool *shared)
{
	char path[32];
	struct stat st;
	int r;

	*shared = false;
	if (fstat(fd, &st) != 0)
		return fd;
	if ((S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if ((r = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) >= 0)
			return r;
	}
	*shared = !S_ISREG(st.st_mode);
	return fd;
}

static bool
is_empty(const struct flow *f)
{
	return f->start == f->end;
}

static bool
is_done(const struct flow *f)
{
	return f->from < 0 || f->to_gone || (f->from_over && is_empty(f));
}

/* ~. ~~ ~? at the beginning of a line.  Filters n bytes in place; returns what is
 * left, and sets quit. */
static size_t
filter_escapes(struct relay *r, char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)p[i];

		if (r->saw_escape) {
			r->saw_escape = false;
			if (ch == '.') {
				r->quit = true;
				return out;
			}
			if (ch == '?') {
				(void)dprintf(STDERR_FILENO, "%c?\r\nSupported escape sequences:\r\n"
				    " %c.  - terminate connection\r\n %c%c  - send the escape character\r\n",
				    r->options->escape, r->options->escape, r->options->escape,
				    r->options->escape);
				continue;
			}
			if (ch != (unsigned char)r->options->escape)
				p[out++] = (char)r->options->escape;
		} else if (r->at_line_start && ch == (unsigned char)r->options->escape) {
			r->saw_escape = true;
			continue;
		}
		/* out never passes i: an escape that is put back took a place before */
		p[out++] = (char)ch;
		r->at_line_start = ch == '\r' || ch == '\n';
	}
	return out;
}

static void
fill(struct relay *r, size_t i)
{
	struct flow *f = &r->flow[i];
	ssize_t n = read(f->from, f->buf, FLOW_BUF);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		f->from_over = true;
		return;
	}
	f->start = 0;
	f->end = (size_t)n;
	if (i == IN && r->options->escape >= 0)
		f->end = filter_escapes(r, f->buf, f->end);
}

static void
drain(struct flow *f)
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
handle_signals(struct relay *r)
{
	struct signalfd_siginfo si;
	struct tty_size size;

	while (read(r->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			if (r->options->has_pty && client_tty_size(&size))
				/* a transport that is gone says so below */
				(void)!postern_channel_resize_pty(r->channel, size.columns,
				    size.rows, size.width, size.height);
		} else {
			r->quit = true;
		}
	}
}

static void
handle_events(struct relay *r)
{
	struct postern_event ev = POSTERN_EVENT;

	while (postern_next(r->context, &ev, 0) == 1) {
		if (ev.type == POSTERN_EVENT_CHANNEL_CLOSED && ev.channel == r->channel)
			r->channel_over = true;
		if (ev.type == POSTERN_EVENT_END && ev.transport == r->transport) {
			r->channel_over = true;
			r->result = ev.result;
		}
	}
}

/* The end of one flow, passed on once. */
static void
pass_end(struct relay *r, size_t i)
{
	struct flow *f = &r->flow[i];

	if (f->shut || !is_done(f))
		return;
	f->shut = true;
	if (i == IN)
		/* fails only when the worker is gone, which an event tells */
		(void)shutdown(f->to, SHUT_WR);
	if (i == OUT && f->to_gone)
		/* our reader left: let the far side feel it, as a pipe would */
		(void)shutdown(r->chan, SHUT_RD);
}

static bool
turn(struct relay *r)
{
	struct pollfd p[2 * FLOWS + 2];
	size_t n = 0, slot[2 * FLOWS];

	for (size_t i = 0; i < FLOWS; i++) {
		struct flow *f = &r->flow[i];

		pass_end(r, i);
		slot[i] = n;
		p[n++] = (struct pollfd){ .fd = is_empty(f) && !f->from_over && !f->to_gone ? f->from : -1,
			.events = POLLIN };
		slot[FLOWS + i] = n;
		p[n++] = (struct pollfd){ .fd = !is_empty(f) && !f->to_gone ? f->to : -1,
			.events = POLLOUT };
	}
	if (r->channel_over && is_done(&r->flow[OUT]) && is_done(&r->flow[ERR]))
		return false;
	p[n] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
	p[n + 1] = (struct pollfd){ .fd = postern_context_fd(r->context), .events = POLLIN };
	if (poll(p, n + 2, -1) < 0)
		return errno == EINTR;
	if (p[n].revents != 0)
		handle_signals(r);
	if (p[n + 1].revents != 0)
		handle_events(r);
	for (size_t i = 0; i < FLOWS; i++) {
		if (p[slot[FLOWS + i]].revents != 0)
			drain(&r->flow[i]);
		if (p[slot[i]].revents != 0) {
			fill(r, i);
			/* straight on: one wake-up less per keystroke */
			if (!is_empty(&r->flow[i]) && i == IN)
				drain(&r->flow[i]);
		}
	}
	return !r->quit;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
set_flow(struct flow *f, int from, int to, bool shared)
{
	*f = (struct flow){ .from = from, .to = to, .to_is_shared = shared };
	if (from >= 0 && (f->buf = malloc(FLOW_BUF)) == NULL)
		abort();
}

int
client_relay_run(postern_context *context, postern_transport *transport, postern_channel *channel,
    int err_fd, const struct relay_options *options)
{
	struct relay r = { .context = context, .transport = transport, .channel = channel,
		.options = options, .at_line_start = true };
	bool shared[2];
	int out = own_output(STDOUT_FILENO, &shared[0]);
	int err = own_output(STDERR_FILENO, &shared[1]);

	r.signals = open_signals();
	r.chan = postern_channel_fd(channel);
	if (r.chan < 0 || r.signals < 0 ||
	    fcntl(r.chan, F_SETFL, O_NONBLOCK) != 0 ||
	    (err_fd >= 0 && fcntl(err_fd, F_SETFL, O_NONBLOCK) != 0))
		return r.chan < 0 ? r.chan : -errno;
	set_flow(&r.flow[IN], options->no_stdin ? -1 : STDIN_FILENO, r.chan, false);
	set_flow(&r.flow[OUT], r.chan, out, shared[0]);
	set_flow(&r.flow[ERR], err_fd, err, shared[1]);
	if (options->has_pty)
		client_tty_raw();
	handle_events(&r);
	while (turn(&r))
		;
	client_tty_restore();
	for (size_t i = 0; i < FLOWS; i++)
		free(r.flow[i].buf);
	(void)close(r.signals);	/* nothing is lost in it */
	if (r.quit && !r.channel_over)
		return RELAY_QUIT;
	return r.result;
}
