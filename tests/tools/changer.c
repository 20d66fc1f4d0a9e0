/*
 * changer.c - a server whose one user must change his password: changer HOSTKEY, prints
 * its port, serves until it is ended.
 *
 * robey's "old" is no good until it is "fresh"; "weak" does not please.  Each command
 * gets the password that holds.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "include/postern.h"

static const char *holds = "old";

static int
check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	(void)user;
	if (l->method != POSTERN_PASSWORD || strcmp(l->user, "robey") != 0 ||
	    strcmp(l->password, holds) != 0)
		return POSTERN_REFUSE;
	if (strcmp(holds, "fresh") == 0)
		return POSTERN_ACCEPT;
	if (l->new_password != NULL && strcmp(l->new_password, "fresh") == 0) {
		holds = "fresh";
		return POSTERN_ACCEPT;
	}
	return postern_answer_change_password(t, question, l->new_password == NULL ?
	    "Your password has expired." : "That one is too weak.") == 0 ? POSTERN_LATER :
	    POSTERN_REFUSE;
}

static int
opened(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)t, (void)question, (void)ch, (void)f, (void)extra, (void)len, (void)reason;
	return strcmp(kind, "session") == 0;
}

static int
asked(void *user, postern_channel *ch, uint64_t question, const struct postern_channel_request *rq)
{
	(void)user, (void)question;
	return rq->kind == POSTERN_REQ_EXEC &&
	    dprintf(postern_channel_fd(ch), "it is %s\n", holds) > 0 &&
	    postern_channel_send_exit_status(ch, 0) == 0;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface policy = POSTERN_SERVER_INTERFACE;
	struct postern_event ev = POSTERN_EVENT;
	socklen_t len = sizeof(here);
	postern_context *ctx;
	postern_server *server;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cfg.methods = POSTERN_PASSWORD;
	policy.check_auth = check_auth;
	policy.check_channel_open = opened;
	policy.check_channel_request = asked;
	if (argc != 2 || bind(s, (struct sockaddr *)&here, len) != 0 || listen(s, 8) != 0 ||
	    getsockname(s, (struct sockaddr *)&here, &len) != 0 ||
	    postern_context_new(&ctx, NULL, 10000) != 0 ||
	    postern_context_add_server_key(ctx, open(argv[1], O_RDONLY), NULL, 10000) != 0 ||
	    postern_server_new(&server, ctx, &cfg, &policy, 10000) != 0 ||
	    postern_server_listen(server, s) != 0)
		return 1;
	(void)printf("%u\n", ntohs(here.sin_port));
	(void)fflush(stdout);
	while (postern_next(ctx, &ev, POSTERN_FOREVER) > 0)
		if (ev.type == POSTERN_EVENT_END)
			postern_transport_free(ev.transport);
	return 1;
}
