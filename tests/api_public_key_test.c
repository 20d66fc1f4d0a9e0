/*
 * api_public_key_test.c - lines of public keys, good and bad, and fingerprints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <postern.h>
#include <stdio.h>
#include <string.h>

/* well formed; that its 32 bytes are no point of the curve is not for here */
#define TYPE "ssh-ed25519"
#define BASE64 "AAAAC3NzaC1lZDI1NTE5AAAAIPFm5Tj0J4Vf0bqDIl9CbcvBhUpBwQ9Sp7WbRhmDxJZ0"
enum { BLOB = 4 + 11 + 4 + 32 };

static int
parse(const char *line)
{
	unsigned char blob[BLOB];
	size_t n = 77;
	int r = postern_public_key_parse(line, blob, sizeof(blob), &n);

	assert_int_equal(n, r == 0 ? BLOB : 0);
	return r;
}

static void
a_line_is_read_and_written(void **state)
{
	unsigned char blob[BLOB];
	char line[sizeof(TYPE " " BASE64)];
	size_t n;

	(void)state;
	assert_int_equal(postern_public_key_parse(TYPE " " BASE64 " a comment\n", blob, sizeof(blob), &n), 0);
	assert_int_equal(n, BLOB);
	assert_memory_equal(blob, "\0\0\0\013ssh-ed25519\0\0\0\040\361\146\345", 22);
	assert_int_equal(postern_public_key_format(blob, n, line, sizeof(line)), 0);
	assert_string_equal(line, TYPE " " BASE64);
	for (size_t size = 0; size < sizeof(line); size++)
		assert_int_equal(postern_public_key_format(blob, n, line, size), -ERANGE);
	assert_int_equal(parse(TYPE " " BASE64), 0);
	assert_int_equal(parse(" \t" TYPE "\t" BASE64 "\r\n"), 0);
}

static void
bad_lines(void **state)
{
	static const char *const bad[] = {
		"", "\n", " ", TYPE, TYPE " ", TYPE " \n" BASE64, "# " TYPE " " BASE64,
		"ssh-rsa " BASE64,			/* another type than the blob's */
		"ssh-ed2551 " BASE64, "ssh-ed25519x " BASE64, "SSH-ED25519 " BASE64,
		TYPE " " BASE64 "!", TYPE " " BASE64 "=", TYPE " =" BASE64, TYPE " -_-_",
		TYPE " AAAA", TYPE " AAAAC3NzaC1lZDI1NTE=",	/* the blob ends in its type */
		"restrict " TYPE " " BASE64,		/* options are not for here */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(bad[i]), -EINVAL);
	/* cut in the middle of four letters, whatever went wrong before */
	errno = ERANGE;
	assert_int_equal(parse(TYPE " AAAAC"), -EINVAL);
}

/* Cut anywhere it is no line, or one of a shorter blob, which is not refused here. */
static void
truncated_lines(void **state)
{
	char line[sizeof(TYPE " " BASE64)];
	unsigned char blob[BLOB];
	size_t n;

	(void)state;
	for (size_t cut = 0; cut < sizeof(line) - 1; cut++) {
		memcpy(line, TYPE " " BASE64, cut);
		line[cut] = '\0';
		if (postern_public_key_parse(line, blob, sizeof(blob), &n) == 0)
			assert_true(n >= 4 + 11 && n < BLOB);
	}
}

static void
the_room_is_kept_to(void **state)
{
	unsigned char blob[BLOB + 1];
	size_t n;

	(void)state;
	for (size_t size = 0; size < BLOB; size++) {
		memset(blob, 0xee, sizeof(blob));
		assert_int_equal(postern_public_key_parse(TYPE " " BASE64, blob, size, &n), -ERANGE);
		assert_int_equal(n, 0);
		assert_int_equal(blob[size], 0xee);
	}
}

/* What is written has to be one line of two words. */
static void
blobs_that_are_no_keys(void **state)
{
	static const struct { const char *p; size_t n; } bad[] = {
		{ "", 0 }, { "\0\0\0", 3 }, { "\0\0\0\0", 4 }, { "\0\0\0\2a", 5 },
		{ "\0\0\0\3a b", 7 }, { "\0\0\0\3a\nb", 7 }, { "\0\0\0\3a\0b", 7 },
		{ "\0\0\0\1\177", 5 }, { "\377\377\377\377a", 5 },
	};
	static unsigned char large[8193] = { 0, 0, 0, 1, 'a' };
	char line[16384];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(postern_public_key_format(bad[i].p, bad[i].n, line, sizeof(line)), -EINVAL);
	assert_int_equal(postern_public_key_format(large, sizeof(large), line, sizeof(line)), -EINVAL);
	assert_int_equal(postern_public_key_format(large, sizeof(large) - 1, line, sizeof(line)), 0);
}

static void
fingerprints(void **state)
{
	char out[64];

	(void)state;
	/* printf '' | openssl dgst -sha256 -binary | base64 */
	assert_int_equal(postern_fingerprint("", 0, out, sizeof(out)), 0);
	assert_string_equal(out, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
	for (size_t size = 0; size <= strlen("SHA256:") + 43; size++)
		assert_int_equal(postern_fingerprint("", 0, out, size), -ERANGE);
	assert_int_equal(postern_fingerprint("", 0, out, 51), 0);
	assert_int_equal(postern_fingerprint_as(POSTERN_FINGERPRINT_SHA256, "", 0, out, 51), 0);
	assert_string_equal(out, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
	/* RFC 1321, A.5 */
	assert_int_equal(postern_fingerprint_as(POSTERN_FINGERPRINT_MD5, "abc", 3, out, 52), 0);
	assert_string_equal(out, "MD5:90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72");
	for (size_t size = 0; size < 52; size++)
		assert_int_equal(postern_fingerprint_as(POSTERN_FINGERPRINT_MD5, "abc", 3, out, size),
		    -ERANGE);
	assert_int_equal(postern_fingerprint_as((enum postern_fingerprint_kind)3, "", 0, out,
	    sizeof(out)), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_and_written),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(truncated_lines),
		cmocka_unit_test(the_room_is_kept_to),
		cmocka_unit_test(blobs_that_are_no_keys),
		cmocka_unit_test(fingerprints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
