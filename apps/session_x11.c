/*
 * session_x11.c - a display for the user's programs: a port from 6000 up, and the
 * peer's cookie in the user's Xauthority.
 *
 * Protocol and cookie are the peer's and go to xauth as lines of commands, so nothing
 * but letters, digits and . : / - _ is let through: a newline would be a command of
 * the peer's choice.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session_link.h"
#include "apps/session_state.h"
#include "apps/program_signals.h"

enum {
	PORT_BASE = 6000, DISPLAYS_TRIED = 1000,
	XAUTH_SECONDS = 10		/* it waits for locks that others may keep */
};

static bool is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.:/-_";

	return text[0] != '\0' && strspn(text, plain) == strlen(text);
}

/* The first display whose port is free on every address. */
static int open_display(const struct conf *conf, struct session_listener *l, uint32_t *number)
{
	for (uint32_t i = 0; i < DISPLAYS_TRIED; i++) {
		uint32_t display = conf->x11_offset + i, port = PORT_BASE + display;
		int r = session_listen_tcp(l, NULL, !conf->x11_localhost, true, &port);

		if (r == 0)
			*number = display;
		if (r != -EADDRINUSE)
			return r;
	}
	return -EADDRINUSE;
}

static const char *what_forbids(const struct session *s, const struct session_channel *c)
{
	if (c->has_display || c->started)
		return "a second display, or too late";
	if (!is_plain(s->order.x11.protocol) || !is_plain(s->order.x11.cookie))
		return "X11: a cookie that xauth would misread";
	if (s->conf->xauth == NULL || access(s->conf->xauth, X_OK) != 0)
		return "X11: there is no xauth program";
	return NULL;
}

void session_x11_order(struct session *s, struct session_channel *c)
{
	const struct session_x11 *o = &s->order.x11;
	struct session_display *d = &c->display;
	const char *why = what_forbids(s, c);
	struct session_listener *l;
	int r;

	if (why != NULL) {
		session_reply(s, false, why, NULL, 0);
		return;
	}
	l = session_listen_new(s, POSTERN_X11, c->id);
	r = l != NULL ? open_display(s->conf, l, &d->number) : -EMFILE;
	if (r < 0) {
		if (l != NULL)
			session_listen_free(s, l);
		session_reply(s, false, strerror(-r), NULL, 0);
		return;
	}
	l->single = o->single;
	d->localhost = s->conf->x11_localhost;
	d->screen = o->screen;
	memcpy(d->protocol, o->protocol, sizeof(d->protocol));
	memcpy(d->cookie, o->cookie, sizeof(d->cookie));
	explicit_bzero(s->order.x11.cookie, sizeof(s->order.x11.cookie));
	c->has_display = true;
	session_reply(s, true, "", NULL, 0);
}

static void host_of(const struct session_display *d, char out[256])
{
	if (d->localhost || gethostname(out, 255) != 0)
		(void)snprintf(out, 256, "localhost");
	out[255] = '\0';
}

void session_x11_name(const struct session_display *d, char *out, size_t size)
{
	char host[256];

	host_of(d, host);
	(void)snprintf(out, size, "%s:%u.%u", host, d->number, d->screen);
}

/* As xauth files it: localhost is this machine's own. */
static void name_for_xauth(const struct session_display *d, char *out, size_t size)
{
	char host[256];

	host_of(d, host);
	(void)snprintf(out, size, "%s:%u.%u", d->localhost ? "unix" : host, d->number, d->screen);
}

static _Noreturn void become_xauth(const char *xauth, const struct account_user *u, int in)
{
	char home[ACCOUNT_PATH_MAX + 8], user[ACCOUNT_USER_MAX + 8];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	program_signals_reset();
	/* xauth says how it went by its status; its words would mix with the program's */
	if (null < 0 || dup2(in, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	closefrom(3);
	(void)alarm(XAUTH_SECONDS);
	(void)snprintf(home, sizeof(home), "HOME=%s", u->home);
	(void)snprintf(user, sizeof(user), "USER=%s", u->name);
	execve(xauth, (char *[]){ (char[]){ "xauth" }, (char[]){ "-q" }, (char[]){ "-" }, NULL },
	    (char *[]){ home, user, (char[]){ "PATH=/usr/bin:/bin" }, NULL });
	_exit(127);
}

/* Its commands fit a pipe, so writing them waits for nobody.  Its pid, or -1. */
static pid_t start_xauth(const char *xauth, const struct account_user *u, const char *commands)
{
	size_t len = strlen(commands);
	int in[2];
	pid_t pid = -1;

	if (pipe2(in, O_CLOEXEC) != 0)
		return -1;
	if (write(in[1], commands, len) == (ssize_t)len && (pid = fork()) == 0)
		become_xauth(xauth, u, in[0]);
	close(in[0]);
	close(in[1]);
	return pid;
}

void session_x11_authorize(const char *xauth, const struct account_user *u,
    const struct session_display *d)
{
	char commands[3 * SESSION_COOKIE_MAX], name[300];
	int status = -1;
	pid_t pid;

	name_for_xauth(d, name, sizeof(name));
	(void)snprintf(commands, sizeof(commands), "remove %s\nadd %s %s %s\n", name, name,
	    d->protocol, d->cookie);
	pid = start_xauth(xauth, u, commands);
	explicit_bzero(commands, sizeof(commands));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fprintf(stderr, "%s has not noted the cookie: X11 programs will be refused\n", xauth);
}

void session_x11_forget(const char *xauth, const struct account_user *u,
    const struct session_display *d)
{
	char command[320], name[300];

	name_for_xauth(d, name, sizeof(name));
	(void)snprintf(command, sizeof(command), "remove %s\n", name);
	/* a cookie of a display that is gone opens nothing: if it stays, so be it */
	(void)start_xauth(xauth, u, command);
}
