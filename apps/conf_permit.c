/*
 * conf_permit.c - may this be connected to, may that be listened on, with the meaning
 * of sshd_config(5).
 *
 * The words are the administrator's or, in authorized_keys, the user's; host and port
 * are a stranger's.  Names are compared, never looked up: what a name points to is
 * the peer's to change, so it must not decide.  Where it has led is asked of the address,
 * when there is one to be connected to.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "apps/conf.h"
#include "apps/conf_number.h"
#include "apps/conf_pattern.h"
#include "apps/conf_permit.h"

enum { ANY_PORT = 0 };

static bool parse_port(const char *text, uint32_t *port)
{
	uint64_t v;

	if (strcmp(text, "*") == 0) {
		*port = ANY_PORT;
		return true;
	}
	if (conf_number(text, 65535, &v) < 0 || v < 1)
		return false;
	*port = (uint32_t)v;
	return true;
}

/* host:port or [host]:port; an IPv6 address needs its brackets. */
static bool split(const char *word, char host[CONF_PERMIT_WORD_MAX], uint32_t *port)
{
	const char *begin = word, *end;
	size_t len;

	if (word[0] == '[') {
		begin = word + 1;
		end = strchr(begin, ']');
		if (end == NULL || end[1] != ':' || !parse_port(end + 2, port))
			return false;
	} else {
		end = strchr(word, ':');
		if (end == NULL || !parse_port(end + 1, port))
			return false;
	}
	len = (size_t)(end - begin);
	if (len == 0 || len >= CONF_PERMIT_WORD_MAX)
		return false;
	memcpy(host, begin, len);
	host[len] = '\0';
	return true;
}

bool conf_permit_open(const char *word, const char *host, uint32_t port)
{
	char permitted[CONF_PERMIT_WORD_MAX];
	uint32_t number;

	if (strcmp(word, "any") == 0)
		return true;
	return split(word, permitted, &number) && (number == ANY_PORT || number == port) &&
	    (strcmp(permitted, "*") == 0 || strcmp(permitted, host) == 0);
}

bool conf_permit_path(const char *word)
{
	return strcmp(word, "any") == 0 || strcmp(word, "*:*") == 0;
}

/* As the kernel takes it: an IPv4 address in IPv6's form is one of IPv4, and who connects
 * to "any" comes to the loopback.  A pattern must not be talked past with another form. */
static void show_v4(struct in_addr a, char out[INET6_ADDRSTRLEN])
{
	if (a.s_addr == htonl(INADDR_ANY))
		a.s_addr = htonl(INADDR_LOOPBACK);
	(void)inet_ntop(AF_INET, &a, out, INET6_ADDRSTRLEN);	/* fits */
}

static void show_v6(const struct in6_addr *a, char out[INET6_ADDRSTRLEN])
{
	struct in_addr v4;

	if (IN6_IS_ADDR_V4MAPPED(a)) {
		memcpy(&v4, &a->s6_addr[sizeof(*a) - sizeof(v4)], sizeof(v4));
		show_v4(v4, out);
		return;
	}
	(void)inet_ntop(AF_INET6, IN6_IS_ADDR_UNSPECIFIED(a) ? &in6addr_loopback : a, out,
	    INET6_ADDRSTRLEN);	/* fits */
}

bool conf_permit_address(const char *list, const struct sockaddr *to)
{
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (to->sa_family == AF_INET) {
		memcpy(&in, to, sizeof(in));
		show_v4(in.sin_addr, text);
	} else if (to->sa_family == AF_INET6) {
		memcpy(&in6, to, sizeof(in6));
		show_v6(&in6.sin6_addr, text);
	} else {
		return true;
	}
	return list != NULL && (strcmp(list, "any") == 0 ||
	    conf_pattern_address_list(list, text) > 0);
}

const char *conf_check_permit_address(const char *list)
{
	return strcmp(list, "any") == 0 || conf_pattern_address_valid(list) ? NULL :
	    "any, none, or a list of addresses, address/bits and patterns";
}

static bool lower(const char *text, char out[CONF_PERMIT_WORD_MAX])
{
	size_t len = strlen(text);

	if (len >= CONF_PERMIT_WORD_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	return true;
}

bool conf_permit_listen(const char *word, const char *host, uint32_t port)
{
	char permitted[CONF_PERMIT_WORD_MAX], pattern[CONF_PERMIT_WORD_MAX],
	    wanted[CONF_PERMIT_WORD_MAX];
	uint32_t number;

	if (strcmp(word, "any") == 0)
		return true;
	if (strchr(word, ':') == NULL)
		return parse_port(word, &number) && (number == ANY_PORT || number == port);
	return split(word, permitted, &number) && (number == ANY_PORT || number == port) &&
	    lower(permitted, pattern) && lower(host, wanted) && conf_pattern_match(pattern, wanted);
}

static bool is_word(const char *word)
{
	return strcmp(word, "any") == 0 || strcmp(word, "none") == 0;
}

const char *conf_check_permit_open(const char *word)
{
	char host[CONF_PERMIT_WORD_MAX];
	uint32_t port;

	return is_word(word) || split(word, host, &port) ? NULL :
	    "host:port, [IPv6]:port, any or none";
}

const char *conf_check_permit_listen(const char *word)
{
	char host[CONF_PERMIT_WORD_MAX];
	uint32_t port;

	return is_word(word) || (strchr(word, ':') == NULL ? parse_port(word, &port) :
	    split(word, host, &port)) ? NULL : "port, host:port, any or none";
}

/* "localhost" is every family's loopback; its two addresses are one family's each,
 * which a client may ask for even where it may not choose the address. */
enum conf_bind conf_permit_bind(int gateway, const char *address)
{
	bool is_loopback = strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0;

	if (gateway == CONF_GATEWAY_YES)
		return CONF_BIND_ANY;
	if (is_loopback)
		return CONF_BIND_ADDRESS;
	if (gateway == CONF_GATEWAY_NO || strcmp(address, "localhost") == 0)
		return CONF_BIND_LOOPBACK;
	return address[0] == '\0' || strcmp(address, "*") == 0 ? CONF_BIND_ANY : CONF_BIND_ADDRESS;
}

bool conf_permit_environment(const char *permitted, const char *name)
{
	if (permitted == NULL || strcasecmp(permitted, "no") == 0)
		return false;
	return strcasecmp(permitted, "yes") == 0 || conf_pattern_list(permitted, name) > 0;
}
