/*
 * callback_test.c - what a callback may do: close, stop or free the transport, the
 * channel or the server it is about, from inside each callback of both interfaces.
 *
 * One story visits them all; a row of the test is a place in it and what happens there.
 * Each call of the story must come back in its time, whatever was done under it.
 */
#include <time.h>

#include "tests/seed.h"

enum { CALL_MS = 5000, QUIET_MS = 5, OWN_CLOSE_MS = 3000 };

enum place { S_AUTH, S_ATTEMPT, S_VERIFIED, S_OPEN, S_REQUEST, S_TOLD, S_EXEC, S_SUBSYSTEM,
	S_GLOBAL, S_LISTEN, S_CANCEL_LISTEN, S_EOF, S_CHANNEL_CLOSED, S_CLOSED, C_HOST_KEY, C_BANNER,
	C_PROMPTS, C_HANDLER, C_OPEN, C_REQUEST, C_GLOBAL, C_CHANNEL_CLOSED, C_CLOSED, PLACES };

static const char *const place_names[PLACES] = { "check_auth", "auth_attempt", "verified_login",
	"check_channel_open", "check_channel_request", "told", "exec", "subsystem handler",
	"check_global_request", "check_port_forward_request", "cancel_port_forward_request",
	"channel_eof", "channel_closed", "transport_closed", "check_host_key", "banner",
	"answer_prompts", "forward handler", "client's check_channel_open",
	"client's check_channel_request", "client's check_global_request",
	"client's channel_closed", "client's transport_closed" };

enum action { NOTHING, CLOSE, CLOSE_ASYNC, STOP, FREE, FREE_PEER, CLOSE_CHANNEL, FREE_CHANNEL,
	STOP_SERVER, FREE_SERVER, FREE_ALL, ACTIONS };

static const char *const action_names[ACTIONS] = { "nothing", "close", "close_async", "stop",
	"free", "free the other side", "close the channel", "free the channel", "stop the server",
	"free the server", "free everything" };

static struct {
	enum place place;
	enum action action;
	int visits[PLACES];
	bool has_acted;
	/* NULL once freed */
	postern_transport *ours, *theirs;
	postern_channel *ch, *their_ch;
	postern_server *server;
} now;

/* ---- the deed ---- */

static void
free_transport(postern_transport *t)
{
	if (t == now.ours)
		now.ours = NULL, now.ch = NULL;
	else if (t == now.theirs)
		now.theirs = NULL, now.their_ch = NULL;
	postern_transport_free(t);
}

static void
free_channel(postern_channel *ch)
{
	if (ch == now.ch)
		now.ch = NULL;
	if (ch == now.their_ch)
		now.their_ch = NULL;
	postern_channel_free(ch);
}

static void
act(postern_transport *t, postern_channel *ch)
{
	postern_server *s = now.server;

	switch (now.action) {
	case CLOSE:
		/* waits inside the callback; nothing can be said about how long it lives */
		assert_int_equal(postern_transport_close(t, OWN_CLOSE_MS), 0);
		break;
	case CLOSE_ASYNC:
		assert_int_equal(postern_transport_close_async(t, NULL), 0);
		break;
	case STOP:
		postern_transport_stop(t);
		break;
	case FREE:
		free_transport(t);
		break;
	case FREE_PEER:
		free_transport(t == now.ours ? now.theirs : now.ours);
		break;
	case CLOSE_CHANNEL:
		if (ch != NULL)
			(void)!postern_channel_close(ch);	/* it may be over */
		break;
	case FREE_CHANNEL:
		free_channel(ch);
		break;
	case STOP_SERVER:
		postern_server_stop(s);
		break;
	case FREE_ALL:
	case FREE_SERVER:
		if (now.action == FREE_ALL) {
			free_transport(now.ours);
			free_transport(now.theirs);
		}
		now.server = NULL;
		postern_server_free(s);
		break;
	case NOTHING:
	case ACTIONS:
		break;
	}
}

static void
visit(enum place place, postern_transport *t, postern_channel *ch)
{
	now.visits[place]++;
	if (place != now.place || now.has_acted)
		return;
	now.has_acted = true;
	act(t, ch);
}

/* ---- the server's interface ---- */

static int
s_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	static const struct postern_prompt one = { "Word: ", 0 };
	struct postern_prompts p = POSTERN_PROMPTS;
	int r;

	(void)user;
	if (l->method != POSTERN_INTERACTIVE) {
		visit(S_AUTH, t, NULL);
		return POSTERN_REFUSE;
	}
	if (l->answers != NULL)
		return POSTERN_ACCEPT;
	p.n = 1;
	p.prompts = &one;
	r = postern_answer_prompts(t, question, &p);
	return r == 0 ? POSTERN_LATER : POSTERN_REFUSE;
}

static void
s_attempt(void *user, postern_transport *t, const char *name, const char *method,
    const char *fingerprint, int verdict, unsigned failures)
{
	(void)user, (void)name, (void)method, (void)fingerprint, (void)verdict, (void)failures;
	visit(S_ATTEMPT, t, NULL);
}

static void
s_verified(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t len)
{
	(void)user, (void)name, (void)methods, (void)algorithm, (void)key, (void)len;
	visit(S_VERIFIED, t, NULL);
}

static int
s_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)question, (void)kind, (void)f, (void)extra, (void)len, (void)reason;
	now.their_ch = ch;
	visit(S_OPEN, t, ch);
	return POSTERN_ACCEPT;
}

static int
s_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	postern_transport *t = postern_channel_get_transport(ch);

	(void)user, (void)question;
	visit(rq->kind == POSTERN_REQ_EXEC ? S_EXEC : rq->kind == POSTERN_REQ_WINDOW_CHANGE ?
	    S_TOLD : S_REQUEST, t, ch);
	return POSTERN_ACCEPT;
}

static void
s_subsystem(void *user, const char *name, postern_transport *t, postern_channel *ch)
{
	(void)user, (void)name;
	visit(S_SUBSYSTEM, t, ch);
}

static int
s_global(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)question, (void)kind, (void)data, (void)len;
	visit(S_GLOBAL, t, now.their_ch);
	return POSTERN_ACCEPT;
}

static int
s_listen(void *user, postern_transport *t, uint64_t question, const struct postern_forward *f,
    uint32_t *port)
{
	(void)user, (void)question, (void)f;
	*port = 4242;
	visit(S_LISTEN, t, now.their_ch);
	return POSTERN_ACCEPT;
}

static void
s_cancel_listen(void *user, postern_transport *t, const struct postern_forward *f)
{
	(void)user, (void)f;
	visit(S_CANCEL_LISTEN, t, now.their_ch);
}

static void
s_eof(void *user, postern_channel *ch)
{
	(void)user;
	(void)!postern_channel_send_exit_status(ch, 0);
	visit(S_EOF, postern_channel_get_transport(ch), ch);
}

static void
s_channel_closed(void *user, postern_channel *ch)
{
	(void)user;
	visit(S_CHANNEL_CLOSED, postern_channel_get_transport(ch), ch);
	/* perhaps once more: until this returns the handle is only marked */
	free_channel(ch);
}

static void
s_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	(void)user, (void)e;
	visit(S_CLOSED, t, NULL);
}

static void
serve(void)
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	cfg.methods = POSTERN_PASSWORD | POSTERN_INTERACTIVE;
	cfg.banner = "mind the step";
	cfg.fail_delay_ms = -1;
	i.check_auth = s_auth;
	i.auth_attempt = s_attempt;
	i.verified_login = s_verified;
	i.check_channel_open = s_open;
	i.check_channel_request = s_request;
	i.check_global_request = s_global;
	i.check_port_forward_request = s_listen;
	i.cancel_port_forward_request = s_cancel_listen;
	i.channel_eof = s_eof;
	i.channel_closed = s_channel_closed;
	i.transport_closed = s_closed;
	assert_int_equal(postern_server_new(&now.server, house.ctx, &cfg, &i, SOON), 0);
	assert_int_equal(postern_server_set_subsystem_handler(now.server, "door", s_subsystem,
	    NULL), 0);
}

/* ---- the client's interface ---- */

static int
c_host_key(void *user, postern_transport *t, uint64_t question, const struct postern_host_key *k)
{
	(void)user, (void)question, (void)k;
	visit(C_HOST_KEY, t, NULL);
	return POSTERN_ACCEPT;
}

static void
c_banner(void *user, postern_transport *t, const char *text)
{
	(void)user, (void)text;
	visit(C_BANNER, t, NULL);
}

static int
c_prompts(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)user, (void)question;
	assert_int_equal(p->n, 1);
	answers[0] = strdup("word");
	visit(C_PROMPTS, t, NULL);
	return POSTERN_ACCEPT;
}

static int
c_handler(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const struct postern_forward *f)
{
	(void)user, (void)question, (void)f;
	visit(C_HANDLER, t, ch);
	return POSTERN_ACCEPT;
}

static int
c_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)question, (void)kind, (void)f, (void)extra, (void)len, (void)reason;
	visit(C_OPEN, t, ch);
	return POSTERN_ACCEPT;
}

static int
c_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user, (void)question, (void)rq;
	visit(C_REQUEST, postern_channel_get_transport(ch), ch);
	return POSTERN_ACCEPT;
}

static int
c_global(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)question, (void)kind, (void)data, (void)len;
	visit(C_GLOBAL, t, now.ch);
	return POSTERN_ACCEPT;
}

static void
c_channel_closed(void *user, postern_channel *ch)
{
	(void)user;
	visit(C_CHANNEL_CLOSED, postern_channel_get_transport(ch), ch);
}

static void
c_closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	(void)user, (void)e;
	visit(C_CLOSED, t, now.ch);
}

static struct postern_client_config
client(void)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	cfg.host = "host";
	cfg.interface.check_host_key = c_host_key;
	cfg.interface.banner = c_banner;
	cfg.interface.answer_prompts = c_prompts;
	cfg.interface.check_channel_open = c_open;
	cfg.interface.check_channel_request = c_request;
	cfg.interface.check_global_request = c_global;
	cfg.interface.channel_closed = c_channel_closed;
	cfg.interface.transport_closed = c_closed;
	return cfg;
}

/* ---- the story ---- */

static int64_t
clock_ms(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The call, unless what it needs is gone; it comes back in time. */
#define STEP(needed, call) do { \
	int64_t begun_ = clock_ms(); \
	int r_ = (needed) != NULL ? (call) : 0; \
	if (now.action == NOTHING && r_ < 0 && r_ != POSTERN_EAUTH) \
		fail_msg("%s: %s", #call, postern_strerror(r_)); \
	if (r_ == POSTERN_ETIMEOUT || clock_ms() - begun_ >= CALL_MS) \
		fail_msg("%s in %s: %s did not come back", action_names[now.action], \
		    place_names[now.place], #call); \
	} while (0)

static void
quiet(void)
{
	struct postern_event ev = POSTERN_EVENT;

	while (postern_next(house.ctx, &ev, QUIET_MS) == 1)
		;
}

static void
logging_in(void)
{
	struct postern_client_config cfg = client();

	STEP(now.ours, postern_transport_start_client(now.ours, &cfg, CALL_MS));
	STEP(now.ours, postern_transport_auth_password(now.ours, "robey", "no", POSTERN_NO_FALLBACK,
	    CALL_MS));
	STEP(now.ours, postern_transport_auth_interactive(now.ours, "robey", "", CALL_MS));
	quiet();
}

static int
open_ours(void)
{
	postern_channel *ch;
	int r = postern_transport_open_session(now.ours, &ch, CALL_MS);

	if (r == 0)
		now.ch = ch;
	return r;
}

static void
a_session(void)
{
	struct postern_exit ex = POSTERN_EXIT;

	STEP(now.ours, open_ours());
	STEP(now.ch, postern_channel_get_pty(now.ch, "vt100", 80, 24, 0, 0, NULL, 0, CALL_MS));
	STEP(now.ch, postern_channel_resize_pty(now.ch, 81, 25, 0, 0));
	STEP(now.ch, postern_channel_exec_command(now.ch, "x", CALL_MS));
	STEP(now.their_ch, postern_channel_request(now.their_ch, "x@test", NULL, CALL_MS));
	if (now.ch != NULL && postern_channel_fd(now.ch) >= 0)
		assert_int_equal(shutdown(postern_channel_fd(now.ch), SHUT_WR), 0);
	STEP(now.ch, postern_channel_recv_exit_status(now.ch, &ex, CALL_MS));
	if (now.ch != NULL)
		free_channel(now.ch);
	STEP(now.ours, open_ours());
	STEP(now.ch, postern_channel_invoke_subsystem(now.ch, "door", CALL_MS));
	quiet();
}

static void
forwards(void)
{
	postern_channel *ch;
	uint32_t port;

	STEP(now.ours, postern_transport_global_request(now.ours, "x@test", NULL, NULL, CALL_MS));
	STEP(now.theirs, postern_transport_global_request(now.theirs, "x@test", NULL, NULL,
	    CALL_MS));
	STEP(now.ours, postern_transport_request_port_forward(now.ours, "", 4242, c_handler, NULL,
	    &port, CALL_MS));
	STEP(now.theirs, postern_transport_open_forwarded_tcpip_channel(now.theirs, &ch, "there", 1,
	    "", 4242, CALL_MS));
	STEP(now.theirs, postern_transport_open_channel(now.theirs, &ch, "x@test", NULL, NULL, 0,
	    NULL, CALL_MS));
	STEP(now.ours, postern_transport_cancel_port_forward(now.ours, "", 4242, CALL_MS));
	quiet();
}

static void
tell_the_story(enum place place, enum action action)
{
	int pair[2];

	memset(&now, 0, sizeof(now));
	now.place = place;
	now.action = action;
	serve();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(postern_transport_new(&now.theirs, house.ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new(&now.ours, house.ctx, pair[1]), 0);
	assert_int_equal(postern_transport_start_server_async(now.theirs, now.server, NULL), 0);
	logging_in();
	a_session();
	forwards();
	STEP(now.ours, postern_transport_close(now.ours, CALL_MS));
	quiet();
	if (!now.has_acted)
		fail_msg("nobody came to %s", place_names[place]);
	/* what is left */
	if (now.ours != NULL)
		free_transport(now.ours);
	quiet();
	if (now.theirs != NULL)
		free_transport(now.theirs);
	postern_server_free(now.server);
}

/* Channels that are asked about in callbacks that have none. */
static bool
is_possible(enum place place, enum action action)
{
	bool is_about_channel = place == S_OPEN || place == S_REQUEST || place == S_TOLD ||
	    place == S_EXEC || place == S_SUBSYSTEM || place == S_EOF ||
	    place == S_CHANNEL_CLOSED || place == C_HANDLER || place == C_OPEN ||
	    place == C_REQUEST || place == C_CHANNEL_CLOSED;

	return is_about_channel || (action != CLOSE_CHANNEL && action != FREE_CHANNEL);
}

static void
every_callback_is_visited(void **state)
{
	(void)state;
	for (int place = 0; place < PLACES; place++)
		tell_the_story((enum place)place, NOTHING);
}

static void
everything_in(int from, int to)
{
	for (int place = from; place <= to; place++) {
		for (int action = NOTHING + 1; action < ACTIONS; action++) {
			if (is_possible((enum place)place, (enum action)action))
				tell_the_story((enum place)place, (enum action)action);
		}
	}
	/* and the context has come to no harm */
	(void)seed_session(seed_logged_in());
}

static void
everything_in_each_callback_of_a_server(void **state)
{
	(void)state;
	everything_in(S_AUTH, S_CLOSED);
}

static void
everything_in_each_callback_of_a_client(void **state)
{
	(void)state;
	everything_in(C_HOST_KEY, C_CLOSED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_callback_is_visited), T(everything_in_each_callback_of_a_server),
		T(everything_in_each_callback_of_a_client),
	};

	return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
