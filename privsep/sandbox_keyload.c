/*
 * sandbox_keyload.c - the box that a private key file is parsed in.
 *
 * The file may be hostile, and what parses it holds a passphrase.  It keeps one
 * descriptor to read and one link to answer on, for a bounded time; it can open,
 * connect to and start nothing.  All of it is required.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/sandbox.h"
#include "privsep/sandbox_layers.h"

enum { CPU_SECONDS = 120 };		/* KEYFILE_ROUNDS_MAX on a slow machine */

#ifdef POSTERN_SAN
static const rlim_t memory = RLIM_INFINITY;
#else
static const rlim_t memory = 256u << 20;
#endif

static int
fail(struct sandbox *sb, const char *what, int rc)
{
	(void)snprintf(sb->problem, sizeof(sb->problem), "%s: %s", what, strerrorname_np(-rc));
	return -1;
}

int
sandbox_enter_keyload(struct sandbox *sb)
{
	const struct sandbox_limit limits[] = {
		{ RLIMIT_CPU,    CPU_SECONDS, "limit on time"        },
		{ RLIMIT_NPROC,  0,           "limit on processes"   },
		{ RLIMIT_FSIZE,  0,           "limit on file size"   },
		{ RLIMIT_CORE,   0,           "limit on core size"   },
		{ RLIMIT_AS,     memory,      "limit on memory"      },
	};
	const struct sandbox_list *lists;
	struct sandbox_bpf bpf;
	const char *failed;
	size_t n = sandbox_filter_keyload(&lists);
	int rc;

	*sb = (struct sandbox){ .uid = geteuid(), .gid = getegid(), .root = "of the host" };
	if ((rc = sandbox_bpf_build(lists, n, SCMP_ACT_KILL_PROCESS, &bpf)) != 0)
		return fail(sb, "compiling the filter", rc);
	failed = "capabilities";
	if ((rc = sandbox_drop_caps(0)) != 0)
		goto err1;
	failed = "no_new_privs";
	if ((rc = sandbox_drop_new_privs()) != 0)
		goto err1;
	failed = "not dumpable";
	if ((rc = sandbox_drop_dumps()) != 0)
		goto err1;
	if ((rc = sandbox_drop_limits(limits, sizeof(limits) / sizeof(limits[0]), &failed)) != 0)
		goto err1;
	failed = "seccomp";
	rc = sandbox_bpf_load(&bpf);
	if (rc == 0)
		sb->layers = SANDBOX_REQUIRED;
err1:
	sandbox_bpf_free(&bpf);
	return rc == 0 ? 0 : fail(sb, failed, rc);
}
