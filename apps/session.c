/*
 * session.c - the loop of the session process: orders from posternd, children that
 * end, and nothing else.
 *
 * Becomes the user before the first order is read, for good, or ends.  No file of
 * posternd's is open here and no secret was in the memory it was forked from.  When
 * the link ends, so does it: terminals are hung up, as sshd does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <bsd/unistd.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session.h"
#include "apps/session_link.h"

struct channel {
	struct channel *next;
	uint64_t id;
	struct session_tty tty;		/* slave is closed once a program has it     */
	bool has_tty, started, forced;
	pid_t pid;			/* 0: none, or it has ended                  */
	char term[SESSION_TERM_MAX + 1];
	struct session_env env;
};

struct session {
	const struct conf *conf;
	const struct account_session_ask *from;
	struct account_user user;
	int link, signals;
	size_t n;
	struct channel *channels;
	union session_order order;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A program that was just forked has no group yet; its number is its own until reaped. */
static void tell_group(pid_t pid, int number)
{
	if (killpg(pid, number) != 0 && errno == ESRCH)
		(void)kill(pid, number);
}

/* The master's end hangs the terminal up; the group is told as sshd tells it. */
static void hang_up(struct channel *c)
{
	if (c->has_tty && c->pid > 0)
		tell_group(c->pid, SIGHUP);
	close_fd(&c->tty.slave);
	close_fd(&c->tty.master);
}

static _Noreturn void leave(struct session *s, int status)
{
	for (struct channel *c = s->channels; c != NULL; c = c->next)
		hang_up(c);
	_exit(status);
}

/* posternd reads its links: one that is full means that it is stuck. */
static void report(struct session *s, union session_report *r, const int *fds, size_t n)
{
	int sent = session_link_send(s->link, r, session_report_size(r->head.kind), fds, n);

	if (sent < 0)
		leave(s, sent == -EPIPE || sent == -ECONNRESET ? 0 : 1);
}

static void reply(struct session *s, bool ok, const char *note, const int *fds, size_t n)
{
	union session_report r;

	memset(&r, 0, sizeof(r));
	r.head = s->order.head;
	r.head.kind = SESSION_REPLY;
	r.reply.ok = ok;
	(void)session_link_put(r.reply.note, sizeof(r.reply.note), note);
	report(s, &r, fds, n);
}

static void report_line(struct session *s, const struct channel *c, bool is_login)
{
	union session_report r;

	if (!c->has_tty || strncmp(c->tty.path, "/dev/", 5) != 0)
		return;
	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_LINE, .chan = c->id };
	r.line.is_login = is_login;
	r.line.pid = c->pid;
	if (session_link_put(r.line.line, sizeof(r.line.line), c->tty.path + 5))
		report(s, &r, NULL, 0);
}

static struct channel *find(struct session *s, bool make)
{
	struct channel *c = s->channels;

	while (c != NULL && c->id != s->order.head.chan)
		c = c->next;
	if (c == NULL && make && s->n < SESSION_CHANNELS_MAX &&
	    (c = calloc(1, sizeof(*c))) != NULL) {
		c->id = s->order.head.chan;
		c->tty = (struct session_tty){ .master = -1, .slave = -1 };
		c->next = s->channels;
		s->channels = c;
		s->n++;
	}
	return c;
}

static void take_pty(struct session *s, struct channel *c)
{
	int r;

	if (c->has_tty || c->started) {
		reply(s, false, "a second terminal was asked for", NULL, 0);
		return;
	}
	r = session_pty_open(&s->order.pty, &c->tty);
	if (r < 0) {
		reply(s, false, strerror(-r), NULL, 0);
		return;
	}
	c->has_tty = true;
	memcpy(c->term, s->order.pty.term, sizeof(c->term));
	reply(s, true, "", NULL, 0);
}

static int make_pipes(int in[2], int out[2], int err[2])
{
	in[0] = in[1] = out[0] = out[1] = err[0] = err[1] = -1;
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0)
		return 0;
	close_fd(&in[0]);
	close_fd(&in[1]);
	close_fd(&out[0]);
	close_fd(&out[1]);
	return -1;
}

static void start_on_tty(struct session *s, struct channel *c, const struct session_program *p)
{
	c->pid = session_program_start(p, c->tty.slave, c->tty.slave, c->tty.slave);
	if (c->pid < 0) {
		reply(s, false, strerror(-(int)c->pid), NULL, 0);
		c->pid = 0;
		return;
	}
	close_fd(&c->tty.slave);
	reply(s, true, "", &c->tty.master, 1);
	report_line(s, c, true);
}

static void start_on_pipes(struct session *s, struct channel *c, const struct session_program *p)
{
	int in[2], out[2], err[2], ours[3];

	if (make_pipes(in, out, err) < 0) {
		reply(s, false, "no pipes", NULL, 0);
		return;
	}
	c->pid = session_program_start(p, in[0], out[1], err[1]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	ours[0] = in[1];
	ours[1] = out[0];
	ours[2] = err[0];
	if (c->pid < 0)
		reply(s, false, strerror(-(int)c->pid), NULL, 0);
	else
		reply(s, true, "", ours, 3);
	if (c->pid < 0)
		c->pid = 0;
	close_fd(&ours[0]);
	close_fd(&ours[1]);
	close_fd(&ours[2]);
}

static void take_start(struct session *s, struct channel *c)
{
	const struct session_start *o = &s->order.start;
	struct session_program p = { .conf = s->conf, .user = &s->user, .from = s->from,
	    .accepted = &c->env };

	if (c->started) {
		reply(s, false, "a second program was asked for", NULL, 0);
		return;
	}
	c->started = true;
	c->forced = o->has_original;
	p.command = o->is_shell ? NULL : o->text;
	/* a forced shell request had no command: sshd sets no variable then */
	p.original = o->has_original && o->original_len > 0 ? o->text + o->command_len + 1 : NULL;
	if (c->has_tty) {
		p.tty = c->tty.path;
		p.term = c->term;
		start_on_tty(s, c, &p);
	} else {
		start_on_pipes(s, c, &p);
	}
}

static void take_signal(struct channel *c, const char *name)
{
	int number = session_signal_number(name);

	/* a forced command is not the peer's to interrupt */
	if (number != 0 && c->pid > 0 && !c->forced)
		tell_group(c->pid, number);
}

static void drop(struct session *s, struct channel *c)
{
	struct channel **at = &s->channels;

	if (c->pid > 0)
		report_line(s, c, false);
	hang_up(c);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	session_env_free(&c->env);
	free(c);
	s->n--;
}

static void take_order(struct session *s)
{
	uint32_t kind = s->order.head.kind;
	bool asks = kind == SESSION_PTY || kind == SESSION_START || kind == SESSION_BREAK;
	struct channel *c = find(s, kind == SESSION_PTY || kind == SESSION_ENV ||
	    kind == SESSION_START);

	if (c == NULL) {
		if (asks)
			reply(s, false, "too many channels", NULL, 0);
		return;
	}
	switch (kind) {
	case SESSION_PTY:
		take_pty(s, c);
		break;
	case SESSION_ENV:
		/* full, or no memory: the variable is lost, as the peer was told it may be */
		if (c->env.n < SESSION_ENV_MAX)
			(void)session_env_put(&c->env, s->order.env.name, s->order.env.value);
		break;
	case SESSION_START:
		take_start(s, c);
		break;
	case SESSION_WINDOW:
		if (c->has_tty && c->tty.master >= 0)
			session_pty_resize(c->tty.master, s->order.window.columns,
			    s->order.window.rows, s->order.window.width, s->order.window.height);
		break;
	case SESSION_SIGNAL:
		take_signal(c, s->order.signal.name);
		break;
	case SESSION_BREAK:
		reply(s, c->has_tty && c->tty.master >= 0 && tcsendbreak(c->tty.master, 0) == 0, "",
		    NULL, 0);
		break;
	case SESSION_CLOSE:
		drop(s, c);
		break;
	}
}

static void report_exit(struct session *s, struct channel *c, int status)
{
	union session_report r;

	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_EXIT, .chan = c->id };
	if (WIFSIGNALED(status)) {
		session_signal_name(WTERMSIG(status), r.exit.signal);
		r.exit.core = WCOREDUMP(status) ? 1 : 0;
	} else {
		r.exit.status = (uint32_t)WEXITSTATUS(status);
	}
	report(s, &r, NULL, 0);
	report_line(s, c, false);
	c->pid = 0;
	/* the worker has its own; ours would keep the terminal from hanging up */
	close_fd(&c->tty.master);
}

static void reap(struct session *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(s->signals, &info, sizeof(info)) > 0)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct channel *c = s->channels; c != NULL; c = c->next)
			if (c->pid == pid) {
				report_exit(s, c, status);
				break;
			}
}

static _Noreturn void end(struct session *s, const char *note)
{
	struct session_note n;

	memset(&n, 0, sizeof(n));
	n.head.kind = SESSION_NOTE;
	(void)session_link_put(n.text, sizeof(n.text), note);
	/* posternd may be gone: then there is nobody to tell */
	(void)session_link_send(s->link, &n, sizeof(n), NULL, 0);
	leave(s, 1);
}

static void begin(struct session *s)
{
	sigset_t mask;

	setproctitle("session %s", s->from->user);
	account_user_find(s->conf, s->from->user, &s->user);
	if (!s->user.exists)
		end(s, "the user is gone");
	sigfillset(&mask);
	sigdelset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (setsid() < 0 || s->signals < 0)
		end(s, "no session");
	if (account_user_become(&s->user) < 0)
		end(s, "cannot become the user");
	/* set after the change of ids, which resets it: no other process of the user may
	 * trace this one and speak over its link */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		end(s, "cannot be made undumpable");
	umask(umask(0077) | 0022);
}

_Noreturn void session_run(const struct conf *conf, const struct account_session_ask *from,
    int link)
{
	static struct session s;

	s.conf = conf;
	s.from = from;
	s.link = link;
	s.signals = -1;
	begin(&s);
	for (;;) {
		struct pollfd p[2] = { { .fd = s.link, .events = POLLIN },
		    { .fd = s.signals, .events = POLLIN } };
		ssize_t len;

		if (ppoll(p, 2, NULL, NULL) < 0 && errno != EINTR)
			end(&s, "poll");
		if (p[1].revents != 0)
			reap(&s);
		if (p[0].revents == 0)
			continue;
		len = session_link_recv(s.link, &s.order, sizeof(s.order), NULL, NULL);
		if (len == -EAGAIN)
			continue;
		if (len == 0 || len == -ECONNRESET)
			leave(&s, 0);
		if (len < 0 || !session_order_valid(&s.order, (size_t)len))
			end(&s, "a broken order");
		take_order(&s);
	}
}
