/*
 * monitor_host_proof_test.c - proofs (hostkeys-prove-00@openssh.com) of a host key that is
 * with an agent or the application: what they are asked to sign, and that a proof which is
 * not to be had costs that request and nothing else.
 */
#include "tests/host_key_play.h"

static uint8_t session[32];		/* of the first party */

/* OpenSSH PROTOCOL 2.5: the word, the session id, the key. */
static struct span
proof_data(void)
{
	static uint8_t data[256];
	struct wr w = wr_of(data, sizeof(data));

	wr_str(&w, "hostkeys-prove-00@openssh.com");
	wr_blob(&w, span_of(session, 32), 32);
	wr_blob(&w, own(), 64);
	return wr_span(&w);
}

static uint64_t
expect_question(struct span data)
{
	struct ipc_SIGN_ASK q;

	PLAY_EXPECT(SIGN_ASK, &q);
	assert_int_equal(q.key, key);
	assert_true(span_is(q.alg, "ssh-ed25519"));
	assert_true(span_eq(q.data, data));
	return q.question;
}

static void
answer(uint64_t question, const uint8_t *seed, struct span data)
{
	uint8_t sig[256];
	size_t n = play_sign(seed, data, sig, sizeof(sig));

	PLAY_TELL(SIGN_ANSWER, .conn = 1, .question = question, .signature = span_of(sig, n));
}

/* Its H is signed by whoever has the key. */
static void
exchange(struct party *p)
{
	ask(p);
	if (agent >= 0) {
		expect_sign(own(), p, 0);
		say(response(play.seed, p));
	} else {
		answer(expect_question(span_of(p->h, 32)), play.seed, span_of(p->h, 32));
	}
	expect_signed(p);
}

static void
logged_in(void)
{
	begin(&first, 1);
	exchange(&first);
	memcpy(session, first.h, 32);
	play_log_in(first.w, first.conn);
}

static void
prove(void)
{
	PLAY_SAY(first.w, PROVE, .key = own());
}

static void
expect_proof(struct span signature)
{
	struct ipc_PROOF proof;

	PLAY_WORKER_EXPECT(first.w, PROOF, &proof);
	assert_true(span_eq(proof.signature, signature));
	assert_false(first.w->dead);
	assert_false(play.m->over);
}

static void
expect_good_proof(void)
{
	uint8_t want[256];
	size_t n = play_sign(play.seed, proof_data(), want, sizeof(want));

	expect_proof(span_of(want, n));
}

/* The connection goes on, with new keys if it wants some. */
static void
expect_no_proof(void)
{
	expect_proof(span_of(NULL, 0));
	assert_int_equal(monitor_conn_find(play.m, 1)->phase, L_OPEN);
}

static void
test_agent_proves(void **state)
{
	(void)state;
	logged_in();
	prove();
	PLAY_WORKER_QUIET(first.w);
	expect_sign_over(own(), proof_data(), 0);
	say(response_over(play.seed, proof_data()));
	expect_good_proof();
	exchange(&first);
	play_wait(MONITOR_SIGN_MS);	/* its deadline went with the answer */
	PLAY_WORKER_QUIET(first.w);
}

/* Of the first key exchange is the session id, whatever came since. */
static void
test_after_a_rekey(void **state)
{
	(void)state;
	logged_in();
	exchange(&first);
	prove();
	expect_sign_over(own(), proof_data(), 0);
	say(response_over(play.seed, proof_data()));
	expect_good_proof();
}

/* Two signatures at once, and each is its own question's. */
static void
test_during_a_rekey(void **state)
{
	(void)state;
	logged_in();
	prove();
	ask(&first);
	expect_sign_over(own(), proof_data(), 0);
	say(response_over(play.seed, proof_data()));
	expect_good_proof();
	expect_sign(own(), &first, 0);
	say(response(play.seed, &first));
	expect_signed(&first);
}

static void
test_rekey_first(void **state)
{
	(void)state;
	logged_in();
	ask(&first);
	prove();
	expect_sign(own(), &first, 0);
	say(response(play.seed, &first));
	expect_signed(&first);
	expect_sign_over(own(), proof_data(), 0);
	say(response(play.seed, &first));	/* over H once more */
	expect_no_proof();
}

static void
test_wrong_signatures(void **state)
{
	uint8_t other[32] = { 0 };

	(void)state;
	logged_in();
	prove();
	say(response_over(play.user_seed, proof_data()));
	expect_no_proof();
	memcpy(other, session, 32);
	teardown(state);
	agent_setup(state);
	logged_in();
	prove();
	memcpy(session, other, 32);		/* for another connection */
	say(response_over(play.seed, proof_data()));
	expect_no_proof();
}

static void
test_agent_refuses(void **state)
{
	(void)state;
	logged_in();
	prove();
	expect_sign_over(own(), proof_data(), 0);
	say(span_of("\005", 1));
	expect_no_proof();
	exchange(&first);
}

static void
test_agent_dies(void **state)
{
	(void)state;
	logged_in();
	prove();
	agent_dies();
	expect_no_proof();
	PLAY_QUIET();
}

static void
test_agent_was_dead(void **state)
{
	(void)state;
	logged_in();
	agent_dies();
	prove();
	expect_no_proof();
	PLAY_QUIET();
}

static void
test_too_late(void **state)
{
	(void)state;
	logged_in();
	prove();
	expect_sign_over(own(), proof_data(), 0);
	play_wait(MONITOR_SIGN_MS - 1);
	PLAY_WORKER_QUIET(first.w);
	play_wait(1);
	expect_no_proof();		/* and the agent that hangs is left */
	assert_int_equal(send(agent, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), -1);
	PLAY_WORKER_QUIET(first.w);
	assert_false(first.w->dead);
}

static void
expect_lie(int link)
{
	struct ipc_END_OF end;

	assert_true(first.w->dead && first.w->reaped);
	assert_false(play_take(link));
	close(link);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
	assert_true(play_contains(end.text, "PROVE"));
}

/* Each once, also while the first is under way, and when it failed. */
static void
test_each_key_once(void **state)
{
	int link;

	(void)state;
	logged_in();
	link = fcntl(first.w->link, F_DUPFD_CLOEXEC, 0);
	prove();
	expect_sign_over(own(), proof_data(), 0);
	prove();
	expect_lie(link);
	say(response_over(play.seed, proof_data()));	/* for nobody */
	assert_false(play.m->over);
	teardown(state);
	agent_setup(state);
	logged_in();
	link = fcntl(first.w->link, F_DUPFD_CLOEXEC, 0);
	prove();
	expect_sign_over(own(), proof_data(), 0);
	say(span_of("\005", 1));
	expect_no_proof();
	prove();
	expect_lie(link);
	expect_silence();
}

static void
test_ended_meanwhile(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	logged_in();
	prove();
	expect_sign_over(own(), proof_data(), 0);
	play_die(first.w, SIGSEGV, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	say(response_over(play.seed, proof_data()));
	play_wait(MONITOR_SIGN_MS);
	assert_false(play.m->over);
	begin(&second, 2);
	exchange(&second);
}

/* ---- the application signs ---- */

static void
test_signer_proves(void **state)
{
	(void)state;
	logged_in();
	prove();
	answer(expect_question(proof_data()), play.seed, proof_data());
	expect_good_proof();
	exchange(&first);
}

static void
test_signer_does_not(void **state)
{
	uint64_t question;

	(void)state;
	logged_in();
	prove();
	question = expect_question(proof_data());
	answer(question + 1, play.seed, proof_data());	/* nobody's */
	PLAY_WORKER_QUIET(first.w);
	PLAY_TELL(SIGN_ANSWER, .conn = 1, .question = question);
	expect_no_proof();
	answer(question, play.seed, proof_data());
	PLAY_WORKER_QUIET(first.w);
	exchange(&first);
}

int
main(void)
{
#define A(f) cmocka_unit_test_setup_teardown(f, agent_setup, teardown)
#define S(f) cmocka_unit_test_setup_teardown(f, signer_setup, teardown)
	const struct CMUnitTest tests[] = {
		A(test_agent_proves), A(test_after_a_rekey), A(test_during_a_rekey),
		A(test_rekey_first), A(test_wrong_signatures), A(test_agent_refuses),
		A(test_agent_dies), A(test_agent_was_dead), A(test_too_late), A(test_each_key_once),
		A(test_ended_meanwhile), S(test_signer_proves), S(test_signer_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
