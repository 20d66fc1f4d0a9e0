/*
 * fork_test.c - fork(2) in the host, at five moments of a session: in the child every
 * call says so at once, and whatever the child does then, the parent's session lives.
 */
#include "tests/seed.h"

enum { IN_FLIGHT = 256 << 10, CHILD_SECONDS = 10 };

/* What the child does before it ends. */
enum manner { JUST_EXIT, EXEC, FREES, TRANSPORT_ATFORK, CONTEXT_ATFORK, BOTH_ATFORK, MANNERS };

static const char *const manner_names[MANNERS] = { "exit", "exec", "free", "transport_atfork",
	"context_atfork", "both" };

#define FORKED(call) do { \
	int r_ = (call); \
	if (r_ != POSTERN_EFORKED) { \
		fprintf(stderr, "in the child, %s: %d\n", #call, r_); \
		_exit(1); \
	} } while (0)

static int
spare_fd(void)
{
	return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

/* ---- in the child ---- */

static void
forked_context(void)
{
	struct postern_client_config cfg = seed_client();
	struct postern_server_config sc = POSTERN_SERVER_CONFIG;
	struct postern_event ev = POSTERN_EVENT;
	postern_context *ctx = house.ctx;
	postern_transport *t;
	postern_server *s;
	postern_key *k, **keys;
	unsigned layers;
	char line[512];
	size_t n;

	(void)cfg;
	FORKED(postern_context_fd(ctx));
	FORKED(postern_context_monitor_pid(ctx));
	FORKED(postern_context_zygote_pid(ctx));
	FORKED(postern_context_describe(ctx, &layers, line, sizeof(line)));
	FORKED(postern_next(ctx, &ev, SOON));
	FORKED(postern_next(ctx, &ev, 0));
	FORKED(postern_key_load(&k, ctx, spare_fd(), NULL, SOON));
	FORKED(postern_key_load_async(ctx, spare_fd(), NULL, NULL));
	FORKED(postern_key_load_memory(&k, ctx, "x", 1, NULL, SOON));
	FORKED(postern_agent_keys(ctx, spare_fd(), &keys, &n, SOON));
	FORKED(postern_context_add_server_key(ctx, spare_fd(), NULL, SOON));
	FORKED(postern_context_use_server_key(ctx, house.key));
	FORKED(postern_context_load_server_moduli(ctx, spare_fd(), SOON));
	FORKED(postern_server_new(&s, ctx, &sc, NULL, SOON));
	FORKED(postern_server_listen(house.server, spare_fd()));
	FORKED(postern_server_accept(house.server, &t, SOON));
	FORKED(postern_transport_new(&t, ctx, spare_fd()));
	FORKED(postern_transport_new_pair(&t, ctx, spare_fd(), spare_fd()));
	FORKED(postern_transport_new_address(&t, ctx, "127.0.0.1", 1, SOON));
	FORKED(postern_transport_new_host(&t, ctx, "127.0.0.1:1", SOON));
}

static void
forked_transport(postern_transport *t)
{
	struct postern_client_config cfg = seed_client();
	struct postern_exception e = POSTERN_EXCEPTION;
	struct postern_agreement a = POSTERN_AGREEMENT;
	struct postern_forward f = POSTERN_FORWARD;
	postern_channel *ch;
	postern_sftp *sftp;
	char line[512];

	f.kind = POSTERN_DIRECT_TCPIP;
	f.host = "host";
	FORKED(postern_transport_start_client(t, &cfg, SOON));
	FORKED(postern_transport_start_client_async(t, &cfg, NULL));
	FORKED(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON));
	FORKED(postern_transport_start_server(t, house.server, SOON));
	FORKED(postern_transport_auth_none(t, "robey", SOON));
	FORKED(postern_transport_auth_password(t, "robey", "foo", 0, SOON));
	FORKED(postern_transport_auth_password_async(t, "robey", "foo", 0, NULL));
	FORKED(postern_transport_auth_publickey(t, "robey", house.key, SOON));
	FORKED(postern_transport_auth_interactive(t, "robey", "", SOON));
	FORKED(postern_transport_probe_publickey(t, "robey", "ssh-ed25519", "x", 1, SOON));
	FORKED(postern_transport_open_session(t, &ch, SOON));
	FORKED(postern_transport_open_session_async(t, &ch, NULL));
	FORKED(postern_transport_open_channel(t, &ch, "x@test", NULL, NULL, 0, NULL, SOON));
	FORKED(postern_transport_open_forward(t, &ch, &f, SOON));
	FORKED(postern_transport_open_sftp_client(t, &sftp, SOON));
	FORKED(postern_transport_open_sftp_client_async(t, &sftp, NULL));
	FORKED(postern_transport_accept(t, &ch, SOON));
	FORKED(postern_transport_renegotiate_keys(t, SOON));
	FORKED(postern_transport_renegotiate_keys_async(t, NULL));
	FORKED(postern_transport_global_request(t, "x@test", NULL, NULL, SOON));
	FORKED(postern_transport_global_request_async(t, "x@test", NULL, NULL));
	FORKED(postern_transport_global_notice(t, "x@test", NULL));
	FORKED(postern_transport_request_port_forward(t, "", 1, NULL, NULL, NULL, SOON));
	FORKED(postern_transport_cancel_port_forward(t, "", 1, SOON));
	FORKED(postern_transport_request_streamlocal_forward(t, "/x", NULL, NULL, SOON));
	FORKED(postern_transport_send_ignore(t, 0));
	FORKED(postern_transport_set_keepalive(t, 1000, 3));
	FORKED(postern_transport_set_rekey_limit(t, 1 << 20, 1000));
	FORKED(postern_transport_set_hexdump(t, POSTERN_HEXDUMP_BLANKED));
	FORKED(postern_transport_set_log_channel(t, "x"));
	FORKED(postern_transport_set_security_option(t, POSTERN_KEX, "+x"));
	FORKED(postern_transport_use_compression(t, 1));
	FORKED(postern_transport_restrict(t, POSTERN_PERMIT_PTY));
	FORKED(postern_transport_get_agreement(t, &a));
	FORKED(postern_transport_get_exception(t, &e));
	FORKED(postern_transport_describe(t, line, sizeof(line)));
	FORKED(postern_transport_close(t, SOON));
	FORKED(postern_transport_close_async(t, NULL));
	FORKED(postern_answer(t, 1, POSTERN_ACCEPT, NULL));
	FORKED(postern_answer_port(t, 1, POSTERN_ACCEPT, 1));
	FORKED(postern_answer_payload(t, 1, POSTERN_ACCEPT, NULL));
	FORKED(postern_answer_interactive(t, 1, NULL, 0));
}

static void
forked_channel(postern_channel *ch)
{
	struct postern_exit ex = POSTERN_EXIT;
	char line[512];

	FORKED(postern_channel_fd(ch));
	FORKED(postern_channel_stderr_fd(ch));
	FORKED(postern_channel_take_fd(ch));
	FORKED(postern_channel_take_pty(ch, spare_fd()));
	FORKED(postern_channel_take_socket(ch, spare_fd()));
	FORKED(postern_channel_take_pipes(ch, spare_fd(), spare_fd(), spare_fd()));
	FORKED(postern_channel_get_pty(ch, "vt100", 80, 24, 0, 0, NULL, 0, SOON));
	FORKED(postern_channel_set_environment_variable(ch, "A", "B"));
	FORKED(postern_channel_invoke_shell(ch, SOON));
	FORKED(postern_channel_exec_command(ch, "cat", SOON));
	FORKED(postern_channel_exec_command_async(ch, "cat", NULL));
	FORKED(postern_channel_invoke_subsystem(ch, "sftp", SOON));
	FORKED(postern_channel_request(ch, "x@test", NULL, SOON));
	FORKED(postern_channel_notice(ch, "x@test", NULL));
	FORKED(postern_channel_request_x11(ch, 0, "x", NULL, 0, NULL, NULL, SOON));
	FORKED(postern_channel_request_forward_agent(ch, NULL, NULL, SOON));
	FORKED(postern_channel_resize_pty(ch, 80, 24, 0, 0));
	FORKED(postern_channel_send_signal(ch, "TERM"));
	FORKED(postern_channel_send_break(ch, 1, SOON));
	FORKED(postern_channel_send_xon_xoff(ch, 1));
	FORKED(postern_channel_send_eow(ch));
	FORKED(postern_channel_send_exit_status(ch, 0));
	FORKED(postern_channel_send_exit_signal(ch, "TERM", 0, ""));
	FORKED(postern_channel_recv_exit_status(ch, &ex, SOON));
	FORKED(postern_channel_set_name(ch, "x"));
	FORKED(postern_channel_describe(ch, line, sizeof(line)));
	FORKED(postern_channel_close(ch));
}

/* Does not return. */
static void
in_the_child(enum manner how, postern_transport *t, postern_channel *ch)
{
	(void)alarm(CHILD_SECONDS);	/* a call that hangs is a failure */
	forked_context();
	if (t != NULL)
		forked_transport(t);
	if (ch != NULL)
		forked_channel(ch);
	postern_cancel(house.ctx, 1);
	if (how == FREES) {
		/* none of these may reach the parent's session */
		postern_channel_free(ch);
		if (t != NULL)
			postern_transport_stop(t);
		postern_transport_free(t);
		postern_key_free(house.key);
		postern_server_stop(house.server);
		postern_server_free(house.server);
		postern_context_free(house.ctx);
	}
	if (how == TRANSPORT_ATFORK || how == BOTH_ATFORK)
		postern_transport_atfork(t);
	if (how == CONTEXT_ATFORK || how == BOTH_ATFORK)
		postern_context_atfork(house.ctx);
	if (how == EXEC)
		(void)execl("/bin/true", "true", NULL);
	_exit(how == EXEC ? 127 : 0);
}

static void
fork_and_wait(enum manner how, postern_transport *t, postern_channel *ch)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		in_the_child(how, t, ch);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("the child that was to %s ended with %x", manner_names[how], status);
}

/* ---- in the parent ---- */

static void
still_echoes(postern_channel *ch)
{
	char line[64];

	assert_int_equal(postern_send_all(postern_channel_fd(ch), "still here\n", 11, NULL, SOON),
	    0);
	assert_int_equal(postern_read_line(postern_channel_fd(ch), line, sizeof(line), NULL, SOON),
	    10);
	assert_string_equal(line, "still here");
}

static postern_channel *
cat(postern_transport *t)
{
	postern_channel *ch = seed_session(t);

	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	return ch;
}

/* All that hangs on it works as ever, and nothing ended meanwhile. */
static void
lives(postern_transport *t)
{
	postern_channel *ch = cat(t);

	still_echoes(ch);
	assert_int_equal(postern_transport_renegotiate_keys(t, SOON), 0);
	still_echoes(ch);
	postern_channel_free(ch);
	assert_int_equal(house.ends, 0);
	assert_true(postern_transport_is_active(t));
	assert_true(postern_transport_is_active(house.theirs));
	assert_int_equal(kill(postern_context_monitor_pid(house.ctx), 0), 0);
}

static void
before_the_start(void **state)
{
	struct postern_client_config cfg = seed_client();

	(void)state;
	for (int how = 0; how < MANNERS; how++) {
		postern_transport *t = seed_transport(house.server);

		fork_and_wait((enum manner)how, t, NULL);
		assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
		lives(t);
	}
}

static void
while_a_start_is_under_way(void **state)
{
	struct postern_client_config cfg = seed_client();
	struct postern_event ev = POSTERN_EVENT;

	(void)state;
	for (int how = 0; how < MANNERS; how++) {
		postern_transport *t = seed_transport(house.server);
		uint64_t call;

		assert_int_equal(postern_transport_connect_async(t, &cfg, "robey", "foo", NULL,
		    &call), 0);
		for (int i = 0; i < how; i++)
			(void)!postern_next(house.ctx, &ev, 0);
		fork_and_wait((enum manner)how, t, NULL);
		ev = seed_done(call);
		assert_int_equal(ev.result, 0);
		lives(t);
	}
}

static void
after_the_start(void **state)
{
	(void)state;
	for (int how = 0; how < MANNERS; how++) {
		postern_transport *t = seed_started();
		int pid = postern_transport_worker_pid(t);

		fork_and_wait((enum manner)how, t, NULL);
		assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
		assert_int_equal(postern_transport_worker_pid(t), pid);
		lives(t);
	}
}

static void
with_data_in_flight(void **state)
{
	static uint8_t out[IN_FLIGHT], in[IN_FLIGHT];
	postern_transport *t = seed_logged_in();
	int pids[2] = { postern_transport_worker_pid(t), postern_transport_worker_pid(house.theirs) };

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 31 + i / 251);
	for (int how = 0; how < MANNERS; how++) {
		postern_channel *ch = cat(t);
		size_t sent, got;
		int r;

		/* as much as goes in: both directions, windows and pipes are full of it */
		r = postern_send_all(postern_channel_fd(ch), out, sizeof(out), &sent, 100);
		assert_true(r == 0 || r == POSTERN_ETIMEOUT);
		fork_and_wait((enum manner)how, t, ch);
		assert_int_equal(postern_recv_exactly(postern_channel_fd(ch), in, sent, &got, SOON),
		    0);
		assert_memory_equal(in, out, sent);
		still_echoes(ch);
		assert_int_equal(postern_transport_worker_pid(t), pids[0]);
		assert_int_equal(postern_transport_worker_pid(house.theirs), pids[1]);
		assert_int_equal(kill(pids[0], 0) | kill(pids[1], 0), 0);
		/* the peer sees no end before ours */
		assert_int_equal(house.eofs, how);
		assert_int_equal(shutdown(postern_channel_fd(ch), SHUT_WR), 0);
		seed_until(&house.eofs, how + 1);
		postern_channel_free(ch);
	}
	lives(t);
}

/* ---- inside a callback ---- */

static struct {
	enum manner how;
	bool returns;			/* the child goes back into the library */
	pid_t child;
} order;

static int
fork_in_check_auth(void *user, postern_transport *t, uint64_t question, struct postern_login *l)
{
	int status = -1;

	(void)user, (void)question;
	if (!order.returns) {
		fork_and_wait(order.how, t, NULL);
		return strcmp(l->password, "foo") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
	}
	order.child = fork();
	assert_true(order.child >= 0);
	if (order.child == 0) {
		(void)alarm(CHILD_SECONDS);
		if (order.how == FREES)
			postern_transport_free(t);
		if (order.how == TRANSPORT_ATFORK || order.how == BOTH_ATFORK)
			postern_transport_atfork(t);
		if (order.how == CONTEXT_ATFORK || order.how == BOTH_ATFORK)
			postern_context_atfork(house.ctx);
		return POSTERN_REFUSE;
	}
	/* whatever it says, it says before us */
	assert_int_equal(waitpid(order.child, &status, 0), order.child);
	assert_int_equal(status, 0);
	return POSTERN_ACCEPT;
}

static postern_transport *
to_forking_server(void)
{
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = seed_interface();
	struct postern_client_config cc = seed_client();
	postern_transport *t;
	postern_server *s;

	cfg.methods = POSTERN_PASSWORD;
	i.check_auth = fork_in_check_auth;
	assert_int_equal(postern_server_new(&s, house.ctx, &cfg, &i, SOON), 0);
	t = seed_transport(s);
	assert_int_equal(postern_transport_start_client(t, &cc, SOON), 0);
	return t;
}

static void
in_a_callback(void **state)
{
	(void)state;
	for (int how = 0; how < MANNERS; how++) {
		postern_transport *t = to_forking_server();

		order.how = (enum manner)how;
		order.returns = false;
		assert_int_equal(postern_transport_auth_password(t, "robey", "foo", 0, SOON), 0);
		lives(t);
	}
}

/* The child's own answer, and all that it would have gone on to say, stays unsaid. */
static void
the_child_returns_from_its_callback(void **state)
{
	static const enum manner manners[] = { JUST_EXIT, FREES, TRANSPORT_ATFORK, CONTEXT_ATFORK,
		BOTH_ATFORK };

	(void)state;
	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
		postern_transport *t = to_forking_server();
		int r;

		order.how = manners[i];
		order.returns = true;
		r = postern_transport_auth_password(t, "robey", "foo", 0, SOON);
		if (order.child == 0)
			_exit(r == POSTERN_EFORKED ? 0 : 1);
		assert_int_equal(r, 0);
		lives(t);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(before_the_start), T(while_a_start_is_under_way), T(after_the_start),
		T(with_data_in_flight), T(in_a_callback), T(the_child_returns_from_its_callback),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
