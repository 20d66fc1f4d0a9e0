/* sandbox*.c: what a worker can still do, tried call by call; and the layers. */
#include "tests/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "privsep/sandbox.h"
#include "privsep/sandbox_layers.h"

enum {
	CALLS_MAX = 480, X32_BIT = 0x40000000,
	/* Since 6.14 the kernel lets these two through any filter: the trampolines of
	 * uprobes.  Outside of one they do nothing but fail or raise SIGILL. */
	NR_URETPROBE = 335, NR_UPROBE = 336,
};

static struct sandbox box;

static void
be_zygote(void)
{
	if (sandbox_enter_zygote(&box, CHILD_WORKER_UID, CHILD_WORKER_UID, 0) != 0) {
		fprintf(stderr, "%s\n", box.problem);
		_exit(1);
	}
}

/* Clones a worker that makes one call of six arguments.  Its wait status; 0 if the
 * call came back. */
static int
status_of(int use_int80, long nr, const long a[6])
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (sandbox_enter_worker(&box, 64) != 0)
			_exit(99);
#ifdef __x86_64__
		if (use_int80) {
			long rc;

			__asm__ volatile("int $0x80" : "=a"(rc) : "a"(nr), "b"(a[0]),
			    "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]) : "memory");
			_exit(0);
		}
#endif
		(void)use_int80;
		(void)syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		_exit(0);
	}
	return child_wait(pid);
}

static bool
killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* How the list stands to a number: 0 not in it, 1 with conditions, 2 freely. */
static int
listed(long nr)
{
	const struct sandbox_list *lists;
	size_t n = sandbox_filter_worker(&lists);
	int found = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < lists[i].n; j++) {
			if (lists[i].calls[j].number == nr && found < 2)
				found = lists[i].calls[j].n == 0 ? 2 : 1;
		}
	}
	return found;
}

/* ---- every number ---- */

static void
every_number(void)
{
	static const long wild[6] = { -1, -1, -1, -1, -1, -1 };
	unsigned deaths = 0, expected = 0;

	be_zygote();
	for (long nr = -1; nr < CALLS_MAX; nr++) {
		int status = status_of(0, nr, wild);

		if (nr == NR_URETPROBE || nr == NR_UPROBE)
			continue;	/* either way */
		if (listed(nr) == 2) {
			CHECK(WIFEXITED(status));
			CHECK(WEXITSTATUS(status) == (nr == SYS_exit_group ? 255 : 0));
			continue;
		}
		expected++;
		if (killed(status))
			deaths++;
		else
			fprintf(stderr, "call %ld: status %x\n", nr, status);
	}
	CHECK(deaths == expected);
	CHECK(deaths > CALLS_MAX - 40);
}

static void
every_number_of_other_abis(void)
{
	static const long wild[6] = { -1, -1, -1, -1, -1, -1 }, nothing[6];
	unsigned alive = 0;

	be_zygote();
#ifdef __x86_64__
	for (long nr = 0; nr < CALLS_MAX; nr++) {
		if (!killed(status_of(0, nr | X32_BIT, wild)))
			alive++;
		if (!killed(status_of(1, nr, nothing)))
			alive++;
	}
#endif
	CHECK(!killed(status_of(0, SYS_read, wild)) && !killed(status_of(0, SYS_close, nothing)));
	CHECK(alive == 0);
}

/* ---- arguments ---- */

enum fate { LIVES, DIES };
struct attempt {
	const char *what;
	enum fate fate;
	long nr;
	long a[6];
};

static char memory[8192] __attribute__((aligned(4096)));
static struct sockaddr_storage address = { .ss_family = AF_UNIX };
static struct timespec zero_time;
static struct msghdr message;

#define P(x) ((long)(uintptr_t)(x))
#define RW (PROT_READ | PROT_WRITE)
#define PA (MAP_PRIVATE | MAP_ANONYMOUS)

static const struct attempt *
attempts(size_t *n)
{
	static struct attempt list[128];
	const struct attempt all[] = {
		{ "ppoll",               LIVES, SYS_ppoll, { P(memory), 0, P(&zero_time), 0, 8 } },
		{ "ppoll with a mask",   DIES,  SYS_ppoll, { P(memory), 0, P(&zero_time), P(memory), 8 } },
		{ "read",                LIVES, SYS_read, { 0, P(memory), 1 } },
		{ "writev",              LIVES, SYS_writev, { 1, P(memory), 0 } },
		{ "shutdown",            LIVES, SYS_shutdown, { 0, SHUT_WR } },
		{ "recvmsg as ipc does", LIVES, SYS_recvmsg, { 0, P(&message), MSG_DONTWAIT | MSG_CMSG_CLOEXEC } },
		{ "recvmsg that waits",  DIES,  SYS_recvmsg, { 0, P(&message), MSG_CMSG_CLOEXEC } },
		{ "recvmsg peeking",     DIES,  SYS_recvmsg, { 0, P(&message), MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK } },
		{ "recvmsg without cloexec", DIES, SYS_recvmsg, { 0, P(&message), MSG_DONTWAIT } },
		{ "sendto",              LIVES, SYS_sendto, { 0, P(memory), 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0 } },
		{ "sendto an address",   DIES,  SYS_sendto, { 0, P(memory), 1, MSG_DONTWAIT | MSG_NOSIGNAL, P(&address), 16 } },
		{ "sendto a high address", DIES, SYS_sendto, { 0, P(memory), 1, MSG_NOSIGNAL, 1L << 40, 0 } },
		{ "sendto with a length", DIES, SYS_sendto, { 0, P(memory), 1, MSG_NOSIGNAL, 0, 16 } },
		{ "sendto out of band",  DIES,  SYS_sendto, { 0, P(memory), 1, MSG_OOB, 0, 0 } },
		{ "sendto fast open",    DIES,  SYS_sendto, { 0, P(memory), 1, MSG_FASTOPEN, 0, 0 } },
		{ "mmap",                LIVES, SYS_mmap, { 0, 4096, RW, PA, -1, 0 } },
		{ "mmap, 32-bit -1",     LIVES, SYS_mmap, { 0, 4096, RW, PA, 0xffffffffL, 0 } },
		{ "mmap executable",     DIES,  SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, PA, -1, 0 } },
		{ "mmap all rights",     DIES,  SYS_mmap, { 0, 4096, RW | PROT_EXEC, PA, -1, 0 } },
		{ "mmap without rights", DIES,  SYS_mmap, { 0, 4096, PROT_NONE, PA, -1, 0 } },
		{ "mmap shared",         DIES,  SYS_mmap, { 0, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0 } },
		{ "mmap fixed",          DIES,  SYS_mmap, { P(memory), 4096, RW, PA | MAP_FIXED, -1, 0 } },
		{ "mmap a descriptor",   DIES,  SYS_mmap, { 0, 4096, RW, MAP_PRIVATE, 0, 0 } },
		{ "mmap with a descriptor", DIES, SYS_mmap, { 0, 4096, RW, PA, 0, 0 } },
		{ "mmap huge",           DIES,  SYS_mmap, { 0, 4096, RW, PA | MAP_HUGETLB, -1, 0 } },
		{ "mmap locked",         DIES,  SYS_mmap, { 0, 4096, RW, PA | MAP_LOCKED, -1, 0 } },
		{ "munmap",              LIVES, SYS_munmap, { P(memory), 0 } },
		{ "mremap",              LIVES, SYS_mremap, { P(memory), 4096, 4096, MREMAP_MAYMOVE } },
		{ "mremap to a place",   DIES,  SYS_mremap, { P(memory), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, P(memory + 4096) } },
		{ "mremap leaving",      DIES,  SYS_mremap, { P(memory), 4096, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP } },
		{ "mprotect",            DIES,  SYS_mprotect, { P(memory), 4096, RW } },
		{ "mprotect executable", DIES,  SYS_mprotect, { P(memory), 4096, PROT_READ | PROT_EXEC } },
		{ "brk",                 LIVES, SYS_brk, { 0 } },
		{ "madvise away",        LIVES, SYS_madvise, { P(memory), 4096, MADV_DONTNEED } },
		{ "madvise huge",        DIES,  SYS_madvise, { P(memory), 4096, MADV_HUGEPAGE } },
		{ "madvise keep on fork", DIES, SYS_madvise, { P(memory), 4096, MADV_KEEPONFORK } },
		{ "getrandom",           LIVES, SYS_getrandom, { P(memory), 16, 0 } },
		{ "getrandom, blocking", DIES,  SYS_getrandom, { P(memory), 16, 2 } },
		{ "clock_gettime",       LIVES, SYS_clock_gettime, { CLOCK_MONOTONIC, P(&zero_time) } },
		{ "clock of a process",  DIES,  SYS_clock_gettime, { -6, P(&zero_time) } },
		{ "CPU clock",           DIES,  SYS_clock_gettime, { CLOCK_PROCESS_CPUTIME_ID, P(&zero_time) } },
		{ "socket",              DIES,  SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
		{ "socketpair",          DIES,  SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P(memory) } },
		{ "connect",             DIES,  SYS_connect, { 0, P(&address), 16 } },
		{ "bind",                DIES,  SYS_bind, { 0, P(&address), 16 } },
		{ "accept4",             DIES,  SYS_accept4, { 0, 0, 0, 0 } },
		{ "sendmsg",             DIES,  SYS_sendmsg, { 0, P(&message), MSG_DONTWAIT } },
		{ "sendmmsg",            DIES,  SYS_sendmmsg, { 0, P(&message), 0, 0 } },
		{ "recvmmsg",            DIES,  SYS_recvmmsg, { 0, P(&message), 0, 0 } },
		{ "setsockopt",          DIES,  SYS_setsockopt, { 0, SOL_SOCKET, SO_MARK, P(memory), 4 } },
		{ "openat",              DIES,  SYS_openat, { AT_FDCWD, P("/"), O_RDONLY } },
		{ "openat2",             DIES,  SYS_openat2, { AT_FDCWD, P("/"), P(memory), 24 } },
		{ "execve",              DIES,  SYS_execve, { P("/bin/sh"), 0, 0 } },
		{ "execveat",            DIES,  SYS_execveat, { 0, P(""), 0, 0, AT_EMPTY_PATH } },
		{ "clone",               DIES,  SYS_clone, { SIGCHLD, 0, 0, 0, 0 } },
		{ "clone3",              DIES,  SYS_clone3, { P(memory), 64 } },
		{ "kill itself",         DIES,  SYS_kill, { 0, 0 } },
		{ "tgkill",              DIES,  SYS_tgkill, { 1, 1, 0 } },
		{ "ptrace",              DIES,  SYS_ptrace, { 0, 0, 0, 0 } },
		{ "process_vm_readv",    DIES,  SYS_process_vm_readv, { 1, P(memory), 0, P(memory), 0, 0 } },
		{ "prctl",               DIES,  SYS_prctl, { PR_SET_DUMPABLE, 1, 0, 0, 0 } },
		{ "seccomp",             DIES,  SYS_seccomp, { 0, 0, 0 } },
		{ "prlimit64",           DIES,  SYS_prlimit64, { 0, RLIMIT_NOFILE, 0, P(memory) } },
		{ "dup",                 DIES,  SYS_dup, { 0 } },
		{ "dup3",                DIES,  SYS_dup3, { 0, 5, 0 } },
		{ "fcntl",               DIES,  SYS_fcntl, { 0, F_GETFD } },
		{ "ioctl",               DIES,  SYS_ioctl, { 0, 0x5412 /* TIOCSTI */, P("x") } },
		{ "memfd_create",        DIES,  SYS_memfd_create, { P("x"), 0 } },
		{ "pidfd_getfd",         DIES,  SYS_pidfd_getfd, { 0, 0, 0 } },
		{ "io_uring_setup",      DIES,  SYS_io_uring_setup, { 1, P(memory) } },
		{ "userfaultfd",         DIES,  SYS_userfaultfd, { 0 } },
		{ "bpf",                 DIES,  SYS_bpf, { 0, 0, 0 } },
		{ "unshare",             DIES,  SYS_unshare, { CLONE_NEWUSER } },
		{ "rt_sigaction",        DIES,  SYS_rt_sigaction, { SIGSYS, 0, 0, 8 } },
		{ "rt_sigreturn",        DIES,  SYS_rt_sigreturn, { 0 } },
		{ "splice",              DIES,  SYS_splice, { 0, 0, 1, 0, 1, 0 } },
		{ "sendfile",            DIES,  SYS_sendfile, { 1, 0, 0, 1 } },
		{ "getpid",              DIES,  SYS_getpid, { 0 } },
		{ "getuid",              DIES,  SYS_getuid, { 0 } },
		{ "futex",               DIES,  SYS_futex, { P(memory), FUTEX_WAKE_PRIVATE, 1 } },
		{ "poll",                DIES,  SYS_poll, { P(memory), 0, 0 } },
		{ "nanosleep",           DIES,  SYS_nanosleep, { P(&zero_time), 0 } },
		{ "exit of one thread",  DIES,  SYS_exit, { 0 } },
	};

	_Static_assert(sizeof(all) <= sizeof(list), "list");
	memcpy(list, all, sizeof(all));
	*n = sizeof(all) / sizeof(all[0]);
	return list;
}

static void
arguments(void)
{
	size_t n;
	const struct attempt *list = attempts(&n);
	unsigned wrong = 0;

	/* so that reading from a terminal cannot hang */
	CHECK(close(0) == 0 && open("/dev/null", O_RDONLY) == 0);
	be_zygote();
	for (size_t i = 0; i < n; i++) {
		int status = status_of(0, list[i].nr, list[i].a);

		if (list[i].fate == DIES ? killed(status) : status == 0)
			continue;
		fprintf(stderr, "%s: status %x\n", list[i].what, status);
		wrong++;
	}
	CHECK(wrong == 0);
}

/* ---- the layers ---- */

static void
inherited_layers(void)
{
	unsigned want = geteuid() == 0 ? SANDBOX_REQUIRED_ROOT : SANDBOX_REQUIRED;
	bool root = geteuid() == 0;
	uint64_t held;

	be_zygote();
	want &= ~(unsigned)(LAYER_SECCOMP | LAYER_RLIMITS);
	CHECK((box.layers & want) == want);
	CHECK((box.layers & (LAYER_SECCOMP | LAYER_RLIMITS)) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(sandbox_drop_caps_left(&held) == 0 && held == 0);
	CHECK(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0 ||
	    (!root && (box.layers & LAYER_USERNS) == 0));
	CHECK(setresuid(0, 0, 0) != 0);
	if (box.layers & LAYER_EMPTY_ROOT) {
		CHECK(access("/etc", F_OK) != 0 && access("/proc", F_OK) != 0);
		CHECK(mkdir("/x", 0700) != 0);
	}
	if (box.layers & LAYER_LANDLOCK) {
		CHECK(open("/", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	}
	if (box.layers & LAYER_MDWE) {
		CHECK(mmap(NULL, 4096, RW | PROT_EXEC, PA, -1, 0) == MAP_FAILED);
	}
	CHECK(box.report[0] != '\0' && box.problem[0] == '\0');
}

static void
limits(void)
{
	static const struct { int what; rlim_t value; } want[] = {
		{ RLIMIT_NOFILE, 64 }, { RLIMIT_NPROC, 0 }, { RLIMIT_FSIZE, 0 },
		{ RLIMIT_CORE, 0 }, { RLIMIT_MEMLOCK, 0 }, { RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_SIGPENDING, 0 },
	};
	int fds[2];
	char byte;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	be_zygote();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(sandbox_enter_worker(&box, 64) == 0);
		CHECK((box.layers & SANDBOX_REQUIRED) == SANDBOX_REQUIRED);
		CHECK(box.problem[0] == '\0');
		/* as many entries as there may be descriptors */
		CHECK(ppoll((struct pollfd[64]){ { .fd = -1 } }, 64, &zero_time, NULL) >= 0);
		(void)!write(fds[1], "x", 1);
		(void)!read(0, &byte, 0);
		for (;;)
			(void)ppoll(NULL, 0, NULL, NULL);
	}
	CHECK(read(fds[0], &byte, 1) == 1);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct rlimit rl;

		CHECK(prlimit(pid, want[i].what, NULL, &rl) == 0);
		CHECK(rl.rlim_cur == want[i].value && rl.rlim_max == want[i].value);
	}
	CHECK(kill(pid, SIGKILL) == 0);
	(void)child_wait(pid);
}

/* A normal signal stop does not bring a forbidden call with it. */
static void
survives_stop_and_continue(void)
{
	int fds[2];
	char byte;
	int status;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	be_zygote();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct timespec t = { 0, 300000000 };

		CHECK(sandbox_enter_worker(&box, 64) == 0);
		(void)!write(fds[1], "x", 1);
		(void)ppoll(NULL, 0, &t, NULL);
		_exit(7);
	}
	CHECK(read(fds[0], &byte, 1) == 1);
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	CHECK(kill(pid, SIGCONT) == 0);
	status = child_wait(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static volatile int trapped;

static void
on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	trapped = info->si_syscall;
	_exit(trapped == SYS_socket ? 5 : 6);
}

static void
trapping_tells_the_number(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	int status;
	pid_t pid;

	be_zygote();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(sigaction(SIGSYS, &action, NULL) == 0);
		CHECK(sandbox_enter_trapping(&box, 64) == 0);
		(void)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
		_exit(0);
	}
	status = child_wait(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

static void
worker_without_zygote(void)
{
	struct sandbox empty = { 0 };

	CHECK(sandbox_enter_worker(&empty, 64) == -1);
	CHECK(strstr(empty.problem, "zygote") != NULL);
	CHECK((empty.layers & LAYER_SECCOMP) == 0);
}

/* The second best, for containers that may not mount. */
static void
chroot_is_empty_too(void)
{
	CHECK(sandbox_root_chroot() == 0);
	CHECK(access("/etc", F_OK) != 0 && access("/proc", F_OK) != 0);
	CHECK(open("/x", O_CREAT | O_WRONLY, 0600) < 0);
	CHECK(chdir("..") == 0 && access("etc", F_OK) != 0);
}

static void
ids_that_are_none(void)
{
	CHECK(sandbox_drop_ids(0, 5) == -EINVAL);
	CHECK(sandbox_drop_ids(5, 0) == -EINVAL);
	CHECK(sandbox_drop_ids(UINT32_MAX, 5) == -EINVAL);
	CHECK(sandbox_drop_ids(5, UINT32_MAX) == -EINVAL);
	CHECK(geteuid() == 0);
	CHECK(sandbox_drop_ids(5, 6) == 0);
	CHECK(geteuid() == 5 && getegid() == 6 && setresgid(0, 0, 0) != 0);
}

/* As on systems without user namespaces for all: said, required only if asked for. */
static void
without_namespaces(void)
{
	int fd;

	CHECK(sandbox_root_userns() == 0);
	fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
	CHECK(fd >= 0 && write(fd, "0", 1) == 1);
	CHECK(sandbox_drop_caps(0) == 0);
	CHECK(sandbox_enter_zygote(&box, 0, 0, LAYER_USERNS) == -1);
	CHECK(strstr(box.problem, "user namespace: ENOSPC") != NULL);
	be_zygote();
	CHECK((box.layers & (LAYER_USERNS | LAYER_MOUNTNS | LAYER_NETNS | LAYER_IPCNS |
	    LAYER_EMPTY_ROOT | LAYER_UID)) == 0);
	CHECK(strstr(box.report, "root of the host") != NULL);
	CHECK(strstr(box.report, "; without user namespace (ENOSPC) mount namespace (EPERM)") != NULL);
	CHECK(strstr(box.report, "empty root (E") != NULL);
	if (box.layers & LAYER_LANDLOCK)
		CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
}

/* A layer that got lost on the way is noticed, not assumed. */
static void
lost_layer(void)
{
	be_zygote();
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	CHECK(sandbox_enter_worker(&box, 64) == -1);
	CHECK(strstr(box.problem, "gone") != NULL);
}

static void
zygote_filter(void)
{
	int status;
	pid_t pid;

	be_zygote();
	for (int i = 0; i < 2; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK(sandbox_filter_self(&box) == 0);
			if (i == 0)
				(void)syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
			/* a worker's filter goes on top */
			CHECK(sandbox_enter_worker(&box, 64) == 0);
			_exit(7);
		}
		status = child_wait(pid);
		CHECK(i == 0 ? killed(status) : WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
}

static void
monitor(void)
{
	bool root = geteuid() == 0;
	struct sandbox sb;
	uint64_t held;
	int status;
	pid_t pid;

	CHECK(sandbox_enter_monitor(&sb) == 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(sandbox_drop_caps_left(&held) == 0);
	CHECK((held >> CAP_SYS_PTRACE & 1) == 0 && (held >> CAP_NET_ADMIN & 1) == 0 &&
	    (held >> CAP_DAC_OVERRIDE & 1) == 0);
	CHECK(root == (held != 0));
	CHECK(root == ((sb.layers & LAYER_NO_CAPS) == 0));
	/* what it starts keeps no more */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", "grep -q '^CapEff:.*0000000000000000$' "
		    "/proc/self/status && exit 3; grep -q '^CapEff:.*ffff$' /proc/self/status "
		    "&& exit 4; exit 5", (char *)NULL);
		_exit(1);
	}
	status = child_wait(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (root ? 5 : 3));
}

static void
keyload_box(void)
{
	static const long forbidden[] = { SYS_socket, SYS_execve, SYS_sendmsg, SYS_kill, SYS_ptrace,
#ifndef POSTERN_SAN
		SYS_openat, SYS_write, SYS_recvmsg, SYS_close,
#endif
	};
	const size_t n = sizeof(forbidden) / sizeof(forbidden[0]);
	struct sandbox sb;
	char byte;
	int status, fd = open("/bin/sh", O_RDONLY);
	pid_t pid;

	CHECK(fd >= 0);
	for (size_t i = 0; i <= n; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK(sandbox_enter_keyload(&sb) == 0);
			CHECK(sb.layers == SANDBOX_REQUIRED);
			if (i < n)
				(void)syscall(forbidden[i], 0, 0, 0, 0, 0, 0);
			_exit(pread(fd, &byte, 1, 0) == 1 ? 7 : 8);
		}
		status = child_wait(pid);
		CHECK(i < n ? killed(status) : WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
}

static void
names(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(sandbox_syscall_name(SYS_openat, buf, sizeof(buf)), "openat");
	assert_string_equal(sandbox_syscall_name(99999, buf, sizeof(buf)), "system call 99999");
}

#define BOTH(f) static void test_##f(void **state) { (void)state; child_run_both(f); }
#define ALONE(f, user) static void test_##f(void **state) { (void)state; \
	if (geteuid() != 0 && !(user)) skip(); else child_run(f, geteuid() == 0 && (user)); }
ALONE(chroot_is_empty_too, 0)
ALONE(ids_that_are_none, 0)
ALONE(without_namespaces, 1)
BOTH(inherited_layers)
BOTH(limits)
BOTH(survives_stop_and_continue)
BOTH(trapping_tells_the_number)
BOTH(worker_without_zygote)
BOTH(lost_layer)
BOTH(zygote_filter)
BOTH(monitor)
BOTH(keyload_box)
/* The sanitizers' runtime needs more calls, so there the lists prove nothing. */
#ifdef POSTERN_SAN
#define EXACT(f) static void test_##f(void **state) { (void)state; (void)f; skip(); }
#else
#define EXACT(f) BOTH(f)
#endif
EXACT(every_number)
EXACT(every_number_of_other_abis)
EXACT(arguments)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_number),
		cmocka_unit_test(test_every_number_of_other_abis),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_inherited_layers),
		cmocka_unit_test(test_chroot_is_empty_too),
		cmocka_unit_test(test_ids_that_are_none),
		cmocka_unit_test(test_without_namespaces),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_survives_stop_and_continue),
		cmocka_unit_test(test_trapping_tells_the_number),
		cmocka_unit_test(test_worker_without_zygote),
		cmocka_unit_test(test_lost_layer),
		cmocka_unit_test(test_zygote_filter),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_keyload_box),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
