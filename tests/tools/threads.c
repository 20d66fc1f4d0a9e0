/*
 * threads.c - what postern.h allows threads to do, to be run under ThreadSanitizer.
 *
 *	threads contexts HELPERS	eight threads with a context each
 *	threads descriptors HELPERS	eight threads on the descriptors of one transport,
 *					while one thread has all the handles
 *	threads --race HELPERS		two threads on one context, which is not allowed
 *
 * HELPERS is the folder of the helper programs.  Prints "done".
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <postern.h>

#include "tests/keyfile_samples.h"

enum { THREADS = 8, WAIT_MS = 60000, ROUNDS = 3, LINES = 1000, CHANNELS = THREADS / 2,
	BLOCK = 4096, BLOCKS = 128 };

static const char *helpers;

static void
must(int r, const char *what)
{
	if (r < 0)
		errx(1, "%s: %s", what, postern_strerror(r));
}

static void
need(int is_so, const char *what)
{
	if (!is_so)
		errx(1, "%s: it is not so", what);
}

/* ---- a server that lets everybody in, and whose programs are all cat ---- */

static int
check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	(void)user, (void)t, (void)question, (void)l;
	return POSTERN_ACCEPT;
}

static int
check_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)t, (void)question, (void)ch, (void)f, (void)extra, (void)len,
	    (void)reason;
	return strcmp(kind, "session") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int
check_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	int data[2], nothing[2];

	(void)user, (void)question;
	if (rq->kind != POSTERN_REQ_EXEC)
		return POSTERN_REFUSE;
	need(pipe2(data, O_CLOEXEC) == 0 && pipe2(nothing, O_CLOEXEC) == 0, "pipe2");
	need(close(nothing[1]) == 0, "close");
	must(postern_channel_take_pipes(ch, data[1], data[0], nothing[0]), "take_pipes");
	return POSTERN_ACCEPT;
}

static int
check_global(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	postern_message *m = postern_message_of(data, len);

	(void)user, (void)kind;
	must(postern_answer_payload(t, question, POSTERN_ACCEPT, m), "answer_payload");
	postern_message_free(m);
	return POSTERN_LATER;
}

static void
channel_eof(void *user, postern_channel *ch)
{
	(void)user;
	must(postern_channel_send_exit_status(ch, 0), "send_exit_status");
}

static void
transport_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	(void)user, (void)e;
	postern_transport_free(t);
}

static void
log_line(void *user, const struct postern_log_line *l)
{
	*(size_t *)user += strlen(l->text);
}

struct house {
	postern_context *ctx;
	postern_server *server;
	postern_key *key;
	size_t logged;
};

static int
file_of(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	    lseek(fd, 0, SEEK_SET) == 0, "memfd");
	return fd;
}

static void
house_open(struct house *h)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	cfg.helper_dir = helpers;
	cfg.log = log_line;
	cfg.log_level = POSTERN_DEBUG;
	cfg.user = &h->logged;
	must(postern_context_new(&h->ctx, &cfg, WAIT_MS), "context_new");
	must(postern_context_add_server_key(h->ctx, file_of(samples_clear[0].file), NULL,
	    WAIT_MS), "add_server_key");
	must(postern_key_load(&h->key, h->ctx, file_of(samples_clear[1].file), NULL, WAIT_MS),
	    "key_load");
	i.check_auth = check_auth;
	i.check_channel_open = check_open;
	i.check_channel_request = check_request;
	i.check_global_request = check_global;
	i.channel_eof = channel_eof;
	i.transport_closed = transport_closed;
	sc.methods = POSTERN_PASSWORD | POSTERN_PUBLICKEY;
	must(postern_server_new(&h->server, h->ctx, &sc, &i, WAIT_MS), "server_new");
}

static postern_transport *
house_login(struct house *h, int with_key)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	postern_transport *ours, *theirs;
	int pair[2];

	(void)postern_context_get_server_key(h->ctx, 0, &cfg.host_key, &cfg.host_key_len);
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	must(postern_transport_new(&theirs, h->ctx, pair[0]), "transport_new");
	must(postern_transport_new(&ours, h->ctx, pair[1]), "transport_new");
	must(postern_transport_start_server_async(theirs, h->server, NULL), "start_server");
	must(postern_transport_connect(ours, &cfg, "robey", with_key ? NULL : "foo",
	    with_key ? h->key : NULL, WAIT_MS), "connect");
	return ours;
}

static postern_channel *
house_cat(postern_transport *t)
{
	postern_channel *ch;

	must(postern_transport_open_session(t, &ch, WAIT_MS), "open_session");
	must(postern_channel_exec_command(ch, "cat", WAIT_MS), "exec_command");
	return ch;
}

/* ---- a context each ---- */

static void
use_everything(struct house *h, postern_transport *t)
{
	postern_channel *ch = house_cat(t);
	postern_message *m = postern_message_new(), *reply;
	struct postern_exit ex = POSTERN_EXIT;
	struct postern_agreement a = POSTERN_AGREEMENT;
	struct postern_event ev = POSTERN_EVENT;
	char line[64], print[64];

	need(m != NULL, "message_new");
	postern_message_add_text(m, "words");
	must(postern_transport_global_request(t, "echo@test", m, &reply, WAIT_MS),
	    "global_request");
	need(strcmp(postern_message_get_string(reply, NULL), "words") == 0, "the reply");
	postern_message_free(m);
	postern_message_free(reply);
	for (int i = 0; i < ROUNDS; i++) {
		must(postern_send_all(postern_channel_fd(ch), "line\n", 5, NULL, WAIT_MS), "send_all");
		must(postern_transport_renegotiate_keys(t, WAIT_MS), "renegotiate_keys");
		must(postern_read_line(postern_channel_fd(ch), line, sizeof(line), NULL, WAIT_MS),
		    "read_line");
		need(strcmp(line, "line") == 0, "the line");
	}
	must(postern_transport_get_agreement(t, &a), "get_agreement");
	/* the monitor's word on the last may still be on its way */
	need(a.exchanges >= ROUNDS, "the exchanges");
	must(postern_edit_list(POSTERN_CIPHERS, "^aes256-ctr", line, sizeof(line)) == -ERANGE ?
	    0 : -EINVAL, "edit_list");
	need(strstr(postern_supported(POSTERN_KEX), "curve25519") != NULL, "supported");
	must(postern_fingerprint("blob", 4, print, sizeof(print)), "fingerprint");
	need(shutdown(postern_channel_fd(ch), SHUT_WR) == 0, "shutdown");
	must(postern_channel_recv_exit_status(ch, &ex, WAIT_MS), "recv_exit_status");
	postern_channel_free(ch);
	while (postern_next(h->ctx, &ev, 0) == 1)
		;
	must(postern_transport_close(t, WAIT_MS), "close");
	postern_transport_free(t);
}

static void *
own_context(void *arg)
{
	struct house h = { 0 };

	(void)arg;
	house_open(&h);
	for (int i = 0; i < 2; i++)
		use_everything(&h, house_login(&h, i));
	need(h.logged > 0, "a log");
	postern_key_free(h.key);
	postern_server_free(h.server);
	postern_context_free(h.ctx);
	return NULL;
}

static void
contexts(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, own_context, NULL) == 0, "pthread_create");
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], NULL) == 0, "pthread_join");
}

/* ---- one transport ---- */

static atomic_int working;

static void *
writes(void *arg)
{
	int fd = *(const int *)arg;
	static const char block[BLOCK];
	size_t left = (size_t)BLOCK * BLOCKS, done;

	for (int i = 0; i < LINES; i++)
		must(postern_send_all(fd, "a line of words\r\n", 17, &done, WAIT_MS), "send_all");
	while (left > 0) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t n;

		need(poll(&p, 1, WAIT_MS) == 1, "poll");
		n = write(fd, block, left < BLOCK ? left : BLOCK);
		need(n > 0, "write");
		left -= (size_t)n;
	}
	need(shutdown(fd, SHUT_WR) == 0, "shutdown");
	atomic_fetch_sub(&working, 1);
	return NULL;
}

static void *
reads(void *arg)
{
	int fd = *(const int *)arg;
	char line[64], block[BLOCK];
	size_t got = 0, done;
	ssize_t n;

	for (int i = 0; i < LINES; i++) {
		must(postern_read_line(fd, line, sizeof(line), &done, WAIT_MS), "read_line");
		need(strcmp(line, "a line of words") == 0, "the line");
	}
	must(postern_recv_exactly(fd, block, sizeof(block), &done, WAIT_MS), "recv_exactly");
	for (got = done; (n = read(fd, block, sizeof(block))) > 0; got += (size_t)n)
		;
	need(n == 0 && got == (size_t)BLOCK * BLOCKS, "all of it");
	atomic_fetch_sub(&working, 1);
	return NULL;
}

static void
descriptors(void)
{
	postern_channel *channels[CHANNELS];
	struct postern_event ev = POSTERN_EVENT;
	struct postern_exit ex = POSTERN_EXIT;
	pthread_t threads[THREADS];
	struct house h = { 0 };
	postern_transport *t;
	int fds[CHANNELS];

	house_open(&h);
	t = house_login(&h, 0);
	atomic_init(&working, THREADS);
	for (int i = 0; i < CHANNELS; i++) {
		channels[i] = house_cat(t);
		fds[i] = postern_channel_fd(channels[i]);
	}
	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, i % 2 == 0 ? writes : reads, &fds[i / 2]) == 0,
		    "pthread_create");
	for (int i = 0; atomic_load(&working) > 0; i++) {
		must(postern_transport_send_ignore(t, 0), "send_ignore");
		if (i % 8 == 0)
			must(postern_transport_renegotiate_keys(t, WAIT_MS), "renegotiate_keys");
		while (postern_next(h.ctx, &ev, 5) == 1)
			need(ev.type != POSTERN_EVENT_END, "the transport");
	}
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], NULL) == 0, "pthread_join");
	for (int i = 0; i < CHANNELS; i++) {
		must(postern_channel_recv_exit_status(channels[i], &ex, WAIT_MS), "recv_exit_status");
		postern_channel_free(channels[i]);
	}
	postern_context_free(h.ctx);
}

/* ---- what must be noticed ---- */

static void *
next(void *arg)
{
	struct postern_event ev = POSTERN_EVENT;

	/* whatever it comes to */
	for (int i = 0; i < 100; i++)
		(void)!postern_next(arg, &ev, 0);
	return NULL;
}

static void
race(void)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	postern_context *ctx;
	pthread_t threads[2];

	cfg.helper_dir = helpers;
	must(postern_context_new(&ctx, &cfg, WAIT_MS), "context_new");
	for (int i = 0; i < 2; i++)
		need(pthread_create(&threads[i], NULL, next, ctx) == 0, "pthread_create");
	for (int i = 0; i < 2; i++)
		need(pthread_join(threads[i], NULL) == 0, "pthread_join");
	postern_context_free(ctx);
}

int
main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } modes[] = {
		{ "contexts", contexts }, { "descriptors", descriptors }, { "--race", race },
	};

	if (argc != 3)
		errx(2, "usage: threads contexts|descriptors|--race HELPERS");
	helpers = argv[2];
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		modes[i].run();
		puts("done");
		return 0;
	}
	errx(2, "no such mode: %s", argv[1]);
}
