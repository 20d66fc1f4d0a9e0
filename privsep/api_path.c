/*
 * api_path.c - where the helper programs are: the one thing in the library that
 * depends on the place of installation.
 *
 * Compiled in, so that no environment variable is ever asked and a set-id or root
 * program cannot be made to run somebody else's monitor.
 */
#include "privsep/api.h"

#ifndef POSTERN_HELPER_DIR
#error "POSTERN_HELPER_DIR comes from the Makefile"
#endif

const char *
api_path_helpers(void)
{
	return POSTERN_HELPER_DIR;
}
