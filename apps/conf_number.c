/*
 * conf_number.c - numbers, sizes and times of the configuration.  No sign, no
 * blank, no hex, and never a silent overflow.
 */
#include <stddef.h>

#include "apps/conf_number.h"

/* Digits from *p on; moves *p behind them.  -1: none, or more than max. */
static int digits(const char **p, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (**p < '0' || **p > '9')
		return -1;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		uint64_t d = (uint64_t)(**p - '0');

		if (v > (max - d) / 10 || d > max)
			return -1;
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

int conf_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (digits(&text, max, &v) < 0 || *text != '\0')
		return -1;
	*out = v;
	return 0;
}

int conf_number_size(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v;
	unsigned shift = 0;

	if (digits(&text, max, &v) < 0)
		return -1;
	switch (*text) {
	case 'k': case 'K':
		shift = 10;
		break;
	case 'm': case 'M':
		shift = 20;
		break;
	case 'g': case 'G':
		shift = 30;
		break;
	}
	if (shift > 0)
		text++;
	if (*text != '\0' || v > max >> shift)
		return -1;
	*out = v << shift;
	return 0;
}

static uint64_t unit(char c)
{
	switch (c) {
	case 's': case 'S':
		return 1;
	case 'm': case 'M':
		return 60;
	case 'h': case 'H':
		return 60 * 60;
	case 'd': case 'D':
		return 24 * 60 * 60;
	case 'w': case 'W':
		return 7 * 24 * 60 * 60;
	}
	return 0;
}

int conf_number_time(const char *text, uint64_t *out)
{
	uint64_t sum = 0, v, u;

	do {
		if (digits(&text, CONF_TIME_MAX, &v) < 0)
			return -1;
		u = *text == '\0' ? 1 : unit(*text++);
		if (u == 0 || v > (CONF_TIME_MAX - sum) / u)
			return -1;
		sum += v * u;
	} while (*text != '\0');
	*out = sum;
	return 0;
}
