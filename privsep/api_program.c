/*
 * api_program.c - programs that serve subsystems, each in a process of its own.
 *
 * By posix_spawn, with signals to default, a session of its own, and of all descriptors
 * only the three of its channel: nothing of the host program is inherited.  A function of
 * the host's is run by api_program_fork.c; from there on it is a program like others.
 * The worker holds the other ends, so no byte passes through here.  The host may reap
 * whatever child ends (waitpid(-1)), this one too: a program is known by its pidfd and
 * never by a number that may be another's by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/api.h"
#include "privsep/spawn.h"

enum { FIRST_FREE_FD = 3, STATUS_UNKNOWN = 255 };

struct api_program {
	LIST_ENTRY(api_program) next;
	uint64_t id, conn, chan;
	int pidfd;
};

/* The three pipes: [i][0] is the program's end, [i][1] the worker's. */
struct pipes { int fd[3][2]; };

/* ---- starting ---- */

static void
close_pipes(struct pipes *p)
{
	for (size_t i = 0; i < 3; i++)
		ipc_close_fds(p->fd[i], 2);
}

static int
make_pipes(struct pipes *p)
{
	for (size_t i = 0; i < 3; i++) {
		int pair[2], theirs = i == 0 ? 0 : 1;

		if (pipe2(pair, O_CLOEXEC) != 0)
			return -errno;
		p->fd[i][1] = pair[1 - theirs];
		/* not 0 to 2, if the host has closed those: they are about to be replaced */
		p->fd[i][0] = fcntl(pair[theirs], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
		if (p->fd[i][0] < 0) {
			int r = -errno;

			(void)close(pair[theirs]);	/* nothing to be done about it */
			return r;
		}
		(void)close(pair[theirs]);	/* nothing to be done about it */
	}
	return 0;
}

/* 0 or a positive errno, as the posix_spawn family has it. */
static int
plan_descriptors(posix_spawn_file_actions_t *plan, const struct pipes *p)
{
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++)
		rc = posix_spawn_file_actions_adddup2(plan, p->fd[i][0], i);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(plan, FIRST_FREE_FD);
	return rc;
}

/* Its pid, or -errno. */
static pid_t
spawn(postern_context *ctx, const struct pipes *p, const struct api_program_what *w)
{
	posix_spawn_file_actions_t plan;
	pid_t pid;
	int rc;

	if (w->run != NULL)
		return api_program_fork(ctx, (const int[]){ p->fd[0][0], p->fd[1][0],
		    p->fd[2][0] }, w);
	rc = posix_spawn_file_actions_init(&plan);
	if (rc != 0)
		return -rc;
	rc = plan_descriptors(&plan, p);
	pid = rc == 0 ? spawn_planned(&plan, w->argv[0], w->argv, w->envp) : -rc;
	(void)posix_spawn_file_actions_destroy(&plan);
	return pid;
}

/*
 * A descriptor for the child.  In a host with threads that reap all children it may be
 * gone already: then the number says nothing, and who it was is not known any more.
 */
static int
watch(struct api_program *p, pid_t pid, postern_context *ctx)
{
	int r;

	p->pidfd = pidfd_open(pid, 0);
	if (p->pidfd < 0)
		return -errno;
	if (waitid(P_PIDFD, (id_t)p->pidfd, NULL, WEXITED | WNOHANG | WNOWAIT) != 0) {
		r = -errno;
		ipc_close_fds(&p->pidfd, 1);	/* another's, who has the same number now */
		return r;
	}
	r = api_loop_add(ctx, p->pidfd, API_PROGRAM, p->id, EPOLLIN);
	if (r == 0)
		return 0;
	(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);	/* it lives, or has ended */
	(void)waitid(P_PIDFD, (id_t)p->pidfd, NULL, WEXITED);
	ipc_close_fds(&p->pidfd, 1);
	return r;
}

int
api_program_start(postern_channel *ch, const struct api_program_what *w)
{
	const char *what = w->run != NULL ? "its function" : w->argv[0];
	struct pipes pipes = { { { -1, -1 }, { -1, -1 }, { -1, -1 } } };
	postern_context *ctx = ch->t->ctx;
	struct api_program *p;
	pid_t pid;
	int r;

	if (ch->take != API_TAKE_NONE)
		return POSTERN_ESTATE;
	if (ctx->n_programs >= API_PROGRAMS_MAX)
		return POSTERN_ELIMIT;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->id = api_context_serial(ctx);
	p->conn = ch->t->id;
	p->chan = ch->id;
	p->pidfd = -1;
	r = make_pipes(&pipes);
	pid = r == 0 ? spawn(ctx, &pipes, w) : r;
	r = pid > 0 ? watch(p, pid, ctx) : (int)pid;
	if (r < 0) {
		api_log_chan(ch->t, ch->id, POSTERN_ERROR, "channel %s: cannot start %s: %s",
		    ch->name, what, postern_strerror(r));
		close_pipes(&pipes);
		free(p);
		return r;
	}
	LIST_INSERT_HEAD(&ctx->programs, p, next);
	ctx->n_programs++;
	api_log_chan(ch->t, ch->id, POSTERN_VERBOSE, "channel %s: %s is process %d", ch->name,
	    what, (int)pid);
	r = postern_channel_take_pipes(ch, pipes.fd[0][1], pipes.fd[1][1], pipes.fd[2][1]);
	for (size_t i = 0; i < 3; i++)
		pipes.fd[i][1] = -1;	/* taken */
	close_pipes(&pipes);		/* the program's own are the last: its end is seen */
	return r;
}

/* ---- ending ---- */

struct ending { int status, signal; bool core; };

static void
ending_of(struct ending *e, int status)
{
	if (WIFSIGNALED(status)) {
		e->signal = WTERMSIG(status);
		e->core = WCOREDUMP(status);
	} else {
		e->status = WEXITSTATUS(status);
	}
}

/*
 * The host was faster, so the status is not ours to fetch.  Kernels from 6.15 keep it
 * for who holds the pidfd; with others it is unknown, which must not look like success.
 */
static bool
ask_kernel(int pidfd, struct ending *e)
{
	struct {
		uint64_t mask, cgroup;
		uint32_t numbers[11];	/* pid, tgid, ppid and eight ids */
		int32_t exit_code;
	} info = { .mask = 1 << 3 };	/* PIDFD_INFO_EXIT */

	_Static_assert(sizeof(info) == 64, "PIDFD_INFO_SIZE_VER0");
	if (ioctl(pidfd, _IOWR(0xFF, 11, info), &info) != 0 || (info.mask & (1 << 3)) == 0)
		return false;
	ending_of(e, info.exit_code);
	return true;
}

/* False: it lives. */
static bool
reap(int pidfd, struct ending *e)
{
	siginfo_t info = { .si_pid = 0 };
	int rc;

	*e = (struct ending){ .status = STATUS_UNKNOWN };
	do {
		rc = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
	} while (rc != 0 && errno == EINTR);
	if (rc != 0) {
		(void)ask_kernel(pidfd, e);	/* else it stays unknown */
		return true;
	}
	if (info.si_pid == 0)
		return false;
	if (info.si_code == CLD_EXITED) {
		e->status = info.si_status;
	} else {
		e->signal = info.si_status;
		e->core = info.si_code == CLD_DUMPED;
	}
	return true;
}

static void
forget(postern_context *ctx, struct api_program *p)
{
	api_loop_del(ctx, p->pidfd);
	ipc_close_fds(&p->pidfd, 1);
	LIST_REMOVE(p, next);
	ctx->n_programs--;
	free(p);
}

static void
tell(postern_channel *ch, const struct ending *e)
{
	const char *name = e->signal != 0 ? sigabbrev_np(e->signal) : NULL;
	int r;

	if (e->signal != 0)
		/* RFC 4254 6.10 has names for some; others are private to a system */
		r = postern_channel_send_exit_signal(ch, name != NULL ? name : "unknown@postern",
		    e->core, "");
	else
		r = postern_channel_send_exit_status(ch, (uint32_t)e->status);
	if (r < 0)
		api_log(ch->t->ctx, ch->t, POSTERN_VERBOSE,
		    "channel %s: how its program ended was not told: %s", ch->name,
		    postern_strerror(r));
}

void
api_program_ready(postern_context *ctx, uint64_t id)
{
	postern_transport *t;
	postern_channel *ch;
	struct api_program *p;
	struct ending e;

	LIST_FOREACH(p, &ctx->programs, next) {
		if (p->id == id)
			break;
	}
	if (p == NULL || !reap(p->pidfd, &e))
		return;
	t = api_transport_find(ctx, p->conn);
	ch = t != NULL ? api_channel_find(t, p->chan) : NULL;
	forget(ctx, p);
	if (ch != NULL && ch->state == API_OPEN && !t->is_over)
		tell(ch, &e);
}

void
api_program_hang_up(const postern_channel *ch)
{
	struct api_program *p;

	/* a forked child gives its copies back and leaves the parent's programs alone */
	if (api_context_enter(ch->t->ctx) < 0)
		return;
	LIST_FOREACH(p, &ch->t->ctx->programs, next) {
		/* whoever it served is gone; it may still end in order.  Fails only for
		 * one that has ended. */
		if (p->conn == ch->t->id && p->chan == ch->id)
			(void)pidfd_send_signal(p->pidfd, SIGHUP, NULL, 0);
	}
}

void
api_program_end_all(postern_context *ctx)
{
	bool is_ours = ctx->pid == getpid();
	struct api_program *p;

	while ((p = LIST_FIRST(&ctx->programs)) != NULL) {
		if (is_ours) {
			/* both fail only for one that is gone */
			(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
			(void)waitid(P_PIDFD, (id_t)p->pidfd, NULL, WEXITED);
		}
		forget(ctx, p);
	}
}
