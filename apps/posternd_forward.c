/*
 * posternd_forward.c - the policy about forwarding: who may connect where, listen on
 * what, show windows, use an agent.  What is granted becomes an order to the session
 * process, which is the user; nothing is resolved, connected or bound here.
 *
 * Hosts, ports and paths are the peer's words.  They are compared with PermitOpen and
 * PermitListen and with the same words of every key of the login, and all must agree.
 */
#include <stdlib.h>
#include <string.h>

#include "apps/conf_match.h"
#include "apps/conf_permit.h"
#include "apps/posternd.h"
#include "apps/session_link.h"

enum { OPEN_CONNECT_FAILED = 2, OPEN_SHORTAGE = 4 };	/* RFC 4254 5.1 */

/* Are ports and paths open to this login in this direction (enum conf_forward)? */
static bool may_ports(const struct conf *f, const struct account_grant *g, int allowed,
    int direction)
{
	return !f->disable_forwarding && !g->no_port_forwarding && (allowed & direction) != 0;
}

static bool may_x11(const struct conf *f, const struct account_grant *g)
{
	return !f->disable_forwarding && f->x11_forwarding && f->xauth != NULL &&
	    !g->no_x11_forwarding;
}

static bool may_agent(const struct conf *f, const struct account_grant *g)
{
	return !f->disable_forwarding && f->agent_forwarding && !g->no_agent_forwarding;
}

bool posternd_forward_enabled(const struct conf *f)
{
	static const struct account_grant all;
	static const enum conf_id switches[] = { CONF_DisableForwarding, CONF_AllowTcpForwarding,
	    CONF_AllowStreamLocalForwarding, CONF_AllowAgentForwarding, CONF_X11Forwarding };

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (conf_match_value(f, switches[i], 0) != NULL)
			return true;	/* for somebody */
	return may_ports(f, &all, f->tcp_forwarding | f->streamlocal_forwarding,
	    CONF_FORWARD_ALL) || may_x11(f, &all) || may_agent(f, &all);
}

/* One word of a list against what is asked for. */
static bool word_permits(const char *word, const struct postern_forward *w)
{
	switch (w->kind) {
	case POSTERN_DIRECT_TCPIP:
		return conf_permit_open(word, w->host, w->port);
	case POSTERN_DIRECT_STREAMLOCAL:
		return conf_permit_path(word);
	case POSTERN_FORWARDED_TCPIP:
		return conf_permit_listen(word, w->host, w->port);
	}
	return true;			/* PermitListen is about ports, as sshd's */
}

static bool list_permits(const struct conf_words *l, const struct postern_forward *w)
{
	for (size_t i = 0; i < l->n; i++)
		if (word_permits(l->v[i], w))
			return true;
	return false;
}

/* The same for words with blanks between; no word is no restriction. */
static bool text_permits(const char *text, const struct postern_forward *w)
{
	char copy[ACCOUNT_PERMIT_MAX + 1], *at = copy, *word;

	if (text[0] == '\0')
		return true;
	if (!session_link_put(copy, sizeof(copy), text))
		return false;
	while ((word = strsep(&at, " ")) != NULL)
		if (word_permits(word, w))
			return true;
	return false;
}

/* May it, and if not, is that logged? */
static bool is_permitted(struct conn *c, const struct postern_forward *w)
{
	const struct conf *f = c->conf;
	const struct account_grant *g = &c->grant;

	switch (w->kind) {
	case POSTERN_DIRECT_TCPIP:
	case POSTERN_DIRECT_STREAMLOCAL:
		return may_ports(f, g, w->kind == POSTERN_DIRECT_TCPIP ? f->tcp_forwarding :
		    f->streamlocal_forwarding, CONF_FORWARD_LOCAL) &&
		    list_permits(&f->permit_open, w) && text_permits(g->permit_open, w);
	case POSTERN_FORWARDED_TCPIP:
	case POSTERN_FORWARDED_STREAMLOCAL:
		return may_ports(f, g, w->kind == POSTERN_FORWARDED_TCPIP ? f->tcp_forwarding :
		    f->streamlocal_forwarding, CONF_FORWARD_REMOTE) &&
		    (w->kind == POSTERN_FORWARDED_STREAMLOCAL || (list_permits(&f->permit_listen, w) &&
		    text_permits(g->permit_listen, w)));
	}
	return false;
}

static bool told(struct conn *c, bool may, const char *what)
{
	if (!may)
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "%s forwarding for user %s "
		    "was asked for and refused", what, posternd_log_name(c->user));
	return may;
}

bool posternd_forward_x11(struct conn *c)
{
	return told(c, may_x11(c->conf, &c->grant), "X11");
}

bool posternd_forward_agent(struct conn *c)
{
	return told(c, may_agent(c->conf, &c->grant), "Agent");
}

static void tell_denied(struct conn *c, const struct postern_forward *w, const char *what)
{
	bool is_path = w->kind == POSTERN_DIRECT_STREAMLOCAL ||
	    w->kind == POSTERN_FORWARDED_STREAMLOCAL;

	if (is_path)
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "Received request from %s port %u "
		    "to %s path %s, but the request was denied.", c->address, c->port, what,
		    posternd_log_name(w->host));
	else
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "Received request from %s port %u "
		    "to %s host %s port %u, but the request was denied.", c->address, c->port, what,
		    posternd_log_name(w->host), w->port);
}

int posternd_forward_open(struct conn *c, uint64_t question, postern_channel *handle,
    const struct postern_forward *w, uint32_t *reason)
{
	union session_order o;
	struct channel *ch;

	if ((w->kind != POSTERN_DIRECT_TCPIP && w->kind != POSTERN_DIRECT_STREAMLOCAL) ||
	    c->session < 0 || !is_permitted(c, w)) {
		tell_denied(c, w, "connect to");
		return POSTERN_REFUSE;
	}
	*reason = OPEN_CONNECT_FAILED;
	o.head = (struct session_head){ .kind = SESSION_CONNECT,
	    .chan = postern_channel_id(handle), .question = question };
	o.connect.port = w->kind == POSTERN_DIRECT_TCPIP ? w->port : 0;
	if (w->host[0] == '\0' || w->port > 65535 ||
	    (w->kind == POSTERN_DIRECT_TCPIP && w->port == 0) ||
	    !session_link_put(o.connect.host, sizeof(o.connect.host), w->host))
		return POSTERN_REFUSE;	/* nobody can be there */
	*reason = OPEN_SHORTAGE;
	if (c->n_forwards >= POSTERND_FORWARDS_MAX || !posternd_session_order(c, &o))
		return POSTERN_REFUSE;
	if ((ch = posternd_session_add(c, handle, w->kind)) == NULL) {
		o.head.kind = SESSION_CLOSE;
		posternd_session_tell(c, &o);
		return POSTERN_REFUSE;
	}
	ch->question = question;
	ch->sent = true;
	*reason = OPEN_CONNECT_FAILED;
	return POSTERN_LATER;
}

static struct listening *listening_new(struct conn *c, const struct postern_forward *w,
    uint64_t question)
{
	struct listening *l;

	if (c->n_listening >= SESSION_LISTENERS_MAX || (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	if (!session_link_put(l->host, sizeof(l->host), w->host)) {
		free(l);
		return NULL;
	}
	l->kind = w->kind;
	l->port = w->port;
	l->id = ++c->listens;
	l->question = question;
	l->next = c->listening;
	c->listening = l;
	c->n_listening++;
	return l;
}

void posternd_forward_stop(struct conn *c)
{
	struct listening *l;

	while ((l = c->listening) != NULL) {
		c->listening = l->next;
		free(l);
	}
	c->n_listening = 0;
}

static int check_port_forward_request(void *user, postern_transport *t, uint64_t question,
    const struct postern_forward *w, uint32_t *port)
{
	struct conn *c = postern_transport_user(t);
	static union session_order o;
	struct listening *l;

	(void)user;
	(void)port;			/* known when the session process has bound it */
	if (c->session < 0 || w->port > 65535 || !is_permitted(c, w)) {
		tell_denied(c, w, "listen on");
		return POSTERN_REFUSE;
	}
	if ((l = listening_new(c, w, question)) == NULL)
		return POSTERN_REFUSE;
	memset(&o.listen, 0, sizeof(o.listen));
	o.head = (struct session_head){ .kind = SESSION_LISTEN, .chan = l->id,
	    .question = question };
	o.listen.kind = (uint8_t)w->kind;
	if (w->kind == POSTERN_FORWARDED_TCPIP) {
		o.listen.bind = (uint8_t)conf_permit_bind(c->conf->gateway_ports, w->host);
		o.listen.port = w->port;
	}
	memcpy(o.listen.host, l->host, sizeof(o.listen.host));
	if (posternd_session_order(c, &o))
		return POSTERN_LATER;
	c->listening = l->next;		/* it was the newest */
	c->n_listening--;
	free(l);
	return POSTERN_REFUSE;
}

static void cancel_port_forward_request(void *user, postern_transport *t,
    const struct postern_forward *w)
{
	struct conn *c = postern_transport_user(t);
	struct listening **at = &c->listening, *l;
	union session_order o;

	(void)user;
	while (*at != NULL && ((*at)->kind != w->kind || (*at)->question != 0 ||
	    (*at)->port != w->port || strcmp((*at)->host, w->host) != 0))
		at = &(*at)->next;
	if ((l = *at) == NULL)
		return;
	*at = l->next;
	c->n_listening--;
	o.head = (struct session_head){ .kind = SESSION_UNLISTEN, .chan = l->id };
	posternd_session_tell(c, &o);
	posternd_log(POSTERN_VERBOSE, c, "user %s no longer listens on %s port %u",
	    posternd_log_name(c->user), posternd_log_name(l->host), l->port);
	free(l);
}

void posternd_forward_interface(struct postern_server_interface *i)
{
	i->check_port_forward_request = check_port_forward_request;
	i->cancel_port_forward_request = cancel_port_forward_request;
}
