/* api_client_test.c - starting and logging in as a client, and how it can fail. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

struct judge {			/* the application's side of the questions */
	int asked, answer, trust, banners, closed, closed_code, prompts;
	unsigned clash_line;
	uint64_t question;
	size_t n_prompts;
	char host[64], line[64], certificate[64], fingerprint[64], banner[64], first_prompt[64];
	int free_at_end;
};
static struct judge judge;

static int
check_host_key(void *user, postern_transport *t, uint64_t question,
    const struct postern_host_key *k)
{
	struct judge *j = user;

	assert_non_null(t);
	assert_int_equal(k->size, sizeof(*k));
	assert_int_equal(k->key_len, 3);
	j->asked++;
	j->trust = k->trust;
	j->clash_line = k->clash_line;
	j->question = question;
	(void)snprintf(j->host, sizeof(j->host), "%s", k->host);
	(void)snprintf(j->line, sizeof(j->line), "%s", k->line);
	(void)snprintf(j->certificate, sizeof(j->certificate), "%s", k->certificate_problem);
	(void)snprintf(j->fingerprint, sizeof(j->fingerprint), "%s", k->fingerprint);
	return j->answer;
}

static void
banner(void *user, postern_transport *t, const char *text)
{
	struct judge *j = user;

	(void)t;
	j->banners++;
	(void)snprintf(j->banner, sizeof(j->banner), "%s", text);
}

static int
answer_prompts(void *user, postern_transport *t, uint64_t question,
    const struct postern_prompts *p, char **answers)
{
	struct judge *j = user;

	(void)t;
	j->prompts++;
	j->question = question;
	j->n_prompts = p->n;
	if (j->answer == POSTERN_LATER)
		return POSTERN_LATER;
	(void)snprintf(j->first_prompt, sizeof(j->first_prompt), "%s", p->prompts[0].text);
	assert_int_equal(p->n, 2);
	assert_int_equal(p->prompts[0].echo, 1);
	assert_int_equal(p->prompts[1].echo, 0);
	assert_string_equal(p->prompts[1].text, "Code: ");
	answers[0] = strdup("blue");
	if (j->answer == POSTERN_REFUSE)
		return POSTERN_REFUSE;
	answers[1] = strdup("1234");
	return POSTERN_ACCEPT;
}

static void
transport_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	struct judge *j = user;

	j->closed++;
	j->closed_code = e->code;
	if (j->free_at_end)
		postern_transport_free(t);
}

static struct postern_client_config
client_of(const char *host)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = host;
	cfg.interface.user = &judge;
	cfg.interface.check_host_key = check_host_key;
	cfg.interface.banner = banner;
	cfg.interface.answer_prompts = answer_prompts;
	cfg.interface.transport_closed = transport_closed;
	return cfg;
}

static postern_context *ctx;
static int peer;

static int
setup(void **state)
{
	memset(&judge, 0, sizeof(judge));
	if (fake_setup(state) != 0)
		return -1;
	return postern_context_new(&ctx, NULL, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	if (peer > 0)
		(void)close(peer);
	peer = -1;
	return 0;
}

static postern_transport *
new_transport(void)
{
	postern_transport *t = NULL;
	int pair[2];

	if (peer > 0)
		(void)close(peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	assert_int_equal(postern_transport_new(&t, ctx, pair[0]), 0);
	return t;
}

static postern_transport *
started(const char *host)
{
	struct postern_client_config cfg = client_of(host);
	postern_transport *t = new_transport();

	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	return t;
}

static void
a_bad_start_takes_its_descriptors_all_the_same(void **state)
{
	struct postern_client_config cfg = client_of(NULL);
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = new_transport();
	int files[2] = { fake_file("a"), fake_file("b") }, many[9];

	(void)state;
	cfg.known_hosts = files;
	cfg.n_known_hosts = 2;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	assert_int_equal(fcntl(files[0], F_GETFD), -1);
	assert_int_equal(fcntl(files[1], F_GETFD), -1);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "host name"));
	cfg.host = "host";
	files[0] = fake_file("a");
	files[1] = -1;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EBADF);
	assert_int_equal(fcntl(files[0], F_GETFD), -1);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "known_hosts"));
	files[0] = fake_file("a");
	cfg.n_known_hosts = 0;
	cfg.revoked_keys = files;
	cfg.n_revoked_keys = 2;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EBADF);
	assert_int_equal(fcntl(files[0], F_GETFD), -1);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "revoked host keys"));
	/* the monitor would take the 17th for a breach of the protocol */
	cfg.n_known_hosts = 9;
	cfg.n_revoked_keys = 8;
	for (int i = 0; i < 9; i++)
		many[i] = fake_file("x");
	cfg.known_hosts = cfg.revoked_keys = many;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	assert_int_equal(fcntl(many[8], F_GETFD), -1);
	cfg.n_known_hosts = cfg.n_revoked_keys = 0;
	cfg.options = &options;
	options.ciphers = "+rot13";
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_non_null(strstr(e.text, "rot13"));
	options.ciphers = NULL;
	options.version = " blank";
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	options.version = "has-minus";
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	options.version = "";
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	options.version = NULL;
	cfg.port = 65536;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), -EINVAL);
	/* nothing of all this has reached the monitor; the transport is still new */
	assert_int_equal(fake_seen->last_conn, 0);
	cfg.port = 0;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ESTATE);
}

static void
what_is_not_a_descriptor_makes_no_transport(void **state)
{
	postern_transport *t = NULL;

	(void)state;
	assert_int_equal(postern_transport_new(&t, ctx, -1), -EBADF);
	assert_null(t);
}

static void
defaults_are_filled_in(void **state)
{
	struct postern_client_config cfg = client_of("host");
	struct postern_options options = POSTERN_OPTIONS;
	postern_transport *t = started("host");
	int file = fake_file("known"), revoked[2] = { fake_file("r"), fake_file("s") };

	(void)state;
	assert_int_equal(fake_seen->port, 22);
	assert_string_equal(fake_seen->host, "host");
	assert_string_equal(fake_seen->peer, "local");
	assert_string_equal(fake_seen->version, "SSH-2.0-Postern_" POSTERN_VERSION);
	assert_int_equal(fake_seen->channel_max, 64);
	assert_int_equal(fake_seen->window, 2 * 1024 * 1024);
	assert_int_equal(fake_seen->alive_max, 3);
	assert_int_equal(fake_seen->login_ms, 120000);
	assert_string_equal(fake_seen->ciphers, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
	    "aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr");
	assert_int_equal(postern_transport_worker_pid(t), 4242);
	assert_string_equal(postern_transport_worker_report(t), "all on");
	options.login_ms = -1;
	options.rekey_ms = 1234;
	options.ciphers = "aes256-ctr";
	options.version = "Mine_1";
	cfg.options = &options;
	cfg.port = 2222;
	cfg.known_hosts = &file;
	cfg.n_known_hosts = 1;
	cfg.revoked_keys = revoked;
	cfg.n_revoked_keys = 2;
	cfg.hash_known_hosts = 1;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON), 0);
	assert_int_equal(fake_seen->login_ms, 0);
	assert_int_equal(fake_seen->rekey_ms, 1234);
	assert_int_equal(fake_seen->port, 2222);
	assert_string_equal(fake_seen->ciphers, "aes256-ctr");
	assert_string_equal(fake_seen->version, "SSH-2.0-Mine_1");
	assert_int_equal(fake_seen->trust_files, 1);
	assert_int_equal(fake_seen->trust_revoked, 2);
	assert_int_equal(fake_seen->hash_names, 1);
	cfg.host_key = "KEY";
	cfg.host_key_len = 3;
	cfg.n_known_hosts = 0;
	revoked[0] = fake_file("c");
	cfg.n_revoked_keys = 1;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON), 0);
	assert_int_equal(fake_seen->trust_keys, 1);
	assert_int_equal(fake_seen->trust_revoked, 3);
}

static void
a_host_key_is_refused_unless_accepted(void **state)
{
	struct postern_client_config cfg = client_of("unknown");
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = new_transport();
	size_t len = 9;

	(void)state;
	judge.answer = POSTERN_REFUSE;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_EHOSTKEY);
	assert_int_equal(judge.asked, 1);
	assert_int_equal(judge.trust, POSTERN_TRUST_CHANGED);
	assert_int_equal(judge.clash_line, 3);
	assert_string_equal(judge.host, "[unknown]:22");
	assert_string_equal(judge.line, "unknown ssh-ed25519 S0VZ");
	assert_memory_equal(judge.fingerprint, "SHA256:", 7);
	assert_string_equal(judge.certificate, "a\\x1bb");
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EHOSTKEY);
	assert_null(postern_transport_get_remote_server_key(t, &len));
	assert_int_equal(len, 0);
	/* any other number than ACCEPT is no */
	judge.answer = POSTERN_PARTIAL;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_EHOSTKEY);
	judge.answer = 99;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_EHOSTKEY);
	/* and so is silence */
	cfg.interface.check_host_key = NULL;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_EHOSTKEY);
	cfg.interface = (struct postern_client_interface)POSTERN_CLIENT_INTERFACE;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_EHOSTKEY);
	cfg = client_of("unknown");
	judge.answer = POSTERN_ACCEPT;
	t = new_transport();
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_memory_equal(postern_transport_get_remote_server_key(t, &len), "KEY", 3);
	assert_int_equal(len, 3);
}

static void
a_host_key_can_be_judged_later(void **state)
{
	struct postern_client_config cfg = client_of("unknown");
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = new_transport();

	(void)state;
	judge.answer = POSTERN_LATER;
	assert_int_equal(postern_transport_start_client_async(t, &cfg, NULL), 0);
	for (int i = 0; i < 50 && judge.asked == 0; i++)
		assert_int_equal(postern_next(ctx, &ev, 100), POSTERN_ETIMEOUT);
	assert_int_equal(postern_answer(t, judge.question + 1, POSTERN_ACCEPT, NULL), POSTERN_ESTATE);
	assert_int_equal(postern_answer(t, judge.question, POSTERN_LATER, NULL), -EINVAL);
	assert_int_equal(postern_answer(t, judge.question, POSTERN_ACCEPT, NULL), 0);
	assert_int_equal(postern_answer(t, judge.question, POSTERN_ACCEPT, NULL), POSTERN_ESTATE);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_ptr_equal(ev.transport, t);
	assert_int_equal(ev.result, 0);
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
}

static void
a_start_that_takes_too_long_is_over(void **state)
{
	struct postern_client_config cfg = client_of("hang");
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = new_transport();

	(void)state;
	assert_int_equal(postern_transport_start_client(t, &cfg, 50), POSTERN_ETIMEOUT);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(ev.result, POSTERN_ETIMEOUT);
	assert_int_equal(fake_seen->closes_now, 1);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_ETIMEOUT);
	assert_string_equal(e.phase, "kex");
}

static void
why_it_failed_is_told_in_full_and_harmless(void **state)
{
	struct postern_client_config cfg = client_of("nomatch");
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_transport *t = new_transport();

	(void)state;
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), POSTERN_ENOMATCH);
	assert_int_equal(judge.closed, 1);
	assert_int_equal(judge.closed_code, POSTERN_ENOMATCH);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_ENOMATCH);
	assert_int_equal(e.side, POSTERN_PEER);
	assert_int_equal(e.disconnect, 2);
	assert_string_equal(e.text, "no cipher");
	assert_string_equal(e.ours, "aes256-ctr? Warning: more");	/* one line */
	assert_string_equal(e.theirs, "des-cbc?");
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, 0);		/* fetched and cleared */
	assert_string_equal(e.text, "");
	/* the end stays the reason for all that follows */
	assert_int_equal(postern_transport_auth_none(t, "x", SOON), POSTERN_ENOMATCH);
	assert_int_equal(postern_transport_close(t, 0), 0);
	cfg = client_of("limit");
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_ELIMIT);
}

static void
an_async_start_that_fails_tells_both_events(void **state)
{
	struct postern_client_config cfg = client_of("nomatch");
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = new_transport();
	struct pollfd p = { .fd = postern_context_fd(ctx), .events = POLLIN };

	(void)state;
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(postern_transport_start_client_async(t, &cfg, NULL), 0);
	assert_int_equal(poll(&p, 1, SOON), 1);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_DONE);
	assert_int_equal(ev.result, POSTERN_ENOMATCH);
	/* one more is on the shelf: the descriptor says so */
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(postern_next(ctx, &ev, 0), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(ev.result, POSTERN_ENOMATCH);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(postern_next(ctx, &ev, 0), POSTERN_ETIMEOUT);
}

static void
a_monitor_that_breaks_the_table_loses_only_that_connection(void **state)
{
	struct postern_client_config cfg = client_of("twice");
	postern_transport *t = started("host");

	(void)state;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_EMONITOR);
	assert_true(postern_transport_is_active(t));
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
}

static void
a_monitor_that_dies_ends_all(void **state)
{
	struct postern_client_config cfg = client_of("die");
	postern_transport *t = started("host");

	(void)state;
	assert_int_equal(postern_transport_start_client(new_transport(), &cfg, SOON),
	    POSTERN_EMONITOR);
	assert_false(postern_transport_is_active(t));
	assert_int_equal(postern_transport_auth_none(t, "x", SOON), POSTERN_EMONITOR);
	assert_int_equal(judge.closed, 2);
	assert_int_equal(judge.closed_code, POSTERN_EMONITOR);
}

static void
logins(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = new_transport();
	char longest[1026];

	(void)state;
	assert_int_equal(postern_transport_auth_none(t, "x", SOON), POSTERN_ESTATE);
	postern_transport_free(t);
	t = started("host");
	memset(longest, 'p', sizeof(longest));
	longest[1025] = '\0';
	assert_int_equal(postern_transport_auth_password(t, "robey", longest, 0, SOON), -EMSGSIZE);
	longest[257] = '\0';
	assert_int_equal(postern_transport_auth_none(t, longest, SOON), -EMSGSIZE);
	assert_string_equal(postern_transport_auth_methods(t), "");
	assert_int_equal(postern_transport_auth_none(t, "robey", SOON), POSTERN_EAUTH);
	assert_string_equal(postern_transport_auth_methods(t), "password,publickey");
	assert_int_equal(postern_transport_auth_password(t, "robey", "bad", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_password(t, "robey", "change", 0, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_string_equal(e.text, "too old?[2J");
	assert_int_equal(e.is_claim, 1);
	assert_int_equal(postern_transport_auth_password(t, "robey", "partial", 0, SOON), 1);
	assert_int_equal(postern_transport_probe_publickey(t, "robey", "ssh-ed25519", "BAD", 3, SOON),
	    POSTERN_EAUTH);
	assert_int_equal(postern_transport_probe_publickey(t, "robey", "ssh-ed25519", "GOOD", 4, SOON),
	    0);
	assert_false(postern_transport_is_authenticated(t));
	assert_null(postern_transport_get_username(t));
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	assert_true(postern_transport_is_authenticated(t));
	assert_string_equal(postern_transport_get_username(t), "robey");
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), POSTERN_ESTATE);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
}

static void
a_login_that_was_given_up_does_not_answer_the_next(void **state)
{
	postern_transport *t = started("host");

	(void)state;
	/* the answer to this one is "refused"... */
	assert_int_equal(postern_transport_auth_password(t, "robey", "slow", 0, 50), POSTERN_ETIMEOUT);
	/* ...and must not be taken for the answer to this one */
	assert_int_equal(postern_transport_auth_password(t, "robey", "partial", 0, SOON), 1);
	assert_int_equal(postern_transport_auth_password(t, "robey", "never", 0, 50), POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, 50), POSTERN_ETIMEOUT);
	assert_false(postern_transport_is_authenticated(t));
}

static void
a_key_logs_in(void **state)
{
	postern_transport *t = started("host");
	postern_context *other = NULL;
	postern_key *k = NULL, *foreign = NULL;

	(void)state;
	assert_int_equal(postern_key_load(&k, ctx, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_context_new(&other, NULL, SOON), 0);
	assert_int_equal(postern_key_load(&foreign, other, fake_file("key"), NULL, SOON), 0);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", foreign, SOON), -EINVAL);
	assert_int_equal(postern_transport_auth_publickey(t, "eve", k, SOON), POSTERN_EAUTH);
	assert_int_equal(postern_transport_auth_publickey(t, "robey", k, SOON), 0);
	postern_context_free(other);
}

static void
prompts_are_answered_by_the_interface(void **state)
{
	struct postern_client_config cfg = client_of("host");
	postern_transport *t;

	(void)state;
	t = started("host");
	judge.answer = POSTERN_REFUSE;
	assert_int_equal(postern_transport_auth_interactive(t, "robey", NULL, SOON), POSTERN_EAUTH);
	assert_int_equal(judge.prompts, 1);
	assert_string_equal(judge.first_prompt, "Colour? ?");
	assert_string_equal(judge.banner, "hello?[1m\n");
	/* more prompts than anybody answers: refused, not asked */
	assert_int_equal(postern_transport_auth_interactive(t, "many", "", SOON), POSTERN_EAUTH);
	/* malformed ones never reach the application */
	assert_int_equal(postern_transport_auth_interactive(t, "malformed", "", SOON),
	    POSTERN_EMONITOR);
	assert_int_equal(judge.prompts, 1);
	t = started("host");
	judge.answer = POSTERN_ACCEPT;
	assert_int_equal(postern_transport_auth_interactive(t, "robey", "", SOON), 0);
	assert_int_equal(judge.prompts, 2);
	/* without an interface: no answers, which is a refusal */
	cfg.interface.answer_prompts = NULL;
	cfg.interface.banner = NULL;
	t = new_transport();
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_interactive(t, "robey", "", SOON), POSTERN_EAUTH);
	assert_int_equal(fake_seen->infos, 4);
}

static void
closing_and_freeing(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t = started("host");

	(void)state;
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(fake_seen->closes, 1);
	assert_int_equal(judge.closed, 1);
	assert_int_equal(judge.closed_code, 0);		/* nobody but us */
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(postern_transport_auth_none(t, "x", SOON), POSTERN_ECLOSED);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(ev.result, 0);
	postern_transport_free(t);
	t = started("stubborn");
	assert_int_equal(postern_transport_close(t, 50), POSTERN_ETIMEOUT);
	assert_int_equal(postern_transport_close(t, 50), POSTERN_ETIMEOUT);
	assert_int_equal(fake_seen->closes, 2);		/* said once */
	postern_transport_free(t);
	postern_transport_free(NULL);
	/* a freed one has no events, and its END_OF disturbs nobody */
	assert_int_equal(postern_next(ctx, &ev, 100), POSTERN_ETIMEOUT);
	/* one that never started closes at once */
	t = new_transport();
	assert_int_equal(postern_transport_close(t, 0), 0);
}

static void
a_transport_may_be_freed_in_its_last_callback(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	postern_transport *t;
	pid_t killer;

	(void)state;
	judge.free_at_end = 1;
	t = started("host");
	/* freed inside the very call that waits for it */
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(judge.closed, 1);
	assert_int_equal(postern_next(ctx, &ev, 50), POSTERN_ETIMEOUT);
	t = started("host");
	killer = fork();
	assert_true(killer >= 0);
	if (killer == 0) {
		fake_pause(50);
		_exit(kill(fake_pid, SIGKILL) != 0);
	}
	assert_int_equal(postern_transport_auth_password(t, "robey", "never", 0, SOON), POSTERN_EMONITOR);
	assert_int_equal(judge.closed, 2);
	assert_int_equal(waitpid(killer, NULL, 0), killer);
}

static void
what_was_agreed(void **state)
{
	struct postern_agreement a = POSTERN_AGREEMENT;
	postern_transport *t = new_transport();

	(void)state;
	assert_int_equal(postern_transport_get_agreement(t, &a), POSTERN_ESTATE);
	t = started("host");
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_string_equal(a.kex, "curve25519-sha256");
	assert_string_equal(a.cipher_c2s, "aes1");
	assert_string_equal(a.mac_s2c, "mac2");
	assert_string_equal(a.peer_version, "SSH-2.0-Fake? ");	/* names: one line each */
	assert_int_equal(a.strict_kex, 1);
	assert_int_equal(a.exchanges, 1);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), POSTERN_ESTATE);
	assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	assert_int_equal(a.exchanges, 2);
}

static void
no_descriptor_stays_behind(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	int before = fake_open_fds();

	(void)state;
	for (int i = 0; i < 20; i++) {
		postern_transport *t = started("host");

		assert_int_equal(postern_transport_auth_password(t, "robey", "good", 0, SOON), 0);
		postern_transport_free(t);
	}
	while (postern_next(ctx, &ev, 50) == 1)
		;
	(void)close(peer);
	peer = -1;
	assert_int_equal(fake_open_fds(), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bad_start_takes_its_descriptors_all_the_same),
		TEST(what_is_not_a_descriptor_makes_no_transport),
		TEST(defaults_are_filled_in),
		TEST(a_host_key_is_refused_unless_accepted),
		TEST(a_host_key_can_be_judged_later),
		TEST(a_start_that_takes_too_long_is_over),
		TEST(why_it_failed_is_told_in_full_and_harmless),
		TEST(an_async_start_that_fails_tells_both_events),
		TEST(a_monitor_that_breaks_the_table_loses_only_that_connection),
		TEST(a_monitor_that_dies_ends_all),
		TEST(logins),
		TEST(a_login_that_was_given_up_does_not_answer_the_next),
		TEST(a_key_logs_in),
		TEST(prompts_are_answered_by_the_interface),
		TEST(closing_and_freeing),
		TEST(a_transport_may_be_freed_in_its_last_callback),
		TEST(what_was_agreed),
		TEST(no_descriptor_stays_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
