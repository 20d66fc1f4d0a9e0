/*
 * account_command.c - the caller's side of a command: the process that will start it is
 * made while there are rights to give, and told to when the caller has none any more.
 *
 * The caller is the login's user by then.  All that it can say is "start"; all that it
 * hears is what the program wrote, up to a bound, and how it ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/account_command_run.h"
#include "apps/session_link.h"

int account_command_prepare(const struct account_command_plan *p, struct account_command *out)
{
	int control[2], output[2];

	*out = (struct account_command){ p->keyword, 0, -1, -1 };
	if (session_link_pair(control) < 0)
		return -1;
	if (pipe2(output, O_CLOEXEC) != 0) {
		close(control[0]);
		close(control[1]);
		return -1;
	}
	if ((out->pid = fork()) == 0)
		account_command_supervise(p, control[1], output[1]);
	close(control[1]);
	close(output[1]);
	out->control = control[0];
	out->output = output[0];
	if (out->pid > 0 && fcntl(out->output, F_SETFL, O_NONBLOCK) == 0)
		return 0;
	account_command_end(out);
	return -1;
}

struct text { char *v; size_t n, cap; bool too_long; };

/* Reads what is there.  False: it was the end, or too much. */
static bool take(int fd, struct text *t)
{
	for (;;) {
		ssize_t r;

		if (t->n == t->cap) {
			size_t cap = t->cap == 0 ? 8192 : 2 * t->cap;
			char *more = cap > ACCOUNT_COMMAND_OUTPUT_MAX ? NULL : realloc(t->v, cap + 1);

			if (more == NULL) {
				t->too_long = true;
				return false;
			}
			t->v = more;
			t->cap = cap;
		}
		r = read(fd, t->v + t->n, t->cap - t->n);
		if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (r < 0 && errno == EAGAIN)
			return true;
		t->n += r > 0 ? (size_t)r : 0;
	}
}

/* Until the program's end is told; its deadline is kept by the one who tells it. */
static void listen_to(const struct account_command *c, struct text *t,
    struct account_command_report *end)
{
	bool open = true;
	ssize_t len = -EAGAIN;

	while (len == -EAGAIN && !t->too_long) {
		struct pollfd p[] = { { .fd = c->control, .events = POLLIN },
			{ .fd = open ? c->output : -1, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			continue;	/* no signal is handled here */
		if (open && p[1].revents != 0)
			open = take(c->output, t);
		if (p[0].revents != 0)
			len = session_link_recv(c->control, end, sizeof(*end), NULL, NULL);
	}
	if (open && !t->too_long)
		(void)take(c->output, t);	/* written before its end was told */
	if (t->too_long || len != (ssize_t)sizeof(*end)) {
		end->ok = 0;
		(void)snprintf(end->note, sizeof(end->note), "%s: %s", c->keyword, t->too_long ?
		    "it wrote too much, or there was no memory" : "its supervisor died");
	}
}

char *account_command_run(struct account_command *c, size_t *len, char why[ACCOUNT_NOTE_MAX])
{
	struct account_command_report end = { 0 };
	struct text t = { 0 };
	const char start = 1;

	if (session_link_send(c->control, &start, sizeof(start), NULL, 0) < 0) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%s: could not be started", c->keyword);
		return NULL;
	}
	listen_to(c, &t, &end);
	if (!end.ok || t.v == NULL) {
		(void)session_link_put(why, ACCOUNT_NOTE_MAX, end.note);
		free(t.v);
		return NULL;
	}
	t.v[t.n] = '\0';
	*len = t.n;
	return t.v;
}

void account_command_end(struct account_command *c)
{
	if (c->control >= 0)
		close(c->control);	/* whatever still runs is ended */
	if (c->output >= 0)
		close(c->output);
	while (c->pid > 0 && waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*c = (struct account_command){ c->keyword, 0, -1, -1 };
}
