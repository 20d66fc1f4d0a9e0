/*
 * session_forward_test.c - a session process told to connect and to listen, against
 * loopback: addresses, names, paths, ends of channels, limits, and what it leaves
 * behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/conf_permit.h"
#include "apps/session.h"
#include "apps/session_link.h"

enum { WAIT_MS = 10000, QUIET_MS = 150 };

static struct { int link; pid_t pid; struct conf conf; } lab;
static union session_order order;
static union session_report said;
static char dir[] = "/tmp/session_forward.XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];

	(void)snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

static void start(const char *options)
{
	struct account_session_ask ask;
	FILE *null = fopen("/dev/null", "w");
	char copy[512], *at = copy, *line;
	int pair[2];

	conf_new(&lab.conf);
	(void)snprintf(copy, sizeof(copy), "%s", options);
	while ((line = strsep(&at, "\n")) != NULL)
		if (line[0] != '\0')
			assert_int_equal(conf_read_option(&lab.conf, line, "/", null), 0);
	assert_int_equal(conf_read_option(&lab.conf, "PrintMotd no", "/", null), 0);
	assert_int_equal(conf_finish_defaults(&lab.conf, null), 0);
	fclose(null);
	memset(&ask, 0, sizeof(ask));
	(void)snprintf(ask.user, sizeof(ask.user), "%s", getpwuid(geteuid())->pw_name);
	assert_int_equal(session_link_pair(pair), 0);
	if ((lab.pid = fork()) == 0) {
		if (dup2(pair[1], 3) < 0)
			_exit(99);
		closefrom(4);
		session_run(&lab.conf, &ask, 3);
	}
	close(pair[1]);
	lab.link = pair[0];
}

static void stop(void)
{
	int status = -1;

	close(lab.link);
	assert_int_equal(waitpid(lab.pid, &status, 0), lab.pid);
	assert_int_equal(status, 0);
	conf_free(&lab.conf);
}

static void send_order(void)
{
	assert_true(session_order_valid(&order, session_order_size(&order)));
	assert_int_equal(session_link_send(lab.link, &order, session_order_size(&order), NULL, 0), 0);
}

static void begin_order(uint32_t kind, uint64_t chan)
{
	memset(&order, 0, sizeof(order));
	order.head = (struct session_head){ .kind = kind, .chan = chan, .question = chan + 100 };
}

/* The next report into said; its descriptor or -1. */
static int report(uint32_t kind, uint64_t chan)
{
	struct pollfd p = { .fd = lab.link, .events = POLLIN };
	int fds[3] = { -1, -1, -1 };
	size_t n = 0;
	ssize_t len;

	do {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		memset(&said, 0, sizeof(said));
		len = session_link_recv(lab.link, &said, sizeof(said), fds, &n);
		assert_true(len > 0);
		assert_true(session_report_valid(&said, (size_t)len, n));
	} while (said.head.kind == SESSION_LINE);
	if (said.head.kind != kind || said.head.chan != chan)
		fail_msg("report %u of %u", said.head.kind, (unsigned)said.head.chan);
	for (size_t i = 1; i < n; i++)
		close(fds[i]);
	return n > 0 ? fds[0] : -1;
}

static void nothing_is_said(void)
{
	struct pollfd p = { .fd = lab.link, .events = POLLIN };

	assert_int_equal(poll(&p, 1, QUIET_MS), 0);
}

static int listener_on(int family, uint32_t *port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *a = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, a, len) != 0 || listen(fd, 64) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, a, &len), 0);
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

static int connect_to(const char *address, uint32_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	bool is_v6 = strchr(address, ':') != NULL;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	assert_int_equal(is_v6 ? inet_pton(AF_INET6, address, &v6.sin6_addr) :
	    inet_pton(AF_INET, address, &v4.sin_addr), 1);
	if (fd >= 0 && connect(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
	    is_v6 ? sizeof(v6) : sizeof(v4)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int connect_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(session_link_put(a.sun_path, sizeof(a.sun_path), path));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Are these the two ends of one connection? */
static void joined(int a, int b)
{
	char byte = 0;

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(write(a, "x", 1), 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = b, .events = POLLIN }, 1, WAIT_MS), 1);
	assert_int_equal(read(b, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(a);
	close(b);
}

static void order_connect(uint64_t chan, const char *host, uint32_t port)
{
	begin_order(SESSION_CONNECT, chan);
	(void)snprintf(order.connect.host, sizeof(order.connect.host), "%s", host);
	order.connect.port = port;
	send_order();
}

static void it_connects_to_addresses_names_and_paths(void **s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	uint32_t port, port6;
	char text[64];
	int l, l6, fd;

	(void)s;
	start("");
	assert_true((l = listener_on(AF_INET, &port)) >= 0);
	order_connect(1, "127.0.0.1", port);
	fd = report(SESSION_CONNECTED, 1);
	assert_int_equal(said.head.question, 101);
	(void)snprintf(text, sizeof(text), "127.0.0.1 port %u", port);
	assert_string_equal(said.connected.text, text);
	joined(fd, accept(l, NULL, NULL));
	order_connect(2, "localhost", port);	/* ::1 refuses, perhaps; the next does not */
	fd = report(SESSION_CONNECTED, 2);
	assert_string_equal(said.connected.text, text);
	joined(fd, accept(l, NULL, NULL));
	if ((l6 = listener_on(AF_INET6, &port6)) >= 0) {
		order_connect(3, "::1", port6);
		fd = report(SESSION_CONNECTED, 3);
		joined(fd, accept(l6, NULL, NULL));
		close(l6);
	}
	close(l);
	assert_true(session_link_put(a.sun_path, sizeof(a.sun_path), in_dir("target")));
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof(a)) | listen(l, 5), 0);
	order_connect(4, in_dir("target"), 0);
	fd = report(SESSION_CONNECTED, 4);
	assert_string_equal(said.connected.text, "");
	joined(fd, accept(l, NULL, NULL));
	close(l);
	unlink(a.sun_path);
	stop();
}

static void addresses_are_permitted_whatever_they_are_called(void **s)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0",
	    "0", "::", "::1" };
	uint32_t port;
	int l, fd;

	(void)s;
	start("PermitOpenAddress !127.0.0.0/8,!::1,*");
	assert_true((l = listener_on(AF_INET, &port)) >= 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		order_connect(i + 1, names[i], port);
		assert_int_equal(report(SESSION_CONNECTED, i + 1), -1);
		assert_non_null(strstr(said.connected.text, "is not in PermitOpenAddress"));
	}
	stop();
	/* nobody was there at any time */
	assert_int_equal(poll(&(struct pollfd){ .fd = l, .events = POLLIN }, 1, QUIET_MS), 0);
	/* the one that is permitted is the one that is connected to */
	start("PermitOpenAddress 127.0.0.1");
	order_connect(1, "localhost", port);
	fd = report(SESSION_CONNECTED, 1);
	joined(fd, accept(l, NULL, NULL));
	close(l);
	stop();
}

/* 0: fd was sent; else why not. */
static int sent_over(int sock, int fd)
{
	int r = session_link_send(sock, "x", 1, &fd, 1);

	close(fd);
	return r;
}

/* Descriptors that somebody sends over a forwarded socket would be closed by the worker, and
 * a connection that lingers would hold it up, with all that the login has. */
static void nobody_sends_descriptors_where_the_kernel_can_refuse_them(void **s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), no = 0, fd, theirs, want;

	(void)s;
	want = setsockopt(l, SOL_SOCKET, 83, &no, sizeof(no)) == 0 ? -EPERM : 0;
	assert_true(session_link_put(a.sun_path, sizeof(a.sun_path), in_dir("target")));
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof(a)) | listen(l, 4), 0);
	start("");
	order_connect(1, in_dir("target"), 0);
	fd = report(SESSION_CONNECTED, 1);
	theirs = accept(l, NULL, NULL);
	assert_int_equal(sent_over(theirs, dup(l)), want);
	close(theirs);
	close(fd);
	begin_order(SESSION_LISTEN, 2);
	order.listen.kind = POSTERN_FORWARDED_STREAMLOCAL;
	(void)snprintf(order.listen.host, sizeof(order.listen.host), "%s", in_dir("a"));
	send_order();
	assert_int_equal(report(SESSION_LISTENING, 2), -1);
	theirs = connect_path(in_dir("a"));
	fd = report(SESSION_ACCEPTED, 2);
	assert_int_equal(sent_over(theirs, dup(l)), want);
	joined(theirs, fd);
	close(l);
	unlink(in_dir("target"));
	stop();
}

static void what_cannot_be_connected_to_is_said(void **s)
{
	static char longer[200];
	uint32_t port;
	int l;

	(void)s;
	start("");
	assert_true((l = listener_on(AF_INET, &port)) >= 0);
	close(l);
	order_connect(1, "127.0.0.1", port);
	assert_int_equal(report(SESSION_CONNECTED, 1), -1);
	assert_string_equal(said.connected.text, strerror(ECONNREFUSED));
	order_connect(2, in_dir("nothing"), 0);
	assert_int_equal(report(SESSION_CONNECTED, 2), -1);
	assert_string_equal(said.connected.text, strerror(ENOENT));
	memset(longer, 'a', sizeof(longer) - 1);
	order_connect(3, longer, 0);
	assert_int_equal(report(SESSION_CONNECTED, 3), -1);
	assert_string_equal(said.connected.text, strerror(ENAMETOOLONG));
	order_connect(4, "no such name", 80);
	assert_int_equal(report(SESSION_CONNECTED, 4), -1);
	assert_true(said.connected.text[0] != '\0');
	stop();
}

/* A listener that accepts nobody and whose queue is full lets connects wait: they
 * stand for a silent host. */
static int deaf_listener(int *filler)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(session_link_put(a.sun_path, sizeof(a.sun_path), in_dir("deaf")));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)) | listen(fd, 0), 0);
	*filler = connect_path(in_dir("deaf"));
	assert_true(*filler >= 0);
	return fd;
}

static int children(pid_t of)
{
	char path[64], text[4096] = "";
	int n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", of, of);
	if ((f = fopen(path, "r")) == NULL)
		return -1;
	if (fgets(text, sizeof(text), f) != NULL)
		for (char *p = text; *p != '\0'; p++)
			n += *p == ' ';
	fclose(f);
	return n;
}

static bool children_become(int want)
{
	for (int i = 0; i < WAIT_MS / 10; i++) {
		if (children(lab.pid) == want)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static void a_silent_host_delays_nobody(void **s)
{
	int deaf, filler, fd, l;
	uint32_t port;

	(void)s;
	start("");
	deaf = deaf_listener(&filler);
	for (uint64_t i = 0; i < 20; i++)
		order_connect(1000 + i, in_dir("deaf"), 0);
	assert_true((l = listener_on(AF_INET, &port)) >= 0);
	order_connect(1, "127.0.0.1", port);
	fd = report(SESSION_CONNECTED, 1);
	joined(fd, accept(l, NULL, NULL));
	nothing_is_said();
	assert_true(children_become(20));
	/* a channel that ends takes its connect with it */
	for (uint64_t i = 0; i < 19; i++) {
		begin_order(SESSION_CLOSE, 1000 + i);
		send_order();
	}
	assert_true(children_become(1));
	/* and so does the login */
	stop();
	close(l);
	close(deaf);
	close(filler);
	unlink(in_dir("deaf"));
}

static void more_connects_than_children_wait_their_turn(void **s)
{
	enum { MANY = 100 };
	bool seen[MANY] = { false };
	uint32_t port;
	int l;

	(void)s;
	start("");
	assert_true((l = listener_on(AF_INET, &port)) >= 0);
	assert_int_equal(listen(l, MANY), 0);
	for (uint64_t i = 0; i < MANY; i++)
		order_connect(i, "127.0.0.1", port);
	for (int i = 0; i < MANY; i++) {
		struct pollfd p = { .fd = lab.link, .events = POLLIN };
		int fds[3];
		size_t n = 0;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_true(session_link_recv(lab.link, &said, sizeof(said), fds, &n) > 0);
		assert_int_equal(said.head.kind, SESSION_CONNECTED);
		assert_true(n == 1 && said.head.chan < MANY && !seen[said.head.chan]);
		seen[said.head.chan] = true;
		close(fds[0]);
	}
	close(l);
	assert_true(children_become(0));
	stop();
}

static void too_many_connects_are_refused_one_by_one(void **s)
{
	int deaf, filler;

	(void)s;
	start("");
	deaf = deaf_listener(&filler);
	for (uint64_t i = 0; i < SESSION_CONNECTS_MAX; i++) {
		struct pollfd p = { .fd = lab.link, .events = POLLOUT };

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		begin_order(SESSION_CONNECT, i);
		(void)snprintf(order.connect.host, sizeof(order.connect.host), "%s", in_dir("deaf"));
		while (session_link_send(lab.link, &order, session_order_size(&order), NULL, 0) ==
		    -EAGAIN)
			(void)poll(NULL, 0, 5);
	}
	nothing_is_said();
	order_connect(9999, in_dir("deaf"), 0);
	assert_int_equal(report(SESSION_CONNECTED, 9999), -1);
	assert_string_equal(said.connected.text, "too many connects under way");
	begin_order(SESSION_CLOSE, 0);
	send_order();
	order_connect(10000, in_dir("deaf"), 0);
	nothing_is_said();
	stop();
	close(deaf);
	close(filler);
	unlink(in_dir("deaf"));
}

static uint32_t order_listen(uint64_t id, enum conf_bind bind, const char *host, uint32_t port)
{
	begin_order(SESSION_LISTEN, id);
	order.listen.kind = POSTERN_FORWARDED_TCPIP;
	order.listen.bind = (uint8_t)bind;
	order.listen.port = port;
	(void)snprintf(order.listen.host, sizeof(order.listen.host), "%s", host);
	send_order();
	assert_int_equal(report(SESSION_LISTENING, id), -1);
	assert_int_equal(said.head.question, id + 100);
	assert_int_equal(said.listening.ok, said.listening.text[0] == '\0');
	return said.listening.ok ? said.listening.port : 0;
}

static void taken(void)
{
	begin_order(SESSION_TAKEN, 0);
	send_order();
}

static void it_listens_where_it_is_told(void **s)
{
	uint32_t port, other;
	int fd, v6, peer;

	(void)s;
	start("");
	port = order_listen(1, CONF_BIND_LOOPBACK, "", 0);
	assert_true(port > 0);
	fd = connect_to("127.0.0.1", port);
	peer = report(SESSION_ACCEPTED, 1);
	assert_int_equal(said.accepted.kind, POSTERN_FORWARDED_TCPIP);
	assert_string_equal(said.accepted.host, "127.0.0.1");
	assert_true(said.accepted.port > 0);
	joined(fd, peer);
	taken();
	if ((v6 = connect_to("::1", port)) >= 0) {
		peer = report(SESSION_ACCEPTED, 1);
		assert_string_equal(said.accepted.host, "::1");
		joined(v6, peer);
		taken();
	}
	assert_int_equal(connect_to("127.0.0.2", port), -1);
	/* the same port again is somebody's already: ours */
	assert_int_equal(order_listen(2, CONF_BIND_LOOPBACK, "", port), 0);
	assert_string_equal(said.listening.text, strerror(EADDRINUSE));
	/* one address, all addresses */
	other = order_listen(3, CONF_BIND_ADDRESS, "127.0.0.2", 0);
	assert_true(other > 0);
	assert_int_equal(connect_to("127.0.0.1", other), -1);
	fd = connect_to("127.0.0.2", other);
	joined(fd, report(SESSION_ACCEPTED, 3));
	taken();
	other = order_listen(4, CONF_BIND_ANY, "", 0);
	fd = connect_to("127.0.0.2", other);
	joined(fd, report(SESSION_ACCEPTED, 4));
	taken();
	/* nothing is looked up, and what is not ours is not bound */
	assert_int_equal(order_listen(5, CONF_BIND_ADDRESS, "localhost", 0), 0);
	assert_int_equal(order_listen(6, CONF_BIND_ADDRESS, "192.0.2.77", 0), 0);
	/* a number twice */
	assert_int_equal(order_listen(4, CONF_BIND_ANY, "", 0), 0);
	begin_order(SESSION_UNLISTEN, 1);
	send_order();
	assert_int_equal(order_listen(7, CONF_BIND_LOOPBACK, "", port), port);
	fd = connect_to("127.0.0.1", port);
	joined(fd, report(SESSION_ACCEPTED, 7));
	stop();
	assert_int_equal(connect_to("127.0.0.1", port), -1);
}

static bool order_path(uint64_t id, const char *path)
{
	begin_order(SESSION_LISTEN, id);
	order.listen.kind = POSTERN_FORWARDED_STREAMLOCAL;
	(void)snprintf(order.listen.host, sizeof(order.listen.host), "%s", path);
	send_order();
	assert_int_equal(report(SESSION_LISTENING, id), -1);
	return said.listening.ok;
}

static void paths_have_the_mask_and_are_removed(void **s)
{
	struct stat st;
	int fd;

	(void)s;
	start("");
	assert_true(order_path(1, in_dir("a")));
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fd = connect_path(in_dir("a"));
	joined(fd, report(SESSION_ACCEPTED, 1));
	assert_int_equal(said.accepted.kind, POSTERN_FORWARDED_STREAMLOCAL);
	assert_string_equal(said.accepted.host, "");
	assert_int_equal(said.accepted.port, 0);
	taken();
	assert_false(order_path(2, in_dir("a")));	/* it is there, and stays */
	assert_string_equal(said.listening.text, strerror(EADDRINUSE));
	assert_false(order_path(2, "relative"));
	assert_false(order_path(2, in_dir("no/such/folder")));
	assert_true(order_path(3, in_dir("b")));
	begin_order(SESSION_UNLISTEN, 1);
	send_order();
	assert_true(order_path(4, in_dir("a")));
	/* somebody has put another file in its place: that is not ours to remove */
	assert_int_equal(unlink(in_dir("b")), 0);
	close(open(in_dir("b"), O_CREAT | O_WRONLY, 0600));
	stop();
	assert_int_equal(access(in_dir("a"), F_OK), -1);
	assert_int_equal(access(in_dir("b"), F_OK), 0);
	start("StreamLocalBindMask 0117\nStreamLocalBindUnlink yes");
	assert_true(order_path(1, in_dir("b")));
	assert_int_equal(stat(in_dir("b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	stop();
	assert_int_equal(access(in_dir("b"), F_OK), -1);
}

static void untaken_connections_wait_in_the_kernel(void **s)
{
	int mine[SESSION_ACCEPTED_MAX + 5], theirs[SESSION_ACCEPTED_MAX + 5];
	uint32_t port;

	(void)s;
	start("");
	port = order_listen(1, CONF_BIND_LOOPBACK, "", 0);
	for (int i = 0; i < SESSION_ACCEPTED_MAX + 5; i++)
		assert_true((mine[i] = connect_to("127.0.0.1", port)) >= 0);
	for (int i = 0; i < SESSION_ACCEPTED_MAX; i++)
		theirs[i] = report(SESSION_ACCEPTED, 1);
	nothing_is_said();
	for (int i = SESSION_ACCEPTED_MAX; i < SESSION_ACCEPTED_MAX + 5; i++) {
		taken();
		theirs[i] = report(SESSION_ACCEPTED, 1);
		nothing_is_said();
	}
	for (int i = 0; i < SESSION_ACCEPTED_MAX + 5; i++)
		joined(mine[i], theirs[i]);
	stop();
}

static void listeners_are_counted(void **s)
{
	(void)s;
	start("");
	for (uint64_t i = 1; i <= SESSION_LISTENERS_MAX; i++)
		assert_true(order_listen(i, CONF_BIND_ADDRESS, "127.0.0.1", 0) > 0);
	assert_int_equal(order_listen(5000, CONF_BIND_ADDRESS, "127.0.0.1", 0), 0);
	assert_string_equal(said.listening.text, "too many listeners");
	begin_order(SESSION_UNLISTEN, 3);
	send_order();
	assert_true(order_listen(5000, CONF_BIND_ADDRESS, "127.0.0.1", 0) > 0);
	stop();
}

/* Runs a command on a channel that was made before: its output. */
static const char *output_of(uint64_t chan, const char *command)
{
	static char text[8192];
	int fds[3];
	size_t n = 0, len = strlen(command);
	ssize_t r;

	begin_order(SESSION_START, chan);
	order.start.command_len = (uint32_t)len;
	memcpy(order.start.text, command, len + 1);
	send_order();
	do {
		assert_int_equal(poll(&(struct pollfd){ .fd = lab.link, .events = POLLIN }, 1, WAIT_MS),
		    1);
		assert_true(session_link_recv(lab.link, &said, sizeof(said), fds, &n) > 0);
	} while (said.head.kind != SESSION_REPLY);
	assert_int_equal(n, 3);
	n = 0;
	alarm(WAIT_MS / 1000);
	while ((r = read(fds[1], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	alarm(0);
	text[n] = '\0';
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	assert_int_equal(report(SESSION_EXIT, chan), -1);
	return text;
}

static void the_agents_socket_is_the_users_alone(void **s)
{
	char path[128], folder[128];
	struct stat st;
	int fd;

	(void)s;
	start("");
	assert_string_equal(output_of(1, "echo -n $SSH_AUTH_SOCK"), "");
	begin_order(SESSION_AGENT, 2);
	send_order();
	assert_int_equal(report(SESSION_REPLY, 2), -1);
	assert_int_equal(said.reply.ok, 1);
	(void)snprintf(path, sizeof(path), "%s", output_of(2, "echo -n $SSH_AUTH_SOCK"));
	(void)snprintf(folder, sizeof(folder), "%s", path);
	assert_non_null(strrchr(folder, '/'));
	*strrchr(folder, '/') = '\0';
	assert_ptr_equal(strstr(folder, "/tmp/ssh-"), folder);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fd = connect_path(path);
	joined(fd, report(SESSION_ACCEPTED, 0));
	assert_int_equal(said.accepted.kind, POSTERN_AGENT);
	taken();
	begin_order(SESSION_CLOSE, 2);
	send_order();
	/* one for the login: it outlives the channel, and another has the same */
	begin_order(SESSION_AGENT, 3);
	send_order();
	(void)report(SESSION_REPLY, 3);
	assert_int_equal(said.reply.ok, 1);
	assert_string_equal(output_of(3, "echo -n $SSH_AUTH_SOCK"), path);
	stop();
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(folder, F_OK), -1);
}

static void a_session_that_is_terminated_cleans_up(void **s)
{
	char path[128];
	int status;

	(void)s;
	start("");
	begin_order(SESSION_AGENT, 2);
	send_order();
	(void)report(SESSION_REPLY, 2);
	(void)snprintf(path, sizeof(path), "%s", output_of(2, "echo -n $SSH_AUTH_SOCK"));
	assert_int_equal(kill(lab.pid, SIGTERM), 0);
	assert_int_equal(waitpid(lab.pid, &status, 0), lab.pid);
	assert_int_equal(access(path, F_OK), -1);
	close(lab.link);
	conf_free(&lab.conf);
}

/* An xauth that notes what it is told. */
static void write_xauth(int status)
{
	FILE *f = fopen(in_dir("xauth"), "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n"
	    "test $(grep -c '^Sig[IB][gl][nk]:.0*$' /proc/self/status) = 2 || exit 1\n{ echo \"$@ HOME=$HOME\"; cat; } >> %s\nexit %d\n", in_dir("noted"),
	    status);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in_dir("xauth"), 0700), 0);
	unlink(in_dir("noted"));
}

static bool noted(const char *line)
{
	char text[2048] = "";
	FILE *f = fopen(in_dir("noted"), "r");

	if (f == NULL)
		return false;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return strstr(text, line) != NULL;
}

static void order_x11(uint64_t chan, const char *protocol, const char *cookie, bool single)
{
	begin_order(SESSION_X11, chan);
	order.x11.single = single;
	order.x11.screen = 2;
	(void)snprintf(order.x11.protocol, sizeof(order.x11.protocol), "%s", protocol);
	(void)snprintf(order.x11.cookie, sizeof(order.x11.cookie), "%s", cookie);
	send_order();
	assert_int_equal(report(SESSION_REPLY, chan), -1);
}

static void start_x11(const char *more)
{
	char options[512];

	(void)snprintf(options, sizeof(options), "XAuthLocation %s\nX11DisplayOffset 4000\n%s",
	    in_dir("xauth"), more);
	start(options);
}

static uint32_t display_of(const char *text)
{
	unsigned display = 0, screen = 0;

	assert_int_equal(sscanf(text, "localhost:%u.%u", &display, &screen), 2);
	assert_int_equal(screen, 2);
	assert_true(display >= 4000 && display < 5000);
	return display;
}

static void a_display_has_its_port_and_its_cookie(void **s)
{
	char line[200];
	uint32_t one, two;
	int fd;

	(void)s;
	write_xauth(0);
	start_x11("");
	order_x11(1, "MIT-MAGIC-COOKIE-1", "00ff", false);
	assert_int_equal(said.reply.ok, 1);
	one = display_of(output_of(1, "echo -n $DISPLAY"));
	(void)snprintf(line, sizeof(line), "-q - HOME=%s\nremove unix:%u.2\nadd unix:%u.2 "
	    "MIT-MAGIC-COOKIE-1 00ff\n", getpwuid(geteuid())->pw_dir, one, one);
	assert_true(noted(line));
	for (int i = 0; i < 2; i++) {
		fd = connect_to("127.0.0.1", 6000 + one);
		joined(fd, report(SESSION_ACCEPTED, 1));
		assert_int_equal(said.accepted.kind, POSTERN_X11);
		assert_string_equal(said.accepted.host, "127.0.0.1");
		taken();
	}
	assert_int_equal(connect_to("127.0.0.2", 6000 + one), -1);
	order_x11(1, "MIT-MAGIC-COOKIE-1", "00ff", false);
	assert_int_equal(said.reply.ok, 0);		/* one a channel */
	/* a second display goes beside the first, and takes one connection */
	order_x11(2, "MIT-MAGIC-COOKIE-1", "01fe", true);
	assert_int_equal(said.reply.ok, 1);
	two = display_of(output_of(2, "echo -n $DISPLAY"));
	assert_true(two > one);
	fd = connect_to("127.0.0.1", 6000 + two);
	joined(fd, report(SESSION_ACCEPTED, 2));
	taken();
	assert_int_equal(connect_to("127.0.0.1", 6000 + two), -1);
	/* the channel's end is the display's, and xauth is told */
	begin_order(SESSION_CLOSE, 1);
	send_order();
	assert_true(order_listen(50, CONF_BIND_LOOPBACK, "", 0) > 0);	/* so CLOSE was read */
	assert_true(children_become(0));
	assert_int_equal(connect_to("127.0.0.1", 6000 + one), -1);
	(void)snprintf(line, sizeof(line), "\nremove unix:%u.2\n", one);
	assert_true(noted(line));
	unlink(in_dir("noted"));
	stop();
	for (int i = 0; i < WAIT_MS / 10 && !noted("remove"); i++)
		(void)poll(NULL, 0, 10);
	(void)snprintf(line, sizeof(line), "remove unix:%u.2\n", two);
	assert_true(noted(line));
}

static void commands_for_xauth_are_not_the_peers(void **s)
{
	static const char *const bad[] = { "", "00ff\nadd evil:0 . 00", "00 ff", "00;ff", "00\"", "\t" };

	(void)s;
	write_xauth(0);
	start_x11("");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		order_x11(1, "MIT-MAGIC-COOKIE-1", bad[i], false);
		assert_int_equal(said.reply.ok, 0);
		order_x11(1, bad[i], "00ff", false);
		assert_int_equal(said.reply.ok, 0);
	}
	assert_string_equal(output_of(1, "echo -n $DISPLAY"), "");
	assert_false(noted("add"));
	stop();
}

static void without_xauth_there_is_no_display(void **s)
{
	(void)s;
	unlink(in_dir("xauth"));
	start_x11("");
	order_x11(1, "MIT-MAGIC-COOKIE-1", "00ff", false);
	assert_int_equal(said.reply.ok, 0);
	stop();
	start("XAuthLocation none");
	order_x11(1, "MIT-MAGIC-COOKIE-1", "00ff", false);
	assert_int_equal(said.reply.ok, 0);
	stop();
}

static int setup(void **s)
{
	(void)s;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **s)
{
	static const char *const names[] = { "xauth", "noted", "a", "b", "deaf", "target" };

	(void)s;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_dir(names[i]));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_permitted_whatever_they_are_called),
		cmocka_unit_test(nobody_sends_descriptors_where_the_kernel_can_refuse_them),
		cmocka_unit_test(what_cannot_be_connected_to_is_said),
		cmocka_unit_test(too_many_connects_are_refused_one_by_one),
		cmocka_unit_test(it_connects_to_addresses_names_and_paths),
		cmocka_unit_test(a_silent_host_delays_nobody),
		cmocka_unit_test(more_connects_than_children_wait_their_turn),
		cmocka_unit_test(it_listens_where_it_is_told),
		cmocka_unit_test(paths_have_the_mask_and_are_removed),
		cmocka_unit_test(untaken_connections_wait_in_the_kernel),
		cmocka_unit_test(listeners_are_counted),
		cmocka_unit_test(the_agents_socket_is_the_users_alone),
		cmocka_unit_test(a_session_that_is_terminated_cleans_up),
		cmocka_unit_test(commands_for_xauth_are_not_the_peers),
		cmocka_unit_test(without_xauth_there_is_no_display),
		cmocka_unit_test(a_display_has_its_port_and_its_cookie),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
