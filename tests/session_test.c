/*
 * session_test.c - the session process, driven over its link as posternd drives it:
 * commands, terminals, environment, signals, ends; and orders that are broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/conf_permit.h"
#include "apps/session.h"
#include "apps/session_link.h"

enum { WAIT_MS = 10000, STRANGER = 54321 };

struct lab { int link; pid_t pid; struct conf conf; };
static union session_order order;

static const char *auth_info = "";
static void start(struct lab *l, const char *user, const char *option)
{
	struct account_session_ask ask;
	FILE *null = fopen("/dev/null", "w");
	int pair[2];

	conf_new(&l->conf);
	if (option != NULL)
		assert_int_equal(conf_read_option(&l->conf, option, "/", null), 0);
	assert_int_equal(conf_read_option(&l->conf, "PrintMotd no", "/", null), 0);
	assert_int_equal(conf_finish_defaults(&l->conf, null), 0);
	fclose(null);
	memset(&ask, 0, sizeof(ask));
	snprintf(ask.user, sizeof(ask.user), "%s", user);
	(void)snprintf(ask.address, sizeof(ask.address), "10.1.2.3");
	(void)snprintf(ask.local, sizeof(ask.local), "10.9.9.9");
	ask.port = 4711;
	ask.local_port = 22;
	(void)snprintf(ask.auth_info, sizeof(ask.auth_info), "%s", auth_info);
	assert_int_equal(session_link_pair(pair), 0);
	if ((l->pid = fork()) == 0) {
		if (dup2(pair[1], 3) < 0)
			_exit(99);
		closefrom(4);
		session_run(&l->conf, &ask, 3);
	}
	close(pair[1]);
	l->link = pair[0];
}

static const char *myself(void)
{
	return getpwuid(geteuid())->pw_name;
}

static int stop(struct lab *l)
{
	int status = -1;

	close(l->link);
	assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
	conf_free(&l->conf);
	return status;
}

static void send_order(struct lab *l)
{
	assert_int_equal(session_link_send(l->link, &order, session_order_size(&order), NULL, 0), 0);
}

/* The next report that is not about utmp. */
static union session_report next(struct lab *l, int fds[3], size_t *n)
{
	union session_report r;
	ssize_t len;

	do {
		struct pollfd p = { .fd = l->link, .events = POLLIN };

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		memset(&r, 0, sizeof(r));
		len = session_link_recv(l->link, &r, sizeof(r), fds, n);
		assert_true(len > 0);
		assert_true(session_report_valid(&r, (size_t)len, *n));
	} while (r.head.kind == SESSION_LINE);
	return r;
}

static void order_start(struct lab *l, uint64_t chan, const char *command, const char *original)
{
	size_t a = command != NULL ? strlen(command) : 0, b = original != NULL ? strlen(original) : 0;

	memset(&order, 0, sizeof(order.start));
	order.head = (struct session_head){ .kind = SESSION_START, .chan = chan, .question = chan + 1 };
	order.start.is_shell = command == NULL;
	order.start.has_original = original != NULL;
	order.start.command_len = (uint32_t)a;
	order.start.original_len = (uint32_t)b;
	memcpy(order.start.text, command != NULL ? command : "", a + 1);
	memcpy(order.start.text + a + 1, original != NULL ? original : "", b + 1);
	send_order(l);
}

static void order_simple(struct lab *l, uint32_t kind, uint64_t chan)
{
	order.head = (struct session_head){ .kind = kind, .chan = chan, .question = chan + 2 };
	send_order(l);
}

static bool reply_is(struct lab *l, uint64_t chan, bool ok, int fds[3], size_t want)
{
	size_t n = 0;
	union session_report r = next(l, fds, &n);

	return r.head.kind == SESSION_REPLY && r.head.chan == chan && r.reply.ok == ok && n == want;
}

static union session_report exit_of(struct lab *l)
{
	int fds[3];
	size_t n;
	union session_report r = next(l, fds, &n);

	assert_int_equal(r.head.kind, SESSION_EXIT);
	return r;
}

/* Everything until its end (or the terminal's). */
static const char *read_all(int fd)
{
	static char text[65536];
	size_t n = 0;
	ssize_t r;

	alarm(WAIT_MS / 1000);
	while ((r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	alarm(0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void close_all(int fds[3])
{
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; (p = strstr(p, line)) != NULL; p += n)
		if ((p == text || p[-1] == '\n') && (p[n] == '\n' || p[n] == '\r' || p[n] == '\0'))
			return true;
	return false;
}

static void a_command_has_three_pipes_and_a_status(void **s)
{
	struct lab l;
	int fds[3];
	union session_report r;

	(void)s;
	start(&l, myself(), NULL);
	order_start(&l, 5, "read x; echo out $x; echo err >&2; exit 3", NULL);
	assert_true(reply_is(&l, 5, true, fds, 3));
	assert_int_equal(write(fds[0], "hello\n", 6), 6);
	assert_string_equal(read_all(fds[1]), "out hello\n");
	assert_string_equal(read_all(fds[2]), "err\n");
	close(fds[0]);
	r = exit_of(&l);
	assert_int_equal(r.head.chan, 5);
	assert_int_equal(r.exit.status, 3);
	assert_string_equal(r.exit.signal, "");
	assert_int_equal(stop(&l), 0);
}

static void a_program_has_its_users_environment_and_nothing_else(void **s)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct lab l;
	int fds[3];
	const char *text;
	char line[5000];

	(void)s;
	assert_int_equal(setenv("POSTERND_SECRET", "1", 1), 0);
	start(&l, myself(), "SetEnv FIXED=adm 'TWO=a b'");
	memset(&order, 0, sizeof(order));
	(void)snprintf(order.env.name, sizeof(order.env.name), "LC_ALL");
	(void)snprintf(order.env.value, sizeof(order.env.value), "C");
	order_simple(&l, SESSION_ENV, 5);
	(void)snprintf(order.env.name, sizeof(order.env.name), "HOME");
	(void)snprintf(order.env.value, sizeof(order.env.value), "/evil");
	order_simple(&l, SESSION_ENV, 5);
	(void)snprintf(order.env.name, sizeof(order.env.name), "FIXED");
	order_simple(&l, SESSION_ENV, 5);
	order_start(&l, 5, "env; pwd; ls /proc/self/fd | wc -l; umask; ps -o sid= -o pid= -p $$", NULL);
	assert_true(reply_is(&l, 5, true, fds, 3));
	text = read_all(fds[1]);
	assert_true(has_line(text, "LC_ALL=C"));
	assert_true(has_line(text, "FIXED=adm"));
	assert_true(has_line(text, "TWO=a b"));
	assert_true(has_line(text, "SSH_CLIENT=10.1.2.3 4711 22"));
	assert_true(has_line(text, "SSH_CONNECTION=10.1.2.3 4711 10.9.9.9 22"));
	snprintf(line, sizeof(line), "HOME=%s", pw->pw_dir);
	assert_true(has_line(text, line));
	snprintf(line, sizeof(line), "USER=%s", pw->pw_name);
	assert_true(has_line(text, line));
	snprintf(line, sizeof(line), "LOGNAME=%s", pw->pw_name);
	assert_true(has_line(text, line));
	snprintf(line, sizeof(line), "SHELL=%s", pw->pw_shell);
	assert_true(has_line(text, line));
	assert_true(has_line(text, pw->pw_dir));
	assert_true(has_line(text, "4"));	/* 0, 1, 2 and the folder itself */
	assert_null(strstr(text, "POSTERND_SECRET"));
	assert_null(strstr(text, "SSH_TTY"));
	assert_null(strstr(text, "TERM="));
	close(fds[0]);
	close(fds[2]);
	(void)exit_of(&l);
	assert_int_equal(stop(&l), 0);
}

static void a_death_by_signal_is_reported_by_name(void **s)
{
	struct lab l;
	int fds[3];

	(void)s;
	start(&l, myself(), NULL);
	order_start(&l, 1, "kill -TERM $$", NULL);
	assert_true(reply_is(&l, 1, true, fds, 3));
	assert_string_equal(exit_of(&l).exit.signal, "TERM");
	close_all(fds);
	order_start(&l, 2, "kill -BUS $$", NULL);
	assert_true(reply_is(&l, 2, true, fds, 3));
	assert_string_equal(exit_of(&l).exit.signal, "BUS@postern");
	close_all(fds);
	assert_int_equal(stop(&l), 0);
}

static void the_peers_signals_reach_the_program(void **s)
{
	struct lab l;
	int fds[3];

	(void)s;
	start(&l, myself(), NULL);
	order_start(&l, 1, "sleep 60", NULL);
	assert_true(reply_is(&l, 1, true, fds, 3));
	memset(&order, 0, sizeof(order));
	(void)snprintf(order.signal.name, sizeof(order.signal.name), "NOSUCH");
	order_simple(&l, SESSION_SIGNAL, 1);
	(void)snprintf(order.signal.name, sizeof(order.signal.name), "INT");
	order_simple(&l, SESSION_SIGNAL, 77);	/* another channel's */
	order_simple(&l, SESSION_SIGNAL, 1);
	assert_string_equal(exit_of(&l).exit.signal, "INT");
	close_all(fds);
	/* a forced command is not the peer's to end */
	order_start(&l, 2, "sleep 0.5; exit 9", "wanted");
	assert_true(reply_is(&l, 2, true, fds, 3));
	memset(&order, 0, sizeof(order));
	(void)snprintf(order.signal.name, sizeof(order.signal.name), "KILL");
	order_simple(&l, SESSION_SIGNAL, 2);
	assert_int_equal(exit_of(&l).exit.status, 9);
	close_all(fds);
	assert_int_equal(stop(&l), 0);
}

static void a_forced_command_sees_what_was_wanted(void **s)
{
	struct lab l;
	int fds[3];

	(void)s;
	start(&l, myself(), NULL);
	order_start(&l, 1, "echo \"[$SSH_ORIGINAL_COMMAND]\"", "rm -rf \"$HOME\"");
	assert_true(reply_is(&l, 1, true, fds, 3));
	assert_string_equal(read_all(fds[1]), "[rm -rf \"$HOME\"]\n");
	close(fds[0]);
	close(fds[2]);
	(void)exit_of(&l);
	assert_int_equal(stop(&l), 0);
}

static void order_pty(struct lab *l, uint64_t chan, const uint8_t *modes, size_t n)
{
	memset(&order, 0, sizeof(order));
	order.pty.columns = 91;
	order.pty.rows = 33;
	(void)snprintf(order.pty.term, sizeof(order.pty.term), "vt220");
	order.pty.modes_len = (uint32_t)n;
	if (n > 0)
		memcpy(order.pty.modes, modes, n);
	order_simple(l, SESSION_PTY, chan);
}

static void a_terminal_is_the_users_and_has_a_size(void **s)
{
	static const uint8_t no_echo[] = { 53, 0, 0, 0, 0, 0 };
	struct lab l;
	int fds[3];
	const char *text;

	(void)s;
	start(&l, myself(), NULL);
	order_pty(&l, 5, no_echo, sizeof(no_echo));
	assert_true(reply_is(&l, 5, true, fds, 0));
	order_start(&l, 5, "stty size; stty -a | grep -o -e '-echo '; echo $TERM $SSH_TTY; tty; "
	    "stat -c %u $(tty); sleep 0.2; read x; stty size; exit 4", NULL);
	assert_true(reply_is(&l, 5, true, fds, 1));
	memset(&order, 0, sizeof(order));
	order.window.columns = 132;
	order.window.rows = 50;
	order_simple(&l, SESSION_WINDOW, 5);
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	usleep(300000);
	assert_int_equal(write(fds[0], "\n", 1), 1);
	text = read_all(fds[0]);
	assert_true(has_line(text, "33 91") || has_line(text, "50 132"));
	assert_non_null(strstr(text, "-echo "));
	assert_non_null(strstr(text, "vt220 /dev/pts/"));
	assert_true(has_line(text, "50 132"));
	assert_int_equal(exit_of(&l).exit.status, 4);
	assert_int_equal(stop(&l), 0);
}

static void hostile_terminals_are_refused(void **s)
{
	static const uint8_t cut[] = { 53, 0, 0 };
	struct lab l;
	int fds[3];

	(void)s;
	start(&l, myself(), NULL);
	order_pty(&l, 5, cut, sizeof(cut));
	assert_true(reply_is(&l, 5, false, fds, 0));
	order_pty(&l, 5, NULL, 0);
	assert_true(reply_is(&l, 5, true, fds, 0));
	order_pty(&l, 5, NULL, 0);	/* a second one */
	assert_true(reply_is(&l, 5, false, fds, 0));
	order_simple(&l, SESSION_BREAK, 5);
	assert_true(reply_is(&l, 5, true, fds, 0));
	order_simple(&l, SESSION_BREAK, 6);	/* no such channel */
	assert_true(reply_is(&l, 6, false, fds, 0));
	order_start(&l, 5, "true", NULL);
	assert_true(reply_is(&l, 5, true, fds, 1));
	close(fds[0]);
	(void)exit_of(&l);
	order_start(&l, 5, "true", NULL);	/* a second program */
	assert_true(reply_is(&l, 5, false, fds, 0));
	assert_int_equal(stop(&l), 0);
}

/* A file that a hung-up program leaves behind. */
static bool hung_up(struct lab *l, bool by_close, bool with_tty)
{
	char path[] = "/tmp/session_test.XXXXXX", command[200];
	int file = mkstemp(path), fds[3], status;
	struct stat st = { 0 };

	assert_true(file >= 0);
	if (with_tty) {
		order_pty(l, 5, NULL, 0);
		assert_true(reply_is(l, 5, true, fds, 0));
	}
	snprintf(command, sizeof(command), "trap 'echo hup >>%s; exit' HUP; echo >&2; "
	    "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done", path);
	order_start(l, 5, command, NULL);
	assert_true(reply_is(l, 5, true, fds, with_tty ? 1 : 3));
	/* the trap is set when the line has come */
	assert_int_equal(read(with_tty ? fds[0] : fds[2], command, 1), 1);
	if (by_close) {
		memset(&order, 0, sizeof(order));
		order_simple(l, SESSION_CLOSE, 5);
		usleep(100000);
	}
	status = stop(l);
	assert_int_equal(status, 0);
	for (int i = 0; i < 30 && st.st_size == 0; i++) {
		usleep(50000);
		assert_int_equal(fstat(file, &st), 0);
	}
	if (with_tty)
		close(fds[0]);
	else
		close_all(fds);
	close(file);
	assert_int_equal(unlink(path), 0);
	return st.st_size > 0;
}

static void the_end_of_a_connection_hangs_terminals_up(void **s)
{
	struct lab l;

	(void)s;
	start(&l, myself(), NULL);
	assert_true(hung_up(&l, false, true));
	start(&l, myself(), NULL);
	assert_true(hung_up(&l, true, true));
	start(&l, myself(), NULL);		/* as sshd: no terminal, no SIGHUP */
	assert_false(hung_up(&l, false, false));
}

static void broken_orders_end_the_process(void **s)
{
	static const size_t lens[] = { 1, sizeof(struct session_head) - 1,
	    sizeof(struct session_head) + 1, 60000 };
	struct lab l;

	(void)s;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		start(&l, myself(), NULL);
		memset(&order, 0, sizeof(order));
		order.head.kind = SESSION_CLOSE;
		assert_int_equal(session_link_send(l.link, &order, lens[i], NULL, 0), 0);
		assert_int_not_equal(stop(&l), 0);
	}
}

static void orders_are_whole_or_invalid(void **s)
{
	size_t n;

	(void)s;
	for (uint32_t kind = 0; kind < 64; kind++) {
		memset(&order, 0, sizeof(order));
		order.head.kind = kind;
		(void)snprintf(order.env.name, sizeof(order.env.name), "%s", kind == SESSION_ENV ? "A" : "");
		if (kind == SESSION_CONNECT)
			(void)snprintf(order.connect.host, sizeof(order.connect.host), "host");
		if (kind == SESSION_LISTEN) {
			order.listen.kind = POSTERN_FORWARDED_TCPIP;
			order.listen.bind = CONF_BIND_ANY;
		}
		n = session_order_size(&order);
		if (n == 0) {
			for (size_t len = 0; len < sizeof(order); len += 101)
				assert_false(session_order_valid(&order, len));
			continue;
		}
		assert_true(session_order_valid(&order, n));
		for (size_t len = 0; len < n; len += len + 40 < n ? 7 : 1)
			assert_false(session_order_valid(&order, len));
		assert_false(session_order_valid(&order, n + 1));
	}
	memset(&order, 0, sizeof(order));
	order.head.kind = SESSION_PTY;
	order.pty.modes_len = SESSION_MODES_MAX;
	assert_true(session_order_valid(&order, session_order_size(&order)));
	order.pty.modes_len = SESSION_MODES_MAX + 1;
	assert_false(session_order_valid(&order, sizeof(order.pty) + 1));
	memset(order.pty.term, 'a', sizeof(order.pty.term));
	order.pty.modes_len = 0;
	assert_false(session_order_valid(&order, session_order_size(&order)));
	memset(&order, 0, sizeof(order));
	order.head.kind = SESSION_ENV;
	(void)snprintf(order.env.name, sizeof(order.env.name), "A=B");
	assert_false(session_order_valid(&order, session_order_size(&order)));
	memset(&order, 0, sizeof(order));
	order.head.kind = SESSION_START;
	order.start.command_len = 3;
	assert_false(session_order_valid(&order, session_order_size(&order)));	/* NULs inside */
	memcpy(order.start.text, "abc", 3);
	assert_true(session_order_valid(&order, session_order_size(&order)));
	order.start.sftp = SESSION_SFTP_ONLY;
	assert_true(session_order_valid(&order, session_order_size(&order)));
	order.start.is_shell = 1;
	assert_false(session_order_valid(&order, session_order_size(&order)));
	order.start.is_shell = 0;
	order.start.sftp = SESSION_SFTP_ONLY + 1;
	assert_false(session_order_valid(&order, session_order_size(&order)));
	order.start.sftp = SESSION_SFTP_NOT;
	order.start.original_len = UINT32_MAX;
	assert_false(session_order_valid(&order, 500));
}

static void orders_to_connect_and_listen_are_bounded(void **s)
{
	size_t n;

	(void)s;
	memset(&order, 0, sizeof(order));
	order.head.kind = SESSION_CONNECT;
	assert_false(session_order_valid(&order, session_order_size(&order)));	/* no host */
	memset(order.connect.host, 'a', SESSION_HOST_MAX);
	n = session_order_size(&order);
	order.connect.port = 65535;
	assert_true(session_order_valid(&order, n));
	order.connect.port = 65536;
	assert_false(session_order_valid(&order, n));
	order.connect.port = 0;
	order.connect.host[SESSION_HOST_MAX] = 'a';	/* never ends */
	assert_false(session_order_valid(&order, n));
	assert_false(session_order_valid(&order, sizeof(order.connect)));
	assert_false(session_order_valid(&order, sizeof(order)));
	(void)snprintf(order.connect.host, sizeof(order.connect.host), "ab");
	assert_true(session_order_valid(&order, session_order_size(&order)));
	assert_false(session_order_valid(&order, sizeof(order.connect)));	/* bytes left over */
	memset(&order, 0, sizeof(order));
	order.head.kind = SESSION_LISTEN;
	for (int kind = 0; kind < 256; kind++)
		for (int bind = 0; bind < 256; bind++) {
			bool tcp = kind == POSTERN_FORWARDED_TCPIP, path;

			path = kind == POSTERN_FORWARDED_STREAMLOCAL;
			order.listen.kind = (uint8_t)kind;
			order.listen.bind = (uint8_t)bind;
			(void)snprintf(order.listen.host, sizeof(order.listen.host), "/x");
			assert_int_equal(session_order_valid(&order, sizeof(order.listen)),
			    (tcp && bind >= CONF_BIND_LOOPBACK && bind <= CONF_BIND_ADDRESS) ||
			    (path && bind == 0));
			order.listen.host[0] = '\0';
			assert_int_equal(session_order_valid(&order, sizeof(order.listen)),
			    tcp && (bind == CONF_BIND_LOOPBACK || bind == CONF_BIND_ANY));
		}
	order.listen.kind = POSTERN_FORWARDED_TCPIP;
	order.listen.bind = CONF_BIND_ANY;
	order.listen.port = 65536;
	assert_false(session_order_valid(&order, sizeof(order.listen)));
	order.listen.port = 65535;
	assert_true(session_order_valid(&order, sizeof(order.listen)));
	memset(order.listen.host, 'a', sizeof(order.listen.host));
	assert_false(session_order_valid(&order, sizeof(order.listen)));
	memset(&order, 0, sizeof(order));
	order.head.kind = SESSION_X11;
	order.x11.single = 2;
	assert_false(session_order_valid(&order, sizeof(order.x11)));
	order.x11.single = 1;
	assert_true(session_order_valid(&order, sizeof(order.x11)));
	memset(order.x11.cookie, 'a', sizeof(order.x11.cookie));
	assert_false(session_order_valid(&order, sizeof(order.x11)));
}

static void reports_with_descriptors_have_exactly_one(void **s)
{
	union session_report r;

	(void)s;
	memset(&r, 0, sizeof(r));
	r.head.kind = SESSION_CONNECTED;
	r.connected.ok = 1;
	assert_true(session_report_valid(&r, sizeof(r.connected), 1));
	assert_false(session_report_valid(&r, sizeof(r.connected), 0));
	assert_false(session_report_valid(&r, sizeof(r.connected), 2));
	assert_false(session_report_valid(&r, sizeof(r.connected) - 1, 1));
	r.connected.ok = 0;
	assert_false(session_report_valid(&r, sizeof(r.connected), 1));
	assert_true(session_report_valid(&r, sizeof(r.connected), 0));
	memset(r.connected.text, 'a', sizeof(r.connected.text));
	assert_false(session_report_valid(&r, sizeof(r.connected), 0));
	memset(&r, 0, sizeof(r));
	r.head.kind = SESSION_LISTENING;
	assert_true(session_report_valid(&r, sizeof(r.listening), 0));
	assert_false(session_report_valid(&r, sizeof(r.listening), 1));
	r.listening.port = 65536;
	assert_false(session_report_valid(&r, sizeof(r.listening), 0));
	memset(&r, 0, sizeof(r));
	r.head.kind = SESSION_ACCEPTED;
	for (int kind = 0; kind < 256; kind++) {
		r.accepted.kind = (uint8_t)kind;
		assert_int_equal(session_report_valid(&r, sizeof(r.accepted), 1),
		    kind == POSTERN_FORWARDED_TCPIP || kind == POSTERN_FORWARDED_STREAMLOCAL ||
		    kind == POSTERN_X11 || kind == POSTERN_AGENT);
		assert_false(session_report_valid(&r, sizeof(r.accepted), 0));
	}
	r.accepted.kind = POSTERN_X11;
	r.accepted.port = 65536;
	assert_false(session_report_valid(&r, sizeof(r.accepted), 1));
}

static void reports_are_whole_or_invalid(void **s)
{
	static const uint32_t kinds[] = { SESSION_REPLY, SESSION_EXIT, SESSION_LINE, SESSION_NOTE };
	union session_report r;

	(void)s;
	for (size_t i = 0; i < 4; i++) {
		size_t n = session_report_size(kinds[i]);

		memset(&r, 0, sizeof(r));
		r.head.kind = kinds[i];
		assert_true(session_report_valid(&r, n, 0));
		for (size_t len = 0; len < n; len++)
			assert_false(session_report_valid(&r, len, 0));
		assert_false(session_report_valid(&r, n + 1, 0));
		assert_false(session_report_valid(&r, n, 1));	/* not ok, yet descriptors */
		memset((char *)&r + sizeof(r.head), 'a', sizeof(r) - sizeof(r.head));
		r.reply.ok = 1;
		assert_false(session_report_valid(&r, n, 0));
	}
	memset(&r, 0, sizeof(r));
	r.head.kind = SESSION_REPLY;
	r.reply.ok = 1;
	assert_true(session_report_valid(&r, sizeof(r.reply), 1));
	assert_true(session_report_valid(&r, sizeof(r.reply), 3));
	assert_false(session_report_valid(&r, sizeof(r.reply), 2));
	r.head.kind = 0;
	assert_false(session_report_valid(&r, sizeof(r.reply), 0));
}

static void an_unknown_user_gets_no_session(void **s)
{
	struct lab l;
	int fds[3];
	size_t n;

	(void)s;
	start(&l, "no-such-user-here", NULL);
	assert_int_equal(next(&l, fds, &n).head.kind, SESSION_NOTE);
	assert_int_not_equal(stop(&l), 0);
}

/* As root: the session of another account is that account, whatever its shell. */
static void root_becomes_the_user_before_anything(void **s)
{
	char path[64], text[4096] = "", *line;
	struct lab l;
	int fds[3], fd;
	ssize_t n;

	(void)s;
	if (geteuid() != 0)
		skip();			/* only root can become somebody else */
	start(&l, "nobody", NULL);
	order_start(&l, 1, "id", NULL);
	assert_true(reply_is(&l, 1, true, fds, 3));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)l.pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	line = strstr(text, "\nUid:");
	assert_non_null(line);
	assert_ptr_equal(strstr(line, "\nUid:\t65534\t65534\t65534\t65534"), line);
	assert_non_null(strstr(text, "CapEff:\t0000000000000000"));
	(void)exit_of(&l);
	close_all(fds);
	assert_int_equal(stop(&l), 0);
}

/* What a command writes. */
static void output_of(struct lab *l, const char *command, char *out, size_t size)
{
	ssize_t n, have = 0;
	int fds[3];

	order_start(l, 5, command, NULL);
	assert_true(reply_is(l, 5, true, fds, 3));
	while ((n = read(fds[1], out + have, size - 1 - (size_t)have)) > 0)
		have += n;
	out[have] = '\0';
	(void)exit_of(l);
	close_all(fds);
}

static void programs_have_no_signal_ignored_or_blocked(void **s)
{
	char text[256];
	struct lab l;

	(void)s;
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);	/* as posternd */
	start(&l, myself(), NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	output_of(&l, "grep -c '^Sig[IB][gl][nk]:.0*$' /proc/self/status", text, sizeof(text));
	assert_string_equal(text, "2\n");
	assert_int_equal(stop(&l), 0);
}

static void the_steps_of_a_login_are_in_a_file_while_it_lasts(void **s)
{
	char text[4096];
	struct lab l;
	char *rest;

	(void)s;
	auth_info = "publickey ssh-ed25519 AAAA\npassword\n";
	start(&l, myself(), "ExposeAuthInfo yes");
	output_of(&l, "echo $SSH_USER_AUTH; stat -c %a $SSH_USER_AUTH; cat $SSH_USER_AUTH", text, sizeof(text));
	rest = strchr(text, '\n');
	assert_non_null(rest);
	assert_string_equal(rest, "\n600\npublickey ssh-ed25519 AAAA\npassword\n");
	assert_memory_equal(text, "/tmp/sshauth.", 13);
	*rest = '\0';
	assert_int_equal(access(text, R_OK), 0);
	assert_int_equal(stop(&l), 0);
	assert_int_equal(access(text, F_OK), -1);
	/* nobody asked for it; or there is nothing to say */
	start(&l, myself(), NULL);
	output_of(&l, "echo ${SSH_USER_AUTH-none}", text, sizeof(text));
	assert_string_equal(text, "none\n");
	assert_int_equal(stop(&l), 0);
	auth_info = "";
	start(&l, myself(), "ExposeAuthInfo yes");
	output_of(&l, "echo ${SSH_USER_AUTH-none}", text, sizeof(text));
	assert_string_equal(text, "none\n");
	assert_int_equal(stop(&l), 0);
}

/* A program started as a user who is not root, whoever runs the test. */
static void a_normal_user_has_programs_and_terminals(void **s)
{
	static struct account_user u = { .exists = true, .name = "stranger", .home = "/",
	    .shell = "/bin/sh", .uid = STRANGER, .gid = STRANGER, .groups = { STRANGER }, .n_groups = 1 };
	static struct account_session_ask from;
	int out[2], status;
	char text[256] = "";
	pid_t pid;

	(void)s;
	if (geteuid() != 0) {
		u.uid = geteuid();
		u.gid = getegid();
		u.groups[0] = u.gid;
	}
	assert_int_equal(pipe(out), 0);
	if ((pid = fork()) == 0) {
		struct conf conf;
		FILE *null = fopen("/dev/null", "w");
		struct session_tty tty;
		struct session_pty ask = { .columns = 80, .rows = 24, .term = "dumb" };
		struct session_program p = { .conf = &conf, .user = &u, .from = &from,
		    .term = "dumb" };
		int st = 1;
		pid_t child;

		conf_new(&conf);
		if (null == NULL || conf_finish_defaults(&conf, null) != 0 ||
		    account_user_become(&u) < 0 || session_pty_open(&ask, &tty) < 0)
			_exit(90);
		p.tty = tty.path;
		p.command = "id -u; stat -c %u $(tty); test -t 0 && test -t 2";
		child = session_program_start(&p, tty.slave, tty.slave, tty.slave);
		close(tty.slave);
		for (ssize_t n; (n = read(tty.master, text, sizeof(text))) > 0;)
			if (write(out[1], text, (size_t)n) != n)
				_exit(91);
		if (child <= 0 || waitpid(child, &st, 0) != child)
			_exit(92);
		_exit(WIFEXITED(st) ? WEXITSTATUS(st) : 93);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	close(out[0]);
	assert_int_equal(strtoul(text, NULL, 10), u.uid);
	assert_non_null(strchr(text, '\n'));
	assert_int_equal(strtoul(strchr(text, '\n'), NULL, 10), u.uid);
}

static void many_channels_leave_nothing_behind(void **s)
{
	struct lab l;
	char path[64];
	int fds[3];
	long before = -1;

	(void)s;
	start(&l, myself(), NULL);
	for (uint64_t chan = 1; chan <= 50; chan++) {
		char command[300];
		FILE *f;
		long count = 0;

		if (chan % 2 == 0) {
			order_pty(&l, chan, NULL, 0);
			assert_true(reply_is(&l, chan, true, fds, 0));
		}
		order_start(&l, chan, "true", NULL);
		assert_true(reply_is(&l, chan, true, fds, chan % 2 == 0 ? 1 : 3));
		if (chan % 2 == 0)
			close(fds[0]);
		else
			close_all(fds);
		(void)exit_of(&l);
		memset(&order, 0, sizeof(order));
		order_simple(&l, SESSION_CLOSE, chan);
		order_simple(&l, SESSION_BREAK, chan);	/* answered after the close */
		assert_true(reply_is(&l, chan, false, fds, 0));
		snprintf(path, sizeof(path), "/proc/%d/fd", (int)l.pid);
		snprintf(command, sizeof(command), "ls %s 2>/dev/null | wc -l", path);
		f = popen(command, "r");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%ld", &count), 1);
		pclose(f);
		if (chan == 2)
			before = count;
		if (chan > 2)
			assert_int_equal(count, before);
	}
	assert_int_equal(stop(&l), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_has_three_pipes_and_a_status),
		cmocka_unit_test(a_program_has_its_users_environment_and_nothing_else),
		cmocka_unit_test(a_death_by_signal_is_reported_by_name),
		cmocka_unit_test(the_peers_signals_reach_the_program),
		cmocka_unit_test(a_forced_command_sees_what_was_wanted),
		cmocka_unit_test(a_terminal_is_the_users_and_has_a_size),
		cmocka_unit_test(hostile_terminals_are_refused),
		cmocka_unit_test(the_end_of_a_connection_hangs_terminals_up),
		cmocka_unit_test(broken_orders_end_the_process),
		cmocka_unit_test(orders_are_whole_or_invalid),
		cmocka_unit_test(orders_to_connect_and_listen_are_bounded),
		cmocka_unit_test(reports_with_descriptors_have_exactly_one),
		cmocka_unit_test(reports_are_whole_or_invalid),
		cmocka_unit_test(an_unknown_user_gets_no_session),
		cmocka_unit_test(root_becomes_the_user_before_anything),
		cmocka_unit_test(programs_have_no_signal_ignored_or_blocked),
		cmocka_unit_test(the_steps_of_a_login_are_in_a_file_while_it_lasts),
		cmocka_unit_test(a_normal_user_has_programs_and_terminals),
		cmocka_unit_test(many_channels_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
