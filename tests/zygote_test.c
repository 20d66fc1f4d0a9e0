/* zygote.c and rehearsal.c: the test is the monitor, the worker a stub that answers. */
#include "tests/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "ipc/ipc.h"
#include "privsep/sandbox.h"
#include "privsep/spawn.h"

struct zygote {
	int link, pidfd;
	pid_t pid;
};
struct worker {
	int link, pidfd;
	pid_t pid;
};

static char stub_dir[4096], real_dir[4096], odd_dir[] = "/tmp/zygote_test.XXXXXX";

static ssize_t
receive(int link, uint8_t *buf, size_t cap)
{
	struct pollfd p = { .fd = link, .events = POLLIN };

	CHECK(poll(&p, 1, 40000) == 1);
	return ipc_recv_plain(link, buf, cap);
}

static void
gone(int pidfd, int signal, int status)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int got_signal, got_status;

	CHECK(poll(&p, 1, 10000) == 1);
	CHECK(spawn_reap(pidfd, &got_signal, &got_status) == 1);
	CHECK(got_signal == signal);
	CHECK(signal != 0 || got_status == status);
}

static void
start(struct zygote *z, const char *dir)
{
	int pair[2];

	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "postern-worker", pair[1], &z->pid, &z->pidfd) == 0);
	close(pair[1]);
	z->link = pair[0];
}

static void
setup(struct zygote *z, uint32_t uid, uint32_t required, uint8_t schema_xor)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct ipc_ZYGOTE_SETUP m = { .schema = span_of(schema, sizeof(schema)), .uid = uid,
		.gid = uid, .layers_required = required };

	ipc_schema(schema);
	schema[0] ^= schema_xor;
	CHECK(ipc_send_ZYGOTE_SETUP(z->link, &m) == 0);
}

static unsigned
get_ready(struct zygote *z)
{
	uint8_t buf[IPC_MAX_ZYGOTE_READY];
	struct ipc_once once = { { 0 } };
	struct ipc_ZYGOTE_READY m;
	struct rd r;
	ssize_t n = receive(z->link, buf, sizeof(buf));

	if (n > 1 && buf[0] == IPC_MSG_ZYGOTE_FAILED)
		fprintf(stderr, "zygote: %.*s\n", (int)n - 5, buf + 5);
	CHECK(n > 0);
	CHECK(ipc_admit(IPC_Z2M, P_HELLO, K_NONE, &once, buf, (size_t)n, 0, NULL) != NULL);
	CHECK(buf[0] == IPC_MSG_ZYGOTE_READY);
	r = rd_of(span_of(buf + 1, (size_t)n - 1));
	CHECK(ipc_get_ZYGOTE_READY(&r, NULL, &m));
	CHECK(m.report.n > 0);
	return m.layers;
}

static void
get_failed(struct zygote *z, const char *words)
{
	uint8_t buf[IPC_MAX_ZYGOTE_FAILED + 1];
	struct ipc_ZYGOTE_FAILED m;
	struct rd r;
	ssize_t n = receive(z->link, buf, sizeof(buf) - 1);

	CHECK(n > 1 && buf[0] == IPC_MSG_ZYGOTE_FAILED);
	r = rd_of(span_of(buf + 1, (size_t)n - 1));
	CHECK(ipc_get_ZYGOTE_FAILED(&r, NULL, &m));
	buf[n] = '\0';
	if (strstr((const char *)m.text.p, words) == NULL)
		fprintf(stderr, "not \"%s\" in: %s\n", words, m.text.p);
	CHECK(strstr((const char *)m.text.p, words) != NULL);
	gone(z->pidfd, 0, 1);
}

static void
start_ready(struct zygote *z)
{
	start(z, stub_dir);
	setup(z, CHILD_WORKER_UID, 0, 0);
	(void)get_ready(z);
}

static void
ask_fork(struct zygote *z, struct worker *w, uint64_t serial)
{
	uint8_t buf[IPC_MAX_ZYGOTE_FAILED];
	struct ipc_FORKED m;
	struct rd r;
	int pair[2];
	ssize_t n;

	CHECK(ipc_pair(pair) == 0);
	CHECK(ipc_send_FORK(z->link, &(struct ipc_FORK){ .serial = serial, .link = pair[1] }) == 0);
	close(pair[1]);
	n = receive(z->link, buf, sizeof(buf));
	CHECK(n > 0 && buf[0] == IPC_MSG_FORKED);
	r = rd_of(span_of(buf + 1, (size_t)n - 1));
	CHECK(ipc_get_FORKED(&r, NULL, &m));
	CHECK(m.serial == serial);
	w->link = pair[0];
	w->pid = (pid_t)m.pid;
	w->pidfd = pidfd_open(w->pid, 0);
	CHECK(w->pidfd >= 0);
	/* our child, not the zygote's */
	CHECK(waitid(P_PIDFD, (id_t)w->pidfd, NULL, WEXITED | WNOHANG | WNOWAIT) == 0);
}

static size_t
question(struct worker *w, char what, void *out, size_t cap)
{
	ssize_t n;

	CHECK(ipc_send(w->link, span_of(&what, 1), NULL, 0) == 0);
	n = receive(w->link, out, cap);
	CHECK(n > 0);
	return (size_t)n;
}

/* The monitor's own layers are on in all of this: it must still be able to work. */
static void
be_monitor(void)
{
	struct sandbox sb;

	CHECK(sandbox_enter_monitor(&sb) == 0);
}

/* ---- refusals ---- */

static void
other_build(void)
{
	struct zygote z;

	start(&z, stub_dir);
	setup(&z, CHILD_WORKER_UID, 0, 1);
	get_failed(&z, "different builds");
}

static void
layer_not_to_be_had(void)
{
	struct zygote z;

	start(&z, stub_dir);
	setup(&z, CHILD_WORKER_UID, 1u << 30, 0);
	get_failed(&z, "0x40000000");
}

static void
root_without_uid(void)
{
	struct zygote z;

	start(&z, stub_dir);
	setup(&z, 0, 0, 0);
	get_failed(&z, "uid of its own");
}

static void
missing_call_is_named(void)
{
	struct zygote z;
	char dir[128];

	(void)snprintf(dir, sizeof(dir), "%s/missing", odd_dir);
	start(&z, dir);
	setup(&z, CHILD_WORKER_UID, 0, 0);
	get_failed(&z, "needs socket,");
}

static void
failed_rehearsal(void)
{
	struct zygote z;
	char dir[128];

	(void)snprintf(dir, sizeof(dir), "%s/weak", odd_dir);
	start(&z, dir);
	setup(&z, CHILD_WORKER_UID, 0, 0);
	get_failed(&z, "rehearsal failed");
}

static void
fork_before_setup(void)
{
	struct zygote z;
	int pair[2];

	start(&z, stub_dir);
	CHECK(ipc_pair(pair) == 0);
	CHECK(ipc_send_FORK(z.link, &(struct ipc_FORK){ .serial = 1, .link = pair[1] }) == 0);
	gone(z.pidfd, 0, 1);
}

static void
second_setup(void)
{
	struct zygote z;

	start_ready(&z);
	setup(&z, CHILD_WORKER_UID, 0, 0);
	gone(z.pidfd, 0, 1);
}

static void
fork_without_link(void)
{
	struct zygote z;
	uint8_t m[9] = { IPC_MSG_FORK };

	start_ready(&z);
	CHECK(ipc_send(z.link, span_of(m, sizeof(m)), NULL, 0) == 0);
	gone(z.pidfd, 0, 1);
}

static void
undeclared_descriptor(void)
{
	struct zygote z;
	uint8_t m[9] = { IPC_MSG_FORK };
	int fds[2] = { 0, 0 };

	start_ready(&z);
	CHECK(ipc_send(z.link, span_of(m, sizeof(m)), fds, 2) == 0);
	gone(z.pidfd, 0, 1);
}

/* ---- work ---- */

static void
ends_with_its_link(void)
{
	struct zygote z;

	be_monitor();
	start_ready(&z);
	close(z.link);
	gone(z.pidfd, 0, 0);
}

static void
layers(void)
{
	struct zygote z;
	struct worker w;
	unsigned ready, own, want = SANDBOX_REQUIRED;
	char text[1024] = "";

	if (geteuid() == 0)
		want = SANDBOX_REQUIRED_ROOT;
	be_monitor();
	start(&z, stub_dir);
	setup(&z, CHILD_WORKER_UID, 0, 0);
	ready = get_ready(&z);
	CHECK((ready & want) == want);
	ask_fork(&z, &w, 7);
	CHECK(question(&w, 'l', &own, sizeof(own)) == sizeof(own));
	CHECK(own == ready);
	(void)question(&w, 't', text, sizeof(text) - 1);
	CHECK(strstr(text, "capabilities 0,") != NULL);
	/* its own link and nothing else: three are /dev/null */
	CHECK(strstr(text, "descriptors 0 1 2 3;") != NULL ||
	    strcmp(strstr(text, "descriptors"), "descriptors 0 1 2 3") == 0);
	CHECK(spawn_end(w.pidfd) == SIGKILL);
	CHECK(spawn_end(z.pidfd) == SIGKILL);
}

/* As the kernel tells it, to root. */
static void
seen_in_proc(void)
{
	struct zygote z;
	struct worker w;
	char path[64], status[8192], link[64] = "", uid_line[64];
	ssize_t n;
	int fd;

	start_ready(&z);
	ask_fork(&z, &w, 1);
	(void)question(&w, 'p', status, sizeof(status));
	(void)snprintf(path, sizeof(path), "/proc/%d/status", w.pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, status, sizeof(status) - 1);
	CHECK(n > 0);
	status[n] = '\0';
	(void)snprintf(uid_line, sizeof(uid_line), "Uid:\t%d\t%d\t%d\t%d\n", CHILD_WORKER_UID,
	    CHILD_WORKER_UID, CHILD_WORKER_UID, CHILD_WORKER_UID);
	CHECK(strstr(status, uid_line) != NULL);
	CHECK(strstr(status, "Groups:\t \n") != NULL);
	CHECK(strstr(status, "CapPrm:\t0000000000000000\n") != NULL);
	CHECK(strstr(status, "CapEff:\t0000000000000000\n") != NULL);
	CHECK(strstr(status, "CapBnd:\t0000000000000000\n") != NULL);
	CHECK(strstr(status, "NoNewPrivs:\t1\n") != NULL);
	CHECK(strstr(status, "Seccomp:\t2\n") != NULL);
	(void)snprintf(path, sizeof(path), "/proc/%d/root/etc", w.pid);
	CHECK(access(path, F_OK) != 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/4", w.pid);
	CHECK(readlink(path, link, sizeof(link)) < 0);
	(void)spawn_end(w.pidfd);
	(void)spawn_end(z.pidfd);
}

static void
siblings_differ(void)
{
	struct zygote z;
	struct worker w[8];
	uint8_t random[8][32];
	uint64_t canary[8];

	be_monitor();
	start_ready(&z);
	for (int i = 0; i < 8; i++) {
		ask_fork(&z, &w[i], (uint64_t)i);
		CHECK(question(&w[i], 'r', random[i], 32) == 32);
		CHECK(question(&w[i], 'c', &canary[i], 8) == 8);
		for (int j = 0; j < i; j++) {
			CHECK(memcmp(random[i], random[j], 32) != 0);
#ifdef __x86_64__
			CHECK(canary[i] != canary[j]);
			CHECK((canary[i] & 0xff) == 0);
#endif
		}
	}
	for (int i = 0; i < 8; i++)
		(void)spawn_end(w[i].pidfd);
	(void)spawn_end(z.pidfd);
}

static void
workers_outlive_the_zygote(void)
{
	struct zygote z;
	struct worker w[2];
	uint8_t buf[32];

	be_monitor();
	start_ready(&z);
	ask_fork(&z, &w[0], 1);
	ask_fork(&z, &w[1], 2);
	CHECK(question(&w[0], 'p', buf, sizeof(buf)) == 1);
	CHECK(spawn_end(z.pidfd) == SIGKILL);
	/* end of its link: no worker holds a copy */
	CHECK(receive(z.link, buf, sizeof(buf)) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(question(&w[i], 'p', buf, sizeof(buf)) == 1);
		/* the end of a sibling's link is seen, too */
		close(w[i].link);
		gone(w[i].pidfd, 0, 0);
	}
}

static void
forbidden_call_kills(void)
{
	struct zygote z;
	struct worker w, v;
	char what = 's';
	uint8_t buf[8];

	be_monitor();
	start_ready(&z);
	ask_fork(&z, &w, 1);
	ask_fork(&z, &v, 2);
	CHECK(ipc_send(w.link, span_of(&what, 1), NULL, 0) == 0);
	gone(w.pidfd, SIGSYS, 0);
	CHECK(question(&v, 'p', buf, sizeof(buf)) == 1);
	(void)spawn_end(v.pidfd);
	(void)spawn_end(z.pidfd);
}

/* The zygote itself is as closed: a stopped and continued one lives, though. */
static void
zygote_survives_stop(void)
{
	struct zygote z;
	struct worker w;
	uint8_t buf[8];

	be_monitor();
	start_ready(&z);
	ask_fork(&z, &w, 1);
	CHECK(question(&w, 'p', buf, sizeof(buf)) == 1);
	CHECK(kill(z.pid, SIGSTOP) == 0 && kill(z.pid, SIGCONT) == 0);
	CHECK(kill(w.pid, SIGSTOP) == 0 && kill(w.pid, SIGCONT) == 0);
	CHECK(question(&w, 'p', buf, sizeof(buf)) == 1);
	(void)spawn_end(w.pidfd);
	ask_fork(&z, &w, 2);
	CHECK(question(&w, 'p', buf, sizeof(buf)) == 1);
	(void)spawn_end(w.pidfd);
	(void)spawn_end(z.pidfd);
}

static void
all_die_with_the_monitor(void)
{
	int pids[2], pair[2];
	pid_t monitor, seen[3];
	struct zygote z;
	struct worker w[2];
	uint8_t buf[8];

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	CHECK(pipe(pids) == 0 && pipe(pair) == 0);
	monitor = fork();
	CHECK(monitor >= 0);
	if (monitor == 0) {
		be_monitor();
		start_ready(&z);
		ask_fork(&z, &w[0], 1);
		ask_fork(&z, &w[1], 2);
		CHECK(question(&w[0], 'p', buf, sizeof(buf)) == 1);
		CHECK(question(&w[1], 'p', buf, sizeof(buf)) == 1);
		seen[0] = z.pid;
		seen[1] = w[0].pid;
		seen[2] = w[1].pid;
		/* stopped ones see no end of their link, only the signal helps */
		for (int i = 0; i < 3; i++)
			CHECK(kill(seen[i], SIGSTOP) == 0);
		CHECK(write(pids[1], seen, sizeof(seen)) == sizeof(seen));
		(void)pause();
	}
	CHECK(read(pids[0], seen, sizeof(seen)) == sizeof(seen));
	CHECK(kill(monitor, SIGKILL) == 0);
	CHECK(waitpid(monitor, NULL, 0) == monitor);
	for (int i = 0; i < 3; i++) {
		int status = 0;

		CHECK(waitpid(seen[i], &status, 0) == seen[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* The real worker passes its self-test under the real filter. */
static void
real_worker_is_ready(void)
{
	struct zygote z;
	uint8_t buf[IPC_MAX_READY];
	struct ipc_READY m;
	struct worker w;
	struct rd r;
	unsigned layers_ready;
	ssize_t n;

	be_monitor();
	start(&z, real_dir);
	setup(&z, CHILD_WORKER_UID, 0, 0);
	layers_ready = get_ready(&z);
	ask_fork(&z, &w, 1);
	n = receive(w.link, buf, sizeof(buf));
	CHECK(n > 0 && buf[0] == IPC_MSG_READY);
	r = rd_of(span_of(buf + 1, (size_t)n - 1));
	CHECK(ipc_get_READY(&r, NULL, &m));
	CHECK(m.layers == layers_ready);
	(void)spawn_end(w.pidfd);
	(void)spawn_end(z.pidfd);
}

#define BOTH(f) static void test_##f(void **state) { (void)state; child_run_both(f); }
BOTH(other_build)
BOTH(layer_not_to_be_had)
BOTH(missing_call_is_named)
BOTH(failed_rehearsal)
BOTH(fork_before_setup)
BOTH(second_setup)
BOTH(fork_without_link)
BOTH(undeclared_descriptor)
BOTH(ends_with_its_link)
BOTH(layers)
BOTH(siblings_differ)
BOTH(workers_outlive_the_zygote)
BOTH(forbidden_call_kills)
BOTH(zygote_survives_stop)
BOTH(all_die_with_the_monitor)
BOTH(real_worker_is_ready)

#define ROOT(f) static void test_##f(void **state) { (void)state; \
	if (geteuid() != 0) skip(); else child_run(f, 0); }
ROOT(root_without_uid)
ROOT(seen_in_proc)

static int
make_odd_dirs(void **state)
{
	static const char *const names[] = { "missing", "weak" };
	char dir[128], from[4200], to[256];

	(void)state;
	child_path(stub_dir, sizeof(stub_dir), "zygote_stub");
	child_path(real_dir, sizeof(real_dir), "../libexec");
	(void)snprintf(from, sizeof(from), "%s/postern-worker", stub_dir);
	if (mkdtemp(odd_dir) == NULL || chmod(odd_dir, 0755) != 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(dir, sizeof(dir), "%s/%s", odd_dir, names[i]);
		(void)snprintf(to, sizeof(to), "%s/postern-worker", dir);
		if (mkdir(dir, 0755) != 0 || symlink(from, to) != 0)
			return -1;
	}
	return 0;
}

static int
remove_odd_dirs(void **state)
{
	static const char *const names[] = { "missing/postern-worker", "missing",
		"weak/postern-worker", "weak" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", odd_dir, names[i]);
		(void)remove(path);
	}
	child_path_free(stub_dir);
	child_path_free(real_dir);
	return rmdir(odd_dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_build),
		cmocka_unit_test(test_layer_not_to_be_had),
		cmocka_unit_test(test_root_without_uid),
		cmocka_unit_test(test_missing_call_is_named),
		cmocka_unit_test(test_failed_rehearsal),
		cmocka_unit_test(test_fork_before_setup),
		cmocka_unit_test(test_second_setup),
		cmocka_unit_test(test_fork_without_link),
		cmocka_unit_test(test_undeclared_descriptor),
		cmocka_unit_test(test_ends_with_its_link),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_seen_in_proc),
		cmocka_unit_test(test_siblings_differ),
		cmocka_unit_test(test_workers_outlive_the_zygote),
		cmocka_unit_test(test_forbidden_call_kills),
		cmocka_unit_test(test_zygote_survives_stop),
		cmocka_unit_test(test_all_die_with_the_monitor),
		cmocka_unit_test(test_real_worker_is_ready),
	};

	return cmocka_run_group_tests(tests, make_odd_dirs, remove_odd_dirs);
}
