/*
 * must.h - what a fuzz target claims beyond the sanitizers: where it does not hold, libFuzzer
 * has found something.
 */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include <stdbool.h>
#include <stdlib.h>

static inline void
must(bool ok)
{
	if (!ok)
		abort();
}

#endif
