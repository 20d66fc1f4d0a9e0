/*
 * worker_hostkeys_test.c - a server's worker tells its host keys, and passes on which
 * of them the peer wants proven.
 *
 * The lab's worker has one host key, whose blob is the letter k; further pairs are
 * given to its transport before the login where a test wants more.
 */
#include "proto/transport_state.h"
#include "tests/worker_lab.h"

static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };
static const struct lab_options client = { .role = SSH_CLIENT, .close_ms = 300 };

static const char prove[] = "hostkeys-prove-00@openssh.com";

static uint8_t pairs_buf[1024];

/* Two keys, one of them an RSA key with its two algorithms, not side by side, and a
 * certificate. */
static void
more_keys(struct lab *l)
{
	static const char *const pair[][2] = { { "rsa-sha2-512", "r" }, { "ssh-ed25519", "k" },
		{ "rsa-sha2-256", "r" }, { "ssh-ed25519-cert-v01@openssh.com", "c" } };
	struct wr w = wr_of(pairs_buf, sizeof(pairs_buf));

	for (size_t i = 0; i < 4; i++) {
		wr_str(&w, pair[i][0]);
		wr_str(&w, pair[i][1]);
	}
	assert_false(w.bad);
	free(l->w->tr->hostkeys);
	l->w->tr->hostkeys = malloc(w.n);
	memcpy(l->w->tr->hostkeys, w.p, w.n);
	l->w->tr->cfg.hostkeys = span_of(l->w->tr->hostkeys, w.n);
}

static struct lab *
open_with_more(void)
{
	struct lab *l = lab_new(&server);

	LAB_UNTIL(l, l->replies[AP_SERVICE] == 1);
	more_keys(l);
	assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("user")), PROTO_OK);
	LAB_UNTIL(l, l->pc != NULL);
	return l;
}

/* The last packet that the worker sent, as its tap shows it. */
static uint8_t told[16384];
static size_t told_n;
static unsigned told_times;

static void
tap(void *user, bool is_out, struct span payload)
{
	(void)user;
	if (!is_out || payload.p[0] != SSH_MSG_GLOBAL_REQUEST)
		return;
	memcpy(told, payload.p, payload.n);
	told_n = payload.n;
	told_times++;
}

static void
test_all_keys_are_announced_once(void **state)
{
	static const char want[] = "\x50" "\0\0\0\x17" "hostkeys-00@openssh.com" "\0"
	    "\0\0\0\1r" "\0\0\0\1k";
	struct lab *l = lab_new(&server);

	(void)state;
	told_times = 0;
	LAB_UNTIL(l, l->replies[AP_SERVICE] == 1);
	more_keys(l);
	transport_set_tap(l->w->tr, tap, NULL);
	assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("user")), PROTO_OK);
	LAB_UNTIL(l, l->pc != NULL);
	lab_rest(l);
	assert_int_equal(told_times, 1);
	assert_int_equal(told_n, sizeof(want) - 1);
	assert_memory_equal(told, want, told_n);
	lab_free(l);
}

static void
peer_asks(struct lab *l, uint64_t call, const char *keys, size_t n)
{
	assert_int_equal(connection_global(l->pc, call, span_str(prove), span_of(keys, n)),
	    PROTO_OK);
}
#define ASKS(l, call, keys) peer_asks(l, call, keys, sizeof(keys) - 1)

static void
proof(struct lab *l, const char *signature)
{
	assert_int_equal(ipc_send_PROOF(l->link, &(struct ipc_PROOF){
	    .signature = span_str(signature) }), 0);
}

static void
expect_asked(struct lab *l, unsigned times, const char *key)
{
	struct ipc_PROVE m;

	LAB_UNTIL(l, l->said[IPC_MSG_PROVE] == times);
	LAB_WORDS(l, PROVE, &m);
	assert_true(span_is(m.key, key));
}

static void
test_proofs_are_asked_for_and_passed_on(void **state)
{
	struct lab *l = open_with_more();

	(void)state;
	ASKS(l, 7, "\0\0\0\1k\0\0\0\1r");
	expect_asked(l, 1, "k");
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_PROVE], 1);	/* one after the other */
	proof(l, "sigk");
	expect_asked(l, 2, "r");
	assert_int_equal(l->events[CE_CALL_DONE], 0);
	proof(l, "sigr");
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);
	assert_true(l->call_ok);
	assert_int_equal(l->call_n, 16);
	assert_memory_equal(l->call_payload, "\0\0\0\4sigk\0\0\0\4sigr", 16);
	assert_int_equal(l->said[IPC_MSG_GLOBAL_ASK], 0);
	lab_free(l);
}

/* The second key's private half is with an agent: none of them counts as proven. */
static void
test_a_proof_that_is_not_to_be_had(void **state)
{
	struct lab *l = open_with_more();

	(void)state;
	ASKS(l, 7, "\0\0\0\1k\0\0\0\1r");
	expect_asked(l, 1, "k");
	proof(l, "sigk");
	expect_asked(l, 2, "r");
	proof(l, "");
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);
	assert_false(l->call_ok);
	lab_free(l);
}

/* Refused as a whole, without a word to the monitor; the connection goes on. */
static void
test_what_is_refused(void **state)
{
	static const struct { const char *keys; size_t n; } cases[] = {
		{ "", 0 },				/* of no key */
		{ "\0\0\0\1x", 5 },			/* not ours */
		{ "\0\0\0\1k\0\0\0\1x", 10 },		/* one of them */
		{ "\0\0\0\1k\0\0\0\1k", 10 },		/* twice */
		{ "\0\0\0\1c", 5 },			/* a certificate */
		{ "\0\0\0\0", 4 },
		{ "\0\0\0\1", 4 },			/* cut short */
		{ "\0\0\0\1k\0", 6 },			/* one too many */
		{ "\xff\xff\xff\xffk", 5 },
	};
	struct lab *l = open_with_more();
	unsigned done = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer_asks(l, 7 + i, cases[i].keys, cases[i].n);
		LAB_UNTIL(l, l->events[CE_CALL_DONE] == done + 1);
		done++;
		assert_false(l->call_ok);
	}
	assert_int_equal(l->said[IPC_MSG_PROVE], 0);
	/* no answer wanted: none given, nothing done */
	ASKS(l, 0, "\0\0\0\1k");
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_PROVE], 0);
	/* none of it was held against a good question */
	ASKS(l, 50, "\0\0\0\1k");
	expect_asked(l, 1, "k");
	/* another one while that is open */
	ASKS(l, 51, "\0\0\0\1r");
	lab_rest(l);
	assert_int_equal(l->events[CE_CALL_DONE], done);	/* in their order */
	proof(l, "sig");
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == done + 2);
	assert_false(l->call_ok);
	/* and the same key again */
	ASKS(l, 52, "\0\0\0\1k");
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == done + 3);
	assert_false(l->call_ok);
	assert_int_equal(l->said[IPC_MSG_PROVE], 1);
	assert_true(l->alive);
	lab_free(l);
}

static void
test_a_client_proves_nothing(void **state)
{
	struct lab *l = lab_open(&client);

	(void)state;
	ASKS(l, 7, "\0\0\0\1k");
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);
	assert_false(l->call_ok);
	assert_int_equal(l->said[IPC_MSG_PROVE], 0);
	lab_free(l);
}

/* The monitor answers what nobody asked: nothing may be built on it. */
static void
test_a_proof_that_nobody_asked_for(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_BYE bye;

	(void)state;
	proof(l, "sig");
	lab_bye(l, &bye);
	lab_free(l);
}

/* Signatures of more than an answer can hold: a refusal, and no half of them. */
static void
test_signatures_that_do_not_fit(void **state)
{
	static char large[4096 + 1];
	struct lab *l = open_with_more();

	(void)state;
	memset(large, 's', sizeof(large) - 1);
	ASKS(l, 7, "\0\0\0\1k\0\0\0\1r");
	expect_asked(l, 1, "k");
	proof(l, large);
	expect_asked(l, 2, "r");
	proof(l, large);
	LAB_UNTIL(l, l->events[CE_CALL_DONE] == 1);
	assert_false(l->call_ok);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys_are_announced_once),
		cmocka_unit_test(test_proofs_are_asked_for_and_passed_on),
		cmocka_unit_test(test_a_proof_that_is_not_to_be_had),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_a_client_proves_nothing),
		cmocka_unit_test(test_a_proof_that_nobody_asked_for),
		cmocka_unit_test(test_signatures_that_do_not_fit),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
