/*
 * posternd_session.c - the policy about channels: what a login may ask for, and the
 * orders to its session process that come of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/conf_pattern.h"
#include "apps/posternd.h"
#include "apps/session_link.h"

enum { OPEN_PROHIBITED = 1,		/* RFC 4254 5.1 */
	LINK_ROOM = 512 * 1024 };

static void hang_up(struct conn *c)
{
	if (c->session >= 0) {
		/* the session ends now, whenever the link is closed; it was open until here.
		 * While somebody has a copy to close we would hear of its end for ever */
		(void)epoll_ctl(c->daemon->poll, EPOLL_CTL_DEL, c->session, NULL);
		(void)shutdown(c->session, SHUT_RDWR);
		session_link_discard(&c->session, 1);
	}
	c->session = -1;
}

bool posternd_session_order(struct conn *c, const union session_order *o)
{
	int r = c->session < 0 ? -ENOTCONN :
	    session_link_send(c->session, o, session_order_size(o), NULL, 0);

	if (r < 0)
		posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "session process: %s",
		    strerror(-r));
	return r == 0;
}

void posternd_session_tell(struct conn *c, const union session_order *o)
{
	if (c->session < 0 || posternd_session_order(c, o))
		return;
	/* a session that cannot be told must not keep what it has */
	hang_up(c);
}

int posternd_session_start(struct conn *c)
{
	static struct account_session_ask ask;
	int pair[2], r, room = LINK_ROOM;

	if (session_link_pair(pair) < 0)
		return -1;
	/* a burst of forwarded connections is a burst of small packets; less room is
	 * only met sooner */
	for (int i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	memset(&ask, 0, sizeof(ask));
	ask.head = (struct account_head){ .kind = ACCOUNT_SESSION, .slot = c->slot };
	memcpy(ask.user, c->user, sizeof(ask.user));
	memcpy(ask.address, c->address, sizeof(ask.address));
	memcpy(ask.local, c->local, sizeof(ask.local));
	ask.port = c->port;
	ask.local_port = c->local_port;
	memcpy(ask.environment, c->grant.environment, sizeof(ask.environment));
	if (c->conf->expose_auth_info && (c->auth_info == NULL ||
	    !session_link_put(ask.auth_info, sizeof(ask.auth_info), c->auth_info)))
		posternd_log(POSTERN_ERROR, c, "ExposeAuthInfo: no room for the steps of this login");
	r = session_link_send(c->daemon->account, &ask, sizeof(ask), &pair[1], 1);
	close(pair[1]);
	if (r < 0 || posternd_loop_add(c->daemon, pair[0], SOURCE_SESSION, c->slot,
	    c->generation) < 0) {
		close(pair[0]);
		return -1;
	}
	c->session = pair[0];
	return 0;
}

static struct channel *channel_of(postern_channel *handle)
{
	return postern_channel_user(handle);
}

struct channel *posternd_session_add(struct conn *c, postern_channel *handle, int kind)
{
	struct channel *ch = calloc(1, sizeof(*ch));

	if (ch == NULL)
		return NULL;
	ch->handle = handle;
	ch->id = postern_channel_id(handle);
	ch->forward = kind;
	ch->next = c->channels;
	c->channels = ch;
	*(kind == 0 ? &c->n_channels : &c->n_forwards) += 1;
	postern_channel_set_user(handle, ch);
	return ch;
}

struct channel *posternd_session_find(struct conn *c, uint64_t id)
{
	struct channel *ch = c->channels;

	while (ch != NULL && ch->id != id)
		ch = ch->next;
	return ch;
}

void posternd_session_drop(struct conn *c, struct channel *ch)
{
	struct channel **at = &c->channels;

	if (ch->line[0] != '\0')
		posternd_session_record(c, ch->line, ch->pid, false);
	posternd_forwarded_taken(c, ch);
	while (*at != ch)
		at = &(*at)->next;
	*at = ch->next;
	*(ch->forward == 0 ? &c->n_channels : &c->n_forwards) -= 1;
	postern_channel_set_user(ch->handle, NULL);
	free(ch);
}

void posternd_session_forget(struct conn *c, struct channel *ch)
{
	postern_channel *handle = ch->handle;

	posternd_session_drop(c, ch);
	postern_channel_free(handle);
}

void posternd_session_stop(struct conn *c)
{
	hang_up(c);
	while (c->channels != NULL)
		posternd_session_forget(c, c->channels);
	posternd_forward_stop(c);
}

static int check_channel_open(void *user, postern_transport *t, uint64_t question,
    postern_channel *handle, const char *kind, const struct postern_forward *forward,
    const void *extra, size_t len, uint32_t *reason)
{
	struct conn *c = postern_transport_user(t);

	(void)user;
	(void)extra;
	(void)len;
	*reason = OPEN_PROHIBITED;
	if (forward != NULL)
		return posternd_forward_open(c, question, handle, forward, reason);
	if (strcmp(kind, "session") != 0) {
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "refused channel type %s of user %s",
		    posternd_log_name(kind), posternd_log_name(c->user));
		return POSTERN_REFUSE;
	}
	if (c->session < 0 || c->n_channels >= c->conf->max_sessions) {
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "no more sessions for user %s",
		    posternd_log_name(c->user));
		return POSTERN_REFUSE;
	}
	return posternd_session_add(c, handle, 0) != NULL ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int take_pty(struct conn *c, union session_order *o,
    const struct postern_channel_request *r)
{
	if (!c->conf->permit_tty || c->grant.no_pty) {
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "no terminal for user %s: %s",
		    posternd_log_name(c->user), c->grant.no_pty ? "the key's line forbids it" :
		    "PermitTTY is no");
		return POSTERN_REFUSE;
	}
	o->head.kind = SESSION_PTY;
	o->pty.columns = r->columns;
	o->pty.rows = r->rows;
	o->pty.width = r->width;
	o->pty.height = r->height;
	if (r->data_len > SESSION_MODES_MAX ||
	    !session_link_put(o->pty.term, sizeof(o->pty.term), r->name))
		return POSTERN_REFUSE;
	o->pty.modes_len = (uint32_t)r->data_len;
	if (r->data_len > 0)
		memcpy(o->pty.modes, r->data, r->data_len);
	return posternd_session_order(c, o) ? POSTERN_LATER : POSTERN_REFUSE;
}

static int take_env(struct conn *c, union session_order *o,
    const struct postern_channel_request *r)
{
	const struct conf_words *accept = &c->conf->accept_env;
	bool accepted = false;

	for (size_t i = 0; i < accept->n && !accepted; i++)
		accepted = conf_pattern_match(accept->v[i], r->name);
	o->head.kind = SESSION_ENV;
	if (!accepted || r->name[0] == '\0' || strchr(r->name, '=') != NULL ||
	    !session_link_put(o->env.name, sizeof(o->env.name), r->name) ||
	    !session_link_put(o->env.value, sizeof(o->env.value), r->value))
		return POSTERN_REFUSE;
	return posternd_session_order(c, o) ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

/* What the peer wants, as text: NULL for its shell.  False: there is no such thing. */
static bool wanted(struct conn *c, const struct postern_channel_request *r, const char **command)
{
	*command = NULL;
	if (r->kind == POSTERN_REQ_EXEC)
		*command = r->name;
	if (r->kind == POSTERN_REQ_SUBSYSTEM) {
		*command = conf_subsystem(c->conf, r->name);
		if (*command == NULL)
			posternd_log(posternd_log_refusal(c, POSTERN_INFO), c,
			    "subsystem request for %s by user %s: no such subsystem", posternd_log_name(r->name), posternd_log_name(c->user));
		return *command != NULL;
	}
	return true;
}

/* The administrator's word, or that of the key's line; the peer's own is its shell's. */
static enum session_sftp sftp_of(const char *command, bool forced,
    const struct postern_channel_request *r)
{
	bool subsystem = r->kind == POSTERN_REQ_SUBSYSTEM;

	if (command == NULL || (!forced && !subsystem) || !conf_sftp_is(command))
		return SESSION_SFTP_NOT;
	return subsystem ? SESSION_SFTP_RUN : SESSION_SFTP_ONLY;
}

/* As sshd: a subsystem's data and the administrator's command are not to meet what the
 * user's file does; and who is let in for files alone could have written it. */
static bool runs_user_rc(const struct conn *c, const struct postern_channel_request *r,
    enum session_sftp sftp)
{
	const struct conf *f = c->conf;

	return f->user_rc && f->force_command == NULL && !c->grant.no_user_rc &&
	    r->kind != POSTERN_REQ_SUBSYSTEM && sftp == SESSION_SFTP_NOT;
}

static int take_start(struct conn *c, struct channel *ch, union session_order *o,
    const struct postern_channel_request *r)
{
	const char *command, *original, *forced = c->conf->force_command;
	size_t len, olen;

	if (ch->started || !wanted(c, r, &command))
		return POSTERN_REFUSE;
	if (forced == NULL && c->grant.has_command)
		forced = c->grant.command;
	original = forced != NULL && command != NULL ? command : "";
	if (forced != NULL)
		command = forced;
	len = command != NULL ? strlen(command) : 0;
	olen = strlen(original);
	if (len > SESSION_COMMAND_MAX || olen > SESSION_COMMAND_MAX)
		return POSTERN_REFUSE;
	o->head.kind = SESSION_START;
	o->start.is_shell = command == NULL;
	o->start.has_original = forced != NULL;
	o->start.sftp = (uint8_t)sftp_of(command, forced != NULL, r);
	o->start.user_rc = runs_user_rc(c, r, (enum session_sftp)o->start.sftp);
	o->start.command_len = (uint32_t)len;
	o->start.original_len = (uint32_t)olen;
	memcpy(o->start.text, command != NULL ? command : "", len + 1);
	memcpy(o->start.text + len + 1, original, olen + 1);
	posternd_log(POSTERN_VERBOSE, c, "Starting session: %s%s for %s from %s port %u",
	    forced != NULL ? "forced-command" : r->kind == POSTERN_REQ_SUBSYSTEM ? "subsystem " :
	    command == NULL ? "shell" : "command", forced == NULL && r->kind == POSTERN_REQ_SUBSYSTEM ?
	    posternd_log_name(r->name) : "", posternd_log_name(c->user), c->address, c->port);
	ch->started = posternd_session_order(c, o);
	return ch->started ? POSTERN_LATER : POSTERN_REFUSE;
}

static int take_x11(struct conn *c, struct channel *ch, union session_order *o,
    const struct postern_channel_request *r)
{
	o->head.kind = SESSION_X11;
	o->x11.single = r->flag != 0;
	o->x11.screen = r->screen;
	if (!posternd_forward_x11(c) ||
	    !session_link_put(o->x11.protocol, sizeof(o->x11.protocol), r->name) ||
	    !session_link_put(o->x11.cookie, sizeof(o->x11.cookie), r->cookie))
		return POSTERN_REFUSE;
	ch->has_display = posternd_session_order(c, o);
	explicit_bzero(o->x11.cookie, sizeof(o->x11.cookie));
	return ch->has_display ? POSTERN_LATER : POSTERN_REFUSE;
}

static int take_agent(struct conn *c, union session_order *o)
{
	o->head.kind = SESSION_AGENT;
	if (!posternd_forward_agent(c) || !posternd_session_order(c, o))
		return POSTERN_REFUSE;
	c->has_agent = true;
	return POSTERN_LATER;
}

static int take_signal(struct conn *c, union session_order *o,
    const struct postern_channel_request *r)
{
	o->head.kind = SESSION_SIGNAL;
	if (!session_link_put(o->signal.name, sizeof(o->signal.name), r->name))
		return POSTERN_REFUSE;
	return posternd_session_order(c, o) ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int check_channel_request(void *user, postern_channel *handle, uint64_t question,
    const struct postern_channel_request *r)
{
	static union session_order o;	/* 64 KiB that need not be on the stack */
	struct conn *c = postern_transport_user(postern_channel_get_transport(handle));
	struct channel *ch = channel_of(handle);

	(void)user;
	if (ch == NULL || ch->forward != 0 || c->session < 0)
		return POSTERN_REFUSE;
	/* fields travel whole: behind their text must be nothing of another login */
	memset(&o, 0, sizeof(o));
	o.head = (struct session_head){ .chan = ch->id, .question = question };
	ch->sent = true;
	switch (r->kind) {
	case POSTERN_REQ_PTY:
		return take_pty(c, &o, r);
	case POSTERN_REQ_ENV:
		return take_env(c, &o, r);
	case POSTERN_REQ_SHELL:
	case POSTERN_REQ_EXEC:
	case POSTERN_REQ_SUBSYSTEM:
		return take_start(c, ch, &o, r);
	case POSTERN_REQ_X11:
		return take_x11(c, ch, &o, r);
	case POSTERN_REQ_AGENT:
		return take_agent(c, &o);
	case POSTERN_REQ_WINDOW_CHANGE:
		o.head.kind = SESSION_WINDOW;
		o.window.columns = r->columns;
		o.window.rows = r->rows;
		o.window.width = r->width;
		o.window.height = r->height;
		return posternd_session_order(c, &o) ? POSTERN_ACCEPT : POSTERN_REFUSE;
	case POSTERN_REQ_SIGNAL:
		return take_signal(c, &o, r);
	case POSTERN_REQ_BREAK:
		o.head.kind = SESSION_BREAK;
		return posternd_session_order(c, &o) ? POSTERN_LATER : POSTERN_REFUSE;
	}
	return POSTERN_REFUSE;
}

static void channel_closed(void *user, postern_channel *handle)
{
	struct channel *ch = channel_of(handle);
	struct conn *c = postern_transport_user(postern_channel_get_transport(handle));
	static union session_order o;

	(void)user;
	if (ch == NULL)
		return;
	o.head = (struct session_head){ .kind = SESSION_CLOSE, .chan = ch->id };
	if (ch->sent)
		posternd_session_tell(c, &o);
	posternd_session_forget(c, ch);
}

void posternd_session_interface(struct postern_server_interface *i)
{
	i->check_channel_open = check_channel_open;
	i->check_channel_request = check_channel_request;
	i->channel_closed = channel_closed;
	posternd_forward_interface(i);
}
