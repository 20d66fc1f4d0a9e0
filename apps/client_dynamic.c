/*
 * client_dynamic.c - a SOCKS proxy on a socket: -D's connections, and those of a remote
 * forward without a destination.
 *
 * Bytes are looked at before they are taken, and no byte behind the request is taken:
 * so a socket of -D can be handed down to the worker afterwards.  Its request is
 * granted before the server has answered, since what the far side says first would
 * else overtake our answer.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/client_forward_connect.h"
#include "apps/client_flow.h"
#include "apps/client_forward.h"
#include "apps/client_log.h"
#include "apps/client_socks.h"

enum { NEGOTIATION_WAIT_MS = 30 * 1000 };

struct dynamic {
	struct client_part part;
	struct client_forward *forward;
	struct client_watch *watch;
	struct client_forward_connect *connect;
	struct client_socks socks;
	int fd;
	bool from_server;
	uint8_t text[SOCKS_TEXT_MAX];
	size_t n;			/* taken into text                         */
};

static void
end(struct client_part *part)
{
	struct dynamic *d = (struct dynamic *)part;

	client_loop_leave(part);
	client_watch_end(d->watch);
	if (d->fd >= 0)
		(void)close(d->fd);	/* what it was told stands */
	d->forward->n_negotiating--;
	free(d);
}

/* A reply fits into any socket that was just made; who does not take it loses it. */
static bool
reply(const struct dynamic *d)
{
	return send(d->fd, d->socks.reply, d->socks.reply_len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    (ssize_t)d->socks.reply_len;
}

static bool
is_one_of(const char *words, const char *text)
{
	return strcmp(words, "*") == 0 || strcasecmp(words, text) == 0;
}

/* PermitRemoteOpen: "any", "none", or host:port with "*" for either. */
static bool
is_permitted(const struct client_conf *c, const char *host, uint32_t port)
{
	const struct client_conf_list *l = &c->permit_remote_open;
	char text[16], word[SPEC_TEXT_MAX], *colon, *name;
	size_t n;

	(void)snprintf(text, sizeof(text), "%u", port);
	for (size_t i = 0; i < l->n; i++) {
		if (strcasecmp(l->word[i], "any") == 0)
			return true;
		if ((size_t)snprintf(word, sizeof(word), "%s", l->word[i]) >= sizeof(word) ||
		    (colon = strrchr(word, ':')) == NULL)
			continue;
		*colon = '\0';
		name = word;
		n = strlen(name);
		if (n > 1 && name[0] == '[' && name[n - 1] == ']') {
			name[n - 1] = '\0';
			name++;
		}
		if (is_one_of(name, host) && is_one_of(colon + 1, text))
			return true;
	}
	return l->n == 0;
}

static void
connected(void *user, int fd)
{
	struct dynamic *d = user;

	d->connect = NULL;
	client_socks_answer(&d->socks, fd >= 0);
	if (reply(d) && fd >= 0) {
		client_flow_between(d->part.loop, d->fd, fd, NULL, 0);
		d->fd = fd = -1;
	}
	if (fd >= 0)
		(void)close(fd);	/* nobody is left to use it */
	end(&d->part);
}

static void
go(struct dynamic *d)
{
	struct client_end to = { .port = d->socks.port };
	int fd = d->fd;

	(void)snprintf(to.host, sizeof(to.host), "%s", d->socks.host);	/* of the same size */
	if (d->from_server) {
		client_watch_end(d->watch);
		d->watch = NULL;
		if (!is_permitted(d->forward->conf, to.host, to.port)) {
			client_log_error("the server's SOCKS request for another place than "
			    "PermitRemoteOpen has was refused");
			connected(d, -EACCES);
			return;
		}
		d->connect = client_forward_connect_start(d->part.loop, &to, connected, d);
		return;
	}
	client_socks_answer(&d->socks, true);
	if (reply(d)) {
		d->fd = -1;
		client_forward_open(d->forward, fd, &to);
	}
	end(&d->part);
}

/* Takes the bytes that belong to the request out of the socket. */
static bool
take(struct dynamic *d, size_t n)
{
	uint8_t gone[SOCKS_TEXT_MAX];

	return recv(d->fd, gone, n, MSG_DONTWAIT) == (ssize_t)n;
}

static void
can_read(void *user, short revents)
{
	struct dynamic *d = user;
	enum client_socks_state state;
	size_t used, have;
	ssize_t n = -1;

	if (revents != 0)
		n = recv(d->fd, d->text + d->n, sizeof(d->text) - d->n, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && revents != 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(&d->part);
		return;
	}
	have = d->n + (size_t)n;
	state = client_socks_parse(&d->socks, d->text, have, &used);
	if (state == SOCKS_BAD || !take(d, state == SOCKS_MORE ? (size_t)n : used - d->n) ||
	    (state == SOCKS_MORE && have == sizeof(d->text))) {
		(void)!reply(d);	/* it ends either way */
		end(&d->part);
		return;
	}
	d->n = state == SOCKS_MORE ? have : 0;
	if (state == SOCKS_GREETED && !reply(d))
		end(&d->part);
	else if (state == SOCKS_ASKED)
		go(d);
}

void
client_dynamic_start(struct client_forward *f, int fd, bool from_server)
{
	struct dynamic *d;

	if (f->n_negotiating >= FORWARD_NEGOTIATING_MAX) {
		client_log_error("more than %d SOCKS requests at once", FORWARD_NEGOTIATING_MAX);
		(void)close(fd);	/* nothing was promised to it */
		return;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL)
		err(255, "calloc");
	client_loop_join(f->loop, &d->part, end);
	f->n_negotiating++;
	d->forward = f;
	d->fd = fd;
	d->from_server = from_server;
	d->watch = client_loop_watch(f->loop, fd, POLLIN, can_read, d);
	client_watch_deadline(d->watch, NEGOTIATION_WAIT_MS);
}
