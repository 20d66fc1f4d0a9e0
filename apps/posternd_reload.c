/*
 * posternd_reload.c - SIGHUP.  A login must not end because a line of a file has
 * changed: if there are any, a new posternd takes the ports and this one drains; if
 * there are none it starts itself again in place.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/posternd.h"
#include "apps/program_signals.h"

/* 0, or the errors are in the log and everything stays as it is. */
static int check(const struct posternd_options *o)
{
	struct conf c;
	char *text = NULL, *at, *line;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	unsigned errors;

	if (out == NULL)
		return -1;
	errors = posternd_configure(o, &c, out);
	conf_free(&c);
	if (fclose(out) != 0)
		errors++;
	for (at = text; at != NULL && (line = strsep(&at, "\n")) != NULL;)
		if (line[0] != '\0')
			posternd_log(POSTERN_ERROR, NULL, "%s", posternd_log_quote(line));
	free(text);
	return errors == 0 ? 0 : -1;
}

static _Noreturn void start_again(const struct posternd_options *o)
{
	program_signals_reset();
	if (fchdir(o->cwd) != 0)
		posternd_log(POSTERN_ERROR, NULL, "fchdir: %s", strerror(errno));
	closefrom(3);
	execv(o->exe, o->argv);
	posternd_log(POSTERN_ERROR, NULL, "fatal: %s: %s", o->exe, strerror(errno));
	_exit(255);
}

void posternd_reload(struct daemon *d)
{
	pid_t pid;

	if (d->draining || d->options->inetd)
		return;
	if (check(d->options) < 0) {
		posternd_log(POSTERN_ERROR, NULL, "the configuration has errors: it stays as it was");
		return;
	}
	posternd_listen_close(d);
	if (d->n_conns == 0) {
		postern_context_free(d->context);
		close(d->account);
		start_again(d->options);
	}
	pid = fork();
	if (pid == 0)
		start_again(d->options);
	if (pid < 0) {
		posternd_log(POSTERN_ERROR, NULL, "fork: %s", strerror(errno));
		if (posternd_listen_open(d) < 0)
			d->draining = true;
		return;
	}
	d->draining = true;
	posternd_log(POSTERN_INFO, NULL, "posternd %d serves new connections; %zu stay here",
	    (int)pid, d->n_conns);
}
