/*
 * client_socks.c - SOCKS 4, 4a and 5 [RFC 1928], CONNECT without login.
 *
 * Whoever reaches the listener speaks here, in remote forwards also the server's side.
 * Bytes in, a host and a port out; nothing is resolved, and a name with a NUL in it
 * is none.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "apps/client_socks.h"

enum { CONNECT = 1, V5_IPV4 = 1, V5_NAME = 3, V5_IPV6 = 4,
	V5_NO_LOGIN = 0, V5_NO_METHOD = 0xff,
	V5_GRANTED = 0, V5_REFUSED = 5, V5_NO_COMMAND = 7, V5_NO_ADDRESS = 8,
	V4_GRANTED = 90, V4_REFUSED = 91 };

struct cursor { const uint8_t *p; size_t n, at; bool is_short; };

static const uint8_t *
get(struct cursor *c, size_t n)
{
	static const uint8_t nothing[256];
	const uint8_t *p = c->p + c->at;

	if (c->is_short || n > c->n - c->at) {
		c->is_short = true;
		return nothing;
	}
	c->at += n;
	return p;
}

static uint32_t
get_port(struct cursor *c)
{
	const uint8_t *p = get(c, 2);

	return (uint32_t)(p[0] << 8 | p[1]);
}

/* Up to a NUL, which is taken too.  false: too long, or not yet there (is_short). */
static bool
get_text(struct cursor *c, char *out)
{
	size_t left = c->n - c->at, len;

	if (c->is_short)
		return false;
	len = strnlen((const char *)c->p + c->at, left < SOCKS_NAME_MAX + 1 ? left : SOCKS_NAME_MAX + 1);
	if (len > SOCKS_NAME_MAX)
		return false;
	if (len == left) {
		c->is_short = true;
		return false;
	}
	memcpy(out, get(c, len + 1), len + 1);
	return true;
}

static enum client_socks_state
refuse(struct client_socks *s, uint8_t code)
{
	client_socks_answer(s, false);
	s->reply[1] = code;
	return SOCKS_BAD;
}

static enum client_socks_state
parse_v4(struct client_socks *s, struct cursor *c)
{
	char user[SOCKS_NAME_MAX + 1];
	const uint8_t *p = get(c, 2), *ip;
	uint8_t command = p[1];

	if (!c->is_short && command != CONNECT)
		return refuse(s, V4_REFUSED);
	s->port = get_port(c);
	ip = get(c, 4);
	if (!get_text(c, user))
		return c->is_short ? SOCKS_MORE : refuse(s, V4_REFUSED);
	if (ip[0] == 0 && ip[1] == 0 && ip[2] == 0 && ip[3] != 0) {
		/* 4a: the name comes behind the user */
		if (!get_text(c, s->host))
			return c->is_short ? SOCKS_MORE : refuse(s, V4_REFUSED);
	} else {
		(void)inet_ntop(AF_INET, ip, s->host, sizeof(s->host));	/* has room */
	}
	return s->host[0] != '\0' && s->port != 0 ? SOCKS_ASKED : refuse(s, V4_REFUSED);
}

static enum client_socks_state
parse_greeting(struct client_socks *s, struct cursor *c)
{
	size_t n = get(c, 2)[1];
	const uint8_t *methods = get(c, n);
	bool ok = !c->is_short && memchr(methods, V5_NO_LOGIN, n) != NULL;

	if (c->is_short)
		return SOCKS_MORE;
	s->reply[0] = 5;
	s->reply[1] = ok ? V5_NO_LOGIN : V5_NO_METHOD;
	s->reply_len = 2;
	s->greeted = ok;
	return ok ? SOCKS_GREETED : SOCKS_BAD;
}

static enum client_socks_state
parse_v5(struct client_socks *s, struct cursor *c)
{
	const uint8_t *p = get(c, 4), *name;
	uint8_t kind = p[3];
	size_t n;

	if (c->is_short)
		return SOCKS_MORE;
	if (p[1] != CONNECT)
		return refuse(s, V5_NO_COMMAND);
	if (kind == V5_NAME) {
		n = get(c, 1)[0];
		name = get(c, n);
		if (c->is_short)
			return SOCKS_MORE;
		if (memchr(name, '\0', n) != NULL)
			return refuse(s, V5_NO_ADDRESS);
		memcpy(s->host, name, n);
		s->host[n] = '\0';
	} else if (kind == V5_IPV4 || kind == V5_IPV6) {
		/* has room; a short cursor gives zeroes and is seen below */
		(void)inet_ntop(kind == V5_IPV4 ? AF_INET : AF_INET6,
		    get(c, kind == V5_IPV4 ? 4 : 16), s->host, sizeof(s->host));
	} else {
		return refuse(s, V5_NO_ADDRESS);
	}
	s->port = get_port(c);
	if (c->is_short)
		return SOCKS_MORE;
	return s->host[0] != '\0' && s->port != 0 ? SOCKS_ASKED : refuse(s, V5_NO_ADDRESS);
}

enum client_socks_state
client_socks_parse(struct client_socks *s, const uint8_t *p, size_t n, size_t *used)
{
	struct cursor c = { .p = p, .n = n };
	enum client_socks_state r;

	s->reply_len = 0;
	*used = 0;
	if (n == 0)
		return SOCKS_MORE;
	if ((p[0] != 4 && p[0] != 5) || (s->version != 0 && p[0] != s->version))
		return SOCKS_BAD;
	s->version = p[0];
	if (s->version == 4)
		r = parse_v4(s, &c);
	else
		r = s->greeted ? parse_v5(s, &c) : parse_greeting(s, &c);
	if (r != SOCKS_MORE)
		*used = c.at;
	return r;
}

void
client_socks_answer(struct client_socks *s, bool ok)
{
	memset(s->reply, 0, sizeof(s->reply));
	if (s->version == 4) {
		s->reply[1] = ok ? V4_GRANTED : V4_REFUSED;
		s->reply_len = 8;
		return;
	}
	/* 0.0.0.0:0: which address the far side uses nobody here knows */
	s->reply[0] = 5;
	s->reply[1] = ok ? V5_GRANTED : V5_REFUSED;
	s->reply[3] = V5_IPV4;
	s->reply_len = 10;
}
