/*
 * api_twins_test.c - every blocking call has a twin that does not wait, and the twins of
 * keys, tables and sftp bring what the calls bring.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

static postern_context *ctx;
static uint64_t call;			/* the last that was begun */

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

static int
agent_that(const char *says)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[1], says, strlen(says)), strlen(says));
	(void)close(pair[1]);
	return pair[0];
}

static int
agent_again(void *user)
{
	return agent_that(user);
}

/* Its event. */
static struct postern_event
done(int begun, int result)
{
	struct postern_event ev = POSTERN_EVENT;

	assert_int_equal(begun, 0);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, result);
	return ev;
}

static int
sign(void *user, const void *data, size_t len, void *out, size_t size)
{
	(void)user, (void)data, (void)len, (void)out, (void)size;
	return -1;
}

static void
keys(void **state)
{
	int before = fake_open_fds(), one;
	postern_key *k;

	(void)state;
	k = done(postern_key_load_memory_async(ctx, "file", 4, NULL, &call), 0).key;
	assert_string_equal(postern_key_algorithm(k), "ssh-ed25519");
	assert_int_equal(fake_open_fds(), before);
	(void)done(postern_key_load_memory_async(ctx, "locked", 6, NULL, &call), POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(ctx), POSTERN_KEY_NEEDS_PASSPHRASE);
	assert_int_equal(postern_key_load_memory_async(ctx, "x", 256 * 1024 + 1, NULL, &call),
	    -EMSGSIZE);
	/* a certificate is the key's from then on, or not */
	(void)done(postern_key_add_certificate_async(k, "bad", 3, &call), -EINVAL);
	assert_false(k->is_certified);
	(void)done(postern_key_add_certificate_async(k, "good", 4, &call), 0);
	assert_true(k->is_certified);
	/* one that goes meanwhile is not looked for */
	assert_int_equal(postern_key_add_certificate_async(k, "good", 4, &call), 0);
	postern_key_free(k);
	(void)done(0, 0);
	k = done(postern_key_new_signer_async(ctx, "ssh-ed25519", "BLOB", 4, sign, &one, &call),
	    0).key;
	assert_true(k->sign == sign && k->sign_user == &one);
	postern_key_free(k);
	(void)done(postern_key_new_signer_async(ctx, "ssh-ed25519", "", 0, sign, &one, &call), POSTERN_EKEY);
	assert_int_equal(postern_key_new_signer_async(ctx, "x", "BLOB", 4, NULL, &one, &call),
	    -EINVAL);
	/* given up: what comes nevertheless is nobody's */
	assert_int_equal(postern_key_load_memory_async(ctx, "slow", 4, NULL, &call), 0);
	postern_cancel(ctx, call);
	assert_int_equal(fake_open_fds(), before);
}

static void
host_keys(void **state)
{
	const void *blob;
	size_t n;

	(void)state;
	assert_int_equal(postern_context_add_server_key_async(ctx, -1, NULL, &call), -EBADF);
	(void)done(postern_context_add_server_key_async(ctx, fake_file("junk"), NULL, &call), POSTERN_EKEY);
	assert_null(postern_context_get_server_key(ctx, 0, &blob, &n));
	assert_null(done(postern_context_add_server_key_async(ctx, fake_file("host"), NULL, &call),
	    0).key);
	assert_string_equal(postern_context_get_server_key(ctx, 0, &blob, &n), "ssh-ed25519");
	/* one of its type */
	(void)done(postern_context_add_server_key_async(ctx, fake_file("host"), NULL, &call), 0);
	assert_null(postern_context_get_server_key(ctx, 1, &blob, &n));
	(void)done(postern_context_add_server_certificate_async(ctx, "bad", 3, &call), -EINVAL);
	(void)done(postern_context_add_server_certificate_async(ctx, "good", 4, &call), 0);
	/* nobody fetches the event: the context's all the same */
	assert_int_equal(postern_context_add_server_key_async(ctx, fake_file("host"), NULL, &call),
	    0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(api_loop_turn(ctx, 10), 0);
	postern_cancel(ctx, call);
	assert_non_null(postern_context_get_server_key(ctx, 0, &blob, &n));
}

static void
tables(void **state)
{
	int before = fake_open_fds();

	(void)state;
	(void)done(postern_context_load_revoked_keys_async(ctx, fake_file("list"), &call), 0);
	(void)done(postern_context_load_revoked_keys_async(ctx, fake_file("bad"), &call), -EINVAL);
	assert_int_equal(postern_context_load_revoked_keys_async(ctx, -1, &call), -EBADF);
	(void)done(postern_context_load_server_moduli_async(ctx, fake_file("seven.."), &call), 7);
	(void)done(postern_context_load_server_moduli_async(ctx, fake_file(""), &call), 0);
	assert_int_equal(postern_context_load_server_moduli_async(ctx, -1, &call), -EBADF);
	/* and as before */
	assert_int_equal(postern_context_load_server_moduli(ctx, fake_file("five."), SOON), 5);
	assert_int_equal(fake_open_fds(), before);
}

static void
agents(void **state)
{
	int before = fake_open_fds();
	postern_key *keys[3];
	struct postern_event ev;

	(void)state;
	ev = done(postern_agent_keys_async(ctx, agent_that("3"), &call), 0);
	assert_int_equal(ev.value, 3);
	assert_int_equal(ev.data_len, sizeof(keys));
	memcpy(keys, ev.data, sizeof(keys));
	ev = done(postern_agent_add_key_async(ctx, agent_that("ok"), keys[0], "c", 9, 1, &call), 0);
	assert_int_equal(fake_seen->added_for, 9);
	(void)done(postern_agent_add_key_async(ctx, agent_that("bad"), keys[0], NULL, 0, 0, &call),
	    POSTERN_EPROTO);
	assert_int_equal(postern_agent_add_key_async(ctx, agent_that("ok"), NULL, "c", 0, 0, &call),
	    -EINVAL);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(postern_key_comment(keys[i]), "an agent's");
		postern_key_free(keys[i]);
	}
	assert_true(TAILQ_EMPTY(&ctx->keys));
	ev = done(postern_agent_keys_async(ctx, agent_that("bad"), &call), POSTERN_EPROTO);
	assert_int_equal(ev.data_len, 0);
	assert_int_equal(postern_agent_keys_async(ctx, -1, &call), -EBADF);
	ev = done(postern_agent_keys_from_async(ctx, agent_again, (void *)(uintptr_t)"1", &call), 0);
	assert_int_equal(ev.value, 1);
	assert_int_equal(fake_seen->again, call);
	memcpy(keys, ev.data, sizeof(keys[0]));
	postern_key_free(keys[0]);
	assert_int_equal(postern_agent_keys_from_async(ctx, NULL, NULL, &call), -EINVAL);
	/* what nobody fetched goes back */
	assert_int_equal(postern_agent_keys_async(ctx, agent_that("2"), &call), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(api_loop_turn(ctx, 10), 0);
	postern_cancel(ctx, call);
	assert_true(TAILQ_EMPTY(&ctx->keys));
	assert_int_equal(fake_open_fds(), before);
}

/* ---- sftp ---- */

static postern_transport *
logged_in(void)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	postern_transport *t = NULL;
	int pair[2];

	cfg.host = "host";
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "good", NULL, SOON), 0);
	(void)close(pair[1]);
	return t;
}

static void
is_begun(postern_sftp *s)
{
	char next[2];

	assert_int_equal(postern_sftp_get_version(s), 3);
	/* and nothing behind the version was read */
	assert_int_equal(recv(postern_channel_fd(postern_sftp_get_channel(s)), next, 2,
	    MSG_DONTWAIT), 1);
	assert_int_equal(next[0], '!');
}

static void
sftp(void **state)
{
	postern_transport *t = logged_in();
	postern_sftp *s = NULL, *twin = NULL;
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	while (postern_next(ctx, &ev, 0) == 1)
		;
	assert_int_equal(postern_transport_open_sftp_client(t, &s, SOON), 0);
	is_begun(s);
	ev = done(postern_transport_open_sftp_client_async(t, &twin, &call), 0);
	assert_ptr_equal(ev.channel, postern_sftp_get_channel(twin));
	is_begun(twin);
	postern_sftp_free(twin);
	postern_sftp_free(s);
	assert_int_equal(t->n_channels, 0);
	/* no connection any more */
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_open_sftp_client(t, &s, SOON), POSTERN_ECLOSED);
	assert_int_equal(postern_transport_open_sftp_client_async(t, &twin, &call),
	    POSTERN_ECLOSED);
	assert_int_equal(t->n_calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys, setup, teardown),
		cmocka_unit_test_setup_teardown(host_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(tables, setup, teardown),
		cmocka_unit_test_setup_teardown(agents, setup, teardown),
		cmocka_unit_test_setup_teardown(sftp, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
