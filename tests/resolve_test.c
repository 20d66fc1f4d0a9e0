/* resolve.c: the real postern-resolve, with the test as the application. */
#include "tests/child.h"

#include <netinet/in.h>
#include <poll.h>

#include "ipc/ipc.h"
#include "privsep/spawn.h"

struct resolver {
	int link, pidfd;
	pid_t pid;
};

static char dir[4096];
static uint8_t answer[IPC_MAX_ADDRESSES];

static void
start(struct resolver *r)
{
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(spawn_helper(dir, "postern-resolve", pair[1], &r->pid, &r->pidfd), 0);
	close(pair[1]);
	r->link = pair[0];
}

static void
ended(struct resolver *r, int want_status)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };
	int signal = -1, status = -1;

	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(spawn_reap(r->pidfd, &signal, &status), 1);
	assert_int_equal(signal, 0);
	assert_int_equal(status, want_status);
	close(r->pidfd);
	close(r->link);
}

static size_t
request(uint8_t *buf, size_t cap, const char *host, uint8_t schema_xor)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct ipc_RESOLVE m = { .schema = span_of(schema, sizeof(schema)),
		.host = span_str(host) };
	struct wr w = wr_of(buf, cap);

	ipc_schema(schema);
	schema[0] ^= schema_xor;
	ipc_put_RESOLVE(&w, NULL, &m);
	assert_false(w.bad);
	return w.n;
}

static void
resolve(const char *host, struct ipc_ADDRESSES *m)
{
	uint8_t buf[IPC_MAX_RESOLVE];
	struct ipc_once once = { { 0 } };
	struct resolver r;
	struct pollfd p = { .events = POLLIN };
	size_t len = request(buf, sizeof(buf), host, 0);
	struct rd rd;
	ssize_t n;

	start(&r);
	assert_int_equal(ipc_send(r.link, span_of(buf, len), NULL, 0), 0);
	p.fd = r.link;
	assert_int_equal(poll(&p, 1, 60000), 1);
	n = ipc_recv_plain(r.link, answer, sizeof(answer));
	assert_true(n > 0);
	assert_non_null(ipc_admit(IPC_R2A, P_SERVE, K_NONE, &once, answer, (size_t)n, 0, NULL));
	rd = rd_of(span_of(answer + 1, (size_t)n - 1));
	assert_true(ipc_get_ADDRESSES(&rd, NULL, m));
	ended(&r, 0);
}

static void
names_and_numbers(void **state)
{
	struct ipc_ADDRESSES m;

	(void)state;
	resolve("127.0.0.1", &m);
	assert_int_equal(m.error, 0);
	assert_true(span_eq(m.list, span_of("\4\x7f\0\0\1", 5)));
	resolve("::1", &m);
	assert_int_equal(m.error, 0);
	assert_true(span_eq(m.list, span_of("\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 21)));
	/* of one family or of both, but all of it loopback */
	resolve("localhost", &m);
	assert_int_equal(m.error, 0);
	for (struct rd r = rd_of(m.list); r.n > 0;) {
		bool is_v4 = rd_u8(&r) == 4;
		struct span s = rd_take(&r, is_v4 ? 4 : 20);

		assert_false(r.bad);
		assert_true(is_v4 ? s.p[0] == 127 : s.p[15] == 1);
	}
}

static void
what_is_no_name(void **state)
{
	static const char *const names[] = { "", "a..b", ".", "1.2.3.4.5.6", "x y",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	char longest[1025];
	struct ipc_ADDRESSES m;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		resolve(names[i], &m);
		assert_int_not_equal(m.error, 0);
		assert_int_equal(m.list.n, 0);
	}
	memset(longest, 'a', 1024);
	longest[1024] = '\0';
	resolve(longest, &m);
	assert_int_not_equal(m.error, 0);
}

/* It answers nothing and ends. */
static void
breaks(const uint8_t *buf, size_t len)
{
	struct resolver r;

	start(&r);
	assert_int_equal(ipc_send(r.link, span_of(buf, len), NULL, 0), 0);
	ended(&r, 1);
}

static void
what_is_no_request(void **state)
{
	uint8_t buf[IPC_MAX_RESOLVE + 8];
	size_t n = request(buf, sizeof(buf), "127.0.0.1", 0);
	struct resolver r;

	(void)state;
	for (size_t len = 1; len < n; len++)
		breaks(buf, len);
	buf[n] = 0;
	breaks(buf, n + 1);
	/* another build's, another's message, a name with a NUL in it */
	n = request(buf, sizeof(buf), "127.0.0.1", 1);
	breaks(buf, n);
	n = request(buf, sizeof(buf), "127.0.0.1", 0);
	buf[0] = IPC_MSG_KEY_FILE;
	breaks(buf, n);
	n = request(buf, sizeof(buf), "127.0.0.1", 0);
	buf[n - 1] = 0;
	breaks(buf, n);
	/* nobody asks */
	start(&r);
	close(r.link);
	r.link = -1;
	ended(&r, 1);
}

/* The line of its status that begins so; it may be a zombie. */
static void
status_of(pid_t pid, const char *begins, char *line, int size)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	do {
		assert_non_null(fgets(line, size, f));
	} while (strncmp(line, begins, strlen(begins)) != 0);
	(void)fclose(f);
}

static void
it_has_a_link_and_no_name(void **state)
{
	char path[64], line[256];
	uint8_t buf[IPC_MAX_RESOLVE];
	size_t n = request(buf, sizeof(buf), "127.0.0.1", 0);
	struct pollfd p = { .events = POLLIN };
	struct resolver r;
	int fds = 0;

	(void)state;
	start(&r);
	for (int fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)r.pid, fd);
		if (readlink(path, line, sizeof(line)) > 0) {
			assert_true(fd <= SPAWN_LINK_FD);
			fds++;
		}
	}
	assert_int_equal(fds, SPAWN_LINK_FD + 1);
	assert_int_equal(ipc_send(r.link, span_of(buf, n), NULL, 0), 0);
	p.fd = r.pidfd;
	assert_int_equal(poll(&p, 1, 60000), 1);
	/* it has ended, as whom it was when it asked */
	if (geteuid() == 0) {
		status_of(r.pid, "Uid:", line, sizeof(line));
		assert_string_equal(line, "Uid:\t65534\t65534\t65534\t65534\n");
		status_of(r.pid, "Gid:", line, sizeof(line));
		assert_string_equal(line, "Gid:\t65534\t65534\t65534\t65534\n");
	}
	status_of(r.pid, "NoNewPrivs:", line, sizeof(line));
	assert_string_equal(line, "NoNewPrivs:\t1\n");
	ended(&r, 0);
}

static int
find_programs(void **state)
{
	(void)state;
	child_path(dir, sizeof(dir), "../libexec");
	return 0;
}

static int
forget_programs(void **state)
{
	(void)state;
	child_path_free(dir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers),
		cmocka_unit_test(what_is_no_name),
		cmocka_unit_test(what_is_no_request),
		cmocka_unit_test(it_has_a_link_and_no_name),
	};

	return cmocka_run_group_tests(tests, find_programs, forget_programs);
}
