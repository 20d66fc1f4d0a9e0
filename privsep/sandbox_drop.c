/*
 * sandbox_drop.c - what a process gives up about itself, for good.
 *
 * Each function reads back from the kernel what it has just set: a layer that was
 * asked for and a layer in force are two things, and only the second is reported.
 * Nothing here can be undone, and nothing here may be made conditional on
 * configuration or environment.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/sandbox_layers.h"

/* Linux 6.3; older headers do not have them. */
enum { SET_MDWE = 65, GET_MDWE = 66, MDWE_REFUSE_EXEC_GAIN = 1 };

int
sandbox_drop_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

/* Not dumpable is also: no ptrace and no /proc/PID/mem for others of the same
 * uid.  A change of ids resets it, so it comes after that. */
int
sandbox_drop_dumps(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

/* No page that was ever writable becomes executable. */
int
sandbox_drop_exec_gain(void)
{
	if (prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
		return -errno;
	return prctl(GET_MDWE, 0, 0, 0, 0) == MDWE_REFUSE_EXEC_GAIN ? 0 : -EPERM;
}

int
sandbox_drop_caps_left(uint64_t *held)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) != 0)
		return -errno;
	*held = 0;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		*held |= (uint64_t)(data[i].effective | data[i].permitted |
		    data[i].inheritable) << (32 * i);
	return 0;
}

int
sandbox_drop_caps(uint64_t keep)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	uint64_t held;
	int rc;

	if ((rc = sandbox_drop_caps_left(&held)) != 0)
		return rc;
	/* Without CAP_SETPCAP the bounds stay, which no_new_privs makes harmless. */
	for (int cap = 0; cap < 64; cap++) {
		if ((keep >> cap & 1) == 0)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	keep &= held;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
	}
	if (syscall(SYS_capset, &head, data) != 0)
		return -errno;
	if ((rc = sandbox_drop_caps_left(&held)) != 0)
		return rc;
	return held == keep ? 0 : -EPERM;
}

int
sandbox_drop_ids(uint32_t uid, uint32_t gid)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	/* 0 would be no change at all, and -1 means "leave it" to the kernel */
	if (uid == 0 || gid == 0 || uid == UINT32_MAX || gid == UINT32_MAX)
		return -EINVAL;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return -errno;
	if (getresuid(&ru, &eu, &su) != 0 || getresgid(&rg, &eg, &sg) != 0)
		return -errno;
	if (ru != uid || eu != uid || su != uid || rg != gid || eg != gid || sg != gid ||
	    getgroups(0, NULL) != 0 || setresuid(0, 0, 0) == 0)
		return -EPERM;
	return 0;
}

int
sandbox_drop_limits(const struct sandbox_limit *limits, size_t n, const char **failed)
{
	for (size_t i = 0; i < n; i++) {
		struct rlimit now, want = { limits[i].value, limits[i].value };

		*failed = limits[i].name;
		if (getrlimit(limits[i].resource, &now) != 0)
			return -errno;
		if (now.rlim_max < want.rlim_max)
			want.rlim_cur = want.rlim_max = now.rlim_max;
		if (setrlimit(limits[i].resource, &want) != 0)
			return -errno;
	}
	return 0;
}
