/*
 * account.c - the warm helper's loop: questions in, one short-lived child each,
 * answers out.
 *
 * It runs with posternd's rights and parses nothing of a peer's or a user's: a
 * packet is a struct of fixed size, a child's answer too.  A child that became a
 * user can answer for its own question and for nothing else, because it has a
 * socket of its own.  It is forked before posternd has seen anybody's data, and
 * wipes each question after handing it to the child.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <bsd/unistd.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/conf.h"
#include "apps/conf_pattern.h"
#include "apps/session.h"
#include "apps/session_link.h"

enum { SPARE_FDS = 16,			/* its own, and those in passing */
	LINK_ROOM = 4 * 1024 * 1024 };	/* a question with a certificate is 34 KiB */

struct child {
	int pidfd, sock;
	int64_t deadline;
	struct account_head head;
	bool asks;			/* somebody is to answer its prompts   */
	bool has_blocks;		/* it has said which Match blocks hold */
	struct conf_bits blocks;
	char address[ACCOUNT_ADDRESS_MAX];	/* from where whoever it is about came */
};

struct account {
	const struct conf *conf;
	int link, signals;
	struct child *children;
	size_t n, max;
	union account_packet packet;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* In the fork: everything but keep is closed, and the helper's end is ours. */
static int child_begins(int keep, bool ends_with_helper)
{
	sigset_t none;
	int fd = 3;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (keep != fd && dup3(keep, fd, O_CLOEXEC) < 0)
		_exit(1);
	closefrom(fd + 1);
	if (ends_with_helper && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(1);
	return fd;
}

static struct account_from from_of(const union account_packet *p)
{
	switch (p->head.kind) {
	case ACCOUNT_KEY:
		return (struct account_from){ p->key.user, p->key.address, p->key.local,
		    p->key.local_port };
	case ACCOUNT_PASSWORD:
		return (struct account_from){ p->password.user, p->password.address,
		    p->password.local, p->password.local_port };
	default:
		return (struct account_from){ p->who.user, p->who.address, p->who.local,
		    p->who.local_port };
	}
}

static _Noreturn void check_in_child(struct account *a, int sock)
{
	struct account_blocks blocks = { .head = { .kind = ACCOUNT_BLOCKS } };
	struct account_answer answer = { .head = { .kind = ACCOUNT_ANSWER } };
	struct account_from from = from_of(&a->packet);
	static struct account_user u;
	const struct conf *c;
	struct conf view;

	sock = child_begins(sock, true);
	account_user_find(a->conf, from.user, &u);
	/* a blocked send would hold a process for nothing: both packets fit the buffer */
	if ((c = account_match(a->conf, &u, &from, &blocks.bits, &view)) == NULL ||
	    session_link_send(sock, &blocks, sizeof(blocks), NULL, 0) != 0)
		_exit(1);
	account_check(c, &u, &a->packet, sock, &answer);
	sodium_memzero(&a->packet, sizeof(a->packet));
	_exit(account_answer_send(sock, &answer) == 0 ? 0 : 1);
}

static void answer(struct account *a, const struct account_head *to, struct account_answer *with)
{
	with->head = *to;
	with->head.kind = ACCOUNT_ANSWER;
	/* posternd reads its answers; one that does not fit means that it is stuck, and
	 * the login's own deadline ends the attempt */
	(void)account_answer_send(a->link, with);
}

static void refuse(struct account *a, const struct account_head *to, const char *note)
{
	struct account_answer no = { .verdict = ACCOUNT_NO };

	(void)session_link_put(no.note, sizeof(no.note), note);
	answer(a, to, &no);
}

/* Who leaves while PAM's modules are at work leaves the check behind, or nothing would be
 * counted and nothing delayed of what was tried; it goes on being one of those that
 * PerSourceMaxStartups allows, as it would in sshd. */
static const char *full(const struct account *a, const char *address)
{
	const struct conf *c = a->conf;
	unsigned n = 0;

	if (a->n == a->max)
		return "too many logins are being checked at once";
	for (size_t i = 0; c->source_startups != 0 && i < a->n; i++)
		n += conf_pattern_near(a->children[i].address, address, c->source_bits.ipv4,
		    c->source_bits.ipv6);
	return c->source_startups != 0 && n >= c->source_startups ?
	    "PerSourceMaxStartups: too many logins from there are being checked at once" : NULL;
}

static void start_check(struct account *a)
{
	struct account_head head = a->packet.head;
	const char *address = from_of(&a->packet).address, *why = full(a, address);
	int pair[2], pidfd;
	pid_t pid;

	if (why != NULL) {
		refuse(a, &head, why);
		return;
	}
	if (session_link_pair(pair) < 0) {
		refuse(a, &head, "no descriptor to check a login with");
		return;
	}
	session_link_bytes_only(pair[0]);	/* it becomes the user, and has nothing to send */
	if ((pid = fork()) == 0)
		check_in_child(a, pair[1]);
	close(pair[1]);
	if (pid < 0 || (pidfd = pidfd_open(pid, 0)) < 0) {
		if (pid > 0)
			(void)kill(pid, SIGKILL);	/* not reaped yet, so it is ours */
		close(pair[0]);
		refuse(a, &head, "no process to check a login with");
		return;
	}
	a->children[a->n++] = (struct child){ .pidfd = pidfd, .sock = pair[0],
	    .deadline = now_ms() + ACCOUNT_DEADLINE_MS, .head = head };
	memcpy(a->children[a->n - 1].address, address, ACCOUNT_ADDRESS_MAX);
}

/* The session process ends with its link, not with this helper: a login survives. */
static void start_session(struct account *a, int link)
{
	pid_t pid = fork();

	if (pid == 0) {
		link = child_begins(link, false);
		session_run(a->conf, &a->packet.session, link);
	}
	close(link);		/* no fork: posternd sees the end of the link */
}

static void start_record(struct account *a)
{
	if (fork() == 0) {
		(void)child_begins(a->link, true);
		account_record(&a->packet.record);
		_exit(0);
	}
}

/* By pidfd: the child may be reaped already, and its number somebody else's. */
static void drop_child(struct account *a, size_t i)
{
	(void)pidfd_send_signal(a->children[i].pidfd, SIGKILL, NULL, 0);
	close(a->children[i].pidfd);
	close(a->children[i].sock);
	a->children[i] = a->children[--a->n];
}

/* Prompts that nobody gets are answered by nobody: then the check is over, and said to be. */
static void pass_prompts(struct account *a, size_t i, struct account_prompts *p)
{
	struct account_head head = a->children[i].head;

	p->head.slot = head.slot;
	p->head.id = head.id;
	a->children[i].asks = true;
	a->children[i].deadline = now_ms() + ACCOUNT_TALK_MS;
	if (session_link_send(a->link, p, sizeof(*p), NULL, 0) == 0)
		return;
	drop_child(a, i);
	refuse(a, &head, "no room for the prompts of a login");
}

static void child_answers(struct account *a, size_t i)
{
	struct child c = a->children[i];
	union {
		struct account_head head;
		struct account_blocks blocks;
		struct account_prompts prompts;
		uint8_t answer[ACCOUNT_ANSWER_MAX];
	} got;
	struct account_answer said;
	ssize_t len = session_link_recv(c.sock, &got, sizeof(got), NULL, NULL);

	if (len == -EAGAIN)
		return;
	if (!c.has_blocks && len == (ssize_t)sizeof(got.blocks) && got.head.kind == ACCOUNT_BLOCKS) {
		a->children[i].has_blocks = true;
		a->children[i].blocks = got.blocks.bits;
		return;
	}
	if (c.has_blocks && !c.asks && c.head.kind == ACCOUNT_TALK && len > 0 &&
	    account_prompts_valid(&got.prompts, (size_t)len)) {
		pass_prompts(a, i, &got.prompts);
		return;
	}
	drop_child(a, i);	/* it has answered, or died: it is of no further use */
	if (len > 0 && c.has_blocks && account_answer_read(got.answer, (size_t)len, &said)) {
		/* not its own word: by now it may be the user */
		said.has_blocks = 1;
		said.blocks = c.blocks;
		answer(a, &c.head, &said);
	} else {
		refuse(a, &c.head, "the check of a login died");
	}
}

static void reap(struct account *a)
{
	struct signalfd_siginfo info;

	while (read(a->signals, &info, sizeof(info)) > 0)
		continue;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* The check that a packet is about, or n: it has ended, and so has what was asked. */
static size_t find_child(const struct account *a, const struct account_head *head)
{
	size_t i = 0;

	while (i < a->n && (a->children[i].head.id != head->id ||
	    a->children[i].head.slot != head->slot))
		i++;
	return i;
}

static void take_reply(struct account *a)
{
	size_t i = find_child(a, &a->packet.head);

	if (i == a->n || !a->children[i].asks)
		return;
	a->children[i].asks = false;
	a->children[i].deadline = now_ms() + ACCOUNT_DEADLINE_MS;
	/* if it has died just now, its socket says so next */
	(void)session_link_send(a->children[i].sock, &a->packet.reply, sizeof(a->packet.reply), NULL, 0);
}

static void take_drop(struct account *a)
{
	size_t i = find_child(a, &a->packet.head);

	if (i < a->n)
		drop_child(a, i);
}

/* False: posternd is gone, or broke the contract. */
static bool take_packet(struct account *a)
{
	int fds[SESSION_LINK_FDS];
	size_t n = 0;
	ssize_t len = session_link_recv(a->link, &a->packet, sizeof(a->packet), fds, &n);

	if (len == -EAGAIN)
		return true;
	if (len <= 0 || !account_packet_valid(&a->packet, (size_t)len, n)) {
		for (size_t i = 0; len > 0 && i < n; i++)
			close(fds[i]);
		return false;
	}
	switch (a->packet.head.kind) {
	case ACCOUNT_SESSION:
		start_session(a, fds[0]);
		break;
	case ACCOUNT_RECORD:
		start_record(a);
		break;
	case ACCOUNT_REPLY:
		take_reply(a);
		break;
	case ACCOUNT_DROP:
		take_drop(a);
		break;
	default:
		start_check(a);
		break;
	}
	/* what came, not all there is room for: sessions share the rest with us */
	sodium_memzero(&a->packet, (size_t)len);
	return true;
}

static int expire(struct account *a)
{
	int64_t now = now_ms(), next = -1;

	for (size_t i = a->n; i-- > 0;) {
		struct account_head head = a->children[i].head;
		int64_t left = a->children[i].deadline - now;

		if (left <= 0) {
			drop_child(a, i);
			refuse(a, &head, "the check of a login took too long");
		} else if (next < 0 || left < next) {
			next = left;
		}
	}
	return (int)next;
}

static _Noreturn void run(struct account *a, struct pollfd *p)
{
	for (;;) {
		int timeout = expire(a);
		size_t n = a->n;

		p[0] = (struct pollfd){ .fd = a->link, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = a->signals, .events = POLLIN };
		for (size_t i = 0; i < n; i++)
			p[2 + i] = (struct pollfd){ .fd = a->children[i].sock, .events = POLLIN };
		if (ppoll(p, 2 + n, timeout < 0 ? NULL : &(struct timespec){ timeout / 1000,
		    timeout % 1000 * 1000000L }, NULL) < 0 && errno != EINTR)
			_exit(1);
		/* from the end: dropping one moves only those behind it */
		for (size_t i = n; i-- > 0;)
			if (p[2 + i].revents != 0)
				child_answers(a, i);
		if (p[1].revents != 0)
			reap(a);
		if (p[0].revents != 0 && !take_packet(a))
			_exit(0);
	}
}

/* As many as there are descriptors for, two each: with none left the link of a session
 * could not be received, which looks like the end of the one to posternd. */
static size_t children_max(const struct conf *conf)
{
	size_t max = conf->max_startups.full + 8;
	struct rlimit r;

	if (max > ACCOUNT_CHILDREN_MAX)
		max = ACCOUNT_CHILDREN_MAX;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < 2 * max + SPARE_FDS)
		max = r.rlim_cur > 2 * SPARE_FDS ? (r.rlim_cur - SPARE_FDS) / 2 : 1;
	return max;
}

static _Noreturn void begin(const struct conf *conf, int link)
{
	static struct account a;	/* large, and in zero pages where it is not used */
	struct pollfd *polled;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t mask;

	a.conf = conf;
	setproctitle("account");
	/* nothing of posternd's terminal or log file goes on to a user's process */
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    setsid() < 0 || (link != 3 && dup3(link, 3, O_CLOEXEC) < 0) ||
	    prctl(PR_SET_DUMPABLE, 0) != 0)
		_exit(1);
	closefrom(4);
	account_user_warm();
	a.link = 3;
	a.max = children_max(conf);
	a.children = calloc(a.max, sizeof(*a.children));
	polled = calloc(a.max + 2, sizeof(*polled));
	sigfillset(&mask);
	sigdelset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	a.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.children == NULL || polled == NULL || a.signals < 0)
		_exit(1);
	run(&a, polled);
}

int account_start(const struct conf *conf, pid_t *pid, int *link)
{
	int pair[2], r = session_link_pair(pair), room = LINK_ROOM;

	if (r < 0)
		return r;
	/* many may log in at once, and what does not fit is a refused login; who may not
	 * have so much gets what the system allows */
	for (int i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) != 0)
			(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if ((*pid = fork()) == 0)
		begin(conf, pair[1]);
	close(pair[1]);
	if (*pid < 0) {
		r = -errno;
		close(pair[0]);
		return r;
	}
	*link = pair[0];
	return 0;
}
