/*
 * monitor_host_key_test.c - key exchanges that an agent or the application signs: what
 * each is handed, that only the host key's own signature reaches a worker, and whose end
 * it is when there is none.  The test is agent, application and workers.
 */
#include "tests/host_key_play.h"

static const char gone[] = "no signature of the host key: the agent is gone",
    silent[] = "no signature of the host key: it did not come in time",
    refused[] = "no signature of the host key: the agent did not sign",
    wrong[] = "no signature of the host key: the signature is not the key's";

/* ---- an agent signs ---- */

static void
test_agent_signs(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	PLAY_WORKER_QUIET(first.w);
	assert_int_equal(first.conn, 1);
	turn_of(&first);
	ask(&first);			/* a rekey, over the KEXINIT issued for it */
	expect_sign(own(), &first, 0);
	PLAY_WORKER_QUIET(first.w);
	say(response(play.seed, &first));
	expect_signed(&first);
	assert_int_equal(monitor_conn_find(play.m, 1)->exchanges, 2);
}

/* K_BUSY holds until there is an answer: a second question breaks the contract. */
static void
test_one_question_at_a_time(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	begin(&first, 1);
	ask(&first);
	expect_sign(own(), &first, 0);
	ask(&first);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
	expect_silence();
	say(response(play.seed, &first));	/* for nobody */
	assert_false(play.m->over);
	assert_non_null(play.m->agents);
}

/* No more than the quota of answers, whoever signs. */
static void
test_quota(void **state)
{
	(void)state;
	begin(&first, 1);
	for (int i = 0; i < 4; i++) {	/* the first and the burst */
		ask(&first);
		say(response(play.seed, &first));
		expect_signed(&first);
	}
	ask(&first);
	say(response(play.seed, &first));
	PLAY_WORKER_QUIET(first.w);
	play_wait(1000);
	expect_signed(&first);
}

/* ---- it does not ---- */

static void
test_agent_refuses(void **state)
{
	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	ask(&second);
	say(span_of("\005", 1));
	expect_end(&first, refused);
	while (recv(agent, &(uint8_t){ 0 }, 1, MSG_DONTWAIT) > 0)
		;
	say(response(play.seed, &second));
	expect_signed(&second);
}

static void
test_wrong_signatures(void **state)
{
	struct span good;
	uint8_t body[512];
	uint64_t conn = 2;

	(void)state;
	begin(&second, 1);
	ask(&second);
	say(response(play.seed, &second));
	expect_signed(&second);
	begin(&first, conn++);
	ask(&first);
	say(response(play.user_seed, &first));	/* another key's */
	expect_end(&first, wrong);
	begin(&first, conn++);
	ask(&first);
	say(response(play.seed, &second));	/* for another connection */
	expect_end(&first, wrong);
	for (size_t i = 5; i < 5 + 83; i += 6) {
		begin(&first, conn++);
		ask(&first);
		good = response(play.seed, &first);
		memcpy(body, good.p, good.n);
		body[i] ^= 1;
		say(span_of(body, good.n));
		expect_end(&first, wrong);
	}
	assert_false(second.w->dead);
	while (recv(agent, body, sizeof(body), MSG_DONTWAIT) > 0)
		;
	ask(&second);
	say(response(play.seed, &second));
	expect_signed(&second);
}

static void
test_malformed(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	say(span_of("\016\0\0\0\1", 5));
	expect_end(&first, gone);
	begin(&second, 2);		/* until it is back */
	ask(&second);
	expect_end(&second, gone);
}

static void
test_late(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	expect_sign(own(), &first, 0);
	play_wait(MONITOR_SIGN_MS - 1);
	PLAY_WORKER_QUIET(first.w);
	begin(&second, 2);
	ask(&second);
	play_wait(1);
	expect_end(&first, silent);
	expect_end(&second, gone);	/* an agent that hangs is left, and there is no other */
}

static void
test_deadline_goes_with_the_answer(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	play_wait(MONITOR_SIGN_MS - 1);
	say(response(play.seed, &first));
	expect_signed(&first);
	play_wait(MONITOR_SIGN_MS);
	assert_false(first.w->dead);
	assert_non_null(play.m->agents);
}

static void
test_dies(void **state)
{
	struct play_child *w;

	(void)state;
	begin(&first, 1);
	ask(&first);
	say(response(play.seed, &first));
	expect_signed(&first);
	play_log_in(first.w, first.conn);
	begin(&second, 2);
	ask(&second);
	agent_dies();
	expect_end(&second, gone);
	PLAY_WORKER_QUIET(first.w);	/* who is in, is in */
	assert_int_equal(monitor_conn_find(play.m, 1)->phase, L_OPEN);
	w = first.w;
	ask(&first);			/* and gets no new keys */
	expect_end(&first, gone);
	assert_true(w->reaped);
}

/* In the middle of a rekey. */
static void
test_dies_during_rekey(void **state)
{
	(void)state;
	begin(&first, 1);
	ask(&first);
	say(response(play.seed, &first));
	expect_signed(&first);
	play_log_in(first.w, first.conn);
	ask(&first);
	PLAY_WORKER_QUIET(first.w);
	agent_dies();
	expect_end(&first, gone);
}

/* ---- several, and those who went ---- */

static void
test_two_outstanding(void **state)
{
	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	ask(&second);
	turn_of(&first);
	PLAY_WORKER_QUIET(second.w);
	turn_of(&second);
}

static void
test_ended_meanwhile(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	ask(&second);
	expect_sign(own(), &first, 0);
	play_die(first.w, SIGSEGV, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	say(response(play.seed, &first));
	expect_sign(own(), &second, 0);
	PLAY_TELL(CLOSE, .conn = 2, .now = 1);
	PLAY_ENDED(2, IPC_DONE_BY_US, &end);
	say(response(play.seed, &second));
	begin(&first, 3);
	ask(&first);
	turn_of(&first);
}

/* ---- RSA: the hash that was agreed is asked for (RFC 9987 3.6.1) ---- */

static void
test_rsa_flags(void **state)
{
	static const struct { const char *alg; uint32_t flags; } rows[] = {
	    { "rsa-sha2-256", 2 }, { "rsa-sha2-512", 4 } };
	static uint8_t n[384], blob[512], body[1024];
	struct wr w = wr_of(blob, sizeof(blob));

	(void)state;
	memset(n, 0xa5, sizeof(n));
	wr_str(&w, "ssh-rsa");
	wr_mpint(&w, span_of("\1\0\1", 3));
	wr_mpint(&w, span_of(n, sizeof(n)));
	list(wr_span(&w));
	seal();
	for (size_t i = 0; i < 2; i++) {
		struct ipc_NEW plan = play_plan(i + 1, IPC_SERVER);
		struct wr want = wr_of(body, sizeof(body));
		struct play_start start;
		struct play_kex x;
		struct ipc_SIGN sign;

		plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
		play_new(&plan);
		play_attach(i + 1);
		first.conn = i + 1;
		first.w = play_started(i + 1, &start);
		play_kex(&x);
		sign = play_sign_of(&x);
		sign.hostkey_alg = span_str(rows[i].alg);
		play_h(sign.v_c, plan.version, sign.i_c, span_of(start.kexinit, start.kexinit_len),
		    wr_span(&w), &x, first.h);
		assert_int_equal(ipc_send_SIGN(first.w->link, &sign), 0);
		play_run();
		wr_u8(&want, 13);
		wr_blob(&want, wr_span(&w), 512);
		wr_blob(&want, span_of(first.h, 32), 32);
		wr_u32(&want, rows[i].flags);
		expect_said(wr_span(&want));
		say(response(play.seed, &first));
		expect_end(&first, wrong);
	}
}

/* ---- the application signs ---- */

static uint64_t
expect_question(const struct party *p)
{
	struct ipc_SIGN_ASK q;

	PLAY_EXPECT(SIGN_ASK, &q);
	assert_int_equal(q.conn, p->conn);
	assert_int_equal(q.key, key);
	assert_true(span_is(q.alg, "ssh-ed25519"));
	assert_true(span_eq(q.data, span_of(p->h, 32)));
	PLAY_WORKER_QUIET(p->w);
	return q.question;
}

static void
answer(const struct party *p, uint64_t question)
{
	uint8_t sig[256];
	size_t n = play_sign(play.seed, span_of(p->h, 32), sig, sizeof(sig));

	PLAY_TELL(SIGN_ANSWER, .conn = p->conn, .question = question, .signature = span_of(sig, n));
}

/* In any order: each answer has its question's number. */
static void
test_signer(void **state)
{
	uint64_t one, two;

	(void)state;
	begin(&first, 1);
	begin(&second, 2);
	ask(&first);
	one = expect_question(&first);
	ask(&second);
	two = expect_question(&second);
	answer(&second, one);		/* not its own */
	answer(&second, two + 1);
	PLAY_WORKER_QUIET(second.w);
	answer(&second, two);
	expect_signed(&second);
	answer(&second, two);		/* twice */
	PLAY_WORKER_QUIET(second.w);
	answer(&first, one);
	expect_signed(&first);
	play_log_in(first.w, first.conn);
	ask(&first);
	answer(&first, expect_question(&first));
	expect_signed(&first);
}

static void
test_signer_refuses(void **state)
{
	uint64_t question;

	(void)state;
	begin(&first, 1);
	ask(&first);
	question = expect_question(&first);
	PLAY_TELL(SIGN_ANSWER, .conn = 1, .question = question);
	expect_end(&first, "no signature of the host key: the key did not sign");
	answer(&first, question);	/* too late, and no offence */
	begin(&second, 2);
	ask(&second);
	question = expect_question(&second);
	answer(&first, question);	/* about a connection that is over */
	PLAY_WORKER_QUIET(second.w);
	play_wait(MONITOR_SIGN_MS);
	expect_end(&second, silent);
	answer(&second, question);
	assert_false(play.m->over);
}

/* ---- which keys become host keys ---- */

static void
test_replaces(void **state)
{
	struct play_start start;
	uint8_t seed[32], blob[64];
	size_t len;

	(void)state;
	play_make_key(seed, blob, &len);
	(void)play_load(IPC_HOST_KEY, seed, span_of(blob, len));
	list(own());
	assert_int_equal(play.m->user_keys, 1);
	seal();
	assert_int_equal(play.m->user_keys, 0);
	assert_null(monitor_keys_user(play.m, key));
	assert_true(span_eq(own(), span_of(monitor_keys_host(play.m, "ssh-ed25519")->blob,
	    monitor_keys_host(play.m, "ssh-ed25519")->blob_len)));
	assert_null(play.m->keys->next);
	(void)play_connect(1, IPC_SERVER, &start);
}

/* ...and a file's in the place of an agent's, which nobody needs then. */
static void
test_is_replaced(void **state)
{
	struct ipc_SERVING serving;

	(void)state;
	list(own());
	PLAY_TELL(HOST_KEY, .key = key);
	(void)play_load(IPC_HOST_KEY, play.seed, own());
	assert_null(play.m->agents);
	PLAY_TELL(SEALED, .empty_ = 0);
	PLAY_EXPECT(SERVING, &serving);
	begin(&first, 1);
	ask(&first);
	expect_signed(&first);
}

static void
test_unknown_key(void **state)
{
	(void)state;
	PLAY_TELL(HOST_KEY, .key = 4711);
	assert_true(play.m->over);
}

static void
test_not_twice(void **state)
{
	(void)state;
	list(own());
	PLAY_TELL(HOST_KEY, .key = key);
	assert_false(play.m->over);
	PLAY_TELL(HOST_KEY, .key = key);
	assert_true(play.m->over);
}

/* A user's certificate does not become a host's with the key. */
static void
test_its_certificate_goes(void **state)
{
	(void)state;
	list(own());
	play.m->keys->cert = monitor_span_copy(span_str("a user's"));
	seal();
	assert_int_equal(monitor_keys_host(play.m, "ssh-ed25519")->cert.n, 0);
}

static void
test_not_when_sealed(void **state)
{
	(void)state;
	list(own());			/* a user key */
	PLAY_TELL(HOST_KEY, .key = key);
	assert_true(play.m->over);
}

int
main(void)
{
#define A(f) cmocka_unit_test_setup_teardown(f, agent_setup, teardown)
#define S(f) cmocka_unit_test_setup_teardown(f, signer_setup, teardown)
#define B(f) cmocka_unit_test_setup_teardown(f, bare_setup, teardown)
	const struct CMUnitTest tests[] = {
		A(test_agent_signs), A(test_one_question_at_a_time), A(test_quota),
		A(test_agent_refuses), A(test_wrong_signatures), A(test_malformed), A(test_late),
		A(test_deadline_goes_with_the_answer), A(test_dies), A(test_dies_during_rekey), A(test_two_outstanding),
		A(test_ended_meanwhile), B(test_rsa_flags), S(test_signer), S(test_signer_refuses),
		B(test_replaces), B(test_is_replaced), B(test_unknown_key), B(test_not_twice),
		B(test_its_certificate_goes),
		A(test_not_when_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
