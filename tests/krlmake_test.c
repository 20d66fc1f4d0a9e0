/*
 * krlmake_test.c - KRLs that are made: read back by krl.c to what was asked for, in each
 * form of section, joined and updated; and ssh-keygen's own, loaded and written again to
 * the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "crypto/krl_format.h"
#include "crypto/krlmake.h"
#include "tests/cert_make.h"
#include "tests/cert_samples.h"
#include "tests/krl_samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { SAMPLE_MAX = 8192, HEAD_LEN = 8 + 4 + 3 * 8 + 4 + 4 };
static struct krlmake krl;
static uint8_t cert_blob[KEY_BLOB_MAX], plain[KEY_BLOB_MAX], *file;
static size_t cert_len, plain_len, file_len;
static struct cert cert;

static int
setup(void **state)
{
	const char *why;

	(void)state;
	cert_len = unbase64(cert_samples[0].cert, cert_blob, sizeof(cert_blob));
	assert_int_equal(cert_parse(cert_blob, cert_len, &cert, &why), 0);
	assert_int_equal(cert_plain(&cert, plain, sizeof(plain), &plain_len), 0);
	return 0;
}

static int
begin(void **state)
{
	(void)state;
	krlmake_free(&krl);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	krlmake_free(&krl);
	free(file);
	file = NULL;
	return 0;
}

static void
write_it(void)
{
	free(file);
	file = NULL;
	krlmake_settle(&krl);
	assert_null(krlwrite(&krl, &file, &file_len));
}

static bool
revokes(const struct blob *ca, uint64_t serial)
{
	struct cert c = cert;

	c.serial = serial;
	if (ca != NULL)
		c.ca_key = *ca;
	return krl_revokes(file, file_len, plain, plain_len, &c);
}

static void
serials(uint64_t low, uint64_t high)
{
	assert_null(krlmake_serials(&krl, cert.ca_key, low, high));
}

/* How often this kind of section stands in the first section of certificates. */
static unsigned
sections(uint8_t kind)
{
	struct blob in = blob_of(&file[HEAD_LEN + 5], file_len - HEAD_LEN - 5);
	unsigned n = 0;

	(void)blob_string(&in, KEY_BLOB_MAX);
	(void)blob_string(&in, KEY_BLOB_MAX);
	while (in.n > 0 && !in.bad) {
		n += blob_take(&in, 1).p[0] == kind;
		(void)blob_string(&in, KRL_FILE_MAX);
	}
	assert_false(in.bad);
	return n;
}

/* ---- each form ---- */

static void
far_serials_are_a_list(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 5; i++)
		serials(i * 1000000, i * 1000000);
	write_it();
	assert_int_equal(sections(CERT_SERIALS), 1);
	assert_int_equal(sections(CERT_BITMAP) + sections(CERT_RANGE), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		assert_true(revokes(NULL, i * 1000000));
		assert_false(revokes(NULL, i * 1000000 - 1));
		assert_false(revokes(NULL, i * 1000000 + 1));
	}
}

static void
a_long_run_is_a_range(void **state)
{
	(void)state;
	serials(1, UINT64_MAX);
	write_it();
	assert_int_equal(sections(CERT_RANGE), 1);
	assert_true(revokes(NULL, 1) && revokes(NULL, UINT64_MAX) && revokes(NULL, 1 << 20));
	assert_false(revokes(NULL, 0));
}

static void
near_serials_are_a_bitmap(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 50; i++)
		serials(UINT64_MAX - 2 * i, UINT64_MAX - 2 * i);
	write_it();
	assert_int_equal(sections(CERT_BITMAP), 1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(revokes(NULL, UINT64_MAX - i), i % 2 == 0);
	assert_false(revokes(NULL, UINT64_MAX - 100));
}

/* ssh-keygen writes one bitmap, which nobody reads. */
static void
a_bitmap_ends_where_readers_refuse_it(void **state)
{
	enum { BITS = 8 * (KRL_BITMAP_MAX - 1) };

	(void)state;
	for (uint64_t i = 1; i <= BITS + 1; i += 2)
		serials(i, i);
	write_it();
	assert_int_equal(sections(CERT_BITMAP), 2);
	for (uint64_t i = 1; i <= BITS + 2; i++)
		assert_int_equal(revokes(NULL, i), i % 2 == 1);
}

static void
all_forms_in_one(void **state)
{
	static const struct { uint64_t low, high; } runs[] = { { 7, 7 }, { 9, 9 }, { 12, 30 },
		{ 5000, 5000 }, { 1 << 20, 1 << 21 }, { (1 << 21) + 2, (1 << 21) + 2 },
		{ 1ULL << 40, 1ULL << 40 }, { 1ULL << 50, 1ULL << 60 }, { UINT64_MAX, UINT64_MAX } };

	(void)state;
	for (size_t i = COUNT(runs); i > 0; i--)
		serials(runs[i - 1].low, runs[i - 1].high);
	write_it();
	assert_true(sections(CERT_SERIALS) > 0);
	assert_true(sections(CERT_BITMAP) > 0);
	assert_int_equal(sections(CERT_RANGE), 2);
	for (size_t i = 0; i < COUNT(runs); i++) {
		assert_true(revokes(NULL, runs[i].low) && revokes(NULL, runs[i].high));
		assert_false(revokes(NULL, runs[i].low - 1));
		assert_false(revokes(NULL, runs[i].high + 1));
	}
}

/* ---- what is added ---- */

static void
runs_that_touch_are_one(void **state)
{
	(void)state;
	serials(20, 30);
	serials(10, 19);
	serials(25, 40);
	serials(12, 13);
	serials(42, 42);
	krlmake_settle(&krl);
	assert_int_equal(krl.n, 2);
	assert_int_equal(krl.entries[0].low, 10);
	assert_int_equal(krl.entries[0].high, 40);
	assert_int_equal(krl.entries[1].low, 42);
	serials(41, UINT64_MAX);
	serials(UINT64_MAX, UINT64_MAX);
	krlmake_settle(&krl);
	assert_int_equal(krl.n, 1);
	assert_int_equal(krl.entries[0].high, UINT64_MAX);
}

static void
only_of_its_ca(void **state)
{
	struct blob other = blob_of("another", 7), any = blob_of(NULL, 0);

	(void)state;
	assert_null(krlmake_serials(&krl, other, 5, 5));
	serials(6, 6);
	assert_null(krlmake_serials(&krl, any, 7, 7));
	write_it();
	for (uint64_t i = 4; i < 9; i++) {
		assert_int_equal(revokes(&other, i), i == 5 || i == 7);
		assert_int_equal(revokes(NULL, i), i == 6 || i == 7);
	}
}

static void
key_ids(void **state)
{
	static uint8_t id[KRLMAKE_KEY_ID_MAX + 1];
	struct cert c = cert;

	(void)state;
	assert_null(krlmake_key_id(&krl, cert.ca_key, blob_of("one", 3)));
	assert_null(krlmake_key_id(&krl, cert.ca_key, blob_of("one", 3)));
	assert_null(krlmake_key_id(&krl, cert.ca_key, blob_of("", 0)));
	serials(1000, 1000);
	assert_null(krlmake_key_id(&krl, cert.ca_key, blob_of(id, KRLMAKE_KEY_ID_MAX)));
	assert_non_null(krlmake_key_id(&krl, cert.ca_key, blob_of(id, KRLMAKE_KEY_ID_MAX + 1)));
	write_it();
	assert_int_equal(krl.n, 4);
	for (size_t n = 0; n < 5; n++) {
		c.key_id = blob_of("one1", n);
		assert_int_equal(krl_revokes(file, file_len, plain, plain_len, &c), n == 0 || n == 3);
	}
}

static void
keys_and_their_digests(void **state)
{
	static const enum krl_kind kinds[] = { KRL_KEY, KRL_SHA1, KRL_SHA256 };

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		for (int by_cert = 0; by_cert < 2; by_cert++) {
			krlmake_free(&krl);
			assert_null(by_cert ? krlmake_key(&krl, kinds[i], cert_blob, cert_len) :
			    krlmake_key(&krl, kinds[i], plain, plain_len));
			write_it();
			assert_true(krl_revokes(file, file_len, plain, plain_len, NULL));
			assert_true(krl_revokes(file, file_len, plain, plain_len, &cert));
			assert_false(krl_revokes(file, file_len, plain, plain_len - 1, NULL));
		}
	}
}

static void
a_certificate_alone(void **state)
{
	struct cert c = cert;

	(void)state;
	assert_null(krlmake_cert(&krl, &cert));
	write_it();
	assert_true(revokes(NULL, cert.serial));
	assert_false(krl_revokes(file, file_len, plain, plain_len, NULL));
	krlmake_free(&krl);
	c.serial = 0;		/* numbered by nobody: by its key id */
	assert_null(krlmake_cert(&krl, &c));
	write_it();
	assert_true(krl_revokes(file, file_len, plain, plain_len, &c));
}

static void
bad_ones_add_nothing(void **state)
{
	uint8_t blob[KEY_BLOB_MAX + 1] = { 0 };
	char name[16];

	(void)state;
	assert_non_null(krlmake_serials(&krl, cert.ca_key, 0, 5));
	assert_non_null(krlmake_serials(&krl, cert.ca_key, 6, 5));
	assert_non_null(krlmake_key(&krl, KRL_KEY, blob, sizeof(blob)));
	assert_non_null(krlmake_key(&krl, KRL_KEY, cert_blob, cert_len - 1));
	assert_int_equal(krl.n, 0);
	for (size_t i = 0; i < KRLMAKE_CAS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		assert_null(krlmake_serials(&krl, blob_of(name, strlen(name)), 1, 1));
	}
	assert_string_equal(krlmake_serials(&krl, cert.ca_key, 1, 1), "too many CAs");
	assert_null(krlmake_serials(&krl, blob_of("0", 1), 3, 3));
	assert_int_equal(krl.n, KRLMAKE_CAS_MAX + 1);
}

static void
entries_are_bounded(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < KRLMAKE_ENTRIES_MAX; i++)
		serials(1 + 1000 * i, 1 + 1000 * i);
	assert_string_equal(krlmake_serials(&krl, cert.ca_key, 5, 5), "too many entries");
	krlmake_settle(&krl);
	/* with what stands around them they are longer than a file may be */
	assert_string_equal(krlwrite(&krl, &file, &file_len), "the KRL is too long");
	assert_null(file);
}

/* ---- from files ---- */

static void
an_update_keeps_what_was(void **state)
{
	uint8_t *first;
	size_t n;

	(void)state;
	serials(5, 7);
	assert_null(krlmake_key(&krl, KRL_SHA256, plain, plain_len));
	krl.version = 9;
	krl.date = 1234;
	(void)snprintf(krl.comment, sizeof(krl.comment), "a comment");
	write_it();
	first = file;
	n = file_len;
	file = NULL;
	krlmake_free(&krl);
	assert_null(krlmake_load(&krl, first, n));
	assert_int_equal(krl.version, 9);
	assert_int_equal(krl.date, 1234);
	assert_string_equal(krl.comment, "a comment");
	write_it();
	assert_int_equal(file_len, n);		/* nothing was added: the same */
	assert_memory_equal(file, first, n);
	serials(8, 100);
	write_it();
	assert_true(krl_revokes(file, file_len, plain, plain_len, NULL));
	assert_int_equal(krl.n, 2);
	assert_int_equal(krl.entries[0].low, 5);
	assert_int_equal(krl.entries[0].high, 100);
	/* a KRL that is not whole updates nothing */
	for (size_t len = 0; len < n; len++) {
		krlmake_free(&krl);
		if (krl_check(first, len, &(const char *){ NULL }) != 0)
			assert_non_null(krlmake_load(&krl, first, len));
	}
	free(first);
}

static void
those_of_ssh_keygen_come_out_as_they_went_in(void **state)
{
	uint8_t sample[SAMPLE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(krl_samples); i++) {
		size_t n = unbase64(krl_samples[i].krl, sample, sizeof(sample));

		krlmake_free(&krl);
		assert_null(krlmake_load(&krl, sample, n));
		write_it();
		if (file_len != n || memcmp(file, sample, n) != 0)
			fail_msg("%s", krl_samples[i].what);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(far_serials_are_a_list),
		TEST(a_long_run_is_a_range),
		TEST(near_serials_are_a_bitmap),
		TEST(a_bitmap_ends_where_readers_refuse_it),
		TEST(all_forms_in_one),
		TEST(runs_that_touch_are_one),
		TEST(only_of_its_ca),
		TEST(key_ids),
		TEST(keys_and_their_digests),
		TEST(a_certificate_alone),
		TEST(bad_ones_add_nothing),
		TEST(entries_are_bounded),
		TEST(an_update_keeps_what_was),
		TEST(those_of_ssh_keygen_come_out_as_they_went_in),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
