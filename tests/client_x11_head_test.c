/*
 * client_x11_head_test.c - the first message of an X11 connection: wrong ones of all
 * kinds, every truncation, both byte orders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/client_x11.h"
#include "apps/client_x11_head.h"

static const uint8_t fake[X11_COOKIE] = "sixteen bytes of", real[X11_COOKIE] = "the display's...";

static const uint8_t big[X11_HEAD_MAX + 1] = "B\0\0\13\0\0\0\22\0\20\0\0MIT-MAGIC-COOKIE-1\0\0sixteen bytes of";
static const uint8_t little[X11_HEAD_MAX + 1] = "l\0\13\0\0\0\22\0\20\0\0\0MIT-MAGIC-COOKIE-1\0\0sixteen bytes of";

/* In a block of exactly n bytes, which is left as it was unless it is good. */
static enum client_x11_head
check(const uint8_t *p, size_t n, size_t *need)
{
	uint8_t *copy = malloc(n + (n == 0));
	enum client_x11_head r;

	assert_non_null(copy);
	memcpy(copy, p, n);
	r = client_x11_head_check(copy, n, fake, real, need);
	if (r == X11_GOOD) {
		assert_memory_equal(copy, p, n - X11_COOKIE);
		assert_memory_equal(copy + n - X11_COOKIE, real, X11_COOKIE);
	} else {
		assert_memory_equal(copy, p, n);
	}
	free(copy);
	return r;
}

static void
wrong_ones(void **state)
{
	const uint8_t *const whole[] = { big, little };
	uint8_t p[X11_HEAD_MAX];
	size_t need;

	(void)state;
	for (size_t w = 0; w < 2; w++) {
		/* byte order, the two lengths and their other bytes, all of the name and cookie */
		for (size_t i = 0; i < X11_HEAD_MAX; i++) {
			bool counts = i == 0 || (i >= 6 && i < 10) || (i >= 12 && i < 30) || i >= 32;

			for (unsigned bit = 0; bit < 8; bit++) {
				memcpy(p, whole[w], sizeof(p));
				p[i] ^= (uint8_t)(1u << bit);
				assert_int_equal(check(p, sizeof(p), &need), counts ? X11_BAD : X11_GOOD);
			}
		}
	}
	/* the other order's lengths are enormous here */
	memcpy(p, big, sizeof(p));
	p[0] = 'l';
	assert_int_equal(check(p, X11_HEAD_START, &need), X11_BAD);
	/* one byte too many */
	assert_int_equal(check(big, X11_HEAD_MAX + 1, &need), X11_BAD);
}

static void
truncations(void **state)
{
	const uint8_t *const whole[] = { big, little };
	size_t need;

	(void)state;
	for (size_t w = 0; w < 2; w++)
		for (size_t n = 0; n < X11_HEAD_MAX; n++) {
			assert_int_equal(check(whole[w], n, &need), X11_MORE);
			assert_int_equal(need, n < X11_HEAD_START ? X11_HEAD_START : X11_HEAD_MAX);
		}
}

static void
both_orders(void **state)
{
	size_t need;

	(void)state;
	assert_int_equal(check(big, X11_HEAD_MAX, &need), X11_GOOD);
	assert_int_equal(check(little, X11_HEAD_MAX, &need), X11_GOOD);
}

static void
displays(void **state)
{
	static const char *const bad[] = { "", "host", ":", "host:", ":x", ":-1", ":0.", ":0.x", ":59536", ":0x1",
		":99999", ":1 ", ": 1", ":0.1.2" };
	struct client_end e;
	uint32_t screen = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (client_x11_display(bad[i], &e, &screen))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(screen, 77);
	assert_true(client_x11_display(":10.2", &e, &screen));
	assert_true(e.is_path);
	assert_string_equal(e.host, "/tmp/.X11-unix/X10");
	assert_int_equal(screen, 2);
	assert_true(client_x11_display("unix:0", &e, &screen));
	assert_string_equal(e.host, "/tmp/.X11-unix/X0");
	assert_true(client_x11_display("localhost:10.0", &e, &screen));
	assert_false(e.is_path);
	assert_string_equal(e.host, "localhost");
	assert_int_equal(e.port, 6010);
	assert_int_equal(screen, 0);
	assert_true(client_x11_display("[::1]:3", &e, &screen));
	assert_string_equal(e.host, "::1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_ones),
		cmocka_unit_test(truncations),
		cmocka_unit_test(both_orders),
		cmocka_unit_test(displays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
