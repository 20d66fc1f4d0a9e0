/*
 * posternd_methods.c - AuthenticationMethods: what may come next, and what a passed
 * step makes of a login.
 */
#include <stdio.h>
#include <string.h>

#include "apps/conf_match.h"
#include "apps/posternd.h"

static const struct { const char *name; unsigned bit; } names[] = {
	{ "publickey", POSTERN_PUBLICKEY },
	{ "password", POSTERN_PASSWORD },
	{ "keyboard-interactive", POSTERN_INTERACTIVE },
};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

static unsigned enabled(const struct conf *c)
{
	return (c->pubkey ? POSTERN_PUBLICKEY : 0U) | (c->password ? POSTERN_PASSWORD : 0U) |
	    (c->interactive ? POSTERN_INTERACTIVE : 0U);
}

/* A step's name without its device: keyboard-interactive:pam is that method. */
static size_t name_len(const char *step)
{
	return strcspn(step, ":,");
}

static unsigned bit_of(const char *step)
{
	size_t len = name_len(step);

	for (size_t i = 0; i < N_NAMES; i++)
		if (strlen(names[i].name) == len && memcmp(names[i].name, step, len) == 0)
			return names[i].bit;
	return 0;
}

static const char *next_step(const char *list)
{
	list += strcspn(list, ",");
	return *list == ',' ? list + 1 : list;
}

/* The rest of list after proven, which must be a beginning of it; NULL if not. */
static const char *after(const char *list, const char *proven)
{
	while (*proven != '\0') {
		size_t len = name_len(list);

		if (len == 0 || len != strcspn(proven, ",") || memcmp(list, proven, len) != 0)
			return NULL;
		list = next_step(list);
		proven = next_step(proven);
	}
	return list;
}

static bool is_any(const struct conf *c)
{
	return c->methods.n == 0 || strcmp(c->methods.v[0], "any") == 0;
}

/* A list with a method that is switched off does not count. */
static bool usable(const struct conf *c, const char *list)
{
	for (; *list != '\0'; list = next_step(list))
		if ((bit_of(list) & enabled(c)) == 0)
			return false;
	return true;
}

unsigned posternd_methods_next(const struct conf *c, const char *proven)
{
	unsigned bits = 0;

	if (is_any(c))
		return enabled(c);
	for (size_t i = 0; i < c->methods.n; i++) {
		const char *rest = usable(c, c->methods.v[i]) ? after(c->methods.v[i], proven) : NULL;

		if (rest != NULL && *rest != '\0')
			bits |= bit_of(rest);
	}
	return bits & enabled(c);
}

unsigned posternd_methods_offered(const struct conf *c)
{
	static const enum conf_id rows[] = { CONF_AuthenticationMethods, CONF_PubkeyAuthentication,
	    CONF_PasswordAuthentication, CONF_KbdInteractiveAuthentication };
	unsigned bits = posternd_methods_next(c, "");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (conf_match_value(c, rows[i], 0) != NULL)
			bits = POSTERN_PUBLICKEY | POSTERN_PASSWORD | POSTERN_INTERACTIVE;
	/* who asks with "none" is told what their own blocks leave them */
	return bits | (c->n_blocks > 0 ? POSTERN_NONE : 0U);
}

int posternd_methods_pass(const struct conf *c, const char *proven, int method)
{
	int answer = POSTERN_REFUSE;

	if ((posternd_methods_next(c, proven) & (unsigned)method) == 0)
		return POSTERN_REFUSE;
	if (is_any(c))
		return POSTERN_ACCEPT;
	for (size_t i = 0; i < c->methods.n; i++) {
		const char *rest = usable(c, c->methods.v[i]) ? after(c->methods.v[i], proven) : NULL;

		if (rest == NULL || *rest == '\0' || bit_of(rest) != (unsigned)method)
			continue;
		if (*next_step(rest) == '\0')
			return POSTERN_ACCEPT;
		answer = POSTERN_PARTIAL;
	}
	return answer;
}

void posternd_methods_names(unsigned methods, char out[128])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < N_NAMES; i++)
		if (methods & names[i].bit)
			n += (size_t)snprintf(out + n, 128 - n, "%s%s", n > 0 ? "," : "",
			    names[i].name);
}
