/*
 * api_test.c - client against server, both on the public API in this one process,
 * over the real monitor and real workers.
 *
 * One context serves both roles, so each blocking call of the client runs the server
 * as well.  The server echoes: the worker gets both ends of a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/postern.h"

enum { SOON = 20000, MIB = 1024 * 1024 };

/* Made for this test with ssh-keygen. */
static const char host_key[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACBuoi/oq87kc6TWSkV+/CcQU01cDtYfquOiU/50X/z1ewAAAJhdsuCgXbLg\n"
    "oAAAAAtzc2gtZWQyNTUxOQAAACBuoi/oq87kc6TWSkV+/CcQU01cDtYfquOiU/50X/z1ew\n"
    "AAAEAZZh1sbnSN7sqPVpET0lEd5PtofHBf9zgM9LdnTt+em26iL+irzuRzpNZKRX78JxBT\n"
    "TVwO1h+q46JT/nRf/PV7AAAAEXBvc3Rlcm4gdGVzdCBob3N0AQIDBA==\n"
    "-----END OPENSSH PRIVATE KEY-----\n";
static const char user_key[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACCWxoAMs/MHmyoaolpQJJPkMvBNuSft0+WPcgC06N028QAAAJjb8Gfh2/Bn\n"
    "4QAAAAtzc2gtZWQyNTUxOQAAACCWxoAMs/MHmyoaolpQJJPkMvBNuSft0+WPcgC06N028Q\n"
    "AAAEA/LsG5Smj1Qdn7dCa8bbSFXCp3sl1GTHoNuF8kiNZdeZbGgAyz8webKhqiWlAkk+Qy\n"
    "8E25J+3T5Y9yALTo3TbxAAAAEXBvc3Rlcm4gdGVzdCB1c2VyAQIDBA==\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

static int
file_of(const char *content)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* ---- the server's side ---- */

struct policy {
	const void *key;
	size_t key_len;
	int verified, closed, closed_code, requests;
	char closed_text[200];
	char name[64], methods[64], command[64], lang[16];
	unsigned columns;
	postern_transport *t;
};
static struct policy policy;

static int
check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	const struct policy *p = user;
	struct postern_prompt prompt = { "Token: ", 0 };
	struct postern_prompts prompts = POSTERN_PROMPTS;

	if (strcmp(l->user, "robey") != 0)
		return POSTERN_REFUSE;
	switch (l->method) {
	case POSTERN_PASSWORD:
		if (strcmp(l->password, "first") == 0) {
			l->methods = "publickey";
			return POSTERN_PARTIAL;
		}
		return strcmp(l->password, "foo") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
	case POSTERN_PUBLICKEY:
		return l->key_len == p->key_len && memcmp(l->key, p->key, p->key_len) == 0 ?
		    POSTERN_ACCEPT : POSTERN_REFUSE;
	case POSTERN_INTERACTIVE:
		if (l->answers != NULL)
			return l->n_answers == 1 && strcmp(l->answers[0], "42") == 0 ?
			    POSTERN_ACCEPT : POSTERN_REFUSE;
		prompts.name = "Door";
		prompts.n = 1;
		prompts.prompts = &prompt;
		assert_int_equal(postern_answer_prompts(t, question, &prompts), 0);
		return POSTERN_LATER;
	default:
		return POSTERN_REFUSE;
	}
}

static void
verified_login(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t key_len)
{
	struct policy *p = user;

	(void)algorithm;
	(void)key;
	(void)key_len;
	p->verified++;
	p->t = t;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	(void)snprintf(p->methods, sizeof(p->methods), "%s", methods);
}

static int
check_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)forward;
	(void)user;
	(void)t;
	(void)question;
	(void)ch;
	(void)extra;
	(void)len;
	(void)reason;
	return strcmp(kind, "session") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int
check_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	struct policy *p = user;
	int echo[2], none[2];

	(void)question;
	p->requests++;
	if (rq->kind == POSTERN_REQ_WINDOW_CHANGE || rq->kind == POSTERN_REQ_PTY)
		p->columns = rq->columns;
	if (rq->kind == POSTERN_REQ_ENV)
		(void)snprintf(p->lang, sizeof(p->lang), "%s", rq->value);
	if (rq->kind == POSTERN_REQ_PTY || rq->kind == POSTERN_REQ_ENV)
		return POSTERN_ACCEPT;
	if (rq->kind != POSTERN_REQ_EXEC || strcmp(rq->name, "refuse") == 0)
		return POSTERN_REFUSE;
	(void)snprintf(p->command, sizeof(p->command), "%s", rq->name);
	if (strcmp(rq->name, "socket") == 0)
		return POSTERN_ACCEPT;	/* the library makes the pair */
	assert_int_equal(pipe2(echo, O_CLOEXEC), 0);
	assert_int_equal(pipe2(none, O_CLOEXEC), 0);
	assert_int_equal(close(none[1]), 0);
	assert_int_equal(postern_channel_take_pipes(ch, echo[1], echo[0], none[0]), 0);
	return POSTERN_ACCEPT;
}

static void
channel_eof(void *user, postern_channel *ch)
{
	const struct policy *p = user;

	if (strcmp(p->command, "signal") == 0)
		assert_int_equal(postern_channel_send_exit_signal(ch, "TERM", 1, "gone"), 0);
	else
		assert_int_equal(postern_channel_send_exit_status(ch, 7), 0);
}

static void
channel_closed(void *user, postern_channel *ch)
{
	(void)user;
	postern_channel_free(ch);
}

static void
server_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	struct policy *p = user;

	p->closed++;
	p->closed_code = e->code;
	(void)snprintf(p->closed_text, sizeof(p->closed_text), "%s", e->text);
	postern_transport_free(t);
}

/* ---- the pair ---- */

static postern_context *ctx;
static postern_server *server;
static postern_key *key;
static const void *host_blob;
static size_t host_blob_len;

static int
setup(void **state)
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	(void)state;
	cfg.methods = POSTERN_PASSWORD | POSTERN_PUBLICKEY | POSTERN_INTERACTIVE;
	cfg.fail_delay_ms = 1;
	i.user = &policy;
	i.check_auth = check_auth;
	i.verified_login = verified_login;
	i.check_channel_open = check_open;
	i.check_channel_request = check_request;
	i.channel_eof = channel_eof;
	i.channel_closed = channel_closed;
	i.transport_closed = server_closed;
	memset(&policy, 0, sizeof(policy));
	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, file_of(host_key), NULL, SOON), 0);
	assert_int_equal(postern_key_load(&key, ctx, file_of(user_key), NULL, SOON), 0);
	policy.key = postern_key_blob(key, &policy.key_len);
	assert_string_equal(postern_context_get_server_key(ctx, 0, &host_blob, &host_blob_len),
	    "ssh-ed25519");
	return postern_server_new(&server, ctx, &cfg, &i, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	return 0;
}

static postern_transport *
connected(const struct postern_options *options, int expected)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	postern_transport *ours = NULL, *theirs = NULL;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&theirs, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new(&ours, ctx, pair[1]), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, server, NULL), 0);
	cfg.host_key = host_blob;
	cfg.host_key_len = host_blob_len;
	cfg.options = options;
	assert_int_equal(postern_transport_start_client(ours, &cfg, SOON), expected);
	return ours;
}

static postern_transport *
logged_in(void)
{
	postern_transport *t = connected(NULL, 0);

	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	return t;
}

/* Writes n bytes and reads them back at once; true if they are the same. */
static int
echoes(int fd, size_t n)
{
	uint8_t *out = malloc(n), *in = malloc(n);
	size_t sent = 0, got = 0;
	int same;

	assert_non_null(out);
	assert_non_null(in);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (got < n) {
		struct pollfd p = { .fd = fd, .events = POLLIN | (sent < n ? POLLOUT : 0) };
		ssize_t r;

		assert_true(poll(&p, 1, SOON) > 0);
		if ((p.revents & POLLOUT) != 0 && (r = write(fd, out + sent, n - sent)) > 0)
			sent += (size_t)r;
		if (sent == n && got == 0)
			(void)shutdown(fd, SHUT_WR);
		r = read(fd, in + got, n - got);
		if (r == 0)
			break;
		if (r > 0)
			got += (size_t)r;
	}
	(void)shutdown(fd, SHUT_WR);
	same = got == n && memcmp(in, out, n) == 0;
	free(in);
	free(out);
	return same;
}

static int
is_at_end(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	assert_true(poll(&p, 1, SOON) > 0);
	return read(fd, &c, 1) == 0;
}

/* ---- refusals first ---- */

static void
a_wrong_host_key_is_refused(void **state)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	postern_transport *ours, *theirs;
	struct postern_exception e = POSTERN_EXCEPTION;
	int pair[2], file;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&theirs, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new(&ours, ctx, pair[1]), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, server, NULL), 0);
	cfg.host_key = policy.key;	/* somebody's, but not the host's */
	cfg.host_key_len = policy.key_len;
	assert_int_equal(postern_transport_start_client(ours, &cfg, SOON), POSTERN_EHOSTKEY);
	assert_int_equal(postern_transport_get_exception(ours, &e), 0);
	assert_int_equal(e.code, POSTERN_EHOSTKEY);
	assert_int_equal(postern_transport_auth_password(ours, "robey", "foo", 0, SOON),
	    POSTERN_EHOSTKEY);
	/* an empty known_hosts and nobody to ask is no better */
	file = file_of("");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&theirs, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new(&ours, ctx, pair[1]), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, server, NULL), 0);
	cfg = (struct postern_client_config)POSTERN_CLIENT_CONFIG;
	cfg.host = "example.org";
	cfg.known_hosts = &file;
	cfg.n_known_hosts = 1;
	assert_int_equal(postern_transport_start_client(ours, &cfg, SOON), POSTERN_EHOSTKEY);
	assert_int_equal(policy.verified, 0);
}

static void
logins_are_refused(void **state)
{
	postern_transport *t = connected(NULL, 0);

	(void)state;
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	assert_non_null(strstr(postern_transport_auth_methods(t), "password"));
	assert_int_equal(postern_transport_auth_password(t, "robey", "bar", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_interactive(t, "robey", "", SOON), POSTERN_EAUTH);
	assert_false(postern_transport_is_authenticated(t));
	assert_null(postern_transport_get_username(t));
	assert_int_equal(policy.verified, 0);
	/* on the same connection the right one still passes */
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_int_equal(policy.verified, 1);
	/* the right key, the wrong user */
	t = connected(NULL, 0);
	assert_int_equal(postern_transport_auth_publickey(t, "eve", key, SOON), POSTERN_EAUTH);
	assert_int_equal(policy.verified, 1);
}

static void
too_many_failures_end_the_connection(void **state)
{
	postern_transport *t = connected(NULL, 0);
	int r = POSTERN_EAUTH;

	(void)state;
	for (int i = 0; i < 20 && postern_transport_is_active(t); i++)
		r = postern_transport_auth_password(t, "robey", "bar", 0, SOON);
	assert_false(postern_transport_is_active(t));
	assert_true(r == POSTERN_EAUTH || r == POSTERN_ECLOSED);
	for (int i = 0; i < 100 && policy.closed == 0; i++) {
		struct postern_event ev = POSTERN_EVENT;

		(void)!postern_next(ctx, &ev, 100);
	}
	assert_int_equal(policy.closed_code, POSTERN_EAUTH);
}

static void
no_common_cipher_says_what_both_offered(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_server *other = NULL, *usual = server;
	postern_transport *t;

	(void)state;
	options.ciphers = "aes128-ctr";
	cfg.options = &options;
	assert_int_equal(postern_server_new(&other, ctx, &cfg, NULL, SOON), 0);
	options.ciphers = "aes256-gcm@openssh.com";
	server = other;
	t = connected(&options, POSTERN_ENOMATCH);
	server = usual;
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_ENOMATCH);
	assert_non_null(strstr(e.ours, "aes256-gcm@openssh.com"));
	assert_non_null(strstr(e.theirs, "aes128-ctr"));
}

/* Both sides say what would have helped, each of itself. */
static void
a_failed_negotiation_names_the_preset(void **state)
{
	static const struct {
		const char *kex, *ciphers, *macs;	/* the client's */
		const char *theirs, *ours;
	} rows[] = {
		{ "diffie-hellman-group14-sha256", NULL, NULL,
		    "no key exchange method in common; the preset compat would have agreed",
		    "no key exchange method in common; the preset modern would have agreed" },
		{ "diffie-hellman-group14-sha1", NULL, NULL,
		    "no key exchange method in common",
		    "no key exchange method in common; the preset modern would have agreed" },
		{ NULL, "aes256-ctr", "hmac-sha2-256",
		    "no MAC in common, client to server; the preset compat would have agreed",
		    "no MAC in common, client to server; the preset modern would have agreed" },
	};
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		options.kex = rows[i].kex;
		options.ciphers = rows[i].ciphers;
		options.macs = rows[i].macs;
		policy.closed = 0;
		t = connected(&options, POSTERN_ENOMATCH);
		assert_int_equal(postern_transport_get_exception(t, &e), 0);
		assert_string_equal(e.text, rows[i].ours);
		for (int n = 0; n < 100 && policy.closed == 0; n++) {
			struct postern_event ev = POSTERN_EVENT;

			(void)!postern_next(ctx, &ev, 100);
		}
		assert_int_equal(policy.closed_code, POSTERN_ENOMATCH);
		assert_string_equal(policy.closed_text, rows[i].theirs);
	}
	/* with that preset it does agree */
	options = (struct postern_options)POSTERN_OPTIONS;
	options.preset = "compat";
	t = connected(&options, 0);
	postern_transport_free(t);
}

static void
a_silent_peer_has_its_phase_and_its_time(void **state)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = NULL;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	options.banner_ms = 200;
	cfg.host = "example.org";
	cfg.options = &options;
	/* the phase's own deadline, long before the caller's */
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_string_equal(e.phase, "banner");
	(void)close(pair[1]);
	/* the caller's own, long before the phase's */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	cfg.options = NULL;
	assert_int_equal(postern_transport_start_client(t, &cfg, 200), POSTERN_ETIMEOUT);
	assert_false(postern_transport_is_active(t));
	(void)close(pair[1]);
	/* and one that is not there at all */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	(void)close(pair[1]);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ECUT);
}

/* ---- logins that work ---- */

static void
a_key_logs_in(void **state)
{
	postern_transport *t = connected(NULL, 0);
	struct postern_agreement a = POSTERN_AGREEMENT;
	const void *blob;
	size_t len;

	(void)state;
	blob = postern_transport_get_remote_server_key(t, &len);
	assert_int_equal(len, host_blob_len);
	assert_memory_equal(blob, host_blob, len);
	assert_int_equal(postern_transport_probe_publickey(t, "robey", "ssh-ed25519",
	    policy.key, policy.key_len, SOON), 0);
	assert_int_equal(policy.verified, 0);	/* a probe proves nothing */
	assert_int_equal(postern_transport_auth_publickey(t, "robey", key, SOON), 0);
	assert_int_equal(policy.verified, 1);
	assert_string_equal(policy.name, "robey");
	assert_string_equal(policy.methods, "publickey");
	assert_string_equal(postern_transport_get_username(t), "robey");
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.kex, "mlkem768x25519-sha256");
	assert_int_equal(a.strict_kex, 1);
	assert_int_equal(a.exchanges, 1);
}

static void
two_steps_make_a_login(void **state)
{
	postern_transport *t = connected(NULL, 0);

	(void)state;
	assert_int_equal(postern_transport_auth_password(t, "robey", "first", 0, SOON), 1);
	assert_string_equal(postern_transport_auth_methods(t), "publickey");
	assert_int_equal(policy.verified, 0);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", key, SOON), 0);
	assert_string_equal(policy.methods, "password,publickey");
}

static int
say_42(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)question;
	(void)user;
	(void)t;
	assert_string_equal(p->name, "Door");
	assert_int_equal(p->n, 1);
	assert_string_equal(p->prompts[0].text, "Token: ");
	answers[0] = strdup("42");
	return POSTERN_ACCEPT;
}

static void
prompts_are_asked_and_answered(void **state)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	postern_transport *ours, *theirs;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&theirs, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new(&ours, ctx, pair[1]), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, server, NULL), 0);
	cfg.host_key = host_blob;
	cfg.host_key_len = host_blob_len;
	cfg.interface.answer_prompts = say_42;
	assert_int_equal(postern_transport_start_client(ours, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_interactive(ours, "robey", "", SOON), 0);
	assert_string_equal(policy.methods, "keyboard-interactive");
}

/* ---- channels ---- */

static void
a_mebibyte_there_and_back(void **state)
{
	postern_transport *t = logged_in();
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = NULL;

	(void)state;
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_set_environment_variable(ch, "LANG", "C"), 0);
	assert_int_equal(postern_channel_get_pty(ch, "xterm", 80, 24, 0, 0, "\0", 1, SOON), 0);
	assert_int_equal(policy.columns, 80);
	assert_string_equal(policy.lang, "C");
	assert_int_equal(postern_channel_exec_command(ch, "refuse", SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(postern_channel_resize_pty(ch, 132, 50, 0, 0), 0);
	assert_int_equal(echoes(postern_channel_fd(ch), MIB), 1);
	assert_true(is_at_end(postern_channel_fd(ch)));
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_int_equal(ex.status, 7);
	assert_int_equal(policy.columns, 132);
	postern_channel_free(ch);
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "signal", SOON), 0);
	assert_int_equal(echoes(postern_channel_fd(ch), 10), 1);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_int_equal(ex.status, -1);
	assert_string_equal(ex.signal, "TERM");
	assert_int_equal(ex.core_dumped, 1);
	postern_channel_free(ch);
}

static void
a_socket_made_by_the_library(void **state)
{
	postern_transport *t = logged_in();
	struct postern_event ev = POSTERN_EVENT;
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = NULL, *served = NULL;
	char buf[16];

	(void)state;
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "socket", SOON), 0);
	assert_int_equal(postern_transport_accept(policy.t, &served, SOON), 0);
	assert_int_equal(write(postern_channel_fd(served), "hello", 5), 5);
	assert_int_equal(read(postern_channel_fd(ch), buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(write(postern_channel_fd(ch), "and back", 8), 8);
	assert_int_equal(read(postern_channel_fd(served), buf, sizeof(buf)), 8);
	assert_int_equal(write(postern_channel_fd(served), "last", 4), 4);
	assert_int_equal(postern_channel_send_exit_status(served, 0), 0);
	postern_channel_free(served);	/* the worker still sends the rest */
	assert_int_equal(read(postern_channel_fd(ch), buf, sizeof(buf)), 4);
	assert_true(is_at_end(postern_channel_fd(ch)));
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_int_equal(ex.status, 0);
	while (postern_next(ctx, &ev, 0) == 1)
		assert_int_not_equal(ev.type, POSTERN_EVENT_END);
}

static void
a_hundred_in_a_row(void **state)
{
	postern_transport *t = logged_in();
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = NULL;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
		assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
		assert_int_equal(echoes(postern_channel_fd(ch), 1000), 1);
		assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
		assert_int_equal(ex.status, 7);
		postern_channel_free(ch);
	}
	assert_int_equal(postern_transport_open_channel(t, &ch, "x11", NULL, "", 0, NULL, SOON),
	    POSTERN_EREFUSED);
}

static void
new_keys_while_it_runs(void **state)
{
	postern_transport *t = logged_in();
	struct postern_agreement a = POSTERN_AGREEMENT;
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = NULL;

	(void)state;
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
	assert_int_equal(postern_transport_send_ignore(t, 0), 0);
	assert_int_equal(echoes(postern_channel_fd(ch), MIB / 4), 1);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	for (int i = 0; i < 50 && a.exchanges < 2; i++) {
		struct postern_event ev = POSTERN_EVENT;

		(void)!postern_next(ctx, &ev, 20);
		assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	}
	assert_int_equal(a.exchanges, 2);
}

/* ---- ends ---- */

static void
closing_is_told_to_both(void **state)
{
	postern_transport *t = logged_in();
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	for (int i = 0; i < 100 && policy.closed == 0; i++)
		(void)!postern_next(ctx, &ev, 100);
	assert_int_equal(policy.closed_code, POSTERN_ECLOSED);	/* a goodbye, not a cut */
	postern_transport_free(t);
}

static void
a_killed_worker_is_told_apart_from_a_cut(void **state)
{
	postern_transport *t = logged_in();
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = NULL;
	char c;

	(void)state;
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(write(postern_channel_fd(ch), "x", 1), 1);
	assert_int_equal(read(postern_channel_fd(ch), &c, 1), 1);
	assert_int_equal(kill(postern_transport_worker_pid(policy.t), SIGKILL), 0);
	/* what ours sees is a network that ends: the output is not whole */
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), POSTERN_ECUT);
	for (int i = 0; i < 100 && policy.closed == 0; i++)
		(void)!postern_next(ctx, &ev, 100);
	assert_int_equal(policy.closed_code, POSTERN_EWORKER);
	t = logged_in();	/* and the next connection works */
	assert_int_equal(kill(postern_transport_worker_pid(t), SIGKILL), 0);
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), POSTERN_EWORKER);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.signal, SIGKILL);
}

static void
a_killed_monitor_ends_everything(void **state)
{
	postern_transport *t = logged_in();
	struct postern_event ev = POSTERN_EVENT;
	int worker = postern_transport_worker_pid(t), r = 0, status;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(kill(postern_context_monitor_pid(ctx), SIGKILL), 0);
	for (int i = 0; i < 100 && r != POSTERN_EMONITOR; i++)
		r = postern_next(ctx, &ev, 100);
	assert_int_equal(r, POSTERN_EMONITOR);
	/* and whoever only polls learns of it too, at any later time */
	assert_int_equal(poll(&(struct pollfd){ .fd = postern_context_fd(ctx), .events = POLLIN },
	    1, 0), 1);
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_EMONITOR);
	assert_false(postern_transport_is_active(t));
	assert_int_equal(policy.closed_code, POSTERN_EMONITOR);
	/* it has ended by itself, within a second; its parent is dead, so it is ours */
	for (int i = 0; i < 100 && (r = waitpid(worker, &status, WNOHANG)) != worker; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(r, worker);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

static void
a_fork_of_the_host_changes_nothing(void **state)
{
	postern_transport *t = logged_in();
	struct postern_exit ex = POSTERN_EXIT;
	postern_channel *ch = NULL;
	int status = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		postern_channel *other = NULL;
		int bad = 0;

		bad |= postern_transport_open_session(t, &other, 0) != POSTERN_EFORKED;
		bad |= postern_channel_exec_command(ch, "cat", 0) != POSTERN_EFORKED;
		bad |= postern_channel_fd(ch) != POSTERN_EFORKED;
		bad |= postern_transport_close(t, 0) != POSTERN_EFORKED;
		postern_channel_free(ch);
		postern_transport_free(t);
		postern_context_atfork(ctx);
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(echoes(postern_channel_fd(ch), 1000), 1);
	assert_int_equal(postern_channel_recv_exit_status(ch, &ex, SOON), 0);
	assert_int_equal(ex.status, 7);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wrong_host_key_is_refused),
		TEST(logins_are_refused),
		TEST(too_many_failures_end_the_connection),
		TEST(no_common_cipher_says_what_both_offered),
		TEST(a_failed_negotiation_names_the_preset),
		TEST(a_silent_peer_has_its_phase_and_its_time),
		TEST(a_key_logs_in),
		TEST(two_steps_make_a_login),
		TEST(prompts_are_asked_and_answered),
		TEST(a_mebibyte_there_and_back),
		TEST(a_socket_made_by_the_library),
		TEST(a_hundred_in_a_row),
		TEST(new_keys_while_it_runs),
		TEST(closing_is_told_to_both),
		TEST(a_killed_worker_is_told_apart_from_a_cut),
		TEST(a_killed_monitor_ends_everything),
		TEST(a_fork_of_the_host_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
