/*
 * wildcard.h - names against patterns with * and ?: a host certificate's principals
 * and the names of known_hosts.
 */
#ifndef CRYPTO_WILDCARD_H
#define CRYPTO_WILDCARD_H

#include <stdbool.h>
#include <stddef.h>

/* Does all of the text match: * any run, ? any one byte, all else itself? */
bool wildcard_match(const void *pattern, size_t pattern_n, const void *text, size_t n);
/* The same, a capital letter of ASCII in the pattern standing for its small one. */
bool wildcard_match_lower(const void *pattern, size_t pattern_n, const void *text, size_t n);

#endif
