/*
 * monitor_agent_link_test.c - an agent's socket: messages in pieces, lengths that are none,
 * answers too early, too late and unasked, and descriptors that are no agent's.
 */
#include "tests/agent_login_play.h"

static void
test_byte_by_byte(void **state)
{
	struct span response = sign_response(seed, &proof);
	uint8_t frame[512];
	struct wr w = wr_of(frame, sizeof(frame));

	(void)state;
	asked();
	wr_blob(&w, response, 256);
	for (size_t i = 0; i < w.n; i++) {
		PLAY_WORKER_QUIET(worker);
		say_raw(&frame[i], 1);
	}
	expect_request(worker, response);
}

static void
test_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, AGENT_REPLY_MAX + 1, 0x7fffffff, 0xffffffff };
	uint8_t head[4];

	for (size_t i = 0; i < 4; i++) {
		struct wr w = wr_of(head, sizeof(head));

		if (i > 0)
			(void)setup(state);
		asked();
		wr_u32(&w, lengths[i]);
		say_raw(head, sizeof(head));
		play_failed("the agent is gone");
		expect_closed();
		if (i < 3)
			(void)teardown(state);
	}
}

/* Nobody asked: it might pass for the answer to the next question. */
static void
test_unasked(void **state)
{
	(void)state;
	say(sign_response(seed, &proof));
	expect_closed();
	PLAY_QUIET();
	try(1);
	play_failed("the agent is gone");
	PLAY_WORKER_QUIET(worker);
}

static void
test_too_slow(void **state)
{
	(void)state;
	asked();
	play_wait(AGENT_SIGN_MS - 1);
	PLAY_QUIET();
	play_wait(1);
	play_failed("the agent is gone");
	expect_closed();
	assert_false(worker->dead);
}

/* ---- descriptors ---- */

static void
test_not_a_socket(void **state)
{
	int fds[2], before = play_open_descriptors();

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	hand_over(fds[1]);
	expect_done(0);
	hand_over(open("/dev/null", O_RDWR | O_CLOEXEC));
	expect_done(0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[0]);
	hand_over(fds[1]);
	expect_done(0);
	assert_int_equal(play_open_descriptors(), before);
	assert_null(play.m->agents);
}

static void
test_too_many_agents(void **state)
{
	int ends[MONITOR_AGENTS_MAX], before = play_open_descriptors();

	(void)state;
	for (int i = 0; i < MONITOR_AGENTS_MAX; i++) {
		connect_agent();
		ends[i] = agent;
	}
	PLAY_QUIET();
	connect_agent();
	expect_done(0);
	expect_closed();
	close(agent);
	agent = -1;
	for (int i = 0; i < MONITOR_AGENTS_MAX; i++)
		close(ends[i]);
	play_run();
	for (int i = 0; i < MONITOR_AGENTS_MAX; i++)
		expect_done(0);
	assert_int_equal(play_open_descriptors(), before);
}

/* It does not read: nobody waits for it but its own question. */
static void
test_does_not_read(void **state)
{
	static uint8_t junk[4096];
	size_t filled = 0, drained = 0;
	int theirs = agent_socket();
	ssize_t n;

	(void)state;
	while ((n = send(theirs, junk, sizeof(junk), MSG_DONTWAIT)) > 0)
		filled += (size_t)n;
	hand_over(theirs);
	PLAY_QUIET();
	while (drained < filled) {
		n = recv(agent, junk, filled - drained < sizeof(junk) ? filled - drained :
		    sizeof(junk), MSG_DONTWAIT);
		if (n > 0)
			drained += (size_t)n;
		play_run();
	}
	expect_said(span_of("\013", 1));
	say(identities(NULL, 0, span_of("", 0)));
	expect_done(1);
}

/* It answers what it cannot have read yet. */
static void
test_answers_too_early(void **state)
{
	static uint8_t junk[4096];
	int theirs = agent_socket();

	(void)state;
	while (send(theirs, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	hand_over(theirs);
	say(identities(NULL, 0, span_of("", 0)));
	expect_done(0);
	expect_closed();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define B(f) cmocka_unit_test_setup_teardown(f, bare_setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_byte_by_byte), T(test_lengths), T(test_unasked), T(test_too_slow),
		B(test_not_a_socket), B(test_too_many_agents), B(test_does_not_read),
		B(test_answers_too_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
