/*
 * seed_transport_test.c - the connection's own rows of docs/from-paramiko.md: how one
 * is made, started, asked about, rekeyed and ended.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>

#include "tests/seed.h"

/* ---- 1: constructors ---- */

static void
seed_01_socket(void **state)
{
	postern_transport *t;
	int pair[2];
	char c;

	(void)state;
	assert_true(postern_transport_new(&t, house.ctx, -1) < 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, house.ctx, pair[0]), 0);
	/* nothing is written before the start */
	assert_int_equal(recv(pair[1], &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	postern_transport_free(t);
	/* it was taken: nobody has it any more */
	assert_int_equal(recv(pair[1], &c, 1, 0), 0);
	assert_int_equal(close(pair[1]), 0);
	t = seed_logged_in();
	assert_true(postern_transport_is_authenticated(t));
}

static void
seed_01_pair(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *ours, *theirs;
	int up[2], down[2];

	(void)state;
	assert_int_equal(pipe2(up, O_CLOEXEC), 0);
	assert_int_equal(pipe2(down, O_CLOEXEC), 0);
	assert_int_equal(postern_transport_new_pair(&theirs, house.ctx, up[0], down[1]), 0);
	assert_int_equal(postern_transport_new_pair(&ours, house.ctx, down[0], up[1]), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, house.server, NULL), 0);
	assert_int_equal(postern_transport_connect(ours, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_int_equal(postern_transport_close(ours, SOON), 0);
	assert_true(postern_transport_new_pair(&ours, house.ctx, -1, -1) < 0);
}

/* A listening socket of the server's; its port. */
static unsigned
listen_on(int family)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *a = family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6;
	socklen_t len = family == AF_INET ? sizeof(a4) : sizeof(a6);
	int s = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(s >= 0);
	assert_int_equal(bind(s, a, len), 0);
	assert_int_equal(listen(s, 8), 0);
	assert_int_equal(getsockname(s, a, &len), 0);
	assert_int_equal(postern_server_listen(house.server, s), 0);
	return ntohs(family == AF_INET ? a4.sin_port : a6.sin6_port);
}

static void
seed_01_host(void **state)
{
	struct postern_client_config cfg = seed_client();
	unsigned port = listen_on(AF_INET), port6 = listen_on(AF_INET6);
	struct postern_event ev;
	postern_transport *t;
	uint64_t call;
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	assert_int_equal(postern_transport_new_host(&t, house.ctx, name, SOON), 0);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	(void)snprintf(name, sizeof(name), "[::1]:%u", port6);
	assert_int_equal(postern_transport_new_host(&t, house.ctx, name, SOON), 0);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	/* through the resolver of this machine, without waiting for it */
	(void)snprintf(name, sizeof(name), "localhost:%u", port);
	assert_int_equal(postern_transport_new_host_async(house.ctx, name, &call), 0);
	ev = seed_done(call);
	assert_int_equal(ev.result, 0);
	assert_int_equal(postern_transport_connect(ev.transport, &cfg, "robey", "foo", NULL,
	    SOON), 0);
	assert_true(postern_transport_new_host(&t, house.ctx, "", SOON) < 0);
	assert_true(postern_transport_new_host(&t, house.ctx, "localhost:", SOON) < 0);
	assert_true(postern_transport_new_host(&t, house.ctx, "localhost:65536", SOON) < 0);
	assert_true(postern_transport_new_host(&t, house.ctx, "[::1", SOON) < 0);
	assert_true(postern_transport_new_host(&t, house.ctx, "[::1]22", SOON) < 0);
}

static void
seed_01_address(void **state)
{
	struct postern_client_config cfg = seed_client();
	unsigned port = listen_on(AF_INET);
	postern_transport *t;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(postern_transport_new_address(&t, house.ctx, "127.0.0.1", port, SOON), 0);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	/* a port that is bound and not listened on */
	assert_int_equal(bind(s, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(postern_transport_new_address(&t, house.ctx, "127.0.0.1",
	    ntohs(a.sin_port), SOON), -ECONNREFUSED);
	assert_true(postern_transport_new_address(&t, house.ctx, "127.0.0.1", 0, SOON) < 0);
	assert_true(postern_transport_new_address(&t, house.ctx, "127.0.0.1", 65536, SOON) < 0);
	assert_int_equal(close(s), 0);
}

static int io_closed;

static long
io_send(void *user, const void *data, size_t len)
{
	/* odd pieces: a socket-like object may take less */
	ssize_t n = send(*(int *)user, data, len > 1000 ? 1000 : len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

static long
io_recv(void *user, void *data, size_t len)
{
	ssize_t n = recv(*(int *)user, data, len, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static void
io_close(void *user)
{
	io_closed++;
	(void)close(*(int *)user);
}

static void
seed_01_io(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_io io = POSTERN_IO;
	postern_transport *ours, *theirs;
	int pair[2];

	(void)state;
	/* with and without something to poll */
	for (int with_fd = 0; with_fd < 2; with_fd++) {
		io_closed = 0;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		io.user = &pair[1];
		io.fd = with_fd ? pair[1] : -1;
		io.send = io_send;
		io.recv = io_recv;
		io.close = io_close;
		assert_int_equal(postern_transport_new(&theirs, house.ctx, pair[0]), 0);
		assert_int_equal(postern_transport_new_io(&ours, house.ctx, &io), 0);
		assert_int_equal(postern_transport_start_server_async(theirs, house.server, NULL), 0);
		assert_int_equal(postern_transport_connect(ours, &cfg, "robey", "foo", NULL, SOON), 0);
		assert_string_equal(postern_transport_getpeername(ours), "");
		assert_int_equal(postern_transport_close(ours, SOON), 0);
		postern_transport_free(ours);
		assert_int_equal(io_closed, 1);
	}
	io.recv = NULL;
	assert_true(postern_transport_new_io(&ours, house.ctx, &io) < 0);
}

/* ---- 2 to 5 ---- */

static void
seed_02_describe(void **state)
{
	char line[256], cut[8];
	postern_transport *t = seed_transport(house.server);
	struct postern_client_config cfg = seed_client();

	(void)state;
	assert_int_equal(postern_transport_describe(t, line, sizeof(line)), 0);
	assert_non_null(strstr(line, "unconnected"));
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_describe(t, line, sizeof(line)), 0);
	assert_non_null(strstr(line, "awaiting auth"));
	assert_non_null(strstr(line, "chacha20-poly1305"));
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	(void)seed_session(t);
	assert_int_equal(postern_transport_describe(t, line, sizeof(line)), 0);
	assert_non_null(strstr(line, "1 open channel"));
	assert_int_equal(postern_transport_describe(t, cut, sizeof(cut)), -ERANGE);
	assert_true(memchr(cut, '\0', sizeof(cut)) != NULL);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_describe(t, line, sizeof(line)), 0);
	assert_non_null(strstr(line, "unconnected"));
}

static void
seed_03_accept(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *theirs;

	(void)state;
	assert_int_equal(postern_transport_accept(house.theirs, &theirs, 0), POSTERN_ETIMEOUT);
	(void)seed_session(t);
	assert_int_equal(postern_transport_accept(house.theirs, &theirs, SOON), 0);
	assert_ptr_equal(postern_channel_get_transport(theirs), house.theirs);
	assert_int_equal(postern_transport_accept(t, &theirs, A_MOMENT), POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_accept(t, &theirs, 0), POSTERN_ECLOSED);
}

static void
seed_04_add_server_key(void **state)
{
	postern_context *ctx;
	const void *first, *second;
	size_t n, m;

	(void)state;
	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_null(postern_context_get_server_key(ctx, 0, &first, &n));
	assert_int_equal(postern_context_add_server_key(ctx, seed_file("no key"), NULL, SOON),
	    POSTERN_EKEY);
	assert_int_equal(postern_context_add_server_key(ctx, seed_file(samples_clear[1].file),
	    NULL, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, seed_file(samples_clear[0].file),
	    NULL, SOON), 0);
	/* one of a type: the second is what there is */
	assert_non_null(postern_context_get_server_key(ctx, 0, &second, &m));
	assert_memory_equal(second, house.host_key, m);
	assert_null(postern_context_get_server_key(ctx, 1, &second, &m));
	postern_context_free(ctx);
}

/* Our own Ed25519 key, which is nowhere but here; how says which signature fails. */
static struct { uint8_t sk[64]; int signs, fails_at, error; } hsm;

static int
hsm_signs(void *user, const void *data, size_t len, void *out, size_t size)
{
	static const uint8_t form[] = "\0\0\0\013ssh-ed25519\0\0\0\100";

	(void)user;
	assert_int_equal(len, 32);		/* H, and nothing else */
	assert_true(size >= sizeof(form) - 1 + crypto_sign_BYTES);
	if (++hsm.signs == hsm.fails_at)
		return -EIO;
	memcpy(out, form, sizeof(form) - 1);
	crypto_sign_detached((uint8_t *)out + sizeof(form) - 1, NULL, data, len, hsm.sk);
	return (int)(sizeof(form) - 1 + crypto_sign_BYTES);
}

static void
hsm_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	(void)user;
	hsm.error = e->code;
	postern_transport_free(t);
}

static void
seed_04_use_server_key(void **state)
{
	static uint8_t blob[] = "\0\0\0\013ssh-ed25519\0\0\0\0400123456789abcdef0123456789abcdef";
	struct postern_server_interface i = seed_interface();
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_client_config client = POSTERN_CLIENT_CONFIG;
	postern_transport *t;
	postern_key *key;

	(void)state;
	crypto_sign_keypair(&blob[19], hsm.sk);
	postern_context_free(house.ctx);
	assert_int_equal(postern_context_new(&house.ctx, NULL, SOON), 0);
	assert_int_equal(postern_key_new_signer(&key, house.ctx, "ssh-ed25519", blob,
	    sizeof(blob) - 1, hsm_signs, NULL, SOON), 0);
	assert_int_equal(postern_context_use_server_key(house.ctx, key), 0);
	hsm.fails_at = 3;
	i.transport_closed = hsm_closed;
	o.kex = "curve25519-sha256";		/* whose H has 32 bytes */
	cfg.methods = POSTERN_PASSWORD;
	cfg.options = &o;
	assert_int_equal(postern_server_new(&house.server, house.ctx, &cfg, &i, SOON), 0);
	client.host_key = blob;
	client.host_key_len = sizeof(blob) - 1;
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_start_client(t, &client, SOON), 0);
	assert_int_equal(hsm.signs, 1);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
	assert_int_equal(hsm.signs, 2);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), POSTERN_ECLOSED);
	/* the server is told in its callback, of which postern_next says nothing */
	for (int ms = 0; hsm.error == 0 && ms < SOON; ms += 20) {
		struct postern_event ev = POSTERN_EVENT;

		(void)!postern_next(house.ctx, &ev, 20);
	}
	assert_int_equal(hsm.error, POSTERN_ESIGN);
	t = seed_transport(house.server);	/* the next is none the worse for it */
	assert_int_equal(postern_transport_start_client(t, &client, SOON), 0);
}

static void
seed_05_atfork(void **state)
{
	postern_transport *t = seed_logged_in();
	int status;
	pid_t pid;

	(void)state;
	for (int how = 0; how < 3; how++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			postern_channel *ch;
			int r = postern_transport_open_session(t, &ch, 1000);

			if (how == 1)
				postern_transport_atfork(t);
			if (how == 2)
				postern_context_atfork(house.ctx);
			_exit(r == POSTERN_EFORKED ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		/* the parent's session lives on */
		(void)seed_session(t);
	}
}

/* ---- 11, 13, 14, 16 ---- */

static void
seed_11_close(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_false(postern_transport_is_active(t));
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), POSTERN_ECLOSED);
	seed_until(&house.ends, 1);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
}

static void
seed_13_get_exception(void **state)
{
	postern_transport *t = seed_started();
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EAUTH);
	assert_string_equal(e.phase, "auth");
	assert_int_equal(e.side, POSTERN_PEER);
	/* fetched: there is none any more */
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, 0);
}

static void
seed_14_hexdump(void **state)
{
	postern_transport *t = seed_started();
	struct postern_event ev = POSTERN_EVENT;
	postern_context *ctx;
	postern_transport *plain;
	int pair[2];

	(void)state;
	assert_int_equal(postern_transport_get_hexdump(t), POSTERN_HEXDUMP_OFF);
	assert_int_equal(postern_transport_set_hexdump(t, 7), -EINVAL);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	assert_int_equal(postern_transport_get_hexdump(t), POSTERN_HEXDUMP_BLANKED);
	assert_int_equal(postern_transport_auth_password(t, "robey", "sesame-mucho", 0, SOON),
	    POSTERN_EAUTH);
	for (int i = 0; i < 10; i++)
		(void)!postern_next(house.ctx, &ev, 20);
	assert_non_null(strstr(house.log, "Write packet"));
	assert_non_null(strstr(house.log, "Read packet"));
	assert_non_null(strstr(house.log, "OUT: "));
	assert_null(strstr(house.log, "sesame"));
	assert_null(strstr(house.log, "73 65 73 61 6D 65"));
	/* 73 65...: "se" may be cut by the sixteenth column, so the whole is looked for
	 * in the mode that shows it */
	house.log_n = 0;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_WHOLE), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "sesame-mucho", 0, SOON),
	    POSTERN_EAUTH);
	for (int i = 0; i < 10; i++)
		(void)!postern_next(house.ctx, &ev, 20);
	assert_true(strstr(house.log, "mucho") != NULL || strstr(house.log, "sesam") != NULL);
	/* a context that does not allow it */
	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&plain, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_set_hexdump(plain, POSTERN_HEXDUMP_BLANKED), -EPERM);
	assert_int_equal(close(pair[1]), 0);
	postern_context_free(ctx);
}

static void
seed_16_log_channel(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	char longer[128];

	(void)state;
	assert_string_equal(postern_transport_get_log_channel(t), "postern.transport");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_true(postern_transport_set_log_channel(t, longer) < 0);
	assert_int_equal(postern_transport_set_log_channel(t, "gate"), 0);
	assert_string_equal(postern_transport_get_log_channel(t), "gate");
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_non_null(strstr(house.log, " gate|"));
	assert_non_null(strstr(house.log, " postern.transport|"));
}

/* ---- 18 to 26 ---- */

static void
seed_18_get_remote_server_key(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	size_t n;

	(void)state;
	assert_null(postern_transport_get_remote_server_key(t, &n));
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_memory_equal(postern_transport_get_remote_server_key(t, &n), house.host_key,
	    house.host_key_len);
	assert_int_equal(n, house.host_key_len);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_non_null(postern_transport_get_remote_server_key(t, &n));
}

static void
seed_19_security_options(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_agreement a = POSTERN_AGREEMENT;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = seed_transport(house.server);
	char list[1024];

	(void)state;
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS, "rot13"),
	    -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "rot13"));
	assert_int_equal(postern_transport_set_security_option(t, 99, "none"), -EINVAL);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "aes256-ctr,aes128-ctr"), 0);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "-aes256-ctr"), 0);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_MACS,
	    "hmac-sha2-512-etm@openssh.com"), 0);
	assert_int_equal(postern_transport_get_security_option(t, POSTERN_CIPHERS, list,
	    sizeof(list)), 0);
	assert_null(strstr(list, "aes256-ctr"));
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "aes128-ctr"), 0);
	assert_int_equal(postern_transport_get_security_option(t, POSTERN_CIPHERS, list, 3),
	    -ERANGE);
	o.ciphers = "chacha20-poly1305@openssh.com";
	cfg.options = &o;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.cipher_c2s, "aes128-ctr");
	assert_string_equal(a.mac_s2c, "hmac-sha2-512-etm@openssh.com");
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS, "aes128-ctr"),
	    POSTERN_ESTATE);
	/* presets */
	o = (struct postern_options)POSTERN_OPTIONS;
	o.preset = "fastest";
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	o.preset = "compat";
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
}

static void
seed_20_get_server_key(void **state)
{
	postern_transport *t = seed_logged_in();
	const char *algorithm;
	size_t n;

	(void)state;
	assert_memory_equal(postern_transport_get_server_key(house.theirs, &algorithm, &n),
	    house.host_key, house.host_key_len);
	assert_string_equal(algorithm, "ssh-ed25519");
	assert_null(postern_transport_get_server_key(t, &algorithm, &n));
}

static void
seed_21_get_username(void **state)
{
	postern_transport *t = seed_started();

	(void)state;
	assert_null(postern_transport_get_username(t));
	assert_null(postern_transport_get_attempted_username(t));
	assert_int_equal(postern_transport_auth_password(t, "robey", "no", 0, SOON), POSTERN_EAUTH);
	assert_null(postern_transport_get_username(t));
	assert_string_equal(postern_transport_get_attempted_username(t), "robey");
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_string_equal(postern_transport_get_username(t), "robey");
	assert_string_equal(postern_transport_get_username(house.theirs), "robey");
}

static void
seed_22_getpeername(void **state)
{
	unsigned port = listen_on(AF_INET);
	postern_transport *t;
	char name[64];

	(void)state;
	assert_int_equal(postern_transport_new_address(&t, house.ctx, "127.0.0.1", port, SOON), 0);
	(void)snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	assert_string_equal(postern_transport_getpeername(t), name);
	assert_memory_equal(postern_transport_getsockname(t), "127.0.0.1:", 10);
	postern_transport_free(t);
}

static void
seed_24_is_active(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	(void)state;
	assert_false(postern_transport_is_active(t));
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_true(postern_transport_is_active(t));
	assert_false(postern_transport_is_authenticated(t));
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_true(postern_transport_is_authenticated(t));
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_false(postern_transport_is_active(t));
	assert_false(postern_transport_is_authenticated(t));
}

/* The 2048-bit prime of RFC 3526 as a line of moduli(5). */
#define MODULUS_2048 "20260101000000 2 6 100 2047 2 " \
	"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879" \
	"8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B" \
	"0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA4836" \
	"1C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804" \
	"F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6" \
	"955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF\n"

static void
seed_26_moduli(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_options o = POSTERN_OPTIONS, old = POSTERN_OPTIONS;
	struct postern_agreement a = POSTERN_AGREEMENT;
	postern_server *server;
	postern_transport *t;

	(void)state;
	o.kex = "diffie-hellman-group-exchange-sha256";
	cfg.options = &o;
	old.preset = "compat";
	server = seed_server(0, &old);
	/* without moduli a server has no group exchange */
	t = seed_transport(server);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ENOMATCH);
	assert_int_equal(postern_context_load_server_moduli(house.ctx, seed_file("# none\n"), SOON), 0);
	assert_int_equal(postern_context_load_server_moduli(house.ctx, seed_file(MODULUS_2048), SOON), 1);
	t = seed_transport(server);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.kex, "diffie-hellman-group-exchange-sha256");
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
}

/* ---- 32 to 42 ---- */

static void
seed_32_renegotiate_keys(void **state)
{
	postern_transport *t = seed_logged_in();
	struct postern_agreement a = POSTERN_AGREEMENT;

	(void)state;
	for (uint64_t i = 2; i < 6; i++) {
		assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
		/* the monitor's count comes on another link */
		(void)seed_session(t);
		assert_int_equal(postern_transport_get_agreement(t, &a), 0);
		assert_true(a.exchanges + 1 >= i);
	}
}

static void
seed_b11_automatic_rekey(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_agreement a = POSTERN_AGREEMENT;
	postern_transport *t = seed_transport(house.server);
	postern_channel *ch;
	size_t n = 1 << 20, sent = 0, got = 0;
	uint8_t *data = malloc(n), *back = malloc(n);
	int fd;

	(void)state;
	assert_non_null(data);
	assert_non_null(back);
	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 11);
	o.rekey_bytes = 128 * 1024;
	o.rekey_burst = 1000;
	cfg.options = &o;
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	ch = seed_session(t);
	fd = postern_channel_fd(ch);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 20000 && got < n; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN | (sent < n ? POLLOUT : 0) };
		struct postern_event ev = POSTERN_EVENT;
		ssize_t r;

		(void)!postern_next(house.ctx, &ev, 0);
		if (poll(&p, 1, 20) <= 0)
			continue;
		if ((p.revents & POLLOUT) != 0 && (r = write(fd, data + sent, n - sent)) > 0)
			sent += (size_t)r;
		if ((p.revents & POLLIN) != 0 && (r = read(fd, back + got, n - got)) > 0)
			got += (size_t)r;
	}
	assert_int_equal(got, n);
	assert_memory_equal(data, back, n);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_true(a.exchanges >= 5);
	free(data);
	free(back);
}

static void
seed_34_loop(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	struct pollfd p = { .fd = postern_context_fd(house.ctx), .events = POLLIN };
	postern_transport *t = seed_logged_in();
	postern_channel *ch;
	uint64_t call;
	bool done = false;

	(void)state;
	assert_int_equal(postern_transport_open_session_async(t, &ch, &call), 0);
	for (int i = 0; i < 200 && !done; i++) {
		assert_true(poll(&p, 1, SOON) > 0);
		while (postern_next(house.ctx, &ev, 0) == 1)
			done |= ev.type == POSTERN_EVENT_DONE && ev.call == call;
	}
	assert_true(done);
}

static void
seed_35_send_ignore(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = seed_logged_in();
	const char *p;
	unsigned least = 1000, most = 0, n;

	(void)state;
	assert_true(postern_transport_send_ignore(t, 1u << 20) < 0);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(postern_transport_send_ignore(t, 0), 0);
		(void)!postern_next(house.ctx, &ev, 1);
	}
	(void)seed_session(t);
	for (p = house.log; (p = strstr(p, "Write packet <ignore>, length ")) != NULL; p++) {
		assert_int_equal(sscanf(p, "Write packet <ignore>, length %u", &n), 1);
		/* the number and the string's length stand before it */
		least = n - 5 < least ? n - 5 : least;
		most = n - 5 > most ? n - 5 : most;
	}
	assert_true(least >= 10 && least < 16);
	assert_true(most <= 41 && most > 35);
}

static void
seed_36_keepalive(void **state)
{
	postern_transport *t = seed_started();
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	assert_int_equal(postern_transport_set_keepalive(t, 100, 3), POSTERN_ESTATE);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_true(postern_transport_set_keepalive(t, -5, 3) < 0);
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	assert_int_equal(postern_transport_set_keepalive(t, 100, 3), 0);
	for (int i = 0; i < 30; i++)
		(void)!postern_next(house.ctx, &ev, 50);
	assert_non_null(strstr(house.log, "keepalive@"));
	assert_true(postern_transport_is_active(t));
	assert_int_equal(postern_transport_set_keepalive(t, 0, 0), 0);
}

static void
seed_36_dead_peer(void **state)
{
	postern_transport *t = seed_logged_in();
	pid_t worker = postern_transport_worker_pid(house.theirs);
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	assert_int_equal(postern_transport_set_keepalive(t, 100, 2), 0);
	assert_int_equal(kill(worker, SIGSTOP), 0);
	for (int i = 0; i < 100 && postern_transport_is_active(t); i++)
		(void)!postern_next(house.ctx, &ev, 50);
	assert_int_equal(kill(worker, SIGCONT), 0);
	assert_false(postern_transport_is_active(t));
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_ECUT);
}

static void
seed_38_start_client(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	(void)state;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ESTATE);
	/* no host key is trusted by omission */
	cfg.host_key = NULL;
	cfg.host_key_len = 0;
	t = seed_transport(house.server);
	assert_true(postern_transport_start_client(t, &cfg, SOON) < 0);
}

static void
seed_38_timeout(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, house.ctx, pair[0]), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, A_MOMENT), POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_ETIMEOUT);
	assert_int_equal(close(pair[1]), 0);
}

static void
seed_39_start_server(void **state)
{
	struct postern_server_interface nothing = POSTERN_SERVER_INTERFACE;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_client_config client = seed_client();
	postern_server *empty;
	postern_transport *t;

	(void)state;
	cfg.fail_delay_ms = 1;
	assert_int_equal(postern_server_new(&empty, house.ctx, &cfg, &nothing, SOON), 0);
	t = seed_transport(empty);
	assert_int_equal(postern_transport_start_client(t, &client, SOON), 0);
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", house.key, SOON), POSTERN_EAUTH);
}

static void
seed_40_stop(void **state)
{
	postern_transport *t = seed_logged_in();

	(void)state;
	postern_transport_stop(t);
	postern_transport_stop(t);
	assert_false(postern_transport_is_active(t));
	seed_until(&house.ends, 1);
	assert_true(postern_transport_renegotiate_keys(t, SOON) < 0);
	postern_transport_free(t);
}

static void
seed_41_compression(void **state)
{
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_client_config cfg = seed_client();
	struct postern_agreement a = POSTERN_AGREEMENT;
	postern_server *server;
	postern_transport *t;
	postern_channel *ch;
	char text[4096], back[8192];

	(void)state;
	o.compression = "zlib@openssh.com,none";
	server = seed_server(0, &o);
	t = seed_transport(server);
	assert_int_equal(postern_transport_use_compression(t, 1), 0);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_int_equal(postern_transport_use_compression(t, 0), POSTERN_ESTATE);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.compression_c2s, "zlib@openssh.com");
	ch = seed_session(t);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	memset(text, 'a', sizeof(text));
	assert_int_equal(write(postern_channel_fd(ch), text, sizeof(text)), sizeof(text));
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
	assert_int_equal(shutdown(postern_channel_fd(ch), SHUT_WR), 0);
	assert_int_equal(strlen(seed_read(postern_channel_fd(ch), back, sizeof(back))), sizeof(text));
	assert_memory_equal(text, back, sizeof(text));
	/* off is the default */
	t = seed_transport(server);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.compression_s2c, "none");
}

static void
seed_42_processes(void **state)
{
	postern_transport *t = seed_logged_in();
	int worker = postern_transport_worker_pid(t);

	(void)state;
	assert_true(worker > 0 && kill(worker, 0) == 0);
	assert_int_equal(kill(postern_context_monitor_pid(house.ctx), 0), 0);
	assert_int_equal(kill(postern_context_zygote_pid(house.ctx), 0), 0);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	for (int i = 0; i < 100 && kill(worker, 0) == 0; i++)
		(void)usleep(20000);
	assert_int_equal(kill(worker, 0), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(seed_01_socket), T(seed_01_pair), T(seed_01_host), T(seed_01_address), T(seed_01_io),
		T(seed_02_describe), T(seed_03_accept), T(seed_04_add_server_key), T(seed_04_use_server_key), T(seed_05_atfork),
		T(seed_11_close), T(seed_13_get_exception), T(seed_14_hexdump), T(seed_16_log_channel),
		T(seed_18_get_remote_server_key), T(seed_19_security_options), T(seed_20_get_server_key),
		T(seed_21_get_username), T(seed_22_getpeername), T(seed_24_is_active), T(seed_26_moduli),
		T(seed_32_renegotiate_keys), T(seed_b11_automatic_rekey), T(seed_34_loop),
		T(seed_35_send_ignore), T(seed_36_keepalive), T(seed_36_dead_peer),
		T(seed_38_start_client), T(seed_38_timeout), T(seed_39_start_server), T(seed_40_stop),
		T(seed_41_compression), T(seed_42_processes),
	};

	return cmocka_run_group_tests_name("seed_transport", tests, NULL, NULL);
}
