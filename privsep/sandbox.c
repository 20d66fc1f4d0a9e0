/*
 * sandbox.c - the layers around zygote and worker, in the order that they need.
 *
 * The zygote puts on once, before it has read anything but its setup, all that is
 * inherited; each worker adds limits and filter.  A required layer that cannot be
 * had fails the start; any other is named as missing.  Nothing is reported that
 * was not read back or tried.  Nothing here looks at configuration or environment,
 * and there is no way to leave a layer off.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privsep/sandbox.h"
#include "privsep/sandbox_layers.h"

/* No address space beyond this in a worker, but the sanitizers reserve terabytes. */
#ifdef POSTERN_SAN
static const rlim_t worker_memory = RLIM_INFINITY;
#else
static const rlim_t worker_memory = 256u << 20;
#endif

static void
append(char *buf, size_t cap, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
append(char *buf, size_t cap, const char *format, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(buf + n, cap - n, format, ap);	/* for people: may be cut */
	va_end(ap);
}

static const char *
error_name(int rc)
{
	const char *name = strerrorname_np(-rc);

	return name != NULL ? name : "unknown error";
}

/* ---- the steps ------------------------------------------------------------ */

static int step_userns(struct sandbox *sb)  { (void)sb; return sandbox_root_userns(); }
static int step_mountns(struct sandbox *sb) { (void)sb; return sandbox_root_mountns(); }
static int step_netns(struct sandbox *sb)   { (void)sb; return sandbox_root_netns(); }
static int step_ipcns(struct sandbox *sb)   { (void)sb; return sandbox_root_ipcns(); }
static int step_ids(struct sandbox *sb)     { return sandbox_drop_ids(sb->uid, sb->gid); }
static int step_caps(struct sandbox *sb)    { (void)sb; return sandbox_drop_caps(0); }
static int step_privs(struct sandbox *sb)   { (void)sb; return sandbox_drop_new_privs(); }
static int step_dumps(struct sandbox *sb)   { (void)sb; return sandbox_drop_dumps(); }
static int step_mdwe(struct sandbox *sb)    { (void)sb; return sandbox_drop_exec_gain(); }
static int step_landlock(struct sandbox *sb) { (void)sb; return sandbox_landlock(); }

static int
step_root(struct sandbox *sb)
{
	int rc = -EPERM;

	/* mounting outside a namespace of its own would change the host's files */
	if ((sb->layers & LAYER_MOUNTNS) != 0)
		rc = sandbox_root_pivot();
	if (rc == 0) {
		sb->root = "empty";
		return 0;
	}
	rc = sandbox_root_chroot();
	if (rc == 0)
		sb->root = "empty by chroot";
	return rc;
}

enum who { AS_ROOT = 1, AS_USER = 2, ALWAYS = 3 };

/*
 * As a normal user the user namespace comes first, for it gives the right to make
 * the others.  As root it comes after the ids, where its capabilities can be used
 * for nothing outside.  Bounds are dropped while there is a right to, so again
 * after it; Landlock needs no_new_privs; a change of ids resets "not dumpable".
 */
static const struct step {
	unsigned layer;			/* 0: its failure shows in a later step */
	enum who who;
	const char *name;
	int (*enter)(struct sandbox *);
} steps[] = {
	{ LAYER_USERNS,       AS_USER, "user namespace",    step_userns   },
	{ LAYER_MOUNTNS,      ALWAYS,  "mount namespace",   step_mountns  },
	{ LAYER_NETNS,        ALWAYS,  "net namespace",     step_netns    },
	{ LAYER_IPCNS,        ALWAYS,  "ipc namespace",     step_ipcns    },
	{ LAYER_EMPTY_ROOT,   ALWAYS,  "empty root",        step_root     },
	{ LAYER_UID,          AS_ROOT, "uid of its own",    step_ids      },
	{ LAYER_USERNS,       AS_ROOT, "user namespace",    step_userns   },
	{ LAYER_NO_CAPS,      ALWAYS,  "no capabilities",   step_caps     },
	{ LAYER_NO_NEW_PRIVS, ALWAYS,  "no_new_privs",      step_privs    },
	{ LAYER_LANDLOCK,     ALWAYS,  "Landlock",          step_landlock },
	{ LAYER_MDWE,         ALWAYS,  "MDWE",              step_mdwe     },
	{ LAYER_NOT_DUMPABLE, ALWAYS,  "not dumpable",      step_dumps    },
};

/* ---- the zygote ------------------------------------------------------------ */

static struct sandbox_bpf *
build_filter(size_t (*list)(const struct sandbox_list **), uint32_t action, int *rc)
{
	const struct sandbox_list *lists;
	struct sandbox_bpf *bpf;
	size_t n = list(&lists);

	*rc = -ENOMEM;
	bpf = calloc(1, sizeof(*bpf));
	if (bpf == NULL)
		return NULL;
	*rc = sandbox_bpf_build(lists, n, action, bpf);
	if (*rc == 0)
		return bpf;
	free(bpf);
	return NULL;
}

static int
fail(struct sandbox *sb, const char *what, int rc)
{
	(void)snprintf(sb->problem, sizeof(sb->problem), "%s: %s", what, error_name(rc));
	return -1;
}

static void
report_zygote(struct sandbox *sb)
{
	sb->report[0] = '\0';
	append(sb->report, sizeof(sb->report), "uid %u gid %u, root %s, namespaces%s%s%s%s, "
	    "filter of %u instructions%s%s", sb->uid, sb->gid, sb->root,
	    (sb->layers & LAYER_USERNS) != 0 ? " user" : "",
	    (sb->layers & LAYER_MOUNTNS) != 0 ? " mount" : "",
	    (sb->layers & LAYER_NETNS) != 0 ? " net" : "",
	    (sb->layers & LAYER_IPCNS) != 0 ? " ipc" : "",
	    sb->worker->n, sb->without[0] != '\0' ? "; without" : "", sb->without);
}

/* 0, or -1 with the problem told. */
static int
take_steps(struct sandbox *sb, enum who who, unsigned required)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *s = &steps[i];
		int rc;

		if ((s->who & who) == 0)
			continue;
		rc = s->enter(sb);
		if (rc == 0)
			sb->layers |= s->layer;
		else if ((required & s->layer) != 0)
			return fail(sb, s->name, rc);
		else
			append(sb->without, sizeof(sb->without), " %s (%s)", s->name,
			    error_name(rc));
	}
	return 0;
}

int
sandbox_enter_zygote(struct sandbox *sb, uint32_t uid, uint32_t gid, unsigned required)
{
	bool root = geteuid() == 0;
	unsigned lacking;
	int rc;

	*sb = (struct sandbox){ .uid = root ? uid : geteuid(), .gid = root ? gid : getegid(),
		.root = "of the host" };
	required |= root ? SANDBOX_REQUIRED_ROOT : SANDBOX_REQUIRED;
	if ((sb->worker = build_filter(sandbox_filter_worker, SCMP_ACT_KILL_PROCESS, &rc)) == NULL ||
	    (sb->trapping = build_filter(sandbox_filter_worker, SCMP_ACT_TRAP, &rc)) == NULL)
		return fail(sb, "compiling the filter", rc);
	if (take_steps(sb, root ? AS_ROOT : AS_USER, required) != 0)
		return -1;
	/* what no step can give on this system; the worker adds its own two */
	lacking = required & ~(sb->layers | LAYER_SECCOMP | LAYER_RLIMITS);
	if (lacking != 0) {
		(void)snprintf(sb->problem, sizeof(sb->problem),
		    "layers 0x%x are required and cannot be had here", lacking);
		return -1;
	}
	report_zygote(sb);
	return 0;
}

int
sandbox_filter_self(struct sandbox *sb)
{
	struct sandbox_bpf *bpf;
	int rc;

	bpf = build_filter(sandbox_filter_zygote, SCMP_ACT_KILL_PROCESS, &rc);
	if (bpf == NULL)
		return fail(sb, "compiling the filter", rc);
	rc = sandbox_bpf_load(bpf);
	sandbox_bpf_free(bpf);
	free(bpf);
	return rc == 0 ? 0 : fail(sb, "seccomp", rc);
}

/* ---- a worker ---------------------------------------------------------------- */

/* What it sees of itself: as a normal user the kernel hides the last two even from
 * the user, so the worker tells.  A claim, like all it says. */
static void
report_worker(struct sandbox *sb, uint64_t held)
{
	sb->report[0] = '\0';
	append(sb->report, sizeof(sb->report), "uid %u gid %u, capabilities %llx, root %s, "
	    "descriptors", sb->uid, sb->gid, (unsigned long long)held, sb->root);
	for (int fd = 0; fd < 32; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			append(sb->report, sizeof(sb->report), " %d", fd);
	}
	if (sb->without[0] != '\0')
		append(sb->report, sizeof(sb->report), "; without%s", sb->without);
}

static int
enter(struct sandbox *sb, unsigned max_fds, const struct sandbox_bpf *bpf)
{
	const struct sandbox_limit limits[] = {
		/* ppoll takes no more entries than this; so it cannot be 0 */
		{ RLIMIT_NOFILE,     max_fds,       "limit on descriptors"     },
		{ RLIMIT_NPROC,      0,             "limit on processes"       },
		{ RLIMIT_FSIZE,      0,             "limit on file size"       },
		{ RLIMIT_CORE,       0,             "limit on core size"       },
		{ RLIMIT_MEMLOCK,    0,             "limit on locked memory"   },
		{ RLIMIT_MSGQUEUE,   0,             "limit on message queues"  },
		{ RLIMIT_SIGPENDING, 0,             "limit on pending signals" },
		{ RLIMIT_AS,         worker_memory, "limit on memory"          },
	};
	const char *failed = "";
	uint64_t held = 0;
	int rc;

	if (bpf == NULL)
		return fail(sb, "not a clone of a zygote", -EINVAL);
	rc = sandbox_drop_caps_left(&held);
	if (rc != 0 || held != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fail(sb, "an inherited layer is gone", -EPERM);
	rc = sandbox_drop_limits(limits, sizeof(limits) / sizeof(limits[0]), &failed);
	if (rc != 0)
		return fail(sb, failed, rc);
	report_worker(sb, held);
	rc = sandbox_bpf_load(bpf);
	if (rc != 0)
		return fail(sb, "seccomp", rc);
	sb->layers |= LAYER_RLIMITS | LAYER_SECCOMP;
	return 0;
}

int
sandbox_enter_worker(struct sandbox *sb, unsigned max_fds)
{
	return enter(sb, max_fds, sb->worker);
}

int
sandbox_enter_trapping(struct sandbox *sb, unsigned max_fds)
{
	return enter(sb, max_fds, sb->trapping);
}
