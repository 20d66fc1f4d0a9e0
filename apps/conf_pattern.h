/* conf_pattern.h - PATTERNS of ssh_config(5): * ? and lists with !. */
#ifndef APPS_CONF_PATTERN_H
#define APPS_CONF_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* One pattern of * and ?, all of text. */
bool conf_pattern_match(const char *pattern, const char *text);

/* A comma separated list: 1 matched, 0 not, -1 matched by a ! entry, which
 * outweighs every other. */
int conf_pattern_list(const char *list, const char *text);

/* The same against an address: entries may be address/bits.  -1 also when an entry
 * is malformed, so that a typing error never lets anybody in. */
int conf_pattern_address_list(const char *list, const char *address);

/* Are the first bits of two addresses the same, of IPv4's or of IPv6's?  What is no
 * address is near nothing. */
bool conf_pattern_near(const char *a, const char *b, unsigned ipv4, unsigned ipv6);

/* Can every entry of the list be used against addresses? */
bool conf_pattern_address_valid(const char *list);

/* USER or USER@HOST, as AllowUsers and DenyUsers have them: 1, 0, -1 (negated). */
int conf_pattern_user(const char *pattern, const char *user, const char *address);

#endif
