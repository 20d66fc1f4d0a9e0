/*
 * client_x11_head.c - the first message of an X11 connection, and the cookie in it.
 *
 * Programs on the server, and whoever is root there, speak here.  The one thing that
 * is let through to the display is a message of known size with the cookie that was
 * made for this session: whoever does not know it does not reach the display.
 */
#include <sodium.h>
#include <string.h>

#include "apps/client_x11_head.h"

/* X11 protocol, "Connection Setup": where things stand. */
enum { AT_ORDER = 0, AT_NAME_LEN = 6, AT_DATA_LEN = 8, NAME_LEN = 18, NAME_PADDED = 20,
	BIG_ENDIAN_ORDER = 'B', LITTLE_ENDIAN_ORDER = 'l' };
_Static_assert(X11_HEAD_START + NAME_PADDED + X11_COOKIE == X11_HEAD_MAX, "one size only");

static unsigned
number(const uint8_t *p, size_t at)
{
	unsigned a = p[at], b = p[at + 1];

	return p[AT_ORDER] == BIG_ENDIAN_ORDER ? a << 8 | b : b << 8 | a;
}

enum client_x11_head
client_x11_head_check(uint8_t *p, size_t n, const uint8_t *fake, const uint8_t *real,
    size_t *need)
{
	*need = n < X11_HEAD_START ? X11_HEAD_START : X11_HEAD_MAX;
	if (n >= 1 && p[AT_ORDER] != BIG_ENDIAN_ORDER && p[AT_ORDER] != LITTLE_ENDIAN_ORDER)
		return X11_BAD;
	if (n < X11_HEAD_START)
		return X11_MORE;
	if (number(p, AT_NAME_LEN) != NAME_LEN || number(p, AT_DATA_LEN) != X11_COOKIE)
		return X11_BAD;
	if (n < X11_HEAD_MAX)
		return X11_MORE;
	if (n > X11_HEAD_MAX || memcmp(p + X11_HEAD_START, X11_PROTOCOL, NAME_LEN) != 0 ||
	    sodium_memcmp(p + X11_HEAD_START + NAME_PADDED, fake, X11_COOKIE) != 0)
		return X11_BAD;
	memcpy(p + X11_HEAD_START + NAME_PADDED, real, X11_COOKIE);
	return X11_GOOD;
}
