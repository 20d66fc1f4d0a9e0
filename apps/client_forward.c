/*
 * client_forward.c - connections through the server.
 *
 * A socket of ours is handed down to the worker with its channel: its bytes never pass
 * through this process.  Where a remote forward leads was said on our own command line;
 * nothing the server says chooses an address here, but for a remote SOCKS listener,
 * which PermitRemoteOpen bounds.
 */
#include <err.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/client_forward.h"
#include "apps/client_log.h"
#include "apps/client_token.h"

struct opening {
	struct client_part part;
	struct client_owner owner;
	postern_channel *channel;
	char name[SPEC_HOST_MAX + 16];
};

static void
end(struct client_part *part)
{
	struct opening *o = (struct opening *)part;

	client_loop_leave(part);
	postern_channel_free(o->channel);
	free(o);
}

static void
closed(struct client_owner *owner, postern_channel *ch)
{
	struct opening *o = (struct opening *)((char *)owner - offsetof(struct opening, owner));

	(void)ch;
	end(&o->part);
}

static void
opened(void *user, int result)
{
	struct opening *o = user;
	struct postern_exception e = POSTERN_EXCEPTION;

	if (result == 0) {
		/* from now on, before it a refusal comes */
		postern_channel_set_user(o->channel, &o->owner);
		return;
	}
	/* the story's text is cleared, or it would be told again for another failure */
	if (postern_transport_get_exception(postern_channel_get_transport(o->channel), &e) != 0)
		e.text = "";
	client_log_error("open to %s failed: %s%s%s", o->name, postern_strerror(result),
	    e.text[0] != '\0' ? ": " : "", e.text);
	end(&o->part);
}

void
client_forward_open(struct client_forward *f, int fd, const struct client_end *to)
{
	struct postern_forward w = POSTERN_FORWARD;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char origin[NI_MAXHOST] = "", port[NI_MAXSERV] = "0";
	struct opening *o = calloc(1, sizeof(*o));
	uint64_t call;
	int r, one = 1;

	if (o == NULL)
		err(255, "calloc");
	if (getpeername(fd, (struct sockaddr *)&sa, &len) == 0 && sa.ss_family != AF_UNIX) {
		/* costs speed only; a peer without an address is "unknown" */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)!getnameinfo((struct sockaddr *)&sa, len, origin, sizeof(origin), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	}
	w.kind = to->is_path ? POSTERN_DIRECT_STREAMLOCAL : POSTERN_DIRECT_TCPIP;
	w.host = to->host;
	w.port = to->is_path ? 0 : to->port;
	w.origin_host = to->is_path ? "" : origin;
	w.origin_port = to->is_path ? 0 : (uint32_t)strtoul(port, NULL, 10);
	o->owner.closed = closed;
	(void)client_spec_name(to, o->name, sizeof(o->name));
	r = postern_transport_open_forward_async(f->transport, &o->channel, &w, &call);
	if (r != 0) {
		client_log_error("open to %s failed: %s", o->name, postern_strerror(r));
		(void)close(fd);	/* nothing was promised to it */
		free(o);
		return;
	}
	client_loop_join(f->loop, &o->part, end);
	client_loop_call(f->loop, call, opened, o);
	/* takes it in any case; a failure shows as a channel that ends */
	if ((r = postern_channel_take_socket(o->channel, fd)) != 0)
		client_log_error("%s: %s", o->name, postern_strerror(r));
	client_log_verbose("connection from %s port %s forwarded to %s", origin, port, o->name);
}

/* ---- what the configuration wants ---- */

/* "8080 host:80" of a file is "8080:host:80" of the command line.  Only paths have
 * tokens: in an address % begins a zone. */
static bool
parse(const struct client_conf *c, struct client_spec *spec, int kind, const char *line)
{
	char *text = strchr(line, '/') == NULL ? client_conf_copy(line) :
	    client_token_expand(c, line, TOKENS_ALL, TOKEN_VARIABLES);
	char joined[SPEC_TEXT_MAX + 1], *s = text, *a = text != NULL ? client_conf_word(&s) : NULL,
	    *b = a != NULL ? client_conf_word(&s) : NULL;
	const char *why = "bad forwarding specification";
	bool ok = false;

	if (a != NULL && (b == NULL || client_conf_word(&s) == NULL) &&
	    (size_t)snprintf(joined, sizeof(joined), "%s%s%s", a, b != NULL ? ":" : "",
	    b != NULL ? b : "") < sizeof(joined))
		ok = client_spec_parse(spec, kind, joined, &why);
	if (!ok)
		client_log_error("%s: \"%s\"", why, line);
	free(text);
	return ok;
}

int
client_forward_check(const struct client_conf *c)
{
	static const int kinds[] = { SPEC_LOCAL, SPEC_DYNAMIC, SPEC_REMOTE };
	const struct client_conf_list *lists[] = { &c->local_forwards, &c->dynamic_forwards,
		&c->remote_forwards };
	struct client_spec spec;

	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < lists[i]->n; j++)
			if (!parse(c, &spec, kinds[i], lists[i]->word[j]))
				return -1;
	return 0;
}

bool
client_forward_is_wanted(const struct client_conf *c)
{
	return !c->clear_forwards && c->local_forwards.n + c->dynamic_forwards.n +
	    c->remote_forwards.n > 0;
}

int
client_forward_start(struct client_forward *f)
{
	static const int kinds[] = { SPEC_LOCAL, SPEC_DYNAMIC, SPEC_REMOTE };
	const struct client_conf_list *lists[] = { &f->conf->local_forwards,
		&f->conf->dynamic_forwards, &f->conf->remote_forwards };
	struct client_spec spec;

	if (f->conf->clear_forwards)
		return 0;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < lists[i]->n; j++) {
			if (parse(f->conf, &spec, kinds[i], lists[i]->word[j]) &&
			    (kinds[i] == SPEC_REMOTE ? client_remote_start(f, &spec) :
			    client_listen_start(f, &spec)))
				continue;
			if (f->conf->exit_on_failure)
				return -1;
		}
	return 0;
}
