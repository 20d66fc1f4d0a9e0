/* api_program_test.c - subsystems served by a function and by programs of their own. */
#include "tests/api_play.h"

static struct seen { int handled, requests; postern_channel *ch; void *user; char name[64]; } seen;

static int
check_open(void *user, postern_transport *of, uint64_t question, postern_channel *ch,
    const char *kind, const struct postern_forward *f, const void *extra, size_t len,
    uint32_t *reason)
{
	(void)user, (void)of, (void)question, (void)ch, (void)kind, (void)f, (void)extra;
	(void)len, (void)reason;
	return POSTERN_ACCEPT;
}

static int
check_request(void *user, postern_channel *ch, uint64_t question,
    const struct postern_channel_request *rq)
{
	(void)user, (void)ch, (void)question, (void)rq;
	seen.requests++;
	return POSTERN_REFUSE;
}

static void
handler(void *user, const char *name, postern_transport *of, postern_channel *ch)
{
	assert_ptr_equal(of, t);
	seen.handled++;
	seen.user = user;
	seen.ch = ch;
	(void)snprintf(seen.name, sizeof(seen.name), "%s", name);
	if (strcmp(name, "once") == 0)
		assert_int_equal(postern_server_set_subsystem_handler(server, name, NULL, NULL), 0);
}

static int
setup(void **state)
{
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;

	memset(&seen, 0, sizeof(seen));
	i.check_channel_open = check_open;
	i.check_channel_request = check_request;
	if (fake_setup(state) != 0)
		return -1;
	play_server(&i);
	return 0;
}

static uint64_t
session(void)
{
	static uint64_t chan;
	struct ipc_GRANT g;

	SAY(CHANNEL_ASK, .chan = ++chan, .type = span_str("session"), .extra = span_str(""));
	settle();
	HEAR(GRANT, &g);
	return chan;
}

static void
ask(uint64_t chan, const char *name)
{
	SAY(SUBSYSTEM_ASK, .chan = chan, .question = 7, .name = span_str(name));
	settle();
}

static void
is_answered(uint8_t ok)
{
	struct ipc_ANSWER_ASK m;

	HEAR(ANSWER_ASK, &m);
	assert_int_equal(m.question, 7);
	assert_int_equal(m.ok, ok);
}

/* The worker's ends of a program that was granted. */
static struct ipc_TAKE_PIPES
takes_pipes(uint64_t chan)
{
	struct ipc_TAKE_PIPES p;

	HEAR(TAKE_PIPES, &p);
	assert_int_equal(p.chan, chan);
	assert_int_equal(fcntl(p.in, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(p.out, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	SAY(TAKEN, .chan = chan);
	is_answered(1);
	return p;
}

static void
close_pipes(struct ipc_TAKE_PIPES *p)
{
	ipc_close_fds(&p->in, 1);
	ipc_close_fds(&p->out, 1);
	ipc_close_fds(&p->err, 1);
}

/* All that a program writes there. */
static const char *
output(int fd)
{
	static char buf[4096];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n < sizeof(buf) - 1) {
		assert_int_equal(poll(&p, 1, SOON), 1);
		got = read(fd, buf + n, sizeof(buf) - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	buf[n] = '\0';
	return buf;
}

/* Until the context has seen that a program ended. */
static void
until_ended(unsigned left)
{
	struct pollfd p = { .fd = ctx->set, .events = POLLIN };

	for (int i = 0; i < 100 && ctx->n_programs > left; i++) {
		(void)poll(&p, 1, SOON);
		settle();
	}
	assert_int_equal(ctx->n_programs, left);
}

static int
shell(const char *name, const char *script, const char *const *envp)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	return postern_server_set_subsystem_program(server, name, argv, envp);
}

/* ---- the table ---- */

static void
names_and_paths_are_checked(void **state)
{
	const char *none[] = { NULL }, *bare[] = { "sh", NULL };
	char longest[258];

	(void)state;
	memset(longest, 'n', sizeof(longest));
	longest[257] = '\0';
	assert_int_equal(postern_server_set_subsystem_handler(server, longest, handler, NULL),
	    -EMSGSIZE);
	assert_int_equal(postern_server_set_subsystem_handler(server, "", handler, NULL), -EINVAL);
	assert_int_equal(postern_server_set_subsystem_program(server, "x", none, NULL), -EINVAL);
	/* nothing is looked for in a PATH */
	assert_int_equal(postern_server_set_subsystem_program(server, "x", bare, NULL), -EINVAL);
	assert_int_equal(postern_server_set_subsystem_handler(server, "x", NULL, NULL),
	    POSTERN_ESTATE);
	assert_int_equal(postern_server_set_subsystem_program(server, "x", NULL, NULL),
	    POSTERN_ESTATE);
	longest[256] = '\0';
	assert_int_equal(postern_server_set_subsystem_handler(server, longest, handler, NULL), 0);
	ask(session(), longest);
	assert_int_equal(seen.handled, 1);
}

static void
other_names_are_the_interfaces(void **state)
{
	uint64_t chan = session();

	(void)state;
	assert_int_equal(postern_server_set_subsystem_handler(server, "echo", handler, NULL), 0);
	ask(chan, "echoes");
	is_answered(0);
	ask(chan, "");
	is_answered(0);
	assert_int_equal(seen.requests, 2);
	assert_int_equal(postern_server_set_subsystem_handler(server, "echo", NULL, NULL), 0);
	ask(chan, "echo");
	is_answered(0);
	assert_int_equal(seen.requests, 3);
	assert_int_equal(seen.handled, 0);
}

static void
a_restricted_login_starts_none(void **state)
{
	uint64_t chan = session();

	(void)state;
	assert_int_equal(postern_server_set_subsystem_handler(server, "echo", handler, NULL), 0);
	assert_int_equal(shell("sh", "exit 0", NULL), 0);
	assert_int_equal(postern_transport_restrict(t, POSTERN_PERMIT_PROGRAMS), 0);
	ask(chan, "echo");
	is_answered(0);
	ask(chan, "sh");
	is_answered(0);
	assert_int_equal(seen.handled, 0);
	assert_int_equal(ctx->n_programs, 0);
}

/* ---- functions ---- */

static void
a_function_gets_the_granted_channel(void **state)
{
	struct ipc_TAKE_SOCKET take;
	uint64_t chan = session();
	int one, two;

	(void)state;
	assert_int_equal(postern_server_set_subsystem_handler(server, "once", handler, &one), 0);
	assert_int_equal(postern_server_set_subsystem_handler(server, "once", handler, &two), 0);
	ask(chan, "once");
	HEAR(TAKE_SOCKET, &take);
	SAY(TAKEN, .chan = chan);
	is_answered(1);
	assert_int_equal(seen.handled, 1);
	assert_ptr_equal(seen.user, &two);
	assert_string_equal(seen.name, "once");
	assert_int_equal(postern_channel_id(seen.ch), chan);
	assert_int_equal(write(postern_channel_fd(seen.ch), "x", 1), 1);
	assert_int_equal(read(take.data, said.buf, 1), 1);
	(void)close(take.data);
	/* one program for each channel [RFC 4254 6.5] */
	ask(chan, "once");
	is_answered(0);
	/* it took itself off the list */
	ask(session(), "once");
	is_answered(0);
	assert_int_equal(seen.handled, 1);
	assert_int_equal(seen.requests, 1);
}

/* ---- programs ---- */

static void
a_program_that_is_not_there_is_refused(void **state)
{
	const char *argv[] = { "/nonexistent/program", NULL };
	uint64_t chan = session();
	int before = fake_open_fds();

	(void)state;
	assert_int_equal(postern_server_set_subsystem_program(server, "x", argv, NULL), 0);
	ask(chan, "x");
	is_answered(0);
	assert_int_equal(ctx->n_programs, 0);
	assert_int_equal(fake_open_fds(), before);
	/* another may be tried on the same channel */
	assert_int_equal(shell("x", "exit 0", NULL), 0);
	ask(chan, "x");
	struct ipc_TAKE_PIPES p = takes_pipes(chan);
	close_pipes(&p);
	until_ended(0);
}

static void
a_program_has_its_channel_and_its_status_is_told(void **state)
{
	uint64_t chan = session();
	struct ipc_TAKE_PIPES p;
	struct ipc_EXIT_DO e;
	int before = fake_open_fds();

	(void)state;
	assert_int_equal(shell("sh", "read x; echo got $x; echo oops >&2; exit 5", NULL), 0);
	ask(chan, "sh");
	p = takes_pipes(chan);
	assert_int_equal(ctx->n_programs, 1);
	assert_int_equal(write(p.in, "this\n", 5), 5);
	assert_string_equal(output(p.out), "got this\n");
	assert_string_equal(output(p.err), "oops\n");
	until_ended(0);
	HEAR(EXIT_DO, &e);
	assert_int_equal(e.chan, chan);
	assert_int_equal(e.status, 5);
	nothing_more();
	close_pipes(&p);
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);	/* the puppet only */
}

static void
a_program_inherits_nothing(void **state)
{
	const char *env[] = { "ONLY=this", NULL };
	uint64_t chan = session();
	struct ipc_TAKE_PIPES p;
	sigset_t set, before;
	unsigned long long ignored;
	char blocked[20];
	const char *out;
	int secret = open("/dev/null", O_RDONLY);	/* not close-on-exec */

	(void)state;
	assert_true(secret >= 3);
	(void)sigfillset(&set);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
	assert_true(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	assert_int_equal(setenv("SECRET", "value", 1), 0);
	assert_int_equal(shell("env", "echo ${SECRET-unset} $ONLY; ls /proc/self/fd | wc -l; "
	    "grep -E 'Sig(Blk|Ign)' /proc/self/status", env), 0);
	ask(chan, "env");
	p = takes_pipes(chan);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	/* 0, 1, 2 and what ls opens itself */
	out = output(p.out);
	assert_int_equal(strncmp(out, "unset this\n4\n", 13), 0);
	assert_int_equal(sscanf(out + 13, "SigBlk:\t%19s\nSigIgn:\t%llx", blocked, &ignored), 2);
	assert_string_equal(blocked, "0000000000000000");
	assert_int_equal(ignored & INT32_MAX, 0);	/* above that are the C library's own */
	assert_true(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
	close_pipes(&p);
	until_ended(0);
	(void)close(secret);
	/* without envp: an empty environment */
	assert_int_equal(shell("none", "echo ${SECRET-unset} ${HOME-unset}", NULL), 0);
	while (next_said(&(struct rd){ 0 }) != 0)
		;
	chan = session();
	ask(chan, "none");
	p = takes_pipes(chan);
	assert_string_equal(output(p.out), "unset unset\n");
	close_pipes(&p);
	until_ended(0);
}

static void
a_signal_is_told_by_its_name(void **state)
{
	uint64_t chan = session();
	struct ipc_EXIT_SIGNAL_DO e;
	struct ipc_TAKE_PIPES p;

	(void)state;
	assert_int_equal(shell("die", "kill -TERM $$; sleep 10", NULL), 0);
	ask(chan, "die");
	p = takes_pipes(chan);
	until_ended(0);
	HEAR(EXIT_SIGNAL_DO, &e);
	assert_true(span_is(e.name, "TERM"));
	assert_int_equal(e.core_dumped, 0);
	close_pipes(&p);
}

/* ---- functions in a process ---- */

/* What it is to do is its user; it can tell by its descriptors and status alone. */
static int
in_process(void *user, const char *name)
{
	const char *what = user;
	char line[64] = "";
	int fds = 0;

	if (strcmp(what, "echo") == 0) {
		(void)!fgets(line, sizeof(line), stdin);
		(void)printf("%s got %s", name, line);
		(void)fprintf(stderr, "oops\n");
		return 5;
	}
	if (strcmp(what, "crash") == 0)
		(void)raise(SIGSEGV);
	if (strcmp(what, "wait") == 0) {
		(void)printf("%d\n", (int)getpid());
		(void)fflush(stdout);
		(void)poll(NULL, 0, -1);
	}
	if (strcmp(what, "much") == 0)
		return 256;
	if (strcmp(what, "handles") == 0) {
		struct postern_event ev = POSTERN_EVENT;

		/* what the host had in a buffer is not here */
		for (int fd = 0; fd < 1024; fd++)
			fds += fcntl(fd, F_GETFD) >= 0;
		(void)printf("%d %d %d %d", fds, postern_next(ctx, &ev, 0) == POSTERN_EFORKED,
		    postern_transport_send_ignore(t, 10) == POSTERN_EFORKED, getsid(0) == getpid());
		postern_context_atfork(ctx);
		postern_context_free(ctx);
	}
	return 0;
}

static uint64_t
starts(const char *what)
{
	uint64_t chan = session();

	assert_int_equal(postern_server_set_subsystem_process(server, "own", in_process,
	    (void *)(uintptr_t)what), 0);
	ask(chan, "own");
	return chan;
}

static void
a_function_in_a_process_has_its_channel_and_its_status_is_told(void **state)
{
	struct ipc_TAKE_PIPES p;
	struct ipc_EXIT_DO e;
	int before = fake_open_fds();
	uint64_t chan = starts("echo");

	(void)state;
	p = takes_pipes(chan);
	assert_int_equal(ctx->n_programs, 1);
	assert_int_equal(write(p.in, "this\n", 5), 5);
	assert_string_equal(output(p.out), "own got this\n");
	assert_string_equal(output(p.err), "oops\n");
	until_ended(0);
	HEAR(EXIT_DO, &e);
	assert_int_equal(e.chan, chan);
	assert_int_equal(e.status, 5);
	nothing_more();
	close_pipes(&p);
	/* what is no status is not taken for success */
	chan = starts("much");
	p = takes_pipes(chan);
	until_ended(0);
	HEAR(EXIT_DO, &e);
	assert_int_equal(e.status, 255);
	close_pipes(&p);
	assert_int_equal(fake_open_fds(), before);
	/* the table's own rules */
	assert_int_equal(postern_server_set_subsystem_process(server, "", in_process, NULL),
	    -EINVAL);
	assert_int_equal(postern_server_set_subsystem_process(server, "own", NULL, NULL), 0);
	assert_int_equal(postern_server_set_subsystem_process(server, "own", NULL, NULL),
	    POSTERN_ESTATE);
}

/* In a host that had closed 0 to 2 before it made the context, those are the context's. */
static void
a_function_in_a_process_has_its_streams_in_a_host_without(void **state)
{
	int *own[] = { &ctx->timer, &ctx->wake, &ctx->child }, was[3], streams[3];
	struct ipc_TAKE_PIPES p;
	uint64_t chan;

	(void)state;
	(void)fflush(stdout);
	for (int i = 0; i < 3; i++) {
		was[i] = *own[i];
		streams[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		(void)dup2(was[i], i);
		*own[i] = i;
	}
	chan = starts("echo");
	for (int i = 0; i < 3; i++) {
		*own[i] = was[i];
		(void)dup2(streams[i], i);
		(void)close(streams[i]);
	}
	p = takes_pipes(chan);
	assert_int_equal(write(p.in, "this\n", 5), 5);
	assert_string_equal(output(p.out), "own got this\n");
	assert_string_equal(output(p.err), "oops\n");
	until_ended(0);
	close_pipes(&p);
}

static void
a_function_in_a_process_has_no_handles_and_no_descriptors(void **state)
{
	struct ipc_TAKE_PIPES p;
	struct sigaction old, ours = { .sa_handler = SIG_IGN };
	int secret = open("/dev/null", O_RDONLY);	/* not close-on-exec */
	char pid[32];

	(void)state;
	assert_true(secret >= 3);
	assert_int_equal(sigaction(SIGTERM, &ours, &old), 0);
	/* stays in the buffer: the tests' own lines are flushed before */
	(void)fflush(stdout);
	(void)setvbuf(stdout, NULL, _IOFBF, 4096);
	(void)printf("%s", "the host's own words\n");
	p = takes_pipes(starts("handles"));
	assert_string_equal(output(p.out), "3 1 1 1");
	close_pipes(&p);
	until_ended(0);
	(void)fflush(stdout);
	/* a signal that the host ignores ends it */
	while (next_said(&(struct rd){ 0 }) != 0)
		;
	p = takes_pipes(starts("wait"));
	assert_true(postern_read_line(p.out, pid, sizeof(pid), NULL, SOON) > 0);
	assert_true(strtol(pid, NULL, 10) > 1);		/* not our own group */
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGTERM), 0);
	until_ended(0);
	close_pipes(&p);
	assert_int_equal(sigaction(SIGTERM, &old, NULL), 0);
	(void)close(secret);
	/* the parent's session lives */
	assert_true(postern_transport_is_active(t));
	assert_int_equal(postern_context_fd(ctx), ctx->fd);
}

static void
a_crash_in_a_process_harms_nobody(void **state)
{
	struct ipc_EXIT_SIGNAL_DO e;
	struct ipc_TAKE_PIPES p = takes_pipes(starts("crash"));

	(void)state;
	until_ended(0);
	HEAR(EXIT_SIGNAL_DO, &e);
	assert_true(span_is(e.name, "SEGV"));
	close_pipes(&p);
	assert_true(postern_transport_is_active(t));
	p = takes_pipes(starts("echo"));
	ipc_close_fds(&p.in, 1);
	assert_string_equal(output(p.out), "own got ");
	close_pipes(&p);
	until_ended(0);
}

static void
a_hundred_in_a_row_leave_nothing(void **state)
{
	int before = fake_open_fds();
	sigset_t mask, mask_before;

	(void)state;
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &mask_before), 0);
	for (int i = 0; i < 100; i++) {
		uint64_t chan = starts(i % 10 == 0 ? "crash" : "quick");
		struct ipc_TAKE_PIPES p = takes_pipes(chan);

		close_pipes(&p);
		until_ended(0);
		SAY(CHANNEL_OVER, .chan = chan, .had_eof = 0);
		while (next_said(&(struct rd){ 0 }) != 0)
			;
		postern_channel_free(api_channel_find(t, chan));
	}
	assert_int_equal(fake_open_fds(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);	/* the puppet only */
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	assert_memory_equal(&mask, &mask_before, sizeof(mask));
}

/* A host that reaps whatever ends, before the library looks. */
static void
a_host_that_reaps_everything_breaks_nothing(void **state)
{
	uint64_t chan = session();
	struct ipc_TAKE_PIPES p;
	struct ipc_EXIT_DO e;
	struct pollfd poll_set = { .fd = ctx->set, .events = POLLIN };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(shell("sh", "read x; exit 3", NULL), 0);
	ask(chan, "sh");
	p = takes_pipes(chan);
	ipc_close_fds(&p.in, 1);
	assert_int_equal(poll(&poll_set, 1, SOON), 1);
	do {
		pid = waitpid(-1, &status, 0);
	} while (pid == fake_pid);
	assert_true(pid > 0);
	assert_int_equal(WEXITSTATUS(status), 3);
	until_ended(0);
	HEAR(EXIT_DO, &e);
	/* where the kernel keeps it; elsewhere it is unknown, never a success */
	assert_true(e.status == 3 || e.status == 255);
	assert_true(postern_transport_is_active(t));
	close_pipes(&p);
}

static void
a_channel_that_ends_first_hangs_its_program_up(void **state)
{
	uint64_t chan = session();
	postern_channel *ch;
	struct ipc_TAKE_PIPES p;

	(void)state;
	assert_int_equal(shell("wait", "exec sleep 600", NULL), 0);
	ask(chan, "wait");
	p = takes_pipes(chan);
	close_pipes(&p);
	SAY(CHANNEL_OVER, .chan = chan, .had_eof = 0);
	settle();
	until_ended(0);
	nothing_more();		/* nobody to tell */
	/* the same when the transport is given up */
	chan = session();
	ask(chan, "wait");
	p = takes_pipes(chan);
	close_pipes(&p);
	assert_int_equal(postern_transport_accept(t, &ch, 0), 0);
	postern_transport_free(t);
	until_ended(0);
}

static void
the_end_of_the_context_leaves_no_program(void **state)
{
	uint64_t chan = session();
	struct ipc_TAKE_PIPES p;
	pid_t pid = 0;

	(void)state;
	/* one that does not hear a hang-up */
	assert_int_equal(shell("deaf", "trap '' HUP; echo $$; exec sleep 600", NULL), 0);
	ask(chan, "deaf");
	p = takes_pipes(chan);
	assert_int_equal(postern_recv_exactly(p.out, said.buf, 1, NULL, SOON), 0);
	fake_pause(50);
	said.buf[read(p.out, said.buf + 1, 30) + 1] = '\0';
	pid = (pid_t)strtol((char *)said.buf, NULL, 10);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, 0), 0);
	postern_context_free(ctx);
	ctx = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);	/* ended and reaped */
	close_pipes(&p);
}

static void
a_forked_child_leaves_it_alone(void **state)
{
	uint64_t chan = session();
	struct ipc_TAKE_PIPES p;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(shell("wait", "exec sleep 600", NULL), 0);
	ask(chan, "wait");
	p = takes_pipes(chan);
	pid = fork();
	if (pid == 0) {
		postern_context_atfork(ctx);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	settle();
	assert_int_equal(ctx->n_programs, 1);
	nothing_more();
	close_pipes(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
		T(names_and_paths_are_checked),
		T(other_names_are_the_interfaces),
		T(a_restricted_login_starts_none),
		T(a_function_gets_the_granted_channel),
		T(a_program_that_is_not_there_is_refused),
		T(a_program_has_its_channel_and_its_status_is_told),
		T(a_program_inherits_nothing),
		T(a_signal_is_told_by_its_name),
		T(a_function_in_a_process_has_its_channel_and_its_status_is_told),
		T(a_function_in_a_process_has_its_streams_in_a_host_without),
		T(a_function_in_a_process_has_no_handles_and_no_descriptors),
		T(a_crash_in_a_process_harms_nobody),
		T(a_hundred_in_a_row_leave_nothing),
		T(a_host_that_reaps_everything_breaks_nothing),
		T(a_channel_that_ends_first_hangs_its_program_up),
		T(the_end_of_the_context_leaves_no_program),
		T(a_forked_child_leaves_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
