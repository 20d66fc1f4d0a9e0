/*
 * monitor_os_play.h - what is around a monitor in the test's own process: the system, the
 * zygote, and the links by which it is talked to.
 *
 * Links are real; processes are not: a "pidfd" is an eventfd that becomes readable
 * when its child is dead.  The clock stands still until the test moves it.
 */
#ifndef TESTS_MONITOR_OS_PLAY_H
#define TESTS_MONITOR_OS_PLAY_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "privsep/monitor.h"

enum { PLAY_CHILDREN = 512, PLAY_PID = 5000, PLAY_TURNS = 12, PLAY_LAYERS = 0x1fff };
enum play_kind { PLAY_ZYGOTE = 1, PLAY_KEYLOAD, PLAY_WORKER };

struct play_child {
	enum play_kind kind;
	pid_t pid;
	int link, event;		/* event: -1 until somebody has a pidfd  */
	uint64_t serial;		/* worker: of its FORK                   */
	bool dead, reaped;
	int signal, status;
};
struct play {
	struct monitor *m;
	int app;			/* the application's end                 */
	struct play_child child[PLAY_CHILDREN];
	size_t n;
	uint64_t now, wall;		/* milliseconds; seconds since 1970      */
	bool zygote_silent, worker_silent;	/* does not answer               */
	int spawn_error;
	uint8_t rx[IPC_MESSAGE_MAX];	/* the last message taken                */
	size_t rx_len;
	int rx_fds[IPC_FDS_MAX];
	size_t rx_nfds;
	uint8_t seed[32], host_blob[64], user_seed[32], user_blob[64];
	size_t host_blob_len, user_blob_len;
	uint64_t user_key;		/* its serial, once loaded               */
};

static struct play play;		/* the fake system has no other argument */

/* ---- the system ---- */

static inline struct play_child *
play_by_pid(pid_t pid)
{
	for (size_t i = 0; i < play.n; i++)
		if (play.child[i].pid == pid)
			return &play.child[i];
	return NULL;
}

static inline struct play_child *
play_by_event(int event)
{
	for (size_t i = play.n; i > 0; i--)
		if (play.child[i - 1].event == event && !play.child[i - 1].reaped)
			return &play.child[i - 1];
	fail_msg("no child has pidfd %d", event);
	return NULL;
}

static inline struct play_child *
play_add(enum play_kind kind, int link)
{
	struct play_child *c = &play.child[play.n];

	assert_true(play.n < PLAY_CHILDREN);
	*c = (struct play_child){ .kind = kind, .pid = PLAY_PID + (pid_t)play.n, .link = link,
		.event = -1 };
	play.n++;
	return c;
}

static inline int
play_spawn(const char *dir, const char *name, int link, pid_t *pid, int *pidfd)
{
	struct play_child *c;

	assert_string_equal(dir, "/where/helpers/are");
	if (play.spawn_error != 0)
		return play.spawn_error;
	c = play_add(strcmp(name, "postern-worker") == 0 ? PLAY_ZYGOTE : PLAY_KEYLOAD,
	    fcntl(link, F_DUPFD_CLOEXEC, 0));
	if (c->kind == PLAY_KEYLOAD)
		assert_string_equal(name, "postern-keyload");
	c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*pid = c->pid;
	*pidfd = c->event;
	return 0;
}

static inline int
play_adopt(pid_t pid)
{
	struct play_child *c = play_by_pid(pid);

	if (c == NULL)
		return -ECHILD;
	c->event = eventfd(c->dead, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->event;
}

/* The child ends, as the kernel shows it: its link closes, its pidfd is readable. */
static inline void
play_die(struct play_child *c, int sig, int status)
{
	if (c->dead)
		return;
	c->dead = true;
	c->signal = sig;
	c->status = status;
	if (c->link >= 0)
		(void)close(c->link);
	c->link = -1;
	if (c->event >= 0)
		assert_int_equal(eventfd_write(c->event, 1), 0);
}

static inline void
play_kill(int pidfd)
{
	play_die(play_by_event(pidfd), SIGKILL, 0);
}

static inline int
play_reap(int pidfd, int *sig, int *status)
{
	struct play_child *c = play_by_event(pidfd);

	if (!c->dead)
		return 0;
	*sig = c->signal;
	*status = c->status;
	c->reaped = true;
	return 1;
}

static inline int
play_end(int pidfd)
{
	struct play_child *c = play_by_event(pidfd);

	play_die(c, SIGKILL, 0);
	c->reaped = true;
	(void)close(pidfd);
	return c->signal;
}

static inline bool
play_reap_stray(bool (*is_ours)(void *, pid_t), void *arg)
{
	for (size_t i = 0; i < play.n; i++) {
		struct play_child *c = &play.child[i];

		if (c->dead && !c->reaped && !is_ours(arg, c->pid)) {
			c->reaped = true;
			return true;
		}
	}
	return false;
}

static inline uint64_t
play_now(void)
{
	return play.now;
}

static inline uint64_t
play_wall(void)
{
	return play.wall;
}

static const struct monitor_os play_os = { play_spawn, play_adopt, play_kill, play_reap,
	play_end, play_reap_stray, play_now, play_wall };

/* ---- the others' obedient behaviour ---- */

static inline ssize_t
play_recv(int fd, uint8_t *buf, int *fds, size_t *nfds)
{
	return fd < 0 ? -EAGAIN : ipc_recv(fd, buf, IPC_MESSAGE_MAX, fds, nfds);
}

static inline void
play_fork(struct play_child *z, struct rd r, int *fds)
{
	struct ipc_FORK q;
	struct play_child *w;

	assert_true(ipc_get_FORK(&r, fds, &q));
	w = play_add(PLAY_WORKER, q.link);
	w->serial = q.serial;
	if (play.worker_silent)
		return;
	assert_int_equal(ipc_send_FORKED(z->link, &(struct ipc_FORKED){ .serial = q.serial,
	    .pid = (uint32_t)w->pid }), 0);
	assert_int_equal(ipc_send_READY(w->link, &(struct ipc_READY){ .layers = PLAY_LAYERS,
	    .report = span_str("in a test") }), 0);
}

static inline void
play_zygote(struct play_child *z)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	uint8_t schema[IPC_SCHEMA_LEN];
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
	size_t nfds = 0;
	ssize_t n;

	while (!z->dead && (n = play_recv(z->link, buf, fds, &nfds)) != -EAGAIN) {
		if (n <= 0) {
			play_die(z, 0, 0);
			return;
		}
		if (buf[0] == IPC_MSG_FORK) {
			play_fork(z, (struct rd){ buf + 1, (size_t)n - 1, false }, fds);
			continue;
		}
		assert_int_equal(buf[0], IPC_MSG_ZYGOTE_SETUP);
		ipc_schema(schema);
		if (!play.zygote_silent)
			assert_int_equal(ipc_send_ZYGOTE_READY(z->link, &(struct ipc_ZYGOTE_READY){
			    .schema = span_of(schema, sizeof(schema)), .layers = PLAY_LAYERS,
			    .report = span_str("zygote in a test") }), 0);
	}
}

/* Runs everybody until nothing more happens. */
static inline void
play_run(void)
{
	for (int i = 0; i < PLAY_TURNS && !play.m->over; i++) {
		(void)monitor_turn(play.m, 0);
		for (size_t j = 0; j < play.n; j++)
			if (play.child[j].kind == PLAY_ZYGOTE)
				play_zygote(&play.child[j]);
	}
}

static inline void
play_wait(uint64_t ms)
{
	play.now += ms;
	play_run();
}

/* ---- reading what the monitor says ---- */

static inline bool
play_take(int fd)
{
	ssize_t n;

	ipc_close_fds(play.rx_fds, play.rx_nfds);
	play.rx_nfds = 0;
	n = play_recv(fd, play.rx, play.rx_fds, &play.rx_nfds);
	play.rx_len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The next message to the application that is not a remark; 0: none. */
static inline int
play_next(void)
{
	while (play_take(play.app))
		if (play.rx[0] != IPC_MSG_REMARK)
			return play.rx[0];
	return 0;
}

#define PLAY_DECODE(NAME, q) do { \
	struct rd r_ = { play.rx + 1, play.rx_len - 1, false }; \
	if (play.rx_len == 0 || play.rx[0] != IPC_MSG_##NAME) \
		fail_msg("wanted %s, got %s", #NAME, \
		    play.rx_len == 0 ? "nothing" : ipc_rows[play.rx[0]].name); \
	assert_true(ipc_get_##NAME(&r_, play.rx_fds, q)); } while (0)
/* Spans in q live until the next message is taken. */
#define PLAY_EXPECT(NAME, q) do { play.rx_len = 0; (void)play_next(); PLAY_DECODE(NAME, q); } while (0)
#define PLAY_WORKER_EXPECT(w, NAME, q) do { (void)play_take((w)->link); PLAY_DECODE(NAME, q); } while (0)
#define PLAY_QUIET() assert_int_equal(play_next(), 0)
#define PLAY_WORKER_QUIET(w) assert_false(play_take((w)->link))
#define PLAY_TELL(NAME, ...) do { \
	assert_int_equal(ipc_send_##NAME(play.app, &(struct ipc_##NAME){ __VA_ARGS__ }), 0); \
	play_run(); } while (0)
#define PLAY_SAY(w, NAME, ...) do { \
	assert_int_equal(ipc_send_##NAME((w)->link, &(struct ipc_##NAME){ __VA_ARGS__ }), 0); \
	play_run(); } while (0)

#define PLAY_ENDED(conn_, outcome_, end) do { \
	PLAY_EXPECT(END_OF, end); \
	assert_int_equal((end)->conn, conn_); \
	assert_int_equal((end)->outcome, outcome_); } while (0)

static inline bool
play_contains(struct span s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

#endif
