/* event_server.c - a server in a libevent loop: what a client writes to its shell comes
 * back in capitals; as commands there are "count", "true" and "false".  User robey,
 * password foo.
 *
 *	cc -o event_server event_server.c -lpostern -levent_core
 *	./event_server HOSTKEY PORT
 *
 * One thread.  libevent polls three kinds of descriptors: the context's, for everything
 * that concerns SSH, each channel's, for its bytes, and a pidfd for each program. */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <postern.h>

struct pump {			/* one channel: what was read and not yet written */
	void (*closed)(void *);		/* first in all that a channel has as its user */
	postern_channel *channel;
	struct event *readable, *writable;
	char bytes[16384];
	size_t start, end;
};

struct program {		/* has the channel's descriptor as its stdin and stdout */
	void (*closed)(void *);
	postern_channel *channel;	/* NULL: closed meanwhile */
	int pidfd;
	struct event *exited;
};

static struct event_base *loop;

static void
pump_free(void *arg)
{
	struct pump *p = arg;

	event_free(p->readable);
	event_free(p->writable);
	free(p);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pump *p = arg;
	ssize_t n = read(fd, p->bytes, sizeof(p->bytes));

	(void)what;
	if (n < 0 && errno == EAGAIN) {
		event_add(p->readable, NULL);
		return;
	}
	if (n <= 0) {
		/* the client's end of data is the program's end */
		if (postern_channel_send_exit_status(p->channel, 0) < 0)
			postern_channel_close(p->channel);
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		p->bytes[i] = (char)toupper((unsigned char)p->bytes[i]);
	p->start = 0;
	p->end = (size_t)n;
	event_add(p->writable, NULL);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct pump *p = arg;
	ssize_t n = send(fd, p->bytes + p->start, p->end - p->start, MSG_NOSIGNAL);

	(void)what;
	if (n > 0)
		p->start += (size_t)n;
	if (n < 0 && errno != EAGAIN) {
		postern_channel_close(p->channel);
		return;
	}
	event_add(p->start < p->end ? p->writable : p->readable, NULL);
}

/* ---- programs ---- */

static void
on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;
	siginfo_t how = { 0 };
	int r = 0;

	(void)what;
	if (waitid(P_PIDFD, (id_t)fd, &how, WEXITED) != 0)
		warn("waitid");
	if (p->channel != NULL) {
		r = how.si_code == CLD_EXITED ?
		    postern_channel_send_exit_status(p->channel, (uint32_t)how.si_status) :
		    postern_channel_send_exit_signal(p->channel, "KILL", 0, "");
		postern_channel_set_user(p->channel, NULL);
		if (r < 0)
			postern_channel_close(p->channel);
	}
	event_free(p->exited);
	close(fd);
	free(p);
}

/* It is hung up on; on_exited takes it when it has ended. */
static void
program_closed(void *arg)
{
	struct program *p = arg;

	p->channel = NULL;
	(void)pidfd_send_signal(p->pidfd, SIGHUP, NULL, 0);
}

static pid_t
spawn(const char *name, int fd)
{
	static char *const commands[][3] = { { "wc", "-c", NULL }, { "true", NULL }, { "false", NULL } };
	static const char *const names[] = { "count", "true", "false" };
	posix_spawn_file_actions_t io;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&io);
	posix_spawn_file_actions_adddup2(&io, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&io, fd, STDOUT_FILENO);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0 &&
		    posix_spawnp(&pid, commands[i][0], &io, NULL, commands[i], NULL) != 0)
			pid = -1;
	posix_spawn_file_actions_destroy(&io);
	return pid;
}

static int
start_program(postern_channel *ch, const char *name)
{
	struct program *p = calloc(1, sizeof(*p));
	int fd = postern_channel_fd(ch);
	pid_t pid = p != NULL && fd >= 0 ? spawn(name, fd) : -1;

	if (pid < 0) {
		free(p);
		return POSTERN_REFUSE;
	}
	p->closed = program_closed;
	p->channel = ch;
	p->pidfd = pidfd_open(pid, 0);
	if (p->pidfd < 0)
		err(1, "pidfd_open");
	p->exited = event_new(loop, p->pidfd, EV_READ, on_exited, p);
	if (p->exited == NULL || event_add(p->exited, NULL) != 0)
		errx(1, "libevent");
	postern_channel_set_user(ch, p);
	return POSTERN_ACCEPT;
}

/* ---- policy ---- */

static int
check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	return l->method == POSTERN_PASSWORD && strcmp(l->user, "robey") == 0 &&
	    strcmp(l->password, "foo") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int
check_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    uint32_t *reason)
{
	return strcmp(kind, "session") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int
check_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	struct pump *p;
	int fd;

	if (postern_channel_user(ch) != NULL)
		return POSTERN_REFUSE;		/* one for each channel */
	if (rq->kind == POSTERN_REQ_EXEC)
		return start_program(ch, rq->name);
	if (rq->kind != POSTERN_REQ_SHELL)
		return POSTERN_REFUSE;
	fd = postern_channel_fd(ch);
	p = calloc(1, sizeof(*p));
	if (fd < 0 || p == NULL || evutil_make_socket_nonblocking(fd) != 0) {
		free(p);
		return POSTERN_REFUSE;
	}
	p->closed = pump_free;
	p->channel = ch;
	p->readable = event_new(loop, fd, EV_READ, on_readable, p);
	p->writable = event_new(loop, fd, EV_WRITE, on_writable, p);
	if (p->readable == NULL || p->writable == NULL)
		err(1, "event_new");
	event_add(p->readable, NULL);
	postern_channel_set_user(ch, p);
	return POSTERN_ACCEPT;
}

static void
channel_closed(void *user, postern_channel *ch)
{
	void (**closed)(void *) = postern_channel_user(ch);

	if (closed != NULL)
		(*closed)(closed);
	postern_channel_free(ch);
}

static void
transport_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	postern_transport_free(t);
}

/* ---- the loop ---- */

static void
on_context(evutil_socket_t fd, short what, void *arg)
{
	struct postern_event ev = POSTERN_EVENT;
	int r;

	while ((r = postern_next(arg, &ev, 0)) == 1)
		;		/* the policy has done all there is to do */
	if (r != POSTERN_ETIMEOUT && r != -EINTR)
		errx(1, "%s", postern_strerror(r));
}

/* A number of 1 to max, or the end. */
static unsigned
number(const char *text, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end != '\0' || n < 1 || n > max)
		errx(1, "%s: not a number of 1 to %u", text, max);
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct postern_context_config config = POSTERN_CONTEXT_CONFIG;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface policy = POSTERN_SERVER_INTERFACE;
	postern_context *ctx;
	postern_server *server;
	struct event *ready;
	int r, on = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3)
		errx(1, "usage: event_server HOSTKEY PORT");
	here.sin_port = htons((uint16_t)number(argv[2], 65535));
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(s, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(s, 1024) != 0)
		err(1, "port %s", argv[2]);
	loop = event_base_new();
	if (loop == NULL)
		errx(1, "libevent");
	/* for a crowd that arrives at once */
	config.startups_begin = config.startups_full = 5000;
	config.startups_rate = 1;
	cfg.methods = POSTERN_PASSWORD;
	policy.check_auth = check_auth;
	policy.check_channel_open = check_open;
	policy.check_channel_request = check_request;
	policy.channel_closed = channel_closed;
	policy.transport_closed = transport_closed;
	if ((r = postern_context_new(&ctx, &config, 10000)) < 0 ||
	    (r = postern_context_add_server_key(ctx, open(argv[1], O_RDONLY), NULL, 10000)) < 0 ||
	    (r = postern_server_new(&server, ctx, &cfg, &policy, 10000)) < 0 ||
	    (r = postern_server_listen(server, s)) < 0)
		errx(1, "cannot serve: %s", postern_strerror(r));
	ready = event_new(loop, postern_context_fd(ctx), EV_READ | EV_PERSIST, on_context, ctx);
	if (ready == NULL || event_add(ready, NULL) != 0)
		errx(1, "libevent");
	return event_base_dispatch(loop) == 0 ? 0 : 1;
}
