/*
 * conf_table.c - the tables of keywords as data: those posternd has, their older
 * names, and those of sshd that it refuses by name.  A word in neither is unknown.
 */
#include <postern.h>
#include <string.h>
#include <strings.h>

#include "apps/conf.h"

#define AT(field) offsetof(struct conf, field)
const struct conf_row conf_rows[CONF_ROWS] = {
#define FLAG(K, f, d)           [CONF_##K] = { #K, CONF_FLAG, AT(f), 0, 0, 0, NULL, NULL, NULL, NULL, d },
#define NUMBER(K, f, lo, hi, d) [CONF_##K] = { #K, CONF_NUMBER, AT(f), 0, lo, hi, NULL, NULL, NULL, NULL, d },
#define TIME(K, f, d)           [CONF_##K] = { #K, CONF_TIME, AT(f), 0, 0, 0, NULL, NULL, NULL, NULL, d },
#define CHOICE(K, f, w, d)      [CONF_##K] = { #K, CONF_CHOICE, AT(f), 0, 0, 0, w, NULL, NULL, NULL, d },
#define TEXT(K, f, check, d)    [CONF_##K] = { #K, CONF_TEXT, AT(f), 0, 0, 0, NULL, check, NULL, NULL, d },
#define REST(K, f, check, d)    [CONF_##K] = { #K, CONF_REST, AT(f), 0, 0, 0, NULL, check, NULL, NULL, d },
#define FIRST(K, f, check, d)   [CONF_##K] = { #K, CONF_FIRST, AT(f), 0, 0, 0, NULL, check, NULL, NULL, d },
#define EACH(K, f, m, check, d) [CONF_##K] = { #K, CONF_EACH, AT(f), 0, 0, m, NULL, check, NULL, NULL, d },
#define ALGORITHMS(K, f, which) [CONF_##K] = { #K, CONF_ALGORITHMS, AT(f), 0, 0, which, NULL, NULL, NULL, NULL, NULL },
#define OWN(K, type, f, set, dump, d) \
                                [CONF_##K] = { #K, CONF_OWN, AT(f), sizeof(type), 0, 0, NULL, NULL, set, dump, d },
#include "apps/conf_keywords.def"
};

const struct conf_refused conf_refused[] = {
#define R(name, instead) { name, instead },
#include "apps/conf_refused.def"
};
const size_t conf_refused_count = sizeof(conf_refused) / sizeof(conf_refused[0]);

static const struct { const char *name, *values; } taken[] = {
#define T(name, values) { name, values },
#include "apps/conf_refused.def"
};

static const struct { const char *old, *name; } aliases[] = {
#define ALIAS(old, name) { old, name },
#include "apps/conf_refused.def"
};

const struct conf_row *conf_row_find(const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcasecmp(aliases[i].old, name) == 0)
			name = aliases[i].name;
	for (size_t i = 0; i < CONF_ROWS; i++)
		if (strcasecmp(conf_rows[i].name, name) == 0)
			return &conf_rows[i];
	return NULL;
}

const struct conf_refused *conf_refused_find(const char *name)
{
	for (size_t i = 0; i < conf_refused_count; i++)
		if (strcasecmp(conf_refused[i].name, name) == 0)
			return &conf_refused[i];
	return NULL;
}

bool conf_asks_for_nothing(const char *name, const char *rest)
{
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		const char *v = taken[i].values;

		if (strcasecmp(taken[i].name, name) != 0)
			continue;
		if (strcmp(v, "*") == 0)
			return rest[0] != '\0';
		while (*v != '\0') {
			size_t n = strcspn(v, ",");

			if (strlen(rest) == n && strncasecmp(v, rest, n) == 0)
				return true;
			v += n;
			v += *v == ',';
		}
	}
	return false;
}
