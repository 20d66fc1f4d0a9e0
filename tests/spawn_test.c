/* spawn.c: what a helper finds at its start, and how it is ended. */
#include "tests/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ipc/ipc.h"
#include "privsep/spawn.h"

extern char **environ;

static char dir[] = "/tmp/spawn_test.XXXXXX";

/* ---- the helper: this very program under the name "probe" ---- */

/* What a helper sees of itself, as one line over its link. */
static int
probe(void)
{
	char line[512], cwd[64] = "", null_link[64] = "", path[64];
	sigset_t mask;
	unsigned blocked = 0, ignored = 0, vars = 0, open_fds = 0;
	struct sigaction action;
	ssize_t n;

	for (char **e = environ; *e != NULL; e++)
		vars++;
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int s = 1; s < 65; s++) {
		if (sigismember(&mask, s) == 1)
			blocked++;
		/* a handler is this program's own: exec takes them away */
		if (sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			ignored++;
	}
	for (int fd = SPAWN_LINK_FD + 1; fd < 1000; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			open_fds++;
	}
	for (int fd = 0; fd < 3; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, null_link, sizeof(null_link) - 1);
#ifdef POSTERN_SAN
		if (fd == 2)
			break;		/* kept for the sanitizers' reports */
#endif
		if (n < 0 || strcmp(null_link, "/dev/null") != 0)
			return 9;
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return 8;
	(void)snprintf(line, sizeof(line), "env %u blocked %u ignored %u cwd %s fds %u session %d",
	    vars, blocked, ignored, cwd, open_fds, getsid(0) == getpid());
	if (ipc_send(SPAWN_LINK_FD, span_str(line), NULL, 0) != 0)
		return 7;
	/* lives until its link ends */
	(void)poll(&(struct pollfd){ .fd = SPAWN_LINK_FD, .events = POLLIN }, 1, 20000);
	return 42;
}

/* ---- the host ---- */

static void
reaped(int pidfd, int signal, int status)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int got_signal = -1, got_status = -1;

	CHECK(poll(&p, 1, 10000) == 1);
	CHECK(spawn_reap(pidfd, &got_signal, &got_status) == 1);
	CHECK(got_signal == signal && got_status == status);
	close(pidfd);
}

static void
expect_clean(int link)
{
	struct pollfd p = { .fd = link, .events = POLLIN };
	uint8_t buf[513];
	ssize_t n;

	CHECK(poll(&p, 1, 10000) == 1);
	n = ipc_recv_plain(link, buf, sizeof(buf) - 1);
	CHECK(n > 0);
	buf[n] = '\0';
	if (strcmp((char *)buf, "env 0 blocked 0 ignored 0 cwd / fds 0 session 1") != 0) {
		fprintf(stderr, "helper: %s\n", buf);
		_exit(1);
	}
}

/* Everything that a host may have set, and that must not get through. */
static void
from_a_messy_host(void)
{
	sigset_t all;
	int pair[2], pidfd, signal, status;
	pid_t pid;

	CHECK(sigfillset(&all) == 0 && sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	CHECK(sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL) == 0);
	CHECK(setenv("LD_PRELOAD", "", 1) == 0 && setenv("OPENSSL_CONF", "/x", 1) == 0);
	CHECK(chdir("/tmp") == 0);
	for (int i = 0; i < 20; i++)
		CHECK(open("/etc/passwd", O_RDONLY) >= 0);	/* not close-on-exec */
	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "probe", pair[1], &pid, &pidfd) == 0);
	CHECK((fcntl(pidfd, F_GETFD) & FD_CLOEXEC) != 0);
	close(pair[1]);
	expect_clean(pair[0]);
	CHECK(spawn_reap(pidfd, &signal, &status) == 0);
	close(pair[0]);
	reaped(pidfd, 0, 42);
}

/* The link may be any number, 0 to 3 among them. */
static void
link_at(int place)
{
	int pair[2], pidfd;
	pid_t pid;

	for (int fd = 4; fd < 30; fd++)
		(void)close(fd);
	CHECK(ipc_pair(pair) == 0);
	CHECK(fcntl(pair[0], F_DUPFD_CLOEXEC, 40) == 40);
	if (pair[1] != place)
		CHECK(dup3(pair[1], place, O_CLOEXEC) == place);
	for (int fd = 3; fd < 30; fd++)
		if (fd != place)
			(void)close(fd);
	CHECK(spawn_helper(dir, "probe", place, &pid, &pidfd) == 0);
	close(place);
	expect_clean(40);
	close(40);
	reaped(pidfd, 0, 42);
}
static void link_at_0(void) { link_at(0); }
static void link_at_1(void) { link_at(1); }
static void link_at_3(void) { link_at(3); }
static void link_at_17(void) { link_at(17); }

static void
killing(void)
{
	int pair[2], pidfd;
	pid_t pid;

	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "probe", pair[1], &pid, &pidfd) == 0);
	expect_clean(pair[0]);
	CHECK(spawn_end(pidfd) == SIGKILL);
	CHECK(fcntl(pidfd, F_GETFD) < 0);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	/* one that has ended already tells how */
	CHECK(spawn_helper(dir, "probe", pair[1], &pid, &pidfd) == 0);
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 10000) == 1);
	CHECK(spawn_end(pidfd) == SIGTERM);
}

static void
signal_is_told(void)
{
	int pair[2], pidfd;
	pid_t pid;

	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "probe", pair[1], &pid, &pidfd) == 0);
	CHECK(kill(pid, SIGSYS) == 0);
	reaped(pidfd, SIGSYS, 0);
}

/* A host that reaps everything: over, though nobody knows how. */
static void
reaped_by_another(void)
{
	int pair[2], pidfd, signal, status;
	pid_t pid;

	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "probe", pair[1], &pid, &pidfd) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(-1, NULL, 0) == pid);
	CHECK(spawn_reap(pidfd, &signal, &status) == 1 && signal == 0 && status == -1);
	CHECK(spawn_end(pidfd) == 0);
}

static void
refusals(void)
{
	char longer[8192];
	int pair[2], pidfd = -7;
	pid_t pid = -7;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "nothing", pair[1], &pid, &pidfd) == -ENOENT);
	CHECK(spawn_helper("/etc", "passwd", pair[1], &pid, &pidfd) == -EACCES);
	CHECK(spawn_helper("bin", "sh", pair[1], &pid, &pidfd) == -EINVAL);
	CHECK(spawn_helper("", "bin/sh", pair[1], &pid, &pidfd) == -EINVAL);
	CHECK(spawn_helper(longer, "sh", pair[1], &pid, &pidfd) == -EINVAL);
	CHECK(spawn_helper(dir, "probe", -1, &pid, &pidfd) == -EINVAL);
	CHECK(spawn_helper(dir, "probe", 999, &pid, &pidfd) == -EBADF);
	CHECK(pid == -7 && pidfd == -7);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

/* No place for the pidfd: the child does not stay behind. */
static void
out_of_descriptors(void)
{
	int pair[2], pidfd, last = -1, fd;
	pid_t pid;

	CHECK(ipc_pair(pair) == 0);
	while ((fd = dup(pair[1])) >= 0)
		last = fd;
	CHECK(last > 3);
	CHECK(spawn_helper(dir, "probe", pair[1], &pid, &pidfd) == -EMFILE);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

#define TEST(f) static void test_##f(void **state) { (void)state; child_run(f, 0); }
TEST(from_a_messy_host)
TEST(link_at_0)
TEST(link_at_1)
TEST(link_at_3)
TEST(link_at_17)
TEST(killing)
TEST(signal_is_told)
TEST(reaped_by_another)
TEST(refusals)
TEST(out_of_descriptors)

static int
make_probe(void **state)
{
	char exe[4096], path[128];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void)state;
	if (n < 0 || mkdtemp(dir) == NULL)
		return -1;
	exe[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/probe", dir);
	return symlink(exe, path);
}

static int
remove_probe(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/probe", dir);
	return unlink(path) != 0 || rmdir(dir) != 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_a_messy_host),
		cmocka_unit_test(test_link_at_0),
		cmocka_unit_test(test_link_at_1),
		cmocka_unit_test(test_link_at_3),
		cmocka_unit_test(test_link_at_17),
		cmocka_unit_test(test_killing),
		cmocka_unit_test(test_signal_is_told),
		cmocka_unit_test(test_reaped_by_another),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_out_of_descriptors),
	};

	if (argc == 1 && strstr(argv[0], "/probe") != NULL)
		_exit(probe());
	return cmocka_run_group_tests(tests, make_probe, remove_probe);
}
