/*
 * client_log.c - one line per fact, on stderr or in -E's file.
 *
 * Much of what is said here was sent by a server.  The library escapes its own
 * lines; text that goes through here from a peer (banners, prompts) is made
 * visible with vis(3) first, so that no server writes to a terminal what looks
 * like our own question.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <postern.h>

#include "apps/client_log.h"

static struct {
	int level;
	FILE *file;
} state = { .level = POSTERN_ERROR };

void
client_log_set_level(int level)
{
	state.level = level;
}

int
client_log_level(void)
{
	return state.level;
}

int
client_log_to_file(const char *path)
{
	FILE *f = fopen(path, "ae");

	if (f == NULL) {
		client_log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	(void)setvbuf(f, NULL, _IOLBF, 0);	/* worst case: lines come later */
	state.file = f;
	return 0;
}

/* CR LF: our terminal may be raw while we speak.  One line is one fact: a newline in
 * what a server said would begin a line in our name. */
static void __attribute__((format(printf, 2, 0)))
say(int level, const char *fmt, va_list ap)
{
	FILE *f = state.file != NULL ? state.file : stderr;
	char line[8192];

	if (level > state.level)
		return;
	(void)vsnprintf(line, sizeof(line), fmt, ap);	/* a longer line is cut */
	for (char *p = line; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	(void)fprintf(f, "postern: %s%s\n", line, f == stderr && isatty(2) ? "\r" : "");
}

void
client_log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(POSTERN_ERROR, fmt, ap);
	va_end(ap);
}

void
client_log_verbose(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(POSTERN_VERBOSE, fmt, ap);
	va_end(ap);
}

void
client_log_library(void *user, const struct postern_log_line *line)
{
	int level = line->level;

	(void)user;
	/* What the library calls an error is told by the program in its own words. */
	if (level == POSTERN_ERROR || level == POSTERN_INFO)
		level = POSTERN_VERBOSE;
	if (level > state.level)
		return;
	if (line->conn != 0)
		(void)fprintf(state.file != NULL ? state.file : stderr, "postern: [%llu %s] %s\n",
		    (unsigned long long)line->conn, line->peer, line->text);
	else
		(void)fprintf(state.file != NULL ? state.file : stderr, "postern: %s\n", line->text);
}
