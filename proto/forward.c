/*
 * forward.c - forwarding's own parts of messages: bytes to fields, by two tables.
 *
 * Everything here is the peer's.  A name with a NUL, a port that is none, a byte left
 * over: malformed as a whole, for whoever checks a permission must see the same host
 * and port as whoever connects.  Nothing is resolved, shortened or completed here,
 * and no permission is given.
 */
#include "proto/forward.h"

/* RFC 4254 6.1 and 7.2: a client rejects sessions and direct connections; x11, agent
 * and forwarded channels lead to what the client has, so only a server opens them
 * (RFC 4254 6.3.2, RFC 9987; OpenSSH PROTOCOL 2.4). */
static const struct {
	const char *type;
	enum forward_kind kind;
	enum ssh_sender opens;
} types[] = {
	{ "session",                           FW_OTHER,                 C2S },
	{ "direct-tcpip",                      FW_DIRECT_TCPIP,          C2S },
	{ "direct-streamlocal@openssh.com",    FW_DIRECT_STREAMLOCAL,    C2S },
	{ "forwarded-tcpip",                   FW_FORWARDED_TCPIP,       S2C },
	{ "forwarded-streamlocal@openssh.com", FW_FORWARDED_STREAMLOCAL, S2C },
	{ "x11",                               FW_X11,                   S2C },
	{ "auth-agent@openssh.com",            FW_AGENT,                 S2C },
	{ "agent-connect",                     FW_AGENT,                 S2C },
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static const struct {
	const char *request;
	enum forward_kind kind;
	bool cancel;
} listens[] = {
	{ "tcpip-forward",                          FW_FORWARDED_TCPIP,       false },
	{ "cancel-tcpip-forward",                   FW_FORWARDED_TCPIP,       true  },
	{ "streamlocal-forward@openssh.com",        FW_FORWARDED_STREAMLOCAL, false },
	{ "cancel-streamlocal-forward@openssh.com", FW_FORWARDED_STREAMLOCAL, true  },
};
enum { LISTENS = sizeof(listens) / sizeof(listens[0]) };

bool
forward_may_open(enum ssh_role receiver, struct span type)
{
	enum ssh_sender peer = receiver == SSH_SERVER ? C2S : S2C;

	for (size_t i = 0; i < TYPES; i++)
		if (span_is(type, types[i].type))
			return types[i].opens == peer;
	return true;
}

enum forward_kind
forward_open_kind(struct span type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (span_is(type, types[i].type))
			return types[i].kind;
	return FW_OTHER;
}

static uint32_t
rd_port(struct rd *r)
{
	uint32_t port = rd_u32(r);

	if (port > FORWARD_PORT_MAX)
		r->bad = true;
	return port;
}

/* The empty path would make a socket without a name. */
static struct span
rd_path(struct rd *r)
{
	struct span path = rd_text(r, FORWARD_HOST_MAX);

	if (path.n == 0)
		r->bad = true;
	return path;
}

bool
forward_parse_open(enum forward_kind kind, struct span extra, struct forward_open *ret)
{
	struct forward_open o = { .port = 0 };
	struct rd r = rd_of(extra);

	switch (kind) {
	case FW_DIRECT_TCPIP:
	case FW_FORWARDED_TCPIP:
		o.host = rd_text(&r, FORWARD_HOST_MAX);
		o.port = rd_port(&r);
		o.origin = rd_text(&r, FORWARD_HOST_MAX);
		o.origin_port = rd_port(&r);
		break;
	case FW_DIRECT_STREAMLOCAL:
		o.host = rd_path(&r);
		(void)rd_blob(&r, FORWARD_HOST_MAX);	/* two reserved fields */
		(void)rd_u32(&r);
		break;
	case FW_FORWARDED_STREAMLOCAL:
		o.host = rd_path(&r);
		(void)rd_blob(&r, FORWARD_HOST_MAX);	/* reserved */
		break;
	case FW_X11:
		o.origin = rd_text(&r, FORWARD_HOST_MAX);
		o.origin_port = rd_port(&r);
		break;
	case FW_AGENT:
		break;
	case FW_OTHER:
		return false;
	}
	if (!rd_done(&r))
		return false;
	*ret = o;
	return true;
}

bool
forward_is_listen(struct span request)
{
	for (size_t i = 0; i < LISTENS; i++)
		if (span_is(request, listens[i].request))
			return true;
	return false;
}

bool
forward_parse_listen(struct span request, struct span payload, struct forward_listen *ret)
{
	struct forward_listen l = { .kind = FW_OTHER };
	struct rd r = rd_of(payload);

	for (size_t i = 0; i < LISTENS; i++)
		if (span_is(request, listens[i].request)) {
			l.kind = listens[i].kind;
			l.cancel = listens[i].cancel;
		}
	if (l.kind == FW_FORWARDED_TCPIP) {
		l.host = rd_text(&r, FORWARD_HOST_MAX);
		l.port = rd_port(&r);
	} else {
		l.host = rd_path(&r);
	}
	if (l.kind == FW_OTHER || !rd_done(&r))
		return false;
	*ret = l;
	return true;
}

bool
forward_is_x11(struct span request)
{
	return span_is(request, "x11-req");
}

/* RFC 4254 6.3.1 */
bool
forward_parse_x11(struct span payload, struct forward_x11 *ret)
{
	struct rd r = rd_of(payload);
	struct forward_x11 x = { .single = rd_bool(&r) };

	x.protocol = rd_text(&r, FORWARD_X11_PROTOCOL_MAX);
	x.cookie = rd_text(&r, FORWARD_X11_COOKIE_MAX);
	x.screen = rd_u32(&r);
	if (!rd_done(&r))
		return false;
	*ret = x;
	return true;
}
