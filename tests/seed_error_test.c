/*
 * seed_error_test.c - one case for each error code of postern.h, and the story that
 * get_exception tells with it.  (Those that other rows show are not repeated:
 * EAUTH, EHOSTKEY, EREFUSED, ETIMEOUT, ESTATE, EFORKED.)
 */
#include "tests/seed.h"

static void
ends_with(postern_transport *t, int code, struct postern_exception *e)
{
	struct postern_event ev = POSTERN_EVENT;

	for (int i = 0; i < 400 && postern_transport_is_active(t); i++)
		(void)!postern_next(house.ctx, &ev, 20);
	assert_int_equal(postern_transport_get_exception(t, e), 0);
	assert_int_equal(e->code, code);
	assert_string_not_equal(e->text, "");
	assert_string_not_equal(postern_strerror(code), "");
}

/* A transport over a socket whose other end is this test's. */
static postern_transport *
raw(int *peer)
{
	postern_transport *t;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, house.ctx, pair[0]), 0);
	*peer = pair[1];
	return t;
}

static void
seed_e_proto(void **state)
{
	static const char bad[] = "SSH-2.0-raw\r\n\177\177\177\177\177\177\177\177\177\177\177\177\177\177\177\177";
	struct postern_client_config cfg = seed_client();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t;
	int peer;

	(void)state;
	t = raw(&peer);
	assert_int_equal(write(peer, bad, sizeof(bad) - 1), (ssize_t)sizeof(bad) - 1);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_EPROTO);
	ends_with(t, POSTERN_EPROTO, &e);
	assert_int_equal(e.side, POSTERN_PEER);
	assert_int_equal(close(peer), 0);
}

static void
seed_e_cut(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t;
	int peer;

	(void)state;
	t = raw(&peer);
	assert_int_equal(close(peer), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ECUT);
	ends_with(t, POSTERN_ECUT, &e);
}

static void
seed_e_closed(void **state)
{
	postern_transport *t = seed_logged_in();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch;

	(void)state;
	assert_int_equal(postern_transport_close(house.theirs, SOON), 0);
	ends_with(t, POSTERN_ECLOSED, &e);
	assert_int_equal(e.disconnect, 11);
	assert_int_equal(e.side, POSTERN_PEER);
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), POSTERN_ECLOSED);
}

static void
seed_e_nomatch(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t;

	(void)state;
	o.ciphers = "aes128-ctr";
	t = seed_transport(seed_server(0, &o));
	o.ciphers = "aes256-ctr";
	cfg.options = &o;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ENOMATCH);
	ends_with(t, POSTERN_ENOMATCH, &e);
	assert_string_equal(e.ours, "aes256-ctr");
	assert_string_equal(e.theirs, "aes128-ctr");
}

static void
seed_e_worker(void **state)
{
	postern_transport *t = seed_logged_in();
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	assert_int_equal(kill(postern_transport_worker_pid(t), SIGKILL), 0);
	ends_with(t, POSTERN_EWORKER, &e);
	assert_int_equal(e.signal, SIGKILL);
	/* its peer sees a cut, no goodbye */
	seed_until(&house.ends, 1);
}

static void
seed_e_monitor(void **state)
{
	postern_transport *t = seed_logged_in();
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	postern_key *key;
	int r = 0;

	(void)state;
	assert_int_equal(kill(postern_context_monitor_pid(house.ctx), SIGKILL), 0);
	for (int i = 0; i < 400 && r != POSTERN_EMONITOR; i++)
		r = postern_next(house.ctx, &ev, 20);
	assert_int_equal(r, POSTERN_EMONITOR);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EMONITOR);
	assert_int_equal(postern_key_load(&key, house.ctx, seed_file(samples_clear[0].file), NULL,
	    SOON), POSTERN_EMONITOR);
}

static void
seed_e_limit(void **state)
{
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_client_config cfg = seed_client();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t;
	postern_channel *ch;
	uint64_t call;
	int r = 0;

	(void)state;
	/* the peer's limit is a refusal */
	o.channel_max = 2;
	t = seed_transport(seed_server(0, &o));
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	(void)seed_session(t);
	(void)seed_session(t);
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.refusal, 4);
	/* our own is ELIMIT */
	for (int i = 0; i < 2000 && r == 0; i++)
		r = postern_transport_global_request_async(t, "echo@test", NULL, &call);
	assert_int_equal(r, POSTERN_ELIMIT);
	assert_true(postern_transport_is_active(t));
}

static void
seed_e_key(void **state)
{
	postern_key *key;

	(void)state;
	assert_int_equal(postern_key_load(&key, house.ctx, seed_file(samples_encrypted[0].file), NULL,
	    SOON), POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(house.ctx), POSTERN_KEY_NEEDS_PASSPHRASE);
	assert_int_equal(postern_key_load(&key, house.ctx, seed_file(samples_encrypted[0].file),
	    "wrong", SOON), POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(house.ctx), POSTERN_KEY_WRONG_PASSPHRASE);
}

static void
seed_e_sandbox(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_server_config server = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	postern_context *ctx;
	postern_server *s;
	int r;

	(void)state;
	/* a layer that no kernel has */
	cfg.layers_required = 1u << 30;
	r = postern_context_new(&ctx, &cfg, SOON);
	/* whichever call is the first to hear of it */
	if (r == 0) {
		r = postern_context_add_server_key(ctx, seed_file(samples_clear[0].file), NULL, SOON);
		if (r == 0)
			r = postern_server_new(&s, ctx, &server, &i, SOON);
		postern_context_free(ctx);
	}
	assert_int_equal(r, POSTERN_ESANDBOX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(seed_e_proto), T(seed_e_cut), T(seed_e_closed), T(seed_e_nomatch), T(seed_e_worker),
		T(seed_e_monitor), T(seed_e_limit), T(seed_e_key), T(seed_e_sandbox),
	};

	return cmocka_run_group_tests_name("seed_error", tests, NULL, NULL);
}
