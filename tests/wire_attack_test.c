/*
 * wire_attack_test.c - what a peer may do under encryption, in both roles.
 *
 * The peer is hostile_peer.h's, in a child; what it attacks is whole: the public API
 * over the real helper programs.  Every case of wire_attacks.h must come to exactly
 * the end it names, cause, phase, side and the DISCONNECT that the peer hears; the
 * policy must not be asked what nobody was entitled to ask; and one context serves
 * all of them, one after the other.  At the end they run again many times over, and
 * descriptors, children and memory must be what they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <malloc.h>

#include <postern.h>

#include "tests/test_key.h"
#include "tests/wire_attacks.h"

enum { PATIENCE = 20000, REKEYS_EVERY = 50, CONNECTIONS_OF_A_LAYOUT = 64 };
#ifdef POSTERN_SAN
enum { AGAIN = 1, WEIGHS = 0 };
#else
enum { AGAIN = 4, WEIGHS = 1 };
#endif

/* What the application was asked. */
static struct counts {
	unsigned logins, verified, opens, requests, globals, banners;
} asked;

static postern_context *ctx;
static postern_server *servers[SERVERS];
static postern_key *user_key;

/* ---- the application's policy ---- */

/* Nothing that a terminal obeys; in a text of several lines, their ends. */
static bool
is_harmless(const char *s, bool lines)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && !(lines && *s == '\n')) || *s == 0x7f)
			return false;
	return true;
}

static int
check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *login)
{
	static const struct postern_prompt two[] = { { "one", 0 }, { "two", 1 } };
	struct postern_prompts prompts = POSTERN_PROMPTS;

	(void)user;
	asked.logins++;
	prompts.n = 2;
	prompts.prompts = two;
	switch (login->method) {
	case POSTERN_PASSWORD:
		return strcmp(login->password, "pw") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
	case POSTERN_PUBLICKEY:		/* "good if proven" */
		return POSTERN_ACCEPT;
	case POSTERN_INTERACTIVE:
		if (login->answers != NULL)
			return POSTERN_REFUSE;
		assert_int_equal(postern_answer_prompts(t, question, &prompts), 0);
		return POSTERN_LATER;
	default:
		return POSTERN_REFUSE;
	}
}

static void
verified_login(void *user, postern_transport *t, const char *name, const char *methods,
    const char *algorithm, const void *key, size_t key_len)
{
	(void)user;
	(void)t;
	(void)algorithm;
	(void)key;
	(void)key_len;
	asked.verified++;
	assert_string_equal(name, "u");
	assert_string_equal(methods, "password");
}

static int
check_channel_open(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *forward, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)forward;
	(void)user;
	(void)question;
	(void)ch;
	(void)extra;
	(void)len;
	(void)reason;
	asked.opens++;
	assert_true(postern_transport_is_authenticated(t));
	return strcmp(kind, "session") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static int
check_channel_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user;
	(void)question;
	asked.requests++;
	assert_true(postern_transport_is_authenticated(postern_channel_get_transport(ch)));
	return rq->kind == POSTERN_REQ_OTHER ? POSTERN_REFUSE : POSTERN_ACCEPT;
}

static int
check_global_request(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user;
	(void)question;
	(void)kind;
	(void)data;
	(void)len;
	asked.globals++;
	assert_true(postern_transport_is_authenticated(t));
	return POSTERN_REFUSE;
}

static void
free_channel(void *user, postern_channel *ch)
{
	(void)user;
	postern_channel_free(ch);
}

static int
trust_all(void *user, postern_transport *t, uint64_t question, const struct postern_host_key *k)
{
	(void)user;
	(void)t;
	(void)question;
	(void)k;
	return POSTERN_ACCEPT;
}

static void
banner(void *user, postern_transport *t, const char *text)
{
	(void)user;
	(void)t;
	asked.banners++;
	assert_true(is_harmless(text, true));
}

static int
answer_prompts(void *user, postern_transport *t, uint64_t question, const struct postern_prompts *p,
    char **answers)
{
	(void)question;
	(void)user;
	(void)t;
	assert_true(is_harmless(p->name, true) && is_harmless(p->instruction, true));
	for (size_t i = 0; i < p->n; i++) {
		assert_true(is_harmless(p->prompts[i].text, true));
		answers[i] = strdup("yes");
		assert_non_null(answers[i]);
	}
	return POSTERN_ACCEPT;
}

static struct postern_options
options_for(unsigned which)
{
	struct postern_options o = POSTERN_OPTIONS;

	o.preset = "compat";		/* for every mode of encryption */
	o.banner_ms = o.kex_ms = o.login_ms = PATIENCE;
	o.close_ms = 2000;
	o.rekey_ms = which == REKEYING ? 400 : PATIENCE;
	o.rekey_interval_ms = which == REKEYING ? REKEYS_EVERY : 0;
	o.rekey_burst = 4;
	o.rekey_per_second = 20;
	o.channel_max = 10;
	return o;
}

static int
start_context(void **state)
{
	struct postern_context_config ccfg = POSTERN_CONTEXT_CONFIG;
	struct postern_server_interface in = POSTERN_SERVER_INTERFACE;

	(void)state;
	in.check_auth = check_auth;
	in.verified_login = verified_login;
	in.check_channel_open = check_channel_open;
	in.check_channel_request = check_channel_request;
	in.check_global_request = check_global_request;
	in.channel_closed = free_channel;
	ccfg.log_level = POSTERN_ERROR;
	assert_int_equal(crypto_init(), 0);
	assert_int_equal(postern_context_new(&ctx, &ccfg, PATIENCE), 0);
	assert_int_equal(postern_context_add_server_key(ctx, test_key_file(), NULL, PATIENCE), 0);
	assert_int_equal(postern_key_load(&user_key, ctx, test_key_file(), NULL, PATIENCE), 0);
	for (unsigned i = 0; i < SERVERS; i++) {
		struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
		struct postern_options options = options_for(i);

		cfg.methods = POSTERN_PASSWORD | POSTERN_PUBLICKEY | POSTERN_INTERACTIVE;
		cfg.options = &options;
		cfg.fail_delay_ms = -1;
		cfg.tries_max = i == PATIENT ? 1000 : 6;
		assert_int_equal(postern_server_new(&servers[i], ctx, &cfg, &in, PATIENCE), 0);
	}
	return 0;
}

static int
end_context(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SERVERS; i++)
		postern_server_free(servers[i]);
	postern_context_free(ctx);
	return 0;
}

/* ---- what a process weighs, as root from /proc ---- */

/* A line of /proc/pid/FILE that begins so, in kB. */
static long
proc_kb(pid_t pid, const char *file, const char *begins)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (kb < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, begins, strlen(begins)) == 0)
			kb = strtol(line + strlen(begins), NULL, 10);
	(void)fclose(f);
	return kb;
}

static unsigned
entries(pid_t pid, const char *dir)
{
	unsigned n = 0;
	char path[64];
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, dir);
	if ((d = opendir(path)) == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

/* Living children; how many descriptors all of them have. */
static unsigned
children(pid_t pid, unsigned *fds)
{
	unsigned n = 0;
	char path[64];
	int child;
	FILE *f;

	*fds = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	for (; fscanf(f, "%d", &child) == 1; n++)
		*fds += entries(child, "fd");
	(void)fclose(f);
	return n;
}

enum { WORKER_KB_MAX = 4096, OTHERS_KB_MAX = 1024 };
static struct { long monitor_kb; size_t app; } rest;

static void
weigh_rest(void)
{
	rest.monitor_kb = proc_kb(postern_context_monitor_pid(ctx), "status", "RssAnon:");
	rest.app = mallinfo2().uordblks;
}

/* In the middle of a flood. */
static void
weigh(const struct shot *x, const postern_transport *t)
{
	long worker = proc_kb(postern_transport_worker_pid(t), "status", "RssAnon:");
	long monitor = proc_kb(postern_context_monitor_pid(ctx), "status", "RssAnon:");
	size_t app = mallinfo2().uordblks;

	if (!WEIGHS || geteuid() != 0)		/* the kernel hides it from others */
		return;
	if (worker < 0 || worker > WORKER_KB_MAX ||
	    monitor > rest.monitor_kb + OTHERS_KB_MAX || app > rest.app + OTHERS_KB_MAX * 1024)
		fail_msg("%s: worker %ld kB, monitor %ld kB more, application %zu bytes more",
		    x->a->name, worker, monitor - rest.monitor_kb, app - rest.app);
}

/* ---- one connection ---- */

static void
describe(char *out, size_t cap, const struct shot *x)
{
	(void)snprintf(out, cap, "%s: %s, number %u, cut %zd, %s %s",
	    x->role == SSH_CLIENT ? "client" : "server", x->a->name, x->number,
	    (ssize_t)x->cut, x->cipher != NULL ? x->cipher : "", x->mac != NULL ? x->mac : "");
}

static const char *
phase_of(const struct attack *a)
{
	if (a->phase != NULL)
		return a->phase;
	if (a->code == 0 || a->at >= AT_REKEY)
		return a->code == 0 ? "open" : "rekey";
	return a->at <= AT_CLEAR ? "kex" : a->at <= AT_TRIED ? "auth" : "open";
}

/* How the transport ended: all of it. */
static void
check_exception(const struct shot *x, postern_transport *t)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	const struct attack *a = x->a;
	bool goes_on = a->code == 0;
	bool by_us = goes_on && x->role == SSH_SERVER;
	int code = by_us ? 0 : goes_on ? POSTERN_ECLOSED : a->code;
	int side = by_us ? POSTERN_LOCAL : code == POSTERN_ECUT ? POSTERN_SYSTEM : POSTERN_PEER;
	const char *text = goes_on ? by_us ? "" : "done" : a->text;
	char what[256];

	describe(what, sizeof(what), x);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	if (e.code != code || strcmp(e.phase, phase_of(a)) != 0 || e.side != side ||
	    strstr(e.text, text) == NULL ||
	    e.disconnect != (goes_on ? SSH_DISCONNECT_BY_APPLICATION : a->disconnect))
		fail_msg("%s: got %s in phase \"%s\", side %d, DISCONNECT %u: %s\n"
		    "expected %s in phase \"%s\", side %d, DISCONNECT %u: %s", what,
		    postern_strerror(e.code), e.phase, e.side, e.disconnect, e.text,
		    postern_strerror(code), phase_of(a), side,
		    goes_on ? SSH_DISCONNECT_BY_APPLICATION : a->disconnect, text);
	if (!is_harmless(e.text, false) || !is_harmless(e.ours, false) || !is_harmless(e.theirs, false))
		fail_msg("%s: text that draws on terminals", what);
}

/* Who heard what: the peer on the wire, the application in its policy. */
static void
check_others(const struct shot *x, int peer)
{
	const struct attack *a = x->a;
	bool in = a->code == 0 || a->at >= AT_OPEN;
	int heard = a->code == 0 ? 0 : a->code == POSTERN_ECLOSED || a->code == POSTERN_ECUT ?
	    HEARD_EOF : HEARD_DISCONNECT + (int)a->disconnect;
	char what[256];

	describe(what, sizeof(what), x);
	if (peer != heard)
		fail_msg("%s: the peer ended with %d, expected %d", what, peer, heard);
	if (x->role == SSH_SERVER) {
		assert_int_equal(asked.logins + asked.verified + asked.opens + asked.requests, 0);
		return;
	}
	if (asked.logins != a->judged + in)
		fail_msg("%s: %u logins were judged", what, asked.logins);
	if (asked.verified != in)
		fail_msg("%s: %u logins", what, asked.verified);
	if (!in && asked.opens + asked.requests + asked.globals != 0)
		fail_msg("%s: asked before the login", what);
}

/* What the peer has to say to this test, not to us.  0: it has left, or nothing. */
static char
hear_peer(const struct shot *x, const postern_transport *t, int ctl)
{
	char c = 0;

	if (recv(ctl, &c, 1, MSG_DONTWAIT) != 1)
		return 0;
	if (c == WEIGH_YOURSELVES) {
		weigh(x, t);
		assert_int_equal(write(ctl, &c, 1), 1);
	}
	return c;
}

/* Events until the transport's end, or until the peer says what. */
static void
run_events(const struct shot *x, postern_transport *t, int ctl, char what)
{
	uint64_t until = peer_now() + 2 * PATIENCE;
	struct postern_event ev = POSTERN_EVENT;
	char where[256], said = 0;

	do {
		struct pollfd pfd[2] = { { .fd = postern_context_fd(ctx), .events = POLLIN },
			{ .fd = ctl, .events = POLLIN } };
		int r;

		while ((r = postern_next(ctx, &ev, 0)) == 1)
			if (ev.type == POSTERN_EVENT_END && ev.transport == t)
				return;
		assert_int_equal(r, POSTERN_ETIMEOUT);
		assert_true(poll(pfd, pfd[1].fd >= 0 ? 2 : 1, 1000) >= 0);
		if ((pfd[1].revents & (POLLIN | POLLHUP)) != 0 &&
		    (said = hear_peer(x, t, ctl)) == 0)
			ctl = -1;	/* its end is ours in a moment */
	} while ((said == 0 || said != what) && peer_now() < until);
	describe(where, sizeof(where), x);
	if (said != what)
		fail_msg("%s: it does not end", where);
}

/* Our server is attacked. */
static void
serve(const struct shot *x, postern_transport *t, int ctl)
{
	assert_int_equal(postern_transport_start_server_async(t, servers[x->a->server], NULL), 0);
	run_events(x, t, ctl, 0);
}

/* One attempt as the case wants it. */
static int
try(const struct shot *x, postern_transport *t)
{
	uint8_t blob[51];
	struct wr w = wr_of(blob, sizeof(blob));

	switch (x->a->try) {
	case BY_NONE:
		return postern_transport_auth_none(t, "u", PATIENCE);
	case BY_PROBE:
		wr_str(&w, "ssh-ed25519");
		wr_str(&w, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
		return postern_transport_probe_publickey(t, "u", "ssh-ed25519", blob, w.n,
		    PATIENCE);
	case BY_KEY:
		return postern_transport_auth_publickey(t, "u", user_key, PATIENCE);
	case BY_DIALOGUE:
	case BY_SILENCE:
		return postern_transport_auth_interactive(t, "u", NULL, PATIENCE);
	default:
		return postern_transport_auth_password(t, "u", "pw", 0, PATIENCE);
	}
}

/* A command and its status, the second time if the first was refused. */
static int
run_command(const struct shot *x, postern_transport *t)
{
	struct postern_exit e = POSTERN_EXIT;
	postern_channel *ch = NULL;
	int r = postern_transport_open_session(t, &ch, PATIENCE);

	if (r == POSTERN_EREFUSED && x->a->refused && x->a->at == AT_ASKED)
		r = postern_transport_open_session(t, &ch, PATIENCE);
	if (r < 0)
		return r;
	r = postern_channel_exec_command(ch, "x", PATIENCE);
	if (r == POSTERN_EREFUSED && x->a->refused && x->a->at == AT_EXEC)
		r = postern_channel_exec_command(ch, "x", PATIENCE);
	if (r == 0)
		r = postern_channel_recv_exit_status(ch, &e, PATIENCE);
	if (r == 0)
		assert_int_equal(e.status, 7);
	postern_channel_free(ch);
	return r;
}

static int
use_server(const struct shot *x, postern_transport *t, int ctl)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	struct postern_options options = options_for(x->a->server);
	int r;

	cfg.host = "somewhere";
	cfg.options = &options;
	cfg.interface.check_host_key = trust_all;
	cfg.interface.banner = banner;
	if (x->a->try != BY_SILENCE)
		cfg.interface.answer_prompts = answer_prompts;
	r = postern_transport_start_client(t, &cfg, PATIENCE);
	if (r < 0 || x->a->try == BY_NOTHING)
		return r;
	r = try(x, t);
	if (x->a->refused && x->a->at == AT_TRIED && postern_transport_is_active(t)) {
		assert_false(postern_transport_is_authenticated(t));
		r = postern_transport_auth_password(t, "u", "pw", 0, PATIENCE);
	}
	if (r != 0)
		return r;
	assert_non_null(postern_transport_get_username(t));	/* also when it is over already */
	if (x->a->weigh)
		run_events(x, t, ctl, WEIGH_YOURSELVES);
	if (x->a->at == AT_THEIR_REKEY)		/* which must be the first they hear */
		return 0;
	return run_command(x, t);
}

/* Our client is attacked. */
static void
visit(const struct shot *x, postern_transport *t, int ctl)
{
	int r = use_server(x, t, ctl);
	char what[256];

	describe(what, sizeof(what), x);
	if (x->a->code == 0) {
		if (r != 0)
			fail_msg("%s: %s", what, postern_strerror(r));
		run_events(x, t, ctl, ALL_ANSWERED);
		assert_int_equal(postern_transport_close(t, PATIENCE), 0);
	} else if (r < 0 && r != x->a->code && !(x->a->instead &&
	    (r == POSTERN_EAUTH || r == POSTERN_EREFUSED))) {
		fail_msg("%s: a call gave %s", what, postern_strerror(r));
	}
	run_events(x, t, ctl, 0);
	if (x->a->code != 0 && x->a->at < AT_OPEN)
		assert_null(postern_transport_get_username(t));
}

static void
shoot(const struct shot *x)
{
	uint64_t from = peer_now();
	postern_transport *t;
	int fd, ctl;
	pid_t pid;

	asked = (struct counts){ 0 };
	fd = hostile_start(x, &pid, &ctl);
	assert_int_equal(postern_transport_new(&t, ctx, fd), 0);
	if (x->role == SSH_CLIENT)
		serve(x, t, ctl);
	else
		visit(x, t, ctl);
	check_exception(x, t);
	postern_transport_free(t);
	check_others(x, hostile_end(pid, ctl));
	if (peer_now() - from < x->a->least_ms)
		fail_msg("%s: over after %u ms", x->a->name, (unsigned)(peer_now() - from));
}

/* ---- a case: one connection or several ---- */

static const struct { const char *cipher, *mac; } modes[] = {
	{ "chacha20-poly1305@openssh.com", "hmac-sha2-256" },
	{ "aes128-gcm@openssh.com", "hmac-sha2-256" },
	{ "aes256-ctr", "hmac-sha2-256" },
	{ "aes256-ctr", "hmac-sha2-256-etm@openssh.com" },
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

/* Which of a case's connections, and which part of a flood: first of first, every
 * next of them. */
struct share { unsigned every, first; };

static unsigned
shoot_all(const struct attack *a, enum ssh_role role, struct share s)
{
	uint64_t numbers = a->together ? 1 : (uint64_t)a->to - a->from + 1;
	size_t cuts = a->cut_to - a->cut_from + 1, all;
	unsigned n = 0;

	all = numbers * cuts * (a->every_mode ? MODES : 1);
	for (size_t i = 0; i < all; i++) {
		struct shot x = { .a = a, .role = role, .cut = SIZE_MAX };

		if (all > 1 && i % s.every != s.first % (all < s.every ? all : s.every))
			continue;
		x.number = a->from + (unsigned)(i % numbers);
		if (a->cut_to > 0)
			x.cut = a->cut_from + i / numbers % cuts;
		if (a->every_mode) {
			x.cipher = modes[i / numbers / cuts].cipher;
			x.mac = modes[i / numbers / cuts].mac;
		}
		x.times = a->times == 0 ? 1 : a->times;
		shoot(&x);
		n++;
	}
	return n;
}

static void
client_case(void **state)
{
	weigh_rest();
	(void)shoot_all(*state, SSH_CLIENT, (struct share){ 1, 0 });
}

static void
server_case(void **state)
{
	weigh_rest();
	(void)shoot_all(*state, SSH_SERVER, (struct share){ 1, 0 });
}

/* ---- nothing leaks ---- */

struct weight {
	unsigned fds, children, monitor_fds, helpers, helper_fds;
	long monitor_kb;
	size_t app;
};

static struct weight
weight(void)
{
	pid_t monitor = postern_context_monitor_pid(ctx);
	struct weight w = {
		.fds = entries(getpid(), "fd"),
		.monitor_fds = entries(monitor, "fd"),
		.monitor_kb = proc_kb(monitor, "smaps_rollup", "Private_Dirty:"),
		.app = mallinfo2().uordblks,
	};
	unsigned any;

	w.children = children(getpid(), &any);
	w.helpers = children(monitor, &w.helper_fds);
	return w;
}

static bool
is_same(const struct weight *a, const struct weight *b)
{
	return a->fds == b->fds && a->children == b->children &&
	    a->monitor_fds == b->monitor_fds && a->helpers == b->helpers &&
	    a->helper_fds == b->helper_fds;
}

enum { N_CLIENT = sizeof(of_client) / sizeof(of_client[0]),
	N_SERVER = sizeof(of_server) / sizeof(of_server[0]) };

static bool
is_long(const struct attack *a)
{
	return a->times > 1000 || a->least_ms > 0;
}

/* All once more.  Of sweeps each round has its share, floods one round each. */
static unsigned
round_of_all(unsigned round, unsigned rounds)
{
	struct share s = { rounds, round };
	unsigned n = 0;

	weigh_rest();
	for (size_t i = 0; i < N_CLIENT; i++)
		if (!is_long(&of_client[i]) || i % rounds == round)
			n += shoot_all(&of_client[i], SSH_CLIENT, s);
	for (size_t i = 0; i < N_SERVER; i++)
		if (!is_long(&of_server[i]) || i % rounds == round)
			n += shoot_all(&of_server[i], SSH_SERVER, s);
	return n;
}

/* When what ends has ended.  A layout's successor waits beside it towards its end, so
 * that a few connections more may be needed until things are as before. */
static struct weight
settled(const struct weight *before)
{
	static const struct attack honest = { "nothing", AT_OPEN, "2 'x'", GOES_ON };
	const struct shot x = { .a = &honest, .role = SSH_CLIENT, .times = 1, .cut = SIZE_MAX };
	struct postern_event ev = POSTERN_EVENT;
	struct weight w;

	for (unsigned i = 0; i < CONNECTIONS_OF_A_LAYOUT; i++) {
		for (unsigned j = 0; j < 5; j++)
			assert_int_equal(postern_next(ctx, &ev, 20), POSTERN_ETIMEOUT);
		w = weight();
		if (before != NULL ? is_same(&w, before) : i > 5)
			break;
		shoot(&x);
	}
	return w;
}

static void
nothing_leaks(void **state)
{
	struct weight before, after;
	unsigned n = 0;

	(void)state;
	(void)round_of_all(0, AGAIN + 1);	/* whoever grows with first use has grown */
	before = settled(NULL);
	for (unsigned i = 1; i <= AGAIN; i++)
		n += round_of_all(i, AGAIN + 1);
	after = settled(&before);
	print_message("%u connections: monitor %ld -> %ld kB, application %zu -> %zu bytes\n", n,
	    before.monitor_kb, after.monitor_kb, before.app, after.app);
	if (!is_same(&before, &after))
		fail_msg("descriptors %u -> %u, children %u -> %u, the monitor's %u -> %u and "
		    "%u -> %u, its children's descriptors %u -> %u", before.fds, after.fds,
		    before.children, after.children, before.monitor_fds, after.monitor_fds,
		    before.helpers, after.helpers, before.helper_fds, after.helper_fds);
	if (!WEIGHS)
		return;
	/* one allocation for each connection would be more */
	assert_true(after.monitor_kb <= before.monitor_kb + 32);
	assert_true(after.app <= before.app + 2048);	/* what malloc keeps at hand counts */
}

/* An argument limits the cases: a pattern with * and ?. */
int
main(int argc, char **argv)
{
	struct CMUnitTest tests[N_CLIENT + N_SERVER + 1];
	static char names[N_CLIENT + N_SERVER][128];
	size_t n = 0;

	for (size_t i = 0; i < N_CLIENT; i++, n++) {
		(void)snprintf(names[n], sizeof(names[n]), "client: %s", of_client[i].name);
		tests[n] = (struct CMUnitTest){ names[n], client_case, NULL, NULL,
			(void *)(uintptr_t)&of_client[i] };
	}
	for (size_t i = 0; i < N_SERVER; i++, n++) {
		(void)snprintf(names[n], sizeof(names[n]), "server: %s", of_server[i].name);
		tests[n] = (struct CMUnitTest){ names[n], server_case, NULL, NULL,
			(void *)(uintptr_t)&of_server[i] };
	}
	tests[n] = (struct CMUnitTest)cmocka_unit_test(nothing_leaks);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("wire_attack", tests, start_context, end_context);
}
