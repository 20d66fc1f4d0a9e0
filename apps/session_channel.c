/*
 * session_channel.c - a channel's terminal, environment and program, from the orders
 * about it to the report of its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session_link.h"
#include "apps/session_state.h"

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
static void hang_up(struct session_channel *c)
{
	if (c->has_tty && c->pid > 0)
		tell_group(c->pid, SIGHUP);
	close_fd(&c->tty.slave);
	close_fd(&c->tty.master);
}

static void report_line(struct session *s, const struct session_channel *c, bool is_login)
{
	union session_report r;

	if (!c->has_tty || strncmp(c->tty.path, "/dev/", 5) != 0)
		return;
	memset(&r, 0, sizeof(r));
	r.head = (struct session_head){ .kind = SESSION_LINE, .chan = c->id };
	r.line.is_login = is_login;
	r.line.pid = c->pid;
	if (session_link_put(r.line.line, sizeof(r.line.line), c->tty.path + 5))
		session_report(s, &r, NULL, 0);
}

static struct session_channel *find(struct session *s, bool make)
{
	struct session_channel *c = s->channels;

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

static void take_pty(struct session *s, struct session_channel *c)
{
	int r;

	if (c->has_tty || c->started) {
		session_reply(s, false, "a second terminal was asked for", NULL, 0);
		return;
	}
	r = session_pty_open(&s->order.pty, &c->tty);
	if (r < 0) {
		session_reply(s, false, strerror(-r), NULL, 0);
		return;
	}
	c->has_tty = true;
	memcpy(c->term, s->order.pty.term, sizeof(c->term));
	session_reply(s, true, "", NULL, 0);
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

static void start_on_tty(struct session *s, struct session_channel *c, const struct session_program *p)
{
	c->pid = session_program_start(p, c->tty.slave, c->tty.slave, c->tty.slave);
	if (c->pid < 0) {
		session_reply(s, false, strerror(-(int)c->pid), NULL, 0);
		c->pid = 0;
		return;
	}
	close_fd(&c->tty.slave);
	session_reply(s, true, "", &c->tty.master, 1);
	report_line(s, c, true);
}

static void start_on_pipes(struct session *s, struct session_channel *c, const struct session_program *p)
{
	int in[2], out[2], err[2], ours[3];

	if (make_pipes(in, out, err) < 0) {
		session_reply(s, false, "no pipes", NULL, 0);
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
		session_reply(s, false, strerror(-(int)c->pid), NULL, 0);
	else
		session_reply(s, true, "", ours, 3);
	if (c->pid < 0)
		c->pid = 0;
	close_fd(&ours[0]);
	close_fd(&ours[1]);
	close_fd(&ours[2]);
}

static void take_start(struct session *s, struct session_channel *c)
{
	const struct session_start *o = &s->order.start;
	struct session_program p = { .conf = s->conf, .user = &s->user, .from = s->from,
	    .pam_environment = s->pam_environment, .greeting = s->greeting,
	    .accepted = &c->env, .user_rc = o->user_rc,
	    .sftp = o->sftp, .display = c->has_display ? &c->display : NULL,
	    .agent = c->has_agent ? session_agent_path(s) : NULL,
	    .auth_info = s->auth_info[0] != '\0' ? s->auth_info : NULL };

	if (c->started) {
		session_reply(s, false, "a second program was asked for", NULL, 0);
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

static void take_signal(struct session_channel *c, const char *name)
{
	int number = session_signal_number(name);

	/* a forced command is not the peer's to interrupt */
	if (number != 0 && c->pid > 0 && !c->forced)
		tell_group(c->pid, number);
}

static void forget_display(struct session *s, struct session_channel *c)
{
	session_listen_stop(s, POSTERN_X11, c->id);
	if (c->started)
		session_x11_forget(s->conf->xauth, &s->user, &c->display);
}

static void drop(struct session *s, struct session_channel *c)
{
	struct session_channel **at = &s->channels;

	if (c->pid > 0)
		report_line(s, c, false);
	hang_up(c);
	if (c->has_display)
		forget_display(s, c);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	session_env_free(&c->env);
	explicit_bzero(&c->display, sizeof(c->display));
	free(c);
	s->n--;
}

void session_channel_order(struct session *s)
{
	uint32_t kind = s->order.head.kind;
	bool asks = kind == SESSION_PTY || kind == SESSION_START || kind == SESSION_BREAK ||
	    kind == SESSION_X11 || kind == SESSION_AGENT;
	struct session_channel *c = find(s, (asks && kind != SESSION_BREAK) ||
	    kind == SESSION_ENV);

	if (kind == SESSION_CLOSE)
		session_forward_drop(s, s->order.head.chan);
	if (c == NULL) {
		if (asks)
			session_reply(s, false, "too many channels", NULL, 0);
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
		session_reply(s, c->has_tty && c->tty.master >= 0 && tcsendbreak(c->tty.master, 0) == 0, "",
		    NULL, 0);
		break;
	case SESSION_X11:
		session_x11_order(s, c);
		break;
	case SESSION_AGENT:
		session_agent_order(s, c);
		break;
	case SESSION_CLOSE:
		drop(s, c);
		break;
	}
}

static void report_exit(struct session *s, struct session_channel *c, int status)
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
	session_report(s, &r, NULL, 0);
	report_line(s, c, false);
	c->pid = 0;
	/* the worker has its own; ours would keep the terminal from hanging up */
	close_fd(&c->tty.master);
}

bool session_channel_reaped(struct session *s, pid_t pid, int status)
{
	struct session_channel *c = s->channels;

	while (c != NULL && c->pid != pid)
		c = c->next;
	if (c != NULL)
		report_exit(s, c, status);
	return c != NULL;
}

void session_channel_leave(struct session *s)
{
	for (struct session_channel *c = s->channels; c != NULL; c = c->next) {
		hang_up(c);
		if (c->has_display && c->started)
			session_x11_forget(s->conf->xauth, &s->user, &c->display);
	}
}
