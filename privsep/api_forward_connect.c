/*
 * api_forward_connect.c - connects a channel of the peer's to where it wants to go, if
 * the application lets it go to what that name really is.
 *
 * A peer may own the name that it asks for and answer for it as it likes, a moment later
 * otherwise: a decision about a name says nothing.  So the decision is asked for with the
 * address in hand, and that address is what is connected to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "privsep/api_dial.h"

enum { OPEN_PROHIBITED = 1, OPEN_CONNECT_FAILED = 2,	/* RFC 4254 5.1 */
	PORT_MOST = 65535, SHOWN_MAX = 200 };

static const char *
show(const struct api_address *a, char out[SHOWN_MAX])
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (a->of.sa.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a->of.in.sin_addr, text, sizeof(text));	/* fits */
		(void)snprintf(out, SHOWN_MAX, "%s port %u", text, ntohs(a->of.in.sin_port));
	} else if (a->of.sa.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &a->of.in6.sin6_addr, text, sizeof(text));	/* fits */
		(void)snprintf(out, SHOWN_MAX, "%s port %u", text, ntohs(a->of.in6.sin6_port));
	} else {
		(void)api_log_quote(out, SHOWN_MAX, span_str(a->of.un.sun_path));
	}
	return out;
}

/* The channel that waits for it, and the question; NULL: gone. */
static postern_channel *
find_channel(const struct api_dial *d, struct api_question **q)
{
	postern_transport *t = api_transport_find(d->ctx, d->conn);

	*q = t != NULL ? api_question_find(t, d->asker) : NULL;
	return *q != NULL ? api_channel_find(t, (*q)->chan) : NULL;
}

static bool
may(struct api_dial *d, const struct api_address *a)
{
	struct api_question *q;
	postern_channel *ch = find_channel(d, &q);
	struct postern_forward asked = { .size = sizeof(asked), .host = d->host, .port = d->port,
		.kind = d->is_path ? POSTERN_DIRECT_STREAMLOCAL : POSTERN_DIRECT_TCPIP,
		.origin_host = "" };
	char *host, shown[SHOWN_MAX], quoted[SHOWN_MAX];
	postern_transport *t;
	uint64_t chan;
	bool is_good;

	if (ch == NULL)
		return false;
	/* copies: the application may end the channel in there, and the dial with it */
	host = api_context_copy(span_str(d->host));
	if (host == NULL)
		return false;
	asked.host = host;
	if (ch->forward != NULL) {
		asked.origin_host = ch->forward->origin_host;
		asked.origin_port = ch->forward->origin_port;
	}
	t = ch->t;
	chan = ch->id;
	is_good = d->may_connect(d->user, ch, &asked, &a->of.sa, a->len) == POSTERN_ACCEPT;
	if (api_context_enter(t->ctx) == 0)
		api_log_chan(t, chan, is_good ? POSTERN_VERBOSE : POSTERN_INFO,
		    "channel %llu: %s %s, as which \"%s\" was found", (unsigned long long)chan,
		    is_good ? "connects to" : "may not connect to", show(a, shown),
		    api_log_quote(quoted, sizeof(quoted), span_str(host)));
	free(host);
	return is_good;
}

static void
done(struct api_dial *d, int result)
{
	struct api_question *q;
	postern_channel *ch = find_channel(d, &q);

	if (ch == NULL) {
		api_descriptor_discard(d->ctx, &result, 1);
		return;
	}
	if (result >= 0)
		result = postern_channel_take_socket(ch, result);
	if (result < 0)
		api_log_chan(ch->t, ch->id, POSTERN_VERBOSE, "channel %llu: not connected: %s",
		    (unsigned long long)ch->id, postern_strerror(result));
	api_question_settle(ch->t, q->id, result >= 0 ? POSTERN_ACCEPT : POSTERN_REFUSE, NULL,
	    result == -EACCES ? OPEN_PROHIBITED : OPEN_CONNECT_FAILED);
}

static int
check_place(const struct postern_forward *to)
{
	size_t n = strlen(to->host);

	if (n == 0 || n > API_HOST_MAX)
		return -EINVAL;
	if (to->kind == POSTERN_DIRECT_TCPIP)
		return to->port >= 1 && to->port <= PORT_MOST ? 0 : -EINVAL;
	/* relative to what? */
	return to->kind == POSTERN_DIRECT_STREAMLOCAL && to->host[0] == '/' ? 0 : -EINVAL;
}

int
postern_channel_connect(postern_channel *ch, uint64_t question,
    const struct postern_forward *given, postern_may_connect *may_connect, void *user)
{
	struct postern_forward to = POSTERN_FORWARD;
	struct api_dial dial = { .asker = question, .conn = ch->t->id, .may = may, .done = done,
		.may_connect = may_connect, .user = user };
	const struct api_question *q;
	int r = api_context_enter(ch->t->ctx);

	if (r == 0)
		r = api_context_struct(&to, sizeof(to), given);
	if (r < 0)
		return r;
	q = api_question_find(ch->t, question);
	if (ch->t->is_over || ch->take != API_TAKE_NONE || q == NULL || q->kind != API_ASK_OPEN ||
	    q->chan != ch->id || api_dial_of(ch->t->ctx, question) != NULL)
		return POSTERN_ESTATE;
	if (may_connect == NULL || to.host == NULL)
		return -EINVAL;
	r = check_place(&to);
	if (r < 0)
		return r;
	dial.is_path = to.kind == POSTERN_DIRECT_STREAMLOCAL;
	dial.port = to.port;
	r = api_dial_start(ch->t->ctx, &dial, to.host);
	return r < 0 ? r : POSTERN_LATER;
}
