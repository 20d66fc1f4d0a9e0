/*
 * krl_test.c - revoked keys: ssh-keygen's KRLs of every kind, and files that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "crypto/krl.h"
#include "tests/cert_make.h"
#include "tests/cert_samples.h"
#include "tests/krl_samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { FILE_MAX_HERE = 8192 };
static uint8_t cert_blob[KEY_BLOB_MAX], plain[KEY_BLOB_MAX];
static size_t plain_len;
static struct cert cert;

static int
setup(void **state)
{
	size_t n = unbase64(cert_samples[0].cert, cert_blob, sizeof(cert_blob));
	const char *why;

	(void)state;
	assert_int_equal(cert_parse(cert_blob, n, &cert, &why), 0);
	assert_int_equal(cert_plain(&cert, plain, sizeof(plain), &plain_len), 0);
	return 0;
}

/* Over a block of exactly that size: a read beyond its end is seen. */
static const char *
check(const uint8_t *file, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	const char *why;
	int r;

	assert_non_null(copy);
	memcpy(copy, file, n);
	r = krl_check(copy, n, &why);
	assert_int_equal(r, why == NULL ? 0 : -1);
	/* what cannot be read revokes everything */
	if (why != NULL) {
		assert_true(krl_revokes(copy, n, plain, plain_len, NULL));
		assert_true(krl_revokes(copy, n, plain, plain_len, &cert));
	}
	free(copy);
	return why;
}

static void
krls_of_ssh_keygen(void **state)
{
	uint8_t file[FILE_MAX_HERE];

	(void)state;
	for (size_t i = 0; i < COUNT(krl_samples); i++) {
		size_t n = unbase64(krl_samples[i].krl, file, sizeof(file));

		assert_null(check(file, n));
		if (krl_revokes(file, n, plain, plain_len, NULL) != krl_samples[i].key ||
		    krl_revokes(file, n, plain, plain_len, &cert) != krl_samples[i].cert)
			fail_msg("%s", krl_samples[i].what);
	}
}

static void
truncations_and_surplus_are_refused(void **state)
{
	uint8_t file[FILE_MAX_HERE];
	size_t n = unbase64(krl_samples[COUNT(krl_samples) - 1].krl, file, sizeof(file) - 1);
	unsigned whole = 0;

	(void)state;
	/* a cut between two sections leaves a KRL, with fewer of them */
	for (size_t len = 8; len < n; len++)
		whole += check(file, len) == NULL;
	assert_in_range(whole, 1, 6);
	for (size_t len = 1; len < 8; len++)
		assert_non_null(check(file, len));
	file[n] = 1;
	assert_string_equal(check(file, n + 1), "a malformed KRL");
}

/* ---- made to order ---- */

static uint8_t made[65536], inner[65536];

/* A KRL of one section; of certificates: with one subsection, of any CA. */
static const char *
krl(uint8_t kind, uint8_t sub, struct span data)
{
	struct wr w = wr_of(made, sizeof(made)), in = wr_of(inner, sizeof(inner));

	if (sub != 0) {
		wr_str(&in, "");
		wr_str(&in, "");
		wr_u8(&in, sub);
		wr_blob(&in, data, SIZE_MAX);
		data = wr_span(&in);
	}
	wr_raw(&w, span_of("SSHKRL\n", 8));
	wr_u32(&w, 1);
	wr_u64(&w, 0);
	wr_u64(&w, 0);
	wr_u64(&w, 0);
	wr_str(&w, "");
	wr_str(&w, "a comment");
	wr_u8(&w, kind);
	wr_blob(&w, data, SIZE_MAX);
	assert_false(w.bad || in.bad);
	return check(made, w.n);
}

static void
only_known_sections_are_read(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++)
		if (kind != 1 && kind != 2 && kind != 3 && kind != 5 && kind != 255)
			assert_string_equal(krl((uint8_t)kind, 0, span_of("", 0)),
			    "a KRL with a section of an unknown kind");
	for (unsigned sub = 1; sub < 256; sub++)
		if (sub != 0x20 && sub != 0x23)
			assert_string_equal(krl(1, (uint8_t)sub, span_of("", 0)), "a malformed KRL");
	assert_null(krl(1, 0x20, span_of("", 0)));
	made[11] = 2;
	assert_string_equal(check(made, 60), "a KRL of an unknown version");
}

static void
critical_extensions_are_refused(void **state)
{
	uint8_t data[64];
	struct wr w;

	(void)state;
	for (uint8_t critical = 0; critical < 2; critical++) {
		w = wr_of(data, sizeof(data));
		wr_str(&w, "name@example.com");
		wr_u8(&w, critical);
		wr_str(&w, "contents");
		assert_true((krl(255, 0, wr_span(&w)) == NULL) == (critical == 0));
		assert_true((krl(1, 0x39, wr_span(&w)) == NULL) == (critical == 0));
		assert_non_null(krl(255, 0, span_of(data, w.n - 1)));
	}
}

static bool
revokes_serial(uint64_t serial)
{
	struct cert c = cert;

	c.serial = serial;
	return krl_revokes(made, sizeof(made), plain, plain_len, &c);
}

static void
serials_are_in_their_bounds(void **state)
{
	uint8_t data[KRL_BITMAP_MAX + 64] = { 0 };
	struct wr w = wr_of(data, sizeof(data));

	(void)state;
	/* 0 numbers nothing; a range that ends before it begins; half a number */
	wr_u64(&w, 0);
	assert_non_null(krl(1, 0x20, wr_span(&w)));
	wr_u64(&w, 5);
	assert_non_null(krl(1, 0x21, wr_span(&w)));
	w = wr_of(data, sizeof(data));
	wr_u64(&w, 6);
	wr_u64(&w, 5);
	assert_non_null(krl(1, 0x21, wr_span(&w)));
	assert_null(krl(1, 0x20, wr_span(&w)));
	assert_non_null(krl(1, 0x20, span_of(data, 15)));
	assert_non_null(krl(1, 0x21, span_of(data, 8)));
	/* bitmaps: too long, negative, too far */
	for (int bad = 0; bad < 4; bad++) {
		w = wr_of(data, sizeof(data));
		wr_u64(&w, bad == 3 ? UINT64_MAX : 5);
		wr_u32(&w, bad == 1 ? KRL_BITMAP_MAX + 1 : KRL_BITMAP_MAX);
		assert_non_null(wr_room(&w, bad == 1 ? KRL_BITMAP_MAX + 1 : KRL_BITMAP_MAX));
		data[12] = bad == 2 ? 0x80 : 0;
		data[13] = 1;
		assert_true((krl(1, 0x22, wr_span(&w)) == NULL) == (bad == 0));
	}
}

static void
a_bitmap_ends_with_the_last_serial(void **state)
{
	uint8_t data[64];

	(void)state;
	for (unsigned beyond = 0; beyond < 2; beyond++) {
		struct wr w = wr_of(data, sizeof(data));

		wr_u64(&w, UINT64_MAX - 9 + beyond);
		wr_blob(&w, span_of("\x02\x01", 2), 2);	/* bits 0 and 9 */
		assert_true((krl(1, 0x22, wr_span(&w)) == NULL) == (beyond == 0));
	}
}

static void
bits_stand_for_serials(void **state)
{
	uint8_t data[64];
	struct wr w = wr_of(data, sizeof(data)), out;
	size_t n;

	(void)state;
	wr_u64(&w, 1000);
	wr_blob(&w, span_of("\x01\x80\x05", 3), 3);	/* bits 0, 2, 15, 16 */
	assert_null(krl(1, 0x22, wr_span(&w)));
	out = wr_of(made, sizeof(made));
	n = 8 + 4 + 24 + 4 + 4 + 9 + 1 + 4 + 4 + 4 + 1 + 4 + w.n;
	(void)out;
	for (uint64_t s = 990; s < 1040; s++) {
		struct cert c = cert;
		bool set = s == 1000 || s == 1002 || s == 1015 || s == 1016;

		c.serial = s;
		assert_int_equal(krl_revokes(made, n, plain, plain_len, &c), set);
		/* and for certificates only */
		assert_false(krl_revokes(made, n, plain, plain_len, NULL));
	}
	assert_true(revokes_serial(1));		/* with rubbish behind it: everything */
}

static void
digests_have_their_length(void **state)
{
	uint8_t data[64];

	(void)state;
	for (size_t n = 0; n < 40; n++) {
		struct wr w = wr_of(data, sizeof(data));

		wr_u32(&w, (uint32_t)n);
		memset(wr_room(&w, n), 7, n);
		assert_true((krl(3, 0, wr_span(&w)) == NULL) == (n == 20));
		assert_true((krl(5, 0, wr_span(&w)) == NULL) == (n == 32));
		assert_true((krl(2, 0, wr_span(&w)) == NULL) == (n > 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(krls_of_ssh_keygen),
		cmocka_unit_test(truncations_and_surplus_are_refused),
		cmocka_unit_test(only_known_sections_are_read),
		cmocka_unit_test(critical_extensions_are_refused),
		cmocka_unit_test(serials_are_in_their_bounds),
		cmocka_unit_test(a_bitmap_ends_with_the_last_serial),
		cmocka_unit_test(bits_stand_for_serials),
		cmocka_unit_test(digests_have_their_length),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
