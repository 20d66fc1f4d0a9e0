/*
 * sandbox_monitor.c - what the monitor gives up before it holds a key.
 *
 * The monitor holds the keys and starts the zygotes, so what it keeps is what a
 * zygote needs in order to lose it.  It parses no byte of a network and opens no
 * path, and it must never be read by another process: not dumpable, no core.
 * It wears no filter: it executes the zygotes.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/sandbox.h"
#include "privsep/sandbox_layers.h"

#define CAP(name) (UINT64_C(1) << (name))

/* As root.  One line of reason for each right kept. */
static const uint64_t kept =
    CAP(CAP_SETUID) | CAP(CAP_SETGID) |	/* a zygote becomes its own uid        */
    CAP(CAP_SYS_ADMIN) |		/* a zygote's namespaces and root      */
    CAP(CAP_SYS_CHROOT) |		/* the same where there are none       */
    CAP(CAP_SETPCAP) |			/* a zygote drops its bounds           */
    CAP(CAP_KILL) |			/* ending workers, which have that uid */
    CAP(CAP_DAC_READ_SEARCH);		/* helpers installed below a directory
					 * that only its owner may enter       */

static const struct sandbox_limit limits[] = {
	{ RLIMIT_CORE, 0, "limit on core size" },
};

static int
fail(struct sandbox *sb, const char *what, int rc)
{
	(void)snprintf(sb->problem, sizeof(sb->problem), "%s: %s", what, strerrorname_np(-rc));
	return -1;
}

int
sandbox_enter_monitor(struct sandbox *sb)
{
	const char *failed;
	uint64_t held;
	int rc;

	*sb = (struct sandbox){ .uid = geteuid(), .gid = getegid(), .root = "of the host" };
	if ((rc = sandbox_drop_limits(limits, 1, &failed)) != 0)
		return fail(sb, failed, rc);
	sb->layers |= LAYER_RLIMITS;
	if ((rc = sandbox_drop_caps(sb->uid == 0 ? kept : 0)) != 0 ||
	    (rc = sandbox_drop_caps_left(&held)) != 0)
		return fail(sb, "capabilities", rc);
	if (held == 0)
		sb->layers |= LAYER_NO_CAPS;
	if ((rc = sandbox_drop_new_privs()) != 0)
		return fail(sb, "no_new_privs", rc);
	sb->layers |= LAYER_NO_NEW_PRIVS;
	if (sandbox_drop_exec_gain() == 0)
		sb->layers |= LAYER_MDWE;
	if ((rc = sandbox_drop_dumps()) != 0)
		return fail(sb, "not dumpable", rc);
	sb->layers |= LAYER_NOT_DUMPABLE;
	(void)snprintf(sb->report, sizeof(sb->report), "uid %u gid %u, capabilities %llx",
	    sb->uid, sb->gid, (unsigned long long)held);
	return 0;
}
