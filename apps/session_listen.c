/*
 * session_listen.c - listens where the peer wants to be reached, as the user, and
 * sends up what connects.
 *
 * Ports, addresses and paths that are not the user's are the kernel's to refuse.  No
 * name is looked up here.  Connections nobody has taken yet are few; more wait in
 * the kernel, so a peer that opens no channels costs no descriptors.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/conf_permit.h"
#include "apps/session_link.h"
#include "apps/session_state.h"

enum { BACKLOG = 128, NO_DESCRIPTORS_MS = 100 };

static void close_sockets(struct session_listener *l)
{
	while (l->n > 0)
		close(l->sockets[--l->n]);
}

static uint32_t port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return 0;
	return a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port) :
	    ntohs(((struct sockaddr_in *)&a)->sin_port);
}

static void set_port(struct sockaddr *a, uint32_t port)
{
	if (a->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)a)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)a)->sin_port = htons((uint16_t)port);
}

static int listen_at(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, e;

	if (fd < 0)
		return -errno;
	/* both are conveniences; without them bind says what is wrong */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

int session_listen_tcp(struct session_listener *l, const char *host, bool any, bool all,
    uint32_t *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (any ? AI_PASSIVE : 0) }, *list;
	uint32_t bound = *port;
	char text[16];
	int error = -EADDRNOTAVAIL;

	(void)snprintf(text, sizeof(text), "%u", *port);
	if (getaddrinfo(host, text, &hints, &list) != 0)
		return -EADDRNOTAVAIL;
	for (const struct addrinfo *a = list; a != NULL && l->n < SESSION_SOCKETS_MAX;
	    a = a->ai_next) {
		int fd;

		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		set_port(a->ai_addr, bound);
		if ((fd = listen_at(a)) < 0) {
			error = fd;
			/* a family that this machine lacks is none that somebody else has */
			if (all && fd == -EADDRINUSE) {
				close_sockets(l);
				break;
			}
			continue;
		}
		l->sockets[l->n++] = fd;
		if (bound == 0)
			bound = port_of(fd);
	}
	freeaddrinfo(list);
	if (l->n == 0)
		return error;
	*port = bound;
	return 0;
}

int session_listen_unix(struct session_listener *l, const char *path, mode_t mask,
    bool unlink_first)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t before;
	int fd, e;

	if (path[0] != '/')
		return -EINVAL;		/* relative to what? */
	if (!session_link_put(a.sun_path, sizeof(a.sun_path), path))
		return -ENAMETOOLONG;
	if (unlink_first && unlink(path) != 0 && errno != ENOENT)
		return -errno;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -errno;
	session_link_bytes_only(fd);
	before = umask(mask);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, BACKLOG) != 0) {
		e = errno;
		umask(before);
		close(fd);
		return -e;
	}
	umask(before);
	l->sockets[l->n++] = fd;
	if (lstat(path, &st) == 0 && session_link_put(l->path, sizeof(l->path), path)) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	return 0;
}

struct session_listener *session_listen_new(struct session *s, uint8_t kind, uint64_t id)
{
	struct session_listener *l = s->listeners;

	while (l != NULL && (l->kind != kind || l->id != id))
		l = l->next;
	if (l != NULL || s->n_listeners >= SESSION_LISTENERS_MAX ||
	    (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->kind = kind;
	l->id = id;
	l->next = s->listeners;
	s->listeners = l;
	s->n_listeners++;
	return l;
}

/* The path is removed if it is still the one that was made: the user may have put
 * something else there. */
static void remove_path(const struct session_listener *l)
{
	char folder[sizeof(l->path)];
	struct stat st;

	if (l->path[0] == '\0')
		return;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path);	/* it may be gone already */
	if (l->has_folder) {
		memcpy(folder, l->path, sizeof(folder));
		*strrchr(folder, '/') = '\0';
		(void)rmdir(folder);	/* not empty: the user put something there */
	}
}

void session_listen_free(struct session *s, struct session_listener *l)
{
	struct session_listener **at = &s->listeners;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	s->n_listeners--;
	close_sockets(l);
	remove_path(l);
	free(l);
}

void session_listen_stop(struct session *s, uint8_t kind, uint64_t id)
{
	struct session_listener *l = s->listeners;

	while (l != NULL && (l->id != id || (kind != 0 ? l->kind != kind :
	    l->kind != POSTERN_FORWARDED_TCPIP && l->kind != POSTERN_FORWARDED_STREAMLOCAL)))
		l = l->next;
	if (l != NULL)
		session_listen_free(s, l);
}

void session_listen_order(struct session *s)
{
	const struct session_listen *o = &s->order.listen;
	struct session_listener *l = session_listen_new(s, o->kind, o->head.chan);
	union session_report r;
	uint32_t port = o->port;
	int e = -EMFILE;

	if (l != NULL && o->kind == POSTERN_FORWARDED_STREAMLOCAL)
		e = session_listen_unix(l, o->host, (mode_t)s->conf->streamlocal_mask,
		    s->conf->streamlocal_unlink);
	else if (l != NULL)
		e = session_listen_tcp(l, o->bind == CONF_BIND_ADDRESS ? o->host : NULL,
		    o->bind == CONF_BIND_ANY, false, &port);
	if (l != NULL && e < 0)
		session_listen_free(s, l);
	memset(&r, 0, sizeof(r));
	r.head = o->head;
	r.head.kind = SESSION_LISTENING;
	r.listening.ok = e == 0;
	r.listening.port = e == 0 ? port : 0;
	(void)session_link_put(r.listening.text, sizeof(r.listening.text), e == 0 ? "" :
	    l == NULL ? "too many listeners" : strerror(-e));
	session_report(s, &r, NULL, 0);
}

size_t session_listen_poll(const struct session *s, struct pollfd *p, size_t size)
{
	size_t n = 0;

	if (s->accepted >= SESSION_ACCEPTED_MAX)
		return 0;
	for (const struct session_listener *l = s->listeners; l != NULL; l = l->next)
		for (size_t i = 0; i < l->n && n < size; i++)
			p[n++] = (struct pollfd){ .fd = l->sockets[i], .events = POLLIN };
	return n;
}

static struct session_listener *find_socket(const struct session *s, int fd)
{
	for (struct session_listener *l = s->listeners; l != NULL; l = l->next)
		for (size_t i = 0; i < l->n; i++)
			if (l->sockets[i] == fd)
				return l;
	return NULL;
}

static void name_peer(const struct sockaddr_storage *from, socklen_t len,
    struct session_accepted *out)
{
	char port[16];

	if ((from->ss_family != AF_INET && from->ss_family != AF_INET6) ||
	    getnameinfo((const struct sockaddr *)from, len, out->host, sizeof(out->host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	out->port = (uint32_t)strtoul(port, NULL, 10);
}

void session_listen_ready(struct session *s, int fd)
{
	struct session_listener *l = find_socket(s, fd);
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(from);
	union session_report r;
	int peer, one = 1;

	if (l == NULL || s->accepted >= SESSION_ACCEPTED_MAX)
		return;
	peer = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (peer < 0) {
		/* what cannot be accepted keeps its listener readable: no faster than this */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			(void)poll(NULL, 0, NO_DESCRIPTORS_MS);
		return;
	}
	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_ACCEPTED, .chan = l->id };
	r.accepted.kind = l->kind;
	name_peer(&from, len, &r.accepted);
	if (from.ss_family == AF_INET || from.ss_family == AF_INET6)
		(void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (l->single)
		session_listen_free(s, l);
	s->accepted++;
	session_report(s, &r, &peer, 1);
	close(peer);
}

void session_listen_leave(struct session *s)
{
	while (s->listeners != NULL)
		session_listen_free(s, s->listeners);
}
