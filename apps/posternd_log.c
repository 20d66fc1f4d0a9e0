/*
 * posternd_log.c - one line per fact, to stderr or syslog.
 *
 * Every line about a connection begins with its id.  Names, commands and whatever
 * else a stranger chose is quoted before it comes here: no line can be forged.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { LOG_LINE_MAX = 4096, QUOTE_MAX = 1024, QUOTES = 8 };

static struct { int level; bool to_stderr, is_starting; } out = { POSTERN_INFO, true, false };

void posternd_log_open(int level, int facility, bool to_stderr)
{
	out.level = level;
	out.to_stderr = to_stderr;
	if (!to_stderr)
		openlog("posternd", LOG_PID | LOG_NDELAY, facility);
}

/* Until a daemon serves, whoever started it reads its errors where they typed. */
void posternd_log_starting(bool is_starting)
{
	out.is_starting = is_starting;
}

static void emit(int level, const char *line)
{
	static const int priority[] = { LOG_INFO, LOG_ERR, LOG_INFO, LOG_INFO, LOG_DEBUG };

	if (!out.to_stderr) {
		syslog(priority[level >= POSTERN_ERROR && level <= POSTERN_DEBUG ? level : 0], "%s",
		    line);
		if (!out.is_starting || level != POSTERN_ERROR)
			return;
	}
	/* one write: lines of several processes do not mix; where it goes is not ours */
	dprintf(STDERR_FILENO, "posternd[%d]: %s\n", (int)getpid(), line);
}

/* LogLevel in a Match block holds once it is known whom it is about; -d for all. */
static int level_for(const struct conn *c)
{
	return c != NULL && c->is_judged && c->daemon->options->debug == 0 ? c->conf->log_level :
	    out.level;
}

void posternd_log(int level, const struct conn *c, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	int n = 0;
	va_list ap;

	if (level > level_for(c))
		return;
	if (c != NULL)
		n = snprintf(line, sizeof(line), "conn %llu: ", (unsigned long long)c->id);
	va_start(ap, format);
	(void)vsnprintf(line + n, sizeof(line) - (size_t)n, format, ap);
	va_end(ap);
	emit(level, line);
}

int posternd_log_refusal(struct conn *c, int level)
{
	if (c->refusals >= POSTERND_REFUSALS_TOLD)
		return POSTERN_DEBUG;
	c->refusals++;
	return level;
}

void posternd_log_library(void *user, const struct postern_log_line *line)
{
	char text[LOG_LINE_MAX];
	int level = line->level;

	(void)user;
	/* what it tells of connections at INFO, posternd tells in sshd's words */
	if (line->conn != 0 && level == POSTERN_INFO)
		level = POSTERN_VERBOSE;
	if (level > out.level)
		return;
	if (line->conn == 0)
		(void)snprintf(text, sizeof(text), "%s", line->text);
	else
		(void)snprintf(text, sizeof(text), "conn %llu: %s: %s", (unsigned long long)line->conn,
		    line->peer[0] != '\0' ? line->peer : "no peer", line->text);
	emit(level, text);		/* the library has quoted what is not its own */
}

static const char *quote(const char *text, unsigned char least)
{
	static char ring[QUOTES][QUOTE_MAX];
	static unsigned turn;
	char *buf = ring[turn++ % QUOTES];
	size_t n = 0;

	for (; *text != '\0' && n + 8 < QUOTE_MAX; text++) {
		unsigned char ch = (unsigned char)*text;

		if (ch >= least && ch < 0x7f && ch != '\\' && ch != '"')
			buf[n++] = (char)ch;
		else
			n += (size_t)snprintf(buf + n, 5, "\\%03o", ch);
	}
	if (*text != '\0') {
		memcpy(buf + n, "...", 3);
		n += 3;
	}
	buf[n] = '\0';
	return buf;
}

const char *posternd_log_quote(const char *text)
{
	return quote(text, ' ');
}

const char *posternd_log_name(const char *text)
{
	return quote(text, ' ' + 1);
}
