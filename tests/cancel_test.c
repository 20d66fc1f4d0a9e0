/*
 * cancel_test.c - what ends while a call waits for it: each blocking call of a client,
 * and its twin, against each way in which its connection can go.
 *
 * The peer answers nothing.  A second connection of the same context ticks meanwhile, so
 * the blow falls inside the call that waits, in a callback.
 */
#include <time.h>

#include "tests/seed.h"

enum { WITHIN_MS = 8000, UNTIL_BLOW_MS = 10, QUIET_MS = 20, CLOSE_MS = 300 };

/* How far a connection must be before the call. */
enum stage { SILENT, STARTED, LOGGED_IN, CHANNEL };

/* Whose worker stands still during it: it would answer, or end, by itself. */
enum stopped { NOBODY, THEIRS, OURS };

enum fate { PEER_KILLED, CUT, PEER_CLOSES, OUR_WORKER_KILLED, MONITOR_KILLED, WE_CLOSE, WE_STOP,
	WE_FREE, WE_CLOSE_CHANNEL, WE_FREE_CHANNEL, FATES };

static const char *const fate_names[FATES] = { "peer's worker killed", "network cut",
	"peer closes", "our worker killed", "monitor killed", "closed", "stopped", "freed",
	"channel closed", "channel freed" };

static struct {
	postern_transport *ours, *theirs, *ticker;
	postern_channel *ch;
	postern_server *servers[2];	/* of ticker and theirs */
	int net, silent;		/* copies of the network's ends, -1: none */
	enum fate fate;
	int64_t begun;
	bool is_armed;
	enum sftp { NO_SESSION, NO_SUBSYSTEM, NO_VERSION } sftp;	/* what is not answered... */
	bool is_there;			/* ...and it has come that far */
} now;

static int64_t
clock_ms(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the calls ---- */

static int
start_client(uint64_t *call)
{
	struct postern_client_config cfg = seed_client();

	return call == NULL ? postern_transport_start_client(now.ours, &cfg, SOON) :
	    postern_transport_start_client_async(now.ours, &cfg, call);
}

static int
start_and_login(uint64_t *call)
{
	struct postern_client_config cfg = seed_client();

	return call == NULL ? postern_transport_connect(now.ours, &cfg, "robey", "foo", NULL, SOON) :
	    postern_transport_connect_async(now.ours, &cfg, "robey", "foo", NULL, call);
}

static int
auth_password(uint64_t *call)
{
	return call == NULL ? postern_transport_auth_password(now.ours, "later", "foo", 0, SOON) :
	    postern_transport_auth_password_async(now.ours, "later", "foo", 0, call);
}

static int
auth_publickey(uint64_t *call)
{
	return call == NULL ? postern_transport_auth_publickey(now.ours, "later", house.key, SOON) :
	    postern_transport_auth_publickey_async(now.ours, "later", house.key, call);
}

static int
auth_interactive(uint64_t *call)
{
	return call == NULL ? postern_transport_auth_interactive(now.ours, "later", "", SOON) :
	    postern_transport_auth_interactive_async(now.ours, "later", "", call);
}

static int
open_session(uint64_t *call)
{
	static postern_channel *ch;	/* goes with the transport */

	return call == NULL ? postern_transport_open_session(now.ours, &ch, SOON) :
	    postern_transport_open_session_async(now.ours, &ch, call);
}

static int
open_sftp_client(uint64_t *call)
{
	static postern_sftp *s;		/* goes with the transport */

	return call == NULL ? postern_transport_open_sftp_client(now.ours, &s, SOON) :
	    postern_transport_open_sftp_client_async(now.ours, &s, call);
}

static int
open_sftp_asked(uint64_t *call)
{
	now.sftp = NO_SUBSYSTEM;
	return open_sftp_client(call);
}

static int
open_sftp_awaited(uint64_t *call)
{
	now.sftp = NO_VERSION;
	return open_sftp_client(call);
}

static int
get_pty(uint64_t *call)
{
	return call == NULL ?
	    postern_channel_get_pty(now.ch, "vt100", 80, 24, 0, 0, NULL, 0, SOON) :
	    postern_channel_get_pty_async(now.ch, "vt100", 80, 24, 0, 0, NULL, 0, call);
}

static int
exec_command(uint64_t *call)
{
	return call == NULL ? postern_channel_exec_command(now.ch, "cat", SOON) :
	    postern_channel_exec_command_async(now.ch, "cat", call);
}

static int
send_break(uint64_t *call)
{
	return call == NULL ? postern_channel_send_break(now.ch, 1, SOON) :
	    postern_channel_send_break_async(now.ch, 1, call);
}

static int
global_request(uint64_t *call)
{
	return call == NULL ?
	    postern_transport_global_request(now.ours, "x@test", NULL, NULL, SOON) :
	    postern_transport_global_request_async(now.ours, "x@test", NULL, call);
}

static int
renegotiate_keys(uint64_t *call)
{
	return call == NULL ? postern_transport_renegotiate_keys(now.ours, SOON) :
	    postern_transport_renegotiate_keys_async(now.ours, call);
}

static int
request_port_forward(uint64_t *call)
{
	return call == NULL ?
	    postern_transport_request_port_forward(now.ours, "", 0, NULL, NULL, NULL, SOON) :
	    postern_transport_request_port_forward_async(now.ours, "", 0, NULL, NULL, call);
}

static int
recv_exit_status(uint64_t *call)
{
	struct postern_exit ex = POSTERN_EXIT;

	(void)call;
	return postern_channel_recv_exit_status(now.ch, &ex, SOON);
}

static int
accept_channel(uint64_t *call)
{
	postern_channel *ch;

	(void)call;
	return postern_transport_accept(now.ours, &ch, SOON);
}

static int
close_transport(uint64_t *call)
{
	return call == NULL ? postern_transport_close(now.ours, SOON) :
	    postern_transport_close_async(now.ours, call);
}

static const struct row {
	const char *name;
	enum stage stage;
	int (*run)(uint64_t *call);	/* call NULL: blocking */
	bool has_twin;
	enum stopped stopped;
} rows[] = {
	{ "start_client",         SILENT,    start_client,         true,  NOBODY },
	{ "connect",              SILENT,    start_and_login,      true,  NOBODY },
	{ "auth_password",        STARTED,   auth_password,        true,  NOBODY },
	{ "auth_publickey",       STARTED,   auth_publickey,       true,  NOBODY },
	{ "auth_interactive",     STARTED,   auth_interactive,     true,  NOBODY },
	{ "open_session",         LOGGED_IN, open_session,         true,  NOBODY },
	{ "open_sftp_client",     LOGGED_IN, open_sftp_client,     true,  NOBODY },
	{ "... its subsystem",    LOGGED_IN, open_sftp_asked,      true,  NOBODY },
	{ "... its version",      LOGGED_IN, open_sftp_awaited,    true,  NOBODY },
	{ "global_request",       LOGGED_IN, global_request,       true,  NOBODY },
	{ "renegotiate_keys",     LOGGED_IN, renegotiate_keys,     true,  THEIRS },
	{ "request_port_forward", LOGGED_IN, request_port_forward, true,  NOBODY },
	{ "accept",               LOGGED_IN, accept_channel,       false, NOBODY },
	{ "close",                LOGGED_IN, close_transport,      true,  OURS },
	{ "get_pty",              CHANNEL,   get_pty,              true,  NOBODY },
	{ "exec_command",         CHANNEL,   exec_command,         true,  NOBODY },
	{ "send_break",           CHANNEL,   send_break,           true,  NOBODY },
	{ "recv_exit_status",     CHANNEL,   recv_exit_status,     false, NOBODY },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

#ifdef POSTERN_SAN
enum { EVERY = 2 };			/* of the pairs: processes start slowly there */
#else
enum { EVERY = 1 };
#endif

static bool
is_possible(const struct row *row, enum fate fate)
{
	if (((size_t)(row - rows) + (size_t)fate) % EVERY != 0)
		return false;
	/* a worker that stands still sees none of these: two seconds each, for nothing */
	if (row->stopped == OURS && (fate == PEER_KILLED || fate == CUT))
		return false;
	if (fate == PEER_KILLED)
		return row->stage != SILENT;	/* it has none */
	if (fate == PEER_CLOSES)
		return row->stage != SILENT && row->stopped == NOBODY;
	return (fate != WE_CLOSE_CHANNEL && fate != WE_FREE_CHANNEL) || row->stage == CHANNEL;
}

static int
expected(const struct row *row, enum fate fate)
{
	static const int codes[FATES] = { POSTERN_ECUT, POSTERN_ECUT, POSTERN_ECLOSED,
		POSTERN_EWORKER, POSTERN_EMONITOR, POSTERN_ECLOSED, POSTERN_ECLOSED,
		POSTERN_ECLOSED, POSTERN_ECLOSED, POSTERN_ECLOSED };

	if (row->run == close_transport)
		return 0;		/* it is what was wanted, whoever did it */
	if (row->run == recv_exit_status) {
		if (fate == WE_FREE || fate == WE_FREE_CHANNEL)
			return POSTERN_ESTATE;	/* whose? */
		if (fate == PEER_CLOSES || fate == WE_CLOSE || fate == WE_STOP)
			return POSTERN_ECUT;	/* a goodbye is none of the channel's */
	}
	return codes[fate];
}

/* ---- the blow ---- */

static void
kill_one(int pid)
{
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void
strike(void)
{
	now.is_armed = false;
	switch (now.fate) {
	case PEER_KILLED:
		kill_one(postern_transport_worker_pid(now.theirs));
		break;
	case CUT:
		assert_int_equal(shutdown(now.net, SHUT_RDWR), 0);
		break;
	case PEER_CLOSES:
		assert_int_equal(postern_transport_close_async(now.theirs, NULL), 0);
		break;
	case OUR_WORKER_KILLED:
		kill_one(postern_transport_worker_pid(now.ours));
		break;
	case MONITOR_KILLED:
		kill_one(postern_context_monitor_pid(house.ctx));
		break;
	case WE_CLOSE:
		/* a blocking call inside a callback inside a blocking call */
		assert_int_equal(postern_transport_close(now.ours, SOON), 0);
		break;
	case WE_STOP:
		postern_transport_stop(now.ours);
		break;
	case WE_FREE:
		postern_transport_free(now.ours);
		break;
	case WE_CLOSE_CHANNEL:
		assert_int_equal(postern_channel_close(now.ch), 0);
		break;
	case WE_FREE_CHANNEL:
		postern_channel_free(now.ch);
		break;
	case FATES:
		break;
	}
}

/* ---- a server that ticks, and one that answers nothing ---- */

static int
tick(void *user, postern_transport *t, uint64_t question, const char *kind, const void *data,
    size_t len)
{
	(void)user, (void)t, (void)question, (void)kind, (void)data, (void)len;
	/* a worker that has just been started has no number yet */
	if (now.is_armed && clock_ms() - now.begun >= UNTIL_BLOW_MS &&
	    (now.is_there || now.sftp == NO_SESSION) &&
	    postern_transport_worker_pid(now.ours) > 0)
		strike();
	else if (now.is_armed)
		assert_int_equal(postern_transport_global_notice(now.ticker, "tick@test", NULL), 0);
	return POSTERN_REFUSE;
}

static int
auth_later(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	(void)user, (void)t, (void)question;
	return strcmp(l->user, "later") == 0 ? POSTERN_LATER : POSTERN_ACCEPT;
}

static int
open_later(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)t, (void)question, (void)ch, (void)kind, (void)f, (void)extra, (void)len,
	    (void)reason;
	if (now.sftp != NO_SESSION)
		return POSTERN_ACCEPT;
	return now.ch == NULL && !now.is_armed ? POSTERN_ACCEPT : POSTERN_LATER;
}

static int
request_later(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user, (void)ch, (void)question, (void)rq;
	now.is_there = true;
	return now.sftp == NO_VERSION ? POSTERN_ACCEPT : POSTERN_LATER;
}

static int
global_later(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)t, (void)question, (void)kind, (void)data, (void)len;
	return POSTERN_LATER;
}

static int
listen_later(void *user, postern_transport *t, uint64_t question,
    const struct postern_forward *f, uint32_t *port)
{
	(void)user, (void)t, (void)question, (void)f, (void)port;
	return POSTERN_LATER;
}

static void
closed(void *user, postern_transport *t, const struct postern_exception *e)
{
	(void)user, (void)e;
	if (t == now.theirs)
		now.theirs = NULL;
	postern_transport_free(t);
}

static postern_server *
server_with(int (*global)(void *, postern_transport *, uint64_t, const char *, const void *,
    size_t))
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	postern_server *s;

	cfg.methods = POSTERN_PASSWORD | POSTERN_PUBLICKEY | POSTERN_INTERACTIVE;
	i.check_auth = auth_later;
	i.check_channel_open = open_later;
	i.check_channel_request = request_later;
	i.check_global_request = global;
	i.check_port_forward_request = listen_later;
	i.transport_closed = closed;
	assert_int_equal(postern_server_new(&s, house.ctx, &cfg, &i, SOON), 0);
	return s;
}

/* ---- one run ---- */

static void
prepare(const struct row *row, enum fate fate)
{
	struct postern_client_config cfg = seed_client();
	struct postern_options o = POSTERN_OPTIONS;
	int pair[2];

	o.close_ms = CLOSE_MS;
	cfg.options = &o;
	memset(&now, 0, sizeof(now));
	now.fate = fate;
	now.servers[0] = server_with(tick);
	now.servers[1] = server_with(global_later);
	now.ticker = seed_transport(now.servers[0]);
	assert_int_equal(postern_transport_connect(now.ticker, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	now.net = dup(pair[1]);
	now.silent = -1;
	assert_int_equal(postern_transport_new(&now.ours, house.ctx, pair[1]), 0);
	if (row->stage == SILENT) {
		now.silent = pair[0];
		return;
	}
	assert_int_equal(postern_transport_new(&now.theirs, house.ctx, pair[0]), 0);
	assert_int_equal(postern_transport_start_server_async(now.theirs,
	    now.servers[1], NULL), 0);
	if (row->stage == STARTED)
		assert_int_equal(postern_transport_start_client(now.ours, &cfg, SOON), 0);
	else
		assert_int_equal(postern_transport_connect(now.ours, &cfg, "robey", "foo", NULL, SOON),
		    0);
	if (row->stage == CHANNEL)
		now.ch = seed_session(now.ours);
	if (row->stopped != NOBODY)
		assert_int_equal(kill(postern_transport_worker_pid(row->stopped == THEIRS ?
		    now.theirs : now.ours), SIGSTOP), 0);
}

static void
arm(void)
{
	now.begun = clock_ms();
	now.is_armed = true;
	assert_int_equal(postern_transport_global_notice(now.ticker, "tick@test", NULL), 0);
}

static void
clean_up(void)
{
	now.is_armed = false;
	assert_int_equal(close(now.net), 0);
	if (now.silent >= 0)
		assert_int_equal(close(now.silent), 0);
	if (now.fate == MONITOR_KILLED) {
		assert_int_equal(seed_teardown(NULL), 0);
		assert_int_equal(seed_setup(NULL), 0);
		return;
	}
	if (now.theirs != NULL)
		postern_transport_free(now.theirs);
	if (now.fate != WE_FREE)
		postern_transport_free(now.ours);
	postern_transport_free(now.ticker);
	postern_server_free(now.servers[0]);
	postern_server_free(now.servers[1]);
}

static void
right(const struct row *row, int r)
{
	if (r != expected(row, now.fate))
		fail_msg("%s, %s: %s, not %s", row->name, fate_names[now.fate], postern_strerror(r),
		    postern_strerror(expected(row, now.fate)));
	if (now.is_armed)
		fail_msg("%s, %s: returned before", row->name, fate_names[now.fate]);
	if (clock_ms() - now.begun >= WITHIN_MS)
		fail_msg("%s, %s: too late", row->name, fate_names[now.fate]);
}

static void
every_call_that_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (int fate = 0; fate < FATES; fate++) {
			if (!is_possible(&rows[i], (enum fate)fate))
				continue;
			prepare(&rows[i], (enum fate)fate);
			arm();
			right(&rows[i], rows[i].run(NULL));
			clean_up();
		}
	}
}

/* How often that call is told to be done until the library is quiet again. */
static int
count_done(uint64_t call, int *result, int64_t quiet_ms)
{
	struct postern_event ev = POSTERN_EVENT;
	int64_t quiet_since = clock_ms();
	int n = 0;

	while ((now.is_armed || clock_ms() - quiet_since < quiet_ms) &&
	    clock_ms() - now.begun < WITHIN_MS) {
		int r = postern_next(house.ctx, &ev, 5);

		if (r == 1 || now.is_armed)
			quiet_since = clock_ms();
		if (r == 1 && ev.type == POSTERN_EVENT_DONE && ev.call == call) {
			*result = ev.result;
			n++;
		}
	}
	return n;
}

/* Until there was one, or too long; then a little more, for a second one. */
static int
wait_done(uint64_t call, int *result)
{
	int n = 0;

	while (n == 0 && clock_ms() - now.begun < WITHIN_MS)
		n = count_done(call, result, 1);
	return n + count_done(call, result, QUIET_MS);
}

static void
every_twin_is_done_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (int fate = 0; fate < FATES; fate++) {
			int n, result = 1;
			uint64_t call;

			if (!rows[i].has_twin || !is_possible(&rows[i], (enum fate)fate))
				continue;
			prepare(&rows[i], (enum fate)fate);
			assert_int_equal(rows[i].run(&call), 0);
			arm();
			if (fate == WE_FREE || fate == WE_FREE_CHANNEL) {
				/* nothing follows on a handle that is gone */
				n = count_done(call, &result, QUIET_MS);
				if (n != 0)
					fail_msg("%s, %s: done", rows[i].name, fate_names[fate]);
			} else {
				n = wait_done(call, &result);
				if (n != 1)
					fail_msg("%s, %s: %d times", rows[i].name, fate_names[fate], n);
				right(&rows[i], result);
			}
			clean_up();
		}
	}
}

enum when { AT_ONCE, UNDER_WAY, COMPLETE, WHENS };

static void
cancelled_is_never_done(void **state)
{
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (int when = 0; when < WHENS; when++) {
			uint64_t call;
			int result;

			if (!rows[i].has_twin || (when == COMPLETE && rows[i].stopped == OURS))
				continue;
			prepare(&rows[i], CUT);
			assert_int_equal(rows[i].run(&call), 0);
			now.begun = clock_ms();
			if (when == UNDER_WAY)
				(void)!postern_next(house.ctx, &ev, 10);
			if (when == COMPLETE) {
				/* the end completes it; nobody has taken its event yet */
				strike();
				for (int k = 0; k < 400 && postern_transport_open_session(now.ours,
				    &now.ch, 5) == POSTERN_ETIMEOUT; k++)
					;
				assert_int_equal(postern_transport_close(now.ours, SOON), 0);
			}
			postern_cancel(house.ctx, call);
			postern_cancel(house.ctx, call);
			postern_cancel(house.ctx, call + 1000);
			assert_int_equal(count_done(call, &result, QUIET_MS), 0);
			if (when != COMPLETE)
				strike();
			assert_int_equal(count_done(call, &result, QUIET_MS), 0);
			clean_up();
		}
	}
}

/* ---- what waits for a server ---- */

static int
free_the_server(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)t, (void)question, (void)kind, (void)data, (void)len;
	postern_server_free(*(postern_server **)user);
	return POSTERN_REFUSE;
}

/* Freed by a callback of another's connection: nothing else holds it. */
static void
a_server_freed_while_it_is_waited_for(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	postern_server *waited_for, *other;
	postern_transport *t, *out;

	(void)state;
	sc.methods = POSTERN_PASSWORD;
	i.user = &waited_for;
	i.check_auth = auth_later;
	i.check_global_request = free_the_server;
	assert_int_equal(postern_server_new(&other, house.ctx, &sc, &i, SOON), 0);
	assert_int_equal(postern_server_new(&waited_for, house.ctx, &sc, &i, SOON), 0);
	t = seed_transport(other);
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_int_equal(postern_transport_global_notice(t, "x@test", NULL), 0);
	assert_int_equal(postern_server_accept(waited_for, &out, SOON), POSTERN_ESTATE);
	assert_true(postern_transport_is_active(t));
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_call_that_waits), T(every_twin_is_done_once), T(cancelled_is_never_done),
		T(a_server_freed_while_it_is_waited_for),
	};

	return cmocka_run_group_tests_name("cancel", tests, NULL, NULL);
}
