/*
 * client_conf.c - ssh_config(5), as far as client_keywords.def goes.
 *
 * The files are the user's own and the administrator's; they are read with the
 * user's rights.  A keyword that is not in the table is refused by name, file and
 * line: a line that protects somebody (a jump host, a certificate) must never be
 * passed over in silence.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/client_conf.h"
#include "apps/client_log.h"
#include "apps/client_match.h"

enum kind { STRING = 1, REST, LIST, LINES, NUMBER, FLAG, TIME };

static const struct keyword {
	const char *name;
	enum kind kind;
	size_t offset;
} keywords[] = {
#define KEYWORD(NAME, kind, field) { #NAME, kind, offsetof(struct client_conf, field) },
#include "apps/client_keywords.def"
};

static const struct { const char *old, *name; } aliases[] = {
#define ALIAS(OLD, NAME) { #OLD, #NAME },
#include "apps/client_keywords.def"
};

static const struct { const char *name, *word, *value; } words[] = {
#define WORD(NAME, word, value) { #NAME, word, value },
#include "apps/client_keywords.def"
};

static const struct only { const char *name, *values, *why; } onlys[] = {
#define ONLY(NAME, values, why) { #NAME, values, why },
#include "apps/client_keywords.def"
};

void
client_conf_init(struct client_conf *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		void *field = (char *)c + keywords[i].offset;

		if (keywords[i].kind == NUMBER || keywords[i].kind == FLAG ||
		    keywords[i].kind == TIME)
			*(int *)field = -1;
	}
}

static void
free_list(struct client_conf_list *list)
{
	while (list->n > 0)
		free(list->word[--list->n]);
}

void
client_conf_free(struct client_conf *c)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		void *field = (char *)c + keywords[i].offset;

		if (keywords[i].kind == STRING || keywords[i].kind == REST)
			free(*(char **)field);
		else if (keywords[i].kind == LIST || keywords[i].kind == LINES)
			free_list(field);
	}
	free(c->original);
	free(c->asked);
	client_conf_init(c);
}

char *
client_conf_copy(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		err(255, "strdup");
	return p;
}

/* The next word of *s, quotes taken off; NULL at the end or at a comment. */
char *
client_conf_word(char **s)
{
	char *p = *s, *out, *word;
	bool quoted = false;

	while (isspace((unsigned char)*p))
		p++;
	if (*p == '\0' || *p == '#')
		return NULL;
	word = out = p;
	while (*p != '\0' && (quoted || !isspace((unsigned char)*p))) {
		if (*p == '"')
			quoted = !quoted;
		else
			*out++ = *p;
		p++;
	}
	*s = *p == '\0' ? p : p + 1;
	*out = '\0';
	return quoted ? NULL : word;
}

/* Seconds, with s m h d w; -1 if it is none. */
int
client_conf_time(const char *s)
{
	static const struct { char unit; long factor; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 },
	};
	long total = 0, n, factor;
	char *end;

	do {
		if (!isdigit((unsigned char)*s))
			return -1;
		errno = 0;
		n = strtol(s, &end, 10);
		factor = 1;
		for (size_t i = 0; *end != '\0' && i < sizeof(units) / sizeof(units[0]); i++)
			if (tolower((unsigned char)*end) == units[i].unit) {
				factor = units[i].factor;
				end++;
				break;
			}
		if (errno != 0 || end == s || n > (INT_MAX - total) / factor)
			return -1;
		total += n * factor;
		s = end;
	} while (*s != '\0');
	return (int)total;
}

static int
parse_flag(const char *s)
{
	if (strcasecmp(s, "yes") == 0 || strcasecmp(s, "true") == 0)
		return 1;
	if (strcasecmp(s, "no") == 0 || strcasecmp(s, "false") == 0)
		return 0;
	return -1;
}

static int
parse_number(const char *s)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	return errno == 0 && end != s && *end == '\0' && n >= 0 && n <= INT_MAX ? (int)n : -1;
}

bool
client_conf_listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*list != '\0' && !(strcspn(list, ",") == n && strncasecmp(list, word, n) == 0)) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return *list != '\0';
}

static int
set_number(int *field, int value, const char *name, const char *word, const char *where)
{
	if (value < 0) {
		client_log_error("%s: %s: bad value \"%s\"", where, name, word);
		return -1;
	}
	if (*field == -1)
		*field = value;
	return 0;
}

static int
add_word(struct client_conf_list *list, const char *word, const char *name, const char *where)
{
	/* the last pass of "Match final" reads the same lines once more */
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->word[i], word) == 0)
			return 0;
	if (list->n == CONF_LIST_MAX) {
		client_log_error("%s: more than %d values of %s", where, CONF_LIST_MAX, name);
		return -1;
	}
	list->word[list->n++] = client_conf_copy(word);
	return 0;
}

static int
set_list(struct client_conf_list *list, char *word, char **rest, const char *name, const char *where)
{
	for (; word != NULL; word = client_conf_word(rest))
		if (add_word(list, word, name, where) != 0)
			return -1;
	return 0;
}

static void
trim_end(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
}

/* A word of this keyword alone becomes one of its kind. */
static const char *
usual_word(const struct keyword *k, const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, k->name) == 0 && strcasecmp(words[i].word, word) == 0)
			return words[i].value;
	return word;
}

static int
set_time(int *field, const char *name, const char *word, const char *where)
{
	/* as in ssh: a later line may still say a time */
	if (strcasecmp(word, "none") == 0)
		return 0;
	return set_number(field, client_conf_time(word), name, word, where);
}

static int
apply(struct client_conf *c, const struct keyword *k, char *args, const char *where)
{
	void *field = (char *)c + k->offset;
	char *word, *all;

	while (isspace((unsigned char)*args))
		args++;
	trim_end(args);
	if (k->kind == REST || k->kind == LINES) {
		if (*args == '\0') {
			client_log_error("%s: %s wants a value", where, k->name);
			return -1;
		}
		if (k->kind == LINES)
			return add_word(field, args, k->name, where);
		if (*(char **)field == NULL)
			*(char **)field = client_conf_copy(args);
		return 0;
	}
	all = args;
	if ((word = client_conf_word(&all)) == NULL) {
		client_log_error("%s: %s wants a value", where, k->name);
		return -1;
	}
	switch (k->kind) {
	case LIST:
		return set_list(field, word, &all, k->name, where);
	case NUMBER:
		return set_number(field, parse_number(word), k->name, word, where);
	case FLAG:
		return set_number(field, parse_flag(usual_word(k, word)), k->name, word, where);
	case TIME:
		return set_time(field, k->name, word, where);
	case STRING:
	case REST:
	case LINES:
		break;
	}
	if (client_conf_word(&all) != NULL) {
		client_log_error("%s: %s takes one value", where, k->name);
		return -1;
	}
	if (*(char **)field == NULL)
		*(char **)field = client_conf_copy(word);
	return 0;
}

int
client_conf_split(char *line, char **name, char **args)
{
	char *p = line;

	while (isspace((unsigned char)*p))
		p++;
	if (*p == '\0' || *p == '#')
		return 0;
	*name = p;
	while (*p != '\0' && *p != '=' && !isspace((unsigned char)*p))
		p++;
	if (*p == '\0') {
		*args = p;
		return 1;
	}
	if (*p == '=') {
		*p++ = '\0';
	} else {
		*p++ = '\0';
		while (isspace((unsigned char)*p))
			p++;
		if (*p == '=')
			p++;
	}
	*args = p;
	return 1;
}

/* A keyword of what we have not, whose line may ask for nothing of it. */
static int
take_only(const struct only *k, char *args, const char *where)
{
	const char *word = client_conf_word(&args);

	if (word == NULL) {
		client_log_error("%s: %s wants a value", where, k->name);
		return -1;
	}
	if (strcmp(k->values, "*") != 0 && !client_conf_listed(k->values, word)) {
		client_log_error("%s: %s %s is not supported by postern: %s", where, k->name, word, k->why);
		return -1;
	}
	client_log_verbose("%s: %s %s: %s", where, k->name, word, k->why);
	return 0;
}

/* IgnoreUnknown, which has to come before what it is about. */
static bool
is_ignored(const struct client_conf *c, const char *name)
{
	char *patterns, *small;
	bool yes;

	if (c->ignore_unknown == NULL)
		return false;
	patterns = client_conf_copy(c->ignore_unknown);
	small = client_conf_copy(name);
	for (char *s = patterns; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
	for (char *s = small; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
	yes = client_match_patterns(patterns, small);
	free(patterns);
	free(small);
	return yes;
}

int
client_conf_line(struct client_conf *c, const char *name, char *args, const char *where)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcasecmp(aliases[i].old, name) == 0)
			name = aliases[i].name;
	/* there is one way to a host: what is said first keeps the other out */
	if ((strcasecmp(name, "ProxyCommand") == 0 && c->jump != NULL) ||
	    (strcasecmp(name, "ProxyJump") == 0 && c->proxy_command != NULL))
		return 0;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcasecmp(keywords[i].name, name) == 0)
			return apply(c, &keywords[i], args, where);
	for (size_t i = 0; i < sizeof(onlys) / sizeof(onlys[0]); i++)
		if (strcasecmp(onlys[i].name, name) == 0)
			return take_only(&onlys[i], args, where);
	if (is_ignored(c, name)) {
		client_log_verbose("%s: %s is passed over: IgnoreUnknown", where, name);
		return 0;
	}
	client_log_error("%s: keyword \"%s\" is not supported by postern", where, name);
	return -1;
}

int
client_conf_option(struct client_conf *c, const char *line, const char *where)
{
	char *text = client_conf_copy(line), *name, *args;
	int r = 0;

	if (client_conf_split(text, &name, &args) == 0) {
		client_log_error("%s: empty option", where);
		r = -1;
	} else {
		r = client_conf_line(c, name, args, where);
	}
	free(text);
	return r;
}

static void
dump_text(const char *name, const char *value)
{
	for (; *name != '\0'; name++)
		(void)putchar(tolower((unsigned char)*name));
	(void)printf(" %s\n", value);
}

void
client_conf_dump(const struct client_conf *c)
{
	char number[16];

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		const struct keyword *k = &keywords[i];
		const void *field = (const char *)c + k->offset;
		const struct client_conf_list *list = field;

		if (k->kind == NUMBER || k->kind == TIME)
			(void)snprintf(number, sizeof(number), "%d", *(const int *)field);
		if (k->kind == LIST || k->kind == LINES)
			for (size_t n = 0; n < list->n; n++)
				dump_text(k->name, list->word[n]);
		else if (k->kind == FLAG)
			dump_text(k->name, *(const int *)field > 0 ? "yes" : "no");
		else if (k->kind == NUMBER || k->kind == TIME)
			dump_text(k->name, number);
		else if (*(char *const *)field != NULL)
			dump_text(k->name, *(char *const *)field);
	}
}
