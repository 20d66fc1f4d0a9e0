/*
 * seed.h - the house in which docs/from-paramiko.md is tried out: one context, one
 * server with a policy that does what it is asked, and clients of it, all in this
 * process and over the real helper programs.
 *
 * Each blocking call of the client also runs the server.  A test's name begins with
 * its row: seed_27_refused is row 27.
 */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/postern.h"
#include "tests/keyfile_samples.h"

enum { SOON = 20000, A_MOMENT = 300 };

/* What the server is to do, and what it saw. */
static struct house {
	postern_context *ctx;
	postern_server *server;
	postern_key *key;
	const void *host_key, *user_key;
	size_t host_key_len, user_key_len;
	/* orders */
	unsigned methods;		/* offered                                 */
	int prompts;			/* of keyboard-interactive                 */
	bool steps;			/* the key first, then the password        */
	bool expired;			/* "foo" is no good until it is "fresh"    */
	int listen_answer;
	postern_may_connect *may_connect;	/* of other hosts than "pair"          */
	/* what was seen */
	postern_transport *theirs;
	postern_channel *channel;	/* the newest that was opened to the server */
	char user[64], proven[64], asked[256], value[64], cookie[128];
	struct postern_channel_request last;
	struct postern_forward forward;
	char host[64], origin[64];
	int requests, eofs, cancelled, logins, ends, subsystems, changes;
	uint32_t cancelled_port;
	/* the log */
	char log[1 << 16];
	size_t log_n;
} house;

static inline int
seed_file(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline void
seed_log(void *user, const struct postern_log_line *l)
{
	int n;

	(void)user;
	n = snprintf(house.log + house.log_n, sizeof(house.log) - house.log_n, "%d %s|%s|%s\n",
	    l->level, l->channel, l->peer, l->text);
	if (n > 0 && house.log_n + (size_t)n < sizeof(house.log))
		house.log_n += (size_t)n;
}

/* ---- the policy ---- */

static inline int
seed_interactive(postern_transport *t, uint64_t question, const struct postern_login *l)
{
	static const struct postern_prompt two[] = { { "Password: ", 0 }, { "Token: ", 0 } };
	struct postern_prompts p = POSTERN_PROMPTS;

	if (l->answers != NULL || l->n_answers > 0) {
		if (house.prompts == 0)
			return POSTERN_ACCEPT;
		return (int)l->n_answers == house.prompts && strcmp(l->answers[0], "foo") == 0 ?
		    POSTERN_ACCEPT : POSTERN_REFUSE;
	}
	if (house.prompts == 0 && l->answers == NULL && house.requests++ > 0)
		return POSTERN_ACCEPT;
	p.name = "Door";
	p.n = (size_t)house.prompts;
	p.prompts = two;
	assert_int_equal(postern_answer_prompts(t, question, &p), 0);
	return POSTERN_LATER;
}

static inline int
seed_check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	(void)user;
	if (strcmp(l->user, "robey") != 0)
		return POSTERN_REFUSE;
	switch (l->method) {
	case POSTERN_PASSWORD:
		if (strcmp(l->password, "foo") != 0)
			return POSTERN_REFUSE;
		if (house.expired && (l->new_password == NULL || strcmp(l->new_password, "fresh") != 0)) {
			assert_int_equal(postern_answer_change_password(t, question,
			    l->new_password == NULL ? "expired" : "too weak"), 0);
			return POSTERN_LATER;
		}
		house.changes += l->new_password != NULL;
		return house.steps && strcmp(l->proven, "publickey") != 0 ?
		    POSTERN_REFUSE : POSTERN_ACCEPT;
	case POSTERN_PUBLICKEY:
		if (l->key_len != house.user_key_len ||
		    memcmp(l->key, house.user_key, l->key_len) != 0)
			return POSTERN_REFUSE;
		if (!house.steps)
			return POSTERN_ACCEPT;
		l->methods = "password";
		return POSTERN_PARTIAL;
	case POSTERN_INTERACTIVE:
		return seed_interactive(t, question, l);
	default:
		return POSTERN_REFUSE;
	}
}

static inline void
seed_verified(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t len)
{
	(void)user, (void)algorithm, (void)key, (void)len;
	house.logins++;
	house.theirs = t;
	(void)snprintf(house.user, sizeof(house.user), "%s", name);
	(void)snprintf(house.proven, sizeof(house.proven), "%s", methods);
}

static inline void
seed_keep_forward(const struct postern_forward *f)
{
	house.forward = *f;
	(void)snprintf(house.host, sizeof(house.host), "%s", f->host);
	(void)snprintf(house.origin, sizeof(house.origin), "%s", f->origin_host);
	house.forward.host = house.host;
	house.forward.origin_host = house.origin;
}

/* direct-tcpip to "echo": what is written comes back. */
static inline int
seed_check_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	int loop[2];

	(void)user, (void)t, (void)extra, (void)len;
	house.channel = ch;
	if (f != NULL)
		seed_keep_forward(f);
	if (strcmp(kind, "session") == 0 || strcmp(kind, "plain@test") == 0)
		return POSTERN_ACCEPT;
	*reason = 3;
	if (f == NULL || f->kind != POSTERN_DIRECT_TCPIP)
		return POSTERN_REFUSE;
	if (strcmp(f->host, "pair") != 0)
		return house.may_connect == NULL ? POSTERN_REFUSE :
		    postern_channel_connect(ch, question, f, house.may_connect, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, loop), 0);
	assert_int_equal(write(loop[1], "connected", 9), 9);
	assert_int_equal(close(loop[1]), 0);
	assert_int_equal(postern_channel_take_socket(ch, loop[0]), 0);
	return POSTERN_ACCEPT;
}

static inline int
seed_exec(postern_channel *ch, const char *command)
{
	int in[2], out[2], err[2];

	if (strcmp(command, "refuse") == 0)
		return POSTERN_REFUSE;
	if (strcmp(command, "socket") == 0)
		return POSTERN_ACCEPT;
	if (strcmp(command, "sockets") == 0) {
		assert_int_equal(write(postern_channel_fd(ch), "out", 3), 3);
		assert_int_equal(write(postern_channel_stderr_fd(ch), "err", 3), 3);
		assert_int_equal(postern_channel_send_exit_status(ch, 7), 0);
		return POSTERN_ACCEPT;
	}
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	if (strcmp(command, "cat") == 0) {
		/* what the worker writes is what it reads */
		assert_int_equal(postern_channel_take_pipes(ch, in[1], in[0], err[0]), 0);
		assert_int_equal(close(err[1]), 0);
		return POSTERN_ACCEPT;
	}
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(write(out[1], "out", 3), 3);
	assert_int_equal(write(err[1], "err", 3), 3);
	assert_int_equal(close(out[1]), 0);
	assert_int_equal(close(err[1]), 0);
	assert_int_equal(close(in[0]), 0);
	assert_int_equal(postern_channel_take_pipes(ch, in[1], out[0], err[0]), 0);
	assert_int_equal(strcmp(command, "die") == 0 ?
	    postern_channel_send_exit_signal(ch, "TERM", 1, "terminated") :
	    postern_channel_send_exit_status(ch, 7), 0);
	return POSTERN_ACCEPT;
}

static inline int
seed_check_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user, (void)question;
	house.requests++;
	house.channel = ch;
	house.last = *rq;
	(void)snprintf(house.asked, sizeof(house.asked), "%s", rq->name != NULL ? rq->name : "");
	(void)snprintf(house.value, sizeof(house.value), "%s", rq->value != NULL ? rq->value : "");
	(void)snprintf(house.cookie, sizeof(house.cookie), "%s", rq->cookie != NULL ? rq->cookie : "");
	switch (rq->kind) {
	case POSTERN_REQ_EXEC:
		return seed_exec(ch, rq->name);
	case POSTERN_REQ_SUBSYSTEM:
		return POSTERN_REFUSE;
	case POSTERN_REQ_OTHER:
		return strcmp(rq->name, "yes@test") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
	default:
		return POSTERN_ACCEPT;
	}
}

static inline int
seed_check_global(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	postern_message *m;

	(void)user;
	house.requests++;
	(void)snprintf(house.asked, sizeof(house.asked), "%s", kind);
	if (strcmp(kind, "echo@test") != 0)
		return strcmp(kind, "yes@test") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
	m = postern_message_of(data, len);
	assert_int_equal(postern_answer_payload(t, question, POSTERN_ACCEPT, m), 0);
	postern_message_free(m);
	return POSTERN_LATER;
}

static inline int
seed_check_listen(void *user, postern_transport *t, uint64_t question,
    const struct postern_forward *f, uint32_t *port)
{
	static uint32_t next = 4242;

	(void)user, (void)t, (void)question;
	seed_keep_forward(f);
	if (*port == 0)
		*port = next++;
	return house.listen_answer;
}

static inline void
seed_cancel_listen(void *user, postern_transport *t, const struct postern_forward *f)
{
	(void)user, (void)t;
	house.cancelled++;
	house.cancelled_port = f->port;
}

static inline void
seed_eof(void *user, postern_channel *ch)
{
	(void)user;
	house.eofs++;
	/* "cat" and "socket" end with their input */
	(void)!postern_channel_send_exit_status(ch, 0);
}

static inline void
seed_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	(void)user, (void)e;
	house.ends++;
	if (t == house.theirs)
		house.theirs = NULL;
	postern_transport_free(t);
}

static inline void
seed_channel_closed(void *user, postern_channel *ch)
{
	(void)user;
	if (house.channel == ch)
		house.channel = NULL;
	postern_channel_free(ch);
}

/* ---- setup ---- */

static inline struct postern_server_interface
seed_interface(void)
{
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	i.check_auth = seed_check_auth;
	i.verified_login = seed_verified;
	i.check_channel_open = seed_check_open;
	i.check_channel_request = seed_check_request;
	i.check_global_request = seed_check_global;
	i.check_port_forward_request = seed_check_listen;
	i.cancel_port_forward_request = seed_cancel_listen;
	i.channel_eof = seed_eof;
	i.channel_closed = seed_channel_closed;
	i.transport_closed = seed_closed;
	return i;
}

/* A server with these methods and options; NULL, 0: the usual ones. */
static inline postern_server *
seed_server(unsigned methods, const struct postern_options *options)
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = seed_interface();
	postern_server *s;

	cfg.methods = methods != 0 ? methods :
	    POSTERN_PASSWORD | POSTERN_PUBLICKEY | POSTERN_INTERACTIVE;
	cfg.fail_delay_ms = 1;
	cfg.banner = "mind the step\r\n";
	cfg.options = options;
	assert_int_equal(postern_server_new(&s, house.ctx, &cfg, &i, SOON), 0);
	return s;
}

static inline int
seed_setup(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;

	(void)state;
	memset(&house, 0, sizeof(house));
	house.listen_answer = POSTERN_ACCEPT;
	house.prompts = 1;
	cfg.log = seed_log;
	cfg.log_level = POSTERN_DEBUG;
	cfg.hexdump_max = POSTERN_HEXDUMP_WHOLE;
	assert_int_equal(postern_context_new(&house.ctx, &cfg, SOON), 0);
	assert_int_equal(postern_context_add_server_key(house.ctx,
	    seed_file(samples_clear[0].file), NULL, SOON), 0);
	assert_int_equal(postern_key_load(&house.key, house.ctx,
	    seed_file(samples_clear[1].file), NULL, SOON), 0);
	house.user_key = postern_key_blob(house.key, &house.user_key_len);
	assert_string_equal(postern_context_get_server_key(house.ctx, 0, &house.host_key,
	    &house.host_key_len), "ssh-ed25519");
	house.server = seed_server(0, NULL);
	return 0;
}

static inline int
seed_teardown(void **state)
{
	(void)state;
	postern_context_free(house.ctx);
	house.ctx = NULL;
	return 0;
}

/* ---- the client's side ---- */

static inline struct postern_client_config
seed_client(void)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host_key = house.host_key;
	cfg.host_key_len = house.host_key_len;
	return cfg;
}

/* A client's transport whose server has begun. */
static inline postern_transport *
seed_transport(postern_server *server)
{
	postern_transport *ours, *theirs;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&theirs, house.ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new(&ours, house.ctx, pair[1]), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, server, NULL), 0);
	return ours;
}

static inline postern_transport *
seed_started(void)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	return t;
}

static inline postern_transport *
seed_logged_in(void)
{
	postern_transport *t = seed_started();

	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_non_null(house.theirs);
	return t;
}

static inline postern_channel *
seed_session(postern_transport *t)
{
	postern_channel *ch;

	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	return ch;
}

/* Runs events until done becomes true, or too long. */
static inline void
seed_until(const int *done, int at_least)
{
	struct postern_event ev = POSTERN_EVENT;

	for (int i = 0; i < 400 && *done < at_least; i++)
		(void)!postern_next(house.ctx, &ev, 50);
	assert_true(*done >= at_least);
}

/* The next event of that type; others are let go. */
static inline struct postern_event
seed_event(int type)
{
	struct postern_event ev = POSTERN_EVENT;

	for (int i = 0; i < 400; i++) {
		if (postern_next(house.ctx, &ev, 50) == 1 && ev.type == type)
			return ev;
	}
	fail_msg("no event %d", type);
	return ev;
}

/* The DONE of that call; the server's own starts are among the others. */
static inline struct postern_event
seed_done(uint64_t call)
{
	struct postern_event ev;

	do {
		ev = seed_event(POSTERN_EVENT_DONE);
	} while (ev.call != call);
	return ev;
}

/* All that comes, the library running meanwhile, as a string of at most size - 1. */
static inline const char *
seed_read(int fd, char *out, size_t size)
{
	struct postern_event ev = POSTERN_EVENT;
	size_t n = 0;

	for (int i = 0; i < 1000 && n + 1 < size; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r;

		(void)!postern_next(house.ctx, &ev, 0);
		if (poll(&p, 1, 20) <= 0)
			continue;
		r = read(fd, out + n, size - 1 - n);
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	out[n] = '\0';
	return out;
}

#endif
