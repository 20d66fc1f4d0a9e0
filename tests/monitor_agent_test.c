/*
 * monitor_agent_test.c - logins by an agent's key: what the agent is asked to sign, what of
 * its answers counts, and what comes of it when it dies or its key is dropped.
 */
#include <time.h>

#include "tests/agent_login_play.h"
#include "tests/lingering.h"

enum { SIGNATURE = 83 };		/* an ssh-ed25519 signature blob */

static void
test_login(void **state)
{
	struct ipc_USER_LOGGED_IN in;
	struct span response;

	(void)state;
	asked();
	PLAY_WORKER_QUIET(worker);
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
	fails(worker);
	try(1);				/* it was bound once */
	expect_sign(&proof);
	say(response);
	expect_request(worker, response);
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	assert_true(span_is(in.methods, "publickey"));
	assert_true(span_eq(in.key, own()));
	expect_silence();
}

/* OpenSSH PROTOCOL 3.1: what the agent signs names the server that it was bound to. */
static void
test_host_bound_login(void **state)
{
	struct span response;

	(void)state;
	PLAY_SAY(worker, LOGIN_SIG_ALGS, .algs = span_str("ssh-ed25519"), .hostbound = 1);
	bound = true;
	asked();
	response = sign_response(seed, &proof);
	say(response);
	expect_request(worker, response);
	fails(worker);
	/* over the data of the other method it is no signature */
	try(1);
	expect_sign(&proof);
	bound = false;
	say(sign_response(seed, &proof));
	play_failed("the signature is not the key's");
}

/* An agent that does not know session-bind says so, in one of these ways. */
static void
test_bind_answers(void **state)
{
	static const char *const answers[] = { "\005", "\006", "\034", "\035", "\035\0\0\0\1x" };
	static const size_t lengths[] = { 1, 1, 1, 1, 6 };
	struct play_proof other;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct play_child *w = play_client(i + 2, &other);

		try(i + 2);
		expect_bind(&other);
		say(span_of(answers[i], lengths[i]));
		expect_sign(&other);
		say(sign_response(seed, &other));
		expect_request(w, sign_response(seed, &other));
	}
	try(1);
	expect_bind(&proof);
	say(span_of("\016", 1));
	play_failed("the agent is gone");
	expect_closed();
}

/* ---- signatures that do not count: a failed attempt, and the agent lives ---- */

static void
test_no_signature(void **state)
{
	struct span response;
	uint8_t flipped[512];

	(void)state;
	asked();
	say(span_of("\005", 1));
	play_failed("the agent did not sign");
	try(1);
	expect_sign(&proof);
	say(span_of("\016\0\0\0\0", 5));
	play_failed("the agent did not sign");
	try(1);
	expect_sign(&proof);
	say(sign_response(play.user_seed, &proof));	/* another key */
	play_failed("the signature is not the key's");
	response = sign_response(seed, &proof);
	memcpy(flipped, response.p, response.n);
	for (size_t i = 5; i < response.n; i++) {
		try(1);
		expect_sign(&proof);
		flipped[i] ^= 1;
		say(span_of(flipped, response.n));
		flipped[i] ^= 1;
		play_failed("the signature is not the key's");
	}
	PLAY_WORKER_QUIET(worker);
	try(1);
	expect_sign(&proof);
	say(response);
	expect_request(worker, response);
}

/* Signed for another connection: it is no use here. */
static void
test_another_session(void **state)
{
	struct play_proof other;

	(void)state;
	(void)play_client(2, &other);
	asked();
	say(sign_response(seed, &other));
	play_failed("the signature is not the key's");
	PLAY_WORKER_QUIET(worker);
}

/* ---- answers that are no agent's ---- */

static void
test_malformed_signatures(void **state)
{
	struct span whole;

	for (size_t cut = 1; cut <= 1 + 4 + SIGNATURE + 1; cut++) {
		if (cut == 1 + 4 + SIGNATURE)
			continue;
		if (cut > 1)
			(void)setup(state);
		asked();
		whole = sign_response(seed, &proof);
		assert_int_equal(whole.n, 1 + 4 + SIGNATURE);
		say(span_of(whole.p, cut));
		play_failed("the agent is gone");
		expect_closed();
		PLAY_WORKER_QUIET(worker);
		try(1);				/* and it stays so */
		play_failed("the agent is gone");
		if (cut <= 1 + 4 + SIGNATURE)
			(void)teardown(state);
	}
}

static void
test_wrong_types(void **state)
{
	uint8_t body[512];

	for (unsigned type = 0; type < 256; type++) {
		struct span response;

		if (type == 14)
			continue;
		if (type > 0)
			(void)setup(state);
		asked();
		response = sign_response(seed, &proof);
		memcpy(body, response.p, response.n);
		body[0] = (uint8_t)type;
		say(span_of(body, response.n));
		play_failed("the agent is gone");
		expect_closed();
		if (type < 255)
			(void)teardown(state);
	}
}

static void
test_long_signature(void **state)
{
	static uint8_t body[1 + 4 + SIGNATURE_MAX + 1] = { 14, 0, 0, SIGNATURE_MAX >> 8, 0 };

	asked();
	say(span_of(body, sizeof(body) - 1));		/* the longest that there is */
	play_failed("the signature is not the key's");
	try(1);
	expect_sign(&proof);
	body[4] = 1;
	say(span_of(body, sizeof(body)));
	play_failed("the agent is gone");
	expect_closed();
	(void)state;
}

/* ---- it dies ---- */

static void
test_dies(void **state)
{
	(void)state;
	asked();
	say_raw("\0\0\0\120\016", 5);			/* in the middle of a word */
	agent_dies();
	play_failed("the agent is gone");
	PLAY_WORKER_QUIET(worker);
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("x"));
	assert_true(play_take(worker->link));		/* the connection goes on */
	assert_int_equal(play.rx[0], IPC_MSG_LOGIN_PASSWORD);
}

static void
test_dies_unnoticed(void **state)
{
	(void)state;
	close(agent);
	agent = -1;
	try(1);
	play_failed("the agent is gone");
	PLAY_TELL(KEY_DROP, .key = key);
	assert_null(play.m->agents);
}

/* ---- it sends descriptors, whose last copy holds up who closes it ---- */

static void
send_lingering(const void *p, size_t n, int flags)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } c = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.buf,
		.msg_controllen = sizeof(c.buf) };
	int peer, fd = lingering(&peer);

	c.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(fd)) };
	memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	assert_int_equal(sendmsg(agent, &m, flags), n);
	close(fd);			/* its peer stays, and reads nothing */
}

static void
runs_within_a_moment(void)
{
	time_t before = time(NULL);

	play_run();
	assert_true(time(NULL) - before < LINGER_S / 4);
	play_failed("the agent is gone");
	expect_closed();
}

static void
test_descriptors_with_an_answer(void **state)
{
	struct span response;
	uint8_t frame[512];
	struct wr w = wr_of(frame, sizeof(frame));

	/* with all of it, with its body, and with its last byte */
	for (size_t at = 0; at < 3; at++) {
		size_t plain;

		if (at > 0)
			(void)setup(state);
		asked();
		w.n = 0;
		response = sign_response(seed, &proof);
		wr_blob(&w, response, 256);
		plain = at == 0 ? 0 : at == 1 ? 4 : w.n - 1;
		assert_int_equal(send(agent, frame, plain, 0), plain);
		send_lingering(&frame[plain], w.n - plain, 0);
		runs_within_a_moment();
		if (at < 2)
			(void)teardown(state);
	}
}

/* One that could be connected to again is not: each connection would be one that stays. */
static void
test_descriptors_end_it_for_good(void **state)
{
	(void)state;
	asked();
	send_lingering("y", 1, 0);
	runs_within_a_moment();
	try(1);
	play_failed("the agent is gone");
}

/* Out of band they would be read past, if what is plain comes behind them. */
static void
test_descriptors_out_of_band(void **state)
{
	(void)state;
	asked();
	send_lingering("y", 1, MSG_OOB);
	assert_int_equal(send(agent, "\0\0\0\1\5", 5, 0), 5);
	runs_within_a_moment();
	(void)teardown(state);
	(void)setup(state);
	asked();
	assert_int_equal(send(agent, "\377\0\0\0", 4, 0), 4);	/* too long */
	send_lingering("y", 1, MSG_OOB);
	runs_within_a_moment();
}

/* Behind what is read, or what nobody will read. */
static void
test_descriptors_behind_the_last_word(void **state)
{
	(void)state;
	asked();
	assert_int_equal(send(agent, "\377\0\0\0", 4, 0), 4);	/* too long */
	assert_int_equal(send(agent, "x", 1, 0), 1);
	send_lingering("y", 1, 0);
	runs_within_a_moment();
}

/* ---- its keys are dropped ---- */

static void
test_last_key_dropped(void **state)
{
	(void)state;
	PLAY_TELL(KEY_DROP, .key = key);
	expect_closed();
	assert_null(play.m->agents);
	try(1);
	play_failed("no such key");
}

static void
test_dropped_while_it_signs(void **state)
{
	struct play_proof other;
	struct play_child *w;

	(void)state;
	w = play_client(2, &other);
	asked();
	try(2);
	PLAY_TELL(KEY_DROP, .key = key);
	say(sign_response(seed, &proof));		/* what was asked before is done */
	expect_request(worker, sign_response(seed, &proof));
	expect_bind(&other);
	say(span_of("\005", 1));
	expect_sign(&other);
	say(sign_response(seed, &other));
	expect_request(w, sign_response(seed, &other));
	expect_closed();
	assert_null(play.m->agents);
}

/* The last key is dropped, and the agent goes just when its next turn comes. */
static void
test_dropped_and_dead(void **state)
{
	struct play_proof other;
	struct span response;
	uint8_t frame[512];
	struct wr w = wr_of(frame, sizeof(frame));

	(void)state;
	(void)play_client(2, &other);
	asked();
	try(2);
	PLAY_TELL(KEY_DROP, .key = key);
	response = sign_response(seed, &proof);
	wr_blob(&w, response, 256);
	assert_int_equal(send(agent, frame, w.n, 0), w.n);
	agent_dies();
	expect_request(worker, response);
	play_failed("the agent is gone");
	assert_null(play.m->agents);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_login), T(test_host_bound_login), T(test_bind_answers),
		T(test_no_signature), T(test_another_session), T(test_malformed_signatures),
		T(test_wrong_types), T(test_long_signature), T(test_dies),
		T(test_dies_unnoticed), T(test_descriptors_with_an_answer),
		T(test_descriptors_behind_the_last_word), T(test_descriptors_out_of_band),
		cmocka_unit_test_setup_teardown(test_descriptors_end_it_for_good, again_setup,
		    teardown),
		T(test_last_key_dropped),
		T(test_dropped_while_it_signs), T(test_dropped_and_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
