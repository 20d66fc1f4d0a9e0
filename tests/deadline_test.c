/*
 * deadline_test.c - every phase has its deadline.
 *
 * A peer stops at each step of the protocol; the transport must end with that
 * phase's own error within the deadline plus one second, and not before it.  Whole
 * actors: the public API over the real helper programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <postern.h>

#include "tests/peer.h"
#include "tests/test_key.h"

enum { BANNER = 400, KEX = 700, LOGIN = 900, REKEY_EVERY = 300, REKEY = 600, ALIVE = 300,
	ALIVE_MAX = 2, SLACK = 1000 };

struct expectation {
	const char *name;
	enum peer_stop stop;
	int code;
	const char *phase;
	int after_ms;
	bool rekeys, keepalives;
};

static const struct expectation of_server[] = {
	{ "no banner", STOP_SILENT, POSTERN_ETIMEOUT, "banner", BANNER, false, false },
	{ "no KEXINIT", STOP_VERSION, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "half a KEXINIT", STOP_HALF_PACKET, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "no public value", STOP_KEXINIT, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "no NEWKEYS", STOP_EXCHANGE, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "no service request", STOP_KEYED, POSTERN_ETIMEOUT, "auth", LOGIN, false, false },
	{ "no login", STOP_SERVICE, POSTERN_ETIMEOUT, "auth", LOGIN, false, false },
	{ "half a login", STOP_LOGIN, POSTERN_ETIMEOUT, "auth", LOGIN, false, false },
	{ "no answer to a rekey", STOP_OPEN, POSTERN_ETIMEOUT, "rekey", REKEY_EVERY + REKEY, true, false },
	{ "no answer to keepalives", STOP_OPEN, POSTERN_ECUT, "open", ALIVE * ALIVE_MAX, false, true },
};
static const struct expectation of_client[] = {
	{ "no banner", STOP_SILENT, POSTERN_ETIMEOUT, "banner", BANNER, false, false },
	{ "no KEXINIT", STOP_VERSION, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "half a KEXINIT", STOP_HALF_PACKET, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "no reply in the exchange", STOP_EXCHANGE, POSTERN_ETIMEOUT, "kex", KEX, false, false },
	{ "no service accept", STOP_KEYED, POSTERN_ETIMEOUT, "auth", LOGIN, false, false },
	{ "no answer to a login", STOP_LOGIN, POSTERN_ETIMEOUT, "auth", LOGIN, false, false },
	{ "no answer to a rekey", STOP_OPEN, POSTERN_ETIMEOUT, "rekey", REKEY_EVERY + REKEY, true, false },
	{ "no answer to keepalives", STOP_OPEN, POSTERN_ECUT, "open", ALIVE * ALIVE_MAX, false, true },
};

static struct postern_options
options_for(const struct expectation *x)
{
	struct postern_options o = POSTERN_OPTIONS;

	o.banner_ms = BANNER;
	o.kex_ms = KEX;
	o.login_ms = LOGIN;
	o.rekey_ms = REKEY;
	if (x->rekeys)
		o.rekey_interval_ms = REKEY_EVERY;
	if (x->keepalives) {
		o.alive_interval_ms = ALIVE;
		o.alive_max = ALIVE_MAX;
	}
	return o;
}

static int
accept_login(void *user, postern_transport *t, uint64_t question, struct postern_login *login)
{
	(void)user;
	(void)t;
	(void)question;
	return login->method == POSTERN_PASSWORD && strcmp(login->password, "pw") == 0 ?
	    POSTERN_ACCEPT : POSTERN_REFUSE;
}

/* Runs events until the transport's end; checks cause and time. */
static void
expect_end(postern_context *ctx, postern_transport *t, const struct expectation *x, uint64_t from)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	uint64_t took;

	do
		assert_int_equal(postern_next(ctx, &ev, x->after_ms + 3 * SLACK), 1);
	while (ev.type != POSTERN_EVENT_END);
	took = peer_now() - from;
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	if (e.code != x->code || strcmp(e.phase, x->phase) != 0)
		fail_msg("%s: got %s in phase \"%s\": %s", x->name, postern_strerror(e.code), e.phase,
		    e.text);
	if (took + 50 < (uint64_t)x->after_ms || took > (uint64_t)x->after_ms + SLACK)
		fail_msg("%s: ended after %llu ms, deadline %d", x->name, (unsigned long long)took,
		    x->after_ms);
}

static void
server_case(void **state)
{
	const struct expectation *x = *state;
	struct postern_context_config ccfg = POSTERN_CONTEXT_CONFIG;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface in = POSTERN_SERVER_INTERFACE;
	struct postern_options options = options_for(x);
	postern_context *ctx;
	postern_server *srv;
	postern_transport *t;
	uint64_t from;
	pid_t pid;
	int fd = peer_start(SSH_CLIENT, x->stop, &pid);

	assert_int_equal(postern_context_new(&ctx, &ccfg, 20000), 0);
	assert_int_equal(postern_context_add_server_key(ctx, test_key_file(), NULL, 20000), 0);
	cfg.methods = POSTERN_PASSWORD;
	cfg.options = &options;
	in.check_auth = accept_login;
	assert_int_equal(postern_server_new(&srv, ctx, &cfg, &in, 20000), 0);
	assert_int_equal(postern_transport_new(&t, ctx, fd), 0);
	from = peer_now();
	assert_int_equal(postern_transport_start_server_async(t, srv, NULL), 0);
	expect_end(ctx, t, x, from);
	postern_transport_free(t);
	postern_server_free(srv);
	postern_context_free(ctx);
	peer_end(pid);
}

static int
trust_all(void *user, postern_transport *t, uint64_t question, const struct postern_host_key *k)
{
	(void)user;
	(void)t;
	(void)question;
	(void)k;
	return POSTERN_ACCEPT;
}

static void
client_case(void **state)
{
	const struct expectation *x = *state;
	struct postern_context_config ccfg = POSTERN_CONTEXT_CONFIG;
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	struct postern_options options = options_for(x);
	postern_context *ctx;
	postern_transport *t;
	uint64_t from;
	pid_t pid;
	int r, fd = peer_start(SSH_SERVER, x->stop, &pid);

	assert_int_equal(postern_context_new(&ctx, &ccfg, 20000), 0);
	assert_int_equal(postern_transport_new(&t, ctx, fd), 0);
	cfg.host = "somewhere";
	cfg.options = &options;
	cfg.interface.check_host_key = trust_all;
	from = peer_now();
	r = postern_transport_start_client(t, &cfg, 20000);
	if (x->stop < STOP_KEYED) {
		assert_int_equal(r, x->code);
	} else {
		assert_int_equal(r, 0);
		r = postern_transport_auth_password(t, "somebody", "pw", 0, 20000);
		assert_int_equal(r, x->stop < STOP_OPEN ? x->code : 0);
	}
	expect_end(ctx, t, x, from);
	postern_transport_free(t);
	postern_context_free(ctx);
	peer_end(pid);
}

/* A request that is not answered: the call's own time, and the transport lives. */
static void
unanswered_open(void **state)
{
	struct expectation x = { .stop = STOP_OPEN };
	struct postern_context_config ccfg = POSTERN_CONTEXT_CONFIG;
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	struct postern_options options = options_for(&x);
	postern_context *ctx;
	postern_transport *t;
	postern_channel *ch = NULL;
	uint64_t from;
	pid_t pid;
	int fd = peer_start(SSH_SERVER, STOP_OPEN, &pid);

	(void)state;
	assert_int_equal(postern_context_new(&ctx, &ccfg, 20000), 0);
	assert_int_equal(postern_transport_new(&t, ctx, fd), 0);
	cfg.host = "somewhere";
	cfg.options = &options;
	cfg.interface.check_host_key = trust_all;
	assert_int_equal(postern_transport_start_client(t, &cfg, 20000), 0);
	assert_int_equal(postern_transport_auth_password(t, "somebody", "pw", 0, 20000), 0);
	from = peer_now();
	assert_int_equal(postern_transport_open_session(t, &ch, 300), POSTERN_ETIMEOUT);
	assert_true(peer_now() - from >= 300 && peer_now() - from < 300 + SLACK);
	assert_true(postern_transport_is_active(t));
	from = peer_now();
	assert_int_equal(postern_transport_global_request(t, "x@y", NULL, 0, 300), POSTERN_ETIMEOUT);
	assert_true(peer_now() - from >= 300 && peer_now() - from < 300 + SLACK);
	assert_true(postern_transport_is_active(t));
	postern_transport_free(t);
	postern_context_free(ctx);
	peer_end(pid);
}

int
main(void)
{
	enum { N = sizeof(of_server) / sizeof(of_server[0]), M = sizeof(of_client) / sizeof(of_client[0]) };
	struct CMUnitTest tests[N + M + 1];
	static char names[N + M][96];

	for (size_t i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "server: %s", of_server[i].name);
		tests[i] = (struct CMUnitTest){ names[i], server_case, NULL, NULL,
			(void *)(uintptr_t)&of_server[i] };
	}
	for (size_t i = 0; i < M; i++) {
		(void)snprintf(names[N + i], sizeof(names[0]), "client: %s", of_client[i].name);
		tests[N + i] = (struct CMUnitTest){ names[N + i], client_case, NULL, NULL,
			(void *)(uintptr_t)&of_client[i] };
	}
	tests[N + M] = (struct CMUnitTest)cmocka_unit_test(unanswered_open);
	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
