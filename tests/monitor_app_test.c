/*
 * monitor_app_test.c - the application's side of the monitor: hello, keys, broken
 * contracts, ends; and that no descriptor or child is left behind.
 */
#include <sys/resource.h>

#include "tests/monitor_play.h"

static void
hello(uint32_t magic, uint8_t flip)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	int pair[2];

	assert_int_equal(crypto_init(), 0);
	memset(&play, 0, sizeof(play));
	for (size_t i = 0; i < IPC_FDS_MAX; i++)
		play.rx_fds[i] = -1;
	assert_int_equal(ipc_pair(pair), 0);
	play.app = pair[0];
	play.m = monitor_new(&play_os, "/where/helpers/are", pair[1], -1);
	assert_non_null(play.m);
	ipc_schema(schema);
	schema[31] ^= flip;
	PLAY_TELL(APP_HELLO, .magic = magic, .schema = span_of(schema, sizeof(schema)));
}

static void
test_half_upgraded(void **state)
{
	struct ipc_MONITOR_HELLO q;
	uint8_t schema[IPC_SCHEMA_LEN];

	ipc_schema(schema);
	for (int i = 0; i < 2; i++) {
		hello(i == 0 ? IPC_MAGIC : IPC_MAGIC + 1, i == 0);
		/* ours comes, so that the application can say what is wrong */
		PLAY_EXPECT(MONITOR_HELLO, &q);
		assert_true(span_eq(q.schema, span_of(schema, sizeof(schema))));
		assert_true(play.m->over);
		(void)play_teardown(state);
	}
}

static void
expect_over(const char *words)
{
	struct ipc_REMARK remark;
	bool told = false;

	assert_true(play.m->over);
	while (play_take(play.app)) {
		if (play.rx[0] != IPC_MSG_REMARK)
			continue;
		PLAY_DECODE(REMARK, &remark);
		told = told || play_contains(remark.text, words);
	}
	assert_true(told);
}

/* ---- broken contracts: the monitor ends, and says why ---- */

static void
test_order(void **state)
{
	struct ipc_CONFIG cfg = play_config();

	play_begin();
	PLAY_TELL(SEALED, .empty_ = 0);		/* nothing is configured */
	expect_over("SEALED");
	(void)play_teardown(state);

	play_begin();
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	expect_over("CONFIG");
	(void)play_teardown(state);

	hello(IPC_MAGIC, 0);
	PLAY_TELL(APP_HELLO, .magic = IPC_MAGIC);
	expect_over("APP_HELLO");
	(void)play_teardown(state);
}

static void
test_host_key_after_sealed(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	PLAY_TELL(KEY_LOAD, .call = 1, .use = IPC_HOST_KEY, .file = fd);
	close(fd);
	expect_over("KEY_LOAD");
}

static void
test_connections_named_wrongly(void **state)
{
	struct ipc_NEW plan = play_plan(5, IPC_CLIENT);

	play_new(&plan);
	play_new(&plan);			/* used already */
	expect_over("NEW");
	(void)play_teardown(state);

	(void)play_setup(state);
	plan = play_plan(5, IPC_CLIENT);
	play_new(&plan);
	plan.conn = 4;				/* serials rise */
	play_new(&plan);
	expect_over("NEW");
	(void)play_teardown(state);

	(void)play_setup(state);
	play_attach(1);				/* never announced */
	expect_over("ATTACH");
	(void)play_teardown(state);

	(void)play_setup(state);
	plan.role = 3;
	play_new(&plan);
	expect_over("NEW");
	(void)play_teardown(state);

	(void)play_setup(state);
	plan = play_plan(5, IPC_SERVER);
	play_new(&plan);
	PLAY_TELL(TRUST_KEY, .conn = 5, .key = span_str("x"));	/* a server trusts none */
	expect_over("TRUST_KEY");
}

static void
test_attach_twice(void **state)
{
	struct play_start start;

	(void)state;
	(void)play_connect(1, IPC_CLIENT, &start);
	play_attach(1);
	expect_over("ATTACH");
}

/* Login requests belong to clients. */
static void
test_try_on_server(void **state)
{
	uint8_t session[32];

	(void)state;
	(void)play_server(1, session);
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("x"));
	expect_over("TRY_NONE");
}

static void
test_garbage(void **state)
{
	static uint8_t bytes[IPC_MESSAGE_MAX];

	(void)state;
	for (int number = 0; number < 256; number++) {
		/* a number alone is never a whole message, but for SEALED */
		if (number != 0)
			(void)play_setup(state);
		bytes[0] = (uint8_t)number;
		assert_int_equal(ipc_send(play.app, span_of(bytes, 1), NULL, 0), 0);
		play_run();
		assert_true(play.m->over);
		if (number != 255)
			(void)play_teardown(state);
	}
}

/* ---- a file of a token's key: no key, but its public half ---- */

/* What the monitor says when its reader says this. */
static struct ipc_KEY_LOADED
read_as(uint32_t result, struct span blob)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ipc_KEY_LOADED loaded;
	struct ipc_KEY_FILE file;
	struct play_child *k;

	PLAY_TELL(KEY_LOAD, .call = 77, .use = IPC_USER_KEY, .file = fd);
	close(fd);
	k = play_last(PLAY_KEYLOAD);
	PLAY_WORKER_EXPECT(k, KEY_FILE, &file);
	close(file.file);
	PLAY_SAY(k, KEY_FORM, .result = result, .alg = span_str("sk-ssh-ed25519@openssh.com"),
	    .blob = blob, .comment = span_str("a comment"));
	PLAY_EXPECT(KEY_LOADED, &loaded);
	assert_int_equal(loaded.call, 77);
	assert_int_equal(loaded.key, 0);
	return loaded;
}

static void
test_token(void **state)
{
	unsigned keys = play.m->user_keys;
	uint8_t bytes[128];
	struct wr w = wr_of(bytes, sizeof(bytes));
	struct ipc_KEY_LOADED loaded;

	(void)state;
	wr_str(&w, "sk-ssh-ed25519@openssh.com");
	wr_blob(&w, span_of(play.seed, 32), 32);
	wr_str(&w, "ssh:");
	loaded = read_as(KEYFILE_TOKEN, wr_span(&w));
	assert_int_equal(loaded.result, KEYFILE_TOKEN);
	assert_true(span_eq(loaded.blob, wr_span(&w)));
	assert_true(span_is(loaded.alg, "sk-ssh-ed25519@openssh.com"));
	assert_true(span_is(loaded.comment, "a comment"));
	/* of no type that there is, or no such result: the reader is not believed */
	loaded = read_as(KEYFILE_TOKEN, span_str("a blob"));
	assert_int_equal(loaded.result, KEYFILE_DAMAGED);
	assert_int_equal(loaded.blob.n, 0);
	loaded = read_as(KEYFILE_TOKEN + 1, wr_span(&w));
	assert_int_equal(loaded.result, KEYFILE_DAMAGED);
	/* one whose private half should have been there is not one */
	loaded = read_as(KEYFILE_OK, wr_span(&w));
	assert_int_equal(loaded.result, KEYFILE_UNSUPPORTED);
	assert_int_equal(play.m->user_keys, keys);
}

/* ---- a full table of descriptors ends what needed one, and nothing else ---- */

static void
test_no_descriptor_left(void **state)
{
	struct ipc_NEW plan = play_plan(2, IPC_CLIENT);
	struct ipc_KEY_LOADED loaded;
	struct ipc_MODULI_LOADED moduli;
	struct ipc_AGENT_DONE agent;
	struct play_start start;
	struct ipc_END_OF end;
	struct rlimit old, none;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	(void)play_connect(1, IPC_CLIENT, &start);
	play_new(&plan);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ 3, old.rlim_max };
	assert_int_equal(ipc_send_ATTACH(play.app, &(struct ipc_ATTACH){ .conn = 2, .in = fd,
	    .out = fd }), 0);
	assert_int_equal(ipc_send_KEY_LOAD(play.app, &(struct ipc_KEY_LOAD){ .call = 9,
	    .use = IPC_USER_KEY, .file = fd }), 0);
	assert_int_equal(ipc_send_MODULI(play.app, &(struct ipc_MODULI){ .call = 10, .file = fd }), 0);
	assert_int_equal(ipc_send_AGENT(play.app, &(struct ipc_AGENT){ .call = 11, .socket = fd }), 0);
	assert_int_equal(ipc_send_AGENT_BACK(play.app, &(struct ipc_AGENT_BACK){ .call = 12,
	    .socket = fd }), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	(void)monitor_turn(play.m, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
	PLAY_ENDED(2, IPC_RESOURCE, &end);
	PLAY_EXPECT(KEY_LOADED, &loaded);
	assert_int_equal(loaded.call, 9);
	assert_int_not_equal(loaded.result, KEYFILE_OK);
	PLAY_EXPECT(MODULI_LOADED, &moduli);
	assert_int_equal(moduli.call, 10);
	assert_int_equal(moduli.count, 0);
	PLAY_EXPECT(AGENT_DONE, &agent);
	assert_int_equal(agent.call, 11);
	assert_int_equal(agent.ok, 0);
	assert_false(play.m->over);
	PLAY_QUIET();			/* the first connection lives */
}

/* ---- the network is two descriptors: both travel on, and neither is kept ---- */

static void
test_network_pair(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct ipc_STARTED started;
	struct ipc_START q;
	struct ipc_END_OF end;
	struct play_child *w;
	int in[2], out[2];
	char c = 'x';

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	play_new(&plan);
	PLAY_TELL(ATTACH, .conn = 1, .in = in[0], .out = out[1]);
	close(in[0]);
	close(out[1]);
	PLAY_EXPECT(STARTED, &started);
	w = play_by_pid((pid_t)started.worker_pid);
	PLAY_WORKER_EXPECT(w, START, &q);
	assert_int_equal(write(in[1], &c, 1), 1);	/* the right one each */
	assert_int_equal(read(q.in, &c, 1), 1);
	assert_int_equal(write(q.out, &c, 1), 1);
	assert_int_equal(read(out[0], &c, 1), 1);
	close(q.in);
	close(q.out);
	assert_int_equal(read(out[0], &c, 1), 0);
	assert_int_equal(signal(SIGPIPE, SIG_IGN) == SIG_ERR, 0);
	assert_int_equal(write(in[1], &c, 1), -1);
	close(in[1]);
	close(out[0]);
	/* no worker ever had them: they close with the connection */
	play.worker_silent = true;
	play_die(play_last(PLAY_WORKER), 0, 1);
	play_run();
	assert_int_equal(pipe(out), 0);
	plan = play_plan(2, IPC_CLIENT);
	play_new(&plan);
	PLAY_TELL(ATTACH, .conn = 2, .in = out[1], .out = out[1]);
	close(out[1]);
	PLAY_TELL(CLOSE, .conn = 2, .now = 1);
	PLAY_ENDED(2, IPC_DONE_BY_US, &end);
	assert_int_equal(read(out[0], &c, 1), 0);
	close(out[0]);
}

/* ---- late is no offence ---- */

static void
test_late(void **state)
{
	struct play_start start;
	struct ipc_END_OF end;
	struct play_child *w;
	int p[2];
	char c;

	(void)state;
	w = play_connect(1, IPC_CLIENT, &start);
	play_die(w, 0, 1);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	assert_true(span_is(end.text, "worker ended without a word (status 1)"));
	PLAY_TELL(CLOSE, .conn = 1, .now = 1);
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("x"));
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = 1, .accept = 1);
	PLAY_TELL(INFO_ANSWER, .conn = 1, .question = 1, .answers = span_of("\0\0\0\0", 4));
	assert_int_equal(pipe(p), 0);
	PLAY_TELL(ATTACH, .conn = 1, .in = p[1], .out = p[1]);
	close(p[1]);
	assert_int_equal(read(p[0], &c, 1), 0);	/* closed, not kept */
	close(p[0]);
	assert_false(play.m->over);
	PLAY_QUIET();
}

static void
test_close(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct play_start start;
	struct ipc_END_OF end;
	struct ipc_STOP stop;
	struct play_child *w;

	(void)state;
	play_new(&plan);			/* not even attached */
	PLAY_TELL(CLOSE, .conn = 1, .text = span_str("never mind"));
	PLAY_ENDED(1, IPC_DONE_BY_US, &end);
	assert_true(span_is(end.phase, "start"));
	w = play_connect(2, IPC_CLIENT, &start);
	PLAY_TELL(CLOSE, .conn = 2, .disconnect = 11, .text = span_str("bye"));
	PLAY_WORKER_EXPECT(w, STOP, &stop);
	assert_int_equal(stop.disconnect, 11);
	PLAY_TELL(CLOSE, .conn = 2, .disconnect = 11, .text = span_str("bye again"));
	PLAY_WORKER_QUIET(w);
	PLAY_TELL(CLOSE, .conn = 2, .now = 1);
	assert_true(w->dead && w->reaped);
	PLAY_ENDED(2, IPC_DONE_BY_US, &end);
	assert_true(span_is(end.text, "bye"));
}

/* ---- keys ---- */

static struct play_child *
key_reader(void)
{
	struct ipc_KEY_FILE file;
	struct play_child *k;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	PLAY_TELL(KEY_LOAD, .call = 9, .use = IPC_USER_KEY, .file = fd);
	close(fd);
	k = play_last(PLAY_KEYLOAD);
	PLAY_WORKER_EXPECT(k, KEY_FILE, &file);
	close(file.file);
	return k;
}

static void
expect_key(enum keyfile_result result, const struct play_child *k)
{
	struct ipc_KEY_LOADED loaded;

	PLAY_EXPECT(KEY_LOADED, &loaded);
	assert_int_equal(loaded.call, 9);
	assert_int_equal(loaded.result, result);
	assert_int_equal(loaded.key, 0);
	assert_true(k->dead && k->reaped);
	assert_false(play.m->over);
}

static void
test_key_failures(void **state)
{
	struct span blob = span_of(play.host_blob, play.host_blob_len);
	struct play_child *k;

	(void)state;
	k = key_reader();
	PLAY_SAY(k, KEY_FORM, .result = KEYFILE_WRONG_PASSPHRASE);
	expect_key(KEYFILE_WRONG_PASSPHRASE, k);
	k = key_reader();
	PLAY_SAY(k, KEY_FORM, .result = 7);	/* no such result */
	expect_key(KEYFILE_DAMAGED, k);
	k = key_reader();
	PLAY_SAY(k, KEY_FORM, .result = KEYFILE_OK, .alg = span_str("ssh-dss"), .blob = blob);
	expect_key(KEYFILE_UNSUPPORTED, k);
	k = key_reader();			/* the halves do not belong together */
	PLAY_SAY(k, KEY_FORM, .result = KEYFILE_OK, .alg = span_str("ssh-ed25519"),
	    .blob = blob, .secret = span_of(play.user_seed, 32));
	expect_key(KEYFILE_DAMAGED, k);
	k = key_reader();
	PLAY_SAY(k, KEY_FORM, .result = KEYFILE_OK, .alg = span_str("ssh-ed25519"),
	    .blob = blob, .secret = span_of(play.seed, 31));
	expect_key(KEYFILE_DAMAGED, k);
	k = key_reader();
	play_die(k, SIGSYS, 0);
	play_run();
	expect_key(KEYFILE_DAMAGED, k);
	k = key_reader();
	play_wait(MONITOR_KEYLOAD_MS);
	expect_key(KEYFILE_DAMAGED, k);
	k = key_reader();
	assert_int_equal(ipc_send(k->link, span_of("\0", 1), NULL, 0), 0);
	play_run();
	expect_key(KEYFILE_DAMAGED, k);
}

/* The second of a type replaces the first: new connections show it. */
static void
test_host_key_replaced(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_start start;
	uint8_t seed[32], blob[64];
	size_t n;
	unsigned host_keys = 0;

	(void)state;
	play_begin();
	play_make_key(seed, blob, &n);
	(void)play_load(IPC_HOST_KEY, seed, span_of(blob, n));
	play_seal(&cfg);
	for (struct key *k = play.m->keys; k != NULL; k = k->next)
		host_keys += k->use == IPC_HOST_KEY;
	assert_int_equal(host_keys, 1);
	assert_non_null(monitor_keys_host(play.m, "ssh-ed25519"));
	assert_true(span_eq(span_of(play.host_blob, play.host_blob_len),
	    span_of(monitor_keys_host(play.m, "ssh-ed25519")->blob, play.host_blob_len)));
	assert_null(monitor_keys_host(play.m, "ssh-rsa"));
	(void)play_connect(1, IPC_SERVER, &start);
}

/* ---- starting ---- */

static void
test_zygote_fails_at_start(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_child *z;

	play_begin();
	play.zygote_silent = true;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	z = play_last(PLAY_ZYGOTE);
	PLAY_SAY(z, ZYGOTE_FAILED, .text = span_str("no seccomp here"));
	expect_over("no seccomp here");
	(void)play_teardown(state);

	play_begin();
	play.spawn_error = -ENOENT;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	expect_over("zygote");
}

static void
test_worker_lacks_a_layer(void **state)
{
	struct ipc_CONFIG cfg = play_config();

	(void)state;
	play_begin();
	cfg.layers_required = PLAY_LAYERS + 1;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	expect_over("misbehaved");
}

/* Without a number of spares, one worker still goes through it all before SERVING. */
static void
test_serving_without_spares(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_start start;

	(void)state;
	play_begin();
	cfg.spares = 0;
	play_seal(&cfg);
	for (uint64_t i = 1; i < 5; i++)
		(void)play_connect(i, IPC_CLIENT, &start);
	assert_int_equal(play.m->spares, 0);
}

/* ---- the end ---- */

static void
test_application_gone(void **state)
{
	struct play_start start;
	struct play_child *w = play_connect(1, IPC_CLIENT, &start);

	(void)state;
	close(play.app);
	play_run();
	assert_true(play.m->over);
	play.app = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_false(w->dead);			/* in monitor_free, which teardown calls */
}

static void
test_host_dies(void **state)
{
	int pair[2], host = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	memset(&play, 0, sizeof(play));
	play.app = pair[0];
	play.m = monitor_new(&play_os, "/where/helpers/are", pair[1], host);
	assert_non_null(play.m);
	assert_true(monitor_turn(play.m, 0));
	assert_int_equal(eventfd_write(host, 1), 0);
	assert_false(monitor_turn(play.m, 0));
}

/* A worker that its zygote had no time to name is reaped all the same. */
static void
test_nameless_worker(void **state)
{
	struct play_start start;
	struct play_child *nameless, *z = play_last(PLAY_ZYGOTE);
	uint8_t byte;

	(void)state;
	play.worker_silent = true;
	(void)play_connect(1, IPC_CLIENT, &start);
	nameless = play_last(PLAY_WORKER);
	assert_int_equal(nameless->event, -1);
	play.worker_silent = false;
	play_die(z, SIGKILL, 0);
	play_run();
	assert_int_equal(recv(nameless->link, &byte, 1, 0), 0);	/* it is told to go */
	play_die(nameless, 0, 0);
	assert_false(nameless->reaped);
	play_wait(1000);
	assert_true(nameless->reaped);
	play_wait(20000);
	assert_int_equal(play.m->strays, 0);
}

/* A hundred connections that end in every way leave nothing open. */
static void
test_nothing_is_left(void **state)
{
	uint8_t session[32];
	struct play_start start;
	int before = 0, after = 0;

	(void)state;
	for (uint64_t i = 1; i <= 100; i++) {
		struct play_child *w = i % 2 ? play_server(i, session) :
		    play_connect(i, IPC_CLIENT, &start);

		if (i % 3 == 0)
			PLAY_TELL(CLOSE, .conn = i, .now = 1);
		else if (i % 3 == 1)
			PLAY_SAY(w, BYE, .outcome = IPC_CUT, .side = IPC_PEER);
		play_die(w, i % 5 == 0 ? SIGSEGV : 0, 0);
		play_run();
		assert_int_equal(play_next(), IPC_MSG_END_OF);
		PLAY_QUIET();
		if (i == 10 || i == 100)
			for (int fd = 0; fd < 1024; fd++)
				*(i == 10 ? &before : &after) += fcntl(fd, F_GETFD) >= 0;
	}
	assert_int_equal(before, after);
	assert_int_equal(play.m->connections, 0);
	assert_int_equal(play.m->startups, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, play_setup, play_teardown)
#define O(f) cmocka_unit_test_setup_teardown(f, NULL, play_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_upgraded), cmocka_unit_test(test_order),
		T(test_host_key_after_sealed), T(test_connections_named_wrongly),
		T(test_attach_twice), T(test_try_on_server), T(test_garbage),
		T(test_token), T(test_no_descriptor_left), T(test_network_pair), T(test_late),
		T(test_close), T(test_key_failures), O(test_host_key_replaced),
		O(test_zygote_fails_at_start), O(test_worker_lacks_a_layer),
		O(test_serving_without_spares), T(test_application_gone), O(test_host_dies),
		T(test_nameless_worker), T(test_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
