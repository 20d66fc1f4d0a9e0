/*
 * keygen_validity.c - from when to when a certificate is valid: ssh-keygen's -V.
 *
 * What is not understood to the last character is an error: a date that was read wrong
 * would make a certificate that lives for ever.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "apps/keygen_cert.h"

enum {
	SLACK = 59,			/* a clock that is behind: ssh-keygen's */
	MINUTE = 60,
};

struct unit { char letter; uint64_t seconds; };
static const struct unit units[] = {
	{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
};

/* "1w2d", "90" (seconds): what sshd_config(5) has as TIME FORMATS. */
static bool
parse_span(const char *s, uint64_t *out)
{
	*out = 0;
	if (*s == '\0')
		return false;
	while (*s != '\0') {
		uint64_t unit = 1;
		char *end;
		unsigned long v;

		errno = 0;
		v = *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : ULONG_MAX;
		if (v > INT32_MAX || errno != 0)
			return false;
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if ((*end | 0x20) == units[i].letter)
				unit = units[i].seconds;
		if (*end != '\0') {
			if (unit == 1 && (*end | 0x20) != 's')
				return false;
			end++;
		}
		*out += v * unit;
		s = end;
	}
	return true;
}

/* YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in local time or, with a Z behind, UTC. */
static bool
parse_date(const char *s, uint64_t *out)
{
	static const char *const formats[] = { [8] = "%Y%m%d", [12] = "%Y%m%d%H%M",
		[14] = "%Y%m%d%H%M%S" };
	size_t n = strspn(s, "0123456789");
	bool utc = s[n] == 'Z' || (s[n] == 'U' && s[n + 1] == 'T' && s[n + 2] == 'C');
	struct tm tm = { .tm_isdst = -1 }, read;
	char digits[16];
	const char *end;
	time_t t;

	if (n >= sizeof(formats) / sizeof(formats[0]) || formats[n] == NULL ||
	    s[n + (utc ? s[n] == 'Z' ? 1 : 3 : 0)] != '\0')
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	/* strptime reads fields of fixed width only where nothing else could be meant */
	end = strptime(digits, formats[n], &tm);
	read = tm;
	t = end == NULL || *end != '\0' ? -1 : utc ? timegm(&tm) : mktime(&tm);
	*out = (uint64_t)t;
	/* 30 February is no other day */
	return t >= 0 && tm.tm_mday == read.tm_mday && tm.tm_mon == read.tm_mon;
}

static bool
parse_time(const char *s, uint64_t now, uint64_t *out)
{
	uint64_t span;
	char *end;

	if (*s == '+' || *s == '-') {
		if (!parse_span(s + 1, &span) || (*s == '-' && span > now))
			return false;
		*out = *s == '+' ? now + span : now - span;
		return true;
	}
	if (s[0] == '0' && s[1] == 'x') {
		errno = 0;
		*out = strtoull(s, &end, 16);
		return errno == 0 && *end == '\0' && s[2] != '\0';
	}
	return parse_date(s, out);
}

bool
keygen_validity_parse(const char *text, uint64_t now, uint64_t *after, uint64_t *before)
{
	const char *colon = strchr(text, ':');
	char from[64];

	*after = (now - SLACK) / MINUTE * MINUTE;
	if (colon != NULL) {
		if ((size_t)(colon - text) >= sizeof(from))
			return false;
		memcpy(from, text, (size_t)(colon - text));
		from[colon - text] = '\0';
		if (strcmp(from, "always") == 0)
			*after = 0;
		else if (!parse_time(from, now, after))
			return false;
		text = colon + 1;
	}
	if (strcmp(text, "forever") == 0)
		*before = UINT64_MAX;
	else if (!parse_time(text, now, before))
		return false;
	return *after < *before;
}

static void
format_time(uint64_t t, char *out, size_t size)
{
	time_t when = t > INT32_MAX ? INT32_MAX : (time_t)t;	/* as ssh-keygen shows it */
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		out[0] = '\0';
}

void
keygen_validity_format(uint64_t after, uint64_t before, char out[KEYGEN_VALIDITY_MAX])
{
	char from[32], to[32];

	format_time(after, from, sizeof(from));
	format_time(before, to, sizeof(to));
	if (after == 0 && before == UINT64_MAX)
		(void)snprintf(out, KEYGEN_VALIDITY_MAX, "forever");
	else if (after == 0)
		(void)snprintf(out, KEYGEN_VALIDITY_MAX, "before %s", to);
	else if (before == UINT64_MAX)
		(void)snprintf(out, KEYGEN_VALIDITY_MAX, "after %s", from);
	else
		(void)snprintf(out, KEYGEN_VALIDITY_MAX, "from %s to %s", from, to);
}
