/*
 * sandbox_bpf.c - from a list of allowed calls to a seccomp filter.
 *
 * libseccomp compiles a list once, in the zygote, into a plain program in memory;
 * each worker only loads it, which is faster and needs none of libseccomp's code.
 * A call of another architecture or ABI (x32, int 0x80) is killed whatever its
 * number.  No list may have an action between "allow" and the default: a call
 * that fails softly is a call that somebody will come to rely on.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/sandbox.h"
#include "privsep/sandbox_layers.h"

/* Reads the program back from the memory file it was exported to. */
static int
read_program(int fd, struct sandbox_bpf *out)
{
	struct stat st;
	struct sock_filter *code;
	size_t size;

	if (fstat(fd, &st) != 0)
		return -errno;
	size = (size_t)st.st_size;
	if (size == 0 || size % sizeof(*code) != 0 || size / sizeof(*code) > BPF_MAXINSNS)
		return -E2BIG;
	code = malloc(size);
	if (code == NULL)
		return -ENOMEM;
	if (pread(fd, code, size, 0) != (ssize_t)size) {
		free(code);
		return -EIO;
	}
	out->code = code;
	out->n = (unsigned short)(size / sizeof(*code));
	return 0;
}

static int
add_calls(scmp_filter_ctx ctx, const struct sandbox_list *list)
{
	int rc;

	for (size_t i = 0; i < list->n; i++) {
		const struct sandbox_call *call = &list->calls[i];

		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call->number, call->n,
		    call->arg);
		/* said twice by two lists is no mistake */
		if (rc != 0 && rc != -EEXIST)
			return rc;
		/* in the order of the list: its first calls are the frequent ones */
		rc = seccomp_syscall_priority(ctx, call->number, (uint8_t)(i < 255 ? 255 - i : 0));
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
sandbox_bpf_build(const struct sandbox_list *lists, size_t nlists, uint32_t action,
    struct sandbox_bpf *out)
{
	scmp_filter_ctx ctx;
	int fd, rc;

	ctx = seccomp_init(action);
	if (ctx == NULL)
		return -ENOMEM;
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; i < nlists && rc == 0; i++)
		rc = add_calls(ctx, &lists[i]);
	if (rc != 0)
		goto err1;
	fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		goto err1;
	}
	rc = seccomp_export_bpf(ctx, fd);
	if (rc == 0)
		rc = read_program(fd, out);
	(void)close(fd);
err1:
	seccomp_release(ctx);
	return rc;
}

int
sandbox_bpf_load(const struct sandbox_bpf *bpf)
{
	struct sock_fprog program = { .len = bpf->n, .filter = bpf->code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		return -errno;
	return 0;
}

void
sandbox_bpf_free(struct sandbox_bpf *bpf)
{
	free(bpf->code);
	bpf->code = NULL;
	bpf->n = 0;
}

const char *
sandbox_syscall_name(int number, char *buf, size_t cap)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name != NULL)
		(void)snprintf(buf, cap, "%s", name);
	else
		(void)snprintf(buf, cap, "system call %d", number);
	free(name);
	return buf;
}
