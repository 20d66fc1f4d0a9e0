/*
 * client_spec.c - the parser of forwards and jump hosts as ssh(1) writes them.
 *
 * A specification comes from the user's own command line or files.  What it does not
 * say exactly is refused: a listener on another address than was meant is open to
 * others.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "apps/client_spec.h"

enum { FIELDS_MAX = 4, PORT_MAX = 65535 };

struct field { char text[SPEC_HOST_MAX + 1]; bool is_path, is_bracketed; };

/* Decimal digits only: strtoul would take blanks and signs. */
static bool
parse_port(const char *s, uint32_t *port)
{
	uint32_t n = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (uint32_t)(*s - '0');
		if (n > PORT_MAX)
			return false;
	}
	*port = n;
	return true;
}

/* One field of *s up to a colon; a path begins with a slash, and a backslash there
 * keeps a colon.  *s is NULL behind the last. */
static bool
next_field(const char **s, struct field *f)
{
	const char *p = *s;
	size_t n = 0;

	*f = (struct field){ .is_path = *p == '/', .is_bracketed = *p == '[' };
	if (f->is_bracketed)
		p++;
	for (; *p != '\0'; p++) {
		if (f->is_bracketed ? *p == ']' : *p == ':')
			break;
		if (f->is_path && *p == '\\' && (p[1] == ':' || p[1] == '\\'))
			p++;
		if (n == sizeof(f->text) - 1)
			return false;
		f->text[n++] = *p;
	}
	if (f->is_bracketed && (*p++ != ']' || n == 0))
		return false;
	if (*p != '\0' && *p != ':')
		return false;
	*s = *p == ':' ? p + 1 : NULL;
	return true;
}

static bool
set_path(struct client_end *e, const struct field *f)
{
	if (strlen(f->text) > SPEC_PATH_MAX)
		return false;
	e->is_path = true;
	(void)snprintf(e->host, sizeof(e->host), "%s", f->text);
	return true;
}

/* host may be NULL: none is said. */
static bool
set_port(struct client_end *e, const struct field *host, const struct field *port)
{
	if (port->is_bracketed || !parse_port(port->text, &e->port))
		return false;
	if (host != NULL) {
		if (host->is_path)
			return false;
		e->has_host = true;
		(void)snprintf(e->host, sizeof(e->host), "%s", host->text);
	}
	return true;
}

/* The listening side is the first one or two fields; how many they are. */
static size_t
set_listen(struct client_spec *s, const struct field *f, size_t n)
{
	if (f[0].is_path)
		return set_path(&s->listen, &f[0]) ? 1 : 0;
	/* 2: "bind:port" or "port:/path"; 3: "port:host:port" or "bind:port:/path" */
	if (n == 4 || (n == 3 && f[2].is_path) || (n == 2 && !f[1].is_path))
		return set_port(&s->listen, &f[0], &f[1]) ? 2 : 0;
	return set_port(&s->listen, NULL, &f[0]) ? 1 : 0;
}

static bool
set_connect(struct client_spec *s, const struct field *f, size_t n)
{
	if (n == 1 && f[0].is_path)
		return set_path(&s->connect, &f[0]);
	return n == 2 && f[0].text[0] != '\0' && set_port(&s->connect, &f[0], &f[1]) &&
	    s->connect.port != 0;
}

bool
client_spec_parse(struct client_spec *out, int kind, const char *text, const char **why)
{
	struct client_spec s = { .kind = kind };
	struct field f[FIELDS_MAX];
	size_t n = 0, used;

	*why = "bad forwarding specification";
	if (strlen(text) > SPEC_TEXT_MAX)
		return false;
	while (text != NULL) {
		if (n == FIELDS_MAX || !next_field(&text, &f[n++]))
			return false;
	}
	if ((used = set_listen(&s, f, n)) == 0)
		return false;
	if (used == n)
		s.is_socks = true;
	else if (!set_connect(&s, f + used, n - used))
		return false;
	*why = "one of the two ends is missing";
	if (s.is_socks && kind == SPEC_LOCAL)
		return false;
	*why = "a dynamic forward is [bind_address:]port";
	if (kind == SPEC_DYNAMIC && (!s.is_socks || s.listen.is_path))
		return false;
	*why = "port 0 is for remote forwards only";
	if (kind != SPEC_REMOTE && !s.listen.is_path && s.listen.port == 0)
		return false;
	*out = s;
	return true;
}

bool
client_spec_host_port(struct client_end *out, const char *text)
{
	struct client_end e = { .port = 0 };
	struct field host, port;

	if (strlen(text) > SPEC_TEXT_MAX || !next_field(&text, &host) || text == NULL ||
	    !next_field(&text, &port) || text != NULL || host.text[0] == '\0' ||
	    !set_port(&e, &host, &port) || e.port == 0)
		return false;
	*out = e;
	return true;
}

/* The user of a URI, percent-encoding undone in place [RFC 3986 2.1].  A password or
 * parameters must not become a part of the name. */
static bool
decode_user(char *user)
{
	char *out = user;
	unsigned c;

	if (strpbrk(user, ":;/") != NULL)
		return false;
	for (; *user != '\0'; user++) {
		if (*user != '%') {
			*out++ = *user;
			continue;
		}
		if (!isxdigit((unsigned char)user[1]) || !isxdigit((unsigned char)user[2]) ||
		    sscanf(user + 1, "%2x", &c) != 1 || c == 0)
			return false;
		*out++ = (char)c;
		user += 2;
	}
	*out = '\0';
	return true;
}

bool
client_spec_hop(struct client_hop *out, const char *text, size_t len)
{
	char copy[SPEC_TEXT_MAX + 1], *at, *rest = copy;
	struct client_hop h = { .port = 0 };
	bool is_uri;
	struct field f;
	const char *s;

	if (len > SPEC_TEXT_MAX)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	is_uri = strncasecmp(rest, "ssh://", 6) == 0;
	if (is_uri) {
		rest += 6;
		/* an empty path is none; any other would be left out in silence */
		if (len > 6 && copy[len - 1] == '/')
			copy[len - 1] = '\0';
	}
	if ((at = strrchr(rest, '@')) != NULL) {
		*at = '\0';
		if (*rest == '\0' || (is_uri && !decode_user(rest)) ||
		    (size_t)snprintf(h.user, sizeof(h.user), "%s", rest) >= sizeof(h.user))
			return false;
		rest = at + 1;
	}
	s = rest;
	if (!next_field(&s, &f) || f.is_path || f.text[0] == '\0' || f.text[0] == '-' ||
	    strchr(f.text, '/') != NULL)
		return false;
	(void)snprintf(h.host, sizeof(h.host), "%s", f.text);
	if (s != NULL && (!parse_port(s, &h.port) || h.port == 0))
		return false;
	*out = h;
	return true;
}

const char *
client_spec_name(const struct client_end *e, char *out, size_t size)
{
	if (e->is_path)
		(void)snprintf(out, size, "%s", e->host);
	else if (strchr(e->host, ':') != NULL)
		(void)snprintf(out, size, "[%s]:%u", e->host, e->port);
	else
		(void)snprintf(out, size, "%s:%u", e->host, e->port);
	return out;
}
