/*
 * channels.c - many channels, one after another, on one connection of our client.
 *
 *	channels PORT USER KEYFILE COUNT
 *
 * Each runs "exit N" with another N and must end with it.  Prints "ok COUNT".
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <postern.h>

enum { WAIT_MS = 20000 };

static int
trust(void *user, postern_transport *t, uint64_t question, const struct postern_host_key *k)
{
	(void)user;
	(void)t;
	(void)question;
	(void)k;
	return POSTERN_ACCEPT;
}

static void
must(int r, const char *what)
{
	if (r != 0)
		errx(1, "%s: %s", what, postern_strerror(r));
}

static void
run_one(postern_transport *t, int i)
{
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch;
	char command[32];

	(void)snprintf(command, sizeof(command), "exit %d", i % 200);
	must(postern_transport_open_session(t, &ch, WAIT_MS), "open");
	must(postern_channel_exec_command(ch, command, WAIT_MS), "exec");
	must(postern_channel_recv_exit_status(ch, &ex, WAIT_MS), "exit status");
	if (ex.status != i % 200)
		errx(1, "channel %d: status %d", i, ex.status);
	postern_channel_free(ch);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in there = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	postern_context *ctx;
	postern_transport *t;
	postern_key *key;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), count;

	if (argc != 5)
		errx(2, "usage: channels PORT USER KEYFILE COUNT");
	there.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	count = (int)strtol(argv[4], NULL, 10);
	if (s < 0 || connect(s, (struct sockaddr *)&there, sizeof(there)) != 0)
		err(1, "connect");
	must(postern_context_new(&ctx, NULL, WAIT_MS), "context");
	must(postern_key_load(&key, ctx, open(argv[3], O_RDONLY | O_CLOEXEC), NULL, WAIT_MS), "key");
	must(postern_transport_new(&t, ctx, s), "transport");
	cfg.host = "127.0.0.1";
	cfg.interface.check_host_key = trust;
	must(postern_transport_start_client(t, &cfg, WAIT_MS), "start");
	must(postern_transport_auth_publickey(t, argv[2], key, WAIT_MS), "login");
	for (int i = 0; i < count; i++)
		run_one(t, i);
	(void)!postern_transport_close(t, 1000);	/* all is said */
	postern_context_free(ctx);
	(void)printf("ok %d\n", count);
	return 0;
}
