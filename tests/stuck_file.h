/*
 * stuck_file.h - a file of a file system that is told of each close and never answers.
 */
#ifndef TESTS_STUCK_FILE_H
#define TESTS_STUCK_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static inline void
stuck_answer(int dev, uint64_t unique, int error, const void *body, size_t n)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + n), .error = error,
		.unique = unique };
	struct iovec v[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)body, n } };

	(void)!writev(dev, v, 2);
}

static inline void
stuck_serve(int dev, const struct fuse_in_header *h)
{
	const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31,
		.max_write = 4096 };
	const struct fuse_attr attr = { .ino = 2, .mode = S_IFREG | 0666, .nlink = 1 };
	const struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 1000,
		.attr_valid = 1000, .attr = attr };
	const struct fuse_open_out file = { .fh = 1 };

	switch (h->opcode) {
	case FUSE_INIT:
		stuck_answer(dev, h->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		stuck_answer(dev, h->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_OPEN:
		stuck_answer(dev, h->unique, 0, &file, sizeof(file));
		break;
	case FUSE_FLUSH: case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT:
		break;
	default:
		stuck_answer(dev, h->unique, -ENOSYS, NULL, 0);
		break;
	}
}

/* Mounts it over /tmp, for this process alone, which must be one that ends soon, and opens
 * its file; server serves it until it is killed.  -1: that is not possible here. */
static inline int
stuck_file(pid_t *server)
{
	static uint8_t buf[1 << 18];
	char options[128];
	int dev = -1, fd = -1;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    (dev = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0)
		return -1;
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (mount("stuck", "/tmp", "fuse", MS_NOSUID | MS_NODEV, options) == 0 && (*server = fork()) == 0) {
		while (read(dev, buf, sizeof(buf)) > 0)
			stuck_serve(dev, (const struct fuse_in_header *)(const void *)buf);
		_exit(0);
	}
	(void)close(dev);
	if (*server > 0 && (fd = open("/tmp/file", O_RDWR | O_CLOEXEC)) < 0)
		(void)kill(*server, SIGKILL);
	return fd;
}

#endif
