/*
 * session_pty.c - a pseudo-terminal, made by the user it is for: ownership comes
 * from the kernel and no privileged process ever touches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/session.h"

static unsigned short clip(uint32_t v)
{
	return v > 0xffff ? 0xffff : (unsigned short)v;
}

void session_pty_resize(int master, uint32_t columns, uint32_t rows, uint32_t width,
    uint32_t height)
{
	struct winsize w = { .ws_col = clip(columns), .ws_row = clip(rows),
	    .ws_xpixel = clip(width), .ws_ypixel = clip(height) };

	(void)ioctl(master, TIOCSWINSZ, &w);	/* a terminal without size still works */
}

int session_pty_open(const struct session_pty *p, struct session_tty *out)
{
	struct session_tty t = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC),
	    .slave = -1 };
	struct termios modes;
	int r = 0;

	if (t.master < 0)
		return -errno;
	if (grantpt(t.master) != 0 || unlockpt(t.master) != 0 ||
	    ptsname_r(t.master, t.path, sizeof(t.path)) != 0 ||
	    (t.slave = open(t.path, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
	    tcgetattr(t.slave, &modes) != 0)
		r = -errno;
	else if (session_modes_apply(p->modes, p->modes_len, &modes) < 0)
		r = -EPROTO;
	else if (tcsetattr(t.slave, TCSANOW, &modes) != 0)
		r = -errno;
	if (r < 0) {
		if (t.slave >= 0)
			close(t.slave);
		close(t.master);
		return r;
	}
	session_pty_resize(t.master, p->columns, p->rows, p->width, p->height);
	*out = t;
	return 0;
}
