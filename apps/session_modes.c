/*
 * session_modes.c - encoded terminal modes [RFC 4254 8] into termios.
 *
 * The peer's bytes, read as the user: opcode and 32 bits, until opcode 0 or one of
 * 160 and above, which end the list.  Opcodes that we do not have are passed over,
 * as the RFC asks.
 */
#include <limits.h>
#include <unistd.h>

#include "apps/session.h"

enum { OP_END = 0, OP_ISPEED = 128, OP_OSPEED = 129, OP_UNDEFINED = 160, CHAR_NONE = 255 };

struct mode_char { uint8_t op; uint8_t index; };
static const struct mode_char mode_chars[] = {
#define TTY_CHAR(op, index) { op, index },
#include "apps/tty_modes.def"
};

struct mode_flag { uint8_t op; size_t field; tcflag_t flag; };
static const struct mode_flag mode_flags[] = {
#define TTY_FLAG(op, field, flag) { op, offsetof(struct termios, field), flag },
#include "apps/tty_modes.def"
};

struct mode_speed { uint32_t baud; speed_t speed; };
static const struct mode_speed mode_speeds[] = {
#define SPEED(baud, speed) { baud, speed },
#include "apps/tty_speeds.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void apply_speed(uint8_t op, uint32_t baud, struct termios *t)
{
	for (size_t i = 0; i < COUNT(mode_speeds); i++) {
		if (mode_speeds[i].baud != baud)
			continue;
		/* cannot fail: the table has only speeds that termios knows */
		if (op == OP_ISPEED)
			(void)cfsetispeed(t, mode_speeds[i].speed);
		else
			(void)cfsetospeed(t, mode_speeds[i].speed);
	}
}

static void apply(uint8_t op, uint32_t value, struct termios *t)
{
	if (op == OP_ISPEED || op == OP_OSPEED)
		apply_speed(op, value, t);
	for (size_t i = 0; i < COUNT(mode_chars); i++)
		if (mode_chars[i].op == op)
			t->c_cc[mode_chars[i].index] = value == CHAR_NONE ? _POSIX_VDISABLE :
			    (cc_t)value;
	for (size_t i = 0; i < COUNT(mode_flags); i++)
		if (mode_flags[i].op == op) {
			tcflag_t *field = (tcflag_t *)((char *)t + mode_flags[i].field);

			*field = value != 0 ? *field | mode_flags[i].flag :
			    *field & ~mode_flags[i].flag;
		}
}

int session_modes_apply(const uint8_t *modes, size_t len, struct termios *t)
{
	struct termios out = *t;
	size_t at = 0;

	while (at < len && modes[at] != OP_END && modes[at] < OP_UNDEFINED) {
		const uint8_t *v = modes + at + 1;

		if (len - at < 5)
			return -1;
		apply(modes[at], (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 |
		    (uint32_t)v[2] << 8 | v[3], &out);
		at += 5;
	}
	*t = out;
	return 0;
}
