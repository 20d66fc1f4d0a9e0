/*
 * version.c - RFC 4253 4.2: the first bytes of a stranger.
 *
 * Nothing is trusted.  A server reads one line and nothing before it, so that
 * other protocols' clients are refused at their fourth byte; a client skips a
 * bounded number of bounded lines, because RFC 4253 lets servers send them.
 * What is accepted becomes V_C or V_S of the exchange hash verbatim and may reach
 * a log: a NUL or a lone CR in it could make two readers see two strings.
 */
#include "proto/version.h"

static bool
starts_with(struct span s, const char *prefix)
{
	struct span p = span_str(prefix);

	return s.n >= p.n && memcmp(s.p, p.p, p.n) == 0;
}

/* "SSH-1.5-...": a peer of another protocol version, rather than no SSH at all. */
static bool
names_a_version(struct span line)
{
	struct rd r = rd_of(line);
	size_t major = 0, minor = 0;
	uint8_t c = 0;

	(void)rd_take(&r, 4);		/* "SSH-", as the caller has seen */
	while (!r.bad && (c = rd_u8(&r)) >= '0' && c <= '9')
		major++;
	if (r.bad || major == 0 || c != '.')
		return false;
	while (!r.bad && (c = rd_u8(&r)) >= '0' && c <= '9')
		minor++;
	return !r.bad && minor > 0 && c == '-';
}

static enum proto_error
check(struct span line)
{
	size_t prefix = 0;

	if (line.n > SSH_VERSION_MAX)
		return PROTO_E_BANNER_LONG;
	if (starts_with(line, "SSH-2.0-"))
		prefix = strlen("SSH-2.0-");
	else if (starts_with(line, "SSH-1.99-"))
		prefix = strlen("SSH-1.99-");
	else
		return names_a_version(line) ? PROTO_E_BANNER_VERSION : PROTO_E_BANNER_FORMAT;
	if (line.n == prefix || memchr(line.p, '\r', line.n) != NULL)
		return PROTO_E_BANNER_FORMAT;
	return PROTO_OK;
}

/* True as long as what is there may still become "SSH-". */
static bool
may_be_version(struct span s)
{
	size_t n = s.n < 4 ? s.n : 4;

	return n == 0 || memcmp(s.p, "SSH-", n) == 0;
}

/* No newline yet: is it still worth waiting for one? */
static enum proto_error
check_partial(enum ssh_role role, struct span s)
{
	if (may_be_version(s))	/* +1: a CR may be the last byte here */
		return s.n > SSH_VERSION_MAX + 1 ? PROTO_E_BANNER_LONG : PROTO_OK;
	if (role == SSH_SERVER)
		return PROTO_E_BANNER_FORMAT;
	return s.n > SSH_PREAMBLE_LINE_MAX ? PROTO_E_BANNER_LONG : PROTO_OK;
}

enum proto_error
version_take(struct version *v, enum ssh_role role, struct span received, size_t *used,
    struct span *found)
{
	struct span line = received;
	const uint8_t *lf = NULL;
	enum proto_error e;

	*used = 0;
	*found = span_of(NULL, 0);
	/* looked at no further than the longest line, however much has come */
	if (line.n > SSH_PREAMBLE_LINE_MAX + 1)
		line.n = SSH_PREAMBLE_LINE_MAX + 1;
	if (line.n > 0)
		lf = memchr(line.p, '\n', line.n);
	if (lf != NULL)
		line.n = (size_t)(lf - line.p);
	if (line.n > 0 && memchr(line.p, 0, line.n) != NULL)
		return PROTO_E_BANNER_FORMAT;
	if (lf == NULL)
		return check_partial(role, line);

	*used = line.n + 1;
	if (!starts_with(line, "SSH-")) {
		if (role == SSH_SERVER)
			return PROTO_E_BANNER_FORMAT;
		if (++v->lines > SSH_PREAMBLE_LINES_MAX)
			return PROTO_E_BANNER_LONG;
		return PROTO_OK;
	}
	/* CR LF, or LF alone, which old peers send */
	if (line.p[line.n - 1] == '\r')
		line.n--;
	if ((e = check(line)) != PROTO_OK)
		return e;
	*found = line;
	return PROTO_OK;
}

bool
version_is_fit(struct span ours)
{
	/* RFC 4253 4.2 counts CR LF into 255 */
	if (ours.n > SSH_VERSION_MAX - 2 || !starts_with(ours, "SSH-2.0-") ||
	    check(ours) != PROTO_OK)
		return false;
	for (size_t i = 0; i < ours.n; i++)
		if (ours.p[i] < 0x20 || ours.p[i] > 0x7e)
			return false;
	return true;
}
