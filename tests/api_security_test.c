/* api_security_test.c - lists of one transport: refused edits first, then who wins. */
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
static int peer = -1;

static int
setup(void **state)
{
	int pair[2];

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

static int
start(const struct postern_options *options)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = "host";
	cfg.options = options;
	return postern_transport_start_client(t, &cfg, SOON);
}

/* What a preset has, edited. */
static const char *
preset(int list, const char *name, const char *edit)
{
	static char out[2049];

	assert_int_equal(postern_edit_preset(list, name, edit, out, sizeof(out)), 0);
	return out;
}

static void
assert_in_force(int list, const char *want)
{
	char out[2049];

	assert_int_equal(postern_transport_get_security_option(t, list, out, sizeof(out)), 0);
	assert_string_equal(out, want);
}

static void
an_unknown_name_is_named_and_changes_nothing(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "aes256-ctr,rot13"), -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, -EINVAL);
	assert_string_equal(e.phase, "start");
	assert_non_null(strstr(e.text, "\"rot13\""));
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_MACS, "no\x1b[2J\n"),
	    -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "no\\x1b[2J\\x0a"));
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS, "-*"), -EINVAL);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS, ""), -EINVAL);
	assert_in_force(POSTERN_CIPHERS, preset(POSTERN_CIPHERS, NULL, NULL));
}

static void
there_are_six_lists(void **state)
{
	char out[16] = "x";

	(void)state;
	assert_int_equal(postern_transport_set_security_option(t, 0, NULL), -EINVAL);
	assert_int_equal(postern_transport_set_security_option(t, 7, NULL), -EINVAL);
	assert_int_equal(postern_transport_set_security_option(t, -1, NULL), -EINVAL);
	assert_int_equal(postern_transport_get_security_option(t, 0, out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_transport_get_security_option(t, 7, out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_transport_get_security_option(t, POSTERN_KEX, out, 0), -EINVAL);
	assert_string_equal(out, "x");
	assert_int_equal(postern_transport_get_security_option(t, POSTERN_KEX, out, sizeof(out)),
	    -ERANGE);
	assert_string_equal(out, "");
}

static void
after_the_start_it_is_too_late(void **state)
{
	(void)state;
	assert_int_equal(start(NULL), 0);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS, "aes256-ctr"),
	    POSTERN_ESTATE);
	assert_int_equal(postern_transport_use_compression(t, 1), POSTERN_ESTATE);
	assert_in_force(POSTERN_CIPHERS, preset(POSTERN_CIPHERS, NULL, NULL));
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_use_compression(t, 1), POSTERN_ESTATE);
}

static void
it_is_for_the_process_that_made_it(void **state)
{
	char out[2049];

	(void)state;
	ctx->pid++;
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_KEX, NULL),
	    POSTERN_EFORKED);
	assert_int_equal(postern_transport_use_compression(t, 1), POSTERN_EFORKED);
	assert_int_equal(postern_transport_get_security_option(t, POSTERN_KEX, out, sizeof(out)),
	    POSTERN_EFORKED);
	ctx->pid--;
}

static void
presets_of_a_start_are_checked(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	options.preset = "fips";
	assert_int_equal(start(&options), -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "\"fips\""));
	assert_int_equal(fake_seen->last_conn, 0);
	options.preset = NULL;
	options.compression = "zlib";
	assert_int_equal(start(&options), -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "\"zlib\""));
	options.compression = NULL;
	options.preset = "compat";
	assert_int_equal(start(&options), 0);
	assert_in_force(POSTERN_KEX, preset(POSTERN_KEX, "compat", NULL));
	assert_in_force(POSTERN_COMPRESSION, "none");
}

static void
options_edit_what_their_preset_says(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;

	(void)state;
	options.preset = "modern";
	options.macs = "-*etm*";
	options.compression = "^zlib@openssh.com";
	/* of that preset nothing else is left */
	assert_int_equal(start(&options), -EINVAL);
	options.preset = "compat";
	assert_int_equal(start(&options), 0);
	assert_in_force(POSTERN_MACS, preset(POSTERN_MACS, "compat", "-*etm*"));
	assert_in_force(POSTERN_COMPRESSION, "zlib@openssh.com,none");
	assert_string_equal(fake_seen->compression, "zlib@openssh.com,none");
}

static void
sizes_of_rsa_keys_are_passed_on(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;

	(void)state;
	options.rsa_bits = 16385;
	assert_int_equal(start(&options), -EINVAL);
	options.rsa_bits = 16384;
	assert_int_equal(start(&options), 0);
	assert_int_equal(fake_seen->rsa_bits, 16384);
	assert_int_equal(fake_seen->hostkey_rsa_min, 16384);
}

/* What is set before the start edits what the start says: its preset, its own list. */
static void
what_was_set_edits_what_the_start_says(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_exception e = POSTERN_EXCEPTION;

	(void)state;
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_MACS, "-*etm*"), 0);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_KEX,
	    "-curve25519-sha256"), 0);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "^aes256-ctr"), 0);
	assert_in_force(POSTERN_CIPHERS, preset(POSTERN_CIPHERS, NULL, "^aes256-ctr"));
	assert_int_equal(start(&options), -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "nothing is left"));
	options.preset = "compat";
	options.ciphers = "aes128-ctr,aes192-ctr";
	assert_int_equal(start(&options), 0);
	assert_string_equal(fake_seen->ciphers, "aes256-ctr,aes128-ctr,aes192-ctr");
	assert_in_force(POSTERN_CIPHERS, "aes256-ctr,aes128-ctr,aes192-ctr");
	assert_in_force(POSTERN_MACS, preset(POSTERN_MACS, "compat", "-*etm*"));
	assert_in_force(POSTERN_KEX, preset(POSTERN_KEX, "compat", "-curve25519-sha256"));
}

static void
what_was_set_wins_over_the_options(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;

	(void)state;
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "aes192-ctr"), 0);
	assert_in_force(POSTERN_CIPHERS, "aes192-ctr");
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "aes128-ctr,aes256-ctr"), 0);
	assert_in_force(POSTERN_CIPHERS, "aes128-ctr,aes256-ctr");
	options.ciphers = "aes256-gcm@openssh.com";
	options.macs = "hmac-sha2-512";
	assert_int_equal(start(&options), 0);
	assert_string_equal(fake_seen->ciphers, "aes128-ctr,aes256-ctr");
	assert_in_force(POSTERN_CIPHERS, "aes128-ctr,aes256-ctr");
	assert_in_force(POSTERN_MACS, "hmac-sha2-512");
	assert_in_force(POSTERN_KEX, preset(POSTERN_KEX, NULL, NULL));
}

static void
compression_is_off_and_can_be_put_on_and_off(void **state)
{
	(void)state;
	assert_in_force(POSTERN_COMPRESSION, "none");
	assert_int_equal(postern_transport_use_compression(t, 7), 0);
	assert_in_force(POSTERN_COMPRESSION, "zlib@openssh.com,none");
	assert_int_equal(postern_transport_use_compression(t, 0), 0);
	assert_in_force(POSTERN_COMPRESSION, "none");
	assert_int_equal(postern_transport_use_compression(t, 1), 0);
	assert_int_equal(start(NULL), 0);
	assert_string_equal(fake_seen->compression, "zlib@openssh.com,none");
}

/* A start that failed leaves none of its options behind. */
static void
each_start_has_its_own_options(void **state)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct ipc_NEW first = { 0 };
	const char *none = "none";

	(void)state;
	first.kex = first.hostkey_algs = first.sig_algs = first.ciphers = first.macs =
	    first.compression = span_str(none);
	assert_int_equal(api_security_apply(t, &first), 0);
	options.macs = "hmac-sha2-512";
	assert_int_equal(start(&options), 0);
	assert_in_force(POSTERN_MACS, "hmac-sha2-512");
	assert_in_force(POSTERN_KEX, preset(POSTERN_KEX, NULL, NULL));
}

/* A server's lists are its own, but for a transport for which others were set. */
static void
a_servers_transport_has_its_servers_lists(void **state)
{
	struct postern_server_interface interface = POSTERN_SERVER_INTERFACE;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_options options = POSTERN_OPTIONS;
	postern_server *s = NULL;

	(void)state;
	options.macs = "hmac-sha2-512";
	options.ciphers = "aes256-ctr";
	cfg.options = &options;
	assert_int_equal(postern_context_add_server_key(ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_server_new(&s, ctx, &cfg, &interface, SOON), 0);
	assert_int_equal(postern_transport_set_security_option(t, POSTERN_CIPHERS,
	    "aes128-ctr"), 0);
	assert_int_equal(postern_transport_start_server(t, s, SOON), 0);
	assert_string_equal(fake_seen->ciphers, "aes128-ctr");
	assert_in_force(POSTERN_CIPHERS, "aes128-ctr");
	assert_in_force(POSTERN_MACS, "hmac-sha2-512");
	assert_in_force(POSTERN_COMPRESSION, "none");
	assert_ptr_equal(postern_transport_get_server(t), s);
	postern_server_free(s);
	/* the handle is gone, its lists are not */
	assert_null(postern_transport_get_server(t));
	assert_in_force(POSTERN_MACS, "hmac-sha2-512");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_unknown_name_is_named_and_changes_nothing),
		CASE(there_are_six_lists),
		CASE(after_the_start_it_is_too_late),
		CASE(it_is_for_the_process_that_made_it),
		CASE(presets_of_a_start_are_checked),
		CASE(sizes_of_rsa_keys_are_passed_on),
		CASE(options_edit_what_their_preset_says),
		CASE(what_was_set_edits_what_the_start_says),
		CASE(what_was_set_wins_over_the_options),
		CASE(compression_is_off_and_can_be_put_on_and_off),
		CASE(a_servers_transport_has_its_servers_lists),
		CASE(each_start_has_its_own_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
