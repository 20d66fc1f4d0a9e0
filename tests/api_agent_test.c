/* api_agent_test.c - an agent's keys, and what is no agent. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

static postern_context *ctx;

static int
setup(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;

	cfg.keys_may_leave = 1;
	return fake_setup(state) != 0 ? -1 : postern_context_new(&ctx, &cfg, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	return 0;
}

/* A connected socket in which this lies: how many keys the fake is to tell of. */
static int
agent_that(const char *says)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[1], says, strlen(says)), strlen(says));
	(void)close(pair[1]);
	return pair[0];
}

static void
what_is_no_socket_is_no_agent(void **state)
{
	postern_key **keys = NULL;
	size_t n = 7;
	int file = fake_file("x"), datagram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(postern_agent_keys(ctx, -1, &keys, &n, SOON), -EBADF);
	assert_int_equal(postern_agent_keys(ctx, file, &keys, &n, SOON), -ENOTSOCK);
	assert_int_equal(fcntl(file, F_GETFD), -1);	/* taken all the same */
	assert_int_equal(postern_agent_keys(ctx, datagram, &keys, &n, SOON), -ENOTSOCK);
	assert_int_equal(fcntl(datagram, F_GETFD), -1);
	ctx->pid++;
	assert_int_equal(postern_agent_keys(ctx, agent_that("1"), &keys, &n, SOON), POSTERN_EFORKED);
	ctx->pid--;
	assert_null(keys);
	assert_int_equal(n, 7);
}

static void
one_that_does_not_speak_as_an_agent_is_told(void **state)
{
	postern_key **keys = NULL;
	int before = fake_open_fds();
	size_t n = 7;

	(void)state;
	assert_int_equal(postern_agent_keys(ctx, agent_that("bad"), &keys, &n, SOON),
	    POSTERN_EPROTO);
	assert_null(keys);
	assert_int_equal(n, 7);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(ctx->n_calls, 0);
}

static void
keys_for_nobody_are_forgotten(void **state)
{
	struct ipc_AGENT_KEY m = { .call = 12345, .key = 99, .alg = span_str("ssh-ed25519"),
		.blob = span_str("BLOB"), .comment = span_str("") };
	struct ipc_AGENT_DONE done = { .call = 12345, .ok = 1 };

	(void)state;
	api_agent_key(ctx, &m);
	api_agent_done(ctx, &done);
	for (int i = 0; i < 100 && fake_seen->drops < 1; i++)
		fake_pause(10);
	assert_int_equal(fake_seen->drops, 1);
}

static void
no_time_leaves_nothing_behind(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_key **keys = NULL;
	size_t n;

	(void)state;
	(void)kill(fake_pid, SIGSTOP);
	assert_int_equal(postern_agent_keys(ctx, agent_that("3"), &keys, &n, 0), POSTERN_ETIMEOUT);
	(void)kill(fake_pid, SIGCONT);
	assert_int_equal(ctx->n_calls, 0);
	/* its answer finds nobody, and the keys are given back */
	for (int i = 0; i < 100 && fake_seen->drops < 3; i++)
		(void)!postern_next(ctx, &ev, 10);
	assert_int_equal(fake_seen->drops, 3);
}

static void
an_empty_agent_has_no_keys(void **state)
{
	postern_key **keys = NULL;
	size_t n = 7;
	int fd = agent_that("0"), same = dup(fd), in_line = 0;
	socklen_t len = sizeof(in_line);

	(void)state;
	assert_int_equal(postern_agent_keys(ctx, fd, &keys, &n, SOON), 0);
	assert_int_equal(n, 0);
	free(keys);
	/* the monitor counts on it (monitor_agent_link.c) */
	assert_int_equal(getsockopt(same, SOL_SOCKET, SO_OOBINLINE, &in_line, &len), 0);
	assert_true(in_line);
	(void)close(same);
}

static void
its_keys_are_handles_as_others(void **state)
{
	postern_key **keys = NULL;
	size_t n = 0, len;

	(void)state;
	assert_int_equal(postern_agent_keys(ctx, agent_that("3"), &keys, &n, SOON), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(postern_key_algorithm(keys[i]), "ssh-ed25519");
		assert_memory_equal(postern_key_blob(keys[i], &len), "BLOB", 4);
		assert_int_equal(len, 4);
		assert_string_equal(postern_key_comment(keys[i]), "an agent's");
	}
	postern_key_free(keys[1]);
	free(keys);		/* two are left: the context's free takes them */
}

static void
its_keys_can_be_host_keys(void **state)
{
	postern_key **keys = NULL, other;
	const void *blob;
	size_t n = 0, len;

	(void)state;
	assert_int_equal(postern_agent_keys(ctx, agent_that("3"), &keys, &n, SOON), 0);
	other = *keys[0];
	other.ctx = NULL;
	assert_int_equal(postern_context_use_server_key(ctx, &other), -EINVAL);
	ctx->pid++;
	assert_int_equal(postern_context_use_server_key(ctx, keys[0]), POSTERN_EFORKED);
	ctx->pid--;
	assert_null(postern_context_get_server_key(ctx, 0, &blob, &len));
	assert_int_equal(postern_context_use_server_key(ctx, keys[0]), 0);
	assert_string_equal(postern_context_get_server_key(ctx, 0, &blob, &len), "ssh-ed25519");
	assert_memory_equal(blob, "BLOB", 4);
	assert_ptr_not_equal(TAILQ_FIRST(&ctx->keys), keys[0]);
	/* a second of its type replaces the first; nothing is dropped behind its back */
	assert_int_equal(postern_context_use_server_key(ctx, keys[1]), 0);
	assert_null(postern_context_get_server_key(ctx, 1, &blob, &len));
	ctx->is_sealed = true;
	assert_int_equal(postern_context_use_server_key(ctx, keys[2]), POSTERN_ESTATE);
	ctx->is_sealed = false;
	postern_key_free(keys[2]);	/* it is the caller's still */
	for (int i = 0; i < 100 && fake_seen->drops < 1; i++)
		fake_pause(10);
	assert_int_equal(fake_seen->drops, 1);
	assert_int_equal(fake_seen->host_keys, 2);
	free(keys);
}

/* ---- one that is connected to again ---- */

static struct { const char *says; int calls, error; void *user; } path;

static int
connect_to(void *user)
{
	path.calls++;
	path.user = user;
	return path.error != 0 ? path.error : path.says != NULL ? agent_that(path.says) :
	    fake_file("no socket");
}

/* The monitor wants it: it hears of a dropped key, and asks. */
static void
want(postern_key *drop)
{
	struct postern_event ev = POSTERN_EVENT;
	int before = fake_seen->backs + fake_seen->aways;

	if (drop != NULL)
		postern_key_free(drop);
	for (int i = 0; i < 100 && fake_seen->backs + fake_seen->aways == before; i++)
		(void)!postern_next(ctx, &ev, 10);
}

static void
a_connection_is_made_when_one_is_wanted(void **state)
{
	postern_key **keys = NULL;
	int before = fake_open_fds();
	size_t n = 0;

	(void)state;
	path.says = "4";
	path.calls = path.error = 0;
	assert_int_equal(postern_agent_keys_from(ctx, connect_to, &n, &keys, &n, SOON), 0);
	assert_int_equal(n, 4);
	assert_int_equal(path.calls, 1);
	assert_ptr_equal(path.user, &n);
	path.says = "again";
	want(keys[0]);
	assert_int_equal(fake_seen->backs, 1);
	assert_string_equal(fake_seen->back, "again");
	assert_int_equal(path.calls, 2);
	assert_ptr_equal(path.user, &n);
	/* also if all of them but a host key are gone */
	assert_int_equal(postern_context_use_server_key(ctx, keys[1]), 0);
	postern_key_free(keys[2]);
	want(NULL);
	want(keys[3]);
	assert_int_equal(fake_seen->backs, 3);
	assert_int_equal(fake_seen->aways, 0);
	assert_int_equal(fake_open_fds(), before);
	free(keys);
}

static void
one_that_cannot_be_made_is_away(void **state)
{
	postern_key **keys = NULL;
	int before = fake_open_fds();
	size_t n = 0;

	(void)state;
	path.says = "4";
	path.error = 0;
	assert_int_equal(postern_agent_keys_from(ctx, connect_to, NULL, &keys, &n, SOON), 0);
	path.error = -ENOENT;
	want(keys[0]);
	assert_int_equal(fake_seen->aways, 1);
	path.error = 0;
	path.says = NULL;		/* a file */
	want(keys[1]);
	assert_int_equal(fake_seen->aways, 2);
	postern_key_free(keys[2]);
	want(NULL);
	path.calls = 0;
	want(keys[3]);			/* nobody knows any more how */
	assert_int_equal(path.calls, 0);
	assert_int_equal(fake_seen->aways, 4);
	assert_int_equal(fake_seen->backs, 0);
	assert_int_equal(fake_open_fds(), before);
	free(keys);
}

static void
no_first_connection_no_keys(void **state)
{
	postern_key **keys = NULL;
	int before = fake_open_fds();
	size_t n = 7;

	(void)state;
	assert_int_equal(postern_agent_keys_from(ctx, NULL, NULL, &keys, &n, SOON), -EINVAL);
	path.error = -ECONNREFUSED;
	assert_int_equal(postern_agent_keys_from(ctx, connect_to, NULL, &keys, &n, SOON),
	    -ECONNREFUSED);
	path.error = 0;
	path.says = NULL;
	assert_int_equal(postern_agent_keys_from(ctx, connect_to, NULL, &keys, &n, SOON), -ENOTSOCK);
	path.says = "bad";
	assert_int_equal(postern_agent_keys_from(ctx, connect_to, NULL, &keys, &n, SOON),
	    POSTERN_EPROTO);
	path.calls = 0;
	ctx->pid++;
	assert_int_equal(postern_agent_keys_from(ctx, connect_to, NULL, &keys, &n, SOON),
	    POSTERN_EFORKED);
	ctx->pid--;
	assert_int_equal(path.calls, 0);
	assert_null(keys);
	assert_int_equal(n, 7);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(ctx->n_calls, 0);
}

/* Its keys say nothing of a connection: it is not asked for one, and has none to give. */
static void
one_connection_is_all_if_no_more_was_said(void **state)
{
	postern_key **keys = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(postern_agent_keys(ctx, agent_that("2"), &keys, &n, SOON), 0);
	assert_int_equal(fake_seen->again, 0);
	fake_seen->again = keys[0]->agent;	/* and is asked all the same */
	want(keys[0]);
	assert_int_equal(fake_seen->aways, 1);
	postern_key_free(keys[1]);
	free(keys);
}

static void
comments_are_harmless(void **state)
{
	struct ipc_KEY_LOADED m = { .alg = span_str("ssh-ed25519"), .blob = span_str("B"),
		.comment = span_str("mine\x1b[2J\nnot mine") };
	postern_key *k = api_key_make(ctx, &m);

	(void)state;
	assert_non_null(k);
	assert_string_equal(postern_key_comment(k), "mine?[2J not mine");
	api_key_discard(k);
}

static void
a_key_is_added_by_the_monitor(void **state)
{
	postern_context *other;
	char long_comment[1026];
	postern_key *k;
	int before;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	before = fake_open_fds();
	assert_int_equal(postern_agent_add_key(ctx, agent_that("ok"), k, NULL, 60, 1, SOON), 0);
	assert_int_equal(fake_seen->added_key, k->id);
	assert_int_equal(fake_seen->added_for, 60);
	assert_int_equal(fake_seen->added_confirm, 1);
	assert_int_equal(fake_seen->added_comment, strlen(postern_key_comment(k)));
	assert_int_equal(postern_agent_add_key(ctx, agent_that("ok"), k, "mine", 0, 0, SOON), 0);
	assert_int_equal(fake_seen->added_for, 0);
	assert_int_equal(fake_seen->added_confirm, 0);
	assert_int_equal(fake_seen->added_comment, 4);
	assert_int_equal(postern_agent_add_key(ctx, agent_that("bad"), k, NULL, 0, 0, SOON),
	    POSTERN_EPROTO);
	/* what is wrong is said, and the socket is taken all the same */
	assert_int_equal(postern_agent_add_key(ctx, -1, k, NULL, 0, 0, SOON), -EBADF);
	assert_int_equal(postern_agent_add_key(ctx, fake_file("x"), k, NULL, 0, 0, SOON), -ENOTSOCK);
	assert_int_equal(postern_agent_add_key(ctx, agent_that("ok"), NULL, NULL, 0, 0, SOON), -EINVAL);
	memset(long_comment, 'c', sizeof(long_comment) - 1);
	long_comment[sizeof(long_comment) - 1] = 0;
	assert_int_equal(postern_agent_add_key(ctx, agent_that("ok"), k, long_comment, 0, 0, SOON),
	    -EMSGSIZE);
	assert_int_equal(postern_context_new(&other, NULL, SOON), 0);
	assert_int_equal(postern_agent_add_key(other, agent_that("ok"), k, NULL, 0, 0, SOON), -EINVAL);
	postern_context_free(other);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(ctx->n_calls, 0);
	postern_key_free(k);
}

/* The monitor is told so before anything else, and the call says it by itself. */
static void
no_key_leaves_unless_it_was_said(void **state)
{
	postern_context *other;
	postern_key *k;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(fake_seen->keys_may_leave, 1);
	assert_int_equal(postern_context_new(&other, NULL, SOON), 0);
	assert_int_equal(postern_key_load(&k, other, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(fake_seen->keys_may_leave, 0);
	fake_seen->added_key = 0;
	assert_int_equal(postern_agent_add_key(other, agent_that("ok"), k, NULL, 0, 0, SOON),
	    -EPERM);
	assert_int_equal(fake_seen->added_key, 0);
	postern_context_free(other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_no_socket_is_no_agent),
		CASE(one_that_does_not_speak_as_an_agent_is_told),
		CASE(keys_for_nobody_are_forgotten),
		CASE(no_time_leaves_nothing_behind),
		CASE(an_empty_agent_has_no_keys),
		CASE(its_keys_are_handles_as_others),
		CASE(its_keys_can_be_host_keys),
		CASE(a_connection_is_made_when_one_is_wanted),
		CASE(one_that_cannot_be_made_is_away),
		CASE(no_first_connection_no_keys),
		CASE(one_connection_is_all_if_no_more_was_said),
		CASE(comments_are_harmless),
		CASE(a_key_is_added_by_the_monitor),
		CASE(no_key_leaves_unless_it_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
