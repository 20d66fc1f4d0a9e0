/*
 * sandbox_root.c - namespaces of its own, and a root directory with nothing in it.
 *
 * What a hijacked worker could reach by name is taken away here: no path leads
 * anywhere, no interface is up, no IPC object is visible.  Only the zygote runs
 * this, once, while it holds no byte from anybody; workers inherit it.  The host's
 * own mounts must never change: everything happens behind a private mount
 * namespace, or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/sandbox_layers.h"

static int
write_file(const char *path, const char *text)
{
	size_t n = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n)
		rc = -EIO;
	(void)close(fd);
	return rc;
}

int
sandbox_root_userns(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER) != 0)
		return -errno;
	/* The maps only let the process see its own id; without them (no /proc, ids
	 * already changed) it is as well off, so nobody asks how this went. */
	(void)write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	(void)write_file("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	(void)write_file("/proc/self/gid_map", map);
	return 0;
}

int
sandbox_root_mountns(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		return -errno;
	/* or what is mounted here would show up outside */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return -errno;
	return 0;
}

int
sandbox_root_netns(void)
{
	return unshare(CLONE_NEWNET) == 0 ? 0 : -errno;
}

int
sandbox_root_ipcns(void)
{
	return unshare(CLONE_NEWIPC) == 0 ? 0 : -errno;
}

/* 0 if "/" has no entry. */
static int
check_empty(void)
{
	struct dirent *e;
	DIR *dir = opendir("/");
	int rc = 0;

	if (dir == NULL)
		return -errno;
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = -ENOTEMPTY;
	}
	(void)closedir(dir);
	return rc;
}

int
sandbox_root_pivot(void)
{
	static const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	/* any directory will do to mount upon; it is left behind */
	static const char *const places[] = { "/tmp", "/var", "/run", "/usr", "/dev" };
	size_t i = 0, n = sizeof(places) / sizeof(places[0]);

	while (i < n && mount("none", places[i], "tmpfs", flags, "mode=0555,nr_inodes=2,size=4k") != 0)
		i++;
	if (i == n)
		return -errno;
	/* pivot_root(".", ".") puts the old root on top of the new one, where the
	 * umount takes it away: no directory needed for it (pivot_root(2)) */
	if (chdir(places[i]) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return -errno;
	if (mount("none", "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) != 0)
		return -errno;
	if (mkdirat(AT_FDCWD, "/probe", 0700) == 0 || errno != EROFS)
		return -EPERM;
	return check_empty();
}

int
sandbox_root_chroot(void)
{
	char dir[] = "/tmp/postern.XXXXXX";

	if (mkdtemp(dir) == NULL)
		return -errno;
	/* removed before it is entered for good: nothing can be put into it */
	if (chdir(dir) != 0 || rmdir(dir) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return -errno;
	if (mkdirat(AT_FDCWD, "/probe", 0700) == 0)
		return -EPERM;
	return check_empty();
}
