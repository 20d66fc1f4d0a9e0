/*
 * wildcard.c - * and ? as in a shell, for patterns and names that strangers may have
 * written.
 *
 * It goes back to the last * only, so no pattern takes longer than its length times
 * the name's, and it must never call itself.
 */
#include <stdint.h>

#include "crypto/wildcard.h"

static uint8_t
as_is(uint8_t c)
{
	return c;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool
match(const uint8_t *pattern, size_t pattern_n, const uint8_t *text, size_t n,
    uint8_t (*fold)(uint8_t))
{
	size_t p = 0, i = 0, star = SIZE_MAX, resume = 0;

	while (i < n) {
		if (p < pattern_n && pattern[p] == '*') {
			star = p++;
			resume = i;
		} else if (p < pattern_n && (pattern[p] == '?' || fold(pattern[p]) == text[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern_n && pattern[p] == '*')
		p++;
	return p == pattern_n;
}

bool
wildcard_match(const void *pattern, size_t pattern_n, const void *text, size_t n)
{
	return match(pattern, pattern_n, text, n, as_is);
}

bool
wildcard_match_lower(const void *pattern, size_t pattern_n, const void *text, size_t n)
{
	return match(pattern, pattern_n, text, n, lower);
}
