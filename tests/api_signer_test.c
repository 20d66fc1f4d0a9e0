/* api_signer_test.c - keys that the application signs with: what it says wrongly first. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };
enum way { WELL, NO, ZERO, TOO_LONG, WRONG, FREES_KEY, FREES_TRANSPORT };

static postern_context *ctx;
static postern_transport *t;
static postern_key *key;
static int peer = -1, asked;

static int
sign(void *user, const void *data, size_t len, void *out, size_t size)
{
	enum way way = *(enum way *)user;

	asked++;
	assert_int_equal(len, 4);
	assert_memory_equal(data, "DATA", 4);
	assert_true(size >= 1024);
	memcpy(out, "SIGNED DATA", 11);
	if (way == FREES_KEY)
		postern_key_free(key);
	if (way == FREES_TRANSPORT)
		postern_transport_free(t);
	switch (way) {
	case NO:
		return -1;
	case ZERO:
		return 0;
	case TOO_LONG:
		return (int)size + 1;
	case WRONG:
		return 10;
	case WELL:
	case FREES_KEY:
	case FREES_TRANSPORT:
		break;
	}
	return 11;
}

static int
setup(void **state)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	int pair[2];

	asked = 0;
	key = NULL;
	if (fake_setup(state) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	peer = pair[1];
	cfg.host = "host";
	if (postern_context_new(&ctx, NULL, SOON) != 0 ||
	    postern_transport_new(&t, ctx, pair[0]) != 0)
		return -1;
	return postern_transport_start_client(t, &cfg, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	ipc_close_fds(&peer, 1);
	return 0;
}

static int
make(enum way *way)
{
	return postern_key_new_signer(&key, ctx, "ssh-ed25519", "BLOB", 4, sign, way, SOON);
}

static void
bad_keys_are_no_keys(void **state)
{
	static uint8_t long_blob[8193];
	enum way way = WELL;

	(void)state;
	assert_int_equal(postern_key_new_signer(&key, ctx, "ssh-ed25519", "BLOB", 4, NULL, NULL,
	    SOON), -EINVAL);
	assert_int_equal(postern_key_new_signer(&key, ctx, "ssh-ed25519", long_blob,
	    sizeof(long_blob), sign, &way, SOON), -EMSGSIZE);
	assert_int_equal(postern_key_new_signer(&key, ctx, "ssh-ed25519", "", 0, sign, &way, SOON),
	    POSTERN_EKEY);
	ctx->pid++;
	assert_int_equal(make(&way), POSTERN_EFORKED);
	ctx->pid--;
	assert_null(key);
	assert_int_equal(ctx->n_calls, 0);
}

static void
what_is_no_signature_is_a_refused_login(void **state)
{
	static enum way ways[] = { NO, ZERO, TOO_LONG, WRONG };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(make(&ways[i]), 0);
		assert_int_equal(postern_transport_auth_publickey(t, "signer", key, SOON),
		    POSTERN_EAUTH);
		assert_int_equal(asked, (int)i + 1);
		postern_key_free(key);
	}
	assert_false(postern_transport_is_authenticated(t));
}

static void
a_question_about_another_key_asks_nobody(void **state)
{
	struct ipc_SIGN_ASK m = { .conn = t->id, .question = 78, .key = 999999,
		.alg = span_str("ssh-ed25519"), .data = span_str("DATA") };
	enum way way = WELL;

	(void)state;
	assert_int_equal(make(&way), 0);
	api_signer_ask(t, &m);
	/* a key of a file is not asked either */
	m.key = key->id;
	key->sign = NULL;
	api_signer_ask(t, &m);
	key->sign = sign;
	/* nor does a server's peer ask for a user's */
	t->is_server = true;
	api_signer_ask(t, &m);
	t->is_server = false;
	assert_int_equal(asked, 0);
}

/* ...and a client's server not for a host's. */
static void
a_server_asks_its_host_keys(void **state)
{
	struct ipc_SIGN_ASK m = { .conn = t->id, .question = 78, .alg = span_str("ssh-ed25519"),
		.data = span_str("DATA") };
	enum way way = NO;

	(void)state;
	assert_int_equal(make(&way), 0);
	assert_int_equal(postern_context_use_server_key(ctx, key), POSTERN_ESTATE);
	ctx->is_sealed = false;
	assert_int_equal(postern_context_use_server_key(ctx, key), 0);
	ctx->is_sealed = true;
	m.key = key->id;
	api_signer_ask(t, &m);
	assert_int_equal(asked, 0);
	t->is_server = true;
	api_signer_ask(t, &m);
	t->is_server = false;
	assert_int_equal(asked, 1);
}

static void
the_key_may_go_while_it_signs(void **state)
{
	enum way way = FREES_KEY;

	(void)state;
	assert_int_equal(make(&way), 0);
	assert_int_equal(postern_transport_auth_publickey(t, "signer", key, SOON), 0);
}

static void
the_transport_may_go_while_it_signs(void **state)
{
	enum way way = FREES_TRANSPORT;

	(void)state;
	assert_int_equal(make(&way), 0);
	assert_true(postern_transport_auth_publickey(t, "signer", key, SOON) < 0);
	assert_int_equal(asked, 1);
}

static void
its_signature_logs_in(void **state)
{
	enum way way = WELL;
	size_t len;

	(void)state;
	assert_int_equal(make(&way), 0);
	assert_string_equal(postern_key_algorithm(key), "ssh-ed25519");
	assert_memory_equal(postern_key_blob(key, &len), "BLOB", 4);
	assert_int_equal(postern_transport_auth_publickey(t, "signer", key, SOON), 0);
	assert_string_equal(postern_transport_get_username(t), "signer");
	assert_int_equal(asked, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bad_keys_are_no_keys),
		CASE(what_is_no_signature_is_a_refused_login),
		CASE(a_question_about_another_key_asks_nobody),
		CASE(a_server_asks_its_host_keys),
		CASE(the_key_may_go_while_it_signs),
		CASE(the_transport_may_go_while_it_signs),
		CASE(its_signature_logs_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
