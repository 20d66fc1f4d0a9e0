/*
 * api_carry.c - the kinds of channels that carry something else, and what an open message
 * says about it.
 *
 * Written here for the peer, never read here: what a peer says in an open message is
 * parsed by the worker and comes as fields.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { PORT_MAX = 65535 };

/* RFC 4254 7.2 and 6.3.2, OpenSSH PROTOCOL 2.4.  agent-connect of RFC 9987 is the same
 * as auth-agent@openssh.com, which is what servers and clients have known for longer. */
static const struct {
	int kind;
	const char *name;
} kinds[] = {
	{ POSTERN_DIRECT_TCPIP,          "direct-tcpip" },
	{ POSTERN_FORWARDED_TCPIP,       "forwarded-tcpip" },
	{ POSTERN_DIRECT_STREAMLOCAL,    "direct-streamlocal@openssh.com" },
	{ POSTERN_FORWARDED_STREAMLOCAL, "forwarded-streamlocal@openssh.com" },
	{ POSTERN_X11,                   "x11" },
	{ POSTERN_AGENT,                 "auth-agent@openssh.com" },
	{ POSTERN_AGENT,                 "agent-connect" },
};
_Static_assert((int)POSTERN_DIRECT_TCPIP == (int)IPC_DIRECT_TCPIP &&
    (int)POSTERN_FORWARDED_TCPIP == (int)IPC_FORWARDED_TCPIP &&
    (int)POSTERN_DIRECT_STREAMLOCAL == (int)IPC_DIRECT_STREAMLOCAL &&
    (int)POSTERN_FORWARDED_STREAMLOCAL == (int)IPC_FORWARDED_STREAMLOCAL &&
    (int)POSTERN_X11 == (int)IPC_X11 && (int)POSTERN_AGENT == (int)IPC_AGENT,
    "the numbers of the header are those of the messages");

const char *
api_carry_name(int kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return NULL;
}

int
api_carry_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	}
	return 0;
}

static bool
is_tcp(int kind)
{
	return kind == POSTERN_DIRECT_TCPIP || kind == POSTERN_FORWARDED_TCPIP;
}

bool
api_carry_has_port(const struct postern_forward *f)
{
	return !is_tcp(f->kind) || f->port <= PORT_MAX;
}

int
api_carry_take(struct postern_forward *to, const struct postern_forward *from)
{
	struct postern_forward f = POSTERN_FORWARD;
	int r = api_context_struct(&f, sizeof(f), from);

	if (r < 0)
		return r;
	if (f.host == NULL)
		f.host = "";
	if (f.origin_host == NULL)
		f.origin_host = "";
	if (api_carry_name(f.kind) == NULL || !api_carry_has_port(&f) || f.origin_port > PORT_MAX)
		return -EINVAL;
	if (strlen(f.host) > API_HOST_MAX || strlen(f.origin_host) > API_HOST_MAX)
		return -EMSGSIZE;
	*to = f;
	return 0;
}

void
api_carry_extra(struct wr *w, const struct postern_forward *f)
{
	switch (f->kind) {
	case POSTERN_DIRECT_TCPIP:
	case POSTERN_FORWARDED_TCPIP:
		wr_str(w, f->host);
		wr_u32(w, f->port);
		wr_str(w, f->origin_host);
		wr_u32(w, f->origin_port);
		break;
	case POSTERN_DIRECT_STREAMLOCAL:
		wr_str(w, f->host);
		wr_str(w, "");		/* reserved */
		wr_u32(w, 0);
		break;
	case POSTERN_FORWARDED_STREAMLOCAL:
		wr_str(w, f->host);
		wr_str(w, "");		/* reserved */
		break;
	case POSTERN_X11:
		wr_str(w, f->origin_host);
		wr_u32(w, f->origin_port);
		break;
	case POSTERN_AGENT:
		break;
	default:
		w->bad = true;
	}
}

/* ---- what a channel carries ---- */

void
api_carry_forget(postern_channel *ch)
{
	if (ch->forward == NULL)
		return;
	free((char *)(uintptr_t)ch->forward->host);
	free((char *)(uintptr_t)ch->forward->origin_host);
	free(ch->forward);
	ch->forward = NULL;
}

int
api_carry_keep(postern_channel *ch, const struct postern_forward *f)
{
	struct postern_forward *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	*copy = *f;
	copy->size = sizeof(*copy);
	copy->host = api_context_copy(span_str(f->host));
	copy->origin_host = api_context_copy(span_str(f->origin_host));
	api_carry_forget(ch);
	ch->forward = copy;
	if (copy->host != NULL && copy->origin_host != NULL)
		return 0;
	api_carry_forget(ch);
	return -ENOMEM;
}
