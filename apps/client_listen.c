/*
 * client_listen.c - the sockets of -L and -D.
 *
 * Whoever can reach them uses the user's connection: loopback unless GatewayPorts or
 * the specification says otherwise, and paths are made with StreamLocalBindMask.
 */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/client_forward.h"
#include "apps/client_log.h"

enum { BACKLOG = 128, ACCEPTS_PER_TURN = 16, PAUSE_MS = 1000 };

struct listener {
	struct client_part part;
	struct client_forward *forward;
	struct client_spec spec;
	struct client_watch *watch;
	int fd;
	struct stat made;		/* a path that is ours to remove           */
};

static void
end(struct client_part *part)
{
	struct listener *l = (struct listener *)part;
	struct stat st;

	client_loop_leave(part);
	client_watch_end(l->watch);
	(void)close(l->fd);	/* a listener holds nothing */
	/* somebody else's that stands there now is left alone */
	if (l->spec.listen.is_path && lstat(l->spec.listen.host, &st) == 0 &&
	    st.st_ino == l->made.st_ino && st.st_dev == l->made.st_dev)
		(void)unlink(l->spec.listen.host);
	l->forward->n_listeners--;
	free(l);
}

static void
arrived(void *user, short revents)
{
	struct listener *l = user;
	int fd;

	if (revents == 0)
		client_watch_events(l->watch, POLLIN);
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 && l->spec.is_socks) {
			client_dynamic_start(l->forward, fd, false);
		} else if (fd >= 0) {
			client_forward_open(l->forward, fd, &l->spec.connect);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* it would stay readable, and we would spin */
			client_log_error("accept: %s", strerror(errno));
			client_watch_events(l->watch, 0);
			client_watch_deadline(l->watch, PAUSE_MS);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* Takes a socket that listens. */
static void
serve(struct client_forward *f, const struct client_spec *spec, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		err(255, "calloc");
	client_loop_join(f->loop, &l->part, end);
	l->forward = f;
	l->spec = *spec;
	l->fd = fd;
	if (spec->listen.is_path)
		/* fails if it is gone already: then there is nothing to remove */
		(void)!lstat(spec->listen.host, &l->made);
	l->watch = client_loop_watch(f->loop, fd, POLLIN, arrived, l);
	f->n_listeners++;
}

static int
bind_one(const struct addrinfo *ai)
{
	int one = 1, r, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* without either the port may be busy for a minute, or bind both families */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	(void)close(fd);	/* not in use */
	return r;
}

/* NULL and no AI_PASSIVE is loopback, with it every address. */
static bool
listen_port(struct client_forward *f, const struct client_spec *spec)
{
	const struct client_end *at = &spec->listen;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	bool is_any = at->has_host ? at->host[0] == '\0' || strcmp(at->host, "*") == 0 :
	    f->conf->gateway_ports > 0, any = false;
	char port[16], name[SPEC_HOST_MAX + 16];
	int fd, r;

	(void)snprintf(port, sizeof(port), "%u", at->port);
	hints.ai_flags = is_any ? AI_PASSIVE : 0;
	r = getaddrinfo(is_any || !at->has_host ? NULL : at->host, port, &hints, &list);
	if (r != 0) {
		client_log_error("listen on %s: %s", at->host, gai_strerror(r));
		return false;
	}
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		if (f->n_listeners >= FORWARD_LISTENERS_MAX) {
			client_log_error("more than %d listeners", FORWARD_LISTENERS_MAX);
			break;
		}
		if ((fd = bind_one(ai)) >= 0) {
			serve(f, spec, fd);
			any = true;
		} else if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL) {
			client_log_error("listen on %s: %s", client_spec_name(at, name, sizeof(name)),
			    strerror(-fd));
		}
	}
	freeaddrinfo(list);
	if (!any)
		client_log_error("could not request local forwarding on port %u", at->port);
	return any;
}

static bool
listen_path(struct client_forward *f, const struct client_spec *spec)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *path = spec->listen.host;
	struct stat st;
	mode_t old;
	int fd, r;

	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= sizeof(sa.sun_path)) {
		client_log_error("listen on %s: name too long", path);
		return false;
	}
	if (f->n_listeners >= FORWARD_LISTENERS_MAX ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0) {
		client_log_error("listen on %s: no more sockets", path);
		return false;
	}
	if (f->conf->bind_unlink > 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);	/* bind tells if it is still there */
	old = umask((mode_t)f->conf->bind_mask_bits);
	r = bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, BACKLOG) == 0 ?
	    0 : errno;
	(void)umask(old);
	if (r == 0) {
		serve(f, spec, fd);
		return true;
	}
	(void)close(fd);	/* not in use */
	client_log_error("could not request local forwarding on %s: %s", path, strerror(r));
	return false;
}

bool
client_listen_start(struct client_forward *f, const struct client_spec *spec)
{
	return spec->listen.is_path ? listen_path(f, spec) : listen_port(f, spec);
}
