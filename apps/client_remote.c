/*
 * client_remote.c - the server listens, and each connection leads to where our command
 * line says.
 *
 * The server decides when a connection comes, and how many; where it goes was fixed
 * before, and connecting never makes the loop wait.
 */
#include <err.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/client_forward_connect.h"
#include "apps/client_forward.h"
#include "apps/client_log.h"

struct remote {
	struct client_part part;
	struct client_forward *forward;
	struct client_spec spec;
};

/* A channel whose connection is being made, then its owner until its end. */
struct arrival {
	struct client_part part;
	struct client_owner owner;
	postern_transport *transport;
	postern_channel *channel;
	uint64_t question;
	struct client_forward_connect *connect;
	char name[SPEC_HOST_MAX + 16];
};

static void
end_remote(struct client_part *part)
{
	client_loop_leave(part);
	free(part);
}

static void
end_arrival(struct client_part *part)
{
	client_loop_leave(part);
	free(part);
}

static void
closed(struct client_owner *owner, postern_channel *ch)
{
	struct arrival *a = (struct arrival *)((char *)owner - offsetof(struct arrival, owner));

	client_forward_connect_end(a->connect);
	end_arrival(&a->part);
	postern_channel_free(ch);
}

static void
connected(void *user, int fd)
{
	struct arrival *a = user;
	int r = fd < 0 ? fd : postern_channel_take_socket(a->channel, fd);

	a->connect = NULL;
	if (r == 0 && postern_answer(a->transport, a->question, POSTERN_ACCEPT, NULL) == 0) {
		client_log_verbose("connection from the server forwarded to %s", a->name);
		return;
	}
	client_log_error("connect to %s failed: %s", a->name, postern_strerror(r));
	/* a refusal takes the handle too; without a question left it is ours */
	if (postern_answer(a->transport, a->question, POSTERN_REFUSE, NULL) != 0)
		postern_channel_free(a->channel);
	end_arrival(&a->part);
}

/* Remote SOCKS: the bytes must be read here first, so they all pass through here. */
static int
start_socks(struct client_forward *f, postern_channel *ch)
{
	int fd = postern_channel_take_fd(ch);

	if (fd < 0)
		return POSTERN_REFUSE;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		(void)close(fd);	/* nothing was written to it */
		return POSTERN_REFUSE;
	}
	client_dynamic_start(f, fd, true);
	return POSTERN_ACCEPT;
}

static int
arrived(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const struct postern_forward *w)
{
	struct remote *r = user;
	struct arrival *a = calloc(1, sizeof(*a));
	int answer;

	(void)w;
	if (a == NULL)
		return POSTERN_REFUSE;
	if (r->spec.is_socks && (answer = start_socks(r->forward, ch)) != POSTERN_ACCEPT) {
		free(a);
		return answer;
	}
	client_loop_join(r->forward->loop, &a->part, end_arrival);
	a->owner.closed = closed;
	a->transport = t;
	a->channel = ch;
	a->question = question;
	postern_channel_set_user(ch, &a->owner);
	if (r->spec.is_socks)
		return POSTERN_ACCEPT;
	(void)client_spec_name(&r->spec.connect, a->name, sizeof(a->name));
	a->connect = client_forward_connect_start(r->forward->loop, &r->spec.connect, connected, a);
	return POSTERN_LATER;
}

/* ssh's meaning of what was said: nothing is loopback, "*" is every address. */
static const char *
address_of(const struct client_end *at)
{
	if (!at->has_host)
		return "localhost";
	return strcmp(at->host, "*") == 0 ? "" : at->host;
}

bool
client_remote_start(struct client_forward *f, const struct client_spec *spec)
{
	const struct client_end *at = &spec->listen;
	struct remote *r = calloc(1, sizeof(*r));
	char name[SPEC_HOST_MAX + 16];
	uint32_t bound = 0;
	int result;

	if (r == NULL)
		err(255, "calloc");
	client_loop_join(f->loop, &r->part, end_remote);
	r->forward = f;
	r->spec = *spec;
	if (at->is_path)
		result = postern_transport_request_streamlocal_forward(f->transport, at->host, arrived,
		    r, FORWARD_WAIT_MS);
	else
		result = postern_transport_request_port_forward(f->transport, address_of(at), at->port,
		    arrived, r, &bound, FORWARD_WAIT_MS);
	if (result != 0) {
		if (at->is_path)
			client_log_error("remote forwarding failed for listen path %s: %s", at->host,
			    postern_strerror(result));
		else
			client_log_error("remote port forwarding failed for listen port %u: %s", at->port,
			    postern_strerror(result));
		/* a late yes may still name it: it stays until the loop's end */
		return false;
	}
	if (!at->is_path && at->port == 0)
		client_log_error("Allocated port %u for remote forward to %s", bound,
		    spec->is_socks ? "whatever SOCKS asks for" :
		    client_spec_name(&spec->connect, name, sizeof(name)));
	return true;
}
