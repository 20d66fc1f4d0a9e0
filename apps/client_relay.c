/*
 * client_relay.c - between the program's own stdio and a channel.
 *
 * The worker never gets our stdin or stdout: others may share them, so they are
 * neither handed down nor made non-blocking.  Output is written through a fresh
 * open of the same object where the kernel allows one, so that a reader who does
 * not read blocks one flow and no other.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/client_escape.h"
#include "apps/client_flow.h"
#include "apps/client_relay.h"
#include "apps/client_tty.h"

enum { IN = 0, OUT, ERR, FLOWS };

struct relay {
	struct client_loop *loop;
	struct client_owner owner;
	postern_channel *channel;
	const struct relay_options *options;
	struct client_flow flow[FLOWS];
	int signals, chan;
	struct client_escape escape;
	bool channel_over, quit;
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

static size_t
filter_escapes(void *user, char *p, size_t n)
{
	struct relay *r = user;

	return client_escape_filter(&r->escape, p, n);
}

static void
handle_signals(void *user, short revents)
{
	struct relay *r = user;
	struct signalfd_siginfo si;
	struct tty_size size;

	(void)revents;
	while (read(r->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			if (r->options->has_pty && client_tty_size(&size))
				/* a transport that is gone says so by its end */
				(void)!postern_channel_resize_pty(r->channel, size.columns,
				    size.rows, size.width, size.height);
		} else {
			r->quit = true;
		}
	}
}

static void
channel_closed(struct client_owner *owner, postern_channel *ch)
{
	struct relay *r = (struct relay *)((char *)owner - offsetof(struct relay, owner));

	(void)ch;
	r->channel_over = true;
}

static void
flow_over(void *user, struct client_flow *f)
{
	struct relay *r = user;

	if (f == &r->flow[IN])
		/* fails only when the worker is gone, which an event tells */
		(void)shutdown(r->chan, SHUT_WR);
	if (f == &r->flow[OUT] && f->to_gone)
		/* our reader left: let the far side feel it, as a pipe would */
		(void)shutdown(r->chan, SHUT_RD);
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
start_flow(struct relay *r, size_t i, int from, int to, bool shared)
{
	struct client_flow *f = &r->flow[i];

	f->from = from;
	f->to = to;
	f->to_is_shared = shared;
	f->over = flow_over;
	f->user = r;
	if (i == IN && r->options->escape >= 0)
		f->filter = filter_escapes;
	client_flow_start(f, r->loop);
}

static int
start_flows(struct relay *r, int err_fd)
{
	bool shared[2];
	int out, err;

	if (r->channel == NULL)
		return 0;
	r->chan = postern_channel_fd(r->channel);
	if (r->chan < 0)
		return r->chan;
	if (fcntl(r->chan, F_SETFL, O_NONBLOCK) != 0 ||
	    (err_fd >= 0 && fcntl(err_fd, F_SETFL, O_NONBLOCK) != 0))
		return -errno;
	out = own_output(STDOUT_FILENO, &shared[0]);
	err = own_output(STDERR_FILENO, &shared[1]);
	postern_channel_set_user(r->channel, &r->owner);
	start_flow(r, IN, r->options->no_stdin ? -1 : STDIN_FILENO, r->chan, false);
	start_flow(r, OUT, r->chan, out, shared[0]);
	start_flow(r, ERR, err_fd, err, shared[1]);
	if (r->options->has_pty)
		client_tty_raw();
	return 0;
}

/* A connection that carries no session is over when its data is: nothing else comes. */
static bool
is_finished(const struct relay *r)
{
	bool over = r->channel_over || r->loop->is_over;

	if (r->channel == NULL)
		return r->loop->is_over;
	return over && client_flow_is_done(&r->flow[OUT]) && client_flow_is_done(&r->flow[ERR]);
}

int
client_relay_run(struct client_loop *loop, postern_channel *channel, int err_fd,
    const struct relay_options *options)
{
	struct relay r = { .loop = loop, .channel = channel, .options = options,
		.owner = { channel_closed },
		.escape = { .letter = options->escape, .at_line_start = true } };
	struct client_watch *watch;
	int result;

	if ((r.signals = open_signals()) < 0)
		return -errno;
	watch = client_loop_watch(loop, r.signals, POLLIN, handle_signals, &r);
	if ((result = start_flows(&r, err_fd)) == 0) {
		client_loop_events(loop);
		while (!r.quit && !r.escape.quit && !is_finished(&r))
			client_loop_turn(loop);
		result = (r.quit || r.escape.quit) && !r.channel_over ? RELAY_QUIT : loop->is_over ? loop->result : 0;
	}
	client_tty_restore();
	for (size_t i = 0; i < FLOWS; i++)
		client_flow_end(&r.flow[i]);
	client_watch_end(watch);
	(void)close(r.signals);	/* nothing is lost in it */
	if (channel != NULL)
		postern_channel_set_user(channel, NULL);
	return result;
}
