/*
 * client_x11.c - the user's display for the server's programs.
 *
 * The server gets a cookie that was made for this session and opens nothing here.  Each
 * connection must begin with it; the display's own takes its place, and from there on
 * bytes are only passed on.  A trusted program can read every key the user types, so
 * without ForwardX11Trusted the display gets a cookie of the restricted kind.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/client_forward_connect.h"
#include "apps/client_flow.h"
#include "apps/client_log.h"
#include "apps/client_x11.h"
#include "apps/client_x11_head.h"
#include "apps/client_xauth.h"

enum { DISPLAY_MAX = 59535, PORT_BASE = 6000, HEAD_WAIT_MS = 60 * 1000,
	X11_WAIT_MS = 30 * 1000 };

struct display {
	struct client_part part;
	struct client_end where;
	uint8_t fake[X11_COOKIE], real[X11_COOKIE];
	time_t until;			/* 0: for ever                             */
};

/* A channel until its end; its first message while that is not whole. */
struct visit {
	struct client_part part;
	struct client_owner owner;
	struct display *display;
	postern_transport *transport;
	postern_channel *channel;
	uint64_t question;
	struct client_forward_connect *connect;
	struct client_watch *watch;
	int fd, out;			/* the channel's, the display's            */
	uint8_t head[X11_HEAD_MAX];
	size_t n;
};

bool
client_x11_display(const char *text, struct client_end *where, uint32_t *screen)
{
	struct client_end e = { .port = 0 };
	const char *colon = strrchr(text, ':');
	unsigned number, s = 0;
	int used = 0;
	size_t n;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9' ||
	    (n = (size_t)(colon - text)) > SPEC_HOST_MAX)
		return false;
	if (sscanf(colon + 1, "%5u%n.%3u%n", &number, &used, &s, &used) < 1 ||
	    colon[1 + used] != '\0' || number > DISPLAY_MAX)
		return false;
	if (n == 0 || (n == 4 && memcmp(text, "unix", 4) == 0)) {
		e.is_path = true;
		(void)snprintf(e.host, sizeof(e.host), "/tmp/.X11-unix/X%u", number);
	} else {
		if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
			text++;
			n -= 2;
		}
		memcpy(e.host, text, n);
		e.port = PORT_BASE + number;
	}
	*where = e;
	*screen = s;
	return true;
}

static void
end_visit(struct client_part *part)
{
	struct visit *v = (struct visit *)part;

	client_loop_leave(part);
	client_watch_end(v->watch);
	if (v->fd >= 0)
		(void)close(v->fd);	/* what was not passed on is not wanted */
	if (v->out >= 0)
		(void)close(v->out);
	free(v);
}

static void
closed(struct client_owner *owner, postern_channel *ch)
{
	struct visit *v = (struct visit *)((char *)owner - offsetof(struct visit, owner));

	client_forward_connect_end(v->connect);
	end_visit(&v->part);
	postern_channel_free(ch);
}

/* The first message, and of that nothing too much. */
static void
head_came(void *user, short revents)
{
	struct visit *v = user;
	enum client_x11_head state;
	size_t need;
	ssize_t n = 0;

	state = client_x11_head_check(v->head, v->n, v->display->fake, v->display->real, &need);
	if (revents != 0 && state == X11_MORE) {
		n = read(v->fd, v->head + v->n, need - v->n);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0) {
			v->n += (size_t)n;
			state = client_x11_head_check(v->head, v->n, v->display->fake, v->display->real,
			    &need);
			if (state == X11_MORE)
				return;
		}
	}
	client_watch_end(v->watch);
	v->watch = NULL;
	if (state == X11_GOOD) {
		client_flow_between(v->part.loop, v->fd, v->out, v->head, v->n);
	} else {
		client_log_error("X11 connection rejected because of wrong authentication.");
		(void)close(v->fd);	/* nothing is owed to them */
		(void)close(v->out);
		/* an event follows, and frees */
		(void)postern_channel_close(v->channel);
	}
	v->fd = v->out = -1;
	sodium_memzero(v->head, sizeof(v->head));
}

static void
connected(void *user, int fd)
{
	struct visit *v = user;

	v->connect = NULL;
	v->out = fd < 0 ? -1 : fd;
	if (fd < 0)
		client_log_error("cannot connect to the display: %s", strerror(-fd));
	if (fd >= 0 && (v->fd = postern_channel_take_fd(v->channel)) >= 0 &&
	    fcntl(v->fd, F_SETFL, O_NONBLOCK) == 0 &&
	    postern_answer(v->transport, v->question, POSTERN_ACCEPT, NULL) == 0) {
		v->watch = client_loop_watch(v->part.loop, v->fd, POLLIN, head_came, v);
		client_watch_deadline(v->watch, HEAD_WAIT_MS);
		return;
	}
	/* a refusal takes the handle too; without a question left it is ours */
	if (postern_answer(v->transport, v->question, POSTERN_REFUSE, NULL) != 0)
		postern_channel_free(v->channel);
	end_visit(&v->part);
}

static int
arrived(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const struct postern_forward *w)
{
	struct display *d = user;
	struct visit *v;

	(void)w;
	if (d->until != 0 && time(NULL) >= d->until) {
		client_log_error("Rejected X11 connection after ForwardX11Timeout expired");
		return POSTERN_REFUSE;
	}
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return POSTERN_REFUSE;
	client_loop_join(d->part.loop, &v->part, end_visit);
	v->owner.closed = closed;
	v->display = d;
	v->transport = t;
	v->channel = ch;
	v->question = question;
	v->fd = v->out = -1;
	postern_channel_set_user(ch, &v->owner);
	v->connect = client_forward_connect_start(d->part.loop, &d->where, connected, v);
	return POSTERN_LATER;
}

static void
end_display(struct client_part *part)
{
	client_loop_leave(part);
	sodium_memzero(part, sizeof(struct display));
	free(part);
}

static void
request(struct display *d, postern_channel *session, uint32_t screen)
{
	char hex[2 * X11_COOKIE + 1];
	int r;

	randombytes_buf(d->fake, sizeof(d->fake));
	(void)sodium_bin2hex(hex, sizeof(hex), d->fake, sizeof(d->fake));
	r = postern_channel_request_x11(session, 0, X11_PROTOCOL, hex, screen, arrived, d,
	    X11_WAIT_MS);
	if (r != 0)
		client_log_error("X11 forwarding request failed: %s", postern_strerror(r));
}

void
client_x11_forward(struct client_loop *l, const struct client_conf *c, postern_channel *session)
{
	const char *name = getenv("DISPLAY");
	bool untrusted = c->x11_trusted <= 0;
	struct client_end where;
	struct display *d;
	uint32_t screen;

	if (c->forward_x11 <= 0)
		return;
	if (name == NULL || !client_x11_display(name, &where, &screen)) {
		client_log_verbose("X11 forwarding is asked for, but DISPLAY is no display");
		return;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL)
		err(255, "calloc");
	client_loop_join(l, &d->part, end_display);
	d->where = where;
	if (untrusted && c->x11_timeout > 0)
		d->until = time(NULL) + c->x11_timeout;
	if (!client_xauth_cookie(c->xauth, name, untrusted, c->x11_timeout, d->real)) {
		if (untrusted) {
			client_log_error("untrusted X11 forwarding setup failed: xauth made no cookie");
			return;
		}
		client_log_error("No xauth data; using fake authentication data for X11 forwarding.");
		randombytes_buf(d->real, sizeof(d->real));
	}
	request(d, session, screen);
}
