/*
 * krl_list_test.c - lists of revoked public keys, and files that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/krl.h"
#include "tests/cert_samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t cert_blob[KEY_BLOB_MAX], plain[KEY_BLOB_MAX];
static size_t plain_len;
static struct cert cert;

static int
setup(void **state)
{
	const char *why;
	size_t n;

	(void)state;
	assert_int_equal(sodium_base642bin(cert_blob, sizeof(cert_blob), cert_samples[0].cert,
	    strlen(cert_samples[0].cert), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	assert_int_equal(cert_parse(cert_blob, n, &cert, &why), 0);
	assert_int_equal(cert_plain(&cert, plain, sizeof(plain), &plain_len), 0);
	return 0;
}

/* Over a block of exactly that size: a read beyond its end is seen. */
static struct krl_list *
read_list(const void *text, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	struct krl_list *list;
	const char *why;
	uint32_t line;

	assert_non_null(copy);
	memcpy(copy, text, n);
	list = krl_list_read(copy, n, &why, &line);
	assert_true((list == NULL) == (why != NULL));
	assert_true(list == NULL || line == 0);
	free(copy);
	return list;
}

static bool
list_revokes(const char *before, const char *key, const char *behind, bool with_cert)
{
	static char text[40000];
	int n = snprintf(text, sizeof(text), "%s%s%s", before, key, behind);
	struct krl_list *list = read_list(text, (size_t)n);
	bool revoked;

	assert_non_null(list);
	revoked = krl_list_revokes(list, plain, plain_len, with_cert ? &cert : NULL);
	krl_list_free(list);
	return revoked;
}

static void
a_list_has_keys(void **state)
{
	char ca[256], key[256], other[256], certificate[1024];

	(void)state;
	(void)snprintf(ca, sizeof(ca), "ssh-ed25519 %s", sample_ca);
	(void)snprintf(key, sizeof(key), "ssh-ed25519 %s", cert_samples[0].plain);
	(void)snprintf(other, sizeof(other), "%s %s", cert_samples[1].plain_type,
	    cert_samples[1].plain);
	(void)snprintf(certificate, sizeof(certificate), "%s %s", cert_samples[0].type,
	    cert_samples[0].cert);
	assert_false(list_revokes("", "", "", true));
	assert_false(list_revokes("\n# nothing\n", "", "", true));
	assert_false(list_revokes("", other, "\n", true));
	assert_true(list_revokes("", key, "", false));
	assert_true(list_revokes("# lost\n \t", key, " bob@example\r\n", false));
	assert_true(list_revokes("", key, "\n", true));
	assert_true(list_revokes("", certificate, "\n", false));
	assert_true(list_revokes("", ca, "\n", true));
	assert_false(list_revokes("", ca, "\n", false));
	/* a key that is longer or shorter by a byte is another */
	plain_len--;
	assert_false(list_revokes("", key, "", false));
	plain_len++;
}

static void
what_is_no_list_is_refused(void **state)
{
	static const char *const lines[] = { "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA",
		"ssh-ed25519 AAAAB3NzaC1yc2E=", "ssh-rsa ", "nonsense nonsense", "SSHKRL",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" };
	static uint8_t text[KRL_LINE_MAX + 2];
	const char *why;
	uint32_t line;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		if (read_list(lines[i], strlen(lines[i])) != NULL)
			fail_msg("%s", lines[i]);
	assert_null(read_list("#\0", 2));
	memset(text, '#', sizeof(text));
	krl_list_free(read_list(text, KRL_LINE_MAX));
	assert_null(read_list(text, KRL_LINE_MAX + 1));
	assert_null(krl_list_read((const uint8_t *)"#\n\nx\n", 5, &why, &line));
	assert_int_equal(line, 3);
	/* a certificate is one to its end, or none */
	assert_null(read_list("ssh-ed25519-cert-v01@openssh.com "
	    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAA==", 85));
}

/* ---- long ones ---- */

/* An Ed25519 key of this number, as a line of 81 bytes. */
static void
put_key(char *out, uint32_t number, uint8_t blob[51])
{
	char line[128] = "ssh-ed25519 ";

	memset(blob, 0, 51);
	memcpy(blob, "\0\0\0\013ssh-ed25519\0\0\0\040", 19);
	memcpy(blob + 19, &number, sizeof(number));
	(void)sodium_bin2base64(line + 12, sizeof(line) - 12, blob, 51,
	    sodium_base64_VARIANT_ORIGINAL);
	line[80] = '\n';
	memcpy(out, line, 81);
}

static uint64_t
microseconds(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* What is asked costs the same however long the list is: a stranger asks. */
static void
a_question_does_not_read_the_list_again(void **state)
{
	enum { KEYS = KRL_FILE_MAX / 81, QUESTIONS = 1000 };
	char *text = malloc((size_t)KEYS * 81);
	struct krl_list *list;
	uint8_t blob[51];
	uint64_t before;
	const char *why;
	uint32_t line;

	(void)state;
	assert_non_null(text);
	for (uint32_t i = 0; i < KEYS; i++)
		put_key(text + (size_t)i * 81, 7 * i, blob);
	before = microseconds();
	list = krl_list_read((const uint8_t *)text, (size_t)KEYS * 81, &why, &line);
	print_message("# %d keys read in %llu us\n", KEYS,
	    (unsigned long long)(microseconds() - before));
	assert_non_null(list);
	before = microseconds();
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		put_key(text, i * (KEYS * 7 / QUESTIONS), blob);
		assert_int_equal(krl_list_revokes(list, blob, 51, NULL),
		    i * (KEYS * 7 / QUESTIONS) % 7 == 0);
	}
	before = microseconds() - before;
	print_message("# %d questions in %llu us\n", QUESTIONS, (unsigned long long)before);
	assert_true(before < QUESTIONS * 1000);	/* one walk is 100 ms and more */
	krl_list_free(list);
	free(text);
}

/* Lines so short that they are no real keys: their number has a bound. */
static void
too_many_keys_are_refused(void **state)
{
	static const char line[] = "x AAAAAXgB\n";
	size_t one = sizeof(line) - 1, n = one * KRL_LIST_KEYS_MAX;
	char *text = malloc(n + one);
	const char *why;
	uint32_t number;

	(void)state;
	assert_non_null(text);
	for (size_t at = 0; at < n + one; at += one)
		memcpy(text + at, line, one);
	krl_list_free(krl_list_read((const uint8_t *)text, n, &why, &number));
	assert_null(why);
	assert_null(krl_list_read((const uint8_t *)text, n + one, &why, &number));
	assert_string_equal(why, "too many keys");
	assert_int_equal(number, KRL_LIST_KEYS_MAX + 1);
	free(text);
	text = calloc(1, KRL_FILE_MAX + 1);
	assert_non_null(text);
	memset(text, '\n', KRL_FILE_MAX + 1);
	krl_list_free(krl_list_read((const uint8_t *)text, KRL_FILE_MAX, &why, &number));
	assert_null(why);
	assert_null(krl_list_read((const uint8_t *)text, KRL_FILE_MAX + 1, &why, &number));
	assert_string_equal(why, "too large");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_keys),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(a_question_does_not_read_the_list_again),
		cmocka_unit_test(too_many_keys_are_refused),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
