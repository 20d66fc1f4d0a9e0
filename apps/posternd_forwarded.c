/*
 * posternd_forwarded.c - what the session process has connected, bound or accepted,
 * passed on to the library.  Its word is good for its own login: a descriptor it
 * sends is given to the channel that asked, or to one opened for a listener that was
 * granted, and is closed otherwise.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/conf_permit.h"
#include "apps/posternd.h"

static void log_error(struct conn *c, const char *what, int r)
{
	/* the question or channel may have gone in the meantime: nobody is wronged */
	if (r < 0 && r != POSTERN_ESTATE)
		posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "%s: %s", what,
		    postern_strerror(r));
}

static void log_connected(struct conn *c, const struct channel *ch,
    const struct session_connected *r)
{
	const struct postern_forward *w = postern_channel_get_forward(ch->handle);
	const char *at = r->text[0] != '\0' ? posternd_log_quote(r->text) : "its path";

	if (w != NULL && r->ok)
		posternd_log(POSTERN_VERBOSE, c, "user %s connects to %s port %u, which is %s",
		    posternd_log_name(c->user), posternd_log_name(w->host), w->port, at);
	else if (w != NULL)
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "connect_to %s port %u for user %s: failed: %s",
		    posternd_log_name(w->host), w->port, posternd_log_name(c->user), at);
}

/* What the session process says is the word of a process of the user's: where it has
 * connected to, the kernel knows. */
static bool may_reach(struct conn *c, int fd)
{
	union { struct sockaddr sa; struct sockaddr_storage room; } to;
	socklen_t len = sizeof(to);

	if (getpeername(fd, &to.sa, &len) == 0 &&
	    conf_permit_address(c->conf->permit_open_address, &to.sa))
		return true;
	posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "the session of user %s connected to "
	    "what PermitOpenAddress does not have", posternd_log_name(c->user));
	return false;
}

void posternd_forwarded_connected(struct conn *c, const struct session_connected *r, int *fd)
{
	struct channel *ch = posternd_session_find(c, r->head.chan);
	uint64_t question;
	bool is_good;
	int e = 0;

	if (ch == NULL || ch->question == 0 || ch->question != r->head.question)
		return;
	question = ch->question;
	ch->question = 0;
	log_connected(c, ch, r);
	is_good = r->ok && may_reach(c, *fd);
	if (is_good) {
		e = postern_channel_take_socket(ch->handle, *fd);
		*fd = -1;
		log_error(c, "channel", e);
	}
	if (!is_good || e < 0) {
		posternd_session_drop(c, ch);	/* the answer frees the handle */
		log_error(c, "answer", postern_answer(c->transport, question, POSTERN_REFUSE, NULL));
		return;
	}
	log_error(c, "answer", postern_answer(c->transport, question, POSTERN_ACCEPT, NULL));
}

static struct listening *find_listening(struct conn *c, uint64_t id, int kind)
{
	struct listening *l = c->listening;

	while (l != NULL && (l->id != id || (kind != 0 && l->kind != kind)))
		l = l->next;
	return l;
}

static void forget_listening(struct conn *c, struct listening *l)
{
	struct listening **at = &c->listening;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	c->n_listening--;
	free(l);
}

void posternd_forwarded_listening(struct conn *c, const struct session_listening *r)
{
	struct listening *l = find_listening(c, r->head.chan, 0);
	union session_order o;
	uint64_t question;
	int e;

	if (l == NULL || l->question == 0)
		return;
	question = l->question;
	l->question = 0;
	if (r->ok && l->port == 0)
		l->port = r->port;
	if (r->ok)
		posternd_log(POSTERN_VERBOSE, c, "user %s listens on %s port %u",
		    posternd_log_name(c->user), posternd_log_name(l->host), l->port);
	else
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "user %s cannot listen on %s port %u: %s",
		    posternd_log_name(c->user), posternd_log_name(l->host), l->port,
		    posternd_log_quote(r->text));
	e = postern_answer_port(c->transport, question, r->ok ? POSTERN_ACCEPT : POSTERN_REFUSE,
	    l->port);
	log_error(c, "answer", e);
	if (r->ok && e < 0) {
		o.head = (struct session_head){ .kind = SESSION_UNLISTEN, .chan = l->id };
		posternd_session_tell(c, &o);
	}
	if (!r->ok || e < 0)
		forget_listening(c, l);
}

static void send_taken(struct conn *c)
{
	union session_order o;

	o.head = (struct session_head){ .kind = SESSION_TAKEN };
	posternd_session_tell(c, &o);
}

void posternd_forwarded_taken(struct conn *c, struct channel *ch)
{
	if (!ch->accepted)
		return;
	ch->accepted = false;
	c->n_accepted--;
	send_taken(c);
}

/* What is opened for a connection; false: nothing of that kind was granted. */
static bool describe(struct conn *c, const struct session_accepted *r, struct postern_forward *w)
{
	const struct channel *display = posternd_session_find(c, r->head.chan);
	const struct listening *l = find_listening(c, r->head.chan, r->kind);

	w->kind = r->kind;
	w->origin_host = r->host;
	w->origin_port = r->port;
	switch (r->kind) {
	case POSTERN_X11:
		return display != NULL && display->has_display;
	case POSTERN_AGENT:
		return c->has_agent;
	default:
		if (l == NULL || l->question != 0)
			return false;
		w->host = l->host;
		w->port = l->port;
		return true;
	}
}

int posternd_forwarded_accepted(struct conn *c, const struct session_accepted *r, int *fd)
{
	struct postern_forward w = POSTERN_FORWARD;
	postern_channel *handle = NULL;
	struct channel *ch = NULL;
	int e;

	if (c->n_accepted >= SESSION_ACCEPTED_MAX)
		return -1;
	if (!describe(c, r, &w) || c->n_forwards >= POSTERND_FORWARDS_MAX) {
		send_taken(c);		/* it was cancelled meanwhile, or there is no room */
		return 0;
	}
	e = postern_transport_open_forward_async(c->transport, &handle, &w, NULL);
	if (e == 0 && (ch = posternd_session_add(c, handle, r->kind)) == NULL)
		postern_channel_free(handle);
	if (ch == NULL) {
		log_error(c, "opening a channel", e);
		send_taken(c);
		return 0;
	}
	ch->accepted = true;
	c->n_accepted++;
	posternd_log(POSTERN_VERBOSE, c, "a connection from %s port %u for user %s to %s port %u",
	    r->host[0] != '\0' ? posternd_log_quote(r->host) : "a local program", r->port,
	    posternd_log_name(c->user), r->kind == POSTERN_X11 ? "the X11 display" :
	    r->kind == POSTERN_AGENT ? "the agent" : posternd_log_name(w.host), w.port);
	e = postern_channel_take_socket(handle, *fd);
	*fd = -1;
	log_error(c, "channel", e);
	return 0;
}

void posternd_forwarded_done(const struct postern_event *e)
{
	struct conn *c = e->transport != NULL ? postern_transport_user(e->transport) : NULL;
	struct channel *ch = c != NULL && e->channel != NULL ? postern_channel_user(e->channel) : NULL;

	if (ch == NULL)
		return;
	posternd_forwarded_taken(c, ch);
	if (e->result < 0) {
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "the client of user %s took no channel: %s",
		    posternd_log_name(c->user), postern_strerror(e->result));
		posternd_session_forget(c, ch);
	}
}
