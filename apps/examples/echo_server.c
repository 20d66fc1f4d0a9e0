/* echo_server.c - an SSH server that sends back what it gets: user robey, password foo.
 * cc -o echo_server echo_server.c -lpostern; ./echo_server HOSTKEY; ssh -p 2222 robey@127.0.0.1 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <postern.h>

static int auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	return l->method == POSTERN_PASSWORD && !strcmp(l->user, "robey") && !strcmp(l->password, "foo");
}
static int opened(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len, uint32_t *reason)
{
	return strcmp(kind, "session") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}
static int asked(void *user, postern_channel *ch, uint64_t question, const struct postern_channel_request *rq)
{
	int echo[2], none[2];	/* a pipe whose two ends the worker has is an echo */

	if ((rq->kind != POSTERN_REQ_SHELL && rq->kind != POSTERN_REQ_EXEC) || pipe(echo) || pipe(none))
		return POSTERN_REFUSE;
	close(none[1]);
	return postern_channel_take_pipes(ch, echo[1], echo[0], none[0]) == 0;
}
static void ended(void *user, postern_channel *ch)
{
	if (postern_channel_send_exit_status(ch, 0) < 0)
		warnx("the channel was gone already");
}
static void closed(void *user, postern_channel *ch) { postern_channel_free(ch); }

int main(int argc, char **argv)
{
	struct sockaddr_in here = { AF_INET, htons(2222), { htonl(INADDR_LOOPBACK) }, { 0 } };
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface policy = POSTERN_SERVER_INTERFACE;
	struct postern_event ev = POSTERN_EVENT;
	postern_context *ctx;
	postern_server *server;
	int r, s = socket(AF_INET, SOCK_STREAM, 0);

	cfg.methods = POSTERN_PASSWORD;
	policy.check_auth = auth;
	policy.check_channel_open = opened;
	policy.check_channel_request = asked;
	policy.channel_eof = ended;
	policy.channel_closed = closed;
	if (argc != 2 || bind(s, (struct sockaddr *)&here, sizeof(here)) || listen(s, 64))
		err(1, "usage: echo_server HOSTKEY");
	if ((r = postern_context_new(&ctx, NULL, 10000)) < 0 ||
	    (r = postern_context_add_server_key(ctx, open(argv[1], O_RDONLY), NULL, 10000)) < 0 ||
	    (r = postern_server_new(&server, ctx, &cfg, &policy, 10000)) < 0 ||
	    (r = postern_server_listen(server, s)) < 0)
		errx(1, "cannot serve: %s", postern_strerror(r));
	while ((r = postern_next(ctx, &ev, POSTERN_FOREVER)) > 0)
		if (ev.type == POSTERN_EVENT_END)
			postern_transport_free(ev.transport);
	errx(1, "stopped: %s", postern_strerror(r));
}
