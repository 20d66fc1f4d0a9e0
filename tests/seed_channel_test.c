/*
 * seed_channel_test.c - the rows of docs/from-paramiko.md about channels, their
 * programs, and requests of the whole connection.
 */
#include "tests/seed.h"

static void
seed_23_global_request(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_message *m = postern_message_new(), *reply = NULL;

	(void)state;
	assert_int_equal(postern_transport_global_request(t, "no@test", NULL, &reply, SOON),
	    POSTERN_EREFUSED);
	assert_null(reply);
	assert_int_equal(postern_transport_global_request(t, "yes@test", NULL, &reply, SOON), 0);
	assert_true(postern_message_at_end(reply));
	postern_message_free(reply);
	postern_message_add_text(m, "there and back");
	postern_message_add_int(m, 4242);
	assert_int_equal(postern_transport_global_request(t, "echo@test", m, &reply, SOON), 0);
	assert_memory_equal(postern_message_get_string(reply, NULL), "there and back", 14);
	assert_int_equal(postern_message_get_int(reply), 4242);
	assert_true(postern_message_at_end(reply));
	postern_message_free(reply);
	postern_message_free(m);
}

static void
seed_23_hundred_outstanding(void **state)
{
	enum { MANY = 100 };
	postern_transport *t = seed_logged_in();
	uint64_t calls[MANY];
	int seen = 0;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		postern_message *m = postern_message_new();

		postern_message_add_int(m, i * 7919);
		assert_int_equal(postern_transport_global_request_async(t,
		    i % 10 == 3 ? "no@test" : "echo@test", m, &calls[i]), 0);
		postern_message_free(m);
	}
	while (seen < MANY) {
		struct postern_event ev = seed_event(POSTERN_EVENT_DONE);
		postern_message *m;
		uint32_t i = 0;

		while (i < MANY && calls[i] != ev.call)
			i++;
		if (i == MANY)
			continue;	/* the server's start */
		calls[i] = 0;
		seen++;
		if (i % 10 == 3) {
			assert_int_equal(ev.result, POSTERN_EREFUSED);
			continue;
		}
		assert_int_equal(ev.result, 0);
		m = postern_message_of(ev.data, ev.data_len);
		assert_int_equal(postern_message_get_int(m), i * 7919);
		assert_true(postern_message_at_end(m));
		postern_message_free(m);
	}
}

static void
seed_23_notice(void **state)
{
	postern_transport *t = seed_logged_in();

	(void)state;
	house.requests = 0;
	assert_int_equal(postern_transport_global_notice(t, "yes@test", NULL), 0);
	seed_until(&house.requests, 1);
	assert_string_equal(house.asked, "yes@test");
	/* nothing waits for an answer: the next request gets its own */
	assert_int_equal(postern_transport_global_request(t, "no@test", NULL, NULL, SOON),
	    POSTERN_EREFUSED);
}

static void
seed_27_open_channel(void **state)
{
	struct postern_open_options o = POSTERN_OPEN_OPTIONS;
	postern_transport *t = seed_logged_in();
	postern_channel *ch;

	(void)state;
	o.window = 65536;
	o.packet = 4096;
	assert_int_equal(postern_transport_open_channel(t, &ch, "plain@test", NULL, "extra", 5, &o,
	    SOON), 0);
	assert_int_equal(postern_channel_close(ch), 0);
	postern_channel_free(ch);
}

static void
seed_27_refused(void **state)
{
	postern_transport *t = seed_logged_in();
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch;

	(void)state;
	assert_int_equal(postern_transport_open_channel(t, &ch, "odd@test", NULL, NULL, 0, NULL,
	    SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_EREFUSED);
	assert_int_equal(e.refusal, 3);
	assert_true(postern_transport_is_active(t));
}

static void
seed_29_open_session(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch;
	struct postern_event ev;
	uint64_t call;

	(void)state;
	ch = seed_session(t);
	assert_null(postern_channel_get_forward(ch));
	assert_int_equal(postern_transport_open_session_async(t, &ch, &call), 0);
	ev = seed_done(call);
	assert_int_equal(ev.call, call);
	assert_int_equal(ev.result, 0);
	assert_ptr_equal(ev.channel, ch);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
}

static void
seed_30_open_sftp_client(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c",
		"head -c 9 >/dev/null; printf '\\000\\000\\000\\005\\002\\000\\000\\000\\003'; cat", NULL };
	postern_transport *t = seed_logged_in();
	postern_sftp *sftp, *twin;
	uint64_t call;
	char text[4];

	(void)state;
	assert_true(postern_transport_open_sftp_client(t, &sftp, SOON) < 0);	/* no subsystem */
	assert_int_equal(postern_server_set_subsystem_program(house.server, "sftp", argv, NULL), 0);
	assert_int_equal(postern_transport_open_sftp_client(t, &sftp, SOON), 0);
	assert_int_equal(postern_sftp_get_version(sftp), 3);
	assert_non_null(postern_sftp_get_channel(sftp));
	assert_int_equal(postern_transport_open_sftp_client_async(t, &twin, &call), 0);
	assert_int_equal(seed_done(call).result, 0);
	assert_int_equal(postern_sftp_get_version(twin), 3);
	assert_int_equal(write(postern_channel_fd(postern_sftp_get_channel(twin)), "mine", 4), 4);
	assert_int_equal(postern_recv_exactly(postern_channel_fd(postern_sftp_get_channel(twin)),
	    text, 4, NULL, SOON), 0);
	assert_memory_equal(text, "mine", 4);
	postern_sftp_free(twin);
	postern_sftp_free(sftp);
}

static int handled;
static char handled_name[32];

static void
on_subsystem(void *user, const char *name, postern_transport *t, postern_channel *ch)
{
	(void)user, (void)t;
	handled++;
	(void)snprintf(handled_name, sizeof(handled_name), "%s", name);
	assert_int_equal(write(postern_channel_fd(ch), "hello", 5), 5);
	assert_int_equal(postern_channel_send_exit_status(ch, 3), 0);
}

static void
seed_37_subsystem_handler(void **state)
{
	struct postern_exit end = POSTERN_EXIT;
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);
	char text[32];

	(void)state;
	handled = 0;
	assert_int_equal(postern_channel_invoke_subsystem(ch, "greet", SOON), POSTERN_EREFUSED);
	assert_int_equal(postern_server_set_subsystem_handler(house.server, "greet", on_subsystem,
	    NULL), 0);
	assert_int_equal(postern_channel_invoke_subsystem(ch, "greet", SOON), 0);
	assert_string_equal(seed_read(postern_channel_fd(ch), text, sizeof(text)), "hello");
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, SOON), 0);
	assert_int_equal(end.status, 3);
	assert_int_equal(handled, 1);
	assert_string_equal(handled_name, "greet");
	/* taken back */
	assert_int_equal(postern_server_set_subsystem_handler(house.server, "greet", NULL, NULL), 0);
	assert_int_equal(postern_channel_invoke_subsystem(seed_session(t), "greet", SOON),
	    POSTERN_EREFUSED);
}

static void
seed_37_subsystem_program(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "echo $$ $GREETING; echo no >&2; exit 9", NULL };
	const char *const envp[] = { "GREETING=good-day", NULL };
	struct postern_exit end = POSTERN_EXIT;
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);
	char text[64], own[16];

	(void)state;
	assert_true(postern_server_set_subsystem_program(house.server, "", argv, NULL) < 0);
	assert_int_equal(postern_server_set_subsystem_program(house.server, "greet", argv, envp), 0);
	assert_true(postern_channel_stderr_fd(ch) >= 0);
	assert_int_equal(postern_channel_invoke_subsystem(ch, "greet", SOON), 0);
	(void)seed_read(postern_channel_fd(ch), text, sizeof(text));
	assert_non_null(strstr(text, "good-day"));
	(void)snprintf(own, sizeof(own), "%d ", getpid());
	assert_null(strstr(text, own));		/* a process of its own */
	(void)seed_read(postern_channel_stderr_fd(ch), text, sizeof(text));
	assert_string_equal(text, "no\n");
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, SOON), 0);
	assert_int_equal(end.status, 9);
	/* one that cannot be started is refused, and the channel stays */
	assert_int_equal(postern_server_set_subsystem_program(house.server, "none",
	    (const char *const[]){ "/nonexistent", NULL }, NULL), 0);
	assert_int_equal(postern_channel_invoke_subsystem(seed_session(t), "none", SOON),
	    POSTERN_EREFUSED);
}

static int
greets(void *user, const char *name)
{
	(void)printf("%d %s to %s", (int)getpid(), (const char *)user, name);
	return 9;
}

static void
seed_37_subsystem_process(void **state)
{
	struct postern_exit end = POSTERN_EXIT;
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);
	char text[64], own[16];

	(void)state;
	assert_int_equal(postern_server_set_subsystem_process(house.server, "greet", greets,
	    (void *)(uintptr_t)"hello"), 0);
	assert_int_equal(postern_channel_invoke_subsystem(ch, "greet", SOON), 0);
	(void)seed_read(postern_channel_fd(ch), text, sizeof(text));
	assert_non_null(strstr(text, " hello to greet"));
	(void)snprintf(own, sizeof(own), "%d ", getpid());
	assert_null(strstr(text, own));		/* a process of its own */
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, SOON), 0);
	assert_int_equal(end.status, 9);
}

/* ---- what the server asks of a client ---- */

static int
client_check_global(void *user, postern_transport *t, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)t, (void)question, (void)data, (void)len;
	return strcmp(kind, "yes@test") == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE;
}

static void
seed_b29_client_global(void **state)
{
	struct postern_client_config cfg = seed_client();
	postern_transport *t = seed_transport(house.server);

	(void)state;
	cfg.interface.check_global_request = client_check_global;
	assert_int_equal(postern_transport_connect(t, &cfg, "robey", "foo", NULL, SOON), 0);
	assert_int_equal(postern_transport_global_request(house.theirs, "yes@test", NULL, NULL, SOON), 0);
	assert_int_equal(postern_transport_global_request(house.theirs, "no@test", NULL, NULL, SOON),
	    POSTERN_EREFUSED);
	/* without an interface: refused */
	t = seed_logged_in();
	assert_int_equal(postern_transport_global_request(house.theirs, "yes@test", NULL, NULL, SOON),
	    POSTERN_EREFUSED);
}

/* ---- channels ---- */

static void
seed_c_pty(void **state)
{
	static const uint8_t modes[] = { 53, 0, 0, 0, 1, 0 };	/* ECHO on */
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);

	(void)state;
	assert_int_equal(postern_channel_get_pty(ch, "vt100", 80, 24, 640, 480, modes,
	    sizeof(modes), SOON), 0);
	assert_string_equal(house.asked, "vt100");
	assert_int_equal(house.last.columns, 80);
	assert_int_equal(house.last.height, 480);
	assert_int_equal(house.last.data_len, sizeof(modes));
	house.requests = 0;
	assert_int_equal(postern_channel_resize_pty(ch, 132, 50, 0, 0), 0);
	seed_until(&house.requests, 1);
	assert_int_equal(house.last.kind, POSTERN_REQ_WINDOW_CHANGE);
	assert_int_equal(house.last.columns, 132);
	/* refused once the login may have no terminal any more */
	assert_int_equal(postern_transport_restrict(house.theirs, POSTERN_PERMIT_PTY), 0);
	assert_int_equal(postern_channel_get_pty(seed_session(t), "vt100", 80, 24, 0, 0, NULL, 0,
	    SOON), POSTERN_EREFUSED);
}

static void
seed_c_programs(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "refuse", SOON), POSTERN_EREFUSED);
	/* paramiko closes the channel; here it can be used for another try */
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), POSTERN_ESTATE);
	ch = seed_session(t);
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), 0);
	assert_int_equal(house.last.kind, POSTERN_REQ_SHELL);
	assert_int_equal(postern_channel_invoke_subsystem(seed_session(t), "sftp", SOON),
	    POSTERN_EREFUSED);
	assert_int_equal(postern_channel_request(ch, "yes@test", NULL, SOON), 0);
	assert_int_equal(postern_channel_request(ch, "no@test", NULL, SOON), POSTERN_EREFUSED);
	house.requests = 0;
	assert_int_equal(postern_channel_notice(ch, "no@test", NULL), 0);
	seed_until(&house.requests, 1);
}

static void
seed_c_environment(void **state)
{
	postern_channel *ch = seed_session(seed_logged_in());

	(void)state;
	house.requests = 0;
	assert_int_equal(postern_channel_set_environment_variable(ch, "LANG", "C.UTF-8"), 0);
	seed_until(&house.requests, 1);
	assert_int_equal(house.last.kind, POSTERN_REQ_ENV);
	assert_string_equal(house.asked, "LANG");
	assert_string_equal(house.value, "C.UTF-8");
}

static void
seed_c_exit_status(void **state)
{
	struct postern_exit end = POSTERN_EXIT;
	postern_channel *ch = seed_session(seed_logged_in());
	char text[64];

	(void)state;
	assert_false(postern_channel_exit_status_ready(ch));
	assert_int_equal(postern_channel_exec_command(ch, "true", SOON), 0);
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, 0), POSTERN_ETIMEOUT);
	assert_non_null(strstr(seed_read(postern_channel_fd(ch), text, sizeof(text)), "out"));
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, SOON), 0);
	assert_int_equal(end.status, 7);
	assert_string_equal(end.signal, "");
	assert_true(postern_channel_exit_status_ready(ch));
	/* asked again, it says so again */
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, SOON), 0);
}

static void
seed_c_exit_signal(void **state)
{
	struct postern_exit end = POSTERN_EXIT;
	postern_channel *ch = seed_session(seed_logged_in());
	char text[64];

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "die", SOON), 0);
	(void)seed_read(postern_channel_fd(ch), text, sizeof(text));
	assert_int_equal(postern_channel_recv_exit_status(ch, &end, SOON), 0);
	assert_int_equal(end.status, -1);
	assert_string_equal(end.signal, "TERM");
	assert_true(end.core_dumped);
	assert_string_equal(end.text, "terminated");
}

static void
seed_c_stderr(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);
	char text[64];
	int err;

	(void)state;
	/* merged */
	assert_int_equal(postern_channel_exec_command(ch, "true", SOON), 0);
	(void)seed_read(postern_channel_fd(ch), text, sizeof(text));
	assert_int_equal(strlen(text), 6);
	assert_non_null(strstr(text, "err"));
	/* apart */
	ch = seed_session(t);
	err = postern_channel_stderr_fd(ch);
	assert_true(err >= 0);
	assert_int_equal(postern_channel_exec_command(ch, "true", SOON), 0);
	assert_string_equal(seed_read(postern_channel_fd(ch), text, sizeof(text)), "out");
	assert_string_equal(seed_read(err, text, sizeof(text)), "err");
	/* a server without pipes writes to such a descriptor too */
	ch = seed_session(t);
	err = postern_channel_stderr_fd(ch);
	assert_int_equal(postern_channel_exec_command(ch, "sockets", SOON), 0);
	assert_string_equal(seed_read(postern_channel_fd(ch), text, sizeof(text)), "out");
	assert_string_equal(seed_read(err, text, sizeof(text)), "err");
	/* too late to ask */
	ch = seed_session(t);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(postern_channel_stderr_fd(ch), POSTERN_ESTATE);
}

static void
seed_c_descriptor(void **state)
{
	postern_channel *ch = seed_session(seed_logged_in());
	int fd = postern_channel_fd(ch);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	struct timeval short_time = { 0, 50000 };
	char text[64];

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLOUT);
	/* settimeout */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_time,
	    sizeof(short_time)), 0);
	assert_int_equal(read(fd, text, sizeof(text)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(write(fd, "over", 4), 4);
	/* shutdown_write, makefile_stdin().close() */
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_string_equal(seed_read(fd, text, sizeof(text)), "over");
	assert_int_equal(read(fd, text, sizeof(text)), 0);
}

static void
seed_c_close(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	assert_int_equal(postern_channel_close(ch), 0);
	assert_int_equal(postern_channel_close(ch), 0);
	(void)seed_event(POSTERN_EVENT_CHANNEL_CLOSED);
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), POSTERN_ECLOSED);
	postern_channel_free(ch);
	for (int i = 0; i < 50; i++)
		postern_channel_free(seed_session(t));
	assert_true(postern_transport_is_active(t));
}

static void
seed_c_names(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t), *other = seed_session(t);
	char line[128];

	(void)state;
	assert_true(postern_channel_id(ch) != postern_channel_id(other));
	assert_ptr_equal(postern_channel_get_transport(ch), t);
	assert_int_equal(postern_channel_set_name(ch, "left"), 0);
	assert_string_equal(postern_channel_get_name(ch), "left");
	assert_int_equal(postern_channel_describe(ch, line, sizeof(line)), 0);
	assert_non_null(strstr(line, "left"));
	assert_int_equal(postern_channel_describe(ch, line, 4), -ERANGE);
}

static void
seed_c_signals(void **state)
{
	postern_transport *t = seed_logged_in();
	postern_channel *ch = seed_session(t);

	(void)state;
	assert_int_equal(postern_channel_exec_command(ch, "cat", SOON), 0);
	house.requests = 0;
	assert_int_equal(postern_channel_send_signal(ch, "TERM"), 0);
	seed_until(&house.requests, 1);
	assert_int_equal(house.last.kind, POSTERN_REQ_SIGNAL);
	assert_string_equal(house.asked, "TERM");
	assert_int_equal(postern_channel_send_break(ch, 700, SOON), 0);
	assert_int_equal(house.last.break_ms, 700);
	assert_int_equal(postern_channel_send_xon_xoff(house.channel, 1), 0);
	assert_int_equal(postern_channel_send_eow(ch), 0);
	assert_int_equal(postern_channel_request(ch, "yes@test", NULL, SOON), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(seed_23_global_request), T(seed_23_hundred_outstanding), T(seed_23_notice),
		T(seed_27_open_channel), T(seed_27_refused), T(seed_29_open_session),
		T(seed_30_open_sftp_client), T(seed_37_subsystem_handler), T(seed_37_subsystem_program),
		T(seed_37_subsystem_process),
		T(seed_b29_client_global), T(seed_c_pty), T(seed_c_programs), T(seed_c_environment),
		T(seed_c_exit_status), T(seed_c_exit_signal), T(seed_c_stderr), T(seed_c_descriptor),
		T(seed_c_close), T(seed_c_names), T(seed_c_signals),
	};

	return cmocka_run_group_tests_name("seed_channel", tests, NULL, NULL);
}
