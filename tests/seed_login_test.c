/*
 * seed_login_test.c - the rows of docs/from-paramiko.md about logins, in both roles.
 */
#include "tests/seed.h"

static void
seed_06_auth_interactive(void **state)
{
	(void)state;
	/* nobody answers: refused, not hanging */
	assert_int_equal(postern_transport_auth_interactive(seed_started(), "robey", "", SOON),
	    POSTERN_EAUTH);
}

static int dialogues;

static int
answer_now(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)user, (void)t, (void)question;
	dialogues++;
	for (size_t i = 0; i < p->n; i++)
		answers[i] = strdup("foo");
	return POSTERN_ACCEPT;
}

static uint64_t put_off;

static int
answer_later(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)user, (void)t, (void)p, (void)answers;
	put_off = question;
	return POSTERN_LATER;
}

static postern_transport *
started_with(int (*answers)(void *, postern_transport *, uint64_t,
    const struct postern_prompts *, char **))
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	cfg.interface.answer_prompts = answers;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	return t;
}

static void
seed_06_answers(void **state)
{
	const char *const right[] = { "foo" };
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t;
	uint64_t call;

	(void)state;
	dialogues = 0;
	t = started_with(answer_now);
	assert_int_equal(postern_transport_auth_interactive(t, "robey", "", SOON), 0);
	assert_int_equal(dialogues, 1);
	assert_string_equal(house.proven, "keyboard-interactive");
	/* put off, answered in the loop, and once too often */
	put_off = 0;
	t = started_with(answer_later);
	assert_int_equal(postern_transport_auth_interactive_async(t, "robey", "", &call), 0);
	for (int i = 0; i < 200 && put_off == 0; i++)
		(void)!postern_next(house.ctx, &ev, 20);
	assert_int_equal(postern_answer_interactive(t, put_off + 1000, right, 1), POSTERN_ESTATE);
	assert_int_equal(postern_answer_interactive(t, put_off, right, 1), 0);
	assert_int_equal(postern_answer_interactive(t, put_off, right, 1), POSTERN_ESTATE);
	ev = seed_done(call);
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, 0);
}

static void
seed_07_auth_none(void **state)
{
	postern_transport *t = seed_started();

	(void)state;
	assert_string_equal(postern_transport_auth_methods(t), "");
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	assert_string_equal(postern_transport_auth_methods(t),
	    "publickey,password,keyboard-interactive");
}

static void
seed_08_auth_password(void **state)
{
	postern_transport *t = seed_started();

	(void)state;
	assert_int_equal(postern_transport_auth_password(t, "robey", "bar", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_string_equal(house.proven, "password");
	assert_string_equal(house.user, "robey");
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON),
	    POSTERN_ESTATE);
}

/* What the user answers, one after the other, and what he was told. */
static const char *const *new_passwords;
static char told[64];

static int
change_password(void *user, postern_transport *t, const char *prompt, char **new_password)
{
	(void)user, (void)t;
	(void)snprintf(told, sizeof(told), "%s", prompt);
	if (*new_passwords == NULL)
		return POSTERN_REFUSE;
	*new_password = strdup(*new_passwords++);
	return POSTERN_ACCEPT;
}

static postern_transport *
with_expired_password(const char *const *answers)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	new_passwords = answers;
	house.expired = true;
	cfg.interface.change_password = change_password;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	return t;
}

/* RFC 4252 8, both sides ours. */
static void
seed_08_change_password(void **state)
{
	static const char *const weak_then_good[] = { "weak", "fresh", NULL }, *const none[] = { NULL };
	postern_transport *t = with_expired_password(weak_then_good);

	(void)state;
	/* secrets are blanked in a dump of it */
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_string_equal(told, "too weak");
	assert_int_equal(house.changes, 1);
	assert_int_equal(house.logins, 1);
	assert_null(strstr(house.log, "fresh"));
	/* who gives no new one is not let in with the old one */
	t = with_expired_password(none);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), POSTERN_EAUTH);
	assert_string_equal(told, "expired");
	assert_int_equal(house.logins, 1);
	/* a wrong old one is asked for nothing */
	told[0] = '\0';
	t = with_expired_password(weak_then_good);
	assert_int_equal(postern_transport_auth_password(t, "robey", "bar", 0, SOON), POSTERN_EAUTH);
	assert_string_equal(told, "");
}

/* A server that has no "password" but asks prompts. */
static postern_transport *
interactive_only(int prompts)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(seed_server(POSTERN_INTERACTIVE, NULL));

	house.prompts = prompts;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	return t;
}

static void
seed_08_fallback_no_prompt(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_auth_password(interactive_only(0), "robey", "foo", 0,
	    SOON), 0);
	assert_string_equal(house.proven, "keyboard-interactive");
}

static void
seed_08_fallback_one_prompt(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_auth_password(interactive_only(1), "robey", "foo", 0,
	    SOON), 0);
	assert_string_equal(house.proven, "keyboard-interactive");
	house.logins = 0;
	assert_int_equal(postern_transport_auth_password(interactive_only(1), "robey", "bar", 0,
	    SOON), POSTERN_EAUTH);
	assert_int_equal(house.logins, 0);
}

static void
seed_08_fallback_two_prompts(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = interactive_only(2);

	(void)state;
	/* the password must not be told to a question that is something else */
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(house.logins, 0);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EAUTH);
	assert_string_equal(postern_transport_auth_methods(t), "keyboard-interactive");
}

static void
seed_08_no_fallback(void **state)
{
	(void)state;
	assert_int_equal(postern_transport_auth_password(interactive_only(1), "robey", "foo",
	    POSTERN_NO_FALLBACK, SOON), POSTERN_EAUTH);
	assert_int_equal(house.logins, 0);
}

static void
seed_09_auth_publickey(void **state)
{
	postern_transport *t = seed_started();
	postern_key *other;

	(void)state;
	assert_int_equal(postern_key_load(&other, house.ctx, seed_file(samples_clear[0].file), NULL,
	    SOON), 0);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", other, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_probe_publickey(t, "robey", "ssh-ed25519",
	    house.user_key, house.user_key_len, SOON), 0);
	assert_int_equal(house.logins, 0);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", house.key, SOON), 0);
	assert_string_equal(house.proven, "publickey");
}

static void
seed_09_key_in_memory(void **state)
{
	const char *file = samples_clear[1].file;
	postern_transport *t = seed_started();
	postern_key *key;

	(void)state;
	assert_int_equal(postern_key_load_memory(&key, house.ctx, "nonsense", 8, NULL, SOON),
	    POSTERN_EKEY);
	assert_int_equal(postern_context_key_problem(house.ctx), POSTERN_KEY_NOT_A_KEY);
	assert_int_equal(postern_key_load_memory(&key, house.ctx, file, strlen(file), NULL, SOON), 0);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", key, SOON), 0);
}

static int signs;

/* Empty-handed, and with a signature that is none of this key's. */
static int
sign_badly(void *user, const void *data, size_t len, void *out, size_t size)
{
	static const uint8_t form[] = "\0\0\0\013ssh-ed25519\0\0\0\100"
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

	(void)data;
	assert_true(len > 0);
	assert_true(size >= sizeof(form));
	if (signs++ == 0)
		return -EACCES;
	(void)user;
	memcpy(out, form, sizeof(form) - 1);
	return (int)sizeof(form) - 1;
}

static void
seed_09_signer(void **state)
{
	postern_transport *t = seed_started();
	postern_key *key;

	(void)state;
	signs = 0;
	assert_int_equal(postern_key_new_signer(&key, house.ctx, "ssh-ed25519", house.user_key,
	    house.user_key_len, sign_badly, NULL, SOON), 0);
	assert_string_equal(postern_key_algorithm(key), "ssh-ed25519");
	assert_int_equal(postern_transport_auth_publickey(t, "robey", key, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", key, SOON), POSTERN_EAUTH);
	assert_int_equal(signs, 2);
	assert_int_equal(house.logins, 0);
	/* the connection stands */
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
}

static void
seed_12_connect(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	uint64_t call;
	struct postern_event ev;

	(void)state;
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "bar", NULL, SOON),
	    POSTERN_EAUTH);
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	/* a key goes before a password */
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "bar", house.key, SOON), 0);
	assert_string_equal(house.proven, "publickey");
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_connect_async(t, &cfg, "robey", "foo", NULL, &call), 0);
	ev = seed_done(call);
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, 0);
	assert_true(postern_transport_is_authenticated(t));
}

static void
seed_12_wrong_host_key(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	struct postern_exception e = POSTERN_EXCEPTION;
	char expected[64], got[64];

	(void)state;
	cfg.host_key = house.user_key;
	cfg.host_key_len = house.user_key_len;
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON),
	    POSTERN_EHOSTKEY);
	assert_int_equal(house.logins, 0);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(postern_fingerprint(house.user_key, house.user_key_len, expected,
	    sizeof(expected)), 0);
	assert_int_equal(postern_fingerprint(house.host_key, house.host_key_len, got,
	    sizeof(got)), 0);
	assert_non_null(strstr(e.text, expected));
	assert_non_null(strstr(e.text, got));
}

static void
seed_12_no_credentials(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	postern_channel *ch;

	(void)state;
	assert_int_equal(postern_transport_connect(t, &cfg, NULL, NULL, NULL, SOON), 0);
	assert_false(postern_transport_is_authenticated(t));
	assert_int_equal(postern_transport_open_session(t, &ch, SOON), POSTERN_ESTATE);
}

static void
seed_b01_async(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	struct postern_event ev;
	uint64_t call, second;

	(void)state;
	assert_int_equal(postern_transport_start_client_async(t, &cfg, &call), 0);
	ev = seed_done(call);
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, 0);
	assert_ptr_equal(ev.transport, t);
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "no", 0, &second), 0);
	assert_true(second > call);
	ev = seed_done(second);
	assert_int_equal(ev.result, POSTERN_EAUTH);
	/* given up: its event never comes */
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "no", 0, &call), 0);
	postern_cancel(house.ctx, call);
	assert_int_equal(postern_transport_auth_password_async(t, "robey", "foo", 0, &call), 0);
	ev = seed_done(call);
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, 0);
}

static void
seed_b07_several_steps(void **state)
{
	postern_transport *t = seed_started();

	(void)state;
	house.steps = true;
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", house.key, SOON), 1);
	assert_false(postern_transport_is_authenticated(t));
	assert_string_equal(postern_transport_auth_methods(t), "password");
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	assert_string_equal(house.proven, "publickey,password");
}

static void
seed_b24_other_user(void **state)
{
	postern_transport *t = seed_started();

	(void)state;
	house.steps = true;
	assert_int_equal(postern_transport_auth_publickey(t, "robey", house.key, SOON), 1);
	/* half a login of one user is none of another's */
	assert_true(postern_transport_auth_password(t, "alice", "foo", 0, SOON) < 0);
	assert_int_equal(house.logins, 0);
	assert_false(postern_transport_is_authenticated(t));
}

static void
seed_b25_tries(void **state)
{
	postern_transport *t = seed_started();
	int refused = 0, r = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		r = postern_transport_auth_password(t, "robey", "no", POSTERN_NO_FALLBACK, SOON);
		if (r != POSTERN_EAUTH)
			break;
		refused++;
		if (!postern_transport_is_active(t))
			break;
	}
	assert_true(refused >= 5 && refused <= 6);
	assert_true(postern_transport_auth_password(t, "robey", "foo", 0, SOON) < 0);
	assert_int_equal(house.logins, 0);
}

static char banner_text[64];

static void
on_banner(void *user, postern_transport *t, const char *text)
{
	(void)user, (void)t;
	(void)snprintf(banner_text, sizeof(banner_text), "%s", text);
}

static void
seed_s_banner(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	(void)state;
	cfg.interface.banner = on_banner;
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_memory_equal(banner_text, "mind the step", 13);
}

/* Three attempts, one SSH_MSG_SERVICE_REQUEST: a strict server ends at the second. */
static void
seed_w_one_service_request(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);
	const char *p = house.log;
	int n = 0;

	(void)state;
	assert_int_equal(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password(t, "robey", "no", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
	while ((p = strstr(p, "Write packet <service-request>")) != NULL) {
		n++;
		p++;
	}
	assert_int_equal(n, 1);
}

/* Lines before the identification (RFC 4253 4.2), one every 100 ms: the one deadline
 * for all of them holds. */
static void
seed_w_banner_deadline(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t;
	uint64_t call;
	int pair[2];

	(void)state;
	o.banner_ms = 800;
	cfg.options = &o;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&t, house.ctx, pair[0]), 0);
	assert_int_equal(postern_transport_start_client_async(t, &cfg, &call), 0);
	for (int i = 0; i < 60; i++) {
		(void)!send(pair[1], "wait for it\r\n", 13, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (postern_next(house.ctx, &ev, 100) == 1 && ev.type == POSTERN_EVENT_DONE)
			break;
	}
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, POSTERN_ETIMEOUT);
	assert_int_equal(close(pair[1]), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(seed_06_auth_interactive), T(seed_06_answers), T(seed_07_auth_none),
		T(seed_08_auth_password), T(seed_08_change_password), T(seed_08_fallback_no_prompt), T(seed_08_fallback_one_prompt),
		T(seed_08_fallback_two_prompts), T(seed_08_no_fallback), T(seed_09_auth_publickey),
		T(seed_09_key_in_memory), T(seed_09_signer), T(seed_12_connect),
		T(seed_12_wrong_host_key), T(seed_12_no_credentials), T(seed_b01_async),
		T(seed_b07_several_steps), T(seed_b24_other_user), T(seed_b25_tries), T(seed_s_banner),
		T(seed_w_one_service_request), T(seed_w_banner_deadline),
	};

	return cmocka_run_group_tests_name("seed_login", tests, NULL, NULL);
}
