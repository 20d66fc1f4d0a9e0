/*
 * worker_auth_test.c - logins: fields up, verdicts down, nothing in between.
 */
#include "tests/worker_lab.h"

static struct lab *
keyed(enum ssh_role role, const char *banner)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = role, .close_ms = 500,
	    .banner = banner });

	l->no_login = true;
	if (role == SSH_SERVER)
		LAB_UNTIL(l, l->replies[AP_SERVICE] == 1);
	else
		LAB_UNTIL(l, l->w->phase == L_AUTH);
	return l;
}

static void
test_none_fails_then_password_gets_in(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_AUTH_NONE none;
	struct ipc_AUTH_PASSWORD password;

	(void)state;
	assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("anna")), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_NONE] == 1);
	LAB_WORDS(l, AUTH_NONE, &none);
	assert_true(span_is(none.user, "anna"));
	assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){
	    .methods = span_str("password,publickey"), .partial = 1 }), 0);
	LAB_UNTIL(l, l->replies[AP_FAILURE] == 1);
	assert_true(l->reply.partial);
	assert_true(span_is(l->reply.methods, "password,publickey"));

	assert_int_equal(auth_client_password(&l->ac, l->peer, span_str("anna"),
	    span_str("secret")), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_PASSWORD] == 1);
	LAB_WORDS(l, AUTH_PASSWORD, &password);
	assert_true(span_is(password.password, "secret"));
	/* the worker keeps no copy: neither to send nor as received */
	assert_null(memmem(l->w->outbox, sizeof(l->w->outbox), "secret", 6));
	assert_null(memmem(l->w->rx, WORKER_RX_CAP, "secret", 6));
	assert_int_equal(l->w->phase, L_AUTH);
	lab_let_in(l);
	LAB_UNTIL(l, l->replies[AP_SUCCESS] == 1);
	assert_int_equal(l->w->phase, L_OPEN);
	lab_free(l);
}

static void
test_key_probe_and_signature(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_AUTH_PUBLICKEY m;

	(void)state;
	assert_int_equal(auth_client_publickey(&l->ac, l->peer, span_str("anna"),
	    span_str("ssh-ed25519"), span_str("blob"), span_of(NULL, 0)), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_PUBLICKEY] == 1);
	LAB_WORDS(l, AUTH_PUBLICKEY, &m);
	assert_int_equal(m.is_signed, 0);
	assert_true(span_is(m.key, "blob"));
	assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){ .pk_ok = 1 }), 0);
	LAB_UNTIL(l, l->replies[AP_PK_OK] == 1);

	assert_int_equal(auth_client_publickey(&l->ac, l->peer, span_str("anna"),
	    span_str("ssh-ed25519"), span_str("blob"), span_str("sig")), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_PUBLICKEY] == 2);
	LAB_WORDS(l, AUTH_PUBLICKEY, &m);
	assert_int_equal(m.is_signed, 1);
	assert_true(span_is(m.signature, "sig"));
	lab_free(l);
}

/* OpenSSH PROTOCOL 3.1, both roles. */
static void
test_host_bound(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_AUTH_PUBLICKEY m;

	(void)state;
	assert_int_equal(auth_client_hostbound(&l->ac, l->peer, span_str("anna"),
	    span_str("ssh-ed25519"), span_str("blob"), span_str("host"), span_str("sig")), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_PUBLICKEY] == 1);
	LAB_WORDS(l, AUTH_PUBLICKEY, &m);
	assert_true(span_is(m.key, "blob"));
	assert_true(span_is(m.host_key, "host"));
	assert_true(span_is(m.signature, "sig"));
	lab_free(l);

	l = keyed(SSH_CLIENT, NULL);
	assert_int_equal(ipc_send_LOGIN_PUBLICKEY(l->link, &(struct ipc_LOGIN_PUBLICKEY){
	    .user = span_str("anna"), .alg = span_str("ssh-ed25519"), .key = span_str("blob"),
	    .host_key = span_str("host") }), 0);
	LAB_UNTIL(l, l->asks == 1);
	assert_true(span_is(l->asked.method, "publickey-hostbound-v00@openssh.com"));
	assert_true(span_is(l->asked.host_key, "host"));
	lab_free(l);
}

static void
test_prompts_and_answers(void **state)
{
	static const uint8_t prompts[] = "\0\0\0\001\0\0\0\002P:\001";
	static const uint8_t answers[] = "\0\0\0\001\0\0\0\002it";
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_AUTH_RESPONSES m;

	(void)state;
	assert_int_equal(auth_client_kbdint(&l->ac, l->peer, span_str("anna"), span_str("")),
	    PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_KBDINT] == 1);
	assert_int_equal(ipc_send_PROMPTS(l->link, &(struct ipc_PROMPTS){
	    .name = span_str("n"), .instruction = span_str("i"),
	    .prompts = span_of(prompts, sizeof(prompts) - 1) }), 0);
	LAB_UNTIL(l, l->replies[AP_INFO] == 1);
	assert_true(span_is(l->reply.instruction, "i"));
	assert_int_equal(auth_client_responses(&l->ac, l->peer,
	    span_of(answers, sizeof(answers) - 1)), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_RESPONSES] == 1);
	LAB_WORDS(l, AUTH_RESPONSES, &m);
	assert_true(span_eq(m.answers, span_of(answers, sizeof(answers) - 1)));
	lab_free(l);
}

static void
test_banner_once_and_before_the_verdict(void **state)
{
	struct lab *l = keyed(SSH_SERVER, "Beware\n");

	(void)state;
	assert_int_equal(l->replies[AP_BANNER], 0);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("anna")), PROTO_OK);
		LAB_UNTIL(l, l->said[IPC_MSG_AUTH_NONE] == i);
		lab_rest(l);
		assert_int_equal(l->replies[AP_BANNER], 1);
		assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){ .partial = 0 }), 0);
		LAB_UNTIL(l, l->replies[AP_FAILURE] == i);
	}
	lab_free(l);
}

/* One that comes when the user is known: before the verdict, and not a second time. */
static void
test_a_banner_for_this_user(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_BYE bye;

	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("anna")), PROTO_OK);
		LAB_UNTIL(l, l->said[IPC_MSG_AUTH_NONE] == i);
		assert_int_equal(ipc_send_SHOW_BANNER(l->link,
		    &(struct ipc_SHOW_BANNER){ .text = span_str("Hello anna\n") }), 0);
		LAB_UNTIL(l, l->replies[AP_BANNER] == 1);
		assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){ .partial = 0 }), 0);
		LAB_UNTIL(l, l->replies[AP_FAILURE] == i);
		assert_int_equal(l->replies[AP_BANNER], 1);
	}
	/* nobody waits for one now */
	assert_int_equal(ipc_send_SHOW_BANNER(l->link,
	    &(struct ipc_SHOW_BANNER){ .text = span_str("late") }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	lab_free(l);
}

/* RFC 4252 8: asked for, sent up with the old one, asked for again. */
static void
test_a_new_password_is_wanted(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_CHANGE_WANTED wanted = { .prompt = span_str("expired") };
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(auth_client_password(&l->ac, l->peer, span_str("anna"), span_str("old")),
	    PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_PASSWORD] == 1);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(ipc_send_CHANGE_WANTED(l->link, &wanted), 0);
		LAB_UNTIL(l, l->replies[AP_CHANGEREQ] == i);
		assert_int_equal(auth_client_change(&l->ac, l->peer, span_str("anna"),
		    span_str("old"), span_str("new")), PROTO_OK);
		LAB_UNTIL(l, l->said[IPC_MSG_AUTH_CHANGE] == i);
	}
	assert_int_equal(l->said[IPC_MSG_AUTH_OTHER], 0);
	assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){ .partial = 0 }), 0);
	LAB_UNTIL(l, l->replies[AP_FAILURE] == 1);
	/* nobody waits for that now */
	assert_int_equal(ipc_send_CHANGE_WANTED(l->link, &wanted), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	lab_free(l);
}

/* The next request is not even looked at before the verdict on the last. */
static void
test_nothing_is_asked_while_a_verdict_is_out(void **state)
{
	static const uint8_t again[] = "\062\0\0\0\001b\0\0\0\016ssh-connection\0\0\0\004none";
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct wr w;

	(void)state;
	assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("a")), PROTO_OK);
	w = transport_begin(l->peer, sizeof(again));
	wr_raw(&w, span_of(again, sizeof(again) - 1));
	assert_int_equal(transport_end(l->peer, &w), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_NONE] == 1);
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_AUTH_NONE], 1);
	assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){ .partial = 0 }), 0);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_NONE] == 2);
	lab_free(l);
}

static void
test_a_verdict_on_nothing_ends_the_worker(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_VERDICT(l->link, &(struct ipc_VERDICT){ .pk_ok = 1 }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	assert_int_equal(bye.side, IPC_LOCAL);
	lab_free(l);
}

static void
test_a_gate_that_nobody_asked_for_stays_shut(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_BYE bye;
	uint8_t byte;

	(void)state;
	lab_let_in(l);
	lab_bye(l, &bye);
	assert_int_equal(l->replies[AP_SUCCESS], 0);
	assert_int_equal(read(l->app, &byte, 1), 0);	/* its end was closed */
	lab_free(l);
}

static void
test_login_takes_too_long(void **state)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_SERVER, .login_ms = 30,
	    .close_ms = 500 });
	struct ipc_BYE bye;

	(void)state;
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_TIMED_OUT);
	assert_true(span_is(bye.phase, "auth"));
	assert_int_equal(l->peer_disconnect, 2);
	lab_free(l);
}

static void
test_a_peer_that_leaves_while_it_is_judged(void **state)
{
	struct lab *l = keyed(SSH_SERVER, NULL);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(auth_client_none(&l->ac, l->peer, span_str("a")), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_AUTH_NONE] == 1);
	(void)close(l->net);
	l->net = -1;
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_CUT);
	assert_true(span_is(bye.phase, "auth"));
	lab_free(l);
}

/* ---- client ---- */

static void
test_a_request_waits_for_the_service(void **state)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_CLIENT, .close_ms = 500 });

	(void)state;
	l->no_login = true;
	LAB_UNTIL(l, l->w->phase == L_AUTH);
	assert_true(l->w->auth.client.state == AC_START || l->w->auth.client.state == AC_SERVICE);
	assert_int_equal(ipc_send_LOGIN_PASSWORD(l->link, &(struct ipc_LOGIN_PASSWORD){
	    .user = span_str("anna"), .password = span_str("secret") }), 0);
	LAB_UNTIL(l, l->asks == 1);
	assert_int_equal(l->asked.type, AR_PASSWORD);
	assert_null(l->w->held);
	assert_int_equal(auth_server_failure(&l->as, l->peer, span_str("publickey"), false),
	    PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_LOGIN_FAILURE] == 1);
	lab_free(l);
}

/* A new password goes with the old one, early or not, and to a client's worker alone. */
static void
test_a_password_is_changed(void **state)
{
	struct ipc_LOGIN_CHANGE change = { .user = span_str("anna"),
		.password = span_str("old"), .new_password = span_str("new") };
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_CLIENT, .close_ms = 500 });
	struct lab *s = keyed(SSH_SERVER, NULL);
	struct ipc_BYE bye;

	(void)state;
	l->no_login = true;
	LAB_UNTIL(l, l->w->phase == L_AUTH);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(ipc_send_LOGIN_CHANGE(l->link, &change), 0);
		LAB_UNTIL(l, l->asks == i);
		assert_int_equal(l->asked.type, AR_PASSWORD);
		assert_true(l->asked.is_change);
		assert_null(l->w->held);
		assert_int_equal(auth_server_failure(&l->as, l->peer, span_str("password"),
		    false), PROTO_OK);
		LAB_UNTIL(l, l->said[IPC_MSG_LOGIN_FAILURE] == i);
	}
	assert_int_equal(ipc_send_LOGIN_CHANGE(s->link, &change), 0);
	lab_bye(s, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	lab_free(l);
	lab_free(s);
}

static void
test_client_reports_what_the_server_says(void **state)
{
	static const uint8_t prompts[] = "\0\0\0\001\0\0\0\002P:\001";
	static const uint8_t answers[] = "\0\0\0\001\0\0\0\002it";
	struct lab *l = keyed(SSH_CLIENT, NULL);
	struct ipc_LOGIN_INFO info;
	struct ipc_LOGIN_PK_OK ok;

	(void)state;
	assert_int_equal(ipc_send_LOGIN_PUBLICKEY(l->link, &(struct ipc_LOGIN_PUBLICKEY){
	    .user = span_str("anna"), .alg = span_str("ssh-ed25519"),
	    .key = span_str("blob") }), 0);
	LAB_UNTIL(l, l->asks == 1);
	assert_int_equal(auth_server_banner(&l->as, l->peer, span_str("hello")), PROTO_OK);
	assert_int_equal(auth_server_pk_ok(&l->as, l->peer), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_LOGIN_PK_OK] == 1);
	assert_int_equal(l->said[IPC_MSG_LOGIN_BANNER], 1);
	LAB_WORDS(l, LOGIN_PK_OK, &ok);
	assert_true(span_is(ok.key, "blob"));

	assert_int_equal(ipc_send_LOGIN_KBDINT(l->link, &(struct ipc_LOGIN_KBDINT){
	    .user = span_str("anna") }), 0);
	LAB_UNTIL(l, l->asks == 2);
	assert_int_equal(auth_server_prompts(&l->as, l->peer, span_str("n"), span_str("i"),
	    span_of(prompts, sizeof(prompts) - 1)), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_LOGIN_INFO] == 1);
	LAB_WORDS(l, LOGIN_INFO, &info);
	assert_true(span_eq(info.prompts, span_of(prompts, sizeof(prompts) - 1)));
	assert_int_equal(ipc_send_LOGIN_RESPONSES(l->link, &(struct ipc_LOGIN_RESPONSES){
	    .answers = span_of(answers, sizeof(answers) - 1) }), 0);
	LAB_UNTIL(l, l->asks == 3);
	assert_int_equal(l->asked.type, AR_RESPONSES);
	lab_free(l);
}

/* After SUCCESS nothing more is looked at before the monitor opens the gate. */
static void
test_success_is_a_claim_until_the_gate_opens(void **state)
{
	struct lab *l = keyed(SSH_CLIENT, NULL);

	(void)state;
	assert_int_equal(ipc_send_LOGIN_NONE(l->link, &(struct ipc_LOGIN_NONE){
	    .user = span_str("anna") }), 0);
	LAB_UNTIL(l, l->asks == 1);
	assert_int_equal(auth_server_success(&l->as, l->peer), PROTO_OK);
	lab_peer_open(l);
	assert_int_equal(connection_open(l->pc, 7, span_str("x"), span_of(NULL, 0), any_size), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_LOGIN_SUCCESS] == 1);
	lab_rest(l);
	assert_int_equal(l->w->phase, L_AUTH);
	assert_int_equal(l->n_chans, 0);
	lab_let_in(l);
	LAB_UNTIL(l, l->n_chans == 1);
	lab_free(l);
}

static void
test_a_servers_request_to_a_client_is_not_taken(void **state)
{
	struct lab *l = keyed(SSH_CLIENT, NULL);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_PROMPTS(l->link, &(struct ipc_PROMPTS){ .name = span_str("") }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_fails_then_password_gets_in),
		cmocka_unit_test(test_key_probe_and_signature),
		cmocka_unit_test(test_host_bound),
		cmocka_unit_test(test_prompts_and_answers),
		cmocka_unit_test(test_banner_once_and_before_the_verdict),
		cmocka_unit_test(test_a_new_password_is_wanted),
		cmocka_unit_test(test_a_banner_for_this_user),
		cmocka_unit_test(test_nothing_is_asked_while_a_verdict_is_out),
		cmocka_unit_test(test_a_verdict_on_nothing_ends_the_worker),
		cmocka_unit_test(test_a_gate_that_nobody_asked_for_stays_shut),
		cmocka_unit_test(test_login_takes_too_long),
		cmocka_unit_test(test_a_peer_that_leaves_while_it_is_judged),
		cmocka_unit_test(test_a_request_waits_for_the_service),
		cmocka_unit_test(test_a_password_is_changed),
		cmocka_unit_test(test_client_reports_what_the_server_says),
		cmocka_unit_test(test_success_is_a_claim_until_the_gate_opens),
		cmocka_unit_test(test_a_servers_request_to_a_client_is_not_taken),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
