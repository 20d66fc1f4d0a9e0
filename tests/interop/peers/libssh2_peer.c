/* libssh2_peer.c - libssh2, which is a client only; README.md here has the command line. */
#include <arpa/inet.h>
#include <libssh2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 32768 };

static LIBSSH2_SESSION *session;

static void
die(const char *what)
{
	char *text = NULL;

	if (session != NULL)
		(void)libssh2_session_last_error(session, &text, NULL, 0);
	fprintf(stderr, "%s: %s\n", what, text != NULL ? text : "failed");
	exit(255);
}

static void
narrow(char **algs)
{
	static const struct { int method, word; } rows[] = {
		{ LIBSSH2_METHOD_KEX, 0 }, { LIBSSH2_METHOD_HOSTKEY, 1 },
		{ LIBSSH2_METHOD_CRYPT_CS, 2 }, { LIBSSH2_METHOD_CRYPT_SC, 2 },
		{ LIBSSH2_METHOD_MAC_CS, 3 }, { LIBSSH2_METHOD_MAC_SC, 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(algs[rows[i].word], "-") != 0 &&
		    libssh2_session_method_pref(session, rows[i].method, algs[rows[i].word]) != 0)
			die(algs[rows[i].word]);
}

static bool
again(ssize_t n)
{
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		die("channel");
	return n == LIBSSH2_ERROR_EAGAIN;
}

static void
pump(LIBSSH2_CHANNEL *c, int s)
{
	static char in[PIECE], out[PIECE];
	ssize_t have = 0, sent = 0;
	bool sending = true;

	while (!libssh2_channel_eof(c)) {
		ssize_t n = libssh2_channel_read(c, out, sizeof(out));
		bool idle = again(n) || n == 0;

		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(1, out + done, (size_t)(n - done));

			if (w < 0)
				die("standard output");
			done += w;
		}
		if (sending && sent == have) {
			have = read(0, in, sizeof(in));
			sent = 0;
			if (have <= 0) {
				have = 0;
				sending = false;
				while (again(libssh2_channel_send_eof(c)))
					;
			}
		}
		if (sent < have) {
			n = libssh2_channel_write(c, in + sent, (size_t)(have - sent));
			if (!again(n)) {
				sent += n;
				idle = idle && n == 0;
			}
		}
		if (idle) {
			struct pollfd p = { .fd = s, .events = POLLIN };

			(void)poll(&p, 1, 20);
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int s = socket(AF_INET, SOCK_STREAM, 0), status;
	LIBSSH2_CHANNEL *c;

	if (argc != 9 || strcmp(argv[1], "client") != 0 || libssh2_init(0) != 0)
		die("usage: README.md");
	a.sin_port = htons((uint16_t)atoi(argv[2]));
	session = libssh2_session_init();
	narrow(argv + 5);
	if (connect(s, (struct sockaddr *)&a, sizeof(a)) != 0 || libssh2_session_handshake(session, s) != 0)
		die("connect");
	if (libssh2_userauth_publickey_fromfile(session, argv[3], NULL, argv[4], NULL) != 0)
		die("login");
	c = libssh2_channel_open_session(session);
	if (c == NULL || libssh2_channel_exec(c, "cat") != 0)
		die("exec");
	libssh2_session_set_blocking(session, 0);
	pump(c, s);
	libssh2_session_set_blocking(session, 1);
	libssh2_channel_close(c);
	status = libssh2_channel_get_exit_status(c);
	libssh2_channel_free(c);
	libssh2_session_disconnect(session, "done");
	libssh2_session_free(session);
	return status;
}
