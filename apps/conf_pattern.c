/*
 * conf_pattern.c - matching of names and addresses against the administrator's and
 * the user's patterns.  The text matched may be a stranger's; the time is bounded
 * by the product of both lengths.
 */
#include <arpa/inet.h>
#include <string.h>

#include "apps/conf_number.h"
#include "apps/conf_pattern.h"

enum { ENTRY_MAX = 1024 };

bool conf_pattern_match(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;	/* the last star takes one more at a time */
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

struct cidr { int family; uint8_t bytes[16]; unsigned bits; };

static bool parse_address(const char *text, struct cidr *out)
{
	*out = (struct cidr){ .family = AF_INET, .bits = 32 };
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	*out = (struct cidr){ .family = AF_INET6, .bits = 128 };
	return inet_pton(AF_INET6, text, out->bytes) == 1;
}

/* A peer's, as the system writes it: of a link's own addresses with the link behind it,
 * which no address/bits has.  It must lead past no rule about those addresses. */
static bool parse_peer(const char *text, struct cidr *out)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	return parse_address(address, out) && (text[len] == '\0' || out->family == AF_INET6);
}

/* address/bits with no bit set in the host part, as sshd demands. */
static bool parse_cidr(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!parse_address(address, out) || conf_number(slash + 1, out->bits, &bits) < 0)
		return false;
	for (unsigned i = (unsigned)bits; i < out->bits; i++)
		if (out->bytes[i / 8] & (0x80 >> (i % 8)))
			return false;
	out->bits = (unsigned)bits;
	return true;
}

static bool in_cidr(const struct cidr *net, const struct cidr *address)
{
	if (net->family != address->family)
		return false;
	for (unsigned i = 0; i < net->bits; i++)
		if ((net->bytes[i / 8] ^ address->bytes[i / 8]) & (0x80 >> (i % 8)))
			return false;
	return true;
}

/* The next entry of a list, without its "!": its length, or -1 if too long. */
static int entry(const char **list, char out[ENTRY_MAX], bool *negated)
{
	size_t len;

	*negated = **list == '!';
	if (*negated)
		(*list)++;
	len = strcspn(*list, ",");
	if (len >= ENTRY_MAX)
		return -1;
	memcpy(out, *list, len);
	out[len] = '\0';
	*list += len;
	if (**list == ',')
		(*list)++;
	return (int)len;
}

int conf_pattern_list(const char *list, const char *text)
{
	char one[ENTRY_MAX];
	bool negated;
	int found = 0;

	while (*list != '\0') {
		if (entry(&list, one, &negated) < 0)
			return -1;
		if (!conf_pattern_match(one, text))
			continue;
		if (negated)
			return -1;
		found = 1;
	}
	return found;
}

int conf_pattern_address_list(const char *list, const char *address)
{
	struct cidr net, own;
	bool negated, hit, is_address = parse_peer(address, &own);
	char one[ENTRY_MAX];
	int found = 0;

	if (!conf_pattern_address_valid(list))
		return -1;
	while (*list != '\0') {
		if (entry(&list, one, &negated) < 0)
			return -1;
		if (strchr(one, '/') != NULL)
			hit = is_address && parse_cidr(one, &net) && in_cidr(&net, &own);
		else
			hit = conf_pattern_match(one, address) ||
			    (is_address && parse_address(one, &net) && in_cidr(&net, &own));
		if (!hit)
			continue;
		if (negated)
			return -1;
		found = 1;
	}
	return found;
}

bool conf_pattern_near(const char *a, const char *b, unsigned ipv4, unsigned ipv6)
{
	struct cidr net, own;

	if (!parse_peer(a, &net) || !parse_peer(b, &own))
		return false;
	net.bits = net.family == AF_INET ? ipv4 : ipv6;
	return in_cidr(&net, &own);
}

bool conf_pattern_address_valid(const char *list)
{
	char one[ENTRY_MAX];
	struct cidr net;
	bool negated;

	if (*list == '\0')
		return false;
	while (*list != '\0') {
		int len = entry(&list, one, &negated);

		if (len <= 0 || (strchr(one, '/') != NULL && !parse_cidr(one, &net)))
			return false;
	}
	return true;
}

int conf_pattern_user(const char *pattern, const char *user, const char *address)
{
	bool negated = pattern[0] == '!';
	const char *p = pattern + (negated ? 1 : 0);
	const char *at = strrchr(p, '@');
	char name[ENTRY_MAX];
	int host;

	if (at == NULL)
		return !conf_pattern_match(p, user) ? 0 : negated ? -1 : 1;
	if ((size_t)(at - p) >= sizeof(name))
		return -1;
	memcpy(name, p, (size_t)(at - p));
	name[at - p] = '\0';
	if (!conf_pattern_match(name, user))
		return 0;
	host = conf_pattern_address_list(at + 1, address);
	return host <= 0 ? 0 : negated ? -1 : 1;
}
