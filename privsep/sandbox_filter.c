/*
 * sandbox_filter.c - the system calls that a worker, a zygote and keyload may make.
 *
 * The worker's list is what a peer who has taken over a worker is left with, so each line
 * says what the worker needs it for, and arguments are pinned wherever the filter
 * can see them.  Everything else kills the process.  There is no call here that
 * makes a descriptor but from one that was sent to it, none that names a file,
 * address or process, none that makes memory executable, and none that sends a
 * descriptor away (sendmsg).
 */
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "privsep/sandbox_layers.h"

/* The frequent ones first: the filter is read from the top.  Those without a
 * condition could as well be last, for the kernel remembers that they may pass. */
static const struct sandbox_call worker_calls[] = {
	/* no signal mask: nothing to be done with one */
	CALL_ONLY(ppoll, 1, ARG_NULL(3)),
	/* network and links, to whom the socket is connected and no other address */
	CALL_ONLY(sendto, 3, ARG_BITS(3, MSG_DONTWAIT | MSG_NOSIGNAL), ARG_NULL(4), ARG_INT(5, 0)),
	/* its two links, with descriptors; flags exactly those of ipc_recv */
	CALL_ONLY(recvmsg, 1, ARG_INT(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)),
	/* network in, channel data in */
	CALL_ANY(read),
	CALL_ANY(readv),
	/* network out, channel data out */
	CALL_ANY(write),
	CALL_ANY(writev),
	/* EOF to one side of a channel or connection */
	CALL_ANY(shutdown),
	CALL_ANY(close),
	/* malloc: private, anonymous, never executable, no chosen address to replace */
	CALL_ONLY(mmap, 3, ARG_INT(2, PROT_READ | PROT_WRITE),
	    ARG_INT(3, MAP_PRIVATE | MAP_ANONYMOUS), ARG_INT(4, -1)),
	CALL_ANY(munmap),
	CALL_ONLY(mremap, 1, ARG_INT(3, MREMAP_MAYMOVE)),
	CALL_ANY(brk),
	/* memory of grown buffers goes back */
	CALL_ONLY(madvise, 1, ARG_INT(2, MADV_DONTNEED)),
	/* cookies, padding, ephemeral keys */
	CALL_ONLY(getrandom, 1, ARG_INT(2, 0)),
	/* where the clock source has no vDSO */
	CALL_ONLY(clock_gettime, 1, ARG_INT(0, CLOCK_MONOTONIC)),
	CALL_ANY(exit_group),
};

/* The zygote wears the worker's calls and what it takes to make one: the filter of
 * a clone then loads in half the time, and the zygote itself can still open,
 * execute and connect to nothing. */
static const struct sandbox_call zygote_calls[] = {
	/* its work.  The arguments are behind a pointer; it has no rights to pass on */
	CALL_ANY(clone3),
	CALL_ANY(dup3),			/* a clone's link to its place */
	CALL_ANY(close_range),		/* and all others closed */
	CALL_ANY(getppid),		/* is the monitor still there? */
	/* the layers of each worker, and their reading back */
	CALL_ANY(prlimit64),
	CALL_ANY(seccomp),
	CALL_ANY(capget),
	CALL_ONLY(prctl, 1, ARG_INT(0, PR_SET_PDEATHSIG)),
	CALL_ONLY(prctl, 1, ARG_INT(0, PR_GET_NO_NEW_PRIVS)),
	CALL_ONLY(prctl, 1, ARG_INT(0, PR_GET_DUMPABLE)),
	CALL_ONLY(fcntl, 1, ARG_INT(1, F_GETFD)),
};

/* One descriptor to read at given places, one link to answer on, and memory. */
static const struct sandbox_call keyload_calls[] = {
	CALL_ANY(pread64),
	CALL_ONLY(sendto, 3, ARG_BITS(3, MSG_DONTWAIT | MSG_NOSIGNAL), ARG_NULL(4), ARG_INT(5, 0)),
	/* malloc; and Argon2, which wants its pages at once */
	CALL_ONLY(mmap, 3, ARG_INT(2, PROT_READ | PROT_WRITE),
	    ARG_BITS(3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE), ARG_INT(4, -1)),
	/* OpenSSL blinds what it computes on a curve; its generator, seeded before, asks
	 * whether it is in a clone by now */
	CALL_ANY(getpid),
	CALL_ANY(munmap),
	CALL_ONLY(mremap, 1, ARG_INT(3, MREMAP_MAYMOVE)),
	CALL_ANY(brk),
	CALL_ANY(exit_group),
};

/* Test builds only, and the schema hash tells them apart: what the sanitizers'
 * runtime calls by itself, for its shadow memory and to report what it found. */
#ifdef POSTERN_SAN
static const struct sandbox_call sanitizer_calls[] = {
	CALL_ANY(mmap), CALL_ANY(mprotect), CALL_ANY(madvise), CALL_ANY(futex),
	CALL_ANY(sched_yield), CALL_ANY(sigaltstack), CALL_ANY(rt_sigaction),
	CALL_ANY(rt_sigprocmask), CALL_ANY(rt_sigreturn), CALL_ANY(gettid),
	CALL_ANY(getpid), CALL_ANY(tgkill), CALL_ANY(openat), CALL_ANY(readlinkat),
	CALL_ANY(fstat), CALL_ANY(newfstatat), CALL_ANY(lseek), CALL_ANY(getrusage),
	CALL_ANY(uname), CALL_ANY(prctl), CALL_ANY(prlimit64), CALL_ANY(ioctl),
	CALL_ANY(getcwd), CALL_ANY(clock_gettime), CALL_ANY(write), CALL_ANY(read),
	CALL_ANY(close), CALL_ANY(munmap), CALL_ANY(open), CALL_ANY(readlink),
	CALL_ANY(stat), CALL_ANY(access), CALL_ANY(pipe), CALL_ANY(getrandom),
};
#define ALSO_SANITIZER , LIST(sanitizer_calls)
#else
#define ALSO_SANITIZER
#endif

#define LIST(calls) { calls, sizeof(calls) / sizeof(calls[0]) }
static const struct sandbox_list worker_lists[] = {
	LIST(worker_calls) ALSO_SANITIZER
};
static const struct sandbox_list zygote_lists[] = {
	LIST(worker_calls), LIST(zygote_calls) ALSO_SANITIZER
};
static const struct sandbox_list keyload_lists[] = {
	LIST(keyload_calls) ALSO_SANITIZER
};

size_t
sandbox_filter_worker(const struct sandbox_list **lists)
{
	*lists = worker_lists;
	return sizeof(worker_lists) / sizeof(worker_lists[0]);
}

size_t
sandbox_filter_zygote(const struct sandbox_list **lists)
{
	*lists = zygote_lists;
	return sizeof(zygote_lists) / sizeof(zygote_lists[0]);
}

size_t
sandbox_filter_keyload(const struct sandbox_list **lists)
{
	*lists = keyload_lists;
	return sizeof(keyload_lists) / sizeof(keyload_lists[0]);
}
