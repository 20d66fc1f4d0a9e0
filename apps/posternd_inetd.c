/*
 * posternd_inetd.c - -i: the connection is descriptor 0, or, as `ssh -o ProxyCommand`
 * gives it, the pipes 0 and 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { ABOVE = 16 };		/* clear of the standard descriptors */

/* Nothing of ours may be written where the peer reads. */
static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

int posternd_inetd_open(bool keep_stderr, int *in, int *out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat st;

	*in = fcntl(0, F_DUPFD_CLOEXEC, ABOVE);
	*out = fcntl(1, F_DUPFD_CLOEXEC, ABOVE);
	if (*in < 0 || *out < 0 || null < 0 || fstat(*in, &st) != 0)
		return -EBADF;
	if (!keep_stderr || is_same(2, *in) || is_same(2, *out))
		(void)dup2(null, 2);
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	close(null);
	if (S_ISSOCK(st.st_mode)) {
		close(*out);
		*out = *in;
	}
	return 0;
}
