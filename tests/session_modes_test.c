/* session_modes_test.c - encoded terminal modes [RFC 4254 8], hostile bytes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "apps/session.h"

static struct termios before(void)
{
	struct termios t;

	memset(&t, 0, sizeof(t));
	t.c_lflag = ECHO | ICANON;
	t.c_cc[VINTR] = 3;
	return t;
}

static void a_truncated_argument_changes_nothing(void **s)
{
	static const uint8_t modes[] = { 53, 0, 0, 0, 0, 1, 0, 0, 0, 9 };

	(void)s;
	for (size_t n = 0; n <= sizeof(modes); n++) {
		struct termios t = before(), was = before();
		int whole = n % 5 == 0;

		assert_int_equal(session_modes_apply(modes, n, &t), whole ? 0 : -1);
		if (!whole || n == 0)
			assert_memory_equal(&t, &was, sizeof(t));
	}
}

static void flags_are_set_and_cleared(void **s)
{
	static const uint8_t modes[] = { 53, 0, 0, 0, 0, 36, 0, 0, 0, 1, 91, 0, 0, 0, 1,
		70, 0xff, 0, 0, 0, 0 };
	struct termios t = before();

	(void)s;
	assert_int_equal(session_modes_apply(modes, sizeof(modes), &t), 0);
	assert_int_equal(t.c_lflag & ECHO, 0);
	assert_int_equal(t.c_lflag & ICANON, ICANON);
	assert_int_equal(t.c_iflag & ICRNL, ICRNL);
	assert_int_equal(t.c_cflag & CSIZE, CS8);
	assert_int_equal(t.c_oflag & OPOST, OPOST);
}

static void characters_are_set(void **s)
{
	static const uint8_t modes[] = { 1, 0, 0, 0, 255, 3, 0, 0, 0, 8, 5, 0, 0, 0, 0 };
	struct termios t = before();

	(void)s;
	t.c_cc[VEOF] = 4;
	assert_int_equal(session_modes_apply(modes, sizeof(modes), &t), 0);
	assert_int_equal(t.c_cc[VINTR], _POSIX_VDISABLE);
	assert_int_equal(t.c_cc[VERASE], 8);
	assert_int_equal(t.c_cc[VEOF], 0);
}

static void speeds_are_set_if_they_exist(void **s)
{
	static const uint8_t modes[] = { 129, 0, 0, 0x25, 0x80, 129, 0, 0, 0, 7 };
	static const uint8_t in[] = { 128, 0, 0, 0x96, 0 };
	struct termios t = before();

	(void)s;
	assert_int_equal(session_modes_apply(modes, sizeof(modes), &t), 0);
	assert_int_equal(cfgetospeed(&t), B9600);
	/* Linux keeps one speed for both ways */
	assert_int_equal(session_modes_apply(in, sizeof(in), &t), 0);
	assert_int_equal(cfgetispeed(&t), B38400);
}

static void the_list_ends_where_the_rfc_says(void **s)
{
	static const uint8_t ended[] = { 0, 53, 0, 0, 0, 0 };
	static const uint8_t undefined[] = { 160, 53 };
	static const uint8_t unknown[] = { 159, 1, 2, 3, 4, 127, 0, 0, 0, 1, 53, 0, 0, 0, 0 };
	struct termios t = before();

	(void)s;
	assert_int_equal(session_modes_apply(ended, sizeof(ended), &t), 0);
	assert_int_equal(t.c_lflag & ECHO, ECHO);
	assert_int_equal(session_modes_apply(undefined, sizeof(undefined), &t), 0);
	assert_int_equal(session_modes_apply(unknown, sizeof(unknown), &t), 0);
	assert_int_equal(t.c_lflag & ECHO, 0);
}

static void every_opcode_is_survived(void **s)
{
	(void)s;
	for (unsigned op = 0; op < 256; op++)
		for (unsigned v = 0; v < 256; v += 51) {
			uint8_t m[6] = { (uint8_t)op, (uint8_t)v, (uint8_t)v, (uint8_t)v, (uint8_t)v, 0 };
			struct termios t = before();

			assert_int_equal(session_modes_apply(m, sizeof(m), &t), 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_truncated_argument_changes_nothing),
		cmocka_unit_test(flags_are_set_and_cleared),
		cmocka_unit_test(characters_are_set),
		cmocka_unit_test(speeds_are_set_if_they_exist),
		cmocka_unit_test(the_list_ends_where_the_rfc_says),
		cmocka_unit_test(every_opcode_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
