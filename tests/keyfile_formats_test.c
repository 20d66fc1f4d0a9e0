/*
 * keyfile_formats_test.c - private key files of every type and format, made by
 * ssh-keygen, openssl and puttygen at the start of this test: read, cut, changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/keyfile.h"
#include "crypto/keyfile_type.h"
#include "tests/keyfile_files.h"

static struct keyfile_key key;

/* Over a block of exactly that size: a read beyond its end is seen. */
static enum keyfile_result
read_text(const char *text, size_t n, const char *passphrase)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	enum keyfile_result r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	r = keyfile_read(copy, n, passphrase, passphrase == NULL ? 0 : strlen(passphrase), &key);
	free(copy);
	return r;
}

static void
expect(const struct keyfile_file *f, enum keyfile_result got, enum keyfile_result want)
{
	if (got != want)
		fail_msg("%s: %d instead of %d", f->name, got, want);
}

static void
every_file_is_read(void **state)
{
	size_t read = 0;

	(void)state;
	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];

		if (keyfile_files_refused(f))
			continue;
		memset(&key, 0x5a, sizeof(key));
		expect(f, read_text(f->text, f->n, KEYFILE_FILES_PASSPHRASE), KEYFILE_OK);
		if (key.blob_len != f->blob_len || memcmp(key.blob, f->blob, f->blob_len) != 0)
			fail_msg("%s: another key than its .pub", f->name);
		/* PEM and PKCS#8 have no comment */
		if (key.comment[0] != '\0' && strcmp(key.comment, f->comment) != 0)
			fail_msg("%s: comment %s", f->name, key.comment);
		if ((strstr(f->name, ".openssh") != NULL || strstr(f->name, ".ppk") != NULL) &&
		    key.comment[0] == '\0')
			fail_msg("%s: no comment", f->name);
		read++;
	}
	assert_in_range(read, 80, KEYFILE_FILES_MAX);
}

static void
passphrases_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];

		if (keyfile_files_refused(f))
			continue;
		expect(f, read_text(f->text, f->n, NULL),
		    f->encrypted ? KEYFILE_NEEDS_PASSPHRASE : KEYFILE_OK);
		if (f->encrypted)
			expect(f, read_text(f->text, f->n, "correct hors"),
			    KEYFILE_WRONG_PASSPHRASE);
	}
}

static void
refusals_have_their_reason(void **state)
{
	size_t seen = 0;
	clock_t before;

	(void)state;
	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];
		const char *why = strchr(f->name, '/');

		if (!keyfile_files_refused(f))
			continue;
		assert_non_null(why);
		before = clock();
		expect(f, read_text(f->text, f->n, KEYFILE_FILES_PASSPHRASE),
		    strncmp(why, "/unsupported", 12) == 0 ? KEYFILE_UNSUPPORTED :
		    strncmp(why, "/too-short", 10) == 0 ? KEYFILE_TOO_SHORT : KEYFILE_DAMAGED);
		/* a file may ask for work only as far as a passphrase needs it */
		if (clock() - before > CLOCKS_PER_SEC)
			fail_msg("%s: refused too late", f->name);
		seen++;
	}
	assert_in_range(seen, 25, KEYFILE_FILES_MAX);
}

/* Of the text: only the last line break may be missing. */
static void
every_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];
		const char *passphrase = f->encrypted ? KEYFILE_FILES_PASSPHRASE : NULL;
		size_t end = f->n;

		if (keyfile_files_refused(f) || strstr(f->name, "-parameters") != NULL)
			continue;
		while (f->text[end - 1] == '\n' || f->text[end - 1] == '\r')
			end--;
		for (size_t n = 0; n < end; n++) {
			enum keyfile_result r = read_text(f->text, n, passphrase);

			/* in the first line, a type or version that is cut is another one */
			if (r != KEYFILE_DAMAGED && (n > 42 || (r != KEYFILE_NOT_A_KEY &&
			    r != KEYFILE_UNSUPPORTED)))
				fail_msg("%s cut to %zu: %d", f->name, n, r);
		}
		expect(f, read_text(f->text, end, passphrase), KEYFILE_OK);
	}
}

/* The bytes inside the armour; 0 for a format that has none. */
static size_t
inside(const struct keyfile_file *f, uint8_t *out, char *begin, char *end)
{
	const char *from = strchr(f->text, '\n'), *to = strstr(f->text, "-----END");
	size_t n;

	if (from == NULL || to == NULL || f->encrypted || keyfile_files_refused(f) ||
	    strstr(f->name, "-parameters") != NULL)
		return 0;
	from++;
	assert_int_equal(sodium_base642bin(out, KEYFILE_FILES_SIZE, from, (size_t)(to - from), "\r\n",
	    &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	memcpy(begin, f->text, (size_t)(from - f->text));
	begin[from - f->text] = '\0';
	memcpy(end, to, strlen(to) + 1);
	return n;
}

static enum keyfile_result
read_inside(const uint8_t *bytes, size_t n, const char *begin, const char *end)
{
	static char text[4 * KEYFILE_FILES_SIZE];
	size_t at = strlen(begin);

	memcpy(text, begin, at);
	(void)sodium_bin2base64(text + at, sizeof(text) - at, bytes, n,
	    sodium_base64_VARIANT_ORIGINAL);
	at += strlen(text + at);
	at += (size_t)snprintf(text + at, sizeof(text) - at, "\n%s", end);
	return read_text(text, at, NULL);
}

static void
every_truncation_inside_is_refused(void **state)
{
	static uint8_t bytes[KEYFILE_FILES_SIZE + 1];
	char begin[128], end[128];
	size_t n, files = 0;

	(void)state;
	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];

		n = inside(f, bytes, begin, end);
		if (n == 0)
			continue;
		files++;
		expect(f, read_inside(bytes, n, begin, end), KEYFILE_OK);
		for (size_t len = 0; len < n; len++)
			expect(f, read_inside(bytes, len, begin, end), KEYFILE_DAMAGED);
		bytes[n] = 0;
		expect(f, read_inside(bytes, n + 1, begin, end), KEYFILE_DAMAGED);
	}
	assert_in_range(files, 15, KEYFILE_FILES_MAX);
}

/* A change may be noticed or touch what is no part of the key, and no more. */
static void
no_change_makes_another_key(void **state)
{
	static uint8_t bytes[KEYFILE_FILES_SIZE];
	static struct keyfile_key right;
	char begin[128], end[128];
	size_t n, passed;

	(void)state;
	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];

		n = inside(f, bytes, begin, end);
		/* without a public half, a changed private half is another key */
		if (n == 0 || strstr(f->name, "no-point") != NULL ||
		    strcmp(f->name, "edwards.pkcs8") == 0 || strcmp(f->name, "dsa.pkcs8") == 0)
			continue;
		assert_int_equal(read_inside(bytes, n, begin, end), KEYFILE_OK);
		right = key;
		passed = 0;
		for (size_t at = 0; at < n; at++) {
			bytes[at] ^= (uint8_t)(1 << at % 8);
			if (read_inside(bytes, n, begin, end) == KEYFILE_OK) {
				passed++;
				if (key.blob_len != right.blob_len || key.secret_len != right.secret_len ||
				    memcmp(key.blob, right.blob, right.blob_len) != 0 ||
				    memcmp(key.secret, right.secret, right.secret_len) != 0)
					fail_msg("%s changed at %zu", f->name, at);
			}
			bytes[at] ^= (uint8_t)(1 << at % 8);
		}
		/* PKCS#1 has two numbers more than we take, each as long as a prime */
		assert_in_range(passed, 0, n / 3);
	}
}

static const struct keyfile_file *
named(const char *name)
{
	for (size_t i = 0; i < keyfile_files_n; i++)
		if (strcmp(keyfile_files[i].name, name) == 0)
			return &keyfile_files[i];
	fail_msg("no file %s", name);
	return NULL;
}

static struct keyfile_rsa_numbers
rsa_numbers(const struct keyfile_key *k)
{
	struct blob public = blob_of(k->blob, k->blob_len);
	struct blob secret = blob_of(k->secret, k->secret_len);
	struct keyfile_rsa_numbers out;

	(void)blob_string(&public, 64);
	out.e = blob_mpint(&public, KEYFILE_NUMBER_MAX);
	out.n = blob_mpint(&public, KEYFILE_NUMBER_MAX);
	out.d = blob_mpint(&secret, KEYFILE_NUMBER_MAX);
	out.iqmp = blob_mpint(&secret, KEYFILE_NUMBER_MAX);
	out.p = blob_mpint(&secret, KEYFILE_NUMBER_MAX);
	out.q = blob_mpint(&secret, KEYFILE_NUMBER_MAX);
	assert_true(blob_done(&public) && blob_done(&secret));
	return out;
}

static void
a_wrong_half_of_rsa_is_refused(void **state)
{
	static struct keyfile_key made;
	static uint8_t big[KEYFILE_NUMBER_MAX + 1];
	const struct keyfile_file *f = named("rsa.openssh");
	struct keyfile_rsa_numbers right, k;
	struct blob *fields[] = { &k.n, &k.e, &k.d, &k.iqmp, &k.p, &k.q };
	uint8_t copy[KEYFILE_NUMBER_MAX];

	(void)state;
	assert_int_equal(read_text(f->text, f->n, NULL), KEYFILE_OK);
	right = rsa_numbers(&key);
	k = right;
	assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_OK);
	assert_memory_equal(made.blob, key.blob, key.blob_len);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		k = right;
		memcpy(copy, fields[i]->p, fields[i]->n);
		copy[fields[i]->n - 1] ^= 2;
		fields[i]->p = copy;
		assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_DAMAGED);
		*fields[i] = blob_of("", 0);
		assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_DAMAGED);
		*fields[i] = blob_of("\1", 1);
		assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_DAMAGED);
	}
	/* exchanged primes: then iqmp is the other's */
	k = right;
	k.p = right.q;
	k.q = right.p;
	assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_DAMAGED);
	memset(big, 0xff, sizeof(big));
	k = right;
	k.n = blob_of(big, sizeof(big));
	assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_UNSUPPORTED);
	k = right;
	k.d = blob_of(big, sizeof(big));
	assert_int_equal(keyfile_rsa_make(&k, &made), KEYFILE_DAMAGED);
}

static void
scalars_are_of_their_curve(void **state)
{
	/* the order of P-256 (FIPS 186-4, D.1.2.3) */
	static const uint8_t order[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca,
	    0xc2, 0xfc, 0x63, 0x25, 0x51 };
	const struct blob none = blob_of("", 0);
	uint8_t below[sizeof(order)], wide[67] = { 0 };

	(void)state;
	memcpy(below, order, sizeof(order));
	below[31]--;
	assert_int_equal(keyfile_ecdsa_make("nistp256", blob_of(below, 32), none, &key), KEYFILE_OK);
	assert_int_equal(key.secret_len, 32);
	assert_int_equal(keyfile_ecdsa_make("nistp256", blob_of(order, 32), none, &key),
	    KEYFILE_DAMAGED);
	assert_int_equal(keyfile_ecdsa_make("nistp256", none, none, &key), KEYFILE_DAMAGED);
	assert_int_equal(keyfile_ecdsa_make("nistp256", blob_of("\0", 1), none, &key),
	    KEYFILE_DAMAGED);
	/* a short one is filled up in front */
	assert_int_equal(keyfile_ecdsa_make("nistp521", blob_of("\1", 1), none, &key), KEYFILE_OK);
	assert_int_equal(key.secret_len, 66);
	assert_int_equal(key.secret[65], 1);
	assert_int_equal(key.secret[0], 0);
	assert_int_equal(keyfile_ecdsa_make("nistp521", blob_of(wide, 67), none, &key),
	    KEYFILE_DAMAGED);
	assert_int_equal(keyfile_ecdsa_make("nistp192", blob_of("\1", 1), none, &key),
	    KEYFILE_UNSUPPORTED);
}

/* One line of a PuTTY file for another. */
static enum keyfile_result
read_with_line(const struct keyfile_file *f, const char *start, const char *line)
{
	static char text[2 * KEYFILE_FILES_SIZE];
	const char *at = strstr(f->text, start);
	const char *rest;

	assert_non_null(at);
	rest = strchr(at, '\n');
	assert_non_null(rest);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - f->text), f->text, line, rest);
	return read_text(text, strlen(text), KEYFILE_FILES_PASSPHRASE);
}

static void
hostile_putty_headers_are_refused(void **state)
{
	static const struct { const char *start, *line; enum keyfile_result want; } cases[] = {
		{ "Encryption", "Encryption: aes256-ctr", KEYFILE_UNSUPPORTED },
		{ "Encryption", "Encryption: none", KEYFILE_DAMAGED },
		{ "Encryption", "Encryption aes256-cbc", KEYFILE_DAMAGED },
		{ "PuTTY-User", "PuTTY-User-Key-File-1: ssh-rsa", KEYFILE_UNSUPPORTED },
		{ "PuTTY-User", "PuTTY-User-Key-File-3: ssh-ed448", KEYFILE_UNSUPPORTED },
		{ "PuTTY-User", "PuTTY-User-Key-File-3: ssh-dss", KEYFILE_WRONG_PASSPHRASE },
		{ "Public-Lines", "Public-Lines: 0", KEYFILE_DAMAGED },
		{ "Public-Lines", "Public-Lines: 5", KEYFILE_DAMAGED },
		{ "Public-Lines", "Public-Lines: 4097", KEYFILE_DAMAGED },
		{ "Public-Lines", "Public-Lines: 4294967297", KEYFILE_DAMAGED },
		{ "Public-Lines", "Public-Lines: -1", KEYFILE_DAMAGED },
		{ "Public-Lines", "Public-Lines: ", KEYFILE_DAMAGED },
		{ "Private-Lines", "Private-Lines: 999", KEYFILE_DAMAGED },
		{ "Argon2-Memory", "Argon2-Memory: 65537", KEYFILE_UNSUPPORTED },
		{ "Argon2-Memory", "Argon2-Memory: 0", KEYFILE_DAMAGED },
		{ "Argon2-Memory", "Argon2-Memory: 1", KEYFILE_UNSUPPORTED },
		{ "Argon2-Passes", "Argon2-Passes: 4097", KEYFILE_UNSUPPORTED },
		{ "Argon2-Passes", "Argon2-Passes: 2049", KEYFILE_UNSUPPORTED },	/* times 8 MiB */
		{ "Argon2-Passes", "Argon2-Passes: 999999999", KEYFILE_UNSUPPORTED },
		{ "Argon2-Passes", "Argon2-Passes: 9999999999", KEYFILE_DAMAGED },
		{ "Argon2-Passes", "Argon2-Passes: 0", KEYFILE_DAMAGED },
		{ "Argon2-Parallelism", "Argon2-Parallelism: 2", KEYFILE_UNSUPPORTED },
		{ "Argon2-Salt", "Argon2-Salt: 00", KEYFILE_UNSUPPORTED },
		{ "Argon2-Salt", "Argon2-Salt: zz000000000000000000000000000000", KEYFILE_DAMAGED },
		{ "Key-Derivation", "Key-Derivation: Argon2d", KEYFILE_UNSUPPORTED },
		{ "Private-MAC", "Private-MAC: 00", KEYFILE_DAMAGED },
		{ "Comment", "Comment: another", KEYFILE_WRONG_PASSPHRASE },
	};
	const struct keyfile_file *f = named("rsa.ppk3.enc");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum keyfile_result r = read_with_line(f, cases[i].start, cases[i].line);

		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].line, r);
	}
}

/* Blanks behind what is damaged: the reader comes back. */
static void
damaged_putty_files_may_end_in_blanks(void **state)
{
	static const char *const ends[] = { "Private-MAC: 00\n\n", "Private-MAC: zz\n \t\r\n",
		"Private-Lines: x\n\n" };
	const struct keyfile_file *f = named("rsa.ppk2");
	static char text[KEYFILE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *at = memmem(f->text, f->n, ends[i], 10);
		size_t n = (size_t)(at - (const char *)f->text);

		assert_non_null(at);
		memcpy(text, f->text, n);
		memcpy(text + n, ends[i], strlen(ends[i]));
		(void)alarm(20);
		assert_int_equal(read_text(text, n + strlen(ends[i]), NULL), KEYFILE_DAMAGED);
		(void)alarm(0);
	}
}

static void
hostile_pem_headers_are_refused(void **state)
{
	static const struct { const char *start, *line; enum keyfile_result want; } cases[] = {
		{ "DEK-Info", "DEK-Info: DES-CBC,0011223344556677", KEYFILE_UNSUPPORTED },
		{ "DEK-Info", "DEK-Info: AES-128-CBC", KEYFILE_UNSUPPORTED },
		{ "DEK-Info", "DEK-Info: AES-128-CBC,0011", KEYFILE_DAMAGED },
		{ "DEK-Info", "DEK-Info: AES-128-CBC,0011223344556677001122334455667x",
		    KEYFILE_DAMAGED },
		{ "DEK-Info", "DEK-Info: AES-128-CBC,001122334455667700112233445566778899",
		    KEYFILE_DAMAGED },
		{ "DEK-Info", "DEK-Info: AES-256-CBC,00112233445566770011223344556677",
		    KEYFILE_WRONG_PASSPHRASE },
		{ "DEK-Info", "X-Other: yes", KEYFILE_DAMAGED },
		{ "Proc-Type", "Proc-Type: 4,CLEAR", KEYFILE_DAMAGED },
		{ "Proc-Type", "A: b\nA: b\nA: b\nA: b\nA: b\nA: b\nA: b\nA: b", KEYFILE_DAMAGED },
	};
	const struct keyfile_file *f = named("rsa.pem.enc");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum keyfile_result r = read_with_line(f, cases[i].start, cases[i].line);

		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].line, r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_read),
		cmocka_unit_test(passphrases_are_told_apart),
		cmocka_unit_test(refusals_have_their_reason),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_truncation_inside_is_refused),
		cmocka_unit_test(no_change_makes_another_key),
		cmocka_unit_test(a_wrong_half_of_rsa_is_refused),
		cmocka_unit_test(scalars_are_of_their_curve),
		cmocka_unit_test(hostile_putty_headers_are_refused),
		cmocka_unit_test(damaged_putty_files_may_end_in_blanks),
		cmocka_unit_test(hostile_pem_headers_are_refused),
	};

	if (keyfile_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, keyfile_files_make, keyfile_files_forget);
}
