/*
 * late_test.c - answers that come later, too late, twice, or to the wrong question: each
 * reaches what was asked or nobody, and a mistake of the application lets nobody in.
 */
#include <sys/random.h>
#include <sys/resource.h>

#include "tests/seed.h"

#ifdef POSTERN_SAN
enum { LOGINS = 64 };
#else
enum { LOGINS = 1000 };
#endif
enum { DEEP = 12, PRESENT = 8 };

/* Kinds of questions, and the functions that answer them. */
enum kind { HOST_KEY, LOGIN, INTERACTIVE, PROMPTS, OPEN, REQUEST, EXEC, GLOBAL, LISTEN, KINDS };
enum how { PLAIN, PORT, PAYLOAD, WITH_PROMPTS, WITH_WORDS, HOWS };

static const char *const kind_names[KINDS] = { "host key", "login", "interactive login",
	"prompts", "open", "request", "exec", "global request", "listen" };

/* Two pairs of connections; the newest question of each kind of each. */
static struct pair {
	postern_transport *ours, *theirs;
	postern_channel *ch;
	struct { postern_transport *t; uint64_t question; } asked[KINDS];
	uint64_t call;
	bool is_verified;
} pairs[2];

static struct pair *
pair_of(const postern_transport *t)
{
	for (size_t i = 0; i < 2; i++) {
		if (t == pairs[i].ours || t == pairs[i].theirs)
			return &pairs[i];
	}
	fail_msg("a stranger's question");
	return NULL;
}

static int
later(postern_transport *t, enum kind kind, uint64_t question)
{
	struct pair *p = pair_of(t);

	p->asked[kind].t = t;
	p->asked[kind].question = question;
	return POSTERN_LATER;
}

/* ---- both interfaces put off all they are asked ---- */

static int
later_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	static const struct postern_prompt one = { "Word: ", 0 };
	struct postern_prompts p = POSTERN_PROMPTS;

	(void)user;
	if (l->method == POSTERN_PASSWORD && strcmp(l->password, "now") == 0)
		return POSTERN_ACCEPT;
	if (strcmp(l->user, "prompted") != 0)
		return later(t, l->method == POSTERN_INTERACTIVE ? INTERACTIVE : LOGIN, question);
	if (l->answers != NULL)
		return strcmp(l->answers[0], "word") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
	p.n = 1;
	p.prompts = &one;
	assert_int_equal(postern_answer_prompts(t, question, &p), 0);
	return POSTERN_LATER;
}

static void
later_verified(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t len)
{
	(void)user, (void)name, (void)methods, (void)algorithm, (void)key, (void)len;
	pair_of(t)->is_verified = true;
}

static int
later_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)ch, (void)f, (void)extra, (void)len, (void)reason;
	return strcmp(kind, "session") == 0 ? POSTERN_ACCEPT : later(t, OPEN, question);
}

static int
later_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user;
	return later(postern_channel_get_transport(ch),
	    rq->kind == POSTERN_REQ_EXEC ? EXEC : REQUEST, question);
}

static int
later_global(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)kind, (void)data, (void)len;
	return later(t, GLOBAL, question);
}

static int
later_listen(void *user, postern_transport *t, uint64_t question,
    const struct postern_forward *f, uint32_t *port)
{
	(void)user, (void)f, (void)port;
	return later(t, LISTEN, question);
}

static int
later_host_key(void *user, postern_transport *t, uint64_t question,
    const struct postern_host_key *k)
{
	(void)user, (void)k;
	return later(t, HOST_KEY, question);
}

static int
later_words(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)user, (void)p, (void)answers;
	return later(t, PROMPTS, question);
}

static postern_server *
later_server(postern_context *ctx)
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	postern_server *s;

	cfg.methods = POSTERN_PASSWORD | POSTERN_INTERACTIVE;
	cfg.fail_delay_ms = -1;
	i.check_auth = later_auth;
	i.verified_login = later_verified;
	i.check_channel_open = later_open;
	i.check_channel_request = later_request;
	i.check_global_request = later_global;
	i.check_port_forward_request = later_listen;
	assert_int_equal(postern_server_new(&s, ctx, &cfg, &i, SOON), 0);
	return s;
}

/* ---- getting to a question ---- */

static void
meet(struct pair *p, postern_server *s)
{
	int net[2];

	memset(p, 0, sizeof(*p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, net), 0);
	assert_int_equal(postern_transport_new(&p->theirs, house.ctx, net[0]), 0);
	assert_int_equal(postern_transport_new(&p->ours, house.ctx, net[1]), 0);
	assert_int_equal(postern_transport_start_server_async(p->theirs, s, NULL), 0);
}

/* Asks it, and waits until it is asked. */
static void
ask(struct pair *p, postern_server *s, enum kind kind)
{
	struct postern_client_config cfg = seed_client();
	struct postern_event ev = POSTERN_EVENT;
	bool needs_login = kind > PROMPTS;
	int r = 0;

	meet(p, s);
	cfg.interface.answer_prompts = later_words;
	if (kind == HOST_KEY) {
		cfg.host = "host";
		cfg.host_key = NULL;
		cfg.interface.check_host_key = later_host_key;
		r = postern_transport_start_client_async(p->ours, &cfg, &p->call);
	} else {
		assert_int_equal(postern_transport_connect(p->ours, &cfg, "robey",
		    needs_login ? "now" : NULL, NULL, SOON), 0);
		p->is_verified = false;
	}
	if (kind == REQUEST || kind == EXEC)
		p->ch = seed_session(p->ours);
	if (kind == LOGIN)
		r = postern_transport_auth_password_async(p->ours, "robey", "x", 0, &p->call);
	else if (kind == INTERACTIVE || kind == PROMPTS)
		r = postern_transport_auth_interactive_async(p->ours,
		    kind == PROMPTS ? "prompted" : "robey", "", &p->call);
	else if (kind == OPEN)
		r = postern_transport_open_channel_async(p->ours, &p->ch, "x@test", NULL, NULL, 0, NULL,
		    &p->call);
	else if (kind == REQUEST)
		r = postern_channel_get_pty_async(p->ch, "vt100", 80, 24, 0, 0, NULL, 0, &p->call);
	else if (kind == EXEC)
		r = postern_channel_exec_command_async(p->ch, "x", &p->call);
	else if (kind == GLOBAL)
		r = postern_transport_global_request_async(p->ours, "x@test", NULL, &p->call);
	else if (kind == LISTEN)
		r = postern_transport_request_port_forward_async(p->ours, "", 0, NULL, NULL, &p->call);
	assert_int_equal(r, 0);
	for (int i = 0; i < 400 && p->asked[kind].question == 0; i++)
		(void)!postern_next(house.ctx, &ev, 50);
	assert_true(p->asked[kind].question != 0);
}

static void
part(struct pair *p)
{
	postern_transport_free(p->ours);
	postern_transport_free(p->theirs);
}

static int
answer(postern_transport *t, uint64_t question, enum how how, int code)
{
	static const struct postern_prompt one = { "Word: ", 0 };
	static const char *const words[] = { "word" };
	struct postern_prompts p = POSTERN_PROMPTS;

	p.n = 1;
	p.prompts = &one;
	switch (how) {
	case PLAIN:
		return postern_answer(t, question, code, NULL);
	case PORT:
		return postern_answer_port(t, question, code, PRESENT);
	case PAYLOAD:
		return postern_answer_payload(t, question, code, NULL);
	case WITH_PROMPTS:
		return postern_answer_prompts(t, question, &p);
	case WITH_WORDS:
		return postern_answer_interactive(t, question, words, 1);
	case HOWS:
		break;
	}
	return 0;
}

/* The function that is made for a kind, and what any other gives. */
static enum how
right_way(enum kind kind)
{
	return kind == LISTEN ? PORT : kind == GLOBAL ? PAYLOAD : kind == PROMPTS ? WITH_WORDS :
	    PLAIN;
}

static bool
is_right_way(enum kind kind, enum how how)
{
	return how == right_way(kind) || (how == WITH_PROMPTS && kind == INTERACTIVE) ||
	    (how == PLAIN && kind == GLOBAL);
}

static void
nothing_was_granted(const struct pair *p)
{
	struct postern_event ev = POSTERN_EVENT;

	while (postern_next(house.ctx, &ev, 20) == 1) {
		assert_int_not_equal(ev.type, POSTERN_EVENT_LOGIN);
		if (ev.type == POSTERN_EVENT_DONE && ev.call == p->call)
			fail_msg("it was answered: %d", ev.result);
	}
	assert_false(p->is_verified);
}

static void
login_events_are_over(void)
{
	struct postern_event ev = POSTERN_EVENT;

	while (postern_next(house.ctx, &ev, 20) == 1)
		;
}

/* ---- the wrong question ---- */

/* Numbers are never given out twice in a context: this one belongs to somebody else. */
static void
a_number_of_another_connection_is_no_question(void **state)
{
	postern_server *s = later_server(house.ctx);

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		uint64_t question;

		ask(&pairs[0], s, (enum kind)kind);
		ask(&pairs[1], s, (enum kind)kind);
		login_events_are_over();
		question = pairs[1].asked[kind].question;
		for (int how = 0; how < HOWS; how++) {
			assert_int_equal(answer(pairs[0].asked[kind].t, question, (enum how)how,
			    POSTERN_ACCEPT), POSTERN_ESTATE);
			assert_int_equal(answer(pairs[0].ours, question + 1000, (enum how)how,
			    POSTERN_ACCEPT), POSTERN_ESTATE);
			assert_int_equal(answer(pairs[0].theirs, 0, (enum how)how, POSTERN_ACCEPT),
			    POSTERN_ESTATE);
		}
		nothing_was_granted(&pairs[0]);
		nothing_was_granted(&pairs[1]);
		part(&pairs[0]);
		part(&pairs[1]);
	}
}

static void
each_kind_has_its_own_answer(void **state)
{
	postern_server *s = later_server(house.ctx);

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		postern_transport *t;
		uint64_t question;

		ask(&pairs[0], s, (enum kind)kind);
		login_events_are_over();
		t = pairs[0].asked[kind].t;
		question = pairs[0].asked[kind].question;
		for (int how = 0; how < HOWS; how++) {
			int r;

			if (is_right_way((enum kind)kind, (enum how)how))
				continue;
			/* a plain yes is one to all but prompts, and to who has not said a port */
			if (how == PLAIN && kind != PROMPTS && kind != LISTEN)
				continue;
			r = answer(t, question, (enum how)how, POSTERN_ACCEPT);
			if (r != POSTERN_ESTATE && r != -EINVAL)
				fail_msg("%s, %d: %d", kind_names[kind], how, r);
		}
		/* and what is no answer at all */
		assert_int_equal(postern_answer(t, question, POSTERN_LATER, NULL), -EINVAL);
		assert_int_equal(postern_answer(t, question, -1, NULL), -EINVAL);
		assert_int_equal(postern_answer(t, question, 99, NULL), -EINVAL);
		nothing_was_granted(&pairs[0]);
		part(&pairs[0]);
	}
}

static void
the_right_answer_counts_once(void **state)
{
	postern_server *s = later_server(house.ctx);

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		enum how how = right_way((enum kind)kind);
		struct postern_event ev;
		postern_transport *t;
		uint64_t question;

		ask(&pairs[0], s, (enum kind)kind);
		t = pairs[0].asked[kind].t;
		question = pairs[0].asked[kind].question;
		assert_int_equal(answer(t, question, how, POSTERN_REFUSE), 0);
		for (int again = 0; again < HOWS; again++)
			assert_int_equal(answer(t, question, (enum how)again, POSTERN_ACCEPT),
			    POSTERN_ESTATE);
		ev = seed_done(pairs[0].call);
		for (int again = 0; again < HOWS; again++)
			assert_int_equal(answer(t, question, (enum how)again, POSTERN_ACCEPT),
			    POSTERN_ESTATE);
		/* words have no refusal but none: these were right */
		if (kind == PROMPTS ? ev.result != 0 : ev.result >= 0)
			fail_msg("%s: %d", kind_names[kind], ev.result);
		assert_int_equal(pairs[0].is_verified, kind == PROMPTS);
		part(&pairs[0]);
	}
}

static void
until_end_of(const postern_transport *t)
{
	struct postern_event ev;

	do
		ev = seed_event(POSTERN_EVENT_END);
	while (ev.transport != t);
}

static void
an_answer_to_who_is_gone(void **state)
{
	postern_server *s = later_server(house.ctx);

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		ask(&pairs[0], s, (enum kind)kind);
		login_events_are_over();
		/* nothing is read from a server before its key is known: it may well vanish
		 * unnoticed, and the time limit of the key exchange runs */
		assert_int_equal(postern_transport_close(kind == PROMPTS ? pairs[0].theirs :
		    pairs[0].ours, SOON), 0);
		until_end_of(pairs[0].asked[kind].t);
		for (int how = 0; how < HOWS; how++)
			assert_int_equal(answer(pairs[0].asked[kind].t, pairs[0].asked[kind].question,
			    (enum how)how, POSTERN_ACCEPT), POSTERN_ESTATE);
		assert_false(pairs[0].is_verified);
		part(&pairs[0]);
	}
}

/* ---- logins ---- */

/* Whoever asked has given up, but not gone: the answer finds the connection, not the call. */
static void
a_login_that_was_given_up_completes_no_call(void **state)
{
	postern_server *s = later_server(house.ctx);
	struct postern_client_config cfg = seed_client();
	struct pair *p = &pairs[0];

	(void)state;
	meet(p, s);
	assert_int_equal(postern_transport_start_client(p->ours, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_password(p->ours, "robey", "x", 0, A_MOMENT),
	    POSTERN_ETIMEOUT);
	assert_false(postern_transport_is_authenticated(p->ours));
	assert_int_equal(postern_answer(p->theirs, p->asked[LOGIN].question, POSTERN_REFUSE, NULL),
	    0);
	/* its refusal is not the next one's */
	assert_int_equal(postern_transport_auth_password(p->ours, "robey", "now", 0, SOON), 0);
	assert_true(p->is_verified);
	assert_int_equal(postern_answer(p->theirs, p->asked[LOGIN].question, POSTERN_ACCEPT, NULL),
	    POSTERN_ESTATE);
	part(p);
}

/* Whether the answer was in time is the monitor's to say; the end comes either way. */
static void
a_login_answered_as_its_client_goes_ends_with_it(void **state)
{
	postern_server *s = later_server(house.ctx);
	struct postern_event ev = POSTERN_EVENT;
	struct pair *p = &pairs[0];

	(void)state;
	for (int i = 0; i < 8; i++) {
		ask(p, s, LOGIN);
		/* at the same time: the answer is under way as the client goes */
		postern_transport_free(p->ours);
		p->ours = NULL;
		for (int k = 0; k < i; k++)
			(void)!postern_next(house.ctx, &ev, 0);
		(void)!postern_answer(p->theirs, p->asked[LOGIN].question, POSTERN_ACCEPT, NULL);
		for (int k = 0; k < 400 && postern_transport_is_active(p->theirs); k++)
			(void)!postern_next(house.ctx, &ev, 50);
		assert_false(postern_transport_is_active(p->theirs));
		assert_false(postern_transport_is_authenticated(p->theirs));
		part(p);
	}
}

/* ---- many at once ---- */

static struct many {
	postern_transport *ours, *theirs;
	uint64_t question, call;
	bool is_verified, is_done;
} many[LOGINS];
static unsigned logins;			/* as many as there are descriptors for */
static int n_asked;

static int
many_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	unsigned i = (unsigned)strtoul(l->user, NULL, 10);

	(void)user;
	assert_true(i < logins && strcmp(l->user, l->password) == 0);
	assert_ptr_equal(many[i].theirs, t);
	many[i].question = question;
	n_asked++;
	return POSTERN_LATER;
}

static void
many_verified(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t len)
{
	unsigned i = (unsigned)strtoul(name, NULL, 10);

	(void)user, (void)methods, (void)algorithm, (void)key, (void)len;
	assert_true(i < logins && i % 2 == 0);
	assert_ptr_equal(many[i].theirs, t);
	many[i].is_verified = true;
}

static void
many_connect(postern_context *ctx, postern_server *s)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	struct postern_event ev = POSTERN_EVENT;
	char name[16];
	int pair[2];

	cfg.host_key = postern_context_get_server_key(ctx, 0, &cfg.host_key, &cfg.host_key_len) !=
	    NULL ? cfg.host_key : NULL;
	for (int i = 0; i < (int)logins; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(postern_transport_new(&many[i].theirs, ctx, pair[0]), 0);
		assert_int_equal(postern_transport_new(&many[i].ours, ctx, pair[1]), 0);
		assert_int_equal(postern_transport_start_server_async(many[i].theirs, s, NULL), 0);
		(void)snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(postern_transport_connect_async(many[i].ours, &cfg, name, name, NULL,
		    &many[i].call), 0);
		/* some tens at a time, so that none waits for its keys for long */
		for (int k = 0; k < 4000 && i - n_asked >= 32; k++)
			(void)!postern_next(ctx, &ev, 10);
	}
	for (int k = 0; k < 4000 && n_asked < (int)logins; k++)
		(void)!postern_next(ctx, &ev, 10);
	assert_int_equal(n_asked, logins);
}

static void
many_answer(void)
{
	static int order[LOGINS];
	uint32_t random;

	for (int i = 0; i < (int)logins; i++)
		order[i] = i;
	for (int i = (int)logins - 1; i > 0; i--) {
		int other, was = order[i];

		assert_int_equal(getrandom(&random, sizeof(random), 0), sizeof(random));
		other = (int)(random % (uint32_t)(i + 1));
		order[i] = order[other];
		order[other] = was;
	}
	for (int i = 0; i < (int)logins; i++) {
		const struct many *m = &many[order[i]];
		const struct many *wrong = &many[order[(i + 1) % (int)logins]];

		assert_int_equal(postern_answer(m->theirs, wrong->question, POSTERN_ACCEPT, NULL),
		    POSTERN_ESTATE);
		assert_int_equal(postern_answer(m->theirs, m->question,
		    order[i] % 2 == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE, NULL), 0);
	}
}

static void
a_thousand_logins_get_each_their_own_answer(void **state)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	struct postern_event ev = POSTERN_EVENT;
	struct rlimit files;
	postern_context *ctx;
	postern_server *s;
	int done = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	/* the monitor has four for each, and we one */
	logins = files.rlim_max < 8 * LOGINS ? (unsigned)files.rlim_max / 8 : LOGINS;
	cfg.startups_begin = cfg.startups_full = 4 * LOGINS;
	cfg.log_level = POSTERN_ERROR;
	assert_int_equal(postern_context_new(&ctx, &cfg, SOON), 0);
	assert_int_equal(postern_context_add_server_key(ctx, seed_file(samples_clear[0].file), NULL,
	    SOON), 0);
	sc.methods = POSTERN_PASSWORD;
	sc.fail_delay_ms = -1;
	i.check_auth = many_auth;
	i.verified_login = many_verified;
	assert_int_equal(postern_server_new(&s, ctx, &sc, &i, SOON), 0);
	many_connect(ctx, s);
	many_answer();
	while (done < (int)logins) {
		int n = -1;

		assert_int_equal(postern_next(ctx, &ev, SOON), 1);
		for (int k = 0; k < (int)logins && ev.type == POSTERN_EVENT_DONE; k++) {
			if (many[k].call == ev.call)
				n = k;
		}
		if (n < 0)
			continue;
		assert_false(many[n].is_done);
		assert_ptr_equal(ev.transport, many[n].ours);
		assert_int_equal(ev.result, n % 2 == 0 ? 0 : POSTERN_EAUTH);
		many[n].is_done = true;
		done++;
	}
	for (int k = 0; k < (int)logins; k++)
		assert_int_equal(many[k].is_verified, k % 2 == 0);
	postern_context_free(ctx);
}

/* ---- answers given while calls wait ---- */

static struct { postern_transport *t; uint64_t question; } waiting[DEEP];
static int deep, results[DEEP];
static postern_server *deep_server;

/* Asked about its key, each connection first makes another, in a call that waits; the
 * innermost answers for all of them. */
static int
connect_another(void *user, postern_transport *t, uint64_t question,
    const struct postern_host_key *k)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	int mine = deep++;
	postern_transport *next;

	(void)user, (void)k;
	waiting[mine].t = t;
	waiting[mine].question = question;
	if (deep < *(const int *)user) {
		cfg.host = "host";
		cfg.interface.check_host_key = connect_another;
		cfg.interface.user = user;
		next = seed_transport(deep_server);
		results[mine + 1] = postern_transport_connect(next, &cfg, "robey", "foo", NULL, SOON);
		if (results[mine + 1] == 0)
			return POSTERN_LATER;	/* answered long ago, in there */
		postern_transport_free(next);
	}
	for (int i = 0; i < deep; i++)
		assert_int_equal(postern_answer(waiting[i].t, waiting[i].question, POSTERN_ACCEPT,
		    NULL), 0);
	return POSTERN_LATER;
}

static void
connect_deep(int levels)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;

	deep = 0;
	cfg.host = "host";
	cfg.interface.check_host_key = connect_another;
	cfg.interface.user = &levels;
	results[0] = postern_transport_connect(seed_transport(deep_server), &cfg, "robey", "foo",
	    NULL, SOON);
}

static void
a_host_key_is_answered_from_a_call_within_the_call(void **state)
{
	(void)state;
	deep_server = house.server;
	for (int levels = 1; levels <= 6; levels++) {
		connect_deep(levels);
		assert_int_equal(deep, levels);
		for (int i = 0; i < levels; i++)
			assert_int_equal(results[i], 0);
	}
	assert_int_equal(house.logins, 1 + 2 + 3 + 4 + 5 + 6);
}

/* There is an end to it: who waits too deep is told so, and those outside live on. */
static void
too_deep_is_an_error_and_no_deadlock(void **state)
{
	(void)state;
	deep_server = house.server;
	connect_deep(DEEP);
	assert_true(deep > 1 && deep < DEEP);
	assert_int_equal(results[deep], POSTERN_ESTATE);
	for (int i = 0; i < deep; i++)
		assert_int_equal(results[i], 0);
	assert_int_equal(house.logins, deep);
}

static postern_transport *other, *prompted;
static uint64_t prompts;

/* The server of the other connection, asked in a call that waits inside the callback. */
static int
answer_the_prompts(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	static const char *const words[] = { "foo" };

	(void)user, (void)t, (void)question, (void)kind, (void)data, (void)len;
	assert_int_equal(postern_answer_interactive(prompted, prompts, words, 1), 0);
	assert_int_equal(postern_answer_interactive(prompted, prompts, words, 1), POSTERN_ESTATE);
	return POSTERN_ACCEPT;
}

static int
ask_another(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)user, (void)p, (void)answers;
	prompted = t;
	prompts = question;
	assert_int_equal(postern_transport_global_request(other, "x@test", NULL, NULL, SOON), 0);
	return POSTERN_LATER;
}

static void
prompts_are_answered_from_a_call_within_the_call(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = seed_interface();
	postern_transport *t;
	postern_server *s;

	(void)state;
	sc.methods = POSTERN_PASSWORD;
	i.check_global_request = answer_the_prompts;
	assert_int_equal(postern_server_new(&s, house.ctx, &sc, &i, SOON), 0);
	other = seed_transport(s);
	assert_int_equal(postern_transport_connect(other, &cfg, "robey", "foo", NULL, SOON), 0);
	cfg.interface.answer_prompts = ask_another;
	t = seed_transport(house.server);
	assert_int_equal(postern_transport_start_client(t, &cfg, SOON), 0);
	assert_int_equal(postern_transport_auth_interactive(t, "robey", "", SOON), 0);
	assert_true(postern_transport_is_authenticated(t));
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_number_of_another_connection_is_no_question), T(each_kind_has_its_own_answer),
		T(the_right_answer_counts_once), T(an_answer_to_who_is_gone),
		T(a_login_that_was_given_up_completes_no_call),
		T(a_login_answered_as_its_client_goes_ends_with_it),
		T(a_host_key_is_answered_from_a_call_within_the_call),
		T(too_deep_is_an_error_and_no_deadlock),
		T(prompts_are_answered_from_a_call_within_the_call),
		cmocka_unit_test(a_thousand_logins_get_each_their_own_answer),
	};

	return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
