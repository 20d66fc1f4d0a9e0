/*
 * worker_kex_test.c - what the monitor is asked about a key exchange, that nothing
 * goes on before it answers, and that an answer nobody asked for ends the worker.
 */
#include "tests/worker_lab.h"

static struct lab *
asked(enum ssh_role role)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = role, .close_ms = 300 });

	l->no_sign = true;
	LAB_UNTIL(l, l->said[role == SSH_SERVER ? IPC_MSG_SIGN : IPC_MSG_VERIFY] == 1);
	return l;
}

static void
test_sign_has_the_peers_own_bytes(void **state)
{
	struct lab *l = asked(SSH_SERVER);
	struct ipc_SIGN m;

	(void)state;
	LAB_WORDS(l, SIGN, &m);
	assert_true(span_is(m.v_c, "SSH-2.0-peer"));
	assert_true(span_eq(m.i_c, l->other_kex));
	assert_true(span_is(m.kex, alg_name(ALG_KEX, 0)));
	assert_true(span_is(m.hostkey_alg, "ssh-ed25519"));
	assert_true(m.q_c.n > 0 && m.q_s.n > 0 && m.k.n > 0);
	/* the secret is with the transport and the monitor, not in our outbox */
	assert_null(memmem(l->w->outbox, sizeof(l->w->outbox), m.k.p, m.k.n));
	lab_free(l);
}

static void
test_verify_has_the_servers_signature(void **state)
{
	struct lab *l = asked(SSH_CLIENT);
	struct ipc_VERIFY m;

	(void)state;
	LAB_WORDS(l, VERIFY, &m);
	assert_true(span_is(m.v_s, "SSH-2.0-peer"));
	assert_true(span_eq(m.i_s, l->other_kex));
	assert_true(span_is(m.k_s, "k"));
	assert_true(span_is(m.signature, "s"));
	lab_free(l);
}

static void
test_nothing_goes_on_without_the_answer(void **state)
{
	struct lab *l = asked(SSH_SERVER);

	(void)state;
	lab_rest(l);
	assert_int_equal(l->w->phase, L_KEX);
	assert_int_equal(l->peer_keys, 0);
	assert_int_equal(l->said[IPC_MSG_AGREED], 0);
	assert_int_equal(ipc_send_SIGNED(l->link, &(struct ipc_SIGNED){
	    .signature = span_str("s"), .hash = worker_rehearse_hash(0), .kexinit = l->kex }), 0);
	LAB_UNTIL(l, l->said[IPC_MSG_AGREED] == 1);
	assert_int_equal(l->w->phase, L_AUTH);
	assert_int_equal(l->w->kex, K_READY);
	lab_free(l);
}

static void
test_agreed_names_what_was_agreed(void **state)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_SERVER, .close_ms = 300 });
	struct ipc_AGREED m;

	(void)state;
	LAB_UNTIL(l, l->said[IPC_MSG_AGREED] == 1);
	LAB_WORDS(l, AGREED, &m);
	assert_true(span_is(m.peer_version, "SSH-2.0-peer"));
	assert_true(span_is(m.cipher_c2s, alg_name(ALG_CIPHER, 0)));
	assert_true(span_is(m.cipher_s2c, alg_name(ALG_CIPHER, 0)));
	assert_true(m.mac_c2s.n > 0);
	assert_int_equal(m.strict, 0);
	lab_free(l);
}

static void
expect_broken(struct lab *l)
{
	struct ipc_BYE bye;

	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	assert_non_null(memmem(bye.text.p, bye.text.n, "the monitor broke", 17));
	assert_int_equal(l->said[IPC_MSG_AGREED] > 0, l->w->keyed);
}

static void
test_answers_that_nobody_asked_for(void **state)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_SERVER, .close_ms = 300 });
	struct ipc_SIGNED m = { .signature = span_str("s"), .hash = worker_rehearse_hash(0),
		.kexinit = l->kex };

	(void)state;
	assert_int_equal(ipc_send_SIGNED(l->link, &m), 0);
	expect_broken(l);
	lab_free(l);

	/* the client's answer to a server's question */
	l = asked(SSH_SERVER);
	assert_int_equal(ipc_send_VERIFIED(l->link, &(struct ipc_VERIFIED){
	    .hash = worker_rehearse_hash(0), .kexinit = l->kex }), 0);
	expect_broken(l);
	lab_free(l);

	/* twice */
	l = asked(SSH_SERVER);
	m.kexinit = l->kex;
	assert_int_equal(ipc_send_SIGNED(l->link, &m), 0);
	assert_int_equal(ipc_send_SIGNED(l->link, &m), 0);
	expect_broken(l);
	lab_free(l);
}

static void
test_an_h_of_another_length(void **state)
{
	struct lab *l = asked(SSH_SERVER);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_SIGNED(l->link, &(struct ipc_SIGNED){
	    .signature = span_str("s"), .hash = span_str("short"), .kexinit = l->kex }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	assert_int_equal(bye.side, IPC_LOCAL);
	assert_int_equal(l->peer_keys, 0);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_has_the_peers_own_bytes),
		cmocka_unit_test(test_verify_has_the_servers_signature),
		cmocka_unit_test(test_nothing_goes_on_without_the_answer),
		cmocka_unit_test(test_agreed_names_what_was_agreed),
		cmocka_unit_test(test_answers_that_nobody_asked_for),
		cmocka_unit_test(test_an_h_of_another_length),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
