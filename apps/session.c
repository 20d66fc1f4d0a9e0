/*
 * session.c - the loop of the session process: orders from posternd, connections to
 * its listening sockets, children that end, and nothing else.
 *
 * Becomes the user before the first order is read, for good, or ends.  No file of
 * posternd's is open here and no secret was in the memory it was forked from.  When
 * the link ends, so does it: terminals are hung up, as sshd does, and what it made in
 * the file system is removed.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <bsd/unistd.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/session_link.h"
#include "apps/session_state.h"

enum {
	PAGE = 4096,
	STACK_RELEASED = 192 * 1024,	/* more than the lookups of a login take */
	LINK_MS = 30000,		/* posternd is stuck when it does not read for so long */
	POLL_MAX = 2 + SESSION_CONNECTS_MAX + SESSION_LISTENERS_MAX * SESSION_SOCKETS_MAX
};

/* Everything is given back, then the process ends. */
static _Noreturn void leave(struct session *s, int status)
{
	session_forward_leave(s);
	session_channel_leave(s);
	session_listen_leave(s);
	session_authinfo_leave(s);
	_exit(status);
}

void session_report(struct session *s, union session_report *r, const int *fds, size_t n)
{
	struct pollfd p = { .fd = s->link, .events = POLLOUT };
	int sent;

	while ((sent = session_link_send(s->link, r, session_report_size(r->head.kind), fds, n)) ==
	    -EAGAIN && poll(&p, 1, LINK_MS) > 0)
		continue;
	if (sent < 0)
		leave(s, sent == -EPIPE || sent == -ECONNRESET ? 0 : 1);
}

void session_reply(struct session *s, bool ok, const char *note, const int *fds, size_t n)
{
	union session_report r;

	memset(&r, 0, sizeof(r));
	r.head = s->order.head;
	r.head.kind = SESSION_REPLY;
	r.reply.ok = ok;
	(void)session_link_put(r.reply.note, sizeof(r.reply.note), note);
	session_report(s, &r, fds, n);
}

static void reap(struct session *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(s->signals, &info, sizeof(info)) > 0)
		if (info.ssi_signo == SIGTERM)
			leave(s, 0);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!session_channel_reaped(s, pid, status))
			session_forward_reaped(s, pid);
}

static void tell(struct session *s, const char *note)
{
	struct session_note n;

	memset(&n, 0, sizeof(n));
	n.head.kind = SESSION_NOTE;
	(void)session_link_put(n.text, sizeof(n.text), note);
	/* posternd may be gone: then there is nobody to tell */
	(void)session_link_send(s->link, &n, sizeof(n), NULL, 0);
}

static _Noreturn void end(struct session *s, const char *note)
{
	tell(s, note);
	leave(s, 1);
}

static void begin(struct session *s)
{
	struct account_from from = { s->from->user, s->from->address, s->from->local,
	    s->from->local_port };
	char why[ACCOUNT_NOTE_MAX] = "";
	static struct conf view;
	struct conf_bits bits;
	sigset_t mask;

	setproctitle("session %s", s->from->user);
	account_user_find(s->conf, s->from->user, &s->user);
	if (!s->user.exists)
		end(s, "the user is gone");
	/* groups are asked for while NSS may still need our rights */
	s->conf = account_match(s->conf, &s->user, &from, &bits, &view);
	if (s->conf == NULL)
		end(s, "no memory for the configuration");
	if (s->conf->use_pam && !session_keeper_begin(s, why))
		end(s, why);
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);	/* files of the login are to be removed first */
	s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (setsid() < 0 || s->signals < 0)
		end(s, "no session");
	if (account_user_become(&s->user) < 0)
		end(s, "cannot become the user");
	/* set after the change of ids, which resets it: no other process of the user may
	 * trace this one and speak over its link */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		end(s, "cannot be made undumpable");
	umask(umask(0077) | 0022);
	/* as with sshd, a login whose programs will miss it is a login */
	if (!session_authinfo_begin(s))
		tell(s, "ExposeAuthInfo: the file cannot be made");
}

/* A login at rest keeps the pages that it is in, not those where the lookups of its
 * beginning have been.  Below them is what the kernel keeps free for the stack. */
static void release_stack(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), end = here - here % PAGE - PAGE;

	/* advice: if it is not taken, memory stays, and that is all */
	(void)madvise((void *)(end - STACK_RELEASED), STACK_RELEASED, MADV_DONTNEED);
}

static void take_order(struct session *s)
{
	ssize_t len = session_link_recv(s->link, &s->order, sizeof(s->order), NULL, NULL);

	if (len == -EAGAIN)
		return;
	if (len == 0 || len == -ECONNRESET)
		leave(s, 0);
	if (len < 0 || !session_order_valid(&s->order, (size_t)len))
		end(s, "a broken order");
	switch (s->order.head.kind) {
	case SESSION_CONNECT:
		session_forward_order(s);
		break;
	case SESSION_LISTEN:
		session_listen_order(s);
		break;
	case SESSION_UNLISTEN:
		session_listen_stop(s, 0, s->order.head.chan);
		break;
	case SESSION_TAKEN:
		if (s->accepted > 0)
			s->accepted--;
		break;
	default:
		session_channel_order(s);
		break;
	}
}

_Noreturn void session_run(const struct conf *conf, const struct account_session_ask *from,
    int link)
{
	static struct session s;
	static struct pollfd p[POLL_MAX];

	s.conf = conf;
	s.from = from;
	s.link = link;
	s.signals = -1;
	begin(&s);
	(void)malloc_trim(0);
	for (;;) {
		size_t jobs, n;

		release_stack();
		p[0] = (struct pollfd){ .fd = s.link, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = s.signals, .events = POLLIN };
		jobs = 2 + session_forward_poll(&s, p + 2, POLL_MAX - 2);
		n = jobs + session_listen_poll(&s, p + jobs, POLL_MAX - jobs);
		if (ppoll(p, n, NULL, NULL) < 0) {
			if (errno != EINTR)
				end(&s, "poll");
			continue;
		}
		if (p[1].revents != 0)
			reap(&s);
		for (size_t i = 2; i < n; i++)
			if (p[i].revents != 0)
				(i < jobs ? session_forward_ready : session_listen_ready)(&s, p[i].fd);
		if (p[0].revents != 0)
			take_order(&s);
	}
}
