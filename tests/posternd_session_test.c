/*
 * posternd_session_test.c - orders of posternd to session processes, and what a session
 * process that is somebody's own can do to posternd.  The library is played here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/posternd.h"
#include "apps/session_link.h"
#include "tests/lingering.h"
#include "tests/stuck_file.h"

enum { ROOM = 1024 * 1024, CHAN = 1 };

/* ---- the library and the loop ---- */

struct postern_channel { struct conn *c; void *user; };

static int exits, answers, sockets;

void *postern_channel_user(const postern_channel *ch) { return ch->user; }
void postern_channel_set_user(postern_channel *ch, void *user) { ch->user = user; }
uint64_t postern_channel_id(const postern_channel *ch) { (void)ch; return CHAN; }
postern_transport *postern_channel_get_transport(const postern_channel *ch)
{
	return (postern_transport *)ch->c;
}
void *postern_transport_user(const postern_transport *t) { return (void *)(uintptr_t)t; }
const struct postern_forward *postern_channel_get_forward(const postern_channel *ch)
{
	(void)ch;
	return NULL;
}
void postern_channel_free(postern_channel *ch) { (void)ch; }
int postern_channel_take_pty(postern_channel *ch, int fd)
{
	(void)ch;
	close(fd);
	return POSTERN_ESTATE;
}
int postern_channel_take_pipes(postern_channel *ch, int in, int o, int err)
{
	(void)ch;
	close(in);
	close(o);
	close(err);
	return POSTERN_ESTATE;
}
int postern_channel_take_socket(postern_channel *ch, int fd)
{
	sockets++;
	return postern_channel_take_pty(ch, fd);
}
int postern_channel_send_exit_status(postern_channel *ch, uint32_t status)
{
	(void)ch;
	(void)status;
	exits++;
	return POSTERN_ESTATE;
}
int postern_channel_send_exit_signal(postern_channel *ch, const char *name, int core,
    const char *text)
{
	(void)name;
	(void)core;
	(void)text;
	return postern_channel_send_exit_status(ch, 0);
}
int postern_answer(postern_transport *t, uint64_t q, int code, const char *methods)
{
	(void)t;
	(void)q;
	(void)code;
	(void)methods;
	answers++;
	return POSTERN_EWORKER;
}
int postern_answer_port(postern_transport *t, uint64_t q, int code, uint32_t port)
{
	(void)port;
	return postern_answer(t, q, code, NULL);
}
int postern_transport_open_forward_async(postern_transport *t, postern_channel **out,
    const struct postern_forward *f, uint64_t *id)
{
	(void)t;
	(void)out;
	(void)f;
	(void)id;
	return POSTERN_ELIMIT;
}
const char *postern_strerror(int code) { (void)code; return "error"; }

static struct conn *alive;
struct conn *posternd_conn_find(struct daemon *d, uint32_t slot, uint32_t generation)
{
	(void)d;
	(void)slot;
	(void)generation;
	return alive;
}
void posternd_conn_end(struct conn *c, const char *why)
{
	(void)c;
	(void)why;
	alive = NULL;
}
int posternd_loop_add(struct daemon *d, int fd, enum posternd_source s, uint32_t slot,
    uint32_t generation)
{
	(void)d;
	(void)fd;
	(void)s;
	(void)slot;
	(void)generation;
	return 0;
}

/* ---- a login with one channel, and its session's end of the link ---- */

static struct daemon d;
static char *accept_all[] = { (char[]){ "*" } };

struct login { struct conn c; struct postern_channel handle; int session; };

static void begin(struct login *l)
{
	int pair[2], room = ROOM;

	memset(l, 0, sizeof(*l));
	d.conf.permit_tty = d.conf.x11_forwarding = true;
	d.conf.xauth = (char[]){ "/usr/bin/xauth" };
	d.conf.accept_env = (struct conf_words){ accept_all, 1 };
	assert_int_equal(session_link_pair(pair), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room,
		    sizeof(room)), 0);
	l->c.daemon = &d;
	l->c.conf = &d.conf;
	l->c.session = pair[0];
	l->session = pair[1];
	l->handle.c = &l->c;
	(void)snprintf(l->c.user, sizeof(l->c.user), "u");
	assert_non_null(posternd_session_add(&l->c, &l->handle, 0));
	alive = &l->c;
	exits = answers = 0;
	posternd_log_open(-1, 0, true);
}

static void end(struct login *l)
{
	posternd_session_stop(&l->c);
	close(l->session);
}

static int ask(struct login *l, struct postern_channel_request *rq)
{
	struct postern_server_interface i = { 0 };

	posternd_session_interface(&i);
	rq->size = sizeof(*rq);
	return i.check_channel_request(NULL, &l->handle, 7, rq);
}

/* The bytes of the one order that waits. */
static size_t received(struct login *l, union session_order *o)
{
	ssize_t n = session_link_recv(l->session, o, sizeof(*o), NULL, NULL);

	assert_true(n > 0);
	return (size_t)n;
}

static void an_order_holds_nothing_of_another_login(void **state)
{
	static const char secret[] = "hunter2!";
	static char command[20000];
	static union session_order o;
	struct postern_channel_request others[] = {
		{ .kind = POSTERN_REQ_ENV, .name = "A", .value = "b" },
		{ .kind = POSTERN_REQ_X11, .name = "MIT-MAGIC-COOKIE-1", .cookie = "0" },
		{ .kind = POSTERN_REQ_PTY, .name = "vt100" },
		{ .kind = POSTERN_REQ_SIGNAL, .name = "INT" },
	};
	struct login victim, curious;

	(void)state;
	begin(&victim);
	begin(&curious);
	for (size_t i = 0; i + sizeof(secret) < sizeof(command); i += sizeof(secret) - 1)
		memcpy(command + i, secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct postern_channel_request exec = { .kind = POSTERN_REQ_EXEC, .name = command };
		size_t n;

		victim.c.channels->started = false;
		assert_int_equal(ask(&victim, &exec), POSTERN_LATER);
		n = received(&victim, &o);
		assert_non_null(memmem(&o, n, secret, sizeof(secret) - 1));
		memset(&o, 0, sizeof(o));
		assert_int_not_equal(ask(&curious, &others[i]), POSTERN_REFUSE);
		n = received(&curious, &o);
		assert_true(session_order_valid(&o, n));
		assert_null(memmem(&o, n, "hunter", 6));
	}
	end(&victim);
	end(&curious);
}

/* Who is let in for files alone, by a key's line or a certificate, can write ~/.ssh/rc: that
 * must not be run for a request that is no subsystem either. */
static void files_alone_run_no_file_of_the_users(void **state)
{
	static const struct { int kind; const char *command; int has_rc; } cases[] = {
		{ POSTERN_REQ_EXEC, "internal-sftp", 0 },
		{ POSTERN_REQ_SHELL, "internal-sftp -R", 0 },
		{ POSTERN_REQ_EXEC, "internal-sftpd", 1 },
	};
	static union session_order o;
	struct login l;

	(void)state;
	d.conf.user_rc = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct postern_channel_request rq = { .kind = cases[i].kind, .name = "true" };

		begin(&l);
		l.c.grant.has_command = 1;
		(void)snprintf(l.c.grant.command, sizeof(l.c.grant.command), "%s", cases[i].command);
		assert_int_equal(ask(&l, &rq), POSTERN_LATER);
		assert_true(received(&l, &o) > 0);
		assert_int_equal(o.head.kind, SESSION_START);
		assert_int_equal(o.start.user_rc, cases[i].has_rc);
		end(&l);
	}
	d.conf.user_rc = false;
}

static void report_exit(struct login *l)
{
	union session_report r;

	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_EXIT, .chan = CHAN };
	assert_int_equal(session_link_send(l->session, &r, session_report_size(SESSION_EXIT),
	    NULL, 0), 0);
}

/* Who never stops talking must not be the only one who is listened to. */
static void a_session_that_floods_has_its_turn_and_no_more(void **state)
{
	enum { MANY = 200 };
	struct login l;
	int turns = 0;

	(void)state;
	begin(&l);
	for (int i = 0; i < MANY; i++)
		report_exit(&l);
	for (int before = -1; exits > before && turns < MANY; turns++) {
		before = exits;
		posternd_session_reports(&l.c);
		assert_true(exits - before <= POSTERND_REPORTS_PER_TURN);
	}
	assert_int_equal(exits, MANY);
	assert_ptr_equal(alive, &l.c);
	end(&l);
}

static void nonsense_of_a_session_is_told_a_few_times(void **state)
{
	union session_report r;
	struct login l;
	int master;

	(void)state;
	begin(&l);
	for (int i = 0; i < POSTERND_REFUSALS_TOLD; i++) {
		report_exit(&l);
		posternd_session_reports(&l.c);
	}
	assert_int_equal(l.c.refusals, POSTERND_REFUSALS_TOLD);
	l.c.refusals = 0;
	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_REPLY, .chan = CHAN };
	assert_int_equal(session_link_send(l.session, &r, session_report_size(SESSION_REPLY),
	    NULL, 0), 0);
	posternd_session_reports(&l.c);
	assert_int_equal(l.c.refusals, 1);	/* there is no such question */
	r.reply.ok = 1;
	master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_int_equal(session_link_send(l.session, &r, session_report_size(SESSION_REPLY),
	    &master, 1), 0);
	close(master);
	posternd_session_reports(&l.c);
	assert_int_equal(l.c.refusals, 3);	/* and the channel wants no descriptor */
	end(&l);
}

/* The library frees the handle of a channel whose opening is refused: what answers it
 * must know, and a reply is about requests. */
static void a_reply_does_not_answer_an_opening(void **state)
{
	union session_report r;
	struct postern_channel forward;
	struct channel *opening;
	struct login l;

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(&l);
		forward = (struct postern_channel){ .c = &l.c };
		opening = posternd_session_add(&l.c, &forward, POSTERN_DIRECT_TCPIP);
		assert_non_null(opening);
		opening->id = CHAN + 1;
		opening->question = 9;
		memset(&r, 0, sizeof(r));
		r.head = (struct session_head){ .kind = SESSION_REPLY, .question = 9,
		    .chan = (uint64_t)(CHAN + i) };
		assert_int_equal(session_link_send(l.session, &r,
		    session_report_size(SESSION_REPLY), NULL, 0), 0);
		posternd_session_reports(&l.c);
		assert_int_equal(answers, 0);
		assert_null(alive);
		end(&l);
	}
}

/* A session process that was told where not to connect, and says that it did. */
static void where_a_session_has_connected_to_the_kernel_knows(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct postern_channel forward;
	struct channel *opening;
	union session_report r;
	struct login l;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&in, len) | listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
	for (int i = 0; i < 2; i++) {
		begin(&l);
		answers = sockets = 0;
		d.conf.permit_open_address = (char *)(uintptr_t)(i == 0 ? "!127.0.0.0/8,*" : "127.0.0.1");
		forward = (struct postern_channel){ .c = &l.c };
		opening = posternd_session_add(&l.c, &forward, POSTERN_DIRECT_TCPIP);
		assert_non_null(opening);
		opening->id = CHAN + 1;
		opening->question = 9;
		memset(&r, 0, sizeof(r));
		r.head = (struct session_head){ .kind = SESSION_CONNECTED, .question = 9,
		    .chan = CHAN + 1 };
		r.connected.ok = 1;
		assert_int_equal(session_link_send(l.session, &r,
		    session_report_size(SESSION_CONNECTED), &fd, 1), 0);
		posternd_session_reports(&l.c);
		assert_int_equal(answers, 1);
		assert_int_equal(sockets, i);
		end(&l);
	}
	d.conf.permit_open_address = NULL;
	close(listener);
	close(fd);
}

/* It says why it ends, and what it was told meanwhile it never reads. */
static void the_last_word_of_a_session_is_heard(void **state)
{
	struct postern_channel_request exec = { .kind = POSTERN_REQ_EXEC, .name = "true" };
	union session_report r;
	struct login l;

	(void)state;
	begin(&l);
	assert_int_equal(ask(&l, &exec), POSTERN_LATER);
	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_NOTE };
	(void)snprintf(r.note.text, sizeof(r.note.text), "the user is gone");
	assert_int_equal(session_link_send(l.session, &r, session_report_size(SESSION_NOTE), NULL, 0),
	    0);
	close(l.session);
	posternd_session_reports(&l.c);
	assert_int_equal(l.c.refusals, 1);	/* the note is in the log */
	assert_null(alive);
	posternd_session_stop(&l.c);
}

/* ---- descriptors that are not what they should be ---- */

static void report_connected(struct login *l, const int *fds, size_t n)
{
	union session_report r;

	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_CONNECTED, .chan = CHAN, .question = 1 };
	r.connected.ok = 1;
	assert_int_equal(session_link_send(l->session, &r, session_report_size(SESSION_CONNECTED),
	    fds, n), 0);
}

static bool ends_within_a_second(void (*step)(struct login *), struct login *l)
{
	time_t before = time(NULL);

	step(l);
	return time(NULL) - before <= LINGER_S / 4;
}

static void hear(struct login *l)
{
	posternd_session_reports(&l->c);
}

/* The last copy of a socket that lingers is closed by whoever has it: nobody may be held
 * up by that, whether it was read, was one too many, or is still in the link. */
static void a_socket_that_lingers_holds_nobody_up(void **state)
{
	struct login l;
	int peer, fds[SESSION_LINK_FDS];

	(void)state;
	begin(&l);
	fds[0] = lingering(&peer);
	report_connected(&l, fds, 1);
	close(fds[0]);
	assert_true(ends_within_a_second(hear, &l));	/* nobody asked for it */
	assert_ptr_equal(alive, &l.c);
	close(peer);
	fds[0] = lingering(&peer);
	fds[1] = fds[2] = fds[0];
	report_connected(&l, fds, 3);
	close(fds[0]);
	assert_true(ends_within_a_second(hear, &l));
	assert_null(alive);
	close(peer);
	alive = &l.c;
	fds[0] = lingering(&peer);
	report_connected(&l, fds, 1);
	close(fds[0]);
	assert_true(ends_within_a_second(end, &l));
	close(peer);
}

/* ...and to hold them up is all that it can do: whoever waits in that close has nothing
 * else, for what posternd had, its ports above all, is free when posternd has ended. */
static void who_closes_has_nothing_else(void **state)
{
	int gone[2], peer, fd = lingering(&peer);
	struct pollfd p = { .events = POLLIN };
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(gone, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		session_link_discard(&fd, 1);
		_exit(0);
	}
	close(fd);
	close(gone[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	p.fd = gone[0];
	assert_int_equal(poll(&p, 1, LINGER_S * 1000 / 4), 1);
	close(gone[0]);
	close(peer);
}

/* A local socket with descriptors in it, which are closed with it. */
static int local_with(int inside)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(session_link_send(pair[1], "x", 1, &inside, 1), 0);
	close(pair[1]);
	return pair[0];
}

static void discard_one(struct login *l)
{
	posternd_session_discard(NULL, l->session);
}

/* A program of a user's at the other end of a forwarded socket, or of the agent's, sends
 * what lingers over it: nothing of that is read before it is closed. */
static void nor_does_a_local_socket_with_one_in_it(void **state)
{
	struct login l;
	int peer, fd = lingering(&peer);

	(void)state;
	l.session = local_with(fd);
	close(fd);
	assert_true(ends_within_a_second(discard_one, &l));
	assert_int_equal(fcntl(l.session, F_GETFD), -1);
	close(peer);
	/* one that nobody can put anything into costs no process */
	l.session = lingering(&peer);
	assert_true(ends_within_a_second(discard_one, &l));
	assert_int_equal(fcntl(l.session, F_GETFD), -1);
	close(peer);
}

/* Reads from a terminal into a page that nobody will bring, or says that it cannot. */
static _Noreturn void read_for_ever(const char *terminal, int says)
{
	int fd = open(terminal, O_RDWR | O_NOCTTY), faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register all = { .range = { (uintptr_t)page, 4096 },
		.mode = UFFDIO_REGISTER_MODE_MISSING };
	bool can = fd >= 0 && faults >= 0 && ioctl(faults, UFFDIO_API, &api) == 0 &&
	    ioctl(faults, UFFDIO_REGISTER, &all) == 0;

	if (write(says, can ? "y" : "n", 1) == 1 && can)
		(void)!read(fd, page, 4096);
	_exit(0);
}

/* Has the child ended within a moment? */
static bool has_ended(pid_t pid)
{
	for (int i = 0; i < 50; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		(void)usleep(100000);
	}
	return false;
}

static void nor_does_a_terminal_whose_reader_is_stuck(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), says[2];
	char name[64], can = 'n';
	pid_t reader, closer;
	bool ended;

	(void)state;
	assert_int_equal(grantpt(master) | unlockpt(master) | pipe(says), 0);
	assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
	if ((reader = fork()) == 0) {
		close(master);
		read_for_ever(name, says[1]);
	}
	assert_int_equal(read(says[0], &can, 1), 1);
	assert_int_equal(write(master, "line\n", 5), 5);
	(void)usleep(200000);		/* it is in there by now, or the test proves less */
	if ((closer = fork()) == 0) {
		(void)usleep(100000);	/* the last copy is its own */
		posternd_session_discard(NULL, master);
		_exit(0);
	}
	close(master);
	ended = has_ended(closer);
	(void)kill(reader, SIGKILL);
	assert_int_equal(waitpid(reader, NULL, 0), reader);
	close(says[0]);
	close(says[1]);
	if (can != 'y')			/* only root may, here */
		print_message("# no userfaultfd: the reader was not stuck\n");
	assert_true(ended);
}

/* A file system is told of each close, also of a copy and also at a process's end. */
static _Noreturn void discard_stuck(int says)
{
	pid_t server = -1;
	int fds[2] = { -1, open("/dev/null", O_RDONLY | O_CLOEXEC) };
	bool can;

	(void)setpgid(0, 0);		/* the server too is in reach */
	can = (fds[0] = stuck_file(&server)) >= 0;
	if (can)
		session_link_discard(fds, 2);
	if (write(says, can ? "y" : "n", 1) != 1)
		_exit(1);
	for (int i = 0; i < 50 && can && fcntl(fds[0], F_GETFD) >= 0; i++)
		(void)usleep(20000);	/* a child of ours is at it */
	can = can && fcntl(fds[0], F_GETFD) >= 0;
	if (server > 0)
		(void)kill(server, SIGKILL);
	_exit(can);
}

static void nor_does_a_file_of_the_users_own_file_system(void **state)
{
	struct pollfd p = { .events = POLLIN };
	int says[2], status;
	pid_t pid;
	char can;

	(void)state;
	assert_int_equal(pipe2(says, O_CLOEXEC), 0);
	if ((pid = fork()) == 0)
		discard_stuck(says[1]);
	close(says[1]);
	p.fd = says[0];
	if (poll(&p, 1, LINGER_S * 1000 / 4) != 1) {
		(void)kill(-pid, SIGKILL);
		fail_msg("held up by the close of a file");
	}
	assert_int_equal(read(says[0], &can, 1), 1);
	if (can != 'y')			/* only root may mount it, here */
		print_message("# no FUSE: nothing was held up\n");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(says[0]);
}

/* A copy that somebody is about to close is no event of ours any more. */
static void a_link_that_is_given_up_wakes_nobody(void **state)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct login l;
	int copy;

	(void)state;
	begin(&l);
	d.poll = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(d.poll, EPOLL_CTL_ADD, l.c.session, &e), 0);
	copy = dup(l.c.session);
	end(&l);
	assert_int_equal(epoll_wait(d.poll, &e, 1, 0), 0);
	close(copy);
	close(d.poll);
	d.poll = -1;
}

/* What lingers is a connection all the same: it is one that does not, from then on. */
static void a_connection_lingers_no_longer(void **state)
{
	struct linger now;
	socklen_t len = sizeof(now);
	struct login l;
	int peer, fd = lingering(&peer);

	(void)state;
	begin(&l);
	report_connected(&l, &fd, 1);
	hear(&l);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &now, &len), 0);
	assert_int_equal(now.l_onoff, 0);
	assert_ptr_equal(alive, &l.c);
	close(fd);
	close(peer);
	end(&l);
}

/* Files, datagrams and one's own terminal are no connection, no pipe and no master: who
 * sends them says no more. */
static void other_kinds_end_the_login(void **state)
{
	int file = open("/proc/self/exe", O_RDONLY), null = open("/dev/null", O_RDWR), pipes[2];
	int datagram = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2];
	struct { unsigned kind; int fds[3]; size_t n; } cases[8];
	union session_report r;
	struct login l;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	memcpy(cases, (const __typeof__(cases)){
	    { SESSION_CONNECTED, { file }, 1 }, { SESSION_CONNECTED, { datagram }, 1 },
	    { SESSION_CONNECTED, { pipes[0] }, 1 }, { SESSION_REPLY, { file }, 1 },
	    { SESSION_REPLY, { null }, 1 }, { SESSION_REPLY, { pair[0] }, 1 },
	    { SESSION_REPLY, { pipes[0], pipes[1], file }, 3 },
	    { SESSION_REPLY, { pipes[0], pair[0], pipes[1] }, 3 } }, sizeof(cases));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&l);
		memset(&r, 0, sizeof(r));
		r.head = (struct session_head){ .kind = cases[i].kind, .chan = CHAN };
		*(cases[i].kind == SESSION_REPLY ? &r.reply.ok : &r.connected.ok) = 1;
		assert_int_equal(session_link_send(l.session, &r, session_report_size(cases[i].kind),
		    cases[i].fds, cases[i].n), 0);
		hear(&l);
		assert_null(alive);
		assert_int_equal(answers, 0);
		end(&l);
	}
	/* of nothing but a descriptor: no end, and nothing is kept */
	begin(&l);
	assert_int_equal(session_link_send(l.session, "", 0, &file, 1), 0);
	hear(&l);
	assert_null(alive);
	end(&l);
	for (int *fd = (int[]){ file, null, datagram, pipes[0], pipes[1], pair[0], pair[1], -1 };
	    *fd >= 0; fd++)
		close(*fd);
}

static void what_a_session_makes_is_taken(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), pipes[2], more[2];
	union session_report r;
	struct login l;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pipe(more), 0);
	begin(&l);
	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_REPLY, .chan = CHAN };
	r.reply.ok = 1;
	assert_int_equal(session_link_send(l.session, &r, session_report_size(SESSION_REPLY),
	    &master, 1), 0);
	assert_int_equal(session_link_send(l.session, &r, session_report_size(SESSION_REPLY),
	    (int[]){ pipes[0], pipes[1], more[1] }, 3), 0);
	hear(&l);
	assert_int_equal(answers, 2);
	assert_ptr_equal(alive, &l.c);
	end(&l);
	for (int *fd = (int[]){ master, pipes[0], pipes[1], more[0], more[1], -1 }; *fd >= 0; fd++)
		close(*fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_holds_nothing_of_another_login),
		cmocka_unit_test(files_alone_run_no_file_of_the_users),
		cmocka_unit_test(a_session_that_floods_has_its_turn_and_no_more),
		cmocka_unit_test(nonsense_of_a_session_is_told_a_few_times),
		cmocka_unit_test(a_reply_does_not_answer_an_opening),
		cmocka_unit_test(the_last_word_of_a_session_is_heard),
		cmocka_unit_test(a_socket_that_lingers_holds_nobody_up),
		cmocka_unit_test(who_closes_has_nothing_else),
		cmocka_unit_test(nor_does_a_file_of_the_users_own_file_system),
		cmocka_unit_test(nor_does_a_terminal_whose_reader_is_stuck),
		cmocka_unit_test(a_link_that_is_given_up_wakes_nobody),
		cmocka_unit_test(nor_does_a_local_socket_with_one_in_it),
		cmocka_unit_test(a_connection_lingers_no_longer),
		cmocka_unit_test(other_kinds_end_the_login),
		cmocka_unit_test(what_a_session_makes_is_taken),
		cmocka_unit_test(where_a_session_has_connected_to_the_kernel_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
