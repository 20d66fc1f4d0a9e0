/* client_xauth.h - the display's cookie, from xauth(1). */
#ifndef APPS_CLIENT_XAUTH_H
#define APPS_CLIENT_XAUTH_H

#include <stdbool.h>
#include <stdint.h>

/* cookie: X11_COOKIE bytes.  untrusted: a new one, with the SECURITY extension's
 * restrictions, for timeout_s seconds (0: for ever).  false: there is none. */
bool client_xauth_cookie(const char *program, const char *display, bool untrusted,
    int timeout_s, uint8_t *cookie);

#endif
