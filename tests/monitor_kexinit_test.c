/*
 * monitor_kexinit_test.c - the KEXINIT that the monitor issues, field by field, and
 * the host keys it offers.
 */
#include "tests/monitor_play.h"

struct fields { struct span cookie, list[10]; uint8_t follows; uint32_t reserved; };

static void
parse(struct span kexinit, struct fields *f)
{
	struct rd r = rd_of(kexinit);

	assert_int_equal(rd_u8(&r), 20);
	f->cookie = rd_take(&r, 16);
	for (int i = 0; i < 10; i++)
		f->list[i] = rd_blob(&r, 16384);
	f->follows = rd_u8(&r);
	f->reserved = rd_u32(&r);
	assert_true(rd_done(&r));
}

static void
check_common(const struct fields *f)
{
	assert_true(span_is(f->list[1], "ssh-ed25519"));
	assert_true(span_is(f->list[2], "aes256-gcm@openssh.com"));
	assert_true(span_is(f->list[3], "aes256-gcm@openssh.com"));
	assert_true(span_is(f->list[4], "hmac-sha2-256"));
	assert_true(span_is(f->list[5], "hmac-sha2-256"));
	assert_true(span_is(f->list[6], "zlib@openssh.com,none"));
	assert_true(span_is(f->list[7], "zlib@openssh.com,none"));
	assert_int_equal(f->list[8].n, 0);
	assert_int_equal(f->list[9].n, 0);
	assert_int_equal(f->follows, 0);
	assert_int_equal(f->reserved, 0);
}

static void
test_server(void **state)
{
	struct play_start start;
	struct fields f, g;
	uint8_t next[16384];
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_child *w;
	struct play_kex x;

	(void)state;
	w = play_connect(1, IPC_SERVER, &start);
	assert_int_equal(start.role, IPC_SERVER);
	parse(span_of(start.kexinit, start.kexinit_len), &f);
	assert_true(span_is(f.list[0], "curve25519-sha256,kex-strict-s-v00@openssh.com"));
	check_common(&f);
	/* in the next one the marks are gone and the cookie is another */
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	memcpy(next, sig.kexinit.p, sig.kexinit.n);
	parse(span_of(next, sig.kexinit.n), &g);
	assert_true(span_is(g.list[0], "curve25519-sha256"));
	check_common(&g);
	assert_memory_not_equal(f.cookie.p, g.cookie.p, 16);
}

static void
test_client(void **state)
{
	struct play_start start;
	struct fields f;

	(void)state;
	(void)play_connect(1, IPC_CLIENT, &start);
	assert_int_equal(start.role, IPC_CLIENT);
	parse(span_of(start.kexinit, start.kexinit_len), &f);
	assert_true(span_is(f.list[0],
	    "curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com"));
	check_common(&f);
}

static void
test_cookies_differ(void **state)
{
	enum { N = 40 };
	static uint8_t cookies[N][16];
	struct play_start start;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		(void)play_connect(i + 1, IPC_CLIENT, &start);
		memcpy(cookies[i], start.kexinit + 1, 16);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(cookies[i], cookies[j], 16);
	}
}

/* The server offers only what it has a key for, and tells the worker those keys. */
static void
test_hostkeys(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct ipc_STARTED started;
	struct ipc_START q;
	struct play_child *w;
	struct fields f;
	struct rd r;

	(void)state;
	plan.hostkey_algs = span_str("rsa-sha2-512,ssh-ed25519,no-such-alg,ecdsa-sha2-nistp256");
	play_new(&plan);
	play_attach(1);
	PLAY_EXPECT(STARTED, &started);
	w = play_by_pid((pid_t)started.worker_pid);
	PLAY_WORKER_EXPECT(w, START, &q);
	close(q.in);
	close(q.out);
	parse(q.kexinit, &f);
	check_common(&f);
	r = rd_of(q.hostkeys);
	assert_true(span_is(rd_blob(&r, 64), "ssh-ed25519"));
	assert_true(span_eq(rd_blob(&r, 8192), span_of(play.host_blob, play.host_blob_len)));
	assert_true(rd_done(&r));
	assert_true(span_is(q.sig_algs, "ssh-ed25519"));
	assert_true(span_is(q.version, "SSH-2.0-Ours"));
}

/* As the application lists them; none given is none wanted.  What came of it is told. */
static void
test_compression(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct ipc_KEX_DONE done;
	struct play_start start;
	struct ipc_SIGNED sig;
	struct play_child *w;
	struct ipc_SIGN sign;
	struct play_kex x;
	struct fields f;

	(void)state;
	plan.compression = span_str("");
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	parse(span_of(start.kexinit, start.kexinit_len), &f);
	assert_true(span_is(f.list[6], "none"));
	assert_true(span_is(f.list[7], "none"));
	plan = play_plan(2, IPC_SERVER);
	plan.compression = span_str("none,zlib@openssh.com");
	play_new(&plan);
	play_attach(2);
	w = play_started(2, &start);
	parse(span_of(start.kexinit, start.kexinit_len), &f);
	assert_true(span_is(f.list[6], "none,zlib@openssh.com"));
	assert_true(span_is(f.list[7], "none,zlib@openssh.com"));
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	parse(sig.kexinit, &f);			/* and in the next one */
	assert_true(span_is(f.list[6], "none,zlib@openssh.com"));
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	assert_true(span_is(done.compression_c2s, "none"));
	assert_true(span_is(done.compression_s2c, "zlib@openssh.com"));
}

static void
ends_without_start(const struct ipc_NEW *plan)
{
	struct ipc_STARTED started;
	struct ipc_END_OF end;

	play_new(plan);
	play_attach(plan->conn);
	PLAY_EXPECT(STARTED, &started);
	PLAY_ENDED(plan->conn, IPC_RESOURCE, &end);
}

static void
test_nothing_to_offer(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);

	(void)state;
	plan.hostkey_algs = span_str("rsa-sha2-512");
	ends_without_start(&plan);
	plan = play_plan(2, IPC_SERVER);
	plan.hostkey_algs = span_str("");
	ends_without_start(&plan);
	plan = play_plan(3, IPC_CLIENT);
	plan.hostkey_algs = span_str("");
	ends_without_start(&plan);
	plan = play_plan(4, IPC_CLIENT);
	plan.kex = span_str("");
	ends_without_start(&plan);
	plan = play_plan(5, IPC_CLIENT);
	plan.ciphers = span_str("rot13");
	ends_without_start(&plan);
	plan = play_plan(6, IPC_SERVER);
	plan.macs = span_str("hmac-rot13");
	ends_without_start(&plan);
	assert_false(play.m->over);
}

/* A name, again and again, up to 2048 bytes. */
static struct span
long_list(char list[2049], const char *name)
{
	size_t n = 0;

	while (n + 1 + strlen(name) <= 2048) {
		if (n > 0)
			list[n++] = ',';
		memcpy(list + n, name, strlen(name));
		n += strlen(name);
	}
	assert_in_range(n, 1900, 2048);
	return span_of(list, n);
}

/* All lists as long as they may be. */
static void
test_longest(void **state)
{
	static char kex[2049], ciphers[2049], macs[2049], hostkeys[2049], others[2049];
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct play_start start;
	struct fields f;

	(void)state;
	memset(others, 'x', 2048);
	plan.kex = long_list(kex, "curve25519-sha256");
	plan.ciphers = long_list(ciphers, "aes256-gcm@openssh.com");
	plan.macs = long_list(macs, "hmac-sha2-512-etm@openssh.com");
	plan.hostkey_algs = long_list(hostkeys, "ssh-ed25519");
	plan.compression = span_of(others, 256);
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	parse(span_of(start.kexinit, start.kexinit_len), &f);
	assert_true(f.list[0].n > plan.kex.n);
	assert_true(span_eq(f.list[1], plan.hostkey_algs));
	assert_true(span_eq(f.list[3], plan.ciphers));
	assert_true(span_eq(f.list[5], plan.macs));
	assert_int_equal(f.list[7].n, 256);
}

/* What nobody could do is not offered, whoever asked for it. */
static void
test_unknown_names(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct play_start start;
	struct fields f;

	(void)state;
	plan.kex = span_str("rot13,curve25519-sha256,");
	plan.ciphers = span_str("des,aes256-gcm@openssh.com,aes256-gcm");
	plan.macs = span_str(",hmac-sha2-256,crc");
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	parse(span_of(start.kexinit, start.kexinit_len), &f);
	assert_true(span_is(f.list[0], "curve25519-sha256,kex-strict-s-v00@openssh.com"));
	check_common(&f);
}

static void
test_names(void **state)
{
	char list[16] = "";
	uint32_t count = 99;

	(void)state;
	assert_false(monitor_names_has(span_str(""), span_str("")));
	assert_false(monitor_names_has(span_str("a,,b"), span_str("")));
	assert_false(monitor_names_has(span_str("a,b"), span_str("a,b")));
	assert_false(monitor_names_has(span_str("ab"), span_str("a")));
	assert_true(monitor_names_has(span_str("a,b,"), span_str("b")));
	assert_true(monitor_names_add(list, sizeof(list), span_str("0123456")));
	assert_true(monitor_names_add(list, sizeof(list), span_str("0123456")));
	assert_string_equal(list, "0123456,0123456");
	assert_false(monitor_names_add(list, sizeof(list), span_str("")));
	assert_false(monitor_names_add(list, 0, span_str("")));
	/* u32 count, count strings */
	assert_true(monitor_names_counted(span_of("\0\0\0\0", 4), false, &count));
	assert_int_equal(count, 0);
	assert_true(monitor_names_counted(span_of("\0\0\0\1\0\0\0\1x", 9), false, &count));
	assert_int_equal(count, 1);
	for (size_t i = 0; i < 9; i++)
		assert_false(monitor_names_counted(span_of("\0\0\0\1\0\0\0\1x", i), false, &count));
	assert_false(monitor_names_counted(span_of("\0\0\0\1\0\0\0\1xy", 10), false, &count));
	assert_false(monitor_names_counted(span_of("\377\377\377\377\0\0\0\0", 8), false, &count));
	assert_true(monitor_names_counted(span_of("\0\0\0\1\0\0\0\1x\1", 10), true, &count));
	assert_false(monitor_names_counted(span_of("\0\0\0\1\0\0\0\1x", 9), true, &count));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, play_setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_server), T(test_client), T(test_cookies_differ), T(test_hostkeys),
		T(test_compression), T(test_nothing_to_offer), T(test_longest), T(test_unknown_names), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
