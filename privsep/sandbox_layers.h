/*
 * sandbox_layers.h - the single layers that sandbox.c and its like put together.
 * Only sandbox*.c include it.  All functions return 0 or -errno and have no state.
 */
#ifndef PRIVSEP_SANDBOX_LAYERS_H
#define PRIVSEP_SANDBOX_LAYERS_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

/* ---- sandbox_root.c: namespaces, and a root with nothing in it ---- */
int sandbox_root_userns(void);
int sandbox_root_mountns(void);
int sandbox_root_netns(void);
int sandbox_root_ipcns(void);
/* Needs a mount namespace of its own. */
int sandbox_root_pivot(void);
/* Needs CAP_SYS_CHROOT; the second best. */
int sandbox_root_chroot(void);

/* ---- sandbox_landlock.c ---- */
/* Refuses everything that this kernel's Landlock can refuse. */
int sandbox_landlock(void);

/* ---- sandbox_drop.c: what a process gives up about itself ---- */
int sandbox_drop_new_privs(void);
int sandbox_drop_dumps(void);
int sandbox_drop_exec_gain(void);
/* All capabilities and bounds but those in keep, a mask of 1 << CAP_X. */
int sandbox_drop_caps(uint64_t keep);
/* What is held now, all sets together. */
int sandbox_drop_caps_left(uint64_t *held);
/* To these ids, without supplementary groups and without a way back. */
int sandbox_drop_ids(uint32_t uid, uint32_t gid);

struct sandbox_limit {
	__rlimit_resource_t resource;
	rlim_t value;
	const char *name;
};
/* Soft and hard limits, each to its value or what it is, if that is lower.
 * *failed names the one that could not be set. */
int sandbox_drop_limits(const struct sandbox_limit *, size_t n, const char **failed);

/* ---- sandbox_bpf.c: from a list of calls to a filter in force ---- */
enum { SANDBOX_ARGS_MAX = 3 };
struct sandbox_call {
	int number;
	unsigned n;			/* conditions, all of which must hold */
	struct scmp_arg_cmp arg[SANDBOX_ARGS_MAX];
};
/* Rows of a list.  Integer arguments are compared in their 32 bits: the kernel
 * looks at no more, and the upper half of the register may hold anything. */
#define CALL_ANY(name)          { SCMP_SYS(name), 0, { { 0, SCMP_CMP_EQ, 0, 0 } } }
#define CALL_ONLY(name, n, ...) { SCMP_SYS(name), n, { __VA_ARGS__ } }
#define ARG_INT(i, value)       { i, SCMP_CMP_MASKED_EQ, 0xffffffffu, (uint32_t)(value) }
#define ARG_BITS(i, allowed)    { i, SCMP_CMP_MASKED_EQ, 0xffffffffu & ~(uint32_t)(allowed), 0 }
#define ARG_NULL(i)             { i, SCMP_CMP_EQ, 0, 0 }

struct sandbox_list {
	const struct sandbox_call *calls;
	size_t n;
};
struct sandbox_bpf {
	struct sock_filter *code;
	unsigned short n;
};
/* All calls of the lists are allowed, any other gets action. */
int sandbox_bpf_build(const struct sandbox_list *, size_t nlists, uint32_t action,
    struct sandbox_bpf *);
int sandbox_bpf_load(const struct sandbox_bpf *);
void sandbox_bpf_free(struct sandbox_bpf *);

/* ---- sandbox_filter.c: the lists ---- */
/* Each returns how many lists there are. */
size_t sandbox_filter_worker(const struct sandbox_list **);
size_t sandbox_filter_zygote(const struct sandbox_list **);
size_t sandbox_filter_keyload(const struct sandbox_list **);

#endif
