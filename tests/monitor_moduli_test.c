/*
 * monitor_moduli_test.c - the administrator's moduli: lines that count for nothing, then
 * those that do, and which of them a peer is given.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "privsep/monitor.h"

enum { HEX_MAX = 2 * KEX_GROUP_MAX + 64, LINE_MAX_ = HEX_MAX + 256 };

/* A p of so many bits, odd, without a factor below 70, and another for each i. */
static const char *
hex_of(size_t bits, unsigned i)
{
	static char hex[4][HEX_MAX];
	static unsigned turn;
	char *out = hex[turn++ % 4], *text;
	BIGNUM *n = BN_new();

	assert_true(n != NULL && BN_set_bit(n, (int)bits - 1) == 1);
	assert_int_equal(BN_add_word(n, 1 + 1000 * (BN_ULONG)i), 1);
	for (BN_ULONG d = 3; d < 70; d += 2) {
		if (BN_mod_word(n, d) == 0) {
			assert_int_equal(BN_add_word(n, 2), 1);
			d = 1;
		}
	}
	text = BN_bn2hex(n);
	assert_non_null(text);
	(void)snprintf(out, HEX_MAX, "%s", text);
	OPENSSL_free(text);
	BN_free(n);
	return out;
}

/* How many of text's lines count; with size, the bits of what is chosen first. */
static uint32_t
count_of(const char *text, size_t n)
{
	uint32_t count = 99;
	char *copy = malloc(n > 0 ? n : 1);	/* exactly: one byte too far is found out */
	struct modulus *list;

	assert_non_null(copy);
	memcpy(copy, text, n);
	list = monitor_moduli_parse(span_of(copy, n), &count);
	free(copy);
	assert_int_equal(list != NULL, count > 0);
	monitor_moduli_free(list);
	return count;
}

static uint32_t
count_line(const char *head, const char *generator, const char *p, const char *tail)
{
	char line[LINE_MAX_];
	int n = snprintf(line, sizeof(line), "%s %s %s%s", head, generator, p, tail);

	assert_in_range(n, 1, LINE_MAX_ - 1);
	return count_of(line, (size_t)n);
}

static const char time_[] = "20200101000000";

/* ---- lines ---- */

static void
bad_numbers(void **state)
{
	static const char *const heads[] = {
		"2 6 100 2047",				/* no time */
		"20200101000000 -2 6 100 2047", "20200101000000 +2 6 100 2047",
		"20200101000000 2 -6 100 2047", "20200101000000 2 6 -100 2047",
		"20200101000000 2 6 100 -2047", "20200101000000 2 6 100 2047.0",
		"20200101000000 2 6 100 0x7ff", "20200101000000 2 6 100 99999999999999999999",
		"20200101000000 4294967298 6 100 2047",	/* 2 in 32 bits */
		"20200101000000 2 6 100 4294969343",	/* 2047 in 32 bits */
		"20200101000000 2 6 100 2046", "20200101000000 2 6 100 2049",
		"20200101000000 2 6 100 0", "20200101000000 2 6 100 3071",
		"#20200101000000 2 6 100 2047", "# 20200101000000 2 6 100 2047",
		"today 2 6 100 2047", "-1 2 6 100 2047",
		"20200101000000 2 6 100 2047 1",	/* a field too many */
		"20200101000000,2,6,100,2047",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_int_equal(count_line(heads[i], "2", hex_of(2048, 0), "\n"), 0);
	assert_int_equal(count_line("20200101000000 2 6 100 2047", "2", hex_of(2048, 0), "\n"), 1);
}

/* Not tested, tested and found wanting, or not tested well. */
static void
quality(void **state)
{
	static const struct { unsigned type, tests, tries; bool good; } rows[] = {
		{ 2, 6, 100, true }, { 2, 6, 99, false }, { 2, 4, 100, true }, { 2, 4, 0, false },
		{ 2, 0, 100, false }, { 2, 1, 100, false }, { 2, 2, 100, false },
		{ 2, 3, 100, false }, { 2, 5, 100, false }, { 2, 7, 100, false },
		{ 2, 8, 0, true }, { 2, 9, 100, false }, { 2, 12, 0, true }, { 2, 16, 1, true },
		{ 0, 6, 100, false }, { 1, 6, 100, false }, { 3, 6, 100, false },
		{ 4, 6, 100, false }, { 5, 6, 100, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char head[64];

		(void)snprintf(head, sizeof(head), "%s %u %u %u 2047", time_, rows[i].type,
		    rows[i].tests, rows[i].tries);
		assert_int_equal(count_line(head, "2", hex_of(2048, 0), ""), rows[i].good);
	}
}

static void
generators_and_moduli(void **state)
{
	static const char head[] = "20200101000000 2 6 100 2047";
	static const char *const bad[] = { "0", "1", "00", "-2", "g", "0x2", "100000000",
		"ffffffffffffffffffffffff" };
	static const char *const good[] = { "2", "5", "02", "ffffffff", "FFffFFff", "3" };
	char p[HEX_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(count_line(head, bad[i], hex_of(2048, 0), ""), 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(count_line(head, good[i], hex_of(2048, 0), ""), 1);
	(void)snprintf(p, sizeof(p), "0%s", hex_of(2048, 0));
	assert_int_equal(count_line(head, "2", p, ""), 1);
	(void)snprintf(p, sizeof(p), "-%s", hex_of(2048, 0));
	assert_int_equal(count_line(head, "2", p, ""), 0);
	(void)snprintf(p, sizeof(p), "%s", hex_of(2048, 0));
	p[strlen(p) - 1] = '2';					/* even */
	assert_int_equal(count_line(head, "2", p, ""), 0);
	p[strlen(p) - 1] = 'x';
	assert_int_equal(count_line(head, "2", p, ""), 0);
	(void)snprintf(p, sizeof(p), "%s", hex_of(2048, 0));
	p[0] = '0';						/* now it is small */
	assert_int_equal(count_line(head, "2", p, ""), 0);
	assert_int_equal(count_line(head, "2", hex_of(2048, 0), "\r\n"), 0);
	assert_int_equal(count_line(head, "2", hex_of(2048, 0), " \t\n"), 1);
	assert_int_equal(count_line(head, "2", hex_of(2048, 0), " 1\n"), 0);
}

static void
sizes(void **state)
{
	static const struct { size_t bits; unsigned size; bool good; } rows[] = {
		{ 1024, 1023, false }, { 2047, 2046, false }, { 2047, 2047, false },
		{ 2048, 2047, true }, { 2048, 2048, true }, { 2048, 2049, false },
		{ 3072, 3071, true }, { 4096, 4095, true }, { 6144, 6143, true },
		{ 8192, 8191, true }, { 8192, 8192, true }, { 8193, 8192, false },
		{ 8448, 8447, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char head[64];

		(void)snprintf(head, sizeof(head), "%s 2 6 100 %u", time_, rows[i].size);
		assert_int_equal(count_line(head, "2", hex_of(rows[i].bits, 0), "\n"),
		    rows[i].good);
	}
}

/* Cut anywhere, a line is no line: its modulus has another size then. */
static void
truncated(void **state)
{
	char text[LINE_MAX_];
	int n = snprintf(text, sizeof(text), "%s 2 6 100 2047 2 %s", time_, hex_of(2048, 7));

	(void)state;
	for (int i = 0; i < n; i++)
		assert_int_equal(count_of(text, (size_t)i), 0);
	assert_int_equal(count_of(text, (size_t)n), 1);
	/* NUL is no blank, no digit and no end */
	for (int i = 0; i < n; i++) {
		char was = text[i];

		text[i] = '\0';
		assert_int_equal(count_of(text, (size_t)n), 0);
		text[i] = was;
	}
}

static void
files(void **state)
{
	const size_t cap = MODULI_MAX * (size_t)700 + 4096;
	char *text = malloc(cap);
	size_t n = 0;
	unsigned lines = 0;

	(void)state;
	assert_non_null(text);
	assert_int_equal(count_of("", 0), 0);
	assert_int_equal(count_of("\n\n\n", 3), 0);
	assert_int_equal(count_of("# Time Type Tests Tries Size Generator Modulus\n", 47), 0);
	n += (size_t)snprintf(text, cap, "# Time Type\n\n%s\t2  6 100 2047 2 %s\nrubbish\n", time_,
	    hex_of(2048, 0));
	n += (size_t)snprintf(text + n, cap - n, "  %s 2 6 100 4095 5 %s", time_, hex_of(4096, 0));
	assert_int_equal(count_of(text, n), 2);
	/* one line without end: nothing, in little time */
	memset(text, 'f', MODULI_MAX * (size_t)700);
	assert_int_equal(count_of(text, MODULI_MAX * (size_t)700), 0);
	memset(text, ' ', MODULI_MAX * (size_t)700);
	assert_int_equal(count_of(text, MODULI_MAX * (size_t)700), 0);
	memset(text, '\n', MODULI_MAX * (size_t)700);
	assert_int_equal(count_of(text, MODULI_MAX * (size_t)700), 0);
	/* more lines than are kept */
	for (n = 0; lines < MODULI_MAX + 5; lines++)
		n += (size_t)snprintf(text + n, cap - n, "%s 2 6 100 2047 2 %s\n", time_,
		    hex_of(2048, lines % 3));
	assert_int_equal(count_of(text, n), MODULI_MAX);
	free(text);
}

static void
reading(void **state)
{
	char path[] = "/tmp/moduli_XXXXXX";
	struct span text;
	int fd = mkstemp(path), p[2];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, "some text", 9), 9);
	assert_int_equal(monitor_file_read(fd, 9, &text), 0);
	assert_true(span_is(text, "some text"));
	free((void *)(uintptr_t)text.p);
	assert_int_equal(monitor_file_read(fd, 8, &text), -EFBIG);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(monitor_file_read(p[0], 9, &text), -EINVAL);
	assert_int_equal(monitor_file_read(-1, 9, &text), -EBADF);
	close(p[0]);
	close(p[1]);
	close(fd);
}

/* ---- the choice ---- */

static struct modulus *
list_of(const size_t *bits, size_t n)
{
	const size_t cap = n * LINE_MAX_;
	char *text = malloc(cap);
	struct modulus *list;
	size_t len = 0;
	uint32_t count;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s 2 6 100 %zu 2 %s\n", time_,
		    bits[i] - 1, hex_of(bits[i], (unsigned)i));
	list = monitor_moduli_parse(span_of(text, len), &count);
	assert_int_equal(count, n);
	free(text);
	return list;
}

static void
best_fit(void **state)
{
	static const size_t bits[] = { 4096, 2048, 8192, 3072, 2048, 6144 };
	static const struct { uint32_t min, n, max; size_t want; } rows[] = {
		{ 2048, 3072, 8192, 3072 },	/* as asked */
		{ 2048, 3073, 8192, 4096 },	/* the next larger */
		{ 2048, 2500, 8192, 3072 },
		{ 1024, 1024, 8192, 2048 },
		{ 0, 0, 8192, 2048 },
		{ 0, 0, UINT32_MAX, 2048 },
		{ 2048, 8192, 8192, 8192 },
		{ 2048, 7000, 8000, 6144 },	/* none is larger: the largest */
		{ 2048, 9000, UINT32_MAX, 8192 },
		{ 2048, UINT32_MAX, UINT32_MAX, 8192 },
		{ 5000, 6000, 6144, 6144 },
		{ 3072, 3072, 3072, 3072 },
		{ 1024, 1536, 2047, 0 },	/* RFC 8270 */
		{ 1024, 1024, 1024, 0 },
		{ 0, 0, 0, 0 },
		{ 8193, 8193, 16384, 0 },
		{ 4097, 4097, 6143, 0 },
	};
	struct modulus *list = list_of(bits, 6);
	struct kex_group group;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = monitor_moduli_choose(list, rows[i].min, rows[i].n, rows[i].max,
		    &group);

		assert_int_equal(found, rows[i].want != 0);
		if (found)
			assert_int_equal(kex_group_bits(&group), rows[i].want);
	}
	assert_false(monitor_moduli_choose(NULL, 0, 3072, UINT32_MAX, &group));
	monitor_moduli_free(list);
}

/* Each of five turns up: 200 draws miss one of them once in 10^18 times. */
static void
any_of_a_size(void **state)
{
	static const size_t bits[] = { 2048, 2048, 3072, 2048, 2048, 2048 };
	struct modulus *list = list_of(bits, 6);
	struct kex_group group, seen[5];
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		unsigned j = 0;

		assert_true(monitor_moduli_choose(list, 1024, 2048, 8192, &group));
		assert_int_equal(kex_group_bits(&group), 2048);
		while (j < n && memcmp(seen[j].p, group.p, group.p_len) != 0)
			j++;
		if (j == n) {
			assert_in_range(n, 0, 4);
			seen[n++] = group;
		}
	}
	assert_int_equal(n, 5);
	monitor_moduli_free(list);
}

static int
setup(void **state)
{
	(void)state;
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_numbers), cmocka_unit_test(quality),
		cmocka_unit_test(generators_and_moduli), cmocka_unit_test(sizes),
		cmocka_unit_test(truncated), cmocka_unit_test(files),
		cmocka_unit_test(reading), cmocka_unit_test(best_fit),
		cmocka_unit_test(any_of_a_size),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
