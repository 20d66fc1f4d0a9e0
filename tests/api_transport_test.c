/* api_transport_test.c - handles: of two descriptors, stopped, after a fork, kept alive,
 * and what can be asked of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

static postern_context *ctx;
static postern_transport *t;
static int peer = -1, closed;

static int
setup(void **state)
{
	int pair[2];

	closed = 0;
	if (fake_setup(state) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	peer = pair[1];
	if (postern_context_new(&ctx, NULL, SOON) != 0)
		return -1;
	return postern_transport_new(&t, ctx, pair[0]);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	ipc_close_fds(&peer, 1);
	return 0;
}

static void
transport_closed(void *user, postern_transport *which, const struct postern_exception *e)
{
	(void)user;
	(void)e;
	assert_ptr_equal(which, t);
	closed++;
}

static int
start(void)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = "host";
	cfg.interface.transport_closed = transport_closed;
	return postern_transport_start_client(t, &cfg, SOON);
}

static void
log_in(void)
{
	assert_int_equal(start(), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
}

/* ---- two descriptors ---- */

static void
a_pair_with_a_hole_is_taken_and_refused(void **state)
{
	postern_transport *other = NULL;
	int file, before = fake_open_fds();

	(void)state;
	file = fake_file("x");
	assert_int_equal(postern_transport_new_pair(&other, ctx, file, -1), -EBADF);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	file = fake_file("x");
	assert_int_equal(postern_transport_new_pair(&other, ctx, -1, file), -EBADF);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(postern_transport_new_pair(&other, ctx, -1, -1), -EBADF);
	file = fake_file("x");
	ctx->pid++;
	assert_int_equal(postern_transport_new_pair(&other, ctx, file, file), POSTERN_EFORKED);
	ctx->pid--;
	assert_null(other);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(fake_open_fds(), before);
}

static void
a_pair_goes_to_the_worker_as_two(void **state)
{
	int in[2], out[2], before;

	(void)state;
	postern_transport_free(t);
	before = fake_open_fds();
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(postern_transport_new_pair(&t, ctx, in[0], out[1]), 0);
	assert_true((fcntl(in[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(out[1], F_GETFL) & O_NONBLOCK) != 0);
	assert_string_equal(postern_transport_getpeername(t), "");
	assert_string_equal(postern_transport_getsockname(t), "");
	assert_int_equal(start(), 0);
	assert_int_equal(fake_seen->pairs, 1);
	assert_int_equal(fcntl(in[0], F_GETFD), -1);
	assert_int_equal(fcntl(out[1], F_GETFD), -1);
	(void)close(in[1]);
	(void)close(out[0]);
	assert_int_equal(fake_open_fds(), before);
}

static void
the_same_twice_is_one(void **state)
{
	int pair[2];

	(void)state;
	postern_transport_free(t);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new_pair(&t, ctx, pair[0], pair[0]), 0);
	assert_int_equal(start(), 0);
	assert_int_equal(fake_seen->pairs, 0);
	assert_int_equal(fcntl(pair[0], F_GETFD), -1);
	(void)close(pair[1]);
}

static void
an_unstarted_pair_is_given_back(void **state)
{
	int in[2], out[2];

	(void)state;
	postern_transport_free(t);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(postern_transport_new_pair(&t, ctx, in[0], out[1]), 0);
	postern_transport_free(t);
	assert_int_equal(fcntl(in[0], F_GETFD), -1);
	assert_int_equal(fcntl(out[1], F_GETFD), -1);
	(void)close(in[1]);
	(void)close(out[0]);
}

/* ---- stop ---- */

static void
stopping_is_at_once_and_once(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_channel *ch = NULL;
	int ends = 0;

	(void)state;
	log_in();
	assert_true(postern_transport_is_active(t));
	postern_transport_stop(t);
	assert_false(postern_transport_is_active(t));
	/* what is asked now ends with the connection, and does not hang */
	assert_true(postern_transport_open_session(t, &ch, SOON) < 0);
	postern_transport_stop(t);
	assert_int_equal(fake_seen->closes_now, 1);
	assert_int_equal(closed, 1);
	for (int i = 0; i < 10 && postern_next(ctx, &ev, 20) == 1; i++)
		ends += ev.type == POSTERN_EVENT_END;
	assert_int_equal(ends, 1);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	postern_transport_free(t);	/* the handle stayed */
}

static void
stopping_before_the_start_gives_the_descriptor_back(void **state)
{
	char byte;

	(void)state;
	postern_transport_stop(t);
	assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(start(), POSTERN_ESTATE);
	assert_int_equal(fake_seen->closes, 0);
}

/* ---- fork ---- */

static int
in_a_child(void (*what)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		what();
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void
leave(void)
{
	struct postern_event ev = POSTERN_EVENT;
	int link = t->worker.fd;

	if (postern_transport_auth_none(t, "x", 0) != POSTERN_EFORKED)
		_exit(1);
	postern_transport_stop(t);	/* nothing: it is not this process's */
	postern_transport_atfork(t);
	if (link >= 0 && fcntl(link, F_GETFD) != -1)
		_exit(2);
	if (postern_transport_set_keepalive(t, 1, 1) != POSTERN_EFORKED ||
	    postern_next(ctx, &ev, 0) != POSTERN_EFORKED)
		_exit(3);
	postern_transport_atfork(t);
	postern_context_atfork(ctx);
}

static void
the_parents_session_outlives_the_childs_atfork(void **state)
{
	postern_channel *ch = NULL;

	(void)state;
	log_in();
	assert_int_equal(in_a_child(leave), 0);
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
	assert_int_equal(in_a_child(leave), 0);
	assert_true(postern_transport_is_active(t));
	assert_int_equal(postern_channel_exec_command(ch, "true", SOON), 0);
	assert_int_equal(fake_seen->closes, 0);
	postern_transport_atfork(t);	/* not forked: nothing */
	assert_true(postern_transport_is_active(t));
}

/* ---- keepalive ---- */

static void
keepalive_is_for_logins(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_set_keepalive(t, 1000, 3), POSTERN_ESTATE);
	log_in();
	assert_int_equal(postern_transport_set_keepalive(t, -1, 3), -EINVAL);
	assert_int_equal(postern_transport_set_keepalive(t, 1000, 0), 0);
	for (int i = 0; i < 100 && fake_seen->keepalives < 1; i++)
		fake_pause(10);
	assert_int_equal(fake_seen->keepalives, 1);
	assert_int_equal(fake_seen->alive_interval_ms, 1000);
	assert_int_equal(fake_seen->alive_max, 3);
	assert_int_equal(postern_transport_set_keepalive(t, 0, 7), 0);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_true(postern_transport_set_keepalive(t, 1000, 3) < 0);
}

static void
a_rekey_limit_is_for_logins(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_set_rekey_limit(t, 1 << 20, 1000), POSTERN_ESTATE);
	log_in();
	assert_int_equal(postern_transport_set_rekey_limit(t, 1 << 20, -1), -EINVAL);
	assert_int_equal(postern_transport_set_rekey_limit(t, 1ull << 40, 1000), 0);
	for (int i = 0; i < 100 && fake_seen->rekey_limits < 1; i++)
		fake_pause(10);
	assert_int_equal(fake_seen->rekey_limits, 1);
	assert_int_equal(fake_seen->rekey_bytes, 1ull << 40);
	assert_int_equal(fake_seen->rekey_interval_ms, 1000);
}

/* ---- what can be asked ---- */

static void
a_description_is_never_more_than_there_is_room(void **state)
{
	char whole[512], out[512];
	size_t need;

	(void)state;
	log_in();
	assert_int_equal(postern_transport_describe(t, whole, sizeof(whole)), 0);
	need = strlen(whole) + 1;
	for (size_t size = 0; size < need; size++) {
		memset(out, 'x', sizeof(out));
		assert_int_equal(postern_transport_describe(t, out, size), -ERANGE);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'x');
		if (size > 0) {
			assert_int_equal(strlen(out), size - 1);
			assert_memory_equal(out, whole, size - 1);
		}
	}
	assert_int_equal(postern_transport_describe(t, out, need), 0);
	ctx->pid++;
	assert_int_equal(postern_transport_describe(t, out, sizeof(out)), POSTERN_EFORKED);
	ctx->pid--;
}

static void
a_description_is_one_printable_line(void **state)
{
	char out[512];

	(void)state;
	log_in();
	free(t->ciphers[0]);
	t->ciphers[0] = strdup("aes\x1b[2J\ncut\x80");
	assert_int_equal(postern_transport_describe(t, out, sizeof(out)), 0);
	for (size_t i = 0; out[i] != '\0'; i++)
		assert_in_range(out[i], 0x20, 0x7e);
	assert_non_null(strstr(out, "aes\\x1b[2J\\x0acut\\x80"));
}

static void
assert_described(const char *want)
{
	char out[512];

	assert_int_equal(postern_transport_describe(t, out, sizeof(out)), 0);
	if (strstr(out, want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", want, out);
}

static void
a_description_follows_the_connection(void **state)
{
	postern_channel *a = NULL, *b = NULL;

	(void)state;
	assert_described("<postern transport ");
	assert_described(", peer local (unconnected)>");
	assert_int_equal(start(), 0);
	assert_described(", client, peer local (cipher aes1) (connected; awaiting auth)>");
	free(t->ciphers[0]);
	t->ciphers[0] = strdup("aes192-ctr");
	assert_described("(cipher aes192-ctr, 192 bits)");
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	assert_described("(active; 0 open channels)>");
	assert_int_equal(postern_transport_open_session(t, &a, SOON), 0);
	assert_described("(active; 1 open channel)>");
	assert_int_equal(postern_transport_open_session(t, &b, SOON), 0);
	assert_described("(active; 2 open channels)>");
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_described("(unconnected)>");
}

static void
nothing_is_known_before_it_is_so(void **state)
{
	struct postern_agreement a = POSTERN_AGREEMENT;
	const char *alg = "x";
	size_t len = 7;

	(void)state;
	assert_null(postern_transport_get_attempted_username(t));
	assert_null(postern_transport_get_username(t));
	assert_null(postern_transport_get_server(t));
	assert_null(postern_transport_get_server_key(t, &alg, &len));
	assert_null(alg);
	assert_int_equal(len, 0);
	assert_int_equal(postern_transport_get_agreement(t, &a), POSTERN_ESTATE);
	assert_int_equal(start(), 0);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.compression_c2s, "none");
	assert_string_equal(a.compression_s2c, "none");
	/* the key is the server's, not ours */
	assert_null(postern_transport_get_server_key(t, &alg, &len));
	assert_int_equal(postern_transport_auth_password(t, "robey", "bad",
	    POSTERN_NO_FALLBACK, SOON), POSTERN_EAUTH);
	assert_string_equal(postern_transport_get_attempted_username(t), "robey");
	assert_null(postern_transport_get_username(t));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_pair_with_a_hole_is_taken_and_refused),
		CASE(a_pair_goes_to_the_worker_as_two),
		CASE(the_same_twice_is_one),
		CASE(an_unstarted_pair_is_given_back),
		CASE(stopping_is_at_once_and_once),
		CASE(stopping_before_the_start_gives_the_descriptor_back),
		CASE(the_parents_session_outlives_the_childs_atfork),
		CASE(keepalive_is_for_logins), CASE(a_rekey_limit_is_for_logins),
		CASE(a_description_is_never_more_than_there_is_room),
		CASE(a_description_is_one_printable_line),
		CASE(a_description_follows_the_connection),
		CASE(nothing_is_known_before_it_is_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
