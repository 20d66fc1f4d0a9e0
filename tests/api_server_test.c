/* api_server_test.c - a server's policy: what is asked, what silence means, who gets
 * which descriptor, and listening sockets under pressure. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "privsep/api.h"
#include "tests/fake_monitor.h"

enum { SOON = 5000 };

struct policy {
	/* what to answer */
	int auth, open, request, global;
	const char *methods;
	uint32_t reason;
	int no_touch, verify;
	int prompt_first, change_first, descriptors, free_at_end, free_channel_at_end, free_in_open;
	/* what was asked */
	int auths, verified, attempts, opens, requests, globals, eofs, channels_closed, closed;
	int method, n_answers, verdict, last_kind, closed_code;
	char user[64], password[64], proven[64], key[64], last_name[64], last_value[64], attempt[64];
	char answers[64], certificate[128], new_password[64];
	uint32_t columns;
	uint64_t question;
	postern_transport *t;
	postern_channel *ch;
};
static struct policy policy;

static int
check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	struct policy *p = user;
	struct postern_prompt prompt = { "Code: ", 0 };
	struct postern_prompts prompts = POSTERN_PROMPTS;

	p->auths++;
	p->t = t;
	p->question = question;
	p->method = l->method;
	p->n_answers = l->answers != NULL ? (int)l->n_answers : -1;
	(void)snprintf(p->user, sizeof(p->user), "%s", l->user);
	(void)snprintf(p->proven, sizeof(p->proven), "%s", l->proven);
	(void)snprintf(p->password, sizeof(p->password), "%s", l->password ? l->password : "");
	(void)snprintf(p->key, sizeof(p->key), "%.*s", (int)l->key_len, (const char *)l->key);
	if (l->n_answers == 2)
		(void)snprintf(p->answers, sizeof(p->answers), "%s+%s", l->answers[0],
		    l->answers[1]);
	if (l->certificate != NULL)
		(void)snprintf(p->certificate, sizeof(p->certificate),
		    "%.*s %.*s %llu %s %zu:%s,%s,%s %u %s", (int)l->certificate->ca_len,
		    (const char *)l->certificate->ca, (int)l->certificate->plain_len,
		    (const char *)l->certificate->plain,
		    (unsigned long long)l->certificate->serial, l->certificate->key_id,
		    l->certificate->n_principals, l->certificate->principals[0],
		    l->certificate->principals[1], l->certificate->principals[2],
		    l->certificate->permits, l->certificate->force_command);
	(void)snprintf(p->new_password, sizeof(p->new_password), "%s",
	    l->new_password != NULL ? l->new_password : "none");
	if (p->change_first) {
		p->verdict = postern_answer_change_password(t, question, "expired");
		return POSTERN_LATER;
	}
	l->methods = p->methods;
	l->no_touch_required = p->no_touch;
	l->verify_required = p->verify;
	if (p->prompt_first && l->answers == NULL) {
		prompts.name = "Test";
		prompts.n = 1;
		prompts.prompts = &prompt;
		p->verdict = postern_answer_prompts(t, question, &prompts);
		return POSTERN_LATER;
	}
	return p->auth;
}

static void
verified_login(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t key_len)
{
	struct policy *p = user;

	(void)t;
	p->verified++;
	assert_string_equal(methods, "publickey,password");
	assert_string_equal(algorithm, "ssh-ed25519");
	assert_int_equal(key_len, 3);
	assert_memory_equal(key, "KEY", 3);
	(void)snprintf(p->user, sizeof(p->user), "%s", name);
}

static void
auth_attempt(void *user, postern_transport *t, const char *name, const char *method,
    const char *fingerprint, int verdict, unsigned failures)
{
	struct policy *p = user;

	(void)t;
	assert_string_equal(fingerprint, "");
	assert_int_equal(verdict, POSTERN_REFUSE);
	assert_int_equal(failures, 2);
	p->attempts++;
	(void)snprintf(p->attempt, sizeof(p->attempt), "%s %s", name, method);
}

static int
check_channel_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    uint32_t *reason)
{
	struct policy *p = user;

	(void)forward;
	(void)t;
	p->opens++;
	p->question = question;
	p->ch = ch;
	assert_int_equal(len, 5);
	assert_memory_equal(extra, "extra", 5);
	(void)snprintf(p->last_name, sizeof(p->last_name), "%s", kind);
	if (p->reason != 0)
		*reason = p->reason;
	if (p->free_in_open)
		postern_channel_free(ch);
	return p->open;
}

static int
check_channel_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	struct policy *p = user;
	int fds[2];

	p->requests++;
	p->question = question;
	p->last_kind = rq->kind;
	p->columns = rq->columns;
	(void)snprintf(p->last_name, sizeof(p->last_name), "%s", rq->name ? rq->name : "");
	(void)snprintf(p->last_value, sizeof(p->last_value), "%s", rq->value ? rq->value : "");
	if (p->descriptors == 1) {
		assert_int_equal(pipe2(fds, 0), 0);
		assert_int_equal(postern_channel_take_pipes(ch, fds[1], fds[0],
		    fcntl(fds[0], F_DUPFD, 0)), 0);
	}
	if (p->descriptors == 2)
		assert_int_equal(postern_channel_take_pty(ch, fake_file("pty")), 0);
	return p->request;
}

static int
check_global_request(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	struct policy *p = user;

	(void)t;
	p->globals++;
	p->question = question;
	assert_int_equal(len, 4);
	assert_memory_equal(data, "data", 4);
	(void)snprintf(p->last_name, sizeof(p->last_name), "%s", kind);
	return p->global;
}

static void
channel_eof(void *user, postern_channel *ch)
{
	(void)ch;
	((struct policy *)user)->eofs++;
}

static void
channel_closed(void *user, postern_channel *ch)
{
	struct policy *p = user;

	p->channels_closed++;
	if (p->free_channel_at_end)
		postern_channel_free(ch);
}

static void
transport_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	struct policy *p = user;

	p->closed++;
	p->closed_code = e->code;
	if (p->free_at_end)
		postern_transport_free(t);
}

static postern_context *ctx;
static postern_server *server;
static char log_text[8192];
static int refusal_level;

static void
keep_log(void *user, const struct postern_log_line *line)
{
	size_t n = strlen(log_text);

	(void)user;
	if (strstr(line->text, "key refused for") != NULL)
		refusal_level = line->level;
	(void)snprintf(log_text + n, sizeof(log_text) - n, "%s\n", line->text);
}

static struct postern_server_interface
interface_of(struct policy *p)
{
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	i.user = p;
	i.check_auth = check_auth;
	i.verified_login = verified_login;
	i.auth_attempt = auth_attempt;
	i.check_channel_open = check_channel_open;
	i.check_channel_request = check_channel_request;
	i.check_global_request = check_global_request;
	i.channel_eof = channel_eof;
	i.channel_closed = channel_closed;
	i.transport_closed = transport_closed;
	return i;
}

static int
setup(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = interface_of(&policy);

	memset(&policy, 0, sizeof(policy));
	log_text[0] = '\0';
	cfg.log = keep_log;
	cfg.log_level = POSTERN_DEBUG;
	sc.methods = POSTERN_PASSWORD | POSTERN_PUBLICKEY;
	if (fake_setup(state) != 0 || postern_context_new(&ctx, &cfg, SOON) != 0 ||
	    postern_context_add_server_key(ctx, fake_file("host"), NULL, SOON) != 0)
		return -1;
	return postern_server_new(&server, ctx, &sc, &i, SOON);
}

static int
teardown(void **state)
{
	(void)state;
	postern_context_free(ctx);
	return 0;
}

/* The test's end of the strings; blocks at most SOON. */
struct strings { int fd; postern_transport *t; };

static struct strings
connected_to(postern_server *s)
{
	struct timeval tv = { .tv_sec = SOON / 1000 };
	struct strings str;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	str.fd = pair[1];
	assert_int_equal(postern_transport_new(&str.t, ctx, pair[0]), 0);
	assert_int_equal(postern_transport_start_server(str.t, s, SOON), 0);
	return str;
}

static void
order(struct strings *s, const char *line)
{
	assert_int_equal(write(s->fd, line, strlen(line)), strlen(line));
}

static int
no_event_for(int ms)
{
	struct postern_event ev = POSTERN_EVENT;

	return postern_next(ctx, &ev, ms) == POSTERN_ETIMEOUT;
}

/* Runs the loop until the puppet has said something; what it said. */
static const char *
answer(struct strings *s)
{
	static char buf[512];
	/* the inner set: events stay on the shelf for the test to look at */
	struct pollfd p[2] = { { .fd = s->fd, .events = POLLIN },
		{ .fd = ctx->set, .events = POLLIN } };
	ssize_t n;

	for (int i = 0; i < 200; i++) {
		(void)poll(p, 2, SOON);
		if (p[0].revents != 0)
			break;
		assert_int_equal(api_loop_turn(ctx, 0), 0);
	}
	fake_pause(20);		/* lines that belong together */
	n = recv(s->fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static const char *
ask(struct strings *s, const char *line)
{
	order(s, line);
	return answer(s);
}

static struct strings
logged_in(void)
{
	struct strings s = connected_to(server);
	postern_transport *t = NULL;

	order(&s, "success robey\n");
	assert_int_equal(postern_server_accept(server, &t, SOON), 0);
	assert_ptr_equal(t, s.t);
	return s;
}

/* ---- logins ---- */

static void
without_a_policy_everybody_is_refused(void **state)
{
	struct postern_server_interface none = POSTERN_SERVER_INTERFACE;
	postern_server *strict = NULL;
	struct strings s;

	(void)state;
	assert_int_equal(postern_server_new(&strict, ctx, NULL, &none, SOON), 0);
	s = connected_to(strict);
	assert_string_equal(fake_seen->methods, "publickey");
	assert_string_equal(ask(&s, "none eve\n"), "login 1 1 \"\"\n");
	assert_string_equal(ask(&s, "password eve pw\n"), "login 2 1 \"\"\n");
	assert_string_equal(ask(&s, "key eve KEY\n"), "login 3 1 \"\"\n");
	assert_string_equal(ask(&s, "interactive eve\n"), "login 4 1 \"\"\n");
	assert_string_equal(ask(&s, "responses eve\n"), "login 5 1 \"\"\n");
	order(&s, "success eve\n");	/* were it so, still no channel */
	assert_string_equal(ask(&s, "open 1 session\n"), "refuse 1 1\n");
	assert_string_equal(ask(&s, "global 9 tcpip-forward\n"), "global 9 0\n");
	/* and without any interface at all */
	assert_int_equal(postern_server_new(&strict, ctx, NULL, NULL, SOON), 0);
	s = connected_to(strict);
	assert_string_equal(ask(&s, "password eve pw\n"), "login 2 1 \"\"\n");
	(void)close(s.fd);
}

static void
answers_that_are_none_are_refusals(void **state)
{
	static const int odd[] = { -1, 4, 99, POSTERN_ETIMEOUT };
	struct strings s = connected_to(server);

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		policy.auth = odd[i];
		assert_string_equal(ask(&s, "password eve pw\n"), "login 2 1 \"\"\n");
	}
	(void)close(s.fd);
}

static void
logins_are_asked_in_the_monitors_words(void **state)
{
	struct strings s = connected_to(server);

	(void)state;
	assert_string_equal(fake_seen->methods, "publickey,password");
	assert_int_equal(fake_seen->ask_none, 0);
	policy.auth = POSTERN_ACCEPT;
	policy.methods = "password";
	assert_string_equal(ask(&s, "password robey foo\n"), "login 2 2 \"password\"\n");
	assert_string_equal(policy.user, "robey");
	assert_string_equal(policy.password, "foo");
	assert_string_equal(policy.proven, "publickey");
	assert_int_equal(policy.method, POSTERN_PASSWORD);
	policy.auth = POSTERN_PARTIAL;
	assert_string_equal(ask(&s, "key robey BLOB\n"), "login 3 3 \"password\"\n");
	assert_string_equal(policy.key, "BLOB");
	assert_int_equal(policy.method, POSTERN_PUBLICKEY);
	assert_int_equal(policy.n_answers, -1);
	assert_string_equal(ask(&s, "responses robey\n"), "login 5 3 \"password\"\n");
	assert_int_equal(policy.n_answers, 2);
	assert_string_equal(policy.answers, "a+bc");
	/* answers that are malformed never reach the policy */
	policy.auths = 0;
	assert_string_equal(ask(&s, "malformed robey\n"), "login 6 1 \"\"\n");
	assert_int_equal(policy.auths, 0);
	/* an accepted question is no login */
	assert_int_equal(policy.verified, 0);
	assert_false(postern_transport_is_authenticated(s.t));
	(void)close(s.fd);
}

/* At once, and later; without a word, presence is required. */
static void
terms_of_a_key_are_told(void **state)
{
	struct strings s = connected_to(server);
	struct postern_login later = { .size = sizeof(later), .methods = "password" };
	struct postern_login unknown = { .size = 4 };

	(void)state;
	policy.auth = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "key robey BLOB\n"), "login 3 2 \"\"\n");
	policy.no_touch = 1;
	assert_string_equal(ask(&s, "key robey BLOB\n"), "login 3 2 \"\" no-touch\n");
	policy.verify = 1;
	assert_string_equal(ask(&s, "key robey BLOB\n"), "login 3 2 \"\" no-touch verified\n");
	policy.auth = POSTERN_LATER;
	policy.auths = 0;
	order(&s, "key robey BLOB\n");
	for (int i = 0; i < 50 && policy.auths == 0; i++)
		assert_true(no_event_for(100));
	later.verify_required = 1;
	assert_int_equal(postern_answer_login(s.t, policy.question, POSTERN_PARTIAL, &unknown),
	    -EINVAL);
	assert_int_equal(postern_answer_login(s.t, policy.question + 1, POSTERN_PARTIAL, &later),
	    POSTERN_ESTATE);
	assert_int_equal(postern_answer_login(s.t, policy.question, POSTERN_PARTIAL, &later), 0);
	assert_string_equal(answer(&s), "login 3 3 \"password\" verified\n");
	(void)close(s.fd);
}

static void
a_policy_may_take_its_time(void **state)
{
	struct strings s = connected_to(server);

	(void)state;
	policy.auth = POSTERN_LATER;
	order(&s, "password robey foo\n");
	for (int i = 0; i < 50 && policy.auths == 0; i++)
		assert_true(no_event_for(100));
	assert_int_equal(postern_answer(s.t, policy.question + 1, POSTERN_ACCEPT, NULL),
	    POSTERN_ESTATE);
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_PARTIAL, "password"), 0);
	assert_string_equal(answer(&s), "login 2 3 \"password\"\n");
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_ACCEPT, NULL),
	    POSTERN_ESTATE);
	/* a certificate comes with its facts, a plain key without */
	policy.auth = POSTERN_REFUSE;
	policy.methods = NULL;
	assert_string_equal(ask(&s, "key robey KEY\n"), "login 3 1 \"\"\n");
	assert_string_equal(policy.certificate, "");
	assert_string_equal(ask(&s, "certificate robey\n"), "login 3 1 \"\"\n");
	assert_string_equal(policy.key, "CERT");
	assert_string_equal(policy.certificate,
	    "CA PLAIN 1234567890123 the id 3:robey,,ops 9 date");
	policy.methods = "password";
	/* prompts instead of an answer, but only where prompts belong */
	policy.prompt_first = 1;
	assert_string_equal(ask(&s, "interactive robey\n"), "prompts 4 Test 15\n");
	assert_int_equal(policy.verdict, 0);
	order(&s, "key robey BLOB\n");
	for (int i = 0; i < 50 && policy.method != POSTERN_PUBLICKEY; i++)
		assert_true(no_event_for(100));
	assert_int_equal(policy.verdict, POSTERN_ESTATE);
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_REFUSE, NULL), 0);
	assert_string_equal(answer(&s), "login 3 1 \"\"\n");
	(void)close(s.fd);
}

static void
a_new_password_may_be_wanted_first(void **state)
{
	struct strings s = connected_to(server);

	(void)state;
	policy.change_first = 1;
	assert_string_equal(ask(&s, "password robey old\n"), "change 2 expired\n");
	assert_int_equal(policy.verdict, 0);
	assert_string_equal(policy.new_password, "none");
	/* once */
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_ACCEPT, NULL), POSTERN_ESTATE);
	assert_int_equal(postern_answer_change_password(s.t, policy.question, "x"), POSTERN_ESTATE);
	assert_string_equal(ask(&s, "change robey old new\n"), "change 2 expired\n");
	assert_string_equal(policy.password, "old");
	assert_string_equal(policy.new_password, "new");
	policy.change_first = 0;
	policy.auth = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "change robey old new\n"), "login 2 2 \"\"\n");
	/* a key is not changed so */
	policy.auth = POSTERN_LATER;
	order(&s, "key robey KEY\n");
	for (int i = 0; i < 50 && policy.method != POSTERN_PUBLICKEY; i++)
		assert_true(no_event_for(100));
	assert_int_equal(postern_answer_change_password(s.t, policy.question, "x"), POSTERN_ESTATE);
	(void)close(s.fd);
}

static void
terms_of_a_login_go_before_its_answer(void **state)
{
	char *banner = calloc(1, 16386);
	struct strings s = connected_to(server);

	(void)state;
	assert_non_null(banner);
	policy.auth = POSTERN_LATER;
	order(&s, "password robey foo\n");
	for (int i = 0; i < 50 && policy.auths == 0; i++)
		assert_true(no_event_for(100));
	memset(banner, 'b', 16385);
	assert_int_equal(postern_transport_set_login_terms(s.t, 2, banner), -EMSGSIZE);
	assert_int_equal(postern_transport_set_login_terms(s.t, 2, "Hello"), 0);
	assert_string_equal(answer(&s), "terms 2 \"Hello\"\n");
	assert_int_equal(postern_transport_set_login_terms(s.t, 0, NULL), 0);
	assert_string_equal(answer(&s), "terms 0 \"\"\n");
	assert_int_equal(postern_transport_set_login_signatures(s.t, "rot13", NULL), -EINVAL);
	assert_int_equal(postern_transport_set_login_signatures(s.t, NULL, "-*"), -EINVAL);
	assert_int_equal(postern_transport_set_login_signatures(s.t, "ssh-ed25519,rsa-sha2-512",
	    "ssh-ed25519"), 0);
	assert_string_equal(answer(&s), "terms 0 \"\" keys ssh-ed25519,rsa-sha2-512 cas ssh-ed25519\n");
	assert_int_equal(postern_transport_set_login_signatures(s.t, NULL, NULL), 0);
	assert_string_equal(answer(&s), "terms 0 \"\"\n");
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_REFUSE, NULL), 0);
	assert_string_equal(answer(&s), "login 2 1 \"\"\n");
	free(banner);
	(void)close(s.fd);
}

static void
a_login_is_told_once_and_by_the_monitor(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	struct strings s = connected_to(server);
	postern_transport *t = NULL;
	char mine[64];

	(void)state;
	assert_null(postern_transport_get_username(s.t));
	assert_int_equal(postern_server_accept(server, &t, 20), POSTERN_ETIMEOUT);
	order(&s, "attempt x\nsuccess robey\n");
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_LOGIN);
	assert_ptr_equal(ev.transport, s.t);
	assert_ptr_equal(ev.server, server);
	assert_int_equal(policy.verified, 1);
	assert_string_equal(policy.user, "robey");
	assert_string_equal(postern_transport_get_username(s.t), "robey");
	/* told as an event: accept does not show it a second time */
	assert_int_equal(postern_server_accept(server, &t, 20), POSTERN_ETIMEOUT);
	assert_int_equal(policy.attempts, 1);
	assert_string_equal(policy.attempt, "ro\nbey password");
	/* in the log no name makes a line */
	assert_non_null(strstr(log_text, "\"ro\\x0abey\""));
	assert_null(strstr(log_text, "ro\nbey"));
	assert_non_null(strstr(log_text, "key refused for \"ro\\x0abey\": a ce\\x0artificate"));
	assert_int_equal(refusal_level, POSTERN_INFO);	/* any stranger brings it about */
	(void)snprintf(mine, sizeof(mine), "connection %llu: key refused",
	    (unsigned long long)postern_transport_id(s.t));
	assert_non_null(strstr(log_text, mine));
	(void)close(s.fd);
}

/* ---- channels ---- */

static void
channels_are_refused_or_granted(void **state)
{
	struct strings s = logged_in();
	postern_channel *ch = NULL;

	(void)state;
	assert_string_equal(ask(&s, "open 1 session\n"), "refuse 1 1\n");
	policy.reason = 3;
	assert_string_equal(ask(&s, "open 2 odd@example.org\n"), "refuse 2 3\n");
	policy.free_in_open = 1;	/* given up in the callback: refused, whatever it says */
	policy.open = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "open 3 session\n"), "refuse 3 1\n");
	policy.free_in_open = 0;
	assert_int_equal(s.t->n_channels, 0);
	assert_int_equal(postern_transport_accept(s.t, &ch, 20), POSTERN_ETIMEOUT);
	assert_string_equal(ask(&s, "open 4 session\n"), "grant 4\n");
	assert_int_equal(postern_transport_accept(s.t, &ch, SOON), 0);
	assert_ptr_equal(ch, policy.ch);
	assert_int_equal(postern_channel_id(ch), 4);
	assert_ptr_equal(postern_channel_get_transport(ch), s.t);
	/* what is no session has its descriptors at once */
	assert_string_equal(ask(&s, "open 5 odd@example.org\n"), "grant 5\ntake 5 socket\n");
	policy.open = POSTERN_LATER;
	order(&s, "open 6 session\n");
	while (policy.opens < 6)
		assert_int_equal(api_loop_turn(ctx, 20), 0);
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_ACCEPT, NULL), 0);
	assert_string_equal(answer(&s), "grant 6\n");
	(void)close(s.fd);
}

static void
a_serial_that_does_not_rise_ends_the_worker(void **state)
{
	struct strings s = logged_in();

	(void)state;
	policy.open = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "open 4 session\n"), "grant 4\n");
	order(&s, "open 4 session\n");
	for (int i = 0; i < 50 && policy.closed == 0; i++)
		(void)no_event_for(100);
	assert_int_equal(policy.closed_code, POSTERN_EWORKER);
	assert_int_equal(fake_seen->closes_now, 1);
	assert_int_equal(policy.opens, 1);
	(void)close(s.fd);
}

static postern_channel *
open_session(struct strings *s, const char *line)
{
	postern_channel *ch = NULL;

	policy.open = POSTERN_ACCEPT;
	(void)ask(s, line);
	assert_int_equal(postern_transport_accept(s->t, &ch, SOON), 0);
	return ch;
}

static void
a_program_gets_descriptors_before_its_answer(void **state)
{
	struct strings s = logged_in();
	postern_channel *ch = open_session(&s, "open 1 session\n");

	(void)state;
	assert_string_equal(ask(&s, "exec 1 10 ls\n"), "answer 10 0\n");
	policy.request = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "pty 1 11\n"), "answer 11 1\n");
	assert_int_equal(policy.columns, 80);
	assert_string_equal(ask(&s, "env 1 12 LANG C\n"), "answer 12 1\n");
	assert_string_equal(policy.last_name, "LANG");
	assert_string_equal(policy.last_value, "C");
	assert_string_equal(ask(&s, "exec 1 13 ls\n"), "take 1 socket\nanswer 13 1\n");
	assert_string_equal(policy.last_name, "ls");
	assert_true(postern_channel_fd(ch) >= 0);
	/* RFC 4254 6.5: one program per channel, without asking */
	policy.requests = 0;
	assert_string_equal(ask(&s, "shell 1 14\n"), "answer 14 0\n");
	assert_int_equal(policy.requests, 0);
	/* unknown channels are refused, or the order of replies would be stuck */
	assert_string_equal(ask(&s, "shell 99 15\n"), "answer 15 0\n");
	(void)close(s.fd);
}

static void
descriptors_of_the_applications_own_making(void **state)
{
	struct strings s = logged_in();
	postern_channel *ch = open_session(&s, "open 1 session\n");

	(void)state;
	policy.request = POSTERN_ACCEPT;
	policy.descriptors = 1;
	assert_string_equal(ask(&s, "exec 1 10 ls\n"), "take 1 pipes\nanswer 10 1\n");
	assert_int_equal(postern_channel_fd(ch), POSTERN_ESTATE);
	(void)open_session(&s, "open 2 session\n");
	policy.descriptors = 2;
	/* no reply is wanted: the descriptors go down all the same */
	assert_string_equal(ask(&s, "shell 2 0\n"), "take 2 pty\n");
	(void)close(s.fd);
}

static void
a_program_may_be_granted_later(void **state)
{
	struct strings s = logged_in();

	(void)state;
	(void)open_session(&s, "open 1 session\n");
	policy.request = POSTERN_LATER;
	order(&s, "exec 1 10 ls\n");
	while (policy.requests == 0)
		(void)no_event_for(20);
	/* while it is open, no second program */
	assert_string_equal(ask(&s, "exec 1 11 ls\n"), "answer 11 0\n");
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_ACCEPT, NULL), 0);
	assert_string_equal(answer(&s), "take 1 socket\nanswer 10 1\n");
	/* a question of a channel that has gone is gone too */
	(void)open_session(&s, "open 2 session\n");
	policy.requests = 0;
	order(&s, "exec 2 12 ls\nover 2\n");
	while (policy.channels_closed == 0)
		(void)no_event_for(20);
	assert_int_equal(postern_answer(s.t, policy.question, POSTERN_ACCEPT, NULL),
	    POSTERN_ESTATE);
	(void)close(s.fd);
}

static void
what_is_only_told_has_no_question(void **state)
{
	struct strings s = logged_in();

	(void)state;
	(void)open_session(&s, "open 1 session\n");
	policy.request = POSTERN_ACCEPT;
	order(&s, "window 1\n");
	while (policy.requests == 0)
		(void)no_event_for(20);
	assert_int_equal(policy.question, 0);
	assert_int_equal(policy.last_kind, POSTERN_REQ_WINDOW_CHANGE);
	assert_int_equal(policy.columns, 132);
	order(&s, "signal 1\n");
	while (policy.requests == 1)
		(void)no_event_for(20);
	assert_int_equal(policy.last_kind, POSTERN_REQ_SIGNAL);
	assert_string_equal(policy.last_name, "INT");
	order(&s, "eof 1\n");
	while (policy.eofs == 0)
		(void)no_event_for(20);
	assert_int_equal(fake_seen->answers, 0);
	policy.global = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "global 3 tcpip-forward\n"), "global 3 1\n");
	assert_string_equal(policy.last_name, "tcpip-forward");
	(void)close(s.fd);
}

static void
an_exit_status_ends_our_side(void **state)
{
	struct strings s = logged_in();
	postern_channel *ch = open_session(&s, "open 1 session\n");
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	policy.request = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "exec 1 10 ls\n"), "take 1 socket\nanswer 10 1\n");
	assert_int_equal(write(postern_channel_fd(ch), "data", 4), 4);
	assert_int_equal(postern_channel_send_exit_status(ch, 3), 0);
	assert_int_equal(postern_channel_send_exit_status(ch, 3), POSTERN_ESTATE);
	assert_int_equal(postern_channel_send_exit_signal(ch, "TERM", 0, NULL), POSTERN_ESTATE);
	/* the worker reads the end although our descriptor is still open */
	assert_string_equal(answer(&s), "exit 1 3 eof\n");
	policy.free_channel_at_end = 1;
	while (policy.channels_closed == 0)
		(void)!postern_next(ctx, &ev, 20);
	assert_int_equal(s.t->n_channels, 0);
	/* freed right after the status: the worker finishes it alone */
	ch = open_session(&s, "open 2 session\n");
	assert_string_equal(ask(&s, "exec 2 11 ls\n"), "take 2 socket\nanswer 11 1\n");
	assert_int_equal(postern_channel_send_exit_status(ch, 4), 0);
	postern_channel_free(ch);
	assert_string_equal(answer(&s), "exit 2 4 eof\n");
	assert_int_equal(fake_seen->channel_closes, 0);
	(void)close(s.fd);
}

static void
ends_reach_channels_first_and_then_the_transport(void **state)
{
	struct postern_event ev = POSTERN_EVENT;
	struct strings s = logged_in();
	postern_channel *ch = open_session(&s, "open 1 session\n");

	(void)state;
	order(&s, "end 9\n");	/* IPC_WORKER_DIED */
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_CHANNEL_CLOSED);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(postern_next(ctx, &ev, SOON), 1);
	assert_int_equal(ev.type, POSTERN_EVENT_END);
	assert_int_equal(ev.result, POSTERN_EWORKER);
	assert_int_equal(policy.channels_closed, 1);
	assert_int_equal(policy.closed, 1);
	assert_int_equal(policy.closed_code, POSTERN_EWORKER);
	assert_int_equal(postern_transport_accept(s.t, &ch, SOON), POSTERN_EWORKER);
	assert_int_equal(postern_channel_send_exit_status(ch, 0), POSTERN_EWORKER);
	assert_string_equal(postern_transport_get_username(s.t), "robey");
	postern_transport_free(s.t);
	(void)close(s.fd);
}

static void
unfreed_handles_are_bounded(void **state)
{
	struct strings s = logged_in();
	unsigned most = s.t->channel_max + API_CHANNELS_SPARE;

	(void)state;
	policy.open = POSTERN_ACCEPT;
	/* one more than may be: refused for want of room (RFC 4254 5.1: 4) */
	s.t->n_channels += most;
	assert_string_equal(ask(&s, "open 5000 session\n"), "refuse 5000 4\n");
	s.t->n_channels -= most;
	assert_string_equal(ask(&s, "open 5001 session\n"), "grant 5001\n");
	(void)close(s.fd);
}

/* A worker that has stopped to keep the limit gains nothing. */
static void
open_channels_are_bounded(void **state)
{
	struct strings s = logged_in();
	char line[64], want[64];
	unsigned n = s.t->channel_max;

	(void)state;
	policy.open = POSTERN_ACCEPT;
	for (unsigned i = 1; i <= n; i++) {
		(void)snprintf(line, sizeof(line), "open %u session\n", i);
		(void)snprintf(want, sizeof(want), "grant %u\n", i);
		assert_string_equal(ask(&s, line), want);
	}
	(void)snprintf(line, sizeof(line), "open %u session\n", n + 1);
	(void)snprintf(want, sizeof(want), "refuse %u 4\n", n + 1);
	assert_string_equal(ask(&s, line), want);
	assert_int_equal(s.t->n_channels, n);
	/* one that is over makes room, though its handle is not freed */
	order(&s, "over 1\n");
	(void)snprintf(line, sizeof(line), "open %u session\n", n + 2);
	(void)snprintf(want, sizeof(want), "grant %u\n", n + 2);
	assert_string_equal(ask(&s, line), want);
	(void)close(s.fd);
}

/* What a peer makes us give up while a call waits does not pile up until it ends. */
static void
a_long_wait_piles_up_nothing(void **state)
{
	struct strings s = logged_in();
	postern_channel *ch = NULL;
	char line[64];
	unsigned graves = 0;

	(void)state;
	for (unsigned i = 1; i <= 64; i++) {
		(void)snprintf(line, sizeof(line), "open %u odd@example.org\n", i);
		order(&s, line);
	}
	assert_int_equal(postern_transport_accept(s.t, &ch, 500), POSTERN_ETIMEOUT);
	assert_int_equal(policy.opens, 64);
	TAILQ_FOREACH(ch, &ctx->channel_graves, next)
		graves++;
	assert_true(graves <= 1);	/* of the last turn */
	(void)close(s.fd);
}

/* ---- listening ---- */

static int
listener(struct sockaddr_in *sa)
{
	socklen_t len = sizeof(*sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(sa, 0, sizeof(*sa));
	sa->sin_family = AF_INET;
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)sa, sizeof(*sa)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &len), 0);
	return fd;
}

static int
caller(const struct sockaddr_in *sa)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)sa, sizeof(*sa)), 0);
	return fd;
}

static void
listening_accepts_who_logs_in(void **state)
{
	struct sockaddr_in sa;
	postern_transport *t = NULL;
	char peer[64];
	int before = fake_open_fds(), fd;
	struct sockaddr_in me;
	socklen_t len = sizeof(me);

	(void)state;
	assert_int_equal(postern_server_listen(server, -1), -EBADF);
	assert_int_equal(postern_server_listen(server, listener(&sa)), 0);
	fd = caller(&sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&me, &len), 0);
	assert_int_equal(write(fd, "success robey\n", 14), 14);
	assert_int_equal(postern_server_accept(server, &t, SOON), 0);
	(void)snprintf(peer, sizeof(peer), "127.0.0.1:%u", ntohs(me.sin_port));
	assert_string_equal(postern_transport_getpeername(t), peer);
	assert_string_equal(fake_seen->peer, peer);
	assert_true(postern_transport_is_authenticated(t));
	postern_transport_free(t);
	(void)close(fd);
	/* who does not log in is nobody's to free */
	policy.t = NULL;
	fd = caller(&sa);
	assert_int_equal(write(fd, "password eve pw\n", 16), 16);
	(void)shutdown(fd, SHUT_WR);
	for (int i = 0; i < 50 && policy.closed == 0; i++)
		assert_true(no_event_for(100));
	assert_int_equal(policy.closed_code, POSTERN_ECUT);
	assert_true(no_event_for(50));
	assert_true(TAILQ_EMPTY(&ctx->transports));
	(void)close(fd);
	postern_server_stop(server);
	assert_int_equal(fake_open_fds(), before);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), -1);
	(void)close(fd);
}

static void
without_descriptors_it_rests_and_comes_back(void **state)
{
	struct rlimit old, few;
	struct sockaddr_in sa;
	postern_transport *t = NULL;
	struct timespec a, b;
	int fd, turns = 0;

	(void)state;
	assert_int_equal(postern_server_listen(server, listener(&sa)), 0);
	fd = caller(&sa);
	assert_int_equal(write(fd, "success robey\n", 14), 14);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &a), 0);
	do {
		assert_int_equal(api_loop_turn(ctx, 300), 0);
		turns++;
		assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &b), 0);
	} while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 250);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* a spinning loop would have made thousands */
	assert_in_range(turns, 2, 12);
	assert_non_null(strstr(log_text, "resting"));
	assert_int_equal(postern_server_accept(server, &t, SOON), 0);
	(void)close(fd);
}

static void
transports_outlive_their_server(void **state)
{
	struct strings s = logged_in();
	postern_transport *t = NULL;
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	postern_server_free(server);
	postern_server_free(NULL);
	assert_int_equal(postern_transport_new(&t, ctx, fake_file("x")), 0);
	postern_transport_free(t);
	/* its policy still speaks for those that are there */
	policy.open = POSTERN_ACCEPT;
	assert_string_equal(ask(&s, "open 1 session\n"), "grant 1\n");
	order(&s, "end 3\n");
	while (policy.closed == 0)
		(void)!postern_next(ctx, &ev, 20);
	assert_int_equal(policy.closed_code, POSTERN_ECUT);
	(void)close(s.fd);
}

static void
a_config_that_cannot_be_is_refused(void **state)
{
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_server_interface i = interface_of(&policy);
	postern_server *s = NULL;
	char *banner = malloc(API_BANNER_MAX + 2);

	(void)state;
	assert_non_null(banner);
	memset(banner, 'b', API_BANNER_MAX + 1);
	banner[API_BANNER_MAX + 1] = '\0';
	sc.banner = banner;
	assert_int_equal(postern_server_new(&s, ctx, &sc, &i, SOON), -EMSGSIZE);
	banner[API_BANNER_MAX] = '\0';
	assert_int_equal(postern_server_new(&s, ctx, &sc, &i, SOON), 0);
	sc.options = &options;
	options.macs = "hmac-md5";
	assert_int_equal(postern_server_new(&s, ctx, &sc, &i, SOON), -EINVAL);
	assert_non_null(strstr(log_text, "hmac-md5"));
	options.macs = NULL;
	options.size = 1;
	assert_int_equal(postern_server_new(&s, ctx, &sc, &i, SOON), -EINVAL);
	i.size = 7;
	sc.options = NULL;
	assert_int_equal(postern_server_new(&s, ctx, &sc, &i, SOON), -EINVAL);
	free(banner);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_policy_everybody_is_refused),
		TEST(answers_that_are_none_are_refusals),
		TEST(logins_are_asked_in_the_monitors_words),
		TEST(terms_of_a_key_are_told),
		TEST(a_policy_may_take_its_time),
		TEST(a_new_password_may_be_wanted_first),
		TEST(terms_of_a_login_go_before_its_answer),
		TEST(a_login_is_told_once_and_by_the_monitor),
		TEST(channels_are_refused_or_granted),
		TEST(a_serial_that_does_not_rise_ends_the_worker),
		TEST(a_program_gets_descriptors_before_its_answer),
		TEST(descriptors_of_the_applications_own_making),
		TEST(a_program_may_be_granted_later),
		TEST(what_is_only_told_has_no_question),
		TEST(an_exit_status_ends_our_side),
		TEST(ends_reach_channels_first_and_then_the_transport),
		TEST(unfreed_handles_are_bounded),
		TEST(open_channels_are_bounded),
		TEST(a_long_wait_piles_up_nothing),
		TEST(listening_accepts_who_logs_in),
		TEST(without_descriptors_it_rests_and_comes_back),
		TEST(transports_outlive_their_server),
		TEST(a_config_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
