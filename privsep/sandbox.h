/*
 * sandbox.h - the layers around zygote and worker, and which of them are in force.
 *
 * Namespaces, root, ids and Landlock are put on once in the zygote and inherited;
 * rlimits and the filter are put on per worker, the filter last.  Required layers
 * that cannot be had fail the start; the others are reported, never assumed.
 * Nothing here can be switched off by configuration or environment.
 */
#ifndef PRIVSEP_SANDBOX_H
#define PRIVSEP_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

enum sandbox_layer {		/* the numbers of enum postern_layer */
	LAYER_SECCOMP = 1, LAYER_NO_NEW_PRIVS = 2, LAYER_NO_CAPS = 4,
	LAYER_RLIMITS = 8, LAYER_NOT_DUMPABLE = 16, LAYER_UID = 32,
	LAYER_EMPTY_ROOT = 64, LAYER_USERNS = 128, LAYER_NETNS = 256,
	LAYER_MOUNTNS = 512, LAYER_IPCNS = 1024, LAYER_LANDLOCK = 2048,
	LAYER_MDWE = 4096,
};
enum { SANDBOX_REQUIRED = LAYER_SECCOMP | LAYER_NO_NEW_PRIVS | LAYER_NO_CAPS |
	LAYER_RLIMITS | LAYER_NOT_DUMPABLE,
	SANDBOX_REQUIRED_ROOT = SANDBOX_REQUIRED | LAYER_UID | LAYER_EMPTY_ROOT };

struct sandbox_bpf;
struct sandbox {			/* a clone goes on with its zygote's */
	unsigned layers;		/* in force so far                   */
	char report[1024];		/* one line for people               */
	char problem[256];		/* what failed, and why              */
	/* sandbox.c's own */
	uint32_t uid, gid;
	const char *root;
	char without[512];
	struct sandbox_bpf *worker, *trapping;
};

/* Zygote, before it has read anything but its setup: all layers that are
 * inherited.  uid and gid count only as root. */
int sandbox_enter_zygote(struct sandbox *, uint32_t uid, uint32_t gid, unsigned required);
/* Zygote, after the self-test: a filter of its own, wider than a worker's by what
 * it takes to make one. */
int sandbox_filter_self(struct sandbox *);
/* A fresh worker, as its last act before it says READY, with the sandbox that it
 * has from its zygote.  max_fds bounds descriptors.  After 0 no system call outside the list returns. */
int sandbox_enter_worker(struct sandbox *, unsigned max_fds);
/* The same rules with SECCOMP_RET_TRAP, for the self-test's throw-away worker:
 * its handler learns the number of a missing call. */
int sandbox_enter_trapping(struct sandbox *, unsigned max_fds);
/* Monitor and keyload: not dumpable, no_new_privs, and for keyload rlimits and a
 * filter of its own (it has one descriptor to read and one link). */
int sandbox_enter_monitor(struct sandbox *);
int sandbox_enter_keyload(struct sandbox *);
const char *sandbox_syscall_name(int number, char *buf, size_t cap);

#endif
