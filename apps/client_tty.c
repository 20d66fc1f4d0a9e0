/*
 * client_tty.c - the user's terminal: raw and back, its size, its modes.
 *
 * Works on descriptor 0, which others may share: it is never made non-blocking
 * and always given back as it was.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "apps/client_tty.h"

enum { OP_END = 0, OP_ISPEED = 128, OP_OSPEED = 129, NO_CHAR = 255 };

static struct { struct termios saved; bool is_raw; } state;

bool
client_tty_size(struct tty_size *out)
{
	struct winsize ws;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) != 0)
		return false;
	*out = (struct tty_size){ ws.ws_col, ws.ws_row, ws.ws_xpixel, ws.ws_ypixel };
	return true;
}

static size_t
put(uint8_t *out, size_t cap, size_t n, uint8_t opcode, uint32_t value)
{
	if (cap - n < 5)
		return n;
	out[n] = opcode;
	out[n + 1] = (uint8_t)(value >> 24);
	out[n + 2] = (uint8_t)(value >> 16);
	out[n + 3] = (uint8_t)(value >> 8);
	out[n + 4] = (uint8_t)value;
	return n + 5;
}

static uint32_t
baud(speed_t speed)
{
	static const struct { speed_t speed; uint32_t baud; } rates[] = {
		{ B1200, 1200 }, { B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 },
		{ B19200, 19200 }, { B38400, 38400 }, { B57600, 57600 }, { B115200, 115200 },
	};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (rates[i].speed == speed)
			return rates[i].baud;
	return 38400;
}

size_t
client_tty_modes(uint8_t *out, size_t cap)
{
	struct termios t;
	size_t n = 0;

	if (cap < 1)
		return 0;
	if (tcgetattr(STDIN_FILENO, &t) == 0) {
		n = put(out, cap - 1, n, OP_ISPEED, baud(cfgetispeed(&t)));
		n = put(out, cap - 1, n, OP_OSPEED, baud(cfgetospeed(&t)));
#define TTY_CHAR(opcode, index) \
		n = put(out, cap - 1, n, opcode, t.c_cc[index] == _POSIX_VDISABLE ? \
		    NO_CHAR : t.c_cc[index]);
#define TTY_FLAG(opcode, field, flag) \
		n = put(out, cap - 1, n, opcode, (t.field & flag) == flag);
#include "apps/tty_modes.def"
	}
	out[n] = OP_END;
	return n + 1;
}

void
client_tty_raw(void)
{
	struct termios t;

	if (state.is_raw || tcgetattr(STDIN_FILENO, &state.saved) != 0)
		return;
	t = state.saved;
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	state.is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

bool
client_tty_is_raw(void)
{
	return state.is_raw;
}

void
client_tty_restore(void)
{
	if (!state.is_raw)
		return;
	state.is_raw = false;
	/* Nothing more can be done for a terminal that refuses its old modes. */
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &state.saved);
}
