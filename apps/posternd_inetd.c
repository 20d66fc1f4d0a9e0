/*
 * posternd_inetd.c - -i: the connection is descriptor 0, or, as `ssh -o ProxyCommand`
 * gives it, the pipes 0 and 1.  The library wants one descriptor, so for pipes two
 * small processes copy between them and a socket pair; they parse nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { COPY_BYTES = 32 * 1024 };

/* Until an end of either; the other side is told by what closes with the process. */
static _Noreturn void copy(int from, int to)
{
	static char buf[COPY_BYTES];
	ssize_t n, w;

	while ((n = read(from, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t at = 0; at < n; at += w > 0 ? w : 0)
			if ((w = write(to, buf + at, (size_t)(n - at))) < 0 && errno != EINTR)
				_exit(1);
	(void)shutdown(to, SHUT_WR);	/* fails for a pipe, which the exit closes */
	_exit(0);
}

static int copy_in_child(int from, int to)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : 0;
	if (dup3(from, 3, O_CLOEXEC) < 0 || dup3(to, 4, O_CLOEXEC) < 0)
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	closefrom(5);
	copy(3, 4);
}

/* A descriptor of its own above all that copy_in_child closes and moves. */
static int pair_with(int in, int out)
{
	int pair[2], ours, theirs, r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	ours = fcntl(pair[0], F_DUPFD_CLOEXEC, 16);
	theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 16);
	close(pair[0]);
	close(pair[1]);
	r = ours < 0 || theirs < 0 ? -EMFILE : copy_in_child(in, theirs);
	if (r == 0)
		r = copy_in_child(theirs, out);
	if (theirs >= 0)
		close(theirs);
	if (r < 0 && ours >= 0)
		close(ours);
	return r < 0 ? r : ours;
}

/* Nothing of ours may be written where the peer reads. */
static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

int posternd_inetd_open(bool keep_stderr)
{
	int in = fcntl(0, F_DUPFD_CLOEXEC, 16), out = fcntl(1, F_DUPFD_CLOEXEC, 16);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	struct stat st;

	if (in < 0 || out < 0 || null < 0 || fstat(in, &st) != 0)
		return -EBADF;
	if (!keep_stderr || is_same(2, in) || is_same(2, out))
		(void)dup2(null, 2);
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	close(null);
	if (S_ISSOCK(st.st_mode)) {
		close(out);
		return in;
	}
	fd = pair_with(in, out);
	close(in);
	close(out);
	return fd;
}
