/*
 * conf_value.c - the value of a keyword, by its kind.  Numbers are bounded, words
 * are from a table or checked; whatever does not fit is an error, never a default.
 */
#include <errno.h>
#include <limits.h>
#include <postern.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "apps/conf.h"
#include "apps/conf_number.h"
#include "apps/foreign_names.h"

const struct conf_choice conf_root_choices[] = {
	{ "without-password",     CONF_ROOT_NO_PASSWORD },	/* the first is what -T prints */
	{ "prohibit-password",    CONF_ROOT_NO_PASSWORD },
	{ "forced-commands-only", CONF_ROOT_FORCED },
	{ "yes",                  CONF_ROOT_YES },
	{ "no",                   CONF_ROOT_NO },
	{ NULL, 0 }
};
const struct conf_choice conf_level_choices[] = {
	{ "QUIET", 0 }, { "ERROR", POSTERN_ERROR }, { "FATAL", POSTERN_ERROR },
	{ "INFO", POSTERN_INFO }, { "VERBOSE", POSTERN_VERBOSE }, { "DEBUG", POSTERN_DEBUG },
	{ "DEBUG1", POSTERN_DEBUG }, { "DEBUG2", POSTERN_DEBUG }, { "DEBUG3", POSTERN_DEBUG },
	{ NULL, 0 }
};
const struct conf_choice conf_facility_choices[] = {
	{ "DAEMON", LOG_DAEMON }, { "USER", LOG_USER }, { "AUTH", LOG_AUTH },
	{ "AUTHPRIV", LOG_AUTHPRIV }, { "LOCAL0", LOG_LOCAL0 }, { "LOCAL1", LOG_LOCAL1 },
	{ "LOCAL2", LOG_LOCAL2 }, { "LOCAL3", LOG_LOCAL3 }, { "LOCAL4", LOG_LOCAL4 },
	{ "LOCAL5", LOG_LOCAL5 }, { "LOCAL6", LOG_LOCAL6 }, { "LOCAL7", LOG_LOCAL7 },
	{ NULL, 0 }
};
const struct conf_choice conf_forward_choices[] = {
	{ "yes", CONF_FORWARD_ALL }, { "all", CONF_FORWARD_ALL }, { "no", CONF_FORWARD_NO },
	{ "remote", CONF_FORWARD_REMOTE }, { "local", CONF_FORWARD_LOCAL }, { NULL, 0 }
};
const struct conf_choice conf_gateway_choices[] = {
	{ "clientspecified", CONF_GATEWAY_CLIENT }, { "yes", CONF_GATEWAY_YES },
	{ "no", CONF_GATEWAY_NO }, { NULL, 0 }
};
const struct conf_choice conf_compression_choices[] = {
	{ "yes", 1 }, { "delayed", 1 }, { "no", 0 }, { NULL, 0 }
};
const struct conf_choice conf_preset_choices[] = {
	{ "modern", 0 }, { "compat", 1 }, { "pq-only", 2 }, { NULL, 0 }
};

const char *conf_value_word(const struct conf_row *row, int value)
{
	for (const struct conf_choice *c = row->choices; c->word != NULL; c++)
		if (c->value == value)
			return c->word;
	return "";
}

int conf_words_add(struct conf_words *l, const char *word)
{
	char **v, *copy;

	if (l->n >= CONF_LIST_MAX || (copy = strdup(word)) == NULL)
		return -1;
	if ((v = reallocarray(l->v, l->n + 1, sizeof(*v))) == NULL) {
		free(copy);
		return -1;
	}
	l->v = v;
	l->v[l->n++] = copy;
	return 0;
}

static int set_words(struct conf_words *l, const struct conf_row *row, char **words, size_t n,
    struct conf_source *s)
{
	if (row->kind == CONF_EACH && row->max > 0 && n > row->max) {
		conf_complain(s, "%s: one value per line", row->name);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *wrong = words[i][0] == '\0' ? "empty value" :
		    row->check != NULL ? row->check(words[i]) : NULL;

		if (wrong != NULL) {
			conf_complain(s, "%s %s: %s", row->name, words[i], wrong);
			return -1;
		}
		if (conf_words_add(l, words[i]) < 0) {
			conf_complain(s, "%s: more than %d values", row->name, CONF_LIST_MAX);
			return -1;
		}
	}
	return 0;
}

static void complain_choice(const struct conf_row *row, const char *word, struct conf_source *s)
{
	char words[256];
	size_t n = 0;

	for (const struct conf_choice *c = row->choices; c->word != NULL; c++) {
		int k = snprintf(words + n, sizeof(words) - n, " %s", c->word);

		if (k < 0 || (size_t)k >= sizeof(words) - n)
			break;
		n += (size_t)k;
	}
	words[n] = '\0';
	conf_complain(s, "%s: unsupported value \"%s\"; it takes:%s", row->name, word, words);
}

static int set_choice(int *out, const struct conf_row *row, const char *word,
    struct conf_source *s)
{
	for (const struct conf_choice *c = row->choices; c->word != NULL; c++)
		if (strcasecmp(c->word, word) == 0) {
			*out = c->value;
			return 0;
		}
	complain_choice(row, word, s);
	return -1;
}

static int set_text(char **out, const struct conf_row *row, const char *word,
    struct conf_source *s)
{
	const char *wrong = word[0] == '\0' ? "empty value" :
	    strcasecmp(word, "none") != 0 && row->check != NULL ? row->check(word) : NULL;

	if (wrong != NULL) {
		conf_complain(s, "%s %s: %s", row->name, word, wrong);
		return -1;
	}
	if (strcasecmp(word, "none") == 0)
		return 0;
	*out = strdup(word);
	return *out != NULL ? 0 : -1;
}

static int set_rest(char **out, const struct conf_row *row, const char *rest,
    struct conf_source *s)
{
	if (row == &conf_rows[CONF_ForceCommand] && conf_sftp_is(rest) && conf_sftp_path() == NULL) {
		conf_complain(s, "%s: internal-sftp needs an sftp-server, and none is installed",
		    row->name);
		return -1;
	}
	return set_text(out, row, rest, s);
}

/* The edit is kept: which preset it is one of another line may say.  compat is the largest;
 * what leaves nothing there leaves nothing at all. */
static int set_algorithms(char **out, const struct conf_row *row, const char *word,
    struct conf_source *s)
{
	char list[CONF_ALGORITHMS_MAX], edit[CONF_ALGORITHMS_MAX], passed[CONF_ALGORITHMS_MAX];
	int r = foreign_names_drop((int)row->max, word, edit, passed, sizeof(edit));

	if (r == 0)
		r = postern_edit_preset((int)row->max, "compat", edit, list, sizeof(list));
	if (r == -EINVAL) {
		conf_complain(s, "%s: posternd does not have \"%s\"; it has %s", row->name, list,
		    postern_supported((int)row->max));
		return -1;
	}
	if (r < 0) {
		conf_complain(s, "%s: %s", row->name, postern_strerror(r));
		return -1;
	}
	if (passed[0] != '\0')
		conf_warn(s, "%s: passed over, sshd has it and posternd does not: %s", row->name, passed);
	*out = strdup(edit);
	return *out != NULL ? 0 : -1;
}

static int set_scalar(void *at, const struct conf_row *row, const char *word,
    struct conf_source *s)
{
	uint64_t v;

	switch (row->kind) {
	case CONF_FLAG:
		if (strcasecmp(word, "yes") != 0 && strcasecmp(word, "no") != 0) {
			conf_complain(s, "%s: yes or no, not \"%s\"", row->name, word);
			return -1;
		}
		*(bool *)at = strcasecmp(word, "yes") == 0;
		return 0;
	case CONF_NUMBER:
		if (conf_number(word, row->max, &v) < 0 || v < row->min) {
			conf_complain(s, "%s: a number from %u to %u, not \"%s\"", row->name,
			    row->min, row->max, word);
			return -1;
		}
		*(unsigned *)at = (unsigned)v;
		return 0;
	default:
		if (conf_number_time(word, &v) < 0) {
			conf_complain(s, "%s: \"%s\" is no time", row->name, word);
			return -1;
		}
		*(unsigned *)at = (unsigned)v;
		return 0;
	}
}

int conf_value_set(struct conf *c, const struct conf_row *row, char **words, size_t n,
    const char *rest, struct conf_source *s)
{
	void *at = (char *)c + row->offset;

	switch (row->kind) {
	case CONF_FIRST:
	case CONF_EACH:
		return set_words(at, row, words, n, s);
	case CONF_REST:
		return set_rest(at, row, rest, s);
	case CONF_OWN:
		return row->set(c, words, n, rest, s);
	default:
		break;
	}
	if (n != 1) {
		conf_complain(s, "%s: one value, not %zu", row->name, n);
		return -1;
	}
	switch (row->kind) {
	case CONF_CHOICE:
		return set_choice(at, row, words[0], s);
	case CONF_TEXT:
		return set_text(at, row, words[0], s);
	case CONF_ALGORITHMS:
		return set_algorithms(at, row, words[0], s);
	default:
		return set_scalar(at, row, words[0], s);
	}
}

void conf_words_free(struct conf_words *l)
{
	conf_line_free(l->v, l->n);
	free(l->v);
	*l = (struct conf_words){ 0 };
}

void conf_value_free(struct conf *c, const struct conf_row *row)
{
	void *at = (char *)c + row->offset;

	if (row->kind == CONF_TEXT || row->kind == CONF_REST || row->kind == CONF_ALGORITHMS) {
		free(*(char **)at);
		*(char **)at = NULL;
	} else if (row->kind == CONF_FIRST || row->kind == CONF_EACH ||
	    row == &conf_rows[CONF_Subsystem]) {
		conf_words_free(at);
	}
}

static int copy_words(struct conf_words *to, const struct conf_words *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (conf_words_add(to, from->v[i]) < 0)
			return -1;
	return 0;
}

static int copy_text(char **to, const char *from)
{
	*to = from != NULL ? strdup(from) : NULL;
	return from != NULL && *to == NULL ? -1 : 0;
}

/* Into a configuration that has no value of this row. */
int conf_value_copy(struct conf *to, const struct conf *from, const struct conf_row *row)
{
	void *at = (char *)to + row->offset;
	const void *is = (const char *)from + row->offset;

	switch (row->kind) {
	case CONF_FLAG:
		*(bool *)at = *(const bool *)is;
		return 0;
	case CONF_NUMBER:
	case CONF_TIME:
		*(unsigned *)at = *(const unsigned *)is;
		return 0;
	case CONF_CHOICE:
		*(int *)at = *(const int *)is;
		return 0;
	case CONF_TEXT:
	case CONF_REST:
	case CONF_ALGORITHMS:
		return copy_text(at, *(char *const *)is);
	case CONF_FIRST:
	case CONF_EACH:
		return copy_words(at, is);
	case CONF_OWN:
		if (row == &conf_rows[CONF_Subsystem])
			return copy_words(at, is);
		memcpy(at, is, row->size);
		return 0;
	}
	return -1;
}
