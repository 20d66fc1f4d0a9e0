/* foreign_names.h - algorithms that OpenSSH has and this library has not. */
#ifndef APPS_FOREIGN_NAMES_H
#define APPS_FOREIGN_NAMES_H

#include <stddef.h>

/*
 * What such names leave of a line's edit of a list (enum postern_list): in out the edit
 * without them, in passed those names with commas, "" if there are none.  An edit of which
 * nothing would be left to have is left as it is, for the library to refuse by name; of one
 * with - nothing has to be left.  Each takes size bytes.  -ERANGE: edit is longer.
 */
int foreign_names_drop(int list, const char *edit, char *out, char *passed, size_t size);

#endif
