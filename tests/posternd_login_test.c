/*
 * posternd_login_test.c - what a key's line forbids holds for the login that its step is
 * one of, however many there are.  The library and the account helper are played here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/posternd.h"
#include "apps/session_link.h"

/* ---- the library ---- */

static int answered, sessions, prompted = POSTERN_ESTATE;

void *postern_transport_user(const postern_transport *t) { return (void *)(uintptr_t)t; }
const char *postern_strerror(int code) { (void)code; return "error"; }
int postern_fingerprint(const void *blob, size_t len, char *out, size_t size)
{
	return snprintf(out, size, "SHA256:%.*s", (int)len, (const char *)blob) < (int)size ? 0 : -1;
}
int postern_answer_login(postern_transport *t, uint64_t q, int code, const struct postern_login *l)
{
	(void)t;
	(void)q;
	(void)l;
	answered = code;
	return 0;
}
int postern_answer_prompts(postern_transport *t, uint64_t q, const struct postern_prompts *p)
{
	(void)t;
	(void)q;
	(void)p;
	return prompted;
}
static int terms_result, lists_result, terms_set;
int postern_transport_set_login_terms(postern_transport *t, unsigned tries, const char *banner)
{
	(void)t;
	(void)tries;
	(void)banner;
	terms_set += terms_result == 0;
	return terms_result;
}
static const char *keys_of_login, *cas_of_login;
int postern_transport_set_login_signatures(postern_transport *t, const char *keys, const char *cas)
{
	(void)t;
	keys_of_login = keys;
	cas_of_login = cas;
	return lists_result;
}
static uint64_t rekey_bytes;
static int rekey_ms;
int postern_transport_set_rekey_limit(postern_transport *t, uint64_t bytes, int ms)
{
	(void)t;
	rekey_bytes = bytes;
	rekey_ms = ms;
	return 0;
}
int postern_transport_set_keepalive(postern_transport *t, int ms, unsigned max)
{
	(void)t;
	(void)ms;
	(void)max;
	return 0;
}
int postern_context_add_server_certificate(postern_context *ctx, const void *blob, size_t len,
    int timeout_ms)
{
	(void)ctx;
	(void)blob;
	(void)len;
	(void)timeout_ms;
	return 0;
}
int posternd_session_start(struct conn *c) { (void)c; sessions++; return 0; }
void posternd_conn_free(struct conn *c) { (void)c; }

/* ---- a login in two steps ---- */

static struct daemon d;
static struct conn c, *conns[] = { &c };
static struct posternd_options options;
static struct postern_server_interface library;
static postern_transport *const t = (postern_transport *)(void *)&c;
static char *methods[] = { (char[]){ "publickey,password" } };
static int helper;

static int setup(void **s)
{
	int pair[2];

	(void)s;
	if (session_link_pair(pair) != 0)
		return -1;
	d = (struct daemon){ .options = &options, .account = pair[0], .conns = conns, .n_slots = 1 };
	helper = pair[1];
	conf_new(&d.conf);
	d.conf.methods = (struct conf_words){ methods, 1 };
	d.conf.pubkey = d.conf.password = true;
	c = (struct conn){ .daemon = &d, .conf = &d.conf, .session = -1 };
	memcpy(c.address, "10.1.2.3", 9);
	answered = sessions = terms_result = lists_result = terms_set = 0;
	posternd_login_interface(&d, &library);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	while (c.grants != NULL) {
		struct grant *g = c.grants;

		c.grants = g->next;
		free(g);
	}
	close(d.account);
	close(helper);
	return 0;
}

/* The helper lets this key in, to run nothing but this. */
static void ask(const char *key, const char *plain, const char *command)
{
	static struct account_answer a;
	static union account_packet asked;
	struct postern_certificate cert = { .size = sizeof(cert), .plain = plain,
		.plain_len = plain != NULL ? strlen(plain) : 0, .ca = "CA", .ca_len = 2, .key_id = "id" };
	struct postern_login l = { .size = sizeof(l), .user = "bob", .proven = "",
		.method = POSTERN_PUBLICKEY, .algorithm = "alg", .key = key, .key_len = strlen(key),
		.certificate = plain != NULL ? &cert : NULL };

	assert_int_equal(library.check_auth(NULL, t, 1, &l), POSTERN_LATER);
	assert_true(session_link_recv(helper, &asked, sizeof(asked), NULL, NULL) > 0);
	a = (struct account_answer){ .head = asked.head, .verdict = ACCOUNT_YES,
		.grant = { .has_command = 1 } };
	a.head.kind = ACCOUNT_ANSWER;
	snprintf(a.grant.command, sizeof(a.grant.command), "%s", command);
	assert_int_equal(account_answer_send(helper, &a), 0);
	assert_int_equal(posternd_login_answers(&d), 0);
	assert_int_equal(answered, POSTERN_PARTIAL);
}

static void step(const char *fingerprint)
{
	library.auth_attempt(NULL, t, "bob", "publickey", fingerprint, POSTERN_PARTIAL, 0);
}

/* Is there a session, with this command? */
static void logs_in(const char *command)
{
	library.verified_login(NULL, t, "bob", "publickey,password", "", NULL, 0);
	assert_int_equal(sessions, command != NULL);
	if (command != NULL)
		assert_string_equal(c.grant.command, command);
}

static void a_key_binds_the_steps_behind_it(void **s)
{
	(void)s;
	ask("key", NULL, "forced");
	ask("other", NULL, "another");
	step("SHA256:key");
	logs_in("forced");
}

/* The monitor may name a certificate by itself or by its key. */
static void a_certificate_binds_them_by_either_name(void **s)
{
	(void)s;
	ask("certificate", "key", "forced");
	step("SHA256:certificate");
	logs_in("forced");
	teardown(NULL);
	setup(NULL);
	ask("certificate", "key", "forced");
	step("SHA256:key");
	logs_in("forced");
}

/* By its key alone it is not known which of them it was. */
static void of_two_certificates_both_bind(void **s)
{
	(void)s;
	ask("certificate", "key", "forced");
	ask("another certificate", "key", "another");
	step("SHA256:key");
	logs_in(NULL);
}

static void a_step_by_a_key_that_nobody_asked_about_leads_nowhere(void **s)
{
	(void)s;
	ask("key", NULL, "forced");
	step("SHA256:what");
	logs_in(NULL);
	teardown(NULL);
	setup(NULL);
	ask("key", NULL, "forced");
	step(NULL);
	logs_in(NULL);
}

static char wide[] = "ssh-ed25519,rsa-sha2-512", narrow[] = "rsa-sha2-512", cas[] = "ssh-ed25519";

/* A block about bob, whom the helper knows. */
static void match(const char *keyword, const char *value)
{
	char text[128];
	FILE *f = tmpfile();
	char path[64];

	assert_non_null(f);
	snprintf(text, sizeof(text), "Match User bob\n%s %s\n", keyword, value);
	fputs(text, f);
	assert_int_equal(fflush(f), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	assert_int_equal(conf_read_file(&d.conf, path, "/", stderr), 0);
	fclose(f);
	d.conf.pubkey_algorithms = strdup(wide);
	d.conf.ca_algorithms = strdup(cas);
}

static void forget(void)
{
	conf_free(&c.view);
	d.conf.methods = (struct conf_words){ 0 };	/* not its own */
	conf_free(&d.conf);
}

static void answer_for_bob(void)
{
	static struct account_answer a;
	static union account_packet asked;
	struct postern_login l = { .size = sizeof(l), .user = "bob", .proven = "",
		.method = POSTERN_PUBLICKEY, .algorithm = "ssh-ed25519", .key = "key", .key_len = 3 };

	assert_int_equal(library.check_auth(NULL, t, 1, &l), POSTERN_LATER);
	assert_true(session_link_recv(helper, &asked, sizeof(asked), NULL, NULL) > 0);
	assert_string_equal(asked.key.algorithm, "ssh-ed25519");
	a = (struct account_answer){ .head = asked.head, .verdict = ACCOUNT_YES, .has_blocks = 1,
		.blocks = { { 1 } } };
	a.head.kind = ACCOUNT_ANSWER;
	assert_int_equal(account_answer_send(helper, &a), 0);
	assert_int_equal(posternd_login_answers(&d), 0);
}

static void own_lists_go_to_the_monitor(void **s)
{
	(void)s;
	keys_of_login = NULL;
	match("PubkeyAcceptedAlgorithms", narrow);
	answer_for_bob();
	assert_string_equal(keys_of_login, narrow);
	assert_string_equal(cas_of_login, cas);
	forget();
}

/* What could not be told to the monitor does not hold there: nobody gets in, and at the
 * next question it is told again. */
static void terms_that_were_not_set_are_not_taken_for_set(void **s)
{
	(void)s;
	match("PubkeyAcceptedAlgorithms", narrow);
	terms_result = -ENOMEM;
	answer_for_bob();
	assert_int_equal(answered, POSTERN_REFUSE);
	assert_false(c.is_judged);
	assert_ptr_equal(c.conf, &d.conf);
	terms_result = 0;
	lists_result = -ENOMEM;
	answer_for_bob();
	assert_int_equal(answered, POSTERN_REFUSE);
	assert_false(c.is_judged);
	lists_result = 0;
	keys_of_login = NULL;
	answer_for_bob();
	assert_int_equal(answered, POSTERN_PARTIAL);
	assert_true(c.is_judged);
	assert_string_equal(keys_of_login, narrow);
	assert_int_equal(terms_set, 2);
	forget();
}

static void own_rekey_limit_comes_with_the_login(void **s)
{
	(void)s;
	keys_of_login = NULL;
	rekey_bytes = 0;
	match("RekeyLimit", "1M 60");
	answer_for_bob();
	assert_null(keys_of_login);
	assert_int_equal(rekey_bytes, 0);
	logs_in("");
	assert_int_equal(rekey_bytes, 1 << 20);
	assert_int_equal(rekey_ms, 60000);
	forget();
}

/* A peer whose prompts are lost does not wait for them: it is refused, and its check ends. */
static void prompts_that_cannot_be_shown_are_a_refusal(void **s)
{
	static struct account_prompts p;
	static union account_packet said;

	(void)s;
	c.ask = 5;
	c.question = 9;
	p.head = (struct account_head){ .kind = ACCOUNT_PROMPTS, .id = 5 };
	answered = 0;
	prompted = -ENOMEM;
	posternd_talk_prompts(&d, &p);
	assert_int_equal(answered, POSTERN_REFUSE);
	assert_int_equal(c.ask, 0);
	assert_int_equal(session_link_recv(helper, &said, sizeof(said), NULL, NULL),
	    sizeof(said.head));
	assert_int_equal(said.head.kind, ACCOUNT_DROP);
	assert_int_equal(said.head.id, 5);
	/* those of a check that nobody waits for are nobody's */
	answered = 0;
	posternd_talk_prompts(&d, &p);
	assert_int_equal(answered, 0);
	prompted = POSTERN_ESTATE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_key_binds_the_steps_behind_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_certificate_binds_them_by_either_name, setup, teardown),
		cmocka_unit_test_setup_teardown(prompts_that_cannot_be_shown_are_a_refusal, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(of_two_certificates_both_bind, setup, teardown),
		cmocka_unit_test_setup_teardown(a_step_by_a_key_that_nobody_asked_about_leads_nowhere,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(own_lists_go_to_the_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(own_rekey_limit_comes_with_the_login, setup, teardown),
		cmocka_unit_test_setup_teardown(terms_that_were_not_set_are_not_taken_for_set, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
