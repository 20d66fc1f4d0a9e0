/* session_order.c - are the packets between posternd and a session whole?  Asked by
 * both sides before a field is read: every text ended, every length in its bounds. */
#include <string.h>

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
	case SESSION_BREAK:
	case SESSION_CLOSE:
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
	}
	return sizeof(struct session_head);
}

bool session_order_valid(const union session_order *o, size_t len)
{
	if (len < sizeof(o->head) || len < fixed_size(o->head.kind) || len != session_order_size(o))
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
		    strnlen(o->start.text, o->start.command_len + 1U) == o->start.command_len &&
		    strnlen(o->start.text + o->start.command_len + 1, o->start.original_len + 1U) ==
		    o->start.original_len;
	case SESSION_SIGNAL:
		return session_link_text(o->signal.name, sizeof(o->signal.name));
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
	default:
		return nfds == 0 && session_link_text(r->note.text, sizeof(r->note.text));
	}
}
