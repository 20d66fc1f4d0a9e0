/* libssh_peer.c - libssh as a peer; README.md here has the command line. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 32768 };

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(255);
}

static bool
is_chosen(const char *name)
{
	return strcmp(name, "-") != 0;
}

/* ---- client ---- */

static void
narrow_client(ssh_session s, char **algs)
{
	static const struct { enum ssh_options_e option; int word; } rows[] = {
		{ SSH_OPTIONS_KEY_EXCHANGE, 0 }, { SSH_OPTIONS_HOSTKEYS, 1 },
		{ SSH_OPTIONS_CIPHERS_C_S, 2 }, { SSH_OPTIONS_CIPHERS_S_C, 2 },
		{ SSH_OPTIONS_HMAC_C_S, 3 }, { SSH_OPTIONS_HMAC_S_C, 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_chosen(algs[rows[i].word]) &&
		    ssh_options_set(s, rows[i].option, algs[rows[i].word]) != SSH_OK)
			die(algs[rows[i].word], ssh_get_error(s));
}

/* Standard input to the channel, the channel to standard output, both at once. */
static void
pump(ssh_session s, ssh_channel c)
{
	static char buf[PIECE];
	bool sending = true;

	while (!ssh_channel_is_eof(c)) {
		int n = ssh_channel_read_nonblocking(c, buf, sizeof(buf), 0);

		if (n == SSH_ERROR)
			die("read", ssh_get_error(s));
		for (int done = 0; done < n;) {
			ssize_t w = write(1, buf + done, (size_t)(n - done));

			if (w < 0)
				die("write", "standard output");
			done += (int)w;
		}
		if (sending && ssh_channel_window_size(c) > 0) {
			uint32_t room = ssh_channel_window_size(c);
			ssize_t r = read(0, buf, room < PIECE ? room : PIECE);

			if (r <= 0) {
				sending = false;
				ssh_channel_send_eof(c);
			} else if (ssh_channel_write(c, buf, (uint32_t)r) != r) {
				die("write", ssh_get_error(s));
			}
		} else if (n <= 0) {
			(void)ssh_channel_poll_timeout(c, 100, 0);
		}
	}
}

static int
client(char **arg)
{
	ssh_session s = ssh_new();
	unsigned port = (unsigned)atoi(arg[0]);
	int no = 0, status;
	ssh_channel c;
	ssh_key key;

	ssh_options_set(s, SSH_OPTIONS_HOST, "127.0.0.1");
	ssh_options_set(s, SSH_OPTIONS_PORT, &port);
	ssh_options_set(s, SSH_OPTIONS_USER, arg[1]);
	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(s, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
	narrow_client(s, arg + 3);
	if (ssh_connect(s) != SSH_OK)
		die("connect", ssh_get_error(s));
	if (ssh_pki_import_privkey_file(arg[2], NULL, NULL, NULL, &key) != SSH_OK)
		die("key", arg[2]);
	if (ssh_userauth_publickey(s, NULL, key) != SSH_AUTH_SUCCESS)
		die("login", ssh_get_error(s));
	c = ssh_channel_new(s);
	if (ssh_channel_open_session(c) != SSH_OK || ssh_channel_request_exec(c, "cat") != SSH_OK)
		die("exec", ssh_get_error(s));
	pump(s, c);
	while ((status = ssh_channel_get_exit_status(c)) < 0 && ssh_is_connected(s) &&
	    !ssh_channel_is_closed(c))
		(void)ssh_channel_poll_timeout(c, 100, 0);
	ssh_channel_free(c);
	ssh_key_free(key);
	ssh_disconnect(s);
	ssh_free(s);
	return status < 0 ? 255 : status;
}

/* ---- server ---- */

static void
narrow_server(ssh_bind b, char **algs)
{
	static const struct { enum ssh_bind_options_e option; int word; } rows[] = {
		{ SSH_BIND_OPTIONS_KEY_EXCHANGE, 0 }, { SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, 1 },
		{ SSH_BIND_OPTIONS_CIPHERS_C_S, 2 }, { SSH_BIND_OPTIONS_CIPHERS_S_C, 2 },
		{ SSH_BIND_OPTIONS_HMAC_C_S, 3 }, { SSH_BIND_OPTIONS_HMAC_S_C, 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_chosen(algs[rows[i].word]) &&
		    ssh_bind_options_set(b, rows[i].option, algs[rows[i].word]) < 0)
			die(algs[rows[i].word], ssh_get_error(b));
}

static bool
is_authorized(ssh_message m, ssh_key authorized)
{
	ssh_key key = ssh_message_auth_pubkey(m);

	return key != NULL && ssh_key_cmp(key, authorized, SSH_KEY_CMP_PUBLIC) == 0;
}

/* 1: the login is done, or a command may run. */
static int
on_message(ssh_message m, ssh_key authorized, ssh_channel *c)
{
	int type = ssh_message_type(m), sub = ssh_message_subtype(m);

	if (type == SSH_REQUEST_AUTH && sub == SSH_AUTH_METHOD_PUBLICKEY &&
	    is_authorized(m, authorized)) {
		if (ssh_message_auth_publickey_state(m) == SSH_PUBLICKEY_STATE_VALID)
			ssh_message_auth_reply_success(m, 0);
		else
			ssh_message_auth_reply_pk_ok_simple(m);
		return 0;
	}
	if (type == SSH_REQUEST_SERVICE) {
		ssh_message_service_reply_success(m);
		return 0;
	}
	if (type == SSH_REQUEST_CHANNEL_OPEN && sub == SSH_CHANNEL_SESSION && *c == NULL) {
		*c = ssh_message_channel_request_open_reply_accept(m);
		return 0;
	}
	if (type == SSH_REQUEST_CHANNEL && sub == SSH_CHANNEL_REQUEST_EXEC) {
		ssh_message_channel_request_reply_success(m);
		return 1;
	}
	if (type == SSH_REQUEST_AUTH)
		ssh_message_auth_set_methods(m, SSH_AUTH_METHOD_PUBLICKEY);
	ssh_message_reply_default(m);
	return 0;
}

static void
serve(ssh_session s, ssh_key authorized)
{
	static char buf[PIECE];
	ssh_channel c = NULL;
	ssh_message m;
	int go = 0, n;

	if (ssh_handle_key_exchange(s) != SSH_OK)
		die("key exchange", ssh_get_error(s));
	while (go == 0) {
		m = ssh_message_get(s);
		if (m == NULL)
			die("login", ssh_get_error(s));
		go = on_message(m, authorized, &c);
		ssh_message_free(m);
	}
	while ((n = ssh_channel_read(c, buf, sizeof(buf), 0)) > 0)
		if (ssh_channel_write(c, buf, (uint32_t)n) != n)
			die("write", ssh_get_error(s));
	ssh_channel_request_send_exit_status(c, 0);
	ssh_channel_send_eof(c);
	ssh_channel_close(c);
	/* until the client's goodbye: closing sooner would reset what is on its way */
	while ((m = ssh_message_get(s)) != NULL) {
		ssh_message_reply_default(m);
		ssh_message_free(m);
	}
	ssh_disconnect(s);
}

static int
server(char **arg)
{
	ssh_bind b = ssh_bind_new();
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	ssh_key authorized;
	bool no = false;

	ssh_bind_options_set(b, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1");
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_BINDPORT_STR, "0");
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_HOSTKEY, arg[0]);
	narrow_server(b, arg + 2);
	if (ssh_pki_import_pubkey_file(arg[1], &authorized) != SSH_OK || ssh_bind_listen(b) < 0)
		die("listen", ssh_get_error(b));
	getsockname(ssh_bind_get_fd(b), (struct sockaddr *)&a, &len);
	printf("port %u\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
		    { .fd = ssh_bind_get_fd(b), .events = POLLIN } };
		ssh_session s;

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (poll(p, 2, -1) > 0 && p[0].revents != 0)
			return 0;
		s = ssh_new();
		if (ssh_bind_accept(b, s) == SSH_OK && fork() == 0) {
			serve(s, authorized);
			_exit(0);
		}
		ssh_free(s);
	}
}

int
main(int argc, char **argv)
{
	ssh_init();
	if (argc == 9 && strcmp(argv[1], "client") == 0)
		return client(argv + 2);
	if (argc == 8 && strcmp(argv[1], "server") == 0)
		return server(argv + 2);
	die("usage", "README.md");
}
