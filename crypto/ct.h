/*
 * ct.h - words for code whose time and memory accesses must not depend on secrets.
 *
 * ct_public says that bytes which were made from a secret may be known to all, so that a
 * branch on them is no leak.  It does nothing, but tests/ct_test.sh builds the same
 * sources with POSTERN_CT, marks what is secret as undefined for valgrind, and finds
 * every branch and index that depends on it.
 */
#ifndef CRYPTO_CT_H
#define CRYPTO_CT_H

#include <stddef.h>
#include <stdint.h>

#ifdef POSTERN_CT
#include <valgrind/memcheck.h>

static inline void
ct_public(const void *p, size_t n)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}
#else
static inline void
ct_public(const void *p, size_t n)
{
	(void)p;
	(void)n;
}
#endif

/* The same number, of which the compiler knows nothing any more: it cannot find out that
 * a mask has only two values and make a branch of it. */
static inline uint32_t
ct_hide(uint32_t x)
{
	__asm__("" : "+r"(x));
	return x;
}

/* All ones if a and b differ, else zero; both at most 2^31. */
static inline uint32_t
ct_differ(uint32_t a, uint32_t b)
{
	return ct_hide(-((-(a ^ b)) >> 31));
}

#endif
