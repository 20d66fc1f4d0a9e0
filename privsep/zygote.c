/*
 * zygote.c - main of postern-worker: the warm process that workers are cloned from.
 *
 * It reads nothing but two messages of the monitor, holds no secret and has no
 * privilege once it is set up.  It must never see a network byte.  Its clones are
 * the monitor's children, not its own (CLONE_PARENT), so they outlive it and nobody
 * else can claim their numbers; each closes all but its own link before anything
 * else, for a worker that could reach the zygote's link could reach its siblings'.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ipc/ipc.h"
#include "privsep/canary.h"
#include "privsep/rehearsal.h"
#include "privsep/sandbox.h"
#include "privsep/spawn.h"
#include "privsep/worker.h"

struct zygote {
	int link;
	pid_t monitor;
	unsigned phase;
	struct ipc_once once;
	struct sandbox sandbox;
};

/* The monitor reads whenever it can; until then there is nothing else to do. */
static void
wait_for(const struct zygote *z, short events)
{
	struct pollfd fd = { .fd = z->link, .events = events };

	/* interrupted: the caller tries again */
	(void)ppoll(&fd, 1, NULL, NULL);
}

/* ---- what it says ------------------------------------------------------------ */

static _Noreturn void
fail(const struct zygote *z, const char *text)
{
	struct ipc_ZYGOTE_FAILED m = { .text = span_str(text) };

	while (ipc_send_ZYGOTE_FAILED(z->link, &m) == -EAGAIN)
		wait_for(z, POLLOUT);
	_exit(1);
}

static int
say_ready(const struct zygote *z)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct ipc_ZYGOTE_READY m = { .schema = span_of(schema, sizeof(schema)),
		/* the worker's own two are not the zygote's, but were rehearsed */
		.layers = z->sandbox.layers | LAYER_RLIMITS | LAYER_SECCOMP,
		.report = span_str(z->sandbox.report) };
	int rc;

	ipc_schema(schema);
	while ((rc = ipc_send_ZYGOTE_READY(z->link, &m)) == -EAGAIN)
		wait_for(z, POLLOUT);
	return rc;
}

static int
say_forked(const struct zygote *z, uint64_t serial, pid_t pid)
{
	struct ipc_FORKED m = { .serial = serial, .pid = (uint32_t)pid };
	int rc;

	while ((rc = ipc_send_FORKED(z->link, &m)) == -EAGAIN)
		wait_for(z, POLLOUT);
	return rc;
}

/* ---- what it is told --------------------------------------------------------- */

/* Dies with the monitor.  After the change of ids, which resets it; and the
 * monitor may have died before it was set. */
static bool
bound_to_monitor(const struct zygote *z)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == z->monitor;
}

/*
 * What has been freed before lies between what is kept, and a worker's own few KiB
 * would each make a page its own.  Taken here, once for all workers, they leave each
 * of them the end of the heap, which it has for itself anyway.  Never freed.
 */
enum { HOLE_MAX = 64 * 1024, HOLE_MIN = 16 };

static void
fill_holes(void)
{
	for (size_t n = HOLE_MAX; n >= HOLE_MIN; n /= 2) {
		struct mallinfo2 before = mallinfo2();

		/* keepcost is the end of the heap, fordblks all that is free */
		while (before.fordblks - before.keepcost >= n) {
			void *p = malloc(n);
			struct mallinfo2 after = mallinfo2();

			if (p == NULL || after.keepcost != before.keepcost) {
				free(p);	/* no hole is so large: it was of the end */
				break;
			}
			before = after;
		}
	}
}

static int
on_ZYGOTE_SETUP(struct zygote *z, const struct ipc_ZYGOTE_SETUP *m)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	char problem[512];

	ipc_schema(schema);
	if (!span_eq(m->schema, span_of(schema, sizeof(schema))))
		fail(z, "postern-worker and postern-monitor are of different builds");
	/* while there still is a file system to find algorithms in */
	if (crypto_init() != 0)
		fail(z, crypto_problem());
	if (sandbox_enter_zygote(&z->sandbox, m->uid, m->gid, m->layers_required) != 0)
		fail(z, z->sandbox.problem);
	if (!bound_to_monitor(z))
		_exit(1);
	if (rehearsal_run(&z->sandbox, problem, sizeof(problem)) != 0)
		fail(z, problem);
	if (sandbox_filter_self(&z->sandbox) != 0)
		fail(z, z->sandbox.problem);
	fill_holes();
	z->phase = P_SERVE;
	return say_ready(z);
}

/*
 * The clone's side.  Never returns, nor does anything below it: the frames above
 * still carry the zygote's canary.
 */
static _Noreturn __attribute__((noinline)) void
live(struct zygote *z, int link)
{
	uint64_t fresh;

	/* over the zygote's own link, and then everything behind it */
	if (dup3(link, SPAWN_LINK_FD, O_CLOEXEC) < 0 ||
	    close_range(SPAWN_LINK_FD + 1, ~0U, 0) != 0)
		_exit(1);
	/* A clone starts without its zygote's death signal.  Its parent is the
	 * monitor, so this one means the monitor's death; the zygote's is no matter. */
	if (!bound_to_monitor(z))
		_exit(1);
	crypto_random_fork();
	crypto_random(&fresh, sizeof(fresh));
	canary_renew(fresh);
	worker_main(SPAWN_LINK_FD, &z->sandbox);
}

static int
on_FORK(struct zygote *z, const struct ipc_FORK *m)
{
	/* Not fork(): only clone3 can make a sibling.  The end of it is told to the
	 * monitor by the signal that the zygote's own would be. */
	struct clone_args args = { .flags = CLONE_PARENT };
	char problem[64];
	long pid;

	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		live(z, m->link);
	(void)close(m->link);
	if (pid < 0) {
		(void)snprintf(problem, sizeof(problem), "clone: %s", strerrorname_np(errno));
		fail(z, problem);
	}
	return say_forked(z, m->serial, (pid_t)pid);
}

/* ---- the loop ------------------------------------------------------------------ */

static int
dispatch(struct zygote *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_M2Z
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

/* One message.  0, or negative: the end. */
static int
turn(struct zygote *z)
{
	uint8_t buf[256];
	int fds[IPC_FDS_MAX];
	size_t nfds;
	ssize_t n;
	int rc;

	n = ipc_recv(z->link, buf, sizeof(buf), fds, &nfds);
	if (n == -EAGAIN) {
		wait_for(z, POLLIN);
		return 0;
	}
	if (n <= 0)
		return n == 0 ? -EPIPE : (int)n;
	if (ipc_admit(IPC_M2Z, z->phase, K_NONE, &z->once, buf, (size_t)n, nfds, NULL) == NULL) {
		ipc_close_fds(fds, nfds);
		return IPC_BROKEN;
	}
	rc = dispatch(z, buf[0], rd_of(span_of(buf + 1, (size_t)n - 1)), fds);
	ipc_close_fds(fds, nfds);	/* what no handler took */
	return rc;
}

int
main(void)
{
	static struct zygote zygote = { .link = SPAWN_LINK_FD, .phase = P_HELLO };
	int rc;

	_Static_assert((int)IPC_MAX_ZYGOTE_SETUP <= 256 && (int)IPC_MAX_FORK <= 256, "inbox");
	zygote.monitor = getppid();
	/* inherited by the workers, whose peers hang up when they like */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	do {
		rc = turn(&zygote);
	} while (rc == 0);
	/* Closed by the monitor: retired.  Not exit: what libraries registered there
	 * makes calls that the filter does not know. */
	_exit(rc == -EPIPE ? 0 : 1);
}
