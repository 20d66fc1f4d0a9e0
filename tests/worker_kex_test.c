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

/* ---- group exchange ---- */

#define GEX "diffie-hellman-group-exchange-sha256"

static struct lab *
group_lab(enum ssh_role role)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = role, .close_ms = 300,
	    .group_exchange = true });

	l->no_group = l->no_sign = true;
	return l;
}

static void
test_a_group_is_asked_for_as_the_peer_did(void **state)
{
	struct lab *l = group_lab(SSH_SERVER);
	struct kex_group group;
	struct ipc_GROUP_ASK q;
	struct ipc_SIGN m;

	(void)state;
	LAB_UNTIL(l, l->said[IPC_MSG_GROUP_ASK] == 1);
	LAB_WORDS(l, GROUP_ASK, &q);
	assert_int_equal(q.min, 2048);
	assert_int_equal(q.n, 3072);
	assert_int_equal(q.max, 8192);
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_SIGN], 0);
	lab_group(l);
	LAB_UNTIL(l, l->said[IPC_MSG_SIGN] == 1);
	LAB_WORDS(l, SIGN, &m);
	assert_true(span_is(m.kex, GEX));
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	assert_int_equal(m.q_c.n, group.p_len);
	assert_int_equal(m.q_s.n, group.p_len);
	assert_int_equal(m.k.n, group.p_len);
	assert_int_equal(l->said[IPC_MSG_GROUP_ASK], 1);
	lab_free(l);
}

static void
test_verify_has_the_group(void **state)
{
	struct lab *l = group_lab(SSH_CLIENT);
	struct kex_group group;
	struct ipc_VERIFY m;

	(void)state;
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	LAB_UNTIL(l, l->said[IPC_MSG_VERIFY] == 1);
	LAB_WORDS(l, VERIFY, &m);
	assert_true(span_is(m.kex, GEX));
	assert_int_equal(m.gex_min, 2048);
	assert_int_equal(m.gex_n, 3072);
	assert_int_equal(m.gex_max, 8192);
	assert_true(span_eq(m.gex_p, span_of(group.p, group.p_len)));
	assert_true(span_eq(m.gex_g, span_of(group.g, group.g_len)));
	lab_free(l);

	/* other methods have none */
	l = asked(SSH_CLIENT);
	LAB_WORDS(l, VERIFY, &m);
	assert_int_equal(m.gex_min | m.gex_n | m.gex_max, 0);
	assert_int_equal(m.gex_p.n + m.gex_g.n, 0);
	lab_free(l);
}

static void
test_no_group_is_the_end(void **state)
{
	struct lab *l = group_lab(SSH_SERVER);
	struct ipc_BYE bye;

	(void)state;
	LAB_UNTIL(l, l->said[IPC_MSG_GROUP_ASK] == 1);
	assert_int_equal(ipc_send_GROUP(l->link, &(struct ipc_GROUP){ .p = span_str("") }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_NO_MATCH);
	assert_int_equal(bye.disconnect, 3);
	assert_int_equal(l->said[IPC_MSG_SIGN], 0);
	lab_free(l);
}

static void
test_group_exchange_to_the_end(void **state)
{
	static const enum ssh_role roles[] = { SSH_SERVER, SSH_CLIENT };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct lab *l = group_lab(roles[i]);
		struct ipc_AGREED m;

		l->no_group = l->no_sign = false;
		LAB_UNTIL(l, l->said[IPC_MSG_AGREED] == 1);
		LAB_WORDS(l, AGREED, &m);
		assert_true(span_is(m.kex, GEX));
		lab_free(l);
	}
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
	    .signature = span_str("s"), .hash = worker_rehearse_hash(l->row), .kexinit = l->kex }), 0);
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
	struct ipc_SIGNED m = { .signature = span_str("s"), .hash = worker_rehearse_hash(l->row),
		.kexinit = l->kex };

	(void)state;
	assert_int_equal(ipc_send_SIGNED(l->link, &m), 0);
	expect_broken(l);
	lab_free(l);

	/* the client's answer to a server's question */
	l = asked(SSH_SERVER);
	assert_int_equal(ipc_send_VERIFIED(l->link, &(struct ipc_VERIFIED){
	    .hash = worker_rehearse_hash(l->row), .kexinit = l->kex }), 0);
	expect_broken(l);
	lab_free(l);

	/* a group, of a key exchange that takes none; before it is asked for; twice */
	for (int i = 0; i < 4; i++) {
		l = i == 0 ? asked(SSH_SERVER) : i == 1 ? asked(SSH_CLIENT) :
		    group_lab(i == 2 ? SSH_CLIENT : SSH_SERVER);
		if (i == 3) {
			LAB_UNTIL(l, l->said[IPC_MSG_GROUP_ASK] == 1);
			lab_group(l);
		}
		lab_group(l);
		expect_broken(l);
		lab_free(l);
	}

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
		cmocka_unit_test(test_a_group_is_asked_for_as_the_peer_did),
		cmocka_unit_test(test_verify_has_the_group),
		cmocka_unit_test(test_no_group_is_the_end),
		cmocka_unit_test(test_group_exchange_to_the_end),
		cmocka_unit_test(test_nothing_goes_on_without_the_answer),
		cmocka_unit_test(test_agreed_names_what_was_agreed),
		cmocka_unit_test(test_answers_that_nobody_asked_for),
		cmocka_unit_test(test_an_h_of_another_length),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
