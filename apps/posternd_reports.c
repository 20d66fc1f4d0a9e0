/*
 * posternd_reports.c - what a session process says: descriptors for a channel, how a
 * program ended, which terminal to record.  It is the user's process: its word is
 * good for the channels of its own login, and for them only.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/posternd.h"
#include "apps/session_link.h"

void posternd_session_record(struct conn *c, const char *line, int32_t pid, bool is_login)
{
	struct account_record_ask r;

	if (geteuid() != 0)
		return;
	memset(&r, 0, sizeof(r));
	r.head = (struct account_head){ .kind = ACCOUNT_RECORD, .slot = c->slot };
	r.is_login = is_login;
	r.pid = pid;
	memcpy(r.user, c->user, sizeof(r.user));
	memcpy(r.address, c->address, sizeof(r.address));
	(void)session_link_put(r.line, sizeof(r.line), line);
	/* a record that is lost is a pity, no reason to end a login */
	(void)session_link_send(c->daemon->account, &r, sizeof(r), NULL, 0);
}

/* Gives the channel what came; the library takes the descriptors. */
static int give(struct channel *ch, int *fds, size_t n)
{
	int r;

	if (n == 1)
		r = postern_channel_take_pty(ch->handle, fds[0]);
	else
		r = postern_channel_take_pipes(ch->handle, fds[0], fds[1], fds[2]);
	for (size_t i = 0; i < n; i++)
		fds[i] = -1;
	return r;
}

/* CONNECTED answers those: a refusal frees the handle, which only it takes off our list. */
static bool is_opening(const struct conn *c, uint64_t question)
{
	const struct channel *ch = c->channels;

	while (ch != NULL && (ch->question == 0 || ch->question != question))
		ch = ch->next;
	return ch != NULL;
}

/* False: it answers what was not asked in this way. */
static bool take_reply(struct conn *c, const struct session_reply *r, int *fds, size_t n)
{
	struct channel *ch = posternd_session_find(c, r->head.chan);
	int answer = r->ok ? POSTERN_ACCEPT : POSTERN_REFUSE, result;

	if (is_opening(c, r->head.question))
		return false;
	if (r->note[0] != '\0')
		posternd_log(posternd_log_refusal(c, POSTERN_INFO), c, "session of user %s: %s",
		    posternd_log_name(c->user), posternd_log_quote(r->note));
	if (ch == NULL)
		return true;
	if (n > 0 && (result = give(ch, fds, n)) < 0) {
		posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "channel: %s",
		    postern_strerror(result));
		answer = POSTERN_REFUSE;
	}
	result = postern_answer(c->transport, r->head.question, answer, NULL);
	if (result < 0 && result != POSTERN_ESTATE)
		posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "answer: %s",
		    postern_strerror(result));
	return true;
}

static void take_exit(struct conn *c, const struct session_exit *e)
{
	struct channel *ch = posternd_session_find(c, e->head.chan);
	int r;

	if (ch == NULL)
		return;
	if (e->signal[0] != '\0')
		r = postern_channel_send_exit_signal(ch->handle, e->signal, e->core, "");
	else
		r = postern_channel_send_exit_status(ch->handle, e->status);
	if (r < 0)
		posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "exit status: %s",
		    postern_strerror(r));
}

static void take_line(struct conn *c, const struct session_line *l)
{
	struct channel *ch = posternd_session_find(c, l->head.chan);

	/* one record per channel: what was begun is ended, and nothing else */
	if (ch == NULL || (ch->line[0] != '\0') == (l->is_login != 0))
		return;
	if (l->is_login) {
		memcpy(ch->line, l->line, sizeof(ch->line));
		ch->pid = l->pid;
	}
	posternd_session_record(c, ch->line, ch->pid, l->is_login);
	if (!l->is_login)
		ch->line[0] = '\0';
}

/* A master of a terminal; without asking the file system, which may be the user's. */
static bool is_pty(int fd)
{
	enum { TTYAUX = 5, PTMX = 2 };	/* Linux: Documentation/admin-guide/devices.txt */
	struct statx x;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &x) == 0 &&
	    S_ISCHR(x.stx_mode) && x.stx_rdev_major == TTYAUX && x.stx_rdev_minor == PTMX;
}

/* A connection.  It lingers no longer: the last to close it would wait. */
static bool is_stream(int fd)
{
	static const struct linger off = { .l_onoff = 0 };
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off)) == 0;
}

/* Are the descriptors of the kinds that a session process makes? */
static bool are_ours(unsigned kind, const int *fds, size_t n)
{
	bool ours = true;

	for (size_t i = 0; i < n; i++) {
		if (kind == SESSION_REPLY)
			ours = ours && (n == 1 ? is_pty(fds[i]) : fcntl(fds[i], F_GETPIPE_SZ) > 0);
		else
			ours = ours && is_stream(fds[i]);
	}
	return ours;
}

/* False: the session process broke the contract. */
static bool take_report(struct conn *c, const union session_report *r, int *fds, size_t n)
{
	switch (r->head.kind) {
	case SESSION_REPLY:
		return take_reply(c, &r->reply, fds, n);
	case SESSION_EXIT:
		take_exit(c, &r->exit);
		break;
	case SESSION_LINE:
		take_line(c, &r->line);
		break;
	case SESSION_CONNECTED:
		posternd_forwarded_connected(c, &r->connected, n == 1 ? &fds[0] : NULL);
		break;
	case SESSION_LISTENING:
		posternd_forwarded_listening(c, &r->listening);
		break;
	case SESSION_ACCEPTED:
		return posternd_forwarded_accepted(c, &r->accepted, &fds[0]) == 0;
	default:
		posternd_log(posternd_log_refusal(c, POSTERN_ERROR), c, "session of user %s: %s",
		    posternd_log_name(c->user), posternd_log_quote(r->note.text));
		break;
	}
	return true;
}

/* Those that nobody took. */
static void discard(const int *fds, size_t n)
{
	int left[SESSION_LINK_FDS];
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			left[count++] = fds[i];
	session_link_discard(left, count);
}

/* A local socket's other end is some program's of a user's, which may have sent descriptors
 * over it, before it was looked at or after: they are closed with it, and linger if it
 * likes.  A terminal's last master waits for who is reading from the slave, perhaps into a
 * page that never comes.  A pipe and a connection by network wait for nobody. */
void posternd_session_discard(void *user, int fd)
{
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);

	(void)user;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain != AF_UNIX) {
		(void)is_stream(fd);	/* if it is, it lingers no longer */
		(void)close(fd);
	} else if (fcntl(fd, F_GETPIPE_SZ) > 0) {
		(void)close(fd);
	} else {
		session_link_discard(&fd, 1);
	}
}

void posternd_session_reports(struct conn *c)
{
	struct daemon *d = c->daemon;
	uint32_t slot = c->slot, generation = c->generation;

	/* what is left is told again: one that never stops must not keep the others waiting */
	for (int turn = 0; turn < POSTERND_REPORTS_PER_TURN &&
	    posternd_conn_find(d, slot, generation) == c && c->session >= 0; turn++) {
		union session_report r;
		int fds[SESSION_LINK_FDS];
		size_t n = 0;
		ssize_t len = session_link_recv(c->session, &r, sizeof(r), fds, &n);
		bool good;

		if (len == -EAGAIN)
			return;
		/* it ended with an order unread: what it said before comes next */
		if (len == -ECONNRESET)
			continue;
		good = len > 0 && session_report_valid(&r, (size_t)len, n) &&
		    are_ours(r.head.kind, fds, n);
		if (good)
			good = take_report(c, &r, fds, n);
		discard(fds, n);
		if (!good) {
			posternd_conn_end(c, len == 0 ? "its session process ended" :
			    "its session process broke the contract");
			return;
		}
	}
}
