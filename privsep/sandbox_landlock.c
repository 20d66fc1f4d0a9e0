/*
 * sandbox_landlock.c - Landlock, used to say no to everything it knows of.
 *
 * A ruleset without a single rule: no file may be opened, no TCP port bound or
 * connected to, no abstract socket or process outside signalled.  The constants
 * are our own because Debian 12's header ends at ABI 2 and kernels do not; what
 * this kernel's ABI does not have is left out, as it would refuse the whole.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/sandbox_layers.h"

/* struct landlock_ruleset_attr of ABI 6 and later */
struct ruleset {
	uint64_t fs, net, scoped;
};

enum { VERSION_FLAG = 1 };

/* All rights of an ABI, as bits 0..n-1, and how much of the struct it knows. */
static const struct {
	int fs, net, scoped;
	size_t size;
} abis[] = {
	{ 0,  0, 0, 0  },
	{ 13, 0, 0, 8  },	/* 1: files                    */
	{ 14, 0, 0, 8  },	/* 2: rename across folders    */
	{ 15, 0, 0, 8  },	/* 3: truncate                 */
	{ 15, 2, 0, 16 },	/* 4: TCP bind, connect        */
	{ 16, 2, 0, 16 },	/* 5: ioctl of devices         */
	{ 16, 2, 2, 24 },	/* 6: abstract sockets, signals */
};

static uint64_t
low_bits(int n)
{
	return (UINT64_C(1) << n) - 1;
}

int
sandbox_landlock(void)
{
	const int newest = (int)(sizeof(abis) / sizeof(abis[0])) - 1;
	struct ruleset rules;
	long version, fd;
	int abi, rc = 0;

	version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	if (version < 0)
		return -errno;
	if (version < 1)
		return -ENOSYS;
	abi = version > newest ? newest : (int)version;
	rules = (struct ruleset){ low_bits(abis[abi].fs), low_bits(abis[abi].net),
		low_bits(abis[abi].scoped) };
	fd = syscall(SYS_landlock_create_ruleset, &rules, abis[abi].size, 0);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
		rc = -errno;
	(void)close((int)fd);
	return rc;
}
