/*
 * async_start_test.c - from nothing to a logged-in connection, and sftp on it, in one epoll
 * loop, without a call that waits: over the real helper programs, of which two are made slow.
 *
 * What is slow takes SLOW_MS by its own clock; no call may take a good part of that.
 */
#include <netinet/in.h>
#include <sys/epoll.h>
#include <time.h>

#include "tests/child.h"
#include "tests/seed.h"

enum { SLOW_MS = 900, CALL_MS = 400 };
#define SLOW_S "0.9"

static char programs[4096], slow[64];
static postern_context *ctx;
static int64_t longest;			/* of any call, ms */

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One call, with its time. */
#define TIMED(call) do { \
	int64_t began_ = now_ms(); \
	int r_ = (call); \
	int64_t took_ = now_ms() - began_; \
	assert_int_equal(r_, 0); \
	if (took_ > longest) \
		longest = took_; \
} while (0)

/* Polls the one descriptor until that call's event; never waits inside the library. */
static struct postern_event
done_of(uint64_t call)
{
	struct epoll_event got = { .events = EPOLLIN };
	struct postern_event ev = POSTERN_EVENT;
	int set = epoll_create1(EPOLL_CLOEXEC), r;
	int64_t began;

	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, postern_context_fd(ctx), &got), 0);
	for (;;) {
		assert_int_equal(epoll_wait(set, &got, 1, SOON), 1);
		began = now_ms();
		r = postern_next(ctx, &ev, 0);
		if (now_ms() - began > longest)
			longest = now_ms() - began;
		assert_true(r == 1 || r == POSTERN_ETIMEOUT);
		if (r == 1 && ev.type == POSTERN_EVENT_DONE && ev.call == call)
			break;
	}
	assert_int_equal(close(set), 0);
	return ev;
}

static void
script(const char *name)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", slow, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fprintf(f, "#!/bin/sh\n/bin/sleep %d.%03d\nexec '%s/%s'\n", SLOW_MS / 1000,
	    SLOW_MS % 1000, programs, name) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static int
find_programs(void **state)
{
	(void)state;
	child_path(programs, sizeof(programs), "../libexec");
	(void)snprintf(slow, sizeof(slow), "/tmp/postern-slow-XXXXXX");
	if (mkdtemp(slow) == NULL || chmod(slow, 0755) != 0)
		return -1;
	script("postern-monitor");
	script("postern-resolve");
	return 0;
}

static int
forget_programs(void **state)
{
	(void)state;
	child_command((const char *const[]){ "rm", "-rf", slow, NULL });
	child_path_free(programs);
	return 0;
}

/* A server with its host key, and a listening socket; its port. */
static unsigned
serves(void)
{
	struct postern_server_interface i = seed_interface();
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	struct postern_event ev;
	postern_server *next;
	char line[512];
	unsigned layers;
	uint64_t call;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	TIMED(postern_key_load_async(ctx, seed_file(samples_clear[0].file), NULL, &call));
	ev = done_of(call);
	assert_int_equal(ev.result, 0);
	TIMED(postern_context_use_server_key(ctx, ev.key));
	cfg.methods = POSTERN_PASSWORD;
	TIMED(postern_server_new_async(&house.server, ctx, &cfg, &i, &call));
	/* it came back before anything stood ready; what it accepts waits */
	assert_int_equal(postern_context_describe(ctx, &layers, line, sizeof(line)),
	    POSTERN_ESTATE);
	assert_int_equal(bind(s, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(s, 8), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
	TIMED(postern_server_listen(house.server, s));
	assert_int_equal(done_of(call).result, 0);
	assert_int_equal(postern_context_describe(ctx, &layers, line, sizeof(line)), 0);
	/* the next finds it serving already */
	TIMED(postern_server_new_async(&next, ctx, &cfg, &i, &call));
	assert_int_equal(done_of(call).result, 0);
	return ntohs(a.sin_port);
}

/* A server that thinks before it says its version. */
static void
begin_sftp(postern_transport *t)
{
	const char *const argv[] = { "/bin/sh", "-c", "head -c 9 >/dev/null; sleep \"$1\";"
		"printf '\\0\\0\\0\\5\\2\\0\\0\\0\\3'; cat", "sh", SLOW_S, NULL };
	int64_t began = now_ms();
	postern_sftp *s = NULL;
	uint64_t call;

	assert_int_equal(postern_server_set_subsystem_program(house.server, "sftp", argv, NULL), 0);
	TIMED(postern_transport_open_sftp_client_async(t, &s, &call));
	assert_non_null(postern_sftp_get_channel(s));
	assert_int_equal(postern_sftp_get_version(s), 0);
	assert_int_equal(done_of(call).result, 0);
	assert_true(now_ms() - began >= SLOW_MS);
	assert_int_equal(postern_sftp_get_version(s), 3);
	postern_sftp_free(s);
}

static void
no_call_waits(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_client_config client = POSTERN_CLIENT_CONFIG;
	struct postern_event ev;
	int64_t began = now_ms();
	uint64_t call;
	unsigned port;
	char name[64];

	(void)state;
	memset(&house, 0, sizeof(house));
	cfg.helper_dir = slow;
	TIMED(postern_context_new_async(&ctx, &cfg, &call));
	house.ctx = ctx;
	ev = done_of(call);
	assert_int_equal(ev.result, 0);
	assert_true(now_ms() - began >= SLOW_MS);
	port = serves();
	assert_string_equal(postern_context_get_server_key(ctx, 0, &client.host_key,
	    &client.host_key_len), "ssh-ed25519");
	began = now_ms();
	(void)snprintf(name, sizeof(name), "localhost:%u", port);
	TIMED(postern_transport_new_host_async(ctx, name, &call));
	ev = done_of(call);
	assert_int_equal(ev.result, 0);
	assert_true(now_ms() - began >= SLOW_MS);
	TIMED(postern_transport_connect_async(ev.transport, &client, "robey", "foo", NULL, &call));
	assert_int_equal(done_of(call).result, 0);
	assert_int_equal(house.logins, 1);
	begin_sftp(ev.transport);
	if (longest >= CALL_MS)
		fail_msg("a call took %lld ms", (long long)longest);
	postern_context_free(ctx);
}

/* Calls that are made before the monitor is there are done when it is. */
static void
nothing_need_wait_for_the_first_event(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_event ev = POSTERN_EVENT;
	uint64_t first, second;

	(void)state;
	cfg.helper_dir = slow;
	assert_int_equal(postern_context_new_async(&ctx, &cfg, &first), 0);
	assert_int_equal(postern_key_load_async(ctx, seed_file(samples_clear[0].file), NULL,
	    &second), 0);
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
	assert_int_equal(done_of(first).result, 0);
	ev = done_of(second);
	assert_int_equal(ev.result, 0);
	assert_string_equal(postern_key_algorithm(ev.key), "ssh-ed25519");
	postern_context_free(ctx);
}

/* Given up before it is there: nothing is left. */
static void
it_may_be_freed_at_once(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;

	(void)state;
	cfg.helper_dir = slow;
	assert_int_equal(postern_context_new_async(&ctx, &cfg, NULL), 0);
	postern_context_free(ctx);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	cfg.helper_dir = "/nonexistent";
	assert_int_equal(postern_context_new_async(&ctx, &cfg, NULL), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_call_waits),
		cmocka_unit_test(nothing_need_wait_for_the_first_event),
		cmocka_unit_test(it_may_be_freed_at_once),
	};

	return cmocka_run_group_tests(tests, find_programs, forget_programs);
}
