/*
 * canary.h - a stack canary of its own for each clone.
 *
 * Siblings share their layout, and would share their canary: one that a peer
 * guesses byte by byte in worker after worker.  glibc keeps it in the thread's
 * control block on x86-64, where it can be written.  On other architectures it is a
 * variable that is read-only after start, so there a layout's canary lives as long
 * as the layout: 64 connections, or until the first abnormal death.
 *
 * Functions that are running when the canary changes must never return.
 */
#ifndef PRIVSEP_CANARY_H
#define PRIVSEP_CANARY_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__LP64__)
static inline void
canary_renew(uint64_t fresh)
{
	/* the first byte in memory stays 0, as in glibc: it ends C strings */
	fresh &= ~UINT64_C(0xff);
	__asm__ volatile("movq %0, %%fs:0x28" : : "r"(fresh) : "memory");
}
#else
static inline void
canary_renew(uint64_t fresh)
{
	(void)fresh;
}
#endif

#endif
