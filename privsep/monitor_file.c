/*
 * monitor_file.c - the whole of a file that the application has opened.
 *
 * The monitor waits for nobody, so it reads ordinary files only; and it opens none.
 * What is in them is for others to judge.
 */
#include "privsep/monitor.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Linux: a name for "no file" that is often given. */
static bool
is_dev_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

int
monitor_file_read(int fd, size_t max, struct span *out)
{
	struct stat st;
	size_t size, have = 0;
	uint8_t *p;

	if (fstat(fd, &st) != 0)
		return -errno;
	/* anything else could block, or never end */
	if (!S_ISREG(st.st_mode) && !is_dev_null(&st))
		return -EINVAL;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max)
		return -EFBIG;
	size = S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
	p = malloc(size + 1);		/* an empty file is not "no memory" */
	if (p == NULL)
		return -ENOMEM;
	/* pread: the offset is shared with whoever opened it */
	while (have < size) {
		ssize_t n = pread(fd, p + have, size - have, (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int r = -errno;

			free(p);
			return r;
		}
		if (n == 0)		/* it was cut while we read */
			break;
		have += (size_t)n;
	}
	*out = span_of(p, have);
	return 0;
}
