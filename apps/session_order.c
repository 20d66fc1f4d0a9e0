/* session_order.c - are the packets between posternd and a session whole?  Asked by
 * both sides before a field is read: every text ended, every length in its bounds. */
#include <string.h>

#include "apps/conf_permit.h"
#include "apps/session.h"
#include "apps/session_link.h"

size_t session_order_size(const union session_order *o)
{
	switch (o->head.kind) {
	case SESSION_PTY:
		return o->pty.modes_len > SESSION_MODES_MAX ? 0 :
		    offsetof(struct session_pty, modes) + o->pty.modes_len;
	case SESSION_ENV:
		return sizeof(o->env);
	case SESSION_START:
		return o->start.command_len > SESSION_COMMAND_MAX ||
		    o->start.original_len > SESSION_COMMAND_MAX ? 0 :
		    offsetof(struct session_start, text) + o->start.command_len + 1 +
		    o->start.original_len + 1;
	case SESSION_WINDOW:
		return sizeof(o->window);
	case SESSION_SIGNAL:
		return sizeof(o->signal);
	case SESSION_CONNECT:
		return offsetof(struct session_connect, host) +
		    strnlen(o->connect.host, SESSION_HOST_MAX) + 1;
	case SESSION_LISTEN:
		return sizeof(o->listen);
	case SESSION_X11:
		return sizeof(o->x11);
	case SESSION_BREAK:
	case SESSION_CLOSE:
	case SESSION_UNLISTEN:
	case SESSION_TAKEN:
	case SESSION_AGENT:
		return sizeof(o->head);
	}
	return 0;
}

static size_t fixed_size(uint32_t kind)
{
	switch (kind) {
	case SESSION_PTY:
		return offsetof(struct session_pty, modes);
	case SESSION_START:
		return offsetof(struct session_start, text);
	case SESSION_CONNECT:
		return offsetof(struct session_connect, host) + 1;
	}
	return sizeof(struct session_head);
}

static bool connect_valid(const struct session_connect *c, size_t len)
{
	return len <= sizeof(*c) && c->host[0] != '\0' && c->port <= 65535 &&
	    session_link_text(c->host, len - offsetof(struct session_connect, host));
}

static bool listen_valid(const struct session_listen *l)
{
	if (!session_link_text(l->host, sizeof(l->host)) || l->port > 65535)
		return false;
	if (l->kind == POSTERN_FORWARDED_STREAMLOCAL)
		return l->host[0] != '\0' && l->bind == 0 && l->port == 0;
	return l->kind == POSTERN_FORWARDED_TCPIP && l->bind >= CONF_BIND_LOOPBACK &&
	    l->bind <= CONF_BIND_ADDRESS && (l->bind != CONF_BIND_ADDRESS || l->host[0] != '\0');
}

bool session_order_valid(const union session_order *o, size_t len)
{
	if (len < sizeof(o->head) || len < fixed_size(o->head.kind) ||
	    /* its size is found by its end, which must be looked for within len */
	    (o->head.kind == SESSION_CONNECT && !connect_valid(&o->connect, len)) ||
	    len != session_order_size(o))
		return false;
	switch (o->head.kind) {
	case SESSION_PTY:
		return session_link_text(o->pty.term, sizeof(o->pty.term));
	case SESSION_ENV:
		return session_link_text(o->env.name, sizeof(o->env.name)) &&
		    session_link_text(o->env.value, sizeof(o->env.value)) &&
		    o->env.name[0] != '\0' && strchr(o->env.name, '=') == NULL;
	case SESSION_START:
		return o->start.is_shell <= 1 && o->start.has_original <= 1 &&
		    o->start.user_rc <= 1 && o->start.sftp <= SESSION_SFTP_ONLY &&
		    (o->start.sftp == SESSION_SFTP_NOT || o->start.is_shell == 0) &&
		    strnlen(o->start.text, o->start.command_len + 1U) == o->start.command_len &&
		    strnlen(o->start.text + o->start.command_len + 1, o->start.original_len + 1U) ==
		    o->start.original_len;
	case SESSION_SIGNAL:
		return session_link_text(o->signal.name, sizeof(o->signal.name));
	case SESSION_LISTEN:
		return listen_valid(&o->listen);
	case SESSION_X11:
		return o->x11.single <= 1 &&
		    session_link_text(o->x11.protocol, sizeof(o->x11.protocol)) &&
		    session_link_text(o->x11.cookie, sizeof(o->x11.cookie));
	}
	return true;
}

size_t session_report_size(uint32_t kind)
{
	switch (kind) {
	case SESSION_REPLY:
		return sizeof(struct session_reply);
	case SESSION_EXIT:
		return sizeof(struct session_exit);
	case SESSION_LINE:
		return sizeof(struct session_line);
	case SESSION_NOTE:
		return sizeof(struct session_note);
	case SESSION_CONNECTED:
		return sizeof(struct session_connected);
	case SESSION_LISTENING:
		return sizeof(struct session_listening);
	case SESSION_ACCEPTED:
		return sizeof(struct session_accepted);
	}
	return 0;
}

bool session_report_valid(const union session_report *r, size_t len, size_t nfds)
{
	if (len < sizeof(r->head) || len != session_report_size(r->head.kind))
		return false;
	switch (r->head.kind) {
	case SESSION_REPLY:
		return r->reply.ok <= 1 && session_link_text(r->reply.note, sizeof(r->reply.note)) &&
		    (nfds == 0 || (r->reply.ok == 1 && (nfds == 1 || nfds == 3)));
	case SESSION_EXIT:
		return nfds == 0 && r->exit.core <= 1 &&
		    session_link_text(r->exit.signal, sizeof(r->exit.signal));
	case SESSION_LINE:
		return nfds == 0 && r->line.is_login <= 1 &&
		    session_link_text(r->line.line, sizeof(r->line.line));
	case SESSION_CONNECTED:
		return r->connected.ok <= 1 && nfds == r->connected.ok &&
		    session_link_text(r->connected.text, sizeof(r->connected.text));
	case SESSION_LISTENING:
		return nfds == 0 && r->listening.ok <= 1 && r->listening.port <= 65535 &&
		    session_link_text(r->listening.text, sizeof(r->listening.text));
	case SESSION_ACCEPTED:
		return nfds == 1 && (r->accepted.kind == POSTERN_FORWARDED_TCPIP ||
		    r->accepted.kind == POSTERN_FORWARDED_STREAMLOCAL ||
		    r->accepted.kind == POSTERN_X11 || r->accepted.kind == POSTERN_AGENT) &&
		    r->accepted.port <= 65535 &&
		    session_link_text(r->accepted.host, sizeof(r->accepted.host));
	default:
		return nfds == 0 && session_link_text(r->note.text, sizeof(r->note.text));
	}
}
