/* api_context_test.c - a context's life: start, keys, struct sizes, fork, the death
 * of its monitor; all against a monitor of straw. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/time.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };
static char last_line[512];

static void
on_alarm(int number)
{
	(void)number;
}

static void
keep_line(void *user, const struct postern_log_line *line)
{
	(void)user;
	(void)snprintf(last_line, sizeof(last_line), "%s", line->text);
}

static postern_context *
open_context(void)
{
	postern_context *ctx = NULL;

	assert_int_equal(postern_context_new(&ctx, NULL, SOON), 0);
	assert_non_null(ctx);
	return ctx;
}

static void
a_monitor_of_another_build_is_named(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	postern_context *ctx = NULL;
	int before = fake_open_fds();

	(void)state;
	fake_how.other_build = 1;
	cfg.log = keep_line;
	assert_int_equal(postern_context_new(&ctx, &cfg, SOON), POSTERN_EMONITOR);
	assert_null(ctx);
	assert_non_null(strstr(last_line, "different builds"));
	assert_int_equal(fake_open_fds(), before);
	/* reaped: no zombie stays behind */
	assert_int_equal(waitpid(fake_pid, NULL, WNOHANG), -1);
}

static void
a_monitor_that_says_nothing_times_out(void **state)
{
	postern_context *ctx = NULL;
	int before = fake_open_fds();

	(void)state;
	fake_how.mute = 1;
	assert_int_equal(postern_context_new(&ctx, NULL, 100), POSTERN_ETIMEOUT);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(waitpid(fake_pid, NULL, WNOHANG), -1);
}

static void
an_async_start_tells_what_came_of_it(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_event ev = POSTERN_EVENT;
	postern_context *ctx = NULL;
	uint64_t id;
	int before = fake_open_fds();

	(void)state;
	cfg.log = keep_line;
	assert_int_equal(postern_context_new_async(&ctx, &cfg, &id), 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, id);
	assert_int_equal(ev.result, 0);
	postern_context_free(ctx);
	fake_how.other_build = 1;
	assert_int_equal(postern_context_new_async(&ctx, &cfg, &id), 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.call, id);
	assert_int_equal(ev.result, POSTERN_EMONITOR);
	assert_non_null(strstr(last_line, "different builds"));
	postern_context_free(ctx);
	fake_how.other_build = 0;
	fake_how.mute = 1;
	assert_int_equal(postern_context_new_async(&ctx, &cfg, &id), 0);
	assert_int_equal(postern_next(ctx, &ev, 50), POSTERN_ETIMEOUT);
	postern_cancel(ctx, id);
	postern_context_free(ctx);
	cfg.hexdump_max = 3;
	assert_int_equal(postern_context_new_async(&ctx, &cfg, &id), -EINVAL);
	assert_int_equal(fake_open_fds(), before);
}

static void
an_async_server_tells_what_came_of_it(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_context *ctx;
	postern_server *s;
	uint64_t id;

	(void)state;
	fake_how.no_sandbox = 1;
	ctx = open_context();
	assert_int_equal(postern_server_new_async(&s, ctx, NULL, NULL, &id), POSTERN_ESTATE);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("host"), NULL, SOON), 0);
	assert_int_equal(postern_server_new_async(&s, ctx, NULL, NULL, &id), 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.call, id);
	assert_int_equal(ev.result, POSTERN_ESANDBOX);
	postern_server_free(s);
	postern_context_free(ctx);
}

static void
a_missing_monitor_is_an_error(void **state)
{
	postern_context *ctx = NULL;
	int before = fake_open_fds();

	(void)state;
	fake_how.missing = 1;
	assert_int_equal(postern_context_new(&ctx, NULL, 100), -ENOENT);
	assert_int_equal(fake_open_fds(), before);
}

static void
a_config_of_any_size_is_understood_or_refused(void **state)
{
	struct {
		struct postern_context_config cfg;
		char more[16];
	} big = { POSTERN_CONTEXT_CONFIG, { 0 } };
	postern_context *ctx = NULL;

	(void)state;
	big.cfg.startups_full = 55;
	for (size_t size = 0; size < sizeof(size_t); size++) {
		big.cfg.size = size;
		assert_int_equal(postern_context_new(&ctx, &big.cfg, SOON), -EINVAL);
	}
	big.cfg.size = sizeof(big);
	big.more[15] = 1;	/* a wish of the future that we cannot grant */
	assert_int_equal(postern_context_new(&ctx, &big.cfg, SOON), -EINVAL);
	assert_int_equal(fake_seen->spawned, 0);
	big.more[15] = 0;
	assert_int_equal(postern_context_new(&ctx, &big.cfg, SOON), 0);
	postern_context_free(ctx);
	assert_int_equal(fake_seen->startups_full, 55);
	big.cfg.size = sizeof(size_t);	/* the oldest caller there can be */
	assert_int_equal(postern_context_new(&ctx, &big.cfg, SOON), 0);
	postern_context_free(ctx);
	assert_int_equal(fake_seen->startups_full, 100);
	assert_int_equal(fake_seen->startups_source, 0);
	assert_int_equal(fake_seen->source_bits_ipv4, 32);
	assert_int_equal(fake_seen->source_bits_ipv6, 128);
}

static void
sources_are_as_wide_as_addresses_at_most(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	postern_context *ctx = NULL;

	(void)state;
	cfg.source_bits_ipv4 = 33;
	assert_int_equal(postern_context_new(&ctx, &cfg, SOON), -EINVAL);
	cfg.source_bits_ipv4 = 24;
	cfg.source_bits_ipv6 = 129;
	assert_int_equal(postern_context_new(&ctx, &cfg, SOON), -EINVAL);
	cfg.source_bits_ipv6 = 56;
	cfg.startups_source = 3;
	assert_int_equal(postern_context_new(&ctx, &cfg, SOON), 0);
	postern_context_free(ctx);
	assert_int_equal(fake_seen->startups_source, 3);
	assert_int_equal(fake_seen->source_bits_ipv4, 24);
	assert_int_equal(fake_seen->source_bits_ipv6, 56);
}

static void
freeing_leaves_nothing_behind(void **state)
{
	int before = fake_open_fds();
	postern_context *ctx = open_context();

	(void)state;
	assert_true(postern_context_fd(ctx) >= 0);
	assert_int_equal(fcntl(postern_context_fd(ctx), F_GETFD), FD_CLOEXEC);
	assert_int_equal(postern_context_monitor_pid(ctx), fake_pid);
	postern_context_free(ctx);
	postern_context_free(NULL);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(waitpid(fake_pid, NULL, WNOHANG), -1);
}

static void
a_monitor_that_does_not_end_is_ended(void **state)
{
	postern_context *ctx;

	(void)state;
	fake_how.deaf = 1;
	ctx = open_context();
	postern_context_free(ctx);
	assert_int_equal(kill(fake_pid, 0), -1);
}

static void
keys_bad_ones_first(void **state)
{
	postern_context *ctx = open_context();
	postern_key *k = NULL;
	const void *blob;
	size_t len;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, -1, NULL, SOON), -EBADF);
	assert_null(postern_context_key_public(ctx, &len));
	assert_int_equal(postern_key_load(&k, ctx, fake_file("token"), NULL, SOON), POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_TOKEN);
	assert_memory_equal(postern_context_key_public(ctx, &len), "BLOB", 4);
	assert_int_equal(len, 4);
	assert_int_equal(postern_key_load(&k, ctx, fake_file("junk"), NULL, SOON), POSTERN_EKEY);
	assert_null(postern_context_key_public(ctx, &len));
	assert_int_equal(len, 0);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_NOT_A_KEY);
	assert_int_equal(postern_key_load(&k, ctx, fake_file("locked"), NULL, SOON), POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_NEEDS_PASSPHRASE);
	assert_null(k);
	/* given up: the key that arrives late is thrown away by the monitor too */
	assert_int_equal(postern_key_load(&k, ctx, fake_file("slow"), NULL, 50), POSTERN_ETIMEOUT);
	assert_int_equal(postern_key_load(&k, ctx, fake_file("locked"), "pass", SOON), 0);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_FINE);
	assert_string_equal(postern_key_algorithm(k), "ssh-ed25519");
	assert_string_equal(postern_key_comment(k), "a key");
	blob = postern_key_blob(k, &len);
	assert_int_equal(len, 4);
	assert_memory_equal(blob, "BLOB", 4);
	postern_key_free(k);
	postern_key_free(NULL);
	postern_context_free(ctx);
	assert_int_equal(fake_seen->drops, 2);
}

static void
host_keys_one_per_type_and_none_after_sealing(void **state)
{
	postern_context *ctx = open_context();
	postern_server *s = NULL;
	const void *blob;
	size_t len;

	(void)state;
	/* no server without a host key */
	assert_int_equal(postern_server_new(&s, ctx, NULL, NULL, SOON), POSTERN_ESTATE);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("one"), NULL, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("two"), NULL, SOON), 0);
	assert_string_equal(postern_context_get_server_key(ctx, 0, &blob, &len), "ssh-ed25519");
	assert_null(postern_context_get_server_key(ctx, 1, &blob, &len));
	assert_int_equal(postern_server_new(&s, ctx, NULL, NULL, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("three"), NULL, SOON),
	    POSTERN_ESTATE);
	postern_context_free(ctx);
	assert_int_equal(fake_seen->sealed, 1);
}

static void
what_protects_workers_is_told_once_it_is_known(void **state)
{
	postern_context *ctx = open_context();
	postern_server *s;
	unsigned layers = 0;
	char line[64], tiny[4];

	(void)state;
	assert_int_equal(postern_context_describe(ctx, &layers, line, sizeof(line)), POSTERN_ESTATE);
	assert_int_equal(postern_context_zygote_pid(ctx), POSTERN_ESTATE);
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("one"), NULL, SOON), 0);
	assert_int_equal(postern_server_new(&s, ctx, NULL, NULL, SOON), 0);
	assert_int_equal(postern_context_describe(ctx, &layers, tiny, sizeof(tiny)), -ERANGE);
	assert_int_equal(layers, 0);
	assert_int_equal(postern_context_describe(ctx, &layers, line, sizeof(line)), 0);
	assert_int_equal(layers, 31);
	assert_string_equal(line, "five layers");
	assert_int_equal(postern_context_zygote_pid(ctx), 77);
	postern_context_free(ctx);
}

static void
a_missing_sandbox_is_told_apart_from_a_dead_monitor(void **state)
{
	postern_context *ctx;
	postern_server *s = NULL;

	(void)state;
	fake_how.no_sandbox = 1;
	ctx = open_context();
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("one"), NULL, SOON), 0);
	assert_int_equal(postern_server_new(&s, ctx, NULL, NULL, SOON), POSTERN_ESANDBOX);
	postern_context_free(ctx);
}

static void
a_dead_monitor_is_reported_and_reaped(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_context *ctx = open_context();
	postern_transport *t = NULL;
	postern_key *k;
	int pair[2], r = POSTERN_ETIMEOUT;

	(void)state;
	assert_int_equal(kill(fake_pid, SIGKILL), 0);
	for (int i = 0; i < 10 && r == POSTERN_ETIMEOUT; i++)
		r = postern_next(ctx, &ev, 1000);
	assert_int_equal(r, POSTERN_EMONITOR);
	for (int i = 0; i < 100 && waitpid(fake_pid, NULL, WNOHANG) != -1; i++) {
		(void)!postern_next(ctx, &ev, 10);
		fake_pause(5);
	}
	assert_int_equal(kill(fake_pid, 0), -1);
	assert_int_equal(postern_key_load(&k, ctx, fake_file("x"), NULL, 100), POSTERN_EMONITOR);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), POSTERN_EMONITOR);
	assert_int_equal(fcntl(pair[0], F_GETFD), -1);	/* taken all the same */
	(void)close(pair[1]);
	postern_context_free(ctx);
}

static void
a_forked_child_is_told_so_and_disturbs_nobody(void **state)
{
	postern_context *ctx = open_context();
	struct postern_event ev = POSTERN_EVENT;
	postern_key *k = NULL, *k2 = NULL;
	int status = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("x"), NULL, SOON), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int bad = 0;

		bad |= postern_next(ctx, &ev, 0) != POSTERN_EFORKED;
		bad |= postern_context_fd(ctx) != POSTERN_EFORKED;
		bad |= postern_key_load(&k2, ctx, fake_file("x"), NULL, 0) != POSTERN_EFORKED;
		postern_key_free(k);
		postern_context_atfork(ctx);
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* the parent's loop still hears its monitor */
	postern_context_atfork(ctx);	/* not a child: nothing happens */
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
	assert_int_equal(postern_key_load(&k2, ctx, fake_file("x"), NULL, SOON), 0);
	postern_context_free(ctx);
	assert_int_equal(fake_seen->drops, 0);
}

static void
waiting_ends_with_a_signal_or_with_its_time(void **state)
{
	postern_context *ctx = open_context();
	struct postern_event ev = POSTERN_EVENT;
	struct itimerval in = { .it_value = { .tv_usec = 50000 } };
	struct sigaction sa = { .sa_handler = on_alarm };

	(void)state;
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
	assert_int_equal(postern_next(ctx, &ev, 20), POSTERN_ETIMEOUT);
	ev.size = 0;
	assert_int_equal(postern_next(ctx, &ev, 0), -EINVAL);
	ev.size = sizeof(ev);
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &in, NULL), 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), -EINTR);
	postern_context_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_monitor_of_another_build_is_named, fake_setup),
		cmocka_unit_test_setup(a_monitor_that_says_nothing_times_out, fake_setup),
		cmocka_unit_test_setup(an_async_start_tells_what_came_of_it, fake_setup),
		cmocka_unit_test_setup(an_async_server_tells_what_came_of_it, fake_setup),
		cmocka_unit_test_setup(a_missing_monitor_is_an_error, fake_setup),
		cmocka_unit_test_setup(a_config_of_any_size_is_understood_or_refused, fake_setup),
		cmocka_unit_test_setup(sources_are_as_wide_as_addresses_at_most, fake_setup),
		cmocka_unit_test_setup(freeing_leaves_nothing_behind, fake_setup),
		cmocka_unit_test_setup(a_monitor_that_does_not_end_is_ended, fake_setup),
		cmocka_unit_test_setup(keys_bad_ones_first, fake_setup),
		cmocka_unit_test_setup(host_keys_one_per_type_and_none_after_sealing, fake_setup),
		cmocka_unit_test_setup(what_protects_workers_is_told_once_it_is_known, fake_setup),
		cmocka_unit_test_setup(a_missing_sandbox_is_told_apart_from_a_dead_monitor, fake_setup),
		cmocka_unit_test_setup(a_dead_monitor_is_reported_and_reaped, fake_setup),
		cmocka_unit_test_setup(a_forked_child_is_told_so_and_disturbs_nobody, fake_setup),
		cmocka_unit_test_setup(waiting_ends_with_a_signal_or_with_its_time, fake_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
