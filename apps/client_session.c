/*
 * client_session.c - the session: what runs on the server, and what it gets of ours.
 *
 * Terminal, environment, display and agent are asked for before the program, as it
 * finds them when it starts.  Exit status: the remote command's; 128 + number if it
 * died from a signal; 255 for everything that failed here or on the way.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "apps/client_agent.h"
#include "apps/client_log.h"
#include "apps/client_relay.h"
#include "apps/client_session.h"
#include "apps/client_spec.h"
#include "apps/client_tty.h"
#include "apps/client_x11.h"

enum { END_WAIT_MS = 30 * 1000 };

extern char **environ;

static void
send_environment(const struct client_conf *conf, postern_channel *channel)
{
	for (size_t i = 0; i < conf->send_env.n; i++)
		for (char **e = environ; *e != NULL; e++) {
			const char *eq = strchr(*e, '=');
			char name[256];

			if (eq == NULL || (size_t)(eq - *e) >= sizeof(name))
				continue;
			memcpy(name, *e, (size_t)(eq - *e));
			name[eq - *e] = '\0';
			if (fnmatch(conf->send_env.word[i], name, 0) == 0)
				/* servers refuse what they do not AcceptEnv: no reply is asked */
				(void)!postern_channel_set_environment_variable(channel, name, eq + 1);
		}
	for (size_t i = 0; i < conf->set_env.n; i++) {
		char *text = conf->set_env.word[i], *eq = strchr(text, '=');

		if (eq == NULL) {
			client_log_error("SetEnv: \"%s\" has no =", text);
			continue;
		}
		*eq = '\0';
		(void)!postern_channel_set_environment_variable(channel, text, eq + 1);
		*eq = '=';
	}
}

static bool
wants_pty(const struct client_session *s)
{
	const char *tty = s->link->conf.tty;

	if (s->tty == -1 || s->subsystem)
		return false;
	if (s->tty == 2 || strcasecmp(tty, "force") == 0)
		return true;
	if (!isatty(STDIN_FILENO)) {
		if (s->tty == 1 || strcasecmp(tty, "yes") == 0)
			client_log_error("Pseudo-terminal will not be allocated because stdin is not a terminal.");
		return false;
	}
	if (s->tty == 1 || strcasecmp(tty, "yes") == 0)
		return true;
	return strcasecmp(tty, "no") != 0 && s->command == NULL;
}

static int
ask_for_pty(postern_channel *channel)
{
	struct tty_size size = { 80, 24, 0, 0 };
	uint8_t modes[TTY_MODES_MAX];
	const char *term = getenv("TERM");

	(void)client_tty_size(&size);	/* without a terminal the usual 80x24 stands */
	return postern_channel_get_pty(channel, term != NULL ? term : "dumb", size.columns,
	    size.rows, size.width, size.height, modes, client_tty_modes(modes, sizeof(modes)),
	    LINK_REQUEST_MS);
}

/* What the program finds when it starts. */
static int
prepare(struct client_session *s, postern_channel *channel, struct relay_options *options,
    int *err_fd)
{
	const struct client_conf *conf = &s->link->conf;
	int r;

	client_x11_forward(s->loop, conf, channel);
	client_agent_forward(conf, channel);
	if (wants_pty(s)) {
		if ((r = ask_for_pty(channel)) == 0)
			options->has_pty = true;
		else if (r == POSTERN_EREFUSED)
			client_log_error("PTY allocation request failed");
		else
			return client_link_complain(s->link, "cannot ask for a terminal", r);
	}
	send_environment(conf, channel);
	if (!options->has_pty && (*err_fd = postern_channel_stderr_fd(channel)) < 0)
		return client_link_complain(s->link, "no descriptor for stderr", *err_fd);
	if (options->has_pty && isatty(STDIN_FILENO) && strcasecmp(conf->escape, "none") != 0)
		options->escape = (unsigned char)conf->escape[0];
	return 0;
}

static int
start_program(struct client_session *s, postern_channel *channel)
{
	const char *what = "request for a shell failed";
	int r;

	if (s->subsystem) {
		what = "subsystem request failed";
		r = postern_channel_invoke_subsystem(channel, s->command, LINK_REQUEST_MS);
	} else if (s->command != NULL) {
		what = "request for the command failed";
		r = postern_channel_exec_command(channel, s->command, LINK_REQUEST_MS);
	} else {
		r = postern_channel_invoke_shell(channel, LINK_REQUEST_MS);
	}
	return r == 0 ? 0 : client_link_complain(s->link, what, r);
}

static int
exit_status(struct client_session *s, postern_channel *channel)
{
	struct postern_exit ex = POSTERN_EXIT;
	int r = postern_channel_recv_exit_status(channel, &ex, END_WAIT_MS);

	if (r == POSTERN_ECLOSED) {
		client_log_verbose("the server closed the channel without an exit status");
		return LINK_FAILED;
	}
	if (r != 0)
		return client_link_complain(s->link,
		    "connection lost before the command's end: its output may be cut short", r);
	if (ex.status >= 0)
		return ex.status & 255;
	client_log_error("the remote command was killed by signal %s%s", ex.signal,
	    ex.core_dumped ? " (core dumped)" : "");
	for (int sig = 1; sig < NSIG; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name != NULL && strcmp(name, ex.signal) == 0)
			return 128 + sig;
	}
	return LINK_FAILED;
}

static int
run(struct client_session *s, postern_channel *channel)
{
	struct relay_options options = { .escape = -1,
		.no_stdin = s->no_stdin || s->link->conf.stdin_null > 0 };
	int r, err_fd = -1;

	if ((r = prepare(s, channel, &options, &err_fd)) != 0 ||
	    (r = start_program(s, channel)) != 0)
		return r;
	if (client_relay_run(s->loop, channel, err_fd, &options) == RELAY_QUIT)
		return LINK_FAILED;
	return exit_status(s, channel);
}

int
client_session_run(struct client_session *s)
{
	postern_channel *channel;
	int r = postern_transport_open_session(s->link->transport, &channel, LINK_REQUEST_MS);

	if (r != 0)
		return client_link_complain(s->link, "cannot open a session", r);
	r = run(s, channel);
	postern_channel_free(channel);
	return r;
}

int
client_session_stdio(struct client_session *s, const struct client_end *to)
{
	struct relay_options options = { .escape = -1, .no_stdin = s->no_stdin };
	struct postern_forward w = POSTERN_FORWARD;
	postern_channel *channel;
	int r;

	w.kind = POSTERN_DIRECT_TCPIP;
	w.host = to->host;
	w.port = to->port;
	r = postern_transport_open_forward(s->link->transport, &channel, &w, LINK_REQUEST_MS);
	if (r != 0)
		return client_link_complain(s->link, "stdio forwarding failed", r);
	r = client_relay_run(s->loop, channel, -1, &options);
	postern_channel_free(channel);
	if (r < 0)
		return client_link_complain(s->link, "connection lost", r);
	return r == 0 ? 0 : LINK_FAILED;
}

int
client_session_none(struct client_session *s)
{
	struct relay_options options = { .escape = -1 };
	int r = client_relay_run(s->loop, NULL, -1, &options);

	if (r != RELAY_QUIT && r != 0)
		return client_link_complain(s->link, "connection lost", r);
	return LINK_FAILED;
}
