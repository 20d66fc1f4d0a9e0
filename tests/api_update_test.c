/* api_update_test.c - what an application is told of a host's changed keys, and when it is
 * told nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

static postern_context *ctx;
static int peer = -1, told, free_it;

static int
setup(void **state)
{
	told = free_it = 0;
	if (fake_setup(state) != 0)
		return -1;
	return postern_context_new(&ctx, NULL, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	if (peer >= 0)
		(void)close(peer);
	peer = -1;
	return 0;
}

static void
expect_key(const struct postern_host_key *k, const char *algorithm, const char *line)
{
	char print[64];

	assert_int_equal(k->size, sizeof(*k));
	assert_string_equal(k->host, "[host]:7");
	assert_string_equal(k->algorithm, algorithm);
	assert_string_equal(k->line, line);
	assert_int_equal(postern_fingerprint(k->key, k->key_len, print, sizeof(print)), 0);
	assert_string_equal(k->fingerprint, print);
}

static void
changed(void *user, postern_transport *t, const struct postern_known_hosts_change *c)
{
	assert_ptr_equal(user, &told);
	told++;
	assert_int_equal(c->size, sizeof(*c));
	assert_string_equal(c->host, "[host]:7");
	assert_int_equal(c->n_added, 2);
	expect_key(&c->added[0], "a", "a key");
	expect_key(&c->added[1], "bc", "bkey");
	assert_int_equal(c->added[1].key_len, 6);
	assert_int_equal(c->n_gone, 1);
	expect_key(&c->gone[0], "d", "");
	assert_memory_equal(c->gone[0].key, "\0\0\0\1d", 5);
	assert_int_equal(c->gone[0].clash_file, 1);
	assert_int_equal(c->gone[0].clash_line, 7);
	if (free_it)
		postern_transport_free(t);
}

static struct postern_client_config
client_of(const char *host)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = host;
	cfg.interface.user = &told;
	cfg.interface.known_hosts_changed = changed;
	return cfg;
}

static postern_transport *
new_transport(void)
{
	postern_transport *t = NULL;
	int pair[2];

	if (peer >= 0)
		(void)close(peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	return t;
}

static postern_transport *
logged_in(const char *host)
{
	struct postern_client_config cfg = client_of(host);
	postern_transport *t = new_transport();

	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	return t;
}

static void
turn(int times)
{
	struct postern_event ev = POSTERN_EVENT;

	for (int i = 0; i < times; i++)
		(void)!postern_next(ctx, &ev, 20);
}

static void
all_of_it_is_told(void **state)
{
	postern_transport *t = logged_in("changed");

	(void)state;
	turn(10);
	assert_int_equal(told, 1);
	assert_true(postern_transport_is_active(t));
	assert_int_equal(fake_seen->update, 1);
}

static void
the_callback_may_free_the_transport(void **state)
{
	(void)state;
	free_it = 1;
	(void)logged_in("changed");
	turn(10);
	assert_int_equal(told, 1);
}

/* A message that is not what it should be ends that connection alone. */
static void
broken(const char *host)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = logged_in(host), *other;

	turn(10);
	assert_int_equal(told, 0);
	assert_false(postern_transport_is_active(t));
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EMONITOR);
	other = logged_in("host");
	assert_true(postern_transport_is_active(other));
}

static void
what_is_malformed_is_not_told(void **state)
{
	(void)state;
	broken("changed-short");
	broken("changed-long");
	broken("changed-nameless");
}

/* Without the callback nobody asked for it. */
static void
it_comes_only_if_wanted(void **state)
{
	struct postern_client_config cfg = client_of("changed");
	postern_transport *t = new_transport();

	(void)state;
	cfg.interface.known_hosts_changed = NULL;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(fake_seen->update, 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	turn(10);
	assert_false(postern_transport_is_active(t));
}

static void
one_expected_key_is_not_updated(void **state)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t = new_transport();

	(void)state;
	cfg.host_key = "KEY";
	cfg.host_key_len = 3;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(fake_seen->update, 0);
}

static void
own_files_are_of_those_given(void **state)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t = new_transport();
	int files[2] = { fake_file("a"), fake_file("b") };

	(void)state;
	cfg.known_hosts = files;
	cfg.n_known_hosts = 2;
	cfg.own_known_hosts = 3;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	files[0] = fake_file("a");
	files[1] = fake_file("b");
	cfg.own_known_hosts = 2;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(fake_seen->own_files, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_it_is_told),
		TEST(the_callback_may_free_the_transport),
		TEST(what_is_malformed_is_not_told),
		TEST(it_comes_only_if_wanted),
		TEST(one_expected_key_is_not_updated),
		TEST(own_files_are_of_those_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
