/*
 * conf_parse.c - reads configuration files and -o options, keyword by keyword.
 *
 * The files are the administrator's and trusted, but never guessed at: a keyword
 * that is not known, refused, without value or with one too many is an error with
 * file and line, and the reading goes on so that all errors are told at once.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/conf.h"
#include "apps/conf_match.h"

static unsigned read_file(struct conf *, const char *path, struct conf_source *from);

static void __attribute__((format(printf, 2, 0)))
say(struct conf_source *s, const char *format, va_list ap)
{
	if (s->line > 0)
		fprintf(s->out, "%s:%u: ", s->name, s->line);
	else
		fprintf(s->out, "%s: ", s->name);
	vfprintf(s->out, format, ap);
	fputc('\n', s->out);
}

void conf_complain(struct conf_source *s, const char *format, ...)
{
	va_list ap;

	s->errors++;
	va_start(ap, format);
	say(s, format, ap);
	va_end(ap);
}

void conf_warn(struct conf_source *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(s, format, ap);
	va_end(ap);
}

/* Include: each word a pattern; a pattern that matches nothing is no error, as in
 * sshd, but an unreadable file is. */
static void include(struct conf *c, char **words, size_t n, struct conf_source *s)
{
	if (s->depth >= CONF_DEPTH_MAX) {
		conf_complain(s, "Include goes deeper than %d files", CONF_DEPTH_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char path[4096];
		glob_t g = { 0 };
		int r;

		r = snprintf(path, sizeof(path), "%s%s%s", words[i][0] == '/' ? "" : s->base,
		    words[i][0] == '/' ? "" : "/", words[i]);
		if (r < 0 || (size_t)r >= sizeof(path)) {
			conf_complain(s, "Include: path too long");
			continue;
		}
		r = glob(path, 0, NULL, &g);
		if (r != 0 && r != GLOB_NOMATCH)
			conf_complain(s, "Include %s: %s", words[i], strerror(errno));
		for (size_t k = 0; r == 0 && k < g.gl_pathc; k++)
			s->errors += read_file(c, g.gl_pathv[k], s);
		globfree(&g);
	}
}

static void refuse(const char *name, struct conf_source *s)
{
	const struct conf_refused *r = conf_refused_find(name);

	if (r == NULL)
		conf_complain(s, "%s: no such keyword", name);
	else if (r->instead == NULL)
		conf_complain(s, "%s: posternd does not have this keyword of sshd; remove the line",
		    r->name);
	else
		conf_complain(s, "%s: posternd does not have this keyword of sshd; use %s",
		    r->name, r->instead);
}

/* The line is right, or told, also where it comes too late or a Match may not hold. */
static void set(struct conf *c, const struct conf_row *row, char **words, size_t n,
    const char *rest, struct conf_source *s)
{
	size_t i = (size_t)(row - conf_rows);
	bool adds = row->kind == CONF_EACH || i == CONF_Subsystem;
	bool counts = !(i == CONF_Port && c->port_given && s->line > 0);
	struct conf scratch;

	conf_new(&scratch);
	if (s->block > 0) {
		unsigned errors = s->errors;

		if (!conf_match_allows(row))
			conf_complain(s, "%s: not within a Match block", row->name);
		else if (conf_value_set(&scratch, row, words, n, rest, s) == 0)
			conf_check_permits(&scratch, s);
		if (s->errors == errors)
			conf_match_add(c, row, words, n, rest, s);
	} else if (counts && (!c->set[i] || adds)) {
		if (conf_value_set(c, row, words, n, rest, s) == 0)
			c->set[i] = true;
	} else {
		(void)conf_value_set(&scratch, row, words, n, rest, s);
	}
	conf_free(&scratch);
}

static void keyword(struct conf *c, const char *name, const char *rest, struct conf_source *s)
{
	const struct conf_row *row = conf_row_find(name);
	bool is_include = strcasecmp(name, "Include") == 0;
	bool is_match = strcasecmp(name, "Match") == 0;
	char *words[CONF_WORDS_MAX];
	size_t n = 0;

	if (row == NULL && !is_include && !is_match) {
		if (!conf_asks_for_nothing(name, rest))
			refuse(name, s);
		return;
	}
	switch (row != NULL && row->kind == CONF_REST ? 0 :
	    conf_line_split(rest, words, CONF_WORDS_MAX, &n)) {
	case -1:
		conf_complain(s, "%s: a quote is not closed", name);
		return;
	case -2:
		conf_complain(s, "%s: more than %d words", name, CONF_WORDS_MAX);
		return;
	}
	if ((row != NULL && row->kind == CONF_REST) ? rest[0] == '\0' : n == 0) {
		conf_complain(s, "%s: no value", name);
	} else if (is_include) {
		include(c, words, n, s);
	} else if (is_match) {
		conf_match_begin(c, words, n, s);
	} else {
		set(c, row, words, n, rest, s);
	}
	conf_line_free(words, n);
}

/* A line without its newline; changed in place. */
static void one_line(struct conf *c, char *line, struct conf_source *s)
{
	static const char blank[] = " \t\r\n\f";
	char *name = line + strspn(line, blank), *rest;
	size_t len;

	if (*name == '\0' || *name == '#')
		return;
	rest = name + strcspn(name, " \t\r\n\f=");
	len = strlen(rest);
	while (len > 0 && strchr(blank, rest[len - 1]) != NULL)
		rest[--len] = '\0';
	if (*rest != '\0') {
		bool was_equals = *rest == '=';

		*rest++ = '\0';
		rest += strspn(rest, blank);
		if (!was_equals && *rest == '=') {
			rest++;
			rest += strspn(rest, blank);
		}
	}
	keyword(c, name, rest, s);
}

static void read_lines(struct conf *c, FILE *f, struct conf_source *s)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, f)) >= 0) {
		s->line++;
		if (len > CONF_LINE_MAX)
			conf_complain(s, "line longer than %d bytes", CONF_LINE_MAX);
		else if (strlen(line) != (size_t)len)
			conf_complain(s, "a NUL byte");
		else
			one_line(c, line, s);
	}
	if (ferror(f))
		conf_complain(s, "%s", strerror(errno));
	free(line);
}

static unsigned read_file(struct conf *c, const char *path, struct conf_source *from)
{
	struct conf_source s = { .name = path, .depth = from->depth + 1, .base = from->base,
	    .out = from->out, .block = from->block, .outer = from->block };
	FILE *f;

	if (++c->files > CONF_FILES_MAX) {
		conf_complain(&s, "more than %d files", CONF_FILES_MAX);
	} else if ((f = fopen(path, "re")) == NULL) {
		conf_complain(&s, "%s", strerror(errno));
	} else {
		read_lines(c, f, &s);
		(void)fclose(f);	/* only read */
	}
	return s.errors;
}

unsigned conf_read_file(struct conf *c, const char *path, const char *base, FILE *out)
{
	struct conf_source from = { .base = base, .out = out };

	return read_file(c, path, &from);
}

unsigned conf_read_option(struct conf *c, const char *option, const char *base, FILE *out)
{
	struct conf_source s = { .name = "command line", .base = base, .out = out };
	char *line = strdup(option);

	if (line == NULL) {
		conf_complain(&s, "no memory");
		return s.errors;
	}
	one_line(c, line, &s);
	free(line);
	return s.errors;
}
