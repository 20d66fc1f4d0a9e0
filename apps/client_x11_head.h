/* client_x11_head.h - the first message of an X11 connection, and the cookie in it. */
#ifndef APPS_CLIENT_X11_HEAD_H
#define APPS_CLIENT_X11_HEAD_H

#include <stddef.h>
#include <stdint.h>

enum { X11_COOKIE = 16, X11_HEAD_START = 12, X11_HEAD_MAX = 48 };
#define X11_PROTOCOL "MIT-MAGIC-COOKIE-1"

enum client_x11_head { X11_BAD = -1, X11_MORE = 0, X11_GOOD = 1 };

/* Looks at the n bytes that have come; MORE: *need is how many there must be before it
 * is worth looking again, and none of them belongs to what follows.  GOOD: fake was
 * there, and real stands in its place. */
enum client_x11_head client_x11_head_check(uint8_t *p, size_t n, const uint8_t *fake,
    const uint8_t *real, size_t *need);

#endif
