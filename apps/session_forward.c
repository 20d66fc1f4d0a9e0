/*
 * session_forward.c - connects to where the peer wants to go, as the user.
 *
 * Names are looked up and connections made in a short-lived child per request, so
 * that a resolver or a silent host delays nothing else of this login.  The child has
 * one socket to us and its time is limited; what it says is checked like any other
 * process's.  It returns the connected descriptor, which goes to posternd and from
 * there to the worker.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/conf_permit.h"
#include "apps/session_link.h"
#include "apps/session_state.h"

enum {
	RUNNING_MAX = 32,		/* children at once; the rest waits its turn */
	CONNECT_SECONDS = 120,		/* lookup and all addresses                  */
	ADDRESS_SECONDS = 30		/* one of them                               */
};

struct session_job {
	struct session_job *next;
	struct session_head head;
	uint32_t port;
	pid_t pid;			/* 0: not begun, or reaped                   */
	int sock;			/* -1: not begun                             */
	char host[SESSION_HOST_MAX + 1];
};

struct result { int32_t ok; char text[ACCOUNT_NOTE_MAX]; };

/* ---- in the child ------------------------------------------------------------------ */

static void name_address(const struct sockaddr *to, socklen_t len, struct result *out)
{
	char host[ACCOUNT_ADDRESS_MAX], port[16];

	if (getnameinfo(to, len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(out->text, sizeof(out->text), "%s port %s", host, port);
}

static void limit(int fd, time_t seconds)
{
	struct timeval t = { .tv_sec = seconds };

	/* without it the kernel's own limit holds */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int connect_address(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, e;

	if (fd < 0)
		return -errno;
	limit(fd, ADDRESS_SECONDS);
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
		e = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
		close(fd);
		return -e;
	}
	limit(fd, 0);
	/* a delay, no error, where it cannot be had */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int connect_host(const struct conf *c, const struct session_job *j, struct result *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;
	char port[16];
	int fd = -1, r;

	(void)snprintf(port, sizeof(port), "%u", j->port);
	r = getaddrinfo(j->host, port, &hints, &list);
	if (r != 0) {
		(void)snprintf(out->text, sizeof(out->text), "%s", gai_strerror(r));
		return -1;
	}
	for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
		bool may = conf_permit_address(c->permit_open_address, a->ai_addr);

		fd = may ? connect_address(a) : -1;
		if (fd >= 0 || !may)
			name_address(a->ai_addr, a->ai_addrlen, out);
		else
			(void)snprintf(out->text, sizeof(out->text), "%s", strerror(-fd));
		if (!may)
			(void)strncat(out->text, " is not in PermitOpenAddress",
			    sizeof(out->text) - strlen(out->text) - 1);
	}
	freeaddrinfo(list);
	return fd;
}

static int connect_path(const struct session_job *j, struct result *out)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!session_link_put(to.sun_path, sizeof(to.sun_path), j->host)) {
		(void)snprintf(out->text, sizeof(out->text), "%s", strerror(ENAMETOOLONG));
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	session_link_bytes_only(fd);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		(void)snprintf(out->text, sizeof(out->text), "%s", strerror(errno));
		return -1;		/* the process ends, and fd with it */
	}
	return fd;
}

static _Noreturn void connect_in_child(const struct conf *c, const struct session_job *j, int sock)
{
	struct result out = { 0 };
	sigset_t none;
	int fd;

	(void)signal(SIGALRM, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* the link above all: who takes the resolver over must not speak for posternd */
	if ((sock != 3 && dup3(sock, 3, O_CLOEXEC) < 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(1);
	closefrom(4);
	(void)alarm(CONNECT_SECONDS);
	fd = j->port == 0 ? connect_path(j, &out) : connect_host(c, j, &out);
	out.ok = fd >= 0;
	_exit(session_link_send(3, &out, sizeof(out), &fd, fd >= 0 ? 1 : 0) == 0 ? 0 : 1);
}

/* ---- in the session process ---------------------------------------------------------- */

static void tell(struct session *s, const struct session_head *to, const char *text, int fd)
{
	union session_report r;

	memset(&r, 0, sizeof(r));
	r.head = *to;
	r.head.kind = SESSION_CONNECTED;
	r.connected.ok = fd >= 0;
	(void)session_link_put(r.connected.text, sizeof(r.connected.text), text);
	session_report(s, &r, &fd, fd >= 0 ? 1 : 0);
}

/* A child that is not needed ends; its number is its own until we reap it. */
static void drop(struct session *s, struct session_job *j)
{
	struct session_job **at = &s->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (j->pid > 0)
		(void)kill(j->pid, SIGKILL);
	if (j->sock >= 0) {
		close(j->sock);
		s->running--;
	}
	s->n_jobs--;
	free(j);
}

static bool begin(struct session *s, struct session_job *j)
{
	int pair[2];

	if (session_link_pair(pair) < 0)
		return false;
	if ((j->pid = fork()) == 0)
		connect_in_child(s->conf, j, pair[1]);
	close(pair[1]);
	if (j->pid < 0) {
		j->pid = 0;
		close(pair[0]);
		return false;
	}
	j->sock = pair[0];
	s->running++;
	return true;
}

static void begin_waiting(struct session *s)
{
	struct session_job *next;

	for (struct session_job *j = s->jobs; j != NULL && s->running < RUNNING_MAX; j = next) {
		next = j->next;
		if (j->sock < 0 && !begin(s, j)) {
			struct session_head to = j->head;

			drop(s, j);
			tell(s, &to, "no process to connect with", -1);
		}
	}
}

void session_forward_order(struct session *s)
{
	const struct session_connect *o = &s->order.connect;
	struct session_job *j, **at = &s->jobs;

	if (s->n_jobs >= SESSION_CONNECTS_MAX || (j = calloc(1, sizeof(*j))) == NULL) {
		tell(s, &o->head, "too many connects under way", -1);
		return;
	}
	j->head = o->head;
	j->port = o->port;
	j->sock = -1;
	(void)session_link_put(j->host, sizeof(j->host), o->host);	/* a valid order fits */
	while (*at != NULL)
		at = &(*at)->next;
	*at = j;
	s->n_jobs++;
	begin_waiting(s);
}

void session_forward_drop(struct session *s, uint64_t chan)
{
	struct session_job *next;

	for (struct session_job *j = s->jobs; j != NULL; j = next) {
		next = j->next;
		if (j->head.chan == chan)
			drop(s, j);
	}
	begin_waiting(s);
}

void session_forward_reaped(struct session *s, pid_t pid)
{
	for (struct session_job *j = s->jobs; j != NULL; j = j->next)
		if (j->pid == pid)
			j->pid = 0;
}

size_t session_forward_poll(const struct session *s, struct pollfd *p, size_t size)
{
	size_t n = 0;

	for (const struct session_job *j = s->jobs; j != NULL && n < size; j = j->next)
		if (j->sock >= 0)
			p[n++] = (struct pollfd){ .fd = j->sock, .events = POLLIN };
	return n;
}

void session_forward_ready(struct session *s, int fd)
{
	struct session_job *j = s->jobs;
	struct result got = { 0 };
	struct session_head to;
	int fds[SESSION_LINK_FDS];
	size_t n = 0;
	ssize_t len;
	bool whole;

	while (j != NULL && j->sock != fd)
		j = j->next;
	if (j == NULL)
		return;
	len = session_link_recv(fd, &got, sizeof(got), fds, &n);
	if (len == -EAGAIN)
		return;
	to = j->head;
	drop(s, j);
	whole = len == (ssize_t)sizeof(got) && session_link_text(got.text, sizeof(got.text)) &&
	    n == (got.ok ? 1U : 0U);
	if (!whole)
		tell(s, &to, "it took too long", -1);
	else
		tell(s, &to, got.text, n == 1 ? fds[0] : -1);
	for (size_t i = 0; len > 0 && i < n; i++)
		close(fds[i]);
	begin_waiting(s);
}

void session_forward_leave(struct session *s)
{
	while (s->jobs != NULL)
		drop(s, s->jobs);
}
