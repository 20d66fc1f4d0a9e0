/*
 * monitor_agent_add_test.c - a key is added to an agent (RFC 9987 3.2), if CONFIG has let
 * keys leave: what is sent, and what of everything never is.
 */
#include "tests/agent_login_play.h"

static int
giving_setup(void **state)
{
	(void)state;
	return setup_with(1);
}

static int
no_config_setup(void **state)
{
	(void)state;
	play_begin();
	return 0;
}

static void
add(uint64_t which, uint32_t lifetime, uint8_t confirm)
{
	int theirs;

	close(agent);
	theirs = agent_socket();
	PLAY_TELL(AGENT_ADD, .call = 78, .key = which, .comment = span_str("mine"),
	    .lifetime = lifetime, .confirm = confirm, .socket = theirs);
	close(theirs);
}

static void
expect_added(uint8_t ok)
{
	struct ipc_AGENT_DONE done;

	PLAY_EXPECT(AGENT_DONE, &done);
	assert_int_equal(done.call, 78);
	assert_int_equal(done.ok, ok);
}

/* Byte by byte; constraints only where there are some. */
static void
test_add(void **state)
{
	uint8_t pk[32], sk[64], body[512];
	static const struct { uint32_t lifetime; uint8_t confirm; } cases[] = {
		{ 0, 0 }, { 3600, 0 }, { 0, 1 }, { UINT32_MAX, 1 } };

	(void)state;
	crypto_sign_seed_keypair(pk, sk, play.user_seed);
	for (size_t i = 0; i < 4; i++) {
		struct wr w = wr_of(body, sizeof(body));

		add(play.user_key, cases[i].lifetime, cases[i].confirm);
		wr_u8(&w, i == 0 ? 17 : 25);
		wr_str(&w, "ssh-ed25519");
		wr_blob(&w, span_of(pk, 32), 32);
		wr_blob(&w, span_of(sk, 64), 64);
		wr_str(&w, "mine");
		if (cases[i].lifetime != 0) {
			wr_u8(&w, 1);
			wr_u32(&w, cases[i].lifetime);
		}
		if (cases[i].confirm != 0)
			wr_u8(&w, 2);
		expect_said(wr_span(&w));
		PLAY_QUIET();
		say(span_of(i == 3 ? "\005" : "\006", 1));
		expect_added(i != 3);
		/* and that was all the socket was for */
		expect_only_closed();
	}
	assert_int_equal(play.m->n_agents, 1);
}

/* An agent's own key, a host key, none at all: no word is said on the socket. */
static void
test_add_what_is_not_ours(void **state)
{
	const uint64_t cases[] = { key, play.user_key - 1, 0, 12345 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		add(cases[i], 0, 0);
		expect_added(0);
		expect_only_closed();
	}
}

/* Gone, silent, or with another answer: told once, and its socket is closed. */
static void
test_add_to_no_agent(void **state)
{
	(void)state;
	add(play.user_key, 0, 0);
	agent_dies();
	expect_added(0);
	add(play.user_key, 0, 0);
	play_wait(120 * 1000);
	expect_added(0);
	add(play.user_key, 0, 0);
	say(span_of("\014\0\0\0\0", 5));
	expect_added(0);
	PLAY_QUIET();
	assert_false(play.m->over);
}

/* A program that is taken over after CONFIG asks for what it has loaded: its socket hears
 * nothing, however it asks, and to say CONFIG again ends the context. */
static void
test_keys_do_not_leave(void **state)
{
	struct ipc_CONFIG cfg = play_config();

	(void)state;
	for (uint8_t confirm = 0; confirm < 2; confirm++) {
		add(play.user_key, confirm, confirm);
		expect_added(0);
		expect_only_closed();
	}
	assert_false(play.m->over);
	cfg.keys_may_leave = 1;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	assert_true(play.m->over);
	assert_int_equal(play.m->config.keys_may_leave, 0);
}

/* Before there was a CONFIG nothing leaves either; and one that says neither yes nor no
 * is none. */
static void
test_no_config_lets_nothing_leave(void **state)
{
	struct ipc_CONFIG cfg = play_config();

	(void)state;
	play.user_key = play_load(IPC_USER_KEY, play.user_seed,
	    span_of(play.user_blob, play.user_blob_len));
	add(play.user_key, 0, 0);
	expect_added(0);
	expect_only_closed();
	cfg.keys_may_leave = 2;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	assert_true(play.m->over);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define GIVING(f) cmocka_unit_test_setup_teardown(f, giving_setup, teardown)
#define NO_CONFIG(f) cmocka_unit_test_setup_teardown(f, no_config_setup, teardown)
	const struct CMUnitTest tests[] = {
		GIVING(test_add), GIVING(test_add_what_is_not_ours),
		GIVING(test_add_to_no_agent), T(test_keys_do_not_leave),
		NO_CONFIG(test_no_config_lets_nothing_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
