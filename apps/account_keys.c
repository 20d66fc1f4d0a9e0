/*
 * account_keys.c - the lines of authorized_keys.
 *
 * A line is taken whole or not at all: too long, with a NUL, with an option that is
 * unknown or not built, with a quote that is not closed - it grants nothing, and the
 * log says so.  An option that is read over would be a restriction nobody enforces.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "apps/account.h"
#include "apps/conf.h"
#include "apps/conf_pattern.h"

enum { VALUE_MAX = ACCOUNT_COMMAND_MAX };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The type in front of a key blob [RFC 4253 6.6]. */
static size_t blob_type(const uint8_t *blob, size_t len, const char **type)
{
	size_t n;

	if (len < 4)
		return 0;
	n = (size_t)blob[0] << 24 | (size_t)blob[1] << 16 | (size_t)blob[2] << 8 | blob[3];
	if (n > len - 4)
		return 0;
	*type = (const char *)blob + 4;
	return n;
}

/* "type base64..." at p, and is it this key? */
static bool is_key(const char *p, const uint8_t *blob, size_t blob_len)
{
	uint8_t bin[ACCOUNT_KEY_MAX];
	const char *type = NULL;
	size_t n = blob_type(blob, blob_len, &type), len, got = 0;

	if (n == 0 || memchr(type, '\0', n) != NULL || strncmp(p, type, n) != 0 || !is_blank(p[n]))
		return false;
	p += n;
	p += strspn(p, " \t");
	len = strcspn(p, " \t");
	return sodium_base642bin(bin, sizeof(bin), p, len, NULL, &got, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == 0 && got == blob_len &&
	    sodium_memcmp(bin, blob, got) == 0;
}

/* YYYYMMDD[HHMM[SS]][Z]: the key is good before this.  -1: no time. */
static int64_t expiry(const char *v)
{
	size_t digits = strspn(v, "0123456789");
	bool utc = v[digits] == 'Z' || v[digits] == 'z';
	int part[6] = { 0 };
	static const int width[6] = { 4, 2, 2, 2, 2, 2 };
	struct tm tm = { 0 };
	const char *p = v;
	time_t t;

	if ((digits != 8 && digits != 12 && digits != 14) || v[digits + (utc ? 1 : 0)] != '\0')
		return -1;
	for (int i = 0; i < 6 && p < v + digits; i++)
		for (int k = 0; k < width[i]; k++)
			part[i] = part[i] * 10 + (*p++ - '0');
	if (part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 ||
	    part[3] > 23 || part[4] > 59 || part[5] > 59)
		return -1;
	tm = (struct tm){ .tm_year = part[0] - 1900, .tm_mon = part[1] - 1, .tm_mday = part[2],
	    .tm_hour = part[3], .tm_min = part[4], .tm_sec = part[5], .tm_isdst = -1 };
	t = utc ? timegm(&tm) : mktime(&tm);
	return t == (time_t)-1 ? -1 : (int64_t)t;
}

struct context { const char *address; int64_t now; struct account_grant *grant; char *why; };

/* Options without value, and what they take away or give back. */
static bool flag(const char *name, struct account_grant *g)
{
	const struct { const char *name; uint8_t *off; } flags[] = {
		{ "pty", &g->no_pty }, { "port-forwarding", &g->no_port_forwarding },
		{ "agent-forwarding", &g->no_agent_forwarding },
		{ "X11-forwarding", &g->no_x11_forwarding },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		bool off = strncasecmp(name, "no-", 3) == 0;

		if (strcasecmp(name + (off ? 3 : 0), flags[i].name) == 0) {
			*flags[i].off = off;
			return true;
		}
		if (strcasecmp(name, "restrict") == 0)
			*flags[i].off = 1;
	}
	/* no rc file is run, so there is nothing to take away */
	return strcasecmp(name, "restrict") == 0 || strcasecmp(name, "user-rc") == 0 ||
	    strcasecmp(name, "no-user-rc") == 0;
}

/* Adds a word to a list of permits; false: malformed, or too many. */
static bool permit(char list[ACCOUNT_PERMIT_MAX + 1], const char *word, conf_check *check)
{
	size_t at = strlen(list), len = strlen(word);

	if (len == 0 || strpbrk(word, " \t") != NULL || check(word) != NULL ||
	    at + len + 1 > ACCOUNT_PERMIT_MAX)
		return false;
	if (at > 0)
		list[at++] = ' ';
	memcpy(list + at, word, len + 1);
	return true;
}

/* One option; value is NULL if it has none.  False: the line grants nothing. */
static bool option(const char *name, const char *value, struct context *c)
{
	if (value == NULL && flag(name, c->grant))
		return true;
	if (value != NULL && strcasecmp(name, "permitopen") == 0 &&
	    permit(c->grant->permit_open, value, conf_check_permit_open))
		return true;
	if (value != NULL && strcasecmp(name, "permitlisten") == 0 &&
	    permit(c->grant->permit_listen, value, conf_check_permit_listen))
		return true;
	if (value != NULL && strcasecmp(name, "command") == 0 && !c->grant->has_command) {
		c->grant->has_command = 1;
		memcpy(c->grant->command, value, strlen(value) + 1);
	} else if (value != NULL && strcasecmp(name, "from") == 0) {
		if (conf_pattern_address_list(value, c->address) > 0)
			return true;
		snprintf(c->why, ACCOUNT_NOTE_MAX, "the key may not be used from this address");
		return false;
	} else if (value != NULL && strcasecmp(name, "expiry-time") == 0) {
		int64_t until = expiry(value);

		if (until > c->now)
			return true;
		snprintf(c->why, ACCOUNT_NOTE_MAX, until < 0 ? "a line with a bad expiry-time" :
		    "the key has expired");
		return false;
	} else {
		snprintf(c->why, ACCOUNT_NOTE_MAX, "a line with an option that is unknown, "
		    "repeated or not supported was refused: %.64s", name);
		return false;
	}
	return true;
}

/* The options in front of a key: moves *p behind them.  False: bad syntax, or one
 * of them forbids.  With c NULL they are only passed over. */
static bool options(const char **at, struct context *c)
{
	const char *p = *at;

	for (;; p++) {
		char name[64], value[VALUE_MAX + 1];
		size_t n = strcspn(p, "=, \t"), v = 0;
		bool has_value = p[n] == '=';

		if (n == 0 || n >= sizeof(name))
			return false;
		memcpy(name, p, n);
		name[n] = '\0';
		p += n;
		if (has_value) {
			if (*++p != '"')
				return false;
			for (p++; *p != '"'; p++) {
				if (*p == '\\' && p[1] == '"')
					p++;
				if (*p == '\0' || v == VALUE_MAX)
					return false;
				value[v++] = *p;
			}
			p++;
			value[v] = '\0';
		}
		if (c != NULL && !option(name, has_value ? value : NULL, c))
			return false;
		if (*p != ',')
			break;
	}
	*at = p;
	return is_blank(*p);
}

/* One line without its newline. */
static bool line_grants(const char *p, const uint8_t *blob, size_t blob_len, struct context *c)
{
	const char *key;

	p += strspn(p, " \t");
	if (*p == '\0' || *p == '#')
		return false;
	if (is_key(p, blob, blob_len))
		return true;
	key = p;
	if (!options(&key, NULL))
		return false;
	key += strspn(key, " \t");
	if (!is_key(key, blob, blob_len))
		return false;		/* another key: its options are not our concern */
	return options(&p, c);
}

bool account_keys_search(char *text, size_t len, const uint8_t *blob, size_t blob_len,
    const char *address, int64_t now, struct account_grant *grant, char why[ACCOUNT_NOTE_MAX])
{
	size_t at = 0;

	while (at < len) {
		struct context c = { address, now, grant, why };
		char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - line) : len - at;

		at += n + 1;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		line[n] = '\0';		/* text has a NUL behind its last byte */
		if (n > ACCOUNT_FILE_LINE_MAX) {
			snprintf(why, ACCOUNT_NOTE_MAX, "a line longer than %d bytes was refused",
			    ACCOUNT_FILE_LINE_MAX);
			continue;
		}
		if (strlen(line) != n)
			continue;
		*grant = (struct account_grant){ 0 };
		if (line_grants(line, blob, blob_len, &c))
			return true;
	}
	*grant = (struct account_grant){ 0 };
	return false;
}
